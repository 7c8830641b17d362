"""Weigh the topic's evidence anew by the articles that readers have marked, for `c5watch topics learn`.

Fit a logistic regression over the numbers that the score is made of (`Topics.features`). Imagined marks that agree with
the present weights, some for each weight, hold it to them: few real marks move the weights little, and a weight that no
mark speaks of stays as it is. Turn the coefficients back into points for the same threshold, and write them as numbers
into `topics.weights.toml`, where they can be read, changed or deleted; but only when they contradict fewer marks in
cross-validation, on articles that they were not learnt from, than the present weights do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.load import CHECKOUT, WEIGHTS, Config
from config.topics import Topic, TopicsFile, Weights, WeightsFile, with_weights
from extractors.text import counted
from extractors.topic.judge import Topics, compile_topics
from flows.tools.topics import compare
from storage.corpus.writer import open_for_reading
from storage.errors import StorageError
from storage.files.local_folder import put_file
from storage.state.marks import TEXT, Judged, load_marked

FEWEST_OF_EACH = 10  # marks of each kind: with fewer, five folds of them say nothing
FOLDS = 5
SEED = 0  # the same marks give the same weights
HOLD = 2.0  # marks that each present weight, and the threshold, counts for
NO_OTHER_PENALTY = 1e4
WEIGHT_NAMES = tuple(Weights.model_fields)
NEEDS_SCIKIT_LEARN = "learning needs scikit-learn: run '.venv/bin/python -m pip install scikit-learn'"


@dataclass(frozen=True, slots=True)
class Learnt:
    """Result of learning. `before` and `after` count the contradicted marks; `path` is None if nothing was written."""

    yes: int
    no: int
    left_out: int  # marked articles whose text is not kept
    before: int
    after: int
    old: dict[str, float]
    new: dict[str, float]
    path: Path | None

    def to_json(self) -> dict[str, Any]:
        """Return the object for `--json`."""
        return {
            "marked": {"yes": self.yes, "no": self.no, "left_out": self.left_out},
            "contradictions": {"before": self.before, "after": self.after}, "weights_before": self.old,
            "weights": self.new, "written": str(self.path) if self.path else None,
        }  # fmt: skip

    def lines(self) -> list[str]:
        """Return the result in words."""
        total = self.yes + self.no
        words = [f"{total} marked articles: {self.yes} on topic, {self.no} not"]
        if self.left_out:
            words.append(f"{self.left_out} more were left out: their text is not kept")
        words.append(
            f"contradicted by the present weights: {self.before} of {total}; "
            f"by weights learnt without them: {self.after} of {total}"
        )
        for name in WEIGHT_NAMES:
            words.append(f"{name:>10}: {self.old[name]:6.2f} → {self.new[name]:6.2f}")
        words.append(f"written to {self.path}" if self.path else "no better: nothing was written")
        return words


async def learn(config: Config, data: Path) -> Learnt:
    """Learn from all marks, and write the weights when they are better. Raises StorageError when it cannot be done."""
    topic = _only_topic(config.topics)
    async with open_for_reading(data, config.settings.storage) as corpus, corpus.database.read() as connection:
        marked = [judged async for judged in load_marked(connection)]
    usable = [judged for judged in marked if judged.basis == TEXT]
    answers = [bool(judged.mark) for judged in usable]
    yes, no = sum(answers), len(answers) - sum(answers)
    if min(yes, no) < FEWEST_OF_EACH:
        raise StorageError(
            f"found {counted(yes, 'article')} marked as on topic and {no} as not, with their texts: learning takes "
            f"{FEWEST_OF_EACH} of each; mark more with 'c5watch topics mark URL yes|no'"
        )
    before = len(compare(compile_topics(config.topics), usable).contradictions)
    after = _cross_validated(config.topics, topic, usable)
    learnt = fit(topic, compile_topics(config.topics), usable)
    path = None
    if after < before:
        path = _weights_path(config)
        _write(path, topic.id, learnt, f"{counted(yes, 'article')} marked as on topic and {no} as not")
    return Learnt(yes, no, len(marked) - len(usable), before, after, topic.weights.model_dump(), learnt, path)


def fit(topic: Topic, topics: Topics, marked: Sequence[Judged]) -> dict[str, float]:
    """Return rounded weights for `topic` from marked articles; the present weights if the marks give no better.

    Deterministic. Leave out what no weight can bring back: what lacks a group, or what a veto without a weight refuses.
    """
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as exc:
        raise StorageError(NEEDS_SCIKIT_LEARN) from exc
    present = topic.weights.model_dump()
    names = [name for name in WEIGHT_NAMES if present[name]]  # one of 0 was switched off by hand
    rows: list[list[float]] = []
    answers: list[bool] = []
    for judged in marked:
        features = topics.features(judged.article, topic.id)
        row = [features[name] for name in names]
        veto = topics.judge(judged.article).veto
        if any(row) and (veto is None or topic.vetoes[veto].weight is not None):
            rows.append([*row, -1.0])  # the last coefficient is the threshold
            answers.append(bool(judged.mark))
    if len(set(answers)) < 2:
        return present
    weight = [len(answers) / (2 * answers.count(answer)) for answer in answers]  # both kinds count alike
    for position, points in enumerate([*(present[name] for name in names), topic.threshold]):
        probability = 1 / (1 + math.exp(-points))
        rows += [[float(position == column) for column in range(len(names) + 1)]] * 2
        answers += [True, False]
        weight += [HOLD * probability, HOLD * (1 - probability)]
    model = LogisticRegression(C=NO_OTHER_PENALTY, fit_intercept=False, max_iter=1000).fit(rows, answers, weight)
    *coefficients, threshold = (float(coefficient) for coefficient in model.coef_[0])
    if threshold <= 0:
        return present
    scale = topic.threshold / threshold
    return present | {
        name: round(max(0.0, coefficient * scale), 2) for name, coefficient in zip(names, coefficients, strict=True)
    }


def _cross_validated(file: TopicsFile, topic: Topic, marked: Sequence[Judged]) -> int:
    """Return how many marks are contradicted by weights learnt from the others, fold by fold."""
    try:
        from sklearn.model_selection import StratifiedKFold
    except ImportError as exc:
        raise StorageError(NEEDS_SCIKIT_LEARN) from exc
    answers = [bool(judged.mark) for judged in marked]
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(answers, answers)
    present, wrong = compile_topics(file), 0
    for others, held_out in folds:
        weights = fit(topic, present, [marked[position] for position in others])
        weighed = compile_topics(with_weights(file, WeightsFile.model_validate({topic.id: weights})))
        wrong += len(compare(weighed, [marked[position] for position in held_out]).contradictions)
    return wrong


def _only_topic(file: TopicsFile) -> Topic:
    if len(file.topics) > 1 or file.topics[0].match_all:
        raise StorageError(
            "learning takes a topics.toml with one topic that has groups: a mark does not say which of several it means"
        )
    return file.topics[0]


def _weights_path(config: Config) -> Path:
    """Return the path of the weights, beside the `topics.toml` in use."""
    folder = config.folder if (config.folder / "topics.toml").exists() else CHECKOUT
    return folder / WEIGHTS


def _write(path: Path, topic_id: str, weights: dict[str, float], origin: str) -> None:
    listed = "".join(f"{name} = {value}\n" for name, value in weights.items())
    text = (
        f"# Learnt by 'c5watch topics learn' from {origin}.\n"
        "# They take the place of those under [topics.weights] in topics.toml; delete this file to go back.\n"
        f"\n[{topic_id}]\n{listed}"
    )
    try:
        put_file(path, text.encode("utf-8"))
    except OSError as exc:
        raise StorageError(f"{path}: cannot be written: {exc.strerror}") from exc
