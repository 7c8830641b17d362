"""The chosen articles as a digest shows them: events in their places, state of the sources, figures.

`storage.digests` chooses the articles, `flows.digest.ranking` their order.

Pure records, and one loader. Texts are clean here: one line, nothing invisible, of bounded length; addresses are http
or https, or None. `flows.digest.render` decides how it looks.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from config.sources import Source
from extractors.period import Period, each_day
from extractors.topic.country import OTHER
from extractors.urls import without_tracking
from flows.clean import MAX_NAME, clean, link, pattern_of, readable
from flows.digest.ranking import REGION_FIRST, arranged, country_of
from flows.digest.records import Also, Brought, Content, Edition, Event, Figure, HealthNote, Running, Story
from flows.digest.sentences import first_sentences
from flows.digest.week import COUNTRIES, OUTLETS, figures_of, weeks_until
from flows.digest.words import words_of
from storage.digests.facts import (
    DigestArticle,
    Reprint,
    load_articles,
    load_counted,
    load_days,
    load_events,
    load_passes,
    load_reprints,
    load_tellings,
    load_told_before,
)
from storage.health.states import SourceState, load_states
from storage.search.timeline import LATE

DAYS = 30  # in the figures
MOST_DAYS = 92  # of a period
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_PERIOD = timedelta(days=1)  # whose passes the first digest counts
MAX_TITLE = 300  # characters; a headline is shorter
MAX_WHY = 200
MAX_LINK_ALSO = 300  # where there may be many
TERMS = (2, 2, 1)  # shown of the groups in their order: first those that an article must have
_COUNTED = ("new", "appended", "duplicates", "off_topic", "failed")


async def load_content(
    connection: AsyncConnection,
    numbers: Sequence[int],
    edition: Edition,
    *,
    now: datetime,
    since: datetime | None,
    sources: Mapping[str, Source],
    brought: Brought | None = None,
    period: Period | None = None,
) -> Content:
    """Return the content of a digest of articles `numbers`; `since`: the last digest's time.

    Numbers without an article are passed over. A digest of a `period` shows the days of the period, and says neither
    what goes on nor what was found late: all of it is past.
    """
    zone = edition.zone
    local = now.astimezone(zone)
    shown = _shown_days(period, local.date())
    found = await load_articles(connection, numbers)
    oldest = min((article.appended_at for article in found), default=now)
    reprints = await load_reprints(connection, numbers, sources=list(sources), since=oldest)
    event_of = await load_events(connection, numbers)
    told_before = {} if period else await load_told_before(connection, edition.name, numbers)
    running = {
        event: Running((local.date() - first_told.astimezone(zone).date()).days + 1, stem)
        for event, (first_told, stem) in told_before.items()
    }
    maker = _Maker(edition, sources, reprints, await load_tellings(connection, numbers), event_of, running)
    main, sections, late, borderline = arranged(maker.events(found), with_late=period is None)
    days = await load_days(connection, shown.first, shown.last)
    by_country: Counter[str | None] = Counter()
    for (_, source_id), count in days.items():
        by_country[_home(source_id, sources)] += count
    passes = await load_passes(connection, since or now - FIRST_PERIOD, now)
    return Content(
        title=clean(edition.title, MAX_NAME),
        frame=edition.frame,
        now=local,
        since=since.astimezone(zone) if since else None,
        articles=len(found),
        outlets=len({article.source_id for article in found}),
        zone=str(zone),
        main=main,
        sections=sections,
        late=late,
        borderline=borderline,
        brought=brought if brought and brought.articles else None,
        period=period,
        figures=await _figures(connection, edition, sources, local.date()) if edition.weekly and not period else (),
        days=tuple(_filled(days, shown)),
        by_country=tuple(sorted(by_country.items(), key=lambda pair: (-pair[1], pair[0] or "~"))),
        health=tuple(_notes(await load_states(connection, list(sources.values()), now=now), sources, zone)),
        sources=sum(source.enabled for source in sources.values()),
        passes=len(passes),
        counts=tuple(_counts(passes)),
    )


def _shown_days(period: Period | None, today: date) -> Period:
    """Return the days of the bars: the last DAYS, or those of the period, the last MOST_DAYS of them."""
    if period is None:
        return Period(today - timedelta(days=DAYS - 1), today)
    return Period(max(period.first, period.last - timedelta(days=MOST_DAYS - 1)), period.last)


async def _figures(
    connection: AsyncConnection, edition: Edition, sources: Mapping[str, Source], today: date
) -> tuple[Figure, ...]:
    words = words_of(edition.frame)

    def name_of(subject: str, value: str) -> str:
        if subject == OUTLETS:
            return _outlet(value, None, sources)
        return words.country_name(value) if subject == COUNTRIES else readable(value)

    time = weeks_until(today)
    return figures_of(await load_counted(connection, time.first, time.last), today, sources, name_of)


@dataclass(frozen=True, slots=True)
class _Maker:
    """What the events of a digest are made from, beside its articles."""

    edition: Edition
    sources: Mapping[str, Source]
    reprints: Iterable[Reprint]
    tellings: Iterable[tuple[int, int]]  # pairs of articles on one story
    event_of: Mapping[int, int]
    running: Mapping[int, Running]  # by event

    def events(self, found: Sequence[DigestArticle]) -> Iterator[Event]:
        """Yield the events: what tells one story or reports one event stands together."""
        elsewhere: defaultdict[int, list[Reprint]] = defaultdict(list)
        for reprint in self.reprints:
            elsewhere[reprint.number].append(reprint)
        for family in self._families(found):
            stories = self._ordered(family)
            pages = [page for article in family for page in elsewhere[article.number]]
            event = min(self.event_of.get(article.number, article.number) for article in family)
            yield Event(stories, self._also(stories[0], family, pages), country_of(stories), self.running.get(event))

    def _families(self, found: Sequence[DigestArticle]) -> Iterator[list[DigestArticle]]:
        """Yield the articles of each event together; borderline ones by themselves, for they may be about nothing."""
        root = {article.number: article.number for article in found}
        founder: dict[int, int] = {}
        event_pairs = []
        for article in found:
            if not article.borderline and (event := self.event_of.get(article.number)) is not None:
                event_pairs.append((article.number, founder.setdefault(event, article.number)))
        for pair in (*self.tellings, *event_pairs):
            first, second = (_root(root, number) for number in pair if number in root)
            root[max(first, second)] = min(first, second)
        families: defaultdict[int, list[DigestArticle]] = defaultdict(list)
        for article in found:
            families[_root(root, article.number)].append(article)
        yield from families.values()

    def _ordered(self, family: Sequence[DigestArticle]) -> tuple[Story, ...]:
        """Return the stories, the reader's language first, then what is surely on topic, then by score."""
        frame = self.edition.frame
        ordered = sorted(family, key=lambda a: (a.borderline, a.language != frame, -a.score, a.number))
        return tuple(self._story(article) for article in ordered)

    def _story(self, article: DigestArticle) -> Story:
        edition, home = self.edition, _home(article.source_id, self.sources)
        country = article.country if article.country not in (None, OTHER) else home
        sentences = first_sentences(article.paragraphs, title=article.title, language=article.language)
        room = f"{edition.browse_url.rstrip('/')}/article/{article.number}" if edition.browse_url else None
        return Story(
            number=article.number,
            title=clean(article.title or "", MAX_TITLE) or None,
            url=link(without_tracking(article.url)) if article.url else None,
            outlet=_outlet(article.source_id, article.url, self.sources),
            home=home,
            country=country if country in REGION_FIRST else None,
            language=article.language if article.language and article.language.isalpha() else None,
            day=article.published,
            sentences=clean(sentences, 2 * MAX_TITLE),
            terms=_terms(article),
            score=article.score,
            threshold=edition.thresholds.get(article.topic or ""),
            borderline=article.borderline,
            late=article.published is not None and article.appended_at.date() - article.published > LATE,
            room=link(room),
        )

    def _also(self, lead: Story, family: Sequence[DigestArticle], pages: Iterable[Reprint]) -> tuple[Also, ...]:
        """Return an entry for each outlet that has only reprinted what the event's own articles say."""
        own = {(article.source_id, article.language) for article in family} | {(a.source_id, None) for a in family}
        printed: defaultdict[tuple[str, str | None], list[Reprint]] = defaultdict(list)
        for page in pages:
            if (page.source_id, page.language) not in own:
                outlet, home = _outlet(page.source_id, page.url, self.sources), _home(page.source_id, self.sources)
                printed[outlet, home].append(page)
        found = []
        for (outlet, home), its in printed.items():
            languages = {page.language for page in its}
            language = its[0].language if len(languages) == 1 and its[0].language != lead.language else None
            address = link(without_tracking(its[0].url), MAX_LINK_ALSO)
            found.append(Also(outlet, address, language, len(its), home))
        return tuple(found)


def _root(root: dict[int, int], number: int) -> int:
    while root[number] != number:
        root[number] = number = root[root[number]]
    return number


def _outlet(source_id: str | None, url: str | None, sources: Mapping[str, Source]) -> str:
    if source_id is not None and source_id in sources:
        return clean(sources[source_id].name, MAX_NAME)
    checked = link(url)
    host = (urlsplit(checked).hostname or "").removeprefix("www.") if checked else ""
    return clean(host or source_id or "?", MAX_NAME)


def _home(source_id: str | None, sources: Mapping[str, Source]) -> str | None:
    return sources[source_id].country if source_id is not None and source_id in sources else None


def _terms(article: DigestArticle) -> tuple[str, ...]:
    """Return the words of the text that put it on topic, a few of each group."""
    text = "\n".join((article.title or "", *article.paragraphs))
    groups: dict[str, dict[str, None]] = {}
    for match in article.matches:
        found = pattern_of(match.term).search(text)
        word = clean(found[0], MAX_NAME) if found else readable(match.term)
        groups.setdefault(match.group, {}).setdefault(word)
    shown = zip(groups.values(), TERMS, strict=False)
    return tuple(dict.fromkeys(word for words, most in shown for word in islice(words, most)))


def _filled(days: Mapping[tuple[date, str | None], int], shown: Period) -> Iterable[tuple[date, int]]:
    totals: Counter[date] = Counter()
    for (day, _), count in days.items():
        totals[day] += count
    for day in each_day(shown):
        yield day, totals[day]


def _notes(states: Mapping[str, SourceState], sources: Mapping[str, Source], zone: ZoneInfo) -> Iterable[HealthNote]:
    """Return the sources that need a look: those never read first, then those of the newest trouble."""
    troubled = [one for one in states.values() if one.needs_look]
    for one in sorted(
        troubled, key=lambda one: (one.since is not None, -(one.since or NEVER).timestamp(), one.source_id)
    ):
        why = one.why or (one.error or "").partition(" (")[0]  # what stands in brackets is for the operator
        since = one.since.astimezone(zone).date() if one.since else None
        yield HealthNote(_outlet(one.source_id, None, sources), one.state, since, clean(why, MAX_WHY))


def _counts(passes: Sequence[dict[str, Any]]) -> Iterable[tuple[str, int]]:
    for name in _COUNTED:
        yield name, sum(int(summary.get(name) or 0) for summary in passes)
    yield "pending", int(passes[-1].get("pending") or 0) if passes else 0
