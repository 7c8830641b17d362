"""What is remembered of feeds and entries: once each, pending until an outcome, tried again when due."""

from __future__ import annotations

import random
import string
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ColumnElement, Row, Table, func, insert, select

from config.settings import Storage
from extractors.records import Entry, Outcome
from extractors.urls import LONGEST, canonical_url
from storage.index.database import Database, index_location, open_database
from storage.index.schema import articles, feeds, sightings, urls
from storage.state.entries import (
    DueEntry,
    FeedState,
    Settled,
    count_pending,
    is_due,
    is_final,
    is_waiting,
    load_due,
    load_feed_states,
    load_lives,
    load_pending,
    store_entries,
    store_failed_poll,
    store_outcomes,
    store_poll,
)
from storage.state.life import Life, after_naming

NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
FEED = "https://site.kz/rss"
OTHER = "https://site.kz/other"
MINUTE = timedelta(minutes=1)
EMPTY = FeedState(FEED)


@pytest.fixture
async def database(tmp_path: Path, storage: Storage) -> AsyncIterator[Database]:
    opened = await open_database(index_location(tmp_path, storage))
    yield opened
    await opened.close()


def entry(number: int, feed: str = FEED, **changes: Any) -> tuple[str, Entry]:
    key = f"https://site.kz/{number}"
    return key, Entry(f"{key}?from=rss", feed, **changes)


async def poll(
    database: Database, entries: Iterable[tuple[str, Entry]], state: FeedState = EMPTY, now: datetime = NOW
) -> int:
    """A successful poll, with its entries in the same transaction."""
    async with database.write() as connection:
        new = await store_entries(connection, "site", list(entries), now=now)
        await store_poll(connection, state, source_id="site", now=now)
        return new


async def rows(database: Database, table: Table) -> list[Row[Any]]:
    async with database.read() as connection:
        return list(await connection.execute(select(table).order_by(*table.primary_key)))


async def state_of(database: Database, url: str = FEED) -> FeedState:
    async with database.read() as connection:
        return (await load_feed_states(connection, [url]))[url]


async def due(database: Database, now: datetime = NOW, sources: Iterable[str] = ("site",)) -> list[str]:
    async with database.read() as connection:
        return [entry.key.rsplit("/")[-1] for entry in await load_due(connection, sources, now=now)]


async def settle(database: Database, number: int, outcome: Outcome, *, attempts: int = 1, **details: Any) -> None:
    async with database.write() as connection:
        await store_outcomes(connection, [Settled(entry(number)[0], outcome, "why", attempts, **details)], now=NOW)


async def test_entries_are_stored_once_and_wait_for_an_outcome(database: Database) -> None:
    assert await poll(database, [entry(1, title="One", summary="S", content="<p>C</p>", published=NOW), entry(2)]) == 2
    assert await poll(database, [entry(2), entry(3), entry(1)], now=NOW + MINUTE) == 1
    found = await rows(database, urls)
    assert [(row.key[-1], row.outcome, row.attempts, row.first_seen) for row in found] == [
        ("1", None, 0, NOW),
        ("2", None, 0, NOW),
        ("3", None, 0, NOW + MINUTE),
    ]
    first = found[0]
    assert (first.url, first.source_id, first.feed_url) == ("https://site.kz/1?from=rss", "site", FEED)
    assert (first.title, first.summary, first.content, first.published) == ("One", "S", "<p>C</p>", NOW)
    assert await due(database, NOW + MINUTE) == ["2", "1", "3"]  # of one poll, the undated go first


async def test_an_entry_repeated_in_one_feed_is_stored_as_it_came_first(database: Database) -> None:
    assert await poll(database, [entry(1, title="first"), entry(2), entry(1, title="again")]) == 2
    assert [row.title for row in await rows(database, urls)] == ["first", None]


async def test_an_empty_feed_is_a_successful_poll(database: Database) -> None:
    assert await poll(database, [], FeedState(FEED, etag='"v1"')) == 0
    assert (await state_of(database)).etag == '"v1"'


async def test_each_feed_that_names_an_entry_is_kept(database: Database) -> None:
    await poll(database, [entry(1), entry(2)])
    await poll(database, [entry(1, OTHER), entry(3, OTHER)], FeedState(OTHER), NOW + MINUTE)
    await poll(database, [entry(1)], now=NOW + 2 * MINUTE)
    assert [(row.key[-1], row.feed_url, row.seen_at) for row in await rows(database, sightings)] == [
        ("1", OTHER, NOW + MINUTE),
        ("1", FEED, NOW),
        ("2", FEED, NOW),
        ("3", OTHER, NOW + MINUTE),
    ]
    assert [row.feed_url for row in await rows(database, urls)] == [FEED, FEED, OTHER]


async def test_entries_of_one_moment_come_in_the_order_of_their_code_points(database: Database) -> None:
    names = ["b", "a", "B", "я", "А", "_", "ж", "~", "é"]
    await poll(database, [(name, Entry(f"https://site.kz/{name}", FEED)) for name in names])
    assert await due(database) == sorted(names)


async def test_the_character_that_postgresql_cannot_keep_is_left_out(database: Database) -> None:
    await poll(database, [entry(1, title="a\0b", summary="\0", content="c\0"), entry(2, title="d")])
    found = [(row.title, row.summary, row.content) for row in await rows(database, urls)]
    assert found == [("ab", "", "c"), ("d", None, None)]


async def test_an_address_as_long_as_they_may_be_is_kept(database: Database) -> None:
    rng = random.Random(1)  # so that it cannot be compressed
    path = "".join(rng.choices(string.ascii_letters + string.digits, k=3000))
    key = f"https://site.kz/{path}"[:LONGEST]
    assert canonical_url(key) == key
    feed = f"https://site.kz/{path[::-1]}"[:1000]
    assert await poll(database, [(key, Entry(key, feed))], FeedState(feed)) == 1
    assert await due(database) == [key.rsplit("/")[-1]]


async def test_more_than_two_thousand_entries_in_one_poll(database: Database) -> None:
    numbers = range(2345)
    assert await poll(database, [entry(n) for n in (*numbers, *range(0, 2345, 7))]) == 2345
    assert await poll(database, [entry(n) for n in range(2350)]) == 5
    keys = [entry(n)[0] for n in (*reversed(numbers), 99999)]
    async with database.read() as connection:
        pending = await load_pending(connection, keys, now=NOW)
        assert [p.key for p in pending] == keys[:-1]
        assert await count_pending(connection, ["site"]) == 2350
        assert (await connection.execute(select(func.count()).select_from(sightings))).scalar_one() == 2350


async def test_validators_are_kept_with_the_entries(database: Database) -> None:
    state = FeedState(FEED, '"v1"', "Sat, 22 Nov 2025 09:00:00 GMT", b"h" * 16)
    assert await state_of(database) == FeedState(FEED)
    await poll(database, [entry(1)], state)
    assert await state_of(database) == state
    (row,) = await rows(database, feeds)
    assert (row.source_id, row.polled_at, row.succeeded_at, row.error) == ("site", NOW, NOW, None)


async def test_validators_are_not_kept_without_the_entries(database: Database) -> None:
    await poll(database, [entry(1)], FeedState(FEED, etag='"v1"'))
    with pytest.raises(RuntimeError, match="power cut"):
        async with database.write() as connection:
            await store_entries(connection, "site", [entry(2)], now=NOW)
            await store_poll(connection, FeedState(FEED, etag='"v2"'), source_id="site", now=NOW)
            raise RuntimeError("power cut")
    assert (await state_of(database)).etag == '"v1"'
    assert await due(database) == ["1"]


async def fail(database: Database, state: FeedState, now: datetime = NOW) -> None:
    async with database.write() as connection:
        await store_failed_poll(connection, state, source_id="site", error="http 503", now=now)


async def test_a_failed_poll_keeps_the_validators_and_counts(database: Database) -> None:
    state = FeedState(FEED, '"v1"', "yesterday", b"h" * 16)
    await poll(database, [entry(1)], state)
    for failures in (1, 2, 3):
        later = NOW + failures * MINUTE
        state = replace(await state_of(database), failures=failures, next_poll=later + MINUTE)
        await fail(database, state, later)
        assert await state_of(database) == state
        (row,) = await rows(database, feeds)
        assert (row.polled_at, row.succeeded_at, row.error) == (later, NOW, "http 503")
        assert (row.etag, row.last_modified, row.body_hash, row.failures) == ('"v1"', "yesterday", b"h" * 16, failures)
    await poll(database, [], FeedState(FEED, etag='"v2"'))
    assert await state_of(database) == FeedState(FEED, etag='"v2"')
    assert (await rows(database, feeds))[0].error is None


async def test_the_first_poll_of_a_feed_may_fail(database: Database) -> None:
    await fail(database, FeedState(FEED, failures=1))
    assert await state_of(database) == FeedState(FEED, failures=1)
    assert (await rows(database, feeds))[0].succeeded_at is None


async def test_the_time_of_the_next_poll_is_kept(database: Database) -> None:
    state = FeedState(FEED, interval_s=1800, longest_s=7200, next_poll=NOW + 30 * MINUTE)
    await poll(database, [], state)
    assert await state_of(database) == state


async def test_states_of_known_and_new_feeds_come_in_the_order_asked(database: Database) -> None:
    await poll(database, [], FeedState(FEED, etag='"v1"'))
    async with database.read() as connection:
        states = await load_feed_states(connection, [OTHER, FEED])
        assert await load_feed_states(connection, []) == {}
    assert list(states.items()) == [(OTHER, FeedState(OTHER)), (FEED, FeedState(FEED, etag='"v1"'))]


async def test_due_entries_come_oldest_first(database: Database) -> None:
    day = timedelta(days=1)
    await poll(database, [entry(5, published=NOW), entry(6, published=NOW - day), entry(4, published=NOW)])
    await poll(database, [entry(1, published=NOW - 9 * day)], now=NOW + MINUTE)
    await poll(database, [entry(9, published=NOW)], now=NOW - MINUTE)
    assert await due(database) == ["9", "6", "4", "5", "1"]
    async with database.read() as connection:
        first = (await load_due(connection, ["site"], now=NOW))[0]
    assert first == DueEntry("https://site.kz/9", "https://site.kz/9?from=rss", "site", NOW)


async def test_only_the_sources_asked_for_are_due(database: Database) -> None:
    await poll(database, [entry(1)])
    async with database.write() as connection:
        await store_entries(connection, "other", [entry(2)], now=NOW)
        await store_entries(connection, "third", [entry(3)], now=NOW)
        assert [await count_pending(connection, s) for s in (["site"], ["other", "third"], [])] == [1, 2, 0]
    assert await due(database, sources=["other", "third"]) == ["2", "3"]
    assert await due(database, sources=[]) == []


@pytest.mark.parametrize(
    ("outcome", "wait", "after", "is_due", "is_pending"),
    [
        (Outcome.FAILED, 10, 9, False, True),
        (Outcome.FAILED, 10, 10, True, True),
        (Outcome.FAILED, 10, 11, True, True),
        (Outcome.GAVE_UP, None, 10_000, False, False),
        (Outcome.APPENDED, None, 10_000, False, False),
        (Outcome.DUPLICATE, None, 10_000, False, False),
        (Outcome.OFF_TOPIC, None, 10_000, False, False),
        (Outcome.GONE, None, 10_000, False, False),
    ],
)
async def test_only_a_failed_entry_comes_back_and_only_after_its_gap(
    database: Database, outcome: Outcome, wait: int | None, after: int, is_due: bool, is_pending: bool
) -> None:
    await poll(database, [entry(1, title="T", content="<p>C</p>")])
    await settle(database, 1, outcome, next_attempt=None if wait is None else NOW + wait * MINUTE)
    later = NOW + after * MINUTE
    assert await due(database, later) == (["1"] if is_due else [])
    async with database.read() as connection:
        pending = await load_pending(connection, [entry(1)[0]], now=later)
        assert await count_pending(connection, ["site"]) == is_pending
    assert [(p.source_id, p.attempts, p.entry.title, p.entry.content) for p in pending] == (
        [("site", 1, "T", "<p>C</p>")] if is_due else []
    )
    assert await poll(database, [entry(1)], now=later) == 0  # a feed that goes on naming it changes nothing
    assert await due(database, later) == (["1"] if is_due else [])


@pytest.mark.parametrize("again", [None, NOW + MINUTE])
@pytest.mark.parametrize("outcome", list(Outcome))
async def test_the_feeds_full_text_goes_once_the_outcome_is_final(
    database: Database, outcome: Outcome, again: datetime | None
) -> None:
    await poll(database, [entry(1, content="<p>C</p>", summary="S"), entry(2, content="<p>D</p>")])
    await settle(database, 1, outcome, details={"score": 1}, next_attempt=again)
    first, second = await rows(database, urls)
    assert first.content == ("<p>C</p>" if again else None)
    assert (first.summary, first.details, first.attempts, first.decided_at) == ("S", {"score": 1}, 1, NOW)
    assert second.content == "<p>D</p>"


async def test_attempts_are_kept_as_the_table_of_states_has_counted_them(database: Database) -> None:
    await poll(database, [entry(1)])
    for attempts in (1, 2, 3):
        await settle(database, 1, Outcome.FAILED, attempts=attempts, next_attempt=NOW)
    async with database.read() as connection:
        (pending,) = await load_pending(connection, [entry(1)[0]], now=NOW)
    assert pending.attempts == 3


async def test_the_conditions_in_sql_say_what_the_table_of_states_says(database: Database) -> None:
    numbers = iter(range(10_000))
    moments = (None, NOW - MINUTE, NOW, NOW + MINUTE, NOW + timedelta(days=900))
    lives = {
        entry(next(numbers))[0]: Life(outcome, next_attempt=again, article=article, listed=listed, first_seen=NOW)
        for outcome in (None, *Outcome)
        for again in moments
        for article in (None, 0)
        for listed in (False, True)
    }
    async with database.write() as connection:
        values = {"number": 0, "id": "0" * 16, "file": "000.txt", "body": "", "sha256": "", "appended_at": NOW}
        await connection.execute(insert(articles).values(**values))
        for key, life in lives.items():
            await connection.execute(
                insert(urls).values(
                    key=key, url=key, source_id="site", feed_url=FEED, first_seen=NOW, attempts=0,
                    outcome=life.outcome, next_attempt=life.next_attempt, article=life.article,
                    window=1 if life.listed else None,
                )
            )  # fmt: skip

        async def which(condition: ColumnElement[bool]) -> set[str]:
            return set((await connection.execute(select(urls.c.key).where(condition))).scalars())

        assert await load_lives(connection, list(lives)) == lives
        assert await which(is_due(NOW)) == {key for key, life in lives.items() if life.is_due(NOW)}
        assert await which(is_waiting()) == {key for key, life in lives.items() if life.is_waiting}
        assert await which(is_final()) == {key for key, life in lives.items() if life.is_final}
        assert {e.key for e in await load_due(connection, ["site"], now=NOW)} == {
            key for key, life in lives.items() if life.is_due(NOW) and not life.listed
        }
        assert await count_pending(connection, ["site"]) == sum(
            life.is_waiting and not life.listed for life in lives.values()
        )
        await store_entries(connection, "site", [(key, Entry(key, FEED)) for key in lives], now=NOW)
        named = {key: after_naming(life) for key, life in lives.items()}
        found = await load_lives(connection, list(lives))
        assert found == named
