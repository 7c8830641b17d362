"""Bytes → text for feeds and sitemaps, so that no parser further on has to guess.

The order is: byte order mark, UTF-8 (which a text in another charset never is by accident), XML declaration, HTTP
charset, a guess. What makes no sense of the body falls through to the next: proxies re-encode a body and leave its
declaration, servers claim Latin-1 for everything, .NET writes "utf-16" into strings (XML 1.0, appendix F).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from extractors.charsets import codec_of, decode_as, first_sound, guess, xml_codec

_CONTROLS = re.compile(r"[\x80-\x9f]")  # the bytes that a code page leaves undefined


@dataclass(frozen=True, slots=True)
class Decoded:
    """A body as text without byte order mark; `damaged` says that some bytes are no characters of the encoding."""

    text: str
    encoding: str  # Python's name of the codec that was used
    damaged: bool = False


def decode(body: bytes, *, charset: str | None = None) -> Decoded:
    """Return the text of `body`; `charset` is what the HTTP header said, if anything. Never raises."""
    text, codec = first_sound(body, [xml_codec(body), codec_of(charset)]) or _guessed(body)
    is_undefined = not codec.startswith("utf") and _CONTROLS.search(text) is not None
    return Decoded(text, codec, damaged="\ufffd" in text or is_undefined)


def _guessed(body: bytes) -> tuple[str, str]:
    """Return `body` read as UTF-8 with few bad bytes, else by its letters, else as windows-1251."""
    if (text := decode_as(body, "utf-8")) is not None:
        return text, "utf-8"
    codec = guess(body) or "cp1251"
    return decode_as(body, codec) or body.decode(codec, errors="replace"), codec
