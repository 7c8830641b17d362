"""The table of outcomes: all that is known of an outcome stands in its line, and a new outcome takes one new line."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from extractors.records import Counted, Outcome, Yield, words_of

CHECKOUT = Path(__file__).parents[1]
STORED = (  # what stands in the databases there are: these values never change
    "appended", "duplicate", "reprint", "off_topic", "outside", "too_short", "not_article", "paywalled", "gone",
    "refused", "robots", "unsafe_address", "too_large", "failed", "removed", "gave_up",
)  # fmt: skip
LAST = '    GAVE_UP = "gave_up", "gave up", Counted.FAILED\n'
MADE_UP = '    ASLEEP = "asleep", "fast asleep", Counted.FAILED, Again.LATER, Yield.NO_TEXT\n'
SCRIPT = """
import asyncio, json, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from config.settings import Storage
from extractors.records import Entry, ItemError, Outcome
from extractors.records import {failed} as failed
from extractors.zones import zone_of
from flows.passes.summary import SourceReport, Summary, sentences
from flows.reports import coverage as covered, status
from flows.tools.explaining import explanation
from storage.corpus.writer import open_corpus
from storage.health.coverage import load_coverage
from storage.health.history import load_story
from storage.health.report import load_report
from storage.state.entries import count_pending, load_due, store_entries
from config.sources import Source
from extractors.period import Period

NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
KEY = "https://site.kz/x"
FEED = "https://site.kz/rss"
SITE = Source(
    id="site", name="Site", homepage="https://site.kz", feeds=(FEED,), language="ru", country="KZ", category="national"
)
ENTRY = Entry(KEY, "https://site.kz/rss", published=NOW)

async def main(data):
    told = {{}}
    summary = Summary("direct", {{"site": SourceReport("Site")}})
    async with open_corpus(data, Storage()) as corpus:
        async with corpus.database.write() as connection:
            await store_entries(connection, "site", [(KEY, ENTRY)], now=NOW)
        error = ItemError(Outcome("asleep"), "no answer before noon", url=KEY)
        for attempts in range(7):
            result = failed(KEY, ENTRY, "site", error=error, attempts=attempts)
            placed = await corpus.place([result], now=NOW + timedelta(days=2 * attempts))
            if attempts == 0:
                summary.count(placed, {{KEY: "site"}})
                async with corpus.database.read() as connection:
                    told["waiting"] = await count_pending(connection, ["site"])
                    due = await load_due(connection, ["site"], now=NOW + timedelta(hours=1))
                    told["due"] = [entry.key for entry in due]
                    told["explain"] = list(explanation(await load_story(connection, KEY)))
                    day = Period(NOW.date(), NOW.date())
                    coverage = await load_coverage(connection, {{"site": zone_of("KZ")}}, day, now=NOW)
                    report = await load_report(connection, [SITE], zone=zone_of("KZ"), now=NOW)
        told["in the end"] = placed[0].outcome
    told["coverage"] = covered.to_json(coverage)["site"]["days"]["2025-11-22"]
    told["status"] = status._row(report.sources[0], {{"site": "Site"}})["others"]
    told["reasons"] = [list(key) for key in report.reasons]
    told["summary"] = summary.to_json()
    told["sentences"] = sentences(summary.to_json())
    print(json.dumps(told))

asyncio.run(main(Path(sys.argv[1])))
"""


def test_the_stored_values_are_those_of_all_databases_there_are() -> None:
    assert tuple(outcome.value for outcome in Outcome) == STORED


@pytest.mark.parametrize("outcome", Outcome)
def test_an_outcome_is_its_stored_value_and_knows_its_facts(outcome: Outcome) -> None:
    assert Outcome(str(outcome)) is outcome == outcome.value
    assert pickle.loads(pickle.dumps(outcome)) is outcome
    assert words_of(outcome.value) == outcome.words
    for fact in (outcome.counted, outcome.again, outcome.page):
        assert outcome in Outcome.which(fact)


def test_every_outcome_is_counted_once() -> None:
    counted = [outcome for number in Counted for outcome in Outcome.which(number)]
    assert sorted(counted) == sorted(Outcome)
    assert set(Outcome.which(*Yield)) == set(Outcome)


def test_the_words_of_what_is_no_outcome_are_the_value_itself() -> None:
    assert words_of("waiting for the next pass") == "waiting for the next pass"


def test_a_new_outcome_takes_one_line_and_nothing_else(tmp_path: Path) -> None:
    code = tmp_path / "code"
    for package in ("config", "extractors", "storage", "flows"):
        shutil.copytree(CHECKOUT / package, code / package, ignore=shutil.ignore_patterns("__pycache__"))
    records = code / "extractors" / "records.py"
    table = records.read_text(encoding="utf-8")
    assert table.count(LAST) == 1
    records.write_text(table.replace(LAST, LAST + MADE_UP), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(failed="Failed"), str(tmp_path / "data")],
        cwd=code,
        env={**os.environ, "PYTHONPATH": str(code)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["summary"]["failed"] == told["summary"]["outcomes"]["asleep"] == 1
    assert told["summary"]["failures"] == {"no answer before noon": 1}
    assert "1 fast asleep" in told["sentences"]
    assert any(line.strip() == "outcome: asleep" for line in told["explain"])
    assert told["waiting"] == 1
    assert told["due"] == ["https://site.kz/x"]
    assert told["in the end"] == "gave_up"
    assert told["coverage"]["failed"] == told["coverage"]["fetched"] == 1
    assert told["coverage"]["reasons"] == {"no answer before noon": 1}
    assert told["status"] == 1
    assert told["reasons"] == [["asleep", "no answer before noon"]]
