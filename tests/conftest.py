"""Fixtures for all tests: golden files, the demonstration site, the seed files where they are to be had."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pytest_httpserver import HTTPServer

from config.settings import Storage
from tests.demo_site.server import DemoSite
from tests.support.forks import Fork, nursery

if TYPE_CHECKING:
    from tests.support.postgres import PostgresServer
    from tests.support.s3 import S3Server

Golden = Callable[[Path, str], None]


def pytest_configure(config: pytest.Config) -> None:
    """A shell starts what it puts into the background with Ctrl-C ignored, and its children would ignore it too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """Run one process more than there are cores: many tests wait for a server, a child process or a disk."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run slow files first: side by side, the quick ones then fill what time the workers have left."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden` rewrites the expected files; the difference is then reviewed."""
    parser.addoption("--update-golden", action="store_true", help="rewrite golden files instead of comparing")


@pytest.fixture(autouse=True)
def _own_settings_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on what the developer's shell sets."""
    for name in list(os.environ):
        if name.startswith(("C5WATCH_", "PREFECT_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """PostgreSQL, up on loopback, for the tests that ask for it."""
    from tests.support.postgres import PostgresServer  # with all of SQLAlchemy, which most tests do not need

    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """S3, up on loopback, for the tests that ask for it."""
    from tests.support.s3 import S3Server  # with all of moto, which most tests do not need

    with S3Server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest) -> Iterator[Storage]:
    """The settings of a new corpus, on each database in turn: for `open_corpus(tmp_path, storage)`.

    For a database alone: `open_database(index_location(tmp_path, storage))`. For a child process or an environment
    variable: `storage.database.get_secret_value()`, which is "sqlite" or an address. PostgreSQL has its tables already.
    """
    if request.param == "sqlite":
        yield Storage()
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        with server.database() as address:
            yield Storage(database=address)


@pytest.fixture
def on_each_database(request: pytest.FixtureRequest, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a module whose helpers open the corpus with its STORAGE: `storage`, put there for each test."""
    monkeypatch.setattr(request.module, "STORAGE", storage)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_storage(request: pytest.FixtureRequest) -> Storage:
    """As `storage`, but nothing at all has been made there yet."""
    return Storage() if request.param == "sqlite" else Storage(database=request.getfixturevalue("postgres").create())


@pytest.fixture(scope="module")
def fork() -> Iterator[Fork]:
    """Run a function in a child process, kill it after `kill_after` seconds if given, return its exit code."""
    with nursery() as run:
        yield run


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with an expected file, or rewrite the file with --update-golden."""

    def compare(path: Path, actual: str) -> None:
        if request.config.getoption("--update-golden"):
            path.write_text(actual, encoding="utf-8", newline="")
        assert actual == path.read_bytes().decode("utf-8"), f"differs from {path.name}; --update-golden rewrites it"

    return compare


@pytest.fixture
def site() -> Iterator[DemoSite]:
    """The demonstration site, up on loopback."""
    with DemoSite() as running:
        yield running


@pytest.fixture
def httpserver(httpserver: HTTPServer) -> HTTPServer:
    """A server on loopback that has no robots.txt."""
    httpserver.expect_request("/robots.txt").respond_with_data("", status=404)
    return httpserver


@pytest.fixture
def seeds() -> Path:
    """The five files the format was read off; tests that need them are skipped where they are absent."""
    folder = Path(__file__).parents[2] / "shared" / "seeds"
    if not folder.is_dir():
        pytest.skip("the seed files are not beside the project")
    return folder
