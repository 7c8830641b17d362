"""The forms of an export. Each takes rows and writes bytes.

JSON lines: one object a line, shaped as in the manifest. Characters that some readers treat as the end of a line
(U+2028, U+2029, U+0085) are written as escapes.

CSV (RFC 4180): for spreadsheets, so a file begins with a byte order mark, without which Excel does not recognise UTF-8;
standard output gets no mark. A list is one cell of JSON. A text that begins with = + - @, plain or full-width, with a
tab or with a line break gets an apostrophe before it, because a spreadsheet would run it as a formula:
https://owasp.org/www-community/attacks/CSV_Injection

Parquet: typed columns (days, moments in UTC, lists of named fields), compressed with zstd. The other forms tell the
time of publication with its zone.

RIS: a record of type NEWS for each article, for Zotero and its like; without the text.
https://en.wikipedia.org/wiki/RIS_(file_format)
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime
from typing import Any, BinaryIO, Protocol

from storage.errors import StorageError

Rows = list[dict[str, Any]]
Write = Callable[[Rows], None]
ROW_GROUP = 5000  # rows that Parquet keeps together: some 30 MB of text
# Column → its kind; a tuple: a list of such fields.
COLUMNS: dict[str, str | tuple[tuple[str, str], ...]] = {
    "number": "integer", "relation": "text", "id": "text", "file": "text", "canonical_url": "text", "url": "text",
    "source": "text", "source_name": "text", "source_country": "text", "country": "text", "words": "integer",
    "feed": "text", "title": "text", "authors": "texts", "date": "day",
    "published_at": "moment", "date_origin": "text", "dates": (("day", "day"), ("origin", "text")),
    "language": "text", "topic": "text",
    "score": "number", "borderline": "truth",
    "terms": (("group", "text"), ("term", "text"), ("place", "text"), ("count", "integer")),
    "why": "text", "sha256": "text", "text_hash": "text", "method": "text", "version": "text",
    "retrieved_at": "moment", "appended_at": "moment", "event": "integer", "reprints": "texts",
    "relations": (("kind", "text"), ("number", "integer"), ("score", "number")), "share": "number",
    "text_url": "text", "text": "text",
}  # fmt: skip
_STRUCTS = {name: [part for part, _ in kind] for name, kind in COLUMNS.items() if not isinstance(kind, str)}
_LINE_ENDS = {"\u2028": "\\u2028", "\u2029": "\\u2029", "\x85": "\\u0085"}
_FORMULA = tuple("=+-@＝＋－＠\t\r\n")


class Form(Protocol):
    """An opener of a form over a file; the caller feeds rows to its result."""

    def __call__(self, file: BinaryIO, *, is_file: bool) -> AbstractContextManager[Write]: ...


@contextmanager
def _jsonl(file: BinaryIO, *, is_file: bool) -> Iterator[Write]:
    def write(rows: Rows) -> None:
        for row in rows:
            file.write(f"{_json(row)}\n".encode())

    yield write


@contextmanager
def _csv(file: BinaryIO, *, is_file: bool) -> Iterator[Write]:
    text = io.TextIOWrapper(file, encoding="utf-8-sig" if is_file else "utf-8", newline="")
    try:
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        yield lambda rows: writer.writerows([_cell(value) for value in row.values()] for row in rows)
        text.flush()
    finally:
        text.detach()


def _parquet(file: BinaryIO, *, is_file: bool) -> AbstractContextManager[Write]:
    return parquet_to(file, rows_at_a_time=ROW_GROUP)


@contextmanager
def parquet_to(file: BinaryIO, *, rows_at_a_time: int) -> Iterator[Write]:
    """Yield the function that takes rows for a Parquet file; so many are kept in memory."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as exc:
        raise StorageError("parquet needs the package pyarrow: run '.venv/bin/python -m pip install pyarrow'") from exc
    types = {
        "integer": pyarrow.int32(), "number": pyarrow.float64(), "truth": pyarrow.bool_(),
        "text": pyarrow.string(), "day": pyarrow.date32(),
        "texts": pyarrow.list_(pyarrow.string()), "moment": pyarrow.timestamp("ms", tz="UTC"),
    }  # fmt: skip

    def type_of(kind: str | tuple[tuple[str, str], ...]) -> Any:
        if isinstance(kind, str):
            return types[kind]
        return pyarrow.list_(pyarrow.struct([(name, types[part]) for name, part in kind]))

    schema = pyarrow.schema([(name, type_of(kind)) for name, kind in COLUMNS.items()])
    waiting: Rows = []
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:

        def write(rows: Rows) -> None:
            waiting.extend(rows)
            if len(waiting) >= rows_at_a_time:
                flush()

        def flush() -> None:
            writer.write_table(pyarrow.Table.from_pylist([_typed(row) for row in waiting], schema))
            waiting.clear()

        yield write
        if waiting:
            flush()


@contextmanager
def _ris(file: BinaryIO, *, is_file: bool) -> Iterator[Write]:
    def write(rows: Rows) -> None:
        for row in rows:
            lines = [f"{tag}  - {' '.join(str(value).split())}\r\n" for tag, value in _ris_fields(row) if value]
            file.write(f"{''.join(lines)}ER  - \r\n\r\n".encode())

    yield write


def _ris_fields(row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    day: date | None = row["date"]
    yield "TY", "NEWS"
    yield "TI", row["title"] or row["url"]
    for author in row["authors"]:
        yield "AU", author
    yield "T2", row["source_name"] or row["source"]
    if day is not None:
        yield "PY", f"{day.year:04}"
        yield "DA", day.isoformat().replace("-", "/")
    yield "UR", row["url"] or row["canonical_url"]
    yield "LA", row["language"]
    yield "ID", row["id"]
    if row["retrieved_at"] is not None:
        yield "Y2", f"{row['retrieved_at']:%Y/%m/%d}"


FORMS: dict[str, Form] = {"jsonl": _jsonl, "csv": _csv, "parquet": _parquet, "ris": _ris}


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=_iso)
    for character, escape in _LINE_ENDS.items():
        text = text.replace(character, escape)
    return text


def _iso(value: Any) -> str:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else date.isoformat(value)


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return _iso(value) if isinstance(value, date) else value


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    typed = dict(row)
    for name, names in _STRUCTS.items():
        if parts := row[name]:
            typed[name] = [dict(zip(names, part, strict=True)) for part in parts]
    for found in typed["dates"]:
        found["day"] = date.fromisoformat(found["day"])
    return typed
