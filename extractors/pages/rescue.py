"""The text that a page states for machines (JSON-LD `articleBody`), where the visible one was missed or runs on.

It is never the text itself where there is another: it lacks sub-headings and leads, has often no paragraphs, and live
blogs state a beginning only.
"""

from __future__ import annotations

from collections.abc import Sequence

from lxml.etree import ParserError
from lxml.html import HtmlElement, fromstring

from extractors.pages.agreement import Phrases, phrases_of, share
from extractors.pages.blocks import html_blocks
from extractors.text import clean_line, tokens, tokens_of

MIN_WORDS = 80  # of a stated text that is worth a rescue
MISSED = 0.5  # less than this of the stated words was found
COMPLETE = 0.8  # of the found words are stated as well, and of the stated words found: the two are one text
BELONGS = 0.5  # of a block's phrases are stated: the block is
MAX_TAIL = 0.25  # of the words may come behind the stated text's end: what is more is a part of its own


def rescued(tree: HtmlElement, blocks: Sequence[str], stated: str | None) -> list[str]:
    """The blocks; those of the `stated` text where far less was found; without what comes behind its end."""
    body = _blocks_of(stated) if stated else []
    if len(words := tokens_of(body)) < MIN_WORDS:
        return list(blocks)
    phrases, found = phrases_of(words), tokens_of(blocks)
    if len(found) < MISSED * len(words):
        return _printed(tree, phrases) or body
    mine = phrases_of(found)
    if share(mine, phrases) < COMPLETE or share(phrases, mine) < COMPLETE:
        return list(blocks)
    last = max((n for n, block in enumerate(blocks) if _belongs(block, phrases)), default=len(blocks))
    tail = sum(len(tokens(block)) for block in blocks[last + 1 :])
    return list(blocks[: last + 1]) if tail <= MAX_TAIL * len(found) else list(blocks)


def _blocks_of(stated: str) -> list[str]:
    if "<" in stated and ">" in stated:
        try:
            return html_blocks(fromstring(f"<div>{stated}</div>"))
        except (ParserError, ValueError):
            return []
    return [line for part in stated.splitlines() if (line := clean_line(part))]


def _printed(tree: HtmlElement, phrases: Phrases) -> list[str]:
    """The stated text in the page's own paragraphs, if it prints them."""
    page = html_blocks(tree)
    places = [place for place, block in enumerate(page) if _belongs(block, phrases)]
    kept = [page[place] for place in places]
    return kept if share(phrases, phrases_of(tokens_of(kept))) >= COMPLETE else []


def _belongs(block: str, phrases: Phrases) -> bool:
    own = phrases_of(tokens(block))
    return len(next(iter(own))) > 1 and share(own, phrases) >= BELONGS
