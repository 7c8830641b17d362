"""How each source fares: is it read, does it keep its own rhythm, do its pages still give articles.

Every request may succeed while nothing comes any more: a feed that has stopped being written, a site whose new design
hides the text. Both show only against the source's own past, which the index holds.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, case, delete, func, insert, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.records import Outcome
from storage.schema import EPOCH, feeds, flags, urls

FAILING, SILENT, REDESIGNED = "failing", "silent", "redesigned"
MS_PER_HOUR = 3_600_000
HISTORY = timedelta(days=30)
FAILURES_IN_A_ROW = 3
SILENCE_FACTOR = 1.5  # times the longest pause of the last month
SHORTEST_SILENCE = timedelta(hours=6)
HOURS_WITH_NEWS = 10  # fewer show no rhythm
NO_TEXT = (Outcome.NOT_ARTICLE, Outcome.TOO_SHORT)
RECENT_PAGES, BASELINE_PAGES, FEWEST_BASELINE_PAGES = 6, 60, 10
PAGES_WITHOUT_TEXT = 3  # in a row
COLLAPSE = 0.4  # of the usual length
USUAL_SHARE, ALARMING_SHARE = 0.2, 1.0  # of pages without text or date: so far, and lately


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a source had news in the last month, by the hour."""

    hours: int  # in which something was published
    longest_pause: timedelta
    last: datetime | None


@dataclass(frozen=True, slots=True)
class PageYield:
    """What one page gave: its words, None where no text was found; whether it had a date."""

    words: int | None
    dated: bool


@dataclass(frozen=True, slots=True)
class Flag:
    """Something to look at, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """A source at a glance. `flags` is empty for one that fares well."""

    source_id: str
    last_success: datetime | None
    failures: int  # polls in a row, of the feed that fares worst
    rhythm: Rhythm
    median_words: int | None
    undated_share: float | None
    flags: tuple[Flag, ...]


async def load_health(connection: AsyncConnection, source_ids: Sequence[str], *, now: datetime) -> list[SourceHealth]:
    """The health of each of these sources, in the order given."""
    query = select(
        feeds.c.source_id, func.max(feeds.c.succeeded_at).label("success"), func.min(feeds.c.failures).label("failures")
    ).group_by(feeds.c.source_id)
    polls = {row.source_id: row for row in await connection.execute(query)}
    found = []
    for source_id in source_ids:
        poll = polls.get(source_id)
        rhythm = await _rhythm(connection, source_id, now)
        pages = await _pages(connection, source_id)
        failures = poll.failures if poll else 0
        words = [page.words for page in pages if page.words is not None]
        found.append(
            SourceHealth(
                source_id=source_id,
                last_success=poll.success if poll else None,
                failures=failures,
                rhythm=rhythm,
                median_words=round(statistics.median(words)) if words else None,
                undated_share=sum(not page.dated for page in pages) / len(pages) if pages else None,
                flags=assess(failures=failures, rhythm=rhythm, pages=pages, now=now),
            )
        )
    return found


def assess(*, failures: int, rhythm: Rhythm, pages: Sequence[PageYield], now: datetime) -> tuple[Flag, ...]:
    """What stands out at `now`; `pages` are the latest ones, newest first."""
    found = []
    if failures >= FAILURES_IN_A_ROW:
        found.append(Flag(FAILING, f"{failures} polls failed in a row"))
    elif silent := _silence(rhythm, now):
        found.append(silent)
    if redesigned := _redesign(pages):
        found.append(redesigned)
    return tuple(found)


def _silence(rhythm: Rhythm, now: datetime) -> Flag | None:
    if rhythm.last is None or rhythm.hours < HOURS_WITH_NEWS:
        return None
    pause = now - rhythm.last
    if pause <= max(SILENCE_FACTOR * rhythm.longest_pause, SHORTEST_SILENCE):
        return None
    return Flag(SILENT, f"nothing new for {_span(pause)}; its longest pause so far was {_span(rhythm.longest_pause)}")


def _redesign(pages: Sequence[PageYield]) -> Flag | None:
    recent, baseline = pages[:RECENT_PAGES], pages[RECENT_PAGES:]
    if len(baseline) < FEWEST_BASELINE_PAGES:
        return None
    latest = recent[:PAGES_WITHOUT_TEXT]
    empty_before = sum(page.words is None for page in baseline) / len(baseline)
    if all(page.words is None for page in latest) and empty_before <= USUAL_SHARE:
        return Flag(REDESIGNED, f"no text found on its last {len(latest)} pages")
    lengths = [page.words for page in recent if page.words is not None]
    usual = statistics.median([page.words for page in baseline if page.words is not None] or [0])
    if len(lengths) >= RECENT_PAGES / 2 and statistics.median(lengths) < COLLAPSE * usual:
        return Flag(REDESIGNED, f"texts of {statistics.median(lengths):.0f} words where {usual:.0f} were usual")
    undated_before = sum(not page.dated for page in baseline) / len(baseline)
    if sum(not page.dated for page in recent) / len(recent) >= ALARMING_SHARE and undated_before <= USUAL_SHARE:
        return Flag(REDESIGNED, f"no date found on its last {len(recent)} pages")
    return None


async def store_flags(
    connection: AsyncConnection, health: Sequence[SourceHealth], *, now: datetime
) -> list[tuple[str, Flag]]:
    """Remember the flags of these sources as they are now; returns those that are new."""
    ids = [h.source_id for h in health]
    rows = await connection.execute(select(flags.c.source_id, flags.c.flag).where(flags.c.source_id.in_(ids)))
    known = {(row.source_id, row.flag) for row in rows}
    current = {(h.source_id, flag.name): flag for h in health for flag in h.flags}
    for source_id, name in known - current.keys():
        await connection.execute(delete(flags).where(flags.c.source_id == source_id, flags.c.flag == name))
    raised = [(key[0], flag) for key, flag in current.items() if key not in known]
    for source_id, flag in raised:
        await connection.execute(insert(flags).values(source_id=source_id, flag=flag.name, since=now, why=flag.why))
    return raised


async def _rhythm(connection: AsyncConnection, source_id: str, now: datetime) -> Rhythm:
    # A date in the future, or none, is no better than the moment we saw the entry.
    stated = case((urls.c.published < urls.c.first_seen, urls.c.published), else_=urls.c.first_seen)
    hour = (type_coerce(stated, BigInteger) // MS_PER_HOUR).label("hour")
    recent = urls.c.source_id == source_id, urls.c.first_seen > now - HISTORY
    rows = await connection.execute(select(hour).where(*recent).group_by(hour).order_by(hour))
    earliest = (now - HISTORY - EPOCH) // timedelta(hours=1)
    hours = [int(row.hour) for row in rows if row.hour >= earliest]
    pauses = [later - earlier for earlier, later in itertools.pairwise(hours)]
    last = EPOCH + timedelta(hours=hours[-1]) if hours else None
    return Rhythm(len(hours), timedelta(hours=max(pauses, default=0)), last)


async def _pages(connection: AsyncConnection, source_id: str) -> list[PageYield]:
    judged = urls.c.words.is_not(None) | urls.c.outcome.in_([o.value for o in NO_TEXT])
    query = select(urls.c.words, urls.c.dated).where(urls.c.source_id == source_id, judged)
    rows = await connection.execute(query.order_by(urls.c.decided_at.desc()).limit(BASELINE_PAGES))
    return [PageYield(row.words, bool(row.dated)) for row in rows]


def _span(time: timedelta) -> str:
    hours = time / timedelta(hours=1)
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"
