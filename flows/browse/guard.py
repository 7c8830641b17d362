"""Who may look: requests that name the reading room's own address, and forms that it made itself.

The room is a server on this machine, so any web page in the reader's browser may send it requests. A request is
answered only under a host name of the room's own (against DNS rebinding), a form is taken only from one of its own
pages (Origin, and a token that no other page can read), and answers can be neither framed nor made to load anything
from elsewhere (Content-Security-Policy). Behind a proxy, others reach it: then a password is asked for (RFC 7617).
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with "no-referrer" browsers send our own forms with "Origin: null"
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
MAX_FORM = 10_000  # bytes
Answer = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Access:
    """The addresses under which the room is known, such as http://127.0.0.1:8470, and its password if it needs one."""

    origins: tuple[str, ...]
    password: str | None = None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    def hosts(self) -> set[str]:
        """Return the values of Host that are answered."""
        return {urlsplit(origin).netloc for origin in self.origins}


def door(access: Access) -> Callable[[Request, Answer], Awaitable[Response]]:
    """Return the function through which every request goes to its page."""

    async def guard(request: Request, answer: Answer) -> Response:
        response = await answer(request) if (refused := _refusal(access, request)) is None else refused
        response.headers.update(HEADERS)
        return response

    return guard


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form; none of one that is longer than any of ours."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM:
            return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def sent_by_us(access: Access, request: Request, form: Mapping[str, str]) -> bool:
    """Tell whether a form came from one of the room's own pages."""
    known = secrets.compare_digest(form.get("token", "").encode(), access.token.encode())
    return known and request.headers.get("origin") in access.origins


def _refusal(access: Access, request: Request) -> Response | None:
    if request.headers.get("host") not in access.hosts():
        return PlainTextResponse("This is not an address of this page.", 421)
    fetched_by = request.headers.get("sec-fetch-site", "none"), request.headers.get("sec-fetch-mode")
    if fetched_by[0] not in ("none", "same-origin") and fetched_by[1] != "navigate":  # not a link that is followed
        return PlainTextResponse("Another site's page may link to this one, and no more.", 403)
    if access.password is not None and not _knows(access.password, request.headers.get("authorization", "")):
        asked = {"WWW-Authenticate": 'Basic realm="c5watch", charset="UTF-8"'}
        return PlainTextResponse("A password is needed.", 401, headers=asked)
    return None


def _knows(password: str, authorization: str) -> bool:
    scheme, _, credentials = authorization.partition(" ")
    try:
        _, _, given = base64.b64decode(credentials, validate=True).partition(b":")
    except ValueError:
        return False
    return scheme.lower() == "basic" and secrets.compare_digest(given, password.encode())
