"""Kill passes, imports and exports at random moments, start them again, and compare with what nobody disturbs.

    python -m tests.benchmarks.corpus_kills [--rounds 42] [--database sqlite|postgresql] [--seed 20251122]

Each round a child begins to work, is killed (SIGKILL) after a random time, and what it leaves is checked. In the end
the files and the manifest must be those of an undisturbed run, byte for byte; the first difference ends the benchmark.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

# Here, so that no child is killed while it is still importing.
import asyncpg  # noqa: F401
import pyarrow.parquet  # noqa: F401
import s3fs  # noqa: F401

from config.settings import Duplicates, Storage
from storage.corpus import importing
from storage.corpus.export import export
from storage.corpus.verify import verify
from storage.corpus.writer import CorpusWriter, open_corpus, open_for_reading
from storage.state.entries import load_due
from tests.support.forks import KILLED, Fork, nursery
from tests.support.numbered import ENTRIES_A_POLL, SQLITE, check_sound, contents, manifest, outcomes, remember, result
from tests.support.stories import edited, line, story, write_lines

SEED = 20251122
BACKLOG = 30  # entries that wait when a child starts: more than it can place before it is killed
BATCH = 3
STORIES = 90
NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
FORMS = ("jsonl", "csv", "parquet")


async def due(corpus: CorpusWriter) -> list[str]:
    """Return the keys of the entries that wait."""
    async with corpus.database.read() as connection:
        return [entry.key for entry in await load_due(connection, ["site"], now=datetime.now(UTC))]


async def work_off(corpus: CorpusWriter) -> None:
    """Place all pending entries in small batches."""
    while keys := await due(corpus):
        await corpus.place([result(int(key[-5:])) for key in keys[:BATCH]], now=datetime.now(UTC))


async def open_and_work_off(data: Path, settings: Storage) -> None:
    """Place what waits, as a pass does."""
    async with open_corpus(data, settings) as corpus:
        await work_off(corpus)


def _pass(data: Path, settings: Storage) -> None:
    asyncio.run(open_and_work_off(data, settings))


def kill_passes(folder: Path, storage: Storage, fork: Fork, *, rounds: int, seed: int = SEED) -> int:
    """Kill so many passes; return how many of them left something undone. Any damage is an AssertionError."""
    moments = random.Random(seed)
    disturbed, calm = folder / "disturbed", folder / "calm"
    polls = interrupted = 0

    async def between() -> bool:
        """Open again, look for damage, give the next child enough to do; whether the last one left anything."""
        nonlocal polls
        async with open_corpus(disturbed, storage) as corpus:
            await check_sound(corpus, disturbed)
            waiting = len(await due(corpus))
            for _ in range(waiting, BACKLOG, ENTRIES_A_POLL):
                await remember(corpus, polls)
                polls += 1
            return waiting > 0

    asyncio.run(between())
    # On PostgreSQL only the transaction is another, and a connection takes longer to make.
    earliest, latest = (0.02, 0.2) if storage == SQLITE else (0.1, 0.6)
    for _ in range(rounds):
        assert fork(_pass, disturbed, storage, kill_after=moments.uniform(earliest, latest)) in (KILLED, 0)
        interrupted += asyncio.run(between())

    async def finish() -> None:
        async with open_corpus(disturbed, storage) as corpus, open_corpus(calm, SQLITE) as other:
            await work_off(corpus)
            await check_sound(corpus, disturbed)
            for poll in range(polls):
                await remember(other, poll)
            await work_off(other)
            assert await outcomes(corpus) == await outcomes(other)

    asyncio.run(finish())
    assert contents(disturbed) == contents(calm)
    assert manifest(disturbed) == manifest(calm)
    return interrupted


def lines_file(folder: Path) -> Path:
    """Write a file in which every fifth article is an edited copy of an earlier one."""
    lines = [
        line(
            f"https://site{number % 7}.kz/{number}",
            edited(story(number - 3, paragraphs=3)) if number % 5 == 4 else story(number, paragraphs=3),
        )
        for number in range(STORIES)
    ]
    return write_lines(folder / "articles.jsonl", *lines)


def import_all(data: Path, storage: Storage, path: Path) -> None:
    """Import the file, as the command does."""
    importing.BATCH = 4  # so that a child that is killed early gets somewhere

    async def work() -> None:
        async with open_corpus(data, storage) as corpus:
            async for _ in importing.import_lines(
                corpus, path, now=lambda: NOW, limits=Duplicates(), min_words=20, source_of=lambda url: "site"
            ):
                pass

    asyncio.run(work())


def export_all(data: Path, storage: Storage, target: Path, form: str) -> None:
    """Export the corpus, as the command does."""

    async def work() -> None:
        async with open_for_reading(data, storage) as corpus:
            await export(corpus, target, form=form)

    asyncio.run(work())


async def _verified(data: Path, storage: Storage) -> None:
    async with open_for_reading(data, storage) as corpus:
        assert (await verify(corpus))[1] == []


def kill_imports(folder: Path, storage: Storage, fork: Fork, *, rounds: int, seed: int = SEED) -> int:
    """Kill so many imports of one file; return how many did not end by themselves."""
    luck, articles = random.Random(seed), lines_file(folder)
    disturbed, calm = folder / "disturbed", folder / "calm"
    killed = 0
    for _ in range(rounds):
        killed += fork(import_all, disturbed, storage, articles, kill_after=luck.uniform(0.02, 0.25)) == KILLED
    assert fork(import_all, disturbed, storage, articles) == 0
    assert fork(import_all, calm, SQLITE, articles) == 0
    assert contents(disturbed) == contents(calm)
    assert len(contents(calm)) == STORIES - STORIES // 5
    assert (disturbed / "manifest.jsonl").read_bytes() == (calm / "manifest.jsonl").read_bytes()
    asyncio.run(_verified(disturbed, storage))
    return killed


def kill_exports(folder: Path, fork: Fork, form: str, *, rounds: int, seed: int = SEED) -> int:
    """Kill so many exports to one file, which always holds the old content or the new; return how many were killed."""
    luck = random.Random(seed)
    assert fork(import_all, folder, SQLITE, lines_file(folder)) == 0
    wanted, target = folder / "wanted", folder / f"export.{form}"
    assert fork(export_all, folder, SQLITE, wanted, form) == 0
    target.write_bytes(b"an earlier export")
    seen, killed = set(), 0
    for _ in range(rounds):
        killed += fork(export_all, folder, SQLITE, target, form, kill_after=luck.uniform(0.0, 0.12)) == KILLED
        seen.add(target.read_bytes())
        assert seen <= {b"an earlier export", wanted.read_bytes()}
    assert fork(export_all, folder, SQLITE, target, form) == 0
    assert target.read_bytes() == wanted.read_bytes()
    return killed


def main() -> None:
    """Run all, and print how many were killed in the middle."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=42)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    many = {"rounds": options.rounds, "seed": options.seed}
    with ExitStack() as stack:
        storages = [SQLITE] * 2
        if options.database == "postgresql":
            from tests.support.postgres import PostgresServer

            server = stack.enter_context(PostgresServer())
            storages = [Storage(database=stack.enter_context(server.database())) for _ in range(2)]
        root, fork = Path(stack.enter_context(tempfile.TemporaryDirectory())), stack.enter_context(nursery())
        for name in ("passes", "imports", *FORMS):
            (root / name).mkdir()
        started = time.monotonic()
        passes = kill_passes(root / "passes", storages[0], fork, **many)
        print(f"passes: {passes} of {options.rounds} interrupted; the same corpus as undisturbed")
        imports = kill_imports(root / "imports", storages[1], fork, **many)
        print(f"imports: {imports} of {options.rounds} interrupted; the same corpus as undisturbed")
        for form in FORMS:
            exports = kill_exports(root / form, fork, form, **many)
            print(f"exports to {form}: {exports} of {options.rounds} interrupted; always the old file or the new one")
        print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
