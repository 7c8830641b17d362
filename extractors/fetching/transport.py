"""Connect to hosts: a connection pool for each, public addresses only, no proxy, errors in stable words."""

from __future__ import annotations

from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from urllib.request import Request

import httpcore
import httpx

from config.errors import EdgeError
from config.settings import Network
from extractors.fetching.addresses import GuardedBackend, parse_networks
from extractors.fetching.decoding import ACCEPT_ENCODING
from extractors.fetching.lenient import MendingStream, WatchedStream, WrappingBackend

KEEPALIVE_S = 30.0
MALFORMED = "malformed http"
CUT = ("server disconnected", "peer closed connection")  # httpcore's and h11's words for answers that are not whole


class MalformedAnswer(EdgeError):
    """The strict parser refused an answer. From now on the host's answers are read leniently."""


class PerHostTransport(httpx.AsyncBaseTransport):
    """A connection pool for each host; a host never has more than one request under way.

    A common pool would look through all its connections twice at each request: with 150 hosts that costs more than
    the request itself (httpcore 1.0, `_assign_requests_to_connections`).
    """

    def __init__(self, network: Network) -> None:
        self._guarded = GuardedBackend(parse_networks(network.allow_networks))
        self._tls = httpx.create_ssl_context(trust_env=False)
        self._pools: dict[bytes, httpx.AsyncHTTPTransport] = {}
        self._lenient: dict[bytes, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request through its host's pool. Raises MalformedAnswer the first time that it may be sent again."""
        origin = request.url.raw_scheme + request.url.netloc
        if (lenient := self._lenient.get(origin)) is not None:
            request.headers["Connection"] = "close"
            return _located(await lenient.handle_async_request(request))
        if (pool := self._pools.get(origin)) is None:
            pool = self._pools[origin] = self._pool(WrappingBackend(self._guarded, WatchedStream))
        await _drop_left_over(pool)
        try:
            return _located(await pool.handle_async_request(request))
        except httpx.RemoteProtocolError as exc:
            if not is_malformed(exc):
                raise
            self._lenient[origin] = self._pool(WrappingBackend(self._guarded, MendingStream), is_strict=False)
            raise MalformedAnswer(str(exc)) from exc

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in (*self._pools.values(), *self._lenient.values()):
            await pool.aclose()

    def _pool(self, backend: httpcore.AsyncNetworkBackend, *, is_strict: bool = True) -> httpx.AsyncHTTPTransport:
        """Return a pool; one that is not strict speaks HTTP/1.1 only, and closes its connection after each answer."""
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=int(is_strict), keepalive_expiry=KEEPALIVE_S)
        pool = httpx.AsyncHTTPTransport(verify=self._tls, http2=is_strict, limits=limits, trust_env=False)
        # httpx has no argument for the network backend; httpcore's pool reads this attribute at each connection.
        pool._pool._network_backend = backend
        return pool


async def _drop_left_over(pool: httpx.AsyncHTTPTransport) -> None:
    """Close idle connections on which bytes have followed an answer: they would be taken for the next answer.

    httpcore drops a connection whose socket holds bytes; those that h11 has read already, it does not look at.
    """
    for connection in pool._pool.connections:
        state = getattr(getattr(connection, "_connection", None), "_h11_state", None)
        if state is not None and state.trailing_data[0]:
            await connection.aclose()


def _located(response: httpx.Response) -> httpx.Response:
    """Take the Location header (RFC 9110, 10.2.2) out of an answer, as its bytes, into the extension "location".

    httpx would read it as text, in whatever encoding, and raise where it cannot, though it is not to follow it.
    """
    if locations := [value for name, value in response.headers.raw if name.lower() == b"location"]:
        response.extensions["location"] = locations[0]
        del response.headers["location"]
    return response


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


def is_malformed(exc: httpx.TransportError) -> bool:
    """Say whether an answer was no HTTP, or its HTTP/2 was reset: reading leniently, by HTTP/1.1, may help."""
    text = str(exc).lower()
    return isinstance(exc, httpx.RemoteProtocolError) and not text.startswith(CUT) and "no_error" not in text


def transport_reason(exc: httpx.TransportError) -> str:
    """Return a stable phrase for a class of failures. Reports count by it, so it holds no address and no number."""
    text = str(exc).lower()
    if isinstance(exc, httpx.TimeoutException):
        return "timeout"
    if "certificate" in text or "ssl" in text or "tls" in text:
        return "tls error"
    if isinstance(exc, httpx.ConnectError):
        return "connection refused"
    if is_malformed(exc):
        return MALFORMED
    return "connection broken"
