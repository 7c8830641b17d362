"""A simulated month of news: the real passes over a made-up world, without a network and without sleeping.

`World` knows for every moment what each feed shows, which host is down and what a page gives. `simulate` runs the
real `flows.passes.monitor.monitor` against it with an injected clock, every five minutes at which a feed is due, and
holds what the index then says against what was there to be found. Two things are replaced: the HTTP client by one
that asks the world, and the child processes by a direct call. Feeds and articles come as ready values, because
parsing them would take most of the time and is tested elsewhere; validators, body hashes, storage, planning, retries,
topic and health are the real ones. The same seed gives the same world.
"""

from __future__ import annotations

import itertools
import random
import sqlite3
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self
from unittest.mock import patch
from urllib.parse import urlsplit

import aiosqlite

from config.load import Config, load_config
from extractors.feeds.jobs import WatchJob
from extractors.fetching.messages import Response
from extractors.pages.job import ArticleJob
from extractors.records import Article, Entry, Feed, ItemError, Outcome
from extractors.urls import canonical_url
from flows.passes.monitor import monitor
from storage.corpus.writer import CorpusWriter, open_corpus
from storage.health.sources import FAILING, REDESIGNED, SILENT
from storage.placing.ready import ready_from
from tests.support.running import source_toml, write_config

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # a Monday, at night: what the feeds then show is the weekend's pace
TICK_S = 300
HOUR, DAY, WEEK = 3600.0, 86400.0, 604800.0
LONG_ENOUGH_S = 1800.0  # an entry that was to be had for so long must be known
FORGOTTEN_S = 12 * HOUR + TICK_S
POLLS_TO_NOTICE = 3
HISTORY_S = 10 * DAY  # before a silence begins
FIXED_POLLS_PER_DAY = 48
TOPIC = '[[topics]]\nid = "one"\nname = "One"\nthreshold = 1\n[topics.groups]\nall = { any = ["Ташкент"] }\n'


@dataclass(frozen=True, slots=True)
class Pace:
    """How a kind of outlet publishes: entries a day in its best hours' measure, and how much is left of it otherwise.

    Four parts of the day (0–6, 6–9, 9–19 and 19–24 h local), Saturday and Sunday.
    """

    name: str
    per_day: tuple[float, float]
    depth: tuple[int, int]
    parts: tuple[float, float, float, float]
    weekend: tuple[float, float]


BUSY = Pace("busy", (40, 220), (20, 100), (0.12, 0.6, 1.7, 0.9), (0.3, 0.8))
SEVERAL = Pace("several a day", (3, 15), (10, 40), (0.01, 0.4, 1.9, 0.5), (0.0, 0.4))
WEEKLY = Pace("weekly", (0.12, 0.4), (8, 20), (0.0, 0.2, 2.2, 0.2), (0.0, 0.1))
SHARES = ((BUSY, 0.15), (SEVERAL, 0.5), (WEEKLY, 0.35))


@dataclass(slots=True)
class Story:
    """One article. Times are seconds since the start; `shown` is when it gets into the feed."""

    number: int
    shown: float
    published: float  # earlier than `shown` for a late entry
    redated: float | None = None  # the moment at which its date is set anew to that moment
    on_topic: bool = False
    words: int = 80
    stub: bool = False


@dataclass(slots=True)
class Outlet:
    """One source with one feed, and all that happens to it."""

    name: str
    pace: Pace
    depth: int
    stories: list[Story]
    times: list[float]  # when each story is shown, ascending
    validators: str  # "etag", "none", "stuck"
    dates: str  # "own", "none", "stamped"
    restless: bool  # the body changes with every hour, though nothing is new
    max_age: int | None
    outages: list[tuple[float, float, str]] = field(default_factory=list)
    page_failures: list[tuple[float, float]] = field(default_factory=list)
    redesign: tuple[float, str] | None = None  # since when; "empty" or "short"
    silence: float | None = None
    polls: list[tuple[float, bool]] = field(default_factory=list)  # when, and whether it was answered

    @property
    def url(self) -> str:
        """The feed's address."""
        return f"https://{self.name}.example/rss"

    def down(self, at: float) -> str | None:
        """What the feed's server does instead of answering."""
        return next((how for begin, end, how in self.outages if begin <= at < end), None)

    def gone_at(self, position: int) -> float | None:
        """When the story scrolls out of the feed; None: not in this world's time."""
        return self.times[position + self.depth] if position + self.depth < len(self.times) else None

    def body(self, at: float) -> bytes:
        """The document at a moment: changes when, and only when, what it shows changes."""
        end = bisect_right(self.times, at)
        begin = max(0, end - self.depth)
        changes = [self.times[end - 1]] if end else [0.0]
        changes += [s.redated for s in self.stories[begin:end] if s.redated is not None and s.redated <= at]
        built = max(changes)
        if self.restless or self.dates == "stamped":
            built = max(built, at // HOUR * HOUR)
        return f"{begin} {end} {built!r}".encode()

    def feed(self, body: bytes) -> Feed:
        """The parsed document."""
        begin, end, built = body.decode().split()
        at = float(built)
        return Feed("rss20", tuple(self._entry(s, at) for s in reversed(self.stories[int(begin) : int(end)])))

    def _entry(self, story: Story, at: float) -> Entry:
        seconds = story.redated if story.redated is not None and story.redated <= at else story.published
        if self.dates == "stamped":
            seconds = at
        # The address comes in other spellings at other times, as with campaign parameters and moves to https.
        address = f"http{'s' if int(at / HOUR) % 2 else ''}://{self.name}.example/news/{story.number}"
        if self.restless:
            address += "?utm_source=rss"
        title = f"Новость {story.number} {self.name}"
        date = None if self.dates == "none" else moment(seconds).replace(microsecond=0)
        return Entry(address, self.url, title, None, date)


def moment(seconds: float) -> datetime:
    """The simulated time so many seconds after the start."""
    return START + timedelta(seconds=seconds)


def seconds_of(time: datetime) -> float:
    """The inverse of `moment`."""
    return (time - START).total_seconds()


class World:
    """All outlets and the time; made from a seed."""

    def __init__(self, *, feeds: int, days: int, seed: int = 1) -> None:
        self.end = days * DAY
        self.at = 0.0
        self.outlets: dict[str, Outlet] = {}
        paces = [pace for pace, share in SHARES for _ in range(round(share * feeds))]
        for number, pace in enumerate((paces + [SEVERAL] * feeds)[:feeds]):
            outlet = make_outlet(random.Random(f"{seed} {number}"), f"f{number:03}", pace, self.end)
            self.outlets[outlet.name] = outlet
        self._trouble(random.Random(f"{seed} trouble"))
        for outlet in self.outlets.values():
            for story in outlet.stories:
                story.on_topic |= any(a - HOUR <= story.shown < b for a, b in outlet.page_failures)

    def _trouble(self, rng: random.Random) -> None:
        """Give each kind of trouble to outlets of their own, so that each alarm has one cause."""
        outlets = list(self.outlets.values())
        rng.shuffle(outlets)
        lively = [o for o in outlets if o.pace is not WEEKLY]
        count = max(1, len(outlets) // 15)
        taken = lively[: 4 * count]
        for number, outlet in enumerate(taken):
            begin = HISTORY_S + rng.uniform(0, max(DAY, self.end - HISTORY_S - 4 * DAY))
            if number < 2 * count:
                outlet.redesign = (begin, ("empty", "short")[number % 2])
            else:
                stop = bisect_right(outlet.times, begin)
                del outlet.stories[stop:], outlet.times[stop:]
                outlet.silence = begin
        for outlet in outlets:
            if outlet in taken:
                continue
            if rng.random() < 0.4:
                for _ in range(rng.randint(1, 3)):
                    length = HOUR * 2 * 36 ** rng.random()  # 2 hours to 3 days
                    begin = rng.uniform(DAY, self.end)
                    outlet.outages.append((begin, begin + length, rng.choice(("http 503", "timeout"))))
            if rng.random() < 0.4:
                for _ in range(rng.randint(1, 4)):
                    begin = rng.uniform(0, self.end)
                    outlet.page_failures.append((begin, begin + HOUR * rng.uniform(0.5, 12)))

    def answer(self, url: str, etag: str | None) -> Response | None:
        """What the URL's server says now."""
        parts = urlsplit(url)
        outlet = self.outlets[parts.netloc.partition(".")[0]]
        if parts.path != "/rss":
            if any(a <= self.at < b for a, b in outlet.page_failures):
                raise ItemError(Outcome.FAILED, "http 503", url=url)
            return self._response(url, b"", None, None)
        trouble = outlet.down(self.at)
        outlet.polls.append((self.at, trouble is None))
        if trouble is not None:
            raise ItemError(Outcome.FAILED, trouble, url=url)
        body = outlet.body(self.at)
        tag = {"etag": f'"{body.decode()}"', "none": None, "stuck": '"always the same"'}[outlet.validators]
        if outlet.validators == "etag" and tag == etag:
            return None
        return self._response(url, body, tag, outlet.max_age)

    def _response(self, url: str, body: bytes, etag: str | None, max_age: int | None) -> Response:
        stated = f"public, max-age={max_age}" if max_age is not None else None
        return Response(url, body, "utf-8", None, etag, None, stated, moment(self.at))

    def work(self, job: Any) -> Any:
        """What a child process would give back."""
        url = job.feed.url if isinstance(job, WatchJob) else job.page.url
        name = urlsplit(url).netloc.partition(".")[0]
        outlet = self.outlets[name]
        if isinstance(job, WatchJob):
            return outlet.feed(job.feed.body)
        assert isinstance(job, ArticleJob)
        story = outlet.stories[int(job.page.url.partition("?")[0].rpartition("/")[2])]
        redesigned = outlet.redesign[1] if outlet.redesign and outlet.redesign[0] <= self.at else None
        if redesigned == "empty" or story.stub:
            raise ItemError(Outcome.NOT_ARTICLE, "no text", url=job.page.url)
        count = story.words // 6 if redesigned == "short" else story.words
        topic = "Ташкент" if story.on_topic else "Погода"
        text = f"{topic} {name} {story.number} " + " ".join(f"слово{i}" for i in range(count - 3))
        day = moment(story.published).date()
        return Article((text,), f"{topic} {story.number}", (), day, "meta", "ru", "simulated")

    def in_place(self, corpus: CorpusWriter) -> AbstractContextManager[None]:
        """The product's client and workers exchanged for this world, its corpus for the one that is open already."""
        return in_place(self, corpus)


class Playing(Protocol):
    """A world that passes are run against."""

    def answer(self, url: str, etag: str | None) -> Response | None:
        """What the URL's server says now."""
        ...

    def work(self, job: Any) -> Any:
        """What a child process would give back."""
        ...


@contextmanager
def in_place(world: Playing, corpus: CorpusWriter) -> Iterator[None]:
    """The product's client and workers exchanged for a world, its corpus for the one that is open already."""

    @asynccontextmanager
    async def opened(*_: object) -> AsyncIterator[CorpusWriter]:
        yield corpus

    class Client:
        def __init__(self, network: object, *, hosts: object, now: Callable[[], datetime], **_: object) -> None:
            pass

        async def __aenter__(self) -> Self:
            return self

        async def __aexit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            pass

        async def fetch(self, url: str, *, etag: str | None = None, **_: object) -> Response | None:
            return world.answer(url, etag)

        def take_changed_hosts(self) -> list[object]:
            return []

    class Workers:
        count = 2

        def __init__(self, limits: object) -> None:
            pass

        def __enter__(self) -> Self:
            return self

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            pass

        def start_early(self) -> None:
            pass

        async def run(self, function: Callable[[Any], Any], job: Any, *, url: str) -> Any:
            return function(job) if function is ready_from else world.work(job)

    async def unwritten(*_: object, **__: object) -> None:
        """The status page, which nobody reads in this world, takes longer than all the rest of a pass."""

    with (
        patch("flows.passes.monitor.write_report", unwritten),
        patch("flows.passes.context.Client", Client),
        patch("flows.passes.context.Workers", Workers),
        patch("flows.passes.context.open_corpus", opened),
    ):
        yield


def make_outlet(rng: random.Random, name: str, pace: Pace, end: float) -> Outlet:
    """An outlet with all its stories: enough before the start to fill the feed, and then until the end."""
    low, high = pace.per_day
    per_day = low * (high / low) ** rng.random()
    depth = rng.randint(*pace.depth)
    dates = rng.choices(("own", "none", "stamped"), (90, 6, 4))[0]
    late = rng.choice((0.0, 0.0, 0.05))
    redated = rng.choice((0.0, 0.0, 0.03))
    weekend = rng.uniform(*pace.weekend)
    zone = rng.choice((5, 5, 6, 0, -5)) * HOUR
    together = rng.choice((1, 1, 1, 3)) if pace is SEVERAL else 1  # some editors publish a few at once
    before = -min(400 * DAY, max(14 * DAY, 2.5 * depth / per_day * DAY))
    times: list[float] = []
    peak = per_day / DAY * max(pace.parts) / together
    at = before
    while (at := at + rng.expovariate(peak)) < end:
        if rng.random() < share_of(pace, weekend, at + zone) / max(pace.parts):
            times += [at + 60 * n for n in range(rng.randint(1, 2 * together - 1))]
    times.sort()
    stubs = rng.uniform(0, 0.02)
    stories = [
        Story(
            number,
            shown,
            shown - (rng.uniform(1, 10) * HOUR if rng.random() < late else rng.uniform(0, 120)),
            redated=shown + rng.uniform(1, 48) * HOUR if rng.random() < redated else None,
            on_topic=rng.random() < 0.08,
            words=max(40, round(90 * rng.lognormvariate(0, 0.25))) if rng.random() > 0.02 else 24,
            stub=rng.random() < stubs,
        )
        for number, shown in enumerate(times)
    ]
    return Outlet(
        name,
        pace,
        depth,
        stories,
        times,
        validators=rng.choices(("etag", "none", "stuck"), (70, 20, 10))[0],
        dates=dates,
        restless=rng.random() < 0.1,
        max_age=rng.choice((None, None, 0, 300, 3600, 86400)),
    )


def share_of(pace: Pace, weekend: float, local: float) -> float:
    """How busy the outlet is at a local time; START is a Monday."""
    hour = ((local + START.hour * HOUR) / HOUR) % 24
    weekday = int((local + START.hour * HOUR) // DAY) % 7
    part = pace.parts[0 if hour < 6 else 1 if hour < 9 else 2 if hour < 19 else 3]
    return part * (weekend if weekday >= 5 else 1.0)


@dataclass(slots=True)
class Report:
    """What the month showed."""

    feeds: int
    days: float
    passes: int = 0
    seconds: float = 0.0
    stories: int = 0  # shown long enough to be demanded
    known: int = 0
    missed: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    appended: int = 0
    not_appended: list[str] = field(default_factory=list)
    polls: int = 0
    polls_of: dict[str, int] = field(default_factory=dict)
    polls_by_pace: Counter[str] = field(default_factory=Counter)
    feeds_by_pace: Counter[str] = field(default_factory=Counter)
    longest_gap_s: float = 0.0
    forgotten: list[str] = field(default_factory=list)
    redesigns: dict[str, int | None] = field(default_factory=dict)  # name → polls with news until the flag
    silences: dict[str, int | None] = field(default_factory=dict)  # name → polls after the pause was too long
    unjudged_silences: list[str] = field(default_factory=list)  # the world ended before
    failing: int = 0  # flags of feeds that were down
    false_alarms: list[str] = field(default_factory=list)
    healthy: int = 0

    @property
    def polls_per_day(self) -> float:
        """Of one feed, on average."""
        return self.polls / self.feeds / self.days

    @property
    def late(self) -> list[str]:
        """Flags that came too late or never."""
        found = [("redesign", n, p) for n, p in self.redesigns.items()]
        found += [("silence", n, p) for n, p in self.silences.items()]
        return [f"{kind} of {name}: {polls} polls" for kind, name, polls in found if polls is None or polls > 3]

    def lines(self) -> list[str]:
        """All figures, for people."""
        paces = ", ".join(
            f"{p} {n / self.feeds_by_pace[p] / self.days:.1f}" for p, n in sorted(self.polls_by_pace.items())
        )
        redesigns, silences = (Counter(d.values()) for d in (self.redesigns, self.silences))
        return [
            f"{self.feeds} feeds, {self.days:g} days: {self.passes} passes in {self.seconds:.0f} s",
            f"entries: {self.known} known; {self.stories} were shown for 30 minutes or more and then scrolled out; "
            f"missed {len(self.missed)}, twice {len(self.twice)}",
            *[f"  missed: {line}" for line in self.missed[:10]],
            f"articles: {self.appended} appended, {len(self.not_appended)} wanting",
            *[f"  wanting: {line}" for line in self.not_appended[:10]],
            f"polls: {self.polls}, {self.polls_per_day:.1f} a day and feed ({paces}), "
            f"{self.polls_per_day / FIXED_POLLS_PER_DAY:.0%} of a poll every 30 minutes",
            f"longest gap between polls: {self.longest_gap_s / HOUR:.2f} h; forgotten: {len(self.forgotten)}",
            f"redesigns flagged after so many polls with news: {dict(redesigns)}",
            f"silences flagged after so many polls: {dict(silences)}; too late in the month to judge: "
            f"{len(self.unjudged_silences)}",
            *[f"  late: {line}" for line in self.late],
            f"flags of feeds that were down: {self.failing}",
            f"false alarms: {len(self.false_alarms)} among {self.healthy} healthy feeds, "
            f"{50 * 30 * len(self.false_alarms) / max(1, self.healthy) / self.days:.2f} per 50 feeds and month",
            *[f"  false: {line}" for line in self.false_alarms],
        ]


async def simulate(world: World, folder: Path) -> Report:
    """Run the whole time with its passes in `folder`, and compare."""
    outlets = world.outlets.values()
    sources = "".join(source_toml(o.name, o.url) for o in outlets)
    config = load_config(write_config(folder / "config", sources=sources, topics=TOPIC))
    data = folder / "data"
    raised: dict[tuple[str, str], list[float]] = defaultdict(list)
    report = Report(len(outlets), world.end / DAY)
    began = time.monotonic()
    with sqlite_in_this_thread():
        async with open_corpus(data, config.settings.storage) as corpus:
            with world.in_place(corpus):
                await _run(world, report, config, data, raised)
    report.seconds = time.monotonic() - began
    polls = {o.name: o.polls[: report.polls_of[o.name]] for o in outlets}
    _compare(world, report, data, polls, raised)
    return report


@contextmanager
def sqlite_in_this_thread() -> Iterator[None]:
    """Ask SQLite directly: handing each of millions of calls to aiosqlite's thread and back takes longer than they."""

    async def connect(self: Any) -> Any:
        if self._connection is None:
            self._connection = self._connector()
        return self

    async def execute(self: Any, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)

    with (
        patch.object(aiosqlite.Connection, "_connect", connect),
        patch.object(aiosqlite.Connection, "_execute", execute),
    ):
        yield


async def _run(
    world: World, report: Report, config: Config, data: Path, raised: dict[tuple[str, str], list[float]]
) -> None:
    while world.at < world.end:
        await _pass(world, config, data, raised)
        report.passes += 1
        world.at = max(world.at + TICK_S, _next_due(data))
    # What is in the feeds at the end may not have been due yet; the poll that finds it is not counted.
    report.polls_of = {o.name: len(o.polls) for o in world.outlets.values()}
    world.at = world.end
    await _pass(world, config, data, raised, due_only=False)


async def _pass(
    world: World,
    config: Config,
    data: Path,
    raised: dict[tuple[str, str], list[float]],
    *,
    due_only: bool = True,
) -> None:
    now = moment(world.at)
    summary = await monitor(config, data, sources=config.sources, now=lambda: now, due_only=due_only)
    for source_id, flag in summary.raised:
        raised[source_id, flag.name].append(world.at)


def _rows(data: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(data / "index.sqlite")) as connection:
        return connection.execute(query).fetchall()


def _next_due(data: Path) -> float:
    """The first five-minute tick at which a feed is due."""
    [(milliseconds,)] = _rows(data, "SELECT min(next_poll) FROM feeds")
    seconds = milliseconds / 1000 - START.timestamp()
    return -(-seconds // TICK_S) * TICK_S


def _compare(
    world: World,
    report: Report,
    data: Path,
    polls: Mapping[str, Sequence[tuple[float, bool]]],
    raised: Mapping[tuple[str, str], Sequence[float]],
) -> None:
    found: dict[str, list[tuple[str, str | None, float]]] = defaultdict(list)
    for key, source_id, outcome, seen in _rows(data, "SELECT key, source_id, outcome, first_seen FROM urls"):
        found[source_id].append((key, outcome, seen / 1000 - START.timestamp()))
    articles = Counter(key for (key,) in _rows(data, "SELECT canonical_url FROM articles"))
    report.twice += [key for key, count in articles.items() if count > 1]
    for outlet in world.outlets.values():
        _compare_entries(world, report, outlet, found[outlet.name], articles)
        report.feeds_by_pace[outlet.pace.name] += 1
        report.polls_by_pace[outlet.pace.name] += len(polls[outlet.name])
        report.polls += len(polls[outlet.name])
        times = [0.0, *(at for at, _ in polls[outlet.name]), world.end]
        gap = max(b - a for a, b in itertools.pairwise(times))
        report.longest_gap_s = max(report.longest_gap_s, gap)
        if gap > FORGOTTEN_S:
            report.forgotten.append(outlet.name)
        _compare_flags(world, report, outlet, found[outlet.name], polls[outlet.name], raised)


def _compare_entries(
    world: World,
    report: Report,
    outlet: Outlet,
    found: Sequence[tuple[str, str | None, float]],
    articles: Mapping[str, int],
) -> None:
    known = {key: (outcome, seen) for key, outcome, seen in found}
    report.known += len(known)
    numbers = Counter(key.rpartition("/")[2] for key, _, _ in found)
    report.twice += [f"{outlet.name} {number}" for number, count in numbers.items() if count > 1]
    for position, story in enumerate(outlet.stories):
        key = canonical_url(f"https://{outlet.name}.example/news/{story.number}")
        gone = outlet.gone_at(position)
        if gone is not None and 0 < gone <= world.end and outlet.down(gone) is None:
            longest = max(b - a for a, b in _reachable(outlet, max(0.0, story.shown), gone))
            if longest >= LONG_ENOUGH_S:
                report.stories += 1
                if key not in known:
                    report.missed.append(
                        f"{outlet.name} ({outlet.pace.name}, dates {outlet.dates}) {story.number}: shown "
                        f"{moment(story.shown):%a %d %H:%M}, gone {moment(gone):%a %d %H:%M}, depth {outlet.depth}"
                    )
        if key not in known:
            continue
        outcome, seen = known[key]
        report.appended += outcome == "appended"
        judged = outlet.redesign is None and not story.stub
        # Five further attempts are made within 3.3 days; no page here is away for all of them.
        expected = "appended" if story.on_topic else "off_topic"
        if judged and seen < world.end - 4 * DAY and (outcome != expected or articles.get(key, 0) != story.on_topic):
            report.not_appended.append(f"{key}: {outcome} instead of {expected}")


def _reachable(outlet: Outlet, begin: float, end: float) -> list[tuple[float, float]]:
    """The stretches of a time in which the feed answered."""
    stretches = [(begin, end)]
    for down, up, _ in outlet.outages:
        cut = []
        for a, b in stretches:
            cut += [(a, min(b, max(a, down))), (max(a, min(b, up)), b)] if down < b and up > a else [(a, b)]
        stretches = cut
    return stretches


def _compare_flags(
    world: World,
    report: Report,
    outlet: Outlet,
    found: Sequence[tuple[str, str | None, float]],
    polls: Sequence[tuple[float, bool]],
    raised: Mapping[tuple[str, str], Sequence[float]],
) -> None:
    report.healthy += outlet.redesign is None and outlet.silence is None
    explained = set()
    if outlet.redesign is not None:
        begin = outlet.redesign[0]
        flagged = [at for at in raised.get((outlet.name, REDESIGNED), ()) if at >= begin]
        explained = {(REDESIGNED, at) for at in flagged}
        news = sorted({seen for _, _, seen in found if begin <= seen < world.end})
        if flagged or len(news) >= POLLS_TO_NOTICE:
            report.redesigns[outlet.name] = sum(at <= flagged[0] for at in news) if flagged else None
    if outlet.silence is not None and outlet.times:
        last = outlet.times[-1]
        visible = max(0, bisect_right(outlet.times, 0.0) - outlet.depth)  # what was there to be known from the start on
        month = [at for at in outlet.times[visible:] if at > last - 30 * DAY]
        limit = last + 1.5 * max((b - a for a, b in itertools.pairwise(month)), default=0.0)
        flagged = [at for at in raised.get((outlet.name, SILENT), ()) if at >= last]
        explained |= {(SILENT, at) for at in flagged}
        after = [at for at, answered in polls if at > limit and answered]
        if flagged or len(after) >= POLLS_TO_NOTICE:
            report.silences[outlet.name] = sum(at <= flagged[0] for at in after) if flagged else None
        else:
            report.unjudged_silences.append(outlet.name)
    for (name, flag), times in raised.items():
        for at in times if name == outlet.name else ():
            if flag == FAILING and outlet.down(at):
                report.failing += 1
            elif (flag, at) not in explained:
                when = f"{moment(at):%a %d %H:%M}"
                report.false_alarms.append(f"{flag} {name} ({outlet.pace.name}, dates {outlet.dates}) {when}")
