"""The command line. Commands import what they need when they run: `c5watch --help` must answer at once."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from config.load import Config

CHECKOUT = Path(__file__).parents[1]
FAILED, USAGE, INTERRUPTED = 1, 2, 130  # exit statuses

app = typer.Typer(
    name="c5watch",
    help="Watch news feeds for coverage of Central Asia and the United States, and keep the text of each article.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
corpus_app = typer.Typer(help="The corpus: adopt, check, count, show.", no_args_is_help=True, rich_markup_mode=None)
sources_app = typer.Typer(help="The catalogue of outlets.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(corpus_app, name="corpus")
app.add_typer(sources_app, name="sources")

ConfigOption = Annotated[
    Path, typer.Option("--config", envvar="C5WATCH_CONFIG", help="Folder with settings, sources and topics.")
]
DataOption = Annotated[Path, typer.Option("--data", envvar="C5WATCH_DATA", help="Folder for corpus and index.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
CONFIG = CHECKOUT / "config"
DATA = Path("data")


class EngineName(StrEnum):
    """What `--engine` takes."""

    auto = "auto"
    direct = "direct"
    prefect = "prefect"


@app.callback(invoke_without_command=True)
def main(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    """Options before any command."""
    if version:
        from config.settings import VERSION

        print(f"c5watch {VERSION}")
        raise typer.Exit


@app.command()
def monitor(
    source: Annotated[list[str] | None, typer.Option(help="Only this source; may be repeated.")] = None,
    engine: Annotated[
        EngineName, typer.Option(help="auto: Prefect if its API answers, else direct.")
    ] = EngineName.auto,
    due: Annotated[bool, typer.Option("--due", help="Only feeds whose turn has come by their own rhythm.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Make one pass over the feeds, now.

    What is new and on topic is appended to the corpus.
    """
    checked = _config(config, source)
    import os

    from flows.engine import choose_engine

    chosen, why = choose_engine(engine.value, os.environ)
    _say(why)
    with _problems_explained():
        from flows.run import run_monitor
        from flows.terminal import ProgressBar, print_summary

        with ProgressBar() as bar:
            summary = run_monitor(checked, data, source or (), engine=chosen, observer=bar, due_only=due)
    if as_json:
        _print_json(summary)
    else:
        print_summary(summary)
    if summary["sources"] and all(s["status"] == "failed" for s in summary["sources"].values()):
        _fail("no source could be read: check the network, then 'error' of each source above")


@app.command()
def explain(url: str, as_json: JsonOption = False, config: ConfigOption = CONFIG, data: DataOption = DATA) -> None:
    """Say what became of one URL, and why."""
    checked = _config(config)
    with _problems_explained():
        from extractors.text import clean_line
        from flows.inspect import explain_url

        facts = asyncio.run(explain_url(checked, data, url))
    if as_json:
        _print_json(facts)
    else:
        for name, value in facts.items():
            if value is not None:
                print(f"{name:>13}: {clean_line(str(value))}")
    if not facts["known"]:
        raise typer.Exit(FAILED)


@app.command()
def demo(
    keep: Annotated[Path, typer.Option(help="Folder for all that the demonstration writes; made anew.")] = Path(
        "data/demo"
    ),
) -> None:
    """Do the whole job once, offline.

    A small news site on loopback, two passes over it, the second under Prefect.
    """
    with _problems_explained():
        from flows.demo import run_demo

        if not run_demo(keep):
            raise typer.Exit(FAILED)


@sources_app.command("list")
def sources_list(as_json: JsonOption = False, config: ConfigOption = CONFIG, data: DataOption = DATA) -> None:
    """List the sources of the catalogue."""
    checked = _config(config)
    if as_json:
        _print_json({"sources": [s.model_dump(mode="json") for s in checked.sources]})
        return
    from flows.terminal import print_table

    print_table(
        ("id", "name", "language", "country", "category", "feeds", "enabled"),
        [
            (s.id, s.name, s.language, s.country, s.category, str(len(s.feeds)), "yes" if s.enabled else "no")
            for s in checked.sources
        ],
        numbers=(5,),
    )


@sources_app.command("status")
def sources_status(as_json: JsonOption = False, config: ConfigOption = CONFIG, data: DataOption = DATA) -> None:
    """Show how each source fares.

    Whether it is read, silent against its own rhythm, or gives less text than it used to.
    """
    checked = _config(config)
    with _problems_explained():
        from flows.inspect import sources_health

        health = asyncio.run(sources_health(checked, data))
    if as_json:
        _print_json({h.source_id: asdict(h) for h in health})
        return
    from flows.terminal import print_health

    print_health(health)


@sources_app.command("check")
def sources_check(
    source: Annotated[list[str] | None, typer.Argument(help="Ids of sources; none means all that are enabled.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Poll sources live, storing nothing.

    Says what their feeds give, and why one does not work.
    """
    checked = _config(config, source)
    with _problems_explained():
        from flows.check import check_sources

        checks = asyncio.run(check_sources(checked, checked.select(source or ())))
    if as_json:
        _print_json({"feeds": [c.to_json() for c in checks]})
    else:
        from flows.terminal import print_checks

        print_checks(checks)
    if not any(c.ok for c in checks):
        _fail("no feed could be read: see the notes above")


@corpus_app.command("import")
def corpus_import(
    folder: Annotated[Path, typer.Argument(help="Folder of files named like 000_0123456789abcdef.txt.")],
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Adopt an existing corpus.

    Numbers, names and bytes stay as they are.
    """
    checked = _config(config)
    with _problems_explained():
        from flows.inspect import adopt_folder

        adoption = asyncio.run(adopt_folder(checked, data, folder))
    if as_json:
        _print_json({"adopted": adoption.adopted, "known": adoption.known, "next_number": adoption.next_number})
    else:
        print(
            f"{adoption.adopted} articles adopted, {adoption.known} were there already; "
            f"the next one will be {adoption.next_number:03d}"
        )


@corpus_app.command("verify")
def corpus_verify(as_json: JsonOption = False, config: ConfigOption = CONFIG, data: DataOption = DATA) -> None:
    """Check the corpus, changing nothing.

    Files, numbers, index and manifest are held against one another.
    """
    checked = _config(config)
    with _problems_explained():
        from flows.inspect import verify_corpus

        count, faults = asyncio.run(verify_corpus(checked, data))
    if as_json:
        listed = [{"place": f.place, "fault": f.fault, "mend": f.mend} for f in faults]
        _print_json({"articles": count, "faults": listed})
    else:
        for fault in faults:
            print(fault)
        print(f"{count} articles, {len(faults)} faults" if faults else f"{count} articles, all in order")
    if faults:
        raise typer.Exit(FAILED)


@corpus_app.command("stats")
def corpus_stats(as_json: JsonOption = False, config: ConfigOption = CONFIG, data: DataOption = DATA) -> None:
    """Count articles, languages and sources."""
    checked = _config(config)
    with _problems_explained():
        from flows.inspect import corpus_statistics

        counted = asyncio.run(corpus_statistics(checked, data))
    if as_json:
        _print_json(counted)
        return
    for name, value in counted.items():
        shown = ", ".join(f"{k} {n}" for k, n in value.items()) if isinstance(value, dict) else value
        print(f"{name.replace('_', ' '):>10}: {'–' if shown is None else shown}")


@corpus_app.command("show")
def corpus_show(
    number: Annotated[int, typer.Argument(min=0)],
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Show one article and what is known of it."""
    checked = _config(config)
    with _problems_explained():
        from flows.inspect import article_facts

        facts, text = asyncio.run(article_facts(checked, data, number))
    if as_json:
        _print_json({**facts, "text": text})
        return
    for name, value in facts.items():
        if value not in (None, [], ""):
            print(f"{name:>13}: {value}")
    print(f"\n{text}")


def run() -> None:
    """The console script `c5watch`."""
    try:
        app()
    except BrokenPipeError:  # `c5watch … | head`
        sys.stderr.close()
        sys.exit(FAILED)


def _config(folder: Path, source_ids: list[str] | None = None) -> Config:
    """The checked configuration; a mistake in it, or an unknown source, ends the command with status 2."""
    from config.load import ConfigError, load_config

    try:
        checked = load_config(folder)
        checked.select(source_ids or ())
    except ConfigError as error:
        for line in error.lines:
            _say(line)
        raise typer.Exit(USAGE) from error
    return checked


@contextmanager
def _problems_explained() -> Iterator[None]:
    """Expected trouble is one sentence and its exit status; anything else is a bug and shows its traceback."""
    from flows.server import ServerError
    from storage.database import StorageError

    try:
        yield
    except (StorageError, ServerError) as error:
        _fail(str(error))
    except KeyboardInterrupt as error:
        _say("interrupted; what was finished is kept, the rest will be taken up by the next pass")
        raise typer.Exit(INTERRUPTED) from error


def _fail(message: str) -> None:
    _say(message)
    raise typer.Exit(FAILED)


def _say(message: str) -> None:
    print(f"c5watch: {message}", file=sys.stderr)


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False, default=str))


if __name__ == "__main__":
    run()
