"""What `c5watch retry` does: open addresses again that ended without an article."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from config.errors import RequestError
from config.load import Config
from extractors.records import Outcome, words_of
from extractors.text import counted
from storage.corpus.writer import open_for_reading, open_index
from storage.state.opening import POSSIBLE, USUAL, Openable, find_openable, open_again


@dataclass(frozen=True, slots=True)
class Retry:
    """What was opened again, or with a dry run would be."""

    found: tuple[Openable, ...]
    dry_run: bool

    @property
    def outcomes(self) -> Counter[str]:
        """How many addresses had ended in each outcome."""
        counts: Counter[str] = Counter()
        for one in self.found:
            counts[one.outcome] += one.count
        return counts

    @property
    def listed(self) -> int:
        """How many of them only an archive has named."""
        return sum(one.count for one in self.found if one.listed)

    def to_json(self) -> dict[str, Any]:
        """Return the object for `--json`."""
        sources: Counter[str] = Counter()
        for one in self.found:
            sources[one.source_id] += one.count
        return {
            "opened": self.outcomes.total(), "outcomes": dict(self.outcomes), "sources": dict(sources),
            "for_backfills": self.listed, "dry_run": self.dry_run,
        }  # fmt: skip

    def sentences(self) -> list[str]:
        """Return the same in words."""
        total = self.outcomes.total()
        if not total:
            return ["nothing to try again: no address like that has ended without an article"]
        named = ", ".join(f"{count} {words_of(outcome)}" for outcome, count in self.outcomes.most_common())
        done = "would be tried again" if self.dry_run else "are tried again by the next pass of the monitor"
        lines = [f"{counted(total, 'address')} ({named}) {done}"]
        if self.listed:
            lines.append(f"{self.listed} of them were named by archives only: a backfill of their days tries these")
        return lines


def parse_outcomes(names: Sequence[str]) -> tuple[Outcome, ...]:
    """Return the outcomes with these names, each perhaps several with commas between; none: those of a moment.

    Raises RequestError for a name that no final outcome without an article has.
    """
    known = {outcome.value: outcome for outcome in POSSIBLE}
    asked = [name.strip() for some in names for name in some.split(",") if name.strip()]
    if unknown := next((name for name in asked if name not in known), None):
        raise RequestError(f'--outcome: found "{unknown}", expected one of {", ".join(known)}')
    return tuple(known[name] for name in asked) or USUAL


async def retry_addresses(
    config: Config,
    data: Path,
    *,
    source_ids: Sequence[str] = (),
    outcomes: Sequence[Outcome] = USUAL,
    since: date | None = None,
    dry_run: bool = False,
) -> Retry:
    """Open the addresses of these sources (none: of all) that ended in these outcomes, from the day `since` (UTC) on.

    Raises StorageError.
    """
    moment = datetime(since.year, since.month, since.day, tzinfo=UTC) if since else None
    if dry_run:
        async with open_for_reading(data, config.settings.storage) as corpus, corpus.database.read() as connection:
            return Retry(tuple(await find_openable(connection, source_ids, outcomes, moment)), dry_run=True)
    async with open_index(data, config.settings.storage) as database, database.write() as connection:
        found = await find_openable(connection, source_ids, outcomes, moment)
        await open_again(connection, source_ids, outcomes, moment)
    return Retry(tuple(found), dry_run=False)
