"""Parse the bytes of a page to a tree."""

from __future__ import annotations

import codecs
import re

from lxml.etree import ElementDefaultClassLookup
from lxml.html import HtmlComment, HtmlElement, HtmlEntity, HtmlProcessingInstruction
from trafilatura import load_html
from trafilatura.utils import HTML_PARSER, decode_file

_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*(?:["']\s*)?([a-zA-Z0-9_:.-]{2,40})""", re.IGNORECASE)
_FOUR_UPPER_HALF_LETTERS = re.compile(rb"[\xc0-\xff]{4}")
_LATIN = frozenset({"cp1252", "iso8859-1", "ascii"})
SOUND_TO_DAMAGED = 10  # as for feeds (`extractors.feeds.encoding`): Cyrillic in windows-1251 is nearly all "damage"
PRESCAN_BYTES = 4096  # browsers look at 1024; some sites put scripts before the declaration

# lxml.html looks the class of an element up in Python, each time that the element is touched: a sixth of the cost of a
# page. Only elements of forms have classes of their own, and they are not needed here.
HTML_PARSER.set_element_class_lookup(
    ElementDefaultClassLookup(HtmlElement, HtmlComment, HtmlProcessingInstruction, HtmlEntity)
)


def parse_html(body: bytes, charset: str | None) -> HtmlElement | None:
    """Return the tree of a page; None if it is not HTML. `charset` is that of the HTTP header."""
    return load_html(decode_html(body, charset))


def decode_html(body: bytes, charset: str | None) -> str:
    """Return the text of a page: UTF-8 is UTF-8 whatever is declared, then header, `<meta>`, and a guess.

    UTF-8 (valid, or with a letter cut in two here and there) comes first because a text in another encoding is
    practically never UTF-8 by accident, while declarations are often left over from an older site.
    """
    if (text := _decode(body, "utf-8-sig") or _damaged_utf8(body)) is not None:
        return text
    declared = _META_CHARSET.search(body[:PRESCAN_BYTES])
    for name in (charset, declared[1].decode("ascii") if declared else None):
        if name and (text := _decode(body, name)) is not None:
            return text
    return str(decode_file(body))


def _decode(body: bytes, name: str) -> str | None:
    try:
        codec = codecs.lookup(name).name
        if codec in _LATIN and _FOUR_UPPER_HALF_LETTERS.search(body):
            return None  # a server's default; those letters are Cyrillic
        if codec.startswith(("utf-16", "utf-32")) and b"\0" not in body:
            return None
        # cp1251 and latin-1 leave bytes undefined or controls: browsers read the Windows superset (WHATWG Encoding).
        return body.decode("cp1252" if codec == "iso8859-1" else name)
    except (LookupError, ValueError):  # ValueError: UnicodeError, or a NUL in the name
        return None


def _damaged_utf8(body: bytes) -> str | None:
    text = body.decode("utf-8-sig", errors="replace")
    damaged = text.count("\ufffd")
    sound = sum(not character.isascii() for character in text) - damaged
    return text if sound > SOUND_TO_DAMAGED * damaged else None
