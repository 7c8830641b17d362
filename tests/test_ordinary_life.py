"""What happens in an ordinary year, one scenario a test: nothing of it may lose an article."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from extractors.records import Outcome
from tests.support.archive_servers import MISSING, Reply
from tests.support.newsroom import START, Newsroom, html, newsroom, prose, whole

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


_ = date
