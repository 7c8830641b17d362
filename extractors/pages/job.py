"""What extraction is given: a page, what the feed said of it, and what is known of its site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from extractors.pages.screen import PageScreen
from extractors.records import Entry, Page

if TYPE_CHECKING:
    from config.sites import Site


@dataclass(frozen=True, slots=True)
class SiteRule:
    """XPath expressions for the pages of one site; what is not given is left to the general way."""

    body: str | None = None
    strip: tuple[str, ...] = ()
    date: str | None = None

    @classmethod
    def of(cls, site: Site | None) -> SiteRule | None:
        """Return the rule as the configuration has it, if it has one."""
        return None if site is None else cls(site.body, site.strip, site.date)


@dataclass(frozen=True, slots=True)
class ArticleJob:
    """A page to take the article from, with what the feed said of it. Days are meant in `zone`, the publisher's."""

    page: Page
    entry: Entry
    zone: tzinfo
    min_words: int
    now: datetime
    rule: SiteRule | None = None  # what is known of the site's pages
    screen: PageScreen | None = None  # None: extract whatever the page is about
    skip: frozenset[str] = frozenset()  # the steps (`extractors.pages.steps`) to leave out, to see what they do
