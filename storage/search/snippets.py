"""Snippets: the part of a text that best shows why the search found it, with the matching words marked."""

from __future__ import annotations

from storage.search.queries import Phrase, Query
from storage.search.stems import fold, stem, words

WORDS = 30  # in a snippet
BEFORE = 5  # words before the first one that matched

_Span = tuple[int, int]  # from one word to another, counted in words, the last not included


def snippet(text: str, query: Query, *, marks: tuple[str, str], language: str | None = None) -> str:
    """Return about thirty words of `text` on one line: the first part with the most different matches."""
    found = list(words(text))
    matches = _matches([word for word, _, _ in found], query, language)
    begin = _best_start(matches)
    end = min(begin + WORDS, len(found))
    if begin >= end:
        return ""
    pieces = ["… " if begin else ""]
    position = found[begin][1]
    for first, after in _merged([span for span, _ in matches if span[0] >= begin and span[1] <= end]):
        pieces += [text[position : found[first][1]], marks[0], text[found[first][1] : found[after - 1][2]], marks[1]]
        position = found[after - 1][2]
    pieces.append(text[position : found[end][1] if end < len(found) else len(text)])
    return " ".join("".join(pieces).split()) + (" …" if end < len(found) else "")


def _matches(typed: list[str], query: Query, language: str | None) -> list[tuple[_Span, int]]:
    """Return the spans of matching phrases, with the number of their term, in the order of the text."""
    found_stems = [stem(word, language) for word in typed]
    phrases = [(number, phrase) for number, term in enumerate(query.required) for phrase in term]
    firsts = {phrase.stems[0] for _, phrase in phrases}
    anywhere = any(phrase.is_beginning and len(phrase.stems) == 1 for _, phrase in phrases)
    return [
        ((start, start + len(phrase.stems)), number)
        for start, found in enumerate(found_stems)
        if anywhere or found in firsts
        for number, phrase in phrases
        if _stands_at(phrase, start, found_stems, typed)
    ]


def _stands_at(phrase: Phrase, start: int, found_stems: list[str], typed: list[str]) -> bool:
    *before, last = phrase.stems
    end = start + len(before)
    if end >= len(typed) or found_stems[start:end] != before:
        return False
    if found_stems[end] == last:
        return True
    return phrase.is_beginning and fold(typed[end]).startswith(last)


def _best_start(matches: list[tuple[_Span, int]]) -> int:
    """Return the word where the snippet begins: a few before the matches that are most different within its length."""
    best, most = 0, 0
    for index, ((start, _), _) in enumerate(matches):
        inside = {term for (_, after), term in matches[index : index + WORDS] if after <= start - BEFORE + WORDS}
        if len(inside) > most:
            best, most = max(0, start - BEFORE), len(inside)
    return best


def _merged(spans: list[_Span]) -> list[_Span]:
    """Return the spans in order, those that overlap as one."""
    merged: list[_Span] = []
    for span in sorted(spans):
        if merged and span[0] < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], span[1]))
        else:
            merged.append(span)
    return merged
