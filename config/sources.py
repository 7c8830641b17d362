"""`sources.toml`: the catalogue of outlets, one table a source."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from config.settings import Section

Category = Literal["national", "regional", "us_government", "think_tank", "world", "russia"]
Route = Literal["sitemap", "wordpress", "paged", "wayback", "gdelt", "ccnews", "urls"]
ROUTES_WITHOUT_URL = ("gdelt", "ccnews")


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(c.isspace() for c in value):
        raise ValueError('expected a complete address such as "https://example.kz/rss"')
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]


class Backfill(Section):
    """Where back issues of a source are found, and by which route."""

    route: Route
    url: str | None = None  # may hold a place-holder such as {page}

    @model_validator(mode="after")
    def _url_where_needed(self) -> Backfill:
        if self.url is None and self.route not in ROUTES_WITHOUT_URL:
            raise ValueError(f'expected a url for the route "{self.route}"')
        return self


class Source(Section):
    """An outlet we monitor. `id` is stable for ever: the index and the command line know the source by it."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)
    name: str = Field(min_length=1)
    homepage: WebAddress
    feeds: tuple[WebAddress, ...]
    language: str = Field(pattern=r"^[a-z]{2}$")  # ISO 639-1: what the outlet mostly writes
    country: str = Field(pattern=r"^[A-Z]{2}$")  # ISO 3166-1 alpha-2
    category: Category
    enabled: bool = True
    backfill: Backfill | None = None

    @field_validator("feeds")
    @classmethod
    def _distinct(cls, feeds: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(feeds)) != len(feeds):
            raise ValueError("expected each feed once")
        return feeds


class SourcesFile(Section):
    """All of `sources.toml`."""

    sources: tuple[Source, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_and_feeds_once(self) -> SourcesFile:
        owner: dict[str, str] = {}
        for position, source in enumerate(self.sources, 1):
            if f"id {source.id}" in owner:
                raise ValueError(f'source {position}: id: found "{source.id}" a second time, expected a different id')
            owner[f"id {source.id}"] = source.id
            for feed in source.feeds:
                if feed in owner:
                    raise ValueError(
                        f'source {position} ("{source.id}"): feeds: found {feed}, which source "{owner[feed]}" has, '
                        "expected each feed in one source only"
                    )
                owner[feed] = source.id
        return self
