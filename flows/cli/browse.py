"""`c5watch browse`: the corpus in a browser."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import typer

from flows.cli.commands import CONFIG, DATA, ConfigOption, DataOption, checked_config, problems_explained, say


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
