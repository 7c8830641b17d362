"""From a page to an article: text, headline, authors, day, language.

trafilatura finds the text; what the page states for machines gives the rest, and htmldate searches for a date only
where nothing states one. The page is parsed once. Runs in child processes (`extractors.workers`), because a page
is a stranger's input of any size and shape.
"""

from __future__ import annotations

import logging
import re

from lxml.html import HtmlElement
from trafilatura import bare_extraction

from extractors import dates
from extractors.agreement import agreed
from extractors.blocks import blocks
from extractors.html import parse_html
from extractors.jobs import ArticleJob
from extractors.language import identify
from extractors.links import links_by_line, other_editions, outward_links
from extractors.metadata import Metadata, read_metadata
from extractors.records import Article, DateCandidate, ItemError, Outcome
from extractors.text import clean_line, tokens

METHOD = "trafilatura"
MIN_PROSE_AMONG_LINKS = 80  # words; a page's furniture (cookie notice, phone, copyright) has 40 to 70
MAX_WORDS_OF_INDEX = 5000  # no page is a mere list of links beyond; looking would take long on hostile ones
_REFERENCE = re.compile(rb"&#(?:0*([0-9]{1,8})|[xX]0*([0-9a-fA-F]{1,7}));?")
HEADLINE_WITHIN = 3  # blocks at the top among which a repeated headline is looked for


def extract(job: ArticleJob) -> Article:
    """The article on a page. Raises ItemError (NOT_ARTICLE, TOO_SHORT) when there is none."""
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # its warnings repeat what our outcome says
    url = job.page.url
    tree = parse_html(without_control_references(job.page.body), job.page.charset)
    if tree is None:
        raise ItemError(Outcome.NOT_ARTICLE, "not html", url=url)
    metadata = read_metadata(tree, zone=job.zone)
    # trafilatura works on a copy of the tree; the last step, readability's opinion, spends it.
    document = bare_extraction(tree, url=url, include_comments=False, with_metadata=False)
    if document is None or isinstance(document, dict):
        raise ItemError(Outcome.NOT_ARTICLE, "no text found", url=url)
    candidates = date_candidates(tree, metadata, job)
    labels, linked = link_labels(tree), links_by_line(tree, page=url)
    titles = metadata.titles or ((job.entry.title,) if job.entry.title else ())
    paragraphs = agreed(tree, without_headline(blocks(document.body), titles))
    text = "\n\n".join(paragraphs)
    if (words := len(tokens(text))) < job.min_words:
        raise ItemError(Outcome.TOO_SHORT, "too short", url=url, detail=f"{words} words")
    prose = words_beside(labels, text) if words <= MAX_WORDS_OF_INDEX else words
    if prose < job.min_words or (2 * prose <= words and prose < MIN_PROSE_AMONG_LINKS):
        raise ItemError(Outcome.NOT_ARTICLE, "links, no prose", url=url, detail=f"{prose} words outside links")
    chosen = dates.choose(candidates, now=job.now)
    return Article(
        paragraphs=tuple(paragraphs),
        title=titles[0] if titles else None,
        authors=metadata.authors,
        published=chosen.day if chosen else None,
        date_origin=chosen.origin if chosen else None,
        language=identify(text) or metadata.language,
        method=METHOD,
        canonical_link=metadata.canonical_link,
        dates=tuple(candidates),
        alternates=other_editions(metadata.alternates, page=url),
        links=outward_links(linked, paragraphs),
    )


def without_control_references(body: bytes) -> bytes:
    """The page without references (`&#31;`) to characters that XML cannot hold: trafilatura drops the whole text."""

    def kept(reference: re.Match[bytes]) -> bytes:
        code = int(reference[1]) if reference[1] else int(reference[2], 16)
        allowed = (
            code in (0x9, 0xA, 0xD) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0xFFFF < code < 0x110000
        )
        return reference[0] if allowed else b""

    return _REFERENCE.sub(kept, body)


def link_labels(tree: HtmlElement) -> list[str]:
    """The texts of a page's links, longest first."""
    return sorted({label for a in tree.iter("a") if (label := clean_line(a.text_content()))}, key=len, reverse=True)


def words_beside(labels: list[str], text: str) -> int:
    """How many of the extracted words are not the text of a link.

    Few on index pages, and where trafilatura finds no text (a video, say) and falls back to all there is: menus.
    """
    for label in labels:
        text = text.replace(label, "\n")
    return len(tokens(text))


def without_headline(paragraphs: list[str], titles: tuple[str, ...]) -> list[str]:
    """The blocks without the ones at the top that only repeat the headline."""
    known = {tuple(tokens(t)) for t in titles}
    kept = [p for p in paragraphs[:HEADLINE_WITHIN] if tuple(tokens(p)) not in known]
    return kept + paragraphs[HEADLINE_WITHIN:]


def date_candidates(tree: HtmlElement, metadata: Metadata, job: ArticleJob) -> list[DateCandidate]:
    """Every date that page, feed and address state; htmldate's find only when none of them states one."""
    found = list(metadata.dates)
    if job.entry.published is not None:
        found.append(DateCandidate(job.entry.published.astimezone(job.zone).date(), "feed"))
    if day := dates.day_in_url(job.page.url):
        found.append(DateCandidate(day, "url"))
    if dates.choose(found, now=job.now) is None and (day := dates.search_day(tree, job.page.url, job.zone)):
        found.append(DateCandidate(day, "htmldate"))
    return found
