"""Servers on loopback that answer with what a test gives them, and note what they were asked."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    at: float

    @property
    def target(self) -> str:
        """The path with its query, in the order of the names."""
        return self.path + ("?" + "&".join(f"{k}={v}" for k, v in self.query.items()) if self.query else "")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; with `broken_off` the connection ends after that many bytes of the body."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    broken_off: int | None = None


MISSING = Reply(b"not here", 404)


Answer = Callable[[Asked], Reply]


@dataclass
class Server:
    """`asked` holds the requests without those for robots.txt, which is `robots`."""

    answer: Answer
    asked: list[Asked] = field(default_factory=list)
    robots: Reply = MISSING
    base: str = ""

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [asked.target for asked in self.asked]

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                request, *lines = head.decode("latin-1").strip().split("\r\n")
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
                parts = urlsplit(request.split()[1])
                query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
                asked = Asked(parts.path, query, headers, time.monotonic())
                if asked.path == "/robots.txt":
                    reply = self.robots
                else:
                    self.asked.append(asked)
                    reply = self.answer(asked)
                fields = {"Content-Length": str(len(reply.body)), **reply.headers}
                lines = [f"HTTP/1.1 {reply.status} X", *(f"{k}: {v}" for k, v in fields.items()), "", ""]
                body = reply.body if reply.broken_off is None else reply.body[: reply.broken_off]
                writer.write("\r\n".join(lines).encode("latin-1") + body)
                await writer.drain()
                if reply.broken_off is not None:
                    break
        writer.close()


@asynccontextmanager
async def serve(answer: Answer, address: str = "127.0.0.1") -> AsyncIterator[Server]:
    """A server that is up as long as the context."""
    server = Server(answer)
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await server.take(reader, writer)
        except asyncio.CancelledError:
            writer.close()

    listening = await asyncio.start_server(connected, address, 0)
    server.base = f"http://{address}:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listening.wait_closed()


def files(contents: Mapping[str, bytes | str | Reply]) -> Answer:
    """Serves files by path with query; all else is missing."""

    def answer(asked: Asked) -> Reply:
        found = contents.get(asked.target, MISSING)
        return found if isinstance(found, Reply) else Reply(found if isinstance(found, bytes) else found.encode())

    return answer
