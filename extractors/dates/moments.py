"""Read dates as feeds write them into aware datetimes.

Here are the forms of machines: RFC 822/5322 with the zones people invent, RFC 3339 and its loose relatives, seconds of
an epoch. Dates in words or numbers are read as those of pages, by `extractors.dates.worded`. feedparser's own reading
is not used: it returns UTC without saying whether a zone was given, takes a naive date for UTC, and knows English
months only.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from extractors.dates.worded import EARLIEST_YEAR, FUTURE, month_named, only_mention

_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"^(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)(?=T|\s|$)",  # 20251121T100000Z
        r"(?<!\d)(?P<d>\d{1,2})[\s.-]+(?P<name>[^\W\d_]{3,16})\.?[\s,-]+(?P<y>\d\d)(?![\d:])",  # 21 Nov 25
        r"(?<!\d)(?P<y>(?:19|20)\d\d)\s+(?P<name>[^\W\d_]{3,16})\.?\s+(?P<d>\d{1,2})(?![\d:])",  # 2025 November 21
        r"(?P<name>[^\W\d_]{3,16})\.?\s+(?P<d>\d{1,2})(?=\s+\d\d?:\d\d.{0,90}\s(?P<y>\d{4})$)",  # Nov 21 10:00:00 2025
    )
)
_TIME = re.compile(
    r"(?<!\d)(?P<h>\d{1,2}):(?P<min>\d\d?)(?::(?P<s>\d\d?)(?:[.,]\d+)?)?(?!\d)\s*(?P<half>[ap]\.?m\b\.?)?"
    r"|\bT(?P<h2>\d\d)(?P<min2>\d\d)(?P<s2>\d\d)?"
    r"|(?<![\d.:/-])(?P<h3>\d\d?)(?=\s[+-]\d{4}\b)",  # 10 +0500
    re.IGNORECASE,
)
_ZONE = re.compile(
    r"[\s:]*\(?(?:(?P<place>[A-Za-z]{2,20}(?:/[A-Za-z0-9_+-]{2,20}){1,2})|(?P<name>[^\W\d_]{1,5}\b)?)"
    r"\s*(?:-?(?P<sign>[+−-])(?P<h>\d{1,2}):?(?P<min>\d\d)?(?!\d))?"
)
# Seconds, thousandths, millionths of an epoch, with a fraction, and as .NET writes them in JSON.
_EPOCH = re.compile(r"(?:/Date\()?(?P<seconds>\d{10})(?:\d{3}|\d{6})?(?:[.,]\d{1,9})?(?:(?:[+-]\d{4})?\)/)?")

# RFC 5322, 4.3 (universal and American names), and those met in the region. Where a name is not here, or means
# several places (IST), the time is read in the source's own zone.
_ZONES = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 1, "bst": 1, "cet": 1, "cest": 2, "met": 1, "mest": 2,
    "eet": 2, "eest": 3, "trt": 3, "msk": 3, "мск": 3, "msd": 4, "azt": 4, "uzt": 5, "tjt": 5, "tmt": 5, "pkt": 5,
    "yekt": 5, "kgt": 6, "omst": 6, "novt": 7, "krat": 7,
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
    "akst": -9, "akdt": -8, "hst": -10,
}  # fmt: skip
# Names of zones without a word on summer time; Almaty had six hours until March 2024, and has five since.
_PLACES = {
    "almt": "Asia/Almaty", "et": "America/New_York", "ct": "America/Chicago", "mt": "America/Denver",
    "pt": "America/Los_Angeles",
}  # fmt: skip
_EASTERNMOST, _WESTERNMOST = timedelta(hours=14), timedelta(hours=-12)


def parse_date(text: str, *, zone: tzinfo, now: datetime) -> datetime | None:
    """Return the moment `text` states, in the offset it states it in; None where it states none that can be true.

    A date without a zone is read in `zone`, a date without a time as midnight. `now` is aware. None for years
    before 1995, for more than two days after `now`, and for "03/04/2025", which is March or April.
    """
    text = text.strip()[:100]
    if epoch := _EPOCH.fullmatch(text):
        moment: datetime | None = datetime.fromtimestamp(int(epoch["seconds"]), UTC)
    else:
        moment = _stated(text, zone)
    # The year first: next to the year 1 or 9999, comparing across zones can overflow.
    if moment is None or not EARLIEST_YEAR <= moment.year <= now.year + 1:
        return None
    return moment if moment <= now + FUTURE else None


def moment_on(day: date, text: str, zone: tzinfo) -> datetime | None:
    """Return the moment on `day` whose time of day a text states, with its zone or else in `zone`; None without one."""
    return _moment(day.year, day.month, day.day, (text, ""), zone) if _TIME.search(text) else None


def _stated(text: str, zone: tzinfo) -> datetime | None:
    for form in _FORMS:
        if (match := form.search(text)) is None:
            continue
        fields = match.groupdict()
        if month := int(fields["m"]) if fields.get("m") else month_named(fields["name"]):
            rest = text[: match.start()], text[match.end() :]
            return _moment(_year(fields["y"]), month, int(fields["d"]), rest, zone)
    if (day := only_mention(text, month_first=None)) is None or day.year is None:
        return None
    return _moment(day.year, day.month, day.day, (text[: day.start], text[day.end :]), zone)


def _year(digits: str) -> int:
    """Return the year; RFC 5322, 4.3 puts two-digit years from 50 on in the last century."""
    year = int(digits)
    return year if len(digits) > 2 else year + (2000 if year < 50 else 1900)


def _moment(year: int, month: int, day: int, rest: tuple[str, str], zone: tzinfo) -> datetime | None:
    """Return the moment of a day; `rest` is the text before and behind it, with a time and a zone or without."""
    hour = minute = second = 0
    around = " ".join(rest)
    time = _TIME.search(around)
    if time:
        hour, minute = int(time["h"] or time["h2"] or time["h3"]), int(time["min"] or time["min2"] or 0)
        second = min(int(time["s"] or time["s2"] or 0), 59)  # 60 is a leap second
        if time["half"]:
            hour = hour % 12 + (12 if time["half"][0] in "pP" else 0)
    midnight_after = (hour, minute, second) == (24, 0, 0)  # ISO 8601 has two names for midnight
    try:
        naive = datetime(year, month, day, 0 if midnight_after else hour, minute, second)
        naive += timedelta(days=midnight_after)
    except (ValueError, OverflowError):
        return None
    return naive.replace(tzinfo=_zone(around[time.end() :] if time else rest[1]) or zone)


def _zone(text: str) -> tzinfo | None:
    """Return the zone that `text` begins with: "+0500", "GMT+5", "Z", "EST", "(MSK)", "America/Los_Angeles"."""
    match = _ZONE.match(text)
    if match is None:
        return None
    name = (match["name"] or "").lower()
    if match["h"]:
        offset = timedelta(hours=int(match["h"]), minutes=int(match["min"] or 0)) * (1 if match["sign"] == "+" else -1)
        return timezone(offset) if _WESTERNMOST <= offset <= _EASTERNMOST else None
    if name in _ZONES:
        return timezone(timedelta(hours=_ZONES[name]))
    place = _PLACES.get(name) or _places().get((match["place"] or "").lower())
    return ZoneInfo(place) if place else None


@cache
def _places() -> dict[str, str]:
    """Return the names of the zone database under themselves in small letters."""
    return {name.lower(): name for name in available_timezones()}
