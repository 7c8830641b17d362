"""A disk that is full, at every write: one sentence, nothing half-written, and the next run goes on."""

from __future__ import annotations

import errno
import json
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.settings import Storage
from extractors.records import Outcome
from storage.corpus.repair import repair
from storage.corpus.verify import verify
from storage.corpus.writer import CorpusWriter, open_corpus
from storage.errors import StorageError
from tests.support.numbered import FIRST_SEEN, check_sound, contents, remember, result

EARLIER, NOW_PLACED = (0, 2), (5, 7, 8, 9)


async def place(corpus: CorpusWriter, numbers: tuple[int, ...]) -> None:
    placed = await corpus.place([result(number) for number in numbers], now=FIRST_SEEN)
    assert {p.outcome for p in placed} == {Outcome.APPENDED}


async def prepare(data: Path) -> None:
    async with open_corpus(data, Storage()) as corpus:
        await remember(corpus, 0)
        await place(corpus, EARLIER)


@pytest.fixture
async def whole(tmp_path: Path) -> tuple[dict[str, bytes], bytes]:
    """Files and manifest as they are without trouble."""
    calm = tmp_path / "calm"
    await prepare(calm)
    async with open_corpus(calm, Storage()) as corpus:
        await place(corpus, NOW_PLACED)
    return contents(calm), (calm / "manifest.jsonl").read_bytes()


def check_nothing_half_written(data: Path, whole: tuple[dict[str, bytes], bytes]) -> None:
    files, manifest = whole
    assert contents(data).items() <= files.items()
    lines = (data / "manifest.jsonl").read_bytes()
    assert manifest.startswith(lines)
    assert lines.endswith(b"\n")
    assert {json.loads(line)["file"] for line in lines.splitlines()} <= contents(data).keys()
    assert [path.name for path in data.iterdir() if path.name.endswith(".tmp")] == []


async def check_goes_on(data: Path, whole: tuple[dict[str, bytes], bytes]) -> None:
    async with open_corpus(data, Storage()) as corpus:
        await check_sound(corpus, data)
        placed = await corpus.place([result(number) for number in (*EARLIER, *NOW_PLACED)], now=FIRST_SEEN)
        assert {p.outcome for p in placed} <= {Outcome.DUPLICATE, Outcome.APPENDED}
        await check_sound(corpus, data)
    assert contents(data) == whole[0]
    assert (data / "manifest.jsonl").read_bytes() == whole[1]


# Six syncs of ours: four files, their folder, the manifest.
@pytest.mark.parametrize("nth", range(6))
async def test_a_disk_that_is_full_at_any_sync(
    tmp_path: Path, whole: tuple[dict[str, bytes], bytes], monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    data, sync, done = tmp_path / "data", os.fsync, 0

    def full(handle: int) -> None:
        nonlocal done
        if done == nth:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done += 1
        sync(handle)

    await prepare(data)
    async with open_corpus(data, Storage()) as corpus:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match=r"No space left on device: check the disk") as caught:
            await place(corpus, NOW_PLACED)
        monkeypatch.setattr(os, "fsync", sync)
    assert done == nth
    assert len(str(caught.value).splitlines()) == 1
    check_nothing_half_written(data, whole)
    await check_goes_on(data, whole)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Every write beyond `size` bytes of a file is cut short by the system, and the next one refused."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("where", ["a file", "the second line", "the last line"])
async def test_a_write_that_the_system_cuts_short(
    tmp_path: Path, whole: tuple[dict[str, bytes], bytes], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    data, lines = tmp_path / "data", whole[1].splitlines(keepends=True)
    longest = max(map(len, whole[0].values()))
    size = {
        "a file": 100,
        "the second line": len(b"".join(lines[:3])) + 20,
        "the last line": len(whole[1]) - 1,
    }[where]
    assert where == "a file" or size > longest  # or it would be a file that is cut
    await prepare(data)
    async with open_corpus(data, Storage()) as corpus:
        publish = corpus.publish

        async def publish_limited() -> None:
            with largest_file(size):
                await publish()

        monkeypatch.setattr(corpus, "publish", publish_limited)
        with pytest.raises(StorageError, match=r"File too large: check the disk"):
            await place(corpus, NOW_PLACED)
    check_nothing_half_written(data, whole)
    await check_goes_on(data, whole)


@pytest.mark.parametrize("spare", [0, 2, 7])
async def test_an_index_that_cannot_grow(tmp_path: Path, spare: int) -> None:
    data = tmp_path / "data"
    await prepare(data)
    batches = [(number, number + 1, number + 2) for number in range(16, 400, 3)]
    finished = []
    async with open_corpus(data, Storage()) as corpus:
        async with corpus.database.read() as connection:  # the limit is that of the connection, which is used again
            pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
            await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + spare}")
        with pytest.raises(StorageError, match=r"index\.sqlite: the disk is full: free some space and start again"):
            for batch in batches:
                finished += await corpus.place([result(number) for number in batch], now=FIRST_SEEN)
    appended = len(EARLIER) + sum(placed.outcome is Outcome.APPENDED for placed in finished)
    async with open_corpus(data, Storage()) as corpus:
        assert await verify(corpus) == (appended, [])
        failed = batches[len(finished) // 3]
        placed = await corpus.place([result(number) for number in failed], now=FIRST_SEEN)
        assert Outcome.APPENDED in {p.outcome for p in placed}
        assert (await verify(corpus))[1] == []


async def test_a_repair_on_a_full_disk_changes_nothing_and_the_next_one_does_it(
    tmp_path: Path, whole: tuple[dict[str, bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, sync = tmp_path / "calm", os.fsync
    odd = data / "corpus" / min(whole[0])
    odd.write_bytes(b"changed")
    (data / "manifest.jsonl").write_bytes(whole[1][:100])

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with open_corpus(data, Storage(), adopting=True) as corpus:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="No space left on device"):
            await repair(corpus)
        monkeypatch.setattr(os, "fsync", sync)
        assert (odd.read_bytes(), (data / "manifest.jsonl").read_bytes()) == (b"changed", whole[1][:100])
        assert (await repair(corpus)).left == ()
    assert (contents(data), (data / "manifest.jsonl").read_bytes()) == whole
