"""A simulated month at full size: what the polling rules and the health flags do to a catalogue of feeds.

    python -m tests.benchmarks.month [--feeds 150] [--days 30] [--seed 1]

The world and the checks are those of `tests.support.simulation`. The yardstick of the requests is of the same run:
those for pages that had answered before, which there would not be if every answer were final. The exit status is 1 when
an entry was missed, kept twice or not appended, a feed forgotten, or a flag raised too late, or a feed that moved not
found in five days.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.support.simulated_month import simulate
from tests.support.simulation import World


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--feeds", type=int, default=150)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    world = World(feeds=options.feeds, days=options.days, seed=options.seed)
    with tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(simulate(world, Path(folder)))
    print("\n".join(report.lines()))
    return int(bool(report.missed or report.twice or report.not_appended or report.forgotten or report.late))


if __name__ == "__main__":
    sys.exit(main())
