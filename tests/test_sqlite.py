"""A SQLite file as the index: what may be wrong with it is one sentence, and two that make it at once wait."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from storage.errors import StorageError
from storage.index.database import open_database


async def make(path: Path) -> None:
    await (await open_database(path)).close()


async def test_making_a_new_index_waits_for_who_is_making_it(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE other (x)")
    other.execute("BEGIN EXCLUSIVE")
    making = asyncio.create_task(make(path))
    await asyncio.sleep(0.1)
    assert not making.done()
    other.execute("COMMIT")
    other.close()
    await making


@pytest.mark.parametrize("read_only", [False, True])
async def test_a_file_that_is_no_database_is_named_with_the_mend(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "index.sqlite"
    path.write_bytes(b"This is no database. " * 1000)
    with pytest.raises(StorageError) as caught:
        await open_database(path, read_only=read_only)
    assert str(caught.value) == f"{path}: file is not a database: restore it from a copy, or move it away"
    assert path.read_bytes().startswith(b"This is no database.")


async def test_a_damaged_database_is_named_with_the_mend(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    await make(path)
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))
    with pytest.raises(StorageError, match=r"index\.sqlite: .*malformed: restore it from a copy, or move it away"):
        await open_database(path)


@pytest.mark.parametrize("read_only", [False, True])
async def test_a_folder_in_place_of_the_file_is_said_so(tmp_path: Path, read_only: bool) -> None:
    (tmp_path / "index.sqlite").mkdir()
    with pytest.raises(StorageError) as caught:
        await open_database(tmp_path / "index.sqlite", read_only=read_only)
    expected = f"{tmp_path / 'index.sqlite'} is not a file: move it away, or name another folder with --data"
    assert str(caught.value) == expected


async def test_a_folder_that_does_not_exist_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "index.sqlite"
    with pytest.raises(StorageError) as caught:
        await open_database(path)
    assert str(caught.value) == (
        f"{path}: cannot be written: check the folder's owner and permissions, or name another folder with --data"
    )


async def test_the_index_is_its_owners_alone_to_read(tmp_path: Path) -> None:
    path, before = tmp_path / "index.sqlite", os.umask(0o022)
    try:
        database = await open_database(path)
        beside = [file for file in tmp_path.iterdir() if file.name.startswith("index.sqlite")]
        assert len(beside) == 3
        assert {stat.S_IMODE(file.stat().st_mode) for file in beside} == {0o600}
        await database.close()
        path.chmod(0o644)  # of an older version: the group's right may be wanted, the world's is not
        await (await open_database(path)).close()
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
    finally:
        os.umask(before)
