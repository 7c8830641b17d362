"""Make a text ready for comparison with terms, and cut it into words.

A word reaches us in many spellings that a reader does not notice: four kinds of apostrophe in Uzbek, ё or е, a Cyrillic
А inside ASTANA, soft hyphens, stress marks. `prepare` makes them alike. All steps take time linear in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property

# Dropped inside words: control and format characters (soft hyphen, zero width, bidi marks), surrogates, private use.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u0640\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ud800-\uf8ff"
    "\ufdd0-\ufdef\ufeff\ufff9-\uffff\U000e0000-\U000e01ef\U000f0000-\U0010ffff]"
)
# Sound characters of European texts: a single look at a text saves most texts four passes.
_UNUSUAL = re.compile(
    "[^\t\n\r -~\u00a0-\u00ac\u00ae-\u024f\u0259\u02bb\u02bc\u0400-\u0482\u048a-\u04ff"
    "\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2116]"
)
# Normalising a long run of combining marks takes quadratic time (measured: 21 s for 160,000 of them). Unicode's
# stream-safe format allows 30 in a row (UAX #15, section 13); all marks are outside \w.
_LONG_RUN = re.compile(r"([^\w\s]{30})[^\w\s]+")
# What has no composed letter after NFC, such as the stress in Казахста́н; and the vowel signs of Arabic.
_MARKS = re.compile("[\u0300-\u036f\u064b-\u0655\u0670]+")
_CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]+")
_REPLACED = (
    *((variant, "'") for variant in "ʻʼ‘’´ʹ′"),
    *((variant, "-") for variant in "‐‑\u2043"),  # the no-break hyphen and its kin
    *(("ё", "е"), ("Ё", "Е")),
    *(("ı", "i"), ("İ", "I")),  # KIRGIZ and kırgız; and now lower() keeps every position
    *((space, " ") for space in "\u2800\u3164"),  # blank, though not white space to Unicode
    *((quote, " ") for quote in "«»“”„‟「」《》"),  # the newspaper «Türkmenistan» is one phrase
)
_ARABIC = (("ي", "ی"), ("ك", "ک"))  # typed for each other in Persian

# Letters of the two scripts that look alike. Kazakh is often typed with a Latin i or ə. Н stands before Һ: H becomes Н.
_CYRILLIC = "АВЕКМНОРСТУХІҺӘаекорсухіһә"
_LATIN = "ABEKMHOPCTYXIHƏaekopcyxihə"
_TO_LATIN = str.maketrans(_CYRILLIC, _LATIN)
_TO_CYRILLIC = str.maketrans(_LATIN[::-1], _CYRILLIC[::-1])
_MIXED = re.compile("[A-Za-zƏə](?:[\u0400-\u04ff]|(?<=[\u0400-\u04ff][A-Za-zƏə]))")
_CYRILLIC_LETTER = re.compile("[\u0400-\u04ff]")
_LETTERS = re.compile(r"[^\W\d_]+")
_ONLY_CYRILLIC = re.compile(f"(?![{_CYRILLIC}])[\u0400-\u04ff]")
_ONLY_LATIN = re.compile(f"(?![{_LATIN}])[A-Za-z\u00c0-\u024f]")
# For `skeleton`: as above, and small letters whose capitals look alike. In pairs for `str.replace`: on a whole page it
# takes a tenth of the time of `str.translate`, which looks each character up.
_SKELETON = (*zip(_CYRILLIC, _LATIN, strict=True), *zip("вмнт", "bmht", strict=True))

WORD = re.compile(r"\w+(?:'\w+)*|[^\w\s-]")
PARAGRAPH_MARK = "¶"
_SENTENCE_ENDS = frozenset(".!?…。！？؟۔" + PARAGRAPH_MARK)
COMMAS = frozenset(",،、，;；")
_CLAUSE_ENDS = _SENTENCE_ENDS | COMMAS | frozenset(":：–—()（）")


def normalise(text: str) -> str:
    """Return `text` with a single character for all that look the same within its script; keep capital letters."""
    if _UNUSUAL.search(text):
        text = _INVISIBLE.sub("", text)
        text = _replaced(_MARKS.sub("", unicodedata.normalize("NFC", _LONG_RUN.sub(r"\1", text))), _ARABIC)
    if not text.isascii():
        text = _replaced(text, _REPLACED)
    return text.replace("`", "'").replace('"', " ")


def prepare(text: str) -> str:
    """Return `text` normalised, each word in a single script, each Chinese character as a word."""
    text = normalise(text)
    if _CYRILLIC_LETTER.search(text) and _MIXED.search(text):
        text = _LETTERS.sub(_one_script, text)
    if _UNUSUAL.search(text):
        text = _CHINESE.sub(lambda run: f" {' '.join(run[0])} ", text)
    return text


def skeleton(text: str) -> str:
    """Return `text` with Latin letters for all look-alikes, without marks: no neighbouring text can change it."""
    return _replaced(_MARKS.sub("", unicodedata.normalize("NFD", text)), _SKELETON)


def depends_on_neighbours(text: str) -> bool:
    """Say whether `prepare` may treat a word otherwise when the text before or after it is cut off.

    That happens where letters of two scripts touch, and where a loose mark could join the letter before it.
    """
    if text.isascii():
        return False
    mixed = _CYRILLIC_LETTER.search(text) and _MIXED.search(text)
    return bool(mixed or (_UNUSUAL.search(text) and _MARKS.search(text)))


def _replaced(text: str, pairs: Iterable[tuple[str, str]]) -> str:
    for character, other in pairs:
        text = text.replace(character, other)
    return text


def _one_script(match: re.Match[str]) -> str:
    """Return a word of mixed script in the script of its unmistakable letters; leave a true mixture as it is."""
    word = match[0]
    if not _MIXED.search(word):
        return word
    cyrillic, latin = _ONLY_CYRILLIC.search(word), _ONLY_LATIN.search(word)
    if cyrillic and latin:
        return word
    return word.translate(_TO_LATIN if latin else _TO_CYRILLIC)


class Words:
    """Words and signs of a prepared text in order. Hyphens and white space only divide them."""

    def __init__(self, prepared: str) -> None:
        self.cased: list[str] = WORD.findall(prepared)
        self.folded = [word.lower() for word in self.cased]

    @cached_property
    def sentence_ends(self) -> list[int]:
        """Return the places of the signs that end a sentence. A dot after a letter (U.S.) or in a number ends none.

        Of several ends with at most a single sign between them, count the last.
        """
        words = self.folded
        ends = [-1]
        for position in (position for position in self.clause_ends if words[position] in _SENTENCE_ENDS):
            if words[position] == "." and position:
                if len(words[position - 1]) == 1:
                    continue
                if words[position + 1 : position + 2] and words[position + 1][0].isdigit():
                    continue
            if position - ends[-1] <= 2:
                ends[-1] = position
            else:
                ends.append(position)
        return ends[1:] if ends[0] == -1 else ends

    @cached_property
    def clause_ends(self) -> list[int]:
        """Return the places of the signs that divide clauses or end sentences; those in 20,75 and 1:30 do not."""
        words = [*self.folded, " "]
        return [
            position
            for position, word in enumerate(self.folded)
            if word in _CLAUSE_ENDS
            and not (word in ",:" and words[position + 1][0].isdigit() and words[position - 1][-1].isdigit())
        ]

    @property
    def sentences(self) -> int:
        """Return the number of sentences, including a last sentence without its sign."""
        ends = self.sentence_ends
        return len(ends) + (len(self.folded) - 1 - (ends[-1] if ends else -1) > 1)
