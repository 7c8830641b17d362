"""Cut an article into headline, lead and body, without text that is not about its subject.

Leave out the date line and the place where the outlet sits, tags and related stories, and a headline's repetition.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from config.languages import Languages, languages
from config.phrases import any_of
from extractors.records import Article
from extractors.topic.text import PARAGRAPH_MARK, Words, normalise, prepare

HEADLINE, LEAD, BODY = PLACES = ("headline", "lead", "body")

LEAD_PARAGRAPHS = 2
LEAD_CHARACTERS = 900  # a page whose whole text is one paragraph has no longer lead than others
HEADLINE_CHARACTERS = 200  # the most that the first paragraph of an article without a title may have to stand for it
MAX_CHARACTERS = 100_000  # no news article is longer; a hostile page may be, and judging 9 MB takes 3 s

DATELINE_CHARACTERS = 140
_DATE = re.compile(r"\s*date \d{4}-\d{2}-\d{2}(?:\s+|$)")
# "BISHKEK (AKIpress) – ", "АСТАНА, 6 ноября — Sputnik. ", "АСТАНА. КАЗИНФОРМ – ": the seat of the outlet, not its
# subject. One or two words, then a bracket, a number or capitals, then a dash.
_DATELINE = re.compile(
    r"\s*[^\W\d_]+(?:[\s-][^\W\d_]+)?\s*"
    r"(?:\([^()–—\n]{2,40}\)|[,.][^–—\n]{0,30}\d[^–—\n]{0,20}|[./,]\s?[A-ZА-ЯӘҒҚҢӨҰҮҺІ.\s]{4,30})\s*(?:[–—]|--?)\s"
)


def read_parts(article: Article) -> dict[str, Words]:
    """Return headline, lead and body, prepared. The lead is the first two paragraphs, up to LEAD_CHARACTERS."""
    paragraphs = list(_beginning(article.paragraphs))
    if paragraphs:
        first = normalise(paragraphs[0])
        paragraphs[0] = first[date.end() :] if (date := _DATE.match(first)) else first
    headline = (article.title or "").strip()[:MAX_CHARACTERS]
    if not headline and len(paragraphs) > 1 and len(paragraphs[0]) <= HEADLINE_CHARACTERS:
        headline, paragraphs = paragraphs[0], paragraphs[1:]
    if paragraphs and paragraphs[0].strip() == normalise(headline).strip():
        paragraphs = paragraphs[1:]
    if paragraphs:
        first = normalise(paragraphs[0])
        dateline = _DATELINE.match(first[:DATELINE_CHARACTERS])
        paragraphs[0] = first[dateline.end() :] if dateline else first
    mark = f"\n{PARAGRAPH_MARK}\n"
    lead = prepare(mark.join(paragraphs[:LEAD_PARAGRAPHS]))
    cut = _cut(lead)
    rest = mark.join(paragraphs[LEAD_PARAGRAPHS:])
    body = lead[cut:] + (mark + prepare(rest) if rest else "")
    return {HEADLINE: Words(prepare(headline)), LEAD: Words(lead[:cut]), BODY: Words(body)}


def _beginning(paragraphs: Iterable[str]) -> Iterator[str]:
    """Yield the paragraphs that are text, up to MAX_CHARACTERS."""
    room, listing = MAX_CHARACTERS, _listing(languages())
    for paragraph in paragraphs:
        if room <= 0:
            return
        if paragraph.strip() and not listing.match(paragraph):
            yield paragraph[:room]
            room -= len(paragraph)


@cache
def _listing(known: Languages) -> re.Pattern[str]:
    """Return a pattern of lines that list what the site has besides, tags and related stories: not the subject."""
    phrases = any_of(phrase for language in known for phrase in (*language.lines.tags, *language.lines.related))
    return re.compile(rf"\s*{phrases}\s*[:：]", re.IGNORECASE)


def _cut(lead: str) -> int:
    """Return the end of a long lead: after a sentence, failing that at a space, failing that within a word."""
    if len(lead) <= LEAD_CHARACTERS:
        return len(lead)
    start = lead[:LEAD_CHARACTERS]
    return max(start.rfind(". "), start.rfind("。")) + 1 or start.rfind(" ") + 1 or LEAD_CHARACTERS
