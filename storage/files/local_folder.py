"""Article files in a folder of the file system; files are replaced so that a crash never leaves half a file."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from storage.errors import StorageError
from storage.files.folder import MissingFile, in_the_way

SET_ASIDE = "set-aside"  # below the data folder: files that were in the way; never emptied by c5watch


class LocalFolder:
    """A folder of the file system."""

    remote = False

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def prepare(self) -> None:
        """Make the folder. Raises StorageError if it cannot be made or written."""
        with named_disk_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            if not os.access(self.path, os.W_OK):
                raise PermissionError(13, "Permission denied", str(self.path))

    def names(self, prefix: str = "") -> set[str]:
        """Return the names in the folder, with hidden files and folders."""
        with named_disk_errors(self.path):
            try:
                found = os.listdir(self.path)  # noqa: PTH208 - ten times as fast as Path.iterdir
            except FileNotFoundError:
                return set()
        return {name for name in found if name.startswith(prefix)} if prefix else set(found)

    def sizes(self) -> dict[str, int]:
        """Return the size in bytes of each file."""
        with named_disk_errors(self.path):
            try:
                with os.scandir(self.path) as entries:
                    return {entry.name: entry.stat().st_size for entry in entries if entry.is_file()}
            except FileNotFoundError:
                return {}

    def read(self, name: str) -> bytes:
        """Return the file's content."""
        with named_disk_errors(self.path / name):
            try:
                return (self.path / name).read_bytes()
            except FileNotFoundError as exc:
                raise MissingFile(str(self.path / name)) from exc

    def read_all(self, names: Iterable[str]) -> list[bytes | StorageError]:
        """Return the content of each file; read them in turn."""
        return [_or_error(self.read, name) for name in names]

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write beside, then rename; names and contents survive a power cut."""
        with named_disk_errors(self.path):
            for name, content in files.items():
                write_file(self.path / name, content)
            sync_folder(self.path)

    def replace(self, name: str, content: bytes) -> None:
        """Write beside, then rename over the old file."""
        with named_disk_errors(self.path):
            put_file(self.path / name, content)
            sync_folder(self.path)

    def remove(self, name: str) -> None:
        """Delete the file."""
        with named_disk_errors(self.path):
            (self.path / name).unlink(missing_ok=True)


def write_file(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all; leave an existing file with the same bytes alone."""
    try:
        present = path.read_bytes()
    except FileNotFoundError:
        put_file(path, content)
        return
    if present != content:
        raise in_the_way(str(path))


def put_file(path: Path, content: bytes) -> None:
    """Replace the content of a file; nothing half-written is left when the disk is full."""
    with replaced(path) as file:
        file.write(content)


@contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to, which at the end takes the place of `path`: readers see the old or the new one."""
    beside = path.with_name(f".{path.name}.tmp")
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def append(path: Path, content: bytes, *, at: int | None = None) -> None:
    """Add to the end of a file, on disk when this returns; add nothing if the disk is full.

    What stands behind `at` was left by a crash, and is cut off.
    """
    with path.open("ab", buffering=0) as file:  # a buffer would be written again on closing
        size = file.tell() if at is None else at
        if file.tell() != size:
            file.truncate(size)
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(size)
            raise


def sync_folder(path: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class named_disk_errors:
    """A context that turns an OSError into a StorageError that says what to do."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, OSError):
            where = error.filename or self._path
            raise StorageError(
                f"{where}: {error.strerror}: check the disk and the folder's permissions, "
                "or name another folder with --data"
            ) from error


def keep_aside(data: Path, name: str, content: bytes) -> str:
    """Keep a file's content in `set-aside` below `data`, on disk when this returns; the same content only once.

    Return its place, relative to `data`.
    """
    folder = data / SET_ASIDE
    with named_disk_errors(folder):
        folder.mkdir(exist_ok=True)
        for number in itertools.count(1):
            target = folder / (name if number == 1 else f"{name}.{number}")
            if not target.exists():
                put_file(target, content)
                sync_folder(folder)
                break
            if target.read_bytes() == content:
                break
    return f"{SET_ASIDE}/{target.name}"


def _or_error(read: Callable[[str], bytes], name: str) -> bytes | StorageError:
    try:
        return read(name)
    except StorageError as error:
        return error
