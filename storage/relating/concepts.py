"""What the words of a text are about, by keys that all languages share (`[concepts]` in `config/languages/`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from config.languages import Languages, languages
from extractors.text import tokens
from storage.placing.fingerprints import words_of

SHORTEST = 2  # characters of a beginning


@dataclass(frozen=True, eq=False, slots=True)
class _Table:
    whole: Mapping[str, tuple[str, ...]]
    beginnings: Mapping[str, tuple[str, ...]]
    longest: int


def concepts_of(text: str, language: str | None) -> tuple[str, ...]:
    """Return the concepts of a text, each once; none in a language that has no table."""
    table = _table(languages(), language)
    if not table.longest:
        return ()
    words = words_of(text, language) if language == "uz" else tokens(text)  # Uzbek has letters with an apostrophe
    found = (key for word in words for key in _concepts(word, language, table))
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=50_000)
def _concepts(word: str, language: str | None, table: _Table) -> Sequence[str]:
    (word, *_) = words_of(word, language) or [word]
    if whole := table.whole.get(word):
        return whole
    for length in range(min(len(word), table.longest), SHORTEST - 1, -1):  # the longest beginning tells
        if keys := table.beginnings.get(word[:length]):
            return keys
    return ()


@cache
def _table(known: Languages, language: str | None) -> _Table:
    whole: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    beginnings: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    data = known.by_code.get(language or "")
    for key, words in data.concepts.items() if data else ():
        for word in words:
            for part in words_of(word, language)[:1]:
                (beginnings if word.endswith("*") else whole)[part] += (key,)
    return _Table(dict(whole), dict(beginnings), max(map(len, beginnings), default=0))
