"""A digest as a subject, a plain text, a mail and a page.

The mail stays below LIMIT, so that no client cuts it: where there is more, the stories that most outlets tell come
first, in turn from each event and country, the last of them as mere headlines, and the rest is in the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from flows.digest.bars import countries_bars, days_bars
from flows.digest.clean import MAX_NAME, clean, link, turns
from flows.digest.records import Content, CountryStories, Story
from flows.digest.text import plain_text
from flows.digest.words import Words, words_of
from flows.pages import pages

if TYPE_CHECKING:
    from css_inline import CSSInliner

LIMIT = 98_000  # bytes of the HTML as transferred; of a part of more than 102 kB Gmail hides the rest
LINE = 76  # characters of base64 on a line, RFC 2045, section 6.8
MOST = 300  # stories of which a mail can hold no more
FULL = 0.6  # of the room that stories with their text get, where not all fit
FLAGS = 12  # shown in a mail
CONTENTS = 30  # from so many stories on, the page begins with a list of contents
SUBJECT = 150  # characters
# How many of each are shown before the next comes round: events, stories of a country, borderline ones.
_EVENTS_A_ROUND, _SINGLES_A_ROUND, _BORDERLINE_A_ROUND = 10, 3, 2

Shown = Mapping[int, bool]  # number of a story → whether with its text; those left out are not shown


@dataclass(frozen=True, slots=True)
class Rendered:
    """A digest in all its forms. `subject` is one clean line; `page` is a complete HTML document by itself.

    `html` is below LIMIT if it is sent as it is or in base64, not if quoted-printable.
    """

    subject: str
    text: str
    html: str
    page: str


def render(content: Content, *, archive_link: str | None) -> Rendered:
    """Return the digest in all its forms, ready to be sent and kept.

    `archive_link` says where the page will be: an address, or the name of its file where it has no address. None: in
    the folder of digests.
    """
    words = words_of(content.frame)
    subject = _subject(content, words)

    def mail(shown: Shown) -> str:
        return _inliner().inline(_html(content, words, subject, shown, archive_link, is_mail=True))

    shown = _fitting(content, mail)
    everything = {story.number: True for story in _stories(content)}
    return Rendered(
        subject=subject,
        text=plain_text(content, words, shown, archive=_archive(archive_link, words), lead=_lead(content, words)),
        html=mail(shown),
        page=_html(content, words, subject, everything, None, is_mail=False),
    )


def transferred(html: str) -> int:
    """Return the bytes of a mail part with this HTML in base64; every line ends with CR LF."""
    size = -(-(len(html.encode()) + html.count("\n") + 2) // 3) * 4
    return size + 2 * (size // LINE + 1)


def _fitting(content: Content, mail: Callable[[Shown], str]) -> Shown:
    """Return as many stories as a mail holds: all with their texts, or the first with texts, others by headline."""
    order = [story.number for story in _by_turns(content)]

    def fits(full: int, brief: int) -> bool:
        return transferred(mail(_chosen(order, full, brief))) < LIMIT

    most = min(len(order), MOST)
    if len(order) == most and fits(most, 0):
        return _chosen(order, most, 0)
    full = int(FULL * _largest(most, lambda count: fits(count, 0)))
    return _chosen(order, full, _largest(most - full, lambda count: fits(full, count)))


def _chosen(order: Sequence[int], full: int, brief: int) -> Shown:
    return {number: position < full for position, number in enumerate(order[: full + brief])}


def _largest(most: int, fits: Callable[[int], bool]) -> int:
    """Return the largest number up to `most` that fits, if smaller numbers do."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def _by_turns(content: Content) -> list[Story]:
    """Return all stories in the order in which they are given room."""
    turns = [
        (position // _EVENTS_A_ROUND + rank, 0, position, rank, story)
        for position, event in enumerate(content.events)
        for rank, story in enumerate(event.stories)
    ]
    turns += [
        (rank // _SINGLES_A_ROUND, 1, position, rank, story)
        for position, country in enumerate(content.countries)
        for rank, story in enumerate(country.stories)
    ]
    turns += [(rank // _BORDERLINE_A_ROUND, 2, 0, rank, story) for rank, story in enumerate(content.borderline)]
    return [turn[-1] for turn in sorted(turns, key=lambda turn: turn[:-1])]


def _stories(content: Content) -> Iterator[Story]:
    for event in content.events:
        yield from event.stories
    for country in content.countries:
        yield from country.stories
    yield from content.borderline


def _html(
    content: Content, words: Words, subject: str, shown: Shown, archive_link: str | None, *, is_mail: bool
) -> str:
    cut = ""
    if len(shown) < content.stories:
        counts = {"shown": words.number(len(shown)), "all": words.counted(content.stories, words.story)}
        cut = f"{words.shown.format(**counts)}."

    def some(groups: Sequence[CountryStories]) -> list[tuple[CountryStories, list[Story]]]:
        """Return the shown stories of each group; leave out groups without any."""
        chosen = [(group, [story for story in group.stories if story.number in shown]) for group in groups]
        return [(group, stories) for group, stories in chosen if stories]

    return (
        pages()
        .get_template("digest.html")
        .render(
            w=words,
            content=content,
            subject=subject,
            lead=_lead(content, words),
            shown=shown,
            cut=cut,
            archive=_archive(archive_link, words),
            is_mail=is_mail,
            some=some,
            turns=turns,
            events_shown=[event for event in content.events if any(story.number in shown for story in event.stories)],
            borderline=[story for story in content.borderline if story.number in shown],
            contents=[] if is_mail or content.stories < CONTENTS else list(_contents(content, words)),
            health=content.health[:FLAGS] if is_mail else content.health,
            counts=words.passes(content.passes, content.counts),
            days=days_bars(content, words),
            countries=countries_bars(content, words),
        )
    )


def _contents(content: Content, words: Words) -> Iterator[tuple[str, str, int]]:
    """Return the page's list of contents: each heading's id, its text, and its number of stories."""
    if content.events:
        yield "events", words.events, len(content.events)
    for group in content.countries:
        yield group.country or "other", words.country_name(group.country), len(group.stories)
    if content.borderline:
        yield "borderline", words.borderline, len(content.borderline)


def _archive(archive_link: str | None, words: Words) -> dict[str, str | None]:
    address = link(archive_link)
    if address or archive_link is None:
        return {"link": address, "place": words.folder}
    return {"link": None, "place": words.file.format(clean(archive_link, 2 * MAX_NAME))}


def _subject(content: Content, words: Words) -> str:
    count = words.counted(content.articles, words.article) if content.articles else words.nothing.rstrip(".").lower()
    return clean(f"{content.title}: {count}, {words.day(content.now.date(), year=content.now.year)}", SUBJECT)


def _lead(content: Content, words: Words) -> str:
    if not content.articles:
        return words.nothing
    parts = [words.counted(content.articles, words.article), words.counted(content.outlets, words.outlet)]
    if content.since:
        parts.append(words.since.format(words.moment(content.since, year=content.now.year)))
    return " · ".join(parts)


@cache
def _inliner() -> CSSInliner:
    from css_inline import CSSInliner

    return CSSInliner(keep_at_rules=True, minify_css=True, load_remote_stylesheets=False)
