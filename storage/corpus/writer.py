"""The writer of the corpus: it appends new articles and never loses, repeats or renumbers any.

A batch is one transaction of the index: under the writer's lock the new articles are found, get the next numbers, and
their rows with the complete text are committed. The files are written next, on a disk in number order, on S3 several at
a time, and last their lines in the manifest. Both are written from the index, so the next opening completes whatever a
crash left unfinished. A file that a downstream reader has seen is never taken back.

Several machines may share index and files. Each has its own manifest, which also marks up to which number it knows
the files to be there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from config.settings import Duplicates, Storage
from config.sources import Source
from extractors.records import Outcome, Page, Placement, Result
from extractors.text import counted
from storage.corpus.pages import Pages
from storage.corpus.read_me import write_read_me
from storage.errors import StorageError
from storage.files.article_file import FileName
from storage.files.folder import Folder, in_thread
from storage.files.local_folder import LocalFolder, named_disk_errors
from storage.files.manifest import append_lines, exchange_lines, manifest_line, published_up_to, removed_line, set_aside
from storage.files.opening import open_folder
from storage.index.database import Database, index_location, open_database
from storage.index.dialects import in_chunks
from storage.index.removed import Removed, highest_number, load_removed, store_cleared
from storage.index.schema import articles
from storage.placing import placing
from storage.placing.countries import find_missing_countries
from storage.placing.ready import Ready
from storage.placing.stories import fingerprint_missing
from storage.state.entries import load_lives, store_entries
from storage.state.site_pages import pages_of, store_site_pages

DEFAULT_LIMITS = Duplicates()
NOTHING_READY: Mapping[str, Ready] = {}
MANIFEST_FILE = "manifest.jsonl"
AT_A_TIME = 500  # articles
SLOW_S = 10.0  # for the files of a batch, which usually take a fraction of a second
HURRY_S = 3.0  # for the files of the current batches, once a pass has been told to end
LOG = logging.getLogger("c5watch")


class CorpusWriter:
    """An opened corpus: its index, its folder of files, its manifest. Made by `open_corpus`."""

    def __init__(
        self, database: Database, folder: Folder, manifest: Path, pages: Pages, sources: Iterable[Source] = ()
    ) -> None:
        self.database = database
        self.folder = folder
        self.manifest = manifest
        self.pages = pages
        self.sources = {source.id: source for source in sources}  # whose names and countries the manifest tells
        self._buried: set[int] = set()  # articles taken back that the manifest is known to tell of
        self._end: float | None = None  # on the loop's clock: when to stop publishing
        self._publishing: set[asyncio.Timeout] = set()

    async def place(
        self,
        results: Sequence[Result],
        *,
        now: datetime,
        limits: Duplicates = DEFAULT_LIMITS,
        listed: bool = True,
        ready: Mapping[str, Ready] = NOTHING_READY,
        page_of: Callable[[str], Page | None] = lambda _: None,
    ) -> list[Placement]:
        """Decide and store how each result ends; append the new articles. A crash keeps all of it or nothing.

        The entries are known from a feed or an archive; without `listed` they are recorded here and now, as imported.
        `ready` is the text work on some of the results, by their keys; the rest is done here. `page_of` returns the
        page of a key, to be kept.
        """
        candidates = [placing.make_ready(result, ready.get(result.key)) for result in results]
        new: set[str] | None = None
        async with self.database.write() as connection:
            if not listed:
                new = {result.key for result in results}
                new -= (await load_lives(connection, list(new))).keys()
                for source_id in dict.fromkeys(result.source_id for result in results):
                    entries = [(result.key, result.entry) for result in results if result.source_id == source_id]
                    await store_entries(connection, source_id, entries, now=now, imported=True)
            placements = await placing.place(
                connection, candidates, limits, now=now, imported=new, sources=self.sources
            )
            await store_site_pages(connection, pages_of(results), now=now)
            await self.pages.store(connection, self._to_keep(placements, page_of), now=now)
        if any(p.outcome is Outcome.APPENDED for p in placements):
            await self._publish_in_time()
        return placements

    def _to_keep(
        self, placements: Sequence[Placement], page_of: Callable[[str], Page | None]
    ) -> list[tuple[str, int | None, Page]]:
        """Return the pages to keep of these placements, as the settings want, with key and number."""
        if self.pages.keep == "none":
            return []
        kept = []
        for placed in placements:
            appended = placed.outcome is Outcome.APPENDED
            wanted = appended or (self.pages.keep == "all" and placed.outcome is not Outcome.REMOVED)
            if wanted and (page := page_of(placed.key)) is not None:
                kept.append((placed.key, placed.number if appended else None, page))
        return kept

    def hurry(self) -> None:
        """Take at most HURRY_S more for files: the pass has been told to end. The next opening writes the rest."""
        if self._end is None:
            self._end = asyncio.get_running_loop().time() + HURRY_S
            for timeout in self._publishing:
                timeout.reschedule(self._end)

    async def _publish_in_time(self) -> None:
        timeout = asyncio.timeout_at(self._end)
        try:
            async with timeout:
                self._publishing.add(timeout)
                await self.publish()
        except TimeoutError:
            if not timeout.expired():
                raise
            LOG.warning("%s is slow: files that are not there yet are written by the next run", self.folder)
        finally:
            self._publishing.discard(timeout)

    async def settle_known(self, keys: Sequence[str], *, now: datetime) -> list[Placement]:
        """Settle the canonical URLs among `keys` that are an article's address already: duplicates without a fetch."""
        async with self.database.write() as connection:
            return await placing.settle_known(connection, keys, now)

    async def publish(self) -> None:
        """Bring files and manifest up to the index. Nothing is written twice."""
        present: dict[str, int] = {}
        while await self._publish_next(present):
            if self.folder.remote and not present:  # far behind: another machine has written most files already
                present = await in_thread(self.folder.sizes)

    def published_up_to(self, highest: int) -> int:
        """Return the last number of the manifest, -1 for an empty one.

        A manifest that does not end in a line of c5watch, or whose number is above `highest`, the index's last, belongs
        to another index: set it aside.
        """
        with named_disk_errors(self.manifest):
            done = published_up_to(self.manifest)
            if done < 0 or done > highest:
                set_aside(self.manifest)
                self.manifest.unlink(missing_ok=True)
                return -1
        return done

    async def _publish_next(self, present: Mapping[str, int]) -> bool:
        """Publish the next few articles, but for files in `present` (name to bytes); return whether more are left.

        Only a few at a time, because no other program can write meanwhile.
        """
        async with self.database.write() as connection:  # for its lock: one publisher at a time
            highest = await highest_number(connection)
            done = self.published_up_to(highest)
            query = select(articles).where(articles.c.number > done).order_by(articles.c.number).limit(AT_A_TIME)
            rows = (await connection.execute(query)).all()
            removed = await load_removed(connection)
            await self._clear(connection, removed)
            files = {row.file: row.body.encode("utf-8") for row in rows}
            lacking = {name: content for name, content in files.items() if present.get(name) != len(content)}
            with _slowness_told(self.folder, len(lacking)):
                await in_thread(self.folder.write, lacking)
            last = rows[-1].number if len(rows) == AT_A_TIME else highest
            lines = {row.number: manifest_line(row) for row in rows}
            lines |= {one.number: removed_line(one) for one in removed if done < one.number <= last}
            if lines:
                with named_disk_errors(self.manifest):
                    append_lines(self.manifest, (lines[number] for number in sorted(lines)))
            return len(rows) == AT_A_TIME

    async def _clear(self, connection: AsyncConnection, removed: Sequence[Removed]) -> None:
        """Let the manifest tell of all articles that were taken back, then delete their files."""
        new = [one for one in removed if one.number not in self._buried]
        if new:
            with named_disk_errors(self.manifest):
                await in_thread(exchange_lines, self.manifest, new)
            self._buried.update(one.number for one in new)
        if left := [one for one in removed if not one.cleared]:
            for one in left:
                await in_thread(self.folder.remove, one.file)
            cleared = [one.number for one in left if await self.pages.blank(one) or not self.database.shared]
            await store_cleared(connection, cleared)

    async def restore_files(self) -> list[str]:
        """Write the files that the index knows and the folder lacks; return their names.

        Raises StorageError when the folder holds article files that the index does not know.
        """
        # Hold the writer's lock: a publisher at work would add files that an earlier read of the index does not know.
        async with self.database.write() as connection:
            known = await known_names(connection)
            present = await in_thread(self.folder.names)
            for name in sorted(present & await removed_names(connection)):
                await in_thread(self.folder.remove, name)
                present.discard(name)
            refuse_unknown(self.folder, present - known)
            missing = sorted(known - present, key=lambda name: (len(name), name))  # by number
            await self._write_again(connection, missing)
            return missing

    async def _write_again(self, connection: AsyncConnection, names: Sequence[str]) -> None:
        for some in in_chunks(names, AT_A_TIME):
            query = select(articles).where(articles.c.file.in_(some)).order_by(articles.c.number)
            files = {row.file: row.body.encode("utf-8") for row in await connection.execute(query)}
            await in_thread(self.folder.write, files)

    async def check_own(self) -> None:
        """Raise StorageError if the folder holds another corpus. Does not list all its files, which may be millions.

        Another corpus has an article under the next number, or another file under the last number.
        """
        async with self.database.write() as connection:  # hold the lock: another machine may be publishing
            last = (
                await connection.execute(
                    select(articles.c.number, articles.c.file).order_by(articles.c.number.desc()).limit(1)
                )
            ).first()
            if last is None:
                found = await in_thread(self.folder.names)
            else:
                found = await in_thread(self.folder.names, f"{last.number:03d}_")
                found |= await in_thread(self.folder.names, f"{last.number + 1:03d}_")
                found.discard(last.file)
            found -= await removed_names(connection)
        refuse_unknown(self.folder, found)


@asynccontextmanager
async def open_corpus(
    data: Path, storage: Storage, *, adopting: bool = False, sources: Iterable[Source] = ()
) -> AsyncIterator[CorpusWriter]:
    """Open the corpus below the folder `data`. Make a missing corpus; complete one that a crash left unfinished.

    Raises StorageError when a folder cannot be used, and when there are article files that the index does not know.
    With `adopting` nothing is completed or checked: the caller is about to adopt the files or to repair the corpus.
    """
    folder = open_folder(data, storage)
    await in_thread(LocalFolder(data).prepare)
    await in_thread(folder.prepare)
    await in_thread(lambda: write_read_me(data))
    database = await open_database(index_location(data, storage))
    try:
        corpus = CorpusWriter(database, folder, data / MANIFEST_FILE, Pages(data, storage), sources)
        await find_missing_countries(database)  # the manifest tells them
        if not adopting:
            await (corpus.check_own() if folder.remote else corpus.restore_files())
            await corpus.publish()
        await fingerprint_missing(database)
        yield corpus
    finally:
        await database.close()


@asynccontextmanager
async def open_for_reading(data: Path, storage: Storage) -> AsyncIterator[CorpusWriter]:
    """Open an existing corpus without changing it. Raises StorageError if there is none."""
    database = await open_database(index_location(data, storage), read_only=True)
    try:
        yield CorpusWriter(database, open_folder(data, storage), data / MANIFEST_FILE, Pages(data, storage))
    finally:
        await database.close()


@asynccontextmanager
async def open_index(data: Path, storage: Storage) -> AsyncIterator[Database]:
    """Open the index of an existing corpus, to change rows and no files. Raises StorageError if there is none."""
    async with open_for_reading(data, storage):
        pass  # opening to write would make a corpus that does not exist
    database = await open_database(index_location(data, storage))
    try:
        yield database
    finally:
        await database.close()


@contextmanager
def _slowness_told(folder: Folder, count: int) -> Iterator[None]:
    """Warn when writing files takes longer than SLOW_S."""
    words = f"{folder} is slow: {counted(count, 'file')} not written after {SLOW_S:.0f} s; still waiting"
    told = asyncio.get_running_loop().call_later(SLOW_S, LOG.warning, words)
    try:
        yield
    finally:
        told.cancel()


async def known_names(connection: AsyncConnection) -> set[str]:
    """Return the names of all article files. The database joins them to one value: rows take ten times as long."""
    joined: str | None = (await connection.execute(select(func.aggregate_strings(articles.c.file, "/")))).scalar()
    return set(joined.split("/")) if joined else set()


async def removed_names(connection: AsyncConnection) -> set[str]:
    """Return the names of the files of articles that were taken back."""
    return {one.file for one in await load_removed(connection)}


def refuse_unknown(folder: Folder, names: Iterable[str]) -> None:
    """Raise StorageError if `names`, which the index does not know, include article files."""
    if unknown := sorted(name for name in names if FileName.parse(name)):
        raise StorageError(
            f"{folder} holds {counted(len(unknown), 'article file')} unknown to the index (first: {unknown[0]}): "
            f"adopt them with 'c5watch corpus import {folder}' and the same --data, or name another folder with --data"
        )
