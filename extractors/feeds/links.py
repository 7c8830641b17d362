"""Turn what a feed gives as an item's link into the address of the article, without asking the network.

Only http and https count. Tracking parameters (`utm_*`, `from=rss`) stay, tracking redirects are resolved.
References are resolved as in browsers (`extractors.references`); a few faults that browsers leave alone are mended,
where what the publisher meant is beyond doubt.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from extractors.references import absolute
from extractors.text import clean_line
from extractors.urls import same_site

_LINE_BREAK = re.compile(r"(?<!\s)\s*[\r\n\t]\s*")
_MARKS = (
    "\ufeff\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069"  # invisible, from copying
)
# Observed: https://site.kzhttps://other.kz/x, a CMS that puts its own host before whatever it is given.
_HOST_TWICE = re.compile(r"https?://[^/?#]*/?(?=https?://)", re.IGNORECASE)
_ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)
_FEED_SCHEME = re.compile(r"^feed:(?://|(?=https?:))", re.IGNORECASE)
_BARE_HOST = re.compile(r"www\.[\w-]+(?:\.[\w-]+)+(?=[/?#]|$)", re.IGNORECASE)
_GOOGLE = re.compile(r"(?:www\.)?google\.[a-z]{2,3}(?:\.[a-z]{2})?")
# An article of Google News, in its feeds: the identifier holds the target's address, or, since 2024, a number that only
# Google's own pages can turn into one, by script.
_GOOGLE_NEWS = re.compile(r"/(?:(?:rss|__i/rss/rd)/)?(?:articles|read)/(?P<id>[\w-]{10,2000})={0,2}/?", re.ASCII)
_ADDRESS_IN_BYTES = re.compile(rb"https?://[\x21-\x7e]+")
_REDIRECTS = 3  # a redirect inside a redirect inside a redirect, then no further

# Around a link: a whole anchor, the marks of CDATA, brackets (RFC 3986, appendix C), quotation marks.
_ANCHOR = re.compile(r"<a\s[^<>]*?href\s*=\s*([\"']?)([^\"'<>\s]+)\1", re.IGNORECASE)
_WRAPPED = re.compile(r"<!\[CDATA\[(.*)\]\]>|<(https?:.*)>|(?P<mark>[\"'])(.*)(?P=mark)", re.IGNORECASE | re.DOTALL)
_ENCODED = re.compile(r"https?%3a(?:%2f|/)", re.IGNORECASE)
# "http:/host", "https//host", "https ://host", "http:://host", "http:\host", "http://http//host".
_SCHEME = re.compile(r"(?P<scheme>https?)(?P<between>\s*[:;]?[:;\s]*[/\\]*[/\\\s]*)", re.IGNORECASE)
_FILE = r"(?:html?|php\d?|aspx?|jspx?|xml|rss|json)"  # ends of file names, which are no top-level domains
_HOST = re.compile(
    rf"(?:[^\s/?#\\@]*@)?(?:(?:[\w-]+\.)+(?!{_FILE}\b)(?:[^\W\d_]{{2,}}|xn--[\w-]+)|\d{{1,3}}(?:\.\d{{1,3}}){{3}}"
    r"|localhost|\[[\da-f:.]+\])\.?(?::\d+)?(?=[/?#\\]|$)",
    re.IGNORECASE,
)


def article_url(links: Iterable[str], *, permalink: str | None, base: str) -> str | None:
    """Return the first of `links` that leads to a web page, as an absolute URL; None if none does.

    `permalink` (a guid) comes last and counts only if it is absolute by itself.
    """
    for link in links:
        url = resolve(link, base=base)
        if url:
            return url
    return permalink_url(permalink or "", base=base)


def permalink_url(link: str, *, base: str) -> str | None:
    """Return `link` resolved if it is an absolute http(s) URL by itself, else None."""
    return resolve(link, base=base) if _ABSOLUTE.match(link.strip()) else None


def resolve(link: str, *, base: str) -> str | None:
    """Return `link` as an absolute http(s) URL, mended and past any tracking redirect; None if it is none.

    Line breaks and the indentation around them go, as in browsers; a space that is left becomes "%20".
    """
    mended = _mended(_tidy(link), base)
    return None if mended is None else _resolved(mended, base)


def _tidy(link: str) -> str:
    return _LINE_BREAK.sub("", link.strip().strip(_MARKS).strip()).replace("&amp;", "&")


def _resolved(tidy: str, base: str) -> str | None:
    if not tidy or tidy.startswith("#"):
        return None
    url = absolute(tidy, base=base)
    for _ in range(_REDIRECTS):
        parts = _split(url)
        if url is None or parts is None:
            return None
        target = _redirect_target(parts)
        if target is None:
            return url
        url = target
    return url if _split(url) else None


def _mended(tidy: str, base: str) -> str | None:
    """Return a link as its publisher meant it; None if it names a host, but it cannot be said which."""
    tidy = without_feed_scheme(tidy.replace("\\/", "/"))  # as in JSON
    if anchor := _ANCHOR.match(tidy):
        tidy = anchor[2]
    elif wrapped := _WRAPPED.fullmatch(tidy):
        tidy = _tidy(wrapped[1] or wrapped[2] or wrapped[4] or "")
    if _ENCODED.match(tidy):
        tidy = unquote(tidy)
    while twice := _HOST_TWICE.match(tidy):
        tidy = tidy[twice.end() :]
    scheme = _SCHEME.match(tidy)
    while scheme and scheme["between"] and (inner := _SCHEME.match(tidy, scheme.end())) and inner["between"]:
        tidy, scheme = tidy[scheme.end() :], _SCHEME.match(tidy[scheme.end() :])
    if scheme is None or not scheme["between"]:
        first = _HOST.match(tidy)
        is_host = _BARE_HOST.match(tidy) or (first and "@" not in first[0] and same_site("https://" + first[0], base))
        return "//" + tidy if is_host else tidy
    rest = tidy[scheme.end() :]
    if scheme["between"] == "://" or _HOST.match(rest):
        return f"{scheme['scheme']}://{rest}"
    if scheme["between"].startswith(":") or len(scheme["between"]) == 1:
        return tidy  # "http:/news/1": a path, as in browsers; "http/2-explained": another
    return None


def without_feed_scheme(url: str) -> str:
    """Return an address without the scheme that readers once had: feed:https://host/rss, feed://host/rss."""
    rest = _FEED_SCHEME.sub("", url)
    return rest if rest == url or _ABSOLUTE.match(rest) else f"http://{rest}"


def _split(url: str | None) -> SplitResult | None:
    """Return the parts of an http(s) URL that names a host, None for any other."""
    try:
        parts = urlsplit(url or "")
        host, _ = parts.hostname, parts.port  # `port` raises for what is not a number
    except ValueError:
        return None
    is_web = parts.scheme in ("http", "https") and host and host != "." and host.isprintable()
    return parts if is_web else None


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
