"""`c5watch serve`: the schedules, unattended, on one machine.

This process holds Prefect's runner and, unless an API is configured, has Prefect's server for a child. Every run is a
process of its own, because neither its memory nor its faults may add up here over the years; it costs 5 to 10 s of
processor time to start, four times an hour at most. Nothing that is started outlives this process, however that ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.load import Config
from extractors.text import counted
from flows.engine import configured_api, quiet_dependencies
from flows.passes.context import utc_now
from flows.passes.summary import sentences
from flows.serving.alone import alone
from flows.serving.child import guarded
from flows.serving.deploy import Deployment, planned
from flows.serving.missed import load_last, missed
from flows.serving.run import PREFECT_FOLDER, check_corpus
from flows.serving.schedules import MONITOR_LOCK, PARENT, next_run
from flows.serving.server import START_TIMEOUT_S, EmbeddedServer, ServerError, check_api
from storage.errors import StorageError

if TYPE_CHECKING:
    from prefect.runner import Runner

SERVE_LOCK = "serve.lock"  # below --data
LEFT_BEHIND = 200  # runs at most; a runner has far fewer at once
ROOM_AGAIN_S = 30  # after the reading room has ended
POLL_S, AHEAD_S = 5.0, 15.0  # how often runs that are due are looked for, and how long before they are
# A stop takes at most 10 s: runs may finish their writing, then they and the server are ended.
RUNS_END_S, RUNNER_END_S, SERVER_END_S = 5.0, 1.0, 1.5


async def serve(
    config: Config, data: Path, *, port: int, ui: bool, browse: bool, log: Callable[[str], None], stop: asyncio.Event
) -> None:
    """Run the schedules until `stop` is set, with `browse` the reading room too. Raises StorageError, ServerError.

    One pass over the feeds that are due begins at once, while Prefect's server is still starting.
    """
    quiet_dependencies()
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")  # each run prints its own summary
    async with AsyncExitStack() as stack:
        if not stack.enter_context(alone(data / SERVE_LOCK)):
            raise StorageError(f"another 'c5watch serve' is at work on {data}: end it, or name another folder")
        await check_corpus(config, data)
        url = configured_api(os.environ)
        server = None
        if url is None:
            server = stack.enter_context(
                EmbeddedServer(data / PREFECT_FOLDER, port=port, ui=ui, stop_timeout_s=SERVER_END_S)
            )
        else:
            await asyncio.to_thread(check_api, url, otherwise="unset PREFECT_API_URL for a server of our own")
        log(f"times here are those of {config.settings.schedule.timezone}, as set under [schedule]")
        first = asyncio.create_task(_first_pass(config, data, log))
        stack.push_async_callback(_end, first)
        if browse:
            stack.push_async_callback(_end, asyncio.create_task(_reading_room(config, data, log)))
        watch = asyncio.create_task(_scheduled(config, data, server, url, ui=ui, log=log, stop=stop))
        stack.push_async_callback(_end, watch)
        stopping = asyncio.create_task(stop.wait())
        stack.push_async_callback(_end, stopping)
        await asyncio.wait({watch, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if watch.done():
            await watch
        log("stopping")
        await watch


async def _end(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait({task})


async def _first_pass(config: Config, data: Path, log: Callable[[str], None]) -> None:
    """Make a pass over due feeds now, in a process without Prefect; scheduled passes are skipped meanwhile."""
    with alone(data / MONITOR_LOCK) as free:
        if not free:
            return
        log("first pass over the feeds that are due")
        async with _command(config, data, "monitor", "--due", "--engine", "direct", "--json") as process:
            out, err = await process.communicate()
        try:
            log(f"first pass: {sentences(json.loads(out))}")
        except ValueError:
            told = err.decode(errors="replace").strip().splitlines()
            log(f"first pass failed: {told[-1] if told else f'exit status {process.returncode}'}")


async def _reading_room(config: Config, data: Path, log: Callable[[str], None]) -> None:
    """Keep the reading room open, in a process of its own; open it again when that has ended."""
    while True:
        async with _command(config, data, "browse") as process:
            assert process.stderr is not None
            async for line in process.stderr:
                log(line.decode(errors="replace").strip().removeprefix("c5watch: "))
            await process.wait()
        log(f"the reading room is closed; it is opened again in {ROOM_AGAIN_S} s")
        await asyncio.sleep(ROOM_AGAIN_S)


@asynccontextmanager
async def _command(config: Config, data: Path, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a command of c5watch beside us; end it if the block is left before it has ended."""
    process = await asyncio.create_subprocess_exec(
        *guarded(
            *(sys.executable, "-m", "flows.cli", *words),
            *("--config", str(config.folder.absolute()), "--data", str(data.absolute())),
        ),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C in the terminal is for us
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(RUNS_END_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _scheduled(
    config: Config,
    data: Path,
    server: EmbeddedServer | None,
    url: str | None,
    *,
    ui: bool,
    log: Callable[[str], None],
    stop: asyncio.Event,
) -> None:
    """Run Prefect's runner with all deployments until `stop` is set. Raises ServerError when it or the server ends."""
    if server is not None:
        await _await_server(server, stop)
        os.environ.update(server.environment)
        url = server.url
    await _import_flows(stop)
    if stop.is_set():
        return
    os.environ[PARENT] = f"{os.getpid()} {config.settings.schedule.timezone}"
    from prefect.runner import Runner

    plan = planned(config, data)
    runner = Runner(name="c5watch", query_seconds=POLL_S, prefetch_seconds=AHEAD_S, pause_on_shutdown=False)
    ids = await _deploy(runner, plan, log)
    now = utc_now()
    late = missed(plan, await load_last(config, data, now=now), now=now)
    await _start([ids[plan.index(deployment)] for deployment in late])
    for deployment in late:
        log(f"digest {deployment.name} fell due while c5watch was not running: made now")
    log(f"schedules are on, under Prefect at {url}")
    if server is not None and ui:
        log(f"Prefect's pages: {server.url.removesuffix('/api')}; they ask for the line in {server.password_file}")
    log(f"next: {', '.join(upcoming(plan))}")
    await _keep_running(runner, server, stop)


async def _await_server(server: EmbeddedServer, stop: asyncio.Event) -> None:
    """Return when the server answers or `stop` is set. Raises ServerError after START_TIMEOUT_S, or if it ends."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while not stop.is_set() and not await asyncio.to_thread(server.answers):
        if time.monotonic() > deadline:
            raise ServerError(f"Prefect's server did not answer within {START_TIMEOUT_S:g} s: see {server.log}")
        await asyncio.sleep(0.25)


async def _import_flows(stop: asyncio.Event) -> None:
    """Import the flows, and with them Prefect; return early when `stop` is set.

    The import takes seconds, during which signals must be heard. Its thread does not keep the process alive.
    """
    importing = threading.Thread(target=importlib.import_module, args=("flows.serving.prefect_flows",), daemon=True)
    importing.start()
    while importing.is_alive() and not stop.is_set():
        await asyncio.sleep(0.1)


async def _deploy(runner: Runner, plan: Sequence[Deployment], log: Callable[[str], None]) -> list[Any]:
    """Give the runner its deployments, mark the runs of a crashed `serve` as crashed; return the deployments' ids."""
    from flows.serving.deploy import registered

    host = f"host:{socket.gethostname()}"
    ids = [await runner.aadd_deployment(deployment) for deployment in await registered(plan, tags=[host])]
    if dead := await _mark_crashed(ids, host):
        log(f"{counted(dead, 'run')} that died with the last 'c5watch serve' marked as crashed")
    return ids


async def _keep_running(runner: Runner, server: EmbeddedServer | None, stop: asyncio.Event) -> None:
    """Keep the runner at work until `stop` is set, then end its runs. Raises ServerError when it or the server ends."""
    running = asyncio.create_task(runner.start())
    try:
        while not runner.started and not running.done():
            await asyncio.sleep(0.05)
        listen(stop)  # the runner has put its own handler there, which would leave the server behind
        while not stop.is_set() and not running.done():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await stop.wait()
            if server is not None and not server.running and not stop.is_set():
                raise ServerError(f"Prefect's embedded server ended by itself: see {server.log}; start again")
        if running.done() and not stop.is_set():
            raise ServerError(f"Prefect's runner ended: {running.exception() or 'without a reason'}; start again")
        await _end_runs(runner)
    finally:
        running.cancel()
        await asyncio.wait({running}, timeout=RUNNER_END_S)


async def _end_runs(runner: Runner) -> None:
    """Ask all runs to end, which keeps what they have finished, and wait for them."""
    manager = runner._cancellation_manager
    ids = runner._process_manager.flow_run_ids()
    if ids:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RUNS_END_S):
                await asyncio.gather(*(manager.cancel_by_id(one) for one in ids), return_exceptions=True)
    for one in runner._process_manager.flow_run_ids():
        await runner._process_manager.kill(one, force=True)


async def _start(deployments: Sequence[Any]) -> None:
    """Start a run of each deployment at once."""
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        for one in deployments:
            await client.create_flow_run_from_deployment(one)


async def _mark_crashed(deployments: Sequence[Any], tag: str) -> int:
    """Mark the runs of a crashed `serve` on this machine as crashed; return how many there were."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        DeploymentFilter,
        DeploymentFilterId,
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateType,
        FlowRunFilterTags,
    )
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.sorting import FlowRunSort
    from prefect.states import Crashed

    at_work = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
    async with get_client() as client:
        left = await client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=list(deployments))),
            flow_run_filter=FlowRunFilter(
                tags=FlowRunFilterTags(all_=[tag]),
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=at_work)),
            ),
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,
            limit=LEFT_BEHIND,
        )
        for run in left:
            state: Any = Crashed(message="its process ended together with 'c5watch serve'")
            await client.set_flow_run_state(run.id, state, force=True)
    return len(left)


def listen(stop: asyncio.Event) -> None:
    """Have SIGTERM and Ctrl-C set `stop`."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


def upcoming(plan: Sequence[Deployment], *, now: datetime | None = None) -> list[str]:
    """Return each scheduled deployment's next run: "monitor 14:30", with the day if it is not today.

    A schedule in another zone than the first one's is shown with its zone.
    """
    home = next((one.timezone for one in plan if one.timezone), None)
    return [
        f"{one.name} {next_run(one.cron, one.timezone, now=now)}" + ("" if one.timezone == home else f" {one.timezone}")
        for one in plan
        if one.cron and one.timezone
    ]
