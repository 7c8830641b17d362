"""The content of a digest as values: stories by event and country, sources that need a look, figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Also:
    """Another outlet that has the story, how often; `language` where it is another than the story's."""

    outlet: str
    url: str | None
    language: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Story:
    """One story, told by one article; the other articles and pages that tell the same are in `also`."""

    number: int
    title: str | None
    url: str | None
    outlet: str
    country: str | None
    language: str | None
    day: date | None
    sentences: str
    terms: tuple[tuple[str, ...], ...]  # that make it on topic, by group
    also: tuple[Also, ...]

    @property
    def texts(self) -> int:
        """How many pages tell it."""
        return 1 + sum(also.count for also in self.also)


@dataclass(frozen=True, slots=True)
class CountryStories:
    """The stories of one country's outlets; None: not known."""

    country: str | None
    stories: tuple[Story, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """Several stories on one event, the leading one first."""

    countries: tuple[CountryStories, ...]

    @property
    def stories(self) -> tuple[Story, ...]:
        """All stories of the event."""
        return tuple(story for country in self.countries for story in country.stories)

    @property
    def texts(self) -> int:
        """How many texts tell of it, reprints among them."""
        return sum(story.texts for story in self.stories)

    @property
    def outlets(self) -> int:
        """How many outlets have at least one of these texts."""
        stories = self.stories
        return len({story.outlet for story in stories} | {also.outlet for story in stories for also in story.also})


@dataclass(frozen=True, slots=True)
class HealthNote:
    """A source that needs a look: its state and the reason as `storage.health.states` tells them."""

    outlet: str
    state: str
    since: date | None  # None: it was never read
    why: str


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a digest. `articles` counts those it is made of; those folded into another's story included."""

    title: str
    frame: str
    now: datetime  # in the reader's zone
    since: datetime | None  # in the reader's zone; None: there was no digest before
    articles: int
    outlets: int  # of these articles, without reprints
    events: tuple[Event, ...] = ()  # with several stories, those with most texts first
    countries: tuple[CountryStories, ...] = ()  # all other stories
    borderline: tuple[Story, ...] = ()
    days: tuple[tuple[date, int], ...] = ()  # articles in the corpus by day, DAYS of them
    by_country: tuple[tuple[str | None, int], ...] = ()  # of these days, most first
    health: tuple[HealthNote, ...] = ()
    sources: int = 0  # that are watched
    passes: int = 0
    counts: tuple[tuple[str, int], ...] = ()  # of the passes: new, appended, duplicates …

    @property
    def stories(self) -> int:
        """How many stories are shown, borderline ones included."""
        singles = sum(len(country.stories) for country in self.countries)
        return sum(len(event.stories) for event in self.events) + singles + len(self.borderline)
