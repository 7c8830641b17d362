"""The outbox: the articles of each digest, and the state of its delivery to each recipient.

The contents of a digest are chosen and stored, with the whole mail, in the transaction of one `Database.write`. All
that follows (files, sending) starts from these rows and may be repeated. A delivery is claimed before a try, for longer
than a try can take, so that two programs never send the same mail; a claim that a crash leaves behind runs out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.records import Outcome
from storage.index.dialects import in_chunks
from storage.index.removed import highest_number
from storage.index.schema import articles, deliveries, digest_articles, digests, urls

FIRST_LOOK_BACK = timedelta(days=1)  # for the first digest of a name, unless it is told more
OLDEST = timedelta(days=7)  # of the news among what backfills and imports bring, when they bring it
BROUGHT = ("imported", "adopted")  # methods of articles that no feed has named
LATE = timedelta(days=30)  # how long an article that was left out may still come to fit
CLAIM = timedelta(minutes=10)
# Waits after each failed try; the last is repeated.
GAPS = tuple(timedelta(minutes=minutes) for minutes in (2, 5, 15, 30, 60, 120))
GIVE_UP_AFTER = timedelta(days=5)  # RFC 5321, section 4.5.4.1: at least four to five days
IDLE = timedelta(days=10)  # after a planned try: nobody was at work since, or the clock was wrong then, or is now
KEPT = timedelta(days=365)  # of the mails and pages in the index
FORGOTTEN_AT_ONCE = 20  # digests, of a few hundred kilobytes each
AGAIN = "again:"  # before the name of a digest that was made again: it tells nothing new, and nobody is off its list
WAITING, SENT, REFUSED, GAVE_UP = "waiting", "sent", "refused", "gave_up"


@dataclass(frozen=True, slots=True)
class Choice:
    """The contents of the next digest of a name: the articles' numbers, and the period they are chosen from."""

    numbers: tuple[int, ...]
    last_number: int  # the newest article to choose from; -1: there is none
    since: datetime
    first: bool  # whether this is the first digest of the name
    after_number: int = -1  # the digests of the name take in articles after this one
    partial: bool = False  # narrowed or widened by hand: the next one goes on where the last whole one ended
    brought: tuple[date | None, ...] = ()  # the days of what backfills and imports have brought since, and is no news


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
    is_of_country: Callable[[str, str], bool] | None = None,
    look_back: timedelta = FIRST_LOOK_BACK,
) -> Choice:
    """Return the articles for the next digest of this name, in the order of their numbers.

    A digest is a set: what has come into the corpus since the first digest of the name, and is in none of them. What
    comes to fit only later, because another outlet prints it, has a month for it. `since` widens or narrows this one
    digest to what came after that moment, and moves nothing: what it leaves out is in the next one.
    `is_of_country` is given a source id and an address. Store the choice in the same transaction.
    """
    past = select(digests.c.last_number, digests.c.after_number, digests.c.created_at).where(digests.c.name == name)
    past = past.order_by(digests.c.id.desc()).limit(1)
    latest = (await connection.execute(past)).first()
    whole = (await connection.execute(past.where(~digests.c.partial))).first()
    start = since or (whole.created_at if whole else now - look_back)
    after = latest.after_number if latest else await _number_before(connection, now - look_back)
    number, appended_at = articles.c.number, articles.c.appended_at
    conditions: list[ColumnElement[bool]] = [
        ~exists().where(digest_articles.c.name == name, digest_articles.c.number == number),
        articles.c.url.is_not(None),  # adopted without facts: nothing to tell or to link to
        appended_at >= since if since is not None else number > after,
    ]
    if since is None and whole is not None:
        conditions.append(or_(number > whole.last_number, appended_at >= now - LATE))
    elif since is None and latest is None:
        conditions.append(appended_at >= start)
    if languages:
        conditions.append(articles.c.language.in_(sorted(languages)))
    rows = await candidates(connection, conditions, topic=topic, is_of_country=is_of_country)
    last = await highest_number(connection) if since is None else whole.last_number if whole else after
    news = tuple(row.number for row in rows if _is_news(row, since))
    told = set(news)
    known = whole.last_number if whole else -1
    brought = [row.published for row in rows if since is None and row.number > known and row.number not in told]
    return Choice(news, last, start, latest is None, after, since is not None, tuple(brought))


async def _number_before(connection: AsyncConnection, moment: datetime) -> int:
    """Return the number before the first article that was appended since the moment."""
    first = select(func.min(articles.c.number)).where(articles.c.appended_at >= moment)
    number = (await connection.execute(first)).scalar()
    return await highest_number(connection) if number is None else int(number) - 1


async def candidates(
    connection: AsyncConnection,
    conditions: Sequence[ColumnElement[bool]],
    *,
    topic: str | None = None,
    is_of_country: Callable[[str, str], bool] | None = None,
) -> Sequence[Row[Any]]:
    """Return the articles of these conditions that fit a digest, in the order of their numbers."""
    by_feed = exists().where(
        urls.c.article == articles.c.number, urls.c.outcome == Outcome.APPENDED, urls.c.window.is_(None)
    )
    listed = exists().where(
        urls.c.article == articles.c.number, urls.c.outcome == Outcome.APPENDED, urls.c.window.is_not(None)
    )
    columns = ("number", "published", "appended_at", "method", "topic", "topics", "source_id", "url")
    query = select(*(articles.c[name] for name in columns), by_feed.label("by_feed"), listed.label("listed"))
    rows = (await connection.execute(query.where(*conditions).order_by(articles.c.number))).all()
    if topic is not None:
        rows = [row for row in rows if topic in (row.topics or (row.topic,))]
    return rows if is_of_country is None else await _of_country(connection, rows, is_of_country)


def _is_news(row: Row[Any], since: datetime | None) -> bool:
    """Return whether an article is news: whatever the monitor has found; of what a backfill or an import has brought,
    what was at most a week old then. A wider digest takes what is at most a week older than it looks back.
    """
    own = row.method in BROUGHT
    if row.by_feed and not own:
        return True
    if row.published is None:
        return not row.listed and row.method != "adopted"
    oldest = row.appended_at if since is None else min(since, row.appended_at)
    return bool(row.published >= (oldest - OLDEST).date())


async def _of_country(
    connection: AsyncConnection, rows: Sequence[Row[Any]], is_of_country: Callable[[str, str], bool]
) -> list[Row[Any]]:
    """Return the articles that an outlet of the country has printed, first or later."""
    printed = {row.number: [(row.source_id or "", row.url)] for row in rows}
    for some in in_chunks(printed):
        query = select(urls.c.article, urls.c.source_id, urls.c.url).where(urls.c.article.in_(some))
        for page in await connection.execute(query):
            printed[page.article].append((page.source_id, page.url))
    return [row for row in rows if any(is_of_country(*page) for page in printed[row.number])]


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
    values |= {"after_number": choice.after_number, "partial": choice.partial}
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
            select(
                deliveries.c.digest,
                deliveries.c.recipient,
                deliveries.c.attempts,
                deliveries.c.first_try,
                deliveries.c.next_attempt,
                digests.c.message,
            )
            .join(digests, digests.c.id == deliveries.c.digest)
            .where(_is_due(now))
            .order_by(deliveries.c.digest, deliveries.c.recipient)
            .limit(1)
        )
    ).first()
    if found is None:
        return None
    delivery = Delivery(found.digest, found.recipient, found.attempts + 1, now + CLAIM)
    first_try = _first_try(found.first_try, found.next_attempt, now)
    await _update(
        connection, delivery, attempts=delivery.attempts, next_attempt=delivery.held_until, reason=None,
        first_try=first_try,
    )  # fmt: skip
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
    """Note a try that failed for now. Return the delivery as it waits next, or None if it was tried long enough."""
    first_try = (await connection.execute(select(deliveries.c.first_try).where(*_key(delivery)))).scalar_one()
    if first_try is not None and now - first_try > GIVE_UP_AFTER:
        await _update(connection, delivery, state=GAVE_UP, next_attempt=None, reason=reason)
        return None
    later = now + GAPS[min(delivery.attempts, len(GAPS)) - 1]
    await _update(connection, delivery, next_attempt=later, reason=reason)
    return Delivery(delivery.digest, delivery.recipient, delivery.attempts, later)


async def store_unreachable(connection: AsyncConnection, reason: str, *, now: datetime) -> list[Delivery | None]:
    """Note that the server could not be reached: all due deliveries fail. Return `store_failed`'s result for each."""
    names = ("digest", "recipient", "attempts", "first_try", "next_attempt")
    rows = (await connection.execute(select(*(deliveries.c[name] for name in names)).where(_is_due(now)))).all()
    put_off = []
    for row in rows:
        delivery = Delivery(row.digest, row.recipient, row.attempts + 1, now)
        first_try = _first_try(row.first_try, row.next_attempt, now)
        await _update(connection, delivery, attempts=delivery.attempts, first_try=first_try)
        put_off.append(await store_failed(connection, delivery, reason, now=now))
    return put_off


async def withdraw(connection: AsyncConnection, readers: Mapping[str, Collection[str]]) -> int:
    """Give up waiting mails whose recipient no longer reads their digest; return how many there were.

    `readers` are the recipients of each digest by its name; a digest that is missing there has no recipients.
    """
    rows = await connection.execute(
        select(deliveries.c.digest, deliveries.c.recipient, digests.c.name)
        .join(digests, digests.c.id == deliveries.c.digest)
        .where(deliveries.c.state == WAITING, ~digests.c.name.startswith(AGAIN))
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


def _first_try(first_try: datetime | None, planned: datetime | None, now: datetime) -> datetime:
    """Return when the tries of a mail began: now, if this one comes at a time that its plan does not lead to."""
    if first_try is None or (planned is not None and not planned - GAPS[-1] <= now <= planned + IDLE):
        return now
    return min(first_try, now)


def _is_due(now: datetime) -> ColumnElement[bool]:
    next_attempt = deliveries.c.next_attempt
    # A moment that no gap leads to was set under a wrong clock.
    due = or_(next_attempt.is_(None), next_attempt <= now, next_attempt > now + GAPS[-1])
    return and_(deliveries.c.state == WAITING, due)


def _key(delivery: Delivery) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return deliveries.c.digest == delivery.digest, deliveries.c.recipient == delivery.recipient


async def _update(connection: AsyncConnection, delivery: Delivery, **values: object) -> None:
    await connection.execute(update(deliveries).where(*_key(delivery)).values(**values))
