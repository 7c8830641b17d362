"""Imports and exports may die anywhere: the same command again gives what an undisturbed one would have given."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from pathlib import Path

import asyncpg  # noqa: F401  # here, so that no child is killed while it is still importing
import pytest

from config.settings import Duplicates, Storage
from storage.corpus import importing
from storage.corpus.export import export
from storage.corpus.verify import verify
from storage.corpus.writer import open_corpus, open_for_reading
from tests.support.forks import KILLED, Fork
from tests.support.numbered import SQLITE
from tests.support.stories import edited, line, story, write_lines

NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
SEED = 20251122
ROUNDS = 40
STORIES = 90


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in which every fifth article is an edited copy of an earlier one."""
    lines = [
        line(
            f"https://site{number % 7}.kz/{number}",
            edited(story(number - 3, paragraphs=3)) if number % 5 == 4 else story(number, paragraphs=3),
        )
        for number in range(STORIES)
    ]
    return write_lines(tmp_path_factory.mktemp("lines") / "articles.jsonl", *lines)


def import_all(data: Path, storage: Storage, path: Path) -> None:
    importing.BATCH = 4  # so that a child that is killed early gets somewhere

    async def work() -> None:
        async with open_corpus(data, storage) as corpus:
            async for _ in importing.import_lines(
                corpus, path, now=lambda: NOW, limits=Duplicates(), min_words=20, source_of=lambda url: "site"
            ):
                pass

    asyncio.run(work())


def export_all(data: Path, storage: Storage, target: Path, form: str) -> None:
    async def work() -> None:
        async with open_for_reading(data, storage) as corpus:
            await export(corpus, target, form=form)

    asyncio.run(work())


async def check_sound(data: Path, storage: Storage) -> None:
    async with open_for_reading(data, storage) as corpus:
        assert (await verify(corpus))[1] == []


def contents(data: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (data / "corpus").glob("*.txt")}


def test_an_import_killed_at_random_moments_gives_the_same_files_as_an_undisturbed_one(
    tmp_path: Path, storage: Storage, articles: Path, fork: Fork
) -> None:
    luck = random.Random(SEED)
    disturbed, calm = tmp_path / "disturbed", tmp_path / "calm"
    killed = 0
    for _ in range(ROUNDS):
        killed += fork(import_all, disturbed, storage, articles, kill_after=luck.uniform(0.02, 0.25)) == KILLED
    assert killed >= ROUNDS // 3  # else the kills came too late to test anything
    assert fork(import_all, disturbed, storage, articles) == 0
    assert fork(import_all, calm, SQLITE, articles) == 0
    assert contents(disturbed) == contents(calm)
    assert len(contents(calm)) == STORIES - STORIES // 5
    assert (disturbed / "manifest.jsonl").read_bytes() == (calm / "manifest.jsonl").read_bytes()
    asyncio.run(check_sound(disturbed, storage))


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_an_export_killed_at_random_moments_leaves_the_old_file_or_the_new_one(
    tmp_path: Path, articles: Path, fork: Fork, form: str
) -> None:
    luck = random.Random(SEED)
    assert fork(import_all, tmp_path, SQLITE, articles) == 0
    wanted, target = tmp_path / "wanted", tmp_path / f"export.{form}"
    assert fork(export_all, tmp_path, SQLITE, wanted, form) == 0
    target.write_bytes(b"an earlier export")
    seen = set()
    for _ in range(12):
        fork(export_all, tmp_path, SQLITE, target, form, kill_after=luck.uniform(0.0, 0.12))
        seen.add(target.read_bytes())
        assert seen <= {b"an earlier export", wanted.read_bytes()}
    assert fork(export_all, tmp_path, SQLITE, target, form) == 0
    assert target.read_bytes() == wanted.read_bytes()
