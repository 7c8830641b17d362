"""Where an article's own text leads: addresses on other sites, for telling a source or an original.

Menus, related stories and share buttons lead elsewhere too. A link counts only when the line it stands in is a line
of the extracted text, or a part of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote, urljoin, urlsplit

from lxml.etree import iterwalk
from lxml.html import HtmlElement

from extractors.urls import canonical_host, canonical_url, same_site

MAX_LINKS = 30
MAX_ALTERNATES = 20  # the most that a site of ours has is six
MAX_BLOCKS = 500  # with links to other sites that are looked at; hostile pages could have them without end
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
BREAKING = frozenset({
    "address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav",
    "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
})  # fmt: skip
UNSEEN = frozenset({"script", "style", "noscript", "template"})


def links_by_line(tree: HtmlElement, *, page: str) -> list[tuple[str, tuple[str, ...]]]:
    """The lines of a page that lead to other sites, without spaces, each with the canonical addresses.

    `page` is the page's own address. Only the blocks around such links are walked: a twentieth of the tree.
    """
    found: list[tuple[str, tuple[str, ...]]] = []
    known: set[HtmlElement] = set()
    for link in tree.iter("a"):
        if len(known) >= MAX_BLOCKS:
            break
        if not _leads_elsewhere(link, page):
            continue
        block = next((parent for parent in link.iterancestors() if parent.tag in BREAKING), tree)
        if block not in known:
            known.add(block)
            found += [(_squeezed(text), addresses) for text, addresses in _lines(block, page) if addresses]
    return found


def outward_links(lines: Sequence[tuple[str, tuple[str, ...]]], paragraphs: Iterable[str]) -> tuple[str, ...]:
    """The addresses that the text leads to: distinct, in its order, at most 30.

    `lines` come from `links_by_line`, `paragraphs` are the extracted blocks.
    """
    own_lines = {
        _squeezed(cell).lstrip("-•–")
        for block in paragraphs
        for line in block.split("\n")
        for cell in line.split(" | ")
    }
    text = "\n".join(own_lines)
    found: dict[str, None] = {}
    for line, addresses in lines:
        if line.lstrip("-•–") in own_lines or (len(line) >= MIN_PART and line in text):
            found |= dict.fromkeys(addresses)
    return tuple(found)[:MAX_LINKS]


def other_editions(stated: Iterable[str], *, page: str) -> tuple[str, ...]:
    """The canonical addresses among `stated` (hreflang), without the page's own; at most 20."""
    own = canonical_url(page)
    addresses = dict.fromkeys(a for link in stated if (a := _absolute(link, page)) and a != own)
    return tuple(addresses)[:MAX_ALTERNATES]


def _lines(block: HtmlElement, page: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    text: list[str] = []
    addresses: list[str] = []
    unseen = 0
    for event, element in iterwalk(block, events=("start", "end")):
        tag = element.tag
        if tag in UNSEEN:
            unseen += 1 if event == "start" else -1
        elif tag in BREAKING:
            yield "".join(text), tuple(addresses)
            text.clear()
            addresses.clear()
        if event == "start":
            if tag == "a" and not unseen and (address := _leads_elsewhere(element, page)):
                addresses.append(address)
            if isinstance(tag, str) and not unseen:  # a comment's text is no text
                text.append(element.text or "")
        elif not unseen and element is not block:
            text.append(element.tail or "")
    yield "".join(text), tuple(addresses)


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _absolute(stated: str, page: str) -> str | None:
    try:
        return canonical_url(urljoin(page, stated.strip()))
    except ValueError:
        return None


def _leads_elsewhere(link: HtmlElement, page: str) -> str | None:
    """The canonical address of a link to a page on another site; None for all other links."""
    stated = (link.get("href") or "").strip()
    if not stated[:8].lower().startswith(("http://", "https://", "//")):
        return None
    own = canonical_host(urlsplit(page).hostname or "")
    host = stated.split("/", 3)[2].lower()
    if host.endswith(own) or _is_social(host.removeprefix("www.")):  # most links by far: spare them the rest
        return None
    address = _absolute(stated, page)
    if address is None or same_site(address, page):
        return None
    parts = urlsplit(address)
    if _is_social(parts.hostname or ""):
        return None
    # A page that is handed this page's address shares it or subscribes to it.
    return None if own in unquote(parts.query) else address


def _is_social(host: str) -> bool:
    return host in SOCIAL or host.endswith(_BELOW_SOCIAL)
