"""Fixtures for all tests: golden files, the demonstration site, the seed files where they are to be had."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tests.demo_site.server import DemoSite

Golden = Callable[[Path, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden` rewrites the expected files; the difference is then reviewed."""
    parser.addoption("--update-golden", action="store_true", help="rewrite golden files instead of comparing")


@pytest.fixture(autouse=True)
def _own_settings_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on what the developer's shell sets."""
    for name in list(os.environ):
        if name.startswith(("C5WATCH_", "PREFECT_")):
            monkeypatch.delenv(name)


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
