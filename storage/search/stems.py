"""The words of a text as the search knows them: folded, and cut to a stem that all forms of a word share.

The letters of a word and the `[search]` of the languages (`config/languages/`) choose its rules: Russian stems for
words in Cyrillic, English stems for words in Latin letters (Snowball, https://snowballstem.org); other words stay
whole. A word of another language in one of these scripts is cut by the same rules everywhere, so it is found. A change
here or in the shipped `[search]` takes a migration that indexes all articles anew.

A Russian noun without an ending may look as if it had one (Токаев, кредит, Казахстан): Snowball cuts that form alone
once more than all the others, Токаева → токаев, Токаев → тока. So here a stem is cut again as long as the removed
letters could end such a noun (a hard consonant); other second cuts would merge different words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Protocol

from config.languages import Languages, Search, languages

_APOSTROPHES = "'’‘ʻʼ`´"  # Uzbek oʻ and gʻ are typed with any of these
_WORD = re.compile(rf"[^\W_]+(?:[\u0300-\u036f{_APOSTROPHES}]+[^\W_]+)*")  # Cyrillic accents are not letters
_IGNORED = re.compile(rf"[{_APOSTROPHES}]s$|[\u0300\u0301{_APOSTROPHES}]")  # stress marks, 's
MIN_STEM = 3  # letters that a second cut leaves
MAX_LETTERS = 40  # of one word; a longer run of letters is an address or a mistake
CACHED_WORDS = 1 << 15


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...


def words(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each word of `text` with its start and end; stem it with `stem`."""
    for found in _WORD.finditer(text):
        yield found[0], found.start(), found.end()


def stems(text: str) -> list[str]:
    """Return the stems of the words of `text`, in order."""
    return [stem(word) for word in _WORD.findall(text)]


def stem(word: str) -> str:
    """Return the stem that all forms of `word` share: letters and digits only, never empty."""
    return _stem(word, languages())


@lru_cache(CACHED_WORDS)
def _stem(word: str, known: Languages) -> str:
    folded = fold(word)
    rules = _rules(folded, known)
    if rules is None:
        return folded
    if rules.stemmer is None:
        return _without_ending(folded, rules)
    cut = _stemmer(rules.stemmer).stemWord
    found, shorter = folded, cut(folded)
    while shorter != found:
        found, shorter = shorter, cut(shorter)
        if len(shorter) < MIN_STEM or found[len(shorter) :][-1:] not in tuple(rules.cut_again):
            break
    return found


def _without_ending(folded: str, rules: Search) -> str:
    for ending in sorted(rules.endings, key=len, reverse=True):
        if folded.endswith(ending) and len(folded) >= len(ending) + MIN_STEM:
            return folded[: -len(ending)]
    return folded


def fold(word: str) -> str:
    """Return `word` in small letters, without spelling variants: stress marks, apostrophes, ё, typographic forms."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    kept = _IGNORED.sub("", folded).replace("ё", "е")
    if not kept.isalnum():
        kept = "".join(c for c in kept if c.isalnum())
    return kept[:MAX_LETTERS] or "0"


def completions(beginning: str) -> list[str]:
    """Return the stems, other than those that begin with `beginning`, of words that begin with it.

    `minera` begins minerals, whose stem is miner. They are found by ending the beginning in all ways the language
    knows and cutting the word again.
    """
    folded = fold(beginning)
    found = {stem(folded)}
    rules = _rules(folded, languages())
    for ending in rules.endings if rules else ():
        for length in range(len(ending)):
            if folded.endswith(ending[:length]):
                found.add(stem(folded + ending[length:]))
    return sorted(one for one in found if not one.startswith(folded))


def _rules(folded: str, known: Languages) -> Search | None:
    """Return the rules of the language with the fewest letters that has all letters of the word."""
    return next((rules for letters, rules in _by_letters(known) if letters.issuperset(folded)), None)


@cache
def _by_letters(known: Languages) -> list[tuple[frozenset[str], Search]]:
    found = [(frozenset(language.search.letters), language.search) for language in known if language.search]
    return sorted(found, key=lambda one: len(one[0]))


@cache
def _stemmer(language: str) -> _Stemmer:
    from snowballstemmer import stemmer  # not needed by most commands

    made: _Stemmer = stemmer(language)
    return made
