"""Find the articles that a section page lists, to watch an outlet that has no feed, or a poor one.

The page itself tells which of its links are articles: those that stand in blocks of one make, each with a headline.
The addresses of these show what articles look like there, so that a lead story in a block of its own is found as well.
So do addresses of the site that are known to be articles: with them a page of two stories, or of blocks each of its own
make, is read too.
Menus, lists of the most read, advertising and the links of other sites are left out. A page that lists by script often
carries the same as JSON. A source may settle it by a piece of text that its articles' addresses hold (`links`).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, tzinfo
from functools import cache
from itertools import islice
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from config.languages import Languages, languages
from config.phrases import any_of
from extractors.dates.addresses import address_days
from extractors.dates.moments import parse_date
from extractors.dates.worded import mentions, writes_month_first
from extractors.feeds.links import resolve
from extractors.feeds.loose_json import loose_json
from extractors.text import clean_line
from extractors.urls import canonical_host, canonical_url, same_site

if TYPE_CHECKING:
    from lxml.html import HtmlElement

NO_ARTICLES = "no article links found"
MIN_BLOCKS = 3  # of one make, to be taken for a list
MIN_LETTERS, MIN_WORDS = 20, 3  # of a headline
MEDIAN_LETTERS = 25  # of a list's headlines: the names of sections are shorter
MAX_LINKS, MAX_PARTS = 2000, 300  # of a page that are looked at: more has none that people read
MAX_BLOCK = 1500  # characters of a block in which a date is looked for
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
MAX_INNER, MAX_ABOVE = 50, 4  # elements of a link, or of a block around it; such blocks
MAX_PAYLOADS, MAX_DEPTH = 20, 12  # scripts that are read as JSON, and levels of such a value
MAX_TEXTS = 10  # of an object that stands for a text, one in each language
NO_ARTICLE = re.compile(
    r"/(?:tags?|categor(?:y|ies)|rubrics?|topics?|authors?|users?|search|page|login|register|subscribe|about|contacts?|rss|feed|privacy"
    r"|wp-(?:content|admin|login)[^/]*|cdn-cgi)(?:/|$)|\.(?:jpe?g|png|gif|webp|svg|pdf|docx?|zip|mp[34]|css|js|xml)$",
    re.IGNORECASE,
)
_BESIDE = re.compile(
    r"(?:^|[\s_-])(?:side|sidebar|popular|mostread|most-?read|trending|recommend\w*|related|menu|nav|navbar|breadcrumbs?"
    r"|ads?|advert\w*|banners?|promo\w*|sponsor\w*|partners?)(?:$|[\s_-])",
    re.IGNORECASE,
)
_TITLE = re.compile(r"(?:^|[\s_-])(?:title|headline|heading|name)(?:$|[\s_-])", re.IGNORECASE)
_DAY_NAMES = ("date", "published", "publishedat", "published_at", "publishdate", "publish_date", "datepublished",
              "publicationdate", "created", "createdat", "created_at")  # fmt: skip
_URL_NAMES = ("url", "link", "href", "permalink", "path", "canonical_url")
_TITLE_NAMES = ("title", "headline", "name")


@cache
def _aside(known: Languages) -> re.Pattern[str]:
    """Return the pattern of heads over what is not a section's news, in all languages."""
    return re.compile(any_of(phrase for language in known for phrase in language.pages.aside), re.IGNORECASE)


@dataclass(slots=True)
class ListedArticle:
    """An article as a section page shows it; `published` is None where the page shows no day."""

    url: str
    title: str | None
    published: datetime | None = None
    make: str = ""  # of the block around it: the names of the elements above the link
    anchors: list[HtmlElement] = field(default_factory=list)


def listed_articles(
    body: bytes,
    *,
    url: str,
    charset: str | None,
    zone: tzinfo,
    now: datetime,
    links: str | None = None,
    articles: Sequence[str] = (),
) -> list[ListedArticle]:
    """Return the articles that the page at `url` lists, in its order; none when it lists none, or is no HTML.

    `links` is a text that the addresses of articles hold, where the source names one; `articles` are canonical
    addresses of the site that are known to be articles.
    """
    from extractors.html import parse_html  # loads trafilatura, which the main process can do without

    tree = parse_html(body, charset)
    if tree is None:
        return []
    own = _host(url)
    # An outlet's front page may list what stands on its other hosts only.
    for fits in (lambda link: _host(link) == own, lambda link: same_site(link, url)):
        candidates = _candidates(tree, url, fits)
        if links is not None:
            found = [one for one in candidates.values() if links in _inside(one.url)]
        else:
            found = _in_blocks(tree, candidates, articles)
        if found:
            break
    if found:
        headlines = {one.anchors[0] for one in candidates.values() if _is_headline(one.title)}
        for one in found:
            one.published = _shown_day(_block(one, headlines), one.title, zone, now)
        return found
    return list(_in_scripts(tree, url, links, _known_kinds(articles), zone, now))


def number_of(url: str, links: str) -> int | None:
    """Return the number that follows the text `links` in an address, as 7561 in /opinion?id=7561."""
    found = _number_behind(links).search(url)
    return int(found[1]) if found else None


def with_number(url: str, links: str, number: int) -> str:
    """Return the address with another number behind the text `links`."""
    return _number_behind(links).sub(lambda found: f"{links}{number}", url, count=1)


def _number_behind(links: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(links)}(\d{{1,12}})(?!\d)")


def _inside(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


# --- Links ------------------------------------------------------------------------------------------------------


def _candidates(tree: HtmlElement, url: str, fits: Callable[[str], bool]) -> dict[str, ListedArticle]:
    """Return the page's links that fit, each address once, with the longest of its texts as the headline.

    Where a link has no headline, as "Read more" or a picture, it is the heading beside it, of which no other link is.
    """
    base = urljoin(url, next((str(href) for href in tree.xpath("//base/@href")), ""))
    found: dict[str, ListedArticle] = {}
    for anchor in islice(tree.iter("a"), MAX_LINKS):
        link = resolve(str(anchor.get("href") or ""), base=base)
        if link is None or "sponsored" in (anchor.get("rel") or ""):
            continue
        link = link.partition("#")[0]
        if not fits(link) or link == url.partition("#")[0] or NO_ARTICLE.search(urlsplit(link).path):
            continue
        text = _headline(anchor)
        known = found.setdefault(_canonical(link) or link, ListedArticle(link, None))
        known.anchors.append(anchor)
        if len(text) > len(known.title or ""):  # the longest text's link comes first
            known.title, known.make = text, _make(anchor)
            known.anchors.insert(0, known.anchors.pop())
    _take_headings_beside([one for one in found.values() if not _is_headline(one.title)])
    return found


def _take_headings_beside(nameless: list[ListedArticle]) -> None:
    """Give these links the headings that stand in one block with them, each heading to one address only.

    What stands beside headings of several words, as a category in each block, is none of them.
    """
    beside = [(one, anchor, heading) for one in nameless for anchor in one.anchors if (heading := _heading_by(anchor))]
    texts: dict[str, set[str]] = defaultdict(set)
    for one, _, (_, text) in beside:
        texts[one.url].add(text)
    beside = [found for found in beside if len(texts[found[0].url]) == 1]
    addresses: dict[HtmlElement, set[str]] = defaultdict(set)
    for one, _, (heading, _) in beside:
        addresses[heading].add(one.url)
    for one, anchor, (heading, text) in beside:
        if len(addresses[heading]) == 1 and len(text) > len(one.title or ""):
            one.title, one.make = text, _make(anchor)
            one.anchors.remove(anchor)
            one.anchors.insert(0, anchor)


def _heading_by(anchor: HtmlElement) -> tuple[HtmlElement, str] | None:
    """Return the only heading in the smallest block around a link that has one, and its text; None if it is a link."""
    for block in islice(anchor.iterancestors(), MAX_ABOVE):
        headings = list(islice((e for e in islice(block.iterdescendants(), MAX_INNER) if _is_heading(e)), 2))
        if headings:
            text = clean_line(headings[0].text_content()[:500])
            is_own = len(headings) == 1 and headings[0].find(".//a") is None and _is_headline(text)
            return (headings[0], text) if is_own else None
    return None


def _is_heading(element: HtmlElement) -> bool:
    return element.tag in HEADINGS or (
        isinstance(element.tag, str) and _TITLE.search(element.get("class") or "") is not None
    )


def _host(url: str) -> str | None:
    try:
        return canonical_host(urlsplit(url).hostname or "")
    except ValueError:
        return None


def _headline(anchor: HtmlElement) -> str:
    """Return the text of the heading in a link, or else of all of it, what it says to machines, or its picture."""
    for element in islice(anchor.iterdescendants(), MAX_INNER):
        if _is_heading(element) and (text := clean_line(element.text_content()[:500])):
            return text
    pictures = (element.get("alt") or "" for element in islice(anchor.iterdescendants("img"), MAX_INNER))
    texts = (anchor.text_content()[:500], anchor.get("title") or "", anchor.get("aria-label") or "", *pictures)
    return next(filter(None, map(clean_line, texts)), "")


def _make(anchor: HtmlElement) -> str:
    """Return the names and classes of the elements around a link, the nearest four."""
    names = []
    for element in (anchor, *anchor.iterancestors()):
        classes = re.sub(r"\d+", "#", " ".join((element.get("class") or "").split()[:2]))
        names.append(f"{element.tag}.{classes}")
        if len(names) == 5:
            break
    return " < ".join(names)


def _shape(url: str) -> str:
    """Return what addresses of one kind have in common: folders, with numbers as "#" and slugs as "*"."""
    parts = urlsplit(url)
    segments = [segment for segment in parts.path.split("/") if segment]
    kinds = ["#" if segment.isdigit() else segment for segment in segments[:-1]]
    last = segments[-1] if segments else ""
    kinds.append("#" if re.fullmatch(r"\d+(?:\.\w{2,5})?", last) else "*" if re.search(r"[\d_-]", last) else "+")
    names = sorted(name for name, _ in parse_qsl(parts.query))
    return "/".join(kinds) + "?" + "&".join(names)


def _known_kinds(articles: Sequence[str]) -> set[str]:
    """Return the kinds of addresses that articles are known to have, but for those that any page may have."""
    kinds = Counter(map(_shape, articles))
    return {kind for kind, count in kinds.items() if count >= MIN_BLOCKS and not re.fullmatch(r"[*+]?\?", kind)}


def _canonical(url: str) -> str | None:
    try:
        return canonical_url(url)
    except ValueError:
        return None


def _is_headline(text: str | None) -> bool:
    return text is not None and len(text) >= MIN_LETTERS and len(text.split()) >= MIN_WORDS


def _in_blocks(tree: HtmlElement, candidates: dict[str, ListedArticle], articles: Sequence[str]) -> list[ListedArticle]:
    """Return the links that stand in blocks of one make, and those elsewhere whose addresses are of their kind."""
    beside = _beside(tree, sum(len(one.anchors) for one in candidates.values()))
    inside = [
        one
        for one in candidates.values()
        if one.title and not all(any(a in beside for a in _above(anchor)) for anchor in one.anchors)
    ]
    makes: dict[str, list[ListedArticle]] = defaultdict(list)
    for one in inside:
        if _is_headline(one.title):
            makes[one.make].append(one)
    known = set(articles)
    lists = {
        make: members
        for make, members in makes.items()
        if (len(members) >= MIN_BLOCKS and _are_headlines(members))
        or any(_canonical(one.url) in known for one in members)
    }
    # A list of links to sections has headlines at times, but as many addresses of one kind only articles have.
    shapes = Counter(_shape(one.url) for members in lists.values() for one in members)
    kinds = {shape for shape, count in shapes.items() if count >= MIN_BLOCKS} | _known_kinds(articles)
    return [
        one
        for one in inside
        if (_is_headline(one.title) or one.make in lists)
        and (_shape(one.url) in kinds or (one.make in lists and address_days(one.url)))
    ]


def _are_headlines(members: list[ListedArticle]) -> bool:
    return median(len(one.title or "") for one in members) >= MEDIAN_LETTERS


def _above(anchor: HtmlElement) -> Iterator[HtmlElement]:
    yield anchor
    yield from anchor.iterancestors()


def _beside(tree: HtmlElement, anchors: int) -> set[HtmlElement]:
    """Return the parts of the page that list other things than the section's news, by their names or their titles.

    A part with half of all links is the page, whatever it is called, unless it is marked up as a menu.
    """
    found: set[HtmlElement] = set()
    for element in tree.iter():
        if not isinstance(element.tag, str) or element.tag in ("html", "body", "main", "article"):
            continue
        names = f"{element.get('class') or ''} {element.get('id') or ''}"
        part: HtmlElement | None = None
        if element.tag in ("nav", "footer"):
            found.add(element)
        elif element.tag in ("aside", "form") or (len(names) < 300 and _BESIDE.search(names)):
            part = element
        elif element.tag in HEADINGS or ("title" in names and len(element) < 4):
            text = clean_line(element.text_content()[:60])
            if len(text) < 40 and _aside(languages()).search(text) and not element.xpath(".//a"):
                part = element.getparent()
        if part is not None and 2 * len(part.xpath(".//a")) < max(anchors, 2 * MIN_BLOCKS):
            found.add(part)
            if len(found) == MAX_PARTS:
                break
    return found


# --- Days -------------------------------------------------------------------------------------------------------


def _shown_day(block: HtmlElement, title: str | None, zone: tzinfo, now: datetime) -> datetime | None:
    """Return the moment that the block around a link shows, if it shows just one."""
    for stated in block.xpath(".//time/@datetime"):
        if moment := parse_date(str(stated), zone=zone, now=now):
            return moment
    text = clean_line(" ".join(islice(block.itertext(), MAX_BLOCK)))
    if len(text) > MAX_BLOCK:
        return None
    shown = mentions(text.replace(title or "\0", " "), month_first=bool(writes_month_first(zone)))
    today = now.astimezone(zone).date()
    days = {day for mention in shown if (day := mention.on(today, latest=today + timedelta(days=1)))}
    return datetime.combine(days.pop(), time(), zone) if len(days) == 1 else None


def _block(one: ListedArticle, headlines: set[HtmlElement]) -> HtmlElement:
    """Return the largest element around a link that holds no headline of another article."""
    block: HtmlElement = one.anchors[0]
    for element in block.iterancestors():
        if element.tag == "body" or any(a in headlines and a is not one.anchors[0] for a in element.iter("a")):
            break
        block = element
    return block


# --- Scripts ----------------------------------------------------------------------------------------------------


def _in_scripts(
    tree: HtmlElement, url: str, links: str | None, known_kinds: set[str], zone: tzinfo, now: datetime
) -> Iterator[ListedArticle]:
    """Yield the articles in the JSON that a page carries for its scripts: what has an address and a headline."""
    seen: set[str] = set()
    scripts = [script for script in tree.iter("script") if len(script.text or "") > 2]
    for script in sorted(scripts, key=lambda script: -len(script.text or ""))[:MAX_PAYLOADS]:
        try:
            value = loose_json(str(script.text))
        except (ValueError, RecursionError):
            continue
        if script.get("id") == "__NUXT_DATA__":
            value = _dereferenced(value)
        items = [item for item in _items(value, url, zone, now) if links is None or links in _inside(item.url)]
        shapes = Counter(_shape(item.url) for item in items)
        kinds = {shape for shape, count in shapes.items() if count >= MIN_BLOCKS} | known_kinds
        for item in items:
            if item.url not in seen and (links is not None or _shape(item.url) in kinds):
                seen.add(item.url)
                yield item


def _items(value: Any, url: str, zone: tzinfo, now: datetime) -> Iterator[ListedArticle]:
    for members in _objects(value, MAX_DEPTH):
        fields = {str(name).lower(): text for name, value in members.items() if (text := _told(value)) is not None}
        title = clean_line(next((fields[name] for name in _TITLE_NAMES if fields.get(name)), ""))
        link = next((fields[name] for name in _URL_NAMES if fields.get(name)), None)
        address = resolve(link, base=url) if link is not None and _is_headline(title) else None
        if address is None or _host(address) != _host(url) or NO_ARTICLE.search(urlsplit(address).path):
            continue
        moments = (parse_date(fields[name], zone=zone, now=now) for name in _DAY_NAMES if name in fields)
        yield ListedArticle(address.partition("#")[0], title, next(filter(None, moments), None))


def _told(value: Any) -> str | None:
    """Return a text, or that in an object around it: {"rendered": …}, {"ru": …}, {"href": …}."""
    if isinstance(value, dict) and len(value) <= MAX_TEXTS:
        value = next((inner for inner in value.values() if isinstance(inner, str)), None)
    return value if isinstance(value, str) else None


def _dereferenced(value: Any) -> Any:
    """Return the objects of a list in which numbers stand for its other members (Nuxt's payload), with their texts."""
    if not isinstance(value, list):
        return value
    last = len(value) - 1
    return [
        {
            n: value[at]
            for n, at in one.items()
            if isinstance(at, int) and 0 <= at <= last and isinstance(value[at], str)
        }
        for one in value
        if isinstance(one, dict)
    ]


def _objects(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    inner: Iterable[Any] = ()
    if isinstance(value, dict):
        yield value
        inner = value.values()
    elif isinstance(value, list):
        inner = value
    if depth:
        for one in inner:
            yield from _objects(one, depth - 1)
