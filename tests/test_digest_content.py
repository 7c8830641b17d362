"""What a digest is made of: its stories in their places, in the words of the sources, and the figures around them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from config.load import CHECKOUT, load_config
from config.settings import Storage
from flows.digest.clean import clean, link, readable
from flows.digest.contents import load_content
from flows.digest.records import Content, Story
from flows.digest.words import words_of
from storage.health.sources import FAILURES_IN_A_ROW, PageYield, Rhythm, assess
from storage.index.database import Database, index_location, open_database
from storage.index.schema import articles, runs, variants
from tests.support.digest_samples import NOW, SINCE, ZONE, fill, reprint, row, sample


@pytest.fixture
async def database(tmp_path: Path, storage: Storage) -> AsyncIterator[Database]:
    """The sample, on each database."""
    opened = await open_database(index_location(tmp_path, storage))
    await fill(opened)
    yield opened
    await opened.close()


def titles(stories: tuple[Story, ...]) -> list[str | None]:
    return [story.title for story in stories]


async def test_stories_of_one_event_stand_together_by_country_the_most_told_first(database: Database) -> None:
    content = await sample(database, "ru")
    first, second = content.events
    assert [(group.country, titles(group.stories)) for group in first.countries] == [
        ("KZ", ["Соглашение по вольфраму подписали в Астане"]),
        ("US", ["US Miner Beats China to Tungsten"]),
    ]
    assert titles(second.stories) == ["Проверка саммитом", "Campaigners Fear Silence on Rights"]


async def test_all_other_stories_stand_by_country_in_one_order_every_day(database: Database) -> None:
    content = await sample(database, "ru")
    assert [group.country for group in content.countries] == ["KZ", "KG", "TJ", "TM", "UZ", "US"]


async def test_every_article_is_in_one_place_or_folded_into_a_story(database: Database) -> None:
    content = await sample(database, "ru")
    folded = 4  # translations
    assert (content.articles, content.stories) == (17, 17 - folded)


@pytest.mark.parametrize(
    ("frame", "title", "also"),
    [
        ("ru", "Горман объехал Центральную Азию", [("The Corridor Ledger", "en", 1), ("Памирский курьер", None, 1)]),
        ("en", "Envoy Ends Tour of Central Asia", [("Чу-Газета", "ru", 1), ("Памирский курьер", "ru", 1)]),
    ],
)
async def test_of_translations_the_readers_language_leads_and_the_others_stand_below(
    database: Database, frame: str, title: str, also: list[tuple[str, str | None, int]]
) -> None:
    content = await sample(database, "en" if frame == "en" else "ru")
    stories = [story for group in content.countries for story in group.stories]
    (envoy,) = [story for story in stories if story.title == title]
    assert [(other.outlet, other.language, other.count) for other in envoy.also] == also


async def test_reprints_are_counted_by_outlet_without_the_storys_own(database: Database) -> None:
    story = (await sample(database, "ru")).events[0].stories[0]
    assert [(also.outlet, also.language, also.count) for also in story.also] == [
        ("Дала хабары", "kk", 1), ("Potomac Desk", "en", 1), ("Арыс-Информ", None, 1), ("Чу-Газета", None, 2),
    ]  # fmt: skip


async def test_the_same_words_elsewhere_count_as_a_reprint(database: Database) -> None:
    content = await sample(database, "ru")
    (trade,) = [s for g in content.countries for s in g.stories if s.title == "Торговля с США выросла"]
    assert [also.outlet for also in trade.also] == ["Каспийская хроника", "Orient Brief"]


async def test_borderline_articles_stand_apart(database: Database) -> None:
    content = await sample(database, "ru")
    assert titles(content.borderline) == [
        "Бишкекский повар занял второе место на конкурсе в Чикаго", "A London Reader's Guide to Steppe Railways",
    ]  # fmt: skip
    assert content.borderline[1].day is None
    assert content.borderline[1].sentences.startswith("Three new books")  # not the headline its file begins with


async def test_a_story_says_why_it_is_here_in_readable_terms(database: Database) -> None:
    story = (await sample(database, "ru")).events[0].stories[0]
    assert story.terms == (("Казахстан…", "Астана"), ("Америк…", "США", "Госдеп…"))
    assert story.sentences.startswith("Казахстанская компания «Тау-Кен Алтын»")
    assert story.sentences.endswith("Нагаспаев.")


async def test_figures_count_thirty_days_of_the_reader_and_every_country(database: Database) -> None:
    content = await sample(database, "ru")
    assert (len(content.days), content.days[-1][0]) == (30, date(2025, 11, 9))
    by_day = dict(content.days)
    assert by_day[date(2025, 11, 8)] == 16  # the seventeenth has no date
    assert sum(by_day.values()) == sum(count for _, count in content.by_country)
    assert [count for _, count in content.by_country] == sorted((c for _, c in content.by_country), reverse=True)


async def test_sources_in_trouble_come_with_what_is_wrong_the_newest_first(database: Database) -> None:
    content = await sample(database, "ru")
    assert [(note.outlet, note.state) for note in content.health] == [
        ("Potomac Desk", "failing"), ("Памирский курьер", "silent"), ("Orient Brief", "redesigned"),
    ]  # fmt: skip


async def test_the_passes_of_the_period_are_added_up_and_no_others(database: Database) -> None:
    early = {"kind": "monitor", "engine": "direct", "started_at": SINCE, "summary": {"new": 1000}}
    async with database.write() as connection:
        await connection.execute(insert(runs), [{**early, "finished_at": SINCE}])
        await connection.execute(insert(runs), [{**early, "kind": "digest", "finished_at": NOW}])
    content = await sample(database, "ru")
    assert content.passes == 3
    assert dict(content.counts) == {
        "new": 1236, "appended": 51, "duplicates": 192, "off_topic": 930, "failed": 27, "pending": 12,
    }  # fmt: skip


async def test_articles_of_sources_no_longer_listed_are_shown_by_their_host(database: Database) -> None:
    line = {"source": "gone", "title": "Заметка", "text": "Текст.", "language": "ru"}
    async with database.write() as connection:
        await connection.execute(insert(articles), [row(50, line)])
    content = await sample(database, "ru", [50])
    (group,) = content.countries
    assert (group.country, group.stories[0].outlet) == (None, "gone.example")


async def test_nothing_new_is_a_digest_too(database: Database) -> None:
    content = await sample(database, "ru", [])
    assert (content.articles, content.stories, content.events, content.countries) == (0, 0, (), ())


async def test_numbers_without_an_article_are_passed_over(database: Database) -> None:
    content = await sample(database, "ru", [1, 99_999])
    assert content.articles == 1


async def test_an_empty_index_gives_an_empty_digest(tmp_path: Path) -> None:
    opened = await open_database(tmp_path / "index.sqlite")
    async with opened.read() as connection:
        content = await load_content(
            connection, [], title="Дайджест", frame="ru", zone=ZONE, now=NOW, since=None, sources={}
        )
    await opened.close()
    assert content == Content(
        "Дайджест", "ru", NOW.astimezone(ZONE), None, 0, 0,
        days=tuple((date(2025, 11, 9) - timedelta(days=back), 0) for back in range(29, -1, -1)),
        counts=tuple((name, 0) for name in ("new", "appended", "duplicates", "off_topic", "failed", "pending")),
    )  # fmt: skip


async def test_hostile_rows_arrive_as_harmless_text(database: Database) -> None:
    line = {
        "source": "vestnik", "title": "Вор\r\nBcc: all@example.org \u202egnp.exe\u2066 " + "я" * 10_000,
        "text": "<script>alert(1)</script> один. Два.", "language": "ru", "url": "javascript:alert(1)",
        "matches": [["us", "\u202eterm*\n", "lead", 1]],
    }  # fmt: skip
    async with database.write() as connection:
        await connection.execute(insert(articles), [row(50, line)])
        await connection.execute(delete(variants))
        await connection.execute(insert(variants), [{**reprint(50, "gazeta"), "url": "data:text/html,x"}])
    (group,) = (await sample(database, "ru", [50])).countries
    (story,) = group.stories
    assert story.title is not None and len(story.title) == 300
    assert story.title.startswith("Вор Bcc: all@example.org gnp.exe яяя")
    assert (story.url, story.also[0].url, story.terms) == (None, None, (("term…",),))


TERMS = {
    "казахстан*": "Казахстан…",
    "=США": "США",
    "=U.S.": "U.S.",
    "white house": "White House",
    "=Бел(ый|ого|ому) (дом|дома|дому)": "Белый дом",
    "Рахмон(|а|у)": "Рахмон",
    "(центральн*|средн*) ази*": "Центральн… ази…",
    "(o'|o)zbek*": "O'zbek…",
    "哈萨克": "哈萨克",
}


@pytest.mark.parametrize("term", TERMS)
def test_terms_are_shown_as_words_not_patterns(term: str) -> None:
    assert readable(term) == TERMS[term]


@pytest.mark.parametrize(
    ("term", "text", "shown"),
    [
        ("американск* (компани*|посол|посла)", "Об этом сказал американский посол.", "Американский посол"),
        ("(центральн*|средн*) ази*", "Города Средней Азии", "Средней Азии"),
        ("(Arizona|Utah) national guard", "the Utah\u00a0National-Guard", "Utah National-Guard"),
        ("Астан(а|ы|е)", "в Астане", "Астана"),
        ("(a|b)+ c", "a c", "A+ C"),
        ("(a|b) (c", "a (c", "A (c"),
    ],
)
def test_a_term_for_several_words_is_shown_as_it_stands_in_the_text(term: str, text: str, shown: str) -> None:
    assert readable(term, text) == shown


LINKS = {
    "https://a.example/b?c=1&d=%20": "https://a.example/b?c=1&d=%20",
    "http://a.example/новости": "http://a.example/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8",
    'https://a.example/"><script>': "https://a.example/%22%3E%3Cscript%3E",
    "HTTPS://A.example/": "HTTPS://A.example/",
    "javascript:alert(1)": None,
    " javascript:alert(1)": None,
    "java\nscript:alert(1)": None,
    "data:text/html,x": None,
    "//a.example/b": None,
    "https:///b": None,
    "https://[a.example/": None,
    "https://a.example/a\u202eb": None,
    "https://a.example/" + "a" * 2000: None,
    "": None,
}


@pytest.mark.parametrize("url", LINKS)
def test_links_lead_to_the_web_or_nowhere(url: str) -> None:
    assert link(url) == LINKS[url]


@given(st.text(max_size=400), st.integers(1, 100))
def test_whatever_the_text_it_becomes_one_bounded_visible_line(text: str, most: int) -> None:
    found = clean(text, most)
    assert len(found) <= most and len(found.splitlines()) <= 1
    assert not set(found) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\x00\x1b")


def test_accents_piled_on_one_letter_do_not_reach_into_other_lines() -> None:
    assert clean("z" + "\u0336" * 50 + "o", 100) == "z\u0336\u0336\u0336o"


PLURALS = {0: "материалов", 1: "материал", 2: "материала", 5: "материалов", 11: "материалов", 12: "материалов",
           21: "материал", 22: "материала", 25: "материалов", 111: "материалов", 1001: "материал"}  # fmt: skip


@pytest.mark.parametrize("number", PLURALS)
def test_russian_nouns_take_the_form_of_their_number(number: int) -> None:
    assert words_of("ru").counted(number, words_of("ru").article).rpartition("\u00a0")[2] == PLURALS[number]


def test_english_nouns_and_numbers() -> None:
    assert [words_of("en").counted(number, words_of("en").article) for number in (0, 1, 2, 1234)] == [
        "0\u00a0articles", "1\u00a0article", "2\u00a0articles", "1,234\u00a0articles",
    ]  # fmt: skip


def test_every_reason_that_a_source_is_flagged_for_is_said_in_russian() -> None:
    now = datetime(2025, 11, 9, tzinfo=UTC)
    steady = Rhythm(100, timedelta(hours=9), now - timedelta(hours=80), first=now - timedelta(days=29))
    slow = Rhythm(100, timedelta(days=4), now - timedelta(days=12), first=now - timedelta(days=29))
    usual = [PageYield(300, True)] * 30
    found = [
        *assess(failures=FAILURES_IN_A_ROW, rhythm=steady, pages=[], now=now),
        *assess(failures=0, rhythm=steady, pages=[], now=now),
        *assess(failures=0, rhythm=slow, pages=[PageYield(None, True)] * 6 + usual, now=now),
        *assess(failures=0, rhythm=slow, pages=[PageYield(20, True)] * 6 + usual, now=now),
        *assess(failures=0, rhythm=slow, pages=[PageYield(300, False)] * 6 + usual, now=now),
    ]
    assert len({flag.why for flag in found}) == 6
    for flag in found:
        assert flag.name in words_of("ru").states and flag.name in words_of("en").states
        assert not any("a" <= letter <= "z" for letter in words_of("ru").reason(flag.why)), flag.why
    assert words_of("ru").reason("nothing new for 80 h; its longest pause so far was 12 days") == (
        "нового нет 80\u00a0часов; прежде дольше всего – 12\u00a0дней"
    )


def test_every_country_and_language_of_the_catalogue_has_a_name() -> None:
    for one in load_config(CHECKOUT).sources:
        assert one.country in words_of("ru").countries and one.country in words_of("en").countries
        assert one.language in words_of("ru").languages and one.language in words_of("en").languages
