"""Articles that were taken back, by `storage.corpus.removing`: their numbers stay taken, and they never come again.

Of an article remain its number, its id, the key of its words and the reason. All addresses of its story are barred, and
so are all its texts: whoever asks for an article to be taken back does not want it found again at the next pass.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.index.dialects import in_chunks, insert_for
from storage.index.schema import articles, barred, removed


@dataclass(frozen=True, slots=True)
class Removed:
    """An article that was taken back. `exact_key` is that of its words, None if it had too few."""

    number: int
    id: str
    exact_key: bytes | None
    why: str
    appended_at: datetime
    removed_at: datetime
    cleared: bool = False
    pages: tuple[dict[str, Any], ...] = ()  # where its kept pages were

    @property
    def file(self) -> str:
        """The name that its file had."""
        return f"{self.number:03d}_{self.id}.txt"

    @property
    def told(self) -> str:
        """What became of it, in words."""
        return f"number {self.number:03d} was removed on {self.removed_at:%Y-%m-%d}: {self.why}"


async def store_removed(connection: AsyncConnection, one: Removed, bars: Collection[str]) -> None:
    """Store that an article was taken back. Delete its row of `articles` first."""
    values = {name: getattr(one, name) for name in removed.c.keys()}  # noqa: SIM118 - not a dictionary
    await connection.execute(insert_for(connection, removed).values(values | {"pages": list(one.pages) or None}))
    keys = {one.id, *bars} | ({one.exact_key.hex()} if one.exact_key else set())
    rows = [{"key": key, "number": one.number} for key in sorted(keys)]
    await connection.execute(insert_for(connection, barred).on_conflict_do_nothing(), rows)


async def load_removed(connection: AsyncConnection, numbers: Collection[int] | None = None) -> list[Removed]:
    """Return the articles that were taken back, all or those of `numbers`, in the order of their numbers."""
    query = select(removed).order_by(removed.c.number)
    if numbers is not None:
        query = query.where(removed.c.number.in_(numbers))
    rows = (await connection.execute(query)).all()
    return [Removed(**{**row._mapping, "pages": tuple(row.pages or ())}) for row in rows]


async def store_cleared(connection: AsyncConnection, numbers: Sequence[int]) -> None:
    """Note that files and kept pages of these articles are gone."""
    for some in in_chunks(numbers):
        await connection.execute(update(removed).where(removed.c.number.in_(some)).values(cleared=True))


async def find_barred(connection: AsyncConnection, keys: Collection[str]) -> dict[str, int]:
    """Return the number of the removed article for each of these ids and keys that is barred."""
    found: dict[str, int] = {}
    for some in in_chunks(sorted(set(keys))):
        rows = await connection.execute(select(barred.c.key, barred.c.number).where(barred.c.key.in_(some)))
        found |= {row.key: row.number for row in rows}
    return found


async def highest_number(connection: AsyncConnection) -> int:
    """Return the highest number that is taken, -1 when the corpus is empty."""
    highest = [await connection.scalar(select(func.max(table.c.number))) for table in (articles, removed)]
    return max((int(number) for number in highest if number is not None), default=-1)
