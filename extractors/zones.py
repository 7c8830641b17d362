"""The time zones in which the outlets of a country date their articles."""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

# For countries with several zones: the zone of the capital, the seat of the national press (Astana has been UTC+5 since
# March 2024, which the zone database knows).
ZONES = {
    "KZ": "Asia/Almaty", "UZ": "Asia/Tashkent", "KG": "Asia/Bishkek", "TJ": "Asia/Dushanbe", "TM": "Asia/Ashgabat",
    "RU": "Europe/Moscow", "US": "America/New_York", "GB": "Europe/London", "FR": "Europe/Paris", "DE": "Europe/Berlin",
    "AZ": "Asia/Baku", "TR": "Europe/Istanbul", "CN": "Asia/Shanghai", "LV": "Europe/Riga", "AM": "Asia/Yerevan",
    "GE": "Asia/Tbilisi", "BY": "Europe/Minsk", "UA": "Europe/Kyiv", "CZ": "Europe/Prague", "AE": "Asia/Dubai",
    "QA": "Asia/Qatar", "IN": "Asia/Kolkata", "PK": "Asia/Karachi", "IR": "Asia/Tehran", "JP": "Asia/Tokyo",
    "KR": "Asia/Seoul", "BE": "Europe/Brussels", "CH": "Europe/Zurich", "MN": "Asia/Ulaanbaatar",
}  # fmt: skip


# Domains of the countries above that differ from the code of the country.
_COUNTRY_OF_DOMAIN = {"uk": "GB", "su": "RU", "gov": "US", "mil": "US"}


def zone_of(country: str) -> tzinfo:
    """Return the publisher's zone for an ISO 3166-1 country; UTC if the country is not known."""
    name = ZONES.get(country)
    return ZoneInfo(name) if name else UTC


def zone_of_host(host: str) -> tzinfo:
    """Return the zone for the domain of `host` ("kun.uz"), for publishers of which nothing else is known."""
    domain = host.rpartition(".")[2].lower()
    return zone_of(_COUNTRY_OF_DOMAIN.get(domain, domain.upper()))
