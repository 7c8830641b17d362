"""The configuration folder: what it takes, and the one line that each mistake is told in."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.load import CHECKOUT, FILES, ConfigError, load_config
from config.settings import Network, Settings, masked
from config.sources import Source
from extractors.archives.routes import ROUTES

SOURCE = """
[[sources]]
id = "orda"
name = "Orda"
homepage = "https://orda.kz"
feeds = ["https://orda.kz/rss"]
language = "ru"
country = "KZ"
category = "national"
"""
NETWORK_KEYS = ", ".join(sorted(Network.model_fields))
SECTIONS = ", ".join(sorted(Settings.model_fields))
CORPUS = "expected the plain name of a folder below --data, or s3://bucket/prefix"
NOT_SHOWN = "found a value that is not shown because it may hold a password"
DATABASE = 'expected "sqlite" or an address such as "postgresql+asyncpg://user:password@host/name"'

Folder = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Write a configuration folder: settings, sources and topics as TOML, each left out when None."""

    def write(settings: str | bytes | None = None, sources: str | None = None, topics: str | None = None) -> Path:
        for name, content in (("settings", settings), ("sources", sources), ("topics", topics)):
            if content is not None:
                raw = content if isinstance(content, bytes) else content.encode()
                (tmp_path / f"{name}.toml").write_bytes(raw)
        return tmp_path

    return write


def mistakes(folder: Path) -> list[str]:
    """The lines of the ConfigError, with the folder's own path left out."""
    with pytest.raises(ConfigError) as caught:
        load_config(folder, ROUTES)
    assert str(caught.value) == "\n".join(caught.value.lines)
    return [line.replace(f"{folder}/", "") for line in caught.value.lines]


def source(**changes: str | None) -> str:
    """A [[sources]] block; `changes` are TOML values, None leaves the key out."""
    lines = {line.split(" = ")[0]: line.split(" = ")[1] for line in SOURCE.strip().splitlines()[1:]}
    kept = {key: value for key, value in {**lines, **changes}.items() if value is not None}
    return "[[sources]]\n" + "".join(f"{key} = {value}\n" for key, value in kept.items())


def test_the_shipped_configuration_loads() -> None:
    config = load_config(CHECKOUT)
    assert len(config.sources) >= 40
    assert config.topics.topics
    assert config.settings.network.user_agent.startswith("c5watch/")
    assert len(config.select([])) == sum(s.enabled for s in config.sources)


def test_an_address_that_is_a_guess_says_so_with_its_date() -> None:
    notes = {source.id: source.note for source in load_config(CHECKOUT).sources if "unconfirmed" in (source.note or "")}
    assert len(notes) > 20
    assert [id_ for id_, note in notes.items() if not re.search(r"\b20\d\d-\d\d\b", note or "")] == []


def test_the_shipped_settings_are_the_defaults(folder: Folder) -> None:
    assert load_config(folder(settings="")).settings == load_config(CHECKOUT).settings


@pytest.mark.parametrize("present", sorted(FILES))
def test_a_folder_with_one_file_takes_the_others_from_the_checkout(tmp_path: Path, present: str) -> None:
    own = {
        "settings.toml": "[network]\nconcurrency = 7\n",
        "sources.toml": SOURCE,
        "topics.toml": '[[topics]]\nid = "all"\nname = "All"\nmatch_all = true\n',
    }
    (tmp_path / present).write_text(own[present])
    config, shipped = load_config(tmp_path), load_config(CHECKOUT)
    assert (config.settings == shipped.settings) == (present != "settings.toml")
    assert (config.sources == shipped.sources) == (present != "sources.toml")
    assert (config.topics == shipped.topics) == (present != "topics.toml")


def test_an_empty_folder_means_the_shipped_configuration(tmp_path: Path) -> None:
    assert load_config(tmp_path).sources == load_config(CHECKOUT).sources


def test_a_byte_order_mark_and_windows_line_ends_are_taken(folder: Folder) -> None:
    settings = b"\xef\xbb\xbf[network]\r\nconcurrency = 7\r\n"
    assert load_config(folder(settings=settings)).settings.network.concurrency == 7


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ("[network\n", "not valid TOML: Expected ']' at the end of a table declaration (at line 1, column 9)"),
        ("[network]\ntimeout = 1\ntimeout = 2\n", "not valid TOML: Cannot overwrite a value (at line 3, column 12)"),
        ("a = " + "[" * 5000, "not valid TOML: nested too deeply"),
        (b"[network]\n# \xff", "found bytes that are not UTF-8 at position 12, expected UTF-8"),
        (
            "[netwrok]\ntimeout = 3",
            f'netwrok: unknown key, expected one of {SECTIONS} (did you mean "network"?)',
        ),
        (
            "[network]\ntimeuot = 3",
            f'network.timeuot: unknown key, expected one of {NETWORK_KEYS} (did you mean "timeout"?)',
        ),
        ('"a\\nb" = 1', f"a\\nb: unknown key, expected one of {SECTIONS}"),
        ('_env_file = "x"', "_env_file: unknown key"),
        (
            '[network]\ntimeout = "abc"',
            'network.timeout: found "abc", expected a valid number, unable to parse string as a number',
        ),
        ("[network]\ntimeout = [1]", "network.timeout: found a list, expected a valid number"),
        ("[network]\ntimeout = true", "network.timeout: found true, expected a number"),
        ("[network]\ntimeout = inf", "network.timeout: found inf, expected a finite number"),
        ("[network]\ntimeout = 0", "network.timeout: found 0, expected a number greater than 0"),
        ("[network]\nconcurrency = 0", "network.concurrency: found 0, expected a number greater than 0"),
        (
            "[network]\nconcurrency = 1.5",
            "network.concurrency: found 1.5, expected a valid integer, got a number with a fractional part",
        ),
        (
            "[network]\nper_host_interval = -1",
            "network.per_host_interval: found -1, expected a number greater than or equal to 0",
        ),
        ("network = 3", "network: found 3, expected a table"),
        (
            '[network]\nallow_networks = "127.0.0.0/8"',
            'network.allow_networks: found "127.0.0.0/8", expected a list',
        ),
        (
            '[network]\nallow_networks = ["127.0.0.0/8", "10.0.0.1/8"]',
            'network.allow_networks[2]: found "10.0.0.1/8", expected a network such as "127.0.0.0/8" or "::1/128"',
        ),
        (
            '[network]\nuser_agent = "a\\nb"',
            'network.user_agent: found "a\\nb", expected printable ASCII on one line, '
            "because it is sent as an HTTP header",
        ),
        ('[network]\nuser_agent = ""', 'network.user_agent: found "", expected at least 1 character(s)'),
        ('[storage]\ndatabase = "postgres"', f"storage.database: {NOT_SHOWN}, {DATABASE}"),
        ('[storage]\ndatabase = "postgresql://h/name"', f"storage.database: {NOT_SHOWN}, {DATABASE}"),
        (
            '[storage]\ndatabase = "postgresql+asyncpg://h"',
            f"storage.database: {NOT_SHOWN}, {DATABASE}",
        ),
        (
            '[storage]\ndatabase = "postgresql+asyncpg://h:port/name"',
            f"storage.database: {NOT_SHOWN}, {DATABASE}",
        ),
        ("[storage]\ndatabase = true", "storage.database: found true, expected a valid string"),
        *(
            (f'[storage]\ncorpus = "{place}"', f'storage.corpus: found "{place}", {CORPUS}')
            for place in (
                "..",
                "a/b",
                "s3://",
                "s3://Bucket/x",
                "s3://b/x",
                "s3://bucket//x",
                "s3://bucket/../x",
                "s3://bucket/x y",
                "s3:/bucket/x",
                "gs://bucket/x",
            )
        ),
        (
            '[schedule]\ntimezone = "Asia/Almatyy"',
            'schedule.timezone: found "Asia/Almatyy", expected a time zone such as "Asia/Almaty"',
        ),
        (
            '[mail]\nhost = "h"\nsender = "me"\nrecipients = ["a@b.kz"]',
            'mail.sender: found "me", expected an address such as "desk@example.org"',
        ),
        ('[mail]\nhost = "h"\nsender = "a@b.kz"', "mail.recipients: missing, expected a value"),
        (
            '[mail]\nhost = "h"\nsender = "a@b.kz"\nrecipients = []',
            "mail.recipients: found a list, expected at least 1 item(s)",
        ),
    ],
)
def test_a_mistake_in_the_settings_is_one_line_with_place_and_mend(
    folder: Folder, settings: str | bytes, line: str
) -> None:
    assert mistakes(folder(settings=settings)) == [f"settings.toml: {line}"]


@pytest.mark.parametrize(
    ("sources", "line"),
    [
        ("sources = []", "found no sources, expected at least one [[sources]]"),
        ("", "sources: missing, expected a value"),
        ('[sources]\nid = "orda"', "sources: found a table, expected a list"),
        (source(name=None), "sources[1].name: missing, expected a value"),
        (
            source(name=r'"Or\u001b[31mda"'),
            'sources[1].name: found "Or\\u001b[31mda", expected one line of visible characters',
        ),
        (
            source(note=r'"off \u202e since 2026"'),
            r'sources[1].note: found "off \u202e since 2026", expected one line of visible characters',
        ),
        (
            source(id='"Orda KZ"'),
            'sources[1].id: found "Orda KZ", expected at most 60 of a-z, 0-9 and "-", such as "astanatimes"',
        ),
        (
            source(id=f'"{"a" * 61}"'),
            f'sources[1].id: found "{"a" * 61}", expected at most 60 of a-z, 0-9 and "-", such as "astanatimes"',
        ),
        (
            source() + source(feeds='["https://orda.kz/other"]'),
            'source 2: id: found "orda" a second time, expected a different id',
        ),
        (
            source() + source(id='"orda-2"'),
            'source 2 ("orda-2"): feeds: found https://orda.kz/rss, which source "orda" has, '
            "expected each feed in one source only",
        ),
        (
            source(feeds='["https://orda.kz/rss", "https://orda.kz/rss"]'),
            "sources[1].feeds: found https://orda.kz/rss twice, expected each feed once",
        ),
        (
            source(feeds='["https://orda.kz/rss", "orda.kz/feed"]'),
            'sources[1].feeds[2]: found "orda.kz/feed", expected a complete address such as "https://example.kz/rss"',
        ),
        (
            source(homepage='"https://orda .kz"'),
            'sources[1].homepage: found "https://orda .kz", '
            'expected a complete address such as "https://example.kz/rss"',
        ),
        (
            source(homepage='"https://orda.kz:99999"'),
            'sources[1].homepage: found "https://orda.kz:99999", '
            'expected a complete address such as "https://example.kz/rss"',
        ),
        (
            source(homepage='"ftp://orda.kz"'),
            'sources[1].homepage: found "ftp://orda.kz", expected a complete address such as "https://example.kz/rss"',
        ),
        (
            source(walk="3", links='"?id="'),
            "sources[1]: found walk without sections and links, expected the text before the number as links",
        ),
        (
            source(walk="50", links='"?id="', sections='["https://orda.kz/opinion"]'),
            "sources[1].walk: found 50, expected a number less than or equal to 20",
        ),
        (
            source(walk='"5"', links='"?id="', sections='["https://orda.kz/opinion"]'),
            'sources[1].walk: found "5", expected a valid integer',
        ),
        (
            source(links='"?id="'),
            "sources[1]: found links without sections, expected the pages that list the articles as sections",
        ),
        (
            source(sections='["https://orda.kz/opinion", "https://orda.kz/opinion"]'),
            "sources[1].sections: found https://orda.kz/opinion twice, expected each section once",
        ),
        (
            source(feeds='["https://orda.kz/rss"]', sections='["https://orda.kz/rss"]'),
            'source 1 ("orda"): sections: found https://orda.kz/rss, which is among its feeds, '
            "expected it in one of both",
        ),
        (source(feeds='"https://orda.kz/rss"'), 'sources[1].feeds: found "https://orda.kz/rss", expected a list'),
        (
            source(category='"nation"'),
            'sources[1].category: found "nation", expected "national", "regional", "us_government", "think_tank", '
            '"world" or "russia"',
        ),
        (
            source(language='"rus"'),
            'sources[1].language: found "rus", expected two small letters from ISO 639-1, such as "ru" or "kk"',
        ),
        (
            source(language='"kz"'),
            'sources[1].language: found "kz", expected two small letters from ISO 639-1, such as "ru" or "kk"',
        ),
        (source(country='"kz"'), 'sources[1].country: found "kz", expected two capitals from ISO 3166-1, such as "KZ"'),
        (
            source(backfill='{ route = "sitemp", url = "https://orda.kz/s.xml" }'),
            'sources[1].backfill.route: found "sitemp", expected "sitemap", "wordpress", "paged", "wayback", "gdelt", '
            '"ccnews" or "urls"',
        ),
        (
            source(backfill='{ route = "paged" }'),
            'sources[1].backfill: expected a url for the route "paged"',
        ),
        (
            source(backfill='[{ route = "gdelt" }, { route = "urls" }]'),
            'sources[1].backfill[2]: expected a file for the route "urls"',
        ),
        (
            source(backfill='{ route = "gdelt", ulr = "x" }'),
            'sources[1].backfill.ulr: unknown key, expected one of file, query, route, url (did you mean "url"?)',
        ),
        (
            source(backfill='{ route = "gdelt", url = "https://orda.kz" }'),
            'sources[1].backfill: found a url, which the route "gdelt" has no use for',
        ),
        (
            source(backfill='{ route = "paged", url = "https://orda.kz/?p={n}" }'),
            'sources[1].backfill: found the place-holder {n}, expected one of {page} for the route "paged"',
        ),
        (
            source(backfill='{ route = "wayback", url = "https://orda.kz/{page}" }'),
            'sources[1].backfill: found the place-holder {page}, expected one of none for the route "wayback"',
        ),
        (
            source(backfill='{ route = "sitemap", url = "https://orda.kz/{date.year}" }'),
            "sources[1].backfill: found the place-holder {date.year}, expected one of {start}, {end}, {date}, "
            '{monday}, {year}, {month}, {day}, {page} for the route "sitemap"',
        ),
        (
            source(backfill='{ route = "sitemap", url = "https://orda.kz/{month:x2}" }'),
            "sources[1].backfill: expected place-holders such as {page}, {month:02} or {date:%Y-%m-%d} in the url",
        ),
        (
            source(backfill='"sitemap"'),
            'sources[1].backfill: found "sitemap", expected a list',
        ),
        (
            source(langage='"ru"'),
            f"sources[1].langage: unknown key, expected one of {', '.join(sorted(Source.model_fields))} "
            '(did you mean "language"?)',
        ),
        (
            source(enabled='"maybe"'),
            'sources[1].enabled: found "maybe", expected a valid boolean, unable to interpret input',
        ),
    ],
)
def test_a_mistake_in_the_sources_is_one_line_with_place_and_mend(folder: Folder, sources: str, line: str) -> None:
    assert mistakes(folder(sources=sources)) == [f"sources.toml: {line}"]


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        (
            "C5WATCH_NETWORK__TIMEOUT",
            "soon",
            'C5WATCH_NETWORK__TIMEOUT: found "soon", expected a valid number, unable to parse string as a number',
        ),
        (
            "c5watch_network__timeout",
            "0",
            'c5watch_network__timeout: found "0", expected a number greater than 0',
        ),
        (
            "C5WATCH_BROWSE__URL",
            "https://c5.example.org/",
            "C5WATCH_BROWSE__URL: expected C5WATCH_BROWSE__PASSWORD to be set as well, because others can come in",
        ),
        (
            "C5WATCH_NETWORK__TIMEOUTT",
            "60",
            f'C5WATCH_NETWORK__TIMEOUTT: unknown key, expected one of {NETWORK_KEYS} (did you mean "timeout"?)',
        ),
        (
            "C5WATCH_NETWROK__TIMEOUT",
            "60",
            f'C5WATCH_NETWROK__TIMEOUT: unknown section, expected one of {SECTIONS} (did you mean "network"?)',
        ),
        (
            "C5WATCH_NETWORK__ALLOW_NETWORKS",
            "127.0.0.0/8",
            'C5WATCH_NETWORK__ALLOW_NETWORKS: found "127.0.0.0/8", expected a list such as ["a", "b"]',
        ),
        (
            "C5WATCH_NETWORK__ALLOW_NETWORKS",
            '["127.0.0.0/99"]',
            'C5WATCH_NETWORK__ALLOW_NETWORKS: found "127.0.0.0/99", '
            'expected a network such as "127.0.0.0/8" or "::1/128"',
        ),
        (
            "C5WATCH_NETWORK",
            "fast",
            "C5WATCH_NETWORK: found a single value, expected one variable C5WATCH_NETWORK__<NAME> for each setting",
        ),
        ("C5WATCH_NETWORK", "3", "C5WATCH_NETWORK: found 3, expected a table"),
        (
            "C5WATCH_NETWORK__TIMEOUT__S",
            "3",
            "C5WATCH_NETWORK__TIMEOUT__S: found a table, expected a valid number",
        ),
    ],
)
def test_a_mistake_in_the_environment_is_named_by_its_variable(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, line: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert mistakes(folder(settings="[network]\nconcurrency = 7")) == [f"environment: {line}"]


@pytest.mark.parametrize(
    ("variable", "value", "section", "setting"),
    [
        ("C5WATCH_NETWORK__TIMEOUT", "60", "network", {"timeout": 60.0, "concurrency": 7}),
        ("C5WATCH_NETWORK__ALLOW_NETWORKS", '["::1/128"]', "network", {"allow_networks": ("::1/128",)}),
        ("C5WATCH_NETWORK", '{"timeout": 60}', "network", {"timeout": 60.0, "concurrency": 7}),
        ("C5WATCH_STORAGE__CORPUS", "texts", "storage", {"corpus": "texts"}),
        ("C5WATCH_MAIL__PORT", "25", "mail", {"port": 25, "host": "mail.kz"}),
    ],
)
def test_the_environment_goes_before_the_file(
    folder: Folder,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    section: str,
    setting: dict[str, object],
) -> None:
    monkeypatch.setenv(variable, value)
    settings = '[network]\ntimeout = 5\nconcurrency = 7\n[mail]\nhost = "mail.kz"\nsender = "a@b"\nrecipients = ["c@d"]'
    found = getattr(load_config(folder(settings=settings)).settings, section)
    assert {name: getattr(found, name) for name in setting} == setting


ADDRESS = "postgresql+asyncpg://me:s3cret@db.kz:5433/news"


def test_the_address_of_a_database_may_come_from_the_environment(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("C5WATCH_STORAGE__DATABASE", ADDRESS)
    settings = load_config(folder(settings='[storage]\ndatabase = "sqlite"')).settings
    assert settings.storage.database.get_secret_value() == ADDRESS
    for shown in (repr(settings), str(settings.storage), settings.model_dump_json()):
        assert "s3cret" not in shown


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("C5WATCH_STORAGE", ADDRESS),
        ("C5WATCH_STORAGE__DATABASE", "postgresql+asyncpg://me:s3cr@s3cret@db.kz/news"),
        ("C5WATCH_STORAGE__DATABASE", "postgresql+asyncpg://me:s3cret@db.kz"),
        ("C5WATCH_STORAGE__DATABASE", "postgresql+asyncpg://me:s3cret@db.kz:port/news"),
        ("C5WATCH_STORAGE__DATABASE", "postgresql+asyncpg://me:s3cret@db.kz/news?sslmode=require"),
        ("C5WATCH_STORAGE__DATABASE", "postgresql+asyncpg://db.kz/news?user=me&password=s3cret"),
        ("C5WATCH_STORAGE__DATABASE", "postgresql://me:s3cret@db.kz/news"),
        ("C5WATCH_STORAGE__DATABASE", "postgresql+asyncpg:/me:/s3cret@db.kz/news"),
        ("C5WATCH_STORAGE__DATABASE", "me:s3cret@db.kz/news"),
        ("C5WATCH_STORAGE__DATABASE", "s3cret"),
    ],
)
def test_no_message_shows_the_password_of_a_database(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    (line,) = mistakes(folder(settings=""))
    assert line.startswith(f"environment: {variable}: found ")
    assert "s3cr" not in line


def test_an_override_mends_a_mistake_in_the_file(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C5WATCH_NETWORK__TIMEOUT", "9")
    assert load_config(folder(settings='[network]\ntimeout = "abc"')).settings.network.timeout == 9


def test_variables_of_the_command_line_are_no_settings(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C5WATCH_CONFIG", "elsewhere")
    monkeypatch.setenv("C5WATCH_DATA", "elsewhere")
    assert load_config(folder(settings="")).settings == load_config(CHECKOUT).settings


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_folder_that_is_none_is_said_so(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    assert mistakes(tmp_path / name) == [f"--config: found {tmp_path / name}, expected an existing folder"]


def test_a_folder_in_place_of_a_file_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").mkdir()
    assert mistakes(tmp_path) == ["settings.toml: cannot be read: Is a directory"]


def test_all_mistakes_in_all_files_are_reported_at_once(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C5WATCH_STORAGE__CORPUS", "..")
    wrong = source(language='"rus"', country='"kz"') + source(id='"b"', feeds='["orda"]')
    settings = '[network]\ntimeout = 0\n"time\\nout" = 1\n[mail]\nhost = "h"'
    found = mistakes(folder(settings=settings, sources=wrong, topics="topics = 3"))
    assert [line.split(": found")[0].split(": missing")[0].split(": unknown")[0] for line in found] == [
        "settings.toml: network.timeout",
        "settings.toml: network.time\\nout",
        "environment: C5WATCH_STORAGE__CORPUS",
        "settings.toml: mail.sender",
        "settings.toml: mail.recipients",
        "sources.toml: sources[1].language",
        "sources.toml: sources[1].country",
        "sources.toml: sources[2].feeds[1]",
        "topics.toml: topics",
    ]


@given(st.text(max_size=40))
def test_whatever_the_text_no_message_has_a_line_break(text: str) -> None:
    error = ConfigError([f"settings.toml: {text}: unknown key"])
    assert len(str(error).splitlines()) == 1


def test_selecting_nothing_gives_the_enabled_sources(folder: Folder) -> None:
    off = source(id='"b"', feeds='["https://b.kz/rss"]', enabled="false")
    config = load_config(folder(sources=source() + off))
    assert [s.id for s in config.select([])] == ["orda"]
    assert [s.id for s in config.select(["b", "orda", "b"])] == ["b", "orda"]
    assert config.source("b").enabled is False


def test_selecting_an_unknown_source_hints_at_the_close_one(folder: Folder) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(folder(sources=SOURCE)).select(["ordа", "orda", "zzz"])
    assert caught.value.lines == (
        '--source: found "ordа", expected an id from sources.toml (did you mean "orda"?)',
        '--source: found "zzz", expected an id from sources.toml',
    )


def test_every_key_of_the_shipped_settings_is_commented() -> None:
    text = (CHECKOUT / "settings.toml").read_text(encoding="utf-8")
    for name, value in tomllib.loads(text).items():
        if isinstance(value, dict):
            assert text.split(f"[{name}]\n")[1].split("\n\n")[0].startswith("#"), name
        else:
            assert text.split(f"\n{name} = ")[0].splitlines()[-1].startswith("#"), name


def test_a_source_names_one_route_or_several_in_order(folder: Folder) -> None:
    one = '{ route = "sitemap", url = "https://orda.kz/sitemap-{monday:%Y-%m-%d}-{month:02}.xml" }'
    several = '[{ route = "wordpress" }, { route = "gdelt", query = "rail" }, { route = "urls", file = "list.txt" }]'
    for value, routes in ((one, ["sitemap"]), (several, ["wordpress", "gdelt", "urls"]), (None, [])):
        (read,) = load_config(folder(sources=source(backfill=value)), ROUTES).sources
        assert [backfill.route for backfill in read.backfill] == routes


OPEN = "expected one without user and password, because addresses are kept and shown in many places"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"feeds": '["https://a.kz/rss", "https://reader:s3cret@orda.kz/rss"]'},
            f'sources[1].feeds[2]: found "https://…@orda.kz/rss", {OPEN}',
        ),
        ({"feeds": '["https://s3cret@orda.kz/rss"]'}, f'sources[1].feeds[1]: found "https://…@orda.kz/rss", {OPEN}'),
        ({"homepage": '"http://me:s3cret@x@orda.kz"'}, f'sources[1].homepage: found "http://…@orda.kz", {OPEN}'),
        (
            {"backfill": '{ route = "sitemap", url = "https://:s3cret@orda.kz/map.xml" }'},
            f'sources[1].backfill.url: found "https://…@orda.kz/map.xml", {OPEN}',
        ),
        (
            {"homepage": '"ftp://me:s3cret@orda.kz"'},
            'sources[1].homepage: found "ftp://…@orda.kz", expected a complete address such as "https://example.kz/rss"',
        ),
    ],
    ids=["feed", "user alone", "homepage", "backfill", "no web address either"],
)
def test_an_address_with_a_password_is_refused_and_not_shown(
    folder: Folder, changes: dict[str, str], told: str
) -> None:
    assert mistakes(folder(sources=source(**changes))) == [f"sources.toml: {told}"]


@pytest.mark.parametrize(
    ("address", "shown", "named"),
    [
        ("https://orda.kz/rss?token=x7", "https://orda.kz/rss?token=…", "token"),
        ("https://orda.kz/rss?lang=ru&api_key=x7&n=5", "https://orda.kz/rss?lang=ru&api_key=…&n=5", "api_key"),
        ("https://orda.kz/rss;AccessToken=x7?n=5", "https://orda.kz/rss;AccessToken=…?n=5", "AccessToken"),
        ("https://orda.kz/rss?X-Api-Key=x7", "https://orda.kz/rss?X-Api-Key=…", "X-Api-Key"),
        ("https://orda.kz/?feed=rss&user=me&passwd=x7", "https://orda.kz/?feed=rss&user=me&passwd=…", "passwd"),
        ("https://orda.kz/rss?key=d41d8cd98f00b204", "https://orda.kz/rss?key=…", "key"),
        ("https://orda.kz/rss?to%6ben=x7", "https://orda.kz/rss?to%6ben=…", "to%6ben"),
        ("https://orda.kz/rss?%61pi%5F%6Bey=x7", "https://orda.kz/rss?%61pi%5F%6Bey=…", "%61pi%5F%6Bey"),
        ("https://orda.kz/rss?client_secret=x7#new", "https://orda.kz/rss?client_secret=…#new", "client_secret"),
    ],
)
def test_an_address_with_a_secret_among_its_parameters_is_refused_and_not_shown(
    folder: Folder, address: str, shown: str, named: str
) -> None:
    told = f'found "{shown}", expected one without "{named}=…", because addresses are kept and shown in many places'
    assert mistakes(folder(sources=source(feeds=f'["{address}"]'))) == [f"sources.toml: sources[1].feeds[1]: {told}"]
    in_a_route = source(backfill=f'{{ route = "sitemap", url = "{address}" }}')
    assert mistakes(folder(sources=in_a_route)) == [f"sources.toml: sources[1].backfill.url: {told}"]
    assert masked(f"twice: {address} {address}") == f"twice: {shown} {shown}"


@pytest.mark.parametrize(
    "feed",
    [
        "https://orda.kz/rss?key=politics",
        "https://orda.kz/rss?key=2025",
        "https://orda.kz/rss?keyword=uranium2025&monkey=12345678&page_token_size=9",
        "https://orda.kz/token=12345678/rss",
        "https://orda.kz/rss?token=&secretary=12345678",
    ],
)
def test_a_parameter_that_only_sounds_like_a_secret_is_none(folder: Folder, feed: str) -> None:
    assert load_config(folder(sources=source(feeds=f'["{feed}"]'))).sources[0].feeds == (feed,)
    assert masked(feed) == feed


def test_an_at_sign_behind_the_host_is_no_password(folder: Folder) -> None:
    feed = "https://orda.kz/@redaksiya/rss?by=me@orda.kz"
    assert load_config(folder(sources=source(feeds=f'["{feed}"]'))).sources[0].feeds == (feed,)


def test_the_language_of_all_pages_is_set_once_and_a_digest_or_the_room_may_have_its_own(tmp_path: Path) -> None:
    def frames(text: str) -> tuple[list[str], str]:
        (tmp_path / "settings.toml").write_text(text, encoding="utf-8")
        settings = load_config(tmp_path).settings
        return [digest.frame for digest in settings.digests], settings.browse.frame or settings.frame

    assert frames("") == (["ru"], "ru")
    assert frames('frame = "en"\n[browse]\nport = 8471\n') == (["en"], "en")
    own = 'frame = "en"\n[browse]\nframe = "ru"\n[[digests]]\nname = "a"\n[[digests]]\nname = "b"\nframe = "ru"\n'
    assert frames(own) == (["en", "ru"], "ru")
