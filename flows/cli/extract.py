"""`c5watch extract`: one page's text as it would be stored, and the lines removed from it."""

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
    page: Annotated[str, typer.Argument(help="Address of a page, or name of an HTML file; - is standard input.")],
    url: Annotated[str | None, typer.Option(help="Address that the file was saved from.")] = None,
    as_json: JsonOption = False,
    trace: Annotated[
        bool,
        typer.Option(
            "--trace",
            help="Also print each line that was taken out of the body, with the step that did it. Lines outside the "
            "body, as trafilatura found it, are not listed.",
        ),
    ] = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Print the text of one page as it would be stored. Stores nothing.

    Ends with 1 if the page cannot be fetched or holds no article.
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
