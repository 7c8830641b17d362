"""What the screen costs and saves: milliseconds of CPU a page, and the share of off-topic pages that it settles.

    python -m tests.benchmarks.screen FOLDER

FOLDER holds sets of pages, each a folder with html/*.html.gz. Every page goes through screen, extraction and topic; one
that is screened although extraction and topic keep it ends the benchmark with status 1.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from config.load import load_config
from extractors.html import parse_html
from extractors.pages.article import extract, without_control_references
from extractors.pages.job import ArticleJob
from extractors.pages.screen import PageScreen
from extractors.records import Entry, ItemError, Page
from extractors.topic.judge import compile_topics
from tests.support.running import CHECKOUT

T = TypeVar("T")
URL = "https://example.kz/news/1"


class Clock:
    """Adds up the CPU time of what it runs."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def run(self, work: Callable[[], T]) -> T:
        """The result of `work`."""
        start = time.process_time()
        try:
            return work()
        finally:
            self.seconds += time.process_time() - start


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    topics = compile_topics(load_config(CHECKOUT / "config").topics)
    screen = PageScreen(topics.screens)
    entry = Entry(URL, "https://example.kz/rss")
    wrong = 0
    for pages in sorted(path.parent for path in parser.parse_args().folder.glob("*/html")):
        parsing, screening, extracting = Clock(), Clock(), Clock()
        bodies = [gzip.decompress(path.read_bytes()) for path in sorted(pages.glob("html/*.html.gz"))]
        off_topic = settled = 0
        for body in bodies:
            page = Page(URL, body, None, datetime.now(UTC))
            job = ArticleJob(page, entry, UTC, 20, page.fetched_at)
            tree = parsing.run(lambda: parse_html(without_control_references(page.body), None))  # noqa: B023 - at once
            lacking = None if tree is None else screening.run(lambda: screen.lacking(tree, entry))  # noqa: B023

            def judged(job: ArticleJob = job) -> bool:
                try:
                    return topics.judge(extract(job)).relevant
                except ItemError:
                    return False

            relevant = extracting.run(judged)
            off_topic += not relevant
            settled += lacking is not None and not relevant
            wrong += lacking is not None and relevant
        parse_ms, screen_ms, extract_ms = (
            1000 * clock.seconds / len(bodies) for clock in (parsing, screening, extracting)
        )
        share = settled / len(bodies)
        with_screen = parse_ms + screen_ms + (1 - share) * (extract_ms - parse_ms)
        print(
            f"{pages.name:12} {len(bodies):4} pages, {off_topic} off topic, {settled} of them screened "
            f"({settled / max(1, off_topic):.0%}); ms a page: parsing {parse_ms:.1f}, screen {screen_ms:.1f}; "
            f"all {extract_ms:.1f} without the screen, {with_screen:.1f} with it"
        )
    if wrong:
        sys.exit(f"{wrong} pages were screened that extraction and topic keep")


if __name__ == "__main__":
    main()
