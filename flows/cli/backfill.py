"""`c5watch backfill`: a past period, from the archives that know it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from extractors.archives.routes import ROUTES
from extractors.text import counted
from flows.cli.commands import (
    CONFIG,
    DATA,
    INTERRUPTED,
    ConfigOption,
    DataOption,
    EngineName,
    JsonOption,
    checked_config,
    checked_day,
    fail,
    print_json,
    problems_explained,
    say,
)

if TYPE_CHECKING:
    from config.load import Config
    from flows.passes.backfill_request import BackfillRequest
    from storage.health.coverage import SourceCoverage

SKIPPED_SHOWN = 5


def backfill(
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="First day, such as 2025-11-01.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="Last day, included.")],
    source: Annotated[list[str] | None, typer.Option(help="Only this source. May be repeated.")] = None,
    via: Annotated[str | None, typer.Option(metavar="ROUTE", help=f"Use only this route: {', '.join(ROUTES)}.")] = None,
    addresses: Annotated[
        Path | None, typer.Option("--urls", metavar="FILE", help="Take only the addresses in this file, one a line.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="List anew what is complete, and try again what came to nothing.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List and count. Fetch no page, store nothing.")] = False,
    engine: Annotated[
        EngineName, typer.Option(help="auto: Prefect if its API answers, else direct.")
    ] = EngineName.auto,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Take in a past period from the sources' archives.

    After any kind of stop, run the same command to continue. Known pages are neither fetched nor added again.
    """
    from flows.engine import choose_engine
    from flows.passes.backfill_request import checked_request

    checked = checked_config(config, source)
    with problems_explained():
        days = checked_day("--from", first), checked_day("--to", last)
        request = checked_request(
            checked, *days, source or (), via=via, addresses=addresses, again=again, today=date.today()
        )
    _tell_skipped(request.skipped)
    if dry_run:
        _dry_run(checked, data, request, as_json=as_json)
        return
    chosen, why = choose_engine(engine.value, os.environ)
    say(why)
    interrupted = False
    with problems_explained(interrupted="finished work is kept, and the same command takes up the rest"):
        from flows.cli.terminal import ProgressBar
        from flows.passes.backfill import write_coverage
        from flows.passes.context import utc_now
        from flows.serving.run import run_backfill

        with ProgressBar() as bar:
            try:
                run_backfill(checked, data, request, engine=chosen, observer=bar)
            except KeyboardInterrupt:
                if bar.summary is None:
                    raise
                interrupted = True
        summary = bar.summary
        assert summary is not None  # a backfill that has not failed tells how it has ended
        coverage, page = asyncio.run(write_coverage(checked, data, request, now=utc_now()))
    _print(request, summary, coverage, page, as_json=as_json)
    if interrupted:
        say("interrupted; finished work is kept, and the same command continues")
        raise typer.Exit(INTERRUPTED)
    _fail_if_nothing_was_read(summary)


def _fail_if_nothing_was_read(summary: dict[str, Any]) -> None:
    if summary["sources"] and all(s["status"] == "failed" for s in summary["sources"].values()):
        fail("no archive could be read: see the error of each source above")


def _print(
    request: BackfillRequest, summary: dict[str, Any], coverage: list[SourceCoverage], page: Path, *, as_json: bool
) -> None:
    if as_json:
        from flows.reports.coverage import to_json

        print_json({**summary, "skipped": request.skipped, "coverage": to_json(coverage), "page": str(page)})
    else:
        from flows.cli.terminal import print_coverage

        print_coverage(summary, coverage, page, by_list=request.addresses is not None)


def _tell_skipped(skipped: Sequence[str]) -> None:
    if skipped:
        shown = ", ".join(skipped[:SKIPPED_SHOWN]) + (" …" if len(skipped) > SKIPPED_SHOWN else "")
        say(f"{counted(len(skipped), 'address')} of no source chosen, left out: {shown}")


def _dry_run(checked: Config, data: Path, request: BackfillRequest, *, as_json: bool) -> None:
    with problems_explained():
        from flows.cli.terminal import print_some, print_table
        from flows.passes.dry_run import HEADINGS, duration, forecast, longest

        found = asyncio.run(forecast(checked, data, request))
    seconds, fetch = longest(found), sum(f.to_fetch for f in found)
    if as_json:
        wrong = [line for one in found for line in one.wrong_lines]
        sources_json = {f.source_id: f.to_json() for f in found}
        print_json({"sources": sources_json, "to_fetch": fetch, "seconds": seconds, "wrong_lines": wrong})
    else:
        print_table(HEADINGS, [f.line() for f in found], numbers=(2, 3, 4, 5))
        print_some([line for one in found for line in one.wrong_lines])
        print(f"{counted(fetch, 'page')} to fetch, at least {duration(seconds)}; nothing was fetched or stored")
    if found and all(f.route is None for f in found):
        fail("no archive could be read: see the notes above")
