"""What is remembered of a host between passes: its robots.txt, and how much time it wants between requests."""

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
    """A host ("example.kz", or "127.0.0.1:8080") as it was last met."""

    host: str
    robots: RobotsFile | None = None
    not_before: datetime | None = None  # it asked not to be called before (Retry-After)
    interval_s: float = 0.0  # the gap it has earned by 429 and 503; 0: the usual one
    successes: int = 0  # in a row since


class Wish(NamedTuple):
    """What a host has asked for: the gap it has earned, and a pause until a moment of the program's own clock."""

    gap_s: float
    not_before: datetime | None


NO_WISH = Wish(0.0, None)


class Turns(Protocol):
    """Who may ask which host now, agreed on by all programs that share it."""

    async def take(self, host: str, *, patience_s: float) -> float:
        """Wait for the host. 0.0: it is ours until it is given back. Else the seconds, more than `patience_s`, for
        which it wants to be left alone.
        """
        ...

    async def give_back(self, host: str, *, pause_s: float, wish: Wish = NO_WISH) -> None:
        """Somebody else may take the host, once so many seconds have passed; what it has asked for is noted."""
        ...

    def heard(self, host: str) -> Wish | None:
        """What the host has asked other programs for; None: no other has had it since we last asked."""
        ...

    def others(self, host: str) -> int:
        """How often another program has been found, on taking the host, to have had it since we last knew."""
        ...


class Unwanted(LeftAlone):
    """When it was our turn, the page was wanted no more: another program has fetched it meanwhile."""


def slowed(state: HostState, *, usual_s: float, not_before: datetime | None) -> HostState:
    """After a 429 or 503: twice the gap, at most a minute, and no call before the moment it named."""
    interval = min(2 * max(state.interval_s, usual_s, 0.5), MAX_INTERVAL_S)
    return replace(state, interval_s=interval, successes=0, not_before=not_before or state.not_before)


def answered(state: HostState, *, usual_s: float) -> HostState:
    """After a good answer: a slowed host gets back half its speed after every 20 of them."""
    if state.interval_s == 0.0:
        return state
    if state.successes + 1 < SUCCESSES_TO_SPEED_UP:
        return replace(state, successes=state.successes + 1)
    interval = state.interval_s / 2
    return replace(state, interval_s=interval if interval > usual_s else 0.0, successes=0)


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
