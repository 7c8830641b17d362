"""What stands in a page's markup and is no text: taken off the tree before anyone looks for the article in it."""

from __future__ import annotations

import re

from lxml.html import HtmlElement

CONTROLS = ("textarea", "select", "datalist", "template")  # a sample of code to copy, choices, what scripts fill in
_NO_WORD = re.compile(r"[\W\d_]{0,8}")


def remove_controls(tree: HtmlElement) -> None:
    """Take form fields off the tree, and the counters that some sites print at each paragraph ("0" comments so far)."""
    for element in list(tree.iter(*CONTROLS)):
        element.drop_tree()
    for quote in tree.iter("blockquote"):  # an embedded post is text; trafilatura drops it for the class's name
        quote.attrib.pop("class", None)
    for link in list(tree.iter("a")):
        # Leads nowhere, so a script waits for the click; a footnote's mark ("[1]") leads to its note.
        if link.get("href") is None and len(link) == 0 and link.text and _NO_WORD.fullmatch(link.text.strip()):
            link.drop_tree()
