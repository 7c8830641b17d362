"""The outbox: what goes into which digest, and what becomes of each delivery."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from config.settings import Storage
from extractors.records import Found
from storage.corpus.writer import CorpusWriter
from storage.digests.outbox import (
    CLAIM,
    GAPS,
    GIVE_UP_AFTER,
    Choice,
    Delivery,
    call_again,
    call_all_again,
    choose,
    claim,
    count_waiting,
    free_stem,
    has_due,
    store_digest,
    store_failed,
    store_refusal,
    store_sent,
    store_unreachable,
)
from storage.index.schema import deliveries, urls
from tests.support.digest_corpus import START, new_article, opened, place

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def issue(
    corpus: CorpusWriter, name: str = "digest", *, now: datetime = START, to: tuple[str, ...] = (), **asked: Any
) -> Choice:
    """Choose and store, as a run does."""
    async with corpus.database.write() as connection:
        choice = await choose(connection, name, now=now, **asked)
        if choice.numbers or choice.first:
            stem = await free_stem(connection, f"{now:%Y-%m-%dT%H-%M}-{name}")
            await store_digest(
                connection, name, choice, now=now, stem=stem, message_id=f"<{stem}@x>", message=stem.encode(),
                page=b"page", recipients=to,
            )  # fmt: skip
    return choice


async def test_each_digest_goes_on_where_the_last_of_its_name_ended(tmp_path: Path, storage: Storage) -> None:
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, map(new_article, range(3)), now=START - HOUR)
        first = await issue(corpus)
        assert (first.numbers, first.last_number, first.first) == ((0, 1, 2), 2, True)
        assert first.since == START - DAY
        assert (await issue(corpus)).numbers == ()
        await place(corpus, map(new_article, range(3, 5)), now=START - 2 * DAY)  # whatever the clocks say
        second = await issue(corpus, now=START + DAY)
        assert (second.numbers, second.first, second.since) == ((3, 4), False, START)
        assert (await issue(corpus, "other", now=START)).numbers == (0, 1, 2)


async def test_the_first_digest_looks_back_one_day_and_what_backfills_bring_of_old_is_no_news(
    tmp_path: Path, storage: Storage
) -> None:
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, [new_article(0)], now=START - 2 * DAY)
        old = [new_article(1, published=date(2025, 11, 14)), new_article(2, published=date(2025, 11, 15))]
        undated = [new_article(3, published=None), new_article(4, published=None, method="adopted")]
        by_hand = [new_article(n, published=date(2025, 11, n + 8), method="imported") for n in (6, 7)]
        await place(corpus, [*old, *undated, new_article(5, published=None), *by_hand], now=START - HOUR)
        await place(corpus, [new_article(8, published=date(2024, 1, 1))], now=START - HOUR)  # found late by the monitor
        async with corpus.database.write() as connection:  # these were listed by a backfill
            listed = urls.c.article.in_([1, 2, 5])
            await connection.execute(update(urls).where(listed).values(window=1))
        choice = await issue(corpus)
        assert choice.numbers == (2, 3, 7, 8)
        assert choice.brought == (date(2025, 11, 14), None, None, date(2025, 11, 14))  # told in one line
        assert (await issue(corpus, now=START + DAY)).brought == ()


async def test_since_widens_and_narrows_and_never_repeats(tmp_path: Path, storage: Storage) -> None:
    async with opened(tmp_path, storage) as corpus:
        await issue(corpus, now=START - HOUR)
        for number in range(6):
            await place(corpus, [new_article(number)], now=START + number * HOUR)
        now = START + 6 * HOUR
        assert (await issue(corpus, now=now, since=now - 2 * HOUR)).numbers == (4, 5)
        assert (await issue(corpus, now=now, since=now - 3 * HOUR)).numbers == (3,)
        assert (await issue(corpus, now=now)).numbers == (0, 1, 2)  # what was left out by hand
        await place(corpus, [new_article(6), new_article(7)], now=now)
        assert (await issue(corpus, now=now, since=now - 9 * DAY)).numbers == (6, 7)
        assert (await issue(corpus, now=now, since=now - 9 * DAY)).numbers == ()


async def test_a_first_digest_by_hand_moves_nothing_either(tmp_path: Path, storage: Storage) -> None:
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, [new_article(0)], now=START - 3 * DAY)
        await place(corpus, [new_article(1)], now=START - 3 * HOUR)
        await place(corpus, [new_article(2)], now=START - HOUR)
        assert (await issue(corpus, since=START - 2 * HOUR)).numbers == (2,)
        await place(corpus, [new_article(3)], now=START + HOUR)
        assert (await issue(corpus, now=START + DAY)).numbers == (1, 3)


async def test_what_comes_to_fit_later_is_in_a_later_digest(tmp_path: Path, storage: Storage) -> None:
    def of_kz(source_id: str, url: str) -> bool:
        return source_id == "kz"

    async with opened(tmp_path, storage) as corpus:
        await place(corpus, [new_article(0, source_id="ru"), new_article(1, source_id="kz"), new_article(2)])
        assert (await issue(corpus, is_of_country=of_kz)).numbers == (1,)
        async with corpus.database.write() as connection:  # an outlet of the country prints the others as well
            for number, source_id in ((0, "kz"), (2, "us")):
                key = f"https://other.kz/{number}"
                await connection.execute(
                    insert(urls).values(key=key, url=key, source_id=source_id, feed_url=key, first_seen=START,
                                        attempts=1, outcome="reprint", article=number)
                )  # fmt: skip
        assert (await issue(corpus, is_of_country=of_kz, now=START + 2 * DAY)).numbers == (0,)
        assert (await issue(corpus, is_of_country=of_kz, now=START + 3 * DAY)).numbers == ()


async def test_an_article_on_two_topics_is_in_the_digests_of_both(tmp_path: Path, storage: Storage) -> None:
    async with opened(tmp_path, storage) as corpus:
        both = new_article(0, topic="trade")
        assert isinstance(both, Found)
        await place(corpus, [replace(both, verdict=replace(both.verdict, topics=("trade", "water")))])
        await place(corpus, [new_article(1, topic="water")])
        assert (await issue(corpus, "trade", topic="trade")).numbers == (0,)
        assert (await issue(corpus, "water", topic="water")).numbers == (0, 1)


@pytest.mark.parametrize("wrong", [timedelta(days=-9000), timedelta(days=900)])
async def test_a_digest_under_a_wrong_clock_empties_no_later_one(
    tmp_path: Path, storage: Storage, wrong: timedelta
) -> None:
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, [new_article(0)], now=START - HOUR)
        await issue(corpus)
        await place(corpus, [new_article(1, published=(START + wrong).date())], now=START + wrong)
        assert (await issue(corpus, now=START + wrong)).numbers == (1,)
        await place(corpus, [new_article(2), new_article(3)], now=START + DAY)
        assert (await issue(corpus, now=START + DAY)).numbers == (2, 3)


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({}, (0, 1, 2, 3)),
        ({"topic": "trade"}, (1,)),
        ({"languages": ("kk", "en")}, (2,)),
        ({"is_of_country": lambda source_id, _: source_id in ("far", "none")}, (3,)),
        ({"is_of_country": lambda *_: False}, ()),
        ({"topic": "topic", "languages": ("ru",), "is_of_country": lambda source_id, _: source_id == "site"}, (0,)),
    ],
)
async def test_a_digest_holds_what_its_settings_ask_for(
    tmp_path: Path, storage: Storage, asked: dict[str, Any], numbers: tuple[int, ...]
) -> None:
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, [new_article(0), new_article(1, topic="trade"), new_article(2, language="kk"),
                             new_article(3, source_id="far")])  # fmt: skip
        assert (await issue(corpus, **asked)).numbers == numbers


async def test_an_article_cannot_be_stored_twice_under_one_name(tmp_path: Path, storage: Storage) -> None:
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, [new_article(0)])
        choice = await issue(corpus)
        with pytest.raises(IntegrityError):
            async with corpus.database.write() as connection:
                await store_digest(
                    connection, "digest", choice, now=START, stem="s", message_id="m", message=b"", page=b"",
                    recipients=(),
                )  # fmt: skip
        assert (await issue(corpus, "other")).numbers == (0,)


async def test_two_digests_of_one_minute_have_files_of_their_own(tmp_path: Path, storage: Storage) -> None:
    async with opened(tmp_path, storage) as corpus:
        stems = []
        for number in range(3):
            async with corpus.database.write() as connection:
                stems.append(await free_stem(connection, "2025-11-22T07-00"))
                await store_digest(
                    connection, f"n{number}", Choice((), -1, START, True), now=START, stem=stems[-1],
                    message_id=stems[-1], message=b"", page=b"", recipients=(),
                )  # fmt: skip
        assert stems == ["2025-11-22T07-00", "2025-11-22T07-00-2", "2025-11-22T07-00-3"]


async def taken(corpus: CorpusWriter, now: datetime) -> Delivery | None:
    async with corpus.database.write() as connection:
        found = await claim(connection, now=now)
    return found[0] if found else None


async def waiting(corpus: CorpusWriter) -> tuple[int, datetime | None]:
    async with corpus.database.read() as connection:
        found = await count_waiting(connection)
    return found.count, found.next_attempt


async def test_a_delivery_is_claimed_by_one_and_a_claim_that_was_left_behind_runs_out(
    tmp_path: Path, storage: Storage
) -> None:
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, [new_article(0)])
        await issue(corpus, to=("b@x.org", "a@x.org"))
        one, two = await taken(corpus, START), await taken(corpus, START)
        assert one and two
        assert (one.recipient, two.recipient, one.attempts) == ("a@x.org", "b@x.org", 1)
        assert await taken(corpus, START + CLAIM - timedelta(seconds=1)) is None
        async with corpus.database.write() as connection:
            await store_sent(connection, one, now=START)
        again = await taken(corpus, START + CLAIM)
        assert again
        assert (again.recipient, again.attempts) == ("b@x.org", 2)
        async with corpus.database.write() as connection:
            await store_refusal(connection, again, "550 no")
        assert await waiting(corpus) == (0, None)
        assert await taken(corpus, START + 9 * DAY) is None


async def test_what_failed_is_tried_again_with_growing_gaps_and_given_up_after_some_days(
    tmp_path: Path, storage: Storage
) -> None:
    now, gaps = START, []
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, [new_article(0)])
        await issue(corpus, to=("a@x.org",))
        while delivery := await taken(corpus, now):
            async with corpus.database.write() as connection:
                later = await store_failed(connection, delivery, "451 later", now=now)
            if later is None:
                break
            gaps.append(later.held_until - now)
            assert await waiting(corpus) == (1, later.held_until)
            assert await taken(corpus, later.held_until - timedelta(milliseconds=1)) is None
            now = later.held_until if len(gaps) <= len(GAPS) + 1 else START + GIVE_UP_AFTER + timedelta(seconds=1)
        assert tuple(gaps) == (*GAPS, GAPS[-1], GAPS[-1])
        async with corpus.database.read() as connection:
            row = (await connection.execute(select(deliveries))).one()
        assert (row.state, row.reason, row.next_attempt) == ("gave_up", "451 later", None)


async def test_a_mail_is_given_up_by_its_first_try_and_not_by_the_age_of_its_digest(
    tmp_path: Path, storage: Storage
) -> None:
    now = START + GIVE_UP_AFTER + DAY
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, [new_article(0)])
        await issue(corpus, to=("a@x.org",))
        delivery = await taken(corpus, now)
        assert delivery
        async with corpus.database.write() as connection:
            assert await store_failed(connection, delivery, "451 later", now=now)
            assert [one is not None for one in await store_unreachable(connection, "gone", now=now + DAY)] == [True]


async def test_a_try_that_no_gap_can_have_planned_is_due(tmp_path: Path, storage: Storage) -> None:
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, [new_article(0)])
        await issue(corpus, to=("a@x.org",))
        assert await taken(corpus, START + 900 * DAY)  # under a clock that is years ahead
        assert await taken(corpus, START)


@pytest.mark.parametrize("years", [-26, 3])
@pytest.mark.parametrize("reached", [True, False])
async def test_a_clock_that_was_wrong_once_gives_no_mail_up(
    tmp_path: Path, storage: Storage, years: int, reached: bool
) -> None:
    wrong = START + years * 365 * DAY
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, [new_article(0)])
        await issue(corpus, to=("a@x.org",))
        for now in (START, wrong, START + DAY, wrong + DAY, START + 2 * DAY):
            if reached:
                if delivery := await taken(corpus, now):  # a clock set back: it is not due yet
                    async with corpus.database.write() as connection:
                        assert await store_failed(connection, delivery, "451 later", now=now)
            else:
                async with corpus.database.write() as connection:
                    assert None not in await store_unreachable(connection, "gone", now=now)
        assert (await waiting(corpus))[0] == 1


async def test_all_that_is_put_off_can_be_called_at_once_and_a_claim_stays_a_claim(
    tmp_path: Path, storage: Storage
) -> None:
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, [new_article(0)])
        await issue(corpus, to=("a@x.org", "b@x.org"))
        one, two = await taken(corpus, START), await taken(corpus, START)
        assert one and two
        async with corpus.database.write() as connection:
            await store_failed(connection, two, "451 later", now=START)
            await call_all_again(connection)
        called = await taken(corpus, START)
        assert called and called.recipient == "b@x.org"
        async with corpus.database.write() as connection:
            await call_all_again(connection)
        assert await taken(corpus, START) is None


async def test_a_server_that_is_away_puts_off_all_that_is_due_and_nothing_else(
    tmp_path: Path, storage: Storage
) -> None:
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, [new_article(0)])
        await issue(corpus, to=("a@x.org", "b@x.org", "c@x.org"))
        held = await taken(corpus, START)
        assert held
        async with corpus.database.write() as connection:
            put_off = await store_unreachable(connection, "gone", now=START)
        assert [one.recipient for one in put_off if one] == ["b@x.org", "c@x.org"]
        async with corpus.database.read() as connection:
            assert not await has_due(connection, now=START)
        await taken(corpus, START + GAPS[0])  # somebody else has come by
        async with corpus.database.write() as connection:
            await call_again(connection, [one for one in put_off if one])
        called = await taken(corpus, START)
        assert called
        assert (called.recipient, called.attempts) == ("c@x.org", 2)
        assert await taken(corpus, START) is None
