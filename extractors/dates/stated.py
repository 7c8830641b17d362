"""A date as a page states it for machines, or shows it to its readers: the day, and the time if it is there too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from email.utils import parsedate_to_datetime

from extractors.dates.moments import moment_on
from extractors.dates.worded import only_mention, writes_month_first

_EPOCH = re.compile(r"(?P<seconds>[1-9]\d{9})(?:\d{3})?")
_ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?!\d)")
_LONGEST = 100  # characters of a stated date that are read
_ALONE = 60  # characters of a date in words: a longer text is a sentence


@dataclass(frozen=True, slots=True)
class Stated:
    """A day in the publisher's zone, and the time of it, in the zone in which it is stated, else in the publisher's."""

    day: date
    moment: datetime | None = None


def read_stated(text: str, zone: tzinfo, *, near: date | None = None) -> Stated | None:
    """Return what a stated date means in `zone`; None for what is not one.

    Understood are ISO 8601, RFC 5322, seconds of an epoch, and a date in words or numbers that is complete. A moment
    with an offset is carried into `zone`; one without is taken to be in `zone` already. "03/04/2025" is what a weekday
    beside it says, else what is `near`, else March for publishers in America.
    """
    text = text.strip()[:_LONGEST]
    moment: datetime | None = None
    if epoch := _EPOCH.fullmatch(text):
        return _of_moment(datetime.fromtimestamp(int(epoch["seconds"]), zone), zone)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        if iso := _ISO_DAY.match(text):
            return _of_day(iso[1], iso[2], iso[3], text[iso.end() :], zone)
        moment = _mail_date(text)
    if moment is not None:
        return _of_moment(moment, zone)
    found = only_mention(text, month_first=writes_month_first(zone), near=near) if len(text) <= _ALONE else None
    if found is None or found.year is None:
        return None
    return _of_day(found.year, found.month, found.day, f"{text[: found.start]} {text[found.end :]}", zone)


def parse_day(text: str, zone: tzinfo, *, near: date | None = None) -> date | None:
    """Return the day in `zone` that a stated date means, see `read_stated`."""
    stated = read_stated(text, zone, near=near)
    return stated.day if stated else None


def time_of_day(day: date, text: str, zone: tzinfo) -> datetime | None:
    """Return the moment on `day` in `zone` that the time in a text means, with its zone if it names one."""
    moment = moment_on(day, text, zone)
    return None if moment is None or _day_in(zone, moment) != day else exact(moment, zone)


def exact(moment: datetime, zone: tzinfo) -> datetime | None:
    """Return a moment to the second. Midnight, there or in `zone`, is how programs write a day without a time: None."""
    try:
        midnights = {moment.time().replace(microsecond=0), moment.astimezone(zone).time().replace(microsecond=0)}
    except OverflowError:
        return None
    return None if time() in midnights else moment.replace(microsecond=0)


def _of_moment(moment: datetime, zone: tzinfo) -> Stated | None:
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    day = _day_in(zone, moment)
    return None if day is None else Stated(day, exact(moment, zone))


def _of_day(year: int | str, month: int | str, day: int | str, rest: str, zone: tzinfo) -> Stated | None:
    try:
        stated = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return Stated(stated, time_of_day(stated, rest, zone))


def _day_in(zone: tzinfo, moment: datetime) -> date | None:
    try:
        return moment.astimezone(zone).date()
    except OverflowError:  # next to the year 1 or 9999
        return None


def _mail_date(text: str) -> datetime | None:
    """Read a date of RFC 5322; its reader takes "06.11.2025 12:30" for something, so a month must be named."""
    if not re.search(r"[A-Za-z]{3}", text):
        return None
    try:
        return parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
