"""Boxes for other stories among the paragraphs of a text: a card to read on, a heading over links.

A card is a small box below the text's container whose text is mostly a link to another page of the site, with a
heading, a date or a teaser beside it; or over which a link without text lies that is named after one of its lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement

from extractors.blocks.places import Line, container, lines_in, squeezed
from extractors.text import count_words
from extractors.urls import same_site

MAX_WORDS = 80  # of a card
LONGEST = 1000  # characters of a card, spaces between its tags among them
MIN_HEADLINE = 3  # words of a link that announces a story
NEAR_TOP = 4  # lines: a date and a section may stand above the headline
LINKED = 0.5  # of its characters
MOST = 0.3  # of a text's words may be cards': a list of stories is no text with cards in it
SHORTEST = 8  # characters without spaces of a block that is looked for in a card
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif")
BOXES = frozenset({"div", "section", "aside", "figure", "article", "center", "li", "details", "td", "tr"})


def without_cards(found: Mapping[str, HtmlElement], blocks: Sequence[str], *, page: str) -> list[str]:
    """Drop the blocks that stand in cards; `found` are the blocks' boxes, `page` is the address of the page."""
    root = container(found, share=1.0)
    if root is None:
        return list(blocks)
    texts = list(_cards(root, page))
    if not texts:
        return list(blocks)

    def is_in_card(block: str) -> bool:
        keys = [squeezed(line.removeprefix("- ")) for line in block.split("\n")]
        return len(keys[0]) >= SHORTEST and any(all(key in text for key in keys) for text in texts)

    kept = [block for block in blocks if not is_in_card(block)]
    gone = sum(map(count_words, blocks)) - sum(map(count_words, kept))
    return kept if gone <= MOST * sum(map(count_words, blocks)) else list(blocks)


def _cards(root: HtmlElement, page: str) -> Iterator[str]:
    """Yield the texts of the cards, without spaces."""
    looked_at: set[HtmlElement] = set()
    small: dict[HtmlElement, bool] = {}  # each element is measured once
    for link in root.iter("a"):
        if not leads_to_story(link, page):
            continue
        box = _box(link, root, small)
        if box is None or box in looked_at:
            continue
        looked_at.add(box)
        lines = list(lines_in(box))
        if len(lines) > 1 and (_is_linked(box, lines, page) or _is_covered(box, lines, page)):
            yield squeezed("".join(line.text for line in lines))


def items(root: HtmlElement, page: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the announcements of stories in an element: tag and class of each, and its text without spaces.

    An announcement is a small box with a link to a story in a line of its own near its top, and more below.
    """
    small: dict[HtmlElement, bool] = {}
    looked_at: set[HtmlElement] = set()
    for link in root.iter("a"):
        if not leads_to_story(link, page) or count_words(label := link.text_content()) < MIN_HEADLINE:
            continue
        box = _box(link, root, small)
        if box is None or box in looked_at:
            continue
        looked_at.add(box)
        lines = [squeezed(line.text) for line in lines_in(box)]
        if squeezed(label) in lines[:NEAR_TOP] and len(lines) > 1:
            yield (str(box.tag), box.get("class", "")), "".join(lines)


def _box(link: HtmlElement, root: HtmlElement, small: dict[HtmlElement, bool]) -> HtmlElement | None:
    """Return the outermost small box around a link."""
    found = None
    for element in link.iterancestors():
        if element not in small:
            text = element.text_content()
            small[element] = element is not root and len(text) <= LONGEST and count_words(text) <= MAX_WORDS
        if not small[element]:
            break
        if element.tag in BOXES:
            found = element
    return found


def leads_to_story(link: HtmlElement, page: str) -> bool:
    """Say whether a link leads to another page of the site, not to a place on this one or to a picture."""
    stated = (link.get("href") or "").strip()
    if not stated or stated.startswith(("#", "javascript:", "mailto:", "tel:")):
        return False
    if stated[0] == "/" and stated[1:2] not in ("", "/"):  # as most links: no need to take it apart
        return not stated.lower().endswith(PICTURES) and not page.split("#")[0].endswith(stated)
    try:
        address = urljoin(page, stated)
        path = urlsplit(address).path
        if address.split("#")[0] == page.split("#")[0] or path.lower().endswith(PICTURES):
            return False
        return len(path) > 1 and same_site(address, page)
    except ValueError:
        return False


def _is_linked(box: HtmlElement, lines: Sequence[Line], page: str) -> bool:
    """Say whether most of a box's text is links to stories, each of which fills a line."""
    filled = {squeezed(line.text) for line in lines if line.linked}
    linked = [text for a in box.iter("a") if leads_to_story(a, page) and (text := squeezed(a.text_content())) in filled]
    return sum(map(len, linked)) >= LINKED * sum(len(squeezed(line.text)) for line in lines)


def _is_covered(box: HtmlElement, lines: Sequence[Line], page: str) -> bool:
    """Say whether a link without text that is named after one of the lines lies over the box."""
    known = {squeezed(line.text) for line in lines}
    for link in box.iter("a"):
        if leads_to_story(link, page) and not squeezed(link.text_content()):
            pictures = [picture.get("alt", "") for picture in link.iter("img")]
            if known & {
                squeezed(name) for name in (link.get("title", ""), link.get("aria-label", ""), *pictures) if name
            }:
                return True
    return False
