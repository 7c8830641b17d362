"""`c5watch browse`: the reading room's server, on loopback, until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn

from config.errors import RequestError
from config.load import Config
from config.settings import Browse
from flows.browse.app import Room, application
from flows.browse.guard import Access
from storage.corpus.writer import open_for_reading

HERE = "127.0.0.1"


class _Server(uvicorn.Server):
    """A server that leaves the signals to its caller."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def keep_open(config: Config, data: Path, *, port: int, log: Callable[[str], None], stop: asyncio.Event) -> None:
    """Serve the reading room until `stop` is set. Raises StorageError, RequestError."""
    settings = config.settings.browse
    with contextlib.closing(_socket(port)) as door:
        port = door.getsockname()[1]
        async with open_for_reading(data, config.settings.storage) as corpus:
            room = Room(config, data, corpus, _access(settings, port), settings.frame or config.settings.frame)
            server = _Server(
                uvicorn.Config(
                    application(room), log_level="warning", access_log=False, lifespan="off", server_header=False,
                    timeout_graceful_shutdown=2,
                )
            )  # fmt: skip
            async with asyncio.TaskGroup() as group:
                group.create_task(server.serve(sockets=[door]))
                log(f"the reading room is at http://{HERE}:{port}" + (f" and {settings.url}" if settings.url else ""))
                await stop.wait()
                server.should_exit = True


def _access(settings: Browse, port: int) -> Access:
    own = tuple(f"http://{host}:{port}" for host in (HERE, "localhost"))
    known = (settings.url,) if settings.url else ()
    password = settings.password.get_secret_value() if settings.password else None
    return Access(own + known, password or None)


def _socket(port: int) -> socket.socket:
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((HERE, port))
        door.listen()  # who is told the address may come before the server looks
    except OSError as error:
        door.close()
        raise RequestError(f"--port: {port} is taken: name another one, or 0 for any free one") from error
    return door
