"""Static pages: their templates, and how files are replaced. No page loads anything from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from datetime import date, datetime
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from storage.files.local_folder import named_disk_errors

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def pages() -> Environment:
    """Return the templates in `flows/templates`; values put into them are escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = Path(__file__).parent / "templates"
    return Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)


def script_policy(script: str) -> str:
    """Return the source of a Content-Security-Policy that lets this script of a page run, and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def atom_moment(day: date | None, moment: datetime | None) -> str | None:
    """Return when an article was published, as Atom has it: its time, else the beginning of its day (RFC 3339)."""
    if moment is not None:
        return moment.isoformat(timespec="seconds")
    return f"{day}T00:00:00Z" if day else None


def replace_page(path: Path, html: str) -> None:
    """Write a page; a reader sees the old one or the new one, also while several programs write it.

    Raises StorageError.
    """
    beside = path.with_name(f".{path.name}.{token_hex(4)}.tmp")
    with named_disk_errors(path):
        try:
            beside.write_text(html, encoding="utf-8")
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
