"""From the bytes of a page to a parsed tree."""

from __future__ import annotations

import codecs
import re

from lxml.html import HtmlElement
from trafilatura import load_html
from trafilatura.utils import decode_file

_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([a-zA-Z0-9_:.-]{2,40})""", re.IGNORECASE)
PRESCAN_BYTES = 4096  # browsers look at 1024; some sites put scripts before the declaration


def parse_html(body: bytes, charset: str | None) -> HtmlElement | None:
    """The tree of a page, or None when it is no HTML. `charset` is what the HTTP header said."""
    return load_html(decode_html(body, charset))


def decode_html(body: bytes, charset: str | None) -> str:
    """The text of a page: valid UTF-8 is UTF-8 whatever is declared, then header, `<meta>`, and a guess.

    Valid UTF-8 comes first because a text in another encoding is practically never valid UTF-8 by accident,
    while declarations are often left over from an older site.
    """
    declared = _META_CHARSET.search(body[:PRESCAN_BYTES])
    for name in ("utf-8-sig", charset, declared[1].decode("ascii") if declared else None):
        if name and (text := _decode(body, name)) is not None:
            return text
    return str(decode_file(body))


def _decode(body: bytes, name: str) -> str | None:
    try:
        # cp1251 and latin-1 leave bytes undefined or controls: browsers read the Windows superset (WHATWG Encoding).
        return body.decode("cp1252" if codecs.lookup(name).name == "iso8859-1" else name)
    except (LookupError, UnicodeError):
        return None
