"""The fixed words of a digest, in Russian and in English: phrases, dates, numbers, plural forms, names of countries.

What outlets write stays in its own language. Plural forms follow CLDR (Russian: one, few, many; English: one, other).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

Frame = Literal["ru", "en"]
Forms = tuple[str, ...]

NO_BREAK = "\u00a0"


@dataclass(frozen=True, slots=True)
class Words:
    """All fixed words in one language."""

    language: Frame
    article: Forms
    story: Forms  # as it stands in `shown`
    outlet: Forms
    months: tuple[str, ...]  # as they follow a day
    weekdays: tuple[str, ...]
    countries: dict[str, str]
    other_countries: str
    languages: dict[str, str]  # in a few letters
    flags: dict[str, str]
    reasons: tuple[tuple[re.Pattern[str], str], ...]  # why a source is flagged, see `storage.health.sources`
    spans: tuple[tuple[str, Forms], ...]
    counts: dict[str, str]
    events: str
    borderline: str
    borderline_note: str
    also: str
    and_more: str
    why: str
    undated: str
    untitled: str
    nothing: str
    since: str
    health: str
    all_well: str
    runs: str
    no_runs: str
    passes_of: Forms
    folder: str
    file: str
    days: str
    by_country: str
    days_alt: str
    by_country_alt: str
    shown: str
    whole: str
    footer: str
    thousands: str

    def number(self, number: int) -> str:
        """Return a number with its thousands divided."""
        return f"{number:,}".replace(",", self.thousands)

    def counted(self, number: int, forms: Forms) -> str:
        """Return the number with the noun in its form: 1 материал, 2 материала, 5 материалов."""
        return f"{self.number(number)}{NO_BREAK}{forms[self._form(number)]}"

    def _form(self, number: int) -> int:
        if self.language == "en":
            return 0 if number == 1 else 1
        if number % 10 == 1 and number % 100 != 11:
            return 0
        return 1 if number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14) else 2

    def day(self, day: date, *, year: int) -> str:
        """Return a day of the month, with its year if that is not `year`."""
        words = f"{day.day}{NO_BREAK}{self.months[day.month - 1]}"
        return words if day.year == year else f"{words} {day.year}"

    def whole_day(self, day: date) -> str:
        """Return weekday, day, month and year."""
        name = self.weekdays[day.weekday()]
        return f"{name}, {day.day}{NO_BREAK}{self.months[day.month - 1]} {day.year}"

    def short_day(self, day: date) -> str:
        """Return a day in short form: 11.10, 11 Oct."""
        return f"{day:%d.%m}" if self.language == "ru" else f"{day.day} {self.months[day.month - 1][:3]}"

    def moment(self, moment: datetime, *, year: int) -> str:
        """Return day and time."""
        return f"{self.day(moment.date(), year=year)}, {moment:%H:%M}"

    def told(self, texts: int, outlets: int) -> str:
        """Say how much an event is written about."""
        return f"{self.counted(texts, self.article)} · {self.counted(outlets, self.outlet)}"

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
        return self.other_countries if code is None else self.countries.get(code, code)

    def reason(self, why: str) -> str:
        """Return the reason for a source's flag, in this language if the sentence is known."""
        for pattern, words in self.reasons:
            if found := pattern.fullmatch(why):
                return words.format(*(self._span(group) for group in found.groups()))
        return why

    def _span(self, text: str) -> str:
        """Return `80 h`, `12 days` or a mere number, with the noun of this language."""
        number, _, unit = text.partition(" ")
        for name, forms in self.spans:
            if unit == name and number.isdigit():
                return self.counted(int(number), forms)
        return text


_COUNTRIES = {
    "KZ": ("Казахстан", "Kazakhstan"), "KG": ("Кыргызстан", "Kyrgyzstan"), "TJ": ("Таджикистан", "Tajikistan"),
    "TM": ("Туркменистан", "Turkmenistan"), "UZ": ("Узбекистан", "Uzbekistan"), "US": ("США", "United States"),
    "RU": ("Россия", "Russia"), "CN": ("Китай", "China"), "TR": ("Турция", "Türkiye"),
    "GB": ("Великобритания", "United Kingdom"), "DE": ("Германия", "Germany"), "FR": ("Франция", "France"),
    "IT": ("Италия", "Italy"), "ES": ("Испания", "Spain"), "PL": ("Польша", "Poland"), "CZ": ("Чехия", "Czechia"),
    "AT": ("Австрия", "Austria"), "CH": ("Швейцария", "Switzerland"), "BE": ("Бельгия", "Belgium"),
    "NL": ("Нидерланды", "Netherlands"), "SE": ("Швеция", "Sweden"), "NO": ("Норвегия", "Norway"),
    "FI": ("Финляндия", "Finland"), "LT": ("Литва", "Lithuania"), "LV": ("Латвия", "Latvia"),
    "EE": ("Эстония", "Estonia"), "UA": ("Украина", "Ukraine"), "BY": ("Беларусь", "Belarus"),
    "MD": ("Молдова", "Moldova"), "GE": ("Грузия", "Georgia"), "AM": ("Армения", "Armenia"),
    "AZ": ("Азербайджан", "Azerbaijan"), "IR": ("Иран", "Iran"), "AF": ("Афганистан", "Afghanistan"),
    "PK": ("Пакистан", "Pakistan"), "IN": ("Индия", "India"), "MN": ("Монголия", "Mongolia"),
    "JP": ("Япония", "Japan"), "KR": ("Южная Корея", "South Korea"), "IL": ("Израиль", "Israel"),
    "AE": ("ОАЭ", "UAE"), "SA": ("Саудовская Аравия", "Saudi Arabia"), "QA": ("Катар", "Qatar"),
    "CA": ("Канада", "Canada"), "AU": ("Австралия", "Australia"),
}  # fmt: skip
_LANGUAGES = {
    "ru": ("рус.", "Russian"), "en": ("англ.", "English"), "kk": ("каз.", "Kazakh"), "ky": ("кырг.", "Kyrgyz"),
    "uz": ("узб.", "Uzbek"), "tg": ("тадж.", "Tajik"), "tk": ("туркм.", "Turkmen"), "tr": ("тур.", "Turkish"),
    "de": ("нем.", "German"), "fr": ("фр.", "French"), "zh": ("кит.", "Chinese"), "fa": ("перс.", "Persian"),
    "uk": ("укр.", "Ukrainian"), "az": ("азерб.", "Azerbaijani"), "ar": ("араб.", "Arabic"), "es": ("исп.", "Spanish"),
}  # fmt: skip

RU = Words(
    language="ru",
    article=("материал", "материала", "материалов"),
    story=("сюжета", "сюжетов", "сюжетов"),  # after "из"
    outlet=("издание", "издания", "изданий"),
    months=(
        "января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября",
        "декабря",
    ),
    weekdays=("Понедельник", "Вторник", "Среда", "Четверг", "Пятница", "Суббота", "Воскресенье"),
    countries={code: names[0] for code, names in _COUNTRIES.items()},
    other_countries="Другие страны",
    languages={code: names[0] for code, names in _LANGUAGES.items()},
    flags={"failing": "не читается", "silent": "молчит", "redesigned": "сменил вид", "old-rule": "правило устарело"},
    reasons=tuple(
        (re.compile(pattern), words)
        for pattern, words in (
            (r"(\d+) polls failed in a row", "неудачных опросов подряд: {}"),
            (r"nothing new for (.+); its longest pause so far was (.+)", "нового нет {}; прежде дольше всего – {}"),
            (r"no text found on (\d+) of its latest pages", "нет текста на последних страницах: {}"),
            (r"texts of (\d+) words where (\d+) were usual", "слов в тексте: {}, обычно {}"),
            (r"no date found on (\d+) of its latest pages", "нет даты на последних страницах: {}"),
        )
    ),
    spans=(("h", ("час", "часа", "часов")), ("days", ("день", "дня", "дней"))),
    counts={
        "new": "новых записей", "appended": "добавлено", "duplicates": "повторов",
        "off_topic": "не по теме", "failed": "не удалось", "pending": "ждут",
    },
    events="Главное",
    borderline="На грани темы",
    borderline_note="Набрали едва достаточно или чуть больше: возможно, не о том.",
    also="Также",
    and_more="и ещё {}",
    why="Почему здесь",
    undated="без даты",
    untitled="Без заголовка",
    nothing="Нового по теме нет.",
    since=f"с{NO_BREAK}{{}}",
    health="Состояние источников",
    all_well="Все источники в порядке.",
    runs="Работа за период",
    no_runs="За это время проходов не было.",
    passes_of=("проход", "прохода", "проходов"),
    folder="в папке digests",
    file="файл {} в папке digests",
    days="Материалов в день за 30 дней",
    by_country="По странам за 30 дней",
    days_alt="Материалов в день с {first} по {last}: всего {total}, больше всего {most} ({day})",
    by_country_alt="Материалов по странам с {first} по {last}: {list}",
    shown="Показано {shown} из {all}",
    whole="Полный выпуск",
    footer="Заголовки и первые предложения приведены по тексту изданий; машина ничего не пересказывает.",
    thousands=NO_BREAK,
)  # fmt: skip

EN = Words(
    language="en",
    article=("article", "articles"),
    story=("story", "stories"),
    outlet=("outlet", "outlets"),
    months=(
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ),
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    countries={code: names[1] for code, names in _COUNTRIES.items()},
    other_countries="Other countries",
    languages={code: names[1] for code, names in _LANGUAGES.items()},
    flags={"failing": "failing", "silent": "silent", "redesigned": "redesigned", "old-rule": "site rule out of date"},
    reasons=(),
    spans=(),
    counts={
        "new": "new entries", "appended": "appended", "duplicates": "duplicates",
        "off_topic": "off topic", "failed": "failed", "pending": "pending",
    },
    events="Top events",
    borderline="Borderline",
    borderline_note="These reached the topic only just, or by little more: they may be about something else.",
    also="Also",
    and_more="and {} more",
    why="Why here",
    undated="undated",
    untitled="Untitled",
    nothing="Nothing new on the topic.",
    since=f"since{NO_BREAK}{{}}",
    health="Health of the sources",
    all_well="All sources are well.",
    runs="Runs in this period",
    no_runs="There were no passes in this time.",
    passes_of=("pass", "passes"),
    folder="in the folder digests",
    file="file {} in the folder digests",
    days="Articles per day, 30 days",
    by_country="By country, 30 days",
    days_alt="Articles per day from {first} to {last}: {total} in all, at most {most} ({day})",
    by_country_alt="Articles by country from {first} to {last}: {list}",
    shown="{shown} of {all} shown",
    whole="The whole issue",
    footer="Headlines and first sentences are the outlets' own; nothing is retold by a machine.",
    thousands=",",
)  # fmt: skip

WORDS: dict[Frame, Words] = {"ru": RU, "en": EN}
