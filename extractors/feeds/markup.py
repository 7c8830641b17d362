"""Convert text in feeds: markup to plain text, plain text to markup, damaged XML to XML that a parser takes.

Every pattern here is linear in its input: feeds come from outside, and a megabyte of "<script" must not cost minutes.
"""

from __future__ import annotations

import html
import re
from html.entities import name2codepoint

from extractors.text import clean_line

_TAG = re.compile(r"<!--|-->|<!\[CDATA\[|\]\]>|<(/?)([a-zA-Z][\w:-]*+)[^<>]*+>|<![a-zA-Z][^<>]*>")
_HIDDEN = frozenset({"script", "style", "noscript", "template"})
_INLINE = frozenset({"a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "em", "font", "i", "ins", "mark", "nobr",
                     "q", "s", "small", "span", "strike", "strong", "sub", "sup", "u", "wbr"})  # fmt: skip
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # XML 1.0, 2.2
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_AMPERSAND = re.compile(r"&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[a-zA-Z][a-zA-Z0-9]*;)?")


def plain(markup: str | None) -> str | None:
    """Return the visible text of `markup` as one clean line; None if there is none.

    Tags go, entities are resolved once (what was escaped twice stays visible), scripts and styles vanish.
    """
    if not markup:
        return None
    text = _without_tags(markup) if "<" in markup else markup
    if "&" in text:
        text = _REFERENCE.sub(_resolved, text)
    return clean_line(text) or None


def _resolved(match: re.Match[str]) -> str:
    text = html.unescape(match[0])
    return "" if text == "\ufffd" else text  # Python's answer to "&#0;" and lone surrogates


def _without_tags(markup: str) -> str:
    pieces: list[str] = []
    position, hidden_by = 0, ""
    for match in _TAG.finditer(markup):
        if not hidden_by:
            pieces.append(markup[position : match.start()])
        position = match.end()
        token, name = match[0], (match[2] or "").lower()
        if hidden_by:
            if token == hidden_by or (match[1] and name == hidden_by):
                hidden_by = ""
        elif token == "<!--":
            hidden_by = "-->"
        elif name in _HIDDEN and not match[1]:
            hidden_by = name
        elif name and name not in _INLINE:
            pieces.append(" ")
    if not hidden_by:
        pieces.append(markup[position:])
    return "".join(pieces)


def as_html(text: str, *, literal: bool = False) -> str:
    """Return markup for a text that may lack it: a text with tags as it is, else each line as a `<p>`.

    `yandex:full-text` is often plain lines. `literal`: what looks like a tag or an entity is not one.
    """
    if not literal:
        if _TAG.search(text):
            return text
        text = _REFERENCE.sub(_resolved, text)
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(f"<p>{html.escape(line, quote=False)}</p>" for line in lines if line)


def repaired(document: str) -> str:
    """Return `document` with the commonest breaches of XML mended, and otherwise unchanged.

    Characters that XML forbids go; outside CDATA, HTML's entities become characters, impossible character
    references go, and a bare "&" becomes "&amp;". Otherwise one "AT&T" sends the whole feed through feedparser's
    tolerant parser, which makes "AT&T;" of it; a reference past U+10FFFF even raises.
    """
    head, *sections = _NOT_XML.sub("", document).split("<![CDATA[")
    pieces = [_AMPERSAND.sub(_mended, head)]
    for section in sections:
        cdata, end, markup = section.partition("]]>")
        pieces += ("<![CDATA[", cdata, end, _AMPERSAND.sub(_mended, markup))
    return "".join(pieces)


def _mended(match: re.Match[str]) -> str:
    reference = match[1]
    if reference is None:
        return "&amp;"
    if reference.startswith("#"):
        return match[0] if reference.endswith(";") and _is_xml(reference[1:-1]) else ""
    name = reference[:-1]
    if name in _XML_ENTITIES:
        return match[0]
    return chr(name2codepoint[name]) if name in name2codepoint else "&amp;" + reference


def _is_xml(number: str) -> bool:
    """Say whether a character reference ("160", "xA0") names a character that XML 1.0, 2.2 allows."""
    digits = number.lstrip("xX")
    if len(digits) > 7:
        return False
    code = int(digits, 16 if number[0] in "xX" else 10)
    return code <= 0x10FFFF and not _NOT_XML.match(chr(code))
