"""Route "urls": addresses from a file of our own.

A line holds an address, after a tab perhaps the date of publication; empty lines and lines with "#" first are notes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from config.sources import Source
from extractors.archives.search import Listed, Search
from extractors.dates.moments import parse_date
from extractors.feeds.encoding import decode
from extractors.feeds.links import resolve
from extractors.records import Entry, ItemError, Outcome
from extractors.text import clean_line
from extractors.urls import canonical_host, same_site
from extractors.zones import zone_of

SHOWN = 100  # characters of a wrong line that are quoted
Line = tuple[int, str, str]  # its number, the address, the date or ""


async def list_urls(search: Search) -> AsyncGenerator[Listed, None]:
    """Yield the addresses in the file, in its order. Raises ItemError when it cannot be read; notes a wrong line."""
    for line in await _lines(search):
        if _is_address(search, line):
            yield _listed(search, line, search.source)


async def list_urls_of(search: Search, sources: Sequence[Source]) -> AsyncGenerator[tuple[str, Listed], None]:
    """Yield each address with the id of the source on whose site it is; leave out those of no source."""
    owner_of = owner_finder(sources)
    for line in await _lines(search):
        if _is_address(search, line) and (owner := owner_of(line[1])):
            yield owner.id, _listed(search, line, owner)


def owner_finder(sources: Sequence[Source]) -> Callable[[str], Source | None]:
    """Return a function from an address to the source on whose host, else on whose site, it is; None for any other."""
    by_host: dict[str, Source | None] = {}
    for source in reversed(sources):
        by_host[canonical_host(urlsplit(source.homepage).hostname or "")] = source

    def owner_of(url: str) -> Source | None:
        try:
            host = canonical_host(urlsplit(url).hostname or "")
        except ValueError:
            return None
        if host not in by_host:
            by_host[host] = next((source for source in sources if same_site(source.homepage, url)), None)
        return by_host[host]

    return owner_of


def read_addresses(path: Path) -> Iterator[Line]:
    """Yield the lines of the file that are no notes. Raises OSError."""
    for number, text in enumerate(decode(path.read_bytes()).text.splitlines(), 1):
        address, _, stated = (part.strip() for part in text.partition("\t"))
        if address and not address.startswith("#"):
            yield number, address, stated


def is_address(text: str) -> bool:
    """Say whether a line of the list names a page, wherever that is."""
    return resolve(text, base="") is not None


async def _lines(search: Search) -> list[Line]:
    path = _path(search)
    try:
        lines = await asyncio.to_thread(lambda: list(read_addresses(path)))
    except OSError as exc:
        raise ItemError(Outcome.FAILED, "file cannot be read", url=str(path), detail=exc.strerror or str(exc)) from exc
    search.count_document(str(path))
    return lines


def _is_address(search: Search, line: Line) -> bool:
    number, address, _ = line
    if not is_address(address):
        search.tally.wrong_lines.append(f"{_named(search, number, address)} is no address and is left out")
        return False
    return True


def _listed(search: Search, line: Line, source: Source) -> Listed:
    number, address, stated = line
    url = resolve(address, base="")
    assert url is not None
    published = parse_date(stated, zone=zone_of(source.country), now=search.now()) if stated else None
    if stated and published is None:
        search.tally.wrong_lines.append(f"{_named(search, number, stated)} is no date; the page is to say its own")
    path = _path(search)
    return Listed(Entry(url, path.as_uri() if path.is_absolute() else str(path), published=published))


def _path(search: Search) -> Path:
    assert search.route.file is not None  # the configuration sees to it
    return search.folder / search.route.file


def _named(search: Search, number: int, found: str) -> str:
    return f'{_path(search).name}, line {number}: "{clean_line(found)[:SHOWN]}"'
