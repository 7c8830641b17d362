"""The coverage of a past period: for each source and day, the listed entries and their outcomes.

It is a query over the index, so entries of the monitor count as well. An entry belongs to the day that its page
states, else to the day that its feed or archive states; undated entries are counted apart.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from statistics import median

from sqlalchemy import BigInteger, func, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.period import DAY, Period, each_day
from extractors.records import Again, Counted, Outcome, Yield
from storage.index.schema import EPOCH, urls, windows

PENDING = "pending"
THIN = 0.4  # share of the weekday's usual number
USUAL_AT_LEAST = 3  # entries a day: fewer show no rhythm
WEEKS = 3  # of a weekday from which on it has its own usual number


@dataclass(frozen=True, slots=True)
class Cell:
    """A source on a day. `usual` is the usual number of entries on this weekday, None if not known."""

    listed: int
    fetched: int
    kept: int
    duplicates: int
    off_topic: int
    failed: int  # and all other outcomes that brought no article
    pending: int
    reasons: Mapping[str, int]  # of the failures
    searched: bool  # an archive was searched for this day
    usual: float | None

    @property
    def blank(self) -> bool:
        """Whether the day was never searched, so that its emptiness tells nothing."""
        return not self.searched and not self.listed

    @property
    def thin(self) -> bool:
        """Whether the day lags far behind the usual number."""
        return self.usual is not None and not self.blank and self.listed < THIN * self.usual


@dataclass(slots=True)
class SourceCoverage:
    """A source over the period; `undated` counts entries without a day, by outcome."""

    source_id: str
    days: dict[date, Cell] = field(default_factory=dict)
    undated: Counter[str] = field(default_factory=Counter)
    has_route: bool = True  # to its back issues

    def total(self, name: str) -> int:
        """Return the sum of a field of the cells over all days."""
        return sum(int(getattr(cell, name)) for cell in self.days.values())


@dataclass(slots=True)
class _Count:
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    fetched: int = 0


async def load_coverage(
    connection: AsyncConnection, zones: Mapping[str, tzinfo], period: Period, *, now: datetime
) -> list[SourceCoverage]:
    """Return the coverage of each source in `zones`, which gives the time zone of its days.

    An unfinished day is never thin.
    """
    of_other_days, not_fetched = Outcome.which(Again.OF_ITS_DAYS), Outcome.which(Yield.NOT_FETCHED)
    no_article = Outcome.which(Counted.FAILED, Counted.OTHER)
    counts: dict[tuple[str, date | None], _Count] = defaultdict(_Count)
    async for source_id, day, outcome, reason, texts, number in _rows(connection, zones, period):
        count = counts[source_id, day]
        if outcome in of_other_days:  # left to an earlier period: the next backfill of this period takes it on
            outcome = None
        count.outcomes[outcome or PENDING] += number
        count.fetched += texts if outcome is None or outcome in not_fetched else number
        if outcome in no_article:
            count.reasons[reason or outcome or ""] += number
    searched = await _searched(connection, list(zones), period)
    today = {source_id: now.astimezone(zone).date() for source_id, zone in zones.items()}
    return [_source(source_id, counts, searched[source_id], period, today[source_id]) for source_id in zones]


async def _rows(
    connection: AsyncConnection, zones: Mapping[str, tzinfo], period: Period
) -> AsyncIterator[tuple[str, date | None, str | None, str | None, int, int]]:
    """Yield source, day, outcome, reason, the number of entries with a text, the number of entries."""
    facts = (urls.c.source_id, urls.c.outcome, urls.c.reason)
    numbers = (func.count(urls.c.words).label("texts"), func.count().label("number"))
    ours = urls.c.source_id.in_(list(zones))
    dated = select(*facts, urls.c.day, *numbers).where(ours, urls.c.day.between(period.first, period.last))
    for row in await connection.execute(dated.group_by(*facts, urls.c.day)):
        yield row.source_id, row.day, row.outcome, row.reason, row.texts, row.number

    start, end = period.wide.moments(UTC)
    by_offset: dict[timedelta | None, list[str]] = defaultdict(list)
    for source_id, zone in zones.items():
        by_offset[_offset(zone, start, end)].append(source_id)
    for offset, source_ids in by_offset.items():
        promised = (urls.c.source_id.in_(source_ids), urls.c.day.is_(None), urls.c.published >= start)
        within = (*promised, urls.c.published < end)
        if offset is not None:  # counted by the database: a month of all sources is a hundred thousand entries
            local = type_coerce(urls.c.published, BigInteger) + offset // timedelta(milliseconds=1)
            days = (local // (DAY // timedelta(milliseconds=1))).label("days")
            for row in await connection.execute(select(*facts, days, *numbers).where(*within).group_by(*facts, days)):
                day = (EPOCH + int(row.days) * DAY).date()
                if day in period:
                    yield row.source_id, day, row.outcome, row.reason, row.texts, row.number
            continue
        async for row in await connection.stream(select(*facts, urls.c.published, urls.c.words).where(*within)):
            day = row.published.astimezone(zones[row.source_id]).date()
            if day in period:
                yield row.source_id, day, row.outcome, row.reason, int(row.words is not None), 1

    touching = select(windows.c.id).where(windows.c.last >= period.first, windows.c.first <= period.last)
    undated = select(*facts, *numbers).where(
        ours, urls.c.day.is_(None), urls.c.published.is_(None), urls.c.window.in_(touching)
    )
    for row in await connection.execute(undated.group_by(*facts)):
        yield row.source_id, None, row.outcome, row.reason, row.texts, row.number


def _offset(zone: tzinfo, start: datetime, end: datetime) -> timedelta | None:
    """Return the zone's offset from UTC between the two moments; None if its clocks change meanwhile."""
    days = range((end - start).days + 1)
    offsets = {(start + number * DAY).astimezone(zone).utcoffset() for number in days}
    return offsets.pop() if len(offsets) == 1 else None


async def _searched(connection: AsyncConnection, source_ids: Sequence[str], period: Period) -> dict[str, set[date]]:
    """Return the days for which an archive was searched, by source."""
    found: dict[str, set[date]] = defaultdict(set)
    query = select(windows.c.source_id, windows.c.first, windows.c.last).where(
        windows.c.source_id.in_(source_ids),
        windows.c.listed_at.is_not(None),
        windows.c.last >= period.first,
        windows.c.first <= period.last,
    )
    for row in await connection.execute(query):
        found[row.source_id].update(each_day(Period(max(row.first, period.first), min(row.last, period.last))))
    return found


def _source(
    source_id: str,
    counts: Mapping[tuple[str, date | None], _Count],
    searched: Iterable[date],
    period: Period,
    today: date,
) -> SourceCoverage:
    days = list(each_day(period))
    found = {day: counts.get((source_id, day), _Count()) for day in days}
    asked = set(searched)
    looked_at = {day: n for day, c in found.items() if (n := c.outcomes.total()) or day in asked}
    usual = usual_numbers({day: number for day, number in looked_at.items() if day < today})
    coverage = SourceCoverage(source_id)
    for day, count in found.items():
        outcomes = count.outcomes
        kept, duplicates, off_topic = (
            sum(outcomes[o] for o in Outcome.which(counted))
            for counted in (Counted.APPENDED, Counted.DUPLICATES, Counted.OFF_TOPIC)
        )
        listed, pending = outcomes.total(), outcomes[PENDING]
        coverage.days[day] = Cell(
            listed=listed, fetched=count.fetched, kept=kept, duplicates=duplicates, off_topic=off_topic,
            failed=listed - kept - duplicates - off_topic - pending, pending=pending, reasons=dict(count.reasons),
            searched=day in asked, usual=usual.get(day),
        )  # fmt: skip
    if undated := counts.get((source_id, None)):
        coverage.undated = undated.outcomes
    return coverage


def usual_numbers(listed: Mapping[date, int]) -> dict[date, float | None]:
    """Return the usual number of each day: the median of its weekday, or of all days if there are few weeks.

    None if the number is too small for a rhythm. Outlets rest on weekends: a thin Sunday is not a gap.
    """
    by_weekday: dict[int, list[int]] = defaultdict(list)
    for day, number in listed.items():
        by_weekday[day.weekday()].append(number)
    overall = median(listed.values()) if listed else 0
    usual = {
        weekday: float(median(numbers)) if len(numbers) >= WEEKS else float(overall)
        for weekday, numbers in by_weekday.items()
    }
    return {day: usual[day.weekday()] if usual[day.weekday()] >= USUAL_AT_LEAST else None for day in listed}
