"""Read the pages of certain hosts from WARC files, one at a time: nothing is kept, on disk or in memory.

FastWARC reads in a thread of its own and asks for the next bytes when it needs them, so a slow consumer slows the
download. WARC: https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO, Protocol, cast

from extractors.fetching.decoding import Body, BrokenEncoding, TooLarge
from extractors.records import ItemError, Outcome, Page
from extractors.urls import canonical_host

CHUNKS_AHEAD = 8
MAX_HEADERS = 64 * 1024  # bytes of HTTP headers before a page
_HOST = re.compile(r"<?https?://(?:[^/?#@]*@)?([^/:?#]+)", re.IGNORECASE)
_ENCODED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")  # gzip, zstd
_CHUNK = re.compile(rb"[ \t]*([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]{0,1000})?\r?\n")
_END = re.compile(rb"</(?:html|body)\s*>", re.IGNORECASE)
LIMITS = 64 * 1024  # bytes: crawlers cut pages at multiples of it
TAIL = 2000  # bytes in which the end of a page is looked for
HTML_TYPES = ("text/html", "application/xhtml+xml", "")


@dataclass(frozen=True, slots=True)
class CutPage:
    """A page whose end the crawler did not store: half a text must not pass for the whole."""

    url: str
    fetched_at: datetime


Crawled = Page | CutPage


class Readable(Protocol):
    """A source of bytes for FastWARC."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes; none at the end."""
        ...

    def tell(self) -> int:
        """Return how many bytes have been read."""
        ...


def read_pages(
    stream: Readable, owners: Mapping[str, str], *, max_bytes: int, url: str
) -> Iterator[tuple[str, Crawled]]:
    """Yield the HTML pages of the hosts in `owners` (canonical host → any name), each with its host's name.

    `fetched_at` is when the page was crawled. A page larger than `max_bytes` is left out. `url` names in errors
    the file that was read. Raises ItemError when the file is cut or broken, after the pages before that.
    """
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    known: dict[str, str | None] = {}
    try:
        for record in ArchiveIterator(cast(BinaryIO, stream), record_types=WarcRecordType.response, parse_http=False):
            uri = record.headers.get("WARC-Target-URI")
            owner = _owner(uri, owners, known) if uri else None
            stated = record.content_length
            if not uri or owner is None or stated > max_bytes + MAX_HEADERS:
                if not uri or record.reader.consume() < stated:  # FastWARC ends quietly where a file is cut
                    raise _broken(url, "cut short")
                continue
            record.freeze()
            if record.content_length < stated:
                raise _broken(url, "cut short")
            page = _page(record, uri.strip("<>"), max_bytes)
            if page is not None:
                yield owner, page
    except OSError as exc:  # FastWARC's error for bytes that it cannot unpack or parse
        raise _broken(url, str(exc)) from exc


def _owner(uri: str, owners: Mapping[str, str], known: dict[str, str | None]) -> str | None:
    match = _HOST.match(uri)
    if match is None:
        return None
    host = match[1]
    if host not in known:
        try:
            known[host] = owners.get(canonical_host(host))
        except ValueError:
            known[host] = None
    return known[host]


def _page(record: Any, uri: str, max_bytes: int) -> Crawled | None:
    try:
        record.parse_http(auto_decode="none")  # FastWARC believes the headers, and ends where they are wrong
    except OSError:  # headers that are none: this page's fault, not the file's
        return None
    headers = record.http_headers
    kind = (record.http_content_type or "").lower()
    if headers is None or headers.status_code != 200 or kind not in HTML_TYPES or record.record_date is None:
        return None
    crawled_at = record.record_date.astimezone(UTC)
    raw: bytes | None = record.reader.read()
    transfer = headers.get("Transfer-Encoding") or ""
    if raw and "chunked" in transfer.lower():
        raw = _without_chunks(raw)
    if raw is None:
        return CutPage(uri, crawled_at)
    stated = headers.get("Content-Length") or headers.get("X-Crawler-Content-Length") or ""
    if record.headers.get("WARC-Truncated") or _is_cut(raw, stated):
        return CutPage(uri, crawled_at)
    try:
        body = _decoded(raw, f"{headers.get('Content-Encoding') or ''},{transfer}", max_bytes)
    except TooLarge:
        return None
    except BrokenEncoding:
        return CutPage(uri, crawled_at)
    return Page(uri, body, record.http_charset, crawled_at)


def _without_chunks(raw: bytes) -> bytes | None:
    """Return the body without its chunks (RFC 9112, 7.1), as it is where it has none; None where the last are missing.

    Some crawlers have put the chunks together and left the header. A line with a length alone may be a text's own:
    what stands where the chunk would end tells.
    """
    pieces: list[bytes] = []
    position = 0
    while head := _CHUNK.match(raw, position):
        length = int(head[1], 16)
        if not length:
            return b"".join(pieces)
        pieces.append(raw[head.end() : head.end() + length])
        position = head.end() + length
        if position < len(raw) and raw[position : position + 1] not in (b"\r", b"\n"):
            break
        position += 2 if raw.startswith(b"\r\n", position) else 1
    return None if len(pieces) > 1 or (pieces and position >= len(raw)) else raw


def _is_cut(raw: bytes, stated: str) -> bool:
    """Say whether the end of a page is missing: fewer bytes than its server stated, or it ends at a crawler's limit.

    `stated` may be the length of another encoding, which is shorter than the page and says nothing.
    """
    if stated.isdecimal() and len(stated) < 12 and len(raw) < int(stated):
        return True
    is_encoded = not raw[:TAIL].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    return not is_encoded and bool(raw) and len(raw) % LIMITS == 0 and _END.search(raw[-TAIL:]) is None


def _decoded(raw: bytes, encoding: str, max_bytes: int) -> bytes:
    """Return the body without its encoding; some crawlers have taken that off and left the header.

    Raises TooLarge, and BrokenEncoding for an encoded body whose end is missing.
    """
    try:
        body = Body(encoding, max_bytes)
        body.add(raw)
        return body.finish()
    except BrokenEncoding:
        if raw.startswith(_ENCODED) or ("br" in re.split(r"[,\s]+", encoding.lower()) and b"<" not in raw[:TAIL]):
            raise
        if len(raw) > max_bytes:
            raise TooLarge(f"more than {max_bytes} bytes") from None
        return raw


def _broken(url: str, detail: str) -> ItemError:
    return ItemError(Outcome.FAILED, "broken WARC", url=url, detail=detail)


# --- From a download --------------------------------------------------------------------------------------------


async def stream_pages(
    chunks: AsyncIterator[bytes], owners: Mapping[str, str], *, max_bytes: int, url: str
) -> AsyncGenerator[tuple[str, Crawled], None]:
    """Yield pages as `read_pages` does, from chunks that are still to come. Errors of `chunks` are passed on."""
    loop = asyncio.get_running_loop()
    inbox: asyncio.Queue[bytes | Exception] = asyncio.Queue(CHUNKS_AHEAD)
    stopped = False

    async def pump() -> None:
        try:
            async for chunk in chunks:
                await inbox.put(chunk)
            await inbox.put(b"")
        except Exception as error:  # whatever it is, it is raised where the chunks are read
            await inbox.put(error)

    def take() -> bytes:
        item = b"" if stopped else asyncio.run_coroutine_threadsafe(inbox.get(), loop).result()
        if isinstance(item, Exception):
            raise item
        return item

    pumping = asyncio.create_task(pump())
    pages = read_pages(_Pipe(take), owners, max_bytes=max_bytes, url=url)
    reading: asyncio.Future[tuple[str, Crawled] | None] | None = None
    try:
        while True:
            reading = asyncio.ensure_future(asyncio.to_thread(next, pages, None))
            found = await asyncio.shield(reading)
            if found is None:
                return
            yield found
    finally:
        stopped = True
        pumping.cancel()
        with suppress(asyncio.CancelledError):
            await pumping
        if reading is not None and not reading.done():  # left early: the thread may still wait for a chunk
            while not inbox.empty():
                inbox.get_nowait()
            inbox.put_nowait(b"")
            with suppress(ItemError):
                await reading


class _Pipe:
    """A file to read the chunks from."""

    def __init__(self, take: Callable[[], bytes]) -> None:
        self._take = take
        self._rest = memoryview(b"")
        self._position = 0

    def read(self, size: int = -1, /) -> bytes:
        while not self._rest:
            chunk = self._take()
            if not chunk:
                return b""
            self._rest = memoryview(chunk)
        piece = self._rest[: size if size >= 0 else None]
        self._rest = self._rest[len(piece) :]
        self._position += len(piece)
        return bytes(piece)

    def tell(self) -> int:
        return self._position
