"""Serve the demonstration outlets until Ctrl-C, to look at them by hand: ``python -m tests.demo_site``."""

from __future__ import annotations

import argparse
import threading
from contextlib import suppress

from tests.demo_site.server import DemoSite


def main() -> None:
    """Print the sources.toml on standard output, so that it can be redirected into a file, and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo_site", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="common port of all hosts (default: any free one)")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds of latency for each answer")
    options = parser.parse_args()
    with DemoSite(port=options.port, delay=options.delay) as site:
        print(site.sources_toml(), flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
