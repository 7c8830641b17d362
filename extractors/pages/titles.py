"""The headline of a page, of all that claim to be it.

It is stated up to four times – JSON-LD, `<meta>`, `<h1>`, `<title>` – and by the feed. Each may err: be escaped twice,
end in the site's name, be the outlet's logo or a sub-heading. So the words decide that most of them have in common, and
of spellings with the same words the one that readers see.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from extractors.text import clean_line, tokens

TITLE_META = ("og:title", "twitter:title", "dc.title", "headline")
SITE_META = ("og:site_name", "application-name", "al:android:app_name", "apple-mobile-web-app-title")
MAX_HEADINGS = 3  # that may be the headline; a logo may be one of them
MAX_LOGO = 4  # words
MIN_MARKED, MAX_WORDS = 3, 40  # of a headline that is no heading
MAX_MARKED = 3000  # elements of a page that are looked at for one
MAX_SITE = 40  # characters of a site's name behind a headline
ROUNDS = 3  # of taking escapes off
FEWEST_WORDS = 2  # of a headline that a site's name stands behind
_ESCAPE = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_BEHIND = re.compile(r"(?<=\S)\s*(?:\s[|·»—–:/-]\s|\|)\s*(?=[^|·»]{1,60}$)")
_BAR = re.compile(r"(?<!\s)\s+(?:[|·»—–-]\s+(?=[^|·»]{1,40}$)|[|»]\s+(?=[^|»]{1,80}$))")
_STAMP = re.compile(r"(?<!\s)\s*\d{1,2}\.\d{1,2}\.(?:\d\d){1,2},?\s+\d{1,2}:\d\d\W*$")

_MAY_BE_HEADLINE = ("h2", "h3", "div", "span", "p", "td", "font", "strong", "b")
_LARGE = frozenset({"4", "5", "6", "7", "+1", "+2", "+3"})
_HEADLINE_CLASS = re.compile(r"(?:^|[\s_-])(?:title|headline|zagolovok|zag|heading)(?:$|[\s_-])", re.IGNORECASE)
_ELSEWHERE = frozenset({"a", "nav", "aside", "footer"})

Words = tuple[str, ...]


def titles_of(
    tree: HtmlElement, articles: Sequence[Mapping[str, Any]], meta: Mapping[str, str], told: str | None = None
) -> tuple[str, ...]:
    """Return all headlines that a page states, the best first; `told` is the feed's, which is only a witness."""
    names = _site_names(articles, meta)
    stated = [clean for value in (a.get("headline") for a in articles) if (clean := _clean(value))]
    in_meta = [clean for name in TITLE_META if (clean := _clean(meta.get(name)))]
    shown, bar = list(_headings(tree)), _clean(_bar_of(tree))
    shown = [heading for heading in shown if not _is_logo(heading, bar)]
    if not (stated or in_meta or shown):
        shown = _marked(tree, bar)
    witnesses = [stated, in_meta, shown, [bar], [_clean(told)]]
    known = {tuple(tokens(title)) for title in (*stated, *in_meta, *shown)}
    every = [_without_site(title, known, names) for title in (*stated, *in_meta, *shown)]
    every += [_BAR.split(_without_site(bar, known, names))[0]] if bar else []
    votes = {title: sum(any(_speaks_for(w, title) for w in group if w) for group in witnesses) for title in every}
    best = max(every, key=lambda title: votes[title], default=None)  # of several the first
    if best is None:
        return ()
    words = tokens(best)
    spelt = next((title for title in shown if tokens(title) == words and not title.isupper()), best)
    shown_is_best = any(tokens(title) == words for title in shown)
    others = [title for title in every if not (shown_is_best and title in shown and tokens(title) != words)]
    return tuple(dict.fromkeys([spelt, *others]))


def unescaped(text: str) -> str:
    """Return a text without the escapes (`&quot;`) that its site set once too often."""
    for _ in range(ROUNDS):
        if not _ESCAPE.search(text):
            break
        text = html.unescape(text)
    return text


def _clean(value: object) -> str:
    return clean_line(unescaped(value)) if isinstance(value, str) else ""


def _headings(tree: HtmlElement) -> Iterator[str]:
    for heading, _ in zip(tree.iter("h1"), range(MAX_HEADINGS), strict=False):
        if text := _STAMP.sub("", clean_line(unescaped(heading.text_content()))):
            yield text


def _marked(tree: HtmlElement, bar: str) -> list[str]:
    """Return the line that a page without headings sets as its headline, with a class or in large letters; or none.

    It stands in the page's title, or the title is the site's name alone.
    """
    whole = f" {' '.join(tokens(bar))} "
    same: list[str] = []
    for element in islice(tree.iter(*_MAY_BE_HEADLINE), MAX_MARKED):
        large = element.tag == "font" and (element.get("size") or "").strip() in _LARGE
        if element.tag != "h2" and not large and not _HEADLINE_CLASS.search(element.get("class", "")):
            continue
        if element.find(".//a[@href]") is not None or any(e.tag in _ELSEWHERE for e in element.iterancestors()):
            continue
        text = clean_line(unescaped(element.text_content()))
        words = tokens(text)
        said = f" {' '.join(words)} "
        if not MIN_MARKED <= len(words) <= MAX_WORDS:
            continue
        if said == whole:  # the site's name perhaps
            same = same or [text]
        elif said in whole or len(whole.split()) <= MAX_LOGO:
            return [text]
    return same


def _bar_of(tree: HtmlElement) -> str | None:
    title = tree.find(".//title")
    return None if title is None else title.text


def _is_logo(heading: str, bar: str) -> bool:
    """Say whether a heading is the outlet's logo or a ticker: a few words, none of them in the page's longer title."""
    words, whole = tokens(heading), tokens(bar)
    return len(words) <= MAX_LOGO < len(whole) and set(words).isdisjoint(whole)


def _site_names(articles: Sequence[Mapping[str, Any]], meta: Mapping[str, str]) -> set[Words]:
    publishers = [a.get("publisher") for a in articles]
    found = [p.get("name") for p in publishers if isinstance(p, Mapping)] + [meta.get(name) for name in SITE_META]
    found.append(urlsplit(meta.get("og:url", "")).hostname)
    return {tuple(tokens(_clean(name).removeprefix("www."))) for name in found if name} - {()}


def _without_site(title: str, known: set[Words], names: set[Words]) -> str:
    """Cut the site's name off behind a headline: a name that the page states, or what others of its titles lack."""
    for bar in _BEHIND.finditer(title):
        before, behind = title[: bar.start()], title[bar.end() :]
        words = tuple(tokens(before))
        if len(words) >= FEWEST_WORDS and (
            tuple(tokens(behind)) in names or (words in known and len(behind) <= MAX_SITE)
        ):
            return before
    return title


def _speaks_for(witness: str, title: str) -> bool:
    """Say whether a witness has these words, perhaps with the site's name or the section behind them."""
    words, said = tokens(title), tokens(witness)
    return bool(words) and said[: len(words)] == words
