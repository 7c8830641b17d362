"""Take over a folder of article files that came from elsewhere: numbers, names and bytes stay as they are."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, insert, select

from extractors.dates.worded import can_be_true
from extractors.language import identify
from extractors.text import exact_key
from storage.corpus.writer import CorpusWriter, refuse_unknown
from storage.errors import StorageError
from storage.files.article_file import ArticleFile, FileName
from storage.files.folder import Folder, in_thread
from storage.files.local_folder import LocalFolder
from storage.index.removed import Removed, highest_number, load_removed, store_removed
from storage.index.schema import articles
from storage.placing.countries import find_missing_countries
from storage.placing.stories import fingerprint_missing
from storage.search import search


@dataclass(frozen=True, slots=True)
class Adoption:
    """The result of `adopt`: the files taken over, the files that were there already, and the next free number."""

    adopted: int
    known: int
    next_number: int


async def adopt(
    corpus: CorpusWriter,
    source: Path | Folder,
    *,
    now: datetime,
    facts: Mapping[str, Mapping[str, Any]] | None = None,
    removed: Sequence[Removed] = (),
) -> Adoption:
    """Take over the article files in `source`, which may be the corpus's own folder. Repeating it changes nothing.

    `facts` and `removed` come from a manifest beside the files (`storage.files.manifest`); without them only the
    contents of the files are known.

    The files must continue the corpus without a gap but for the numbers of `removed` articles; an empty corpus begins
    with their first number. What this corpus has removed stays so. Raises
    StorageError, naming the file, before anything is changed.
    """
    if isinstance(source, Path):
        if not source.is_dir():
            raise StorageError(f"{source}: expected an existing folder of article files")
        source = LocalFolder(source)
    files = await in_thread(_read, source)
    async with corpus.database.write() as connection:
        rows = await connection.execute(
            select(articles.c.number, articles.c.id, articles.c.file, articles.c.sha256).order_by(articles.c.number)
        )
        known = {row.number: row for row in rows}
        ids = {row.id: row.file for row in known.values()}
        present = await in_thread(corpus.folder.names)
        refuse_unknown(corpus.folder, present.difference(ids.values(), (str(name) for name, _ in files)))
        if str(source) != str(corpus.folder):
            coming = [file for file in files if str(file[0]) in present and file[0].number not in known]
            await in_thread(_check_places, corpus.folder, coming)
        taken_back = {one.number for one in await load_removed(connection)}
        highest = await highest_number(connection)
        gone = {one.number: one for one in removed if one.number not in known}
        coming = [file for file in files if file[0].number not in taken_back and file[0].number not in gone]
        first = None if known or taken_back else min((name.number for name, _ in coming), default=0)
        adopted = 0
        for name, content, digest in _new(
            source, coming, known=known, ids=ids, gone=gone, expected=highest + 1 if first is None else first
        ):
            new = _with_true_day(_row(name, content, digest, now) | dict((facts or {}).get(digest, {})), now)
            await connection.execute(insert(articles), new)
            words = search.ToIndex(name.number, new["title"], new["body"], new.get("source_id"), new["language"])
            await search.store(connection, [words])
            if new.get("page"):
                await corpus.pages.adopted(connection, new["page"], new["canonical_url"] or str(name))
            adopted += 1
        for number in sorted(gone.keys() - taken_back):
            await store_removed(connection, gone[number], ())
        corpus.published_up_to(highest)  # else the manifest of a lost index would pass for this index's
        next_number = await highest_number(connection) + 1
    await corpus.restore_files()
    await find_missing_countries(corpus.database)  # the manifest tells them
    await corpus.publish()
    await fingerprint_missing(corpus.database)
    return Adoption(adopted, len(files) - adopted, next_number)


def _new(
    source: Folder,
    files: Iterable[tuple[FileName, bytes]],
    *,
    known: Mapping[int, Row[Any]],
    ids: dict[str, str],
    gone: Container[int],
    expected: int,
) -> Iterator[tuple[FileName, bytes, str]]:
    """Yield the files that the corpus does not have yet, with their SHA-256, and note their `ids`.

    `expected` is the number that comes next. Raises StorageError for a file that does not fit.
    """
    for name, content in files:
        digest = hashlib.sha256(content).hexdigest()
        if (row := known.get(name.number)) is not None:
            if (row.file, row.sha256) != (str(name), digest):
                raise StorageError(
                    f"{source}/{name}: the corpus has another article under this number ({row.file}): "
                    "numbers are kept when adopting, so adopt into an empty data folder (--data)"
                )
            continue
        while expected in gone:
            expected += 1
        if name.number != expected:
            raise StorageError(
                f"{source}/{name}: number {name.number:03d} does not continue the corpus, expected {expected:03d}: "
                "no number may be skipped, unless a manifest.jsonl beside the folder says that it was removed"
            )
        if name.id in ids:
            raise StorageError(f"{source}/{name}: {ids[name.id]} has the same id, expected each article once")
        ids[name.id] = str(name)
        expected += 1
        yield name, content, digest


def _with_true_day(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    if row["published"] and not can_be_true(row["published"], now=now):
        return row | {"published": None, "published_at": None, "date_origin": None}
    return row


def _read(source: Folder) -> list[tuple[FileName, bytes]]:
    named = sorted(filter(None, map(FileName.parse, source.names())), key=lambda name: (name.number, name.id))
    if not named:
        raise StorageError(f"{source}: found no file named like 000_0123456789abcdef.txt")
    for first, second in itertools.pairwise(named):
        if first.number == second.number:
            raise StorageError(f"{source}: {first} and {second} have the same number")
    files = []
    for name, content in zip(named, source.read_all(map(str, named)), strict=True):
        if isinstance(content, StorageError):
            raise content
        files.append((name, content))
    return files


def _check_places(folder: Folder, files: Sequence[tuple[FileName, bytes]]) -> None:
    """Check that files already in `folder` have the same bytes; raise StorageError if not."""
    for (name, content), present in zip(files, folder.read_all([str(name) for name, _ in files]), strict=True):
        if present != content:
            raise StorageError(f"{folder}/{name} exists with another content: move it away, or adopt it first")


def _row(name: FileName, content: bytes, digest: str, now: datetime) -> dict[str, Any]:
    try:
        parsed = ArticleFile.parse(content)
    except UnicodeDecodeError as exc:
        raise StorageError(f"{name}: not UTF-8 at byte {exc.start}") from exc
    if b"\0" in content:
        raise StorageError(f"{name}: has the character NUL, which no database keeps: take it out")
    text = "\n\n".join(parsed.paragraphs)
    # An undated file begins with its headline, which is not part of the text that identifies copies.
    title, _, rest = (None, "", text) if parsed.published else text.partition("\n")
    return {
        "number": name.number, "id": name.id, "file": str(name), "body": content.decode("utf-8"), "sha256": digest,
        "exact_key": exact_key(rest), "title": title, "published": parsed.published,
        "date_origin": "file" if parsed.published else None, "language": identify(text), "method": "adopted",
        "appended_at": now,
    }  # fmt: skip
