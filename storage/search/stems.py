"""The words of a text as the search knows them: folded, and cut to a stem that all forms of a word share.

The letters of a word and the `[search]` of the languages (`config/languages/`) choose its rules: Russian stems for
words in Cyrillic, English stems for words in Latin letters (Snowball, https://snowballstem.org); other words stay
whole. A word of another language in one of these scripts is cut by the same rules everywhere, so it is found.

In a text in Kazakh, Kyrgyz, Uzbek, Tajik or Turkmen the words of its letters lose that language's endings of case and
number, one after the other, as long as a word is left. A query does not tell its language: it asks for a word as each
of them would cut it. A change here or in the shipped `[search]` takes a migration that indexes all articles anew.

A Russian noun without an ending may look as if it had one (Токаев, кредит, Казахстан): Snowball cuts that form alone
once more than all the others, Токаева → токаев, Токаев → тока. So here a stem is cut again as long as the removed
letters could end such a noun (a hard consonant); other second cuts would merge different words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Protocol

from config.languages import Languages, Search, languages

_APOSTROPHES = "'’‘ʻʼ`´"  # Uzbek oʻ and gʻ are typed with any of these
_WORD = re.compile(rf"[^\W_]+(?:[\u0300-\u036f{_APOSTROPHES}]+[^\W_]+)*")  # Cyrillic accents are not letters
_IGNORED = re.compile(rf"[{_APOSTROPHES}]s$|[\u0300\u0301{_APOSTROPHES}]")  # stress marks, 's
MIN_STEM = 3  # letters that a second cut leaves
MIN_WORD = 4  # letters that an ending leaves in a text of its language …
MIN_LONG = 5  # … and a weak one: Алматы is no form of алма
MAX_LETTERS = 40  # of one word; a longer run of letters is an address or a mistake
CACHED_WORDS = 1 << 15


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...


def words(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each word of `text` with its start and end; stem it with `stem`."""
    for found in _WORD.finditer(text):
        yield found[0], found.start(), found.end()


def stems(text: str, language: str | None = None) -> list[str]:
    """Return the stems of the words of a text in `language`, in order."""
    return [stem(word, language) for word in _WORD.findall(text)]


def stem(word: str, language: str | None = None) -> str:
    """Return the stem that all forms of `word` share in a text in `language`: letters and digits only, never empty."""
    return _stem(word, language, languages())


def languages_of(typed: Iterable[str]) -> list[str]:
    """Return the languages that would cut one of the words in their own way, by code."""
    folded = [fold(word) for word in typed]
    return [
        code for code, rules in _own(languages()).items() if any(_fitting(rules, word) is not None for word in folded)
    ]


@lru_cache(CACHED_WORDS)
def _stem(word: str, language: str | None, known: Languages) -> str:
    folded = fold(word)
    if (own := _fitting(_own(known).get(language or "", ()), folded)) is not None:
        return _without_endings(folded, own)
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


def _without_endings(folded: str, rules: Search) -> str:
    """Return a word without its endings: korxona|lar|imiz|dagi."""
    least = dict.fromkeys(rules.endings, MIN_WORD) | dict.fromkeys(rules.weak_endings, MIN_LONG)
    endings = sorted(least, key=len, reverse=True)
    while ending := next((e for e in endings if folded.endswith(e) and len(folded) - len(e) >= least[e]), None):
        folded = folded[: -len(ending)]
    return folded


@lru_cache(CACHED_WORDS)
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


def _fitting(rules: Sequence[Search], folded: str) -> Search | None:
    """Return the first of the rules that has all letters of the word."""
    return next((one for one in rules if set(one.letters).issuperset(folded)), None)


@cache
def _own(known: Languages) -> dict[str, tuple[Search, ...]]:
    """Map the code of a language to the rules that apply in its texts alone: one for each script."""
    found: dict[str, tuple[Search, ...]] = {}
    for code, language in known.by_code.items():
        if language.search and language.search.in_its_texts:
            found[code[:2]] = (*found.get(code[:2], ()), language.search)
    return found


def _rules(folded: str, known: Languages) -> Search | None:
    """Return the rules of the language with the fewest letters that has all letters of the word."""
    return next((rules for letters, rules in _by_letters(known) if letters.issuperset(folded)), None)


@cache
def _by_letters(known: Languages) -> list[tuple[frozenset[str], Search]]:
    found = [
        (frozenset(language.search.letters), language.search)
        for language in known
        if language.search and not language.search.in_its_texts
    ]
    return sorted(found, key=lambda one: len(one[0]))


@cache
def _stemmer(language: str) -> _Stemmer:
    from snowballstemmer import stemmer  # not needed by most commands

    made: _Stemmer = stemmer(language)
    return made
