"""The route "gdelt": articles that GDELT has seen, through its limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from config.settings import Archives
from config.sources import Backfill
from extractors.records import ItemError
from tests.support.archive_servers import TASHKENT, Found, Gdelt, look, window
from tests.support.loopback import Reply, Server, serve

DAY = window("2025-11-06")
START, END = DAY.wide.moments(TASHKENT)


def seen(count: int, *, start: datetime = datetime(2025, 11, 5, tzinfo=UTC), minutes: int = 15) -> dict[str, datetime]:
    return {f"https://site.uz/story-{n}": start + timedelta(minutes=minutes * n) for n in range(count)}


async def found_at(server: Server, **named: object) -> Found:
    archives = Archives(gdelt=f"{server.base}/api/v2/doc/doc", gdelt_interval=named.pop("interval", 0))  # type: ignore[arg-type]
    route = Backfill(route="gdelt", query=named.pop("query", None))  # type: ignore[arg-type]
    days = named.pop("days", DAY)
    return await look("https://www.site.uz", route, days, archives=archives, **named)  # type: ignore[arg-type]


async def test_one_question_is_enough_for_a_quiet_time() -> None:
    articles = seen(300, start=datetime(2025, 11, 4, tzinfo=UTC)) | {"https://other.uz/x": START}
    async with serve(Gdelt(articles, most=1000)) as server:
        found = await found_at(server, days=window("2025-11-05"))
    inside = [url for url, moment in articles.items() if moment < END - timedelta(days=1) and "site" in url]
    assert len(server.asked) == 3  # more than 250, so halved once
    assert sorted(found.urls) == sorted(inside)
    async with serve(Gdelt(seen(200))) as server:
        found = await found_at(server)
    assert (len(server.asked), found.tally.complete) == (1, True)
    (query,) = (asked.query for asked in server.asked)
    assert query["query"] == "domainis:site.uz"
    assert (query["startdatetime"], query["enddatetime"]) == ("20251104190000", "20251107185959")
    assert (query["maxrecords"], query["mode"], query["format"]) == ("250", "artlist", "json")
    assert found.listed[0].entry.published is None
    assert found.listed[0].not_after == datetime(2025, 11, 5, tzinfo=UTC)


async def test_a_busy_time_is_halved_until_everything_is_seen() -> None:
    articles = seen(2000, minutes=1)
    async with serve(Gdelt(articles)) as server:
        found = await found_at(server)
    inside = [url for url, moment in articles.items() if START <= moment < END]
    assert sorted(found.urls) == sorted(inside)
    assert found.tally.again == 0
    full = [asked for asked in server.asked if _seconds(asked.query) > 4 * 3600]
    assert len(server.asked) < 2 * len(inside) / 125
    assert full
    assert found.tally.complete


def _seconds(query: dict[str, str]) -> float:
    start, end = (datetime.strptime(query[name], "%Y%m%d%H%M%S") for name in ("startdatetime", "enddatetime"))
    return (end - start).total_seconds()


async def test_more_in_a_quarter_of_an_hour_than_an_answer_holds_is_a_problem() -> None:
    moment = datetime(2025, 11, 6, 5, tzinfo=UTC)
    async with serve(Gdelt({f"https://site.uz/{n}": moment for n in range(400)})) as server:
        found = await found_at(server)
    assert len(found.listed) == 250
    assert found.problems == ["too many articles at once"]
    assert len(server.asked) < 30


async def test_a_query_narrows_the_search() -> None:
    articles = {"https://site.uz/rail-1": START, "https://site.uz/road-1": START}
    async with serve(Gdelt(articles)) as server:
        assert (await found_at(server, query="rail")).urls == ["https://site.uz/rail-1"]


async def test_questions_come_in_the_gap_that_gdelt_asks_for() -> None:
    gdelt = Gdelt(seen(300), interval_s=0.1)
    async with serve(gdelt) as server:
        found = await found_at(server, interval=0.11)
    assert gdelt.told_off == 0
    assert len(server.asked) == 3
    assert found.tally.complete


async def test_being_told_off_is_waited_for() -> None:
    refusals = iter([Reply(b"Please limit requests to one every 5 seconds."), Reply(b"", 429)])
    gdelt = Gdelt(seen(10))
    async with serve(lambda asked: next(refusals, None) or gdelt(asked)) as server:
        found = await found_at(server, interval=0.01)
    assert (len(found.listed), len(server.asked)) == (10, 3)
    assert found.tally.complete


async def test_being_told_off_for_ever_is_an_error() -> None:
    async with serve(lambda asked: Reply(b"Please limit requests to one every 5 seconds.")) as server:
        with pytest.raises(ItemError) as caught:
            await found_at(server, interval=0.001)
        assert (caught.value.reason, len(server.asked)) == ("throttled", 4)


async def test_a_refusal_in_words_is_an_error_that_quotes_them() -> None:
    async with serve(Gdelt({})) as server:
        with pytest.raises(ItemError) as caught:
            await found_at(server, query="x")
    assert caught.value.reason == "refused by GDELT"
    assert caught.value.detail == "The specified phrase is too short."
    assert len(server.asked) == 1


async def test_nothing_seen_is_nothing_but_of_a_time_long_past_it_is_an_error() -> None:
    async with serve(Gdelt({})) as server:
        assert (await found_at(server)).tally.complete
        with pytest.raises(ItemError, match="no articles"):
            await found_at(server, days=window("2024-11-06"))


async def test_a_period_still_to_come_is_not_asked_for() -> None:
    async with serve(Gdelt({})) as server:
        await found_at(server, days=window("2026-11-06"))
        assert server.asked == []


@pytest.mark.parametrize(
    ("title", "expected"),
    [(r"A \d B", r"A \d B"), ("A \t B", "A B"), (r"A \" B", 'A " B'), (r"A \\d B", r"A \d B"), (r"A \u B", r"A \u B")],
)
async def test_titles_that_break_json_are_read(title: str, expected: str) -> None:
    body = f'{{"articles": [{{"url": "https://site.uz/a", "title": "{title}", "seendate": "x"}}, 5, {{"url": 7}}]}}'
    async with serve(lambda asked: Reply(body.encode())) as server:
        (listed,) = (await found_at(server)).listed
    assert (listed.entry.title, listed.not_after) == (expected, None)


@pytest.mark.parametrize("body", [b'{"articles": [', b'{"articles": {"a": 1}}x'])
async def test_half_an_answer_is_an_error(body: bytes) -> None:
    async with serve(lambda asked: Reply(body)) as server:
        with pytest.raises(ItemError, match="not JSON"):
            await found_at(server)
