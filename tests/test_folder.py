"""What every folder of article files does alike, on the disk and on S3, and what each does in its own way."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from config.settings import Storage
from storage.errors import StorageError
from storage.files.folder import Folder, MissingFile, in_thread
from storage.files.local_folder import LocalFolder, keep_aside
from storage.files.object_folder import PARALLEL, ObjectFolder
from storage.files.opening import folder_at, is_leftover, open_folder
from tests.support.s3 import S3Server

pytestmark = pytest.mark.slow

ONE, TWO, THREE = "000_aaaaaaaaaaaaaaaa.txt", "001_bbbbbbbbbbbbbbbb.txt", "002_cccccccccccccccc.txt"
CONTENTS = {"text": "Текст статьи.".encode(), "nothing": b"", "no UTF-8": b"\xff\x00\r\n", "large": b"x" * 3_000_000}


@pytest.fixture(params=["local", "s3", "s3 without prefix"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """An empty folder of each kind."""
    if request.param == "local":
        made: Folder = open_folder(tmp_path, Storage())
    else:
        server: S3Server = request.getfixturevalue("s3")
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        prefix = "" if "without" in request.param else "/c5watch/texts"
        made = open_folder(tmp_path, Storage(corpus=f"s3://{server.bucket()}{prefix}"))
    made.prepare()
    return made


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_what_is_written_is_read(folder: Folder, content: bytes) -> None:
    folder.write({ONE: content})
    assert folder.read(ONE) == content
    assert folder.sizes() == {ONE: len(content)}


def test_names_are_all_there_is(folder: Folder) -> None:
    assert (folder.names(), folder.sizes()) == (set(), {})
    folder.write({ONE: b"1", THREE: b"3", "1000_aaaaaaaaaaaaaaaa.txt": b"1000"})
    assert folder.names() == {ONE, THREE, "1000_aaaaaaaaaaaaaaaa.txt"}
    assert folder.names("000_") == {ONE}
    assert folder.names("001_") == set()


def test_more_files_than_one_listing_holds(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.files.object_folder.PAGE", 10)
    many = {f"{number:03d}_{number:016x}.txt": b"x" * (number % 7) for number in range(35)}
    folder.write(many)
    assert folder.sizes() == {name: len(content) for name, content in many.items()}
    assert folder.read_all(sorted(many)) == [many[name] for name in sorted(many)]


def test_the_same_bytes_may_be_written_again_and_other_ones_not(folder: Folder) -> None:
    folder.write({ONE: b"one"})
    folder.write({ONE: b"one", TWO: b"two"})
    with pytest.raises(StorageError, match=f"{ONE} exists with another content .*: move it away and start again"):
        folder.write({ONE: b"another"})
    assert folder.read_all([TWO, ONE]) == [b"two", b"one"]


def test_a_file_is_replaced_and_removed(folder: Folder) -> None:
    folder.write({ONE: b"one"})
    folder.replace(ONE, b"another")
    folder.replace(TWO, b"two")
    assert folder.read_all([ONE, TWO]) == [b"another", b"two"]
    folder.remove(ONE)
    folder.remove(ONE)
    assert folder.names() == {TWO}


def test_a_missing_file_is_one_sentence_and_the_others_are_read(folder: Folder) -> None:
    folder.write({ONE: b"one"})
    with pytest.raises(MissingFile, match=f"{TWO}: missing: run 'c5watch corpus repair', which writes it from"):
        folder.read(TWO)
    missing, one = folder.read_all([TWO, ONE])
    assert (type(missing), one) == (MissingFile, b"one")


def test_the_folder_is_named_in_words(folder: Folder, tmp_path: Path) -> None:
    assert str(folder) in str(folder_at(str(folder)))
    assert str(folder) == str(tmp_path / "corpus") or str(folder).startswith("s3://bucket-")
    assert folder.remote == str(folder).startswith("s3://")


@pytest.mark.parametrize(
    ("name", "left"),
    [
        (f".{ONE}.tmp", True),
        (f"{ONE}.tmp", False),
        (f".{ONE}", False),
        (".notes.txt.tmp", False),
        (".DS_Store", False),
        ("", False),
    ],
)
def test_only_what_our_writer_leaves_is_a_leftover(name: str, left: bool) -> None:
    assert is_leftover(name) is left


def test_a_full_disk_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = LocalFolder(tmp_path)
    folder.write({ONE: b"one"})

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    calls: list[Callable[[], None]] = [lambda: folder.write({TWO: b"two"}), lambda: folder.replace(ONE, b"another")]
    for call in calls:
        with pytest.raises(StorageError, match="No space left on device: check the disk"):
            call()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {ONE: b"one"}


def test_what_is_set_aside_is_kept_once_and_nothing_is_overwritten(tmp_path: Path) -> None:
    places = [keep_aside(tmp_path, ONE, content) for content in (b"1", b"2", b"1", b"2", b"3")]
    assert places == [f"set-aside/{ONE}{end}" for end in ("", ".2", "", ".2", ".3")]
    assert [path.read_bytes() for path in sorted((tmp_path / "set-aside").iterdir())] == [b"1", b"2", b"3"]


async def test_an_interruption_waits_for_the_end_of_a_blocking_call() -> None:
    begun, ended = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        time.sleep(0.2)
        ended.set()

    task = asyncio.create_task(in_thread(work))
    while not begun.is_set():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_the_event_loop_goes_on_during_a_blocking_call() -> None:
    go_on = threading.Event()
    call = asyncio.create_task(in_thread(go_on.wait, 60))
    await asyncio.sleep(0.05)
    go_on.set()
    assert await call, "it was not the loop's turn while the call was waiting"


def test_no_service_is_asked_before_something_is_wanted_of_it(tmp_path: Path) -> None:
    folder = open_folder(tmp_path, Storage(corpus="s3://bucket/prefix/"))
    assert isinstance(folder, ObjectFolder)
    assert str(folder) == "s3://bucket/prefix"
    assert PARALLEL > 1
