"""The one HTTP client through which every request goes.

One request, one result: a `Response`, None for "not modified" (RFC 9110, section 13), or an ItemError whose
outcome says whether to come back. One request at a time per host and a gap between two of them; the decoded
size, the time without an answer and the total time are bounded; every redirect is a request like any other.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import httpx

from config.settings import Network
from extractors.addresses import GuardedBackend, HostNotFound, UnsafeAddress, parse_networks
from extractors.records import ItemError, Outcome, Page

MAX_REDIRECTS = 10
REDIRECTS = (301, 302, 303, 307, 308)
TOTAL_TIMEOUT_FACTOR = 4  # a server may be slow, but one answer takes at most this many read timeouts
MAX_RETRY_AFTER = timedelta(days=1)
KEEPALIVE_S = 30.0
ACCEPT_FEED = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"
ACCEPT_PAGE = "text/html, application/xhtml+xml, */*;q=0.5"
# Without brotli and zstd, of which a kilobyte may unpack to a gigabyte before its size can be measured; what arrives
# of gzip at once (64 kB) unpacks to 64 MB at most. Servers that send the others unasked, or several, are refused.
ACCEPT_ENCODING = "gzip, deflate"
CODED = frozenset({"gzip", "deflate", "br", "zstd"})  # what httpx unpacks by itself
FINAL = {
    401: Outcome.REFUSED,
    402: Outcome.PAYWALLED,
    403: Outcome.REFUSED,
    404: Outcome.GONE,
    410: Outcome.GONE,
    451: Outcome.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Response:
    """A successful answer: `body` is decoded from its transfer and content encodings, `charset` from the header."""

    url: str  # after redirects
    body: bytes
    charset: str | None
    content_type: str | None
    etag: str | None
    last_modified: str | None
    fetched_at: datetime

    def page(self) -> Page:
        """The answer as what extraction takes."""
        return Page(self.url, self.body, self.charset, self.fetched_at)


class _Host:
    """One host's queue: who holds `lock` may send, not before the loop's clock shows `free_at`."""

    __slots__ = ("free_at", "lock")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.free_at = 0.0


class Client:
    """Use as `async with Client(settings.network) as client`; safe to share between tasks of one event loop."""

    def __init__(self, network: Network, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._network = network
        self._now = now
        self._hosts: dict[str, _Host] = {}
        self._slots = asyncio.Semaphore(network.concurrency)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._http = await self._stack.enter_async_context(_httpx_client(self._network))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def fetch(
        self, url: str, *, accept: str = ACCEPT_PAGE, etag: str | None = None, last_modified: str | None = None
    ) -> Response | None:
        """The answer at `url`, or None when it is unchanged since `etag` / `last_modified`. Raises ItemError."""
        headers = {"Accept": accept}
        if etag:
            headers["If-None-Match"] = etag
        if last_modified:
            headers["If-Modified-Since"] = last_modified
        target = url
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._polite_get(target, headers, asked=url)
            if not isinstance(answer, str):
                return answer
            target = answer
        raise ItemError(Outcome.FAILED, "too many redirects", url=url)

    async def _polite_get(self, url: str, headers: dict[str, str], *, asked: str) -> Response | str | None:
        """One request, when it is the host's turn. A str is the address that the host redirects to."""
        try:
            parts = httpx.URL(url)
        except (httpx.InvalidURL, UnicodeError) as exc:
            raise ItemError(Outcome.FAILED, "invalid address", url=asked, detail=str(exc)) from exc
        if parts.scheme not in ("http", "https") or not parts.host:
            raise ItemError(Outcome.UNSAFE_ADDRESS, "not http or https", url=asked, detail=url[:200])
        host = self._hosts.setdefault(parts.netloc.decode("ascii").lower(), _Host())
        loop = asyncio.get_running_loop()
        async with host.lock:
            if (wait := host.free_at - loop.time()) > 0:
                await asyncio.sleep(wait)
            async with self._slots:
                try:
                    async with asyncio.timeout(self._network.timeout * TOTAL_TIMEOUT_FACTOR):
                        return await self._get(parts, headers, asked)
                except TimeoutError as exc:
                    raise ItemError(Outcome.FAILED, "too slow", url=asked, detail="total time limit") from exc
                except UnsafeAddress as exc:
                    raise ItemError(Outcome.UNSAFE_ADDRESS, "not a public address", url=asked, detail=str(exc)) from exc
                except HostNotFound as exc:
                    raise ItemError(Outcome.FAILED, "host not found", url=asked, detail=str(exc)) from exc
                except (httpx.TransportError, httpx.DecodingError) as exc:
                    raise ItemError(Outcome.FAILED, _transport_reason(exc), url=asked, detail=str(exc)) from exc
                finally:
                    # After the answer, not after the question: a gap the server would measure too.
                    host.free_at = loop.time() + self._network.per_host_interval

    async def _get(self, url: httpx.URL, headers: dict[str, str], asked: str) -> Response | str | None:
        async with self._http.stream("GET", url, headers=headers) as response:
            if response.status_code == 304:
                return None
            if response.status_code in REDIRECTS and "location" in response.headers:
                return _join(url, response.headers["location"], asked)
            if response.status_code != 200:
                raise self._refusal(response, asked)
            coded = [c for c in map(str.lower, response.headers.get_list("content-encoding", True)) if c in CODED]
            if coded and ", ".join(coded) not in ("gzip", "deflate"):
                detail = ", ".join(coded)[:100]
                raise ItemError(Outcome.FAILED, "unwanted content encoding", url=asked, detail=detail)
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._network.max_bytes:
                    limit = f"more than {self._network.max_bytes} bytes"
                    raise ItemError(Outcome.TOO_LARGE, "too large", url=asked, detail=limit)
            return Response(
                url=str(response.url),
                body=bytes(body),
                charset=response.charset_encoding,
                content_type=response.headers.get("content-type"),
                etag=response.headers.get("etag"),
                last_modified=response.headers.get("last-modified"),
                fetched_at=self._now(),
            )

    def _refusal(self, response: httpx.Response, asked: str) -> ItemError:
        status = response.status_code
        return ItemError(
            FINAL.get(status, Outcome.FAILED),
            f"http {status}",
            url=asked,
            retry_after=parse_retry_after(response.headers.get("retry-after"), now=self._now()),
        )


def parse_retry_after(value: str | None, *, now: datetime) -> datetime | None:
    """The moment that a Retry-After header names (RFC 9110, 10.2.3: seconds or a date), at most a day from `now`."""
    if not value:
        return None
    if re.fullmatch(r"\d{1,9}", value.strip()):
        return now + min(timedelta(seconds=int(value)), MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(moment, now), now + MAX_RETRY_AFTER)


def _join(url: httpx.URL, location: str, asked: str) -> str:
    try:
        return str(url.join(location))
    except (httpx.InvalidURL, UnicodeError) as exc:
        raise ItemError(Outcome.FAILED, "invalid redirect", url=asked, detail=location[:200]) from exc


def _transport_reason(exc: httpx.TransportError | httpx.DecodingError) -> str:
    """A stable phrase for a class of failures: reports count by it, so it holds no address and no number."""
    text = str(exc).lower()
    if isinstance(exc, httpx.TimeoutException):
        return "timeout"
    if "certificate" in text or "ssl" in text or "tls" in text:
        return "tls error"
    if isinstance(exc, httpx.ConnectError):
        return "connection refused"
    if isinstance(exc, httpx.DecodingError):
        return "broken content encoding"
    return "connection broken"


class _PerHost(httpx.AsyncBaseTransport):
    """A connection pool for each host, as no host ever has more than one request under way.

    One pool for all would look through all its connections, twice over, at each request: with 150 hosts that costs
    more than the request itself (httpcore 1.0, `_assign_requests_to_connections`).
    """

    def __init__(self, network: Network) -> None:
        self._backend = GuardedBackend(parse_networks(network.allow_networks))
        self._tls = httpx.create_ssl_context(trust_env=False)
        self._limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEPALIVE_S)
        self._pools: dict[bytes, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        origin = request.url.raw_scheme + request.url.netloc
        pool = self._pools.get(origin)
        if pool is None:
            pool = httpx.AsyncHTTPTransport(verify=self._tls, http2=True, limits=self._limits, trust_env=False)
            # httpx has no argument for the network backend; httpcore's pool has, and reads it at each connection.
            pool._pool._network_backend = self._backend
            self._pools[origin] = pool
        return await pool.handle_async_request(request)

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()


def _httpx_client(network: Network) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=_PerHost(network),
        headers={"User-Agent": network.user_agent, "Accept-Encoding": ACCEPT_ENCODING},
        timeout=httpx.Timeout(network.timeout),
        follow_redirects=False,
        trust_env=False,  # a proxy would connect in our place, past the address check
    )
