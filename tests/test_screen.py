"""The screen: it never refuses a page that the topic would keep, and settles the others without extracting them."""

from __future__ import annotations

import html
import json
import pickle
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import closing, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from config.load import load_config
from config.settings import Storage
from extractors.pages.article import extract
from extractors.pages.job import ArticleJob
from extractors.pages.screen import PageScreen, Screened
from extractors.period import Period
from extractors.records import Article, Entry, ItemError, Outcome, Page
from extractors.topic.judge import compile_topics
from flows.passes.backfill import backfill
from flows.passes.backfill_request import BackfillRequest
from storage.index.database import Database, index_location, open_database
from tests.demo_site.server import DemoSite
from tests.support.feed_documents import urlset
from tests.support.health_rows import NOW as MONDAY
from tests.support.health_rows import health_of, store_feed, store_urls
from tests.support.loopback import Asked, Reply, serve
from tests.support.outlets import source_table, story
from tests.support.running import CHECKOUT, EVERYTHING, c5watch, one_json, source_toml, write_config

pytestmark = pytest.mark.slow

NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
URL = "https://site.kz/news/1"
TOPICS = compile_topics(load_config(CHECKOUT / "config").topics)
SCREEN = PageScreen(TOPICS.screens)
PROSE = story(1, paragraphs=6)  # of syllables: no term of any topic
SAID = "Президент Казахстана принял посла США. Токаев и Госдепартамент США подписали соглашение."
SAID_IN_ENGLISH = (
    "Kazakhstan and the United States signed an agreement. Tokayev met the US Secretary of State in Astana."
)


def page(
    *paragraphs: str, headline: str = "Новость дня", head: str = "", around: str = "", prose: list[str] = PROSE
) -> str:
    text = "".join(f"<p>{p}</p>" for p in (*paragraphs, *prose))
    return (
        f"<!doctype html><html lang='ru'><head><meta charset='utf-8'><title>{headline}</title>{head}</head>"
        f"<body>{around}<article><h1>{headline}</h1>{text}</article></body></html>"
    )


def job(body: str | bytes, *, entry: Entry | None = None, screen: PageScreen | None = None) -> ArticleJob:
    content = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    entry = entry or Entry(URL, "https://site.kz/rss")
    return ArticleJob(Page(URL, content, None, NOW), entry, UTC, 20, NOW, screen=screen)


def extracted(one: ArticleJob) -> Article | None:
    try:
        return extract(one)
    except ItemError:
        return None


def screened(body: str | bytes, entry: Entry | None = None) -> Screened | None:
    """What the screen says of a page; None when it lets it pass."""
    try:
        extract(job(body, entry=entry, screen=SCREEN))
    except Screened as refusal:
        return refusal
    except ItemError:
        pass
    return None


def kept(body: str | bytes, entry: Entry | None = None) -> bool:
    """Whether extraction and topic keep the page."""
    article = extracted(job(body, entry=entry))
    return article is not None and TOPICS.judge(article).relevant


# --- it never refuses what the topic would keep

SPLITS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "tags within words": lambda t: t.replace("аз", "<b>а</b>з").replace("Ш", "<u>Ш</u>").replace("ed", "<i>e</i>d"),
    "comments within words": lambda text: text.replace("аз", "а<!-- > -->з").replace("Ш", "<!-- x -->Ш"),
    "tags with signs in their attributes": lambda text: text.replace("аз", "<b title='a > b'>а</b>з"),
    "entities": lambda text: "".join(f"&#{ord(c)};" if n % 3 == 0 else c for n, c in enumerate(text)),
    "entities without semicolon, in hexadecimal": lambda text: text.replace("К", "&#x41a;").replace("С", "&#X421;"),
    "soft hyphens": lambda text: text.replace("аз", "а&shy;з").replace("ed", "e\u00add"),
    "no-break spaces": lambda text: text.replace(" ", "&nbsp;"),
    "look-alikes": lambda text: text.replace("Каз", "Kаз").replace("США", "СШA"),
    "word break opportunities": lambda text: text.replace("аз", "а<wbr>з").replace("Ш", "Ш<wbr/>"),
    "invisible characters": lambda text: text.replace("аз", "а\u200bз").replace("ed", "e\u2060d"),
    "look-alikes split by tags": lambda text: text.replace("США", "<b>СШ</b>A").replace("Каз", "<i>K</i>аз"),
}  # fmt: skip


def json_ld(text: str, **values: str) -> str:
    article = {"@type": "NewsArticle", "articleBody": text, **values}
    return f'<script type="application/ld+json">{json.dumps(article)}</script>'


def marked_up(text: str) -> str:
    """A longer text than the page's own, as HTML."""
    return "".join(f"<p>{p}</p>" for p in (text, *PROSE, *story(2, paragraphs=6)))


def plain(text: str) -> str:
    """Without tags, as a feed's plain text is."""
    return html.unescape(text.replace("<wbr>", "").replace("<wbr/>", ""))


PLACES: dict[str, Callable[[str], tuple[str, Entry | None]]] = {
    "paragraph": lambda text: (page(text), None),
    "headline": lambda text: (page(headline=text), None),
    "menu": lambda text: (page(around=f"<nav><ul><li>{text}</li></ul></nav>"), None),
    "the page's title for sharing": lambda text: (
        page(headline="", head=f'<meta property="og:title" content="{html.escape(plain(text))}">'), None,
    ),
    "headline in JSON-LD": lambda text: (page(headline="", head=json_ld("", headline=plain(text))), None),
    "text in JSON-LD": lambda text: (page(head=json_ld(marked_up(text))), None),
    "the feed's full text": lambda text: (
        page(prose=PROSE[:5]),
        Entry(URL, "f", content=marked_up(text)),
    ),
    "the feed's headline": lambda text: (page(headline=""), Entry(URL, "f", title=plain(text))),
    "a table": lambda text: (page(f"<table><tr><td>{text}</td><td>{text}</td></tr></table>"), None),
    "a list": lambda text: (page(f"<ul><li>{text}</li><li>{text}</li></ul>"), None),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("said", [SAID, SAID_IN_ENGLISH], ids=["ru", "en"])
def test_terms_are_seen_wherever_they_stand_and_however_they_are_split(place: str, said: str) -> None:
    for name, split in SPLITS.items():
        body, entry = PLACES[place](split(said))
        assert screened(body, entry) is None, f"{place}, {name}"


def test_most_of_those_pages_are_kept_so_that_the_property_below_means_something() -> None:
    for place in (
        "paragraph",
        "headline",
        "the page's title for sharing",
        "headline in JSON-LD",
        "the feed's headline",
    ):
        found = [kept(*PLACES[place](split(SAID))) for split in SPLITS.values()]
        assert sum(found) >= len(found) - 4, place


PIECES = st.lists(
    st.sampled_from(
        [
            *("Казахстан", "казахстанский", "Каз", "ахстан", "С", "ША", "США", "Kаз", "СШA", "Токаев", "госдеп", "US"),
            *("U", "S", "Astana", "Аst", "ana", "Central", "Asia", "Центральн", "ая Ази", "я", "Trump", "’s", "O‘zbek"),
            *(" ", " ", " ", "\n", "-", "&#8209;", "&nbsp;", "&shy;", "\u200b", "&#1057;", "&#x428;", "\u0301", ". "),
            *("<b>", "</b>", "<i>", "</i>", "<p>", "</p>", "<br>", "<div>", "</div>", "<!-- > -->", "<a href='/США'>"),
            *("<h2>", "</h2>", "<li>", "<td>", "<blockquote>", "</blockquote>", "<script>США</script>", "<wbr>", "<"),
            *("<style>Казахстан</style>", "<img alt='США Казахстан'>", "<noscript>", "</noscript>", "</a>"),
        ]
    ),
    max_size=24,
).map("".join)  # fmt: skip
CHARSETS = st.sampled_from(["utf-8", "utf-8-sig", "windows-1251", "utf-16"])


@given(text=PIECES, headline=PIECES, told=PIECES, place=st.integers(0, 5), charset=CHARSETS)
@settings(max_examples=120, deadline=None)
def test_the_screen_never_refuses_what_extraction_and_topic_keep(
    text: str, headline: str, told: str, place: int, charset: str
) -> None:
    entry = Entry(URL, "f", title=told if place == 0 else None, content=told * 9 if place == 1 else None)
    head = json_ld(told * 9, headline=headline) if place == 2 else ""
    head += f'<meta name="og:title" content="{html.escape(told)}">' if place == 3 else ""
    body = page(text, headline=headline, head=head, around=f"<nav>{told}</nav>" if place == 4 else "")
    content = body.replace("utf-8", charset, 1).encode(charset, "xmlcharrefreplace")
    if screened(content, entry) is not None:
        assert not kept(content, entry)


def test_the_pages_of_the_demonstration_site_are_screened_as_they_are_judged(site: DemoSite) -> None:
    import httpx

    counts: Counter[tuple[bool, bool]] = Counter()
    for article in site.articles:
        body = httpx.get(article.url).content
        counts[kept(body), screened(body) is not None] += 1
        bare = page(*article.paragraphs, headline=article.title)
        counts[kept(bare), screened(bare) is not None] += 1
    assert counts[True, True] == 0 and counts[True, False] > 20


# --- what it settles


def test_a_page_without_a_term_of_some_group_is_settled_and_says_which_group() -> None:
    refusal = screened(
        page("Снег в Алматы. Казахстан готовится к зиме.", head='<meta name="date" content="2025-11-06">')
    )
    assert refusal is not None
    assert (refusal.outcome, refusal.reason) == (Outcome.OFF_TOPIC, "screened")
    assert refusal.detail == 'no term of the group "us" anywhere on the page'
    again = pickle.loads(pickle.dumps(refusal))  # it comes out of a child process
    assert (again.url, again.detail, again.day) == (refusal.url, refusal.detail, refusal.day)


LINK = "<a href='/us'>США</a>"


@pytest.mark.parametrize(
    "around",
    [
        f"<nav><ul><li><a href='/kz'>Казахстан</a></li><li>{LINK}</li></ul></nav>",
        f"<div><a href='/kz'>Казахстан</a> | <span>{LINK}</span> | <a href='/'>Все новости</a></div>",
        f"<table><tr><td><b>{LINK}</b></td></tr></table>",
        "<aside><p><a href='/2'>Госдепартамент США сообщил о визе</a></p></aside>",
    ],
)
def test_a_page_is_not_about_what_only_its_menus_and_other_links_alone_name(around: str) -> None:
    refusal = screened(page("Казахстан готовится к зиме.", around=around))
    assert refusal is not None
    assert refusal.detail == 'no term of the group "us" on the page but in links'
    assert not kept(page("Казахстан готовится к зиме.", around=around))


@pytest.mark.parametrize(
    "around",
    [
        f"<h1>{LINK}</h1>",
        f"<p>Об этом сообщили {LINK}.</p>",
        "<p><a href='/1'>Казахстан и США подписали в Астане соглашение о поставках, "
        "сообщил в пятницу Госдепартамент</a></p>",
        "<p><a name='us'>США</a></p>",
    ],
    ids=["headline", "within a line", "as long as a sentence", "leads nowhere"],
)
def test_other_links_count_as_text(around: str) -> None:
    assert screened(page("Казахстан готовится к зиме.", around=around)) is None


def test_there_is_no_screen_where_a_topic_takes_everything(tmp_path: Path) -> None:
    folder = write_config(tmp_path, sources=source_toml("one", "https://a.kz/rss"), topics=EVERYTHING)
    assert PageScreen.of(compile_topics(load_config(folder).topics).screens) is None
    assert PageScreen.of(TOPICS.screens) is not None


def test_a_screen_comes_to_a_child_process_whole_and_is_unpacked_once() -> None:
    packed = pickle.dumps(SCREEN)
    first, second = pickle.loads(packed), pickle.loads(packed)
    assert first is second
    assert [list(groups) for groups in first.topics] == [list(groups) for groups in SCREEN.topics]


def test_the_day_that_the_page_states_comes_along() -> None:
    head = '<meta property="article:published_time" content="2025-11-06T10:00:00+00:00">'
    refusal = screened(page("Снег.", head=head))
    assert refusal is not None and refusal.day == date(2025, 11, 6)
    undated = screened(page("Снег."))
    assert undated is not None and undated.day is None


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('<html><body><div id="root"></div><script src="/app.js"></script></body></html>', id="a shell"),
        pytest.param(page(prose=[]), id="a headline alone"),
        pytest.param("<html><body>" + "<li><a href='/'>Меню и ещё меню</a></li>" * 200 + "</body></html>", id="menus"),
    ],
)
def test_a_page_that_shows_no_running_text_is_left_to_extraction(body: str) -> None:
    assert screened(body) is None


def test_where_everything_is_on_topic_nothing_is_screened() -> None:
    from config.topics import TopicsFile

    file = TopicsFile.model_validate({"topics": [{"id": "all", "name": "All", "match_all": True}]})
    everything = PageScreen(compile_topics(file).screens)
    assert extract(job(page("Снег."), screen=everything)).paragraphs


def test_the_screen_is_small_enough_to_go_with_every_page() -> None:
    assert len(pickle.dumps(SCREEN)) < 50_000


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("<div>" * 100_000 + "текст " * 200, id="deep nesting"),
        pytest.param("<p>" + "К\u0301" * 500_000, id="marks"),
        pytest.param("<p>" + "<b>&#1050;</b>" * 100_000, id="entities and tags"),
        pytest.param(f'<script type="application/ld+json">{"[" * 100_000}</script><p>{"снег и лёд " * 100}', id="json"),
        pytest.param(f'<script type="application/json">"{"<b>&amp;" * 50_000}"</script><p>{"снег " * 300}', id="tags"),
        pytest.param("<p>" + "Снег и лёд. " * 300_000, id="long"),
    ],
)  # fmt: skip
def test_hostile_pages_cost_the_screen_little(body: str) -> None:
    start = time.process_time()
    with suppress(ItemError, RecursionError):
        extract(job(body, screen=SCREEN))
    assert time.process_time() - start < 20


# --- in the source's health


@pytest.fixture
async def database(tmp_path: Path, storage: Storage) -> AsyncIterator[Database]:
    opened = await open_database(index_location(tmp_path, storage))
    yield opened
    await opened.close()


async def test_screened_pages_neither_look_like_a_redesign_nor_hide_one(database: Database) -> None:
    day, minute = timedelta(days=1), timedelta(minutes=1)
    passed_by = {"words": None, "dated": None, "outcome": Outcome.OFF_TOPIC.value, "reason": "screened"}
    for source_id in ("sound", "redesigned"):
        await store_feed(database, source_id)
        await store_urls(database, source_id, [MONDAY - day - n * minute for n in range(40)])
        await store_urls(database, source_id, [MONDAY - n * minute for n in range(1, 100, 2)], **passed_by)
    no_text = {"words": None, "dated": None, "outcome": Outcome.NOT_ARTICLE.value}
    await store_urls(database, "redesigned", [MONDAY - n * minute for n in range(2, 12, 2)], **no_text)
    sound, redesigned = await health_of(database, "sound", "redesigned")
    assert (sound.flags, sound.median_words) == ((), 400)
    assert [flag.name for flag in redesigned.flags] == ["redesigned"]


# --- in the pipeline


def read(data: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(data / "index.sqlite")) as index:
        return index.execute(query).fetchall()


def item(server: HTTPServer, name: str, body: str) -> str:
    server.expect_request(f"/{name}").respond_with_data(body, content_type="text/html; charset=utf-8")
    return f"<item><title>{name}</title><link>{server.url_for(f'/{name}')}</link></item>"


def test_a_pass_counts_screened_pages_as_off_topic_and_explain_says_why(httpserver: HTTPServer, tmp_path: Path) -> None:
    items = item(httpserver, "snow", page("Снег в Алматы.")) + item(httpserver, "kept", page(SAID, headline=SAID))
    items += item(httpserver, "refused", page("Снег в Алматы.", around="<nav>США</nav>", prose=story(2, paragraphs=6)))
    rss = f"<rss version='2.0'><channel><title>t</title>{items}</channel></rss>"
    httpserver.expect_request("/rss").respond_with_data(rss.encode(), content_type="application/rss+xml")
    config = write_config(tmp_path / "config", sources=source_toml("site", httpserver.url_for("/rss")))
    folders = ("--config", config, "--data", tmp_path / "data")
    summary = one_json(c5watch("monitor", "--engine", "direct", "--json", *folders))
    assert (summary["appended"], summary["off_topic"], summary["taken"]) == (1, 2, 3)
    facts = one_json(c5watch("explain", httpserver.url_for("/snow"), "--json", *folders))
    assert (facts["outcome"], facts["reason"], facts["words"]) == ("off_topic", "screened", None)
    assert facts["detail"] == 'no term of the group "us" anywhere on the page'
    refused = one_json(c5watch("explain", httpserver.url_for("/refused"), "--json", *folders))
    assert refused["reason"].startswith("not on topic") and refused["text_kept"] is True
    assert read(tmp_path / "data", "SELECT key FROM refused_texts") == [(refused["canonical_url"],)]


async def test_a_backfill_leaves_screened_pages_outside_its_period_for_another(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/sitemap.xml":
            return Reply(urlset(*(f"http://{asked.headers['host']}/news/{day}" for day in range(3, 9))).encode())
        head = f'<meta property="article:published_time" content="2025-11-0{asked.path[-1]}T12:00:00+05:00">'
        body = page("Снег.", head=head, prose=story(int(asked.path[-1]), paragraphs=6))
        return Reply(body.encode(), headers={"Content-Type": "text/html; charset=utf-8"})

    async with serve(answer) as server:
        sources = source_table("site", server, {"route": "sitemap", "url": f"{server.base}/sitemap.xml"})
        config = load_config(write_config(tmp_path / "config", sources=sources))
        period = Period(date(2025, 11, 5), date(2025, 11, 6))
        summary = await backfill(config, tmp_path / "data", BackfillRequest(period, config.sources))
    assert summary.passed.outcomes == {Outcome.OFF_TOPIC: 2, Outcome.OUTSIDE: 4}
    assert summary.passed.taken == sum(summary.passed.outcomes.values())
    rows = read(tmp_path / "data", "SELECT outcome, reason, day, words FROM urls ORDER BY day")
    assert [row for row in rows if row[0] == "off_topic"] == [
        ("off_topic", "screened", "2025-11-05", None),
        ("off_topic", "screened", "2025-11-06", None),
    ]
    assert [day for _, _, day, _ in rows] == [f"2025-11-0{n}" for n in range(3, 9)]


def test_everything_on_topic_is_extracted(httpserver: HTTPServer, tmp_path: Path) -> None:
    rss = f"<rss version='2.0'><channel><title>t</title>{item(httpserver, 'snow', page('Снег.'))}</channel></rss>"
    httpserver.expect_request("/rss").respond_with_data(rss.encode(), content_type="application/rss+xml")
    sources = source_toml("site", httpserver.url_for("/rss"))
    config = write_config(tmp_path / "config", sources=sources, topics=EVERYTHING)
    done = c5watch("monitor", "--engine", "direct", "--json", "--config", config, "--data", tmp_path / "data")
    assert one_json(done)["appended"] == 1
