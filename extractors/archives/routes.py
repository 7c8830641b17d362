"""From a source and a period to entries: one function for every route.

What a route dates outside the window is left out and counted; so is what its address alone dates there, or what was
there before the window began. What nothing dates is kept: the page will tell.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

from config.settings import Archives
from config.sources import Backfill, Source
from extractors.archives.ccnews import list_ccnews, list_ccnews_of
from extractors.archives.gdelt import list_gdelt
from extractors.archives.lists import list_urls, list_urls_of
from extractors.archives.paged import list_paged
from extractors.archives.search import Listed, Parse, Route, Search, Tally, parse_in_thread
from extractors.archives.sitemap import list_sitemap
from extractors.archives.wayback import list_wayback
from extractors.archives.window import Window
from extractors.archives.wordpress import list_wordpress
from extractors.dates.addresses import address_days
from extractors.fetching.client import Client
from extractors.records import ItemError

ROUTES: Mapping[str, Route] = {
    "sitemap": list_sitemap,
    "wordpress": list_wordpress,
    "paged": list_paged,
    "wayback": list_wayback,
    "gdelt": list_gdelt,
    "ccnews": list_ccnews,
    "urls": list_urls,
}
SHARED: Mapping[str, Callable[[Search, Sequence[Source]], AsyncGenerator[tuple[str, Listed], None]]] = {
    "ccnews": list_ccnews_of,
    "urls": list_urls_of,
}


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def list_entries(
    client: Client,
    source: Source,
    route: Backfill,
    window: Window,
    archives: Archives,
    *,
    tally: Tally,
    now: Callable[[], datetime] = _utc_now,
    parse: Parse = parse_in_thread,
    folder: Path = Path(),
) -> AsyncGenerator[Listed, None]:
    """What a route finds of a source in a window: each address once, in the order in which the route comes on it.

    `tally` is filled meanwhile; `folder` is what relative file names stand on. Raises ItemError when the route does
    not work for this source: then nothing was listed, and another route may be tried. What fails after the first
    entry stands in `tally.problems`; with any there, the window is not complete.
    """
    search = Search(client, source, route, window, archives, now, tally, parse, folder)
    sieve = _Sieve(window, tally)
    try:
        async with aclosing(ROUTES[route.route](search)) as found:
            async for listed in found:
                if sieve.passes(listed):
                    yield listed
    except ItemError as error:
        tally.problems.append(error)
    _raise_if_nothing_worked(tally)


async def list_shared_entries(
    client: Client,
    sources: Sequence[Source],
    route: Backfill,
    window: Window,
    archives: Archives,
    *,
    tally: Tally,
    now: Callable[[], datetime] = _utc_now,
    folder: Path = Path(),
) -> AsyncGenerator[tuple[str, Listed], None]:
    """As `list_entries` by one of the SHARED routes, for several sources in one reading: a source's id and an entry.

    Each file of Common Crawl is a gigabyte: reading them once for each source would be absurd.
    """
    search = Search(client, sources[0], route, window, archives, now, tally, folder=folder)
    sieves = {source.id: _Sieve(window, tally) for source in sources}
    try:
        async with aclosing(SHARED[route.route](search, sources)) as found:
            async for source_id, listed in found:
                if sieves[source_id].passes(listed):
                    yield source_id, listed
    except ItemError as error:
        tally.problems.append(error)
    _raise_if_nothing_worked(tally)


def _raise_if_nothing_worked(tally: Tally) -> None:
    if tally.problems and not tally.listed:
        raise tally.problems[0]


class _Sieve:
    """Lets each address through once, and none that is dated outside the window."""

    def __init__(self, window: Window, tally: Tally) -> None:
        self._window = window
        self._tally = tally
        self._known: set[str] = set()

    def passes(self, listed: Listed) -> bool:
        """Whether to list this one."""
        if listed.entry.url in self._known:
            self._tally.again += 1
            return False
        self._known.add(listed.entry.url)
        if self._is_outside(listed):
            self._tally.outside += 1
            return False
        self._tally.listed += 1
        return True

    def _is_outside(self, listed: Listed) -> bool:
        published = listed.entry.published
        if published is not None:
            return not self._window.start <= published < self._window.end
        if listed.not_after is not None and listed.not_after < self._window.start:
            return True
        days = address_days(listed.entry.url)
        return days is not None and self._window.side(days) != 0
