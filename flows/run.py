"""Run one pass from the command line, on the engine chosen."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from config.load import Config
from flows.context import Observer
from flows.engine import api_answers, configured_api, quiet_dependencies
from flows.monitor import monitor
from flows.server import EmbeddedServer, ServerError
from storage.corpus import open_corpus

T = TypeVar("T")
API_TIMEOUT_S = 10.0  # asked for by name, a busy server is waited for
PREFECT_FOLDER = "prefect"  # below --data: Prefect's own database and log


def run_monitor(
    config: Config,
    data: Path,
    source_ids: Sequence[str],
    *,
    engine: Literal["direct", "prefect"],
    observer: Observer,
    due_only: bool = False,
) -> dict[str, Any]:
    """One monitor pass; the summary's JSON object. Raises StorageError, ServerError, KeyboardInterrupt."""
    if engine == "direct":
        summary = run(monitor(config, data, sources=config.select(source_ids), observer=observer, due_only=due_only))
        return summary.to_json()
    asyncio.run(_check_corpus(config, data))
    if url := configured_api(os.environ):
        if not api_answers(url, timeout_s=API_TIMEOUT_S):
            raise ServerError(f"the Prefect API at {url} does not answer: start it, or use --engine direct")
        return run_flow(config, data, source_ids, observer=observer, due_only=due_only)
    with EmbeddedServer(data / PREFECT_FOLDER) as server:
        use_server(server)
        return run_flow(config, data, source_ids, observer=observer, due_only=due_only)


async def _check_corpus(config: Config, data: Path) -> None:
    """Raises StorageError when the corpus cannot be used: here as one sentence, in a flow run as a traceback."""
    async with open_corpus(data, config.settings.storage):
        pass


def use_server(server: EmbeddedServer) -> None:
    """Wait for an embedded server and make it Prefect's API for this process. Before Prefect is imported."""
    os.environ["PREFECT_API_URL"] = server.wait()
    os.environ["PREFECT_HOME"] = str(server.home)


def run_flow(
    config: Config, data: Path, source_ids: Sequence[str], *, observer: Observer, due_only: bool = False
) -> dict[str, Any]:
    """One monitor pass as a flow run of the Prefect API that is configured."""
    quiet_dependencies()
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")  # the progress bar and the summary say the rest
    from flows import prefect_flows

    prefect_flows.observer = observer
    try:
        return run(prefect_flows.monitor(str(config.folder), str(data), list(source_ids) or None, due_only))
    finally:
        prefect_flows.observer = None


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result; SIGTERM interrupts it as Ctrl-C does."""

    async def interruptible() -> T:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await coroutine

    try:
        return asyncio.run(interruptible())
    except asyncio.CancelledError as exc:
        raise KeyboardInterrupt from exc
