"""Do the whole job once, offline: run the real monitor flow on a small news site of our own on loopback.

The first of two passes runs directly while Prefect's embedded server starts beside it (which takes 11 to 30 s). The
second runs as a flow run under that server and finds nothing new. Then a digest is written and not sent.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from config.load import Config, load_config
from extractors.archives.routes import ROUTES
from extractors.text import counted
from flows.cli.commands import read_corpus
from flows.cli.terminal import ProgressBar, print_summary
from flows.digest.digest import digest
from flows.passes.monitor import monitor
from flows.reports.status import REPORT_FILE
from flows.serving.run import PREFECT_FOLDER, run_flow, use_server
from flows.serving.server import EmbeddedServer
from flows.tools.corpus import verify_corpus
from storage.errors import StorageError
from storage.files.article_file import ArticleFile

CHECKOUT = Path(__file__).parents[2]
MARK = ".c5watch-demo"  # in a folder that a demonstration made, and may therefore empty
PORT = 8642  # tried first, so that the addresses of README.md are those of the demonstration
EXCERPT_CHARACTERS = 200
REAL = ("C5WATCH_STORAGE", "C5WATCH_MAIL", "C5WATCH_DIGESTS")  # settings that the environment may give


def run_demo(folder: Path) -> bool:
    """Run the demonstration, print each part, and return whether all went well. Raises StorageError, ServerError."""
    _make_anew(folder)
    for name in [name for name in os.environ if name.upper().startswith(REAL)]:
        del os.environ[name]  # made-up articles do not belong into anybody's real database or mailbox
    sys.path.insert(0, str(CHECKOUT))  # the site is part of the tests' tooling and not installed
    from tests.demo_site.server import DEAD_SOURCE, DemoSite

    with DemoSite(first_port=PORT) as site, EmbeddedServer(folder / PREFECT_FOLDER) as server:
        config = _configure(folder / "config", site.settings_toml(), site.sources_toml())
        print(
            f"A small news site is up on loopback: {counted(len(config.sources), 'source')}, "
            f"{counted(len(site.articles), 'article')}.\n"
            f"{DEAD_SOURCE} fails on purpose: its server refuses every connection, and no pass may stop for that.\n"
        )
        print("First pass, run directly:")
        with ProgressBar() as bar:
            first = asyncio.run(monitor(config, folder, sources=config.sources, observer=bar)).to_json()
        print_summary(first)
        print("\nSecond pass, as a flow run under Prefect's embedded server:")
        use_server(server)
        pages, asked = {_path(a.url) for a in site.articles}, len(site.hits)
        with ProgressBar() as bar:
            second = run_flow(lambda flows: flows.monitor(str(config.folder), str(folder)), observer=bar)
        print_summary(second)
        refetched = sum(_path(f"//{hit.host}{hit.path}") in pages for hit in site.hits[asked:])
    count, faults = read_corpus(config, folder, verify_corpus)
    _show_article(config, folder)
    summary = asyncio.run(digest(config, folder))
    issue = summary.issued[0]
    print(
        f"A digest of {counted(issue.articles, 'article')} is written; without [mail] in the settings none is sent.\n"
    )
    checks = {
        "the first pass appended articles": first["appended"] > 0,
        "the second pass found nothing new": second["appended"] == second["new"] == 0,
        "the second pass fetched no article again": refetched == 0,
        f"the corpus of {counted(count, 'article')} is in order": not faults and count == first["appended"],
        "the digest is there as a page and as a mail": len(summary.written) == 2 and issue.articles > 0,
    }
    for claim, true in checks.items():
        print(f"{'ok ' if true else 'NOT OK'} {claim}")
    _say_where(folder, config, digest_page=summary.folder / f"{issue.stem}.html")
    return all(checks.values())


def _make_anew(folder: Path) -> None:
    """Empty the folder, or make it. Raises StorageError if it holds anything else than an earlier demonstration."""
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / MARK).exists())):
        raise StorageError(f"{folder} exists and was not made by a demonstration: name another folder with --keep")
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        (folder / MARK).touch()
    except OSError as exc:
        raise StorageError(f"{folder}: {exc.strerror}: name another folder with --keep") from exc


def _configure(folder: Path, settings: str, sources: str) -> Config:
    folder.mkdir()
    (folder / "settings.toml").write_text(settings, encoding="utf-8")
    (folder / "sources.toml").write_text(sources, encoding="utf-8")
    return load_config(folder, ROUTES)


def _path(url: str) -> str:
    return url.split("//", 1)[1].partition("?utm_")[0]


def _show_article(config: Config, data: Path) -> None:
    """Print the beginning of the newest article."""
    manifest = (data / "manifest.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    entry: dict[str, Any] = json.loads(manifest[-1])
    path = data / config.settings.storage.corpus / entry["file"]
    paragraphs = ArticleFile.parse(path.read_bytes()).paragraphs[:3]
    print(f"\n{path} ({entry['source']}, {entry['date']}): {entry['title']}")
    for paragraph in paragraphs:
        line = paragraph.split("\n")[0]
        print("  " + (line if len(line) <= EXCERPT_CHARACTERS else line[:EXCERPT_CHARACTERS].rstrip() + " …"))
    print()


def _say_where(folder: Path, config: Config, *, digest_page: Path) -> None:
    """Print where everything is, two commands to try, and the two pages to open."""
    print(f"\nArticles  {folder / config.settings.storage.corpus}")
    print(f"Manifest  {folder / 'manifest.jsonl'}\nIndex     {folder / 'index.sqlite'}\nSettings  {folder / 'config'}")
    print(f"\nTry:   .venv/bin/c5watch corpus search uranium --data {folder}")
    print("Then:  make run    one pass over the real catalogue of feeds (config/sources.toml)")
    print(f"\nOpen in a browser:\n  the digest       {digest_page.resolve().as_uri()}")
    print(f"  the status page  {(folder / REPORT_FILE).resolve().as_uri()}")
