"""The outbox: the articles of each digest, and the state of its delivery to each recipient.

The contents of a digest are chosen and stored, with the whole mail, in the transaction of one `Database.write`. All
that follows (files, sending) starts from these rows and may be repeated. A delivery is claimed before a try, for longer
than a try can take, so that two programs never send the same mail; a claim that a crash leaves behind runs out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.index.schema import articles, deliveries, digest_articles, digests, urls
from storage.placing.placing import highest_number

FIRST_LOOK_BACK = timedelta(days=1)  # for the first digest of a name
# Articles that appeared longer before the period come from a backfill or an import and are not news.
OLDEST = timedelta(days=7)
CLAIM = timedelta(minutes=10)
# Waits after each failed try; the last is repeated.
GAPS = tuple(timedelta(minutes=minutes) for minutes in (2, 5, 15, 30, 60, 120))
GIVE_UP_AFTER = timedelta(days=5)  # RFC 5321, section 4.5.4.1: at least four to five days
KEPT = timedelta(days=365)  # of the mails and pages in the index
FORGOTTEN_AT_ONCE = 20  # digests, of a few hundred kilobytes each
WAITING, SENT, REFUSED, GAVE_UP = "waiting", "sent", "refused", "gave_up"


@dataclass(frozen=True, slots=True)
class Choice:
    """The contents of the next digest of a name: the articles' numbers, and the period they are chosen from."""

    numbers: tuple[int, ...]
    last_number: int  # the newest article to choose from; -1: there is none
    since: datetime
    first: bool  # whether this is the first digest of the name


@dataclass(frozen=True, slots=True)
class Delivery:
    """One digest to one recipient, claimed or put off until a moment."""

    digest: int
    recipient: str
    attempts: int  # so far, the present one included
    held_until: datetime


@dataclass(frozen=True, slots=True)
class Planned:
    """The next planned try of a waiting delivery, unless it is tried by hand; `next_attempt` None: by the next run."""

    digest: int
    recipient: str
    attempts: int
    next_attempt: datetime | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """The unsent deliveries: how many there are, and when the next is due (None: at once, or never)."""

    count: int
    next_attempt: datetime | None


async def choose(
    connection: AsyncConnection,
    name: str,
    *,
    now: datetime,
    since: datetime | None = None,
    topic: str | None = None,
    languages: Collection[str] = (),
    source_ids: Collection[str] | None = None,
) -> Choice:
    """Return the articles for the next digest of this name, in the order of their numbers.

    They came into the corpus after the last digest of the name, or since the moment `since`, and were in no earlier
    digest of it. `source_ids` None means every source. Store the choice in the same transaction.
    """
    last = (
        await connection.execute(
            select(digests.c.last_number, digests.c.created_at)
            .where(digests.c.name == name)
            .order_by(digests.c.id.desc())
            .limit(1)
        )
    ).first()
    start = since or (last.created_at if last else now - FIRST_LOOK_BACK)
    conditions: list[ColumnElement[bool]] = [
        ~exists().where(digest_articles.c.name == name, digest_articles.c.number == articles.c.number),
        _is_news(start),
        articles.c.url.is_not(None),  # adopted without facts: nothing to tell or to link to
    ]
    if last is None or since is not None:
        conditions.append(articles.c.appended_at >= start)
    else:
        conditions.append(articles.c.number > last.last_number)
    if topic is not None:
        conditions.append(articles.c.topic == topic)
    if languages:
        conditions.append(articles.c.language.in_(sorted(languages)))
    if source_ids is not None:
        conditions.append(articles.c.source_id.in_(sorted(source_ids)))
    rows = await connection.execute(select(articles.c.number).where(*conditions).order_by(articles.c.number))
    return Choice(tuple(rows.scalars()), await highest_number(connection), start, last is None)


def _is_news(start: datetime) -> ColumnElement[bool]:
    listed = exists().where(urls.c.key == articles.c.canonical_url, urls.c.window.is_not(None))
    undated = and_(articles.c.published.is_(None), articles.c.method.is_distinct_from("adopted"), ~listed)
    return or_(articles.c.published >= (start - OLDEST).date(), undated)


async def free_stem(connection: AsyncConnection, wanted: str) -> str:
    """Return `wanted`, or `wanted` with the first number from 2 on that no digest has."""
    taken = set((await connection.execute(select(digests.c.stem).where(digests.c.stem.startswith(wanted)))).scalars())
    number = 1
    while (stem := wanted if number == 1 else f"{wanted}-{number}") in taken:
        number += 1
    return stem


async def store_digest(
    connection: AsyncConnection,
    name: str,
    choice: Choice,
    *,
    now: datetime,
    stem: str,
    message_id: str,
    message: bytes,
    page: bytes,
    recipients: Collection[str],
) -> int:
    """Store a digest with its articles and a delivery to each recipient; return its id.

    A digest without message and page only marks how far the digests of this name have got.
    """
    values = {"name": name, "created_at": now, "last_number": choice.last_number, "message_id": message_id}
    result = await connection.execute(
        insert(digests).values(**values, stem=stem, message=message, page=page).returning(digests.c.id)
    )
    digest = int(result.scalar_one())
    if choice.numbers:
        rows = [{"name": name, "number": number, "digest": digest} for number in choice.numbers]
        await connection.execute(insert(digest_articles), rows)
    if recipients:
        waiting = [{"digest": digest, "recipient": recipient, "state": WAITING} for recipient in sorted(recipients)]
        await connection.execute(insert(deliveries), waiting)
    return digest


async def claim(connection: AsyncConnection, *, now: datetime) -> tuple[Delivery, bytes] | None:
    """Claim the next due delivery for the caller and return it with its message; None if no delivery is due."""
    found = (
        await connection.execute(
            select(deliveries.c.digest, deliveries.c.recipient, deliveries.c.attempts, digests.c.message)
            .join(digests, digests.c.id == deliveries.c.digest)
            .where(_is_due(now))
            .order_by(deliveries.c.digest, deliveries.c.recipient)
            .limit(1)
        )
    ).first()
    if found is None:
        return None
    delivery = Delivery(found.digest, found.recipient, found.attempts + 1, now + CLAIM)
    await _update(connection, delivery, attempts=delivery.attempts, next_attempt=delivery.held_until, reason=None)
    return delivery, found.message


async def call_all_again(connection: AsyncConnection) -> list[Planned]:
    """Make all waiting deliveries due at once, but for claimed ones. Return the plan that this replaces."""
    unclaimed = or_(deliveries.c.reason.is_not(None), deliveries.c.next_attempt.is_(None))
    waiting = and_(deliveries.c.state == WAITING, unclaimed)
    columns = (deliveries.c.digest, deliveries.c.recipient, deliveries.c.attempts, deliveries.c.next_attempt)
    planned = [Planned(*row) for row in await connection.execute(select(*columns).where(waiting))]
    await connection.execute(update(deliveries).where(waiting).values(next_attempt=None))
    return planned


async def keep_plan(connection: AsyncConnection, planned: Iterable[Planned]) -> None:
    """Restore the plan of deliveries that still wait, as if they had not been tried since."""
    for one in planned:
        put_off = deliveries.c.state == WAITING, deliveries.c.reason.is_not(None)
        ours = deliveries.c.digest == one.digest, deliveries.c.recipient == one.recipient
        values = {"attempts": one.attempts, "next_attempt": one.next_attempt}
        await connection.execute(update(deliveries).where(*ours, *put_off).values(**values))


async def call_again(connection: AsyncConnection, put_off: Iterable[Delivery]) -> None:
    """Make deliveries that the caller has put off due at once, unless another program has claimed them since."""
    for one in put_off:
        unchanged = deliveries.c.state == WAITING, deliveries.c.next_attempt == one.held_until
        await connection.execute(update(deliveries).where(*_key(one), *unchanged).values(next_attempt=None))


async def store_sent(connection: AsyncConnection, delivery: Delivery, *, now: datetime) -> None:
    """Note that the server has taken the mail."""
    await _update(connection, delivery, state=SENT, sent_at=now, next_attempt=None, reason=None)


async def store_refusal(connection: AsyncConnection, delivery: Delivery, reason: str) -> None:
    """Note that the server will never take the mail for this recipient."""
    await _update(connection, delivery, state=REFUSED, next_attempt=None, reason=reason)


async def store_failed(
    connection: AsyncConnection, delivery: Delivery, reason: str, *, now: datetime
) -> Delivery | None:
    """Note a try that failed for now. Return the delivery as it waits next, or None if it has waited long enough."""
    created = select(digests.c.created_at).where(digests.c.id == delivery.digest)
    if now - (await connection.execute(created)).scalar_one() > GIVE_UP_AFTER:
        await _update(connection, delivery, state=GAVE_UP, next_attempt=None, reason=reason)
        return None
    later = now + GAPS[min(delivery.attempts, len(GAPS)) - 1]
    await _update(connection, delivery, next_attempt=later, reason=reason)
    return Delivery(delivery.digest, delivery.recipient, delivery.attempts, later)


async def store_unreachable(connection: AsyncConnection, reason: str, *, now: datetime) -> list[Delivery | None]:
    """Note that the server could not be reached: all due deliveries fail. Return `store_failed`'s result for each."""
    columns = (deliveries.c.digest, deliveries.c.recipient, deliveries.c.attempts)
    rows = (await connection.execute(select(*columns).where(_is_due(now)))).all()
    put_off = []
    for row in rows:
        delivery = Delivery(row.digest, row.recipient, row.attempts + 1, now)
        await _update(connection, delivery, attempts=delivery.attempts)
        put_off.append(await store_failed(connection, delivery, reason, now=now))
    return put_off


async def withdraw(connection: AsyncConnection, readers: Mapping[str, Collection[str]]) -> int:
    """Give up waiting mails whose recipient no longer reads their digest; return how many there were.

    `readers` are the recipients of each digest by its name; a digest that is missing there has no recipients.
    """
    rows = await connection.execute(
        select(deliveries.c.digest, deliveries.c.recipient, digests.c.name)
        .join(digests, digests.c.id == deliveries.c.digest)
        .where(deliveries.c.state == WAITING)
    )
    gone = [row for row in rows if row.recipient not in readers.get(row.name, ())]
    for row in gone:
        ours = deliveries.c.digest == row.digest, deliveries.c.recipient == row.recipient
        values = {"state": GAVE_UP, "next_attempt": None, "reason": "taken off the list of recipients"}
        await connection.execute(update(deliveries).where(*ours, deliveries.c.state == WAITING).values(**values))
    return len(gone)


async def forget_old(connection: AsyncConnection, *, now: datetime) -> int:
    """Delete the mails and pages of a few old digests from the index; return how many there were.

    These digests are older than KEPT and have no waiting delivery. Their files and the list of their articles stay.
    """
    waiting = exists().where(deliveries.c.digest == digests.c.id, deliveries.c.state == WAITING)
    old = select(digests.c.id).where(
        digests.c.created_at < now - KEPT, or_(func.length(digests.c.message) > 0, func.length(digests.c.page) > 0)
    )
    ids = (
        (await connection.execute(old.where(~waiting).order_by(digests.c.id).limit(FORGOTTEN_AT_ONCE))).scalars().all()
    )
    await connection.execute(update(digests).where(digests.c.id.in_(ids)).values(message=b"", page=b""))
    return len(ids)


async def has_due(connection: AsyncConnection, *, now: datetime) -> bool:
    """Return whether a delivery is due."""
    return bool((await connection.execute(select(exists().where(_is_due(now))))).scalar())


async def count_waiting(connection: AsyncConnection) -> Waiting:
    """Return the number of unsent deliveries and the next due moment."""
    query = select(func.count(), func.min(deliveries.c.next_attempt)).where(deliveries.c.state == WAITING)
    count, next_attempt = (await connection.execute(query)).one()
    return Waiting(count, next_attempt)


def _is_due(now: datetime) -> ColumnElement[bool]:
    due = or_(deliveries.c.next_attempt.is_(None), deliveries.c.next_attempt <= now)
    return and_(deliveries.c.state == WAITING, due)


def _key(delivery: Delivery) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return deliveries.c.digest == delivery.digest, deliveries.c.recipient == delivery.recipient


async def _update(connection: AsyncConnection, delivery: Delivery, **values: object) -> None:
    await connection.execute(update(deliveries).where(*_key(delivery)).values(**values))
