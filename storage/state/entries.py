"""The stored state of feeds and of each URL that they ever named.

An entry is stored as pending in the same transaction as the feed's validators, so a pass that dies afterwards loses
nothing: the next pass takes up entries without an outcome. `storage.state.life` decides what becomes of each; here its
states are stored and asked for in SQL.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, delete, func, or_, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.period import Period
from extractors.records import Again, Counted, Entry, Outcome
from storage.index.dialects import by_code_point, in_chunks, insert_for
from storage.index.schema import EPOCH, feeds, sightings, urls
from storage.state.life import FARTHEST, OF_A_MOMENT, Life, after_change

_NUMBER = re.compile(r"\d+")
CHANGES_FOR = timedelta(days=3)  # later a headline is tidied up, and no news
MAY_CHANGE = (Outcome.APPENDED, *Outcome.which(Counted.OFF_TOPIC))
# Of no window. Written so that no planner takes the index of windows for it, where nearly all rows are.
IS_A_FEEDS = func.coalesce(urls.c.window, 0) == 0
OUTCOMES = {outcome.value: outcome for outcome in Outcome}
LIFE = (  # the columns of a `Life`
    urls.c.key, urls.c.outcome, urls.c.attempts, urls.c.next_attempt, urls.c.article, urls.c.published,
    urls.c.window, urls.c.looks, urls.c.first_seen,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FeedState:
    """The result of a feed's last polls: validators for the next poll, the body's hash, the failures in a row.

    `interval_s` is the time between polls that they suggest, `longest_s` the longest that surely misses no entry.
    """

    url: str
    etag: str | None = None
    last_modified: str | None = None
    body_hash: bytes | None = None
    failures: int = 0
    interval_s: int | None = None
    longest_s: int | None = None
    next_poll: datetime | None = None
    polled_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DueEntry:
    """An entry that a pass may take on; `look`: it has an article, whose page is looked at for a later text."""

    key: str
    url: str
    source_id: str
    published: datetime | None
    look: bool = False


@dataclass(frozen=True, slots=True)
class PendingEntry:
    """An entry that waits for its first or its next attempt; `attempts` have been made."""

    key: str
    source_id: str
    entry: Entry
    attempts: int
    archived_url: str | None = None  # a copy of its page, for when it is gone
    listed: bool = False  # only a backfill knows it: a page of another period is left out
    look: bool = False  # it has an article, see `DueEntry`


async def load_feed_states(connection: AsyncConnection, feed_urls: Sequence[str]) -> dict[str, FeedState]:
    """Return the remembered state of each feed; a new one's is empty."""
    columns = [feeds.c[field.name] for field in fields(FeedState)]
    rows = await connection.execute(select(*columns).where(feeds.c.url.in_(feed_urls)))
    known = {row.url: FeedState(*row) for row in rows}
    return {url: known.get(url, FeedState(url)) for url in feed_urls}


async def store_poll(connection: AsyncConnection, state: FeedState, *, source_id: str, now: datetime) -> None:
    """Store a successful poll. Call only in the transaction that stores its entries: with these validators the server
    sends only newer entries.
    """
    values = {"polled_at": now, "succeeded_at": now, "error": None, **_kept(state, source_id)}
    await _upsert_feed(connection, state.url, values)


async def store_failed_poll(
    connection: AsyncConnection, state: FeedState, *, source_id: str, error: str, now: datetime
) -> None:
    """Store that a poll failed; the validators stay those of the last body whose entries are stored."""
    values = {"polled_at": now, "error": error, **_kept(state, source_id)}
    await _upsert_feed(connection, state.url, values)


def _kept(state: FeedState, source_id: str) -> dict[str, Any]:
    names = [field.name for field in fields(state) if field.name not in ("url", "polled_at")]
    return {"source_id": source_id, **{name: getattr(state, name) for name in names}}


@dataclass(frozen=True, slots=True)
class FailingFeed:
    """A feed whose last poll failed, and that was read before."""

    url: str
    succeeded_at: datetime
    polled_at: datetime
    error: str


async def load_failing(connection: AsyncConnection, feed_urls: Sequence[str]) -> list[FailingFeed]:
    """Return those of the feeds whose last poll failed; leave out feeds that were never read."""
    found: list[FailingFeed] = []
    for some in in_chunks(feed_urls):
        query = select(feeds.c.url, feeds.c.succeeded_at, feeds.c.polled_at, feeds.c.error).where(
            feeds.c.url.in_(some), feeds.c.error.is_not(None), feeds.c.succeeded_at.is_not(None)
        )
        found += [FailingFeed(*row) for row in await connection.execute(query.order_by(feeds.c.url))]
    return found


async def store_entries(
    connection: AsyncConnection,
    source_id: str,
    entries: Sequence[tuple[str, Entry]],
    *,
    now: datetime,
    imported: bool = False,
) -> int:
    """Record a feed's entries as pending, unless their URL is known already. Return how many are new.

    Entries that only a backfill knew belong to the monitor from now on, whatever their date; not so if they are
    `imported` and no feed's.
    """
    new = 0
    for some in in_chunks(entries):
        entry_of = dict(reversed(some))
        rows = [entry_row(key, entry, source_id, now) for key, entry in reversed(entry_of.items())]
        result = await connection.execute(
            insert_for(connection, urls).on_conflict_do_nothing().returning(urls.c.key), rows
        )
        added = {key: entry_of[key] for (key,) in result}
        for key in await _known_by_guid(connection, added):
            del added[key], entry_of[key]
        new += len(added)
        seen = [
            {"key": key, "feed_url": entry.feed_url, "seen_at": now, "guid": _guid(entry)}
            for key, entry in entry_of.items()
        ]
        await connection.execute(insert_for(connection, sightings).on_conflict_do_nothing(), seen)
        if not imported:
            await _take_over(connection, list(entry_of))
            await _note_changes(connection, {key: e for key, e in entry_of.items() if key not in added}, now)
    return new


async def _note_changes(connection: AsyncConnection, known: Mapping[str, Entry], now: datetime) -> None:
    """Have the pages of young articles looked at again whose feed gives them another headline or a later date."""
    young = (urls.c.key.in_(list(known)), urls.c.decided_at > now - CHANGES_FOR, urls.c.next_attempt.is_(None))
    query = select(*LIFE, urls.c.title, urls.c.decided_at).where(*young, urls.c.outcome.in_(MAY_CHANGE))
    # Some feeds date all their entries anew whenever they are made: that says nothing of any of them.
    dates = [entry.published for entry in known.values() if entry.published is not None]
    stamped = len(dates) > 1 and len(set(dates)) == 1
    looks: dict[str, Life] = {}
    titles: dict[str, str | None] = {}
    for row in await connection.execute(query):
        entry, life = known[row.key], life_of(row)
        headline = entry.title is not None and entry.title != row.title
        newest = max(row.published or EPOCH, row.decided_at)
        redated = not stamped and entry.published is not None and entry.published > newest
        after = after_change(life, headline=headline, now=now) if headline or redated else life
        if after != life:
            looks[row.key], titles[row.key] = after, entry.title
    await store_looks(connection, looks)
    for key, title in titles.items():
        await connection.execute(update(urls).where(urls.c.key == key).values(title=title))


async def _known_by_guid(connection: AsyncConnection, added: Mapping[str, Entry]) -> set[str]:
    """Delete new entries that their feed has named before under an address with other numbers; return their keys.

    Some sites put another number into the same link at each poll. The guid tells: together with headline, date and all
    of the address but its numbers, since other feeds give one guid to many entries.
    """
    by_guid = {(entry.feed_url, _guid(entry)): key for key, entry in added.items() if _guid(entry) and entry.title}
    columns = (sightings.c.key, sightings.c.feed_url, sightings.c.guid, urls.c.title, urls.c.published)
    query = select(*columns).join(urls, urls.c.key == sightings.c.key)
    query = query.where(
        sightings.c.feed_url.in_({feed_url for feed_url, _ in by_guid}), sightings.c.guid.in_({g for _, g in by_guid})
    )
    known: set[str] = set()
    for row in await connection.execute(query) if by_guid else ():
        key = by_guid.get((row.feed_url, row.guid))
        if key is None or (row.title, row.published) != (added[key].title, added[key].published):
            continue
        if _NUMBER.sub("#", row.key) == _NUMBER.sub("#", key):
            known.add(key)
    await connection.execute(delete(urls).where(urls.c.key.in_(known)))
    return known


def _guid(entry: Entry) -> str | None:
    """Return the entry's guid, if it is not its address once more."""
    return entry.guid if entry.guid != entry.url else None


async def _take_over(connection: AsyncConnection, keys: Sequence[str]) -> None:
    """Store `storage.state.life.after_naming` for all of these entries."""
    ours = update(urls).where(urls.c.key.in_(keys), urls.c.article.is_(None))
    ended = and_(urls.c.window.is_not(None), is_final(), urls.c.outcome.in_(OF_A_MOMENT))
    anew = {"outcome": None, "next_attempt": None, "attempts": 0, "looks": 0}
    again = ours.where(or_(urls.c.outcome == Outcome.OUTSIDE, ended))
    await connection.execute(again.values(window=None, backfilled=False, **anew))
    await connection.execute(ours.where(urls.c.window.is_not(None), is_waiting()).values(window=None, backfilled=False))


async def load_due(connection: AsyncConnection, source_ids: Iterable[str], *, now: datetime) -> list[DueEntry]:
    """Return the entries of these sources that a monitor may take on, oldest and undated first."""
    ids = set(source_ids)
    columns = (urls.c.key, urls.c.url, urls.c.source_id, urls.c.published, urls.c.article, urls.c.first_seen)
    ours = select(*columns).where(IS_A_FEEDS)
    # Two queries, each by an index of its own: few entries of all sources have a next attempt.
    untried = ours.where(urls.c.source_id.in_(ids), _is_untried())
    both = union_all(untried, ours.where(urls.c.next_attempt.is_not(None), _is_time(now))).subquery()
    order = (both.c.first_seen, both.c.published.nulls_first(), by_code_point(both.c.key))
    rows = await connection.execute(select(both).order_by(*order))
    return [
        DueEntry(row.key, row.url, row.source_id, row.published, row.article is not None)
        for row in rows
        if row.source_id in ids
    ]


async def load_pending(
    connection: AsyncConnection, keys: Sequence[str], *, now: datetime, period: Period | None = None
) -> list[PendingEntry]:
    """Return the entries that are still due, in the order given: another run may have settled some meanwhile."""
    rows: dict[str, PendingEntry] = {}
    for some in in_chunks(keys):
        query = select(urls).where(urls.c.key.in_(some), is_due(now, period))
        for row in await connection.execute(query):
            entry = Entry(row.url, row.feed_url, row.title, row.summary, row.published, row.content)
            listed, look = row.window is not None, row.article is not None
            rows[row.key] = PendingEntry(
                row.key, row.source_id, entry, row.attempts, row.archived_url, listed=listed, look=look
            )
    return [rows[key] for key in keys if key in rows]


async def still_due(
    connection: AsyncConnection, keys: Collection[str], *, now: datetime, period: Period | None = None
) -> set[str]:
    """Return only the keys of the entries that `load_pending` would load."""
    found: set[str] = set()
    for some in in_chunks(sorted(keys)):
        query = select(urls.c.key).where(urls.c.key.in_(some), is_due(now, period))
        found.update((await connection.execute(query)).scalars())
    return found


def is_due(now: datetime, period: Period | None = None) -> ColumnElement[bool]:
    """Return `Life.is_due` as a condition.

    With the `period` of a backfill also for entries of its days that lay outside an earlier backfill's period.
    """
    due = or_(_is_untried(), _is_time(now))
    if period is None:
        return due
    of_its_days = urls.c.outcome.in_(Outcome.which(Again.OF_ITS_DAYS))
    return or_(due, and_(of_its_days, urls.c.day.between(period.first, period.last)))


def is_waiting() -> ColumnElement[bool]:
    """Return `Life.is_waiting` as a condition."""
    return and_(urls.c.article.is_(None), or_(urls.c.outcome.is_(None), urls.c.next_attempt.is_not(None)))


def is_final() -> ColumnElement[bool]:
    """Return `Life.is_final` as a condition."""
    left = urls.c.outcome.in_(Outcome.which(Again.OF_ITS_DAYS))
    return and_(urls.c.outcome.is_not(None), ~left, urls.c.next_attempt.is_(None))


def _is_untried() -> ColumnElement[bool]:
    return and_(urls.c.outcome.is_(None), urls.c.next_attempt.is_(None))


def _is_time(now: datetime) -> ColumnElement[bool]:
    return or_(urls.c.next_attempt <= now, urls.c.next_attempt > now + FARTHEST)


async def count_pending(connection: AsyncConnection, source_ids: Iterable[str]) -> int:
    """Return how many entries of these sources a later pass will try: not tried yet, or with attempts left."""
    ids = set(source_ids)
    ours = (IS_A_FEEDS, func.coalesce(urls.c.article, -1) == -1)
    untried = select(func.count()).where(*ours, urls.c.source_id.in_(ids), urls.c.outcome.is_(None))
    again = select(urls.c.source_id).where(*ours, urls.c.next_attempt.is_not(None), urls.c.outcome.is_not(None))
    number = sum(source_id in ids for source_id in (await connection.execute(again)).scalars())
    return int((await connection.execute(untried)).scalar_one()) + number


async def load_lives(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, Life]:
    """Return the states of these addresses; leave out unknown ones."""
    found: dict[str, Life] = {}
    for some in in_chunks(keys):
        rows = await connection.execute(select(*LIFE).where(urls.c.key.in_(some)))
        found |= {row.key: life_of(row) for row in rows}
    return found


def life_of(row: Row[Any]) -> Life:
    """Return the state in a row that has the columns of LIFE."""
    return Life(
        outcome=None if row.outcome is None else OUTCOMES[row.outcome], attempts=row.attempts,
        next_attempt=row.next_attempt, article=row.article, published=row.published, listed=row.window is not None,
        looks=row.looks, first_seen=row.first_seen,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settled:
    """The state of the entry `key` after an attempt, and the grounds of the decision."""

    key: str
    outcome: Outcome
    reason: str
    attempts: int
    next_attempt: datetime | None = None
    article: int | None = None
    words: int | None = None  # of the text; None: there was none
    dated: bool | None = None
    day: date | None = None
    details: dict[str, Any] | None = None
    looks: int = 0


async def store_outcomes(connection: AsyncConnection, settled: Sequence[Settled], *, now: datetime) -> None:
    """Store how entries ended. A feed's full text is kept only while it may be needed."""
    names = [field.name for field in fields(Settled) if field.name != "key"]
    values = {name: bindparam(f"its_{name}", type_=urls.c[name].type) for name in names}
    statement = update(urls).where(urls.c.key == bindparam("its_key"))
    statement = statement.values(**values, decided_at=now)
    for again in (False, True):
        rows = [
            {f"its_{field.name}": getattr(one, field.name) for field in fields(one)}
            | {"its_outcome": one.outcome.value}
            for one in settled
            if (one.next_attempt is not None and one.article is None) == again
        ]
        if rows:
            await connection.execute(statement if again else statement.values(content=None), rows)


async def store_looks(connection: AsyncConnection, lives: Mapping[str, Life]) -> None:
    """Store when pages are looked at again, or that they have been; their outcomes stay."""
    statement = update(urls).where(urls.c.key == bindparam("its_key"))
    names = ("attempts", "next_attempt", "looks")
    statement = statement.values({name: bindparam(f"its_{name}", type_=urls.c[name].type) for name in names})
    if rows := [
        {"its_key": key, **{f"its_{name}": getattr(life, name) for name in names}} for key, life in lives.items()
    ]:
        await connection.execute(statement, rows)


async def _upsert_feed(connection: AsyncConnection, url: str, values: dict[str, Any]) -> None:
    # Nearly always there is a row; and SQLAlchemy compiles each upsert anew, which takes longer than all the rest.
    if (await connection.execute(update(feeds).where(feeds.c.url == url).values(**values))).rowcount:
        return
    statement = insert_for(connection, feeds).values(url=url, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=[feeds.c.url], set_=values))


def entry_row(key: str, entry: Entry, source_id: str, now: datetime) -> dict[str, Any]:
    """Return the row of `urls` for an entry that is new."""
    return {
        "key": key, "url": entry.url, "source_id": source_id, "feed_url": entry.feed_url, "title": entry.title,
        "summary": entry.summary, "content": entry.content, "published": entry.published, "first_seen": now,
        "attempts": 0,
    }  # fmt: skip
