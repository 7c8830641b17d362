"""Two texts compared word by word, for pages and for the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

MAX_WORDS = 4000  # compared: the comparison's time grows with their square
_WORD = re.compile(r"\S+|\n\n")

Piece = tuple[str, str]  # text, and what it is: "", "mark", "del", "ins"


def differences(old: str, new: str) -> list[Piece]:
    """Return the words of both texts in pieces: what both have, what only `old` has ("del"), only `new` ("ins").

    Only the first MAX_WORDS words of each text are compared.
    """
    return list(_joined(_different(_WORD.findall(old)[:MAX_WORDS], _WORD.findall(new)[:MAX_WORDS])))


def _different(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[Sequence[str], str]]:
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield old[a:b], ""
        else:
            yield old[a:b], "del"
            yield new[c:d], "ins"


def _joined(parts: Iterator[tuple[Sequence[str], str]]) -> Iterator[Piece]:
    for words, kind in parts:
        if words:
            yield " ".join(words).replace(" \n\n ", "\n\n") + " ", kind
