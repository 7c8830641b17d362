"""What a text says twice: the headline again, a standfirst that the first paragraph opens with, a doubled paragraph."""

from __future__ import annotations

from collections.abc import Sequence

from extractors.blocks.lines import is_prose
from extractors.text import tokens

HEADLINE_WITHIN = 3  # blocks at the top among which a repeated headline is looked for
MAX_ABOVE = 12  # blocks at the top among which it ends the page's own lines
MIN_WORDS = 8  # of a paragraph that counts as doubled: a shorter one, a question or "Да.", may well come again
MIN_PULLED = 5  # words of a quotation that is set apart and stands in the text as well
MOST_PULLED = 30  # that are looked at: an interview may be made of quotations, and each is searched in all the text
MIN_HEADLINE = 4  # words of a headline that is not repeated further down either
QUOTES = ("«", "“", "„", '"', "‹", "‘")
MAX_BESIDE = 5  # words that stand beside a repeated headline: date, time, the section


def without_headline(paragraphs: Sequence[str], titles: Sequence[str]) -> list[str]:
    """Drop blocks that repeat the headline: at the top perhaps with date and time, below only word for word.

    Short lines above a repeated headline are the page's: a table of links beside the text may come first.
    """
    stated = [words for title in titles if (words := tuple(tokens(title)))]
    known, long = set(stated), [words for words in stated if len(words) >= MIN_HEADLINE]

    def repeats(block: str, position: int) -> bool:
        words = tuple(tokens(block))
        if words in known and (position < HEADLINE_WITHIN or words in long[:1]):  # the others may be of other stories
            return True
        return position < HEADLINE_WITHIN and any(_headline_and_date(words, title) for title in long)

    above = next((n for n, b in enumerate(paragraphs[:MAX_ABOVE]) if tuple(tokens(b)) in long[:1]), 0)
    if any(map(is_prose, paragraphs[:above])):
        above = 0
    return [block for position, block in enumerate(paragraphs) if position >= above and not repeats(block, position)]


def without_doubles(paragraphs: Sequence[str]) -> list[str]:
    """Drop second copies of a block, and a first block that a later one begins with: its standfirst."""
    seen: set[tuple[str, ...]] = set()
    kept = []
    words = [tuple(tokens(block)) for block in paragraphs]
    for position, (block, said) in enumerate(zip(paragraphs, words, strict=True)):
        long = len(said) >= MIN_WORDS
        longer = [later for later in words[1:4] if len(later) > len(said)]
        standfirst = long and position == 0 and any(later[: len(said)] == said for later in longer)
        if not standfirst and not (long and said in seen):
            kept.append(block)
        seen.add(said)
    return kept


def pulled_quotes(paragraphs: Sequence[str]) -> list[str]:
    """Return the quotations that stand in a longer block as well, word for word."""
    quoted = [block for block in paragraphs if block.startswith(QUOTES)][:MOST_PULLED]
    texts = [(len(block), f" {' '.join(tokens(block))} ") for block in paragraphs] if quoted else []
    found = []
    for block in quoted:
        key = f" {' '.join(said)} " if len(said := tokens(block)) >= MIN_PULLED else None
        if key and any(key in text for length, text in texts if length > len(block)):
            found.append(block)
    return found


def _headline_and_date(words: tuple[str, ...], title: tuple[str, ...]) -> bool:
    """Say whether the words are the title's and a date's, before or behind it."""
    if not len(title) < len(words) <= len(title) + MAX_BESIDE:
        return False
    if words[: len(title)] == title:
        beside = words[len(title) :]
    elif words[-len(title) :] == title:
        beside = words[: -len(title)]
    else:
        return False
    return all(word.isdigit() for word in beside)
