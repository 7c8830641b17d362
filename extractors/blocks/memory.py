"""What a site prints on every page, learnt from its pages: lines that several different stories have in common.

A page is remembered as the hashes of its extracted lines. Pages that share most of their prose, or the headline, are
one story, however often it is printed again, and a page is never judged by its own reprints. A line is the site's when
enough of the other stories have it: short ones soon, prose only when half of the site's stories bring it along, because
follow-ups repeat the background of a case word for word, and reports under one rubric share their sub-headings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from extractors.records import Article, ItemError, Outcome
from extractors.text import count_words, tokens
from extractors.urls import canonical_host

VERSION = b"c5watch line 1\0"  # hashes of another version agree with none of these, and age away
HASH_BYTES = 8
PAGES = 50  # of a site that are remembered: a week of a small one, half a day of an agency
MAX_LINES = 400  # of a page
MIN_PROSE = 12  # words; the lines of menus and lists of headlines are shorter, nearly all
SAME_STORY = 0.5  # of the prose lines of the page that has fewer
OTHERS = 2  # other stories with the line: with the page's own it is three
SHARE = 0.15  # of the other stories: a sub-heading or a rubric that some of them have is theirs
OTHERS_FOR_PROSE = 3
SHARE_FOR_PROSE = 0.5

Lines = tuple[bytes, ...]


def line_hash(line: str) -> bytes:
    """Return 8 bytes that are equal for lines of equal words; none for one without words. Its last bit: prose."""
    words = tokens(line)
    if not words:
        return b""
    digest = bytearray(hashlib.blake2b(VERSION + " ".join(words).encode(), digest_size=HASH_BYTES).digest())
    digest[-1] = digest[-1] & 0xFE | (len(words) >= MIN_PROSE)
    return bytes(digest)


def page_lines(title: str | None, blocks: Iterable[str]) -> bytes:
    """Return what is remembered of a page: the hash of its headline (zeros: none), then those of its lines in order."""
    hashes = [line_hash(title or "") or bytes(HASH_BYTES)]
    hashes += [hashed for block in blocks for line in block.split("\n") if (hashed := line_hash(line))]
    return b"".join(hashes[: MAX_LINES + 1])


def site_of_page(url: str) -> str:
    """Return the name under which a page's site is remembered: its host, without "www."."""
    return canonical_host(urlsplit(url).hostname or "")


@dataclass(slots=True)
class _Page:
    title: bytes
    lines: frozenset[bytes]
    prose: frozenset[bytes]
    story: int


@dataclass(slots=True)
class SiteMemory:
    """The newest pages of one site."""

    _pages: dict[str, _Page] = field(default_factory=dict)

    def learn(self, key: str, lines: bytes) -> None:
        """Remember a page, or that it has changed."""
        self._pages.pop(key, None)
        hashes = [lines[start : start + HASH_BYTES] for start in range(0, len(lines), HASH_BYTES)]
        known = frozenset(hashes[1:])
        page = _Page(hashes[0] if hashes else b"", known, frozenset(h for h in known if h[-1] & 1), 0)
        like = next((other.story for other in self._pages.values() if _same_story(page, other)), None)
        page.story = max((other.story for other in self._pages.values()), default=0) + 1 if like is None else like
        self._pages[key] = page

    def of_the_site(self, key: str) -> frozenset[bytes]:
        """Return the hashes of those lines of a page, which was learnt before, that are the site's."""
        page = self._pages[key]
        others = [other for other in self._pages.values() if other.story != page.story]
        stories = len({other.story for other in others})
        found = set()
        for line in page.lines:
            having = len({other.story for other in others if line in other.lines})
            prose = line[-1] & 1
            enough, share = (OTHERS_FOR_PROSE, SHARE_FOR_PROSE) if prose else (OTHERS, SHARE)
            if having >= enough and having >= share * stories:
                found.add(line)
        return frozenset(found)


def _same_story(page: _Page, other: _Page) -> bool:
    if page.title == other.title and any(page.title):
        return True
    first, second = (page.prose, other.prose) if page.prose and other.prose else (page.lines, other.lines)
    if first.isdisjoint(second):  # as most are
        return False
    return len(first & second) >= SAME_STORY * min(len(first), len(second))


def without_lines(blocks: Sequence[str], of_the_site: frozenset[bytes]) -> list[str]:
    """Return the blocks without these lines."""
    if not of_the_site:
        return list(blocks)
    kept = []
    for block in blocks:
        lines = [line for line in block.split("\n") if line_hash(line) not in of_the_site]
        if lines:
            kept.append("\n".join(lines))
    return kept


def cleaned(article: Article, of_the_site: frozenset[bytes], *, min_words: int, url: str) -> Article:
    """Return the article without the lines of its site. Raises ItemError (TOO_SHORT) when too few words are left."""
    blocks = without_lines(article.paragraphs, of_the_site)
    if len(blocks) == len(article.paragraphs) and tuple(blocks) == article.paragraphs:
        return article
    if (words := count_words("\n".join(blocks))) < min_words:
        raise ItemError(Outcome.TOO_SHORT, "too short", url=url, detail=f"{words} words without the site's own lines")
    return replace(article, paragraphs=tuple(blocks))
