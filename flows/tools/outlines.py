"""Read the outlines of an OPML document as readers write them; one that is wrong costs itself only."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from config.errors import EdgeError
from extractors.feeds.encoding import decode
from extractors.feeds.markup import repaired
from extractors.feeds.parsing import document_root
from extractors.text import clean_line

MAX_SHOWN = 60  # characters of something strange that are quoted
_OPENING = re.compile(r"<(?P<end>/?)(?:[\w.-]{1,40}:)?outline\b", re.IGNORECASE)
_ATTRIBUTES = re.compile(r"""(?:[^<>"']|"[^"<]*"|'[^'<]*')*>""")
_ATTRIBUTE = re.compile(r"""([\w.:-]{1,60})\s*=\s*(?:"([^"]*)"|'([^']*)')""")


class OpmlError(EdgeError):
    """The document is no list of feeds; the text says why, for the end of "FILE: …"."""


@dataclass(frozen=True, slots=True)
class Outline:
    """The attributes of one outline, their names in lower case, and the name of the folder that it is in.

    `wrong` says why it cannot be read; then `shown` is how it begins.
    """

    attributes: dict[str, str]
    folder: str
    wrong: str | None = None
    shown: str = ""


def read_outlines(body: bytes) -> list[Outline]:
    """Return the outlines of the document.

    Raises OpmlError for a document that is no OPML, or in which no outline can be read.
    """
    decoded = decode(body)
    name, start = document_root(decoded.text)
    if name != "opml":
        if decoded.damaged:
            raise OpmlError(_undecoded(decoded.encoding))
        shown = repr(clean_line(decoded.text[:MAX_SHOWN])) if decoded.text.strip("\0 \r\n\t") else "nothing"
        raise OpmlError(f"found {'HTML' if name == 'html' else shown}, expected OPML")
    if "<!DOCTYPE" in decoded.text[:start].upper():
        raise OpmlError("found a document type (<!DOCTYPE …>), which OPML has no use for: remove it")
    text = repaired(decoded.text[start:])
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
                             remove_comments=True, remove_pis=True)  # fmt: skip
    malformed = None
    try:
        outlines = list(_of_tree(etree.fromstring(text.encode(), parser)))
    except etree.XMLSyntaxError as exc:
        malformed = f"found malformed XML, expected OPML: {clean_line(str(exc.msg))}"
        outlines = list(_of_text(text))
    checked = [_checked(outline, decoded.encoding) if decoded.damaged else outline for outline in outlines]
    if all(one.wrong or not any("url" in name for name in one.attributes) for one in checked):
        if malformed:
            raise OpmlError(malformed)
        if decoded.damaged:
            raise OpmlError(_undecoded(decoded.encoding))
    return checked


def _undecoded(encoding: str) -> str:
    return f"found bytes that are not {encoding}, expected OPML in the encoding that it declares"


def _of_tree(root: Any) -> Iterator[Outline]:
    for element in root.iter():
        if _local(element) == "outline":
            attributes = {str(name).lower(): str(value) for name, value in element.attrib.items()}
            parent = element.getparent().attrib if element.getparent() is not None else {}
            yield Outline(attributes, str(parent.get("text") or parent.get("title") or ""))


def _local(element: Any) -> str:
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _of_text(text: str) -> Iterator[Outline]:
    """Yield the outlines of malformed XML, tag by tag."""
    folders: list[str] = []
    for opening in _OPENING.finditer(text):
        folder = folders[-1] if folders else ""
        if opening["end"]:
            del folders[-1:]
        elif tag := _ATTRIBUTES.match(text, opening.end()):
            attributes = {
                match[1].lower(): html.unescape(match[2] if match[2] is not None else match[3])
                for match in _ATTRIBUTE.finditer(tag[0])
            }
            yield Outline(attributes, folder)
            if not tag[0].endswith("/>"):
                folders.append(attributes.get("text") or attributes.get("title") or "")
        else:
            shown = clean_line(text[opening.start() :][:200])
            yield Outline({}, folder, "malformed: quotes and angle brackets do not match", shown)


def _checked(outline: Outline, encoding: str) -> Outline:
    damaged = next((value for value in outline.attributes.values() if "\ufffd" in value), None)
    if damaged is None or outline.wrong:
        return outline
    shown = outline.attributes.get("xmlurl") or damaged
    return Outline(outline.attributes, outline.folder, f"bytes that are not {encoding}", clean_line(shown))
