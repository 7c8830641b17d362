"""An index that the disk has damaged: the check names what, goes on to the end, and prints nobody's text."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from config.settings import Storage
from storage.corpus.verify import Fault, verify
from storage.corpus.writer import open_corpus, open_for_reading
from storage.errors import StorageError
from tests.support.results import NOW, result
from tests.support.running import CHECKOUT, c5watch, own_disk, source_toml, write_config

pytestmark = pytest.mark.slow

COUNT = 12
WORD = "тайна"  # stands in every text that is damaged, and in no sentence


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """A sound corpus, its index whole in its file."""
    async with open_corpus(tmp_path / "data", Storage()) as corpus:
        for number in range(COUNT):
            await corpus.place([result(number)], now=NOW)
    index = tmp_path / "data" / "index.sqlite"
    assert not index.with_name("index.sqlite-wal").exists()
    return tmp_path / "data"


async def found(data: Path) -> tuple[int, list[Fault]]:
    async with open_for_reading(data, Storage()) as corpus:
        return await verify(corpus)


def change(data: Path, statement: str, *values: object) -> None:
    with contextlib.closing(sqlite3.connect(data / "index.sqlite")) as index, index:
        index.execute(statement, values)


DAMAGES: dict[str, Callable[[Path, int], None]] = {
    "a text that is not UTF-8": lambda data, number: change(
        data, "UPDATE articles SET body = CAST(? || X'D0FFD0' AS TEXT) WHERE number = ?", WORD, number
    ),
    "a title that is not UTF-8": lambda data, number: change(
        data, "UPDATE articles SET title = CAST(? || X'D0FFD0' AS TEXT) WHERE number = ?", WORD, number
    ),
    "a list that is no JSON": lambda data, number: change(
        data, "UPDATE articles SET links = ? WHERE number = ?", f'["{WORD}', number
    ),
    "a day that is none": lambda data, number: change(
        data, "UPDATE articles SET published = ? WHERE number = ?", WORD, number
    ),
    "a day of the calendar that is none": lambda data, number: change(
        data, "UPDATE articles SET published = '2025-02-30' WHERE number = ?", number
    ),
    "a moment that is none": lambda data, number: change(
        data, "UPDATE articles SET appended_at = ? WHERE number = ?", WORD, number
    ),
    "a moment beyond all time": lambda data, number: change(
        data, "UPDATE articles SET retrieved_at = 99999999999999999 WHERE number = ?", number
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
async def test_damaged_rows_are_named_by_number_and_all_others_are_checked(data: Path, name: str) -> None:
    for number in (3, 4, COUNT - 1):
        DAMAGES[name](data, number)
    other = next((data / "corpus").glob("007_*"))
    other.write_bytes(b"changed")
    count, faults = await found(data)
    assert count == COUNT
    said = [f"{fault.location}: {fault.fault}" for fault in faults]
    assert said == [
        "index: number 003 cannot be read: its row is damaged",
        "index: number 004 cannot be read: its row is damaged",
        f"{other.name}: another content than when it was written",
        f"index: number {COUNT - 1:03d} cannot be read: its row is damaged",
    ]
    assert "restore it from a copy, or move it away and adopt" in faults[0].mend


async def test_whatever_page_rots_the_check_comes_to_its_end_and_finds_it(data: Path) -> None:
    index = data / "index.sqlite"
    whole = index.read_bytes()
    size = int.from_bytes(whole[16:18], "big")
    texts = {path.read_text(encoding="utf-8")[20:60] for path in (data / "corpus").iterdir()}
    unnoticed, ended = [], 0
    for page in range(2, len(whole) // size + 1):
        index.write_bytes(whole[: size * (page - 1)] + b"\xfe" * size + whole[size * page :])
        try:
            _, faults = await found(data)
        except StorageError as error:  # the tables' own list is gone: nothing can be opened
            sentences = [str(error)]
        else:
            ended += 1
            sentences = [str(fault) for fault in faults]
        if not sentences:
            unnoticed.append(page)
        assert all(len(line.splitlines()) == 1 and len(line) < 500 for line in sentences)
        assert not any(text in line for line in sentences for text in texts)
    assert unnoticed == []
    assert ended > len(whole) // size // 2
    index.write_bytes(whole)
    assert await found(data) == (COUNT, [])


def test_the_commands_say_it_in_a_sentence_without_the_text(data: Path) -> None:
    DAMAGES["a text that is not UTF-8"](data, 3)
    checked = c5watch("corpus", "verify", "--data", data)
    assert checked.returncode == 1
    assert "index: number 003 cannot be read" in checked.stdout
    for command in (("corpus", "stats"), ("corpus", "show", 3), ("corpus", "export", "-")):
        done = c5watch(*command, "--data", data)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
        assert "a text in column body is damaged: 'c5watch corpus verify' names it" in done.stderr
        assert WORD not in done.stdout + done.stderr
    assert WORD not in checked.stdout + checked.stderr


VALUES = {  # beside the articles' own: a statement, what it damages, and a command that reads it
    "UPDATE urls SET details = ?": ("list or table", "urls", ("explain", "https://a.kz/9")),
    "UPDATE urls SET decided_at = ?": ("moment", "urls", ("explain", "https://a.kz/9")),
    "UPDATE articles SET authors = ?": ("list or table", None, ("corpus", "show", 3)),
    "UPDATE articles SET published = ?": ("day", None, ("corpus", "export", "-")),
    "UPDATE runs SET summary = ?": ("list or table", "runs", ("report",)),
    "UPDATE feeds SET next_poll = ?": ("moment", "feeds", ("monitor", "--engine", "direct")),
}


@pytest.mark.parametrize("statement", VALUES)
def test_a_value_that_does_not_fit_its_column_is_a_sentence_that_names_the_check(
    data: Path, statement: str, tmp_path: Path
) -> None:
    what, table, command = VALUES[statement]
    config = write_config(tmp_path / "config", sources=source_toml("site", "http://127.0.0.1:9/rss"))
    for row in (
        "runs (kind, engine, started_at) VALUES ('monitor', 'direct', 0)",
        "feeds (url, source_id, polled_at, failures) VALUES ('http://127.0.0.1:9/rss', 'site', 0, 0)",
        "urls (key, url, feed_url, source_id, first_seen, attempts) VALUES ('https://a.kz/9', '', '', 'site', 0, 0)",
    ):
        change(data, f"INSERT INTO {row}")
    change(data, statement, f'["{WORD}')
    done = c5watch(*command, "--data", data, "--config", config)
    assert done.returncode == 1, done.stderr
    assert f"c5watch: the index holds a damaged {what}: 'c5watch corpus verify' names it; or restore" in done.stderr
    assert "Traceback" not in done.stderr and "fault of the program" not in done.stderr
    checked = c5watch("corpus", "verify", "--data", data)
    assert checked.returncode == 1
    named = f"rows of {table} that hold damaged values" if table else "cannot be read: its row is damaged"
    assert named in checked.stdout
    assert WORD not in done.stdout + done.stderr + checked.stdout + checked.stderr


READ_ONLY = """
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
shift
exec "$@"
"""


@pytest.mark.skipif(not own_disk(), reason="the system gives no mount of its own to this user")
@pytest.mark.parametrize("left_behind", [False, True])
def test_what_only_reads_works_on_a_read_only_file_system(data: Path, tmp_path: Path, left_behind: bool) -> None:
    commands = [
        ["corpus", "verify"], ["corpus", "stats"], ["corpus", "show", "3"], ["corpus", "search", "слово*"],
        ["corpus", "export", str(tmp_path / "all.csv"), "--format", "csv"], ["explain", "https://site.kz/news/3"],
        ["sources", "status"],
    ]  # fmt: skip
    if left_behind:
        shutil.copy(data / "index.sqlite", data / "index.sqlite-wal")  # as if a run had been killed
    for command in commands:
        arguments = [sys.executable, "-m", "flows.cli", *command, "--data", str(data)]
        done = subprocess.run(
            ["unshare", "-rm", "sh", "-c", READ_ONLY, "sh", data, *arguments], cwd=CHECKOUT, capture_output=True,
            text=True, timeout=120, check=False,
        )  # fmt: skip
        if left_behind:
            assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
            assert "holds changes of a run that was cut off: copy the folder to where it can be written" in done.stderr
        else:
            assert done.returncode == 0 or (command[0] == "explain" and done.stdout), (command, done.stderr)
            assert "Traceback" not in done.stderr
