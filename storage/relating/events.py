"""Find the articles that report the same event, for the digest: groups of a few days, across outlets and languages.

An article joins the group that it is most like, if it is like the group as a whole and like one of its members in
particular: a mean over all members keeps chains (A like B, B like C) from swallowing everything. In one language all
words count, between languages names, numbers, and what the words are about (`[concepts]` in `config/languages/`).
A group spans three days at most. Its number remains that of the article that founded it; groups are never merged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from storage.relating.nearby import Likeness, Nearby, Piece

SPAN = timedelta(days=3)
# Chosen on composed events and on 144 Russian news pages, all taken for one day. Of the 12 groups found there,
# 8 are one event, one is two events of one affair, one the same statistics of two regions, and two share a site's own
# lines, which cannot be told from two pages. With lower values false pairs prevail. A missed pair costs one more line
# in a digest, a false one hides a story.
ALIKE = 0.45  # with the most like member
ALIKE_MARKS = 0.5  # the same between two languages, on names and numbers
ALL_ALIKE = 0.25  # with the members on average
MIN_SHARED_MARKS = 5  # between two languages
# Between two languages, on names, numbers and concepts: with so many rare names or numbers in common, and with fewer.
ALIKE_FACTS = ((3, 0.3), (2, 0.35), (0, 0.39))
RARE = 0.5
SHARED_FACTS = 8  # for that; of short articles fewer will do, each of which asks for more likeness
MIN_SHARED_FACTS = 5
FACT_LESS = 0.06
# In one language, articles that say it in other words: likeness in words and in names, numbers and concepts, added.
ALIKE_BOTH = 0.54
SHARED_IN_BOTH = 7
RELATED = 0.25  # instead of ALIKE for articles that share much of their text
MIN_NUMBERS = 4
SAME_NUMBERS = 0.3  # on two days, texts with fewer of them in common are yesterday's form with today's figures


@dataclass(slots=True)
class Groups:
    """The known events (article → event) and the known relations of the articles.

    `templates`, `related` and `translations` hold pairs of numbers, in whatever order.
    """

    event_of: dict[int, int] = field(default_factory=dict)
    templates: Iterable[tuple[int, int]] = ()
    related: Iterable[tuple[int, int]] = ()
    translations: Iterable[tuple[int, int]] = ()


def find_events(nearby: Nearby, numbers: Iterable[int], known: Groups) -> dict[int, int]:
    """Return the event of each of `numbers`, in this order: a known event, or one that this or another article founds.

    `known` is not changed. An article without a day belongs to no group but that of its translation.
    """
    family = _families(known.templates)
    related, translations = _neighbours(known.related), _neighbours(known.translations)
    event_of = dict(known.event_of)
    members: defaultdict[int, list[int]] = defaultdict(list)
    for number, event in event_of.items():
        if number in nearby.pieces:
            members[event].append(number)
    found: dict[int, int] = {}
    for number in numbers:
        piece = nearby.pieces[number]
        joined = _translated(nearby, piece, translations.get(number, set()), event_of, members)
        if joined is None and piece.day is not None:
            joined = _most_like(nearby, piece, event_of, members, related.get(number, set()), family)
        found[number] = event_of[number] = number if joined is None else joined
        members[found[number]].append(number)
    return found


def _translated(
    nearby: Nearby, piece: Piece, others: set[int], event_of: Mapping[int, int], members: Mapping[int, list[int]]
) -> int | None:
    events = {event_of[other] for other in others if other in event_of}
    return min((event for event in events if _in_time(nearby, piece, members.get(event, []))), default=None)


def _most_like(
    nearby: Nearby,
    piece: Piece,
    event_of: Mapping[int, int],
    members: Mapping[int, list[int]],
    related: set[int],
    family: Mapping[int, int],
) -> int | None:
    """Return the event whose members are most like the article, None if no event is like enough."""
    likenesses = nearby.likenesses(piece.number)
    candidates = {event_of[other] for other in likenesses if other in event_of}
    best: tuple[float, int] | None = None
    for event in candidates:
        group = members[event]
        if not _in_time(nearby, piece, group) or any(_other_edition(nearby, piece, n, family) for n in group):
            continue
        alike = {n: _alike(nearby, piece.number, n, likenesses.get(n)) for n in group}
        nearest = max(alike.values())
        own = [n for n in group if nearby.pieces[n].language == piece.language] or group
        mean = sum(alike[n] for n in own) / len(own)
        akin = related & set(group)
        if (nearest >= 1 or (akin and nearest >= RELATED / ALIKE)) and (mean >= ALL_ALIKE / ALIKE or akin):
            best = max(best or (0.0, 0), (mean, -event))
    return None if best is None else -best[1]


def _alike(nearby: Nearby, number: int, other: int, likeness: Likeness | None) -> float:
    """Return how alike two articles are; 1 is just enough for the same event."""
    if likeness is None:
        return 0.0
    first, second = nearby.pieces[number], nearby.pieces[other]
    if first.language == second.language and first.traits.cyrillic == second.traits.cyrillic:
        alike = nearby.cosine(number, other, likeness)
        if likeness.shared + likeness.shared_concepts < SHARED_IN_BOTH:
            return alike / ALIKE
        return max(alike / ALIKE, (alike + nearby.facts_cosine(number, other, likeness)) / ALIKE_BOTH)
    alike = 0.0
    if likeness.shared >= MIN_SHARED_MARKS:
        alike = nearby.marks_cosine(number, other, likeness) / ALIKE_MARKS
    shared = likeness.shared + likeness.shared_concepts
    if shared >= MIN_SHARED_FACTS:
        rare = sum(nearby.rarity(mark) > RARE for mark in second.traits.marks if mark in first.traits.marks)
        enough = next(enough for least, enough in ALIKE_FACTS if rare >= least)
        enough += FACT_LESS * max(0, SHARED_FACTS - shared)
        alike = max(alike, nearby.facts_cosine(number, other, likeness) / enough)
    return alike


def _in_time(nearby: Nearby, piece: Piece, group: list[int]) -> bool:
    """Return whether the group with this article still spans three days at most; undated articles do not stretch it."""
    days = [day for number in group if (day := nearby.pieces[number].day) is not None]
    return not days or piece.day is None or max(*days, piece.day) - min(*days, piece.day) <= SPAN


def _other_edition(nearby: Nearby, piece: Piece, number: int, family: Mapping[int, int]) -> bool:
    """Return whether two articles are one form filled in on two days: exchange rates, weather, a daily column."""
    other = nearby.pieces[number]
    if piece.day == other.day:
        return False
    if piece.number in family and family[piece.number] == family.get(number):
        return True
    ours, theirs = piece.traits.numbers, other.traits.numbers
    least = min(len(ours), len(theirs))
    return least >= MIN_NUMBERS and len(ours & theirs) < SAME_NUMBERS * least


def _families(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Map each article to the lowest number among all that are templates of each other, directly or through others."""
    neighbours = _neighbours(pairs)
    family: dict[int, int] = {}
    for start in sorted(neighbours):
        waiting = [start] if start not in family else []
        while waiting:
            number = waiting.pop()
            if number not in family:
                family[number] = start
                waiting.extend(neighbours[number])
    return family


def _neighbours(pairs: Iterable[tuple[int, int]]) -> dict[int, set[int]]:
    found: defaultdict[int, set[int]] = defaultdict(set)
    for first, second in pairs:
        found[first].add(second)
        found[second].add(first)
    return dict(found)
