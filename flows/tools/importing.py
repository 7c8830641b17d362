"""`c5watch corpus import FILE.jsonl`: articles collected by other means, through the same detection and append."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from config.load import Config
from extractors.topic.judge import compile_topics
from extractors.urls import same_site
from flows.passes.context import utc_now
from storage.corpus.importing import Imported, import_lines
from storage.corpus.writer import open_corpus

IMPORTED = "imported"  # the source of what no outlet of the catalogue has published


async def import_file(
    config: Config, data: Path, path: Path, *, judge: bool, report: Callable[[list[Imported]], None]
) -> None:
    """Import a file of JSON lines; `report` hears of each batch when it is on disk. Raises StorageError.

    With `judge`, what is off topic is left out.
    """
    settings = config.settings
    topics = compile_topics(config.topics) if judge else None
    async with open_corpus(data, settings.storage) as corpus:
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
    """A function from an address to the id of the source that it belongs to, or IMPORTED."""
    known: dict[str, str] = {}

    def source_of(url: str) -> str:
        host = urlsplit(url).netloc
        if host not in known:
            own = (source.id for source in config.sources if same_site(source.homepage, url))
            known[host] = next(own, IMPORTED)
        return known[host]

    return source_of
