"""Two workers of a Prefect work pool share a backfill, an index on PostgreSQL and a corpus; beside one direct run.

Run as `python -m tests.benchmarks.workers --articles 2400 --hosts 16`. Prefect's server keeps its database on the same
PostgreSQL. `backfill-windows` cuts the period up, the workers do the windows side by side. Compared with a direct run
of the same outlets on SQLite: the set of addresses with their whole files, without the numbers, which follow the order
of arrival. Watched by the outlets themselves: whether two requests to one host ever overlap, and the least gap between
them. A monitor pass over the same hosts goes on beside the backfill.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from flows.serving.server import EmbeddedServer
from tests.support.feed_documents import rss
from tests.support.loopback import Asked
from tests.support.outlets import Outlet, at_noon, corpus_texts
from tests.support.postgres import OPTIONS, PASSWORD, USER, PostgresServer
from tests.support.running import CHECKOUT, EVERYTHING, write_config

BUSY_TRIES = 10
FIRST = date(2024, 10, 1)
KEEP_SECRET = "from prefect.blocks.system import Secret; Secret(value={!r}).save('c5watch-settings', overwrite=True)"
ANSWER_S = 0.02  # that an outlet takes to answer: without it, no two requests would ever be there at once
SETTINGS = """
[network]
allow_networks = ["127.0.0.0/8"]
per_host_interval = {interval}
retry_delays = []
[extraction]
workers = 1
"""


@dataclass
class WatchedHost:
    """An outlet on loopback that watches how it is asked."""

    outlet: Outlet
    base: str = ""
    inside: int = 0
    overlaps: int = 0
    requests: int = 0
    least_gap_s: float = math.inf
    ended_at: float = -math.inf

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests += 1
                self.overlaps += self.inside > 0
                self.least_gap_s = min(self.least_gap_s, time.monotonic() - self.ended_at)
                self.inside += 1
                try:
                    await asyncio.sleep(ANSWER_S)
                    answer = self.answer(head.decode("latin-1"))
                    self.ended_at = time.monotonic()  # now, since whatever keeps us back later is not the client's gap
                    writer.write(answer)
                finally:
                    self.inside -= 1
                await writer.drain()
        writer.close()

    def answer(self, head: str) -> bytes:
        """What the outlet says to a request."""
        request, *lines = head.strip().split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        asked = Asked(urlsplit(request.split()[1]).path, {}, headers, time.monotonic())
        reply = self.outlet(asked)
        if asked.path == "/rss":
            newest = sorted(self.outlet.days, reverse=True)[:5]
            items = {f"{self.base}/news/{n}": at_noon(day) for n in newest if (day := self.outlet.days[n])}
            reply = type(reply)(rss(items).encode())
        fields = "".join(f"{k}: {v}\r\n" for k, v in reply.headers.items())
        start = f"HTTP/1.1 {reply.status} X\r\nContent-Length: {len(reply.body)}\r\n{fields}\r\n"
        return start.encode("latin-1") + reply.body


@contextlib.asynccontextmanager
async def watched(articles: int, days: int, hosts: int) -> AsyncIterator[list[WatchedHost]]:
    """So many hosts up, the articles spread evenly over them and over the days."""
    found = []
    async with contextlib.AsyncExitStack() as stack:
        for host in range(hosts):
            published: dict[int, date | None] = {
                n: FIRST + timedelta(days=n * days // articles) for n in range(host, articles, hosts)
            }
            one = WatchedHost(Outlet(published))
            listening = await asyncio.start_server(one.take, f"127.0.11.{host + 1}", 0)
            stack.callback(listening.close)
            one.base = "http://{}:{}".format(*listening.sockets[0].getsockname())
            found.append(one)
        yield found


def sources(hosts: Sequence[WatchedHost]) -> str:
    """Their sources.toml."""
    return "".join(
        f'[[sources]]\nid = "host-{n}"\nname = "host-{n}"\nhomepage = "{host.base}"\nfeeds = ["{host.base}/rss"]\n'
        f'language = "ru"\ncountry = "UZ"\ncategory = "national"\nbackfill = {{ route = "sitemap" }}\n\n'
        for n, host in enumerate(hosts)
    )


def comparable(data: Path, hosts: Sequence[WatchedHost]) -> dict[str, str]:
    """The corpus, with each host named by its number: ports differ from run to run."""
    texts = corpus_texts(data)
    return {
        url.replace(host.base, f"host-{n}"): text
        for n, host in enumerate(hosts)
        for url, text in texts.items()
        if url.startswith(f"{host.base}/")
    }


class SystemPostgres(PostgresServer):
    """A server of the machine's own PostgreSQL, in a folder of its own: Prefect needs the extension pg_trgm, which the
    package for the tests lacks.
    """

    programs = next((folder.parent for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None)

    def _install(self) -> None:
        (self.folder / "password").write_text(PASSWORD, encoding="utf-8")
        if os.geteuid() == 0:
            user = self._process()["user"]
            for path in (self.folder, self.folder / "password"):
                os.chown(path, user, user)
        command = [*self._program("initdb"), "-D", "data", "-U", USER, "-A", "scram-sha-256", "--pwfile=password"]
        subprocess.run([*command, "-E", "UTF8", "--locale=C", "--no-sync"], check=True, stdout=subprocess.DEVNULL,
                       **self._process())  # fmt: skip
        with (self.folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as file:
            known = {name: value for name, value in OPTIONS.items() if name != "scram_iterations"}  # since version 16
            file.write("".join(f"{name} = '{value}'\n" for name, value in known.items()))

    def _program(self, name: str) -> list[str]:
        return [str(self.programs / name)]


@dataclass
class Pool:
    """Prefect's server on PostgreSQL, with the flows deployed, and its workers; all that is started ends with it."""

    config: Path
    data: Path
    environment: dict[str, str]
    api: str
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def command(self, *arguments: str) -> tuple[int, str, str]:
        """Run `python …` to its end: status, stdout, stderr."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, cwd=CHECKOUT, env=self.environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def deploy(self, *options: str) -> tuple[int, str, str]:
        """`c5watch deploy`."""
        return await self.command(
            "-m", "flows.cli", "deploy", "--config", str(self.config), "--data", str(self.data), *options
        )

    async def start_worker(self, name: str, *, limit: int) -> None:
        """A worker of its own session."""
        log = self.data.parent / f"{name}.log"
        with log.open("wb") as out:
            self.processes.append(
                await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "prefect", "worker", "start", "--pool", "c5watch", "--name", name),
                    *("--limit", str(limit)),
                    cwd=CHECKOUT,
                    env=self.environment,
                    stdout=out,
                    stderr=out,
                    start_new_session=True,
                )
            )

    async def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """An answer of Prefect's API."""
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            for _ in range(BUSY_TRIES):  # 503: its database was busy for too long, and nothing was done
                answer = await client.request(method, f"{self.api}/{path}", json=body)
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    break
                await asyncio.sleep(1)
        return answer.raise_for_status().json()

    async def run(self, deployment: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for a run of the deployment ("flow/name")."""
        found = await self.ask("GET", f"deployments/name/{deployment}")
        run = await self.ask("POST", f"deployments/{found['id']}/create_flow_run", {"parameters": parameters})
        assert isinstance(run, dict)
        return run

    async def runs(self) -> list[dict[str, Any]]:
        """All flow runs that are not only planned by a schedule."""
        found = await self.ask("POST", "flow_runs/filter", {"limit": 200})
        return [run for run in found if not run["auto_scheduled"]]

    async def end(self) -> None:
        """End the workers and what they have started."""
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


@contextlib.asynccontextmanager
async def pool(root: Path, index: str, config: Path) -> AsyncIterator[Pool]:
    """A server, nothing deployed yet. The index is the database at `index`.

    Prefect's own database is on PostgreSQL where this machine has one that will do, else on SQLite.
    """
    with contextlib.ExitStack() as stack:
        if SystemPostgres.programs is not None:
            own = stack.enter_context(SystemPostgres())
            os.environ["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = f"{own.create()}?ssl=disable"
            stack.callback(os.environ.pop, "PREFECT_SERVER_DATABASE_CONNECTION_URL")
        server = stack.enter_context(EmbeddedServer(root / "prefect"))
        await asyncio.to_thread(server.wait)
        environment = {
            **os.environ, **server.environment, "DO_NOT_TRACK": "1", "PREFECT_WORKER_QUERY_SECONDS": "2",
        }  # fmt: skip
        api = server.url.replace("://", f"://{server.password}@")
        found = Pool(config, root / "data", environment, api)
        # The workers are not told where the index is: they ask Prefect.
        status, _, err = await found.command("-c", KEEP_SECRET.format(json.dumps({"C5WATCH_STORAGE__DATABASE": index})))
        assert status == 0, err
        try:
            yield found
        finally:
            await found.end()


def is_window(run: Mapping[str, Any]) -> bool:
    """Whether the run is a window of the backfill."""
    return bool(run["name"].startswith("backfill ") and not run["name"].endswith("in windows"))


async def finished(found: Pool, *, runs: int, timeout_s: float) -> tuple[list[dict[str, Any]], int]:
    """All runs, once so many of them are there and none is at work, and how many windows were at work at once."""
    deadline, most = time.monotonic() + timeout_s, 0
    while time.monotonic() < deadline:
        known = await found.runs()
        windows = [run for run in known if is_window(run)]
        most = max(most, sum(run["state_type"] == "RUNNING" for run in windows))
        over = [run for run in known if run["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")]
        if len(known) >= runs and len(over) == len(known):
            return known, most
        await asyncio.sleep(0.5)
    raise AssertionError(
        f"not within {timeout_s} s: {[(run['name'], run['state_name']) for run in await found.runs()]}"
    )


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured."""

    articles: int
    same: bool
    windows: int
    at_once: int
    states: dict[str, int]
    failures: list[str]  # of runs: what they say
    overlaps: int
    least_gap_s: float
    fetched: int
    needed: int
    direct_s: float
    workers_s: float


async def measure(
    root: Path, postgres: PostgresServer, *, articles: int, days: int, hosts: int, interval: float, limit: int,
    timeout_s: float = 900, check: Callable[[Pool], Awaitable[None]] | None = None,
) -> Figures:  # fmt: skip
    """Both runs, below the folder `root`; `check` looks at the pool while the workers are at it."""
    last = FIRST + timedelta(days=days - 1)
    settings = SETTINGS.format(interval=interval)
    async with watched(articles, days, hosts) as calm:
        config = write_config(root / "calm-config", sources=sources(calm), settings=settings, topics=EVERYTHING)
        started = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "flows.cli", "backfill", "--from", str(FIRST), "--to", str(last), "--json"),
            *("--engine", "direct", "--config", str(config), "--data", str(root / "calm")),
            cwd=CHECKOUT, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert await process.wait() == 0
        direct_s = time.monotonic() - started
        expected = comparable(root / "calm", calm)
    async with watched(articles, days, hosts) as busy:
        config = write_config(root / "config", sources=sources(busy), settings=settings, topics=EVERYTHING)
        async with pool(root, postgres.create(), config) as found:
            status, _, err = await found.deploy()
            assert status == 0, err
            for name in ("one", "two"):
                await found.start_worker(name, limit=limit)
            started = time.monotonic()
            await found.run(
                "backfill-windows/backfill-windows",
                {"first": str(FIRST), "last": str(last), "shards": 16 * hosts, "config": str(config),
                 "data": str(found.data)},
            )  # fmt: skip
            await found.run("monitor/monitor", {"config": str(config), "data": str(found.data), "due_only": False})
            if check is not None:
                await check(found)
            runs, at_once = await finished(found, runs=4, timeout_s=timeout_s)
            workers_s = time.monotonic() - started
        assert not (found.data / "index.sqlite").exists(), "the workers have made an index of their own"
        got = comparable(found.data, busy)
    states = [run["state_name"] for run in runs]
    return Figures(
        articles=len(got),
        same=got == expected,
        windows=sum(map(is_window, runs)),
        at_once=at_once,
        states={name: states.count(name) for name in set(states)},
        failures=[f"{run['name']}: {run['state']['message']}" for run in runs if run["state_type"] != "COMPLETED"],
        overlaps=sum(host.overlaps for host in busy),
        least_gap_s=min(host.least_gap_s for host in busy),
        fetched=sum(host.outlet.pages for host in busy),
        needed=sum(host.outlet.pages for host in calm),
        direct_s=direct_s,
        workers_s=workers_s,
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("articles", 2400), ("days", 120), ("hosts", 16), ("limit", 5)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--interval", type=float, default=0.25, help="seconds between two requests to one host")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as root, PostgresServer() as postgres:
        found = asyncio.run(
            measure(
                Path(root), postgres, articles=wanted.articles, days=wanted.days, hosts=wanted.hosts,
                interval=wanted.interval, limit=wanted.limit,
            )
        )  # fmt: skip
    print(f"direct run: {found.needed} pages, {found.direct_s:.0f} s")
    print(f"two workers: {found.articles} articles in {found.windows} windows, at most {found.at_once} at once, "
          f"{found.fetched} pages, {found.workers_s:.0f} s, states {found.states}")  # fmt: skip
    print(*found.failures, sep="\n", end="\n" if found.failures else "")
    print(f"same corpus but for the numbers: {found.same}")
    print(f"overlapping requests to one host: {found.overlaps}; least gap {found.least_gap_s:.3f} s "
          f"of {wanted.interval} s")  # fmt: skip


if __name__ == "__main__":
    main()
