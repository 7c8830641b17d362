"""Measure what an article says about a topic: numbers from 0 to 1, and the points of its vetoes.

The unit is the sentence. A group is named where any of its terms stands; groups meet in a sentence that names them all,
half as much in two neighbouring sentences, a quarter with a sentence between them. All counts are limited, or shares of
the text's sentences: repetition says nothing new, and an aside in a long report is little. An excerpt of a headline
and a lead has no body, which speaks neither for nor against it.

A name says little in an enumeration of owners or countries, as a mere place where a rival meets another group, and in a
headline whose text never comes back to it: a text that names another group, or a headline that tells no dealing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from config.topics import ANY, Veto
from extractors.records import Match
from extractors.topic.parts import BODY, HEADLINE, LEAD, PLACES
from extractors.topic.reading import ACTOR, DEALINGS, GROUP, PLACE, SUFFICIENT, UNLESS, VETO, Occurrence, Reading

SEVERAL = 2  # rivals in a sentence that make it a list
IN_A_LIST = 0.5
MERELY_NAMED = 0.25  # in an enumeration, as a place, in a headline alone
TEXT_SENTENCES = 5  # a text as long as this must come back to what its headline names
# Worth of a meeting of two sentences: of neighbours, and with a sentence between them.
NEAR = (0.5, 0.25)
HEADLINE_NEAR = (0.5, 0.5, 0.25)
ANY_ACTOR = 0.75  # an actor of no certain group, beside the group's name
LATE_ACTOR = 0.5  # an actor in the body
ENOUGH_DEALINGS = 2  # different ones
BODY_SENTENCES = 8  # a body as long as this counts fully
BODY_SHARE = 0.3  # the share of its sentences that a group needs to be its subject
PART_POINTS = {HEADLINE: (4.0, 1), LEAD: (2.0, 3), BODY: (0.4, 6)}  # a mention's points, and how many count

_ACTORS = "actors"
_Naming = dict[int, float]  # a group's sentences, and how much each names it


@dataclass(frozen=True, slots=True)
class Evidence:
    """Terms of a topic found in an article, to be measured."""

    groups: Sequence[str]
    rivals: Sequence[str]  # the labels of vetoes that name other partners
    reading: Reading

    def named(self, group: str) -> list[Occurrence]:
        """Return the places where the group is named, by its terms, its actors or a sufficient term."""
        return self._all(GROUP + group, ACTOR + group, PLACE + group, SUFFICIENT)

    def missing(self) -> str | None:
        """Return a group that is named nowhere, or None."""
        return next((group for group in self.groups if not self.named(group)), None)

    def features(self) -> dict[str, float]:
        """Return the factors of the weights in `config.topics.Weights`; those that are subtracted are negative."""
        sizes, headlines = self.reading.sizes, self.reading.sizes[HEADLINE]
        naming = {group: self._naming(group) for group in self.groups}
        opening, body = dict[str, _Naming](), dict[str, _Naming]()
        headline, lead = list[float](), list[float]()
        text = headlines + sizes[LEAD]
        for group, sentences in naming.items():
            opening[group] = {n: worth for n, worth in sentences.items() if n < text}
            body[group] = {n: worth for n, worth in sentences.items() if n >= text}
            headline.append(opening[group].get(0, 0.0) if headlines else 0.0)
            lead.append(max((worth for n, worth in opening[group].items() if n >= headlines), default=0.0))
        share, aside = self._body(body, headline)
        meetings = _meetings(opening.values(), headlines=headlines)
        near = _around(
            meetings | {n: worth / 2 for n, worth in _meetings(body.values()).items()},
            list(naming.values()),
            headlines=headlines,
        )
        return {
            "headline": _mean(headline),
            "lead": _mean(lead),
            "together": max(meetings.values(), default=0.0),
            "actors": _on_all_sides([self._actor(group, naming[group]) for group in self.groups]),
            "dealings": self._dealings(near),
            "body": share,
            "aside": -aside,
            "partner": -self._partner(),
            "late": (1.0 - share) * (min(max(named.values(), default=0.0) for named in opening.values()) - 1.0),
        }

    def veto_points(self, name: str, veto: Veto) -> float:
        """Return a veto's points; 0 where a term of `unless` or, for a rival, a headline of all groups silences it."""
        if any(occurrence.part != BODY for occurrence in self._all(UNLESS + name)):
            return 0.0
        points = _points(self._all(VETO + name))
        if veto.rival and points:
            named = [self.named(group) for group in self.groups]
            if all(any(occurrence.part == HEADLINE for occurrence in occurrences) for occurrences in named):
                return 0.0  # what a third one thinks of their dealings
            points -= min(map(_points, named))
        return max(0.0, round(points, 2))

    def matches(self) -> list[Match]:
        """Return the terms of the groups, in their order, then those of other actors and of dealings."""
        listed = [match for g in self.groups for match in self._counted(g, GROUP + g, ACTOR + g, PLACE + g)]
        listed += self._counted(SUFFICIENT, SUFFICIENT)
        return listed + self._counted(_ACTORS, ACTOR + ANY) + self._counted(DEALINGS, DEALINGS)

    def veto_matches(self, name: str) -> list[Match]:
        """Return the terms of a veto."""
        return self._counted(VETO + name, VETO + name)

    def _all(self, *labels: str) -> list[Occurrence]:
        return [occurrence for label in labels for occurrence in self.reading.found.get(label, ())]

    def _counted(self, group: str, *labels: str) -> list[Match]:
        occurrences = self._all(*labels)
        return [
            Match(group, term, part, count)
            for part in PLACES
            for term, count in Counter(
                occurrence.hit.term for occurrence in occurrences if occurrence.part == part
            ).items()
        ]

    def _naming(self, group: str) -> _Naming:
        """Return the sentences that name a group, each with the worth of the name."""
        rivals = self._rivals()
        others = {occurrence.sentence for other in self.groups if other != group for occurrence in self.named(other)}
        occurrences = self.named(group)
        more = {o.sentence for o in occurrences if o.hit.label != PLACE + group}
        naming: _Naming = {}
        for o in occurrences:
            worth = 1.0
            if o.listed or (o.sentence in rivals and o.sentence in others and o.sentence not in more):
                worth = MERELY_NAMED
            elif o.part != HEADLINE and len(rivals.get(o.sentence, ())) >= SEVERAL:
                worth = IN_A_LIST
            naming[o.sentence] = max(worth, naming.get(o.sentence, 0.0))
        sizes = self.reading.sizes
        mere = sizes[HEADLINE] and naming.keys() == {0} and sizes[LEAD] + sizes[BODY] >= TEXT_SENTENCES
        if mere and (any(others) or all(o.part != HEADLINE for o in self._all(DEALINGS))):
            naming[0] = MERELY_NAMED
        return naming

    def _rivals(self) -> dict[int, set[str]]:
        """Return the sentences that name rivals, with their terms."""
        rivals: dict[int, set[str]] = {}
        for occurrence in self._all(*self.rivals):
            rivals.setdefault(occurrence.sentence, set()).add(occurrence.hit.term)
        return rivals

    def _partner(self) -> float:
        """Return the share of the strongest rival in the meetings: it meets a group in clauses without the others."""
        together: Counter[str] = Counter()
        groups = {group: {o.sentence for o in self.named(group)} for group in self.groups}
        in_clause: dict[int, set[str]] = {}
        part_of: dict[int, str] = {}
        for group in self.groups:
            for o in self.named(group):
                in_clause.setdefault(o.clause, set()).add(group)
                part_of[o.sentence] = o.part
        for sentence in set.intersection(*groups.values()) if groups else ():
            together[part_of[sentence]] += 1
        ours = _points_of(together)
        apart: dict[str, Counter[str]] = {}
        seen = set[tuple[str, int]]()
        for o in self._all(*self.rivals):
            if (o.hit.term, o.clause) in seen or not 0 < len(in_clause.get(o.clause, ())) < len(self.groups):
                continue
            seen.add((o.hit.term, o.clause))
            apart.setdefault(o.hit.term, Counter())[o.part] += 1
        theirs = max(map(_points_of, apart.values()), default=0.0)
        return theirs / (theirs + ours) if theirs else 0.0

    def _actor(self, group: str, naming: _Naming) -> float:
        """Return 1 for an actor of the group in headline or lead, less for an actor of any group, or in the body."""
        own = [o for o in self._all(ACTOR + group, SUFFICIENT) if naming.get(o.sentence, 0.0) > MERELY_NAMED]
        if any(occurrence.part != BODY for occurrence in own):
            return 1.0
        beside = [o for o in self._all(ACTOR + ANY) if naming.get(o.sentence, 0.0) > MERELY_NAMED]
        if any(occurrence.part != BODY for occurrence in beside):
            return ANY_ACTOR
        return LATE_ACTOR if own or beside else 0.0

    def _dealings(self, near: Mapping[int, float]) -> float:
        """Return the different dealings, each counted as much as the groups meet around it; a headline's is enough."""
        told: dict[str, float] = {}
        for occurrence in self._all(DEALINGS):
            worth = near.get(occurrence.sentence, 0.0) * (ENOUGH_DEALINGS if occurrence.part == HEADLINE else 1)
            told[occurrence.hit.term] = max(worth, told.get(occurrence.hit.term, 0.0))
        return min(1.0, sum(told.values()) / ENOUGH_DEALINGS)

    def _body(self, body: Mapping[str, _Naming], headline: Sequence[float]) -> tuple[float, float]:
        """Return the share of the body about the group it is least about, and the rest; both 0 without a body.

        A group that the headline names is given half: the body may say "the republic" or "the company" for it.
        """
        size = self.reading.sizes[BODY]
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
    return _points_of(Counter(occurrence.part for occurrence in occurrences))


def _points_of(counts: Mapping[str, int]) -> float:
    return sum(points * min(counts.get(part, 0), most) for part, (points, most) in PART_POINTS.items())


def _on_all_sides(numbers: Sequence[float]) -> float:
    """Return a mean that one side alone brings to a quarter: offices of one side are in every article."""
    return (_mean(numbers) + min(numbers)) / 2


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)
