"""Past periods: from the command to the corpus, by every route, whatever archives lack, and no page twice."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from config.errors import RequestError
from config.load import Config, load_config
from extractors.period import Period
from extractors.records import Outcome
from flows.cli.app import app
from flows.passes.backfill import BackfillSummary, backfill
from flows.passes.backfill_request import BackfillRequest, checked_period, checked_request
from flows.passes.dry_run import Forecast, duration, forecast, longest
from flows.passes.monitor import monitor
from storage.corpus.writer import open_corpus
from tests.support.archive_servers import NOW, CommonCrawl, Gdelt, Post, Wayback, WordPress, warc_record
from tests.support.feed_documents import rss, urlset
from tests.support.loopback import MISSING, Asked, Reply, Server, serve
from tests.support.outlets import Outlet, at_noon, corpus_texts, daily, page, source_table
from tests.support.running import (
    CHECKOUT,
    EVERYTHING,
    SETTINGS,
    c5watch_process,
    explained,
    one_json,
    verified,
    write_config,
)

pytestmark = pytest.mark.slow

NOVEMBER = date(2025, 11, 1)
WEEK = Period(date(2025, 11, 5), date(2025, 11, 11))
FASTEST = SETTINGS.replace("0.02", "0")


class World:
    """Outlets that are up, and a data folder for backfills of them."""

    def __init__(self, root: Path, stack: AsyncExitStack) -> None:
        self.root, self.data = root, root / "data"
        self.tables: list[str] = []
        self.archives: dict[str, Any] = {"gdelt_interval": 0, "wayback_interval": 0}
        self.settings = FASTEST
        self.outlets: list[Outlet] = []
        self._stack = stack

    async def up(self, answer: Any, address: str = "127.0.0.1") -> Server:
        """Any server."""
        return await self._stack.enter_async_context(serve(answer, address))

    async def outlet(self, outlet: Outlet, *routes: Mapping[str, Any], name: str = "site") -> Server:
        """An outlet, on an address of its own (BASE in the routes), that is a source with these routes."""
        self.outlets.append(outlet)
        server = await self.up(outlet, f"127.0.0.{10 + len(self.outlets)}")
        self.tables.append(source_table(name, server, *routes).replace("BASE", server.base))
        return server

    def folder(self) -> Path:
        archives = "".join(f"{name} = {json.dumps(value)}\n" for name, value in self.archives.items())
        settings = f"{self.settings}\n[archives]\n{archives}"
        return write_config(
            self.root / "config", sources="".join(self.tables), settings=settings, topics=EVERYTHING
        )  # fmt: skip

    @property
    def config(self) -> Config:
        return load_config(self.folder())

    def request(self, period: Period, via: str | None = None) -> BackfillRequest:
        """What is asked for all sources."""
        return BackfillRequest(period, self.config.select(()), via)

    async def run(self, period: Period = WEEK, *, via: str | None = None, now: datetime = NOW) -> BackfillSummary:
        return await backfill(self.config, self.data, self.request(period, via), now=lambda: now)

    async def forecast(self, period: Period = WEEK) -> list[Forecast]:
        return await forecast(self.config, self.data, self.request(period), now=lambda: NOW)

    @property
    def pages(self) -> int:
        """How many pages the outlets have been asked for."""
        return sum(outlet.pages for outlet in self.outlets)

    async def texts(self) -> dict[str, str]:
        """The corpus, which must be sound."""
        _, faults = await verified(self.config, self.data)
        assert faults == []
        return corpus_texts(self.data)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        yield World(tmp_path, stack)


def archive_of(*paths: str) -> Any:
    """An archive with nothing at these paths and nothing anywhere."""
    return lambda asked: MISSING


# --- From the command to the corpus -----------------------------------------------------------------------------


async def test_every_route_leads_from_the_command_to_the_corpus(world: World) -> None:
    def days(n: int) -> dict[int, date | None]:
        return daily(NOVEMBER, 15, start=100 * n)

    posts = [Post(number, at_noon(day)) for number, day in days(2).items() if day]
    await world.outlet(Outlet(days(1)), {"route": "sitemap"}, name="sitemap")
    await world.outlet(Outlet(days(2), archive=WordPress(posts)), {"route": "wordpress"}, name="wordpress")

    def feed(asked: Asked) -> Reply:
        base = f"http://{asked.headers['host']}"
        start = 5 * int(asked.query.get("page", 1)) - 5
        chosen = sorted(days(3).items(), reverse=True)[start : start + 5] if asked.path == "/feed" else []
        return (
            Reply(rss({f"{base}/news/{n}": at_noon(day) for n, day in chosen if day}).encode()) if chosen else MISSING
        )

    back = {"route": "paged", "url": "BASE/feed?page={page}"}
    await world.outlet(Outlet(days(3), archive=feed), back, name="paged")

    gone = frozenset(number for number, day in days(4).items() if day == WEEK.first)
    past = await world.outlet(Outlet(days(4), gone=gone), {"route": "wayback"}, name="wayback")
    stamp = "20251112060000"
    shown = {f"{past.base}/news/{number}": at_noon(day) for number, day in days(4).items() if day and day <= WEEK.last}
    copies = {f"{past.base}/news/{number}": {stamp: page(number, days(4)[number])} for number in gone}
    wayback = await world.up(Wayback({f"{past.base}/rss": {stamp: rss(dict(shown)).encode()}, **copies}))

    seen = await world.outlet(Outlet(days(5)), {"route": "gdelt"}, name="gdelt")
    sightings = {f"{seen.base}/news/{number}": at_noon(day) for number, day in days(5).items() if day}
    gdelt = await world.up(Gdelt(sightings))

    crawled = await world.outlet(Outlet(days(6)), {"route": "ccnews"}, name="ccnews")
    records = b"".join(
        warc_record(f"{crawled.base}/news/{n}", page(n, day), at=f"{day}T10:00:00Z") for n, day in days(6).items()
    )
    crawl = await world.up(CommonCrawl({"2025/11/CC-NEWS-20251105000000-00001.warc.gz": records}))

    local = await world.outlet(Outlet(days(7)), {"route": "ccnews", "file": "../crawl.warc.gz"}, name="warc")
    records = b"".join(
        warc_record(f"{local.base}/news/{n}", page(n, day), at=f"{day}T10:00:00Z") for n, day in days(7).items()
    )
    (world.root / "crawl.warc.gz").write_bytes(records)

    noted = await world.outlet(Outlet(days(8)), {"route": "urls", "file": "../list.txt"}, name="urls")
    (world.root / "list.txt").write_text("# mine\n" + "".join(f"{noted.base}/news/{n}\n" for n in days(8)))

    world.archives |= {"gdelt": gdelt.base, "wayback": wayback.base, "ccnews": crawl.base}
    done = await asyncio.to_thread(
        c5watch_process, "backfill", "--from", WEEK.first, "--to", WEEK.last, "--json", "--engine", "direct",
        "--config", world.folder(), "--data", world.data,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = one_json(done)
    names = ("sitemap", "wordpress", "paged", "wayback", "gdelt", "ccnews", "warc", "urls")
    assert {name: s["appended"] for name, s in summary["sources"].items()} == dict.fromkeys(names, 7)
    assert summary["problems"] == {}
    assert summary["taken"] == sum(summary["outcomes"].values())
    assert set(summary["outcomes"]) == {"appended", "outside"}
    assert len(await world.texts()) == 8 * 7
    assert {outlet.pages for outlet in world.outlets[5:7]} == {0}  # the crawl has brought their pages along
    (number,) = gone
    facts = await explained(world.config, world.data, f"{past.base}/news/{number}")
    assert facts["outcome"] == "appended"

    before, asked = world.pages, [len(server.asked) for server in (wayback, gdelt, crawl)]
    again = await world.run()
    assert again.passed.outcomes == {}
    assert (world.pages, [len(server.asked) for server in (wayback, gdelt, crawl)]) == (before, asked)


async def test_routes_are_tried_in_their_order_and_a_failing_source_costs_no_other(world: World) -> None:
    posts = [Post(number, at_noon(day)) for number, day in daily(NOVEMBER, 15, start=100).items() if day]
    wordpress = {"route": "wordpress"}
    sitemap = {"route": "sitemap", "url": "http://127.0.0.1:1/sitemap.xml"}
    await world.outlet(
        Outlet(daily(NOVEMBER, 15, start=100), archive=WordPress(posts)), sitemap, wordpress, name="second"
    )
    await world.outlet(Outlet(daily(NOVEMBER, 15, start=200)), {"route": "sitemap"}, wordpress, name="first")
    await world.outlet(Outlet({}), name="none")
    await world.outlet(Outlet({}, archive=archive_of()), sitemap, wordpress, name="failing")
    summary = await world.run()
    counts = summary.to_json()
    assert {name: (s["status"], s["appended"]) for name, s in counts["sources"].items()} == {
        "second": ("ok", 7),
        "first": ("ok", 7),
        "none": ("failed", 0),
        "failing": ("failed", 0),
    }
    assert "no route" in counts["sources"]["none"]["error"]
    assert counts["problems"]["second 2025-11-05 – 2025-11-11"][0].startswith("sitemap: ")
    assert [problem.partition(":")[0] for problem in counts["problems"]["failing 2025-11-05 – 2025-11-11"]] == [
        "sitemap",
        "wordpress",
    ]
    assert counts["windows"] == {"listed": 2, "incomplete": 1, "complete_before": 0}
    again = await world.run()
    assert (again.complete_before, again.incomplete, again.passed.taken) == (2, 1, 0)


async def test_the_route_that_is_asked_for_is_taken_although_another_has_done_the_window(world: World) -> None:
    days = daily(NOVEMBER, 15)
    some = {number: day for number, day in days.items() if number % 2}
    posts = [Post(number, at_noon(day)) for number, day in days.items() if day]
    outlet = Outlet(days, archive=WordPress(posts))
    server = await world.outlet(outlet, {"route": "sitemap", "url": "http://PLACE/sitemap.xml"})
    addresses = urlset(*(f"{server.base}/{number}-post/" for number in some))
    listed = await world.up(lambda _: Reply(addresses.encode()), "127.0.0.2")
    world.tables[-1] = world.tables[-1].replace("http://PLACE", listed.base)
    assert (await world.run()).passed.outcomes[Outcome.APPENDED] == sum(day in WEEK for day in some.values() if day)
    more = await world.run(via="wordpress")
    assert more.passed.outcomes[Outcome.APPENDED] == 7 - sum(day in WEEK for day in some.values() if day)
    assert (await world.run(via="wordpress")).complete_before == 1


# --- Windows ----------------------------------------------------------------------------------------------------


async def test_what_lies_outside_is_counted_and_a_later_backfill_takes_it_on(world: World) -> None:
    server = await world.outlet(Outlet(daily(NOVEMBER, 15)), {"route": "sitemap"})
    first = await world.run()
    assert first.passed.outcomes == {Outcome.APPENDED: 7, Outcome.OUTSIDE: 8}
    assert first.to_json()["outside"] == {"by_archive": 0, "by_page": 8}
    listings = server.paths.count("/sitemap.xml")
    wider = await world.run(Period(NOVEMBER, date(2025, 11, 13)))
    assert wider.passed.outcomes == {Outcome.APPENDED: 6}  # the two of the 14th and 15th stay unasked
    assert server.paths.count("/sitemap.xml") == listings + 2  # once before and once after the days that are done
    assert world.pages == 15 + 6
    assert len(await world.texts()) == 13
    inside = await world.run(Period(date(2025, 11, 2), date(2025, 11, 12)))
    assert (inside.passed.taken, inside.complete_before) == (0, 3)
    assert server.paths.count("/sitemap.xml") == listings + 2


async def test_the_last_days_are_listed_again_and_only_they(world: World) -> None:
    days = daily(NOVEMBER, 15)
    posts = [Post(number, at_noon(day)) for number, day in days.items() if day and number != 13]
    outlet = Outlet(days, archive=WordPress(posts))
    server = await world.outlet(outlet, {"route": "wordpress"})
    now, period = at_noon(date(2025, 11, 15)), Period(NOVEMBER, date(2025, 11, 15))
    assert (await world.run(period, now=now)).passed.outcomes == {Outcome.APPENDED: 14}
    assert isinstance(outlet.archive, WordPress)
    outlet.archive.posts = [*posts, Post(13, at_noon(date(2025, 11, 14)))]  # appeared late, as they do
    server.asked.clear()
    assert (await world.run(period, now=now)).passed.outcomes == {Outcome.APPENDED: 1}
    (asked,) = [a for a in server.asked if a.path.startswith("/wp-json")]
    assert asked.query["after"].startswith("2025-11-11T23:59:59")  # from the 13th on, with a day of slack
    server.asked.clear()
    settled = await world.run(period, now=now + timedelta(days=3))
    assert (settled.listed, len(server.asked)) == (1, 1)
    assert (await world.run(period, now=now + timedelta(days=3))).listed == 0
    assert len(server.asked) == 1


async def test_a_window_of_which_a_part_could_not_be_read_is_listed_again(world: World) -> None:
    outlet = Outlet(daily(NOVEMBER, 15))
    server = await world.outlet(outlet, {"route": "sitemap"})
    broken = True

    def answer(asked: Asked) -> Reply:
        if asked.path == "/sitemap.xml":
            parts = "".join(f"<sitemap><loc>{server.base}/part-{n}.xml</loc></sitemap>" for n in "ab")
            return Reply(
                f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{parts}</sitemapindex>'.encode()
            )
        numbers = range(10) if asked.path == "/part-a.xml" else range(10, 15)
        if asked.path == "/part-b.xml" and broken:
            return Reply(b"", 500)
        return Reply(urlset(*(f"{server.base}/news/{n}" for n in numbers)).encode())

    outlet.archive = answer
    first = await world.run()
    assert (first.incomplete, first.passed.outcomes[Outcome.APPENDED]) == (1, 6)
    assert "http 500" in str(first.problems)
    broken = False
    second = await world.run()
    assert (second.listed, second.incomplete, second.passed.outcomes[Outcome.APPENDED]) == (1, 0, 1)


# --- Together with the monitor ----------------------------------------------------------------------------------


async def fed(world: World) -> Outlet:
    """A source whose feed and sitemap name the same days."""
    outlet = Outlet(daily(NOVEMBER, 15))

    def both(asked: Asked) -> Reply:
        base = f"http://{asked.headers['host']}"
        if asked.path == "/rss":
            return Reply(rss({f"{base}/news/{n}": at_noon(day) for n, day in outlet.days.items() if day}).encode())
        return Reply(outlet.sitemap(asked).encode()) if asked.path == "/sitemap.xml" else MISSING

    outlet.archive = both
    await world.outlet(outlet, {"route": "sitemap"})
    return outlet


async def test_what_the_monitor_has_is_neither_fetched_nor_appended(world: World) -> None:
    outlet = await fed(world)
    passed = await monitor(world.config, world.data, sources=world.config.sources, now=lambda: NOW)
    assert passed.outcomes == {Outcome.APPENDED: 15}
    before = await world.texts()
    found = await world.run(Period(NOVEMBER, date(2025, 11, 15)))
    assert (found.passed.taken, found.passed.outcomes, outlet.pages) == (0, {}, 15)
    assert found.to_json()["sources"]["site"]["entries"] == 15
    assert await world.texts() == before


async def test_what_a_backfill_has_is_not_fetched_by_the_monitor_which_takes_the_rest(world: World) -> None:
    outlet = await fed(world)
    await world.run()
    assert outlet.pages == 15
    passed = await monitor(world.config, world.data, sources=world.config.sources, now=lambda: NOW)
    # Eight pages had been looked at and left out, because they are not of the week: for the monitor they are news.
    assert passed.outcomes == {Outcome.APPENDED: 8}
    assert outlet.pages == 15 + 8
    assert len(await world.texts()) == 15


# --- Pages ------------------------------------------------------------------------------------------------------


async def test_a_host_that_is_down_is_left_after_a_few_attempts(world: World) -> None:
    addresses = urlset(*(f"http://127.0.0.99:9/news/{number}" for number in range(40)))
    listed = await world.up(lambda _: Reply(addresses.encode()))
    await world.outlet(Outlet({}), {"route": "sitemap", "url": f"{listed.base}/all.xml"})
    summary = await world.run()
    assert summary.passed.outcomes == {Outcome.FAILED: 5}
    assert summary.passed.pending == 40


async def test_an_archives_wish_for_a_pause_costs_one_page_and_not_the_hosts_others(world: World) -> None:
    days = daily(WEEK.first, 3)
    outlet = Outlet(days, gone=frozenset([0]))
    server = await world.outlet(outlet, {"route": "wayback"})
    stamp = "20251108060000"
    feed = rss({f"{server.base}/news/{number}": at_noon(day) for number, day in days.items() if day})
    past = Wayback({f"{server.base}/rss": {stamp: feed.encode()}})

    def answer(asked: Asked) -> Reply:
        return Reply(b"", 429, {"Retry-After": "3600"}) if "/news/" in asked.path else past(asked)

    world.archives["wayback"] = (await world.up(answer)).base
    summary = await world.run()
    assert summary.passed.outcomes == {Outcome.APPENDED: 2, Outcome.FAILED: 1}
    assert summary.passed.pending == 1


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ({"X-Archive-Orig-Content-Length": "90000"}, Outcome.FAILED),
        ({"X-Archive-Orig-Content-Length": "90000", "X-Archive-Orig-Content-Encoding": "gzip"}, Outcome.APPENDED),
        ({"X-Archive-Orig-Content-Length": "100"}, Outcome.APPENDED),
        ({}, Outcome.APPENDED),
    ],
)
async def test_half_a_copy_in_an_archive_is_not_appended(
    world: World, headers: dict[str, str], outcome: Outcome
) -> None:
    days = daily(WEEK.first, 1)
    server = await world.outlet(Outlet(days, gone=frozenset(days)), {"route": "wayback"})
    ((number, day),) = days.items()
    assert day is not None
    feed = rss({f"{server.base}/news/{number}": at_noon(day)})
    past = Wayback({f"{server.base}/rss": {"20251108060000": feed.encode()}})

    def answer(asked: Asked) -> Reply:
        return Reply(page(number, day), 200, headers) if "/news/" in asked.path else past(asked)

    world.archives["wayback"] = (await world.up(answer)).base
    assert (await world.run()).passed.outcomes == {outcome: 1}


async def test_pages_that_were_fetched_before_a_crash_are_not_fetched_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.outlet(Outlet(daily(WEEK.first, 7)), {"route": "sitemap"})

    async def crash(*_: object, **__: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr("storage.corpus.writer.CorpusWriter.place", crash)
        await world.run()
    fetched = world.pages
    assert fetched > 0
    assert (await world.run()).passed.outcomes == {Outcome.APPENDED: 7}
    assert world.pages == 7
    assert list((world.data / "fetched").iterdir()) == []


# --- Before doing it --------------------------------------------------------------------------------------------


async def test_a_dry_run_counts_and_touches_nothing(world: World) -> None:
    world.settings = SETTINGS.replace("0.02", "0.2")
    posts = [Post(number, at_noon(day)) for number, day in daily(NOVEMBER, 15, start=100).items() if day]
    site = await world.outlet(Outlet(daily(NOVEMBER, 15)), {"route": "sitemap"})
    slow = await world.outlet(Outlet({}, archive=WordPress(posts)), {"route": "wordpress"}, name="slow")
    slow.robots = Reply(b"User-agent: *\nCrawl-delay: 1\n")
    await world.outlet(Outlet({}), name="none")
    await world.outlet(Outlet({}), {"route": "ccnews"}, name="crawled")
    crawl = await world.up(CommonCrawl({f"2025/11/CC-NEWS-2025110{n}000000-00001.warc.gz": b"" for n in range(1, 9)}))
    world.archives["ccnews"] = crawl.base
    found = {one.source_id: one for one in await world.forecast()}
    assert (found["site"].route, found["site"].to_fetch, found["site"].seconds) == ("sitemap", 15, 3.0)
    assert (found["slow"].route, found["slow"].to_fetch, found["slow"].seconds) == ("wordpress", 9, 9.0)
    assert found["none"].problems[0].startswith("no route")
    assert found["crawled"].problems == [
        "2025-11-05 – 2025-11-11: 5 files of about 1 GB to read, all sources in one go"
    ]
    assert longest(found.values()) == 9.0
    assert world.pages == 0
    assert not world.data.exists()
    assert {asked.path for asked in site.asked} == {"/sitemap.xml"}
    assert [asked.path.rpartition("/")[2] for asked in crawl.asked] == ["warc.paths.gz"]


async def test_a_dry_run_knows_what_is_there_already(world: World) -> None:
    server = await world.outlet(Outlet(daily(NOVEMBER, 15)), {"route": "sitemap"})
    await world.run()
    before = sorted((path.name, path.stat().st_size) for path in world.data.rglob("*"))
    (same,) = await world.forecast()
    assert (same.route, same.addresses, same.to_fetch) == ("listed before", 0, 0)
    (wider,) = await world.forecast(Period(WEEK.first, date(2025, 11, 15)))
    assert (wider.addresses, wider.known, wider.to_fetch) == (15, 7, 8)
    assert world.pages == 15
    assert server.paths.count("/sitemap.xml") == 2
    ignored = {"index.sqlite-wal", "index.sqlite-shm"}  # SQLite makes them to read, and takes them away
    after = sorted((path.name, path.stat().st_size) for path in world.data.rglob("*") if path.name not in ignored)
    assert after == before


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (89, "89 s"),
        (90, "2 min"),
        (5399, "90 min"),
        (5400, "1.5 h"),
        (172_799, "48.0 h"),
        (180_000, "2.1 days"),
    ],
)
def test_a_duration_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert duration(seconds) == said


# --- A list of addresses ----------------------------------------------------------------------------------------


async def test_a_list_of_addresses_needs_no_change_of_the_catalogue(world: World) -> None:
    first = await world.outlet(Outlet(daily(WEEK.first, 3)), {"route": "sitemap"}, name="first")
    second = await world.outlet(Outlet(daily(WEEK.first, 3, start=100)), name="second")
    await world.outlet(Outlet({}), name="third")
    lines = [
        "# what the desk has collected", "", f"{first.base}/news/0", f"{second.base}/news/100\t2025-11-05",
        f"{second.base}/news/101\tsome day", "https://elsewhere.example/1", "nonsense",
        f"{second.base}/news/102\t2025-01-01",
    ]  # fmt: skip
    (world.root / "mine.txt").write_text("\n".join(lines))
    command = (
        "backfill", "--from", WEEK.first, "--to", WEEK.last, "--urls", world.root / "mine.txt", "--engine", "direct",
        "--config", world.folder(), "--data", world.data,
    )  # fmt: skip
    dry = one_json(await asyncio.to_thread(c5watch_process, *command, "--dry-run", "--json"))
    assert (dry["to_fetch"], set(dry["sources"])) == (3, {"first", "second"})
    assert not world.data.exists()
    done = await asyncio.to_thread(c5watch_process, *command, "--json")
    assert done.returncode == 0, done.stderr
    assert "1 address of no source chosen, left out: https://elsewhere.example/1\n" in done.stderr
    summary = one_json(done)
    assert {name: s["appended"] for name, s in summary["sources"].items()} == {"first": 1, "second": 2}
    assert summary["skipped"] == ["https://elsewhere.example/1"]
    assert summary["outside"]["by_archive"] == 1
    wrong = [
        'mine.txt, line 5: "some day" is no date; the page is to say its own',
        'mine.txt, line 7: "nonsense" is no address and is left out',
    ]
    assert dry["wrong_lines"] == summary["wrong_lines"] == wrong
    assert (summary["problems"], summary["windows"]["incomplete"]) == ({}, 0), "nothing was left unread"
    again = await asyncio.to_thread(c5watch_process, *command)
    assert [line for line in again.stdout.splitlines() if "mine.txt" in line] == wrong, "each is named once"
    assert all(said not in again.stdout for said in ("no route", "not searched", "not listed to the end"))
    # It says nothing of what else there may be: the archive is searched as if there had been no list.
    rest = await world.run()
    assert rest.passed.sources["first"].appended == 2
    assert rest.complete_before == 0
    assert world.pages == 5


# --- What cannot be done ----------------------------------------------------------------------------------------


def test_days_to_come_are_left_out_and_wrong_periods_refused() -> None:
    today = date(2025, 11, 22)
    assert checked_period(date(2025, 11, 20), date(2025, 12, 24), today=today).last == date(2025, 11, 23)
    for first, last in (("2025-11-10", "2025-11-09"), ("2025-11-24", "2025-11-30"), ("0001-01-01", "2025-11-01")):
        with pytest.raises(RequestError):
            checked_period(date.fromisoformat(first), date.fromisoformat(last), today=today)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--from", "2025-11-10", "--to", "2025-11-09"], "--to: 2025-11-09 is before --from 2025-11-10"),
        (["--from", "yesterday", "--to", "2025-11-09"], '--from: found "yesterday", expected a day such as 2025-11-01'),
        (["--from", "2025-11-01", "--to", "2025-11-31"], '--to: found "2025-11-31", expected a day such as 2025-11-01'),
        (["--from", "2199-01-01", "--to", "2199-01-02"], "--from: 2199-01-01 lies in the future"),
        (["--from", "1025-11-01", "--to", "2025-11-02"], "expected no day before 1995-01-01"),
        (["--source", "sight"], '--source: found "sight", expected an id from sources.toml'),
        (["--via", "carrier-pigeon"], '--via: found "carrier-pigeon", expected one of sitemap, '),
        (["--via", "paged"], '--via paged: found no source with a url for it; give one a backfill = { route = "paged"'),
        (["--via", "urls"], "or name one with --urls"),
        (["--urls", "absent.txt"], "--urls: absent.txt cannot be read: No such file or directory"),
        (["--urls", "absent.txt", "--via", "gdelt"], "--urls: found --via gdelt as well, expected one of the two"),
        (["--urls", "FOREIGN"], "--urls: found 2 addresses and 1 other line in "),
    ],
)
def test_a_wrong_command_is_one_sentence_and_status_2(tmp_path: Path, options: list[str], told: str) -> None:
    foreign = tmp_path / "foreign.txt"
    foreign.write_text("https://elsewhere.example/1\nhttps://elsewhere.example/2\nelsewhere, page 3\n")
    table = (
        '[[sources]]\nid = "site"\nname = "S"\nhomepage = "https://site.kz"\nfeeds = ["https://site.kz/rss"]\n'
        'language = "ru"\ncountry = "KZ"\ncategory = "national"\nbackfill = { route = "sitemap" }\n'
    )
    config = write_config(tmp_path / "config", sources=table)
    days = [] if "--from" in options else ["--from", "2025-11-01", "--to", "2025-11-02"]
    arguments = [str(foreign) if option == "FOREIGN" else option for option in options]
    places = ["--config", str(config), "--data", str(tmp_path / "data")]
    done = CliRunner().invoke(app, ["backfill", *days, *arguments, *places])
    assert done.exit_code == 2, done.output
    assert told in done.stderr
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert not (tmp_path / "data").exists()


def test_a_route_that_needs_an_address_is_taken_where_a_source_has_one(tmp_path: Path) -> None:
    feed = {"route": "paged", "url": "https://b.kz/feed?page={page}"}
    tables = "".join(
        source_table(name, Server(lambda _: MISSING, base=f"https://{name}.kz"), *routes)
        for name, routes in (("a", ()), ("b", (feed,)))
    )
    config = load_config(write_config(tmp_path, sources=tables))
    asked = checked_request(config, WEEK.first, WEEK.last, via="paged", today=NOW.date())
    assert [(source.id, len(asked.routes(source))) for source in asked.sources] == [("a", 0), ("b", 1)]
    with pytest.raises(RequestError, match="no source with a url"):
        checked_request(config, WEEK.first, WEEK.last, ["a"], via="paged", today=NOW.date())


async def test_no_archive_at_all_is_status_1(world: World) -> None:
    await world.outlet(Outlet({}, archive=archive_of()), {"route": "sitemap"})
    arguments = ("backfill", "--from", WEEK.first, "--to", WEEK.last, "--config", world.folder(), "--data", world.data)
    done = await asyncio.to_thread(c5watch_process, *arguments)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "c5watch: no archive could be read: see the error of each source above"
    assert "no sitemap found" in done.stdout
    dry = await asyncio.to_thread(c5watch_process, *arguments, "--dry-run")
    assert dry.returncode == 1
    assert dry.stderr.splitlines()[-1] == "c5watch: no archive could be read: see the notes above"


# --- Interrupted ------------------------------------------------------------------------------------------------


@asynccontextmanager
async def command(*arguments: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command, under way."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "flows.cli", *map(str, arguments), cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_ctrl_c_keeps_what_is_finished_and_the_same_command_continues(world: World) -> None:
    world.settings = SETTINGS.replace("0.02", "0.1")
    await world.outlet(Outlet(daily(NOVEMBER, 40)), {"route": "sitemap"})
    period = ("--from", NOVEMBER, "--to", "2025-12-10")
    arguments = ("backfill", *period, "--config", world.folder(), "--data", world.data, "--engine", "direct", "--json")
    async with command(*arguments) as process:
        while world.pages < 10:
            await asyncio.sleep(0.01)
        os.kill(process.pid, signal.SIGINT)
        out, err = await process.communicate()
    assert process.returncode == 130, err.decode()
    assert (
        err.decode().splitlines()[-1] == "c5watch: interrupted; finished work is kept, and the same command continues"
    )
    summary = json.loads(out)
    assert summary["interrupted"] is True
    async with open_corpus(world.data, world.config.settings.storage):
        pass  # writes the files that a slow disk has left undone
    assert 0 < summary["appended"] == len(await world.texts()) < 40
    assert summary["appended"] + summary["pending"] == 40
    done = one_json(await asyncio.to_thread(c5watch_process, *arguments))
    assert done["appended"] == 40 - summary["appended"]
    assert world.pages <= 41  # the one that was on its way
    assert len(await world.texts()) == 40


async def test_sources_without_a_route_are_named_in_one_sentence_and_those_with_another_by_hand_are_not(
    world: World,
) -> None:
    posts = [Post(number, at_noon(day)) for number, day in daily(WEEK.first, 2).items() if day]
    await world.outlet(Outlet(daily(WEEK.first, 2), archive=WordPress(posts)), name="first")
    await world.outlet(Outlet({}), name="second")
    command = (
        "backfill", "--from", WEEK.first, "--to", WEEK.last, "--engine", "direct", "--config", world.folder(),
        "--data", world.data,
    )  # fmt: skip
    done = await asyncio.to_thread(c5watch_process, *command)
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if "give the source" in line] == [
        "first, second: no route: give the source a backfill in sources.toml, or name one with --via"
    ]
    by_hand = await asyncio.to_thread(c5watch_process, *command, "--source", "first", "--via", "wordpress")
    assert by_hand.returncode == 0
    assert "no route" not in by_hand.stdout
