"""The windows that backfills work through: stretches of days of a source, with their progress.

A window is listed when an archive has named its entries. They are then in the index, and due ones are taken on like
any other entry. A window that was listed wholly, and long enough after its days, is complete and never listed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.period import DAY, Period
from storage.index.dialects import insert_for
from storage.index.schema import windows

SETTLED = timedelta(days=2)  # outlets date back, and archives lag: the last days are listed again next time


@dataclass(frozen=True, slots=True)
class StoredWindow:
    """A stored window: the route by which it was listed, and the result."""

    id: int
    source_id: str
    period: Period
    route: str | None  # null: no route has worked yet
    listed_at: datetime | None  # null: not listed to the end
    complete: bool  # wholly read, long enough after the last day
    entries: int
    outside: int  # entries that the archive itself dates outside the period
    problems: tuple[str, ...]
    asked: tuple[str, ...] | None = None  # the routes that were tried, with their addresses; the last one found it

    def answers(self, routes: Sequence[str]) -> bool:
        """Return whether the window need not be listed again by these routes, which stand there with their addresses.

        The route that listed it is one of them; if nothing was found, all of them were tried.
        """
        if not self.complete:
            return False
        if self.asked is None:  # listed before addresses were kept
            return self.entries > 0 and any(route.partition(" ")[0] == self.route for route in routes)
        return self.asked[-1] in routes if self.entries else set(routes) <= set(self.asked)


async def load_windows(connection: AsyncConnection, source_id: str, period: Period) -> list[StoredWindow]:
    """Return the windows of a source that touch the period, oldest first."""
    query = select(windows).where(
        windows.c.source_id == source_id, windows.c.last >= period.first, windows.c.first <= period.last
    )
    rows = await connection.execute(query.order_by(windows.c.first, windows.c.last))
    return [
        StoredWindow(
            row.id, row.source_id, Period(row.first, row.last), row.route, row.listed_at, row.complete,
            row.entries, row.outside, tuple(row.problems or ()), tuple(row.asked) if row.asked else None,
        )
        for row in rows
    ]  # fmt: skip


async def begin_window(connection: AsyncConnection, source_id: str, period: Period) -> int:
    """Return the id of the window, which is noted as begun; the result of an earlier listing stays on record."""
    values: dict[str, Any] = {"complete": False, "entries": 0, "outside": 0}
    statement = insert_for(connection, windows).values(
        source_id=source_id, first=period.first, last=period.last, **values
    )
    keys = [windows.c.source_id, windows.c.first, windows.c.last]
    statement = statement.on_conflict_do_update(index_elements=keys, set_={"source_id": source_id})
    return int((await connection.execute(statement.returning(windows.c.id))).scalar_one())


async def end_window(
    connection: AsyncConnection,
    window: int,
    *,
    route: str | None,
    now: datetime,
    whole: bool,
    entries: int,
    outside: int,
    problems: Sequence[str],
    asked: Sequence[str] = (),
) -> None:
    """Note how the listing of a window ended; without a `route`, because none has worked, only the problems.

    `asked` are the routes that were tried, with their addresses: the window is complete for these.

    `whole`: the archive was read to the end; the settled days of the window are then complete. A window that was
    complete by another route stays complete if this route breaks off.
    """
    row = (await connection.execute(select(windows).where(windows.c.id == window))).one()
    noted: dict[str, Any] = {"problems": list(problems) or None}
    settled = settled_days(Period(row.first, row.last), now) if whole and route else None
    if route is not None and (settled is not None or not row.complete):
        noted |= {"route": route, "listed_at": now, "entries": entries, "outside": outside}
        noted["asked"] = list(asked) or None
        noted["complete"] = settled == Period(row.first, row.last)
    await connection.execute(update(windows).where(windows.c.id == window).values(noted))
    if settled is not None and not noted["complete"]:
        part = await begin_window(connection, row.source_id, settled)
        await connection.execute(update(windows).where(windows.c.id == part).values({**noted, "complete": True}))


def settled_days(period: Period, now: datetime) -> Period | None:
    """Return the days of the period that are long enough ago for their list to be final; None if there are none."""
    last = min(period.last, now.date() - SETTLED - DAY)
    return Period(period.first, last) if last >= period.first else None
