"""Articles collected by other means, one JSON object a line: {"url", "title", "date", "text"}.

Each line passes the same duplicate detection and append as a fetched article, in the order of the file, one batch a
transaction. Start a stopped import again: articles that are there already are recognised by their address.
A line that cannot be used is reported with its number; the others go on.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import select

from config.settings import Duplicates
from extractors.dates.worded import can_be_true
from extractors.language import identify
from extractors.records import (
    Article,
    Entry,
    Extracted,
    Failed,
    ItemError,
    Outcome,
    Placement,
    Relation,
    Result,
    Verdict,
    without_user,
)
from extractors.text import clean_block, clean_line, tokens
from extractors.urls import canonical_url
from storage.corpus.writer import CorpusWriter
from storage.files.local_folder import named_disk_errors
from storage.index.schema import articles

BATCH = 100  # articles a transaction
NOT_JUDGED = Verdict(True, None, 0.0, (), "imported")
MAX_URL = 2000  # characters; no address of an article is longer


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of one line. `of` is the address of the article that its text repeats or resembles most."""

    line: int
    url: str | None
    outcome: Outcome
    reason: str
    number: int | None = None
    of: str | None = None
    relation: Relation | None = None
    score: float | None = None
    unread_date: str | None = None  # a date that is not understood; the article then has no date

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {
            "url": self.url, "outcome": self.outcome.value, "number": self.number, "of": self.of,
            "score": None if self.score is None else round(self.score, 4), "relation": self.relation,
            "reason": self.reason, "line": self.line,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    url: str | None
    result: Extracted | None
    note: str = ""  # the fault of the line
    unread_date: str | None = None


async def import_lines(
    corpus: CorpusWriter,
    path: Path,
    *,
    now: Callable[[], datetime],
    limits: Duplicates,
    min_words: int,
    source_of: Callable[[str], str],
    judge: Callable[[Article], Verdict] | None = None,
) -> AsyncIterator[list[Imported]]:
    """Import a file of JSON lines; yield the result of each line, batch by batch, once it is on disk.

    `source_of` names the source of an address; without `judge` every article counts as on topic. A text of fewer
    than `min_words` words is left out as a stub. Raises StorageError when the file or the corpus cannot be used.
    """
    name = path.name
    with named_disk_errors(path), path.open("rb") as file:
        lines = ((number, line) for number, line in enumerate(file, 1) if line.strip())
        read = (_parse(number, line, name, source_of, now()) for number, line in lines)
        while batch := list(islice(read, BATCH)):
            yield await _import_batch(corpus, batch, now=now(), limits=limits, min_words=min_words, judge=judge)


async def _import_batch(
    corpus: CorpusWriter,
    batch: Sequence[_Line],
    *,
    now: datetime,
    limits: Duplicates,
    min_words: int,
    judge: Callable[[Article], Verdict] | None,
) -> list[Imported]:
    results = [_judged(line.result, min_words, judge) for line in batch if line.result]
    placements = iter(await corpus.place(results, now=now, limits=limits, listed=False))
    paired = [(line, next(placements) if line.result else None) for line in batch]
    like = {number for _, p in paired if p and (number := _like(p)) is not None}
    async with corpus.database.read() as connection:
        columns = (articles.c.number, articles.c.url, articles.c.file)
        rows = await connection.execute(select(*columns).where(articles.c.number.in_(like)))
        addresses = {row.number: row.url or row.file for row in rows}
    return [_imported(line, placement, addresses) for line, placement in paired]


def _judged(result: Extracted, min_words: int, judge: Callable[[Article], Verdict] | None) -> Result:
    article = result.article
    words = len(tokens(article.text))
    if words < max(1, min_words):
        error = ItemError(Outcome.TOO_SHORT, "too short", url=result.key, detail=f"{words} words")
        return Failed(result.key, result.entry, result.source_id, result.url, result.retrieved_at, error=error)
    return result.judged(article, judge(article) if judge else NOT_JUDGED)


def _imported(line: _Line, placement: Placement | None, addresses: dict[int, str]) -> Imported:
    if placement is None:
        return Imported(line.number, line.url, Outcome.FAILED, line.note)
    like = _like(placement)
    of = addresses.get(like) if like is not None else None
    reason = "; ".join(filter(None, (placement.reason, line.note)))
    return Imported(
        line.number, line.url, placement.outcome, reason, placement.number, of, placement.relation,
        placement.score, line.unread_date,
    )  # fmt: skip


def _like(placement: Placement) -> int | None:
    if placement.of is not None:
        return placement.of
    return placement.number if placement.outcome is Outcome.DUPLICATE else None


def _parse(number: int, line: bytes, file: str, source_of: Callable[[str], str], now: datetime) -> _Line:
    try:
        value = json.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        return _Line(number, None, None, f"line {number}: not a JSON object in UTF-8")
    if not isinstance(value, dict):
        return _Line(number, None, None, f"line {number}: expected a JSON object with url, title, date and text")
    url = value.get("url")
    shown = without_user(url) if isinstance(url, str) else None
    try:
        result = _result(value, file, source_of, now)
    except ValueError as exc:
        return _Line(number, shown, None, f"line {number}: {exc}")
    day = value.get("date")
    if day in (None, "") or result.article.published is not None:
        return _Line(number, shown, result)
    unread = clean_line(str(day))[:40]
    return _Line(number, shown, result, f"line {number}: date {unread!r} is not understood", unread)


def _result(value: dict[str, Any], file: str, source_of: Callable[[str], str], now: datetime) -> Extracted:
    url, text = _text(value, "url"), _text(value, "text")
    if url is None or text is None:
        raise ValueError('expected at least "url" and "text"')
    if len(url) > MAX_URL:
        raise ValueError(f"url is longer than {MAX_URL} characters")
    url = without_user(url.strip())
    key = canonical_url(url)
    paragraphs = tuple(block for part in blocks_of(text) if (block := clean_block(part)))
    title = clean_line(_text(value, "title") or "") or None
    published = _day(value.get("date"))
    if published and not can_be_true(published, now=now):
        published = None
    at = _text(value, "published_at") if published else None
    article = Article(
        paragraphs=paragraphs,
        title=title,
        authors=(),
        published=published,
        date_origin="import" if published else None,
        language=identify("\n\n".join(paragraphs)),
        method="imported",
        published_at=_time_on(published, at) if published and at else None,
    )
    return Extracted(key, Entry(url, f"import:{file}", title), source_of(url), url, article=article)


def _text(value: dict[str, Any], name: str) -> str | None:
    found = value.get(name)
    if found is not None and not isinstance(found, str):
        raise ValueError(f'"{name}" is not a text')
    return None if found is None else found.encode("utf-8", "replace").decode("utf-8")  # lone surrogates


def blocks_of(text: str) -> Iterator[str]:
    """Yield the paragraphs of a text: divided by blank lines, or by line breaks if it has no blank line."""
    lines = [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").strip().split("\n")]
    if "" not in lines:
        yield from lines
        return
    yield from "\n".join(lines).split("\n\n")


def _time_on(day: date, written: str) -> datetime | None:
    """Return the time of publication on this day, as written in ISO 8601 with a zone; None for anything else."""
    with suppress(ValueError):
        moment = datetime.fromisoformat(written)
        if moment.tzinfo is not None and abs(moment.date() - day) <= timedelta(days=1):  # in a zone of its own
            return moment
    return None


def _day(value: Any) -> date | None:
    """Return the publisher's day as written: ISO 8601, with or without a time, or 01.11.2025; None for anything else.

    With dots the day always comes first; any other order would be ambiguous.
    """
    if not isinstance(value, str):
        return None
    for read in (datetime.fromisoformat, lambda written: datetime.strptime(written, "%d.%m.%Y")):
        with suppress(ValueError):
            return read(value.strip()).date()
    return None
