"""Requests and responses as values (RFC 9110). Addresses are checked before anything is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import httpx

from extractors.fetching.failures import MAX_DETAIL
from extractors.records import Envelope, ItemError, Outcome, Page
from extractors.references import absolute
from extractors.text import clean_line

ACCEPT_FEED = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"
ACCEPT_PAGE = "text/html, application/xhtml+xml, */*;q=0.5"
VALIDATORS = {"If-None-Match", "If-Modified-Since"}
Wanted = Callable[[int], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Request:
    """A GET of `url`, which may be a redirect from the address that the caller `asked` for: errors name the latter."""

    url: httpx.URL
    asked: str
    headers: Mapping[str, str]
    max_bytes: int | None = None  # of the decoded body; None: the limit for pages
    cut: bool = False  # cut a longer body there instead of failing
    interval_s: float = 0.0  # the shortest gap after the host's last answer
    is_led_on: bool = False  # by a page that has no text of its own
    wanted: Wanted | None = None  # called in the host's turn, with `Turns.others`

    @property
    def is_conditional(self) -> bool:
        """Say whether "not modified" is a possible answer."""
        return not VALIDATORS.isdisjoint(self.headers)

    def redirected(self, location: str) -> Request:
        """Return the request that a redirect to `location` asks for. Raises ItemError as `parse_url` does.

        `wanted` is dropped: it was asked before the first step.
        """
        target = absolute(location, base=str(self.url))
        if target is None:
            raise _not_http(self.asked, location)
        try:
            url = parse_url(target, asked=self.asked)
        except ItemError as exc:
            if exc.outcome is Outcome.FAILED:
                raise _invalid("invalid redirect", self.asked, location) from exc
            raise
        return replace(self, url=url, wanted=None)


@dataclass(frozen=True, slots=True)
class Response:
    """A successful answer: `body` is decoded from its transfer and content encodings, `charset` from the header."""

    url: str  # after redirects
    body: bytes
    charset: str | None
    content_type: str | None
    etag: str | None
    last_modified: str | None
    cache_control: str | None
    fetched_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)  # all, with names in lower case
    envelope: Envelope | None = None

    def page(self) -> Page:
        """Return the answer as the input of extraction."""
        return Page(self.url, self.body, self.charset, self.fetched_at, self.envelope)


def parse_url(url: str, *, asked: str) -> httpx.URL:
    """Return `url` parsed, without user and password. Raises ItemError unless it is an http or https address."""
    try:
        parsed = httpx.URL(url)
        host = parsed.host  # decoded from Punycode only now
    except (httpx.InvalidURL, UnicodeError) as exc:
        raise _invalid("invalid address", asked, str(exc)) from exc
    if parsed.scheme not in ("http", "https") or not host:
        raise _not_http(asked, url)
    if parsed.port is not None and not 0 < parsed.port < 65536:  # httpx accepts any number, the socket raises
        raise _invalid("invalid address", asked, f"port {parsed.port}")
    return parsed.copy_with(username=None, password=None) if parsed.userinfo else parsed


def validators(etag: str | None, last_modified: str | None) -> dict[str, str]:
    """Return the headers of a conditional request (RFC 9110, section 13)."""
    fields = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    # Some servers send bytes that no request can contain.
    return {name: value for name, value in fields.items() if value and value.isascii() and value.isprintable()}


def _not_http(asked: str, url: str) -> ItemError:
    return ItemError(Outcome.UNSAFE_ADDRESS, "not http or https", url=asked, detail=clean_line(url[:MAX_DETAIL]))


def _invalid(reason: str, asked: str, detail: str) -> ItemError:
    return ItemError(Outcome.FAILED, reason, url=asked, detail=clean_line(detail[:MAX_DETAIL]))
