"""The whole job on the demonstration site: feeds in, corpus files out."""

from __future__ import annotations

import asyncio
import errno
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

from config.load import Config, load_config
from extractors.records import Outcome, Placement
from extractors.urls import article_id
from flows.passes import ingest
from flows.passes.context import Observer
from flows.passes.ingest import plan
from flows.passes.monitor import monitor
from flows.passes.summary import Summary
from storage.corpus.writer import open_corpus
from storage.errors import StorageError
from storage.files.article_file import ArticleFile
from storage.state.entries import DueEntry
from tests.demo_site.server import DemoSite
from tests.support.hostile_site import HEAD, Answer, HostileSite, Line, item, rss, silence
from tests.support.hostile_site import article as composed
from tests.support.running import EVERYTHING, SETTINGS, explained, source_toml, verified, write_config

pytestmark = pytest.mark.slow

DEAD = "zhetisu-online"


class Watched:
    """A data folder in which passes over a site are run."""

    def __init__(self, site: DemoSite, root: Path, *, topics: str | None = None, settings: str = SETTINGS) -> None:
        self.site = site
        self.data = root / "data"
        self.config: Config = load_config(
            write_config(root / "config", sources=site.sources_toml(), topics=topics, settings=settings)
        )

    def run(self, *, now: datetime | None = None, observer: Observer | None = None) -> Summary:
        clock = (lambda: now) if now else (lambda: datetime.now(UTC))
        return asyncio.run(monitor(self.config, self.data, sources=self.config.sources, now=clock, observer=observer))

    def manifest(self) -> list[dict[str, object]]:
        text = (self.data / "manifest.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def file(self, entry: dict[str, object]) -> ArticleFile:
        return ArticleFile.parse((self.data / "corpus" / str(entry["file"])).read_bytes())

    def article_pages(self) -> set[tuple[str, str]]:
        return {(a.host, urlsplit(a.url).path) for a in self.site.articles}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Watched, Summary]]:
    """One pass with the shipped topic, looked at by many tests; nothing may be added to it."""
    with DemoSite() as site:
        watched = Watched(site, tmp_path_factory.mktemp("first"))
        yield watched, watched.run()


def test_on_topic_articles_are_appended_and_no_others(first: tuple[Watched, Summary]) -> None:
    watched, summary = first
    by_url = {a.url: a for a in watched.site.articles}
    kinds = Counter(by_url[str(entry["url"]).partition("?utm")[0]].kind for entry in watched.manifest())
    # Of an article and its reprint the first to arrive is kept; the two are one text.
    assert kinds["on_topic"] + kinds["reprint"] == 28
    assert set(kinds) <= {"on_topic", "reprint"}
    assert summary.to_json()["duplicates"] == 5
    assert summary.to_json()["off_topic"] == 12


def test_files_hold_the_article_and_nothing_of_the_page(first: tuple[Watched, Summary]) -> None:
    watched, _ = first
    by_url = {a.url: a for a in watched.site.articles}
    for entry in watched.manifest():
        article = by_url[str(entry["url"]).partition("?utm")[0]]
        content = watched.file(entry)
        assert content.paragraphs == tuple(article.paragraphs), article.url
        assert entry["title"] == article.title
        assert entry["language"] == article.language


def test_dates_are_the_day_in_the_publishers_zone(first: tuple[Watched, Summary]) -> None:
    watched, summary = first
    by_url = {a.url: a for a in watched.site.articles}
    zones = {"chu-gazeta": "Asia/Bishkek", "corridor-ledger": "America/New_York", "orient-brief": "Asia/Tashkent"}
    for entry in watched.manifest():
        article = by_url[str(entry["url"]).partition("?utm")[0]]
        zone = ZoneInfo(zones.get(article.source_id, "Asia/Almaty"))
        assert entry["date"] == article.published.astimezone(zone).date().isoformat(), article.url
        assert watched.file(entry).published is not None
    assert summary.undated == 0


def test_file_names_number_the_articles_and_hash_their_address(first: tuple[Watched, Summary]) -> None:
    watched, _ = first
    entries = watched.manifest()
    assert [e["number"] for e in entries] == list(range(len(entries)))
    for entry in entries:
        assert entry["file"] == f"{entry['number']:03d}_{entry['id']}.txt"
        assert entry["id"] == article_id(str(entry["canonical_url"]))
    names = sorted(p.name for p in (watched.data / "corpus").iterdir())
    assert names == sorted(str(e["file"]) for e in entries)


def test_counts_add_up_to_the_entries(first: tuple[Watched, Summary]) -> None:
    _, summary = first
    counts = summary.to_json()
    assert counts["entries"] == counts["new"] == counts["taken"] == sum(counts["outcomes"].values()) == 46
    assert counts["pending"] == 1  # what is no article yet may become one
    assert sum(s["appended"] for s in counts["sources"].values()) == counts["appended"]


def test_a_dead_source_is_reported_and_harms_no_other(first: tuple[Watched, Summary]) -> None:
    _, summary = first
    reports = summary.to_json()["sources"]
    assert reports[DEAD]["status"] == "failed"
    assert reports[DEAD]["error"].startswith("connection refused")
    assert all(r["status"] == "ok" for key, r in reports.items() if key != DEAD)


def test_corpus_verifies(first: tuple[Watched, Summary]) -> None:
    watched, _ = first
    count, faults = asyncio.run(verified(watched.config, watched.data))
    assert faults == []
    assert count == len(watched.manifest())


def test_every_url_can_be_explained(first: tuple[Watched, Summary]) -> None:
    watched, _ = first
    expected = {"on_topic": {"appended", "duplicate"}, "reprint": {"appended", "duplicate"},
                "off_topic": {"off_topic"}, "stub": {"not_article", "too_short"}}  # fmt: skip
    for article in watched.site.articles:
        facts = asyncio.run(explained(watched.config, watched.data, article.url))
        assert facts["outcome"] in expected[article.kind], article.url
        assert facts["reason"]


def test_no_host_was_asked_twice_at_once_or_too_soon(first: tuple[Watched, Summary]) -> None:
    watched, _ = first
    times: dict[str, list[float]] = {}
    for hit in watched.site.hits:
        times.setdefault(hit.host, []).append(hit.at)
    for host, moments in times.items():
        gaps = [b - a for a, b in itertools.pairwise(moments)]
        assert min(gaps) >= watched.config.settings.network.per_host_interval, host


def test_second_pass_asks_for_feeds_only_and_once_each(site: DemoSite, tmp_path: Path) -> None:
    watched = Watched(site, tmp_path)
    watched.run()
    before = len(site.hits)
    second = watched.run().to_json()
    hits = site.hits[before:]
    assert not watched.article_pages() & {(h.host, urlsplit(h.path).path) for h in hits}
    assert len(hits) == len(watched.config.sources) - 1  # the dead one cannot be hit
    assert {h.status for h in hits} == {304}
    assert second["new"] == second["appended"] == second["taken"] == 0
    statuses = {key: s["status"] for key, s in second["sources"].items()}
    assert statuses.pop(DEAD) == "failed"
    assert set(statuses.values()) == {"not_modified"}


def test_a_run_on_an_adopted_corpus_continues_its_numbers(site: DemoSite, tmp_path: Path, seeds: Path) -> None:
    from flows.tools.corpus import adopt_folder

    watched = Watched(site, tmp_path)
    asyncio.run(adopt_folder(watched.config, watched.data, seeds))
    watched.run()
    names = sorted(p.name for p in (watched.data / "corpus").iterdir())
    for seed in seeds.iterdir():
        assert (watched.data / "corpus" / seed.name).read_bytes() == seed.read_bytes()
    assert re.fullmatch(r"005_[0-9a-f]{16}\.txt", names[5])
    assert asyncio.run(verified(watched.config, watched.data))[1] == []


def test_an_interrupted_pass_keeps_what_is_finished_and_the_next_one_goes_on(site: DemoSite, tmp_path: Path) -> None:
    watched = Watched(site, tmp_path, topics=EVERYTHING, settings=SETTINGS.replace("0.02", "0.3"))

    async def interrupted() -> None:
        task = asyncio.current_task()
        assert task is not None

        class Impatient(Observer):
            count = 0

            def placed(self, placements: list[Placement]) -> None:
                self.count += len(placements)
                if self.count >= 10:
                    task.cancel()

        await monitor(watched.config, watched.data, sources=watched.config.sources, observer=Impatient())

    ingest_size, ingest.RESULTS_PER_TRANSACTION = ingest.RESULTS_PER_TRANSACTION, 5
    try:
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(interrupted())
    finally:
        ingest.RESULTS_PER_TRANSACTION = ingest_size
    kept = len(watched.manifest())
    assert 0 < kept < 40
    fetched = {(h.host, h.path) for h in site.hits}
    rest = watched.run().to_json()
    assert rest["taken"] < 46
    assert rest["new"] == 0
    assert len(watched.manifest()) == kept + rest["appended"] == 40
    assert len(fetched) >= kept


def test_a_page_that_fails_is_tried_again_later_and_then_found(tmp_path: Path, httpserver) -> None:  # type: ignore[no-untyped-def]
    page = (
        "<html><body><article><p>" + "Посол США посетил Ташкент и рассказал о проектах. " * 12 + "</p></article></html>"
    )
    feed = f"<rss version='2.0'><channel><item><link>{httpserver.url_for('/a')}</link></item></channel></rss>"
    httpserver.expect_request("/rss").respond_with_data(feed, content_type="application/rss+xml")
    httpserver.expect_oneshot_request("/a").respond_with_data("later", status=503)
    httpserver.expect_request("/a").respond_with_data(page, content_type="text/html; charset=utf-8")
    config = load_config(write_config(tmp_path / "c", sources=source_toml("one", httpserver.url_for("/rss"))))
    start = datetime.now(UTC)

    def run(now: datetime) -> dict[str, object]:
        passed = monitor(config, tmp_path / "data", sources=config.sources, now=lambda: now)
        return asyncio.run(passed).to_json()

    first = run(start)
    assert (first["failed"], first["pending"], first["failures"]) == (1, 1, {"http 503": 1})
    too_soon = run(start + timedelta(minutes=5))
    assert (too_soon["taken"], too_soon["pending"]) == (0, 1)
    later = run(start + timedelta(minutes=11))
    assert (later["appended"], later["pending"]) == (1, 0)


def test_full_text_of_a_feed_is_only_kept_while_it_may_be_needed(site: DemoSite, tmp_path: Path) -> None:
    watched = Watched(site, tmp_path)
    watched.run()

    async def contents() -> list[object]:
        from sqlalchemy import select

        from storage.index.schema import urls

        async with open_corpus(watched.data, watched.config.settings.storage) as corpus, corpus.database.read() as c:
            return [row.content for row in await c.execute(select(urls.c.content))]

    assert set(asyncio.run(contents())) == {None}


def test_batches_interleave_hosts_so_that_none_waits_for_another() -> None:
    due = [DueEntry(f"k{h}{i}", f"https://host{h}.kz/{i}", "s", None) for h in range(3) for i in range(4)]
    batches = list(plan(due, size=6))
    assert [len(b) for b in batches] == [6, 6]
    assert Counter(key[1] for key in batches[0]) == {"0": 2, "1": 2, "2": 2}
    assert sorted(key for batch in batches for key in batch) == sorted(entry.key for entry in due)


def test_outcomes_are_all_known_to_the_summary() -> None:
    assert {o.value for o in Outcome} >= {"appended", "duplicate", "off_topic", "failed", "gave_up"}


def test_a_full_disk_ends_the_pass_at_once_and_the_next_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, answered = [f"/news/{number}" for number in range(5)], itertools.count(1)
    pages = {path: composed(path).encode() for path in paths}

    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    async def once(line: Line) -> None:
        """A page at the first request, at all others silence: the pass cannot get beyond the second one."""
        if next(answered) > 1:
            await silence(line)
        body = pages[paths[0]]
        await line.send(HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    with HostileSite(["127.0.6.1"]) as site:
        (address,) = site.addresses
        site.replies[address, "/rss"] = Answer(rss([item(path) for path in paths]))
        site.replies |= {(address, path): once for path in paths}
        sources = source_toml("one", site.url(address, "/rss"))
        config = load_config(write_config(tmp_path / "config", sources=sources, topics=EVERYTHING))

        def run() -> Summary:
            return asyncio.run(
                monitor(config, tmp_path / "data", sources=config.sources, now=lambda: datetime.now(UTC))
            )

        monkeypatch.setattr("storage.files.local_folder.write_file", full)
        monkeypatch.setattr(ingest, "RESULTS_PER_TRANSACTION", 1)
        with pytest.raises(StorageError, match="No space left on device: check the disk"):
            run()
        assert len([hit for hit in site.hits if hit.path in paths]) <= 2
        monkeypatch.undo()
        site.replies |= {(address, path): Answer(page) for path, page in pages.items()}
        run()
    assert len((tmp_path / "data" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()) == len(paths)
    assert asyncio.run(verified(config, tmp_path / "data"))[1] == []
