"""What a site prints on every page is learnt and left out, and a story's own lines never."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from sqlalchemy import func, select

from config.load import load_config
from config.settings import Storage
from extractors.blocks.memory import (
    HASH_BYTES,
    MAX_LINES,
    OTHERS,
    PAGES,
    SiteMemory,
    cleaned,
    line_hash,
    page_lines,
    site_of_page,
    without_lines,
)
from extractors.records import Article, ItemError, Outcome
from flows.passes.monitor import monitor
from storage.index.database import Database, index_location, open_database
from storage.index.schema import site_pages
from storage.state.site_pages import KEPT, SitePage, load_site_pages, store_site_pages
from tests.support.outlets import story
from tests.support.running import EVERYTHING, source_toml, write_config

NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
SLOGAN = "Степной канал: всегда рядом"
NOTICE = (
    "Степной канал напоминает читателям, что в редакции работает горячая линия, по которой можно рассказать о "
    "событиях своего района, и что каждое сообщение дежурный редактор проверит в тот же день."
)


def page(number: int, *extra: str) -> list[str]:
    """The blocks of a story of its own, with lines that it does not have alone."""
    return [*story(number, paragraphs=4), *extra]


def memory(*pages: list[str], titles: tuple[str, ...] = ()) -> SiteMemory:
    known = SiteMemory()
    for number, blocks in enumerate(pages):
        known.learn(str(number), page_lines(titles[number] if titles else f"Новость {number}", blocks))
    return known


def left(known: SiteMemory, number: int, blocks: list[str]) -> list[str]:
    return without_lines(blocks, known.of_the_site(str(number)))


# --- What is the site's ------------------------------------------------------------------------------------------


def test_a_line_goes_from_the_third_page_on() -> None:
    pages = [page(n, SLOGAN) for n in range(3)]
    assert left(memory(*pages[:2]), 1, pages[1]) == pages[1]
    known = memory(*pages)
    assert [left(known, n, pages[n]) for n in range(3)] == [page(n) for n in range(3)]


def test_typography_makes_no_other_line_of_it() -> None:
    pages = [page(0, SLOGAN), page(1, SLOGAN.upper()), page(2, f"«{SLOGAN}»!")]
    assert left(memory(*pages), 2, pages[2]) == page(2)


def test_a_line_of_a_list_goes_and_the_list_stays() -> None:
    lists = [page(n, f"- {SLOGAN}\n- пункт {n} повестки") for n in range(3)]
    assert left(memory(*lists), 0, lists[0]) == page(0, "- пункт 0 повестки")


def test_prose_needs_half_of_the_sites_stories() -> None:
    pages = [page(n, *([NOTICE] if n < 4 else [])) for n in range(10)]
    assert left(memory(*pages), 0, pages[0]) == pages[0]  # the background of a case, repeated in four follow-ups
    pages = [page(n, *([NOTICE] if n < 7 else [])) for n in range(10)]
    assert left(memory(*pages), 0, pages[0]) == page(0)


def test_a_sub_heading_that_some_stories_share_stays() -> None:
    pages = [page(n, *(["Справка"] if n % 15 == 0 else [])) for n in range(45)]
    assert left(memory(*pages), 0, pages[0]) == pages[0]


def test_a_page_that_changes_is_learnt_anew() -> None:
    pages = [page(n, SLOGAN) for n in range(3)]
    known = memory(*pages)
    known.learn("1", page_lines("Новость 1", page(1)))
    assert left(known, 0, pages[0]) == pages[0]


# --- What is not -------------------------------------------------------------------------------------------------


def test_reprints_of_one_story_keep_every_line() -> None:
    blocks = page(7, SLOGAN)
    known = memory(*[blocks] * 6, titles=tuple(f"Заголовок {n}" for n in range(6)))
    assert left(known, 5, blocks) == blocks


def test_edited_versions_are_one_story() -> None:
    versions = [[*story(7, paragraphs=6), *story(100 + n, paragraphs=2)] for n in range(6)]
    known = memory(*versions, titles=tuple(f"Заголовок {n}" for n in range(6)))
    assert left(known, 3, versions[3]) == versions[3]


def test_pages_of_one_headline_are_one_story() -> None:
    pages = [page(n, SLOGAN) for n in range(5)]
    assert left(memory(*pages, titles=("Обзор рынка",) * 5), 0, pages[0]) == pages[0]


def test_one_story_printed_again_and_again_counts_once() -> None:
    shared, other = page(1, SLOGAN), page(2, SLOGAN)
    known = memory(*[shared] * 5, other)
    assert left(known, 5, other) == other


@given(
    st.lists(st.sampled_from([*story(1, paragraphs=5), SLOGAN, "Справка"]), min_size=1, max_size=8),
    st.integers(1, 12),
    st.integers(0, OTHERS - 1),
)
def test_whatever_a_story_is_made_of_its_reprints_lose_nothing(blocks: list[str], copies: int, others: int) -> None:
    known = memory(*[blocks] * copies, *[[*story(50 + n), *blocks[-1:]] for n in range(others)])
    assert left(known, 0, blocks) == blocks


# --- Hashes ------------------------------------------------------------------------------------------------------


def test_the_stored_form_is_a_promise() -> None:
    assert line_hash(SLOGAN).hex() == "932ae797daa95812"
    assert line_hash(NOTICE)[-1] & 1 == 1
    assert line_hash("* * *") == b""
    assert page_lines(None, ["а", "б\nв"]) == bytes(HASH_BYTES) + line_hash("а") + line_hash("б") + line_hash("в")


def test_a_page_without_end_is_remembered_in_part() -> None:
    assert len(page_lines("а", [f"строка {n}" for n in range(10_000)])) == (MAX_LINES + 1) * HASH_BYTES


def test_a_site_is_its_host() -> None:
    assert site_of_page("https://www.site.kz/news/1") == site_of_page("http://m.site.kz/2") == "site.kz"
    assert site_of_page("https://blog.site.kz/1") == "blog.site.kz"


def test_what_is_left_may_be_too_short() -> None:
    article = Article((SLOGAN, "Видео дня"), None, (), None, None, None, "trafilatura")
    assert cleaned(article, frozenset(), min_words=3, url="https://site.kz/1") is article
    with pytest.raises(ItemError) as caught:
        cleaned(article, frozenset({line_hash(SLOGAN)}), min_words=3, url="https://site.kz/1")
    assert (caught.value.outcome, caught.value.reason) == (Outcome.TOO_SHORT, "too short")


# --- Stored ------------------------------------------------------------------------------------------------------


@pytest.fixture
async def database(tmp_path: Path, storage: Storage) -> AsyncIterator[Database]:
    opened = await open_database(index_location(tmp_path, storage))
    yield opened
    await opened.close()


async def store(database: Database, pages: list[SitePage], now: datetime = NOW) -> None:
    async with database.write() as connection:
        await store_site_pages(connection, pages, now=now)


async def load(database: Database, *sites: str) -> list[SitePage]:
    async with database.read() as connection:
        return await load_site_pages(connection, sites)


async def test_pages_are_remembered_by_site_and_replaced(database: Database) -> None:
    first, second = SitePage("a.kz", "https://a.kz/1", b"1" * 8), SitePage("b.kz", "https://b.kz/1", b"2" * 8)
    await store(database, [first, second])
    await store(database, [])
    changed = first._replace(lines=b"3" * 16)
    await store(database, [first, changed], NOW + timedelta(hours=1))
    assert await load(database, "a.kz") == [changed]
    assert await load(database, "b.kz", "a.kz") == [second, changed]
    assert await load(database) == []


async def test_of_each_site_the_newest_pages_are_kept(database: Database) -> None:
    for hour in range(4):
        pages = [SitePage("a.kz", f"https://a.kz/{hour}/{n}", b"1" * 8) for n in range(30)]
        await store(database, [*pages, SitePage("b.kz", f"https://b.kz/{hour}", b"2" * 8)], NOW + timedelta(hours=hour))
    kept = await load(database, "a.kz")
    assert len(kept) == KEPT == PAGES
    assert {page.key.split("/")[3] for page in kept[-30:]} == {"3"}
    assert {page.key.split("/")[3] for page in kept[:-30]} == {"2"}
    assert len(await load(database, "b.kz")) == 4


async def test_thousands_of_pages_of_one_site_leave_few_rows(database: Database) -> None:
    for batch in range(40):
        pages = [SitePage("a.kz", f"https://a.kz/{batch}/{n}", b"1" * 400) for n in range(50)]
        await store(database, pages, NOW + timedelta(seconds=batch))
    async with database.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(site_pages))).scalar() == KEPT


# --- In a pass ---------------------------------------------------------------------------------------------------


def test_a_pass_leaves_out_what_the_site_prints_everywhere(httpserver: HTTPServer, tmp_path: Path) -> None:
    def serve(numbers: range) -> None:
        items = ""
        for n in numbers:
            text = "".join(f"<p>{line}</p>" for line in page(n, SLOGAN))
            html = f"<html><body><article><h1>Новость {n}</h1>{text}</article></body></html>"
            httpserver.expect_request(f"/{n}").respond_with_data(html, content_type="text/html; charset=utf-8")
            items += f"<item><title>Новость {n}</title><link>{httpserver.url_for(f'/{n}')}</link></item>"
        feed = f"<rss version='2.0'><channel><title>a</title>{items}</channel></rss>"
        httpserver.expect_request("/rss").respond_with_data(feed, content_type="application/rss+xml")

    httpserver.expect_request("/robots.txt").respond_with_data("", status=404)
    source = source_toml("site", httpserver.url_for("/rss"))
    config = load_config(write_config(tmp_path / "config", sources=source, topics=EVERYTHING))

    def texts() -> list[str]:
        asyncio.run(monitor(config, tmp_path / "data", sources=config.sources, now=lambda: NOW))
        return [path.read_text(encoding="utf-8") for path in sorted((tmp_path / "data" / "corpus").glob("*.txt"))]

    serve(range(2))
    assert [SLOGAN in text for text in texts()] == [True, True]  # nothing is known of the site yet
    httpserver.clear()
    httpserver.expect_request("/robots.txt").respond_with_data("", status=404)
    serve(range(2, 4))
    after = texts()
    assert [SLOGAN in text for text in after] == [True, True, False, False]  # of these two the first was the third
    assert all(text.count("\n\n") == 4 for text in after[2:])  # the headline, as they have no date, and four paragraphs
