"""Which addresses a socket may go to."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.fetching.addresses import is_allowed, parse_networks

RULES = [
    # name, address, allowed without further networks
    ("public v4", "8.8.8.8", True),
    ("another public v4", "185.4.180.10", True),
    ("public v6", "2a00:1450:4001:800::200e", True),
    ("private class A", "10.1.2.3", False),
    ("private class B", "172.16.0.1", False),
    ("beside private class B", "172.32.0.1", True),
    ("private class C", "192.168.1.1", False),
    ("loopback", "127.0.0.1", False),
    ("other loopback", "127.8.9.10", False),
    ("link-local", "169.254.1.1", False),
    ("cloud metadata", "169.254.169.254", False),
    ("carrier-grade NAT", "100.64.0.1", False),
    ("benchmarks", "198.18.0.1", False),
    ("documentation", "192.0.2.1", False),
    ("this network", "0.0.0.0", False),
    ("broadcast", "255.255.255.255", False),
    ("reserved", "240.0.0.1", False),
    ("multicast", "224.0.0.1", False),
    ("multicast that is global", "233.252.1.1", False),
    ("v6 unspecified", "::", False),
    ("v6 loopback", "::1", False),
    ("v6 link-local", "fe80::1", False),
    ("v6 link-local with its interface", "fe80::1%eth0", False),
    ("v6 unique local fc", "fc00::1", False),
    ("v6 unique local fd", "fd12:3456:789a::1", False),
    ("v6 multicast", "ff02::1", False),
    ("v6 multicast that is global", "ff0e::1", False),
    ("v6 documentation", "2001:db8::1", False),
    ("mapped loopback", "::ffff:127.0.0.1", False),
    ("mapped metadata", "::ffff:169.254.169.254", False),
    ("mapped public", "::ffff:8.8.8.8", True),
    ("6to4 of private", "2002:0a01:0203::1", False),
    ("6to4 of loopback", "2002:7f00:0001::1", False),
    ("NAT64 of private", "64:ff9b::10.0.0.1", False),
    ("NAT64 of metadata", "64:ff9b::a9fe:a9fe", False),
    ("NAT64 of public", "64:ff9b::8.8.8.8", True),
    ("NAT64 for local use", "64:ff9b:1::a00:1", False),
    ("v6 site-local", "fec0::1", False),
    ("v4-compatible loopback", "::127.0.0.1", False),
    ("v6 not given out", "4000::1", False),
    ("Teredo of private", "2001:0:4136:e378:8000:63bf:f5fe:fdfc", False),
]

WITH_NETWORKS = [
    # name, address, networks, allowed
    ("inside", "127.0.0.1", ["127.0.0.0/8"], True),
    ("beside", "127.0.0.2", ["127.0.0.1/32"], False),
    ("another network", "10.0.0.1", ["127.0.0.0/8", "192.168.0.0/16"], False),
    ("second network", "192.168.7.7", ["127.0.0.0/8", "192.168.0.0/16"], True),
    ("v6 inside", "::1", ["::1/128"], True),
    ("v6 is not opened by v4", "::1", ["127.0.0.0/8"], False),
    ("mapped is judged as v4", "::ffff:127.0.0.1", ["127.0.0.0/8"], True),
    ("mapped is not opened by v6", "::ffff:127.0.0.1", ["::/0"], False),
    ("metadata beside loopback", "169.254.169.254", ["127.0.0.0/8"], False),
    ("public all the same", "8.8.8.8", ["127.0.0.0/8"], True),
]


@pytest.mark.parametrize(("address", "allowed"), [row[1:] for row in RULES], ids=[row[0] for row in RULES])
def test_only_public_addresses_are_allowed(address: str, allowed: bool) -> None:
    assert is_allowed(address, ()) is allowed


@pytest.mark.parametrize(
    ("address", "networks", "allowed"), [row[1:] for row in WITH_NETWORKS], ids=[row[0] for row in WITH_NETWORKS]
)
def test_configured_networks_are_allowed_and_nothing_else(address: str, networks: list[str], allowed: bool) -> None:
    assert is_allowed(address, parse_networks(networks)) is allowed


@given(st.ip_addresses(v=4))
def test_no_wrapping_opens_an_address_that_is_closed(inner: ipaddress.IPv4Address) -> None:
    high = int(inner) << 80
    wrapped = {
        "mapped": ipaddress.IPv6Address(0xFFFF << 32 | int(inner)),
        "6to4": ipaddress.IPv6Address(0x2002 << 112 | high),
        "NAT64": ipaddress.IPv6Address(0x0064FF9B << 96 | int(inner)),
        "Teredo": ipaddress.IPv6Address(0x20010000 << 96 | (int(inner) ^ 0xFFFFFFFF)),
    }
    if not is_allowed(str(inner), ()):
        assert [name for name, address in wrapped.items() if is_allowed(str(address), ())] == []
