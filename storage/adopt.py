"""Take over a folder of article files that came from elsewhere: numbers, names and bytes stay as they are."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import insert, select

from extractors.language import identify
from extractors.text import exact_key
from storage import placing
from storage.corpus import Corpus, known_files, named_disk_errors
from storage.database import StorageError
from storage.files import ArticleFile, FileName
from storage.schema import articles


@dataclass(frozen=True, slots=True)
class Adoption:
    """What `adopt` did: how many files it took over, how many were there already, and the next free number."""

    adopted: int
    known: int
    next_number: int


async def adopt(corpus: Corpus, source: Path, *, now: datetime) -> Adoption:
    """Take over the article files in `source`, which may be the corpus's own folder. Doing it again changes nothing.

    The files must continue the corpus without a gap; a corpus that is still empty begins where they begin. Raises
    StorageError, naming the file, before anything is changed.
    """
    with named_disk_errors(source):
        files = _read(source)
    async with corpus.database.write() as connection:
        rows = await connection.execute(
            select(articles.c.number, articles.c.id, articles.c.file, articles.c.sha256).order_by(articles.c.number)
        )
        known = {row.number: row for row in rows}
        ids = {row.id: row.file for row in known.values()}
        known_files(corpus.folder, {*ids.values(), *(str(name) for name, _ in files)})
        expected = max(known, default=-1) + 1
        adopted = 0
        for name, content in files:
            digest = hashlib.sha256(content).hexdigest()
            if (row := known.get(name.number)) is not None:
                if (row.file, row.sha256) != (str(name), digest):
                    raise StorageError(
                        f"{source / str(name)}: the corpus has another article under this number ({row.file}): "
                        "numbers are kept when adopting, so adopt into an empty data folder (--data)"
                    )
                continue
            if name.number != expected and (known or adopted):
                raise StorageError(
                    f"{source / str(name)}: number {name.number:03d} does not continue the corpus, "
                    f"expected {expected:03d}: no number may be skipped"
                )
            if name.id in ids:
                raise StorageError(f"{source / str(name)}: {ids[name.id]} has the same id, expected each article once")
            ids[name.id] = str(name)
            _check_place(corpus.folder / str(name), content)
            await connection.execute(insert(articles), _row(name, content, digest, now))
            expected = name.number + 1
            adopted += 1
        next_number = await placing.highest_number(connection) + 1
    await corpus.publish()
    await corpus.restore_files()
    return Adoption(adopted, len(files) - adopted, next_number)


def _read(source: Path) -> list[tuple[FileName, bytes]]:
    if not source.is_dir():
        raise StorageError(f"{source}: expected an existing folder of article files")
    named = [(name, path) for path in source.iterdir() if (name := FileName.parse(path.name))]
    if not named:
        raise StorageError(f"{source}: found no file named like 000_0123456789abcdef.txt")
    files = [(name, path.read_bytes()) for name, path in sorted(named, key=lambda pair: pair[0].number)]
    for (first, _), (second, _) in itertools.pairwise(files):
        if first.number == second.number:
            raise StorageError(f"{source}: {first} and {second} have the same number")
    return files


def _check_place(path: Path, content: bytes) -> None:
    with named_disk_errors(path):
        if path.exists() and path.read_bytes() != content:
            raise StorageError(f"{path} exists with another content: move it away, or adopt it first")


def _row(name: FileName, content: bytes, digest: str, now: datetime) -> dict[str, object]:
    try:
        parsed = ArticleFile.parse(content)
    except UnicodeDecodeError as exc:
        raise StorageError(f"{name}: not UTF-8 at byte {exc.start}") from exc
    text = "\n\n".join(parsed.paragraphs)
    # An undated file begins with its headline, which does not belong to the text that copies are recognised by.
    title, _, rest = (None, "", text) if parsed.published else text.partition("\n")
    return {
        "number": name.number, "id": name.id, "file": str(name), "body": content.decode("utf-8"), "sha256": digest,
        "exact_key": exact_key(rest), "title": title, "published": parsed.published,
        "date_origin": "file" if parsed.published else None, "language": identify(text), "method": "adopted",
        "appended_at": now,
    }  # fmt: skip
