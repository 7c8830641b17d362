"""What is fetched as an article and is none: the page that says "not found", a wall before the text, a list, a video.

Each is recognised by what it says of itself, or by what is left of it once its links are gone; a page that says
nothing but has its text is an article. Short texts only are suspected: news report on paywalls and cookies too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from lxml.html import HtmlElement

from config.languages import Languages, languages
from config.phrases import any_of
from extractors.blocks.places import container, squeezed
from extractors.pages.cards import items
from extractors.pages.steps import FEED, Draft
from extractors.records import ItemError, Outcome
from extractors.text import clean_line, count_words, tokens

SHORT = 250  # words; pages that only say that there is nothing have fewer
STUB = 5  # times the words of the shortest article: what stands before a wall has fewer
MIN_PROSE_AMONG_LINKS = 80  # words; a page's furniture (cookie notice, phone, copyright) has 40 to 70
MAX_WORDS_OF_INDEX = 5000  # no page is a mere list of links beyond; looking would take long on hostile ones
MIN_HEADLINES = 6  # links over a text of their own: so many stories are announced
WORDS_A_HEADLINE = 45  # an announcement has fewer, the section of an article more

LISTED = 0.7  # of a text's characters are announcements
_FILLER = re.compile(r"lorem ipsum dolor sit amet", re.IGNORECASE)  # of templates that nobody filled in
MIN_COOKIES = 3
COOKIES = 0.08  # of the words


@dataclass(frozen=True, eq=False, slots=True)
class _Says:
    """What pages say of themselves, in all languages (`[pages]` in `config/languages/`)."""

    not_found: re.Pattern[str]
    search: re.Pattern[str]
    check: re.Pattern[str]
    wall: re.Pattern[str]
    cookies: re.Pattern[str]


@cache
def _says_of(known: Languages) -> _Says:
    def any_page(key: str) -> str:
        return any_of(phrase for language in known for phrase in getattr(language.pages, key))

    patterns = (
        rf"\b{any_page('not_found')}(?!\W?(?:years|лет))(?!\w)",
        rf"^\W*(?:(?!{any_page('not_search')}){any_page('search')}(?!\w)|{any_page('search_alone')}(?:\s*:|\W*$))",
        any_page("check"),
        any_page("wall"),
        rf"\b{any_page('cookies')}(?!\w)",
    )
    return _Says(*(re.compile(pattern, re.IGNORECASE) for pattern in patterns))


def why_no_article(draft: Draft) -> ItemError | None:
    """Return why the page of this finished draft is no article; None when it is one."""
    text = "\n\n".join(draft.blocks)
    words, says = count_words(text), _says_of(languages())
    url = draft.job.page.url

    def no(reason: str, outcome: Outcome = Outcome.NOT_ARTICLE, detail: str = "") -> ItemError:
        return ItemError(outcome, reason, url=url, detail=detail or f"{words} words")

    if words < SHORT and draft.method != FEED:
        said = [*draft.titles[:2], *draft.blocks[:2]]
        if any(map(_says_not_found, said)):
            return no("says not found")
        if any(says.check.search(line) for line in said):
            return no("bot check", Outcome.FAILED)
        if any(says.search.search(title) for title in draft.titles[:2]):
            return no("search page")
        if words < STUB * max(draft.job.min_words, 1) and (
            draft.metadata.walled or any(map(_says_walled, (draft.tree, *draft.unseen)))
        ):
            return no("paywall", Outcome.PAYWALLED)
        if len(says.cookies.findall(text)) >= max(MIN_COOKIES, COOKIES * words):
            return no("cookie wall")
    if words < draft.job.min_words:
        return no("video") if _is_video(draft.tree) else no("too short", Outcome.TOO_SHORT)
    prose = words_beside(link_labels(draft.tree), text) if words <= MAX_WORDS_OF_INDEX else words
    if prose < draft.job.min_words or (2 * prose <= words and prose < MIN_PROSE_AMONG_LINKS):
        return no("links, no prose", detail=f"{prose} words outside links")
    if _FILLER.search(text):
        return no("filler text")
    if not _states_day(draft) and (listed := _stories_listed(draft)) >= MIN_HEADLINES:
        return no("list of stories", detail=f"{words} words, {listed} headlines")
    announced = draft.announced
    if announced >= MIN_HEADLINES and words < WORDS_A_HEADLINE * announced and not _states_article(draft):
        return no("list of stories", detail=f"{words} words, {announced} headlines")
    return None


def link_labels(tree: HtmlElement) -> list[str]:
    """Return the texts of a page's links, longest first."""
    return sorted({label for a in tree.iter("a") if (label := clean_line(a.text_content()))}, key=len, reverse=True)


def words_beside(labels: Sequence[str], text: str) -> int:
    """Count how many of the extracted words are not the text of a link.

    Few on index pages, and where trafilatura finds no text (a video, say) and falls back to all there is: menus.
    """
    for label in labels:
        text = text.replace(label, "\n")
    return count_words(text)


def _says_not_found(line: str) -> bool:
    """Say whether the line says mainly that."""
    found = _says_of(languages()).not_found.search(line)
    return found is not None and 2 * len(tokens(found[0])) > len(tokens(line))


def _states_article(draft: Draft) -> bool:
    """Say whether the page says for machines that it is an article, or when it was published."""
    return bool(draft.metadata.dates) or draft.tree.find(".//meta[@property='og:type'][@content='article']") is not None


def _states_day(draft: Draft) -> bool:
    """Say whether the page states one day of publication for machines; a list has those of its stories, or none."""
    origins = [candidate.origin for candidate in draft.metadata.dates]
    return any(origin != "time" for origin in origins) or len(origins) == 1


def _stories_listed(draft: Draft) -> int:
    """Count the stories that a page announces in boxes of one kind, if most of its text stands in them."""
    root = container(draft.boxes())
    if root is None:
        return 0
    texts: dict[tuple[str, str], list[str]] = {}
    for shape, text in items(root, draft.job.page.url):
        texts.setdefault(shape, []).append(text)
    listed = max(texts.values(), key=len, default=[])
    if len(listed) < MIN_HEADLINES:
        return 0
    told = [squeezed(line.removeprefix("- ")) for block in draft.blocks for line in block.split("\n")]
    inside = sum(len(line) for line in told if any(line in text for text in listed))
    return len(listed) if inside >= LISTED * sum(map(len, told)) else 0


def _says_walled(tree: HtmlElement) -> bool:
    said = tree.itertext("p", "div", "span", "a", "h2", "h3", "h4", "button", "b")
    return any(map(_says_of(languages()).wall.search, said))


def _is_video(tree: HtmlElement) -> bool:
    if any(tree.iter("video")):
        return True
    if any("video" in (m.get("content") or "") for m in tree.iterfind(".//meta[@property='og:type']")):
        return True
    players = ("youtube.", "youtu.be", "vimeo.", "rutube.", "vk.com/video", "ok.ru/video", "dailymotion.")
    return any(player in (frame.get("src") or "") for frame in tree.iter("iframe") for player in players)
