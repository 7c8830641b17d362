"""Observers of a pass under Prefect: how far it has got, and an event for each new article."""

from __future__ import annotations

from typing import Any

from extractors.records import Outcome, Placement
from flows.passes.context import Observer


class Relay(Observer):
    """An observer that passes everything on to another."""

    def __init__(self, other: Observer) -> None:
        self._other = other

    def stage(self, title: str, total: int) -> None:
        self._other.stage(title, total)

    def expect(self, count: int) -> None:
        self._other.expect(count)

    def advance(self, count: int = 1) -> None:
        self._other.advance(count)

    def placed(self, placements: list[Placement]) -> None:
        self._other.placed(placements)

    def ended(self, summary: dict[str, Any]) -> None:
        self._other.ended(summary)


class Progress(Relay):
    """Knows which share of the entries is done."""

    def __init__(self, other: Observer) -> None:
        super().__init__(other)
        self._total = self._done = 0

    @property
    def percent(self) -> float:
        """The percentage of the entries listed so far that are done."""
        return 100.0 * min(self._done, self._total) / self._total if self._total else 0.0

    def stage(self, title: str, total: int) -> None:
        self._total += total
        super().stage(title, total)

    def expect(self, count: int) -> None:
        self._total += count
        super().expect(count)

    def advance(self, count: int = 1) -> None:
        self._done += count
        super().advance(count)


class Announcer(Relay):
    """Emits the event `c5watch.article.appended` for each new article: what automations of the user's can wait for."""

    def placed(self, placements: list[Placement]) -> None:
        from prefect.events import emit_event

        for placement in placements:
            if placement.outcome is Outcome.APPENDED:
                emit_event(
                    event="c5watch.article.appended",
                    resource={
                        "prefect.resource.id": f"c5watch.article.{placement.number}",
                        "prefect.resource.name": placement.key[:200],
                    },
                    payload={"number": placement.number, "url": placement.key},
                )
        super().placed(placements)
