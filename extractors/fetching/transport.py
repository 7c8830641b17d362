"""Connect to hosts: a connection pool for each, public addresses only, no proxy, errors in stable words."""

from __future__ import annotations

from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from urllib.request import Request

import httpx

from config.settings import Network
from extractors.fetching.addresses import GuardedBackend, parse_networks
from extractors.fetching.decoding import ACCEPT_ENCODING

KEEPALIVE_S = 30.0


class PerHostTransport(httpx.AsyncBaseTransport):
    """A connection pool for each host; a host never has more than one request under way.

    A common pool would look through all its connections twice at each request: with 150 hosts that costs more than
    the request itself (httpcore 1.0, `_assign_requests_to_connections`).
    """

    def __init__(self, network: Network) -> None:
        self._backend = GuardedBackend(parse_networks(network.allow_networks))
        self._tls = httpx.create_ssl_context(trust_env=False)
        self._limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEPALIVE_S)
        self._pools: dict[bytes, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request through its host's pool."""
        origin = request.url.raw_scheme + request.url.netloc
        pool = self._pools.get(origin)
        if pool is None:
            pool = httpx.AsyncHTTPTransport(verify=self._tls, http2=True, limits=self._limits, trust_env=False)
            # httpx has no argument for the network backend; httpcore's pool reads this attribute at each connection.
            pool._pool._network_backend = self._backend
            self._pools[origin] = pool
        return await pool.handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            await pool.aclose()


class PlainCookies(DefaultCookiePolicy):
    """Accepts only cookies that a request can contain: at others httpx fails, with every later request."""

    def set_ok(self, cookie: Cookie, request: Request) -> bool:
        """Say whether to keep a cookie."""
        text = f"{cookie.name}{cookie.value}"
        return text.isascii() and text.isprintable() and super().set_ok(cookie, request)


def open_httpx(network: Network) -> httpx.AsyncClient:
    """Return httpx's client with our transport and headers. It does not follow redirects."""
    return httpx.AsyncClient(
        transport=PerHostTransport(network),
        headers={"User-Agent": network.user_agent, "Accept-Encoding": ACCEPT_ENCODING},
        cookies=CookieJar(PlainCookies()),
        timeout=httpx.Timeout(network.timeout),
        follow_redirects=False,
        trust_env=False,  # a proxy would connect for us, past the address check
    )


def transport_reason(exc: httpx.TransportError) -> str:
    """Return a stable phrase for a class of failures. Reports count by it, so it holds no address and no number."""
    text = str(exc).lower()
    if isinstance(exc, httpx.TimeoutException):
        return "timeout"
    if "certificate" in text or "ssl" in text or "tls" in text:
        return "tls error"
    if "location header" in text:  # httpx reads it even where it is not to follow it
        return "invalid redirect"
    if isinstance(exc, httpx.ConnectError):
        return "connection refused"
    return "connection broken"
