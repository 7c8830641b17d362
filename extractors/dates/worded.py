"""Dates as people read them in a text: "6 ноября 2025", "6 қараша", "2025-yil 6-noyabr", "Nov. 6", "07.11.2025".

Strict, because any text may come: a month counts by its whole name or by a usual abbreviation in Russian, English,
Kazakh, Kyrgyz, Uzbek (both scripts), Tajik, Turkmen, Turkish or Azerbaijani, a day only if the calendar has it. Without
I/O and without a clock: a date that lacks its year is completed by the caller's reference.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo

# By month: nominative, genitive or izofa, and abbreviations as printed on news sites.
_NAMES = (
    "january jan январь января январе янв январи қаңтар қаң yanvar ýanwar ocak oca",
    "february feb февраль февраля феврале фев февр феврал феврали ақпан ақп fevral fewral şubat şub",
    "march mar март марта марте мар марти наурыз нау mart",
    "april apr апрель апреля апреле апр апрел апрели сәуір сәу aprel nisan nis",
    "may май мая мае майи мамыр мам maý mayıs",
    "june jun июнь июня июне июн июни маусым мау iyun iýun haziran haz",
    "july jul июль июля июле июл июли шілде шіл iyul iýul temmuz tem",
    "august aug август августа августе авг августи тамыз там avgust awgust ağustos ağu avqust",
    "september sept sep сентябрь сентября сентябре сен сент сентябр сентябри қыркүйек қыр sentabr sentyabr sentýabr "
    "eylül eyl",
    "october oct октябрь октября октябре окт октябр октябри қазан қаз oktabr oktyabr oktýabr ekim eki",
    "november nov ноябрь ноября ноябре ноя нояб ноябр ноябри қараша қар noyabr noýabr kasım kas",
    "december dec декабрь декабря декабре дек декабр декабри желтоқсан жел dekabr aralık ara",
)
MONTHS = {name: number for number, names in enumerate(_NAMES, 1) for name in names.split()}
# "6 қарашада", "6-ноябры", "6-ноябрында", "6-njy noýabrynda": Turkic endings of "in" and "of".
_ENDING = re.compile(r"(?:[ыиiıy]н?да|[ыiıy]nda|[дт][ае]|[dt][ae]|ы|y)$")

_DAY = r"(?<![\d.:/№])(?P<d>\d{1,2})(?:st|nd|rd|th|[-\s]?(?:nji|njy|го|е|чи|чы|чү|чу|inci|ıncı))?"
_NAME = r"(?P<name>[^\W\d_]{3,12})(?![^\W\d_])\.?"
_YEAR = r"(?P<y>(?:19|20)\d\d)(?![\d:])"
_YEAR_WORD = (
    r"(?:[-–\s]?(?:nji|njy|го|чи|чы|чү|чу)?\s*(?:жылғы|жылдын|жылы|жыл|йилнинг|йил|yilning|yil|ýylyň|ýyl|жылдың)\b)"
)
_DIGIT = re.compile(r"\d")
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"(?<![\d/])(?P<y>(?:19|20)\d\d)(?P<sign>[-./])(?P<m>\d{1,2})(?P=sign)(?P<d>\d{1,2})(?!\d)",  # 2025-11-06
        r"(?<!\d)(?P<y>(?:19|20)\d\d)\s?年\s?(?P<m>\d{1,2})\s?月\s?(?P<d>\d{1,2})\s?日",
        r"(?<![\d./-])(?P<d>\d{1,2})(?P<sign>[./-])(?P<m>\d{1,2})(?P=sign)(?P<y>(?:19|20)\d\d)(?!\d)",  # 06.11.2025
        r"(?<![\d./-])(?P<d>\d{1,2})(?P<sign>[./])(?P<m>\d{1,2})(?P=sign)(?P<short>\d\d)(?![\d./])",  # 06.11.25
        rf"(?<!\d)(?P<y>(?:19|20)\d\d){_YEAR_WORD}?[\s,.]*{_DAY}[\s-]+{_NAME}",  # 2025 жылғы 6 қараша
        rf"{_DAY}[\s.–-]*(?:of\s+)?{_NAME}[\s,.-]*(?:соли\s+)?{_YEAR}",  # 6 November 2025, 6 ноябри соли 2025
        rf"(?<![^\W\d_]){_NAME}[\s-]+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:\s*,\s*|\s+){_YEAR}",  # Nov. 6, 2025
        rf"{_DAY}[\s.–-]*(?:of\s+)?{_NAME}",  # 6 ноября
        rf"(?<![^\W\d_]){_NAME}[\s-]+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:.]\d|\d)",  # Nov 6
    )
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A date in a line, from character `start` to `end`; `year` is None where the line does not say it."""

    year: int | None
    month: int
    day: int
    start: int
    end: int

    def on(self, reference: date, *, latest: date) -> date | None:
        """The day meant, not after `latest`; None where there is no such day.

        Without a year it is the last such day up to the day after `reference` (which may be the eve in another zone).
        """
        if self.year is not None:
            stated = date(self.year, self.month, self.day)
            return stated if stated <= latest else None
        last = min(latest, reference + timedelta(days=1))
        for year in (last.year, last.year - 1):
            if _exists(year, self.month, self.day) and (day := date(year, self.month, self.day)) <= last:
                return day
        return None


def mentions(line: str, *, month_first: bool | None = False) -> list[Mention]:
    """The dates in `line`, in its order; fuller forms go before shorter ones where they overlap.

    `month_first` is how to read "03/04/2025": True as American, False as the rest of the world, None not at all.
    """
    found: list[Mention] = []
    if not has_digit(line):  # as most lines: no form does without one
        return found
    for form in _FORMS:
        for match in form.finditer(line):
            if all(match.end() <= other.start or match.start() >= other.end for other in found):
                mention = _mention(match, month_first)
                if mention is not None:
                    found.append(mention)
    return sorted(found, key=lambda mention: mention.start)


def has_digit(line: str) -> bool:
    """Whether there is a digit in the line: without one there is no date."""
    return _DIGIT.search(line) is not None


def writes_month_first(zone: tzinfo) -> bool | None:
    """Whether "03/04/2025" is March in a publisher's zone: yes in America, no elsewhere, unknown in UTC."""
    name = getattr(zone, "key", "")
    return name.startswith("America/") if name and name not in ("UTC", "Etc/UTC") else None


def _mention(match: re.Match[str], month_first: bool | None) -> Mention | None:
    fields = match.groupdict()
    day = int(fields["d"])
    if name := fields.get("name"):
        month = month_named(name)
    else:
        month = int(fields["m"])
        if fields.get("sign") == "/" and match.start("m") > match.start("d"):
            if month_first is None and day != month and max(day, month) <= 12:
                return None
            if (month_first and day <= 12) or month > 12:
                day, month = month, day
    year = int(fields["y"]) if fields.get("y") else 2000 + int(fields["short"]) if fields.get("short") else None
    if month is None or not _exists(year or 2024, month, day):  # 2024: a leap year
        return None
    return Mention(year, month, day, match.start(), match.end())


def month_named(name: str) -> int | None:
    """The number of the month with this name, in any of the languages and any case."""
    lower = name.replace("İ", "i").lower()
    return MONTHS.get(lower) or MONTHS.get(_ENDING.sub("", lower))


def _exists(year: int, month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]
