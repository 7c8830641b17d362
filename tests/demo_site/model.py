"""What the demonstration outlets hold: outlets and articles, read from ``articles/*.toml``.

A paragraph in a TOML file is plain text, with three conventions so that the files stay readable:

* ``## Text`` is a sub-heading;
* a block whose every line starts with ``- `` is a bulleted list;
* a block of several lines that all contain `` | `` is a table, its first line being the head row.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

Kind = Literal["on_topic", "off_topic", "reprint", "stub"]
BlockKind = Literal["text", "subhead", "list", "table"]

ARTICLES_DIR = Path(__file__).with_name("articles")
ZONES: dict[str, timezone] = {"+05:00": timezone(timedelta(hours=5)), "Z": UTC}


@dataclass(frozen=True, slots=True)
class DemoArticle:
    """One article as an outlet serves it, with the text that a corpus should end up holding."""

    source_id: str
    slug: str
    host: str
    url: str
    title: str
    author: str
    language: str
    kind: Kind
    published: datetime
    same_as: str | None
    blocks: tuple[str, ...]

    @property
    def key(self) -> str:
        """The name by which another article's ``same_as`` refers to this one."""
        return f"{self.source_id}/{self.slug}"

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The blocks as plain text: lists and tables are one string each, with their lines kept."""
        return tuple(block.removeprefix("## ") for block in self.blocks)

    @property
    def target(self) -> str:
        """Path and query of the article, the form in which a request line names it."""
        parts = urlsplit(self.url)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path


@dataclass(frozen=True, slots=True)
class Outlet:
    """One host: who it is, what its pages look like and what it has published."""

    source_id: str
    name: str
    tagline: str
    language: str
    country: str
    category: str
    look: str
    feed: str
    address: str
    charset: str
    zone: timezone
    phone: str
    menu: tuple[str, ...]
    popular: tuple[str, ...]
    raw_articles: tuple[Mapping[str, Any], ...]


def block_kind(block: str) -> BlockKind:
    """Tell which of the conventions of the TOML files a block follows."""
    lines = block.split("\n")
    if block.startswith("## "):
        return "subhead"
    if all(line.startswith("- ") for line in lines):
        return "list"
    if len(lines) > 1 and all(" | " in line for line in lines):
        return "table"
    return "text"


def load_outlets(directory: Path = ARTICLES_DIR) -> tuple[Outlet, ...]:
    """Read all outlets, ordered by address so that the order never depends on the file system."""
    outlets = [_outlet(tomllib.loads(path.read_text(encoding="utf-8"))) for path in directory.glob("*.toml")]
    return tuple(sorted(outlets, key=lambda outlet: tuple(int(part) for part in outlet.address.split("."))))


def _outlet(raw: Mapping[str, Any]) -> Outlet:
    return Outlet(
        source_id=raw["id"],
        name=raw["name"],
        tagline=raw["tagline"],
        language=raw["language"],
        country=raw["country"],
        category=raw["category"],
        look=raw["look"],
        feed=raw["feed"],
        address=raw["address"],
        charset=raw.get("charset", "utf-8"),
        zone=ZONES[raw.get("zone", "+05:00")],
        phone=raw["phone"],
        menu=tuple(raw["menu"]),
        popular=tuple(raw["popular"]),
        raw_articles=tuple(raw["articles"]),
    )


def slug_number(slug: str) -> int:
    """A five- or six-digit number for an article, as a database would have given it."""
    return 10_000 + sum(ord(char) * (index + 7) for index, char in enumerate(slug))


def article_target(look: str, slug: str, published: datetime) -> str:
    """Path and query of an article in the address style of the outlet's CMS.

    Some styles name a database row, and row numbers are made from the slug: they must not change between starts.
    """
    number = slug_number(slug)
    day = published.date().isoformat()
    match look:
        case "wordpress":
            return f"/{day.replace('-', '/')}/{slug}/"
        case "magazine":
            return f"/news/{slug}"
        case "portal":
            return f"/news/{number}-{slug}.html"
        case "bitrix":
            return f"/novosti/detail.php?ID={number}"
        case "oldpress":
            return f"/{day}/{slug}.shtml"
        case _:
            return f"/article/{slug}"


def build_articles(outlets: Iterable[Outlet], hosts: Mapping[str, str], now: datetime) -> tuple[DemoArticle, ...]:
    """Give every article its address and its date, newest first within an outlet.

    ``hosts`` maps a source id to "address:port". Times are cut to whole minutes, because the pages that show
    their date only as visible text show no seconds.
    """
    start = now.replace(second=0, microsecond=0)
    outlets = tuple(outlets)
    texts = {f"{o.source_id}/{raw['slug']}": raw.get("paragraphs", []) for o in outlets for raw in o.raw_articles}
    result: list[DemoArticle] = []
    for outlet in outlets:
        host = hosts[outlet.source_id]
        own: list[DemoArticle] = []
        for raw in outlet.raw_articles:
            published = (start - timedelta(minutes=round(raw["hours_ago"] * 60))).astimezone(outlet.zone)
            same_as = raw.get("same_as")
            blocks = texts[same_as] if same_as else raw["paragraphs"]
            own.append(
                DemoArticle(
                    source_id=outlet.source_id,
                    slug=raw["slug"],
                    host=host,
                    url=f"http://{host}{article_target(outlet.look, raw['slug'], published)}",
                    title=raw["title"],
                    author=raw.get("author", ""),
                    language=raw["language"],
                    kind=cast(Kind, raw["kind"]),
                    published=published,
                    same_as=same_as,
                    blocks=tuple(block.strip() for block in blocks),
                )
            )
        result += sorted(own, key=lambda article: article.published, reverse=True)
    return tuple(result)
