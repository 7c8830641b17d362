"""Read feed documents of three families (XML through feedparser, JSON Feed, sitemaps) into one shape, `Document`.

Text in, text out: nothing is resolved, dated or cleaned here; `extractors.feeds.parsing` does that for all alike.
The shapes of feedparser and lxml end in this module.

JSON Feed: https://www.jsonfeed.org/version/1.1/. News sitemaps:
https://developers.google.com/search/docs/crawling-indexing/sitemaps/news-sitemap.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import feedparser
from lxml import etree

from config.errors import EdgeError
from extractors.feeds.loose_json import loose_json
from extractors.feeds.markup import as_html, repaired

_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
# Elements that feedparser files under the names of others, so that one of them is lost: a picture's caption becomes
# the summary, dc:date and atom:updated become one. On some it fails (a gml:pos outside georss:where is a KeyError).
# Nothing of these is read here but dc:date; under names that feedparser does not know it keeps them apart.
_MISFILED = re.compile(
    r"(</?(?:media:|itunes:|georss:|gml:|geo:|cc:|creativeCommons:|psc:|dc:(?=date\b)))(?=\w)", re.IGNORECASE
)
# Of an unknown element with attributes it keeps the attributes and loses the text.
_ATTRIBUTES = re.compile(r"<((?:yandex|rbc_news):full-text|turbo:content|dc:x-date)\s[^<>]*(?<!/)>", re.IGNORECASE)
# It takes every guid for a link unless it says isPermaLink="false" in just these letters, and says "no link" of any
# guid that follows a link. So it gets all of them as no links, and the feed's own statement is put before the text.
_GUID = re.compile(r"<guid(\s[^<>]*?)?(?<!/)>", re.IGNORECASE)
_NO_LINK = "not-a-link:"
_NOT_PERMANENT = re.compile(r"isPermaLink\s*=\s*(?:[\"']\s*)?false", re.IGNORECASE)
# Of an entry's links those that lead to a page: its own, or, in a blog of links, the one that it is about.
_RELATIONS = ("alternate", "canonical", "related", "via")
_PAGES = ("text/html", "application/xhtml+xml")
_CONTENT_TYPES = frozenset({"text/html", "application/xhtml+xml", "text/plain"})

_END_OF_URL = re.compile(r"</(?:[\w.-]+:)?url\s*>")
_LINE_NUMBER = re.compile(r",? line \d+.*", re.DOTALL)
_JSON_DATES = ("date_published", "date_modified")
_JSON_ITEMS = re.compile(r'"items"\s*:\s*\[')


class NotAFeedError(EdgeError):
    """The document cannot be read as the format it looks like; the text says why."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item as it stands in the document. Tuples are in order of preference."""

    links: tuple[str, ...] = ()
    guid: str | None = None
    permalink: str | None = None  # the guid, unless the feed says that it is no link
    title: str | None = None  # markup
    summary: str | None = None  # markup
    dates: tuple[str, ...] = ()
    contents: tuple[str, ...] = ()  # HTML
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A feed as text. `base` is what relative links stand on, if the document names it."""

    kind: str
    items: tuple[Item, ...]
    title: str | None = None
    language: str | None = None
    base: str | None = None
    warning: str | None = None


def _strings(values: dict[str, Any], *names: str) -> tuple[str, ...]:
    """Return the values under `names` that are text and not blank, in that order."""
    # dict.get: feedparser's own `get` answers "updated" with "published", and warns that it does.
    found = (dict.get(values, name) for name in names)
    return tuple(value for value in found if isinstance(value, str) and value.strip())


def _string(values: dict[str, Any], *names: str) -> str | None:
    return next(iter(_strings(values, *names)), None)


# --- RSS, RDF, Atom ---------------------------------------------------------------------------------------------


def read_xml_feed(text: str) -> Document:
    """Return the feed in `text`, which begins at its root element: without a DTD nothing can be expanded or fetched."""
    mended = repaired(text)
    source = _GUID.sub(_guid_tag, _ATTRIBUTES.sub(r"<\1>", _MISFILED.sub(r"\1x-", mended)))
    # A stream, because a string may be taken for an address to open. HTML is left as it is: what reads it cleans it.
    stream = io.BytesIO((_DECLARATION + source).encode())
    try:
        parsed = feedparser.parse(stream, sanitize_html=False, resolve_relative_uris=False)
    except (KeyError, TypeError, ValueError) as exc:
        # It trusts that elements come in order: in malformed feeds it meets an end without a beginning (`</width>`:
        # TypeError, `</category>`: KeyError), or a character past U+10FFFF (ValueError).
        raise NotAFeedError(f"feedparser: {type(exc).__name__}: {exc}") from exc
    warning = "repaired characters or references" if mended != text else None
    if parsed.bozo:
        warning = f"malformed: {_complaint(parsed.bozo_exception)}"
        if not parsed.entries:
            raise NotAFeedError(warning)
    kind = parsed.version or "rss"
    language = _string(parsed.feed, "language")
    return Document(
        kind=kind,
        items=tuple(_xml_item(entry, is_atom=kind.startswith("atom"), language=language) for entry in parsed.entries),
        title=_string(parsed.feed, "title"),
        language=language,
        # Atom resolves against xml:base or the feed's address (RFC 4287, 2); RSS has no rule, and means the site.
        base=None if kind.startswith("atom") else _string(parsed.feed, "link"),
        warning=warning,
    )


def _guid_tag(match: re.Match[str]) -> str:
    marker = _NO_LINK if _NOT_PERMANENT.search(match[1] or "") else ""
    return f'<guid isPermaLink="false">{marker}'


def _complaint(exc: Exception) -> str:
    """Return the complaint of the XML parser, without line and column, so that equal failures read alike."""
    return str(exc.getMessage()) if hasattr(exc, "getMessage") else type(exc).__name__


def _xml_item(entry: dict[str, Any], *, is_atom: bool, language: str | None) -> Item:
    guid = _string(entry, "id") or ""
    own = _string(entry, "language") or _string(dict.get(entry, "title_detail") or {}, "language")
    read = (own or language or "").lower()[:2]
    links = [link for link in dict.get(entry, "links") or () if link.get("href") and link.get("rel") in _RELATIONS]
    links.sort(
        key=lambda link: (
            _RELATIONS.index(link["rel"]),
            link.get("type") not in _PAGES,
            bool(read) and (link.get("hreflang") or read).lower()[:2] != read,  # the article in another language
        )
    )
    if guid.startswith("http"):  # of the entry itself, and so before the page that it is about
        links = [link for link in links if link["rel"] in _RELATIONS[:2]]
    return Item(
        links=_strings(entry, "feedburner_origlink") + tuple(link["href"] for link in links),
        guid=guid.removeprefix(_NO_LINK),
        permalink=None if guid.startswith(_NO_LINK) else guid,
        title=_string(entry, "title"),
        # Without a description feedparser copies the content there, but not the details.
        summary=_string(entry, "summary") if "summary_detail" in entry else None,
        dates=_strings(entry, "published", "dc_x-date", "created", "updated"),
        contents=tuple(_xml_contents(entry, is_atom=is_atom)),
        language=own,
    )


def _xml_contents(entry: dict[str, Any], *, is_atom: bool) -> Iterator[str]:
    for content in dict.get(entry, "content") or ():
        kind = content.get("type", "text/html")
        if kind in _CONTENT_TYPES and content.get("value"):
            # Only Atom's "text" is to be taken at its word; in RSS it is a guess of feedparser's.
            yield as_html(content["value"], literal=is_atom and kind == "text/plain")
    for name, value in entry.items():
        # By the end of the name: yandex:full-text (TASS) and rbc_news:full-text (RBC).
        if (name.endswith("_full-text") or name == "turbo_content") and isinstance(value, str) and value:
            yield as_html(value)


# --- JSON Feed --------------------------------------------------------------------------------------------------


def read_json_feed(text: str) -> Document:
    """Return the JSON Feed in `text`; of a cut one, the items that are whole."""
    warning = None
    try:
        feed = loose_json(text)
        if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
            raise ValueError("no list of items")
    except (ValueError, RecursionError) as exc:
        # ValueError is malformed JSON or a number of over 4300 digits, RecursionError a thousand brackets.
        warning = f"malformed: {getattr(exc, 'msg', None) or exc or type(exc).__name__}"
        feed = {"items": list(_whole_json_items(text))}
        if not feed["items"]:
            raise NotAFeedError(warning) from exc
    return Document(
        kind="json",
        items=tuple(_json_item(item) for item in feed["items"] if isinstance(item, dict)),
        title=_string(feed, "title"),
        language=_string(feed, "language"),
        base=_string(feed, "home_page_url"),
        warning=warning,
    )


def _whole_json_items(text: str) -> Iterator[Any]:
    start = _JSON_ITEMS.search(text)
    position = start.end() if start else len(text)
    decoder = json.JSONDecoder()
    while (position := text.find("{", position)) >= 0:
        try:
            item, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return
        yield item


def _json_item(item: dict[str, Any]) -> Item:
    guid = item.get("id")
    if isinstance(guid, int | float):
        guid = str(guid)  # version 1 asks readers to accept numbers
    guid = guid if isinstance(guid, str) else None
    plain_text = _strings(item, "content_text")
    dates = {name: str(v) if isinstance(v := item.get(name), int | float) else v for name in _JSON_DATES}
    return Item(
        links=_strings(item, "url", "external_url"),
        guid=guid,
        permalink=guid,
        title=_string(item, "title"),
        summary=_string(item, "summary"),
        dates=_strings(dates, *_JSON_DATES),
        contents=_strings(item, "content_html") + tuple(as_html(text, literal=True) for text in plain_text),
        language=_string(item, "language"),
    )


# --- Sitemaps ---------------------------------------------------------------------------------------------------


def read_sitemap(text: str) -> Document:
    """Return the sitemap in `text`, which begins at `<urlset>`. Of a cut one the last, half address is left out.

    <lastmod> is not read: sites move it on every edit, or stamp all entries alike.
    """
    mended = repaired(text)
    warning = "repaired characters or references" if mended != text else None
    try:
        root = _xml_tree(mended, recover=False)
    except etree.XMLSyntaxError as exc:
        warning = "malformed: " + _LINE_NUMBER.sub("", str(exc.msg))
        ends = [match.end() for match in _END_OF_URL.finditer(mended)]
        if not ends:
            raise NotAFeedError(warning) from exc
        root = _xml_tree(mended[: ends[-1]], recover=True)
    pairs = [(url, _child(url, "news")) for url in root.iter() if _local(url) == "url"]
    names = (_text(_child(_child(news, "publication"), "name")) for _, news in pairs)
    return Document(
        kind="news-sitemap" if any(news is not None for _, news in pairs) else "sitemap",
        items=tuple(_sitemap_item(url, news) for url, news in pairs),
        title=next(filter(None, names), None),
        warning=warning,
    )


def _xml_tree(text: str, *, recover: bool) -> Any:
    parser = etree.XMLParser(
        recover=recover, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    return etree.fromstring((_DECLARATION + text).encode(), parser)


def _sitemap_item(url: Any, news: Any) -> Item:
    loc = _text(_child(url, "loc"))
    date = _text(_child(news, "publication_date"))
    return Item(
        links=(loc,) if loc else (),
        title=_text(_child(news, "title")),
        dates=(date,) if date else (),
        language=_text(_child(_child(news, "publication"), "language")),
    )


def _local(element: Any) -> str:
    """Return the name without namespace: sites write the namespaces wrongly, or leave the declaration out."""
    tag = element.tag
    return re.split("[}:]", tag)[-1].lower() if isinstance(tag, str) else ""


def _child(element: Any, name: str) -> Any:
    return None if element is None else next((child for child in element if _local(child) == name), None)


def _text(element: Any) -> str | None:
    return None if element is None else "".join(element.itertext()).strip() or None
