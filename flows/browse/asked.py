"""What a reader has asked for: the query of a list's address as filters, and the addresses that change one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

ONLY = ("borderline", "reprinted", "late", "undated")
FILTERS = ("source", "about", "country", "language", "only")
MOST = 50  # values of one filter: an address that a person made has a handful
MAX_QUERY = 500  # characters
MAX_NUMBER = 2**31 - 1  # of an article: PostgreSQL's integers


@dataclass(frozen=True, slots=True)
class Asked:
    """The query of a list's address; values that make no sense are left out of it."""

    q: str = ""
    first: date | None = None
    last: date | None = None
    source: tuple[str, ...] = ()
    about: tuple[str, ...] = ()  # countries of the story
    country: tuple[str, ...] = ()  # of the source
    language: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    by_rank: bool = False  # the best first; else the newest
    after: tuple[date, int] | None = None  # the last article of the page before

    def query(self, **changes: Any) -> str:
        """Return the query of the address of the same list with these changes, from its first page on."""
        asked = replace(self, **{"after": None, **changes})
        pairs: list[tuple[str, str]] = [("q", asked.q)] if asked.q else []
        pairs += [("from", asked.first.isoformat())] if asked.first else []
        pairs += [("to", asked.last.isoformat())] if asked.last else []
        for name in FILTERS:
            pairs += [(name, value) for value in getattr(asked, name)]
        pairs += [("sort", "rank")] if asked.by_rank else []
        pairs += [("after", f"{asked.after[0].isoformat()}.{asked.after[1]}")] if asked.after else []
        return urlencode(pairs)

    def toggled(self, name: str, value: str) -> str:
        """Return the query with `value` added to the filter `name`, or taken out where it is in."""
        values: tuple[str, ...] = getattr(self, name)
        changed = tuple(v for v in values if v != value) if value in values else (*values, value)
        return self.query(**{name: changed})


def asked_for(query: Iterable[tuple[str, str]]) -> Asked:
    """Return what the pairs of an address's query ask for."""
    given: dict[str, list[str]] = {}
    for name, value in query:
        if len(given.setdefault(name, [])) < MOST:
            given[name].append(value.strip()[:MAX_QUERY])

    def several(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value for value in given.get(name, ()) if value))

    q = next(iter(several("q")), "")
    return Asked(
        q=q,
        first=_day(given, "from"),
        last=_day(given, "to"),
        source=several("source"),
        about=several("about"),
        country=several("country"),
        language=several("language"),
        only=tuple(value for value in several("only") if value in ONLY),
        by_rank="rank" in given.get("sort", ()) and bool(q),
        after=_position(next(iter(given.get("after", ())), "")),
    )


def sources_of(asked: Asked, countries: Mapping[str, str]) -> set[str] | None:
    """Return the ids of the sources that the filters of source and country leave; None: all, adopted articles too."""
    if not asked.source and not asked.country:
        return None
    chosen = set(asked.source) or set(countries)
    return {one for one in chosen if not asked.country or countries.get(one) in asked.country}


def _day(given: Mapping[str, list[str]], name: str) -> date | None:
    for value in given.get(name, ()):
        try:
            return date.fromisoformat(value)
        except ValueError:
            continue
    return None


def _position(text: str) -> tuple[date, int] | None:
    day, _, number = text.partition(".")
    try:
        position = date.fromisoformat(day), int(number)
    except ValueError:
        return None
    return position if 0 <= position[1] <= MAX_NUMBER else None
