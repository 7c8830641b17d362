"""What the commands that only look, or adopt, do with an opened corpus."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import select

from config.load import Config
from extractors.urls import canonical_url
from extractors.zones import zone_of
from flows.passes.context import utc_now
from flows.passes.listing import routes_of
from flows.reports.coverage import COVERAGE_FILE, write_page
from flows.reports.status import write_report
from storage.corpus.adopt import Adoption, adopt
from storage.corpus.export import Selection, export
from storage.corpus.repair import Repair, repair
from storage.corpus.verify import Fault, refuse_behind, stats, verify
from storage.corpus.writer import MANIFEST_FILE, open_corpus, open_for_reading
from storage.errors import StorageError
from storage.files.article_file import ArticleFile
from storage.files.folder import Folder
from storage.files.manifest import manifest_line, read_facts
from storage.health.coverage import SourceCoverage, load_coverage
from storage.health.history import load_story
from storage.health.sources import SourceHealth, load_health
from storage.index.schema import articles
from storage.search.search import Hit, search
from storage.state.periods import Period


async def adopt_folder(config: Config, data: Path, folder: Path | Folder) -> Adoption:
    """Adopt the article files in `folder`, with what the manifest beside it says of them. Raises StorageError."""
    facts = read_facts(folder.absolute().parent / MANIFEST_FILE) if isinstance(folder, Path) else {}
    async with open_corpus(data, config.settings.storage, adopting=True) as corpus:
        return await adopt(corpus, folder, now=utc_now(), facts=facts)


async def verify_corpus(config: Config, data: Path) -> tuple[int, list[Fault]]:
    """The number of articles and the faults found. Raises StorageError, also for a data folder that is behind."""
    async with open_for_reading(data, config.settings.storage) as corpus:
        await refuse_behind(corpus)
        return await verify(corpus)


async def repair_corpus(config: Config, data: Path) -> Repair:
    """What was mended, and what is left to do."""
    if not data.is_dir():
        raise StorageError(f"no corpus in {data} yet: run 'c5watch monitor', or name its folder with --data")
    async with open_corpus(data, config.settings.storage, adopting=True) as corpus:
        return await repair(corpus)


async def search_corpus(
    config: Config,
    data: Path,
    query: str,
    *,
    limit: int,
    first_day: date | None,
    last_day: date | None,
    sources: Sequence[str],
    languages: Sequence[str],
    plain: bool,
) -> list[Hit]:
    """The articles that match, best first; unless `plain`, what matched is set in bold for a terminal."""
    marks = ("**", "**") if plain else ("\x1b[1m", "\x1b[0m")
    async with open_for_reading(data, config.settings.storage) as corpus, corpus.database.read() as connection:
        return await search(
            connection, query, limit=limit, first_day=first_day, last_day=last_day, sources=sources,
            languages=languages, marks=marks,
        )  # fmt: skip


async def export_corpus(config: Config, data: Path, target: Path, form: str, selection: Selection) -> int:
    """The number of rows written."""
    countries = {source.id: source.country for source in config.sources}
    async with open_for_reading(data, config.settings.storage) as corpus:
        return await export(corpus, target, form=form, selection=selection, countries=countries)


async def corpus_statistics(config: Config, data: Path) -> dict[str, Any]:
    """The counts of `storage.corpus.verify.stats`."""
    async with open_for_reading(data, config.settings.storage) as corpus:
        return await stats(corpus)


async def sources_health(config: Config, data: Path) -> list[SourceHealth]:
    """The health of every enabled source."""
    async with open_for_reading(data, config.settings.storage) as corpus, corpus.database.read() as connection:
        ids = [s.id for s in config.select(())]
        return await load_health(connection, ids, now=utc_now(), ruled=config.ruled())


async def coverage_of(
    config: Config,
    data: Path,
    source_ids: Sequence[str],
    period: Period,
    *,
    via: str | None = None,
    addresses: Path | None = None,
) -> tuple[list[SourceCoverage], Path]:
    """How well the period is covered, and the page that shows it, written anew below `data`.

    `via` and `addresses` say how it was searched, as in `flows.passes.backfill`.
    """
    zones = {source.id: zone_of(source.country) for source in config.select(source_ids)}
    now = utc_now()
    async with open_for_reading(data, config.settings.storage) as corpus, corpus.database.read() as connection:
        coverage = await load_coverage(connection, zones, period, now=now)
    for source in coverage:
        source.has_route = addresses is not None or bool(routes_of(config.source(source.source_id), via))
    page = data / COVERAGE_FILE
    write_page(page, coverage, period, now=now)
    return coverage, page


async def status_page(config: Config, data: Path) -> Path:
    """The path of the status page, written anew below `data`."""
    async with open_for_reading(data, config.settings.storage) as corpus:
        return await write_report(config, corpus, data, now=utc_now())


async def article_facts(config: Config, data: Path, number: int) -> tuple[dict[str, Any], str]:
    """The manifest's object for an article, and its text. Raises StorageError when there is no such number."""
    async with open_for_reading(data, config.settings.storage) as corpus, corpus.database.read() as connection:
        row = (await connection.execute(select(articles).where(articles.c.number == number))).first()
    if row is None:
        raise StorageError(f"no article has the number {number}: 'c5watch corpus stats' says how many there are")
    return json.loads(manifest_line(row)), ArticleFile.parse(row.body.encode("utf-8")).text


async def explain_url(config: Config, data: Path, url: str) -> dict[str, Any]:
    """What the index knows of a URL. Raises StorageError when it is none, or there is no index."""
    try:
        key = canonical_url(url)
    except ValueError as exc:
        raise StorageError(f"{exc}: expected an address such as https://example.kz/news/1") from exc
    async with open_for_reading(data, config.settings.storage) as corpus, corpus.database.read() as connection:
        return await load_story(connection, key)
