"""A pass may die anywhere: the next opening completes what it left, and nothing is lost, repeated or renumbered."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg  # noqa: F401  # here, so that no child is killed while it is still importing
import pytest
import s3fs  # noqa: F401

import storage.corpus.writer
import storage.files.local_folder
from config.settings import Storage
from extractors.records import Outcome
from storage.corpus.verify import verify
from storage.corpus.writer import CorpusWriter, open_corpus
from storage.files.manifest import append_lines
from storage.files.object_folder import ObjectFolder
from storage.files.opening import folder_at
from tests.benchmarks.corpus_kills import SEED, kill_passes, open_and_work_off, work_off
from tests.support.forks import CUT, KILLED, Fork
from tests.support.numbered import (
    FIRST_SEEN,
    SQLITE,
    check_sound,
    contents,
    manifest,
    outcomes,
    remember,
    result,
)
from tests.support.s3 import S3Server

pytestmark = pytest.mark.slow

ROUNDS = {"sqlite": 14, "postgresql": 5}  # 42 by tests.benchmarks.corpus_kills


@asynccontextmanager
async def opened(data: Path, settings: Storage = SQLITE) -> AsyncIterator[CorpusWriter]:
    async with open_corpus(data, settings) as corpus:
        yield corpus


def test_killed_at_random_moments_the_corpus_is_as_if_undisturbed(tmp_path: Path, storage: Storage, fork: Fork) -> None:
    rounds = ROUNDS["sqlite" if storage == SQLITE else "postgresql"]
    interrupted = kill_passes(tmp_path, storage, fork, rounds=rounds)
    assert interrupted >= rounds // 3  # else the kills came too late to test anything
    assert len(contents(tmp_path / "calm")) >= 15


def _cut_before_the_files() -> None:
    storage.corpus.writer.CorpusWriter.publish = lambda _self: os._exit(CUT)  # type: ignore[method-assign,assignment,misc]


def _cut_after_two_files() -> None:
    write, written = storage.files.local_folder.write_file, []

    def write_file(path: Path, content: bytes) -> None:
        if len(written) == 2:
            os._exit(CUT)
        written.append(path)
        write(path, content)

    storage.files.local_folder.write_file = write_file


def _cut_within_a_file() -> None:
    def fsync(handle: int) -> None:
        os.ftruncate(handle, 20)
        os._exit(CUT)

    storage.files.local_folder.os.fsync = fsync  # type: ignore[assignment]


def _cut_before_the_manifest() -> None:
    storage.corpus.writer.append_lines = lambda *_: os._exit(CUT)


def _cut_within_the_manifest() -> None:
    def write_half(path: Path, lines: Iterable[str]) -> None:
        first, second, *_ = lines
        append_lines(path, [first, second[: len(second) // 2]])
        os._exit(CUT)

    storage.corpus.writer.append_lines = write_half


CUTS: dict[str, Callable[[], None]] = {
    "before the files": _cut_before_the_files,
    "after two files": _cut_after_two_files,
    "within a file": _cut_within_a_file,
    "before the manifest": _cut_before_the_manifest,
    "within the manifest": _cut_within_the_manifest,
}


def _cut_child(data: Path, settings: Storage, cut: str, numbers: list[int]) -> None:
    async def place() -> None:
        async with opened(data, settings) as corpus:
            CUTS[cut]()
            await corpus.place([result(number) for number in numbers], now=FIRST_SEEN)

    asyncio.run(place())


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("earlier", [0, 3])
async def test_whatever_a_cut_leaves_is_completed_by_the_next_opening(
    tmp_path: Path, storage: Storage, fork: Fork, cut: str, earlier: int
) -> None:
    data, calm = tmp_path / "data", tmp_path / "calm"
    numbers = [0, 2, 5, 7, 8, 9, 12, 13]
    for folder, settings in ((data, storage), (calm, SQLITE)):
        async with opened(folder, settings) as corpus:
            await remember(corpus, 0)
            if earlier:
                await corpus.place([result(number) for number in numbers[:earlier]], now=FIRST_SEEN)
    async with opened(calm) as corpus:
        await corpus.place([result(number) for number in numbers[earlier:]], now=FIRST_SEEN)
    assert fork(_cut_child, data, storage, cut, numbers[earlier:]) == CUT
    async with opened(data, storage) as corpus:
        await check_sound(corpus, data)
        again = await corpus.place([result(number) for number in numbers], now=FIRST_SEEN)
    assert {placed.outcome for placed in again} == {Outcome.DUPLICATE}
    assert contents(data) == contents(calm)
    assert (data / "manifest.jsonl").read_bytes() == (calm / "manifest.jsonl").read_bytes()


@pytest.fixture
def on_s3(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Storage:
    """Files in a new bucket, for clients of this process and for a child that gets its environment."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return Storage(corpus=f"s3://{s3.bucket()}/texts")


def _child_on_s3(data: Path, settings: Storage, environment: dict[str, str], request: int, *, after: bool) -> None:
    """Work off what waits, and die at this request, before it is made or `after` it was answered."""
    os.environ.update(environment)
    call, made = ObjectFolder._call, itertools.count(1)

    def call_or_die(self: ObjectFolder, method: str, **arguments: Any) -> Any:
        last = next(made) == request
        if last and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = call(self, method, **arguments)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    ObjectFolder._call = call_or_die  # type: ignore[method-assign]
    asyncio.run(open_and_work_off(data, settings))


def test_killed_at_any_request_to_s3_the_corpus_is_as_if_undisturbed(
    tmp_path: Path, on_s3: Storage, fork: Fork
) -> None:
    disturbed, calm = tmp_path / "disturbed", tmp_path / "calm"
    environment = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}

    async def remember_all(data: Path, settings: Storage) -> None:
        async with opened(data, settings) as corpus:
            await remember(corpus, 0)
            await remember(corpus, 1)

    async def finish(data: Path, settings: Storage) -> list[tuple[Any, ...]]:
        async with opened(data, settings) as corpus:
            assert (await verify(corpus))[1] == []
            await work_off(corpus)
            assert (await verify(corpus))[1] == []
            return await outcomes(corpus)

    asyncio.run(remember_all(disturbed, on_s3))
    for number, request in enumerate((3, 1, 5, 4, 6)):  # the first two are those of the opening
        assert fork(_child_on_s3, disturbed, on_s3, environment, request, after=bool(number % 2)) == KILLED
    asyncio.run(remember_all(calm, SQLITE))
    assert asyncio.run(finish(disturbed, on_s3)) == asyncio.run(finish(calm, SQLITE))
    folder = folder_at(on_s3.corpus)
    assert {name: folder.read(name) for name in folder.names()} == contents(calm)
    assert manifest(disturbed) == manifest(calm)


@pytest.fixture
async def five(tmp_path: Path) -> Path:
    """A data folder with five articles."""
    async with opened(tmp_path) as corpus:
        await remember(corpus, 0)
        await corpus.place([result(number) for number in (0, 2, 5, 7, 8)], now=FIRST_SEEN)
        await check_sound(corpus, tmp_path)
    return tmp_path


async def reopen(data: Path) -> None:
    async with opened(data) as corpus:
        await check_sound(corpus, data)


async def test_a_manifest_cut_anywhere_is_completed(five: Path) -> None:
    path = five / "manifest.jsonl"
    whole = path.read_bytes()
    ends = [position + 1 for position, byte in enumerate(whole) if byte == 0x0A]
    rng = random.Random(SEED)
    cuts = {0, 1, *ends, *(end - 1 for end in ends), *(rng.randrange(len(whole)) for _ in range(20))}
    for cut in sorted(cuts):
        path.write_bytes(whole[:cut])
        await reopen(five)
        assert path.read_bytes() == whole, f"cut at byte {cut}"


@pytest.mark.parametrize("rest", [b"\n", b"{}\n", b"null\n", b"\xff\xfe\n", b'{"number": "x"}\n', b'{"number": 999}\n'])
async def test_a_manifest_that_ends_in_something_else_is_written_anew(five: Path, rest: bytes) -> None:
    path = five / "manifest.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + rest)
    await reopen(five)
    assert path.read_bytes() == whole


async def test_a_deleted_manifest_is_written_again(five: Path) -> None:
    path = five / "manifest.jsonl"
    whole = path.read_bytes()
    path.unlink()
    await reopen(five)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("which", [slice(0, 1), slice(2, 4), slice(-1, None), slice(None)])
async def test_deleted_article_files_are_written_again(five: Path, which: slice) -> None:
    before = contents(five)
    for name in sorted(before)[which]:
        (five / "corpus" / name).unlink()
    await reopen(five)
    assert contents(five) == before


async def test_a_lost_folder_of_files_is_written_again(five: Path) -> None:
    before = contents(five)
    for name in before:
        (five / "corpus" / name).unlink()
    (five / "corpus").rmdir()
    (five / "manifest.jsonl").unlink()
    await reopen(five)
    assert contents(five) == before


async def test_what_is_complete_is_not_written_again(five: Path) -> None:
    paths = [five / "manifest.jsonl", *(five / "corpus").iterdir()]
    before = [(path.stat().st_mtime_ns, path.stat().st_ino) for path in paths]
    await reopen(five)
    assert [(path.stat().st_mtime_ns, path.stat().st_ino) for path in paths] == before
