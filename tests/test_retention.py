"""What the index forgets, a few rows at a time, and what it never does."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, insert, select

from config.settings import Storage
from storage.index import retention
from storage.index.database import index_location, open_database
from storage.index.retention import AT_ONCE, forget
from storage.index.schema import feed_parts, feeds, flags, hosts, runs, sightings, site_pages, turns, urls
from storage.state.turns import FileTurns, forget_turns
from tests.support.health_rows import NOW

DAY = timedelta(days=1)


async def test_what_nobody_needs_any_more_is_forgotten_in_small_steps(tmp_path: Path, storage: Storage) -> None:
    database = await open_database(index_location(tmp_path, storage))
    async with database.write() as c:
        for days in (1, 31, 400):
            moment = NOW - days * DAY
            for kind in ("monitor", "backfill"):
                await c.execute(insert(runs).values(kind=kind, engine="direct", started_at=moment))
            for name in ("watched", "gone"):
                url = f"https://{name}.kz/{days}"
                await c.execute(insert(feeds).values(url=url, source_id=name, polled_at=moment, failures=0))
                await c.execute(insert(feed_parts).values(feed_url=url, url=url, rank=0, listed=b"", read_at=moment))
            await c.execute(insert(hosts).values(host=f"{days}.kz", robots_at=moment, interval_s=0.0, successes=0))
            await c.execute(insert(turns).values(host=f"{days}.kz", free_at=moment.timestamp()))
            await c.execute(insert(site_pages).values(site="site.kz", key=f"{days}", seen_at=moment, lines=b""))
            key = f"https://site.kz/{days}"
            await c.execute(
                insert(urls).values(key=key, url=key, source_id="site", feed_url="f", first_seen=moment, attempts=0)
            )
            await c.execute(insert(sightings).values(key=key, feed_url="f", seen_at=moment))
        for name in ("site", "gone"):
            await c.execute(insert(flags).values(source_id=name, flag="silent", since=NOW, why="why"))
        watched = [f"https://watched.kz/{days}" for days in (1, 31, 400)]
        assert await forget(c, now=NOW, watched_feeds=watched, source_ids=["site"]) == 11
        left = {
            table.name: (await c.execute(select(func.count()).select_from(table))).scalar_one()
            for table in (runs, feeds, feed_parts, hosts, turns, site_pages, urls, sightings, flags)
        }
        assert left == {
            "runs": 3, "feeds": 5, "feed_parts": 5, "hosts": 2, "turns": 1, "site_pages": 2, "urls": 3,
            "sightings": 2, "flags": 1,
        }  # fmt: skip
        assert await forget(c, now=NOW, watched_feeds=watched, source_ids=["site"]) == 0
    await database.close()


async def test_at_most_so_many_rows_go_at_once(tmp_path: Path, storage: Storage) -> None:
    database = await open_database(index_location(tmp_path, storage))
    async with database.write() as c:
        old = {"kind": "monitor", "engine": "direct", "started_at": NOW - 2 * retention.PASSES_KEPT}
        await c.execute(insert(runs), [old] * (AT_ONCE + 7))
        assert [await forget(c, now=NOW, watched_feeds=(), source_ids=()) for _ in range(3)] == [AT_ONCE, 7, 0]
    await database.close()


async def test_notes_of_hosts_are_deleted_after_a_week_without_use_but_never_while_they_are_held(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "turns"
    folder.mkdir()
    one, two = FileTurns(folder), FileTurns(folder)
    for host in ("held.kz", "idle.kz", "new.kz"):
        await one.take(host, patience_s=60)
        if host != "held.kz":
            await one.give_back(host, pause_s=0.0)
    week_ago = time.time() - 8 * 86400
    for path in folder.iterdir():
        os.utime(path, (week_ago, week_ago))
    await one.take("new.kz", patience_s=60)
    await one.give_back("new.kz", pause_s=0.0)
    before = len(list(folder.iterdir()))
    forget_turns(tmp_path)
    assert before - len(list(folder.iterdir())) >= 2
    assert not await two._lock("held.kz")
    assert await two._lock("idle.kz")
    assert not await one._lock("idle.kz")
