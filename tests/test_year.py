"""A month of the simulated year: nothing that could be read is lost, and nothing else of what must hold is broken."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.year import Year
from tests.support.year_report import YearReport

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> YearReport:
    year = Year(tmp_path_factory.mktemp("year"), sources=8, days=30, seed=11)
    found = asyncio.run(year.live())
    print("\n".join(found.lines()))
    return found


def test_every_article_that_could_be_read_is_in_the_corpus_or_will_be_tried(report: YearReport) -> None:
    assert report.promised > 40
    assert report.appended > 40
    assert (report.missed, report.late) == ([], [])


def test_no_article_is_there_twice(report: YearReport) -> None:
    assert report.twice == []


def test_states_digests_numbers_requests_and_tables_are_in_order(report: YearReport) -> None:
    assert report.broken == []


def test_the_month_was_an_ordinary_one(report: YearReport) -> None:
    assert {"renamed", "backfills", "imports", "kills", "wrong clocks", "digests by hand"} <= report.events.keys()
