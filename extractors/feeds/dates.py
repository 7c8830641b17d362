"""Dates as feeds write them → aware datetimes.

RFC 822/5322 with the zones people invent, RFC 3339 and its loose relatives, and dates in words in English, Russian,
Kazakh and Uzbek. feedparser's own reading is not used: it returns UTC without saying whether a zone was given, takes
a naive date for UTC, and knows English months only.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

_EARLIEST_YEAR = 1995  # before news on the web: "1970-01-01" and "0001-01-01" are empty fields
_FUTURE = timedelta(days=2)  # a wrong zone explains a day; what lies further ahead announces or errs

# The first letters tell: three, or four where three do not ("iyun", "iyul").
_MONTHS = {
    start: number
    for number, starts in enumerate(
        (
            "jan янв қаң yan", "feb фев ақп fev", "mar мар нау", "apr апр сәу", "may май мая мам", "jun июн мау iyun",
            "jul июл шіл iyul", "aug авг там avg", "sep сен қыр sen", "oct окт қаз okt", "nov ноя қар noy",
            "dec дек жел dek",
        ),
        start=1,
    )
    for start in starts.split()
}  # fmt: skip

_NAME = r"(?P<name>[^\W\d_]{3,12})\.?"
_DAY = r"(?<!\d)(?P<d>\d{1,2})"
_YEAR = r"(?P<y>\d{4})(?!\d)"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"(?<!\d)(?P<y>\d{4})[-./](?P<m>\d{1,2})[-./](?P<d>\d{1,2})(?!\d)",  # 2025-11-21
        r"^(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)(?=T|\s|$)",  # 20251121T100000Z
        rf"{_DAY}\.(?P<m>\d{{1,2}})\.{_YEAR}",  # 21.11.2025
        rf"{_DAY}(?:st|nd|rd|th)?[\s.-]+{_NAME}[\s,-]+(?P<y>\d{{4}}|\d\d)(?![\d:])",  # 21 Nov 2025, 21-ноя-25
        rf"{_NAME}\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+{_YEAR}",  # Nov 21, 2025
        rf"{_NAME}\s+(?P<d>\d{{1,2}})(?=\s+\d\d?:\d\d.{{0,90}}\s(?P<y>\d{{4}})$)",  # Fri Nov 21 10:00:00 UTC 2025
        # 2025 жылғы 21 қараша
        rf"(?<!\d){_YEAR}\s*(?:(?:жылғы|жылы|жыл|ж\.|yil)[\s,]*|,[\s,]*)?(?P<d>\d{{1,2}})[\s-]+{_NAME}",
    )
)
_TIME = re.compile(
    r"(?<!\d)(?P<h>\d{1,2}):(?P<min>\d\d)(?::(?P<s>\d\d)(?:[.,]\d+)?)?(?!\d)\s*(?P<half>[ap]\.?m\b\.?)?"
    r"|\bT(?P<h2>\d\d)(?P<min2>\d\d)(?P<s2>\d\d)?",
    re.IGNORECASE,
)
_ZONE = re.compile(r"\s*\(?(?P<name>[^\W\d_]{1,5}\b)?\s*(?:(?P<sign>[+−-])(?P<h>\d{1,2}):?(?P<min>\d\d)?(?!\d))?")
_EPOCH = re.compile(r"(?P<seconds>\d{10})(?:\d{3})?")

# RFC 5322, 4.3 (universal and American names), and those met in the region. Where a name is not here, or means
# several places (IST), the time is read in the source's own zone.
_ZONES = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "bst": 1, "cet": 1, "cest": 2, "eet": 2, "eest": 3,
    "msk": 3, "мск": 3, "msd": 4, "uzt": 5, "tjt": 5, "tmt": 5, "kgt": 6,
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
}  # fmt: skip
_WIDEST_OFFSET = timedelta(hours=14)


def parse_date(text: str, *, zone: tzinfo, now: datetime) -> datetime | None:
    """The moment `text` states, in the offset it states it in; None where it states none that can be true.

    A date without a zone is read in `zone`, a date without a time as midnight. `now` is aware. None for years
    before 1995, for more than two days after `now`, and for "03/04/2025", which is March or April.
    """
    text = text.strip()[:100]
    if epoch := _EPOCH.fullmatch(text):
        moment: datetime | None = datetime.fromtimestamp(int(epoch["seconds"]), UTC)
    else:
        moment = _worded(text, zone)
    # The year first: next to the year 1 or 9999, comparing across zones can overflow.
    if moment is None or not _EARLIEST_YEAR <= moment.year <= now.year + 1:
        return None
    return moment if moment <= now + _FUTURE else None


def _worded(text: str, zone: tzinfo) -> datetime | None:
    for form in _FORMS:
        match = form.search(text)
        if match is None:
            continue
        fields = match.groupdict()
        month = int(fields["m"]) if fields.get("m") else _month(fields["name"])
        if month is None:
            continue
        rest = text[: match.start()] + " " + text[match.end() :]
        return _moment(_year(fields["y"]), month, int(fields["d"]), rest, zone)
    return None


def _month(name: str) -> int | None:
    lower = name.lower()
    return _MONTHS.get(lower[:3]) or _MONTHS.get(lower[:4])


def _year(digits: str) -> int:
    """RFC 5322, 4.3 puts two-digit years from 50 on in the last century."""
    year = int(digits)
    return year if len(digits) > 2 else year + (2000 if year < 50 else 1900)


def _moment(year: int, month: int, day: int, rest: str, zone: tzinfo) -> datetime | None:
    """`rest` is what the text holds besides the date: a time and a zone, or nothing that matters."""
    hour = minute = second = 0
    time = _TIME.search(rest)
    if time:
        hour, minute = int(time["h"] or time["h2"]), int(time["min"] or time["min2"])
        second = min(int(time["s"] or time["s2"] or 0), 59)  # 60 is a leap second
        if time["half"]:
            hour = hour % 12 + (12 if time["half"][0] in "pP" else 0)
    midnight_after = (hour, minute, second) == (24, 0, 0)  # ISO 8601 has two names for midnight
    try:
        naive = datetime(year, month, day, 0 if midnight_after else hour, minute, second)
        naive += timedelta(days=midnight_after)
    except (ValueError, OverflowError):
        return None
    return naive.replace(tzinfo=(_zone(rest[time.end() :]) if time else None) or zone)


def _zone(text: str) -> tzinfo | None:
    """The zone that `text` begins with: "+0500", "+05:00", "GMT+5", "Z", "EST", "(MSK)"."""
    match = _ZONE.match(text)
    if match is None:
        return None
    if match["h"]:
        offset = timedelta(hours=int(match["h"]), minutes=int(match["min"] or 0))
        if offset > _WIDEST_OFFSET:
            return None
        return timezone(offset if match["sign"] == "+" else -offset)
    name = (match["name"] or "").lower()
    if name == "almt":
        return ZoneInfo("Asia/Almaty")  # six hours until March 2024, five since
    return timezone(timedelta(hours=_ZONES[name])) if name in _ZONES else None
