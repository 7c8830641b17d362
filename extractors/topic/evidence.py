"""Measure what an article says about a topic: numbers from 0 to 1, and the points of its vetoes.

The unit is the sentence. A group is named where any of its terms stands; groups meet in a sentence that names them all,
half as much in two neighbouring sentences, a quarter with a sentence between them. All counts are limited, or shares of
the text's sentences: repetition says nothing new, and an aside in a long report is little. An excerpt of a headline
and a lead has no body, which speaks neither for nor against it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

from config.topics import ANY, Topic, Veto
from extractors.records import Article, Match
from extractors.topic.parts import BODY, HEADLINE, LEAD, PLACES, read_parts
from extractors.topic.terms import Hit, Terms

LISTED = 2  # rivals in one sentence that make it a list
IN_A_LIST = 0.5
# Worth of a meeting of two sentences: of neighbours, and with a sentence between them.
NEAR = (0.5, 0.25)
HEADLINE_NEAR = (0.5, 0.5, 0.25)
ANY_ACTOR = 0.75  # an actor of no certain group, beside the group's name
LATE_ACTOR = 0.5  # an actor in the body
ENOUGH_DEALINGS = 2  # different ones
BODY_SENTENCES = 8  # a body as long as this counts fully
BODY_SHARE = 0.3  # the share of its sentences that a group needs to be its subject
VETO_POINTS = {HEADLINE: (4.0, 1), LEAD: (2.0, 3), BODY: (0.4, 6)}  # a mention's points, and how many count

SUFFICIENT, TAKE_OUT, DEALINGS, _ACTORS = "sufficient", "take out", "dealings", "actors"
_GROUP, _ACTOR, _VETO, _UNLESS = "group:", "actor:", "veto:", "unless:"
_Naming = dict[int, float]  # a group's sentences, and how much each names it


class Occurrence(NamedTuple):
    """Term in its place: the part of the article, and the sentence, numbered from the headline on."""

    part: str
    sentence: int
    hit: Hit


class TopicTerms:
    """Lists of a topic, compiled under labels."""

    def __init__(self, topic: Topic) -> None:
        lists = {_GROUP + name: terms for name, terms in topic.groups.items()}
        lists |= {_ACTOR + name: terms for name, terms in topic.actors.items()}
        self._naming = {*lists, SUFFICIENT}
        lists |= {SUFFICIENT: topic.sufficient, TAKE_OUT: topic.take_out, DEALINGS: topic.dealings}
        for name, veto in topic.vetoes.items():
            lists |= {_VETO + name: veto.terms, _UNLESS + name: veto.unless}
        self.groups = tuple(topic.groups)
        self.rivals = tuple(_VETO + name for name, veto in topic.vetoes.items() if veto.rival)
        self._terms = Terms(lists)

    def read(self, article: Article) -> Evidence:
        """Return the evidence that the terms find in an article."""
        language = article.language.lower().partition("-")[0] if article.language else None
        found: dict[str, list[Occurrence]] = {}
        taken_out: dict[str, None] = {}
        sizes: dict[str, int] = {}
        for part, words in read_parts(article).items():
            before = sum(sizes.values())
            ends = [] if part == HEADLINE else words.sentence_ends
            sizes[part] = min(1, len(words.folded)) if part == HEADLINE else words.sentences
            hits = self._terms.find(words, language)
            removed = {n for hit in hits if hit.label == TAKE_OUT for n in range(hit.start, hit.end)}
            for hit in hits:
                if hit.label == TAKE_OUT:
                    taken_out[hit.term] = None
                elif not (removed and hit.label in self._naming and not removed.isdisjoint(range(hit.start, hit.end))):
                    occurrence = Occurrence(part, before + bisect_left(ends, hit.start), hit)
                    found.setdefault(hit.label, []).append(occurrence)
        return Evidence(self, found, tuple(taken_out), sizes)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Terms of a topic found in an article."""

    terms: TopicTerms
    found: Mapping[str, Sequence[Occurrence]]  # label → occurrences
    taken_out: tuple[str, ...]
    sizes: Mapping[str, int]  # part → number of sentences

    def named(self, group: str) -> list[Occurrence]:
        """Return the places where the group is named, by its terms, its actors or a sufficient term."""
        labels = (_GROUP + group, _ACTOR + group, SUFFICIENT)
        return [occurrence for label in labels for occurrence in self.found.get(label, ())]

    def missing(self) -> str | None:
        """Return a group that is named nowhere, or None."""
        return next((group for group in self.terms.groups if not self.named(group)), None)

    def features(self) -> dict[str, float]:
        """Return the factors of the weights in `config.topics.Weights`; that of `aside` is negative."""
        lists = self._lists()
        opening, body = dict[str, _Naming](), dict[str, _Naming]()
        headline, lead = list[float](), list[float]()
        for group in self.terms.groups:
            parts: dict[str, _Naming] = {part: {} for part in PLACES}
            for occurrence in self.named(group):
                listed = occurrence.sentence in lists and occurrence.part != HEADLINE
                parts[occurrence.part][occurrence.sentence] = IN_A_LIST if listed else 1.0
            headline.append(max(parts[HEADLINE].values(), default=0.0))
            lead.append(max(parts[LEAD].values(), default=0.0))
            opening[group], body[group] = parts[HEADLINE] | parts[LEAD], parts[BODY]
        share, aside = self._body(body, headline)
        meetings = _meetings(opening.values(), headlines=self.sizes[HEADLINE])
        near = _around(
            meetings | {n: worth / 2 for n, worth in _meetings(body.values()).items()},
            [opening[group] | body[group] for group in self.terms.groups],
            headlines=self.sizes[HEADLINE],
        )
        return {
            "headline": _mean(headline),
            "lead": _mean(lead),
            "together": max(meetings.values(), default=0.0),
            "actors": _mean([self._actor(group, opening[group] | body[group]) for group in self.terms.groups]),
            "dealings": self._dealings(near),
            "body": share,
            "aside": -aside,
        }

    def veto_points(self, name: str, veto: Veto) -> float:
        """Return a veto's points; 0 where a term of `unless` or, for a rival, a headline of all groups silences it."""
        if any(occurrence.part != BODY for occurrence in self.found.get(_UNLESS + name, ())):
            return 0.0
        points = _points(self.found.get(_VETO + name, ()))
        if veto.rival and points:
            named = [self.named(group) for group in self.terms.groups]
            if all(any(occurrence.part == HEADLINE for occurrence in occurrences) for occurrences in named):
                return 0.0  # what a third one thinks of their dealings
            points -= min(map(_points, named))
        return max(0.0, round(points, 2))

    def matches(self) -> list[Match]:
        """Return the terms of the groups, in their order, then those of other actors and of dealings."""
        listed = [match for g in self.terms.groups for match in self._counted(g, _GROUP + g, _ACTOR + g)]
        listed += self._counted(SUFFICIENT, SUFFICIENT)
        return listed + self._counted(_ACTORS, _ACTOR + ANY) + self._counted(DEALINGS, DEALINGS)

    def veto_matches(self, name: str) -> list[Match]:
        """Return the terms of a veto."""
        return self._counted(_VETO + name, _VETO + name)

    def _counted(self, group: str, *labels: str) -> list[Match]:
        occurrences = [occurrence for label in labels for occurrence in self.found.get(label, ())]
        return [
            Match(group, term, part, count)
            for part in PLACES
            for term, count in Counter(
                occurrence.hit.term for occurrence in occurrences if occurrence.part == part
            ).items()
        ]

    def _lists(self) -> Set[int]:
        """Return the sentences that name several rivals."""
        rivals: dict[int, set[str]] = {}
        for label in self.terms.rivals:
            for occurrence in self.found.get(label, ()):
                rivals.setdefault(occurrence.sentence, set()).add(occurrence.hit.term)
        return {sentence for sentence, terms in rivals.items() if len(terms) >= LISTED}

    def _actor(self, group: str, naming: _Naming) -> float:
        """Return 1 for an actor of the group in headline or lead, less for an actor of any group, or in the body."""
        own = [*self.found.get(_ACTOR + group, ()), *self.found.get(SUFFICIENT, ())]
        if any(occurrence.part != BODY for occurrence in own):
            return 1.0
        beside = [occurrence for occurrence in self.found.get(_ACTOR + ANY, ()) if occurrence.sentence in naming]
        if any(occurrence.part != BODY for occurrence in beside):
            return ANY_ACTOR
        return LATE_ACTOR if own or beside else 0.0

    def _dealings(self, near: Mapping[int, float]) -> float:
        """Return the different dealings, each counted as much as the groups meet around it; a headline's is enough."""
        told: dict[str, float] = {}
        for occurrence in self.found.get(DEALINGS, ()):
            worth = near.get(occurrence.sentence, 0.0) * (ENOUGH_DEALINGS if occurrence.part == HEADLINE else 1)
            told[occurrence.hit.term] = max(worth, told.get(occurrence.hit.term, 0.0))
        return min(1.0, sum(told.values()) / ENOUGH_DEALINGS)

    def _body(self, body: Mapping[str, _Naming], headline: Sequence[float]) -> tuple[float, float]:
        """Return the share of the body about the group it is least about, and the rest; both 0 without a body.

        A group that the headline names is given half: the body may say "the republic" or "the company" for it.
        """
        size = self.sizes[BODY]
        if not size:
            return 0.0, 0.0
        shares = [min(1.0, sum(naming.values()) / size / BODY_SHARE) for naming in body.values()]
        about = min(max(share, named / 2) for share, named in zip(shares, headline, strict=True))
        counts = min(1.0, size / BODY_SENTENCES)
        return counts * about, counts * (1 - about)


def _meetings(groups: Iterable[_Naming], *, headlines: int = 0) -> dict[int, float]:
    """Return the sentences in which all groups meet, alone or with either of the next two, and each meeting's worth.

    A headline (sentence 0, if there is one) is as close to the second sentence of the text as to the first.
    """
    listed = list(groups)
    found: dict[int, float] = {}
    for n in sorted(set().union(*listed)):
        alone = min(naming.get(n, 0.0) for naming in listed)
        steps = HEADLINE_NEAR if headlines and n == 0 else NEAR
        ahead = (
            worth * min(max(naming.get(n, 0.0), naming.get(n + step, 0.0)) for naming in listed)
            for step, worth in enumerate(steps, 1)
        )
        if worth := max(alone, *ahead):
            found[n] = worth
    return found


def _around(meetings: Mapping[int, float], groups: Sequence[_Naming], *, headlines: int) -> dict[int, float]:
    """Return the sentences that may tell of the groups' dealings, each with the worth of its meeting.

    These are the sentence in which all groups meet, the two after it, and a headline over it. Where the groups meet in
    two sentences, take the sentence that names the rarer group: the other need not concern both.
    """
    fewest = min(map(len, groups))
    telling = set().union(*(naming for naming in groups if len(naming) == fewest))
    near: dict[int, float] = {}
    for n, worth in meetings.items():
        alone = all(n in naming for naming in groups)
        for sentence in (n, n + 1, n + 2, *([0] if headlines and n <= 2 else ())):
            if alone or sentence in telling:
                near[sentence] = max(worth, near.get(sentence, 0.0))
    return near


def _points(occurrences: Iterable[Occurrence]) -> float:
    counts = Counter(occurrence.part for occurrence in occurrences)
    return sum(points * min(counts[part], most) for part, (points, most) in VETO_POINTS.items())


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)
