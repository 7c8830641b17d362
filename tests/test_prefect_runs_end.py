"""Runs under a worker that cannot end by themselves: cancelled, or dead together with their worker."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.serving.server import EmbeddedServer
from tests.benchmarks.serve import outlets
from tests.benchmarks.workers import Pool
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow


@contextlib.asynccontextmanager
async def deployed(root: Path, config: Path) -> AsyncIterator[Pool]:
    """A server with the flows deployed, no worker yet."""
    with EmbeddedServer(root / "prefect") as server:
        await asyncio.to_thread(server.wait)
        environment = {
            **os.environ, **server.environment, "PREFECT_WORKER_QUERY_SECONDS": "2",
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30", "PYTHONPATH": os.pathsep.join(sys.path),
        }  # fmt: skip
        api = server.url.replace("://", f"://{server.password}@")
        found = Pool(config, root / "data", environment, api)
        status, _, err = await found.deploy()
        assert status == 0, err
        try:
            yield found
        finally:
            await found.end()


async def begun(pool: Pool, fetched: list[str]) -> dict[str, Any]:
    """A pass that a worker is in the middle of."""
    await pool.start_worker("worker", limit=1)
    run = await pool.run("monitor/monitor", {"config": str(pool.config), "data": str(pool.data), "due_only": False})
    await eventually("a page fetched by the run", lambda: len(fetched) > 1)
    return run


async def state_of(pool: Pool, run: dict[str, Any]) -> dict[str, Any]:
    found = await pool.ask("GET", f"flow_runs/{run['id']}")
    assert isinstance(found["state"], dict)
    return found["state"]


async def test_a_run_that_is_cancelled_runs_its_hook_and_leaves_no_traceback(tmp_path: Path) -> None:
    async with (
        outlets(tmp_path, articles=200, per_pass=200, interval=0.5, hosts=1) as (sites, config),
        deployed(tmp_path, config) as pool,
    ):
        run = await begun(pool, sites[0].fetched)
        status, out, err = await pool.command("-m", "prefect", "flow-run", "cancel", run["id"])
        assert status == 0, out + err
        log = tmp_path / "worker.log"
        told = f"{run['name']}: cancelled; what it had finished is kept"

        async def over() -> bool:
            return (await state_of(pool, run))["type"] == "CANCELLED"

        await eventually("the run cancelled", over)
        await eventually("the hook's line", lambda: "cancelled; what it had finished is kept" in log.read_text())
        text = log.read_text(encoding="utf-8")
        assert told.partition(":")[0] in text
        assert "Traceback" not in text, text
        assert "failed to retrieve flow" not in text
        logs = await pool.ask("POST", "logs/filter", {"logs": {"flow_run_id": {"any_": [run["id"]]}}})
        assert not [entry for entry in logs if "Traceback" in entry["message"]]


# Holds a run where Prefect is about to begin it: what it next asks of the server is not sent for a while.
HELD = """
import asyncio, os, signal

if "PREFECT__FLOW_RUN_ID" in os.environ:
    import httpx

    send = httpx.AsyncClient.send

    async def held(self, *args, **kwargs):
        if getattr(signal.getsignal(signal.SIGTERM), "__module__", "").startswith("prefect"):
            open({mark!r}, "w").close()
            await asyncio.sleep(120)
        return await send(self, *args, **kwargs)

    httpx.AsyncClient.send = held
"""


async def test_a_run_that_is_cancelled_before_it_has_begun_leaves_no_traceback(tmp_path: Path) -> None:
    mark = tmp_path / "held"
    (tmp_path / "sitecustomize.py").write_text(HELD.format(mark=str(mark)), encoding="utf-8")
    async with (
        outlets(tmp_path, articles=1, per_pass=1, interval=0.5, hosts=1) as (_, config),
        deployed(tmp_path, config) as pool,
    ):
        pool.environment["PYTHONPATH"] = os.pathsep.join((str(tmp_path), pool.environment["PYTHONPATH"]))
        await pool.start_worker("worker", limit=1)
        run = await pool.run("monitor/monitor", {"config": str(pool.config), "data": str(pool.data)})
        await eventually("the run held before its beginning", mark.exists)
        status, out, err = await pool.command("-m", "prefect", "flow-run", "cancel", run["id"])
        assert status == 0, out + err

        async def over() -> bool:
            return (await state_of(pool, run))["type"] == "CANCELLED"

        await eventually("the run cancelled", over)
        text = (tmp_path / "worker.log").read_text(encoding="utf-8")
        assert "Traceback" not in text, text


async def test_a_run_that_dies_together_with_its_worker_is_marked_by_the_automation(tmp_path: Path) -> None:
    async with (
        outlets(tmp_path, articles=200, per_pass=200, interval=0.5, hosts=1) as (sites, config),
        deployed(tmp_path, config) as pool,
    ):
        automations = await pool.ask("POST", "automations/filter", {})
        watching = next(one for one in automations if one["name"].endswith("without a sign of life have crashed"))
        assert watching["enabled"]
        assert watching["trigger"]["within"] == 9 * 60
        # The one that `c5watch deploy` has made, but for the nine minutes.
        wanted = {k: watching[k] for k in ("name", "description", "enabled", "trigger", "actions")}
        wanted["trigger"] = {**watching["trigger"], "within": 40}
        httpx.put(
            f"{pool.api}/automations/{watching['id']}", json=wanted, trust_env=False, timeout=30
        ).raise_for_status()
        run = await begun(pool, sites[0].fetched)
        heart = {"filter": {"event": {"name": ["prefect.flow-run.heartbeat"]}}}

        async def beaten() -> bool:
            return bool((await pool.ask("POST", "events/filter", heart))["total"])

        await eventually("a sign of life", beaten)
        worker = pool.processes[0]
        for pid in descendants(worker.pid):
            os.kill(pid, signal.SIGKILL)
        await worker.wait()
        assert (await state_of(pool, run))["type"] == "RUNNING", "nobody is there to say that it has died"

        async def crashed() -> bool:
            return (await state_of(pool, run))["type"] == "CRASHED"

        await eventually("the run marked as crashed", crashed)
        assert (await state_of(pool, run))["message"] == "no sign of life for nine minutes"


def descendants(pid: int) -> list[int]:
    """The process and all that come from it, itself first."""
    children = [one for task in Path(f"/proc/{pid}/task").glob("*/children") for one in task.read_text().split()]
    return [pid, *(one for child in children for one in descendants(int(child)))]
