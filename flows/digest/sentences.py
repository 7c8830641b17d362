"""The first sentences of a news text, in the languages of the region, as they stand.

By rules on the signs alone: a sign ends a sentence if what follows may begin one, and what stands before it is no
abbreviation. In doubt there is no end: too long an excerpt costs a line, too short a one its
sense.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_CHARACTERS = 420  # of an excerpt: five lines of a mail
SHORT = 60  # characters of a line without an end that is a byline or a caption
DATELINE = 45  # characters of a dateline that ends like a sentence
_END = re.compile(r"(?:(?<![.!?…])[.!?…]+[\"'»”’“)\]]*(?=\s)|[。！？]+[」』”’）]*)")
_BEGINS = re.compile(r"[\"'«“„‘(\[]*(?:[^\W_])")
_WORD_BEFORE = re.compile(r"[^\s(«\"“„\[]{1,40}$")  # of longer ones, the end
_FIRST_WORD = re.compile(r"[^\W\d_]+(?:['’ʻʼ][^\W\d_]+)?(?P<dot>\.\s)?")
# After these there is always more: titles, and what stands before a name or a number.
_OPEN_WORDS = """
    mr mrs ms dr prof gen sen rep gov lt col maj capt sgt rev hon st vs fig approx jan feb mar apr jun jul aug sep sept
    oct nov dec mt ft pres amb
    им ул просп пл пер д кв стр корп р пос рис табл напр акад проф доц ген полк подп канд докт инж зам пом нач гл св
    янв февр фев мар апр авг сент сен окт ноя нояб дек ок
    bzw ca dipl hr nr str doç av sn ör cad sok mah
"""
# A sentence may end with these; it does if the next word is one that often begins another.
_EITHER_WORDS = """
    no nos vol u.s u.k u.n e.u d.c a.m p.m inc co corp ltd jr sr etc al e.g i.e usw
    г гг в вв др пр т.д т.п т.е т.к т.н руб коп долл чел мин сек час ч обл см тыс млн млрд трлн
    ж жж ш й y yy v.b vb ş т.б т.с.с м с б
"""
_STARTING_WORDS = """
    the a an in on at it he she they we this that these those there his her its their as after before according but and
    also however while when if
    в во на по он она они оно это этот эта эти также при для как после до за из к с со о об но а и так кроме однако
    ранее напомним между тем сейчас сегодня там теперь если когда
    бұл ол олар сондай осы сонымен айта бул ал ошондой ин онҳо bu u ular shu ol olar şu o onlar ve ama
    der die das ein eine er sie es im am auf nach
"""
_OPEN, _EITHER, _STARTERS = (frozenset(words.split()) for words in (_OPEN_WORDS, _EITHER_WORDS, _STARTING_WORDS))
_INITIAL = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]|[^\W\d_]{1,2}-[^\W\d_]{1,2}")
_DATELINE = re.compile(r"[^\W\d_a-zа-яёәғқңөұүһі]{3,}[\s,./(–—-]")
_ABBREVIATED_DAY = re.compile(r"\d{1,2}")


def first_sentences(paragraphs: Iterable[str], *, title: str | None, language: str | None, count: int = 2) -> str:
    """The first `count` sentences on one line, cut at a word with "…" where they are longer than MAX_CHARACTERS.

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
    """The first `most` sentences of a paragraph on one line."""
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
        return False  # a dash after what was said, or the sentence goes on
    sentence = line[start : sign.end()].strip()
    if len(sentence) <= DATELINE and (" " not in sentence or (start == 0 and _DATELINE.match(sentence))):
        return False  # a dateline, or too little to tell anything
    if sign[0] != ".":
        return True
    word = _WORD_BEFORE.search(line, start, sign.start())
    before = word[0].casefold() if word else ""
    if before in _OPEN:
        return False
    if language == "de" and _ABBREVIATED_DAY.fullmatch(before):
        return False  # am 5. November
    if before in _EITHER or _INITIAL.fullmatch(before):
        following = _FIRST_WORD.search(after)
        return following is not None and following["dot"] is None and following[0].casefold() in _STARTERS
    return True


def _cut(text: str) -> str:
    if len(text) <= MAX_CHARACTERS:
        return text
    end = text.rfind(" ", MAX_CHARACTERS // 2, MAX_CHARACTERS)
    return text[: end if end > 0 else MAX_CHARACTERS].rstrip(' ,;:–—-(«"“') + "…"
