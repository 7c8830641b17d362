"""The table of archive routes: a row is all that a new route needs besides its own module."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from extractors.archives.routes import ROUTES
from tests.support.loopback import MISSING, Asked, Reply, serve
from tests.support.outlets import Outlet, daily, source_table
from tests.support.running import CHECKOUT, EVERYTHING, one_json, write_config

pytestmark = pytest.mark.slow

ROW = """
from extractors.archives.routes import ROUTES, Route
ROUTES["pigeon"] = Route(
    "tests.support.pigeon_route:list_pigeon", window_days=2, takes=("url",), needs="url", placeholders=("page",),
    asks="site",
)
"""
COMMAND = f"{ROW}\nfrom flows.cli.app import run_command_line\nrun_command_line()"
PARAMETERS = f"""{ROW}
import json
from flows.serving.prefect_flows import backfill, backfill_windows
print(json.dumps([flow.parameters.model_dump()["properties"]["via"] for flow in (backfill, backfill_windows)]))
"""
SHARES = f"""{ROW}
import json, sys
from datetime import date
from pathlib import Path
from config.load import load_config
from flows.passes.backfill_request import checked_request
from flows.serving.shards import shares
request = checked_request(load_config(Path(sys.argv[1]), ROUTES), date(2025, 11, 5), date(2025, 11, 9),
                          via="pigeon", today=date(2025, 12, 1))
print(json.dumps([str(share.period) for share in shares(request, shards=1)]))
"""
PERIOD = ("--from", "2025-11-05", "--to", "2025-11-09")


def with_the_row(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """A program that has one row more in the table, and nothing else."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=CHECKOUT, env=dict(os.environ), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def pigeons(outlet: Outlet) -> Any:
    """An outlet whose archive is asked for days."""

    def answer(asked: Asked) -> Reply:
        if asked.path != "/pigeons":
            return MISSING
        first, last = (date.fromisoformat(asked.query[name]) for name in ("from", "to"))
        base = f"http://{asked.headers['host']}"
        chosen = [number for number, day in outlet.days.items() if day and first <= day <= last]
        return Reply("".join(f"{base}/news/{number}\n" for number in chosen).encode())

    return answer


async def test_a_row_in_the_table_is_all_that_a_made_up_route_needs(tmp_path: Path) -> None:
    outlet = Outlet(daily(date(2025, 11, 1), 15))
    outlet.archive = pigeons(outlet)
    async with serve(outlet) as site:
        routes = ({"route": "sitemap"}, {"route": "pigeon", "url": f"{site.base}/pigeons"})
        table = source_table("site", site, *routes)
        config = write_config(tmp_path / "config", sources=table, topics=EVERYTHING)
        places = ("--config", config, "--data", tmp_path / "data")

        def asked() -> int:
            return [request.path for request in site.asked].count("/pigeons")

        async def command(*arguments: object) -> dict[str, Any]:
            done = await asyncio.to_thread(with_the_row, COMMAND, *arguments, "--json", *places)
            assert done.returncode == 0, done.stderr
            return one_json(done)

        forecast = await command("backfill", *PERIOD, "--via", "pigeon", "--dry-run")
        assert (forecast["sources"]["site"]["route"], forecast["to_fetch"]) == ("pigeon", 5)
        assert not (tmp_path / "data").exists()
        assert asked() == 3, "windows of two days"
        found = await command("backfill", *PERIOD, "--via", "pigeon", "--engine", "direct")
        assert (found["sources"]["site"]["appended"], found["windows"]["listed"]) == (5, 3)
        assert asked() == 6
        checked = await command("sources", "check", "site")
        assert {route["what"]: route["ok"] for route in checked["routes"]} == {"sitemap": False, "pigeon": True}
        parts = await asyncio.to_thread(with_the_row, SHARES, config)
        assert json.loads(parts.stdout) == [
            "2025-11-05 – 2025-11-06", "2025-11-07 – 2025-11-08", "2025-11-09 – 2025-11-09",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("route", "told"),
    [
        (
            '{ route = "pigoen" }',
            f'found "pigoen", expected {", ".join(map(json.dumps, ROUTES))} or "pigeon"',
        ),
        ('{ route = "pigeon" }', 'expected a url for the route "pigeon"'),
        (
            '{ route = "pigeon", url = "https://site.kz", query = "x" }',
            'found a query, which the route "pigeon" has no use for',
        ),
        (
            '{ route = "pigeon", url = "https://site.kz/{day}" }',
            'found the place-holder {day}, expected one of {page} for the route "pigeon"',
        ),
    ],
)
def test_a_mistake_in_the_keys_of_a_made_up_route_is_one_line_and_status_2(
    tmp_path: Path, route: str, told: str
) -> None:
    table = (
        '[[sources]]\nid = "site"\nname = "S"\nhomepage = "https://site.kz"\nfeeds = []\n'
        f'language = "ru"\ncountry = "KZ"\ncategory = "national"\nbackfill = {route}\n'
    )
    config = write_config(tmp_path / "config", sources=table)
    done = with_the_row(COMMAND, "sources", "list", "--config", config, "--data", tmp_path / "data")
    assert (done.returncode, done.stdout) == (2, "")
    place = "sources[1].backfill.route" if "pigoen" in route else "sources[1].backfill"
    assert done.stderr == f"c5watch: {config / 'sources.toml'}: {place}: {told}\n"


def test_a_source_lacking_what_a_made_up_route_needs_is_told_so(tmp_path: Path) -> None:
    table = (
        '[[sources]]\nid = "site"\nname = "S"\nhomepage = "https://site.kz"\nfeeds = []\n'
        'language = "ru"\ncountry = "KZ"\ncategory = "national"\n'
    )
    config = write_config(tmp_path / "config", sources=table)
    places = ("--config", config, "--data", tmp_path / "data")
    lacking = with_the_row(COMMAND, "backfill", *PERIOD, "--via", "pigeon", *places)
    assert lacking.returncode == 2
    assert lacking.stderr.startswith("c5watch: --via pigeon: found no source with a url for it; give one a backfill")
    unknown = with_the_row(COMMAND, "backfill", *PERIOD, "--via", "dove", *places)
    assert unknown.returncode == 2
    assert unknown.stderr.endswith('--via: found "dove", expected one of ' + ", ".join([*ROUTES, "pigeon"]) + "\n")


def test_help_and_prefects_form_offer_a_made_up_route() -> None:
    told = " ".join(with_the_row(COMMAND, "backfill", "--help").stdout.split())
    assert ", ".join([*ROUTES, "pigeon"]) in told
    for via in json.loads(with_the_row(PARAMETERS).stdout.splitlines()[-1]):
        assert [*ROUTES, "pigeon"] == next(choice["enum"] for choice in via["anyOf"] if "enum" in choice)


@pytest.mark.parametrize("name", ROUTES)
def test_every_row_names_functions_that_are_there_and_keys_that_fit(name: str) -> None:
    route = ROUTES[name]
    assert callable(route.load())
    assert not route.shared or route.shared_function
    assert route.shared_function is None or callable(route.load_shared())
    assert set(route.takes) <= {"url", "query", "file"}
    assert route.needs is None or route.needs in route.takes
    assert not route.placeholders or "url" in route.takes
