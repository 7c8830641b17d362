"""Follow redirects. Each step is a request like any other, so robots.txt, gaps and guards apply to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

from extractors.fetching.messages import Request
from extractors.records import ItemError, Outcome

MAX_REDIRECTS = 10
STATUSES = (301, 302, 303, 307, 308)
Answer = TypeVar("Answer")


class TooManyRedirects(ItemError):
    """The redirects do not end, or go in circles."""


def redirection(request: Request, response: httpx.Response) -> Request | None:
    """Return the request that an answer redirects to; None if it does not. Raises ItemError for a bad address."""
    location: bytes | None = response.extensions.get("location")
    if response.status_code in STATUSES and location is not None:
        return request.redirected(location_text(location))
    return None


def location_text(location: bytes) -> str:
    """Return a Location header as text: UTF-8, with all other bytes percent-encoded as they came, as in browsers."""
    text = location.decode("utf-8", errors="surrogateescape")
    return "".join(f"%{ord(c) - 0xDC00:02X}" if "\udc80" <= c <= "\udcff" else c for c in text)


async def follow(request: Request, ask: Callable[[Request], Awaitable[Answer | Request]]) -> Answer:
    """Return the first answer of `ask` that is not another request. Raises TooManyRedirects, and what `ask` raises."""
    for _ in range(MAX_REDIRECTS + 1):
        answer = await ask(request)
        if not isinstance(answer, Request):
            return answer
        request = answer
    raise TooManyRedirects(Outcome.FAILED, "too many redirects", url=request.asked)
