"""When to poll a feed again: often enough to miss nothing, and otherwise as rarely as its rhythm allows.

Pure. Two things decide. How much of what the feed brought was new moves the interval up or down; and the feed's own
dates say how fast it has at times filled up: the next poll must come before half of it can have been replaced.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

SHORTEST_S = 5 * 60
LONGEST_S = 12 * 3600
FIRST_S = 30 * 60
UNDATED_LONGEST_S = 2 * 3600  # without dates nothing tells how fast a feed can fill up
MANY_NEW, SOME_NEW = 0.5, 0.1  # shares of the feed's entries
MAX_AGE_CAP_S = 3600  # a longer Cache-Control max-age is a default of the server's, not a statement about news


def next_interval_s(previous_s: int | None, *, entries: int, new: int, longest_s: int | None) -> int:
    """The seconds to wait after a successful poll that brought `new` among `entries` (0, 0: not modified)."""
    interval = float(previous_s or FIRST_S)
    share = new / entries if entries else 0.0
    if previous_s is not None:  # on the first poll everything is new, which says nothing
        interval *= 0.5 if share >= MANY_NEW else 1.0 if share >= SOME_NEW else 1.5
    return round(min(max(interval, SHORTEST_S), longest_s or UNDATED_LONGEST_S, LONGEST_S))


def interval_after_failure_s(previous_s: int | None) -> int:
    """The seconds to wait after a failed poll: twice as long each time, at most half a day; never for ever."""
    return round(min(2 * max(previous_s or 0, FIRST_S), LONGEST_S))


def longest_interval_s(published: Sequence[datetime | None]) -> int | None:
    """The longest safe interval for a feed with these dates: the shortest time in which half of it came in.

    Half an hour where half of it came at once: such feeds are filled in batches, or stamped anew when they are made.
    None where too few entries have a date.
    """
    dates = sorted(date for date in published if date is not None)
    if len(dates) < 4 or len(dates) < len(published) / 2:
        return None
    window = len(dates) // 2
    shortest = min(later - earlier for earlier, later in zip(dates, dates[window:], strict=False))
    seconds = shortest.total_seconds()
    return round(min(seconds, LONGEST_S)) if seconds >= SHORTEST_S else FIRST_S


def next_poll(now: datetime, interval_s: int, *, cache_control: str | None = None) -> datetime:
    """The moment of the next poll; a max-age that the server states is respected up to an hour."""
    stated = re.search(r"\bmax-age=(\d{1,9})", cache_control or "")
    wait_s = max(interval_s, min(int(stated[1]), MAX_AGE_CAP_S)) if stated else interval_s
    return now + timedelta(seconds=wait_s)
