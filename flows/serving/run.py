"""Run a pass or a backfill from the command line, on the engine chosen."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from config.load import Config
from flows.engine import configured_api, quiet_dependencies
from flows.passes.context import Observer
from flows.passes.monitor import monitor
from flows.serving.server import EmbeddedServer, check_api
from storage.corpus.writer import open_corpus
from storage.errors import StorageError

if TYPE_CHECKING:
    from flows.passes.backfill_request import BackfillRequest

T = TypeVar("T")
EngineChoice = Literal["direct", "prefect"]
PREFECT_FOLDER = "prefect"  # below --data: Prefect's own database and log


def run_monitor(
    config: Config,
    data: Path,
    source_ids: Sequence[str],
    *,
    engine: EngineChoice,
    observer: Observer,
    due_only: bool = False,
) -> dict[str, Any]:
    """Run one monitor pass; return the summary's JSON object. Raises StorageError, ServerError, KeyboardInterrupt."""
    if engine == "direct":
        summary = run(monitor(config, data, sources=config.select(source_ids), observer=observer, due_only=due_only))
        return summary.to_json()
    with _prefect_api(config, data):
        counts: dict[str, Any] | None = run_flow(
            lambda flows: flows.monitor(str(config.folder), str(data), list(source_ids) or None, due_only),
            observer=observer,
        )
    if counts is None:
        raise StorageError(f"another pass over the feeds that are due is at work on {data}: start again later")
    return counts


def run_backfill(
    config: Config,
    data: Path,
    request: BackfillRequest,
    *,
    engine: EngineChoice,
    observer: Observer,
) -> dict[str, Any]:
    """Run one backfill; return the summary's JSON object. Raises StorageError, ServerError, KeyboardInterrupt."""
    if engine == "direct":
        from flows.passes.backfill import backfill

        return run(backfill(config, data, request, observer=observer)).to_json()
    with _prefect_api(config, data):
        return run_flow(
            lambda flows: flows.backfill(
                request.period.first,
                request.period.last,
                config=str(config.folder),
                data=str(data),
                sources=[source.id for source in request.sources],
                via=request.via,
                urls=str(request.addresses.absolute()) if request.addresses else None,
                again=request.again,
            ),
            observer=observer,
        )


@contextmanager
def _prefect_api(config: Config, data: Path) -> Iterator[None]:
    """Yield the configured Prefect API, or that of our own server for the duration of the run."""
    asyncio.run(check_corpus(config, data))
    if url := configured_api(os.environ):
        check_api(url, otherwise="use --engine direct")
        yield
        return
    with EmbeddedServer(data / PREFECT_FOLDER) as server:
        use_server(server)
        yield


async def check_corpus(config: Config, data: Path) -> None:
    """Raise StorageError if the corpus cannot be used: here it is one sentence, in a flow run a traceback."""
    async with open_corpus(data, config.settings.storage):
        pass


def use_server(server: EmbeddedServer) -> None:
    """Wait for an embedded server and make it Prefect's API for this process. Before Prefect is imported."""
    server.wait()
    os.environ.update(server.environment)


def run_flow(start: Callable[[ModuleType], Coroutine[Any, Any, T]], *, observer: Observer) -> T:
    """Start a flow run under the configured Prefect API; `start` takes `flows.serving.prefect_flows`."""
    quiet_dependencies()
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")  # the progress bar and the summary say the rest
    from flows.serving import prefect_flows

    prefect_flows.observer = observer
    try:
        return run(start(prefect_flows))
    finally:
        prefect_flows.observer = None


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the coroutine's result; SIGTERM interrupts it as Ctrl-C does."""

    async def interruptible() -> T:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await coroutine

    try:
        return asyncio.run(interruptible())
    except asyncio.CancelledError as exc:
        raise KeyboardInterrupt from exc
