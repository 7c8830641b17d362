"""The words of an article as the search indexes them: pure, so that a child process can make them."""

from __future__ import annotations

from dataclasses import dataclass

from storage.files.article_file import ArticleFile
from storage.files.reading import text_of
from storage.search.stems import stems

# PostgreSQL takes a tsvector of less than a megabyte, with positions up to 16,383.
MAX_CHARACTERS = 100_000
MAX_WORDS = 16_000


@dataclass(frozen=True, slots=True)
class IndexedWords:
    """The stems of the headline and of the text, in order, divided by blanks."""

    title: str
    body: str


def indexed_words(title: str | None, body: str, language: str | None) -> IndexedWords:
    """Return the words of an article to be indexed. `body` is the whole corpus file."""
    headline = stems(title or "", language)[:MAX_WORDS]
    words = stems(body_text(body, title)[:MAX_CHARACTERS], language)[: MAX_WORDS - len(headline)]
    return IndexedWords(" ".join(headline), " ".join(words))


def body_text(body: str, title: str | None) -> str:
    """Return the text of a corpus file without its headline."""
    return text_of(ArticleFile.parse(body.encode("utf-8")), title)
