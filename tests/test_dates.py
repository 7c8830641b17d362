"""The day of publication: what a stated date means, and which of several is believed."""

from __future__ import annotations

import html
import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring

from extractors.dates.choice import ORDER, choose, day_in_url, search_day
from extractors.dates.stated import parse_day
from extractors.dates.visible import dateline_day, visible_date
from extractors.pages import article
from extractors.pages.article import date_candidates
from extractors.pages.job import ArticleJob
from extractors.pages.metadata import read_metadata
from extractors.records import DateCandidate, Entry, Page
from extractors.zones import ZONES, zone_of, zone_of_host

ALMATY = ZoneInfo("Asia/Almaty")
NOW = datetime(2025, 11, 22, 6, 0, tzinfo=UTC)
TODAY = NOW.date()
SIXTH, SEVENTH = date(2025, 11, 6), date(2025, 11, 7)

DAYS = [
    # name, what is stated, the day in Almaty (UTC+5)
    ("day", "2025-11-06", SIXTH),
    ("day without dashes", "20251106", SIXTH),
    ("spaces around", "  2025-11-06\n", SIXTH),
    ("time without zone", "2025-11-06T23:59:59", SIXTH),
    ("time without seconds", "2025-11-06T23:59", SIXTH),
    ("space for T", "2025-11-06 23:59:59", SIXTH),
    ("fractions of a second", "2025-11-06T10:00:00.123456", SIXTH),
    ("three digits of a second", "2025-11-06T10:00:00.123Z", SIXTH),
    ("Z by day", "2025-11-06T10:00:00Z", SIXTH),
    ("Z just before midnight in Almaty", "2025-11-06T18:59:59Z", SIXTH),
    ("Z at midnight in Almaty", "2025-11-06T19:00:00Z", SEVENTH),
    ("offset of Almaty", "2025-11-06T23:30:00+05:00", SIXTH),
    ("offset without colon", "2025-11-06T23:30:00+0500", SIXTH),
    ("offset of hours", "2025-11-06T23:30:00+05", SIXTH),
    ("Washington in the evening", "2025-11-06T20:00:00-05:00", SEVENTH),
    ("Washington in the morning", "2025-11-06T08:00:00-05:00", SIXTH),
    ("Tokyo just after midnight", "2025-11-07T01:00:00+09:00", SIXTH),
    ("before Kazakhstan moved to UTC+5", "2023-11-06T18:30:00Z", date(2023, 11, 7)),
    ("offset after a space", "2025-11-06 10:00:00 +0500", SIXTH),
    ("name of a zone after it", "2025-11-06 10:00:00 MSK", SIXTH),
    ("text after it", "2025-11-06, Almaty", SIXTH),
    ("nine digits of a second", "2025-11-06T10:00:00.123456789Z", SIXTH),
    ("24 o'clock", "2025-11-06T24:00:00", SIXTH),
    ("day of a week", "2025-W45-4", SIXTH),
    ("feed date", "Thu, 06 Nov 2025 10:00:00 +0500", SIXTH),
    ("feed date carried over midnight", "Thu, 06 Nov 2025 19:30:00 GMT", SEVENTH),
    ("feed date of another zone", "Thu, 06 Nov 2025 20:00:00 EST", SEVENTH),
    ("feed date without weekday", "6 Nov 2025 10:00:00 +0000", SIXTH),
    ("feed date of unknown zone", "Thu, 06 Nov 2025 23:30:00 -0000", SIXTH),
    ("feed date with two digits of a year", "Thu, 06 Nov 25 10:00:00 GMT", SIXTH),
    ("dots", "06.11.2025", SIXTH),
    ("dots without zeros", "6.11.2025", SIXTH),
    ("dots and time", "06.11.2025 23:59", SIXTH),
    ("dots, comma and time", "06.11.2025, 12:30", SIXTH),
    ("slashes, day first", "06/11/2025", SIXTH),
    ("month that cannot be", "06.13.2025", None),
    ("day that cannot be", "2025-02-30", None),
    ("day that cannot be, with time", "2025-02-30T10:00:00Z", None),
    ("zeros", "0000-00-00 00:00:00", None),
    ("zeros with dots", "00.00.0000", None),
    ("sentence that mentions one", "Договор, который подписали ещё 6 ноября 2025 года в Астане, вступил в силу", None),
    ("number of seconds", "1762400000", SIXTH),
    ("number of milliseconds", "1762400000000", SIXTH),
    ("number of an article", "176240000", None),
    ("nothing", "", None),
    ("spaces", "   ", None),
    ("word", "вчера", None),
    ("words in Russian", "6 ноября 2025", SIXTH),
    ("words without a year", "6 ноября", None),
    ("two dates", "6 ноября 2025 – 7 ноября 2025", None),
    ("slashes, two days that can be", "03/04/2025", date(2025, 4, 3)),
    ("slashes, the weekday decides", "Thu, 11/06/2025 - 10:15", SIXTH),
    ("slashes, the weekday decides, afternoon", "Thursday, 11/06/2025 - 10:15 PM", SIXTH),
    ("slashes, the weekday decides for the day first", "Чт, 06/11/2025 - 10:15", SIXTH),
    ("slashes, a weekday that fits neither", "Mon, 03/04/2025", date(2025, 4, 3)),
    ("slashes, zeros", "00/00/2025", None),
    ("slashes, month first for want of a month 13", "11/13/2025", date(2025, 11, 13)),
    ("year", "2025", None),
    ("template", "{{ date }}", None),
    ("five digits of a year", "12025-11-06", None),
    ("too many digits", "2025-11-061", None),
    ("before the beginning of time", "0001-01-01T00:00:00+14:00", None),
    ("after the end of time", "9999-12-31T23:59:59-12:00", None),
    ("zone beyond all numbers", "Thu, 6 Nov 2025 10:00:00 +99999999999999999", SIXTH),
    ("year beyond all numbers", "Thu, 6 Nov 99999999999999 10:00:00 +0000", None),
    ("offset of more than a day", "Thu, 6 Nov 2025 10:00:00 +2500", SIXTH),
]  # fmt: skip

URLS = [
    ("folders", "https://site.kz/2025/11/06/bridge", SIXTH),
    ("folders at the end", "https://site.kz/news/2025/11/06", SIXTH),
    ("folders and slash", "https://site.kz/news/2025/11/06/", SIXTH),
    ("dashes", "https://site.kz/news/2025-11-06-bridge", SIXTH),
    ("dashes in the name", "https://site.kz/bridge-2025-11-06.html", SIXTH),
    ("one number after an underscore", "https://site.kz/bridge_20251106.html", SIXTH),
    ("one number as a folder", "https://site.kz/20251106/bridge", SIXTH),
    ("month alone", "https://site.kz/2025/11/bridge", None),
    ("number of an article", "https://site.kz/news/20259999", None),
    ("longer number", "https://site.kz/news/202511061", None),
    ("number inside a longer one", "https://site.kz/news/1120251106", None),
    ("day that cannot be", "https://site.kz/2025/02/30/", None),
    ("month that cannot be", "https://site.kz/2025/13/06/", None),
    ("before the web", "https://site.kz/1979/11/06/", None),
    ("day first", "https://site.kz/06-11-2025", SIXTH),
    ("day first in folders", "https://site.kz/economics/06/11/2025/68651a7b", SIXTH),
    ("day first with points", "https://site.kz/06.11.2025/bridge", SIXTH),
    ("month first where only that is possible", "https://site.kz/11/16/2025/bridge", date(2025, 11, 16)),
    ("two numbers that are no month", "https://site.kz/13/16/2025/bridge", None),
    ("day and month by name", "https://site.kz/news/06nov2025/bridge", SIXTH),
    ("the same with dashes", "https://site.kz/6-nov-2025", SIXTH),
    ("the same in the outlet's language", "https://site.uz/yangiliklar/6-noyabr-2025/", SIXTH),
    ("month by name in a folder", "https://site.com/world/2025/nov/06/bridge", SIXTH),
    ("month by name first", "https://site.com/november/06/2025/bridge", SIXTH),
    ("a word that is no month", "https://site.kz/06abc2025/bridge", None),
    ("what the article is about", "https://site.uz/6-noyabr-2025-yangiliklar", None),
    ("a time", "https://site.kz/10/30/20/bridge", None),
    ("day first, of no calendar", "https://site.kz/31/02/2025/bridge", None),
    ("nothing", "https://site.kz/", None),
]  # fmt: skip


def candidate(origin: str, day: date = SIXTH) -> DateCandidate:
    return DateCandidate(day, origin)


@pytest.mark.parametrize(("text", "day"), [row[1:] for row in DAYS], ids=[row[0] for row in DAYS])
def test_a_stated_date_means_a_day_in_the_publishers_zone(text: str, day: date | None) -> None:
    assert parse_day(text, ALMATY) == day


NUMBERS = st.integers(0, 10**20).map(str)
ALMOST_DATES = st.tuples(
    st.sampled_from(["", "Thu, ", "2025-11-", "99.", "6 Nov "]), NUMBERS,
    st.sampled_from([" 10:00:00 +", "T", "-", " "]), NUMBERS,
).map("".join)  # fmt: skip


@given(st.text(max_size=40) | ALMOST_DATES | st.datetimes(timezones=st.timezones()).map(datetime.isoformat))
def test_whatever_a_page_states_is_a_day_or_nothing(text: str) -> None:
    assert isinstance(parse_day(text, ALMATY), date | None)


@given(st.datetimes(datetime(1995, 1, 2), datetime(2030, 1, 1), timezones=st.just(UTC)))
def test_iso_and_feed_dates_mean_the_same_day(moment: datetime) -> None:
    expected = moment.astimezone(ALMATY).date()
    assert parse_day(moment.isoformat(), ALMATY) == expected
    assert parse_day(f"{moment:%d %b %Y %H:%M:%S} +0000", ALMATY) == expected


@pytest.mark.parametrize(("url", "day"), [row[1:] for row in URLS], ids=[row[0] for row in URLS])
def test_the_day_in_an_address(url: str, day: date | None) -> None:
    assert day_in_url(url) == day


def test_an_address_of_an_american_publisher_has_the_month_first() -> None:
    url = "https://site.com/11/06/2025/bridge"
    assert day_in_url(url, ZoneInfo("America/New_York")) == SIXTH
    assert day_in_url(url, ALMATY) == date(2025, 6, 11)
    assert day_in_url(url) == date(2025, 6, 11)


def test_an_american_publisher_writes_the_month_first() -> None:
    assert parse_day("11/06/2025", ZoneInfo("America/New_York")) == SIXTH
    assert parse_day("06/11/2025", ALMATY) == SIXTH
    assert parse_day("11/06/2025", UTC) is None  # nobody knows


# --- Which of several -------------------------------------------------------------------------------------------


CONFLICTS = [
    # name, candidates as "origin day of November", the day believed
    ("one", "json-ld 6", 6),
    ("statement before feed", "json-ld 6, feed 9", 6),
    ("order of statements", "meta 7, json-ld 6", 6),
    ("first of one origin", "json-ld 6, json-ld 4", 6),
    ("statement made today, feed and address agree", "json-ld 22, feed 6, url 6", 6),
    ("two statements made today, feed and address agree", "json-ld 22, meta 22, feed 6, url 6", 6),
    ("statement made today, the page shows another", "json-ld 22, visible 6", 6),
    ("statement made today, feed alone", "json-ld 22, feed 6", 6),
    ("statement of today, feed of yesterday: zones", "json-ld 22, feed 21", 22),
    ("statement of today, dateline of the eve", "json-ld 22, dateline 21", 22),
    ("statement of today, old dateline", "json-ld 22, dateline 6", 22),
    ("feed built today", "feed 22, url 6", 6),
    ("feed built today, page agrees with itself", "json-ld 6, meta 6, feed 22", 6),
    ("feed and reader's date against a statement", "json-ld 9, feed 6, visible 6", 6),
    ("machines agree among themselves only", "json-ld 9, meta 9, time 9, feed 6, url 6", 6),
    ("all differ", "json-ld 3, feed 6, url 9, visible 12", 3),
    ("a server that prints days of another zone", "feed 7, url 6, visible 6", 7),
    ("future statement", "json-ld 23, feed 6", 6),
    ("nothing but the future", "json-ld 23, feed 30", None),
    ("future and search", "json-ld 30, htmldate 6", 6),
    ("address before what is shown", "url 6, visible 7", 6),
    ("shown before dateline", "visible 6, dateline 5", 6),
    ("dateline agrees with the feed", "json-ld 8, feed 6, dateline 6", 6),
]  # fmt: skip


@pytest.mark.parametrize(("stated", "day"), [row[1:] for row in CONFLICTS], ids=[row[0] for row in CONFLICTS])
def test_of_several_days_one_is_believed_by_stated_rules(stated: str, day: int | None) -> None:
    candidates = [candidate(origin, date(2025, 11, int(d))) for origin, d in (c.split() for c in stated.split(", "))]
    chosen = choose(candidates, today=TODAY)
    assert (chosen.day if chosen else None) == (date(2025, 11, day) if day else None)
    assert chosen is None or chosen in candidates


@pytest.mark.parametrize("position", range(len(ORDER) - 1))
def test_the_better_origin_is_believed_wherever_it_stands(position: int) -> None:
    better, worse = candidate(ORDER[position], SEVENTH), candidate(ORDER[position + 1])
    assert choose([worse, better], today=TODAY) == better
    assert choose([better, worse], today=TODAY) == better


@pytest.mark.parametrize(
    ("day", "possible"),
    [
        (date(1970, 1, 1), False),
        (date(1994, 12, 31), False),
        (date(1995, 1, 1), True),
        (date(2025, 11, 22), True),
        (date(2025, 11, 23), False),
        (date(2999, 1, 1), False),
    ],
    ids=str,
)
def test_a_day_that_cannot_be_is_no_candidate(day: date, possible: bool) -> None:
    stated = candidate("json-ld", day)
    assert choose([stated], today=TODAY) == (stated if possible else None)


@given(st.lists(st.builds(DateCandidate, st.dates(), st.sampled_from(ORDER)), max_size=8), st.dates())
def test_never_a_day_in_the_future(candidates: list[DateCandidate], today: date) -> None:
    chosen = choose(candidates, today=today)
    assert chosen is None or (chosen in candidates and date(1995, 1, 1) <= chosen.day <= today)


@pytest.mark.parametrize(
    ("country", "offset"),
    [("KZ", 5), ("UZ", 5), ("KG", 6), ("TJ", 5), ("TM", 5), ("RU", 3), ("US", -5), ("GB", 0), ("XX", 0), ("", 0)],
)
def test_a_country_has_the_zone_of_its_capital(country: str, offset: int) -> None:
    assert NOW.astimezone(zone_of(country)).utcoffset() == timedelta(hours=offset)


@pytest.mark.parametrize(
    ("host", "country"),
    [("kun.uz", "UZ"), ("www.akorda.KZ", "KZ"), ("bbc.co.uk", "GB"), ("state.gov", "US"), ("site.com", ""), ("", "")],
)
def test_a_host_has_the_zone_of_its_domains_country(host: str, country: str) -> None:
    assert zone_of_host(host) == zone_of(country)


def test_every_zone_exists() -> None:
    assert all(zone_of(country) == ZoneInfo(name) for country, name in ZONES.items())


# --- Shown to readers -------------------------------------------------------------------------------------------


LINES = [
    # Russian
    ("6 ноября 2025", SIXTH), ("6 ноября 2025 г.", SIXTH), ("6 ноября 2025 года", SIXTH), ("06 ноя 2025", SIXTH),
    ("6 нояб. 2025", SIXTH), ("06.11.2025", SIXTH), ("6.11.2025", SIXTH), ("06.11.25", SIXTH),
    ("12:30 06.11.2025", SIXTH),
    ("06.11.2025, 12:30", SIXTH), ("12:30, 6 ноября 2025", SIXTH), ("Четверг, 6 ноября 2025 г., 12:30", SIXTH),
    ("Опубликовано: 6 ноября 2025, 12:30", SIXTH), ("Дата публикации: 06.11.2025", SIXTH), ("Дата: 06.11.25", SIXTH),
    ("Размещено 6 ноября 2025 в 12:30", SIXTH), ("Добавлено: 06-11-2025 12:30", SIXTH), ("6 ноября", SIXTH),
    ("6 ноября, 12:30", SIXTH), ("чт, 6 ноя. 12:30", SIXTH), ("11 янв.", date(2025, 1, 11)), ("6 НОЯБРЯ 2025", SIXTH),
    ("Астана, 6 ноября 2025, 12:30", SIXTH), ("Политика | 6 ноября 2025 | 1 245", SIXTH),
    ("06.11.2025 • 12:30 • 4 мин", SIXTH),
    ("Автор: Асель Ермекова, 6 ноября 2025", SIXTH), ("6 ноября 2025 / Экономика", SIXTH),
    ("31 дек. 2024", date(2024, 12, 31)),
    ("Опубликовано 6 ноября 2025, обновлено 7 ноября 2025", SIXTH),
    ("Обновлено 7 ноября 2025 | Опубликовано 6 ноября 2025", SIXTH),
    ("6 ноября, четверг, 2025", SIXTH), ("6 ноября, четверг, 2024", date(2024, 11, 6)),
    ("Создано: 06.11.2025", SIXTH), ("Дата создания: 6 ноября 2025", SIXTH),
    ("Изменено 07.11.2025 / Создано 06.11.2025", SIXTH), ("Изменено: 07.11.2025", None),
    ("Отредактировано 7 ноября 2025", None), ("6 ноября. Итоги 2024", None),
    ("6 ноября 2025, 10:15 Просмотры: 1245", SIXTH), ("6 ноября 2025, 10:15 (по времени Астаны)", SIXTH),
    ("6 ноября 2025, 10:15 по московскому времени", SIXTH), ("6 ноября 2025, Асель Ермекова", SIXTH),
    # English
    ("Thu, 11/06/2025 - 10:15", SIXTH), ("Thursday, 11/06/2025 - 10:15 AM", SIXTH), ("Created: 6 November 2025", SIXTH),
    ("Last edited November 7, 2025", None), ("6 November 2025, 10:15 (local time)", SIXTH),
    ("November 6, 2025, John Smith", SIXTH),
    ("November 6, 2025", SIXTH), ("Nov 6, 2025", SIXTH), ("Nov. 6, 2025", SIXTH), ("6 November 2025", SIXTH),
    ("6 Nov 2025", SIXTH), ("Thursday, November 6, 2025", SIXTH), ("6th November 2025", SIXTH),
    ("the 6th of November 2025", SIXTH),
    ("Nov. 6th 2025 8:54 am", SIXTH), ("Published: Nov 6, 2025 at 12:30", SIXTH), ("Posted on 6 November 2025", SIXTH),
    ("By John Smith | November 6, 2025", SIXTH), ("By John Smith November 6, 2025", SIXTH), ("2025-11-06", SIXTH),
    ("2025/11/06 12:30", SIXTH), ("2025.11.06", SIXTH), ("Nov 6", SIXTH), ("November 6, 12:30", SIXTH),
    ("13/11/2025", date(2025, 11, 13)),
    # Kazakh
    ("6 қараша 2025", SIXTH), ("6 қараша", SIXTH), ("6 қараша, 2025 ж.", SIXTH), ("2025 жылғы 6 қараша", SIXTH),
    ("2025 ж. 6 қараша", SIXTH), ("06 қараша 2025, 12:30", SIXTH), ("Бейсенбі, 6 қараша 2025", SIXTH),
    ("11 қаң. 2025", date(2025, 1, 11)),
    ("Жарияланды: 6 қараша 2025", SIXTH), ("20 мамыр 2025", date(2025, 5, 20)), ("1 желтоқсан 2024", date(2024, 12, 1)),
    ("5 қыркүйек 2025", date(2025, 9, 5)), ("5 маусым 2025", date(2025, 6, 5)),
    # Uzbek, in both scripts
    ("2025 жылғы 6 қараша 10:15, Астана уақыты", SIXTH), ("Жасалған күні: 6 қараша 2025", SIXTH),
    ("Өзгертілді: 7 қараша 2025", None), ("Yaratilgan: 06.11.2025", SIXTH), ("Tahrirlangan: 07.11.2025", None),
    ("Түзүлгөн: 6-ноябрь 2025", SIXTH), ("Oluşturulma: 06.11.2025", SIXTH), ("Değiştirilme: 07.11.2025", None),
    ("6 noyabr 2025", SIXTH), ("2025-yil 6-noyabr", SIXTH), ("6-noyabr, 2025-yil", SIXTH),
    ("6-noyabr 2025, 12:30", SIXTH),
    ("Eʼlon qilindi: 06.11.2025", SIXTH), ("3 iyul 2025", date(2025, 7, 3)), ("3 sentabr 2025", date(2025, 9, 3)),
    ("2025 йил 6 ноябрь", SIXTH), ("6 ноябр 2025 йил", SIXTH), ("6 ноябрь 2025, 12:30", SIXTH),
    ("3 октябр 2025", date(2025, 10, 3)),
    # Kyrgyz
    ("6-ноябрь, 2025", SIXTH), ("2025-жылдын 6-ноябры", SIXTH), ("Ноябрь 06, 2025", SIXTH), ("6-ноябрь, 12:30", SIXTH),
    ("Бейшемби, 6-ноябрь 2025", SIXTH), ("Жарыяланган: 6-ноябрь 2025", SIXTH),
    # Tajik
    ("6 ноябри 2025", SIXTH), ("6 ноябри соли 2025", SIXTH), ("Ноябр 6, 2025", SIXTH),
    ("Панҷшанбе, 6 ноябри 2025", SIXTH),
    ("3 октябри 2025 12:30", date(2025, 10, 3)), ("1 майи соли 2025", date(2025, 5, 1)),
    # Turkmen, Turkish, Azerbaijani, Chinese
    ("6 noýabr 2025", SIXTH), ("2025-nji ýylyň 6-njy noýabry", SIXTH), ("3 iýul 2025", date(2025, 7, 3)),
    ("6 Kasım 2025", SIXTH),
    ("3 Ağustos 2025", date(2025, 8, 3)), ("3 sentyabr 2025", date(2025, 9, 3)), ("2025年11月6日 12:30", SIXTH),
    # None of these is the day of publication
    ("Саммит пройдёт 6 ноября", None), ("Встреча состоится 10 ноября 2025 года", None),
    ("Обновлено: 7 ноября 2025", None),
    ("Updated Nov 7, 2025", None), ("Жаңартылды: 7 қараша 2025", None), ("6 декабря 2025", None), ("01.01.1970", None),
    ("30 февраля 2025", None), ("06.13.2025", None), ("ноябрь 2025", None), ("2025", None), ("© 2025 Site.kz", None),
    ("Тел. 06 11 20 25", None), ("12:30", None), ("6 Марат 2025", None), ("Версия 12.11.2025.3", None),
    ("Фото: Рейтер, 5 ноября 2025", None),
    ("Мост строили с 2023 года", None), ("Цена выросла до 6.11", None), ("3 августа 1994", None), ("31 ноября", None),
    ("1 декабря", None),
]  # fmt: skip
# A page read in November that shows "1 декабря" without a year may be eleven months old, or many years.


def shown(
    head: str, *, above: str = "", reference: date | None = None, titles: tuple[str, ...] = ("Мост открыт",)
) -> date | None:
    text = "<p>Мост через реку открыли в городе, сообщает пресс-служба акимата области.</p>" * 5
    page = (
        f"<html><head><title>Мост</title></head><body>{above}<h1>Мост открыт</h1>{head}<div>{text}</div></body></html>"
    )
    shown = visible_date(document_fromstring(page), titles, zone=ALMATY, today=TODAY, reference=reference)
    return shown.day if shown else None


@pytest.mark.parametrize(("line", "day"), LINES, ids=[row[0] for row in LINES])
def test_a_day_that_is_shown_near_the_headline_is_read(line: str, day: date | None) -> None:
    assert shown(f"<p>{line}</p>") == day
    assert shown("", above=f"<div><div>{line}</div></div>") == day


def test_the_table_of_forms_is_long_enough_and_its_rows_differ() -> None:
    assert len({line for line, day in LINES if day}) >= 80
    assert len(LINES) == len(set(LINES))


PAGES = [
    ("date among other pieces",
     "<p><span>Асель Ермекова</span> <span>6 ноября 2025</span> <span>1 245 просмотров</span></p>", SIXTH),
    ("pieces of a date", "<p><b>6</b> <i>ноября</i> 2025</p>", SIXTH),
    ("a list beside the headline", "<ul><li>Политика</li><li>12:30</li><li>06 ноя</li></ul>", SIXTH),
    ("time element in UTC", "<time datetime='2025-11-06T20:00:00Z'>6 ноября</time>", SEVENTH),
    ("changed, then published", "<p>Обновлено: <span>7 ноября 2025</span></p><p>6 ноября 2025</p>", SIXTH),
    ("a teaser's time", "<a href='/n/1'><time datetime='2025-11-05'>5 ноября</time> Мост в соседнем городе</a>", None),
    ("a date that links to its own page",
     "<a href='/p/1'><time datetime='2025-11-06T10:00'>6 ноября</time></a>", SIXTH),
    ("head of the article", "<article><header><p>6 ноября 2025</p></header></article>", SIXTH),
    ("changed, in pieces", "<p>Обновлено: <span>7 ноября 2025</span></p>", None),
    ("blog", "<ul><li>Times</li><li>11 янв.</li><li>4 мин. чтения</li></ul>", date(2025, 1, 11)),
    ("a complete date before a nearer one without year", "<p>7 ноября</p><p>6 ноября 2024</p>", date(2024, 11, 6)),
    ("a theme's box for all beside the side bar",
     f"<div class='sidebar content'><p>6 ноября 2025</p>{'<p>Мост</p>' * 400}</div>", SIXTH),
    ("menu", "<nav>6 ноября 2025</nav>", None),
    ("side bar", "<div class='sidebar'><p>6 ноября 2025</p></div>", None),
    ("comments", "<div id='comments'><p>6 ноября 2025</p></div>", None),
    ("footer", "<footer>6 ноября 2025</footer>", None),
    ("script", "<script>'6 ноября 2025'</script>", None),
    ("hidden", "<p style='display: none'>6 ноября 2025</p>", None),
]  # fmt: skip


@pytest.mark.parametrize(("head", "day"), [row[1:] for row in PAGES], ids=[row[0] for row in PAGES])
def test_a_day_is_found_in_the_head_of_an_article(head: str, day: date | None) -> None:
    assert shown(head) == day


def test_the_present_day_above_a_headline_is_the_sites_clock() -> None:
    assert shown("", above="<div>22 ноября 2025</div>") is None
    assert shown("", above="<div>22 ноября 2025, 10:15</div>") == TODAY
    assert shown("<p>22 ноября 2025</p>") == TODAY
    assert shown("<p>6 ноября 2025</p>", above="<div>22 ноября 2025</div>") == SIXTH


def test_a_label_is_found_below_the_text() -> None:
    text = "<p>" + "Мост открыли. " * 40 + "</p>"
    assert shown(text * 12 + "<p>Опубликовано: 6 ноября 2025</p>") == SIXTH
    assert shown(text * 12 + "<p>6 ноября 2025</p>") == SIXTH  # the page shows no other day
    assert shown(text * 12 + "<p>6 ноября 2025</p><p>5 ноября 2025</p>") is None
    assert shown(text * 12 + "<p>6 ноября</p>") is None
    assert shown(text * 12 + "<p>Опубликовано: 6 ноября 2025</p><p>Опубликовано: 7 ноября 2025</p>") is None


@pytest.mark.parametrize(
    ("line", "reference", "day"),
    [
        ("28 декабря", date(2024, 12, 28), date(2024, 12, 28)),
        ("28 декабря", date(2024, 12, 30), date(2024, 12, 28)),
        ("29 декабря", date(2024, 12, 28), date(2024, 12, 29)),  # the feed counts in another zone
        ("1 января", date(2024, 12, 31), date(2025, 1, 1)),
        ("28 декабря", date(2025, 11, 6), None),
        ("29 февраля", date(2024, 3, 1), date(2024, 2, 29)),
        ("29 февраля", date(2025, 3, 1), None),
    ],
)
def test_a_missing_year_is_that_of_the_feed(line: str, reference: date, day: date | None) -> None:
    assert shown(f"<p>{line}</p>", reference=reference) == day


DATELINES = [
    ("АСТАНА, 6 ноября — Sputnik. Мост открыт.", SIXTH), ("АСТАНА, 6 ноя — Sputnik. Мост открыт.", SIXTH),
    ("АСТАНА, 6 қараша — Sputnik. Көпір ашылды.", SIXTH), ("ТАШКЕНТ, 6 ноября 2025 — Sputnik.", SIXTH),
    ("БИШКЕК, 6-ноябрь — Sputnik. Көпүрө ачылды.", SIXTH), ("Бишкек, 6-ноябрь. /Кабар/. Көпүрө ачылды.", SIXTH),
    ("ДУШАНБЕ, 6 ноя - НИАТ. Пул кушода шуд.", SIXTH), ("Toshkent, 6-noyabr – Sputnik. Koʻprik ochildi.", SIXTH),
    ("BISHKEK (AKIpress), Nov 6 - The bridge", SIXTH), ("BISHKEK (AKIpress), Nov 6", SIXTH),
    ("ASTANA. Nov 6. KAZINFORM – The bridge", SIXTH), ("NEW YORK, November 6 (Reuters) - The bridge", SIXTH),
    ("WASHINGTON, Nov. 6, 2025 — The bridge", SIXTH), ("Астана. 6 ноября. КазТАГ - Мост открыт.", SIXTH),
    ("Ташкент, 6 ноября 2025 года. Мост открыт.", SIXTH), ("Ашхабад (TDH), 6 ноября - Мост открыт.", SIXTH),
    ("6 ноября, АСТАНА /Казинформ/ Мост открыт.", SIXTH), ("Нур-Султан, 6 ноября — ИА. Мост открыт.", SIXTH),
    ("06.11.2025 – Мост открыт.", SIXTH), ("(06.11.2025) Мост открыт.", SIXTH),
    ("06.11.2025 «Мост открыт», — сказал", SIXTH),
    ("06.11.2025 мост открыли.", None), ("6 ноября 2025 Мост открыт.", None),
    ("В Астане 6 ноября — день траура.", None), ("Астана, 6 ноября, примет саммит.", None),
    ("6 ноября в Астане открыли мост.", None), ("Мост открыли 6 ноября — Sputnik.", None),
    ("АСТАНА. КАЗИНФОРМ – 6 ноября открыли мост.", None), ("АСТАНА, 6 декабря 2025 — Sputnik.", None),
    ("АСТАНА — Sputnik. Мост открыли 6 ноября.", None), ("По данным акимата, 6 ноября — день открытия.", None),
    ("", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "day"), DATELINES, ids=[row[0] or "nothing" for row in DATELINES])
def test_a_dateline_names_the_day(text: str, day: date | None) -> None:
    assert dateline_day([text], zone=ALMATY, today=TODAY) == day
    assert dateline_day(["Мост открыт", text], zone=ALMATY, today=TODAY) == day
    assert dateline_day(["Мост", "Мост открыт", text], zone=ALMATY, today=TODAY) is None


@given(st.text(max_size=80) | st.sampled_from([line for line, _ in LINES]).flatmap(
    lambda line: st.permutations(line.split()).map(" ".join)))  # fmt: skip
def test_whatever_stands_in_a_line_is_a_day_or_nothing(line: str) -> None:
    found = shown(f"<p>{html.escape(line)}</p>")
    assert found is None or date(1900, 1, 1) <= found <= TODAY
    found = dateline_day([line], zone=ALMATY, today=TODAY)
    assert found is None or found <= TODAY


def test_of_two_readings_the_one_that_agrees_with_the_feed_is_taken() -> None:
    assert shown("<p>11/06/2025</p>", reference=date(2025, 11, 7)) == SIXTH
    assert shown("<p>11/06/2025</p>", reference=date(2025, 6, 11)) == date(2025, 6, 11)
    assert shown("<p>11/06/2025</p>", reference=date(2025, 9, 1)) == date(2025, 6, 11)
    stated = '<meta property="article:published_time" content="11/06/2025 10:15">'
    tree = document_fromstring(f"<html><head>{stated}</head><body></body></html>")
    assert [c.day for c in read_metadata(tree, zone=ALMATY, near=SIXTH).dates] == [SIXTH]


# --- On a page --------------------------------------------------------------------------------------------------


def candidates_on(
    page: str, url: str = "https://site.kz/bridge", published: datetime | None = None
) -> list[DateCandidate]:
    job = ArticleJob(Page(url, b"", None, NOW), Entry(url, "https://site.kz/rss", published=published), ALMATY, 20, NOW)
    tree = document_fromstring(page)
    return date_candidates(tree, read_metadata(tree, zone=ALMATY), job, ["АСТАНА, 6 ноября — Sputnik. Мост открыт."])


def test_all_candidates_are_kept_with_their_origin() -> None:
    head = '<meta property="article:published_time" content="2025-11-22T09:00:00+05:00">'
    page = f"<html><head>{head}</head><body><h1>Мост</h1><p>07.11.2025</p><p>Мост открыт.</p></body></html>"
    found = candidates_on(page, "https://site.kz/2025/11/06/bridge", datetime(2025, 11, 5, 20, 0, tzinfo=UTC))
    assert [(c.origin, c.day.day) for c in found] == [
        ("meta", 22),
        ("feed", 6),
        ("url", 6),
        ("dateline", 6),
        ("visible", 7),
    ]
    assert choose(found, today=TODAY) == candidate("feed")


def test_a_page_is_searched_only_where_a_doubt_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(article, "visible_date", lambda *_, **__: asked.append("visible"))
    monkeypatch.setattr(article.dates, "search_day", lambda *_, **__: asked.append("htmldate"))
    meta = '<meta property="article:published_time" content="{}">'
    page = "<html><head>{}</head><body><p>Мост открыт.</p></body></html>"
    candidates_on(page.format(meta.format("2025-11-06")))
    assert asked == []
    candidates_on(page.format(meta.format("2025-11-22")), published=NOW)
    assert asked == []
    candidates_on(page.format(meta.format("2025-11-22")))
    candidates_on(page.format(meta.format("2025-11-09")), "https://site.kz/2025/11/06/bridge")
    assert asked == ["visible", "visible"]
    candidates_on(page.format(""))
    assert asked == ["visible"] * 3  # and the dateline has answered


def test_what_is_stated_of_a_change_gives_way_to_the_label_of_publication() -> None:
    stated = {"@type": "NewsArticle", "datePublished": "2025-11-07", "dateModified": "2025-11-07T10:00"}
    head = f'<script type="application/ld+json">{json.dumps(stated)}</script>'
    page = f"<html><head>{head}</head><body><h1>Мост</h1><p>SHOWN</p><p>Мост открыт.</p></body></html>"

    def chosen(shown: str, published: datetime | None = None) -> date:
        tree = document_fromstring(page.replace("SHOWN", shown))
        metadata = read_metadata(tree, zone=ALMATY)
        url = "https://site.kz/bridge"
        job = ArticleJob(Page(url, b"", None, NOW), Entry(url, "f", published=published), ALMATY, 20, NOW)
        found = date_candidates(tree, metadata, job, [])
        best = choose(found, today=TODAY, changed=metadata.changed)
        assert best is not None
        return best.day

    assert chosen("Опубликовано: 6 ноября 2025") == SIXTH
    assert chosen("6 ноября 2025") == SEVENTH
    assert chosen("Опубликовано: 6 ноября 2025", published=datetime(2025, 11, 7, 6, 0, tzinfo=UTC)) == SEVENTH


def test_a_day_many_years_before_the_feeds_is_doubted() -> None:
    old = date(2015, 11, 6)
    assert choose([candidate("meta", old), candidate("feed")], today=TODAY) == candidate("feed")
    assert choose([candidate("meta", old), candidate("url", old), candidate("feed")], today=TODAY) == candidate(
        "meta", old
    )
    assert choose([candidate("meta", date(2025, 1, 6)), candidate("feed")], today=TODAY) == candidate(
        "meta", date(2025, 1, 6)
    )


@pytest.mark.parametrize(
    "markup",
    ["<abbr class='published' title='2025-11-06T10:00:00+05:00'>вчера</abbr>",
     "<span property='dc:date dc:created' content='2025-11-06T10:00:00+05:00'>вчера</span>",
     "<time class='entry-date published' datetime='2025-11-06'>вчера</time>",
     "<span itemprop='datePublished' content='2025-11-06'>вчера</span>",
     "<time pubdate datetime='2025-11-06'>вчера</time>",
     "<span itemprop='datePublished'>6 ноября 2025, 12:30</span>"],
)  # fmt: skip
def test_microdata_states_a_day(markup: str) -> None:
    tree = document_fromstring(f"<html><body><p>{markup}</p></body></html>")
    assert read_metadata(tree, zone=ALMATY).dates == (candidate("time"),)


def test_a_page_that_is_nothing_but_a_drawing_has_no_day() -> None:
    drawing = document_fromstring("<svg><text>06.11.2025</text></svg>").find(".//svg")
    assert drawing is not None
    drawing.drop_tree()
    assert search_day(drawing, "https://site.kz/", ALMATY, today=TODAY) is None


@pytest.mark.parametrize(
    ("markup", "day"),
    [
        ("<abbr class='published' title='2025-11-06T10:00:00+05:00'>вчера</abbr>", SIXTH),
        ("<p class='date'>06.11.2025</p>", SIXTH),
        ("<p>© 2024 Site.kz</p>", None),
        ("<p>Мост строили с 2023 года</p>", None),
        ("<p>Договор подписали 6 ноября 2019 года.</p><p>Снова: 6 ноября 2019 года.</p>", None),
        ("<p>Без даты</p>", None),
    ],
)
def test_what_htmldate_finds_in_the_markup_is_the_last_resort(markup: str, day: date | None) -> None:
    page = f"<html><body><h1>Мост</h1>{markup}<p>Мост через реку открыли в городе.</p></body></html>"
    assert search_day(document_fromstring(page), "https://site.kz/bridge", ALMATY, today=TODAY) == day
