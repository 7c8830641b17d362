"""From a page to an article: text, headline, authors, day, language.

trafilatura finds the text; what the page states for machines gives the rest, and htmldate searches for a date only
where nothing states one. The page is parsed once. Runs in child processes (`extractors.workers.pool`), because a page
is a stranger's input of any size and shape.
"""

from __future__ import annotations

import logging
import re
from datetime import date

from extractors.dates import choice as dates
from extractors.html import parse_html
from extractors.language import identify
from extractors.pages import steps
from extractors.pages.dating import date_candidates, today_of
from extractors.pages.draft import Draft, Removed
from extractors.pages.links import other_editions, outward_links
from extractors.pages.memory import page_lines
from extractors.pages.metadata import Metadata, read_metadata
from extractors.pages.not_article import refusal
from extractors.pages.rules import narrowed, unmatched
from extractors.pages.screen import Screened
from extractors.records import Article, DateCandidate, ItemError, Outcome
from extractors.workers.tasks import ArticleJob

_REFERENCE = re.compile(rb"&#(?:0*([0-9]{1,8})|[xX]0*([0-9a-fA-F]{1,7}));?")


def extract(job: ArticleJob) -> Article:
    """The article on a page. Raises ItemError (NOT_ARTICLE, TOO_SHORT, PAYWALLED …) when there is none."""
    return extract_with_trace(job)[0]


def extract_with_trace(job: ArticleJob) -> tuple[Article, list[Removed]]:
    """The article on a page, and what each step took out of its text. Raises ItemError like `extract`."""
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # its warnings repeat what our outcome says
    url = job.page.url
    tree = parse_html(without_control_references(job.page.body), job.page.charset)
    if tree is None:
        raise ItemError(Outcome.NOT_ARTICLE, "not html", url=url)
    metadata = read_metadata(tree, zone=job.zone)
    if job.screen and (lacking := job.screen.lacking(tree, job.entry)):
        raise Screened(url=url, detail=lacking, day=stated_day(metadata, job))
    titles = metadata.titles or ((job.entry.title,) if job.entry.title else ())
    content = tree if job.rule is None else narrowed(tree, job.rule)
    draft = Draft(job, content, metadata, titles, [])
    trace = steps.run(draft)
    paragraphs = draft.blocks
    text = "\n\n".join(paragraphs)
    if error := refusal(draft):
        raise error
    candidates = date_candidates(tree, metadata, job, paragraphs)
    chosen = dates.choose(candidates, today=today_of(job))
    article = Article(
        paragraphs=tuple(paragraphs),
        title=titles[0] if titles else None,
        authors=metadata.authors,
        published=chosen.day if chosen else None,
        date_origin=chosen.origin if chosen else None,
        language=identify(text) or metadata.language,
        method=draft.method,
        canonical_link=metadata.canonical_link,
        dates=tuple(candidates),
        alternates=other_editions(metadata.alternates, page=url),
        links=outward_links(content, paragraphs, page=url),
        unmatched=None if job.rule is None else unmatched(tree, job.rule, candidates),
        lines=page_lines(titles[0] if titles else None, paragraphs),
    )
    return article, trace


def without_control_references(body: bytes) -> bytes:
    """The page without references (`&#31;`) to characters that XML cannot hold: trafilatura drops the whole text."""

    def kept(reference: re.Match[bytes]) -> bytes:
        code = int(reference[1]) if reference[1] else int(reference[2], 16)
        allowed = (
            code in (0x9, 0xA, 0xD) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0xFFFF < code < 0x110000
        )
        return reference[0] if allowed else b""

    return _REFERENCE.sub(kept, body)


def stated_day(metadata: Metadata, job: ArticleJob) -> date | None:
    """The day of publication as far as page or address state it for machines."""
    found = list(metadata.dates)
    if day := dates.day_in_url(job.page.url):
        found.append(DateCandidate(day, "url"))
    chosen = dates.choose(found, today=job.now.astimezone(job.zone).date())
    return chosen.day if chosen else None
