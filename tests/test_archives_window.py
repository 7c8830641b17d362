"""Windows, the days that addresses and file names state, and the addresses of a window."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.archives.series import dated_urls, page_url
from extractors.dates.addresses import address_days, part_days
from extractors.period import Period, day_of, month_of
from tests.support.archive_servers import TASHKENT, window


def days(first: str, last: str | None = None) -> Period:
    return Period(date.fromisoformat(first), date.fromisoformat(last or first))


def test_a_window_has_a_day_of_slack_at_both_ends() -> None:
    november = window("2025-11-01", "2025-11-30")
    assert november.wide == days("2025-10-31", "2025-12-01")
    start, end = november.wide.moments(TASHKENT)
    assert start == datetime(2025, 10, 30, 19, tzinfo=UTC)
    assert end == datetime(2025, 12, 1, 19, tzinfo=UTC)
    assert day_of(datetime(2025, 11, 5, 20, tzinfo=UTC), TASHKENT) == days("2025-11-06")


@pytest.mark.parametrize(
    ("stated", "side"),
    [
        (days("2025-10-30"), -1),
        (days("2025-10-31"), 0),
        (days("2025-01-01", "2025-12-31"), 0),
        (days("2025-12-01"), 0),
        (days("2025-12-02"), 1),
    ],
)
def test_days_lie_before_in_or_after_a_window(stated: Period, side: int) -> None:
    assert stated.side(window("2025-11-01", "2025-11-30").wide) == side


@pytest.mark.parametrize(
    ("url", "stated"),
    [
        ("https://site.kz/2025/11/06/rail-talks", days("2025-11-06")),
        ("https://site.kz/news/2025/1/6/rail-talks/", days("2025-01-06")),
        ("https://site.kz/2025/11/06", days("2025-11-06")),
        ("https://site.kz/20251106/rail-talks-123.html", days("2025-11-06")),
        ("https://site.kz/20251106-rail", days("2025-11-06")),
        ("https://site.kz/2025-11-06-rail-talks", days("2025-11-06")),
        ("https://site.kz/2025/11/rail-talks", days("2025-11-01", "2025-11-30")),
        ("https://site.kz/2025-02/rail-talks", days("2025-02-01", "2025-02-28")),
        ("https://site.kz/a/20251106.html", None),  # an article's number
        ("https://site.kz/news/plan-for-2025-11-06", None),  # what it is about
        ("https://site.kz/news?date=2025-11-06", None),
        ("https://site.kz/2025/13/06/rail", None),
        ("https://site.kz/2025/11", None),
        ("https://site.kz/1877/11/06/rail", None),
        ("https://site.kz/2025/rail", None),
        ("https://site.kz/news/123456", None),
    ],
)
def test_an_address_states_the_day_only_where_it_is_a_part_of_the_path(url: str, stated: Period | None) -> None:
    assert address_days(url) == stated


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (  # by the day
            ["/s-2025-11-05.xml", "/s-2025-11-06.xml", "/s-2025-11-07.xml"],
            [days("2025-11-05"), days("2025-11-06"), days("2025-11-07")],
        ),
        (  # by its Monday
            ["/s-2025-11-03.xml", "/s-2025-11-10.xml", "/s-2025-11-17.xml"],
            [days("2025-11-03", "2025-11-09"), days("2025-11-10", "2025-11-16"), days("2025-11-17", "2025-11-23")],
        ),
        (  # by its Sunday, which may begin or end a week
            ["/s-2025-11-02.xml", "/s-2025-11-09.xml"],
            [days("2025-10-27", "2025-11-08"), days("2025-11-03", "2025-11-15")],
        ),
        (  # by the first of the month
            ["/s-20251001.xml", "/s-20251101.xml"],
            [days("2025-10-01", "2025-10-31"), days("2025-11-01", "2025-12-01")],
        ),
        (["/s.xml?date_start=20251101&date_end=20251130"], [days("2025-11-01", "2025-11-30")]),
        (["/day_6_year_2025_month_11.xml"], [None]),  # one alone does not say how much it holds
        (
            ["/day_6_year_2025_month_11.xml", "/day_7_year_2025_month_11.xml"],
            [days("2025-11-06"), days("2025-11-07")],
        ),
        (["/s.xml?yyyy=2025&mm=11"], [days("2025-11-01", "2025-11-30")]),
        (["/2025/11/06.xml", "/2025/11/07.xml"], [days("2025-11-06"), days("2025-11-07")]),
        (["/s-2025-11.xml", "/s-2025-12.xml"], [days("2025-11-01", "2025-11-30"), days("2025-12-01", "2025-12-31")]),
        (["/s-202511.xml"], [days("2025-11-01", "2025-11-30")]),
        (["/s-2024.xml", "/s-2025.xml"], [days("2024-01-01", "2024-12-31"), days("2025-01-01", "2025-12-31")]),
        (["/s-1.xml", "/s-2024.xml"], [None, None]),  # 2024 is a number like the others
        (["/s-2025-9.xml", "/s-2025-10.xml", "/s-2025-13.xml"], [days("2025-01-01", "2025-12-31")] * 3),
        (["/2019-05-01/s-1.xml", "/2019-05-01/s-2.xml"], [None, None]),  # the day on which the site was made
        (["/s-1.xml", "/pages.xml"], [None, None]),
    ],
)
def test_the_name_of_a_file_tells_its_days(names: list[str], expected: list[Period | None]) -> None:
    urls = [f"https://site.kz{name}" for name in names]
    found = part_days(urls)
    assert [found.get(url) for url in urls] == expected


@given(
    st.dates(date(2000, 1, 1), date(2030, 1, 1)),
    st.integers(1, 40),
    st.sampled_from(["daily", "weekly", "monthly"]),
    st.integers(0, 400),
)
def test_whatever_the_rhythm_a_day_is_in_a_file_that_may_hold_it(start: date, count: int, rhythm: str, at: int) -> None:
    """Files named by the first of their days, whatever weekday that is."""
    step = {"daily": 1, "weekly": 7, "monthly": 31}[rhythm]
    firsts = [start + timedelta(days=step * n) for n in range(count)]
    if rhythm == "monthly":
        firsts = sorted({day.replace(day=1) for day in firsts})
    urls = {day: f"https://site.kz/s-{day}.xml" for day in firsts}
    found = part_days(list(urls.values()))
    wanted = firsts[0] + timedelta(days=at % (step * count))
    holder = urls[max(day for day in firsts if day <= wanted)]
    if found and wanted < firsts[-1]:
        assert found[holder].first <= wanted <= found[holder].last


def test_a_month_has_all_its_days() -> None:
    assert month_of(2024, 2) == days("2024-02-01", "2024-02-29")
    assert month_of(2025, 12) == days("2025-12-01", "2025-12-31")


# --- Place-holders ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "urls"),
    [
        ("/s-{date}.xml", ["/s-2025-10-31.xml", "/s-2025-11-01.xml", "/s-2025-11-02.xml"]),
        ("/s-{date:%Y%m%d}.xml", ["/s-20251031.xml", "/s-20251101.xml", "/s-20251102.xml"]),
        ("/d_{day}_y_{year}_m_{month}", ["/d_31_y_2025_m_10", "/d_1_y_2025_m_11", "/d_2_y_2025_m_11"]),
        ("/{year}/{month:02}/{day:02}", ["/2025/10/31", "/2025/11/01", "/2025/11/02"]),
        ("/{monday:%Y-%m-%d}", ["/2025-10-27"]),
        ("/{year}-{month:02}", ["/2025-10", "/2025-11"]),
        ("/{year}", ["/2025"]),
        ("/?a={start:%Y%m%d}&b={end:%Y%m%d}", ["/?a=20251031&b=20251102"]),
        ("/{year}-{month:02}?p={page:03}", ["/2025-10?p={page:03}", "/2025-11?p={page:03}"]),
    ],
)
def test_place_holders_give_the_addresses_of_a_window(template: str, urls: list[str]) -> None:
    assert dated_urls(template, window("2025-11-01").wide, today=date(2025, 12, 20)) == urls


def test_no_address_is_made_for_days_to_come() -> None:
    assert dated_urls("/{date}", window("2025-11-01").wide, today=date(2025, 11, 1)) == ["/2025-10-31", "/2025-11-01"]


def test_weeks_and_months_go_on_across_the_year() -> None:
    wide = window("2025-12-30", "2026-01-05").wide
    assert dated_urls("/{monday}", wide, today=date(2027, 1, 1)) == ["/2025-12-29", "/2026-01-05"]
    assert dated_urls("/{year}-{month}", wide, today=date(2027, 1, 1)) == ["/2025-12", "/2026-1"]


def test_pages_are_numbers() -> None:
    assert [page_url("/s{page}.xml", 7), page_url("/s{page:03}.xml", 7)] == ["/s7.xml", "/s007.xml"]
