"""Decide how each result of a pass ends: appended under the next number, a duplicate, or rejected with a reason.

All of it runs inside the write transaction of a batch, so facts that were looked up are still true when the decision
is stored.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from config.settings import VERSION, Duplicates
from config.sources import Source
from extractors.records import (
    DECIDED_BEFORE,
    IMPORTED,
    SAME_TEXT,
    Article,
    Failed,
    Found,
    Outcome,
    Placement,
    Relation,
    Result,
    Verdict,
)
from extractors.text import tokens
from extractors.urls import article_id, canonical_url, is_section, same_site
from storage.files.article_file import FileName
from storage.health.rules import RULE
from storage.index.dialects import in_chunks
from storage.index.removed import find_barred, highest_number
from storage.index.schema import articles
from storage.placing.fingerprints import VERSION as SIGNATURE_VERSION
from storage.placing.ready import Readable, Ready, ready_from
from storage.placing.similarity import Decision, containment
from storage.placing.stories import Stories, Text, load_stories
from storage.search import search
from storage.state.entries import Settled, load_lives, store_looks, store_outcomes
from storage.state.life import Ended, Life, after_attempt, after_import
from storage.state.refused import refused_row, store_refused

NO_SOURCES: Mapping[str, Source] = {}
SAME_PAGE = 0.5  # share of the smaller text's distinct words: far above chance, far below an edited version


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article on topic, with the traits that identify its text."""

    result: Found
    ready: Ready
    text: Text
    own: str  # the canonical form of the address that answered
    stated: str | None  # another address of its site that the page itself names, see `_stated`

    @property
    def key(self) -> str:
        """The canonical URL of the entry."""
        return self.result.key

    @property
    def addresses(self) -> list[str]:
        """The addresses under which the article may be known."""
        return [address for address in (self.stated, self.own, self.result.key) if address]


def make_ready(result: Result, ready: Ready | None = None) -> Candidate | Result:
    """Do the text work of placing a result, or take what a child process has done; only an article on topic needs any.

    It belongs before the transaction.
    """
    if isinstance(result, Failed) or not result.verdict.relevant:
        return result
    article, own = result.article, canonical_url(result.url)
    ready = ready or ready_from([Readable.of(article)])[0]
    outlet = None if result.source_id == IMPORTED else result.source_id
    text = Text(article.text, article.language, ready.exact_key, ready.signature, article.published, outlet)
    return Candidate(result, ready, text, own, _stated(article, result.url, own))


async def place(
    connection: AsyncConnection,
    results: Sequence[Candidate | Result],
    limits: Duplicates,
    *,
    now: datetime,
    imported: Collection[str] | None = None,
    sources: Mapping[str, Source] = NO_SOURCES,
) -> list[Placement]:
    """Decide these results in turn and store the outcomes of entries that no other run has settled meanwhile.

    `imported` are the keys that were unknown before the user imported these results; None: a pass has brought them.
    `sources` are those of the catalogue, by their ids.
    """
    candidates = [result for result in results if isinstance(result, Candidate)]
    batch = _Batch(
        connection,
        limits,
        now,
        imported,
        lives=await load_lives(connection, [result.key for result in results]),
        known=await find_known(connection, [address for candidate in candidates for address in candidate.addresses]),
        barred=await find_barred(connection, [key for result in results for key in _bars(result)]),
        sources=sources,
        stories=await load_stories(connection, [candidate.text for candidate in candidates]),
        next_number=await highest_number(connection) + 1,
    )
    placements = [await batch.place(result) for result in results]
    await batch.end()
    return placements


async def settle_known(connection: AsyncConnection, keys: Sequence[str], now: datetime) -> list[Placement]:
    """Store the duplicates among `keys` that are recognised by their address alone; return their placements."""
    known = await find_known(connection, keys)
    placements = [Placement(key, Outcome.DUPLICATE, number, "same address") for key, number in known.items()]
    lives = await load_lives(connection, list(known))
    new = [
        Settled(p.key, p.outcome, p.reason, life.attempts + 1, article=p.number)
        for p in placements
        if (life := lives.get(p.key)) and life.article is None and not life.is_final  # None: of an adopted file
    ]
    await store_outcomes(connection, new, now=now)
    fresh = {settled.key for settled in new}
    return [p if p.key in fresh else replace(p, reason=DECIDED_BEFORE) for p in placements]


@dataclass(slots=True)
class _Batch:
    """The results of one transaction, decided in turn. Rows that no later result reads are written at the end."""

    connection: AsyncConnection
    limits: Duplicates
    now: datetime
    imported: Collection[str] | None
    lives: dict[str, Life]
    known: dict[str, int]  # address → article
    sources: Mapping[str, Source]
    barred: dict[str, int]  # id of an address, or key of a text → article that was taken back
    stories: Stories
    next_number: int
    outcomes: list[Settled] = field(default_factory=list)
    looks: dict[str, Life] = field(default_factory=dict)
    to_index: list[search.ToIndex] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)

    async def end(self) -> None:
        """Write the remaining rows."""
        await self.stories.end()
        await store_outcomes(self.connection, self.outcomes, now=self.now)
        await store_looks(self.connection, self.looks)
        await store_refused(self.connection, self.refused)
        await search.store(self.connection, self.to_index)

    async def place(self, result: Candidate | Result) -> Placement:
        """Decide how one result ends."""
        life = self.lives.get(result.key, Life())
        if isinstance(result, Failed):  # counted from when its page was fetched: another run may have tried it since
            life = replace(life, attempts=result.attempts)
        if life.article is not None:
            return await self._met_again(result, life, life.article)
        if life.is_final and (self.imported is None or not isinstance(result, Candidate)):
            return Placement(result.key, Outcome.DUPLICATE, None, DECIDED_BEFORE)
        placement, details = await self._decide(result)
        given = result.result if isinstance(result, Candidate) else result
        after = self._after(life, given, placement)
        if after == life:  # not this command's to decide
            return placement
        assert after.outcome is not None
        found = given.article
        words = result.ready.words if isinstance(result, Candidate) else len(tokens(found.text)) if found else None
        self.outcomes.append(
            Settled(
                given.key,
                after.outcome,
                placement.reason,
                after.attempts,
                next_attempt=after.next_attempt,
                article=placement.number,
                words=words,
                dated=found.published is not None if found else None,
                day=found.published if found else given.day if isinstance(given, Failed) else None,
                details=details,
                looks=after.looks,
            )
        )
        self.lives[given.key] = after
        return replace(placement, outcome=after.outcome)

    async def _met_again(self, result: Candidate | Result, life: Life, article: int) -> Placement:
        """Return the placement of an entry that has its article: another run was quicker, or its page is looked at."""
        placement = Placement(result.key, Outcome.DUPLICATE, article, DECIDED_BEFORE)
        if life.next_attempt is not None and self.imported is None:
            placement = replace(placement, look=True)
            ended = Ended(placement.outcome)
            self.looks[result.key] = self.lives[result.key] = after_attempt(life, ended, now=self.now)
        if not isinstance(result, Candidate):
            return placement
        return await self._same_address(result, article, placement)

    def _after(self, life: Life, given: Result, placement: Placement) -> Life:
        """Return the state of the entry after this result."""
        found = given.article
        ended = Ended(
            placement.outcome,
            placement.number,
            retry_after=given.error.retry_after if isinstance(given, Failed) else None,
            words=len(tokens(found.text)) if found else None,
            continued=found is not None and found.continued,
            near=isinstance(given, Found) and bool(given.verdict.matches),
        )
        if self.imported is None:
            return after_attempt(life, ended, now=self.now)
        if given.key in self.imported:  # no feed's: nobody will ask for it
            return replace(after_attempt(life, ended, now=self.now), next_attempt=None)
        return after_import(life, ended, now=self.now)

    async def _decide(self, result: Candidate | Result) -> tuple[Placement, dict[str, Any]]:
        """Return how the result ends, and the grounds of the decision."""
        if isinstance(result, Failed):
            told: dict[str, Any] = {"detail": result.error.detail} if result.error.detail else {}
            return Placement(result.key, result.error.outcome, reason=result.error.reason), told
        if taken_back := [self.barred[key] for key in _bars(result) if key in self.barred]:
            return Placement(result.key, Outcome.REMOVED, reason=f"number {min(taken_back):03d} was removed"), {}
        found = result.result if isinstance(result, Candidate) else result
        details = _numbers_of(found.verdict)
        if found.article.unmatched is not None:  # for the source's health: the site's rule may be outdated
            details[RULE] = list(found.article.unmatched)
        if not isinstance(result, Candidate):
            self.refused.append(refused_row(result, self.now))
            return Placement(result.key, Outcome.OFF_TOPIC, reason=result.verdict.why), details
        placement = await self._place_text(result)
        if placement.relation is not None:
            details["like"] = {
                "article": placement.of, "relation": placement.relation, "share": placement.score,
                **({"why": placement.grounds} if placement.grounds else {}),
            }  # fmt: skip
        return placement, details

    async def _place_text(self, candidate: Candidate) -> Placement:
        """Give an article on topic its number, unless the corpus has its address, its words or its story already."""
        canonical = await self._canonical(candidate)
        placement = await self._known_story(candidate, canonical)
        if isinstance(placement, Placement):
            return placement
        decision = placement or await self.stories.find(candidate.text, self.limits)
        if decision.absorbed_by is not None:
            return self._absorb(candidate, decision.absorbed_by, decision)
        return self._append(candidate, canonical, decision)

    async def _canonical(self, candidate: Candidate) -> str:
        """Return the address of the article: the fetched one, or the canonical one that the page names on its own site.

        Some sites print the same canonical link on every page, which would make all their articles one. So the link
        may not lead to an article with another text.
        """
        if candidate.stated is None:
            return candidate.own
        number = self.known.get(candidate.stated)
        if number is None or _share(await self.stories.body(number), candidate.result.article.text) >= SAME_PAGE:
            return candidate.stated
        return candidate.own

    async def _known_story(self, candidate: Candidate, canonical: str) -> Placement | Decision | None:
        """Return the placement of a result whose address or whose very words an article has already.

        It is a decision where the words are those of a form of protocol, printed weeks ago for another event.
        """
        key, text = candidate.key, candidate.text
        addresses = (canonical, candidate.own, key)
        if known := [self.known[address] for address in addresses if address in self.known]:
            number = min(known)
            placement = Placement(key, Outcome.DUPLICATE, number, "same address")
            return await self._same_address(candidate, number, placement)
        if text.exact_key is not None and (same := self.stories.find_same_words(text.exact_key)) is not None:
            if decision := await self.stories.is_another_time(same, text, self.limits):
                return decision
            return Placement(key, Outcome.DUPLICATE, same, SAME_TEXT, relation=Relation.DUPLICATE, of=same, score=1.0)
        return None

    async def _same_address(self, candidate: Candidate, number: int, placement: Placement) -> Placement:
        """Return the placement with the relation of the two texts; keep a text not seen before as a variant."""
        text = candidate.text
        if text.exact_key is None:
            return placement
        if await self.stories.has_words(number, text.exact_key):
            return replace(placement, relation=Relation.DUPLICATE, of=number, score=1.0)
        score = max(containment(text.prepared, other) for other in await self.stories.texts(number))
        self.stories.add_variant(
            candidate.result, text, number=number, relation=Relation.VERSION, score=score, why="", now=self.now
        )
        return replace(placement, relation=Relation.VERSION, of=number, score=score)

    def _absorb(self, candidate: Candidate, number: int, decision: Decision) -> Placement:
        result, score = candidate.result, decision.score
        relation = Relation.VERSION if decision.relation is Relation.VERSION else Relation.REPRINT
        why = decision.grounds.get(number, "")
        self.stories.add_variant(
            result, candidate.text, number=number, relation=relation, score=score, why=why, now=self.now
        )
        # Other stories that the text tells, together with this one.
        merge = (other for other in decision.others if other[1] is Relation.MERGE_CANDIDATE)
        self.stories.add_relations(number, merge, decision.grounds)
        return Placement(
            result.key, Outcome.REPRINT, number, "same story", relation=relation, of=number, score=score, grounds=why
        )

    def _append(self, candidate: Candidate, canonical: str, decision: Decision) -> Placement:
        result, text = candidate.result, candidate.text
        article, verdict = result.article, result.verdict
        number = self.next_number
        self.next_number += 1
        of, relation, score = max(decision.others, key=lambda other: other[2], default=(None, None, None))
        why = "" if of is None else decision.grounds.get(of, "")
        row = _article_row(result, candidate.ready, canonical, number, self.now)
        if (source := self.sources.get(result.source_id)) is not None:
            row["outlet"] = {"name": source.name, "country": source.country}
        if score is not None:
            row["relation"] = {"kind": relation, "number": of, "share": round(score, 4)} | ({"why": why} if why else {})
        self.stories.add_article(row)
        self.known[canonical] = number
        self.to_index.append(
            search.ToIndex(
                number,
                article.title,
                candidate.ready.body,
                source_id=result.source_id,
                language=article.language,
                words=candidate.ready.indexed,
            )
        )
        self.stories.add_relations(number, decision.others, decision.grounds)
        if not any(kind is Relation.DIGEST_OF for _, kind, _ in decision.others):
            self.stories.add_fingerprints(number, text)
        return Placement(
            result.key,
            Outcome.APPENDED,
            number,
            verdict.why,
            undated=article.published is None,
            relation=relation,
            of=of,
            score=score,
            grounds=why,
        )


def _bars(result: Candidate | Result) -> list[str]:
    """Return what bars a result if an article that was taken back had it: ids of its addresses, the key of its text."""
    if isinstance(result, Failed):
        return []
    addresses = result.addresses if isinstance(result, Candidate) else [result.key, canonical_url(result.url)]
    text = result.text.exact_key if isinstance(result, Candidate) else None
    return [*map(article_id, addresses), *([text.hex()] if text else [])]


def _stated(article: Article, url: str, own: str) -> str | None:
    """Return another address of the site that the page names as its own; never a front page or a section.

    Nor one that leaves out the query which tells the articles of a page like /news?id=1 apart.
    """
    if not article.canonical_link or not same_site(article.canonical_link, url):
        return None
    try:
        stated = canonical_url(article.canonical_link)
    except ValueError:
        return None
    cut = stated == own.partition("?")[0] and not re.search(r"\d", urlsplit(own).path)
    return None if stated == own or cut or is_section(stated) else stated


def _share(text: str, other: str) -> float:
    first, second = set(tokens(text)), set(tokens(other))
    return len(first & second) / max(1, min(len(first), len(second)))


def _numbers_of(verdict: Verdict) -> dict[str, Any]:
    """Return the grounds of a verdict, for `urls.details`."""
    return {
        "score": verdict.score, "threshold": verdict.threshold, "borderline": verdict.borderline,
        "veto": verdict.veto, "taken_out": list(verdict.taken_out),
        "matches": [[m.group, m.term, m.part, m.count] for m in verdict.matches],
    }  # fmt: skip


def _article_row(result: Found, ready: Ready, canonical: str, number: int, now: datetime) -> dict[str, Any]:
    article, verdict = result.article, result.verdict
    name = FileName(number, article_id(canonical))
    return {
        "number": number, "id": name.id, "file": str(name), "body": ready.body,
        "sha256": ready.sha256, "exact_key": ready.exact_key, "canonical_url": canonical, "url": result.url,
        "source_id": result.source_id, "feed_url": result.entry.feed_url, "title": article.title,
        "authors": list(article.authors), "published": article.published, "published_at": article.published_at,
        "date_origin": article.date_origin,
        "dates": [[d.day.isoformat(), d.origin] for d in article.dates], "language": article.language,
        "topic": verdict.topic, "topics": list(verdict.topics) or None,
        "score": verdict.score, "borderline": verdict.borderline if verdict.topic else None,
        "matches": [[m.group, m.term, m.part, m.count] for m in verdict.matches], "why": verdict.why,
        "method": article.method, "version": VERSION, "retrieved_at": result.retrieved_at, "appended_at": now,
        "signature": SIGNATURE_VERSION, "alternates": list(article.alternates), "links": list(article.links),
        "relation": None, "story_country": ready.country, "words": ready.words, "outlet": None,
    }  # fmt: skip


async def find_known(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, int]:
    """Return those of these canonical URLs that are an article's address: key → number.

    Compare ids: an adopted file from another corpus of c5watch has its id as well.
    """
    found: dict[str, int] = {}
    for some in in_chunks(keys):
        ids = {article_id(key): key for key in some}
        query = select(articles.c.id, articles.c.number).where(articles.c.id.in_(ids))
        found |= {ids[row.id]: row.number for row in await connection.execute(query)}
    return found
