"""Whether the terms of a topic can occur in an article taken from a page: cheap, and never wrongly no.

A page's text is not an article's: where a tag ends a piece of text, extraction may leave a gap or none, and it may set
together what stands apart. So a term is looked for in two steps. First its letters alone, in the page's text without
white space and hyphens, tags or not: that finds too much ("США" in "СЕНАТ США" and in "КАПРИЗ СШАХТЕР"), and what it
does not find is not there. Then, of what was found, the words as `extractors.topic_terms` would find them, where each
end of a piece of text may be the end of a word or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from config.topics import all_terms, is_exact, spellings
from extractors.topic_text import depends_on_neighbours, normalise, prepare, skeleton

SEAM = "\x1f"  # between two pieces of a page's text: white space to `str.split`, and no letter
_STAR = "*"
_CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")  # each is a word by itself


View = tuple[bool, bool]  # of a text: blind to look-alikes and marks; with capital and small letters told apart
VIEWS: tuple[View, ...] = ((False, False), (False, True), (True, False), (True, True))


@dataclass(frozen=True, slots=True)
class _Form:
    """One spelling of a term: the pieces between its stars, squeezed, all of which a text must hold."""

    spelling: str
    pieces: tuple[str, ...]


class Screen:
    """Lists of terms of which any may occur."""

    def __init__(self, lists: Iterable[Mapping[str, tuple[str, ...]]]) -> None:
        self._terms = tuple(dict.fromkeys(term for one in lists for term, _ in all_terms(one)))
        written = [(spelling, is_exact(term)) for term in self._terms for spelling in spellings(term)]
        self._needles = {
            (blind, exact): _by_needle({_form(s, blind=blind, exact=exact) for s, own in written if own == exact})
            for blind, exact in VIEWS
        }

    def __reduce__(self) -> tuple[object, ...]:
        """It goes to child processes with every page: as a few kilobytes, and each of them makes it once."""
        return _screen_of, (self._terms,)

    def may_match(self, page: ScreenedText) -> bool:
        """False only when no article taken from the page holds any of the terms."""
        return any(
            page.has(form, view)
            for view, squeezed in page.squeezed.items()
            for needle, forms in self._needles[view].items()
            if needle in squeezed
            for form in forms
        )


@lru_cache(maxsize=32)
def _screen_of(terms: tuple[str, ...]) -> Screen:
    return Screen([{"any": terms}])


class ScreenedText:
    """A page's text as `Screen` reads it. Where its pieces end, as at a tag, SEAM stands, if `seams`; else anywhere.

    Where joining two pieces can change what `prepare` makes of a word, the page is looked at a second time, blind to
    look-alikes and marks.
    """

    def __init__(self, text: str, *, seams: bool = False) -> None:
        joined = text.replace(SEAM, "")
        normal = normalise(joined)
        cased = _squeeze(normal)
        self.squeezed: dict[View, str] = {(False, False): cased.lower(), (False, True): cased}
        if depends_on_neighbours(joined) or depends_on_neighbours(normal):
            self.squeezed |= {(True, exact): skeleton(self.squeezed[False, exact]) for exact in (False, True)}
        self._text = text if seams else None
        self._seamed: dict[View, str] = {}

    def has(self, form: _Form, view: View) -> bool:
        """Whether the form's words may occur, each end of a piece being the end of a word or not."""
        if not all(piece in self.squeezed[view] for piece in form.pieces):
            return False
        if self._text is None:
            return True
        if view not in self._seamed:
            blind, exact = view
            cased = normalise(self._text)
            seamed = cased if exact else cased.lower()
            self._seamed[view] = skeleton(seamed) if blind else seamed
        return _pattern(form.spelling).search(self._seamed[view]) is not None


def _form(spelling: str, *, blind: bool, exact: bool) -> _Form:
    written = prepare(spelling) if exact else prepare(spelling).lower()
    written = skeleton(written) if blind else written
    return _Form(written, tuple(piece for part in written.split(_STAR) if (piece := _squeeze(part))))


def _by_needle(forms: set[_Form]) -> dict[str, tuple[_Form, ...]]:
    """The forms by their longest pieces; of such that hold one another the shortest stands for all."""
    found: dict[str, list[_Form]] = {}
    longest = {form: max(form.pieces, key=len) for form in forms}
    for form in sorted(forms, key=lambda form: (len(longest[form]), form.spelling)):
        needle = next((needle for needle in found if needle in longest[form]), longest[form])
        found.setdefault(needle, []).append(form)
    return {needle: tuple(those) for needle, those in found.items()}


@lru_cache(maxsize=4096)
def _pattern(spelling: str) -> re.Pattern[str]:
    """Its letters, with seams anywhere, white space and hyphens between words and signs, any ending for a star."""
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
    begin = r"(?<!\w)" if _ends_a_word(letters[0]) else ""
    end = r"(?!\w)" if _ends_a_word(letters[-1]) and not spelling.endswith(_STAR) else ""
    return re.compile(begin + "".join(parts) + end)


def _ends_a_word(character: str) -> bool:
    return re.match(r"\w", character) is not None and not _CHINESE.match(character)


def _squeeze(text: str) -> str:
    """`text` without the white space and hyphens that may stand between the words of a term."""
    return "".join(text.split()).replace("-", "")
