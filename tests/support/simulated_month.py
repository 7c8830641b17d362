"""A simulated month: passes over the world of `tests.support.simulation`, held against what was there to be found."""

from __future__ import annotations

import itertools
import math
import sqlite3
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aiosqlite

from config.load import Config, load_config
from extractors.urls import canonical_url
from flows.passes.monitor import monitor
from flows.tools.catalogue_file import Replacement, replace_address
from storage.corpus.writer import open_corpus
from storage.health.sources import FAILING, REDESIGNED, SILENT
from tests.support.running import source_toml, write_config
from tests.support.simulation import DAY, HOUR, START, TICK_S, TOPIC, Outlet, World, moment

LONG_ENOUGH_S = 1800.0  # an entry that was to be had for so long must be known
FORGOTTEN_S = 12 * HOUR + TICK_S
POLLS_TO_NOTICE = 3
MOVE_TOLD_H = 5 * 24  # a feed counts as lost after three days, and is looked for once a day
FIXED_POLLS_PER_DAY = 48


@dataclass(slots=True)
class Report:
    """What the month showed."""

    feeds: int
    days: float
    passes: int = 0
    seconds: float = 0.0
    stories: int = 0  # shown long enough to be demanded
    known: int = 0
    missed: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    appended: int = 0
    not_appended: list[str] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    polls: int = 0
    polls_of: dict[str, int] = field(default_factory=dict)
    polls_by_pace: Counter[str] = field(default_factory=Counter)
    feeds_by_pace: Counter[str] = field(default_factory=Counter)
    longest_gap_s: float = 0.0
    forgotten: list[str] = field(default_factory=list)
    redesigns: dict[str, int | None] = field(default_factory=dict)  # name → polls with news until the flag
    silences: dict[str, int | None] = field(default_factory=dict)  # name → polls after the pause was too long
    moves: dict[str, float | None] = field(default_factory=dict)  # name → hours until a pass named the new address
    unjudged_silences: list[str] = field(default_factory=list)  # the world ended before
    failing: int = 0  # flags of feeds that were down
    false_alarms: list[str] = field(default_factory=list)
    healthy: int = 0

    @property
    def polls_per_day(self) -> float:
        """Of one feed, on average."""
        return self.polls / self.feeds / self.days

    @property
    def asked_again(self) -> float:
        """Requests for pages that had answered already, as a share of all that there would be without them."""
        return self.requests["pages again"] / (self.requests["feeds"] + self.requests["pages"])

    @property
    def late(self) -> list[str]:
        """Flags that came too late or never."""
        found = [("redesign", n, p) for n, p in self.redesigns.items()]
        found += [("silence", n, p) for n, p in self.silences.items()]
        late = [f"{kind} of {name}: {polls} polls" for kind, name, polls in found if polls is None or polls > 3]
        return late + [f"move of {name}: {h} hours" for name, h in self.moves.items() if h is None or h > MOVE_TOLD_H]

    def lines(self) -> list[str]:
        """All figures, for people."""
        paces = ", ".join(
            f"{p} {n / self.feeds_by_pace[p] / self.days:.1f}" for p, n in sorted(self.polls_by_pace.items())
        )
        redesigns, silences = (Counter(d.values()) for d in (self.redesigns, self.silences))
        return [
            f"{self.feeds} feeds, {self.days:g} days: {self.passes} passes in {self.seconds:.0f} s",
            f"entries: {self.known} known; {self.stories} were shown for 30 minutes or more and then scrolled out; "
            f"missed {len(self.missed)}, twice {len(self.twice)}",
            *[f"  missed: {line}" for line in self.missed[:10]],
            f"articles: {self.appended} appended, {len(self.not_appended)} wanting",
            *[f"  wanting: {line}" for line in self.not_appended[:10]],
            f"polls: {self.polls}, {self.polls_per_day:.1f} a day and feed ({paces}), "
            f"{self.polls_per_day / FIXED_POLLS_PER_DAY:.0%} of a poll every 30 minutes",
            f"requests: {self.requests.total()}, of that pages {self.requests['pages']}, and "
            f"{self.requests['pages again']} for pages that had answered before: {self.asked_again:+.1%}",
            f"longest gap between polls: {self.longest_gap_s / HOUR:.2f} h; forgotten: {len(self.forgotten)}",
            f"redesigns flagged after so many polls with news: {dict(redesigns)}",
            f"silences flagged after so many polls: {dict(silences)}; too late in the month to judge: "
            f"{len(self.unjudged_silences)}",
            *[f"  late: {line}" for line in self.late],
            "feeds that moved, and the hours until a pass named the new address: "
            + (", ".join(f"{name} {'never' if h is None else f'{h:.0f}'}" for name, h in self.moves.items()) or "none"),
            f"flags of feeds that were down: {self.failing}",
            f"false alarms: {len(self.false_alarms)} among {self.healthy} healthy feeds, "
            f"{50 * 30 * len(self.false_alarms) / max(1, self.healthy) / self.days:.2f} per 50 feeds and month",
            *[f"  false: {line}" for line in self.false_alarms],
        ]


async def simulate(world: World, folder: Path) -> Report:
    """Run the whole time with its passes in `folder`, and compare."""
    outlets = world.outlets.values()
    sources = "".join(
        source_toml(o.name, o.url).replace(f'homepage = "{o.url}"', f'homepage = "https://{o.name}.example/"')
        for o in outlets
    )
    config = load_config(write_config(folder / "config", sources=sources, topics=TOPIC))
    data = folder / "data"
    raised: dict[tuple[str, str], list[float]] = defaultdict(list)
    report = Report(len(outlets), world.end / DAY)
    began = time.monotonic()
    with sqlite_in_this_thread():
        async with open_corpus(data, config.settings.storage) as corpus:
            with world.in_place(corpus):
                await _run(world, report, config, data, raised)
    report.seconds, report.requests = time.monotonic() - began, world.requests
    polls = {o.name: o.polls[: report.polls_of[o.name]] for o in outlets}
    _compare(world, report, data, polls, raised)
    return report


@contextmanager
def sqlite_in_this_thread() -> Iterator[None]:
    """Ask SQLite directly: handing each of millions of calls to aiosqlite's thread and back takes longer than they."""

    async def connect(self: Any) -> Any:
        if self._connection is None:
            self._connection = self._connector()
        return self

    async def execute(self: Any, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)

    with (
        patch.object(aiosqlite.Connection, "_connect", connect),
        patch.object(aiosqlite.Connection, "_execute", execute),
    ):
        yield


async def _run(
    world: World, report: Report, config: Config, data: Path, raised: dict[tuple[str, str], list[float]]
) -> None:
    while world.at < world.end:
        config = _mend(world, config)
        await _pass(world, config, data, raised)
        report.passes += 1
        world.at = max(world.at + TICK_S, _next_due(data, config))
    # What is in the feeds at the end may not have been due yet; the poll that finds it is not counted.
    report.polls_of = {o.name: len(o.polls) for o in world.outlets.values()}
    world.at = world.end
    await _pass(world, config, data, raised, due_only=False)


async def _pass(
    world: World,
    config: Config,
    data: Path,
    raised: dict[tuple[str, str], list[float]],
    *,
    due_only: bool = True,
) -> None:
    now = moment(world.at)
    summary = await monitor(config, data, sources=config.sources, now=lambda: now, due_only=due_only)
    for source_id, flag in summary.raised:
        raised[source_id, flag.name].append(world.at)
    for source_id, source in summary.sources.items():
        outlet = world.outlets[source_id]
        if outlet.noticed is None and f"may have moved to {outlet.new_url}" in (source.error or ""):
            outlet.noticed = world.at


def _mend(world: World, config: Config) -> Config:
    """The catalogue as somebody keeps it who reads the reports once a day."""
    told = [o for o in world.outlets.values() if o.noticed is not None and o.mended is None]
    for outlet in [o for o in told if (o.noticed or 0.0) + DAY <= world.at]:
        replace_address(config.folder, Replacement(outlet.name, outlet.url, outlet.new_url, "it has moved"))
        outlet.mended = world.at
        config = load_config(config.folder)
    return config


def _rows(data: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(data / "index.sqlite")) as connection:
        return connection.execute(query).fetchall()


def _next_due(data: Path, config: Config) -> float:
    """The first five-minute tick at which a feed is due."""
    watched = config.watched()
    moments = [due for url, due in _rows(data, "SELECT url, next_poll FROM feeds") if url in watched]
    seconds = min(moments) / 1000 - START.timestamp()
    return -(-seconds // TICK_S) * TICK_S


def _compare(
    world: World,
    report: Report,
    data: Path,
    polls: Mapping[str, Sequence[tuple[float, bool]]],
    raised: Mapping[tuple[str, str], Sequence[float]],
) -> None:
    found: dict[str, list[tuple[str, str | None, float]]] = defaultdict(list)
    for key, source_id, outcome, seen in _rows(data, "SELECT key, source_id, outcome, first_seen FROM urls"):
        found[source_id].append((key, outcome, seen / 1000 - START.timestamp()))
    articles = Counter(key for (key,) in _rows(data, "SELECT canonical_url FROM articles"))
    report.twice += [key for key, count in articles.items() if count > 1]
    for outlet in world.outlets.values():
        _compare_entries(world, report, outlet, found[outlet.name], articles)
        report.feeds_by_pace[outlet.pace.name] += 1
        report.polls_by_pace[outlet.pace.name] += len(polls[outlet.name])
        report.polls += len(polls[outlet.name])
        times = [0.0, *(at for at, _ in polls[outlet.name]), world.end]
        gap = max(b - a for a, b in itertools.pairwise(times))
        report.longest_gap_s = max(report.longest_gap_s, gap)
        if gap > FORGOTTEN_S:
            report.forgotten.append(outlet.name)
        _compare_flags(world, report, outlet, found[outlet.name], polls[outlet.name], raised)


def _compare_entries(
    world: World,
    report: Report,
    outlet: Outlet,
    found: Sequence[tuple[str, str | None, float]],
    articles: Mapping[str, int],
) -> None:
    known = {key: (outcome, seen) for key, outcome, seen in found}
    report.known += len(known)
    numbers = Counter(key.rpartition("/")[2] for key, _, _ in found)
    report.twice += [f"{outlet.name} {number}" for number, count in numbers.items() if count > 1]
    for position, story in enumerate(outlet.stories):
        key = canonical_url(f"https://{outlet.name}.example/news/{story.number}")
        gone = outlet.gone_at(position)
        if gone is not None and 0 < gone <= world.end and outlet.down(gone) is None and not outlet.lost(gone):
            longest = max(b - a for a, b in _reachable(outlet, max(0.0, story.shown), gone))
            if longest >= LONG_ENOUGH_S:
                report.stories += 1
                if key not in known:
                    report.missed.append(
                        f"{outlet.name} ({outlet.pace.name}, dates {outlet.dates}) {story.number}: shown "
                        f"{moment(story.shown):%a %d %H:%M}, gone {moment(gone):%a %d %H:%M}, depth {outlet.depth}"
                    )
        if key not in known:
            continue
        outcome, seen = known[key]
        report.appended += outcome == "appended"
        judged = outlet.redesign is None and not story.stub
        # Five further attempts are made within 3.3 days; no page here is away for all of them.
        expected = "appended" if story.on_topic else "off_topic"
        if judged and seen < world.end - 4 * DAY and (outcome != expected or articles.get(key, 0) != story.on_topic):
            report.not_appended.append(f"{key}: {outcome} instead of {expected}")


def _reachable(outlet: Outlet, begin: float, end: float) -> list[tuple[float, float]]:
    """The stretches of a time in which the feed answered."""
    stretches = [(begin, end)]
    away = [(down, up) for down, up, _ in outlet.outages]
    if outlet.moved is not None and outlet.moved[1] != "redirect":
        away.append((outlet.moved[0], math.inf if outlet.mended is None else outlet.mended))
    for down, up in away:
        cut = []
        for a, b in stretches:
            cut += [(a, min(b, max(a, down))), (max(a, min(b, up)), b)] if down < b and up > a else [(a, b)]
        stretches = cut
    return stretches


def _compare_flags(
    world: World,
    report: Report,
    outlet: Outlet,
    found: Sequence[tuple[str, str | None, float]],
    polls: Sequence[tuple[float, bool]],
    raised: Mapping[tuple[str, str], Sequence[float]],
) -> None:
    report.healthy += outlet.redesign is None and outlet.silence is None
    explained = set()
    if outlet.redesign is not None:
        begin = outlet.redesign[0]
        flagged = [at for at in raised.get((outlet.name, REDESIGNED), ()) if at >= begin]
        explained = {(REDESIGNED, at) for at in flagged}
        news = sorted({seen for _, _, seen in found if begin <= seen < world.end})
        if flagged or len(news) >= POLLS_TO_NOTICE:
            report.redesigns[outlet.name] = sum(at <= flagged[0] for at in news) if flagged else None
    if outlet.silence is not None and outlet.times:
        last = outlet.times[-1]
        visible = max(0, bisect_right(outlet.times, 0.0) - outlet.depth)  # what was there to be known from the start on
        month = [at for at in outlet.times[visible:] if at > last - 30 * DAY]
        limit = last + 1.5 * max((b - a for a, b in itertools.pairwise(month)), default=0.0)
        flagged = [at for at in raised.get((outlet.name, SILENT), ()) if at >= last]
        explained |= {(SILENT, at) for at in flagged}
        after = [at for at, answered in polls if at > limit and answered]
        if flagged or len(after) >= POLLS_TO_NOTICE:
            report.silences[outlet.name] = sum(at <= flagged[0] for at in after) if flagged else None
        else:
            report.unjudged_silences.append(outlet.name)
    if outlet.moved is not None and outlet.moved[1] != "redirect":
        hours = None if outlet.noticed is None else (outlet.noticed - outlet.moved[0]) / HOUR
        if hours is not None or outlet.moved[0] < world.end - MOVE_TOLD_H * HOUR:
            report.moves[outlet.name] = hours
    for (name, flag), times in raised.items():
        for at in times if name == outlet.name else ():
            if flag == FAILING and (outlet.down(at) or outlet.lost(at)):
                report.failing += 1
            elif (flag, at) not in explained:
                when = f"{moment(at):%a %d %H:%M}"
                report.false_alarms.append(f"{flag} {name} ({outlet.pace.name}, dates {outlet.dates}) {when}")
