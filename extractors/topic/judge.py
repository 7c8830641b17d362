"""Decide whether an article is on topic, and say why.

The score is a sum: each kind of evidence (`extractors.topic.evidence`), a number from 0 to 1, times its weight. From
the topic's threshold on the article is on topic, unless a group is named nowhere. A veto with a weight subtracts from
the sum; one without refuses the article by itself. All terms, weights and thresholds are in `topics.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from config.topics import Topic, TopicsFile
from extractors.records import Article, Match, Verdict
from extractors.topic.evidence import Evidence
from extractors.topic.reading import TopicTerms
from extractors.topic.screen import Screen, ScreenedText

MOST_OF_A_VETO = 2.0  # times its weight


class Topics:
    """The topics of a file, compiled. Holds no state between articles."""

    def __init__(self, topics: Sequence[_CompiledTopic]) -> None:
        self._topics = tuple(topics)

    def judge(self, article: Article) -> Verdict:
        """Return the verdict of the first topic that takes the article, else of the topic that came nearest.

        Pure: the same article gives the same verdict. `score` is in the points of the topic's weights. `topics` of the
        verdict are all that take the article, if there are several.
        """
        verdicts = [topic.judge(article) for topic in self._topics]
        taken = [verdict for verdict in verdicts if verdict.relevant]
        if len(taken) > 1:
            return replace(taken[0], topics=tuple(verdict.topic for verdict in taken if verdict.topic))
        if taken:
            return taken[0]
        return max(verdicts, key=lambda verdict: verdict.score - verdict.threshold)

    def features(self, article: Article, topic: str | None = None) -> dict[str, float]:
        """Return the numbers behind the score under topic `topic` (None: the first topic).

        Under the names of `config.topics.Weights`: the factor of each weight, so that the score is the sum of the
        products; all are 0 where a group is missing. Under "veto.<name>": the points of each veto.
        Raises KeyError for an unknown topic.
        """
        compiled = {one.topic.id: one for one in reversed(self._topics)}
        chosen = compiled[topic] if topic is not None else self._topics[0]
        evidence = chosen.read(article)
        points = chosen.veto_points(evidence)
        numbers = evidence.features() | {"against": -sum(chosen.against(points).values())}
        if evidence.missing():
            numbers = dict.fromkeys(numbers, 0.0)
        return numbers | {f"veto.{name}": number for name, number in points.items()}

    def screen(self, text: str) -> bool:
        """Return False only if `judge` would refuse every article taken from the page with this text.

        `text` holds all that extraction may take from the page: headline, text and any JSON-LD, with entities decoded.
        Tags between blocks may leave a gap or none; tags within a word must leave none.
        """
        page = ScreenedText(text)
        return any(topic.may_match(page) for topic in self._topics)

    @property
    def screens(self) -> list[dict[str, Screen]]:
        """Return the screens of each topic by group. A topic for which everything is on topic has none."""
        return [topic.screens for topic in self._topics]


class _CompiledTopic:
    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self._weights = topic.weights.model_dump()
        self.screens = {
            name: Screen([terms, topic.actors.get(name, {}), topic.places.get(name, {}), topic.sufficient])
            for name, terms in ({} if topic.match_all else topic.groups).items()
        }

    @cached_property
    def _terms(self) -> TopicTerms:  # not before an article is to be judged: it takes a sixth of a second
        return TopicTerms(self.topic)

    def may_match(self, page: ScreenedText) -> bool:
        return all(screen.may_match(page) for screen in self.screens.values())

    def read(self, article: Article) -> Evidence:
        return Evidence(self._terms.groups, self._terms.rivals, self._terms.read(article))

    def judge(self, article: Article) -> Verdict:
        topic = self.topic
        if topic.match_all:
            return Verdict(relevant=True, topic=topic.id, score=0.0, why="everything is on topic (match_all)")
        evidence = self.read(article)
        if missing := evidence.missing():
            why = f'not on topic: no term of the group "{missing}"'
            return self._verdict(evidence, evidence.matches(), why, score=0.0)
        points = self.veto_points(evidence)
        against = self.against(points)
        numbers = evidence.features() | {"against": -sum(against.values())}
        total = sum(weight * numbers[name] for name, weight in self._weights.items())
        score = max(0.0, round(total, 2))
        matches = evidence.matches()
        if (name := self._refusing(score, points, against)) is not None:
            spoken = evidence.veto_matches(name)
            counts = f"speaks with {points[name]:g} points (it needs {topic.vetoes[name].threshold:g})"
            if name in against:
                taken = against[name] * self._weights["against"]
                counts = f"takes {taken:.2g} points and leaves {score:g} (it needs {topic.threshold:g})"
            why = f'not on topic: the veto "{name}" {counts}: {_listed(spoken)}'
            return self._verdict(evidence, [*matches, *spoken], why, score=score, veto=name)
        if score < topic.threshold:
            why = f"not on topic: {score:g} points (it needs {topic.threshold:g}) are too few; {_listed(matches)}"
            return self._verdict(evidence, matches, why, score=score)
        why = f"on topic: {_listed(matches)}; {score:g} points (it needs {topic.threshold:g})"
        return self._verdict(evidence, matches, why, score=score, relevant=True)

    def veto_points(self, evidence: Evidence) -> dict[str, float]:
        """Return the points of each veto."""
        return {name: evidence.veto_points(name, veto) for name, veto in self.topic.vetoes.items()}

    def against(self, points: Mapping[str, float]) -> dict[str, float]:
        """Return what each veto that has a weight subtracts, in points of the score."""
        return {
            name: veto.weight * min(points[name] / veto.threshold, MOST_OF_A_VETO)
            for name, veto in self.topic.vetoes.items()
            if veto.weight and points[name]
        }

    def _refusing(self, score: float, points: Mapping[str, float], against: Mapping[str, float]) -> str | None:
        """Return the veto that refuses the article: by itself, or by the most of what is missing."""
        threshold = self.topic.threshold
        for name, veto in self.topic.vetoes.items():
            outvoted = score < threshold or (veto.outvoted_at is not None and score >= veto.outvoted_at)
            if veto.weight is None and points[name] >= veto.threshold and not outvoted:
                return name
        total = sum(against.values()) * self._weights["against"]
        return max(against, key=against.__getitem__) if score < threshold <= score + total else None

    def _verdict(
        self,
        evidence: Evidence,
        matches: Sequence[Match],
        why: str,
        *,
        score: float,
        relevant: bool = False,
        veto: str | None = None,
    ) -> Verdict:
        return Verdict(
            relevant=relevant,
            topic=self.topic.id if relevant else None,
            score=score,
            matches=tuple(matches),
            why=why,
            taken_out=evidence.reading.taken_out,
            veto=veto,
            borderline=abs(score - self.topic.threshold) <= self.topic.borderline,
            threshold=self.topic.threshold,
        )


def compile_topics(file: TopicsFile) -> Topics:
    """Return the topics of the file, ready to judge. The first judgement takes a sixth of a second more."""
    return Topics([_CompiledTopic(topic) for topic in file.topics])


def _listed(matches: Sequence[Match]) -> str:
    """Return the terms in words: `us: "США" 2 × in the lead, "госдеп*" in the body`; at most four of each group."""
    groups: dict[str, list[str]] = {}
    for match in matches:
        times = f"{match.count} × " if match.count > 1 else ""
        groups.setdefault(match.group, []).append(f'"{match.term.removeprefix("=")}" {times}in the {match.part}')
    return "; ".join(f"{group}: {', '.join(listed[:4])}" for group, listed in groups.items())
