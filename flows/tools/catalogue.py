"""Add sources to the catalogue: what is not known of one is guessed and marked, and the file is never left broken.

Tables are appended as text to `sources.toml`, so that its comments and order stay as people wrote them. The file is
replaced only by one that has been read and checked.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import re
import tomllib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from pydantic import ValidationError

from config.load import CHECKOUT, ConfigError, load_config
from config.settings import masked
from config.sources import Backfill, Category, Source, SourcesFile
from extractors.archives.routes import ROUTES
from storage.files.local_folder import put_file, sync_folder

FILE = "sources.toml"
CATEGORIES: tuple[str, ...] = get_args(Category)
MAX_ID, MAX_NAME, LINE = 60, 120, 120  # characters; the first is the limit of `config.sources`
CENTRAL_ASIA = ("KZ", "KG", "TJ", "TM", "UZ")
# Endings of two letters that are sold to everybody.
NO_COUNTRIES = ("ac", "ai", "cc", "co", "eu", "fm", "gg", "io", "la", "ly", "me", "nu", "sh", "st", "to", "tv", "ws")
COUNTRIES_OF_ENDINGS = {"uk": "GB", "su": "RU", "gov": "US", "mil": "US", "edu": "US"}
COUNTRIES_OF_LANGUAGES = {"kk": "KZ", "ky": "KG", "tg": "TJ", "tk": "TM", "uz": "UZ", "ru": "RU"}
LANGUAGES_OF_COUNTRIES = dict.fromkeys((*CENTRAL_ASIA, "RU", "BY"), "ru")
# How addresses name an edition. Before a host, "kz", "uz" and "tj" are countries as often as languages.
EDITIONS_OF_HOSTS = {"en": "en", "eng": "en", "ru": "ru", "rus": "ru", "kaz": "kk", "kk": "kk"}
EDITIONS_OF_PATHS = {
    **EDITIONS_OF_HOSTS, "kz": "kk", "uz": "uz", "oz": "uz", "ky": "ky", "tg": "tg", "tk": "tk", "tm": "tk",
}  # fmt: skip
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
    enabled: bool = True
    backfill: tuple[Backfill, ...] = ()
    note: str | None = None
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
        country = stated or COUNTRIES_OF_LANGUAGES.get(language, "US")
        guessed.append("country")
    if category is None:
        category = _category_of(draft.homepage, country)
        guessed.append("category")
    name = draft.name or host
    try:
        source = Source(
            id=draft.id or free_id(host, language, name, taken=taken),
            name=name, homepage=draft.homepage, feeds=draft.feeds, language=language, country=country,
            category=category, enabled=draft.enabled, backfill=draft.backfill, note=draft.note,
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
    for choice in (base, f"{base}-{language}", _slug(f"{base} {name}")):
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
    for url in (homepage, *feeds):
        parts = urlsplit(url)
        named = [EDITIONS_OF_PATHS[word] for word in parts.path.lower().split("/") if word in EDITIONS_OF_PATHS]
        if language := next(iter(named), EDITIONS_OF_HOSTS.get((parts.hostname or "").split(".")[0])):
            return language
    return None


def _is_government(homepage: str) -> bool:
    return (urlsplit(homepage).hostname or "").endswith((".gov", ".mil"))


def _category_of(homepage: str, country: str) -> str:
    if _is_government(homepage):
        return "us_government"
    return "national" if country in CENTRAL_ASIA else "russia" if country == "RU" else "world"


def feed_key(url: str) -> str:
    """Return the key that all addresses of a feed share: http and https, www and the final slash make no other feed."""
    parts = urlsplit(url)
    host = parts.netloc.lower().removeprefix("www.")
    return f"{host}{parts.path.rstrip('/')}" + (f"?{parts.query}" if parts.query else "")


def table(new: NewSource) -> str:
    """Return its [[sources]] table, with a line above it that names what is guessed."""
    source = new.source
    lines = [f"# Please review {_listing(new.guessed)}: guessed."] if new.guessed else []
    lines += [
        "[[sources]]",
        f"id = {_quoted(source.id)}",
        f"name = {_quoted(source.name)}",
        f"homepage = {_quoted(source.homepage)}",
        _array("feeds", [_quoted(feed) for feed in source.feeds]),
        f"language = {_quoted(source.language)}",
        f"country = {_quoted(source.country)}",
        f"category = {_quoted(source.category)}",
        f"enabled = {str(source.enabled).lower()}",
    ]
    routes = [_inline(route) for route in source.backfill]
    if len(routes) == 1:
        lines.append(f"backfill = {routes[0]}")
    elif routes:
        lines.append(_array("backfill", routes))
    if source.note is not None:
        lines.append(f"note = {_quoted(source.note)}")
    return "\n".join(lines) + "\n"


def _listing(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _quoted(text: str) -> str:
    """Return a basic string of TOML: JSON's escapes, and the one control character that JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _inline(route: Backfill) -> str:
    return "{ " + ", ".join(f"{k} = {_quoted(v)}" for k, v in route.model_dump(exclude_none=True).items()) + " }"


def _array(key: str, items: Sequence[str]) -> str:
    line = f"{key} = [{', '.join(items)}]"
    return line if len(line) <= LINE else f"{key} = [\n" + "".join(f"    {item},\n" for item in items) + "]"


@dataclass(frozen=True, slots=True)
class Written:
    """The catalogue's file after sources were appended; `copied`: it was not there, so the shipped one was copied."""

    path: Path
    copied: bool


def append(folder: Path, sources: Sequence[NewSource]) -> Written:
    """Append the sources to the catalogue in `folder`, all of them or none.

    A folder without a catalogue uses the shipped one: it gets a copy of that first, so that what was there before is
    there afterwards. Raises ConfigError when the file would not be valid, OSError when it cannot be written.
    """
    path = (folder / FILE).resolve()  # where a link leads: the link stays one
    with _alone(folder):
        before = load_config(folder, ROUTES)
        copied = not path.exists()
        content = (CHECKOUT / FILE if copied else path).read_bytes()
        text = content.decode("utf-8-sig")
        newline = "\r\n" if "\r\n" in text else "\n"
        added = "".join("\n" + table(new) for new in sources).replace("\n", newline)
        text += ("" if text.endswith("\n") or not text else newline) + added
        _check(path, text, [*before.sources, *(new.source for new in sources)])
        mark = b"\xef\xbb\xbf" if content.startswith(b"\xef\xbb\xbf") else b""
        mode = None if copied else path.stat().st_mode
        put_file(path, mark + text.encode("utf-8"))
        if mode is not None:
            path.chmod(mode)
        sync_folder(path.parent)
    return Written(path, copied)


def _check(path: Path, text: str, expected: list[Source]) -> None:
    """Raise ConfigError unless `text` is a catalogue of just the `expected` sources."""
    try:
        if SourcesFile.model_validate(tomllib.loads(text)).sources == tuple(expected):
            return
        why = "the new tables would change others"
    except tomllib.TOMLDecodeError as exc:
        why = f"it would not be valid TOML: {exc}"
    except ValidationError as exc:
        why = str(exc.errors()[0]["msg"]).removeprefix("Value error, ")
    raise ConfigError([f"{path}: nothing can be appended to it: {why}; write the sources as [[sources]] tables"])


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lock the catalogue: a second program waits for its turn, and then sees what the first has added."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
