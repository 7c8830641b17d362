"""Terms: plain words and phrases to be found in texts, that anybody can edit.

Read a term literally, as a word or a phrase, but for four signs:

- `казахстан*`: the star stands for any ending; in a term's first word, three letters at least must go before it;
- `Рахмон(|а|у|ом)`: any of the alternatives, which may be empty; brackets do not nest;
- `=США`: the equals sign in front asks for exactly these capital and small letters;
- a space in a phrase stands for any white space or a hyphen.

There are no regular expressions: a term is a finite list of spellings (`spellings`), so no term can make matching slow.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator

MAX_TERM_CHARACTERS = 200
MAX_SPELLINGS = 200  # of one term; a slip with brackets must not multiply into millions

_BRACKETS = re.compile(r"\(([^()]*)\)")
_SHORT_STEM = re.compile(r"^[\w'ʻʼ‘’]{0,2}\*| \*")
_INNER_STAR = re.compile(r"\*(?=[\w*'ʻʼ‘’])")


def spellings(term: str) -> tuple[str, ...]:
    """Return each spelling of `term`: alternatives written out, without `=`, stars still in place.

    Raises ValueError with a phrase that says what is expected instead.
    """
    if len(term) > MAX_TERM_CHARACTERS:
        raise ValueError(f"expected at most {MAX_TERM_CHARACTERS} characters")
    if term != term.strip() or not term:
        raise ValueError("expected a word or a phrase without spaces at its ends")
    literal = _BRACKETS.sub("", term)
    if sign := next((sign for sign in "()" if sign in literal), None):
        raise ValueError(f'expected each "{sign}" to have its partner, and no brackets within brackets')
    if "|" in literal:
        raise ValueError('expected "|" only inside brackets, as in "(а|б)"')
    pieces = _BRACKETS.split(unicodedata.normalize("NFC", term.removeprefix("=")))  # literal, choices, literal, …
    choices = [piece.split("|") if position % 2 else [piece] for position, piece in enumerate(pieces)]
    written = list(itertools.islice(itertools.product(*choices), MAX_SPELLINGS + 1))
    if len(written) > MAX_SPELLINGS:
        raise ValueError(f"expected brackets that give at most {MAX_SPELLINGS} spellings")
    found = tuple(dict.fromkeys(" ".join("".join(parts).split()) for parts in written))
    for spelling in found:
        _check_spelling(spelling)
    return found


def is_exact(term: str) -> bool:
    """Say whether `term` asks for exactly its capital and small letters."""
    return term.startswith("=")


def _check_spelling(spelling: str) -> None:
    if _INNER_STAR.search(spelling):
        raise ValueError('expected "*" only at the end of a word')
    if _SHORT_STEM.search(spelling):
        raise ValueError('expected at least three letters before "*"')
    if "=" in spelling:
        raise ValueError('expected "=" only at the very beginning')
    if len(re.findall(r"\w", spelling)) < 2:
        raise ValueError("expected at least two letters in every spelling")


def _term(value: str) -> str:
    spellings(value)
    return value


Term = Annotated[str, AfterValidator(_term)]
