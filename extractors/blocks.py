"""From the tree that trafilatura leaves of a page to the blocks of a corpus file.

A block is a paragraph (one line), a list (`- item` a line) or a table (`cell | cell` a line). A table with one
filled cell a row is layout, not data, and its contents are paragraphs like any others.
"""

from __future__ import annotations

from lxml.etree import _Element

from extractors.text import clean_line

# What starts on a line of its own. The names are those of trafilatura's output: head, lb (line break), list, item …
BREAKING = frozenset({"p", "head", "quote", "code", "ab", "div", "fw", "lb", "item", "list", "row", "cell", "table"})
NESTING = frozenset({"list", "table"})
PICTURES = frozenset({"graphic", "media"})


def blocks(body: _Element) -> list[str]:
    """The blocks of an extracted body, in document order, cleaned; none is empty."""
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


def _list(element: _Element) -> list[str]:
    items = [text for item in element.iter("item") if (text := _flat(item).lstrip("-•– "))]
    return ["\n".join(f"- {item}" for item in items)] if items else []


def _is_layout(table: _Element) -> bool:
    return all(sum(bool(_flat(cell)) for cell in row.iterfind("cell")) <= 1 for row in table.iterfind("row"))


def _table(element: _Element) -> list[str]:
    rows = [[text for cell in row.iterfind("cell") if (text := _flat(cell))] for row in element.iter("row")]
    return ["\n".join(" | ".join(row) for row in rows if row)]


def _flat(element: _Element) -> str:
    """All text of an item or cell on one line, but for nested lists and tables, which speak for themselves."""
    parts = [element.text or ""]
    for child in element:
        if isinstance(child.tag, str) and child.tag not in PICTURES and child.tag not in NESTING:
            gap = " " if child.tag in BREAKING else ""
            parts += (gap, _flat(child), gap)
        parts.append(child.tail or "")
    return clean_line("".join(parts))
