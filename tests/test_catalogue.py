"""The shipped catalogue, and how sources are appended to one."""

from __future__ import annotations

import asyncio
import stat
import tomllib
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.load import CHECKOUT, ConfigError, load_config
from config.sources import Backfill, Source
from extractors.archives.routes import ROUTES
from extractors.archives.series import dated_urls, page_url
from extractors.feeds.successors import feed_key
from extractors.period import Period
from extractors.zones import ZONES
from flows.tools.catalogue import Draft, NewSource, completed, free_id, table
from flows.tools.catalogue_file import append
from tests.support.running import source_toml, write_config

SHIPPED = load_config(CHECKOUT, ROUTES).sources
LANGUAGES = {"ru", "en", "kk", "uz", "ky", "tg", "tk"}
# The ids of the first catalogue: people's indexes know their sources by them.
FIRST_IDS = {
    "24kg", "akipress-en", "akipress-ru", "asiaplus-ru", "astanatimes", "atlanticcouncil", "azathabar", "baq",
    "bbc-russian", "bbc-uzbek", "cabar-ru", "egemen-kk", "eurasianet", "euronews-ru", "gazeta-uz-en",
    "gazeta-uz-ru", "inbusiness", "interfax", "jamestown", "kazinform-en", "kazinform-kk", "kazinform-ru",
    "kazpravda", "khovar-tg", "kisi", "kloop", "kommersant", "kun-uz", "kursiv", "nationalinterest",
    "newscentralasia", "nur-kk", "nur-ru", "orient-tk", "podrobno", "rbc", "ria", "spot", "sputnik-kg-ky",
    "sputnik-tj-ru", "state-sca", "tass", "tengrinews", "thediplomat", "timesca", "turkmenportal", "usembassy-kz",
    "usembassy-uz", "ustr", "uzdaily-en", "vlast", "whitehouse", "zakon",
}  # fmt: skip


def test_the_catalogue_holds_at_least_140_sources_and_most_are_enabled() -> None:
    assert len(SHIPPED) >= 140
    assert sum(s.enabled for s in SHIPPED) >= 130


def test_no_id_of_the_first_catalogue_has_gone() -> None:
    assert {s.id for s in SHIPPED} >= FIRST_IDS


def test_ids_are_unique_and_no_two_sources_share_a_feed() -> None:
    assert [i for i, n in Counter(s.id for s in SHIPPED).items() if n > 1] == []
    owners: dict[str, set[str]] = {}
    for source in SHIPPED:
        for feed in source.watched:
            owners.setdefault(feed_key(feed), set()).add(source.id)
    assert [feed for feed, ids in owners.items() if len(ids) > 1] == []


@pytest.mark.parametrize("source", SHIPPED, ids=lambda s: s.id)
def test_a_source_is_complete(source: Source) -> None:
    assert source.language in LANGUAGES
    assert source.country in ZONES, "its articles would be dated in UTC"
    reads = source.watched or any(route.route == "sitemap" for route in source.backfill)
    assert reads or not source.enabled, "nothing brings articles"
    assert source.enabled or (source.note or "").startswith("Off: "), "switched off without a reason"
    assert not source.enabled or not (source.note or "").startswith("Off"), "the reason for a source that is on"
    assert source.note is None or source.note.endswith((".", "/..."))
    for url in (source.homepage, *source.watched, *(route.url for route in source.backfill if route.url)):
        parts = urlsplit(url)
        assert parts.scheme == "https" or "http only" in (source.note or "")
        assert parts.hostname == (parts.hostname or "").encode("idna").decode("ascii")
        assert "." in (parts.hostname or "")
        assert not parts.fragment


def test_every_source_without_a_feed_says_so() -> None:
    for source in SHIPPED:
        if not source.watched:
            assert "backfills" in (source.note or ""), source.id


@pytest.mark.parametrize(
    ("source_id", "address"),
    [
        ("gazeta-uz-ru", "https://www.gazeta.uz/sitemap/materials-ru-2026-03-02.xml"),
        ("spot", "https://www.spot.uz/sitemap/materials-ru-2026-03-02.xml"),
        ("kun-uz", "https://kun.uz/sitemap/site-map-news_day_5_year_2026_month_3.xml"),
        ("ria", "https://ria.ru/sitemap_article.xml?date_start=20260305&date_end=20260305"),
        ("sputnik-kg-ru", "https://ru.sputnik.kg/sitemap_article.xml?date_start=20260305&date_end=20260305"),
    ],
)
def test_archives_named_by_date_are_named_as_the_sites_name_them(source_id: str, address: str) -> None:
    day = date(2026, 3, 5)  # a Thursday
    route = next(source for source in SHIPPED if source.id == source_id).backfill[0]
    assert dated_urls(route.url or "", Period(day, day), today=day) == [address]


def test_every_place_holder_of_the_catalogue_can_be_filled_in() -> None:
    day = date(2026, 3, 5)
    for source in SHIPPED:
        for route in source.backfill:
            for url in dated_urls(route.url or "", Period(day, day), today=day):
                assert "{" not in page_url(url, 1), source.id


def test_all_five_countries_and_all_categories_are_covered() -> None:
    assert {"KZ", "UZ", "KG", "TJ", "TM"} <= {s.country for s in SHIPPED if s.enabled}
    assert Counter(s.category for s in SHIPPED if s.enabled).keys() == {
        "national", "regional", "us_government", "think_tank", "world", "russia",
    }  # fmt: skip


def test_the_shipped_file_is_as_our_own_tables_are_written() -> None:
    text = (CHECKOUT / "sources.toml").read_text(encoding="utf-8")
    for source in SHIPPED:
        # A note with quotes is set in single ones there: easier to read, and the same to TOML.
        lines = [line for line in table(NewSource(source)).splitlines() if "\\" not in line and 'query = "' not in line]
        for line in lines:
            assert line in text, f"{source.id}: {line}"


# --- What is not known of a source is guessed --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("homepage", "feed", "expected"),
    [
        ("https://www.site.kz", "https://www.site.kz/rss", ("site", "ru", "KZ", "national")),
        ("https://kaz.site.kz", "https://kaz.site.kz/rss", ("kaz-site", "kk", "KZ", "national")),
        ("https://site.uz/en/", "https://site.uz/en/rss", ("site", "en", "UZ", "national")),
        ("https://site.uz/oz/", "https://site.uz/oz/rss", ("site", "uz", "UZ", "national")),
        ("https://kz.site.media", "https://kz.site.media/feed", ("kz-site", "en", "US", "world")),
        ("https://site.media/kk/", "https://site.media/kk/feed", ("site", "kk", "KZ", "national")),
        ("https://tm.agency.gov", "https://tm.agency.gov/feed", ("tm-agency", "en", "US", "us_government")),
        ("https://site.ru", "https://site.ru/rss", ("site", "ru", "RU", "russia")),
        ("https://site.co.uk", "https://site.co.uk/rss", ("site", "en", "GB", "world")),
        ("https://site.io", "https://site.io/rss", ("site", "en", "US", "world")),
        ("https://127.0.0.1:8000/", "https://127.0.0.1:8000/rss", ("127-0-0", "en", "US", "world")),
    ],
)
def test_what_an_address_tells_of_a_source(homepage: str, feed: str, expected: tuple[str, ...]) -> None:
    new = completed(Draft((feed,), homepage), taken=())
    source = new.source
    assert (source.id, source.language, source.country, source.category) == expected
    assert new.guessed == ("language", "country", "category")
    assert source.name == urlsplit(homepage).hostname


def test_what_is_said_wins_over_what_could_be_guessed() -> None:
    draft = Draft(("https://site.kz/rss",), "https://site.kz", "Name", "own-id", "en", "UZ", "regional")
    new = completed(draft, taken=("site",))
    assert new.guessed == ()
    assert (new.source.id, new.source.language, new.source.country) == ("own-id", "en", "UZ")


def test_an_id_that_is_taken_gets_the_language_then_the_name_then_a_number() -> None:
    taken: list[str] = []
    for _ in range(5):
        taken.append(free_id("www.site.kz", "ru", "Site News", taken=taken))
    assert taken == ["site", "site-ru", "site-site-news", "site-2", "site-3"]
    assert free_id("xn--80ak6aa92e.com", "ru", "Новости", taken=()) == "xn-80ak6aa92e"


@given(host=st.text(max_size=300), name=st.text(max_size=300))
def test_whatever_a_site_is_called_its_id_is_valid(host: str, name: str) -> None:
    first = free_id(host, "ru", name, taken=())
    for taken in ((), (first,), (first, f"{first}-ru")):
        made = free_id(host, "ru", name, taken=taken)
        completed(Draft((), "https://site.kz", id=made), taken=())
        assert made not in taken


def test_a_wrong_fact_is_one_line_that_says_what_is_expected() -> None:
    with pytest.raises(ValueError, match=r'^language: found "kz", expected two small letters from ISO 639-1'):
        completed(Draft((), "https://site.kz", language="kz"), taken=())


# --- Appending ---------------------------------------------------------------------------------------------------

NEW = completed(Draft(("https://new.kz/rss",), "https://new.kz", "New"), taken=())
COMMENTED = "# Ours.\n" + source_toml("one", "https://one.kz/rss").rstrip("\n") + "  # the best"


def test_what_was_in_the_file_stays_byte_for_byte(tmp_path: Path) -> None:
    folder = write_config(tmp_path, sources=COMMENTED)  # without a line end at its end
    written = append(folder, [NEW])
    text = (folder / "sources.toml").read_text()
    assert text.startswith(COMMENTED + "\n\n# Please review language, country and category: guessed.\n[[sources]]\n")
    assert [s.id for s in load_config(folder).sources] == ["one", "new"]
    assert (written.path, written.copied) == ((folder / "sources.toml").resolve(), False)


def test_windows_line_ends_byte_order_mark_mode_and_links_are_kept(tmp_path: Path) -> None:
    folder = write_config(tmp_path / "config", sources="")
    target = tmp_path / "kept-elsewhere.toml"
    target.write_bytes(b"\xef\xbb\xbf" + COMMENTED.replace("\n", "\r\n").encode())
    target.chmod(0o640)
    (folder / "sources.toml").unlink()
    (folder / "sources.toml").symlink_to(target)
    append(folder, [NEW])
    content = target.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf# Ours.\r\n")
    assert content.count(b"\n") == content.count(b"\r\n")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert (folder / "sources.toml").is_symlink()
    assert len(load_config(folder).sources) == 2


def test_a_folder_without_a_catalogue_gets_a_copy_of_the_shipped_one(tmp_path: Path) -> None:
    written = append(tmp_path, [NEW])
    assert written.copied
    assert load_config(tmp_path).sources == (*SHIPPED, NEW.source)
    shipped = (CHECKOUT / "sources.toml").read_bytes()
    assert (tmp_path / "sources.toml").read_bytes().startswith(shipped)


def test_a_file_that_cannot_take_a_table_is_left_alone(tmp_path: Path) -> None:
    one = '{id="a", name="A", homepage="https://a.kz", feeds=[], language="ru", country="KZ", category="world"}'
    folder = write_config(tmp_path, sources=f"sources = [{one}]\n")
    with pytest.raises(ConfigError, match=r"it cannot be changed: .* write the sources as \[\[sources\]\]"):
        append(folder, [NEW])
    assert (folder / "sources.toml").read_text() == f"sources = [{one}]\n"


def test_a_source_that_the_catalogue_has_is_never_written_twice(tmp_path: Path) -> None:
    folder = write_config(tmp_path, sources=COMMENTED)
    append(folder, [NEW])
    before = (folder / "sources.toml").read_bytes()
    with pytest.raises(ConfigError, match="it cannot be changed"):
        append(folder, [NEW])
    assert (folder / "sources.toml").read_bytes() == before


async def test_two_that_append_at_once_both_succeed(tmp_path: Path) -> None:
    folder = write_config(tmp_path, sources=COMMENTED)
    new = [completed(Draft((f"https://n{n}.kz/rss",), f"https://n{n}.kz"), taken=()) for n in range(8)]
    await asyncio.gather(*(asyncio.to_thread(append, folder, [one]) for one in new))
    assert {s.id for s in load_config(folder).sources} == {"one", *(one.source.id for one in new)}
    assert sorted(path.name for path in folder.iterdir()) == ["settings.toml", "sources.toml"]


ROUTES = st.lists(
    st.sampled_from([
        Backfill(route="gdelt", query='("a b" OR \\c)'),
        Backfill(route="sitemap", url="https://s.kz/{page}.xml"),
        Backfill(route="urls", file="list.txt"),
    ]),
    max_size=3,
)  # fmt: skip
LINES = st.text(st.characters(codec="utf-8").filter(str.isprintable), min_size=1, max_size=60)


@given(name=LINES, note=st.none() | LINES, routes=ROUTES, feeds=st.integers(0, 4), enabled=st.booleans())
def test_a_table_reads_back_as_the_source_whatever_its_texts_hold(**values: Any) -> None:
    source = Source(
        id="one", name=values["name"], homepage="https://s.kz", language="ru", country="KZ", category="world",
        feeds=tuple(f"https://s.kz/{'long' * 12}/{n}.xml" for n in range(values["feeds"])),
        enabled=values["enabled"], backfill=tuple(values["routes"]), note=values["note"],
    )  # fmt: skip
    assert Source.model_validate(tomllib.loads(table(NewSource(source)))["sources"][0]) == source
