"""Do what the commands ask of a corpus: adopt a folder, import a file, mend it, show an article."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from config.load import Config
from extractors.records import IMPORTED
from extractors.topic.judge import compile_topics
from extractors.urls import same_site
from flows.passes.context import utc_now
from storage.corpus.adopt import Adoption, adopt
from storage.corpus.importing import Imported, import_lines
from storage.corpus.removing import HIGHEST, Removal, remove
from storage.corpus.repair import Repair, repair
from storage.corpus.verify import Fault, refuse_behind, verify
from storage.corpus.writer import MANIFEST_FILE, CorpusWriter, open_corpus, open_for_reading
from storage.errors import StorageError
from storage.files.article_file import ArticleFile
from storage.files.folder import Folder
from storage.files.manifest import manifest_line, read_facts, read_removed
from storage.index.removed import load_removed
from storage.index.schema import articles


async def import_file(
    config: Config, data: Path, path: Path, *, judge: bool, report: Callable[[list[Imported]], None]
) -> None:
    """Import a file of JSON lines; `report` hears of each batch when it is on disk. Raises StorageError.

    With `judge`, what is off topic is left out.
    """
    settings = config.settings
    topics = compile_topics(config.topics) if judge else None
    async with open_corpus(data, settings.storage, sources=config.sources) as corpus:
        async for batch in import_lines(
            corpus,
            path,
            now=utc_now,
            limits=settings.duplicates,
            min_words=settings.extraction.min_words,
            source_of=source_finder(config),
            judge=topics.judge if topics else None,
        ):
            report(batch)


def source_finder(config: Config) -> Callable[[str], str]:
    """Return a function from an address to the id of its source, or IMPORTED."""
    known: dict[str, str] = {}

    def source_of(url: str) -> str:
        host = urlsplit(url).netloc
        if host not in known:
            own = (source.id for source in config.sources if same_site(source.homepage, url))
            known[host] = next(own, IMPORTED)
        return known[host]

    return source_of


async def adopt_folder(config: Config, data: Path, folder: Path | Folder) -> Adoption:
    """Adopt the article files in `folder`, with the facts of the manifest beside it. Raises StorageError."""
    facts, removed = {}, []
    if isinstance(folder, Path):
        beside = folder.absolute().parent / MANIFEST_FILE
        facts, removed = read_facts(beside), read_removed(beside)
    async with open_corpus(data, config.settings.storage, adopting=True) as corpus:
        return await adopt(corpus, folder, now=utc_now(), facts=facts, removed=removed)


async def remove_article(config: Config, data: Path, number: int, *, why: str) -> Removal:
    """Take an article back. Raises StorageError, also when there is no corpus or no such article."""
    async with open_for_reading(data, config.settings.storage):
        pass  # opening to write would make a corpus that does not exist
    async with open_corpus(data, config.settings.storage) as corpus:
        return await remove(corpus, number, why=why, now=utc_now())


async def verify_corpus(corpus: CorpusWriter) -> tuple[int, list[Fault]]:
    """Return the number of articles and the faults. Raises StorageError for a data folder that is behind its index."""
    await refuse_behind(corpus)
    return await verify(corpus)


async def repair_corpus(config: Config, data: Path) -> Repair:
    """Mend the corpus; return the faults that were mended, and those that are left. Raises StorageError."""
    if not data.is_dir():
        raise StorageError(f"no corpus in {data} yet: run 'c5watch monitor', or name its folder with --data")
    async with open_corpus(data, config.settings.storage, adopting=True) as corpus:
        return await repair(corpus)


async def article_facts(connection: AsyncConnection, number: int) -> tuple[dict[str, Any], str]:
    """Return the manifest's object for an article, and its text. Raises StorageError when there is no such number."""
    known = select(articles).where(articles.c.number == number)
    row = (await connection.execute(known)).first() if number <= HIGHEST else None
    if row is None and number <= HIGHEST and (gone := await load_removed(connection, [number])):
        raise StorageError(gone[0].told)
    if row is None:
        raise StorageError(f"no article has the number {number}: 'c5watch corpus stats' says how many there are")
    return json.loads(manifest_line(row)), ArticleFile.parse(row.body.encode("utf-8")).text
