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

from extractors.charsets import marked_codec

FRESH = timedelta(days=1)
USABLE = timedelta(days=30)
MAX_BYTES = 512 * 1024  # RFC 9309, 2.5: at least 500 KiB are read
MAX_CRAWL_DELAY_S = 120.0  # a longer delay is cut to this; such a host gives few pages a pass

_AGENT = re.compile(r"(?:user[-_ ]?agents?|useg-agent)(?:[ \t]*:|[ \t])", re.IGNORECASE)
_DISALLOW = re.compile(r"(?:d[ei]s+al+[ao]w|diasllow)(?=[ \t]*:)", re.IGNORECASE)
_KNOWN = re.compile(r"(?:user-agent|disallow|allow|sitemap|crawl-delay|request-rate|visit-time|host)\b", re.IGNORECASE)
_OTHER = re.compile(r"[\w-]{1,60}[ \t]*:")
_BREAK = re.compile(r"<br */?>$", re.IGNORECASE)


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
        token = product_token(user_agent)
        return not self.text or bool(_parsed(self.text, token).can_fetch(url, token))

    def sitemaps(self) -> tuple[str, ...]:
        """Return the values of the Sitemap lines in their order; they are for all robots, and not always absolute."""
        return tuple(_parsed(self.text, "*").sitemaps) if self.text else ()

    def crawl_delay_s(self, user_agent: str) -> float:
        """Return the gap in seconds that the host asks for between two requests; 0 if it names none."""
        token = product_token(user_agent)
        delay = _parsed(self.text, token).crawl_delay(token) if self.text else None
        return min(max(float(delay or 0), 0.0), MAX_CRAWL_DELAY_S)


def decode_robots(body: bytes) -> str:
    """Return the text of a robots.txt, which is UTF-8 by the standard; other bytes become U+FFFD.

    Windows' editors save it as UTF-16, with a byte order mark.
    """
    text = body[:MAX_BYTES].decode(marked_codec(body) or "utf-8", errors="replace")
    return text.removeprefix("\ufeff").replace("\0", "")


def product_token(user_agent: str) -> str:
    """Return the name that rules are matched against: "c5watch" of "c5watch/1.0 (+https://…)"."""
    return user_agent.split("/")[0].split()[0]


@lru_cache(maxsize=512)
def _parsed(text: str, token: str) -> Protego:
    return Protego.parse(_mended(text, token))


def _mended(text: str, token: str) -> str:
    """Return a robots.txt with the commonest faults mended, as Google's parser and others do.

    A group is ours if our `token` is among the names of its User-agent line, with versions, comments and commas. Typing
    errors, `<br>` at the end of lines and lines of other kinds (RFC 9309, 2.2.4) stand in nobody's way.
    """
    lines = [line.strip(" \t") for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    mended = []
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if line.endswith(">"):
            line = _BREAK.sub("", line)
        if agent := _AGENT.match(line):
            line = f"User-agent: {_agent(line[agent.end() :], token)}"
        elif misspelt := _DISALLOW.match(line):
            line = f"Disallow{line[misspelt.end() :]}"
        elif after and not _KNOWN.match(line) and _OTHER.match(line):
            continue  # Protego takes it for the end of a group; before a blank line it may be meant so
        mended.append(line)
    return "\n".join(mended)


def _agent(value: str, token: str) -> str:
    """Return the name that a User-agent line is for: ours if it is among the names, else the first one."""
    value = value.partition("#")[0].strip()
    if value.startswith("*"):
        return "*"
    names = re.findall(r"[\w-]+", value)
    return next((name for name in names if name.lower() == token.lower()), next(iter(names), value))
