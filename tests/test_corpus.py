"""Placing articles in a corpus: numbers, files, manifest, duplicates, failures, several writers at once."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select

from config.settings import Storage
from extractors.records import Outcome, Placement
from extractors.urls import article_id
from storage.corpus.adopt import adopt
from storage.corpus.verify import stats, verify
from storage.corpus.writer import CorpusWriter, open_corpus, open_for_reading
from storage.errors import StorageError
from storage.files.article_file import FileName
from storage.index.schema import articles, urls
from storage.state.life import GAPS, gaps_after
from tests.support.results import FEED, NO, NOW, failure, manifest, place, remember, result, text_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("on_each_database")]
STORAGE = Storage()


@asynccontextmanager
async def opened(data: Path, storage: Storage | None = None) -> AsyncIterator[CorpusWriter]:
    async with open_corpus(data, storage or STORAGE) as corpus:
        yield corpus


async def url_row(corpus: CorpusWriter, key: str) -> Row[Any]:
    async with corpus.database.read() as connection:
        return (await connection.execute(select(urls).where(urls.c.key == key))).one()


def names(data: Path) -> list[str]:
    return sorted(path.name for path in (data / "corpus").iterdir())


async def test_articles_are_appended_in_the_order_given(tmp_path: Path) -> None:
    async with opened(tmp_path) as corpus:
        first = await place(corpus, result(7), result(3))
        second = await place(corpus, result(5))
    assert [(p.outcome, p.number) for p in first + second] == [(Outcome.APPENDED, n) for n in range(3)]
    assert names(tmp_path) == [
        f"{n:03d}_{article_id(f'https://site.kz/news/{i}')}.txt" for n, i in enumerate((7, 3, 5))
    ]
    assert [line["url"].rsplit("/")[-1] for line in manifest(tmp_path)] == ["7", "3", "5"]


async def test_file_manifest_line_and_row_agree(tmp_path: Path) -> None:
    async with opened(tmp_path) as corpus:
        (placed,) = await place(corpus, result(1, url="http://www.site.kz/news/1/?utm_source=rss"))
        async with corpus.database.read() as connection:
            row = (await connection.execute(select(articles))).one()
        entry = await url_row(corpus, "https://site.kz/news/1")
    name = f"000_{article_id('https://site.kz/news/1')}.txt"
    content = (tmp_path / "corpus" / name).read_bytes()
    assert content.decode() == f" date 2025-11-06 {text_of(1)}\n\nВторой абзац."
    assert row.body.encode() == content
    assert (row.number, row.file, row.canonical_url) == (0, name, "https://site.kz/news/1")
    assert (entry.outcome, entry.article, entry.decided_at) == ("appended", 0, NOW)
    assert placed == Placement("https://site.kz/news/1", Outcome.APPENDED, 0, "region and partner", undated=False)
    assert manifest(tmp_path) == [
        {
            "number": 0,
            "id": row.id,
            "file": name,
            "canonical_url": "https://site.kz/news/1",
            "url": "http://www.site.kz/news/1/?utm_source=rss",
            "source": "site",
            "source_name": None,
            "source_country": None,
            "country": "other",
            "words": row.words,
            "feed": FEED,
            "title": "Заголовок 1",
            "authors": ["А. Автор"],
            "date": "2025-11-06",
            "date_origin": "json-ld",
            "dates": [],
            "language": "ru",
            "topic": "central-asia-us",
            "score": 7.5,
            "borderline": False,
            "terms": [["region", "казахстан*", "lead", 2]],
            "why": "region and partner",
            "sha256": row.sha256,
            "text_hash": row.exact_key.hex(),
            "method": "trafilatura",
            "version": row.version,
            "retrieved_at": "2025-11-22T09:29:55+00:00",
            "appended_at": "2025-11-22T09:30:00+00:00",
        }
    ]


async def test_an_article_without_a_date_begins_with_its_headline_and_is_marked(tmp_path: Path) -> None:
    async with opened(tmp_path) as corpus:
        (placed,) = await place(corpus, result(1, published=None))
    assert placed.undated
    assert (tmp_path / "corpus" / names(tmp_path)[0]).read_text().startswith("Заголовок 1\n\nслово1и0 ")
    assert manifest(tmp_path)[0]["date"] is None


async def test_the_thousandth_article_gets_a_fourth_digit(tmp_path: Path) -> None:
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    (earlier / "998_0123456789abcdef.txt").write_text("An earlier article.")
    async with opened(tmp_path) as corpus:
        await adopt(corpus, earlier, now=NOW)
        await place(corpus, result(1), result(2), result(3))
        assert await verify(corpus) == (4, [])
    assert [line["file"].split("_")[0] for line in manifest(tmp_path)] == ["998", "999", "1000", "1001"]


@pytest.mark.parametrize(
    "sign", ["\u2028", "\u2029", "\u0085", "\u000b", "\u000c", "\u001c", "\r\n", '"', "\\", "\x00"]
)
async def test_a_manifest_line_stays_one_line_whatever_the_title(tmp_path: Path, sign: str) -> None:
    async with opened(tmp_path) as corpus:
        await place(corpus, result(0, title=f"a{sign}b"), result(1))
        assert await verify(corpus) == (2, [])
        await place(corpus, result(2))
    async with opened(tmp_path) as corpus:
        assert await verify(corpus) == (3, [])
    assert [line["number"] for line in manifest(tmp_path)] == [0, 1, 2]
    assert manifest(tmp_path)[0]["title"] == f"a{sign}b".replace("\x00", "")  # which no database takes


@pytest.mark.parametrize(
    "url",
    [
        "https://site.kz/news/1",
        "http://www.site.kz/news/1/?utm_source=telegram#top",
        "https://m.site.kz/news/1/amp",
    ],
)
async def test_the_same_address_is_a_duplicate_whatever_its_text(tmp_path: Path, url: str) -> None:
    async with opened(tmp_path) as corpus:
        await place(corpus, result(1))
        (placed,) = await place(corpus, result(2, url=url, key="https://site.kz/from-a-feed"))
    assert (placed.key, placed.outcome) == ("https://site.kz/from-a-feed", Outcome.DUPLICATE)
    assert (placed.number, placed.reason) == (0, "same address")
    assert len(names(tmp_path)) == len(manifest(tmp_path)) == 1


async def test_an_entry_that_redirects_elsewhere_is_known_by_its_own_address_too(tmp_path: Path) -> None:
    async with opened(tmp_path) as corpus:
        await place(corpus, result(1))
        (placed,) = await place(corpus, result(2, url="https://site.kz/moved", key="https://site.kz/news/1"))
    assert (placed.outcome, placed.number) == (Outcome.DUPLICATE, 0)


@pytest.mark.parametrize("batches", [1, 2])
async def test_the_same_words_in_other_typography_are_a_duplicate(tmp_path: Path, batches: int) -> None:
    words = "Казахстан и США подписали соглашение — «дорожную карту» о сотрудничестве, сообщает пресс-служба. " * 3
    other = words.replace("«", '"').replace("»", '"').replace("—", "-").replace("К", "к").replace(" о ", "\u00a0о ")
    pair = (
        result(1, paragraphs=(words,)),
        result(2, paragraphs=tuple(other.split(", ")), title="Другой", published=None),
    )
    async with opened(tmp_path) as corpus:
        if batches == 1:
            first, second = await place(corpus, *pair)
        else:
            ((first,), (second,)) = await place(corpus, pair[0]), await place(corpus, pair[1])
        entry = await url_row(corpus, pair[1].key)
    assert first.outcome is Outcome.APPENDED
    assert (second.outcome, second.number, second.reason) == (Outcome.DUPLICATE, 0, "same text")
    assert (entry.outcome, entry.reason, entry.article) == ("duplicate", "same text", 0)


@pytest.mark.parametrize(("words", "outcome"), [(19, Outcome.APPENDED), (20, Outcome.DUPLICATE)])
async def test_texts_below_twenty_words_are_no_duplicates_of_each_other(
    tmp_path: Path, words: int, outcome: Outcome
) -> None:
    stub = (text_of(0, words),)
    async with opened(tmp_path) as corpus:
        placed = await place(corpus, result(1, paragraphs=stub), result(2, paragraphs=stub))
    assert [p.outcome for p in placed] == [Outcome.APPENDED, outcome]


async def test_what_is_off_topic_is_written_down_with_its_reason(tmp_path: Path) -> None:
    async with opened(tmp_path) as corpus:
        (placed,) = await place(corpus, result(1, verdict=NO))
        entry = await url_row(corpus, placed.key)
    assert placed == Placement("https://site.kz/news/1", Outcome.OFF_TOPIC, None, NO.why)
    assert (entry.outcome, entry.reason) == ("off_topic", NO.why)
    assert entry.details == {
        "score": 0.5, "threshold": 0.0, "borderline": False, "veto": None, "taken_out": [], "matches": [],
    }  # fmt: skip
    assert names(tmp_path) == []
    assert not (tmp_path / "manifest.jsonl").exists()


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome.GONE,
        Outcome.REFUSED,
        Outcome.ROBOTS,
        Outcome.NOT_ARTICLE,
        Outcome.TOO_SHORT,
        Outcome.PAYWALLED,
        Outcome.TOO_LARGE,
        Outcome.UNSAFE_ADDRESS,
    ],
)
async def test_an_outcome_of_a_moment_is_written_down_and_tried_again_until_it_is_final(
    tmp_path: Path, outcome: Outcome
) -> None:
    async with opened(tmp_path) as corpus:
        (placed,) = await place(corpus, failure(outcome))
        entry = await url_row(corpus, placed.key)
        await place(corpus, failure(outcome, attempts=len(GAPS) + 3), now=LATER)
        last = await url_row(corpus, placed.key)
    assert placed == Placement("https://site.kz/x", outcome, None, "http 503")
    assert (entry.outcome, entry.next_attempt, entry.attempts) == (outcome.value, NOW + gaps_after(outcome)[0], 1)
    assert (last.outcome, last.next_attempt) == (outcome.value, None)
    assert entry.details == {"detail": "Service Unavailable"}


@pytest.mark.parametrize(
    ("attempts", "retry_after_h", "wait"),
    [
        (0, None, timedelta(minutes=10)),
        (1, None, timedelta(hours=1)),
        (2, None, timedelta(hours=6)),
        (3, None, timedelta(days=1)),
        (4, None, timedelta(days=2)),
        (5, None, timedelta(days=4)),
        (6, None, None),
        (7, None, None),
        (0, 3, timedelta(hours=3)),  # the server asked for more time
        (2, 3, timedelta(hours=6)),  # it asked for less
        (0, -3, timedelta(minutes=10)),
        (6, 3, None),
    ],
)
async def test_a_failed_url_comes_back_after_growing_gaps_and_is_given_up(
    tmp_path: Path, attempts: int, retry_after_h: int | None, wait: timedelta | None
) -> None:
    retry_after = None if retry_after_h is None else LATER + timedelta(hours=retry_after_h)
    failed = failure(attempts=attempts, retry_after=retry_after)
    async with opened(tmp_path) as corpus:
        (placed,) = await place(corpus, failed, now=LATER)
        entry = await url_row(corpus, placed.key)
    again = None if wait is None else LATER + wait
    assert placed.outcome is (Outcome.GAVE_UP if again is None else Outcome.FAILED)
    assert (entry.outcome, entry.next_attempt) == (placed.outcome.value, again)


LATER = NOW + timedelta(days=8)  # so long after an address was first seen, nothing need be waited for


def test_the_gaps_between_attempts_grow() -> None:
    assert list(GAPS) == sorted(set(GAPS))


@pytest.mark.parametrize(
    "canonical_link",
    [
        "https://site.kz/",
        "https://site.kz",
        "https://www.site.kz/?utm_source=x",
        "https://site.kz/news",  # a section's, on every page
        "https://site.kz/news/1",  # the first article's, on every page
        "https://other.kz/news/1",
        "/news/1",
        "https://[",
        "javascript:void(0)",
        "",
    ],
)
async def test_an_untrustworthy_canonical_link_merges_no_articles(tmp_path: Path, canonical_link: str) -> None:
    async with opened(tmp_path) as corpus:
        placed = await place(corpus, *(result(n, canonical_link=canonical_link) for n in (1, 2, 3)))
        assert await verify(corpus) == (3, [])
    assert [p.outcome for p in placed] == [Outcome.APPENDED] * 3


async def test_a_good_canonical_link_tells_two_addresses_of_one_article(tmp_path: Path) -> None:
    link = "https://www.site.kz/news/full-story"
    changed = (text_of(1) + " и ещё одно слово", "Дополнено.")
    async with opened(tmp_path) as corpus:
        (first,) = await place(corpus, result(1, url="https://site.kz/a", canonical_link=link))
        (again,) = await place(corpus, result(1, url="https://site.kz/b", canonical_link=link, paragraphs=changed))
        (at_home,) = await place(corpus, result(1, url=link, paragraphs=changed))
    assert first.outcome is Outcome.APPENDED
    assert manifest(tmp_path)[0]["canonical_url"] == "https://site.kz/news/full-story"
    assert [(p.outcome, p.number, p.reason) for p in (again, at_home)] == [(Outcome.DUPLICATE, 0, "same address")] * 2


async def test_known_addresses_are_settled_without_a_fetch(tmp_path: Path) -> None:
    key, unknown = "https://site.kz/news/1", "https://site.kz/news/2"
    async with opened(tmp_path) as corpus:
        await place(corpus, result(1, url="https://site.kz/a", canonical_link=key))
        await remember(corpus, [result(1), result(2)])
        settled = await corpus.settle_known([unknown, key], now=NOW)
        assert settled == [Placement(key, Outcome.DUPLICATE, 0, "same address")]
        entry, other = await url_row(corpus, key), await url_row(corpus, unknown)
        assert await corpus.settle_known([], now=NOW) == []
    assert (entry.outcome, entry.reason, entry.article, entry.decided_at) == ("duplicate", "same address", 0, NOW)
    assert other.outcome is None


async def test_more_addresses_than_one_statement_takes_are_settled(tmp_path: Path) -> None:
    async with opened(tmp_path) as corpus:
        await place(corpus, result(1), result(2))
        keys = [f"https://site.kz/news/{n}" for n in range(1500, 0, -1)]
        settled = await corpus.settle_known(keys, now=NOW)
    assert sorted((p.key, p.number) for p in settled) == [("https://site.kz/news/1", 0), ("https://site.kz/news/2", 1)]


async def test_an_empty_batch_changes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as corpus:
        assert await corpus.place([], now=NOW) == []
    assert names(tmp_path) == []


async def test_a_batch_is_placed_whole_or_not_at_all(tmp_path: Path) -> None:
    broken = result(2, article=None)
    async with opened(tmp_path) as corpus:
        with pytest.raises(AttributeError):
            await place(corpus, result(1), broken)
        assert (await url_row(corpus, result(1).key)).outcome is None
        assert await verify(corpus) == (0, [])
        await place(corpus, result(3))
    assert [line["number"] for line in manifest(tmp_path)] == [0]


async def test_counts_describe_the_corpus(tmp_path: Path) -> None:
    async with opened(tmp_path) as corpus:
        await place(
            corpus,
            result(1, published=date(2025, 11, 8)),
            result(2, published=None, language="kk"),
            result(3, published=date(2024, 1, 1), language=None),
        )
        counts = await stats(corpus)
    assert counts["articles"] == 3
    assert (counts["dated"], counts["undated"]) == (2, 1)
    assert (counts["first_day"], counts["last_day"]) == ("2024-01-01", "2025-11-08")
    assert counts["languages"] == {"ru": 1, "kk": 1, "unknown": 1}
    assert counts["sources"] == {"site": 3}


async def test_reading_writes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as corpus:
        await place(corpus, result(1))
    async with open_for_reading(tmp_path, STORAGE) as corpus:
        with pytest.raises(StorageError, match="cannot be written"):
            await corpus.place([result(2)], now=NOW)


async def test_a_file_that_stands_in_the_way_is_named_and_mended_by_moving_it(tmp_path: Path) -> None:
    foreign = tmp_path / "corpus" / str(FileName(0, article_id(result(1).key)))
    async with opened(tmp_path) as corpus:
        foreign.write_text("another text")
        with pytest.raises(StorageError, match=r"exists with another content .*: move it away and start again"):
            await place(corpus, result(1))
    assert foreign.read_text() == "another text"
    foreign.unlink()
    async with opened(tmp_path) as corpus:
        assert await verify(corpus) == (1, [])


# Three writers with thirty articles each: twenty of their own, ten that all of them bring.
WRITERS, OWN, SHARED = 3, 20, 10


async def _write_articles(data: Path, storage: Storage, writer: int) -> list[str]:
    outcomes: list[str] = []
    own = [result(1000 * (writer + 1) + n) for n in range(OWN)]
    batches = [[result(n), own[2 * n], own[2 * n + 1]] for n in range(SHARED)]
    for batch in batches:
        async with opened(data, storage) as corpus:  # opened anew each time, so that openings meet appends
            outcomes += [p.outcome.value for p in await place(corpus, *batch)]
    return outcomes


def _writer_process(data: Path, storage: Storage, writer: int, start: Any, outcomes: Any) -> None:
    start.wait()
    outcomes.put((writer, asyncio.run(_write_articles(data, storage, writer))))


async def _check_many_writers(data: Path, outcomes: dict[int, list[str]]) -> None:
    assert sorted(outcomes) == list(range(WRITERS))
    expected = WRITERS * OWN + SHARED
    assert sum(found.count("appended") for found in outcomes.values()) == expected
    assert {o for found in outcomes.values() for o in found} == {"appended", "duplicate"}
    async with open_for_reading(data, STORAGE) as corpus:
        assert await verify(corpus) == (expected, [])
    lines = manifest(data)
    assert [line["number"] for line in lines] == list(range(expected))
    assert len({line["canonical_url"] for line in lines}) == expected


async def test_three_processes_placing_at_once_leave_no_gap_and_no_double_number(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start, queue = context.Barrier(WRITERS), context.Queue()
    processes = [
        context.Process(target=_writer_process, args=(tmp_path, STORAGE, n, start, queue)) for n in range(WRITERS)
    ]
    for process in processes:
        process.start()
    try:
        outcomes = dict(await asyncio.to_thread(lambda: [queue.get(timeout=300) for _ in processes]))
        for process in processes:
            process.join(10)
    finally:
        for process in processes:
            process.kill()
            process.join()
            process.close()
        queue.close()
        queue.join_thread()
    await _check_many_writers(tmp_path, outcomes)


async def test_three_threads_placing_at_once_leave_no_gap_and_no_double_number(tmp_path: Path) -> None:
    start, outcomes = threading.Barrier(WRITERS), {}

    def write(writer: int) -> None:
        start.wait()
        outcomes[writer] = asyncio.run(_write_articles(tmp_path, STORAGE, writer))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await _check_many_writers(tmp_path, outcomes)


async def test_opening_while_another_appends_disturbs_neither(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = os.fsync

    def slow_sync(handle: int) -> None:
        time.sleep(0.002)  # so that a file is half-written for long enough to be met
        sync(handle)

    monkeypatch.setattr(os, "fsync", slow_sync)

    openings = 0

    async def append() -> int:
        number = 0
        async with opened(tmp_path) as corpus:
            while number < 40 or (openings < 2 and number < 2000):
                await place(corpus, result(number))
                number += 1
                await asyncio.sleep(0.005)  # who waits for the lock looks again now and then only
        return number

    appending = asyncio.create_task(asyncio.to_thread(asyncio.run, append()))
    while not appending.done():
        async with opened(tmp_path):
            openings += 1
    appended = await appending
    assert openings > 1
    async with opened(tmp_path) as corpus:
        assert await verify(corpus) == (appended, [])


async def test_files_are_restored_only_while_nobody_publishes(tmp_path: Path) -> None:
    async with opened(tmp_path) as publishing, opened(tmp_path) as opening:
        await place(publishing, result(1))
        (path,) = (tmp_path / "corpus").iterdir()
        path.unlink()
        async with publishing.database.write():
            restoring = asyncio.create_task(opening.restore_files())
            await asyncio.sleep(0.1)
            assert not restoring.done()
            assert not path.exists()
        assert await restoring == [path.name]
        assert await verify(opening) == (1, [])
