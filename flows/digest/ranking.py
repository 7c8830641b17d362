"""What matters first: the order of events, and the places in which they stand. Pure.

An event weighs by the outlets that tell of it in their own words, then by the countries of these outlets, then by its
score, then by its freshness. Whatever the outlet's country, an event stands under the country that it is about.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from config.languages import REGION
from flows.digest.records import Event, Section, Story

MAIN = 3  # events at most
FEWEST_OUTLETS = 2  # of one of them: what one outlet tells does not stand out
REGION_FIRST = (REGION, "KZ", "KG", "TJ", "TM", "UZ")  # sections in this order every day; then others by their codes


class Places(NamedTuple):
    """The events of a digest in their places."""

    main: tuple[Event, ...]
    sections: tuple[Section, ...]
    late: tuple[Event, ...]
    borderline: tuple[Event, ...]


def arranged(events: Iterable[Event], *, with_late: bool = True) -> Places:
    """Return the events in their places, each in one; without `with_late` late finds are among the others."""
    borderline: list[Event] = []
    late: list[Event] = []
    news: list[Event] = []
    for event in sorted(events, key=weight):
        if all(story.borderline for story in event.stories):
            borderline.append(event)
        elif with_late and all(story.late for story in event.stories):
            late.append(event)
        else:
            news.append(event)
    main = [event for event in news if event.independent >= FEWEST_OUTLETS][:MAIN]
    groups: defaultdict[str | None, list[Event]] = defaultdict(list)
    for event in news:
        if event not in main:
            groups[event.country].append(event)
    sections = tuple(Section(country, tuple(groups[country])) for country in sorted(groups, key=_place))
    return Places(tuple(main), sections, tuple(late), tuple(borderline))


def weight(event: Event) -> tuple[float, ...]:
    """Return the key to sort events by, the weightiest first."""
    homes = len({story.home for story in event.stories if story.home})
    newest = max((story.day or date.min for story in event.stories), default=date.min)
    score = max(story.score for story in event.stories)
    return -event.independent, -homes, -score, -newest.toordinal(), event.number


def country_of(stories: Sequence[Story]) -> str | None:
    """Return the country that most of the stories are about, REGION where two are named as often; None for none."""
    counted = Counter(story.country for story in stories if story.country).most_common(2)
    if len(counted) == 2 and counted[0][1] == counted[1][1]:
        return REGION
    return counted[0][0] if counted else None


def _place(country: str | None) -> tuple[int, str]:
    known = country in REGION_FIRST
    return REGION_FIRST.index(country) if known else len(REGION_FIRST), country or "~"
