"""What `c5watch topics apply` does: judge lately refused texts by the present topic, and append what is on topic now.

Nothing is fetched where the text is kept. Pages whose text is not kept are judged by headline and summary, and fetched
again by the next pass if these are on topic; or all of them, if that is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from config.load import Config
from extractors.records import Counted, Found, Outcome, Placement
from extractors.text import counted
from extractors.topic.judge import Topics, compile_topics
from storage.corpus.writer import CorpusWriter, open_corpus, open_for_reading
from storage.state.opening import open_keys
from storage.state.refused import load_refused

AT_A_TIME = 100  # texts a transaction


@dataclass(slots=True)
class Applied:
    """What came of it; with a dry run, what would."""

    days: int
    dry_run: bool
    judged: int = 0  # by their text
    on_topic: list[str] = field(default_factory=list)  # of these, the addresses
    outcomes: dict[str, int] = field(default_factory=dict)  # in which they ended
    without_text: int = 0
    opened: list[str] = field(default_factory=list)  # of these, the addresses that are fetched again

    def count(self, placements: Sequence[Placement]) -> None:
        """Add the ends of some of them."""
        for placement in placements:
            self.outcomes[placement.outcome] = self.outcomes.get(placement.outcome, 0) + 1

    def to_json(self) -> dict[str, Any]:
        """Return the object for `--json`."""
        return {
            "days": self.days, "judged": self.judged, "on_topic": self.on_topic, "outcomes": self.outcomes,
            "without_text": self.without_text, "opened": self.opened, "dry_run": self.dry_run,
        }  # fmt: skip

    def sentences(self) -> list[str]:
        """Return the same in words."""
        days = counted(self.days, "day")
        appended = sum(self.outcomes.get(outcome, 0) for outcome in Outcome.which(Counted.APPENDED))
        became = "nothing was changed" if self.dry_run else f"{appended} appended"
        refused = f"{counted(self.judged, 'text')} refused in the last {days}"
        lines = [f"{refused}: {len(self.on_topic)} on topic now, {became}"]
        if self.without_text:
            again = "would be fetched again" if self.dry_run else "are fetched again by the next pass"
            rest = self.without_text - len(self.opened)
            hint = f"; --fetch has the other {rest} fetched as well" if rest else ""
            lines.append(f"{counted(self.without_text, 'page')} without a kept text: {len(self.opened)} {again}{hint}")
        return lines


async def apply_topic(
    config: Config, data: Path, days: int, *, now: datetime, fetch: bool = False, dry_run: bool = False
) -> Applied:
    """Judge what was refused in the last days by the present topic. Raises StorageError.

    With `fetch`, all pages whose text is not kept are fetched again, whatever their headline says.
    """
    topics = compile_topics(config.topics)
    applied = Applied(days, dry_run)
    since = now - timedelta(days=days)
    async with open_for_reading(data, config.settings.storage) as corpus:
        fitting = await _judge(corpus, topics, since, applied, fetch=fetch)
    if dry_run or not (fitting or applied.opened):
        return applied
    async with open_corpus(data, config.settings.storage) as corpus:
        for start in range(0, len(fitting), AT_A_TIME):
            found = fitting[start : start + AT_A_TIME]
            applied.count(await corpus.place(found, now=now, limits=config.settings.duplicates, listed=False))
        async with corpus.database.write() as connection:
            await open_keys(connection, applied.opened)
    return applied


async def _judge(
    corpus: CorpusWriter, topics: Topics, since: datetime, applied: Applied, *, fetch: bool
) -> list[Found]:
    fitting: list[Found] = []
    async with corpus.database.read() as connection:
        async for refused, has_text in load_refused(connection, since):
            verdict = topics.judge(refused.article)
            if not has_text:
                applied.without_text += 1
                if verdict.relevant or fetch:
                    applied.opened.append(refused.key)
                continue
            applied.judged += 1
            if verdict.relevant:
                applied.on_topic.append(refused.key)
                fitting.append(refused.judged(refused.article, verdict))
    return fitting
