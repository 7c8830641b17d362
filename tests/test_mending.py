"""`c5watch sources check --mend`: the successors of feeds that are gone, on servers on loopback."""

from __future__ import annotations

import asyncio
import json
import re
import tomllib
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from config.load import ConfigError, load_config
from flows.passes.context import Observer
from flows.passes.monitor import monitor
from flows.tools.catalogue_file import Replacement, replace_address
from flows.tools.check import check_sources
from flows.tools.mending import Mend, mend, write_successors
from tests.support.loopback import Reply, Server, files, serve
from tests.support.outlets import page
from tests.support.running import EVERYTHING, c5watch, write_config
from tests.support.section_pages import LOOKS, stories

pytestmark = pytest.mark.slow

NOW = datetime.now(UTC)
RUSSIAN = "Министры обсудили поставки зерна в соседние страны и назвали сроки строительства дороги"
ENGLISH = "Ministers discussed supplies of grain to the neighbouring countries and named the date of the opening"
HTML = {"Content-Type": "text/html; charset=utf-8"}


def rss(base: str = "", *, title: str = RUSSIAN, age: timedelta = timedelta(hours=5)) -> str:
    items = "".join(
        f"<item><title>{title}: день {n}</title><link>{base}/n/{n}</link>"
        f"<pubDate>{NOW - age:%a, %d %b %Y %H:%M:%S} +0000</pubDate></item>"
        for n in range(5)
    )
    return f'<rss version="2.0"><channel>{items}</channel></rss>'


def undated(path: str = "/n/") -> str:
    return re.sub("<pubDate>.*?</pubDate>", "", rss()).replace("<link>/n/", f"<link>{path}")


def article(age: timedelta) -> Reply:
    return Reply(page(1, (NOW - age).date()), headers=HTML)


def front(*elements: str, title: str = "Наш город") -> Reply:
    return Reply(
        f"<!doctype html><html><head><title>{title}</title>{''.join(elements)}</head></html>".encode(), headers=HTML
    )


def link(href: str) -> str:
    return f'<link rel="alternate" type="application/rss+xml" href="{href}">'


def news_sitemap(base: str) -> str:
    urls = "".join(
        f"<url><loc>{base}/n/{n}</loc><news:news><news:publication_date>{NOW:%Y-%m-%d}</news:publication_date>"
        f"<news:title>{RUSSIAN}</news:title></news:news></url>"
        for n in range(4)
    )
    return f'<urlset xmlns:news="n">{urls}</urlset>'


class World:
    """Servers that are up, and a catalogue with one source, "one", whose feed is /rss on the first of them."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.folder, self._stack = folder / "config", stack
        self.servers: list[Server] = []

    async def up(self, contents: Mapping[str, str | bytes | Reply], address: str = "127.0.0.1") -> Server:
        server = await self._stack.enter_async_context(serve(files(contents), address))
        self.servers.append(server)
        return server

    def catalogue(self, *feeds: str, more: str = "", name: str = "Наш город") -> str:
        base = self.servers[0].base
        listed = ", ".join(json.dumps(base + feed) for feed in feeds or ("/rss",))
        text = (
            f'# Ours, with care.\n\n[[sources]]\nid = "one"  # the first\nname = "{name}"\nhomepage = "{base}/"\n'
            f'feeds = [{listed}]  # seen in March\nlanguage = "ru"\ncountry = "KZ"\ncategory = "national"\n{more}'
        )
        settings = (
            '[network]\nallow_networks = ["127.0.0.0/8"]\nper_host_interval = 0\ntimeout = 5\nretry_delays = []\n'
            f'[archives]\nwayback = "{self.servers[-1].base}"\nwayback_interval = 0\n'
        )
        write_config(self.folder, sources=text, settings=settings, topics=EVERYTHING)
        return text

    async def mended(self, *, archived: bool = False) -> list[Mend]:
        config = load_config(self.folder)
        checks = await check_sources(config, config.sources)
        return await mend(config, checks, archived=archived, observer=Observer())


@pytest.fixture
async def world(tmp_path: Path) -> object:
    async with AsyncExitStack() as stack:
        yield World(tmp_path, stack)


FOUND = {
    "behind a new path": ({"/": front(link("/feeds/all"))}, "/feeds/all", {}),
    "in a usual place": ({"/": front()}, "/feed/", {}),
    "by a redirect": ({"/rss": Reply(b"", 301, {"Location": "/feeds/all"})}, "/feeds/all", {}),
    "after one of another language": ({"/": front(link("/en"), link("/ru"))}, "/ru", {"/en": rss(title=ENGLISH)}),
    "after one that is old": ({"/": front(link("/old"), link("/a"))}, "/a", {"/old": rss(age=timedelta(days=90))}),
    "without dates, which its articles have": (
        {"/": front(link("/a")), "/n/0": article(timedelta(days=2))}, "/a", {"/a": undated()}
    ),
    "without dates, where the first article is gone": (
        {"/": front(link("/a")), "/n/1": article(timedelta(days=2))}, "/a", {"/a": undated()}
    ),
    "without dates, which its addresses have": (
        {"/": front(link("/a"))}, "/a", {"/a": undated(f"/{NOW:%Y/%m/%d}/")}
    ),
    "where the old address is a page": ({"/": front(link("/a")), "/rss": front()}, "/a", {}),
    "where the old feed is empty": ({"/": front(link("/a")), "/rss": "<rss><channel></channel></rss>"}, "/a", {}),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
async def test_a_successor_on_the_site_is_found_and_written_by_one_small_change(world: World, name: str) -> None:
    contents, place, more = FOUND[name]
    server = await world.up({**contents, place: rss(), **more})
    before = world.catalogue()
    (one,) = await world.mended()
    assert (one.source, one.old, one.new) == ("one", f"{server.base}/rss", server.base + place)
    assert one.line == f'feeds = ["{server.base}{place}"]'
    assert (world.folder / "sources.toml").read_text() == before  # nothing without --write
    (done,) = write_successors(world.folder, [one])
    assert done.written
    after = (world.folder / "sources.toml").read_text()
    comment = next(
        line for line in after.splitlines() if line.startswith(f"# {NOW:%Y-%m-%d}: {server.base}/rss was lost")
    )
    assert after.replace(comment + "\n", "").replace(server.base + place, f"{server.base}/rss") == before
    assert load_config(world.folder).source("one").feeds == (server.base + place,)


async def test_a_feed_that_a_sitemap_has_replaced(world: World) -> None:
    contents: dict[str, str | bytes | Reply] = {"/": front()}
    server = await world.up(contents)
    contents["/sitemap-news.xml"] = news_sitemap(server.base)
    server.robots = Reply(f"Sitemap: {server.base}/sitemap-news.xml\n".encode())
    world.catalogue()
    (one,) = await world.mended()
    assert one.new == f"{server.base}/sitemap-news.xml"


async def test_a_feed_that_nothing_has_replaced_gives_way_to_the_list_on_the_front_page(world: World) -> None:
    listed = LOOKS["cards"][0](stories(1, 9, date.today()))
    server = await world.up({"/": Reply(listed.encode(), headers=HTML)})
    world.catalogue()
    (one,) = await world.mended()
    assert one.line == f'feeds = []\nsections = ["{server.base}/"]'
    write_successors(world.folder, [one])
    source = load_config(world.folder).source("one")
    assert (source.feeds, source.sections) == ((), (f"{server.base}/",))
    assert "# seen in March" in (world.folder / "sources.toml").read_text()


async def test_a_feed_without_dates_whose_articles_are_old_is_refused(world: World) -> None:
    old = article(timedelta(days=90))
    server = await world.up({"/": front(link("/a")), "/a": undated(), "/n/0": old, "/n/1": old})
    world.catalogue()
    (one,) = await world.mended()
    assert one.new is None
    assert f"{server.base}/a: nothing newer than" in one.note
    assert server.paths.count("/n/1") == 0  # one page is enough


REFUSED = {
    "old": (rss(age=timedelta(days=90)), "nothing newer than"),
    "another language": (rss(title=ENGLISH), 'it is in "en"'),
    "another outlet's": (rss("https://elsewhere.example"), "its articles are another site's"),
    "of no age": (rss().replace("pubDate", "x"), "nothing tells how old its articles are"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_feed_that_is_not_the_outlets_or_is_dead_is_refused(world: World, name: str) -> None:
    body, why = REFUSED[name]
    await world.up({"/": front(link("/a")), "/a": body})
    before = world.catalogue()
    (one,) = await world.mended()
    assert (one.new, one.line) == (None, None)
    assert why in one.note
    write_successors(world.folder, [one])
    assert (world.folder / "sources.toml").read_text() == before


async def test_a_feed_of_another_source_is_refused(world: World) -> None:
    server = await world.up({"/": front(link("/other")), "/other": rss()})
    other = (
        f'\n[[sources]]\nid = "two"\nname = "Two"\nhomepage = "{server.base}/two"\nfeeds = ["{server.base}/other"]\n'
    )
    world.catalogue(more=other + 'language = "ru"\ncountry = "KZ"\ncategory = "national"\n')
    (one,) = await world.mended()
    assert one.new is None
    assert 'watched already, by the source "two"' in one.note


async def test_a_parked_domain_is_refused(world: World) -> None:
    parked = await world.up({"/": front(link("/rss"), title="Buy this domain"), "/rss": rss()}, "127.0.0.7")
    away = Reply(b"", 302, {"Location": f"{parked.base}/"})
    world.servers.insert(0, await world.up({"/": away, "/rss": away}))
    before = world.catalogue()
    (one,) = await world.mended()
    assert one.new is None
    assert one.note == f"no successor found: the front page leads to another site, {parked.base}/"
    write_successors(world.folder, [one])
    assert (world.folder / "sources.toml").read_text() == before


async def test_a_site_that_has_moved_to_another_name_is_told_and_never_written(world: World) -> None:
    new = await world.up({"/": front(link("/a"), title="Наш город – новости"), "/a": rss()}, "127.0.0.7")
    world.servers.insert(0, await world.up({"/": Reply(b"", 301, {"Location": f"{new.base}/"})}))
    before = world.catalogue()
    (one,) = await world.mended()
    assert (one.new, one.moved) == (f"{new.base}/a", True)
    assert one.note.endswith("the site has another name now, so look at it, and paste the line")
    (same,) = write_successors(world.folder, [one])
    assert not same.written
    assert (world.folder / "sources.toml").read_text() == before


async def test_an_archived_front_page_is_asked_where_archives_may_be(world: World) -> None:
    contents: dict[str, str | bytes | Reply] = {"/a": rss()}
    server = await world.up(contents)
    world.catalogue()
    assert [one.new for one in await world.mended()] == [None]

    def archive(asked: object) -> Reply:
        return front(link("/gone"), link("/a"))

    world.servers.append(await world._stack.enter_async_context(serve(archive)))
    world.catalogue()
    (one,) = await world.mended(archived=True)
    assert (one.new, one.note) == (f"{server.base}/a", "found by an archived front page")


async def test_what_a_moment_may_mend_is_no_loss(world: World) -> None:
    await world.up({"/": front(link("/a")), "/a": rss(), "/rss": Reply(b"", 503)})
    world.catalogue()
    assert await world.mended() == []


def test_a_table_that_cannot_be_changed_safely_is_left_alone(tmp_path: Path) -> None:
    text = '[[sources]]\nid = "one"\nname = "A"\nhomepage = "https://a.kz"\nfeeds = ["https:\\u002f/a.kz/rss"]\n'
    write_config(tmp_path, sources=text + 'language = "ru"\ncountry = "KZ"\ncategory = "national"\n')
    before = (tmp_path / "sources.toml").read_text()
    with pytest.raises(ConfigError, match=r"it cannot be changed: .* put https://a\.kz/new into it by hand"):
        replace_address(tmp_path, Replacement("one", "https://a.kz/rss", "https://a.kz/new", "why"))
    assert (tmp_path / "sources.toml").read_text() == before


def test_write_goes_with_mend_only(tmp_path: Path) -> None:
    done = c5watch("sources", "check", "--write", "--config", tmp_path)
    assert (done.returncode, done.stderr) == (2, "c5watch: --write: goes with --mend only\n")


async def test_the_command_prints_lines_to_paste_and_writes_when_it_is_told_to(world: World) -> None:
    server = await world.up({"/": front(link("/a")), "/a": rss()})
    world.catalogue()
    done = await asyncio.to_thread(c5watch, "sources", "check", "--mend", "--config", world.folder)
    assert f'# one\nfeeds = ["{server.base}/a"]\n' in done.stdout
    done = await asyncio.to_thread(c5watch, "sources", "check", "--mend", "--write", "--json", "--config", world.folder)
    (one,) = json.loads(done.stdout)["mended"]
    assert done.returncode == 0
    assert (one["new"], one["written"]) == (f"{server.base}/a", True)
    assert tomllib.loads((world.folder / "sources.toml").read_text())["sources"][0]["feeds"] == [f"{server.base}/a"]


@pytest.mark.slow
async def test_the_monitor_looks_for_a_successor_once_a_day_after_three_days(world: World, tmp_path: Path) -> None:
    contents: dict[str, str | bytes | Reply] = {"/": front(link("/a")), "/rss": rss(), "/a": rss()}
    server = await world.up(contents)
    before = world.catalogue()

    async def passed(at: timedelta) -> str:
        config = load_config(world.folder)
        summary = await monitor(config, tmp_path / "data", sources=config.sources, now=lambda: NOW + at)
        return str(summary.sources["one"].error)

    assert await passed(timedelta(days=-4)) == "None"
    del contents["/rss"]
    assert await passed(timedelta(days=-4, hours=1)) == "http 404"
    assert "/" not in server.paths
    found = f"http 404; {server.base}/rss may have moved to {server.base}/a: try 'c5watch sources check one --mend'"
    assert await passed(timedelta(hours=-12)) == found
    asked = server.paths.count("/")
    assert await passed(timedelta(hours=-11)) == "http 404"
    assert server.paths.count("/") == asked
    assert await passed(timedelta(hours=13)) == found
    assert (world.folder / "sources.toml").read_text() == before
