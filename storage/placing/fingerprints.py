"""Fingerprints of a text, stored to find other texts that share a stretch of words with it.

A signature is a sample of the hashes of all three neighbouring words (FracMinHash: Irber et al., "Lightweight
compositional analysis of metagenomes with FracMinHash", 2022). The sample depends on the words alone, so a cut, wrapped
or edited copy has part of the same sample, whatever its length. Two texts that share at least two hashes are worth a
comparison, which `storage.placing.similarity` makes on the texts themselves.

Hashes stay in the index for good: a change of any hash needs a new `VERSION`.
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
MIN_WORDS = 20  # words with letters; equal samples of shorter texts mean nothing
SAMPLE = 16  # one of 16 hashes is kept
BYTES = 6  # of a hash: SQLite stores them in as many, and of a million articles one in 30,000 meets another's by chance
_KEPT_BELOW = (2 ** (8 * BYTES) // SAMPLE).to_bytes(BYTES, "big")
AT_LEAST = 12  # hashes of a short text; at one in 16 a teaser would have two or three

_APOSTROPHES = dict.fromkeys("`´\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u055a\u2018\u2019\u201b\u2032\uff07", "'")
_BLANK = {"_": " "}  # a word character only for `re`
_INVISIBLE = dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u200f", "")
_BEFORE = _APOSTROPHES | _BLANK | _INVISIBLE
_BEFORE_ANY = re.compile(f"[{''.join(_BEFORE)}]")  # few: finding them is quicker than `translate`
# Patterns that begin with a set of characters are looked for many times as fast as those that begin with what must
# stand before it, so here that comes after the first character.
_BROKEN_WORD = re.compile(r"[-\u2010\u00ac\u00ad](?<=[^\W\d_].)[ \t]*\r?\n[ \t]*([^\W\d_])")
_INNER_APOSTROPHE = re.compile(r"'(?<=\w')(?=\w)")
# 1 200, 1,200, 1.200 and 1200 are the same number, and so are 4,5 and 4.5. That 4.5 equals 45 does no harm.
_THOUSANDS = re.compile(r"\d(?<![\d.,].)\d{0,2}(?: {1,2}\d{3})+(?!\d)")
_DECIMAL = re.compile(r"[.,](?<=\d.)(?=\d)")
_MARKS = re.compile("[\u0300-\u036f]+")  # stress marks; those that make a letter have been composed
_ALIKE = str.maketrans("aceopxyi", "асеорхуі")
# Latin letters typed by mistake. Tried from the start of a run alone, or a long one would take quadratic time.
_MIXED = re.compile(r"[aceopxyi](?:(?<=[\u0400-\u04ff].)[aceopxyi]*+|(?<![aceopxyi].)[aceopxyi]*+(?=[\u0400-\u04ff]))")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")

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
    """Return the signature of `text`; without hashes when it has fewer than 20 words with letters."""
    return sample(words_of(text, language))


def sample(words: Sequence[str]) -> Signature:
    """Return the signature of a text of these words, see `words_of`."""
    if len(words) - sum(map(str.isdecimal, words)) < MIN_WORDS:
        return Signature(VERSION, (), len(words))
    blake2b = hashlib.blake2b
    encoded = [word.encode() for word in words]
    triples = set(map(b" ".join, zip(encoded, encoded[1:], encoded[2:], strict=False)))
    every = [blake2b(triple, digest_size=BYTES).digest() for triple in triples]
    kept = [digest for digest in every if digest < _KEPT_BELOW]
    if len(kept) < AT_LEAST:
        kept = nsmallest(AT_LEAST, every)
    return Signature(VERSION, tuple(int.from_bytes(digest, "big") for digest in sorted(kept)), len(words))


def words_of(text: str, language: str | None = None) -> list[str]:
    """Return the words of `text` for comparing: equal for equal texts in other typography or, in Uzbek, script."""
    return [word for line in lines_of(text, language) for word in line]


def lines_of(text: str, language: str | None = None) -> list[list[str]]:
    """Return the words of each line of `text` that has any, see `words_of`; join words broken at the end of a line."""
    text = _BROKEN_WORD.sub(lambda match: match[1] if match[1].islower() else match[0], text)
    text = _BEFORE_ANY.sub(lambda match: _BEFORE[match[0]], text)
    text = unicodedata.normalize("NFKC", text).casefold()
    text = _INNER_APOSTROPHE.sub("", _MARKS.sub("", text))
    text = _DECIMAL.sub("", _THOUSANDS.sub(lambda match: match[0].replace(" ", ""), text))
    if language == "uz":
        text = _UZBEK_VARIANTS.sub(lambda match: match[0][1], text.translate(_UZBEK))
    elif _CYRILLIC.search(text):
        text = _MIXED.sub(lambda match: match[0].translate(_ALIKE), text.replace("ё", "е"))
    return [words for line in text.splitlines() if (words := tokens(line))]
