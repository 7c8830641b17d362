"""Mending a corpus: what the index can tell is made right, what is odd is set aside, and the rest is said."""

from __future__ import annotations

import json
import os
import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from config.settings import Storage
from extractors.records import Article, Entry, Found, Result, Verdict
from storage.corpus.adopt import Adoption, adopt
from storage.corpus.repair import Mended, Repair, repair
from storage.corpus.verify import REPAIR, RESTORE, Fault, verify
from storage.corpus.writer import CorpusWriter, open_corpus, open_for_reading
from storage.errors import StorageError
from storage.index.database import index_location, open_database

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("on_each_database")]
STORAGE = Storage()
NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
COUNT = 4
Damage = Callable[[Path], Awaitable[None]]


def result(number: int) -> Result:
    url = f"https://site.kz/news/{number}"
    words = " ".join(f"слово{number}и{position}" for position in range(30))
    article = Article((words, "Конец."), f"Заголовок {number}", (), date(2025, 11, 6), "meta", "ru", "test")
    verdict = Verdict(True, "topic", 1.0, (), "why")
    return Found(url, Entry(url, "https://site.kz/rss"), "site", url=url, article=article, verdict=verdict)


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """A sound data folder with four articles."""
    await fill(tmp_path)
    return tmp_path


async def fill(data: Path) -> None:
    async with open_corpus(data, STORAGE) as corpus:
        await corpus.place([result(number) for number in range(COUNT)], now=NOW)


@asynccontextmanager
async def unfinished(data: Path) -> AsyncIterator[CorpusWriter]:
    async with open_corpus(data, STORAGE, adopting=True) as corpus:
        yield corpus


async def mend(data: Path) -> Repair:
    async with unfinished(data) as corpus:
        return await repair(corpus)


async def faults(data: Path) -> list[Fault]:
    async with open_for_reading(data, STORAGE) as corpus:
        return (await verify(corpus))[1]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} if folder.exists() else {}


def state(data: Path) -> tuple[dict[str, bytes], bytes]:
    return contents(data / "corpus"), (data / "manifest.jsonl").read_bytes()


def article_file(data: Path, number: int) -> Path:
    return next((data / "corpus").glob(f"{number:03d}_*.txt"))


async def change_index(data: Path, statement: str, **values: object) -> None:
    """Change it behind the back of whatever refers to the row."""
    place = index_location(data, STORAGE)
    if isinstance(place, Path):
        with closing(sqlite3.connect(place)) as file, file:
            file.execute(statement, values)
        return
    database = await open_database(place)
    async with database.write() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text(statement), values)
    await database.close()


async def lose_files(data: Path) -> None:
    article_file(data, 0).unlink()
    article_file(data, 3).unlink()


async def lose_folder(data: Path) -> None:
    for path in (data / "corpus").iterdir():
        path.unlink()
    (data / "corpus").rmdir()


async def change_files(data: Path) -> None:
    article_file(data, 1).write_bytes(b"changed")
    article_file(data, 2).write_bytes(b"")


async def lose_manifest(data: Path) -> None:
    (data / "manifest.jsonl").unlink()


async def change_manifest(data: Path) -> None:
    path = data / "manifest.jsonl"
    path.write_bytes(path.read_bytes().replace(b"https", b"httpz", 1))


async def cut_manifest(data: Path) -> None:
    path = data / "manifest.jsonl"
    path.write_bytes(path.read_bytes()[:-30])


async def lengthen_manifest(data: Path) -> None:
    with (data / "manifest.jsonl").open("ab") as file:
        file.write(b'{"number": 4}\n{}\n')


async def leave_halves(data: Path) -> None:
    (data / "corpus" / f".{article_file(data, 0).name}.tmp").write_text("half")
    (data / ".manifest.jsonl.tmp").write_text("half")


async def add_stranger(data: Path) -> None:
    (data / "corpus" / "002_0123456789abcdef.txt").write_text("a stranger")
    (data / "corpus" / "999_0123456789abcdef.txt").write_text("another stranger")


async def change_body(data: Path) -> None:
    await change_index(data, "UPDATE articles SET body = 'changed' WHERE number = 2")


async def change_checksum(data: Path) -> None:
    await change_index(data, "UPDATE articles SET sha256 = :digest WHERE number = 2", digest="0" * 64)


async def add_dangling_rows(data: Path) -> None:
    await change_index(data, "INSERT INTO fingerprints (hash, number) VALUES (1, 77), (1, 2), (2, 77), (3, 78)")


DAMAGE: dict[str, Damage] = {
    damage.__name__: damage
    for damage in (
        lose_files, lose_folder, change_files, lose_manifest, change_manifest, cut_manifest, lengthen_manifest,
        leave_halves, add_stranger, change_body, change_checksum, add_dangling_rows,
    )
}  # fmt: skip
SILENT = {"leave_halves"}  # half-written files harm nobody


@pytest.mark.parametrize("damage", DAMAGE)
async def test_what_is_found_can_be_mended_and_is(data: Path, damage: str) -> None:
    before = state(data)
    await DAMAGE[damage](data)
    found = await faults(data)
    assert bool(found) is (damage not in SILENT)
    assert {fault.mend for fault in found} <= {REPAIR}
    done = await mend(data)
    assert done.mended
    assert done.left == ()
    assert state(data) == before
    assert await faults(data) == []
    assert await mend(data) == Repair((), ())
    async with open_corpus(data, STORAGE) as corpus:
        await corpus.place([result(COUNT)], now=NOW)
        assert await verify(corpus) == (COUNT + 1, [])


async def _sound(data: Path, number: int) -> None:
    pass


async def _no_file(data: Path, number: int) -> None:
    article_file(data, number).unlink()


async def _other_file(data: Path, number: int) -> None:
    article_file(data, number).write_bytes(b"changed")


async def _other_body(data: Path, number: int) -> None:
    await change_index(data, "UPDATE articles SET body = 'other' WHERE number = :number", number=number)


async def _other_checksum(data: Path, number: int) -> None:
    await change_index(data, "UPDATE articles SET sha256 = 'none' WHERE number = :number", number=number)


WITNESSES = (_sound, _no_file, _other_file, _other_body, _other_checksum)


@pytest.mark.parametrize("seed", range(5))
async def test_one_lost_witness_of_each_article_is_mended_whatever_else_is_wrong(data: Path, seed: int) -> None:
    before, chance = state(data), random.Random(seed)
    for damage in chance.sample([leave_halves, add_stranger, add_dangling_rows], 2):
        await damage(data)
    for number in range(COUNT):
        await chance.choice(WITNESSES)(data, number)
    await chance.choice([lose_manifest, change_manifest, cut_manifest, lengthen_manifest])(data)
    assert (await mend(data)).left == ()
    assert state(data) == before


@pytest.mark.parametrize("second", [_no_file, _other_file])
@pytest.mark.parametrize("first", [_other_body, _other_checksum])
async def test_with_two_lost_witnesses_nothing_is_touched_and_a_copy_is_asked_for(
    data: Path, first: Callable[[Path, int], Awaitable[None]], second: Callable[[Path, int], Awaitable[None]]
) -> None:
    await first(data, 1)
    await second(data, 1)
    files = contents(data / "corpus")
    done = await mend(data)
    assert contents(data / "corpus") == files
    assert {fault.mend for fault in done.left} == {RESTORE}


async def test_what_is_odd_is_set_aside_and_said(data: Path) -> None:
    changed, stranger = article_file(data, 1).name, "002_0123456789abcdef.txt"
    article_file(data, 1).write_bytes(b"changed")
    (data / "corpus" / stranger).write_bytes(b"a stranger")
    manifest = (data / "manifest.jsonl").read_bytes()
    await change_manifest(data)
    odd = (data / "manifest.jsonl").read_bytes()
    done = await mend(data)
    assert done.mended == (
        Mended(changed, f"written again, the odd one is set-aside/{changed}"),
        Mended(stranger, f"unknown to the index, moved to set-aside/{stranger}"),
        Mended("manifest.jsonl", "written anew from the index, the odd one is set-aside/manifest.jsonl"),
    )
    assert contents(data / "set-aside") == {changed: b"changed", stranger: b"a stranger", "manifest.jsonl": odd}
    assert (data / "manifest.jsonl").read_bytes() == manifest


async def test_files_that_could_be_adopted_stay_and_are_offered(data: Path) -> None:
    following, far = "004_0123456789abcdef.txt", "006_0123456789abcdef.txt"
    for name in (following, far):
        (data / "corpus" / name).write_text("An article that the index lacks.")
    done = await mend(data)
    assert [step.location for step in done.mended] == [far]
    assert [(fault.location, fault.mend.split("'")[1]) for fault in done.left] == [
        (following, f"c5watch corpus import {data / 'corpus'}")
    ]
    async with unfinished(data) as corpus:
        assert await adopt(corpus, corpus.folder, now=NOW) == Adoption(1, COUNT, COUNT + 1)
    assert await faults(data) == []


async def test_a_lost_index_is_no_reason_to_move_the_files(data: Path, empty_storage: Storage) -> None:
    before = state(data)
    for path in data.glob("index.sqlite*"):
        path.unlink()
    async with open_corpus(data, empty_storage, adopting=True) as corpus:
        done = await repair(corpus)
    assert [step.location for step in done.mended] == ["manifest.jsonl"]
    assert len(done.left) == COUNT
    assert contents(data / "corpus") == before[0]
    assert contents(data / "set-aside")["manifest.jsonl"] == before[1]


async def test_files_of_other_kinds_are_named_and_left_alone(data: Path) -> None:
    (data / "corpus" / "notes.txt").write_text("x")
    (data / "corpus" / "folder").mkdir()
    (data / "corpus" / "003_0123456789abcdef.txt").mkdir()  # named like an article, and no file
    done = await mend(data)
    assert done.mended == ()
    assert [fault.location for fault in done.left] == ["003_0123456789abcdef.txt", "folder", "notes.txt"]
    assert len(list((data / "corpus").iterdir())) == COUNT + 3


async def test_an_unreadable_file_is_named_and_the_rest_is_mended(data: Path) -> None:
    path = article_file(data, 1)
    path.unlink()
    path.mkdir()
    await lose_manifest(data)
    done = await mend(data)
    assert [step.location for step in done.mended] == ["manifest.jsonl"]
    assert [(fault.location, fault.fault) for fault in done.left] == [(path.name, "cannot be read")]
    assert "Is a directory" in done.left[0].mend


async def test_a_gap_in_the_numbers_cannot_be_mended_and_is_said(data: Path) -> None:
    article_file(data, 1).unlink()
    await change_index(data, "DELETE FROM articles WHERE number = 1")
    done = await mend(data)
    assert [str(fault) for fault in done.left] == [f"index: numbers 001 to 001 are missing: {RESTORE}"]
    assert await mend(data) == Repair((), done.left)


async def test_texts_that_lost_their_story_are_kept(data: Path) -> None:
    columns = "number, key, relation, score, url, source_id, text, stored_at"
    values = "77, 'https://a.kz/1', 'reprint', 0.9, 'https://a.kz/1', 'a', 'Text', 0"
    await change_index(data, f"INSERT INTO variants ({columns}) VALUES ({values})")
    done = await mend(data)
    assert done.mended == ()
    assert [str(fault) for fault in done.left] == [
        f"index: variants.number names 1 missing article, the first 77: {RESTORE}"
    ]


async def test_what_a_repair_left_that_was_cut_off_anywhere_is_mended_by_the_next(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, chance, cuts = state(data), random.Random(4), 0
    for damage in (leave_halves, lose_files, change_files, add_stranger, change_manifest, add_dangling_rows):
        await damage(data)

    class Cut(BaseException):
        pass

    sync = os.fsync

    def cut_or_sync(handle: int) -> None:
        if chance.random() < 0.3:
            raise Cut
        sync(handle)

    monkeypatch.setattr(os, "fsync", cut_or_sync)
    while True:
        try:
            done = await mend(data)
        except Cut:
            cuts += 1
        else:
            break
    assert cuts >= 3
    assert done.left == ()
    assert state(data) == before
    assert sorted(contents(data / "set-aside").values()) == sorted(
        [b"changed", b"", b"a stranger", b"another stranger", before[1].replace(b"https", b"httpz", 1)]
    )


async def test_more_articles_than_are_mended_at_a_time(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.corpus.repair.AT_A_TIME", 2)
    monkeypatch.setattr("storage.corpus.verify.AT_A_TIME", 3)
    before = state(data)
    await lose_folder(data)
    done = await mend(data)
    assert [step.location for step in done.mended] == sorted(before[0])
    assert state(data) == before


async def test_a_foreign_file_in_the_way_of_an_article_is_mended(data: Path) -> None:
    content = article_file(data, 3).read_bytes()
    name = article_file(data, 3).name
    (data / "manifest.jsonl").unlink()
    (data / "corpus" / name).write_text("something else")
    with pytest.raises(StorageError, match=r"exists with another content .*: move it away.* or run 'c5watch corpus r"):
        async with open_corpus(data, STORAGE):
            pass
    assert (await mend(data)).left == ()
    assert (data / "corpus" / name).read_bytes() == content
    lines = (data / "manifest.jsonl").read_text().splitlines()
    assert [json.loads(line)["number"] for line in lines] == list(range(COUNT))
