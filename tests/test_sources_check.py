"""`c5watch sources check`: what feeds and backfill routes give today, on servers on loopback."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.load import load_config
from flows.cli.checks import by_verdict, rows, sentence, summary, verdicts
from flows.passes.sitemaps import body_hash
from flows.tools.check import Check, check_sources
from storage.state.entries import FeedState
from tests.support.feed_documents import urlset
from tests.support.loopback import Answer, Asked, Reply, Server, files, serve
from tests.support.outlets import source_table
from tests.support.running import c5watch, source_toml, write_config

pytestmark = pytest.mark.slow

NOW = datetime.now(UTC)


def rss(*published: datetime) -> str:
    """A feed with an item for each of these moments."""
    items = "".join(
        f"<item><title>t</title><link>/n/{n}</link><pubDate>{at:%a, %d %b %Y %H:%M:%S} +0000</pubDate></item>"
        for n, at in enumerate(published)
    )
    return f'<rss version="2.0"><channel>{items}</channel></rss>'


async def checked(
    tmp_path: Path, answer: Answer, *routes: Mapping[str, str], feeds: tuple[str, ...] = ("/rss",), shared: bool = False
) -> tuple[list[Check], Server]:
    """The checks of a source on a server that answers so; "BASE" in a route stands for its address."""
    async with serve(answer) as server:
        named = [{key: value.replace("BASE", server.base) for key, value in route.items()} for route in routes]
        table = source_table("one", server, *named, feeds=[server.base + feed for feed in feeds])
        settings = f'[network]\nallow_networks = ["127.0.0.0/8"]\nper_host_interval = 0\ntimeout = 5\nretry_delays = []\n[archives]\ngdelt = "{server.base}/gdelt"\ngdelt_interval = 0\nwayback_interval = 0\n'  # noqa: E501
        config = load_config(write_config(tmp_path / "config", sources=table, settings=settings))
        return await check_sources(config, config.sources, shared=shared), server


async def test_a_feed_that_works(tmp_path: Path) -> None:
    (check,), _ = await checked(tmp_path, files({"/rss": rss(NOW - timedelta(hours=5), NOW - timedelta(hours=2))}))
    assert (check.ok, check.what, check.status, check.robots, check.kind) == (True, "feed", 200, "allowed", "rss20")
    assert (check.entries, check.dated, check.full_text) == (2, 2, 0)
    assert check.newest == (NOW - timedelta(hours=2)).isoformat(timespec="minutes")
    assert (check.redirect, check.note, check.advice) == (None, None, None)
    assert check.ms is not None


@pytest.mark.parametrize(("is_stuck", "read"), [(True, b"old"), (True, None), (False, b"old")])
async def test_a_server_that_says_not_modified_of_a_changed_feed_is_told(
    tmp_path: Path, is_stuck: bool, read: bytes | None
) -> None:
    body = rss(NOW).encode()

    def answer(asked: Asked) -> Reply:
        conditional = is_stuck and "if-none-match" in asked.headers
        return Reply(b"", 304) if conditional else Reply(body, headers={"ETag": '"v1"'})

    async with serve(answer) as server:
        config = load_config(write_config(tmp_path / "config", sources=source_table("one", server)))
        url = config.sources[0].feeds[0]
        state = FeedState(url, etag='"v1"', body_hash=body_hash(read or body))
        (check,) = await check_sources(config, config.sources, known={url: state})
    assert check.ok
    told = (check.note or "").startswith('answers "not modified" (http 304) though it has changed')
    assert told is (is_stuck and read is not None)


@pytest.mark.parametrize(
    ("reply", "status", "note", "advice"),
    [
        (Reply(b"", 404), 404, "http 404", "look for its successor: c5watch sources check "),
        (Reply(b"", 403), 403, "http 403", "the site refuses us: wait longer between requests"),
        (Reply(b"", 503), 503, "http 503", "try again later"),
        (Reply(b"<!doctype html><html></html>"), 200, "not a feed: html", "look for its successor"),
        (Reply(b"<rss><channel></channel></rss>"), 200, "empty feed", "compare the address with those on"),
        (Reply(b""), 200, "empty body", "compare the address with those on"),
        (Reply(b"", 302, {"Location": "http://10.0.0.1/"}), None, "not a public address", "name the network in"),
    ],
)
async def test_a_feed_that_fails_says_why_and_what_to_do(
    tmp_path: Path, reply: Reply, status: int | None, note: str, advice: str
) -> None:
    (check,), _ = await checked(tmp_path, files({"/rss": reply}))
    assert (check.ok, check.status, check.entries) == (False, status, 0)
    assert (check.note or "").startswith(note)
    assert (check.advice or "").startswith(advice)


async def test_what_robots_txt_forbids_is_not_asked_for_and_said(tmp_path: Path) -> None:
    async with serve(files({"/rss": rss(NOW)})) as server:
        server.robots = Reply(b"User-agent: *\nDisallow: /rss\n")
        config = load_config(write_config(tmp_path / "config", sources=source_table("one", server)))
        (check,) = await check_sources(config, config.sources)
        assert server.asked == []
    assert (check.ok, check.robots, check.status) == (False, "forbidden", None)
    assert (check.advice or "").startswith("robots.txt forbids it")


async def test_where_a_feed_has_moved_and_that_it_is_old_is_said(tmp_path: Path) -> None:
    old = datetime(2020, 2, 3, tzinfo=UTC)
    moved = {"/rss": Reply(b"", 301, {"Location": "/new.xml"}), "/new.xml": rss(old)}
    (check,), server = await checked(tmp_path, files(moved))
    assert (check.ok, check.redirect) == (True, f"{server.base}/new.xml")
    assert check.note == f"moved to {server.base}/new.xml; nothing newer than 2020-02-03"
    assert check.advice == "put the new address into sources.toml"


async def test_routes_on_the_site_itself_are_asked_for_their_first_documents_only(tmp_path: Path) -> None:
    index = "".join(f"<sitemap><loc>/s{n}.xml</loc></sitemap>" for n in range(40))
    shards = {f"/s{n}.xml": urlset(f"/n/{n}") for n in range(40)}
    site = files({"/rss": rss(NOW), "/index.xml": f"<sitemapindex>{index}</sitemapindex>", **shards})
    (feed, route), server = await checked(tmp_path, site, {"route": "sitemap", "url": "BASE/index.xml"})
    assert (feed.ok, route.ok, route.what, route.status) == (True, True, "sitemap", 200)
    assert route.entries > 0
    assert len([path for path in server.paths if path != "/rss"]) <= 3


@pytest.mark.parametrize(
    ("route", "site", "ok"),
    [
        ({"route": "wordpress"}, {"/feed/?paged=1": "x"}, False),
        ({"route": "paged", "url": "BASE/p/{page}"}, {"/p/1": rss(NOW), "/p/2": rss()}, True),
        ({"route": "paged", "url": "BASE/p/{page}"}, {}, False),
        ({"route": "sitemap", "url": "BASE/{day}.xml"}, {}, False),
        ({"route": "sitemap"}, {}, False),
        ({"route": "sitemap"}, {"/sitemap-index.xml": urlset("/n/1")}, True),
        ({"route": "wordpress"}, {"/feed/?paged=1": rss(NOW)}, True),
        ({"route": "sitemap", "url": "BASE/map.xml"}, {"/map.xml": "<html></html>"}, False),
        ({"route": "sitemap", "url": "BASE/map.xml"}, {"/map.xml": urlset("/n/1")}, True),
    ],
)
async def test_a_route_works_or_does_not(
    tmp_path: Path, route: Mapping[str, str], site: Mapping[str, str], ok: bool
) -> None:
    (_, check), _ = await checked(tmp_path, files({"/rss": rss(NOW), **site}), route)
    assert check.ok is ok, check
    assert ok or check.advice


async def test_a_source_without_a_feed_is_checked_by_its_route(tmp_path: Path) -> None:
    async with serve(files({"/map.xml": urlset("/n/1")})) as server:
        table = source_table("one", server, {"route": "sitemap", "url": f"{server.base}/map.xml"})
        table = table.replace(f'feeds = ["{server.base}/rss"]', "feeds = []")
        config = load_config(write_config(tmp_path / "config", sources=table))
        (check,) = await check_sources(config, config.sources)
    assert (check.what, check.ok) == ("sitemap", True)
    assert summary([check])["failed_sources"] == []


async def test_the_archives_that_all_share_are_asked_only_when_wanted(tmp_path: Path) -> None:
    site = files({"/rss": rss(NOW)})
    checks, server = await checked(tmp_path, site, {"route": "gdelt"})
    assert [check.what for check in checks] == ["feed"]
    assert server.paths == ["/rss"]
    checks, _ = await checked(tmp_path, lambda _: Reply(b'{"articles": []}'), {"route": "gdelt"}, shared=True)
    assert [check.what for check in checks] == ["feed", "gdelt"]
    assert checks[1].ok


async def test_hosts_are_asked_side_by_side_and_the_wait_for_a_turn_is_not_counted(tmp_path: Path) -> None:
    answer = files({f"/{n}": rss(NOW) for n in range(2)})
    async with serve(answer) as a, serve(answer, "127.0.0.2") as b, serve(answer, "127.0.0.3") as c:
        tables = [source_table(f"s{i}", s, feeds=[f"{s.base}/0", f"{s.base}/1"]) for i, s in enumerate((a, b, c))]
        settings = '[network]\nallow_networks = ["127.0.0.0/8"]\nper_host_interval = 2.0\n'
        config = load_config(write_config(tmp_path / "config", sources="".join(tables), settings=settings))
        checks = await check_sources(config, config.sources)
        first, second, *_ = zip(*([asked.at for asked in s.asked] for s in (a, b, c)), strict=True)
    assert [check.source for check in checks] == ["s0", "s0", "s1", "s1", "s2", "s2"]
    assert all(check.ok and check.ms is not None and check.ms < 1900 for check in checks)
    assert min(later - earlier for earlier, later in zip(first, second, strict=True)) >= 2.0
    assert max(first) < min(second), "side by side"


def test_the_counts_and_the_table() -> None:
    checks = [
        Check("a", "https://a.kz/1", ok=False, status=404, note="http 404", advice="look"),
        Check("a", "https://a.kz/2", ok=True, kind="rss20", entries=3, newest="2026-11-01T10:00+00:00", ms=12),
        Check("b", "https://b.kz/1", ok=False, note="http 403"),
        Check("b", "https://b.kz/s", ok=True, what="sitemap", entries=7),
    ]
    assert sentence(summary(checks)) == ("1 of 3 feeds and 1 of 1 backfill route of 2 sources work; no feed of b does")
    assert rows(checks)[0] == ("a", "NO", "feed", "404", "", "", "", "", "https://a.kz/1", "http 404: look")
    assert rows(checks)[1][4:8] == ("rss20", "3", "2026-11-01 10:00", "12")


def test_a_machine_without_a_network_is_told_from_dead_hosts(tmp_path: Path) -> None:
    sources = "".join(source_toml(name, f"http://{name}.invalid/rss") for name in ("one", "two"))
    done = c5watch("sources", "check", "--config", write_config(tmp_path / "config", sources=sources))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "c5watch: no host was found: is this machine online?"


def test_what_is_switched_off_is_asked_only_when_named_or_wanted(tmp_path: Path) -> None:
    dead = source_toml("on", "http://127.0.0.1:9/on") + source_toml("off", "http://127.0.0.1:9/off").rstrip() + "\n"
    config = write_config(tmp_path / "config", sources=dead + "enabled = false\n")
    asked = {}
    for arguments in ((), ("--disabled",), ("off",)):
        done = c5watch("sources", "check", *arguments, "--config", config)
        assert done.returncode == 1
        assert "connection refused" in done.stdout
        asked[arguments] = [line.split()[0] for line in done.stdout.splitlines()[1:] if line[:1].strip()]
    assert asked == {(): ["on"], ("--disabled",): ["on", "off"], ("off",): ["off"]}


@pytest.mark.parametrize("agent", ["c5watch/0.1.0", "c5watch (+mailto:desk@example.org)", "c5watch (+https://a.kz)"])
def test_a_check_reminds_of_the_contact_until_there_is_one(tmp_path: Path, agent: str) -> None:
    settings = f'[network]\nuser_agent = "{agent}"\nretry_delays = []\n'
    config = write_config(tmp_path, sources=source_toml("one", "http://127.0.0.1:9/rss"), settings=settings)
    told = c5watch("sources", "check", "--config", config).stderr
    assert told.count("c5watch: sites cannot write to you: put a contact into") == (
        1 if agent == "c5watch/0.1.0" else 0
    )


def test_a_machine_that_is_offline_is_told_so_once(tmp_path: Path) -> None:
    table = "".join(source_toml(f"s{n}", f"https://outlet-{n}.invalid/rss") for n in range(5))
    folders = ("--config", write_config(tmp_path / "config", sources=table))
    for command in (("sources", "check"), ("sources", "check", "--mend"), ("monitor", "--engine", "direct")):
        done = c5watch(*command, *folders, *(("--data", tmp_path / "data") if command[0] == "monitor" else ()))
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.splitlines()[-1] == "c5watch: no host was found: is this machine online?"
        assert "outlet-3" not in done.stderr


def test_checks_that_ended_alike_stand_together() -> None:
    notes = ("http 404 (gone)", None, "http 503", "http 404 (not there)", None, "http 404")
    checks = [Check(f"s{n}", f"https://{n}.kz", ok=note is None, entries=1, note=note) for n, note in enumerate(notes)]
    assert [check.source for check in by_verdict(checks)] == ["s1", "s4", "s0", "s3", "s5", "s2"]
    assert verdicts(summary(checks)) == "3 http 404, 2 works, 1 http 503"
    assert checks[0].to_json()["verdict"] == "http 404"
