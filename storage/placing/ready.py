"""The text work of placing an article: pure, and done in a child process while the main one fetches.

Under the writer's lock remain look-ups, the comparison with the few texts that share fingerprints, and the rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from extractors.records import Article
from extractors.text import exact_key, tokens
from extractors.topic.country import story_country
from storage.files.article_file import compose
from storage.placing.fingerprints import Signature, signature
from storage.search.indexed import IndexedWords, indexed_words


@dataclass(frozen=True, slots=True)
class Readable:
    """The parts of an article that the text work needs: little, since it goes to another process."""

    paragraphs: tuple[str, ...]
    title: str | None
    published: date | None
    language: str | None

    @classmethod
    def of(cls, article: Article) -> Readable:
        """Return the parts of `article`."""
        return cls(article.paragraphs, article.title, article.published, article.language)


@dataclass(frozen=True, slots=True)
class Ready:
    """An article's text made ready: its corpus file with the checksum, its keys, its country, its words to search."""

    body: str
    sha256: str
    exact_key: bytes | None
    signature: Signature
    words: int
    indexed: IndexedWords
    country: str


def ready_from(articles: Sequence[Readable]) -> list[Ready]:
    """Return the articles made ready, in order (some milliseconds each)."""
    return [_ready(article) for article in articles]


def _ready(article: Readable) -> Ready:
    text = "\n\n".join(article.paragraphs)
    content = compose(article.paragraphs, title=article.title, published=article.published).to_bytes()
    body = content.decode("utf-8")
    return Ready(
        body,
        hashlib.sha256(content).hexdigest(),
        exact_key(text),
        signature(text, article.language),
        len(tokens(text)),
        indexed_words(article.title, body, article.language),
        story_country(article.title, article.paragraphs, article.language),
    )
