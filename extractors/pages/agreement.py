"""A second opinion where trafilatura may have taken too much, or the wrong thing.

trafilatura asks readability about every page and then trusts itself; here readability's answer is kept and heard in
two cases. On pages that mark their text (`articleBody`, `<article>`, `<main>`), when trafilatura took most of its text
from elsewhere and readability took its own from there. On pages that mark nothing, when trafilatura found all that
readability found, and more: side bars and lists of headlines, on older pages built of tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from lxml.etree import ParserError, XMLSyntaxError
from lxml.html import HtmlElement, fromstring
from trafilatura import external
from trafilatura.readability_lxml import Document

from extractors.pages.blocks import html_blocks
from extractors.text import tokens, tokens_of

# Thresholds chosen on every other page of two public sets (American news and blogs; Russian pages of 2011–12), and
# checked on the rest.
MIN_CHARACTERS = 250  # of readability's text; it takes shorter ones from anywhere
MIN_SHARE = 0.1  # of trafilatura's words: less is a detail, not the article
MIN_COMMON = 0.7  # of what readability found trafilatura found as well: else the two speak of different things
STRAYED = 0.75  # trafilatura has less of its text from the marked element than this
AT_HOME = 0.8  # readability has at least so much from there
WHOLE_BLOCK = 0.5  # of a block's phrases are readability's: the block is
ENOUGH = (
    0.8  # of readability's phrases stand in the blocks that both chose: trafilatura's cut of them is the better one
)
PHRASE = 4  # words
CUT = (",", ".", ";", ":", ")", "»", "”")  # no paragraph begins so
MARKS = ("//*[@itemprop='articleBody']", "//article", "//main | //*[@role='main']")  # the closest first

Phrases = frozenset[tuple[str, ...]]


@contextmanager
def overheard() -> Iterator[list[HtmlElement]]:
    """While this lasts, readability's answers to trafilatura are kept in the list: asking again costs a tenth more."""
    answers: list[HtmlElement] = []
    ask = external.try_readability

    def asked(tree: HtmlElement) -> HtmlElement:
        answer = ask(tree)
        answers.append(deepcopy(answer))
        return answer

    module: Any = external
    module.try_readability = asked
    try:
        yield answers
    finally:
        module.try_readability = ask


def second_opinion(tree: HtmlElement, answer: HtmlElement | None) -> list[str]:
    """The blocks that readability takes for the text, by an answer that it gave before; else it is asked."""
    try:
        return html_blocks(fromstring(Document(deepcopy(tree)).summary()) if answer is None else answer)
    except (ParserError, XMLSyntaxError):  # its answer is empty
        return []


def agreed(tree: HtmlElement, blocks: list[str], answer: HtmlElement | None) -> list[str]:
    """The blocks, without those that only trafilatura chose where readability is the better judge; or its own blocks.

    `answer` is what readability gave to trafilatura, if it was asked. It leaves out what is quoted from elsewhere
    (`<blockquote>`: letters, posts); that stays.
    """
    first = _words(blocks)
    mine, marked = phrases_of(first), marked_phrases(tree)
    if marked is not None and share(mine, marked) >= STRAYED:
        return blocks
    opinion = second_opinion(tree, answer)
    if sum(map(len, opinion)) < MIN_CHARACTERS:
        return blocks
    second = _words(opinion)
    other = phrases_of(second)
    if marked is not None:
        return _as_printed(tree, opinion, other) if share(other, marked) >= AT_HOME else blocks
    if share(other, mine) < MIN_COMMON or len(second) < MIN_SHARE * len(first):
        return blocks
    quoted = _phrases_in(list(tree.iter("blockquote")))
    kept = [block for block in blocks if _belongs(tokens(block), other | quoted, f" {' '.join(second)} ")]
    return kept if share(other, phrases_of(_words(kept))) >= ENOUGH else _as_printed(tree, opinion, other)


def _as_printed(tree: HtmlElement, opinion: list[str], phrases: Phrases) -> list[str]:
    """Readability's choice; in the page's own paragraphs where it is cut, as it is around a link in a `<div>`."""
    if not any(block.startswith(CUT) for block in opinion):
        return opinion
    text = f" {' '.join(_words(opinion))} "
    page = html_blocks(tree)
    chosen = [_belongs(tokens(block), phrases, text) for block in page]
    long = [place for place, block in enumerate(page) if chosen[place] and len(tokens(block)) >= PHRASE]
    if not long:
        return opinion
    kept = [page[place] for place in range(long[0], long[-1] + 1) if chosen[place]]
    return kept if share(phrases, phrases_of(_words(kept))) >= ENOUGH else opinion


def marked_phrases(tree: HtmlElement) -> Phrases | None:
    """The phrases of the elements that the page marks as its text; None where it marks none."""
    for mark in MARKS:
        if elements := tree.xpath(mark):
            return _phrases_in(elements)
    return None


def _words(blocks: Sequence[str]) -> list[str]:
    return tokens_of(blocks)


def phrases_of(words: list[str]) -> Phrases:
    """All sequences of four words; of fewer words, the one that they are."""
    if len(words) <= PHRASE:
        return frozenset([tuple(words)])
    return frozenset(zip(*(words[start:] for start in range(PHRASE)), strict=False))


def share(part: Phrases, whole: Phrases) -> float:
    """How much of `part` is in `whole`, 0 to 1."""
    return len(part & whole) / max(1, len(part))


def _phrases_in(elements: Sequence[HtmlElement]) -> Phrases:
    known = set(elements)
    outermost = [element for element in elements if not known.intersection(element.iterancestors())]
    return frozenset().union(*(phrases_of(tokens(" ".join(element.itertext()))) for element in outermost))


def _belongs(words: list[str], phrases: Phrases, text: str) -> bool:
    if len(words) < PHRASE:
        return f" {' '.join(words)} " in text
    return f" {' '.join(words)} " in text or share(phrases_of(words), phrases) >= WHOLE_BLOCK
