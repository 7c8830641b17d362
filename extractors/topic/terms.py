"""Find the terms of a topic in a text.

Compile terms once into short sequences of words, indexed by the first three letters of the first word. Look up each
word of a text once: the time is linear in the text, whatever the terms are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from config.terms import is_exact, spellings
from config.topics import all_terms
from extractors.topic.text import WORD, Words, prepare

HEAD = 3  # letters; config.topics allows no shorter stem before a star
_STAR = "*"
# Limits of the memory of a language: words of texts kept with the spellings they may begin, and their length.
KNOWN_WORDS = 50_000
KNOWN_CHARACTERS = 40


class Hit(NamedTuple):
    """Term found: its list, its spelling in the file, and the positions of its words, `end` exclusive."""

    label: str
    term: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Part:
    """Word of a spelling: the word itself, or, where `start` is given, any word that begins with it."""

    text: str
    start: str | None

    def fits(self, word: str) -> bool:
        return word == self.text or (self.start is not None and word.startswith(self.start))


@dataclass(frozen=True, slots=True)
class _Spelling:
    label: str
    term: str
    first: _Part  # in small letters
    parts: tuple[_Part, ...]  # in small letters, unless `exact`
    exact: bool
    language: str | None  # counts only in articles of this language; None: in all
    simple: bool  # its first word is all of it
    then: str  # the first letter of its second word, in small letters; "" where there is none
    between: list[str] | None  # the words after the first and before the last, if none of them has a star

    def counts_in(self, language: str | None) -> bool:
        return self.language is None or language is None or self.language == language

    def fits(self, words: Words, position: int) -> bool:
        """Say whether the spelling stands at `position`, where `first` fits already."""
        parts = self.parts
        if self.exact:
            listed = words.cased
            if not parts[0].fits(listed[position]):
                return False
        else:
            listed = words.folded
        last = position + len(parts) - 1
        if last >= len(listed):
            return False
        if self.between is not None:
            return listed[position + 1 : last] == self.between and (last == position or parts[-1].fits(listed[last]))
        for offset in range(1, len(parts)):  # noqa: SIM110 - the hottest loop; a generator doubles its time
            if not parts[offset].fits(listed[position + offset]):
                return False
        return True


# Spellings that may begin with some word: under "" those of a single word, and under each letter with which the second
# word of a longer spelling begins, these and the longer spellings.
_Starting = dict[str, list[_Spelling]]


class Terms:
    """Lists of terms under labels, ready to be found in texts."""

    def __init__(self, lists: Mapping[str, Mapping[str, tuple[str, ...]]]) -> None:
        # америка* stands in the lists of three languages, and need be looked for once
        distinct: dict[tuple[object, ...], _Spelling] = {}
        for label, listed in lists.items():
            for term, language in all_terms(listed):
                for spelling in _compile(label, term, language):
                    distinct.setdefault((label, spelling.parts, spelling.exact, language), spelling)
        # The longest phrase first: it speaks for the words it covers.
        ordered = sorted(distinct.values(), key=lambda s: (-len(s.parts), s.label, s.term))
        self._stems: dict[str, list[tuple[str, int, _Spelling]]] = {}  # HEAD letters → beginning, rank, spelling
        self._whole: dict[str, list[tuple[int, _Spelling]]] = {}  # first word → rank, spelling
        for rank, spelling in enumerate(ordered):
            first = spelling.first
            self._whole.setdefault(first.text, []).append((rank, spelling))
            if first.start is not None:
                self._stems.setdefault(first.start[:HEAD], []).append((first.start, rank, spelling))
        self._heads = {word[:HEAD] for word in self._whole} | set(self._stems)
        # language → a word of a text → the spellings that may begin with it: news uses the same words again and again
        self._known: dict[str | None, dict[str, _Starting]] = {}

    def find(self, words: Words, language: str | None) -> list[Hit]:
        """Return the hits in order of their positions; hits of the same label never overlap.

        `language` is the article's (ISO 639-1). None means unknown, and then terms limited to a language count too:
        a stray hit costs a point, a missed term the article.
        """
        known = self._known.setdefault(language, {})
        if len(known) > KNOWN_WORDS:
            known.clear()
        hits = list[Hit]()
        busy: dict[str, int] = {}  # label → the position from which on it may be found again
        folded = words.folded
        for position, word in enumerate(folded):
            starting = known.get(word)
            if starting is None:
                starting = self._starting(word, language)
                if len(word) <= KNOWN_CHARACTERS:
                    known[word] = starting
            if not starting:
                continue
            after = folded[position + 1][0] if position + 1 < len(folded) else ""
            for spelling in starting.get(after) or starting[""]:
                if position >= busy.get(spelling.label, 0) and (spelling.simple or spelling.fits(words, position)):
                    end = busy[spelling.label] = position + len(spelling.parts)
                    hits.append(Hit(spelling.label, spelling.term, position, end))
        return hits

    def _starting(self, word: str, language: str | None) -> _Starting:
        """Return the spellings whose first word fits `word`, the longest first, by the next word's first letter."""
        if word[:HEAD] not in self._heads:
            return {}
        ranked = dict(self._whole.get(word, ()))
        ranked.update((rank, s) for start, rank, s in self._stems.get(word[:HEAD], ()) if word.startswith(start))
        found: list[_Spelling] = []
        settled = set[str]()  # labels for which a single word fits already: nothing after it can speak
        for rank in sorted(ranked):
            spelling = ranked[rank]
            if spelling.label not in settled and spelling.counts_in(language):
                found.append(spelling)
                if spelling.simple:
                    settled.add(spelling.label)
        afters = {"", *(spelling.then for spelling in found)} if found else set()
        return {after: [spelling for spelling in found if spelling.then in ("", after)] for after in afters}


def _compile(label: str, term: str, language: str | None) -> Iterable[_Spelling]:
    exact = is_exact(term)
    for spelling in spellings(term):
        prepared = prepare(spelling)
        folded = _parts(prepared.lower())
        parts = _parts(prepared) if exact else folded
        yield _Spelling(
            label,
            term,
            folded[0],
            parts,
            exact,
            language,
            simple=len(parts) == 1 and not exact,
            then=folded[1].text[0] if len(folded) > 1 else "",
            between=None if any(part.start for part in parts[1:-1]) else [part.text for part in parts[1:-1]],
        )


def _parts(spelling: str) -> tuple[_Part, ...]:
    parts: list[_Part] = []
    for word in WORD.findall(spelling):
        if word == _STAR:
            parts[-1] = _Part(parts[-1].text, start=parts[-1].text)
        else:
            parts.append(_Part(word, start=None))
    if parts[-1].start is None:  # the last word may take an ending after an apostrophe: ABD'nin, Trump's
        parts[-1] = _Part(parts[-1].text, start=parts[-1].text + "'")
    return tuple(parts)
