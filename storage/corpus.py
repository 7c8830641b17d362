"""The corpus: decide what is new, append it, never lose, repeat or renumber.

One batch is one transaction of the index: under the writer's lock it is decided which articles are new, they get
the next numbers, and rows with the complete text are committed. Only then do the files appear, in number order,
and then their lines in the manifest; both are written from the index, so a crash anywhere leaves nothing that the
next opening does not complete. A file that a downstream reader has once seen is therefore never taken back.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from config.settings import Storage
from extractors.records import Outcome, Placement, Result
from storage import placing
from storage.database import Database, StorageError, open_database
from storage.files import FileName
from storage.manifest import append_lines, manifest_line, published_up_to, write_anew
from storage.schema import articles

INDEX_FILE = "index.sqlite"
MANIFEST_FILE = "manifest.jsonl"


class Corpus:
    """An opened corpus: its index, its folder of files, its manifest. Made by `open_corpus`."""

    def __init__(self, database: Database, folder: Path, manifest: Path) -> None:
        self.database = database
        self.folder = folder
        self.manifest = manifest

    async def place(self, results: Sequence[Result], *, now: datetime) -> list[Placement]:
        """Decide and remember how each result ends, append what is new. All of it, or nothing, survives a crash."""
        placements = []
        async with self.database.write() as connection:
            for result in results:
                placements.append(await placing.place(connection, result, now))
        if any(p.outcome is Outcome.APPENDED for p in placements):
            await self.publish()
        return placements

    async def settle_known(self, keys: Sequence[str], *, now: datetime) -> list[Placement]:
        """Of these canonical URLs, the ones that are an article's address already: duplicates, without any fetch."""
        async with self.database.write() as connection:
            return await placing.settle_known(connection, keys, now)

    async def publish(self) -> None:
        """Bring files and manifest up to what the index holds. Does nothing twice."""
        with named_disk_errors(self.folder):
            async with self.database.write() as connection:  # for its lock: one publisher at a time
                done = published_up_to(self.manifest)
                highest = await placing.highest_number(connection)
                rebuild = done > highest
                query = (
                    select(articles).where(articles.c.number > (-1 if rebuild else done)).order_by(articles.c.number)
                )
                lines = []
                async for row in await connection.stream(query):
                    write_file(self.folder / row.file, row.body.encode("utf-8"))
                    lines.append(manifest_line(row))
                if lines:
                    sync_folder(self.folder)
                if rebuild or (lines and done < 0):
                    write_anew(self.manifest, lines)
                elif lines:
                    append_lines(self.manifest, lines)

    async def restore_files(self) -> list[str]:
        """Write again what the index knows and the folder lacks; returns the names."""
        # Alone in writing: a publisher at work would show files that a state read earlier does not know.
        with named_disk_errors(self.folder):
            async with self.database.write() as connection:
                known = set((await connection.execute(select(articles.c.file))).scalars())
                missing = sorted(known - known_files(self.folder, known))
                for start in range(0, len(missing), 500):
                    query = select(articles.c.file, articles.c.body).where(
                        articles.c.file.in_(missing[start : start + 500])
                    )
                    for row in await connection.execute(query):
                        write_file(self.folder / row.file, row.body.encode("utf-8"))
                if missing:
                    sync_folder(self.folder)
                return missing


@asynccontextmanager
async def open_corpus(data: Path, storage: Storage, *, adopting: bool = False) -> AsyncIterator[Corpus]:
    """The corpus below the folder `data`, made where it does not exist, completed where a crash left it unfinished.

    Raises StorageError when the folder cannot be used, and when it holds article files that the index does not
    know (unless `adopting` them is what the caller is about to do).
    """
    folder = data / storage.corpus
    with named_disk_errors(data):
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "Permission denied", str(folder))
    database = await open_database(data / INDEX_FILE)
    try:
        corpus = Corpus(database, folder, data / MANIFEST_FILE)
        await corpus.publish()
        if not adopting:
            await corpus.restore_files()
        yield corpus
    finally:
        await database.close()


@asynccontextmanager
async def open_for_reading(data: Path, storage: Storage) -> AsyncIterator[Corpus]:
    """An existing corpus, as it stands. Raises StorageError when there is none."""
    if not (data / INDEX_FILE).is_file():
        raise StorageError(f"no corpus in {data} yet: run 'c5watch monitor', or name its folder with --data")
    database = await open_database(data / INDEX_FILE, read_only=True)
    try:
        yield Corpus(database, data / storage.corpus, data / MANIFEST_FILE)
    finally:
        await database.close()


def known_files(folder: Path, known: Collection[str]) -> set[str]:
    """The names of the article files in `folder`. Raises StorageError when one of them is not among `known`."""
    present = {path.name for path in folder.iterdir() if FileName.parse(path.name)}
    if unknown := sorted(present.difference(known)):
        raise StorageError(
            f"{folder} holds {len(unknown)} article files unknown to the index (first: {unknown[0]}): "
            f"adopt them with 'c5watch corpus import {folder}', or name another folder with --data"
        )
    return present


def write_file(path: Path, content: bytes) -> None:
    """The file appears whole or not at all; one that is there with the same bytes is left alone."""
    if path.exists():
        if path.read_bytes() == content:
            return
        raise StorageError(
            f"{path} exists with another content than the index has for it: move it away and start again"
        )
    beside = path.with_name(f".{path.name}.tmp")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class named_disk_errors:
    """Turn an OSError into one sentence that says what to do."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, OSError):
            where = error.filename or self._path
            raise StorageError(
                f"{where}: {error.strerror}: check the disk and the folder's permissions, "
                "or name another folder with --data"
            ) from error
