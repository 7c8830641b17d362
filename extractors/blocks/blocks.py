"""From the tree that trafilatura or readability leaves of a page to the blocks of a corpus file.

A block is a paragraph (one line), a list (`- item` a line) or a table (`cell | cell` a line; an empty cell keeps its
place, so that columns do not shift, unless all of the column is empty). A table with one filled cell a row, or with
whole paragraphs in a cell, is layout, not data, and its contents are paragraphs like any others.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

from lxml.etree import _Element
from lxml.html import HtmlElement

from extractors.text import clean_line

# What starts on a line of its own. The names are those of trafilatura's output: head, lb (line break), list, item …
BREAKING = frozenset({"p", "head", "quote", "code", "ab", "div", "fw", "lb", "item", "list", "row", "cell", "table"})
NESTING = frozenset({"list", "table"})
PICTURES = frozenset({"graphic", "media"})
MAX_CELL = 60  # words; cells of data have fewer, and an article that is set in a table has paragraphs
# HTML's own names, for what readability leaves; a definition list reads as sub-headings with a list each.
AS_TEI = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6", "dt"), "head"),
    **dict.fromkeys(("ul", "ol"), "list"),
    **dict.fromkeys(("li", "dd"), "item"),
    **dict.fromkeys(("td", "th"), "cell"),
    **dict.fromkeys(("br", "hr"), "lb"),
    **dict.fromkeys(("section", "article", "main", "header", "footer", "center", "aside", "figure", "figcaption",
                     "address", "form", "fieldset", "dl", "details", "summary"), "div"),
    **dict.fromkeys(("img", "picture", "svg", "video", "audio", "iframe", "object", "canvas"), "graphic"),
    "blockquote": "quote", "pre": "code", "tr": "row", "caption": "p",
}  # fmt: skip
UNSEEN = ("script", "style", "noscript", "template", "select", "textarea", "button")
ENDS = (".", "!", "?", "…", ":")
ROW_GROUPS = ("tbody", "thead", "tfoot")


def blocks(body: _Element) -> list[str]:
    """Return the blocks of an extracted body, in document order, cleaned; none is empty."""
    found: list[str] = []
    line: list[str] = []

    def end_line() -> None:
        if text := clean_line("".join(line)):
            found.append(text)
        line.clear()

    def walk(element: _Element) -> None:
        breaking = element.tag in BREAKING
        if breaking:
            end_line()
        if element.tag == "list":
            found.extend(_list(element))
        elif element.tag == "table" and not _is_layout(element):
            found.extend(_table(element))
        else:
            line.append(element.text or "")
            for child in element:
                if isinstance(child.tag, str) and child.tag not in PICTURES:
                    walk(child)
                line.append(child.tail or "")
        if breaking:
            end_line()

    walk(body)
    end_line()
    return found


def joined(found: Sequence[str]) -> list[str]:
    """Join each block that begins with a comma to the one before: "Иванов" / ", министр, сказал …"."""
    whole: list[str] = []
    for block in found:
        last = whole[-1] if whole else ""
        plain = last and "\n" not in last + block and not last.startswith("- ") and not block.startswith("- ")
        if plain and block[0] in ",;)" and not last.endswith(ENDS):
            whole[-1] = last + block
        else:
            whole.append(block)
    return whole


def html_blocks(body: HtmlElement) -> list[str]:
    """Return the blocks of a piece of HTML, like `blocks`."""
    body = deepcopy(body)
    for element in list(body.iter(*UNSEEN)):
        element.drop_tree()
    for element in list(body.iter(*ROW_GROUPS)):
        element.drop_tag()
    for element in body.iter(*AS_TEI):
        element.tag = AS_TEI[element.tag]
    return blocks(body)


def _list(element: _Element) -> list[str]:
    items = [text for item in element.iter("item") if (text := _flat(item).lstrip("-•– "))]
    return ["\n".join(f"- {item}" for item in items)] if items else []


def _is_layout(table: _Element) -> bool:
    rows = [[_flat(cell) for cell in row.iterfind("cell")] for row in table.iterfind("row")]
    return all(sum(map(bool, row)) <= 1 for row in rows) or any(
        cell.count(" ") >= MAX_CELL for row in rows for cell in row
    )


def _table(element: _Element) -> list[str]:
    rows = [row for row in ([_flat(cell) for cell in row.iterfind("cell")] for row in element.iter("row")) if any(row)]
    spacers = {
        column
        for column in range(max(map(len, rows), default=0))
        if not any("".join(row[column : column + 1]) for row in rows)
    }
    lines = [" | ".join(cell for column, cell in enumerate(row) if column not in spacers) for row in rows]
    return ["\n".join(map(clean_line, lines))] if lines else []


def _flat(element: _Element) -> str:
    """Return all text of an item or cell on one line, but for nested lists and tables, which speak for themselves."""
    parts = [element.text or ""]
    for child in element:
        if isinstance(child.tag, str) and child.tag not in PICTURES and child.tag not in NESTING:
            gap = " " if child.tag in BREAKING else ""
            parts += (gap, _flat(child), gap)
        parts.append(child.tail or "")
    return clean_line("".join(parts))
