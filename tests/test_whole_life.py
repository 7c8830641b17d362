"""The real passes on a small world, whatever happens in whatever order: a state machine over the whole program."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.support.year import HAPPENINGS, Year
from tests.support.year_checks import OVERDUE, PROMISED

pytestmark = pytest.mark.slow


class Newspapers(RuleBasedStateMachine):
    """A few outlets, the programs that watch them, and all that happens to both in some weeks."""

    def __init__(self) -> None:
        super().__init__()
        self.runner, self.open = asyncio.Runner(), AsyncExitStack()
        self.year: Year | None = None

    @initialize(seed=st.integers(0, 10_000), a_day=st.sampled_from([0.5, 2.0]))
    def begin(self, seed: int, a_day: float) -> None:
        folder = Path(self.open.enter_context(tempfile.TemporaryDirectory()))
        self.year = Year(folder, sources=3, days=90, seed=seed, a_day=a_day)
        self.corpus = self.runner.run(self.open.enter_async_context(self.year.opened()))
        self._go_on(1)

    @rule(hours=st.sampled_from([1, 7, 26, 60]))
    def time_passes(self, hours: int) -> None:
        self._go_on(hours)

    @rule(name=st.sampled_from(list(HAPPENINGS)), hours=st.sampled_from([1, 7]))
    def something_happens(self, name: str, hours: int) -> None:
        assert self.year
        self.runner.run(self.year.happens(name, self.corpus))
        self._go_on(hours)

    @invariant()
    def nothing_is_lost(self) -> None:
        if self.year:
            self.runner.run(self.year.check(self.corpus))
            if not self.year.report.is_sound:  # printed, too: what threads do first may differ the next time
                print("\n".join(self.year.report.lines()))
            assert self.year.report.is_sound

    def _go_on(self, hours: float) -> None:
        assert self.year
        self.year.now += timedelta(hours=hours)
        if hours > 24:
            self.year.off_until = self.year.now  # nobody was at work
        self.runner.run(self.year.step(self.corpus))

    def teardown(self) -> None:
        try:
            if self.year:
                end = self.year.now + PROMISED + OVERDUE + timedelta(days=1)
                while self.year.now < end:
                    self._go_on(58)
                self.nothing_is_lost()
        finally:
            self.runner.run(self.open.aclose())
            self.runner.close()


TestNewspapers = Newspapers.TestCase
TestNewspapers.settings = settings(  # shrinking would take many minutes: an example is seconds of work
    max_examples=6, stateful_step_count=12, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate)
)
