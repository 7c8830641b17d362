"""The world of a simulated year: outlets, their articles, and what their servers answer at each moment.

The world has its own time, `now`. The programs that are run against it have theirs, `clock()`, which may be wrong: what
a server answers never depends on it.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from extractors.feeds.jobs import WatchJob
from extractors.fetching.messages import Response
from extractors.records import Article, Entry, Feed, ItemError, Outcome
from extractors.urls import canonical_url
from extractors.zones import zone_of
from tests.support.feed_documents import urlset

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NEVER = START + 9999 * DAY
FEED_SHOWS = 10 * DAY
COUNTRIES = ("KZ", "US", "UZ", "DE", "GB")  # three of them change their clocks
PAGE_BYTES, ENTRY_BYTES = 60_000, 900  # of a page and of an entry in a feed, for the sum of what is carried
TOPICS = ("Ташкент", "Самарканд", "Погода")
MOODS = (
    Outcome.GONE, Outcome.REFUSED, Outcome.TOO_SHORT, Outcome.NOT_ARTICLE, Outcome.PAYWALLED, Outcome.ROBOTS,
    Outcome.FAILED, Outcome.TOO_LARGE,
)  # fmt: skip


class Killed(Exception):
    """The program dies here."""


@dataclass(slots=True)
class Trouble:
    """A time in which an outlet could not be read: its server answers with `mood`, or (None) nobody watches it."""

    begin: datetime
    until: datetime
    mood: Outcome | None = None


@dataclass(slots=True, eq=False)
class Outlet:
    """One outlet; `source_id` and `feed` are what the catalogue says of it at present, None: it is not watched."""

    host: str
    country: str
    pieces: list[Piece] = field(default_factory=list)
    source_id: str | None = ""
    former_id: str = ""
    feed: str = "/rss"
    renamed: int = 0
    troubles: list[Trouble] = field(default_factory=list)

    def answers(self, now: datetime) -> Outcome | None:
        """What its server says instead of an answer; None: it answers."""
        moods = (one.mood for one in self.troubles if one.mood is not None and one.begin <= now < one.until)
        return next(moods, None)

    def was_in_trouble(self, since: datetime) -> bool:
        """Whether it could not be read at some time since then."""
        return any(one.until > since for one in self.troubles)


@dataclass(slots=True, eq=False)
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
    key: str = ""  # its canonical URL

    def __post_init__(self) -> None:
        self.key = canonical_url(self.url)

    @property
    def path(self) -> str:
        """Its address below the outlet's."""
        return f"/news/{self.number}"

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://{self.outlet.host}{self.path}"

    def can_be_read(self, now: datetime) -> bool:
        """Whether its page has the article on it, if its server answers."""
        return self.ready <= now and (self.gone is None or now < self.gone)


class World:
    """All outlets, and the time; made from a seed."""

    def __init__(self, *, sources: int, days: int, seed: int, a_day: float) -> None:
        self.rng = random.Random(f"year {seed}")
        self.now, self.skew = START, timedelta()
        self.end = START + days * DAY
        self.outlets = [
            Outlet(f"o{n:02}.example", COUNTRIES[n % len(COUNTRIES)], source_id=f"o{n:02}") for n in range(sources)
        ]
        self.by_host = {outlet.host: outlet for outlet in self.outlets}
        self.pieces: dict[str, Piece] = {}
        self.requests: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self.asked: dict[str, list[datetime]] = defaultdict(list)  # when each page was asked for
        self.answered: set[Outlet] = set()  # whose feed has answered since the set was last emptied
        self.kill_at: int | None = None  # after so many answers
        for outlet in self.outlets:
            self._make(outlet, a_day)

    def clock(self) -> datetime:
        """What the programs take for the time."""
        return self.now + self.skew

    def _make(self, outlet: Outlet, a_day: float) -> None:
        rng, at = self.rng, START - 3 * DAY
        while (at := at + timedelta(days=rng.expovariate(a_day))) < self.end:
            late = rng.random() < 0.25
            ready = at + timedelta(hours=6 * 24 ** rng.random()) if late else at
            piece = Piece(
                len(outlet.pieces), outlet, at, ready,
                gone=ready + rng.uniform(8, 40) * DAY if rng.random() < 0.1 else None,
                mood=rng.choice(MOODS), topic=rng.choice(TOPICS), undated=rng.random() < 0.1,
                corrected=at + rng.uniform(0.1, 2) * DAY if rng.random() < 0.1 else None,
                flash=not late and rng.random() < 0.05,
            )  # fmt: skip
            if rng.random() < 0.02:
                piece.ready = NEVER
            outlet.pieces.append(piece)
            self.pieces[piece.key] = piece

    def answer(self, url: str, etag: str | None) -> Response | None:
        """What the URL's server says now."""
        self._may_be_killed(url)
        host, _, path = url.partition("://")[2].partition("/")
        outlet, path = self.by_host[host], f"/{path}"
        kind = "pages" if path.startswith("/news/") else "sitemaps" if path == "/sitemap.xml" else "feeds"
        self.requests[kind] += 1
        if kind == "pages":
            self.asked[canonical_url(url)].append(self.now)
        if mood := outlet.answers(self.now):
            raise ItemError(mood if kind == "pages" else Outcome.FAILED, "trouble", url=url)
        body = self._body(outlet, path)
        if body is None:
            raise ItemError(Outcome.GONE, "http 404", url=url)
        tag = f'"{hash((path, body)) & 0xFFFFFFFF:x}"'
        if kind == "feeds":
            self.answered.add(outlet)
            if etag == tag:
                return None
        entries = len(list(self.shown_by(outlet))) if kind == "feeds" else 0
        self.bytes[kind] += {"pages": PAGE_BYTES, "feeds": ENTRY_BYTES * entries}.get(kind, len(body))
        return Response(url, body, "utf-8", None, tag, None, None, self.clock())

    def _body(self, outlet: Outlet, path: str) -> bytes | None:
        if path == outlet.feed:
            return repr([(piece.number, is_corrected) for piece, is_corrected in self.shown_by(outlet)]).encode()
        if path == "/sitemap.xml":
            zone = zone_of(outlet.country)
            days_only = outlet.host[2] in "02468"
            listed = ((p.url, p.shown.astimezone(zone)) for p in outlet.pieces if p.shown <= self.now)
            stamped = ((url, f"{at:%Y-%m-%d}" if days_only else at.isoformat(timespec="seconds")) for url, at in listed)
            return urlset(*stamped).encode()
        return b"page" if path.startswith("/news/") and f"https://{outlet.host}{path}" in self.pieces else None

    def shown_by(self, outlet: Outlet) -> Iterator[tuple[Piece, bool]]:
        """The articles in the outlet's feed, each with whether its headline says that it was corrected."""
        for piece in outlet.pieces:
            if self.now - FEED_SHOWS < piece.shown <= self.now:
                yield piece, bool(piece.corrected and piece.corrected <= self.now)

    def work(self, job: Any) -> Any:
        """What a child process would give back."""
        self._may_be_killed("a child process")
        if isinstance(job, WatchJob):
            outlet = self.by_host[job.feed.url.partition("://")[2].partition("/")[0]]
            return Feed("rss20", tuple(self._entry(job.feed.url, *shown) for shown in self.shown_by(outlet)))
        piece = self.pieces[canonical_url(job.page.url)]
        if not piece.can_be_read(self.now):
            raise ItemError(piece.mood, "not now", url=job.page.url)
        day = None if piece.undated else piece.shown.astimezone(zone_of(piece.outlet.country)).date()
        title, text = f"{piece.topic} {piece.number}", self.text_of(piece)
        return Article((text,), title, (), day, "meta" if day else None, "ru", "simulated")

    def _entry(self, feed_url: str, piece: Piece, is_corrected: bool) -> Entry:
        title = f"{piece.topic} {piece.number}{' (исправлено)' if is_corrected else ''}"
        return Entry(piece.url, feed_url, title, None, None if piece.undated else piece.shown)

    def text_of(self, piece: Piece) -> str:
        """What the page says now: no three words in a row as any other page, nor as itself before a correction."""
        own = f"{piece.outlet.host[:3]}и{piece.number}"
        if piece.flash and self.now < piece.shown + HOUR / 2:
            return "Срочно " + " ".join(f"слово{own}и{i}" for i in range(25))
        is_corrected = piece.corrected is not None and piece.corrected <= self.now
        words = [f"слово{own}и{i}" for i in range(80)] + [f"поправка{own}и{i}" for i in range(20 * is_corrected)]
        return f"{piece.topic} " + " ".join(words)

    def _may_be_killed(self, where: str) -> None:
        if self.kill_at is not None:
            self.kill_at -= 1
            if self.kill_at < 0:
                self.kill_at = None
                raise Killed(where)
