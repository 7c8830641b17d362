"""A cheap look at a whole page before its text is extracted: can what is on it be on topic at all?

It reads everything that extraction may take from the page or the feed: the text between the tags, menus and all,
`<meta>`, JSON-LD, and what the feed says of the entry. Where that holds no term of a group that the topic requires, no
article on the page can be on topic, and extraction, which takes ten times as long, is skipped. It errs one way only.
By rule, a page is not about what is named on it in menus and other links that stand alone, and nowhere else.

It works on the tree that extraction would work on, in the same child process: so both read the same characters, the
tree is made once, and a hostile page costs no more than its worker.
"""

from __future__ import annotations

import html
import json
import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from extractors.records import Entry, ItemError, Outcome
from extractors.topic.screen import SEAM, Screen, ScreenedText

if TYPE_CHECKING:
    from lxml.html import HtmlElement

SCREENED = "screened"
# A page that shows no running text may be the shell of a site whose text comes by script, or a new design that hides
# it. Only extraction can say so, and the source's health rests on that.
PROSE_CHARACTERS = 80  # of one piece between two tags; labels and teasers are shorter
FEWEST_PROSE = 600  # characters in such pieces; cookie notice, address and copyright have 40 to 70 words
BETWEEN = "\n¶\n"
ROUNDS = 2  # of taking tags off: some are written as entities

_TAG = re.compile(r"<[^<>]*>")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_TEXT = "descendant::text()[not(parent::script or parent::style)]"
_META = "descendant::meta/@content"
_JSON = "descendant::script[contains(@type, 'json')]/text()"


class Screened(ItemError):
    """The page cannot be on topic and was not extracted. `day` is that of publication as far as it is stated."""

    def __init__(self, *, url: str, detail: str, day: date | None) -> None:
        super().__init__(Outcome.OFF_TOPIC, SCREENED, url=url, detail=detail)
        self.day = day

    def __reduce__(self) -> tuple[object, ...]:
        return _screened, (self.url, self.detail, self.day)


def _screened(url: str, detail: str, day: date | None) -> Screened:
    return Screened(url=url, detail=detail, day=day)


class PageScreen:
    """The terms that pages are screened for. `topics` are the required groups of each (`Topics.screens`).

    It goes to child processes with every page: as bytes that are made once, and read once by each child.
    """

    def __init__(self, topics: Sequence[Mapping[str, Screen]]) -> None:
        self.topics = tuple(topics)

    @classmethod
    def of(cls, topics: Sequence[Mapping[str, Screen]]) -> PageScreen | None:
        """Return the screen; None if one of the topics takes everything, so that there is nothing to look for."""
        return cls(topics) if all(topics) else None

    def __reduce__(self) -> tuple[object, ...]:
        return _unpacked, (self._packed,)

    @cached_property
    def _packed(self) -> bytes:
        return pickle.dumps(self.topics)

    def lacking(self, tree: HtmlElement, entry: Entry) -> str | None:
        """Say what the page lacks to be on topic, as a sentence. None: it may be, or shows too little text to tell.

        Links that stand alone (menus, other stories) are left out where they would decide: what no other line of the
        page names is not its subject.
        """
        parts: list[str] = tree.xpath(_TEXT, smart_strings=False)
        if sum(length for length in map(len, parts) if length >= PROSE_CHARACTERS) < FEWEST_PROSE:
            return None
        others: list[str] = [*tree.xpath(_META, smart_strings=False), *_marked_up(tree, entry)]
        absent = self._absent(parts, others)
        where = "anywhere on the page"
        if absent is None:
            from extractors.blocks.menus import pieces_beside_links  # with lxml, which the main process does without

            absent = self._absent(pieces_beside_links(tree), others)
            where = "on the page but in links"
        if absent is None:
            return None
        groups_named = " or ".join(f'"{name}"' for name in dict.fromkeys(absent))
        return f"no term of the group {groups_named} {where}"

    def _absent(self, parts: Sequence[str], others: Sequence[str]) -> list[str] | None:
        """Return a group of each topic that is named nowhere in these texts; None if all groups of one are named."""
        page = ScreenedText(BETWEEN.join([SEAM.join(parts), *others]), seams=True)
        absent: list[str] = []
        for groups in self.topics:
            group = next((name for name, screen in groups.items() if not screen.may_match(page)), None)
            if group is None:
                return None
            absent.append(group)
        return absent


@lru_cache(maxsize=4)
def _unpacked(packed: bytes) -> PageScreen:
    topics: Sequence[Mapping[str, Screen]] = pickle.loads(packed)
    return PageScreen(topics)


def _marked_up(tree: HtmlElement, entry: Entry) -> Iterator[str]:
    """Yield what is in JSON-LD and in the feed's full text, in every way that it may be read."""
    for script in tree.xpath(_JSON, smart_strings=False):
        yield _ESCAPE.sub(_unescaped, script)
        for text in _strings(_loaded(script)):
            yield from _readings(text)
    for told in (entry.title, entry.summary, entry.content):
        yield from _readings(told or "")


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else " " if match[2] in "bfnrt" else match[2]


def _loaded(script: str) -> Any:
    from extractors.pages.metadata import WRAPPING

    try:
        return json.loads(WRAPPING.sub("", script.strip()), strict=False)
    except (ValueError, RecursionError):
        return None


def _strings(value: Any) -> Iterator[str]:
    """Yield the strings in a JSON value that hold markup; the others are in the script as they stand."""
    waiting: list[Any] = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            if "<" in one or "&" in one:
                yield one
        elif isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _readings(markup: str) -> Iterator[str]:
    """Yield `markup` as it stands, without its tags, and so again: some sites write tags as entities."""
    from lxml.etree import ParserError
    from lxml.html import fromstring

    yield markup
    for _ in range(ROUNDS):
        if "<" not in markup and "&" not in markup:
            return
        with suppress(ParserError, ValueError):  # nothing in it
            document: Any = fromstring(markup)
            yield SEAM.join(document.xpath(_TEXT, smart_strings=False))  # a parser knows what a tag is
        markup = html.unescape(_TAG.sub(SEAM, markup))  # and this is what a careless reader takes for one
        yield markup
