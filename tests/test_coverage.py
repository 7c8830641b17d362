"""How well a period is covered: the counts of each day, thin days, and the page that shows them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from config.settings import Storage
from extractors.period import Period, each_day
from extractors.records import Entry, Outcome
from flows.reports.coverage import HEADINGS, NUMBERS, coverage_markdown, coverage_table, to_json, write_page
from storage.health.coverage import Cell, SourceCoverage, load_coverage, usual_numbers
from storage.index.database import index_location, open_database
from storage.state.entries import Settled, store_entries, store_outcomes
from storage.state.listed import store_listed
from storage.state.windows import begin_window, end_window

NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
ALMATY = ZoneInfo("Asia/Almaty")
WEEK = Period(date(2025, 11, 3), date(2025, 11, 9))
MONDAY = WEEK.first


@pytest.fixture
async def connection(tmp_path: Path, storage: Storage) -> AsyncIterator[AsyncConnection]:
    database = await open_database(index_location(tmp_path, storage))
    async with database.write() as opened:
        yield opened
    await database.close()


async def entry(
    connection: AsyncConnection,
    name: str,
    outcome: Outcome | None = None,
    *,
    window: int | None = None,
    published: datetime | None = None,
    reason: str = "",
    day: date | None = None,
    words: int | None = None,
) -> None:
    """An entry of a feed, or of a window; and how it ended."""
    key = f"https://site.kz/{name}"
    found = Entry(key, "https://site.kz/rss", published=published)
    if window is None:
        await store_entries(connection, "site", [(key, found)], now=NOW)
    else:
        await store_listed(connection, "site", [(key, found, None)], window=window, now=NOW)
    if outcome:
        await store_outcomes(connection, [Settled(key, outcome, reason, 1, day=day, words=words)], now=NOW)


async def covered(connection: AsyncConnection, period: Period = WEEK, *, now: datetime = NOW) -> SourceCoverage:
    (found,) = await load_coverage(connection, {"site": ALMATY}, period, now=now)
    return found


async def window(connection: AsyncConnection, period: Period, *, route: str | None = "sitemap") -> int:
    number = await begin_window(connection, "site", period)
    await end_window(connection, number, route=route, now=NOW, whole=True, entries=0, outside=0, problems=[])
    return number


async def test_each_entry_counts_once_on_the_day_of_its_page_or_else_of_its_promise(
    connection: AsyncConnection,
) -> None:
    number = await window(connection, Period(MONDAY, date(2025, 11, 5)))
    await entry(connection, "kept", Outcome.APPENDED, window=number, day=MONDAY, words=90)
    await entry(connection, "same", Outcome.DUPLICATE, window=number, day=MONDAY, words=90)
    await entry(connection, "known", Outcome.DUPLICATE, published=datetime(2025, 11, 3, 8, tzinfo=UTC))
    await entry(connection, "sport", Outcome.OFF_TOPIC, day=MONDAY, words=70)
    await entry(connection, "away", Outcome.GONE, reason="http 404", published=datetime(2025, 11, 3, 8, tzinfo=UTC))
    await entry(connection, "barred", Outcome.ROBOTS, reason="robots.txt", published=datetime(2025, 11, 3, tzinfo=UTC))
    await entry(connection, "late", published=datetime(2025, 11, 3, 20, tzinfo=UTC))  # the 4th in Almaty
    await entry(connection, "waiting", Outcome.OUTSIDE, window=number, day=date(2025, 11, 6), words=80)
    await entry(connection, "stub", Outcome.TOO_SHORT, window=number, reason="too short")
    await entry(connection, "other day", Outcome.APPENDED, day=date(2025, 11, 10), words=80)
    found = await covered(connection)
    monday = found.days[MONDAY]
    assert {name: getattr(monday, name) for name in NUMBERS} == {
        "listed": 6, "fetched": 4, "kept": 1, "duplicates": 2, "off_topic": 1, "failed": 2, "pending": 0,
    }  # fmt: skip
    assert monday.reasons == {"http 404": 1, "robots.txt": 1}
    assert (found.days[date(2025, 11, 4)].pending, found.days[date(2025, 11, 4)].listed) == (1, 1)
    assert (found.days[date(2025, 11, 6)].pending, found.days[date(2025, 11, 6)].failed) == (1, 0)
    assert found.undated == {"too_short": 1}
    assert found.total("listed") == 8
    assert [found.days[day].searched for day in each_day(WEEK)] == [True] * 3 + [False] * 4


async def test_a_window_that_no_route_could_list_was_not_searched(connection: AsyncConnection) -> None:
    await window(connection, WEEK, route=None)
    assert not any(cell.searched for cell in (await covered(connection)).days.values())


async def test_a_day_that_is_not_over_is_never_thin(connection: AsyncConnection) -> None:
    period = Period(date(2025, 10, 25), date(2025, 11, 22))
    await window(connection, period)
    for day in each_day(period):
        for n in range(0 if day.day in (5, 22) else 4):
            await entry(connection, f"{day}-{n}", Outcome.OFF_TOPIC, day=day)
    days = (await covered(connection, period)).days
    assert [day.day for day, cell in days.items() if cell.thin] == [5]


# --- Rhythm -----------------------------------------------------------------------------------------------------


def test_what_is_usual_goes_by_the_weekday_where_there_are_weeks_enough() -> None:
    days = list(each_day(Period(MONDAY, MONDAY + timedelta(days=27))))
    listed = {day: 3 if day.weekday() == 6 else 20 for day in days}
    usual = usual_numbers(listed)
    assert {usual[day] for day in days if day.weekday() == 6} == {3.0}
    assert {usual[day] for day in days if day.weekday() != 6} == {20.0}
    week = usual_numbers({day: listed[day] for day in days[:7]})
    assert set(week.values()) == {20.0}


@pytest.mark.parametrize(("numbers", "expected"), [([], []), ([2, 2, 2], [None] * 3), ([0, 3, 9], [3.0] * 3)])
def test_too_little_has_no_rhythm(numbers: list[int], expected: list[float | None]) -> None:
    days = [MONDAY + timedelta(days=n) for n in range(len(numbers))]
    assert list(usual_numbers(dict(zip(days, numbers, strict=True))).values()) == expected


def cell(listed: int = 0, *, usual: float | None = None, searched: bool = True, failed: int = 0) -> Cell:
    kept = listed - failed
    return Cell(listed, listed, kept, 0, 0, failed, 0, {"http 503": failed} if failed else {}, searched, usual)


@pytest.mark.parametrize(
    ("day", "thin", "blank"),
    [
        (cell(3, usual=10.0), True, False),
        (cell(4, usual=10.0), False, False),
        (cell(0, usual=10.0), True, False),
        (cell(0), False, False),
        (cell(0, usual=10.0, searched=False), False, True),
        (cell(1, usual=10.0, searched=False), True, False),
    ],
)
def test_a_day_is_thin_only_if_somebody_looked(day: Cell, thin: bool, blank: bool) -> None:
    assert (day.thin, day.blank) == (thin, blank)


# --- Shown ------------------------------------------------------------------------------------------------------


def coverage(name: str = "site", days: int = 7, **cells: Cell) -> SourceCoverage:
    """Four entries a day, but for the days that are given as d0, d1 …"""
    period = Period(MONDAY, MONDAY + timedelta(days=days - 1))
    found = {day: cells.get(f"d{n}", cell(4, usual=4.0)) for n, day in enumerate(each_day(period))}
    return SourceCoverage(name, found)


def shown(tmp_path: Path, *sources: SourceCoverage) -> tuple[str, ET.Element]:
    """The page, and its tree: it is written so that an XML parser can check it."""
    days = list(sources[0].days) if sources else list(each_day(WEEK))
    write_page(tmp_path / "coverage.html", sources, Period(days[0], days[-1]), now=NOW)
    html = (tmp_path / "coverage.html").read_text(encoding="utf-8")
    return html, ET.fromstring(html.partition("\n")[2])


def test_the_table_has_a_line_for_each_source() -> None:
    thin = coverage(d1=cell(1, usual=4.0), d2=cell(0, searched=False), d3=cell(4, failed=3))
    without = SourceCoverage("other", {day: cell(0, searched=False) for day in thin.days}, has_route=False)
    lines = coverage_table([thin, without])
    assert [dict(zip(HEADINGS, line, strict=True)) for line in lines] == [
        {
            "source": "site", "listed": "21", "fetched": "21", "kept": "18", "duplicate": "0", "off topic": "0",
            "no article": "3", "pending": "0", "no day": "0", "thin days": "1", "not searched": "1",
            "why no article": "http 503 3",
        },
        {
            "source": "other", "listed": "0", "fetched": "0", "kept": "0", "duplicate": "0", "off topic": "0",
            "no article": "0", "pending": "0", "no day": "0", "thin days": "0", "not searched": "7",
            "why no article": "no route to back issues",
        },
    ]  # fmt: skip
    rows = coverage_markdown([thin, without]).split("\n")
    assert len({row.count("|") for row in rows}) == 1


def test_the_json_holds_every_day_that_has_something_to_say() -> None:
    found = json.loads(json.dumps(to_json([coverage(d1=cell(1, usual=4.0), d2=cell(0), d3=cell(0, searched=False))])))
    days = found["site"]["days"]
    assert sorted(days) == ["2025-11-03", "2025-11-04", "2025-11-06", "2025-11-07", "2025-11-08", "2025-11-09"]
    assert days["2025-11-04"]["thin"] is True
    assert days["2025-11-06"]["searched"] is False


def test_the_page_shows_each_day_and_loads_nothing(tmp_path: Path) -> None:
    blank = {f"d{n}": cell(0, searched=False) for n in (4, 5, 6)}
    html, tree = shown(tmp_path, coverage(d1=cell(1, usual=4.0), d2=cell(0), **blank), coverage("other"))
    for what in ("://", "src=", "href=", "@import", "<script", "<link"):
        assert what not in html
    first, second = tree.findall(".//svg[@role='img']/g")
    titles = [title.text for title in first.findall("rect/title")]
    assert titles == [
        "site, Mon 2025-11-03: 4 listed, 4 fetched, 4 kept; usual: 4",
        "site, Tue 2025-11-04: 1 listed, 1 fetched, 1 kept; usual: 4",
        "site, Tue 2025-11-04: 1 listed, 1 fetched, 1 kept; usual: 4",  # once more on its mark
        "site, Wed 2025-11-05: nothing",
        "site, Thu 2025-11-06: 4 listed, 4 fetched, 4 kept; usual: 4",
        "site, Fri 2025-11-07 – Sun 2025-11-09: no archive was searched",
    ]
    assert [rect.get("class") for rect in first.findall("rect")] == ["none", "h7", "h2", "thin", "none", "h7", "blank"]
    assert len(second.findall("rect")) == 1 + 7
    assert [li.text for li in tree.findall(".//ol/li")] == ["site", "other"]
    assert "<strong>37 articles kept</strong> of 37 addresses" in html
    assert not list(tmp_path.glob(".*"))


def test_names_and_reasons_cannot_break_the_page(tmp_path: Path) -> None:
    bad = Cell(1, 1, 0, 0, 0, 1, 0, {'<script>alert("x")</script>': 1}, True, None)
    html, tree = shown(tmp_path, coverage('a"><script>', d0=bad))
    assert "<script" not in html
    assert [li.text for li in tree.findall(".//ol/li")] == ['a"><script>']


def test_no_source_and_no_day_with_anything_are_shown_as_well(tmp_path: Path) -> None:
    shown(tmp_path)
    shown(tmp_path, coverage(days=1, d0=cell(0)))


@pytest.mark.parametrize("days", [1, 2, 7, 61, 62, 63, 120, 365, 366, 730, 900])
def test_the_map_of_any_period_holds_all_days_within_its_width(tmp_path: Path, days: int) -> None:
    _, tree = shown(tmp_path, coverage("one", days), coverage("two", days))
    svg = tree.find(".//svg[@role='img']")
    assert svg is not None
    width = float(svg.get("width", "0"))
    for group in svg.findall("g"):
        places = [(float(r.get("x", "0")), float(r.get("width", "0"))) for r in group.findall("rect")[1:]]
        assert len(places) == days
        assert all(x >= 0 and wide > 0 and x + wide <= width + 0.2 for x, wide in places)
    labels = [float(text.get("x", "0")) for text in svg.findall("text")]
    assert labels
    assert all(after - before >= 60 for before, after in pairwise(labels))


async def test_days_are_the_zones_own_also_where_its_clocks_change(connection: AsyncConnection) -> None:
    new_york = ZoneInfo("America/New_York")  # four hours behind until 2 November 2025, five from then on
    for name, moment in {
        "friday": datetime(2025, 11, 1, 3, 30, tzinfo=UTC),
        "saturday": datetime(2025, 11, 1, 4, 30, tzinfo=UTC),
        "sunday": datetime(2025, 11, 3, 4, 30, tzinfo=UTC),
        "monday": datetime(2025, 11, 3, 5, 30, tzinfo=UTC),
    }.items():
        await entry(connection, name, published=moment)
    week = Period(date(2025, 10, 30), date(2025, 11, 5))
    (found,) = await load_coverage(connection, {"site": new_york}, week, now=NOW)
    assert [day.day for day, cell in found.days.items() if cell.listed] == [31, 1, 2, 3]
