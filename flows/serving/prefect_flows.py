"""The flows as Prefect sees them: thin shells around the coroutines that also run without it.

Import this only in a process that is about to run under Prefect.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import Flow, flow, runtime, task
from prefect.artifacts import (
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import FlowRun, State
from prefect.deployments import arun_deployment
from prefect.events import emit_event
from prefect.states import Completed, Failed

from config.errors import C5watchError, UserError
from config.load import load_config
from extractors.archives.routes import ROUTES
from extractors.text import counted
from flows.digest import digest as plain_digest
from flows.passes import backfill as plain_backfill
from flows.passes import monitor as plain
from flows.passes.backfill_request import checked_request
from flows.passes.context import Observer, utc_now
from flows.passes.observers import Announcer, Progress
from flows.passes.summary import markdown, sentences
from flows.reports.coverage import coverage_markdown
from flows.serving import process
from flows.serving.alone import alone
from flows.serving.parameters import Day, Shards, Since, Sources, Via
from flows.serving.prefect_settings import take_settings
from flows.serving.schedules import MONITOR_LOCK, PARENT, next_run
from flows.serving.shards import shares

T = TypeVar("T")
P = ParamSpec("P")
TASK_TIMEOUT_S = 3600  # a batch takes minutes; this only ends one that hangs
LISTING_TIMEOUT_S = 24 * 3600  # a week of Common Crawl is some hundred gigabytes
SOURCES_NAMED = 3  # in a run's name; of more, only how many there are
observer: Observer | None = None  # of a run in this process, whose terminal shows its progress


def _say(line: str) -> None:
    """Print a line of an unattended run, for the log of `c5watch serve` or of the worker."""
    if observer is None:
        print(process.stamp(), line, file=sys.stderr, flush=True)


async def _begin() -> None:
    """Prepare for a flow: the process, if it is the run's own, its log, and the settings that Prefect keeps."""
    if observer is None:
        process.begin()
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addFilter(_without_expected_tracebacks)
    await take_settings()


def _without_expected_tracebacks(record: logging.LogRecord) -> bool:
    """Remove the traceback from the record of an expected error: its sentence is enough. Keep the record."""
    if record.exc_info and isinstance(record.exc_info[1], C5watchError):
        record.exc_info = None
    return True


def _tell_end(flow: Flow[Any, Any], flow_run: FlowRun, state: State) -> None:
    """Say how a run has ended that was stopped or died: a hook, called by `serve` or the worker."""
    ended = "crashed" if state.is_crashed() else "cancelled"
    _say(f"{flow_run.name}: {ended}; what it had finished is kept, and the next one goes on from there")


def _next(cron: str, timezone: str) -> str:
    return f"; next {next_run(cron, timezone)}" if PARENT in os.environ else ""


def _name_of_pass() -> str:
    moment = runtime.flow_run.scheduled_start_time or utc_now()
    return f"monitor {moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


async def run_as_task(title: str, work: Callable[[], Awaitable[T]], *, timeout_s: float = TASK_TIMEOUT_S) -> T:
    """Run a batch as a Prefect task run (a `Step`). Batches may be run again, so failed ones are retried."""

    @task(name=title, retries=2, retry_delay_seconds=10, retry_jitter_factor=0.5, timeout_seconds=timeout_s,
          cache_policy=NO_CACHE)  # fmt: skip
    async def batch() -> T:
        return await work()

    return await batch()


def _in_a_sentence(work: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T | State]]:
    """Make a run fail with the sentence of an expected error, unless a command reports that error."""

    @functools.wraps(work)
    async def told(*args: P.args, **kwargs: P.kwargs) -> T | State:
        try:
            return await work(*args, **kwargs)
        except UserError as error:
            if observer is not None:
                raise
            _say(f"{work.__name__} failed: {error}")
            return Failed(message=str(error))

    return told


@flow(
    name="monitor",
    flow_run_name=_name_of_pass,
    validate_parameters=True,
    on_cancellation=[_tell_end],
    on_crashed=[_tell_end],
)
@_in_a_sentence
async def monitor(
    config: str = "config", data: str = "data", sources: Sources = None, due_only: bool = False
) -> dict[str, Any] | State:
    """Make one pass over the feeds.

    Args:
        config: Folder with settings.toml, sources.toml and topics.toml.
        data: Folder of the corpus and its index.
        sources: Ids of the sources to poll; none means all that are enabled.
        due_only: Poll only the feeds whose turn has come by their own rhythm.
    """
    await _begin()
    checked = load_config(Path(config), ROUTES)
    with alone(Path(data) / MONITOR_LOCK) as free:
        if due_only and not free:
            _say("monitor: left out, since the last pass is still at work")
            return Completed(name="Skipped", message="the last pass is still at work")
        summary = await plain.monitor(
            checked,
            Path(data),
            sources=checked.select(sources or ()),
            engine="prefect",
            step=run_as_task,
            observer=Announcer(observer or Observer()),
            due_only=due_only,
        )
    counts = summary.to_json()
    schedule = checked.settings.schedule
    _say(f"monitor: {sentences(counts)}{_next(schedule.monitor, schedule.timezone)}")
    await acreate_markdown_artifact(key="monitor-summary", markdown=markdown(counts), description="One pass")
    for source_id, flag in summary.raised:
        emit_event(
            event=f"c5watch.source.{flag.name}",
            resource={"prefect.resource.id": f"c5watch.source.{source_id}", "prefect.resource.name": source_id},
            payload={"why": flag.why},
        )
    if (late := await plain_digest.send_late(checked, Path(data))) and (late.sent or late.problem or late.problems):
        _say(f"late mails: {late.sent} sent, {late.waiting} wait{f' ({late.problem})' if late.problem else ''}")
    return counts


def _name_of_backfill() -> str:
    given = runtime.flow_run.parameters
    sources: list[str] = given.get("sources") or []
    named = counted(len(sources), "source") if len(sources) > SOURCES_NAMED else ", ".join(sources)
    return f"backfill {given.get('first')} – {given.get('last')}" + (f", {named}" if named else "")


@flow(
    name="backfill",
    flow_run_name=_name_of_backfill,
    validate_parameters=True,
    on_cancellation=[_tell_end],
    on_crashed=[_tell_end],
)
@_in_a_sentence
async def backfill(
    first: Day,
    last: Day,
    sources: Sources = None,
    via: Via = None,
    urls: str | None = None,
    again: bool = False,
    config: str = "config",
    data: str = "data",
) -> dict[str, Any]:
    """Take in a past period. However it was stopped, a run with the same parameters continues it.

    Args:
        first: First day, in each publisher's own time zone.
        last: Last day, included.
        sources: Ids of the sources; none means all that are enabled.
        via: Only this route to back issues; none means those that each source names.
        urls: A file with the addresses to take on, one a line, instead of what archives name.
        again: List anew what is complete, and try again what came to nothing.
        config: Folder with settings.toml, sources.toml and topics.toml.
        data: Folder of the corpus and its index.
    """
    await _begin()
    checked, addresses = load_config(Path(config), ROUTES), Path(urls) if urls else None
    request = checked_request(
        checked, first, last, sources or (), via=via, addresses=addresses, again=again, today=utc_now().date()
    )
    progress = Progress(observer or Observer())
    artifact = await acreate_progress_artifact(progress=0.0, key="backfill-progress", description=f"{first} – {last}")

    async def step(title: str, work: Callable[[], Awaitable[T]]) -> T:
        result = await run_as_task(title, work, timeout_s=LISTING_TIMEOUT_S)
        await aupdate_progress_artifact(artifact, progress=progress.percent)
        return result

    summary = await plain_backfill.backfill(
        checked, Path(data), request, engine="prefect", step=step, observer=progress
    )
    counts = summary.to_json()
    _say(f"backfill {first} – {last}: {sentences(counts)}")
    await aupdate_progress_artifact(artifact, progress=100.0)
    coverage, page = await plain_backfill.write_coverage(checked, Path(data), request, now=utc_now())
    text = f"{markdown(counts)}\n\n{coverage_markdown(coverage)}\n\nBy day: {page.absolute()}"
    await acreate_markdown_artifact(key="backfill-summary", markdown=text, description=f"{first} – {last}")
    return counts


@flow(
    name="backfill-windows",
    flow_run_name="backfill {first} – {last}, in windows",
    validate_parameters=True,
    on_cancellation=[_tell_end],
    on_crashed=[_tell_end],
)
@_in_a_sentence
async def backfill_windows(
    first: Day,
    last: Day,
    sources: Sources = None,
    via: Via = None,
    shards: Shards = 8,
    deployment: str = "backfill/backfill",
    config: str = "config",
    data: str = "data",
) -> list[str]:
    """Cut a long past period into windows that workers do side by side: start a backfill for each, and end.

    Args:
        first: First day, in each publisher's own time zone.
        last: Last day, included.
        sources: Ids of the sources; none means all that are enabled.
        via: Only this route to back issues; none means those that each source names.
        shards: Groups that the sources are divided into; more than there are workers, so that none is idle early.
        deployment: The deployment that does a window.
        config: Folder with settings.toml, sources.toml and topics.toml.
        data: Folder of the corpus and its index.
    """
    await _begin()
    checked = load_config(Path(config), ROUTES)
    parts = shares(checked_request(checked, first, last, sources or (), via=via, today=utc_now().date()), shards=shards)
    names = []
    for part in parts:
        await arun_deployment(
            deployment,
            parameters={
                "first": part.period.first.isoformat(), "last": part.period.last.isoformat(),
                "sources": list(part.sources), "via": via, "config": config, "data": data,
            },
            timeout=0,  # start it, do not wait: a run that waits would keep a worker from working
            as_subflow=False,
        )  # fmt: skip
        names.append(f"{part.period.first} – {part.period.last}, {part.name}")
    await acreate_table_artifact(
        table=[{"window": name, "sources": ", ".join(part.sources)} for name, part in zip(names, parts, strict=True)],
        key="backfill-windows",
        description=f"{first} – {last}",
    )
    return names


def _name_of_digest() -> str:
    name, moment = runtime.flow_run.parameters.get("name"), runtime.flow_run.scheduled_start_time or utc_now()
    return f"digest {name or 'all'} {moment.astimezone(UTC):%Y-%m-%d}"


@flow(
    name="digest",
    flow_run_name=_name_of_digest,
    validate_parameters=True,
    on_cancellation=[_tell_end],
    on_crashed=[_tell_end],
)
@_in_a_sentence
async def digest(
    name: str | None = None,
    since: Since = None,
    send: bool = True,
    waiting_only: bool = False,
    config: str = "config",
    data: str = "data",
) -> dict[str, Any] | State:
    """Write what is new since the last digest to files, and mail it.

    Args:
        name: The digest to make; none means all in the settings.
        since: Look back to this moment instead (2026-11-20, 2026-11-20T07:00, 36h, 3d, 2w); nothing is repeated.
        send: Whether to send what is made; if not, the next run does.
        waiting_only: Make no new digest, only send at once what waits because a mail server did not take it yet.
        config: Folder with settings.toml, sources.toml and topics.toml.
        data: Folder of the corpus and its index.
    """
    await _begin()
    summary = await plain_digest.digest(
        load_config(Path(config), ROUTES),
        Path(data),
        plain_digest.DigestRequest((name,) if name else (), since, send, waiting_only),
        engine="prefect",
        step=run_as_task,
    )
    for line in summary.sentences():
        _say(line)
    await acreate_markdown_artifact(
        key="digest-summary", markdown=summary.markdown(), description=f"Digest {name or ''}".strip()
    )
    if summary.sending.failed:
        return Failed(message=summary.sending.problem or "no mail was taken: the summary says why")
    return summary.to_json()
