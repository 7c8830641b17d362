"""One article as one file: its name, its bytes, and back.

    NNN_<id>.txt     NNN: running number, at least three digits; <id>: 16 lower-case hexadecimal digits

UTF-8 without BOM, no newline at the end. A dated file begins ` date YYYY-MM-DD ` (with that leading space) and goes
on with the first paragraph on the same line; an undated one begins with the headline. Paragraphs are divided by one
blank line. Downstream tools read these files and nothing else: a file written today must be valid in ten years.

The reader accepts more than the writer produces (single line breaks, blank lines at the end), because older files are
kept byte for byte.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

from extractors.text import clean_block, clean_line

_NAME = re.compile(r"(?P<number>[0-9]{3,})_(?P<id>[0-9a-f]{16})\.txt")
_DATED = re.compile(r" date (?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2}) ")


@dataclass(frozen=True, slots=True)
class FileName:
    """The two parts of an article file's name."""

    number: int
    id: str

    def __str__(self) -> str:
        return f"{self.number:03d}_{self.id}.txt"

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """Return the parts of `name`, or None if it is not an article file's name."""
        found = _NAME.fullmatch(name)
        # With additional zeros two names could stand for the same number.
        if found is None or (len(found["number"]) > 3 and found["number"].startswith("0")):
            return None
        return cls(int(found["number"]), found["id"])


@dataclass(frozen=True, slots=True)
class ArticleFile:
    """The content of an article file: the day, if it states one, and the rest, unchanged."""

    published: date | None
    text: str

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Return the file's content. Raises ValueError if the bytes are not UTF-8 text."""
        text = content.decode("utf-8")
        header = _DATED.match(text)
        if header is None:
            return cls(None, text)
        try:
            day = date.fromisoformat(header["day"])
        except ValueError:  # 2025-02-30, for instance: then the line is plain text
            return cls(None, text)
        return cls(day, text[header.end() :])

    def to_bytes(self) -> bytes:
        """Return the file's bytes. Parsed bytes come back unchanged."""
        header = f" date {self.published.isoformat()} " if self.published else ""
        return (header + self.text).encode("utf-8")

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The blocks of the text, without blank ones."""
        return tuple(block for part in self.text.split("\n\n") if (block := part.strip("\n")))


def compose(paragraphs: Sequence[str], *, title: str | None, published: date | None) -> ArticleFile:
    """Return the file for an article: dated and without its headline, or undated and beginning with its headline."""
    headline = (title,) if published is None and title else ()
    return ArticleFile(
        published, "\n\n".join(block for part in (*headline, *paragraphs) if (block := clean_block(part)))
    )


def faults(content: bytes) -> list[str]:
    """Return the faults of a file that c5watch wrote; empty for a well-formed file."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as exc:
        return [f"not UTF-8 at byte {exc.start}"]
    body = text.removeprefix(" ") if _DATED.match(text) else text
    found = []
    if not body.strip():
        found.append("empty")
    if body.endswith("\n"):
        found.append("a newline at the end")
    if "\n\n\n" in body:
        found.append("more than one blank line between paragraphs")
    if not unicodedata.is_normalized("NFC", text):
        found.append("not in Unicode NFC")
    if any(line != clean_line(line) for line in body.split("\n")):
        found.append("stray spaces or invisible characters")
    return found
