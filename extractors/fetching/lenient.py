"""Read an answer whose header is no HTTP for h11, as browsers and curl do: mend its header, then let h11 read it.

Only for hosts whose answer the strict parser refused, on connections of their own that carry one answer each. So bytes
that follow an answer are never taken for another one. h11 still reads the mended header and frames the body.
Where the length of the body is in doubt (two lengths, an unknown transfer coding), the header stays as it is, and is
refused: a guess would cut a text, or add to it.

Before the answer a server may send interim ones, and h11 reads them for ever: both kinds of connection end that.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterable
from typing import Any

import httpcore

MAX_HEADER = 300 * 1024  # bytes, with all that comes before the answer; curl's limit, Chrome has 256 kB
MAX_INTERIM = 20  # answers before the answer: a server sends one or two (RFC 9110, 15.2)
LAST_CHUNK = b"\r\n0\r\n"  # RFC 9112, 7.1, with the end of the chunk before it
_END = re.compile(rb"\n\r?\n")
_STATUS = re.compile(
    rb"(?:HTTP/(?P<version>[0-9](?:\.[0-9])?)|ICY)[ \t]+(?P<code>[1-9][0-9]{2})(?![0-9])", re.IGNORECASE
)
_NAME = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2
_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]+")
_NO_CODINGS = frozenset({b"", b"identity", b"none", b"7bit", b"8bit", b"binary"})  # leave the body as it is
_CONTENT_CODINGS = frozenset({b"gzip", b"x-gzip", b"deflate", b"br"})  # undone with those of Content-Encoding


class WrappingBackend(httpcore.AsyncNetworkBackend):
    """A network backend whose connections are wrapped by `wrap`; `inner` connects, with all its checks."""

    def __init__(
        self,
        inner: httpcore.AsyncNetworkBackend,
        wrap: Callable[[httpcore.AsyncNetworkStream], httpcore.AsyncNetworkStream],
    ) -> None:
        self._inner = inner
        self._wrap = wrap

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect as `inner` does."""
        stream = await self._inner.connect_tcp(
            host, port, timeout=timeout, local_address=local_address, socket_options=socket_options
        )
        return self._wrap(stream)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Refuse as `inner` does."""
        return await self._inner.connect_unix_socket(path, timeout=timeout, socket_options=socket_options)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._inner.sleep(seconds)


class _Wrapped(httpcore.AsyncNetworkStream):
    """A connection that passes everything on, and the empty line that some servers leave out after the last chunk."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        self._last = b""  # bytes that came

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes."""
        chunk = await self._inner.read(max_bytes, timeout)
        if not chunk and self._last == LAST_CHUNK:  # nothing is missing: the body says itself that it ends here
            self._last = b""
            return b"\r\n"
        self._last = (self._last + chunk)[-len(LAST_CHUNK) :]
        return chunk

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes."""
        self._last = b""
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Begin TLS, and wrap what comes through it."""
        return type(self)(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """Return what is known of the connection."""
        return self._inner.get_extra_info(info)


class WatchedStream(_Wrapped):
    """A connection for strict answers, which passes them on as they come and ends where interim ones have no end."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        super().__init__(inner)
        self._begun: bytearray | None = bytearray()  # the header that is under way; None: the answer has begun
        self._interim = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes. Raises RemoteProtocolError after too many interim answers."""
        chunk = await super().read(max_bytes, timeout)
        if self._begun is not None:
            searched = max(0, len(self._begun) - 2)
            self._begun += chunk
            while _is_interim(self._begun) and (end := _END.search(self._begun, searched)):
                del self._begun[: end.end()]
                searched, self._interim = 0, _counted(self._interim)
            if len(self._begun) > len("HTTP/1.1  100") and not _is_interim(self._begun):
                self._begun = None
        return chunk

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes: another answer is to come."""
        self._begun, self._interim = bytearray(), 0
        await super().write(buffer, timeout)


class MendingStream(_Wrapped):
    """A connection for one answer: reads its header whole, mends it, and passes the body on as it comes."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        super().__init__(inner)
        self._received = bytearray()
        self._header_is_read = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the mended header with the beginning of the body, later the next bytes of the body."""
        if self._header_is_read:
            return await super().read(max_bytes, timeout)
        searched = skipped = interim = 0
        while True:
            if not searched:
                before = len(self._received)
                self._received = self._received.lstrip(b"\r\n")
                skipped += before - len(self._received)
            if end := _END.search(self._received, searched):
                header, self._received = bytes(self._received[: end.end()]), self._received[end.end() :]
                if _is_interim(header):
                    searched, skipped, interim = 0, skipped + len(header), _counted(interim)
                    continue
                self._header_is_read = True
                return mended(header) + self._received
            if skipped + len(self._received) > MAX_HEADER:
                raise httpcore.RemoteProtocolError(f"header of more than {MAX_HEADER} bytes")
            searched = max(0, len(self._received) - 2)
            chunk = await super().read(max_bytes, timeout)
            self._received += chunk
            if not chunk:  # h11 says what is missing
                self._header_is_read = True
                return bytes(self._received)


def _counted(interim: int) -> int:
    """Return the number of interim answers with another one. Raises RemoteProtocolError if they are too many."""
    if interim == MAX_INTERIM:
        raise httpcore.RemoteProtocolError(f"more than {MAX_INTERIM} interim answers")
    return interim + 1


def mended(header: bytes) -> bytes:
    """Return the header of an answer with its framing stated once, and without the lines that are no fields.

    Without a status line it is returned as it is.
    """
    first, *lines = [line.removesuffix(b"\r") for line in header.split(b"\n")]
    status = _STATUS.match(first.lstrip())
    if status is None:
        return header
    version = b"1.0" if status["version"] == b"1.0" else b"1.1"
    fields = _fields(lines)
    kept = [(name, value) for name, value in fields if name.lower() not in (b"transfer-encoding", b"content-length")]
    written = [b"HTTP/%s %s" % (version, status["code"]), *(b"%s: %s" % field for field in [*kept, *_framing(fields)])]
    return b"\r\n".join([*written, b"", b""])


def _is_interim(header: bytes | bytearray) -> bool:
    """Say whether the final answer is still to come (RFC 9110, 15.2)."""
    status = _STATUS.match(header)
    return status is not None and status["code"].startswith(b"1") and status["code"] != b"101"


def _fields(lines: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
    """Return the fields. Lines without a colon, or with a name that is none, are dropped with their continuations."""
    fields: list[tuple[bytes, bytes]] = []
    is_kept = False
    for line in lines:
        if line.startswith((b" ", b"\t")):  # RFC 9112, 5.2
            if is_kept:
                name, value = fields[-1]
                fields[-1] = name, (value + b" " + _value(line)).strip()
            continue
        written, colon, value = line.partition(b":")
        name = written.rstrip(b" \t")
        is_kept = bool(colon and _NAME.fullmatch(name))
        if is_kept:
            fields.append((name, _value(value)))
    return fields


def _value(written: bytes) -> bytes:
    return _CONTROLS.sub(b" ", written).strip()


def _framing(fields: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the fields that say how long the body is (RFC 9112, 6.3): none where it ends with the connection."""
    lengths: list[bytes] = []
    codings: list[bytes] = []
    for name, value in fields:
        parts = [part.strip() for part in value.split(b",")]
        if name.lower() == b"content-length":
            lengths += [length for length in parts if length]
        elif name.lower() == b"transfer-encoding":
            codings += [coding.lower() for coding in parts]
    others = [coding for coding in codings if coding != b"chunked" and coding not in _NO_CODINGS]
    if not _CONTENT_CODINGS.issuperset(others):
        return [(b"Transfer-Encoding", b", ".join(codings))]  # h11 refuses it
    framing = [(b"Content-Encoding", coding) for coding in others]
    if b"chunked" in codings:
        return [*framing, (b"Transfer-Encoding", b"chunked")]
    return [*framing, *((b"Content-Length", length) for length in dict.fromkeys(lengths))]  # h11 refuses all but one
