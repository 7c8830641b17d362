"""Look for the successor of a feed that is gone, is a page, or is empty: verify it, and propose it for the catalogue.

The outlet's front page is asked as for a new source: its links, the usual places, the sitemaps, its own list of
articles; then, where the archives may be asked, an archived front page. A successor has articles of this outlet's site,
some of the last weeks, in its language. Another site's is never taken; a site that has moved to another name is told,
and left to people.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config.load import Config
from config.sources import Source
from extractors.feeds.discovery import Discovery, Parse, discover, language_of
from extractors.feeds.front_page import read_front_page
from extractors.feeds.jobs import SECTION, FeedJob
from extractors.fetching.client import Client
from extractors.fetching.messages import ACCEPT_FEED, ACCEPT_PAGE
from extractors.records import Deferred, Feed, ItemError, Outcome
from extractors.urls import same_site
from extractors.workers.pool import Workers
from extractors.workers.tasks import feed_from
from extractors.zones import zone_of
from flows.passes.context import Observer, utc_now
from flows.tools.catalogue import array, feed_key, quoted
from flows.tools.catalogue_file import Replacement, replace_address, replaced_in
from flows.tools.check import Check
from storage.errors import StorageError

SEARCHES_AT_A_TIME = 8
RECENT = timedelta(days=30)
OWN_SHARE = 0.5  # of a feed's articles: the rest may be an agency's
MAX_ARCHIVED = 4  # feeds named by an archived front page that are tried
LOST = ("not a feed", "empty feed", "empty body", "no item has a usable link", "no article links found")
Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Mend:
    """What was found for one address of a source. `line` is for the catalogue, None where there is no successor.

    `moved`: the site has another name now; then nothing is written.
    """

    source: str
    old: str
    new: str | None
    note: str
    line: str | None = None
    moved: bool = False
    written: bool = False
    replacement: Replacement | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON values."""
        values = asdict(self)
        del values["replacement"]
        return values


def is_lost(check: Check) -> bool:
    """Say whether the check shows an address that a successor may have: gone, a page, empty, or redirected."""
    if not check.is_watched:
        return False
    if check.ok:
        return check.redirect is not None and same_site(check.redirect, check.feed)
    return check.status in (404, 410) or (check.note or "").startswith(LOST)


async def mend(
    config: Config, checks: Sequence[Check], *, archived: bool, observer: Observer, now: Now = utc_now
) -> list[Mend]:
    """Return what was found for each lost address among `checks`: one search a source, a few sources at a time."""
    lost: dict[str, list[Check]] = {}
    for check in filter(is_lost, checks):
        lost.setdefault(check.source, []).append(check)
    observer.stage("searches", len(lost))
    room = asyncio.Semaphore(SEARCHES_AT_A_TIME)
    async with Client(config.settings.network, now=now) as client:
        with Workers(config.settings.extraction) as workers:

            async def parse(job: FeedJob) -> Feed:
                return await workers.run(feed_from, job, url=job.url)

            async def search(source_id: str, its: list[Check]) -> list[Mend]:
                async with room:
                    source = config.source(source_id)
                    found: list[Mend] = []
                    for check in its:
                        if check.ok or not any(one.new for one in found):  # one successor is not that of two
                            found.append(
                                await find_successor(config, client, parse, source, check, now=now, archived=archived)
                            )
                    observer.advance()
                    return found

            found = await asyncio.gather(*(search(source_id, its) for source_id, its in lost.items()))
    return [one for some in found for one in some]


async def find_successor(
    config: Config, client: Client, parse: Parse, source: Source, check: Check, *, now: Now, archived: bool
) -> Mend:
    """Return the successor of an address that is lost, or why there is none; `archived`: archives may be asked."""
    if check.ok:
        assert check.redirect is not None  # `is_lost` sees to it
        return _proposed(source, check, check.redirect, "the redirect of the old address", now=now, section=False)
    search = _Search(config, client, parse, source, now, source.homepage)
    try:
        response = await client.fetch(source.homepage, accept=ACCEPT_PAGE)
        assert response is not None  # only a request with validators can be answered "not modified"
        page = read_front_page(response.body, url=response.url, charset=response.charset, headers=response.headers)
        search.home = response.url
        moved = not same_site(response.url, source.homepage)
        if moved and not _is_same_outlet(source, response.url, page.name if page else None):
            return Mend(source.id, check.feed, None, f"the front page leads to another site, {response.url}")
        found = await search.on_the_site()
        if found is not None:
            section = found.feed.kind == SECTION
            return _proposed(source, check, found.feed.url, found.feed.via, now=now, section=section, moved=moved)
        why = "; ".join(dict.fromkeys(search.refused)) or "nothing on its site is a feed"
    except ItemError as error:
        why = f"its front page: {error}"
    except Deferred as pause:
        return Mend(source.id, check.feed, None, f"the host asked for a pause until {pause.until:%Y-%m-%d %H:%M} UTC")
    if archived and (url := await search.in_the_archive()):
        return _proposed(source, check, url, "an archived front page", now=now, section=False)
    return Mend(source.id, check.feed, None, f"no successor found: {why}")


@dataclass(slots=True)
class _Search:
    """One search for one source."""

    config: Config
    client: Client
    parse: Parse
    source: Source
    now: Now
    home: str  # the front page, where it is now
    refused: list[str] = field(default_factory=list)

    async def on_the_site(self) -> Discovery | None:
        try:
            return await discover(self.client, self.home, parse=self.parse, now=self.now, verify=self.verify)
        except ItemError as error:
            if error.reason != "no feed found":
                raise
            return None

    async def in_the_archive(self) -> str | None:
        """Return a feed that the last archived front page names, and that works."""
        archives = self.config.settings.archives
        copy = f"{archives.wayback.rstrip('/')}/web/{self.now():%Y%m%d%H%M%S}id_/{self.source.homepage}"
        try:
            response = await self.client.fetch(copy, accept=ACCEPT_PAGE, interval_s=archives.wayback_interval)
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
                self.verify(answer.url, await self.parse(job))
            except (ItemError, Deferred):
                continue
            return answer.url
        return None

    def verify(self, url: str, feed: Feed) -> None:
        """Raise ItemError unless the feed at `url` is this outlet's, alive, and in its language."""
        if why := self._fault(url, feed):
            self.refused.append(f"{url}: {why}")
            raise ItemError(Outcome.FAILED, why, url=url)

    def _fault(self, url: str, feed: Feed) -> str | None:
        owners = {feed_key(one): source.id for source in self.config.sources for one in source.watched}
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


def _proposed(
    source: Source, check: Check, new: str, via: str, *, now: Now, section: bool, moved: bool = False
) -> Mend:
    fault = check.note if not check.ok else "moved"
    day = now().date().isoformat()
    why = f"{day}: {check.feed} was lost ({fault}); its successor was found by {via}."
    replacement = Replacement(source.id, check.feed, new, re.sub(r"\s+", " ", why), section=section)
    after = replaced_in(source, replacement)
    lines = [array("feeds", [quoted(url) for url in after.feeds])]
    lines += [array("sections", [quoted(url) for url in after.sections])] if after.sections else []
    note = f"found by {via}" + (": the site has another name now, so look at it, and paste the line" if moved else "")
    return Mend(source.id, check.feed, new, note, "\n".join(lines), moved, replacement=replacement)


def write_successors(folder: Path, mends: Sequence[Mend]) -> list[Mend]:
    """Write the successors into the catalogue in `folder`; those of sites with another name are left out.

    Raises ConfigError when the file cannot be changed so, StorageError when it cannot be written.
    """
    done = []
    for one in mends:
        if one.replacement is None or one.moved:
            done.append(one)
            continue
        try:
            replace_address(folder, one.replacement)
        except OSError as exc:
            raise StorageError(f"{folder}: the catalogue cannot be written: {exc.strerror}") from exc
        done.append(replace(one, written=True))
    return done
