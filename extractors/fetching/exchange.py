"""Send one request in its host's turn and read its answer, within limits of size and time, with few retries."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

import httpx

from config.settings import Network
from extractors.fetching.decoding import Body, TooLarge
from extractors.fetching.failures import Failure, refusal
from extractors.fetching.messages import Request, Response
from extractors.fetching.queues import Queues
from extractors.fetching.redirects import redirection
from extractors.records import Envelope, ItemError, Outcome

TOTAL_TIMEOUT_FACTOR = 4  # a server may be slow, but an answer takes at most this many read timeouts
QUICK_RETRY_S = 30.0  # a Retry-After up to this long is waited for within the pass
FRAMING = {"content-length", "transfer-encoding"}  # with either, h11 raises where the body ends too early
DRAIN_BYTES, DRAIN_S = 64 * 1024, 1.0


class Exchange:
    """Sends requests through httpx, each in its host's turn. The caller handles redirects and robots.txt."""

    def __init__(
        self, http: httpx.AsyncClient, queues: Queues, network: Network, *, now: Callable[[], datetime]
    ) -> None:
        self._http = http
        self._queues = queues
        self._retry_delays = network.retry_delays
        self._timeout_s = network.timeout * TOTAL_TIMEOUT_FACTOR
        self._max_bytes = network.max_bytes
        self._now = now

    async def send(self, request: Request) -> Response | Request | None:
        """Return the answer; None for "not modified"; the request to which the host redirects.

        Passing failures are tried again. Raises ItemError, Deferred, Unwanted.
        """
        failures = 0
        while True:
            try:
                return await self._send_once(request)
            except Failure as error:
                failures += not error.at_once
                await self.pause_after(error, failures)

    async def pause_after(self, error: Failure, failures: int) -> None:
        """Wait before the next try. Raises `error` if another try is useless, or the host asked for a longer pause."""
        if error.at_once:
            return
        wait_s = (error.retry_after - self._now()).total_seconds() if error.retry_after else 0.0
        if not error.passing or failures > len(self._retry_delays) or wait_s > QUICK_RETRY_S:
            raise error
        await asyncio.sleep(max(wait_s, self._retry_delays[failures - 1] * random.uniform(0.5, 1.5)))

    async def open(self, request: Request, held: AsyncExitStack) -> httpx.Response | Request:
        """Return the answer with its body still to come, or the request to which the host redirects.

        The host's turn lasts until `held` is closed. Raises ItemError, Deferred.
        """
        async with AsyncExitStack() as own:
            response = await own.enter_async_context(self._answered(request, whole=False))
            if (onward := redirection(request, response)) is not None:
                return onward
            if response.status_code not in (200, 206):
                raise refusal(response, request.asked, now=self._now())
            await held.enter_async_context(own.pop_all())
        return response

    async def _send_once(self, request: Request) -> Response | Request | None:
        async with self._answered(request, whole=True) as response:
            status = response.status_code
            if status not in (200, 203):
                await _drain(response)
            if status == 304 and request.is_conditional:
                return None
            if (onward := redirection(request, response)) is not None:
                return onward
            if status not in (200, 203):
                raise refusal(response, request.asked, now=self._now())
            return await self._whole(response, request)

    @asynccontextmanager
    async def _answered(self, request: Request, *, whole: bool) -> AsyncIterator[httpx.Response]:
        """Send the request in its host's turn, which lasts until the answer is closed.

        The total limit of time is for the whole answer, else for its header.
        """
        async with (
            self._queues.turn(request) as queue,
            asyncio.timeout(self._timeout_s) as limit,
            self._http.stream("GET", request.url, headers=dict(request.headers)) as response,
        ):
            self._queues.note(queue, response)
            if not whole:
                limit.reschedule(None)
            yield response

    async def _whole(self, response: httpx.Response, request: Request) -> Response:
        fields = dict(response.headers.items())  # httpx's own look-up reads all of them each time
        return Response(
            url=str(response.url),
            body=await self._body(response, request),
            charset=_charset(response),
            content_type=fields.get("content-type"),
            etag=fields.get("etag"),
            last_modified=fields.get("last-modified"),
            cache_control=fields.get("cache-control"),
            fetched_at=self._now(),
            headers=fields,
            envelope=_envelope(response),
        )

    async def _body(self, response: httpx.Response, request: Request) -> bytes:
        """Return the decoded body. Raises ItemError if it is larger than the request allows."""
        is_page = "html" in response.headers.get("content-type", "").lower()
        coding = response.headers.get("content-encoding", "")
        body = Body(coding, request.max_bytes or self._max_bytes, sniffed=is_page)
        try:
            async for chunk in response.aiter_raw():
                body.add(chunk)
        except TooLarge as exc:
            if request.cut:
                return body.so_far()
            raise ItemError(Outcome.TOO_LARGE, "too large", url=request.asked, detail=str(exc)) from exc
        framed = response.http_version == "HTTP/2" or not FRAMING.isdisjoint(response.headers)
        return body.finish(framed=framed)


def _envelope(response: httpx.Response) -> Envelope:
    status = f"HTTP/1.1 {response.status_code} {response.reason_phrase}".strip()
    return Envelope(status, tuple(response.headers.multi_items()), tuple(response.request.headers.multi_items()))


async def _drain(response: httpx.Response) -> None:
    """Read and drop a body if it is short and quick; that saves the connection for the next request."""
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
