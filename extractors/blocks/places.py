"""Where on the page a text stands: the container around it, and the lines of that container."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lxml.etree import iterwalk
from lxml.html import HtmlElement

from extractors.text import clean_line

BREAKING = frozenset({
    "address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav",
    "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
})  # fmt: skip
UNSEEN = frozenset({"script", "style", "noscript", "template"})
BEGINNING = 24  # characters without spaces by which a block is looked for …
ENOUGH = 120  # … and by which it is known
MAX_ELEMENTS = 6000  # of a page that are looked at
MOST = 0.9  # of the characters of the blocks found stand in their container
CARRIERS = (
    "p",
    "div",
    "li",
    "td",
    "blockquote",
    "section",
    "article",
    "a",
    "b",
    "strong",
    "i",
    "em",
    "span",
    "font",
    "br",
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line as a browser breaks it. `box` is the innermost box that it stands in; `linked` counts characters."""

    text: str
    box: HtmlElement
    linked: int


def squeezed(text: str) -> str:
    """Return a text without its spaces, to compare by."""
    return "".join(text.split())


def boxes(tree: HtmlElement, blocks: Sequence[str]) -> dict[str, HtmlElement]:
    """Find the boxes in which blocks begin. Those that begin with a link or a short piece are not found."""
    keys: dict[str, list[tuple[str, str]]] = {}
    for block in blocks:
        begins = squeezed(block[: 4 * ENOUGH].removeprefix("- "))[:ENOUGH]
        keys.setdefault(begins[:BEGINNING], []).append((begins, block))
    found: dict[str, HtmlElement] = {}
    for element, _ in zip(tree.iter(*CARRIERS), range(MAX_ELEMENTS), strict=False):
        text = element.tail if element.tag == "br" else element.text
        if text is None or len(text) < BEGINNING:
            continue
        own = squeezed(text[: 4 * ENOUGH])[:ENOUGH]
        for begins, block in keys.get(own[:BEGINNING], ()):
            if block not in found and (begins.startswith(own) or own.startswith(begins)):
                around = (element, *element.iterancestors())
                found[block] = next((e for e in around if e.tag in BREAKING and e.tag != "br"), element)
                break
    return found


def container(found: Mapping[str, HtmlElement], *, share: float = MOST) -> HtmlElement | None:
    """Return the innermost element that holds so much of the blocks found."""
    weights: Counter[HtmlElement] = Counter()
    for block, element in found.items():
        weights.update({ancestor: len(block) for ancestor in (element, *element.iterancestors())})
    least = share * sum(map(len, found))
    holding = [element for element, weight in weights.items() if weight >= least]
    return max(holding, key=lambda element: sum(1 for _ in element.iterancestors()), default=None)


def lines_in(root: HtmlElement) -> Iterator[Line]:
    """Yield the lines of an element, as a browser breaks them."""
    pieces: list[str] = []
    box, linked, links, unseen = root, 0, 0, 0
    for event, element in iterwalk(root, events=("start", "end")):
        tag = element.tag
        if tag in UNSEEN:
            unseen += 1 if event == "start" else -1
        elif tag in BREAKING:
            if pieces and (text := clean_line("".join(pieces))):
                yield Line(text, box, linked)
            pieces, linked = [], 0
            box = element if event == "start" else element.getparent()
        elif tag == "a":
            links += 1 if event == "start" else -1
        piece = element.text if event == "start" else element.tail if element is not root else None
        if piece and not unseen and isinstance(tag, str):
            pieces.append(piece)
            linked += len(piece) if links else 0
    if pieces and (text := clean_line("".join(pieces))):
        yield Line(text, box, linked)
