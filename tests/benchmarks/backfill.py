"""Kill a long backfill at random moments, start it again each time, and compare with one that nobody disturbs.

Run as `python -m tests.benchmarks.backfill --articles 10000 --days 365 --hosts 20 --kills 20`. Outlets on loopback
publish articles over so many days, listed by sitemap, posts API or paged feed. What is compared: the set of addresses
with their whole files (without the numbers, which follow the order of arrival), gaps in the numbers, the faults that
`corpus verify` finds, and how many pages the outlets have served.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.support.archive_servers import Post, WordPress
from tests.support.feed_documents import rss
from tests.support.loopback import MISSING, Asked, Reply, Server, serve
from tests.support.outlets import Outlet, at_noon, corpus_texts, source_table
from tests.support.running import CHECKOUT, EVERYTHING, write_config

FIRST = date(2024, 10, 1)
SETTINGS = '[network]\nallow_networks = ["127.0.0.0/8"]\nper_host_interval = {interval}\nretry_delays = []\n'
SEED = 20251106
WINDING_UP_S = 5.0  # after which processes that outlive a killed one count as left behind


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured. `left_behind`: child processes that outlived their killed parent."""

    articles: int
    needed: int
    fetched: int
    calm_s: float
    disturbed_s: float
    kills: int
    same: bool
    faults: int
    left_behind: int

    @property
    def surplus(self) -> float:
        """The share of pages that were fetched in vain."""
        return self.fetched / self.needed - 1


@dataclass(frozen=True, slots=True)
class _PagedFeed:
    """A feed that goes back page by page."""

    days: dict[int, date | None]
    per_page: int = 50

    def __call__(self, asked: Asked) -> Reply:
        if asked.path != "/feed":
            return MISSING
        newest_first = sorted(self.days, reverse=True)
        start = (int(asked.query.get("paged", 1)) - 1) * self.per_page
        chosen = newest_first[start : start + self.per_page]
        base = f"http://{asked.headers['host']}"
        items = {f"{base}/news/{n}": at_noon(day) for n in chosen if (day := self.days[n])}
        return Reply(rss(items).encode()) if items else MISSING


def outlets(articles: int, days: int, hosts: int) -> list[Outlet]:
    """Each host's articles, spread evenly over the days; three kinds of archives in turn."""
    found = []
    for host in range(hosts):
        numbers = range(host, articles, hosts)
        published: dict[int, date | None] = {n: FIRST + timedelta(days=n * days // articles) for n in numbers}
        posts = [Post(n, at_noon(day)) for n, day in published.items() if day]
        found.append(Outlet(published, archive=(None, WordPress(posts), _PagedFeed(published))[host % 3]))
    return found


def table(number: int, server: Server) -> str:
    """The host's table in sources.toml."""
    routes: Sequence[dict[str, Any]] = (
        {"route": "sitemap"},
        {"route": "wordpress"},
        {"route": "paged", "url": f"{server.base}/feed?paged={{page}}"},
    )
    return source_table(f"host-{number}", server, routes[number % 3])


@contextlib.asynccontextmanager
async def _served(sites: Sequence[Outlet]) -> AsyncIterator[str]:
    """All of them up; gives their sources.toml."""
    async with contextlib.AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serve(s, f"127.0.7.{n + 1}")) for n, s in enumerate(sites)]
        yield "".join(table(number, server) for number, server in enumerate(servers))


class _Command:
    """The same command, as often as it takes."""

    def __init__(self, config: Path, data: Path, days: int) -> None:
        last = FIRST + timedelta(days=days - 1)
        self.log = data.with_suffix(".log")
        self.arguments = [
            sys.executable, "-m", "flows.cli", "backfill", "--from", str(FIRST), "--to", str(last),
            "--config", str(config), "--data", str(data), "--engine", "direct", "--json",
        ]  # fmt: skip

    async def start(self) -> asyncio.subprocess.Process:
        """In a session of its own, so that its children can be told."""
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *self.arguments, cwd=CHECKOUT, start_new_session=True, stdout=log, stderr=log
            )


def _alive(session: int) -> int:
    """How many processes of a session there are."""
    found = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            found += int(fields[3]) == session and fields[0] != "Z"
    return found


async def measure(root: Path, *, articles: int, days: int, hosts: int, kills: int, interval: float) -> Figures:
    """Both runs, below the folder `root`."""
    luck = random.Random(SEED)
    calm_sites, sites = outlets(articles, days, hosts), outlets(articles, days, hosts)
    async with _served(calm_sites) as sources:
        settings = SETTINGS.format(interval=interval)
        config = write_config(root / "calm-config", sources=sources, settings=settings, topics=EVERYTHING)
        started = time.monotonic()
        assert await (await _Command(config, root / "calm", days).start()).wait() == 0
        calm_s = time.monotonic() - started
    addresses = sources
    async with _served(sites) as sources:
        config = write_config(root / "config", sources=sources, settings=settings, topics=EVERYTHING)
        command = _Command(config, root / "disturbed", days)
        moments = sorted(luck.uniform(0, articles) for _ in range(kills))
        done, sessions = 0, []
        started = time.monotonic()
        for moment in moments:
            process = await command.start()
            sessions.append(process.pid)
            latest = luck.uniform(0, 4)  # also while it starts, opens and lists
            begun, passed_at = time.monotonic(), None
            while process.returncode is None:
                served = sum(site.pages for site in sites)
                if served >= moment and passed_at is None:
                    passed_at = time.monotonic() + luck.uniform(0, 0.5)
                late = moment <= done and time.monotonic() - begun > latest
                if late or (passed_at is not None and moment > done and time.monotonic() > passed_at):
                    break
                await asyncio.sleep(0.003)
            done = max(done, sum(site.pages for site in sites))
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            await process.wait()
        assert await (await command.start()).wait() == 0, command.log.read_text()[-2000:]
        disturbed_s = time.monotonic() - started
    gone_by = time.monotonic() + WINDING_UP_S
    while any(map(_alive, sessions)) and time.monotonic() < gone_by:
        await asyncio.sleep(0.1)
    return Figures(
        articles=len(corpus_texts(root / "calm")),
        needed=sum(site.pages for site in calm_sites),
        fetched=sum(site.pages for site in sites),
        calm_s=calm_s,
        disturbed_s=disturbed_s,
        kills=kills,
        same=_comparable(root / "calm", addresses) == _comparable(root / "disturbed", sources),
        faults=await _faults(root / "calm", config) + await _faults(root / "disturbed", config),
        left_behind=sum(map(_alive, sessions)),
    )


def _comparable(data: Path, sources: str) -> dict[str, str]:
    """The corpus, with each outlet named by its number: ports differ from run to run."""
    bases = [line.split('"')[1] for line in sources.splitlines() if line.startswith("homepage")]
    texts = corpus_texts(data)
    return {url.replace(base, f"host-{n}"): text for n, base in enumerate(bases) for url, text in texts.items()
            if url.startswith(f"{base}/")}  # fmt: skip


async def _faults(data: Path, config: Path) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "flows.cli", "corpus", "verify", "--json", "--data", str(data), "--config", str(config),
        cwd=CHECKOUT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    return len(json.loads(out)["faults"])


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("articles", 10_000), ("days", 365), ("hosts", 20), ("kills", 20)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--interval", type=float, default=0.05, help="seconds between two requests to one host")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary one unless given")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=wanted.folder) as root:
        found = asyncio.run(
            measure(
                Path(root), articles=wanted.articles, days=wanted.days, hosts=wanted.hosts, kills=wanted.kills,
                interval=wanted.interval,
            )
        )  # fmt: skip
    print(f"undisturbed: {found.articles} articles, {found.needed} pages, {found.calm_s:.1f} s")
    print(f"{found.kills} times killed: {found.fetched} pages ({found.surplus:+.2%}), {found.disturbed_s:.1f} s")
    print(f"same articles: {found.same}; faults: {found.faults}; processes left behind: {found.left_behind}")


if __name__ == "__main__":
    main()
