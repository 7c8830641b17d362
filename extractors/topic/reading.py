"""Find the terms of a topic in an article, each in its place, without what is no statement of the article's.

Left out are the names within a term of `take_out`, and those beside an outlet: "передает Kazinform из Астаны".
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from config.topics import Topic
from extractors.records import Article
from extractors.topic.lists import listed_stretches
from extractors.topic.parts import HEADLINE, read_parts
from extractors.topic.terms import Hit, Terms
from extractors.topic.text import Words

SUFFICIENT, TAKE_OUT, OUTLETS, DEALINGS = "sufficient", "take out", "outlets", "dealings"
GROUP, ACTOR, PLACE, VETO, UNLESS = "group:", "actor:", "place:", "veto:", "unless:"
BESIDE = 4  # words between an outlet and a name that belongs to it


class Occurrence(NamedTuple):
    """Term in its place: part of the article, sentence and clause, numbered from the headline on."""

    part: str
    sentence: int
    clause: int
    listed: bool  # in an enumeration with rivals
    hit: Hit


@dataclass(frozen=True, slots=True)
class Reading:
    """Terms of a topic found in an article."""

    found: Mapping[str, Sequence[Occurrence]]  # label → occurrences
    taken_out: tuple[str, ...]
    sizes: Mapping[str, int]  # part → number of sentences


class TopicTerms:
    """Lists of a topic, compiled under labels."""

    def __init__(self, topic: Topic) -> None:
        lists = {GROUP + name: terms for name, terms in topic.groups.items()}
        lists |= {ACTOR + name: terms for name, terms in topic.actors.items()}
        lists |= {PLACE + name: terms for name, terms in topic.places.items()}
        self._naming = {*lists, SUFFICIENT}
        self._places = {PLACE + name for name in topic.places}
        self._groups = {GROUP + name for name in topic.groups}
        lists |= {SUFFICIENT: topic.sufficient, TAKE_OUT: topic.take_out, OUTLETS: topic.outlets}
        lists |= {DEALINGS: topic.dealings}
        for name, veto in topic.vetoes.items():
            lists |= {VETO + name: veto.terms, UNLESS + name: veto.unless}
        self.groups = tuple(topic.groups)
        self.rivals = tuple(VETO + name for name, veto in topic.vetoes.items() if veto.rival)
        self._terms = Terms(lists)

    def read(self, article: Article) -> Reading:
        """Return the terms that stand in an article."""
        language = article.language.lower().partition("-")[0] if article.language else None
        found: dict[str, list[Occurrence]] = {}
        taken_out: dict[str, None] = {}
        sizes: dict[str, int] = {}
        sentences = clauses = 0
        for part, words in read_parts(article).items():
            ends, clause_ends = [] if part == HEADLINE else words.sentence_ends, words.clause_ends
            sizes[part] = min(1, len(words.folded)) if part == HEADLINE else words.sentences
            hits = self._terms.find(words, language)
            taken_out |= dict.fromkeys(hit.term for hit in hits if hit.label == TAKE_OUT)
            hits = self._stated(words, hits)
            listed = self._listed(words, hits)
            for hit in hits:
                start = hit.start
                place = sentences + bisect_left(ends, start), clauses + bisect_left(clause_ends, start)
                found.setdefault(hit.label, []).append(Occurrence(part, *place, start in listed, hit))
            sentences += sizes[part]
            clauses += len(clause_ends) + 1
        return Reading(found, tuple(taken_out), sizes)

    def _stated(self, words: Words, hits: Sequence[Hit]) -> list[Hit]:
        """Return the hits without those of `take_out` and of outlets, and without the names within or beside them."""
        removed = {n for hit in hits if hit.label == TAKE_OUT for n in range(hit.start, hit.end)}
        for outlet in (hit for hit in hits if hit.label == OUTLETS):
            clause = bisect_left(words.clause_ends, outlet.start)
            start = words.clause_ends[clause - 1] + 1 if clause else 0
            end = words.clause_ends[clause] if clause < len(words.clause_ends) else len(words.folded)
            removed.update(range(max(start, outlet.start - BESIDE), min(end, outlet.end + BESIDE)))
        places = {n for hit in hits if hit.label in self._places for n in range(hit.start, hit.end)}
        return [
            hit
            for hit in hits
            if hit.label not in (TAKE_OUT, OUTLETS)
            and not (removed and hit.label in self._naming and not removed.isdisjoint(range(hit.start, hit.end)))
            and not (hit.start in places and hit.label in self._groups)
        ]

    def _listed(self, words: Words, hits: Sequence[Hit]) -> set[int]:
        """Return the positions of the words that stand in enumerations with rivals."""
        groups = {hit.start for hit in hits if hit.label in self._naming}
        rivals = {hit.start for hit in hits if hit.label in self.rivals}
        return {n for stretch in listed_stretches(words, groups, rivals) for n in stretch}
