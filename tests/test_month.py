"""Half a month of some thirty feeds: nothing missed or twice, no feed forgotten, every trouble noticed in time."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.simulated_month import (
    FIXED_POLLS_PER_DAY,
    FORGOTTEN_S,
    MOVE_TOLD_H,
    POLLS_TO_NOTICE,
    Report,
    simulate,
)
from tests.support.simulation import World

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    world = World(feeds=28, days=14, seed=3)
    result = asyncio.run(simulate(world, tmp_path_factory.mktemp("month")))
    print("\n".join(result.lines()))
    return result


def test_every_entry_that_could_be_seen_is_known(report: Report) -> None:
    assert report.stories > 3000
    assert report.missed == []


def test_no_entry_is_known_twice_whatever_its_address_looks_like(report: Report) -> None:
    assert report.twice == []


def test_every_page_that_was_well_in_the_end_is_appended(report: Report) -> None:
    assert report.appended > 300
    assert report.not_appended == []


def test_no_feed_is_forgotten(report: Report) -> None:
    assert report.forgotten == []
    assert report.longest_gap_s <= FORGOTTEN_S


def test_redesigns_are_flagged_within_three_polls_that_brought_news(report: Report) -> None:
    assert report.redesigns
    assert all(polls is not None and polls <= POLLS_TO_NOTICE for polls in report.redesigns.values()), report.late


def test_silences_are_flagged_within_three_polls(report: Report) -> None:
    assert report.silences
    assert all(polls is not None and polls <= POLLS_TO_NOTICE for polls in report.silences.values()), report.late


def test_feeds_that_have_gone_to_another_address_are_found_there(report: Report) -> None:
    assert report.moves
    assert all(hours is not None and hours <= MOVE_TOLD_H for hours in report.moves.values()), report.late


def test_the_world_has_feeds_that_move_answer_not_modified_for_ever_and_give_all_items_one_link() -> None:
    outlets = World(feeds=45, days=21, seed=3).outlets.values()
    assert {outlet.moved[1] for outlet in outlets if outlet.moved} == {"gone", "redirect", "page"}
    assert sum(outlet.validators == "for ever" for outlet in outlets) == sum(outlet.one_link for outlet in outlets) == 3


def test_healthy_feeds_are_left_in_peace(report: Report) -> None:
    assert report.failing > 0  # feeds that were down are flagged, and that is no false alarm
    assert report.false_alarms == []


def test_feeds_are_asked_less_than_half_as_often_as_every_thirty_minutes(report: Report) -> None:
    assert report.polls_per_day < FIXED_POLLS_PER_DAY / 2


def test_the_same_seed_gives_the_same_world() -> None:
    first, second = (World(feeds=12, days=3, seed=7) for _ in range(2))
    assert first.outlets == second.outlets
    assert first.outlets != World(feeds=12, days=3, seed=8).outlets
