"""Taking over article files from elsewhere: numbers, names and bytes stay; what does not fit changes nothing."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select

from config.settings import Storage
from extractors.records import Article, Entry, Found, Outcome, Placement, Result, Verdict
from extractors.urls import article_id
from storage.corpus.adopt import Adoption, adopt
from storage.corpus.verify import verify
from storage.corpus.writer import CorpusWriter, open_corpus
from storage.errors import StorageError
from storage.index.schema import articles

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("on_each_database")]
STORAGE = Storage()
NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
WORDS = " ".join(f"слово{position}" for position in range(30))
URL = "https://site.kz/news/1"

# One of each shape; the fourth was written by ourselves elsewhere, so its id is that of its address.
FILES = {
    "000_aaaaaaaaaaaaaaaa.txt": f" date 2025-11-06 Президент подписал указ. {WORDS}\n\nВторой абзац.".encode(),
    "001_bbbbbbbbbbbbbbbb.txt": f"Заголовок без даты\n\nПервый абзац второго текста. {WORDS}".encode(),
    "002_cccccccccccccccc.txt": "Заголовок\nпервый абзац\nвторой  абзац\u00a0\n\n\n\nКомментарии\n\n".encode(),
    f"003_{article_id(URL)}.txt": b" date 2025-02-01 An article in English that we have collected elsewhere.",
    "004_dddddddddddddddd.txt": b" date 2025-02-30 Text under a day that does not exist.\r\n",
}


@asynccontextmanager
async def opened(data: Path, *, adopting: bool = False) -> AsyncIterator[CorpusWriter]:
    async with open_corpus(data, STORAGE, adopting=adopting) as corpus:
        yield corpus


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


async def rows(corpus: CorpusWriter) -> list[Row[Any]]:
    async with corpus.database.read() as connection:
        return list(await connection.execute(select(articles).order_by(articles.c.number)))


def result(url: str, text: str) -> Result:
    article = Article((text,), "Заголовок", (), date(2025, 11, 20), "json-ld", "ru", "test")
    verdict = Verdict(True, "topic", 1.0, (), "why")
    return Found(url, Entry(url, "https://site.kz/rss"), "site", url=url, article=article, verdict=verdict)


async def place(corpus: CorpusWriter, url: str, text: str) -> Placement:
    (placed,) = await corpus.place([result(url, text)], now=NOW)
    return placed


async def test_the_seed_files_are_taken_over_as_they_are(tmp_path: Path, seeds: Path) -> None:
    async with opened(tmp_path) as corpus:
        assert await adopt(corpus, seeds, now=NOW) == Adoption(5, 0, 5)
        assert await verify(corpus) == (5, [])
        found = await rows(corpus)
        placed = await place(corpus, URL, WORDS)
    assert [row.published is not None for row in found] == [True, True, False, True, False]
    assert {row.language for row in found} == {"ru"}
    assert placed.number == 5
    names = sorted(contents(tmp_path / "corpus"))
    assert names[:5] == sorted(path.name for path in seeds.iterdir())
    assert names[5] == f"005_{article_id(URL)}.txt"
    assert all((tmp_path / "corpus" / path.name).read_bytes() == path.read_bytes() for path in seeds.iterdir())


async def test_numbers_names_and_bytes_stay_and_the_next_article_continues(tmp_path: Path) -> None:
    source = write(tmp_path / "source", FILES)
    async with opened(tmp_path / "data") as corpus:
        assert await adopt(corpus, source, now=NOW) == Adoption(5, 0, 5)
        assert contents(tmp_path / "data" / "corpus") == FILES
        assert await verify(corpus) == (5, [])
        found = await rows(corpus)
        placed = await place(corpus, "https://site.kz/news/2", f"Новый текст. {WORDS}")
    assert (placed.outcome, placed.number) == (Outcome.APPENDED, 5)
    assert [row.title for row in found] == [None, "Заголовок без даты", "Заголовок", None, FILES_TITLE]
    assert [row.published for row in found] == [date(2025, 11, 6), None, None, date(2025, 2, 1), None]
    assert [row.date_origin for row in found] == ["file", None, None, "file", None]
    assert [row.method for row in found] == ["adopted"] * 5
    assert contents(source) == FILES
    lines = [json.loads(line) for line in (tmp_path / "data" / "manifest.jsonl").read_text().splitlines()]
    assert [line["file"] for line in lines[:5]] == sorted(FILES)
    assert [line["canonical_url"] for line in lines[:5]] == [None] * 5


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "1994-12-31", "2025-11-25"])
async def test_a_date_that_cannot_be_true_is_none_and_its_file_stays(tmp_path: Path, day: str) -> None:
    files = {"000_aaaaaaaaaaaaaaaa.txt": f" date {day} Президент подписал указ. {WORDS}\n\nВторой абзац.".encode()}
    source = write(tmp_path / "source", files)
    async with opened(tmp_path / "data") as corpus:
        assert await adopt(corpus, source, now=NOW) == Adoption(1, 0, 1)
        (row,) = await rows(corpus)
        assert (row.published, row.date_origin, row.title) == (None, None, None)
        assert await verify(corpus) == (1, [])
    assert contents(tmp_path / "data" / "corpus") == files
    async with opened(tmp_path / "new") as corpus:  # the same day in a manifest from elsewhere
        digest = hashlib.sha256(files["000_aaaaaaaaaaaaaaaa.txt"]).hexdigest()
        facts = {digest: {"published": date.fromisoformat(day), "date_origin": "json-ld"}}
        await adopt(corpus, source, now=NOW, facts=facts)
        (row,) = await rows(corpus)
        assert (row.published, row.date_origin) == (None, None)


FILES_TITLE = " date 2025-02-30 Text under a day that does not exist.\r"


async def test_adopting_twice_changes_nothing(tmp_path: Path) -> None:
    source = write(tmp_path / "source", FILES)
    data = tmp_path / "data"
    async with opened(data) as corpus:
        await adopt(corpus, source, now=NOW)
        before = contents(data)["manifest.jsonl"], await rows(corpus)
        assert await adopt(corpus, source, now=datetime.now(UTC)) == Adoption(0, 5, 5)
        assert (contents(data)["manifest.jsonl"], await rows(corpus)) == before
    async with opened(data) as corpus:
        assert await adopt(corpus, source, now=datetime.now(UTC)) == Adoption(0, 5, 5)
        assert await adopt(corpus, corpus.folder, now=NOW) == Adoption(0, 5, 5)
        assert (contents(data)["manifest.jsonl"], await rows(corpus)) == before


async def test_a_corpus_is_adopted_where_it_stands(tmp_path: Path) -> None:
    folder = write(tmp_path / "corpus", FILES)
    moments = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    async with opened(tmp_path, adopting=True) as corpus:
        assert await adopt(corpus, folder, now=NOW) == Adoption(5, 0, 5)
    async with opened(tmp_path) as corpus:
        assert await verify(corpus) == (5, [])
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == moments


async def test_more_files_continue_what_was_adopted(tmp_path: Path) -> None:
    first = write(tmp_path / "first", dict(list(FILES.items())[:2]))
    async with opened(tmp_path / "data") as corpus:
        assert await adopt(corpus, first, now=NOW) == Adoption(2, 0, 2)
        assert await adopt(corpus, write(tmp_path / "all", FILES), now=NOW) == Adoption(3, 2, 5)
        assert await verify(corpus) == (5, [])


async def test_an_empty_corpus_begins_where_the_files_begin(tmp_path: Path) -> None:
    source = write(
        tmp_path / "source", {"0999_aaaaaaaaaaaaaaaa.txt": b"no article name", "999_" + "a" * 16 + ".txt": b"x"}
    )
    async with opened(tmp_path / "data") as corpus:
        assert await adopt(corpus, source, now=NOW) == Adoption(1, 0, 1000)
        assert (await place(corpus, URL, WORDS)).number == 1000
        assert await verify(corpus) == (2, [])


async def test_copies_of_adopted_texts_are_recognised(tmp_path: Path) -> None:
    async with opened(tmp_path / "data") as corpus:
        await adopt(corpus, write(tmp_path / "source", FILES), now=NOW)
        dated = await place(corpus, "https://a.kz/1", f"Президент подписал указ! {WORDS} Второй абзац")
        undated = await place(corpus, "https://a.kz/2", f"Первый абзац второго текста: {WORDS}")
    assert [(p.outcome, p.number, p.reason) for p in (dated, undated)] == [
        (Outcome.DUPLICATE, 0, "same text"),
        (Outcome.DUPLICATE, 1, "same text"),
    ]


async def test_an_adopted_file_of_our_own_is_known_by_its_address(tmp_path: Path) -> None:
    async with opened(tmp_path / "data") as corpus:
        await adopt(corpus, write(tmp_path / "source", FILES), now=NOW)
        placed = await place(corpus, URL, f"The same article with a changed text. {WORDS}")
        assert (placed.key, placed.outcome, placed.number, placed.reason) == (URL, Outcome.DUPLICATE, 3, "same address")
        assert [(p.key, p.number) for p in await corpus.settle_known([URL, "https://a.kz/3"], now=NOW)] == [(URL, 3)]
        assert await verify(corpus) == (5, [])


def renamed(**names: str) -> dict[str, bytes]:
    """FILES with some of the numbers (`n001="007"`) replaced."""
    return {names.get(f"n{name[:3]}", name[:3]) + name[3:]: content for name, content in FILES.items()}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (renamed(n003="007"), "004_dddddddddddddddd.txt: number 004 does not continue the corpus, expected 003: "),
        (renamed(n001="000"), ": 000_.* and 000_.* have the same number"),
        ({**FILES, "005_aaaaaaaaaaaaaaaa.txt": b"x"}, "005_a.*: 000_a.* has the same id, expected each article once"),
        ({**FILES, "005_eeeeeeeeeeeeeeee.txt": b"abc\xff"}, "005_e.*: not UTF-8 at byte 3"),
        ({}, "found no file named like 000_0123456789abcdef.txt"),
        ({"article.txt": b"text", "0001_aaaaaaaaaaaaaaaa.txt": b"text"}, "found no file named like 000_"),
    ],
)
async def test_files_that_are_no_corpus_change_nothing(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    source = write(tmp_path / "source", files)
    async with opened(tmp_path / "data") as corpus:
        with pytest.raises(StorageError, match=message) as caught:
            await adopt(corpus, source, now=NOW)
        assert len(str(caught.value).splitlines()) == 1
        assert await rows(corpus) == []
        assert contents(tmp_path / "data" / "corpus") == {}
        assert await verify(corpus) == (0, [])


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (renamed(), "000_a.*: the corpus has another article under this number .*adopt into an empty data folder"),
        ({"002_aaaaaaaaaaaaaaaa.txt": b"x"}, "number 002 does not continue the corpus, expected 001: no number may"),
        ({f"001_{article_id(URL)}.txt": b"x"}, "001_.*: 000_.* has the same id"),
        ({f"000_{article_id(URL)}.txt": b"changed"}, "the corpus has another article under this number"),
    ],
)
async def test_files_that_do_not_fit_the_corpus_change_nothing(
    tmp_path: Path, files: dict[str, bytes], message: str
) -> None:
    source = write(tmp_path / "source", files)
    async with opened(tmp_path / "data") as corpus:
        await place(corpus, URL, WORDS)
        before = contents(tmp_path / "data" / "corpus"), await rows(corpus)
        with pytest.raises(StorageError, match=message):
            await adopt(corpus, source, now=NOW)
        assert (contents(tmp_path / "data" / "corpus"), await rows(corpus)) == before
        assert await verify(corpus) == (1, [])


@pytest.mark.parametrize("name", ["missing", "file"])
async def test_what_is_no_folder_is_said_so(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    async with opened(tmp_path / "data") as corpus:
        with pytest.raises(StorageError, match=f"{name}: expected an existing folder of article files"):
            await adopt(corpus, tmp_path / name, now=NOW)


async def test_a_folder_named_like_an_article_file_is_one_sentence(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "000_aaaaaaaaaaaaaaaa.txt").mkdir(parents=True)
    async with opened(tmp_path / "data") as corpus:
        with pytest.raises(StorageError, match=r"000_aaaaaaaaaaaaaaaa\.txt: Is a directory: check the disk"):
            await adopt(corpus, source, now=NOW)


@pytest.mark.parametrize("foreign", ["000_aaaaaaaaaaaaaaaa.txt", "123_ffffffffffffffff.txt"])
async def test_files_of_the_corpus_folder_are_never_overwritten_or_ignored(tmp_path: Path, foreign: str) -> None:
    source = write(tmp_path / "source", FILES)
    folder = write(tmp_path / "data" / "corpus", {foreign: b"something else"})
    async with opened(tmp_path / "data", adopting=True) as corpus:
        with pytest.raises(StorageError, match=r"another content: move it away|unknown to the index"):
            await adopt(corpus, source, now=NOW)
        assert await rows(corpus) == []
    assert contents(folder) == {foreign: b"something else"}


async def test_unknown_files_keep_a_corpus_from_opening_and_the_sentence_names_the_mend(tmp_path: Path) -> None:
    folder = write(tmp_path / "corpus", FILES)
    with pytest.raises(StorageError) as caught:
        async with opened(tmp_path):
            pass
    assert str(caught.value) == (
        f"{folder} holds 5 article files unknown to the index (first: 000_aaaaaaaaaaaaaaaa.txt): "
        f"adopt them with 'c5watch corpus import {folder}' and the same --data, or name another folder with --data"
    )
    assert contents(folder) == FILES


async def test_a_lost_index_is_made_again_by_adopting_the_files(tmp_path: Path, empty_storage: Storage) -> None:
    async with opened(tmp_path) as corpus:
        await place(corpus, URL, WORDS)
        await place(corpus, "https://site.kz/news/2", f"Другой текст. {WORDS}")
    before = contents(tmp_path / "corpus")
    for path in tmp_path.glob("index.sqlite*"):
        path.unlink()
    with pytest.raises(StorageError, match="unknown to the index"):
        async with open_corpus(tmp_path, empty_storage):
            pass
    async with open_corpus(tmp_path, empty_storage, adopting=True) as corpus:
        assert await adopt(corpus, corpus.folder, now=NOW) == Adoption(2, 0, 2)
        assert await verify(corpus) == (2, [])
        assert (await place(corpus, URL, "changed")).reason == "same address"
    assert contents(tmp_path / "corpus") == before


async def test_a_copied_data_folder_is_the_same_corpus(tmp_path: Path) -> None:
    async with opened(tmp_path / "data") as corpus:
        await adopt(corpus, write(tmp_path / "source", FILES), now=NOW)
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    async with opened(tmp_path / "copy") as corpus:
        assert await verify(corpus) == (5, [])
