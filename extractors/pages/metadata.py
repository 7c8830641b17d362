"""What a page says about itself for machines: title, authors, date, canonical address, editions in other languages.

Read from one parsed tree: JSON-LD (schema.org Article and its kinds), then `<meta>` elements (Open Graph, Dublin
Core and the like), then the visible headline. Costs a fiftieth of a heuristic search, and nineteen pages in twenty
have it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from lxml.html import HtmlElement

from extractors.dates.choice import parse_day
from extractors.pages.titles import titles_of, unescaped
from extractors.records import DateCandidate
from extractors.text import clean_line

MAX_DEPTH = 12  # of nesting in JSON-LD; real pages need five
MAX_AUTHORS = 10
MAX_NAME = 100  # characters
# What pages put around JSON-LD for parsers of old: comments and CDATA sections, themselves often commented out.
WRAPPING = re.compile(
    r"^(?:(?:/[/*]\s*)?(?:<!\[CDATA\[|<!--)(?:\s*\*/)?|//.*\n)|(?:/[/*]\s*)?(?:\]\]>|-->)(?:\s*\*/)?\s*;?$"
)
ARTICLE_TYPE = re.compile(r"(?:\w*Article|\w*Posting|Report|NewsArticle)$")
AUTHOR_META = ("author", "article:author", "dc.creator", "parsely-author", "sailthru.author")
DATE_META = (
    "article:published_time", "og:article:published_time", "datepublished", "date.issued", "dc.date.issued",
    "dcterms.created", "dcterms.issued", "pubdate", "publishdate", "publish-date", "publish_date", "published_at",
    "parsely-pub-date", "sailthru.date", "article_date_original", "mediator_published_time", "dc.date", "dcterms.date",
    "cxenseparse:recs:publishtime", "published_time", "article.published",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Metadata:
    """`titles` are all headlines that the page states, best first; dates are in the publisher's zone.

    `alternates` are its addresses in other languages (hreflang), as they stand; nothing of it is trusted yet.
    """

    titles: tuple[str, ...]
    authors: tuple[str, ...]
    dates: tuple[DateCandidate, ...]
    canonical_link: str | None
    language: str | None
    alternates: tuple[str, ...] = ()
    body: str | None = None  # the text as JSON-LD states it, perhaps with mark-up
    walled: bool = False  # not accessible for free


def read_metadata(tree: HtmlElement, *, zone: tzinfo, told: str | None = None) -> Metadata:
    """Return the metadata of a parsed page; `told` is the feed's headline, a witness for the page's.

    Never fails: what is malformed is as good as absent.
    """
    articles = list(_json_ld_articles(tree))
    meta = _meta_elements(tree)
    authors = [name for a in articles for name in _names(a.get("author"))] or [
        value for name in AUTHOR_META if (value := meta.get(name)) and not value.startswith("http")
    ]
    dates = []
    for stated in (a.get("datePublished") for a in articles):
        if isinstance(stated, str) and (day := parse_day(stated, zone)):
            dates.append(DateCandidate(day, "json-ld"))
    dates += [DateCandidate(d, "meta") for name in DATE_META if (v := meta.get(name)) and (d := parse_day(v, zone))]
    for element in (*tree.iterfind(".//*[@itemprop='datePublished']"), *tree.iterfind(".//time[@pubdate]")):
        shown = element.get("datetime") or element.get("content") or element.text or ""
        if element.tag != "meta" and (day := parse_day(shown, zone)):
            dates.append(DateCandidate(day, "time"))
    link = tree.find(".//link[@rel='canonical'][@href]")
    return Metadata(
        titles=titles_of(tree, articles, meta, told),
        authors=tuple(dict.fromkeys(t for v in authors if (t := clean_line(unescaped(v))) and len(t) <= 100))[
            :MAX_AUTHORS
        ],
        dates=tuple(dates),
        canonical_link=link.get("href") if link is not None else None,
        language=(tree.get("lang") or "").split("-")[0].lower() or None,
        alternates=tuple(_alternates(tree)),
        body=next((text for a in articles if isinstance(text := a.get("articleBody"), str) and text.strip()), None),
        walled=any(str(a.get("isAccessibleForFree")).lower() == "false" for a in articles),
    )


def _alternates(tree: HtmlElement) -> Iterator[str]:
    """Yield the addresses of `<link rel="alternate" hreflang=…>`; "x-default" is no language, and a feed no edition."""
    for link in tree.iterfind(".//link[@hreflang][@href]"):
        kind = link.get("type", "").lower()
        named = "alternate" in link.get("rel", "").lower().split()
        if named and link.get("hreflang", "").strip().lower() != "x-default" and kind in ("", "text/html"):
            yield link.get("href", "")


def _meta_elements(tree: HtmlElement) -> dict[str, str]:
    """Map name (lower case) to content of the `<meta>` elements, wherever in the page they stand; the first wins."""
    found: dict[str, str] = {}
    for element in tree.iter("meta"):
        content = element.get("content")
        name = element.get("property") or element.get("name") or element.get("itemprop")
        if content and name and content.strip():
            found.setdefault(name.strip().lower(), content)
    return found


def _json_ld_articles(tree: HtmlElement) -> Iterator[dict[str, Any]]:
    for script in tree.iterfind(".//script[@type='application/ld+json']"):
        text = WRAPPING.sub("", (script.text or "").strip())
        try:
            yield from _articles_in(json.loads(text, strict=False), 0)  # strict: raw line breaks are common
        except (ValueError, RecursionError):
            continue


def _articles_in(node: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth > MAX_DEPTH:
        return
    if isinstance(node, list):
        for item in node[:100]:
            yield from _articles_in(item, depth + 1)
    elif isinstance(node, dict):
        kinds = node.get("@type")
        if any(isinstance(k, str) and ARTICLE_TYPE.match(k) for k in (kinds if isinstance(kinds, list) else [kinds])):
            yield node
        else:
            for key in ("@graph", "mainEntity", "mainEntityOfPage"):
                yield from _articles_in(node.get(key), depth + 1)


def _names(author: Any, depth: int = 0) -> Iterator[str]:
    """Yield the names in schema.org's `author`: a string, a Person, or a list of them."""
    if depth > MAX_DEPTH:
        return
    if isinstance(author, str) and not author.startswith("http"):
        yield author
    elif isinstance(author, dict):
        yield from _names(author.get("name"), depth + 1)
    elif isinstance(author, list):
        for item in author[:MAX_AUTHORS]:
            if not isinstance(item, list):
                yield from _names(item, depth + 1)
