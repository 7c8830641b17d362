"""Check a corpus without changing it: files, numbers, index and manifest against one another.

Each article has three witnesses: the file, its text in the index, and the checksum taken when it was written.
If two agree, the third is wrong.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Row, except_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.text import counted
from storage.corpus.writer import AT_A_TIME, CorpusWriter
from storage.errors import RESTORE_INDEX, LostConnection, StorageError
from storage.files.article_file import FileName, faults
from storage.files.folder import MissingFile, in_thread
from storage.files.manifest import manifest_line, removed_line
from storage.index.removed import Removed, highest_number, load_removed
from storage.index.schema import articles, events, fingerprints, relations, removed, urls, variants

MISSING = "missing"  # the fault of a file that is not there, as after an interrupted run
REPAIR = "run 'c5watch corpus repair'"
RESTORE = "restore the data folder from a copy"

# Columns that refer to an article; whether a row whose article is missing can be removed without loss.
POINTERS = (
    (fingerprints.c.number, True), (relations.c.number, True), (relations.c.other, True), (events.c.number, True),
    (events.c.event, True), (variants.c.number, False), (urls.c.article, False),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault at `location` (a file's name), and how to mend it."""

    location: str
    fault: str
    mend: str

    def __str__(self) -> str:
        return f"{self.location}: {self.fault}: {self.mend}"


async def verify(corpus: CorpusWriter) -> tuple[int, list[Fault]]:
    """Return the number of articles in the index and the faults; the list is empty for a sound corpus.

    While a pass is at work, its newest files may count as missing.
    """
    found: list[Fault] = []
    names = await in_thread(corpus.folder.names)  # before reading the index, which then knows all of them
    length = corpus.manifest.stat().st_size if corpus.manifest.is_file() else 0
    manifest, manifest_agrees = _manifest_lines(corpus), True
    found += [Fault("index", damage, RESTORE_INDEX) for damage in await corpus.database.damage()]
    count, previous = 0, -1
    async for row, content in _articles(corpus, await _span(corpus, names)):
        number = row if isinstance(row, int) else row.number
        if previous >= 0 and number != previous + 1:
            gap = f"numbers {previous + 1:03d} to {number - 1:03d} are missing"
            found.append(Fault("index", gap, RESTORE))
        count, previous = count + (not isinstance(row, Removed)), number
        if isinstance(row, int):
            found.append(Fault("index", f"number {row:03d} cannot be read: its row is damaged", RESTORE_INDEX))
            names -= {name for name in names if (parts := FileName.parse(name)) and parts.number == row}
            next(manifest, None)
            continue
        if isinstance(row, Removed):
            if row.file in names:
                found.append(Fault(row.file, "there, although its article was removed", REPAIR))
        else:
            found += _check_article(row, content)
        names.discard(row.file)
        line = removed_line(row) if isinstance(row, Removed) else manifest_line(row)
        if manifest_agrees and next(manifest, (0, b""))[1] != line.encode("utf-8"):
            manifest_agrees = False  # after a missing line all others differ: report the first only
            differs = f"differs from the index from number {row.number:03d} on"
            found.append(Fault(corpus.manifest.name, differs, REPAIR))
    found += [fault async for fault in _check_pointers(corpus)]
    if manifest_agrees and next(manifest, (length, b""))[0] < length:  # later lines belong to a pass at work
        found.append(Fault(corpus.manifest.name, "more lines than the index has articles", REPAIR))
    return count, found + list(_check_others(corpus, names, highest=previous))


async def refuse_behind(corpus: CorpusWriter) -> None:
    """Raise StorageError if the folder lacks articles that others have added to a shared index."""
    if not corpus.database.shared:
        return
    numbers = [line["number"] for line in map(_object, _last_line(corpus)) if isinstance(line.get("number"), int)]
    async with corpus.database.read() as connection:
        highest = await highest_number(connection)
    last = numbers[0] if numbers else None
    if highest >= 0 and (last is not None or not corpus.manifest.exists()) and (last is None or last < highest):
        ends = f"ends at number {last:03d}" if last is not None else "is not there"
        raise StorageError(
            f"{corpus.manifest}: {ends}, the index at {highest:03d}: other data folders share this index: "
            f"{REPAIR} with this --data, which brings its files up to date, then check again"
        )


def _last_line(corpus: CorpusWriter) -> list[bytes]:
    last = b""
    for _, line in _manifest_lines(corpus):
        last = line
    return [last]


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


async def _span(corpus: CorpusWriter, names: Iterable[str]) -> range:
    """Return the range of article numbers; if the index cannot tell it, go by the files."""
    try:
        async with corpus.database.read() as connection:
            numbers = select(articles.c.number).union_all(select(removed.c.number)).subquery()
            query = select(func.min(numbers.c.number), func.max(numbers.c.number))
            first, last = (await connection.execute(query)).one()
    except LostConnection:
        raise
    except StorageError:
        first, last = 0, max((parts.number for name in names if (parts := FileName.parse(name))), default=-1)
    return range(0) if last is None else range(first, last + 1)


async def _articles(
    corpus: CorpusWriter, numbers: range
) -> AsyncIterator[tuple[Row[Any] | Removed | int, bytes | StorageError]]:
    """Yield each article's row with its file's content, in number order; the number instead of an unreadable row."""
    for start in range(0, len(numbers), AT_A_TIME):
        rows = await _rows(corpus, numbers[start : start + AT_A_TIME])
        files = [row.file for row in rows if not isinstance(row, int | Removed)]
        contents = iter(await in_thread(corpus.folder.read_all, files))
        for row in rows:
            yield row, b"" if isinstance(row, int | Removed) else next(contents)


async def _rows(corpus: CorpusWriter, numbers: range) -> list[Row[Any] | Removed | int]:
    """Return the existing rows of these numbers. Around a damaged row, halve the range until only that row is left."""
    query = select(articles).where(articles.c.number.between(numbers[0], numbers[-1])).order_by(articles.c.number)
    try:
        async with corpus.database.read() as connection:
            gone = await load_removed(connection, numbers)
            rows = [*await connection.execute(query), *gone]
            return sorted(rows, key=lambda row: row.number)
    except LostConnection:
        raise
    except StorageError:
        if len(numbers) == 1:
            return [numbers[0]]
    half = len(numbers) // 2
    return [*await _rows(corpus, numbers[:half]), *await _rows(corpus, numbers[half:])]


async def _check_pointers(corpus: CorpusWriter) -> AsyncIterator[Fault]:
    """Find references to articles that do not exist."""
    for column, derived in POINTERS:
        named = f"{column.table.name}.{column.name}"
        try:
            async with corpus.database.read() as connection:
                gone = await dangling(connection, column)
        except LostConnection:
            raise
        except StorageError:
            yield Fault("index", f"{named} cannot be read: its table is damaged", RESTORE_INDEX)
        else:
            if gone:
                what = f"{named} names {counted(len(gone), 'missing article')}, the first {gone[0]}"
                yield Fault("index", what, REPAIR if derived else RESTORE)


def right_content(row: Row[Any], content: bytes | StorageError) -> bytes | None:
    """Return the file's bytes as written, as two of the three witnesses agree; None if no two agree."""
    body: bytes = row.body.encode("utf-8")
    if content == body or hashlib.sha256(body).hexdigest() == row.sha256:
        return body
    if isinstance(content, bytes) and hashlib.sha256(content).hexdigest() == row.sha256:
        return content
    return None


def _check_article(row: Row[Any], content: bytes | StorageError) -> Iterator[Fault]:
    right = right_content(row, content)
    mend = RESTORE if right is None else REPAIR
    if isinstance(content, MissingFile):
        yield Fault(row.file, MISSING, mend)
    elif isinstance(content, StorageError):
        yield Fault(row.file, "cannot be read", str(content))
    elif content != right:
        yield Fault(row.file, "another content than when it was written", mend)
    if row.body.encode("utf-8") != right:
        yield Fault("index", f"another text than was written under number {row.number:03d}", mend)
    elif right is not None and hashlib.sha256(right).hexdigest() != row.sha256:
        yield Fault("index", f"the checksum of number {row.number:03d} is not that of its text", mend)
    if row.file != str(FileName(row.number, row.id)):
        named = f"named differently from number {row.number:03d} and id {row.id}"
        yield Fault(row.file, named, "restore the index from a copy")
    if row.method != "adopted" and right is not None and content == right:  # adopted files are kept unchanged
        for fault in faults(right):
            yield Fault(row.file, fault, "report it: c5watch wrote a malformed file")


def _manifest_lines(corpus: CorpusWriter) -> Iterator[tuple[int, bytes]]:
    """Yield the offset in bytes of each line, and the line."""
    begin = 0
    if corpus.manifest.is_file():
        with corpus.manifest.open("rb") as file:
            for line in file:
                yield begin, line
                begin += len(line)


async def dangling(connection: AsyncConnection, column: Column[Any]) -> list[int]:
    """Return the numbers in `column` without an article. By set difference: looking up rows takes ten times as long."""
    named = except_(select(column).where(column.is_not(None)), select(articles.c.number))
    return sorted((await connection.execute(named)).scalars())


def _check_others(corpus: CorpusWriter, names: set[str], *, highest: int) -> Iterator[Fault]:
    """Find the files that the index does not know."""
    continuing = adoptable(names, highest)
    for name in sorted(names):
        if FileName.parse(name):
            adopting = f"adopt it with 'c5watch corpus import {corpus.folder}' and the same --data, or move it away"
            yield Fault(name, "a file that the index does not know", adopting if name in continuing else REPAIR)
        elif not name.startswith("."):
            yield Fault(name, "not the name of an article file", "move it away: downstream tools read the folder")


def adoptable(names: Iterable[str], highest: int) -> set[str]:
    """Return the names of article files that the index does not know and that continue it without a gap.

    An index restored from an older copy lacks these files; a lost index lacks all.
    """
    numbered = defaultdict(list)
    for name in names:
        if parts := FileName.parse(name):
            numbered[parts.number].append(name)
    found: set[str] = set()
    number = highest + 1 if highest >= 0 else min(numbered, default=0)
    while len(numbered[number]) == 1:
        found.update(numbered[number])
        number += 1
    return found


async def stats(corpus: CorpusWriter) -> dict[str, Any]:
    """Return the counts of the corpus: articles, words, dated, undated, first and last day, by language and source."""
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
        removed_ones = len(await load_removed(connection))
    return {
        "articles": count, "removed": removed_ones, "words": words, "dated": dated, "undated": count - dated,
        "first_day": min(days, default=None), "last_day": max(days, default=None),
        "languages": dict(languages.most_common()), "sources": dict(sources.most_common()),
    }  # fmt: skip
