"""Checking a corpus: each fault is found and named, and nothing below the folder is touched."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select, text

from config.settings import Storage
from extractors.records import Article, Entry, Found, Result, Verdict
from storage.corpus.verify import REPAIR, RESTORE, Fault, verify
from storage.corpus.writer import CorpusWriter, open_corpus, open_for_reading
from storage.index.database import index_location, open_database
from storage.index.schema import articles

NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
COUNT = 4


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("on_each_database")]
STORAGE = Storage()


def result(number: int) -> Result:
    url = f"https://site.kz/news/{number}"
    text = " ".join(f"слово{number}и{position}" for position in range(30))
    article = Article((text, "Конец."), f"Заголовок {number}", (), date(2025, 11, 6), "meta", "ru", "test")
    verdict = Verdict(True, "topic", 1.0, (), "why")
    return Found(url, Entry(url, "https://site.kz/rss"), "site", url=url, article=article, verdict=verdict)


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """A sound data folder with four articles."""
    async with open_corpus(tmp_path, STORAGE) as corpus:
        await corpus.place([result(number) for number in range(COUNT)], now=NOW)
    return tmp_path


@asynccontextmanager
async def reading(data: Path) -> AsyncIterator[CorpusWriter]:
    async with open_for_reading(data, STORAGE) as corpus:
        yield corpus


def article_file(data: Path, number: int) -> Path:
    return next((data / "corpus").glob(f"{number:03d}_*.txt"))


def state(data: Path) -> dict[str, tuple[str, int]]:
    """Hash and moment of change of everything but the database, whose reading leaves its own marks beside it."""
    files = [path for path in data.rglob("*") if path.is_file() and not path.name.startswith("index.sqlite")]
    return {str(p): (hashlib.sha256(p.read_bytes()).hexdigest(), p.stat().st_mtime_ns) for p in files}


async def rows(data: Path) -> list[Row[Any]]:
    async with reading(data) as corpus, corpus.database.read() as connection:
        return list(await connection.execute(select(articles).order_by(articles.c.number)))


async def change_index(data: Path, statement: str, **values: object) -> None:
    database = await open_database(index_location(data, STORAGE))
    async with database.write() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text("SET LOCAL session_replication_role = replica"))  # whatever refers to it
        await connection.execute(text(statement), values)
    await database.close()


def change_manifest(data: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path = data / "manifest.jsonl"
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


async def check(data: Path) -> list[Fault]:
    """The faults found, after making sure that finding them changed nothing."""
    before = state(data), await rows(data)
    async with reading(data) as corpus:
        count, found = await verify(corpus)
    assert (state(data), await rows(data)) == before
    assert count == len(before[1])
    assert all(len(str(fault).splitlines()) == 1 for fault in found)
    return found


async def test_a_sound_corpus_has_no_fault_and_stays_untouched(data: Path) -> None:
    assert await check(data) == []


async def test_an_empty_corpus_has_no_fault(tmp_path: Path) -> None:
    async with open_corpus(tmp_path, STORAGE):
        pass
    assert await check(tmp_path) == []


@pytest.mark.parametrize("position", [0, 1, -1])
async def test_a_changed_byte_is_found(data: Path, position: int) -> None:
    path = article_file(data, 2)
    content = bytearray(path.read_bytes())
    content[position] ^= 0x01
    path.write_bytes(content)
    found = await check(data)
    assert Fault(path.name, "another content than when it was written", REPAIR) in found
    assert {fault.location for fault in found} == {path.name}


async def test_a_missing_file_is_found(data: Path) -> None:
    path = article_file(data, 1)
    path.unlink()
    assert await check(data) == [Fault(path.name, "missing", REPAIR)]


async def test_a_missing_folder_is_found(data: Path) -> None:
    (data / "corpus").rename(data / "elsewhere")
    assert [fault.fault for fault in await check(data)] == ["missing"] * COUNT


@pytest.mark.parametrize("name", ["notes.txt", "0001_0123456789abcdef.txt", "000_0123456789ABCDEF.txt", "folder"])
async def test_a_foreign_file_is_found(data: Path, name: str) -> None:
    if name == "folder":
        (data / "corpus" / name).mkdir()
    else:
        (data / "corpus" / name).write_text("x")
    mend = "move it away: downstream tools read the folder"
    assert await check(data) == [Fault(name, "not the name of an article file", mend)]


async def test_a_hidden_file_is_none_of_ours(data: Path) -> None:
    (data / "corpus" / ".DS_Store").write_text("x")
    (data / "corpus" / f".{article_file(data, 0).name}.tmp").write_text("half")
    assert await check(data) == []


@pytest.mark.parametrize(("number", "continuing"), [("002", False), ("004", True), ("999", False)])
async def test_a_foreign_file_with_an_article_name_is_found(data: Path, number: str, continuing: bool) -> None:
    name = f"{number}_0123456789abcdef.txt"
    (data / "corpus" / name).write_text("x")
    adopting = f"adopt it with 'c5watch corpus import {data / 'corpus'}' and the same --data, or move it away"
    assert await check(data) == [Fault(name, "a file that the index does not know", adopting if continuing else REPAIR)]


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (lambda lines: [lines[0], lines[1].replace(b"https", b"httpz"), *lines[2:]], 1),
        (lambda lines: [lines[0], b"\xff\xfe not JSON\n", *lines[2:]], 1),
        (lambda lines: [lines[0], b"\n", *lines[2:]], 1),
        (lambda lines: [lines[0], b"[1]\n", *lines[2:]], 1),
        (lambda lines: [lines[0], lines[2], lines[1], lines[3]], 1),
        (lambda lines: lines[:-1], 3),
        (lambda lines: [*lines[:-1], lines[-1].rstrip(b"\n")], 3),
        (lambda lines: [*lines[:-1], lines[-1][:-1] + b"\r\n"], 3),
        (lambda lines: lines[1:], 0),
        (lambda lines: [], 0),
    ],
)
async def test_a_manifest_line_changed_or_missing_is_found(
    data: Path, change: Callable[[list[bytes]], list[bytes]], first: int
) -> None:
    change_manifest(data, change)
    fault = f"differs from the index from number {first:03d} on"
    assert await check(data) == [Fault("manifest.jsonl", fault, REPAIR)]


async def test_a_missing_manifest_is_found(data: Path) -> None:
    (data / "manifest.jsonl").unlink()
    assert [fault.fault for fault in await check(data)] == ["differs from the index from number 000 on"]


@pytest.mark.parametrize("extra", [b'{"number": 4}\n', b"\n", b"\xff", b"{}\n{}\n"])
async def test_more_manifest_lines_than_articles_are_found(data: Path, extra: bytes) -> None:
    change_manifest(data, lambda lines: [*lines, extra])
    fault = "more lines than the index has articles"
    assert await check(data) == [Fault("manifest.jsonl", fault, REPAIR)]


async def test_a_malformed_file_of_ours_is_found_and_an_adopted_one_is_not(data: Path) -> None:
    path = article_file(data, 3)
    path.write_text("  Two  spaces.\n\n\n\nEnd.\n")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    statement = "UPDATE articles SET body = :body, sha256 = :digest WHERE number = 3"
    await change_index(data, statement, body=path.read_text(), digest=digest)
    change_manifest(
        data,
        lambda lines: [
            *lines[:3],
            (json.dumps(json.loads(lines[3]) | {"sha256": digest}, ensure_ascii=False) + "\n").encode(),
        ],
    )
    assert [str(fault) for fault in await check(data)] == [
        f"{path.name}: {fault}: report it: c5watch wrote a malformed file"
        for fault in (
            "a newline at the end",
            "more than one blank line between paragraphs",
            "stray spaces or invisible characters",
        )
    ]
    await change_index(data, "UPDATE articles SET method = 'adopted' WHERE number = 3")
    assert {fault.location for fault in await check(data)} == {"manifest.jsonl"}


async def test_a_number_missing_from_the_index_is_found(data: Path) -> None:
    article_file(data, 1).unlink()
    article_file(data, 2).unlink()
    await change_index(data, "DELETE FROM articles WHERE number IN (1, 2)")
    change_manifest(data, lambda lines: [lines[0], lines[3]])
    gap, *dangling = await check(data)
    assert gap == Fault("index", "numbers 001 to 002 are missing", RESTORE)
    assert [fault.fault for fault in dangling] == ["fingerprints.number names 2 missing articles, the first 1"]


async def test_a_name_that_contradicts_number_and_id_is_found(data: Path) -> None:
    old = article_file(data, 1)
    new = old.with_name("001_0123456789abcdef.txt")
    old.rename(new)
    await change_index(data, "UPDATE articles SET file = :name WHERE number = 1", name=new.name)
    change_manifest(data, lambda lines: [line.replace(old.name.encode(), new.name.encode()) for line in lines])
    expected = f"named differently from number 001 and id {old.name[4:20]}"
    assert await check(data) == [Fault(new.name, expected, "restore the index from a copy")]


async def test_all_faults_are_reported_at_once(data: Path) -> None:
    article_file(data, 0).unlink()
    article_file(data, 1).write_text("changed")
    (data / "corpus" / "notes.txt").write_text("x")
    change_manifest(data, lambda lines: lines[:3])
    assert len(await check(data)) == 4
