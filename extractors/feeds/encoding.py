"""Bytes → text for feeds and sitemaps, so that no parser further on has to guess.

The order is: byte order mark, XML declaration, HTTP charset, UTF-8, windows-1251. A charset that fails to decode
the whole body falls through to the next. Three observed cases bend the order, each where following it would
certainly give garbage:

- valid UTF-8 beyond ASCII is UTF-8 whatever is declared: proxies re-encode a body and leave its declaration;
- "utf-16" declared in a document whose declaration reads as ASCII is untrue (XML 1.0, appendix F; .NET writes it);
- Latin-1 claimed for what has runs of four letters from its upper half is a server's default, not a statement.

Labels mean what browsers take them for (https://encoding.spec.whatwg.org/): "iso-8859-1" is windows-1252.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from w3lib.encoding import resolve_encoding

_BOMS = (
    # UTF-32 first: its little-endian mark begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    # Not marks, but as good: "<" followed or led by a NUL.
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARATION = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']\s*([A-Za-z0-9._:-]{1,40})")
_LABEL = re.compile(r"[A-Za-z0-9._:-]{1,40}")
# Codecs that Python has and the web does not: they interpret escapes, or cost quadratic time.
_NOT_CHARSETS = frozenset({"unicode_escape", "raw_unicode_escape", "unicode-escape", "raw-unicode-escape",
                           "idna", "punycode", "undefined", "utf-7"})  # fmt: skip
_LATIN = frozenset({"cp1252", "iso8859-1", "latin-1", "ascii"})
_FOUR_UPPER_HALF_LETTERS = re.compile(rb"[\xc0-\xff]{4}")
# One damaged sequence to ten sound ones is a damaged UTF-8 document; Cyrillic in windows-1251 is nearly all "damage".
_SOUND_TO_DAMAGED = 10


@dataclass(frozen=True, slots=True)
class Decoded:
    """A body as text without byte order mark; `damaged` says that some bytes became U+FFFD."""

    text: str
    encoding: str  # Python's name of the codec that was used
    damaged: bool = False


def decode(body: bytes, *, charset: str | None = None) -> Decoded:
    """Return the text of `body`; `charset` is what the HTTP header said, if anything. Never raises."""
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return _lossy(body, encoding)
    strict = _strict(body, "utf-8")
    if strict is not None and not body.isascii():
        return strict
    for label in (_declared(body), charset):
        encoding_named = _codec(label)
        if encoding_named is None or (encoding_named in _LATIN and _FOUR_UPPER_HALF_LETTERS.search(body)):
            continue
        decoded = _strict(body, encoding_named)
        if decoded is not None:
            return decoded
    return strict or _damaged(body)


def _declared(body: bytes) -> str | None:
    match = _DECLARATION.search(body, 0, 1024)
    return match[1].decode("ascii") if match else None


def _codec(label: str | None) -> str | None:
    """Python's codec for `label`, None where there is none or the claim cannot be true."""
    if label is None or not _LABEL.fullmatch(label.strip()):
        return None
    name = resolve_encoding(label.strip())
    # Whoever got here has neither mark nor NULs, and so is no UTF-16 or UTF-32.
    return None if name is None or name in _NOT_CHARSETS or name.startswith(("utf-16", "utf-32")) else name


def _strict(body: bytes, encoding: str) -> Decoded | None:
    try:
        return Decoded(body.decode(encoding), encoding)
    except (UnicodeError, LookupError):  # LookupError: a codec that is not for text, such as "zlib"
        return None


def _lossy(body: bytes, encoding: str) -> Decoded:
    text = body.decode(encoding, errors="replace")
    return Decoded(text.removeprefix("\ufeff"), encoding, damaged="\ufffd" in text)


def _damaged(body: bytes) -> Decoded:
    """UTF-8 with a few bad bytes (a cut document ends inside a letter) if it looks so, else windows-1251."""
    utf8 = _lossy(body, "utf-8")
    damaged = utf8.text.count("\ufffd")
    sound = sum(not character.isascii() for character in utf8.text) - damaged
    return utf8 if sound > _SOUND_TO_DAMAGED * damaged else _lossy(body, "cp1251")
