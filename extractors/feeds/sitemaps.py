"""Find what is new in a site's own list of its pages, to watch an outlet that has no feed.

A sitemap may be a whole archive, and nothing in it is sure to be a date of publication. Two things are sure: a page
was not published after its <lastmod>, nor before the day in its address; and a page that the list held when it was
last read is no news. Of an index the parts are put in the order in which news is to be expected in them.
Sitemaps: https://www.sitemaps.org/protocol.html.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta, tzinfo
from typing import TypeVar
from urllib.parse import urlsplit

from extractors.dates.addresses import address_days, numbers_in, part_days, pattern_of
from extractors.feeds.encoding import decode
from extractors.feeds.jobs import HASH_BYTES, FeedJob, IndexPart, Listing, WatchJob
from extractors.feeds.parsing import document_root, parse_feed, unpacked
from extractors.feeds.sections import NO_ARTICLES, listed_articles, number_of
from extractors.feeds.sitemap_files import SitemapPage, SitemapPart, parse_sitemap
from extractors.records import Entry, Feed, ItemError, Outcome
from extractors.urls import same_site

T = TypeVar("T")
MAX_PAGES = 50_000  # the protocol's limit; of a longer one both ends are read
NEWS_PAGES = 1000  # the limit of a news sitemap: a longer one is an archive, whatever it says of its pages
FIRST_UNDATED = 300  # pages of no stated age that are taken from a list read for the first time, from its two ends
AT_ONCE = 1000  # new pages taken from one list: more have not been published, but renamed
SAME_STAMP = 0.5  # of the pages with one and the same <lastmod>: then it is the list's, not theirs
FIRST_PARTS = 12  # of an index that are kept in order: the rest is archive

_NOT_ARTICLES = re.compile(
    r"(?:^|[^a-z])(?:categor(?:y|ies)|tags?|authors?|users?|sections?|rubrics?|videos?|images?|photos?|galler(?:y|ies)"
    r"|taxonom(?:y|ies)|products?|static|page-sitemap)(?![a-z])",
    re.IGNORECASE,
)
_LATEST = re.compile(r"(?:^|[^a-z])(?:latest|recent|today|last)(?![a-z])", re.IGNORECASE)
_NEWS = re.compile(r"(?:^|[^a-z])(?:news|google-?news|gnews)(?![a-z])", re.IGNORECASE)


def read(job: WatchJob) -> Feed | Listing:
    """Return the feed at an address, or, where it is a sitemap or an index of them, what is new in it.

    Raises ItemError as `parse_feed` and `parse_sitemap` do. A sitemap that names nothing is an empty Listing.
    """
    feed = job.feed
    raw, _ = unpacked(feed.body, feed.url)
    name, _ = document_root(decode(raw, charset=feed.charset).text)
    if job.section and name in ("html", ""):
        return _section(job)
    if name not in ("urlset", "sitemapindex"):
        return _feed(feed)
    sitemap = parse_sitemap(feed.body, url=feed.url, now=feed.now, zone=feed.zone, charset=feed.charset)
    if len(sitemap.pages) <= NEWS_PAGES and any(page.published for page in sitemap.pages):
        return _feed(feed)
    warning = "cut sitemap: its end is missing" if sitemap.cut else None
    if sitemap.parts:
        parts = newest_parts(sitemap.parts, url=feed.url, now=feed.now, zone=feed.zone, watched=job.watched)
        if not parts:
            raise ItemError(Outcome.FAILED, "not a feed", url=feed.url, detail="an index of nothing on this site")
        return Listing(parts=parts, pages=len(sitemap.parts), warning=warning)
    half = MAX_PAGES // 2
    pages = sitemap.pages if len(sitemap.pages) <= MAX_PAGES else sitemap.pages[:half] + sitemap.pages[-half:]
    fresh = new_pages(pages, known=job.known, first=job.first, since=job.since, zone=feed.zone)
    left_out = f"{len(fresh) - AT_ONCE} of {len(fresh)} new pages left out" if len(fresh) > AT_ONCE else None
    return Listing(
        entries=tuple(_entry(page, job.feed_url) for page in _ends(fresh, AT_ONCE)),
        pages=len(pages),
        listed=b"".join(_hash(page.url) for page in pages),
        newest=max(filter(None, (_stated(page, feed.zone) for page in pages)), default=None),
        warning="; ".join(filter(None, (warning, left_out))) or None,
    )


def _feed(job: FeedJob) -> Feed:
    return parse_feed(job.body, url=job.url, charset=job.charset, zone=job.zone, now=job.now)


def _section(job: WatchJob) -> Listing:
    """Return the articles of a section page that were not there before; at the first look those of the last days."""
    feed = job.feed
    found = listed_articles(
        feed.body,
        url=feed.url,
        charset=feed.charset,
        zone=feed.zone,
        now=feed.now,
        links=job.links,
        articles=job.articles,
    )
    if not found:
        raise ItemError(Outcome.FAILED, NO_ARTICLES, url=feed.url, detail="redesigned, or it lists by script")
    known = _hashes(job.known)
    numbers = {one.url: number for one in found if (number := number_of(one.url, job.links or "\0")) is not None}
    entries = [
        Entry(one.url, job.feed_url, title=one.title or None, published=one.published)
        for one in found
        if _hash(one.url) not in known and not (job.first and one.published and one.published < job.since)
    ]
    return Listing(
        entries=tuple(entries[:AT_ONCE]),
        pages=len(found),
        listed=b"".join(_hash(one.url) for one in found),
        newest=max((one.published for one in found if one.published), default=None),
        last=max(numbers, key=lambda url: numbers[url], default=None),
    )


# --- Pages ------------------------------------------------------------------------------------------------------


def new_pages(
    pages: Sequence[SitemapPage], *, known: bytes, first: bool, since: datetime, zone: tzinfo
) -> list[SitemapPage]:
    """Return the pages that may have been published after `since`, in their order.

    `known` are the hashes of the pages listed before. A list read for the `first` time may be an archive: of its pages
    that state no age only few are taken, from both ends, for sites list their newest pages first, or last.
    """
    before = _hashes(known)
    telling = _telling(pages, since)
    stated: list[tuple[int, SitemapPage]] = []
    undated: list[tuple[int, SitemapPage]] = []
    for position, page in enumerate(pages):
        if _hash(page.url) in before or _is_old(page, since, zone, telling=telling):
            continue
        dated = page.published or _day(page, zone) or (telling and page.lastmod)
        (stated if dated else undated).append((position, page))
    if first:
        undated = _ends(undated, FIRST_UNDATED)
    return [page for _, page in sorted(stated + undated, key=lambda item: item[0])]


def _telling(pages: Sequence[SitemapPage], since: datetime) -> bool:
    """Say whether each page has a <lastmod> of its own. Some sites stamp all alike, or the moment of the question."""
    stamps = Counter(page.lastmod for page in pages if page.lastmod)
    if not stamps:
        return False
    recent = sum(count for stamp, count in stamps.items() if stamp >= since)
    return recent <= AT_ONCE and (len(pages) < 4 or stamps.most_common(1)[0][1] <= SAME_STAMP * len(pages))


def _is_old(page: SitemapPage, since: datetime, zone: tzinfo, *, telling: bool) -> bool:
    if page.published:
        return page.published < since
    days = address_days(page.url, zone)
    if days is not None and days.last < since.astimezone(zone).date():
        return True
    return telling and page.lastmod is not None and page.lastmod < since


def _day(page: SitemapPage, zone: tzinfo) -> bool:
    days = address_days(page.url, zone)
    return days is not None and days.first == days.last


def _stated(page: SitemapPage, zone: tzinfo) -> datetime | None:
    """Return the latest moment that the page's date, address or <lastmod> states."""
    days = address_days(page.url, zone)
    return page.published or (datetime.combine(days.first, time(), zone) if days else page.lastmod)


def _hash(url: str) -> bytes:
    return hashlib.blake2b(url.encode(errors="surrogatepass"), digest_size=HASH_BYTES).digest()


def _hashes(known: bytes) -> set[bytes]:
    return {known[at : at + HASH_BYTES] for at in range(0, len(known), HASH_BYTES)}


def _ends(items: list[T], most: int) -> list[T]:
    return items if len(items) <= most else items[: most // 2] + items[-(most - most // 2) :]


def _entry(page: SitemapPage, feed_url: str) -> Entry:
    return Entry(page.url, feed_url, title=page.title, published=page.published, language=page.language)


# --- Parts ------------------------------------------------------------------------------------------------------


def newest_parts(
    parts: Iterable[SitemapPart], *, url: str, now: datetime, zone: tzinfo, watched: Sequence[IndexPart] = ()
) -> tuple[IndexPart, ...]:
    """Return the parts of the index at `url`, those first in which news is to be expected.

    Parts of other sites are left out, and those named for something other than articles. First come parts that hold
    the last days by their name, then the rest by the days in their names or when they were last changed. In numbered
    series that state neither, news may come at either end: both have rank 0, unless `watched`, the answer for the
    index as it was, shows which end it is.
    """
    own = {part.url: part for part in parts if part.url != url and same_site(part.url, url)}
    articles = {address: part for address, part in own.items() if not _NOT_ARTICLES.search(_file_name(address))}
    own = articles or own
    sizes = Counter(map(pattern_of, own))
    single = [u for u in own if sizes[pattern_of(u)] == 1]
    current = [u for u in single if _LATEST.search(_file_name(u))]
    current += [u for u in single if _NEWS.search(_file_name(u)) and u not in current]
    lastmods = _lastmods(own.values())
    moments = _moments([u for u in own if u not in current], lastmods, now=now, zone=zone)
    dated = sorted(moments, key=lambda u: (moments[u], numbers_in(u)), reverse=True)
    others = _numbered([u for u in own if u not in current and u not in moments], watched)
    order = [IndexPart(u) for u in (*current, *dated)]
    if order:
        order = [replace(order[0], rank=0), *order[1:], *(replace(part, rank=1) for part in others)]
    return tuple(replace(part, lastmod=lastmods.get(part.url)) for part in (order or others)[:FIRST_PARTS])


def _lastmods(parts: Iterable[SitemapPart]) -> dict[str, datetime]:
    """Return when each part was changed; nothing where the index says the same of all."""
    stated = {part.url: part.lastmod for part in parts if part.lastmod is not None}
    return stated if len(set(stated.values())) > 1 else {}


def _moments(
    urls: Sequence[str], lastmods: Mapping[str, datetime], *, now: datetime, zone: tzinfo
) -> dict[str, datetime]:
    """Return the last moment at which each part may have got a page, by its name or the index; none in the future."""
    days = part_days(urls)
    today = now.astimezone(zone).date()
    begun = {u: d for u, d in days.items() if d.first <= today + timedelta(days=1)}
    named = {u: datetime.combine(min(d.last, today), time.max, zone) for u, d in begun.items()}
    return {u: lastmods[u] for u in urls if u in lastmods and u not in days} | named


def _numbered(urls: Sequence[str], watched: Sequence[IndexPart]) -> list[IndexPart]:
    """Return the longest series first, each by its numbers from the end where news comes."""
    series: dict[str, list[str]] = defaultdict(list)
    for url in urls:
        series[pattern_of(url)].append(url)
    order: list[IndexPart] = []
    for pattern in sorted(series, key=lambda pattern: -len(series[pattern])):
        falling = sorted(series[pattern], key=numbers_in, reverse=True)
        told = {part.rank: numbers_in(part.url) for part in watched if pattern_of(part.url) == pattern}
        if len(told) > 1:
            found = [IndexPart(url) for url in (falling if told[0] > told[1] else falling[::-1])]
            found[0] = replace(found[0], rank=0)
        else:  # the ends are not told apart yet
            found = [IndexPart(url, rank=0) for url in (*falling[:1], *falling[1:][-1:])]
            found += [IndexPart(url) for url in falling[1:-1]]
        order += [replace(part, rank=1) for part in found] if order else found
    return order


def _file_name(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path.rstrip('/').rpartition('/')[2]}?{parts.query}"
