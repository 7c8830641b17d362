"""Fetch the robots.txt of each host before its first page, keep it for a day, consult it before every request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import httpx

from config.settings import Network
from extractors.fetching.addresses import UnsafeAddress
from extractors.fetching.exchange import Exchange
from extractors.fetching.failures import PASSING, Failure
from extractors.fetching.messages import Request, Response
from extractors.fetching.queues import Queues
from extractors.fetching.redirects import TooManyRedirects, follow
from extractors.fetching.robots import MAX_BYTES, RobotsFile, decode_robots
from extractors.records import ItemError, Outcome


class RobotsCache:
    """Decides whether a request is allowed, by the files that the queues hold or that the hosts send."""

    def __init__(self, exchange: Exchange, queues: Queues, network: Network, *, now: Callable[[], datetime]) -> None:
        self._exchange = exchange
        self._queues = queues
        self._network = network
        self._now = now

    async def check(self, request: Request) -> None:
        """Raise ItemError if the host's robots.txt forbids the request or cannot be fetched."""
        robots = await self.of(request)
        if not robots.allows(str(request.url), self._network.user_agent):
            detail = f"{request.url.host}/robots.txt forbids {request.url.raw_path.decode('ascii')[:200]}"
            raise ItemError(Outcome.ROBOTS, "robots.txt", url=request.asked, detail=detail)

    async def of(self, request: Request) -> RobotsFile:
        """Return the robots.txt of the request's host; fetch it unless a fresh copy is known. Raises ItemError."""
        queue = self._queues.of(request.url)
        async with queue.robots_turn:
            robots = queue.state.robots
            if robots is None or not robots.is_fresh(self._now()):
                robots = await self._fetch(request, robots)
                queue.remember(replace(queue.state, robots=robots))
            return robots

    async def _fetch(self, request: Request, known: RobotsFile | None) -> RobotsFile:
        first = Request(
            url=request.url.copy_with(raw_path=b"/robots.txt", fragment=None),
            asked=request.asked,
            headers={"Accept": "text/plain, */*;q=0.5"},
            max_bytes=min(self._network.max_bytes, MAX_BYTES),
            cut=True,
        )

        async def ask(step: Request) -> RobotsFile | Request:
            try:
                answer = await self._exchange.send(step)
            except ItemError as error:
                return self._without(error, known, at_home=step.url.netloc == first.url.netloc)
            if isinstance(answer, Response):
                return RobotsFile(decode_robots(answer.body), self._now())
            return answer or RobotsFile("", self._now())

        try:
            return await follow(first, ask)
        except TooManyRedirects:
            return RobotsFile("", self._now())  # RFC 9309, 2.3.1.2 allows treating this as unavailable

    def _without(self, error: ItemError, known: RobotsFile | None, *, at_home: bool) -> RobotsFile:
        """Return the rules to use if the host sent none, or raise; `at_home`: the error is of the host itself."""
        status = error.status if isinstance(error, Failure) else None
        if status is not None and httpx.codes.is_client_error(status) and status not in PASSING:
            return RobotsFile("", self._now())  # RFC 9309, 2.3.1.3: unavailable, so there are no rules
        if known is not None and known.is_usable(self._now()):
            return known
        if status is None and (isinstance(error, Failure) or (at_home and isinstance(error.__cause__, UnsafeAddress))):
            raise error  # the page would fail alike
        # A status, or a redirect to a forbidden address, says nothing about the page: it may be fetched another day.
        reason = f"robots.txt: {error.reason}"
        raise ItemError(Outcome.FAILED, reason, url=error.url, detail=error.detail) from error
