"""Find the digests that fell due while the machine was off or `c5watch serve` was not running."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from config.load import Config
from flows.serving.deploy import Deployment
from storage.digests.archive import load_issues
from storage.index.database import index_location, open_database


def missed(plan: Sequence[Deployment], last: Mapping[str, datetime], *, now: datetime) -> list[Deployment]:
    """Return the deployments of digests that fell due after the `last` digest of their name was made.

    Pure. A digest that has never been made is not missed: it waits for its hour. A digest without news is not stored,
    so it is made again, again without news.
    """
    from cronsim import CronSim

    found = []
    for one in plan:
        made = last.get(str(one.parameters.get("name")))
        if one.flow == "digest" and one.cron and one.timezone and made is not None:
            due = next(CronSim(one.cron, now.astimezone(ZoneInfo(one.timezone)), reverse=True))
            if made < due:
                found.append(one)
    return found


async def load_last(config: Config, data: Path, *, now: datetime) -> dict[str, datetime]:
    """Return the time each digest was last made, by name: not later than `now`, which a wrong clock has said.

    Raises StorageError.
    """
    database = await open_database(index_location(data, config.settings.storage))
    try:
        async with database.read() as connection:
            issues = await load_issues(connection)
    finally:
        await database.close()
    past = sorted((issue for issue in issues if issue.created_at <= now), key=lambda issue: issue.created_at)
    return {issue.name: issue.created_at for issue in past}
