"""The one HTTP client through which every request goes.

One request, one result: a `Response`, None for "not modified" (RFC 9110, section 13), or an error that says whether
to come back. A host is asked one thing at a time, with a gap; its robots.txt and its Retry-After are kept; what it
sends is bounded in size and time; every redirect is a request like any other.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import httpx

from config.settings import Network
from extractors.fetching.addresses import UnsafeAddress
from extractors.fetching.decoding import Body, TooLarge
from extractors.fetching.failures import Failure, failure, join_url, parse_url, translated
from extractors.fetching.hosts import HostState, Turns, Unwanted, answered, parse_retry_after, slowed
from extractors.fetching.robots import MAX_BYTES as ROBOTS_MAX_BYTES
from extractors.fetching.robots import RobotsFile, decode_robots
from extractors.fetching.transport import open_httpx
from extractors.records import Deferred, ItemError, Outcome, Page

MAX_REDIRECTS = 10
REDIRECTS = (301, 302, 303, 307, 308)
TOTAL_TIMEOUT_FACTOR = 4  # a server may be slow, but one answer takes at most this many read timeouts
MAX_WAIT_S = 60.0  # for a host that asked for a pause; beyond, its entries are left to a later pass
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
Wanted = Callable[[int], Awaitable[bool]]


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
    headers: Mapping[str, str] = field(default_factory=dict)  # all of them, under names in lower case

    def page(self) -> Page:
        """The answer as what extraction takes."""
        return Page(self.url, self.body, self.charset, self.fetched_at)


@dataclass(frozen=True, slots=True)
class _Limits:
    """What one answer may weigh, the least gap before the question, if it is a robots.txt, if it is still wanted."""

    max_bytes: int
    interval_s: float = 0.0
    robots: bool = False
    wanted: Wanted | None = None


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

    `hosts` is what earlier passes learnt of hosts; `take_changed_hosts` gives what this one has. With `turns` the
    requests of other programs are waited for as well.
    """

    def __init__(
        self,
        network: Network,
        *,
        hosts: Iterable[HostState] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        turns: Turns | None = None,
    ) -> None:
        self._network = network
        self._now = now
        self._turns = turns
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
        self,
        url: str,
        *,
        accept: str = ACCEPT_PAGE,
        etag: str | None = None,
        last_modified: str | None = None,
        max_bytes: int | None = None,
        interval_s: float = 0.0,
        wanted: Wanted | None = None,
    ) -> Response | None:
        """The answer at `url`, or None when it is unchanged since `etag` / `last_modified`.

        `max_bytes` is for what may be larger than a page, `interval_s` the gap to the host's last answer where it is
        known to want a longer one than others. `wanted` is asked when it is our turn, with `Turns.others`.
        Raises ItemError; Deferred when the host wants to be left alone for longer than a pass should wait; Unwanted.
        """
        headers = {"Accept": accept}
        limits = _Limits(max_bytes or self._network.max_bytes, interval_s, wanted=wanted)
        if etag and _is_field_value(etag):
            headers["If-None-Match"] = etag
        if last_modified and _is_field_value(last_modified):
            headers["If-Modified-Since"] = last_modified
        target = parse_url(url, asked=url)
        for _ in range(MAX_REDIRECTS + 1):
            await self._check_robots(target, asked=url)
            answer = await self._request(target, headers, asked=url, limits=limits)
            if not isinstance(answer, httpx.URL):
                return answer
            target, limits = answer, replace(limits, wanted=None)
        raise ItemError(Outcome.FAILED, "too many redirects", url=url)

    @property
    def max_bytes(self) -> int:
        """The most that one page may weigh."""
        return self._network.max_bytes

    async def stream(self, url: str) -> AsyncGenerator[bytes, None]:
        """The body at `url` piece by piece, as it comes over the wire, however long it is and takes.

        A broken connection is taken up where it broke off. It is the host's turn until the last piece, so close the
        iterator if you leave it early. Raises as `fetch` does.
        """
        position, failures = 0, 0
        while True:
            try:
                async for chunk in self._stream_from(position, url):
                    position, failures = position + len(chunk), 0
                    yield chunk
                return
            except Failure as error:
                failures += 1
                if not error.passing or failures > len(self._network.retry_delays):
                    raise
                await asyncio.sleep(self._pause_s(error, self._network.retry_delays[failures - 1]))

    async def _stream_from(self, position: int, url: str) -> AsyncIterator[bytes]:
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if position:
            headers["Range"] = f"bytes={position}-"  # RFC 9110, 14.2
        target = parse_url(url, asked=url)
        for _ in range(MAX_REDIRECTS + 1):
            await self._check_robots(target, asked=url)
            async with (
                self._its_turn(target, asked=url) as queue,
                self._http.stream("GET", target, headers=headers) as response,
            ):
                self._note(queue, response)
                if response.status_code in REDIRECTS and "location" in response.headers:
                    target = join_url(target, response.headers["location"], asked=url)
                    continue
                if response.status_code not in (200, 206):
                    raise self._refusal(response, url)
                known = position if response.status_code == 200 else 0  # it knows no ranges and begins anew
                async for chunk in response.aiter_raw():
                    if len(chunk) > known:
                        yield chunk[known:]
                    known = max(0, known - len(chunk))
                return
        raise ItemError(Outcome.FAILED, "too many redirects", url=url)

    async def robots(self, url: str) -> RobotsFile:
        """The robots.txt of the host of `url`; asked for unless a fresh copy is known. Raises as `fetch` does."""
        return await self._robots(parse_url(url, asked=url), asked=url)

    async def _check_robots(self, url: httpx.URL, *, asked: str) -> None:
        robots = await self._robots(url, asked=asked)
        if not robots.allows(str(url), self._network.user_agent):
            detail = f"{url.host}/robots.txt forbids {url.raw_path.decode('ascii')[:200]}"
            raise ItemError(Outcome.ROBOTS, "robots.txt", url=asked, detail=detail)

    async def _robots(self, url: httpx.URL, *, asked: str) -> RobotsFile:
        queue = self._queue(url)
        async with queue.robots_turn:
            robots = queue.state.robots
            if robots is None or not robots.is_fresh(self._now()):
                robots = await self._fetch_robots(url, robots, asked=asked)
                queue.remember(replace(queue.state, robots=robots))
            return robots

    async def _fetch_robots(self, url: httpx.URL, known: RobotsFile | None, *, asked: str) -> RobotsFile:
        target = url.copy_with(raw_path=b"/robots.txt", fragment=None)
        headers, limits = {"Accept": "text/plain, */*;q=0.5"}, _Limits(self._network.max_bytes, robots=True)
        try:
            for _ in range(MAX_REDIRECTS + 1):
                answer = await self._request(target, headers, asked=asked, limits=limits)
                if isinstance(answer, Response):
                    return RobotsFile(decode_robots(answer.body), self._now())
                if answer is None:
                    break
                target = answer
        except ItemError as error:
            status = error.status if isinstance(error, Failure) else None
            if status is not None and 400 <= status < 500 and status not in PASSING:
                return RobotsFile("", self._now())  # RFC 9309, 2.3.1.3: unavailable, so there are no rules
            if known is not None and known.is_usable(self._now()):
                return known
            own_address = isinstance(error.__cause__, UnsafeAddress) and target.netloc == url.netloc
            if status is None and (isinstance(error, Failure) or own_address):
                raise  # it would be the same for the page
            # A status, or a redirect to where nobody may go: that is no word on the page, which may be had another day.
            reason = f"robots.txt: {error.reason}"
            raise ItemError(Outcome.FAILED, reason, url=asked, detail=error.detail) from error
        return RobotsFile("", self._now())  # led in circles: RFC 9309, 2.3.1.2 lets us take it as unavailable

    async def _request(
        self, url: httpx.URL, headers: dict[str, str], *, asked: str, limits: _Limits
    ) -> Response | httpx.URL | None:
        """One answer, with few retries for what a moment may mend. A URL is where the host redirects to."""
        for delay in (*self._network.retry_delays, None):
            try:
                turn = self._its_turn(url, asked=asked, interval_s=limits.interval_s, wanted=limits.wanted)
                async with turn as queue:
                    async with asyncio.timeout(self._network.timeout * TOTAL_TIMEOUT_FACTOR):
                        return await self._get(queue, url, headers, asked=asked, limits=limits)
            except Failure as error:
                if delay is None or not error.passing:
                    raise
                await asyncio.sleep(self._pause_s(error, delay))
        raise AssertionError("unreachable: the last round returns or raises")

    def _pause_s(self, error: Failure, delay_s: float) -> float:
        """How long to wait before the next try; raises `error` when the host asked for more than a moment."""
        wait_s = (error.retry_after - self._now()).total_seconds() if error.retry_after else 0.0
        if wait_s > QUICK_RETRY_S:
            raise error
        return max(wait_s, delay_s * random.uniform(0.5, 1.5))

    @asynccontextmanager
    async def _its_turn(
        self, url: httpx.URL, *, asked: str, interval_s: float = 0.0, wanted: Wanted | None = None
    ) -> AsyncIterator[_Queue]:
        """Wait until it is the host's turn, and keep it for one request, whose errors become ours."""
        queue = self._queue(url)
        loop = asyncio.get_running_loop()
        async with queue.turn:
            if (pause := queue.state.not_before) is not None and pause > self._now():
                wait_s = (pause - self._now()).total_seconds()
                if wait_s > MAX_WAIT_S:
                    raise Deferred(asked, pause)
                await asyncio.sleep(wait_s)
            gap_s = max(self._gap_s(queue.state), interval_s)
            if (wait_s := queue.ended_at + gap_s - loop.time()) > 0:
                await asyncio.sleep(wait_s)
            turn = self._turn_among_programs(queue, asked=asked, interval_s=interval_s, wanted=wanted)
            async with turn, self._slots:
                try:
                    with translated(asked):
                        yield queue
                finally:
                    # After the answer, not after the question: a gap the server would measure too.
                    queue.ended_at = loop.time()

    @asynccontextmanager
    async def _turn_among_programs(
        self, queue: _Queue, *, asked: str, interval_s: float, wanted: Wanted | None
    ) -> AsyncIterator[None]:
        """Keep the host to ourselves; afterwards it is left alone, by everybody, for the gap that it wants."""
        if self._turns is None:
            yield
            return
        host = queue.state.host
        if wait_s := await self._turns.take(host, patience_s=MAX_WAIT_S):
            raise Deferred(asked, self._now() + timedelta(seconds=wait_s))
        is_asked = False
        try:
            if wanted is not None and not await wanted(self._turns.others(host)):
                raise Unwanted(asked)
            is_asked = True
            yield
        finally:
            pause_s = max(self._gap_s(queue.state), interval_s) if is_asked else 0.0
            await self._turns.give_back(host, pause_s=pause_s)

    async def _get(
        self, queue: _Queue, url: httpx.URL, headers: dict[str, str], *, asked: str, limits: _Limits
    ) -> Response | httpx.URL | None:
        async with self._http.stream("GET", url, headers=headers) as response:
            status = response.status_code
            self._note(queue, response)
            if status not in (200, 203):
                await _drain(response)
            if status == 304 and not headers.keys().isdisjoint(VALIDATORS):
                return None
            if status in REDIRECTS and "location" in response.headers:
                return join_url(url, response.headers["location"], asked=asked)
            if status not in (200, 203):
                raise self._refusal(response, asked)
            fields = dict(response.headers.items())  # looking one up in httpx's own reads them all
            return Response(
                url=str(response.url),
                body=await self._body(response, asked, limits),
                charset=_charset(response),
                content_type=fields.get("content-type"),
                etag=fields.get("etag"),
                last_modified=fields.get("last-modified"),
                cache_control=fields.get("cache-control"),
                fetched_at=self._now(),
                headers=fields,
            )

    def _note(self, queue: _Queue, response: httpx.Response) -> None:
        """Remember whether the host is overloaded."""
        if response.status_code in OVERLOADED:
            until = parse_retry_after(response.headers.get("retry-after"), now=self._now())
            queue.remember(slowed(queue.state, usual_s=self._network.per_host_interval, not_before=until))
        else:
            queue.remember(answered(queue.state, usual_s=self._network.per_host_interval))

    async def _body(self, response: httpx.Response, asked: str, limits: _Limits) -> bytes:
        """The decoded body; of a robots.txt, as much of it as counts."""
        robots = limits.robots
        body = Body(response.headers.get("content-encoding", ""), limits.max_bytes)
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

    def _refusal(self, response: httpx.Response, asked: str) -> Failure:
        status = response.status_code
        error = failure(f"http {status}", asked, passing=status in PASSING)
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


def _charset(response: httpx.Response) -> str | None:
    try:
        return response.charset_encoding
    except ValueError:  # `charset*=%00''x` (RFC 2231): Python's mail parser looks up a codec with a NUL in its name
        return None


def _is_field_value(text: str) -> bool:
    """Whether a value that a server once sent may be sent back: some send bytes that no request can hold."""
    return text.isascii() and text.isprintable()
