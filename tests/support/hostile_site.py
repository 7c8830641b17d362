"""Hosts on loopback that may send anything: whole answers, raw bytes, or a conversation that never ends.

Each host has an address of its own, all share one port. One event loop in a thread serves them; every request is
written down with the monotonic moments at which it came in and was answered. `CANARIES` are addresses that nobody
may connect to: connections there are counted, and that is all they do.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

CANARIES = ("127.0.4.1", "127.0.0.1", "::1")
ATTEMPTS = 20
MAX_HEAD = 65_536


@dataclass(slots=True)
class Hit:
    """One request; `ended` is None while it is being answered, and for ever if the client went away."""

    host: str  # the address that it came to
    path: str
    at: float
    headers: dict[str, str]
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A well-formed answer, after which the connection stays open."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0

    def written(self) -> bytes:
        """The answer as it goes over the line."""
        usual = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(self.body))}
        lines = [f"HTTP/1.1 {self.status} X", *(f"{k}: {v}" for k, v in (usual | self.headers).items())]
        return "\r\n".join([*lines, "", ""]).encode("utf-8") + self.body


class Line:
    """The connection of one request, for what is no well-formed answer."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Send these bytes; raises ConnectionError when the client has gone."""
        self._writer.write(data)
        await self._writer.drain()

    def reset(self) -> None:
        """End the connection with a reset instead of a goodbye."""
        handle = self._writer.get_extra_info("socket")
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


Behaviour = Callable[[Line], Awaitable[None]]
Reply = Answer | bytes | Behaviour  # bytes are sent as they stand, then the connection is closed
NOT_FOUND = Answer(b"not here", 404)


class HostileSite:
    """Use as `with HostileSite(addresses) as site`, and fill `site.replies[address, path]` at any time."""

    def __init__(self, addresses: Iterable[str], *, canaries: Sequence[str] = ()) -> None:
        self.addresses = list(addresses)
        self.port = 0
        self.replies: dict[tuple[str, str], Reply] = {}
        self.hits: list[Hit] = []
        self.canaries = canaries
        self.canary_connections: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="hostile site")

    def __enter__(self) -> Self:
        """Listen on all addresses."""
        sockets = self._bound()
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(sockets), self._loop).result(30)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything; `hits` and `canary_connections` stay readable."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    def url(self, address: str, path: str = "/") -> str:
        """The http address of a path on one of the hosts."""
        return f"http://{address}:{self.port}{path}"

    def listen_with_tls(self, address: str, context: ssl.SSLContext) -> int:
        """Let a host listen on a second port, which speaks TLS; returns the port."""

        async def start() -> int:
            server = await asyncio.start_server(self._serving(address), address, 0, ssl=context)
            self._servers.append(server)
            return int(server.sockets[0].getsockname()[1])

        return asyncio.run_coroutine_threadsafe(start(), self._loop).result(30)

    def hits_of(self, address: str, path: str | None = None) -> list[Hit]:
        """The requests to one host, in order."""
        return [hit for hit in self.hits if hit.host == address and path in (None, hit.path)]

    def _bound(self) -> list[tuple[str, socket.socket]]:
        """One socket per address, all at one port that is free on each of them."""
        for _ in range(ATTEMPTS):
            sockets: list[tuple[str, socket.socket]] = []
            port = 0
            try:
                for address in (*self.addresses, *self.canaries):
                    family = socket.AF_INET6 if ":" in address else socket.AF_INET
                    try:
                        handle = socket.create_server((address, port), family=family, backlog=200)
                    except OSError as exc:
                        if ":" in address and exc.errno != errno.EADDRINUSE:
                            continue  # a machine without IPv6
                        raise
                    sockets.append((address, handle))
                    port = handle.getsockname()[1]
            except OSError as exc:
                for _, handle in sockets:
                    handle.close()
                if exc.errno != errno.EADDRINUSE:
                    raise
            else:
                self.port = port
                return sockets
        raise OSError(errno.EADDRINUSE, "no port is free on all addresses")

    async def _start(self, sockets: list[tuple[str, socket.socket]]) -> None:
        for address, handle in sockets:
            serve = self._warning(address) if address in self.canaries else self._serving(address)
            self._servers.append(await asyncio.start_server(serve, sock=handle, limit=MAX_HEAD))

    async def _stop(self) -> None:
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self._servers:
            await server.wait_closed()
        await asyncio.sleep(0.05)  # the transports close in the loop's next rounds

    def _warning(self, address: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.canary_connections.append(address)
            writer.close()

        return connected

    def _serving(self, address: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            try:
                with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                    while await self._answer(address, await reader.readuntil(b"\r\n\r\n"), writer):
                        pass
            except asyncio.CancelledError:
                writer.transport.abort()
            finally:
                self._tasks.discard(task)
                writer.close()

        return connected

    async def _answer(self, address: str, head: bytes, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection may carry another."""
        request, *lines = head.decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        hit = Hit(address, request.split()[1], time.monotonic(), headers)
        self.hits.append(hit)
        line = Line(writer)
        reply = self.replies.get((address, hit.path), NOT_FOUND)
        if isinstance(reply, Answer):
            await asyncio.sleep(reply.delay_s)
            hit.ended = time.monotonic()
            await line.send(reply.written())
            return True
        if isinstance(reply, bytes):
            await line.send(reply)
        else:
            await reply(line)
        hit.ended = time.monotonic()
        return False


# --- What hosts send ----------------------------------------------------------------------------------------------


def article(
    name: str, *, text: str = "", head: str = "", headline: str | None = None, charset: str | None = "utf-8"
) -> str:
    """The HTML of an article whose text no other `name` has."""
    words = name.replace("-", " ")
    sentences = [
        f"В посольстве сообщили о проекте {words} номер {number}, в котором участвуют вузы Алматы и Ташкента."
        for number in range(1, 9)
    ]
    meta = f'<meta charset="{charset}">' if charset else ""
    paragraphs = "".join(f"<p>{sentence}</p>" for sentence in sentences)
    title = headline or f"Проект {words}"
    return (
        f"<!DOCTYPE html><html><head>{meta}<title>{title}</title>{head}</head>"
        f"<body><article><h1>{title}</h1>{paragraphs}{text}</article></body></html>"
    )


def rss(items: Iterable[str], *, prolog: str = "", title: str = "Лента") -> bytes:
    """A feed of these items (as markup)."""
    return (
        f'<?xml version="1.0" encoding="utf-8"?>{prolog}<rss version="2.0"><channel><title>{title}</title>'
        f"{''.join(items)}</channel></rss>"
    ).encode()


def item(link: str, *, title: str = "Новость", published: str | None = None, guid: str | None = None) -> str:
    """One item of a feed."""
    date = f"<pubDate>{published}</pubDate>" if published else ""
    identity = f'<guid isPermaLink="false">{guid}</guid>' if guid else ""
    return f"<item><title>{title}</title><link>{link}</link>{date}{identity}</item>"


def packed(encoding: str, body: bytes, **headers: str) -> Answer:
    """A page that says it is encoded so."""
    return Answer(body, headers={"Content-Encoding": encoding, **headers})


def moved(location: str, status: int = 302) -> Answer:
    """A redirect."""
    return Answer(b"", status, {"Location": location})


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
CLOSED_AT_END = HEAD + b"Connection: close\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
DRIP_S = 0.3


async def drip_body(line: Line) -> None:
    """One byte at a time, never silent for long, never done."""
    await line.send(HEAD + b"Content-Length: 100000\r\n\r\n")
    while True:
        await line.send(b"<")
        await asyncio.sleep(DRIP_S)


async def drip_headers(line: Line) -> None:
    """A header every now and then."""
    await line.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        await line.send(b"X-More: y\r\n")
        await asyncio.sleep(DRIP_S)


async def drip_one_header(line: Line) -> None:
    """A status line, letter by letter."""
    while True:
        await line.send(b"H")
        await asyncio.sleep(DRIP_S)


async def silence(line: Line) -> None:
    """Nothing at all."""
    await asyncio.sleep(60)


async def endless_body(line: Line) -> None:
    """A body without length and without end."""
    await line.send(CLOSED_AT_END + b"<html><body><p>")
    while True:
        await line.send(b"word " * 10_000)


async def endless_chunks(line: Line) -> None:
    """Chunk after chunk."""
    await line.send(CHUNKED)
    while True:
        await line.send(b"C350\r\n" + b"word " * 10_000 + b"\r\n")


async def endless_headers(line: Line) -> None:
    """Header after header."""
    await line.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        await line.send(b"X-More: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 1000)


async def endless_continue(line: Line) -> None:
    """One interim answer after the other (RFC 9110, 15.2), the final one never."""
    while True:
        await line.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        await asyncio.sleep(DRIP_S / 10)


async def stalled_body(line: Line) -> None:
    """Half a page, then silence."""
    await line.send(HEAD + b"Content-Length: 5000\r\n\r\n<html><body><p>half")
    await asyncio.sleep(60)


async def stalled_chunks(line: Line) -> None:
    """A chunk, then silence instead of the last one."""
    await line.send(CHUNKED + b"4\r\nword\r\n")
    await asyncio.sleep(60)


async def reset_in_body(line: Line) -> None:
    """Half a page, then a reset."""
    await line.send(HEAD + b"Content-Length: 5000\r\n\r\n<html><body><p>half")
    await asyncio.sleep(0.05)
    line.reset()


async def reset_at_once(line: Line) -> None:
    """A reset for an answer."""
    line.reset()
