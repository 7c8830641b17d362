"""Short blocks that stand among the paragraphs of a text and that extraction loses, because they are no `<p>`.

A sentence in a `<div>`, the line before a list with its list, the headline of a live blog's entry, a quotation in a
`<figure>` or an `<aside>`. They are looked for in the container around the text, between its first line and its last,
and only where the container holds little else: then what it holds is the article's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from lxml.html import HtmlElement

from extractors.blocks.lines import CHRONICLE, CLOCK, kind_of_line
from extractors.blocks.places import Line, container, lines_in, squeezed
from extractors.blocks.repeats import pulled_quotes
from extractors.text import tokens

MAX_LINES = 2000  # of a container; hostile pages could have them without end
FILLED = 0.6  # of a container's characters are the text's: in one that has more besides, gaps are the page's
MIN_SENTENCE = 4  # words
MAX_LABEL = 15  # words of an entry's headline
PART = 40  # characters without spaces; a shorter line may be part of the text by chance
_ENDS = re.compile(r"[.!?…:;。！？][»”\"')\]]*$")
_QUOTE = re.compile(r"quote|quotation|zitat|цитата|citation", re.IGNORECASE)
NO_TEXT = frozenset({"nav", "form", "button", "figure", "figcaption", "aside", "footer", "header", "table", "select",
                      "label", "iframe", "h1", "time", "details"})  # fmt: skip
FURNITURE = re.compile(
    r"(?:^|[\s_-]|(?<=[a-z])(?=[A-Z]))(?i:related|similar|recommend\w*|popular|latest|more|also|next|share\w*|social\w*|"
    r"comments?|promo\w*|banners?|advert\w*|ads?|newsletter|subscri\w*|breadcrumbs?|captions?|credits?|copyright|"
    r"photos?|images?|img|pictures?|gallery|slides?|slider|author\w*|byline|tags?|meta|info|infobox|teaser|cards?|"
    r"widget|nav|navigation|menu|footer|poll|vote|rating|toolbar|buttons?|player|video|embed\w*|disclaimer|sidebar|"
    r"date|time|views|counter|source|sign|register|login|tooltip|popup|modal)(?:$|[\s_-]|(?=[A-Z]))",
)


@dataclass(slots=True)
class _Gap:
    """What stands between two lines of a text, the first of which ends a block."""

    after: int  # the number of that block
    lines: list[Line] = field(default_factory=list)


def with_gaps_filled(found: Mapping[str, HtmlElement], blocks: Sequence[str], titles: Sequence[str]) -> list[str]:
    """Put the lines that the text lost back between its blocks, whose boxes are `found`."""
    root = container(found)
    if root is None or root.tag in ("html", "body"):
        return list(blocks)
    lines = list(islice(lines_in(root), MAX_LINES))
    if len(lines) == MAX_LINES:
        return list(blocks)
    gaps = list(_gaps(lines, blocks))
    known = Counter(tuple(tokens(text)) for text in (*titles, *blocks))
    shapes = _shapes_of_labels(gaps, root)
    filled: list[str] = []
    place = 0
    for gap in gaps:
        filled += [*blocks[place : gap.after + 1], *_blocks(gap, root, known, shapes)]
        place = gap.after + 1
    filled += blocks[place:]
    pulled = set(pulled_quotes(filled)) - set(blocks)
    return [block for block in filled if block not in pulled]


def _gaps(lines: Sequence[Line], blocks: Sequence[str]) -> Iterator[_Gap]:
    """Yield the gaps in the order of the blocks, if the lines are little else than the blocks."""
    place_of: dict[str, int] = {}
    for number, block in enumerate(blocks):
        for text in block.split("\n"):
            for part in {text.removeprefix("- "), *text.split(" | ")}:
                place_of.setdefault(squeezed(part), number)
    whole = [squeezed(block) for block in blocks]
    length, kept, last = 0, 0, -1
    found: list[_Gap] = []
    waiting: list[Line] = []
    for line in lines:
        key = squeezed(line.text)
        length += len(key)
        place = place_of.get(key)
        if place is None and len(key) >= PART:
            place = next((n for n in range(max(last, 0), len(whole)) if key in whole[n]), None)
        if place is None:
            waiting.append(line)
            continue
        kept += len(key)
        if waiting and place > last:
            found.append(_Gap(place - 1, waiting))
        last, waiting = max(place, last), []
    if kept >= FILLED * length:
        yield from found


def _blocks(
    gap: _Gap, root: HtmlElement, known: Counter[tuple[str, ...]], shapes: frozenset[tuple[str, ...]]
) -> Iterator[str]:
    """Yield the blocks that a gap holds."""
    items: list[str] = []
    introduced = False
    for number, line in enumerate(gap.lines):
        words = tuple(tokens(line.text))
        item = introduced and line.box.tag == "li"
        if items and not item:
            yield "\n".join(items)
            items = []
        last = number == len(gap.lines) - 1
        opens = line.text.endswith(":") and len(words) > 1 and (last or gap.lines[number + 1].box.tag == "li")
        wanted = item or opens or _is_told(line) or (last and _shape(line) in shapes)
        timed = last and CLOCK.fullmatch(line.text) is not None and _shape(line) in shapes
        if not wanted or not words or known[words] or not (timed or _is_inside(line, root)):
            introduced = introduced and line.box.tag == "li"
            continue
        known[words] += 1
        if item:
            items.append(f"- {line.text.lstrip('-•– ')}")
        else:
            introduced = line.text.endswith(":")
            yield line.text
    if items:
        yield "\n".join(items)


def _is_told(line: Line) -> bool:
    """Say whether a line is a sentence, or stands in a quotation."""
    if _quotation(line.box) is not None:
        return len(tokens(line.text)) > 1
    return len(tokens(line.text)) >= MIN_SENTENCE and _ENDS.search(line.text) is not None


def _quotation(box: HtmlElement) -> HtmlElement | None:
    """Return the outermost element of the quotation that a box belongs to."""
    found = None
    for element in (box, *box.iterancestors()):
        framed = element.tag in ("figure", "aside") and element.find(".//blockquote") is not None
        if framed or element.tag == "blockquote" or _QUOTE.search(element.get("class", "")):
            found = element
        elif found is not None:
            break
    return found


def in_quotation(box: HtmlElement) -> bool:
    """Say whether a box stands in a quotation that is set apart."""
    return _quotation(box) is not None


def _is_inside(line: Line, root: HtmlElement) -> bool:
    """Say whether a line is of the text and not of a box for other things in its container."""
    if 2 * line.linked >= len(line.text) or kind_of_line(line.text) is not None:
        return False
    quotation = _quotation(line.box)
    for element in (line.box, *line.box.iterancestors()):
        if element is root:
            return True
        quoted = quotation is not None and (element is quotation or quotation in element.iterancestors())
        named = f"{element.get('class', '')} {element.get('id', '')}"
        if not quoted and (element.tag in NO_TEXT or FURNITURE.search(named)):
            return False
    return False


def _shape(line: Line) -> tuple[str, ...]:
    return line.box.tag, line.box.get("class", "")


def _shapes_of_labels(gaps: Sequence[_Gap], root: HtmlElement) -> frozenset[tuple[str, ...]]:
    """Return tag and class of boxes that stand right before several paragraphs, each with a headline of its own."""
    labels = [gap.lines[-1] for gap in gaps if gap.lines]
    labels = [line for line in labels if 1 < len(tokens(line.text)) <= MAX_LABEL and line.box.get("class")]
    texts: dict[tuple[str, ...], set[str]] = {}
    for line in labels:
        if CLOCK.fullmatch(line.text) or _is_inside(line, root):
            texts.setdefault(_shape(line), set()).add(line.text)
    counts = Counter(map(_shape, labels))
    shapes = (shape for shape, found in texts.items() if len(found) > 1 and len(found) == counts[shape])
    clocks = Counter(_shape(line) for line in labels if CLOCK.fullmatch(line.text))
    return frozenset(shape for shape in shapes if shape not in clocks or clocks[shape] >= CHRONICLE)
