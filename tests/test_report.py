"""The status page: its numbers come from the index, and it is safe and complete by itself."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from config.settings import Storage
from config.sources import Source
from extractors.period import Period
from flows.pages import replace_page
from flows.reports.status import page, turn
from storage.health.coverage import load_coverage
from storage.health.report import DAYS, load_report
from storage.index.database import index_location, open_database
from storage.index.schema import articles, feeds, flags, hosts, runs, urls

ALMATY = ZoneInfo("Asia/Almaty")
NOW = datetime(2025, 11, 22, 20, 30, tzinfo=UTC)  # the 23rd in Almaty
TODAY = date(2025, 11, 23)
PERIOD = Period(TODAY - timedelta(days=DAYS - 1), TODAY)
SOURCES = [
    Source(
        id=key, name=name, homepage="https://site.kz", feeds=feeds, language="ru", country="KZ",
        category="national",
    )
    for key, name, feeds in (
        ("one", "Первая газета", ("https://site.kz/rss", "https://site.kz/rss2")),
        ("two", 'Second <script>alert("x")</script>', ("https://two.kz/rss",)),
    )
]  # fmt: skip
HOSTILE = '<script>alert(1)</script> "quoted" & </title><img src=x onerror=alert(2)>'


@pytest.fixture
async def connection(tmp_path: Path, storage: Storage) -> AsyncIterator[AsyncConnection]:
    database = await open_database(index_location(tmp_path, storage))
    async with database.write() as opened:
        await fill(opened)
    async with database.read() as opened:
        yield opened
    await database.close()


async def fill(connection: AsyncConnection) -> None:
    decided = {
        "appended": [NOW, NOW - timedelta(hours=2), NOW - timedelta(days=40)],  # 01:30 and the evening before; long ago
        "off_topic": [NOW],
        "gone": [NOW, NOW],
        None: [None],
    }
    rows = [
        {
            "key": f"https://site.kz/{outcome}/{n}", "url": "u", "source_id": "one", "feed_url": "f", "first_seen": NOW,
            "attempts": 1, "outcome": outcome, "decided_at": moment, "published": NOW,
            "reason": "http 404" if outcome == "gone" else "why",
        }
        for outcome, moments in decided.items()
        for n, moment in enumerate(moments)
    ]  # fmt: skip
    await connection.execute(insert(urls), rows)
    facts = {"id": "a" * 16, "body": "b", "sha256": "c" * 64, "appended_at": NOW, "source_id": "one"}
    for number, (title, url) in enumerate([("Заголовок", "https://site.kz/1"), (HOSTILE, "javascript:alert(3)")]):
        own = {"number": number, "id": f"{number:016}", "file": f"{number}", "title": title, "url": url}
        await connection.execute(insert(articles).values(facts | own))
    await connection.execute(
        insert(flags).values(source_id="two", flag="silent", since=NOW, why="nothing new for 3 days")
    )
    poll = {"source_id": "one", "polled_at": NOW, "failures": 1}
    await connection.execute(
        insert(feeds),
        [
            {**poll, "url": "https://site.kz/rss", "succeeded_at": NOW, "error": None},
            {**poll, "url": "https://site.kz/rss2", "succeeded_at": None, "error": "http 500"},
            {
                **poll,
                "url": "https://two.kz/rss",
                "source_id": "two",
                "succeeded_at": NOW,
                "failures": 0,
                "error": None,
            },
        ],
    )
    await connection.execute(insert(hosts).values(host="slow.kz", interval_s=8.0, successes=0))
    await connection.execute(insert(runs).values(kind="monitor", engine="direct", started_at=NOW))


async def test_the_numbers_are_those_of_the_index(connection: AsyncConnection) -> None:
    report = await load_report(connection, SOURCES, zone=ALMATY, now=NOW)
    assert report.articles == 2
    assert [article.number for article in report.newest] == [1, 0]
    one, two = report.sources
    assert one.days == {TODAY: 1, TODAY - timedelta(days=1): 1}, "a day begins at midnight in the zone asked for"
    assert one.outcomes == {"appended": 2, "off_topic": 1, "gone": 2}, "what is older than 30 days is left out"
    assert report.reasons == {("gone", "http 404"): 2}
    assert (one.pending, one.state.last_success, one.state.error) == (1, NOW, "http 500")
    assert two.state.state == "silent"
    assert [host for host, _ in report.slow] == ["slow.kz"]
    assert report.runs[0].finished_at is None


async def test_whatever_it_shows_the_page_runs_nothing_and_loads_nothing(connection: AsyncConnection) -> None:
    report = await load_report(connection, SOURCES, zone=ALMATY, now=NOW)
    coverage = await load_coverage(connection, {"one": ALMATY, "two": ALMATY}, PERIOD, now=NOW)
    html = page(report, coverage, SOURCES, PERIOD, now=NOW.astimezone(ALMATY))
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.S)
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{allowed}'" in html
    html = html.replace(script, "").replace("<script></script>", "")
    assert "<script" not in html and "<img" not in html and "javascript:" not in html
    assert not re.search(r"<(?:link|iframe|object|embed|style[^>]*src|[a-z]+[^>]*\s(?:src|on\w+)=)", html)
    assert re.findall(r'href="([^"]+)"', html) == ["https://site.kz/1"]
    assert "&lt;script&gt;alert(1)" in html, "and yet the title is told"
    assert "nothing new for 3 days" in html and "Sunday, 23 November 2025, 01:30 (Asia/Almaty)" in html


async def test_an_empty_index_has_a_page_too(tmp_path: Path, storage: Storage) -> None:
    database = await open_database(index_location(tmp_path, storage))
    async with database.read() as connection:
        report = await load_report(connection, [], zone=ALMATY, now=NOW)
    await database.close()
    assert "c5watch" in page(report, [], [], PERIOD, now=NOW.astimezone(ALMATY))


def test_many_may_write_a_page_at_once_and_each_reader_sees_a_whole_one(tmp_path: Path) -> None:
    path, letters = tmp_path / "report.html", "abcdefgh"

    def write(letter: str) -> set[str]:
        seen = set()
        for _ in range(30):
            replace_page(path, letter * 100_000)
            seen.add(path.read_text())
        return seen

    with ThreadPoolExecutor(len(letters)) as pool:
        seen = set().union(*pool.map(write, letters))
    assert seen <= {letter * 100_000 for letter in letters}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("ago", "says_so"), [(timedelta(minutes=20), False), (timedelta(hours=9), True)])
async def test_a_page_written_long_after_the_last_pass_says_so(
    connection: AsyncConnection, tmp_path: Path, ago: timedelta, says_so: bool
) -> None:
    report = replace(await load_report(connection, SOURCES, zone=ALMATY, now=NOW), last_pass=NOW - ago)
    html = page(report, [], SOURCES, PERIOD, now=NOW.astimezone(ALMATY))
    (told,) = re.findall(r'<p class="old"([^>]*)>(.*?)</p>', html)
    assert ("hidden" not in told[0]) == says_so
    if says_so:
        assert "The last pass ended <b>9 h</b> ago, 22 Nov, 16:30: is “c5watch serve” running?" in told[1]


def test_three_turns_of_the_monitor_make_a_page_old() -> None:
    assert turn("*/30 * * * *", now=NOW) == timedelta(minutes=30)
    assert turn("0 7 * * *", now=NOW) == timedelta(days=1)
