"""Addresses that ended without an article and are opened again: by hand, or by a backfill of their days."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.period import Period
from extractors.records import Again, Counted, Outcome
from storage.index.dialects import in_chunks
from storage.index.schema import urls
from storage.state.entries import is_final
from storage.state.life import Life, opened
from storage.state.listed import of_its_days

OPENED = opened(Life())
OPENED_ONCE = opened(Life(), once=True)
USUAL = (*(o for o in Outcome.which(Again.LATER) if o is not Outcome.FAILED), Outcome.GAVE_UP)  # of a moment
POSSIBLE = (*USUAL, *Outcome.which(Counted.OFF_TOPIC))


@dataclass(frozen=True, slots=True)
class Openable:
    """How many addresses of a source ended in an outcome; `listed`: a backfill of their days takes them on."""

    source_id: str
    outcome: str
    listed: bool
    count: int


async def find_openable(
    connection: AsyncConnection, source_ids: Collection[str], outcomes: Collection[Outcome], since: datetime | None
) -> list[Openable]:
    """Return the addresses that `open_again` would open, by source and outcome."""
    listed = urls.c.window.is_not(None)
    columns = (urls.c.source_id, urls.c.outcome, listed.label("listed"))
    query = select(*columns, func.count().label("number")).where(_chosen(source_ids, outcomes, since))
    rows = await connection.execute(query.group_by(*columns).order_by(urls.c.source_id, urls.c.outcome))
    return [Openable(row.source_id, row.outcome, bool(row.listed), row.number) for row in rows]


async def open_again(
    connection: AsyncConnection, source_ids: Collection[str], outcomes: Collection[Outcome], since: datetime | None
) -> None:
    """Open the addresses of these sources (none: of all) that ended so, with `since` on that moment or later."""
    await _open(connection, _chosen(source_ids, outcomes, since), OPENED)


async def open_keys(connection: AsyncConnection, keys: Sequence[str]) -> None:
    """Open these addresses, unless they have an article by now."""
    for some in in_chunks(keys):
        await _open(connection, urls.c.key.in_(some), OPENED)


async def open_for_backfill(connection: AsyncConnection, source_id: str, period: Period, *, again: bool) -> int:
    """Open what a source's days hold without an article, for one try. Return how many addresses there are.

    Only once for each address, but for `again`.
    """
    start, end = period.wide.moments(UTC)
    undated = and_(urls.c.published.is_(None), urls.c.first_seen >= start, urls.c.first_seen < end)
    which = and_(urls.c.source_id == source_id, urls.c.outcome.in_(USUAL), or_(of_its_days(source_id, period), undated))
    return await _open(connection, which if again else and_(which, ~urls.c.backfilled), OPENED_ONCE, backfilled=True)


def _chosen(source_ids: Collection[str], outcomes: Collection[Outcome], since: datetime | None) -> ColumnElement[bool]:
    chosen = [is_final(), urls.c.article.is_(None), urls.c.outcome.in_(list(outcomes))]
    if source_ids:
        chosen.append(urls.c.source_id.in_(list(source_ids)))
    if since is not None:
        chosen.append(urls.c.decided_at >= since)
    return and_(*chosen)


async def _open(connection: AsyncConnection, which: ColumnElement[bool], life: Life, **values: object) -> int:
    values |= {"outcome": life.outcome, "next_attempt": life.next_attempt, "attempts": life.attempts}
    values |= {"looks": life.looks, "reason": None, "details": None}
    statement = update(urls).where(which, is_final(), urls.c.article.is_(None)).values(**values)
    return (await connection.execute(statement)).rowcount
