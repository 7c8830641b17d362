"""The folder of kept pages: WARC files that grow on a disk, or objects on S3, which cannot grow and so are many."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Protocol

from storage.files.folder import MissingFile
from storage.files.local_folder import LocalFolder, append, named_disk_errors, replaced, sync_folder
from storage.files.object_folder import ObjectFolder


class PageFolder(Protocol):
    """WARC files by name; `grows`: a file can be added to. Methods block, and raise StorageError."""

    @property
    def grows(self) -> bool:
        """Whether a file can be added to."""
        ...

    def sizes(self) -> dict[str, int]:
        """Return the size of each file that can be added to."""
        ...

    def add(self, name: str, content: bytes, *, at: int) -> None:
        """Write at the end of a file, which is at `at`: what stands behind it was left by a crash, and is cut off."""
        ...

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Return a span of a file. Raises MissingFile."""
        ...

    def overwrite(self, name: str, offset: int, content: bytes) -> None:
        """Put other bytes into a file: a reader sees the old or the new file. Raises MissingFile."""
        ...


class LocalPages:
    """A folder of the file system."""

    grows = True

    def __init__(self, path: Path) -> None:
        self._path = path

    def __str__(self) -> str:
        return str(self._path)

    def sizes(self) -> dict[str, int]:
        """Look at all of them: one a day."""
        return LocalFolder(self._path).sizes()

    def add(self, name: str, content: bytes, *, at: int) -> None:
        """Append, on disk when this returns."""
        with named_disk_errors(self._path):
            self._path.mkdir(parents=True, exist_ok=True)
            append(self._path / name, content, at=at)
            if at == 0:
                sync_folder(self._path)

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Read the span."""
        with named_disk_errors(self._path):
            try:
                with (self._path / name).open("rb") as file:
                    file.seek(offset)
                    return file.read(length)
            except FileNotFoundError as exc:
                raise MissingFile(f"{self}/{name}") from exc

    def overwrite(self, name: str, offset: int, content: bytes) -> None:
        """Write a copy beside, then rename it over the old file."""
        path = self._path / name
        with named_disk_errors(self._path):
            if not path.is_file():
                raise MissingFile(str(path))
            with path.open("rb") as old, replaced(path) as file:
                shutil.copyfileobj(old, file)
                file.seek(offset)
                file.write(content)
            sync_folder(self._path)


class ObjectPages:
    """The objects below a prefix; each holds the pages of a batch."""

    grows = False

    def __init__(self, location: str) -> None:
        self._folder = ObjectFolder(location)

    def __str__(self) -> str:
        return str(self._folder)

    def sizes(self) -> dict[str, int]:
        """Return nothing: no object can be added to."""
        return {}

    def add(self, name: str, content: bytes, *, at: int) -> None:
        """Create the object."""
        self._folder.write({name: content})

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Read the span alone."""
        return self._folder.read(name, offset, offset + length)

    def overwrite(self, name: str, offset: int, content: bytes) -> None:
        """Replace the object."""
        whole = self._folder.read(name)
        self._folder.replace(name, whole[:offset] + content + whole[offset + len(content) :])


def open_pages(data: Path, place: str) -> PageFolder:
    """Return the folder at `place`, a name below `data` or s3://bucket/prefix, untouched."""
    return ObjectPages(place) if place.startswith("s3://") else LocalPages(data / place)
