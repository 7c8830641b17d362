"""Entries that archives name: which backfill takes them on, and which stay the monitor's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from config.settings import Storage
from extractors.period import Period
from extractors.records import Entry, Outcome
from storage.index.database import index_location, open_database
from storage.index.schema import urls
from storage.state.entries import Settled, load_due, store_entries, store_outcomes
from storage.state.listed import count_listed_pending, load_due_listed, store_listed
from storage.state.windows import begin_window, end_window, load_windows

NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
OCTOBER = Period(date(2025, 10, 1), date(2025, 10, 31))
NOVEMBER = Period(date(2025, 11, 1), date(2025, 11, 15))
JANUARY = Period(date(2025, 1, 1), date(2025, 1, 31))


@pytest.fixture
async def connection(tmp_path: Path, storage: Storage) -> AsyncIterator[AsyncConnection]:
    database = await open_database(index_location(tmp_path, storage))
    async with database.write() as opened:
        yield opened
    await database.close()


def url(name: str) -> str:
    return f"https://site.kz/{name}"


async def listing(
    connection: AsyncConnection, period: Period, *names: str, source: str = "site", published: datetime | None = None
) -> int:
    """A complete listing of a window; returns how many of its entries were new."""
    window = await begin_window(connection, source, period)
    entries = [(url(n), Entry(url(n), "https://site.kz/sitemap.xml", published=published), None) for n in names]
    new = await store_listed(connection, source, entries, window=window, now=NOW)
    await end_window(
        connection, window, route="sitemap", now=NOW, whole=True, entries=len(names), outside=0, problems=[]
    )
    return new


async def outcome(
    connection: AsyncConnection, name: str, outcome: Outcome, *, day: date | None = None, again: datetime | None = None
) -> None:
    settled = Settled(url(name), outcome, "why", attempts=1, day=day, next_attempt=again)
    await store_outcomes(connection, [settled], now=NOW)


async def due(connection: AsyncConnection, period: Period, *, source: str = "site", now: datetime = NOW) -> set[str]:
    entries = await load_due_listed(connection, source, period, now=now)
    assert len({e.key for e in entries}) == len(entries)
    return {e.key.removeprefix("https://site.kz/") for e in entries}


async def test_what_a_window_lists_is_due_for_its_period_and_not_for_the_monitor(connection: AsyncConnection) -> None:
    assert await listing(connection, NOVEMBER, "a", "b") == 2
    assert await listing(connection, NOVEMBER, "b", "c") == 1
    assert await due(connection, NOVEMBER) == {"a", "b", "c"}
    assert await due(connection, JANUARY) == set()
    assert await load_due(connection, ["site"], now=NOW) == []
    assert await count_listed_pending(connection, "site", NOVEMBER) == 3


async def test_an_entry_that_its_archive_dates_is_due_by_its_date_with_a_day_of_slack(
    connection: AsyncConnection,
) -> None:
    for name, day in (("before", 30), ("eve", 31)):
        await listing(connection, NOVEMBER, name, published=datetime(2025, 10, day, 12, tzinfo=UTC))
    await listing(connection, NOVEMBER, "within", published=datetime(2025, 11, 3, tzinfo=UTC))
    assert await due(connection, NOVEMBER) == {"eve", "within"}
    assert await due(connection, OCTOBER) == {"before", "eve"}


async def test_decided_entries_are_not_due_and_failed_ones_only_after_their_gap(connection: AsyncConnection) -> None:
    await listing(connection, NOVEMBER, "kept", "failed", "gone")
    await outcome(connection, "kept", Outcome.OFF_TOPIC)
    await outcome(connection, "gone", Outcome.GONE)
    await outcome(connection, "failed", Outcome.FAILED, again=NOW + timedelta(minutes=10))
    assert await due(connection, NOVEMBER) == set()
    assert await count_listed_pending(connection, "site", NOVEMBER) == 1
    assert await due(connection, NOVEMBER, now=NOW + timedelta(minutes=11)) == {"failed"}


async def test_a_page_that_lay_outside_is_due_for_the_period_of_its_day(connection: AsyncConnection) -> None:
    await listing(connection, NOVEMBER, "old", "undated")
    await outcome(connection, "old", Outcome.OUTSIDE, day=date(2025, 1, 20))
    assert await due(connection, NOVEMBER) == {"undated"}
    assert await due(connection, JANUARY) == {"old"}


async def test_a_page_that_lay_outside_is_the_monitors_when_a_feed_names_it(connection: AsyncConnection) -> None:
    await listing(connection, NOVEMBER, "old", "pending", "kept")
    await outcome(connection, "old", Outcome.OUTSIDE, day=date(2025, 1, 20))
    await outcome(connection, "kept", Outcome.OFF_TOPIC)
    fed = [(url(name), Entry(url(name), "https://site.kz/rss")) for name in ("old", "pending", "kept")]
    assert await store_entries(connection, "site", fed, now=NOW) == 0
    assert {e.key for e in await load_due(connection, ["site"], now=NOW)} == {url("old"), url("pending")}


async def test_what_a_feed_has_named_stays_the_monitors(connection: AsyncConnection) -> None:
    dated = Entry(url("dated"), "https://site.kz/rss", published=datetime(2025, 11, 5, tzinfo=UTC))
    fed = [(url("dated"), dated), (url("undated"), Entry(url("undated"), "https://site.kz/rss"))]
    await store_entries(connection, "site", fed, now=NOW)
    assert await listing(connection, NOVEMBER, "dated", "undated") == 0
    assert {e.key for e in await load_due(connection, ["site"], now=NOW)} == {url("dated"), url("undated")}
    assert await due(connection, NOVEMBER) == {"dated"}  # of its days, so this backfill may take it on first


async def test_two_sources_may_list_one_address_and_it_stays_the_first_ones(connection: AsyncConnection) -> None:
    await listing(connection, NOVEMBER, "shared")
    assert await listing(connection, NOVEMBER, "shared", "own", source="other") == 1
    assert await due(connection, NOVEMBER) == {"shared"}
    assert await due(connection, NOVEMBER, source="other") == {"own"}


async def test_a_window_that_loses_an_untried_entry_to_another_is_to_be_listed_again(
    connection: AsyncConnection,
) -> None:
    async def complete() -> dict[Period, bool]:
        windows = await load_windows(connection, "site", Period(JANUARY.first, NOVEMBER.last))
        return {w.period: w.complete for w in windows}

    await listing(connection, OCTOBER, "tried", "untried")
    await outcome(connection, "tried", Outcome.OFF_TOPIC)
    await listing(connection, NOVEMBER, "tried")
    assert await complete() == {OCTOBER: True, NOVEMBER: True}
    await listing(connection, NOVEMBER, "untried")
    assert await complete() == {OCTOBER: False, NOVEMBER: True}
    assert await due(connection, NOVEMBER) == {"untried"}


async def test_the_archived_copy_is_kept_with_the_entry(connection: AsyncConnection) -> None:
    window = await begin_window(connection, "site", NOVEMBER)
    copy = "https://web.archive.org/web/20251106120000id_/https://site.kz/a"
    entry = Entry(url("a"), "https://site.kz/rss")
    await store_listed(connection, "site", [(url("a"), entry, copy)], window=window, now=NOW)
    assert (await connection.execute(select(urls.c.archived_url))).scalar() == copy
