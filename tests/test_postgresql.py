"""PostgreSQL as the index: what may go wrong is one sentence without the password, and the next run goes on."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import dialects, func, insert, select, text

from config.load import load_config
from config.settings import Storage
from flows.passes.monitor import monitor
from storage.corpus.adopt import adopt
from storage.corpus.writer import open_corpus
from storage.errors import StorageError
from storage.index import postgresql
from storage.index.database import Database, open_database
from storage.index.dialects import by_code_point
from storage.index.schema import runs, urls
from storage.placing import placing
from storage.state.runs import store_run_start
from tests.demo_site.server import DemoSite
from tests.support.postgres import END_OTHERS, PASSWORD, PostgresServer
from tests.support.running import CHECKOUT, EVERYTHING, c5watch, write_config

pytestmark = pytest.mark.slow

NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
CHECK = "check that the server runs, and the address in [storage] database"
LOST = "the connection was lost: start again when the server is back; nothing is half-written"


@pytest.fixture
def address(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as found:
        yield found


@pytest.fixture
async def database(address: str) -> AsyncIterator[Database]:
    opened = await open_database(address)
    yield opened
    await opened.close()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def shown(address: str) -> str:
    """The address as messages show it."""
    return "postgresql://" + address.split("@")[-1]


def other_host(host: str) -> Callable[[str], str]:
    return lambda address: f"{address.split('@')[0]}@{host}/news"


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        pytest.param(
            lambda a: a.replace("secret", "sacred"),
            'refused (password authentication failed for user "c5watch"): '
            "check user and password in [storage] database",
            id="password",
        ),
        pytest.param(
            lambda a: a.replace("c5watch:", "somebody:"),
            'refused (password authentication failed for user "somebody"): '
            "check user and password in [storage] database",
            id="user",
        ),
        pytest.param(
            lambda a: a.rsplit("/", 1)[0] + "/missing",
            "there is no such database: make it with 'createdb missing', or correct [storage] database",
            id="database",
        ),
        pytest.param(
            other_host("127.0.0.1:1"), f"cannot be reached (Connect call failed ('127.0.0.1', 1)): {CHECK}", id="port"
        ),
        pytest.param(
            other_host("no-such-host.invalid"), f"cannot be reached (Name or service not known): {CHECK}", id="host"
        ),
        pytest.param(
            lambda a: a + "?ssl=require",
            f'cannot be reached (PostgreSQL server at "{{host}}" rejected SSL upgrade): {CHECK}',
            id="encryption",
        ),
    ],
)
async def test_an_address_that_leads_nowhere_is_one_sentence(
    address: str, change: Callable[[str], str], cause: str
) -> None:
    wrong = change(address)
    with pytest.raises(StorageError) as caught:
        await open_database(wrong)
    place = shown(wrong).removesuffix("?ssl=require")
    assert str(caught.value) == f"{place}: {cause.replace('{host}', place.split('/')[2])}"


async def test_a_socket_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"^postgresql:///news\?host=.*: cannot be reached \(No such file"):
        await open_database(f"postgresql+asyncpg://me:s3cret@/news?host={tmp_path}")


async def test_a_server_that_says_nothing_is_one_sentence(silent_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "CONNECT_TIMEOUT_S", 0.2)
    address = f"postgresql+asyncpg://me:s3cret@127.0.0.1:{silent_port}/news"
    with pytest.raises(StorageError) as caught:
        await open_database(address)
    assert str(caught.value) == f"{shown(address)}: no answer: {CHECK}"


def test_the_command_shows_no_password(tmp_path: Path, postgres: PostgresServer) -> None:
    address = postgres.address("missing", password="s3cret@s3cret")
    for command in (["corpus", "stats", "--json"], ["monitor", "--json"]):
        done = c5watch(*command, "--data", tmp_path, environment={"C5WATCH_STORAGE__DATABASE": address})
        assert done.returncode == 1
        assert "refused (password authentication failed" in done.stderr
        assert "s3cret" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


@pytest.fixture
def guest(postgres: PostgresServer) -> Iterator[str]:
    """A user of the server who owns nothing."""
    postgres.execute(f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'")
    yield "guest"
    postgres.execute("DROP ROLE guest")


async def test_a_user_without_rights_is_told_which_are_missing(postgres: PostgresServer, guest: str) -> None:
    address = postgres.address(postgres.create().rsplit("/", 1)[-1], user=guest)
    with pytest.raises(StorageError) as caught:
        await open_database(address)
    assert str(caught.value) == (
        f"{shown(address)}: permission denied for schema public: make the user the owner of the database, "
        "or have the owner grant the right"
    )


async def test_a_server_without_a_free_connection_is_one_sentence(postgres: PostgresServer, guest: str) -> None:
    postgres.execute("ALTER ROLE guest CONNECTION LIMIT 0")
    with pytest.raises(StorageError, match=r'at its limit \(too many connections for role "guest"\): start'):
        await open_database(postgres.address("postgres", user=guest))


async def test_who_may_only_read_can_read(postgres: PostgresServer, address: str, guest: str) -> None:
    postgres.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest", address=address)
    opened = await open_database(postgres.address(address.rsplit("/", 1)[-1], user=guest), read_only=True)
    async with opened.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(runs))).scalar() == 0
    await opened.close()
    postgres.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM guest", address=address)


async def test_a_database_that_only_gives_is_one_sentence(postgres: PostgresServer) -> None:
    address = postgres.create()
    postgres.execute(f"ALTER DATABASE {address.rsplit('/', 1)[-1]} SET default_transaction_read_only = on")
    with pytest.raises(StorageError, match=r"cannot be written \(cannot execute CREATE TABLE in a read-only"):
        await open_database(address)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("53100", "the server's disk is full: free some space and start again; nothing is half-written"),
        ("53200", "the server is at its limit (found): start again later, or have the limit raised"),
        ("57014", "the server ended the work (found): start again when it is back; nothing is half-written"),
        ("58030", "the server has a fault (found): ask who runs it"),
        ("XX001", "the server has a fault (found): ask who runs it"),
    ],
)
async def test_what_the_server_complains_of_is_one_sentence(
    database: Database, address: str, code: str, message: str
) -> None:
    with pytest.raises(StorageError) as caught:
        async with database.write() as connection:
            await connection.execute(insert(runs).values(kind="lost", engine="direct", started_at=NOW))
            await connection.execute(text(f"DO $$ BEGIN RAISE 'found' USING ERRCODE = '{code}'; END $$"))
    assert str(caught.value) == f"{shown(address)}: {message}"
    async with database.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(runs))).scalar() == 0


async def test_a_mistake_of_ours_is_no_fault_of_the_server(database: Database) -> None:
    with pytest.raises(Exception, match="does not exist") as caught:
        async with database.read() as connection:
            await connection.execute(text("SELECT * FROM no_such_table"))
    assert not isinstance(caught.value, StorageError)


@pytest.mark.parametrize("then", ["statement", "commit", "stream"])
async def test_a_connection_lost_at_work_is_one_sentence_and_the_next_goes_on(
    postgres: PostgresServer, database: Database, address: str, then: str
) -> None:
    async def work() -> None:
        async with database.write() as connection:
            await connection.execute(insert(runs).values(kind="lost", engine="direct", started_at=NOW))
            rows = await connection.stream(text("SELECT generate_series(1, 100000)"))
            await anext(rows)
            postgres.execute(END_OTHERS, address=address)
            if then == "statement":
                await connection.execute(select(runs))
            if then == "stream":
                async for _ in rows:
                    pass

    with pytest.raises(StorageError) as caught:
        await work()
    assert str(caught.value) == f"{shown(address)}: {LOST}"
    await store_run_start(database, kind="next", engine="direct", now=NOW)
    async with database.read() as connection:
        assert (await connection.execute(select(runs.c.kind))).scalars().all() == ["next"]


async def test_a_connection_lost_in_a_batch_costs_the_batch_and_not_the_pass(
    postgres: PostgresServer, address: str, site: DemoSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr("flows.passes.context.TRY_AGAIN_S", 0.0)
    folder = write_config(tmp_path / "config", sources=site.sources_toml(), topics=EVERYTHING)
    config = load_config(folder)
    settings = config.settings.model_copy(update={"storage": Storage(database=address)})
    config = dataclasses.replace(config, settings=settings)
    decide, calls = placing.place, 0

    async def decide_and_lose(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        placements = await decide(*arguments, **options)
        if calls == 2:
            postgres.execute(END_OTHERS, address=address)  # the turns of hosts lose theirs as well
        return placements

    monkeypatch.setattr(placing, "place", decide_and_lose)
    monkeypatch.setattr("flows.passes.ingest.RESULTS_PER_TRANSACTION", 5)
    summary = await monitor(config, tmp_path / "data", sources=config.select(()))
    calm = await monitor(
        dataclasses.replace(config, settings=config.settings.model_copy(update={"storage": Storage()})),
        tmp_path / "calm", sources=config.select(()),
    )  # fmt: skip
    assert calls > 4
    assert summary.outcomes == calm.outcomes
    assert summary.taken == summary.outcomes.total() == calm.taken
    assert f"{shown(address)}: {LOST}; trying once more" in caplog.text


async def test_a_connection_lost_at_rest_is_not_noticed(
    postgres: PostgresServer, database: Database, address: str
) -> None:
    await store_run_start(database, kind="first", engine="direct", now=NOW)
    postgres.execute(END_OTHERS, address=address)
    await store_run_start(database, kind="second", engine="direct", now=NOW)


async def test_a_server_that_goes_away_is_one_sentence() -> None:
    with PostgresServer() as server:
        address = server.create()
        database = await open_database(address)
        await store_run_start(database, kind="first", engine="direct", now=NOW)
    with pytest.raises(StorageError, match=r"^postgresql://127\.0\.0\.1:\d+/db1: cannot be reached"):
        await store_run_start(database, kind="second", engine="direct", now=NOW)
    await database.close()


async def test_a_server_that_falls_silent_is_not_waited_for_forever(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "ANSWER_TIMEOUT_S", 2.0)
    database = await open_database(address)
    with pytest.raises(StorageError, match="no answer: check that the server runs"):
        async with database.write() as connection:
            await connection.execute(text("SELECT pg_sleep(60)"))
    await store_run_start(database, kind="next", engine="direct", now=NOW)
    await database.close()


async def test_who_gives_up_waiting_leaves_the_lock_to_others(database: Database) -> None:
    async with database.write():
        waiting = asyncio.create_task(store_run_start(database, kind="cancelled", engine="direct", now=NOW))
        await asyncio.sleep(0.1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await store_run_start(database, kind="next", engine="direct", now=NOW)
    async with database.read() as connection:
        assert (await connection.execute(select(runs.c.kind))).scalars().all() == ["next"]


async def test_many_may_write_at_once_with_few_connections(
    postgres: PostgresServer, database: Database, address: str
) -> None:
    starts = [store_run_start(database, kind=str(n), engine="direct", now=NOW) for n in range(60)]
    assert sorted(await asyncio.gather(*starts)) == list(range(1, 61))
    count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    assert postgres.execute(count, address=address)[0][0] <= 2


def test_text_is_sorted_by_code_point_whatever_the_language_of_the_database() -> None:
    # The tests' server knows no language whose order is another.
    query = select(urls.c.url).order_by(by_code_point(urls.c.key))
    assert str(query.compile(dialect=dialects.postgresql.dialect())).endswith('ORDER BY (urls.key COLLATE "C")')


HOLD = """
import asyncio, sys
from storage.index.database import open_database
async def hold():
    database = await open_database(sys.argv[1])
    async with database.write():
        print("holding", flush=True)
        await asyncio.sleep(60)
asyncio.run(hold())
"""


async def test_a_killed_writer_leaves_the_lock_to_others(database: Database, address: str) -> None:
    holding = subprocess.Popen([sys.executable, "-c", HOLD, address], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    assert holding.stdout is not None
    with holding, holding.stdout:
        assert holding.stdout.readline() == "holding\n"
        waiting = asyncio.create_task(store_run_start(database, kind="next", engine="direct", now=NOW))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        os.kill(holding.pid, signal.SIGKILL)
        assert await asyncio.wait_for(waiting, 50) == 1


async def test_two_data_folders_on_one_database_hold_the_same_files(tmp_path: Path, address: str) -> None:
    storage = Storage(database=address)
    async with open_corpus(tmp_path / "one", storage) as corpus:
        (tmp_path / "article").mkdir()
        (tmp_path / "article" / "000_0123456789abcdef.txt").write_text(" date 2025-11-06 An article from elsewhere.")
        await adopt(corpus, tmp_path / "article", now=NOW)
    async with open_corpus(tmp_path / "two", storage):
        pass
    for part in ("corpus/000_0123456789abcdef.txt", "manifest.jsonl"):
        assert (tmp_path / "one" / part).read_bytes() == (tmp_path / "two" / part).read_bytes()


def test_a_data_folder_that_is_behind_the_shared_index_is_told_so_and_not_called_faulty(
    tmp_path: Path, address: str
) -> None:
    environment = {"C5WATCH_STORAGE__DATABASE": address}
    lines = [
        json.dumps({"url": f"https://site.kz/{n}", "title": f"T{n}", "date": "2025-11-06", "text": f"Слово{n} " * 40})
        for n in range(3)
    ]
    (tmp_path / "more.jsonl").write_text("\n".join(lines))

    def corpus(folder: str, *command: object) -> subprocess.CompletedProcess[str]:
        return c5watch("corpus", *command, "--data", tmp_path / folder, environment=environment)

    (tmp_path / "two").mkdir()
    assert corpus("one", "import", tmp_path / "more.jsonl").returncode == 0
    for state in ("is not there", "ends at number 000"):
        done = corpus("two", "verify")
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1), done.stderr
        assert (
            f"manifest.jsonl: {state}, the index at 002: other data folders share this index: run 'c5watch"
            in done.stderr
        )
        assert corpus("two", "repair").returncode == 0
        assert corpus("two", "verify").returncode == 0
        manifest = tmp_path / "two" / "manifest.jsonl"
        manifest.write_bytes(manifest.read_bytes().splitlines(keepends=True)[0])
    assert corpus("one", "verify").returncode == 0
