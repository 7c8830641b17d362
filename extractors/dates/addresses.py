"""The days that addresses and file names state."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, tzinfo
from itertools import pairwise
from statistics import median_low
from urllib.parse import unquote, urlsplit

from extractors.dates.worded import month_named, writes_month_first
from extractors.period import DAY, Period, hull, month_of

MONDAY = 0

_YEAR = r"(?P<y>199[5-9]|20\d\d)"
_MONTH_NAME = r"(?P<name>[^\W\d_]{3,12})"
# Whole segments, or the beginning of one: later in a slug a date is what the article is about, and one as people write
# it may be that at the beginning too. Eight digits before ".html" may be a number like any other.
_ADDRESS_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"/{_YEAR}/(?P<m>\d\d?)/(?P<d>\d\d?)(?=[/_-]|$)",
        rf"/{_YEAR}-(?P<m>\d\d)-(?P<d>\d\d)(?=[/_-]|$)",
        rf"/{_YEAR}(?P<m>\d\d)(?P<d>\d\d)(?=[/_-])",
        rf"/{_YEAR}[/-]{_MONTH_NAME}[/-](?P<d>\d\d?)(?=/|$)",  # /2025/nov/06/
        rf"/(?P<d>\d\d?)(?P<first>[/.-])(?P<m>\d\d?)(?P=first){_YEAR}(?=/|$)",  # /06/11/2025/
        rf"/(?P<d>\d\d?)[/.-]?{_MONTH_NAME}[/.-]?{_YEAR}(?=/|$)",  # /06nov2025/
        rf"/{_MONTH_NAME}[/.-](?P<d>\d\d?)[/.-]{_YEAR}(?=/|$)",  # /nov/06/2025/
        rf"/{_YEAR}[/-](?P<m>\d\d?)(?=/)",
        rf"/{_YEAR}[/-]{_MONTH_NAME}(?=/)",
    )
)


def address_days(url: str, zone: tzinfo | None = None) -> Period | None:
    """Return the day, or month, of publication in an article's address, such as /2025/11/06/; None for none.

    `zone` is the publisher's: "/03/04/2025/" is March in America, and April elsewhere.
    """
    path = unquote(urlsplit(url).path)
    month_first = zone is not None and bool(writes_month_first(zone))
    for form in _ADDRESS_FORMS:
        if (match := form.search(path)) and (days := _days(_ordered(match.groupdict(), month_first=month_first))):
            return days
    return None


def _ordered(fields: dict[str, str | None], *, month_first: bool) -> dict[str, str | None]:
    """Return the fields with the month as a number, and with day and month in their places."""
    if name := fields.get("name"):
        return {**fields, "m": str(month_named(name) or 0)}
    if fields.get("first"):
        day, month = int(fields["d"] or 0), int(fields["m"] or 0)
        if (month_first and day <= 12) or month > 12:
            return {**fields, "d": fields["m"], "m": fields["d"]}
    return fields


def _days(fields: dict[str, str | None]) -> Period | None:
    try:
        if fields.get("d"):
            day = date(int(fields["y"] or 0), int(fields["m"] or 0), int(fields["d"] or 0))
            return Period(day, day)
        return month_of(int(fields["y"] or 0), int(fields["m"] or 0))
    except ValueError:
        return None


_NUMBER = re.compile(r"\d{1,18}")
_NAMED = tuple(
    re.compile(rf"(?:^|[^a-z])(?:{names})[=_/-]?(\d{{{digits}}})(?!\d)", re.IGNORECASE)
    for names, digits in (("year|yyyy|y", "4"), ("month|mm|m", "1,2"), ("day|dd|d", "1,2"))
)
_FULL = re.compile(rf"(?<!\d){_YEAR}(?P<s>[-_./]?)(?P<m>\d\d)(?P=s)(?P<d>\d\d)(?!\d)")
_LOOSE = re.compile(rf"(?<!\d){_YEAR}(?P<s>[-_./])(?P<m>\d\d?)(?P=s)(?P<d>\d\d?)(?!\d)")
_MONTH = re.compile(rf"(?<!\d){_YEAR}[-_./]?(?P<m>\d\d)(?!\d)")
_ONLY_YEAR = re.compile(rf"(?<!\d){_YEAR}(?!\d)")


def pattern_of(url: str) -> str:
    """Return an address with "#" for each number: files of one series have one pattern."""
    return _NUMBER.sub("#", url)


def numbers_in(url: str) -> list[int]:
    """Return the numbers that `pattern_of` leaves out."""
    return [int(number) for number in _NUMBER.findall(url)]


def part_days(urls: Sequence[str]) -> dict[str, Period]:
    """Return the days that each of these files of one index can hold, by its name; files that do not tell are left out.

    The neighbours of a single day in a name tell its meaning: the first day of a week or a month, or one day.
    """
    found: dict[str, Period] = {}
    series: dict[str, list[str]] = defaultdict(list)
    for url in urls:
        series[pattern_of(url)].append(url)
    for members in series.values():
        for form in _FORMS_OF_NAMES:  # one for all members: of 2025-9, 2025-10 … 2025-13 none is a month
            stated = {url: days for url in members if (days := form(url))}
            if len(stated) == len(members):
                single = {url: days.first for url, days in stated.items() if days.first == days.last}
                found |= {url: days for url, days in stated.items() if url not in single} | _single_days(single)
                break
    return found


def _named(url: str) -> Period | None:
    name = _name(url)
    year, month, day = (match[1] if (match := form.search(name)) else None for form in _NAMED)
    return _days({"y": year, "m": month, "d": day}) if year and month else None


def _numeric(form: re.Pattern[str]) -> Callable[[str], Period | None]:
    return lambda url: hull(filter(None, (_days(match.groupdict()) for match in form.finditer(_name(url)))))


def _years(url: str) -> Period | None:
    return hull(Period(date(int(m["y"]), 1, 1), date(int(m["y"]), 12, 31)) for m in _ONLY_YEAR.finditer(_name(url)))


def _name(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


_FORMS_OF_NAMES = (_named, _numeric(_FULL), _numeric(_LOOSE), _numeric(_MONTH), _years)


def _single_days(named: dict[str, date]) -> dict[str, Period]:
    """Return the days that files named by one day hold. Where that may be their first or their last, take both."""
    days = sorted(set(named.values()))
    if len(days) < 2:
        return {}
    usual = median_low(after - before for before, after in pairwise(days))
    begins = all(d.weekday() == MONDAY for d in days) or all(d.day == 1 for d in days)
    before, after = {days[0]: days[0] - usual}, {days[-1]: days[-1] + usual}
    for early, late in pairwise(days):
        after[early], before[late] = late, early
    return {url: Period(d if begins else before[d] + DAY, after[d] - DAY) for url, d in named.items()}
