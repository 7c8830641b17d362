"""`c5watch sources …`: the catalogue of outlets, how they fare, whether they work, and how it grows."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from config.errors import USAGE
from extractors.text import counted
from flows.cli.commands import (
    CONFIG,
    DATA,
    ConfigOption,
    DataOption,
    JsonOption,
    checked_config,
    checked_output,
    fail,
    print_json,
    problems_explained,
    read_index,
    remind_of_contact,
    say,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from config.load import Config
    from flows.tools.check import Check
    from flows.tools.mending import Mend
    from storage.state.entries import FeedState

sources_app = typer.Typer(
    help="List, check, add, import or export the outlets of the catalogue.", no_args_is_help=True, rich_markup_mode=None
)


class CategoryName(StrEnum):
    """The values of `--category`."""

    national = "national"
    regional = "regional"
    us_government = "us_government"
    think_tank = "think_tank"
    world = "world"
    russia = "russia"


DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be added. Write nothing.")]


@sources_app.command("list")
def sources_list(
    country: Annotated[str | None, typer.Option(help="Only sources of this country, such as KZ.")] = None,
    language: Annotated[str | None, typer.Option(help="Only sources in this language, such as ru.")] = None,
    category: Annotated[CategoryName | None, typer.Option(help="Only sources of this category.")] = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Only sources that are switched off, and why.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """List the sources of the catalogue."""
    sources = [
        source
        for source in checked_config(config).sources
        if (country is None or source.country == country.upper())
        and (language is None or source.language == language.lower())
        and (category is None or source.category == category.value)
        and not (disabled and source.enabled)
    ]
    if not sources:
        asked = {"--country": country, "--language": language, "--category": category, "--disabled": disabled or None}
        chosen = ", ".join(name if value is True else f"{name} {value}" for name, value in asked.items() if value)
        say(f"no source in the catalogue{f' for {chosen}' if chosen else ''}")
    if as_json:
        print_json({"sources": [s.model_dump(mode="json") for s in sources]})
    if as_json or not sources:
        return
    from flows.cli.terminal import print_table

    if disabled:
        print_table(("id", "name", "note"), [(s.id, s.name, s.note or "") for s in sources])
    else:
        print_table(
            ("id", "name", "language", "country", "category", "feeds", "backfill", "enabled"),
            [
                (
                    s.id, s.name, s.language, s.country, s.category, str(len(s.watched)),
                    ", ".join(dict.fromkeys(route.route for route in s.backfill)), "yes" if s.enabled else "no",
                )
                for s in sources
            ],
            numbers=(5,),
        )  # fmt: skip
    say(f"{counted(len(sources), 'source')}, {sum(s.enabled for s in sources)} of them enabled")


@sources_app.command("status")
def sources_status(as_json: JsonOption = False, config: ConfigOption = CONFIG, data: DataOption = DATA) -> None:
    """Show how each source fares.

    Tells which fail, are silent against their own rhythm, or give less text than they used to.
    """
    checked = checked_config(config)
    with problems_explained():
        from flows.passes.context import utc_now
        from flows.passes.summary import orphans_told
        from storage.health.sources import SourceHealth, load_health
        from storage.health.states import SourceState, load_states
        from storage.state.orphans import count_orphans

        ids, now = [source.id for source in checked.select(())], utc_now()

        async def load(
            index: AsyncConnection,
        ) -> tuple[list[SourceHealth], dict[str, SourceState], dict[str, int]]:
            health = await load_health(index, ids, now=now, ruled=checked.ruled(), watched=checked.watched())
            return health, await load_states(index, checked.sources, now=now), await count_orphans(index, set(ids))

        health, states, orphans = read_index(checked, data, load)
    if as_json:
        told_of = {h.source_id: asdict(replace(h, flags=())) | states[h.source_id].to_json() for h in health}
        told_of |= {key: state.to_json() for key, state in states.items() if key not in told_of}  # those switched off
        print_json(told_of | ({"not watched": orphans} if orphans else {}))
        return
    from flows.cli.terminal import print_health

    zone = checked.settings.schedule.timezone
    print_health(health, states, ZoneInfo(zone))
    if told := orphans_told(orphans):
        say(told)
    counts = [f"{n} {state.words}" for state, n in Counter(one.state for one in states.values()).most_common()]
    say(f"{counted(len(states), 'source')}: {', '.join(counts)}; times are those of {zone}")


@sources_app.command("check")
def sources_check(
    source: Annotated[
        list[str] | None, typer.Argument(help="Ids of sources. Without any, all that are enabled.")
    ] = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Also ask the sources that are switched off.")] = False,
    mend: Annotated[
        bool, typer.Option("--mend", help="Look for the successors of feeds that are gone, and print lines to paste.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="With --mend: write them into sources.toml.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Ask the feeds and archives of sources now. Store nothing.

    Tells what each feed and each route for backfills gives, and what to do about one that does not work. Asks GDELT
    and the Wayback Machine only for sources that are named.
    """
    if write and not mend:
        say("--write: goes with --mend only")
        raise typer.Exit(USAGE)
    checked = checked_config(config, source, given_by="ID")
    remind_of_contact(checked)
    with problems_explained():
        from flows.cli.checks import HEADINGS, by_verdict, is_offline, rows, sentence, summary, verdicts
        from flows.cli.terminal import ProgressBar, print_table
        from flows.tools.check import check_sources

        chosen = checked.sources if disabled and not source else checked.select(source or ())
        known = _feed_states(checked, data, [url for one in chosen for url in one.feeds])
        articles = _known_articles(checked, data, [url for one in chosen for url in one.sections])
        with ProgressBar() as bar:
            asked = check_sources(
                checked, chosen, data=data, shared=bool(source), observer=bar, known=known, articles=articles
            )
            checks = asyncio.run(asked)
        offline = len({check.feed for check in checks}) > 1 and is_offline(checks)
        mended = (
            _mended(checked, config, checks, data=data, archived=bool(source), write=write)
            if mend and not offline
            else []
        )
    counts = summary(checks)
    if as_json:
        watched = [c.to_json() for c in checks if c.is_watched]
        routes = [c.to_json() for c in checks if not c.is_watched]
        found = {"mended": [one.to_json() for one in mended]} if mend else {}
        print_json({"feeds": watched, "routes": routes, "summary": counts, **found})
    elif not offline:
        print_table(HEADINGS, rows(checks if source else by_verdict(checks)), numbers=(5, 7))
        say(verdicts(counts))
        say(sentence(counts))
        _tell_mended(mended)
    if offline:
        fail("no host was found: is this machine online?")
    if not any(check.ok for check in checks) and not any(one.written for one in mended):
        fail("no feed could be read: see the notes above")


def _tell_mended(mended: Sequence[Mend]) -> None:
    for one in mended:
        say(f"{one.source}: {one.old}: {one.note}")
        if one.line and not one.written:
            print(f"# {one.source}\n{one.line}")
        elif one.written:
            say(f"{one.source}: written to sources.toml: {one.new}")


def _feed_states(config: Config, data: Path, feed_urls: Sequence[str]) -> Mapping[str, FeedState]:
    """Return what the index remembers of feeds; nothing without an index, as feeds can be asked all the same."""
    from storage.errors import StorageError
    from storage.state.entries import load_feed_states

    try:
        return read_index(config, data, lambda index: load_feed_states(index, feed_urls))
    except StorageError:
        return {}


def _known_articles(config: Config, data: Path, sections: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Return the addresses that the index knows to be articles, for each section; nothing without an index."""
    from storage.errors import StorageError
    from storage.state.site_pages import load_known_articles

    try:
        return read_index(config, data, lambda index: load_known_articles(index, sections))
    except StorageError:
        return {}


def _mended(
    checked: Config, folder: Path, checks: Sequence[Check], *, data: Path, archived: bool, write: bool
) -> list[Mend]:
    """Look for the successors of what is lost; with `write`, write them."""
    from flows.cli.terminal import ProgressBar
    from flows.tools.mending import mend, write_successors

    with ProgressBar() as bar:
        found = asyncio.run(mend(checked, checks, data=data, archived=archived, observer=bar))
    return write_successors(folder, found) if write else found


@sources_app.command("add")
def sources_add(
    url: Annotated[str, typer.Argument(help="The outlet's home page, or its feed.")],
    id_: Annotated[str | None, typer.Option("--id", help="The id. Default: made of the host's name.")] = None,
    name: Annotated[str | None, typer.Option(help="The name. Default: what the page calls itself.")] = None,
    language: Annotated[str | None, typer.Option(help="The language: ru, en … Default: measured on the feed.")] = None,
    country: Annotated[
        str | None,
        typer.Option(help="The country, such as KZ. Default: that of the address, else asked for."),
    ] = None,
    category: Annotated[
        CategoryName | None, typer.Option(help="The category. Default: by the country, else asked for.")
    ] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Find the feed of an outlet and append the outlet to sources.toml.

    Looks for the feed that the page names, then at the usual places, then at the sitemaps in robots.txt.
    """
    checked = checked_config(config)
    with problems_explained():
        from flows.tools.sources import Facts, add_source, tables

        facts = Facts(
            id=id_,
            name=name,
            language=language.lower() if language else None,
            country=country.upper() if country else None,
            category=category.value if category else None,
        )
        ask = _ask if sys.stdin.isatty() and sys.stderr.isatty() else None
        added = asyncio.run(add_source(checked, config, url, facts, data=data, dry_run=dry_run, ask=ask))
    if as_json:
        print_json(added.to_json())
    else:
        print(tables([added.new]))
    feed = added.discovery.feed
    newest = f", the newest of {feed.newest:%Y-%m-%d %H:%M}" if feed.newest else ""
    say(f"{feed.url}: {feed.kind} with {counted(feed.entries, 'entry')}{newest}; found by {feed.via}")
    for other in added.discovery.others:
        say(f"the page also names {other}")
    if added.written:
        if added.written.copied:
            say(f"{config} had no sources.toml: it got a copy of the shipped catalogue first")
        say(f"appended to {added.written.path}; try it: c5watch sources check {added.new.source.id}")


def _ask(fact: str, words: str) -> str:
    """Ask the user at the terminal for a fact."""
    choices = f" ({', '.join(CategoryName)})" if fact == "category" else ""
    return str(typer.prompt(words + choices, err=True))


@sources_app.command("import")
def sources_import(
    file: Annotated[Path, typer.Argument(help="File that a feed reader has exported.")],
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Append the feeds of an OPML file to sources.toml.

    Leaves out feeds that the catalogue has. Guesses what the file does not say, and marks it for review.
    """
    checked = checked_config(config)
    with problems_explained():
        from flows.tools.sources import import_opml

        result = import_opml(checked, config, file, dry_run=dry_run)
    if as_json:
        print_json(result.to_json())
    else:
        from flows.cli.terminal import print_table

        lines = [("added", n.source.id, "; ".join(n.source.feeds), f"guessed: {', '.join(n.guessed)}" if n.guessed
                  else "") for n in result.added]  # fmt: skip
        lines += [("skipped", "", skipped.feed, skipped.why) for skipped in result.skipped]
        print_table(("what", "id", "feed", "note"), lines)
    say(f"{counted(len(result.added), 'source')} {'to add' if dry_run else 'added'}, {len(result.skipped)} skipped")
    if result.written:
        if result.written.copied:
            say(f"{config} had no sources.toml: it got a copy of the shipped catalogue first")
        say(f"appended to {result.written.path}")


@sources_app.command("export")
def sources_export(
    file: Annotated[Path | None, typer.Argument(help="The file to write. Default: standard output.")] = None,
    config: ConfigOption = CONFIG,
    data: DataOption = DATA,
) -> None:
    """Write the feeds of all enabled sources as OPML, for feed readers."""
    checked = checked_config(config)
    with problems_explained():
        from flows.tools.sources import export_opml

        if file is not None:
            checked_output("FILE", file)
        content = export_opml(checked, file)
    if file is None:
        sys.stdout.buffer.write(content)
    else:
        feeds = sum(len(source.feeds) for source in checked.select(()))
        say(f"{counted(feeds, 'feed')} written to {file}")
