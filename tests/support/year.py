"""A simulated year of an ordinary world: whatever happens, no article may be lost, counted twice or asked for ever.

The world knows which articles could be read from some moment of their first days on, and which are on topic. The real
`monitor`, `backfill`, `digest`, `import_lines`, `retry_addresses` and `apply_topic` run against it under its clock, as
in `tests.support.simulation`. Each day brings something: pages that are not there yet, firewalls, flashes, walls;
sources renamed, moved, removed and given back; another topic; corrections; backfills, imports, digests by hand; passes
that are killed, that run two at once, or under a clock that is wrong. At the end of each day the invariants hold.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from config.load import Config, load_config
from extractors.feeds.jobs import WatchJob
from extractors.fetching.messages import Response
from extractors.period import Period
from extractors.records import Article, Entry, Feed, ItemError, Outcome
from extractors.urls import canonical_url
from flows.digest.digest import DigestRequest, digest
from flows.passes.backfill import backfill
from flows.passes.backfill_request import BackfillRequest
from flows.passes.monitor import monitor
from flows.tools.applying import apply_topic
from flows.tools.retry import retry_addresses
from storage.corpus.importing import import_lines
from storage.corpus.writer import CorpusWriter, open_corpus
from storage.index.schema import articles, digest_articles, runs, urls
from storage.state.entries import LIFE, life_of
from storage.state.life import GAPS, LOOKS
from storage.state.orphans import count_orphans
from tests.support.feed_documents import urlset
from tests.support.running import SETTINGS, write_config
from tests.support.simulated_month import sqlite_in_this_thread
from tests.support.simulation import in_place

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FEED_SHOWS = 10 * DAY
HOURS_BETWEEN = 4  # passes
READY_WITHIN = 6 * DAY  # what can be read no earlier is not promised
PROMISED = 9 * DAY  # after which a page that could be read within READY_WITHIN is in the corpus
TOPIC = '[[topics]]\nid = "{id}"\nname = "{id}"\nthreshold = 1\n[topics.groups]\nall = {{ any = ["{word}"] }}\n\n'
DIGESTS = '[[digests]]\nname = "all"\n\n[[digests]]\nname = "kz"\ncountries = ["KZ"]\n'
MOODS = (
    Outcome.GONE, Outcome.REFUSED, Outcome.TOO_SHORT, Outcome.NOT_ARTICLE, Outcome.PAYWALLED, Outcome.ROBOTS,
    Outcome.FAILED, Outcome.TOO_LARGE,
)  # fmt: skip


class Killed(Exception):
    """The program dies here."""


@dataclass(slots=True)
class Piece:
    """One article: when its feed shows it, from when on and until when it can be read, and what is said before."""

    number: int
    outlet: Outlet
    shown: datetime
    ready: datetime
    gone: datetime | None
    mood: Outcome
    topic: str  # the word that it is about
    undated: bool
    corrected: datetime | None
    flash: bool  # short at first, and off topic

    @property
    def path(self) -> str:
        """Its address below the outlet's."""
        return f"/news/{self.number}"

    @property
    def key(self) -> str:
        """Its canonical URL."""
        return canonical_url(f"https://{self.outlet.host}{self.path}")


@dataclass(slots=True)
class Outlet:
    """One outlet; `source_id` and `feed` are what the catalogue says of it at present, None: nothing."""

    host: str
    country: str
    pieces: list[Piece] = field(default_factory=list)
    source_id: str | None = ""
    feed: str = "/rss"
    renamed: int = 0
    outages: list[tuple[datetime, datetime, Outcome]] = field(default_factory=list)


@dataclass(slots=True)
class YearReport:
    """The figures of a year."""

    days: int
    passes: int = 0
    killed: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    promised: int = 0
    appended: int = 0
    versions: int = 0
    late: int = 0  # promised articles that came later than PROMISED
    missed: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)  # other invariants
    most_asked: int = 0
    index_mb: float = 0.0
    events: Counter[str] = field(default_factory=Counter)

    def lines(self) -> list[str]:
        """All figures, for people."""
        events = ", ".join(f"{count} {name}" for name, count in sorted(self.events.items()))
        return [
            f"{self.days} days, {self.passes} passes ({self.killed} killed): {events}",
            f"promised {self.promised}, appended {self.appended}, versions {self.versions}: missed {len(self.missed)}, "
            f"twice {len(self.twice)}, late {self.late}, other faults {len(self.broken)}",
            f"requests: {dict(self.requests)}, at most {self.most_asked} for one address; index {self.index_mb:.1f} MB",
            *[f"  missed: {line}" for line in self.missed[:10]],
            *[f"  twice: {line}" for line in self.twice[:10]],
            *[f"  broken: {line}" for line in self.broken[:10]],
        ]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was lost, repeated or broken."""
        return not (self.missed or self.twice or self.broken or self.late)


class Year:
    """The world and its clock; made from a seed."""

    def __init__(self, folder: Path, *, sources: int = 40, days: int = 365, seed: int = 1, a_day: float = 1.0) -> None:
        self.rng = random.Random(f"year {seed}")
        self.folder, self.data = folder, folder / "data"
        self.now = START
        self.end = START + days * DAY
        self.report = YearReport(days)
        self.words = ["Ташкент"]
        self.outlets = [
            Outlet(f"o{n:02}.example", "KZ" if n % 2 else "UZ", source_id=f"o{n:02}") for n in range(sources)
        ]
        self.by_host = {outlet.host: outlet for outlet in self.outlets}
        self.pieces: dict[str, Piece] = {}
        self.asked: dict[str, list[datetime]] = defaultdict(list)
        self.opened: Counter[str] = Counter()  # how often commands have opened an address again, at most
        self.commands = 0
        self.seen: set[str] = set()  # keys that a feed has shown to a poll
        self.kill_at: int | None = None
        self.reached: set[str] = set()
        for outlet in self.outlets:
            self._make(outlet, a_day)
        self.config = self._config()

    def _make(self, outlet: Outlet, a_day: float) -> None:
        rng, at = self.rng, START - 3 * DAY
        while (at := at + timedelta(days=rng.expovariate(a_day))) < self.end:
            late = rng.random() < 0.25
            ready = at + timedelta(hours=6 * 24 ** rng.random()) if late else at
            piece = Piece(
                len(outlet.pieces), outlet, at, ready,
                gone=ready + rng.uniform(8, 40) * DAY if rng.random() < 0.1 else None,
                mood=rng.choice(MOODS), topic=rng.choice(["Ташкент", "Самарканд", "Погода"]),
                undated=rng.random() < 0.1, corrected=at + rng.uniform(0.1, 2) * DAY if rng.random() < 0.1 else None,
                flash=not late and rng.random() < 0.05,
            )  # fmt: skip
            if rng.random() < 0.02:
                piece.ready = self.end + 99 * DAY  # never
            outlet.pieces.append(piece)
            self.pieces[piece.key] = piece

    def _config(self) -> Config:
        tables = [
            f'[[sources]]\nid = "{o.source_id}"\nname = "{o.host}"\nhomepage = "https://{o.host}"\n'
            f'feeds = ["https://{o.host}{o.feed}"]\nlanguage = "ru"\ncountry = "{o.country}"\ncategory = "national"\n'
            f'backfill = {{ route = "sitemap", url = "https://{o.host}/sitemap.xml" }}\n\n'
            for o in self.outlets
            if o.source_id
        ]
        topics = "".join(TOPIC.format(id=f"t{n}", word=word) for n, word in enumerate(self.words))
        folder = self.folder / "config"
        settings = SETTINGS + DIGESTS
        return load_config(write_config(folder, sources="".join(tables), settings=settings, topics=topics))

    # --- What the world answers ----------------------------------------------------------------------------------

    def answer(self, url: str, etag: str | None) -> Response | None:
        """What the URL's server says now."""
        if self.kill_at is not None:
            self.kill_at -= 1
            if self.kill_at < 0:
                self.kill_at = None
                raise Killed(url)
        _, _, rest = url.partition("://")
        host, _, path = rest.partition("/")
        outlet, path = self.by_host[host], f"/{path}"
        for begin, until, mood in outlet.outages:
            if begin <= self.now < until:
                self._count(url, path)
                raise ItemError(mood if path.startswith("/news") else Outcome.FAILED, "trouble", url=url)
        self._count(url, path)
        if path == outlet.feed:
            body = f"{self._shown(outlet)}".encode()
        elif path == "/sitemap.xml":
            listed = [p for p in outlet.pieces if p.shown <= self.now]
            body = urlset(*((f"https://{host}{p.path}", f"{p.shown:%Y-%m-%dT%H:%M:%SZ}") for p in listed)).encode()
        elif path.startswith("/news/") and canonical_url(url) in self.pieces:
            body = b"page"
        else:
            raise ItemError(Outcome.GONE, "http 404", url=url)
        tag = f'"{hash((path, body)) & 0xFFFFFFFF:x}"'
        if etag == tag and path == outlet.feed:
            return None
        return Response(url, body, "utf-8", None, tag, None, None, self.now)

    def _count(self, url: str, path: str) -> None:
        kind = "pages" if path.startswith("/news/") else "sitemaps" if path == "/sitemap.xml" else "feeds"
        self.report.requests[kind] += 1
        if kind == "pages":
            self.asked[canonical_url(url)].append(self.now)

    def _shown(self, outlet: Outlet) -> list[tuple[int, bool]]:
        return [
            (p.number, bool(p.corrected and p.corrected <= self.now))
            for p in outlet.pieces
            if self.now - FEED_SHOWS < p.shown <= self.now
        ]

    def work(self, job: Any) -> Any:
        """What a child process would give back."""
        if isinstance(job, WatchJob):
            outlet = self.by_host[job.feed.url.partition("://")[2].partition("/")[0]]
            entries = []
            for number, corrected in self._shown(outlet):
                piece = outlet.pieces[number]
                self.seen.add(piece.key)
                title = f"{piece.topic} {number}{' (исправлено)' if corrected else ''}"
                published = None if piece.undated else piece.shown
                entries.append(Entry(f"https://{outlet.host}{piece.path}", job.feed.url, title, None, published))
            return Feed("rss20", tuple(entries))
        piece = self.pieces[canonical_url(job.page.url)]
        if self.now < piece.ready or (piece.gone is not None and self.now >= piece.gone):
            raise ItemError(piece.mood, "not now", url=job.page.url)
        self.reached.add(piece.key)
        text = self.text_of(piece)
        day = None if piece.undated else piece.shown.date()
        return Article((text,), f"{piece.topic} {piece.number}", (), day, "meta" if day else None, "ru", "simulated")

    def text_of(self, piece: Piece) -> str:
        """What the page says now: no three words in a row as any other page, nor as itself before a correction."""
        own = f"{piece.outlet.host[:3]}и{piece.number}"
        corrected = piece.corrected is not None and piece.corrected <= self.now
        if piece.flash and self.now < piece.shown + HOUR / 2:
            return "Срочно " + " ".join(f"слово{own}и{i}" for i in range(25))
        words = [f"слово{own}и{i}" for i in range(80)]
        return f"{piece.topic} " + " ".join(words + ([f"поправка{own}и{i}" for i in range(20)] if corrected else []))

    # --- What people and programs do -----------------------------------------------------------------------------

    async def live(self) -> YearReport:
        """Let the whole time pass."""
        with sqlite_in_this_thread():
            async with open_corpus(self.data, self.config.settings.storage) as corpus:
                with in_place(self, corpus):
                    while self.now < self.end:
                        await self._day(corpus)
        self.report.index_mb = (self.data / "index.sqlite").stat().st_size / 1e6
        return self.report

    async def _day(self, corpus: CorpusWriter) -> None:
        happenings: list[Callable[[CorpusWriter], Coroutine[Any, Any, None]]] = [
            self._rename, self._move, self._remove, self._give_back, self._trouble, self._change_topic, self._backfill,
            self._import, self._retry, self._digest_by_hand, self._wrong_clock, self._two_at_once, self._kill,
        ]  # fmt: skip
        morning = self.now
        today = self.rng.sample(happenings, k=self.rng.randint(0, 3))
        for hour in range(0, 24, HOURS_BETWEEN):
            self.now = morning + timedelta(hours=hour, minutes=self.rng.randint(0, 20))
            await self._pass()
            if today and self.rng.random() < 0.5:
                await today.pop()(corpus)
        for happening in today:
            await happening(corpus)
        self.now = morning + timedelta(hours=23, minutes=50)
        await self._digest()
        await self._check(corpus)
        self.now = morning + DAY

    async def _pass(self, config: Config | None = None) -> None:
        config = config or self.config
        self.report.passes += 1
        try:
            made = await monitor(config, self.data, sources=config.select(()), now=lambda: self.now, due_only=True)
            self.report.versions += made.versions
        except Killed:
            self.report.killed += 1

    async def _kill(self, _: CorpusWriter) -> None:
        self.report.events["kills"] += 1
        self.kill_at = self.rng.randint(0, 5)  # requests from now

    async def _two_at_once(self, _: CorpusWriter) -> None:
        self.report.events["passes two at once"] += 1
        self.now += HOUR
        await asyncio.gather(self._pass(), self._pass())

    async def _wrong_clock(self, _: CorpusWriter) -> None:
        self.report.events["wrong clocks"] += 1
        right, self.now = self.now, self.now + self.rng.choice([-9000, -1, 1, 900]) * DAY / self.rng.choice([1, 24])
        await self._pass()
        self.now = right

    async def _rename(self, _: CorpusWriter) -> None:
        outlet = self.rng.choice([o for o in self.outlets if o.source_id])
        self.report.events["renamed"] += 1
        outlet.renamed += 1
        outlet.source_id = f"{outlet.host[:3]}-{outlet.renamed}"
        self.config = self._config()

    async def _move(self, _: CorpusWriter) -> None:
        outlet = self.rng.choice(self.outlets)
        self.report.events["feeds moved"] += 1
        outlet.renamed += 1
        outlet.feed = f"/rss{outlet.renamed}"
        self.config = self._config()

    async def _remove(self, _: CorpusWriter) -> None:
        there = [o for o in self.outlets if o.source_id]
        if len(there) > len(self.outlets) * 0.8:
            self.report.events["removed"] += 1
            self.rng.choice(there).source_id = None
            self.config = self._config()

    async def _give_back(self, _: CorpusWriter) -> None:
        for outlet in self.outlets:
            if not outlet.source_id:
                self.report.events["given back"] += 1
                outlet.renamed += 1
                outlet.source_id = f"{outlet.host[:3]}-{outlet.renamed}"
        self.config = self._config()

    async def _trouble(self, _: CorpusWriter) -> None:
        self.report.events["outages"] += 1
        outlet = self.rng.choice(self.outlets)
        until = self.now + HOUR * 2 * 36 ** self.rng.random()  # 2 hours to 3 days
        mood = self.rng.choice([Outcome.FAILED, Outcome.REFUSED, Outcome.GONE])
        outlet.outages = [*(o for o in outlet.outages if o[1] > self.now), (self.now, until, mood)]

    async def _change_topic(self, _: CorpusWriter) -> None:
        if len(self.words) == 1 and self.now - START > 20 * DAY:
            self.report.events["topics changed"] += 1
            self.words.append("Самарканд")
            self.config = self._config()
            applied = await apply_topic(self.config, self.data, 15, now=self.now, fetch=True)
            self.opened.update(applied.opened)

    async def _backfill(self, _: CorpusWriter) -> None:
        self.report.events["backfills"] += 1
        first = max(START, self.now - self.rng.randint(2, 60) * DAY).date()
        last = min(first + self.rng.randint(0, 9) * DAY, self.now.date())
        sources = self.rng.sample(self.config.select(()), k=3)
        request = BackfillRequest(Period(first, max(first, last)), tuple(sources), again=self.rng.random() < 0.2)
        self.commands += 1
        try:
            await backfill(self.config, self.data, request, now=lambda: self.now)
        except Killed:
            self.report.killed += 1

    async def _import(self, corpus: CorpusWriter) -> None:
        self.report.events["imports"] += 1
        chosen = self.rng.sample([p for p in self.pieces.values() if p.shown <= self.now], k=2)
        lines = [{"url": f"https://{p.outlet.host}{p.path}", "text": self.text_of(p)} for p in chosen]
        lines.append({"url": f"https://{chosen[0].outlet.host}/short", "text": "Слишком коротко."})
        file = self.folder / "mine.jsonl"
        file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
        limits, min_words = self.config.settings.duplicates, self.config.settings.extraction.min_words
        imported = import_lines(
            corpus, file, now=lambda: self.now, limits=limits, min_words=min_words, source_of=lambda _: "imported"
        )
        async for _ in imported:
            pass

    async def _retry(self, _: CorpusWriter) -> None:
        self.report.events["retries"] += 1
        self.commands += 1
        await retry_addresses(self.config, self.data, since=self.now.date() - 5 * DAY)

    async def _digest_by_hand(self, _: CorpusWriter) -> None:
        self.report.events["digests by hand"] += 1
        await self._digest(since=self.rng.choice(["1h", "6h", "9d"]))

    async def _digest(self, since: str | None = None) -> None:
        await digest(self.config, self.data, DigestRequest(since=since, send=False), now=lambda: self.now)

    # --- What must hold ------------------------------------------------------------------------------------------

    async def _check(self, corpus: CorpusWriter) -> None:
        async with corpus.database.read() as connection:
            lives = {row.key: life_of(row) for row in await connection.execute(select(*LIFE))}
            kept = await _articles(connection)
            orphans = await count_orphans(connection, {s.id for s in self.config.select(())})
            await self._check_digests(connection)
            await self._check_tables(connection)
        report = self.report
        report.appended = sum(kept.values())
        report.twice = [key for key, count in kept.items() if count > 1]
        for key, life in lives.items():
            left = life.outcome is Outcome.OUTSIDE and life.listed
            look = life.article is not None and life.next_attempt is not None
            if sum((life.is_waiting, life.is_final, left, look)) != 1:
                self._broken(f"{key}: in no state, or in several: {life}")
        self._check_articles(lives, kept, bool(orphans))
        self._check_requests()

    def _check_articles(self, lives: dict[str, Any], kept: Counter[str], has_orphans: bool) -> None:
        report = self.report
        report.promised = 0
        missed = {line.split(": ")[0] for line in report.missed}
        for key in self.seen:
            piece = self.pieces[key]
            stays = piece.gone is None or piece.gone > piece.shown + PROMISED
            if piece.ready > piece.shown + READY_WITHIN or not stays or piece.topic not in self.words[:1]:
                continue
            report.promised += 1
            life = lives.get(key)
            if kept[key] or key in missed:
                continue
            if life is None or not (life.is_waiting or life.article is not None or life.next_attempt is not None):
                report.missed.append(f"{key}: {life}, shown {piece.shown:%m-%d %H:%M}, ready {piece.ready:%m-%d %H:%M}")
            elif self.now > piece.shown + PROMISED + 5 * DAY and piece.outlet.source_id and self._was_well(piece):
                report.late += life.article is None
                if life.article is None:
                    self._broken(f"{key}: late: {life}, shown {piece.shown:%m-%d %H:%M}")

    def _was_well(self, piece: Piece) -> bool:
        """Whether its outlet was watched and up for the last days, as far as the world remembers."""
        return not any(until > self.now - 10 * DAY for _, until, _ in piece.outlet.outages) and not piece.outlet.renamed

    async def _check_digests(self, connection: AsyncConnection) -> None:
        """Each article of the monitor's that is older than the digest stands in exactly one digest of its name."""
        held: dict[str, set[int]] = defaultdict(set)
        for name, number in await connection.execute(select(digest_articles.c.name, digest_articles.c.number)):
            held[name].add(number)
        by_feed = select(urls.c.article, urls.c.key).where(
            urls.c.outcome == Outcome.APPENDED, urls.c.window.is_(None), urls.c.feed_url.not_like("import:%")
        )
        method = select(articles.c.number).where(articles.c.method == "simulated")
        own = set((await connection.execute(method)).scalars())
        for number, key in await connection.execute(by_feed):
            piece = self.pieces.get(key)
            if number not in own or piece is None:
                continue
            is_known = piece.outlet.country == "KZ" and piece.outlet.source_id  # else nobody can tell its country
            names = ["all", *(["kz"] if is_known else [])]
            for name in names:
                if number not in held[name]:
                    self._broken(f"article {number} ({key}) is in no digest {name}")

    async def _check_tables(self, connection: AsyncConnection) -> None:
        numbers = list((await connection.execute(select(articles.c.number).order_by(articles.c.number))).scalars())
        if numbers != list(range(len(numbers))):
            self._broken("the numbers have a gap")
        count = (await connection.execute(select(func.count()).select_from(runs))).scalar_one()
        if count > 31 * 24 // HOURS_BETWEEN * 2 + 1500:
            self._broken(f"{count} runs are kept")

    def _check_requests(self) -> None:
        """Nothing is asked for without end: an attempt for each gap, two looks, and what commands have opened again."""
        most = len(GAPS) + 1 + len(LOOKS) + 1
        for key, times in self.asked.items():
            self.report.most_asked = max(self.report.most_asked, len(times))
            if len(times) > most * (1 + self.commands + self.opened[key]) + 3 * self.report.killed:
                self._broken(f"{key} was asked for {len(times)} times")

    def _broken(self, line: str) -> None:
        head = line.partition(":")[0]
        if not any(known.startswith(head) for known in self.report.broken):
            self.report.broken.append(f"{line} ({self.now:%m-%d})")


async def _articles(connection: AsyncConnection) -> Counter[str]:
    rows = await connection.execute(select(articles.c.canonical_url))
    return Counter(key for (key,) in rows if key)
