"""The manifest's schema: every line fits it, and docs and data folder hold it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from config.settings import Storage
from extractors.records import DateCandidate, Found, Match, Verdict
from storage.corpus.adopt import adopt
from storage.corpus.writer import open_corpus
from storage.files.manifest_schema import FIELDS, as_text, schema
from tests.support.digest_corpus import DAY, new_article, place
from tests.support.running import CHECKOUT


def manifest(data: Path) -> list[dict[str, Any]]:
    """The lines of the manifest."""
    return [json.loads(line) for line in (data / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]


NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
CHECK = jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker())


def test_docs_hold_the_schema_as_it_is_and_name_every_key() -> None:
    page = (CHECKOUT / "docs" / "format.md").read_text(encoding="utf-8")
    assert (CHECKOUT / "docs" / "manifest.schema.json").read_text(encoding="utf-8") == as_text()
    assert [key for key in FIELDS if f"`{key}`" not in page] == []
    CHECK.check_schema(schema())


async def test_every_line_that_is_written_fits(tmp_path: Path, storage: Storage) -> None:
    full = new_article(1, language="kk", authors=("А", "Б"), dates=(DateCandidate(DAY, "json-ld"),))
    assert isinstance(full, Found)
    told = Verdict(True, "t", 6.5, (Match("region", "казахстан*", "lead", 2),), "because", borderline=True)
    bare = new_article(2, title=None, authors=(), published=None, date_origin=None, language=None)
    async with open_corpus(tmp_path, storage) as corpus:
        await place(corpus, [new_article(0), replace(full, verdict=told), bare], now=NOW)
    lines = manifest(tmp_path)
    assert len(lines) == 3
    for line in lines:
        CHECK.validate(line)
        assert set(line) <= set(FIELDS)


async def test_lines_of_adopted_articles_fit(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "000_0123456789abcdef.txt").write_text(" date 2025-11-01 Текст.", encoding="utf-8")
    async with open_corpus(tmp_path / "data", Storage(), adopting=True) as corpus:
        await adopt(corpus, folder, now=NOW)
    (line,) = manifest(tmp_path / "data")
    CHECK.validate(line)


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("number", -1),
        ("number", "3"),
        ("id", "xyz"),
        ("date", "1.11.2025"),
        ("terms", [["region", "x"]]),
        ("sha256", None),
    ],
)
async def test_the_schema_refuses_what_no_line_holds(tmp_path: Path, key: str, wrong: Any) -> None:
    async with open_corpus(tmp_path, Storage()) as corpus:
        await place(corpus, [new_article(0)], now=NOW)
    (line,) = manifest(tmp_path)
    assert not CHECK.is_valid({**line, key: wrong})
    del line[key]
    assert not CHECK.is_valid(line)


async def test_the_data_folder_explains_itself_and_is_brought_up_to_date(tmp_path: Path) -> None:
    for _ in range(2):
        async with open_corpus(tmp_path, Storage()):
            pass
        read_me = tmp_path / "README.md"
        assert "manifest.jsonl" in read_me.read_text(encoding="utf-8")
        assert json.loads((tmp_path / "manifest.schema.json").read_text(encoding="utf-8")) == schema()
        read_me.write_text("old", encoding="utf-8")
        (tmp_path / "manifest.schema.json").unlink()
