"""A backfill may be killed at any moment: the same command continues, and hardly a page is fetched twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.backfill import measure

pytestmark = pytest.mark.slow

ON_THEIR_WAY = 2  # pages that a kill may catch between the server and the disk, on average


async def test_a_backfill_that_is_killed_again_and_again_ends_as_one_that_nobody_disturbs(tmp_path: Path) -> None:
    found = await measure(tmp_path, articles=300, days=365, hosts=6, kills=4, interval=0.03)
    assert (found.articles, found.needed) == (300, 300)
    assert found.same
    assert found.faults == 0
    assert found.left_behind == 0
    assert found.needed <= found.fetched <= found.needed + ON_THEIR_WAY * found.kills
