"""The traits that identify a text: its numbers and names in any language, its words in its own.

A number is recognised by its value ("1,1 млрд" is "1.1 billion"); dates, years, times and numbers below ten, which
every text has, do not count. A name is recognised by its consonants in Latin letters ("Мирзиёевым", "Mirziyoyev"):
spellings differ in vowels, endings and doublings.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

from config.languages import Languages, languages
from config.phrases import any_of
from extractors.dates.worded import month_named
from extractors.text import tokens
from storage.placing.names import capitals, name_key
from storage.relating.concepts import concepts_of

MAX_CHARACTERS = 40_000  # of a text that are read; hardly any article is longer
MAX_MARKS = 400
STEM = 6  # characters: cutting words does for comparing what stemming does, in every language, at no cost
SMALLEST = 10

_DATE = re.compile(r"\b(?:\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}-\d{2}-\d{2}|\d{1,2}:\d{2})\b")
_DAY = re.compile(r"\d{1,2}")
_WORD = r"(?P<word>[^\W\d_]{3,16})"
_BEFORE = re.compile(rf"\b{_WORD}\.? (?:\d{{1,2}} ?[-–—] ?)?$")
_BEHIND = re.compile(rf"(?: ?[-–—] ?\d{{1,2}})?(?:st|nd|rd|th|-?го|-?ого)?(?: of)?[ -]{_WORD}", re.IGNORECASE)
_MAGNITUDES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
# Whole numbers and decimal ones; the magnitude behind them is added in each language's words.
_FIGURE = (
    r"(?<![\w+.,])(?<![^\W\d]-)(?P<whole>\d{1,3}(?:(?P<gap>[ .,])\d{3}(?!\d))(?:(?P=gap)\d{3}(?!\d))*|\d{1,15})"
    r"(?:(?P<point>[.,])(?P<part>\d{1,6}))?(?![\d+])"
)
_LATIN_RUN = re.compile(r"(?<![A-Za-z'’-])(?:[A-Za-z][A-Za-z'’-]*[ ,:]+){4,}[A-Za-z][A-Za-z'’-]*")  # five words or more
_CYRILLIC_RUN = re.compile(r"(?<![\u0400-\u04ff-])(?:[\u0400-\u04ff][\u0400-\u04ff-]*[ ,:]+){4,}[\u0400-\u04ff]+")

_CURRENCIES = frozenset(
    {"=usd", "=eur", "=rub", "=kzt", "=uzs", "=kgs", "=tjs", "=tmt", "=cny", "=gbp", "=chf", "=jpy", "=try"}
)


@dataclass(frozen=True, slots=True)
class Traits:
    """The traits of a text. `marks` are its names and numbers ("#" and the value), in order of first occurrence.

    `numbers` are those among the marks that are numbers; `figures` counts all numbers, each time they stand. `words`
    are the stems with how often they stand. `quoted` are runs of words in the other script, a foreign headline for
    instance; `size` is in characters. `concepts` are what its words are about, by keys that languages share.
    """

    marks: tuple[str, ...]
    numbers: frozenset[str]
    words: tuple[tuple[str, int], ...]
    tokens: int
    figures: int
    size: int
    cyrillic: bool
    quoted: tuple[str, ...]
    concepts: tuple[str, ...] = ()


@cache
def _number(known: Languages) -> re.Pattern[str]:
    """Return the pattern of a number in all languages' words (`[names]` in `config/languages/`)."""
    groups = [
        f"(?P<{name}>{any_of(phrase for language in known for phrase in getattr(language.names, name))})"
        for name in _MAGNITUDES
    ]
    return re.compile(rf"{_FIGURE}(?:[ -]?(?:{'|'.join(groups)})(?!\w))?", re.IGNORECASE)


def read_traits(text: str, language: str | None, title: str = "") -> Traits:
    """Return the traits of an article's text without its headline (about a millisecond).

    The headline only adds concepts: it repeats names, and every word of it may have a capital.
    """
    text = text[:MAX_CHARACTERS]
    words = tokens(text)
    cyrillic = is_cyrillic(text)
    found: list[tuple[int, str]] = []
    figures = 0
    undated = _DATE.sub(lambda date: " " * len(date[0]), text)
    for number in _number(languages()).finditer(undated):
        figures += 1
        if (value := _value(number, language)) is not None:
            found.append((number.start(), f"#{value}"))
    found += _names(text, language, cyrillic)
    found.sort()
    marks = tuple(dict.fromkeys(mark for _, mark in found))[:MAX_MARKS]
    return Traits(
        marks=marks,
        numbers=frozenset(mark for mark in marks if mark[0] == "#"),
        words=tuple(Counter(word[:STEM] for word in words if len(word) > 2 and not word[0].isdigit()).items()),
        tokens=len(words),
        figures=figures,
        size=len(text),
        cyrillic=cyrillic,
        quoted=tuple(" ".join(tokens(run[0])) for run in (_LATIN_RUN if cyrillic else _CYRILLIC_RUN).finditer(text)),
        concepts=concepts_of(f"{title}\n{text}", language),
    )


def is_cyrillic(text: str) -> bool:
    """Return whether a text is mostly in Cyrillic letters."""
    sample = text[:2000]
    return len(re.findall("[\u0400-\u04ff]", sample)) > len(re.findall("[A-Za-z]", sample))


def _value(found: re.Match[str], language: str | None) -> str | None:
    """Return the number's value; None for a small number or a year, which tell nothing."""
    whole, gap, point, part = found["whole"], found["gap"], found["point"], found["part"]
    if gap and not part and ((language == "en") == (gap == ".")) and gap != " " and whole.count(gap) == 1:
        whole, part = whole.split(gap)  # 1.234 in English, 1,234 elsewhere: the sign is the decimal one
    if gap and point == gap:
        return None  # 1.234.56: no number
    if _DAY.fullmatch(found[0]) and _beside_month(found):
        return None
    value = float(re.sub(r"[ .,]", "", whole) + "." + (part or "0"))
    if magnitude := next((size for name, size in _MAGNITUDES.items() if found[name]), None):
        value *= magnitude
    elif not part and (value < SMALLEST or (1900 <= value <= 2100 and not gap)):
        return None
    return f"{value:.9g}"


def _beside_month(found: re.Match[str]) -> bool:
    text, start, end = found.string, found.start(), found.end()
    words = (_BEHIND.match(text, end), _BEFORE.search(text[max(0, start - 25) : start]))
    return any(word is not None and month_named(word["word"]) is not None for word in words)


def _names(text: str, language: str | None, cyrillic: bool) -> list[tuple[int, str]]:
    found = []
    known = languages()
    for start, word, begins_sentence in capitals(text):
        foreign = cyrillic and word.isascii()
        # The first word of a sentence always has a capital; a word in a foreign script has it only as a name.
        if len(word) >= 3 and (foreign or not begins_sentence) and (key := name_key(word, language, known)):
            found.append((start, key))
    return found


def everybodys() -> frozenset[str]:
    """Return the marks of names and currencies that tell no two texts apart, however few texts are compared."""
    return _everybodys(languages())


@cache
def _everybodys(known: Languages) -> frozenset[str]:
    words = (word for language in known for name in language.names.common for word in name.split())
    keys = (name_key(word, language, known) for word in words for language in (None, "uz"))
    return _CURRENCIES | frozenset(filter(None, keys))
