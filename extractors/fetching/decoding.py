"""Undo a body's content encoding, chunk by chunk, and stop as soon as it has grown past its limit.

A few kilobytes of gzip, brotli or zstd can expand to gigabytes. So each chunk is expanded only up to the rest of
the limit: neither the body nor any single step takes more memory.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Protocol

import brotli
import zstandard

from config.errors import EdgeError

ACCEPT_ENCODING = "gzip, deflate, br, zstd"
# Registered codings that we cannot undo. Other tokens name no coding: servers write charsets and MIME encodings there.
NOT_OURS = ("compress", "x-compress", "exi", "pack200-gzip", "aes128gcm", "dcb", "dcz")
MOST_LAYERS = 3
GZIP = b"\x1f\x8b\x08"
TEXT = b"<{[ \t\r\n\xef\xff\xfe"  # first bytes of documents and of byte order marks, but of no gzip
FLUSHED = b"\x00\x00\xff\xff"  # the end of a deflate stream that was flushed and not ended (RFC 1951, 3.2.4)
ZSTD_SLICE = 64  # bytes: zstandard knows no limit, but 64 bytes hold at most 16 blocks of 128 KiB
ZSTD_WINDOW = 8 << 20  # bytes, RFC 9659


class TooLarge(EdgeError):
    """The decoded body is larger than allowed."""


class BrokenEncoding(EdgeError):
    """The body does not match its Content-Encoding, or we cannot undo it."""


class Body:
    """Collects the chunks of one body; `limit` is in bytes after decoding, and twice that before each step of it.

    Several encodings are undone one after the other. With `sniffed` a gzip file within is undone too, though nobody
    says so: for pages, which are no files.
    """

    def __init__(self, content_encoding: str, limit: int, *, sniffed: bool = False) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        names = [name.partition(";")[0].strip(" \t\"'").lower() for name in content_encoding.split(",")]
        if any(name in NOT_OURS for name in names):
            raise BrokenEncoding(f"unknown encoding: {content_encoding[:100]}")
        self._layers = [_Layer(_DECODERS[name]()) for name in reversed(names) if name in _DECODERS]
        if len(self._layers) > MOST_LAYERS:
            raise BrokenEncoding(f"too many encodings: {content_encoding[:100]}")
        self._start: bytes | None = b"" if sniffed else None  # until it can be told from gzip

    def add(self, chunk: bytes) -> None:
        """Decode the next chunk from the wire. Raises TooLarge, BrokenEncoding."""
        if not self._layers and len(chunk) > 2 * self._limit:
            raise TooLarge(f"more than {self._limit} bytes")
        try:
            self._pass(chunk, 0)
        except (zlib.error, brotli.error, zstandard.ZstdError) as exc:
            raise BrokenEncoding(str(exc)) from exc

    @property
    def size(self) -> int:
        """Return the number of bytes decoded so far."""
        return self._size

    def so_far(self) -> bytes:
        """Return the bytes decoded so far."""
        return b"".join(self._parts) + (self._start or b"")

    def finish(self, *, framed: bool = False) -> bytes:
        """Return the whole body; `framed`: HTTP has said where it ends, and it came to that end.

        Raises BrokenEncoding if the stream was cut: half a text is worse than none.
        """
        for layer in self._layers:
            if layer.taken and not layer.decode.complete and not layer.decode.is_whole(framed=framed):
                raise BrokenEncoding("cut short")
        return self.so_far()

    def _pass(self, chunk: bytes, level: int) -> None:
        """Decode a chunk by the layer `level` and all below it."""
        if level == len(self._layers):
            if self._start is None:
                self._take(chunk)
            else:
                self._sniff(chunk)
            return
        layer = self._layers[level]
        layer.taken += len(chunk)
        if layer.taken > 2 * self._limit:  # padding or empty blocks that expand to nothing, without end
            raise TooLarge(f"more than {2 * self._limit} encoded bytes")
        for piece in layer.decode(chunk, self._limit + 1):
            self._pass(piece, level + 1)

    def _sniff(self, chunk: bytes) -> None:
        """Hold the first bytes back until it is clear whether they are gzip once more."""
        start = (self._start or b"") + chunk
        if len(start) < len(GZIP) and GZIP.startswith(start):
            self._start = start
            return
        self._start = None
        if start.startswith(GZIP) and len(self._layers) < MOST_LAYERS:
            self._layers.append(_Layer(_Zlib()))
            self._start = b""
            self._pass(start, len(self._layers) - 1)
        else:
            self._take(start)

    def _take(self, piece: bytes) -> None:
        self._size += len(piece)
        self._parts.append(piece)
        if self._size > self._limit:
            raise TooLarge(f"more than {self._limit} bytes")


class _Decoder(Protocol):
    @property
    def complete(self) -> bool:
        """Say whether the stream has reached its own end."""
        ...

    def is_whole(self, *, framed: bool) -> bool:
        """Say whether nothing of the text is missing, though the stream has not reached its own end."""
        ...

    def __call__(self, chunk: bytes, most: int) -> Iterator[bytes]:
        """Yield the expanded chunk in pieces of at most `most` bytes."""
        ...


class _Layer:
    """One encoding of a body, and the number of bytes that it was given."""

    __slots__ = ("decode", "taken")

    def __init__(self, decode: _Decoder) -> None:
        self.decode = decode
        self.taken = 0


class _Zlib:
    """gzip (several members too) and deflate, with or without its zlib header (RFC 9110, 8.4.1.2)."""

    def __init__(self, *, may_be_plain: bool = False) -> None:
        self._decoder: zlib._Decompress | None = None
        self._may_be_plain = may_be_plain  # as in Chrome
        self._is_plain = False
        self._held = b""
        self._over = False
        self._is_wrapped = False
        self._sums = (0, 1, 0)  # CRC-32, Adler-32 and length of what has been decoded of this member
        self._end = b""
        self.complete = False

    def __call__(self, chunk: bytes, most: int) -> Iterator[bytes]:
        if self._is_plain:
            yield chunk
            return
        self._end = (self._end + chunk)[-len(FLUSHED) :]
        chunk, self._held = self._held + chunk, b""
        while chunk and not self._over:
            if self._decoder is None:
                if self.complete:
                    chunk = chunk.lstrip(b"\0")  # padding between members
                if len(chunk) < 2:  # the two bytes that identify the format
                    self._held = chunk
                    return
                is_gzip = chunk[:2] == GZIP[:2]
                if self.complete and not is_gzip:
                    self._over = True  # browsers ignore what follows the last member
                    return
                wrapped = is_gzip or (chunk[0] & 0x0F == 8 and int.from_bytes(chunk[:2], "big") % 31 == 0)
                if self._may_be_plain and not wrapped and chunk[0] in TEXT:
                    self._is_plain = self.complete = True
                    yield chunk
                    return
                self._decoder = zlib.decompressobj(zlib.MAX_WBITS | 32 if wrapped else -zlib.MAX_WBITS)
                self._is_wrapped = wrapped
                self._sums = (0, 1, 0)
            piece = self._decoder.decompress(chunk, most)
            crc, adler, length = self._sums
            self._sums = (zlib.crc32(piece, crc), zlib.adler32(piece, adler), length + len(piece))
            yield piece
            chunk = self._decoder.unconsumed_tail
            self.complete = self._decoder.eof
            if self._decoder.eof:
                chunk, self._decoder = self._decoder.unused_data, None

    def is_whole(self, *, framed: bool) -> bool:
        """Say whether only the checksum is missing, or, in a body that is `framed`, only the mark of the last block."""
        if self._decoder is None:
            return False
        if framed and self._end == FLUSHED:
            return True
        if not self._is_wrapped:
            return False
        crc, adler, length = self._sums
        for trailer in (struct.pack("<II", crc, length & 0xFFFFFFFF), struct.pack(">I", adler)):
            for received in range(len(trailer)):
                with suppress(zlib.error):
                    attempt = self._decoder.copy()
                    if not attempt.decompress(trailer[received:]) and attempt.eof:
                        return True
        return False


class _Brotli:
    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()

    @property
    def complete(self) -> bool:
        return bool(self._decoder.is_finished())

    def is_whole(self, *, framed: bool) -> bool:
        return False

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

    def is_whole(self, *, framed: bool) -> bool:
        return False

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
    "gzip": partial(_Zlib, may_be_plain=True),
    "x-gzip": partial(_Zlib, may_be_plain=True),
    "deflate": _Zlib,
    "br": _Brotli,
    "zstd": _Zstd,
}
