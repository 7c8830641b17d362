"""Parse a feed's bytes into the entries it promises.

One document, one result: a `Feed`, or an `ItemError` that says why there is none. Pure: the caller fetches, and
owns the clock. RSS 0.9x to 2.0, RDF, Atom, JSON Feed 1.x, and sitemaps with or without Google's news extension.
Whether an entry is new, on topic or allowed is for others to decide, and so are tracking parameters in its URL.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo

from extractors.charsets import is_mojibake
from extractors.dates.moments import parse_date
from extractors.feeds.encoding import decode
from extractors.feeds.formats import Document, Item, NotAFeedError, read_json_feed, read_sitemap, read_xml_feed
from extractors.feeds.links import article_url, needs_a_browser, permalink_url, resolve
from extractors.feeds.loose_json import is_page
from extractors.feeds.markup import plain
from extractors.records import Entry, Feed, ItemError, Outcome
from extractors.text import clean_line
from extractors.urls import same_site

MAX_DECODED_BYTES = 50_000_000  # the limit of one sitemap, https://www.sitemaps.org/protocol.html
_GZIP = b"\x1f\x8b"

# The first root decides. Leading comments are passed over: some hold markup. Whatever stands before the root goes,
# and with it the DTD, so that there are no entities to expand, external or a billion.
_PROLOG = re.compile(r"(?:\s|\ufeff|<!--(?:[^-]|-(?!->))*-->|<\?[^>]*>)+")
_ROOT = re.compile(
    r"<(?:(?P<html>!doctype\s+html|html|head|body)|(?P<piece>script|meta|div|noscript|iframe)"
    r"|(?:[\w.-]{1,40}:)?(?P<xml>rss|rdf|feed|channel|urlset|sitemapindex|opml))(?=[\s/>])",
    re.IGNORECASE,
)
# A server's notice may be markup too: what stands behind it decides.
_ROOT_BEHIND = re.compile(r"<(?:[\w.-]{1,40}:)?(?P<xml>rss|rdf|feed|urlset|sitemapindex)(?=[\s/>])", re.IGNORECASE)
_JSON_FEED = re.compile(r"https?:(?:\\?/){2}(?:www\.)?jsonfeed\.org(?:\\?/)version")
MANY_SHARE = 3  # items with one link: two are one article, changed
# By how many characters a content must outdo the summary to be more than the summary again with "Read more" added.
_REALLY_LONGER = 100
_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_].*)?", re.DOTALL)


def parse_feed(body: bytes, *, url: str, now: datetime, charset: str | None = None, zone: tzinfo = UTC) -> Feed:
    """Return the feed in `body`, its entries in document order and each URL once.

    `url` is the final address of the feed, `charset` that of the HTTP header, `zone` that of dates without a zone,
    `now` an aware moment: dates more than two days after it are dropped.
    `Feed.warning` tells of a cut, malformed or wrongly encoded document that still gave entries.

    Raises ItemError, FAILED with one of the reasons "empty body", "not a feed: html", "not a feed", "empty feed",
    or TOO_LARGE with "too large" for what unpacks to more than 50 MB.
    """
    raw, is_cut = unpacked(body, url)
    decoded = decode(raw, charset=charset)
    document = _read(decoded.text, url)
    if not document.items:
        raise ItemError(Outcome.FAILED, "empty feed", url=url, detail=document.kind)
    base = url
    if document.base:
        base = resolve(document.base, base=url) or url
    is_unreadable = is_mojibake(decoded.text)
    entries: dict[str, Entry] = {}
    skipped = hidden = 0
    links = [
        article_url(item.links, permalink=item.permalink, base=base) or _last_resort(item, base)
        for item in document.items
    ]
    links, shared = _own_links(document.items, links, base=base)
    for item, link in zip(document.items, links, strict=True):
        if link is None:
            skipped += 1
            hidden += any(map(needs_a_browser, item.links))
        elif link not in entries:
            entry = _entry(item, link, feed_url=url, language=document.language, now=now, zone=zone)
            if is_unreadable:  # the page has them too
                entry = replace(entry, title=None, summary=None, content=None)
            entries[link] = entry
    warnings = (
        "cut gzip" if is_cut else None,
        f"bytes that are not {decoded.encoding}" if decoded.damaged else None,
        "unreadable characters" if is_unreadable else None,
        document.warning,
        f"{shared} items share one link" if shared else None,
        f"{hidden} links lead through Google News, which only a browser can follow" if hidden else None,
        None if entries else "no item has a usable link",
    )
    return Feed(
        kind=document.kind,
        entries=tuple(entries.values()),
        title=plain(document.title),
        skipped=skipped,
        warning="; ".join(filter(None, warnings)) or None,
    )


def _last_resort(item: Item, base: str) -> str | None:
    """Return the guid of an item without any link, if it is an address of the site, though it says that it is none."""
    guid = permalink_url(item.guid or "", base=base) if not item.links else None
    return guid if guid is not None and same_site(guid, base) else None


def _own_links(items: Sequence[Item], links: Sequence[str | None], *, base: str) -> tuple[list[str | None], int]:
    """Return the link of each item, and how many items have one in common; 0 where that is nothing strange.

    Some feeds give each item the link of the front page, and its own address as the guid; or addresses that differ
    in their fragment only, which no server sees.
    """
    pages = [(link or "").partition("#")[0] for link in links]
    sharing: dict[str, set[str | None]] = defaultdict(set)
    for item, page in zip(items, pages, strict=True):
        sharing[page].add(item.guid or item.title)
    shared = {page for page, names in sharing.items() if page and len(names) >= min(MANY_SHARE, max(2, len(items)))}
    own: list[str | None] = []
    left: Counter[str] = Counter()
    for item, link, page in zip(items, links, pages, strict=True):
        guid = permalink_url(item.guid or "", base=base) if page in shared else None
        if guid is not None and guid.partition("#")[0] != page and (item.permalink or same_site(guid, base)):
            own.append(guid)
            continue
        own.append(link)
        left[page] += page in shared
    return own, max(left.values(), default=0)


def unpacked(body: bytes, url: str) -> tuple[bytes, bool]:
    """Return `body`, gunzipped if it is gzip (`sitemap.xml.gz` is, whatever its headers say), and whether it was cut.

    Raises ItemError for a body that is no gzip after all or unpacks to more than 50 MB.
    """
    pieces: list[bytes] = []
    room = MAX_DECODED_BYTES
    while body.startswith(_GZIP):  # a gzip file may have several members
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            pieces.append(unpacker.decompress(body, room + 1))
        except zlib.error as exc:
            raise ItemError(Outcome.FAILED, "not a feed", url=url, detail=f"gzip: {exc}") from exc
        room -= len(pieces[-1])
        if room < 0:
            raise ItemError(Outcome.TOO_LARGE, "too large", url=url, detail=f"over {MAX_DECODED_BYTES} bytes")
        body = unpacker.unused_data
        if not unpacker.eof:
            return b"".join(pieces), True
    return (b"".join(pieces), False) if pieces else (body, False)


def document_root(text: str) -> tuple[str, int]:
    """Return the name of the root element in lower case, and the position where it begins.

    "html" stands for all that browsers take for HTML; "" for an unknown root, with the position where text begins.
    """
    prolog = _PROLOG.match(text)
    start = prolog.end() if prolog else 0
    root = None if text.startswith("{", start) else _ROOT.search(text, start)
    if root is None:
        return "", start
    if root["piece"]:
        behind = _ROOT_BEHIND.search(text, root.end())
        return (behind["xml"].lower(), behind.start()) if behind else ("html", root.start())
    return ("html" if root["html"] else root["xml"].lower()), root.start()


def _read(text: str, url: str) -> Document:
    name, start = document_root(text)
    if not name and not text[start:].strip("\0"):
        raise ItemError(Outcome.FAILED, "empty body", url=url)
    reader: Callable[[str], Document] = read_json_feed
    is_json = text.startswith("{", start) or (name in ("", "html") and not is_page(text) and _JSON_FEED.search(text))
    if not is_json:
        if not name:
            raise ItemError(Outcome.FAILED, "not a feed", url=url, detail=f"begins {clean_line(text[start:][:40])!r}")
        if name == "html":
            raise ItemError(Outcome.FAILED, "not a feed: html", url=url)
        if name in ("sitemapindex", "opml"):
            raise ItemError(Outcome.FAILED, "not a feed", url=url, detail=f"a list of other feeds: {name}")
        reader = read_sitemap if name == "urlset" else read_xml_feed
    try:
        return reader(text[start:])
    except NotAFeedError as exc:
        raise ItemError(Outcome.FAILED, "not a feed", url=url, detail=str(exc)) from exc


def _entry(item: Item, link: str, *, feed_url: str, language: str | None, now: datetime, zone: tzinfo) -> Entry:
    summary = plain(item.summary)
    moments = (parse_date(text, zone=zone, now=now) for text in item.dates)
    return Entry(
        url=link,
        feed_url=feed_url,
        title=plain(item.title),
        summary=summary,
        published=next(filter(None, moments), None),
        content=_full_text(item.contents, summary),
        language=_language(item.language) or _language(language),
        guid=clean_line(item.guid or "") or None,
    )


def _full_text(contents: tuple[str, ...], summary: str | None) -> str | None:
    """Return the content with the most visible text, if that is really more than the summary."""
    longest, most = None, len(summary) + _REALLY_LONGER if summary else 0
    for content in contents:
        length = len(plain(content) or "")
        if length > most:
            longest, most = content, length
    return longest


def _language(tag: str | None) -> str | None:
    """Return the first part of a language tag (RFC 5646): "ru" of "ru-KZ" or "RU_ru"."""
    match = _LANGUAGE.fullmatch((tag or "").strip().lower())
    return match[1] if match else None
