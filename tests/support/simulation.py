"""A simulated month of news: the real passes over a made-up world, without a network and without sleeping.

`World` knows for every moment what each feed shows, which host is down and what a page gives. `simulate`, in
`tests.support.simulated_month`, runs the real `flows.passes.monitor.monitor` against it with an injected clock, every
five minutes at which a feed is due. Two things are replaced: the HTTP client by one
that asks the world, and the child processes by a direct call. Feeds and articles come as ready values, because
parsing them would take most of the time and is tested elsewhere; but what stands in place of a feed that has moved, and
feeds whose items share one link, are documents. Validators, body hashes, storage, planning, retries, topic, health and
the search for successors are the real ones. The same seed gives the same world.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Protocol, Self
from unittest.mock import patch
from urllib.parse import urlsplit

from extractors.feeds.jobs import FeedJob, WatchJob
from extractors.fetching.messages import Response
from extractors.pages.job import ArticleJob
from extractors.records import Article, Entry, Feed, ItemError, Outcome
from extractors.workers.tasks import feed_from, watched_from
from storage.corpus.writer import CorpusWriter
from storage.placing.ready import ready_from

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # a Monday, at night: what the feeds then show is the weekend's pace
TICK_S = 300
HOUR, DAY, WEEK = 3600.0, 86400.0, 604800.0
HISTORY_S = 10 * DAY  # before a silence begins
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
    validators: str  # "etag", "none", "stuck"; "for ever": whatever changes, a second question is answered with 304
    dates: str  # "own", "none", "stamped"
    restless: bool  # the body changes with every hour, though nothing is new
    max_age: int | None
    outages: list[tuple[float, float, str]] = field(default_factory=list)
    page_failures: list[tuple[float, float]] = field(default_factory=list)
    redesign: tuple[float, str] | None = None  # since when; "empty" or "short"
    silence: float | None = None
    moved: tuple[float, str] | None = None  # since when; "redirect", "gone" or "page": what is at the old address
    noticed: float | None = None  # when a pass first named the new address
    mended: float | None = None  # when somebody put it into the catalogue
    one_link: bool = False  # all items have the link of the front page, and their own as guid
    polls: list[tuple[float, bool]] = field(default_factory=list)  # when, and whether it was answered

    @property
    def url(self) -> str:
        """The feed's address."""
        return f"https://{self.name}.example/rss"

    @property
    def new_url(self) -> str:
        """The feed's address after its move."""
        return f"https://{self.name}.example/feeds/all"

    def lost(self, at: float) -> bool:
        """Whether the feed has gone from the address that is watched, without a redirect."""
        if self.moved is None or self.moved[1] == "redirect":
            return False
        return self.moved[0] <= at and (self.mended is None or at < self.mended)

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
        title = f"Министры обсудили поставки зерна: новость {story.number} {self.name}"
        date = None if self.dates == "none" else moment(seconds).replace(microsecond=0)
        return Entry(address, self.url, title, None, date)


def one_link_document(outlet: Outlet, body: bytes) -> bytes:
    """The feed as RSS in which all items lead to the front page, and tell their own addresses in their guids."""
    items = "".join(
        f"<item><title>{entry.title}</title><link>https://{outlet.name}.example/</link>"
        f'<guid isPermaLink="true">{entry.url}</guid>'
        + (f"<pubDate>{format_datetime(entry.published)}</pubDate>" if entry.published else "")
        + "</item>"
        for entry in outlet.feed(body).entries
    )
    return f'<rss version="2.0"><channel><title>{outlet.name}</title>{items}</channel></rss>'.encode()


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
        self.requests: Counter[str] = Counter()
        self.answered: set[str] = set()  # pages that have answered once
        paces = [pace for pace, share in SHARES for _ in range(round(share * feeds))]
        for number, pace in enumerate((paces + [SEVERAL] * feeds)[:feeds]):
            outlet = make_outlet(random.Random(f"{seed} {number}"), f"f{number:03}", pace, self.end)
            self.outlets[outlet.name] = outlet
        self._trouble(random.Random(f"{seed} trouble"))
        self._habits(random.Random(f"{seed} habits"))
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

    def _habits(self, rng: random.Random) -> None:
        """Give feeds habits of real servers, each of them to outlets without other trouble: the count is as above."""
        well = [o for o in self.outlets.values() if o.redesign is None and o.silence is None and o.pace is not WEEKLY]
        rng.shuffle(well)
        count = max(1, len(self.outlets) // 15)
        for outlet in well[:count]:
            outlet.validators = "for ever"
        for outlet in well[count : 2 * count]:
            outlet.one_link = True
        for number, outlet in enumerate(well[2 * count : 4 * count]):
            begin = HISTORY_S / 2 + rng.uniform(0, max(DAY, self.end - HISTORY_S))
            outlet.moved = (begin, ("gone", "redirect", "page")[number % 3])
            outlet.outages = []

    def answer(self, url: str, etag: str | None) -> Response | None:
        """What the URL's server says now."""
        parts = urlsplit(url)
        outlet = self.outlets[parts.netloc.partition(".")[0]]
        if parts.path.startswith("/news/"):
            page = f"{outlet.name}{parts.path}"
            self.requests["pages again" if page in self.answered else "pages"] += 1
            if any(a <= self.at < b for a, b in outlet.page_failures):
                raise ItemError(Outcome.FAILED, "http 503", url=url)
            self.answered.add(page)
            return self._response(url, b"", None, None)
        self.requests["feeds"] += 1
        moved = outlet.moved is not None and outlet.moved[0] <= self.at
        if parts.path in ("", "/"):
            return self._response(url, _front_page(outlet.new_url if moved else outlet.url), None, None)
        if outlet.moved is not None and moved and url == outlet.url:
            if outlet.moved[1] == "page":
                outlet.polls.append((self.at, False))
                return self._response(url, _front_page(outlet.new_url), None, None)
            if outlet.moved[1] == "redirect":
                url = outlet.new_url
        if url != (outlet.new_url if moved else outlet.url):
            outlet.polls += [(self.at, False)] if url == outlet.url else []
            raise ItemError(Outcome.GONE, "http 404", url=url)
        trouble = outlet.down(self.at)
        outlet.polls.append((self.at, trouble is None))
        if trouble is not None:
            raise ItemError(Outcome.FAILED, trouble, url=url)
        body = outlet.body(self.at)
        tags = {"etag": f'"{body.decode()}"', "none": None, "stuck": '"always the same"', "for ever": '"for ever"'}
        tag = tags[outlet.validators]
        if outlet.validators in ("etag", "for ever") and tag == etag:
            return None
        shown = one_link_document(outlet, body) if outlet.one_link else body
        return self._response(url, shown, tag, outlet.max_age)

    def _response(self, url: str, body: bytes, etag: str | None, max_age: int | None) -> Response:
        stated = f"public, max-age={max_age}" if max_age is not None else None
        return Response(url, body, "utf-8", None, etag, None, stated, moment(self.at))

    def work(self, job: Any) -> Any:
        """What a child process would give back."""
        feed = job if isinstance(job, FeedJob) else getattr(job, "feed", None)
        name = urlsplit(feed.url if feed else job.page.url).netloc.partition(".")[0]
        outlet = self.outlets[name]
        if feed is not None and not feed.body.startswith(b"<"):
            return outlet.feed(feed.body)
        if isinstance(job, FeedJob | WatchJob):
            return feed_from(job) if isinstance(job, FeedJob) else watched_from(job)
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
    async def opened(*_: object, **__: object) -> AsyncIterator[CorpusWriter]:
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

        async def robots(self, url: str) -> object:
            raise ItemError(Outcome.GONE, "http 404", url=url)

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


def _front_page(feed: str) -> bytes:
    """A front page that names the outlet's feed."""
    link = f'<link rel="alternate" type="application/rss+xml" href="{feed}">'
    return f"<!doctype html><html><head><title>Outlet</title>{link}</head><body></body></html>".encode()


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
