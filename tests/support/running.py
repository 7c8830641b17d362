"""Helpers for tests that run whole passes: a configuration folder for a site, and the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from config.load import Config
from extractors.urls import canonical_url
from flows.cli.app import app
from flows.tools.corpus import verify_corpus
from storage.corpus.verify import Fault
from storage.corpus.writer import open_for_reading
from storage.health.history import load_story

CHECKOUT = Path(__file__).parents[2]
SETTINGS = (
    '[network]\nuser_agent = "c5watch/0.1.0 (+mailto:desk@example.org)"\nallow_networks = ["127.0.0.0/8"]\n'
    "per_host_interval = 0.02\ntimeout = 30.0\nretry_delays = []\n"
)
EVERYTHING = '[[topics]]\nid = "all"\nname = "Everything"\nmatch_all = true\n'


def write_config(folder: Path, *, sources: str, settings: str = SETTINGS, topics: str | None = None) -> Path:
    """The folder, holding these files; the topic is the checkout's unless given."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.toml").write_text(settings, encoding="utf-8")
    (folder / "sources.toml").write_text(sources, encoding="utf-8")
    if topics is not None:
        (folder / "topics.toml").write_text(topics, encoding="utf-8")
    return folder


def source_toml(source_id: str, *feeds: str, language: str = "ru", country: str = "KZ") -> str:
    """One table of sources.toml."""
    return (
        f'[[sources]]\nid = "{source_id}"\nname = "{source_id}"\nhomepage = "{feeds[0]}"\n'
        f"feeds = {json.dumps(list(feeds))}\n"
        f'language = "{language}"\ncountry = "{country}"\ncategory = "national"\n\n'
    )


async def verified(config: Config, data: Path) -> tuple[int, list[Fault]]:
    """The number of articles in the corpus, and its faults."""
    async with open_for_reading(data, config.settings.storage) as corpus:
        return await verify_corpus(corpus)


async def explained(config: Config, data: Path, url: str) -> dict[str, Any]:
    """The facts that `explain` tells of a URL."""
    async with open_for_reading(data, config.settings.storage) as corpus, corpus.database.read() as connection:
        return await load_story(connection, canonical_url(url))


def c5watch(*arguments: object, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end in this process: a second less than `c5watch_process` takes.

    Not for commands that load Prefect or send signals, and not in a coroutine.
    """
    words = [*map(str, arguments)]
    done = CliRunner().invoke(app, words, env=environment, prog_name="c5watch")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)


def c5watch_process(*arguments: object, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end in a process of its own, as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *map(str, arguments)],
        cwd=CHECKOUT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def one_json(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one JSON object on stdout; anything else there is a failure."""
    assert done.stdout.count("\n") == 1, done.stdout + done.stderr
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


def own_disk() -> bool:
    """Whether this process may have a small disk of its own: a mount that nobody else sees."""
    tried = shutil.which("unshare") and subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False)
    return bool(tried) and tried.returncode == 0
