"""Kept pages as records of WARC 1.1, each compressed by itself: the answer, then the request that it answers.

The answer is stored decoded, so its headers about encodings get the prefix that crawlers use for them (X-Crawler-).
Any WARC tool reads the files: https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import uuid
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from config.settings import VERSION
from extractors.records import Envelope, Page
from storage.errors import StorageError

SUFFIX = ".warc.gz"
LEVEL = 6  # of compression: 9 takes twice as long for a hundredth less
ENCODINGS = ("content-encoding", "transfer-encoding", "content-length")
_COMMENT = 0x10  # the flag of a comment in the header of gzip (RFC 1952), which pads a record to a given length


@dataclass(frozen=True, slots=True)
class KeptPage:
    """A page as it was kept. `sound` says whether its bytes are those that were kept."""

    page: Page
    digest: str
    sound: bool


def file_begin(name: str, now: datetime) -> bytes:
    """Return the record that begins a file: what wrote it."""
    fields = {"software": f"c5watch/{VERSION}", "format": "WARC File Format 1.1", "conformsTo": SPECIFICATION}
    content = "".join(f"{key}: {value}\r\n" for key, value in fields.items())
    headers = {"WARC-Filename": name, "Content-Type": "application/warc-fields"}
    return _record("warcinfo", headers, content.encode(), now)


SPECIFICATION = "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"


def page_records(page: Page) -> bytes:
    """Return the two records of a page: its answer, and the request, as far as known."""
    envelope = page.envelope or _plain(page)
    answer, asked = _urn(), _urn()
    sent = [(name, value) for name, value in envelope.received if name.lower() not in ENCODINGS]
    coded = [(f"X-Crawler-{name}", value) for name, value in envelope.received if name.lower() in ENCODINGS]
    head = _head(envelope.status, [*sent, *coded, ("Content-Length", str(len(page.body)))])
    about = {"WARC-Target-URI": page.url}
    digest = {"WARC-Payload-Digest": _digest(page.body)}
    response = _record("response", {**about, **digest}, head + page.body, page.fetched_at, urn=answer)
    parts = urlsplit(page.url)
    target = f"GET {parts.path or '/'}{'?' + parts.query if parts.query else ''} HTTP/1.1"
    named = envelope.sent or (("Host", parts.netloc),)
    concurrent = {**about, "WARC-Concurrent-To": f"<urn:{answer}>"}
    return response + _record("request", concurrent, _head(target, named), page.fetched_at, urn=asked)


def page_in(records: bytes, place: str) -> KeptPage:
    """Return the page whose records these are. Raises StorageError, which names the `place`, if there is none."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    try:
        found = next(iter(ArchiveIterator(io.BytesIO(records), record_types=WarcRecordType.response)), None)
        if found is None:
            raise StorageError(f"{place}: no page is here: it was taken back, or the file was changed")
        headers, body = found.headers, found.reader.read()
    except OSError as error:
        raise StorageError(f"{place}: not to be read ({error}): restore the file from a copy") from error
    received = tuple((name, value) for name, value in found.http_headers)
    envelope = Envelope(found.http_headers.status_line or "", received)
    fetched_at = found.record_date.astimezone(UTC)
    digest = headers.get("WARC-Payload-Digest") or ""
    page = Page(headers["WARC-Target-URI"].strip("<>"), body, found.http_charset, fetched_at, envelope)
    return KeptPage(page, digest, digest == _digest(body))


def gravestone(length: int, now: datetime) -> bytes:
    """Return a record of exactly `length` bytes in place of a page that was taken back: later offsets stay true."""
    headers = {"Content-Type": "text/plain"}
    plain = gzip.decompress(_record("metadata", headers, b"taken back\r\n", now))
    packed = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    content = packed.compress(plain) + packed.flush()
    head = struct.pack("<BBBBIBB", 0x1F, 0x8B, 8, _COMMENT, 0, 0, 255)
    tail = struct.pack("<II", zlib.crc32(plain), len(plain))
    padding = length - len(head) - len(content) - len(tail) - 1
    return head + b" " * padding + b"\0" + content + tail


def _record(kind: str, headers: dict[str, str], content: bytes, at: datetime, *, urn: str | None = None) -> bytes:
    from fastwarc.stream_io import GzipWriter
    from fastwarc.warc import WarcRecord, WarcRecordType

    record = WarcRecord()
    record.init_headers(record_type=getattr(WarcRecordType, kind), record_urn=(urn or _urn()).encode())
    record.record_date = at
    record.is_http = kind in ("request", "response")
    for name, value in headers.items():
        record.headers[name] = value
    record.set_bytes_content(content)
    target = io.BytesIO()
    writer = GzipWriter(target, compression_level=LEVEL)
    record.write(writer, checksum_data=True)
    writer.finish()
    return target.getvalue()


def _head(first: str, fields: Iterable[tuple[str, str]]) -> bytes:
    lines = [first, *(f"{name}: {' '.join(value.split())}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace")


def _plain(page: Page) -> Envelope:
    charset = f"; charset={page.charset}" if page.charset else ""
    fields: Sequence[tuple[str, str]] = [("Content-Type", f"text/html{charset}")]
    return Envelope("HTTP/1.1 200 OK", tuple(fields))


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _urn() -> str:
    return f"uuid:{uuid.uuid4()}"
