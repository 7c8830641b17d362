"""`c5watch serve`, `deploy` and `browse`: flows by schedule, here or on the workers of a pool; the reading room."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from flows.cli.commands import (
    CONFIG,
    DATA,
    NO_CONTACT,
    ConfigOption,
    DataOption,
    checked_config,
    fail,
    problems_explained,
    say,
)

PAGES_PORT = 4200  # Prefect's usual one


def serve(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of Prefect's pages; if it is taken, any free one.")
    ] = PAGES_PORT,
    pages: Annotated[bool, typer.Option(help="Show Prefect's pages to browsers on this machine.")] = True,
    browse: Annotated[bool, typer.Option("--browse", help="Open the reading room too, as 'browse' does.")] = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Run the schedules until stopped.

    Begins with a pass over the feeds that are due, then runs monitor and digests at the times in settings.toml: under
    a Prefect server that it starts, or under the one that PREFECT_API_URL names. SIGTERM or Ctrl-C ends it within ten
    seconds and keeps what is finished. After a crash, start it again.
    """
    checked = checked_config(config)
    zone = ZoneInfo(checked.settings.schedule.timezone)

    def log(message: str) -> None:
        print(datetime.now(zone).isoformat(" ", "seconds"), message, file=sys.stderr, flush=True)

    if not checked.settings.network.has_contact:
        log(NO_CONTACT)

    async def run() -> None:
        from flows.serving.serve import listen
        from flows.serving.serve import serve as serve_until

        stop = asyncio.Event()
        listen(stop)
        await serve_until(checked, data, port=port, ui=pages, browse=browse, log=log, stop=stop)

    status = 0
    try:
        with problems_explained():
            asyncio.run(run())
        log("stopped; finished work is kept")
    except typer.Exit as end:
        status = end.exit_code
    sys.stderr.flush()
    os._exit(status)  # Prefect's threads would wait for a server that is gone


def deploy(
    pool: Annotated[str, typer.Option(help="Work pool that the workers take runs from; made if missing.")] = (
        "c5watch"
    ),
    notify: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE/NAME", help="Prefect block to tell of sources in trouble, such as slack-webhook/desk."
        ),
    ] = None,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Register the flows with Prefect for workers to run.

    Makes the work pool, the deployments with their schedules and the automations, or brings them up to date. Set
    PREFECT_API_URL first, or Prefect's profile. Then start workers on any machine that has c5watch and the same
    folders: prefect worker start --pool c5watch
    """
    checked = checked_config(config)
    from flows.engine import configured_api, quiet_dependencies
    from flows.serving.server import check_api

    url = configured_api(os.environ)
    if url is None:
        fail("no Prefect API is configured: set PREFECT_API_URL, such as http://127.0.0.1:4200/api")
    else:
        with problems_explained():
            check_api(url, otherwise="correct PREFECT_API_URL")
    quiet_dependencies()
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    from flows.serving.deploy import deploy as register

    with problems_explained():
        for line in asyncio.run(register(checked, data, pool=pool, notify=notify)):
            print(line)
    say(f"now start workers: prefect worker start --pool {pool}")


def browse(
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Port on this machine, 0 for any free one; default: that in settings.toml."
        ),
    ] = None,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Look through the corpus in a browser on this machine.

    Browse by day and event, search, read, mark what is off topic, download lists. Ctrl-C ends it.
    """
    checked = checked_config(config)
    chosen = checked.settings.browse.port if port is None else port
    with problems_explained():
        from flows.browse.server import keep_open

        async def run() -> None:
            stop = asyncio.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
            await keep_open(checked, data, port=chosen, log=say, stop=stop)

        asyncio.run(run())
