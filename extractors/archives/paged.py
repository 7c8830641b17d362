"""Route "paged": a feed, or a page that lists articles, that goes back page by page.

Either the address holds {page}, or each document links to an older one: `prev-archive` (RFC 5005, 4) before `next`
(RFC 5005, 3; `next_url` in JSON Feed). Reading ends at a page that is missing, empty or the same again, and once the
window lies behind.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from urllib.parse import urljoin, urlsplit

from config.sources import placeholders
from extractors.archives.search import Listed, Search, is_missing
from extractors.archives.series import AHEAD, PAST_UNORDERED, Part, page_url, read_numbered
from extractors.dates.addresses import address_days
from extractors.feeds.encoding import decode
from extractors.feeds.links import resolve
from extractors.feeds.loose_json import loose_json
from extractors.feeds.sections import NO_ARTICLE, listed_articles
from extractors.fetching.messages import Response
from extractors.period import Period, day_of, hull
from extractors.records import Entry, ItemError, Outcome
from extractors.urls import same_site

HTML = "not a feed: html"
BLANK = ("empty feed", "empty body")
PAST_THE_END = ("http 400", *BLANK)
MAX_UNDATED = 100  # pages
DATED_SHARE = 0.9  # of a page's entries; with fewer dated ones the page counts as undated
_WORDS = re.compile(r"[^\W\d_]{2,}")
_ID = re.compile(r"\d{4,}")
WORDS_OF_A_SLUG = 3
_LINK = re.compile(r"<(?:[\w.-]+:)?link\s([^<>]*)>", re.IGNORECASE)
_REL = re.compile(r"\brel\s*=\s*[\"'](prev-archive|next)[\"']", re.IGNORECASE)
_HREF = re.compile(r"\bhref\s*=\s*[\"']([^\"'<>]+)[\"']", re.IGNORECASE)


async def list_paged(search: Search) -> AsyncGenerator[Listed, None]:
    """Yield the entries of a feed's pages. Raises ItemError when there is no first page, or no way to an older one."""
    url = search.route.url
    assert url is not None  # the configuration sees to it
    pages = list_numbered_feed(search, url) if placeholders(url) else _linked(search, url)
    async for listed in pages:
        yield listed


async def list_numbered_feed(search: Search, template: str) -> AsyncGenerator[Listed, None]:
    """Yield the entries of the pages 1, 2, 3 …, read only as far as the window needs it."""
    pages = _Pages(search)

    async def read(number: int) -> Part[tuple[Entry, ...]] | None:
        try:
            _, part = await pages.read(page_url(template, number))
        except ItemError as error:
            if number > 1 and (is_missing(error) or error.reason in PAST_THE_END):
                return None
            raise
        return part

    def missing(number: int) -> None:
        search.tally.note_missing(page_url(template, number))

    async for part in read_numbered(read, search.wide, missing=missing):
        for entry in part.content:
            yield Listed(entry)
    pages.check_depth(template)


async def _linked(search: Search, start: str) -> AsyncGenerator[Listed, None]:
    pages = _Pages(search)
    visited: set[str] = set()
    url: str | None = start
    past = blank = 0
    while url is not None and url not in visited and past < PAST_UNORDERED and blank <= AHEAD:
        visited.add(url)
        response, part = await pages.read(url)
        blank = blank + 1 if part is None else 0
        if part is not None:
            for entry in part.content:
                yield Listed(entry)
            past = past + 1 if part.days is not None and part.days.side(search.wide) < 0 else 0
        url = _older(response)
    pages.check_depth(start)


class _Pages:
    """A reader of one feed's pages, which notices when they are all the same or tell no dates."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._known: set[tuple[str, ...]] = set()
        self._oldest: Period | None = None
        self._undated = 0

    async def read(self, url: str) -> tuple[Response, Part[tuple[Entry, ...]] | None]:
        """Return a page; its part is None when it holds nothing, or exactly the entries of another page."""
        response, entries = await _read(self._search, url, first=not self._known)
        addresses = tuple(entry.url for entry in entries)
        if not entries or addresses in self._known:
            return response, None
        self._known.add(addresses)
        days = _days(entries, self._search.zone)
        self._oldest = hull(filter(None, (self._oldest, days)))
        self._undated += days is None
        if self._undated > MAX_UNDATED:
            detail = f"{MAX_UNDATED} of them read; nothing tells which ones the period is on"
            raise ItemError(Outcome.FAILED, "pages without dates", url=url, detail=detail)
        return response, Part(entries, days)

    def check_depth(self, url: str) -> None:
        """Raise ItemError when there was one page only, and the window goes further back."""
        wide = self._search.wide
        if len(self._known) < 2 and (self._oldest is None or self._oldest.first > wide.first):
            raise ItemError(Outcome.FAILED, "no older pages", url=url)


def _older(response: Response) -> str | None:
    """Return the address of the next older page that a feed names."""
    text = decode(response.body, charset=response.charset).text
    found: dict[str, str] = {}
    if text.lstrip("\ufeff \r\n\t").startswith("{"):
        try:
            feed = loose_json(text)
        except (ValueError, RecursionError):
            return None
        following = feed.get("next_url") if isinstance(feed, dict) else None
        found = {"next": following} if isinstance(following, str) else {}
    else:
        for attributes in _LINK.findall(text):
            relation, href = _REL.search(attributes), _HREF.search(attributes)
            if relation and href:
                found.setdefault(relation[1].lower(), href[1])
    link = found.get("prev-archive") or found.get("next")
    return resolve(link, base=response.url) if link else None


def _days(entries: Sequence[Entry], zone: tzinfo) -> Period | None:
    """Return the days of all entries, if nearly all state one."""
    known = []
    for entry in entries:
        if entry.published:
            known.append(day_of(entry.published, zone))
        elif days := address_days(entry.url, zone):
            known.append(days)
    return hull(known) if known and len(known) >= DATED_SHARE * len(entries) else None


async def _read(search: Search, url: str, *, first: bool) -> tuple[Response, tuple[Entry, ...]]:
    """Return a page's entries: those of a feed, or the links of a page that lists articles.

    A blank first page is an error.
    """
    response = await search.ask(url)
    try:
        return response, (await search.feed(response)).entries
    except ItemError as error:
        if error.reason in BLANK and not first:
            return response, ()
        if error.reason != HTML:
            raise
    found = section_entries(search, response, url=response.url, now=search.now())
    return response, tuple(replace(entry, feed_url=url) for entry in found)


def section_entries(search: Search, response: Response, *, url: str, now: datetime) -> tuple[Entry, ...]:
    """Return the articles that a page lists: as blocks with headlines, else by what their addresses look like.

    `url` is the page's own address, `now` the moment when it was fetched from there.
    """
    source = search.source
    found = listed_articles(
        response.body, url=url, charset=response.charset, zone=search.zone, now=now, links=source.links
    )
    entries = {one.url: Entry(one.url, url, title=one.title or None, published=one.published) for one in found}
    if source.links is None:
        for link in article_links(response.body, url=url, charset=response.charset):
            entries.setdefault(link, Entry(link, url))
    return tuple(entries.values())


def article_links(body: bytes, *, url: str, charset: str | None) -> tuple[str, ...]:
    """Return the addresses in the order of the page, each once; none when the body is no HTML."""
    from extractors.html import parse_html

    tree = parse_html(body, charset)
    if tree is None:
        return ()
    base = urljoin(url, next((str(href) for href in tree.xpath("//base/@href")), ""))
    links = (resolve(str(href), base=base) for href in tree.xpath("//a/@href"))
    found = dict.fromkeys(link.partition("#")[0] for link in links if link)
    return tuple(link for link in found if link != url and same_site(link, url) and _looks_like_an_article(link))


def _looks_like_an_article(link: str) -> bool:
    parts = urlsplit(link)
    if NO_ARTICLE.search(parts.path):
        return False
    slug = parts.path.rstrip("/").rpartition("/")[2]
    has_words = len(_WORDS.findall(slug)) >= WORDS_OF_A_SLUG
    return address_days(link) is not None or has_words or _ID.search(f"{slug}?{parts.query}") is not None
