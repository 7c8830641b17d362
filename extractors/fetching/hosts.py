"""The state of a host that is kept between passes: its robots.txt, and the gap that it earned by 429 and 503.

`extractors.fetching.queues` decides how long the gap before a request is."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple, Protocol

from config.errors import LeftAlone
from extractors.fetching.robots import RobotsFile

MAX_INTERVAL_S = 60.0
SUCCESSES_TO_SPEED_UP = 20
MAX_RETRY_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class HostState:
    """The last known state of a host ("example.kz", or "127.0.0.1:8080")."""

    host: str
    robots: RobotsFile | None = None
    not_before: datetime | None = None  # it asked for a pause until then (Retry-After)
    interval_s: float = 0.0  # the gap after answers 429 and 503; 0: the usual gap
    successes: int = 0  # in a row since then


class Wish(NamedTuple):
    """What a host has asked for: the gap it has earned, and a pause until a moment of the program's own clock."""

    gap_s: float
    not_before: datetime | None


NO_WISH = Wish(0.0, None)


class Turns(Protocol):
    """Shares the turns at each host between programs."""

    async def take(self, host: str, *, patience_s: float) -> float:
        """Wait for the host. Return 0.0 once it is ours, until it is given back; else the seconds, more than
        `patience_s`, for which it asked to be left alone.
        """
        ...

    async def give_back(self, host: str, *, pause_s: float, wish: Wish = NO_WISH) -> None:
        """Let other programs take the host after a pause, and note what it has asked for."""
        ...

    def heard(self, host: str) -> Wish | None:
        """Return what the host has asked other programs for; None if no other had it since we last asked."""
        ...

    def others(self, host: str) -> int:
        """Return how often, on taking the host, we found that another program had had it in between."""
        ...


class Unwanted(LeftAlone):
    """The page is no longer wanted: another program fetched it before our turn came."""


def slowed(state: HostState, *, usual_s: float, not_before: datetime | None) -> HostState:
    """Return the state after a 429 or 503: twice the gap, at most a minute, and no call before `not_before`."""
    interval = min(2 * max(state.interval_s, usual_s, 0.5), MAX_INTERVAL_S)
    return replace(state, interval_s=interval, successes=0, not_before=not_before or state.not_before)


def answered(state: HostState, *, usual_s: float) -> HostState:
    """Return the state after a good answer: the gap of a slowed host is halved after every 20 of them."""
    if state.interval_s == 0.0:
        return state
    if state.successes + 1 < SUCCESSES_TO_SPEED_UP:
        return replace(state, successes=state.successes + 1)
    interval = state.interval_s / 2
    return replace(state, interval_s=interval if interval > usual_s else 0.0, successes=0)


def parse_retry_after(value: str | None, *, now: datetime) -> datetime | None:
    """Return the moment in a Retry-After header (RFC 9110, 10.2.3: seconds or a date), at most a day from `now`."""
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
