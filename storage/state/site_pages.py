"""The lines of each site's newest pages (`extractors.blocks.memory`), to find lines that a site prints on all pages.

The addresses of these pages show what articles' addresses look like there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.records import Result
from extractors.urls import canonical_host
from storage.index.dialects import by_code_point, insert_for
from storage.index.schema import site_pages

KEPT = 50  # pages of a site


class SitePage(NamedTuple):
    """A page's lines as they are stored: 8 bytes for the headline, 8 for each line."""

    site: str
    key: str
    lines: bytes


def pages_of(results: Iterable[Result]) -> list[SitePage]:
    """Return the lines to store of these results."""
    return [
        SitePage(canonical_host(urlsplit(result.url).hostname or ""), result.key, result.article.lines)
        for result in results
        if result.article and result.article.lines and result.url
    ]


async def load_site_pages(connection: AsyncConnection, sites: Collection[str]) -> list[SitePage]:
    """Return the stored pages of these sites, the oldest first."""
    query = select(site_pages.c.site, site_pages.c.key, site_pages.c.lines).where(site_pages.c.site.in_(sorted(sites)))
    rows = await connection.execute(query.order_by(site_pages.c.seen_at, by_code_point(site_pages.c.key)))
    return [SitePage(*row) for row in rows]


async def load_known_articles(connection: AsyncConnection, sections: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return for each of these addresses the canonical ones of its host's newest pages that held an article."""
    hosts = {url: canonical_host(urlsplit(url).hostname or "") for url in sections}
    if not hosts:
        return {}
    query = select(site_pages.c.site, site_pages.c.key).where(site_pages.c.site.in_(sorted(set(hosts.values()))))
    found: dict[str, list[str]] = defaultdict(list)
    for site, key in await connection.execute(query.order_by(by_code_point(site_pages.c.key))):
        found[site].append(key)
    return {url: tuple(found[host]) for url, host in hosts.items()}


async def store_site_pages(connection: AsyncConnection, pages: Sequence[SitePage], *, now: datetime) -> None:
    """Store these pages; keep only the newest pages of their sites."""
    if not pages:
        return
    newest = {(page.site, page.key): page for page in pages}
    statement = insert_for(connection, site_pages)
    new = {"seen_at": statement.excluded.seen_at, "lines": statement.excluded.lines}
    keys = [site_pages.c.site, site_pages.c.key]
    rows = [{"site": p.site, "key": p.key, "seen_at": now, "lines": p.lines} for p in newest.values()]
    await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=new), rows)
    rank = func.row_number().over(
        partition_by=site_pages.c.site, order_by=(site_pages.c.seen_at.desc(), by_code_point(site_pages.c.key).desc())
    )
    sites = sorted({page.site for page in pages})
    ranked = select(*keys, rank.label("rank")).where(site_pages.c.site.in_(sites)).subquery()
    old = select(ranked.c.site, ranked.c.key).where(ranked.c.rank > KEPT)
    await connection.execute(delete(site_pages).where(tuple_(*keys).in_(old)))
