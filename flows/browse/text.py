"""A text as the reading room shows it: with the topic's terms marked."""

from __future__ import annotations

from collections.abc import Sequence

from flows.clean import pattern_of
from flows.differences import Piece


def marked(text: str, terms: Sequence[str]) -> list[Piece]:
    """Return the text in pieces, those that a term of the topic stands for as "mark"."""
    spans = sorted(found.span() for term in set(terms) for found in pattern_of(term).finditer(text))
    pieces: list[Piece] = []
    position = 0
    for start, end in spans:
        if start >= position and end > start:
            pieces += [(text[position:start], ""), (text[start:end], "mark")]
            position = end
    return [piece for piece in [*pieces, (text[position:], "")] if piece[0]]
