"""The ways in which one request can fail, as ItemErrors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import httpx

from extractors.fetching.addresses import HostNotFound, UnsafeAddress
from extractors.fetching.decoding import BrokenEncoding
from extractors.fetching.hosts import parse_retry_after
from extractors.fetching.transport import transport_reason
from extractors.records import ItemError, Outcome
from extractors.text import clean_line

MAX_DETAIL = 300  # characters
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


class Failure(ItemError):
    """An ItemError on its way out of one request: with the HTTP status, and whether a moment may mend it."""

    status: int | None = None
    passing: bool = False


def failure(reason: str, asked: str, *, detail: str = "", passing: bool = False) -> Failure:
    """A failure that may be tried again later, or with `passing` in a moment; `asked` is the address asked for."""
    # What a library says may quote the server: any characters, and any number of them.
    error = Failure(Outcome.FAILED, reason, url=asked, detail=clean_line(detail[:MAX_DETAIL]))
    error.passing = passing
    return error


def refusal(response: httpx.Response, asked: str, *, now: datetime) -> Failure:
    """Return the failure that an answer's status stands for, and when the host may be asked again."""
    status = response.status_code
    error = failure(f"http {status}", asked, passing=status in PASSING)
    error.outcome = FINAL.get(status, Outcome.FAILED)
    error.status = status
    error.retry_after = parse_retry_after(response.headers.get("retry-after"), now=now)
    return error


@contextmanager
def translated(asked: str) -> Iterator[None]:
    """What httpx and our own guards raise during a request, as ItemErrors."""
    try:
        yield
    except TimeoutError as exc:
        raise failure("too slow", asked, detail="total time limit") from exc
    except UnsafeAddress as exc:
        raise ItemError(Outcome.UNSAFE_ADDRESS, "not a public address", url=asked, detail=str(exc)) from exc
    except HostNotFound as exc:
        raise failure("host not found", asked, detail=str(exc)) from exc
    except (httpx.InvalidURL, UnicodeError) as exc:  # httpx reads a redirect's Location, though it does not follow it
        raise failure("invalid redirect", asked, detail=str(exc)) from exc
    except httpx.TransportError as exc:
        quick = not isinstance(exc, httpx.TimeoutException)
        raise failure(transport_reason(exc), asked, detail=str(exc), passing=quick) from exc
    except BrokenEncoding as exc:
        raise failure("broken content encoding", asked, detail=str(exc), passing=True) from exc
