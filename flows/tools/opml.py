"""Write the catalogue as OPML 2.0 (http://opml.org/spec2.opml), which feed readers exchange, and read such lists.

A reader finds the feeds in folders by category. Facts that OPML has no attribute for stand in attributes of our own
namespace, so that an exported catalogue comes back as it was; from a reader's list these are missing, and guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from lxml import etree
from pydantic import TypeAdapter, ValidationError

from config.settings import WebAddress, masked
from config.sources import LANGUAGES, Backfill, Source
from extractors.feeds.links import resolve
from extractors.text import clean_line
from flows.tools.catalogue import CATEGORIES, MAX_NAME, Draft, NewSource, completed, feed_key
from flows.tools.outlines import MAX_SHOWN, PREFIX, OpmlError, Outline, read_outlines

NAMESPACE = "https://github.com/c5watch/c5watch/opml"
MAX_BYTES = 5_000_000  # a reader's list of ten thousand feeds has two
MAX_FEEDS = 10_000
# How readers name the address of a feed and of its page, and the types that they give a feed whose address is "url".
FEED_NAMES = ("xmlurl", "feedurl", "rssurl")
HOME_NAMES = ("htmlurl", "weburl", "siteurl", "link")
FEED_TYPES = ("rss", "rss1", "rss2", "atom", "rdf", "feed", "application/rss+xml", "application/atom+xml")
# FreshRSS: "HTML+XPath", "XML+XPath", "JSON+DotPath", "JSON+DotNotation", "HTML+XPath+JSON+DotNotation".
_SCRAPED = re.compile(r"xpath|dot(?:path|notation)|^html", re.IGNORECASE)
_BARE_HOST = re.compile(r"(?://)?[\w-]+(?:\.[\w-]+)+(?::\d+)?(?=[/?#]|$)")
_OURS = f"{{{NAMESPACE}}}"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ADDRESS = TypeAdapter[str](WebAddress)
_BACKFILL = TypeAdapter[tuple[Backfill, ...]](tuple[Backfill, ...])


@dataclass(frozen=True, slots=True)
class Skipped:
    """A feed of the list that was not taken on, and why."""

    feed: str
    why: str


def write_opml(sources: Iterable[Source]) -> bytes:
    """Return the sources in folders by category, an outline for each feed. Equal sources give equal bytes.

    A source without a feed is an outline of the type "link", which readers pass over. Characters that XML cannot hold
    are left out.
    """
    root = etree.Element("opml", {"version": "2.0"}, nsmap={"c5": NAMESPACE})
    etree.SubElement(etree.SubElement(root, "head"), "title").text = "c5watch: catalogue of sources"
    body = etree.SubElement(root, "body")
    folders: dict[str, Any] = {}
    for source in sources:
        if source.category not in folders:
            name = source.category.replace("_", " ")
            folders[source.category] = etree.SubElement(body, "outline", {"text": name, "title": name})
        for attributes in _outlines(source):
            clean = {name: _NOT_XML.sub("", value) for name, value in attributes.items()}
            etree.SubElement(folders[source.category], "outline", clean)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _outlines(source: Source) -> Iterator[dict[str, str]]:
    """Return the attributes of the source's outlines; our own are on the first, the others say whose they are."""
    named = {"text": source.name, "title": source.name}
    page = {"htmlUrl": source.homepage, "language": source.language, "category": source.category}
    own = {
        f"{_OURS}country": source.country,
        f"{_OURS}enabled": str(source.enabled).lower(),
        f"{_OURS}backfill": json.dumps([route.model_dump(exclude_none=True) for route in source.backfill]),
        **({f"{_OURS}note": source.note} if source.note is not None else {}),
    }
    belongs = {f"{_OURS}id": source.id}
    if not source.feeds:
        yield {**named, "type": "link", "url": source.homepage, **page, **belongs, **own}
    for position, feed in enumerate(source.feeds):
        yield {**named, "type": "rss", "xmlUrl": feed, **page, **belongs, **({} if position else own)}


def read_opml(body: bytes) -> list[Draft]:
    """Return the list's sources in its order: our own export as it was, other lists with a source for each feed.

    Feeds may be anything that stands in `xmlUrl`; a draft of an outline that is no feed says so in `wrong`. Raises
    OpmlError for what is no list of feeds.
    """
    drafts: dict[str, Draft] = {}
    feeds = 0
    for position, outline in enumerate(read_outlines(body, namespace=NAMESPACE)):
        if not outline.wrong and not _is_source(outline.attributes):
            continue
        feeds += 1
        if feeds > MAX_FEEDS:
            raise OpmlError(f"found more than {MAX_FEEDS} feeds in it, expected the list of a reader")
        key = outline.attributes.get(f"{PREFIX}id") or str(position)
        draft = _draft(outline)
        if (known := drafts.get(key)) and not draft.wrong:
            drafts[key] = replace(known, feeds=known.feeds + draft.feeds)
        else:
            drafts[key if known is None else str(position)] = draft
    if not drafts:
        raise OpmlError("found no feed in it, expected outlines with an xmlUrl")
    return list(drafts.values())


def _is_source(attributes: dict[str, str]) -> bool:
    return bool(_feed(attributes)) or (attributes.get("type") == "link" and f"{PREFIX}id" in attributes)


def _feed(attributes: dict[str, str]) -> str:
    """Return the address of the feed, under the name that the reader gives it."""
    names = [*FEED_NAMES, *(("url",) if attributes.get("type", "").lower() in FEED_TYPES else ())]
    return next((attributes[name].strip() for name in names if attributes.get(name, "").strip()), "")


def _draft(outline: Outline) -> Draft:
    attributes = outline.attributes

    def own(name: str) -> str | None:
        return attributes.get(f"{PREFIX}{name}")

    feed = _feed(attributes)
    feeds = (_address(feed),) if feed else ()
    if outline.wrong:
        return Draft((outline.shown,), "", wrong=outline.wrong)
    kind = attributes.get("type", "").strip()
    if _SCRAPED.search(kind):
        return Draft(feeds, "", wrong=f"a page that a reader scrapes ({clean_line(kind)[:MAX_SHOWN]}), and no feed")
    try:
        backfill = _BACKFILL.validate_json(own("backfill") or "[]")
    except ValidationError:
        shown = clean_line(own("backfill") or "")[:MAX_SHOWN]
        return Draft(feeds, "", wrong=f"found c5:backfill={shown!r}, expected what an export writes")
    name = attributes.get("text") or attributes.get("title") or ""
    language = re.split("[-_]", attributes.get("language", "").strip().lower())[0]
    words = [attributes.get("category", ""), outline.folder]
    categories = [word.strip("/ ").lower().replace(" ", "_") for word in words]
    home = next((attributes[key].strip() for key in HOME_NAMES if attributes.get(key, "").strip()), "")
    return Draft(
        feeds=feeds,
        homepage=_homepage(home, feeds),
        name=name if own("id") else clean_line(name)[:MAX_NAME],
        id=own("id"),
        language=language if language in LANGUAGES else None,
        country=own("country"),
        category=next((word for word in categories if word in CATEGORIES), None),
        enabled=own("enabled") != "false",
        backfill=backfill,
        note=own("note") or None,
    )


def _address(url: str) -> str:
    """Return an address mended, if it can be: without a scheme, with blanks, or with that of readers, "feed:"."""
    rest = re.sub(r"^feed:(//)?", "", url, flags=re.IGNORECASE)
    if rest != url and not re.match("https?:", rest, re.IGNORECASE):
        rest = f"http://{rest}"
    if _is_address(rest):
        return rest
    tidy = re.sub(r"^(https?:)\s*(//)\s*", r"\1\2", rest, flags=re.IGNORECASE)
    tidy = f"https://{tidy.lstrip('/')}" if _BARE_HOST.match(tidy) else tidy
    mended = resolve(tidy, base="")
    return mended if mended is not None and _is_address(mended) else rest


def _homepage(url: str, feeds: Sequence[str]) -> str:
    url = _address(url) if url else url
    if _is_address(url):
        return url
    parts = urlsplit(feeds[0]) if feeds and _is_address(feeds[0]) else None
    return f"{parts.scheme}://{parts.netloc}/" if parts else url


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
        shown = draft.feeds[0] if draft.feeds else draft.homepage
        if draft.wrong is not None:
            skipped.append(Skipped(masked(clean_line(shown))[:200], draft.wrong))
            continue
        strange = next((feed for feed in draft.feeds if not _is_address(feed)), None)
        owner = next((owners[key] for feed in draft.feeds if not strange and (key := feed_key(feed)) in owners), None)
        if strange is not None:
            shown = masked(clean_line(strange))
            why = "not an http or https address" if shown == clean_line(strange) else "an address with a secret"
            skipped.append(Skipped(shown[:200], why))
            continue
        if owner is not None or (draft.id in taken and not draft.feeds):
            skipped.append(Skipped(shown, f'in the catalogue already: source "{owner or draft.id}"'))
            continue
        if draft.id in taken:
            skipped.append(Skipped(shown, f'the catalogue has another source "{draft.id}"'))
            continue
        try:
            new = completed(draft, taken=taken)
        except ValueError as exc:
            skipped.append(Skipped(shown, str(exc)))
            continue
        added.append(new)
        taken.add(new.source.id)
        owners |= {feed_key(feed): new.source.id for feed in new.source.feeds}
    return added, skipped
