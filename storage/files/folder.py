"""Where the article files are: a folder on this machine, or a prefix of a bucket, behind the same few verbs.

Every method blocks until it is done (`in_thread` keeps that off the event loop) and raises StorageError with one
sentence that says what to do. A file appears whole or not at all, and one that is there is never overwritten by
`write`: two corpora that were pointed at one place are noticed instead of mixed.
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
    """There is no file with this name."""

    def __init__(self, location: str) -> None:
        super().__init__(f"{location}: missing: run 'c5watch corpus repair', which writes it from the index")


class Folder(Protocol):
    """The files of a corpus by name. `str(folder)` is its path or address."""

    @property
    def remote(self) -> bool:
        """Whether naming all files takes longer than an opening may: then only `corpus repair` does it."""
        ...

    def prepare(self) -> None:
        """Make it where it does not exist, as far as that is ours to do, and make sure that it can be used."""
        ...

    def names(self, prefix: str = "") -> set[str]:
        """The names that begin with `prefix`, of whatever kind; none where there is no folder yet."""
        ...

    def sizes(self) -> dict[str, int]:
        """The bytes of every file, by its name."""
        ...

    def read(self, name: str) -> bytes:
        """The content of a file. Raises MissingFile when there is none."""
        ...

    def read_all(self, names: Iterable[str]) -> list[bytes | StorageError]:
        """The content of each file, or why it cannot be read, in the order of `names`; hold a few hundred at most."""
        ...

    def write(self, files: Mapping[str, bytes]) -> None:
        """Add files, on disk when this returns. One that is there with the same bytes is left alone.

        Raises StorageError when one is there with other bytes.
        """
        ...

    def replace(self, name: str, content: bytes) -> None:
        """Give a file another content; a reader sees the old one or the new one."""
        ...

    def remove(self, name: str) -> None:
        """Take a file away; none there is as well."""
        ...


def in_the_way(location: str) -> StorageError:
    """The error for a file that is there with other bytes."""
    return StorageError(
        f"{location} exists with another content than the index has for it: move it away and start again, "
        "or run 'c5watch corpus repair'"
    )


async def in_thread(function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """The result of a blocking call. An interruption comes after its end: what it needs locked stays locked.

    The call can see in `GIVEN_UP` that nobody waits for its result any more, and end early.
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
        with contextlib.suppress(Exception):  # nobody waits for it
            call.result()
        raise
