"""A made-up archive route: an archive that answers with the addresses of two days, one a line."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from urllib.parse import urlencode

from extractors.archives.search import Listed, Search
from extractors.records import Entry


async def list_pigeon(search: Search) -> AsyncGenerator[Listed, None]:
    """The addresses that the archive has for the period."""
    query = urlencode({"from": search.period.first, "to": search.period.last})
    response = await search.ask(f"{search.route.url}?{query}")
    for line in response.body.decode().splitlines():
        yield Listed(Entry(line, response.url))
