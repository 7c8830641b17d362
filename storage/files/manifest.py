"""`manifest.jsonl`: one JSON object per article, one line each, in number order; of a removed one little is left.

It is derived from the index and written after the article files, so its last line marks up to which number all is
published. A crash may leave a half-written line at its end; the next opening removes it.
"""

from __future__ import annotations

import filecmp
import json
import os
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from extractors.records import without_user
from storage.files.local_folder import append, keep_aside, replaced, sync_folder
from storage.index.removed import Removed

MOMENTS = ("published_at", "retrieved_at", "appended_at")
COLUMNS = {  # of `articles`, and the keys of a line
    "canonical_url": "canonical_url", "url": "url", "source_id": "source", "feed_url": "feed", "title": "title",
    "authors": "authors", "date_origin": "date_origin", "dates": "dates", "language": "language", "topic": "topic",
    "score": "score", "borderline": "borderline", "matches": "terms", "why": "why", "method": "method",
    "version": "version", "relation": "relation", "page": "page",
    "words": "words",
}  # fmt: skip
REMOVED = "removed"  # the key of a line that stands for an article no more
_NUMBER = re.compile(rb'\{"number": ([0-9]+)[,}]')
TAIL_BYTES = 1 << 16  # a line is about one kilobyte


def manifest_line(row: Row[Any]) -> str:
    """Return the manifest's line for a row of `articles`, with its line break."""
    entry = {
        "number": row.number,
        "id": row.id,
        "file": row.file,
        "canonical_url": row.canonical_url,
        "url": row.url,
        "source": row.source_id,
        **_since_words_are_kept(row),
        "feed": row.feed_url,
        "title": row.title,
        "authors": row.authors,
        "date": row.published.isoformat() if row.published else None,
        **({} if row.published_at is None else {"published_at": _moment(row.published_at)}),  # None: only the day
        "date_origin": row.date_origin,
        "dates": row.dates,
        "language": row.language,
        "topic": row.topic,
        "score": row.score,
        **({} if row.borderline is None else {"borderline": row.borderline}),  # None: adopted or imported, not judged
        "terms": row.matches,
        "why": row.why,
        **({} if row.relation is None else {"relation": row.relation}),  # None: no earlier article is like it
        "sha256": row.sha256,
        "text_hash": row.exact_key.hex() if row.exact_key else None,
        "method": row.method,
        "version": row.version,
        **({} if row.page is None else {"page": row.page}),  # None: it is not kept
        "retrieved_at": _moment(row.retrieved_at),
        "appended_at": _moment(row.appended_at),
    }
    return json.dumps(entry, ensure_ascii=False) + "\n"


def _since_words_are_kept(row: Row[Any]) -> dict[str, Any]:
    """Return the fields that lines have since then: older lines stay as they were written."""
    if row.words is None:
        return {}
    outlet = row.outlet or {}
    told = {"source_name": outlet.get("name"), "source_country": outlet.get("country")}
    return {**told, "country": row.story_country, "words": row.words}


def removed_line(one: Removed) -> str:
    """Return the manifest's line for an article that was taken back, with its line break."""
    entry = {
        "number": one.number,
        "id": one.id,
        "text_hash": one.exact_key.hex() if one.exact_key else None,
        "appended_at": _moment(one.appended_at),
        REMOVED: {"at": _moment(one.removed_at), "why": one.why},
    }
    return json.dumps(entry, ensure_ascii=False) + "\n"


async def all_lines(rows: AsyncIterable[Row[Any]], removed: Sequence[Removed]) -> AsyncIterator[str]:
    """Yield the lines of these articles and of those that were taken back, both in the order of their numbers."""
    waiting = list(reversed(removed))
    async for row in rows:
        while waiting and waiting[-1].number < row.number:
            yield removed_line(waiting.pop())
        yield manifest_line(row)
    while waiting:
        yield removed_line(waiting.pop())


def exchange_lines(path: Path, removed: Iterable[Removed]) -> None:
    """Let the lines of articles say that they were taken back. Readers see the old or the new manifest."""
    lines = {b"%d" % one.number: removed_line(one).encode("utf-8") for one in removed}
    if not path.exists() or all(new == old for old, new in _exchanged(path, lines)):
        return
    with replaced(path) as file:
        file.writelines(new for _, new in _exchanged(path, lines))
    sync_folder(path.parent)


def _exchanged(path: Path, lines: Mapping[bytes, bytes]) -> Iterator[tuple[bytes, bytes]]:
    with path.open("rb") as file:
        for line in file:
            found = _NUMBER.match(line)
            yield line, lines.get(found[1], line) if found else line


def read_removed(path: Path) -> list[Removed]:
    """Return the articles that were taken back, as a manifest tells; skip unusable lines."""
    found: list[Removed] = []
    if not path.is_file():
        return found
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if f'"{REMOVED}": ' not in line:
                continue
            try:
                entry = json.loads(line)
                if REMOVED in entry:
                    key = bytes.fromhex(entry["text_hash"]) if entry["text_hash"] else None
                    appended, at = (datetime.fromisoformat(m) for m in (entry["appended_at"], entry[REMOVED]["at"]))
                    found.append(Removed(entry["number"], entry["id"], key, entry[REMOVED]["why"], appended, at))
            except (ValueError, KeyError, TypeError):
                continue
    return found


def read_facts(path: Path) -> dict[str, dict[str, Any]]:
    """Return a manifest's facts on each file, by the file's checksum, as columns of `articles`; skip unusable lines.

    For a corpus whose index is lost: numbers, names and texts come from the files.
    """
    found: dict[str, dict[str, Any]] = {}
    if not path.is_file():
        return found
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                entry = json.loads(line)
                moments = {name: datetime.fromisoformat(entry[name]) for name in MOMENTS if entry.get(name)}
                published = date.fromisoformat(entry["date"]) if entry.get("date") else None
                columns = {column: entry.get(key) for column, key in COLUMNS.items()}
                if entry.get("source_name"):
                    columns["outlet"] = {"name": entry["source_name"], "country": entry["source_country"]}
                columns["url"] = columns["url"] and without_user(columns["url"])
                found[entry["sha256"]] = {**columns, "published": published, **moments}
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
    return found


def published_up_to(path: Path) -> int:
    """Return the number on the manifest's last whole line, -1 if it has none; cut off a torn line at the end."""
    if not path.exists():
        return -1
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        length = TAIL_BYTES
        while True:
            start = max(0, size - length)
            file.seek(start)
            tail = file.read(size - start)
            end = tail.rfind(b"\n") + 1
            begin = tail.rfind(b"\n", 0, end - 1) + 1 if end else 0
            if start == 0 or (end and begin):
                break
            length *= 4
        if start + end < size:
            file.truncate(start + end)
    if not end:
        return -1
    try:
        return int(json.loads(tail[begin:end])["number"])
    except (ValueError, KeyError, TypeError):
        return -1  # not written by c5watch: it is derived and will be written anew


def append_lines(path: Path, lines: Iterable[str]) -> None:
    """Add lines at the end, on disk when this returns; add none if the disk is full."""
    append(path, "".join(lines).encode("utf-8"))


def set_aside(path: Path) -> str | None:
    """Keep a copy of a wrong manifest: it may be the last trace of another index.

    Return the place of the copy; None if there is nothing to keep.
    """
    if not path.exists() or not (content := path.read_bytes()):
        return None
    return keep_aside(path.parent, path.name, content)


async def rewrite(path: Path, lines: AsyncIterable[str]) -> str | None:
    """Write the manifest of these lines; return a phrase that tells what was done, None if it was right already.

    Readers see the old or the new manifest.
    """
    beside = path.with_name(f".{path.name}.tmp")
    try:
        with beside.open("wb") as file:
            async for line in lines:
                file.write(line.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        if path.exists() and filecmp.cmp(path, beside, shallow=False):
            beside.unlink()
            return None
        kept = set_aside(path)
        beside.replace(path)
        sync_folder(path.parent)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    return "written anew from the index" + (f", the odd one is {kept}" if kept else "")


def _moment(value: datetime | None) -> str | None:
    return value.isoformat(timespec="seconds") if value else None
