"""On which day an article was published, in its publisher's own zone.

Every source of a date makes a candidate; the first in the order of `ORDER` wins, because a statement made for
machines (JSON-LD, meta elements, the feed) is more often right than a date found in the text. No date is better
than a wrong one: days before the web's news sites and days in the future are no candidates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING

import htmldate
import htmldate.extractors
from lxml.html import HtmlElement

from extractors.records import DateCandidate

if TYPE_CHECKING:
    from dateparser import DateDataParser

ORDER = ("json-ld", "meta", "time", "feed", "url", "htmldate")
EARLIEST = date(1995, 1, 1)
FUTURE_TOLERANCE = timedelta(days=1)  # a day that has begun further east

_NUMERIC = re.compile(r"(?P<d>\d{1,2})[./](?P<m>\d{1,2})[./](?P<y>\d{4})")
_URL_DAY = re.compile(r"[/_-](?P<y>20\d\d)[/_-]?(?P<m>[01]\d)[/_-]?(?P<d>[0-3]\d)(?=[/_.-]|$)")


def parse_day(text: str, zone: tzinfo) -> date | None:
    """The day in `zone` that a machine-readable date means; None for what is not one.

    Understood are ISO 8601, RFC 5322 and day.month.year. A moment with an offset is carried into `zone`;
    one without is taken to be in `zone` already.
    """
    text = text.strip()
    moment: datetime | None = None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        if iso := re.match(r"(\d{4}-\d{2}-\d{2})(?!\d)", text):
            return _date(*map(int, iso[1].split("-")))
        if numeric := _NUMERIC.match(text):
            return _date(int(numeric["y"]), int(numeric["m"]), int(numeric["d"]))
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
    if moment.tzinfo is None:
        return moment.date()
    try:
        return moment.astimezone(zone).date()
    except OverflowError:
        return None


def day_in_url(url: str) -> date | None:
    """The day that the address itself states (/2025/11/06/, _20251106.html)."""
    found = _URL_DAY.search(url)
    return _date(int(found["y"]), int(found["m"]), int(found["d"])) if found else None


def choose(candidates: Iterable[DateCandidate], *, now: datetime) -> DateCandidate | None:
    """The candidate to believe: the first by origin among those that can be true at `now`."""
    latest = (now + FUTURE_TOLERANCE).date()
    possible = [c for c in candidates if EARLIEST <= c.day <= latest]
    return min(possible, key=lambda c: ORDER.index(c.origin), default=None)


def search_day(tree: HtmlElement, url: str, zone: tzinfo) -> date | None:
    """The day that htmldate finds in a page's address, markup and text: slower and less sure than a stated one."""
    # Left alone, htmldate lets dateparser try some 200 languages: 4 s at the first page and five times the time on
    # every further one. It offers no argument for the languages, only this function to replace.
    htmldate.extractors.get_external_parser = date_parser
    found = htmldate.find_date(tree, url=url, original_date=True, outputformat="%Y-%m-%d")
    day = parse_day(found, zone) if found else None
    # Of a bare year in the text ("© 2025", "в 2024 году") htmldate makes its first day.
    return None if day is not None and (day.month, day.day) == (1, 1) else day


@cache
def date_parser() -> DateDataParser:
    """dateparser for the languages that our sources write."""
    from dateparser import DateDataParser

    return DateDataParser(
        languages=["ru", "en", "kk", "ky", "uz", "uz-Cyrl", "uk", "tr", "az", "de"],  # of ours, it lacks tg and tk
        settings={  # those of htmldate
            "NORMALIZE": True,
            "PARSERS": ["custom-formats", "absolute-time"],
            "PREFER_DATES_FROM": "past",
            "PREFER_LOCALE_DATE_ORDER": True,
            "RETURN_AS_TIMEZONE_AWARE": False,
            "STRICT_PARSING": True,
        },
    )


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
