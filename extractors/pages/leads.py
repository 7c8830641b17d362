"""The lead that stands apart from the body: many sites set it in an element of its own, and extraction loses it.

The page's description for machines is as a rule the beginning of its lead, so it is known by that.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Iterator, Sequence
from itertools import islice, takewhile

from lxml.html import HtmlElement

from extractors.blocks.blocks import html_blocks
from extractors.blocks.lines import is_prose, kind_of_line
from extractors.blocks.places import boxes, lines_in
from extractors.pages.gaps import FURNITURE, NO_TEXT
from extractors.text import clean_line, tokens, tokens_of

MIN_WORDS = 8  # of the description that must agree, or all that it has
FEWEST_WORDS = 5  # of a description that is asked; a shorter one names the section
MAX_WORDS = 120  # of a lead; a longer element is more than the lead
QUOTES = "«»\"'“”„–—- "
ENOUGH = 200  # characters have that many words
MAX_LINES = 200  # of a page from its headline on
MAX_SENTENCES = 2  # lines between headline and text; more are another text
DESCRIPTIONS = ("og:description", "description", "twitter:description")
CANDIDATES = ("p", "div", "section", "h2", "h3", "h4", "strong", "b", "span", "td", "blockquote")


def with_lead(tree: HtmlElement, blocks: Sequence[str], titles: Sequence[str] = ()) -> list[str]:
    """Put the lead before the blocks, where the page prints one above the text that is not among them."""
    text = f" {' '.join(tokens_of(blocks))} "
    headlines = {tuple(tokens(title)) for title in titles}
    for description in _descriptions(tree):
        opening = description[:MIN_WORDS]
        known = f" {' '.join(opening)} " in text or tuple(description) in headlines
        if not known and (lead := _printed(tree, description, blocks)):
            return [*lead, *blocks]
    return [*_between(tree, headlines, blocks, text), *blocks]


def _between(
    tree: HtmlElement, headlines: Collection[tuple[str, ...]], blocks: Sequence[str], text: str
) -> Iterator[str]:
    """Yield the sentences that stand between the headline and the text, in boxes of their own, and not in the text."""
    heading = next((h for h in tree.iter("h1") if tuple(tokens(h.text_content())) in headlines), None)
    first = None if heading is None else next(iter(boxes(tree, blocks[:1]).values()), None)
    if heading is None or first is None:
        return
    above = {heading, *heading.iterancestors()}
    root = next((element for element in first.iterancestors() if element in above), None)
    if root is None or root.tag in ("html", "body"):
        return
    found: list[str] = []
    seen = False
    for line in islice(lines_in(root), MAX_LINES):
        if line.box is heading:
            seen = True
        elif line.box is first:
            yield from found if seen and len(found) <= MAX_SENTENCES else ()
            return
        elif seen and is_prose(line.text) and 2 * line.linked < len(line.text) and kind_of_line(line.text) is None:
            around = (line.box, *line.box.iterancestors())
            inside = takewhile(lambda element: element is not root, around)
            aside = any(e.tag in NO_TEXT or FURNITURE.search(f"{e.get('class', '')} {e.get('id', '')}") for e in inside)
            if not aside and len(tokens(line.text)) <= MAX_WORDS and f" {' '.join(tokens(line.text))} " not in text:
                found.append(line.text)


def _descriptions(tree: HtmlElement) -> list[list[str]]:
    """Return the words of each description."""
    found = {}
    for element in tree.iter("meta"):
        name = (element.get("property") or element.get("name") or "").lower()
        if name in DESCRIPTIONS and (content := element.get("content")):
            found[name] = tokens(clean_line(html.unescape(content)))
    return [words for words in found.values() if len(words) >= FEWEST_WORDS]


def _printed(tree: HtmlElement, description: list[str], blocks: Sequence[str]) -> list[str]:
    """Return the blocks of the innermost element above the text that begins with these words."""
    opening = description[:MIN_WORDS]
    first = tokens(blocks[0])[:MIN_WORDS] if blocks else []
    lead: HtmlElement | None = None
    heads = (opening[0], *first[:1])
    for element in tree.iter(*CANDIDATES):
        words = _first_words(element, heads)
        if words[: len(opening)] == opening:
            lead = element
        elif first and words == first:
            break
    if lead is None or len(tokens(lead.text_content())) > MAX_WORDS:
        return []
    found = html_blocks(lead)
    return found if all(map(is_prose, found)) or _is_described(found, description) else []


def _is_described(blocks: Sequence[str], description: list[str]) -> bool:
    """Say whether a lead is the description, word for word as far as the shorter of the two goes.

    That takes the place of a full stop, which many leads lack.
    """
    words = tokens_of(blocks)
    length = min(len(words), len(description))
    return len(blocks) == 1 and length >= FEWEST_WORDS and words[:length] == description[:length]


def _first_words(element: HtmlElement, heads: tuple[str, ...]) -> list[str]:
    """Return the first words of an element that begins with one of `heads`; none of any other.

    Not all of a long element is read: it may stand in another long one.
    """
    if (own := (element.text or "").strip()) and not own.lstrip(QUOTES).casefold().startswith(heads):
        return []
    pieces: list[str] = []
    length = 0
    for piece in element.itertext():
        if not (text := piece.strip()):
            continue
        if not pieces and not text.lstrip(QUOTES).casefold().startswith(heads):
            return []
        pieces.append(text)
        length += len(text)
        if length > ENOUGH:
            break
    return tokens(" ".join(pieces))[:MIN_WORDS]
