"""Child processes that are killed, forked from a process that has their modules loaded: a round takes a moment.

    with nursery() as fork:
        assert fork(function, argument, kill_after=0.1) in (KILLED, 0)

Tests ask for the fixture `fork` (tests/conftest.py) instead. The nursery imports what a function's module imports, so a
test module imports at its top what its children would import late: no child is then killed while it is still importing.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

KILLED, CUT = -signal.SIGKILL, 7  # how a child ends
PATIENCE_S = 300.0  # for a child that should have ended long before

Fork = Callable[..., int]


def _serve(connection: Connection) -> None:
    """Fork a child for each task received, kill it after so many seconds, send back how it ended."""
    while task := connection.recv():
        function, arguments, options, kill_after = task
        if not (child := os.fork()):
            try:
                function(*arguments, **options)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(child, signal.SIGKILL)  # not waited for yet: the number is still its own
        connection.send(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


@contextmanager
def nursery() -> Iterator[Fork]:
    """Give a function that runs another one in a child process of its own and returns the exit code."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()

    def fork(
        function: Callable[..., None], *arguments: object, kill_after: float | None = None, **options: object
    ) -> int:
        ours.send((function, arguments, options, kill_after))
        assert ours.poll(PATIENCE_S), "the child neither ended nor died"
        code: int = ours.recv()
        return code

    try:
        yield fork
    finally:
        ours.send(None)
        process.join()
        process.close()
        ours.close()
        theirs.close()
