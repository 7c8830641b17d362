"""What the steps of extraction hand on: a page's tree, what it states about itself, and the blocks so far."""

from __future__ import annotations

from dataclasses import dataclass

from lxml.html import HtmlElement

from extractors.pages.link_lines import LinkLines
from extractors.pages.metadata import Metadata
from extractors.workers.tasks import ArticleJob

METHOD, FEED = "trafilatura", "feed"


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
    readability: HtmlElement | None = None  # its answer, if it was asked
    announced: int = 0  # other stories, each by a link with a text below it
    _links: LinkLines | None = None

    def link_lines(self) -> LinkLines:
        """The page's links, to know lines by; read once."""
        if self._links is None:
            self._links = LinkLines(self.tree)
        return self._links


@dataclass(frozen=True, slots=True)
class Removed:
    """A line that a step took out of the text."""

    step: str
    line: str
