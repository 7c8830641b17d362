"""README and docs say what is true: their commands run, what they show comes out, their links lead somewhere."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from urllib.request import urlopen

import pytest

from config.load import load_config
from flows.passes.monitor import monitor
from tests.demo_site.server import DemoSite
from tests.support.documents import CHECKOUT, PAGES, Block, blocks, shows
from tests.support.running import c5watch

README = CHECKOUT / "README.md"
PICTURE = CHECKOUT / "docs" / "digest.png"
LINKED = (*PAGES, CHECKOUT / "CHANGELOG.md", CHECKOUT / "tests" / "benchmarks" / "README.md")
LINK = re.compile(r"\]\(([^)#]+)")
OWN_PATH = re.compile(r"`((?:config|extractors|storage|flows|tests|docs)/[\w./-]*)")
OWN_MODULE = re.compile(r"(?:python -m |`)((?:extractors|storage|flows|tests)\.[a-z_.]+)")
NEW_OUTLET = "chu-gazeta"  # not in the catalogue, for `sources add` to find
PICTURES = {"picture", "crontab"}  # notes of blocks that nothing can be compared with


@dataclass(frozen=True, slots=True)
class Demonstration:
    """The demonstration's data after one pass, with its site still up, and what stands for the names in the pages."""

    folder: Path
    names: Mapping[str, str]

    def meant(self, text: str) -> str:
        """Put the demonstration's names in the place of those that a page uses."""
        for shown, ours in self.names.items():
            text = text.replace(shown, ours)
        return text


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    folder = tmp_path_factory.mktemp("demonstration")
    with DemoSite() as site:
        listed = [article.url for article in site.articles if article.source_id == "corridor-ledger"]
        home = f"http://{site.hosts[NEW_OUTLET]}/"
        tables = site.sources_toml().split("\n\n")
        routes = {
            "arys-inform": f'{{ route = "sitemap", url = "http://{site.hosts["arys-inform"]}/sitemap-news.xml" }}',
            "corridor-ledger": f'{{ route = "urls", file = "{folder / "my-list.txt"}" }}',
        }
        tables = [
            table.rstrip("\n") + "".join(f"\nbackfill = {route}" for id, route in routes.items() if f'"{id}"' in table)
            for table in tables
            if f'"{NEW_OUTLET}"' not in table
        ]
        (folder / "config").mkdir()
        (folder / "config" / "sources.toml").write_text("\n\n".join(tables) + "\n", encoding="utf-8")
        (folder / "config" / "settings.toml").write_text(site.settings_toml(), encoding="utf-8")
        config = load_config(folder / "config")
        asyncio.run(monitor(config, folder / "data", sources=config.sources))
        _write_files(folder, listed, home)
        today = datetime.now(UTC).date()
        yield Demonstration(
            folder,
            {
                "https://example.kz/news/1": listed[0],
                "https://example.kz": home.rstrip("/"),
                "astanatimes": "corridor-ledger",
                ":8642/": f":{site.hosts['corridor-ledger'].rpartition(':')[2]}/",
                "2025-11-01": str(today - timedelta(days=7)),
                "2025-11-30": str(today),
            },
        )


def _write_files(folder: Path, listed: list[str], home: str) -> None:
    """Write the files that the pages take for given."""
    (folder / "my-list.txt").write_text("\n".join(listed), encoding="utf-8")
    (folder / "articles.jsonl").write_text(
        '{"url": "https://example.org/1", "title": "An envoy in Astana", "date": "2025-11-07", "language": "en", '
        f'"text": "{"The United States and Kazakhstan signed a trade agreement in Astana. " * 5}"}}\n',
        encoding="utf-8",
    )
    with urlopen(listed[0]) as page:
        (folder / "page.html").write_bytes(page.read())
    (folder / "reader.opml").write_text(
        f'<opml version="2.0"><body><outline type="rss" text="New" xmlUrl="{home}export/rss.xml"/></body></opml>',
        encoding="utf-8",
    )
    shutil.copytree(folder / "data" / "corpus", folder / "FOLDER")


@pytest.fixture
def at_work(demonstration: Demonstration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Demonstration:
    """A copy of the demonstration, in which a page may change what it likes; the working folder is there."""
    folder = tmp_path / "work"
    shutil.copytree(demonstration.folder, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("C5WATCH_CONFIG", "config")
    monkeypatch.setenv("C5WATCH_DATA", "data")
    return Demonstration(folder, demonstration.names)


def _run(line: str, where: str) -> str:
    """Run a line of a shell block; returns what it prints on stdout."""
    words = shlex.split(line, comments=True)
    match words:
        case ["make", target]:
            assert f"\n{target}:" in (CHECKOUT / "Makefile").read_text(encoding="utf-8"), f"{where}: {line}"
        case ["export", *settings]:
            assert all(setting.startswith(("C5WATCH_DATA=", "C5WATCH_CONFIG=")) for setting in settings), where
        case ["c5watch", *arguments]:
            done = c5watch(*arguments)
            assert done.returncode == 0, f"{where}: {line}\n{done.stdout}{done.stderr}"
            return done.stdout
        case _:
            assert not words, f"{where}: neither c5watch nor make nor export: {line}"
    return ""


def _run_shell(block: Block, demo: Demonstration, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if block.note.startswith("no-run"):
        assert re.fullmatch(r"no-run: \w.+", block.note), f"{where}: say why it is not run"
        return
    assert block.note in ("", "fresh"), where
    monkeypatch.setenv("C5WATCH_DATA", "empty" if block.note else "data")
    for line in block.text.splitlines():
        _run(demo.meant(line), where)


def _run_console(block: Block, demo: Demonstration, where: str) -> None:
    command, _, shown = block.text.removeprefix("$ ").partition("\n")
    printed = _run(demo.meant(command), where)
    assert shows(demo.meant(shown), printed), f"{where}: {command} printed\n{printed}"


def _read_toml(block: Block, demo: Demonstration, tmp_path: Path) -> None:
    folder = tmp_path / "read"
    shutil.copytree(demo.folder / "config", folder, dirs_exist_ok=True)
    if block.note == "settings":
        (folder / "settings.toml").write_text(block.text, encoding="utf-8")
    else:
        assert block.note == "source"
        catalogue = (folder / "sources.toml").read_text(encoding="utf-8")
        (folder / "sources.toml").write_text(catalogue + block.text, encoding="utf-8")
    load_config(folder)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_a_page_is_true_of_the_demonstration(
    page: Path,
    at_work: Demonstration,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for block in blocks(page):
        where = f"{page.name}:{block.line}"
        match block.language, block.note:
            case "sh", _:
                _run_shell(block, at_work, where, monkeypatch)
            case "console", "":
                _run_console(block, at_work, where)
            case "python", "" | "data":
                if block.note and not os.environ.get("CI"):
                    pytest.importorskip("datasets")
                exec(compile(block.text, where, "exec"), {})
                assert capsys.readouterr().out, where
            case "toml", _:
                _read_toml(block, at_work, tmp_path)
            case "text", "article":
                files = (at_work.folder / "data" / "corpus").glob("*.txt")
                assert any(shows(block.text, file.read_text(encoding="utf-8")) for file in files), where
            case "", "":
                pass  # a drawing
            case "text", "end of make demo":
                pass  # tests/test_prefect.py compares it with what a demonstration prints
            case language, note:
                assert (language, note) in {("text", name) for name in PICTURES}, f"{where}: what is it?"


def test_a_block_that_shows_something_else_is_noticed() -> None:
    assert shows("a … d\n…\nf\n", "a b c d\ne\nf")
    assert not shows("a … d\n…\nf\n", "a b c\ne\nf")
    assert not shows("a", "ab")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_command_hides_outside_the_blocks_that_are_run(page: Path) -> None:
    outside = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert not [line for line in outside.splitlines() if line.startswith("    ")]


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.name)
def test_every_link_and_every_path_in_a_page_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in LINK.findall(text):
        assert "://" in target or (page.parent / target).exists(), target
    for path in OWN_PATH.findall(text):
        assert (CHECKOUT / path).exists(), path
    for module in OWN_MODULE.findall(text):
        assert _importable(module.rstrip(".")), module


def _importable(name: str) -> bool:
    """Whether it is a module, or a name in one."""
    parent, _, last = name.rpartition(".")
    try:
        if importlib.util.find_spec(name) is not None:
            return True
    except ModuleNotFoundError:
        pass
    return hasattr(importlib.import_module(parent), last)


def test_the_list_of_dependencies_names_those_that_are_declared() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    names = {re.split(r"[^\w.-]", one)[0] for one in declared} - {"c5watch"}
    page = (CHECKOUT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    listed = [name for row in re.findall(r"^\| ([\w., -]+) \|", page, re.MULTILINE) for name in row.split(", ")]
    assert sorted(listed) == sorted([*names, "library", "library", "library"])


def test_every_page_is_reached_from_the_readme() -> None:
    reached, left = set[Path](), [README]
    while left:
        page = left.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = LINK.findall(page.read_text(encoding="utf-8"))
        left += [(page.parent / target).resolve() for target in links if "://" not in target]
    assert set(PAGES) <= reached


def test_the_readme_is_short_and_its_picture_light() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 170
    content = PICTURE.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) < 150_000
