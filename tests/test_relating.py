"""Translations and events of a corpus, looked for in its index: what is written, once, whatever order and crash."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from config.settings import Storage
from extractors.records import Relation
from extractors.urls import article_id, canonical_url
from storage.corpus.adopt import adopt
from storage.corpus.writer import open_corpus
from storage.files.article_file import compose
from storage.index.database import Database, index_location, open_database
from storage.index.schema import articles, events, relations
from storage.relating import relating
from storage.relating.relating import Related, relate_new
from tests.support.composed import ARTICLES, FIRE, FIRE_AGAIN, FIRST_DAY, FORM, Composed

NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
BY_NAME = {article.name: article for article in ARTICLES}


@asynccontextmanager
async def opened(data: Path, storage: Storage) -> AsyncIterator[Database]:
    database = await open_database(index_location(data, storage))
    try:
        yield database
    finally:
        await database.close()


def row(number: int, article: Composed, **changes: Any) -> dict[str, Any]:
    """A row as the corpus writes it, for one of the composed articles."""
    url = changes.get("url", f"https://site{number}.kz/news/{article.name}")
    published = changes.get("published", article.published)
    text = changes.pop("text", article.text)
    body = compose(text.split("\n\n"), title=article.title, published=published).to_bytes().decode()
    values = {
        "number": number, "id": article_id(canonical_url(url)), "file": f"{number:03d}", "body": body, "sha256": "",
        "url": url, "canonical_url": canonical_url(url), "source_id": f"site{number}", "title": article.title,
        "published": published, "language": article.language, "method": "trafilatura", "retrieved_at": NOW,
        "appended_at": NOW, "alternates": [], "links": [],
    }  # fmt: skip
    return values | changes


async def store(database: Database, rows: Sequence[dict[str, Any]]) -> None:
    async with database.write() as connection:
        await connection.execute(insert(articles), list(rows))


async def found(database: Database) -> tuple[dict[int, int], set[tuple[int, int]]]:
    """Article → event, and the pairs that are translations."""
    async with database.read() as connection:
        rows = await connection.execute(select(events.c.number, events.c.event))
        event_of = {r.number: r.event for r in rows}
        pairs = await connection.execute(select(relations).where(relations.c.kind == Relation.TRANSLATION_OF))
        return event_of, {(r.number, r.other) for r in pairs}


def article(text: str, *, day: int = 0, language: str = "ru") -> Composed:
    return Composed("made", language, "made", "Заголовок", text, day=day)


async def test_composed_articles_get_their_translations_and_events(tmp_path: Path, storage: Storage) -> None:
    async with opened(tmp_path, storage) as database:
        await store(database, [row(number, composed) for number, composed in enumerate(ARTICLES)])
        done = await relate_new(database, now=NOW)
        event_of, pairs = await found(database)
    names = {(ARTICLES[other].name, ARTICLES[number].name) for number, other in pairs}
    assert names == {
        ("tungsten-ru", "tungsten-en"), ("tungsten-ru", "tungsten-kk"), ("tungsten-en", "tungsten-kk"),
        ("locomotives-uz", "locomotives-en"), ("locomotives-uz-cyrl", "locomotives-en"), ("envoy-ru", "envoy-en"),
    }  # fmt: skip
    assert event_of.keys() == set(range(len(ARTICLES)))
    assert done == Related(len(ARTICLES), len(pairs), sum(number == event for number, event in event_of.items()))
    assert all(event_of[number] == event_of[other] for number, other in pairs)
    for event in event_of.values():
        assert len({ARTICLES[n].story for n, own in event_of.items() if own == event}) == 1


async def test_doing_it_again_changes_nothing(tmp_path: Path, storage: Storage) -> None:
    async with opened(tmp_path, storage) as database:
        await store(database, [row(number, composed) for number, composed in enumerate(ARTICLES)])
        await relate_new(database, now=NOW)
        before = await found(database)
        assert await relate_new(database, now=NOW) == Related()
        async with database.write() as connection:  # as if the mark had been lost
            await connection.execute(update(articles).values(related_at=None))
        again = await relate_new(database, now=NOW)
        assert (again.translations, again.events) == (0, 0)
        assert await found(database) == before


async def test_one_at_a_time_finds_the_same_translations_as_all_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path, Storage()) as database:
        for number, composed in enumerate(ARTICLES):
            await store(database, [row(number, composed)])
            assert (await relate_new(database, now=NOW)).articles == 1
        _, pairs = await found(database)
    other = tmp_path / "other"
    other.mkdir()
    async with opened(other, Storage()) as database:
        await store(database, [row(number, composed) for number, composed in enumerate(ARTICLES)])
        await relate_new(database, now=NOW)
        assert (await found(database))[1] == pairs


async def test_an_empty_corpus_has_nothing_to_relate(tmp_path: Path, storage: Storage) -> None:
    async with opened(tmp_path, storage) as database:
        assert await relate_new(database, now=NOW) == Related()


async def test_an_article_of_the_past_joins_the_event_of_its_day(tmp_path: Path, storage: Storage) -> None:
    async with opened(tmp_path, storage) as database:
        await store(database, [row(0, article(FIRE, day=1)), row(1, article(FORM, day=60))])
        await relate_new(database, now=NOW)
        await store(database, [row(2, article(FIRE_AGAIN))])
        await relate_new(database, now=NOW)
        assert (await found(database))[0] == {0: 0, 1: 1, 2: 0}


async def test_relations_of_texts_decide_on_events(tmp_path: Path, storage: Storage) -> None:
    async with opened(tmp_path, storage) as database:
        await store(database, [row(0, article(FIRE)), row(1, article(FIRE, day=1)), row(2, article(FIRE_AGAIN))])
        template = {"number": 1, "other": 0, "kind": "template", "score": 0.8}
        async with database.write() as connection:
            await connection.execute(insert(relations), [template])
        await relate_new(database, now=NOW)
        assert (await found(database))[0] == {0: 0, 2: 0, 1: 1}


async def test_an_article_without_a_date_counts_on_the_day_it_was_retrieved(tmp_path: Path) -> None:
    async with opened(tmp_path, Storage()) as database:
        retrieved = datetime.combine(FIRST_DAY, datetime.min.time(), UTC) + timedelta(hours=30)
        undated = row(1, article(FIRE_AGAIN), published=None, retrieved_at=retrieved)
        late = row(2, article(FIRE_AGAIN), published=None, retrieved_at=retrieved + timedelta(days=9))
        await store(database, [row(0, article(FIRE)), undated, late])
        await relate_new(database, now=NOW)
        assert (await found(database))[0] == {0: 0, 1: 0, 2: 2}


async def test_pages_that_name_each_other_are_paired_however_far_apart(tmp_path: Path, storage: Storage) -> None:
    async with opened(tmp_path, storage) as database:
        first = row(0, BY_NAME["summit-ru"], url="https://www.site.kz/ru/proverka/")
        later = row(1, BY_NAME["flood-en"], published=FIRST_DAY + timedelta(days=90),
                    alternates=["https://site.kz/ru/proverka"])  # fmt: skip
        await store(database, [first])
        await relate_new(database, now=NOW)
        await store(database, [later])
        await relate_new(database, now=NOW)
        event_of, pairs = await found(database)
        assert pairs == {(1, 0)}
        assert event_of == {0: 0, 1: 1}, "a translation three months later is news of its own"


async def test_an_address_printed_in_the_text_is_a_credit(tmp_path: Path) -> None:
    credited = BY_NAME["tungsten-ru"].text + "\n\nИсточник: http://www.agency.com/tungsten/."
    later = FIRST_DAY + timedelta(days=5)
    async with opened(tmp_path, Storage()) as database:
        english = row(0, BY_NAME["tungsten-en"], url="https://agency.com/tungsten")
        await store(database, [english, row(1, BY_NAME["tungsten-ru"], text=credited, published=later)])
        await relate_new(database, now=NOW)
        assert (await found(database))[1] == {(1, 0)}


async def test_what_a_site_prints_on_every_page_makes_no_event(tmp_path: Path) -> None:
    async with opened(tmp_path, Storage()) as database:
        subjects = ("о хлопке в Намангане", "о вокзале в Туркестане", "о выставке в Оше", "о лыжах в Чимбулаке")
        pages = [
            row(number, article(f"Рассказ {subject} из местной газеты.\n\n{FIRE}\n\n{FORM}"), source_id="site")
            for number, subject in enumerate(subjects)
        ]
        await store(database, pages)
        await relate_new(database, now=NOW)
        assert (await found(database))[0] == {number: number for number in range(4)}


async def test_adopted_articles_are_compared_without_dates(tmp_path: Path, storage: Storage) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number, name in enumerate(("tungsten-ru", "summit-ru", "tungsten-en", "flood-en")):
        composed = BY_NAME[name]
        published = composed.published if number == 1 else None
        content = compose(composed.text.split("\n\n"), title=composed.title, published=published).to_bytes()
        (source / f"{number:03d}_{number:016x}.txt").write_bytes(content)
    async with open_corpus(tmp_path / "data", storage, adopting=True) as corpus:
        await adopt(corpus, source, now=NOW)
        done = await relate_new(corpus.database, now=NOW)
        event_of, pairs = await found(corpus.database)
    assert done == Related(articles=4, translations=1, events=3)
    assert pairs == {(2, 0)}
    assert event_of == {0: 0, 1: 1, 2: 0, 3: 3}


async def test_of_the_seeds_only_the_two_on_the_summit_of_that_day_share_an_event(tmp_path: Path, seeds: Path) -> None:
    async with open_corpus(tmp_path, Storage(), adopting=True) as corpus:
        await adopt(corpus, seeds, now=NOW)
        assert (await relate_new(corpus.database, now=NOW)).translations == 0
        event_of, pairs = await found(corpus.database)
    # 000 and 001 are both of 6 November 2025, on that day's summit; 002 and 003 are on parts of it, later.
    assert event_of == {0: 0, 1: 0, 2: 2, 3: 3, 4: 4}
    assert pairs == set()


async def test_a_busy_day_is_done_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relating, "BATCH", 3)
    monkeypatch.setattr(relating, "AHEAD", 7)
    monkeypatch.setattr(relating, "MOST", 10)
    async with opened(tmp_path, Storage()) as database:
        many = [row(number, article(f"{FIRE if number % 2 else FORM} номер{number}")) for number in range(20)]
        await store(database, many)
        assert (await relate_new(database, now=NOW)).articles == 20
        event_of, _ = await found(database)
        assert event_of.keys() == set(range(20))
        assert all(event_of[event] == event for event in event_of.values())
        assert not {event for n, event in event_of.items() if n % 2} & {e for n, e in event_of.items() if not n % 2}


async def test_two_runs_at_once_write_every_article_once(tmp_path: Path, storage: Storage) -> None:
    rows = [row(number, ARTICLES[number % len(ARTICLES)]) for number in range(60)]
    async with opened(tmp_path, storage) as database, opened(tmp_path, storage) as other:
        await store(database, rows)
        both = await asyncio.gather(relate_new(database, now=NOW), relate_new(other, now=NOW))
        event_of, _ = await found(database)
        assert sum(done.articles for done in both) == len(event_of) == 60
        assert sum(done.events for done in both) == len(set(event_of.values()))
        assert all(event_of[event] == event for event in event_of.values()), "every event has its founder"
        async with database.read() as connection:
            waiting = select(func.count()).select_from(articles).where(articles.c.related_at.is_(None))
            assert (await connection.execute(waiting)).scalar_one() == 0


async def test_a_crash_while_writing_leaves_the_batch_for_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: object) -> int:
        raise RuntimeError("killed")

    async with opened(tmp_path, Storage()) as database:
        await store(database, [row(number, composed) for number, composed in enumerate(ARTICLES)])
        with monkeypatch.context() as patched:
            patched.setattr(relating, "_count_translations", dies)
            with pytest.raises(RuntimeError, match="killed"):
                await relate_new(database, now=NOW)
        assert await found(database) == ({}, set())
        assert (await relate_new(database, now=NOW)).articles == len(ARTICLES)


async def test_writing_is_not_kept_waiting_by_the_comparing(tmp_path: Path) -> None:
    async with opened(tmp_path, Storage()) as database:
        await store(database, [row(number, article(f"{FIRE} номер{number}")) for number in range(400)])
        task = asyncio.create_task(relate_new(database, now=NOW))
        await asyncio.sleep(0.05)
        async with database.write() as connection:
            await connection.execute(update(articles).where(articles.c.number == 0).values(why="meanwhile"))
        assert not task.done()
        assert (await task).articles == 400
