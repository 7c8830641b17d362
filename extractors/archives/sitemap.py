"""Route "sitemap": a site's own list of its pages.

Read the sitemap, the index or the series of files that the source names, or those that robots.txt or habit lead to.
Of an index only the parts are read that may hold something of the window: by the days in their names, by when they were
last changed (a part not touched since before the window holds nothing of it; that is all that a <lastmod> proves), and
in long numbered series by the dates inside.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urljoin

from config.sources import placeholders
from extractors.archives.search import TOO_MANY, Listed, Search, is_missing, pause_error
from extractors.archives.series import Part, dated_urls, page_url, read_numbered
from extractors.dates.addresses import address_days, numbers_in, part_days, pattern_of
from extractors.feeds.links import resolve
from extractors.feeds.sitemap_files import NOT_A_SITEMAP, Sitemap, SitemapPage, SitemapPart, parse_sitemap
from extractors.period import Period, day_of, hull
from extractors.records import Deferred, Entry, ItemError, Outcome

# Observed on news sites of the region and elsewhere, those with a whole archive first.
USUAL_PATHS = (
    "/sitemap.xml", "/sitemap_index.xml", "/sitemap-index.xml", "/wp-sitemap.xml", "/sitemap.xml.gz",
)  # fmt: skip
# These hold two days (https://developers.google.com/search/docs/crawling-indexing/sitemaps/news-sitemap).
NEWS_PATHS = (
    "/news-sitemap.xml", "/google-news-sitemap.xml", "/sitemap-news.xml", "/sitemap-google.xml", "/sitemap-yandex.xml",
)  # fmt: skip
NEWS_SITEMAPS_HOLD = timedelta(days=3)
EMPTY = "empty sitemap"
FEEDS = tuple(f"{NOT_A_SITEMAP}: {kind}" for kind in ("rss", "rdf", "feed"))  # which may stand in for sitemaps
MAX_DEPTH = 4  # of indexes within indexes; the protocol knows one level
DATED_SHARE = 0.5  # of a part's pages; with fewer dated ones the part counts as undated


async def list_sitemap(search: Search) -> AsyncGenerator[Listed, None]:
    """Yield the pages that the source's sitemaps name."""
    walk = _Walk(search)
    template = search.route.url
    if template is None:
        async for listed in walk.found_by_habit():
            yield listed
        return
    names = placeholders(template)
    if not names:
        async for listed in walk.root(template):
            yield listed
        return
    failed: list[ItemError] = []
    today = search.now().astimezone(search.zone).date()
    urls = dated_urls(template, search.wide, today=today) if set(names) - {"page"} else [template]
    for url in urls:
        pages = walk.series(url) if "page" in names else walk.root(url)
        try:
            async for listed in pages:
                yield listed
        except ItemError as error:
            if not is_missing(error) and error.reason != EMPTY:  # nothing was published on that day
                walk.note(error)
            failed.append(error)
    if failed and len(failed) == len(urls):
        raise failed[0]


class _Walk:
    """One reading of a site's sitemaps: each file once."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._visited: set[str] = set()

    def note(self, error: ItemError) -> None:
        """Go on without a part; unless nothing more may be asked for, by our own limit or the host's wish."""
        if error.reason == TOO_MANY or error.retry_after:
            raise error
        self._search.tally.problems.append(error)

    async def root(self, url: str) -> AsyncGenerator[Listed, None]:
        """Yield all that one sitemap leads to. Raises ItemError when it cannot be read or holds nothing at all."""
        self._visited.add(url)
        sitemap = await self._read(url)
        if not sitemap.pages and not sitemap.parts:
            raise ItemError(Outcome.FAILED, EMPTY, url=url)
        async for listed in self._contents(url, sitemap, depth=0):
            yield listed

    async def series(self, template: str) -> AsyncGenerator[Listed, None]:
        """Yield all that the files 1, 2, 3 … lead to. Raises ItemError when there is no first one."""
        known: set[tuple[SitemapPage, ...]] = set()

        async def read(number: int) -> Part[tuple[str, Sitemap]] | None:
            url = page_url(template, number)
            try:
                sitemap = await self._read(url)
            except ItemError as error:
                if number > 1 and is_missing(error):
                    return None
                raise
            if not (sitemap.pages or sitemap.parts) or (sitemap.pages and sitemap.pages in known):
                return None  # past the end there may also be an empty file, or the last one again
            known.add(sitemap.pages)
            return Part((url, sitemap), self._days(sitemap))

        def missing(number: int) -> None:
            self._search.tally.note_missing(page_url(template, number))

        async for part in read_numbered(read, self._search.wide, missing=missing):
            async for listed in self._contents(*part.content, depth=0):
                yield listed

    async def found_by_habit(self) -> AsyncGenerator[Listed, None]:
        """Yield the pages in the sitemaps of robots.txt; without any, in the first usual place that holds something."""
        home = self._search.source.homepage
        try:
            robots = await self._search.client.robots(home)
        except Deferred as pause:
            raise pause_error(home, pause) from pause
        named = dict.fromkeys(url for line in robots.sitemaps() if (url := resolve(line, base=home)))
        if named:
            async for listed in self._parts([SitemapPart(url) for url in named], depth=0):
                yield listed
            return
        recent = self._search.now() - self._search.end < NEWS_SITEMAPS_HOLD
        for path in (*USUAL_PATHS, *(NEWS_PATHS if recent else ())):
            try:
                async for listed in self.root(urljoin(home, path)):
                    yield listed
            except ItemError as error:
                if not is_missing(error) and not error.reason.startswith((NOT_A_SITEMAP, EMPTY)):
                    raise
            else:
                return
        raise ItemError(Outcome.FAILED, "no sitemap found", url=home, detail="name its address in sources.toml")

    async def _read(self, url: str) -> Sitemap:
        response = await self._search.ask(url)
        try:
            sitemap = await asyncio.to_thread(
                parse_sitemap,
                response.body,
                url=response.url,
                now=self._search.now(),
                zone=self._search.zone,
                charset=response.charset,
            )
        except ItemError as error:
            if error.reason not in FEEDS:
                raise
            feed = await self._search.feed(response)
            pages = (SitemapPage(e.url, None, e.published, e.title, e.language) for e in feed.entries)
            sitemap = Sitemap(tuple(pages))
        if sitemap.cut:
            self.note(ItemError(Outcome.FAILED, "cut sitemap", url=url, detail="its end is missing"))
        return sitemap

    async def _contents(self, url: str, sitemap: Sitemap, *, depth: int) -> AsyncGenerator[Listed, None]:
        told = _tells_changes([page.lastmod for page in sitemap.pages])
        for page in sitemap.pages:
            yield _listed(page if told else replace(page, lastmod=None), url)
        if sitemap.parts and depth >= MAX_DEPTH:
            self.note(ItemError(Outcome.FAILED, "sitemaps nested too deeply", url=url))
            return
        async for listed in self._parts(sitemap.parts, depth=depth + 1):
            yield listed

    async def _parts(self, parts: Sequence[SitemapPart], *, depth: int) -> AsyncGenerator[Listed, None]:
        """Yield all that these parts lead to, as far as they may hold something of the window."""
        days = part_days([part.url for part in parts])
        wide, start = self._search.wide, self._search.start
        chosen = []
        told = _tells_changes([part.lastmod for part in parts])
        for part in parts:
            outside = part.url in days and days[part.url].side(wide)
            untouched = told and part.lastmod is not None and part.lastmod < start
            if not outside and not untouched and part.url not in self._visited:
                self._visited.add(part.url)
                chosen.append(part.url)
        dated = [[url] for url in chosen if url in days]
        for series in dated + _series([url for url in chosen if url not in days]):
            files = read_numbered(partial(self._attempt, series), wide, first=0, last=len(series) - 1)
            async for file in files:
                async for listed in self._contents(*file.content, depth=depth):
                    yield listed

    async def _attempt(self, urls: Sequence[str], number: int) -> Part[tuple[str, Sitemap]]:
        """Return one of the files of an index; if it fails, note that, and count it as empty."""
        url = urls[number]
        try:
            sitemap = await self._read(url)
        except ItemError as error:
            self.note(error)
            return Part((url, Sitemap()), None)
        return Part((url, sitemap), self._days(sitemap))

    def _days(self, sitemap: Sitemap) -> Period | None:
        """Return the days of all pages, if enough of them state a day; a <lastmod> is none."""
        zone = self._search.zone
        stated = [
            day_of(page.published, zone) if page.published else address_days(page.url, zone) for page in sitemap.pages
        ]
        known = [days for days in stated if days is not None]
        return hull(known) if known and len(known) >= DATED_SHARE * len(stated) and not sitemap.parts else None


def _tells_changes(moments: Sequence[datetime | None]) -> bool:
    """Whether a list says when its members were changed: some write one moment to all, or the day of an old move."""
    return len(set(moments)) > 1


def _series(urls: Sequence[str]) -> list[list[str]]:
    """Return the addresses that differ in one number only, in the order of that number; each other one by itself."""
    groups: dict[str, list[str]] = defaultdict(list)
    for url in urls:
        groups[pattern_of(url)].append(url)
    found = []
    for members in groups.values():
        numbers = {url: numbers_in(url) for url in members}
        varying = [column for column in zip(*numbers.values(), strict=True) if len(set(column)) > 1]
        if len(varying) == 1:
            found.append(sorted(members, key=numbers.__getitem__))
        else:
            found += [[url] for url in members]
    return found


def _listed(page: SitemapPage, sitemap_url: str) -> Listed:
    entry = Entry(page.url, sitemap_url, title=page.title, published=page.published, language=page.language)
    return Listed(entry, not_after=page.lastmod)
