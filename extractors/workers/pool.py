"""Child processes for work that a hostile page could make hang, swell or crash.

Each job has a time limit and a limit of address space; a process that breaks one is replaced and costs its own job
only. Children come from a fork server that has imported the extractor once: a replacement is there in milliseconds,
and no thread or connection of the main process is copied into it.

A pool breaks when a child dies between two jobs, or the fork server dies: killed by somebody, or by a system that has
run out of memory. It is then replaced, and the jobs that it had not finished are given to the new one.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Self, TypeVar

from pebble import ProcessExpired, ProcessPool

from config.languages import Languages, languages_for_children, use_languages
from config.settings import Extraction
from extractors.records import ItemError, Outcome
from extractors.workers.errors import WorkersError

J = TypeVar("J")
R = TypeVar("R")
PRELOAD = ["extractors.workers.preload"]
JOBS_PER_PROCESS = 2000  # then it is replaced: lxml and its like never give memory back
POOLS_A_JOB = 3  # that may break under one job; more is no accident
REPLACED_AFTER_S = 0.5  # until then a fork server that is dying may still be taken for one that lives
CHECK_S = 1.0  # how often a job that is waited for is compared with the state of its pool


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
        if self._pool is not None:
            _end(self._pool, at_once=kind is not None)

    async def run(self, function: Callable[[J], R], job: J, *, url: str) -> R:
        """Return `function(job)`, called in a child process.

        Its ItemErrors come through; a broken limit becomes one for `url`. Raises WorkersError.
        """
        for _ in range(POOLS_A_JOB):
            try:
                return await self._run_in(await self._started(), function, job, url=url)
            except BrokenProcessPool:
                await self._replace()
        raise WorkersError(
            f"the processes that read feeds and pages died {POOLS_A_JOB} times in a row: see that the machine has free "
            f"memory for {self.count} of up to {self._limits.memory_mb} MB, or set [extraction] workers lower"
        )

    def start_early(self) -> None:
        """Begin to start the processes, while other work goes on: for a caller that knows there will be jobs."""
        self._early = asyncio.ensure_future(self._start_quietly())

    async def _run_in(self, pool: ProcessPool, function: Callable[[J], R], job: J, *, url: str) -> R:
        """Run a job in this pool. Raises BrokenProcessPool when the pool, and not the job, is at fault."""
        limits = self._limits
        arguments = (limits.memory_mb * 1_000_000, function, job)
        try:
            future = pool.schedule(_within_memory, args=arguments, timeout=limits.timeout)
        except RuntimeError as exc:  # broken meanwhile, by what another job or nobody has done
            raise BrokenProcessPool(str(exc)) from exc
        try:
            return await _result(asyncio.wrap_future(future), pool)
        except (TimeoutError, FutureTimeoutError) as exc:
            detail = f"{limits.timeout:g} s"
            raise ItemError(Outcome.FAILED, "extractor: time limit", url=url, detail=detail) from exc
        except MemoryError as exc:
            detail = f"{limits.memory_mb} MB"
            raise ItemError(Outcome.FAILED, "extractor: memory limit", url=url, detail=detail) from exc
        except ProcessExpired as exc:
            raise ItemError(Outcome.FAILED, "extractor: crashed", url=url, detail=f"exit code {exc.exitcode}") from exc

    async def _started(self) -> ProcessPool:
        """Return the pool, started. Raises BrokenProcessPool."""
        async with self._starting:  # until the fork server has loaded the extractor: a second or more
            if self._pool is None:
                context = multiprocessing.get_context("forkserver")
                context.set_forkserver_preload(PRELOAD)
                self._pool = ProcessPool(
                    max_workers=self.count,
                    max_tasks=JOBS_PER_PROCESS,
                    context=context,
                    initializer=_begin,
                    initargs=(languages_for_children(),),
                )
            if not self._ready:
                await asyncio.to_thread(_start, self._pool)
                self._ready = True
            return self._pool

    async def _start_quietly(self) -> None:
        try:
            await self._started()
        except BrokenProcessPool:
            return  # the first job finds it so, and does what is to be done

    async def _replace(self) -> None:
        """Put the pool away if it is broken; the next job starts another one."""
        async with self._starting:
            if (pool := self._pool) is not None and not (self._ready and pool.active):
                self._pool, self._ready = None, False
                await asyncio.to_thread(_end, pool, at_once=True)
                await asyncio.sleep(REPLACED_AFTER_S)


async def _result(result: asyncio.Future[R], pool: ProcessPool) -> R:
    """Wait for a result. Raises BrokenProcessPool also where the pool has broken and forgotten the job."""
    try:
        while not (await asyncio.wait({result}, timeout=CHECK_S))[0]:
            if not pool.active:
                raise BrokenProcessPool("broken with the job still to do")
        return result.result()
    finally:
        result.cancel()


def _start(pool: ProcessPool) -> None:
    """Start the fork server and the children with Ctrl-C blocked: the main process obeys it, and ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        if not pool.active:
            raise BrokenProcessPool("broken at the start")
    except (OSError, EOFError) as exc:
        raise BrokenProcessPool(str(exc)) from exc
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(pool: ProcessPool, *, at_once: bool) -> None:
    if at_once:
        pool.stop()  # type: ignore[no-untyped-call]
    else:
        pool.close()  # type: ignore[no-untyped-call]
    pool.join()


def _begin(known: Languages | None) -> None:
    """Let a child process use the languages of its parent where the fork server has others."""
    if known is not None:
        use_languages(known)


def _within_memory(max_bytes: int, function: Callable[[J], R], job: J) -> R:
    """Call `function(job)` with so much address space: it is the job that meets the limit, and no part of the pool."""
    before, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = max_bytes if most == resource.RLIM_INFINITY else min(max_bytes, most)
    resource.setrlimit(resource.RLIMIT_AS, (limit, most))
    try:
        return function(job)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (before, most))
