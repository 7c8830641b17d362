"""One host on loopback: an HTTP/1.1 server that answers from a table and notes every request."""

from __future__ import annotations

import gzip
import hashlib
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit


@dataclass(frozen=True, slots=True)
class Hit:
    """One request that a host answered."""

    at: float
    host: str
    method: str
    path: str
    status: int
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer: what a path serves, before the headers of a request make it a 304 or compress it."""

    status: int
    content_type: str
    body: bytes
    modified: datetime | None = None


class HostServer(ThreadingHTTPServer):
    """One host. It remembers its open connections, since a kept-alive one would go on being answered after stop."""

    daemon_threads = True
    answers: dict[str, Answer]
    missing: Answer
    host: str
    hits: list[Hit]
    delay: float

    def __init__(self, address: tuple[str, int]) -> None:
        """Bind at once, so that the caller can try another port when this one is taken."""
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without the reverse name lookup of the parent class, which may take seconds for such addresses."""
        socket.socket.bind(self.socket, self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection before its thread starts."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection when its thread is done with it."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up early is usual, and a traceback would only blur the test output."""

    def close(self) -> None:
        """Stop listening and cut the connections that are still open."""
        self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):  # The client may have hung up first.
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """Answers from the table of the host. Output is buffered, so that a whole answer leaves in one segment."""

    server: HostServer
    protocol_version = "HTTP/1.1"
    server_version = "nginx"
    sys_version = ""
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = 60

    def do_GET(self) -> None:
        """Answer with the headers and the body."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer with the headers only."""
        self._answer(with_body=False)

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing to standard error: the hits are the log."""

    def _answer(self, with_body: bool) -> None:
        answer = self._find()
        if self.server.delay:
            time.sleep(self.server.delay)
        body, encoding = answer.body, ""
        if len(body) > 200 and "gzip" in self.headers.get("Accept-Encoding", ""):
            body, encoding = gzip.compress(body, mtime=0), "gzip"
        # The tag is made of the bytes that are sent: a strong tag must tell the compressed form from the plain one.
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        status = 304 if answer.status == 200 and self._unchanged(tag, answer.modified) else answer.status
        self.send_response(status)
        self.send_header("ETag", tag)
        self.send_header("Vary", "Accept-Encoding")
        if answer.modified:
            self.send_header("Last-Modified", format_datetime(answer.modified.astimezone(UTC), usegmt=True))
        if status != 304:
            self.send_header("Content-Type", answer.content_type)
            if encoding:
                self.send_header("Content-Encoding", encoding)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        # Before the bytes leave: a test that has its answer must find the hit in the list.
        # Appending to a list is atomic in Python, so no lock is needed.
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.hits.append(Hit(time.monotonic(), self.server.host, self.command, self.path, status, headers))
        if with_body and status != 304:
            self.wfile.write(body)

    def _find(self) -> Answer:
        """Look the address up without its tracking parameters, as real sites ignore them."""
        parts = urlsplit(self.path)
        query = [pair for pair in parse_qsl(parts.query) if not pair[0].startswith("utm_")]
        full = f"{parts.path}?{urlencode(query)}" if query else parts.path
        table = self.server.answers
        return table.get(full) or table.get(parts.path) or self.server.missing

    def _unchanged(self, tag: str, modified: datetime | None) -> bool:
        """Compare with what the client has; a tag, when sent, overrules the date (RFC 9110, 13.1.3)."""
        if known := self.headers.get("If-None-Match"):
            return tag in known or known.strip() == "*"
        since = self.headers.get("If-Modified-Since")
        if not since or modified is None:
            return False
        try:
            return parsedate_to_datetime(since) >= modified.replace(microsecond=0)
        except (TypeError, ValueError):
            return False
