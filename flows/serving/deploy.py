"""The flows as deployments: what runs when, with which parameters; and the automations that watch over them.

`planned` is the one list, for `c5watch serve`, which runs them itself, and for `c5watch deploy`, which leaves that to
the workers of a pool. Prefect is imported only when they are registered.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from config.errors import UserError
from config.load import Config

if TYPE_CHECKING:
    from prefect.automations import Automation
    from prefect.client.orchestration import PrefectClient
    from prefect.deployments.runner import RunnerDeployment

POOL = "c5watch"
TAG = "c5watch"
# Prefect's flow runs give a sign of life every 3 minutes; sooner, healthy ones would be taken for dead
# (PrefectHQ/prefect 16459, 18653).
DEAD_AFTER = timedelta(minutes=9)
# Prefect's worker runs a run's hooks from a script of its own. Python searches that script's folder first, and finds a
# storage.py there instead of our package `storage`. With this variable Python leaves the script's folder out.
WORKER_ENVIRONMENT = {"PYTHONSAFEPATH": "1"}
WAITING_MAILS = "20 * * * *"  # a server that is down is asked again within the hour
FLAGS = ("silent", "redesigned", "failing", "refused", "old-rule")  # of a source's health: storage.health


class DeployError(UserError):
    """The deployments cannot be made; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A flow with its parameters and its schedule. `alone`: skip a run that falls due while another is at work."""

    flow: str  # its name in flows.prefect_flows
    name: str
    description: str
    parameters: dict[str, Any] = field(default_factory=dict)
    cron: str | None = None  # None: runs when asked for
    timezone: str | None = None
    alone: bool = False


def planned(config: Config, data: Path) -> list[Deployment]:
    """Return all deployments of this configuration and this data folder."""
    settings = config.settings
    places = {"config": str(config.folder.absolute()), "data": str(data.absolute())}
    zone = settings.schedule.timezone
    found = [
        Deployment(
            "monitor",
            "monitor",
            "Polls the feeds whose turn has come, and takes on what is new.",
            {**places, "due_only": True},
            settings.schedule.monitor,
            zone,
            alone=True,
        ),
        Deployment("backfill", "backfill", "Takes in a past period; run again, it continues.", places),
        Deployment(
            "backfill_windows", "backfill-windows", "Cuts a past period into windows and starts a backfill for each.",
            places,
        ),
    ]  # fmt: skip
    found += [
        Deployment(
            "digest",
            digest.name,
            "Writes what is new since the last one, and mails it.",
            {**places, "name": digest.name},
            digest.cron(settings.schedule.digest),
            digest.timezone or zone,
            alone=True,
        )
        for digest in settings.digests
    ]
    if settings.mail is not None:
        found.append(
            Deployment(
                "digest",
                "waiting-mails",
                "Sends what a mail server did not take; makes no digest.",
                {**places, "waiting_only": True},
                WAITING_MAILS,
                zone,
                alone=True,
            )
        )
    return found


async def registered(
    plan: Sequence[Deployment], *, pool: str | None = None, tags: Sequence[str] = ()
) -> list[RunnerDeployment]:
    """Return Prefect's objects for the deployments, not applied yet; in the work pool `pool`, if given."""
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.schedules import Cron
    from prefect.types.entrypoint import EntrypointType

    from flows.serving import prefect_flows

    one_at_a_time = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
    return [
        await getattr(prefect_flows, one.flow).ato_deployment(
            one.name,
            description=one.description,
            parameters=one.parameters,
            schedules=[Cron(one.cron, timezone=one.timezone)] if one.cron else None,
            concurrency_limit=one_at_a_time if one.alone else None,
            tags=[TAG, *tags],
            work_pool_name=pool,
            job_variables={"env": WORKER_ENVIRONMENT} if pool else None,
            # By module: a worker needs c5watch installed, at whatever place.
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        for one in plan
    ]


async def deploy(config: Config, data: Path, *, pool: str = POOL, notify: str | None = None) -> list[str]:
    """Make or update the work pool, the deployments and the automations; return a line on each.

    `notify` names a notification block ("slack-webhook/desk") that is told of sources in trouble.
    Raises DeployError.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

    done = []
    async with get_client() as client:
        block = await _notification_block(client, notify) if notify else None
        try:
            found = await client.read_work_pool(pool)
            done.append(f"work pool {pool} ({found.type}) is there")
        except ObjectNotFound:
            with contextlib.suppress(ObjectAlreadyExists):  # made by another deploy at this moment
                await client.create_work_pool(WorkPoolCreate(name=pool, type="process"))
            done.append(f"work pool {pool} (process) made")
    plan = planned(config, data)
    for one, deployment in zip(plan, await registered(plan, pool=pool), strict=True):
        await deployment.aapply()
        when = f"{one.cron} {one.timezone}" if one.cron else "when asked for"
        done.append(f"deployment {one.flow.replace('_', '-')}/{one.name}: {when}")
    for automation in automations(block):
        done.append(f'automation "{automation.name}" {await _put(automation)}')
    return done


def automations(block: UUID | None) -> list[Automation]:
    """Return the automations that watch runs and sources; a notification `block` is told of sources in trouble."""
    from prefect.automations import Automation
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState, DoNothing, SendNotification
    from prefect.events.schemas.automations import EventTrigger, Posture

    ends = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")}
    told = (
        SendNotification(
            block_document_id=block,
            subject="c5watch: {{ event.resource['prefect.resource.name'] }}",
            body="{{ event.resource['prefect.resource.name'] }}: {{ event.event }}: {{ event.payload.why }}",
        )
        if block
        else DoNothing()  # the page "Automations" shows when it was triggered
    )
    return [
        Automation(
            name="c5watch: runs without a sign of life have crashed",
            description="A worker that dies together with its run cannot say so.",
            trigger=EventTrigger(
                posture=Posture.Proactive,
                after={"prefect.flow-run.heartbeat"},
                expect={"prefect.flow-run.heartbeat", *ends},
                match={"prefect.resource.id": "prefect.flow-run.*"},
                for_each={"prefect.resource.id"},
                threshold=1,
                within=DEAD_AFTER,
            ),
            actions=[ChangeFlowRunState(state=StateType.CRASHED, message="no sign of life for nine minutes")],
        ),
        Automation(
            name="c5watch: sources in trouble",
            description="A source fell silent, was redesigned or fails: see 'c5watch sources status'.",
            trigger=EventTrigger(
                posture=Posture.Reactive,
                expect={f"c5watch.source.{flag}" for flag in FLAGS},
                match={"prefect.resource.id": "c5watch.source.*"},
                for_each={"prefect.resource.id"},
                threshold=1,
                within=timedelta(0),
            ),
            actions=[told],
        ),
    ]


async def _put(automation: Automation) -> str:
    """Make the automation, or update an existing one of this name: a duplicate would act twice."""
    try:
        known = await type(automation).aread(name=automation.name)
    except ValueError:
        await automation.acreate()
        return "made"
    automation.id = known.id
    await automation.aupdate()
    return "brought up to date"


async def _notification_block(client: PrefectClient, name: str) -> UUID:
    from prefect.exceptions import ObjectNotFound

    kind, _, own = name.partition("/")
    try:
        return (await client.read_block_document_by_name(own, kind, include_secrets=False)).id
    except ObjectNotFound:
        raise DeployError(
            f'--notify: found "{name}", expected TYPE/NAME of a notification block, such as slack-webhook/desk: '
            "make it on Prefect's page Blocks"
        ) from None
