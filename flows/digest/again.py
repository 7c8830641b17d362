"""A digest of any period: of what was published in it, or found, whether mailed before or not.

It is a file, and a mail to recipients who are named. What digests are yet to tell it leaves as it is: its mails go
through the outbox under a name of their own, without a list of articles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from config.errors import RequestError
from config.load import Config
from config.settings import Digest, MailAddress
from extractors.period import Period
from extractors.text import counted
from flows.digest.contents import load_content
from flows.digest.digest import choose_digests, edition_of, is_of_country, message_key, told_elsewhere
from flows.digest.files import FOLDER, zone_of
from flows.digest.mail import compose, domain_of
from flows.digest.render import Rendered, render
from flows.digest.sending import Sending, send_waiting
from flows.pages import replace_page
from storage.corpus.writer import open_for_reading
from storage.digests.outbox import AGAIN, Choice, free_stem, store_digest
from storage.digests.period import choose_of, load_told
from storage.files.local_folder import put_file
from storage.index.database import index_location, open_database


@dataclass(frozen=True, slots=True)
class PeriodRequest:
    """The digest of a period that is asked for."""

    period: Period
    name: str | None = None  # None: the only one there is
    found: bool = False  # what came into the corpus in the period, and not what was published in it
    again: bool = False  # with what digests have told
    file: Path | None = None  # None: in the folder of digests
    recipients: tuple[str, ...] = ()


@dataclass(slots=True)
class PeriodIssued:
    """The digest of a period: its file, what was left out because digests had told it, and how sending went."""

    name: str
    period: Period
    articles: int
    told: Mapping[str, int]  # stem of a digest → articles
    folder: Path
    file: Path | None = None
    sending: Sending = field(default_factory=Sending)

    def to_json(self) -> dict[str, Any]:
        """Return the object that `digest --from … --json` prints."""
        return {
            "name": self.name,
            "from": self.period.first.isoformat(),
            "to": self.period.last.isoformat(),
            "articles": self.articles,
            "page": str(self.file) if self.file else None,
            "told": {str(self.folder / f"{stem}.html"): count for stem, count in self.told.items()},
            "sent": self.sending.sent,
            "problems": self.sending.problems,
        }

    def sentences(self) -> list[str]:
        """Return what was done, one sentence a line."""
        lines = [f"{self.name}: {counted(self.articles, 'article')} of {self.period}"]
        if self.file:
            lines[0] += f": {self.file}"
        if self.told:
            lines.append(f"in earlier digests: {told_elsewhere(self.told, self.folder)}; --again tells them as well")
        if self.sending.sent:
            lines.append(f"{counted(self.sending.sent, 'mail')} sent")
        return [*lines, *(f"{recipient}: {reason}" for recipient, reason in self.sending.problems.items())]


def period_of(first: str, last: str | None, *, today: date) -> Period:
    """Return the period of two days in ISO form; without a last day it ends today. Raises RequestError."""
    days = []
    for option, text in (("--from", first), ("--to", last)):
        try:
            days.append(date.fromisoformat(text) if text else today)
        except ValueError:
            raise RequestError(f'{option}: found "{text}", expected a day such as 2026-11-01') from None
    try:
        return Period(*days)
    except ValueError as exc:
        raise RequestError(f"--from: {exc}") from None


async def digest_of(config: Config, data: Path, request: PeriodRequest, *, now: Callable[[], datetime]) -> PeriodIssued:
    """Make the digest of a period. Raises RequestError for a wrong request, StorageError where nothing can be used."""
    one = _chosen(config, request)
    zone, period = zone_of(config, one.name), request.period
    async with open_for_reading(data, config.settings.storage) as corpus, corpus.database.read() as connection:
        numbers = await choose_of(
            connection, one.name, period, found=request.found, again=request.again, zone=zone, topic=one.topic,
            languages=one.languages, is_of_country=is_of_country(config, one),
        )  # fmt: skip
        told = {} if request.again else await load_told(
            connection, one.name, period=period, found=request.found, zone=zone
        )  # fmt: skip
        content = await load_content(
            connection, numbers, edition_of(config, one), now=now(), since=None,
            sources={source.id: source for source in config.sources}, period=period,
        )  # fmt: skip
    issued = PeriodIssued(one.name, period, len(numbers), told, data / FOLDER)
    if not numbers:
        return issued
    issued.file = request.file or _file(data, one, period)
    mail = config.settings.mail
    archived = f"{mail.archive_url}/{issued.file.name}" if mail and mail.archive_url and not request.file else None
    rendered = render(content, archive_link=archived or issued.file.name)
    replace_page(issued.file, rendered.page)
    message_id, message = _message(config, one, rendered, numbers, now().astimezone(zone))
    if request.file is None:
        put_file(issued.file.with_suffix(".eml"), message)
    if request.recipients and mail is not None:
        name = f"{AGAIN}{one.name}"
        issued.sending = await _send(config, data, name, set(request.recipients), message_id, message, now=now)
    return issued


def _chosen(config: Config, request: PeriodRequest) -> Digest:
    chosen = choose_digests(config, [request.name] if request.name else [])
    if len(chosen) > 1:
        raise RequestError(f"--from: expected one digest, name it with --name {'|'.join(d.name for d in chosen)}")
    if request.recipients and config.settings.mail is None:
        raise RequestError("--recipient: the settings have no [mail]: without it a digest is a file")
    for recipient in request.recipients:
        try:
            TypeAdapter[str](MailAddress).validate_python(recipient)
        except ValidationError:
            raise RequestError(
                f'--recipient: found "{recipient}", expected an address such as desk@example.org'
            ) from None
    return chosen[0]


def _file(data: Path, one: Digest, period: Period) -> Path:
    named = "" if one.name == Digest().name else f"-{one.name}"
    (data / FOLDER).mkdir(exist_ok=True)
    return data / FOLDER / f"{period.first}_{period.last}{named}.html"


def _message(
    config: Config, one: Digest, rendered: Rendered, numbers: Sequence[int], moment: datetime
) -> tuple[str, bytes]:
    mail = config.settings.mail
    stem = f"{moment:%Y-%m-%dT%H-%M-%S}-again"
    message_id = f"<{stem}.{message_key(one.name, stem, numbers)}@{domain_of(mail)}>"
    title = edition_of(config, one).title
    return message_id, compose(rendered, mail, name=one.name, title=title, message_id=message_id, moment=moment)


async def _send(
    config: Config, data: Path, name: str, recipients: set[str], message_id: str, message: bytes, *,
    now: Callable[[], datetime],
) -> Sending:  # fmt: skip
    """Store the mail for these recipients in the outbox, and send what waits there."""
    assert config.settings.mail is not None
    database = await open_database(index_location(data, config.settings.storage))
    try:
        async with database.write() as connection:
            stem = await free_stem(connection, f".{message_id[1:].partition('.')[0]}")  # a dot: it has no files
            choice = Choice((), -1, now(), first=False)
            await store_digest(
                connection, name, choice, now=now(), stem=stem, message_id=message_id, message=message, page=b"",
                recipients=recipients,
            )  # fmt: skip
        return await send_waiting(database, config.settings.mail, now=now)
    finally:
        await database.close()
