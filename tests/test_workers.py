"""Child processes: results and errors come back, and a job that breaks a limit costs itself alone."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pebble.pool.process import WORKERS_NAME

from config.settings import Extraction
from extractors.feeds.jobs import FeedJob
from extractors.pages.job import ArticleJob
from extractors.records import Entry, ItemError, Outcome, Page
from extractors.workers.pool import Workers
from extractors.workers.tasks import article_from, feed_from
from tests.support import worker_jobs
from tests.support.running import CHECKOUT

pytestmark = pytest.mark.slow

URL = "https://site.kz/news/1"
NOW = datetime(2025, 11, 22, 6, 0, tzinfo=UTC)
TIME_LIMIT_S = 3.0
MEMORY_MB = 1000


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers(Extraction(workers=2, timeout=TIME_LIMIT_S, memory_mb=MEMORY_MB)) as running:
        # The first job waits for the fork server, which loads the extractor.
        asyncio.run(running.run(worker_jobs.double, 1, url=URL))
        yield running


async def failure(workers: Workers, function: Callable[[Any], Any], job: object) -> ItemError:
    with pytest.raises(ItemError) as caught:
        await workers.run(function, job, url=URL)
    return caught.value


async def test_a_result_comes_back(workers: Workers) -> None:
    assert await workers.run(worker_jobs.double, 21, url=URL) == 42


async def test_a_large_page_goes_through(workers: Workers) -> None:
    assert await workers.run(worker_jobs.first_byte, b"\x07" * 10_000_000, url=URL) == 7


async def test_an_item_error_comes_through_with_all_its_fields(workers: Workers) -> None:
    error = await failure(workers, worker_jobs.refuse, URL + "?other")
    assert (error.outcome, error.reason, error.url) == (Outcome.PAYWALLED, "stub", URL + "?other")
    assert (error.detail, error.retry_after) == ("первый абзац", worker_jobs.RETRY_AFTER)
    assert str(error) == "stub (первый абзац)"


async def test_a_bug_stays_a_bug(workers: Workers) -> None:
    with pytest.raises(KeyError, match="message"):
        await workers.run(worker_jobs.fail, "message", url=URL)
    assert await workers.run(worker_jobs.double, 1, url=URL) == 2


@pytest.mark.parametrize(
    ("function", "job", "reason", "detail"),
    [
        (worker_jobs.sleep, 60, "extractor: time limit", f"{TIME_LIMIT_S:g} s"),
        (worker_jobs.spin, None, "extractor: time limit", f"{TIME_LIMIT_S:g} s"),
        (worker_jobs.swell, 2 * MEMORY_MB, "extractor: memory limit", f"{MEMORY_MB} MB"),
        (worker_jobs.crash, None, "extractor: crashed", "exit code -11"),
        (worker_jobs.leave, 3, "extractor: crashed", "exit code 3"),
    ],
    ids=["sleeps", "spins", "swells", "crashes", "leaves"],
)
async def test_a_job_that_breaks_a_limit_costs_itself_alone(
    workers: Workers, function: Callable[[Any], Any], job: object, reason: str, detail: str
) -> None:
    bad, *good = await asyncio.gather(
        failure(workers, function, job), *(workers.run(worker_jobs.double, n, url=URL) for n in range(5))
    )
    assert (bad.outcome, bad.reason, bad.detail, bad.url) == (Outcome.FAILED, reason, detail, URL)
    assert good == [0, 2, 4, 6, 8]
    assert await workers.run(worker_jobs.double, 21, url=URL) == 42


async def test_memory_within_the_limit_is_there(workers: Workers) -> None:
    assert await workers.run(worker_jobs.swell, 100, url=URL) == 100_000_000


async def test_jobs_run_side_by_side(workers: Workers, tmp_path: Path) -> None:
    met = await asyncio.gather(*(workers.run(worker_jobs.meet, (tmp_path, name), url=URL) for name in ("a", "b")))
    assert met == [2, 2]


async def test_children_are_used_again(workers: Workers) -> None:
    processes = {await workers.run(worker_jobs.process_id, n, url=URL) for n in range(20)}
    assert len(processes) <= workers.count == 2


async def test_pages_and_feeds_are_worked_on_in_children(workers: Workers) -> None:
    first = (
        "Мост через реку Сырдарья открыли сегодня в Кызылорде, сообщает пресс-служба акимата области. По нему пройдут "
        "автобусы трёх городских маршрутов и грузовики до двадцати тонн."
    )
    second = (
        "Строили его три года. Прежняя переправа, понтонная, закрывалась с началом ледохода, и жители левого берега "
        "добирались до больницы в объезд, за шестьдесят километров."
    )
    page = f"<html><body><h1>Мост</h1><article><p>{first}</p><p>{second}</p></article></body></html>"
    job = ArticleJob(Page(URL, page.encode(), None, NOW), Entry(URL, "https://site.kz/rss"), UTC, 20, NOW)
    assert (await workers.run(article_from, job, url=URL)).paragraphs == (first, second)
    rss = b"<rss version='2.0'><channel><title>T</title><item><link>https://site.kz/1</link></item></channel></rss>"
    feed = await workers.run(feed_from, FeedJob(rss, "https://site.kz/rss", None, UTC, NOW), url=URL)
    assert [entry.url for entry in feed.entries] == ["https://site.kz/1"]
    error = await failure(workers, feed_from, FeedJob(b"no feed", "https://site.kz/rss", None, UTC, NOW))
    assert error.url == "https://site.kz/rss"


# --- Pools that break ---------------------------------------------------------------------------------------------


async def doubled(workers: Workers, count: int) -> list[int]:
    return await asyncio.gather(*(workers.run(worker_jobs.double, n, url=URL) for n in range(count)))


async def test_children_that_die_between_two_jobs_cost_nothing() -> None:
    with Workers(Extraction(workers=2)) as workers:
        for _ in range(3):
            leaving = await asyncio.gather(*(workers.run(worker_jobs.leave_later, 0.1, url=URL) for _ in range(2)))
            while any(Path(f"/proc/{number}").exists() for number in leaving):
                await asyncio.sleep(0.01)  # a job given to one of them now would be lost with it
            assert await doubled(workers, 6) == [0, 2, 4, 6, 8, 10]


async def test_a_fork_server_that_dies_is_replaced_and_with_it_all_children() -> None:
    with Workers(Extraction(workers=2)) as workers:
        asked = (workers.run(worker_jobs.process_id, None, url=URL) for _ in range(12))
        before = set(await asyncio.gather(*asked))
        with contextlib.suppress(ItemError):  # the job itself may be lost
            await workers.run(worker_jobs.kill_the_fork_server, None, url=URL)
        async with asyncio.timeout(60):
            now = min(before)
            while now in before:  # until its death is noticed, its children work on; one more job may be lost then
                with contextlib.suppress(ItemError):
                    now = await workers.run(worker_jobs.process_id, None, url=URL)
        assert await doubled(workers, 6) == [0, 2, 4, 6, 8, 10]


async def test_jobs_under_way_when_the_fork_server_dies_are_lost_or_done_and_never_forgotten() -> None:
    with Workers(Extraction(workers=2)) as workers:
        jobs = [(worker_jobs.double, 1), (worker_jobs.kill_the_fork_server, None), *[(worker_jobs.double, 1)] * 8]
        async with asyncio.timeout(60):
            ended = await asyncio.gather(*(workers.run(*job, url=URL) for job in jobs), return_exceptions=True)
    lost = [error for error in ended if isinstance(error, BaseException)]
    assert all(isinstance(error, ItemError) and error.reason == "extractor: crashed" for error in lost), lost
    assert len(lost) <= workers.count


async def test_a_pass_that_ends_while_the_children_start_leaves_nothing_behind() -> None:
    for pause_s in (0.0, 0.01, 0.2):
        with Workers(Extraction(workers=2)) as workers:
            workers.start_early()
            await asyncio.sleep(pause_s)
        with pytest.raises(ZeroDivisionError), Workers(Extraction(workers=2)) as workers:
            workers.start_early()
            await asyncio.sleep(pause_s)
            raise ZeroDivisionError
    assert not [child for child in multiprocessing.active_children() if child.name == WORKERS_NAME]


ENDS_WHILE_CHILDREN_START = """
import asyncio
from config.settings import Extraction
from extractors.workers.pool import Workers
from tests.support import worker_jobs
from tests.support.running import CHECKOUT

async def main():
    with Workers(Extraction(workers=8)) as workers:
        await workers.run(worker_jobs.double, 1, url="https://site.kz/")
        raise SystemExit(3)

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_children_that_are_ended_while_they_start_print_nothing(tmp_path: Path) -> None:
    script = tmp_path / "ends.py"
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    script.write_text(ENDS_WHILE_CHILDREN_START, encoding="utf-8")
    for _ in range(4):  # without the rule of `preload`, half of the times a child tells of a lock that is gone
        ended = subprocess.run([sys.executable, script], capture_output=True, env=environment)
        assert (ended.returncode, ended.stdout, ended.stderr) == (3, b"", b"")


async def test_a_memory_limit_below_what_a_process_has_at_its_start_costs_jobs_and_no_process() -> None:
    with Workers(Extraction(workers=1, memory_mb=1)) as workers:
        first = await workers.run(worker_jobs.process_id, None, url=URL)
        assert (await failure(workers, worker_jobs.swell, 100)).reason == "extractor: memory limit"
        assert await workers.run(worker_jobs.process_id, None, url=URL) == first


def test_without_a_number_there_is_a_child_for_each_core_and_none_before_the_first_job() -> None:
    before = multiprocessing.active_children()
    with Workers(Extraction(workers=0)) as idle:
        assert idle.count >= 1
        assert multiprocessing.active_children() == before
