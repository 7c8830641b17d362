"""From the address of a front page to the outlet's feed, on servers on loopback."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from extractors.archives.search import parse_in_thread
from extractors.feeds.discovery import USUAL_PATHS, Discovery, discover
from extractors.feeds.front_page import read_front_page
from extractors.records import ItemError
from tests.support.archive_servers import client
from tests.support.loopback import Reply, Server, files, serve

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HTML = {"Content-Type": "text/html; charset=utf-8"}
WORDS = "Қазақстан мен Өзбекстан шекарадағы сауда туралы келісімге қол қойды, деп хабарлады министрлік"


def rss(*titles: str, language: str = "ru") -> str:
    """A feed with these items."""
    items = "".join(
        f"<item><title>{title}</title><link>/news/{n}</link><pubDate>Sat, 31 Oct 2026 0{n}:00:00 GMT</pubDate></item>"
        for n, title in enumerate(titles)
    )
    return f'<rss version="2.0"><channel><title>Feed</title><language>{language}</language>{items}</channel></rss>'


def page(*links: str, title: str = "Outlet – news") -> Reply:
    """A front page with these elements in its head."""
    head = f"<title>{title}</title>{''.join(links)}"
    return Reply(f'<!doctype html><html lang="ru"><head>{head}</head><body>x</body></html>'.encode(), headers=HTML)


def link(href: str, kind: str = "application/rss+xml", title: str = "", rel: str = "alternate") -> str:
    """An element that names a feed."""
    return f'<link rel="{rel}" type="{kind}" title="{title}" href="{href}">'


async def found(
    contents: Mapping[str, str | bytes | Reply], path: str = "/", robots: str = ""
) -> tuple[Discovery, Server]:
    """What is found on a site with these files."""
    async with serve(files(contents)) as server:
        if robots:
            server.robots = Reply(robots.replace("BASE", server.base).encode())
        async with client() as asking:
            return await discover(asking, server.base + path, parse=parse_in_thread, now=lambda: NOW), server


async def refusal(contents: Mapping[str, str | bytes | Reply], path: str = "/", robots: str = "") -> ItemError:
    """Why nothing is found there."""
    with pytest.raises(ItemError) as caught:
        await found(contents, path, robots)
    return caught.value


async def test_the_feed_that_the_page_names_is_taken_with_its_name_date_and_language() -> None:
    site = {"/": page(link("/all.xml")), "/all.xml": rss(WORDS, WORDS)}
    result, server = await found(site)
    assert (result.feed.url, result.feed.kind, result.feed.entries) == (f"{server.base}/all.xml", "rss20", 2)
    assert result.feed.newest == datetime(2026, 10, 31, 1, tzinfo=UTC)
    assert (result.homepage, result.name, result.language) == (f"{server.base}/", "Outlet – news", "kk")
    assert result.feed.via == "the page's own link"
    assert server.paths == ["/", "/all.xml"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/rss+xml", rss("one")),
        ("application/atom+xml; charset=utf-8",
         '<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>a</title><link href="/1"/></entry></feed>'),
        ("application/feed+json", '{"version": "https://jsonfeed.org/version/1.1", "items": [{"url": "/1"}]}'),
        ("text/xml", rss("one")),
    ],
)  # fmt: skip
async def test_feeds_of_every_kind_are_recognised(kind: str, body: str) -> None:
    result, server = await found({"/": page(link("feeds/x", kind)), "/feeds/x": body})
    assert result.feed.url == f"{server.base}/feeds/x"


async def test_a_feed_of_comments_comes_last_and_one_that_does_not_work_is_passed_over() -> None:
    links = (link("/comments/feed/"), link("/c2", title="Комментарии"), link("/empty"), link("/gone"), link("/good"))
    site = {"/": page(*links), "/good": rss("one"), "/comments/feed/": rss("two"), "/empty": rss(), "/c2": rss("x")}
    result, server = await found(site)
    assert result.feed.url == f"{server.base}/good"
    assert server.paths == ["/", "/empty", "/gone", "/good"]
    assert result.others == (f"{server.base}/comments/feed/", f"{server.base}/c2")


async def test_what_is_no_feed_among_the_links_is_never_asked_for() -> None:
    links = (
        link("/wp-json/wp/v2/pages/2", "application/json"), link("/en/", "text/html"), link("/style", rel="stylesheet"),
        link("mailto:a@b.kz"), link("/good", rel="ALTERNATE home"),
    )  # fmt: skip
    _, server = await found({"/": page(*links), "/good": rss("one")})
    assert server.paths == ["/", "/good"]


@pytest.mark.parametrize(
    "element",
    [
        '<link rel="alternate" title="RSS" href="/x/all.php">',
        '<link rel="feed" href="/x/all.php">',
        '<link rel="service.feed" type="application/atom+xml" href="/x/all.php">',
        '<a href="/x/all.php"><img src="/rss.png" alt="RSS"></a>',
        '<a href="/x/all.php" title="RSS feed"></a>',
        '<a href="/x/all.php" class="icon rss">Подписаться</a>',
        '<a href="/x/all.php" aria-label="RSS"><svg></svg></a>',
        '<a type="application/rss+xml" href="/x/all.php">Лента</a>',
        '<a href="/x/all.php">RSS-лента</a>',
        '<map><area href="/x/all.php" title="RSS"></map>',
    ],
)
async def test_a_loosely_marked_feed_is_found(element: str) -> None:
    result, server = await found({"/": page(f"</head><body>{element}"), "/x/all.php": rss("one")})
    assert result.feed.url == f"{server.base}/x/all.php"


@pytest.mark.parametrize(
    "path", ["/all/rss", "/export/rss.xml", "/rss/all", "/news.rss", "/x/?feed=rss2", "/e/rss_ru.xml"]
)
async def test_an_ordinary_link_that_looks_like_a_feed_is_tried(path: str) -> None:
    site = {"/": page(f"</head><body><a href='{path}'>→</a>"), path: rss("one")}
    result, server = await found(site)
    assert result.feed.url == f"{server.base}{path}"


async def test_a_feed_that_the_header_names_is_found() -> None:
    named = '</css>; rel=preload; as=style, </x/all.php>; rel="alternate"; type="application/rss+xml"; title="A, B"'
    front = page()
    result, server = await found({"/": Reply(front.body, headers={**HTML, "Link": named}), "/x/all.php": rss("one")})
    assert result.feed.url == f"{server.base}/x/all.php"


async def test_what_only_resembles_a_feed_is_not_asked_for() -> None:
    elements = (
        '<link rel="alternate" hreflang="en" href="/en/">', '<link rel="alternate" media="handheld" href="/m/">',
        '<link rel="alternate stylesheet" href="/dark">', '<link rel="alternate" href="/">',
        '<a href="/news/feed-prices-rise">Feed prices rise as drought in the south goes on</a>',
        '<a class="feed-item" href="/news/2">Новости дня</a>', '<a href="/rss.png">RSS</a>',
        '<a href="https://other.example/rss">RSS of another</a>', '<a href="/good" title="RSS">RSS</a>',
    )  # fmt: skip
    _, server = await found({"/": page(f"</head><body>{''.join(elements)}"), "/good": rss("one")})
    assert server.paths == ["/", "/good"]


async def test_a_page_that_lists_the_feeds_of_an_outlet_is_read() -> None:
    lists = page(
        "</head><body><ul><li><a href='/export/1.xml'>RSS: Politics</a><li><a href='/export/2.xml'>RSS</a></ul>"
    )
    site = {"/": page("</head><body><a href='/subscribe'>RSS</a>"), "/subscribe": lists, "/export/2.xml": rss("one")}
    result, server = await found(site)
    assert result.feed.url == f"{server.base}/export/2.xml"
    assert result.feed.via == f"the list of feeds at {server.base}/subscribe"


@pytest.mark.parametrize(
    ("root", "posts"),
    [
        ("/wp-json/", "/wp-json/wp/v2/posts"),
        ("/index.php/wp-json/", "/index.php/wp-json/wp/v2/posts"),
        ("/?rest_route=/", "/?rest_route=/wp/v2/posts"),
    ],
)
async def test_the_posts_are_found_where_the_site_has_its_api(root: str, posts: str) -> None:
    front = Reply(page().body, headers={**HTML, "Link": f'<{root}>; rel="https://api.w.org/"'})
    result, server = await found({"/": front, "/feed/": rss("one")})
    assert [(route.route, route.url) for route in result.backfill] == [("wordpress", server.base + posts)]


async def test_links_stand_on_the_base_of_the_page_and_on_where_it_has_moved() -> None:
    site = {
        "/old": Reply(b"", 301, {"Location": "/new/"}),
        "/new/": page('<base href="/x/">', link("feed.xml")),
        "/x/feed.xml": rss("one"),
    }
    result, server = await found(site, "/old")
    assert (result.homepage, result.feed.url) == (f"{server.base}/new/", f"{server.base}/x/feed.xml")


@pytest.mark.parametrize("path", USUAL_PATHS)
async def test_a_feed_in_a_usual_place_is_found_without_any_link(path: str) -> None:
    result, server = await found({"/": page(), f"/{path}": rss("one")})
    assert (result.feed.url, result.feed.via) == (f"{server.base}/{path}", "a usual place")
    assert len(server.paths) <= 1 + len(USUAL_PATHS)


async def test_an_edition_below_the_host_has_its_own_feed_first() -> None:
    result, server = await found({"/en/": page(), "/en/rss": rss("one"), "/rss": rss("two")}, "/en/")
    assert result.feed.url == f"{server.base}/en/rss"


@pytest.mark.parametrize("scheme", ["feed:http:", "feed:"])
async def test_a_link_with_the_scheme_of_readers_leads_to_the_feed(scheme: str) -> None:
    site: dict[str, str | bytes | Reply] = {"/rss": rss("one")}
    async with serve(files(site)) as server, client() as asking:
        href = scheme + server.base.removeprefix("http:") + "/rss"
        site["/"] = Reply(f'<html><body><a href="{href}">RSS</a></body></html>'.encode(), headers=HTML)
        result = await discover(asking, server.base, parse=parse_in_thread, now=lambda: NOW)
        assert (result.feed.url, server.paths) == (f"{server.base}/rss", ["/", "/rss"])


async def test_a_front_page_that_answers_under_every_path_is_no_feed() -> None:
    async with serve(lambda _: page()) as server, client() as asking:
        with pytest.raises(ItemError) as caught:
            await discover(asking, server.base, parse=parse_in_thread, now=lambda: NOW)
    assert caught.value.reason == "no feed found"
    assert "/rss: not a feed: html" in caught.value.detail
    assert len(server.paths) <= 1 + len(USUAL_PATHS)


NEWS = (
    '<urlset xmlns:news="n"><url><loc>/n/1</loc><news:news><news:publication_date>2026-10-31</news:publication_date>'
    "<news:title>One</news:title></news:news></url></urlset>"
)
PLAIN = "<urlset><url><loc>/n/1</loc></url></urlset>"


async def test_the_news_sitemap_of_robots_txt_is_a_feed_and_the_other_one_the_archive() -> None:
    site = {"/": page(), "/sitemap-news.xml": NEWS, "/all.xml": PLAIN}
    result, server = await found(site, robots="Sitemap: BASE/all.xml\nSitemap: BASE/sitemap-news.xml\n")
    assert (result.feed.kind, result.feed.url) == ("news-sitemap", f"{server.base}/sitemap-news.xml")
    assert [(route.route, route.url) for route in result.backfill] == [("sitemap", f"{server.base}/all.xml")]
    assert "/all.xml" not in server.paths


async def test_a_news_sitemap_is_no_archive() -> None:
    robots = "Sitemap: BASE/sitemap-news.xml\nSitemap: BASE/all.xml\n"
    result, server = await found({"/": page(link("/rss")), "/rss": rss("one")}, robots=robots)
    assert [route.url for route in result.backfill] == [f"{server.base}/all.xml"]
    result, _ = await found({"/": page(link("/rss")), "/rss": rss("one")}, robots=robots.partition("\n")[0])
    assert result.backfill == ()


async def test_a_news_sitemap_inside_an_index_is_found() -> None:
    parts = "".join(f"<sitemap><loc>/{name}.xml</loc></sitemap>" for name in ("posts-1", "posts-2", "google-news"))
    site = {"/": page(), "/index": f"<sitemapindex>{parts}</sitemapindex>", "/google-news.xml": NEWS}
    result, server = await found(site, robots="Sitemap: BASE/index\n")
    assert result.feed.url == f"{server.base}/google-news.xml"
    assert [route.url for route in result.backfill] == [f"{server.base}/index"]
    assert not [path for path in server.paths if "posts" in path]


async def test_a_sitemap_without_news_is_no_feed() -> None:
    error = await refusal({"/": page(), "/all.xml": PLAIN}, robots="Sitemap: BASE/all.xml\n")
    assert error.reason == "no feed found"
    assert (await refusal({"/all.xml": PLAIN}, "/all.xml")).reason == "a sitemap without news"


async def test_a_wordpress_site_is_read_back_through_its_posts() -> None:
    api = '<link rel="https://api.w.org/" href="/wp-json/">'
    result, server = await found({"/": page(api), "/feed/": rss("one")}, robots="Sitemap: BASE/s.xml\n")
    assert [(route.route, route.url) for route in result.backfill] == [
        ("wordpress", f"{server.base}/wp-json/wp/v2/posts"), ("sitemap", f"{server.base}/s.xml"),
    ]  # fmt: skip


async def test_the_address_of_a_feed_is_taken_as_it_is() -> None:
    result, server = await found({"/deep/feed": rss("one")}, "/deep/feed")
    assert (result.feed.url, result.homepage) == (f"{server.base}/deep/feed", f"{server.base}/")
    assert (result.name, result.feed.via, result.language) == ("Feed", "the address itself", "ru")
    assert server.paths == ["/deep/feed"]


async def test_what_is_wrong_with_the_address_itself_is_said() -> None:
    assert (await refusal({})).reason == "http 404"
    assert (await refusal({"/": rss()})).reason == "empty feed"
    assert (await refusal({"/": ""})).reason == "empty body"
    assert (await refusal({"/": page()}, robots="User-agent: *\nDisallow: /\n")).reason == "robots.txt"


async def test_robots_txt_holds_for_every_place_that_is_tried() -> None:
    site = {"/": page(link("/private/rss")), "/private/rss": rss("one"), "/rss": rss("two")}
    result, server = await found(site, robots="User-agent: *\nDisallow: /private/\n")
    assert result.feed.url == f"{server.base}/rss"
    assert "/private/rss" not in server.paths


@pytest.mark.parametrize("body", [b"", b"\0", b"<", b"\xff\xfe<", b"<link", b"%PDF-1.7 \x00\x01"])
def test_a_page_that_is_none_names_nothing(body: bytes) -> None:
    said = read_front_page(body, url="https://a.kz", charset=None)
    assert said is None or said.feeds == ()


def test_a_page_may_name_any_number_of_feeds_under_any_scheme() -> None:
    links = "".join(link(f"{scheme}x{n}") for n in range(3000) for scheme in ("/", "javascript:", "http://[", "data:"))
    said = read_front_page(f"<html lang='kk-KZ'><head>{links}".encode(), url="https://a.kz", charset=None)
    assert said is not None
    assert (len(said.feeds), said.language, said.name) == (3000, "kk", None)
