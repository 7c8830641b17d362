"""Prefect's own embedded server, as a child process that lives as long as we need it.

Prefect can start one by itself, but gives up after 20 s where a first start takes 20 to 30 (PrefectHQ/prefect
16397), and keeps its database in the user's home. This one has its home below our data folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from config.errors import UserError
from flows.engine import api_admits, api_answers, quiet_dependencies
from flows.serving.child import guarded

PASSWORD_FILE = "password"  # in the server's home: "c5watch:…", which its API and its pages ask for
START_TIMEOUT_S = 180.0
API_TIMEOUT_S = 10.0  # asked for by name, a busy server is waited for
STOP_TIMEOUT_S = 10.0
# Prefect keeps finished runs for ever unless told otherwise. What the user has set goes before.
RETENTION = {
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(30 * 24 * 3600),
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P7D",
}


class ServerError(UserError):
    """A Prefect server cannot be used; the message says what to do."""


def check_api(url: str, *, otherwise: str) -> None:
    """Raise ServerError when the Prefect API at `url` does not answer or does not let us in.

    `otherwise` is what to do when it cannot be started.
    """
    if not api_answers(url, timeout_s=API_TIMEOUT_S):
        raise ServerError(f"the Prefect API at {url} does not answer: start it, or {otherwise}")
    if not api_admits(url, os.environ, timeout_s=API_TIMEOUT_S):
        raise ServerError(
            f"the Prefect API at {url} refuses the password: set PREFECT_API_AUTH_STRING to what the server has as "
            f"PREFECT_SERVER_API_AUTH_STRING, or {otherwise}"
        )


class EmbeddedServer:
    """Prefect's server on loopback, SQLite below `home`. Starting returns at once; `wait` for it.

    It listens on `port`, or on a free one where that is 0 or taken, and shows Prefect's pages if there is to be a
    `ui`. Only clients with the password may use it; the password file lies beside the database, readable by its owner
    alone. Start it from a thread that stays: the server ends with that thread.
    """

    def __init__(self, home: Path, *, port: int = 0, ui: bool = False, stop_timeout_s: float = STOP_TIMEOUT_S) -> None:
        self.home = home.absolute()
        self._port = port
        self._ui = ui
        self._stop_timeout_s = stop_timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self.log = self.home / "server.log"
        self.password_file = self.home / PASSWORD_FILE
        self.url = ""
        self.password = ""

    def __enter__(self) -> Self:
        quiet_dependencies()
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            self.home.chmod(0o700)  # Prefect's secrets are in its database, and their key lies beside it
            self.password = own_password(self.password_file)
        except OSError as exc:
            raise ServerError(f"{self.home}: {exc.strerror}: Prefect's embedded server needs this folder") from exc
        port = _free_port(self._port)
        self.url = f"http://127.0.0.1:{port}/api"
        command = guarded(
            *(sys.executable, "-m", "uvicorn", "--factory", "flows.serving.prefect_server:app"),
            *("--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--log-level", "warning"),
        )
        environment = {
            **RETENTION,
            **{k: v for k, v in os.environ.items() if k != "PREFECT_API_URL"},
            "PREFECT_HOME": str(self.home),
            "PREFECT_SERVER_UI_ENABLED": str(self._ui),
            "PREFECT_SERVER_UI_API_URL": "/api",
            "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(self.home / "pages"),  # its own place may not be writable
            "PREFECT_SERVER_API_AUTH_STRING": self.password,
            "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": f"http://127.0.0.1:{port},http://localhost:{port}",
        }
        with self.log.open("wb") as log:
            # A session of its own: Ctrl-C in the terminal must reach us first, we then stop the server.
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        return self

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which Prefect's client, and the runs that it starts, find the server and are let in."""
        return {
            "PREFECT_API_URL": self.url,
            "PREFECT_API_AUTH_STRING": self.password,
            "PREFECT_HOME": str(self.home),
        }

    def wait(self, timeout_s: float = START_TIMEOUT_S) -> str:
        """Wait until its API answers; return the address. Raises ServerError."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.answers():
                return self.url
            time.sleep(0.25)
        raise ServerError(f"Prefect's embedded server did not answer within {timeout_s:g} s: see {self.log}")

    def answers(self) -> bool:
        """Tell whether its API answers within a second. Raises ServerError when its process has ended."""
        if not self.running:
            raise ServerError(f"Prefect's embedded server ended by itself: see {self.log}")
        return api_answers(self.url)

    @property
    def running(self) -> bool:
        """Tell whether its process is running."""
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


def own_password(path: Path) -> str:
    """Return the password in the file, made at random the first time. Raises OSError."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "r+", encoding="ascii") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)  # a pass may start a server at the same moment
        os.fchmod(file, 0o600)
        password = opened.read().strip()
        if not password:
            password = f"c5watch:{secrets.token_urlsafe(32)}"
            opened.write(f"{password}\n")
    return password


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
