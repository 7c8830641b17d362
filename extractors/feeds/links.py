"""Turn what a feed gives as an item's link into the address of the article, without asking the network.

Only http and https count. Tracking parameters (`utm_*`, `from=rss`) are not looked at here, tracking redirects are.
Relative references follow RFC 3986, section 5.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, parse_qs, urljoin, urlsplit

from extractors.text import clean_line

_LINE_BREAK = re.compile(r"(?<!\s)\s*[\r\n\t]\s*")
# Observed: https://site.kzhttps://other.kz/x, a CMS that puts its own host before whatever it is given.
_HOST_TWICE = re.compile(r"https?://[^/?#]*/?(?=https?://)", re.IGNORECASE)
_ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)
_BARE_HOST = re.compile(r"www\.[\w-]+(?:\.[\w-]+)+(?=[/?#]|$)", re.IGNORECASE)
_GOOGLE = re.compile(r"(?:www\.)?google\.[a-z]{2,3}(?:\.[a-z]{2})?")
# An article of Google News, in its feeds: the identifier holds the target's address, or, since 2024, a number that only
# Google's own pages can turn into one, by script.
_GOOGLE_NEWS = re.compile(r"/(?:(?:rss|__i/rss/rd)/)?(?:articles|read)/(?P<id>[\w-]{10,2000})={0,2}/?", re.ASCII)
_ADDRESS_IN_BYTES = re.compile(rb"https?://[\x21-\x7e]+")
_REDIRECTS = 3  # a redirect inside a redirect inside a redirect, then no further


def article_url(links: Iterable[str], *, permalink: str | None, base: str) -> str | None:
    """Return the first of `links` that leads to a web page, as an absolute URL; None if none does.

    `permalink` (a guid) comes last and counts only if it is absolute by itself.
    """
    for link in links:
        url = resolve(link, base=base)
        if url:
            return url
    return absolute(permalink or "", base=base)


def absolute(link: str, *, base: str) -> str | None:
    """Return `link` resolved if it is an absolute http(s) URL by itself, else None."""
    return resolve(link, base=base) if _ABSOLUTE.match(link.strip()) else None


def resolve(link: str, *, base: str) -> str | None:
    """Return `link` as an absolute http(s) URL, mended and past any tracking redirect; None if it is none.

    Line breaks and the indentation around them go, as in browsers; a space that is left becomes "%20".
    """
    tidy = clean_line(_LINE_BREAK.sub("", link.strip())).replace("&amp;", "&").replace(" ", "%20")
    if not tidy or tidy.startswith("#"):
        return None
    if _BARE_HOST.match(tidy):
        tidy = "//" + tidy
    try:
        url = urljoin(base, tidy)
    except ValueError:  # "http://[broken": urllib takes it for an IPv6 address
        return None
    for _ in range(_REDIRECTS):
        url = _last_absolute(url)
        parts = _split(url)
        if parts is None:
            return None
        target = _redirect_target(parts)
        if target is None:
            return url
        url = target
    return url if _split(url) else None


def _last_absolute(url: str) -> str:
    while match := _HOST_TWICE.match(url):
        url = url[match.end() :]
    return url


def _split(url: str) -> SplitResult | None:
    """Return the parts of an http(s) URL that names a host, None for any other."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # `port` raises for what is not a number
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and host and host != "." else None


def needs_a_browser(link: str) -> bool:
    """Say whether the link is an address of Google News that does not tell where it leads."""
    parts = _split(link.strip())
    article = _google_news(parts) if parts else None
    return article is not None and _inside(article) is None


def _redirect_target(parts: SplitResult) -> str | None:
    """Return the target of a redirect of Google or Bing, read from its own query or identifier.

    None for any other address, and "" for a redirect that does not tell.
    """
    host, path = (parts.hostname or "").lower(), parts.path.lower()
    if (article := _google_news(parts)) is not None:
        return _inside(article) or ""
    if _GOOGLE.fullmatch(host) and path == "/url":
        names: tuple[str, ...] = ("url", "q")
    elif host.removeprefix("www.") == "bing.com" and path.endswith("/apiclick.aspx"):
        names = ("url",)
    else:
        return None
    query = parse_qs(parts.query)
    for name in names:
        target = clean_line(query.get(name, [""])[0]).replace(" ", "%20")
        if _ABSOLUTE.match(target):
            return target
    return None


def _google_news(parts: SplitResult) -> str | None:
    """Return the identifier of an article of Google News, None for any other address."""
    match = _GOOGLE_NEWS.fullmatch(parts.path) if (parts.hostname or "").lower() == "news.google.com" else None
    return match["id"] if match else None


def _inside(article: str) -> str | None:
    """Return the address in an identifier: a protocol buffer in base64, whose first text it is."""
    whole = article[: len(article) // 4 * 4]  # three bytes come from each four letters
    found = _ADDRESS_IN_BYTES.search(base64.urlsafe_b64decode(whole) + _rest(article[len(whole) :]))
    return found[0].decode("ascii") if found else None


def _rest(letters: str) -> bytes:
    return base64.urlsafe_b64decode(letters + "=" * (4 - len(letters))) if len(letters) > 1 else b""
