"""Mend the faults that `verify` finds, as far as the index tells the right content. No article is deleted.

Faulty files are set aside. Each step changes one thing at a time and finds the remaining work by itself, so a repair
that was cut off can be started again. Faults that cannot be mended are reported at the end.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, select, update

from extractors.text import counted
from storage.corpus.verify import POINTERS, Fault, adoptable, dangling, right_content, verify
from storage.corpus.writer import AT_A_TIME, CorpusWriter, known_names, removed_names
from storage.errors import StorageError
from storage.files.article_file import FileName
from storage.files.folder import MissingFile, in_thread
from storage.files.local_folder import keep_aside, named_disk_errors
from storage.files.manifest import all_lines, rewrite
from storage.files.opening import is_leftover
from storage.index.dialects import in_chunks
from storage.index.removed import highest_number, load_removed
from storage.index.schema import articles


@dataclass(frozen=True, slots=True)
class Mended:
    """A repair at `location` (a file's name)."""

    location: str
    done: str

    def __str__(self) -> str:
        return f"{self.location}: {self.done}"


@dataclass(frozen=True, slots=True)
class Repair:
    """The mended faults, and the remaining faults, each with advice."""

    mended: tuple[Mended, ...]
    left: tuple[Fault, ...]


async def repair(corpus: CorpusWriter) -> Repair:
    """Mend the corpus. Open it with `adopting`, because a faulty corpus may not open otherwise.

    A wrong or unknown file is moved to `set-aside` below the data folder. Unknown files that could be adopted, and
    files that are not article files, stay in place and are reported among the remaining faults.
    """
    mended = [step for steps in (_articles, _strangers, _pointers, _manifest) async for step in steps(corpus)]
    _, left = await verify(corpus)
    return Repair(tuple(mended), tuple(left))


async def _articles(corpus: CorpusWriter) -> AsyncIterator[Mended]:
    """Mend each article's file, text and checksum, a few at a time, because no other program can write meanwhile."""
    last = -1
    while True:
        async with corpus.database.write() as connection:
            query = select(articles).where(articles.c.number > last).order_by(articles.c.number).limit(AT_A_TIME)
            rows = (await connection.execute(query)).all()
            contents = await in_thread(corpus.folder.read_all, [row.file for row in rows])
            missing, mended = {}, []
            for row, content in zip(rows, contents, strict=True):
                if (right := right_content(row, content)) is None:
                    continue
                if isinstance(content, MissingFile):
                    missing[row.file] = right
                    mended.append(Mended(row.file, "written again"))
                elif isinstance(content, bytes) and content != right:
                    mended.append(await in_thread(_exchange, corpus, row.file, content, right))
                if values := _right_values(row, right):
                    await connection.execute(update(articles).where(articles.c.number == row.number).values(values))
                    mended.append(Mended("index", f"{' and '.join(values)} of number {row.number:03d} set right"))
            await in_thread(corpus.folder.write, missing)
        for step in mended:
            yield step
        if len(rows) < AT_A_TIME:
            return
        last = rows[-1].number


def _right_values(row: Row[Any], right: bytes) -> dict[str, str]:
    values = {"body": right.decode("utf-8"), "sha256": hashlib.sha256(right).hexdigest()}
    return {name: value for name, value in values.items() if value != getattr(row, name)}


def _exchange(corpus: CorpusWriter, name: str, content: bytes, right: bytes) -> Mended:
    kept = keep_aside(corpus.manifest.parent, name, content)
    corpus.folder.replace(name, right)
    return Mended(name, f"written again, the odd one is {kept}")


async def _strangers(corpus: CorpusWriter) -> AsyncIterator[Mended]:
    """Remove leftovers of writers; set aside article files that do not and cannot belong to this corpus."""
    async with corpus.database.write() as connection:  # hold the lock: a publisher may be writing
        names = await in_thread(corpus.folder.names) - await known_names(connection)
        for name in sorted(names & await removed_names(connection)):
            await in_thread(corpus.folder.remove, name)
            names.discard(name)
            yield Mended(name, "removed: its article was taken back")
        stay = adoptable(names, await highest_number(connection))
        for name in sorted(names - stay):
            if is_leftover(name):
                await in_thread(corpus.folder.remove, name)
                yield Mended(name, "removed: a write that was cut off left it")
            elif FileName.parse(name):
                (content,) = await in_thread(corpus.folder.read_all, [name])
                if isinstance(content, StorageError):
                    continue  # for instance a folder: reported among the remaining faults
                kept = await in_thread(keep_aside, corpus.manifest.parent, name, content)
                await in_thread(corpus.folder.remove, name)
                yield Mended(name, f"unknown to the index, moved to {kept}")


async def _pointers(corpus: CorpusWriter) -> AsyncIterator[Mended]:
    """Remove rows that refer to a missing article and lose nothing."""
    for column, derived in POINTERS:
        if derived:
            async with corpus.database.write() as connection:
                gone, rows = await dangling(connection, column), 0
                for numbers in in_chunks(gone):
                    rows += (await connection.execute(delete(column.table).where(column.in_(numbers)))).rowcount
            if gone:
                removed = f"{counted(rows, 'row')} of {column.table.name} removed whose {column.name} is not an article"
                yield Mended("index", removed)


async def _manifest(corpus: CorpusWriter) -> AsyncIterator[Mended]:
    async with corpus.database.write() as connection:  # hold the lock: else a publisher's lines might be lost
        with named_disk_errors(corpus.manifest):
            rows = await connection.stream(select(articles).order_by(articles.c.number))
            if done := await rewrite(corpus.manifest, all_lines(rows, await load_removed(connection))):
                yield Mended(corpus.manifest.name, done)
