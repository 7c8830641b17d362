"""What of a text is stored to find other texts that share a stretch of words with it.

A signature is a sample of the hashes of all three neighbouring words (FracMinHash: Irber et al., "Lightweight
compositional analysis of metagenomes with FracMinHash", 2022). The sample depends on the words alone, so a cut, wrapped
or edited copy has part of the same sample, whatever its length. Two texts that share at least two hashes are worth a
comparison, which `storage.similarity` makes on the texts themselves.

Hashes are kept in the index for good: whatever changes one needs a new `VERSION`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nsmallest

from extractors.text import tokens

VERSION = 1
MIN_WORDS = 20  # words with letters; of less, two equal samples mean nothing
SAMPLE = 16  # one hash of so many is kept
BYTES = 6  # of a hash: SQLite stores them in as many, and of a million articles one in 30,000 meets another's by chance
AT_LEAST = 12  # hashes of a short text; at one in 16 a teaser would have two or three

_APOSTROPHES = dict.fromkeys(
    map(ord, "`´\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u055a\u2018\u2019\u201b\u2032\uff07"), "'"
)
_BLANK = {ord("_"): " "}  # a word character for `re` alone
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u200f"), None)
_BEFORE = _APOSTROPHES | _BLANK | _INVISIBLE
_BROKEN_WORD = re.compile(r"(?<=[^\W\d_])[-\u2010\u00ac\u00ad][ \t]*\r?\n[ \t]*([^\W\d_])")
_INNER_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")
# 1 200, 1,200, 1.200 and 1200 are one number, and so are 4,5 and 4.5. What is lost, 4.5 against 45, harms nobody.
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?: {1,2}\d{3})+(?!\d)")
_DECIMAL = re.compile(r"(?<=\d)[.,](?=\d)")
_MARKS = re.compile("[\u0300-\u036f]+")  # stress marks; those that make a letter have been composed
_ALIKE = str.maketrans("aceopxyi", "асеорхуі")
# Latin letters typed by mistake. Tried from the start of a run alone, or a long one would take quadratic time.
_MIXED = re.compile(r"(?<=[\u0400-\u04ff])[aceopxyi]++|(?<![aceopxyi])[aceopxyi]++(?=[\u0400-\u04ff])")

# Both spellings of Uzbek meet in Latin letters without apostrophes, where the official table of 1995 and its usual
# variants (ye/e, ts/s, and the letters proposed in 2021) agree.
_UZBEK = str.maketrans(
    dict(zip("абвгдезийклмнопрстуфхцыэқғҳў", "abvgdeziyklmnoprstufxsieqgho", strict=True))
    | {"ё": "yo", "ж": "j", "ч": "ch", "ш": "sh", "щ": "sh", "ъ": "", "ь": "", "ю": "yu", "я": "ya"}
    | {"ş": "sh", "ç": "ch", "ğ": "g", "õ": "o", "ö": "o", "ó": "o"}
)
_UZBEK_VARIANTS = re.compile(r"ye|ts")


@dataclass(frozen=True, slots=True)
class Signature:
    """A text's sample of hashes (of 48 bits, rising) under scheme `version`, and its number of `words`."""

    version: int
    hashes: tuple[int, ...]
    words: int


def signature(text: str, language: str | None = None) -> Signature:
    """The signature of `text`; without hashes when it has fewer than 20 words with letters."""
    return sample(words_of(text, language))


def sample(words: Sequence[str]) -> Signature:
    """The signature of a text of these words, see `words_of`."""
    if sum(not word.isdecimal() for word in words) < MIN_WORDS:
        return Signature(VERSION, (), len(words))
    blake2b = hashlib.blake2b
    triples = {" ".join(triple) for triple in zip(words, words[1:], words[2:], strict=False)}
    every = [int.from_bytes(blake2b(triple.encode(), digest_size=BYTES).digest(), "big") for triple in triples]
    kept = [value for value in every if value < 2 ** (8 * BYTES) // SAMPLE]
    if len(kept) < AT_LEAST:
        kept = nsmallest(AT_LEAST, every)
    return Signature(VERSION, tuple(sorted(kept)), len(words))


def words_of(text: str, language: str | None = None) -> list[str]:
    """The words of `text` as they are compared: equal for equal texts in another typography or, in Uzbek, script."""
    return [word for line in lines_of(text, language) for word in line]


def lines_of(text: str, language: str | None = None) -> list[list[str]]:
    """The words of each line of `text` that has any, see `words_of`; words broken at the end of a line are mended."""
    text = _BROKEN_WORD.sub(lambda match: match[1] if match[1].islower() else match[0], text)
    text = unicodedata.normalize("NFKC", text.translate(_BEFORE)).casefold()
    text = _INNER_APOSTROPHE.sub("", _MARKS.sub("", text))
    text = _DECIMAL.sub("", _THOUSANDS.sub(lambda match: match[0].replace(" ", ""), text))
    if language == "uz":
        text = _UZBEK_VARIANTS.sub(lambda match: match[0][1], text.translate(_UZBEK))
    else:
        text = _MIXED.sub(lambda match: match[0].translate(_ALIKE), text.replace("ё", "е"))
    return [words for line in text.splitlines() if (words := tokens(line))]
