"""Find the terms of a topic in a text.

Terms are compiled once into short sequences of words, indexed by the first three letters of the first word. Each word
of a text is looked up once, so the time is linear in the text whatever the terms are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from config.topics import all_terms, is_exact, spellings
from extractors.topic_text import WORD, Words, depends_on_neighbours, normalise, prepare, skeleton

HEAD = 3  # letters; config.topics allows no shorter stem before a star
_STAR = "*"


class Hit(NamedTuple):
    """A term found: the list it is from, as written in the file, and the places of its words, `end` exclusive."""

    label: str
    term: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Part:
    """One word of a spelling: the word itself, or, where `start` is given, any word that begins so."""

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

    def counts_in(self, language: str | None) -> bool:
        return self.language is None or language is None or self.language == language

    def fits(self, words: Words, place: int) -> bool:
        """Whether it stands at `place`, where `first` fits already."""
        parts = self.parts
        if self.exact:
            listed = words.cased
            if not parts[0].fits(listed[place]):
                return False
        else:
            listed = words.folded
        if place + len(parts) > len(listed):
            return False
        for offset in range(1, len(parts)):  # noqa: SIM110 - the hottest loop; a generator doubles its time
            if not parts[offset].fits(listed[place + offset]):
                return False
        return True


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

    def find(self, words: Words, language: str | None) -> list[Hit]:
        """The hits in order of their places; those of one label never overlap.

        `language` is the article's (ISO 639-1). None means unknown, and then terms limited to a language count too:
        the cost of a stray hit is one point, that of deafness the article.
        """
        heads, hits = self._heads, list[Hit]()
        known: dict[str, list[_Spelling]] = {}  # a word of the text → the spellings that may begin with it
        busy: dict[str, int] = {}  # label → the place from which on it may be found again
        for place, word in enumerate(words.folded):
            if word[:HEAD] not in heads:
                continue
            starting = known.get(word)
            if starting is None:
                starting = known[word] = self._starting(word, language)
            for spelling in starting:
                if place >= busy.get(spelling.label, 0) and spelling.fits(words, place):
                    end = busy[spelling.label] = place + len(spelling.parts)
                    hits.append(Hit(spelling.label, spelling.term, place, end))
        return hits

    def _starting(self, word: str, language: str | None) -> list[_Spelling]:
        """The spellings whose first word fits `word`, the longest phrase first."""
        ranked = dict(self._whole.get(word, ()))
        ranked.update((rank, s) for start, rank, s in self._stems.get(word[:HEAD], ()) if word.startswith(start))
        return [ranked[rank] for rank in sorted(ranked) if ranked[rank].counts_in(language)]


def _compile(label: str, term: str, language: str | None) -> Iterable[_Spelling]:
    exact = is_exact(term)
    for spelling in spellings(term):
        prepared = prepare(spelling)
        folded = _parts(prepared.lower())
        yield _Spelling(label, term, folded[0], _parts(prepared) if exact else folded, exact, language)


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


class Screen:
    """Whether any of some terms can occur in an article taken from a page: cheap, and never wrongly False.

    A term's words follow one another with only white space and hyphens between, so with those gone what stands
    between its stars is a piece of the page's text. Looking for pieces finds all that `Terms` finds, and some more.
    """

    def __init__(self, lists: Iterable[Mapping[str, tuple[str, ...]]]) -> None:
        folded, cased = set[str](), set[str]()
        for listed in lists:
            for term, _ in all_terms(listed):
                for spelling in spellings(term):
                    pieces = [_squeeze(prepare(piece)) for piece in spelling.split(_STAR)]
                    longest = max(pieces, key=len)
                    (cased if is_exact(term) else folded).add(longest if is_exact(term) else longest.lower())
        self._folded, self._cased = _shortest(folded), _shortest(cased)
        self._folded_skeletons = _shortest({skeleton(piece) for piece in folded})
        self._cased_skeletons = _shortest({skeleton(piece) for piece in cased})

    def may_match(self, page: ScreenedText) -> bool:
        if any(piece in page.folded for piece in self._folded) or any(piece in page.cased for piece in self._cased):
            return True
        if page.skeletons is None:
            return False
        folded, cased = page.skeletons
        return any(piece in folded for piece in self._folded_skeletons) or any(
            piece in cased for piece in self._cased_skeletons
        )


class ScreenedText:
    """A page's text as `Screen` reads it.

    Here words may be joined that an article keeps apart. Where that can change what `prepare` makes of a word, the
    page is looked at a second time, blind to look-alikes and marks.
    """

    def __init__(self, text: str) -> None:
        normal = normalise(text)
        self.cased = _squeeze(normal)
        self.folded = self.cased.lower()
        self.skeletons: tuple[str, str] | None = None
        if depends_on_neighbours(text) or depends_on_neighbours(normal):
            self.skeletons = skeleton(self.folded), skeleton(self.cased)


def _squeeze(text: str) -> str:
    """`text` without the white space and hyphens that may stand between the words of a term."""
    return "".join(text.split()).replace("-", "")


def _shortest(pieces: set[str]) -> tuple[str, ...]:
    """The pieces that hold no other one: a text with a longer one has the shorter one too."""
    kept: list[str] = []
    for piece in sorted(pieces, key=lambda p: (len(p), p)):
        if not any(shorter in piece for shorter in kept):
            kept.append(piece)
    return tuple(kept)
