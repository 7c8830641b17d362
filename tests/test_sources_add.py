"""`c5watch sources add`: from an address to a table in sources.toml, on servers on loopback."""

from __future__ import annotations

import asyncio
import re
import tomllib
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from config.errors import RequestError
from config.load import CHECKOUT, ConfigError, load_config
from flows.tools.sources import Added, Facts, add_source
from storage.errors import StorageError
from tests.support.running import SETTINGS, c5watch, one_json, source_toml, write_config

OTHERS = "# Ours, with care.\n" + source_toml("one", "https://one.kz/rss")
ITEMS = "".join(
    f"<item><title>The parliament of the country met for day {n} of its session</title><link>/n/{n}</link></item>"
    for n in range(5)
)
FEED = f'<rss version="2.0"><channel><title>T</title>{ITEMS}</channel></rss>'
PAGE = '<!doctype html><html><head><title>The Outlet</title><link rel="alternate" type="application/rss+xml" href="{}">'


@pytest.fixture
def outlet(httpserver: HTTPServer) -> str:
    """The address of an outlet in English whose page names its feed."""
    httpserver.expect_request("/").respond_with_data(PAGE.format("/all.rss"), content_type="text/html")
    httpserver.expect_request("/all.rss").respond_with_data(FEED, content_type="application/rss+xml")
    return httpserver.url_for("/")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration with one source."""
    return write_config(tmp_path / "config", sources=OTHERS)


async def add(folder: Path, url: str, *, dry_run: bool = False, **facts: str) -> Added:
    """Add the outlet, of Kazakhstan if nothing else is said, to the catalogue in `folder`."""
    return await add_source(load_config(folder), folder, url, Facts(**{"country": "KZ", **facts}), dry_run=dry_run)


def test_add_as_a_command_appends_the_table_that_it_prints(outlet: str, folder: Path) -> None:
    arguments = ("sources", "add", outlet, "--country", "kg", "--config", folder)
    done = c5watch(*arguments)
    assert done.returncode == 0, done.stderr
    assert (folder / "sources.toml").read_text() == f"{OTHERS}\n{done.stdout}"
    (table,) = tomllib.loads(done.stdout)["sources"]
    assert table == {
        "id": "localhost", "name": "The Outlet", "homepage": outlet, "feeds": [f"{outlet}all.rss"], "language": "en",
        "country": "KG", "category": "national", "enabled": True,
    }  # fmt: skip
    assert "# Please review category: guessed." in done.stdout
    assert f"{outlet}all.rss: rss20 with 5 entries; found by the page's own link" in done.stderr
    again = c5watch(*arguments)
    assert (again.returncode, again.stdout) == (1, "")
    assert 'is in the catalogue already, as the source "localhost"' in again.stderr


def test_a_dry_run_as_json_is_one_object_and_writes_nothing(outlet: str, folder: Path) -> None:
    result = one_json(c5watch("sources", "add", outlet, "--json", "--dry-run", "--config", folder, "--country", "UZ"))
    assert result["source"]["feeds"] == [f"{outlet}all.rss"]
    assert (result["found"]["entries"], result["file"]) == (5, None)
    assert result["guessed"] == ["category"]
    assert (folder / "sources.toml").read_text() == OTHERS


async def test_what_the_user_says_wins_over_what_is_found(outlet: str, folder: Path) -> None:
    added = await add(folder, outlet, id="two", name="Two", language="ky", country="KG", category="regional")
    source = load_config(folder).source("two")
    assert added.new.guessed == ()
    assert (source.name, source.language, source.country, source.category) == ("Two", "ky", "KG", "regional")
    assert "review" not in (folder / "sources.toml").read_text()


@pytest.mark.parametrize(
    ("facts", "options"),
    [
        ({}, "--country KZ and --category national"),
        ({"category": "world"}, "--country KZ"),
        ({"country": "US"}, "--category national"),
    ],
)
async def test_a_fact_that_the_address_does_not_tell_is_not_guessed(
    outlet: str, folder: Path, facts: dict[str, str], options: str
) -> None:
    with pytest.raises(RequestError) as caught:
        await add_source(load_config(folder), folder, outlet, Facts(**facts), dry_run=True)
    assert str(caught.value).endswith(f"name them, such as {options}")


async def test_a_fact_that_the_address_does_not_tell_is_asked_for(outlet: str, folder: Path) -> None:
    asked: list[str] = []

    def answer(fact: str, words: str) -> str:
        asked.append(words)
        return {"country": "us", "category": "think_tank"}[fact]

    added = await add_source(load_config(folder), folder, outlet, Facts(), dry_run=True, ask=answer)
    assert (added.new.source.country, added.new.source.category, added.new.guessed) == ("US", "think_tank", ())
    assert asked == ["the country of The Outlet, such as KZ", "the category of The Outlet, such as national"]


async def test_an_answer_that_cannot_be_is_refused_as_an_option_is(outlet: str, folder: Path) -> None:
    with pytest.raises(ConfigError, match='--country: found "KAZAKHSTAN", expected two capitals'):
        await add_source(
            load_config(folder), folder, outlet, Facts(), dry_run=True, ask=lambda fact, words: "Kazakhstan"
        )


async def test_a_wrong_fact_is_refused_before_anything_is_asked_for(
    httpserver: HTTPServer, outlet: str, folder: Path
) -> None:
    for facts, line in (
        ({"id": "Two"}, '--id: found "Two", expected at most 60 of a-z'),
        ({"id": "one"}, '--id: found "one", which another source has, expected a new one'),
        ({"language": "kz"}, '--language: found "kz", expected two small letters'),
        ({"country": "Kazakhstan"}, '--country: found "Kazakhstan", expected two capitals'),
    ):
        with pytest.raises(ConfigError) as caught:
            await add(folder, outlet, **facts)
        assert caught.value.lines[0].startswith(line)
    assert httpserver.log == []
    done = await asyncio.to_thread(c5watch, "sources", "add", outlet, "--country", "Kazakhstan", "--config", folder)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


async def test_an_outlet_or_a_feed_that_the_catalogue_has_is_refused(
    httpserver: HTTPServer, outlet: str, folder: Path
) -> None:
    with pytest.raises(StorageError, match='as a feed of the source "one"'):
        await add(folder, "http://www.one.kz/rss/")
    await add(folder, f"{outlet}all.rss", id="two")
    with pytest.raises(StorageError, match=r'all\.rss is in the catalogue already, as a feed of the source "two"'):
        await add(folder, f"{outlet}?from=elsewhere")
    assert len(load_config(folder).sources) == 2


async def test_what_goes_wrong_is_one_sentence_that_says_what_to_do(httpserver: HTTPServer, folder: Path) -> None:
    httpserver.expect_request("/empty/").respond_with_data("<html><title>x</title>", content_type="text/html")
    httpserver.expect_request(re.compile("/.+")).respond_with_data("", status=404)
    before = (folder / "sources.toml").read_bytes()
    for url, sentence in (
        ("https://no-such-host.invalid", "host not found"),
        (httpserver.url_for("/empty/"), "no feed found (tried /empty/feed/: http 404, "),
        (httpserver.url_for("/gone"), "http 404: check the address, or try again later"),
    ):
        with pytest.raises(StorageError) as caught:
            await add(folder, url)
        assert sentence in str(caught.value), url
        assert "\n" not in str(caught.value)
    assert (folder / "sources.toml").read_bytes() == before


@pytest.mark.parametrize("url", ["ftp://site.kz", "http://[broken", "", "https://a b.kz", "x:99999"])
async def test_what_is_no_address_is_a_mistake_of_the_command_line(folder: Path, url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        await add(folder, url)
    assert caught.value.lines == (f'URL: found "{url}", expected a complete address such as "https://example.kz/rss"',)


@pytest.mark.parametrize("url", ["https://me:s3cret@a.kz/rss", "https://a.kz/rss?token=s3cret", "me:s3cret@a.kz"])
async def test_a_secret_in_the_address_is_refused_and_not_shown(folder: Path, url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        await add(folder, url)
    (line,) = caught.value.lines
    assert "because addresses are kept and shown in many places" in line
    assert "s3cret" not in line


async def test_a_feed_with_a_secret_that_the_page_names_is_refused_and_not_shown(
    httpserver: HTTPServer, folder: Path
) -> None:
    link = '<link rel="alternate" type="application/rss+xml" href="/rss?token=s3cret">'
    httpserver.expect_request("/").respond_with_data(f"<html><head>{link}</head>", content_type="text/html")
    items = "".join(f"<item><title>T</title><link>https://site.kz/{n}</link></item>" for n in range(3))
    rss = f'<rss version="2.0"><channel><title>S</title>{items}</channel></rss>'
    httpserver.expect_request("/rss").respond_with_data(rss, content_type="application/rss+xml")
    httpserver.expect_request(re.compile("/.+")).respond_with_data("", status=404)
    before = (folder / "sources.toml").read_bytes()
    with pytest.raises(StorageError) as caught:
        await add(folder, httpserver.url_for("/"))
    assert 'rss?token=…", expected one without "token=…"' in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert (folder / "sources.toml").read_bytes() == before


async def test_without_a_scheme_https_is_tried_first_and_then_http(outlet: str, folder: Path) -> None:
    added = await add(folder, outlet.removeprefix("http://"))
    assert added.new.source.homepage == outlet


async def test_a_name_from_a_page_is_one_clean_line(httpserver: HTTPServer, folder: Path) -> None:
    title = "A &quot;B&quot;\u202e\x1b[31m\n  C" + "x" * 500
    body = f"<html><title>{title}</title>" + PAGE.partition("</title>")[2].format("/r")
    httpserver.expect_request("/").respond_with_data(body, content_type="text/html; charset=utf-8")
    httpserver.expect_request("/r").respond_with_data(FEED)
    await add(folder, httpserver.url_for("/"), id="two")
    name = load_config(folder).source("two").name
    assert name.startswith('A "B"[31m Cxxx')
    assert len(name) <= 120
    assert name.isprintable()


async def test_a_folder_without_a_catalogue_keeps_the_shipped_sources(outlet: str, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(SETTINGS)
    added = await add(tmp_path, outlet, id="mine")
    assert added.written is not None
    assert added.written.copied
    assert [s.id for s in load_config(tmp_path).sources] == [*(s.id for s in load_config(CHECKOUT).sources), "mine"]


async def test_several_additions_at_once_lose_none(httpserver: HTTPServer, folder: Path) -> None:
    for name in "abcd":
        httpserver.expect_request(f"/{name}").respond_with_data(FEED)
    await asyncio.gather(*(add(folder, httpserver.url_for(f"/{name}"), id=name) for name in "abcd"))
    assert {s.id for s in load_config(folder).sources} == {"one", *"abcd"}
