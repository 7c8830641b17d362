"""`c5watch extract`, `page` and `corpus reextract`: what extraction makes of a page, fetched now or kept."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from extractors.text import counted
from flows.cli.commands import (
    CONFIG,
    DATA,
    ConfigOption,
    DataOption,
    JsonOption,
    checked_config,
    fail,
    optional_day,
    print_json,
    problems_explained,
    say,
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


def show_page(
    number: Annotated[int, typer.Argument(min=0, help="Number of the article, such as 12.")],
    html: Annotated[
        bool, typer.Option("--html", help="Write the page itself, as it was fetched, and nothing else.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Show the page of an article as it was fetched, if it was kept.

    `[storage] pages` in the settings says which pages are kept.
    """
    checked = checked_config(config)
    with problems_explained():
        from flows.tools.extract import kept_page

        place, kept = asyncio.run(kept_page(checked, data, number))
    found = kept.page
    if html:
        sys.stdout.buffer.write(found.body)
        return
    facts = {
        "url": found.url, "fetched_at": found.fetched_at.isoformat(), "bytes": len(found.body), "digest": kept.digest,
        "sound": kept.sound, **place,
    }  # fmt: skip
    received = found.envelope.received if found.envelope else ()
    if as_json:
        print_json({**facts, "headers": received})
    else:
        for name, value in (*facts.items(), *received):
            print(f"{name}: {value}")
    if not kept.sound:
        fail("the page is not what was kept: its digest differs: restore the file from a copy")


def reextract(
    number: Annotated[
        list[int] | None, typer.Argument(help="Numbers of articles; default: all whose page is kept.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only articles published on this day or later.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would differ; keep nothing.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Extract kept pages anew, and tell word by word what differs from the file.

    Without --dry-run, a better text is kept as a version of its article: files never change.
    """
    checked = checked_config(config)
    with problems_explained():
        from flows.tools.extract import Anew, extract_again

        told: list[Anew] = []

        def report(done: Anew) -> None:
            told.append(done)
            facts = done.to_json()
            if as_json:
                print_json(facts)
                return
            old, new = facts["words"]
            state = "; kept as a version" if done.kept else ""
            print(f"{done.number:03d} {done.title or ''}: {done.problem or f'{old} → {new} words'}{state}")
            for kind, text in facts["differences"]:
                print(f"    {'-' if kind == 'del' else '+'} {text}")

        work = extract_again(
            checked, data, number or (), since=optional_day("--since", since), keep=not dry_run, report=report
        )
        count = asyncio.run(work)
    versions = sum(done.kept for done in told)
    say(f"{counted(count, 'page')} extracted anew, {len(told)} differ, {counted(versions, 'version')} kept")
