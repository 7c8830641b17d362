"""Exporting the corpus: which rows, in each form, whole or not at all."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import resource
import sys
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet
from sqlalchemy import insert

from config.settings import Storage
from storage.corpus import export as export_module
from storage.corpus.export import KINDS, Selection, export
from storage.corpus.export_forms import COLUMNS, FORMS
from storage.corpus.writer import CorpusWriter, open_corpus
from storage.errors import StorageError
from storage.index.schema import articles, events, relations, variants
from tests.support.digest_corpus import source

pytestmark = pytest.mark.slow

NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
AT = datetime(2025, 11, 1, 10, 15, tzinfo=timezone(timedelta(hours=5)))
NASTY = 'a\u2028b\u2029c\x85d "quoted", comma; ё'


def article(number: int, **changes: Any) -> dict[str, Any]:
    """A row of `articles`."""
    day = changes.get("published", date(2025, 11, 1))
    header = f" date {day} " if day else ""
    body = changes.pop("text", f"Текст {number}.\n\nКонец.")
    return {
        "number": number, "id": f"{number:016x}", "file": f"{number:03d}_{number:016x}.txt", "body": header + body,
        "sha256": "ab" * 32, "exact_key": bytes(16), "canonical_url": f"https://a.kz/{number}",
        "url": f"https://a.kz/{number}?x", "source_id": "a", "feed_url": "https://a.kz/rss",
        "title": f"Статья {number}",
        "authors": ["А. Автор", "Б. Автор"], "published": day, "published_at": AT, "date_origin": "json-ld",
        "dates": [["2025-11-01", "json-ld"], ["2025-11-02", "feed"]], "language": "ru", "topic": "t", "score": 7.5,
        "matches": [["region", "казахстан*", "lead", 2]], "why": "w", "method": "m", "version": "0",
        "retrieved_at": NOW, "appended_at": NOW, **changes,
    }  # fmt: skip


def variant(number: int, relation: str, **changes: Any) -> dict[str, Any]:
    """A row of `variants`."""
    return {
        "number": number, "key": f"https://b.ru/{number}", "relation": relation, "score": 0.9,
        "url": f"https://b.ru/{number}/{relation}", "source_id": "b", "title": "Перепечатка",
        "published": date(2025, 11, 3), "language": "ru", "text": "Перепечатано.", "stored_at": NOW, **changes,
    }  # fmt: skip


@pytest.fixture
async def corpus(tmp_path: Path, storage: Storage) -> AsyncIterator[CorpusWriter]:
    """Six articles: 1 has a reprint and a version, 3 translates 2 and 4 translates 3, 5 is a template of 0."""
    async with open_corpus(tmp_path / "data", storage) as corpus:
        async with corpus.database.write() as connection:
            rows = [
                article(0, published=None, text="Статья 0\n\nПросто текст.", authors=None, matches=None, dates=None),
                article(1),
                article(2, source_id="c", language="en", published=date(2025, 10, 1)),
                article(3, title=NASTY, text=NASTY),
                article(4, source_id="b", language="kk"),
                article(5, source_id=None, title="=1+1", url=None),
            ]
            for row in rows:
                await connection.execute(insert(articles), row)
            await connection.execute(insert(variants), [
                variant(1, "reprint"), variant(1, "version", source_id="a", text="Статья с поправкой. " * 9),
                variant(2, "reprint", source_id="a", language="en", published=None),
            ])  # fmt: skip
            await connection.execute(insert(relations), [
                {"number": 3, "other": 2, "kind": "translation_of", "score": 0.8},
                {"number": 4, "other": 3, "kind": "translation_of", "score": 0.7},
                {"number": 5, "other": 0, "kind": "template", "score": 0.75},
            ])  # fmt: skip
            await connection.execute(insert(events), [{"number": n, "event": 2} for n in (2, 3)])
        yield corpus


async def exported(corpus: CorpusWriter, **selection: Any) -> list[dict[str, Any]]:
    """The rows, by way of JSON lines."""
    target = corpus.manifest.with_name("export.jsonl")
    sources = {one: source(one, country) for one, country in (("a", "KZ"), ("b", "RU"), ("c", "US"))}
    count = await export(corpus, target, form="jsonl", selection=Selection(**selection), sources=sources)
    lines = target.read_bytes().decode("utf-8").split("\n")
    assert lines.pop() == "" and len(lines) == count
    return [json.loads(line) for line in lines]


async def test_every_article_is_one_row_with_all_that_is_known(corpus: CorpusWriter) -> None:
    rows = await exported(corpus)
    assert [row["number"] for row in rows] == [0, 1, 2, 3, 4, 5]
    assert all(list(row) == list(COLUMNS) for row in rows)
    assert rows[1] == {
        "number": 1, "relation": None, "id": "0" * 15 + "1", "file": "001_0000000000000001.txt",
        "canonical_url": "https://a.kz/1", "url": "https://a.kz/1?x", "source": "a",
        "source_name": "Сайт a", "source_country": "KZ", "country": None, "words": 3,
        "feed": "https://a.kz/rss", "title": "Статья 1", "authors": ["А. Автор", "Б. Автор"], "date": "2025-11-01",
        "published_at": "2025-11-01T10:15:00+05:00", "date_origin": "json-ld",
        "dates": [["2025-11-01", "json-ld"], ["2025-11-02", "feed"]], "language": "ru",
        "topic": "t", "score": 7.5, "borderline": None,
        "terms": [["region", "казахстан*", "lead", 2]], "why": "w", "sha256": "ab" * 32,
        "text_hash": "00" * 16, "method": "m", "version": "0", "retrieved_at": "2025-11-22T09:30:00+00:00",
        "appended_at": "2025-11-22T09:30:00+00:00", "event": None, "reprints": ["https://b.ru/1/reprint"],
        "relations": [], "share": None, "text_url": "https://a.kz/1?x", "text": "Текст 1.\n\nКонец.",
    }  # fmt: skip
    assert (rows[0]["date"], rows[0]["text"], rows[0]["authors"]) == (None, "Просто текст.", [])
    assert (rows[3]["relations"], rows[3]["event"]) == ([["translation_of", 2, 0.8]], 2)
    assert (rows[5]["source"], rows[5]["source_country"]) == (None, None)


async def test_every_fact_of_the_manifest_is_a_column(corpus: CorpusWriter) -> None:
    await corpus.publish()
    lines = corpus.manifest.read_text(encoding="utf-8").split("\n")[:-1]
    for line, row in zip(lines, await exported(corpus), strict=True):
        fact = json.loads(line)
        assert {name: value or row[name] for name, value in fact.items()} == {name: row[name] for name in fact}


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"first_day": date(2025, 11, 1)}, [1, 3, 4, 5]),
        ({"last_day": date(2025, 10, 1)}, [2]),
        ({"first_day": date(2025, 10, 2), "last_day": date(2025, 10, 31)}, []),
        ({"sources": ["a"]}, [0, 1, 3]),
        ({"sources": ["b", "c"]}, [2, 4]),
        ({"sources": ["nowhere"]}, []),
        ({"languages": ["en", "kk"]}, [2, 4]),
        ({"countries": ["KZ", "US"]}, [0, 1, 2, 3]),
        ({"countries": ["XX"]}, []),
        ({"countries": ["KZ"], "languages": ["en"]}, []),
        ({"relations": ["reprint"]}, [0, 1, "1 reprint", 2, "2 reprint", 3, 4, 5]),
        ({"relations": ["reprint", "version"]}, [0, 1, "1 reprint", "1 version", 2, "2 reprint", 3, 4, 5]),
        ({"relations": ["reprint"], "sources": ["b"]}, ["1 reprint", 4]),
        ({"relations": ["reprint"], "first_day": date(2025, 11, 2)}, ["1 reprint"]),
        ({"relations": ["version"], "countries": ["KZ"], "last_day": date(2025, 11, 2)}, [1, 3]),
        ({"relations": ["translation_of"]}, [2, 3, 4]),
        ({"relations": ["template", "related"]}, [0, 5]),
        ({"relations": ["template", "reprint"]}, [0, "1 reprint", "2 reprint", 5]),
        ({"collapse_translations": True}, [0, 1, 2, 5]),
        ({"collapse_translations": True, "sources": ["a", "b"]}, [0, 1, 3]),
        ({"collapse_translations": True, "languages": ["kk"]}, [4]),
    ],
    ids=str,
)
async def test_a_selection_gives_these_rows(
    corpus: CorpusWriter, selection: dict[str, Any], expected: list[Any]
) -> None:
    rows = await exported(corpus, **selection)
    assert [f"{row['number']} {row['relation']}" if row["relation"] else row["number"] for row in rows] == expected


async def test_a_reprint_is_a_row_of_its_own(corpus: CorpusWriter) -> None:
    row = next(row for row in await exported(corpus, relations=["reprint"]) if row["relation"])
    assert (row["number"], row["id"], row["source"], row["source_country"], row["share"]) == (1, None, "b", "RU", 0.9)
    assert (row["url"], row["canonical_url"]) == ("https://b.ru/1/reprint", "https://b.ru/1")
    assert (row["date"], row["text"], row["text_url"]) == ("2025-11-03", "Перепечатано.", "https://b.ru/1/reprint")


async def test_the_longest_text_of_a_story_may_be_a_later_one(corpus: CorpusWriter) -> None:
    rows = await exported(corpus, longest=True)
    assert (rows[1]["text"], rows[1]["text_url"]) == ("Статья с поправкой. " * 9, "https://b.ru/1/version")
    assert rows[2]["text"] == "Текст 2.\n\nКонец."  # its reprint is shorter
    assert [row["number"] for row in rows] == [0, 1, 2, 3, 4, 5]


async def test_the_latest_text_is_that_of_the_articles_own_page(corpus: CorpusWriter) -> None:
    rows = await exported(corpus, latest=True)
    assert (rows[1]["text"], rows[1]["text_url"]) == ("Статья с поправкой. " * 9, "https://b.ru/1/version")
    assert [row["number"] for row in rows] == [0, 1, 2, 3, 4, 5]
    assert [row["text"] for row in rows if row["number"] != 1] == [
        row["text"] for row in await exported(corpus) if row["number"] != 1
    ]


async def test_translations_of_translations_are_one_group_in_whatever_order_they_were_found(
    corpus: CorpusWriter,
) -> None:
    async with corpus.database.write() as connection:
        await connection.execute(insert(articles), article(6))
        pairs = [(6, 5), (5, 2)]
        for number, other in pairs:
            row = {"number": number, "other": other, "kind": "translation_of", "score": 0.7}
            await connection.execute(insert(relations), row)
    assert [row["number"] for row in await exported(corpus, collapse_translations=True)] == [0, 1, 2]


async def test_no_line_of_jsonl_is_broken_by_what_an_article_contains(corpus: CorpusWriter) -> None:
    target = corpus.manifest.with_name("export.jsonl")
    await export(corpus, target, form="jsonl")
    text = target.read_bytes().decode("utf-8")
    assert len(text.splitlines()) == 6  # splits at U+2028, U+2029 and U+0085 as well
    assert json.loads(text.splitlines()[3])["text"] == NASTY
    assert "Статья" in text  # not escaped


async def test_csv_opens_in_a_spreadsheet(corpus: CorpusWriter) -> None:
    target = corpus.manifest.with_name("export.csv")
    assert await export(corpus, target, form="csv") == 6
    content = target.read_bytes()
    assert content.startswith(b"\xef\xbb\xbfnumber,relation,id,")
    assert content.count(b"\r\n") == 7
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert rows[1]["text"] == "Текст 1.\n\nКонец."
    assert rows[3]["title"] == NASTY
    assert (rows[1]["date"], rows[1]["score"], rows[1]["retrieved_at"]) == (
        "2025-11-01", "7.5", "2025-11-22T09:30:00+00:00",
    )  # fmt: skip
    assert json.loads(rows[1]["terms"]) == [["region", "казахстан*", "lead", 2]]
    assert (rows[0]["date"], rows[0]["authors"], rows[5]["url"]) == ("", "", "")


@pytest.mark.parametrize("begins", [*"=+-@＝＋－＠\t\r\n"])
async def test_no_cell_of_csv_is_a_formula(corpus: CorpusWriter, begins: str) -> None:
    async with corpus.database.write() as connection:
        await connection.execute(articles.update().values(title=f"{begins}1+1", score=-1.5))
    target = corpus.manifest.with_name("export.csv")
    await export(corpus, target, form="csv")
    row = next(csv.DictReader(io.StringIO(target.read_bytes().decode("utf-8-sig"), newline="")))
    assert row["title"] == f"'{begins}1+1"
    assert row["score"] == "-1.5"  # a number is none


async def test_parquet_has_proper_types(corpus: CorpusWriter) -> None:
    target = corpus.manifest.with_name("export.parquet")
    assert await export(corpus, target, form="parquet") == 6
    table = parquet.read_table(target)
    types = {
        "number": pyarrow.int32(), "date": pyarrow.date32(), "score": pyarrow.float64(), "text": pyarrow.string(),
        "appended_at": pyarrow.timestamp("ms", tz="UTC"), "authors": pyarrow.list_(pyarrow.string()),
    }  # fmt: skip
    assert {name: table.schema.field(name).type for name in types} == types
    row = table.to_pylist()[1]
    assert row["dates"] == [
        {"day": date(2025, 11, 1), "origin": "json-ld"}, {"day": date(2025, 11, 2), "origin": "feed"},
    ]  # fmt: skip
    assert row["terms"] == [{"group": "region", "term": "казахстан*", "place": "lead", "count": 2}]
    assert table.to_pylist()[3]["relations"] == [{"kind": "translation_of", "number": 2, "score": 0.8}]
    assert (row["date"], row["appended_at"], row["text"]) == (date(2025, 11, 1), NOW, "Текст 1.\n\nКонец.")
    assert table.column("relation").null_count == 6


@pytest.mark.parametrize("form", FORMS)
async def test_an_empty_corpus_is_an_empty_export(tmp_path: Path, form: str) -> None:
    async with open_corpus(tmp_path / "data", Storage()) as corpus:
        assert await export(corpus, tmp_path / "out", form=form) == 0
    content = (tmp_path / "out").read_bytes()
    if form == "parquet":
        assert parquet.read_table(tmp_path / "out").column_names == list(COLUMNS)
    else:
        assert content == (b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r\n" if form == "csv" else b"")


@pytest.mark.parametrize("form", ["jsonl", "csv"])
async def test_a_dash_is_standard_output(
    corpus: CorpusWriter, form: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    target = corpus.manifest.with_name("file")
    await export(corpus, target, form=form)
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as stdout, pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "stdout", stdout)
        assert await export(corpus, Path("-"), form=form) == 6
    assert capfdbinary.readouterr().out == target.read_bytes().removeprefix(b"\xef\xbb\xbf")


async def test_what_cannot_be_done_is_one_sentence_and_leaves_nothing(corpus: CorpusWriter, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for target, form, selection, message in [
        (tmp_path / "out", "xlsx", Selection(),
         "xlsx: unknown form of export: expected one of jsonl, csv, parquet, ris"),
        (tmp_path / "out", "csv", Selection(relations=["copy"]),
         f"copy: unknown kind of relation: expected one of {', '.join(sorted(KINDS))}"),
        (Path("-"), "parquet", Selection(), "parquet cannot go to standard output: name a file"),
        (tmp_path, "csv", Selection(), f"{tmp_path} is a folder: name a file"),
        (tmp_path / "no" / "out", "csv", Selection(),
         f"{tmp_path / 'no' / 'out'}: No such file or directory: free some space, or name another file"),
        (tmp_path / "file" / "out", "csv", Selection(),
         f"{tmp_path / 'file' / 'out'}: Not a directory: free some space, or name another file"),
    ]:  # fmt: skip
        with pytest.raises(StorageError) as caught:
            await export(corpus, target, form=form, selection=selection)
        assert str(caught.value) == message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "file"]


@pytest.mark.parametrize("form", FORMS)
async def test_a_full_disk_leaves_the_earlier_export(corpus: CorpusWriter, tmp_path: Path, form: str) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"earlier")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with corpus.database.write() as connection:
        long = "".join(map(chr, range(0x4E00, 0x9000)))
        await connection.execute(articles.update().values(body=long, title=long))
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, limits[1]))  # a write beyond it fails as on a full disk
    try:
        with pytest.raises(StorageError, match=r"out: File too large: free some space"):
            await export(corpus, target, form=form)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert target.read_bytes() == b"earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out"]


async def test_an_export_that_is_stopped_leaves_nothing(corpus: CorpusWriter, tmp_path: Path) -> None:
    task = asyncio.create_task(export(corpus, tmp_path / "out", form="csv"))
    while not (left := list(tmp_path.glob(".out*"))) and not task.done():
        await asyncio.sleep(0)
    assert left
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


async def test_parquet_without_its_library_says_what_to_install(
    corpus: CorpusWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(StorageError, match=r"^parquet needs the package pyarrow: run '.*pip install pyarrow'$"):
        await export(corpus, tmp_path / "out", form="parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


async def test_a_corpus_larger_than_a_batch_is_exported_whole_and_in_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_module, "BATCH", 20)
    count, length = 401, 20_000
    async with open_corpus(tmp_path / "data", Storage()) as corpus:
        async with corpus.database.write() as connection:
            rows = [article(number, text=f"{number} ".ljust(length, "ё")) for number in range(count)]
            await connection.execute(insert(articles), rows)
            del rows
        tracemalloc.start()
        assert await export(corpus, tmp_path / "out", form="jsonl") == count
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    exported = [json.loads(line) for line in (tmp_path / "out").read_bytes().decode().split("\n")[:-1]]
    assert [row["number"] for row in exported] == list(range(count))
    assert most < count * length  # half the bytes of all texts


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(after=-1), 6),
        (Selection(after=1), 4),
        (Selection(after=1, up_to=3), 2),
        (Selection(after=5), 0),
        (Selection(found_since=NOW), 6),
        (Selection(found_since=NOW.replace(hour=10)), 0),
    ],
)
async def test_an_export_goes_on_after_a_number_or_a_moment(
    corpus: CorpusWriter, tmp_path: Path, selection: Selection, expected: int
) -> None:
    assert await export(corpus, tmp_path / "out", form="jsonl", selection=selection) == expected
