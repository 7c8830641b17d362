"""Addresses with place-holders → the addresses of a window.

Which addresses there are follows from the place-holders: one for each day where {date} or {day} is among them, for
each week at {monday}, for each month at {month}, for each year at {year}; one for all with {start} and {end}.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from config.sources import placeholders
from extractors.archives.window import DAY, Days


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
