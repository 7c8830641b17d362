"""The command line. Commands import what they need when they run: `c5watch --help` must answer at once."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.backfill import backfill
from flows.cli.commands import (
    CONFIG,
    DATA,
    FAILED,
    ConfigOption,
    DataOption,
    EngineName,
    JsonOption,
    bug_explained,
    checked_address,
    checked_config,
    fail,
    print_json,
    problems_explained,
    say,
)
from flows.cli.corpus import corpus_app
from flows.cli.digest import digest
from flows.cli.extract import extract
from flows.cli.serve import deploy, serve
from flows.cli.sources import sources_app
from flows.cli.topics import topics_app

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

app = typer.Typer(
    name="c5watch",
    help="Watch news feeds for coverage of Central Asia and the United States, and keep the text of each article.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(corpus_app, name="corpus")
app.add_typer(sources_app, name="sources")
app.add_typer(topics_app, name="topics")


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
    checked = checked_config(config, source)
    from flows.engine import choose_engine

    chosen, why = choose_engine(engine.value, os.environ)
    say(why)
    with problems_explained():
        from flows.cli.terminal import ProgressBar, print_summary
        from flows.serving.run import run_monitor

        with ProgressBar() as bar:
            summary = run_monitor(checked, data, source or (), engine=chosen, observer=bar, due_only=due)
    if as_json:
        print_json(summary)
    else:
        print_summary(summary)
    if summary["sources"] and all(s["status"] == "failed" for s in summary["sources"].values()):
        fail("no source could be read: check the network, then 'error' of each source above")


app.command()(backfill)
app.command()(extract)
app.command()(serve)
app.command()(deploy)
app.command()(digest)


@app.command()
def explain(url: str, as_json: JsonOption = False, config: ConfigOption = CONFIG, data: DataOption = DATA) -> None:
    """Say what became of one URL, and why."""
    checked, address = checked_config(config), checked_address(url)
    with problems_explained():
        from flows.tools.explaining import explanation
        from flows.tools.inspect import explain_url

        facts = asyncio.run(explain_url(checked, data, address))
    if as_json:
        print_json(facts)
    else:
        for line in explanation(facts):
            print(line)
    if not facts["known"]:
        raise typer.Exit(FAILED)


@app.command()
def report(config: ConfigOption = CONFIG, data: DataOption = DATA) -> None:
    """Write the status page: what came in lately, which sources need a look. Each monitor pass writes it as well."""
    checked = checked_config(config)
    with problems_explained():
        from flows.tools.inspect import status_page

        print(asyncio.run(status_page(checked, data)))


@app.command()
def demo(
    keep: Annotated[Path, typer.Option(help="Folder for all that the demonstration writes; made anew.")] = Path(
        "data/demo"
    ),
) -> None:
    """Do the whole job once, offline.

    A small news site on loopback, two passes over it, the second under Prefect.
    """
    with problems_explained():
        from flows.cli.demo import run_demo

        if not run_demo(keep):
            raise typer.Exit(FAILED)


def run() -> None:
    """Run the command line; no way out of it shows a traceback."""
    handler = logging.StreamHandler()  # what a pass has to say while it runs, in the form of `say`
    handler.setFormatter(logging.Formatter("c5watch: %(message)s"))
    logging.getLogger("c5watch").addHandler(handler)
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # here, where what goes wrong can be told in a sentence
    except BrokenPipeError:  # `c5watch … | head`
        sys.stderr.close()
        sys.exit(FAILED)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            say(f"{error.filename or 'standard output'}: {error.strerror}: free some space and start again")
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left in the buffer has nowhere to go
        else:
            bug_explained(error)
        sys.exit(FAILED)
