"""Parse search queries as people type them; odd forms never fail.

    uranium export          both words, in any form, anywhere in headline or text
    "critical minerals"     these words, in any form, one after the other; also in «…» or “…”
    Astana OR Tashkent      either; OR binds more tightly than the space between words
    -Afghanistan            not this word or "phrase"
    minera*                 all words with this beginning; also at the end of a phrase

Other signs are ignored. Words that a sign joins ("C5+1", "US-Kazakh") count as a phrase.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from storage.search.stems import completions, fold, languages_of, stem, words

MAX_TERMS = 50
MIN_BEGINNING = 3  # letters before a *: fewer would be half of the dictionary
_TOKEN = re.compile(
    r"""(?P<minus>(?<!\S)[-−–]+)?(?:["“”„«](?P<quoted>[^"“”„«»]*)["“”„»]?|(?P<bare>[^\s"“”„«»*]+))(?P<star>\*)?""",
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Stems that stand one after the other; the last may be only the beginning of a stem."""

    stems: tuple[str, ...]
    is_beginning: bool = False


Term = tuple[Phrase, ...]  # alternatives


@dataclass(frozen=True, slots=True)
class Query:
    """The terms that an article must have, one of each group, and the terms that it must not have."""

    required: tuple[Term, ...]
    excluded: Term


def parse(query: str) -> Query:
    """Return the query that a person typed. Raises ValueError, in one sentence, if it has nothing to look for."""
    required: list[Term] = []
    excluded: list[Phrase] = []
    joined = False  # the next term is an alternative to the last
    found = 0
    for token in _TOKEN.finditer(query):
        if token["bare"] == "OR" and not token["minus"]:
            joined = bool(required)
            continue
        typed = token["quoted"] or token["bare"] or ""
        term = _term(typed, is_beginning=bool(token["star"]) or typed.rstrip().endswith("*"))
        if not term:
            continue
        if (found := found + 1) > MAX_TERMS:
            raise ValueError(f"the search takes up to {MAX_TERMS} words and phrases: leave some out")
        if token["minus"]:
            excluded += term
        elif joined:
            required[-1] += term
        else:
            required.append(term)
        joined = False
    if not required:
        only = "-word only takes away" if excluded else 'words, "a phrase", one OR other, -without, begin*'
        raise ValueError(f"the search needs at least one word to look for: {only}")
    return Query(tuple(required), tuple(excluded))


def _term(typed: str, *, is_beginning: bool) -> Term:
    typed_words = [word for word, _, _ in words(typed)]
    if not typed_words:
        return ()
    beginning = fold(typed_words[-1])
    if is_beginning and len(beginning) < MIN_BEGINNING:
        raise ValueError(f"{typed_words[-1]}*: give at least {MIN_BEGINNING} letters before the *")
    found: dict[Phrase, None] = {}
    for language in (None, *languages_of(typed_words)):
        *first, last = (stem(word, language) for word in typed_words)
        if not is_beginning:
            found[Phrase((*first, last))] = None
            continue
        found[Phrase((*first, beginning), True)] = None
        for other in completions(typed_words[-1]) if language is None else [last]:
            if not other.startswith(beginning):
                found[Phrase((*first, other))] = None
    return tuple(found)
