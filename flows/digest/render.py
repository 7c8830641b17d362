"""A digest as a subject, a plain text, a mail and a page.

The mail stays below LIMIT, so that no client cuts it: where there is more, what matters most comes first, then in turn
from each section, the last of it as mere headlines, and the rest is in the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from flows.clean import MAX_NAME, clean, link, turns
from flows.digest.bars import countries_bars, days_bars
from flows.digest.records import Content, Event
from flows.digest.text import plain_text
from flows.digest.words import Words, words_of
from flows.pages import pages

if TYPE_CHECKING:
    from css_inline import CSSInliner

LIMIT = 98_000  # bytes of the HTML as transferred; of a part of more than 102 kB Gmail hides the rest
LINE = 76  # characters of base64 on a line, RFC 2045, section 6.8
MOST = 300  # events of which a mail can hold no more
FULL = 0.6  # of the room that events with their text get, where not all fit
FLAGS = 12  # shown in a mail
CONTENTS = 15  # events; with more, the digest begins with a list of contents
SUBJECT = 150  # characters
# How many of each are shown before the next comes round: events of a country, late ones, borderline ones.
_SECTION_A_ROUND, _LATE_A_ROUND, _BORDERLINE_A_ROUND = 3, 2, 2

Shown = Mapping[int, bool]  # number of an event → whether with its text; those left out are not shown


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
    everything = {event.number: True for event in content.events()}
    return Rendered(
        subject=subject,
        text=plain_text(
            content,
            words,
            [(part.title, part.events, part.note) for part in parts_of(content, words)],
            shown,
            archive=_archive(archive_link, words),
            lead=_lead(content, words),
        ),
        html=mail(shown),
        page=_html(content, words, subject, everything, None, is_mail=False),
    )


def transferred(html: str) -> int:
    """Return the bytes of a mail part with this HTML in base64; every line ends with CR LF."""
    size = -(-(len(html.encode()) + html.count("\n") + 2) // 3) * 4
    return size + 2 * (size // LINE + 1)


def _fitting(content: Content, mail: Callable[[Shown], str]) -> Shown:
    """Return as many events as a mail holds: all with their texts, or the first with texts, others by headline."""
    order = [event.number for event in _by_turns(content)]

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


def _by_turns(content: Content) -> list[Event]:
    """Return all events in the order in which they are given room."""
    places = [(group.events, _SECTION_A_ROUND) for group in content.sections]
    places += [(content.late, _LATE_A_ROUND), (content.borderline, _BORDERLINE_A_ROUND)]
    turns = [
        (rank // a_round, place, rank, event)
        for place, (events, a_round) in enumerate(places)
        for rank, event in enumerate(events)
    ]
    return [*content.main, *(turn[-1] for turn in sorted(turns, key=lambda turn: turn[:-1]))]


def _html(
    content: Content, words: Words, subject: str, shown: Shown, archive_link: str | None, *, is_mail: bool
) -> str:
    cut = ""
    if len(shown) < content.stories:
        counts = {"shown": words.number(len(shown)), "all": words.counted(content.stories, words.story)}
        cut = f"{words.shown.format(**counts)}."
    parts = list(parts_of(content, words))
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
            folder=_folder(archive_link) if is_mail else "",
            is_mail=is_mail,
            turns=turns,
            parts=[(part, seen) for part in parts if (seen := [e for e in part.events if e.number in shown])],
            contents=parts if content.stories > CONTENTS else [],
            health=content.health[:FLAGS] if is_mail else content.health,
            counts=words.passes(content.passes, content.counts),
            days=days_bars(content, words) if content.has_figures else None,
            countries=countries_bars(content, words) if content.has_figures else None,
        )
    )


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a digest under one heading; `id` is its place in the page, `note` stands below the heading."""

    id: str
    title: str
    events: tuple[Event, ...]
    note: str = ""


def parts_of(content: Content, words: Words) -> Iterator[Part]:
    """Yield the parts of a digest in their order, but for empty ones."""
    if content.main:
        yield Part("main", words.events, content.main)
    for section in content.sections:
        yield Part(section.country or "other", words.country_name(section.country), section.events)
    if content.late:
        yield Part("late", words.late, content.late)
    if content.borderline:
        yield Part("borderline", words.borderline, content.borderline, words.borderline_note)


def _folder(archive_link: str | None) -> str | None:
    """Return the address of the folder that the digest's page lies in; None if it has none."""
    address = link(archive_link)
    return address.rpartition("/")[0] + "/" if address else None


def _archive(archive_link: str | None, words: Words) -> dict[str, str | None]:
    address = link(archive_link)
    if address or archive_link is None:
        return {"link": address, "place": words.folder}
    return {"link": None, "place": words.file.format(clean(archive_link, 2 * MAX_NAME))}


def _subject(content: Content, words: Words) -> str:
    count = words.counted(content.articles, words.article) if content.articles else words.nothing.rstrip(".").lower()
    year = content.now.year
    when = words.span(content.period, year=year) if content.period else words.day(content.now.date(), year=year)
    return clean(f"{content.title}: {count}, {when}", SUBJECT)


def _lead(content: Content, words: Words) -> str:
    if not content.articles:
        return words.nothing
    parts = [words.counted(content.articles, words.article), words.counted(content.outlets, words.outlet)]
    if content.period:
        parts.append(words.span(content.period, year=content.now.year))
    elif content.since:
        parts.append(words.since.format(words.moment(content.since, year=content.now.year)))
    return " · ".join(parts)


@cache
def _inliner() -> CSSInliner:
    from css_inline import CSSInliner

    return CSSInliner(keep_at_rules=True, minify_css=True, load_remote_stylesheets=False)
