"""Make text from outlets, feeds and settings fit for a page: one bounded line of visible text, a link to the web.

The templates escape it. This module removes what escaping leaves alone.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote, urlsplit

from extractors.text import clean_line

MAX_NAME = 80  # of an outlet, or the digest
MAX_LINK = 1000  # characters
_CHOICE = re.compile(r"(?<!\w)\([^()|]+\|")  # of whole words, not of endings
_ALTERNATIVES = re.compile(r"\(([^()|]*)\|[^()]*\)")
_ESCAPED_GROUP = re.compile(r"\\\(((?:[^()\\]|\\[^()])*)\\\)")  # as re.escape leaves it
# More than these on one letter reach into the lines around it.
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_PILED_UP = re.compile(f"([{_MARKS}]{{3}})[{_MARKS}]+")


def clean(text: str, most: int) -> str:
    """Return `text` on one line, nothing invisible or piled up, at most so many characters.

    Without the characters that change the direction of what follows: see `clean_line`.
    """
    line = _PILED_UP.sub(r"\1", clean_line(text[: 20 * most]))
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def link(url: str | None, most: int = MAX_LINK) -> str | None:
    """Return `url` if a reader may follow it, http or https of at most `most` characters, in ASCII; else None."""
    if not url or len(url) > most or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return None
    return quote(url, safe="%/:=&?~#+!$,;'@()*[]") if usable else None


def turns(text: str) -> bool:
    """Tell whether `text` has letters written from right to left, which pull digits and signs beside them along."""
    return not text.isascii() and any(unicodedata.bidirectional(sign) in ("R", "AL", "AN") for sign in text)


def readable(term: str, text: str = "") -> str:
    """Return a topic term in readable form: госдеп* → Госдеп…, Бел(ый|ого) (дом|дома) → Белый дом.

    Where it stands for one of several words, it is shown as it stands in `text`, if it does.
    """
    if _CHOICE.search(term) and (found := pattern_of(term).search(text)):
        plain = found[0]
    else:
        plain = _ALTERNATIVES.sub(r"\1", term.removeprefix("=")).replace("*", "…")
    words = plain.split(" ") if plain.isascii() else [plain]  # names in English have capitals throughout
    return clean(" ".join(word[:1].upper() + word[1:] for word in words), MAX_NAME)


@lru_cache(4096)
def pattern_of(term: str) -> re.Pattern[str]:
    """Return a pattern for the term, exact enough to find its place again: see the beginning of `topics.toml`."""
    pattern = re.escape(term.removeprefix("=")).replace(r"\*", r"\w*").replace(r"\ ", r"[\s-]+")
    pattern = _ESCAPED_GROUP.sub(lambda group: f"(?:{group[1]})".replace(r"\|", "|"), pattern)
    return re.compile(rf"\b{pattern}\b", re.IGNORECASE)
