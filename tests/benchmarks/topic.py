"""What the topic costs and how well it decides: milliseconds a judgement and a screening, and what the screen settles.

    python -m tests.benchmarks.topic [--pages DIR] [--articles FILE.jsonl] [--verbose]

Judged are the articles of `tests/topic_articles`, alone and drawn out to 6,000 characters by repeating them. `--pages`
names a folder of pages (.html, .html.gz): how many of them the screen settles without extraction. `--articles` names a
file of JSON lines with "title" and "paragraphs" or "text", and perhaps "relevant": how many are kept, and how rightly.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lxml.html import HtmlElement, document_fromstring

from config.load import CHECKOUT, load_config
from extractors.pages.screen import PageScreen
from extractors.records import Article, Entry
from extractors.topic.judge import compile_topics

ARTICLES = Path(__file__).parents[1] / "topic_articles"
CHARACTERS = 6000
ROUNDS = 5


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=Path)
    parser.add_argument("--articles", type=Path)
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    topics = compile_topics(load_config(CHECKOUT).topics)
    cases = [case for path in sorted(ARTICLES.glob("*.jsonl")) for case in lines(path)]
    print(f"{len(cases)} composed articles; milliseconds: median, the slowest hundredth")
    report("judge, as they are", topics.judge, [article(case) for case in cases])
    report(f"judge, drawn out to {CHARACTERS} characters", topics.judge, [drawn_out(article(case)) for case in cases])
    off = [case["title"] + "\n" + case["text"] for case in cases if not case["relevant"]]
    report("screen, their texts", topics.screen, off)
    print(f"the screen settles {sum(not topics.screen(text) for text in off)} of {len(off)} composed off-topic texts")
    if arguments.pages:
        trees = [document_fromstring(page) for page in pages(arguments.pages)]
        screen = PageScreen(topics.screens)

        def lacking(tree: HtmlElement) -> str | None:
            return screen.lacking(tree, Entry(url="https://example.org/", feed_url="https://example.org/feed"))

        report(f"screen, {len(trees)} pages", lacking, trees)
        print(f"the screen settles {sum(bool(lacking(tree)) for tree in trees)} of {len(trees)} pages")
    if arguments.articles:
        compare(lines(arguments.articles), topics.judge, verbose=arguments.verbose)


def compare(cases: Iterable[dict[str, Any]], judge: Callable[[Article], Any], *, verbose: bool) -> None:
    """Print what is kept of other articles, and how much of it rightly where that is known."""
    results = [(case, judge(article(case))) for case in cases]
    kept = [(case, verdict) for case, verdict in results if verdict.relevant]
    near = sum(verdict.borderline for _, verdict in results)
    print(f"of {len(results)} other articles {len(kept)} are kept, {near} are borderline")
    if all("relevant" in case for case, _ in results):
        right = sum(bool(case["relevant"]) for case, _ in kept)
        wanted = sum(bool(case["relevant"]) for case, _ in results)
        print(f"precision {right / max(1, len(kept)):.3f}, recall {right / max(1, wanted):.3f}")
    for case, verdict in results if verbose else ():
        if verdict.relevant or verdict.borderline:
            print(f"{'+' if verdict.relevant else '?'} {verdict.score:5.2f} {case.get('title')}\n        {verdict.why}")


def pages(folder: Path) -> Iterator[bytes]:
    """The pages in `folder`, some of them perhaps packed."""
    yield from (path.read_bytes() for path in sorted(folder.rglob("*.html")))
    yield from (gzip.decompress(path.read_bytes()) for path in sorted(folder.rglob("*.html.gz")))


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def article(case: dict[str, Any]) -> Article:
    """The article of one line."""
    paragraphs = case["paragraphs"] if "paragraphs" in case else case["text"].split("\n\n")
    return Article(tuple(paragraphs), case.get("title"), (), None, None, case.get("language"), "benchmark")


def drawn_out(item: Article) -> Article:
    """The article with its paragraphs repeated up to CHARACTERS."""
    paragraphs = item.paragraphs * (CHARACTERS // max(1, len(item.text)) + 1)
    kept, size = [], 0
    for paragraph in paragraphs:
        if size < CHARACTERS:
            kept.append(paragraph[: CHARACTERS - size])
            size += len(paragraph)
    return Article(tuple(kept), item.title, (), None, None, item.language, "benchmark")


def report(label: str, act: Callable[[Any], object], items: Sequence[Any]) -> None:
    """Print the median and the slowest hundredth of the CPU milliseconds of `act`, each item's best of ROUNDS."""
    times = []
    for item in items:
        best = float("inf")
        for _ in range(ROUNDS):
            start = time.process_time()
            act(item)
            best = min(best, time.process_time() - start)
        times.append(best * 1e3)
    print(f"{label:44} {statistics.median(times):.2f}  {sorted(times)[-max(1, len(times) // 100)]:.2f}")


if __name__ == "__main__":
    main()
