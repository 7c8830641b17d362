"""Prefect's server behind a door: it does not start without a password, and answers only to its own names.

    uvicorn --factory flows.serving.prefect_server:app --host 127.0.0.1 --port 4200

Prefect's API runs whatever it is told to, and by default takes orders from every local user and every web page in the
operator's browser. Two of its own settings close that, and both must be set here: PREFECT_SERVER_API_AUTH_STRING, the
password ("user:password"), and PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS, the addresses under which the server is known
(http://prefect.example:4200). Their host names are those that a request may name: Prefect itself has no setting against
a web page that makes its own name point at this machine (DNS rebinding).

Prefect's pages hold a counting service, which asks another host at each page even if PREFECT_SERVER_ANALYTICS_ENABLED
is off. POLICY makes browsers refuse that, and everything else that is not on this server.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flows.serving.parameters import reversed_days

if TYPE_CHECKING:
    from fastapi import Request, Response
    from fastapi.middleware.trustedhost import TrustedHostMiddleware

HERE = ("127.0.0.1", "localhost")
# https://www.w3.org/TR/CSP3/. The picture of a run is drawn by code that is made while it runs, in a worker (PixiJS).
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


def app() -> TrustedHostMiddleware:
    """Return Prefect's API and pages, guarded. Ends the program with a sentence where a setting leaves them open."""
    from fastapi.middleware.trustedhost import TrustedHostMiddleware
    from prefect.server.api.server import create_app
    from prefect.settings import get_current_settings

    settings = get_current_settings().server.api
    if settings.auth_string is None or not settings.auth_string.get_secret_value():
        raise SystemExit("Prefect's server: found no password: set PREFECT_SERVER_API_AUTH_STRING=user:password")
    guarded = create_app(final=True)
    guarded.middleware("http")(closed)
    guarded.middleware("http")(checked)
    names = [*HERE, *host_names(settings.cors_allowed_origins.split(","))]
    return TrustedHostMiddleware(guarded, allowed_hosts=names, www_redirect=False)


async def closed(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    """Add POLICY to each answer."""
    response = await answer(request)
    response.headers["Content-Security-Policy"] = POLICY
    return response


async def checked(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse a run whose days are reversed, in the way in which Prefect refuses other wrong parameters."""
    from fastapi.responses import JSONResponse

    if request.method == "POST" and request.url.path.endswith("/create_flow_run"):
        with contextlib.suppress(ValueError, AttributeError):  # no JSON object: for Prefect to refuse
            if wrong := reversed_days((await request.json()).get("parameters") or {}):
                return JSONResponse({"detail": f"Error creating flow run: {wrong}"}, status_code=409)
    return await answer(request)


def host_names(origins: Sequence[str]) -> list[str]:
    """Return the host names of the `origins`. Ends the program with a sentence where one is no address."""
    found = [urlsplit(origin.strip()).hostname for origin in origins]
    if not all(name and "*" not in name for name in found):
        raise SystemExit(
            "Prefect's server: set PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS to the addresses under which it is known, "
            "such as http://prefect.example:4200"
        )
    return [name for name in found if name]
