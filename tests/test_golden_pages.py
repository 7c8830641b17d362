"""Whole pages in the manner of Central Asian sites, with the corpus files that a reader would make of them.

tests/data/golden holds a page (`name.html`), its file byte for byte (`name.txt`), and `pages.toml`, which says where
the page was found. `pytest --update-golden` writes the files anew from what extraction gives; the difference is then
reviewed by eye, because the files say what is wanted and not what is.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from extractors.pages.article import extract
from extractors.pages.job import ArticleJob
from extractors.records import Article, Entry, Page
from extractors.zones import zone_of
from storage.files.article_file import compose, faults
from tests.conftest import Golden

FOLDER = Path(__file__).parent / "data" / "golden"
PAGES = tomllib.loads((FOLDER / "pages.toml").read_text(encoding="utf-8"))["pages"]
NOW = datetime(2025, 11, 22, 6, 0, tzinfo=UTC)
MIN_WORDS = 20  # the default of settings.toml


def article_of(page: dict[str, Any]) -> Article:
    body = (FOLDER / f"{page['name']}.html").read_bytes()
    entry = Entry(page["url"], "https://feed.example/rss")
    return extract(ArticleJob(Page(page["url"], body, None, NOW), entry, zone_of(page["country"]), MIN_WORDS, NOW))


@pytest.mark.parametrize("page", PAGES, ids=[page["name"] for page in PAGES])
def test_a_page_becomes_the_file_that_a_reader_would_make_of_it(page: dict[str, Any], golden: Golden) -> None:
    article = article_of(page)
    content = compose(article.paragraphs, title=article.title, published=article.published).to_bytes()
    golden(FOLDER / f"{page['name']}.txt", content.decode("utf-8"))
    assert article.language == page["language"]
    assert faults(content) == []


def test_every_page_has_its_file_and_there_are_enough() -> None:
    names = [page["name"] for page in PAGES]
    assert len(names) == len(set(names)) >= 25
    assert {path.stem for path in FOLDER.glob("*.html")} == {path.stem for path in FOLDER.glob("*.txt")} == set(names)
