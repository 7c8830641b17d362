"""The one state of each source, which every surface shows: tables, pages, digests and JSON ask here.

It is told by the flags that the last pass has stored (`storage.health.sources`) and by the last answers of the feeds.
So all surfaces agree until the next pass, whenever they are asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from config.sources import Source
from storage.health.sources import FAILING, OLD_RULE, REDESIGNED, REFUSED, SILENT
from storage.index.schema import feeds, flags, urls

QUIET_AFTER = timedelta(days=1)  # without anything new; from when on it is silent, its own rhythm says


class State(StrEnum):
    """The state of a source: the stored value, and the words for people."""

    OK = "ok", "ok"
    QUIET = "quiet", "quiet as usual"
    SILENT = SILENT, "silent"
    FAILING = FAILING, "failing"
    REFUSED = REFUSED, "its pages are refused"
    NEVER = "never", "never read"
    REDESIGNED = REDESIGNED, "redesigned"
    OLD_RULE = OLD_RULE, "its rule is outdated"
    UNWATCHED = "unwatched", "read by backfills only"
    OFF = "off", "off"

    words: str

    def __new__(cls, value: str, words: str = "") -> State:
        """Make a member from a line of the table."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.words = words
        return member


WELL = (State.OK, State.QUIET, State.UNWATCHED, State.OFF)
BY_WEIGHT = (State.FAILING, State.REFUSED, State.REDESIGNED, State.OLD_RULE, State.SILENT)  # of several, the first


@dataclass(frozen=True, slots=True)
class SourceState:
    """The state of a source. `since`: its beginning as far as it is known, for a failing source the last success.

    `error` is the last one of its feeds, in words; None: each answered when it was last asked. `why` says what else
    there is to say about the state.
    """

    source_id: str
    state: State
    since: datetime | None = None
    error: str | None = None
    why: str = ""
    last_success: datetime | None = None

    @property
    def needs_look(self) -> bool:
        """Whether something is wrong with the source."""
        return self.state not in WELL

    @property
    def reason(self) -> str:
        """What there is to say about the state: why it is so, or else the last error."""
        return self.why or self.error or ""

    def told(self, zone: tzinfo) -> str:
        """Return the state in words, with its beginning in `zone`."""
        return (
            f"{self.state.words} since {self.since.astimezone(zone):%Y-%m-%d %H:%M}" if self.since else self.state.words
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON values."""
        since = self.since.isoformat(timespec="seconds") if self.since else None
        return {"state": self.state.value, "since": since, "error": self.error, "why": self.why}


async def load_states(
    connection: AsyncConnection, sources: Sequence[Source], *, now: datetime
) -> dict[str, SourceState]:
    """Return the state of each of these sources, in their order."""
    watched = {feed: source.id for source in sources for feed in source.watched}
    answers: dict[str, list[Any]] = defaultdict(list)
    for row in await connection.execute(select(feeds).order_by(feeds.c.url)):
        if row.url in watched:
            answers[watched[row.url]].append(row)
    ids = [source.id for source in sources]
    raised: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in await connection.execute(select(flags).where(flags.c.source_id.in_(ids))):
        raised[row.source_id][row.flag] = row
    news = await _last_news(connection, [source.id for source in sources if source.enabled], now - QUIET_AFTER)
    return {
        source.id: state_of(source, answers[source.id], raised[source.id], news.get(source.id)) for source in sources
    }


def state_of(
    source: Source, answers: Sequence[Any], raised: Mapping[str, Any], quiet_since: datetime | None
) -> SourceState:
    """Return the state by the rows of its feeds, those of its flags, and since when there was nothing new."""
    success = max((row.succeeded_at for row in answers if row.succeeded_at), default=None)
    error = next((row.error for row in answers if row.error), None)

    def state(state: State, since: datetime | None = None, why: str = "") -> SourceState:
        return SourceState(source.id, state, since, error, why, success)

    if not source.enabled:
        return state(State.OFF, why=source.note or "")
    if not source.watched:
        return state(State.UNWATCHED)
    if success is None:
        return state(State.NEVER)
    if answers and all(row.failures for row in answers):
        return state(State.FAILING, success, raised[FAILING].why if FAILING in raised else "")
    for one in BY_WEIGHT:
        if one in raised:
            return state(one, raised[one].since, raised[one].why)
    return state(State.QUIET, quiet_since) if quiet_since else state(State.OK)


async def _last_news(connection: AsyncConnection, ids: Collection[str], since: datetime) -> dict[str, datetime]:
    """Return when there was last something new of the sources without anything new since this moment."""
    found = urls.c.source_id, urls.c.first_seen, urls.c.window
    recent = select(urls.c.source_id).where(
        urls.c.source_id.in_(list(ids)), urls.c.first_seen > since, urls.c.window.is_(None)
    )
    lively = set((await connection.execute(recent.distinct())).scalars())
    last: dict[str, datetime] = {}
    for source_id in set(ids) - lively:
        query = select(*found).where(urls.c.source_id == source_id, urls.c.window.is_(None))
        row = (await connection.execute(query.order_by(urls.c.first_seen.desc()).limit(1))).first()
        if row is not None:
            last[source_id] = row.first_seen
    return last
