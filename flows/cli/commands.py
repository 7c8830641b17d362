"""The base of all commands: common options, failures, printing.

Exit status: 0 the job was done, 1 it could not be, 2 the command line or the configuration is wrong, 130 interrupted.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from config.errors import FAILED, USAGE, RequestError, UserError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from config.load import Config
    from storage.corpus.writer import CorpusWriter

T = TypeVar("T")

CHECKOUT = Path(__file__).parents[2]
INTERRUPTED = 130  # exit status
AGAIN = "run the command again"  # after Ctrl-C, true of every command: none does twice what is done


def _data_folder(data: Path) -> Path:
    """Return the path of a folder that exists or can be made; a file there ends the command with status 2."""
    with suppress(OSError):  # it may not be looked at: opening the corpus will say so
        found = next((folder for folder in (data, *data.parents) if folder.exists()), None)
        if found is not None and not found.is_dir():
            say(f"--data: {found} is a file, not a folder: name the folder of the corpus, or one that is to be made")
            raise typer.Exit(USAGE)
    return data


ConfigOption = Annotated[
    Path, typer.Option("--config", envvar="C5WATCH_CONFIG", help="Folder with settings, sources and topics.")
]
DataOption = Annotated[
    Path, typer.Option("--data", envvar="C5WATCH_DATA", callback=_data_folder, help="Folder for corpus and index.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
FullOption = Annotated[bool, typer.Option("--full", help="Show all of it.")]
CONFIG = CHECKOUT / "config"
DATA = Path("data")


class EngineName(StrEnum):
    """The values of `--engine`."""

    auto = "auto"
    direct = "direct"
    prefect = "prefect"


def checked_config(folder: Path, source_ids: list[str] | None = None, *, given_by: str = "--source") -> Config:
    """Return the checked configuration; a mistake in it, or an unknown source, ends the command with status 2."""
    from config.load import load_config
    from extractors.archives.routes import ROUTES

    with problems_explained():
        checked = load_config(folder, ROUTES)
        checked.select(source_ids or (), given_by=given_by)
    return checked


def checked_output(option: str, file: Path) -> None:
    """End the command with status 2 unless a file can be there: its folder is not made."""
    if file.is_dir():
        say(f"{option}: {file} is a folder: name a file")
    elif not file.parent.is_dir():
        say(f"{option}: there is no folder {file.parent}: make it, or name another file")
    else:
        return
    raise typer.Exit(USAGE)


def checked_address(url: str) -> str:
    """Return the canonical address of a page; anything else ends the command with status 2."""
    from extractors.urls import canonical_url

    try:
        return canonical_url(url)
    except ValueError:
        say(f'URL: found "{url}", expected an address such as https://example.kz/news/1')
        raise typer.Exit(USAGE) from None


def checked_day(option: str, value: str) -> date:
    """Return the day that an option names. Raises RequestError."""
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise RequestError(f'{option}: found "{value}", expected a day such as 2025-11-01') from None


def optional_day(option: str, value: str | None) -> date | None:
    """Return the day that an option names, None where it is not given. Raises RequestError."""
    return None if value is None else checked_day(option, value)


def read_corpus(config: Config, data: Path, work: Callable[[CorpusWriter], Awaitable[T]]) -> T:
    """Return the result of `work` on the corpus, which is opened for reading. Raises StorageError."""
    from storage.corpus.writer import open_for_reading

    async def opened() -> T:
        async with open_for_reading(data, config.settings.storage) as corpus:
            return await work(corpus)

    return asyncio.run(opened())


def read_index(config: Config, data: Path, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """Return the result of `work` on the corpus's index, which is opened for reading. Raises StorageError."""

    async def opened(corpus: CorpusWriter) -> T:
        async with corpus.database.read() as connection:
            return await work(connection)

    return read_corpus(config, data, opened)


@contextmanager
def problems_explained(*, interrupted: str = AGAIN) -> Iterator[None]:
    """Say the sentences of an expected error and end the command with its status; a bug is for `bug_explained`.

    After Ctrl-C, say how the work that was `interrupted` goes on.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        say(f"interrupted; {interrupted}")
        raise typer.Exit(INTERRUPTED) from error
    except Exception as error:
        trouble = _first(error)
        if not isinstance(trouble, UserError):
            raise
        for line in trouble.lines:
            say(line)
        raise typer.Exit(trouble.status) from error


def bug_explained(error: Exception) -> None:
    """Say in one sentence that the program itself is at fault, and write its traceback to a file for a report."""
    bug = _first(error)
    told = " ".join(f"{type(bug).__name__}: {bug}".split())[:300]
    try:
        with tempfile.NamedTemporaryFile("w", prefix="c5watch-fault-", suffix=".txt", delete=False) as file:
            file.writelines(traceback.format_exception(error))
    except OSError:
        say(f"a fault of the program ended it: {told}")
    else:
        say(f"a fault of the program ended it: {told}; please report it with {file.name}, which says where it was")


def _first(error: BaseException) -> BaseException:
    """Return the error itself, or the first error of a group that parallel tasks raised."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def fail(message: str) -> None:
    """End the command with status 1 and this sentence."""
    say(message)
    raise typer.Exit(FAILED)


def say(message: str) -> None:
    """Print one line on stderr."""
    print(f"c5watch: {message}", file=sys.stderr)


NO_CONTACT = (
    "sites cannot write to you: put a contact into network.user_agent in settings.toml, such as "
    '"c5watch (+mailto:you@example.org)"'
)


def remind_of_contact(config: Config) -> None:
    """Say in one line that the user agent names no contact, if it names none."""
    if not config.settings.network.has_contact:
        say(NO_CONTACT)


def print_json(value: dict[str, Any]) -> None:
    """Print a JSON object on one line of stdout."""
    print(json.dumps(value, ensure_ascii=False, default=str))
