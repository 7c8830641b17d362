"""The articles of some days side by side: how rare each word, name and number is, and which articles share it.

Weights are inverse document frequencies among these articles, so that the week's big story does not make all its
articles look alike. A few articles are too few to count in, so they are treated as part of a larger number.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from storage.relating.traits import Traits, everybodys

PRIOR = 60  # additional articles, with other words, that are assumed
EVERYBODYS_SHARE = 0.1  # share of their weight for names that nearly every article could have
KEPT_WORDS = 80  # of an article: the weightiest
MARK_WEIGHT = 2.0  # names and numbers against words
CONCEPT_WEIGHT = 3.0  # what words are about, against names and numbers
COMMON = 120  # articles; a word or mark of more articles tells nothing and would cost time
COMMON_CONCEPT = 400


@dataclass(frozen=True, slots=True)
class Piece:
    """An article prepared for comparing. `day` is None if it was adopted without a date.

    `pages` say which pages of a site are one in several languages (see `storage.relating.translations.page_keys`).
    `addresses` are the ids of its own addresses, `leads_to` of those that it names as itself in other languages,
    `links_to` of those that its text leads to.
    """

    number: int
    language: str | None
    day: date | None
    traits: Traits
    title: str = ""
    adopted_at: datetime | None = None
    pages: tuple[str, ...] = ()
    addresses: frozenset[str] = frozenset()
    leads_to: frozenset[str] = frozenset()
    links_to: frozenset[str] = frozenset()


@dataclass(slots=True)
class Likeness:
    """How much two articles share: sums of products of weights over words, marks and concepts, and how many."""

    words: float = 0.0
    marks: float = 0.0
    concepts: float = 0.0
    shared: int = 0  # marks
    shared_concepts: int = 0


@dataclass(slots=True)
class _Vector:
    words: dict[str, float] = field(default_factory=dict)
    marks: dict[str, float] = field(default_factory=dict)
    concepts: dict[str, float] = field(default_factory=dict)
    length: float = 0.0  # of words and marks
    marks_length: float = 0.0
    facts_length: float = 0.0  # of marks and concepts


class Nearby:
    """The articles in `pieces`, with an index of what they share."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self.pieces: Mapping[int, Piece] = {piece.number: piece for piece in pieces}
        everything = self.pieces.values()
        self._size = len(self.pieces) + PRIOR
        self._marks_in = Counter(mark for piece in everything for mark in piece.traits.marks)
        words = Counter(word for piece in everything for word, _ in piece.traits.words)
        scale = math.log(self._size)
        self._rarity_of_word = {word: math.log(self._size / (count + 1)) / scale for word, count in words.items()}
        self._rarity_of_mark = {mark: self._rarity(mark) for mark in self._marks_in}
        concepts = Counter(concept for piece in everything for concept in piece.traits.concepts)
        self._rarity_of_concept = {c: math.log(self._size / (count + 1)) / scale for c, count in concepts.items()}
        self._vectors = {piece.number: self._vector(piece.traits) for piece in everything}
        self._with_word: defaultdict[str, list[int]] = defaultdict(list)
        self._with_mark: defaultdict[str, list[int]] = defaultdict(list)
        self._with_concept: defaultdict[str, list[int]] = defaultdict(list)
        for number, vector in self._vectors.items():
            for concept in vector.concepts:
                self._with_concept[concept].append(number)
            for word in vector.words:
                self._with_word[word].append(number)
            for mark in vector.marks:
                self._with_mark[mark].append(number)

    def rarity(self, mark: str) -> float:
        """Return 0 for a mark of all articles, up to 1; above 0.5 if at most about the root of their number have it."""
        return self._rarity_of_mark[mark]

    def _rarity(self, mark: str) -> float:
        rarity = math.log(self._size / (self._marks_in[mark] + 1)) / math.log(self._size)
        if mark in everybodys():
            return EVERYBODYS_SHARE * rarity
        if mark[0] == "#":  # round numbers agree by chance
            digits = len(mark[1:].split("e")[0].replace(".", "").strip("0"))
            return rarity * min(1.0, 0.4 + 0.2 * digits)
        return rarity

    def likenesses(self, number: int, *, words: bool = True) -> dict[int, Likeness]:
        """Return how much other articles share with article `number`, for those that share something rare.

        Without `words` only marks count, which articles in other languages share.
        """
        own = self._vectors[number]
        found: defaultdict[int, Likeness] = defaultdict(Likeness)
        for word, weight in own.words.items() if words else ():
            others = self._with_word[word]
            if len(others) <= COMMON:
                for other in others:
                    found[other].words += weight * self._vectors[other].words[word]
        for mark, weight in own.marks.items():
            others = self._with_mark[mark]
            if len(others) <= COMMON:
                for other in others:
                    likeness = found[other]
                    likeness.marks += weight * self._vectors[other].marks[mark]
                    likeness.shared += 1
        if words:
            self._add_concepts(number, found)
        found.pop(number, None)
        return found

    def _add_concepts(self, number: int, found: defaultdict[int, Likeness]) -> None:
        """Add the concepts that other articles share with article `number`."""
        for concept, weight in self._vectors[number].concepts.items():
            others = self._with_concept[concept]
            if len(others) <= COMMON_CONCEPT:
                for other in others:
                    likeness = found[other]
                    likeness.concepts += weight * self._vectors[other].concepts[concept]
                    likeness.shared_concepts += 1

    def cosine(self, number: int, other: int, likeness: Likeness) -> float:
        """Return how alike two articles of one language are, 0 to 1."""
        lengths = self._vectors[number].length * self._vectors[other].length
        return (likeness.words + likeness.marks) / lengths if lengths else 0.0

    def marks_cosine(self, number: int, other: int, likeness: Likeness) -> float:
        """Return how alike two articles are in names and numbers alone, 0 to 1."""
        lengths = self._vectors[number].marks_length * self._vectors[other].marks_length
        return likeness.marks / lengths if lengths else 0.0

    def facts_cosine(self, number: int, other: int, likeness: Likeness) -> float:
        """Return how alike two articles are in names, numbers and concepts, whatever their languages, 0 to 1."""
        lengths = self._vectors[number].facts_length * self._vectors[other].facts_length
        return (likeness.marks + likeness.concepts) / lengths if lengths else 0.0

    def _vector(self, traits: Traits) -> _Vector:
        words = ((1 + math.log(count)) * self._rarity_of_word[word] for word, count in traits.words)
        weighed = sorted(zip(words, (word for word, _ in traits.words), strict=True), reverse=True)
        vector = _Vector(
            {word: weight for weight, word in weighed[:KEPT_WORDS] if weight > 0},
            {mark: weight for mark in traits.marks if (weight := MARK_WEIGHT * self.rarity(mark)) > 0},
            {concept: CONCEPT_WEIGHT * self._rarity_of_concept[concept] for concept in traits.concepts},
        )
        of_words = sum(weight * weight for weight in vector.words.values())
        of_marks = sum(weight * weight for weight in vector.marks.values())
        of_concepts = sum(weight * weight for weight in vector.concepts.values())
        vector.length, vector.marks_length = math.sqrt(of_words + of_marks), math.sqrt(of_marks)
        vector.facts_length = math.sqrt(of_marks + of_concepts)
        return vector
