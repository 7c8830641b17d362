"""The words of a text as the search knows them: folded, and cut to a stem that all forms of a word share.

Russian stems for words in Cyrillic, English ones for words in Latin letters (Snowball, https://snowballstem.org), all
other words as they are. A word of another language in one of these scripts is cut by the same rules wherever it
stands, so it is still found. Changing anything here takes a migration that indexes all articles anew.

A Russian noun without an ending may look as if it had one (Токаев, кредит, Казахстан): Snowball cuts that form alone
once more than all the others, Токаева → токаев, Токаев → тока. So here a stem is cut again as long as what comes off
could be the end of such a noun, a hard consonant; other second cuts would make one word of too many.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Protocol

_APOSTROPHES = "'’‘ʻʼ`´"  # Uzbek oʻ and gʻ are typed with any of them
_WORD = re.compile(rf"[^\W_]+(?:[\u0300-\u036f{_APOSTROPHES}]+[^\W_]+)*")  # accents over Cyrillic are no letters
_IGNORED = re.compile(rf"[{_APOSTROPHES}]s$|[\u0300\u0301{_APOSTROPHES}]")  # stress marks, 's
_CYRILLIC = re.compile(r"[а-я]+")
_LATIN = re.compile(r"[a-z]+")
_NOUN_ENDS = frozenset("внлмтх")
MIN_STEM = 3  # letters that a second cut leaves
MAX_LETTERS = 40  # of one word; a longer run of letters is an address or a mistake
CACHED_WORDS = 1 << 15
# Most endings that Snowball takes off, so that the beginning of a word leads to its stem, see `completions`.
_ENDINGS = {
    "russian": (
        "ами ями ого его ому ему ыми ими иях ях ах ов ев ей ой ий ый ая яя ое ее ые ие ую юю ом ем ам ям ью ия ию ии "
        "ости остью ость ать ять ить еть ал ала али ило или ится ются аться ировал ировать ующий ующих ного ный"
    ),
    "english": (
        "ization izations izing ized izer ational ation ations ated ating ator ative ally ality alism iveness fulness "
        "ousness ability ibility able ible ement ements ment ments ence ences ance ances ency ancy ently ing ings ed "
        "edly ly ies es er ers al ally ive ous ize ion ions ic ical ism ity ful ness"
    ),
}


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...


def words(text: str) -> Iterator[tuple[str, int, int]]:
    """Each word of `text` with where it begins and ends; stem it with `stem`."""
    for found in _WORD.finditer(text):
        yield found[0], found.start(), found.end()


def stems(text: str) -> list[str]:
    """The stems of the words of `text`, in order."""
    return [stem(word) for word in _WORD.findall(text)]


@lru_cache(CACHED_WORDS)
def stem(word: str) -> str:
    """What all forms of `word` have in common. Made of letters and digits only, never empty."""
    folded = fold(word)
    language = _language(folded)
    if language is None:
        return folded
    cut = _stemmer(language).stemWord
    found, shorter = folded, cut(folded)
    while shorter != found:
        found, shorter = shorter, cut(shorter)
        if language != "russian" or len(shorter) < MIN_STEM or found[len(shorter) :][-1:] not in _NOUN_ENDS:
            break
    return found


def fold(word: str) -> str:
    """`word` in small letters, without what spelling leaves free: stress marks, apostrophes, ё, typographic forms."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    kept = _IGNORED.sub("", folded).replace("ё", "е")
    if not kept.isalnum():
        kept = "".join(c for c in kept if c.isalnum())
    return kept[:MAX_LETTERS] or "0"


def completions(beginning: str) -> list[str]:
    """The stems, other than those that begin with `beginning`, of words that begin with it.

    `minera` begins minerals, whose stem is miner. They are found by ending the beginning in all ways the language
    knows and cutting the word again.
    """
    folded = fold(beginning)
    found = {stem(folded)}
    for ending in _ENDINGS.get(_language(folded) or "", "").split():
        for length in range(len(ending)):
            if folded.endswith(ending[:length]):
                found.add(stem(folded + ending[length:]))
    return sorted(one for one in found if not one.startswith(folded))


def _language(folded: str) -> str | None:
    if _CYRILLIC.fullmatch(folded):
        return "russian"
    return "english" if _LATIN.fullmatch(folded) else None


@cache
def _stemmer(language: str) -> _Stemmer:
    from snowballstemmer import stemmer  # not needed by most commands

    made: _Stemmer = stemmer(language)
    return made
