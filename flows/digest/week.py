"""The figures of a weekly edition: this week beside the mean of the weeks before. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, Literal

from config.sources import Source
from extractors.period import Period
from extractors.topic.country import OTHER
from flows.digest.records import Figure
from storage.digests.facts import CountedArticle

WEEKS_BEFORE = 4
ROWS = 8  # of outlets and of words
DAYS: Final = "days"
OUTLETS: Final = "outlets"
COUNTRIES: Final = "countries"
SAID: Final = "said"
Subject = Literal["outlets", "countries", "said"]


def weeks_until(day: date) -> Period:
    """Return the time that the figures need: the seven days before this day, and the weeks before those."""
    return Period(day - timedelta(days=7 * (WEEKS_BEFORE + 1)), day - timedelta(days=1))


def figures_of(
    counted: Sequence[CountedArticle],
    day: date,
    sources: Mapping[str, Source],
    name_of: Callable[[str, str], str],
) -> tuple[Figure, ...]:
    """Return the figures of the seven days before `day`; `name_of` names a value of a subject."""
    first = day - timedelta(days=7)
    week = [one for one in counted if first <= one.day < day]
    before = [one for one in counted if one.day < first]
    subjects: dict[Subject, Callable[[CountedArticle], Iterable[str]]] = {
        OUTLETS: lambda one: [one.source_id] if one.source_id and one.source_id in sources else [],
        COUNTRIES: lambda one: [one.country] if one.country and one.country != OTHER else [],
        SAID: lambda one: one.terms,
    }
    figures = [Figure(DAYS, tuple(_by_day(week, before, first)))]
    for subject, values in subjects.items():
        now = Counter(name_of(subject, value) for one in week for value in values(one))
        then = Counter(name_of(subject, value) for one in before for value in values(one))
        lines = [(name, count, then[name] / WEEKS_BEFORE) for name, count in now.items()]
        lines.sort(key=lambda line: (-line[1], line[2], line[0]))
        figures.append(Figure(subject, tuple(lines[:ROWS])))
    return tuple(figure for figure in figures if any(count for _, count, _ in figure.lines))


def _by_day(
    week: Sequence[CountedArticle], before: Sequence[CountedArticle], first: date
) -> Iterator[tuple[str, int, float]]:
    """Yield the events of each day beside their mean on the same day of the weeks before."""
    now = Counter(day for day, _ in {(one.day, one.event) for one in week})
    then = Counter(day.weekday() for day, _ in {(one.day, one.event) for one in before})
    for offset in range(7):
        day = first + timedelta(days=offset)
        yield day.isoformat(), now[day], then[day.weekday()] / WEEKS_BEFORE
