"""What must hold in the simulated year, checked at the end of each day, after each digest and after each backfill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, ColumnElement, Table, and_, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.period import Period
from extractors.records import Outcome
from extractors.zones import zone_of
from storage.index.retention import FEEDS_KEPT, PASSES_KEPT, RUNS_KEPT, SIGHTINGS_KEPT
from storage.index.schema import articles, digest_articles, feeds, refused_texts, runs, sightings, urls
from storage.state.entries import LIFE, is_final, is_waiting, life_of
from storage.state.life import GAPS, LOOKS, Life
from storage.state.orphans import count_orphans
from tests.support.year_world import DAY, HOUR, Piece

if TYPE_CHECKING:
    from tests.support.year import Year

READY_WITHIN = 6 * DAY  # what can be read no earlier is not promised
PROMISED = 9 * DAY  # after which a page that could be read within READY_WITHIN is in the corpus
OVERDUE = 5 * DAY  # more: then it is late
TRIES = len(GAPS) + 3  # of a page without an article, clocks that are wrong included
OPENED_TRIES = 3  # of a page that a backfill has opened once, by later passes
FORGOTTEN_AFTER = 7 * DAY  # of what may be forgotten: a machine that is off, a clock that is doubted
OLD_ROWS = 500  # of a table, written by a pass whose clock was years behind, until they are forgotten


class Checks:
    """The promises of one year, and what was found broken; faults go into the year's report."""

    def __init__(self, year: Year) -> None:
        self.year = year
        self.demanded: dict[str, datetime] = {}  # keys that a whole pass has read in a feed, and when
        self.settled: set[str] = set()  # keys that are in the corpus, or known to be missed
        self.opened: Counter[str] = Counter()  # how often commands have opened a page again
        self.by_hand: Counter[str] = Counter()  # how often backfills have asked for a page
        self.granted: Counter[str] = Counter()  # how often killed programs have
        self.digested: dict[str, datetime] = {}  # name → when somebody last made it
        self.issued: dict[str, datetime] = {}  # name → when the last one that had news was due

    def demand(self) -> None:
        """A pass has come to its end: what the feeds show that have answered it is demanded from now on."""
        year = self.year
        for outlet in year.answered:
            for piece, _ in year.shown_by(outlet):
                self.demanded.setdefault(piece.key, year.now)

    def grant(self, before: Mapping[str, int]) -> None:
        """Let pass what a program asked for before it was killed, given the numbers of requests before it."""
        for key, times in self.year.asked.items():
            self.granted[key] += len(times) - before.get(key, 0)

    async def final(self, connection: AsyncConnection) -> set[str]:
        """The keys that ended without an article."""
        return set((await connection.execute(select(urls.c.key).where(is_final(), urls.c.article.is_(None)))).scalars())

    async def check(self, connection: AsyncConnection) -> None:
        """Hold the index against the world, at the end of a day."""
        report = self.year.report
        rows = (await connection.execute(select(articles.c.number, articles.c.canonical_url))).all()
        report.appended = len(rows)
        if sorted(row.number for row in rows) != list(range(len(rows))):
            self._broken("the numbers have a gap")
        kept = Counter(row.canonical_url for row in rows if row.canonical_url)
        report.twice = [key for key, count in kept.items() if count > 1]
        lives = await _unsettled(connection)
        for key, life in lives.items():
            left = life.outcome is Outcome.OUTSIDE and life.listed
            look = life.article is not None and life.next_attempt is not None
            if sum((life.is_waiting, life.is_final, left, look)) != 1:
                self._broken(f"{key}: in no state, or in several: {life}")
        self._check_articles(lives, kept)
        self._check_requests()
        await self._check_owners(connection)
        await self._check_tables(connection)
        for name, made in self.digested.items():
            since = max(made, self.year.wrong_until, self.year.off_until)
            if self.year.now - since > DAY + 7 * HOUR:
                self._broken(f"digest {name}: not made since {made:%m-%d %H:%M}")

    def _is_promised(self, piece: Piece, demanded: datetime) -> bool:
        stays = piece.gone is None or piece.gone > piece.shown + PROMISED
        since = self.year.words.get(piece.topic)
        return piece.ready <= piece.shown + READY_WITHIN and stays and since is not None and demanded >= since

    def _check_articles(self, lives: Mapping[str, Life], kept: Mapping[str, int]) -> None:
        year, report = self.year, self.year.report
        report.promised = 0
        for key, demanded in self.demanded.items():
            piece = year.pieces[key]
            if not self._is_promised(piece, demanded):
                continue
            report.promised += 1
            if key in self.settled or kept.get(key):
                self.settled.add(key)
                continue
            life = lives.get(key)
            times = f"shown {piece.shown:%m-%d %H:%M}, ready {piece.ready:%m-%d %H:%M}, seen {demanded:%m-%d %H:%M}"
            if life is None or not (life.is_waiting or life.next_attempt is not None):
                self.settled.add(key)
                report.missed.append(f"{key}: {_short(life)}, {times} ({year.now:%m-%d})")
                continue
            overdue = year.now > max(demanded, piece.ready) + PROMISED + OVERDUE
            is_told = any(line.startswith(f"{key}:") for line in report.late)
            if overdue and not is_told and not piece.outlet.was_in_trouble(piece.shown):
                report.late.append(f"{key}: {_short(life)}, {times} ({year.now:%m-%d})")

    def _check_requests(self) -> None:
        """Nothing is asked for without end: an attempt for each gap, two looks, and what commands have opened again."""
        for key, times in self.year.asked.items():
            others = self.by_hand[key] + self.granted[key]
            most = (TRIES + 2 * len(LOOKS)) * (1 + self.opened[key]) + OPENED_TRIES * self.by_hand[key]
            self.year.report.most_asked = max(self.year.report.most_asked, len(times))
            if len(times) - others > most:
                self._broken(f"{key} was asked for {len(times)} times, {others} of them by hand or in vain")

    async def _check_owners(self, connection: AsyncConnection) -> None:
        """What waits for the monitor waits for a source that is watched, or is counted among the others."""
        watched = {source.id for source in self.year.config.select(())}
        mine = and_(is_waiting(), urls.c.window.is_(None))
        query = select(urls.c.source_id, func.count()).where(mine).group_by(urls.c.source_id)
        waiting = await connection.execute(query)
        others = {source_id: count for source_id, count in waiting if source_id not in watched}
        if others != (counted := await count_orphans(connection, watched)):
            self._broken(f"what waits without an owner: {others}, counted {counted}")

    async def _check_tables(self, connection: AsyncConnection) -> None:
        now = self.year.now
        watched = self.year.config.watched()
        rules: list[tuple[Table, Column[Any], timedelta, ColumnElement[bool]]] = [
            (runs, runs.c.started_at, PASSES_KEPT, runs.c.kind == "monitor"),
            (runs, runs.c.started_at, RUNS_KEPT, runs.c.kind != "monitor"),
            (sightings, sightings.c.seen_at, SIGHTINGS_KEPT, ~false()),
            (feeds, feeds.c.polled_at, FEEDS_KEPT, feeds.c.url.not_in(list(watched))),
            (refused_texts, refused_texts.c.judged_at, 30 * DAY, ~false()),
        ]
        for table, moment, kept, which in rules:
            query = select(func.count()).select_from(table).where(which, moment < now - kept - FORGOTTEN_AFTER)
            if (count := (await connection.execute(query)).scalar_one()) > OLD_ROWS:
                self._broken(f"table {table.name}: {count} rows should be forgotten")

    async def check_digest(self, connection: AsyncConnection, name: str, due: datetime, *, has_news: bool) -> None:
        """Each article of the monitor's stands in the digest of this name that was just made, or in one before."""
        year = self.year
        self.digested[name] = year.now
        if year.skew:
            self.issued.clear()
        elif has_news and self.issued.get(name) == due:
            self._broken(f"digest {name}: made twice for {due:%m-%d %H:%M}")
        elif has_news:
            self.issued[name] = due
        held = set(
            (await connection.execute(select(digest_articles.c.number).where(digest_articles.c.name == name))).scalars()
        )
        by_feed = (
            select(urls.c.article, urls.c.key)
            .join(articles, articles.c.number == urls.c.article)
            .where(urls.c.outcome == Outcome.APPENDED, urls.c.window.is_(None), articles.c.method == "simulated")
        )
        for number, key in await connection.execute(by_feed):
            outlet = year.pieces[key].outlet
            is_known = name == "all" or (outlet.country == name.upper() and outlet.source_id)
            if is_known and number not in held:
                self._broken(f"article {number} ({key}) is in no digest {name}")

    async def check_backfill(
        self, connection: AsyncConnection, hosts: Collection[str], period: Period, asked: Mapping[str, int]
    ) -> None:
        """What the days of a backfill hold is known, and was asked for at most once."""
        year = self.year
        for outlet in (year.by_host[host] for host in hosts):
            zone = zone_of(outlet.country)
            days = {p.key: p.shown.astimezone(zone).date() for p in outlet.pieces if p.shown <= year.now - DAY}
            its_own = [key for key, day in days.items() if day in period]
            known = set((await connection.execute(select(urls.c.key).where(urls.c.key.in_(its_own)))).scalars())
            for key in set(its_own) - known:
                self._broken(f"{key}: of {days[key]}, unknown after a backfill of {period}")
        for key, count in asked.items():
            if count > 1:
                self._broken(f"{key}: asked for {count} times by one backfill")

    def _broken(self, line: str) -> None:
        head = line.partition(":")[0]
        if not any(known.startswith(head) for known in self.year.report.broken):
            self.year.report.broken.append(f"{line} ({self.year.now:%m-%d})")


async def _unsettled(connection: AsyncConnection) -> dict[str, Life]:
    """The states of all addresses but those that have an article, or are off topic, for good."""
    for_good = and_(
        urls.c.next_attempt.is_(None), or_(urls.c.article.is_not(None), urls.c.outcome == Outcome.OFF_TOPIC)
    )
    rows = await connection.execute(select(*LIFE).where(~func.coalesce(for_good, false())))
    return {row.key: life_of(row) for row in rows}


def _short(life: Life | None) -> str:
    if life is None:
        return "unknown, or final"
    again = f"{life.next_attempt:%m-%d %H:%M}" if life.next_attempt else "never"
    seen = f"{life.first_seen:%Y-%m-%d %H:%M}" if life.first_seen else "?"
    return f"{life.outcome} after {life.attempts} tries, next {again}, first seen {seen}"
