"""A simulated year of an ordinary world: whatever happens, no article may be lost, counted twice or asked for ever.

The world, `tests.support.year_world`, knows which articles could be read from some moment of their first days on, and
which are on topic. The real `monitor`, `backfill`, `digest`, `import_lines`, `retry_addresses` and `apply_topic` run
against it under a clock that is given, as in `tests.support.simulation`. Each day brings something: pages that are not
there yet, firewalls, flashes, walls; sources renamed, moved, removed and given back; another topic; corrections;
backfills, imports, digests by hand; passes that are killed, that run two at once, or under a clock that is wrong; a
machine that is off; clocks of readers and outlets that change for the summer. At the end of each day holds what
`tests.support.year_checks` demands.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim

from config.load import Config, load_config
from extractors.period import Period
from extractors.records import Outcome
from flows.digest.digest import DigestRequest, digest
from flows.passes.backfill import backfill
from flows.passes.backfill_request import BackfillRequest
from flows.passes.monitor import monitor
from flows.serving.deploy import planned
from flows.serving.missed import load_last, missed
from flows.tools.applying import apply_topic
from flows.tools.retry import retry_addresses
from storage.corpus.importing import import_lines
from storage.corpus.writer import CorpusWriter, open_corpus
from tests.support.running import SETTINGS, write_config
from tests.support.simulated_month import sqlite_in_this_thread
from tests.support.simulation import in_place
from tests.support.year_checks import Checks
from tests.support.year_report import YearReport, table_sizes
from tests.support.year_world import DAY, HOUR, NEVER, START, TOPICS, Killed, Outlet, Trouble, World

HOURS_BETWEEN = 6  # passes
TOPIC = '[[topics]]\nid = "{id}"\nname = "{id}"\nthreshold = 1\n[topics.groups]\nall = {{ any = ["{word}"] }}\n\n'
# Two digests at an hour that there is not on one day of the year, and twice on another.
DIGESTS = """
[[digests]]
name = "all"
schedule = "30 2 * * *"
timezone = "Europe/Berlin"

[[digests]]
name = "us"
countries = ["US"]
schedule = "30 1 * * *"
timezone = "America/New_York"

[[digests]]
name = "kz"
countries = ["KZ"]
"""
LONGEST_WRONG = 6  # passes under a clock that is wrong
HAPPENINGS = {  # all that may happen beside the passes and digests of every day: name → method of Year
    "renamed": "_rename", "feeds moved": "_move", "removed": "_remove", "given back": "_give_back",
    "outages": "_outage", "topics changed": "_change_topic", "backfills": "_backfill", "imports": "_import",
    "retries": "_retry", "digests by hand": "_digest_by_hand", "wrong clocks": "_wrong_clock",
    "passes two at once": "_two_at_once", "kills": "_kill", "times off": "_switch_off",
}  # fmt: skip


class Year(World):
    """A world, the programs that watch it, and the people who use them; made from a seed."""

    def __init__(self, folder: Path, *, sources: int = 40, days: int = 365, seed: int = 1, a_day: float = 1.0) -> None:
        super().__init__(sources=sources, days=days, seed=seed, a_day=a_day)
        self.folder, self.data = folder, folder / "data"
        self.report = YearReport(days, requests=self.requests, bytes=self.bytes)
        self.checks = Checks(self)
        self.words = {TOPICS[0]: START}  # what the corpus is about, and since when
        self.wrong_for = 0  # passes that the clock is still wrong for
        self.wrong_until = self.off_until = START
        self.stepped = self.clock() - DAY  # when the last pass was, by the programs' clock
        self.config = self._config()

    def _config(self) -> Config:
        countries = Counter(outlet.country for outlet in self.outlets if outlet.source_id)
        tables = [
            f'[[sources]]\nid = "{o.source_id or o.former_id}"\nname = "{o.host}"\nhomepage = "https://{o.host}"\n'
            f'feeds = ["https://{o.host}{o.feed}"]\nlanguage = "ru"\ncountry = "{o.country}"\ncategory = "national"\n'
            f'backfill = {{ route = "sitemap", url = "https://{o.host}/sitemap.xml" }}\n'
            f"enabled = {str(bool(o.source_id)).lower()}\n\n"
            for o in self.outlets
            # Of those that are watched no more, half are switched off; a digest of a country needs one outlet of it.
            if o.source_id or o.renamed % 2 or not countries[o.country]
        ]
        topics = "".join(TOPIC.format(id=f"t{n}", word=word) for n, word in enumerate(self.words))
        folder = self.folder / "config"
        settings = SETTINGS + DIGESTS
        return load_config(write_config(folder, sources="".join(tables), settings=settings, topics=topics))

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[CorpusWriter]:
        """The programs run against this world, and its corpus, as long as the context."""
        with sqlite_in_this_thread():
            async with open_corpus(self.data, self.config.settings.storage) as corpus:
                with in_place(self, corpus):
                    yield corpus

    async def live(self) -> YearReport:
        """Let the whole time pass."""
        async with self.opened() as corpus:
            while self.now < self.end:
                await self._day(corpus)
        self.report.tables = table_sizes(self.data / "index.sqlite")
        return self.report

    async def _day(self, corpus: CorpusWriter) -> None:
        morning = self.now
        today = self.rng.sample(list(HAPPENINGS), k=self.rng.randint(0, 3))
        for hour in range(0, 24, HOURS_BETWEEN):
            self.now = morning + timedelta(hours=hour, minutes=self.rng.randint(0, 20))
            await self.step(corpus)
            if today and self.rng.random() < 0.5:
                await self.happens(today.pop(), corpus)
        for name in today:
            await self.happens(name, corpus)
        self.now = morning + timedelta(hours=23, minutes=50)
        await self.check(corpus)
        self.now = morning + DAY

    async def check(self, corpus: CorpusWriter) -> None:
        """Hold the index against the world."""
        async with corpus.database.read() as connection:
            await self.checks.check(connection)

    async def happens(self, name: str, corpus: CorpusWriter) -> None:
        """Let one of HAPPENINGS happen."""
        await getattr(self, HAPPENINGS[name])(corpus)

    async def step(self, corpus: CorpusWriter) -> None:
        """Make a pass of the monitor, and the digests that are due since the last one."""
        if self.now < self.off_until:
            return
        self.wrong_for = max(0, self.wrong_for - 1)
        if self.skew:
            self.wrong_until = self.now
        if not self.wrong_for:
            self.skew = timedelta()
        await self._monitor()
        await self._digests(corpus)
        self.stepped = self.clock()

    async def _monitor(self) -> None:
        async def watch() -> None:
            sources = self.config.select(())
            made = await monitor(self.config, self.data, sources=sources, now=self.clock, due_only=True)
            self.report.versions += made.versions

        self.report.passes += 1
        if await self._survives(watch()):
            self.checks.demand()

    async def _survives(self, work: Awaitable[object]) -> bool:
        """Whether the work came to its end; what it asked for in vain, if not, is granted once more."""
        before = {key: len(times) for key, times in self.asked.items()} if self.kill_at is not None else {}
        self.answered.clear()
        try:
            await work
        except Killed:
            self.report.killed += 1
            self.checks.grant(before)
            return False
        return True

    async def _digests(self, corpus: CorpusWriter) -> None:
        plan = [one for one in planned(self.config, self.data) if one.flow == "digest" and one.cron]
        now = self.clock()
        last = await load_last(self.config, self.data, now=now)
        late = missed(plan, last, now=now)
        for one in plan:
            due = next(CronSim(str(one.cron), now.astimezone(ZoneInfo(str(one.timezone))), reverse=True))
            if one in late or (one.name not in last and due > self.stepped):
                has_news = await self._digest(one.name)
                async with corpus.database.read() as connection:
                    await self.checks.check_digest(connection, one.name, due, has_news=has_news)

    async def _digest(self, *names: str, since: str | None = None) -> bool:
        request = DigestRequest(names, since=since, send=False)
        made = await digest(self.config, self.data, request, now=self.clock)
        issued = sum(one.stem is not None for one in made.issued)
        self.report.digests += issued
        return bool(issued)

    # --- What happens to the programs ----------------------------------------------------------------------------

    async def _kill(self, _: CorpusWriter) -> None:
        self._count("kills")
        self.kill_at = self.rng.randint(0, 12)  # answers from now

    async def _two_at_once(self, _: CorpusWriter) -> None:
        self._count("passes two at once")
        self.now += HOUR
        await asyncio.gather(self._monitor(), self._monitor())

    async def _wrong_clock(self, _: CorpusWriter) -> None:
        self._count("wrong clocks")
        self.skew = self.rng.choice([-9000, -1, 1, 900]) * DAY / self.rng.choice([1, 24])
        self.wrong_for = 1 + self.rng.randint(1, LONGEST_WRONG)

    async def _switch_off(self, _: CorpusWriter) -> None:
        self._count("times off")
        self.off_until = self.now + self.rng.uniform(6, 40) * HOUR

    # --- What happens to the outlets -----------------------------------------------------------------------------

    async def _rename(self, _: CorpusWriter) -> None:
        self._count("renamed")
        self._name_anew(self.rng.choice([o for o in self.outlets if o.source_id]))

    async def _move(self, _: CorpusWriter) -> None:
        self._count("feeds moved")
        outlet = self.rng.choice(self.outlets)
        outlet.renamed += 1
        outlet.feed = f"/rss{outlet.renamed}"
        self.config = self._config()

    async def _remove(self, _: CorpusWriter) -> None:
        there = [o for o in self.outlets if o.source_id]
        if len(there) > len(self.outlets) * 0.8:
            self._count("removed")
            outlet = self.rng.choice(there)
            outlet.former_id, outlet.source_id = str(outlet.source_id), None
            outlet.troubles.append(Trouble(self.now, NEVER))
            self.config = self._config()

    async def _give_back(self, _: CorpusWriter) -> None:
        for outlet in self.outlets:
            if not outlet.source_id:
                self._count("given back")
                self._name_anew(outlet)
                for trouble in outlet.troubles:
                    trouble.until = min(trouble.until, self.now) if trouble.mood is None else trouble.until

    def _name_anew(self, outlet: Outlet) -> None:
        outlet.renamed += 1
        outlet.source_id = f"{outlet.host[:3]}-{outlet.renamed}"
        self.config = self._config()

    async def _outage(self, _: CorpusWriter) -> None:
        self._count("outages")
        until = self.now + HOUR * 2 * 36 ** self.rng.random()  # 2 hours to 3 days
        mood = self.rng.choice([Outcome.FAILED, Outcome.REFUSED, Outcome.GONE])
        self.rng.choice(self.outlets).troubles.append(Trouble(self.now, until, mood))

    # --- What people do ------------------------------------------------------------------------------------------

    async def _change_topic(self, _: CorpusWriter) -> None:
        if len(self.words) == 1 and self.now - START > 20 * DAY:
            self._count("topics changed")
            self.words[TOPICS[1]] = self.now
            self.config = self._config()
            applied = await apply_topic(self.config, self.data, 15, now=self.clock(), fetch=True)
            self.checks.opened.update(applied.opened)

    async def _backfill(self, corpus: CorpusWriter) -> None:
        self._count("backfills")
        first = max(START, self.now - self.rng.randint(2, 60) * DAY).date()
        last = min(first + self.rng.randint(0, 9) * DAY, self.now.date())
        watched = self.config.select(())
        sources = self.rng.sample(watched, k=min(3, len(watched)))
        period = Period(first, max(first, last))
        request = BackfillRequest(period, tuple(sources), again=self.rng.random() < 0.2)
        hosts = {source.homepage.partition("://")[2] for source in sources}
        with self._asked_by_hand() as asked:
            made: list[Any] = []

            async def fill() -> None:
                made.append(await backfill(self.config, self.data, request, now=self.clock))

            is_whole = await self._survives(fill()) and not made[0].incomplete
        if is_whole and not self.skew:
            async with corpus.database.read() as connection:
                await self.checks.check_backfill(connection, hosts, period, asked)

    @contextmanager
    def _asked_by_hand(self) -> Iterator[Counter[str]]:
        """Let requests pass that a command makes; fill the counter with how often each page was asked for."""
        before = {key: len(times) for key, times in self.asked.items()}
        asked: Counter[str] = Counter()
        yield asked
        for key, times in self.asked.items():
            if more := len(times) - before.get(key, 0):
                asked[key] = more
        self.checks.by_hand.update(asked)

    async def _import(self, corpus: CorpusWriter) -> None:
        self._count("imports")
        shown = [piece for piece in self.pieces.values() if piece.shown <= self.now]
        chosen = self.rng.sample(shown, k=min(2, len(shown)))
        lines = [{"url": p.url, "text": self.text_of(p)} for p in chosen]
        lines.append({"url": f"https://{self.outlets[0].host}/short", "text": "Слишком коротко."})
        file = self.folder / "mine.jsonl"
        file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
        limits, min_words = self.config.settings.duplicates, self.config.settings.extraction.min_words
        imported = import_lines(
            corpus, file, now=self.clock, limits=limits, min_words=min_words, source_of=lambda _: "imported"
        )
        async for _ in imported:
            pass

    async def _retry(self, corpus: CorpusWriter) -> None:
        self._count("retries")
        async with corpus.database.read() as connection:
            final = await self.checks.final(connection)
        await retry_addresses(self.config, self.data, since=self.clock().date() - 5 * DAY)
        async with corpus.database.read() as connection:
            self.checks.opened.update(final - await self.checks.final(connection))

    async def _digest_by_hand(self, _: CorpusWriter) -> None:
        self._count("digests by hand")
        await self._digest(since=self.rng.choice(["1h", "6h", "9d"]))

    def _count(self, event: str) -> None:
        self.report.events[event] += 1
