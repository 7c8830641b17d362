"""What happens in an ordinary year, one scenario a test: nothing of it may lose an article."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from extractors.records import Outcome
from flows.passes.summary import sentences
from tests.support.archive_servers import MISSING, Reply
from tests.support.newsroom import START, Newsroom, html, newsroom, prose, whole
from tests.support.running import c5watch, source_toml

pytestmark = pytest.mark.slow

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Newsroom]:
    async with newsroom(tmp_path) as room:
        yield room


# --- Answers of a moment ---------------------------------------------------------------------------------------------

MOODS = {
    "gone": Reply(b"", 404),
    "removed": Reply(b"", 410),
    "refused": html("<p>Access denied</p>", 403),
    "login": html("", 401),
    "too_short": prose("Срочно: подробности следуют."),
    "paywalled": prose("Первый абзац. Чтобы читать дальше, оформите подписку.", title="Стена"),
    "not found": prose("Страница не найдена", title="404: страница не найдена"),
    "blank": html(""),
    "broken": html("", 502),
}


async def test_whole_articles_that_stood_there_later_are_in_the_corpus(site: Newsroom) -> None:
    names = {mood: f"/news/{number}" for number, mood in enumerate(MOODS, 1)}
    site.pages = {names[mood]: reply for mood, reply in MOODS.items()}
    site.announce(*names.values())
    await site.monitor()
    assert site.corpus() == []
    assert all([(await site.explain(path))["next_attempt"] > site.now for path in names.values()])
    site.pages = {path: whole(number) for number, path in enumerate(names.values(), 1)}
    await site.passes(2 * HOUR)
    assert sorted(site.corpus()) == sorted(names.values())


async def test_a_firewall_over_a_long_weekend_loses_nothing(site: Newsroom) -> None:
    site.pages = {"/news/1": html("", 502), "/news/2": html("", 403)}
    site.announce("/news/1", "/news/2")
    await site.passes(*(n * 6 * HOUR for n in range(4 * 5)))  # five days
    assert site.corpus() == []
    assert site.asked_for("/news/1") == 6
    site.pages = {"/news/1": whole(1), "/news/2": whole(2)}
    await site.passes(3 * DAY)
    assert sorted(site.corpus()) == ["/news/1", "/news/2"]


async def test_a_robots_txt_that_forbids_for_a_while_loses_nothing(site: Newsroom) -> None:
    assert site.server is not None
    site.announce("/news/1")
    site.pages["/news/1"] = whole(1)
    await site.passes(timedelta())  # the feed is read; then robots.txt forbids the pages
    site.announce("/news/2")
    site.pages["/news/2"] = whole(2)
    site.server.robots = Reply(b"User-agent: *\nDisallow: /news/")
    await site.passes(25 * HOUR)
    assert await site.outcome("/news/2") == Outcome.ROBOTS
    site.server.robots = MISSING
    await site.passes(26 * HOUR)
    assert sorted(site.corpus()) == ["/news/1", "/news/2"]


async def test_a_page_that_never_comes_is_asked_for_seven_times_and_no_more(site: Newsroom) -> None:
    site.announce("/news/1")
    await site.passes(*(n * 12 * HOUR for n in range(40)))
    assert site.asked_for("/news/1") == 7
    assert await site.outcome("/news/1") == Outcome.GONE


# --- A backfill beside the monitor -----------------------------------------------------------------------------------


async def test_a_backfill_does_not_write_outside_over_what_waits_for_the_monitor(site: Newsroom) -> None:
    site.tables = [
        '[[sources]]\nid = "site"\nname = "site"\nhomepage = "BASE"\nfeeds = ["BASE/rss"]\nlanguage = "ru"\n'
        'country = "KZ"\ncategory = "national"\nbackfill = { route = "sitemap" }\n'
    ]
    site.announce("/news/1", published=START - 9 * DAY)  # as the feed has it; the page says another day
    await site.monitor()
    site.pages["/news/1"] = whole(1, START.date() - 2 * DAY)
    site.now += HOUR
    first = (START - 12 * DAY).date()
    await site.backfill(first, first + 4 * DAY)
    await site.passes(HOUR)
    assert site.corpus() == ["/news/1"]


# --- Sources that change ---------------------------------------------------------------------------------------------


def table(source_id: str, *feeds: str, enabled: bool = True) -> str:
    return source_toml(source_id, *(f"BASE{feed}" for feed in feeds)).rstrip() + f"\nenabled = {str(enabled).lower()}\n"


@pytest.mark.parametrize("unchanged", [False, True])
async def test_what_waits_follows_a_source_that_is_renamed(site: Newsroom, unchanged: bool) -> None:
    site.tables = [table("old", "/rss")]
    site.announce("/news/1")
    await site.monitor()
    site.pages["/news/1"] = whole(1)
    site.tables = [table("new", "/rss")]
    if not unchanged:
        site.announce("/news/2")
    (summary,) = await site.passes(HOUR)
    assert site.corpus() == ["/news/1"]
    assert summary.orphans == {}
    assert (await site.explain("/news/1"))["source"] == "new"


async def test_what_waits_follows_a_feed_to_its_new_address_and_into_another_source(site: Newsroom) -> None:
    site.tables = [table("one", "/rss"), table("two", "/two")]
    site.announce("/news/1", "/news/2")
    site.announce("/news/3", feed="/two")
    await site.monitor()
    site.tables = [table("merged", "/moved", "/two")]
    site.announce("/news/1", feed="/moved")
    site.announce("/news/2", feed="/two")
    site.pages |= {f"/news/{number}": whole(number) for number in (1, 2, 3)}
    await site.passes(HOUR)
    assert sorted(site.corpus()) == ["/news/1", "/news/2", "/news/3"]


async def test_what_waits_under_a_source_that_is_gone_is_told_until_somebody_names_it(site: Newsroom) -> None:
    site.tables = [table("kept", "/rss"), table("gone", "/gone"), table("off", "/off")]
    site.announce("/news/9")
    site.announce("/news/1", "/news/2", feed="/gone")
    site.announce("/news/3", feed="/off")
    await site.monitor()
    site.tables = [table("kept", "/rss"), table("off", "/off", enabled=False)]
    (summary,) = await site.passes(HOUR)
    assert summary.orphans == {"gone": 2, "off": 1}
    assert "3 entries of sources that are not watched: gone (2), off (1)" in sentences(summary.to_json())
    site.pages |= {f"/news/{number}": whole(number) for number in (1, 2, 3)}
    site.announce("/news/2")  # another source's feed
    (summary,) = await site.passes(2 * HOUR)
    assert (site.corpus(), summary.orphans) == (["/news/2"], {"gone": 1, "off": 1})
    site.tables = [table("kept", "/rss"), table("off", "/off")]  # switched on again
    (summary,) = await site.passes(3 * HOUR)
    assert (site.corpus(), summary.orphans) == (["/news/2", "/news/3"], {"gone": 1})
    told = await asyncio.to_thread(c5watch, "sources", "status", "--config", site.root / "config", "--data", site.data)
    assert "1 entry of sources that are not watched: gone (1)" in told.stderr
