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

from config.errors import EdgeError
from config.settings import WebAddress, masked
from config.sources import LANGUAGES, Backfill, Source
from extractors.feeds.encoding import decode
from extractors.feeds.markup import repaired
from extractors.feeds.parsing import document_root
from extractors.text import clean_line
from flows.tools.catalogue import CATEGORIES, MAX_NAME, Draft, NewSource, completed, feed_key

NAMESPACE = "https://github.com/c5watch/c5watch/opml"
MAX_BYTES = 5_000_000  # a reader's list of ten thousand feeds has two
MAX_FEEDS = 10_000
MAX_SHOWN = 60  # characters of something strange that are quoted
_OURS = f"{{{NAMESPACE}}}"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ADDRESS = TypeAdapter[str](WebAddress)
_BACKFILL = TypeAdapter[tuple[Backfill, ...]](tuple[Backfill, ...])


class OpmlError(EdgeError):
    """The document is no list of feeds; the text says why, for the end of "FILE: …"."""


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

    Feeds may be anything that stands in `xmlUrl`. Raises OpmlError for what is no list of feeds.
    """
    drafts: dict[str, Draft] = {}
    for position, (outline, folder) in enumerate(_feed_outlines(_root(body))):
        if position == MAX_FEEDS:
            raise OpmlError(f"found more than {MAX_FEEDS} feeds in it, expected the list of a reader")
        own_id = outline.get(f"{_OURS}id".lower())
        key = own_id or str(position)
        draft = _draft(outline, folder)
        if known := drafts.get(key):
            drafts[key] = replace(known, feeds=known.feeds + draft.feeds)
        else:
            drafts[key] = draft
    if not drafts:
        raise OpmlError("found no feed in it, expected outlines with an xmlUrl")
    return list(drafts.values())


def _root(body: bytes) -> Any:
    decoded = decode(body)
    if decoded.damaged:
        raise OpmlError(f"found bytes that are not {decoded.encoding}, expected OPML in the encoding that it declares")
    name, start = document_root(decoded.text)
    if name != "opml":
        shown = repr(clean_line(decoded.text[:MAX_SHOWN])) if decoded.text.strip("\0 \r\n\t") else "nothing"
        raise OpmlError(f"found {'HTML' if name == 'html' else shown}, expected OPML")
    if "<!DOCTYPE" in decoded.text[:start].upper():
        raise OpmlError("found a document type (<!DOCTYPE …>), which OPML has no use for: remove it")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
                             remove_comments=True, remove_pis=True)  # fmt: skip
    try:
        return etree.fromstring(repaired(decoded.text[start:]).encode(), parser)
    except etree.XMLSyntaxError as exc:
        raise OpmlError(f"found malformed XML, expected OPML: {clean_line(str(exc.msg))}") from exc


def _feed_outlines(root: Any) -> Iterator[tuple[dict[str, str], str]]:
    """Yield the attributes of each outline that is a feed, their names in lower case, and the name of its folder."""
    for outline in root.iter("{*}outline"):
        attributes = {str(name).lower(): str(value) for name, value in outline.attrib.items()}
        if attributes.get("xmlurl", "").strip() or (
            attributes.get("type") == "link" and f"{_OURS}id".lower() in attributes
        ):
            parent = outline.getparent().attrib
            yield attributes, str(parent.get("text") or parent.get("title") or "")


def _draft(outline: dict[str, str], folder: str) -> Draft:
    def own(name: str) -> str | None:
        return outline.get(f"{_OURS}{name}".lower())

    feeds = (_address(outline["xmlurl"].strip()),) if "xmlurl" in outline else ()
    name = outline.get("text") or outline.get("title") or ""
    language = re.split("[-_]", outline.get("language", "").strip().lower())[0]
    words = [outline.get("category", ""), folder]
    categories = [word.strip("/ ").lower().replace(" ", "_") for word in words]
    return Draft(
        feeds=feeds,
        homepage=_homepage(outline.get("htmlurl", "").strip(), feeds),
        name=name if own("id") else clean_line(name)[:MAX_NAME],
        id=own("id"),
        language=language if language in LANGUAGES else None,
        country=own("country"),
        category=next((word for word in categories if word in CATEGORIES), None),
        enabled=own("enabled") != "false",
        backfill=_backfill(own("backfill") or "[]"),
        note=own("note") or None,
    )


def _address(url: str) -> str:
    """Return a feed's address: "feed://x" and "feed:https://x" are how some readers write it."""
    rest = re.sub(r"^feed:(//)?", "", url, flags=re.IGNORECASE)
    return url if rest == url else rest if re.match("https?:", rest, re.IGNORECASE) else f"http://{rest}"


def _homepage(url: str, feeds: Sequence[str]) -> str:
    if _is_address(url):
        return url
    parts = urlsplit(feeds[0]) if feeds and _is_address(feeds[0]) else None
    return f"{parts.scheme}://{parts.netloc}/" if parts else url


def _is_address(url: str) -> bool:
    try:
        return bool(_ADDRESS.validate_python(url))
    except ValidationError:
        return False


def _backfill(text: str) -> tuple[Backfill, ...]:
    try:
        return _BACKFILL.validate_json(text)
    except ValidationError as exc:
        raise OpmlError(f"found c5:backfill={clean_line(text)[:MAX_SHOWN]!r}, expected what an export writes") from exc


def choose_feeds(drafts: Sequence[Draft], known: Sequence[Source]) -> tuple[list[NewSource], list[Skipped]]:
    """Return the drafts that are new to the catalogue, completed; and the others, each with the reason."""
    owners = {feed_key(feed): source.id for source in known for feed in source.feeds}
    taken = {source.id for source in known}
    added: list[NewSource] = []
    skipped: list[Skipped] = []
    for draft in drafts:
        shown = draft.feeds[0] if draft.feeds else draft.homepage
        strange = next((feed for feed in draft.feeds if not _is_address(feed)), None)
        owner = next((owners[key] for feed in draft.feeds if not strange and (key := feed_key(feed)) in owners), None)
        if strange is not None:
            shown = masked(clean_line(strange))
            why = "not an http or https address" if shown == clean_line(strange) else "an address with a password"
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
