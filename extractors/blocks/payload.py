"""The text of a page that leaves it to its scripts: in the data of Nuxt, Next and their like.

A browser sets such a text by program. It stands in a script as one string of HTML, or as a list of blocks: paragraphs,
headings, lists, each an object with its text, as the editors for the web keep them. Nuxt 3 flattens its data to a list
in which values are places (`devalue`), so an object's date is looked up there.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lxml.html import HtmlElement

from extractors.text import count_words, tokens

MIN_WORDS = 80  # of a text
MIN_CHARACTERS = 400  # of a string that is looked at
MIN_BLOCKS = 3
MAX_DEPTH = 40
MAX_SCRIPT = 4_000_000  # characters
OPENING = 6  # words of the page's description by which its text is known
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)  # one that never ends is read once
_TAG = re.compile(r"<[^<>]*>")
_MARKED_UP = re.compile(r"(?:<|\\u003[cC]|&lt;)(?:p|br|div)\b")
_DATE_KEY = re.compile(r"(?:date_?)?publish(?:ed)?(?:_?(?:at|on|date|time))?|pub_?date", re.IGNORECASE)
_OF_STORIES = frozenset({"title", "url", "slug", "href", "link", "headline"})
_BELOW = ("data", "content", "children", "attrs")


@dataclass(frozen=True, slots=True)
class Payload:
    """A text as HTML or in lines, and the date of publication that stands beside it, as stated."""

    text: str
    published: str | None = None


def text_in_scripts(tree: HtmlElement, description: str) -> Payload | None:
    """Return the longest text that the page's scripts hold; rather one in which its `description` stands."""
    found = [one for script in tree.iter("script") for one in _texts(script)]
    opening = f" {' '.join(tokens(description)[:OPENING])} "

    def rank(one: Payload) -> tuple[bool, int]:
        words = tokens(_TAG.sub(" ", one.text))
        return bool(opening.strip()) and opening in f" {' '.join(words)} ", len(words)

    best = max(found, key=rank, default=None)
    return best if best is not None and rank(best)[1] >= MIN_WORDS else None


def _texts(script: HtmlElement) -> Iterator[Payload]:
    text, kind = script.text or "", script.get("type", "").lower()
    if not MIN_CHARACTERS <= len(text) <= MAX_SCRIPT or "ld+json" in kind:
        return
    if "json" in kind:
        try:
            value = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            return
        yield from _texts_in(value, value if isinstance(value, list) else (), None, 0)
    elif _MARKED_UP.search(text):
        for literal in _STRING.finditer(text):
            if literal.end() - literal.start() >= MIN_CHARACTERS and _MARKED_UP.search(literal[0]):
                try:
                    yield Payload(json.loads(literal[0], strict=False))
                except ValueError:
                    continue


def _texts_in(node: Any, places: Sequence[Any], published: str | None, depth: int) -> Iterator[Payload]:
    """Yield the texts in a value; `places` are the values that numbers in it may stand for."""
    if depth > MAX_DEPTH:
        return
    if isinstance(node, str):
        if len(node) >= MIN_CHARACTERS and count_words(node[: 2 * MIN_CHARACTERS]) > 1:
            yield Payload(node, published)
    elif isinstance(node, list):
        blocks = [block for item in node if isinstance(item, Mapping) and (block := _block(item))]
        if len(blocks) >= MIN_BLOCKS:
            yield Payload("".join(blocks), published)
        for item in node:
            yield from _texts_in(item, places, published, depth + 1)
    elif isinstance(node, Mapping):
        published = _date_in(node, places) or published
        for value in node.values():
            if isinstance(value, int) and 0 <= value < len(places) and isinstance(places[value], str):
                value = places[value]
            yield from _texts_in(value, places, published, depth + 1)


def _date_in(node: Mapping[str, Any], places: Sequence[Any]) -> str | None:
    for key, value in node.items():
        if _DATE_KEY.fullmatch(str(key)):
            if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(places):
                value = places[value]
            if isinstance(value, str | int) and not isinstance(value, bool):
                return str(value)
    return None


def _block(item: Mapping[str, Any]) -> str | None:
    """Return a block of an editor as HTML; None for what is none, such as another story in a list."""
    if _OF_STORIES & item.keys():
        return None
    data = item.get("data")
    items = data.get("items") if isinstance(data, Mapping) else None
    if isinstance(items, list) and items and all(isinstance(one, str) for one in items):
        return f"<ul>{''.join(f'<li>{one}</li>' for one in items)}</ul>"
    text = "".join(_pieces(item, 0)).strip()
    tag = "h2" if "head" in str(item.get("type", "")).lower() else "p"
    return f"<{tag}>{text}</{tag}>" if text else None


def _pieces(node: Any, depth: int) -> Iterator[str]:
    """Yield the texts of a block in their order."""
    if depth > MAX_DEPTH:
        return
    if isinstance(node, list):
        for item in node:
            yield from _pieces(item, depth + 1)
    elif isinstance(node, Mapping):
        own = next((text for key in ("text", "value", "html") if isinstance(text := node.get(key), str)), None)
        if own is not None:
            yield own if _TAG.search(own) else html.escape(own, quote=False)
            return
        for key in _BELOW:
            yield from _pieces(node.get(key), depth + 1)
