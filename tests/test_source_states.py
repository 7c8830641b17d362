"""The one state of each source: told alike by every surface over a world in which every state occurs."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from config.load import Config, load_config
from flows.digest.digest import preview
from flows.digest.words import words_of
from flows.passes.monitor import monitor
from flows.passes.summary import source_rows
from flows.reports.status import write_report
from storage.corpus.writer import open_corpus, open_for_reading
from storage.health.states import BY_WEIGHT, WELL, SourceState, State, load_states
from storage.index.schema import feeds, flags, urls
from tests.support.room import room
from tests.support.running import c5watch, one_json, source_toml, write_config

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Row:
    """What the index knows of a source: its feed's answers, its flags, and the age of its newest entry."""

    state: State
    success: timedelta | None = timedelta(minutes=5)
    error: str | None = None
    flags: tuple[tuple[str, str], ...] = ()
    news: timedelta | None = timedelta(hours=1)
    asked: bool = True


WORLD = {
    "lively": Row(State.OK),
    "weekly": Row(State.QUIET, news=3 * DAY),
    "mute": Row(State.SILENT, flags=(("silent", "nothing new for 9 days"),), news=9 * DAY),
    "down": Row(State.FAILING, success=2 * DAY, error="connection refused (127.0.0.1)"),
    "long-down": Row(
        State.FAILING, success=9 * DAY, error="http 500", flags=(("failing", "40 polls failed in a row"),)
    ),
    "locked": Row(State.REFUSED, flags=(("refused", "no page of its latest 8 entries could be had, mostly http 403"),)),
    "repainted": Row(
        State.REDESIGNED, flags=(("redesigned", "no text found on 6 of its latest pages"), ("silent", "x"))
    ),
    "ruled": Row(
        State.OLD_RULE, flags=(("old-rule", "body of the site's rule found nothing on 4 of its latest pages"),)
    ),
    "unborn": Row(State.NEVER, success=None, error="host not found (unborn.example)", news=None),
    "unasked": Row(State.NEVER, success=None, news=None, asked=False),
    "archive": Row(State.UNWATCHED, news=None, asked=False),
    "retired": Row(State.OFF, asked=False),
}


def catalogue() -> str:
    tables = []
    for name, row in WORLD.items():
        table = source_toml(name, f"https://{name}.example/rss")
        if row.state is State.UNWATCHED:
            table = table.replace(f'["https://{name}.example/rss"]', "[]")
        tables.append(table.rstrip("\n") + ("\nenabled = false\n" if row.state is State.OFF else "\n"))
    return "\n".join(tables)


async def fill(config: Config, data: Path, now: datetime) -> None:
    """The rows of the world; no feed is due, so that a pass finds all as it is."""
    async with open_corpus(data, config.settings.storage) as corpus, corpus.database.write() as connection:
        for name, row in WORLD.items():
            address = f"https://{name}.example/rss"
            if row.asked:
                answer = {"polled_at": now, "succeeded_at": now - row.success if row.success else None,
                          "error": row.error, "failures": int(bool(row.error)), "next_poll": now + DAY}  # fmt: skip
                await connection.execute(insert(feeds).values(url=address, source_id=name, **answer))
            for flag, why in row.flags:
                await connection.execute(insert(flags).values(source_id=name, flag=flag, since=now - DAY, why=why))
            if row.news is not None:
                entry = {"first_seen": now - row.news, "outcome": "off_topic", "decided_at": now, "attempts": 1}
                entry |= {"key": address, "url": address, "source_id": name, "feed_url": address}
                await connection.execute(insert(urls).values(**entry))


async def states_of(config: Config, data: Path, now: datetime) -> dict[str, SourceState]:
    async with open_for_reading(data, config.settings.storage) as corpus, corpus.database.read() as connection:
        return await load_states(connection, config.sources, now=now)


@pytest.fixture
async def world(tmp_path: Path) -> tuple[Config, Path, datetime]:
    config = load_config(write_config(tmp_path / "config", sources=catalogue()))
    now = datetime.now(UTC)
    await fill(config, tmp_path / "data", now)
    return config, tmp_path / "data", now


async def test_each_source_has_the_one_state_that_tells_most(world: tuple[Config, Path, datetime]) -> None:
    config, data, now = world
    states = await states_of(config, data, now)
    assert {name: state.state for name, state in states.items()} == {name: row.state for name, row in WORLD.items()}
    assert set(State) == {row.state for row in WORLD.values()}, "the world has every state"
    assert {one for one in State if one not in WELL} == {*BY_WEIGHT, State.NEVER}
    down = states["down"]
    assert down.since is not None and abs(down.since - (now - 2 * DAY)) < timedelta(seconds=1)
    assert (down.error, down.needs_look) == ("connection refused (127.0.0.1)", True)


def cells(page: str) -> list[list[str]]:
    """The text of each table row of a page."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.S)
    return [
        [unescape(re.sub(r"<[^>]+>", "", c)) for c in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", r, re.S)] for r in rows
    ]


async def test_every_surface_tells_the_same_state(world: tuple[Config, Path, datetime], tmp_path: Path) -> None:
    config, data, now = world
    expected = {name: row.state for name, row in WORLD.items()}
    folders = "--config", tmp_path / "config", "--data", data

    told = one_json(await asyncio.to_thread(c5watch, "sources", "status", "--json", *folders))
    assert {name: State(one["state"]) for name, one in told.items()} == expected
    assert told["unborn"]["error"].startswith("host not found")
    table = (await asyncio.to_thread(c5watch, "sources", "status", *folders)).stdout.splitlines()
    for line in table[1:]:
        if (name := line.partition(" ")[0]) in expected:
            assert line.split(maxsplit=1)[1].startswith(expected[name].words), line

    summary = (await monitor(config, data, sources=config.select(()), now=lambda: now, due_only=True)).to_json()
    enabled = {name: state for name, state in expected.items() if state is not State.OFF}
    assert {name: State(one["health"]["state"]) for name, one in summary["sources"].items()} == enabled
    assert {row[0]: row[2] for row in source_rows(summary)} == {name: state.words for name, state in enabled.items()}

    async with open_for_reading(data, config.settings.storage) as corpus:
        page = (await write_report(config, corpus, data, now=now)).read_text(encoding="utf-8")
    shown = {row[0]: row[-1] for row in cells(page) if row and row[0] in expected}
    assert {name: told.startswith(expected[name].words) for name, told in shown.items()} == dict.fromkeys(
        expected, True
    )

    words = words_of("ru")
    async with room(data, config.settings.storage, sources=config.sources) as reader:
        found = {row[0]: row[1] for row in cells((await reader.get("/sources")).text) if row and row[0] in expected}
    assert {n: told.startswith(words.state(expected[n])) for n, told in found.items()} == dict.fromkeys(expected, True)

    await preview(config, data, tmp_path / "digest.html", name=None, since=None, now=now)
    digest = unescape((tmp_path / "digest.html").read_text(encoding="utf-8"))
    notes = dict(re.findall(r"<b>([\w-]+)</b> ([^<]+)<", digest))
    troubled = {name: state for name, state in expected.items() if state not in WELL}
    assert {name: told.startswith(words.state(troubled[name])) for name, told in notes.items()} == dict.fromkeys(
        troubled, True
    )
    assert words.all_well not in digest


async def test_the_digest_says_that_all_is_well_only_where_it_is(tmp_path: Path) -> None:
    sources = source_toml("lively", "https://lively.example/rss") + source_toml("new", "https://new.example/rss")
    config = load_config(write_config(tmp_path / "config", sources=sources))
    now, data = datetime.now(UTC), tmp_path / "data"

    async def digest() -> str:
        await preview(config, data, tmp_path / "digest.html", name=None, since=None, now=now)
        return (tmp_path / "digest.html").read_text(encoding="utf-8")

    answer: dict[str, Any] = {"polled_at": now, "succeeded_at": now, "failures": 0}
    async with open_corpus(data, config.settings.storage) as corpus, corpus.database.write() as connection:
        await connection.execute(insert(feeds).values(url="https://lively.example/rss", source_id="lively", **answer))
    assert words_of("ru").all_well not in await digest()
    async with open_corpus(data, config.settings.storage) as corpus, corpus.database.write() as connection:
        await connection.execute(insert(feeds).values(url="https://new.example/rss", source_id="new", **answer))
    assert words_of("ru").all_well in await digest()
