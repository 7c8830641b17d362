"""A simulated year: what is missed, kept twice, late or broken when everything happens that happens in a year.

    python -m tests.benchmarks.year [--sources 40] [--days 365] [--a-day 1.0] [--seeds 1 2 3]

The world is that of `tests.support.year_world`, and what must hold that of `tests.support.year_checks`. Ctrl-C ends a
seed early and prints what it has shown so far. The exit status is 1 when a seed was not sound.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.support.year import Year


def main() -> int:
    """Run each seed and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sources", type=int, default=40)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--a-day", type=float, default=1.0, help="articles of each source")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    options = parser.parse_args()
    unsound = []
    for seed in options.seeds:
        began = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            year = Year(Path(folder), sources=options.sources, days=options.days, seed=seed, a_day=options.a_day)
            try:
                report = asyncio.run(year.live())
            except KeyboardInterrupt:
                report = year.report
                print(f"ended early, on {year.now:%Y-%m-%d}")
        print(f"seed {seed}, {time.process_time() - began:.0f} s of CPU: {'sound' if report.is_sound else 'NOT SOUND'}")
        print("\n".join(f"  {line}" for line in report.lines()), flush=True)
        unsound += [] if report.is_sound else [seed]
    print(f"{len(options.seeds) - len(unsound)} of {len(options.seeds)} seeds sound")
    return int(bool(unsound))


if __name__ == "__main__":
    sys.exit(main())
