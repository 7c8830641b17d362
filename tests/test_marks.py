"""What is kept to judge by again: texts refused lately, articles of the corpus, and readers' marks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from config.settings import Refused, Storage
from extractors.records import Article, Outcome, Verdict
from flows.tools.explaining import explanation
from storage.corpus.verify import verify
from storage.corpus.writer import CorpusWriter, open_corpus
from storage.files.manifest import manifest_line
from storage.health.history import load_story
from storage.index.schema import articles, marks, refused_texts, urls
from storage.state.marks import SUMMARY, TEXT, Judged, find_judged, load_judged, load_marked, store_mark
from storage.state.refused import MAX_CHARACTERS, forget_refused
from tests.support.results import NO, NOW, YES, failure, manifest, place, remember, result, text_of

pytestmark = pytest.mark.usefixtures("on_each_database")
STORAGE = Storage()


@asynccontextmanager
async def opened(data: Path) -> AsyncIterator[CorpusWriter]:
    async with open_corpus(data, STORAGE) as corpus:
        yield corpus


async def judged_since(corpus: CorpusWriter, days: int = 1) -> list[Judged]:
    async with corpus.database.read() as connection:
        return [judged async for judged in load_judged(connection, NOW - timedelta(days=days))]


async def marked(corpus: CorpusWriter) -> list[Judged]:
    async with corpus.database.read() as connection:
        return [judged async for judged in load_marked(connection)]


async def mark(corpus: CorpusWriter, key: str, *, relevant: bool) -> str | None:
    async with corpus.database.write() as connection:
        judged = await find_judged(connection, key)
        if judged is None:
            return None
        await store_mark(connection, judged.key, relevant=relevant, now=NOW)
        return judged.key


async def refused_keys(corpus: CorpusWriter) -> list[str]:
    async with corpus.database.read() as connection:
        return sorted((await connection.execute(select(refused_texts.c.key))).scalars())


def same_text(one: Article, other: Article | None) -> bool:
    return other is not None and (one.paragraphs, one.title, one.language) == (
        other.paragraphs, other.title, other.language,
    )  # fmt: skip


async def test_kept_and_refused_articles_come_back_as_they_were_judged(tmp_path: Path) -> None:
    dated, undated, refused = result(1), result(2, published=None), result(3, verdict=NO)
    untitled = result(4, title=None, published=None)
    async with opened(tmp_path) as corpus:
        await place(corpus, dated, undated, refused, untitled)
        found = await judged_since(corpus)
        later = await judged_since(corpus, days=0)
    assert [(j.key[-1], j.relevant, j.basis) for j in found] == [
        ("1", True, TEXT), ("2", True, TEXT), ("4", True, TEXT), ("3", False, TEXT),
    ]  # fmt: skip
    for judged, its in zip(found, (dated, undated, untitled, refused), strict=True):
        assert same_text(judged.article, its.article), judged.key
    assert len(later) == 4  # of this very moment


async def test_where_no_text_is_kept_headline_and_summary_are(tmp_path: Path) -> None:
    async with opened(tmp_path) as corpus:
        screened = failure(Outcome.OFF_TOPIC)
        await place(corpus, screened)
        async with corpus.database.write() as connection:
            await connection.execute(urls.update().values(title="Снег", summary="Снег шёл."))
        [judged] = await judged_since(corpus)
    assert (judged.basis, judged.relevant, judged.article.title) == (SUMMARY, False, "Снег")
    assert judged.article.paragraphs == ("Снег шёл.",)


async def test_a_refused_text_is_cut_at_what_the_topic_looks_at_and_replaced_by_a_newer_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as corpus:
        await place(corpus, result(1, verdict=NO, paragraphs=("слово " * MAX_CHARACTERS,)))
        async with corpus.database.write() as connection:
            await connection.execute(urls.update().values(outcome=None))
        await corpus.place([result(1, verdict=NO, paragraphs=("Позже.",))], now=NOW + timedelta(days=1))
        async with corpus.database.read() as connection:
            row = (await connection.execute(select(refused_texts))).one()
    assert (row.text, row.judged_at) == ("Позже.", NOW + timedelta(days=1))


async def test_refused_texts_are_forgotten_when_old_or_too_many_but_not_when_marked(tmp_path: Path) -> None:
    async with opened(tmp_path) as corpus:
        for number in range(6):
            await place(corpus, result(number, verdict=NO), now=NOW + timedelta(days=number))
        await mark(corpus, "https://site.kz/news/0", relevant=True)

        async def left(limits: Refused) -> list[str]:
            async with corpus.database.write() as connection:
                await forget_refused(connection, limits, now=NOW + timedelta(days=5))
            return [key[-1] for key in await refused_keys(corpus)]

        assert await left(Refused()) == ["0", "1", "2", "3", "4", "5"]
        assert await left(Refused(keep_days=3)) == ["0", "2", "3", "4", "5"]
        assert await left(Refused(keep_texts=2)) == ["0", "4", "5"]
        assert await left(Refused(keep_texts=0)) == ["0"]


async def test_marks_find_the_article_that_stands_for_an_address(tmp_path: Path) -> None:
    async with opened(tmp_path) as corpus:
        await place(corpus, result(1), result(9, verdict=NO))
        again = result(2, paragraphs=(text_of(1), "Второй абзац."))
        [placed] = await place(corpus, again)
        assert placed.outcome is Outcome.DUPLICATE
        assert await mark(corpus, again.key, relevant=True) == "https://site.kz/news/1"
        assert await mark(corpus, "https://site.kz/news/9", relevant=True) == "https://site.kz/news/9"
        assert await mark(corpus, "https://site.kz/news/9", relevant=False) is not None
        assert await mark(corpus, "https://site.kz/unknown", relevant=True) is None
        found = await marked(corpus)
        assert [(j.key[-1], j.relevant, j.mark) for j in found] == [("1", True, True), ("9", False, False)]
        assert [j.mark for j in await judged_since(corpus)] == [True, False]
        async with corpus.database.read() as connection:
            assert len((await connection.execute(select(marks))).all()) == 2


async def test_an_entry_that_waits_can_be_marked_by_its_headline(tmp_path: Path) -> None:
    async with opened(tmp_path) as corpus:
        await remember(corpus, [result(1)])
        assert await mark(corpus, "https://site.kz/news/1", relevant=True) is not None
        [judged] = await marked(corpus)
    assert (judged.relevant, judged.basis, judged.reason) == (None, SUMMARY, "not tried yet")


NEAR = Verdict(True, "central-asia-us", 3.6, (), "just so", borderline=True, threshold=3.5)
NOT_JUDGED = Verdict(True, None, 0.0, (), "imported")


async def test_a_borderline_article_is_marked_in_index_and_manifest(tmp_path: Path) -> None:
    async with opened(tmp_path) as corpus:
        await place(corpus, result(1), result(2, verdict=NEAR), result(3, verdict=NOT_JUDGED))
        async with corpus.database.read() as connection:
            rows = (await connection.execute(select(articles).order_by(articles.c.number))).all()
            assert (await verify(corpus))[1] == []
    assert [row.borderline for row in rows] == [False, True, None]
    assert [line.get("borderline", "absent") for line in manifest(tmp_path)] == [False, True, "absent"]
    assert "".join(map(manifest_line, rows)) == (tmp_path / "manifest.jsonl").read_text(encoding="utf-8")
    (tmp_path / "manifest.jsonl").unlink()
    async with opened(tmp_path):
        pass
    assert "".join(map(manifest_line, rows)) == (tmp_path / "manifest.jsonl").read_text(encoding="utf-8")


async def test_the_numbers_behind_a_refusal_are_kept(tmp_path: Path) -> None:
    verdict = Verdict(False, None, 4.0, YES.matches, "sport", taken_out=("доллар США",), veto="sport", threshold=3.5)
    async with opened(tmp_path) as corpus:
        await place(corpus, result(1, verdict=verdict))
        async with corpus.database.read() as connection:
            details = (await connection.execute(select(urls.c.details))).scalar_one()
    assert details == {
        "score": 4.0, "threshold": 3.5, "borderline": False, "veto": "sport", "taken_out": ["доллар США"],
        "matches": [["region", "казахстан*", "lead", 2]],
    }  # fmt: skip


async def test_the_story_of_an_address_is_told_by_either_database(tmp_path: Path) -> None:
    verdict = Verdict(False, None, 4.0, YES.matches, "sport", taken_out=("доллар США",), veto="sport", threshold=3.5)
    again = result(2, paragraphs=(text_of(1), "Второй абзац."))
    async with opened(tmp_path) as corpus:
        await place(corpus, result(1), result(3, verdict=verdict))
        await place(corpus, again)
        await remember(corpus, [result(4)])
        await mark(corpus, "https://site.kz/news/1", relevant=False)
        async with corpus.database.read() as connection:
            told = [await load_story(connection, f"https://site.kz/news/{number}") for number in range(1, 6)]
    appended, duplicate, refused, waiting, unknown = told
    assert (appended["outcome"], appended["mark"], appended["article"][:4]) == ("appended", "no", "000_")
    assert (duplicate["like"]["article"], duplicate["like"]["relation"]) == (appended["article"], "duplicate")
    assert duplicate["mark"] == "no"  # of the article that it repeats
    assert (refused["veto"], refused["taken_out"], refused["text_kept"]) == ("sport", ["доллар США"], True)
    assert (waiting["outcome"], waiting["attempts"], waiting["terms"]) == ("waiting for the next pass", 0, None)
    assert (unknown["known"], unknown["outcome"]) == (False, "never seen in a feed or an archive")
    lines = [line for story in told for line in explanation(story)]
    assert "        score: 4 points, it needs 3.5" in lines
    assert '       region: "казахстан*" 2 × in the lead' in lines


def test_an_explanation_is_harmless_on_a_terminal() -> None:
    evil = "\x1b[31m\u202eСнег\r\nвторая строка"
    told = {"canonical_url": "https://a.kz", "title": evil, "reason": evil, "terms": [["g", evil, "lead", 1]],
            "taken_out": [evil], "detail": evil}  # fmt: skip
    printed = "\n".join(explanation(told))
    assert printed.count("\n") == 5
    assert not {"\x1b", "\u202e", "\r"} & set(printed)
