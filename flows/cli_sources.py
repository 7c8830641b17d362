"""`c5watch sources …`: the catalogue of outlets, how they fare, whether they work."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from flows.commands import (
    CONFIG,
    DATA,
    ConfigOption,
    DataOption,
    JsonOption,
    checked_config,
    fail,
    print_json,
    problems_explained,
)

sources_app = typer.Typer(help="The catalogue of outlets.", no_args_is_help=True, rich_markup_mode=None)


@sources_app.command("list")
def sources_list(as_json: JsonOption = False, config: ConfigOption = CONFIG, data: DataOption = DATA) -> None:
    """List the sources of the catalogue."""
    checked = checked_config(config)
    if as_json:
        print_json({"sources": [s.model_dump(mode="json") for s in checked.sources]})
        return
    from flows.terminal import print_table

    print_table(
        ("id", "name", "language", "country", "category", "feeds", "enabled"),
        [
            (s.id, s.name, s.language, s.country, s.category, str(len(s.feeds)), "yes" if s.enabled else "no")
            for s in checked.sources
        ],
        numbers=(5,),
    )


@sources_app.command("status")
def sources_status(as_json: JsonOption = False, config: ConfigOption = CONFIG, data: DataOption = DATA) -> None:
    """Show how each source fares.

    Whether it is read, silent against its own rhythm, or gives less text than it used to.
    """
    checked = checked_config(config)
    with problems_explained():
        from flows.inspect import sources_health

        health = asyncio.run(sources_health(checked, data))
    if as_json:
        print_json({h.source_id: asdict(h) for h in health})
        return
    from flows.terminal import print_health

    print_health(health)


@sources_app.command("check")
def sources_check(
    source: Annotated[list[str] | None, typer.Argument(help="Ids of sources; none means all that are enabled.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Poll sources live, storing nothing.

    Says what their feeds give, and why one does not work.
    """
    checked = checked_config(config, source)
    with problems_explained():
        from flows.check import check_sources

        checks = asyncio.run(check_sources(checked, checked.select(source or ())))
    if as_json:
        print_json({"feeds": [c.to_json() for c in checks]})
    else:
        from flows.terminal import print_checks

        print_checks(checks)
    if not any(c.ok for c in checks):
        fail("no feed could be read: see the notes above")
