"""Text in feeds: markup → plain text, plain text → markup, and XML that almost is → XML that a parser takes; and
whether an article's full text in a feed is to take the place of what its page gave.

Every pattern here is linear in its input: feeds come from outside, and a megabyte of "<script" must not cost minutes.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from html.entities import name2codepoint

from extractors.text import clean_line, count_words, tokens

_TAG = re.compile(r"<!--|-->|<!\[CDATA\[|\]\]>|<(/?)([a-zA-Z][\w:-]*)[^<>]*>|<![a-zA-Z][^<>]*>")
_HIDDEN = frozenset({"script", "style", "noscript", "template"})
_INLINE = frozenset({"a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "em", "font", "i", "ins", "mark", "nobr",
                     "q", "s", "small", "span", "strike", "strong", "sub", "sup", "u", "wbr"})  # fmt: skip
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # XML 1.0, 2.2
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
# What WordPress writes below every text in a feed.
_APPEARED = re.compile(
    r"^(?:the post .{1,300}(?:appeared first on|first appeared on)|(?:сообщение|запись) .{1,300}впервые появил)",
    re.IGNORECASE,
)
MUCH_LONGER = 1.25  # times the page's words: a feed's text may have a caption or a signature more
NEW_WORDS = 12  # of the feed's, in lines that the page has not: a sentence
_AMPERSAND = re.compile(r"&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[a-zA-Z][a-zA-Z0-9]*;)?")


def plain(markup: str | None) -> str | None:
    """The visible text of `markup` as one clean line; None if there is none.

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
    return "" if text == "\ufffd" else text  # what Python makes of "&#0;" and lone surrogates


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
    """Markup for a text that may lack it: a text with tags is returned as it is, else each line becomes a `<p>`.

    `yandex:full-text` is often plain lines. `literal`: what looks like a tag or an entity is not one.
    """
    if not literal:
        if _TAG.search(text):
            return text
        text = _REFERENCE.sub(_resolved, text)
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(f"<p>{html.escape(line, quote=False)}</p>" for line in lines if line)


def repaired(document: str) -> str:
    """`document` with the commonest breaches of XML mended, and otherwise unchanged.

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
    """Whether a character reference ("160", "xA0") names a character that XML 1.0, 2.2 allows."""
    digits = number.lstrip("xX")
    if len(digits) > 7:
        return False
    code = int(digits, 16 if number[0] in "xX" else 10)
    return code <= 0x10FFFF and not _NOT_XML.match(chr(code))


def fuller(content: str | None, page: Sequence[str]) -> list[str] | None:
    """The blocks of an article's full text in a feed, when they say more than the `page`'s blocks; else None.

    More is a quarter more words, and at least a sentence that the page has not: so a stub, a text cut short and
    a page behind a paywall are replaced, and a page that says the same in other words is not.
    """
    least = MUCH_LONGER * sum(count_words(block) for block in page)
    if count_words(plain(content) or "") < max(least, 1):  # most feeds: known without reading them as a page
        return None
    found = content_blocks(content or "")
    if sum(count_words(block) for block in found) < least:
        return None
    known = {" ".join(tokens(line)) for block in page for line in block.split("\n")}
    new = [text for block in found for line in block.split("\n") if (text := " ".join(tokens(line))) not in known]
    return found if sum(text.count(" ") + 1 for text in new) >= NEW_WORDS else None


def content_blocks(content: str) -> list[str]:
    """The blocks of a feed's full text, read as a page's text is: paragraphs, lists and tables."""
    from trafilatura import bare_extraction  # a second to load, and only child processes come here

    from extractors.pages.blocks import blocks

    document = bare_extraction(
        f"<html><body><article>{content}</article></body></html>",
        include_comments=False,
        with_metadata=False,
        favor_recall=True,
    )
    if document is None or isinstance(document, dict):
        return []
    return [block for block in blocks(document.body) if not _APPEARED.match(block)]
