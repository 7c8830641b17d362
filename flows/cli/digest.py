"""`c5watch digest`: the news since the last digest, as files and as mail."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from config.errors import USAGE
from extractors.text import counted
from flows.cli.commands import (
    CONFIG,
    DATA,
    ConfigOption,
    DataOption,
    JsonOption,
    checked_config,
    checked_output,
    fail,
    print_json,
    problems_explained,
    say,
)


def digest(
    since: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            help="Look back to this moment, not to the last digest: 2026-11-20, 2026-11-20T07:00, 36h, 3d or 2w. No "
            "article is sent twice.",
        ),
    ] = None,
    preview: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Write what the next digest would hold, and do nothing else."),
    ] = None,
    no_send: Annotated[
        bool, typer.Option("--no-send", help="Write the files, and leave the mails to the next run.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="Make only the digest of this name in settings.toml.")] = None,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Make no new digest. Send at once all mails that wait.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Send what is new since the last digest, and write it to data/digests.

    After any kind of stop, run the same command to continue.
    """
    checked = checked_config(config)
    if waiting and (no_send or preview or since):
        say("--waiting cannot be used together with --since, --preview or --no-send")
        raise typer.Exit(USAGE)
    if preview is not None:
        checked_output("--preview", preview)
    with problems_explained():
        from flows.digest import digest as flow
        from flows.passes.context import utc_now
        from flows.serving.run import run

        if preview is not None:
            issued = run(flow.preview(checked, data, preview, name=name, since=since, now=utc_now()))
            if as_json:
                print_json({"name": issued.name, "articles": issued.articles, "page": str(preview)})
            else:
                would = counted(issued.articles, "article")
                print(f"{issued.name}: {would} would be in it, see {preview}; nothing is stored")
            return
        request = flow.DigestRequest((name,) if name else (), since, send=not no_send, waiting_only=waiting)
        summary = run(flow.digest(checked, data, request))
    if as_json:
        print_json(summary.to_json())
    else:
        failed = summary.sending.problem if summary.sending.failed else None  # is said last
        print(*(line for line in summary.sentences() if line != failed), sep="\n")
    if summary.sending.failed:
        fail(summary.sending.problem or "no mail was taken: see the reasons above; the digests are in the folder")
