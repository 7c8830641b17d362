"""Propose successors of feeds that are lost as lines for the catalogue, and write them into it.

What is looked for, and what is taken, is in `extractors.feeds.successors`. A site that has moved to another name is
told, and left to people.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from config.load import Config
from config.sources import Source
from extractors.feeds.jobs import FeedJob
from extractors.feeds.successors import Successor, SuccessorSearch, is_lost
from extractors.records import Feed
from extractors.urls import same_site
from extractors.workers.pool import Workers
from extractors.workers.tasks import feed_from
from flows.passes.context import Observer, open_client, utc_now
from flows.passes.successors import article_date
from flows.tools.catalogue import array, quoted
from flows.tools.catalogue_file import Replacement, replace_address, replaced_in
from flows.tools.check import Check
from storage.errors import StorageError

SEARCHES_AT_A_TIME = 8


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


def can_be_mended(check: Check) -> bool:
    """Say whether the check shows an address that may have a successor: one that is lost, or redirected."""
    if check.is_watched and check.ok:
        return check.redirect is not None and same_site(check.redirect, check.feed)
    return check.is_watched and is_lost(check.note or "")


async def mend(
    config: Config,
    checks: Sequence[Check],
    *,
    data: Path | None = None,
    archived: bool,
    observer: Observer,
    now: Callable[[], datetime] = utc_now,
) -> list[Mend]:
    """Return what was found for each address that can be mended: one search a source, a few sources at a time.

    With `archived` archived front pages are asked too. What passes below `data` know of hosts is kept.
    """
    lost: dict[str, list[Check]] = {}
    for check in filter(can_be_mended, checks):
        lost.setdefault(check.source, []).append(check)
    observer.stage("searches", len(lost))
    room = asyncio.Semaphore(SEARCHES_AT_A_TIME)
    archives = config.settings.archives
    watched = {url: source.id for source in config.sources for url in source.watched}
    async with open_client(config, data, now=now) as client:
        with Workers(config.settings.extraction) as workers:

            async def parse(job: FeedJob) -> Feed:
                return await workers.run(feed_from, job, url=job.url)

            async def search(source: Source, its: list[Check]) -> list[Mend]:
                found = []
                for check in its:
                    if check.ok and check.redirect:
                        leads = Successor(check.redirect, "the redirect of the old address")
                        found.append(_proposed(source, check, leads, now=now))
                first = next((check for check in its if not check.ok), None)
                if first is not None:  # one search a source: what is found is the successor of one address
                    async with room:
                        searching = SuccessorSearch(
                            client,
                            parse,
                            source,
                            watched,
                            now,
                            partial(article_date, config, source, client, workers, now),
                        )
                        successor = await searching.find(
                            wayback=archives.wayback if archived else None, interval_s=archives.wayback_interval
                        )
                    found.append(_proposed(source, first, successor, now=now))
                observer.advance()
                return found

            found = await asyncio.gather(*(search(config.source(id_), its) for id_, its in lost.items()))
    return [one for some in found for one in some]


def _proposed(source: Source, check: Check, successor: Successor, *, now: Callable[[], datetime]) -> Mend:
    if successor.url is None:
        return Mend(source.id, check.feed, None, f"no successor found: {successor.how}")
    fault = check.note if not check.ok else "moved"
    why = f"{now():%Y-%m-%d}: {check.feed} was lost ({fault}); its successor was found by {successor.how}."
    replacement = Replacement(
        source.id, check.feed, successor.url, re.sub(r"\s+", " ", why), section=successor.is_section
    )
    after = replaced_in(source, replacement)
    lines = [array("feeds", [quoted(url) for url in after.feeds])]
    lines += [array("sections", [quoted(url) for url in after.sections])] if after.sections else []
    note = f"found by {successor.how}"
    if successor.moved:
        note += ": the site has another name now, so look at it, and paste the line"
    return Mend(source.id, check.feed, successor.url, note, "\n".join(lines), successor.moved, replacement=replacement)


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
