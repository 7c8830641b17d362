"""The day of publication as a page shows it to its readers: near the headline, behind a label, in the dateline.

Asked where nothing is stated for machines, or where that is in conflict. A date counts only when the line, or the
piece of a line, holds little else: a date within a sentence is one that the article tells of. Months and forms are the
matter of `extractors.dates.worded`, the words around a date that of `config/languages/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from functools import cache, lru_cache
from itertools import islice

from lxml import etree
from lxml.html import HtmlElement

from config.languages import Languages, languages
from config.phrases import any_of
from extractors.dates.choice import EARLIEST
from extractors.dates.stated import Stated, read_stated, time_of_day
from extractors.dates.worded import Mention, has_digit, mentions, usual_words, writes_month_first, year_words
from extractors.text import clean_line, tokens

LINES_AFTER, LINES_BEFORE = 10, 4  # of the headline, in which a date without a label is the article's own
LONGEST_LINE = 120  # characters of a line that shows a date; longer ones are text
LONGEST_HEADLINE = 300
PROSE = 200  # characters; the second such line after the headline ends the head of an article
MAX_LINES = 4000  # of a page; no label is looked for beyond
LETTERS_BESIDE = 3  # of a piece of line, besides the date, time and their usual words: "г.", "at"
DATELINE_WITHIN = 90  # characters from the beginning of a paragraph
NEAR_FEED = timedelta(days=31)  # a day without a year that is further from the feed's date is another one's
LAST_MONTHS = timedelta(days=180)  # sites leave out the year while it is the present one, and a while longer

_SKIPPED = frozenset({"script", "style", "noscript", "template", "nav", "footer", "aside", "form", "select", "button",
                      "iframe", "svg", "head", "object"})  # fmt: skip
_FURNITURE = re.compile(
    r"(?:^|[\s_-])(?:side-?bar|related|comments?|menu|nav|navbar|topbar|weather|currency|rates?|breadcrumbs?|similar|"
    r"popular|recommend\w*|latest|footer|calendar|archives?|ticker|banner|clock|today)(?:$|[\s_-])",
    re.IGNORECASE,
)
_INLINE = frozenset({"a", "abbr", "b", "bdi", "cite", "em", "font", "i", "ins", "mark", "nobr", "s", "small", "span",
                     "strong", "sub", "sup", "time", "u", "data", "label"})  # fmt: skip
_CLOCK = re.compile(r"(?<!\d)\d{1,2}:\d\d(?!\d)")
_ALONE = 20  # characters of a line that shows a time and nothing else
_TIME = re.compile(r"(?<!\d)\d{1,2}[:.]\d\d(?::\d\d)?(?!\d)\s*(?:[ap]\.?m\b\.?)?", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_REMARK = re.compile(r"\([^()]{1,40}\)")  # "(по времени Астаны)"
_NAME_BEHIND = re.compile(r"\s?[,–—]\s?(?:[A-ZА-ЯЁӘҒҚҢӨҰҮҺІЎҲҶӢӮÇŞŽÝÖÜİ][\w’'.-]{1,20}\s?){2,3}")
_PIECES = re.compile(r"(?:(?<!\s)\s*)?(?:[|•·●]|\s[–—-]\s|\s/\s)\s*")
_PLACE = r"[\"«]?[^\W\d_][^\d,.(/—–|:;]{1,40}?"
_BEFORE_DATE = re.compile(rf"\s*(?P<place>{_PLACE})\s*(?:[,.]|(?P<agency>[(/][^()/]{{2,40}}[)/]))[\s,.—–-]*")
_BEGINS = re.compile(r"(?:[)\]]\s?|\s?[–—:|-]\s?|\s)[«„“\"]?[^\W\d_a-zа-яё]")
_PLACE_BEHIND = re.compile(r"\s*,\s*[^\W\d_a-zа-яё]{3,}[\s./(—–-]")


@dataclass(frozen=True, eq=False, slots=True)
class _Signs:
    """The words around a date, of all languages."""

    published: re.Pattern[str]
    changed: re.Pattern[str]
    author: re.Pattern[str]
    after_date: re.Pattern[str]  # in a dateline
    after_year: re.Pattern[str]


@cache
def _signs_of(known: Languages) -> _Signs:
    dates = [language.dates for language in known]
    year = rf"{year_words(known)}(?!\w)\.?"
    behind = r"(?:$|[—–/(:]|-\s|[^\W\d_]{2,12}\s*(?:[.,]\s*)?(?:[—–/]|-\s)|[A-ZА-ЯЁ]{4,})"
    return _Signs(
        re.compile(any_of(phrase for d in dates for phrase in d.published), re.IGNORECASE),
        re.compile(any_of(phrase for d in dates for phrase in d.updated), re.IGNORECASE),
        re.compile(rf"^\W*{any_of(phrase for d in dates for phrase in d.author)}\b", re.IGNORECASE),
        re.compile(rf"\s*(?:{year}[\s.,]*|[.,][\s.,]*)?{behind}"),
        re.compile(rf"\s*(?:{year}\s*)?[.—–/(-]"),
    )


def _signs() -> _Signs:
    return _signs_of(languages())


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a page: the pieces of text it is made of, whether it is a heading, the date of a `<time>` in it."""

    pieces: tuple[str, ...]
    text: str
    heading: bool
    stamp: Stated | None


def visible_date(
    tree: HtmlElement,
    titles: Sequence[str],
    *,
    zone: tzinfo,
    today: date,
    reference: date | None = None,
    anywhere: bool = True,
) -> Stated | None:
    """Return the date shown near the headline, the nearest first, else the one that a label of publication goes before.

    Where there is neither, the only complete date that the page shows in a line of its own. The time is that of its
    line, or of a line beside it that shows nothing else. Unless `anywhere`, only the head of the article is looked at.

    `today` is the day in `zone` on which the page was read; nothing later is returned. A day without a year is the
    last one up to `reference`, the feed's day, or up to today where there is none.
    """
    known = [words for title in titles if (words := tuple(tokens(title)))]
    walk = _lines(tree, zone)
    lines = _head(walk, known)
    read = _Reader(writes_month_first(zone), today, reference, zone)
    if (place := _headline(lines, known)) is not None:
        near = [(line, above, mention) for line, above in _around(lines, place) for mention in read.own(line)]
        # A complete date before one that lacks its year, whichever is nearer.
        for line, above, shown in sorted(near, key=lambda entry: isinstance(entry[2], Mention) and not entry[2].year):
            day = shown if isinstance(shown, date) else read.day(shown)
            # Above the headline many sites show the present day, without a time.
            if (
                day is not None
                and EARLIEST <= day <= today
                and not (above and day == today and not _TIME.search(line.text))
            ):
                return read.timed(day, line, lines)
    if not anywhere:
        return None
    lines += walk
    labelled = {day: line for line in lines if (found := read.labelled(line)) and (day := read.day(found))}
    if labelled:
        return read.timed(*labelled.popitem(), lines) if len(labelled) == 1 else None
    alone = {day: line for line in lines for own in read.own(line) if (day := read.whole_day(own)) is not None}
    if len(alone) != 1 or not EARLIEST <= min(alone) < today:  # today: the site's clock
        return None
    return read.timed(*alone.popitem(), lines)


def labelled_date(
    tree: HtmlElement, titles: Sequence[str], *, zone: tzinfo, today: date, reference: date | None = None
) -> Stated | None:
    """Return the date behind "Published:" or the like near the headline, None where it is not there."""
    known = [words for title in titles if (words := tuple(tokens(title)))]
    lines = _head(_lines(tree, zone), known)
    read = _Reader(writes_month_first(zone), today, reference, zone)
    if (place := _headline(lines, known)) is None:
        return None
    for line, _ in _around(lines, place):
        if (mention := read.labelled(line)) and mention.year:
            day = read.day(mention)
            return read.timed(day, line, lines) if day is not None and EARLIEST <= day <= today else None
    return None


def dateline_day(paragraphs: Sequence[str], *, zone: tzinfo, today: date, reference: date | None = None) -> date | None:
    """Return the day in the dateline that opens the text: "АСТАНА, 6 ноября — Sputnik", "BISHKEK (AKIpress), Nov 6"."""
    read = _Reader(writes_month_first(zone), today, reference, zone)
    for paragraph in paragraphs[:2]:
        opening = paragraph[:DATELINE_WITHIN]
        for mention in read.mentions(opening)[:1]:
            if _opens(opening, mention):
                return read.day(mention)
    return None


def _opens(text: str, mention: Mention) -> bool:
    """Say whether the date belongs to a dateline: a place goes before it, and what follows begins the text.

    A date in figures, with its year, needs no place: "06.11.2025 – Мост открыт", "(06.11.2025) Мост открыт".
    """
    figures = mention.year is not None and "." in text[mention.start : mention.end].strip(".")
    if figures and text[: mention.start] in ("", "(", "[") and _BEGINS.match(text, mention.end):
        return True
    if mention.start == 0:
        return bool(_PLACE_BEHIND.match(text, mention.end))
    before = _BEFORE_DATE.fullmatch(text, 0, mention.start)
    if before is None or not _is_place(before["place"]):
        return False
    if before["place"].isupper() or before["agency"] is not None:
        return True
    return bool(
        (mention.year and _signs().after_year.match(text, mention.end)) or _signs().after_date.match(text, mention.end)
    )


def _is_place(text: str) -> bool:
    """Say whether every word begins with a capital: "New York", and not "В начале года"."""
    words = re.findall(r"[^\W\d_]+", text)
    return (
        1 <= len(words) <= 4
        and all(word[0].isupper() and (len(word) > 2 or word.isupper()) for word in words)
        and (text.isupper() or len(words[0]) > 2)
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Read the days in lines, as one publisher writes them."""

    month_first: bool | None
    today: date
    reference: date | None
    zone: tzinfo

    def timed(self, day: date, line: _Line, lines: Sequence[_Line]) -> Stated:
        """Return the day with the time in its line, or alone in the next one or the one before."""
        if line.stamp is not None and line.stamp.day == day and line.stamp.moment is not None:
            return line.stamp
        place = next(number for number, one in enumerate(lines) if one is line)
        beside = (*lines[place + 1 : place + 2], *lines[max(place - 1, 0) : place])
        for text in (
            line.text,
            *(one.text for one in beside if len(one.text) <= _ALONE and not self.mentions(one.text)),
        ):
            times = list(_CLOCK.finditer(text))
            if len({time[0] for time in times}) == 1 and not _signs().changed.search(text):
                return Stated(day, time_of_day(day, text[times[0].start() :], self.zone))
        return Stated(day)

    def mentions(self, line: str) -> list[Mention]:
        return mentions(line, month_first=self.month_first, near=self.reference)

    def day(self, mention: Mention) -> date | None:
        """Return the day meant. One without a year must be near the feed's day, or of this year or the last months."""
        day = mention.on(self.reference or self.today, latest=self.today)
        if day is None or mention.year is not None:
            return day
        if self.reference is not None:
            return day if abs(day - self.reference) <= NEAR_FEED else None
        return day if day.year == self.today.year or self.today - day <= LAST_MONTHS else None

    def whole_day(self, shown: Mention | date) -> date | None:
        """Return the day of a date that is shown with its year."""
        if isinstance(shown, Mention):
            return self.day(shown) if shown.year is not None else None
        return shown if shown <= self.today else None

    def own(self, line: _Line) -> Iterator[Mention | date]:
        """Yield the dates that a line, or a piece of it, shows while saying nothing else."""
        text = line.text
        if len(text) > LONGEST_LINE or (line.stamp is None and not has_digit(text)):
            return
        if (mention := self.labelled(line)) is not None:
            yield mention
            return
        if line.stamp is not None and not _signs().changed.search(text):
            yield line.stamp.day
            return
        changed = False
        for piece in [part for whole in (*line.pieces, text) for part in _PIECES.split(whole)]:
            # "Обновлено:" speaks for the piece behind it, too.
            before, changed = changed, bool(_signs().changed.search(piece))
            if not (before or changed):
                shown = (mention for mention in self.mentions(piece) if _says_only(piece, mention))
                yield from (mention for mention in shown if mention.year or not _names_year(text, mention))

    def labelled(self, line: _Line) -> Mention | None:
        """Return the date right behind "Опубликовано", "Published" and the like."""
        text = line.text
        if len(text) > LONGEST_LINE or not has_digit(text) or not (label := _signs().published.search(text)):
            return None
        for mention in self.mentions(text):
            between = text[label.end() : mention.start]
            if mention.start >= label.end() and len(between) <= 40 and not _signs().changed.search(between):
                return mention
        return None


def _names_year(line: str, mention: Mention) -> bool:
    """Say whether a line that holds a date without its year has a year elsewhere."""
    return _YEAR.search(line.replace(line[mention.start : mention.end], " ", 1)) is not None


def _says_only(piece: str, mention: Mention) -> bool:
    """Say whether besides the date there are its time, its label and the like, or an author's name."""
    rest = _TIME.sub(" ", piece[: mention.start] + " " + piece[mention.end :])
    rest = _REMARK.sub(" ", rest)
    if _signs().author.match(rest):
        return len(rest) <= 60
    rest = usual_words().sub(" ", rest)
    if sum(c.isalpha() for c in rest) <= LETTERS_BESIDE:
        return True
    # "Астана, 6 ноября 2025, 12:30": a place of one word, and a comma.
    place = re.fullmatch(r"\W*(?P<name>[^\W\d_][\w-]{2,15})\s*[,.]\W*", rest)
    if place and place["name"][0].isupper():
        return True
    # "6 ноября 2025, Асель Ермекова": an author's name behind the date.
    behind = _NAME_BEHIND.fullmatch(_TIME.sub(" ", piece[mention.end :]))
    return behind is not None and not usual_words().sub(" ", piece[: mention.start]).strip(" ,.|")


def _head(walk: Iterator[_Line], titles: Sequence[tuple[str, ...]]) -> list[_Line]:
    """Return the lines up to a heading that is the best title, and some after it; all, where there is none."""
    lines = []
    for line in walk:
        lines.append(line)
        if line.heading and len(line.text) <= LONGEST_HEADLINE and tuple(tokens(line.text)) in titles[:1]:
            return [*lines, *islice(walk, LINES_AFTER)]
    return lines


def _headline(lines: Sequence[_Line], titles: Sequence[tuple[str, ...]]) -> int | None:
    """Return the place of the headline: a line, rather a heading, that is the best title; else the first heading."""
    words = [tuple(tokens(line.text)) if len(line.text) <= LONGEST_HEADLINE else () for line in lines]
    for title in titles:
        same = [number for number, own in enumerate(words) if own == title]
        if same:
            return next((number for number in same if lines[number].heading), same[0])
    return next((number for number, line in enumerate(lines) if line.heading), None)


def _around(lines: Sequence[_Line], place: int) -> Iterator[tuple[_Line, bool]]:
    """Yield the lines near the headline, the nearest first, and whether they are above it; below, up to the text."""
    below: list[_Line] = []
    prose = 0
    for line in lines[place + 1 : place + 1 + LINES_AFTER]:
        prose += len(line.text) >= PROSE
        if prose > 1:
            break
        below.append(line)
    above = lines[max(place - LINES_BEFORE, 0) : place][::-1]
    for distance in range(max(len(below), len(above))):
        yield from ((line, False) for line in below[distance : distance + 1])
        yield from ((line, True) for line in above[distance : distance + 1])


def _lines(tree: HtmlElement, zone: tzinfo) -> Iterator[_Line]:
    """Yield the lines of a page as a browser breaks them, without menus, side bars, footers and scripts."""
    kept, characters = _above_headings(tree), len(tree.text_content())
    pieces: list[str] = []
    heading, stamp, count = False, None, 0
    walker = etree.iterwalk(tree, events=("start", "end", "comment", "pi"))
    for event, element in walker:
        tag = element.tag
        if tag not in _INLINE and isinstance(tag, str) and pieces:
            if text := clean_line(" ".join(pieces)):
                yield _Line(tuple(pieces), text, heading, stamp)
                count += 1
                if count == MAX_LINES:
                    return
            pieces, stamp = [], None
        if event == "start":
            if tag in ("h1", "h2"):
                heading = True
            if (
                _is_furniture(element, any_heading=bool(kept))
                and element not in kept
                and not _is_most(element, characters)
            ):
                walker.skip_subtree()
                continue
            if tag == "time" and is_teaser(element):
                continue
            if tag == "time" and stamp is None:
                stamp = read_stated(element.get("datetime", ""), zone)
            if element.text:
                pieces.append(element.text)
            continue
        if event == "end" and tag in ("h1", "h2"):
            heading = False
        if element.tail:
            pieces.append(element.tail)


def is_teaser(element: HtmlElement) -> bool:
    """Say whether an element stands in a link with more in it, another story's. A date alone links to its own page."""
    link = next((e for e in element.iterancestors() if e.tag == "a" and e.get("href")), None)
    return link is not None and len(tokens(link.text_content())) > len(tokens(element.text_content())) + LETTERS_BESIDE


def nearest_to_headline(tree: HtmlElement, elements: Sequence[HtmlElement]) -> list[HtmlElement]:
    """Return those of the elements that share the smallest part of the page with its headline; all without one."""
    headline = next(tree.iter("h1"), None)
    if headline is None or len(elements) < 2:
        return list(elements)
    depths = {ancestor: depth for depth, ancestor in enumerate(reversed([headline, *headline.iterancestors()]))}
    shared = [next((depths[a] for a in (e, *e.iterancestors()) if a in depths), -1) for e in elements]
    return [element for element, depth in zip(elements, shared, strict=True) if depth == max(shared)]


def without_furniture(tree: HtmlElement) -> HtmlElement:
    """Copy the page without what is not the article's: the dates of comments and other stories stand there."""
    copy = deepcopy(tree)
    kept, characters = _above_headings(copy), len(copy.text_content())
    for element in [e for e in copy.iter() if isinstance(e.tag, str) and e.tag != "head"]:
        furniture = _is_furniture(element, any_heading=bool(kept)) and element not in kept
        if furniture and element.getparent() is not None and not _is_most(element, characters):
            element.drop_tree()
    return copy


def _is_most(element: HtmlElement, characters: int) -> bool:
    """Say whether an element holds most of a page's `characters`: themes name it after the side bar beside it."""
    if element.tag in _SKIPPED or element.tag == "header":
        return False
    return 2 * len(element.text_content()) > characters


def _above_headings(tree: HtmlElement) -> set[HtmlElement]:
    return {ancestor for heading in tree.iter("h1") for ancestor in (heading, *heading.iterancestors())}


def _is_furniture(element: HtmlElement, *, any_heading: bool) -> bool:
    if element.tag in _SKIPPED:
        return True
    if element.tag == "header" and any_heading:
        return not any(ancestor.tag in ("article", "main") for ancestor in element.iterancestors())
    if element.tag in ("html", "body", "main", "article", "h1", "h2"):
        return False
    named = f"{element.get('class', '')} {element.get('id', '')}"
    return _names_furniture(named) or "display:none" in element.get("style", "").replace(" ", "")


@lru_cache(maxsize=1024)  # a page has hundreds of elements and dozens of names for them
def _names_furniture(named: str) -> bool:
    return _FURNITURE.search(named) is not None
