"""Lines that are nothing but a link: other stories at the end of a text, sections above it, a list of stories."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence

from lxml.html import HtmlElement

from extractors.blocks.lines import is_prose, is_table, kind_of_line
from extractors.text import tokens

MAX_LINKS = 3000  # of a page that are looked at; hostile pages could have them without end
MIN_ALONE = 4  # words of a link between paragraphs: a shorter one may be a sub-heading
MIN_BEFORE = 60  # words of an article above a list of others
MAX_AT_TOP = 4  # words of a link above the text: sections, not sub-headings
MIN_AT_END = 3  # words of a link below the text: a shorter one may be an address or a name
MAX_SHORT = 6  # words of a line among links at the end that may be their date or their section
ADDRESS = ("http://", "https://", "www.")  # printed as such, it names a source
_LABEL = re.compile(r"(?<=\S)\s*[\[(][^\])]{1,20}[\])]\W*$")  # "[VIDEO]", "(12)"


class LinkLines:
    """The texts of a page's links, to know lines by."""

    def __init__(self, tree: HtmlElement) -> None:
        links = [link for link, _ in zip(tree.iter("a"), range(MAX_LINKS), strict=False) if link.get("href")]
        counts = Counter(_core(" ".join(link.itertext())) for link in links)
        self._texts = counts.keys() - {()}
        self._repeated = {text for text, count in counts.items() if count > 1}
        headings = tree.iter("h2", "h3", "h4", "h5", "h6")
        self._headings = {
            _core(" ".join(heading.itertext())) for heading, _ in zip(headings, range(MAX_LINKS), strict=False)
        }

    def __contains__(self, line: str) -> bool:
        """Say whether the line is a link's text, but for dates, numbers and signs before and behind it."""
        return _core(line) in self._texts and not line.startswith(ADDRESS)

    def is_repeated(self, line: str) -> bool:
        """Say whether several of the page's links have this text, as those to a section and to the home page do."""
        return _core(line) in self._repeated

    def is_heading(self, line: str) -> bool:
        """Say whether the line is a heading of the page, be it a link or not."""
        return _core(line) in self._headings


def without_link_lines(blocks: Sequence[str], links: LinkLines) -> list[str]:
    """Return the blocks without links at the end, short ones at the beginning, and those alone between paragraphs."""
    start, end = 0, len(blocks)
    while start < end and _is_links(blocks[start], links) and len(tokens(blocks[start])) <= MAX_AT_TOP:
        start += 1
    place, among = end, False
    while place > start and not is_prose(blocks[place - 1]):
        place -= 1
        if _is_links(blocks[place], links) and (
            len(tokens(blocks[place])) >= MIN_AT_END or links.is_repeated(blocks[place])
        ):
            end, among = place, True
        elif kind_of_line(blocks[place]) is None and (not among or len(tokens(blocks[place])) > MAX_SHORT):
            break
    return [block for block in blocks[start:end] if not _is_alone(block, links)]


def announcements(blocks: Sequence[str], links: LinkLines) -> int:
    """Count how many links stand alone in a line over a text of their own, as on a page that lists stories.

    0 where a text of some length comes first: then the list stands below an article.
    """
    alone = ["\n" not in block and len(tokens(block)) >= MIN_ALONE and block in links for block in blocks]
    first = alone.index(True) if any(alone) else 0
    if sum(len(tokens(block)) for block in blocks[:first]) >= MIN_BEFORE:
        return 0
    return sum(here and not below for here, below in itertools.pairwise(alone))


def _core(text: str) -> tuple[str, ...]:
    words = tokens(_LABEL.sub("", text) if "(" in text or "[" in text else text)
    first, last = 0, len(words)
    while first < last and words[first].isdigit():
        first += 1
    while last > first and words[last - 1].isdigit():
        last -= 1
    return tuple(words[first:last])


def _is_links(block: str, links: LinkLines) -> bool:
    return not is_table(block) and all(line in links for line in block.split("\n"))


def _is_alone(block: str, links: LinkLines) -> bool:
    return (
        "\n" not in block
        and not block.startswith("- ")
        and len(tokens(block)) >= MIN_ALONE
        and not block.endswith((".", "!", "?", "…", ":"))
        and block in links
        and not links.is_heading(block)
    )
