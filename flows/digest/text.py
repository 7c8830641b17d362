"""A digest as plain text, for the mail and for terminals. It holds the same stories as the HTML."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from flows.digest.records import Content, Event, Story
from flows.digest.week import DAYS
from flows.digest.words import Words

COLUMNS = 76
ALSO = 8  # other outlets that are named


def plain_text(
    content: Content,
    words: Words,
    parts: Iterable[tuple[str, Sequence[Event], str]],
    shown: Mapping[int, bool],
    *,
    archive: Mapping[str, str | None],
    lead: str,
) -> str:
    """Return the digest as text. `parts`: title, events and note of each.

    `shown`: event → whether with its text; `archive` says where the whole issue is.
    """
    whole = f"{words.whole}: {archive['link'] or archive['place']}"
    lines = [content.title, words.whole_day(content.now), lead]
    if len(shown) < content.stories:
        counts = {"shown": words.number(len(shown)), "all": words.counted(content.stories, words.story)}
        lines += ["", words.shown.format(**counts), whole]
    for title, events, note in parts:
        seen = [event for event in events if event.number in shown]
        if seen:
            lines += _heading(title, len(seen), len(events), words)
            lines += _wrapped(note) if note else []
            for event in seen:
                lines += ["", *_told(event, content, words, full=shown[event.number])]
    for figure in content.figures:
        lines += _title(f"{words.figures['title']}: {words.figures[figure.subject]}")
        for name, number, before in figure.lines:
            named = words.weekday(name) if figure.subject == DAYS else name
            lines.append(f"{named}: {number} ({words.usual(before)})")
    lines += ["", *_wrapped(words.archived(content.brought, year=content.now.year))] if content.brought else []
    if content.period is None:
        lines += _title(words.health)
        lines += list(_health(content, words)) or [words.all_well]
        lines += [*_title(words.runs), *_wrapped(words.passes(content.passes, content.counts))]
    lines += ["", words.times.format(content.zone), whole]
    return "\n".join(lines).strip("\n") + "\n"


def _heading(name: str, seen: int, every: int, words: Words) -> list[str]:
    of = f" / {words.number(every)}" if seen < every else ""
    return _title(f"{name} · {words.number(seen)}{of}")


def _title(name: str) -> list[str]:
    return ["", "", name.upper(), "-" * min(COLUMNS, len(name))]


def _told(event: Event, content: Content, words: Words, *, full: bool) -> Iterator[str]:
    story = event.lead
    yield from _wrapped(story.title or words.untitled)
    about = [_about(story, content, words), words.told(event)]
    about += [words.ran(event.running)] if event.running else []
    yield from _wrapped(" · ".join(filter(None, about)))
    if full:
        yield from _wrapped(story.sentences, indent="  ")
    if story.url:
        yield story.url
    if not full:
        return
    for other in event.stories[1:]:
        yield from _wrapped(f"- {other.title or words.untitled} ({_about(other, content, words)})", indent="  ")
        if other.url:
            yield f"    {other.url}"
    if event.also:
        yield from _wrapped(f"{words.also}: {', '.join(_also(event, words))}")
    if story.borderline and (reasons := words.reasons_of(story)):
        yield from _wrapped(f"{words.why}: {reasons}")
    if story.room:
        yield from _wrapped(f"{words.room}: {story.room}")


def _about(story: Story, content: Content, words: Words) -> str:
    day = words.day(story.day, year=content.now.year) if story.day else words.undated
    return " · ".join(filter(None, ((story.language or "").upper(), story.outlet, day)))


def _also(event: Event, words: Words) -> Iterator[str]:
    for other in event.also[:ALSO]:
        notes = words.notes(other.language, other.count)
        yield f"{other.outlet} ({notes})" if notes else other.outlet
    if len(event.also) > ALSO:
        yield words.and_more.format(len(event.also) - ALSO)


def _health(content: Content, words: Words) -> Iterator[str]:
    for note in content.health:
        yield from _wrapped(f"{note.outlet}: {words.trouble(note, year=content.now.year)}")


def _wrapped(text: str, *, indent: str = "") -> list[str]:
    return textwrap.wrap(text, COLUMNS, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
