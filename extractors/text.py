"""Plain text as the corpus keeps it: characters, lines, tokens.

The rules are those of the corpus format: Unicode NFC, one plain space between words, no control or invisible
characters, typographic quotes and dashes as the publisher set them.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

# Dropped: control and format characters (zero-width, soft hyphen, bidi marks), surrogates, private use
# (icon fonts), noncharacters. Replaced by a plain space: every other space, line and paragraph separator.
_SPACES = re.compile(r"[\s\x1c-\x1f\x85\u00a0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\u2800\u3164]+")
_DROPPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co"})
_NONCHARACTER = re.compile(
    "[\ufdd0-\ufdef" + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF)) + "]"
)
_ORDINARY = re.compile(
    r"[ -~\u00a1-\u00ac\u00ae-\u02ff\u0400-\u0482\u048a-\u04ff\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2116]*"
)
_WORD = re.compile(r"\w+")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
REMEMBERED_CHARACTERS = 2000  # longer texts are not remembered with their tokens
EXACT_VERSION = b"c5watch exact text 1\0"
MIN_EXACT_TOKENS = 20  # stubs such as "video not available" must not count as copies of each other


def clean_line(text: str) -> str:
    """Return `text` as one line of a corpus file: NFC, single plain spaces, none at the ends, nothing invisible."""
    if _ORDINARY.fullmatch(text) and "  " not in text and text == text.strip(" "):
        return text  # as nearly every line; this check takes a tenth of the time
    text = _SPACES.sub(" ", text).strip(" ")
    if not _ORDINARY.fullmatch(text):
        kept = "".join(c for c in text if unicodedata.category(c) not in _DROPPED_CATEGORIES)
        text = unicodedata.normalize("NFC", _NONCHARACTER.sub("", kept))
        text = _SPACES.sub(" ", text).strip(" ")
    return text


def clean_block(text: str) -> str:
    """Return a block (a list, a table) with each line cleaned, and without empty lines."""
    return "\n".join(line for part in text.split("\n") if (line := clean_line(part)))


def tokens(text: str) -> list[str]:
    """Return the words of `text` for comparison: NFKC, case-folded, without punctuation."""
    return list(_remembered(text)) if len(text) <= REMEMBERED_CHARACTERS else _words(text)


def tokens_of(lines: Iterable[str]) -> list[str]:
    """Return the tokens of several lines or blocks, in order."""
    return [word for line in lines for word in tokens(line)]


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold().replace("\u00ad", ""))


@lru_cache(maxsize=256)  # a page's lines; half a megabyte as a rule, 6 at the most
def _remembered(text: str) -> tuple[str, ...]:
    """Return the tokens from memory: each step of an extraction needs those of the same paragraphs."""
    return tuple(_words(text))


def count_words(text: str) -> int:
    """Count the words of `text`; Chinese, which is written without spaces, counts a word for two characters."""
    han = len(_HAN.findall(text))
    return sum(len(tokens(line)) for line in (_HAN.sub(" ", text) if han else text).split("\n")) + han // 2


def counted(number: int, noun: str) -> str:
    """Return a number with its noun as users read it: "1 article", "2 entries", "3 addresses"."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("s"):
        return f"{number} {noun}es"
    return f"{number} {noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{number} {noun}s"


def exact_key(text: str) -> bytes | None:
    """Return 16 bytes that are equal for texts of equal words, whatever their typography; None below 20 words.

    BLAKE2b-128 over a version and the tokens. The index stores it for good, so a change needs a new version.
    """
    words = tokens(text)
    if len(words) < MIN_EXACT_TOKENS:
        return None
    return hashlib.blake2b(EXACT_VERSION + " ".join(words).encode(), digest_size=16).digest()
