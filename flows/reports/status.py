"""The status page: a static HTML file that shows the state of sources, passes and corpus.

A file cannot know how old it is: a script of a few lines, which the page's own policy lets run and no other, tells a
reader that it is old.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from config.load import Config
from config.sources import Source
from extractors.period import Period, each_day
from extractors.records import Counted, words_of
from extractors.zones import zone_of
from flows.pages import pages, replace_page, script_policy
from flows.reports.coverage import STEPS, heat_map
from storage.corpus.writer import CorpusWriter
from storage.health.coverage import SourceCoverage, load_coverage
from storage.health.report import DAYS, Report, Run, SourceReport, load_report

REPORT_FILE = "report.html"
FILES = {"digests/index.html": "digests", "coverage.html": "coverage"}  # below --data
ROOMS = {"/": "articles", "/explain": "explain an address"}  # of the reading room
TURNS_MISSED = 3  # from so many turns of the monitor without a pass on, the page says that it is old
# The page's only script; what it shows stands in the page.
SCRIPT = """document.querySelectorAll("[data-pass]").forEach(function (told) {
  var hours = (Date.now() - Number(told.dataset.pass)) / 3600000;
  if (hours * 3600000 > Number(told.dataset.old)) {
    told.hidden = false;
    told.querySelector("b").textContent = hours < 72 ? Math.round(hours) + " h" : Math.round(hours / 24) + " days";
  }
});"""
REASONS = 12  # listed: the most frequent ones
BAR_WIDTH, BAR_GAP, CHART_HEIGHT = 26, 4, 120  # pixels


async def write_report(config: Config, corpus: CorpusWriter, data: Path, *, now: datetime) -> Path:
    """Write the page anew below `data`, from the index alone; returns its path."""
    sources = config.select(())
    zone = ZoneInfo(config.settings.schedule.timezone)
    today = now.astimezone(zone).date()
    period = Period(today - timedelta(days=DAYS - 1), today)
    async with corpus.database.read() as connection:
        report = await load_report(connection, config.sources, zone=zone, now=now)
        zones = {source.id: zone_of(source.country) for source in sources}
        coverage = await load_coverage(connection, zones, period, now=now)
    path = data / REPORT_FILE
    address = config.settings.browse.url or f"http://127.0.0.1:{config.settings.browse.port}"
    links = [(name, words) for name, words in FILES.items() if (data / name).exists()]
    links += [(f"{address}{where}", words) for where, words in ROOMS.items()]
    old_after = TURNS_MISSED * turn(config.settings.schedule.monitor, now=now.astimezone(zone))
    local = now.astimezone(zone)
    replace_page(path, page(report, coverage, config.sources, period, now=local, links=links, old_after=old_after))
    return path


def turn(cron: str, *, now: datetime) -> timedelta:
    """Return the time between the next two moments of a schedule."""
    from cronsim import CronSim

    moments = CronSim(cron, now)
    first = next(moments)
    return next(moments) - first


def page(
    report: Report,
    coverage: Sequence[SourceCoverage],
    sources: Sequence[Source],
    period: Period,
    *,
    now: datetime,
    links: Sequence[tuple[str, str]] = (),
    old_after: timedelta = timedelta(hours=2),
) -> str:
    """Return the page as HTML; it loads nothing from elsewhere. Moments are shown in the zone of `now`.

    `links` lead to what there is besides. `old_after`: so long after the last pass the page says that it is old.
    """
    names = {source.id: source.name for source in sources}
    days = list(each_day(period))
    per_day: Counter[date] = sum((source.days for source in report.sources), Counter())
    listed = {source.source_id for source in coverage if source.total("listed")}
    return pages().get_template("report.html").render(
        report=report,
        now=now,
        zone=str(now.tzinfo),
        names=names,
        period=period,
        chart=_chart(per_day, days),
        kept=per_day.total(),
        today=per_day[days[-1]],
        attention=[source for source in report.sources if source.state.needs_look or source.state.error],
        links=links,
        pass_ms=int(report.last_pass.timestamp() * 1000) if report.last_pass else 0,
        old_ms=old_after // timedelta(milliseconds=1),
        old=report.last_pass is not None and now - report.last_pass > old_after,
        age=_age(now - report.last_pass) if report.last_pass else "",
        script=SCRIPT,
        policy=script_policy(SCRIPT),
        table=[_row(source, names) for source in _by_yield(report.sources)],
        quiet=[source.source_id for source in coverage if source.source_id not in listed],
        map=heat_map([source for source in coverage if source.source_id in listed], days),
        steps=STEPS,
        words_of=words_of,
        reasons=report.reasons.most_common(REASONS),
        runs=[_run(run, now) for run in report.runs],
    )  # fmt: skip


def _age(time: timedelta) -> str:
    hours = time / timedelta(hours=1)
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"


def _chart(per_day: Mapping[date, int], days: Sequence[date]) -> dict[str, Any]:
    most = max((per_day[day] for day in days), default=0)
    bars = []
    for position, day in enumerate(days):
        height = round(CHART_HEIGHT * per_day[day] / most) if most else 0
        bars.append({
            "x": position * (BAR_WIDTH + BAR_GAP),
            "height": max(height, 2) if per_day[day] else 0,
            "number": per_day[day],
            "day": day,
            "weekend": day.weekday() >= 5,
        })  # fmt: skip
    width = len(days) * (BAR_WIDTH + BAR_GAP) - BAR_GAP
    return {"bars": bars, "width": width, "height": CHART_HEIGHT, "bar": BAR_WIDTH}


def _by_yield(sources: Sequence[SourceReport]) -> list[SourceReport]:
    return sorted(sources, key=lambda s: (-s.days.total(), -s.outcomes.total(), s.source_id))


def _row(source: SourceReport, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "source": source,
        "name": names[source.source_id],
        "kept": source.number(Counted.APPENDED),
        "duplicates": source.number(Counted.DUPLICATES),
        "off_topic": source.number(Counted.OFF_TOPIC),
        "others": source.number(Counted.FAILED, Counted.OTHER),
    }


def _run(run: Run, now: datetime) -> dict[str, Any]:
    summary = run.summary
    if run.finished_at is None:
        state = "under way, or died"
    elif summary.get("interrupted"):
        state = "interrupted"
    else:
        state = f"{(run.finished_at - run.started_at).total_seconds():.0f} s"
    return {
        "kind": run.kind,
        "started": run.started_at.astimezone(now.tzinfo),
        "state": state,
        "numbers": [summary.get(name, "") for name in ("taken", "appended", "duplicates", "off_topic", "failed")],
    }
