"""Find enumerations of names in a text: owners, members, countries. Their items have no dealings with one another."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise

from extractors.topic.text import COMMAS, Words

ITEM_WORDS = 4  # a longer stretch between two commas is no name
FOREIGN = 2  # items that are none of the groups'; with fewer, a list may name the partners of a dealing
_SIGNS = frozenset("()%")


def listed_stretches(words: Words, groups: Collection[int], rivals: Collection[int]) -> list[range]:
    """Return the stretches of words that enumerate a rival and other names, at least FOREIGN of them strangers.

    `groups` and `rivals` are the positions of words that name a group, or a rival.
    """
    if not groups or not rivals:
        return []
    return [
        range(items[0].start, items[-1].stop)
        for items in _enumerations(words)
        if any(rival in item for item in items for rival in _within(rivals, item))
        and sum(not _within(groups, item) for item in items) >= FOREIGN
    ]


def _within(positions: Collection[int], item: range) -> list[int]:
    return [position for position in item if position in positions]


def _enumerations(words: Words) -> Iterator[list[range]]:
    """Yield the items of each enumeration: of three items or more, each with a name in a few words."""
    folded = words.folded
    ends = [end for end in words.clause_ends if folded[end] not in _SIGNS]
    run: list[range] = []
    for end, following in pairwise([*ends, len(folded)]):
        if folded[end] not in COMMAS:
            continue
        item = range(end + 1, following)
        if following < len(folded) and folded[following] in COMMAS and _is_name(words, item):
            run = run or [_edge(words, end)]
            run.append(item)
        elif run:
            yield [*run, range(end + 1, min(following, end + 2 + ITEM_WORDS))]
            run = []


def _edge(words: Words, comma: int) -> range:
    """Return the first item of an enumeration: the name that ends at the first comma."""
    start = comma
    while start and comma - start < ITEM_WORDS and _can_name(words.cased[start - 1]):
        start -= 1
    return range(start, comma)


def _is_name(words: Words, item: range) -> bool:
    letters = [words.cased[n] for n in item if words.cased[n][0].isalpha()]
    return 0 < len(letters) <= ITEM_WORDS and any(map(_can_name, letters))


def _can_name(word: str) -> bool:
    return word[0].isupper() or (word[0].isalpha() and not word[0].islower()) or word in _SIGNS or word[0].isdigit()
