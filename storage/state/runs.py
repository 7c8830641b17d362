"""The log of runs: their kind, time, engine and result."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert, update

from storage.index.database import Database
from storage.index.schema import runs


async def store_run_start(database: Database, *, kind: str, engine: str, now: datetime) -> int:
    """Note that a run begins; return its id."""
    async with database.write() as connection:
        result = await connection.execute(
            insert(runs).values(kind=kind, engine=engine, started_at=now).returning(runs.c.id)
        )
        return int(result.scalar_one())


async def store_run_end(database: Database, run: int, *, now: datetime, summary: dict[str, Any]) -> None:
    """Note that a run has ended, with its summary; a run without an end died."""
    async with database.write() as connection:
        await connection.execute(update(runs).where(runs.c.id == run).values(finished_at=now, summary=summary))
