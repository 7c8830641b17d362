"""Open the folder at a location: a path, or s3://bucket/prefix."""

from __future__ import annotations

from pathlib import Path

from config.settings import Storage
from storage.files.article_file import FileName
from storage.files.folder import Folder
from storage.files.local_folder import LocalFolder


def open_folder(data: Path, storage: Storage) -> Folder:
    """Return the folder that `[storage] corpus` names, untouched. Raises StorageError if s3fs is not installed."""
    return folder_at(storage.corpus) if storage.corpus.startswith("s3://") else LocalFolder(data / storage.corpus)


def folder_at(location: str) -> Folder:
    """Return the folder with this path or `s3://bucket/prefix`, untouched."""
    if not location.startswith("s3://"):
        return LocalFolder(Path(location))
    from storage.files.object_folder import ObjectFolder

    return ObjectFolder(location)


def is_leftover(name: str) -> bool:
    """Return whether a writer that died within a file has left this name."""
    return name.startswith(".") and name.endswith(".tmp") and FileName.parse(name[1:-4]) is not None
