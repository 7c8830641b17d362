"""What stands out about a source: rules by themselves, against a real index, and where people read them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config.load import load_config
from config.settings import Storage
from extractors.records import Outcome
from flows.passes.monitor import monitor
from storage.corpus.writer import open_corpus
from storage.health.sources import (
    FAILING,
    REDESIGNED,
    SILENT,
    Flag,
    PageYield,
    Rhythm,
    assess,
    load_flags,
    load_health,
    store_flags,
)
from storage.index.database import Database, index_location, open_database
from storage.index.schema import flags
from tests.demo_site.server import DemoSite
from tests.support.health_rows import NOW, health_of, store_feed, store_urls
from tests.support.running import c5watch, one_json, source_toml, write_config

pytestmark = pytest.mark.slow

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DEAD = "zhetisu-online"
STEADY = Rhythm(300, 10 * HOUR, NOW - HOUR, NOW - 20 * DAY)
GOOD, EMPTY, SHORT, UNDATED = PageYield(400, True), PageYield(None, False), PageYield(60, True), PageYield(400, False)


def names(flagged: Sequence[Flag]) -> list[str]:
    return [flag.name for flag in flagged]


def judged(
    *, failures: int = 0, rhythm: Rhythm = STEADY, pages: Sequence[PageYield] = (), before: Any = None
) -> list[str]:
    return names(assess(failures=failures, rhythm=rhythm, pages=pages, now=NOW, before=before))


@pytest.mark.parametrize(("failures", "expected"), [(0, []), (2, []), (3, [FAILING]), (50, [FAILING])])
def test_a_source_that_cannot_be_read_is_failing(failures: int, expected: list[str]) -> None:
    assert judged(failures=failures) == expected


def test_a_failing_source_is_not_called_silent_as_well() -> None:
    assert judged(failures=3, rhythm=replace(STEADY, last=NOW - 9 * DAY)) == [FAILING]


@pytest.mark.parametrize(
    ("rhythm", "expected"),
    [
        pytest.param(Rhythm(600, 10 * HOUR, NOW - 14 * HOUR, NOW - 20 * DAY), [], id="a night a little longer"),
        pytest.param(Rhythm(600, 10 * HOUR, NOW - 16 * HOUR, NOW - 20 * DAY), [SILENT], id="night and half a day"),
        pytest.param(Rhythm(150, 64 * HOUR, NOW - 90 * HOUR, NOW - 20 * DAY), [], id="closed at weekends, a holiday"),
        pytest.param(Rhythm(150, 64 * HOUR, NOW - 97 * HOUR, NOW - 20 * DAY), [SILENT], id="weekend and two days"),
        pytest.param(Rhythm(700, 40 * MINUTE, NOW - 100 * MINUTE, NOW - 20 * DAY), [], id="round the clock: two hours"),
        pytest.param(Rhythm(700, 40 * MINUTE, NOW - 121 * MINUTE, NOW - 20 * DAY), [SILENT], id="round the clock"),
        pytest.param(Rhythm(29, DAY, NOW - 15 * DAY, NOW - 20 * DAY), [], id="too few news for a rhythm"),
        pytest.param(Rhythm(90, 14 * HOUR, NOW - 63 * HOUR, NOW - 7 * DAY), [], id="its first weekend with us"),
        pytest.param(Rhythm(0, timedelta(0), None), [], id="nothing ever"),
        pytest.param(
            Rhythm(600, 2 * HOUR, NOW - 5 * HOUR, NOW - 20 * DAY, NOW - 10 * MINUTE), [], id="dates in a wrong zone"
        ),
    ],
)
def test_silence_is_measured_by_the_sources_own_pauses(rhythm: Rhythm, expected: list[str]) -> None:
    assert judged(rhythm=rhythm) == expected


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        pytest.param([EMPTY] * 3 + [GOOD] * 50, [REDESIGNED], id="no text any more"),
        pytest.param([SHORT] * 3 + [GOOD] * 50, [REDESIGNED], id="only the beginning of the text"),
        pytest.param([UNDATED] * 3 + [GOOD] * 50, [REDESIGNED], id="no dates any more"),
        pytest.param([EMPTY] * 2 + [GOOD] * 50, [], id="two pages without text"),
        pytest.param([SHORT] * 2 + [GOOD] * 50, [], id="two short pieces"),
        pytest.param([SHORT, GOOD, SHORT, GOOD, SHORT] + [GOOD] * 50, [], id="short news once in a while"),
        pytest.param(([SHORT] + [GOOD] * 4) * 10, [], id="every fifth is short"),
        pytest.param([SHORT] * 3 + ([SHORT] + [GOOD] * 4) * 10, [], id="three in a row where every fifth is short"),
        pytest.param([SHORT] * 7 + ([SHORT] + [GOOD] * 4) * 10, [REDESIGNED], id="seven where every fifth is short"),
        pytest.param(([EMPTY] + [GOOD] * 3) * 15, [], id="every fourth is a video"),
        pytest.param([UNDATED] * 60, [], id="never had dates"),
        pytest.param([SHORT] * 60, [], id="always short"),
        pytest.param([EMPTY] * 3 + [GOOD] * 9, [], id="too little to compare with"),
        pytest.param([EMPTY] * 60, [], id="never had a text"),
        pytest.param([EMPTY] * 5 + [GOOD] * 12, [REDESIGNED], id="five of a young source"),
        pytest.param([EMPTY, SHORT, EMPTY] + [GOOD] * 50, [], id="trouble of different kinds"),
        pytest.param([], [], id="nothing yet"),
    ],
)
def test_a_redesign_is_a_row_of_bad_pages_too_rare_to_be_chance(pages: list[PageYield], expected: list[str]) -> None:
    assert judged(pages=pages) == expected


@pytest.mark.parametrize(
    ("latest", "expected"),
    [
        pytest.param([EMPTY] * 60, [REDESIGNED], id="for long"),
        pytest.param([SHORT] * 60, [REDESIGNED], id="short for long"),
        pytest.param([GOOD, EMPTY, EMPTY, GOOD, EMPTY, EMPTY] * 10, [REDESIGNED], id="a good page now and then"),
        pytest.param([GOOD] * 4 + [EMPTY] * 56, [], id="repaired"),
    ],
)
def test_a_noticed_redesign_lasts_until_the_pages_are_good_again(latest: list[PageYield], expected: list[str]) -> None:
    assert judged(pages=latest, before=[GOOD] * 60) == expected


def test_a_flag_says_why() -> None:
    silent = replace(STEADY, last=NOW - 5 * DAY)
    pages = [SHORT] * 3 + [GOOD] * 50
    assert [f.why for f in assess(failures=0, rhythm=silent, pages=pages, now=NOW)] == [
        "nothing new for 5 days; its longest pause so far was 10 h",
        "texts of 60 words where 400 were usual",
    ]
    assert assess(failures=7, rhythm=STEADY, pages=(), now=NOW)[0].why == "7 polls failed in a row"


# Against an index


@pytest.fixture
async def database(tmp_path: Path, storage: Storage) -> AsyncIterator[Database]:
    opened = await open_database(index_location(tmp_path, storage))
    yield opened
    await opened.close()


def office_hours(days: int, *, until: datetime = NOW, weekend: bool = True) -> list[datetime]:
    """Something every two hours from 8 to 18 h, up to but not with the day of `until`."""
    midnights = [until.replace(hour=0) - n * DAY for n in range(1, days + 1)]
    return [m + h * HOUR for m in midnights if weekend or m.weekday() < 5 for h in range(8, 20, 2)]


async def test_the_rhythm_is_read_from_the_index(database: Database) -> None:
    await store_feed(database, "daily")
    await store_urls(database, "daily", office_hours(20))
    [health] = await health_of(database, "daily")
    midnight = NOW.replace(hour=0)
    rhythm = health.rhythm
    assert (rhythm.hours, rhythm.longest_pause) == (120, 14 * HOUR)
    assert (rhythm.first, rhythm.last) == (midnight - 20 * DAY + 8 * HOUR, midnight - 6 * HOUR)
    assert (health.last_success, health.failures, health.median_words, health.undated_share) == (NOW, 0, 400, 0.0)
    assert health.flags == ()


@pytest.mark.parametrize(
    ("quiet_for", "weekend", "expected"),
    [
        pytest.param(0 * DAY, True, [], id="daily, a usual morning"),
        pytest.param(1 * DAY, True, [SILENT], id="daily, a day without news"),
        pytest.param(1 * DAY, False, [], id="no weekends, Monday is late"),
        pytest.param(4 * DAY, False, [SILENT], id="no weekends, and then a long one"),
    ],
)
async def test_silence_shows_against_the_index(
    database: Database, quiet_for: timedelta, weekend: bool, expected: list[str]
) -> None:
    await store_feed(database, "one", success=NOW + quiet_for)
    await store_urls(database, "one", office_hours(20, weekend=weekend))
    [health] = await health_of(database, "one", now=NOW + quiet_for)
    assert names(health.flags) == expected


async def test_what_was_published_since_the_last_poll_is_no_silence(database: Database) -> None:
    await store_feed(database, "one", failures=2, success=NOW)
    await store_urls(database, "one", office_hours(20))
    [health] = await health_of(database, "one", now=NOW + 2 * DAY)
    assert health.flags == ()


async def test_entries_without_date_or_from_the_future_count_when_they_are_seen(database: Database) -> None:
    await store_feed(database, "one")
    await store_urls(database, "one", office_hours(12), published=None)
    await store_feed(database, "two")
    await store_urls(database, "two", office_hours(12), published=NOW + 3 * DAY)
    one, two = await health_of(database, "one", "two")
    assert one.rhythm == two.rhythm
    assert one.rhythm.last == NOW.replace(hour=0) - 6 * HOUR


async def test_what_is_older_than_a_month_is_no_rhythm(database: Database) -> None:
    await store_feed(database, "old")
    await store_urls(database, "old", office_hours(20, until=NOW - 31 * DAY))
    [health] = await health_of(database, "old")
    assert (health.rhythm.hours, health.rhythm.last, health.flags) == (0, None, ())


async def test_a_source_was_read_when_its_best_feed_was(database: Database) -> None:
    await store_feed(database, "two-feeds", failures=9, success=None, path="a")
    await store_feed(database, "two-feeds", failures=0, path="b")
    await store_feed(database, "down", failures=4, success=NOW - DAY, path="a")
    await store_feed(database, "down", failures=9, success=None, path="b")
    fine, down, unknown = await health_of(database, "two-feeds", "down", "unknown")
    assert (fine.failures, fine.last_success) == (0, NOW)
    assert (names(down.flags), down.last_success) == ([FAILING], NOW - DAY)
    assert (unknown.flags, unknown.last_success, unknown.rhythm.hours) == ((), None, 0)


async def test_a_redesign_is_flagged_lasts_and_ends(database: Database) -> None:
    await store_feed(database, "one")
    start = NOW - 12 * DAY
    await store_urls(database, "one", [start + n * HOUR for n in range(80)])

    async def raised(at: datetime) -> list[str]:
        health = await health_of(database, "one", now=at)
        async with database.write() as connection:
            return [flag.name for _, flag in await store_flags(connection, health, now=at)]

    async def kept() -> list[str]:
        async with database.read() as connection:
            return names((await load_flags(connection, ["one", "two"])).get("one", ()))

    began = start + 4 * DAY
    no_text = {"words": None, "dated": None, "outcome": Outcome.TOO_SHORT.value}
    await store_urls(database, "one", [began + n * MINUTE for n in range(3)], **no_text)
    assert await raised(began + HOUR) == [REDESIGNED]
    await store_urls(database, "one", [began + (2 + n) * HOUR for n in range(70)], **no_text)
    assert await raised(began + 3 * DAY) == []
    assert await kept() == [REDESIGNED]
    await store_urls(database, "one", [began + 4 * DAY + n * MINUTE for n in range(6)])
    assert await raised(began + 5 * DAY) == []
    assert await kept() == []


async def test_pages_that_failed_are_no_pages_without_text(database: Database) -> None:
    await store_feed(database, "one")
    await store_urls(database, "one", [NOW - n * HOUR for n in range(10, 60)])
    failed = {"words": None, "dated": None, "outcome": Outcome.FAILED.value}
    await store_urls(database, "one", [NOW - n * MINUTE for n in range(9)], **failed)
    [health] = await health_of(database, "one")
    assert health.flags == ()


@pytest.mark.parametrize(("hours", "expected"), [((1, 2, 3), [REDESIGNED]), ((28, 29, 30), [])])
async def test_pages_decided_at_one_moment_count_in_the_order_they_were_published(
    database: Database, hours: Sequence[int], expected: list[str]
) -> None:
    await store_feed(database, "one")
    batch = {"first_seen": NOW, "decided_at": NOW}
    await store_urls(database, "one", [NOW - n * HOUR for n in range(31, 90, 2)], **batch)
    no_text = {"words": None, "dated": None, "outcome": Outcome.TOO_SHORT.value}
    await store_urls(database, "one", [NOW - n * HOUR for n in hours], **batch, **no_text)
    await store_urls(database, "one", [NOW - n * HOUR for n in range(4, 28)], **batch)
    [health] = await health_of(database, "one")
    assert names(health.flags) == expected


async def test_flags_are_told_once_kept_while_they_last_and_removed_when_over(database: Database) -> None:
    await store_feed(database, "one", failures=3)
    await store_feed(database, "two", failures=5)
    [one, two] = await health_of(database, "one", "two")

    async def store(*health: Any, now: datetime) -> list[tuple[str, str]]:
        async with database.write() as connection:
            return [(key, flag.name) for key, flag in await store_flags(connection, health, now=now)]

    async def stored() -> list[tuple[Any, ...]]:
        async with database.read() as connection:
            return [tuple(row) for row in await connection.execute(select(flags).order_by(flags.c.source_id))]

    assert await store(one, two, now=NOW) == [("one", FAILING), ("two", FAILING)]
    worse = replace(one, flags=(Flag(FAILING, "4 polls failed in a row"), Flag(REDESIGNED, "no text")))
    assert await store(worse, two, now=NOW + HOUR) == [("one", REDESIGNED)]
    assert ("one", FAILING, NOW, "4 polls failed in a row") in await stored()
    assert await store(replace(one, flags=()), now=NOW + 2 * HOUR) == []
    assert [row[:3] for row in await stored()] == [("two", FAILING, NOW)]  # not asked about, so not touched
    assert await store(one, now=NOW + 3 * HOUR) == [("one", FAILING)]


# Where people read them


async def test_flags_reach_the_summary_also_of_sources_that_were_not_polled(site: DemoSite, tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path / "config", sources=site.sources_toml()))
    now = datetime.now(UTC)

    async def run(at: datetime, *, due_only: bool = False) -> Any:
        return await monitor(config, tmp_path / "data", sources=config.sources, now=lambda: at, due_only=due_only)

    first, second = await run(now), await run(now + MINUTE)
    assert first.raised == second.raised == []
    third = await run(now + 2 * MINUTE)
    assert [(key, flag.name) for key, flag in third.raised] == [(DEAD, FAILING)]
    nobody = await run(now + 3 * MINUTE, due_only=True)
    assert nobody.raised == []
    assert sum(report.feeds for report in nobody.sources.values()) == 0
    for summary in (third, nobody):
        reports = summary.to_json()["sources"]
        dead = reports.pop(DEAD)["health"]
        assert (dead["state"], dead["since"], dead["error"].split(" (")[0]) == ("never", None, "connection refused")
        assert all(report["health"]["state"] == "ok" for report in reports.values())


@pytest.fixture(scope="module")
def polled(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The demonstration site after three passes, and the folders to look at it with."""
    root = tmp_path_factory.mktemp("polled")
    with DemoSite() as site:
        folder = write_config(root / "config", sources=site.sources_toml())
        config = load_config(folder)
        for _ in range(3):
            asyncio.run(monitor(config, root / "data", sources=config.sources))
        yield site, ("--config", folder, "--data", root / "data")


def test_sources_status_shows_each_sources_health(polled: Any) -> None:
    site, folders = polled
    done = c5watch("sources", "status", *folders)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[:2] == ["source", "health"]
    health = {line.split()[0]: line.split()[1] for line in lines[1:] if line[0] != " "}
    assert health.pop(DEAD) == "never"
    assert set(health) == {outlet.source_id for outlet in site.outlets}
    assert set(health.values()) == {"ok"}
    assert "connection refused" in done.stdout


def test_sources_status_as_json(polled: Any) -> None:
    _, folders = polled
    result = one_json(c5watch("sources", "status", "--json", *folders))
    assert (result[DEAD]["state"], result[DEAD]["failures"], result[DEAD]["last_success"]) == ("never", 3, None)
    assert result[DEAD]["error"].startswith("connection refused")
    fine = result["stepnoy-vestnik"]
    assert (fine["state"], fine["failures"]) == ("ok", 0)
    assert fine["median_words"] > 20
    assert fine["rhythm"]["hours"] > 0


def test_sources_check_says_what_each_feed_gives(polled: Any) -> None:
    _, folders = polled
    done = c5watch("sources", "check", *folders)
    assert done.returncode == 0, done.stderr
    works = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()[1:] if line[:1].strip()}
    assert works.pop(DEAD) == "NO"
    assert set(works.values()) == {"yes"}


def test_sources_check_as_json(polled: Any) -> None:
    _, folders = polled
    result = one_json(c5watch("sources", "check", "--json", *folders))
    checks = {check["source"]: check for check in result["feeds"]}
    dead = checks.pop(DEAD)
    assert (dead["ok"], dead["entries"]) == (False, 0)
    assert dead["note"].startswith("connection refused")
    assert all(check["ok"] and check["kind"] and check["entries"] > 0 for check in checks.values())
    assert sum(check["entries"] for check in checks.values()) == 46


def test_sources_check_asks_only_the_named_ones_and_stores_nothing(polled: Any, tmp_path: Path) -> None:
    _, (flag, config, *_rest) = polled
    done = c5watch("sources", "check", "dala-habary", "--json", flag, config, "--data", tmp_path / "data")
    assert [check["source"] for check in one_json(done)["feeds"]] == ["dala-habary"]
    assert not (tmp_path / "data").exists()


def test_sources_check_fails_when_no_feed_works(polled: Any) -> None:
    _, folders = polled
    done = c5watch("sources", "check", DEAD, *folders)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "c5watch: no feed could be read: see the notes above"


def test_sources_status_before_the_first_pass_says_what_to_do(tmp_path: Path) -> None:
    config = write_config(tmp_path / "config", sources=source_toml("one", "https://one.example/rss"))
    done = c5watch("sources", "status", "--config", config, "--data", tmp_path / "data")
    assert done.returncode == 1
    assert "run 'c5watch monitor'" in done.stderr


async def test_a_source_that_was_never_polled_is_shown_as_such(tmp_path: Path) -> None:
    sources = source_toml("one", "https://one.example/rss")
    config = load_config(write_config(tmp_path / "config", sources=sources))
    async with open_corpus(tmp_path / "data", config.settings.storage):
        pass
    status = "sources", "status", "--config", tmp_path / "config", "--data", tmp_path / "data"
    done = await asyncio.to_thread(c5watch, *status)
    assert done.returncode == 0
    assert done.stdout.splitlines()[1].split() == ["one", "never", "read"]


# What used to pass for well


async def test_a_site_that_refuses_every_page_is_flagged_after_a_day(database: Database) -> None:
    await store_feed(database, "site")
    await store_urls(database, "site", [NOW - n * DAY for n in range(20, 40)])
    no_page = {"words": None, "dated": None, "outcome": "refused", "reason": "http 403"}
    await store_urls(database, "site", [NOW - n * 4 * HOUR for n in range(1, 6)], **no_page)
    assert names((await health_of(database, "site"))[0].flags) == []  # not for so long yet
    await store_urls(database, "site", [NOW - n * 4 * HOUR for n in range(6, 9)], **{**no_page, "outcome": "gone"})
    (flag,) = (await health_of(database, "site"))[0].flags
    assert (flag.name, flag.why) == ("refused", "no page of its latest 8 entries could be had, mostly http 403")
    await store_urls(database, "site", [NOW - MINUTE])
    assert names((await health_of(database, "site"))[0].flags) == []


async def test_a_feed_that_left_the_catalogue_shields_its_source_from_nothing(database: Database) -> None:
    await store_feed(database, "site", failures=9, success=NOW - 9 * DAY)
    await store_feed(database, "site", path="old", success=NOW)
    async with database.read() as connection:
        (health,) = await load_health(connection, ["site"], now=NOW, watched={"https://site.kz/rss": "site"})
    assert (names(health.flags), health.last_success) == ([FAILING], NOW - 9 * DAY)


async def test_each_feed_of_a_source_is_judged_by_itself(database: Database) -> None:
    await store_feed(database, "site")
    await store_feed(database, "site", path="economy", failures=5)
    (health,) = await health_of(database, "site")
    assert [flag.why for flag in health.flags] == ["1 of 2 feeds: 5 polls failed in a row (https://site.kz/economy)"]


async def test_a_silence_lasts_until_the_source_speaks_again(database: Database) -> None:
    await store_feed(database, "site", success=NOW + 300 * DAY)
    times = [NOW - n * 6 * HOUR for n in range(120)]
    await store_urls(database, "site", times)
    found = []
    for day in (1, 5, 20, 40, 200):
        now = NOW + day * DAY
        health = await health_of(database, "site", now=now)
        async with database.write() as connection:
            await store_flags(connection, health, now=now)
        found.append(names(health[0].flags))
    assert found == [[SILENT]] * 5
    assert [f.why for f in health[0].flags] == ["nothing new for 200 days"]
    await store_urls(database, "site", [NOW + 201 * DAY])
    assert names((await health_of(database, "site", now=NOW + 202 * DAY))[0].flags) == []


async def test_a_clock_that_was_weeks_ahead_silences_nobody_until_then(database: Database) -> None:
    await store_feed(database, "site", success=NOW + 20 * DAY)
    await store_urls(database, "site", [NOW - n * 6 * HOUR for n in range(120)])
    found = []
    for now in (NOW + 20 * DAY, NOW):
        health = await health_of(database, "site", now=now)
        async with database.write() as connection:
            await store_flags(connection, health, now=now)
        found.append(names(health[0].flags))
    assert found == [[SILENT], []]


async def test_a_rare_source_is_silent_by_its_own_measure(database: Database) -> None:
    await store_feed(database, "site", success=NOW + 60 * DAY)
    await store_urls(database, "site", [NOW - n * 7 * DAY for n in range(20)])
    assert names((await health_of(database, "site", now=NOW + 20 * DAY))[0].flags) == []
    assert names((await health_of(database, "site", now=NOW + 22 * DAY))[0].flags) == [SILENT]
    await store_feed(database, "young", success=NOW + 60 * DAY)
    await store_urls(database, "young", [NOW - n * 7 * DAY for n in range(5)])
    assert names((await health_of(database, "young", now=NOW + 59 * DAY))[0].flags) == []


async def test_a_backfill_of_old_years_flags_nobody(database: Database) -> None:
    await store_feed(database, "site")
    await store_urls(database, "site", [NOW - n * 3 * HOUR for n in range(100)])
    old = {"words": None, "dated": None, "outcome": "not_article", "window": 1, "published": NOW - 3000 * DAY}
    await store_urls(database, "site", [NOW - n * MINUTE - MINUTE / 2 for n in range(30)], **{**old, "decided_at": NOW})
    assert names((await health_of(database, "site"))[0].flags) == []
