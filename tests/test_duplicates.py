"""Near-duplicates met while placing: what is absorbed, what is appended with a relation, what is remembered."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update

from config.settings import Extraction, Storage
from extractors.records import Article, Entry, Found, Outcome, Placement, Verdict
from extractors.urls import canonical_url
from extractors.workers.pool import Workers
from flows.tools.explaining import explanation
from storage.corpus.writer import CorpusWriter, open_corpus
from storage.health.history import load_story
from storage.index.schema import articles, fingerprints, relations, urls, variants
from storage.placing.placing import make_ready
from storage.placing.ready import Readable, ready_from
from storage.placing.stories import POSTINGS
from storage.state.entries import store_entries
from tests.support.stories import RATES, edited, story

pytestmark = pytest.mark.slow

NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
FEED = "https://site.kz/rss"
TELEGRAM = [
    "Президент Нургали Досов поздравил короля Норвегии Харальда с национальным праздником.",
    "В телеграмме сказано, что страны связывает многолетняя дружба, а их торговля растёт с каждым годом.",
    "Глава государства пожелал монарху здоровья, а народу Норвегии мира и благополучия.",
]
YES = Verdict(True, "central-asia-us", 7.5, (), "region and partner")


@asynccontextmanager
async def opened(data: Path, storage: Storage) -> AsyncIterator[CorpusWriter]:
    async with open_corpus(data, storage) as corpus:
        yield corpus


async def place(
    corpus: CorpusWriter,
    url: str,
    paragraphs: list[str],
    *,
    language: str = "ru",
    again: bool = False,
    day: date | None = date(2025, 11, 6),
    source: str = "site",
) -> Placement:
    """Place an article as a pass would, its entry first."""
    article = Article(tuple(paragraphs), "Заголовок", (), day, "meta", language, "trafilatura")
    key, entry = canonical_url(url), Entry(url, FEED)
    if not again:
        async with corpus.database.write() as connection:
            await store_entries(connection, source, [(key, entry)], now=NOW)
    result = Found(key, entry, source, url, NOW, article=article, verdict=YES)
    return (await corpus.place([result], now=NOW))[0]


async def rows(corpus: CorpusWriter, table: Any) -> list[Any]:
    async with corpus.database.read() as connection:
        return list((await connection.execute(select(table))).all())


async def test_an_edited_copy_on_another_site_gets_no_file_but_its_text_and_address_are_kept(
    tmp_path: Path, storage: Storage
) -> None:
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, "https://first.kz/1", story(1))
        placed = await place(corpus, "https://second.kz/a", edited(story(1)), source="second")
        assert (placed.outcome, placed.number, placed.relation, placed.of) == (Outcome.REPRINT, 0, "reprint", 0)
        assert placed.score is not None and 0.7 < placed.score < 1
        (variant,) = await rows(corpus, variants)
        assert (variant.number, variant.url, variant.relation) == (0, "https://second.kz/a", "reprint")
        assert variant.text == "\n\n".join(edited(story(1)))
        settled = {row.key: row for row in await rows(corpus, urls)}["https://second.kz/a"]
        assert (settled.outcome, settled.article, settled.reason) == ("reprint", 0, "same story")
        assert settled.details["like"] == {"article": 0, "relation": "reprint", "share": placed.score}
    assert len(list((tmp_path / "corpus").glob("*.txt"))) == 1


async def test_the_same_words_elsewhere_are_a_duplicate_of_which_nothing_but_the_address_is_kept(
    tmp_path: Path, storage: Storage
) -> None:
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, "https://first.kz/1", story(1))
        placed = await place(corpus, "https://second.kz/a", [p.upper() for p in story(1)])
        assert (placed.outcome, placed.number, placed.score) == (Outcome.DUPLICATE, 0, 1.0)
        assert await rows(corpus, variants) == []


async def test_a_copy_of_a_reprint_is_recognised_although_it_has_little_of_the_first_text(
    tmp_path: Path, storage: Storage
) -> None:
    first = story(1, paragraphs=6)
    second = first[:4] + story(2, paragraphs=3)
    third = [*second[2:], *story(3, paragraphs=1)]
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, "https://first.kz/1", first)
        assert (await place(corpus, "https://second.kz/a", second)).outcome is Outcome.REPRINT
        assert (await place(corpus, "https://third.kz/b", third)).number == 0
        copy = await place(corpus, "https://fourth.kz/b", edited(second, every=50))
        assert (copy.outcome, copy.number) == (Outcome.REPRINT, 0)


async def test_a_daily_template_with_other_numbers_is_appended_and_the_relation_noted(
    tmp_path: Path, storage: Storage
) -> None:
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, "https://bank.kz/1", [RATES.format("6 ноября", "525,31", "604,2", "6,47", "73,8")])
        placed = await place(corpus, "https://bank.kz/2", [RATES.format("7 ноября", "523,77", "606,9", "6,51", "73,1")])
        assert (placed.outcome, placed.number, placed.relation, placed.of) == (Outcome.APPENDED, 1, "template", 0)
        (relation,) = await rows(corpus, relations)
        assert (relation.number, relation.other, relation.kind) == (1, 0, "template")


async def test_a_round_up_of_several_stories_is_appended_and_swallows_no_later_one(
    tmp_path: Path, storage: Storage
) -> None:
    single = [story(n, paragraphs=4) for n in range(4)]
    async with opened(tmp_path, storage) as corpus:
        for number, paragraphs in enumerate(single[:3]):
            await place(corpus, f"https://first.kz/{number}", paragraphs)
        digest = [p for paragraphs in single for p in paragraphs[:2]]
        placed = await place(corpus, "https://digest.kz/1", digest)
        assert (placed.outcome, placed.number, placed.relation) == (Outcome.APPENDED, 3, "digest_of")
        kinds = {(r.number, r.other, r.kind) for r in await rows(corpus, relations)}
        assert {(3, 0, "digest_of"), (3, 1, "digest_of"), (3, 2, "digest_of")} <= kinds
        later = await place(corpus, "https://fourth.kz/1", single[3])
        assert (later.outcome, later.number) == (Outcome.APPENDED, 4)


async def test_a_later_text_of_the_same_address_is_kept_as_a_version_once(tmp_path: Path, storage: Storage) -> None:
    changed = edited(story(1))
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, "https://first.kz/1", story(1))
        before = next((tmp_path / "corpus").iterdir()).read_bytes()
        placed = await place(corpus, "https://first.kz/1", changed, again=True)
        assert (placed.outcome, placed.number, placed.relation) == (Outcome.DUPLICATE, 0, "version")
        again = await place(corpus, "https://first.kz/1", changed, again=True)
        assert (again.outcome, again.relation) == (Outcome.DUPLICATE, "duplicate")
        assert [(v.number, v.relation) for v in await rows(corpus, variants)] == [(0, "version")]
        assert next((tmp_path / "corpus").iterdir()).read_bytes() == before
        elsewhere = await place(corpus, "https://second.kz/1", changed)
        assert (elsewhere.outcome, elsewhere.number) == (Outcome.DUPLICATE, 0)


async def test_an_uzbek_text_in_the_other_script_is_the_same_story(tmp_path: Path, storage: Storage) -> None:
    latin = (
        "Toshkent shahrida yangi transport loyihasi boshlandi. O‘zbekiston va AQSh kompaniyalari shartnoma imzoladi, \
unga ko‘ra poytaxtda zamonaviy avtobuslar paydo bo‘ladi. Loyiha qiymati ochiqlanmadi, ammo mutaxassislar uni yirik deb \
baholamoqda. Hokimlik vakili yo‘lovchilar uchun qulaylik oshishini aytdi."
    )
    cyrillic = "Тошкент шаҳрида янги транспорт лойиҳаси бошланди. Ўзбекистон ва АҚШ компаниялари шартнома имзолади, \
унга кўра пойтахтда замонавий автобуслар пайдо бўлади. Лойиҳа қиймати очиқланмади, аммо мутахассислар уни йирик деб \
баҳоламоқда. Ҳокимлик вакили йўловчилар учун қулайлик ошишини айтди."
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, "https://site.uz/oz/1", [latin], language="uz")
        placed = await place(corpus, "https://site.uz/uz/1", [cyrillic], language="uz")
        assert (placed.outcome, placed.number) == (Outcome.REPRINT, 0)


@pytest.mark.parametrize("scheme", [None, 0])
async def test_an_index_without_fingerprints_or_with_those_of_another_scheme_gets_them_when_it_is_opened(
    tmp_path: Path, storage: Storage, scheme: int | None
) -> None:
    async with opened(tmp_path, storage) as corpus:
        for number in range(3):
            await place(corpus, f"https://first.kz/{number}", story(number))
        await place(corpus, "https://second.kz/0", edited(story(0)))
        made = {(f.hash, f.number) for f in await rows(corpus, fingerprints)}
        async with corpus.database.write() as connection:
            await connection.execute(delete(fingerprints))
            await connection.execute(update(articles).values(signature=scheme))
            if scheme is not None:
                await connection.execute(insert(fingerprints), [{"hash": 7, "number": n} for n in range(3)])
    async with opened(tmp_path, storage) as corpus:
        assert {(f.hash, f.number) for f in await rows(corpus, fingerprints)} == made
        placed = await place(corpus, "https://third.kz/2", edited(story(2)))
        assert (placed.outcome, placed.number) == (Outcome.REPRINT, 2)


async def test_a_phrase_that_hundreds_of_articles_share_is_kept_for_the_newest_only(
    tmp_path: Path, storage: Storage
) -> None:
    phrase = story(999, paragraphs=1, words=30)
    async with opened(tmp_path, storage) as corpus:
        for number in range(POSTINGS + 20):
            placed = await place(corpus, f"https://first.kz/{number}", [*story(number, paragraphs=3), *phrase])
            assert placed.outcome is Outcome.APPENDED, number
        async with corpus.database.read() as connection:
            per_hash = select(func.count(), func.min(fingerprints.c.number)).group_by(fingerprints.c.hash)
            counts = (await connection.execute(per_hash)).all()
        most, oldest = max(counts)
        assert (most, oldest) == (POSTINGS, 20)


async def test_the_text_work_of_a_child_process_is_that_of_the_main_one() -> None:
    results = []
    for number, paragraphs in enumerate([story(1), TELEGRAM, ["Коротко."], [" ".join(story(2))]]):
        day = None if number == 1 else date(2025, 11, 6)
        article = Article(tuple(paragraphs), "Заголовок", (), day, "meta", "ru", "trafilatura")
        url = f"https://site.kz/{number}"
        results.append(Found(url, Entry(url, FEED), "site", url, NOW, article=article, verdict=YES))
    with Workers(Extraction(workers=1)) as workers:
        made = await workers.run(ready_from, [Readable.of(result.article) for result in results], url="https://site.kz")
    assert [make_ready(*pair) for pair in zip(results, made, strict=True)] == [make_ready(result) for result in results]


@pytest.mark.parametrize("turned", [False, True])
async def test_two_texts_are_one_story_whichever_comes_first(tmp_path: Path, storage: Storage, turned: bool) -> None:
    texts = [story(1), [*story(2, paragraphs=1), *edited(story(1), every=20)]]
    async with opened(tmp_path, storage) as corpus:
        for number, text in enumerate(reversed(texts) if turned else texts):
            placed = await place(corpus, f"https://site{number}.kz/1", text)
        assert (placed.outcome, placed.number) == (Outcome.REPRINT, 0)


@pytest.mark.parametrize(
    ("paragraphs", "day", "outcome"),
    [
        (TELEGRAM, date(2026, 5, 17), Outcome.APPENDED),
        (TELEGRAM, date(2025, 5, 18), Outcome.DUPLICATE),
        (TELEGRAM, None, Outcome.DUPLICATE),
        (story(1), date(2026, 5, 17), Outcome.DUPLICATE),
    ],
    ids=["a year later", "the next day", "who knows when", "no protocol"],
)
async def test_the_very_words_of_a_telegram_are_another_event_a_year_later(
    tmp_path: Path, storage: Storage, paragraphs: list[str], day: date | None, outcome: Outcome
) -> None:
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, "https://first.kz/1", paragraphs, day=date(2025, 5, 17))
        placed = await place(corpus, "https://second.kz/1", paragraphs, day=day)
        assert placed.outcome is outcome
        if outcome is Outcome.APPENDED:
            assert (placed.relation, placed.grounds) == ("template", "the same form of protocol, 365 days apart")
            third = await place(corpus, "https://third.kz/1", ["Официально.", *paragraphs], day=day)
            assert (third.outcome, third.number) == (Outcome.REPRINT, 1)
            fourth = await place(corpus, "https://fourth.kz/1", paragraphs, day=day)
            assert (fourth.outcome, fourth.number) == (Outcome.REPRINT, 1)


@pytest.mark.parametrize(("source", "relation"), [("first", "version"), ("second", "reprint")])
async def test_an_outlet_that_corrects_its_own_article_has_made_a_version_of_it(
    tmp_path: Path, storage: Storage, source: str, relation: str
) -> None:
    article = [*story(1), "Завод выпустил 1240 насосов, на 17 больше плана, и нанял 350 рабочих."]
    corrected = [*article[:-1], article[-1].replace("1240", "1260"), "Исправлено: число насосов."]
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, "https://first.kz/1", article, source="first")
        placed = await place(corpus, "https://first.kz/1-new", corrected, source=source)
        assert (placed.outcome, placed.relation, placed.of) == (Outcome.REPRINT, relation, 0)
        assert placed.grounds.startswith("1 of 3 numbers differs (1240 – 1260)")
        (variant,) = await rows(corpus, variants)
        assert (variant.relation, variant.why) == (relation, placed.grounds)


async def test_what_decided_stands_in_the_manifest_and_in_the_history(tmp_path: Path, storage: Storage) -> None:
    async with opened(tmp_path, storage) as corpus:
        await place(corpus, "https://bank.kz/1", [RATES.format("6 ноября", "525,31", "604,2", "6,47", "73,8")])
        await place(corpus, "https://bank.kz/2", [RATES.format("7 ноября", "523,77", "606,9", "6,47", "73,1")])
        first, second = map(json.loads, (tmp_path / "manifest.jsonl").read_text(encoding="utf-8").splitlines())
        async with corpus.database.read() as connection:
            history = await load_story(connection, "https://bank.kz/2")
    assert "relation" not in first
    why = "4 of 5 numbers differ (6 – 7, 525,31 – 523,77, 604,2 – 606,9), in 42 words in common"
    assert second["relation"] == {"kind": "template", "number": 0, "share": pytest.approx(0.8, abs=0.2), "why": why}
    assert history["like"]["grounds"] == history["relations"][0]["grounds"] == why
    assert sum(why in line for line in explanation(history)) == 2, "compared, related"
