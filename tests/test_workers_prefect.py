"""Workers of a Prefect pool share one index and one corpus: nothing twice, nothing lost, one request to a host."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.benchmarks.workers import Pool, measure
from tests.support.postgres import PASSWORD, PostgresServer
from tests.support.running import c5watch_process

pytestmark = pytest.mark.slow


async def test_two_workers_make_the_corpus_that_one_run_makes_and_no_requests_overlap(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    found = await measure(
        tmp_path, postgres, articles=60, days=30, hosts=3, interval=0.1, limit=2, check=check_deployments,
        timeout_s=240,
    )  # fmt: skip
    assert found.articles == 60
    assert found.same
    assert found.states == {"Completed": found.windows + 2}
    assert found.windows >= 2
    assert found.at_once >= 2
    assert found.overlaps == 0
    assert found.least_gap_s >= 0.095  # the outlets' clock and ours begin to count a moment apart


async def check_deployments(found: Pool) -> None:
    """What `c5watch deploy` has made; doing it again makes nothing twice; secrets are where they belong."""
    status, out, err = await found.deploy()
    assert status == 0, err
    assert 'automation "c5watch: sources in trouble" brought up to date' in out
    assert "work pool c5watch (process) is there" in out
    deployments = {d["name"]: d for d in await found.ask("POST", "deployments/filter", {})}
    assert set(deployments) == {"monitor", "backfill", "backfill-windows", "digest"}
    monitor = deployments["monitor"]
    assert monitor["schedules"][0]["schedule"] == {
        "cron": "*/30 * * * *", "timezone": "Asia/Almaty", "day_or": True
    }  # fmt: skip
    assert monitor["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    assert monitor["global_concurrency_limit"]["limit"] == 1
    assert monitor["entrypoint"] == "flows.serving.prefect_flows.monitor"
    for deployment in deployments.values():
        fields: dict[str, Any] = deployment["parameter_openapi_schema"]["properties"]
        assert all(field.get("description") for field in fields.values()), deployment["name"]
        assert deployment["tags"] == ["c5watch"]
        assert deployment["description"]
    automations = await found.ask("POST", "automations/filter", {})
    assert sorted(a["name"] for a in automations) == [
        "c5watch: runs without a sign of life have crashed",
        "c5watch: sources in trouble",
    ]
    status, _, err = await found.deploy("--notify", "slack-webhook/nowhere")
    assert status == 1
    assert err.splitlines()[-1].startswith('c5watch: --notify: found "slack-webhook/nowhere", expected TYPE/NAME')
    password = quote(PASSWORD)
    for kind in ("deployments", "flow_runs", "logs", "artifacts", "work_pools", "block_documents"):
        assert password not in str(await found.ask("POST", f"{kind}/filter", {})), kind


def test_a_prefect_api_is_needed_and_asked_for_in_one_sentence(tmp_path: Path) -> None:
    for environment, told in (
        ({"PREFECT_HOME": str(tmp_path)}, "no Prefect API is configured"),
        ({"PREFECT_API_URL": "http://127.0.0.1:9/api"}, "the Prefect API at http://127.0.0.1:9/api does not answer"),
    ):
        done = c5watch_process("deploy", environment=environment)
        assert done.returncode == 1
        assert done.stderr.startswith(f"c5watch: {told}")
        assert done.stderr.count("\n") == 1
