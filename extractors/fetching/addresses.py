"""Connect to public addresses only, checked on the address that the socket really goes to.

A feed is text from a stranger: its links may point at our own network (SSRF), directly, through a redirect or
through a DNS name. Checking names or URLs beforehand can be tricked by a DNS server that answers twice
differently, so the check stands between name resolution and `connect`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable, Sequence
from typing import Any

import httpcore

from config.errors import EdgeError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")  # everything that IANA has assigned for global use
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: carries an IPv4 address in its last 32 bits


class UnsafeAddress(EdgeError):
    """The host resolves to no address that we may connect to."""


def parse_networks(networks: Iterable[str]) -> tuple[IPNetwork, ...]:
    """Return networks such as "127.0.0.0/8" as values; they were checked with the configuration."""
    return tuple(ipaddress.ip_network(n) for n in networks)


def is_allowed(address: str, networks: Sequence[IPNetwork]) -> bool:
    """Say whether a socket may connect to `address`: globally routable, or inside one of `networks`.

    An IPv4 address wrapped in IPv6 (mapped, 6to4, Teredo, NAT64) is judged by the address inside.
    """
    ip: IPAddress = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in NAT64:
            return is_allowed(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)), networks)
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None:
            return is_allowed(str(inner), networks)
    if any(ip in network for network in networks):
        return True
    if isinstance(ip, ipaddress.IPv6Address) and ip not in GLOBAL_V6:
        return False  # ipaddress calls addresses global that no registry lists: site-local, IPv4-compatible
    return ip.is_global and not ip.is_multicast


class HostNotFound(EdgeError):
    """The host's name cannot be resolved."""


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """httpcore's network backend, with the address check between resolving and connecting."""

    def __init__(self, networks: Sequence[IPNetwork]) -> None:
        self._networks = networks
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first allowed address that answers. Raises HostNotFound; UnsafeAddress if none is allowed."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as exc:
            raise HostNotFound(exc.strerror or str(exc)) from exc
        except UnicodeError as exc:  # labels that are empty or too long for IDNA
            raise HostNotFound(f"not a host name: {exc}") from exc
        addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
        allowed = [a for a in addresses if is_allowed(a, self._networks)]
        if not allowed:
            raise UnsafeAddress(f"{host} is at {', '.join(addresses[:3])}")
        for position, address in enumerate(allowed, 1):
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout=timeout, local_address=local_address, socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if position == len(allowed):
                    raise
        raise AssertionError("unreachable: `allowed` is not empty")

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: no URL leads to a socket file."""
        raise UnsafeAddress(path)

    async def sleep(self, seconds: float) -> None:
        """Wait, as httpcore does between its own connection attempts."""
        await asyncio.sleep(seconds)
