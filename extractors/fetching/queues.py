"""Give each host one request at a time, with a gap between them, and none before the moment that it named.

The gap is the longest of the usual gap, the gap after answers 429 and 503, the Crawl-delay, and what the request itself
asks for. Other programs that
share the hosts are waited for too.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import httpx

from config.settings import Network
from extractors.fetching.failures import OVERLOADED, translated
from extractors.fetching.hosts import (
    MAX_RETRY_AFTER,
    HostState,
    Turns,
    Unwanted,
    Wish,
    answered,
    parse_retry_after,
    slowed,
)
from extractors.fetching.messages import Request
from extractors.records import Deferred

MAX_WAIT_S = 60.0  # for a host that asked for a pause; after a longer one, a later pass takes its entries


class Queue:
    """The queue of a host: the holder of `turn` may send once the gap since `ended_at` (the loop's clock) is over."""

    __slots__ = ("changed", "ended_at", "robots_turn", "state", "turn")

    def __init__(self, state: HostState) -> None:
        self.state = state
        self.changed = False
        self.turn = asyncio.Lock()
        self.robots_turn = asyncio.Lock()
        self.ended_at = -math.inf

    def remember(self, state: HostState) -> None:
        """Replace the state of the host."""
        self.changed = self.changed or state != self.state
        self.state = state


class Queues:
    """The queues of all hosts. At most `network.concurrency` requests are under way at a time."""

    def __init__(
        self, network: Network, *, hosts: Iterable[HostState], now: Callable[[], datetime], turns: Turns | None
    ) -> None:
        self._network = network
        self._now = now
        self._turns = turns
        self._queues = {state.host: Queue(state) for state in hosts}
        self._slots = asyncio.Semaphore(network.concurrency)

    def of(self, url: httpx.URL) -> Queue:
        """Return the queue of the host of `url`."""
        host = url.netloc.decode("ascii").lower()
        if host not in self._queues:
            self._queues[host] = Queue(HostState(host))
        return self._queues[host]

    def take_changed(self) -> list[HostState]:
        """Return the states that have changed since the last call."""
        changed = [queue for queue in self._queues.values() if queue.changed]
        for queue in changed:
            queue.changed = False
        return [queue.state for queue in changed]

    @asynccontextmanager
    async def turn(self, request: Request) -> AsyncIterator[Queue]:
        """Wait for the host's turn and hold it for one request; turn its errors into ItemErrors.

        Raises Deferred if the host asked for a pause longer than MAX_WAIT_S; Unwanted.
        """
        queue = self.of(request.url)
        loop = asyncio.get_running_loop()
        async with queue.turn:
            await self._wait_for(queue, request)
            async with self._turn_among_programs(queue, request), self._slots:
                try:
                    with translated(request.asked):
                        yield queue
                finally:
                    # The gap begins after the answer, as the server would measure it.
                    queue.ended_at = loop.time()

    def note(self, queue: Queue, response: httpx.Response) -> None:
        """Note whether the host is overloaded."""
        usual_s = self._network.per_host_interval
        if response.status_code in OVERLOADED:
            until = parse_retry_after(response.headers.get("retry-after"), now=self._now())
            queue.remember(slowed(queue.state, usual_s=usual_s, not_before=until))
        else:
            queue.remember(answered(queue.state, usual_s=usual_s))

    async def _wait_for(self, queue: Queue, request: Request) -> None:
        """Wait until the pause that the host asked for and the gap after its last answer are over."""
        await self._wait_for_pause(queue, request)
        wait_s = queue.ended_at + self._gap_s(queue.state, request) - asyncio.get_running_loop().time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    async def _wait_for_pause(self, queue: Queue, request: Request) -> None:
        if (pause := queue.state.not_before) is not None and pause > self._now():
            wait_s = (pause - self._now()).total_seconds()
            if wait_s > MAX_WAIT_S:
                raise Deferred(request.asked, pause)
            await asyncio.sleep(wait_s)

    @asynccontextmanager
    async def _turn_among_programs(self, queue: Queue, request: Request) -> AsyncIterator[None]:
        """Hold the host against other programs; afterwards none of them asks it before its gap is over."""
        if self._turns is None:
            yield
            return
        host = queue.state.host
        if wait_s := await self._turns.take(host, patience_s=MAX_WAIT_S):
            raise Deferred(request.asked, self._now() + timedelta(seconds=wait_s))
        is_asked = False
        try:
            await self._heed_others(queue, request)
            if request.wanted is not None and not await request.wanted(self._turns.others(host)):
                raise Unwanted(request.asked)
            is_asked = True
            yield
        finally:
            pause_s = self._gap_s(queue.state, request) if is_asked else 0.0
            wish = Wish(queue.state.interval_s, queue.state.not_before)
            await self._turns.give_back(host, pause_s=pause_s, wish=wish)

    async def _heed_others(self, queue: Queue, request: Request) -> None:
        """Take over what the host has asked another program for since; wait for a pause, or raise Deferred."""
        assert self._turns is not None
        if (wish := self._turns.heard(queue.state.host)) is None:
            return
        moments = [m for m in (wish.not_before, queue.state.not_before) if m and m <= self._now() + MAX_RETRY_AFTER]
        queue.remember(replace(queue.state, interval_s=wish.gap_s, not_before=max(moments, default=None)))
        await self._wait_for_pause(queue, request)

    def _gap_s(self, state: HostState, request: Request) -> float:
        """Return the seconds between two requests to the host."""
        delay_s = state.robots.crawl_delay_s(self._network.user_agent) if state.robots else 0.0
        return max(self._network.per_host_interval, state.interval_s, delay_s, request.interval_s)
