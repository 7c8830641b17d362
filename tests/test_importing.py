"""`corpus import FILE.jsonl`: order, outcomes, resumption, and lines that cannot be used."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import c5watch, write_config
from tests.support.stories import RATES, edited, line, story, write_lines

pytestmark = pytest.mark.slow


def run_import(tmp_path: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return c5watch("corpus", "import", *arguments, "--data", tmp_path / "data")


def imported(tmp_path: Path, *lines: str) -> list[dict[str, Any]]:
    """What `--json` prints for a file of these lines."""
    done = run_import(tmp_path, write_lines(tmp_path / "articles.jsonl", *lines), "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(printed) for printed in done.stdout.splitlines()]


STORIES = (
    line("https://first.kz/1", story(1)),
    line("https://second.kz/2", edited(story(1))),
    line("https://bank.kz/3", [RATES.format("6 ноября", "525,31", "604,2", "6,47", "73,8")]),
    line("https://bank.kz/4", [RATES.format("7 ноября", "523,77", "606,9", "6,51", "73,1")]),
    line("https://first.kz/5", story(5)),
    line("https://third.kz/6", story(5)),
    line("https://www.first.kz/5?utm_source=x", story(5)),
)


def test_each_article_is_told_what_became_of_it_in_the_order_given(tmp_path: Path) -> None:
    told = imported(tmp_path, *STORIES)
    assert [(t["url"], t["outcome"], t["number"], t["of"], t["relation"]) for t in told] == [
        ("https://first.kz/1", "appended", 0, None, None),
        ("https://second.kz/2", "reprint", 0, "https://first.kz/1", "reprint"),
        ("https://bank.kz/3", "appended", 1, None, None),
        ("https://bank.kz/4", "appended", 2, "https://bank.kz/3", "template"),
        ("https://first.kz/5", "appended", 3, None, None),
        ("https://third.kz/6", "duplicate", 3, "https://first.kz/5", "duplicate"),
        ("https://www.first.kz/5?utm_source=x", "duplicate", 3, "https://first.kz/5", "duplicate"),
    ]
    assert told[1]["score"] > 0.7 and told[0]["score"] is None
    files = sorted(path.name[:3] for path in (tmp_path / "data" / "corpus").iterdir())
    assert files == ["000", "001", "002", "003"]
    assert c5watch("corpus", "verify", "--data", tmp_path / "data").returncode == 0


def test_importing_again_adds_nothing_and_says_where_each_story_stands(tmp_path: Path) -> None:
    first = imported(tmp_path, *STORIES)
    manifest = (tmp_path / "data" / "manifest.jsonl").read_bytes()
    again = imported(tmp_path, *STORIES)
    assert {t["outcome"] for t in again} == {"duplicate"}
    assert [t["number"] for t in again] == [t["number"] for t in first]
    assert {t["reason"] for t in again} == {"decided before"}
    assert (tmp_path / "data" / "manifest.jsonl").read_bytes() == manifest


BAD_LINES = {
    "{not json": "not a JSON object in UTF-8",
    "[1, 2]": "expected a JSON object with url, title, date and text",
    '{"text": "слова"}': 'expected at least "url" and "text"',
    '{"url": "https://x.kz/1"}': 'expected at least "url" and "text"',
    '{"url": "mailto:a@b.kz", "text": "слова"}': "",
    '{"url": 7, "text": "слова"}': '"url" is not a text',
    '{"url": "https://x.kz/1", "text": ["слова"]}': '"text" is not a text',
    "[" * 100_000: "not a JSON object in UTF-8",
}


def test_a_line_that_cannot_be_used_is_told_with_its_number_and_the_others_go_on(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "articles.jsonl", STORIES[0], *BAD_LINES, STORIES[4])
    told = [json.loads(printed) for printed in run_import(tmp_path, path, "--json").stdout.splitlines()]
    assert [t["outcome"] for t in told] == ["appended", *["failed"] * len(BAD_LINES), "appended"]
    for number, (line_told, said) in enumerate(zip(told[1:-1], BAD_LINES.values(), strict=True), 2):
        assert line_told["reason"].startswith(f"line {number}: {said}")
    done = run_import(tmp_path, path)
    assert done.returncode == 1
    assert done.stdout == f"10 lines: {len(BAD_LINES)} failed, 2 duplicate\n"
    *each, last = done.stderr.splitlines()
    assert len(each) == len(BAD_LINES)
    assert last == (
        f"c5watch: {len(BAD_LINES)} lines could not be used, the first: line 2: not a JSON object in UTF-8; "
        "the others were taken in"
    )


def test_user_and_password_of_an_address_are_kept_nowhere(tmp_path: Path) -> None:
    lines = line("https://user:secretpw@first.kz/1", story(1)), line("ftp://first.kz/1", story(2))
    path = write_lines(tmp_path / "articles.jsonl", *lines)
    done = run_import(tmp_path, path, "--json")
    appended, failed = (json.loads(printed) for printed in done.stdout.splitlines())
    assert (appended["url"], appended["outcome"], failed["outcome"]) == ("https://first.kz/1", "appended", "failed")
    for file in (tmp_path / "data").rglob("*"):
        assert file.is_dir() or b"secretpw" not in file.read_bytes(), file


def test_dates_that_are_not_understood_are_said_and_their_articles_kept(tmp_path: Path) -> None:
    dated, vague = line("https://first.kz/1", story(1)), line("https://first.kz/2", story(2), date="на днях")
    done = run_import(tmp_path, write_lines(tmp_path / "a.jsonl", dated, vague))
    assert (done.returncode, done.stdout) == (0, "2 lines: 2 appended\n")
    assert done.stderr == (
        "c5watch: 1 date not understood, the first in line 2: 'на днях': expected one such as 2025-11-01\n"
    )


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "1970-01-01T00:00:00Z", "31.12.9999"])
def test_a_date_that_cannot_be_true_is_not_understood(tmp_path: Path, day: str) -> None:
    done = run_import(tmp_path, write_lines(tmp_path / "a.jsonl", line("https://first.kz/1", story(1), date=day)))
    assert (done.returncode, done.stdout) == (0, "1 line: 1 appended\n")
    assert f"1 date not understood, the first in line 1: {day!r}" in done.stderr
    assert c5watch("corpus", "verify", "--data", tmp_path / "data").returncode == 0


def test_odd_but_usable_lines_are_imported(tmp_path: Path) -> None:
    told = imported(
        tmp_path,
        "\ufeff" + line("https://first.kz/1", story(1), date="2025-11-06T23:30:00+05:00"),
        "",
        line("https://first.kz/2", story(2), date=None, title=None),
        line("https://first.kz/3", story(3), date="вчера"),
        line("https://first.kz/4", ["два слова"]),
        line("https://first.kz/5", ["\u2028".join(story(5))]),
        line("https://first.kz/6", ["\n".join(story(6))], date="01.11.2025"),
    )
    assert [t["outcome"] for t in told] == [
        "appended", "appended", "appended", "too_short", "appended", "appended",
    ]  # fmt: skip
    assert told[2]["reason"] == "imported; line 4: date 'вчера' is not understood"
    texts = [path.read_text("utf-8") for path in sorted((tmp_path / "data" / "corpus").iterdir())]
    assert texts[0] == " date 2025-11-06 " + "\n\n".join(story(1))
    assert texts[1] == "\n\n".join(story(2))
    assert texts[2] == "\n\n".join(["О событии 3", *story(3)])
    assert texts[4] == " date 2025-11-01 " + "\n\n".join(story(6)), "lines are paragraphs where no line is blank"


def test_judge_leaves_out_what_is_off_topic(tmp_path: Path) -> None:
    on_topic = [
        "Президент Казахстана встретился в Вашингтоне с делегацией США. Стороны обсудили сотрудничество Казахстана "
        "и Соединённых Штатов в добыче критических минералов, инвестиции американских компаний и формат C5+1."
    ]
    path = write_lines(tmp_path / "a.jsonl", line("https://first.kz/1", story(1)), line("https://first.kz/2", on_topic))
    done = run_import(tmp_path, path, "--json", "--judge")
    assert [json.loads(printed)["outcome"] for printed in done.stdout.splitlines()] == ["off_topic", "appended"]


def test_the_thresholds_are_settings(tmp_path: Path) -> None:
    config = write_config(tmp_path / "config", sources="", settings="[duplicates]\nsame_story = 0.95\n")
    (config / "sources.toml").unlink()
    path = write_lines(tmp_path / "a.jsonl", *STORIES[:2])
    done = run_import(tmp_path, path, "--json", "--config", config)
    assert [json.loads(printed)["outcome"] for printed in done.stdout.splitlines()] == ["appended", "appended"]


def test_wrong_use_is_one_sentence_with_its_status(tmp_path: Path, seeds: Path) -> None:
    missing = run_import(tmp_path, tmp_path / "none.jsonl")
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)
    assert "no such folder or file" in missing.stderr
    judged = run_import(tmp_path, seeds, "--judge")
    assert (judged.returncode, judged.stderr.count("\n")) == (2, 1)
    useless = run_import(tmp_path, write_lines(tmp_path / "x.jsonl", "a", "b"))
    assert useless.returncode == 1
    assert useless.stderr.splitlines()[-1].startswith("c5watch: no line could be used")
    empty = run_import(tmp_path, write_lines(tmp_path / "empty.jsonl"))
    assert (empty.returncode, empty.stdout) == (0, "0 lines: the file is empty\n")
