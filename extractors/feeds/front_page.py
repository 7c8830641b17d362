"""Read from a page which feeds it names, loosely marked ones too, its WordPress API, its own name and language.

Feeds are named by `<link rel="alternate">` (https://www.rssboard.org/rss-autodiscovery), by the HTTP header `Link`
(RFC 8288), and by ordinary links, such as an icon at the end of the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement

from config.sources import LANGUAGES
from extractors.feeds.links import resolve
from extractors.html import parse_html
from extractors.text import clean_line
from extractors.urls import same_site

FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json",
              "application/json", "application/xml", "text/xml")  # fmt: skip
MAX_NAME = 120  # characters
MAX_ANCHORS = 30  # that look like feeds
WORDPRESS = "https://api.w.org/"
_COMMENTS = re.compile(r"comment|комментари|пікір|izoh", re.IGNORECASE)
_FEED_ADDRESS = re.compile(
    r"/(?:rss\d?|rssfeeds?|feeds?|atom|rdf)(?:\.(?:xml|php|aspx?|json))?/?(?:$|\?)"  # /rss, /feed/, /rss.xml
    r"|/(?:rss|feeds?)/[\w-]{1,40}(?:\.\w{2,5})?/?(?:$|\?)"  # /rss/all
    r"|[\w-]\.(?:rss|atom|rdf)(?:$|\?)|/[\w-]{0,40}rss[\w-]{0,40}\.(?:xml|php)(?:$|\?)"
    r"|[?&](?:feed|format|type|alt)=(?:rss\d?|atom|feed)(?:$|&)",
    re.IGNORECASE,
)
_FEED_WORD = re.compile(r"\b(?:rss|atom|feeds?)\b", re.IGNORECASE)
_RSS = re.compile(r"(?:^|[\s_-])rss(?:$|[\s_-])", re.IGNORECASE)  # in the names of classes
_LABELS = ".//img/@alt | .//@aria-label | .//*[local-name()='title']/text()"
MAX_WORDS = 40  # characters of a link that says it is a feed; a longer one is a headline
_PICTURE = re.compile(r"\.(?:png|gif|jpe?g|svg|webp|ico|css|js)$", re.IGNORECASE)
_LINK_HEADER = re.compile(r'<([^<>]{1,2000})>((?:\s*;\s*[\w*-]{1,30}\s*=\s*(?:"[^"]{0,500}"|[^",;\s]{0,500}))*)')
_PARAMETER = re.compile(r';\s*([\w*-]{1,30})\s*=\s*(?:"([^"]*)"|([^",;\s]*))')


@dataclass(frozen=True, slots=True)
class NamedFeed:
    """A feed that a page names. `marked`: as a feed, and not by a link that only looks like one."""

    url: str
    title: str | None
    marked: bool = True


@dataclass(frozen=True, slots=True)
class FrontPage:
    """A page's own statements: its name, its language, its feeds, and its WordPress API."""

    name: str | None
    language: str | None
    feeds: tuple[NamedFeed, ...]
    posts_api: str | None


def read_front_page(
    body: bytes, *, url: str, charset: str | None, headers: Mapping[str, str] | None = None
) -> FrontPage | None:
    """Return the statements of the page at `url`; None when it is no HTML.

    Marked feeds come first, those of comments last. `headers` are those of the answer, under names in lower case.
    """
    tree = parse_html(body, charset)
    if tree is None:
        return None
    base = urljoin(url, next((str(href) for href in tree.xpath("//base/@href")), ""))
    feeds: dict[str, NamedFeed] = {}
    posts_api = None
    for href, attributes in (*_of_header((headers or {}).get("link", "")), *_of_elements(tree)):
        rel = attributes.get("rel", "").lower().split()
        address = resolve(href, base=base)
        if address and WORDPRESS in rel:
            posts_api = _posts_api(address)
        elif address and address != url and _is_feed(attributes, rel, address):
            feeds.setdefault(address, NamedFeed(address, clean_line(attributes.get("title", "")) or None))
    for href, title in _anchors(tree):
        address = resolve(href, base=base)
        if address and address.partition("#")[0] != url and _may_name(url, address):
            feeds.setdefault(address, NamedFeed(address, title, marked=False))
    ordered = sorted(
        feeds.values(), key=lambda feed: (bool(_COMMENTS.search(f"{feed.url} {feed.title or ''}")), not feed.marked)
    )
    language = re.split("[-_]", (tree.get("lang") or tree.get("xml:lang") or "").strip().lower())[0]
    return FrontPage(_name(tree), language if language in LANGUAGES else None, tuple(ordered), posts_api)


def _may_name(page: str, feed: str) -> bool:
    """Say whether an ordinary link may lead to the page's own feed: on its site, or at a service for feeds."""
    return same_site(page, feed) or "feed" in (urlsplit(feed).hostname or "")


def _name(tree: HtmlElement) -> str | None:
    names = [*tree.xpath("//meta[@property='og:site_name']/@content"), *tree.xpath("//title/text()")]
    return next((name for one in names if (name := clean_line(str(one))[:MAX_NAME])), None)


def _of_elements(tree: HtmlElement) -> Iterator[tuple[str, dict[str, str]]]:
    for link in tree.iter("link"):
        if isinstance(link, HtmlElement) and link.get("href"):
            yield str(link.get("href")), {str(name): str(value) for name, value in link.attrib.items()}


def _of_header(value: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the links of the HTTP header `Link`, with their parameters."""
    for match in _LINK_HEADER.finditer(value[:20_000]):
        yield match[1], {one[1].lower(): one[2] or one[3] or "" for one in _PARAMETER.finditer(match[2])}


def _is_feed(attributes: Mapping[str, str], rel: list[str], address: str) -> bool:
    kind = attributes.get("type", "").partition(";")[0].strip().lower()
    if "/wp-json/" in address:  # WordPress names its posts as JSON in the same way
        return False
    if "feed" in rel or "service.feed" in rel:
        return kind != "text/html"
    # An alternate without a type is a feed, unless it is the page in another language, or for another screen.
    untyped = not kind and "hreflang" not in attributes and "media" not in attributes
    return "alternate" in rel and "stylesheet" not in rel and (kind in FEED_TYPES or untyped)


def _posts_api(root: str) -> str | None:
    """Return the address of the posts below the root of a WordPress API."""
    if "rest_route=" in root:
        return root.rstrip("/") + "/wp/v2/posts"
    return urljoin(root.rstrip("/") + "/", "wp/v2/posts") if "/wp-json" in root else None


def _anchors(tree: HtmlElement) -> list[tuple[str, str | None]]:
    """Return the ordinary links that look like feeds, with their texts: those said to be feeds first."""
    said: list[tuple[str, str | None]] = []
    look: list[tuple[str, str | None]] = []
    for anchor in tree.iter("a", "area"):
        href = str(anchor.get("href") or "").strip()
        parts = urlsplit(href) if "[" not in href else None
        if parts is None or not href or _PICTURE.search(parts.path):
            continue
        kind = (anchor.get("type") or "").partition(";")[0].strip().lower()
        text, title = clean_line(anchor.text_content()[:200]), clean_line(anchor.get("title") or "")
        words = [
            text,
            title,
            *map(str, anchor.xpath(".//img/@alt | .//@aria-label | .//*[local-name()='title']/text()")),
        ]
        is_said = kind in FEED_TYPES[:4] or _RSS.search(anchor.get("class") or "") is not None
        if is_said or any(len(word) <= MAX_WORDS and _FEED_WORD.search(word) for word in words):
            said.append((href, text or title or None))
        elif _FEED_ADDRESS.search(f"{parts.path}?{parts.query}" if parts.query else parts.path):
            look.append((href, text or None))
    return (said + look)[:MAX_ANCHORS]
