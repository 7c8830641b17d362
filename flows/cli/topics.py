"""`c5watch topics …`: try the topic on articles, mark articles, learn from the marks."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import USAGE
from extractors.text import counted
from flows.cli.commands import (
    CONFIG,
    DATA,
    ConfigOption,
    DataOption,
    FullOption,
    JsonOption,
    checked_address,
    checked_config,
    fail,
    print_json,
    problems_explained,
    say,
)

if TYPE_CHECKING:
    from config.load import Config
    from flows.tools.topics import Line, Preview, Trial

DEFAULT_DAYS = 7
WORDS = {True: "kept", False: "refused", None: "undecided"}

topics_app = typer.Typer(
    help="Try the topic on articles, judge articles, and learn from the judgements.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Answer(StrEnum):
    """The answers that `topics mark` takes."""

    yes = "yes"
    no = "no"


@topics_app.command("preview")
def topics_preview(
    days: Annotated[
        int | None,
        typer.Option(min=1, max=3650, help=f"Try the topic on the articles of the last days. Default: {DEFAULT_DAYS}."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jsonl", help="Try it on a file of JSON lines with url, title, text and language."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many articles of a kind.")] = 20,
    everything: Annotated[bool, typer.Option("--all", help="Show the articles that stay as they were, too.")] = False,
    full: FullOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Show what a changed topic would change, and why. Change nothing.

    Tries topics.toml as it stands on the articles of the last days. Says first how many decisions it changes, then
    shows these articles. With --all, shows the others too; with --file, tries it on articles of yours.
    """
    checked = checked_config(config)
    if file is not None:
        if days is not None:
            say("--days cannot be used together with --file")
            raise typer.Exit(USAGE)
        if not file.is_file():
            say(f"--file: found {file}, expected a file of JSON lines")
            raise typer.Exit(USAGE)
        _preview_file(checked, file, as_json=as_json)
        return
    with problems_explained():
        from flows.passes.context import utc_now
        from flows.tools.topics import preview_days

        preview = asyncio.run(preview_days(checked, data, days or DEFAULT_DAYS, now=utc_now()))
    if as_json:
        print_json(preview.to_json())
    else:
        _print_preview(preview, sys.maxsize if full else limit, everything=everything or full)


@topics_app.command("apply")
def topics_apply(
    days: Annotated[int, typer.Option(min=1, max=3650, help="What was refused in the last days.")],
    fetch: Annotated[
        bool,
        typer.Option("--fetch", help="Have all pages fetched again whose text is not kept, whatever their headline."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Judge refused articles anew by the present topic, and append what is on topic now.

    Kept texts are not fetched again. Of pages without one, those with a fitting headline are, by the next pass.
    """
    checked = checked_config(config)
    with problems_explained():
        from flows.passes.context import utc_now
        from flows.tools.applying import apply_topic

        applied = asyncio.run(apply_topic(checked, data, days, now=utc_now(), fetch=fetch, dry_run=dry_run))
    if as_json:
        print_json(applied.to_json())
    else:
        print(*applied.sentences(), sep="\n")


@topics_app.command("mark")
def topics_mark(
    url: Annotated[str, typer.Argument(help="Address of an article that was kept or refused.")],
    answer: Annotated[Answer, typer.Argument(metavar="yes|no", help="yes if it is on topic.")],
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Say whether an article is on topic.

    'topics check' then tells how often the topic agrees, and 'topics learn' weighs its terms by it.
    """
    checked, address = checked_config(config), checked_address(url)
    relevant = answer is Answer.yes
    with problems_explained():
        from flows.passes.context import utc_now
        from flows.tools.topics import mark

        trial = asyncio.run(mark(checked, data, address, relevant=relevant, now=utc_now()))
    if as_json:
        print_json(trial.to_json() | {"mark": relevant})
        return
    agrees = "agrees" if trial.verdict.relevant == relevant else "says otherwise"
    print(f"marked as {'on' if relevant else 'off'} topic: {_headline(trial)}")
    print(f"  the topic {agrees}: {_clean(trial.verdict.why)}")


@topics_app.command("check")
def topics_check(
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many articles.")] = 20,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Measure the topic on all articles marked: precision, recall, and those that it decides otherwise."""
    checked = checked_config(config)
    with problems_explained():
        from flows.tools.topics import check_marks

        agreement = asyncio.run(check_marks(checked, data))
    if as_json:
        print_json(agreement.to_json())
        return
    for line in agreement.lines():
        print(line)
    _print_list("decided otherwise than marked ({})", agreement.contradictions, limit)


@topics_app.command("learn")
def topics_learn(as_json: JsonOption = False, config: ConfigOption = CONFIG, data: DataOption = DATA) -> None:
    """Weigh the topic's terms by the articles marked.

    Writes the weights to topics.weights.toml beside topics.toml, as numbers that you can read and change, but only if
    they do better on marked articles that they were not learnt from.
    """
    checked = checked_config(config)
    with problems_explained():
        from flows.tools.learning import learn

        learnt = asyncio.run(learn(checked, data))
    if as_json:
        print_json(learnt.to_json())
    else:
        for line in learnt.lines():
            print(line)


def _preview_file(checked: Config, path: Path, *, as_json: bool) -> None:
    counts = {True: 0, False: 0, None: 0}

    def report(line: Line) -> None:
        relevant = line.verdict.relevant if line.verdict else None
        counts[relevant] += 1
        if as_json:
            print_json(line.to_json())
        elif line.verdict:
            named = _clean(line.title or line.url or f"line {line.number}")
            print(f"{WORDS[relevant]:>8} {line.verdict.score:6.2f}  {named}")
            print(f"{'':>17}{_clean(line.verdict.why)}")
        if not line.verdict:
            say(f"{path}: {line.note}")

    with problems_explained():
        from flows.tools.topics import preview_file

        preview_file(checked, path, report)
    unusable = f", {counted(counts[None], 'line')} could not be used" if counts[None] else ""
    print(f"{counts[True]} kept, {counts[False]} refused{unusable}", file=sys.stderr if as_json else sys.stdout)
    if counts[None] and not counts[True] + counts[False]:
        fail('no line could be used: expected one JSON object a line, with "url", "title", "text" and "language"')


def _print_preview(preview: Preview, limit: int, *, everything: bool) -> None:
    trials = preview.trials
    kept = [t for t in trials if t.verdict.relevant]
    refused = [t for t in trials if not t.verdict.relevant]
    days = "day" if preview.days == 1 else counted(preview.days, "day")
    print(f"last {days}: {sum(t.changed for t in trials)} changed; {len(kept)} kept, {len(refused)} refused in all")
    if by_summary := sum(t.judged.basis != "text" for t in trials):
        print(f"{counted(by_summary, 'article')} judged by headline and summary, for lack of a text")
    _print_list("newly kept, refused before ({})", [t for t in kept if t.changed], limit)
    _print_list("newly refused, kept before ({})", [t for t in refused if t.changed], limit)
    if everything:
        nearest = sorted(refused, key=lambda t: -t.verdict.score)
        _print_list("kept ({})", [t for t in kept if not t.changed], limit)
        _print_list("refused ({}), the nearest first", [t for t in nearest if not t.changed], limit)
    elif trials:
        print("--all shows the others, too")
    for line in preview.agreement.lines():
        print(line)


def _print_list(title: str, trials: Sequence[Trial], limit: int) -> None:
    if not trials:
        return
    print(f"{title.format(len(trials))}:")
    for trial in trials[:limit]:
        marked = "" if trial.judged.mark is None else f"  [marked {'yes' if trial.judged.mark else 'no'}]"
        near = "  [borderline]" if trial.verdict.borderline else ""
        print(f"  {trial.verdict.score:6.2f}  {_headline(trial)}{marked}{near}")
        print(f"          {_clean(trial.judged.key)}")
        basis = "" if trial.judged.basis == "text" else f"by {trial.judged.basis}: "
        print(f"          {basis}{_clean(trial.verdict.why)}")
    if len(trials) > limit:
        print(f"  … and {len(trials) - limit} more: --limit shows them")


def _headline(trial: Trial) -> str:
    return _clean(trial.judged.article.title or trial.judged.key)


def _clean(text: str) -> str:
    """Return a stranger's text as one harmless line."""
    from extractors.text import clean_line

    return clean_line(text)
