"""How often the day of publication is found, and found right, beside htmldate alone.

    python -m tests.benchmarks.dates FOLDER...

A FOLDER holds `gold.jsonl` (objects with `id` and `url`) and `html/<id>.html.gz`. Known is the day of a page whose
address and statements for machines (JSON-LD, meta, `<time>`) agree, or where only one of the two names a day. Asked
is twice: of the page as it is, and of the page with everything for machines taken off, as on older sites. The address
is hidden from both contestants, and there is no feed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import htmldate
import htmldate.extractors
from dateparser import DateDataParser
from lxml.html import HtmlElement, fromstring, tostring

from extractors.dates import choice as dates
from extractors.html import parse_html
from extractors.pages.article import date_candidates
from extractors.pages.job import ArticleJob
from extractors.pages.metadata import read_metadata
from extractors.records import Entry, Page

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LANGUAGES = ["ru", "en", "kk", "ky", "uz", "uz-Cyrl", "uk", "tr", "az", "de"]  # of ours, dateparser lacks tg and tk
SETTINGS = {"PARSERS": ["custom-formats", "absolute-time"], "PREFER_DATES_FROM": "past", "STRICT_PARSING": True}
VERDICTS = {
    0: "right",
    1: "next day",
}  # the publishers' zones are not known here: a day may be the neighbour of its own
HIDDEN = "https://site.example/article"


def known_day(tree: HtmlElement, url: str) -> date | None:
    """The day that address and statements agree on, or that the only one of them names."""
    stated = {c.day for c in read_metadata(tree, zone=UTC).dates}
    in_url = dates.day_in_url(url)
    if in_url is not None and (not stated or in_url in stated):
        return in_url
    return stated.pop() if in_url is None and len(stated) == 1 else None


def without_statements(tree: HtmlElement) -> HtmlElement:
    """The page as its readers see it."""
    bare = fromstring(tostring(tree, encoding="unicode"))
    for element in bare.xpath("//script | //meta | //link | //noscript"):
        element.drop_tree()
    for element in bare.iter():
        if isinstance(element.tag, str):
            for name in set(element.attrib) - {"class", "id"}:
                del element.attrib[name]
    return bare


def ours(tree: HtmlElement) -> tuple[date | None, str]:
    """Our day and where it comes from."""
    job = ArticleJob(Page(HIDDEN, b"", None, NOW), Entry(HIDDEN, HIDDEN), UTC, 20, NOW)
    found = date_candidates(tree, read_metadata(tree, zone=UTC), job, [])
    chosen = dates.choose(found, today=NOW.date())
    return (chosen.day, chosen.origin) if chosen else (None, "none")


def theirs(tree: HtmlElement) -> tuple[date | None, str]:
    """htmldate's day."""
    found = htmldate.find_date(tree, url=HIDDEN, original_date=True, outputformat="%Y-%m-%d", max_date=NOW.isoformat())
    return (date.fromisoformat(found) if found else None), "htmldate"


def pages(folder: Path) -> Iterator[tuple[str, HtmlElement]]:
    """The address and tree of every page of a set."""
    for line in (folder / "gold.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        tree = parse_html(gzip.decompress((folder / "html" / f"{row['id']}.html.gz").read_bytes()), None)
        if tree is not None:
            yield row["url"], tree


def main() -> None:
    """Print a table: contestant, pages, right, wrong, none, milliseconds a page; then ours by origin."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--wrong", action="store_true", help="list the pages where ours is wrong")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    # Left alone, htmldate tries some 200 languages, at five times the cost.
    parser = DateDataParser(languages=LANGUAGES, settings=SETTINGS)
    htmldate.extractors.get_external_parser = lambda: parser
    contestants: list[tuple[str, Callable[[HtmlElement], tuple[date | None, str]]]] = [
        ("htmldate", theirs), ("c5watch", ours),
    ]  # fmt: skip
    known = [(url, tree, day) for folder in options.folders for url, tree in pages(folder)
             if (day := known_day(tree, url))]  # fmt: skip
    for title, prepare in (("as it is", lambda tree: tree), ("without statements", without_statements)):
        trees = [(url, prepare(tree), day) for url, tree, day in known]
        for name, find in contestants:
            counts: Counter[str] = Counter()
            origins: Counter[tuple[str, str]] = Counter()
            start = time.process_time()
            for url, tree, day in trees:
                got, origin = find(tree)
                verdict = "none" if got is None else VERDICTS.get(abs((got - day).days), "wrong")
                counts[verdict] += 1
                origins[origin, verdict] += 1
                if options.wrong and name == "c5watch" and verdict == "wrong":
                    print(f"    {origin} {got} for {day} {url}")
            spent = (time.process_time() - start) / max(len(trees), 1) * 1000
            print(f"{title:20} {name:9} {len(trees):4} pages {dict(sorted(counts.items()))} {spent:.1f} ms")
        print("    ", {f"{origin} {verdict}": count for (origin, verdict), count in sorted(origins.items())})


if __name__ == "__main__":
    main()
