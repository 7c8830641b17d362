"""Periods and how they are cut up; windows of backfills, remembered in the index."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection

from config.settings import Storage
from extractors.period import Period, cut, each_day
from storage.index.database import index_location, open_database
from storage.state.windows import StoredWindow, begin_window, end_window, load_windows, settled_days

NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)


def period(text: str) -> Period:
    """ "11-05" or "11-05..11-10", all of 2025 unless a year goes before."""
    first, _, last = text.partition("..")
    days = [date.fromisoformat(day if len(day) == 10 else f"2025-{day}") for day in (first, last or first)]
    return Period(*days)


def test_a_period_has_both_its_ends() -> None:
    days = list(each_day(period("10-30..11-02")))
    assert [f"{day:%m-%d}" for day in days] == ["10-30", "10-31", "11-01", "11-02"]
    assert all(day in period("10-30..11-02") for day in days)
    assert date(2025, 11, 3) not in period("10-30..11-02")


@pytest.mark.parametrize(
    ("whole", "done", "days", "expected"),
    [
        ("11-05", [], None, ["11-05"]),
        ("10-10..12-10", [], None, ["10-10..12-10"]),
        ("10-10..12-10", [], 31, ["10-10..10-31", "11-01..11-30", "12-01..12-10"]),
        ("2024-02-01..2024-03-01", [], 31, ["2024-02-01..2024-02-29", "2024-03-01"]),
        ("11-01..11-20", [], 7, ["11-01..11-07", "11-08..11-14", "11-15..11-20"]),
        ("11-25..12-05", [], 7, ["11-25..12-01", "12-02..12-05"]),
        ("11-01..11-10", ["11-01..11-10"], None, []),
        ("11-01..11-10", ["10-01..12-10"], None, []),
        ("11-01..11-10", ["11-04..11-06"], None, ["11-01..11-03", "11-07..11-10"]),
        ("11-01..11-10", ["10-20..11-02", "11-09..11-30"], None, ["11-03..11-08"]),
        ("11-01..11-10", ["11-05..11-06", "11-01..11-08"], None, ["11-09..11-10"]),
        ("11-01..11-10", ["10-01..10-31", "11-11..11-30"], None, ["11-01..11-10"]),
        ("11-01..11-10", ["11-03", "11-05"], 7, ["11-01..11-02", "11-04", "11-06..11-10"]),
    ],
)
def test_a_period_is_cut_up(whole: str, done: list[str], days: int | None, expected: list[str]) -> None:
    parts = cut(period(whole), [period(window) for window in done], days=days)
    assert parts == [period(part) for part in expected]


START = date(2024, 1, 1)
some_days = st.integers(0, 200).map(lambda n: START + timedelta(days=n))
periods = st.tuples(some_days, some_days).map(lambda pair: Period(min(pair), max(pair)))


@given(periods, st.lists(periods, max_size=6), st.sampled_from([None, 1, 7, 28, 31]))
def test_the_parts_are_exactly_the_days_that_are_not_done(whole: Period, done: list[Period], days: int | None) -> None:
    parts = cut(whole, done, days=days)
    covered = [day for part in parts for day in each_day(part)]
    assert covered == [day for day in each_day(whole) if not any(day in window for window in done)]
    assert days is None or all(len(list(each_day(part))) <= days for part in parts)


@given(periods, periods)
def test_overlapping_periods_share_their_months(one: Period, other: Period) -> None:
    def months(whole: Period) -> set[Period]:
        return {part for part in cut(whole, [], days=31) if part.first > whole.first and part.last < whole.last}

    inside = {p for p in months(one) if p.first > other.first and p.last < other.last}
    assert inside <= months(other)


# --- In the index -----------------------------------------------------------------------------------------------


@pytest.fixture
async def connection(tmp_path: Path, storage: Storage) -> AsyncIterator[AsyncConnection]:
    database = await open_database(index_location(tmp_path, storage))
    async with database.write() as opened:
        yield opened
    await database.close()


async def listed(
    connection: AsyncConnection, days: str, *, route: str | None = "sitemap", whole: bool = True, now: datetime = NOW
) -> None:
    """One listing of a window, from its beginning to its end."""
    window = await begin_window(connection, "site", period(days))
    problems = [] if whole else ["http 503"]
    await end_window(
        connection, window, route=route, now=now, whole=whole, entries=3, outside=1, problems=problems
    )  # fmt: skip


async def known(connection: AsyncConnection, days: str = "01-01..12-31") -> list[StoredWindow]:
    return await load_windows(connection, "site", period(days))


async def test_a_window_that_was_read_whole_is_complete(connection: AsyncConnection) -> None:
    await listed(connection, "11-01..11-10")
    (window,) = await known(connection)
    assert (window.period, window.route, window.complete) == (period("11-01..11-10"), "sitemap", True)
    assert (window.entries, window.outside, window.problems, window.listed_at) == (3, 1, (), NOW)


async def test_a_window_that_was_only_begun_or_broke_off_is_not(connection: AsyncConnection) -> None:
    await begin_window(connection, "site", period("11-01..11-05"))
    await listed(connection, "11-06..11-10", whole=False)
    await listed(connection, "11-11..11-15", route=None, whole=False)
    begun, broken, failed = await known(connection)
    assert [w.complete for w in (begun, broken, failed)] == [False, False, False]
    assert [w.listed_at for w in (begun, broken, failed)] == [None, NOW, None]
    assert (broken.problems, failed.problems) == (("http 503",), ("http 503",))


async def test_only_the_settled_days_of_a_window_are_complete(connection: AsyncConnection) -> None:
    await listed(connection, "11-10..11-22")
    complete = [w.period for w in await known(connection) if w.complete]
    assert complete == [period("11-10..11-19")]  # of the 20th and later, the list may still grow on the 22nd
    assert cut(period("11-10..11-22"), complete, days=None) == [period("11-20..11-22")]
    await listed(connection, "11-20..11-22", now=NOW + timedelta(days=3))
    assert cut(period("11-10..11-22"), [w.period for w in await known(connection) if w.complete], days=None) == []


async def test_the_last_days_alone_are_not_complete_at_all(connection: AsyncConnection) -> None:
    await listed(connection, "11-21..11-22")
    assert [(w.period, w.complete) for w in await known(connection)] == [(period("11-21..11-22"), False)]


@pytest.mark.parametrize(
    ("days", "settled"),
    [("11-01..11-19", "11-01..11-19"), ("11-19..11-20", "11-19"), ("11-20", None), ("11-25..11-30", None)],
)
def test_days_settle(days: str, settled: str | None) -> None:
    assert settled_days(period(days), NOW) == (period(settled) if settled else None)


async def test_a_later_failure_takes_nothing_from_a_complete_window(connection: AsyncConnection) -> None:
    await listed(connection, "11-01..11-10")
    await listed(connection, "11-01..11-10", route="gdelt", whole=False)
    await listed(connection, "11-01..11-10", route=None, whole=False)
    (window,) = await known(connection)
    assert (window.route, window.complete, window.problems) == ("sitemap", True, ("http 503",))
    await listed(connection, "11-01..11-10", route="gdelt")
    (window,) = await known(connection)
    assert (window.route, window.complete) == ("gdelt", True)


async def test_windows_are_found_by_source_and_days(connection: AsyncConnection) -> None:
    for days in ("10-01..10-31", "11-01..11-10", "11-11..11-15"):
        await listed(connection, days)
    await begin_window(connection, "other", period("11-01..11-10"))
    assert [w.period for w in await known(connection, "10-31..11-10")] == [
        period("10-01..10-31"),
        period("11-01..11-10"),
    ]
