"""`c5watch corpus search`, `export`, `stats` and `show`: commands that only read the corpus."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import USAGE
from extractors.text import counted
from flows.cli.commands import (
    CONFIG,
    DATA,
    ConfigOption,
    DataOption,
    FullOption,
    JsonOption,
    checked_config,
    checked_output,
    optional_day,
    print_json,
    problems_explained,
    read_corpus,
    read_index,
    say,
)

if TYPE_CHECKING:
    from config.load import Config
    from storage.corpus.writer import CorpusWriter

SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="DATE", help="Only articles published on this day or later.")
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="DATE", help="Only articles published on this day or earlier.")
]
SourcesOption = Annotated[list[str] | None, typer.Option("--source", help="Only this source. May be repeated.")]
LanguagesOption = Annotated[
    list[str] | None, typer.Option("--language", help="Only this language, such as ru. May be repeated.")
]

RelationsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--relation",
        help="reprint or version adds these texts as rows; any other (template, related, translation_of …) keeps only "
        "articles with this relation to another. May be repeated.",
    ),
]
LatestOption = Annotated[
    bool, typer.Option("--latest", help="Write the latest text of each article's own page, not the first.")
]
LongestOption = Annotated[bool, typer.Option("--longest", help="Write the longest text of each story, not the first.")]
CollapseOption = Annotated[
    bool, typer.Option("--collapse-translations", help="Write only the first of articles that translate one another.")
]
AfterOption = Annotated[
    int | None, typer.Option("--after", min=-1, metavar="NUMBER", help="Only articles with a higher number than this.")
]
FoundSinceOption = Annotated[
    str | None,
    typer.Option(
        "--found-since", metavar="WHEN",
        help="Only articles appended since this day or moment (UTC if no zone is given).",
    ),
]  # fmt: skip
StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state", metavar="FILE",
        help="Go on after the number in this file, and put the last one there when done: for cron.",
    ),
]  # fmt: skip

SHORT = ("number", "file", "url", "source", "title", "date", "language", "country", "words", "why", "page")  # of `show`
PARAGRAPHS = 3
HF = "hf"  # the form of an export that is a folder


def corpus_search(
    query: Annotated[str, typer.Argument(help='Words; "phrases"; a OR b; -without; begin*.')],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Show at most this many articles.")] = 20,
    since: SinceOption = None,
    until: UntilOption = None,
    source: SourcesOption = None,
    language: LanguagesOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Find articles by their words, in any form. The best come first."""
    checked = checked_config(config)
    with problems_explained():
        from storage.search.search import search

        days = optional_day("--since", since), optional_day("--until", until)
        _check_sources(checked, data, source or ())
        bold = ("\x1b[1m", "\x1b[0m")
        marks = bold if sys.stdout.isatty() and not as_json else ("**", "**")  # around the words that match
        try:
            hits = read_index(
                checked, data,
                lambda index: search(
                    index, query, limit=limit, first_day=days[0], last_day=days[1], sources=source or (),
                    languages=language or (), marks=marks,
                ),
            )  # fmt: skip
        except ValueError as error:
            say(f"{query!r}: {error}")
            raise typer.Exit(USAGE) from error
    if as_json:
        print_json({"query": query, "hits": [asdict(hit) for hit in hits]})
        return
    for hit in hits:
        print(f"{hit.number:03d}  {hit.published or 'undated'}  {hit.source_id or '–'}  {hit.title or ''}")
        print(f"     {hit.snippet}")
        if hit.url:
            print(f"     {hit.url}")
    print(counted(len(hits), "article") + (f", the first {limit}: --limit shows more" if len(hits) == limit else ""))


def corpus_export(
    target: Annotated[Path, typer.Argument(metavar="FILE", help='The file to write; "-" is standard output.')],
    form: Annotated[
        str,
        typer.Option("--format", help="jsonl, csv, parquet, ris, or hf: a folder that Hugging Face's datasets load."),
    ] = "jsonl",
    since: SinceOption = None,
    until: UntilOption = None,
    source: SourcesOption = None,
    language: LanguagesOption = None,
    country: Annotated[list[str] | None, typer.Option(help="Only sources of this country, such as KZ.")] = None,
    about: Annotated[
        list[str] | None, typer.Option(help="Only stories about this country, such as KZ; region; other.")
    ] = None,
    relation: RelationsOption = None,
    latest: LatestOption = False,
    longest: LongestOption = False,
    collapse_translations: CollapseOption = False,
    after: AfterOption = None,
    found_since: FoundSinceOption = None,
    state: StateOption = None,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Write the corpus, or a part of it, to one file for other tools."""
    checked = checked_config(config)
    _check_target(target, form, state, after)
    if state is not None:
        after = _last_exported(state)
    with problems_explained():
        from storage.corpus.dataset import export_dataset
        from storage.corpus.export import KINDS, Selection, export
        from storage.corpus.export_forms import FORMS
        from storage.index.removed import highest_number

        days = optional_day("--since", since), optional_day("--until", until)
        one_of("--format", [form], [*FORMS, HF])
        one_of("--relation", relation or [], KINDS)
        _check_sources(checked, data, source or ())
        last = None if state is None else read_index(checked, data, highest_number)
        if last is not None and after is not None and after > last:
            say(f"--state: {state} says {after}, but the last article is {last}: delete it to export everything")
            raise typer.Exit(USAGE)
        selection = Selection(
            first_day=days[0], last_day=days[1], sources=source or (), languages=language or (),
            countries=country or (), about=about or (), after=after, up_to=last,
            found_since=moment("--found-since", found_since),
            relations=relation or (), longest=longest, latest=latest, collapse_translations=collapse_translations,
        )  # fmt: skip
        sources = {source.id: source for source in checked.sources}

        async def write(corpus: CorpusWriter) -> int:
            if form == HF:
                return await export_dataset(corpus, target, selection=selection, sources=sources)
            return await export(corpus, target, form=form, selection=selection, sources=sources)

        count = read_corpus(checked, data, write)
        if state is not None:
            _put_state(state, last)
    say(f"{counted(count, 'row')} written to {'standard output' if str(target) == '-' else target}")


def _check_target(target: Path, form: str, state: Path | None, after: int | None) -> None:
    """End the command unless its files can be written, and its options go together."""
    if state is not None:
        if after is not None:
            say("--after cannot be used together with --state, which says after which number to go on")
            raise typer.Exit(USAGE)
        checked_output("--state", state)
        if state.resolve() == target.resolve():
            say("--state: it is FILE itself: name another file")
            raise typer.Exit(USAGE)
    if form == HF and (state is not None or str(target) == "-"):
        say("--format hf writes a whole data set into a folder: not to standard output, and not together with --state")
        raise typer.Exit(USAGE)
    if str(target) != "-" and form != HF:
        checked_output("FILE", target)


def _check_sources(config: Config, data: Path, ids: Sequence[str]) -> None:
    """Raise ConfigError for an id that stands neither in sources.toml nor at any article."""
    from storage.search.search import known_sources

    catalogue = {source.id for source in config.sources}
    if unknown := [source_id for source_id in ids if source_id not in catalogue]:
        gone = read_index(config, data, lambda index: known_sources(index, unknown))
        config.select([source_id for source_id in unknown if source_id not in gone])


def _last_exported(state: Path) -> int:
    """Return the number in the file of `--state`, -1 if there is no such file yet; anything else ends the command."""
    try:
        found = re.fullmatch(rb"-1|\d{1,9}", state.read_bytes().strip(), re.ASCII)
    except FileNotFoundError:
        return -1
    except OSError as error:
        say(f"--state: {state}: {error.strerror}: name another file")
        raise typer.Exit(USAGE) from error
    if found is None:
        say(f"--state: {state} holds no number: delete it to export everything, or name another file")
        raise typer.Exit(USAGE)
    return int(found[0])


def _put_state(state: Path, number: int | None) -> None:
    from storage.files.local_folder import named_disk_errors, put_file

    with named_disk_errors(state):
        put_file(state, f"{number}\n".encode())


def moment(option: str, value: str | None) -> datetime | None:
    """Return the moment, the beginning of a day if it is one; None if not given. A mistake ends the command."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        say(f'{option}: found "{value}", expected a day such as 2025-11-01, or a moment such as 2025-11-01T07:00+05:00')
        raise typer.Exit(USAGE) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def one_of(option: str, values: Iterable[str], allowed: Iterable[str]) -> None:
    """Accept the values if all are allowed; any other ends the command with status 2."""
    known = sorted(allowed)
    for value in values:
        if value not in known:
            say(f'{option}: found "{value}", expected one of {", ".join(known)}')
            raise typer.Exit(USAGE)


def corpus_stats(as_json: JsonOption = False, config: ConfigOption = CONFIG, data: DataOption = DATA) -> None:
    """Count articles, languages and sources."""
    checked = checked_config(config)
    with problems_explained():
        from storage.corpus.verify import stats

        found = read_corpus(checked, data, stats)
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        shown = ", ".join(f"{k} {n}" for k, n in value.items()) if isinstance(value, dict) else value
        print(f"{name.replace('_', ' '):>10}: {'–' if shown is None else shown}")


def corpus_show(
    number: Annotated[int, typer.Argument(min=0, help="Number of the article, such as 12.")],
    full: FullOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Show one article: what it is, and how it begins. With --full, its whole text and everything known about it."""
    checked = checked_config(config)
    with problems_explained():
        from flows.tools.corpus import article_facts

        facts, text = read_index(checked, data, lambda index: article_facts(index, number))
    if as_json:
        print_json({**facts, "text": text})
        return
    for name, value in facts.items():
        if value not in (None, [], "") and (full or name in SHORT):
            print(f"{name:>14}: {value}")
    paragraphs = text.split("\n\n")
    shown = paragraphs if full else paragraphs[:PARAGRAPHS]
    print("", "\n\n".join(shown), sep="\n")
    if len(shown) < len(paragraphs):
        print(f"\n… and {counted(len(paragraphs) - len(shown), 'more paragraph')}: --full shows all")
