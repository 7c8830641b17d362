"""The links of a page that lists articles: those that look like articles of the same site."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from extractors.dates.addresses import address_days
from extractors.feeds.links import resolve
from extractors.urls import same_site

_NO_ARTICLE = re.compile(
    r"/(?:tags?|categor(?:y|ies)|authors?|users?|search|page|login|register|subscribe|about|contacts?|rss|feed|privacy"
    r"|wp-(?:content|admin|login)[^/]*|cdn-cgi)(?:/|$)|\.(?:jpe?g|png|gif|webp|svg|pdf|docx?|zip|mp[34]|css|js|xml)$",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[^\W\d_]{2,}")
_ID = re.compile(r"\d{4,}")
WORDS_OF_A_SLUG = 3


def article_links(body: bytes, *, url: str, charset: str | None) -> tuple[str, ...]:
    """The addresses in the order of the page, each once; none when the body is no HTML."""
    from extractors.html import parse_html

    tree = parse_html(body, charset)
    if tree is None:
        return ()
    base = urljoin(url, next((str(href) for href in tree.xpath("//base/@href")), ""))
    links = (resolve(str(href), base=base) for href in tree.xpath("//a/@href"))
    found = dict.fromkeys(link.partition("#")[0] for link in links if link)
    return tuple(link for link in found if link != url and same_site(link, url) and _looks_like_an_article(link))


def _looks_like_an_article(link: str) -> bool:
    parts = urlsplit(link)
    if _NO_ARTICLE.search(parts.path):
        return False
    slug = parts.path.rstrip("/").rpartition("/")[2]
    has_words = len(_WORDS.findall(slug)) >= WORDS_OF_A_SLUG
    return address_days(link) is not None or has_words or _ID.search(f"{slug}?{parts.query}") is not None
