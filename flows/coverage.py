"""How well a period is covered, shown three ways: a table, JSON, and a page with a heat map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from storage.coverage import Cell, SourceCoverage
from storage.periods import Period, each_day

COVERAGE_FILE = "coverage.html"
HEADINGS = (
    "source", "listed", "fetched", "kept", "duplicate", "off topic", "no article", "pending", "no day", "thin days",
    "not searched", "why no article",
)  # fmt: skip
NAMES_WIDTH, SIDE, ROW_HEIGHT, TOP = 170, 14, 18, 20  # of the heat map, in pixels
FAINTEST = 0.12  # of a day with something
NUMBERS = ("listed", "fetched", "kept", "duplicates", "off_topic", "failed", "pending")


@dataclass(frozen=True, slots=True)
class _Square:
    x: int
    heat: float
    thin: bool
    blank: bool
    title: str


def table(coverage: Sequence[SourceCoverage]) -> list[tuple[str, ...]]:
    """A line for each source, under HEADINGS."""
    lines = []
    for source in coverage:
        reasons: Counter[str] = Counter()
        for cell in source.days.values():
            reasons.update(cell.reasons)
        thin = sum(cell.thin for cell in source.days.values())
        blank = sum(_is_blank(cell) for cell in source.days.values())
        why = ", ".join(f"{reason} {number}" for reason, number in reasons.most_common(3))
        numbers = [source.total(name) for name in NUMBERS]
        lines.append((source.source_id, *map(str, (*numbers, source.undated.total(), thin, blank)), why))
    return lines


def markdown(coverage: Sequence[SourceCoverage]) -> str:
    """The same table for Prefect's artifact page."""
    marks = "|".join(["---", *["--:"] * (len(HEADINGS) - 2), "---"])
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in table(coverage)]
    return "\n".join(["| " + " | ".join(HEADINGS) + " |", f"|{marks}|", *lines])


def to_json(coverage: Sequence[SourceCoverage]) -> dict[str, Any]:
    """Source → its numbers by day (days without any, and without anything to say, are left out)."""
    return {
        source.source_id: {
            "days": {
                day.isoformat(): {
                    **{name: getattr(cell, name) for name in NUMBERS},
                    "reasons": dict(cell.reasons),
                    "searched": cell.searched,
                    "thin": cell.thin,
                }
                for day, cell in source.days.items()
                if cell.listed or cell.thin or not cell.searched
            },
            "undated": dict(source.undated),
        }
        for source in coverage
    }


def write_page(path: Path, coverage: Sequence[SourceCoverage], period: Period, *, now: datetime) -> None:
    """Write the page; a reader sees the old one or the new one. It loads nothing from elsewhere."""
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)
    html = environment.get_template("coverage.html").render(
        period=period,
        now=now,
        totals={name: sum(source.total(name) for source in coverage) for name in NUMBERS},
        map=_heat_map(coverage, list(each_day(period))),
        table=table(coverage),
    )
    beside = path.with_name(f".{path.name}.tmp")
    beside.write_text(html, encoding="utf-8")
    beside.replace(path)


def _heat_map(coverage: Sequence[SourceCoverage], days: Sequence[date]) -> dict[str, Any]:
    side = max(3, min(SIDE, 1000 // max(1, len(days))))  # a year still fits a screen
    rows = []
    for position, source in enumerate(coverage):
        most = max((cell.listed for cell in source.days.values()), default=0)
        squares = [_square(source.days[day], day, NAMES_WIDTH + place * side, most) for place, day in enumerate(days)]
        rows.append({"name": source.source_id, "y": TOP + position * ROW_HEIGHT, "cells": squares})
    marks = [
        {"x": NAMES_WIDTH + place * side, "text": f"{day:%d %b}" if len(days) <= 62 else f"{day:%b %Y}"}
        for place, day in enumerate(days)
        if day.day == 1 or (len(days) <= 62 and day.weekday() == 0) or place == 0
    ]
    kept: list[dict[str, Any]] = []
    for mark in marks:
        if not kept or mark["x"] - kept[-1]["x"] >= 60:
            kept.append(mark)
    width = NAMES_WIDTH + side * len(days) + 60
    return {"side": side - 1, "rows": rows, "marks": kept, "width": width, "height": TOP + ROW_HEIGHT * len(coverage)}


def _square(cell: Cell, day: date, x: int, most: int) -> _Square:
    heat = round(FAINTEST + (1 - FAINTEST) * cell.listed / most, 2) if cell.listed else 0.0
    numbers = ", ".join(f"{getattr(cell, name)} {name.replace('_', ' ')}" for name in NUMBERS if getattr(cell, name))
    usual = f"; usual: {cell.usual:.0f}" if cell.usual is not None else ""
    asked = "" if cell.searched else "; no archive was searched"
    return _Square(x, heat, cell.thin, _is_blank(cell), f"{day:%a %Y-%m-%d}: {numbers or 'nothing'}{usual}{asked}")


def _is_blank(cell: Cell) -> bool:
    """Nobody looked: that nothing was found says nothing."""
    return not cell.searched and not cell.listed
