"""A long backfill in windows that workers can do side by side: groups of sources, each for a stretch of days.

Pure. Sources of one site are always in the same group (a shard), since more than one worker at a host brings nothing:
they would take turns there (`storage.state.turns`). So what runs side by side is different sites.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections import defaultdict
from dataclasses import dataclass
from urllib.parse import urlsplit

from config.sources import Source
from extractors.archives.routes import ROUTES
from extractors.period import Period, cut
from flows.passes.backfill_request import BackfillRequest

# Below these, names are given out at the third level: gov.kz, co.uk, com.tr (the usual ones of publicsuffix.org).
SHARED_SECOND_LEVELS = {"ac", "co", "com", "edu", "gov", "info", "mil", "net", "org", "press"}


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a backfill that one run takes on."""

    name: str  # of the group: "shard 3", or a route that is read once for all sources
    sources: tuple[str, ...]
    period: Period


def site_of(address: str) -> str:
    """Return the site of an address: the registered name without its subdomains."""
    host = (urlsplit(address).hostname or "").removeprefix("www.")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.split(".")
        shared = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in SHARED_SECOND_LEVELS
        return ".".join(labels[-3:] if shared else labels[-2:])
    return host


def shard_of(source: Source, shards: int) -> int:
    """Return the source's shard, from 0; the same on every machine and in every run."""
    digest = hashlib.blake2b(site_of(source.homepage).encode(), digest_size=8).digest()
    return int.from_bytes(digest) % shards


def shares(request: BackfillRequest, *, shards: int) -> list[Share]:
    """Return the parts of the backfill; those that can run side by side come first.

    Archives that are read by stretches of days are cut by these too. A sitemap, which is one list for any period, is
    not cut: each part would read it again. Files that sources share are read once for all of them.
    """
    groups: dict[tuple[str, int | None], list[str]] = defaultdict(list)
    for source in request.sources:
        if not (routes := request.routes(source)):
            continue
        name = routes[0].route
        route = ROUTES[name]
        group = name if route.shared else f"shard {shard_of(source, shards) + 1}"
        groups[group, route.window_days].append(source.id)
    found = [
        Share(name, tuple(ids), part)
        for (name, days), ids in groups.items()
        for part in cut(request.period, (), days=days)
    ]
    return sorted(found, key=lambda share: (share.period.first, share.name))
