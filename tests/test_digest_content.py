"""What a digest is made of: its stories in their places, in the words of the sources, and the figures around them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from config.languages import REGION
from config.load import CHECKOUT, load_config
from config.settings import Storage
from flows.clean import clean, link, readable
from flows.digest.contents import load_content
from flows.digest.records import Content, Edition, Event, Running
from flows.digest.words import words_of
from storage.health.sources import FAILURES_IN_A_ROW, PageYield, Rhythm, assess
from storage.index.database import Database, index_location, open_database
from storage.index.schema import articles, digest_articles, digests, runs, variants
from tests.support.digest_samples import NOW, SINCE, ZONE, fill, reprint, row, sample


@pytest.fixture
async def database(tmp_path: Path, storage: Storage) -> AsyncIterator[Database]:
    """The sample, on each database."""
    opened = await open_database(index_location(tmp_path, storage))
    await fill(opened)
    yield opened
    await opened.close()


def titles(events: tuple[Event, ...]) -> list[str | None]:
    return [event.lead.title for event in events]


def told(event: Event) -> list[tuple[str, str | None]]:
    return [(story.outlet, story.language) for story in event.stories]


def section(content: Content, country: str | None) -> tuple[Event, ...]:
    return next((group.events for group in content.sections if group.country == country), ())


async def test_what_most_outlets_tell_in_their_own_words_comes_first_and_at_most_three_of_it(
    database: Database,
) -> None:
    content = await sample(database, "ru")
    assert titles(content.main) == [
        "Соглашение по вольфраму подписали в Астане",
        "64 ta lokomotiv",
        "Проверка саммитом",
    ]
    assert [event.independent for event in content.main] == [4, 2, 2]
    assert titles(section(content, REGION)) == ["Горман объехал Центральную Азию"]


async def test_an_event_holds_its_tellings_in_all_languages_and_its_reprints(database: Database) -> None:
    (event, *_) = (await sample(database, "ru")).main
    assert told(event) == [
        ("Степной вестник", "ru"), ("Дала хабары", "kk"), ("The Corridor Ledger", "en"), ("Potomac Desk", "en"),
    ]  # fmt: skip
    assert [(also.outlet, also.count) for also in event.also] == [("Арыс-Информ", 1), ("Чу-Газета", 2)]
    assert (event.outlets, event.homes) == (6, ("KZ", "US", "KG"))


async def test_stories_stand_under_the_country_that_they_are_about_in_one_order_every_day(database: Database) -> None:
    content = await sample(database, "ru")
    assert [group.country for group in content.sections] == [REGION, "KZ", "TJ", "TM"]
    exports = section(content, "KZ")[1].lead
    assert (exports.title, exports.home) == ("Silver Lifts Exports to America", "US")


async def test_every_article_tells_of_one_event(database: Database) -> None:
    content = await sample(database, "ru")
    numbers = [story.number for event in content.events() for story in event.stories]
    assert (content.articles, sorted(numbers)) == (17, list(range(1, 18)))


@pytest.mark.parametrize(
    ("frame", "title", "others"),
    [
        ("ru", "Горман объехал Центральную Азию", [("The Corridor Ledger", "en")]),
        ("en", "Envoy Ends Tour of Central Asia", [("Чу-Газета", "ru")]),
    ],
)
async def test_of_translations_the_readers_language_leads_and_the_others_stand_below(
    database: Database, frame: str, title: str, others: list[tuple[str, str | None]]
) -> None:
    content = await sample(database, frame)
    (envoy,) = [event for event in content.events() if event.lead.title == title]
    assert told(envoy)[1:] == others
    assert [also.outlet for also in envoy.also] == ["Памирский курьер"]


async def test_the_same_words_elsewhere_count_as_a_reprint(database: Database) -> None:
    content = await sample(database, "ru")
    (trade,) = [event for event in content.events() if event.lead.title == "Торговля с США выросла"]
    assert [also.outlet for also in trade.also] == ["Каспийская хроника", "Orient Brief"]


async def test_borderline_articles_stand_apart_and_say_how_near_they_came(database: Database) -> None:
    content = await sample(database, "ru")
    assert titles(content.borderline) == [
        "Бишкекский повар занял второе место на конкурсе в Чикаго", "A London Reader's Guide to Steppe Railways",
    ]  # fmt: skip
    guide = content.borderline[1].lead
    assert guide.day is None
    assert guide.sentences.startswith("Three new books")  # not the headline its file begins with
    assert words_of("ru").reasons_of(guide).endswith("; порог 4,5, набрано 4,6")
    assert words_of("en").reasons_of(guide).endswith("; threshold 4.5, reached 4.6")


async def test_a_story_says_why_it_is_here_in_words_of_its_text(database: Database) -> None:
    line = {
        "source": "vestnik", "language": "ru", "title": "Посол говорил о визах",
        "text": "Посол США Джули Стаффт посетила МИД Казахстана. Говорили о визах.",
        "matches": [["us", "посол* США", "lead", 1], ["region", "казахстан*", "lead", 1], ["region", "=КР", "lead", 1]],
    }  # fmt: skip
    async with database.write() as connection:
        await connection.execute(insert(articles), [row(50, line)])
    ((event,),) = [group.events for group in (await sample(database, "ru", [50])).sections]
    assert event.lead.terms == ("Посол США", "Казахстана", "КР")
    assert event.lead.sentences == "Посол США Джули Стаффт посетила МИД Казахстана. Говорили о визах."


async def test_what_was_found_long_after_its_publication_stands_below_the_news(database: Database) -> None:
    late = {
        "source": "gazeta",
        "language": "ru",
        "title": "Давно в Бишкеке",
        "text": "Текст.",
        "published": date(2025, 9, 1),
    }
    week = {**late, "title": "Неделя в Бишкеке", "published": date(2025, 11, 2)}
    async with database.write() as connection:
        await connection.execute(insert(articles), [row(50, late), row(51, week)])
    content = await sample(database, "ru", [50, 51])
    assert (titles(content.late), titles(section(content, "KG"))) == (["Давно в Бишкеке"], ["Неделя в Бишкеке"])


async def test_an_event_that_goes_on_says_so_and_names_the_digest_that_told_of_it_last(database: Database) -> None:
    async with database.write() as connection:
        for number, back in ((1, 3), (2, 1)):
            made = insert(digests).values(
                name="digest", created_at=NOW - timedelta(days=back), last_number=number, message_id=f"<{back}>",
                stem=f"back-{back}", message=b"", page=b"",
            )  # fmt: skip
            digest = (await connection.execute(made.returning(digests.c.id))).scalar_one()
            await connection.execute(insert(digest_articles).values(name="digest", number=number, digest=digest))
    content = await sample(database, "ru", [3, 4, 13])
    assert [(event.number, event.running) for event in content.events()] == [(3, Running(4, "back-1")), (13, None)]


async def test_links_are_the_pages_own_without_what_feeds_add_to_them(database: Database) -> None:
    url = "https://www.vestnik.example/news?id=50&utm_source=rss&utm_medium=feed"
    line = {"source": "vestnik", "language": "ru", "title": "Заметка", "text": "Казахстан.", "url": url}
    async with database.write() as connection:
        await connection.execute(insert(articles), [row(50, line)])
    (event,) = (await sample(database, "ru", [50])).events()
    assert event.lead.url == "https://www.vestnik.example/news?id=50"


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
    (group,) = (await sample(database, "ru", [50])).sections
    assert (group.country, group.events[0].lead.outlet) == (None, "gone.example")


async def test_nothing_new_is_a_digest_too(database: Database) -> None:
    content = await sample(database, "ru", [])
    assert (content.articles, content.stories, content.main, content.sections) == (0, 0, (), ())


async def test_numbers_without_an_article_are_passed_over(database: Database) -> None:
    content = await sample(database, "ru", [1, 99_999])
    assert content.articles == 1


async def test_an_empty_index_gives_an_empty_digest(tmp_path: Path) -> None:
    opened = await open_database(tmp_path / "index.sqlite")
    async with opened.read() as connection:
        content = await load_content(
            connection, [], Edition("digest", "Дайджест", "ru", ZONE), now=NOW, since=None, sources={}
        )
    await opened.close()
    assert content == Content(
        "Дайджест", "ru", NOW.astimezone(ZONE), None, 0, 0, zone="Asia/Almaty",
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
    (event,) = (await sample(database, "ru", [50])).events()
    story = event.lead
    assert story.title is not None and len(story.title) == 300
    assert story.title.startswith("Вор Bcc: all@example.org gnp.exe яяя")
    assert (story.url, event.also[0].url, story.terms) == (None, None, ("term…",))


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
