"""The steps from a page's tree to the blocks of its article, in their order, each of which can be switched off.

A step is a function `step(draft) -> blocks`; its name is what `ArticleJob.skip` and the trace call it by.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from lxml.html import HtmlElement
from trafilatura import bare_extraction

from extractors.blocks.blocks import blocks, joined
from extractors.blocks.lines import without_site_lines
from extractors.blocks.link_lines import LinkLines, announcements, without_link_lines
from extractors.blocks.places import boxes
from extractors.blocks.repeats import without_doubles, without_headline
from extractors.economies import economise
from extractors.pages.cards import without_cards
from extractors.pages.gaps import with_gaps_filled
from extractors.pages.job import ArticleJob
from extractors.pages.leads import with_lead
from extractors.pages.metadata import Metadata
from extractors.pages.other_texts import agreed, fuller, overheard, rescued
from extractors.pages.unseen import remove_unseen
from extractors.records import ItemError, Outcome

economise()

METHOD, FEED = "trafilatura", "feed"
CONTROLS = ("textarea", "select", "datalist", "template")  # a sample of code to copy, choices, what scripts fill in
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
    _links: LinkLines | None = None
    _boxes: tuple[list[str], dict[str, HtmlElement]] | None = None

    def link_lines(self) -> LinkLines:
        """Return the page's links, to know lines by; they are read once."""
        if self._links is None:
            self._links = LinkLines(self.tree)
        return self._links

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
    """Take off the tree what is no text: form fields, counters."""
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
        if draft.job.entry.content or draft.metadata.body:  # which may have the text
            return []
        raise ItemError(Outcome.NOT_ARTICLE, "no text found", url=draft.job.page.url)
    return blocks(document.body)


def agreement(draft: Draft) -> list[str]:
    """Drop what readability leaves out, where it is the better judge."""
    return agreed(draft.tree, draft.blocks, draft.readability)


def joins(draft: Draft) -> list[str]:
    """Join the pieces of a broken sentence in one paragraph."""
    return joined(draft.blocks)


def rescue(draft: Draft) -> list[str]:
    """Take the text that the page states for machines, where most of it was missed; nothing from behind its end."""
    return rescued(draft.tree, draft.blocks, draft.metadata.body)


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
    """Drop second copies of a paragraph, and a standfirst that the text begins with anyway."""
    return without_doubles(draft.blocks)


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
    for link in list(tree.iter("a")):
        # Leads nowhere, so a script waits for the click; a footnote's mark ("[1]") leads to its note.
        if link.get("href") is None and len(link) == 0 and link.text and _NO_WORD.fullmatch(link.text.strip()):
            link.drop_tree()
