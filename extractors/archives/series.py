"""Read the documents of a series: their addresses by date or number, and those of a long one with the wanted days.

Pages of a feed go back in time, shards of a sitemap go up or down, and not all of them need to be read. The dates
inside decide: as long as all that was read is dated and strictly in order, the beginning is found by bisection and
reading ends once two documents in a row lie past the wanted days. Anything undated or out of order, and the series is
read from one end to the other.

The catalogue needs it: orda, daryo, uznews and eurasianet have sitemaps by number, zakon and vlast lists by page,
gazeta.uz, spot, kun.uz, sputnik and ria sitemaps by date; the feeds of WordPress have pages as well.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Generic, TypeVar

from config.sources import placeholders
from extractors.period import DAY, Period, month_of

FEW = 4  # so few are read as they are
PAST = 2  # documents in a row past the window, in a series in order
AHEAD = 1  # documents behind a missing one that are asked for: it may be missing in the middle, and not past the end
PAST_UNORDERED = 3  # the same in a series that has an order with exceptions, such as a feed with a pinned item

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """One document of the series; `days` are those of all its articles, None when they are not known."""

    content: T
    days: Period | None


Read = Callable[[int], Awaitable[Part[T] | None]]


async def read_numbered(
    read: Read[T],
    wanted: Period,
    *,
    first: int = 1,
    last: int | None = None,
    missing: Callable[[int], None] | None = None,
) -> AsyncGenerator[Part[T], None]:
    """Yield the parts that may hold something of the `wanted` days, each once.

    `read` gives the part with a number, or None where there is none. Without `last` the end is found: a number behind
    which there is none either. `read` is asked for no number twice. `missing` hears of those missing in the middle.
    """
    series = _Series(read, wanted, missing)
    if last is None or last - first >= FEW:
        start = await _start(series, first, last)
        past = 0
        number = start
        while series.order is not None and past < PAST and (last is None or number <= last):
            part = await series.get(number)
            if part is None and last is None:
                if number == first or not await series.goes_on_behind(number):
                    return
                number += 1
                continue
            if series.order is not None:
                past = past + 1 if series.progress(number) > 0 else 0
                if part is not None and not past:
                    series.given.add(number)
                    yield part
                number += 1
        if series.order is not None:
            return
    async for part in _all(series, first, last):
        yield part


class _Series(Generic[T]):
    """The parts read so far. `order` is 1 where days rise with the numbers, -1 where they fall, 0 as long as all parts
    are of the same days, None when there is no order to rely on.
    """

    def __init__(self, read: Read[T], wanted: Period, missing: Callable[[int], None] | None) -> None:
        self._read = read
        self._missing = missing
        self._wanted = wanted
        self._known: dict[int, Part[T] | None] = {}
        self.given: set[int] = set()
        self.order: int | None = 0

    async def get(self, number: int) -> Part[T] | None:
        if number not in self._known:
            self._known[number] = await self._read(number)
            self.order = self._find_order()
        return self._known[number]

    async def goes_on_behind(self, number: int) -> bool:
        """Whether the part with this number, which is not there, is only missing in the middle."""
        for behind in range(number + 1, number + 1 + AHEAD):
            if await self.get(behind) is not None:
                if self._missing is not None:
                    self._missing(number)
                return True
        return False

    def side(self, number: int) -> int:
        """Return where a part that was read lies: -1 before the window, 1 after it, 0 inside or unknown."""
        part = self._known[number]
        return part.days.side(self._wanted) if part and part.days else 0

    def progress(self, number: int) -> int:
        """Return -1: the window comes further on; 1: it is past; 0: here, or unknown. `order` must not be None."""
        if self._known[number] is None:
            return 1
        return self.side(number) * (self.order or 0)

    def _find_order(self) -> int | None:
        parts = [part for _, part in sorted(self._known.items()) if part is not None]
        days = [part.days for part in parts if part.days is not None]
        if len(days) < len(parts):
            return None
        rising = all(early.last <= late.first for early, late in pairwise(days))
        falling = all(early.first >= late.last for early, late in pairwise(days))
        return None if not rising and not falling else 0 if rising and falling else 1 if rising else -1


async def _start(series: _Series[T], first: int, last: int | None) -> int:
    """Return the first number that may hold something of the window, or one past it."""
    low, step = first, 1
    if await series.get(first) is None or series.order is None:
        return first
    if last is not None:
        high = last
        await series.get(high)
    else:
        high = first
        while series.order is not None:
            if series.order == 0 and series.side(high) == 0:
                return first  # nothing says that anything may be left out
            if series.order != 0 and series.progress(high) >= 0:
                break
            low, high, step = high, high + step, step * 2
            if await series.get(high) is None:
                break
    if series.order is None or series.progress(first) >= 0:
        return first
    low = max(low, first)
    while series.order is not None and high - low > 1:
        middle = (low + high) // 2
        await series.get(middle)
        if series.order is not None:
            low, high = (middle, high) if series.progress(middle) < 0 else (low, middle)
    return high


async def _all(series: _Series[T], first: int, last: int | None) -> AsyncGenerator[Part[T], None]:
    """Yield every part not given yet. An open series ends where several in a row lead away from the window."""
    number = first
    away: list[Period] = []
    before = 0
    while last is None or number <= last:
        part = await series.get(number)
        if part is None and last is None:
            if number == first or not await series.goes_on_behind(number):
                return
            number += 1
            continue
        side = series.side(number)
        if not side or part is None or part.days is None:
            away = []
        elif side == before and away and _leads_on(away[-1], part.days, side):
            away.append(part.days)
        else:
            away = [part.days]
        before = side
        if last is None and len(away) >= PAST_UNORDERED and away[0] != away[-1]:
            return
        if part is not None and number not in series.given:
            yield part
        number += 1


def _leads_on(days: Period, following: Period, side: int) -> bool:
    """Say whether the next part lies on the same side of the window, and no nearer."""
    return following.last <= days.last if side < 0 else following.first >= days.first


class _Page:
    """A value whose format is the place-holder for the page itself."""

    def __format__(self, spec: str) -> str:
        return f"{{page:{spec}}}" if spec else "{page}"


def dated_urls(template: str, days: Period, *, today: date) -> list[str]:
    """Return the addresses for these days up to `today`, each once and in order; {page} is left in them."""
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
    """Return the address of one page."""
    return template.format(page=page)


def _steps(names: tuple[str, ...], first: date, last: date) -> Iterator[date]:
    """Yield a day for each address."""
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
            day = month_of(day.year, day.month).last + DAY
        else:
            day = date(day.year + 1, 1, 1)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
