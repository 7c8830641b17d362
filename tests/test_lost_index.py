"""A lost index: the files give numbers, names and texts back, the manifest beside them what was known of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from config.settings import Storage
from storage.corpus.adopt import adopt
from storage.corpus.verify import verify
from storage.corpus.writer import open_corpus
from storage.files.manifest import read_facts
from storage.index.schema import articles
from tests.support.digest_corpus import new_article

NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)


async def test_what_a_manifest_says_of_the_files_is_taken_over_with_them(tmp_path: Path) -> None:
    async with open_corpus(tmp_path / "data", Storage()) as corpus:
        await corpus.place([new_article(0), new_article(1)], now=NOW)
    manifest = tmp_path / "data" / "manifest.jsonl"
    said = manifest.read_bytes()
    manifest.write_bytes(said + b'{"sha256": 5}\nnot json\n')  # odd lines cost nothing but themselves
    facts = read_facts(manifest)
    async with open_corpus(tmp_path / "new", Storage(), adopting=True) as corpus:
        adoption = await adopt(corpus, tmp_path / "data" / "corpus", now=NOW + timedelta(days=1), facts=facts)
        assert adoption.adopted == 2
        async with corpus.database.read() as connection:
            rows = (await connection.execute(select(articles).order_by(articles.c.number))).all()
        assert all(row.canonical_url and row.title and row.source_id for row in rows)
        assert (await verify(corpus))[1] == []
    assert (tmp_path / "new" / "manifest.jsonl").read_bytes() == said


def test_a_manifest_from_elsewhere_gives_no_user_and_password(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text('{"sha256": "aa", "url": "https://user:secretpw@a.kz/1"}\n{"sha256": "bb"}\n', encoding="utf-8")
    facts = read_facts(manifest)
    assert [facts[name]["url"] for name in ("aa", "bb")] == ["https://a.kz/1", None]
