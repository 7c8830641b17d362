"""The flows as Prefect sees them: thin shells around the coroutines that also run without it.

Imported only by who is about to run under Prefect.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from prefect import flow, task
from prefect.artifacts import acreate_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.events import emit_event

from config.load import load_config
from flows import monitor as plain
from flows.context import Observer
from flows.summary import markdown

T = TypeVar("T")
TASK_TIMEOUT_S = 3600  # a batch takes minutes; this only ends one that hangs
observer: Observer | None = None  # of a run in this process, whose terminal shows its progress


async def run_as_task(title: str, work: Callable[[], Awaitable[T]]) -> T:
    """The `Step` of Prefect: one batch is one task run. Batches may be run again, so a failed one is."""

    @task(name=title, retries=2, retry_delay_seconds=10, retry_jitter_factor=0.5, timeout_seconds=TASK_TIMEOUT_S,
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
