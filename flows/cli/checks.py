"""Tell how a check of sources has ended: a table, counts, and a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from extractors.text import counted
from flows.tools.check import Check

HEADINGS = ("source", "works", "what", "http", "kind", "entries", "newest", "ms", "address", "note")


def by_verdict(checks: Sequence[Check]) -> list[Check]:
    """Return the checks with those of one verdict together: what works first, the rarest trouble last."""
    number = Counter(check.verdict for check in checks)
    return sorted(checks, key=lambda check: (not check.ok, -number[check.verdict], check.verdict))


def rows(checks: Sequence[Check]) -> list[tuple[str, ...]]:
    """Return the lines of the table under HEADINGS."""
    return [
        (
            check.source,
            "yes" if check.ok else "NO",
            check.what,
            str(check.status or ""),
            check.kind or "",
            str(check.entries) if check.ok else "",
            (check.newest or "")[:16].replace("T", " "),
            "" if check.ms is None else str(check.ms),
            check.feed,
            ": ".join(filter(None, (check.note, check.advice))),
        )
        for check in checks
    ]


def summary(checks: Sequence[Check]) -> dict[str, Any]:
    """Return the counts, and the enabled sources whose every feed failed."""
    feeds = [check for check in checks if check.is_watched]
    routes = [check for check in checks if not check.is_watched]
    works = {check.source for check in feeds if check.ok}
    return {
        "feeds": len(feeds),
        "feeds_ok": sum(check.ok for check in feeds),
        "routes": len(routes),
        "routes_ok": sum(check.ok for check in routes),
        "sources": len({check.source for check in checks}),
        "verdicts": dict(Counter(check.verdict for check in checks).most_common()),
        "failed_sources": list(dict.fromkeys(check.source for check in feeds if check.source not in works)),
    }


def is_offline(checks: Sequence[Check]) -> bool:
    """Say whether no host was found: then this machine is offline."""
    return bool(checks) and all((check.note or "").startswith("host not found") for check in checks)


def sentence(counts: dict[str, Any]) -> str:
    """Return the counts in one line."""
    failed = counts["failed_sources"]
    line = (
        f"{counts['feeds_ok']} of {counted(counts['feeds'], 'feed')} and {counts['routes_ok']} of "
        f"{counted(counts['routes'], 'backfill route')} of {counted(counts['sources'], 'source')} work"
    )
    return f"{line}; no feed of {', '.join(failed)} does" if failed else line


def verdicts(counts: dict[str, Any]) -> str:
    """Return how many checks ended with each verdict, in one line."""
    return ", ".join(f"{number} {verdict}" for verdict, number in counts["verdicts"].items())
