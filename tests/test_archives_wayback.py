"""The route "wayback": captures of a feed or of a section page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from config.settings import Archives
from config.sources import Backfill
from extractors.records import ItemError
from tests.support.archive_servers import TASHKENT, Found, Wayback, look, window
from tests.support.feed_documents import rss
from tests.support.loopback import Asked, Reply, Server, serve

FEED = "https://site.uz/rss"
NOVEMBER = window("2025-11-01", "2025-11-30")
START, END = NOVEMBER.wide.moments(TASHKENT)


def feed_at(moment: datetime, *, depth: int = 10) -> bytes:
    """The feed as it was: one article every six hours, the newest ten."""
    latest = int((moment - datetime(2025, 1, 1, tzinfo=UTC)).total_seconds() // 21600)
    numbers = range(latest, latest - depth, -1)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    return rss({f"https://site.uz/{n}": start + timedelta(hours=6 * n) for n in numbers}).encode()


def captures(first: datetime, count: int, *, every: timedelta = timedelta(days=1)) -> dict[str, bytes]:
    moments = [first + n * every for n in range(count)]
    return {moment.strftime("%Y%m%d%H%M%S"): feed_at(moment) for moment in moments}


async def found_at(server: Server, **named: object) -> Found:
    archives = Archives(wayback=server.base, wayback_interval=named.pop("interval", 0))  # type: ignore[arg-type]
    route = named.pop("route", Backfill(route="wayback", url=FEED))
    days = named.pop("days", NOVEMBER)
    return await look("https://site.uz", route, days, archives=archives, **named)  # type: ignore[arg-type]


async def test_captures_of_a_feed_give_its_articles_with_their_own_dates() -> None:
    machine = Wayback({FEED: captures(datetime(2025, 10, 1, 12, tzinfo=UTC), 80)})
    async with serve(machine) as server:
        found = await found_at(server)
    moments = [listed.entry.published for listed in found.listed]
    assert all(moment and START <= moment < END for moment in moments)
    assert len(found.listed) == 32 * 4  # four articles a day, and a day of slack at both ends
    assert server.paths[0].startswith(f"/cdx/search/cdx?url={FEED}&from=20251030190000&to=")
    # one index, and captures from the first day of slack until one shows nothing of the period any more
    assert len(server.asked) == 1 + 35
    first = found.listed[-1]
    stamp = next(path for path in server.paths if path.startswith("/web/"))[5:19]
    assert found.listed[0].archived_url == f"{server.base}/web/{stamp}id_/{found.urls[0]}"
    assert first.not_after is not None
    assert first.entry.published is not None
    assert first.not_after > first.entry.published
    assert (first.entry.feed_url, found.tally.complete) == (FEED, True)


async def test_what_stands_around_the_index_is_passed_over() -> None:
    machine = Wayback({FEED: captures(datetime(2025, 11, 6, 12, tzinfo=UTC), 1)})

    def with_notice(asked: Asked) -> Reply:
        reply = machine(asked)
        return replace(reply, body=b"\n" + reply.body + b"\n<!-- cdx-3 -->") if asked.path.startswith("/cdx") else reply

    async with serve(with_notice) as server:
        found = await found_at(server)
    assert found.listed


async def test_the_index_is_read_page_by_page() -> None:
    machine = Wayback({FEED: captures(datetime(2025, 11, 1, 12, tzinfo=UTC), 30)}, limit=7)
    async with serve(machine) as server:
        found = await found_at(server)
    index = [asked.query for asked in server.asked if asked.path.startswith("/cdx")]
    assert [query.get("resumeKey", "") for query in index] == [
        "",
        *(f"key 202511{day:02}120000!" for day in (7, 14, 21, 28)),
    ]
    assert len([path for path in server.paths if path.startswith("/web/")]) == 30
    assert found.tally.complete


async def test_of_one_day_one_capture_is_read_and_of_equal_ones_one() -> None:
    hourly = captures(datetime(2025, 11, 6, 0, tzinfo=UTC), 40, every=timedelta(hours=1))
    same = dict.fromkeys(("20251108000000", "20251109000000"), feed_at(datetime(2025, 11, 8, tzinfo=UTC)))
    async with serve(Wayback({FEED: hourly | same})) as server:
        await found_at(server)
    assert [path[5:19] for path in server.paths[1:]] == ["20251106000000", "20251107000000", "20251108000000"]


async def test_without_an_address_the_sources_feeds_are_looked_for() -> None:
    other = "https://site.uz/en/rss"
    machine = Wayback({other: captures(datetime(2025, 11, 6, 12, tzinfo=UTC), 1)})
    async with serve(machine) as server:
        found = await found_at(server, route=Backfill(route="wayback"), feeds=(FEED, other))
    assert len(found.listed) == 10
    assert [asked.query.get("url") for asked in server.asked] == [FEED, other, None]


async def test_no_captures_is_an_error_so_that_another_route_is_tried() -> None:
    async with serve(Wayback({})) as server:
        with pytest.raises(ItemError, match="no captures"):
            await found_at(server)


async def test_a_capture_that_cannot_be_had_is_a_problem() -> None:
    machine = Wayback({FEED: captures(datetime(2025, 11, 6, 12, tzinfo=UTC), 3)}, failing=frozenset({"20251107120000"}))
    async with serve(machine) as server:
        found = await found_at(server)
    assert (len(found.listed), found.problems) == (18, ["http 503"])


async def test_captures_of_a_section_page_give_links_without_dates() -> None:
    section = "https://site.uz/politics"
    page = b"<html><body><p>News</p><a href='/news/rail-line-opens-now'>A</a> <a href='/contacts'>B</a></body></html>"
    async with serve(Wayback({section: {"20251106120000": page}})) as server:
        found = await found_at(server, route=Backfill(route="wayback", url=section))
    (listed,) = found.listed
    assert listed.entry.url == "https://site.uz/news/rail-line-opens-now"
    assert listed.entry.published is None
    assert listed.not_after == datetime(2025, 11, 6, 12, tzinfo=UTC)
    assert listed.archived_url == f"{server.base}/web/20251106120000id_/https://site.uz/news/rail-line-opens-now"


async def test_requests_are_made_one_by_one_with_a_gap() -> None:
    async with serve(Wayback({FEED: captures(datetime(2025, 11, 6, 12, tzinfo=UTC), 3)})) as server:
        await found_at(server, interval=0.1)
    moments = [asked.at for asked in server.asked]
    assert min(b - a for a, b in pairwise(moments)) >= 0.095


@pytest.mark.parametrize("body", [b"<html>Sorry</html>", b'{"error": 1}', b"[1]"])
async def test_an_index_that_is_none_is_an_error(body: bytes) -> None:
    async with serve(lambda asked: Reply(body)) as server:
        with pytest.raises(ItemError, match="not a list of captures"):
            await found_at(server)


async def test_throttling_is_waited_for() -> None:
    machine = Wayback({FEED: captures(datetime(2025, 11, 6, 12, tzinfo=UTC), 1)})
    refusals = iter([Reply(b"", 503)])
    async with serve(lambda asked: next(refusals, None) or machine(asked)) as server:
        found = await found_at(server, network={"retry_delays": (0.01,)})
    assert (len(found.listed), found.tally.complete) == (10, True)
    assert len(server.asked) == 3
