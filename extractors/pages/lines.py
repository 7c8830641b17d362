"""Lines that speak of the site and not of the story: they go, wherever in the text they stand.

Every rule is about a whole line and is anchored at its beginning, and a line of prose has more words than a rule
allows. A heading over other stories ("Читайте также") takes the lines below along that are nothing but links.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from extractors.pages import phrases as line_phrases
from extractors.text import count_words, tokens

MAX_WORDS = {"related": 40, "join us": 60, "mistake": 30, "rights": 60, "label": 16, "stamp": 12}
LONGEST = max(MAX_WORDS.values())
MIN_PROSE = 12  # words
EDGE = 3  # blocks at either end, where date and time of the page stand
SET_OFF = r"(?:\s*(?:[:：|—–»>…]|-\s|\.\.\.)|\W*$)"  # what divides an opening from what follows it, or the line's end
_APOSTROPHES = re.compile("[‘’ʻʼ`´ʹ′]")
_DIGIT = re.compile(r"\d")
_SIGNS = r"[\s\W_\d]*"


def _any(phrases: Sequence[str]) -> str:
    return "(?:" + "|".join(phrases) + ")"


_MONTH = (
    r"(?:янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|қаң|"
    r"ақп|нау|"
    r"сәу|мам|мау|шіл|там|қыр|қаз|қар|жел|yan|iyun|iyul|sen|okt|noy|dek|ýan|awg|июн|июл)\w*"
)
_DAY = (
    r"(?:понедельник|вторник|среда|четверг|пятница|суббота|воскресенье|пн|вт|ср|чт|пт|сб|вс|mon|tue|wed|thu|fri|"
    r"sat|sun|"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday|дүйсенбі|сейсенбі|сәрсенбі|бейсенбі|жұма|сенбі|жексенбі|"
    r"dushanba|seshanba|chorshanba|payshanba|juma|shanba|yakshanba|душанба|сешанба|чоршанба|пайшанба|жума|шанба|"
    r"якшанба)"
)
_STAMP_WORD = (
    rf"(?:\d{{1,4}}|{_MONTH}|{_DAY}|г|года?|ж|жыл\w*|йил\w*|yil\w*|в|at|on|мск|msk|utc|gmt|est|edt|am|pm|a|p|m|z|t|"
    r"сегодня|вчера|today|yesterday|updated|published|posted|last|обновлено|обновлен|опубликовано|размещено|"
    r"бүгін|кеше|bugun|kecha|бугун|кеча|имрӯз|дирӯз|年|月|日|阅读|浏览)"
)
RELATED = re.compile(rf"{_SIGNS}{_any(line_phrases.RELATED)}{SET_OFF}")
_ASKS = r"(?=.*(?:\?|ctrl|выдел|сообщи|белгіле|belgila|белгила|белгиле|yubor|юбор|жібер|жөнөт|фирист|ibe?r))"
_OPENINGS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("related", RELATED),
    ("related", re.compile(r"also on [\w.-]+\.\w{2,}\b")),
    ("join us", re.compile(rf"{_SIGNS}{_any(line_phrases.JOIN_US)}(?!\w)")),
    ("join us", re.compile(r".*\bby clicking here\W*$")),
    ("mistake", re.compile(rf"{_SIGNS}(?={_any(line_phrases.MISTAKE)}(?!\w)){_ASKS}")),
    ("rights", re.compile(rf"[\s\d]*{_any(line_phrases.RIGHTS)}")),
    ("label", re.compile(rf"{_SIGNS}{_any(line_phrases.LABELS)}\s*[:：]")),
)
_BUTTON = _any(line_phrases.BUTTONS)
_BUTTONS = re.compile(rf"{_SIGNS}{_BUTTON}(?:[\s\W_\d]+{_BUTTON})*{_SIGNS}")
_STAMP = re.compile(rf"\W*{_STAMP_WORD}(?:\W+{_STAMP_WORD})*\W*")
_CLOCK_OR_DATE = re.compile(
    rf"\d:\d\d|\d{{1,2}}[./]\d{{1,2}}[./]\d{{2,4}}|\d{{4}}-\d\d-\d\d|\b\d{{1,2}} {_MONTH}|{_MONTH}\.? \d{{1,2}}\b"
)
_PICTURE = re.compile(r"(?:https?:)?//\S+\.(?:jpe?g|png|gif|webp|svg)\S*")
_CODE = re.compile(r"\s*<[a-z]+[^>]*=[^>]*>.*")


def kind_of_line(line: str) -> str | None:
    """What a line that is not the story's is for ("related", "join us" …); None for all other lines.

    A "stamp" is a date or a time alone: the page's beside the headline, but a sub-heading in a chronicle.
    """
    words = len(tokens(line))
    if words > LONGEST and not line.startswith("<"):
        return None
    plain = _plain(line)
    for kind, opening in _OPENINGS:
        if words <= MAX_WORDS[kind] and opening.match(plain) and not (kind == "join us" and line.startswith("- ")):
            return kind  # in a list, "sign up" is advice
    if words == 0 or _BUTTONS.fullmatch(plain):
        return "button"
    if words <= MAX_WORDS["stamp"] and _DIGIT.search(plain) and _CLOCK_OR_DATE.search(plain) and _is_stamp(plain):
        return "stamp"
    return "code" if _PICTURE.fullmatch(plain) or _CODE.fullmatch(plain) else None


def without_site_lines(blocks: Sequence[str], is_link: Callable[[str], bool]) -> list[str]:
    """The blocks without the site's own lines. `is_link` tells of a line whether it is nothing but a link's text.

    A heading over other stories takes along the links below it, and all that follows where there is no prose any
    more. Tables stay as they are, and so do the stamps between the first blocks and the last.
    """
    kept: list[str] = []
    below = False  # a heading over other stories
    for place, block in enumerate(blocks):
        if is_table(block):
            kept.append(block)
            continue
        edge = place < EDGE or place >= len(blocks) - EDGE
        lines = []
        for line in block.split("\n"):
            kind = kind_of_line(line)
            if below and (kind is not None or is_link(line)):
                continue
            if kind is None or (kind == "stamp" and not edge):
                below = False
                lines.append(line)
            elif kind == "related":
                if _is_heading(line) and not any(map(is_prose, blocks[place + 1 :])):
                    return [*kept, *(["\n".join(lines)] if lines else [])]
                below = True
        if lines:
            kept.append("\n".join(lines))
    return kept


def is_prose(block: str) -> bool:
    """Whether a block is told and not listed: it has a sentence of some length."""
    return count_words(block) >= MIN_PROSE and block.rstrip(" »\"”'’)").endswith(tuple(".!?…:;。！？"))


def is_table(block: str) -> bool:
    """Whether a block is a table of data."""
    return "\n" in block and not block.startswith("- ")


def _plain(line: str) -> str:
    return _APOSTROPHES.sub("'", line.casefold()).replace("ё", "е").removeprefix("- ").strip()


def _is_heading(line: str) -> bool:
    plain = _plain(line)
    found = RELATED.match(plain)
    return found is not None and not tokens(plain[found.end() :])


def _is_stamp(plain: str) -> bool:
    return _STAMP.fullmatch(re.sub(r"(?<=\d)(?=[^\W\d])|(?<=[^\W\d])(?=\d)", " ", plain)) is not None
