"""Follow redirects. Each step is a request like any other, so robots.txt, gaps and guards apply to it.

A page may lead on too, without a word of HTTP: by a Refresh header, by `<meta http-equiv=refresh>` (HTML 4.2.5.3), by
a script that does nothing else. That is followed once, and only from a page that has hardly any text: many articles
refresh themselves, or offer something to those without scripts.
"""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import httpx

from extractors.fetching.messages import Request, Response
from extractors.records import ItemError, Outcome

MAX_REDIRECTS = 10
MAX_STUB_BYTES = 20_000
MAX_STUB_TEXT = 200  # characters: "If nothing happens, click here", in several languages
MAX_STUB_SCRIPT = 300
MAX_REFRESH_S = 10
STATUSES = (301, 302, 303, 307, 308)
Answer = TypeVar("Answer")

_UNSEEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(noscript|style|title|template)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL
)
_SCRIPT = re.compile(r"<script\b[^<>]*>(.*?)(?:</script\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_META = re.compile(r"<meta\s[^<>]*>", re.IGNORECASE)
_IS_REFRESH = re.compile(r"http-equiv\s*=\s*[\"']?\s*refresh\b", re.IGNORECASE)
_CONTENT = re.compile(r"content\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", re.IGNORECASE)
_REFRESH = re.compile(
    r"\s*(\d{1,4})[\d.]*[\s;,]\s*(?:url\s*=\s*)?(?:([\"'])(.*?)(?:\2|\Z)|(\S.*))", re.IGNORECASE | re.DOTALL
)
_LOCATION = r"(?:(?:window|document|self|top|parent)\s*\.\s*)*location"
_SET = re.compile(
    rf"{_LOCATION}(?:\s*\.\s*href)?\s*=(?!=)\s*([\"'])([^\"'<>]+)\1|{_LOCATION}\s*\.\s*(?:replace|assign)\(\s*([\"'])([^\"'<>]+)\3"
)
_CONDITION = re.compile(r"\bif\b|\?|&&|\|\||\bcookie\b|\blocation\b|\bswitch\b")


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
    return _encoded(location.decode("utf-8", errors="surrogateescape"))


def _encoded(text: str) -> str:
    return "".join(f"%{ord(c) - 0xDC00:02X}" if "\udc80" <= c <= "\udcff" else c for c in text)


async def follow(request: Request, ask: Callable[[Request], Awaitable[Answer | Request]]) -> Answer:
    """Return the first answer of `ask` that is not another request. Raises TooManyRedirects, and what `ask` raises."""
    for _ in range(MAX_REDIRECTS + 1):
        answer = await ask(request)
        if not isinstance(answer, Request):
            return answer
        request = answer
    raise TooManyRedirects(Outcome.FAILED, "too many redirects", url=request.asked)


def leads_on(request: Request, response: Response) -> Request | None:
    """Return the request to which a page that has no text of its own leads on; None if there is none.

    Raises ItemError for a bad address.
    """
    if request.is_led_on or len(response.body) > MAX_STUB_BYTES:
        return None
    source = _UNSEEN.sub("", response.body.decode("utf-8", errors="surrogateescape"))
    seen = _TAG.sub(" ", _SCRIPT.sub(" ", source))
    if len(" ".join(html.unescape(seen).split())) > MAX_STUB_TEXT:
        return None
    target = _refreshed(response.headers.get("refresh", "")) or _by_meta(source) or _by_script(source)
    if not target or target.startswith("#"):
        return None
    onward = request.redirected(_encoded(target))
    is_itself = onward.url.copy_with(fragment=None) == request.url.copy_with(fragment=None)
    return None if is_itself else replace(onward, is_led_on=True)


def _by_meta(source: str) -> str | None:
    for tag in _META.finditer(_SCRIPT.sub("", source)):
        content = _CONTENT.search(tag[0])
        if content and _IS_REFRESH.search(tag[0]):
            stated = html.unescape(content[1] or content[2] or content[3] or "")
            if target := _refreshed(stated):
                return target
    return None


def _refreshed(value: str) -> str | None:
    """Return the address in the value of a refresh that does not wait for long (HTML 4.2.5.3)."""
    stated = _REFRESH.match(value)
    if stated is None or int(stated[1]) > MAX_REFRESH_S:
        return None
    return (stated[3] or stated[4] or "").strip()


def _by_script(source: str) -> str | None:
    """Return the address to which the page's script goes at once, if it does nothing else."""
    script = " ".join(found[1].strip() for found in _SCRIPT.finditer(source)).strip()
    if len(script) > MAX_STUB_SCRIPT or (found := _SET.search(script)) is None:
        return None
    if _CONDITION.search(script[: found.start()] + script[found.end() :]):
        return None
    return (found[2] or found[4]).replace("\\/", "/").strip()
