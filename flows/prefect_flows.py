"""The flows as Prefect sees them: thin shells around the coroutines that also run without it.

Imported only by who is about to run under Prefect.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from prefect import flow, task
from prefect.artifacts import acreate_markdown_artifact, acreate_progress_artifact, aupdate_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.events import emit_event

from config.load import load_config
from config.sources import Route
from extractors.records import Placement
from flows import backfill as plain_backfill
from flows import monitor as plain
from flows.context import Observer, utc_now
from flows.coverage import markdown as coverage_markdown
from flows.inspect import coverage_of
from flows.summary import markdown

T = TypeVar("T")
TASK_TIMEOUT_S = 3600  # a batch takes minutes; this only ends one that hangs
LISTING_TIMEOUT_S = 24 * 3600  # a week of Common Crawl is some hundred gigabytes
observer: Observer | None = None  # of a run in this process, whose terminal shows its progress


async def run_as_task(title: str, work: Callable[[], Awaitable[T]], *, timeout_s: float = TASK_TIMEOUT_S) -> T:
    """The `Step` of Prefect: one batch is one task run. Batches may be run again, so a failed one is."""

    @task(name=title, retries=2, retry_delay_seconds=10, retry_jitter_factor=0.5, timeout_seconds=timeout_s,
          cache_policy=NO_CACHE)  # fmt: skip
    async def batch() -> T:
        return await work()

    return await batch()


@flow(name="monitor", flow_run_name="monitor {data}", validate_parameters=True)
async def monitor(
    config: str = "config", data: str = "data", sources: list[str] | None = None, due_only: bool = False
) -> dict[str, Any]:
    """One pass over the feeds.

    Args:
        config: Folder with settings.toml, sources.toml and topics.toml.
        data: Folder of the corpus and its index.
        sources: Ids of the sources to poll; none means all that are enabled.
        due_only: Poll only the feeds whose turn has come by their own rhythm.
    """
    checked = load_config(Path(config))
    summary = await plain.monitor(
        checked,
        Path(data),
        sources=checked.select(sources or ()),
        engine="prefect",
        step=run_as_task,
        observer=observer,
        due_only=due_only,
    )
    counts = summary.to_json()
    await acreate_markdown_artifact(key="monitor-summary", markdown=markdown(counts), description="One pass")
    for source_id, flag in summary.raised:
        emit_event(
            event=f"c5watch.source.{flag.name}",
            resource={"prefect.resource.id": f"c5watch.source.{source_id}", "prefect.resource.name": source_id},
            payload={"why": flag.why},
        )
    return counts


class _Progress(Observer):
    """Tells another observer, and knows which share of the entries is done."""

    def __init__(self, other: Observer) -> None:
        self._other = other
        self._total = self._done = 0

    @property
    def percent(self) -> float:
        """Of the entries listed so far, how many in a hundred are done."""
        return 100.0 * min(self._done, self._total) / self._total if self._total else 0.0

    def stage(self, title: str, total: int) -> None:
        self._total += total
        self._other.stage(title, total)

    def expect(self, count: int) -> None:
        self._total += count
        self._other.expect(count)

    def advance(self, count: int = 1) -> None:
        self._done += count
        self._other.advance(count)

    def placed(self, placements: list[Placement]) -> None:
        self._other.placed(placements)

    def ended(self, summary: dict[str, Any]) -> None:
        self._other.ended(summary)


@flow(name="backfill", flow_run_name="backfill {first} – {last}", validate_parameters=True)
async def backfill(
    first: date,
    last: date,
    sources: list[str] | None = None,
    via: Route | None = None,
    urls: str | None = None,
    config: str = "config",
    data: str = "data",
) -> dict[str, Any]:
    """A past period. Stopped in whatever way, it is continued by the same parameters.

    Args:
        first: First day, in each publisher's own time zone.
        last: Last day, included.
        sources: Ids of the sources; none means all that are enabled.
        via: Only this route to back issues; none means those that each source names.
        urls: A file with the addresses to take on, one a line, instead of what archives name.
        config: Folder with settings.toml, sources.toml and topics.toml.
        data: Folder of the corpus and its index.
    """
    period = plain_backfill.checked_period(first, last, today=utc_now().date())
    checked = load_config(Path(config))
    addresses = Path(urls) if urls else None
    chosen, _ = plain_backfill.choose_sources(checked, sources or (), via=via, addresses=addresses)
    progress = _Progress(observer or Observer())
    artifact = await acreate_progress_artifact(progress=0.0, key="backfill-progress", description=f"{first} – {last}")

    async def step(title: str, work: Callable[[], Awaitable[T]]) -> T:
        result = await run_as_task(title, work, timeout_s=LISTING_TIMEOUT_S)
        await aupdate_progress_artifact(artifact, progress=progress.percent)
        return result

    summary = await plain_backfill.backfill(
        checked,
        Path(data),
        period=period,
        sources=chosen,
        via=via,
        addresses=addresses,
        engine="prefect",
        step=step,
        observer=progress,
    )
    counts = summary.to_json()
    await aupdate_progress_artifact(artifact, progress=100.0)
    coverage, page = await coverage_of(checked, Path(data), [source.id for source in chosen], period)
    text = f"{markdown(counts)}\n\n{coverage_markdown(coverage)}\n\nBy day: {page.absolute()}"
    await acreate_markdown_artifact(key="backfill-summary", markdown=text, description=f"{first} – {last}")
    return counts
