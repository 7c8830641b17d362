"""What happens in an ordinary year, one scenario a test: nothing of it may lose an article."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from extractors.records import Deferred, Outcome
from flows.digest.digest import DigestRequest, digest
from flows.passes.context import Observer
from flows.passes.monitor import FORGET_EVERY
from flows.passes.summary import sentences
from flows.serving.missed import load_last
from flows.tools.check import check_sources
from flows.tools.extract import extract_page
from flows.tools.mending import mend
from storage.corpus.writer import open_for_reading
from storage.state.entries import load_feed_states
from tests.support.feed_documents import rss, urlset
from tests.support.loopback import MISSING, Asked, Reply
from tests.support.newsroom import START, Newsroom, html, newsroom, prose, whole
from tests.support.outlets import story
from tests.support.running import SETTINGS, c5watch, source_toml

pytestmark = pytest.mark.slow

ABOUT_TASHKENT = '[[topics]]\nid = "one"\nname = "One"\nthreshold = 1\n[topics.groups]\nall = { any = ["Ташкент"] }\n'
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
    site.tables = [routed(SITEMAP % "sitemap.xml")]
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


async def test_a_digest_of_a_country_keeps_the_articles_of_a_source_that_was_renamed(site: Newsroom) -> None:
    site.settings = f'{SETTINGS}\n[[digests]]\nname = "kz"\ncountries = ["KZ"]\n'
    site.tables = [table("old", "/rss")]
    site.announce("/news/1")
    site.pages["/news/1"] = whole(1)
    await site.monitor()
    site.tables = [table("new", "/rss")]
    made = await digest(site.config, site.data, DigestRequest(send=False), now=lambda: site.now)
    assert [one.articles for one in made.issued] == [1]


# --- Taken back by hand ----------------------------------------------------------------------------------------------


async def command(site: Newsroom, *words: object) -> str:
    folders = ("--config", site.config.folder, "--data", site.data)
    done = await asyncio.to_thread(c5watch, *words, *folders)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("mood", ["gone", "refused", "too_short"])
@pytest.mark.parametrize("passes", [1, 7])
async def test_an_imported_text_takes_the_place_of_a_page_that_came_to_nothing(
    site: Newsroom, mood: str, passes: int
) -> None:
    site.pages["/news/1"] = MOODS[mood]
    site.announce("/news/1")
    await site.passes(*(n * 5 * DAY for n in range(passes)))
    text = " ".join(story(1))
    file = site.root / "mine.jsonl"
    file.write_text(json.dumps({"url": f"{site.base}/news/1", "text": text, "date": "2026-03-20"}), encoding="utf-8")
    assert "1 appended" in await command(site, "corpus", "import", file)
    assert site.corpus() == ["/news/1"]
    facts = await site.explain("/news/1")
    assert (facts["outcome"], facts.get("next_attempt")) == (Outcome.APPENDED, None)
    assert "1 duplicate" in await command(site, "corpus", "import", file)


async def test_an_import_that_comes_to_nothing_leaves_what_waits_to_the_monitor(site: Newsroom) -> None:
    site.announce("/news/1")
    await site.monitor()
    file = site.root / "mine.jsonl"
    lines = [{"url": f"{site.base}/news/{number}", "text": "Слишком коротко."} for number in (1, 2)]
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert "2 too short" in await command(site, "corpus", "import", file)
    site.pages |= {"/news/1": whole(1), "/news/2": whole(2)}
    await site.passes(HOUR)
    assert site.corpus() == ["/news/1"]  # nobody has asked for the other one but the import


async def test_retry_opens_what_has_ended_without_an_article(site: Newsroom) -> None:
    site.topics = ABOUT_TASHKENT
    site.pages = {"/news/1": MOODS["refused"], "/news/2": MOODS["gone"], "/news/3": prose("Погода хорошая. " * 20)}
    site.announce("/news/1", "/news/2", "/news/3")
    await site.passes(*(n * 5 * DAY for n in range(7)))
    site.pages = {f"/news/{n}": prose(f"Ташкент {n}. {' '.join(story(n))}", title=f"Ташкент {n}") for n in (1, 2, 3)}
    assert "2 addresses (1 gone, 1 refused) would be tried again" in await command(site, "retry", "--dry-run")
    assert "nothing to try again" in await command(site, "retry", "--since", "2027-01-01")
    await site.passes(DAY)
    assert site.corpus() == []
    assert "1 address (1 refused)" in await command(site, "retry", "--source", "site", "--outcome", "refused,gave_up")
    await site.passes(2 * DAY)
    assert site.corpus() == ["/news/1"]
    assert "2 addresses" in await command(site, "retry", "--outcome", "gone", "--outcome", "off_topic")
    await site.passes(3 * DAY)
    assert sorted(site.corpus()) == ["/news/1", "/news/2", "/news/3"]
    assert "nothing to try again" in await command(site, "retry")


async def test_a_changed_topic_is_applied_to_kept_texts_without_fetching_them(site: Newsroom) -> None:
    site.topics = ABOUT_TASHKENT.replace("threshold = 1", "threshold = 1000")
    site.now = datetime.now(UTC)  # the command knows no other clock
    site.pages["/news/1"] = prose(f"Ташкент. {' '.join(story(1))}", title="Ташкент")  # read, and refused
    site.pages["/news/2"] = prose(f"Самарканд. {' '.join(story(2))}", title="Самарканд")  # screened: no text was taken
    site.announce("/news/1", "/news/2")
    await site.monitor()
    site.topics = ABOUT_TASHKENT
    assert "1 on topic now, nothing was changed" in await command(site, "topics", "apply", "--days", "2", "--dry-run")
    assert site.server is not None
    asked = len(site.server.asked)
    told = await command(site, "topics", "apply", "--days", "2")
    assert "1 on topic now, 1 appended" in told and "--fetch has the other 1" in told
    assert (site.corpus(), len(site.server.asked)) == (["/news/1"], asked)
    assert (await site.explain("/news/1"))["outcome"] == Outcome.APPENDED
    site.topics = ABOUT_TASHKENT.replace("Ташкент", "Самарканд")
    await command(site, "topics", "apply", "--days", "2", "--fetch")
    await site.passes(HOUR)
    assert site.corpus() == ["/news/1", "/news/2"]


# --- Backfills and their windows -------------------------------------------------------------------------------------


def routed(*routes: str) -> str:
    """The table of the source with these routes."""
    return (
        '[[sources]]\nid = "site"\nname = "site"\nhomepage = "BASE"\nfeeds = ["BASE/rss"]\nlanguage = "ru"\n'
        f'country = "KZ"\ncategory = "national"\nbackfill = [{", ".join(routes)}]\n'
    )


SITEMAP = '{ route = "sitemap", url = "BASE/%s" }'
PAGED = '{ route = "paged", url = "BASE/%s?page={page}" }'


def others(site: Newsroom) -> list[str | tuple[str, str]]:
    """Pages of other days, as a sitemap lists them."""
    return [(f"{site.base}/other/{n}", f"2001-01-0{n}") for n in (1, 2)]


async def test_a_backfill_opens_once_what_its_days_hold_without_an_article(site: Newsroom) -> None:
    site.tables = [routed(SITEMAP % "sitemap.xml")]
    site.announce("/news/1", "/news/2", "/news/3")
    site.feeds["/rss"]["/news/3"] = None
    await site.passes(*(n * 5 * DAY for n in range(7)))
    asked = site.asked_for("/news/2")
    site.pages = {"/news/1": whole(1), "/news/3": whole(3)}
    summary = await site.backfill(START.date(), START.date())
    assert summary.opened == 3
    await site.passes(DAY)
    assert sorted(site.corpus()) == ["/news/1", "/news/3"]
    assert (site.asked_for("/news/2"), await site.outcome("/news/2")) == (asked + 1, Outcome.GONE)
    assert (await site.backfill(START.date(), START.date())).opened == 0
    await site.passes(2 * DAY)
    assert site.asked_for("/news/2") == asked + 1
    assert (await site.backfill(START.date(), START.date(), again=True)).opened == 1


@pytest.mark.parametrize(
    ("wrong", "mended"),
    [
        ([SITEMAP % "old.xml"], [SITEMAP % "new.xml"]),
        ([PAGED % "old", SITEMAP % "old.xml"], [PAGED % "old", SITEMAP % "new.xml"]),
        ([SITEMAP % "gone.xml", SITEMAP % "old.xml"], [SITEMAP % "new.xml", SITEMAP % "old.xml"]),
        ([SITEMAP % "old.xml"], [SITEMAP % "old.xml", SITEMAP % "new.xml"]),
    ],
)
async def test_a_window_is_complete_only_for_the_addresses_that_listed_it(
    site: Newsroom, wrong: list[str], mended: list[str]
) -> None:
    dated = {f"{site.base}/news/1": "2026-02-10"}
    site.pages = {
        "/news/1": whole(1, date(2026, 2, 10)),
        "/old.xml": html(urlset(*others(site))),
        "/new.xml": html(urlset(*dated.items())),
    }
    days = date(2026, 2, 9), date(2026, 2, 11)
    site.feeds["/rss"] = {}
    site.tables = [routed(*wrong)]
    assert (await site.backfill(*days)).listed == 1
    assert (await site.backfill(*days)).complete_before == 1
    site.tables = [routed(*mended)]
    await site.backfill(*days)
    assert site.corpus() == ["/news/1"]
    assert (await site.backfill(*days)).complete_before == 1


async def test_again_lists_complete_windows_anew(site: Newsroom) -> None:
    site.tables = [routed(SITEMAP % "map.xml")]
    site.feeds["/rss"] = {}
    site.pages["/map.xml"] = html(urlset(*others(site)))
    days = date(2026, 2, 9), date(2026, 2, 11)
    await site.backfill(*days)
    site.pages["/map.xml"] = html(urlset((f"{site.base}/news/1", "2026-02-10")))
    site.pages["/news/1"] = whole(1, date(2026, 2, 10))
    await site.backfill(*days)
    assert site.corpus() == []
    await site.backfill(*days, again=True)
    assert site.corpus() == ["/news/1"]


# --- Addresses that say too little -----------------------------------------------------------------------------------


@pytest.mark.parametrize("section", ["/", "/ru", "/news", "/ru/news/", "/index.php"])
async def test_entries_that_share_a_canonical_link_to_a_section_stay_apart(site: Newsroom, section: str) -> None:
    common = " ".join(story(0))  # so that the texts are alike enough to pass for one
    for number in (1, 2, 3):
        text = f"{common} {' '.join(story(number))}"
        link = f'<link rel="canonical" href="{site.base}{section}">'
        page = prose(text, title=f"Новость {number}").body.decode()
        site.pages[f"/ru/news/{number}"] = html(page.replace("</head>", f"{link}</head>"))
    site.announce("/ru/news/1", "/ru/news/2", "/ru/news/3")
    await site.monitor()
    assert all([(await site.explain(f"/ru/news/{n}"))["canonical_url"].endswith(f"/ru/news/{n}") for n in (1, 2, 3)])
    assert not {section, section.rstrip("/")} & set(site.corpus())
    assert {await site.outcome(f"/ru/news/{n}") for n in (1, 2, 3)} <= {Outcome.APPENDED, Outcome.REPRINT}


@pytest.mark.parametrize("place", ["/", "/ru/", "/news/", "/index.html"])
async def test_what_leads_to_a_front_page_or_a_section_is_tried_again(site: Newsroom, place: str) -> None:
    site.announce("/news/1", "/news/2")
    site.pages |= {place: whole(99), "/news/1": Reply(b"", 302, {"Location": place})}
    site.pages |= {"/news/2": Reply(b"", 301, {"Location": "/news/2-a-slug"}), "/news/2-a-slug": whole(2)}
    await site.monitor()
    assert site.corpus() == ["/news/2-a-slug"]
    assert (await site.explain("/news/1"))["reason"] == "leads to a front page"
    site.pages["/news/1"] = whole(1)
    await site.passes(HOUR)
    assert site.corpus() == ["/news/2-a-slug", "/news/1"]


async def test_entries_that_differ_behind_a_hash_are_counted(site: Newsroom) -> None:
    site.announce("/live/1#post1", "/live/1#post2", "/live/1#post3", "/news/2")
    site.pages |= {"/live/1": whole(1), "/news/2": whole(2)}
    summary = await site.monitor()
    report = summary.sources["site"]
    assert (report.new, report.skipped) == (2, 2)
    assert "2 entries more on pages that others name, told apart behind # only" in (report.error or "")


@pytest.mark.parametrize("guid", ["tag:site,2026:1", "BASE/news/1"])
@pytest.mark.parametrize("address", ["/news/1?r={}", "/r{}/news-a"])
async def test_a_link_with_another_number_at_each_poll_is_fetched_once(site: Newsroom, guid: str, address: str) -> None:
    polls = iter(range(1000, 2000))
    text = '<rss version="2.0"><channel><title>t</title>{}</channel></rss>'
    item = "<item><title>{}</title><link>{}</link><guid isPermaLink='false'>{}</guid><pubDate>{}</pubDate></item>"
    date_ = "Fri, 20 Mar 2026 08:00:00 GMT"

    def feed(_: object) -> Reply:
        link = site.base + address.format(next(polls))
        other = f"{site.base}/news/{next(polls)}"  # of a feed that gives one guid to all
        return Reply(
            text.format(
                item.format("Одна", link, guid.replace("BASE", site.base), date_)
                + item.format(f"Новость {other}", other, "site", date_)
            ).encode()
        )

    site.tables = [source_toml("site", "BASE/feed")]
    site.pages["/feed"] = feed
    summaries = await site.passes(*(n * HOUR for n in range(4)))
    assert [summary.sources["site"].new for summary in summaries] == [2, 1, 1, 1]


async def test_the_validators_of_a_feed_that_was_cut_are_not_kept(site: Newsroom) -> None:
    site.tables = [source_toml("site", "BASE/feed")]
    site.announce("/news/1", "/news/2", feed="/whole")
    body = rss({f"{site.base}{path}": START for path in ("/news/1", "/news/2")}).encode()
    cut = [body[: body.index(b"</item>") + 7], body]

    def feed(asked: Asked) -> Reply:
        if asked.headers.get("if-none-match") == '"same"':
            return Reply(b"", 304)
        return Reply(cut.pop(0), headers={"ETag": '"same"'})

    site.pages |= {"/feed": feed, "/news/1": whole(1), "/news/2": whole(2)}
    await site.passes(timedelta(), HOUR)
    assert sorted(site.corpus()) == ["/news/1", "/news/2"]


async def test_a_hosts_own_pause_is_no_failed_poll(site: Newsroom) -> None:
    site.announce("/news/1")
    await site.monitor()
    feed, reply = site.feeds.pop("/rss"), Reply(b"", 429, {"Retry-After": "40000"})
    site.tables = [source_toml("site", "BASE/rss")]
    site.pages["/rss"] = reply
    await site.passes(*(n * HOUR for n in range(1, 8)))
    assert site.asked_for("/rss") <= 1 + 1
    storage = site.config.settings.storage
    async with open_for_reading(site.data, storage) as corpus, corpus.database.read() as connection:
        (state,) = (await load_feed_states(connection, [f"{site.base}/rss"])).values()
    assert state.failures == 1  # the refusal itself
    site.feeds["/rss"] = feed


async def test_a_first_pass_at_the_year_2000_does_not_end_the_later_ones(site: Newsroom) -> None:
    site.pages |= {"/news/1": whole(1), "/news/2": whole(2)}
    site.announce("/news/1")
    site.now = datetime(2000, 1, 1, tzinfo=UTC)
    await site.monitor()
    site.announce("/news/2", published=START)
    site.now = START
    await site.monitor()
    assert "/news/2" in site.corpus()


async def test_under_a_hosts_time_limit_the_newest_come_first(site: Newsroom) -> None:
    site.settings = SETTINGS.replace("0.02", "0.5") + "\n[monitor]\nmax_host_minutes = 0.03\n"
    for number in range(20):
        site.pages[f"/news/{number}"] = whole(number)
        site.announce(f"/news/{number}", published=START - (20 - number) * HOUR)
    await site.monitor()
    assert 1 <= len(site.corpus()) < 20
    assert "/news/19" in site.corpus() and "/news/0" not in site.corpus()


# --- Clocks and pauses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("years", [-26, 3])
async def test_one_pass_under_a_wrong_clock_puts_nothing_off(site: Newsroom, years: int) -> None:
    assert site.server is not None
    site.announce("/news/1", "/news/2")
    site.server.robots = Reply(b"User-agent: *\nDisallow: /private")
    site.pages["/news/1"] = html("", 503)
    site.now = START + years * 365 * DAY
    await site.monitor()
    site.pages = {f"/news/{n}": whole(n) for n in (1, 2, 3)}
    site.announce("/news/3")
    site.server.robots = Reply(b"User-agent: *\nDisallow: /news/2")
    site.now = START
    summary = await site.monitor(due_only=True)
    assert sorted(site.corpus()) == ["/news/1", "/news/3"]
    assert summary.outcomes[Outcome.ROBOTS] == 1  # robots.txt was asked for anew
    await site.passes(HOUR)


async def test_one_pass_under_a_clock_that_is_years_ahead_forgets_nothing(site: Newsroom) -> None:
    def kept() -> dict[str, int]:
        with closing(sqlite3.connect(site.data / "index.sqlite")) as index:
            tables = ("refused_texts", "sightings", "runs", "hosts")
            return {name: index.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}

    site.topics = ABOUT_TASHKENT.replace("threshold = 1", "threshold = 1000")
    site.pages["/news/1"] = prose(f"Ташкент. {' '.join(story(1))}", title="Ташкент")
    site.announce("/news/1")
    await site.passes(*(n * HOUR for n in range(FORGET_EVERY - 1)))
    before = kept()
    assert before["refused_texts"] == before["sightings"] == 1
    site.now += 3 * 365 * DAY
    await site.monitor()  # the one that would forget
    assert kept() == before | {"runs": FORGET_EVERY}


async def test_a_digest_under_a_clock_that_is_years_ahead_does_not_keep_later_ones_from_being_missed(
    site: Newsroom,
) -> None:
    made = []
    for number, moment in enumerate((START, START + 3 * 365 * DAY)):
        site.pages[f"/news/{number}"] = whole(number)
        site.announce(f"/news/{number}")
        await site.monitor()
        (issued,) = (await digest(site.config, site.data, DigestRequest(send=False), now=lambda at=moment: at)).issued  # type: ignore[misc]
        made.append(issued.articles)
    assert made == [1, 1]
    assert await load_last(site.config, site.data, now=START + DAY) == {"digest": START}


async def test_commands_that_store_nothing_keep_the_pause_that_a_pass_has_heard_of(site: Newsroom) -> None:
    site.now = datetime.now(UTC)
    site.tables = [source_toml("site", "BASE/rss")]
    site.pages |= {"/rss": Reply(b"", 429, {"Retry-After": "4000"}), "/news/1": whole(1)}
    await site.monitor()
    asked = site.server.paths if site.server else []
    assert asked == ["/rss"]
    (check,) = await check_sources(site.config, site.config.sources, data=site.data)
    assert not check.ok
    lost = replace(check, note="http 404")  # as if the pause had come after the check
    (mend_found,) = await mend(site.config, [lost], data=site.data, archived=False, observer=Observer())
    assert mend_found.new is None
    with pytest.raises(Deferred):
        await extract_page(site.config, site.data, f"{site.base}/news/1", None, url=None)
    assert site.server is not None and site.server.paths == asked


# --- Texts that grow -------------------------------------------------------------------------------------------------


async def versions(site: Newsroom, path: str) -> list[dict[str, Any]]:
    return [v for v in (await site.explain(path)).get("repeated_by", ()) if v["relation"] == "version"]


@pytest.mark.parametrize(
    "first",
    [" ".join(story(1)[:1]), " ".join(story(1) * 2) + "</p><p>Новость дополняется."],
    ids=["a flash", "says that it will be continued"],
)
async def test_a_first_report_is_looked_at_again_after_an_hour_and_a_day(site: Newsroom, first: str) -> None:
    site.announce("/news/1", "/news/2")
    site.pages |= {"/news/1": prose(first), "/news/2": whole(2)}
    await site.passes(*(n * 20 * MINUTE for n in range(3)))
    assert (site.asked_for("/news/1"), site.asked_for("/news/2")) == (1, 1)
    site.pages["/news/1"] = prose(" ".join([first, *story(3)]))
    (summary,) = await site.passes(30 * MINUTE)
    assert (summary.looked_again, summary.versions, summary.taken) == (1, 1, 0)
    assert len(await versions(site, "/news/1")) == 1
    assert sorted(site.corpus()) == ["/news/1", "/news/2"]
    await site.passes(*(n * 6 * HOUR for n in range(1, 20)))
    assert (site.asked_for("/news/1"), site.asked_for("/news/2")) == (3, 1)
    assert await site.outcome("/news/1") == Outcome.APPENDED


async def test_a_flash_that_was_off_topic_is_read_again_when_it_is_whole(site: Newsroom) -> None:
    site.announce("/news/1")
    site.topics = ABOUT_TASHKENT.replace("threshold = 1", "threshold = 1000")  # read, not screened
    site.pages["/news/1"] = prose("Ташкент. " + " ".join(story(1)[:1]), title="Срочно")
    await site.monitor()
    assert await site.outcome("/news/1") == Outcome.OFF_TOPIC
    site.topics = ABOUT_TASHKENT
    site.pages["/news/1"] = prose("Ташкент. " + " ".join(story(1)), title="Ташкент")
    await site.passes(HOUR)
    assert site.corpus() == ["/news/1"]


async def test_a_correction_is_seen_when_the_feed_changes_its_headline(site: Newsroom) -> None:
    titles = {"/news/1": "Старый", "/news/2": "Старый"}
    item = "<item><title>{}</title><link>{}</link><pubDate>Fri, 20 Mar 2026 08:00:00 GMT</pubDate></item>"

    def feed(_: object) -> Reply:
        items = "".join(item.format(title, site.base + path) for path, title in titles.items())
        return Reply(f'<rss version="2.0"><channel><title>t</title>{items}</channel></rss>'.encode())

    site.tables = [source_toml("site", "BASE/feed")]
    site.pages |= {"/feed": feed, "/news/1": whole(1), "/news/2": whole(2)}
    await site.monitor()
    site.pages["/news/1"] = whole(3)
    titles["/news/1"] = "Исправлено"
    (summary,) = await site.passes(10 * MINUTE)
    assert (summary.looked_again, summary.versions) == (1, 1)
    (summary,) = await site.passes(20 * MINUTE)
    assert summary.looked_again == 0
    assert (site.asked_for("/news/1"), site.asked_for("/news/2")) == (2, 1)
    assert len(await versions(site, "/news/1")) == 1


async def test_an_article_stays_whatever_its_page_says_later(site: Newsroom) -> None:
    site.announce("/news/1")
    site.pages["/news/1"] = prose(" ".join(story(1)[:1]))
    await site.monitor()
    for reply, wait in ((Reply(b"", 404), HOUR), (html("", 503), 30 * HOUR)):
        site.pages["/news/1"] = reply
        (summary,) = await site.passes(wait)
        assert (summary.looked_again, summary.versions, summary.outcomes.total()) == (1, 0, 0)
    assert await site.outcome("/news/1") == Outcome.APPENDED
