"""The data of the status page: the results of the last days, for each source and in total, from the index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, func, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from config.sources import Source
from extractors.records import Counted, Outcome
from storage.health.states import SourceState, load_states
from storage.index.schema import EPOCH, articles, hosts, runs, urls
from storage.state.entries import is_waiting

DAYS = 30  # that the page looks back
NEWEST = 40  # articles listed
RUNS = 12  # passes listed
MS_PER_DAY = 86_400_000
_LAST_PASS = select(runs.c.finished_at).where(runs.c.kind == "monitor", runs.c.finished_at.is_not(None))
_LAST_PASS = _LAST_PASS.order_by(runs.c.finished_at.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class NewArticle:
    """An article of the corpus, with the fields that a list shows."""

    number: int
    title: str | None
    url: str | None
    source_id: str | None
    published: date | None
    language: str | None
    borderline: bool


@dataclass(frozen=True, slots=True)
class Run:
    """A pass or a backfill; `finished_at` is None while it is under way, or if it died."""

    kind: str
    started_at: datetime
    finished_at: datetime | None
    summary: Mapping[str, Any]


@dataclass(slots=True)
class SourceReport:
    """A source: the results of its last 30 days, and its present state."""

    source_id: str
    state: SourceState
    days: Counter[date] = field(default_factory=Counter)  # articles appended
    outcomes: Counter[str] = field(default_factory=Counter)
    pending: int = 0

    def number(self, *counted: Counted) -> int:
        """Return the number of its entries that are counted as any of these."""
        return sum(self.outcomes[outcome] for outcome in Outcome.which(*counted))


@dataclass(slots=True)
class Report:
    """The data of the page. `slow` are hosts that are asked less often than others, with the reason."""

    articles: int
    newest: list[NewArticle]
    sources: list[SourceReport]
    runs: list[Run]
    reasons: Counter[tuple[str, str]]  # outcome and reason → number of entries that should have brought an article
    slow: list[tuple[str, str]]
    last_pass: datetime | None  # when the last pass of the monitor ended; None: none has

    @property
    def outcomes(self) -> Counter[str]:
        """All sources' outcomes of the last days."""
        return sum((source.outcomes for source in self.sources), Counter())


async def load_report(
    connection: AsyncConnection, sources: Sequence[Source], *, zone: ZoneInfo, now: datetime
) -> Report:
    """Return the state of these sources at `now`; days are counted in `zone`."""
    count = await connection.scalar(select(func.count()).select_from(articles))
    states = await load_states(connection, sources, now=now)
    found = {source_id: SourceReport(source_id, state) for source_id, state in states.items()}
    reasons = await _outcomes(connection, found, zone, now)
    rows = await connection.execute(select(runs).order_by(runs.c.id.desc()).limit(RUNS))
    return Report(
        articles=count or 0,
        newest=await _newest(connection),
        sources=list(found.values()),
        runs=[Run(row.kind, row.started_at, row.finished_at, row.summary or {}) for row in rows],
        reasons=reasons,
        slow=await _slow_hosts(connection, now),
        last_pass=(await connection.execute(_LAST_PASS)).scalar(),
    )


async def _newest(connection: AsyncConnection) -> list[NewArticle]:
    columns = ("number", "title", "url", "canonical_url", "source_id", "published", "language", "borderline")
    query = select(*(articles.c[name] for name in columns)).order_by(articles.c.number.desc()).limit(NEWEST)
    return [
        NewArticle(
            number=row.number,
            title=row.title,
            url=url if (url := row.url or row.canonical_url) and url.startswith(("http://", "https://")) else None,
            source_id=row.source_id,
            published=row.published,
            language=row.language,
            borderline=bool(row.borderline),
        )
        for row in await connection.execute(query)
    ]


async def _outcomes(
    connection: AsyncConnection, found: Mapping[str, SourceReport], zone: tzinfo, now: datetime
) -> Counter[tuple[str, str]]:
    """Fill in the outcomes of each source's entries by day; return the reasons of entries that brought no article."""
    first = now.astimezone(zone).date() - timedelta(days=DAYS - 1)
    offset = now.astimezone(zone).utcoffset() or timedelta(0)  # today's: a change of clocks moves few
    since = datetime(first.year, first.month, first.day, tzinfo=UTC) - offset
    day = (type_coerce(urls.c.decided_at, BigInteger) + offset // timedelta(milliseconds=1)) // MS_PER_DAY
    facts = (urls.c.source_id, day.label("day"), urls.c.outcome, urls.c.reason)
    query = (
        select(*facts, func.count().label("number"))
        .where(urls.c.source_id.in_(list(found)), urls.c.decided_at >= since)
        .group_by(*facts)
    )
    brought = Outcome.which(Counted.APPENDED)
    as_it_should_be = Outcome.which(Counted.DUPLICATES, Counted.OFF_TOPIC)
    reasons: Counter[tuple[str, str]] = Counter()
    for row in await connection.execute(query):
        if row.outcome is None:
            continue
        source = found[row.source_id]
        source.outcomes[row.outcome] += row.number
        if row.outcome in brought:
            source.days[(EPOCH + timedelta(days=int(row.day))).date()] += row.number
        elif row.reason and row.outcome not in as_it_should_be:
            reasons[row.outcome, row.reason] += row.number
    pending = select(urls.c.source_id, func.count().label("number")).where(
        urls.c.source_id.in_(list(found)), urls.c.window.is_(None), is_waiting()
    )
    for row in await connection.execute(pending.group_by(urls.c.source_id)):
        found[row.source_id].pending = row.number
    return reasons


async def _slow_hosts(connection: AsyncConnection, now: datetime) -> list[tuple[str, str]]:
    """Return hosts that have a longer gap after an overload, or that asked to be left alone, with the reason."""
    query = select(hosts).where(or_(hosts.c.interval_s > 0, hosts.c.not_before > now)).order_by(hosts.c.host)
    slow = []
    for row in await connection.execute(query):
        why = [f"asked every {row.interval_s:g} s at most, because it was overloaded"] if row.interval_s else []
        if row.not_before and row.not_before > now:
            why.append(f"asked to be left alone until {row.not_before:%Y-%m-%d %H:%M} UTC")
        slow.append((row.host, "; ".join(why)))
    return slow
