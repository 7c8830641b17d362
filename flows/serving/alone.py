"""One program at a time: a file lock, which the system releases however the program ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.files.local_folder import named_disk_errors


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Lock the file for the duration of the block; yield whether it was free. Raises StorageError."""
    with named_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)  # for people: which process holds the lock
        yield True
    finally:
        os.close(file)
