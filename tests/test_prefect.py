"""The same pass under Prefect: a real server, started once for these tests."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.engine import api_answers, choose_engine, configured_api
from flows.serving.server import EmbeddedServer, ServerError
from tests.demo_site.server import DemoSite
from tests.support.documents import blocks, shows
from tests.support.loopback import serve
from tests.support.outlets import Outlet, daily, source_table
from tests.support.running import CHECKOUT, EVERYTHING, c5watch_process, one_json, write_config

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path_factory.mktemp("prefect")) as started:
        started.wait()
        yield started


def api_of(server: EmbeddedServer) -> str:
    """The address of its API, with the password in it."""
    return server.url.replace("://", f"://{server.password}@")


def asked(server: EmbeddedServer, what: str) -> list[dict[str, Any]]:
    """All objects of a kind that the server knows."""
    answer = httpx.post(f"{api_of(server)}/{what}/filter", json={}, trust_env=False, timeout=30)
    found = answer.raise_for_status().json()
    assert isinstance(found, list)
    return found


def test_a_pass_under_prefect_does_what_a_direct_one_does(
    site: DemoSite, server: EmbeddedServer, tmp_path: Path
) -> None:
    config = write_config(tmp_path / "config", sources=site.sources_toml())
    environment = server.environment

    def run(data: str, engine: str) -> dict[str, Any]:
        done = c5watch_process(
            "monitor", "--engine", engine, "--json", "--config", config, "--data", tmp_path / data,
            environment=environment,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return one_json(done)

    direct, prefect = run("direct", "direct"), run("prefect", "auto")
    assert (direct["engine"], prefect["engine"]) == ("direct", "prefect")
    for key in ("appended", "duplicates", "off_topic", "failed", "pending", "outcomes", "entries", "taken"):
        assert direct[key] == prefect[key], key
    again = run("prefect", "prefect")
    assert again["taken"] == again["appended"] == 0

    runs = asked(server, "flow_runs")
    assert [r["state_type"] for r in runs] == ["COMPLETED", "COMPLETED"]
    assert runs[0]["parameters"]["data"] == str(tmp_path / "prefect")
    # Batches, never a task an article: what Prefect keeps of a run must stay small.
    assert {t["name"].split("-")[0] for t in asked(server, "task_runs")} <= {"feeds, batch 1", "articles, batch 1"}
    artifacts = [a for a in asked(server, "artifacts") if a["key"] == "monitor-summary"]
    assert len(artifacts) == 2
    assert any("| stepnoy-vestnik | ok | ok | 8 | 8 |" in a["data"] for a in artifacts)
    wanted = {"filter": {"event": {"name": ["c5watch.article.appended"]}}, "limit": 50}
    answer = httpx.post(f"{api_of(server)}/events/filter", json=wanted, trust_env=False, timeout=30)
    found = answer.raise_for_status().json()
    assert found["total"] == prefect["appended"]
    assert {event["payload"]["number"] for event in found["events"]} == set(range(prefect["appended"]))


async def test_a_backfill_under_prefect_shows_its_progress_and_its_summary(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    environment = server.environment
    outlet = Outlet(daily(date(2025, 11, 1), 15))
    async with serve(outlet) as site:
        config = write_config(
            tmp_path / "config", sources=source_table("site", site, {"route": "sitemap"}), topics=EVERYTHING
        )
        arguments = (
            "backfill", "--from", "2025-11-05", "--to", "2025-11-11", "--config", config, "--data", tmp_path / "data",
            "--engine", "prefect", "--json",
        )  # fmt: skip
        done = await asyncio.to_thread(c5watch_process, *arguments, environment=environment)
        assert done.returncode == 0, done.stderr
        found = one_json(done)
        assert (found["engine"], found["appended"], found["outside"]["by_page"]) == ("prefect", 7, 8)
        again = one_json(await asyncio.to_thread(c5watch_process, *arguments, environment=environment))
        assert (again["taken"], again["windows"]["complete_before"], outlet.pages) == (0, 1, 15)

    runs = [run for run in asked(server, "flow_runs") if run["name"].startswith("backfill 2025-11-05")]
    assert [(run["state_type"], run["parameters"]["first"]) for run in runs] == [("COMPLETED", "2025-11-05")] * 2
    tasks = {task["name"].rpartition("-")[0] for task in asked(server, "task_runs")}
    assert "site, 2025-11-05 – 2025-11-11: list" in tasks
    artifacts = {artifact["key"]: artifact for artifact in asked(server, "artifacts")}
    assert float(artifacts["backfill-progress"]["data"]) == 100.0
    assert "| site | 7 | 7 | 7 |" in artifacts["backfill-summary"]["data"]


REFUSALS = """
import asyncio, json
from flows.serving import prefect_flows as flows
schema = flows.backfill.parameters.model_dump()
told = {}
wrong = {
    "route": {"first": "2025-11-05", "last": "2025-11-06", "via": "pigeon"},
    "day": {"first": "yesterday", "last": "2025-11-06"},
    "order": {"first": "2025-11-06", "last": "2025-11-05"},
    "source": {"first": "2025-11-05", "last": "2025-11-06", "sources": ["sight"]},
    "lacking": {"first": "2025-11-05", "last": "2025-11-06", "via": "urls"},
}
for name, parameters in wrong.items():
    try:
        asyncio.run(flows.backfill(**parameters))
    except Exception as error:
        told[name] = str(error)
print(json.dumps({"schema": schema, "told": told}))
"""


def test_prefects_form_knows_the_parameters_of_a_backfill_and_wrong_ones_are_one_clear_message(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", REFUSALS], cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, **server.environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = one_json(done)
    fields = found["schema"]["properties"]
    assert list(fields) == ["first", "last", "sources", "via", "urls", "again", "config", "data"]
    assert found["schema"]["required"] == ["first", "last"]
    assert (fields["first"]["type"], fields["first"]["format"]) == ("string", "date")
    routes = next(choice["enum"] for choice in fields["via"]["anyOf"] if "enum" in choice)
    assert routes == ["sitemap", "wordpress", "paged", "wayback", "gdelt", "ccnews", "urls"]
    assert all(field.get("description") for field in fields.values())
    told = found["told"]
    assert "via: Input should be 'sitemap', 'wordpress'" in told["route"]
    assert "first: Input should be a valid date" in told["day"]
    assert told["order"] == "--to: 2025-11-05 is before --from 2025-11-06"
    assert told["source"].startswith('--source: found "sight", expected an id from sources.toml')
    assert told["lacking"].startswith("--via urls: found no source with a file for it")


def test_an_index_that_is_none_is_one_line_under_prefect_too(server: EmbeddedServer, tmp_path: Path) -> None:
    (tmp_path / "index.sqlite").write_bytes(b"no database" * 100)
    done = c5watch_process("monitor", "--data", tmp_path, environment=server.environment)
    assert done.returncode == 1
    assert "file is not a database: restore it from a copy, or move it away" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_prefect_api_that_is_asked_for_and_does_not_answer_is_one_line(tmp_path: Path) -> None:
    environment = {"PREFECT_API_URL": "http://127.0.0.1:1/api"}
    done = c5watch_process("monitor", "--engine", "prefect", "--data", tmp_path / "data", environment=environment)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("c5watch: the Prefect API at http://127.0.0.1:1/api does not answer")


def test_auto_takes_prefect_only_where_its_api_answers(server: EmbeddedServer, tmp_path: Path) -> None:
    home = {"PREFECT_HOME": str(tmp_path)}
    assert choose_engine("auto", {**home, "PREFECT_API_URL": server.url})[0] == "prefect"
    assert choose_engine("auto", {**home, "PREFECT_API_URL": "http://127.0.0.1:1/api"})[0] == "direct"
    assert choose_engine("auto", home)[0] == "direct"
    assert choose_engine("prefect", home) == ("prefect", "running under Prefect's embedded server")
    assert choose_engine("direct", {**home, "PREFECT_API_URL": server.url})[0] == "direct"
    assert not api_answers("http://127.0.0.1:1/api")
    assert not api_answers("nonsense")


def test_the_api_of_the_active_profile_is_found_without_importing_prefect(tmp_path: Path) -> None:
    profile = 'active = "mine"\n[profiles.mine]\nPREFECT_API_URL = "http://prefect.example/api/"\n[profiles.other]\n'
    (tmp_path / "profiles.toml").write_text(profile)
    home = {"PREFECT_HOME": str(tmp_path)}
    assert configured_api(home) == "http://prefect.example/api"
    assert configured_api({**home, "PREFECT_PROFILE": "other"}) is None
    assert configured_api({**home, "PREFECT_API_URL": "http://a.example/api"}) == "http://a.example/api"
    (tmp_path / "profiles.toml").write_text("broken [")
    assert configured_api(home) is None


def test_a_server_that_cannot_start_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServerError, match="file"), EmbeddedServer(tmp_path / "file" / "home"):
        pass


def test_the_demonstration_does_the_whole_job(tmp_path: Path) -> None:
    keep, home = tmp_path / "demo", tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "demo", "--keep", str(keep)],
        cwd=CHECKOUT, env={**os.environ, "HOME": str(home)}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NOT OK" not in done.stdout
    shown = next(block for block in blocks(CHECKOUT / "README.md") if block.note == "end of make demo")
    assert shows(f"…{shown.text}", done.stdout)
    assert "direct engine" in done.stdout
    assert "prefect engine" in done.stdout
    verified = one_json(c5watch_process("corpus", "verify", "--json", "--data", keep))
    assert verified["articles"] > 20
    assert verified["faults"] == []
    assert list(home.iterdir()) == [], "something was left outside the folder"
    again = c5watch_process("demo", "--keep", keep, "--help")
    assert again.returncode == 0
