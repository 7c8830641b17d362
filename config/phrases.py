"""Turn set phrases of `languages/*.toml` into patterns: plain words with a few signs, no regular expressions.

- `пикир*`: the star stands for any ending, or for a whole word where it stands alone;
- `(read|see) also`: any of the alternatives;
- `read also[ this| that]`: likewise, or nothing at all; both kinds of brackets nest;
- `#`: a number; `…`: up to 60 characters of the same sentence;
- `\\`: the sign behind it, taken literally.

Small letters stand for capital ones as well, `е` and `ё` for each other where `ё` is written, and `'` for every kind
of apostrophe. No sign repeats without a bound, so comparing takes time linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator

MAX_CHARACTERS = 400  # of one phrase
MAX_GAPS = 2  # "…" in one phrase: each multiplies the ways to compare it
_SIGNS = {
    "(": "(?:", ")": ")", "[": "(?:", "]": ")?", "|": "|",
    "*": r"\w{0,40}", "#": r"\d{1,9}", "…": r"(?:[^.!?]|\.(?=\w)){0,60}",
    "'": "['’‘ʻʼ`´]", "ё": "[её]", "ß": "(?:ß|ss)",
}  # fmt: skip
_PARTNERS = {")": "(", "]": "["}
NOTHING = "(?!)"  # matches nowhere


def pattern_of(phrase: str) -> str:
    """Return the regular expression that a phrase stands for. Raises ValueError with what was expected instead."""
    if phrase != phrase.strip() or not phrase or len(phrase) > MAX_CHARACTERS:
        raise ValueError(f"expected up to {MAX_CHARACTERS} characters without spaces at the ends")
    if phrase != phrase.lower():
        raise ValueError("expected small letters, which stand for capital ones as well")
    if phrase.count("…") > MAX_GAPS:
        raise ValueError(f'expected "…" at most {MAX_GAPS} times')
    pieces: list[str] = []
    open_brackets: list[str] = []
    literally = False
    has_letter = False  # that cannot be missing: then the pattern need not be tried, which takes most of the time
    for sign in phrase:
        has_letter = has_letter or (sign.isalpha() and not open_brackets)
        if literally or sign == "\\":
            pieces.append(re.escape(sign) if literally else "")
            literally = not literally
            continue
        if sign in "([":
            open_brackets.append(sign)
        elif sign in _PARTNERS and (not open_brackets or open_brackets.pop() != _PARTNERS[sign]):
            raise ValueError(f'expected a "{_PARTNERS[sign]}" before "{sign}"')
        elif sign == "|" and not open_brackets:
            raise ValueError('expected "|" only inside brackets')
        pieces.append(_SIGNS.get(sign) or re.escape(sign))
    if open_brackets or literally:
        raise ValueError(f'expected something behind the last "{open_brackets[-1] if open_brackets else phrase[-1]}"')
    pattern = "".join(pieces)
    if not has_letter and re.fullmatch(pattern, ""):
        raise ValueError("expected at least one letter that cannot be missing")
    return pattern


def any_of(phrases: Iterable[str]) -> str:
    """Return the regular expression of a group that stands for each of the phrases, in their order."""
    return f"(?:{'|'.join(map(pattern_of, phrases)) or NOTHING})"


def _phrase(value: str) -> str:
    pattern_of(value)
    return value


Phrase = Annotated[str, AfterValidator(_phrase)]
Phrases = tuple[Phrase, ...]
