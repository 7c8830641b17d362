"""The digest: choose what is new, store it as a whole mail, write its files, send it.

Three steps, each of which starts from what the one before has committed, so that a run may end anywhere and the next
one goes on. `flows.serving.prefect_flows` wraps this coroutine as a flow; the command line runs it directly.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from config.errors import RequestError
from config.load import Config
from config.settings import Digest
from extractors.text import counted
from extractors.urls import same_site
from flows.digest.contents import load_content
from flows.digest.files import FOLDER, write_files, zone_of
from flows.digest.mail import compose, domain_of
from flows.digest.records import Brought, Content, Edition
from flows.digest.render import render
from flows.digest.sending import Sending, note_waiting, send_waiting
from flows.digest.words import words_of
from flows.pages import replace_page
from flows.passes.context import Step, run_directly, utc_now
from storage.corpus.writer import open_corpus, open_for_reading
from storage.digests.outbox import Choice, choose, forget_old, free_stem, store_digest, withdraw
from storage.digests.period import load_told
from storage.index.database import Database, index_location, open_database
from storage.index.retention import is_time_sure
from storage.relating.relating import relate_new
from storage.state.runs import store_run_end, store_run_start

PROBLEMS_SHOWN = 5
TOLD_SHOWN = 5  # digests
LOOK_BACK = {"day": timedelta(days=1), "week": timedelta(days=7)}  # of the first digest
DEFAULT_NAME = Digest().name
_SPAN = re.compile(r"([1-9][0-9]{0,3})([hdw])")
_LONG_SPAN = re.compile(r"[1-9][0-9]{4,}[hdw]")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class DigestRequest:
    """The digests to make, and whether to send them."""

    names: tuple[str, ...] = ()  # none: all of the settings
    since: str | None = None  # see `parse_since`; None: since the last digest of the same name
    send: bool = True  # False: the mails wait for the next run
    waiting_only: bool = False  # make no digest, only complete files and mails: all that wait, not only those due


@dataclass(frozen=True, slots=True)
class Issued:
    """One digest of a run; `stem` None: there was nothing new, and so there is none."""

    name: str
    articles: int
    since: datetime
    stem: str | None = None
    message_id: str | None = None
    told: Mapping[str, int] = field(default_factory=dict)  # where there is nothing new: stem → articles of this time


@dataclass(slots=True)
class DigestSummary:
    """The outcome of a run."""

    folder: Path
    has_mail: bool
    issued: list[Issued] = field(default_factory=list)
    written: list[Path] = field(default_factory=list)
    sending: Sending = field(default_factory=Sending)

    def to_json(self) -> dict[str, Any]:
        """Return the object that `digest --json` prints."""
        sending = self.sending
        return {
            "digests": {
                one.name: {
                    "articles": one.articles,
                    "since": one.since.isoformat(timespec="seconds"),
                    "page": str(self.folder / f"{one.stem}.html") if one.stem else None,
                    "mail": str(self.folder / f"{one.stem}.eml") if one.stem else None,
                    "message_id": one.message_id,
                    "told": {str(self.folder / f"{stem}.html"): count for stem, count in one.told.items()},
                }
                for one in self.issued
            },
            "folder": str(self.folder),
            "written": [str(path) for path in self.written],
            "has_mail": self.has_mail,
            "sent": sending.sent,
            "refused": sending.refused,
            "gave_up": sending.gave_up,
            "waiting": sending.waiting,
            "next_attempt": sending.next_attempt.isoformat(timespec="seconds") if sending.next_attempt else None,
            "problem": sending.problem,
            "problems": sending.problems,
        }

    def sentences(self) -> list[str]:
        """Return the summary in words, one sentence a line."""
        lines = []
        for one in self.issued:
            since = f"since {one.since:%Y-%m-%d %H:%M} UTC"
            page = self.folder / f"{one.stem}.html"
            new = counted(one.articles, "article")
            told = f"; in earlier digests: {told_elsewhere(one.told, self.folder)}" if one.told else ""
            lines.append(f"{one.name}: {new} {since}: {page}" if one.stem else f"{one.name}: nothing new {since}{told}")
        sending = self.sending
        problems = [f"{recipient}: {reason}" for recipient, reason in sending.problems.items()]
        lines += problems[:PROBLEMS_SHOWN]
        if len(problems) > PROBLEMS_SHOWN:
            lines.append(f"… and {len(problems) - PROBLEMS_SHOWN} more")
        if not self.has_mail:
            lines.append("not sent: the settings have no [mail]")
        else:
            lines.append(f"{counted(sending.sent, 'mail')} sent, {sending.refused} refused, {sending.gave_up} given up")
        if sending.problem:
            lines.append(sending.problem)
        if sending.waiting:
            due = f", the next try is due at {sending.next_attempt:%Y-%m-%d %H:%M} UTC" if sending.next_attempt else ""
            lines.append(f"{counted(sending.waiting, 'mail')} waiting{due}; 'c5watch digest --waiting' tries at once")
        return lines

    def markdown(self) -> str:
        """Return the summary for Prefect's artifact page; readers' addresses and servers' words appear verbatim."""
        return "\n".join(f"    {line}" for line in self.sentences())  # indented: as code, not mark-up


def told_elsewhere(told: Mapping[str, int], folder: Path) -> str:
    """Say how many articles were in these digests, and where they are."""
    files = [f"{folder / stem}.html ({count})" for stem, count in told.items()]
    shown = ", ".join(files[:TOLD_SHOWN]) + (f" and {len(files) - TOLD_SHOWN} more" if len(files) > TOLD_SHOWN else "")
    return f"{counted(sum(told.values()), 'article')}: {shown}"


def message_key(name: str, stem: str, numbers: Sequence[int]) -> str:
    """Return the part of a Message-ID that tells digests with one stem apart."""
    return hashlib.sha256(f"{name} {stem} {tuple(numbers)}".encode()).hexdigest()[:16]


def choose_digests(config: Config, names: Sequence[str]) -> tuple[Digest, ...]:
    """Return the digests with these names, or all if `names` is empty. Raises RequestError for an unknown name."""
    known = {digest.name: digest for digest in config.settings.digests}
    if unknown := next((name for name in names if name not in known), None):
        raise RequestError(f'--name: found "{unknown}", expected one of {", ".join(known)}')
    return tuple(known[name] for name in names) if names else tuple(known.values())


def parse_since(text: str, *, zone: ZoneInfo, now: datetime) -> datetime:
    """Return the moment written as 2026-11-20, 2026-11-20T07:00, or as an age: 36h, 3d, 2w. Raises RequestError."""
    if found := _SPAN.fullmatch(text):
        return now - int(found[1]) * _UNITS[found[2]]
    if _LONG_SPAN.fullmatch(text):
        raise RequestError(f'--since: found "{text}", which is too long, expected up to 9999 hours, days or weeks')
    try:
        moment = datetime.fromisoformat(text)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):  # overflow: the year 1 in an eastern zone
        raise RequestError(
            f'--since: found "{text}", expected a day or moment such as 2026-11-20 or 2026-11-20T07:00, '
            "or a while such as 36h, 3d or 2w"
        ) from None
    if moment > now:
        raise RequestError(f'--since: found "{text}", which is still to come, expected a moment in the past')
    return moment


async def digest(
    config: Config,
    data: Path,
    request: DigestRequest = DigestRequest(),
    *,
    engine: str = "direct",
    step: Step = run_directly,
    now: Callable[[], datetime] = utc_now,
    pauses_s: Sequence[float] | None = None,
) -> DigestSummary:
    """Make the digests that are due to their readers, write their files, send what waits.

    An article that was in a digest is never in another one of the same name. Raises StorageError when the corpus or
    the folder cannot be used, RequestError for wrong `names` or a wrong `since` of the request.
    """
    mail = config.settings.mail
    chosen = choose_digests(config, request.names)
    moments = {one.name: _since(config, one, request.since, now()) for one in chosen}
    summary = DigestSummary(data / FOLDER, mail is not None)
    async with open_for_reading(data, config.settings.storage):
        pass  # a folder without a corpus is a mistake: it is not to become one
    async with open_corpus(data, config.settings.storage) as corpus:
        database = corpus.database
        run = await store_run_start(database, kind="digest", engine=engine, now=now())
        if not request.waiting_only:
            await step("translations and events", lambda: relate_new(database, now=now()))
            for one in chosen:
                issue = _Issue(config, one, database, since=moments[one.name], now=now())
                summary.issued.append(await step(f"digest {one.name}", issue.store))
        summary.written = await write_files(config, data, database)
        if request.send and mail is not None:
            # Each delivery is claimed, so a step that is run again repeats none.
            await _withdraw(config, database)
            work = partial(send_waiting, database, mail, now=now, pauses_s=pauses_s, at_once=request.waiting_only)
            summary.sending = await step("send", work)
        else:
            await note_waiting(database, summary.sending)
        await _forget_old(database, now=now())
        await store_run_end(database, run, now=now(), summary=summary.to_json())
    return summary


async def send_late(config: Config, data: Path, *, now: Callable[[], datetime] = utc_now) -> Sending | None:
    """Send again the due mails that an earlier run could not send; return None without [mail]. Raises StorageError.

    Monitor passes call it: they run often, digests are made once a day, and a mail server may be back in a minute.
    """
    if config.settings.mail is None:
        return None
    database = await open_database(index_location(data, config.settings.storage))
    try:
        await _withdraw(config, database)
        return await send_waiting(database, config.settings.mail, now=now, pauses_s=())
    finally:
        await database.close()


async def preview(
    config: Config, data: Path, file: Path, *, name: str | None, since: str | None, now: datetime
) -> Issued:
    """Write the page that the next digest would be now; store and send nothing.

    Raises StorageError, also when there is no corpus, and RequestError.
    """
    chosen = choose_digests(config, [name] if name else [])
    if len(chosen) > 1:
        raise RequestError(f"--preview: expected one digest, name it with --name {'|'.join(d.name for d in chosen)}")
    one = chosen[0]
    moment = _since(config, one, since, now)
    async with (
        open_for_reading(data, config.settings.storage) as corpus,
        corpus.database.read() as connection,
    ):
        choice = await _choose(connection, config, one, since=moment, now=now)
        content = await _content(connection, config, one, choice, now=now)
    replace_page(file, render(content, archive_link=None).page)
    return Issued(one.name, len(choice.numbers), choice.since)


def _since(config: Config, one: Digest, since: str | None, now: datetime) -> datetime | None:
    return parse_since(since, zone=zone_of(config, one.name), now=now) if since else None


async def _choose(
    connection: AsyncConnection, config: Config, one: Digest, *, since: datetime | None, now: datetime
) -> Choice:
    return await choose(
        connection, one.name, now=now, since=since, topic=one.topic, languages=one.languages,
        is_of_country=is_of_country(config, one), look_back=LOOK_BACK[one.every],
    )  # fmt: skip


def is_of_country(config: Config, one: Digest) -> Callable[[str, str], bool] | None:
    """Return what tells whether a page is of an outlet of the digest's countries; None if it asks for none."""
    return partial(_is_of_country, config, one.countries) if one.countries else None


def _is_of_country(config: Config, countries: Collection[str], source_id: str, url: str) -> bool:
    """Return whether a page is of an outlet of these countries; one whose id is gone is known by its site."""
    source = next((source for source in config.sources if source.id == source_id), None)
    source = source or next((source for source in config.sources if same_site(source.homepage, url)), None)
    return source is not None and source.country in countries


async def _content(
    connection: AsyncConnection, config: Config, one: Digest, choice: Choice, *, now: datetime
) -> Content:
    days = sorted(day for day in choice.brought if day)
    return await load_content(
        connection,
        choice.numbers,
        edition_of(config, one),
        now=now,
        since=None if choice.first else choice.since,
        sources={source.id: source for source in config.sources},
        brought=Brought(len(choice.brought), days[0] if days else None, days[-1] if days else None),
    )


def edition_of(config: Config, one: Digest) -> Edition:
    """Return what the settings say of a digest."""
    thresholds = {topic.id: topic.threshold for topic in config.topics.topics}
    zone = zone_of(config, one.name)
    return Edition(one.name, _title(one), one.frame, zone, one.browse_url, thresholds, one.every == "week")


def _readers(config: Config, one: Digest) -> set[str]:
    mail = config.settings.mail
    return {*(one.recipients or mail.recipients)} if mail else set()


async def _withdraw(config: Config, database: Database) -> None:
    """Give up the mails that wait for readers whom the settings no longer name."""
    async with database.write() as connection:
        await withdraw(connection, {one.name: _readers(config, one) for one in config.settings.digests})


async def _forget_old(database: Database, *, now: datetime) -> None:
    """Delete old mails from the index, a few at a time, so that no writer waits long. Their files stay."""
    forgotten = 1
    while forgotten:
        async with database.write() as connection:
            forgotten = await forget_old(connection, now=now) if await is_time_sure(connection, now=now) else 0


def _title(one: Digest) -> str:
    return one.title or words_of(one.frame).title


@dataclass(frozen=True, slots=True)
class _Issue:
    """The work of making one digest."""

    config: Config
    digest: Digest
    database: Database
    since: datetime | None
    now: datetime

    async def store(self) -> Issued:
        """Choose, render and store, in one transaction: doing it again finds nothing new."""
        config, one, now = self.config, self.digest, self.now
        mail = config.settings.mail
        async with self.database.write() as connection:
            choice = await _choose(connection, config, one, since=self.since, now=now)
            if not choice.numbers and one.empty == "none":
                if choice.first and self.since is None:  # articles are new from here on
                    await self._mark(connection, choice)
                told = await load_told(connection, one.name, since=choice.since if self.since else None)
                latest = dict(list(told.items())[-1:])
                return Issued(one.name, 0, choice.since, told=told if self.since else latest)
            moment = now.astimezone(zone_of(config, one.name))
            named = "" if one.name == DEFAULT_NAME else f"-{one.name}"
            stem = await free_stem(connection, f"{moment:%Y-%m-%dT%H-%M}{named}")
            content = await _content(connection, config, one, choice, now=now)
            archive = mail.archive_url if mail else None
            rendered = render(content, archive_link=f"{archive}/{stem}.html" if archive else f"{stem}.html")
            if not choice.numbers:  # a mail of one line; the page says how the sources are
                line = words_of(one.frame).nothing
                rendered = replace(rendered, text=f"{line}\n", html=f"<!doctype html><p>{line}</p>\n")
            message_id = f"<{stem}.{message_key(one.name, stem, choice.numbers)}@{domain_of(mail)}>"
            message = compose(rendered, mail, name=one.name, title=_title(one), message_id=message_id, moment=moment)
            await store_digest(
                connection, one.name, choice, now=now, stem=stem, message_id=message_id, message=message,
                page=rendered.page.encode(), recipients=_readers(config, one),
            )  # fmt: skip
            return Issued(one.name, len(choice.numbers), choice.since, stem, message_id)

    async def _mark(self, connection: AsyncConnection, choice: Choice) -> None:
        mark = f".{self.digest.name}"  # no file has it
        await store_digest(
            connection, self.digest.name, choice, now=self.now, stem=mark, message_id=mark, message=b"", page=b"",
            recipients=(),
        )  # fmt: skip
