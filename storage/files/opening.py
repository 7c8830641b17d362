"""The folder that a place names: a path, or s3://bucket/prefix."""

from __future__ import annotations

from pathlib import Path

from config.settings import Storage
from storage.files.article_file import FileName
from storage.files.folder import Folder
from storage.files.local_folder import LocalFolder


def open_folder(data: Path, storage: Storage) -> Folder:
    """The folder that `[storage] corpus` names. Touches nothing yet. Raises StorageError when s3fs is not installed."""
    return folder_at(storage.corpus) if storage.corpus.startswith("s3://") else LocalFolder(data / storage.corpus)


def folder_at(location: str) -> Folder:
    """The folder with this path or `s3://bucket/prefix`. Touches nothing yet."""
    if not location.startswith("s3://"):
        return LocalFolder(Path(location))
    from storage.files.object_folder import ObjectFolder

    return ObjectFolder(location)


def is_leftover(name: str) -> bool:
    """Whether this is what a writer leaves that died within a file."""
    return name.startswith(".") and name.endswith(".tmp") and FileName.parse(name[1:-4]) is not None
