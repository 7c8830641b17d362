"""Look for the successor of a feed that is lost: on the outlet's own site, or where an archived front page leads.

A successor has articles of this outlet's site, some of the last weeks, in its language. Another site's is never taken;
a site that has moved to another name is found only if its host or its page bears the outlet's name.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from urllib.parse import urlsplit

from config.sources import Source
from extractors.dates.addresses import address_days
from extractors.feeds.discovery import Parse, discover, language_of
from extractors.feeds.front_page import read_front_page
from extractors.feeds.jobs import SECTION, FeedJob
from extractors.fetching.client import Client
from extractors.fetching.messages import ACCEPT_FEED, ACCEPT_PAGE
from extractors.records import Deferred, Feed, ItemError, Outcome
from extractors.urls import same_site
from extractors.zones import zone_of

RECENT = timedelta(days=30)
OWN_SHARE = 0.5  # of a feed's articles: the rest may be an agency's
MAX_PAGES = 2  # of a feed without dates that are asked for theirs
MAX_ARCHIVED = 4  # feeds named by an archived front page that are tried
_LOST = ("http 404", "http 410", "not a feed", "empty feed", "empty body", "no item has a usable link",
         "no article links found")  # fmt: skip


DateOf = Callable[[str], Awaitable[datetime | None]]


@dataclass(frozen=True, slots=True)
class Successor:
    """The address found, or None, and a few words on how, or why not. `moved`: its site has another name now."""

    url: str | None
    how: str
    is_section: bool = False
    moved: bool = False


def is_lost(reason: str) -> bool:
    """Say whether a feed that failed for this reason may have a successor: it is gone, is a page, or is empty."""
    return reason.startswith(_LOST)


def feed_key(url: str) -> str:
    """Return the key that all addresses of a feed share: http and https, www and the final slash make no other feed."""
    parts = urlsplit(url)
    host = parts.netloc.lower().removeprefix("www.")
    return f"{host}{parts.path.rstrip('/')}" + (f"?{parts.query}" if parts.query else "")


@dataclass(slots=True)
class SuccessorSearch:
    """One search for one source. `watched`: the addresses that are watched already, each with its source's id.

    `date_of` reads the date of an article off its page: for feeds without dates.
    """

    client: Client
    parse: Parse
    source: Source
    watched: Mapping[str, str]
    now: Callable[[], datetime]
    date_of: DateOf | None = None
    home: str = ""  # the front page, where it is now
    refused: list[str] = field(default_factory=list)

    async def find(self, *, wayback: str | None = None, interval_s: float = 0.0) -> Successor:
        """Return what is found; with `wayback`, the address of that archive, also by an archived front page."""
        try:
            found = await self._on_the_site()
        except ItemError as error:
            found = Successor(None, f"its front page: {error}")
        except Deferred as pause:
            return Successor(None, f"the host asked for a pause until {pause.until:%Y-%m-%d %H:%M} UTC")
        if found.url is None and wayback is not None and (url := await self._in_the_archive(wayback, interval_s)):
            return Successor(url, "an archived front page")
        return found

    async def _on_the_site(self) -> Successor:
        response = await self.client.fetch(self.source.homepage, accept=ACCEPT_PAGE)
        assert response is not None  # only a request with validators can be answered "not modified"
        page = read_front_page(response.body, url=response.url, charset=response.charset, headers=response.headers)
        self.home = response.url
        moved = not same_site(response.url, self.source.homepage)
        if moved and not _is_same_outlet(self.source, response.url, page.name if page else None):
            return Successor(None, f"the front page leads to another site, {response.url}")
        try:
            found = await discover(self.client, self.home, parse=self._dated, now=self.now, verify=self._verify)
        except ItemError as error:
            if error.reason != "no feed found":
                raise
            return Successor(None, "; ".join(dict.fromkeys(self.refused)) or "nothing on its site is a feed")
        return Successor(found.feed.url, found.feed.via, found.feed.kind == SECTION, moved)

    async def _in_the_archive(self, wayback: str, interval_s: float) -> str | None:
        """Return a feed that the last archived front page names, and that works."""
        self.home = self.source.homepage
        copy = f"{wayback.rstrip('/')}/web/{self.now():%Y%m%d%H%M%S}id_/{self.source.homepage}"
        try:
            response = await self.client.fetch(copy, accept=ACCEPT_PAGE, interval_s=interval_s)
        except (ItemError, Deferred):
            return None
        assert response is not None
        page = read_front_page(response.body, url=self.source.homepage, charset=response.charset)
        for feed in (page.feeds if page else ())[:MAX_ARCHIVED]:
            try:
                answer = await self.client.fetch(feed.url, accept=ACCEPT_FEED)
                assert answer is not None
                zone = zone_of(self.source.country)
                job = FeedJob(answer.body, answer.url, answer.charset, zone, self.now())
                self._verify(answer.url, await self._dated(job))
            except (ItemError, Deferred):
                continue
            return answer.url
        return None

    async def _dated(self, job: FeedJob) -> Feed:
        """Return the feed; of one without dates, a first article has that of its address or of its page."""
        feed = await self.parse(job)
        if any(entry.published for entry in feed.entries):
            return feed
        for position, entry in enumerate(feed.entries[:MAX_PAGES]):
            days = address_days(entry.url, job.zone)
            if days is not None and days.first == days.last:
                date: datetime | None = datetime.combine(days.first, time(), job.zone)
            else:
                is_own = same_site(entry.url, self.home)
                date = await self.date_of(entry.url) if is_own and self.date_of else None
            if date is not None:
                entries = list(feed.entries)
                entries[position] = replace(entry, published=date)
                return replace(feed, entries=tuple(entries))
        return feed

    def _verify(self, url: str, feed: Feed) -> None:
        """Raise ItemError unless the feed at `url` is this outlet's, alive, and in its language."""
        if why := self._fault(url, feed):
            self.refused.append(f"{url}: {why}")
            raise ItemError(Outcome.FAILED, why, url=url)

    def _fault(self, url: str, feed: Feed) -> str | None:
        owners = {feed_key(one): source_id for one, source_id in self.watched.items()}
        if owner := owners.get(feed_key(url)):
            return "watched already" if owner == self.source.id else f'watched already, by the source "{owner}"'
        own = sum(same_site(entry.url, self.home) for entry in feed.entries)
        if own < OWN_SHARE * len(feed.entries):
            return "its articles are another site's"
        dates = [entry.published for entry in feed.entries if entry.published is not None]
        if not dates and feed.kind not in (SECTION, "sitemap"):
            return "nothing tells how old its articles are"
        if dates and self.now() - max(dates) > RECENT:
            return f"nothing newer than {max(dates):%Y-%m-%d}"
        language = language_of(feed)
        return f'it is in "{language}"' if language not in (None, self.source.language) else None


def _is_same_outlet(source: Source, url: str, name: str | None) -> bool:
    """Say whether the site at `url` is the source's under another name: its host or its page says so."""
    hosts = [(urlsplit(one).hostname or "").removeprefix("www.").split(".")[0] for one in (source.homepage, url)]
    if hosts[0] == hosts[1] and not hosts[0].isdigit():
        return True
    words = [set(re.findall(r"\w{3,}", (text or "").lower())) for text in (source.name, name)]
    return bool(words[0]) and words[0] <= words[1]
