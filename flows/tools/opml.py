"""The catalogue as OPML 2.0 (http://opml.org/spec2.opml), which feed readers exchange, and such lists as sources.

A reader finds the feeds in folders by category. OPML has no attribute for the rest of a source, which is guessed when a
list is read: to give a catalogue to somebody else, copy sources.toml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from lxml import etree
from pydantic import TypeAdapter, ValidationError

from config.errors import EdgeError
from config.settings import WebAddress, masked
from config.sources import LANGUAGES, Source
from extractors.feeds.encoding import decode
from extractors.feeds.markup import repaired
from extractors.feeds.parsing import document_root
from extractors.text import clean_line
from flows.tools.catalogue import CATEGORIES, MAX_NAME, Draft, NewSource, completed, feed_key

MAX_BYTES = 5_000_000  # a reader's list of ten thousand feeds has two
MAX_FEEDS = 10_000
MAX_SHOWN = 60  # characters of something strange that are quoted
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ADDRESS = TypeAdapter[str](WebAddress)


class OpmlError(EdgeError):
    """The document is no list of feeds; the text says why, for the end of "FILE: …"."""


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
    """Return a source for each feed of the list, in its order; the feeds may be anything that stands in `xmlUrl`.

    Raises OpmlError for what is no list of feeds.
    """
    drafts: list[Draft] = []
    for outline, folder in _feed_outlines(_root(body)):
        if len(drafts) == MAX_FEEDS:
            raise OpmlError(f"found more than {MAX_FEEDS} feeds in it, expected the list of a reader")
        drafts.append(_draft(outline, folder))
    if not drafts:
        raise OpmlError("found no feed in it, expected outlines with an xmlUrl")
    return drafts


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
        if attributes.get("xmlurl", "").strip():
            parent = outline.getparent().attrib
            yield attributes, str(parent.get("text") or parent.get("title") or "")


def _draft(outline: dict[str, str], folder: str) -> Draft:
    feed = _address(outline["xmlurl"].strip())
    language = re.split("[-_]", outline.get("language", "").strip().lower())[0]
    words = [outline.get("category", ""), folder]
    categories = [word.strip("/ ").lower().replace(" ", "_") for word in words]
    return Draft(
        feeds=(feed,),
        homepage=_homepage(outline.get("htmlurl", "").strip(), feed),
        name=clean_line(outline.get("text") or outline.get("title") or "")[:MAX_NAME],
        language=language if language in LANGUAGES else None,
        category=next((word for word in categories if word in CATEGORIES), None),
    )


def _address(url: str) -> str:
    """Return a feed's address: "feed://x" and "feed:https://x" are how some readers write it."""
    rest = re.sub(r"^feed:(//)?", "", url, flags=re.IGNORECASE)
    return url if rest == url else rest if re.match("https?:", rest, re.IGNORECASE) else f"http://{rest}"


def _homepage(url: str, feed: str) -> str:
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
        if not _is_address(feed):
            shown = masked(clean_line(feed))
            why = "not an http or https address" if shown == clean_line(feed) else "an address with a secret"
            skipped.append(Skipped(shown[:200], why))
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
