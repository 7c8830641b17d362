"""Load and store the state of hosts between passes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.fetching.hosts import MAX_RETRY_AFTER, HostState
from extractors.fetching.robots import RobotsFile
from storage.index.dialects import insert_for
from storage.index.schema import hosts


async def load_hosts(connection: AsyncConnection, *, now: datetime) -> list[HostState]:
    """Return the state of all hosts that are remembered. A pause longer than any host is granted is left out."""
    return [
        HostState(
            host=row.host,
            robots=RobotsFile(row.robots, row.robots_at) if row.robots is not None else None,
            not_before=row.not_before if row.not_before and row.not_before <= now + MAX_RETRY_AFTER else None,
            interval_s=row.interval_s,
            successes=row.successes,
        )
        for row in await connection.execute(select(hosts))
    ]


async def store_hosts(connection: AsyncConnection, states: Sequence[HostState]) -> None:
    """Store the present state of these hosts."""
    for state in states:
        values = {
            "robots": state.robots.text if state.robots else None,
            "robots_at": state.robots.fetched_at if state.robots else None,
            "not_before": state.not_before,
            "interval_s": state.interval_s,
            "successes": state.successes,
        }
        statement = insert_for(connection, hosts).values(host=state.host, **values)
        asked = statement.excluded.not_before  # a pause that another program has heard of meanwhile stays
        later = case((or_(hosts.c.not_before.is_(None), asked > hosts.c.not_before), asked), else_=hosts.c.not_before)
        new = {**values, "not_before": later}
        await connection.execute(statement.on_conflict_do_update(index_elements=[hosts.c.host], set_=new))
