"""The routes "wordpress" and "paged": posts with their text, and feeds that go back page by page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from config.settings import Archives
from config.sources import Backfill
from extractors.archives.paged import article_links
from extractors.records import ItemError
from tests.support.archive_servers import TASHKENT, Found, Post, WordPress, look, window
from tests.support.feed_documents import days_of, rss
from tests.support.loopback import MISSING, Asked, Reply, Server, files, serve

NOVEMBER = window("2025-11-01", "2025-11-30")
QUARTER = ("2025-09-01", "2025-11-30")
START, END = NOVEMBER.wide.moments(TASHKENT)


def posts_of(first: str, last: str, *, hours: int = 24) -> list[Post]:
    """Posts in even gaps, at half past one in the night to begin with."""
    moment = datetime.fromisoformat(first).replace(hour=1, minute=30, tzinfo=TASHKENT)
    end = datetime.fromisoformat(last).replace(hour=23, tzinfo=TASHKENT)
    posts = []
    while moment <= end:
        posts.append(Post(len(posts) + 1, moment))
        moment += timedelta(hours=hours)
    return posts


def of_the_period(posts: Sequence[Post]) -> list[str]:
    """The paths of November's posts, with the day of slack at both ends."""
    return [post.path for post in posts if START <= post.moment < END]


async def found_on(server: Server, url: str | None = None, *, route: str = "wordpress", **named: object) -> Found:
    backfill = Backfill(route=route, url=url)  # type: ignore[arg-type]
    return await look(server.base, backfill, named.pop("days", NOVEMBER), **named)  # type: ignore[arg-type]


# --- Missing in the middle ---------------------------------------------------------------------------------------


GAPS = {"404": Reply(b"", 404), "400": Reply(b"{}", 400), "410": Reply(b"", 410), "blank": Reply(rss({}).encode())}


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("number", [2, 4, 8, 29, 89])
async def test_a_page_that_is_missing_in_the_middle_of_a_feed_is_not_its_end(gap: str, number: int) -> None:
    days = days_of("2025-09-01", "2025-11-29")[::-1]

    def answer(asked: Asked) -> Reply:
        page = int(asked.query["page"])
        if page > len(days):
            return MISSING
        if page == number:
            return GAPS[gap]
        moment = datetime(days[page - 1].year, days[page - 1].month, days[page - 1].day, 12, tzinfo=TASHKENT)
        return Reply(rss({f"http://{asked.headers['host']}/{moment:%j}": moment}).encode())

    async with serve(answer) as server:
        found = await found_on(server, f"{server.base}/feed?page={{page}}", route="paged", days=window(*QUARTER))
    wanted = [f"/{day:%j}" for n, day in enumerate(days, 1) if n != number]
    assert found.paths == wanted
    assert [problem.reason for problem in found.tally.problems] == ["missing in the middle"]


@pytest.mark.parametrize("says_total", [True, False])
@pytest.mark.parametrize("gap", [Reply(b"{}", 400), Reply(b"", 404), Reply(b"[]")])
@pytest.mark.parametrize("number", [2, 3])
async def test_a_page_of_posts_that_is_missing_in_the_middle_is_told(gap: Reply, number: int, says_total: bool) -> None:
    start = datetime(2025, 11, 2, tzinfo=UTC)
    archive = WordPress([Post(n, start + timedelta(hours=n)) for n in range(450)], says_total=says_total)

    def answer(asked: Asked) -> Reply:
        return gap if asked.query.get("page") == str(number) else archive(asked)

    async with serve(answer) as server:
        found = await found_on(server)
    assert len(found.listed) == 350
    assert [problem.reason for problem in found.tally.problems] == ["missing in the middle"]


async def test_a_last_page_of_posts_that_the_server_has_promised_is_told_when_it_is_missing() -> None:
    start = datetime(2025, 11, 2, tzinfo=UTC)
    archive = WordPress([Post(n, start + timedelta(hours=n)) for n in range(250)])
    async with serve(lambda asked: Reply(b"", 404) if asked.query.get("page") == "3" else archive(asked)) as server:
        found = await found_on(server)
    assert (len(found.listed), found.tally.complete) == (200, False)


async def test_a_blank_page_in_a_chain_of_links_is_passed_over() -> None:
    def answer(asked: Asked) -> Reply:
        page = int(asked.query.get("p", "1"))
        older = f'<link rel="next" href="/feed?p={page + 1}"/>' if page < 6 else ""
        moment = datetime(2025, 11, 30 - 4 * page, tzinfo=UTC)
        items = {f"http://{asked.headers['host']}/{page}": moment} if page != 3 else {}
        return Reply(rss(items, head=older).encode())

    async with serve(answer) as server:
        found = await found_on(server, f"{server.base}/feed", route="paged")
    assert found.paths == ["/1", "/2", "/4", "/5", "/6"]


# --- WordPress --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [None, "/wp-json/wp/v2/posts", "", "/"])
async def test_the_posts_of_the_period_come_with_date_and_text(path: str | None) -> None:
    posts = posts_of("2025-10-01", "2025-12-15", hours=8)
    async with serve(WordPress(posts)) as server:
        found = await found_on(server, None if path is None else server.base + path)
    assert found.paths == of_the_period(posts)
    assert len(found.listed) == 96  # 32 days of three posts
    assert len(server.asked) == 1
    entry = found.listed[0].entry
    assert (entry.title, entry.summary) == ("Headline – 91", "In short.")
    assert entry.content == "<p>Text of post 91 &amp; more.</p>"
    assert entry.published is not None
    assert entry.published.isoformat() == "2025-10-31T01:30:00+05:00"
    assert found.tally.complete


@pytest.mark.parametrize(
    ("count", "says_total", "requests"), [(100, True, 1), (250, True, 3), (250, False, 3), (200, False, 4)]
)
async def test_no_page_more_is_asked_for_than_there_are(count: int, says_total: bool, requests: int) -> None:
    start = datetime(2025, 11, 2, tzinfo=UTC)
    posts = [Post(n, start + timedelta(hours=n)) for n in range(count)]
    async with serve(WordPress(posts, says_total=says_total)) as server:
        found = await found_on(server)
    assert len(found.listed) == count
    assert len(server.asked) == requests
    assert found.tally.complete


async def test_a_site_whose_clock_is_in_another_zone_loses_nothing() -> None:
    posts = posts_of("2025-10-28", "2025-12-04", hours=1)
    async with serve(WordPress(posts, zone=UTC)) as server:
        found = await found_on(server)
    inside = [post.path for post in posts if post.moment.astimezone(TASHKENT).month == 11]
    assert set(inside) <= set(found.paths)


@pytest.mark.parametrize("path", [None, "/?rest_route=/wp/v2/posts", "/index.php?rest_route=/", "/"])
async def test_a_site_with_plain_permalinks_gives_its_posts(path: str | None) -> None:
    posts = posts_of("2025-11-01", "2025-11-30")
    async with serve(WordPress(posts, plain=True)) as server:
        found = await found_on(server, None if path is None else server.base + path)
    assert found.paths == of_the_period(posts)
    assert found.listed[0].entry.content is not None


async def test_the_feed_of_a_site_with_plain_permalinks_is_paged_where_its_api_is_off() -> None:
    posts = posts_of("2025-10-01", "2025-12-15")
    async with serve(WordPress(posts, plain=True, has_api=False)) as server:
        found = await found_on(server)
    assert sorted(found.paths) == sorted(of_the_period(posts))


async def test_the_address_of_the_whole_api_leads_to_its_posts() -> None:
    posts = posts_of("2025-11-01", "2025-11-30")
    async with serve(WordPress(posts)) as server:
        found = await found_on(server, server.base + "/wp-json/")
    assert found.paths == of_the_period(posts)


@pytest.mark.parametrize(("most", "strict"), [(50, True), (10, True), (20, False), (7, False)])
@pytest.mark.parametrize("says_total", [True, False])
async def test_a_site_that_allows_few_posts_on_a_page_gives_them_all(most: int, strict: bool, says_total: bool) -> None:
    posts = posts_of("2025-11-01", "2025-11-30", hours=8)
    async with serve(WordPress(posts, most=most, strict=strict, says_total=says_total)) as server:
        found = await found_on(server)
    assert found.paths == of_the_period(posts)
    assert found.tally.complete


async def test_a_server_that_gives_its_first_page_for_ever_is_soon_left_alone() -> None:
    site = WordPress(posts_of("2025-11-01", "2025-11-30"), says_total=False)

    def same_again(asked: Asked) -> Reply:
        return site(replace(asked, query={**asked.query, "page": "1"}))

    async with serve(same_again) as server:
        found = await found_on(server)
    assert (len(found.listed), len(server.asked)) == (30, 3)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "\n<!-- Page cached by a plugin on 2025-11-20 [x] -->"),
        ("<br />\n<b>Notice</b>:  Undefined index: id in /srv/a[1].php on line <b>{5}</b><br />\n", ""),
        ("<div class='error'>Deprecated: strlen()</div>\n", "<script>var loaded = [1];</script>"),
        ("\ufeff\n\n", "\0"),
        (")]}',\n", ""),
    ],
)
async def test_what_a_server_writes_around_its_json_is_passed_over(before: str, after: str) -> None:
    posts = posts_of("2025-11-01", "2025-11-30")
    async with serve(WordPress(posts, before=before, after=after)) as server:
        found = await found_on(server)
    assert found.paths == of_the_period(posts)


async def test_a_post_behind_a_password_has_no_text() -> None:
    async with serve(WordPress([Post(1, datetime(2025, 11, 6, tzinfo=UTC), protected=True)])) as server:
        (listed,) = (await found_on(server)).listed
    assert (listed.entry.content, listed.entry.summary) == (None, None)


async def test_where_the_api_is_off_the_feed_is_paged_and_searched() -> None:
    posts = posts_of("2024-01-01", "2025-12-15", hours=12)
    async with serve(WordPress(posts, has_api=False)) as server:
        found = await found_on(server)
    assert sorted(found.paths) == sorted(of_the_period(posts))
    assert len(server.asked) <= 18
    assert found.tally.complete


async def test_a_site_that_is_no_wordpress_is_one_clear_error() -> None:
    async with serve(WordPress([], has_api=False, has_feed=False)) as server:
        with pytest.raises(ItemError) as caught:
            await found_on(server)
    assert caught.value.reason == "no posts API and no feed"
    assert "http 404" in caught.value.detail


@pytest.mark.parametrize("answer", [Reply(b"<html>Home</html>"), Reply(b'{"code": 1}'), Reply(b"[1]"), Reply(b"", 403)])
async def test_an_api_that_answers_something_else_is_off(answer: Reply) -> None:
    async with serve(lambda asked: answer if "wp-json" in asked.path else MISSING) as server:
        with pytest.raises(ItemError, match="no posts API and no feed"):
            await found_on(server)


async def test_an_api_that_fails_on_the_way_leaves_the_period_incomplete() -> None:
    site = WordPress([Post(n, datetime(2025, 11, 2, tzinfo=UTC) + timedelta(hours=n)) for n in range(250)])
    async with serve(lambda asked: Reply(b"", 500) if asked.query["page"] == "2" else site(asked)) as server:
        found = await found_on(server)
    assert (len(found.listed), found.problems) == (100, ["http 500"])


async def test_posts_without_a_link_or_a_date_do_not_stop_the_others() -> None:
    rows: list[dict[str, object]] = [
        {"id": 1},
        {"link": 5, "date_gmt": []},
        {"link": "https://site.uz/a", "date_gmt": "0000-00-00T00:00:00", "date": "2025-11-06T10:00:00", "title": "x"},
        {"link": "/b", "date": None, "content": {"rendered": "   "}},
    ]
    async with serve(lambda asked: Reply(json.dumps(rows).encode())) as server:
        first, second = (await found_on(server)).listed
    assert str(first.entry.published) == "2025-11-06 10:00:00+05:00"
    assert (second.entry.published, second.entry.content, second.entry.title) == (None, None, None)


# --- Paged feeds ------------------------------------------------------------------------------------------------


async def test_a_feed_with_page_numbers_is_read_as_far_back_as_needed() -> None:
    posts = posts_of("2015-01-01", "2025-12-15")
    site = WordPress(posts)
    async with serve(site) as server:
        found = await found_on(server, server.base + "/feed/?paged={page}", route="paged")
        assert sorted(found.paths) == sorted(of_the_period(posts))
        assert len(server.asked) <= 9
        server.asked.clear()
        old = window("2016-03-01", "2016-03-31")
        found = await found_on(server, server.base + "/feed/?paged={page}", route="paged", days=old)
        assert len(found.listed) == 33
        assert len(server.asked) <= 30  # of 400 pages


async def test_the_archive_may_begin_within_the_period() -> None:
    posts = posts_of("2025-11-20", "2025-12-15")
    async with serve(WordPress(posts)) as server:
        found = await found_on(server, server.base + "/feed/?paged={page}", route="paged")
    assert len(found.listed) == 12
    assert found.tally.complete


@pytest.mark.parametrize("address", ["/feed/?paged={page}", "/feed/"])
async def test_a_feed_that_knows_no_older_pages_is_an_error_unless_it_reaches_back_far_enough(address: str) -> None:
    moments = {f"https://site.uz/{n}": datetime(2025, 12, 15, tzinfo=UTC) - timedelta(days=n) for n in range(30)}
    async with serve(lambda asked: Reply(rss(moments).encode())) as server:
        found = await found_on(server, server.base + address, route="paged")
        assert (len(found.listed), found.problems) == (16, ["no older pages"])
        found = await found_on(server, server.base + address, route="paged", days=window("2025-11-20", "2025-12-01"))
        assert (len(found.listed), found.problems) == (14, [])
        with pytest.raises(ItemError, match="no older pages"):
            await found_on(server, server.base + address, route="paged", days=window("2025-01-01"))


@pytest.mark.parametrize("form", ["prev-archive", "next", "json"])
async def test_links_to_older_pages_are_followed_until_the_window_is_past(form: str) -> None:
    newest = datetime(2025, 12, 15, tzinfo=UTC)

    def answer(asked: Asked) -> Reply:
        page = int(asked.query.get("before", 0))
        moments = {f"https://site.uz/{n}": newest - timedelta(days=n) for n in range(page * 10, page * 10 + 10)}
        older = f"/feed?before={page + 1}&x=1"
        if form == "json":
            items = [{"url": url, "date_published": moment.isoformat()} for url, moment in moments.items()]
            return Reply(json.dumps({"version": "1.1", "next_url": older, "items": items}).encode())
        head = '<atom:link rel="self" href="/feed"/>' + (
            f'<atom:link href="{older.replace("&", "&amp;")}" rel="{form}"/>' if page < 30 else ""
        )
        return Reply(rss(moments, head=head).encode())

    async with serve(answer) as server:
        found = await found_on(server, server.base + "/feed", route="paged")
    assert [int(path[1:]) for path in found.paths] == list(range(14, 46))
    assert len(server.asked) == 8  # the last three hold nothing newer than October
    assert found.tally.complete


async def test_pages_that_lead_in_circles_come_to_an_end() -> None:
    def answer(asked: Asked) -> Reply:
        links = {"/a": "/b", "/b": "/a"}
        moment = datetime(2025, 11, 6, tzinfo=UTC)
        head = f'<atom:link rel="next" href="{links[asked.path]}"/>'
        return Reply(rss({f"https://site.uz{asked.path}": moment}, head=head).encode())

    async with serve(answer) as server:
        found = await found_on(server, server.base + "/a", route="paged")
    assert (found.paths, len(server.asked)) == (["/a", "/b"], 2)


async def test_pages_without_end_and_without_dates_come_to_an_end() -> None:
    def answer(asked: Asked) -> Reply:
        return Reply(rss({f"https://site.uz/{asked.query['p']}": None}).encode())

    async with serve(answer) as server:
        found = await found_on(server, server.base + "/?p={page}", route="paged", archives=Archives(max_documents=50))
        assert (len(server.asked), found.problems) == (50, ["too many documents"])
        server.asked.clear()
        found = await found_on(server, server.base + "/?p={page}", route="paged")
        assert (len(server.asked), found.problems) == (101, ["pages without dates"])


async def test_a_list_of_articles_in_html_gives_its_articles() -> None:
    def answer(asked: Asked) -> Reply:
        page = int(asked.path.split("/")[2])
        if page > 3:
            return MISSING
        return Reply(
            f"""<html><body><a href="/">Home</a> <a href="/news/2/">Older</a> <a href="/tag/rail-roads-and-more/">Tag
            </a> <a href="/news/1234{page}-rail-line-opens/">Story</a> <a href="#top">Top</a>
            <a href="/about/our-team-here">Us</a>
            <a href="https://other.example/big-story-of-today">Other</a></body></html>""".encode()
        )

    async with serve(answer) as server:
        found = await found_on(server, server.base + "/news/{page}/", route="paged")
    assert found.paths == [f"/news/1234{page}-rail-line-opens/" for page in (1, 2, 3)]
    assert len(server.asked) == 5  # one more behind the end: a page may be missing in the middle


@pytest.mark.parametrize("path", ["/robots.html", "/no-feed"])
async def test_no_feed_is_an_error(path: str) -> None:
    async with serve(files({"/no-feed": "{}"})) as server:
        with pytest.raises(ItemError):
            await found_on(server, server.base + path, route="paged")


@pytest.mark.parametrize(
    ("link", "is_article"),
    [
        ("/2025/11/06/rail", True),
        ("/news/rail-line-opens-in-tashkent", True),
        ("/news/123456", True),
        ("/?id=123456", True),
        ("/novosti/новая-дорога-открыта/", True),
        ("//site.uz/20251106/x", True),
        ("/politics", False),
        ("/politics/central-asia/", False),
        ("/tag/rail-line-opens", False),
        ("/author/anna-maria-ivanova", False),
        ("/rail-line-opens-now.pdf", False),
        ("https://t.me/site/123456", False),
        ("mailto:desk@site.uz", False),
        ("javascript:open(123456)", False),
        ("/news", False),  # the page itself
    ],
)
def test_links_that_look_like_articles(link: str, is_article: bool) -> None:
    body = f'<html><body><p>Text</p><a href="{link}">Link</a></body></html>'.encode()
    assert bool(article_links(body, url="https://site.uz/news", charset="utf-8")) is is_article
