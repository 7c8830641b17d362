"""Undo a body's content encoding, chunk by chunk, and stop as soon as it has grown past its limit.

A few kilobytes of gzip, brotli or zstd can expand to gigabytes. So each chunk is expanded only up to the rest of
the limit: neither the body nor any single step takes more memory.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import brotli
import zstandard

from config.errors import EdgeError

ACCEPT_ENCODING = "gzip, deflate, br, zstd"
PLAIN = ("", "identity", "none", "binary", "utf-8", "utf8")  # servers send the last two for no encoding at all
ZSTD_SLICE = 64  # bytes: zstandard knows no limit, but 64 bytes hold at most 16 blocks of 128 KiB
ZSTD_WINDOW = 8 << 20  # bytes, RFC 9659


class TooLarge(EdgeError):
    """The decoded body is larger than allowed."""


class BrokenEncoding(EdgeError):
    """The body does not match its Content-Encoding, or the encoding was not offered."""


class Body:
    """Collects the chunks of one body; `limit` is in bytes after decoding, and twice that before it."""

    def __init__(self, content_encoding: str, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._taken = 0
        names = [name.strip().lower() for name in content_encoding.split(",")]
        encodings = [name for name in names if name not in PLAIN]
        if len(encodings) > 1:
            raise BrokenEncoding(f"several encodings: {content_encoding[:100]}")
        make = _DECODERS.get(encodings[0]) if encodings else _Identity
        if make is None:
            raise BrokenEncoding(f"unknown encoding: {content_encoding[:100]}")
        self._decode: _Decoder = make()

    def add(self, chunk: bytes) -> None:
        """Decode the next chunk from the wire. Raises TooLarge, BrokenEncoding."""
        self._taken += len(chunk)
        if self._taken > 2 * self._limit:  # padding or empty blocks that expand to nothing, without end
            raise TooLarge(f"more than {2 * self._limit} encoded bytes")
        try:
            for piece in self._decode(chunk, self._limit + 1):
                self._size += len(piece)
                self._parts.append(piece)
                if self._size > self._limit:
                    raise TooLarge(f"more than {self._limit} bytes")
        except (zlib.error, brotli.error, zstandard.ZstdError) as exc:
            raise BrokenEncoding(str(exc)) from exc

    @property
    def size(self) -> int:
        """Return the number of bytes decoded so far."""
        return self._size

    def so_far(self) -> bytes:
        """Return the bytes decoded so far."""
        return b"".join(self._parts)

    def finish(self) -> bytes:
        """Return the whole body. Raises BrokenEncoding if the stream was cut: half a text is worse than none."""
        if self._taken and not self._decode.complete:
            raise BrokenEncoding("cut short")
        return self.so_far()


class _Decoder(Protocol):
    @property
    def complete(self) -> bool:
        """Say whether the stream has reached its own end."""
        ...

    def __call__(self, chunk: bytes, most: int) -> Iterator[bytes]:
        """Yield the expanded chunk in pieces of at most `most` bytes."""
        ...


class _Identity:
    complete = True  # HTTP's framing says where a plain body ends

    def __call__(self, chunk: bytes, most: int) -> Iterator[bytes]:
        yield chunk


class _Zlib:
    """gzip (several members too) and deflate, with or without its zlib header (RFC 9110, 8.4.1.2)."""

    def __init__(self) -> None:
        self._decoder: zlib._Decompress | None = None
        self._held = b""
        self._over = False
        self.complete = False

    def __call__(self, chunk: bytes, most: int) -> Iterator[bytes]:
        chunk, self._held = self._held + chunk, b""
        while chunk and not self._over:
            if self._decoder is None:
                if self.complete:
                    chunk = chunk.lstrip(b"\0")  # padding between members
                if len(chunk) < 2:  # the two bytes that identify the format
                    self._held = chunk
                    return
                is_gzip = chunk[:2] == b"\x1f\x8b"
                if self.complete and not is_gzip:
                    self._over = True  # browsers ignore what follows the last member
                    return
                wrapped = is_gzip or (chunk[0] & 0x0F == 8 and int.from_bytes(chunk[:2], "big") % 31 == 0)
                self._decoder = zlib.decompressobj(zlib.MAX_WBITS | 32 if wrapped else -zlib.MAX_WBITS)
            yield self._decoder.decompress(chunk, most)
            chunk = self._decoder.unconsumed_tail
            self.complete = self._decoder.eof
            if self._decoder.eof:
                chunk, self._decoder = self._decoder.unused_data, None


class _Brotli:
    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()

    @property
    def complete(self) -> bool:
        return bool(self._decoder.is_finished())

    def __call__(self, chunk: bytes, most: int) -> Iterator[bytes]:
        yield self._decoder.process(chunk, output_buffer_limit=most)
        while not self._decoder.can_accept_more_data():
            yield self._decoder.process(b"", output_buffer_limit=most)


class _Zstd:
    """One frame or several (RFC 8878, 3)."""

    def __init__(self) -> None:
        self._context = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
        self._decoder: zstandard.ZstdDecompressionObj | None = None

    @property
    def complete(self) -> bool:
        return self._decoder is None

    def __call__(self, chunk: bytes, most: int) -> Iterator[bytes]:
        for start in range(0, len(chunk), ZSTD_SLICE):
            part = chunk[start : start + ZSTD_SLICE]
            while part:
                self._decoder = self._decoder or self._context.decompressobj()
                yield self._decoder.decompress(part)
                part = b""
                if self._decoder.eof:
                    part, self._decoder = self._decoder.unused_data, None


_DECODERS: dict[str, Callable[[], _Decoder]] = {
    "gzip": _Zlib,
    "x-gzip": _Zlib,
    "deflate": _Zlib,
    "br": _Brotli,
    "zstd": _Zstd,
}
