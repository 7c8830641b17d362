"""A digest as plain text, for the mail and for terminals. It holds the same stories as the HTML."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from flows.digest.records import Content, Story
from flows.digest.words import Words

COLUMNS = 76
ALSO = 8  # other outlets that are named


def plain_text(
    content: Content, words: Words, shown: Mapping[int, bool], *, archive: Mapping[str, str | None], lead: str
) -> str:
    """Return the digest as text. `shown`: story → whether with its text; `archive` says where the whole issue is."""
    whole = f"{words.whole}: {archive['link'] or archive['place']}"
    lines = [content.title, words.whole_day(content.now), lead]
    if len(shown) < content.stories:
        counts = {"shown": words.number(len(shown)), "all": words.counted(content.stories, words.story)}
        lines += ["", words.shown.format(**counts), whole]
    if content.events:
        seen_events = [event for event in content.events if any(story.number in shown for story in event.stories)]
        lines += _heading(words.events, len(seen_events), len(content.events), words) if seen_events else []
        for event in seen_events:
            lines += ["", f"* {words.told(event.texts, event.outlets)}"]
            for group in event.countries:
                seen = [story for story in group.stories if story.number in shown]
                lines += ["", f"[{words.country_name(group.country)}]"] if seen else []
                lines += _told(seen, content, words, shown)
    for group in content.countries:
        lines += _section(words.country_name(group.country), group.stories, content, words, shown)
    lines += _section(words.borderline, content.borderline, content, words, shown)
    lines += _title(words.health)
    lines += list(_health(content, words)) or [words.all_well]
    lines += [*_title(words.runs), *_wrapped(words.passes(content.passes, content.counts)), "", whole]
    return "\n".join(lines).strip("\n") + "\n"


def _section(
    name: str, stories: Sequence[Story], content: Content, words: Words, shown: Mapping[int, bool]
) -> list[str]:
    seen = [story for story in stories if story.number in shown]
    return [*_heading(name, len(seen), len(stories), words), *_told(seen, content, words, shown)] if seen else []


def _heading(name: str, seen: int, every: int, words: Words) -> list[str]:
    of = f" / {words.number(every)}" if seen < every else ""
    return _title(f"{name} · {words.number(seen)}{of}")


def _title(name: str) -> list[str]:
    return ["", "", name.upper(), "-" * min(COLUMNS, len(name))]


def _told(stories: Iterable[Story], content: Content, words: Words, shown: Mapping[int, bool]) -> Iterator[str]:
    for story in stories:
        yield ""
        yield from _wrapped(story.title or words.untitled)
        day = words.day(story.day, year=content.now.year) if story.day else words.undated
        yield f"{story.outlet} · {day}"
        if shown[story.number]:
            yield from _wrapped(story.sentences, indent="  ")
            if story.terms:
                yield from _wrapped(f"{words.why}: {' · '.join(', '.join(group) for group in story.terms)}")
            if story.also:
                yield from _wrapped(f"{words.also}: {', '.join(_also(story, words))}")
        if story.url:
            yield story.url


def _also(story: Story, words: Words) -> Iterator[str]:
    for other in story.also[:ALSO]:
        notes = words.notes(other.language, other.count)
        yield f"{other.outlet} ({notes})" if notes else other.outlet
    if len(story.also) > ALSO:
        yield words.and_more.format(len(story.also) - ALSO)


def _health(content: Content, words: Words) -> Iterator[str]:
    for note in content.health:
        yield from _wrapped(f"{note.outlet}: {words.trouble(note, year=content.now.year)}")


def _wrapped(text: str, *, indent: str = "") -> list[str]:
    return textwrap.wrap(text, COLUMNS, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
