"""Read robots.txt (RFC 9309).

The answer 2xx brings rules; 4xx means that there are none; 429, 5xx and no answer mean "not now". A copy is used for
a day, and for a month if no newer copy can be fetched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from protego import Protego

FRESH = timedelta(days=1)
USABLE = timedelta(days=30)
MAX_BYTES = 512 * 1024  # RFC 9309, 2.5: at least 500 KiB are read
VERSION = re.compile(r"(?:^|(?<=\r))([ \t]*user-agent[ \t]*:[ \t]*[\w-]+)/\S*", re.IGNORECASE | re.MULTILINE)
MAX_CRAWL_DELAY_S = 120.0  # a longer delay is cut to this; such a host gives few pages a pass


@dataclass(frozen=True, slots=True)
class RobotsFile:
    """A robots.txt as fetched; the text is empty if the host has none."""

    text: str
    fetched_at: datetime

    def is_fresh(self, now: datetime) -> bool:
        """Say whether it need not be fetched again yet."""
        return timedelta(0) <= now - self.fetched_at < FRESH  # a moment still to come was noted by a wrong clock

    def is_usable(self, now: datetime) -> bool:
        """Say whether it may be used if no newer copy can be fetched."""
        return now - self.fetched_at < USABLE

    def allows(self, url: str, user_agent: str) -> bool:
        """Say whether the rules for our product token allow `url`."""
        return not self.text or bool(_parsed(self.text).can_fetch(url, product_token(user_agent)))

    def sitemaps(self) -> tuple[str, ...]:
        """Return the values of the Sitemap lines in their order; they are for all robots, and not always absolute."""
        return tuple(_parsed(self.text).sitemaps) if self.text else ()

    def crawl_delay_s(self, user_agent: str) -> float:
        """Return the gap in seconds that the host asks for between two requests; 0 if it names none."""
        delay = _parsed(self.text).crawl_delay(product_token(user_agent)) if self.text else None
        return min(max(float(delay or 0), 0.0), MAX_CRAWL_DELAY_S)


def decode_robots(body: bytes) -> str:
    """Return the text of a robots.txt, which is UTF-8 by the standard; other bytes become U+FFFD."""
    return body[:MAX_BYTES].decode("utf-8-sig", errors="replace").replace("\0", "")


def product_token(user_agent: str) -> str:
    """Return the name that rules are matched against: "c5watch" of "c5watch/1.0 (+https://…)"."""
    return user_agent.split("/")[0].split()[0]


@lru_cache(maxsize=512)
def _parsed(text: str) -> Protego:
    return Protego.parse(VERSION.sub(r"\1", text))  # RFC 9309, 2.2.1: a product token has no version
