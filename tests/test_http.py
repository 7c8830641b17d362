"""The HTTP client against servers on loopback that answer, redirect, refuse, stall, drip, swell and break off."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import struct
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import brotli
import pytest
import zstandard

from config.settings import USER_AGENT, Network
from extractors.fetching.client import Client
from extractors.fetching.hosts import parse_retry_after
from extractors.fetching.messages import Response
from extractors.fetching.redirects import MAX_REDIRECTS
from extractors.records import Deferred, ItemError, Outcome, Page

NOW = datetime(2025, 11, 22, 6, 0, tzinfo=UTC)
LOOPBACK = ("127.0.0.0/8",)
TIMEOUT_S = 0.6  # in tests that wait for it
MEGABYTE = 1_000_000


# --- The servers ------------------------------------------------------------------------------------------------


@dataclass
class Asked:
    """One request as the server saw it; `connection` counts from 1."""

    path: str
    headers: dict[str, str]
    connection: int
    begun: float
    ended: float = 0.0


Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]
Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Load:
    """How many requests are being answered, and the most that ever were."""

    now: int = 0
    most: int = 0

    def __enter__(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)

    def __exit__(self, *_: object) -> None:
        self.now -= 1


@dataclass
class Server:
    """`pages` maps a path to an answer, or to a function that writes one in its own way.

    A robots.txt there is only where a test puts one, and requests for it stand in a list of their own.
    """

    load: Load
    pages: dict[str, Answer | Behaviour] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    asked_for_robots: list[Asked] = field(default_factory=list)
    connections: int = 0
    own_load: Load = field(default_factory=Load)
    delay_s: float = 0.0
    base: str = ""
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def url(self, path: str = "/") -> str:
        """The address of a page."""
        return self.base + path

    async def start(self, address: str) -> asyncio.Server:
        """Listen on a free port of `address`."""
        server = await asyncio.start_server(self._serve, address, 0)
        port = server.sockets[0].getsockname()[1]
        self.base = f"http://{address}:{port}"
        return server

    async def finish(self) -> None:
        """Wait until every connection is over, by itself within a second or by force."""
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=1)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        self.connections += 1
        connection = self.connections
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                while first := await reader.read(1):
                    if first == b"\x16":  # TLS
                        writer.write(written((400, {}, b"")))
                        break
                    await self._answer(first + await reader.readuntil(b"\r\n\r\n"), writer, connection)
        finally:
            self.tasks.discard(task)
            writer.close()

    async def _answer(self, head: bytes, writer: asyncio.StreamWriter, connection: int) -> None:
        request, *lines = head.decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        asked = Asked(request.split()[1], headers, connection, time.monotonic())
        robots = asked.path == "/robots.txt"
        (self.asked_for_robots if robots else self.asked).append(asked)
        page = self.pages.get(asked.path, (404, {}, b"not here"))
        with self.load, self.own_load:
            await asyncio.sleep(0 if robots else self.delay_s)
            if callable(page):
                await page(writer)
            else:
                asked.ended = time.monotonic()  # before the client can know
                writer.write(written(page))
                await writer.drain()
        asked.ended = asked.ended or time.monotonic()


def written(answer: Answer) -> bytes:
    """An answer as it goes over the line."""
    status, headers, body = answer
    lines = [f"HTTP/1.1 {status} X", *(f"{k}: {v}" for k, v in ({"Content-Length": len(body)} | headers).items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


Serve = Callable[[str], Awaitable[Server]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start servers on loopback addresses; `load` is shared by all of them."""
    load, started = Load(), []

    async def start(address: str) -> Server:
        server = Server(load)
        started.append((server, await server.start(address)))
        return server

    yield start
    for server, listening in started:
        listening.close()
        for task in list(server.tasks):
            task.cancel()
        await asyncio.gather(*server.tasks, return_exceptions=True)
        await listening.wait_closed()


@pytest.fixture
async def server(serve: Serve) -> Server:
    """One server."""
    return await serve("127.0.0.1")


def client(**named: Any) -> Client:
    """A client that may go to loopback, does not wait between requests and tries once, unless told otherwise."""
    usual = {"allow_networks": LOOPBACK, "per_host_interval": 0, "timeout": 30, "retry_delays": ()}
    network = Network(**(usual | named))
    return Client(network, now=lambda: NOW)


async def fetched(url: str, **named: Any) -> Response:
    async with client(**named) as session:
        response = await session.fetch(url)
    assert response is not None
    return response


async def failure(url: str, **named: Any) -> ItemError:
    async with client(**named) as session:
        with pytest.raises(ItemError) as caught:
            await session.fetch(url)
    assert caught.value.url == url
    return caught.value


# --- Answers ----------------------------------------------------------------------------------------------------


async def test_an_answer_comes_with_what_its_headers_say(server: Server) -> None:
    headers = {"Content-Type": "text/html; charset=windows-1251", "ETag": '"v1"', "Last-Modified": "yesterday"}
    server.pages["/a"] = (200, headers, "Мост".encode("cp1251"))
    response = await fetched(server.url("/a"))
    assert (response.url, response.body) == (server.url("/a"), "Мост".encode("cp1251"))
    assert (response.charset, response.content_type) == ("windows-1251", "text/html; charset=windows-1251")
    assert (response.etag, response.last_modified, response.fetched_at) == ('"v1"', "yesterday", NOW)
    assert response.page() == Page(server.url("/a"), "Мост".encode("cp1251"), "windows-1251", NOW)


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("text/html", None),
        ('text/html; charset="utf-8"', "utf-8"),
        ("text/html;charset=UTF-8", "utf-8"),
        ("text/html; charset=", None),
        ("charset=utf-8", "utf-8"),
        ("text/html; charset*=utf-8''koi8-r", "koi8-r"),
        ("", None),
    ],
)
async def test_the_charset_is_that_of_the_header(server: Server, content_type: str, charset: str | None) -> None:
    server.pages["/"] = (200, {"Content-Type": content_type}, b"")
    assert ((await fetched(server.url())).charset or None) == charset


async def test_headers_that_are_absent_are_none(server: Server) -> None:
    server.pages["/"] = (200, {}, b"")
    response = await fetched(server.url())
    assert (response.charset, response.content_type, response.etag, response.last_modified) == (None,) * 4


async def test_we_say_who_we_are_and_what_we_want(server: Server) -> None:
    server.pages["/"] = (200, {}, b"")
    async with client() as session:
        await session.fetch(server.url(), accept="application/rss+xml")
    await fetched(server.url(), user_agent="other/1.0 (+https://other.example)")
    first, second = server.asked
    assert first.headers["user-agent"] == USER_AGENT
    assert first.headers["accept"] == "application/rss+xml"
    assert "gzip" in first.headers["accept-encoding"]
    assert second.headers["user-agent"] == "other/1.0 (+https://other.example)"


async def test_an_unchanged_answer_is_none(server: Server) -> None:
    server.pages["/"] = (304, {}, b"")
    async with client() as session:
        assert await session.fetch(server.url(), etag='"v1"', last_modified="Thu, 06 Nov 2025 05:00:00 GMT") is None
    (asked,) = server.asked
    assert asked.headers["if-none-match"] == '"v1"'
    assert asked.headers["if-modified-since"] == "Thu, 06 Nov 2025 05:00:00 GMT"


async def test_without_a_memory_nothing_is_asked_conditionally(server: Server) -> None:
    server.pages["/"] = (200, {}, b"")
    await fetched(server.url())
    assert not {"if-none-match", "if-modified-since"} & set(server.asked[0].headers)


async def test_an_etag_that_no_request_can_hold_is_not_sent_back(server: Server) -> None:
    server.pages["/"] = (200, {"ETag": '"é"', "Last-Modified": "6 noviembre é"}, b"x")
    async with client() as session:
        first = await session.fetch(server.url())
        assert first is not None
        assert first.etag == '"é"'
        again = await session.fetch(server.url(), etag=first.etag, last_modified=first.last_modified)
    assert again is not None
    assert not {"if-none-match", "if-modified-since"} & set(server.asked[1].headers)


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda body: brotli.compress(body, quality=1),
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("coding", PACK)
async def test_packed_answers_are_unpacked(server: Server, coding: str) -> None:
    server.pages["/"] = (200, {"Content-Encoding": coding.upper()}, PACK[coding](b"text" * 1000))
    assert (await fetched(server.url())).body == b"text" * 1000


async def test_a_second_request_takes_the_same_connection(server: Server) -> None:
    server.pages = {path: (200, {}, b"x") for path in ("/robots.txt", "/a", "/b")}
    async with client() as session:
        await session.fetch(server.url("/a"))
        await session.fetch(server.url("/b"))
    assert [asked.connection for asked in server.asked] == [1, 1]


# --- Redirects --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(server: Server, status: int) -> None:
    server.pages["/a"] = (status, {"Location": "/b?x=1"}, b"")
    server.pages["/b?x=1"] = (status, {"Location": server.url("/c")}, b"")
    server.pages["/c"] = (200, {}, b"here")
    response = await fetched(server.url("/a"))
    assert (response.url, response.body) == (server.url("/c"), b"here")


async def test_redirects_lead_to_other_hosts(serve: Serve) -> None:
    first, second = await serve("127.0.0.1"), await serve("127.0.0.2")
    first.pages["/"] = (302, {"Location": second.url("/b")}, b"")
    second.pages["/b"] = (200, {}, b"here")
    assert (await fetched(first.url())).url == second.url("/b")


async def test_redirects_in_a_circle_come_to_an_end(server: Server) -> None:
    server.pages["/a"] = (302, {"Location": "/b"}, b"")
    server.pages["/b"] = (302, {"Location": "/a"}, b"")
    error = await failure(server.url("/a"))
    assert (error.outcome, error.reason) == (Outcome.FAILED, "too many redirects")
    assert len(server.asked) == MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    ("location", "outcome", "reason"),
    [
        ("ftp://127.0.0.1/a", Outcome.UNSAFE_ADDRESS, "not http or https"),
        ("file:///etc/passwd", Outcome.UNSAFE_ADDRESS, "not http or https"),
        ("javascript:alert(1)", Outcome.UNSAFE_ADDRESS, "not http or https"),
        ("mailto:editor@site.kz", Outcome.UNSAFE_ADDRESS, "not http or https"),
        ("http://169.254.169.254/latest/meta-data", Outcome.UNSAFE_ADDRESS, "not a public address"),
        ("http://[::1]/", Outcome.UNSAFE_ADDRESS, "not a public address"),
        ("http://[::ffff:10.0.0.1]/", Outcome.UNSAFE_ADDRESS, "not a public address"),
        ("//192.168.1.1/", Outcome.UNSAFE_ADDRESS, "not a public address"),
        ("http://0.0.0.0/", Outcome.UNSAFE_ADDRESS, "not a public address"),
        ("http://site.kz:eighty/", Outcome.FAILED, "invalid redirect"),
        ("http://127.0.0.1:99999/", Outcome.FAILED, "invalid redirect"),
        ("http://127.0.0.1:-1/", Outcome.FAILED, "invalid redirect"),
        ("http://[", Outcome.FAILED, "host not found"),
    ],
)
async def test_redirects_into_nowhere_are_refused(server: Server, location: str, outcome: Outcome, reason: str) -> None:
    server.pages["/"] = (302, {"Location": location}, b"")
    error = await failure(server.url())
    assert (error.outcome, error.reason) == (outcome, reason)


async def test_each_redirect_is_checked_before_anything_connects(serve: Serve) -> None:
    open_one, closed_one = await serve("127.0.0.1"), await serve("127.0.0.2")
    open_one.pages["/"] = (302, {"Location": "/again"}, b"")
    open_one.pages["/again"] = (302, {"Location": closed_one.url()}, b"")
    error = await failure(open_one.url(), allow_networks=("127.0.0.1/32",))
    assert (error.outcome, error.reason) == (Outcome.UNSAFE_ADDRESS, "not a public address")
    assert len(open_one.asked) == 2
    assert closed_one.connections == 0


async def test_a_redirect_without_a_target_is_a_failure(server: Server) -> None:
    server.pages["/"] = (302, {}, b"")
    assert (await failure(server.url())).reason == "http 302"


# --- Addresses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
async def test_our_own_machine_is_not_a_public_address(server: Server, host: str) -> None:
    error = await failure(server.url().replace("127.0.0.1", host), allow_networks=())
    assert (error.outcome, error.reason) == (Outcome.UNSAFE_ADDRESS, "not a public address")
    assert server.connections == 0


@pytest.mark.parametrize(
    ("url", "outcome", "reason"),
    [
        ("ftp://site.kz/", Outcome.UNSAFE_ADDRESS, "not http or https"),
        ("site.kz/news", Outcome.UNSAFE_ADDRESS, "not http or https"),
        ("http:///news", Outcome.UNSAFE_ADDRESS, "not http or https"),
        ("", Outcome.UNSAFE_ADDRESS, "not http or https"),
        ("http://127.0.0.1:99999/", Outcome.FAILED, "invalid address"),
        ("http://127.0.0.1:0/", Outcome.FAILED, "invalid address"),
        ("http://[", Outcome.FAILED, "host not found"),
        ("http://site.kz/\0", Outcome.FAILED, "invalid address"),
        (f"http://{'é' * 80}.kz/", Outcome.FAILED, "invalid address"),
        (f"http://{'a' * 80}.kz/", Outcome.FAILED, "host not found"),
        ("http://host.invalid/", Outcome.FAILED, "host not found"),
    ],
)
async def test_addresses_that_lead_nowhere(url: str, outcome: Outcome, reason: str) -> None:
    error = await failure(url)
    assert (error.outcome, error.reason) == (outcome, reason)


# --- Refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (404, Outcome.GONE),
        (410, Outcome.GONE),
        (401, Outcome.REFUSED),
        (403, Outcome.REFUSED),
        (451, Outcome.REFUSED),
        (402, Outcome.PAYWALLED),
        (400, Outcome.FAILED),
        (204, Outcome.FAILED),
        (418, Outcome.FAILED),
        (429, Outcome.FAILED),
        (500, Outcome.FAILED),
        (502, Outcome.FAILED),
        (503, Outcome.FAILED),
    ],
)
async def test_a_status_says_whether_to_come_back(server: Server, status: int, outcome: Outcome) -> None:
    server.pages["/"] = (status, {} if status != 204 else {"Content-Length": "0"}, b"" if status == 204 else b"sorry")
    error = await failure(server.url())
    assert (error.outcome, error.reason, error.retry_after) == (outcome, f"http {status}", None)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_the_server_may_say_when_to_come_back(server: Server, status: int) -> None:
    server.pages["/"] = (status, {"Retry-After": "120"}, b"")
    assert (await failure(server.url())).retry_after == NOW + timedelta(minutes=2)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("86400", 86_400),
        ("999999999", 86_400),
        ("9" * 5000, None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("Sat, 22 Nov 2025 06:02:00 GMT", 120),
        ("Sat, 22 Nov 2025 11:02:00 +0500", 120),
        ("Sat, 22 Nov 2025 06:02:00 -0000", 120),
        ("Saturday, 22-Nov-25 06:02:00 GMT", 120),
        ("Sat Nov 22 06:02:00 2025", 120),
        ("Fri, 21 Nov 2025 06:00:00 GMT", 0),
        ("Sat, 22 Nov 2035 06:00:00 GMT", 86_400),
        ("Sat, 22 Nov 99999999999999 06:00:00 GMT", None),
        ("Sat, 22 Nov 2025 06:00:00 +99999999999999", None),
    ],
)
def test_when_to_come_back_is_at_most_a_day_away(value: str | None, seconds: int | None) -> None:
    expected = None if seconds is None else NOW + timedelta(seconds=seconds)
    assert parse_retry_after(value, now=NOW) == expected


# --- Servers that misbehave -------------------------------------------------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


async def silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def silence_in_the_middle(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"some")
    await asyncio.sleep(60)


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(TIMEOUT_S / 5)


async def drip_of_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X: y\r\n")
        await writer.drain()
        await asyncio.sleep(TIMEOUT_S / 5)


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"some")
    await writer.drain()
    await asyncio.sleep(0.02)
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.close()


async def close_in_the_middle(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"some")
    writer.close()


async def close_at_once(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def rubbish(writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.site.kz ESMTP\r\n\r\n")
    writer.close()


async def not_gzip(writer: asyncio.StreamWriter) -> None:
    writer.write(written((200, {"Content-Encoding": "gzip"}, b"not gzip")))


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (silence, "timeout"),
        (silence_in_the_middle, "timeout"),
        (drip, "too slow"),
        (drip_of_headers, "too slow"),
        (reset, "connection broken"),
        (close_in_the_middle, "connection broken"),
        (close_at_once, "connection broken"),
        (rubbish, "malformed http"),
        (not_gzip, "broken content encoding"),
    ],
)
async def test_a_server_that_misbehaves_costs_a_bounded_time(server: Server, behaviour: Behaviour, reason: str) -> None:
    server.pages["/"] = behaviour
    server.pages["/fine"] = (200, {}, b"fine")
    async with client(timeout=TIMEOUT_S) as session:
        async with asyncio.timeout(50):  # less than the silence would last
            with pytest.raises(ItemError) as caught:
                await session.fetch(server.url())
        assert (caught.value.outcome, caught.value.reason) == (Outcome.FAILED, reason)
        # and the host's turn is free again
        fine = await session.fetch(server.url("/fine"))
        assert fine is not None
        assert fine.body == b"fine"


async def test_a_closed_port_refuses_the_connection() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    error = await failure(f"http://127.0.0.1:{port}/")
    assert (error.outcome, error.reason) == (Outcome.FAILED, "connection refused")


async def test_a_server_without_tls_is_a_tls_error(server: Server) -> None:
    error = await failure(server.url().replace("http:", "https:"))
    assert (error.outcome, error.reason) == (Outcome.FAILED, "tls error")


# --- Size -------------------------------------------------------------------------------------------------------


async def test_an_answer_of_the_greatest_size_is_taken(server: Server) -> None:
    server.pages["/"] = (200, {}, b"x" * MEGABYTE)
    assert len((await fetched(server.url(), max_bytes=MEGABYTE)).body) == MEGABYTE
    assert (await failure(server.url(), max_bytes=MEGABYTE - 1)).outcome is Outcome.TOO_LARGE


async def test_an_answer_without_end_is_not_read_to_its_end(server: Server) -> None:
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while sent < 500 * MEGABYTE:
            writer.write(b"x" * 50_000)
            await writer.drain()
            sent += 50_000

    server.pages["/"] = endless
    error = await failure(server.url(), max_bytes=MEGABYTE)
    assert (error.outcome, error.reason) == (Outcome.TOO_LARGE, "too large")
    await server.finish()
    assert sent < 50 * MEGABYTE  # what fits into the buffers of both sides


@pytest.mark.parametrize("coding", PACK)
async def test_a_bomb_is_not_unpacked_to_its_end(server: Server, coding: str) -> None:
    bomb = PACK[coding](bytes(50 * MEGABYTE))
    assert len(bomb) < MEGABYTE
    server.pages["/"] = (200, {"Content-Encoding": coding}, bomb)
    tracemalloc.start()
    try:
        error = await failure(server.url(), max_bytes=MEGABYTE)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (error.outcome, error.reason) == (Outcome.TOO_LARGE, "too large")
    assert most < 20 * MEGABYTE


async def test_packings_within_a_packing_have_an_end(server: Server) -> None:
    packed = gzip.compress(gzip.compress(b"x"))
    server.pages["/"] = (200, {"Content-Encoding": "gzip, gzip"}, packed)
    server.pages["/deep"] = (200, {"Content-Encoding": "gzip, gzip, gzip, gzip"}, gzip.compress(gzip.compress(packed)))
    assert (await fetched(server.url())).body == b"x"
    assert (await failure(server.url("/deep"))).reason == "broken content encoding"


@pytest.mark.parametrize("framing", [b"Content-Length: %d\r\n", b"", b"Transfer-Encoding: chunked\r\n"])
async def test_a_gzip_stream_that_never_ends_is_whole_if_the_answer_is(server: Server, framing: bytes) -> None:
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    packed = packer.compress(b"<p>text</p>") + packer.flush(zlib.Z_SYNC_FLUSH)

    async def unended(writer: asyncio.StreamWriter) -> None:
        head = framing % len(packed) if b"%" in framing else framing
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed) if b"chunked" in framing else packed
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n" + head + b"\r\n" + body)
        writer.close()

    server.pages["/"] = unended
    if framing:
        assert (await fetched(server.url())).body == b"<p>text</p>"
    else:
        assert (await failure(server.url())).reason == "broken content encoding"


# --- Politeness -------------------------------------------------------------------------------------------------


async def test_a_host_is_asked_one_thing_at_a_time_with_a_gap(server: Server) -> None:
    gap_s, requests = 0.04, 20
    server.delay_s = 0.005
    server.pages = {f"/{n}": (200, {}, b"x") for n in range(requests)} | {"/robots.txt": (200, {}, b"")}
    async with client(per_host_interval=gap_s) as session:
        await asyncio.gather(*(session.fetch(server.url(f"/{n}")) for n in range(requests)))
    assert len(server.asked) == requests
    assert server.own_load.most == 1
    gaps = [after.begun - before.ended for before, after in zip(server.asked, server.asked[1:], strict=False)]
    assert min(gaps) >= gap_s - 0.005
    assert server.connections == 1


async def test_the_gap_is_kept_after_failures_and_redirects_too(server: Server) -> None:
    gap_s = 0.1
    server.pages = {"/a": (500, {}, b""), "/b": (302, {"Location": "/c"}, b""), "/c": (200, {}, b"")}
    async with client(per_host_interval=gap_s) as session:
        await asyncio.gather(*(session.fetch(server.url(p)) for p in ("/a", "/b")), return_exceptions=True)
    assert [asked.path for asked in server.asked] == ["/a", "/b", "/c"]
    gaps = [after.begun - before.ended for before, after in zip(server.asked, server.asked[1:], strict=False)]
    assert min(gaps) >= gap_s - 0.005


async def test_hosts_are_asked_side_by_side(serve: Serve) -> None:
    servers, all_asked = [await serve(f"127.0.0.{n}") for n in range(1, 9)], asyncio.Barrier(8)

    async def answer_when_all_are_asked(writer: asyncio.StreamWriter) -> None:
        await all_asked.wait()
        await plain(writer, (200, {}, b"x"))

    for server in servers:
        server.pages["/"] = answer_when_all_are_asked
    async with client() as session:
        await asyncio.gather(*(session.fetch(server.url()) for server in servers))
    assert servers[0].load.most == 8


async def test_no_more_hosts_at_a_time_than_configured(serve: Serve) -> None:
    servers = [await serve(f"127.0.0.{n}") for n in range(1, 9)]
    for server in servers:
        server.delay_s = 0.03
        server.pages = {"/a": (200, {}, b"x"), "/b": (200, {}, b"x")}
    async with client(concurrency=3) as session:
        await asyncio.gather(*(session.fetch(server.url(path)) for server in servers for path in ("/a", "/b")))
    assert servers[0].load.most == 3
    assert sum(len(server.asked) for server in servers) == 16


async def test_a_host_that_waits_for_its_turn_takes_no_place_from_others(serve: Serve) -> None:
    waiting, other = await serve("127.0.0.1"), await serve("127.0.0.2")
    waiting.pages["/"] = other.pages["/"] = (200, {}, b"x")
    async with client(concurrency=1, per_host_interval=1.0) as session:
        await session.fetch(waiting.url())
        await asyncio.gather(session.fetch(waiting.url()), session.fetch(other.url()))
    assert other.asked_for_robots[0].begun < waiting.asked[1].begun
    assert waiting.asked[1].begun - waiting.asked[0].ended >= 0.995


# --- Retries, robots.txt, pauses --------------------------------------------------------------------------------


@pytest.mark.parametrize("behaviour", [(503, {}, b""), (429, {"Retry-After": "0"}, b""), close_at_once, not_gzip])
async def test_what_a_moment_may_mend_is_tried_again(server: Server, behaviour: Answer | Behaviour) -> None:
    async def mended(writer: asyncio.StreamWriter) -> None:
        server.pages["/"] = (200, {}, b"here")
        await (behaviour(writer) if callable(behaviour) else plain(writer, behaviour))

    server.pages["/"] = mended
    assert (await fetched(server.url(), retry_delays=(0.01,))).body == b"here"
    assert len(server.asked) == 2


async def plain(writer: asyncio.StreamWriter, answer: Answer) -> None:
    writer.write(written(answer))
    await writer.drain()


@pytest.mark.parametrize("status", [403, 404, 410, 451])
async def test_what_is_final_is_asked_once(server: Server, status: int) -> None:
    server.pages["/"] = (status, {}, b"")
    await failure(server.url(), retry_delays=(0.01, 0.01))
    assert len(server.asked) == 1


async def test_what_does_not_mend_ends_after_the_last_retry(server: Server) -> None:
    server.pages["/"] = (500, {}, b"")
    assert (await failure(server.url(), retry_delays=(0.01, 0.01))).reason == "http 500"
    assert len(server.asked) == 3


async def test_what_robots_txt_forbids_is_not_asked_for(server: Server) -> None:
    server.pages = {
        "/robots.txt": (200, {}, b"User-agent: c5watch\nDisallow: /private"),
        "/open": (302, {"Location": "/private/a"}, b""),
        "/private/a": (200, {}, b"secret"),
    }
    for path in ("/private/a", "/open"):
        error = await failure(server.url(path))
        assert (error.outcome, error.reason) == (Outcome.ROBOTS, "robots.txt")
    assert [asked.path for asked in server.asked] == ["/open"]


async def test_robots_txt_is_asked_for_once(server: Server) -> None:
    server.pages = {"/a": (200, {}, b"x"), "/b": (200, {}, b"x")}
    async with client() as session:
        await asyncio.gather(session.fetch(server.url("/a")), session.fetch(server.url("/b")))
    assert len(server.asked_for_robots) == 1


async def test_a_host_whose_robots_txt_is_broken_is_left_for_later(server: Server) -> None:
    server.pages = {"/robots.txt": (500, {}, b""), "/": (200, {}, b"x")}
    error = await failure(server.url())
    assert (error.outcome, error.reason) == (Outcome.FAILED, "robots.txt: http 500")
    assert server.asked == []


async def test_a_host_that_asks_for_a_long_pause_gets_it(server: Server) -> None:
    server.pages["/"] = (429, {"Retry-After": "3600"}, b"")
    async with client(retry_delays=(0.01,)) as session:
        with pytest.raises(ItemError) as refused:
            await session.fetch(server.url())
        with pytest.raises(Deferred) as deferred:
            await session.fetch(server.url("/other"))
    assert refused.value.retry_after == deferred.value.until == NOW + timedelta(hours=1)
    assert len(server.asked) == 1


# --- Long answers, and what only some questions need ------------------------------------------------------------


async def test_an_answer_may_be_allowed_to_be_larger_than_a_page(server: Server) -> None:
    server.pages["/"] = (200, {}, b"x" * 2000)
    async with client(max_bytes=1000) as session:
        response = await session.fetch(server.url(), max_bytes=2000)
        assert response is not None
        assert len(response.body) == 2000
        with pytest.raises(ItemError, match="too large"):
            await session.fetch(server.url())


async def test_all_headers_are_there_under_small_letters(server: Server) -> None:
    server.pages["/"] = (200, {"X-WP-TotalPages": "7"}, b"")
    assert (await fetched(server.url())).headers["x-wp-totalpages"] == "7"


async def test_a_question_may_want_a_longer_gap_than_others(server: Server) -> None:
    server.pages["/"] = (200, {}, b"")
    async with client() as session:
        await asyncio.gather(*(session.fetch(server.url(), interval_s=0.1) for _ in range(3)))
    gaps = [after.begun - before.ended for before, after in zip(server.asked, server.asked[1:], strict=False)]
    assert min(gaps) >= 0.095


async def test_the_rules_of_a_host_are_had_from_the_client(server: Server) -> None:
    server.pages["/robots.txt"] = (200, {}, b"Sitemap: https://site.kz/s.xml\nSitemap: /t.xml\n")
    server.pages["/"] = (200, {}, b"")
    async with client() as session:
        assert (await session.robots(server.url("/a"))).sitemaps() == ("https://site.kz/s.xml", "/t.xml")
        await session.fetch(server.url())
    assert len(server.asked_for_robots) == 1


async def streamed(url: str, **named: Any) -> bytes:
    async with client(**named) as session:
        return b"".join([chunk async for chunk in session.stream(url)])


async def test_a_stream_may_be_longer_than_any_page(server: Server) -> None:
    server.pages["/a"] = (302, {"Location": "/b"}, b"")
    server.pages["/b"] = (200, {}, b"x" * 3 * MEGABYTE)
    assert len(await streamed(server.url("/a"), max_bytes=1000)) == 3 * MEGABYTE


async def test_a_stream_takes_its_time_but_not_for_ever(server: Server) -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n")
        for _ in range(12):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(TIMEOUT_S * 4 / 11)  # longer than a page may take, in all

    server.pages = {"/slow": slow, "/silent": silence_in_the_middle}
    assert await streamed(server.url("/slow"), timeout=TIMEOUT_S) == b"x" * 12
    with pytest.raises(ItemError, match="timeout"):
        await streamed(server.url("/silent"), timeout=TIMEOUT_S)


async def test_a_stream_keeps_the_rules_and_the_address_check(server: Server) -> None:
    server.pages = {
        "/robots.txt": (200, {}, b"User-agent: *\nDisallow: /private"),
        "/open": (302, {"Location": "/private"}, b""),
        "/private": (200, {}, b"secret"),
        "/inside": (302, {"Location": "http://169.254.169.254/"}, b""),
        "/circle": (302, {"Location": "/circle"}, b""),
    }
    for path, outcome in (
        ("/private", Outcome.ROBOTS),
        ("/open", Outcome.ROBOTS),
        ("/inside", Outcome.UNSAFE_ADDRESS),
        ("/circle", Outcome.FAILED),
        ("/absent", Outcome.GONE),
    ):
        with pytest.raises(ItemError) as caught:
            await streamed(server.url(path))
        assert caught.value.outcome is outcome
    assert "/private" not in [asked.path for asked in server.asked]


async def test_during_a_stream_it_is_nobody_elses_turn(server: Server) -> None:
    server.pages = {"/long": (200, {}, b"x" * MEGABYTE), "/other": (200, {}, b"")}
    async with client() as session:
        chunks = session.stream(server.url("/long"))
        async with contextlib.aclosing(chunks):
            await anext(chunks)
            other = asyncio.create_task(session.fetch(server.url("/other")))
            await asyncio.sleep(0.1)
            assert not other.done()
        assert await other is not None


async def test_a_stream_that_keeps_breaking_off_is_given_up(server: Server) -> None:
    server.pages["/"] = close_in_the_middle
    async with client(retry_delays=(0.01, 0.01)) as session:
        with pytest.raises(ItemError, match="connection broken"):
            async for _ in session.stream(server.url()):
                pass
    assert [asked.headers.get("range") for asked in server.asked][:2] == [None, "bytes=4-"]
