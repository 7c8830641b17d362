"""Decide whether an article is on topic, and say why.

Every group of terms gets points for where its terms stand: headline, lead, body. The weakest group's points, and a
little for each sentence in which all groups meet, are the score. From the topic's threshold on the article is on topic,
unless a veto speaks. All terms, weights and thresholds are in `topics.toml`; the form of the sum is here.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from config.topics import Topic, TopicsFile, Veto, Weights
from extractors.records import Article, Match, Verdict
from extractors.topic_terms import Hit, Screen, ScreenedText, Terms
from extractors.topic_text import PARAGRAPH_MARK, Words, normalise, prepare

LEAD_PARAGRAPHS = 2
LEAD_CHARACTERS = 900  # a page whose whole text is one paragraph has no longer lead than others
HEADLINE_CHARACTERS = 200  # the most that the first paragraph of an article without a title may have to stand for it
# Caps: how many mentions add points. Beyond them repetition says nothing new.
LEAD_CAP = 3
BODY_CAP = 6
TOGETHER_CAP = 3

DATELINE_CHARACTERS = 140
MAX_CHARACTERS = 100_000  # no news article is longer; a hostile page may be, and judging 9 MB takes 3 s

HEADLINE, LEAD, BODY = PLACES = ("headline", "lead", "body")
_SUFFICIENT, _TAKE_OUT, _VETO, _UNLESS, _GROUP = "sufficient", "take out", "veto:", "unless:", "group:"

_DATE = re.compile(r"\s*date \d{4}-\d{2}-\d{2}(?:\s+|$)")
# "BISHKEK (AKIpress) – ", "АСТАНА, 6 ноября — Sputnik. ", "АСТАНА. КАЗИНФОРМ – ": where the outlet sits, not what it
# writes of. One or two words, then a bracket, a number or capitals, then a dash.
_DATELINE = re.compile(
    r"\s*[^\W\d_]+(?:[\s-][^\W\d_]+)?\s*"
    r"(?:\([^()–—\n]{2,40}\)|[,.][^–—\n]{0,30}\d[^–—\n]{0,20}|[./,]\s?[A-ZА-ЯӘҒҚҢӨҰҮҺІ.\s]{4,30})\s*(?:[–—]|--?)\s"
)


@dataclass(frozen=True, slots=True)
class _Found:
    """What one topic's terms found in an article: the hits of each place, and in how many sentences all groups meet."""

    hits: Mapping[str, Mapping[str, Sequence[Hit]]]  # place → label → hits
    together: int

    def count(self, place: str, *labels: str) -> int:
        return sum(len(self.hits[place].get(label, ())) for label in labels)

    def strength(self, weights: Weights, *labels: str) -> float:
        """The points of these labels' terms: once for the headline, up to the caps for lead and body."""
        return (
            weights.headline * min(self.count(HEADLINE, *labels), 1)
            + weights.lead * min(self.count(LEAD, *labels), LEAD_CAP)
            + weights.body * min(self.count(BODY, *labels), BODY_CAP)
        )

    def matches(self, label: str, name: str) -> list[Match]:
        """The label's terms with their counts, in the order of place and first occurrence, under the name `name`."""
        return [
            Match(name, term, place, count)
            for place in PLACES
            for term, count in Counter(hit.term for hit in self.hits[place].get(label, ())).items()
        ]


class Topics:
    """The topics of a file, compiled. Holds no state between articles."""

    def __init__(self, topics: Sequence[_CompiledTopic]) -> None:
        self._topics = tuple(topics)

    def judge(self, article: Article) -> Verdict:
        """The verdict of the first topic that takes the article; of the topic that came nearest when none does.

        Pure: the same article gives the same verdict. `score` is in the points of the topic's weights.
        """
        places = _places(article)
        language = article.language.lower().partition("-")[0] if article.language else None
        verdicts = []
        for topic in self._topics:
            verdict = topic.judge(places, language)
            if verdict.relevant:
                return verdict
            verdicts.append(verdict)
        return max(verdicts, key=lambda verdict: verdict.score)

    def screen(self, text: str) -> bool:
        """False only if `judge` would refuse every article taken from the page with this text.

        `text` is all that extraction may take from the page: headline, text and any JSON-LD, with entities decoded.
        Tags between blocks may leave a gap or none; tags within a word must leave none.
        """
        page = ScreenedText(text)
        return any(topic.may_match(page) for topic in self._topics)


class _CompiledTopic:
    def __init__(self, topic: Topic) -> None:
        self._topic = topic
        lists = {_GROUP + name: terms for name, terms in topic.groups.items()}
        lists |= {_SUFFICIENT: topic.sufficient, _TAKE_OUT: topic.take_out}
        for name, veto in topic.vetoes.items():
            lists |= {_VETO + name: veto.terms, _UNLESS + name: veto.unless}
        self._terms = Terms(lists)
        self._screens = [Screen([terms, topic.sufficient]) for terms in topic.groups.values()]

    def may_match(self, page: ScreenedText) -> bool:
        return self._topic.match_all or all(screen.may_match(page) for screen in self._screens)

    def judge(self, places: Mapping[str, Words], language: str | None) -> Verdict:
        topic = self._topic
        if topic.match_all:
            return Verdict(relevant=True, topic=topic.id, score=0.0, why="everything is on topic (match_all)")
        found = self._find(places, language)
        strengths = {g: found.strength(topic.weights, _GROUP + g, _SUFFICIENT) for g in topic.groups}
        weakest = min(strengths, key=lambda g: strengths[g])
        together = topic.weights.together * min(found.together, TOGETHER_CAP)
        score = round(strengths[weakest] + together, 2) if strengths[weakest] else 0.0
        matches = [match for g in topic.groups for match in found.matches(_GROUP + g, g)]
        matches += found.matches(_SUFFICIENT, _SUFFICIENT)
        if score < topic.threshold:
            return Verdict(False, None, score, tuple(matches), _why_too_weak(topic, weakest, matches, score))
        for name, veto in topic.vetoes.items():
            if (points := self._veto_points(name, veto, found, score)) is not None:
                spoken = found.matches(_VETO + name, _VETO + name)
                why = (
                    f'not on topic: the veto "{name}" speaks with {points:g} points (it needs {veto.threshold:g}): '
                    + _listed(spoken)
                )
                return Verdict(False, None, score, (*matches, *spoken), why)
        return Verdict(True, topic.id, score, tuple(matches), _why_relevant(topic, matches, score))

    def _find(self, places: Mapping[str, Words], language: str | None) -> _Found:
        groups = {_GROUP + name for name in self._topic.groups}
        hits: dict[str, dict[str, list[Hit]]] = {}
        together = 0
        for place, words in places.items():
            found = self._terms.find(words, language)
            removed = {n for hit in found if hit.label == _TAKE_OUT for n in range(hit.start, hit.end)}
            by_label = hits[place] = {}
            for hit in found:
                counted = hit.label in groups or hit.label == _SUFFICIENT
                if not (counted and removed and any(n in removed for n in range(hit.start, hit.end))):
                    by_label.setdefault(hit.label, []).append(hit)
            together += _meetings(words, by_label, groups)
        return _Found(hits, together)

    def _veto_points(self, name: str, veto: Veto, found: _Found, score: float) -> float | None:
        """The veto's points if it speaks, else None."""
        points = round(found.strength(self._topic.weights, _VETO + name), 2)
        outvoted = veto.outvoted_at is not None and score >= veto.outvoted_at
        silenced = found.count(HEADLINE, _UNLESS + name) or found.count(LEAD, _UNLESS + name)
        return None if points < veto.threshold or outvoted or silenced else points


def compile_topics(file: TopicsFile) -> Topics:
    """The topics of the file, ready to judge. Takes some milliseconds: once a process is enough."""
    return Topics([_CompiledTopic(topic) for topic in file.topics])


def _places(article: Article) -> dict[str, Words]:
    """Headline, lead and body, prepared. The lead is the first two paragraphs, at most LEAD_CHARACTERS of them."""
    paragraphs = list(_beginning(article.paragraphs))
    if paragraphs:
        first = normalise(paragraphs[0])
        paragraphs[0] = first[date.end() :] if (date := _DATE.match(first)) else first
    headline = (article.title or "").strip()[:MAX_CHARACTERS]
    if not headline and len(paragraphs) > 1 and len(paragraphs[0]) <= HEADLINE_CHARACTERS:
        headline, paragraphs = paragraphs[0], paragraphs[1:]
    if paragraphs and paragraphs[0].strip() == headline:
        paragraphs = paragraphs[1:]
    if paragraphs:
        first = normalise(paragraphs[0])
        dateline = _DATELINE.match(first[:DATELINE_CHARACTERS])
        paragraphs[0] = first[dateline.end() :] if dateline else first
    mark = f"\n{PARAGRAPH_MARK}\n"
    lead = prepare(mark.join(paragraphs[:LEAD_PARAGRAPHS]))
    cut = _cut(lead)
    body = lead[cut:] + mark + prepare(mark.join(paragraphs[LEAD_PARAGRAPHS:]))
    return {HEADLINE: Words(prepare(headline)), LEAD: Words(lead[:cut]), BODY: Words(body)}


def _beginning(paragraphs: Iterable[str]) -> Iterator[str]:
    """The paragraphs that are not blank, as far as they are looked at."""
    room = MAX_CHARACTERS
    for paragraph in paragraphs:
        if room <= 0:
            return
        if paragraph.strip():
            yield paragraph[:room]
            room -= len(paragraph)


def _cut(lead: str) -> int:
    """Where a long lead ends: after a sentence, failing that at a space, failing that in the middle of a word."""
    if len(lead) <= LEAD_CHARACTERS:
        return len(lead)
    start = lead[:LEAD_CHARACTERS]
    return max(start.rfind(". "), start.rfind("。")) + 1 or start.rfind(" ") + 1 or LEAD_CHARACTERS


def _meetings(words: Words, by_label: Mapping[str, Sequence[Hit]], groups: Iterable[str]) -> int:
    """In how many sentences every group has a term; a sufficient term speaks for all of them."""
    sufficient = by_label.get(_SUFFICIENT, ())
    if not all(by_label.get(group) or sufficient for group in groups):
        return 0
    ends = words.sentence_ends
    sentences = [{bisect_left(ends, hit.start) for hit in (*by_label.get(group, ()), *sufficient)} for group in groups]
    return len(set.intersection(*sentences))


def _why_relevant(topic: Topic, matches: Sequence[Match], score: float) -> str:
    return f"on topic: {_listed(matches)}; {score:g} points (it needs {topic.threshold:g})"


def _why_too_weak(topic: Topic, weakest: str, matches: Sequence[Match], score: float) -> str:
    weak = [match for match in matches if match.group in (weakest, _SUFFICIENT)]
    if not weak:
        return f'not on topic: no term of the group "{weakest}"'
    return f"not on topic: {score:g} points (it needs {topic.threshold:g}), {_listed(weak)} is too little"


def _listed(matches: Sequence[Match]) -> str:
    """The terms in words: `us: "США" 2 × in the lead, "госдеп*" in the body`; at most four of each group."""
    groups: dict[str, list[str]] = {}
    for match in matches:
        times = f"{match.count} × " if match.count > 1 else ""
        groups.setdefault(match.group, []).append(f'"{match.term.removeprefix("=")}" {times}in the {match.place}')
    return "; ".join(f"{group}: {', '.join(listed[:4])}" for group, listed in groups.items())
