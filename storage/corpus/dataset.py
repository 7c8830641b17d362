"""The corpus as a data set that `datasets.load_dataset(FOLDER)` reads: Parquet by month, and a card that tells of it.

FOLDER/README.md               the card: https://huggingface.co/docs/hub/datasets-cards
FOLDER/data/2025-11.parquet    the articles published in that month; undated.parquet holds those without a day
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

from config.settings import VERSION
from config.sources import Source
from storage.corpus.export import NO_SOURCES, Selection, batches
from storage.corpus.export_forms import COLUMNS, Write, parquet_to
from storage.corpus.writer import CorpusWriter
from storage.errors import StorageError
from storage.files.local_folder import named_disk_errors
from storage.files.manifest_schema import FIELDS

EVERYTHING = Selection()
GROUP = 200  # rows that a month's file keeps in memory: there may be many months
MARK = "made_by: c5watch"  # in the card of a folder that may be replaced
OWN = {  # columns that the manifest does not have
    "relation": "of a row that is no article of its own: reprint, version; null for an article",
    "event": "number of the first article on the same event; null: not looked for yet",
    "reprints": "addresses of other places that printed it",
    "relations": "other articles that it has to do with: kind, number, share of words",
    "share": "of a reprint or version: share of the shorter text that both have",
    "text_url": "address that the text is from",
    "text": "paragraphs divided by a blank line, without the headline",
}
SIZES = ((1000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def meaning(column: str) -> str:
    """Return what a column of an export holds, in words."""
    return OWN.get(column) or FIELDS[column].means


async def export_dataset(
    corpus: CorpusWriter,
    folder: Path,
    *,
    selection: Selection = EVERYTHING,
    sources: Mapping[str, Source] = NO_SOURCES,
) -> int:
    """Write the data set into `folder`, which is new, empty or an earlier data set; return the number of rows.

    The folder appears whole, or stays as it was. Raises StorageError.
    """
    if folder.exists() and not _is_ours(folder):
        raise StorageError(f"{folder} holds other things than a data set of c5watch: name a new folder")
    beside, old = (folder.with_name(f".{folder.name}.{which}") for which in ("tmp", "old"))
    with named_disk_errors(folder):
        for left in (beside, old):
            shutil.rmtree(left, ignore_errors=True)
        try:
            (beside / "data").mkdir(parents=True)
            facts = await _write_months(corpus, beside / "data", selection, sources)
            (beside / "README.md").write_text(_card(facts), encoding="utf-8", newline="\n")
            if folder.exists():
                folder.rename(old)
            beside.rename(folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)
    return facts["months"].total()


def _is_ours(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    card = folder / "README.md"
    return not any(folder.iterdir()) or (card.is_file() and MARK in card.read_text("utf-8", errors="replace")[:2000])


async def _write_months(
    corpus: CorpusWriter, folder: Path, selection: Selection, sources: Mapping[str, Source]
) -> dict[str, Counter[str]]:
    months: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    outlets: Counter[str] = Counter()
    writers: dict[str, Write] = {}
    with ExitStack() as stack:
        async with corpus.database.read() as connection:
            async for rows in batches(connection, selection, sources):
                by_month: dict[str, list[dict[str, Any]]] = {}
                for row in rows:
                    day: date | None = row["date"]
                    by_month.setdefault(f"{day:%Y-%m}" if day else "undated", []).append(row)
                    languages[row["language"] or "unknown"] += 1
                    outlets[row["source_name"] or row["source"] or "unknown"] += 1
                for month, own in by_month.items():
                    if month not in writers:
                        file = stack.enter_context((folder / f"{month}.parquet").open("wb"))
                        writers[month] = stack.enter_context(parquet_to(file, rows_at_a_time=GROUP))
                    writers[month](own)
                    months[month] += len(own)
        if not writers:  # a data set needs a file to know its columns by
            file = stack.enter_context((folder / "undated.parquet").open("wb"))
            stack.enter_context(parquet_to(file, rows_at_a_time=GROUP))
    return {"months": months, "languages": languages, "outlets": outlets}


def _card(facts: Mapping[str, Counter[str]]) -> str:
    months, languages = facts["months"], facts["languages"]
    size = next((words for most, words in SIZES if months.total() < most), "1M<n<10M")
    codes = [code for code in sorted(languages) if len(code) == 2]
    head = ["---", f"{MARK} {VERSION}", "pretty_name: News articles collected by c5watch", "license: other"]
    head += ["license_name: texts-of-their-publishers", f"size_categories: [{size}]"]
    head += [f"language: [{', '.join(chr(34) + code + chr(34) for code in codes)}]"] if codes else []
    head += [
        "configs:",
        "- config_name: default",
        "  data_files:",
        "  - split: train",
        "    path: data/*.parquet",
        "---",
    ]
    fields = [f"| `{name}` | {_kind(kind)} | {meaning(name)} |" for name, kind in COLUMNS.items()]
    return "\n".join(
        [
            *head, "", "# News articles collected by c5watch", "",
            f"{months.total():,} rows from {len(facts['outlets'])} outlets, a file for each month of publication.", "",
            "## How it was made", "",
            "c5watch watched the news feeds and archives of these outlets, fetched each page once and politely, took "
            "the text out of it, kept what is on its topic, and dropped copies: a story that several outlets printed "
            "is one row, whose `reprints` name the others. `terms` and `why` say why a row is here. Dates, languages "
            "and countries are found by rules, and are sometimes wrong.", "",
            "## Fields", "", "| field | type | holds |", "|---|---|---|", *fields, "",
            *_table("## Rows by language", "language", languages), "",
            *_table("## Rows by month of publication", "month", months, by_name=True), "",
            *_table("## Rows by outlet", "outlet", facts["outlets"]), "",
            "## Licence", "",
            "The texts belong to their publishers. Collecting them gives no right to publish them again; what may be "
            "done with them for research depends on the law of your country. Who asks for a text to be taken back "
            "should be heard: see `c5watch corpus remove`.",
        ]
    ) + "\n"  # fmt: skip


def _table(heading: str, name: str, counts: Counter[str], *, by_name: bool = False) -> list[str]:
    rows = sorted(counts.items()) if by_name else counts.most_common()
    return [heading, "", f"| {name} | rows |", "|---|--:|", *(f"| {_cell(key)} | {count:,} |" for key, count in rows)]


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())


def _kind(kind: str | tuple[tuple[str, str], ...]) -> str:
    return kind if isinstance(kind, str) else f"list of ({', '.join(name for name, _ in kind)})"
