"""Write the catalogue as OPML 2.0 (http://opml.org/spec2.opml), which feed readers exchange, and read such lists.

A reader finds the feeds in folders by category. OPML has no attribute for the rest of a source, which is guessed when a
list is read: to give a catalogue to somebody else, copy sources.toml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from lxml import etree
from pydantic import TypeAdapter, ValidationError

from config.settings import WebAddress, masked
from config.sources import LANGUAGES, Source
from extractors.feeds.links import resolve, without_feed_scheme
from extractors.feeds.successors import feed_key
from extractors.text import clean_line
from flows.tools.catalogue import CATEGORIES, MAX_NAME, Draft, NewSource, completed
from flows.tools.outlines import MAX_SHOWN, OpmlError, Outline, read_outlines

MAX_BYTES = 5_000_000  # a reader's list of ten thousand feeds has two
MAX_FEEDS = 10_000
# How readers name the address of a feed and of its page, and the types that they give a feed whose address is "url".
FEED_NAMES = ("xmlurl", "feedurl", "rssurl")
HOME_NAMES = ("htmlurl", "weburl", "siteurl", "link")
FEED_TYPES = ("rss", "rss1", "rss2", "atom", "rdf", "feed", "application/rss+xml", "application/atom+xml")
# FreshRSS: "HTML+XPath", "XML+XPath", "JSON+DotPath", "JSON+DotNotation", "HTML+XPath+JSON+DotNotation".
_SCRAPED = re.compile(r"xpath|dot(?:path|notation)|^html", re.IGNORECASE)
_BARE_HOST = re.compile(r"(?://)?[\w-]+(?:\.[\w-]+)+(?::\d+)?(?=[/?#]|$)")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ADDRESS = TypeAdapter[str](WebAddress)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A feed of the list that was not taken on, and why."""

    feed: str
    why: str


def write_opml(sources: Iterable[Source]) -> bytes:
    """Return the feeds of these sources in folders by category. Equal sources give equal bytes.

    Characters that XML cannot hold are left out.
    """
    root = etree.Element("opml", {"version": "2.0"})
    etree.SubElement(etree.SubElement(root, "head"), "title").text = "c5watch: catalogue of sources"
    body = etree.SubElement(root, "body")
    folders: dict[str, Any] = {}
    for source in sources:
        if source.category not in folders:
            name = source.category.replace("_", " ")
            folders[source.category] = etree.SubElement(body, "outline", {"text": name, "title": name})
        for feed in source.feeds:
            attributes = {
                "text": source.name, "title": source.name, "type": "rss", "xmlUrl": feed, "htmlUrl": source.homepage,
                "language": source.language, "category": source.category,
            }  # fmt: skip
            clean = {name: _NOT_XML.sub("", value) for name, value in attributes.items()}
            etree.SubElement(folders[source.category], "outline", clean)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def read_opml(body: bytes) -> list[Draft]:
    """Return a source for each feed of the list, in its order; an outline that is no feed says so in `wrong`.

    Feeds may be anything that stands in `xmlUrl`. Raises OpmlError for a document that is no list of feeds.
    """
    drafts: list[Draft] = []
    for outline in read_outlines(body):
        if not outline.wrong and not _feed(outline.attributes):
            continue
        if len(drafts) == MAX_FEEDS:
            raise OpmlError(f"found more than {MAX_FEEDS} feeds in it, expected the list of a reader")
        drafts.append(_draft(outline))
    if not drafts:
        raise OpmlError("found no feed in it, expected outlines with an xmlUrl")
    return drafts


def _feed(attributes: dict[str, str]) -> str:
    """Return the address of the feed, under the name that the reader gives it."""
    names = [*FEED_NAMES, *(("url",) if attributes.get("type", "").lower() in FEED_TYPES else ())]
    return next((attributes[name].strip() for name in names if attributes.get(name, "").strip()), "")


def _draft(outline: Outline) -> Draft:
    attributes = outline.attributes
    if outline.wrong:
        return Draft((outline.shown,), "", wrong=outline.wrong)
    feed = _address(_feed(attributes))
    kind = attributes.get("type", "").strip()
    if _SCRAPED.search(kind):
        return Draft((feed,), "", wrong=f"a page that a reader scrapes ({clean_line(kind)[:MAX_SHOWN]}), and no feed")
    language = re.split("[-_]", attributes.get("language", "").strip().lower())[0]
    words = [attributes.get("category", ""), outline.folder]
    categories = [word.strip("/ ").lower().replace(" ", "_") for word in words]
    home = next((attributes[key].strip() for key in HOME_NAMES if attributes.get(key, "").strip()), "")
    return Draft(
        feeds=(feed,),
        homepage=_homepage(home, feed),
        name=clean_line(attributes.get("text") or attributes.get("title") or "")[:MAX_NAME],
        language=language if language in LANGUAGES else None,
        category=next((word for word in categories if word in CATEGORIES), None),
    )


def _address(url: str) -> str:
    """Return an address mended, if it can be: without a scheme, with blanks, or with that of readers, "feed:"."""
    rest = without_feed_scheme(url)
    if _is_address(rest):
        return rest
    tidy = re.sub(r"^(https?:)\s*(//)\s*", r"\1\2", rest, flags=re.IGNORECASE)
    tidy = f"https://{tidy.lstrip('/')}" if _BARE_HOST.match(tidy) else tidy
    mended = resolve(tidy, base="")
    return mended if mended is not None and _is_address(mended) else rest


def _homepage(url: str, feed: str) -> str:
    url = _address(url) if url else url
    if _is_address(url) or not _is_address(feed):
        return url
    parts = urlsplit(feed)
    return f"{parts.scheme}://{parts.netloc}/"


def _is_address(url: str) -> bool:
    try:
        return bool(_ADDRESS.validate_python(url))
    except ValidationError:
        return False


def choose_feeds(drafts: Sequence[Draft], known: Sequence[Source]) -> tuple[list[NewSource], list[Skipped]]:
    """Return the drafts that are new to the catalogue, completed; and the others, each with the reason."""
    owners = {feed_key(feed): source.id for source in known for feed in source.feeds}
    taken = {source.id for source in known}
    added: list[NewSource] = []
    skipped: list[Skipped] = []
    for draft in drafts:
        (feed,) = draft.feeds
        shown = masked(clean_line(feed))
        wrong = draft.wrong
        if wrong is None and not _is_address(feed):
            wrong = "not an http or https address" if shown == clean_line(feed) else "an address with a secret"
        if wrong is not None:
            skipped.append(Skipped(shown[:200], wrong))
            continue
        if owner := owners.get(feed_key(feed)):
            skipped.append(Skipped(feed, f'in the catalogue already: source "{owner}"'))
            continue
        try:
            new = completed(draft, taken=taken)
        except ValueError as exc:
            skipped.append(Skipped(feed, str(exc)))
            continue
        added.append(new)
        taken.add(new.source.id)
        owners[feed_key(feed)] = new.source.id
    return added, skipped
