"""`c5watch sources list` and `status`: the catalogue, parts of it, and how it fares in one line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from config.load import CHECKOUT, load_config
from storage.corpus.writer import open_corpus
from tests.support.running import c5watch, one_json, source_toml, write_config

SHIPPED = load_config(CHECKOUT).sources


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--country", "kg"), {s.id for s in SHIPPED if s.country == "KG"}),
        (("--language", "KK", "--country", "KZ"), {s.id for s in SHIPPED if (s.language, s.country) == ("kk", "KZ")}),
        (("--category", "think_tank"), {s.id for s in SHIPPED if s.category == "think_tank"}),
        (("--disabled",), {s.id for s in SHIPPED if not s.enabled}),
        (("--country", "XX"), set()),
    ],
)
def test_only_those_that_fit_are_listed(arguments: tuple[str, ...], expected: set[str]) -> None:
    listed = one_json(c5watch("sources", "list", *arguments, "--json"))["sources"]
    assert {source["id"] for source in listed} == expected


def test_what_is_switched_off_is_listed_with_the_reason() -> None:
    done = c5watch("sources", "list", "--disabled")
    assert done.returncode == 0
    assert "turkmenportal " in done.stdout
    assert "Off: Cloudflare answers 403" in done.stdout
    assert done.stderr.startswith(f"c5watch: {sum(not s.enabled for s in SHIPPED)} sources, 0 of them enabled")


def test_a_category_that_there_is_not_is_status_2() -> None:
    done = c5watch("sources", "list", "--category", "sport")
    assert (done.returncode, done.stdout) == (2, "")
    assert "think_tank" in done.stderr


async def test_the_state_of_all_is_told_in_one_line(tmp_path: Path) -> None:
    feedless = source_toml("two", "https://two.example/rss").replace('["https://two.example/rss"]', "[]")
    sources = source_toml("one", "https://one.example/rss") + feedless
    folder = write_config(tmp_path / "config", sources=sources)
    async with open_corpus(tmp_path / "data", load_config(folder).settings.storage):
        pass
    done = await asyncio.to_thread(c5watch, "sources", "status", "--config", folder, "--data", tmp_path / "data")
    assert done.stderr == "c5watch: 2 sources: 1 never read, 1 read by backfills only; times are those of Asia/Almaty\n"


def test_that_no_source_fits_is_said() -> None:
    done = c5watch("sources", "list", "--country", "XX", "--language", "ru")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "c5watch: no source in the catalogue for --country XX, --language ru\n"
