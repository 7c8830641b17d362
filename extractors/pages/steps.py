"""The steps from a page's tree to the blocks of its article, in their order, each of which can be switched off.

A step is a function `step(draft) -> blocks`; its name is what `ArticleJob.skip` and the trace call it by.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lxml.etree import XPath
from lxml.html import HtmlElement
from trafilatura import bare_extraction

from extractors.blocks.blocks import blocks, joined
from extractors.blocks.cells import without_other_cells
from extractors.blocks.lines import without_site_lines
from extractors.blocks.link_lines import LinkLines, announcements, without_link_lines
from extractors.blocks.payload import Payload, text_in_scripts
from extractors.blocks.places import boxes
from extractors.blocks.repeats import pulled_quotes, without_doubles, without_headline
from extractors.economies import economise
from extractors.pages.cards import without_cards
from extractors.pages.gaps import in_quotation, with_gaps_filled
from extractors.pages.job import ArticleJob
from extractors.pages.leads import with_lead
from extractors.pages.metadata import Metadata
from extractors.pages.other_texts import MARKS, agreed, fuller, overheard, rescued
from extractors.pages.unseen import put_in_place, remove_unseen
from extractors.records import ItemError, Outcome
from extractors.text import count_words

economise()

METHOD, FEED = "trafilatura", "feed"
# A sample of code to copy, choices, what scripts fill in with other stories.
CONTROLS = ("textarea", "select", "datalist", "template", "amp-list", "amp-next-page")
TOO_LITTLE = 120  # words, with which a page may have left its text to scripts
# The article that a page goes on with where its reader scrolls on.
_other_articles: Any = XPath(
    ".//*[self::section or self::article or self::div][contains(@class, 'infinite') or contains(@class, 'next-')]"
    "[re:test(@class, '(^|[\\s_-])(infinite|next-(article|post|news|story|material|page))($|[\\s_-])')]",
    namespaces={"re": "http://exslt.org/regular-expressions"},
)
_NO_WORD = re.compile(r"[\W\d_]{0,8}")


@dataclass(slots=True)
class Draft:
    """An article in the making. A step reads all of it and returns the blocks that are to take the place of `blocks`.

    `tree` is for reading, but for the first step, which takes off it what is no text.
    """

    job: ArticleJob
    tree: HtmlElement
    metadata: Metadata
    titles: tuple[str, ...]  # the page's headlines, best first, or else the feed's
    blocks: list[str]
    method: str = METHOD  # how the text was found
    unseen: list[HtmlElement] = field(default_factory=list)  # what the page hides; no longer in the tree
    readability: HtmlElement | None = None  # its answer, if it was asked
    announced: int = 0  # other stories, each by a link with a text below it
    payload: Payload | None = None  # the text that its scripts hold, where the page itself shows next to nothing
    _links: LinkLines | None = None
    _boxes: tuple[list[str], dict[str, HtmlElement]] | None = None

    def link_lines(self) -> LinkLines:
        """Return the page's links, to know lines by; they are read once."""
        if self._links is None:
            self._links = LinkLines(self.tree)
        return self._links

    def stated(self) -> str | None:
        """Return the text that the page states for machines, or leaves to its scripts where it shows too little."""
        if self.metadata.body is None and self.payload is None and sum(map(count_words, self.blocks)) < TOO_LITTLE:
            self.payload = text_in_scripts(self.tree, self.metadata.description)
        return self.metadata.body or (self.payload.text if self.payload else None)

    def boxes(self) -> dict[str, HtmlElement]:
        """Return the boxes on the page in which the blocks begin; they are looked for once, while the blocks stay."""
        if self._boxes is None or self._boxes[0] != self.blocks:
            self._boxes = self.blocks, boxes(self.tree, self.blocks)
        return self._boxes[1]


@dataclass(frozen=True, slots=True)
class Removed:
    """A line that a step took out of the text."""

    step: str
    line: str


Step = Callable[[Draft], list[str]]


def controls(draft: Draft) -> list[str]:
    """Take off the tree what is no text: form fields, counters. What a script puts in place is put there."""
    put_in_place(draft.tree)
    remove_controls(draft.tree)
    return draft.blocks


def unseen(draft: Draft) -> list[str]:
    """Take off the tree what the page hides from its readers."""
    draft.unseen = remove_unseen(draft.tree)
    return draft.blocks


def text(draft: Draft) -> list[str]:
    """Take what trafilatura takes for the text. Raises ItemError (NOT_ARTICLE) when it finds none."""
    with overheard() as answers:
        document = bare_extraction(draft.tree, url=draft.job.page.url, include_comments=False, with_metadata=False)
    draft.readability = answers[0] if answers else None
    if document is None or isinstance(document, dict):
        if draft.job.entry.content or draft.stated():  # which may have the text
            return []
        raise ItemError(Outcome.NOT_ARTICLE, "no text found", url=draft.job.page.url)
    return blocks(document.body)


def agreement(draft: Draft) -> list[str]:
    """Drop what readability leaves out, where it is the better judge."""
    return agreed(draft.tree, draft.blocks, draft.readability)


def cells(draft: Draft) -> list[str]:
    """Drop what stands in other cells of a page that is laid out by tables and does not mark its text."""
    if draft.tree.find(".//td") is None or any(draft.tree.xpath(mark) for mark in MARKS):
        return draft.blocks
    return without_other_cells(draft.boxes(), draft.blocks)


def joins(draft: Draft) -> list[str]:
    """Join the pieces of a broken sentence in one paragraph."""
    return joined(draft.blocks)


def rescue(draft: Draft) -> list[str]:
    """Take the text that the page states for machines, where most of it was missed; nothing from behind its end."""
    return rescued(draft.tree, draft.blocks, draft.stated())


def lead(draft: Draft) -> list[str]:
    """Put the lead before the text, where it stands apart."""
    return with_lead(draft.tree, draft.blocks, draft.titles)


def feed(draft: Draft) -> list[str]:
    """Take the feed's own full text instead, where the page says less."""
    if (text := fuller(draft.job.entry.content, draft.blocks)) is None:
        return draft.blocks
    draft.method = FEED
    return without_headline(text, draft.titles)


def headline(draft: Draft) -> list[str]:
    """Drop the headline's repetitions."""
    return without_headline(draft.blocks, draft.titles)


def doubles(draft: Draft) -> list[str]:
    """Drop second copies of a paragraph, a standfirst that the text begins with anyway, a quotation set apart."""
    pulled = {b for b in pulled_quotes(draft.blocks) if b in draft.boxes() and in_quotation(draft.boxes()[b])}
    return without_doubles([block for block in draft.blocks if block not in pulled])


def lines(draft: Draft) -> list[str]:
    """Drop the lines that speak of the site: related stories, subscriptions, buttons, rights."""
    return without_site_lines(draft.blocks, draft.link_lines().__contains__)


def links(draft: Draft) -> list[str]:
    """Drop lines that are nothing but a link."""
    draft.announced = announcements(draft.blocks, draft.link_lines())
    return without_link_lines(draft.blocks, draft.link_lines())


def gaps(draft: Draft) -> list[str]:
    """Put short blocks back that stand among the paragraphs."""
    return with_gaps_filled(draft.boxes(), draft.blocks, draft.titles)


def cards(draft: Draft) -> list[str]:
    """Drop boxes for other stories that stand among the paragraphs."""
    return without_cards(draft.boxes(), draft.blocks, page=draft.job.page.url)


STEPS: tuple[Step, ...] = (
    controls,
    unseen,
    text,
    agreement,
    cells,
    joins,
    rescue,
    headline,
    lead,
    feed,
    doubles,
    lines,
    links,
    gaps,
    cards,
)


def run(draft: Draft) -> list[Removed]:
    """Take the draft through all steps that its job does not skip; returns what each removed."""
    trace: list[Removed] = []
    for step in STEPS:
        if step.__name__ not in draft.job.skip:
            before, draft.blocks = draft.blocks, step(draft)
            if draft.blocks != before:
                trace += [Removed(step.__name__, line) for line in lines_lost(before, draft.blocks)]
    return trace


def lines_lost(before: list[str], after: list[str]) -> list[str]:
    """Return the lines of the blocks `before` that are not in `after`, in their order."""
    kept = Counter(line for block in after for line in block.split("\n"))
    lost = []
    for line in (line for block in before for line in block.split("\n")):
        if kept[line]:
            kept[line] -= 1
        else:
            lost.append(line)
    return lost


def remove_controls(tree: HtmlElement) -> None:
    """Take form fields off the tree, and the counters that some sites print at each paragraph ("0" comments so far)."""
    for element in list(tree.iter(*CONTROLS)):
        element.drop_tree()
    for quote in tree.iter("blockquote"):  # an embedded post is text; trafilatura drops it for the class's name
        quote.attrib.pop("class", None)
    for box in _other_articles(tree):
        if box.getparent() is not None and next(box.iter("h1"), None) is None:
            box.drop_tree()
    for span in tree.iter("span"):  # date and counters side by side, which only a style divides
        behind = span.getnext()
        beside = behind is not None and behind.tag == "span" and not span.tail and span.text and behind.text
        if beside and span.text[-1].isdigit() and behind.text[0].isdigit():
            span.tail = " "
    for link in list(tree.iter("a")):
        # Leads nowhere, so a script waits for the click; a footnote's mark ("[1]") leads to its note.
        if link.get("href") is None and len(link) == 0 and link.text and _NO_WORD.fullmatch(link.text.strip()):
            link.drop_tree()
