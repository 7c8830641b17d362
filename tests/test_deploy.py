"""What runs when: the deployments, the files that name them, and how a long backfill is cut up."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.load import ConfigError, load_config
from config.sources import Backfill, Source
from extractors.period import Period, each_day
from flows.passes.backfill_request import BackfillRequest
from flows.serving.deploy import WORKER_ENVIRONMENT, planned
from flows.serving.missed import missed
from flows.serving.schedules import next_run
from flows.serving.serve import upcoming
from flows.serving.shards import Share, shard_of, shares, site_of
from tests.support.running import CHECKOUT, c5watch, source_toml, write_config

YEAR = Period(date(2025, 1, 1), date(2025, 12, 31))


def source(source_id: str, homepage: str, *routes: str) -> Source:
    return Source.model_validate(
        {
            "id": source_id, "name": source_id, "homepage": homepage, "feeds": [f"{homepage}/rss"], "language": "ru",
            "country": "KZ", "category": "national",
            "backfill": [{"route": route, **({"url": f"{homepage}/?p={{page}}"} if route == "paged" else {})}
                         for route in routes],
        }
    )  # fmt: skip


def test_every_flow_has_its_schedule_and_its_folders(tmp_path: Path) -> None:
    settings = (
        '[schedule]\nmonitor = "*/15 * * * *"\ndigest = "30 6 * * *"\ntimezone = "Asia/Tashkent"\n'
        '[[digests]]\nname = "daily"\n[[digests]]\nname = "weekly"\nschedule = "0 8 * * 1"\ntimezone = "Asia/Almaty"\n'
    )
    config = write_config(tmp_path / "config", sources=source_toml("a", "https://a.kz/rss"), settings=settings)
    plan = planned(load_config(config), tmp_path / "data")
    assert [(one.flow, one.name, one.cron, one.timezone, one.alone) for one in plan] == [
        ("monitor", "monitor", "*/15 * * * *", "Asia/Tashkent", True),
        ("backfill", "backfill", None, None, False),
        ("backfill_windows", "backfill-windows", None, None, False),
        ("digest", "daily", "30 6 * * *", "Asia/Tashkent", True),
        ("digest", "weekly", "0 8 * * 1", "Asia/Almaty", True),
    ]
    assert all(Path(one.parameters["data"]).is_absolute() for one in plan)
    assert plan[0].parameters["due_only"] is True
    assert [one.parameters["name"] for one in plan[3:]] == ["daily", "weekly"]
    noon = datetime(2025, 11, 22, 7, 5, tzinfo=UTC)  # Saturday, 12:05 in Tashkent
    assert upcoming(plan, now=noon) == [
        "monitor 12:15",
        "daily 2025-11-23 06:30",
        "weekly 2025-11-24 08:00 Asia/Almaty",
    ]


def test_mails_that_wait_are_tried_again_where_there_is_a_mail_server(tmp_path: Path) -> None:
    settings = '[mail]\nhost = "mail.kz"\nsender = "desk@mail.kz"\nrecipients = ["a@mail.kz"]\n'
    config = write_config(tmp_path / "config", sources=source_toml("a", "https://a.kz/rss"), settings=settings)
    last = planned(load_config(config), tmp_path)[-1]
    assert (last.flow, last.parameters["waiting_only"], last.alone) == ("digest", True, True)


@pytest.mark.parametrize(
    ("made", "late"),
    [
        ({}, []),  # never made: it waits for its hour
        ({"daily": "2025-11-22T06:30:20+05:00"}, []),
        ({"daily": "2025-11-22T06:29:00+05:00"}, ["daily"]),  # asked for by hand, before it was due
        ({"daily": "2025-11-20T06:30:20+05:00", "weekly": "2025-11-17T08:00:30+05:00"}, ["daily"]),
        ({"daily": "2025-11-22T06:30:20+05:00", "weekly": "2025-11-16T08:00:30+05:00"}, ["weekly"]),
    ],
)
def test_a_digest_whose_hour_has_passed_while_nothing_ran_is_made_late(
    tmp_path: Path, made: dict[str, str], late: list[str]
) -> None:
    settings = (
        '[schedule]\ntimezone = "Asia/Tashkent"\n'
        '[[digests]]\nname = "daily"\nschedule = "30 6 * * *"\n[[digests]]\nname = "weekly"\nschedule = "0 8 * * 1"\n'
        '[mail]\nhost = "mail.kz"\nsender = "desk@mail.kz"\nrecipients = ["a@mail.kz"]\n'
    )
    config = write_config(tmp_path / "config", sources=source_toml("a", "https://a.kz/rss"), settings=settings)
    last = {name: datetime.fromisoformat(moment) for name, moment in made.items()}
    now = datetime(2025, 11, 22, 7, 5, tzinfo=UTC)  # Saturday, 12:05 in Tashkent
    assert [one.name for one in missed(planned(load_config(config), tmp_path), last, now=now)] == late


@pytest.mark.parametrize(
    ("made", "now", "is_late"),
    [
        ("2026-03-28T01:30:20", "2026-03-29T00:55:00", False),  # 01:55, and the next hour begins at 03:00
        ("2026-03-28T01:30:20", "2026-03-29T01:05:00", True),  # 03:05: 02:30 has not been, and is over
        ("2026-03-29T01:00:20", "2026-03-29T06:00:00", False),
        ("2026-10-24T00:30:20", "2026-10-25T00:35:00", True),  # 02:35, for the first time
        ("2026-10-25T00:30:20", "2026-10-25T01:35:00", False),  # 02:35 once more
        ("2026-10-25T00:30:20", "2026-10-26T01:35:00", True),
    ],
)
def test_a_digest_is_due_once_on_the_days_on_which_the_clocks_change(
    tmp_path: Path, made: str, now: str, is_late: bool
) -> None:
    settings = '[[digests]]\nname = "nightly"\nschedule = "30 2 * * *"\ntimezone = "Europe/Berlin"\n'
    config = write_config(tmp_path / "config", sources=source_toml("a", "https://a.de/rss"), settings=settings)
    last, moment = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (made, now))
    assert bool(missed(planned(load_config(config), tmp_path), {"nightly": last}, now=moment)) is is_late


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2025-11-22T06:59:00+00:00", "12:00"),
        ("2025-11-22T18:59:00+00:00", "2025-11-23 00:00"),
    ],
)
def test_the_next_run_is_named_in_the_zone_of_its_schedule(now: str, expected: str) -> None:
    assert next_run("0 */12 * * *", "Asia/Tashkent", now=datetime.fromisoformat(now)) == expected


def test_prefects_file_and_our_command_make_the_same_deployments() -> None:
    written: dict[str, Any] = yaml.safe_load((CHECKOUT / "prefect.yaml").read_text(encoding="utf-8"))
    found = {d["name"]: d for d in written["deployments"]}
    plan = {one.name: one for one in planned(load_config(CHECKOUT / "config"), Path("data"))}
    assert found.keys() == plan.keys()
    for name, one in plan.items():
        told = found[name]
        assert told["entrypoint"] == f"flows/serving/prefect_flows.py:{one.flow}"
        assert told["description"] == one.description
        schedules = [{"cron": one.cron, "timezone": one.timezone}] if one.cron else []
        assert told.get("schedules", []) == schedules
        assert told.get("concurrency_limit") == (
            {"limit": 1, "collision_strategy": "CANCEL_NEW"} if one.alone else None
        )
        ours = {**one.parameters, "config": "config", "data": "data"}
        assert told["parameters"] == ours
        assert told["work_pool"] == {"name": "c5watch", "job_variables": {"env": WORKER_ENVIRONMENT}}


def test_the_files_for_running_it_name_commands_that_exist() -> None:
    unit = (CHECKOUT / "config" / "c5watch.service").read_text(encoding="utf-8")
    start = next(line for line in unit.splitlines() if line.startswith("ExecStart="))
    assert start.split()[1:] == ["serve", "--config", "/etc/c5watch", "--data", "/var/lib/c5watch"]
    assert "KillMode=mixed" in unit
    services = yaml.safe_load((CHECKOUT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert services["deploy"]["command"].split()[:2] == ["c5watch", "deploy"]
    assert services["worker"]["command"].startswith("prefect worker start --pool c5watch")
    for command in ("serve", "deploy"):
        shown = c5watch(command, "--help")
        assert shown.returncode == 0
        assert "--config" in shown.stdout


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("https://www.astanatimes.com/feed", "astanatimes.com"),
        ("https://rus.azattyq.org", "azattyq.org"),
        ("https://www.gov.kz/news", "gov.kz"),
        ("https://news.mfa.gov.kz", "mfa.gov.kz"),
        ("https://mfa.gov.kz", "mfa.gov.kz"),
        ("https://www.bbc.co.uk/russian", "bbc.co.uk"),
        ("http://127.0.0.1:8080/", "127.0.0.1"),
        ("http://[2001:db8::1]/", "2001:db8::1"),
        ("http://localhost/", "localhost"),
    ],
)
def test_a_site_is_what_somebody_has_registered(address: str, site: str) -> None:
    assert site_of(address) == site


def test_sources_of_one_site_are_in_one_shard_on_every_machine() -> None:
    one, other = source("a", "https://kaz.news.kz"), source("b", "https://rus.news.kz")
    assert shard_of(one, 8) == shard_of(other, 8)
    # Fixed for ever: another machine, or a later version, must not see it differently.
    assert [shard_of(source("x", f"https://site{n}.kz"), 8) for n in range(6)] == [4, 0, 3, 4, 7, 5]


def test_a_list_is_read_once_and_stretches_side_by_side() -> None:
    sources = [
        source("list", "https://list.kz", "sitemap"),
        source("months", "https://months.kz", "wordpress", "sitemap"),
        source("shared-1", "https://one.kz", "ccnews"),
        source("shared-2", "https://two.kz", "ccnews"),
        source("none", "https://none.kz"),
    ]
    found = shares(BackfillRequest(YEAR, tuple(sources)), shards=1000)
    by_source: dict[str, list[Share]] = {}
    for share in found:
        for source_id in share.sources:
            by_source.setdefault(source_id, []).append(share)
    assert [share.period for share in by_source["list"]] == [YEAR]
    assert len(by_source["months"]) == 12
    assert by_source["shared-1"] == by_source["shared-2"], "Common Crawl's files are read once for both"
    assert "none" not in by_source
    assert [share.period.first for share in found] == sorted(share.period.first for share in found)


@given(
    homepages=st.lists(st.sampled_from([f"https://s{n}.kz" for n in range(9)]), max_size=12),
    routes=st.lists(st.sampled_from(["sitemap", "wordpress", "wayback", "gdelt", "ccnews", "paged"]), max_size=12),
    shards=st.integers(1, 9),
    days=st.integers(0, 80),
)
def test_every_day_of_every_source_is_in_exactly_one_share(
    homepages: Sequence[str], routes: Sequence[str], shards: int, days: int
) -> None:
    pairs = list(zip(homepages, routes, strict=False))
    sources = [source(f"s{n}", homepage, route) for n, (homepage, route) in enumerate(pairs)]
    period = Period(date(2025, 1, 20), date.fromordinal(date(2025, 1, 20).toordinal() + days))
    covered = [
        (source_id, day)
        for share in shares(BackfillRequest(period, tuple(sources)), shards=shards)
        for source_id in share.sources
        for day in each_day(share.period)
    ]
    assert sorted(covered) == sorted((one.id, day) for one in sources for day in each_day(period))


def test_settings_from_prefect_are_ours_alone_and_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.serving.prefect_settings import put_into_environment

    monkeypatch.setenv("C5WATCH_NETWORK__TIMEOUT", "7")
    for name in ("C5WATCH_PASSWORD", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "")  # so that it is taken back
        monkeypatch.delenv(name)
    put_into_environment(
        "Prefect secret x",
        '{"C5WATCH_NETWORK__TIMEOUT": 60, "C5WATCH_PASSWORD": "geheim", "AWS_SECRET_ACCESS_KEY": "k"}',
    )
    assert os.environ["C5WATCH_NETWORK__TIMEOUT"] == "7", "what the worker itself has goes before"
    assert (os.environ["C5WATCH_PASSWORD"], os.environ["AWS_SECRET_ACCESS_KEY"]) == ("geheim", "k")
    for wrong in ("geheim", '["geheim"]', '{"network": {"timeout": "geheim"}}', 5):
        with pytest.raises(ConfigError) as told:
            put_into_environment("Prefect secret x", wrong)
        assert "geheim" not in str(told.value)
        assert str(told.value).startswith("Prefect secret x: ")


@pytest.mark.parametrize(
    "name",
    [
        "PATH", "LD_PRELOAD", "PYTHONPATH", "PYTHONSTARTUP", "PREFECT_API_URL", "AWS_CONFIG_FILE", "SSL_CERT_FILE",
        "HTTPS_PROXY", "C5WATCH_SERVE", "c5watch_network__timeout", "XC5WATCH_NETWORK__TIMEOUT", "",
    ],
)  # fmt: skip
def test_settings_from_prefect_set_nothing_else_on_a_worker(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.serving.prefect_settings import put_into_environment

    monkeypatch.delenv("C5WATCH_NETWORK__TIMEOUT", raising=False)
    before = dict(os.environ)
    with pytest.raises(ConfigError, match=f"{name}: expected C5WATCH_…, or one of AWS_ACCESS_KEY_ID, AWS"):
        put_into_environment("Prefect variable x", {"C5WATCH_NETWORK__TIMEOUT": 60, name: "geheim"})
    assert dict(os.environ) == before, "nothing at all is set where one name is wrong"


def test_routes_that_sources_lack_leave_them_out() -> None:
    assert shares(BackfillRequest(YEAR, (source("a", "https://a.kz", "sitemap"),), via="paged"), shards=8) == []
    assert isinstance(source("a", "https://a.kz", "sitemap").backfill[0], Backfill)
