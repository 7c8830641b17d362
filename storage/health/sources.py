"""The health of each source: its polls, its rhythm of publication, and the yield of its pages.

All requests may succeed while articles no longer come: a feed is abandoned, or a new design hides the text. Both faults
show only in comparison with the source's own past, which the index holds.
"""

from __future__ import annotations

import itertools
import statistics
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Executable,
    bindparam,
    case,
    delete,
    distinct,
    func,
    insert,
    select,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.records import Again, Outcome, Yield
from storage.health.rules import broken_rules
from storage.index.dialects import by_code_point
from storage.index.schema import Moment, feeds, flags, urls

FAILING, SILENT, REDESIGNED, OLD_RULE, REFUSED = "failing", "silent", "redesigned", "old-rule", "refused"
MS_PER_HOUR = 3_600_000
FOREVER = datetime.max.replace(tzinfo=UTC)
HISTORY = timedelta(days=30)
FAILURES_IN_A_ROW = 3
SILENCE_FACTOR = 1.5  # times the longest pause of the last month
SHORTEST_SILENCE = timedelta(hours=2)
# Fewer pauses show no rhythm. After n random pauses the next is 1.5 times the longest with a probability of
# 1.3/n**1.5: for a weekly source that is a false alarm every few months. From an article a day on, nights and weekends
# make the pauses regular.
HOURS_WITH_NEWS = 30
# A source with less news than that is measured by a year of its pauses. After n random ones the next is three times the
# longest with a probability of 6/((n+1)(n+2)(n+3)): one in 286 after ten, one in 10,000 after forty.
RARE_HISTORY, RARE_PAUSES, RARE_FACTOR = timedelta(days=365), 10, 3
ENOUGH_HISTORY = timedelta(days=10)  # contains a whole weekend, Friday evening to Monday morning, wherever it begins
LATEST_PAGES, BASELINE_PAGES, FEWEST_BASELINE_PAGES = 60, 60, 10
FEWEST_BAD_PAGES = 3  # in a row
FEWEST_REFUSED, REFUSED_FOR = 5, timedelta(days=1)  # entries in a row, named over such a time, without one page
NO_PAGE = tuple(  # outcomes of entries whose pages could not be had
    outcome
    for outcome in (*Outcome.which(Again.LATER), Outcome.GAVE_UP)
    if outcome.page is not Yield.NO_TEXT and outcome is not Outcome.PAYWALLED
)
COLLAPSE = 0.4  # of the usual length
# A run of bad pages is flagged if its probability, by their usual share, is below one in 5,000. A source without bad
# pages so far is flagged at the third in a row, with a share of 1 in 20 at the fourth, of 1 in 5 at the sixth.
RARE = 2e-4


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The times at which a source had news in the last month."""

    hours: int  # in which something was published
    longest_pause: timedelta
    last: datetime | None  # when something was last published
    first: datetime | None = None
    arrived: datetime | None = None  # when c5watch last saw a new entry; later than `last` if the entry was dated back
    pauses: int = 0  # between hours with news, where they are so few that a year is looked at


@dataclass(frozen=True, slots=True)
class PageYield:
    """The yield of a page: its words, None if no text was found; whether it had a date."""

    words: int | None
    dated: bool


@dataclass(frozen=True, slots=True)
class Flag:
    """A fault to look at, and its reason."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """A source at a glance. `flags` is empty for a healthy source."""

    source_id: str
    last_success: datetime | None
    failures: int  # polls in a row, of the worst feed
    rhythm: Rhythm
    median_words: int | None
    undated_share: float | None
    flags: tuple[Flag, ...]


async def load_health(
    connection: AsyncConnection,
    source_ids: Sequence[str],
    *,
    now: datetime,
    ruled: Collection[str] = (),
    watched: Mapping[str, str] | None = None,
) -> list[SourceHealth]:
    """Return the health of these sources, in the order given; `ruled` are the sources with site rules.

    `watched` are the feeds of the catalogue with the ids of their sources: no other feed counts. None: all that were
    ever polled.
    """
    polls = await _polls(connection, source_ids, watched)
    noticed = await _noticed(connection, source_ids, REDESIGNED, now=now, since=now - HISTORY)
    silenced = await _noticed(connection, source_ids, SILENT, now=now)
    broken = await broken_rules(connection, [s for s in source_ids if s in ruled])
    found = []
    for source_id in source_ids:
        poll = polls[source_id]
        rhythm = await _rhythm(connection, source_id, now)
        pages = await _pages(connection, source_id, count=LATEST_PAGES, until=FOREVER)
        before = None
        if source_id in noticed:
            before = await _pages(connection, source_id, count=BASELINE_PAGES, until=noticed[source_id])
        success = poll.success
        words = [page.words for page in pages if page.words is not None]
        # Time after the last successful poll is not silence: news published since are unknown.
        until = min(success or now, now)
        flagged = assess(
            failures=poll.failures, rhythm=rhythm, pages=pages, now=until, before=before, failing=poll.failing,
            silenced=silenced.get(source_id), refused=await _refused(connection, source_id, until),
        )  # fmt: skip
        found.append(
            SourceHealth(
                source_id=source_id,
                last_success=success,
                failures=poll.failures,
                rhythm=rhythm,
                median_words=round(statistics.median(words)) if words else None,
                undated_share=sum(not page.dated for page in pages) / len(pages) if pages else None,
                flags=(*flagged, Flag(OLD_RULE, broken[source_id])) if source_id in broken else flagged,
            )
        )
    return found


def assess(
    *,
    failures: int,
    rhythm: Rhythm,
    pages: Sequence[PageYield],
    now: datetime,
    before: Sequence[PageYield] | None = None,
    failing: str | None = None,
    silenced: datetime | None = None,
    refused: str | None = None,
) -> tuple[Flag, ...]:
    """Return the faults of a source; `pages` are its latest pages, newest first.

    `failures` are those of its best feed, `failing` tells of single feeds that fail, `refused` of entries whose pages
    cannot be had. `now` is the moment up to which the source's news are known: its last successful poll. `before` are
    the pages before a redesign that was noticed earlier, for comparison; without them the older of `pages` serve.
    `silenced`: it has been called silent since then, which lasts until it speaks again.
    """
    found = []
    if failures >= FAILURES_IN_A_ROW:
        found.append(Flag(FAILING, f"{failures} polls failed in a row"))
    else:
        if failing:
            found.append(Flag(FAILING, failing))
        if silent := _silence(rhythm, now, silenced):
            found.append(silent)
    if refused:
        found.append(Flag(REFUSED, refused))
    if redesigned := _redesign(pages, before):
        found.append(redesigned)
    return tuple(found)


def _silence(rhythm: Rhythm, now: datetime, silenced: datetime | None) -> Flag | None:
    latest = max(filter(None, (rhythm.last, rhythm.arrived)), default=None)
    if silenced is not None and latest is not None and latest <= silenced:
        return Flag(SILENT, f"nothing new for {_span(now - latest)}")
    if rhythm.last is None or rhythm.first is None:
        return None
    rare = rhythm.pauses > 0
    if now - rhythm.first < ENOUGH_HISTORY or (rhythm.pauses < RARE_PAUSES if rare else rhythm.hours < HOURS_WITH_NEWS):
        return None
    # A source that dates its news some hours back, for instance by a wrong zone, is not silent for these hours.
    pause = now - max(rhythm.last, rhythm.arrived or rhythm.last)
    factor = RARE_FACTOR if rare else SILENCE_FACTOR
    if pause <= max(factor * rhythm.longest_pause, SHORTEST_SILENCE):
        return None
    return Flag(SILENT, f"nothing new for {_span(pause)}; its longest pause so far was {_span(rhythm.longest_pause)}")


def _redesign(pages: Sequence[PageYield], before: Sequence[PageYield] | None) -> Flag | None:
    if (count := _bad_pages(pages, before, lambda page: page.words is None)) is not None:
        return Flag(REDESIGNED, f"no text found on {count} of its latest pages")
    texts = [page for page in pages if page.words is not None]
    earlier = [page for page in before if page.words is not None] if before is not None else None
    lengths = [page.words or 0 for page in (texts if earlier is None else earlier)]
    usual = statistics.median(lengths or [0])
    if (count := _bad_pages(texts, earlier, lambda page: (page.words or 0) < COLLAPSE * usual)) is not None:
        latest = statistics.median([page.words or 0 for page in texts[:count]])
        return Flag(REDESIGNED, f"texts of {latest:.0f} words where {usual:.0f} were usual")
    if (count := _bad_pages(texts, earlier, lambda page: not page.dated)) is not None:
        return Flag(REDESIGNED, f"no date found on {count} of its latest pages")
    return None


def _bad_pages(
    pages: Sequence[PageYield], before: Sequence[PageYield] | None, is_bad: Callable[[PageYield], bool]
) -> int | None:
    """Return the number of newest pages that are bad in a row, if chance would hardly bring that; else None.

    The probability of a bad page is its share among the earlier pages, by Laplace's rule of succession: never zero. A
    noticed redesign lasts while half of the latest pages are bad: a good page now and then does not end it.
    """
    if before is not None:
        count = sum(map(is_bad, pages[: 2 * FEWEST_BAD_PAGES]))
        usual = sum(map(is_bad, before)) / len(before) if before else 1.0
        return count if count >= FEWEST_BAD_PAGES and usual < 0.5 else None
    count = sum(1 for _ in itertools.takewhile(is_bad, pages))
    baseline = pages[count:]
    if count < FEWEST_BAD_PAGES or len(baseline) < FEWEST_BASELINE_PAGES:
        return None
    chance = (sum(map(is_bad, baseline)) + 1) / (len(baseline) + 2)
    return count if chance**count <= RARE else None


async def store_flags(
    connection: AsyncConnection, health: Sequence[SourceHealth], *, now: datetime
) -> list[tuple[str, Flag]]:
    """Store the present flags of these sources; return the new flags."""
    ids = [h.source_id for h in health]
    columns = (flags.c.source_id, flags.c.flag, flags.c.since)
    rows = await connection.execute(select(*columns).where(flags.c.source_id.in_(ids)))
    known = {(row.source_id, row.flag): row.since for row in rows}
    current = {(h.source_id, flag.name): flag for h in health for flag in h.flags}
    for source_id, name in known.keys() - current.keys():
        await connection.execute(delete(flags).where(flags.c.source_id == source_id, flags.c.flag == name))
    raised = [(key[0], flag) for key, flag in current.items() if key not in known]
    for source_id, flag in raised:
        await connection.execute(insert(flags).values(source_id=source_id, flag=flag.name, since=now, why=flag.why))
    for key in known.keys() & current.keys():
        this_flag = flags.c.source_id == key[0], flags.c.flag == key[1]
        values = {"why": current[key].why, "since": min(known[key], now)}  # later: a clock was wrong
        await connection.execute(update(flags).where(*this_flag).values(**values))
    return raised


async def load_flags(connection: AsyncConnection, source_ids: Sequence[str]) -> dict[str, tuple[Flag, ...]]:
    """Return the last stored flags of these sources; leave out sources without flags."""
    query = select(flags).where(flags.c.source_id.in_(source_ids)).order_by(flags.c.source_id, flags.c.flag)
    found: dict[str, tuple[Flag, ...]] = {}
    for row in await connection.execute(query):
        found[row.source_id] = (*found.get(row.source_id, ()), Flag(row.flag, row.why))
    return found


@dataclass(frozen=True, slots=True)
class _Polls:
    """The polls of a source's feeds: the last success, the failures of the best feed, a word on the others."""

    success: datetime | None = None
    failures: int = 0
    failing: str | None = None


async def _polls(
    connection: AsyncConnection, source_ids: Sequence[str], watched: Mapping[str, str] | None
) -> dict[str, _Polls]:
    rows: dict[str, list[Any]] = {source_id: [] for source_id in source_ids}
    for row in await connection.execute(select(feeds).order_by(feeds.c.url)):
        source_id = row.source_id if watched is None else watched.get(row.url)
        if source_id in rows:
            rows[source_id].append(row)
    return {source_id: _of_feeds(some) for source_id, some in rows.items()}


def _of_feeds(rows: Sequence[Any]) -> _Polls:
    if not rows:
        return _Polls()
    failing = [row for row in rows if row.failures >= FAILURES_IN_A_ROW]
    told = None
    if failing and len(failing) < len(rows):
        worst = max(failing, key=lambda row: row.failures)
        told = f"{len(failing)} of {len(rows)} feeds: {worst.failures} polls failed in a row ({worst.url})"
    success = max((row.succeeded_at for row in rows if row.succeeded_at), default=None)
    return _Polls(success, min(row.failures for row in rows), told)


async def _noticed(
    connection: AsyncConnection, source_ids: Sequence[str], flag: str, *, now: datetime, since: datetime | None = None
) -> dict[str, datetime]:
    """Return since when sources are flagged so. After a month a new design counts as usual: see `since`.

    A moment after `now` is a wrong clock's: it tells nothing.
    """
    query = select(flags.c.source_id, flags.c.since).where(flags.c.source_id.in_(source_ids), flags.c.flag == flag)
    query = query.where(flags.c.since <= now)
    if since is not None:
        query = query.where(flags.c.since > since)
    return {row.source_id: row.since for row in await connection.execute(query)}


async def _refused(connection: AsyncConnection, source_id: str, now: datetime) -> str | None:
    """Return a sentence if no page of the latest entries could be had for a day or longer; None otherwise."""
    values = {"source": source_id, "since": now - RARE_HISTORY, "count": LATEST_PAGES}
    rows = (await connection.execute(_LATEST, values)).all()
    without = list(itertools.takewhile(lambda row: row.outcome in NO_PAGE, rows))
    if len(without) < FEWEST_REFUSED or without[-1].first_seen > now - REFUSED_FOR:
        return None
    reason, _ = Counter(row.reason or row.outcome for row in without).most_common(1)[0]
    return f"no page of its latest {len(without)} entries could be had, mostly {reason}"


async def _rhythm(connection: AsyncConnection, source_id: str, now: datetime) -> Rhythm:
    row = (await connection.execute(_RHYTHM, {"source": source_id, "since": now - HISTORY})).one()
    if row.hours >= HOURS_WITH_NEWS:
        return _rhythm_of(row)
    year = (await connection.execute(_RHYTHM, {"source": source_id, "since": now - RARE_HISTORY})).one()
    usual = HOURS_WITH_NEWS * ((now - year.first) / HISTORY) if year.first else 0
    return _rhythm_of(year, pauses=year.hours - 1) if 1 < year.hours < usual else _rhythm_of(row)


def _rhythm_of(row: Any, *, pauses: int = 0) -> Rhythm:
    return Rhythm(row.hours, timedelta(milliseconds=row.pause or 0), row.last, row.first, row.arrived, pauses)


async def _pages(connection: AsyncConnection, source_id: str, *, count: int, until: datetime) -> list[PageYield]:
    rows = await connection.execute(_PAGES, {"source": source_id, "until": until, "count": count})
    return [PageYield(row.words, bool(row.dated)) for row in rows]


def _span(time: timedelta) -> str:
    hours = time / timedelta(hours=1)
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"


# A pass asks both for each source that it polls. SQLAlchemy takes longer to build them than SQLite to answer them, so
# they are built once.
def _rhythm_query() -> Executable:
    # An entry without a date, or with a future date, counts from the moment when it was seen.
    moment = case((urls.c.published < urls.c.first_seen, urls.c.published), else_=urls.c.first_seen)
    stated = type_coerce(moment, BigInteger)
    source, since = urls.c.source_id == bindparam("source"), bindparam("since", type_=Moment)
    times = (
        select(stated.label("at"), (stated - func.lag(stated).over(order_by=stated)).label("pause"))
        .where(source, urls.c.window.is_(None), urls.c.first_seen > since, moment > since)
        .subquery()
    )
    arrived = select(func.max(urls.c.first_seen)).where(source, urls.c.window.is_(None)).scalar_subquery()
    return select(
        func.count(distinct(times.c.at // MS_PER_HOUR)).label("hours"),
        func.max(times.c.pause).label("pause"),
        type_coerce(func.min(times.c.at), Moment).label("first"),
        type_coerce(func.max(times.c.at), Moment).label("last"),
        type_coerce(arrived, Moment).label("arrived"),
    )


def _pages_query() -> Executable:
    # A page that was screened (`extractors.pages.screen`) counts neither as a page with text nor as a page without,
    # because its text was not sought. A page without text is never screened, so a redesign shows whatever the topic of
    # the pages.
    judged = urls.c.words.is_not(None) | urls.c.outcome.in_(Outcome.which(Yield.NO_TEXT))
    until = urls.c.decided_at < bindparam("until", type_=Moment)
    # What a backfill brings of other years had other designs.
    ours = (urls.c.source_id == bindparam("source"), urls.c.window.is_(None))
    query = select(urls.c.words, urls.c.dated).where(*ours, until, judged)
    # By when they were first seen: a page that is tried again is decided on again, and is no newer for that.
    order = (
        urls.c.first_seen.desc(),
        urls.c.published.desc().nulls_last(),
        by_code_point(urls.c.key),
    )
    return query.order_by(*order).limit(bindparam("count", type_=BigInteger))


def _latest_query() -> Executable:
    ours = (urls.c.source_id == bindparam("source"), urls.c.window.is_(None))
    decided = (urls.c.outcome.is_not(None), urls.c.outcome != Outcome.DUPLICATE)  # a known address tells nothing
    query = select(urls.c.outcome, urls.c.reason, urls.c.first_seen).where(*ours, *decided)
    query = query.where(urls.c.first_seen > bindparam("since", type_=Moment))
    return query.order_by(urls.c.first_seen.desc(), urls.c.key).limit(bindparam("count", type_=BigInteger))


_RHYTHM, _PAGES, _LATEST = _rhythm_query(), _pages_query(), _latest_query()
