"""README, CONTRIBUTING and the pages of docs: their blocks, and whether what they show is what came out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PAGES = (CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *sorted((CHECKOUT / "docs").glob("*.md")))
FENCED = re.compile(r"^```(?P<language>\w*) *(?P<note>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, the note behind it ("no-run: …", "article"), its text, and where it begins."""

    language: str
    note: str
    text: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page in order."""
    content = page.read_text(encoding="utf-8")
    for found in FENCED.finditer(content):
        yield Block(*found.group("language", "note", "text"), content.count("\n", 0, found.start()) + 1)


def shows(pattern: str, output: str) -> bool:
    """Return whether a block shows this output: "…" stands for anything."""
    parts = (re.escape(part) for part in pattern.strip("\n").split("…"))
    return re.fullmatch(".*?".join(parts), output.strip("\n"), re.DOTALL) is not None
