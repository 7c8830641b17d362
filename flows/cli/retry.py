"""`c5watch retry`: addresses that came to nothing are tried again."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from flows.cli.commands import (
    CONFIG,
    DATA,
    ConfigOption,
    DataOption,
    JsonOption,
    checked_config,
    optional_day,
    print_json,
    problems_explained,
)


def retry(
    source: Annotated[list[str] | None, typer.Option(help="Only of this source. May be repeated.")] = None,
    outcome: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME,…",
            help="Only what ended so: gone, refused, gave_up, too_short … Default: all but off_topic.",
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DAY", help="Only what ended on this day (UTC) or later, such as 2026-11-20.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Try addresses again that have ended without an article.

    After a firewall, a mended site rule, a better extractor. The next pass of the monitor fetches them.
    """
    checked = checked_config(config, source)
    with problems_explained():
        from flows.tools.retry import parse_outcomes, retry_addresses

        outcomes = parse_outcomes(outcome or ())
        day = optional_day("--since", since)
        done = asyncio.run(
            retry_addresses(checked, data, source_ids=source or (), outcomes=outcomes, since=day, dry_run=dry_run)
        )
    if as_json:
        print_json(done.to_json())
    else:
        print(*done.sentences(), sep="\n")
