"""Prefect's server behind a door: it starts with a password only, and answers to its own names only.

    uvicorn --factory flows.serving.prefect_server:app --host 127.0.0.1 --port 4200

Prefect's API runs whatever it is told to, and by default takes orders from every local user and every web page in the
operator's browser. Two of its own settings close that, and both must be set here: PREFECT_SERVER_API_AUTH_STRING, the
password ("user:password"), and PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS, the addresses under which the server is known
(http://prefect.example:4200). Their host names are those that a request may name: Prefect itself has no setting against
a web page that makes its own name point at this machine (DNS rebinding).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from fastapi.middleware.trustedhost import TrustedHostMiddleware

HERE = ("127.0.0.1", "localhost")


def app() -> TrustedHostMiddleware:
    """Return Prefect's API and pages, guarded. Ends the program with a sentence where a setting leaves them open."""
    from fastapi.middleware.trustedhost import TrustedHostMiddleware
    from prefect.server.api.server import create_app
    from prefect.settings import get_current_settings

    settings = get_current_settings().server.api
    if settings.auth_string is None or not settings.auth_string.get_secret_value():
        raise SystemExit("Prefect's server: found no password: set PREFECT_SERVER_API_AUTH_STRING=user:password")
    return TrustedHostMiddleware(
        create_app(final=True),
        allowed_hosts=[*HERE, *host_names(settings.cors_allowed_origins.split(","))],
        www_redirect=False,
    )


def host_names(origins: Sequence[str]) -> list[str]:
    """Return the host names of the `origins`. Ends the program with a sentence where one is no address."""
    found = [urlsplit(origin.strip()).hostname for origin in origins]
    if not all(name and "*" not in name for name in found):
        raise SystemExit(
            "Prefect's server: set PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS to the addresses under which it is known, "
            "such as http://prefect.example:4200"
        )
    return [name for name in found if name]
