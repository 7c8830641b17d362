"""`c5watch corpus …`: take in, check, mend and take back articles; `flows.cli.reading` has what only reads."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import FAILED, USAGE
from extractors.text import counted
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
    read_corpus,
    say,
)
from flows.cli.reading import corpus_export, corpus_search, corpus_show, corpus_stats

if TYPE_CHECKING:
    from config.load import Config
    from storage.corpus.importing import Imported

corpus_app = typer.Typer(
    help="Search, show, count, export, check, mend or import the corpus.", no_args_is_help=True, rich_markup_mode=None
)


@corpus_app.command("import")
def corpus_import(
    place: Annotated[
        str,
        typer.Argument(
            metavar="DIR|FILE.jsonl",
            help="A folder (or s3://…) of files named like 000_0123456789abcdef.txt, or a file of JSON lines with url, "
            "title, date and text.",
        ),
    ],
    judge: Annotated[bool, typer.Option("--judge", help="Leave out what is off topic. Only for JSON lines.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Take in articles from elsewhere.

    Adopts a folder as it is: numbers, names and bytes stay the same. Appends the articles of a file of JSON lines in
    the order given, each story once. Running the command again adds nothing.
    """
    checked = checked_config(config)
    remote = place.startswith("s3://")
    if not remote and not Path(place).exists():
        say(f"{place}: no such folder or file: name a folder of article files, or a file of JSON lines")
        raise typer.Exit(USAGE)
    if not remote and not Path(place).is_dir():
        _import_file(checked, data, Path(place), judge=judge, as_json=as_json)
        return
    if judge:
        say("--judge cannot be used with a folder: its articles are adopted as they are")
        raise typer.Exit(USAGE)
    with problems_explained():
        from flows.tools.corpus import adopt_folder
        from storage.files.opening import folder_at

        adoption = asyncio.run(adopt_folder(checked, data, folder_at(place) if remote else Path(place)))
    if as_json:
        print_json({"adopted": adoption.adopted, "known": adoption.known, "next_number": adoption.next_number})
    else:
        print(
            f"{counted(adoption.adopted, 'article')} adopted, {adoption.known} already there; "
            f"the next one will be {adoption.next_number:03d}"
        )


def _import_file(checked: Config, data: Path, path: Path, *, judge: bool, as_json: bool) -> None:
    from extractors.records import Outcome

    outcomes: Counter[Outcome] = Counter()
    bad: list[Imported] = []
    undated: list[Imported] = []

    def report(batch: list[Imported]) -> None:
        for line in batch:
            outcomes[line.outcome] += 1
            if as_json:
                print_json(line.to_json())
            elif line.outcome is Outcome.FAILED:
                say(f"{path}: {line.reason}")
            if line.outcome is Outcome.FAILED:
                bad.append(line)
            elif line.unread_date is not None:
                undated.append(line)
        sys.stdout.flush()

    with problems_explained(interrupted="what is taken in is kept: run the command again for the rest"):
        from flows.tools.corpus import import_file

        asyncio.run(import_file(checked, data, path, judge=judge, report=report))
    counts = ", ".join(f"{count} {outcome.words}" for outcome, count in outcomes.most_common())
    told = f"{counted(outcomes.total(), 'line')}: {counts or 'the file is empty'}"
    print(told, file=sys.stderr if as_json else sys.stdout)
    if undated:
        first = f"line {undated[0].line}: {undated[0].unread_date!r}"
        say(f"{counted(len(undated), 'date')} not understood, the first in {first}: expected one such as 2025-11-01")
    if bad and len(bad) == outcomes.total():
        fail('no line could be used: expected one JSON object a line, with "url", "title", "date" and "text"')
    elif bad:
        fail(f"{counted(len(bad), 'line')} could not be used, the first: {bad[0].reason}; the others were taken in")


@corpus_app.command("verify")
def corpus_verify(as_json: JsonOption = False, config: ConfigOption = CONFIG, data: DataOption = DATA) -> None:
    """Check the corpus, changing nothing.

    Compares files, numbers, index and manifest. Names each fault and what mends it.
    """
    checked = checked_config(config)
    with problems_explained():
        from flows.tools.corpus import verify_corpus
        from storage.corpus.verify import MISSING

        count, faults = read_corpus(checked, data, verify_corpus)
    if as_json:
        listed = [{"place": f.location, "fault": f.fault, "mend": f.mend} for f in faults]
        print_json({"articles": count, "faults": listed})
    else:
        for fault in faults:
            print(fault)
        print(f"{counted(count, 'article')}, {counted(len(faults), 'fault') if faults else 'all in order'}")
        if any(fault.fault == MISSING for fault in faults):
            print("files that are missing because a run was interrupted are written by the next pass, import or repair")
    if faults:
        raise typer.Exit(FAILED)


@corpus_app.command("repair")
def corpus_repair(as_json: JsonOption = False, config: ConfigOption = CONFIG, data: DataOption = DATA) -> None:
    """Mend what 'verify' finds.

    Where the index knows better, it is followed. Deletes nothing: a wrong or unknown file is moved to set-aside, below
    the data folder.
    """
    checked = checked_config(config)
    with problems_explained():
        from flows.tools.corpus import repair_corpus

        done = asyncio.run(repair_corpus(checked, data))
    if as_json:
        left = [{"place": f.location, "fault": f.fault, "mend": f.mend} for f in done.left]
        print_json({"mended": [{"place": m.location, "done": m.done} for m in done.mended], "left": left})
    else:
        for line in (*done.mended, *done.left):
            print(line)
        print(f"{counted(len(done.mended), 'fault')} mended, {len(done.left)} left")
    if done.left:
        raise typer.Exit(FAILED)


@corpus_app.command("remove")
def corpus_remove(
    number: Annotated[int, typer.Argument(min=0, help="Number of the article, such as 12.")],
    why: Annotated[str, typer.Option(help="Reason, kept in the manifest: a request, a mistake.")],
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Take an article back for good.

    Its file, its text and all texts of its story are deleted; its number stays taken, and it is never appended again.
    """
    checked = checked_config(config)
    if not why.strip():
        say("--why: found nothing, expected the reason in a few words")
        raise typer.Exit(USAGE)
    with problems_explained(interrupted="if the article is not whole, the next command takes back the rest"):
        from flows.tools.corpus import remove_article

        done = asyncio.run(remove_article(checked, data, number, why=why))
    if as_json:
        facts = {"number": number, "why": done.removed.why, "removed_at": done.removed.removed_at.isoformat()}
        print_json({**facts, "before": done.before, "variants": done.variants, "digests": done.digests})
    elif done.before:
        print(f"nothing to do: {done.removed.told}")
    else:
        also = f", with {counted(done.variants, 'other text')} of its story" if done.variants else ""
        print(f"{done.removed.file} removed{also}")
        if done.digests:
            print(f"not taken back: pages and mails of digests that name it: {', '.join(done.digests)}")


corpus_app.command("search")(corpus_search)
corpus_app.command("export")(corpus_export)
corpus_app.command("stats")(corpus_stats)
corpus_app.command("show")(corpus_show)
