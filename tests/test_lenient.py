"""Answers that are slightly wrong HTTP: read as browsers read them, through the same guards, and never past doubt."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Network
from extractors.fetching.client import Client
from extractors.fetching.lenient import MAX_HEADER, MAX_INTERIM, mended
from extractors.fetching.messages import Response
from extractors.records import ItemError, Outcome
from tests.support.hostile_site import Answer, HostileSite, Line, Reply

HOST, OTHER = "127.0.2.1", "127.0.2.2"
BODY = b"<p>here</p>"
OK = b"HTTP/1.1 200 OK\r\n"
SIZED = b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)

READ = [
    # name, answer
    ("a line without a colon", OK + b"P3P policyref\r\n" + SIZED),
    ("a line of HTML", OK + b"<b>Warning</b>: headers already sent\r\n" + SIZED),
    ("a blank before the colon", OK + b"Content-Type : text/html\r\n" + SIZED),
    ("a blank before the colon of the length", OK + b"Content-Length : %d\r\n\r\n" % len(BODY) + BODY + b"more"),
    ("a blank in a name", OK + b"Cache Status: HIT\r\n" + SIZED),
    ("a name that is none", OK + "Состояние: да\r\n".encode() + SIZED),
    ("no name", OK + b": value\r\n" + SIZED),
    ("a continuation of nothing", OK + b" folded\r\n" + SIZED),
    ("a continuation of what is dropped", OK + b"bad line\r\n\tContent-Length: 2\r\n" + SIZED),
    ("a control character in a value", OK + b"X-Powered-By: a\x0bb\x00c\r\n" + SIZED),
    ("chunked twice", OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS),
    ("chunked twice in a line", OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + CHUNKS),
    ("chunked and identity", OK + b"Transfer-Encoding: identity, chunked\r\n\r\n" + CHUNKS),
    ("identity with a length", OK + b"Transfer-Encoding: identity\r\n" + SIZED),
    ("identity without a length", OK + b"Transfer-Encoding: identity\r\n\r\n" + BODY),
    ("an empty length", OK + b"Content-Length:\r\n\r\n" + BODY),
    ("gzip as a transfer coding", OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
     % (len(gzip.compress(BODY)), gzip.compress(BODY))),
    ("250 kB of headers", OK + b"".join(b"Set-Cookie: a%d=%s\r\n" % (n, b"x" * 100) for n in range(2200)) + SIZED),
    ("a header of 150 kB", OK + b"Link: " + b"x" * 150_000 + b"\r\n" + SIZED),
    ("no blank before the reason", b"HTTP/1.1 200OK\r\n" + SIZED.replace(b"200OK", b"")),
    ("two blanks in the status line", b"HTTP/1.1  200 OK\r\n" + SIZED),
    ("a status line in small letters", b"http/1.1 200 ok\r\n" + SIZED),
    ("a later version of HTTP", b"HTTP/2 200\r\n" + SIZED),
    ("a status line without HTTP", b"ICY 200 OK\r\n" + SIZED),
    ("blank lines before the status line", b"\r\n\r\n" + OK + SIZED),
    ("a malformed interim answer", b"HTTP/1.1 103 Early Hints\r\nbad line\r\n\r\n" + OK + SIZED),
    ("bare line feeds", OK.replace(b"\r", b"") + b"bad line\nContent-Length: %d\n\n" % len(BODY) + BODY),
]  # fmt: skip

REFUSED = [
    # name, answer, reason
    ("two lengths", OK + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\n" + BODY, "malformed http"),
    ("two lengths in a line", OK + b"Content-Length: 5, 50\r\n\r\n" + BODY, "malformed http"),
    ("two lengths, one oddly", OK + b"Content-Length : 5\r\nContent-Length: 50\r\n\r\n" + BODY, "malformed http"),
    ("a length below zero", OK + b"Content-Length: -5\r\n\r\n" + BODY, "malformed http"),
    ("a length in words", OK + b"Content-Length: 11 bytes\r\n\r\n" + BODY, "malformed http"),
    ("an unknown transfer coding", OK + b"Transfer-Encoding: cat, chunked\r\n\r\n" + CHUNKS, "malformed http"),
    ("no status line", b"<html><body>here</body></html>\r\n\r\n", "malformed http"),
    ("a status of four figures", b"HTTP/1.1 2000 OK\r\n" + SIZED, "malformed http"),
    ("chunks of no size", OK + b"bad line\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + BODY, "malformed http"),
    ("too many headers", OK + b"X: y\r\n" * (MAX_HEADER // 6 + 20_000) + SIZED, "malformed http"),
    ("a cut body", OK + b"bad line\r\nContent-Length: 500\r\n\r\n" + BODY, "connection broken"),
]  # fmt: skip


@pytest.fixture(scope="module")
def site() -> Iterator[HostileSite]:
    """Two hosts."""
    with HostileSite([HOST, OTHER], canaries=["127.0.4.1"]) as started:
        yield started


def client(**named: Any) -> Client:
    usual: dict[str, Any] = {"allow_networks": (f"{HOST}/32", f"{OTHER}/32"), "per_host_interval": 0, "timeout": 10}
    return Client(Network(**(usual | {"retry_delays": ()} | named)))


async def fetched(site: HostileSite, reply: Reply, **named: Any) -> Response:
    site.replies = {(HOST, "/"): reply}
    site.hits.clear()
    async with client(**named) as session:
        response = await session.fetch(site.url(HOST))
    assert response is not None
    return response


@pytest.mark.parametrize("answer", [row[1] for row in READ], ids=[row[0] for row in READ])
async def test_an_answer_that_is_slightly_wrong_is_read(site: HostileSite, answer: bytes) -> None:
    assert (await fetched(site, answer)).body == BODY
    assert len(site.hits_of(HOST, "/")) == 2


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        (CHUNKED + CHUNKS[:-2], 1),
        (CHUNKED + CHUNKS[:-7] + b"\r\n0\r\n", 1),
        (CHUNKED.replace(b"OK", b"OK\r\nbad line") + CHUNKS[:-2], 2),
        (OK + b"Transfer-Encoding: chunked\r\nContent-Length: 400\r\n\r\n" + CHUNKS[:-2], 1),
    ],
    ids=["strict", "in pieces", "lenient", "a length besides"],
)
async def test_chunks_with_their_last_one_but_without_the_empty_line_are_whole(
    site: HostileSite, answer: bytes, asked: int
) -> None:
    assert (await fetched(site, answer)).body == BODY
    assert len(site.hits_of(HOST, "/")) == asked


@pytest.mark.parametrize("rest", [CHUNKS[:-7], CHUNKS[:-5], CHUNKS[:-4], CHUNKS[:-3], b"5\r\n\r\n0\r\n"])
async def test_chunks_without_the_last_one_are_cut(site: HostileSite, rest: bytes) -> None:
    with pytest.raises(ItemError, match=r"connection broken|malformed http"):
        await fetched(site, CHUNKED + rest)


@pytest.mark.parametrize(("answer", "reason"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
async def test_an_answer_of_doubtful_length_is_refused(site: HostileSite, answer: bytes, reason: str) -> None:
    with pytest.raises(ItemError) as caught:
        await fetched(site, answer)
    assert (caught.value.outcome, caught.value.reason) == (Outcome.FAILED, reason)
    assert len(site.hits_of(HOST, "/")) == 2


async def test_a_host_that_is_read_leniently_is_not_asked_twice_again(site: HostileSite) -> None:
    site.hits.clear()
    site.replies = {(HOST, path): OK + b"bad line\r\n" + SIZED for path in ("/robots.txt", "/a", "/b")}
    async with client() as session:
        for path in ("/a", "/b", "/a"):
            response = await session.fetch(site.url(HOST, path))
            assert response is not None
            assert response.body == BODY
    assert [hit.path for hit in site.hits] == ["/robots.txt", "/robots.txt", "/a", "/b", "/a"]


async def test_the_second_request_keeps_the_gap(site: HostileSite) -> None:
    await fetched(site, OK + b"bad line\r\n" + SIZED, per_host_interval=0.2)
    first, second = site.hits_of(HOST, "/")
    assert first.ended is not None
    assert second.at - first.ended >= 0.19


async def test_the_fields_that_are_sound_keep_their_values(site: HostileSite) -> None:
    head = OK + b'bad line\r\nContent-Type : text/html;\r\n charset=windows-1251\r\nETag: "v1"\r\nX: a:b\r\n'
    response = await fetched(site, head + SIZED)
    assert (response.content_type, response.charset) == ("text/html; charset=windows-1251", "windows-1251")
    assert (response.etag, response.headers["x"]) == ('"v1"', "a:b")


async def test_what_follows_an_answer_is_no_other_answer(site: HostileSite) -> None:
    forged = OK + b"Content-Length: 6\r\n\r\nforged"
    site.replies = {(HOST, "/a"): OK + b"bad line\r\n" + SIZED + forged, (HOST, "/b"): OK + SIZED}
    async with client() as session:
        bodies = [await session.fetch(site.url(HOST, path)) for path in ("/a", "/b", "/a", "/b")]
    assert [answer.body for answer in bodies if answer] == [BODY] * 4


async def test_a_length_hidden_in_a_dropped_line_counts_for_nothing(site: HostileSite) -> None:
    hidden = OK + b"X Y\r\n Content-Length: 3\r\nContent_Length: 2\r\nContent Length: 1\r\n" + SIZED
    assert (await fetched(site, hidden)).body == BODY


@pytest.mark.parametrize("status", [301, 302, 307])
async def test_a_lenient_redirect_passes_the_same_checks(site: HostileSite, status: int) -> None:
    head = b"HTTP/1.1 %d Moved\r\nbad line\r\nLocation: " % status
    for location in (f"http://127.0.4.1:{site.port}/", "https:/127.0.4.1/", r"\\10.0.0.1\a", "file:///etc/hostname"):
        with pytest.raises(ItemError) as caught:
            await fetched(site, head + location.encode() + b"\r\nContent-Length: 0\r\n\r\n")
        assert caught.value.outcome is Outcome.UNSAFE_ADDRESS
    assert site.canary_connections == []


async def test_an_endless_header_is_stopped(site: HostileSite) -> None:
    async def endless(line: Line) -> None:
        await line.send(OK + b"bad line\r\n")
        while True:
            await line.send(b"X-More: y\r\n" * 1000)

    with pytest.raises(ItemError) as caught:
        await fetched(site, endless)
    assert caught.value.reason == "malformed http"


async def test_an_endless_row_of_interim_answers_is_stopped(site: HostileSite) -> None:
    async def endless(line: Line) -> None:
        while True:
            await line.send(b"HTTP/1.1 103 Early Hints\r\nbad line\r\n\r\n" * 100)

    with pytest.raises(ItemError) as caught:
        await fetched(site, endless)
    assert caught.value.reason == "malformed http"


@pytest.mark.parametrize(
    ("block", "count"),
    [
        (b"\r\n", None),
        (b"HTTP/1.1 100 Continue\r\n\r\n", MAX_INTERIM + 1),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n", None),
        (b"HTTP/1.1 103 Early Hints\r\nLink: " + b"x" * 50_000 + b"\r\n\r\n", None),
    ],
    ids=["blank lines", "a few too many", "well-formed", "large ones"],
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_what_comes_before_an_answer_has_an_end(
    site: HostileSite, block: bytes, count: int | None, streamed: bool
) -> None:
    sent: list[int] = []

    async def before(line: Line) -> None:
        sent.append(0)
        while count is None or sent[-1] < count:
            await line.send(block)
            sent[-1] += 1
        await line.send(OK + SIZED)

    site.replies = {(HOST, "/"): before}
    async with client() as session:
        with pytest.raises(ItemError) as caught:
            if streamed:
                _ = [chunk async for chunk in session.stream(site.url(HOST))]
            else:
                await session.fetch(site.url(HOST))
    assert caught.value.reason == "malformed http"
    assert len(sent) == 2


@pytest.mark.parametrize("odd", [b"", b"bad line\r\n"], ids=["strict", "lenient"])
async def test_some_interim_answers_are_read_over_again_and_again(site: HostileSite, odd: bytes) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" * MAX_INTERIM

    async def answer(line: Line) -> None:
        for byte in interim + OK + odd + SIZED:
            await line.send(bytes([byte]))

    site.replies = dict.fromkeys([(HOST, "/a"), (HOST, "/b")], answer)
    async with client() as session:
        bodies = [await session.fetch(site.url(HOST, path)) for path in ("/a", "/b")]
    assert [answer.body for answer in bodies if answer] == [BODY] * 2


async def test_the_header_of_a_stream_has_a_limit_of_time_and_its_body_has_none(site: HostileSite) -> None:
    async def slow(line: Line) -> None:
        await line.send(OK + b"Content-Length: 10\r\n\r\n")
        for _ in range(10):
            await asyncio.sleep(0.1)
            await line.send(b"x")

    async def late(line: Line) -> None:
        for byte in OK:
            await asyncio.sleep(0.1)
            await line.send(bytes([byte]))

    site.replies = {(HOST, "/slow"): slow, (HOST, "/late"): late}
    async with client(timeout=0.2) as session:
        assert b"".join([chunk async for chunk in session.stream(site.url(HOST, "/slow"))]) == b"x" * 10
    async with client(timeout=0.2) as session:  # the first one's connection is closed at a moment of the site's
        with pytest.raises(ItemError) as caught:
            _ = [chunk async for chunk in session.stream(site.url(HOST, "/late"))]
    assert caught.value.reason == "too slow"


@pytest.mark.parametrize("more", [b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged", b"HTTP/1.1 200", b"\r\n"])
async def test_what_follows_a_strict_answer_is_no_other_answer(site: HostileSite, more: bytes) -> None:
    site.replies = {(HOST, "/a"): Answer(BODY + more, headers={"Content-Length": str(len(BODY))})}
    site.replies[HOST, "/b"] = Answer(BODY)
    async with client() as session:
        bodies = [await session.fetch(site.url(HOST, path)) for path in ("/a", "/b", "/a", "/b")]
    assert [answer.body for answer in bodies if answer] == [BODY] * 4
    assert [hit.path for hit in site.hits if hit.path != "/robots.txt"][-4:] == ["/a", "/b", "/a", "/b"]


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/мост".encode(), "/%D0%BC%D0%BE%D1%81%D1%82"),
        ("/мост".encode("cp1251"), "/%EC%EE%F1%F2"),
        ("/мост".encode("koi8-r") + b"?q=\xcf", "/%CD%CF%D3%D4?q=%CF"),
        (b"/%d0%bc b", "/%d0%bc%20b"),
        (rb"\a\b", "/a/b"),
        (b"  /a\t", "/a"),
    ],
    ids=["UTF-8", "windows-1251", "KOI8-R", "escaped already", "backslashes", "blanks"],
)
async def test_a_redirect_is_followed_byte_by_byte(site: HostileSite, location: bytes, path: str) -> None:
    site.replies[HOST, path] = OK + SIZED
    moved = b"HTTP/1.1 301 Moved\r\nConnection: close\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n"
    site.replies[HOST, "/from"] = moved
    async with client() as session:
        response = await session.fetch(site.url(HOST, "/from"))
    assert response is not None
    assert (response.url, response.body) == (site.url(HOST, path), BODY)


LINES = st.sampled_from(
    [b"Content-Length: 5", b"content-length : 7", b"Transfer-Encoding: chunked", b"transfer-encoding:identity", b"X",
     b" y", b"HTTP/1.1 200 OK", b"", b"A: \x00b", b"Content-Length: 5, 5"]
) | st.binary(max_size=12)  # fmt: skip


@given(st.lists(LINES, max_size=8))
def test_a_mended_header_is_mended_once(lines: list[bytes]) -> None:
    header = b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", b""])
    once = mended(header)
    assert mended(once) == once
    assert once.endswith(b"\r\n\r\n")
    assert b"\n" not in once.replace(b"\r\n", b"")
