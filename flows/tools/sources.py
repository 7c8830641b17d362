"""Change the catalogue: add an outlet by its address, take on a reader's list, write a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from config.errors import RequestError
from config.load import Config, ConfigError
from config.settings import WebAddress, masked
from config.sources import Source
from extractors.feeds.discovery import Discovery, discover
from extractors.feeds.jobs import SECTION, FeedJob
from extractors.feeds.links import without_feed_scheme
from extractors.feeds.successors import feed_key
from extractors.records import Feed, ItemError
from extractors.text import clean_line
from extractors.workers.pool import Workers
from extractors.workers.tasks import feed_from
from flows.passes.context import open_client, utc_now
from flows.tools.catalogue import MAX_NAME, Draft, NewSource, completed, missing, table
from flows.tools.catalogue_file import Written, append
from flows.tools.opml import MAX_BYTES, Skipped, choose_feeds, read_opml, write_opml
from flows.tools.outlines import OpmlError
from storage.errors import StorageError
from storage.files.local_folder import put_file

EXAMPLES = {"country": "KZ", "category": "national"}
# Where a server does not speak https at all.
NO_HTTPS = ("connection refused", "connection broken", "tls error", "timeout")


@dataclass(frozen=True, slots=True)
class Facts:
    """The user's statements on a source; they win over what is found. None: not stated."""

    id: str | None = None
    name: str | None = None
    language: str | None = None
    country: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """A source that was found, and where it was written; None for a dry run."""

    new: NewSource
    discovery: Discovery
    written: Written | None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON values."""
        feed = asdict(self.discovery.feed)
        return {
            "source": self.new.source.model_dump(mode="json"),
            "guessed": list(self.new.guessed),
            "found": {**feed, "newest": feed["newest"] and feed["newest"].isoformat(timespec="minutes")},
            "others": list(self.discovery.others),
            "file": str(self.written.path) if self.written else None,
        }


def check_facts(facts: Facts, sources: Sequence[Source]) -> None:
    """Raise ConfigError if an option's value cannot stand in the catalogue: before anything is asked for."""
    draft = Draft((), "https://example.org", **asdict(facts))
    try:
        completed(draft, taken=())
    except ValueError as exc:
        raise ConfigError([f"--{line}" for line in str(exc).split("; ")]) from exc
    if facts.id in {source.id for source in sources}:
        raise ConfigError([f'--id: found "{facts.id}", which another source has, expected a new one'])


Ask = Callable[[str, str], str]  # for a fact, in the words of the second: the answer of the user


async def add_source(
    config: Config,
    folder: Path,
    url: str,
    facts: Facts,
    *,
    dry_run: bool,
    data: Path | None = None,
    ask: Ask | None = None,
) -> Added:
    """Find the feed of the outlet at `url` and append the outlet to the catalogue.

    Facts that neither the user has stated nor the address tells are asked for; without `ask`, RequestError says which.
    Raises StorageError with what to do when there is no feed, when the catalogue has it, or when the file cannot be
    written; ConfigError when the facts, or the file, are wrong.
    """
    check_facts(facts, config.sources)
    given = _address(url)
    _refuse_known(given, [given], config.sources)
    async with open_client(config, data) as client:
        with Workers(config.settings.extraction) as workers:

            async def parse(job: FeedJob) -> Feed:
                return await workers.run(feed_from, job, url=job.url)

            try:
                try:
                    found = await discover(client, given, parse=parse, now=utc_now)
                except ItemError as error:
                    if given == url or error.url != given or error.reason not in NO_HTTPS:
                        raise
                    found = await discover(client, f"http://{url}", parse=parse, now=utc_now)
            except ItemError as error:
                raise StorageError(f"{given}: {error}: {_advice(error)}") from error
    _refuse_known(found.homepage, [found.feed.url], config.sources)
    is_section = found.feed.kind == SECTION
    draft = Draft(
        feeds=() if is_section else (found.feed.url,),
        sections=(found.feed.url,) if is_section else (),
        homepage=found.homepage,
        id=facts.id,
        name=facts.name or clean_line(found.name or "")[:MAX_NAME] or None,
        language=facts.language or found.language,
        country=facts.country,
        category=facts.category,
        backfill=found.backfill,
    )
    draft = _asked(draft, ask)
    try:
        new = completed(draft, taken={source.id for source in config.sources})
    except ValueError as exc:
        raise StorageError(f"{given}: what was found cannot stand in the catalogue: {exc}") from exc
    return Added(new, found, None if dry_run else _appended(folder, [new]))


def _asked(draft: Draft, ask: Ask | None) -> Draft:
    """Return the draft with the facts that only the user knows."""
    open_facts = missing(draft)
    if open_facts and ask is None:
        options = " and ".join(f"--{fact} {EXAMPLES[fact]}" for fact in open_facts)
        untold = " and the ".join(open_facts)
        raise RequestError(f"{draft.homepage}: its address does not tell the {untold}: name them, such as {options}")
    while (open_facts := missing(draft)) and ask is not None:
        fact = open_facts[0]
        answer = ask(fact, f"the {fact} of {draft.name or draft.homepage}, such as {EXAMPLES[fact]}")
        answer = answer.strip().upper() if fact == "country" else answer.strip().lower()
        check_facts(Facts(**{fact: answer}), ())
        draft = replace(draft, country=answer) if fact == "country" else replace(draft, category=answer)
    return draft


def _address(url: str) -> str:
    url = without_feed_scheme(url)
    given = url if "://" in url else f"https://{url}"
    try:
        return TypeAdapter[str](WebAddress).validate_python(given)
    except ValidationError as exc:
        shown = masked(clean_line(given)).removeprefix("" if "://" in url else "https://")[:MAX_NAME]
        why = str(exc.errors()[0]["msg"]).removeprefix("Value error, ")
        raise ConfigError([f'URL: found "{shown}", {why}']) from exc


def _refuse_known(homepage: str, feeds: Sequence[str], sources: Sequence[Source]) -> None:
    for source in sources:
        if {feed_key(feed) for feed in source.watched} & {feed_key(feed) for feed in feeds}:
            raise StorageError(f'{feeds[0]} is in the catalogue already, as a feed of the source "{source.id}"')
        if feed_key(source.homepage) == feed_key(homepage) and homepage in feeds:
            raise StorageError(
                f'{homepage} is in the catalogue already, as the source "{source.id}": try it with '
                f"'c5watch sources check {source.id}', or name a feed of the outlet that it lacks"
            )


def _advice(error: ItemError) -> str:
    if error.reason == "no feed found":
        return "give the address of the feed itself, if the outlet has one"
    if error.reason == "robots.txt":
        return "the site wants no robots here"
    return "check the address, or try again later"


def _appended(folder: Path, sources: Sequence[NewSource]) -> Written:
    try:
        return append(folder, sources)
    except OSError as exc:
        raise StorageError(f"{folder}: the catalogue cannot be written: {exc.strerror}") from exc


@dataclass(frozen=True, slots=True)
class Imported:
    """The sources taken on from a reader's list; `written` is None for a dry run, or when nothing was new."""

    added: list[NewSource]
    skipped: list[Skipped]
    written: Written | None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON values."""
        return {
            "added": [{**n.source.model_dump(mode="json"), "guessed": list(n.guessed)} for n in self.added],
            "skipped": [asdict(skipped) for skipped in self.skipped],
            "file": str(self.written.path) if self.written else None,
        }


def import_opml(config: Config, folder: Path, file: Path, *, dry_run: bool) -> Imported:
    """Append to the catalogue what a list of feeds names and it lacks.

    Raises ConfigError with one sentence when the file is no such list: then nothing is written. StorageError when the
    catalogue cannot be written.
    """
    try:
        with file.open("rb") as opened:
            body = opened.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise OpmlError(f"larger than {MAX_BYTES // 1_000_000} MB, expected a list of feeds")
        drafts = read_opml(body)
    except OSError as exc:
        raise ConfigError([f"{file}: cannot be read: {exc.strerror}"]) from exc
    except OpmlError as exc:
        raise ConfigError([f"{file}: {exc}"]) from exc
    added, skipped = choose_feeds(drafts, config.sources)
    return Imported(added, skipped, _appended(folder, added) if added and not dry_run else None)


def export_opml(config: Config, file: Path | None) -> bytes:
    """Return the feeds of all enabled sources as OPML; write them to `file` at once, if given. Raises StorageError."""
    content = write_opml(config.select(()))
    if file is not None:
        try:
            put_file(file, content)
        except OSError as exc:
            raise StorageError(f"{file}: cannot be written: {exc.strerror}") from exc
    return content


def tables(sources: Sequence[NewSource]) -> str:
    """Return the sources' tables as in the catalogue, one blank line between them."""
    return "\n".join(table(new) for new in sources).rstrip("\n")
