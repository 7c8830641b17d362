"""Taking an article back: nothing of it stays, its number stays taken, and it never comes again."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg  # noqa: F401  # here, so that no child is cut while it is still importing
import jsonschema
import pytest
import s3fs  # noqa: F401
from sqlalchemy import select

import storage.corpus.writer as writer
from config.settings import Storage
from extractors.records import Found, Outcome
from extractors.urls import article_id
from storage import Corpus
from storage.corpus.adopt import adopt
from storage.corpus.export import export
from storage.corpus.removing import remove
from storage.corpus.repair import repair
from storage.corpus.verify import verify
from storage.corpus.writer import CorpusWriter, open_corpus
from storage.errors import StorageError
from storage.files.manifest import read_facts, read_removed
from storage.files.manifest_schema import schema
from storage.health.history import load_story
from storage.index.schema import articles, events, fingerprints, metadata, relations
from storage.relating import relating
from storage.relating.relating import relate_new
from storage.relating.translations import Translation
from storage.search.search import search
from storage.state.marks import store_mark
from tests.support.digest_corpus import START, new_article
from tests.support.forks import CUT, Fork
from tests.support.results import result
from tests.support.running import c5watch
from tests.support.s3 import CREDENTIALS, S3Server
from tests.support.stories import edited, line, story, write_lines

WHY = "request of the author"
LATER = START + timedelta(hours=1)
CHECK = jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker())


def telling(number: int, address: str, *, other_words: bool = False) -> Found:
    """A story's article at an address: two of one number are reprints of one another."""
    paragraphs = edited(story(number)) if other_words else story(number)
    found = result(number, url=address, paragraphs=tuple(paragraphs))
    assert isinstance(found, Found)
    return found


FIRST, COPY = "https://site.kz/news/1", "https://second.kz/news/1"


async def filled(corpus: CorpusWriter) -> None:
    """Three articles; the second has a reprint."""
    results = [telling(n, f"https://site.kz/news/{n}") for n in range(3)] + [telling(1, COPY, other_words=True)]
    placed = await corpus.place(results, now=START, listed=False)
    assert [p.outcome for p in placed] == ["appended", "appended", "appended", "reprint"]


def lines(data: Path) -> list[dict[str, Any]]:
    return [json.loads(told) for told in (data / "manifest.jsonl").read_text("utf-8").splitlines()]


def holds(data: Path, words: str) -> list[Path]:
    """The files below `data` that hold these words."""
    return [path for path in data.rglob("*") if path.is_file() and words.encode() in path.read_bytes()]


async def references(corpus: CorpusWriter, number: int) -> list[str]:
    """The columns that refer to an article of this number, and have it."""
    columns = [column for table in metadata.sorted_tables for column in table.c]
    named = [c for c in columns if any(key.column is articles.c.number for key in c.foreign_keys)]
    found = []
    async with corpus.database.read() as connection:
        for column in (*named, articles.c.number, events.c.event, fingerprints.c.number):
            query = select(column).where(column == number).limit(1)
            found += [str(column)] * bool((await connection.execute(query)).first())
    return found


async def test_nothing_of_a_removed_article_stays_but_its_number(tmp_path: Path, storage: Storage) -> None:
    async with open_corpus(tmp_path, storage) as corpus:
        await filled(corpus)
        await relate_new(corpus.database, now=START)
        async with corpus.database.write() as connection:
            await store_mark(connection, FIRST, relevant=False, now=START)
        assert "fingerprints.number" in await references(corpus, 1)
        words = " ".join(story(1)[2].split()[3:9])
        done = await remove(corpus, 1, why=f" {WHY}\n", now=LATER)
        assert (done.before, done.variants, done.removed.why) == (False, 1, WHY)
        assert await references(corpus, 1) == []
        assert await verify(corpus) == (2, [])
        async with corpus.database.read() as connection:
            assert await search(connection, f'"{words}"') == []
            told = await load_story(connection, FIRST)
        assert (told["outcome"], told["known"], told.get("mark")) == ("removed", True, None)
        assert told["reason"] == f"number 001 was removed on 2025-11-22: {WHY}"
        (placed,) = await corpus.place([telling(7, "https://site.kz/news/7")], now=LATER, listed=False)
        assert placed.number == 3
        await export(corpus, tmp_path / "all.jsonl", form="jsonl")
        again = await remove(corpus, 1, why="once more", now=LATER)
        assert (again.before, again.removed.why) == (True, WHY)
        assert (await verify(corpus))[1] == []
    assert holds(tmp_path, words) == []
    assert sorted(path.name[:3] for path in (tmp_path / "corpus").iterdir()) == ["000", "002", "003"]
    assert [told["number"] for told in lines(tmp_path)] == [0, 1, 2, 3]
    assert lines(tmp_path)[1]["removed"] == {"at": "2025-11-22T03:00:00+00:00", "why": WHY}
    for told in lines(tmp_path):
        CHECK.validate(told)
    assert not CHECK.is_valid(lines(tmp_path)[1] | {"title": "Заголовок"})
    exported = [json.loads(row)["number"] for row in (tmp_path / "all.jsonl").read_text("utf-8").splitlines()]
    read = Corpus.open(tmp_path)
    assert exported == [0, 2, 3] == [article.number for article in read]
    assert (len(read), [article.number for article in read.since(1)]) == (3, [2, 3])
    assert [article.number for article in read.since(LATER)] == [3]
    with pytest.raises(KeyError):
        read[1]


async def test_neither_its_addresses_nor_its_words_are_appended_again(tmp_path: Path, storage: Storage) -> None:
    again = [
        telling(1, FIRST),
        telling(1, COPY, other_words=True),
        telling(1, "https://third.kz/1"),  # the very words
        replace(telling(8, "https://site.kz/moved"), url=FIRST),  # another text behind the old address
    ]
    async with open_corpus(tmp_path, storage) as corpus:
        await filled(corpus)
        await remove(corpus, 1, why=WHY, now=LATER)
        for _ in range(2):
            placed = await corpus.place(again, now=LATER, listed=False)
            assert not [p for p in placed if p.outcome is Outcome.APPENDED or p.number is not None]
        assert {p.outcome for p in placed} <= {Outcome.REMOVED, Outcome.DUPLICATE}
        (other,) = await corpus.place([telling(9, "https://site.kz/news/9")], now=LATER, listed=False)
        assert (other.outcome, other.number) == (Outcome.APPENDED, 3)
        assert (await verify(corpus))[1] == []


async def test_the_first_of_an_event_may_go_and_the_last_number_stays_taken(tmp_path: Path, storage: Storage) -> None:
    async with open_corpus(tmp_path, storage) as corpus:
        await filled(corpus)
        async with corpus.database.write() as connection:
            await connection.execute(events.insert(), [{"number": n, "event": 0} for n in range(3)])
        await remove(corpus, 0, why=WHY, now=LATER)
        async with corpus.database.read() as connection:
            told = (await connection.execute(select(events).order_by(events.c.number))).all()
        assert [tuple(row) for row in told] == [(1, 1), (2, 1)]
        for number in (2, 1):
            await remove(corpus, number, why=WHY, now=LATER)
        assert await verify(corpus) == (0, [])
    async with open_corpus(tmp_path, storage) as corpus:
        (placed,) = await corpus.place([telling(9, "https://site.kz/news/9")], now=LATER, listed=False)
        assert placed.number == 3
        assert await verify(corpus) == (1, [])
    assert [told["number"] for told in lines(tmp_path)] == [0, 1, 2, 3]


def _cut_after_the_index(corpus: type[CorpusWriter]) -> None:
    corpus.publish = lambda _self: os._exit(CUT)  # type: ignore[method-assign,assignment,misc]


def _cut_before_the_manifest(_: type[CorpusWriter]) -> None:
    writer.exchange_lines = lambda *_: os._exit(CUT)


def _cut_within_the_manifest(_: type[CorpusWriter]) -> None:
    def replace(self: Path, target: Path) -> None:
        os._exit(CUT)

    Path.replace = replace  # type: ignore[method-assign,assignment]


def _cut_before_the_file(_: type[CorpusWriter]) -> None:
    writer.LocalFolder.remove = lambda *_: os._exit(CUT)  # type: ignore[method-assign]


def _cut_after_the_file(_: type[CorpusWriter]) -> None:
    writer.store_cleared = lambda *_: os._exit(CUT)


def _cut_within_the_index(_: type[CorpusWriter]) -> None:
    import storage.corpus.removing as removing

    removing.store_removed = lambda *_: os._exit(CUT)  # type: ignore[assignment]


CUTS: dict[str, Callable[[type[CorpusWriter]], None]] = {
    "within the index": _cut_within_the_index,
    "after the index": _cut_after_the_index,
    "before the manifest": _cut_before_the_manifest,
    "within the manifest": _cut_within_the_manifest,
    "before the file": _cut_before_the_file,
    "after the file": _cut_after_the_file,
}


def _removed_and_cut(data: Path, settings: Storage, cut: str) -> None:
    async def work() -> None:
        async with open_corpus(data, settings) as corpus:
            CUTS[cut](CorpusWriter)
            await remove(corpus, 1, why=WHY, now=LATER)

    asyncio.run(work())


@pytest.mark.slow
@pytest.mark.parametrize("cut", CUTS)
async def test_a_removal_that_is_cut_off_is_whole_after_the_next_opening(
    tmp_path: Path, storage: Storage, fork: Fork, cut: str
) -> None:
    async with open_corpus(tmp_path, storage) as corpus:
        await filled(corpus)
    assert fork(_removed_and_cut, tmp_path, storage, cut) == CUT
    words = " ".join(story(1)[2].split()[3:9])
    async with open_corpus(tmp_path, storage) as corpus:
        count, found = await verify(corpus)
    assert found == []
    assert count == (3 if cut == "within the index" else 2)
    there = [path.parent.name for path in holds(tmp_path, words) if not path.name.startswith("index.sqlite")]
    assert there == (["corpus"] if count == 3 else [])
    assert not list(tmp_path.rglob(".*.tmp"))
    assert [told["number"] for told in lines(tmp_path)] == [0, 1, 2]


def _remove_some(data: Path, settings: Storage) -> None:
    async def work() -> None:
        for number in range(0, 40, 2):
            async with open_corpus(data, settings) as corpus:
                await remove(corpus, number, why=WHY, now=LATER)

    asyncio.run(work())


@pytest.mark.slow
async def test_killed_at_random_moments_removals_leave_nothing_half(
    tmp_path: Path, storage: Storage, fork: Fork
) -> None:
    async with open_corpus(tmp_path, storage) as corpus:
        await corpus.place([new_article(n) for n in range(40)], now=START, listed=False)
    luck, killed = random.Random(3), 0
    for _ in range(12):
        killed += fork(_remove_some, tmp_path, storage, kill_after=luck.uniform(0.05, 0.5)) != 0
        async with open_corpus(tmp_path, storage) as corpus:
            count, found = await verify(corpus)
        assert found == []
        assert len(list((tmp_path / "corpus").iterdir())) == count
        assert sum("removed" in told for told in lines(tmp_path)) == 40 - count
    assert killed > 3
    fork(_remove_some, tmp_path, storage)
    assert [told["number"] for told in lines(tmp_path) if "removed" in told] == list(range(0, 40, 2))


async def test_a_file_that_comes_back_is_a_fault_and_goes_again(tmp_path: Path, storage: Storage) -> None:
    async with open_corpus(tmp_path, storage) as corpus:
        await filled(corpus)
        kept = next((tmp_path / "corpus").glob("001_*"))
        content = kept.read_bytes()
        await remove(corpus, 1, why=WHY, now=LATER)
        kept.write_bytes(content)
        (fault,) = (await verify(corpus))[1]
        assert (fault.location, fault.fault) == (kept.name, "there, although its article was removed")
        (tmp_path / "manifest.jsonl").write_text("", "utf-8")
    async with open_corpus(tmp_path, storage, adopting=True) as corpus:
        done = await repair(corpus)
        assert (done.left, kept.exists()) == ((), False)
        kept.write_bytes(content)
    async with open_corpus(tmp_path, storage) as corpus:
        assert await verify(corpus) == (2, [])
    assert not (tmp_path / "set-aside").exists() or not holds(tmp_path / "set-aside", story(1)[0])


async def test_a_corpus_with_removed_numbers_is_adopted_with_its_manifest(tmp_path: Path, storage: Storage) -> None:
    old, lost = tmp_path / "old", tmp_path / "lost"
    async with open_corpus(old, Storage()) as corpus:
        await filled(corpus)
        await corpus.place([telling(7, "https://site.kz/news/7")], now=START, listed=False)
        for number in (0, 2, 3):
            await remove(corpus, number, why=WHY, now=LATER)
    shutil.copytree(old / "corpus", lost / "corpus")
    async with open_corpus(tmp_path / "without", Storage(), adopting=True) as corpus:
        (lost / "corpus" / "003_0123456789abcdef.txt").write_bytes(b" date 2025-11-01 text")
        with pytest.raises(StorageError, match=r"no number may be skipped, unless a manifest\.jsonl"):
            await adopt(corpus, lost / "corpus", now=LATER)
        (lost / "corpus" / "003_0123456789abcdef.txt").unlink()
    manifest = old / "manifest.jsonl"
    async with open_corpus(tmp_path / "new", storage, adopting=True) as corpus:
        for _ in range(2):
            adopted = await adopt(
                corpus, old / "corpus", now=LATER, facts=read_facts(manifest), removed=read_removed(manifest)
            )
        assert (adopted.known, adopted.next_number) == (1, 4)
        assert await verify(corpus) == (1, [])
        async with corpus.database.read() as connection:
            (hit,) = await search(connection, story(1)[0].split()[0], sources=["site"])
        assert hit.number == 1
        placed = await corpus.place(
            [telling(0, "https://site.kz/news/0"), telling(2, "https://elsewhere.kz/2")], now=LATER, listed=False
        )
        assert [p.outcome for p in placed] == ["removed", "removed"]
        await remove(corpus, 1, why=WHY, now=LATER)
        assert await verify(corpus) == (0, [])
    assert [told["number"] for told in lines(tmp_path / "new")] == [0, 1, 2, 3]


@pytest.mark.slow
async def test_on_s3_the_object_goes_and_other_machines_follow(
    tmp_path: Path, storage: Storage, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**CREDENTIALS, **s3.environment}.items():
        monkeypatch.setenv(name, value)
    on_s3 = storage.model_copy(update={"corpus": f"s3://{s3.bucket()}/texts"})
    one = tmp_path / "one"
    other = tmp_path / "other" if storage.database.get_secret_value() != "sqlite" else one
    async with open_corpus(one, on_s3) as corpus:
        await filled(corpus)
        async with open_corpus(other, on_s3) as second:
            await remove(corpus, 1, why=WHY, now=LATER)
            assert len(corpus.folder.names()) == 2
            await second.place([telling(9, "https://site.kz/news/9")], now=LATER, listed=False)
            assert await verify(second) == (3, [])
            await corpus.publish()
        await remove(corpus, 2, why=WHY, now=LATER)
    async with open_corpus(other, on_s3) as second:
        assert await verify(second) == (2, [])
    assert ["removed" in told for told in lines(other)] == [False, True, True, False]


async def test_what_is_removed_while_its_event_is_looked_for_gets_none(
    tmp_path: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = relating._compare

    def removed_meanwhile(pieces: Any, numbers: Any, known: Any) -> Any:
        async def take_back() -> None:
            async with open_corpus(tmp_path, storage) as corpus:
                await remove(corpus, 0, why=WHY, now=LATER)

        compare(pieces, numbers, known)
        asyncio.run(take_back())
        return [Translation(1, 0, 0.9), Translation(2, 1, 0.9)], {0: 0, 1: 0, 2: 0}

    async with open_corpus(tmp_path, storage) as corpus:
        await filled(corpus)
        monkeypatch.setattr(relating, "_compare", removed_meanwhile)
        await relate_new(corpus.database, now=LATER)
        assert await verify(corpus) == (2, [])
        async with corpus.database.read() as connection:
            told = (await connection.execute(select(events).order_by(events.c.number))).all()
            pairs = (await connection.execute(select(relations.c.number, relations.c.other))).all()
    assert ([tuple(row) for row in told], [tuple(pair) for pair in pairs]) == ([(1, 1), (2, 1)], [(2, 1)])


async def test_removing_and_appending_at_once_disturb_neither(tmp_path: Path, storage: Storage) -> None:
    async with open_corpus(tmp_path, storage) as corpus:
        await corpus.place([new_article(n) for n in range(20)], now=START, listed=False)

    async def append(first: int) -> None:
        async with open_corpus(tmp_path, storage) as corpus:
            for number in range(first, first + 20, 2):
                await corpus.place([new_article(number), new_article(number + 1)], now=LATER, listed=False)

    async def take_back(numbers: range) -> None:
        async with open_corpus(tmp_path, storage) as corpus:
            for number in numbers:
                await remove(corpus, number, why=WHY, now=LATER)

    async def relate() -> None:
        async with open_corpus(tmp_path, storage) as corpus:
            for _ in range(3):
                await relate_new(corpus.database, now=LATER)

    await asyncio.gather(append(100), append(200), take_back(range(0, 10)), take_back(range(5, 15)), relate())
    async with open_corpus(tmp_path, storage) as corpus:
        assert await verify(corpus) == (45, [])
    assert [told["number"] for told in lines(tmp_path)] == list(range(60))


def test_from_the_command_line(tmp_path: Path) -> None:
    data = tmp_path / "data"
    path = write_lines(tmp_path / "a.jsonl", *(line(f"https://first.kz/{n}", story(n)) for n in range(3)))
    again = write_lines(tmp_path / "b.jsonl", line("https://first.kz/1", story(1)))
    assert c5watch("corpus", "import", path, "--data", data).returncode == 0
    done = c5watch("corpus", "remove", "1", "--why", WHY, "--data", data)
    assert (done.returncode, done.stdout) == (0, f"001_{article_id('https://first.kz/1')}.txt removed\n")
    told = c5watch("corpus", "remove", "1", "--why", "again", "--data", data)
    assert (told.returncode, told.stdout.startswith("nothing to do: number 001 was removed on ")) == (0, True)
    shown = c5watch("corpus", "show", "1", "--data", data)
    assert (shown.returncode, shown.stderr.endswith(f": {WHY}\n")) == (1, True)
    assert "removed" in c5watch("explain", "https://first.kz/1", "--data", data).stdout
    assert c5watch("corpus", "import", again, "--data", data).stdout == "1 line: 1 removed\n"
    assert c5watch("corpus", "verify", "--data", data).stdout == "2 articles, all in order\n"
    assert '"removed": 1' in c5watch("corpus", "stats", "--json", "--data", data).stdout
    assert c5watch("corpus", "remove", "7", "--why", WHY, "--data", data).returncode == 1
    assert c5watch("corpus", "remove", "0", "--why", " ", "--data", data).returncode == 2
    nothing = c5watch("corpus", "remove", "0", "--why", WHY, "--data", tmp_path / "none")
    assert (nothing.returncode, (tmp_path / "none").exists()) == (1, False)
