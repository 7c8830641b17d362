"""The first sentences of a news text, in the languages of the region, as they stand.

The rules look at signs alone: a sign ends a sentence if the text after it may begin another, and the word before it is
no abbreviation. In doubt the sentence goes on: too long an excerpt costs a line, too short an excerpt its sense.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from config.languages import Languages, languages

MAX_CHARACTERS = 420  # of an excerpt: five lines of a mail
SHORT = 60  # characters of a line without an end that is a byline or a caption
DATELINE = 45  # characters of a dateline that ends like a sentence
_END = re.compile(r"(?:(?<![.!?…])[.!?…]+[\"'»”’“)\]]*(?=\s)|[。！？]+[」』”’）]*)")
_BEGINS = re.compile(r"[\"'«“„‘(\[]*(?:[^\W_])")
_WORD_BEFORE = re.compile(r"[^\s(«\"“„\[]{1,40}$")  # of longer ones, the end
_FIRST_WORD = re.compile(r"[^\W\d_]+(?:['’ʻʼ][^\W\d_]+)?(?P<dot>\.\s)?")
_INITIAL = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]|[^\W\d_]{1,2}-[^\W\d_]{1,2}")
_DATELINE = re.compile(r"[^\W\d_a-zа-яёәғқңөұүһі]{3,}[\s,./(–—-]")
_ABBREVIATED_DAY = re.compile(r"\d{1,2}")


@dataclass(frozen=True, eq=False, slots=True)
class _Words:
    """The words of all languages that tell whether a dot ends a sentence (`config/languages/`)."""

    open: frozenset[str]  # more always follows: titles, and words before a name or a number
    either: frozenset[str]  # a sentence may end with these; it does if the next word is one of the starters
    starters: frozenset[str]
    ordinal_dot: frozenset[str]  # languages that write "am 5. November"


@cache
def _words_of(known: Languages) -> _Words:
    sentences = [language.sentences for language in known]
    return _Words(
        frozenset(word for one in sentences for word in one.abbreviations),
        frozenset(word for one in sentences for word in one.may_end),
        frozenset(word for one in sentences for word in one.openers),
        frozenset(code for code, language in known.by_code.items() if language.sentences.ordinal_dot),
    )


def first_sentences(paragraphs: Iterable[str], *, title: str | None, language: str | None, count: int = 2) -> str:
    """Return the first `count` sentences on one line, cut at a word with "…" beyond MAX_CHARACTERS.

    A repeated headline, and a short line without an end before the text proper (who wrote, what a photo shows), are
    passed over. A dateline ("ASTANA, Nov. 21 (Kazinform) –") belongs to the sentence after it. Empty for no text.
    """
    found: list[str] = []
    passed_over = ""
    for paragraph in paragraphs:
        line = " ".join(paragraph.split())
        if not line or (title and line.casefold().rstrip(".") == title.casefold().rstrip(".")):
            continue
        if len(line) < SHORT and not found and not _END.search(line + " "):
            passed_over = passed_over or line
            continue
        found += split_sentences(line, language=language, most=count - len(found))
        if len(found) >= count:
            break
    return _cut(" ".join(found) or passed_over)


def split_sentences(line: str, *, language: str | None, most: int) -> list[str]:
    """Return the first `most` sentences of a paragraph on one line."""
    found: list[str] = []
    start = 0
    for sign in _END.finditer(line + " "):
        if len(found) >= most or sign.end() >= MAX_CHARACTERS * 3:
            break
        if not _ends(line, start, sign, language):
            continue
        found.append(line[start : sign.end()].strip())
        start = sign.end()
    if len(found) < most and (rest := line[start:].strip()):
        found.append(rest)
    return found


def _ends(line: str, start: int, sign: re.Match[str], language: str | None) -> bool:
    after = line[sign.end() :].lstrip()
    if not after or sign[0][0] in "。！？":
        return True
    begins = _BEGINS.match(after)
    if begins is None or after[begins.end() - 1].islower():
        return False  # a dash after a quotation, or the sentence goes on
    sentence = line[start : sign.end()].strip()
    if len(sentence) <= DATELINE and (" " not in sentence or (start == 0 and _DATELINE.match(sentence))):
        return False  # a dateline, or too little to tell anything
    if sign[0] != ".":
        return True
    word = _WORD_BEFORE.search(line, start, sign.start())
    before = word[0].casefold() if word else ""
    words = _words_of(languages())
    if before in words.open:
        return False
    if language in words.ordinal_dot and _ABBREVIATED_DAY.fullmatch(before):
        return False  # am 5. November
    if before in words.either or _INITIAL.fullmatch(before):
        following = _FIRST_WORD.search(after)
        return following is not None and following["dot"] is None and following[0].casefold() in words.starters
    return True


def _cut(text: str) -> str:
    if len(text) <= MAX_CHARACTERS:
        return text
    end = text.rfind(" ", MAX_CHARACTERS // 2, MAX_CHARACTERS)
    return text[: end if end > 0 else MAX_CHARACTERS].rstrip(' ,;:–—-(«"“') + "…"
