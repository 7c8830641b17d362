"""A second opinion where trafilatura may have taken too much, or the wrong thing.

trafilatura asks readability about every page and then trusts itself; here readability's answer is kept and heard in
two cases. On pages that mark their text (`articleBody`, `<article>`, `<main>`), when trafilatura took most of its text
from elsewhere and readability took its own from there. On pages that mark nothing, when trafilatura found all that
readability found, and more: side bars and lists of headlines, on older pages built of tables.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from itertools import islice
from typing import Any

from lxml.etree import ParserError, XMLSyntaxError
from lxml.html import HtmlElement, fromstring
from trafilatura import external
from trafilatura.readability_lxml import Document

from config.languages import Languages, languages
from config.phrases import NOTHING, pattern_of
from extractors.blocks.blocks import html_blocks
from extractors.blocks.places import boxes
from extractors.feeds.markup import plain
from extractors.pages.titles import unescaped
from extractors.text import clean_line, count_words, tokens, tokens_of

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
ALIKE = 0.5  # of the words that would go stand in boxes like those of the words that would stay
PHRASE = 4  # words
CUT = (",", ".", ";", ":", ")", "»", "”")  # no paragraph begins so
MARKS = ("//*[@itemprop='articleBody']", "//article", "//main | //*[@role='main']")  # the closest first

Phrases = frozenset[tuple[str, ...]]


@contextmanager
def overheard() -> Iterator[list[HtmlElement]]:
    """Keep readability's answers to trafilatura in the list while this lasts: asking again costs a tenth more."""
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
    """Return the blocks that readability takes for the text, by an answer that it gave before; else it is asked."""
    try:
        return html_blocks(fromstring(Document(deepcopy(tree)).summary()) if answer is None else answer)
    except (ParserError, XMLSyntaxError):  # its answer is empty
        return []


def agreed(tree: HtmlElement, blocks: list[str], answer: HtmlElement | None) -> list[str]:
    """Drop the blocks that only trafilatura chose where readability is the better judge; or return its own blocks.

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
    if _share_shapes(tree, blocks, kept):
        return blocks
    return kept if share(other, phrases_of(_words(kept))) >= ENOUGH else _as_printed(tree, opinion, other)


def _share_shapes(tree: HtmlElement, blocks: Sequence[str], kept: Sequence[str]) -> bool:
    """Say whether most of what would go stands in boxes like those of what would stay: a text in several containers."""
    chosen = set(kept)
    shapes: dict[bool, Counter[tuple[tuple[str, str], ...]]] = {True: Counter(), False: Counter()}
    for block, box in boxes(tree, blocks).items():
        around = tuple((str(e.tag), e.get("class", "")) for e in islice(box.iterancestors(), 3))
        shapes[block in chosen][around] += len(tokens(block))
    gone = sum(len(tokens(block)) for block in blocks if block not in chosen)
    alike = sum(words for around, words in shapes[False].items() if around in shapes[True])
    return gone > 0 and alike >= ALIKE * gone


def _as_printed(tree: HtmlElement, opinion: list[str], phrases: Phrases) -> list[str]:
    """Return readability's choice; in the page's own paragraphs where it is cut, as around a link in a `<div>`."""
    if not any(block.startswith(CUT) for block in opinion):
        return opinion
    text = f" {' '.join(_words(opinion))} "
    page = html_blocks(tree)
    chosen = [_belongs(tokens(block), phrases, text) for block in page]
    long = [position for position, block in enumerate(page) if chosen[position] and len(tokens(block)) >= PHRASE]
    if not long:
        return opinion
    kept = [page[position] for position in range(long[0], long[-1] + 1) if chosen[position]]
    return kept if share(phrases, phrases_of(_words(kept))) >= ENOUGH else opinion


def marked_phrases(tree: HtmlElement) -> Phrases | None:
    """Return the phrases of the elements that the page marks as its text; None where it marks none."""
    for mark in MARKS:
        if elements := tree.xpath(mark):
            return _phrases_in(elements)
    return None


def _words(blocks: Sequence[str]) -> list[str]:
    return tokens_of(blocks)


def phrases_of(words: list[str]) -> Phrases:
    """Return all sequences of four words; of fewer words, the one that they are."""
    if len(words) <= PHRASE:
        return frozenset([tuple(words)])
    return frozenset(zip(*(words[start:] for start in range(PHRASE)), strict=False))


def share(part: Phrases, whole: Phrases) -> float:
    """Return how much of `part` is in `whole`, 0 to 1."""
    return len(part & whole) / max(1, len(part))


def _phrases_in(elements: Sequence[HtmlElement]) -> Phrases:
    known = set(elements)
    outermost = [element for element in elements if not known.intersection(element.iterancestors())]
    return frozenset().union(*(phrases_of(tokens(" ".join(element.itertext()))) for element in outermost))


def _belongs(words: list[str], phrases: Phrases, text: str) -> bool:
    if len(words) < PHRASE:
        return f" {' '.join(words)} " in text
    return f" {' '.join(words)} " in text or share(phrases_of(words), phrases) >= WHOLE_BLOCK


MIN_WORDS = 80  # of a stated text that is worth a rescue
MISSED = 0.5  # less than this of the stated words was found
COMPLETE = 0.8  # of the found words are stated as well, and of the stated words found: the two are one text
RUN_TOGETHER = 3  # times as many paragraphs are stated as found: the text comes from there, in one line
BELONGS = 0.5  # of a block's phrases are stated: the block is
MAX_TAIL = 0.25  # of the words may come behind the stated text's end: what is more is a part of its own


def rescued(tree: HtmlElement, blocks: Sequence[str], stated: str | None) -> list[str]:
    """Return the blocks; those of the `stated` text where far less was found; without what comes behind its end."""
    body = _blocks_of(stated) if stated else []
    if len(words := tokens_of(body)) < MIN_WORDS:
        return list(blocks)
    phrases, found = phrases_of(words), tokens_of(blocks)
    if len(found) < MISSED * len(words):
        return _printed(tree, phrases) or body
    mine = phrases_of(found)
    if share(mine, phrases) < COMPLETE or share(phrases, mine) < COMPLETE:
        return list(blocks)
    if RUN_TOGETHER * len(blocks) <= len(body) and not _printed(tree, phrases):
        return body
    last = max((n for n, block in enumerate(blocks) if _is_stated(block, phrases)), default=len(blocks))
    tail = sum(len(tokens(block)) for block in blocks[last + 1 :])
    return list(blocks[: last + 1]) if tail <= MAX_TAIL * len(found) else list(blocks)


def _blocks_of(stated: str) -> list[str]:
    stated = unescaped(stated)
    if "<" in stated and ">" in stated:
        try:
            return html_blocks(fromstring(f"<div>{stated}</div>"))
        except (ParserError, ValueError):
            return []
    return [line for part in stated.splitlines() if (line := clean_line(part))]


def _printed(tree: HtmlElement, phrases: Phrases) -> list[str]:
    """Return the stated text in the page's own paragraphs, if it prints them."""
    page = html_blocks(tree)
    positions = [position for position, block in enumerate(page) if _is_stated(block, phrases)]
    kept = [page[position] for position in positions]
    return kept if share(phrases, phrases_of(tokens_of(kept))) >= COMPLETE else []


def _is_stated(block: str, phrases: Phrases) -> bool:
    own = phrases_of(tokens(block))
    return len(next(iter(own))) > 1 and share(own, phrases) >= BELONGS


def fuller(content: str | None, page: Sequence[str]) -> list[str] | None:
    """Return the blocks of an article's full text in a feed, when they say more than the `page`'s blocks; else None.

    More is a quarter more words, and at least a sentence that the page has not: so a stub, a text cut short and
    a page behind a paywall are replaced, and a page that says the same in other words is not.
    """
    least = MUCH_LONGER * sum(count_words(block) for block in page)
    if count_words(plain(content) or "") < max(least, 1):  # most feeds: known without reading them as a page
        return None
    found = content_blocks(content or "")
    if sum(count_words(block) for block in found) < least:
        return None
    known = {" ".join(tokens(line)) for block in page for line in block.split("\n")}
    new = [text for block in found for line in block.split("\n") if (text := " ".join(tokens(line))) not in known]
    return found if sum(text.count(" ") + 1 for text in new) >= NEW_WORDS else None


def content_blocks(content: str) -> list[str]:
    """Return the blocks of a feed's full text, read as a page's text is: paragraphs, lists and tables."""
    from trafilatura import bare_extraction  # a second to load, and only child processes come here

    from extractors.blocks.blocks import blocks

    document = bare_extraction(
        f"<html><body><article>{content}</article></body></html>",
        include_comments=False,
        with_metadata=False,
        favor_recall=True,
    )
    if document is None or isinstance(document, dict):
        return []
    appeared = _appeared(languages())
    return [block for block in blocks(document.body) if not appeared.match(block)]


MUCH_LONGER = 1.25  # times the page's words: a feed's text may have a caption or a signature more
NEW_WORDS = 12  # of the feed's, in lines that the page has not: a sentence


@cache
def _appeared(known: Languages) -> re.Pattern[str]:
    """Return a pattern of the line that WordPress writes below every text in a feed."""
    pairs = [pair for language in known for pair in language.pages.appeared]
    lines = "|".join(f"{pattern_of(before)} .{{1,300}}{pattern_of(behind)}" for before, behind in pairs)
    return re.compile(f"(?:{lines})" if lines else NOTHING, re.IGNORECASE)
