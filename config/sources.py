"""Check `sources.toml`: the catalogue of outlets, a table for each source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from string import Formatter
from typing import Annotated, Any, Literal, Protocol

from pydantic import (
    AfterValidator,
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from config.settings import Section, WebAddress, matching

Category = Literal["national", "regional", "us_government", "think_tank", "world", "russia"]
ROUTES = "routes"  # the key under which the table of routes is handed to the check

# ISO 639-1: "kz" is a country, and Kazakh is "kk".
_LANGUAGES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo "
    "es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka "
    "kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng "
    "nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su "
    "sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
LANGUAGES = frozenset(_LANGUAGES.split())


class RouteKeys(Protocol):
    """Keys of `backfill` that a route understands."""

    @property
    def takes(self) -> Sequence[str]:
        """Return the keys that the route uses."""

    @property
    def needs(self) -> str | None:
        """Return the key that the route requires, if any."""

    @property
    def placeholders(self) -> Sequence[str]:
        """Return the place-holders that its url may hold."""


def _routes(info: ValidationInfo) -> Mapping[str, RouteKeys] | None:
    return info.context.get(ROUTES) if info.context else None


def _language(value: str) -> str:
    if value not in LANGUAGES:
        raise ValueError('expected two small letters from ISO 639-1, such as "ru" or "kk"')
    return value


def _printable(value: str) -> str:
    """Refuse what could drive a terminal or turn the direction of a line: names and notes are shown as they are."""
    if not value.isprintable():
        raise ValueError("expected one line of visible characters")
    return value


Line = Annotated[str, Field(min_length=1), AfterValidator(_printable)]


class Backfill(Section):
    """Place of a source's back issues, and the route to them.

    Without a `url`, look for a sitemap on the homepage's host, ask WordPress there, and ask the Wayback Machine for the
    source's feeds. Routes and their keys are checked against the table of routes that the caller passes in.
    """

    route: str
    url: WebAddress | None = None  # may hold place-holders; dates take a format of strftime, numbers one of Python's
    query: str | None = Field(None, min_length=1)  # for gdelt: narrows the search to articles with these words
    file: str | None = Field(None, min_length=1)  # for urls: a list; for ccnews: a WARC file or a folder of them

    @field_validator("route", mode="before")
    @classmethod
    def _a_known_route(cls, value: Any, info: ValidationInfo) -> Any:
        if (routes := _routes(info)) is not None and value not in list(routes):
            *others, last = (f'"{name}"' for name in routes)
            raise ValueError(f"expected {', '.join(others)} or {last}")
        return value

    @model_validator(mode="after")
    def _the_keys_of_its_route(self, info: ValidationInfo) -> Backfill:
        if (routes := _routes(info)) is None:
            return self
        route = routes[self.route]
        if route.needs and getattr(self, route.needs) is None:
            raise ValueError(f'expected a {route.needs} for the route "{self.route}"')
        for key in ("url", "query", "file"):
            if getattr(self, key) is not None and key not in route.takes:
                raise ValueError(f'found a {key}, which the route "{self.route}" has no use for')
        unknown = [name for name in placeholders(self.url or "") if name not in route.placeholders]
        if unknown:
            known = ", ".join(f"{{{name}}}" for name in route.placeholders) or "none"
            raise ValueError(
                f'found the place-holder {{{unknown[0]}}}, expected one of {known} for the route "{self.route}"'
            )
        return self


def placeholders(url: str) -> tuple[str, ...]:
    """Return the names between braces in `url`. Raises ValueError when a brace or a format is wrong."""
    try:
        fields = [(name, spec) for _, name, spec, _ in Formatter().parse(url) if name is not None]
        for name, spec in fields:
            format(1 if name in ("year", "month", "day", "page") else date(2025, 11, 6), spec or "")
    except ValueError as exc:
        raise ValueError("expected place-holders such as {page}, {month:02} or {date:%Y-%m-%d} in the url") from exc
    return tuple(name for name, _ in fields)


class Source(Section):
    """Outlet that is monitored. Never change `id`: the index and the command line know the source by it."""

    id: Annotated[
        str, matching(r"(?=.{1,60}$)[a-z0-9]+(-[a-z0-9]+)*", 'at most 60 of a-z, 0-9 and "-", such as "astanatimes"')
    ]
    name: Line
    homepage: WebAddress
    feeds: tuple[WebAddress, ...]  # none, and no sections: only backfills bring articles
    sections: tuple[WebAddress, ...] = ()  # pages that list articles, watched like feeds
    links: str | None = Field(None, min_length=1)  # a text that the addresses of the sections' articles hold
    walk: int = Field(0, strict=True, ge=0, le=20)  # numbers behind `links` that are tried after the last known one
    language: Annotated[str, AfterValidator(_language)]  # what the outlet mostly writes
    country: Annotated[str, matching(r"[A-Z]{2}", 'two capitals from ISO 3166-1, such as "KZ"')]
    category: Category
    enabled: bool = True
    backfill: tuple[Backfill, ...] = ()  # in the order in which they are tried
    note: Line | None = None  # for people: its quirks, and why it is switched off

    @field_validator("backfill", mode="wrap")
    @classmethod
    def _one_or_several(cls, value: Any, check: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        """Take a single table as a list of one, but name a mistake in it without a position."""
        return (Backfill.model_validate(value, context=info.context),) if isinstance(value, dict) else check(value)

    @model_validator(mode="after")
    def _a_way_to_walk(self) -> Source:
        if self.walk and not (self.links and self.sections):
            raise ValueError("found walk without sections and links, expected the text before the number as links")
        if self.links and not self.sections:
            raise ValueError("found links without sections, expected the pages that list the articles as sections")
        return self

    @property
    def watched(self) -> tuple[str, ...]:
        """Return all addresses that the monitor asks: feeds, then sections."""
        return self.feeds + self.sections

    @field_validator("feeds", "sections")
    @classmethod
    def _distinct(cls, feeds: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if len(set(feeds)) != len(feeds):
            twice = next(feed for feed in feeds if feeds.count(feed) > 1)
            raise ValueError(f"found {twice} twice, expected each {str(info.field_name)[:-1]} once")
        return feeds


class SourcesFile(Section):
    """Content of `sources.toml`."""

    sources: tuple[Source, ...]

    @model_validator(mode="after")
    def _some_and_ids_and_feeds_once(self) -> SourcesFile:
        if not self.sources:  # here and not as min_length, which would count a broken source as a missing one
            raise ValueError("found no sources, expected at least one [[sources]]")
        owner: dict[str, str] = {}
        for position, source in enumerate(self.sources, 1):
            if f"id {source.id}" in owner:
                raise ValueError(f'source {position}: id: found "{source.id}" a second time, expected a different id')
            owner[f"id {source.id}"] = source.id
            for feed in source.watched:
                if feed in owner:
                    kind = "section" if feed in source.sections else "feed"
                    if owner[feed] == source.id:
                        told = f"found {feed}, which is among its feeds, expected it in one of both"
                    else:
                        told = (
                            f'found {feed}, which source "{owner[feed]}" has, expected each {kind} in one source only'
                        )
                    raise ValueError(f'source {position} ("{source.id}"): {kind}s: {told}')
                owner[feed] = source.id
        return self
