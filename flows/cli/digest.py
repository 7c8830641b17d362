"""`c5watch digest`: the news since the last digest, as files and as mail."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

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

if TYPE_CHECKING:
    from config.load import Config


class By(StrEnum):
    """The values of `--by`."""

    published = "published"
    found = "found"


SinceOption = Annotated[
    str | None,
    typer.Option(
        metavar="WHEN",
        help="Look back to this moment, not to the last digest: 2026-11-20, 2026-11-20T07:00, 36h, 3d or 2w. No "
        "article is sent twice.",
    ),
]
PreviewOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE.html", help="Write what the next digest would hold, and do nothing else."),
]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="DAY", help="Make a digest of a period that begins with this day.")
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="DAY", help="The period's last day. Default: today.")]
AgainOption = Annotated[bool, typer.Option("--again", help="With --from: tell also what digests have told already.")]
ByOption = Annotated[By, typer.Option(help="With --from: what was published in the period, or what was found in it.")]
RecipientsOption = Annotated[
    list[str] | None, typer.Option(metavar="ADDRESS", help="With --from: mail it to this address. May be repeated.")
]


def digest(
    since: SinceOption = None,
    preview: PreviewOption = None,
    no_send: Annotated[
        bool, typer.Option("--no-send", help="Write the files, and leave the mails to the next run.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="Make only the digest of this name in settings.toml.")] = None,
    first: FromOption = None,
    last: ToOption = None,
    again: AgainOption = False,
    by: ByOption = By.published,
    recipient: RecipientsOption = None,
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
    if first is None and (last or again or recipient or by is By.found):
        say("--to, --again, --by and --recipient go with --from only")
        raise typer.Exit(USAGE)
    if first is not None and (since or no_send or waiting):
        say("--from cannot be used together with --since, --no-send or --waiting")
        raise typer.Exit(USAGE)
    if preview is not None:
        checked_output("--preview", preview)
    if first is not None:
        _of_period(checked, data, (first, last), name, preview, tuple(recipient or ()), as_json, again=again, by=by)
        return
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


def _of_period(
    config: Config, data: Path, days: tuple[str, str | None], name: str | None, file: Path | None,
    recipients: tuple[str, ...], as_json: bool, *, again: bool, by: By,
) -> None:  # fmt: skip
    """Make the digest of a period and say what was done."""
    with problems_explained():
        from flows.digest.again import PeriodRequest, digest_of, period_of
        from flows.passes.context import utc_now
        from flows.serving.run import run

        today = utc_now().astimezone(ZoneInfo(config.settings.schedule.timezone)).date()
        period = period_of(*days, today=today)
        request = PeriodRequest(period, name, by is By.found, again, file, recipients)
        issued = run(digest_of(config, data, request, now=utc_now))
    if as_json:
        print_json(issued.to_json())
    else:
        print(*issued.sentences(), sep="\n")
    if issued.sending.failed:
        fail("no mail was taken: see the reasons above")
