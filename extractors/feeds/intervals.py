"""Decide when to poll a feed again: often enough to miss nothing, else as rarely as its rhythm allows.

Pure. Two things decide. How much of what the feed brought was new moves the interval up or down. And how fast the feed
has at times filled up bounds it: the next poll must come before half of it can have been replaced. The feed shows that
itself, by its dates and by what it brings; but at night it shows the night's pace and on Sunday Sunday's, so the bound
is remembered for about a week, which holds all the paces an outlet has.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from extractors.fetching.hosts import MAX_RETRY_AFTER

SHORTEST_S = 5 * 60
LONGEST_S = 12 * 3600
FIRST_S = 30 * 60
UNDATED_LONGEST_S = 2 * 3600  # without dates a sudden crowd shows only when it is there
WEEK_S = 7 * 24 * 3600  # outlets keep the rhythm of the day and of the week
FADED = 20  # weeks after which nothing is left of what was remembered
MANY_NEW, SOME_NEW = 0.5, 0.1  # shares of the feed's entries
TELLING_SHARE = 0.25  # from so many new ones on, what a poll brought tells how fast the feed fills up
HOUR_S, DAY_S = 3600, 24 * 3600
STRETCHES_S = (DAY_S, 8 * HOUR_S, 4 * HOUR_S, 2 * HOUR_S, HOUR_S)
MAX_AGE_CAP_S = 3600  # a longer Cache-Control max-age is a default of the server's, not a statement about news


def next_interval_s(previous_s: int | None, *, entries: int, new: int, longest_s: int | None) -> int:
    """Return the seconds to wait after a successful poll that brought `new` among `entries` (0, 0: not modified)."""
    interval = float(previous_s or FIRST_S)
    share = new / entries if entries else 0.0
    if previous_s is not None:  # on the first poll everything is new, which says nothing
        interval *= 0.5 if share >= MANY_NEW else 1.0 if share >= SOME_NEW else 1.5
    return round(max(SHORTEST_S, min(interval, longest_s or UNDATED_LONGEST_S, LONGEST_S)))


def interval_after_failure_s(previous_s: int | None, *, failures: int = 0, longest_s: int | None = None) -> int:
    """Return the seconds to wait after a failed poll, with so many failed before it; never for ever.

    A feed that has been read before may be well again at any moment, and is then full of what nobody has read: each
    new entry pushes one of these out. So for a week it is asked as often as a quarter of `longest_s` says, the server
    in trouble being left half an hour at least. After that, or when it was never read (None), twice as long each time,
    up to half a day.
    """
    previous = previous_s or 0
    if longest_s is not None:
        limit = min(max(longest_s // 4, FIRST_S), LONGEST_S)
        if failures * limit < WEEK_S:
            return min(max(2 * previous, FIRST_S), limit)
    return min(2 * max(previous, FIRST_S), LONGEST_S)


def learnt_longest_s(
    remembered_s: int | None,
    published: Sequence[datetime | None],
    *,
    new: int = 0,
    elapsed_s: float | None = None,
) -> int:
    """Return the longest interval that is sure to miss nothing, after a poll that brought entries with these dates.

    Of all that is known the shortest: what the dates say, what the poll `elapsed_s` after the last one brought, and
    what is remembered, which fades by half in a week. A rate seen within a week can so fill the feed once at most
    between two polls. A feed whose dates go back a week shows all its paces: nothing needs to be remembered.
    Without a memory, dates that go back less far count for as much less.
    """
    stated_s = longest_interval_s(published)
    shown_s = _span_s(published) if stated_s is not None else 0.0
    if remembered_s is None:
        if stated_s is None:
            return FIRST_S
        learnt = max(min(stated_s, FIRST_S), stated_s * min(1.0, shown_s / WEEK_S))
        return round(learnt)
    limits: list[float] = [UNDATED_LONGEST_S if published and stated_s is None else LONGEST_S]
    if stated_s is not None:
        limits.append(stated_s)
    if shown_s < WEEK_S:
        # Whole seconds, rounded up: to the nearest one, what is below ten minutes would never fade.
        limits.append(math.ceil(remembered_s * 2 ** min((elapsed_s or 0.0) / WEEK_S, FADED)))
    if elapsed_s and new >= TELLING_SHARE * len(published) > 0:
        limits.append(elapsed_s * len(published) / 2 / new)
    return round(max(SHORTEST_S, min(limits)))


def longest_interval_s(published: Sequence[datetime | None]) -> int | None:
    """Return the longest safe interval for a feed with these dates: the shortest time in which half of it came in.

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


def next_poll(
    now: datetime, interval_s: int, *, cache_control: str | None = None, longest_s: int | None = None
) -> datetime:
    """Return the moment of the next poll; a max-age that the server states is respected up to an hour and `longest_s`.

    Beyond that entries would be lost: the servers that state an hour over a feed that fills up in half of one do not
    mean it so.
    """
    stated = re.search(r"\bmax-age=(\d{1,9})", cache_control or "")
    cap_s = min(MAX_AGE_CAP_S, longest_s or MAX_AGE_CAP_S)
    wait_s = max(interval_s, min(int(stated[1]), cap_s)) if stated else interval_s
    return now + timedelta(seconds=wait_s)


def is_full_due(url: str, last: datetime | None, now: datetime, *, longest_s: int | None = None) -> bool:
    """Say whether the feed at `url`, last asked at `last`, is to be asked without validators this time.

    Some servers answer "not modified" for ever. So each feed is asked for its whole body once a day, and more often,
    but at most once an hour, if all of it can be replaced in less: that takes twice `longest_s`. The stretches begin
    at another time for each feed, and the short ones where the long ones do: `longest_s` is another at each poll, and
    a boundary must not move with it. A body that has not changed after all is known by its hash.
    """
    if last is None:
        return True
    replaced_s = 2 * longest_s if longest_s else DAY_S
    stretch_s = next((stretch_s for stretch_s in STRETCHES_S if stretch_s <= replaced_s), HOUR_S)
    offset_s = zlib.crc32(url.encode()) % DAY_S
    return (now.timestamp() + offset_s) // stretch_s != (last.timestamp() + offset_s) // stretch_s


def is_poll_due(moment: datetime | None, *, now: datetime) -> bool:
    """Whether a feed is to be asked; a moment further ahead than any rule puts it was noted by a wrong clock."""
    return moment is None or moment <= now or moment > now + timedelta(seconds=LONGEST_S) + MAX_RETRY_AFTER


def _span_s(published: Sequence[datetime | None]) -> float:
    dates = [date for date in published if date is not None]
    return (max(dates) - min(dates)).total_seconds() if dates else 0.0
