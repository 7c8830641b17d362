"""What a page holds and hides: its readers do not see it, so it is no text.

Hidden is what has the attribute `hidden` or the style `display: none`, a closed `<dialog>` (HTML standard, 6.1 and
4.11.4), and boxes with `aria-hidden="true"`: templates and closed windows. Hidden by style sheets are the microdata
blocks of some agencies: bare elements with `itemprop`, one for each property, among them the whole text in one line.

Scripts may unveil a text, so what is hidden stays where it is most of the page, or goes on with a text that is seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from lxml.etree import XPath
from lxml.html import HtmlElement

from extractors.pages.other_texts import phrases_of, share
from extractors.text import tokens

_HIDDEN: Any = XPath(
    ".//*[@hidden or @aria-hidden='true' or self::dialog[not(@open)]"
    " or contains(translate(@style, 'DISPLAYNOE ', 'displaynoe'), 'display:none')]"
)
_FOR_MACHINES: Any = XPath(
    ".//*[@itemprop='mainEntityOfPage' or @itemprop='dateModified' or @itemprop='inLanguage'"
    " or @itemprop='copyrightHolder' or @itemprop='publisher'][not(self::meta or self::link)]"
)
_PIECES: Any = XPath(
    "descendant-or-self::*[not(self::script or self::style or self::noscript)]/text()", smart_strings=False
)
_ROOTS = frozenset({"html", "body", "head", "script", "style", "noscript", "template", "input"})
_INLINE = frozenset({"span", "a", "b", "strong", "i", "em", "sup", "sub", "small", "svg", "img", "use", "path"})
PROSE = 80  # characters of one piece of text; labels are shorter
REST_OF_TEXT = 300  # characters of prose that go on with a text that is seen
SAME = 0.5  # of the phrases of a hidden text stand in what is seen: it is a copy
FEWEST_PROPERTIES = 4
BARE = 0.8  # of a block's elements are bare properties
_BARE = frozenset({"itemprop", "itemscope", "itemtype", "content", "datetime", "href"})


def remove_unseen(tree: HtmlElement) -> list[HtmlElement]:
    """Take what is hidden off the tree; return it."""
    removed: list[HtmlElement] = []
    hidden = _outermost([*_hidden(tree), *_machine_blocks(tree)])
    seen: Counter[str] | None = None
    for element in hidden:
        if prose := _prose(element):
            if seen is None:
                seen = Counter(_prose(tree))
                seen.subtract(piece for other in hidden for piece in _prose(other))
            if _is_text(element, prose, [*(+seen).elements()]):
                removed += _other_properties(element)
                continue
        removed.append(element)
    for element in removed:
        element.drop_tree()
    return removed


def _hidden(tree: HtmlElement) -> Iterator[HtmlElement]:
    for element in _HIDDEN(tree):
        only_unspoken = element.get("hidden") is None and "none" not in element.get("style", "").lower()
        if element.tag in _ROOTS or (element.tag in _INLINE and only_unspoken and element.tag != "dialog"):
            continue  # a letter drawn large is hidden from screen readers alone
        if element.get("hidden", "").lower() != "until-found":
            yield element


def _machine_blocks(tree: HtmlElement) -> Iterator[HtmlElement]:
    for element in _FOR_MACHINES(tree):
        block = element.getparent()
        if block is None or block.tag in _ROOTS:
            continue
        children = [child for child in block if isinstance(child.tag, str)]
        bare = sum(map(_is_bare, children))
        if bare >= FEWEST_PROPERTIES and bare >= BARE * len(children):
            yield block


def _is_bare(element: HtmlElement) -> bool:
    return "itemprop" in element.attrib and _BARE.issuperset(element.attrib)


def _outermost(elements: list[HtmlElement]) -> list[HtmlElement]:
    chosen = set(elements)
    return [e for e in dict.fromkeys(elements) if not any(ancestor in chosen for ancestor in e.iterancestors())]


def _prose(element: HtmlElement) -> list[str]:
    return [piece for piece in _PIECES(element) if len(piece) >= PROSE]


def _is_text(element: HtmlElement, prose: list[str], seen: list[str]) -> bool:
    """Say whether a hidden element holds a text of its own that readers get to see."""
    if share(phrases_of(tokens(" ".join(prose))), phrases_of(tokens(" ".join(seen)))) >= SAME:
        return False
    length = sum(map(len, prose))
    if length > sum(map(len, seen)):
        return True
    parent = element.getparent()
    beside = [] if parent is None else [child for child in parent if child.tag in ("p", "div") and child is not element]
    return length >= REST_OF_TEXT and any(len(child.text or "") >= PROSE for child in beside)


def _other_properties(block: HtmlElement) -> list[HtmlElement]:
    """Return what stands beside the text in a block for machines that is the only one to hold it."""
    return [child for child in block if _is_bare(child) and child.get("itemprop") != "articleBody"]
