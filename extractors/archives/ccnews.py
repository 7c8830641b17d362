"""Route "ccnews": pages that Common Crawl's news crawler fetched, from its WARC files or from such files at hand.

One list a month names the files, about 1 GB each; their names say from when on they were filled. There is no index by
host: whole files are read, once for all sources. When a page was crawled is not when it was published.
https://commoncrawl.org/blog/news-dataset-available
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from config.sources import Source
from extractors.archives.search import Listed, Search, is_missing, pause_error
from extractors.archives.warc import Crawled, CutPage, read_pages, stream_pages
from extractors.feeds.parsing import unpacked
from extractors.period import DAY, month_of
from extractors.records import Deferred, Entry, ItemError, Outcome
from extractors.text import counted
from extractors.urls import canonical_host

_STAMP = re.compile(r"-(\d{14})-[^/]*\.warc(?:\.gz)?$")
FIRST_MONTH = (2016, 8)
FILE_GB = 1  # each, packed


async def list_ccnews(search: Search) -> AsyncGenerator[Listed, None]:
    """Yield the source's pages. Raises ItemError when no file can be read."""
    async for _, listed in list_ccnews_of(search, [search.source]):
        yield listed


async def list_ccnews_of(search: Search, sources: Sequence[Source]) -> AsyncGenerator[tuple[str, Listed], None]:
    """Yield the pages of several sources in one reading, each with its source's id; sources of one host share them."""
    owners: dict[str, list[str]] = {}
    for source in sources:
        owners.setdefault(canonical_host(urlsplit(source.homepage).hostname or ""), []).append(source.id)
    hosts = {host: host for host in owners}
    if search.dry and search.route.file is None:
        number = len([file async for file in _remote(search)])
        unread = f"{counted(number, 'file')} of about {FILE_GB} GB to read, all sources in one go"
        search.tally.unread.append(f"{search.period}: {unread}")
        return
    files = _local(search) if search.route.file is not None else _remote(search)
    async for file in files:
        try:
            async with aclosing(_pages(search, file, hosts)) as pages:
                async for host, page in pages:
                    for source_id in owners[host]:
                        yield source_id, _listed(search, page, str(file))
        except ItemError as error:
            if error.retry_after:
                raise
            search.tally.problems.append(error)


def _listed(search: Search, page: Crawled, file: str) -> Listed:
    """Return the entry of a page. One that was cut is left to its own site, else to a copy in another archive."""
    entry = Entry(page.url, file)
    if isinstance(page, CutPage):
        copy = f"{search.archives.wayback.rstrip('/')}/web/{_stamp(page.fetched_at)}id_/{page.url}"
        return Listed(entry, archived_url=copy, not_after=page.fetched_at)
    return Listed(entry, page=page, not_after=page.fetched_at)


async def _pages(
    search: Search, file: Path | str, hosts: Mapping[str, str]
) -> AsyncGenerator[tuple[str, Crawled], None]:
    search.count_document(str(file))
    max_bytes = search.client.max_bytes
    if isinstance(file, Path):
        with file.open("rb") as stream:
            pages = read_pages(stream, hosts, max_bytes=max_bytes, url=str(file))
            while (found := await asyncio.to_thread(next, pages, None)) is not None:
                yield found
        return
    try:
        async with (
            aclosing(search.client.stream(file)) as chunks,
            aclosing(stream_pages(chunks, hosts, max_bytes=max_bytes, url=file)) as streamed,
        ):
            async for found in streamed:
                yield found
    except Deferred as pause:
        raise pause_error(file, pause) from pause


async def _local(search: Search) -> AsyncGenerator[Path, None]:
    path = search.folder / str(search.route.file)
    found = sorted(path.rglob("*.warc*")) if path.is_dir() else [path]
    if not found or not found[0].is_file():
        detail = "expected a WARC file, or a folder that holds some"
        raise ItemError(Outcome.FAILED, "file cannot be read", url=str(path), detail=detail)
    for file in found:
        yield file


async def _remote(search: Search) -> AsyncGenerator[str, None]:
    """Yield the addresses of the files that were filled from the window's start to some days after its end."""
    base = search.archives.ccnews.rstrip("/")
    start = search.start.astimezone(UTC)
    end = min(search.end.astimezone(UTC) + timedelta(days=search.archives.ccnews_days), search.now())
    paths: list[str] = []
    month = start.date().replace(day=1)
    while month <= end.date():
        if (month.year, month.month) >= FIRST_MONTH:
            try:
                paths += await _paths(search, f"{base}/crawl-data/CC-NEWS/{month:%Y/%m}/warc.paths.gz")
            except ItemError as error:
                if month <= search.period.last or not is_missing(error):
                    raise
        month = month_of(month.year, month.month).last + DAY
    stamped = sorted((match[1], path) for path in paths if (match := _STAMP.search(path)))
    ends = [stamp for stamp, _ in stamped[1:]] + ["9" * 14]
    for (stamp, path), following in zip(stamped, ends, strict=True):
        if following > _stamp(start) and stamp < _stamp(end):
            yield f"{base}/{path}"


async def _paths(search: Search, url: str) -> list[str]:
    response = await search.ask(url)
    raw, is_cut = unpacked(response.body, url)
    paths = raw.decode("ascii", errors="replace").split()
    if is_cut or not all(path.startswith("crawl-data/") for path in paths):
        raise ItemError(Outcome.FAILED, "not a list of WARC files", url=url)
    return paths


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y%m%d%H%M%S")
