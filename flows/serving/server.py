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

from config.errors import UserError
from flows.engine import api_answers, quiet_dependencies
from flows.serving.child import guarded

START_TIMEOUT_S = 180.0
STOP_TIMEOUT_S = 10.0
# Prefect keeps finished runs for ever unless told otherwise. What the user has set goes before.
RETENTION = {
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(30 * 24 * 3600),
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P7D",
}


class ServerError(UserError):
    """The embedded server did not come up; the message names its log."""


class EmbeddedServer:
    """Prefect's server on loopback, SQLite below `home`. Starting returns at once; `wait` for it.

    It listens on `port`, or on a free one where that is 0 or taken, and shows Prefect's pages if there is to be a
    `ui`. Start it from a thread that stays: it ends with it.
    """

    def __init__(self, home: Path, *, port: int = 0, ui: bool = False, stop_timeout_s: float = STOP_TIMEOUT_S) -> None:
        self.home = home.absolute()
        self._port = port
        self._ui = ui
        self._stop_timeout_s = stop_timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self.log = self.home / "server.log"
        self.url = ""

    def __enter__(self) -> Self:
        quiet_dependencies()
        try:
            self.home.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ServerError(f"{self.home}: {exc.strerror}: Prefect's embedded server needs this folder") from exc
        port = _free_port(self._port)
        self.url = f"http://127.0.0.1:{port}/api"
        command = guarded(
            *(sys.executable, "-m", "prefect", "server", "start"),
            *("--host", "127.0.0.1", "--port", str(port)),
            "--ui" if self._ui else "--no-ui",
        )
        environment = {
            **RETENTION,
            **{k: v for k, v in os.environ.items() if k != "PREFECT_API_URL"},
            "PREFECT_HOME": str(self.home),
            "PREFECT_SERVER_UI_ENABLED": str(self._ui),
            "PREFECT_UI_API_URL": self.url,
        }
        with self.log.open("wb") as log:
            # A session of its own: Ctrl-C in the terminal must reach us first, we then stop the server.
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        return self

    def wait(self, timeout_s: float = START_TIMEOUT_S) -> str:
        """Its API's address, once it answers. Raises ServerError."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.answers():
                return self.url
            time.sleep(0.25)
        raise ServerError(f"Prefect's embedded server did not answer within {timeout_s:g} s: see {self.log}")

    def answers(self) -> bool:
        """Whether its API answers, within a second. Raises ServerError when its process has ended."""
        if not self.running:
            raise ServerError(f"Prefect's embedded server ended by itself: see {self.log}")
        return api_answers(self.url)

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None or not self.running:
            return
        _signal_group(self._process, signal.SIGTERM)
        try:
            self._process.wait(self._stop_timeout_s)
        except subprocess.TimeoutExpired:
            _signal_group(self._process, signal.SIGKILL)
            self._process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server will
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServerError("found no free port on 127.0.0.1: end some programs that listen there")
