"""No host is asked by two programs at once, whoever they are, and each leaves it the gap that it wants."""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from config.settings import Network, Storage
from extractors.fetching.client import Client
from extractors.fetching.hosts import HostState, Turns
from extractors.records import Deferred, ItemError
from storage.index.database import index_location
from storage.state.turns import NOW, SharedTurns, open_turns
from tests.support.loopback import Asked, Reply, serve
from tests.support.running import CHECKOUT

if TYPE_CHECKING:
    from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.slow

LOOPBACK = Network(allow_networks=("127.0.0.0/8",), per_host_interval=0.05, retry_delays=())


@asynccontextmanager
async def turns_of(tmp_path: Path, storage: Storage) -> AsyncIterator[SharedTurns]:
    """As one program sees them: another call of this is another program."""
    async with open_turns(index_location(tmp_path, storage), tmp_path) as turns:
        yield turns


async def wait_for(turns: Turns, host: str) -> float:
    """The seconds until the host was ours."""
    started = time.monotonic()
    assert await turns.take(host, patience_s=60) == 0.0
    return time.monotonic() - started


async def is_held(turns: Turns, host: str) -> bool:
    """Whether the host cannot be had for a while; else it is then ours."""
    try:
        async with asyncio.timeout(0.3):
            await turns.take(host, patience_s=60)
    except TimeoutError:
        return True
    return False


async def test_a_host_that_another_program_asks_is_waited_for_and_then_left_its_gap(
    tmp_path: Path, storage: Storage
) -> None:
    async with turns_of(tmp_path, storage) as one, turns_of(tmp_path, storage) as two:
        await wait_for(one, "a.kz")
        assert await is_held(two, "a.kz")
        await wait_for(two, "b.kz")  # another host is free
        waiting = asyncio.create_task(wait_for(two, "a.kz"))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        given_at = time.monotonic()
        await one.give_back("a.kz", pause_s=0.4)
        again = asyncio.create_task(wait_for(one, "a.kz"))
        await waiting
        assert time.monotonic() - given_at >= 0.4
        assert not again.done(), "who has waited for longer comes first"
        await two.give_back("a.kz", pause_s=0.2)
        await again
        assert time.monotonic() - given_at >= 0.6, "the gap is kept by all"
        await one.give_back("a.kz", pause_s=100)
        assert 40 < await two.take("a.kz", patience_s=60) <= 100


async def test_a_host_held_by_a_program_that_dies_is_free(tmp_path: Path, storage: Storage) -> None:
    async with turns_of(tmp_path, storage) as two:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", HOLDER, str(tmp_path), storage.database.get_secret_value(),
            cwd=CHECKOUT, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        assert await process.stdout.readline() == b"held\n"
        assert await is_held(two, "a.kz")
        process.kill()
        await process.wait()
        await wait_for(two, "a.kz")


HOLDER = """
import asyncio, sys
from pathlib import Path
from config.settings import Storage
from extractors.records import Deferred, ItemError
from storage.index.database import index_location
from storage.state.turns import NOW, SharedTurns, open_turns

async def hold():
    async with open_turns(index_location(Path(sys.argv[1]), Storage(database=sys.argv[2])), Path(sys.argv[1])) as turns:
        await turns.take("a.kz", patience_s=60)
        print("held", flush=True)
        await asyncio.sleep(60)

asyncio.run(hold())
"""


async def test_who_is_interrupted_while_waiting_holds_nothing(tmp_path: Path, storage: Storage) -> None:
    async with turns_of(tmp_path, storage) as one, turns_of(tmp_path, storage) as two:
        for pause in range(12):
            task = asyncio.create_task(wait_for(one, "a.kz"))
            await asyncio.sleep(pause * 0.0005)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                await wait_for(two, "a.kz")  # nobody holds it
                await two.give_back("a.kz", pause_s=0.0)
            else:
                await one.give_back("a.kz", pause_s=0.0)


async def test_two_programs_ask_one_host_in_turn_and_keep_the_gap(tmp_path: Path, storage: Storage) -> None:
    times: list[float] = []
    asked_by: list[str] = []

    def answer(asked: Asked) -> Reply:
        times.append(time.monotonic())
        asked_by.append(asked.path[1])
        return Reply(b"ok")

    async def work(name: str, base: str) -> None:
        async with turns_of(tmp_path, storage) as turns, Client(LOOPBACK, turns=turns) as client:
            for number in range(12):
                await client.fetch(f"{base}/{name}{number}")

    async with serve(answer) as server:
        await asyncio.gather(work("a", server.base), work("b", server.base))
    assert len(times) == 24
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= 0.05
    changes = sum(a != b for a, b in itertools.pairwise(asked_by))
    assert changes >= 6, "they take turns"


async def test_a_host_known_to_want_long_gaps_gets_them_from_all(tmp_path: Path, storage: Storage) -> None:
    async with serve(lambda asked: Reply(b"ok")) as server:
        host = server.base.removeprefix("http://")
        slow = HostState(host, interval_s=0.5)
        async with turns_of(tmp_path, storage) as turns, Client(LOOPBACK, hosts=[slow], turns=turns) as client:
            await client.fetch(f"{server.base}/one")
        async with turns_of(tmp_path, storage) as turns, Client(LOOPBACK, turns=turns) as client:
            await client.fetch(f"{server.base}/two")
        first, second = (asked.at for asked in server.asked)
        assert second - first >= 0.5


async def test_a_page_is_claimed_by_one_program_until_it_is_given_back_or_the_program_ends(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    with postgres.database() as address:
        storage = Storage(database=address)
        async with turns_of(tmp_path, storage) as one:
            async with turns_of(tmp_path, storage) as two:
                assert [await one.claim(page) for page in ("a", "b", "a")] == [True] * 3
                assert [await two.claim(page) for page in ("a", "b", "c")] == [False, False, True]
                await one.release(["a", "unknown"])
                assert [await two.claim(page) for page in ("a", "b")] == [True, False]
                await two.release([])
                assert not await one.claim("a")
            assert await one.claim("a"), "its program has ended"
            assert await one.claim("c")


async def test_a_pause_that_a_host_asks_for_is_kept_by_all_programs(tmp_path: Path, storage: Storage) -> None:
    replies = [Reply(b"", 429, {"Retry-After": "600"})]
    async with (
        serve(lambda asked: replies.pop() if replies else Reply(b"ok")) as server,
        turns_of(tmp_path, storage) as one,
        turns_of(tmp_path, storage) as two,
        Client(LOOPBACK, turns=one) as first,
        Client(LOOPBACK, turns=two) as second,
    ):
        with pytest.raises(ItemError):
            await first.fetch(f"{server.base}/one")
        for client in (second, first, second):
            with pytest.raises(Deferred) as caught:
                await client.fetch(f"{server.base}/two")
            assert timedelta(minutes=9) < caught.value.until - datetime.now(UTC) < timedelta(minutes=11)
        assert len(server.asked) == 1


async def test_a_gap_that_a_host_has_earned_is_kept_by_all_programs(tmp_path: Path, storage: Storage) -> None:
    async with (
        serve(lambda asked: Reply(b"ok")) as server,
        turns_of(tmp_path, storage) as one,
        turns_of(tmp_path, storage) as two,
        Client(LOOPBACK, hosts=[HostState(server.base.removeprefix("http://"), interval_s=0.4)], turns=one) as first,
        Client(LOOPBACK, turns=two) as second,
    ):
        await first.fetch(f"{server.base}/0")
        for number in range(1, 5):
            await (second if number % 2 else first).fetch(f"{server.base}/{number}")
            await second.fetch(f"{server.base}/{number}-again")
        times = [asked.at for asked in server.asked]
        assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= 0.4


@pytest.mark.parametrize("ahead_s", [1200, 86400 * 400])
async def test_a_clock_that_was_ahead_makes_nobody_wait_for_longer_than_was_meant(
    tmp_path: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch, ahead_s: int
) -> None:
    now = time.time
    async with turns_of(tmp_path, storage) as turns, turns_of(tmp_path, storage) as other:
        assert await turns.take("a.kz", patience_s=60) == 0.0
        with monkeypatch.context() as ahead:
            ahead.setattr("storage.state.turns.time.time", lambda: now() + ahead_s)
            ahead.setattr("storage.state.turns.NOW", f"({NOW} + {ahead_s})")
            await turns.give_back("a.kz", pause_s=0.3)
        began = time.monotonic()
        assert await asyncio.wait_for(other.take("a.kz", patience_s=60), 20) == 0.0
        assert time.monotonic() - began >= 0.3
        await other.give_back("a.kz", pause_s=0.0)
        assert await asyncio.wait_for(turns.take("a.kz", patience_s=60), 20) == 0.0
        await turns.give_back("a.kz", pause_s=0.0)
