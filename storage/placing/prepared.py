"""A text made ready for comparing: its words in lines, which are numbers and names, and what a dateline says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain, pairwise

from extractors.dates.worded import month_named
from storage.placing.fingerprints import lines_of, words_of
from storage.placing.names import capitals
from storage.placing.slots import Words, as_words, is_number

Pair = tuple[str, str]
Line = tuple[str, ...]

# Texts that are kept prepared: a text with stock phrases is compared with the same newest texts again and again. A text
# of 400 words takes about 150 kB.
KEPT = 64
KEPT_CHARACTERS = 20_000  # of a text; few are longer, and hostile ones may be of any length
TITLE_CASE = 0.6  # share of a line's longer words with a capital from which capitals tell nothing: a headline

MAX_SHOWN = 120  # characters of what is told of a text

DATED_LINES = 3  # at the beginning, headline and lead among them
_PIECE = re.compile(r"(?:[^.!?:\n]|[.:](?=\w)){1,60}?(?:[.:/)](?=\s|$)|\s[-–—](?=\s)|/(?=\S)|\)\s?[-–—:]?)\s*")
_LETTERS = re.compile(r"[^\W\d_]{3,16}")
_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE = re.compile(r"[.…][»”\"')]*\s*$")
_DATE = re.compile(r"\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b")
_TAG = re.compile(  # an agency with a number in its name
    r"\W*[^\W\d_][\w«»\"]*(?:[\s-]+[^\W\d_][\w«»\"]*){0,2}[\s-]*\d{1,3}\W*"
)
SENDER_WORDS = 3  # a town, an agency
PIECES = 4
PIECE_WORDS = 7


@dataclass(frozen=True)
class Prepared:
    """A text made ready for comparing, see `prepare`. Its words are made at once, the rest where it is needed.

    `text` is the whole text in `language` that the lines were taken from, or those that they stand for.
    """

    lines: tuple[Line, ...]
    text: str
    language: str | None

    @cached_property
    def words(self) -> Line:
        """The words of all lines."""
        return tuple(chain.from_iterable(self.lines))

    @cached_property
    def pairs(self) -> frozenset[Pair]:
        """The pairs of neighbouring words."""
        return frozenset(pairwise(self.words))

    @cached_property
    def plain(self) -> frozenset[Pair]:
        """The pairs of the words without digits: the words left and right of a number are neighbours."""
        numbers = {word for word in set(self.words) if is_number(word)}
        return frozenset(pairwise([word for word in self.words if word not in numbers]))

    @cached_property
    def names(self) -> frozenset[str]:
        """The words that are written with a capital wherever they stand."""
        return _names(self.text, self.lines, self.language)

    @cached_property
    def facts(self) -> frozenset[str]:
        """The numbers and the names."""
        return frozenset(word for word in set(self.words) if is_number(word) or word in self.names)

    @cached_property
    def sequence(self) -> Words:
        """The words with their kinds."""
        places: list[int] = []
        start = 0
        for line, dated in zip(self.lines, _datelines(self.text, self.lines, self.language), strict=False):
            places += range(start, start + dated)
            start += len(line)
        return as_words(self.words, self.names, places, len(self.lines[0]) if self.lines else 0)

    def without(self, dropped: set[Line]) -> Prepared:
        """Return the text without some of its lines."""
        return Prepared(tuple(line for line in self.lines if line not in dropped), self.text, self.language)

    def shown(self, words: str) -> str:
        """Return some words or a number of the text as they are written there."""
        if len(words) > MAX_SHOWN:
            return f"{words[:MAX_SHOWN]}…"
        spelt = "|".join(map(_spelt, words.split()))
        found = dict.fromkeys(match[0] for match in re.finditer(rf"(?<!\w)(?:{spelt})(?!\w)", self.text, re.IGNORECASE))
        return " ".join(list(found)[: len(words.split())]) or words


def _spelt(word: str) -> str:
    return r"[ .,\u00a0\u202f]?".join(word) if word.isdecimal() else re.escape(word)


def prepare(text: str, language: str | None = None) -> Prepared:
    """Make `text` ready for comparing; its lines count as its paragraphs."""
    return _prepare(text, language) if len(text) <= KEPT_CHARACTERS else _prepare.__wrapped__(text, language)


@lru_cache(KEPT)
def _prepare(text: str, language: str | None) -> Prepared:
    return Prepared(tuple(map(tuple, lines_of(text, language))), text, language)


def prepare_words(words: Sequence[str], like: Prepared) -> Prepared:
    """Return a text of these words, which stand for those of `like`, in lines of the same lengths."""
    lines, start = [], 0
    for line in like.lines:
        lines.append(tuple(words[start : start + len(line)]))
        start += len(line)
    return Prepared(tuple(lines), like.text, like.language)


def _names(text: str, lines: Iterable[Line], language: str | None) -> frozenset[str]:
    """Return the words, as `lines` have them, that are written with a capital wherever they stand."""
    within: Counter[str] = Counter()
    everywhere: Counter[str] = Counter()
    for line in text.splitlines():
        found = list(capitals(line))
        sentence = _SENTENCE.search(line) is not None  # those of a form may be full of names
        shouted = not sentence and len(found) > TITLE_CASE * len(_LETTERS.findall(line))
        for _, word, begins_sentence in found:
            everywhere[word] += 1
            if not begins_sentence and not (shouted and len(found) > 3):
                within[word] += 1
    distinct = list(everywhere)
    # In one go; the digit keeps a line for each.
    spelt = lines_of("\n".join(f"0 {word}" for word in distinct), language)
    capital: Counter[str] = Counter()
    inside: set[str] = set()
    for word, (_, *parts) in zip(distinct, spelt, strict=True):
        for part in parts:
            capital[part] += everywhere[word]
            if word in within:
                inside.add(part)
    total = Counter(word for line in lines for word in line if word in inside)
    return frozenset(word for word in inside if 0 < total[word] <= capital[word])


def _datelines(text: str, lines: Sequence[Line], language: str | None) -> list[int]:
    """Return how many words at the beginning of each of the first lines say where, when and by whom it was sent."""
    dated = []
    for line, words in zip([line for line in text.splitlines() if line.strip()][:DATED_LINES], lines, strict=False):
        begun = tuple(words_of(found, language)) if (found := _dateline(line)) else ()
        dated.append(len(begun) if words[: len(begun)] == begun else 0)
    return dated


def _dateline(line: str) -> str:
    """Return the part of a line that is its dateline: "АКТАУ, 18 ноября. /Вести-24/"; empty if it has none."""
    end = at = 0
    sentence = _SENTENCE.search(line) is not None
    for _ in range(PIECES):
        piece = _PIECE.match(line, at)
        if piece is None or len(piece[0].split()) > PIECE_WORDS:
            break
        at = piece.end()
        if any(map(str.isdecimal, piece[0])):
            named = any(month_named(word) is not None for word in _LETTERS.findall(piece[0]))
            if not (named or _DATE.search(piece[0]) or _TAG.fullmatch(piece[0])):
                break
            end = at
        elif sentence and end == piece.start() and at < len(line) and _names_sender(piece[0]):
            end = at
    return line[:end]


def _names_sender(piece: str) -> bool:
    """Return whether a piece before a stop is a few capitalised words: "АСТАНА. КАЗИНФОРМ –"."""
    words = _WORD.findall(piece)
    return 0 < len(words) <= SENDER_WORDS and all(word[0].isupper() for word in words)
