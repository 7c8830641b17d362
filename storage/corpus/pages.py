"""The fetched pages that `[storage] pages` has kept, for those who must prove what was published.

On a disk there is one WARC file a day and data folder. Its records are written in the transaction that places their
entries, whose lock lets only one program write; `kept_pages` says where each begins. So what stands behind the last
of them was left by a crash, and the next writing cuts it off. On S3 each batch is an object of its own.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from config.settings import Storage
from extractors.records import Page
from storage.errors import StorageError
from storage.files.folder import MissingFile, in_thread
from storage.files.page_folder import PageFolder, open_pages
from storage.files.warc import SUFFIX, KeptPage, file_begin, gravestone, page_in, page_records
from storage.index.dialects import in_chunks
from storage.index.removed import Removed
from storage.index.schema import articles, kept_pages


@dataclass(frozen=True, slots=True)
class Span:
    """The place of a page's records."""

    file: str
    offset: int
    length: int

    def to_json(self) -> dict[str, Any]:
        """Return the value of `articles.page`, and of the manifest's key `page`."""
        return {"file": self.file, "offset": self.offset, "length": self.length}


class Pages:
    """The kept pages of a data folder. `keep` says which are kept: none, those of appended articles, or all."""

    def __init__(self, data: Path, storage: Storage) -> None:
        self.keep = storage.pages
        self.folder: PageFolder = open_pages(data, storage.pages_in)
        self._of_folder = hashlib.sha256(f"{socket.gethostname()} {data.resolve()}".encode()).hexdigest()[:6]

    async def store(
        self, connection: AsyncConnection, pages: Sequence[tuple[str, int | None, Page]], *, now: datetime
    ) -> None:
        """Keep pages, each with the key of its entry, and the number of the article that it became, if it did."""
        if not pages:
            return
        records = await in_thread(lambda: [page_records(page) for _, _, page in pages])
        file, end = await self._end(connection, b"".join(records), now)
        begin = b"" if end else file_begin(file, now)
        await in_thread(lambda: self.folder.add(file, begin + b"".join(records), at=end))
        offset = end + len(begin)
        for (key, number, _), record in zip(pages, records, strict=True):
            span = Span(file, offset, len(record))
            await connection.execute(insert(kept_pages).values(key=key, **span.to_json()))
            if number is not None:
                its = update(articles).where(articles.c.number == number)
                await connection.execute(its.values(page=span.to_json()))
            offset += len(record)

    async def _end(self, connection: AsyncConnection, content: bytes, now: datetime) -> tuple[str, int]:
        """Return the name of the file to write to, and where it ends; cut off what a crash left behind in the last."""
        day = f"c5watch-{now.astimezone(UTC):%Y-%m-%d}"
        if not self.folder.grows:
            return f"{day}-{hashlib.sha256(content).hexdigest()[:12]}{SUFFIX}", 0
        sizes = await in_thread(self.folder.sizes)
        ours = sorted(name for name in sizes if name.endswith(SUFFIX) and f"-{self._of_folder}" in name)
        for name in ours[-2:]:  # today's, and that of the last day
            end = await self._end_of(connection, name)
            if end is not None and name.startswith(day) and end <= sizes[name]:
                return name, end
            if end is not None and end < sizes[name]:
                await in_thread(self.folder.add, name, b"", at=end)
        # A file that no row tells of is of a batch that was never placed, or of an index that is lost.
        which, name = 1, f"{day}-{self._of_folder}{SUFFIX}"
        while sizes.get(name) or await self._end_of(connection, name) is not None:
            which += 1
            name = f"{day}-{self._of_folder}.{which:02d}{SUFFIX}"
        return name, 0

    async def _end_of(self, connection: AsyncConnection, file: str) -> int | None:
        end = select(kept_pages.c.offset + kept_pages.c.length).where(kept_pages.c.file == file)
        found: int | None = await connection.scalar(end.order_by(kept_pages.c.offset.desc()).limit(1))
        return found

    async def adopted(self, connection: AsyncConnection, page: dict[str, Any], key: str) -> None:
        """Note where the page of an adopted article is, as its manifest says."""
        await connection.execute(insert(kept_pages).values(key=key, **page))

    async def unkeep(self, connection: AsyncConnection, keys: Iterable[str]) -> tuple[Span, ...]:
        """Give up the pages of these keys; return where they are, to be blanked once this is committed."""
        spans: list[Span] = []
        names = (kept_pages.c.file, kept_pages.c.offset, kept_pages.c.length)
        for some in in_chunks(sorted(keys)):
            spans += [Span(*row) for row in await connection.execute(select(*names).where(kept_pages.c.key.in_(some)))]
            # The rows stay: they say where their file ends.
            await connection.execute(update(kept_pages).where(kept_pages.c.key.in_(some)).values(key=""))
        return tuple(spans)

    async def blank(self, removed: Removed) -> bool:
        """Overwrite the pages of a removed article. Return False if a file is not here, but on another machine."""
        here = True
        for span in (Span(**page) for page in removed.pages):
            stone = gravestone(span.length, removed.removed_at)
            try:
                if await in_thread(self.folder.read, span.file, span.offset, span.length) != stone:
                    await in_thread(self.folder.overwrite, span.file, span.offset, stone)
            except MissingFile:
                here = False
        return here

    async def read(self, page: dict[str, Any]) -> KeptPage:
        """Return the page that is kept there. Raises StorageError."""
        span = Span(**page)
        place = f"{self.folder}/{span.file}, byte {span.offset}"
        try:
            records = await in_thread(self.folder.read, span.file, span.offset, span.length)
        except MissingFile:
            raise StorageError(f"{self.folder}/{span.file}: not here: is it on another machine, or moved?") from None
        return page_in(records, place)
