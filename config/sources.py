"""`sources.toml`: the catalogue of outlets, one table a source."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from config.settings import Section, matching

Category = Literal["national", "regional", "us_government", "think_tank", "world", "russia"]
Route = Literal["sitemap", "wordpress", "paged", "wayback", "gdelt", "ccnews", "urls"]
ROUTES_WITHOUT_URL = ("gdelt", "ccnews")

# ISO 639-1: "kz" is a country, and Kazakh is "kk".
_LANGUAGES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo "
    "es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka "
    "kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng "
    "nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su "
    "sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
LANGUAGES = frozenset(_LANGUAGES.split())


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(c.isspace() for c in value):
        raise ValueError('expected a complete address such as "https://example.kz/rss"')
    return value


def _language(value: str) -> str:
    if value not in LANGUAGES:
        raise ValueError('expected two small letters from ISO 639-1, such as "ru" or "kk"')
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

    id: Annotated[
        str, matching(r"(?=.{1,60}$)[a-z0-9]+(-[a-z0-9]+)*", 'at most 60 of a-z, 0-9 and "-", such as "astanatimes"')
    ]
    name: str = Field(min_length=1)
    homepage: WebAddress
    feeds: tuple[WebAddress, ...]
    language: Annotated[str, AfterValidator(_language)]  # what the outlet mostly writes
    country: Annotated[str, matching(r"[A-Z]{2}", 'two capitals from ISO 3166-1, such as "KZ"')]
    category: Category
    enabled: bool = True
    backfill: Backfill | None = None

    @field_validator("feeds")
    @classmethod
    def _distinct(cls, feeds: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(feeds)) != len(feeds):
            twice = next(feed for feed in feeds if feeds.count(feed) > 1)
            raise ValueError(f"found {twice} twice, expected each feed once")
        return feeds


class SourcesFile(Section):
    """All of `sources.toml`."""

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
            for feed in source.feeds:
                if feed in owner:
                    raise ValueError(
                        f'source {position} ("{source.id}"): feeds: found {feed}, which source "{owner[feed]}" has, '
                        "expected each feed in one source only"
                    )
                owner[feed] = source.id
        return self
