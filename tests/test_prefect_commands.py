"""Prefect's own commands do what they say against the server that `c5watch serve` starts.

They are the first to break when a dependency of Prefect's server is too new for it, while our flows still run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from pydantic import TypeAdapter

from extractors.archives.routes import ROUTES
from flows.serving.parameters import Day
from flows.serving.server import EmbeddedServer
from tests.support.running import CHECKOUT, c5watch_process

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """With the work pool that prefect.yaml names, and its deployments."""
    with EmbeddedServer(tmp_path_factory.mktemp("prefect")) as started:
        started.wait()
        yield started


def prefect(server: EmbeddedServer, *arguments: str, folder: Path = CHECKOUT) -> str:
    """What the command prints; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "prefect", *arguments], cwd=folder, capture_output=True, text=True, timeout=240,
        env={**os.environ, **server.environment, "COLUMNS": "200", "PYTHONPATH": str(CHECKOUT)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def deployed(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> EmbeddedServer:
    """The server, with the deployments of prefect.yaml."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("prefect.yaml", "flows", "config", "extractors", "storage"):
        (shutil.copytree if (CHECKOUT / name).is_dir() else shutil.copy)(CHECKOUT / name, folder / name)
    prefect(server, "work-pool", "create", "--type", "process", "c5watch")
    prefect(server, "--no-prompt", "deploy", "--all", folder=folder)
    return server


def test_the_deployments_of_prefect_yaml_are_made_and_listed(deployed: EmbeddedServer) -> None:
    written = yaml.safe_load((CHECKOUT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    listed = prefect(deployed, "deployment", "ls")
    for one in written:
        assert f"{one['entrypoint'].rpartition(':')[2].replace('_', '-')}/{one['name']}" in listed
    assert "c5watch" in prefect(deployed, "work-pool", "ls")


@pytest.mark.parametrize(
    ("flow", "parameters", "told"),
    [
        ("backfill", {"first": "gestern", "last": "2025-11-02"}, "a day such as 2025-11-01"),
        ("backfill-windows", {"first": "2025-11-01", "last": "02.11.2025"}, "a day such as 2025-11-01"),
        ("backfill", {"first": "2025-02-30", "last": "2025-03-02"}, "a day such as 2025-11-01"),
        ("backfill", {"first": "2025-02-01", "last": "2025-02-29"}, "a day such as 2025-11-01"),
        (
            "backfill",
            {"first": "2025-11-01", "last": "2025-11-02", "via": "pigeon"},
            f"one of {', '.join(ROUTES)}",
        ),
        (
            "digest",
            {"since": "gestern"},
            "a day or moment such as 2026-11-20 or 2026-11-20T07:00, or a while such as 36h, 3d or 2w",
        ),
    ],
)
def test_wrong_parameters_are_refused_when_a_run_is_asked_for_in_the_words_of_the_command_line(
    deployed: EmbeddedServer, flow: str, parameters: dict[str, str], told: str
) -> None:
    api = deployed.url.replace("://", f"://{deployed.password}@")
    with httpx.Client(trust_env=False, timeout=60) as client:
        found = client.get(f"{api}/deployments/name/{flow}/{flow}").raise_for_status().json()
        refused = client.post(f"{api}/deployments/{found['id']}/create_flow_run", json={"parameters": parameters})
        assert refused.status_code == 409
        assert refused.json()["detail"].endswith(f"Failure reason: '{told}' was expected")
        runs = client.post(f"{api}/flow_runs/filter", json={}).raise_for_status().json()
    assert not [run for run in runs if run["parameters"].items() >= parameters.items()]
    options = {"first": "--from", "last": "--to"}
    command = "digest" if flow == "digest" else "backfill"
    given = [word for name, value in parameters.items() for word in (options.get(name, f"--{name}"), value)]
    assert (
        f"expected {told}" in c5watch_process(command, *given, *(("--no-send",) if command == "digest" else ())).stderr
    )


@pytest.mark.parametrize(
    ("flow", "parameters", "told"),
    [
        (
            "backfill",
            {"first": "2025-11-02", "last": "2025-11-01"},
            "field 'last'. Failure reason: 2025-11-01 is before",
        ),
        ("backfill-windows", {"first": "2025-11-02", "last": "2024-12-01"}, "2024-12-01 is before 2025-11-02"),
        (
            "backfill",
            {"first": "2025-11-01", "last": "2025-11-02", "sources": ["a", "Astana Times"]},
            "'sources[1]'. Failure reason: 'the id of a source in sources.toml' was expected",
        ),
        ("monitor", {"sources": [""]}, "'the id of a source in sources.toml' was expected"),
    ],
)
def test_parameters_that_do_not_fit_one_another_are_refused_as_well(
    deployed: EmbeddedServer, flow: str, parameters: dict[str, Any], told: str
) -> None:
    api = deployed.url.replace("://", f"://{deployed.password}@")
    with httpx.Client(trust_env=False, timeout=60) as client:
        found = client.get(f"{api}/deployments/name/{flow}/{flow}").raise_for_status().json()
        refused = client.post(f"{api}/deployments/{found['id']}/create_flow_run", json={"parameters": parameters})
        assert refused.status_code == 409
        assert told in refused.json()["detail"]
        for right in ({}, {"sources": ["a-1"]}, {"sources": None}):
            days = {} if flow == "monitor" else {"first": "2024-02-29", "last": "2024-02-29"}
            asked = {"parameters": {**days, **right}, "state": {"type": "CANCELLED"}}
            client.post(f"{api}/deployments/{found['id']}/create_flow_run", json=asked).raise_for_status()


def test_a_day_is_asked_for_that_the_calendar_has() -> None:
    pattern = TypeAdapter(Day).json_schema()["if"]["pattern"]
    known = {(date(1995, 1, 1) + timedelta(days=number)).isoformat() for number in range(366 * 420)}
    for year in range(1994, 2412):
        for month, day in product(range(14), range(33)):
            written = f"{year}-{month:02}-{day:02}"
            assert (re.search(pattern, written) is not None) == (written in known), written


def test_prefects_own_command_tells_why_a_run_is_refused(deployed: EmbeddedServer) -> None:
    done = subprocess.run(
        [*(sys.executable, "-m", "prefect", "deployment", "run", "backfill/backfill"),
         *("--param", "first=gestern", "--param", "last=2025-11-02")],
        capture_output=True, text=True, timeout=240, env={**os.environ, **deployed.environment, "COLUMNS": "300"},
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "'a day such as 2025-11-01' was expected" in done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["artifact", "automation", "flow-run"])
def test_what_there_is_of_a_kind_can_be_listed(server: EmbeddedServer, kind: str) -> None:
    prefect(server, kind, "ls")
