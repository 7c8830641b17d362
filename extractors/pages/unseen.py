"""What a page holds and hides: its readers do not see it, so it is no text.

Hidden is what has the attribute `hidden` or the style `display: none`, a closed `<dialog>` (HTML standard, 6.1 and
4.11.4), and boxes with `aria-hidden="true"`: templates and closed windows. Hidden by style sheets are the microdata
blocks of some agencies: bare elements with `itemprop`, one for each property, among them the whole text in one line.

Scripts may unveil a text, so what is hidden stays where it is most of the page, or goes on with a text that is seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from lxml.etree import XPath
from lxml.html import HtmlElement

from extractors.pages.other_texts import phrases_of, share
from extractors.text import tokens

_MARKED: Any = XPath(".//*[@hidden or @aria-hidden or @style or @itemprop]")  # one walk over the page for both kinds
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
_FOR_MACHINES = frozenset({"mainEntityOfPage", "dateModified", "inLanguage", "copyrightHolder", "publisher"})
_BARE = frozenset({"itemprop", "itemscope", "itemtype", "content", "datetime", "href"})


def remove_unseen(tree: HtmlElement) -> list[HtmlElement]:
    """Take what is hidden off the tree; return it."""
    marked: list[HtmlElement] = _MARKED(tree)
    dialogs = [element for element in tree.iter("dialog") if element.get("open") is None]
    hidden = _outermost([*filter(_is_hidden, marked), *dialogs, *_machine_blocks(marked)])
    removed: list[HtmlElement] = []
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


def put_in_place(tree: HtmlElement) -> None:
    """Put what a page sends late and hidden where it belongs, as its own script does at once (React: S:0 for B:0)."""
    for late in list(tree.iterfind(".//div[@hidden][@id]")):
        part, _, number = late.get("id", "").partition(":")
        place = tree.find(f".//template[@id='B:{number}']") if part == "S" and number.isalnum() else None
        parent = None if place is None else place.getparent()
        if parent is not None and late not in (parent, *parent.iterancestors()):
            del late.attrib["hidden"]
            late.tail = None  # next to nothing: a page's scripts follow it
            parent.insert(parent.index(place) + 1, late)


def _is_hidden(element: HtmlElement) -> bool:
    if element.tag in _ROOTS:
        return False
    if (stated := element.get("hidden")) is not None:
        return bool(stated.lower() != "until-found")
    if "display:none" in element.get("style", "").replace(" ", "").lower():
        return True
    # A letter drawn large stands in a <span> that is hidden from screen readers alone.
    return element.get("aria-hidden") == "true" and element.tag not in _INLINE


def _machine_blocks(marked: Sequence[HtmlElement]) -> Iterator[HtmlElement]:
    stated = (e for e in marked if e.get("itemprop") in _FOR_MACHINES and e.tag not in ("meta", "link"))
    for block in dict.fromkeys(element.getparent() for element in stated):
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
