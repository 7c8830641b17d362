"""The chosen articles in order, as a digest shows them: stories by event and country, state of the sources, figures.

`storage.digests` chooses the articles.

Pure records, and one loader. Texts are clean here: one line, nothing invisible, of bounded length; addresses are http
or https, or None. `flows.digest.render` decides how it looks.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from config.sources import Source
from flows.digest.clean import MAX_NAME, clean, link, readable
from flows.digest.records import Also, Content, CountryStories, Event, HealthNote, Story
from flows.digest.sentences import first_sentences
from storage.digests.facts import (
    DigestArticle,
    Reprint,
    load_articles,
    load_days,
    load_events,
    load_passes,
    load_reprints,
    load_tellings,
)
from storage.health.states import SourceState, load_states

DAYS = 30  # in the figures
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_PERIOD = timedelta(days=1)  # whose passes the first digest counts
MAX_TITLE = 300  # characters; a headline is shorter
MAX_WHY = 200
MAX_LINK_ALSO = 300  # where there may be many
TERMS = (3, 3, 2, 2)  # shown of the groups in their order: first those that an article must have
COUNTRIES_FIRST = ("KZ", "KG", "TJ", "TM", "UZ", "US")  # the topic's own; then the others by their codes
_COUNTED = ("new", "appended", "duplicates", "off_topic", "failed")


async def load_content(
    connection: AsyncConnection,
    numbers: Sequence[int],
    *,
    title: str,
    frame: str,
    zone: ZoneInfo,
    now: datetime,
    since: datetime | None,
    sources: Mapping[str, Source],
) -> Content:
    """Return the content of a digest of articles `numbers` for a reader in `zone`; `since`: the last digest's time.

    Numbers without an article are passed over.
    """
    local = now.astimezone(zone)
    first = local.date() - timedelta(days=DAYS - 1)
    enabled = [source.id for source in sources.values() if source.enabled]
    found = await load_articles(connection, numbers)
    oldest = min((article.appended_at for article in found), default=now)
    stories = _stories(
        found,
        tellings=await load_tellings(connection, numbers),
        reprints=await load_reprints(connection, numbers, sources=list(sources), since=oldest),
        frame=frame,
        sources=sources,
    )
    events, singles = _by_event(stories, await load_events(connection, numbers))
    days = await load_days(connection, first, local.date())
    by_country: Counter[str | None] = Counter()
    for (_, source_id), count in days.items():
        by_country[_country(source_id, sources)] += count
    passes = await load_passes(connection, since or now - FIRST_PERIOD, now)
    return Content(
        title=clean(title, MAX_NAME),
        frame=frame,
        now=local,
        since=since.astimezone(zone) if since else None,
        articles=len(found),
        outlets=len({article.source_id for article in found}),
        events=events,
        countries=_by_country(singles),
        borderline=tuple(_in_order(story for story, borderline in stories if borderline)),
        days=tuple(_filled(days, first)),
        by_country=tuple(sorted(by_country.items(), key=lambda pair: (-pair[1], pair[0] or "~"))),
        health=tuple(_notes(await load_states(connection, list(sources.values()), now=now), sources, zone)),
        sources=len(enabled),
        passes=len(passes),
        counts=tuple(_counts(passes)),
    )


def _stories(
    found: Sequence[DigestArticle],
    *,
    tellings: Iterable[tuple[int, int]],
    reprints: Iterable[Reprint],
    frame: str,
    sources: Mapping[str, Source],
) -> list[tuple[Story, bool]]:
    """Return each story and whether it is borderline. Among articles on the same story, the reader's language leads."""
    root = {article.number: article.number for article in found}
    for pair in tellings:
        first, second = (_root(root, number) for number in pair if number in root)
        root[max(first, second)] = min(first, second)
    families: defaultdict[int, list[DigestArticle]] = defaultdict(list)
    for article in found:
        families[_root(root, article.number)].append(article)
    elsewhere: defaultdict[int, list[Reprint]] = defaultdict(list)
    for reprint in reprints:
        elsewhere[reprint.number].append(reprint)
    stories = []
    for family in families.values():
        family.sort(key=lambda article: (article.borderline, article.language != frame, article.number))
        lead, *others = family
        pages = [Reprint(a.number, a.url or "", a.source_id or "", a.language) for a in others]
        pages += [page for article in family for page in elsewhere[article.number]]
        stories.append((_story(lead, _also(lead, pages, sources), sources), lead.borderline))
    return stories


def _root(root: dict[int, int], number: int) -> int:
    while root[number] != number:
        root[number] = number = root[root[number]]
    return number


def _story(article: DigestArticle, also: tuple[Also, ...], sources: Mapping[str, Source]) -> Story:
    sentences = first_sentences(article.paragraphs, title=article.title, language=article.language)
    return Story(
        number=article.number,
        title=clean(article.title or "", MAX_TITLE) or None,
        url=link(article.url),
        outlet=_outlet(article.source_id, article.url, sources),
        country=_country(article.source_id, sources),
        language=article.language if article.language and article.language.isalpha() else None,
        day=article.published,
        sentences=clean(sentences, 2 * MAX_TITLE),
        terms=_terms(article),
        also=also,
    )


def _also(lead: DigestArticle, pages: Iterable[Reprint], sources: Mapping[str, Source]) -> tuple[Also, ...]:
    """Return an entry for each outlet and language, without further pages of the story's own outlet."""
    counts: Counter[tuple[str, str | None]] = Counter()
    urls: dict[tuple[str, str | None], str] = {}
    for page in pages:
        language = page.language if page.language != lead.language else None
        if page.source_id == lead.source_id and language is None:
            continue
        outlet = _outlet(page.source_id, page.url, sources)
        counts[outlet, language] += 1
        urls.setdefault((outlet, language), page.url)
    return tuple(Also(key[0], link(urls[key], MAX_LINK_ALSO), key[1], count) for key, count in counts.items())


def _outlet(source_id: str | None, url: str | None, sources: Mapping[str, Source]) -> str:
    if source_id is not None and source_id in sources:
        return clean(sources[source_id].name, MAX_NAME)
    checked = link(url)
    host = (urlsplit(checked).hostname or "").removeprefix("www.") if checked else ""
    return clean(host or source_id or "?", MAX_NAME)


def _country(source_id: str | None, sources: Mapping[str, Source]) -> str | None:
    return sources[source_id].country if source_id is not None and source_id in sources else None


def _terms(article: DigestArticle) -> tuple[tuple[str, ...], ...]:
    text = "\n".join((article.title or "", *article.paragraphs))
    groups: dict[str, dict[str, None]] = {}
    for match in article.matches:
        groups.setdefault(match.group, {}).setdefault(match.term)
    shown = zip(groups.values(), TERMS, strict=False)
    return tuple(tuple(dict.fromkeys(readable(term, text) for term in islice(terms, most))) for terms, most in shown)


def _by_event(
    stories: Iterable[tuple[Story, bool]], event_of: Mapping[int, int]
) -> tuple[tuple[Event, ...], list[Story]]:
    groups: defaultdict[int, list[Story]] = defaultdict(list)
    for story, borderline in stories:
        if not borderline:
            groups[event_of.get(story.number, story.number)].append(story)
    several = [_in_order(group) for group in groups.values() if len(group) > 1]
    events = [Event(_by_country(group, lead=group[0].country)) for group in several]
    events.sort(key=lambda event: (-sum(story.texts for story in event.stories), -event.stories[0].number))
    return tuple(events), [group[0] for group in groups.values() if len(group) == 1]


def _in_order(stories: Iterable[Story]) -> list[Story]:
    """Return the stories in order: those on most pages first, then the newest."""
    return sorted(stories, key=lambda story: (-story.texts, -(story.day or date.min).toordinal(), story.number))


def _by_country(stories: Iterable[Story], lead: str | None = None) -> tuple[CountryStories, ...]:
    groups: defaultdict[str | None, list[Story]] = defaultdict(list)
    for story in _in_order(stories):
        groups[story.country].append(story)

    def order(country: str | None) -> tuple[bool, int, str]:
        known = country in COUNTRIES_FIRST
        return country != lead or lead is None, COUNTRIES_FIRST.index(country) if known else 99, country or "~"

    return tuple(CountryStories(country, tuple(groups[country])) for country in sorted(groups, key=order))


def _filled(days: Mapping[tuple[date, str | None], int], first: date) -> Iterable[tuple[date, int]]:
    totals: Counter[date] = Counter()
    for (day, _), count in days.items():
        totals[day] += count
    for offset in range(DAYS):
        day = first + timedelta(days=offset)
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
