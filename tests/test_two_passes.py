"""Two passes at once on one data folder: each page is fetched by one of them, whatever the other is at."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from config.settings import Storage
from storage.corpus.verify import verify
from storage.corpus.writer import open_for_reading
from storage.state.turns import open_turns
from tests.support.loopback import Asked, Reply, Server, serve
from tests.support.running import CHECKOUT, EVERYTHING, source_toml, write_config

if TYPE_CHECKING:
    from tests.support.postgres import PostgresServer
    from tests.support.s3 import S3Server

pytestmark = pytest.mark.slow

HOSTS, PAGES = 3, 30
GAP_S = 0.15
MET_AT_ONCE = 3 * HOSTS  # a page may be placed, or fail to be kept, between the question and the look


def page_of(name: str) -> bytes:
    letters = random.Random(name)
    words = ["".join(letters.choices("абвгдежзиклмнопрст", k=8)) for _ in range(120)]
    paragraphs = "".join(f"<p>{' '.join(words[at : at + 40]).capitalize()}.</p>" for at in (0, 40, 80))
    return f"<html lang='ru'><body><h1>Статья {name}</h1><article>{paragraphs}</article></body></html>".encode()


def answer(asked: Asked) -> Reply:
    if asked.path != "/rss":
        return Reply(page_of(asked.headers["host"] + asked.path), headers={"Content-Type": "text/html; charset=utf-8"})
    items = "".join(
        f"<item><title>Статья {n}</title><link>http://{asked.headers['host']}/news/{n}</link></item>"
        for n in range(PAGES)
    )
    return Reply(f"<rss version='2.0'><channel><title>T</title>{items}</channel></rss>".encode())


# Waits, with all loaded, until it is told to begin.
PASS = """
import sys
import flows.passes.monitor
from flows.cli.app import run_command_line
print("ready", flush=True)
sys.stdin.readline()
run_command_line()
"""


async def start_pass(
    config: Path, data: Path, storage: Storage, *, environment: Mapping[str, str] | None = None
) -> asyncio.subprocess.Process:
    address = storage.database.get_secret_value()
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PASS, "monitor", "--engine", "direct", "--json"),
        *("--config", str(config), "--data", str(data)),
        cwd=CHECKOUT,
        env={**os.environ, "C5WATCH_STORAGE__DATABASE": address, **(environment or {})},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def summary_of(running: asyncio.subprocess.Process) -> dict[str, Any]:
    out, err = await running.communicate(b"now\n")
    assert running.returncode == 0, err.decode()
    summary = json.loads(out)
    assert isinstance(summary, dict)
    return summary


@asynccontextmanager
async def sites(root: Path) -> AsyncIterator[tuple[list[Server], Path]]:
    """Sites on loopback, and a configuration folder that names them."""
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serve(answer)) for _ in range(HOSTS)]
        settings = (
            f'[network]\nallow_networks = ["127.0.0.0/8"]\nper_host_interval = {GAP_S}\nretry_delays = []\n'
            "[extraction]\nworkers = 1\n"
        )
        sources = "".join(source_toml(f"host-{n}", f"{server.base}/rss") for n, server in enumerate(servers))
        yield servers, write_config(root / "config", sources=sources, settings=settings, topics=EVERYTHING)


async def at_once(passes: Sequence[asyncio.subprocess.Process]) -> list[dict[str, Any]]:
    """Let the passes begin together; return their summaries."""
    try:
        for one in passes:
            assert one.stdout is not None
            assert await one.stdout.readline() == b"ready\n"
        return await asyncio.gather(*map(summary_of, passes))
    finally:
        for one in passes:
            if one.returncode is None:
                one.kill()


def check_requests(servers: Sequence[Server], *, twice: int) -> None:
    asked = Counter((server.base, path) for server in servers for path in server.paths if path != "/rss")
    assert len(asked) == HOSTS * PAGES, "every page was fetched"
    assert asked.total() - len(asked) <= twice


async def test_two_passes_at_once_fetch_hardly_a_page_twice_and_take_on_every_one(
    tmp_path: Path, storage: Storage
) -> None:
    async with sites(tmp_path) as (servers, config):
        passes = [await start_pass(config, tmp_path / "data", storage) for _ in range(2)]
        summaries = await at_once(passes)
        check_requests(servers, twice=MET_AT_ONCE)
    assert sum(summary["appended"] for summary in summaries) == HOSTS * PAGES
    # What one pass did not append the other took: no duplicates, and nothing left over.
    assert [summary["duplicates"] for summary in summaries] == [0, 0]
    assert [summary["appended"] + summary["by_others"] for summary in summaries] == [s["taken"] for s in summaries]
    assert [summary["pending"] for summary in summaries][-1] == 0 or summaries[0]["pending"] == 0
    assert all(summary["failed"] == 0 for summary in summaries)
    assert max(summary["appended"] for summary in summaries) < HOSTS * PAGES, "both were at work"
    async with open_for_reading(tmp_path / "data", storage) as corpus:
        assert await verify(corpus) == (HOSTS * PAGES, [])


async def test_two_machines_that_share_index_and_bucket_fetch_no_page_twice(
    tmp_path: Path, postgres: PostgresServer, s3: S3Server
) -> None:
    async with sites(tmp_path) as (servers, config):
        shared = {**s3.environment, "C5WATCH_STORAGE__CORPUS": f"s3://{s3.bucket()}/news"}
        with postgres.database() as address:
            storage = Storage(database=address)
            passes = [await start_pass(config, tmp_path / name, storage, environment=shared) for name in ("one", "two")]
            summaries = await at_once(passes)
        check_requests(servers, twice=0)
    assert sum(summary["appended"] for summary in summaries) == HOSTS * PAGES
    assert max(summary["appended"] for summary in summaries) < HOSTS * PAGES, "both were at work"


async def test_a_program_knows_that_another_one_has_had_the_host(tmp_path: Path, storage: Storage) -> None:
    from storage.index.database import index_location

    place = index_location(tmp_path, storage)
    async with open_turns(place, tmp_path) as before:
        await before.take("a.kz", patience_s=1)
        await before.give_back("a.kz", pause_s=0.0)
    async with open_turns(place, tmp_path) as one, open_turns(place, tmp_path) as two:

        async def others(turns: Any) -> int:
            assert await turns.take("a.kz", patience_s=1) == 0.0
            await turns.give_back("a.kz", pause_s=0.0)
            return int(turns.others("a.kz"))

        assert [await others(one) for _ in range(3)] == [0, 0, 0], "who came before we began does not count"
        assert [await others(two) for _ in range(2)] == [1, 1]
        assert [await others(one) for _ in range(2)] == [1, 1]
        assert await others(two) == 2
