"""Stretches of days, and how a long one is cut up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

DAY = timedelta(days=1)
MONTH = 28  # days: windows at least so long end with a calendar month


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` to `last`, both included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


def each_day(period: Period) -> Iterator[date]:
    """The days of a period, in order."""
    for offset in range((period.last - period.first).days + 1):
        yield period.first + offset * DAY


def cut(period: Period, done: Iterable[Period], *, days: int | None) -> list[Period]:
    """The stretches of `period` that no window in `done` covers, oldest first, each of at most `days` days.

    Long ones end with a calendar month where they can, so that overlapping backfills share their windows.
    """
    covered = sorted(done, key=lambda window: window.first)
    gaps, start = [], period.first
    for window in covered:
        if window.first > start:
            gaps.append(Period(start, min(window.first - DAY, period.last)))
        start = max(start, window.last + DAY)
    if start <= period.last:
        gaps.append(Period(start, period.last))
    return [part for gap in gaps if gap.first <= gap.last for part in _parts(gap, days)]


def _parts(gap: Period, days: int | None) -> Iterable[Period]:
    start = gap.first
    while start <= gap.last:
        end = gap.last if days is None else min(gap.last, start + (days - 1) * DAY)
        month_end = (start.replace(day=1) + 32 * DAY).replace(day=1) - DAY
        if days is not None and days >= MONTH:
            end = min(end, month_end)
        yield Period(start, end)
        start = end + DAY
