"""Opening the index: its schema, its errors in one sentence each, its one writer."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.dialects import sqlite

import storage.index.postgresql
import storage.index.sqlite
from config.settings import Storage
from storage.corpus.writer import open_corpus, open_for_reading
from storage.errors import StorageError
from storage.index.database import MIGRATIONS, Database, index_location, open_database
from storage.index.dialects import VALUES_PER_STATEMENT, in_chunks
from storage.index.schema import HEAD, Moment, articles, feed_parts, feeds, metadata, runs, sightings, urls
from storage.state.runs import store_run_end, store_run_start
from tests.support.running import CHECKOUT

pytestmark = pytest.mark.slow

NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)


@pytest.fixture
def place(tmp_path: Path, storage: Storage) -> Path | str:
    return index_location(tmp_path, storage)


@pytest.fixture
async def database(place: Path | str) -> AsyncIterator[Database]:
    opened = await open_database(place)
    yield opened
    await opened.close()


async def count_runs(place: Path | str) -> int:
    database = await open_database(place, read_only=True)
    async with database.read() as connection:
        count = (await connection.execute(select(func.count()).select_from(runs))).scalar_one()
    await database.close()
    return count


@given(st.integers(0, 3 * VALUES_PER_STATEMENT), st.integers(1, VALUES_PER_STATEMENT))
def test_chunks_hold_all_values_in_their_order_and_none_is_empty_or_too_long(count: int, size: int) -> None:
    chunks = list(in_chunks(range(count), size))
    assert [value for chunk in chunks for value in chunk] == list(range(count))
    assert all(0 < len(chunk) <= size for chunk in chunks)


def test_no_module_of_storage_cuts_lists_for_statements_by_itself() -> None:
    cut = "range(0, len("
    own = {path.name for path in (CHECKOUT / "storage").rglob("*.py") if cut in path.read_text(encoding="utf-8")}
    assert own <= {"similarity.py", "relating.py", "verify.py"}  # stretches of words, of days, of numbers


async def test_the_migrations_lead_to_the_schema_of_the_tables(database: Database) -> None:
    def ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or not (name or "").startswith("search")  # made by hand, see `storage.search.search`

    def check(connection: Connection) -> None:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": ours})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == HEAD

    async with database.read() as connection:
        await connection.run_sync(check)


def test_the_newest_migration_is_the_one_the_schema_names() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


OLD, NEW = "https://me:s3cret@a.kz/rss?n=1", "https://a.kz/rss?n=1"
KEYED = "https://a.kz/rss?lang=ru&api_key=s3cret&n=1"
OTHER = "https://b.kz/@b/rss?key=politics"


def _make_anew(connection: Connection, revision: str) -> None:
    """Make the tables of an earlier schema in place of all that are there."""
    for name in ("search", "alembic_version"):
        connection.execute(text(f"DROP TABLE {name}"))
    metadata.drop_all(connection)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


@pytest.fixture
async def written_by_the_one_before(database: Database) -> AsyncIterator[Database]:
    """An index as it was before addresses with secrets were refused."""
    feed = {"source_id": "a", "polled_at": NOW, "failures": 0}
    entry = {"source_id": "a", "first_seen": NOW, "attempts": 0}
    article = {"file": "", "body": "", "sha256": "", "appended_at": NOW}
    async with database.write() as connection:
        await connection.run_sync(_make_anew, "0012")
        for address in (OLD, NEW, KEYED, OTHER):
            await connection.execute(insert(feeds).values(url=address, **feed))
        for number, address in enumerate((OLD, KEYED, OTHER)):
            key = f"https://a.kz/{number}"
            await connection.execute(insert(urls).values(key=key, url=key, feed_url=address, **entry))
            named = {"number": number, "id": str(number), "feed_url": address, **article, "file": str(number)}
            await connection.execute(insert(articles).values(named))
            await connection.execute(insert(sightings).values(key=key, feed_url=address, seen_at=NOW))
            if address == OLD:
                await connection.execute(insert(sightings).values(key=key, feed_url=NEW, seen_at=NOW))
        part = {"url": "https://a.kz/1.xml", "rank": 0, "listed": b"", "read_at": NOW}
        await connection.execute(insert(feed_parts).values(feed_url=OLD, **part))
        await connection.execute(insert(feed_parts).values(feed_url=OTHER, **part))
    yield database


async def test_secrets_in_addresses_of_feeds_leave_an_index_that_is_brought_up_to_date(
    written_by_the_one_before: Database, place: Path | str
) -> None:
    await written_by_the_one_before.close()
    opened = await open_database(place)
    masked = "https://a.kz/rss?lang=ru&api_key=…&n=1"
    async with opened.read() as connection:
        for column, known in (
            (feeds.c.url, [NEW, masked, OTHER]),
            (urls.c.feed_url, [NEW, masked, OTHER]),
            (articles.c.feed_url, [NEW, masked, OTHER]),
            (sightings.c.feed_url, [NEW, masked, OTHER]),
            (feed_parts.c.feed_url, [OTHER]),
        ):
            assert sorted((await connection.execute(select(column))).scalars()) == sorted(known), column
    await opened.close()


async def test_opening_again_keeps_what_is_there(place: Path | str) -> None:
    for _ in range(3):
        database = await open_database(place)
        await store_run_start(database, kind="monitor", engine="direct", now=NOW)
        await database.close()
    assert await count_runs(place) == 3


OPENING = """
import alembic.command, asyncio, sys
from pathlib import Path
from storage.index.database import open_database

place = Path(sys.argv[2]) if sys.argv[1] == "sqlite" else sys.argv[2]

async def make():
    await (await open_database(place)).close()

print("ready", flush=True)
sys.stdin.readline()
asyncio.run(make())
"""


@pytest.mark.parametrize("attempt", range(3))  # the moments that collide are short
def test_many_programs_may_open_a_new_index_at_once(tmp_path: Path, empty_storage: Storage, attempt: int) -> None:
    # Programs, not threads: of threads, one that collects the garbage of another waits for what that one waits for.
    place = index_location(tmp_path, empty_storage)
    command = [sys.executable, "-c", OPENING, "sqlite" if isinstance(place, Path) else "postgresql", str(place)]
    programs = [
        subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for program in programs:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
    for program in programs:
        assert program.stdin is not None
        program.stdin.write("now\n")
        program.stdin.flush()
    assert [program.communicate(timeout=300)[0] for program in programs] == [""] * 4
    assert [program.returncode for program in programs] == [0] * 4
    assert asyncio.run(count_runs(place)) == 0
    assert asyncio.run(revisions(place)) == [HEAD]


async def revisions(place: Path | str) -> list[str]:
    database = await open_database(place, read_only=True)
    async with database.read() as connection:
        found = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalars().all()
    await database.close()
    return list(found)


@pytest.mark.parametrize("read_only", [False, True])
async def test_an_index_of_a_newer_schema_is_refused(tmp_path: Path, empty_storage: Storage, read_only: bool) -> None:
    place = index_location(tmp_path, empty_storage)
    await set_revision(place, "9999")
    with pytest.raises(StorageError) as caught:
        await open_database(place, read_only=read_only)
    assert str(caught.value).endswith(f" was written by a newer c5watch (schema 9999, here {HEAD}): update c5watch")
    assert str(caught.value).startswith(("/", "postgresql://127.0.0.1:"))


async def test_an_index_of_an_older_schema_is_not_read(tmp_path: Path, empty_storage: Storage) -> None:
    place = index_location(tmp_path, empty_storage)
    await set_revision(place, "0001")
    with pytest.raises(StorageError, match=r"has schema 0001, expected .*: run 'c5watch monitor' once to bring it up"):
        await open_database(place, read_only=True)


async def set_revision(place: Path | str, revision: str) -> None:
    database = await open_database(place)
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    await database.close()


async def test_reading_needs_an_index_and_makes_none(tmp_path: Path, empty_storage: Storage) -> None:
    for _ in range(2):
        with pytest.raises(StorageError, match=r"^no corpus in .* yet: run 'c5watch monitor'"):
            async with open_for_reading(tmp_path, empty_storage):
                pass
    assert list(tmp_path.iterdir()) == []


async def test_a_file_without_tables_is_no_index_to_read(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    path.touch()
    with pytest.raises(StorageError, match=r"^no corpus in .*index.sqlite yet: run 'c5watch monitor' once"):
        await open_database(path, read_only=True)
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    ("folder", "cause"),
    [
        ("file", "File exists"),
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


async def test_an_index_opened_for_reading_is_not_written(tmp_path: Path, storage: Storage) -> None:
    async with open_corpus(tmp_path, storage):
        pass
    async with open_for_reading(tmp_path, storage) as corpus:
        with pytest.raises(StorageError, match="cannot be written"):
            await store_run_start(corpus.database, kind="monitor", engine="direct", now=NOW)


async def test_two_writers_wait_for_each_other(place: Path | str) -> None:
    first, second = [await open_database(place) for _ in range(2)]
    order: list[str] = []
    holding, was_read = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with first.write() as connection:
            holding.set()
            await was_read.wait()
            await asyncio.sleep(0.2)  # the other one waits by now
            await connection.execute(insert(runs).values(kind="first", engine="direct", started_at=NOW))
            order.append("first")

    async def wait() -> None:
        await holding.wait()
        async with second.read() as connection:  # readers need not wait
            assert (await connection.execute(select(func.count()).select_from(runs))).scalar() == 0
            order.append("reader")
        was_read.set()
        async with second.write() as connection:
            kinds = (await connection.execute(select(runs.c.kind))).scalars().all()
            order.append(f"second after {kinds}")

    await asyncio.gather(hold(), wait())
    await first.close()
    await second.close()
    assert order == ["reader", "first", "second after ['first']"]


async def test_a_writer_that_never_ends_is_one_sentence(place: Path | str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.index.sqlite, "BUSY_TIMEOUT_S", 0.1)
    monkeypatch.setattr(storage.index.postgresql, "BUSY_TIMEOUT_S", 0.1)
    first, second = [await open_database(place) for _ in range(2)]
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
