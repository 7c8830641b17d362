"""Complete a source for the catalogue: what is not known of it is guessed and marked; and write it as a table."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import urlsplit

from pydantic import ValidationError

from config.languages import languages
from config.settings import masked
from config.sources import Backfill, Category, Source

CATEGORIES: tuple[str, ...] = get_args(Category)
MAX_ID, MAX_NAME, LINE = 60, 120, 120  # characters; the first is the limit of `config.sources`
CENTRAL_ASIA = ("KZ", "KG", "TJ", "TM", "UZ")
# Endings of two letters that are sold to everybody.
NO_COUNTRIES = ("ac", "ai", "cc", "co", "eu", "fm", "gg", "io", "la", "ly", "me", "nu", "sh", "st", "to", "tv", "ws")
COUNTRIES_OF_ENDINGS = {"uk": "GB", "su": "RU", "gov": "US", "mil": "US", "edu": "US"}
LANGUAGES_OF_COUNTRIES = dict.fromkeys((*CENTRAL_ASIA, "RU", "BY"), "ru")
_SECOND_LEVEL = frozenset({"co", "com", "org", "net", "gov", "edu", "ac"})
_NO_PART_OF_A_NAME = frozenset({"www", "feeds", "feed", "rss", "rssexport", "news"})


@dataclass(frozen=True, slots=True)
class Draft:
    """A source as far as it is known; None for what has to be guessed."""

    feeds: tuple[str, ...]
    homepage: str
    name: str | None = None
    id: str | None = None
    language: str | None = None
    country: str | None = None
    category: str | None = None
    backfill: tuple[Backfill, ...] = ()
    sections: tuple[str, ...] = ()
    wrong: str | None = None  # why it cannot be taken on


@dataclass(frozen=True, slots=True)
class NewSource:
    """A checked source, and the keys whose values are guesses."""

    source: Source
    guessed: tuple[str, ...] = ()


def missing(draft: Draft) -> tuple[str, ...]:
    """Return the facts of the draft that nothing speaks for: whatever is guessed of them is as likely wrong."""
    country = draft.country or _country_of(urlsplit(draft.homepage).hostname or "")
    if country is None:
        return ("country",) if draft.category else ("country", "category")
    known = country in CENTRAL_ASIA or country == "RU" or _is_government(draft.homepage)
    return () if draft.category or known else ("category",)


def completed(draft: Draft, *, taken: Collection[str]) -> NewSource:
    """Return the draft completed, with an id that is not `taken`. Raises ValueError with the reason."""
    host = urlsplit(draft.homepage).hostname or ""
    guessed = []
    language, country, category = draft.language, draft.country, draft.category
    stated = country or _country_of(host)
    if language is None:
        language = _language_of(draft.homepage, draft.feeds) or LANGUAGES_OF_COUNTRIES.get(stated or "", "en")
        guessed.append("language")
    if country is None:
        spoken = languages().by_code.get(language)
        country = stated or (spoken and spoken.addresses.country) or "US"
        guessed.append("country")
    if category is None:
        category = _category_of(draft.homepage, country)
        guessed.append("category")
    name = draft.name or host
    try:
        source = Source(
            id=draft.id or free_id(host, language, name, taken=taken),
            name=name, homepage=draft.homepage, feeds=draft.feeds, language=language, country=country,
            category=category, backfill=draft.backfill, sections=draft.sections,
        )  # fmt: skip
    except ValidationError as exc:
        raise ValueError("; ".join(f"{'.'.join(map(str, e['loc']))}: {_said(e)}" for e in exc.errors())) from exc
    return NewSource(source, tuple(guessed))


def _said(error: Any) -> str:
    message = str(error["msg"]).removeprefix("Value error, ").replace("Input should be", "expected").replace("'", '"')
    return f"found {masked(json.dumps(error['input'], ensure_ascii=False, default=str))[:80]}, {message}"


def free_id(host: str, language: str, name: str, *, taken: Collection[str]) -> str:
    """Return an id made of the host's name; with the language, the name or a number added when that is taken."""
    labels = [label for label in host.lower().split(".") if label]
    if len(labels) > 2 and labels[-2] in _SECOND_LEVEL:
        labels = labels[:-1]
    kept = [label for label in labels[:-1] if label not in _NO_PART_OF_A_NAME] or labels[:-1] or labels
    base = _slug(" ".join(kept)) or "source"
    for choice in (base, f"{base[: MAX_ID - 1 - len(language)]}-{language}", _slug(f"{base} {name}")):
        if choice and choice not in taken:
            return choice
    # Beyond a few, from a number on that is hardly taken: a list may hold thousands of feeds of one host.
    numbers = itertools.chain(range(2, 20), itertools.count(len(taken) + 20))
    return next(made for number in numbers if (made := f"{base[: MAX_ID - 8]}-{number}") not in taken)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:MAX_ID].strip("-")


def _country_of(host: str) -> str | None:
    ending = host.rpartition(".")[2].lower()
    if ending in COUNTRIES_OF_ENDINGS:
        return COUNTRIES_OF_ENDINGS[ending]
    return ending.upper() if re.fullmatch(r"[a-z]{2}", ending) and ending not in NO_COUNTRIES else None


def _language_of(homepage: str, feeds: Sequence[str]) -> str | None:
    """Return the language that the addresses name: "en" of en.site.kz and of site.uz/en/rss."""
    of_hosts, of_paths = languages().editions(in_paths=False), languages().editions(in_paths=True)
    for url in (homepage, *feeds):
        parts = urlsplit(url)
        named = [of_paths[word] for word in parts.path.lower().split("/") if word in of_paths]
        if language := next(iter(named), of_hosts.get((parts.hostname or "").split(".")[0])):
            return language
    return None


def _is_government(homepage: str) -> bool:
    return (urlsplit(homepage).hostname or "").endswith((".gov", ".mil"))


def _category_of(homepage: str, country: str) -> str:
    if _is_government(homepage):
        return "us_government"
    return "national" if country in CENTRAL_ASIA else "russia" if country == "RU" else "world"


def table(new: NewSource) -> str:
    """Return its [[sources]] table, with a line above it that names what is guessed."""
    source = new.source
    lines = [f"# Please review {_listing(new.guessed)}: guessed."] if new.guessed else []
    lines += [
        "[[sources]]",
        f"id = {quoted(source.id)}",
        f"name = {quoted(source.name)}",
        f"homepage = {quoted(source.homepage)}",
        array("feeds", [quoted(feed) for feed in source.feeds]),
        *([array("sections", [quoted(section) for section in source.sections])] if source.sections else ()),
        *([f"links = {quoted(source.links)}"] if source.links is not None else ()),
        *([f"walk = {source.walk}"] if source.walk else ()),
        f"language = {quoted(source.language)}",
        f"country = {quoted(source.country)}",
        f"category = {quoted(source.category)}",
        f"enabled = {str(source.enabled).lower()}",
    ]
    routes = [_inline(route) for route in source.backfill]
    if len(routes) == 1:
        lines.append(f"backfill = {routes[0]}")
    elif routes:
        lines.append(array("backfill", routes))
    if source.note is not None:
        lines.append(f"note = {quoted(source.note)}")
    return "\n".join(lines) + "\n"


def _listing(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def quoted(text: str) -> str:
    """Return a basic string of TOML: JSON's escapes, and the one control character that JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _inline(route: Backfill) -> str:
    return "{ " + ", ".join(f"{k} = {quoted(v)}" for k, v in route.model_dump(exclude_none=True).items()) + " }"


def array(key: str, items: Sequence[str]) -> str:
    """Return the assignment of an array, on a line of its own for each item where one line is too short for it."""
    line = f"{key} = [{', '.join(items)}]"
    return line if len(line) <= LINE else f"{key} = [\n" + "".join(f"    {item},\n" for item in items) + "]"
