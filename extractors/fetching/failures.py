"""The ways in which one request can fail, as ItemErrors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import httpx

from extractors.fetching.addresses import HostNotFound, UnsafeAddress
from extractors.fetching.decoding import BrokenEncoding
from extractors.fetching.hosts import parse_retry_after
from extractors.fetching.transport import MALFORMED, MalformedAnswer, transport_reason
from extractors.records import ItemError, Outcome
from extractors.text import clean_line

MAX_DETAIL = 300  # characters
PASSING = (408, 429, 500, 502, 503, 504)  # a second try in a moment may succeed
OVERLOADED = (429, 503)


class Failure(ItemError):
    """An ItemError of one request, with the HTTP status.

    `passing`: a second try in a moment may succeed; `at_once`: the next try is another one, so nothing is waited for.
    """

    status: int | None = None
    passing: bool = False
    at_once: bool = False


def failure(reason: str, asked: str, *, detail: str = "", passing: bool = False) -> Failure:
    """Return a failure to be tried again later, or with `passing` in a moment; `asked` is the address asked for."""
    # A library's message may quote the server: any characters, and any number of them.
    error = Failure(Outcome.FAILED, reason, url=asked, detail=clean_line(detail[:MAX_DETAIL]))
    error.passing = passing
    return error


def refusal(response: httpx.Response, asked: str, *, now: datetime) -> Failure:
    """Return the failure for an answer's status, with the moment at which the host may be asked again."""
    status = response.status_code
    error = failure(f"http {status}", asked, passing=status in PASSING)
    error.outcome = Outcome.of_status(status)
    error.status = status
    error.retry_after = parse_retry_after(response.headers.get("retry-after"), now=now)
    return error


@contextmanager
def translated(asked: str) -> Iterator[None]:
    """Turn what httpx and our own guards raise during a request into ItemErrors."""
    try:
        yield
    except TimeoutError as exc:
        raise failure("too slow", asked, detail="total time limit") from exc
    except UnsafeAddress as exc:
        raise ItemError(Outcome.UNSAFE_ADDRESS, "not a public address", url=asked, detail=str(exc)) from exc
    except HostNotFound as exc:
        raise failure("host not found", asked, detail=str(exc)) from exc
    except MalformedAnswer as exc:
        error = failure(MALFORMED, asked, detail=str(exc), passing=True)
        error.at_once = True
        raise error from exc
    except httpx.TransportError as exc:
        quick = not isinstance(exc, httpx.TimeoutException)
        raise failure(transport_reason(exc), asked, detail=str(exc), passing=quick) from exc
    except BrokenEncoding as exc:
        raise failure("broken content encoding", asked, detail=str(exc), passing=True) from exc
