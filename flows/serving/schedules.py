"""The next moment of a schedule, and values shared by the runs of a machine."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

MONITOR_LOCK = "monitor.lock"  # below --data: held by the first pass, which Prefect knows nothing of
PARENT = "C5WATCH_SERVE"  # environment of a run: the process that it ends with, and the zone of its log


def next_run(cron: str, timezone: str, *, now: datetime | None = None) -> str:
    """Return the schedule's next moment, in its own zone."""
    from cronsim import CronSim

    here = (now or datetime.now(ZoneInfo(timezone))).astimezone(ZoneInfo(timezone))
    moment = next(CronSim(cron, here))
    return f"{moment:%H:%M}" if moment.date() == here.date() else f"{moment:%Y-%m-%d %H:%M}"
