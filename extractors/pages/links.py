"""Where an article's own text leads: addresses on other sites, for telling a source or an original.

Menus, related stories and share buttons lead elsewhere too. A link counts only when the line it stands in is a line
of the extracted text, or a part of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urljoin, urlsplit

from lxml.etree import iterwalk
from lxml.html import HtmlElement

from extractors.blocks.places import BREAKING, UNSEEN
from extractors.urls import canonical_host, canonical_url, same_site

MAX_LINKS = 30
MAX_ALTERNATES = 20  # the most that a site of ours has is six
MAX_BLOCKS = 500  # with links to other sites that are walked; hostile pages could have them without end
MAX_SEARCHED = 200_000  # characters of a text in which each link of the page is looked for
MIN_PART = 40  # characters without spaces; a shorter line, "Facebook" say, may be part of the text by chance
# Where readers share and watch, not where articles stand.
SOCIAL = (
    "facebook.com", "fb.com", "fb.me", "twitter.com", "x.com", "t.co", "t.me", "telegram.me", "telegram.org", "vk.com",
    "vk.ru", "ok.ru", "instagram.com", "threads.net", "threads.com", "youtube.com", "youtu.be", "tiktok.com",
    "whatsapp.com", "wa.me", "viber.com", "linkedin.com", "pinterest.com", "reddit.com", "bsky.app", "connect.mail.ru",
    "my.mail.ru", "livejournal.com", "flipboard.com", "addtoany.com", "sharethis.com", "google.com", "apple.com",
    "dzen.ru", "zen.yandex.ru",
)  # fmt: skip
_BELOW_SOCIAL = tuple(f".{name}" for name in SOCIAL)
_BULLETS = "-•–"


def outward_links(tree: HtmlElement, paragraphs: Iterable[str], *, page: str) -> tuple[str, ...]:
    """Return the canonical addresses that the text leads to: distinct, in its order, at most 30.

    `tree` is the page, `page` its own address; `paragraphs` are the extracted blocks. Only the blocks around links to
    other sites are walked, and of these the ones that can be in the text: a hundredth of the tree.
    """
    own_lines = {
        _squeezed(cell).lstrip(_BULLETS)
        for block in paragraphs
        for line in block.split("\n")
        for cell in line.split(" | ")
    }
    text = "\n".join(own_lines)
    elsewhere = _Elsewhere(page)
    found: dict[str, None] = {}
    walked: set[HtmlElement] = set()
    for link in tree.iter("a"):
        if len(walked) >= MAX_BLOCKS or len(found) >= MAX_LINKS:
            break
        if not _origin(link):
            continue
        # Whichever line a link stands in, its text is a part of it.
        absent = len(text) <= MAX_SEARCHED and _squeezed(link.text or "").lstrip(_BULLETS) not in text
        if absent or not elsewhere.may_be(link):
            continue
        block = next((parent for parent in link.iterancestors() if parent.tag in BREAKING), tree)
        if block in walked:
            continue
        walked.add(block)
        for line, links in _lines(block, elsewhere):
            if links and (line.lstrip(_BULLETS) in own_lines or (len(line) >= MIN_PART and line in text)):
                found |= dict.fromkeys(address for other in links if (address := elsewhere.address(other)))
    return tuple(found)[:MAX_LINKS]


def other_editions(stated: Iterable[str], *, page: str) -> tuple[str, ...]:
    """Return the canonical addresses among `stated` (hreflang), without the page's own; at most 20."""
    own = canonical_url(page)
    addresses = dict.fromkeys(a for link in stated if (a := _absolute(link, page)) and a != own)
    return tuple(addresses)[:MAX_ALTERNATES]


def _lines(block: HtmlElement, elsewhere: _Elsewhere) -> Iterator[tuple[str, list[HtmlElement]]]:
    """Yield the lines of a block, without spaces, each with its links that may lead to other sites."""
    text: list[str] = []
    links: list[HtmlElement] = []
    unseen = 0
    for event, element in iterwalk(block, events=("start", "end")):
        tag = element.tag
        if tag in UNSEEN:
            unseen += 1 if event == "start" else -1
        elif tag in BREAKING:
            yield _squeezed("".join(text)), links
            text.clear()
            links = []
        if event == "start":
            if tag == "a" and not unseen and elsewhere.may_be(element):
                links.append(element)
            if isinstance(tag, str) and not unseen:  # a comment's text is no text
                text.append(element.text or "")
        elif not unseen and element is not block:
            text.append(element.tail or "")
    yield _squeezed("".join(text)), links


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _absolute(stated: str, page: str) -> str | None:
    try:
        return canonical_url(urljoin(page, stated.strip()))
    except ValueError:
        return None


class _Elsewhere:
    """Tell the links to other sites from a page's links."""

    def __init__(self, page: str) -> None:
        self._page = page
        self._own = canonical_host(urlsplit(page).hostname or "")
        self._hosts: dict[str, bool] = {}  # what was found for each host: a page has few, and hundreds of links

    def may_be(self, link: HtmlElement) -> bool:
        """Say whether the link's host is neither the page's own nor a place to share: false for most links by far."""
        origin = _origin(link)
        if origin not in self._hosts:
            self._hosts[origin] = self._is_other_host(origin)
        return self._hosts[origin]

    def address(self, link: HtmlElement) -> str | None:
        """Return the canonical address of a link that may be one; None if it is none after all."""
        address = _absolute(link.get("href", ""), self._page)
        # A page that is handed this page's address shares it or subscribes to it.
        return None if address is None or self._own in unquote(urlsplit(address).query) else address

    def _is_other_host(self, origin: str) -> bool:
        if not origin:
            return False
        host = origin.split("/", 3)[2].lower()
        if host.endswith(self._own) or _is_social(host.removeprefix("www.")):
            return False
        address = _absolute(origin, self._page)
        if address is None or same_site(address, self._page):
            return False
        return not _is_social(urlsplit(address).hostname or "")


def _origin(link: HtmlElement) -> str:
    """Return scheme and host of an absolute link; empty for all other links."""
    stated = (link.get("href") or "").strip()
    if not stated[:8].lower().startswith(("http://", "https://", "//")):
        return ""
    return "/".join(stated.split("/", 3)[:3])


def _is_social(host: str) -> bool:
    return host in SOCIAL or host.endswith(_BELOW_SOCIAL)
