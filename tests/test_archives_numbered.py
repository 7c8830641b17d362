"""Finding the wanted documents of a long series: none that holds something is left out, few others are read."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.archives.series import FEW, Part, read_numbered
from extractors.period import Period

START = date(2020, 1, 1)
Series = Sequence[tuple[int, int] | None]  # first and last day of each part, as numbers; None: undated


def run(series: Series, wanted: tuple[int, int], *, is_open: bool) -> tuple[list[int], list[int]]:
    """The numbers of the parts given, and of those read, counted from 1."""
    period = Period(START + timedelta(days=wanted[0]), START + timedelta(days=wanted[1]))
    read: list[int] = []

    async def get(number: int) -> Part[int] | None:
        read.append(number)
        if not 1 <= number <= len(series):
            assert is_open
            return None
        spread = series[number - 1]
        days = Period(START + timedelta(days=spread[0]), START + timedelta(days=spread[1])) if spread else None
        return Part(number, days)

    async def collect() -> list[int]:
        last = None if is_open else len(series)
        return [part.content async for part in read_numbered(get, period.wide, first=1, last=last)]

    return asyncio.run(collect()), read


def holders(series: Series, wanted: tuple[int, int]) -> set[int]:
    """The parts that may hold something of the window, slack included."""
    wide = (wanted[0] - 1, wanted[1] + 1)
    return {n for n, s in enumerate(series, 1) if s is None or (s[0] <= wide[1] and s[1] >= wide[0])}


def ordered(count: int, *, days: int, falling: bool) -> list[tuple[int, int]]:
    """Parts of `days` days each, one after the other."""
    parts = [(n * days, n * days + days - 1) for n in range(count)]
    return parts[::-1] if falling else parts


@pytest.mark.parametrize("falling", [True, False])
@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize("at", [0, 700, 2000, 2990])
def test_of_300_shards_only_a_few_are_read(falling: bool, is_open: bool, at: int) -> None:
    series = ordered(300, days=10, falling=falling)
    wanted = (at, at + 9)
    given_parts, read = run(series, wanted, is_open=is_open)
    assert set(given_parts) >= holders(series, wanted)
    assert len(given_parts) <= len(holders(series, wanted)) + 1
    assert len(read) == len(set(read)) <= 2 * math.log2(300) + 6


def test_the_newest_pages_of_a_feed_are_read_without_search() -> None:
    series = ordered(300, days=1, falling=True)
    _, read = run(series, (297, 299), is_open=True)
    assert read == [1, 2, 3, 4, 5, 6]  # the window, its slack, and two that are past it


def test_a_window_newer_than_all_costs_two_requests_and_one_older_than_all_few() -> None:
    series = ordered(300, days=1, falling=True)
    assert run(series, (400, 410), is_open=True)[1] == [1, 2]
    given_parts, read = run(series, (-50, -40), is_open=True)
    assert not set(given_parts) & holders(series, (-50, -40))
    assert len(read) < 25


@pytest.mark.parametrize("is_open", [True, False])
def test_one_undated_part_and_all_are_read(is_open: bool) -> None:
    series: list[tuple[int, int] | None] = [*ordered(40, days=10, falling=False)]
    series[0] = None
    given_parts, read = run(series, (100, 109), is_open=is_open)
    assert holders(series, (100, 109)) <= set(given_parts)
    assert is_open or sorted(read) == list(range(1, 41))


def test_an_old_item_pinned_to_each_page_does_not_hide_anything() -> None:
    series = [(0, late) for _, late in ordered(40, days=3, falling=True)]
    given_parts, _ = run(series, (60, 70), is_open=True)
    assert holders(series, (60, 70)) <= set(given_parts)


def test_an_open_series_without_order_ends_once_the_window_is_left_behind() -> None:
    series = ordered(200, days=1, falling=True)
    series[2], series[3] = series[3], series[2]
    given_parts, read = run(series, (190, 198), is_open=True)
    assert holders(series, (190, 198)) <= set(given_parts)
    assert len(read) < 20


def test_nothing_at_all_is_nothing() -> None:
    assert run([], (0, 9), is_open=True) == ([], [1])


spreads = st.tuples(st.integers(0, 60), st.integers(0, 5)).map(lambda pair: (pair[0], sum(pair)))


@given(st.lists(st.none() | spreads, max_size=30), st.integers(0, 60), st.integers(0, 9))
def test_of_a_fixed_series_no_part_in_the_window_is_left_out_that_was_read_and_none_is_read_twice(
    series: list[tuple[int, int] | None], at: int, length: int
) -> None:
    given_parts, read = run(series, (at, at + length), is_open=False) if series else ([], [])
    assert len(read) == len(set(read))
    assert len(given_parts) == len(set(given_parts))
    assert holders(series, (at, at + length)) & set(read) <= set(given_parts)
    if len(series) <= FEW:
        assert set(given_parts) == set(range(1, len(series) + 1))


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60),
    st.booleans(),
    st.booleans(),
    st.integers(-5, 300),
    st.integers(0, 30),
)
def test_of_a_series_in_order_every_part_in_the_window_is_found(
    steps: list[tuple[int, int]], falling: bool, is_open: bool, at: int, length: int
) -> None:
    series, day = [], 0
    for gap, span in steps:
        series.append((day + gap, day + gap + span))
        day += gap + span
    series = series[::-1] if falling else series
    given_parts, read = run(series, (at, at + length), is_open=is_open)
    assert holders(series, (at, at + length)) <= set(given_parts)
    assert len(read) == len(set(read))
