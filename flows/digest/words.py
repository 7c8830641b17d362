"""The fixed words of a digest in one language: phrases, dates, numbers, plural forms, names of countries.

They are the `[digest]` of `config/languages/<code>.toml`. What outlets write stays in its own language.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache

from config.languages import REGION, DigestWords, Forms, Languages, languages
from extractors.period import Period
from flows.digest.records import Brought, Event, HealthNote, Running, Story

NO_BREAK = "\u00a0"
FEWEST_TOLD = 2  # outlets that are counted


class Words(DigestWords):
    """All fixed words in one language."""

    language: str

    def number(self, number: int) -> str:
        """Return a number with its thousands divided."""
        return f"{number:,}".replace(",", self.thousands)

    def counted(self, number: int, forms: Forms) -> str:
        """Return the number with the noun in its form: 1 материал, 2 материала, 5 материалов."""
        return f"{self.number(number)}{NO_BREAK}{forms[self._form(number)]}"

    def _form(self, number: int) -> int:
        if self.plural == "other":
            return 0
        if self.plural == "one-other":
            return 0 if number == 1 else 1
        if number % 10 == 1 and number % 100 != 11:
            return 0
        return 1 if number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14) else 2

    def day(self, day: date, *, year: int) -> str:
        """Return a day of the month, with its year if that is not `year`."""
        words = f"{day.day}{NO_BREAK}{self.months[day.month - 1]}"
        return words if day.year == year else f"{words} {day.year}"

    def span(self, period: Period, *, year: int) -> str:
        """Return a period: 1 ноября – 30 ноября."""
        return " – ".join(self.day(day, year=year) for day in (period.first, period.last))

    def whole_day(self, day: date) -> str:
        """Return weekday, day, month and year."""
        name = self.weekdays[day.weekday()]
        return f"{name}, {day.day}{NO_BREAK}{self.months[day.month - 1]} {day.year}"

    def short_day(self, day: date) -> str:
        """Return a day in short form: 11.10, 11 Oct."""
        return self.short_day_of.format(day=day.day, month=day.month, short=self.months[day.month - 1][:3])

    def moment(self, moment: datetime, *, year: int) -> str:
        """Return day and time."""
        return f"{self.day(moment.date(), year=year)}, {moment:%H:%M}"

    def decimal(self, number: float) -> str:
        """Return a number with one decimal."""
        return f"{number:.1f}".replace(".", self.point)

    def told(self, event: Event) -> str:
        """Say how many outlets have an event and in which countries, if several: 6 изданий · KZ KG UZ."""
        if event.outlets < FEWEST_TOLD:
            return ""
        return " · ".join(filter(None, (self.counted(event.outlets, self.outlet), " ".join(event.homes))))

    def usual(self, before: float) -> str:
        """Say how many there usually were."""
        return self.figures["before"].format(self.decimal(before))

    def weekday(self, day: str) -> str:
        """Return the name of the weekday of a day in ISO form, and the day."""
        found = date.fromisoformat(day)
        return f"{self.weekdays[found.weekday()]}, {self.short_day(found)}"

    def ran(self, running: Running) -> str:
        """Say that an event goes on, and for how long."""
        return self.running.format(running.day)

    def reasons_of(self, story: Story) -> str:
        """Say why a story is on topic: the words that it names, and for a borderline one how near it came."""
        said = [self.mentioned.format(", ".join(story.terms))] if story.terms else []
        if story.borderline and story.threshold is not None:
            said.append(self.scored.format(threshold=self.decimal(story.threshold), score=self.decimal(story.score)))
        return "; ".join(said)

    def archived(self, brought: Brought, *, year: int) -> str:
        """Say what backfills and imports have added beside the news."""
        first, last = (self.day(day, year=year) if day else "?" for day in (brought.first, brought.last))
        return self.brought.format(count=self.counted(brought.articles, self.article), first=first, last=last)

    def notes(self, language: str | None, count: int) -> str:
        """Return the note in brackets after another outlet: its language, and the number of pages if several."""
        known = [self.languages.get(language, language)] if language else []
        return ", ".join([*known, *([self.number(count)] if count > 1 else [])])

    def passes(self, passes: int, counts: Sequence[tuple[str, int]]) -> str:
        """Return a sentence on the outcome of the passes."""
        if not passes:
            return self.no_runs
        done = [f"{self.counts[name]} {self.number(count)}" for name, count in counts]
        return f"{self.counted(passes, self.passes_of)}: {', '.join(done)}."

    def country_name(self, code: str | None) -> str:
        """Return the country's name, or its code if no name is known."""
        if code == REGION:
            return self.region
        return self.other_countries if code is None else self.countries.get(code, code)

    def state(self, state: str) -> str:
        """Return the words for the state of a source."""
        return self.states.get(state, state)

    def trouble(self, note: HealthNote, *, year: int) -> str:
        """Say what is wrong with a source, since when, and why."""
        since = f" {self.since.format(self.day(note.since, year=year))}" if note.since else ""
        return f"{self.state(note.state)}{since}{f', {self.reason(note.why)}' if note.why else ''}"

    def reason(self, why: str) -> str:
        """Return the reason for a source's state, in this language if the sentence is known."""
        for ours, words in self.reasons.items():
            if found := _sentence(ours).fullmatch(why):
                return words.format(*(self._span(group) for group in found.groups()))
        return why

    def _span(self, text: str) -> str:
        """Return `80 h`, `12 days` or a mere number, with the noun of this language."""
        number, _, unit = text.partition(" ")
        if unit in self.spans and number.isdigit():
            return self.counted(int(number), self.spans[unit])
        return text


def words_of(frame: str) -> Words:
    """Return the words of a digest in the language of this code. The settings were checked: it has some."""
    return _words_of(languages(), frame)


@cache
def _words_of(known: Languages, frame: str) -> Words:
    return Words(language=frame, **dict(known.by_code[frame].digest or ()))


@cache
def _sentence(words: str) -> re.Pattern[str]:
    """Return a pattern for one of our own sentences, in which `{}` stands for what differs."""
    return re.compile("(.{1,60})".join(map(re.escape, words.split("{}"))))
