"""Send the mails that wait in the outbox, one recipient after another over one connection.

Each delivery is claimed, handed to the server, and its end stored right after the server's answer. Between the two
lies the one moment in which a crash makes a mail go out twice, under the same Message-ID. What failed for now is
tried again a few times at once, and then by later runs, with growing gaps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from config.settings import Mail
from flows.digest.mail import Connection, MailError, MailServerError, RefusedError, addressed
from flows.passes.context import to_the_end
from storage.digests.outbox import (
    Delivery,
    Planned,
    call_again,
    call_all_again,
    claim,
    count_waiting,
    has_due,
    keep_plan,
    store_failed,
    store_refusal,
    store_sent,
    store_unreachable,
)
from storage.index.database import Database

PAUSES_S = (2.0, 10.0)  # before each further try within a run


@dataclass(slots=True)
class Sending:
    """The result of sending. `problems` holds the last answer for each recipient who did not get the mail."""

    sent: int = 0
    refused: int = 0
    gave_up: int = 0
    waiting: int = 0
    next_attempt: datetime | None = None  # of those waiting; None: at once
    problem: str | None = None  # with the server as a whole
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether there was something to send and none of it was."""
        return not self.sent and (self.problem is not None or bool(self.problems))


async def send_waiting(
    database: Database,
    mail: Mail,
    *,
    now: Callable[[], datetime],
    pauses_s: Sequence[float] | None = None,
    at_once: bool = False,
) -> Sending:
    """Send every delivery that is due, or with `at_once` every one that waits.

    Failed deliveries are tried again after each of these pauses (None: PAUSES_S). Tries `at_once` come in addition to
    the planned tries, which stay as they are.
    """
    sending = Sending()
    planned: list[Planned] = []
    if at_once:
        async with database.write() as transaction:
            planned = await call_all_again(transaction)
    connection = Connection(mail)
    try:
        put_off = await _send_due(database, connection, mail, sending, now)
        for pause_s in PAUSES_S if pauses_s is None else pauses_s:
            if not put_off:
                break
            await asyncio.sleep(pause_s)
            async with database.write() as transaction:
                await call_again(transaction, put_off)
            put_off = await _send_due(database, connection, mail, sending, now)
    finally:
        await connection.close()
        if planned:
            async with database.write() as transaction:
                await keep_plan(transaction, planned)
    await note_waiting(database, sending)
    return sending


async def note_waiting(database: Database, sending: Sending) -> None:
    """Count the deliveries that wait now."""
    async with database.read() as transaction:
        waiting = await count_waiting(transaction)
    sending.waiting, sending.next_attempt = waiting.count, waiting.next_attempt


async def _send_due(
    database: Database, connection: Connection, mail: Mail, sending: Sending, now: Callable[[], datetime]
) -> list[Delivery]:
    """Try each due delivery once; return those that are put off."""
    sending.problem = None
    put_off: list[Delivery | None] = []
    async with database.read() as transaction:
        more = await has_due(transaction, now=now())
    while more:
        try:
            await connection.open()
        except MailServerError as exc:
            sending.problem = str(exc)
            async with database.write() as transaction:
                put_off += await store_unreachable(transaction, str(exc), now=now())
            break
        async with database.write() as transaction:
            claimed = await claim(transaction, now=now())
        if more := claimed is not None:
            # An interruption waits until the fate of the mail is known and stored.
            put_off += await to_the_end(_send(database, connection, mail, *claimed, sending, now))
    sending.gave_up += put_off.count(None)
    return [delivery for delivery in put_off if delivery]


async def _send(
    database: Database, connection: Connection, mail: Mail, delivery: Delivery, message: bytes, sending: Sending,
    now: Callable[[], datetime],
) -> list[Delivery | None]:  # fmt: skip
    """Try one delivery; return [delivery] if it is put off, [None] if it is given up, [] if it is settled."""
    try:
        await connection.send(addressed(message, mail, delivery.recipient), delivery.recipient)
    except RefusedError as exc:
        sending.refused += 1
        sending.problems[delivery.recipient] = str(exc)
        async with database.write() as transaction:
            await store_refusal(transaction, delivery, str(exc))
        return []
    except MailError as exc:
        sending.problems[delivery.recipient] = str(exc)
        async with database.write() as transaction:
            return [await store_failed(transaction, delivery, str(exc), now=now())]
    async with database.write() as transaction:
        await store_sent(transaction, delivery, now=now())
    sending.sent += 1
    sending.problems.pop(delivery.recipient, None)
    return []
