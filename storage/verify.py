"""Check a corpus without changing it: files, numbers, index and manifest against one another."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from storage.corpus import Corpus
from storage.files import FileName, faults
from storage.manifest import manifest_line
from storage.schema import articles

REOPEN = "run 'c5watch monitor' once, which writes it again from the index"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong at `place` (a file's name), and how to mend it."""

    place: str
    fault: str
    mend: str

    def __str__(self) -> str:
        return f"{self.place}: {self.fault}: {self.mend}"


async def verify(corpus: Corpus) -> tuple[int, list[Fault]]:
    """How many articles the index has, and all that is wrong; an empty list for a sound corpus."""
    found: list[Fault] = []
    names = {path.name for path in corpus.folder.iterdir()} if corpus.folder.is_dir() else set()
    count, previous = 0, None
    manifest, manifest_agrees = _manifest_lines(corpus), True
    async with corpus.database.read() as connection:
        async for row in await connection.stream(select(articles).order_by(articles.c.number)):
            count += 1
            if previous is not None and row.number != previous + 1:
                gap = f"numbers {previous + 1:03d} to {row.number - 1:03d} are missing"
                found.append(Fault("index", gap, "restore the data folder from a copy"))
            previous = row.number
            found += _check_file(corpus, row, names)
            if manifest_agrees and next(manifest, None) != manifest_line(row):
                manifest_agrees = False  # one line too few, and all further ones differ: the first says it all
                differs = f"differs from the index from number {row.number:03d} on"
                found.append(Fault(corpus.manifest.name, differs, "delete it; " + REOPEN))
    if manifest_agrees and next(manifest, None) is not None:
        found.append(Fault(corpus.manifest.name, "more lines than the index has articles", "delete it; " + REOPEN))
    for name in sorted(names):
        if FileName.parse(name):
            mend = f"adopt it with 'c5watch corpus import {corpus.folder}', or move it away"
            found.append(Fault(name, "a file that the index does not know", mend))
        elif not name.startswith("."):
            found.append(
                Fault(name, "not the name of an article file", "move it away: downstream tools read the folder")
            )
    return count, found


def _check_file(corpus: Corpus, row: Row[Any], names: set[str]) -> Iterator[Fault]:
    if row.file not in names:
        yield Fault(row.file, "missing", REOPEN)
        return
    names.discard(row.file)
    content = (corpus.folder / row.file).read_bytes()
    if hashlib.sha256(content).hexdigest() != row.sha256:
        yield Fault(row.file, "another content than when it was written", "delete it; " + REOPEN)
    if row.file != str(FileName(row.number, row.id)):
        yield Fault(
            row.file, f"named differently from number {row.number:03d} and id {row.id}", "restore the index from a copy"
        )
    if row.method != "adopted":  # adopted files are kept as they came
        for fault in faults(content):
            yield Fault(row.file, fault, "report it: c5watch wrote a malformed file")


def _manifest_lines(corpus: Corpus) -> Iterator[str]:
    if corpus.manifest.is_file():
        with corpus.manifest.open(encoding="utf-8", errors="replace", newline="\n") as file:
            yield from file


async def stats(corpus: Corpus) -> dict[str, Any]:
    """Counts of the corpus: articles, words, with and without a date, first and last day, by language and source."""
    languages: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    count = dated = words = 0
    days: list[str] = []
    async with corpus.database.read() as connection:
        columns = (articles.c.published, articles.c.language, articles.c.source_id, articles.c.body)
        async for row in await connection.stream(select(*columns)):
            count += 1
            words += len(row.body.split())
            languages[row.language or "unknown"] += 1
            sources[row.source_id or "adopted"] += 1
            if row.published:
                dated += 1
                days.append(row.published.isoformat())
    return {
        "articles": count, "words": words, "dated": dated, "undated": count - dated,
        "first_day": min(days, default=None), "last_day": max(days, default=None),
        "languages": dict(languages.most_common()), "sources": dict(sources.most_common()),
    }  # fmt: skip
