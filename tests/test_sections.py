"""Section pages: which of their links are articles, and watching them like feeds, on servers on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
import tomllib
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.load import load_config
from config.sources import Backfill
from extractors.feeds.sections import ListedArticle, listed_articles
from extractors.records import Entry
from extractors.urls import canonical_url
from extractors.zones import zone_of
from flows.passes.monitor import monitor
from flows.tools.check import check_sources
from flows.tools.sources import Facts, add_source
from storage.index.database import open_database
from storage.state.entries import store_entries
from tests.support.archive_servers import look, window
from tests.support.loopback import MISSING, Asked, Reply, Server, files, serve
from tests.support.outlets import page
from tests.support.running import EVERYTHING, SETTINGS, explained, source_toml, write_config
from tests.support.section_pages import LOOKS, Story, html, stories

URL = "https://outlet.kz/opinion"
NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
ALMATY = zone_of("KZ")


def listed(body: str | bytes, links: str | None = None, articles: Sequence[str] = ()) -> list[ListedArticle]:
    raw = body.encode() if isinstance(body, str) else body
    return listed_articles(raw, url=URL, charset=None, zone=ALMATY, now=NOW, links=links, articles=articles)


def paths(found: list[ListedArticle]) -> list[str]:
    return [one.url.removeprefix("https://outlet.kz") for one in found]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("count", [4, 10, 25])
def test_the_articles_of_a_section_are_found_and_nothing_else(look: str, count: int) -> None:
    page, path, dated = LOOKS[look]
    shown = stories(1000, 999 + count, date(2026, 11, 20))
    found = listed(page(shown))
    assert paths(found) == [path(story) for story in shown]
    assert [one.title for one in found] == [story.title for story in shown]
    days = [one.published and one.published.astimezone(ALMATY).date() for one in found]
    if look == "numbered":  # the lead shows no day
        days[0] = shown[0].day
    assert days == [story.day if dated else None for story in shown]


@pytest.mark.parametrize("look", LOOKS)
def test_a_text_that_the_addresses_hold_settles_it(look: str) -> None:
    page, path, _ = LOOKS[look]
    shown = stories(1, 2, date(2026, 11, 20))  # too few to be taken for a list
    links = {
        "cards": "-itog-",
        "rows": "/ru/20",
        "numbered": "/opinion?id=",
        "undated": "/post/",
        "by script": "material",
    }
    found = listed(page(shown), links.get(look, "/story/"))
    assert {path(story) for story in shown} <= set(paths(found))
    if look not in ("numbered", "mixed with advertising"):
        assert len(found) == 2
    assert listed(page(shown), "/elsewhere/") == []


LINKS = "".join(f'<a href="/a/{n}">{{}}</a>' for n in range(6))
HEADLINE = "Министры обсудили поставки зерна"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("", 0),
        ("<p>Ничего нет</p>", 0),
        (LINKS.format(*(f"{n}" for n in range(6))), 0),  # pages of the list
        (LINKS.format(*["Новости региона"] * 6), 0),  # a menu
        (f"<nav>{LINKS.format(*[HEADLINE] * 6)}</nav>", 0),
        (f"<div class='side-bar popular'>{LINKS.format(*[HEADLINE] * 6)}</div>", 6),  # all there is
        (LINKS.format(*[HEADLINE] * 6).replace('"/a/', '"https://other.kz/a/'), 0),
        (LINKS.format(*[HEADLINE] * 6).replace('"/a/', '"/tag/'), 0),
        (LINKS.format(*["<b class=title>" + HEADLINE + "</b> 20.11.2026"] * 6), 6),
        (LINKS.format(*[HEADLINE] * 3, "Итоги", "Зерно", ""), 5),  # short ones in blocks of the same make
        ('<div id="app"></div><script src="/app.js"></script>', 0),
        ('<script>var menu = [{"title": "' + HEADLINE + '", "url": "/one"}]</script>', 0),
    ],
)
def test_what_is_a_list_of_articles_and_what_is_not(body: str, found: int) -> None:
    assert len(listed(html(body))) == found


OWN_MAKES = "".join(f"<{tag} class={tag}><a href='/news/{n}'>{HEADLINE} {n}</a></{tag}>"
                    for n, tag in enumerate(("div", "p", "li", "section", "h3")))  # fmt: skip
SHORT = "".join(f'<div class="i"><a href="/news/{n}">{title}</a></div>' for n, title in enumerate(
    (HEADLINE, "Пожар в Актау", "Курс тенге", "Матч отменён", "Дожди до четверга")
))  # fmt: skip
PAYLOAD = '<script>var list = [{"title": "' + HEADLINE + '", "url": "/news/1"}]</script>'
KNOWN = [f"https://outlet.kz/news/{n}" for n in (0, 90, 91)]


@pytest.mark.parametrize(
    ("body", "unaided", "found"),
    [
        (LOOKS["undated"][0](stories(1, 2, date(2026, 11, 20))).replace("/post/", "/news/").replace(".html", ""), 0, 2),
        (OWN_MAKES, 0, 5),  # no two blocks are alike
        (SHORT, 0, 5),  # too short for headlines, but in blocks such as that of an article
        (PAYLOAD, 0, 1),
        (f"<nav>{OWN_MAKES}</nav><p><a href='/news/7'>{HEADLINE}</a></p>", 0, 1),
        (f"<div class=popular>{SHORT}</div>{LINKS.format(*[HEADLINE] * 6)}", 6, 6),
        (OWN_MAKES.replace("/news/", "https://other.kz/news/"), 0, 0),
        (OWN_MAKES.replace("/news/", "/help/"), 0, 0),  # addresses of another kind
        ("<p><a href='/news/7'>Культура</a></p>", 0, 0),  # the name of a section
    ],
)
def test_addresses_known_to_be_articles_tell_which_links_are_some(body: str, unaided: int, found: int) -> None:
    assert len(listed(html(body))) == unaided
    assert len(listed(html(body), articles=KNOWN)) == found


SAYING_LITTLE = {
    "read more": '<div><h3>{h}</h3><p>Коротко о том, что случилось.</p><a href="/news/{n}">Читать далее</a></div>',
    "an arrow": '<li><span class="news-title">{h}</span> <a href="/news/{n}">→</a></li>',
    "nothing, over the whole card": '<div class="card"><h5>{h}</h5><a class="stretched" href="/news/{n}"></a></div>',
    "a picture": '<div><a href="/news/{n}"><img alt="{h}"></a></div>',
    "words for machines": '<div><a href="/news/{n}" aria-label="{h}"></a></div>',
    "how many comments, once more": '<div><a href="/news/{n}?utm_source=x">{h}</a><a href="/news/{n}">12</a></div>',
    "a category too": '<div><a href="/econ">Экономика</a><h2>{h}</h2><a href="/news/{n}">Ещё</a></div>',
    "on another host of the site": '<div><a href="https://news.outlet.kz/{n}">{h}</a></div>',
}


@pytest.mark.parametrize("look", SAYING_LITTLE)
def test_links_that_say_little_have_the_headline_beside_them(look: str) -> None:
    headlines = [f"{HEADLINE} номер {n}" for n in range(5)]
    items = "".join(SAYING_LITTLE[look].format(h=headline, n=n) for n, headline in enumerate(headlines))
    assert [one.title for one in listed(html(f"<main>{items}</main>"))] == headlines


@pytest.mark.parametrize(
    "body",
    [
        f"<div><h2>{HEADLINE} за неделю</h2>" + "".join(f'<a href="/a/{n}">{n}</a>' for n in range(6)) + "</div>",
        "".join(f'<div><h2><a href="/n/{n}">{HEADLINE}</a></h2><a href="/user/{n}">Иван</a></div>' for n in range(2)),
        "".join(f'<p><a href="https://elsewhere.kz/{n}"><img alt="{HEADLINE}"></a></p>' for n in range(6)),
        "".join(f'<div><h2>Новости дня {n}</h2><a href="/day/{n}">Все</a></div>' for n in range(6)),
    ],
    ids=["one heading over many links", "a heading that is a link", "another site", "short headings"],
)
def test_a_heading_beside_links_makes_no_articles_of_them(body: str) -> None:
    assert listed(html(body)) == []


@pytest.mark.parametrize(
    "item",
    [
        '{{"title": {{"rendered": "{h}"}}, "link": "/news/{n}", "date": "2026-11-19T10:00:00"}}',
        '{{"title": {{"ru": "{h}", "kk": "x"}}, "url": {{"href": "/news/{n}"}}, "date": "2026-11-19T10:00:00"}}',
    ],
)
def test_texts_within_objects_of_a_payload_are_read(item: str) -> None:
    items = ", ".join(item.format(h=f"{HEADLINE} {n}", n=n) for n in range(4))
    found = listed(html(f'<div id=app></div><script>window.DATA = {{"list": [{items}]}}</script>'))
    assert [(one.title, one.published and one.published.day) for one in found] == [
        (f"{HEADLINE} {n}", 19) for n in range(4)
    ]


def test_a_payload_of_numbers_that_stand_for_its_texts_is_read() -> None:
    values: list[Any] = [{"data": 1}, [2, 6, 10]]
    for n in range(3):
        at = len(values)
        values += [{"id": 1, "title": at + 1, "url": at + 2, "date": at + 3, "more": 99999, "less": -1}]
        values += [f"{HEADLINE} {n}", f"/news/{n}", "2026-11-19"]
    found = listed(html(f'<script id="__NUXT_DATA__" type="application/json">{json.dumps(values)}</script>'))
    assert paths(found) == [f"/news/{n}" for n in range(3)]
    assert [one.title for one in found] == [f"{HEADLINE} {n}" for n in range(3)]


def test_articles_at_the_root_of_a_site_do_not_make_articles_of_all_its_pages() -> None:
    known = [f"https://outlet.kz/{slug}" for slug in ("zerno-i-voda", "porty-kaspiya", "sud-o-plotine", "pervyj-parom")]
    body = "<ul><li><a href='/o-redakcii'>О нашей редакции и её контакты</a></ul>"
    assert listed(html(body), articles=known) == []


def test_a_day_in_the_headline_is_not_the_articles() -> None:
    item = '<div class="i"><a href="/a/{}">Итоги переговоров 6 ноября 2025 года</a> <span>{}</span></div>'
    found = listed(html("".join(item.format(n, "19.11.2026" if n else "") for n in range(4))))
    assert [one.published and one.published.date() for one in found] == [None, *[date(2026, 11, 19)] * 3]


@pytest.mark.parametrize(
    "body",
    [
        "<div class=ad>" * 3000 + LINKS,
        '<a href="/a/1">' * 5000,
        "".join(f'<div><a href="/a/{n}">{HEADLINE} {n}</a>' for n in range(3000)),
        "<h3 class=title>" * 3000,
        "<script>" + "[" * 100_000 + "</script>",
        "<script>" + '{"a":' * 900 + "1" + "}" * 900 + "</script>",
        "".join(f'<div><h3>{HEADLINE}<a href="/a/{n}"></a><a href="/b/{n}">' for n in range(2000)),
        '<a href="/?' + "a=1&" * 20_000 + '">' + HEADLINE + "</a>",
    ],
)
def test_a_page_made_to_cost_time_costs_little(body: str) -> None:
    started = time.process_time()
    listed(html(body))
    assert time.process_time() - started < 5


@settings(deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: html(f"<a href=/a/1>{text}</a>").encode()))
def test_any_page_lists_articles_or_none(body: bytes) -> None:
    assert all(one.url.startswith("https://outlet.kz/") for one in listed(body))


# --- Watched ----------------------------------------------------------------------------------------------------


class Outlet:
    """A section page at /opinion in one of the looks, and its articles; `shown` are listed, newest first."""

    def __init__(self, folder: Path, look: str) -> None:
        self.folder, self.look, self.now = folder, look, NOW
        self.shown: list[Story] = []
        self.whole: str | None = None  # in place of the list
        self.unlisted: set[int] = set()  # numbers of articles that no page lists
        self.numbered: dict[int, str] = {}  # what answers to numbers without an article, instead of `otherwise`
        self.otherwise = MISSING
        self.topics: str | None = EVERYTHING
        self.gap = "0.0"
        self.server: Server

    def __call__(self, asked: Asked) -> Reply:
        make, path, _ = LOOKS[self.look]
        if asked.path == "/opinion" and "id" not in asked.query:
            older = int(asked.query.get("page", "1")) - 1
            listed = self.shown[10 * older : 10 * older + 10]
            body = (self.whole or make(listed) if listed else html("")).encode()
            tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            if asked.headers.get("if-none-match") == tag:
                return Reply(b"", 304)
            return Reply(body, headers={"ETag": tag, "Content-Type": "text/html"})
        for story in self.shown:
            if path(story) == asked.target:
                return Reply(page(story.number, story.day), headers={"Content-Type": "text/html; charset=utf-8"})
        if asked.path == "/opinion" and int(asked.query["id"]) in self.unlisted:
            body = page(int(asked.query["id"]), self.now.date())
            return Reply(body, headers={"Content-Type": "text/html; charset=utf-8"})
        if asked.path == "/opinion" and (body := self.numbered.get(int(asked.query["id"]))) is not None:
            return Reply(body.encode(), headers={"Content-Type": "text/html; charset=utf-8"})
        return self.otherwise if asked.path == "/opinion" else Reply(html("").encode())

    @property
    def base(self) -> str:
        return f"{self.server.base}/opinion"

    def config(self, *more: str) -> Path:
        lines = "\n".join(more)
        table = (
            f'[[sources]]\nid = "one"\nname = "One"\nhomepage = "{self.server.base}/"\nfeeds = []\n'
            f'sections = ["{self.server.base}/opinion"]\nlanguage = "ru"\ncountry = "KZ"\n'
            f'category = "national"\n{lines}\n'
        )
        settings = SETTINGS.replace("0.02", self.gap)
        return write_config(self.folder / "config", sources=table, topics=self.topics, settings=settings)

    async def poll(self, *more: str, later: timedelta = timedelta(), due_only: bool = False) -> dict[str, Any]:
        """One pass; the summary of the source, with the pages `asked` for."""
        self.now += later
        config = load_config(self.config(*more))
        before = len(self.server.asked)
        summary = await monitor(
            config, self.folder / "data", sources=config.sources, now=lambda: self.now, due_only=due_only
        )
        asked = [one.target for one in self.server.asked[before:]]
        return {**summary.to_json(), **summary.to_json()["sources"]["one"], "asked": asked}

    async def told(self, number: int) -> dict[str, Any]:
        """What `explain` says of an article's address."""
        return await explained(load_config(self.config(*WALK)), self.folder / "data", f"{self.base}?id={number}")


@pytest.fixture(params=["cards", "numbered", "by script"])
async def outlet(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Outlet]:
    made = Outlet(tmp_path, request.param)
    async with serve(made) as server:
        made.server = server
        yield made


@pytest.mark.slow
async def test_a_section_is_watched_like_a_feed(outlet: Outlet) -> None:
    outlet.shown = stories(1001, 1020, date(2026, 11, 20))
    first = await outlet.poll()
    # Of the ten on the first page those of the last days; a lead story without a day counts as new.
    assert (first["status"], first["error"], first["appended"]) == ("ok", None, 9 if outlet.look != "undated" else 10)
    again = await outlet.poll(later=timedelta(hours=3))
    assert (again["status"], again["asked"]) == ("not_modified", ["/opinion"])
    outlet.shown = stories(1001, 1023, date(2026, 11, 20))
    third = await outlet.poll(later=timedelta(hours=3))
    assert (third["status"], third["new"], third["appended"]) == ("ok", 3, 3)


@pytest.mark.slow
async def test_a_section_redesigned_without_a_list_is_read_by_what_its_articles_are_known_to_look_like(
    outlet: Outlet,
) -> None:
    outlet.shown = stories(1001, 1010, date(2026, 11, 20))
    await outlet.poll()
    outlet.shown = stories(1001, 1012, date(2026, 11, 20))
    make, path, _ = LOOKS[outlet.look]
    blocks = zip(("div", "h3"), outlet.shown, strict=False)
    outlet.whole = html("".join(f'<{tag}><a href="{path(s)}">{s.title}</a></{tag}>' for tag, s in blocks))
    if outlet.look == "by script":
        outlet.whole = make(outlet.shown[:2])
    done = await outlet.poll(later=timedelta(hours=3))
    assert (done["status"], done["error"], done["appended"]) == ("ok", None, 2)


@pytest.mark.slow
async def test_a_section_is_asked_by_its_rhythm_and_is_silent_when_nothing_comes_any_more(outlet: Outlet) -> None:
    for day in range(4, 20):
        outlet.shown = stories(1001, 1001 + 3 * day, date(2026, 11, day))
        outlet.now = datetime(2026, 11, day, 6, tzinfo=UTC)
        done = await outlet.poll()
        assert done["health"]["state"] in ("ok", "quiet")
    assert (await outlet.poll(due_only=True))["asked"] == []
    await outlet.poll(later=timedelta(days=3))
    assert (await outlet.poll(later=timedelta(days=6)))["health"]["state"] == "silent"


@pytest.mark.slow
async def test_a_section_that_was_redesigned_says_so(outlet: Outlet) -> None:
    outlet.shown = stories(1001, 1010, date(2026, 11, 20))
    await outlet.poll()
    outlet.whole = html("<div id=app></div>")
    failed = await outlet.poll(later=timedelta(hours=3))
    assert (failed["status"], failed["error"]) == (
        "failed",
        "no article links found (redesigned, or it lists by script)",
    )
    (check,) = await check_sources(load_config(outlet.config()), load_config(outlet.config()).sources)
    assert (check.ok, check.what) == (False, "section")
    assert (check.advice or "").startswith("look at the page, and name a text")
    outlet.whole = None
    (check,) = await check_sources(load_config(outlet.config()), load_config(outlet.config()).sources)
    assert (check.ok, check.kind, check.entries) == (True, "section", 10)


# --- Numbers that no page lists -----------------------------------------------------------------------------------

WALK = ('links = "/opinion?id="', "walk = 5")
COUNTED_ON = {f"/opinion?id={number}": number for number in range(1011, 1100)}


@pytest.fixture
async def counted(tmp_path: Path) -> AsyncIterator[Outlet]:
    """Ten columns are listed, 1001 to 1010; more are there, under the numbers in `unlisted`."""
    made = Outlet(tmp_path, "numbered")
    made.shown = stories(1001, 1010, date(2026, 11, 20))
    async with serve(made) as server:
        made.server = server
        yield made


def numbers(asked: Iterable[str]) -> list[int]:
    """The numbers beyond the listed ones that were asked for, in order."""
    return [COUNTED_ON[target] for target in asked if target in COUNTED_ON]


async def test_the_numbers_after_the_last_known_one_are_walked_on_where_the_source_says_so(counted: Outlet) -> None:
    counted.unlisted = {1011, 1012, 1014}
    first = await counted.poll(*WALK, later=timedelta(hours=3))
    assert numbers(first["asked"]) == [1011, 1012, 1013, 1014, 1015]  # each once
    assert (first["status"], first["error"], first["steps"], first["appended"]) == ("ok", None, 5, 3 + 9)
    assert (await counted.told(1014))["seen_in"].endswith(
        "/opinion, not listed: found by its number (2026-11-20 09:00)"
    )
    # 1013 is not there, and an article follows it: it is waited for. 1015 is beyond the last.
    assert ((await counted.told(1013))["outcome"], (await counted.told(1015))["known"]) == ("gone", False)

    second = await counted.poll(*WALK, later=timedelta(minutes=5))
    assert numbers(second["asked"]) == [1015, 1016, 1017, 1018, 1019]
    counted.shown = stories(1009, 1018, date(2026, 11, 20))
    third = await counted.poll(*WALK, later=timedelta(hours=3))
    assert set(numbers(third["asked"])) >= {1013, *range(1015, 1024)}
    assert numbers((await counted.poll(*WALK, later=timedelta(hours=3)))["asked"]) == [*range(1019, 1024)]


async def test_two_and_more_numbers_in_a_row_that_are_missing_end_no_walk(counted: Outlet) -> None:
    counted.unlisted = {1015}
    await counted.poll(*WALK)
    counted.unlisted |= {1011, 1013, 1017}
    done = await counted.poll(*WALK, later=timedelta(hours=3))
    assert sorted(numbers(done["asked"])) == [*range(1011, 1015), *range(1016, 1021)]
    assert [(await counted.told(number))["known"] for number in range(1012, 1019)] == [True] * 6 + [False]


async def test_a_hole_in_the_walk_is_tried_for_about_a_week(counted: Outlet) -> None:
    counted.unlisted = {1012}
    asked = []
    for hour in range(0, 24 * 12, 6):
        done = await counted.poll(*WALK, later=timedelta(hours=6))
        asked += [hour] * numbers(done["asked"]).count(1011)
    assert (len(asked), 6 * 24 < asked[-1] < 9 * 24) == (7, True)
    assert (await counted.told(1011))["next_attempt"] is None


def is_not_there(number: int) -> str:
    return f"<title>Article {number} was not found - Outlet</title><h1>Article {number} was not found</h1>"


LIST = LOOKS["cards"][0](stories(1, 12, date(2026, 11, 20)))


@pytest.mark.parametrize("body", ["<p>nothing", page(5, None).decode(), is_not_there(0), LIST])
@pytest.mark.parametrize("topic", [EVERYTHING, None])
async def test_a_site_that_answers_to_every_number_is_not_walked_for_ever(
    counted: Outlet, body: str, topic: str | None
) -> None:
    counted.topics, counted.numbered = topic, {n: body.replace("Article 0", f"Article {n}") for n in range(1011, 1100)}
    counted.unlisted = {1011, 1012}
    for _ in range(6):
        done = await counted.poll(*WALK, later=timedelta(hours=3))
    # One page may have been taken for an article, the first of its words.
    assert done["steps"] == 5
    assert numbers(done["asked"]) in ([*range(1013, 1018)], [*range(1014, 1019)])
    for number in range(1014, 1030):
        counted.unlisted.add(number)
    for _ in range(5):
        done = await counted.poll(*WALK, later=timedelta(hours=3))
    told = [await counted.told(number) for number in range(1014, 1030)]
    assert {one["outcome"] for one in told} == {"appended" if topic == EVERYTHING else "off_topic"}


@pytest.mark.parametrize("to", ["/", "/opinion", "/opinion?id=1010"])
async def test_a_number_that_leads_elsewhere_is_not_there(counted: Outlet, to: str) -> None:
    counted.otherwise = Reply(b"", 302, {"Location": to})
    counted.unlisted = {1011}
    for asked in (range(1011, 1016), range(1012, 1017), range(1012, 1017)):
        done = await counted.poll(*WALK, later=timedelta(hours=3))
        assert numbers(done["asked"]) == [*asked]


@pytest.mark.parametrize("trouble", [Reply(b"", 403), Reply(b"", 500), MISSING])
async def test_numbers_that_are_refused_for_long_are_asked_for_at_each_look(counted: Outlet, trouble: Reply) -> None:
    counted.otherwise, counted.unlisted = trouble, {1011}
    for _ in range(10):
        done = await counted.poll(*WALK, later=timedelta(hours=24))
    assert (done["steps"], done["health"]["state"]) == (5, "quiet")
    assert not (await counted.told(1012))["known"]
    counted.unlisted = {1011, 1012}
    assert (await counted.poll(*WALK, later=timedelta(hours=3)))["appended"] == 1


async def test_a_walk_keeps_the_gap_of_its_host_and_robots_txt(counted: Outlet) -> None:
    counted.unlisted, counted.gap = {1011, 1013}, "0.2"
    counted.server.robots = Reply(b"User-agent: *\nDisallow: /opinion?id=1012")
    done = await counted.poll(*WALK)
    at = [asked.at for asked in counted.server.asked]
    assert min(later - earlier for earlier, later in pairwise(at)) > 0.15
    assert numbers(done["asked"]) == [1011, 1013, 1014, 1015]
    assert (await counted.told(1012))["outcome"] == "robots"


async def test_two_passes_at_once_fetch_each_number_that_is_there_once(counted: Outlet) -> None:
    counted.unlisted = {*range(1011, 1016)}
    await asyncio.gather(*(counted.poll(*WALK) for _ in range(2)))
    asked = numbers(one.target for one in counted.server.asked)
    assert (sorted(set(asked)), len(asked)) == ([*range(1011, 1016)], 5)


async def test_what_another_feed_names_is_not_forgotten_with_the_walk(counted: Outlet) -> None:
    await counted.poll(*WALK)
    entry = Entry(f"{counted.base}?id=1013", f"{counted.server.base}/rss")
    database = await open_database(counted.folder / "data" / "index.sqlite")
    async with database.write() as connection:
        await store_entries(connection, "one", [(canonical_url(entry.url), entry)], now=NOW)
    await database.close()
    await counted.poll(*WALK, later=timedelta(hours=3))
    assert ((await counted.told(1013))["outcome"], (await counted.told(1012))["known"]) == ("gone", False)


async def test_a_section_is_paged_through_for_the_past(outlet: Outlet) -> None:
    outlet.shown = stories(1001, 1060, date(2026, 11, 20))
    route = Backfill(route="paged", url=f"{outlet.server.base}/opinion?page={{page}}")
    found = await look(outlet.server.base, route, window("2026-11-10", "2026-11-12"), now=NOW)
    path = LOOKS[outlet.look][1]
    wanted = {
        outlet.server.base + path(story)
        for story in outlet.shown
        if date(2026, 11, 10) <= story.day <= date(2026, 11, 12)
    }
    assert wanted <= set(found.urls)


async def test_a_front_page_without_a_feed_is_added_as_a_section(tmp_path: Path) -> None:
    body = LOOKS["cards"][0](stories(1, 8, date(2026, 11, 20)))
    config = write_config(tmp_path / "config", sources=source_toml("other", "https://other.kz/rss"))
    async with serve(files({"/": Reply(body.encode(), headers={"Content-Type": "text/html"})})) as server:
        added = await add_source(
            load_config(config), config, f"{server.base}/", Facts(country="KZ", id="one"), dry_run=False
        )
    (source,) = [source for source in load_config(config).sources if source.id == "one"]
    assert (source.feeds, source.sections) == ((), (f"{server.base}/",))
    assert added.discovery.feed.entries == 8
    assert tomllib.loads((config / "sources.toml").read_text())["sources"][-1]["sections"] == [f"{server.base}/"]
