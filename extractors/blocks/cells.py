"""Pages that are laid out by tables: the text stands in one cell, and all that stands in others is the page's.

So were most pages made until about 2010, and many of agencies and ministries still are. They mark nothing, and menus,
comments and headlines of other stories stand in cells beside the text, below it, and in tables set into it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from lxml.html import HtmlElement

from extractors.blocks.lines import is_prose, is_table
from extractors.blocks.places import squeezed
from extractors.text import count_words

MOST = 0.6  # of the words stand in one cell: else the text is spread over several
FEWEST = 60  # words of a cell that holds a text


def without_other_cells(found: Mapping[str, HtmlElement], blocks: Sequence[str]) -> list[str]:
    """Drop what stands in other cells than most of the text; `found` are the blocks' boxes.

    Short lines between its paragraphs, which have no box, stay, and so do tables of data in that cell, at their place.
    """
    cells = {block: _cell(box) for block, box in found.items()}
    words: Counter[HtmlElement] = Counter()
    for block, cell in cells.items():
        if cell is not None and is_prose(block):
            words[cell] += count_words(block)
    main, most = max(words.items(), key=lambda one: one[1], default=(None, 0))
    if main is None or most < max(FEWEST, MOST * sum(count_words(b) for b in blocks if is_prose(b))):
        return list(blocks)
    inside = [place for place, block in enumerate(blocks) if cells.get(block) is main]
    whole = blocks[inside[0] : inside[-1] + 1]
    kept = [block for block in whole if not is_table(block) and cells.get(block, main) is main]
    order = {element: number for number, element in enumerate(main.iter())}
    for table in main.iter("table"):
        if (data := _block_of(table, blocks)) is not None and data not in kept:
            before = [n for n, b in enumerate(kept) if b in found and order[found[b]] < order[table]]
            kept.insert(before[-1] + 1 if before else len(kept), data)
    return kept


def _block_of(table: HtmlElement, blocks: Sequence[str]) -> str | None:
    """Return the block of a table of data; one with links is a list of stories."""
    if table.find(".//a[@href]") is not None or table.find(".//table") is not None:
        return None
    text = squeezed(table.text_content())
    return next((b for b in blocks if is_table(b) and squeezed(b.replace(" | ", "")) == text), None)


def _cell(box: HtmlElement) -> HtmlElement | None:
    return next((element for element in (box, *box.iterancestors()) if element.tag in ("td", "th")), None)
