"""The one table of routes to back issues: a row for each, and nothing else knows a route by its name.

A route is a function of a module of its own; `extractors.archives.search` defines its input and its results.
Functions are named here and loaded when they are first called: the configuration and the command line read this table
at every start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any, Literal

DATES = ("start", "end", "date", "monday", "year", "month", "day")
LIST = "urls"  # the route of a list of addresses that a command names


@dataclass(frozen=True, slots=True)
class Route:
    """The function of a route, and all that differs between routes outside their own modules."""

    function: str  # "module:name"
    shared_function: str | None = None  # the same for several sources in one reading
    shared: bool = False  # whether sources that name it with the same keys are always listed in one reading
    window_days: int | None = None  # at most, in one listing; None: it reads one list for any period, so once for all
    takes: tuple[str, ...] = ()  # the keys of `backfill` in sources.toml that mean something to it
    needs: str | None = None  # the key of these that it cannot do without
    placeholders: tuple[str, ...] = ()  # that its url may hold
    asks: Literal["site", "archive"] | None = None  # the source's own site, one archive for all sources; None: files

    def load(self) -> Callable[..., Any]:
        """Return the function that lists one source."""
        function: Callable[..., Any] = resolve_name(self.function)
        return function

    def load_shared(self) -> Callable[..., Any]:
        """Return the function that lists several sources."""
        assert self.shared_function is not None
        function: Callable[..., Any] = resolve_name(self.shared_function)
        return function


ROUTES: Mapping[str, Route] = {
    "sitemap": Route(
        "extractors.archives.sitemap:list_sitemap", takes=("url",), placeholders=(*DATES, "page"), asks="site"
    ),
    "wordpress": Route("extractors.archives.wordpress:list_wordpress", window_days=31, takes=("url",), asks="site"),
    "paged": Route(
        "extractors.archives.paged:list_paged", takes=("url",), needs="url", placeholders=("page",), asks="site"
    ),
    "wayback": Route("extractors.archives.wayback:list_wayback", window_days=31, takes=("url",), asks="archive"),
    "gdelt": Route("extractors.archives.gdelt:list_gdelt", window_days=31, takes=("query",), asks="archive"),
    "ccnews": Route(
        "extractors.archives.ccnews:list_ccnews", "extractors.archives.ccnews:list_ccnews_of", shared=True,
        window_days=7, takes=("file",),
    ),
    LIST: Route(
        "extractors.archives.lists:list_urls", "extractors.archives.lists:list_urls_of", takes=("file",), needs="file"
    ),
}  # fmt: skip
