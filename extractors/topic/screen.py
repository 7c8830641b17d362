"""Say whether the terms of a topic can occur in an article taken from a page: cheaply, and never wrongly no.

A page's text differs from an article's: where a tag ends a piece of text, extraction may leave a gap or none, and it
may join separate pieces. So look for a term in two steps. First its letters alone, in the page's text without white
space and hyphens, tags or not: this finds too much ("США" in "СЕНАТ США" and in "КАПРИЗ СШАХТЕР"), and a term not found
is not there. Then, of the terms found, look for the words as `extractors.topic.terms` would find them, where each end
of a piece of text may be the end of a word or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ahocorasick_rs import AhoCorasick

from config.terms import is_exact, spellings
from config.topics import all_terms
from extractors.topic.text import depends_on_neighbours, normalise, prepare, skeleton

# Between two pieces of a page's text: white space to `str.split`, no letter, and none of the signs that make
# `normalise` take a closer look. A page's own count as seams, which finds too much and never too little.
SEAM = "\r"
_STAR = "*"
_WORD_CHARACTER = re.compile(r"\w")
_CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")  # each is a word by itself


View = tuple[bool, bool]  # of a text: blind to look-alikes and marks; with capital and small letters told apart
VIEWS: tuple[View, ...] = ((False, False), (False, True), (True, False), (True, True))


@dataclass(frozen=True, slots=True)
class _Form:
    """Spelling of a term, with the pieces between its stars, squeezed: a text must hold them all."""

    spelling: str
    pieces: tuple[str, ...]


class _Needles:
    """Forms by their longest pieces."""

    def __init__(self, forms: set[_Form]) -> None:
        found: dict[str, list[_Form]] = {}
        for form in forms:
            found.setdefault(max(form.pieces, key=len), []).append(form)
        self._forms = list(found.values())
        self._search = AhoCorasick(list(found))

    def found_in(self, squeezed: str) -> Iterator[_Form]:
        """Yield the forms whose needles the text holds."""
        for number in {number for number, _, _ in self._search.find_matches_as_indexes(squeezed, overlapping=True)}:
            yield from self._forms[number]


class Screen:
    """Lists of terms of which any may occur."""

    def __init__(self, lists: Iterable[Mapping[str, tuple[str, ...]]]) -> None:
        self._terms = tuple(dict.fromkeys(term for one in lists for term, _ in all_terms(one)))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the terms alone; what is searched with is made where it is used."""
        return _screen_of, (self._terms,)

    @cached_property
    def _needles(self) -> dict[View, _Needles]:
        written = [(spelling, is_exact(term)) for term in self._terms for spelling in spellings(term)]
        return {
            (blind, exact): _Needles({_form(s, blind=blind, exact=exact) for s, own in written if own == exact})
            for blind, exact in VIEWS
        }

    def may_match(self, page: ScreenedText) -> bool:
        """Return False only when no article taken from the page holds any of the terms."""
        return any(
            page.has(form, view)
            for view, squeezed in page.squeezed.items()
            for form in self._needles[view].found_in(squeezed)
        )


def _screen_of(terms: tuple[str, ...]) -> Screen:
    return Screen([{"any": terms}])


class ScreenedText:
    """Text of a page as `Screen` reads it. With `seams`, SEAM marks ends of pieces; else a piece may end anywhere.

    Where joining two pieces can change how `prepare` treats a word, the page is read blind to look-alikes and marks:
    this finds all that the other view does, and more.
    """

    def __init__(self, text: str, *, seams: bool = False) -> None:
        joined = text.replace(SEAM, "")
        normal = normalise(text)
        blind = depends_on_neighbours(joined) or depends_on_neighbours(normal.replace(SEAM, ""))
        cased = skeleton(normal) if blind else normal
        self._seamed: dict[View, str] = {(blind, False): cased.lower(), (blind, True): cased}
        self._seams = seams
        self.squeezed: dict[View, str] = {view: _squeeze(seamed) for view, seamed in self._seamed.items()}

    def has(self, form: _Form, view: View) -> bool:
        """Say whether the form's words may occur, each end of a piece being the end of a word or not."""
        if not all(piece in self.squeezed[view] for piece in form.pieces):
            return False
        return not self._seams or _occurs(form.spelling, self._seamed[view])


def _form(spelling: str, *, blind: bool, exact: bool) -> _Form:
    written = skeleton(prepare(spelling)) if blind else prepare(spelling)
    written = written if exact else written.lower()
    return _Form(written, tuple(piece for part in written.split(_STAR) if (piece := _squeeze(part))))


def _occurs(spelling: str, seamed: str) -> bool:
    """Say whether the words are in the text, not within others."""
    pattern, begins_a_word = _pattern(spelling)
    found = pattern.search(seamed)
    # Looking behind within the pattern would take from `re` the letter to look for, and ten times as long.
    while found and begins_a_word and found.start() and _WORD_CHARACTER.match(seamed[found.start() - 1]):
        found = pattern.search(seamed, found.start() + 1)
    return found is not None


@lru_cache(maxsize=4096)
def _pattern(spelling: str) -> tuple[re.Pattern[str], bool]:
    """Return a pattern of the spelling, and whether it must begin a word.

    The pattern allows seams anywhere, white space and hyphens between words and signs, any ending for a star.
    """
    parts = []
    for character in spelling:
        if character == _STAR:
            parts.append(rf"[\w'{SEAM}]*")
        elif character.isspace() or character == "-":
            parts.append(r"[\s-]*")
        elif character.isalnum():
            parts.append(f"{re.escape(character)}{SEAM}*")
        else:
            parts.append(rf"[\s-]*{re.escape(character)}[\s-]*")
    letters = "".join(character for character in spelling if character not in "-*" and not character.isspace())
    end = r"(?!\w)" if _ends_a_word(letters[-1]) and not spelling.endswith(_STAR) else ""
    return re.compile("".join(parts) + end), _ends_a_word(letters[0])


def _ends_a_word(character: str) -> bool:
    return _WORD_CHARACTER.match(character) is not None and not _CHINESE.match(character)


def _squeeze(text: str) -> str:
    """Return `text` without the white space and hyphens that may stand between the words of a term."""
    return "".join(text.split()).replace("-", "")
