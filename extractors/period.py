"""Periods of days: those in addresses, of backfills, and of windows in the index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

DAY = timedelta(days=1)
MONTH = 28  # days: windows of at least this length end with a calendar month


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` to `last`, both included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise ValueError(f"expected the first day before the last, found {self.first} and {self.last}")

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def __str__(self) -> str:
        return f"{self.first} – {self.last}"

    def side(self, other: Period) -> int:
        """Return -1 where all of this period lies before `other`, 1 where all of it lies after, 0 otherwise."""
        return (self.first > other.last) - (self.last < other.first)

    @property
    def wide(self) -> Period:
        """Return the period with one more day at both ends.

        Outlets date by their own clock, and their servers by another: a sitemap by the day may be cut at midnight UTC,
        an agency dates its Bishkek edition in Moscow. An article that is dated up to a day outside a period may belong
        to it; its page decides.
        """
        return Period(self.first - DAY, self.last + DAY)

    def moments(self, zone: tzinfo) -> tuple[datetime, datetime]:
        """Return the first moment of the period in `zone`, and the first moment after it."""
        return datetime.combine(self.first, time(), zone), datetime.combine(self.last + DAY, time(), zone)


def day_of(moment: datetime, zone: tzinfo) -> Period:
    """Return the day of a moment in `zone`."""
    day = moment.astimezone(zone).date()
    return Period(day, day)


def month_of(year: int, month: int) -> Period:
    """Return all days of a month. Raises ValueError when there is no such month."""
    first = date(year, month, 1)
    return Period(first, (first + 31 * DAY).replace(day=1) - DAY)


def hull(periods: Iterable[Period]) -> Period | None:
    """Return the shortest period that covers all of `periods`; None if there are none."""
    known = list(periods)
    return Period(min(p.first for p in known), max(p.last for p in known)) if known else None


def each_day(period: Period) -> Iterator[date]:
    """Yield the days of a period, in order."""
    for offset in range((period.last - period.first).days + 1):
        yield period.first + offset * DAY


def cut(period: Period, done: Iterable[Period], *, days: int | None) -> list[Period]:
    """Return the stretches of `period` that nothing in `done` covers, oldest first, each of at most `days` days.

    Long ones end with a calendar month where they can, so that overlapping backfills share their windows.
    """
    gaps, start = [], period.first
    for covered in sorted(done, key=lambda one: one.first):
        end = min(covered.first - DAY, period.last)
        if end >= start:
            gaps.append(Period(start, end))
        start = max(start, covered.last + DAY)
    if start <= period.last:
        gaps.append(Period(start, period.last))
    return [part for gap in gaps for part in _parts(gap, days)]


def _parts(gap: Period, days: int | None) -> Iterator[Period]:
    start = gap.first
    while start <= gap.last:
        end = gap.last if days is None else min(gap.last, start + (days - 1) * DAY)
        if days is not None and days >= MONTH:
            end = min(end, month_of(start.year, start.month).last)
        yield Period(start, end)
        start = end + DAY
