"""Parse the bytes of a page to a tree."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml.etree import ElementDefaultClassLookup
from lxml.html import HtmlComment, HtmlElement, HtmlEntity, HtmlProcessingInstruction
from trafilatura import load_html
from trafilatura.utils import HTML_PARSER, detect_encoding

from extractors.charsets import codec_of, decode_as, first_sound, guess, is_mojibake, marked_codec, xml_codec

# Comments, scripts and styles may hold what looks like a declaration; one that is not closed takes in all the rest.
_TAGS = re.compile(
    rb"<!--.*?(?:-->|\Z)|<(?:script|style)\b.*?(?:</(?:script|style)\b|\Z)|<meta(?=[\s/\"'])([^>]*)",
    re.IGNORECASE | re.DOTALL,
)
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([a-z0-9_:.-]{2,40})", re.IGNORECASE)
_PRAGMA = re.compile(rb"http-?equiv", re.IGNORECASE)
_CONTENT = re.compile(rb"content\s*=", re.IGNORECASE)
# What browsers take an undeclared page for, by its language (HTML 13.2.3.2), where its letters tell nothing.
_BY_LANGUAGE = {"tr": "cp1254", "az": "cp1254", "tk": "cp1250", "pl": "cp1250", "cs": "cp1250", "lv": "cp1257",
                "lt": "cp1257", "el": "cp1253", "he": "cp1255", "ar": "cp1256", "fa": "cp1256", "th": "cp874",
                "vi": "cp1258", "zh": "gb18030", "ja": "cp932", "ko": "cp949"}  # fmt: skip
_LANGUAGE = re.compile(rb"<html[^>]{0,300}?\blang\s*=\s*[\"']?([a-z]{2})\b", re.IGNORECASE)

# lxml.html looks the class of an element up in Python, each time that the element is touched: a sixth of the cost of a
# page. Only elements of forms have classes of their own, and they are not needed here.
HTML_PARSER.set_element_class_lookup(
    ElementDefaultClassLookup(HtmlElement, HtmlComment, HtmlProcessingInstruction, HtmlEntity)
)


def parse_html(body: bytes, charset: str | None) -> HtmlElement | None:
    """Return the tree of a page; None if it is not HTML. `charset` is that of the HTTP header."""
    return tree_of(decode_html(body, charset))


def tree_of(source: str) -> HtmlElement | None:
    """Return the tree of a page's source; None if it is not HTML."""
    return load_html(source)


def decode_html(body: bytes, charset: str | None) -> str:
    """Return the text of a page, see `decoded`."""
    return decoded(body, charset)[0]


def decoded(body: bytes, charset: str | None) -> tuple[str, bool]:
    """Return the text of a page, and whether a charset made sense of it.

    UTF-8 is UTF-8 whatever is declared, then header, `<meta>`, and a guess.

    UTF-8 (valid, or with a letter cut in two here and there) comes first because a text in another encoding is
    practically never UTF-8 by accident, while declarations are often left over from an older site. A charset that
    makes no sense of the page is passed over. Only a page that none makes sense of comes back as mojibake.
    """
    if found := first_sound(body, _stated(body, charset)):
        return found[0], marked_codec(body) is None or not is_mojibake(found[0])
    if body.isascii():
        return body.decode("ascii"), True
    language = _LANGUAGE.search(body, 0, 4096)
    guessed = [_BY_LANGUAGE.get(language[1].decode("ascii").lower()) if language else None, guess(body)]
    if found := first_sound(body, [*guessed, *map(codec_of, detect_encoding(body))]):
        return found[0], True
    texts = (decode_as(body, codec) for codec in (*_stated(body, charset), *guessed) if codec)
    text = next(filter(None, texts), None) or body.decode("utf-8", errors="replace")
    return text, not is_mojibake(text)


def _stated(body: bytes, charset: str | None) -> Iterator[str | None]:
    yield codec_of(charset)
    yield xml_codec(body)
    yield meta_codec(body)


def meta_codec(body: bytes) -> str | None:
    """Return the codec that a `<meta>` names, wherever it stands (HTML 13.2.3.2 and 13.2.3.5)."""
    for tag in _TAGS.finditer(body):
        attributes = tag[1] or b""
        charset = _CHARSET.search(attributes)
        if charset and (_PRAGMA.search(attributes) or not _CONTENT.search(attributes)):
            codec = codec_of(charset[1].decode("ascii"))
            if codec is not None:
                return codec
    return None
