"""`c5watch extract`: one page's text as it would be stored, and what was taken out of it on the way."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from flows.cli.commands import (
    CONFIG,
    DATA,
    ConfigOption,
    DataOption,
    JsonOption,
    checked_config,
    fail,
    print_json,
    problems_explained,
)


def extract(
    page: Annotated[str, typer.Argument(help="Address of a page, name of an HTML file, or - for standard input.")],
    url: Annotated[str | None, typer.Option(help="The address that the file was saved from.")] = None,
    as_json: JsonOption = False,
    trace: Annotated[
        bool,
        typer.Option(
            "--trace",
            help="Also print each line that was taken out of the body, and the step that did it; what lay outside the "
            "body, as trafilatura found it, is not listed.",
        ),
    ] = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Print one page's text as it would be stored; nothing is written down.

    The exit status is 1 when the page cannot be had or holds no article.
    """
    checked = checked_config(config)
    from extractors.records import Deferred, ItemError
    from flows.tools.extract import extract_page, loaded

    try:
        with problems_explained():
            given = None if page.startswith(("http://", "https://")) else loaded(page, sys.stdin.buffer)
            extracted = asyncio.run(extract_page(checked, data, page, given, url=url))
    except ItemError as error:
        fail(f"{page}: {error}")
    except Deferred as pause:
        fail(f"{page}: the host asked for a pause until {pause.until:%Y-%m-%d %H:%M} UTC: try again after that")
    else:
        if as_json:
            print_json(extracted.to_json(trace=trace))
            return
        print(extracted.stored())
        if trace:
            print()
            for step, line in extracted.removed:
                print(f"- {step}: {line}")
            for note in extracted.notes:
                print(f"- {note}")
