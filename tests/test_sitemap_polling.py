"""Outlets without a feed are watched through their sitemaps: whole passes over servers on loopback."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.load import load_config
from config.settings import Storage
from extractors.feeds.intervals import UNDATED_LONGEST_S
from extractors.feeds.jobs import FeedJob, IndexPart, Listing, WatchJob
from extractors.feeds.sitemap_files import SitemapPart
from extractors.feeds.sitemaps import AT_ONCE, FIRST_UNDATED, newest_parts, read
from flows.passes.monitor import monitor
from flows.passes.summary import NO_FEED, sentences
from flows.tools.check import check_sources
from storage.corpus.writer import open_corpus, open_for_reading
from storage.state.entries import load_feed_states
from storage.state.sitemaps import PartState, load_parts, store_parts
from tests.support.loopback import MISSING, Asked, Reply, Server, serve
from tests.support.outlets import page
from tests.support.running import EVERYTHING, SETTINGS, source_toml, write_config

pytestmark = pytest.mark.slow

NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
GONE = 100_000  # stories from this number on are gone
Stamped = tuple[str, datetime | None]


def stamped(addresses: Iterable[Stamped], *, root: str = "urlset") -> bytes:
    """A sitemap, or an index, of these addresses with their <lastmod>."""
    child = "url" if root == "urlset" else "sitemap"
    lines = (
        f"<{child}><loc>{url}</loc>{f'<lastmod>{at.isoformat()}</lastmod>' if at else ''}</{child}>"
        for url, at in addresses
    )
    return f'<?xml version="1.0"?><{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{"".join(lines)}</{root}>'.encode()


class Site:
    """Files by path, with validators; a story at each /news/NUMBER."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.server: Server

    def __call__(self, asked: Asked) -> Reply:
        body = self.files.get(asked.path)
        if body is not None:
            tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            if asked.headers.get("if-none-match") == tag:
                return Reply(b"", 304)
            return Reply(body, headers={"ETag": tag, "Content-Type": "application/xml"})
        number = asked.path.removeprefix("/news/")
        if number.isdigit() and int(number) < GONE:
            html = page(int(number), NOW.date())
            return Reply(html, headers={"Content-Type": "text/html; charset=utf-8"})
        return MISSING

    def put(self, path: str, numbers: Iterable[int], at: datetime | Callable[[int], datetime] | None = None) -> None:
        """A sitemap of stories; `at` is the <lastmod> of each."""
        pages = ((self.url(f"/news/{n}"), at(n) if callable(at) else at) for n in numbers)
        self.files[path] = stamped(pages)

    def index(self, path: str, parts: Iterable[Stamped]) -> None:
        """An index of sitemaps, given by path or address."""
        addresses = ((url if "//" in url else self.url(url), at) for url, at in parts)
        self.files[path] = stamped(addresses, root="sitemapindex")

    def url(self, path: str) -> str:
        return self.server.base + path


class Watched(Site):
    """The site, and the data folder of the passes over it; the feed is at `feed`."""

    def __init__(self, folder: Path, feed: str) -> None:
        super().__init__()
        self.folder, self.feed, self.now = folder, feed, NOW

    async def poll(self, *, later: timedelta = timedelta()) -> dict[str, Any]:
        """One pass; the summary, with what was `asked`: sitemaps by path, and the `stories` by number."""
        self.now += later
        config = load_config(
            write_config(
                self.folder / "config", sources=source_toml("site", self.url(self.feed)), topics=EVERYTHING,
                settings=SETTINGS.replace("0.02", "0.0"),
            )
        )  # fmt: skip
        before = len(self.server.paths)
        summary = await monitor(config, self.folder / "data", sources=config.sources, now=lambda: self.now)
        paths = self.server.paths[before:]
        stories = {int(p.removeprefix("/news/")) for p in paths if p.startswith("/news/")}
        asked = [p for p in paths if not p.startswith("/news/")]
        return {**summary.to_json(), **summary.to_json()["sources"]["site"], "asked": asked, "stories": stories}


@pytest.fixture
async def watch(tmp_path: Path) -> Any:
    """The way to a site on loopback with its feed at a path."""
    site = Watched(tmp_path, "/sitemap.xml")
    async with serve(site) as server:
        site.server = server
        yield site


async def test_an_index_leads_to_its_newest_part_and_that_to_articles(watch: Watched) -> None:
    watch.index("/sitemap.xml", [("/old.xml", NOW - timedelta(days=400)), ("/new.xml", NOW - HOUR)])
    watch.put("/old.xml", range(100, 200), lambda n: NOW - n * timedelta(days=4))
    watch.put("/new.xml", [1, 2, 3], lambda n: NOW - n * HOUR)
    first = await watch.poll()
    assert first["asked"] == ["/sitemap.xml", "/new.xml", "/old.xml"]
    assert (first["status"], first["appended"], first["error"]) == ("ok", 3, None)
    assert first["stories"] == {1, 2, 3}


async def test_nothing_changed_costs_two_requests(watch: Watched) -> None:
    watch.index("/sitemap.xml", [(f"/part-{n}.xml", NOW - n * timedelta(days=9)) for n in range(30)])
    for n in range(30):
        watch.put(f"/part-{n}.xml", [n], NOW - n * timedelta(days=9))
    await watch.poll()
    again = await watch.poll(later=HOUR)
    assert again["asked"] == ["/sitemap.xml", "/part-0.xml"]
    assert (again["status"], again["entries"], again["taken"]) == ("not_modified", 0, 0)


async def test_a_new_article_is_found_while_the_index_stays_as_it_is(watch: Watched) -> None:
    watch.index("/sitemap.xml", [("/b.xml", NOW - HOUR), ("/a.xml", NOW - timedelta(days=90))])
    watch.put("/a.xml", [1], NOW - timedelta(days=90))
    watch.put("/b.xml", [2], NOW - HOUR)
    await watch.poll()
    watch.put("/b.xml", [2, 3], NOW - HOUR)
    second = await watch.poll(later=HOUR)
    assert second["stories"] == {3}
    assert (second["status"], second["new"], second["appended"]) == ("ok", 1, 1)


@pytest.mark.parametrize("stated", [True, False], ids=["days stated", "by their numbers"])
async def test_nothing_is_missed_when_the_index_rolls_over_to_new_parts(watch: Watched, stated: bool) -> None:
    def lay_out(parts: dict[int, list[int]]) -> None:
        day = timedelta(days=1)
        watch.index("/sitemap.xml", [(f"/s{n}.xml", NOW + (n - 8) * day if stated else None) for n in parts])
        for number, stories in parts.items():
            watch.put(f"/s{number}.xml", stories)

    lay_out({7: [70, 71], 8: [80, 81]})
    await watch.poll()
    lay_out({7: [70, 71], 8: [80, 81, 82], 9: [90], 10: [100]})  # and the last one of the old part
    assert (await watch.poll(later=timedelta(days=2)))["stories"] == {82, 90, 100}
    lay_out({7: [70, 71], 8: [80, 81, 82], 9: [90, 91], 10: [100, 101]})  # one is written down late
    assert (await watch.poll(later=HOUR))["stories"] == {91, 101}


async def test_of_an_archive_of_50000_pages_without_any_age_few_are_read_and_then_what_is_new(watch: Watched) -> None:
    watch.put("/sitemap.xml", range(50_000))
    first = await watch.poll()
    ends = FIRST_UNDATED // 2
    assert first["stories"] == {*range(ends), *range(50_000 - ends, 50_000)}
    watch.put("/sitemap.xml", [*range(50_001, 50_003), *range(50_000)])
    second = await watch.poll(later=HOUR)
    assert second["stories"] == {50_001, 50_002}
    third = await watch.poll(later=HOUR)
    assert third["asked"] == ["/sitemap.xml"]
    assert third["status"] == "not_modified"


async def test_of_an_archive_with_dates_only_what_is_recent_is_read(watch: Watched) -> None:
    watch.put("/sitemap.xml", range(5_000), lambda n: NOW - 2 * n * HOUR)
    first = await watch.poll()
    assert first["stories"] == set(range(37))
    # An old page that is edited is no news.
    watch.put("/sitemap.xml", range(5_000), lambda n: NOW + HOUR if n == 777 else NOW - 2 * n * HOUR)
    assert (await watch.poll(later=2 * HOUR))["stories"] == set()


async def test_dates_that_are_the_lists_and_not_the_pages_are_not_believed(watch: Watched) -> None:
    watch.put("/sitemap.xml", range(400), NOW - timedelta(minutes=1))
    assert len((await watch.poll())["stories"]) == FIRST_UNDATED
    watch.put("/sitemap.xml", [*range(400), 600], NOW + HOUR)
    assert (await watch.poll(later=HOUR))["stories"] == {600}


async def test_renamed_pages_do_not_flood_the_pipeline(watch: Watched) -> None:
    watch.put("/sitemap.xml", range(GONE - 3, GONE))
    await watch.poll()
    watch.put("/sitemap.xml", range(GONE, GONE + 3000))
    second = await watch.poll(later=HOUR)
    assert second["entries"] == AT_ONCE
    assert "2000 of 3000 new pages left out" in second["error"]


async def test_after_an_outage_what_was_published_meanwhile_is_found(watch: Watched) -> None:
    watch.index("/sitemap.xml", [("/a.xml", NOW - HOUR), ("/old.xml", NOW - timedelta(days=99))])
    watch.put("/a.xml", range(100, 110), lambda n: NOW - n * HOUR)
    watch.put("/old.xml", [999], NOW - timedelta(days=99))
    await watch.poll()
    watch.put("/a.xml", range(10), lambda n: NOW + n * timedelta(days=1))
    assert (await watch.poll(later=timedelta(days=10)))["stories"] == set(range(10))


async def test_numbered_files_without_an_index_are_followed(watch: Watched) -> None:
    watch.feed = "/sitemap-oz-34.xml"
    watch.put(watch.feed, [1, 2])
    first = await watch.poll()
    assert first["asked"] == [watch.feed, "/sitemap-oz-35.xml"]
    assert (first["stories"], first["status"]) == ({1, 2}, "ok")
    unchanged = await watch.poll(later=HOUR)
    assert unchanged["asked"] == first["asked"]
    assert unchanged["status"] == "not_modified"
    watch.put("/sitemap-oz-34.xml", [1, 2, 3])
    watch.put("/sitemap-oz-35.xml", [4])
    assert (await watch.poll(later=HOUR))["stories"] == {3, 4}
    watch.put("/sitemap-oz-35.xml", [4, 5])
    last = await watch.poll(later=HOUR)
    assert last["asked"] == [watch.feed, "/sitemap-oz-35.xml", "/sitemap-oz-36.xml"]
    assert last["stories"] == {5}
    watch.put("/sitemap-oz-36.xml", [6])
    assert (await watch.poll(later=HOUR))["stories"] == {6}
    watch.put("/sitemap-oz-35.xml", [4, 5, 7])  # written down late
    watch.put("/sitemap-oz-36.xml", [6, 8])
    assert (await watch.poll(later=HOUR))["stories"] == {7, 8}


async def test_the_end_of_a_long_series_is_found_in_few_requests(watch: Watched) -> None:
    watch.feed = "/sitemap_news1.xml"
    for number in range(1, 41):
        watch.put(f"/sitemap_news{number}.xml", [100 + number])
    first = await watch.poll()
    assert {101, 140} <= first["stories"]
    assert len(first["asked"]) <= 14
    again = await watch.poll(later=HOUR)
    assert again["asked"] == ["/sitemap_news1.xml", "/sitemap_news40.xml", "/sitemap_news41.xml"]
    watch.put("/sitemap_news1.xml", [101, 1])  # some series have their news in the first file
    assert (await watch.poll(later=HOUR))["stories"] == {1}


async def test_a_series_without_end_is_no_series(watch: Watched) -> None:
    watch.feed = "/sitemap-1.xml"
    watch.put(watch.feed, [1, 2])
    for number in range(2, 5000):
        watch.files[f"/sitemap-{number}.xml"] = watch.files[watch.feed]
    assert (await watch.poll())["asked"] == ["/sitemap-1.xml", "/sitemap-2.xml"]
    for number in range(2, 10_000):
        watch.put(f"/sitemap-{number}.xml", [GONE + number])
    assert len((await watch.poll(later=HOUR))["asked"]) < 30
    assert len((await watch.poll(later=HOUR))["asked"]) <= 3


def hostile(watch: Watched, kind: str) -> str | None:
    """An index as nobody should make it; what the summary says of it, None: it does no harm."""
    good = ("/good.xml", NOW - HOUR)
    watch.put("/good.xml", [1, 2])
    if kind == "a loop":
        watch.index("/sitemap.xml", [("/sitemap.xml", NOW), ("/loop.xml", NOW - timedelta(minutes=1)), good])
        watch.index("/loop.xml", [("/sitemap.xml", NOW), ("/loop.xml", NOW)])
        return "an index within an index"
    if kind == "other hosts":
        watch.index("/sitemap.xml", [("http://127.0.0.9/x.xml", NOW), ("http://a.example/y.xml", NOW), good])
        return None
    if kind == "thousands of parts":
        many = [(f"/none-{n}.xml", NOW - timedelta(days=2 + n)) for n in range(20_000)]
        watch.index("/sitemap.xml", [good, *many])
        return "http 404"
    bomb = gzip.compress(b"<urlset>" + b" " * 80_000_000)
    watch.files["/bomb.xml.gz"] = bomb
    watch.index("/sitemap.xml", [("/bomb.xml.gz", NOW), good])
    return "too large"


@pytest.mark.parametrize("kind", ["a loop", "other hosts", "thousands of parts", "a bomb"])
async def test_a_hostile_index_costs_few_requests_and_not_the_good_part(watch: Watched, kind: str) -> None:
    says = hostile(watch, kind)
    result = await watch.poll()
    assert result["stories"] == {1, 2}
    assert len(result["asked"]) <= 3
    assert result["error"] is None if says is None else says in result["error"]


async def test_an_index_none_of_whose_parts_can_be_read_has_failed_and_is_asked_again(watch: Watched) -> None:
    watch.index("/sitemap.xml", [("/gone.xml", NOW)])
    failed = await watch.poll()
    assert (failed["status"], failed["error"]) == ("failed", "http 404")
    watch.put("/gone.xml", [1])
    assert (await watch.poll(later=HOUR))["stories"] == {1}


async def test_a_part_that_cannot_be_read_is_asked_again_although_the_index_stays_as_it_is(watch: Watched) -> None:
    watch.index("/sitemap.xml", [("/b.xml", NOW), ("/a.xml", NOW - HOUR)])
    watch.put("/a.xml", [1])
    assert (await watch.poll())["stories"] == {1}
    watch.put("/b.xml", [2])
    assert (await watch.poll(later=HOUR))["stories"] == {2}


async def test_an_index_of_other_sites_alone_has_failed(watch: Watched) -> None:
    watch.index("/sitemap.xml", [("http://a.example/y.xml", NOW)])
    result = await watch.poll()
    assert (result["status"], result["asked"]) == ("failed", ["/sitemap.xml"])
    assert "nothing on this site" in result["error"]


async def test_robots_txt_holds_for_the_parts(watch: Watched) -> None:
    watch.server.robots = Reply(b"User-agent: *\nDisallow: /secret")
    watch.index("/sitemap.xml", [("/secret.xml", NOW), ("/a.xml", NOW - HOUR)])
    watch.put("/secret.xml", [1])
    watch.put("/a.xml", [2])
    result = await watch.poll()
    assert result["asked"] == ["/sitemap.xml", "/a.xml"]
    assert result["stories"] == {2}


async def test_a_news_sitemap_behind_an_index_keeps_its_dates(watch: Watched) -> None:
    at = (NOW - HOUR).isoformat()
    watch.index("/sitemap.xml", [("/s-1.xml", NOW), ("/s_news.xml", None)])
    watch.files["/s_news.xml"] = (
        f"<urlset xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'><url><loc>{watch.url('/news/7')}</loc>"
        f"<news:news><news:publication_date>{at}</news:publication_date><news:title>T</news:title></news:news></url></urlset>"
    ).encode()
    watch.put("/s-1.xml", [1])
    result = await watch.poll()
    assert result["asked"] == ["/sitemap.xml", "/s_news.xml", "/s-1.xml"]
    assert result["stories"] == {1, 7}


async def test_a_feed_that_takes_the_place_of_a_sitemap_is_read_as_a_feed(watch: Watched) -> None:
    watch.put("/sitemap.xml", [1])
    await watch.poll()
    item = f"<item><title>T</title><link>{watch.url('/news/2')}</link></item>"
    watch.files["/sitemap.xml"] = f"<rss version='2.0'><channel><title>S</title>{item}</channel></rss>".encode()
    assert (await watch.poll(later=HOUR))["stories"] == {2}
    async with open_for_reading(watch.folder / "data", Storage()) as corpus, corpus.database.read() as connection:
        assert await load_parts(connection, [watch.url(watch.feed)]) == {}


async def test_a_sitemap_that_names_nothing_is_a_failure(watch: Watched) -> None:
    watch.put("/sitemap.xml", [])
    result = await watch.poll()
    assert (result["status"], result["error"].split(" (")[0]) == ("failed", "empty feed")


async def test_an_index_is_polled_every_two_hours_at_least(watch: Watched) -> None:
    watch.index("/sitemap.xml", [("/a.xml", NOW)])
    watch.put("/a.xml", range(30))
    await watch.poll()
    for _ in range(8):
        await watch.poll(later=2 * HOUR)
    async with open_for_reading(watch.folder / "data", Storage()) as corpus, corpus.database.read() as connection:
        states = await load_feed_states(connection, [watch.url(watch.feed)])
    assert states[watch.url(watch.feed)].interval_s == UNDATED_LONGEST_S


@pytest.mark.parametrize(
    ("names", "first"),
    [
        pytest.param(
            ["s_1", "s_2", "s_latest", "s_news", "s_sections", "s_videos"], ["s_latest", "s_news"], id="named"
        ),
        pytest.param(["2026-02", "2026-03", "2026-01"], ["2026-03", "2026-02"], id="months"),
        pytest.param(["2026-02", "2026-07", "2026-03"], ["2026-03", "2026-02"], id="months, one of them to come"),
        pytest.param(["post-1", "post-2", "post-10", "category-1"], ["post-10", "post-1"], id="both ends of a series"),
        pytest.param(["tag", "author"], ["tag", "author"], id="nothing but what is usually none"),
    ],
)
def test_the_parts_of_an_index_are_ordered_by_where_news_comes(names: list[str], first: list[str]) -> None:
    parts = [SitemapPart(f"https://a.kz/{name}.xml") for name in names]
    found = newest_parts(parts, url="https://a.kz/sitemap.xml", now=NOW, zone=UTC)
    assert [part.url.removeprefix("https://a.kz/").removesuffix(".xml") for part in found[:2]] == first


def test_when_it_is_known_at_which_end_news_comes_the_other_is_not_asked_each_time() -> None:
    parts = [SitemapPart(f"https://a.kz/p{n}.xml") for n in range(1, 9)]
    for watched, first in ((("p1", "p8"), "p1"), (("p7", "p1"), "p8")):
        known = [IndexPart(f"https://a.kz/{name}.xml", rank) for rank, name in enumerate(watched)]
        found = newest_parts(parts, url="https://a.kz/s.xml", now=NOW, zone=UTC, watched=known)
        assert [part.url for part in found if part.rank == 0] == [f"https://a.kz/{first}.xml"]


async def test_a_source_without_feeds_says_so_and_does_not_count_as_read(tmp_path: Path) -> None:
    async with serve(lambda _: MISSING) as server:
        tables = source_toml("dead", server.base + "/rss") + source_toml("archive", server.base + "/x").replace(
            f'feeds = ["{server.base}/x"]', "feeds = []"
        )
        config = load_config(write_config(tmp_path / "config", sources=tables, settings=SETTINGS))
        summary = await monitor(config, tmp_path / "data", sources=config.sources)
    shown = summary.to_json()
    assert shown["sources"]["archive"]["status"] in ("ok", "not_modified", "failed")
    assert shown["sources"]["archive"]["error"] == NO_FEED
    assert sentences(shown).startswith("0 of 1 source read")
    assert summary.nothing_read


pages_of_a_site = st.lists(st.integers(0, 400), max_size=120)


@settings(max_examples=40)
@given(st.lists(pages_of_a_site, min_size=1, max_size=6))
def test_whatever_a_list_holds_each_page_is_new_once_and_none_is_left_out(readings: list[list[int]]) -> None:
    known: bytes = b""
    for number, listed in enumerate(readings):
        body = stamped((f"https://a.kz/news/{n}", None) for n in listed)
        feed = FeedJob(body, "https://a.kz/sitemap.xml", None, UTC, NOW)
        found = read(WatchJob(feed, feed.url, NOW - 72 * HOUR, known=known, first=number == 0))
        assert isinstance(found, Listing)
        before = set(readings[number - 1]) if number else set()
        new = [int(entry.url.rpartition("/")[2]) for entry in found.entries]
        assert set(new) == set(listed) - before
        known = found.listed


async def test_parts_come_back_by_rank_and_replace_those_before(tmp_path: Path, storage: Storage) -> None:
    first = PartState("https://a.kz/2.xml", NOW, listed=bytes(range(256)) * 8, body_hash=b"h" * 16, etag='"1"')
    second = PartState("https://a.kz/1.xml", NOW, rank=1, last_modified="Wed, 04 Mar 2026 09:00:00 GMT")
    async with open_corpus(tmp_path, storage) as corpus:
        for parts in ((PartState("https://a.kz/0.xml", NOW),), (second, first)):
            async with corpus.database.write() as connection:
                await store_parts(connection, "https://a.kz/s.xml", parts)
        async with corpus.database.read() as connection:
            found = await load_parts(connection, ["https://a.kz/s.xml", "https://a.kz/rss"])
    assert found == {"https://a.kz/s.xml": (first, second)}


async def test_sources_check_shows_how_an_index_would_be_watched(watch: Watched) -> None:
    watch.index("/sitemap.xml", [("/a.xml", NOW), ("/b.xml", NOW - HOUR)])
    folder = write_config(
        watch.folder / "config", sources=source_toml("site", watch.url(watch.feed)), settings=SETTINGS
    )
    config = load_config(folder)
    (check,) = await check_sources(config, config.sources, now=lambda: NOW)
    assert (check.ok, check.kind, check.entries) == (True, "sitemap-index", 2)
    assert check.note == f"watched through its parts, {watch.url('/a.xml')} first"
