"""The process that `c5watch serve` or a worker has started for one run.

A run of `serve`, which gives its process id in the environment, ends together with it. No run prints a traceback when
it is told to end.
"""

from __future__ import annotations

import logging
import os
import sys
from datetime import datetime
from types import TracebackType
from zoneinfo import ZoneInfo

from flows.serving.child import end_with
from flows.serving.schedules import PARENT


def begin() -> None:
    """Tie this process to the `serve` that has started it, if one has, and have it end quietly when told to."""
    parent = os.environ.get(PARENT, "").partition(" ")[0]
    if parent and int(parent) != os.getpid():
        end_with(int(parent))
    sys.excepthook = _tell_unless_told_to_end
    logging.getLogger("asyncio").addFilter(_not_told_to_end)  # the signal may meet the loop, not the flow


def stamp() -> str:
    """Return the time of day for a line of the log, in the zone of `serve`, else in that of this machine."""
    zone = os.environ.get(PARENT, "").partition(" ")[2]
    now = datetime.now(ZoneInfo(zone)) if zone else datetime.now().astimezone()
    return now.isoformat(" ", "seconds")


def _tell_unless_told_to_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not _told_to_end(error):
        sys.__excepthook__(kind, error, trace)


def _not_told_to_end(record: logging.LogRecord) -> bool:
    return not (record.exc_info and _told_to_end(record.exc_info[1]))


def _told_to_end(error: BaseException | None) -> bool:
    from prefect.exceptions import TerminationSignal

    return isinstance(error, TerminationSignal)
