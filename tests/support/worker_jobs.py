"""Jobs for child processes that behave badly: a child can only run what it can import."""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from extractors.records import ItemError, Outcome

RETRY_AFTER = datetime(2025, 11, 22, 7, 0, tzinfo=UTC)


def double(number: int) -> int:
    """Twice the number."""
    return 2 * number


def process_id(_: object) -> int:
    """Which process this ran in."""
    return os.getpid()


def refuse(url: str) -> None:
    """An ItemError with something in each field."""
    raise ItemError(Outcome.PAYWALLED, "stub", url=url, detail="первый абзац", retry_after=RETRY_AFTER)


def fail(message: str) -> None:
    """A bug."""
    raise KeyError(message)


def sleep(seconds: float) -> None:
    """Longer than any limit, in a call that Python waits for."""
    time.sleep(seconds)


def spin(_: object) -> None:
    """Longer than any limit, in Python code."""
    while True:
        pass


def meet(place: tuple[Path, str]) -> int:
    """Wait for another job that comes to the same folder at the same time."""
    folder, name = place
    (folder / name).touch()
    while (found := len(list(folder.iterdir()))) < 2:
        time.sleep(0.01)
    return found


def swell(megabytes: int) -> int:
    """So much memory at once."""
    return len(bytearray(megabytes * 1_000_000))


def crash(_: object) -> None:
    """What a bug in a C library does."""
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(10)


def leave(code: int) -> None:
    """End the process in the middle of a job."""
    os._exit(code)


def leave_later(seconds: float) -> int:
    """End the process when the job is done and nobody has given it another; return its number."""
    threading.Timer(seconds, os._exit, (9,)).start()
    return os.getpid()


def kill_the_fork_server(_: object) -> None:
    """Kill the parent of all children."""
    os.kill(os.getppid(), signal.SIGKILL)


def first_byte(body: bytes) -> int:
    """Take a large argument and give a small result."""
    return body[0]
