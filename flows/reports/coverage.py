"""The coverage of a period, shown three ways: a table, JSON, and a page with a heat map of days and sources.

The map is drawn as SVG by `templates/heat_map.html`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from extractors.period import Period, each_day
from flows.pages import pages, replace_page
from storage.health.coverage import Cell, SourceCoverage

COVERAGE_FILE = "coverage.html"
NO_ROUTE = "no route to back issues"
MAP_WIDTH, WIDEST, NARROWEST = 985, 16.0, 2.5  # pixels: of the map on a usual screen, and of one day in it
ROW_HEIGHT, CELL_HEIGHT, TOP = 19, 16, 20
STEPS = 8  # shades
LABEL_WIDTH = 60
NUMBERS = ("listed", "fetched", "kept", "duplicates", "off_topic", "failed", "pending")
HEADINGS = (
    "source", "listed", "fetched", "kept", "duplicate", "off topic", "no article", "pending", "no day", "thin days",
    "not searched", "why no article",
)  # fmt: skip


def coverage_table(coverage: Sequence[SourceCoverage]) -> list[tuple[str, ...]]:
    """Return a line for each source, under HEADINGS."""
    lines = []
    for source in coverage:
        reasons: Counter[str] = Counter()
        for cell in source.days.values():
            reasons.update(cell.reasons)
        thin = sum(cell.thin for cell in source.days.values())
        blank = sum(cell.blank for cell in source.days.values())
        why = ", ".join(f"{reason} {number}" for reason, number in reasons.most_common(3))
        if not source.has_route:
            why = f"{NO_ROUTE}; {why}" if why else NO_ROUTE
        numbers = [source.total(name) for name in NUMBERS]
        lines.append((source.source_id, *map(str, (*numbers, source.undated.total(), thin, blank)), why))
    return lines


def coverage_markdown(coverage: Sequence[SourceCoverage]) -> str:
    """Return the same table for Prefect's artifact page."""
    marks = "|".join(["---", *["--:"] * (len(HEADINGS) - 2), "---"])
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in coverage_table(coverage)]
    return "\n".join(["| " + " | ".join(HEADINGS) + " |", f"|{marks}|", *lines])


def to_json(coverage: Sequence[SourceCoverage]) -> dict[str, Any]:
    """Return source → its numbers by day; days without numbers or remarks are left out."""
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
            "has_route": source.has_route,
        }
        for source in coverage
    }


def write_page(path: Path, coverage: Sequence[SourceCoverage], period: Period, *, now: datetime) -> None:
    """Write the page; a reader sees the old one or the new one. It loads nothing from elsewhere."""
    html = (
        pages()
        .get_template("coverage.html")
        .render(
            period=period,
            now=now,
            totals={name: sum(source.total(name) for source in coverage) for name in NUMBERS},
            map=heat_map(coverage, list(each_day(period))),
            headings=HEADINGS,
            table=coverage_table(coverage),
            steps=STEPS,
        )
    )
    replace_page(path, html)


@dataclass(frozen=True, slots=True)
class _Square:
    x: float
    width: float
    kind: str  # its class: a shade, none, blank
    thin: bool
    title: str


def heat_map(coverage: Sequence[SourceCoverage], days: Sequence[date]) -> dict[str, Any]:
    """Return the place and text of each square, for the template; unsearched days in a row share a square."""
    side = max(NARROWEST, min(WIDEST, MAP_WIDTH / len(days)))
    rows = [
        {"name": source.source_id, "y": TOP + position * ROW_HEIGHT, "cells": list(_squares(source, days, side))}
        for position, source in enumerate(coverage)
    ]
    by_month = len(days) > 62
    marks: list[dict[str, Any]] = []
    for position, day in enumerate(days):
        x = round(position * side, 1)
        begins = day.day == 1 if by_month else day.weekday() == 0
        if (begins or position == 0) and (not marks or x - marks[-1]["x"] >= LABEL_WIDTH):
            marks.append({"x": x, "text": f"{day:%b %Y}" if by_month else f"{day:%d %b}"})
    if len(marks) > 1 and marks[1]["x"] < LABEL_WIDTH:
        del marks[0]
    return {
        "rows": rows,
        "marks": marks,
        "width": round(side * len(days), 1),
        "height": TOP + ROW_HEIGHT * len(coverage),
        "row_height": ROW_HEIGHT,
        "cell_height": CELL_HEIGHT,
        "top": TOP,
    }


def _squares(source: SourceCoverage, days: Sequence[date], side: float) -> Iterator[_Square]:
    """Yield a square for each day with a result; unsearched days in a row share a square."""
    most = max((cell.listed for cell in source.days.values()), default=0)
    gap = 1.0 if side >= 6 else 0.0
    for blank, group in groupby(enumerate(days), key=lambda pair: source.days[pair[1]].blank):
        positions = list(group)
        if blank:
            (start, first), (end, last) = positions[0], positions[-1]
            why = "no archive was searched" if source.has_route else NO_ROUTE
            until = f" – {last:%a %Y-%m-%d}" if last > first else ""
            x, width = round(start * side, 1), round((end - start + 1) * side - gap, 1)
            yield _Square(x, width, "blank", thin=False, title=f"{source.source_id}, {first:%a %Y-%m-%d}{until}: {why}")
            continue
        for position, day in positions:
            cell = source.days[day]
            shade = f"h{round((STEPS - 1) * cell.listed / most)}" if cell.listed else "none"
            title = f"{source.source_id}, {day:%a %Y-%m-%d}: {_told(cell)}"
            yield _Square(round(position * side, 1), round(side - gap, 1), shade, cell.thin, title)


def _told(cell: Cell) -> str:
    numbers = ", ".join(f"{getattr(cell, name)} {name.replace('_', ' ')}" for name in NUMBERS if getattr(cell, name))
    reasons = "".join(f"; {reason}: {number}" for reason, number in cell.reasons.items())
    usual = f"; usual: {cell.usual:.0f}" if cell.usual is not None else ""
    return f"{numbers or 'nothing'}{reasons}{usual}"
