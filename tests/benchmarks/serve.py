"""Let `c5watch serve` run for a while, kill it in the middle of a run, start it again, stop it.

Run as `python -m tests.benchmarks.serve --minutes 15`. Outlets on loopback bring news all the time, and their feeds
fall due in different minutes, so that every pass of the one-minute schedule has work. Printed: what each minute's pass
did, beside the memory of each process; how late the scheduled runs began, what became of the run that was killed, how
long the stop took, whether a process was left behind, and whether all articles are there, once each.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import Any

import httpx

from flows.serving.run import PREFECT_FOLDER
from flows.serving.server import PASSWORD_FILE
from tests.support.feed_documents import rss
from tests.support.loopback import MISSING, Asked, Reply, serve
from tests.support.outlets import at_noon, corpus_texts, page
from tests.support.running import CHECKOUT, EVERYTHING, source_toml, write_config

HOSTS = 3
NEWSROOMS = 10  # in the benchmark
NEWS_EVERY = timedelta(seconds=20)  # of each
FIRST_DUE_MIN = 5  # a feed is not polled more often
SAMPLE_S = 2.0
WINDING_UP_S = 30.0  # at most, of the children of a process that was killed
SETTINGS = """
[network]
user_agent = "c5watch/0.1.0 (+mailto:desk@example.org)"
allow_networks = ["127.0.0.0/8"]
per_host_interval = {interval}
retry_delays = []
[monitor]
max_entries = {per_pass}
max_old_entries = {per_pass}
[extraction]
workers = 1
[schedule]
monitor = "* * * * *"
timezone = "Asia/Tashkent"
"""
# Of processes, by their command lines; the last is what a pass starts to take articles out of pages.
KINDS = {"serve": "flows.cli serve", "server": "prefect_server", "pass": "prefect.engine|cli monitor", "child": ""}
PASS_ENDS = r"^(\S+ \S+) (?:monitor|first pass): (\d+ of .*? read: \d+ appended)"
MINUTE = timedelta(minutes=1)
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Outlet:
    """A feed of so many articles, and their pages."""

    first: int
    articles: int
    fetched: list[str] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        base = f"http://{asked.headers['host']}"
        numbers = range(self.first, self.first + self.articles)
        if asked.path == "/rss":
            day = datetime.now().date()
            return Reply(rss({f"{base}/news/{n}": at_noon(day) for n in numbers}).encode())
        number = asked.path.removeprefix("/news/")
        if number.isdigit() and int(number) in numbers:
            self.fetched.append(asked.path)
            return Reply(page(int(number), None), headers={"Content-Type": "text/html; charset=utf-8"})
        return MISSING


@dataclass
class Newsroom(Outlet):
    """An outlet that publishes an article every NEWS_EVERY; the feed shows the last `shown`.

    Half of these are replaced within `shown / 2 * NEWS_EVERY`, which is how often the feed will be polled.
    """

    shown: int = 0
    opened: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    @property
    def published(self) -> int:
        """How many articles it has published: at the start a full feed."""
        return self.shown + (datetime.now(UTC) - self.opened) // NEWS_EVERY

    def __call__(self, asked: Asked) -> Reply:
        self.articles = self.published
        if asked.path != "/rss":
            return super().__call__(asked)
        base = f"http://{asked.headers['host']}"
        start = self.opened - self.shown * NEWS_EVERY
        numbers = range(self.articles - self.shown, self.articles)
        return Reply(rss({f"{base}/news/{self.first + n}": start + (n + 1) * NEWS_EVERY for n in numbers}).encode())


def newsrooms() -> list[Outlet]:
    """Outlets whose feeds fall due every 5, 6, 7 … minutes, so that after five some feed is due in each minute."""
    shown = [2 * timedelta(minutes=FIRST_DUE_MIN + n) // NEWS_EVERY for n in range(NEWSROOMS)]
    return [Newsroom(1000 * n, 0, shown=count) for n, count in enumerate(shown)]


@contextlib.asynccontextmanager
async def outlets(
    root: Path, *, per_pass: int, interval: float, articles: int = 0, hosts: int = HOSTS, found: Sequence[Outlet] = ()
) -> AsyncIterator[tuple[list[Outlet], Path]]:
    """The outlets `found`, or so many of so many articles, up; and a configuration folder that names them."""
    found = list(found) or [Outlet(1000 * host, articles) for host in range(hosts)]
    async with contextlib.AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(serve(outlet, f"127.0.9.{number + 1}"))
            for number, outlet in enumerate(found)
        ]
        sources = "".join(source_toml(f"host-{n}", f"{server.base}/rss") for n, server in enumerate(servers))
        settings = SETTINGS.format(interval=interval, per_pass=per_pass)
        yield found, write_config(root / "config", sources=sources, settings=settings, topics=EVERYTHING)


class Serving:
    """`c5watch serve` as a process, its log, and all processes that come from it."""

    def __init__(self, config: Path, data: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        self.arguments = [
            *(sys.executable, "-m", "flows.cli", "serve", "--port", "0", "--config", str(config)),
            *("--data", str(data), *options),
        ]
        self.data = data
        self.log = data.parent / f"{data.name}-serve-{uuid.uuid4().hex[:6]}.log"
        self.mark = f"SERVE_MARK={uuid.uuid4().hex}"
        self._environment = {**os.environ, **dict([self.mark.split("=")]), **(environment or {})}

    async def __aenter__(self) -> Serving:
        with self.log.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.arguments, cwd=CHECKOUT, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @property
    def told(self) -> str:
        """Its log so far."""
        return self.log.read_text(encoding="utf-8")

    async def wait_for(self, pattern: str, *, timeout_s: float, times: int = 1) -> re.Match[str]:
        """The match of the pattern in the log, once it stands there so often."""
        deadline = time.monotonic() + timeout_s
        while len(found := list(re.finditer(pattern, self.told))) < times:
            assert self.process.returncode is None, f"it ended: {self.told}"
            assert time.monotonic() < deadline, f"not within {timeout_s} s: {pattern}\n{self.told}"
            await asyncio.sleep(0.1)
        return found[times - 1]

    async def stop(self) -> tuple[int, float]:
        """SIGTERM: its exit status, and the seconds until it was gone."""
        started = time.monotonic()
        self.process.terminate()
        return await self.process.wait(), time.monotonic() - started

    def processes(self) -> dict[int, str]:
        """The processes that it is and has started, directly or not, with their command lines."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if self.mark.encode() in (folder / "environ").read_bytes():
                    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    if command:
                        found[int(folder.name)] = command
        return found

    def memory_mb(self) -> dict[str, float]:
        """Resident memory of `serve`, Prefect's server, the pass and its children; the largest of a kind."""
        found: dict[str, float] = {}
        for pid, command in self.processes().items():
            with contextlib.suppress(OSError):
                resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES / 1e6
                kind = "serve" if pid == self.process.pid else kind_of(command)
                found[kind] = max(resident, found.get(kind, 0))
        return found

    async def api(self, *, timeout_s: float = 120) -> str:
        """The address of its Prefect API, with the password in it, once the schedules are on."""
        address = (await self.wait_for(r"under Prefect at (\S+)", timeout_s=timeout_s))[1]
        password = (self.data / PREFECT_FOLDER / PASSWORD_FILE).read_text(encoding="ascii").strip()
        return address.replace("://", f"://{password}@")


def kind_of(command: str) -> str:
    """What a process of `serve` is, by its command line: one of KINDS."""
    return next(kind for kind, pattern in KINDS.items() if re.search(pattern, command))


async def flow_runs(api: str) -> list[dict[str, Any]]:
    """All flow runs of the server, in the order of their planned start."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        while (answer := await client.post(f"{api}/flow_runs/filter", json={"limit": 200})).status_code == 503:
            await asyncio.sleep(1)
    found = answer.raise_for_status().json()
    return sorted(found, key=lambda run: run["expected_start_time"] or "")


def lateness_s(runs: Sequence[dict[str, Any]]) -> list[float]:
    """How long after its planned moment each scheduled run that did begin began."""
    return [
        (datetime.fromisoformat(r["start_time"]) - datetime.fromisoformat(r["expected_start_time"])).total_seconds()
        for r in runs
        if r["auto_scheduled"] and r["start_time"]
    ]


async def start_pass(api: str) -> None:
    """Ask for a pass now, beside the schedule."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        found = (await client.get(f"{api}/deployments/name/monitor/monitor")).raise_for_status().json()
        # Prefect's server on SQLite answers 503 while it is busy with something else, and is to be asked again.
        while (await client.post(f"{api}/deployments/{found['id']}/create_flow_run", json={})).status_code == 503:
            await asyncio.sleep(1)


async def running_pass(api: str, *, timeout_s: float) -> dict[str, Any]:
    """A pass that has just begun its work."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        for run in await flow_runs(api):
            if run["state_type"] == "RUNNING" and run["name"].startswith("monitor"):
                begun = datetime.fromisoformat(run["start_time"])
                if (datetime.now(UTC) - begun).total_seconds() < 6:
                    return run
        await asyncio.sleep(0.3)
    raise AssertionError(f"no pass began within {timeout_s} s")


async def left_behind(serving: Serving) -> str:
    """Say how many of its processes are left once they have had some time to end, and how long that was."""
    ended = time.monotonic()
    while serving.processes() and time.monotonic() < ended + WINDING_UP_S:
        await asyncio.sleep(0.1)
    return f"{len(serving.processes())} processes left behind after {time.monotonic() - ended:.1f} s"


def print_minutes(told: str, samples: Sequence[tuple[datetime, dict[str, float]]]) -> None:
    """Print a line a minute: what the passes that ended in it did, and the memory of each kind of process at most."""
    print(f"{'minute':>6}  {'passes':<62}" + "".join(f"{kind:>10} MB" for kind in KINDS))
    ends = [(datetime.fromisoformat(moment), what) for moment, what in re.findall(PASS_ENDS, told, re.MULTILINE)]
    began = samples[0][0]
    for minute in range((samples[-1][0] - began) // MINUTE + 1):
        here = (began + minute * MINUTE, began + (minute + 1) * MINUTE)
        sizes = [size for moment, size in samples if here[0] <= moment < here[1]]
        memory = "".join(f"{max(size.get(kind, 0) for size in sizes):>13.0f}" for kind in KINDS)
        passes = "; ".join(what for moment, what in ends if here[0] <= moment < here[1]) or "–"
        print(f"{minute + 1:>6}  {passes:<62}{memory}")


async def measure(root: Path, *, minutes: float) -> None:
    """Print the figures."""
    data = root / "data"
    async with outlets(root, per_pass=8, interval=0.8, found=newsrooms()) as (sites, config):
        async with Serving(config, data) as serving:
            began = time.monotonic()
            await serving.wait_for("first pass over", timeout_s=60)
            print(f"first pass after {time.monotonic() - began:.1f} s")
            samples = [(datetime.now(UTC), serving.memory_mb())]
            while time.monotonic() - began < minutes * 60:
                await asyncio.sleep(SAMPLE_S)
                samples.append((datetime.now(UTC), serving.memory_mb()))
            print_minutes(serving.told, samples)
            api = await serving.api()
            runs = await flow_runs(api)
            late = lateness_s(runs)
            print(f"{len(late)} runs, late by {min(late):.1f} to {max(late):.1f} s, {mean(late):.1f} on average")
            print(f"states: {sorted({r['state_name'] for r in runs if r['start_time']})}")
            for kind in KINDS:
                sizes = [size[kind] for moment, size in samples if kind in size and moment > samples[0][0] + MINUTE]
                part = max(1, len(sizes) // 4)
                print(
                    f"memory of {kind}: {mean(sizes[:part]):.0f} MB in the first quarter, "
                    f"{mean(sizes[-part:]):.0f} MB in the last, {max(sizes):.0f} MB at most"
                )
            print(f"tracebacks in the log: {serving.told.count('Traceback')}")
            killed = await running_pass(api, timeout_s=90)
            await asyncio.sleep(3)
            serving.process.kill()
            await serving.process.wait()
            print(f"killed in the middle of {killed['name']!r}: {await left_behind(serving)}")
        async with Serving(config, data) as serving:
            began = time.monotonic()
            api = await serving.api()
            states = {run["id"]: run["state_name"] for run in await flow_runs(api)}
            print(f"restarted: schedules on after {time.monotonic() - began:.1f} s, the run is {states[killed['id']]}")
            await serving.wait_for(r"monitor: \d+ of \d+ sources read", timeout_s=150)
            await running_pass(api, timeout_s=90)
            status, seconds = await serving.stop()
            print(f"SIGTERM in the middle of a run: exit {status} within {seconds:.1f} s; {await left_behind(serving)}")
            print(serving.told[-600:])
        texts = corpus_texts(data)
        fetched = [path for site in sites for path in site.fetched]
        print(
            f"{len(texts)} articles, {len(fetched)} pages fetched, {len(fetched) - len(set(fetched))} of them again; "
            f"{sum(site.articles for site in sites)} published until the last request"
        )


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        asyncio.run(measure(Path(root), minutes=wanted.minutes))


if __name__ == "__main__":
    main()
