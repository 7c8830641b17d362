"""The stretch of days that is looked through, and the days that addresses and file names state.

Outlets date by their own clock, and their servers by another: a sitemap by the day may be cut at midnight UTC, an
agency dates its Bishkek edition in Moscow. So what is dated up to a day outside the window may belong to it, and is
kept: the page itself decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from config.sources import placeholders
from extractors.dates.addresses import DAY, Days

SLACK = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """The days from `first` to `last`, both included, in the publisher's `zone`."""

    first: date
    last: date
    zone: tzinfo

    @property
    def wide(self) -> Days:
        """The days with the slack at both ends."""
        return Days(self.first - SLACK, self.last + SLACK)

    @property
    def start(self) -> datetime:
        """The first moment of `wide`."""
        return datetime.combine(self.wide.first, time(), self.zone)

    @property
    def end(self) -> datetime:
        """The first moment after `wide`."""
        return datetime.combine(self.wide.last + DAY, time(), self.zone)

    def side(self, days: Days) -> int:
        """Where these days lie: -1 all before `wide`, 1 all after it, 0 otherwise."""
        return (days.first > self.wide.last) - (days.last < self.wide.first)

    def day(self, moment: datetime) -> date:
        """The day of a moment in the publisher's zone."""
        return moment.astimezone(self.zone).date()


# --- Addresses of articles --------------------------------------------------------------------------------------


# --- Names of sitemaps ------------------------------------------------------------------------------------------


class _Page:
    """Puts the place-holder for the page back."""

    def __format__(self, spec: str) -> str:
        return f"{{page:{spec}}}" if spec else "{page}"


def dated_urls(template: str, days: Days, *, today: date) -> list[str]:
    """The addresses for these days up to `today`, each once and in order; {page} is left in them."""
    last = min(days.last, today)
    urls = (
        template.format(
            date=day,
            day=day.day,
            month=day.month,
            year=day.year,
            monday=_monday(day),
            start=days.first,
            end=days.last,
            page=_Page(),
        )
        for day in _steps(placeholders(template), days.first, last)
    )
    return list(dict.fromkeys(urls))


def page_url(template: str, page: int) -> str:
    """The address of one page."""
    return template.format(page=page)


def _steps(names: tuple[str, ...], first: date, last: date) -> Iterator[date]:
    """A day for each address."""
    if not {"date", "day", "monday", "month", "year"} & set(names):
        yield first
        return
    day = first
    while day <= last:
        yield day
        if "date" in names or "day" in names:
            day += DAY
        elif "monday" in names:
            day = _monday(day) + timedelta(days=7)
        elif "month" in names:
            day = (day.replace(day=1) + 31 * DAY).replace(day=1)
        else:
            day = date(day.year + 1, 1, 1)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
