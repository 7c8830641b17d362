"""Dates as people read them in a text: "6 ноября 2025", "6 қараша", "2025-yil 6-noyabr", "Nov. 6", "07.11.2025".

One reader for feeds and pages. It is strict, because any text may come: a month counts by its whole name or by a usual
abbreviation in one of the languages (`config/languages/`), a day only if the calendar has it. Without I/O and without a
clock: a date that lacks its year is completed by the caller's reference.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import cache

from config.languages import Languages, languages
from config.phrases import NOTHING, any_of

EARLIEST_YEAR = 1995  # before news on the web: "1970-01-01" and "0001-01-01" are empty fields
FUTURE = timedelta(days=2)  # a wrong zone explains a day; what lies further ahead announces or errs

_DIGIT = re.compile(r"\d")
_LETTERS = re.compile(r"[^\W\d_]+")
_YEAR = r"(?P<y>(?:19|20)\d\d)(?![\d:])"
_NAME = r"(?P<name>[^\W\d_]{3,16})(?![^\W\d_])\.?"


@dataclass(frozen=True, eq=False, slots=True)
class _Words:
    """What the languages say about dates: the month of each name, in all its forms, and how a date is written."""

    months: dict[str, int]
    weekdays: dict[str, frozenset[int]]  # from Monday, 0; a short name may mean several
    numeric: tuple[re.Pattern[str], ...]  # the fuller forms first
    named: tuple[re.Pattern[str], ...]


@cache
def _words(known: Languages) -> _Words:
    return _Words(
        {
            _folded(name + ending): number
            for language in known
            for number, names in enumerate(language.dates.months, 1)
            for name in names
            for ending in ("", *language.dates.month_endings)
        },
        _weekdays(known),
        _numeric_forms(known),
        _named_forms(known),
    )


def _weekdays(known: Languages) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for language in known:
        for number, names in enumerate(language.dates.weekdays):
            for name in names:
                found.setdefault(_folded(name), set()).add(number)
    return {name: frozenset(numbers) for name, numbers in found.items()}


def _numeric_forms(known: Languages) -> tuple[re.Pattern[str], ...]:
    numbered = (
        r"\s?".join(map(_placed, re.split(r"(\{\w+\})", form))) + r"(?!\d)"
        for language in known
        for form in language.dates.numbered
    )
    forms = (
        r"(?<![\d/])(?P<y>(?:19|20)\d\d)(?P<sign>[-./])(?P<m>\d{1,2})(?P=sign)(?P<d>\d{1,2})(?!\d)",  # 2025-11-06
        *numbered,  # 2025年11月6日
        r"(?<![\d./-])(?P<d>\d{1,2})(?P<sign>[./-])(?P<m>\d{1,2})(?P=sign)(?P<y>(?:19|20)\d\d)(?!\d)",  # 06.11.2025
        r"(?<![\d./-])(?P<d>\d{1,2})(?P<sign>[./])(?P<m>\d{1,2})(?P=sign)(?P<short>\d\d)(?![\d./])",  # 06.11.25
    )
    return tuple(map(re.compile, forms))


def _named_forms(known: Languages) -> tuple[re.Pattern[str], ...]:
    dates = [language.dates for language in known]
    ending = rf"(?:[-–\s]?{_any_word(word for d in dates for word in d.day_endings)}(?![^\W\d_]))?"
    of = rf"(?:{_any_word(word for d in dates for word in d.before_month)}\s+)?"
    weekday = rf"(?:{_any_word(name for d in dates for day in d.weekdays for name in day)}(?![^\W\d_])[\s,.]*)?"
    before_year = rf"{weekday}(?:{_any_word(word for d in dates for word in d.before_year)}\s+)?"
    year_word = rf"(?:{ending}[-–\s]*{year_words(known)}(?!\w)\.?)?"
    day = rf"(?<![\d.:/№])(?P<d>\d{{1,2}}){ending}"
    forms = (
        rf"(?<!\d)(?P<y>(?:19|20)\d\d){year_word}[\s,.]*{day}[\s-]+{_NAME}",  # 2025 жылғы 6 қараша
        rf"{day}[\s.–-]*{of}{_NAME}[\s,.-]*{before_year}{_YEAR}",  # 6 November 2025, 6 ноябри соли 2025
        rf"(?<![^\W\d_]){_NAME}[\s-]+(?P<d>\d{{1,2}}){ending}(?:\s*,\s*|\s+){_YEAR}",  # Nov. 6, 2025
        rf"{day}[\s.–-]*{of}{_NAME}",  # 6 ноября
        rf"(?<![^\W\d_]){_NAME}[\s-]+(?P<d>\d{{1,2}}){ending}(?![\d:.]\d|\d)",  # Nov 6
    )
    return tuple(re.compile(form, re.IGNORECASE) for form in forms)


def _placed(piece: str) -> str:
    """Return the pattern of a piece of a date of numbers: a place for a number, or signs taken literally."""
    places = {"{year}": r"(?<!\d)(?P<y>(?:19|20)\d\d)", "{month}": r"(?P<m>\d{1,2})", "{day}": r"(?P<d>\d{1,2})"}
    return places.get(piece) or re.escape(piece.strip())


def _any_word(words: Iterable[str]) -> str:
    return f"(?:{'|'.join(sorted(map(re.escape, words), key=len, reverse=True)) or NOTHING})"


def year_words(known: Languages) -> str:
    """Return a pattern of the words that stand behind a year: "г", "жылғы", "yil"."""
    return any_of(word for language in known for word in language.dates.year_words)


def usual_words() -> re.Pattern[str]:
    """Return a pattern of all that may stand beside a date in a line that shows nothing else."""
    return _usual_words(languages())


@cache
def _usual_words(known: Languages) -> re.Pattern[str]:
    words = [re.escape(name) for language in known for day in language.dates.weekdays for name in day]
    for language in known:
        dates = language.dates
        phrases = (*dates.beside, *dates.published, *dates.updated, *dates.year_words, *language.lines.views)
        words += [any_of(phrases), *map(re.escape, dates.before_year)]
    words.append("gmt|utc|msk|мск|ast|alm|est|edt|et|am|pm|a|p|m|z|t")
    return re.compile(rf"(?<!\w)(?=\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mention:
    """A date in a line, from character `start` to `end`; `year` is None where the line does not say it."""

    year: int | None
    month: int
    day: int
    start: int
    end: int

    def on(self, reference: date, *, latest: date) -> date | None:
        """Return the day meant, not after `latest`; None where there is no such day.

        Without a year it is the last such day up to the day after `reference` (which may be the eve in another zone).
        """
        if self.year is not None:
            stated = date(self.year, self.month, self.day)
            return stated if stated <= latest else None
        last = min(latest, reference + timedelta(days=1))
        for year in (last.year, last.year - 1):
            if _exists(year, self.month, self.day) and (day := date(year, self.month, self.day)) <= last:
                return day
        return None


def mentions(line: str, *, month_first: bool | None = False, near: date | None = None) -> list[Mention]:
    """Return the dates in `line`, in its order; fuller forms go before shorter ones where they overlap.

    "03/04/2025" is read so that a weekday in the line fits it, or else so that it is `near`, the feed's day, or the
    day beside. Where neither tells, `month_first` does: True as in America, False as elsewhere, None not at all.
    """
    found: list[Mention] = []
    if not has_digit(line):  # as most lines: no form does without one
        return found
    words = _words(languages())
    for form in (*words.numeric, *(words.named if _names_month(line, words) else ())):
        for match in form.finditer(line):
            if all(match.end() <= other.start or match.start() >= other.end for other in found):
                mention = _mention(match, line, month_first, near)
                if mention is not None:
                    found.append(mention)
    return sorted(found, key=lambda mention: mention.start)


def only_mention(text: str, *, month_first: bool | None = False, near: date | None = None) -> Mention | None:
    """Return the date that `text` states if it is complete and the only one in it."""
    found = mentions(text, month_first=month_first, near=near)
    return found[0] if len(found) == 1 and found[0].year is not None else None


def _names_month(line: str, words: _Words) -> bool:
    return not words.months.keys().isdisjoint(_LETTERS.findall(_folded(line)))


def has_digit(line: str) -> bool:
    """Say whether there is a digit in the line: without one there is no date."""
    return _DIGIT.search(line) is not None


def writes_month_first(zone: tzinfo) -> bool | None:
    """Say whether "03/04/2025" is March in a publisher's zone: yes in America, no elsewhere, unknown in UTC."""
    name = getattr(zone, "key", "")
    return name.startswith("America/") if name and name not in ("UTC", "Etc/UTC") else None


def _mention(match: re.Match[str], line: str, month_first: bool | None, near: date | None) -> Mention | None:
    fields = match.groupdict()
    day = int(fields["d"])
    year = int(fields["y"]) if fields.get("y") else 2000 + int(fields["short"]) if fields.get("short") else None
    if name := fields.get("name"):
        month = month_named(name)
    else:
        month = int(fields["m"])
        if fields.get("sign") == "/" and match.start("m") > match.start("d"):
            if day != month and min(day, month) >= 1 and max(day, month) <= 12 and year is not None:
                month_first = _reading(line, date(year, month, day), date(year, day, month), month_first, near)
            if month_first is None and day != month and max(day, month) <= 12:
                return None
            if (month_first and day <= 12) or month > 12:
                day, month = month, day
    if month is None or not _exists(year or 2024, month, day):  # 2024: a leap year
        return None
    return Mention(year, month, day, match.start(), match.end())


def _reading(line: str, day_first: date, swapped: date, usual: bool | None, near: date | None) -> bool | None:
    """Say whether a date of two small numbers puts the month first; `usual` where nothing tells."""
    weekdays = _words(languages()).weekdays
    named = [weekdays[word] for word in _LETTERS.findall(_folded(line)) if word in weekdays]
    fitting = [day for day in (day_first, swapped) if any(day.weekday() in numbers for numbers in named)]
    if len(fitting) != 1 and near is not None:
        fitting = [day for day in (day_first, swapped) if abs(day - near) <= timedelta(days=1)]
    return fitting == [swapped] if len(fitting) == 1 else usual


def can_be_true(day: date, *, now: datetime) -> bool:
    """Say whether an article may be of this day: none is of a year before 1995, none of three days after `now`."""
    return day.year >= EARLIEST_YEAR and day <= (now + FUTURE).date()


def month_named(name: str) -> int | None:
    """Return the number of the month with this name, in any of the languages and any case."""
    return _words(languages()).months.get(_folded(name))


def _folded(name: str) -> str:
    """Return `name` in small letters, with "ё" as "е", and with one i: "KASIM" does not tell whether it has a dot."""
    return name.replace("İ", "i").lower().replace("ı", "i").replace("ё", "е")


def _exists(year: int, month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]
