"""`manifest.jsonl`: one JSON object per article, one line each, in number order.

Derived from the index, and written after the article files: its last line is therefore the mark up to which
everything is published, and a half-written line at its end is what a crash leaves and the next opening removes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row

TAIL_BYTES = 1 << 16  # a line is about one kilobyte


def manifest_line(row: Row[Any]) -> str:
    """The manifest's line for a row of `articles`, with its line break."""
    entry = {
        "number": row.number,
        "id": row.id,
        "file": row.file,
        "canonical_url": row.canonical_url,
        "url": row.url,
        "source": row.source_id,
        "feed": row.feed_url,
        "title": row.title,
        "authors": row.authors,
        "date": row.published.isoformat() if row.published else None,
        "date_origin": row.date_origin,
        "dates": row.dates,
        "language": row.language,
        "topic": row.topic,
        "score": row.score,
        "terms": row.matches,
        "why": row.why,
        "sha256": row.sha256,
        "text_hash": row.exact_key.hex() if row.exact_key else None,
        "method": row.method,
        "version": row.version,
        "retrieved_at": _moment(row.retrieved_at),
        "appended_at": _moment(row.appended_at),
    }
    return json.dumps(entry, ensure_ascii=False) + "\n"


def published_up_to(path: Path) -> int:
    """The number on the manifest's last whole line, -1 when it has none; a torn line at the end is cut off."""
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
        return -1  # not ours any more: it is derived, and will be written anew


def append_lines(path: Path, lines: Iterable[str]) -> None:
    """Add lines at the end, on disk when this returns."""
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())


def write_anew(path: Path, lines: Iterable[str]) -> None:
    """Replace the whole manifest; readers see the old one or the new one."""
    beside = path.with_name(f".{path.name}.tmp")
    with beside.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _moment(value: datetime | None) -> str | None:
    return value.isoformat(timespec="seconds") if value else None
