"""What can go wrong with one request, as ItemErrors; and addresses that can be asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from extractors.fetching.addresses import HostNotFound, UnsafeAddress
from extractors.fetching.decoding import BrokenEncoding
from extractors.fetching.transport import transport_reason
from extractors.records import ItemError, Outcome
from extractors.text import clean_line

MAX_DETAIL = 300  # characters


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


def parse_url(url: str, *, asked: str) -> httpx.URL:
    """`url` as httpx takes it, without user and password. Raises ItemError for what is no http(s) address."""
    try:
        parsed = httpx.URL(url)
        host = parsed.host  # decoded from Punycode only now
    except (httpx.InvalidURL, UnicodeError) as exc:
        raise ItemError(Outcome.FAILED, "invalid address", url=asked, detail=clean_line(str(exc)[:MAX_DETAIL])) from exc
    if parsed.scheme not in ("http", "https") or not host:
        raise ItemError(Outcome.UNSAFE_ADDRESS, "not http or https", url=asked, detail=clean_line(url[:MAX_DETAIL]))
    if parsed.port is not None and not 0 < parsed.port < 65536:  # httpx lets any number pass, the socket raises
        raise ItemError(Outcome.FAILED, "invalid address", url=asked, detail=f"port {parsed.port}")
    return parsed.copy_with(username=None, password=None) if parsed.userinfo else parsed


def join_url(url: httpx.URL, location: str, *, asked: str) -> httpx.URL:
    """Where a redirect from `url` leads. Raises ItemError as `parse_url` does."""
    try:
        return parse_url(str(url.join(location)), asked=asked)
    except (httpx.InvalidURL, UnicodeError) as exc:
        raise ItemError(
            Outcome.FAILED, "invalid redirect", url=asked, detail=clean_line(location[:MAX_DETAIL])
        ) from exc


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
