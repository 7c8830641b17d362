"""The request for a backfill, checked before anything is fetched or stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from config.errors import RequestError
from config.load import Config
from config.sources import Backfill, Source
from extractors.archives.lists import is_address, owner_finder, read_addresses
from extractors.archives.routes import LIST, ROUTES
from extractors.period import DAY, Period
from extractors.text import counted

EARLIEST = date(1995, 1, 1)  # no outlet has been on the web for longer


def signature(route: Backfill, source: Source) -> str:
    """Return the route with its address: a window that it has listed is complete as long as this stays."""
    own = source.homepage if ROUTES[route.route].asks == "site" else None
    return " ".join(filter(None, (route.route, route.url or route.query or route.file or own)))


@dataclass(frozen=True, slots=True)
class BackfillRequest:
    """A past period of some sources: by the routes they name, by one route, or through a list of addresses."""

    period: Period
    sources: tuple[Source, ...]
    via: str | None = None  # only this route
    addresses: Path | None = None  # a list to take on, instead of what archives name
    again: bool = False  # list windows anew that are complete, and open again what ended without an article
    skipped: tuple[str, ...] = ()  # addresses of that list that are of none of the sources

    def routes(self, source: Source) -> tuple[Backfill, ...]:
        """Return the routes to try for a source, in order; none where it names none, or `via` lacks what it needs."""
        if self.addresses is not None:
            return (Backfill(route=LIST, file=str(self.addresses.absolute())),)
        if self.via is None:
            return source.backfill
        own = tuple(route for route in source.backfill if route.route == self.via)
        return own or (() if ROUTES[self.via].needs else (Backfill(route=self.via),))

    def shared(self) -> dict[Backfill, list[Source]]:
        """Return the sources that are listed together, by the route of which one reading serves all of them."""
        found: dict[Backfill, list[Source]] = {}
        for source in self.sources:
            routes = self.routes(source)
            if routes and (self.addresses is not None or ROUTES[routes[0].route].shared):
                found.setdefault(routes[0], []).append(source)
        return found


def checked_request(
    config: Config,
    first: date,
    last: date,
    source_ids: Sequence[str] = (),
    *,
    via: str | None = None,
    addresses: Path | None = None,
    again: bool = False,
    today: date,
) -> BackfillRequest:
    """Return the request, without the days to come and the sources that a list of `addresses` does not touch.

    Raises RequestError when nothing could be done for any source, ConfigError for an unknown id.
    """
    period = checked_period(first, last, today=today)
    asked = BackfillRequest(period, config.select(source_ids), via, again=again)
    if via is not None and via not in ROUTES:
        raise RequestError(f'--via: found "{via}", expected one of {", ".join(ROUTES)}')
    if addresses is not None:
        if via not in (None, LIST):
            raise RequestError(f"--urls: found --via {via} as well, expected one of the two")
        return _with_addresses(asked, addresses)
    if via is not None and (needs := ROUTES[via].needs) and not any(map(asked.routes, asked.sources)):
        hint = ", or name one with --urls" if via == LIST else ""
        raise RequestError(
            f'--via {via}: found no source with a {needs} for it; give one a backfill = {{ route = "{via}", '
            f'{needs} = "…" }} in sources.toml{hint}'
        )
    return asked


def checked_period(first: date, last: date, *, today: date) -> Period:
    """Return the period, without the days to come. Raises RequestError."""
    tomorrow = today + DAY  # it is later in Asia than here
    if last < first:
        raise RequestError(f"--to: {last} is before --from {first}")
    if first > tomorrow:
        raise RequestError(f"--from: {first} lies in the future")
    if first < EARLIEST:
        raise RequestError(f"--from: found {first}, expected no day before {EARLIEST}")
    return Period(first, min(last, tomorrow))


def _with_addresses(asked: BackfillRequest, path: Path) -> BackfillRequest:
    """Return the request for the addresses in a file; lines that are no address at all are left to the listing."""
    owner_of, owners, skipped, wrong = owner_finder(asked.sources), set(), [], 0
    try:
        for _, address, _ in read_addresses(path):
            if not is_address(address):
                wrong += 1
            elif owner := owner_of(address):
                owners.add(owner.id)
            else:
                skipped.append(address)
    except OSError as error:
        raise RequestError(f"--urls: {path} cannot be read: {error.strerror}") from error
    if not owners:
        found = counted(len(skipped), "address") + (f" and {counted(wrong, 'other line')}" if wrong else "")
        raise RequestError(f"--urls: found {found} in {path}, expected addresses on sites of the sources chosen")
    sources = tuple(source for source in asked.sources if source.id in owners)
    return replace(asked, sources=sources, addresses=path, skipped=tuple(skipped))
