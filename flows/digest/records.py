"""The content of a digest as values: events in their places, sources that need a look, figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from extractors.period import Period

WEEK = 7  # days of news from which on figures tell anything


@dataclass(frozen=True, slots=True)
class Edition:
    """What the settings say of a digest. `thresholds`: topic → the score from which on an article is on it."""

    name: str
    title: str
    frame: str
    zone: ZoneInfo
    browse_url: str | None = None  # of the reading room
    thresholds: Mapping[str, float] = field(default_factory=dict)
    weekly: bool = False


@dataclass(frozen=True, slots=True)
class Also:
    """Another outlet that has printed the text, how often; `language` where it is another than the event's."""

    outlet: str
    url: str | None
    language: str | None
    count: int
    home: str | None = None  # the outlet's country


@dataclass(frozen=True, slots=True)
class Story:
    """One article that tells of an event."""

    number: int
    title: str | None
    url: str | None
    outlet: str
    home: str | None  # the outlet's country
    country: str | None  # that the story is about; None: none of the region
    language: str | None
    day: date | None
    sentences: str
    terms: tuple[str, ...] = ()  # words of the text that make it on topic
    score: float = 0.0
    threshold: float | None = None  # of its topic
    borderline: bool = False
    late: bool = False  # found long after its publication
    room: str | None = None  # its address in the reading room


@dataclass(frozen=True, slots=True)
class Running:
    """An event that earlier digests have told of: this is its so-and-so-manieth day."""

    day: int
    stem: str  # of the files of the last digest that told of it


@dataclass(frozen=True, slots=True)
class Event:
    """What one or several articles tell of, the leading one first; `also` are the outlets that have reprinted it."""

    stories: tuple[Story, ...]
    also: tuple[Also, ...] = ()
    country: str | None = None  # that it is about
    running: Running | None = None

    @property
    def lead(self) -> Story:
        """The article that is shown with its text."""
        return self.stories[0]

    @property
    def number(self) -> int:
        """The number of the leading article, by which the event is known in its digest."""
        return self.lead.number

    @property
    def texts(self) -> int:
        """How many pages tell of it, reprints among them."""
        return len(self.stories) + sum(also.count for also in self.also)

    @property
    def independent(self) -> int:
        """How many outlets tell of it in their own words, or in another language."""
        return len({story.outlet for story in self.stories})

    @property
    def outlets(self) -> int:
        """How many outlets have it, reprints among them."""
        return len({story.outlet for story in self.stories} | {also.outlet for also in self.also})

    @property
    def homes(self) -> tuple[str, ...]:
        """The countries of these outlets, those that tell of it themselves first."""
        found = [*(story.home for story in self.stories), *(also.home for also in self.also)]
        return tuple(dict.fromkeys(home for home in found if home))


@dataclass(frozen=True, slots=True)
class Section:
    """The events of one country; None: of no country of the region."""

    country: str | None
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class HealthNote:
    """A source that needs a look: its state and the reason as `storage.health.states` tells them."""

    outlet: str
    state: str
    since: date | None  # None: it was never read
    why: str


@dataclass(frozen=True, slots=True)
class Brought:
    """What backfills and imports have added and the digest does not tell: too old to be news."""

    articles: int
    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class Figure:
    """Numbers of the week beside the mean of the weeks before."""

    subject: Literal["days", "outlets", "countries", "said"]
    lines: tuple[tuple[str, int, float], ...]


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a digest. `articles` counts those it is made of; each is a story of one of its events."""

    title: str
    frame: str
    now: datetime  # in the reader's zone
    since: datetime | None  # in the reader's zone; None: there was no digest before
    articles: int
    outlets: int  # of these articles, without reprints
    zone: str = ""  # its name
    period: Period | None = None  # that it was asked for; None: it tells what is new
    figures: tuple[Figure, ...] = ()  # of a week
    main: tuple[Event, ...] = ()  # those that matter most
    sections: tuple[Section, ...] = ()  # by the country that they are about
    late: tuple[Event, ...] = ()  # found long after their publication
    borderline: tuple[Event, ...] = ()
    brought: Brought | None = None
    days: tuple[tuple[date, int], ...] = ()  # articles in the corpus by day, DAYS of them
    by_country: tuple[tuple[str | None, int], ...] = ()  # of these days, by the outlets' countries, most first
    health: tuple[HealthNote, ...] = ()
    sources: int = 0  # that are watched
    passes: int = 0
    counts: tuple[tuple[str, int], ...] = ()  # of the passes: new, appended, duplicates …

    @property
    def stories(self) -> int:
        """How many events are shown, borderline ones included."""
        return sum(1 for _ in self.events())

    @property
    def has_figures(self) -> bool:
        """Whether there is news of a week or more, so that its course by days tells anything."""
        days = [day for day, count in self.days if count]
        return bool(days) and (self.days[-1][0] - days[0]).days >= WEEK - 1

    def events(self) -> Iterator[Event]:
        """Yield all events in the order of the digest."""
        yield from self.main
        for section in self.sections:
            yield from section.events
        yield from self.late
        yield from self.borderline
