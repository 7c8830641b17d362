"""`c5watch extract`: a page as it would be stored, what was taken out of it, and what is said of what is no page."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from pytest_httpserver import HTTPServer
from typer.testing import CliRunner

from config.settings import Storage
from extractors.blocks.memory import page_lines
from flows.cli.app import app
from storage.index.database import index_location, open_database
from storage.state.site_pages import SitePage, store_site_pages
from tests.support.running import c5watch_process, source_toml, write_config

pytestmark = pytest.mark.slow

FIRST = (
    "Мост через реку Сырдарья открыли сегодня в Кызылорде, сообщает пресс-служба акимата области. "
    "Строительство заняло три года и обошлось бюджету в двенадцать миллиардов тенге."
)
SECOND = "По словам акима, движение по новому мосту откроют в декабре, после того как дорожники закончат подъезды."
HEAD = '<!doctype html><html lang="ru"><head><meta charset="utf-8"><title>Мост открыт | Site.kz</title></head>'
PAGE = f"""{HEAD}<body><nav><a href="/">Главная</a></nav><main><article><h1>Мост открыт</h1>
<p>Опубликовано: 6 ноября 2025, 12:30</p><p>{FIRST}</p><p>{SECOND}</p>
<p>Читайте также: <a href="/2">Дорогу закрыли</a></p></article></main></body></html>"""
STORED = f" date 2025-11-06 {FIRST}\n\n{SECOND}"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text(PAGE, encoding="utf-8")
    return path


def extract(*arguments: object, body: bytes = b"") -> Result:
    """The command in this process; one test below runs it as its own."""
    return CliRunner().invoke(app, ["extract", *map(str, arguments)], input=body)


def facts(done: Result) -> dict[str, Any]:
    assert done.exit_code == 0, done.stderr
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


def test_a_saved_page_is_printed_as_it_would_be_stored(saved: Path) -> None:
    done = c5watch_process("extract", saved)
    assert (done.returncode, done.stdout, done.stderr) == (0, STORED + "\n", "")


def test_without_a_date_the_headline_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(PAGE.replace("Опубликовано: 6 ноября 2025, 12:30", ""), encoding="utf-8")
    assert extract(path).stdout == f"Мост открыт\n\n{FIRST}\n\n{SECOND}\n"


def test_json_has_the_promised_keys_in_their_order(saved: Path) -> None:
    result = facts(extract(saved, "--json"))
    assert list(result) == ["text", "date", "title", "language", "method"]
    assert result == {
        "text": f"{FIRST}\n\n{SECOND}", "date": "2025-11-06", "title": "Мост открыт", "language": "ru",
        "method": "trafilatura",
    }  # fmt: skip


def test_the_trace_names_each_removed_line_and_its_step(saved: Path) -> None:
    done = extract(saved, "--trace")
    assert done.stdout.startswith(STORED + "\n\n")
    told = done.stdout.removeprefix(STORED).strip().splitlines()
    assert [line for line in told if line.endswith(": Читайте также: Дорогу закрыли")]
    assert told[-1] == "- date: visible, 2025-11-06T12:30:00+00:00; found were: 2025-11-06 (visible)"
    result = facts(extract(saved, "--trace", "--json"))
    assert {"step", "line"} == set(result["removed"][0])
    assert "Читайте также: Дорогу закрыли" in [removed["line"] for removed in result["removed"]]
    assert result["dates"] == [{"date": "2025-11-06", "origin": "visible"}]
    assert result["published_at"] == "2025-11-06T12:30:00+00:00"


def test_a_page_comes_through_standard_input_with_its_address() -> None:
    body = PAGE.replace("Опубликовано: 6 ноября 2025, 12:30", "").replace("utf-8", "windows-1251").encode("cp1251")
    result = facts(extract("-", "--url", "https://site.kz/2025/11/06/bridge", "--json", body=body))
    assert (result["date"], result["text"]) == ("2025-11-06", f"{FIRST}\n\n{SECOND}")


def test_the_zone_is_that_of_the_source_or_of_the_countrys_domain(tmp_path: Path) -> None:
    meta = '<meta property="article:published_time" content="2025-11-06T19:30:00Z">'
    body = PAGE.replace("</head>", f"{meta}</head>").replace("Опубликовано: 6 ноября 2025, 12:30", "").encode()
    config = str(write_config(tmp_path, sources=source_toml("outlet", "https://outlet.com/rss", country="KG")))
    days = {}
    for url in ("https://site.kz/1", "https://site.com/1", "https://www.outlet.com/1"):
        days[url] = facts(extract("-", "--url", url, "--json", "--config", config, body=body))["date"]
    assert list(days.values()) == ["2025-11-07", "2025-11-06", "2025-11-07"]


def test_an_address_is_fetched_with_the_settings_of_the_network(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/2025/11/06/bridge").respond_with_data(PAGE, content_type="text/html")
    httpserver.expect_request("/gone").respond_with_data("", status=404)
    config = write_config(tmp_path, sources=source_toml("outlet", "https://outlet.com/rss"))
    done = extract(httpserver.url_for("/2025/11/06/bridge"), "--config", config)
    assert (done.exit_code, done.stdout) == (0, STORED + "\n")
    gone = extract(httpserver.url_for("/gone"), "--config", config)
    assert (gone.exit_code, gone.stdout) == (1, "")
    assert gone.stderr == f"c5watch: {httpserver.url_for('/gone')}: http 404\n"
    closed = extract(httpserver.url_for("/2025/11/06/bridge"))  # the checkout allows public addresses only
    assert (closed.exit_code, closed.stdout) == (1, "")
    assert "not a public address" in closed.stderr


def test_a_sites_rule_is_applied_and_told_of(tmp_path: Path) -> None:
    config = write_config(tmp_path, sources=source_toml("outlet", "https://outlet.com/rss"))
    (config / "sites").mkdir()
    rule = 'test = "https://site.kz/1"\nbody = "//article"\nstrip = ["//article/p[3]"]\ndate = "//b"\n'
    (config / "sites" / "site.kz.toml").write_text(rule, encoding="utf-8")
    text = extract("-", "--url", "https://www.site.kz/1", "--trace", "--config", config, body=PAGE.encode()).stdout
    assert FIRST in text and SECOND not in text
    assert text.endswith("- site rule: its date found nothing\n")


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["missing.html"], 2, "missing.html: no such file, expected an address, the name of an HTML file, or -"),
        (["site.kz/news/1"], 2, "for an address write https://site.kz/news/1"),
        (["."], 2, ".: cannot be read: Is a directory"),
        ([""], 2, "found nothing, expected an address, the name of an HTML file, or -"),
        (["http://"], 2, "URL: found http://, expected a complete address such as https://example.kz/news/1"),
        (["https://[x"], 2, "URL: found https://[x, expected a complete address"),
        (["https://site.kz/1", "--url", "https://site.kz/2"], 2, "--url: is for a file or standard input"),
        (["-", "--url", "site.kz"], 2, "--url: found site.kz, expected a complete address"),
        (["-"], 1, "-: not html"),
    ],
    ids=str,
)
def test_wrong_input_is_one_clear_sentence(arguments: list[str], status: int, sentence: str) -> None:
    done = extract(*arguments)
    assert (done.exit_code, done.stdout) == (status, "")
    assert done.stderr.startswith("c5watch: ") and done.stderr.count("\n") == 1
    assert sentence in done.stderr


def test_a_page_without_an_article_is_said_to_have_none() -> None:
    done = extract("-", body=b"<html><body><p>Hello, world.</p></body></html>")
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "c5watch: -: too short (2 words)\n")


def test_nothing_is_written_down(saved: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    extract(saved)
    assert sorted(tmp_path.rglob("*")) == before


def test_what_earlier_passes_learnt_of_the_site_is_applied(saved: Path, tmp_path: Path) -> None:
    motto = "Областные вести: каждый день, кроме понедельника"
    prose = (Path(__file__).parent / "data" / "languages" / "ru.txt").read_text(encoding="utf-8").splitlines()

    async def learn() -> None:
        database = await open_database(index_location(tmp_path, Storage()))
        stories = [[*prose[3 * n : 3 * n + 3], motto] for n in range(4)]
        pages = [SitePage("site.kz", f"https://site.kz/{n}", page_lines(s[0], s)) for n, s in enumerate(stories)]
        async with database.write() as connection:
            await store_site_pages(connection, pages, now=datetime(2025, 11, 6, tzinfo=UTC))
        await database.close()

    asyncio.run(learn())
    saved.write_text(PAGE.replace(f"<p>{SECOND}", f"<p>{motto}</p><p>{SECOND}"), encoding="utf-8")
    done = extract(saved, "--url", "https://site.kz/bridge", "--data", tmp_path, "--trace")
    assert done.stdout.startswith(STORED + "\n\n- ")
    assert f"- site lines: {motto}\n" in done.stdout
    other = extract(saved, "--url", "https://other.kz/bridge", "--data", tmp_path)
    assert other.stdout == STORED.replace(SECOND, f"{motto}\n\n{SECOND}") + "\n"
