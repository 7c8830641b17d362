"""`c5watch topics …` and `explain` as their users meet them: what is kept, refused, marked, and what became of it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.demo_site.model import DemoArticle
from tests.demo_site.server import DemoSite
from tests.support.running import CHECKOUT, EVERYTHING, c5watch, one_json, write_config

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class World:
    """The demonstration site as a first pass has left it. Nothing of it is up any more: no command may fetch."""

    config: Path
    data: Path
    articles: tuple[DemoArticle, ...]

    def run(self, *arguments: object, config: Path | None = None) -> subprocess.CompletedProcess[str]:
        return c5watch(*arguments, "--config", config or self.config, "--data", self.data)

    def url(self, outcome: str) -> str:
        """The first address, in their order, that ended so."""
        query = "SELECT key FROM urls WHERE outcome = ? ORDER BY key LIMIT 1"
        return str(self.read(query, outcome)[0][0])

    def read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.data / "index.sqlite")) as index, index:
            return index.execute(query, values).fetchall()


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("topics")
    with DemoSite() as site:
        world = World(write_config(root / "config", sources=site.sources_toml()), root / "data", tuple(site.articles))
        done = world.run("monitor", "--engine", "direct")
        assert done.returncode == 0, done.stderr
    yield world


@pytest.fixture
def world(passed: World, tmp_path: Path) -> World:
    """A copy of it for one test."""
    shutil.copytree(passed.data, tmp_path / "data")
    config = shutil.copytree(passed.config, tmp_path / "config")
    return World(config, tmp_path / "data", passed.articles)


def changed_topics(folder: Path, old: str, new: str) -> Path:
    """A configuration folder whose topic is the checkout's but for this."""
    text = (CHECKOUT / "config" / "topics.toml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    folder.mkdir()
    (folder / "topics.toml").write_text(text.replace(old, new), encoding="utf-8")
    return folder


# --- preview of the last days


def test_an_unchanged_topic_says_again_what_it_said(passed: World) -> None:
    told = one_json(passed.run("topics", "preview", "--days", "3", "--json"))
    outcomes = dict(passed.read("SELECT outcome, count(*) FROM urls GROUP BY outcome"))
    assert (told["kept"], told["refused"]) == (outcomes["appended"], outcomes["off_topic"])
    assert (told["newly_kept"], told["newly_refused"]) == ([], [])
    assert all(a["relevant"] == a["was_relevant"] and a["why"] for a in told["articles"])
    stored = dict(passed.read("SELECT canonical_url, score FROM articles"))
    assert {a["url"]: a["score"] for a in told["articles"] if a["relevant"]} == stored


def test_a_topic_edited_elsewhere_shows_what_it_would_change(passed: World, tmp_path: Path) -> None:
    everything = write_config(tmp_path / "all", sources="", topics=EVERYTHING)
    (everything / "sources.toml").unlink()
    told = one_json(passed.run("topics", "preview", "--json", config=everything))
    off_topic = {key for (key,) in passed.read("SELECT key FROM urls WHERE outcome = 'off_topic'")}
    assert (set(told["newly_kept"]), told["newly_refused"]) == (off_topic, [])

    nothing = tmp_path / "none"
    nothing.mkdir()
    topic = '[[topics]]\nid = "moon"\nname = "Moon"\ngroups = { moon = { en = ["moonquake*"] } }\n'
    (nothing / "topics.toml").write_text(topic, encoding="utf-8")
    done = passed.run("topics", "preview", "--limit", "2", config=nothing)
    assert done.returncode == 0
    count = passed.read("SELECT count(*) FROM articles")[0][0]
    counts, *_, kind = done.stdout[: done.stdout.index(":\n") + 1].splitlines()
    assert counts == f"last 7 days: {count} changed; 0 kept, {count + len(off_topic)} refused in all"
    assert kind == f"newly refused, kept before ({count}):"
    assert f"… and {count - 2} more: --limit shows them" in done.stdout
    assert "the nearest first" not in done.stdout and "--all shows the others, too" in done.stdout
    whole = passed.run("topics", "preview", "--all", config=nothing).stdout
    assert f"refused ({len(off_topic)}), the nearest first:" in whole
    assert passed.read("SELECT count(*) FROM articles")[0][0] == count  # nothing was changed


def test_what_has_no_text_any_more_is_judged_by_headline_and_summary(world: World) -> None:
    world.read("DELETE FROM refused_texts")
    told = one_json(world.run("topics", "preview", "--json"))
    assert told["judged_by_headline_and_summary"] == told["refused"]
    assert {a["judged_by"] for a in told["articles"] if not a["was_relevant"]} == {"headline and summary"}
    assert "judged by headline and summary" in world.run("topics", "preview").stdout


def test_articles_of_other_days_are_left_out(world: World) -> None:
    world.read("UPDATE articles SET appended_at = appended_at - 864000000 WHERE number > 0")
    world.read("UPDATE urls SET decided_at = decided_at - 864000000")
    told = one_json(world.run("topics", "preview", "--days", "7", "--json"))
    assert (told["kept"], told["refused"]) == (1, 0)


# --- preview of a file

ON_TOPIC = "Президент Казахстана принял посла США. Токаев и госсекретарь США подписали соглашение о редких металлах."
LINES = (
    {"url": "https://a.kz/1", "title": "Казахстан и США подписали соглашение", "text": ON_TOPIC, "language": "ru"},
    {"url": "https://a.kz/2", "title": "Снег в Алматы", "text": "Снег шёл день.\n\nЕго чистят.", "language": "ru"},
    {"url": "https://a.kz/3", "title": None, "text": ON_TOPIC},
)  # fmt: skip


def lines(path: Path, *values: object) -> Path:
    path.write_text("".join(v if isinstance(v, str) else json.dumps(v) + "\n" for v in values), encoding="utf-8")
    return path


def test_each_line_of_a_file_is_judged(tmp_path: Path) -> None:
    done = c5watch("topics", "preview", "--file", lines(tmp_path / "f.jsonl", *LINES), "--json")
    assert (done.returncode, done.stderr) == (0, "2 kept, 1 refused\n")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [t.keys() for t in told] == [{"url", "relevant", "score", "terms", "why"}] * 3
    assert [(t["url"], t["relevant"]) for t in told] == [
        ("https://a.kz/1", True), ("https://a.kz/2", False), ("https://a.kz/3", True),
    ]  # fmt: skip
    assert ["us", "=США", "headline", 1] in told[0]["terms"]
    assert told[1]["why"] == 'not on topic: no term of the group "us"'
    assert told[0]["score"] > told[1]["score"]


def test_a_file_is_judged_for_people_too_and_its_titles_are_harmless(tmp_path: Path) -> None:
    evil = {"url": "https://a.kz/4", "title": "Снег \x1b[31m\u202e красный\nвторая", "text": "Снег.", "language": "ru"}
    done = c5watch("topics", "preview", "--file", lines(tmp_path / "f.jsonl", *LINES, evil))
    assert done.returncode == 0
    assert "    kept" in done.stdout and " refused   0.00  Снег в Алматы\n" in done.stdout
    assert done.stdout.endswith("2 kept, 2 refused\n")
    assert not {"\x1b", "\u202e"} & set(done.stdout)


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("not json\n", "line 2: not a JSON object in UTF-8"),
        ("[1]\n", "line 2: expected a JSON object with url, title, text, language"),
        ('{"url": "https://a.kz/9"}\n', 'line 2: expected at least "text" or "title"'),
        ('{"url": "https://a.kz/9", "text": 7}\n', 'line 2: "text" is no text'),
        ("[" * 100_000 + "\n", "line 2: not a JSON object in UTF-8"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_and_the_others_go_on(tmp_path: Path, line: str, note: str) -> None:
    path = lines(tmp_path / "f.jsonl", LINES[0], line, LINES[1])
    done = c5watch("topics", "preview", "--file", path, "--json")
    assert done.returncode == 0
    assert done.stderr == f"c5watch: {path}: {note}\n1 kept, 1 refused, 1 line could not be used\n"
    told = json.loads(done.stdout.splitlines()[1])
    assert (told["relevant"], told["score"], told["terms"], told["why"]) == (None, None, [], note)


def test_a_file_with_nothing_usable_fails(tmp_path: Path) -> None:
    done = c5watch("topics", "preview", "--file", lines(tmp_path / "f.jsonl", "no\n", "\n", "neither\n"))
    assert done.returncode == 1
    assert "no line could be used: expected one JSON object a line" in done.stderr


def test_wrong_options_are_one_clear_line(tmp_path: Path) -> None:
    missing = c5watch("topics", "preview", "--file", tmp_path / "none.jsonl")
    assert missing.returncode == 2
    assert missing.stderr == f"c5watch: --file: found {tmp_path / 'none.jsonl'}, expected a file of JSON lines\n"
    both = c5watch("topics", "preview", "--file", lines(tmp_path / "f.jsonl", *LINES), "--days", "3")
    assert (both.returncode, both.stderr) == (2, "c5watch: --days cannot be used together with --file\n")
    assert c5watch("topics", "preview", "--days", "0").returncode == 2
    for command in (["preview"], ["check"], ["mark", "https://a.kz/1", "yes"], ["learn"]):
        done = c5watch("topics", *command, "--data", tmp_path / "nowhere")
        assert done.returncode == 1
        assert done.stderr.startswith(f"c5watch: no corpus in {tmp_path / 'nowhere'} yet: ")
    assert not (tmp_path / "nowhere").exists()


# --- marks


def test_marks_are_stored_and_check_reports_how_often_the_topic_agrees(world: World) -> None:
    assert world.run("topics", "check").stdout == "no article is marked yet: 'c5watch topics mark URL yes|no'\n"

    kept = [key for (key,) in world.read("SELECT canonical_url FROM articles ORDER BY number LIMIT 3")]
    refused = [key for (key,) in world.read("SELECT key FROM urls WHERE outcome = 'off_topic' ORDER BY key LIMIT 2")]
    for url, answer in ((kept[0], "yes"), (kept[1], "yes"), (kept[2], "no"), (refused[0], "no"), (refused[1], "yes")):
        done = world.run("topics", "mark", url, answer)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"marked as {'on' if answer == 'yes' else 'off'} topic: ")
    marks = one_json(world.run("topics", "preview", "--json"))["marks"]
    assert (marks["marked"], marks["precision"], marks["recall"]) == (5, pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert {c["url"] for c in marks["contradictions"]} == {kept[2], refused[1]}
    assert all(c["mark"] != c["relevant"] for c in marks["contradictions"])
    assert one_json(world.run("topics", "check", "--json")) == marks
    shown = world.run("topics", "check").stdout
    assert shown.startswith("5 articles marked: precision 67%, recall 67%\ndecided otherwise than marked (2):")
    assert "[marked no]" in shown
    assert "5 articles marked: precision 67%, recall 67%\n" in world.run("topics", "preview", "--days", "1").stdout

    assert "the topic agrees: on topic" in world.run("topics", "mark", kept[2], "yes").stdout  # a change of mind
    marks = one_json(world.run("topics", "preview", "--json"))["marks"]
    assert (marks["marked"], marks["precision"]) == (5, 1.0)


def test_a_repetition_is_marked_as_the_article_that_it_repeats(world: World) -> None:
    url = world.url("duplicate")
    number = world.read("SELECT article FROM urls WHERE key = ?", url)[0][0]
    told = one_json(world.run("topics", "mark", url, "yes", "--json"))
    key = world.read("SELECT canonical_url FROM articles WHERE number = ?", number)[0][0]
    assert (told["url"], told["mark"], told["relevant"]) == (key, True, True)
    assert world.read("SELECT key, relevant FROM marks") == [(key, 1)]


def test_what_cannot_be_marked_is_said(world: World) -> None:
    unknown = world.run("topics", "mark", "https://example.kz/nothing", "yes")
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("c5watch: https://example.kz/nothing: no feed or archive has named this address")
    nonsense = world.run("topics", "mark", "nonsense", "yes")
    assert nonsense.returncode == 2
    assert "expected an address such as https://example.kz/news/1" in nonsense.stderr
    assert world.run("topics", "mark", world.url("appended"), "perhaps").returncode == 2
    assert world.read("SELECT count(*) FROM marks") == [(0,)]


def test_learning_from_too_few_marks_is_refused(world: World) -> None:
    world.run("topics", "mark", world.url("appended"), "yes")
    done = world.run("topics", "learn")
    assert (done.returncode, done.stdout) == (1, "")
    assert "found 1 article marked as on topic and 0 as not" in done.stderr
    assert "learning takes 10 of each" in done.stderr
    assert not (world.config / "topics.weights.toml").exists()


# --- explain


def test_explain_tells_what_a_refusal_rests_on(passed: World) -> None:
    url = next(a.url for a in passed.articles if a.slug.startswith("kurs-dollara"))
    facts = one_json(passed.run("explain", url, "--json"))
    assert (facts["outcome"], facts["text_kept"], facts["attempts"]) == ("off_topic", True, 1)
    assert facts["score"] < facts["threshold"]
    assert any("США" in text for text in facts["taken_out"])
    assert any(group == "region" and place == "body" for group, _, place, _ in facts["terms"])
    shown = passed.run("explain", url).stdout
    for label in ("address", "source", "title", "seen in", "attempts", "outcome", "score", "region", "taken out"):
        assert f"{label}: " in shown


def test_explain_names_the_article_its_relations_marks_and_digests(world: World) -> None:
    url = world.url("appended")
    number = world.read("SELECT article FROM urls WHERE key = ?", url)[0][0]
    world.run("topics", "mark", url, "no")
    world.read(
        "INSERT INTO digests (id, name, created_at, last_number, message_id, stem, message, page)"
        " VALUES (1, 'daily', 0, 9, 'm', '2026-11-22T07-00', x'00', x'00')"
    )
    world.read("INSERT INTO digest_articles (name, number, digest) VALUES ('daily', ?, 1)", number)
    other = world.read("SELECT max(number) FROM articles WHERE number <> ?", number)[0][0]
    later, earlier = max(number, other), min(number, other)
    world.read("INSERT INTO relations (number, other, kind, score) VALUES (?, ?, 'related', 0.31)", later, earlier)
    facts = one_json(world.run("explain", url, "--json"))
    assert (facts["outcome"], facts["mark"], facts["borderline"]) == ("appended", "no", False)
    assert [d["page"] for d in facts["digests"]] == ["2026-11-22T07-00"]
    related = {(r["relation"], r["share"], r["which_is"]) for r in facts["relations"]}
    assert ("related", 0.31, "earlier" if other < number else "later") in related
    shown = world.run("explain", url).stdout
    assert "  marked: no, " in shown and "digest: 2026-11-22T07-00 (daily)" in shown
    assert facts["article"] in shown


def test_explain_says_what_a_repetition_is_like(passed: World) -> None:
    url = passed.url("duplicate")
    facts = one_json(passed.run("explain", url, "--json"))
    assert (facts["like"]["relation"], facts["like"]["share"]) == ("duplicate", 1.0)
    assert facts["like"]["article"] == facts["article"]
    assert "compared: duplicate, 100% of the shorter text of " in passed.run("explain", url).stdout
