"""The coverage of a period, shown three ways: a table, JSON, and a page with a heat map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from extractors.period import Period, each_day
from flows.pages import pages, replace_page
from flows.reports.heat_map import NO_ROUTE, NUMBERS, STEPS, heat_map
from storage.health.coverage import SourceCoverage

COVERAGE_FILE = "coverage.html"
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
