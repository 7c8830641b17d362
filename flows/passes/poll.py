"""The first stage: ask feeds what is new, and remember every entry before anything else is done with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from config.sources import Source
from extractors.archives.search import PAUSE
from extractors.feeds.intervals import (
    interval_after_failure_s,
    is_full_due,
    learnt_longest_s,
    next_interval_s,
    next_poll,
)
from extractors.feeds.jobs import IndexPart
from extractors.fetching.messages import ACCEPT_FEED, ACCEPT_PAGE, Response
from extractors.records import BY_NUMBER, Deferred, Entry, Feed, ItemError, Outcome
from extractors.text import counted
from extractors.urls import canonical_url
from flows.passes.context import Context
from flows.passes.sitemaps import Sitemaps, body_hash, is_cut, steps_beyond
from flows.passes.summary import SourceReport
from storage.state.entries import FeedState, store_entries, store_failed_poll, store_poll
from storage.state.hosts import store_hosts
from storage.state.site_pages import load_known_articles
from storage.state.sitemaps import PartState, are_articles, forget_steps, load_parts, store_parts


@dataclass(frozen=True, slots=True)
class Polled:
    """One feed's answer: entries under their canonical URL, None when nothing has changed, or the error."""

    source: Source
    state: FeedState  # for the next poll, once the entries are stored
    entries: tuple[tuple[str, Entry], ...] | None = None
    skipped: int = 0
    steps: tuple[tuple[str, Entry], ...] = ()  # with the numbers that follow a section's last known article
    found: int = 0  # articles among the steps of the last poll
    warning: str | None = None
    cache_control: str | None = None
    error: ItemError | None = None
    paused_until: datetime | None = None  # the host asked to be left alone until then: it was not asked
    # Of a sitemap: how many pages it lists, new and old (None: this is a feed); whether it is an index, which keeps
    # what it has listed; and what to remember of the sitemaps behind the address (None: no change).
    pages: int | None = None
    lasting: bool = False
    parts: tuple[PartState, ...] | None = None


async def poll(context: Context, feeds: Sequence[tuple[Source, FeedState]], reports: dict[str, SourceReport]) -> None:
    """Poll these feeds side by side and store all entries in one transaction; the results go into `reports`.

    Doing it twice adds nothing: an entry already known stays what it is.
    """
    async with context.corpus.database.read() as connection:
        known = await load_parts(connection, [state.url for _, state in feeds])
        articles = await load_known_articles(connection, [s.url for source, s in feeds if s.url in source.sections])
        stepped = {state.url: steps_beyond(source, known.get(state.url, ())) for source, state in feeds}
        tried = await are_articles(connection, [key for steps in stepped.values() for key in steps])
    answers = await asyncio.gather(
        *(
            _ask(
                context,
                source,
                state,
                known.get(state.url, ()),
                articles.get(state.url, ()),
                tuple(url for key, url in stepped[state.url].items() if tried.get(key)),
            )
            for source, state in feeds
        )
    )
    async with context.corpus.database.write() as connection:
        for answer in answers:
            new = await _store(connection, answer, now=context.now())
            _report(answer, new, reports[answer.source.id])
        await store_hosts(connection, context.client.take_changed_hosts())


async def end_walks(context: Context, feeds: Iterable[tuple[Source, FeedState]]) -> None:
    """Forget the numbers beyond the last article that are not there: the next look tries them as new.

    Those below it stay, and are tried again like any address; what another pass has in hand may be an article.
    """
    walked = {state.url: source for source, state in feeds if source.walk and state.url in source.sections}
    if not walked:
        return
    async with context.corpus.database.write() as connection:
        known = await load_parts(connection, list(walked))
        for feed_url, source in walked.items():
            steps = list(steps_beyond(source, known.get(feed_url, ())))
            tried = await are_articles(connection, steps)
            last = max((n for n, key in enumerate(steps) if key in tried and tried[key] is not False), default=-1)
            await forget_steps(connection, feed_url, steps[last + 1 :])


async def _store(connection: AsyncConnection, answer: Polled, *, now: datetime) -> int:
    """Remember one answer, with the time of the feed's next poll. Returns how many entries are new."""
    state, source_id = answer.state, answer.source.id
    if answer.paused_until is not None:  # the host's wish, and no failure
        state = replace(state, next_poll=answer.paused_until)
        await store_failed_poll(connection, state, source_id=source_id, error=str(answer.error), now=now)
        return 0
    if answer.error is not None:
        interval_s = interval_after_failure_s(state.interval_s, failures=state.failures, longest_s=state.longest_s)
        due = max(next_poll(now, interval_s), answer.error.retry_after or now)
        state = replace(state, failures=state.failures + 1, interval_s=interval_s, next_poll=due)
        await store_failed_poll(connection, state, source_id=source_id, error=str(answer.error), now=now)
        return 0
    entries = answer.entries or ()
    new = await store_entries(connection, source_id, entries, now=now)
    await store_entries(connection, source_id, answer.steps, now=now)
    if answer.parts is not None:
        await store_parts(connection, state.url, answer.parts)
    published = [entry.published for _, entry in entries] if answer.pages is None else [None] * answer.pages
    published += [None] * answer.found
    longest_s = None if answer.lasting else state.longest_s
    if not answer.lasting and (published or longest_s is not None):
        longest_s = learnt_longest_s(longest_s, published, new=new + answer.found, elapsed_s=_elapsed_s(state, now))
    interval_s = next_interval_s(state.interval_s, entries=len(published), new=new + answer.found, longest_s=longest_s)
    due = next_poll(now, interval_s, cache_control=answer.cache_control, longest_s=longest_s)
    state = replace(state, failures=0, interval_s=interval_s, longest_s=longest_s, next_poll=due)
    await store_poll(connection, state, source_id=source_id, now=now)
    return new


def _elapsed_s(state: FeedState, now: datetime) -> float | None:
    """Return the seconds since the last poll, or fewer; None if it failed or there was none."""
    if state.next_poll is None or state.interval_s is None or state.failures:
        return None
    return max(0.0, (now - state.next_poll).total_seconds() + state.interval_s)


def _report(answer: Polled, new: int, report: SourceReport) -> None:
    report.feeds += 1
    report.skipped += answer.skipped
    report.steps += len(answer.steps)
    report.error = report.error or answer.warning
    if answer.error is not None:
        report.failed_feeds += 1
        report.error = report.error or str(answer.error)
    elif answer.entries is None:
        report.unchanged_feeds += 1
    else:
        report.entries += len(answer.entries)
        report.new += new


async def _ask(
    context: Context,
    source: Source,
    state: FeedState,
    known: Sequence[PartState],
    articles: tuple[str, ...],
    found: tuple[str, ...],
) -> Polled:
    full = bool(state.failures) or is_full_due(state.url, state.polled_at, context.now(), longest_s=state.longest_s)
    etag, last_modified = (None, None) if full else (state.etag, state.last_modified)
    try:
        accept = ACCEPT_PAGE if state.url in source.sections else ACCEPT_FEED
        response = await context.client.fetch(state.url, accept=accept, etag=etag, last_modified=last_modified)
        fresh = state
        if response is not None:
            fresh = replace(
                state,
                etag=response.etag,
                last_modified=response.last_modified,
                body_hash=body_hash(response.body),
            )
        sitemaps = Sitemaps(context, source, state.url, {part.url: part for part in known}, articles, found)
        return await _read(sitemaps, state, fresh, response)
    except ItemError as error:
        return Polled(source, state, error=error)
    except Deferred as pause:
        detail = f"until {pause.until:%Y-%m-%d %H:%M} UTC"
        waiting = ItemError(Outcome.FAILED, PAUSE, url=state.url, detail=detail, retry_after=pause.until)
        return Polled(source, state, error=waiting, paused_until=pause.until)


async def _read(sitemaps: Sitemaps, state: FeedState, fresh: FeedState, response: Response | None) -> Polled:
    """Read an answer (None: not modified), together with the sitemaps that it leads to."""
    cache_control = response.cache_control if response else None
    source, known = sitemaps.source, sitemaps.known
    itself = sitemaps.known.get(state.url)
    found = None
    if response is not None and fresh.body_hash != state.body_hash:
        found = await sitemaps.parse(response, first=itself is None)
    if isinstance(found, Feed):
        if is_cut(found.warning):
            fresh = replace(fresh, etag=None, last_modified=None, body_hash=None)
        return replace(_polled(source, fresh, found), cache_control=cache_control, parts=() if known else None)
    if found is None and not known:
        return Polled(source, fresh, cache_control=cache_control)
    if found is not None and not found.parts and not found.pages:
        raise ItemError(Outcome.FAILED, "empty feed", url=state.url, detail="a sitemap that names nothing")
    is_index = bool(found.parts) if found is not None else itself is None
    if is_index:
        if found is not None and found.warning:
            sitemaps.warnings.append(found.warning)
        await sitemaps.read_index(found.parts if found else [IndexPart(part.url, part.rank) for part in known.values()])
    else:
        if found is not None and response is not None:
            sitemaps.take(IndexPart(state.url, rank=0), response, found)
        elif itself is not None:
            sitemaps.states[state.url] = itself
        await sitemaps.read_series()
        sitemaps.walk_on(found.last if found else None)
    return _polled_sitemaps(source, state, fresh, sitemaps, lasting=is_index, cache_control=cache_control)


def _polled(source: Source, state: FeedState, feed: Feed) -> Polled:
    entries: dict[str, Entry] = {}
    invalid = behind = 0
    for entry in feed.entries:
        try:
            first = entries.setdefault(canonical_url(entry.url), replace(entry, feed_url=state.url))
        except ValueError:
            invalid += 1
        else:
            behind += first.url != entry.url and first.url.partition("#")[0] == entry.url.partition("#")[0]
    guids = {entry.guid for entry in feed.entries}
    same_guid = len(feed.entries) > 1 and len(guids) == 1 and None not in guids
    one = f"{counted(behind, 'entry')} more on pages that others name, told apart behind # only" if behind else None
    return Polled(
        source,
        state,
        tuple(entries.items()),
        skipped=feed.skipped + invalid + behind,
        warning="; ".join(filter(None, (feed.warning or ("every entry has the same guid" if same_guid else None), one)))
        or None,
    )


def _polled_sitemaps(
    source: Source, state: FeedState, fresh: FeedState, sitemaps: Sitemaps, *, lasting: bool, cache_control: str | None
) -> Polled:
    """Return the result of the sitemaps. An index counts as unread while a part cannot be read: it is asked again."""
    warnings = [*sitemaps.warnings, *(f"{error.url}: {error}" for error in sitemaps.failed)]
    return Polled(
        source,
        state if sitemaps.failed else fresh,
        tuple(sitemaps.entries.items()) if sitemaps.changed else None,
        skipped=sitemaps.skipped,
        steps=tuple((key, Entry(url, state.url, guid=BY_NUMBER)) for key, url in sitemaps.steps.items()),
        found=len(sitemaps.found),
        warning="; ".join(dict.fromkeys(warnings)) or None,
        cache_control=cache_control,
        pages=sitemaps.pages,
        lasting=lasting,
        parts=tuple(sitemaps.states.values()) if sitemaps.changed or sitemaps.advanced else None,
    )
