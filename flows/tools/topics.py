"""Try the topic on what the index holds or on a file, and take readers' marks, for `c5watch topics`.

Fetch nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from config.load import Config
from extractors.records import Article, Verdict
from extractors.text import clean_block, clean_line, counted
from extractors.topic.judge import Topics, compile_topics
from extractors.urls import canonical_url
from storage.corpus.importing import blocks_of
from storage.corpus.writer import open_for_reading, open_index
from storage.errors import StorageError
from storage.files.local_folder import named_disk_errors
from storage.state.marks import SUMMARY, Judged, find_judged, load_judged, load_marked, store_mark


@dataclass(frozen=True, slots=True)
class Trial:
    """Article of the index under the present topic."""

    judged: Judged
    verdict: Verdict

    @property
    def changed(self) -> bool:
        """Tell whether the present topic decides otherwise than the stored decision."""
        return self.judged.relevant is not None and self.judged.relevant != self.verdict.relevant

    def to_json(self) -> dict[str, Any]:
        """Return the object for `--json`."""
        return {
            **verdict_json(self.judged.key, self.verdict), "title": self.judged.article.title,
            "judged_by": self.judged.basis, "was_relevant": self.judged.relevant, "mark": self.judged.mark,
            "borderline": self.verdict.borderline,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of the topic's decisions with readers' marks: counts of each kind, and the contradictions."""

    kept_wanted: int = 0
    kept_unwanted: int = 0
    refused_wanted: int = 0
    refused_unwanted: int = 0
    contradictions: tuple[Trial, ...] = ()

    @property
    def precision(self) -> float | None:
        """Return the share of kept articles that are wanted; None where nothing marked is kept."""
        kept = self.kept_wanted + self.kept_unwanted
        return self.kept_wanted / kept if kept else None

    @property
    def recall(self) -> float | None:
        """Return the share of wanted articles that are kept; None where nothing is marked as wanted."""
        wanted = self.kept_wanted + self.refused_wanted
        return self.kept_wanted / wanted if wanted else None

    @property
    def marked(self) -> int:
        """Return the number of marked articles."""
        return self.kept_wanted + self.kept_unwanted + self.refused_wanted + self.refused_unwanted

    def lines(self) -> list[str]:
        """Return the counts in words."""
        if not self.marked:
            return ["no article is marked yet: 'c5watch topics mark URL yes|no'"]
        precision, recall = ("–" if share is None else f"{share:.0%}" for share in (self.precision, self.recall))
        return [f"{counted(self.marked, 'article')} marked: precision {precision}, recall {recall}"]

    def to_json(self) -> dict[str, Any]:
        """Return the object for `--json`."""
        return {
            "marked": self.marked, "kept_wanted": self.kept_wanted, "kept_unwanted": self.kept_unwanted,
            "refused_wanted": self.refused_wanted, "refused_unwanted": self.refused_unwanted,
            "precision": self.precision, "recall": self.recall,
            "contradictions": [trial.to_json() for trial in self.contradictions],
        }  # fmt: skip


@dataclass(slots=True)
class Preview:
    """Articles of the last days under the present topic."""

    days: int
    trials: list[Trial] = field(default_factory=list)
    agreement: Agreement = field(default_factory=Agreement)

    def to_json(self) -> dict[str, Any]:
        """Return the object for `--json`."""
        return {
            "days": self.days,
            "kept": sum(t.verdict.relevant for t in self.trials),
            "refused": sum(not t.verdict.relevant for t in self.trials),
            "judged_by_headline_and_summary": sum(t.judged.basis == SUMMARY for t in self.trials),
            "newly_kept": [t.judged.key for t in self.trials if t.changed and t.verdict.relevant],
            "newly_refused": [t.judged.key for t in self.trials if t.changed and not t.verdict.relevant],
            "articles": [trial.to_json() for trial in self.trials],
            "marks": self.agreement.to_json(),
        }


def verdict_json(url: str | None, verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as JSON values; `terms` as in the manifest: [[group, term, place, count], …]."""
    return {
        "url": url, "relevant": verdict.relevant, "score": verdict.score,
        "terms": [[m.group, m.term, m.part, m.count] for m in verdict.matches], "why": verdict.why,
    }  # fmt: skip


async def preview_days(config: Config, data: Path, days: int, *, now: datetime) -> Preview:
    """Return the last days' articles under the present topic, and their agreement with marks. Raises StorageError."""
    topics = compile_topics(config.topics)
    preview = Preview(days)
    async with open_for_reading(data, config.settings.storage) as corpus, corpus.database.read() as connection:
        async for judged in load_judged(connection, now - timedelta(days=days)):
            verdict = topics.judge(judged.article)
            preview.trials.append(Trial(without_text(judged), verdict))  # thousands of texts need not be held
        preview.agreement = compare(topics, [judged async for judged in load_marked(connection)])
    return preview


async def check_marks(config: Config, data: Path) -> Agreement:
    """Return how the present topic agrees with all marks. Raises StorageError."""
    async with open_for_reading(data, config.settings.storage) as corpus, corpus.database.read() as connection:
        return compare(compile_topics(config.topics), [judged async for judged in load_marked(connection)])


def without_text(judged: Judged) -> Judged:
    """Return the same, without the paragraphs."""
    return replace(judged, article=replace(judged.article, paragraphs=()))


def compare(topics: Topics, marked: list[Judged]) -> Agreement:
    """Return how these topics agree with the marks."""
    trials = [Trial(judged, topics.judge(judged.article)) for judged in marked]

    def count(*, relevant: bool, mark: bool) -> int:
        return sum(t.verdict.relevant == relevant and t.judged.mark == mark for t in trials)

    return Agreement(
        kept_wanted=count(relevant=True, mark=True),
        kept_unwanted=count(relevant=True, mark=False),
        refused_wanted=count(relevant=False, mark=True),
        refused_unwanted=count(relevant=False, mark=False),
        contradictions=tuple(t for t in trials if t.judged.mark != t.verdict.relevant),
    )


async def mark(config: Config, data: Path, url: str, *, relevant: bool, now: datetime) -> Trial:
    """Store a judgement, and return what the present topic says of the article. Raises StorageError."""
    key = address_key(url)
    topics = compile_topics(config.topics)
    async with open_index(data, config.settings.storage) as database, database.write() as connection:
        judged = await find_judged(connection, key)
        if judged is None:
            raise StorageError(
                f"{key}: no feed or archive has named this address yet; mark what 'c5watch explain' knows"
            )
        await store_mark(connection, judged.key, relevant=relevant, now=now)
    return Trial(judged, topics.judge(judged.article))


def address_key(url: str) -> str:
    """Return the canonical URL. Raises StorageError when it is no address."""
    try:
        return canonical_url(url)
    except ValueError as exc:
        raise StorageError(f"{exc}: expected an address such as https://example.kz/news/1") from exc


@dataclass(frozen=True, slots=True)
class Line:
    """Line of a file under the present topic. `verdict` is None where the line cannot be used; `note` says why."""

    number: int
    url: str | None
    title: str | None
    verdict: Verdict | None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the object for `--json`."""
        if self.verdict is None:
            return {"url": self.url, "relevant": None, "score": None, "terms": [], "why": self.note}
        return verdict_json(self.url, self.verdict)


def preview_file(config: Config, path: Path, report: Callable[[Line], None]) -> None:
    """Judge the articles of a file of JSON lines; `report` hears of each. Raises StorageError when it is unreadable."""
    topics = compile_topics(config.topics)
    with named_disk_errors(path), path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                report(_judge_line(topics, number, line))


def _judge_line(topics: Topics, number: int, line: bytes) -> Line:
    try:
        value = json.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        return Line(number, None, None, None, f"line {number}: not a JSON object in UTF-8")
    if not isinstance(value, dict):
        return Line(number, None, None, None, f"line {number}: expected a JSON object with url, title, text, language")
    texts = {name: value.get(name) for name in ("url", "title", "text", "language")}
    url = texts["url"] if isinstance(texts["url"], str) else None
    for name, text in texts.items():
        if text is not None and not isinstance(text, str):
            return Line(number, url, None, None, f'line {number}: "{name}" is no text')
    if texts["text"] is None and texts["title"] is None:
        return Line(number, url, None, None, f'line {number}: expected at least "text" or "title"')
    title = clean_line(_sound(texts["title"] or "")) or None
    paragraphs = tuple(_paragraphs(_sound(texts["text"] or "")))
    language = (texts["language"] or "").strip() or _identified("\n\n".join(paragraphs))
    return Line(number, url, title, topics.judge(_article(title, paragraphs, language)))


def _article(title: str | None, paragraphs: tuple[str, ...], language: str | None) -> Article:
    return Article(paragraphs, title, (), None, None, language, "file")


def _paragraphs(text: str) -> Iterator[str]:
    return (block for part in blocks_of(text) if (block := clean_block(part)))


def _sound(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates


def _identified(text: str) -> str | None:
    from extractors.language import identify  # the model takes a while to load

    return identify(text)
