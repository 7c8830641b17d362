"""Lay two texts of much the same words side by side: in which places they have different numbers, names and words.

A form filled in on another day, or for another person, keeps its words and changes its facts. A reprint changes its
facts no more often than its other words: a misread digit, a corrected figure, the dateline of another day. So what
counts is how many of the places for facts differ, of how many, and how much text stands around them.

The functions are pure.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import accumulate, groupby, pairwise

from config.languages import languages
from storage.placing.names import name_key

PLAIN, NUMBER, NAME, DATELINE = ".", "#", "A", "d"  # kinds of words; what a dateline says is no fact of the story

LONGEST = 8  # words that stand in one place; more is text of its own
MISREAD = 0.66  # likeness of two words from which they are taken for one, misread or inflected
SAME_NAME = 0.75
MAX_LETTERS = 40  # of words that are compared letter by letter
SUPPORTED = 0.5  # share of the words around a place that both texts have, or the place is none
AROUND = 8  # words left and right, among which a table is recognised by its many numbers
# How thick the differing places stand in the words in common × the root of their share of all places. Chosen on copies
# and forms of Russian and English articles: 1 % of forms have less, and hardly a copy that is no stub has more.
OTHER_NUMBERS = 0.006
OTHER_NAMES = 0.004
MOST = 0.6  # share of the places that makes a form, however long the text
MIN_MOST = 4  # places that differ, for that
ALL = 0.9  # the same for fewer places, more than one
MIN_ALL = 1.5
SHOWN = 3  # examples in an explanation


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text in their order, with the kind of each; the first line has `head` of them.

    `once` are the places of words and pairs met once.
    """

    words: tuple[str, ...]
    kinds: str
    once: dict[str | tuple[str, str], int]
    head: int = 0


@dataclass(frozen=True, slots=True)
class Slot:
    """A place where the texts differ: spans of the words of either, none of them empty.

    It stands between words in common, or before the first of them if either text begins with that line.
    """

    first: tuple[int, int]
    second: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Alignment:
    """What two texts have in common, word by word: `blocks` of equal words (place, place, length), and the slots."""

    blocks: tuple[tuple[int, int, int], ...]
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """Places for one kind of fact in both texts: how many there are, how many `differ`, and `thickness`.

    `thickness` is the share of numbers in the neighbourhood of those that differ. `examples` are (this, that).
    """

    total: int = 0
    differ: int = 0
    thickness: float = 0.0
    examples: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """How the facts of two texts compare. `words` are those in common, `edited` the share of other words changed."""

    words: int
    edited: float
    numbers: Places
    names: Places

    @property
    def other_numbers(self) -> bool:
        """Whether the numbers differ so much that the texts report different facts."""
        return self._differ(self.numbers, OTHER_NUMBERS)

    @property
    def other_names(self) -> bool:
        """Whether the names differ so much that the texts are about others."""
        return self._differ(self.names, OTHER_NAMES)

    def _differ(self, places: Places, enough: float) -> bool:
        differ = places.differ - self.edited * places.total  # who changes words at random changes facts among them
        if differ <= 0:
            return False
        share = differ / places.total
        if (differ >= MIN_MOST and share >= MOST) or (differ > MIN_ALL and share >= ALL):
            return True
        return differ / max(1, self.words) * math.sqrt(max(share, places.thickness)) >= enough


def as_words(words: tuple[str, ...], names: frozenset[str], datelines: Iterable[int], head: int) -> Words:
    """Return the words with their kinds, `head` of them in the first line.

    `names` are words that are names, `datelines` places of words in datelines.
    """
    kind_of = {word: NUMBER if is_number(word) else NAME if word in names else PLAIN for word in set(words)}
    kinds = [kind_of[word] for word in words]
    for place in datelines:
        kinds[place] = DATELINE
    pairs = list(pairwise(words))
    count, pair_count = Counter(words), Counter(pairs)
    once: dict[str | tuple[str, str], int] = {}
    for place, word in enumerate(words):
        if kinds[place] == NUMBER:
            continue
        if count[word] == 1:
            once[word] = place
        if place < len(pairs) and kinds[place + 1] != NUMBER and pair_count[pairs[place]] == 1:
            once[pairs[place]] = place
    return Words(words, "".join(kinds), once, head)


def is_number(word: str) -> bool:
    """Return whether a word is a number, or has one: a digit inside a word is probably misread."""
    return word[0].isdecimal() or word[-1].isdecimal()


def align(first: Words, second: Words) -> Alignment:
    """Return what two texts have in common, in time that grows with their length.

    Words and pairs that stand once in either text are the anchors ("patience diff"); equal neighbours join them.
    Paragraphs in another order cost the places at their ends.
    """
    blocks = _supported(_blocks(first, second))
    slots = []
    begin = [(0, 0, 0)] if blocks and blocks[0][0] < first.head and blocks[0][1] < second.head else []
    for (a, b, length), (next_a, next_b, _) in pairwise([*begin, *blocks]):
        ends = a + length, b + length
        if 0 < next_a - ends[0] <= LONGEST and 0 < next_b - ends[1] <= LONGEST:
            slots.append(Slot((ends[0], next_a), (ends[1], next_b)))
    return Alignment(tuple(blocks), tuple(slots))


def _blocks(first: Words, second: Words) -> list[tuple[int, int, int]]:
    """Return the runs of equal words around each anchor."""
    ours, theirs, places = first.words, second.words, second.once
    blocks: list[tuple[int, int, int]] = []
    end = end_b = 0
    for anchor, a in first.once.items():
        b = places.get(anchor)
        if b is None or a < end:
            continue
        start, start_b = a, b
        floor_b = end_b if b >= end_b else 0
        while start > end and start_b > floor_b and ours[start - 1] == theirs[start_b - 1]:
            start, start_b = start - 1, start_b - 1
        stop, stop_b = a + 1, b + 1
        while stop < len(ours) and stop_b < len(theirs) and ours[stop] == theirs[stop_b]:
            stop, stop_b = stop + 1, stop_b + 1
        blocks.append((start, start_b, stop - start))
        end, end_b = stop, stop_b
    return blocks


def _supported(blocks: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Leave out single words that stand far from where their neighbours would have them: they meet by chance."""
    kept = []
    for number, (a, b, length) in enumerate(blocks):
        near = (
            abs((other[1] - other[0]) - (b - a)) <= 2 * LONGEST
            for other in (*blocks[max(0, number - 2) : number], *blocks[number + 1 : number + 3])
        )
        if length > 2 or any(near):
            kept.append((a, b, length))
    return kept


def repaired(first: Words, second: Words, alignment: Alignment) -> tuple[str, ...]:
    """Return the words of `first`, those that are misread or inflected replaced by their like in `second`."""
    words = list(first.words)
    for slot in alignment.slots:
        ours, theirs = range(*slot.first), range(*slot.second)
        if len(ours) == len(theirs):
            for a, b in zip(ours, theirs, strict=True):
                if second.kinds[b] != NUMBER and first.kinds[a] != NUMBER and _alike(words[a], second.words[b]):
                    words[a] = second.words[b]
    return tuple(words)


def compare_facts(first: Words, second: Words, alignment: Alignment) -> Facts:
    """Return how the facts of two texts compare, place by place."""
    words = sum(length for _, _, length in alignment.blocks)
    in_common = _in_common(first, alignment)
    same_numbers = 0
    same_names: set[tuple[str, ...]] = set()
    for a, _, length in alignment.blocks:
        part = first.kinds[a : a + length]
        same_numbers += part.count(NUMBER)
        start = a
        for kind, run in groupby(part):
            stop = start + len(list(run))
            if kind == NAME:
                same_names.add(first.words[start:stop])
            start = stop
    numbers: list[tuple[str, str, int]] = []
    names: dict[tuple[str, ...], tuple[str, str, int]] = {}  # one for another counts once, however often
    edits = 0
    for slot in alignment.slots:
        if _around(in_common, slot.first) < SUPPORTED:
            continue
        ours = _by_kind(first, slot.first)
        theirs = _by_kind(second, slot.second)
        equal, other = _numbers_of(ours[NUMBER], theirs[NUMBER])
        same_numbers += equal
        numbers += [(*pair, slot.first[0]) for pair in other]
        if ours[NAME] and theirs[NAME]:
            if pair := _other_names(ours[NAME], theirs[NAME]):
                names.setdefault(tuple(map(_key, pair)), (*pair, slot.first[0]))
            else:
                same_names.add(tuple(ours[NAME]))
        edits += _edits(ours[PLAIN], theirs[PLAIN])
    plain = max(1, words - same_numbers - len(same_names) + edits)
    return Facts(
        words,
        edits / plain,
        _places(first, same_numbers, numbers),
        _places(first, len(same_names), list(names.values())),
    )


def _in_common(text: Words, alignment: Alignment) -> list[int]:
    """Return how many words up to each place stand in a block, or are facts that stand in a slot."""
    marks = bytearray(len(text.words))
    for a, _, length in alignment.blocks:
        marks[a : a + length] = b"\1" * length
    for slot in alignment.slots:
        for place in range(*slot.first):
            marks[place] = text.kinds[place] != PLAIN
    return list(accumulate(marks, initial=0))


def _around(in_common: Sequence[int], span: tuple[int, int]) -> float:
    """Return the share of the words around a slot that both texts have: elsewhere a likeness is chance."""
    start, end = max(0, span[0] - AROUND), min(len(in_common) - 1, span[1] + AROUND)
    return (in_common[end] - in_common[start]) / (end - start)


def _by_kind(text: Words, span: tuple[int, int]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {PLAIN: [], NUMBER: [], NAME: [], DATELINE: []}
    for place in range(*span):
        found[text.kinds[place]].append(text.words[place])
    return found


def _numbers_of(ours: Sequence[str], theirs: Sequence[str]) -> tuple[int, list[tuple[str, str]]]:
    """Return how many numbers both have, and those that one has for another; a cut text only lacks."""
    left, right = Counter(ours) - Counter(theirs), Counter(theirs) - Counter(ours)
    pairs = list(zip(left.elements(), right.elements(), strict=False))
    return len(ours) - left.total(), pairs


def _other_names(ours: Sequence[str], theirs: Sequence[str]) -> tuple[str, str] | None:
    """Return the names that either has for the other's, None where they are the same in another spelling."""
    left = [name for name in ours if not any(same_name(name, other) for other in theirs)]
    right = [name for name in theirs if not any(same_name(name, other) for other in ours)]
    return (" ".join(left), " ".join(right)) if left and right else None


def _edits(ours: Sequence[str], theirs: Sequence[str]) -> int:
    left = [word for word in ours if word not in theirs]
    return min(len(left), sum(word not in ours for word in theirs))


def _places(text: Words, same: int, differing: Sequence[tuple[str, str, int]]) -> Places:
    around = [text.kinds[max(0, at - AROUND) : at + AROUND + 1] for _, _, at in differing]
    thickness = sum(part.count(NUMBER) for part in around) / max(1, sum(map(len, around)))
    examples = tuple(dict.fromkeys((this, that) for this, that, _ in differing))[:SHOWN]
    return Places(same + len(differing), len(differing), thickness, examples)


def _key(names: str) -> str:
    """Return the keys of some names in small letters: the same in any spelling and case."""
    known = languages()
    plain = "".join(_without_accent(letter) for letter in names)
    return " ".join(name_key(name.capitalize(), None, known) or name for name in plain.split())


def _without_accent(letter: str) -> str:
    """Return the Latin letter under an accent, "č" without it; others as they are."""
    under = unicodedata.normalize("NFD", letter)[0]
    return under if under.isascii() else letter


@lru_cache(10_000)
def same_name(first: str, second: str) -> bool:
    """Return whether two names, in small letters, are one in two spellings or cases."""
    return _key(first) == _key(second) or _likeness(first, second) >= SAME_NAME


@lru_cache(10_000)
def _alike(first: str, second: str) -> bool:
    if first == second:
        return True
    if min(len(first), len(second)) <= 3:
        return len(first) == len(second) and sum(map(str.__ne__, first, second)) <= 1
    return _likeness(first, second) >= MISREAD


def _likeness(first: str, second: str) -> float:
    if max(len(first), len(second)) > MAX_LETTERS:  # no word: comparing takes time that grows with the square
        return float(first == second)
    return SequenceMatcher(None, first, second, autojunk=False).ratio()
