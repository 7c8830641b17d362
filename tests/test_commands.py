"""Each command once as a process of its own; what it does in detail is tested in-process, where it belongs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer

from flows.cli.app import app
from tests.demo_site.server import DemoSite
from tests.support.running import c5watch, c5watch_process, write_config
from tests.support.stories import line, story, write_lines

pytestmark = pytest.mark.slow
# Command → its arguments, its exit status, and what it prints on stdout or stderr. Names in braces are fields of World.
COMMANDS: dict[str, tuple[str, int, str]] = {
    "monitor": ("--engine direct {folders}", 0, "6 of 7 sources read"),
    "backfill": ("--from 2025-11-06 --to 2025-11-06 --engine direct {folders}", 1, "no archive could be read"),
    "retry": ("--dry-run {folders}", 0, "tr"),
    "extract": ("{page}", 0, ""),
    "page": ("0 {folders}", 1, "the page of number 000 was not kept"),
    "digest": ("--preview {root}/preview.html {folders}", 0, "preview.html"),
    "explain": ("{url} {folders}", 0, "outcome: "),
    "report": ("{folders}", 0, "report.html"),
    "corpus import": ("{lines} --data {root}/imported", 0, "1 line: 1 appended"),
    "corpus verify": ("{folders}", 0, "28 articles, all in order"),
    "corpus repair": ("{folders}", 0, ""),
    "corpus search": ("посол {folders}", 0, ""),
    "corpus export": ("{root}/export.jsonl {folders}", 0, ""),
    "corpus stats": ("{folders}", 0, "articles: 28"),
    "corpus show": ("0 {folders}", 0, "date: "),
    "corpus remove": ("999 --why nothing {folders}", 1, "no article has the number 999"),
    "corpus reextract": ("--dry-run {folders}", 0, "0 pages extracted anew"),
    "sources list": ("--config {config}", 0, "dala-habary"),
    "sources status": ("{folders}", 0, "dala-habary"),
    "sources check": ("dala-habary {folders}", 0, "dala-habary"),
    "sources add": ("nonsense:// --config {config}", 2, "URL: found"),
    "sources import": ("{root}/none.opml --config {config}", 2, "none.opml"),
    "sources export": ("--config {config}", 0, "<opml"),
    "topics preview": ("{folders}", 0, ""),
    "topics apply": ("--days 7 --dry-run {folders}", 0, "nothing was changed"),
    "topics mark": ("{url} yes {folders}", 0, ""),
    "topics check": ("{folders}", 0, "marked"),
    "topics learn": ("{folders}", 1, "learning takes 10 of each"),
}
ELSEWHERE = {
    "browse": "test_browse.py",
    "serve": "test_serve.py",
    "deploy": "test_workers_prefect.py",
    "demo": "test_prefect.py",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    """The demonstration site, up, and a data folder as a pass over it has left it."""
    root = tmp_path_factory.mktemp("commands")
    with DemoSite() as site:
        config = write_config(root / "config", sources=site.sources_toml())
        folders = f"--config {config} --data {root / 'data'}"
        assert c5watch("monitor", "--engine", "direct", *folders.split()).returncode == 0
        article = next(a for a in site.articles if a.kind == "on_topic")
        (root / "page.html").write_bytes(httpx.get(article.url, trust_env=False).content)
        lines = write_lines(root / "articles.jsonl", line("https://first.kz/1", story(1)))
        yield {"root": root, "config": config, "folders": folders, "url": article.url,
               "page": root / "page.html", "lines": lines}  # fmt: skip


def names(command: Any, before: str = "") -> Iterator[str]:
    """All commands below one, each with the words that lead to it."""
    for name, found in command.commands.items():
        if hasattr(found, "commands"):
            yield from names(found, f"{before}{name} ")
        else:
            yield before + name


def test_every_command_is_run_as_a_process_somewhere() -> None:
    assert set(names(typer.main.get_command(app))) == {*COMMANDS, *ELSEWHERE}
    for name, file in ELSEWHERE.items():
        assert f'"{name}"' in (Path(__file__).with_name(file)).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_runs_as_a_process(name: str, world: dict[str, object]) -> None:
    arguments, status, told = COMMANDS[name]
    done = c5watch_process(*name.split(), *arguments.format(**world).split())
    assert done.returncode == status, done.stdout + done.stderr
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
