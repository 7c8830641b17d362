"""Opening the index: its schema, its errors in one sentence each, its one writer."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, func, insert, select
from sqlalchemy.dialects import sqlite

from config.settings import Storage
from storage import database as database_module
from storage.corpus import open_corpus, open_for_reading
from storage.database import MIGRATIONS, Database, StorageError, open_database
from storage.runs import store_run_end, store_run_start
from storage.schema import HEAD, Moment, metadata, runs

NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database(tmp_path / "index.sqlite")
    yield opened
    await opened.close()


async def make(path: Path) -> None:
    await (await open_database(path)).close()


async def test_the_migrations_lead_to_the_schema_of_the_tables(tmp_path: Path) -> None:
    await make(tmp_path / "index.sqlite")
    engine = create_engine(f"sqlite:///{tmp_path / 'index.sqlite'}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == HEAD
    engine.dispose()


def test_the_newest_migration_is_the_one_the_schema_names() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


async def test_opening_again_keeps_what_is_there(tmp_path: Path) -> None:
    for _ in range(3):
        database = await open_database(tmp_path / "index.sqlite")
        await store_run_start(database, kind="monitor", engine="direct", now=NOW)
        await database.close()
    with closing(sqlite3.connect(tmp_path / "index.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (3,)


async def test_many_may_open_a_new_index_at_once(tmp_path: Path) -> None:
    for attempt in range(8):  # threads, and several times: the moments that collide are short
        path, start = tmp_path / f"{attempt}.sqlite", threading.Barrier(4)

        def open_it(path: Path = path, start: threading.Barrier = start) -> None:
            start.wait()
            asyncio.run(make(path))

        await asyncio.gather(*(asyncio.to_thread(open_it) for _ in range(4)))
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]


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
async def test_an_index_of_a_newer_schema_is_refused(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "index.sqlite"
    await make(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageError) as caught:
        await open_database(path, read_only=read_only)
    assert str(caught.value) == (f"{path} was written by a newer c5watch (schema 9999, here {HEAD}): update c5watch")


async def test_an_index_without_tables_is_no_index_to_read(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    path.touch()
    with pytest.raises(StorageError, match="run 'c5watch monitor' once to bring it up to date"):
        await open_database(path, read_only=True)
    assert path.read_bytes() == b""


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


@pytest.mark.parametrize(
    ("folder", "cause"),
    [
        ("file", "Not a directory"),
        ("file/below", "Not a directory"),
        ("corpus-is-a-file", "File exists"),
    ],
)
async def test_a_data_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path, folder: str, cause: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "corpus-is-a-file").mkdir()
    (tmp_path / "corpus-is-a-file" / "corpus").touch()
    with pytest.raises(StorageError) as caught:
        async with open_corpus(tmp_path / folder, Storage()):
            pass
    mend = "check the disk and the folder's permissions, or name another folder with --data"
    assert str(caught.value).startswith(str(tmp_path / folder.split("/")[0]))
    assert str(caught.value).endswith(f": {cause}: {mend}")


async def test_a_file_system_that_takes_no_files_is_one_sentence() -> None:
    with pytest.raises(StorageError, match=r"^/proc/.*: check the disk and the folder's permissions"):
        async with open_corpus(Path("/proc/c5watch"), Storage()):
            pass


async def test_a_folder_in_place_of_the_manifest_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").mkdir()
    with pytest.raises(StorageError, match=r"manifest\.jsonl: Is a directory: check the disk"):
        async with open_corpus(tmp_path, Storage()):
            pass


async def test_an_error_of_ours_comes_through_as_it_is(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.write():
            1 / 0  # noqa: B018
    async with database.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(runs))).scalar() == 0


async def test_an_index_opened_for_reading_is_not_written(tmp_path: Path) -> None:
    async with open_corpus(tmp_path, Storage()):
        pass
    async with open_for_reading(tmp_path, Storage()) as corpus:
        with pytest.raises(StorageError, match="cannot be written"):
            await store_run_start(corpus.database, kind="monitor", engine="direct", now=NOW)


async def test_two_writers_wait_for_each_other(tmp_path: Path) -> None:
    first, second = [await open_database(tmp_path / "index.sqlite") for _ in range(2)]
    order: list[str] = []
    holding = asyncio.Event()

    async def hold() -> None:
        async with first.write() as connection:
            holding.set()
            await asyncio.sleep(0.2)
            await connection.execute(insert(runs).values(kind="first", engine="direct", started_at=NOW))
            order.append("first")

    async def wait() -> None:
        await holding.wait()
        async with second.read() as connection:  # readers need not wait
            assert (await connection.execute(select(func.count()).select_from(runs))).scalar() == 0
            order.append("reader")
        async with second.write() as connection:
            kinds = (await connection.execute(select(runs.c.kind))).scalars().all()
            order.append(f"second after {kinds}")

    await asyncio.gather(hold(), wait())
    await first.close()
    await second.close()
    assert order == ["reader", "first", "second after ['first']"]


async def test_a_writer_that_never_ends_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_S", 0.1)
    first, second = [await open_database(tmp_path / "index.sqlite") for _ in range(2)]
    async with first.write():
        with pytest.raises(StorageError, match=r"locked by another program for more than 0\.1 s: end it and start"):
            await store_run_start(second, kind="monitor", engine="direct", now=NOW)
    await first.close()
    await second.close()


async def test_a_reader_sees_one_state(database: Database) -> None:
    count = select(func.count()).select_from(runs)
    async with database.read() as connection:
        before = (await connection.execute(count)).scalar()
        await store_run_start(database, kind="monitor", engine="direct", now=NOW)
        assert (await connection.execute(count)).scalar() == before


async def test_a_run_is_noted_at_its_beginning_and_its_end(database: Database) -> None:
    first = await store_run_start(database, kind="monitor", engine="direct", now=NOW)
    second = await store_run_start(database, kind="backfill", engine="prefect", now=NOW)
    await store_run_end(database, second, now=NOW + timedelta(seconds=9), summary={"appended": 3})
    async with database.read() as connection:
        found = [tuple(row) for row in await connection.execute(select(runs).order_by(runs.c.id))]
    assert found == [
        (first, "monitor", "direct", NOW, None, None),
        (second, "backfill", "prefect", NOW, NOW + timedelta(seconds=9), {"appended": 3}),
    ]


ZONES = st.builds(lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-14 * 60, 14 * 60))


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=ZONES))
def test_a_moment_comes_back_in_utc_to_the_millisecond(moment: datetime) -> None:
    kept = Moment().process_bind_param(moment, sqlite.dialect())
    found = Moment().process_result_value(kept, sqlite.dialect())
    assert found is not None
    assert found.tzinfo is UTC
    assert found == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@given(st.datetimes(timezones=ZONES), st.datetimes(timezones=ZONES))
def test_moments_keep_their_order(first: datetime, second: datetime) -> None:
    kept = [Moment().process_bind_param(moment, sqlite.dialect()) for moment in (first, second)]
    assert kept[0] is not None and kept[1] is not None
    if first - second >= timedelta(milliseconds=1):
        assert kept[0] > kept[1]


def test_no_moment_is_null() -> None:
    assert Moment().process_bind_param(None, sqlite.dialect()) is None
    assert Moment().process_result_value(None, sqlite.dialect()) is None
