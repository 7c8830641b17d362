"""Prefect's own commands do what they say against the server that `c5watch serve` starts.

They are the first to break when a dependency of Prefect's server is too new for it, while our flows still run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from flows.serving.server import EmbeddedServer
from tests.support.running import CHECKOUT


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


def test_the_deployments_of_prefect_yaml_are_made_and_listed(server: EmbeddedServer, tmp_path: Path) -> None:
    for name in ("prefect.yaml", "flows", "config", "extractors", "storage"):
        (shutil.copytree if (CHECKOUT / name).is_dir() else shutil.copy)(CHECKOUT / name, tmp_path / name)
    prefect(server, "work-pool", "create", "--type", "process", "c5watch")
    prefect(server, "--no-prompt", "deploy", "--all", folder=tmp_path)
    written = yaml.safe_load((CHECKOUT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    listed = prefect(server, "deployment", "ls")
    for one in written:
        flow = one["entrypoint"].rpartition(":")[2].replace("_", "-")
        assert f"{flow}/{one['name']}" in listed
    assert "c5watch" in prefect(server, "work-pool", "ls")


@pytest.mark.parametrize("kind", ["artifact", "automation", "flow-run"])
def test_what_there_is_of_a_kind_can_be_listed(server: EmbeddedServer, kind: str) -> None:
    prefect(server, kind, "ls")
