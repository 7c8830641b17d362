"""The day of publication: what a stated date means, and which of several is believed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import htmldate.extractors
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring

from extractors.dates import ORDER, choose, date_parser, day_in_url, parse_day, search_day
from extractors.records import DateCandidate
from extractors.zones import ZONES, zone_of

ALMATY = ZoneInfo("Asia/Almaty")
NOW = datetime(2025, 11, 22, 6, 0, tzinfo=UTC)
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
    ("number of seconds", "1762400000", None),
    ("nothing", "", None),
    ("spaces", "   ", None),
    ("word", "вчера", None),
    ("words in Russian", "6 ноября 2025", None),
    ("year", "2025", None),
    ("template", "{{ date }}", None),
    ("five digits of a year", "12025-11-06", None),
    ("too many digits", "2025-11-061", None),
    ("before the beginning of time", "0001-01-01T00:00:00+14:00", None),
    ("after the end of time", "9999-12-31T23:59:59-12:00", None),
    ("zone beyond all numbers", "Thu, 6 Nov 2025 10:00:00 +99999999999999999", None),
    ("year beyond all numbers", "Thu, 6 Nov 99999999999999 10:00:00 +0000", None),
    ("offset of more than a day", "Thu, 6 Nov 2025 10:00:00 +2500", None),
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
    ("last century", "https://site.kz/1999/11/06/", None),
    ("day first", "https://site.kz/06-11-2025", None),
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


@pytest.mark.parametrize("position", range(len(ORDER) - 1))
def test_the_better_origin_is_believed_wherever_it_stands(position: int) -> None:
    better, worse = candidate(ORDER[position], SEVENTH), candidate(ORDER[position + 1])
    assert choose([worse, better], now=NOW) == better
    assert choose([better, worse], now=NOW) == better


def test_of_one_origin_the_first_is_believed() -> None:
    assert choose([candidate("meta", SEVENTH), candidate("meta")], now=NOW) == candidate("meta", SEVENTH)


@pytest.mark.parametrize(
    ("day", "possible"),
    [
        (date(1970, 1, 1), False),
        (date(1994, 12, 31), False),
        (date(1995, 1, 1), True),
        (date(2025, 11, 22), True),
        (date(2025, 11, 23), True),
        (date(2025, 11, 24), False),
        (date(2999, 1, 1), False),
    ],
    ids=str,
)
def test_a_day_that_cannot_be_is_no_candidate(day: date, possible: bool) -> None:
    stated = candidate("json-ld", day)
    assert choose([stated], now=NOW) == (stated if possible else None)
    assert choose([stated, candidate("htmldate")], now=NOW) == (stated if possible else candidate("htmldate"))


def test_without_candidates_there_is_no_date() -> None:
    assert choose([], now=NOW) is None


@pytest.mark.parametrize(
    ("country", "offset"),
    [("KZ", 5), ("UZ", 5), ("KG", 6), ("TJ", 5), ("TM", 5), ("RU", 3), ("US", -5), ("GB", 0), ("XX", 0), ("", 0)],
)
def test_a_country_has_the_zone_of_its_capital(country: str, offset: int) -> None:
    assert NOW.astimezone(zone_of(country)).utcoffset() == timedelta(hours=offset)


def test_every_zone_exists() -> None:
    assert all(zone_of(country) == ZoneInfo(name) for country, name in ZONES.items())


@pytest.mark.parametrize(
    ("line", "day"),
    [
        ("6 ноября 2025", SIXTH),
        ("November 6, 2025", SIXTH),
        ("06.11.2025", SIXTH),
        ("12:30, 6 ноября 2025", SIXTH),
        ("© 2024 Site.kz", None),
        ("Мост строили с 2023 года", None),
        ("Без даты", None),
    ],
)
def test_a_date_in_the_text_is_found(line: str, day: date | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(htmldate.extractors, "get_external_parser", None)
    page = f"<html><body><h1>Мост</h1><p class='date'>{line}</p><p>Мост через реку открыли в городе.</p></body></html>"
    assert search_day(document_fromstring(page), "https://site.kz/bridge", ALMATY) == day
    assert htmldate.extractors.get_external_parser is date_parser  # or it would try 200 languages, taking seconds


def test_dates_in_words_go_through_our_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    parser = date_parser()
    found = parser.get_date_data

    def recording(text: str, *args: object, **named: object) -> object:
        asked.append(text)
        return found(text, *args, **named)

    monkeypatch.setattr(parser, "get_date_data", recording)
    page = "<html><body><h1>Мост</h1><p class='date'>6 қараша 2025</p><p>Мост через реку открыли.</p></body></html>"
    assert search_day(document_fromstring(page), "https://site.kz/bridge", UTC) == SIXTH
    assert "6 қараша 2025" in asked
