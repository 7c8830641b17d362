"""Child processes for work that a hostile page could make hang, swell or crash.

Each job has a time limit and each process a limit of address space; a process that breaks one is replaced and
costs its own job only. Children come from a fork server that has imported the extractor once: a replacement is
there in milliseconds, and no thread or connection of the main process is copied into it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from pebble import ProcessExpired, ProcessPool

from config.languages import languages_folder, use_languages
from config.settings import Extraction
from extractors.records import ItemError, Outcome

J = TypeVar("J")
R = TypeVar("R")
PRELOAD = ["extractors.workers.preload"]
JOBS_PER_PROCESS = 2000  # then it is replaced: lxml and its like never give memory back


class Workers:
    """A pool of child processes, started at the first job. Use as `with Workers(settings.extraction) as workers`."""

    def __init__(self, limits: Extraction) -> None:
        self._limits = limits
        self._pool: ProcessPool | None = None
        self._starting = asyncio.Lock()
        self._ready = False
        self._early: asyncio.Future[None] | None = None
        self.count = limits.workers or os.cpu_count() or 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._early is not None:
            self._early.cancel()
        if self._pool is None:
            return
        if kind is None:
            self._pool.close()  # type: ignore[no-untyped-call]
        else:
            self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    async def run(self, function: Callable[[J], R], job: J, *, url: str) -> R:
        """`function(job)` in a child process. Its ItemErrors come through; a broken limit becomes one for `url`."""
        await self._start()
        future = self._started().schedule(function, args=(job,), timeout=self._limits.timeout)
        try:
            return await asyncio.wrap_future(future)
        except (TimeoutError, FutureTimeoutError) as exc:
            limit = f"{self._limits.timeout:g} s"
            raise ItemError(Outcome.FAILED, "extractor: time limit", url=url, detail=limit) from exc
        except MemoryError as exc:
            limit = f"{self._limits.memory_mb} MB"
            raise ItemError(Outcome.FAILED, "extractor: memory limit", url=url, detail=limit) from exc
        except ProcessExpired as exc:
            raise ItemError(Outcome.FAILED, "extractor: crashed", url=url, detail=f"exit code {exc.exitcode}") from exc

    def start_early(self) -> None:
        """Begin to start the processes, while other work goes on: for who knows that there will be jobs."""
        self._early = asyncio.ensure_future(self._start())

    async def _start(self) -> None:
        if not self._ready:
            async with self._starting:  # until the fork server has loaded the extractor: a second or more
                self._ready = self._ready or await asyncio.to_thread(getattr, self._started(), "active")

    def _started(self) -> ProcessPool:
        if self._pool is None:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(PRELOAD)
            self._pool = ProcessPool(
                max_workers=self.count,
                max_tasks=JOBS_PER_PROCESS,
                context=context,
                initializer=_begin,
                initargs=(self._limits.memory_mb * 1_000_000, languages_folder()),
            )
        return self._pool


def _begin(max_bytes: int, languages: Path | None) -> None:
    """Limit the memory of a child process, and let it use the languages of its parent, which the fork server lacks."""
    resource.setrlimit(resource.RLIMIT_AS, (max_bytes, max_bytes))
    if languages is not None:
        use_languages(languages)
