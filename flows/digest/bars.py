"""The figures of a digest as bars made of table cells.

They show in every mail client, also where pictures are blocked, and their labels are text in the reader's own language.
They stand on the dark band at the top, in its colours, so they look the same in light and dark surroundings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flows.digest.records import Content
from flows.digest.words import Words

HEIGHT = 76  # pixels of the highest bar of a day
ROWS = 6  # of countries
LABEL_COLUMNS = 7  # days that the number above the highest bar is wide
MOST_NAMED = 12  # countries in the sentence that says the same


@dataclass(frozen=True, slots=True)
class Days:
    """Articles a day. `heights` are pixels, oldest day first, 0 for none; `alt` says the same in a sentence.

    `most` stands above the highest bar: `columns` are the days that its cell leaves free, covers, and leaves free.
    """

    heights: tuple[int, ...]
    most: str
    columns: tuple[int, int, int]
    ends: tuple[str, str]
    alt: str


@dataclass(frozen=True, slots=True)
class Countries:
    """Articles by country, most first: name, percents of the longest bar, and the number."""

    rows: tuple[tuple[str, int, str], ...]
    alt: str


def days_bars(content: Content, words: Words) -> Days:
    """Return a bar for each day; the highest bar is labelled with its number."""
    year, days = content.now.year, content.days or ((content.now.date(), 0),)
    day, most = max(days, key=lambda pair: pair[1])
    first, last = days[0][0], days[-1][0]
    alt = words.days_alt.format(
        first=words.day(first, year=year), last=words.day(last, year=year), day=words.day(day, year=year),
        total=words.number(sum(count for _, count in days)), most=words.number(most),
    )  # fmt: skip
    return Days(
        heights=tuple(_share(count, most, HEIGHT) for _, count in days),
        most=words.number(most) if most else "",
        columns=_columns([pair[0] for pair in days].index(day), len(days)),
        ends=(words.short_day(first), words.short_day(last)),
        alt=alt,
    )


def countries_bars(content: Content, words: Words) -> Countries:
    """Return a bar for each country; countries beyond ROWS and unknown ones share a bar."""
    year, by_country = content.now.year, content.by_country
    ends: Sequence[date] = [day for day, _ in content.days] or [content.now.date()]
    named = [f"{words.country_name(code)} {words.number(count)}" for code, count in by_country[:MOST_NAMED]]
    alt = words.by_country_alt.format(
        first=words.day(ends[0], year=year), last=words.day(ends[-1], year=year), list=", ".join(named) or "0"
    )
    known = [(code, count) for code, count in by_country if code]
    shown = known if len(known) == len(by_country) <= ROWS else known[: ROWS - 1]
    rest = sum(count for _, count in by_country) - sum(count for _, count in shown)
    rows = [*shown, (None, rest)] if rest else shown
    most = max((count for _, count in rows), default=0)
    return Countries(
        tuple((words.country_name(code), _share(count, most, 100), words.number(count)) for code, count in rows), alt
    )


def _share(count: int, most: int, whole: int) -> int:
    """Return the part of `whole`, at least 1 if it is not empty."""
    return max(1, round(whole * count / most)) if count else 0


def _columns(place: int, count: int) -> tuple[int, int, int]:
    """Return the days before, below and after a label, centred at `place` as far as there is room."""
    width = min(LABEL_COLUMNS, count)
    before = min(max(0, place - width // 2), count - width)
    return before, width, count - before - width
