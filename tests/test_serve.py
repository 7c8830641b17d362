"""`c5watch serve` begins at once, goes on after a crash where it was, stops when told, leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from pathlib import Path

import httpx
import pytest

from flows.serving.alone import alone
from flows.serving.child import guarded
from tests.benchmarks.serve import Serving, flow_runs, lateness_s, outlets, running_pass, start_pass
from tests.support.mail_servers import free_port
from tests.support.outlets import corpus_texts
from tests.support.running import c5watch_process, source_toml, write_config

pytestmark = pytest.mark.slow

WINDING_UP_S, STOP_S = 60, 30  # with other work on the machine; benchmarks/serve.py prints the seconds
ARTICLES, PER_PASS = 120, 14  # of each of two outlets: more than all passes here take on


async def test_killed_in_the_middle_of_a_run_and_started_again_it_goes_on_and_stops_when_told(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    async with outlets(tmp_path, articles=ARTICLES, per_pass=PER_PASS, interval=0.7, hosts=2) as (sites, config):
        async with Serving(config, data, "--no-pages") as serving:
            await serving.wait_for("first pass over the feeds", timeout_s=120)
            # A second one on the same folder says so and changes nothing.
            second = await asyncio.to_thread(c5watch_process, "serve", "--config", config, "--data", data)
            assert second.returncode == 1
            assert second.stderr.count("\n") == 1
            assert "another 'c5watch serve' is at work on" in second.stderr
            api = await serving.api()
            await serving.wait_for(r"next: monitor \d\d:\d\d, digest", timeout_s=120)
            await serving.wait_for("first pass: 2 of 2 sources read", timeout_s=120)
            await start_pass(api)
            killed = await running_pass(api, timeout_s=240)
            served = sum(len(site.fetched) for site in sites)
            while sum(len(site.fetched) for site in sites) < served + 4:
                await asyncio.sleep(0.1)
            serving.process.kill()
            await serving.process.wait()
            gone_by = time.monotonic() + WINDING_UP_S
            while left := serving.processes():
                assert time.monotonic() < gone_by, left
                await asyncio.sleep(0.1)
        async with Serving(config, data, "--no-pages") as serving:
            api = await serving.api()
            found = {run["id"]: run for run in await flow_runs(api)}[killed["id"]]
            assert found["state_name"] == "Crashed"
            await serving.wait_for("1 run that died with the last", timeout_s=120)
            # Which feeds are due again depends on how long all this took; the articles left from before always are.
            await serving.wait_for(r"first pass: \d of \d sources read", timeout_s=120)
            await start_pass(api)
            interrupted = await running_pass(api, timeout_s=240)
            late = lateness_s(await flow_runs(api))
            assert all(abs(seconds) < 45 for seconds in late), late
            status, seconds = await serving.stop()
            assert (status, serving.processes()) == (0, {})
            assert seconds < STOP_S
            assert "Traceback" not in serving.told
            assert "stopped; finished work is kept" in serving.told
    assert interrupted["id"] != killed["id"]
    texts = corpus_texts(data)  # no gap, no number twice
    fetched = [path for site in sites for path in site.fetched]
    assert len(fetched) - len(set(fetched)) <= 2, "no page is fetched again for a crash, but what was on its way"
    assert 4 * PER_PASS <= len(texts) <= len(set(fetched))
    verified = await asyncio.to_thread(c5watch_process, "corpus", "verify", "--config", config, "--data", data)
    assert verified.returncode == 0, verified.stdout


async def test_it_stops_at_once_while_everything_is_still_starting(tmp_path: Path) -> None:
    async with (
        outlets(tmp_path, articles=50, per_pass=50, interval=0.5, hosts=1) as (sites, config),
        Serving(config, tmp_path / "data", "--no-pages") as serving,
    ):
        while not sites[0].fetched:
            await asyncio.sleep(0.1)
        status, seconds = await serving.stop()
        assert (status, serving.processes()) == (0, {})
        assert seconds < STOP_S
        assert "Traceback" not in serving.told
        stamped = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+05:00 "
        lines = serving.told.splitlines()
        assert re.fullmatch(stamped + "times here are those of Asia/Tashkent, as set under .schedule.", lines[0])
        assert all(re.match(stamped, line) for line in lines)
    assert corpus_texts(tmp_path / "data")


async def test_the_reading_room_is_open_beside_the_schedules_and_opened_again(tmp_path: Path) -> None:
    async with (
        outlets(tmp_path, articles=50, per_pass=50, interval=0.5, hosts=1) as (_, config),
        Serving(
            config, tmp_path / "data", "--no-pages", "--browse", environment={"C5WATCH_BROWSE__PORT": str(free_port())}
        ) as serving,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        found = await serving.wait_for(r"the reading room is at (http://127\.0\.0\.1:\d+)", timeout_s=120)
        assert (await client.get(found[1])).status_code == 200
        status, _ = await serving.stop()
        assert (status, serving.processes()) == (0, {})
        with pytest.raises(httpx.ConnectError):
            await client.get(found[1])


def test_what_stands_in_its_way_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    config = write_config(tmp_path / "config", sources=source_toml("a", "http://127.0.0.1:9/rss"))
    refused = {"PREFECT_API_URL": "http://127.0.0.1:9/api"}
    for arguments, environment, status, told in (
        (("--data", tmp_path / "file" / "x"), {}, 2, "is a file, not a folder"),
        (("--data", tmp_path / "data"), refused, 1, "the Prefect API at http://127.0.0.1:9/api does not answer"),
        (("--data", tmp_path / "data"), {"C5WATCH_SCHEDULE__MONITOR": "* * *"}, 2, "C5WATCH_SCHEDULE__MONITOR"),
        (("--data", tmp_path / "data", "--port", "70000"), {}, 2, "--port"),
    ):
        done = c5watch_process("serve", "--config", config, *arguments, environment=environment)
        assert done.returncode == status, done.stderr
        assert told in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has ended")
async def test_a_child_ends_with_its_parent_however_that_ends(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time; from flows.serving.child import guarded; "
        "child = subprocess.Popen(guarded(sys.executable, '-c', 'import time; print(1, flush=True); time.sleep(60)'),"
        " stdout=subprocess.PIPE); child.stdout.readline(); print(child.pid, flush=True); time.sleep(60)"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()
    gone_by = time.monotonic() + WINDING_UP_S
    while Path(f"/proc/{child}/stat").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split(")")[1]:
        assert time.monotonic() < gone_by
        await asyncio.sleep(0.05)
    orphan = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from flows.serving.child import end_with; end_with(1 << 22); print('alive')",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await orphan.communicate()
    assert (orphan.returncode, out) == (-9, b""), "its parent had ended before it could ask"
    assert guarded("x")[3:] == [str(os.getpid()), "x"]


def test_one_program_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "lock"
    with alone(path) as first:
        assert first
        assert path.read_text() == f"{os.getpid()}\n"
        with alone(path) as second:
            assert not second
    with alone(path) as again:
        assert again
