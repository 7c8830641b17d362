"""The text of a page without its menus: links that stand alone in their line, to sections and to other stories."""

from __future__ import annotations

from lxml.etree import iterwalk
from lxml.html import HtmlElement

from extractors.blocks.places import BREAKING

LONGEST_LINK = 80  # characters; longer ones are text that leads somewhere
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})  # a page's own headline may be a link
_SCRIPTS = frozenset({"script", "style"})


def pieces_beside_links(tree: HtmlElement) -> list[str]:
    """Return the pieces of text on a page, without the lines that are links and signs between them.

    A line ends where a browser ends it. One in a heading, or with a link as long as a sentence, stays.
    """
    kept: list[str] = []
    line: list[str] = []
    told = False  # by the line, beside its links
    links = headings = scripts = length = 0
    for event, element in iterwalk(tree, events=("start", "end")):
        tag, step = element.tag, 1 if event == "start" else -1
        if tag in BREAKING:
            if told or headings:
                kept += line
            line, told = [], False
            headings += step if tag in _HEADINGS else 0
        elif tag == "a" and element.get("href"):
            links, length = links + step, 0
        elif tag in _SCRIPTS:
            scripts += step
        piece = element.text if event == "start" else element.tail if element is not tree else None
        if piece and not scripts:
            line.append(piece)
            length += len(piece)
            told = told or (length > LONGEST_LINK if links else not _is_signs(piece))
    return kept + line if told else kept


def _is_signs(piece: str) -> bool:
    return not any(map(str.isalpha, piece))
