"""A list to take away: as a table, as JSON lines, as references for Zotero, or as an Atom feed to follow."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC
from html import escape
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit, urlunsplit

from starlette.responses import Response, StreamingResponse

from config.settings import VERSION
from config.sources import Source
from extractors.topic.country import OTHER
from flows.browse.asked import Asked
from flows.browse.views import Listed, load_list
from flows.clean import clean, link
from flows.pages import atom_moment, pages
from storage.corpus.export import Selection, export
from storage.corpus.writer import CorpusWriter

MOST = 5000  # articles in one file; `c5watch corpus export` has no limit
IN_FEED = 100
FEED = "feed.xml"
KINDS = {
    "articles.csv": "text/csv; charset=utf-8",
    "articles.jsonl": "application/x-ndjson",
    "articles.ris": "application/x-research-info-systems",
    FEED: "application/atom+xml",
}
MAX_TITLE = 300  # characters
PART = 1 << 16  # bytes sent at a time


async def download(
    corpus: CorpusWriter,
    asked: Asked,
    kind: str,
    *,
    sources: Mapping[str, Source],
    address: str,
) -> Response:
    """Return the articles that are asked for as a file of one of KINDS: the newest, or those of a search by rank."""
    is_feed = kind == FEED
    names = {source.id: source.name for source in sources.values()}
    countries = {source.id: source.country for source in sources.values()}
    async with corpus.database.read() as connection:
        listed = await load_list(
            connection, asked, countries, limit=IN_FEED if is_feed else MOST, with_snippets=is_feed
        )
    if is_feed:
        return Response(_feed(listed, names, address), media_type=KINDS[kind])
    selection = Selection(numbers=[line.number for line in listed.lines])
    with tempfile.TemporaryDirectory(prefix="c5watch-") as folder:
        path = Path(folder) / kind
        await export(corpus, path, form=kind.rpartition(".")[2], selection=selection, sources=sources)
        file = path.open("rb")  # read on without its name: whatever becomes of the request, nothing stays behind
    named = {"Content-Disposition": f'attachment; filename="{kind}"'}
    return StreamingResponse(_parts(file), media_type=KINDS[kind], headers=named)


def _parts(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while part := file.read(PART):
            yield part


def _feed(listed: Listed, names: Mapping[str, str], address: str) -> str:
    newest = max((line.appended_at for line in listed.lines), default=None)
    entries: list[dict[str, Any]] = [
        {
            "id": uuid.uuid5(uuid.NAMESPACE_URL, f"c5watch article {line.number} {line.url}").urn,
            "title": clean(line.title or line.url or str(line.number), MAX_TITLE),
            "url": link(line.url),
            "authors": [],
            "source": clean(names.get(line.source_id or "", line.source_id or "c5watch"), MAX_TITLE),
            "language": line.language,
            "published": atom_moment(line.published, line.published_at),
            "updated": f"{line.appended_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "content": "".join(escape(text) for text, _ in listed.snippets.get(line.number, ())),
            "country": line.country if line.country not in (None, OTHER) else None,
            "event": line.event,
        }
        for line in listed.lines
    ]
    list_address = urlunsplit(urlsplit(address)._replace(path="/"))
    return pages().get_template("feed.xml").render(
        id=uuid.uuid5(uuid.NAMESPACE_URL, list_address).urn, title="c5watch",
        updated=f"{newest:%Y-%m-%dT%H:%M:%SZ}" if newest else "1970-01-01T00:00:00Z",
        archive=None, frame="en", version=VERSION, entries=entries,
    )  # fmt: skip
