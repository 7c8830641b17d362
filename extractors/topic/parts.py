"""Cut an article into headline, lead and body, without text that is not about its subject.

Leave out the date line and the place where the outlet sits, tags and related stories, a headline's repetition, and what
a page may set before the text: rates, weather, a menu. A line without a sentence's end is never part of the lead.
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
LINES = 40  # lines in front of the text that are looked at: rates, weather, a menu
LINE_WORDS = 7  # a line of as many words without a sentence's end may be text: a standfirst
HEADLINE_WORDS = 3

DATELINE_CHARACTERS = 140
_DATE = re.compile(r"\s*date \d{4}-\d{2}-\d{2}(?:\s+|$)")
# "BISHKEK (AKIpress) – ", "АСТАНА, 6 ноября — Sputnik. ", "АСТАНА. КАЗИНФОРМ – ": the seat of the outlet, not its
# subject. One or two words, then a bracket, a number or capitals, then a dash. In Chinese 【…讯】 or …日电.
_DATELINE = re.compile(
    r"\s*(?:[^\W\d_]+(?:[\s-][^\W\d_]+)?\s*"
    r"(?:\([^()–—\n]{2,40}\)|[,.][^–—\n]{0,30}\d[^–—\n]{0,40}|[./,]\s?[A-ZА-ЯӘҒҚҢӨҰҮҺІ.\s]{4,30})\s*(?:[–—]|--?)\s"
    r"|【[^】\n]{2,40}】|[\u4e00-\u9fff]{2,20}\d{1,2}月\d{1,2}日[电電讯])"
)
_SENTENCE_END = re.compile(r"[.!?…。！？؟۔][)\]\"'»”’\s]*$")
_SENTENCE = re.compile(r".{30,}?[^.\s]{3}[.!?。！？](?=\s|$)", re.DOTALL)
_SEPARATORS = re.compile(r"[|·•/›»]\s")
_WORDS = re.compile(r"[^\W_]+")


def read_parts(article: Article) -> dict[str, Words]:
    """Return headline, lead and body, prepared. The lead is the first two paragraphs, up to LEAD_CHARACTERS."""
    paragraphs = list(_beginning(article.paragraphs))
    if paragraphs:
        first = normalise(paragraphs[0])
        paragraphs[0] = first[date.end() :] if (date := _DATE.match(first)) else first
    headline = (article.title or "").strip()[:MAX_CHARACTERS]
    headline, paragraphs = _without_lines(headline, paragraphs)
    if paragraphs:
        first = normalise(paragraphs[0])
        dateline = _DATELINE.match(first[:DATELINE_CHARACTERS])
        paragraphs[0] = first[dateline.end() :] if dateline else first
    mark = f"\n{PARAGRAPH_MARK}\n"
    chosen = _lead(paragraphs)
    lead = prepare(mark.join(paragraphs[n] for n in chosen))
    cut = _cut(lead)
    rest = mark.join(paragraph for n, paragraph in enumerate(paragraphs) if n not in chosen)
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


def _without_lines(headline: str, paragraphs: list[str]) -> tuple[str, list[str]]:
    """Return headline and paragraphs without the lines in front of the text.

    For a missing headline the first of these lines stands that looks like one, else the text's first sentence.
    """
    start = next((n for n, paragraph in enumerate(paragraphs[: LINES + 1]) if _is_text(paragraph)), 0)
    lines = paragraphs[:start]
    if not headline:
        likely = [line for line in lines if len(_WORDS.findall(line)) >= HEADLINE_WORDS]
        likely = [line for line in likely if len(lines) == 1 or not _is_menu(line)]
        if likely and len(likely[0]) <= HEADLINE_CHARACTERS:
            headline = likely[0]
        elif start < len(paragraphs):
            headline = _first_sentence(paragraphs[start])
    repeated = normalise(headline).strip()
    kept = [line for line in lines if len(_WORDS.findall(line)) >= LINE_WORDS and not _is_menu(line)]
    paragraphs = kept + paragraphs[start:]
    for n, paragraph in enumerate(paragraphs[: len(kept) + 1] if len(paragraphs) > 1 else ()):
        if normalise(paragraph).strip() == repeated:
            return headline, paragraphs[:n] + paragraphs[n + 1 :]
    return headline, paragraphs


def _first_sentence(paragraph: str) -> str:
    """Return the paragraph if it is short enough for a headline, else its first sentence if that is."""
    if len(paragraph) <= HEADLINE_CHARACTERS:
        return paragraph
    end = _SENTENCE.match(paragraph[: 2 * HEADLINE_CHARACTERS])
    return end[0] if end else ""


def _is_text(paragraph: str) -> bool:
    """Say whether a paragraph is text: it ends as a sentence does, or is too long for a line."""
    return len(paragraph) > HEADLINE_CHARACTERS or _SENTENCE_END.search(paragraph[-8:]) is not None


def _is_menu(line: str) -> bool:
    """Say whether a line lists names or numbers: all its words begin with capitals or figures, or signs divide them."""
    small = (word for word in _WORDS.findall(line) if word[0].isalpha() and not word[0].isupper())
    return len(_SEPARATORS.findall(line)) > 1 or next(small, None) is None


def _lead(paragraphs: list[str]) -> list[int]:
    """Return the numbers of the paragraphs of the lead: the first two that are text, else the first two."""
    text = [n for n, paragraph in enumerate(paragraphs[:LINES]) if _is_text(paragraph)][:LEAD_PARAGRAPHS]
    return text or list(range(min(LEAD_PARAGRAPHS, len(paragraphs))))


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
