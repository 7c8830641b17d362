"""Parse a sitemap's bytes into the pages and further sitemaps it names.

Sitemaps and indexes of sitemaps (https://www.sitemaps.org/protocol.html), with Google's news extension, as XML or as
plain lines, packed or not. Read as a stream: a sitemap may hold 50,000 pages.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from lxml import etree

from extractors.dates.moments import parse_date
from extractors.feeds.encoding import decode
from extractors.feeds.links import resolve
from extractors.feeds.markup import plain, repaired
from extractors.feeds.parsing import document_root, unpacked
from extractors.records import ItemError, Outcome
from extractors.text import clean_line

NOT_A_SITEMAP = "not a sitemap"
_DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>\n'
_NAMES = {"loc", "lastmod", "publication_date", "title", "language"}
_ROOT = r"(?:[\w.-]+:)?(?:urlset|sitemapindex)"
_END = re.compile(rf"(?:</{_ROOT}\s*>|<{_ROOT}[^<>]*/>)\s*(?:<!--.*)?\Z", re.DOTALL | re.IGNORECASE)
_OPENING = re.compile(r"<(?:[\w.-]{1,40}:)?(?:url|sitemap)(?:\s[^<>]*)?>", re.IGNORECASE)
_CLOSING = re.compile(r"</(?:[\w.-]{1,40}:)?(url|sitemap)\s*>", re.IGNORECASE)
_FIELD = re.compile(
    r"<(?P<tag>(?:news:)?(?P<name>loc|lastmod|publication_date|title|language))(?:\s[^<>]*)?>"
    r"(?:\s*<!\[CDATA\[)?(?P<text>[^<>]*?)(?:\]\]>\s*)?</(?P=tag)\s*>",
    re.IGNORECASE,
)
_LINE = re.compile(r"^[ \t]*(https?://\S+)[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
TAIL = 2000  # characters in which the end of the document is looked for


@dataclass(frozen=True, slots=True)
class SitemapPage:
    """One page. `lastmod` is no date of publication, but not before it; `published` is from the news extension."""

    url: str
    lastmod: datetime | None = None
    published: datetime | None = None
    title: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class SitemapPart:
    """Another sitemap that an index names, and when anything in it was last changed."""

    url: str
    lastmod: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sitemap:
    """The pages and parts that one document names. `cut`: its end is missing, and nobody knows what with it."""

    pages: tuple[SitemapPage, ...] = ()
    parts: tuple[SitemapPart, ...] = ()
    cut: bool = False


def parse_sitemap(body: bytes, *, url: str, now: datetime, zone: tzinfo, charset: str | None = None) -> Sitemap:
    """Return what the sitemap at `url` names, in its order; addresses that lead nowhere are left out.

    Malformed documents are read as far as their entries are whole. Raises ItemError: "not a sitemap", with ": html" or
    ": rss" where it is that, "empty body", or as unpacking does.
    """
    raw, is_cut = unpacked(body, url)
    text = decode(raw, charset=charset).text
    name, start = document_root(text)
    if not text[start:].strip("\0 \r\n\t"):
        raise ItemError(Outcome.FAILED, "empty body", url=url)
    if not name and (lines := _LINE.findall(text)):
        return Sitemap(
            pages=tuple(SitemapPage(link) for line in lines if (link := resolve(line, base=url))), cut=is_cut
        )
    if name not in ("urlset", "sitemapindex"):
        reason = f"{NOT_A_SITEMAP}: {name}" if name else NOT_A_SITEMAP
        raise ItemError(Outcome.FAILED, reason, url=url, detail=f"begins {clean_line(text[start:][:40])!r}")
    pages, parts = [], []
    for kind, fields in _entries(repaired(text[start:])):
        link = resolve(fields.get("loc", ""), base=url)
        if link is None:
            continue
        lastmod = parse_date(fields.get("lastmod", ""), zone=zone, now=now)
        if kind == "sitemap":
            parts.append(SitemapPart(link, lastmod))
        else:
            published = parse_date(fields.get("publication_date", ""), zone=zone, now=now)
            title = plain(html.escape(fields.get("title", ""), quote=False))
            pages.append(SitemapPage(link, lastmod, published, title, fields.get("language") or None))
    return Sitemap(tuple(pages), tuple(parts), cut=is_cut or _END.search(text, max(0, len(text) - TAIL)) is None)


def _entries(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the kind and the fields of each <url> or <sitemap>; `text` begins at the root, so without a DTD."""
    try:
        yield from list(_parsed(text))
    except etree.XMLSyntaxError:  # one wrong tag among thousands: take the entries one by one
        start = 0
        for end in _CLOSING.finditer(text):
            openings = [opening.end() for opening in _OPENING.finditer(text, start, end.start())]
            start = end.end()
            fields: dict[str, str] = {}
            for field in _FIELD.finditer(text, openings[-1] if openings else end.start(), end.start()):
                fields.setdefault(field["name"].lower(), html.unescape(field["text"]).strip())
            yield end[1].lower(), fields


def _parsed(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    events = etree.iterparse(
        io.BytesIO(_DECLARATION + text.encode()),
        events=("end",),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
    )
    for _, element in events:
        kind = _local(element)
        if kind not in ("url", "sitemap"):
            continue
        fields: dict[str, str] = {}
        for child in element.iter():
            name = _local(child)
            # An image or a video has a loc and a title of its own.
            if name in _NAMES and _local(child.getparent()) in (kind, "news", "publication"):
                fields.setdefault(name, "".join(child.itertext()).strip())
        yield kind, fields
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def _local(element: Any) -> str:
    """Return the name without namespace: sites write the namespaces wrongly."""
    tag = element.tag
    return re.split("[}:]", tag)[-1].lower() if isinstance(tag, str) else ""
