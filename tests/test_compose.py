"""compose.yaml keeps its secrets, and its services do their work when their commands are run in order by hand."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.benchmarks.serve import outlets
from tests.benchmarks.workers import SystemPostgres
from tests.support.outlets import corpus_texts
from tests.support.postgres import PostgresServer
from tests.support.running import CHECKOUT
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

POSTGRES_PASSWORD, PREFECT_PASSWORD = "p@ss/w%rd:#?& x", "pr@f/ct%:x"
GIVEN = {"POSTGRES_PASSWORD": POSTGRES_PASSWORD, "PREFECT_PASSWORD": PREFECT_PASSWORD}
PROGRAMS = {
    "python": [sys.executable],
    "c5watch": [sys.executable, "-m", "flows.cli"],
    "prefect": [sys.executable, "-m", "prefect"],
}


def services(given: Mapping[str, str]) -> dict[str, Any]:
    """The services as Compose reads them: variables put in, and left out where they have no value and are not given.

    Raises KeyError for a variable that must be given and is not.
    """
    text = (CHECKOUT / "compose.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)["services"]
    for service in found.values():
        environment = service.get("environment", {})
        service["environment"] = {
            name: given[name] if value is None else re.sub(r"\$\{(\w+):\?[^}]*\}", lambda m: given[m[1]], str(value))
            for name, value in environment.items()
            if value is not None or name in given
        }
    return found


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return services(GIVEN)


def test_it_does_not_start_without_its_passwords() -> None:
    for name in GIVEN:
        with pytest.raises(KeyError, match=name):
            services({k: v for k, v in GIVEN.items() if k != name})


def test_the_image_holds_no_secret_and_runs_as_a_user_of_its_own(found: dict[str, Any]) -> None:
    ignored = (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {"**/.env", "**/.env.*", ".git", "data"} <= set(ignored)
    for name in ("prefect", "deploy", "worker"):
        steps = found[name]["build"]["dockerfile_inline"].splitlines()
        users = [line.split()[1] for line in steps if line.startswith("USER ")]
        assert users == ["c5watch"], name
        assert not any("PASSWORD" in line or line.startswith(("ENV", "ARG")) for line in steps)
        assert not found[name].get("privileged") and "user" not in found[name]


def test_a_password_is_never_part_of_an_address(found: dict[str, Any]) -> None:
    text = (CHECKOUT / "compose.yaml").read_text(encoding="utf-8")
    assert not re.search(r"://[^\s/]*PASSWORD", text)
    for name in ("prefect", "worker", "deploy"):
        assert found[name]["environment"]["PGPASSWORD"] == POSTGRES_PASSWORD
    assert found["postgres"]["environment"]["POSTGRES_PASSWORD"] == POSTGRES_PASSWORD


def test_prefects_api_asks_for_the_password_that_the_workers_have_and_is_shown_to_this_machine_alone(
    found: dict[str, Any],
) -> None:
    server = found["prefect"]["environment"]
    assert server["PREFECT_SERVER_API_AUTH_STRING"] == f"c5watch:{PREFECT_PASSWORD}"
    assert "*" not in server["PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS"]
    assert "flows.serving.prefect_server:app" in found["prefect"]["command"]
    for name in ("worker", "deploy"):
        environment = found[name]["environment"]
        assert environment["PREFECT_API_AUTH_STRING"] == server["PREFECT_SERVER_API_AUTH_STRING"]
        assert environment["PREFECT_API_URL"].removesuffix("/api") in server["PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS"]
    published = {port for service in found.values() for port in service.get("ports", [])}
    assert published == {"127.0.0.1:4200:4200"}


def test_workers_are_given_the_mail_password_and_the_access_to_s3_where_they_are_set() -> None:
    given = dict.fromkeys(("C5WATCH_PASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"), "x")
    assert not given.keys() & services(GIVEN)["worker"]["environment"].keys()
    assert services({**GIVEN, **given})["worker"]["environment"].items() >= given.items()
    assert not given.keys() & services({**GIVEN, **given})["prefect"]["environment"].keys()


class ByHand:
    """The services' commands, run on this machine: the names of hosts and folders are replaced by where things are."""

    def __init__(self, root: Path, places: Mapping[str, str], found: dict[str, Any]) -> None:
        self._root, self._places, self._found = root, places, found
        self._started: list[asyncio.subprocess.Process] = []

    def here(self, text: str) -> str:
        for name, place in self._places.items():
            text = text.replace(name, place)
        return text

    async def start(self, name: str, command: str | None = None) -> asyncio.subprocess.Process:
        """The service's command, or another in its place."""
        service = self._found[name]
        program, *arguments = shlex.split(self.here(command or service["command"]))
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "C5WATCH_", "PG"))},
            "PREFECT_HOME": str(self._root / name), "PREFECT_WORKER_QUERY_SECONDS": "2", "PYTHONPATH": str(CHECKOUT),
            **{k: v if "PASSW" in k else self.here(v) for k, v in service["environment"].items()},
        }  # fmt: skip
        # A check of health fails loudly until all is up.
        with (self._root / (f"{name}.log" if command is None else f"{name}.checks")).open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *PROGRAMS[program], *arguments, cwd=CHECKOUT, env=environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self._started.append(process)
        return process

    def told(self) -> str:
        """The logs of all."""
        return "".join(log.read_text(encoding="utf-8") for log in sorted(self._root.glob("*.log")))

    async def end(self) -> None:
        for process in self._started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def by_hand(root: Path, config: Path, found: dict[str, Any]) -> AsyncIterator[tuple[ByHand, str]]:
    """The commands on a PostgreSQL of their own, whose password is what the variable says; and Prefect's address."""
    with SystemPostgres() if SystemPostgres.programs is not None else PostgresServer() as server:
        for name in ("c5watch", "prefect"):
            server.execute(f"CREATE DATABASE {name}")
        server.execute(f"ALTER USER c5watch PASSWORD '{POSTGRES_PASSWORD}'")
        if SystemPostgres.programs is None:  # the package for the tests lacks the extension that Prefect's tables need
            del found["prefect"]["environment"]["PREFECT_SERVER_DATABASE_CONNECTION_URL"]
        port = free_port()
        places = {
            "@postgres/": f"@127.0.0.1:{server.port}/", "prefect:4200": f"localhost:{port}", "4200": str(port),
            "0.0.0.0": "127.0.0.1", "/app/config": str(config), "/app/data": str(root / "data"),
            "/home/c5watch": str(root / "home"),
        }  # fmt: skip
        hands = ByHand(root, places, found)
        try:
            yield hands, f"http://127.0.0.1:{port}/api"
        finally:
            await hands.end()


async def test_the_commands_of_the_services_bring_an_article_from_a_feed_into_the_corpus(tmp_path: Path) -> None:
    async with (
        outlets(tmp_path, articles=3, per_pass=10, interval=0.05, hosts=1) as (_, config),
        by_hand(tmp_path, config, services(GIVEN)) as (hands, api),
    ):
        await hands.start("prefect")

        async def healthy() -> bool:
            test = services(GIVEN)["prefect"]["healthcheck"]["test"]
            return await (await hands.start("prefect", test)).wait() == 0

        await eventually("Prefect's server healthy", healthy)
        assert await (await hands.start("deploy")).wait() == 0, hands.told()
        await hands.start("worker")
        async with httpx.AsyncClient(trust_env=False, timeout=60, auth=("c5watch", PREFECT_PASSWORD)) as client:
            named = f"{api}/deployments/name/monitor/monitor"
            assert httpx.get(named, trust_env=False, timeout=60).status_code == 401
            monitor = (await client.get(named)).raise_for_status().json()
            address = f"{api}/deployments/{monitor['id']}/create_flow_run"
            run = (await client.post(address, json={})).raise_for_status().json()

            async def over() -> str | None:
                state = (await client.get(f"{api}/flow_runs/{run['id']}")).raise_for_status().json()["state"]
                return state["type"] if state["type"] in ("COMPLETED", "FAILED", "CRASHED") else None

            assert await eventually("the pass over", over) == "COMPLETED", hands.told()
        assert len(corpus_texts(tmp_path / "data")) == 3
        assert not (tmp_path / "data" / "index.sqlite").exists(), "the index is on PostgreSQL"
        assert "Traceback" not in hands.told()
        assert POSTGRES_PASSWORD not in hands.told() and PREFECT_PASSWORD not in hands.told()
