"""The command line. Commands import what they need when they run: `c5watch --help` must answer at once."""

from __future__ import annotations

import errno
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from config.errors import FAILED
from flows.cli.backfill import backfill
from flows.cli.commands import (
    CONFIG,
    DATA,
    ConfigOption,
    DataOption,
    EngineName,
    FullOption,
    JsonOption,
    bug_explained,
    checked_address,
    checked_config,
    fail,
    print_json,
    problems_explained,
    read_corpus,
    read_index,
    remind_of_contact,
    say,
)
from flows.cli.corpus import corpus_app
from flows.cli.digest import digest
from flows.cli.extract import extract, reextract, show_page
from flows.cli.retry import retry
from flows.cli.serve import browse, deploy, serve
from flows.cli.sources import sources_app
from flows.cli.topics import topics_app

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

app = typer.Typer(
    name="c5watch",
    help="Watch news feeds for coverage of Central Asia and the United States, and keep the text of each article.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(corpus_app, name="corpus")
app.add_typer(sources_app, name="sources")
app.add_typer(topics_app, name="topics")


@app.callback(invoke_without_command=True)
def common_options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Take the options before any command."""
    if version:
        from config.settings import VERSION

        print(f"c5watch {VERSION}")
        raise typer.Exit


@app.command()
def monitor(
    source: Annotated[list[str] | None, typer.Option(help="Ask only this source. May be repeated.")] = None,
    engine: Annotated[
        EngineName, typer.Option(help="Where to run: auto takes Prefect if its API answers.")
    ] = EngineName.auto,
    due: Annotated[bool, typer.Option("--due", help="Ask only the feeds whose turn has come.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Make one pass over the feeds, now.

    Appends what is new and on topic to the corpus, and prints a line a source.
    """
    checked = checked_config(config, source)
    remind_of_contact(checked)
    from flows.engine import choose_engine

    chosen, why = choose_engine(engine.value, os.environ)
    say(why)
    with problems_explained(interrupted="finished work is kept, and the next pass takes up the rest"):
        from flows.cli.terminal import ProgressBar, print_summary
        from flows.serving.run import run_monitor

        with ProgressBar() as bar:
            summary = run_monitor(checked, data, source or (), engine=chosen, observer=bar, due_only=due)
    asked = [s for s in summary["sources"].values() if s["asked"]]
    offline = len(asked) > 1 and all((s["error"] or "").startswith("host not found") for s in asked)
    if as_json:
        print_json(summary)
    elif not offline:  # which one line says better than one a source
        print_summary(summary)
    if offline:
        fail("no host was found: is this machine online?")
    if summary["sources"] and all(s["status"] == "failed" for s in summary["sources"].values()):
        fail("no source could be read: check the network, then 'error' of each source above")


app.command()(backfill)
app.command()(retry)
app.command()(extract)
app.command("page")(show_page)
corpus_app.command("reextract")(reextract)
app.command()(serve)
app.command()(deploy)
app.command()(digest)
app.command()(browse)


@app.command()
def explain(
    url: Annotated[str, typer.Argument(help="Address of a page, as the feed, the site or the corpus names it.")],
    full: FullOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Tell what happened to one address, and why."""
    checked, address = checked_config(config), checked_address(url)
    with problems_explained():
        from flows.tools.explaining import explanation
        from storage.health.history import load_story

        facts = read_index(checked, data, lambda connection: load_story(connection, address))
    if as_json:
        print_json(facts)
    else:
        for line in explanation(facts, full=full):
            print(line)
    if not facts["known"]:
        fail(f"'c5watch sources check' tells whether its feed is read, 'c5watch extract {url}' what its page holds")


@app.command()
def report(config: ConfigOption = CONFIG, data: DataOption = DATA) -> None:
    """Write the status page, and print where it is.

    It shows what came in lately and which sources need a look. Each monitor pass writes it as well.
    """
    checked = checked_config(config)
    with problems_explained():
        from flows.passes.context import utc_now
        from flows.reports.status import write_report

        print(read_corpus(checked, data, lambda corpus: write_report(checked, corpus, data, now=utc_now())))


@app.command()
def demo(
    keep: Annotated[Path, typer.Option(help="Folder to write to. An earlier demonstration in it is deleted.")] = Path(
        "data/demo"
    ),
) -> None:
    """Do the whole job once, offline.

    Starts a small news site on this machine, makes two passes over it, the second under Prefect, and writes a digest.
    """
    with problems_explained():
        from flows.cli.demo import run_demo

        if not run_demo(keep):
            raise typer.Exit(FAILED)


def run_command_line() -> None:
    """Run the command line; no way out of it shows a traceback."""
    handler = logging.StreamHandler()  # for messages of a running pass, in the form of `say`
    handler.setFormatter(logging.Formatter("c5watch: %(message)s"))
    logging.getLogger("c5watch").addHandler(handler)
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # here, where an error can still be reported in a sentence
    except BrokenPipeError:  # `c5watch … | head`
        sys.stderr.close()
        sys.exit(FAILED)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            say(f"{error.filename or 'standard output'}: {error.strerror}: free some space and start again")
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the rest of the buffer has nowhere to go
        else:
            bug_explained(error)
        sys.exit(FAILED)
