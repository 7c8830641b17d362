"""The one HTTP client through which every request goes.

One request, one result: a `Response`, None for "not modified" (RFC 9110, section 13), or an error that says whether
to come back. A host is asked one thing at a time, with a gap; its robots.txt and its Retry-After are kept; what it
sends is bounded in size and time; every redirect is a request like any other.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import httpx

from config.settings import Network
from extractors.addresses import HostNotFound, UnsafeAddress
from extractors.decoding import Body, BrokenEncoding, TooLarge
from extractors.hosts import HostState, answered, slowed
from extractors.records import Deferred, ItemError, Outcome, Page
from extractors.retry_after import parse_retry_after
from extractors.robots import MAX_BYTES as ROBOTS_MAX_BYTES
from extractors.robots import RobotsFile, decode_robots
from extractors.text import clean_line
from extractors.transport import open_httpx, transport_reason

MAX_REDIRECTS = 10
REDIRECTS = (301, 302, 303, 307, 308)
TOTAL_TIMEOUT_FACTOR = 4  # a server may be slow, but one answer takes at most this many read timeouts
MAX_WAIT_S = 60.0  # for a host that asked for a pause; beyond, its entries are left to a later pass
MAX_DETAIL = 300  # characters
QUICK_RETRY_S = 30.0  # a Retry-After up to this is waited for within the pass
ACCEPT_FEED = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"
ACCEPT_PAGE = "text/html, application/xhtml+xml, */*;q=0.5"
FINAL = {
    401: Outcome.REFUSED,
    402: Outcome.PAYWALLED,
    403: Outcome.REFUSED,
    404: Outcome.GONE,
    410: Outcome.GONE,
    451: Outcome.REFUSED,
}
PASSING = (408, 429, 500, 502, 503, 504)  # may be over in a moment
OVERLOADED = (429, 503)
DRAIN_BYTES, DRAIN_S = 64 * 1024, 1.0
VALIDATORS = ("If-None-Match", "If-Modified-Since")


@dataclass(frozen=True, slots=True)
class Response:
    """A successful answer: `body` is decoded from its transfer and content encodings, `charset` from the header."""

    url: str  # after redirects
    body: bytes
    charset: str | None
    content_type: str | None
    etag: str | None
    last_modified: str | None
    cache_control: str | None
    fetched_at: datetime

    def page(self) -> Page:
        """The answer as what extraction takes."""
        return Page(self.url, self.body, self.charset, self.fetched_at)


class _Failure(ItemError):
    """An ItemError on its way out of one request: with the HTTP status, and whether a moment may mend it."""

    status: int | None = None
    passing: bool = False


class _Queue:
    """One host's queue: who holds `turn` may send, once the gap since `ended_at` (the loop's clock) is over."""

    __slots__ = ("changed", "ended_at", "robots_turn", "state", "turn")

    def __init__(self, state: HostState) -> None:
        self.state = state
        self.changed = False
        self.turn = asyncio.Lock()
        self.robots_turn = asyncio.Lock()
        self.ended_at = -math.inf

    def remember(self, state: HostState) -> None:
        self.changed = self.changed or state != self.state
        self.state = state


class Client:
    """Use as `async with Client(settings.network) as client`; safe to share between tasks of one event loop.

    `hosts` is what earlier passes learnt of hosts; `take_changed_hosts` gives what this one has.
    """

    def __init__(
        self,
        network: Network,
        *,
        hosts: Iterable[HostState] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._network = network
        self._now = now
        self._queues = {state.host: _Queue(state) for state in hosts}
        self._slots = asyncio.Semaphore(network.concurrency)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._http = await self._stack.enter_async_context(open_httpx(self._network))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def take_changed_hosts(self) -> list[HostState]:
        """What has been learnt of hosts since the last call: to be kept for the next pass."""
        changed = [queue for queue in self._queues.values() if queue.changed]
        for queue in changed:
            queue.changed = False
        return [queue.state for queue in changed]

    async def fetch(
        self, url: str, *, accept: str = ACCEPT_PAGE, etag: str | None = None, last_modified: str | None = None
    ) -> Response | None:
        """The answer at `url`, or None when it is unchanged since `etag` / `last_modified`.

        Raises ItemError; Deferred when the host wants to be left alone for longer than a pass should wait.
        """
        headers = {"Accept": accept}
        if etag and _is_field_value(etag):
            headers["If-None-Match"] = etag
        if last_modified and _is_field_value(last_modified):
            headers["If-Modified-Since"] = last_modified
        target = _parsed(url, asked=url)
        for _ in range(MAX_REDIRECTS + 1):
            await self._check_robots(target, asked=url)
            answer = await self._request(target, headers, asked=url)
            if not isinstance(answer, httpx.URL):
                return answer
            target = answer
        raise ItemError(Outcome.FAILED, "too many redirects", url=url)

    async def _check_robots(self, url: httpx.URL, *, asked: str) -> None:
        queue = self._queue(url)
        async with queue.robots_turn:
            robots = queue.state.robots
            if robots is None or not robots.is_fresh(self._now()):
                robots = await self._fetch_robots(url, robots, asked=asked)
                queue.remember(replace(queue.state, robots=robots))
        if not robots.allows(str(url), self._network.user_agent):
            detail = f"{url.host}/robots.txt forbids {url.raw_path.decode('ascii')[:200]}"
            raise ItemError(Outcome.ROBOTS, "robots.txt", url=asked, detail=detail)

    async def _fetch_robots(self, url: httpx.URL, known: RobotsFile | None, *, asked: str) -> RobotsFile:
        target = url.copy_with(raw_path=b"/robots.txt", fragment=None)
        try:
            for _ in range(MAX_REDIRECTS + 1):
                answer = await self._request(target, {"Accept": "text/plain, */*;q=0.5"}, asked=asked, robots=True)
                if isinstance(answer, Response):
                    return RobotsFile(decode_robots(answer.body), self._now())
                if answer is None:
                    break
                target = answer
        except ItemError as error:
            status = error.status if isinstance(error, _Failure) else None
            if status is not None and 400 <= status < 500 and status not in PASSING:
                return RobotsFile("", self._now())  # RFC 9309, 2.3.1.3: unavailable, so there are no rules
            if known is not None and known.is_usable(self._now()):
                return known
            own_address = isinstance(error.__cause__, UnsafeAddress) and target.netloc == url.netloc
            if status is None and (isinstance(error, _Failure) or own_address):
                raise  # it would be the same for the page
            # A status, or a redirect to where nobody may go: that is no word on the page, which may be had another day.
            reason = f"robots.txt: {error.reason}"
            raise ItemError(Outcome.FAILED, reason, url=asked, detail=error.detail) from error
        return RobotsFile("", self._now())  # led in circles: RFC 9309, 2.3.1.2 lets us take it as unavailable

    async def _request(
        self, url: httpx.URL, headers: dict[str, str], *, asked: str, robots: bool = False
    ) -> Response | httpx.URL | None:
        """One answer, with few retries for what a moment may mend. A URL is where the host redirects to."""
        for delay in (*self._network.retry_delays, None):
            try:
                return await self._turn(url, headers, asked=asked, robots=robots)
            except _Failure as error:
                wait_s = (error.retry_after - self._now()).total_seconds() if error.retry_after else 0.0
                if delay is None or not error.passing or wait_s > QUICK_RETRY_S:
                    raise
                await asyncio.sleep(max(wait_s, delay * random.uniform(0.5, 1.5)))
        raise AssertionError("unreachable: the last round returns or raises")

    async def _turn(
        self, url: httpx.URL, headers: dict[str, str], *, asked: str, robots: bool
    ) -> Response | httpx.URL | None:
        """One request, when it is the host's turn."""
        queue = self._queue(url)
        loop = asyncio.get_running_loop()
        async with queue.turn:
            if (pause := queue.state.not_before) is not None and pause > self._now():
                wait_s = (pause - self._now()).total_seconds()
                if wait_s > MAX_WAIT_S:
                    raise Deferred(asked, pause)
                await asyncio.sleep(wait_s)
            if (wait_s := queue.ended_at + self._gap_s(queue.state) - loop.time()) > 0:
                await asyncio.sleep(wait_s)
            async with self._slots:
                try:
                    async with asyncio.timeout(self._network.timeout * TOTAL_TIMEOUT_FACTOR):
                        return await self._get(queue, url, headers, asked=asked, robots=robots)
                except TimeoutError as exc:
                    raise _failure("too slow", asked, detail="total time limit") from exc
                except UnsafeAddress as exc:
                    raise ItemError(Outcome.UNSAFE_ADDRESS, "not a public address", url=asked, detail=str(exc)) from exc
                except HostNotFound as exc:
                    raise _failure("host not found", asked, detail=str(exc)) from exc
                except (
                    httpx.InvalidURL,
                    UnicodeError,
                ) as exc:  # httpx reads a redirect's Location, though it does not follow it
                    raise _failure("invalid redirect", asked, detail=str(exc)) from exc
                except httpx.TransportError as exc:
                    quick = not isinstance(exc, httpx.TimeoutException)
                    raise _failure(transport_reason(exc), asked, detail=str(exc), passing=quick) from exc
                except BrokenEncoding as exc:
                    raise _failure("broken content encoding", asked, detail=str(exc), passing=True) from exc
                finally:
                    # After the answer, not after the question: a gap the server would measure too.
                    queue.ended_at = loop.time()

    async def _get(
        self, queue: _Queue, url: httpx.URL, headers: dict[str, str], *, asked: str, robots: bool
    ) -> Response | httpx.URL | None:
        async with self._http.stream("GET", url, headers=headers) as response:
            status = response.status_code
            if status in OVERLOADED:
                until = parse_retry_after(response.headers.get("retry-after"), now=self._now())
                queue.remember(slowed(queue.state, usual_s=self._network.per_host_interval, not_before=until))
            else:
                queue.remember(answered(queue.state, usual_s=self._network.per_host_interval))
            if status not in (200, 203):
                await _drain(response)
            if status == 304 and not headers.keys().isdisjoint(VALIDATORS):
                return None
            if status in REDIRECTS and "location" in response.headers:
                return _joined(url, response.headers["location"], asked=asked)
            if status not in (200, 203):
                raise self._refusal(response, asked)
            return Response(
                url=str(response.url),
                body=await self._body(response, asked, robots=robots),
                charset=_charset(response),
                content_type=response.headers.get("content-type"),
                etag=response.headers.get("etag"),
                last_modified=response.headers.get("last-modified"),
                cache_control=response.headers.get("cache-control"),
                fetched_at=self._now(),
            )

    async def _body(self, response: httpx.Response, asked: str, *, robots: bool) -> bytes:
        """The decoded body; of a robots.txt, as much of it as counts."""
        body = Body(response.headers.get("content-encoding", ""), self._network.max_bytes)
        try:
            async for chunk in response.aiter_raw():
                body.add(chunk)
                if robots and body.size >= ROBOTS_MAX_BYTES:
                    return body.so_far()
        except TooLarge as exc:
            if robots:
                return body.so_far()
            raise ItemError(Outcome.TOO_LARGE, "too large", url=asked, detail=str(exc)) from exc
        return body.finish()

    def _refusal(self, response: httpx.Response, asked: str) -> _Failure:
        status = response.status_code
        error = _failure(f"http {status}", asked, passing=status in PASSING)
        error.outcome = FINAL.get(status, Outcome.FAILED)
        error.status = status
        error.retry_after = parse_retry_after(response.headers.get("retry-after"), now=self._now())
        return error

    def _gap_s(self, state: HostState) -> float:
        delay_s = state.robots.crawl_delay_s(self._network.user_agent) if state.robots else 0.0
        return max(self._network.per_host_interval, state.interval_s, delay_s)

    def _queue(self, url: httpx.URL) -> _Queue:
        host = url.netloc.decode("ascii").lower()
        if host not in self._queues:
            self._queues[host] = _Queue(HostState(host))
        return self._queues[host]


async def _drain(response: httpx.Response) -> None:
    """Read a body that nobody wants, if it is short and quick: else the connection must be closed and made anew."""
    size = 0
    try:
        async with asyncio.timeout(DRAIN_S):
            async for chunk in response.aiter_raw():
                size += len(chunk)
                if size > DRAIN_BYTES:
                    return
    except (TimeoutError, httpx.TransportError):
        return


def _failure(reason: str, asked: str, *, detail: str = "", passing: bool = False) -> _Failure:
    # What a library says may quote the server: any characters, and any number of them.
    error = _Failure(Outcome.FAILED, reason, url=asked, detail=clean_line(detail[:MAX_DETAIL]))
    error.passing = passing
    return error


def _parsed(url: str, *, asked: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
        host = parsed.host  # decoded from Punycode only now
    except (httpx.InvalidURL, UnicodeError) as exc:
        raise ItemError(Outcome.FAILED, "invalid address", url=asked, detail=clean_line(str(exc)[:MAX_DETAIL])) from exc
    if parsed.scheme not in ("http", "https") or not host:
        raise ItemError(Outcome.UNSAFE_ADDRESS, "not http or https", url=asked, detail=clean_line(url[:MAX_DETAIL]))
    if parsed.port is not None and not 0 < parsed.port < 65536:  # httpx lets any number pass, the socket raises
        raise ItemError(Outcome.FAILED, "invalid address", url=asked, detail=f"port {parsed.port}")
    return parsed.copy_with(username=None, password=None) if parsed.userinfo else parsed


def _joined(url: httpx.URL, location: str, *, asked: str) -> httpx.URL:
    try:
        return _parsed(str(url.join(location)), asked=asked)
    except (httpx.InvalidURL, UnicodeError) as exc:
        raise ItemError(
            Outcome.FAILED, "invalid redirect", url=asked, detail=clean_line(location[:MAX_DETAIL])
        ) from exc


def _charset(response: httpx.Response) -> str | None:
    try:
        return response.charset_encoding
    except ValueError:  # `charset*=%00''x` (RFC 2231): Python's mail parser looks up a codec with a NUL in its name
        return None


def _is_field_value(text: str) -> bool:
    """Whether a value that a server once sent may be sent back: some send bytes that no request can hold."""
    return text.isascii() and text.isprintable()
