"""The outcome of a pass, counted once, shown three ways: JSON, a table for the terminal, markdown for Prefect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from extractors.records import DECIDED_BEFORE, Counted, Outcome, Placement, Relation, words_of
from extractors.text import counted
from storage.health.sources import Flag
from storage.health.states import WELL, SourceState, State

Status = Literal["ok", "not_modified", "failed"]
SHOWN = (Counted.APPENDED, Counted.DUPLICATES, Counted.OFF_TOPIC, Counted.FAILED)
NO_FEED = "no feed: only backfills bring articles"


@dataclass(slots=True)
class SourceReport:
    """One source in one pass. `error` is the first failing feed's reason, even when other feeds were read."""

    name: str
    feeds: int = 0
    failed_feeds: int = 0
    unchanged_feeds: int = 0
    entries: int = 0
    new: int = 0
    skipped: int = 0  # items of the feed that cannot be an article: no link, not an address
    steps: int = 0  # numbers that follow the last known one and were asked for, see `walk` in sources.toml
    appended: int = 0
    error: str | None = None
    state: SourceState | None = None  # after the pass; None: not told yet
    watched: bool = True  # False: it has no feed, so that a pass has nothing to read of it

    @property
    def status(self) -> Status:
        """failed: no feed could be read; not_modified: what could be read has not changed, or none was due."""
        if 0 < self.failed_feeds == self.feeds:
            return "failed"
        return "not_modified" if self.failed_feeds + self.unchanged_feeds == self.feeds else "ok"


@dataclass(slots=True)
class Summary:
    """A pass in numbers. The outcomes add up to the entries it took on: new ones and those tried again.

    Not among them are entries that another pass has taken meanwhile.
    """

    engine: str
    sources: dict[str, SourceReport]
    taken: int = 0  # entries that were due: new, or from earlier passes
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)  # of what failed
    others: set[str] = field(default_factory=set)  # keys of entries that another pass has taken meanwhile
    pending: int = 0  # left for later passes
    orphans: dict[str, int] = field(default_factory=dict)  # what waits under ids of sources that are not watched
    undated: int = 0  # articles appended without a date
    looked_again: int = 0  # pages of articles that were looked at for a later text
    versions: int = 0  # later texts that were found there
    seconds: float = 0.0
    interrupted: bool = False
    raised: list[tuple[str, Flag]] = field(default_factory=list)  # flags of sources that are new in this pass

    def count(self, placements: Sequence[Placement], source_of: dict[str, str]) -> None:
        """Add the outcomes of some entries; `source_of` names each one's source."""
        for placement in placements:
            if placement.look:
                self.looked_again += 1
                self.versions += placement.relation is Relation.VERSION
                continue
            if placement.reason == DECIDED_BEFORE:
                self.others.add(placement.key)
                continue
            self.outcomes[placement.outcome] += 1
            if placement.outcome.counted is Counted.APPENDED:
                self.sources[source_of[placement.key]].appended += 1
                self.undated += placement.undated
            elif placement.outcome.counted is Counted.FAILED:
                self.reasons[placement.reason] += 1

    @property
    def nothing_read(self) -> bool:
        """Whether the pass could not do its job: not one source could be read."""
        watched = [s for s in self.sources.values() if s.watched]
        return bool(watched) and all(s.status == "failed" for s in watched)

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {
            **{c.value: sum(self.outcomes[o] for o in Outcome.which(c)) for c in SHOWN},
            "pending": self.pending,
            "not_watched": self.orphans,
            "entries": sum(s.entries for s in self.sources.values()),
            "new": sum(s.new for s in self.sources.values()),
            "taken": self.taken,
            "by_others": len(self.others),
            "undated": self.undated,
            "looked_again": self.looked_again,
            "versions": self.versions,
            "outcomes": {o.value: n for o, n in self.outcomes.most_common()},
            "failures": dict(self.reasons.most_common()),
            "engine": self.engine,
            "seconds": round(self.seconds, 2),
            "interrupted": self.interrupted,
            "sources": {
                key: {
                    "status": s.status,
                    "entries": s.entries,
                    "new": s.new,
                    "appended": s.appended,
                    "steps": s.steps,
                    "asked": s.feeds > 0,  # or its turn had not come
                    "error": s.error if s.watched else NO_FEED,
                    "health": s.state.to_json() if s.state else None,
                }
                for key, s in self.sources.items()
            },
        }


def source_rows(summary: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the lines of the table, from `Summary.to_json()`: source, status, health, numbers, error."""
    return [
        (
            key,
            s["status"].replace("_", " ") if s["asked"] else "not asked",
            State(s["health"]["state"]).words if s.get("health") else "",
            str(s["entries"]),
            str(s["new"]),
            str(s["appended"]),
            s["error"] or "",
        )
        for key, s in summary["sources"].items()
    ]


def sentences(summary: dict[str, Any]) -> str:
    """Return the counts in one line, and a line for each source whose health needs a look."""
    said = Outcome.which(Counted.APPENDED, Counted.DUPLICATES, Counted.OFF_TOPIC)
    parts = [
        f"{summary['appended']} appended",
        counted(summary["duplicates"], "duplicate"),
        f"{summary['off_topic']} off topic",
    ]
    parts += [f"{n} {words_of(o)}" for o, n in summary["outcomes"].items() if o not in said]
    if summary.get("by_others"):
        parts.append(f"{summary['by_others']} taken by another pass")
    if summary["pending"]:
        parts.append(f"{summary['pending']} left for later passes")
    if summary.get("looked_again"):
        parts.append(
            f"{counted(summary['looked_again'], 'page')} looked at again, {summary['versions']} with a later text"
        )
    if summary["undated"]:
        parts.append(f"{summary['undated']} of the appended without a date")
    watched = [s for s in summary["sources"].values() if s["error"] != NO_FEED]
    sources = [s for s in watched if s["asked"]]
    read = sum(s["status"] != "failed" for s in sources)
    if len(sources) < len(watched):
        parts.append(f"{counted(len(watched) - len(sources), 'source')} not due")
    how = f"{summary['seconds']:.1f} s, {summary['engine']} engine"
    lines = [f"{read} of {counted(len(sources), 'source')} read: {', '.join(parts)} ({how})"]
    lines += [orphans] if (orphans := orphans_told(summary.get("not_watched") or {})) else []
    lines += [told for key, s in summary["sources"].items() if (told := _health_told(key, s.get("health")))]
    return "\n".join(lines)


def _health_told(source_id: str, health: Mapping[str, Any] | None) -> str | None:
    """Return a sentence on a source that needs a look; None if it needs none."""
    if health is None or (state := State(health["state"])) in WELL:
        return None
    since = f" since {health['since']}" if health["since"] else ""
    reason = health["why"] or health["error"]
    return f"{source_id}: {state.words}{since}{f': {reason}' if reason else ''}"


def orphans_told(counts: Mapping[str, int]) -> str | None:
    """Return a sentence on what waits under ids of sources that are not watched; None if nothing does."""
    if not counts:
        return None
    named = ", ".join(f"{source_id} ({count})" for source_id, count in counts.items())
    entries = counted(sum(counts.values()), "entry")
    return f"{entries} of sources that are not watched: {named}; they wait until a watched feed names them"


def markdown(summary: dict[str, Any]) -> str:
    """Return the same table for Prefect's artifact page."""
    lines = [
        sentences(summary).replace("\n", "\n\n"),
        "",
        "| source | status | health | entries | new | appended | error |",
        "|---|---|---|--:|--:|--:|---|",
    ]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in source_rows(summary)]
    return "\n".join(lines)
