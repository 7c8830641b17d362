"""The route "sitemap": the pages of the period are found, few files are read, and what cannot be read is told."""

from __future__ import annotations

import contextlib
import gzip
import math
import time
from collections.abc import Iterable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Archives
from config.sources import Backfill
from extractors.archives.sitemap import NEWS_PATHS, USUAL_PATHS
from extractors.dates.addresses import address_days, numbers_in, part_days, pattern_of
from extractors.feeds.sitemap_files import parse_sitemap
from extractors.records import ItemError
from tests.support.archive_servers import NOW, TASHKENT, Found, look, window
from tests.support.feed_documents import days_of, news_sitemap, rss, sitemap_index, urlset
from tests.support.loopback import MISSING, Asked, Reply, Server, files, serve

NOVEMBER = window("2025-11-01", "2025-11-30")


def sitemap(url: str | None) -> Backfill:
    return Backfill(route="sitemap", url=url)


def article(day: date, number: int = 0) -> str:
    return f"/{day:%Y/%m/%d}/story-{number}"


def dated(server: Server, days: Iterable[date], number: int = 0) -> str:
    return urlset(*(server.base + article(day, number) for day in days))


async def found_in(server: Server, path: str, days: object = NOVEMBER, **named: object) -> Found:
    return await look(server.base, sitemap(server.base + path), days, **named)  # type: ignore[arg-type]


def wide_days() -> list[date]:
    return days_of("2025-10-31", "2025-12-01")


# --- What tells nothing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [1, 2, 5])
async def test_an_index_that_says_one_old_moment_of_all_its_parts_is_read(parts: int) -> None:
    names = [f"part-{chr(97 + n)}.xml" for n in range(parts)]

    def answer(asked: Asked) -> Reply:
        base = f"http://{asked.headers['host']}"
        if asked.path == "/map.xml":
            return Reply(sitemap_index(*((f"{base}/{name}", "2019-01-01") for name in names)).encode())
        if asked.path.strip("/") in names:
            return Reply(urlset(f"{base}/2025/11/06{asked.path[:-4]}").encode())
        return MISSING

    async with serve(answer) as server:
        found = await found_in(server, "/map.xml")
    assert len(found.paths) == parts


async def test_a_sitemap_that_says_one_old_moment_of_all_its_pages_says_nothing_of_them() -> None:
    def answer(asked: Asked) -> Reply:
        base = f"http://{asked.headers['host']}"
        return Reply(urlset(*((f"{base}/story-{n}", "2019-01-01") for n in range(3))).encode())

    async with serve(answer) as server:
        found = await found_in(server, "/map.xml")
    assert found.paths == ["/story-0", "/story-1", "/story-2"]


# --- Which pages ------------------------------------------------------------------------------------------------


async def test_pages_of_the_period_are_listed_and_no_others() -> None:
    async with serve(lambda asked: MISSING) as server:
        server.answer = files({"/s.xml": dated(server, days_of("2025-10-01", "2025-12-19"))})
        found = await found_in(server, "/s.xml")
    assert found.paths == [article(day) for day in wide_days()]
    assert (found.tally.outside, found.tally.listed, found.tally.documents) == (48, 32, 1)
    assert found.tally.complete
    assert all(listed.entry.published is None for listed in found.listed)


async def test_a_news_sitemap_states_publication_and_a_lastmod_does_not() -> None:
    async with serve(lambda asked: MISSING) as server:
        base = server.base
        news = {f"{base}/a": "2025-11-06T09:00:00+05:00", f"{base}/b": "2025-09-06", f"{base}/c": ""}
        plain = [
            (f"{base}/edited-later", "2025-12-15T10:00:00Z"),
            (f"{base}/edited-before", "2025-10-01T10:00:00Z"),
            f"{base}/never-edited",
        ]
        server.answer = files({"/n.xml": news_sitemap(news), "/p.xml": urlset(*plain)})
        first, second = await found_in(server, "/n.xml"), await found_in(server, "/p.xml")
    assert first.paths == ["/a", "/c"]
    entry = first.listed[0].entry
    assert entry.published is not None
    assert entry.published.isoformat() == "2025-11-06T09:00:00+05:00"
    assert (entry.title, entry.language, entry.feed_url) == (f"Headline of {base}/a", "ru", f"{base}/n.xml")
    assert second.paths == ["/edited-later", "/never-edited"]  # what was last touched before the period is not of it
    assert [listed.entry.published for listed in second.listed] == [None, None]
    assert str(second.listed[0].not_after) == "2025-12-15 10:00:00+00:00"


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("text", [True, False])
async def test_packed_and_plain_sitemaps_are_told_apart_by_their_bytes(packed: bool, text: bool) -> None:
    async with serve(lambda asked: MISSING) as server:
        links = [f"{server.base}/a", f"{server.base}/b"]
        body = ("\ufeff" + "\r\n".join(links) if text else urlset(*links)).encode()
        headers = {"Content-Type": "application/xml"}
        server.answer = files({"/s.xml.gz": Reply(gzip.compress(body) if packed else body, headers=headers)})
        assert (await found_in(server, "/s.xml.gz")).paths == ["/a", "/b"]


async def test_a_sitemap_larger_than_a_page_may_be_is_read() -> None:
    async with serve(lambda asked: MISSING) as server:
        links = [f"{server.base}/story-{number}-{'x' * 200}" for number in range(5000)]
        server.answer = files({"/s.xml": urlset(*links)})
        found = await found_in(server, "/s.xml", network={"max_bytes": 100_000})
    assert len(found.listed) == 5000


async def test_a_feed_may_stand_in_for_a_sitemap() -> None:
    async with serve(lambda asked: MISSING) as server:
        moments = {f"{server.base}/{day}": NOW.replace(month=day.month, day=day.day) for day in wide_days()[::10]}
        server.answer = files({"/s.xml": rss(moments)})
        assert len((await found_in(server, "/s.xml")).listed) == 4


# --- Which files ------------------------------------------------------------------------------------------------


async def test_parts_are_chosen_by_the_days_in_their_names() -> None:
    async with serve(lambda asked: MISSING) as server:
        days = days_of("2025-01-01", "2025-12-20")
        parts = {f"/day-{day}.xml": dated(server, [day]) for day in days}
        index = sitemap_index(*(server.base + path for path in parts))
        server.answer = files({"/index.xml": index, **parts})
        found = await found_in(server, "/index.xml")
    assert found.paths == [article(day) for day in wide_days()]
    assert server.paths == ["/index.xml", *(f"/day-{day}.xml" for day in wide_days())]


async def test_of_parts_that_were_not_touched_since_none_is_read() -> None:
    async with serve(lambda asked: MISSING) as server:
        stamps = {"/a.xml": "2025-10-30", "/b.xml": "2025-10-31", "/c.xml": "2025-12-18", "/d.xml": ""}
        parts = {path: dated(server, [date(2025, 11, 6)], number) for number, path in enumerate(stamps)}
        server.answer = files({"/i.xml": sitemap_index(*((server.base + p, s) for p, s in stamps.items())), **parts})
        found = await found_in(server, "/i.xml")
    assert server.paths == ["/i.xml", "/b.xml", "/c.xml", "/d.xml"]
    assert len(found.listed) == 3


@pytest.mark.parametrize("falling", [True, False])
async def test_of_300_numbered_shards_those_of_the_period_are_found_by_the_dates_inside(falling: bool) -> None:
    async with serve(lambda asked: MISSING) as server:
        start = date(2018, 1, 1)
        shards = [[start + timedelta(days=10 * n + k) for k in range(10)] for n in range(300)]
        shards = shards[::-1] if falling else shards
        parts = {f"/sitemap-{n}.xml": dated(server, days) for n, days in enumerate(shards, 1)}
        lines = [server.base + path for path in sorted(parts)]  # 1, 10, 100, 101 …: not the order of the numbers
        server.answer = files({"/i.xml": sitemap_index(*lines), **parts})
        found = await found_in(server, "/i.xml", window("2023-03-05", "2023-03-25"))
    assert sorted(found.paths) == [article(day) for day in days_of("2023-03-04", "2023-03-26")]
    assert len(server.asked) <= 1 + 4 + 2 * math.log2(300)
    assert found.tally.complete


async def test_shards_that_tell_no_dates_are_all_read() -> None:
    async with serve(lambda asked: MISSING) as server:
        parts = {f"/sitemap-{n}.xml": urlset(f"{server.base}/story-{n}") for n in range(1, 21)}
        server.answer = files({"/i.xml": sitemap_index(*(server.base + path for path in parts)), **parts})
        found = await found_in(server, "/i.xml")
    assert len(found.listed) == 20
    assert len(server.asked) == 21


async def test_a_series_of_files_without_an_index_is_searched_too() -> None:
    async with serve(lambda asked: MISSING) as server:
        days = days_of("2025-01-01", "2025-12-19")
        parts = {f"/sitemap_news{n}.xml": dated(server, days[n * 5 - 5 : n * 5]) for n in range(1, 71)}
        server.answer = files(parts)
        found = await found_in(server, "/sitemap_news{page}.xml")
    assert sorted(found.paths) == [article(day) for day in wide_days()]
    assert len(server.asked) < 30


@pytest.mark.parametrize("end", ["empty", "the last again", "missing"])
async def test_a_series_of_files_ends_where_nothing_new_comes(end: str) -> None:
    def answer(asked: Asked) -> Reply:
        number = int(asked.path.removeprefix("/s").removesuffix(".xml"))
        if number > 7:
            if end == "missing":
                return MISSING
            number = 7
            if end == "empty":
                return Reply(urlset().encode())
        return Reply(urlset(f"http://site.uz/story-{number}").encode())

    async with serve(answer) as server:
        found = await found_in(server, "/s{page}.xml")
    assert found.paths == [f"/story-{number}" for number in range(1, 8)]
    assert len(server.asked) == 9  # one more behind the end: a file may be missing in the middle
    assert found.tally.complete


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("/w-{monday:%Y-%m-%d}.xml", [f"/w-{day}.xml" for day in ("2025-11-03", "2025-11-10")]),
        ("/d_{day}_y_{year}_m_{month}.xml", [f"/d_{day}_y_2025_m_11.xml" for day in range(5, 13)]),
        ("/s.xml?a={start:%Y%m%d}&b={end:%Y%m%d}", ["/s.xml?a=20251105&b=20251112"]),
    ],
)
async def test_files_named_by_date_are_asked_for_directly(template: str, expected: list[str]) -> None:
    def answer(asked: Asked) -> Reply:
        return Reply(urlset(*(f"http://site.uz{article(day)}" for day in wide_days())).encode())

    async with serve(answer) as server:
        found = await found_in(server, template, window("2025-11-06", "2025-11-11"))
    assert server.paths == expected
    assert sorted(found.paths) == [article(day) for day in days_of("2025-11-05", "2025-11-12")]


async def test_a_day_without_a_file_is_a_day_without_articles_but_no_file_at_all_is_a_mistake() -> None:
    async with serve(files({"/s-2025-11-06.xml": urlset("http://site.uz/a"), "/s-2025-11-07.xml": urlset()})) as server:
        found = await found_in(server, "/s-{date}.xml", window("2025-11-06", "2025-11-08"))
        assert (found.paths, found.tally.complete) == (["/a"], True)
        with pytest.raises(ItemError, match="http 404"):
            await found_in(server, "/t-{date}.xml", window("2025-11-06", "2025-11-08"))


# --- Finding the sitemap ----------------------------------------------------------------------------------------


async def test_without_an_address_robots_txt_is_asked() -> None:
    async with serve(lambda asked: MISSING) as server:
        lines = f"User-agent: *\nDisallow: /x\nSitemap: {server.base}/one.xml\nSitemap: /two.xml.gz\n"
        server.robots = Reply(lines.encode())
        one, two = dated(server, [date(2025, 11, 6)], 1), dated(server, [date(2025, 11, 6)], 2)
        server.answer = files({"/one.xml": one, "/two.xml.gz": gzip.compress(two.encode())})
        found = await look(server.base, sitemap(None), NOVEMBER)
    assert len(found.listed) == 2
    assert server.paths == ["/one.xml", "/two.xml.gz"]


async def test_without_a_word_in_robots_txt_the_usual_places_are_tried() -> None:
    async with serve(lambda asked: MISSING) as server:
        server.answer = files({"/sitemap.xml": "<html>Home page</html>", "/sitemap-index.xml": urlset("http://a.uz/b")})
        found = await look(server.base, sitemap(None), NOVEMBER)
        assert found.paths == ["/b"]
        assert server.paths == ["/sitemap.xml", "/sitemap_index.xml", "/sitemap-index.xml"]


@pytest.mark.parametrize(("days", "tries"), [(NOVEMBER, USUAL_PATHS), (window("2025-12-19"), USUAL_PATHS + NEWS_PATHS)])
async def test_news_sitemaps_are_tried_for_the_last_days_only(days: object, tries: tuple[str, ...]) -> None:
    async with serve(lambda asked: MISSING) as server:
        with pytest.raises(ItemError, match="no sitemap found"):
            await look(server.base, sitemap(None), days)  # type: ignore[arg-type]
        assert tuple(server.paths) == tries


# --- What goes wrong --------------------------------------------------------------------------------------------


async def test_a_part_that_fails_is_a_problem_and_the_others_are_read() -> None:
    async with serve(lambda asked: MISSING) as server:
        names = ["/a.xml", "/b.xml", "/c.xml", "/d.xml"]
        contents: dict[str, str | Reply] = {path: dated(server, [date(2025, 11, 6)], n) for n, path in enumerate(names)}
        contents |= {"/b.xml": Reply(b"", 500), "/c.xml": "<html>Sorry</html>"}
        server.answer = files({**contents, "/i.xml": sitemap_index(*(server.base + path for path in names))})
        found = await found_in(server, "/i.xml")
    assert len(found.listed) == 2
    assert found.problems == ["http 500", "not a sitemap: html"]
    assert not found.tally.complete


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (MISSING, "http 404"),
        ("<!doctype html><html><body>Home</body></html>", "not a sitemap: html"),
        ("", "empty body"),
        ('{"sitemap": []}', "not a sitemap"),
        (urlset(), "empty sitemap"),
        ("<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'/>", "empty sitemap"),
        (Reply(b"\x1f\x8bnot gzip"), "not a feed"),
    ],
)
async def test_no_sitemap_is_an_error_so_that_another_route_is_tried(body: str | Reply, reason: str) -> None:
    async with serve(files({"/s.xml": body})) as server:
        with pytest.raises(ItemError) as caught:
            await found_in(server, "/s.xml")
    assert caught.value.reason == reason


async def test_a_cut_sitemap_gives_what_is_whole_and_a_problem() -> None:
    whole = urlset("http://site.uz/a", "http://site.uz/b", "http://site.uz/c")
    async with serve(files({"/s.xml": whole[: whole.index("/c")]})) as server:
        found = await found_in(server, "/s.xml")
    assert (found.paths, found.problems) == (["/a", "/b"], ["cut sitemap"])


async def test_indexes_that_lead_in_circles_come_to_an_end() -> None:
    async with serve(lambda asked: MISSING) as server:
        base = server.base
        server.answer = files(
            {
                "/a.xml": sitemap_index(f"{base}/b.xml", f"{base}/a.xml"),
                "/b.xml": sitemap_index(f"{base}/a.xml", f"{base}/c.xml"),
                "/c.xml": urlset(f"{base}/story"),
            }
        )
        found = await found_in(server, "/a.xml")
    assert (found.paths, server.paths) == (["/story"], ["/a.xml", "/b.xml", "/c.xml"])
    assert found.tally.complete


async def test_indexes_without_end_come_to_an_end() -> None:
    def answer(asked: Asked) -> Reply:
        return Reply(sitemap_index(f"http://{asked.headers['host']}{asked.path}x").encode())

    async with serve(answer) as server:
        with pytest.raises(ItemError, match="nested too deeply"):
            await found_in(server, "/a")
        assert len(server.asked) < 10


async def test_more_files_than_allowed_are_not_read() -> None:
    async with serve(lambda asked: MISSING) as server:
        parts = {f"/p{n}.xml": urlset(f"{server.base}/story-{n}") for n in range(30)}
        server.answer = files({"/i.xml": sitemap_index(*(server.base + path for path in parts)), **parts})
        found = await found_in(server, "/i.xml", archives=Archives(max_documents=10))
        assert len(server.asked) == 10
    assert found.problems == ["too many documents"]
    assert len(found.listed) == 9


async def test_a_host_that_wants_a_pause_gets_it() -> None:
    async with serve(lambda asked: Reply(b"", 429, {"Retry-After": "3600"})) as server:
        with pytest.raises(ItemError) as caught:
            await found_in(server, "/s-{date}.xml", window("2025-11-06", "2025-11-20"))
        assert caught.value.retry_after is not None
        assert len(server.asked) == 1


# --- Documents as they are found --------------------------------------------------------------------------------

ONE = "<urlset><url><loc>https://site.uz/a</loc></url></urlset>"


@pytest.mark.parametrize(
    "document",
    [
        ONE,
        "<!-- made by hand -->\n<?xml version='1.0'?>" + ONE,
        '<!DOCTYPE urlset [<!ENTITY x "https://site.uz/a">]>' + ONE,
        "<urlset><url><loc><![CDATA[ https://site.uz/a ]]></loc></url></urlset>",
        "<urlset><url><loc>\n  https://site.uz/a\n</loc><image:image><image:loc>https://site.uz/i.jpg</image:loc>"
        "</image:image></url></urlset>",
        "<s:urlset xmlns:s='x'><s:url><s:loc>https://site.uz/a</s:loc></s:url></s:urlset>",
        "<urlset><url><loc>https://site.uzhttps://site.uz/a</loc></url></urlset>",
        "<urlset><url><loc>/a</loc></url><url><loc></loc></url><url></url></urlset>",
        "<urlset><url><loc>https://site.uz/a</loc><br></url></urlset>",  # a tag too many
        "<urlset><url><loc>https://site.uz/a</loc></url></urlset><!-- 0.2 s -->",
    ],
)
def test_sitemaps_are_read_as_they_are_written(document: str) -> None:
    read = parse_sitemap(document.encode(), url="https://site.uz/s.xml", now=NOW, zone=TASHKENT)
    assert [page.url for page in read.pages] == ["https://site.uz/a"]
    assert not read.cut


def test_a_bare_ampersand_is_no_obstacle() -> None:
    body = b"<urlset><url><loc>https://site.uz/?a=1&b=2</loc><lastmod>2025-11-06</lastmod></url></urlset>"
    (page,) = parse_sitemap(body, url="https://site.uz/s.xml", now=NOW, zone=TASHKENT).pages
    assert (page.url, str(page.lastmod)) == ("https://site.uz/?a=1&b=2", "2025-11-06 00:00:00+05:00")


def test_of_a_malformed_sitemap_every_whole_entry_is_read() -> None:
    blocks = "".join(
        f"<url><loc>https://site.uz/?n={n}&amp;x</loc><lastmod>2025-11-06</lastmod></url>" for n in range(100)
    )
    body = f"<urlset>{blocks.replace('<url>', '<url><b>', 1)}</urlset>".encode()
    read = parse_sitemap(body, url="https://site.uz/s.xml", now=NOW, zone=TASHKENT)
    assert [page.url for page in read.pages] == [f"https://site.uz/?n={n}&x" for n in range(100)]
    assert all(page.lastmod for page in read.pages)
    assert not read.cut


def test_no_entity_is_expanded() -> None:
    bomb = "<!DOCTYPE u [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;'>]>" + ONE.replace("/a<", "/&b;<")
    read = parse_sitemap(bomb.encode(), url="https://site.uz/s.xml", now=NOW, zone=TASHKENT)
    assert [page.url for page in read.pages] == ["https://site.uz/&b;"]  # which leads nowhere


@pytest.mark.parametrize(
    "piece", ["<url>", "<url><loc>", "</url>", "<sitemap ", "<loc>x</loc>", "http://a ", "<!--", "&a"]
)
def test_a_hostile_sitemap_costs_no_more_than_its_length(piece: str) -> None:
    body = ("<urlset>" + piece * 200_000).encode()
    started = time.process_time()
    with contextlib.suppress(ItemError):
        parse_sitemap(body, url="https://site.uz/s.xml", now=NOW, zone=TASHKENT)
    assert time.process_time() - started < 5


PIECES = [
    *("<urlset>", "</urlset>", "<url>", "</url>", "<loc>", "</loc>", "https://site.uz/a", "<lastmod>", "2025-11-06"),
    *("</lastmod>", "<sitemapindex>", "<sitemap>", "&amp;", "&", "<![CDATA[", "]]>", "\x00", "9" * 5000, "<!--"),
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=30))
def test_whatever_comes_is_a_sitemap_or_an_item_error(pieces: list[str]) -> None:
    with contextlib.suppress(ItemError):
        parse_sitemap("".join(pieces).encode(), url="https://site.uz/s.xml", now=NOW, zone=TASHKENT)


@given(st.lists(st.sampled_from(["/s-", "2025", "11", "06", "-", ".xml", "?y=", "9" * 30, "_month_"]), max_size=8))
def test_whatever_a_file_is_called_it_is_read_or_left_for_a_reason(name: list[str]) -> None:
    url = "https://site.uz/" + "".join(name)
    part_days([url, url + "0", url + "1"])
    address_days(url)
    assert len(numbers_in(url)) == pattern_of(url).count("#")
