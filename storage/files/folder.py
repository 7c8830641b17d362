"""The folder of article files, on this machine or under a prefix of a bucket, with the same few methods.

Each method blocks until it is done (`in_thread` keeps it off the event loop) and raises StorageError with a sentence
that says what to do. A file appears whole or not at all, and `write` never overwrites an existing file: two corpora
pointed at the same place are noticed instead of mixed.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import ParamSpec, Protocol, TypeVar

from storage.errors import StorageError

GIVEN_UP: ContextVar[threading.Event | None] = ContextVar("given_up", default=None)  # of the call in this thread
P = ParamSpec("P")
T = TypeVar("T")


class MissingFile(StorageError):
    """The file does not exist."""

    def __init__(self, location: str) -> None:
        super().__init__(f"{location}: missing: run 'c5watch corpus repair', which writes it from the index")


class Folder(Protocol):
    """The files of a corpus by name. `str(folder)` is its path or address."""

    @property
    def remote(self) -> bool:
        """Whether listing all files takes too long for an opening; then only `corpus repair` lists them."""
        ...

    def prepare(self) -> None:
        """Make the folder if it is missing and c5watch may make it; check that it can be used."""
        ...

    def names(self, prefix: str = "") -> set[str]:
        """Return the names that begin with `prefix`, also of other files; empty if there is no folder yet."""
        ...

    def sizes(self) -> dict[str, int]:
        """Return the size in bytes of each file, by its name."""
        ...

    def read(self, name: str) -> bytes:
        """Return the content of a file. Raises MissingFile if it does not exist."""
        ...

    def read_all(self, names: Iterable[str]) -> list[bytes | StorageError]:
        """Return the content of each file, or the error, in the order of `names`: a few hundred at most."""
        ...

    def write(self, files: Mapping[str, bytes]) -> None:
        """Add files, on disk when this returns. A file that exists with the same bytes is left alone.

        Raises StorageError if a file exists with other bytes.
        """
        ...

    def replace(self, name: str, content: bytes) -> None:
        """Replace the content of a file; a reader sees the old or the new content."""
        ...

    def remove(self, name: str) -> None:
        """Delete a file. A missing one is no error."""
        ...


def in_the_way(location: str) -> StorageError:
    """Return the error for a file that exists with other bytes."""
    return StorageError(
        f"{location} exists with another content than the index has for it: move it away and start again, "
        "or run 'c5watch corpus repair'"
    )


async def in_thread(function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Return the result of a blocking call. An interruption waits for its end, so that its locks stay held.

    The call can see in `GIVEN_UP` that its result is no longer needed, and end early.
    """
    given_up = threading.Event()
    token = GIVEN_UP.set(given_up)
    try:
        call = asyncio.ensure_future(asyncio.to_thread(function, *arguments, **options))
    finally:
        GIVEN_UP.reset(token)
    try:
        return await asyncio.shield(call)
    except asyncio.CancelledError:
        given_up.set()
        await asyncio.wait([call])
        with contextlib.suppress(Exception):  # its result is not needed
            call.result()
        raise
