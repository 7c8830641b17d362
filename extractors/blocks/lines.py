"""Lines that speak of the site and not of the story: they go, wherever in the text they stand.

Every rule is about a whole line and is anchored at its beginning, and a line of prose has more words than a rule
allows. A heading over other stories ("Читайте также") takes the lines below along that are nothing but links. The set
phrases are those of all languages, in `config/languages/`; they are compared with a line in small letters, with "ё" as
"е" and one apostrophe.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from config.languages import Languages, languages
from config.phrases import any_of
from extractors.dates.worded import mentions, month_named, usual_words
from extractors.text import count_words, tokens

MAX_WORDS = {
    "related": 40,
    "join us": 60,
    "mistake": 30,
    "rights": 60,
    "label": 16,
    "caption": 30,
    "short caption": 10,
    "ago": 5,
    "stamp": 12,
}
LONGEST = max(MAX_WORDS.values())
MIN_PROSE = 12  # words
MAX_DIGITS = 4  # of a number in a line that shows a date
EDGE = 3  # blocks at either end, where date and time of the page stand
SET_OFF = r"(?:\s*(?:[:：|—–»>…]|-\s|\.\.\.)|\W*$)"  # what divides an opening from what follows it, or the line's end
_APOSTROPHES = re.compile("[‘’ʻʼ`´ʹ′]")
_DIGIT = re.compile(r"\d")
_SIGNS = r"[\s\W_\d]*"


_TO_END = r"(?:[^.!?]|(?<=\b[^\W\d_])\.)*"  # of a caption; an initial has a full stop
_LETTERS = re.compile(r"[^\W\d_]+")
LONGEST_BUTTON = 25  # runs of letters
_NUMERIC_DATE = re.compile(r"\d:\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}-\d\d-\d\d")
_WORD_OR_NUMBER = re.compile(r"[^\W\d]+|\d+")
_FULL_DATE = re.compile(r"\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}-\d\d-\d\d")
CLOCK = re.compile(r"\d{1,2}:\d\d")
CHRONICLE = 3  # lines that are a time and nothing else: each is the heading of an entry
_DIVIDERS = re.compile(r"[|•·●]")
MAX_PIECE = 6  # words: date, time and weekday; a longer one tells something
_PICTURE = re.compile(r"(?:https?:)?//\S+\.(?:jpe?g|png|gif|webp|svg)\S*")
_CODE = re.compile(r"\s*<[a-z][^>=]*=[^>]*>.*")


@dataclass(frozen=True, eq=False, slots=True)
class _Rules:
    """The phrases of all languages, as patterns for a line as `_plain` makes it."""

    openings: tuple[tuple[str, re.Pattern[str]], ...]
    leading: re.Pattern[str]  # over other stories, whatever follows
    button: re.Pattern[str]

    @property
    def related(self) -> re.Pattern[str]:
        return self.openings[0][1]


@cache
def _rules_of(known: Languages) -> _Rules:
    def any_line(key: str) -> str:
        return any_of(phrase for language in known for phrase in getattr(language.lines, key))

    labels = f"(?:{any_line('labels')}|{any_line('tags')}|{any_line('views')})"
    ago = any_of(phrase for language in known for phrase in language.dates.ago)
    openings = (
        ("related", rf"{_SIGNS}{any_line('related')}{SET_OFF}"),
        ("related", rf"{_SIGNS}{any_line('related')}\s+(?:[«„“][^«»„“”]+[»“”]|\"[^\"]+\")\W*$"),
        ("related", r"also on [\w.-]+\.\w{2,}\b"),
        ("join us", rf"{_SIGNS}{any_line('join_us')}(?!\w)"),
        ("join us", r".*\bby clicking here\W*$"),
        ("mistake", rf"{_SIGNS}(?={any_line('mistake')}(?!\w))(?=.*(?:\?|{any_line('asks')}))"),
        ("rights", rf"[\s\d]*{any_line('rights')}"),
        ("label", rf"{_SIGNS}{labels}\s*[:：]"),
        ("ago", rf"\W*\d{{1,3}}\s?(?:[^\W\d_]+\.?\s){{0,2}}{ago}\W*$"),
        (
            "caption",
            rf"[^/|(]+(?:[/|]\s*{any_line('labels')}\s*[:：]?|\(\s*{any_line('labels')}\s*[:：])\s*[^\W\d_]{_TO_END}$",
        ),
        ("short caption", rf"[^.!?:]+[.]\s+{any_line('labels')}\s*[:：]\s*[^\W\d_]{_TO_END}$"),
    )
    return _Rules(
        tuple((kind, re.compile(opening)) for kind, opening in openings),
        re.compile(rf"{_SIGNS}{any_line('related')}(?!\w)"),
        re.compile(any_line("buttons")),
    )


def _rules() -> _Rules:
    return _rules_of(languages())


def kind_of_line(line: str) -> str | None:
    """Return what a line that is not the story's is for ("related", "join us" …); None for all other lines.

    A "stamp" is a date or a time alone: the page's beside the headline, but a sub-heading in a chronicle.
    """
    words = len(tokens(line))
    if words > LONGEST and not line.startswith("<"):
        return None
    plain = _plain(line)
    rules = _rules()
    for kind, opening in rules.openings:
        if words <= MAX_WORDS[kind] and opening.match(plain) and not (kind == "join us" and line.startswith("- ")):
            return kind  # in a list, "sign up" is advice
    if words == 0 or _is_buttons(plain):
        return "button"
    if words <= MAX_WORDS["stamp"] and _DIGIT.search(plain) and (_is_stamp(plain) or _is_head(plain)):
        return "stamp"
    return "code" if _PICTURE.fullmatch(plain) or _CODE.fullmatch(plain) else None


def _is_buttons(line: str) -> bool:
    """Say whether a line is nothing but buttons, and signs and numbers around them.

    A button may end at several places ("share on" takes some words along): each is looked at once, where one pattern
    for all would try every combination.
    """
    button = _rules().button
    runs = [run.span() for run in _LETTERS.finditer(line)]
    reached = {0}
    for first, (start, _) in enumerate(runs):
        if first in reached and button.match(line, start):
            near = enumerate(runs[first : first + LONGEST_BUTTON], first + 1)
            reached |= {following for following, (_, end) in near if button.fullmatch(line, start, end)}
    return bool(runs) and len(runs) in reached


def without_site_lines(blocks: Sequence[str], is_link: Callable[[str], bool]) -> list[str]:
    """Drop the site's own lines. `is_link` tells of a line whether it is nothing but a link's text.

    A heading over other stories takes along the links below it, and all that follows where there is no prose any
    more. Tables stay as they are, and so do the stamps between the first blocks and the last.
    """
    kept: list[str] = []
    below = False  # a heading over other stories
    chronicle = sum(CLOCK.fullmatch(block) is not None for block in blocks) >= CHRONICLE
    for place, block in enumerate(blocks):
        if is_table(block):
            kept.append(block)
            continue
        edge = place < EDGE or place >= len(blocks) - EDGE
        edge = edge and not (chronicle and CLOCK.fullmatch(block))
        lines = []
        for line in block.split("\n"):
            kind = kind_of_line(line) or ("related" if _leads_on(line, is_link) else None)
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
    """Say whether a block is told and not listed: it has a sentence of some length."""
    return count_words(block) >= MIN_PROSE and block.rstrip(" »\"”'’)").endswith(tuple(".!?…:;。！？"))


def is_table(block: str) -> bool:
    """Say whether a block is a table of data."""
    return "\n" in block and not block.startswith("- ")


def _plain(line: str) -> str:
    return _APOSTROPHES.sub("'", line.replace("İ", "i").casefold()).replace("ё", "е").removeprefix("- ").strip()


def _leads_on(line: str, is_link: Callable[[str], bool]) -> bool:
    """Say whether a line is a heading over other stories with one of them behind it, undivided, as a link."""
    plain = _plain(line)
    found = _rules().related.match(plain)
    opening = _rules().leading.match(plain) if found is None else None
    rest = tokens(plain)[len(tokens(plain[: opening.end()])) :] if opening else []
    return len(rest) > 1 and is_link(" ".join(rest))


def _is_heading(line: str) -> bool:
    plain = _plain(line)
    found = _rules().related.match(plain)
    return found is not None and not tokens(plain[found.end() :])


def _is_head(plain: str) -> bool:
    """Say whether the line is the page's head: a date, and divided from it the section, the author, a counter."""
    pieces = [piece.strip() for piece in _DIVIDERS.split(plain) if piece.strip()]
    dated = [piece for piece in pieces if _is_stamp(piece) and (_FULL_DATE.search(piece) or mentions(piece))]
    return len(pieces) > 1 and bool(dated) and all(len(tokens(piece)) <= MAX_PIECE for piece in pieces)


def _is_stamp(plain: str) -> bool:
    """Say whether the line has a date or a time and besides only the usual words beside them."""
    if "_" in plain or not (_NUMERIC_DATE.search(plain) or mentions(plain)):
        return False
    apart = " ".join(_WORD_OR_NUMBER.sub(r"\g<0> ", plain).split())
    words = _WORD_OR_NUMBER.findall(usual_words().sub(" ", apart))
    return all((word.isdigit() and len(word) <= MAX_DIGITS) or month_named(word) for word in words)
