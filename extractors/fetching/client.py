"""The one HTTP client through which every request goes.

Each request has one result: a `Response`, None for "not modified" (RFC 9110, section 13), or an error that says
whether to come back. The parts, from the outside in: `redirects` (the one loop), `robots_cache` (asked at every hop),
`exchange` (one question, one answer), `queues` (whose turn it is), `transport` (public addresses only).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import httpx

from config.settings import Network
from extractors.fetching.exchange import Exchange
from extractors.fetching.failures import Failure
from extractors.fetching.hosts import HostState, Turns
from extractors.fetching.messages import ACCEPT_PAGE, Request, Response, Wanted, parse_url, validators
from extractors.fetching.queues import Queues
from extractors.fetching.redirects import follow, leads_on
from extractors.fetching.robots import RobotsFile
from extractors.fetching.robots_cache import RobotsCache
from extractors.fetching.transport import open_httpx


class Client:
    """Use as `async with Client(settings.network) as client`; safe to share between tasks of one event loop.

    `hosts` holds what earlier passes learnt about hosts; `take_changed_hosts` returns what this client has learnt. With
    `turns`, the client also waits for the requests of other programs.
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
        self._http = open_httpx(network)
        self._queues = Queues(network, hosts=hosts, now=now, turns=turns)
        self._exchange = Exchange(self._http, self._queues, network, now=now)
        self._robots = RobotsCache(self._exchange, self._queues, network, now=now)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    @property
    def max_bytes(self) -> int:
        """Return the largest size of a page, in bytes after decoding."""
        return self._network.max_bytes

    def take_changed_hosts(self) -> list[HostState]:
        """Return what has been learnt about hosts since the last call, to be stored for the next pass."""
        return self._queues.take_changed()

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
        """Return the answer at `url`, or None when it is unchanged since `etag` / `last_modified`.

        Give `max_bytes` for documents that may be larger than a page, `interval_s` for a host that is known to want a
        longer gap after its last answer. `wanted` is called when it is our turn, with `Turns.others`.
        Raises ItemError; Deferred if the host asked for a longer pause than a pass should wait; Unwanted.
        """
        request = Request(
            url=parse_url(url, asked=url),
            asked=url,
            headers={"Accept": accept, **validators(etag, last_modified)},
            max_bytes=max_bytes,
            interval_s=interval_s,
            wanted=wanted,
        )
        return await follow(request, self._ask)

    async def stream(self, url: str) -> AsyncGenerator[bytes, None]:
        """Yield the body at `url` piece by piece as it arrives, without limits of size and time.

        After a broken connection, continue where it broke off. The host's turn lasts until the last piece, so close
        the iterator if you leave it early. Raises as `fetch` does.
        """
        position, failures = 0, 0
        while True:
            try:
                async for chunk in self._stream_from(position, url):
                    position, failures = position + len(chunk), 0
                    yield chunk
                return
            except Failure as error:
                failures += not error.at_once
                await self._exchange.pause_after(error, failures)

    async def robots(self, url: str) -> RobotsFile:
        """Return the robots.txt of the host of `url`; fetch it unless a fresh copy is known. Raises as `fetch` does."""
        return await self._robots.of(Request(parse_url(url, asked=url), url, {}))

    async def _ask(self, request: Request) -> Response | Request | None:
        await self._robots.check(request)
        answer = await self._exchange.send(request)
        onward = leads_on(request, answer) if isinstance(answer, Response) else None
        return onward or answer

    async def _stream_from(self, position: int, url: str) -> AsyncIterator[bytes]:
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if position:
            headers["Range"] = f"bytes={position}-"  # RFC 9110, 14.2
        async with AsyncExitStack() as held:

            async def open_allowed(request: Request) -> httpx.Response | Request:
                await self._robots.check(request)
                return await self._exchange.open(request, held)

            response = await follow(Request(parse_url(url, asked=url), url, headers), open_allowed)
            known = position if response.status_code == 200 else 0  # the server ignores ranges and starts again
            async for chunk in response.aiter_raw():
                if len(chunk) > known:
                    yield chunk[known:]
                known = max(0, known - len(chunk))
