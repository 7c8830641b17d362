"""Prefect's own embedded server, as a child process that lives as long as we need it.

Prefect can start one by itself, but gives up after 20 s where a first start takes 20 to 30 (PrefectHQ/prefect
16397), and keeps its database in the user's home. This one has its home below our data folder.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from flows.engine import api_answers, quiet_dependencies

START_TIMEOUT_S = 180.0
STOP_TIMEOUT_S = 10.0


class ServerError(Exception):
    """The embedded server did not come up; the message names its log."""


class EmbeddedServer:
    """Prefect's server on a free loopback port, SQLite below `home`. Starting returns at once; `wait` for it."""

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()
        self._process: subprocess.Popen[bytes] | None = None
        self.log = self.home / "server.log"
        self.url = ""

    def __enter__(self) -> Self:
        quiet_dependencies()
        try:
            self.home.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ServerError(f"{self.home}: {exc.strerror}: Prefect's embedded server needs this folder") from exc
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}/api"
        command = [
            sys.executable,
            "-m",
            "prefect",
            "server",
            "start",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--no-ui",
        ]
        environment = {
            **{k: v for k, v in os.environ.items() if k != "PREFECT_API_URL"},
            "PREFECT_HOME": str(self.home),
            "PREFECT_SERVER_UI_ENABLED": "false",
        }
        with self.log.open("wb") as log:
            # A session of its own: Ctrl-C in the terminal must reach us first, we then stop the server.
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        return self

    def wait(self, timeout_s: float = START_TIMEOUT_S) -> str:
        """Its API's address, once it answers. Raises ServerError."""
        assert self._process is not None
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ServerError(f"Prefect's embedded server ended by itself: see {self.log}")
            if api_answers(self.url):
                return self.url
            time.sleep(0.25)
        raise ServerError(f"Prefect's embedded server did not answer within {timeout_s:g} s: see {self.log}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        _signal_group(self._process, signal.SIGTERM)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            _signal_group(self._process, signal.SIGKILL)
            self._process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
