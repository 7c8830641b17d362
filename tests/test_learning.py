"""`topics learn`: weights from marks, written only when they do better, as numbers in a readable file."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from config.load import load_config
from config.topics import TopicsFile, Weights, WeightsFile, with_weights
from extractors.records import Article
from extractors.topic.judge import compile_topics
from flows.tools.learning import FEWEST_OF_EACH, WEIGHT_NAMES, fit
from flows.tools.topics import compare
from storage.state.marks import TEXT, Judged
from tests.support.outlets import story
from tests.support.running import c5watch, c5watch_process, one_json

pytestmark = pytest.mark.slow

# A topic whose file sets too much store by the lead: a name in passing is enough there.
TOPIC = """[[topics]]
id = "snow"
name = "Snow in towns"
threshold = 3.0
weights = { headline = 0.5, lead = 6.0, together = 0.5, actors = 0.0, dealings = 0.0, body = 0.5, aside = 0.5 }
[topics.groups.snow]
ru = ["снег*"]
[topics.groups.town]
ru = ["город*"]
"""
FILE = TopicsFile.model_validate(
    {"topics": [{"id": "snow", "name": "Snow", "threshold": 3.0,
                 "weights": {"headline": 0.5, "lead": 6.0, "together": 0.5, "body": 0.5, "aside": 0.5},
                 "groups": {"snow": {"ru": ["снег*"]}, "town": {"ru": ["город*"]}}}]}
)  # fmt: skip


def wanted(number: int) -> tuple[str, str]:
    """Headline and text of an article on snow in town; its lead may begin with something else."""
    luck = random.Random(number)
    lead = luck.choice(["Снег шёл в городе всю ночь. ", "Ночь была долгой. ", "Вчера мело. "])
    length = luck.choice([1, 2, 4])
    body = [
        f"{p} Снег в городе чистят, снег на дорогах города лежит." for p in story(number, paragraphs=length, words=20)
    ]
    return f"В город пришёл снег {number}", "\n\n".join(
        [lead + s for s in story(number + 500, paragraphs=2, words=15)] + body
    )


def unwanted(number: int) -> tuple[str, str]:
    """One on something else that names both in passing at its beginning."""
    lead = f"{story(number, words=12)[0]} Снег и город тут ни при чём. "
    return f"Другая новость {number}", "\n\n".join([lead, *story(number + 700, paragraphs=6, words=40)])


def judged(number: int, *, mark: bool) -> Judged:
    title, text = wanted(number) if mark else unwanted(number)
    article = Article(tuple(text.split("\n\n")), title, (), None, None, "ru", "test")
    return Judged(f"https://site.kz/{number}", article, TEXT, relevant=True, reason="", mark=mark)


MARKED = [judged(number, mark=number % 2 == 0) for number in range(40)]


def test_weights_learnt_from_marks_contradict_fewer_articles_that_are_new_to_them() -> None:
    present = compile_topics(FILE)
    weights = fit(FILE.topics[0], present, MARKED)
    learnt = compile_topics(with_weights(FILE, WeightsFile.model_validate({"snow": weights})))
    others = [judged(number, mark=number % 2 == 0) for number in range(100, 160)]
    before, after = compare(present, others), compare(learnt, others)
    assert len(before.contradictions) > 20
    assert len(after.contradictions) < len(before.contradictions) / 4
    assert weights["lead"] < FILE.topics[0].weights.lead


def test_the_same_marks_give_the_same_weights_and_a_weight_is_never_negative() -> None:
    topics = compile_topics(FILE)
    first = fit(FILE.topics[0], topics, MARKED)
    assert first == fit(FILE.topics[0], topics, MARKED)
    assert set(first) == set(WEIGHT_NAMES)
    Weights.model_validate(first)
    assert all(round(weight, 2) == weight >= 0 for weight in first.values())


@pytest.mark.parametrize(
    "marked",
    [
        pytest.param([m for m in MARKED if m.mark], id="of one kind only"),
        pytest.param([], id="none"),
    ],
)
def test_marks_that_cannot_tell_leave_the_weights_as_they_are(marked: list[Judged]) -> None:
    assert fit(FILE.topics[0], compile_topics(FILE), marked) == FILE.topics[0].weights.model_dump()


def test_few_marks_move_the_weights_less_than_many() -> None:
    topic, topics = FILE.topics[0], compile_topics(FILE)

    def turned(marked: list[Judged]) -> float:
        """How far the shares of the weights have moved."""
        old, new = topic.weights.model_dump(), fit(topic, topics, marked)
        shares = [{name: value / sum(one.values()) for name, value in one.items()} for one in (old, new)]
        return sum(abs(shares[0][name] - shares[1][name]) for name in WEIGHT_NAMES)

    assert 0 < turned(MARKED[:6]) < turned(MARKED)


def corpus_with_marks(tmp_path: Path, *, right: bool) -> tuple[object, ...]:
    """Options of a corpus with marked articles; `right`: the topic agrees with all marks already."""
    config = tmp_path / "config"
    config.mkdir()
    (config / "topics.toml").write_text(TOPIC, encoding="utf-8")
    options = ("--config", config, "--data", tmp_path / "data")
    rows, answers = [], {}
    for number in range(2 * FEWEST_OF_EACH):
        title, text = wanted(number) if number % 2 == 0 else unwanted(number)
        rows.append({"url": f"https://site.kz/{number}", "title": title, "date": "2025-11-06", "text": text})
    path = tmp_path / "articles.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    done = c5watch("corpus", "import", path, *options)
    assert done.returncode == 0, done.stderr
    preview = one_json(c5watch("topics", "preview", "--json", *options))
    kept = {article["url"]: article["relevant"] for article in preview["articles"]}
    assert len(kept) == len(rows), "an article was taken for a repetition"
    for number in range(2 * FEWEST_OF_EACH):
        url = f"https://site.kz/{number}"
        answers[url] = kept[url] if right else number % 2 == 0
    with closing(sqlite3.connect(tmp_path / "data" / "index.sqlite")) as index, index:
        index.executemany("INSERT INTO marks VALUES (?, ?, 0)", answers.items())
    return options


def test_the_command_writes_weights_that_the_next_command_uses(tmp_path: Path) -> None:
    options = corpus_with_marks(tmp_path, right=False)
    before = one_json(c5watch("topics", "preview", "--json", *options))["marks"]
    done = c5watch("topics", "learn", *options)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "config" / "topics.weights.toml"
    assert f"written to {path}" in done.stdout
    assert "20 marked articles: 10 on topic, 10 not" in done.stdout
    written = path.read_text(encoding="utf-8")
    assert "[snow]\nheadline = " in written and written.startswith("# Learnt by 'c5watch topics learn' from 10 ")
    assert load_config(tmp_path / "config").topics.topics[0].weights.lead < 6
    after = one_json(c5watch("topics", "preview", "--json", *options))["marks"]
    assert len(after["contradictions"]) < len(before["contradictions"])

    path.unlink()
    told = one_json(c5watch("topics", "learn", "--json", *options))
    assert path.read_text(encoding="utf-8") == written  # again the same
    assert told["contradictions"]["after"] < told["contradictions"]["before"] == len(before["contradictions"])
    assert told["written"] == str(path)


def test_without_scikit_learn_the_command_says_what_to_install(tmp_path: Path) -> None:
    options = corpus_with_marks(tmp_path, right=False)
    (tmp_path / "absent").mkdir()
    (tmp_path / "absent" / "sklearn.py").write_text("raise ModuleNotFoundError(name='sklearn')")
    done = c5watch_process("topics", "learn", *options, environment={"PYTHONPATH": str(tmp_path / "absent")})
    assert done.returncode == 1
    assert done.stderr == "c5watch: learning needs scikit-learn: run '.venv/bin/python -m pip install scikit-learn'\n"


def test_the_command_writes_nothing_where_that_is_no_better(tmp_path: Path) -> None:
    options = corpus_with_marks(tmp_path, right=False)
    one_json(c5watch("topics", "learn", "--json", *options))
    path = tmp_path / "config" / "topics.weights.toml"
    written = path.read_text(encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "data" / "index.sqlite")) as index, index:
        for article in one_json(c5watch("topics", "preview", "--json", *options))["articles"]:
            index.execute("UPDATE marks SET relevant = ? WHERE key = ?", (article["relevant"], article["url"]))
    done = c5watch("topics", "learn", *options)
    if done.returncode == 0:
        assert done.stdout.endswith("no better: nothing was written\n")
    else:  # all are of one kind now
        assert "learning takes 10 of each" in done.stderr
    assert path.read_text(encoding="utf-8") == written
