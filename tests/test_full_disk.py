"""A disk that is full, at every write: one sentence, nothing half-written, and the next run goes on."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from config.load import load_config
from config.settings import Storage
from extractors.period import Period
from extractors.records import Outcome, Page
from flows.digest.digest import preview
from flows.passes.backfill import write_coverage
from flows.passes.backfill_request import BackfillRequest
from flows.passes.context import utc_now
from flows.passes.monitor import monitor
from flows.reports.status import write_report
from storage.corpus.repair import repair
from storage.corpus.verify import verify
from storage.corpus.writer import CorpusWriter, open_corpus, open_for_reading
from storage.errors import StorageError
from storage.state.fetched import Fetched
from tests.demo_site.server import DemoSite
from tests.support.numbered import FIRST_SEEN, check_sound, contents, remember, result
from tests.support.running import CHECKOUT, EVERYTHING, c5watch_process, own_disk, write_config

pytestmark = pytest.mark.slow

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


@pytest.mark.parametrize("name", ["status", "preview", "coverage"])
async def test_a_page_that_does_not_fit_is_one_sentence_and_the_old_one_stays(tmp_path: Path, name: str) -> None:
    config, data = load_config(CHECKOUT / "config"), tmp_path / "data"

    async def write() -> Path:
        if name == "status":
            async with open_for_reading(data, config.settings.storage) as corpus:
                return await write_report(config, corpus, data, now=utc_now())
        if name == "preview":
            await preview(config, data, tmp_path / "page.html", name=None, since=None, now=utc_now())
            return tmp_path / "page.html"
        request = BackfillRequest(Period(date(2025, 11, 1), date(2025, 11, 2)), config.select(()))
        return (await write_coverage(config, data, request, now=utc_now()))[1]

    await prepare(data)
    async with open_corpus(data, Storage()):  # SQLite's own files beside the index are there already
        page = await write()
        before = page.read_bytes()
        with largest_file(100), pytest.raises(StorageError, match=f"{page}: File too large: check the disk") as caught:
            await write()
    assert len(str(caught.value).splitlines()) == 1
    assert page.read_bytes() == before
    assert not list(page.parent.glob(".*.tmp"))


async def test_a_fetched_page_that_cannot_be_kept_ends_the_pass_with_one_sentence(
    tmp_path: Path, site: DemoSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_config(tmp_path / "config", sources=site.sources_toml(), topics=EVERYTHING)
    config, keep = load_config(folder), Fetched.keep

    def limited(self: Fetched, key: str, page: Page) -> None:
        with largest_file(50):
            keep(self, key, page)

    monkeypatch.setattr(Fetched, "keep", limited)
    with pytest.raises(StorageError, match="File too large: check the disk"):
        await monitor(config, tmp_path / "data", sources=config.select(()))
    monkeypatch.setattr(Fetched, "keep", keep)
    summary = await monitor(config, tmp_path / "data", sources=config.select(()))
    assert summary.outcomes[Outcome.APPENDED] > 10


@pytest.mark.parametrize(
    "arguments",
    [
        ["sources", "list"],
        ["corpus", "stats", "--json"],
        ["corpus", "show", "0"],
        ["corpus", "export", "-", "--format", "csv"],
    ],
)
async def test_a_full_disk_behind_standard_output_is_one_sentence(tmp_path: Path, arguments: list[str]) -> None:
    await prepare(tmp_path)
    if arguments[0] == "corpus":
        arguments = [*arguments, "--data", str(tmp_path)]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli", *arguments], cwd=CHECKOUT, stdout=full, stderr=subprocess.PIPE,
            text=True, timeout=120, check=False,
        )  # fmt: skip
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert "standard output: No space left on device: free some space" in done.stderr


SMALL_DISK = """
set -e
mount -t tmpfs -o size=4m none "$1"
exec "$2" -m tests.test_full_disk "$1" "$3"
"""


@pytest.mark.skipif(not own_disk(), reason="the system gives no mount of its own to this user")
def test_every_command_on_a_disk_that_fills_ends_with_a_sentence_and_goes_on_when_there_is_room(
    tmp_path: Path, site: DemoSite
) -> None:
    config = write_config(tmp_path / "config", sources=site.sources_toml(), topics=EVERYTHING)
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", SMALL_DISK, "sh", disk, sys.executable, config], cwd=CHECKOUT,
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def fill_and_free(disk: Path, config: Path) -> None:
    """On a small disk: run every command that writes with nothing left, with a little left, and with room."""
    today = utc_now().date().isoformat()
    folders = ("--config", config, "--data", disk / "data")
    commands: dict[str, tuple[object, ...]] = {
        "monitor": ("monitor", *folders),
        "backfill": ("backfill", "--from", today, "--to", today, *folders),
        "digest": ("digest", *folders),
        "report": ("report", *folders),
        "export": ("corpus", "export", "--format", "csv", disk / "all.csv", *folders),
        "repair": ("corpus", "repair", *folders),
    }
    assert c5watch_process("sources", "list", *folders[:2]).returncode == 0
    assert c5watch_process(*commands["monitor"]).returncode == 0
    for left in (0, 200):
        ballast = disk / "ballast"
        free = os.statvfs(disk)
        ballast.write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - left * 1024)))
        for name, arguments in commands.items():
            done = c5watch_process(*arguments)
            print(left, name, done.returncode, done.stderr)
            lines = [line for line in done.stderr.splitlines() if "running directly" not in line]
            assert done.returncode in (0, 1) and "Traceback" not in done.stderr
            assert done.returncode == 0 or (len(lines) == 1 and lines[0].startswith("c5watch: "))
            assert done.returncode == 0 or any(word in lines[0] for word in ("free some space", "check the disk"))
            assert left or name not in ("monitor", "report", "export") or done.returncode == 1
        ballast.unlink()
    for name, arguments in {**commands, "verify": ("corpus", "verify", *folders)}.items():
        done = c5watch_process(*arguments)
        assert done.returncode == 0 or (name == "backfill" and "no archive could be read" in done.stderr), done.stderr


if __name__ == "__main__":
    fill_and_free(Path(sys.argv[1]), Path(sys.argv[2]))
