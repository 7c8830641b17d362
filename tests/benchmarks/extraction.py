"""How well and how dear: text extraction on real pages with gold text, beside trafilatura in the same run.

    python -m tests.benchmarks.extraction ../shared/bench/extraction [--set NAME] [--steps] [--holdout] [--every N]

The folder holds `metrics.py` and sets of pages (`NAME/gold.jsonl`, `NAME/html/ID.html.gz`). Printed are F1 over
four-word phrases, precision, recall, and the share of gold paragraphs that come out as one line, all as metrics.py
defines them. "ours" is extraction alone; "+ memory" also learns each site's lines from the pages as they arrive, one by
one; "+ memory, batch" learns from all pages before cleaning the first. CPU time is measured alternating, page by page,
against trafilatura with metadata.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import json
import logging
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import trafilatura

from extractors.blocks.memory import SiteMemory, site_of_page, without_lines
from extractors.pages import steps
from extractors.pages.article import extract
from extractors.pages.job import ArticleJob
from extractors.records import Article, Entry, ItemError, Page

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SETS = ("scrapinghub", "daniel-ru", "field")


@dataclass
class GoldPage:
    """A page and what a person took from it."""

    id: str
    url: str
    title: str | None
    paragraphs: list[str]
    html: bytes

    def job(self, skip: frozenset[str] = frozenset()) -> ArticleJob:
        """With the shortest text counting as an article: whether it is one is not asked here."""
        return ArticleJob(Page(self.url, self.html, None, NOW), Entry(self.url, self.url), UTC, 1, NOW, skip=skip)


@dataclass
class Clock:
    """CPU seconds by who spent them."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def time(self, name: str, work: Callable[[], Any]) -> Any:
        began = time.process_time()
        try:
            return work()
        finally:
            self.seconds[name] += time.process_time() - began


def load(folder: Path, name: str, every: int) -> list[GoldPage]:
    """The pages of a set, every n-th of them."""
    with (folder / name / "gold.jsonl").open(encoding="utf-8", newline="\n") as lines:
        rows = [json.loads(line) for line in lines][::every]
    html = folder / name / "html"
    return [GoldPage(**row, html=gzip.decompress((html / f"{row['id']}.html.gz").read_bytes())) for row in rows]


def trafilatura_text(page: GoldPage) -> str:
    """By itself, with its defaults and metadata."""
    return trafilatura.extract(page.html, url=page.url, include_comments=False, with_metadata=True) or ""


def default_text(page: GoldPage) -> str:
    """By itself, as it is scored: metadata would stand in the text."""
    return trafilatura.extract(page.html, url=page.url, include_comments=False) or ""


def our_article(page: GoldPage, skip: frozenset[str] = frozenset()) -> Article | None:
    """None where the page is refused."""
    try:
        return extract(page.job(skip))
    except ItemError:
        return None


def lines_of(blocks: Sequence[str]) -> str:
    """As the metrics read a text: paragraphs divided by line breaks."""
    return "\n".join(blocks)


def remembered(pages: Sequence[GoldPage], articles: Sequence[Article | None], *, batch: bool) -> list[str]:
    """The texts without what each site prints on all of its pages, as far as it is known by then."""
    sites: dict[str, SiteMemory] = defaultdict(SiteMemory)

    def learn(page: GoldPage, article: Article) -> None:
        sites[site_of_page(page.url)].learn(page.id, article.lines)

    if batch:
        for page, article in zip(pages, articles, strict=True):
            if article:
                learn(page, article)
    texts = []
    for page, article in zip(pages, articles, strict=True):
        if article is None:
            texts.append("")
            continue
        if not batch:
            learn(page, article)
        known = sites[site_of_page(page.url)].of_the_site(page.id)
        texts.append(lines_of(without_lines(article.paragraphs, known)))
    return texts


def score(metrics: Any, pages: Sequence[GoldPage], texts: Sequence[str]) -> str:
    """One line of figures."""
    counts, hits, total = [], 0, 0
    for page, text in zip(pages, texts, strict=True):
        gold = lines_of(page.paragraphs)
        if page.title:
            gold, text = metrics.drop_title(gold, page.title), metrics.drop_title(text, page.title)
        counts.append(metrics.shingle_counts(gold, text))
        found, all_of_them = metrics.paragraph_fidelity(page.paragraphs, text)
        hits, total = hits + found, total + all_of_them
    precision, recall, f1 = metrics.precision_recall_f1(counts)
    return f"F1 {f1:.4f}  P {precision:.3f}  R {recall:.3f}  paragraphs {hits / max(1, total):.3f}"


def show(metrics: Any, label: str, pages: Sequence[GoldPage], texts: Sequence[str], *, holdout: bool) -> None:
    """The figures of a whole set, or of its halves: thresholds were chosen on the even pages."""
    print(f"  {label:28} {score(metrics, pages, texts)}")
    if holdout:
        for half, start in (("even", 0), ("odd", 1)):
            print(f"  {label + ', ' + half:28} {score(metrics, pages[start::2], texts[start::2])}")


def measure(metrics: Any, folder: Path, name: str, arguments: argparse.Namespace) -> Clock:
    """Print what one set shows."""
    pages, clock = load(folder, name, arguments.every), Clock()
    for page in pages[:2]:  # what is loaded at first use
        our_article(page)
        trafilatura_text(page)
    articles = []
    for number, page in enumerate(pages):
        if number % 2:
            clock.time("trafilatura", lambda page=page: trafilatura_text(page))
        articles.append(clock.time("ours", lambda page=page: our_article(page)))
        if not number % 2:
            clock.time("trafilatura", lambda page=page: trafilatura_text(page))
    print(f"{name}: {len(pages)} pages, {sum(article is None for article in articles)} refused")
    texts = [lines_of(article.paragraphs) if article else "" for article in articles]
    show(metrics, "trafilatura", pages, [default_text(page) for page in pages], holdout=arguments.holdout)
    show(metrics, "ours", pages, texts, holdout=arguments.holdout)
    show(metrics, "+ memory", pages, remembered(pages, articles, batch=False), holdout=arguments.holdout)
    show(metrics, "+ memory, batch", pages, remembered(pages, articles, batch=True), holdout=arguments.holdout)
    if arguments.steps:
        show_steps(metrics, pages, holdout=arguments.holdout)
    each = {who: 1000 * seconds / len(pages) for who, seconds in clock.seconds.items()}
    ratio = each["ours"] / each["trafilatura"]
    print(
        f"  CPU a page: trafilatura with metadata {each['trafilatura']:.1f} ms, ours {each['ours']:.1f} ms: {ratio:.2f}"
    )
    return clock


def show_steps(metrics: Any, pages: Sequence[GoldPage], *, holdout: bool) -> None:
    """What it looks like with the steps added one by one, and with each of them alone left out."""
    names = [step.__name__ for step in steps.STEPS if step.__name__ not in ("text", "feed")]
    for count in range(len(names) + 1):
        articles = [our_article(page, frozenset(names[count:])) for page in pages]
        texts = [lines_of(article.paragraphs) if article else "" for article in articles]
        show(metrics, f"up to {names[count - 1]}" if count else "text alone", pages, texts, holdout=holdout)
    for name in names:
        articles = [our_article(page, frozenset({name})) for page in pages]
        texts = [lines_of(article.paragraphs) if article else "" for article in articles]
        show(metrics, f"without {name}", pages, texts, holdout=holdout)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--set", action="append", choices=SETS)
    parser.add_argument("--steps", action="store_true", help="what each step brings")
    parser.add_argument("--holdout", action="store_true", help="even and odd pages apart")
    parser.add_argument("--every", type=int, default=1, help="only every n-th page")
    arguments = parser.parse_args()
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    sys.path.insert(0, str(arguments.folder))
    metrics = importlib.import_module("metrics")
    clocks = [measure(metrics, arguments.folder, name, arguments) for name in arguments.set or SETS]
    ours, theirs = (sum(clock.seconds[who] for clock in clocks) for who in ("ours", "trafilatura"))
    print(f"all sets: CPU ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
