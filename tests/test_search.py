"""Searching the corpus: what is found, in which forms of a word, and that nothing typed is an error of the database."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from config.settings import Storage
from extractors.records import Article, Entry, Found, Outcome, Result, Verdict
from storage.corpus.adopt import adopt
from storage.corpus.writer import CorpusWriter, open_corpus
from storage.index.database import MIGRATIONS, Database, index_location, open_database
from storage.index.schema import articles
from storage.search.indexed import MAX_WORDS
from storage.search.queries import MAX_TERMS, parse
from storage.search.search import RANKED, Hit, ToIndex, rebuild, search, store
from storage.search.snippets import WORDS, snippet
from storage.search.stems import completions, stem, stems

NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
ARTICLES = [  # title, text, source, language, day
    (
        "Токаев встретился с Трампом",
        "В Вашингтоне говорили о вольфраме и кредитах.",
        "ortalyk",
        "ru",
        date(2025, 11, 6),
    ),
    ("Саммит в Белом доме", "Президент Токаев назвал узбекские проекты образцом.", "ortalyk", "ru", date(2025, 11, 7)),
    ("Kazakhstan's critical minerals", "Tungsten exports will grow, said the minister.", "steppe", "en", None),
    (
        "Exports fall",
        "The minerals that are critical went elsewhere; Tashkent waits.",
        "steppe",
        "en",
        date(2025, 10, 1),
    ),
    ("Oʻzbekiston va AQSH", "Hamkorlik to‘g‘risida bitim imzolandi.", "oyna", "uz", date(2025, 9, 1)),
    ("Ёлка и мёд", "Зелёный рынок C5+1: самолёты, объём 60,5 млн.", "ortalyk", "ru", date(2024, 12, 31)),
]


def result(number: int, title: str, paragraph: str, source: str, language: str, day: date | None) -> Result:
    url = f"https://{source}.example/news/{number}"
    filler = " ".join(f"{language}{number}x{position}" for position in range(30))  # or they would be near-duplicates
    article = Article((paragraph, filler), title, (), day, None, language, "test")
    return Found(url, Entry(url, "https://x.example/rss"), source, url=url, article=article, verdict=YES)


YES = Verdict(True, "topic", 1.0, (), "why")


@pytest.fixture
async def corpus(tmp_path: Path, storage: Storage) -> AsyncIterator[CorpusWriter]:
    async with open_corpus(tmp_path, storage) as corpus:
        placed = await corpus.place([result(n, *row) for n, row in enumerate(ARTICLES)], now=NOW, listed=False)
        assert [p.outcome for p in placed] == [Outcome.APPENDED] * len(ARTICLES)
        yield corpus


@pytest.fixture
async def database(tmp_path: Path, storage: Storage) -> AsyncIterator[Database]:
    opened = await open_database(index_location(tmp_path, storage))
    yield opened
    await opened.close()


async def hits(database: Database, query: str, **filters: object) -> list[Hit]:
    async with database.read() as connection:
        return await search(connection, query, **filters)  # type: ignore[arg-type]


async def found(database: Database, query: str, **filters: object) -> set[int]:
    return {hit.number for hit in await hits(database, query, **filters)}


@asynccontextmanager
async def with_texts(
    database: Database, texts: Sequence[str], title: str | None = None, languages: Sequence[str | None] = ()
) -> AsyncIterator[Database]:
    """`database` with these articles in it, directly."""
    languages = languages or [None] * len(texts)
    async with database.write() as connection:
        for number, body in enumerate(texts):
            row = {"number": number, "id": f"{number:016x}", "file": f"{number:03d}_{number:016x}.txt", "body": body,
                   "sha256": "", "title": title, "language": languages[number], "appended_at": NOW}  # fmt: skip
            await connection.execute(articles.insert(), row)
        new = [ToIndex(number, title, body, language=languages[number]) for number, body in enumerate(texts)]
        await store(connection, new)
    yield database


async def test_what_a_query_finds(corpus: CorpusWriter) -> None:
    for query, expected in {
        "Токаев": {0, 1},
        "Токаева": {0, 1},
        "ТОКАЕВУ вольфрам": {0},
        "вольфрама кредит": {0},
        "президенту саммита": {1},
        "mineral export": {2, 3},
        '"critical minerals"': {2},
        "«Белый дом»": {1},
        "“critical minerals”": {2},
        '"critical minerals': {2},
        '"minerals critical"': set(),
        '"minerals tungsten"': set(),  # the one ends the headline, the other begins the text
        "вольфрам OR ташкент OR tashkent": {0, 3},
        "exports tungsten OR tashkent": {2, 3},
        "exports -tashkent": {2},
        "exports −tashkent": {2},
        'minerals -"critical minerals"': {3},
        "-tashkent exports": {2},
        "exports OR -tashkent": {2},
        "миллион": set(),
        "kazakh*": {2},
        "minera*": {2, 3},
        '"critical minera*"': {2},
        "critical-minera*": {2},
        "узбекск*": {1},
        "OZBEKISTON": {4},
        "O'zbekiston": {4},
        "o‘zbekiston togʻrisida": {4},
        "елка мед": {5},
        "зеленый объем": {5},
        "C5+1": {5},
        "60,5": {5},
        "c5 OR": {5},
        "OR c5": {5},
        "or c5": set(),
        "c5 OR OR": {5},
    }.items():
        assert await found(corpus.database, query) == expected, query


async def test_filters_leave_only_what_they_name(corpus: CorpusWriter) -> None:
    cases: list[tuple[str, dict[str, object], set[int]]] = [
        ("exports", {"sources": ["steppe"]}, {2, 3}),
        ("exports", {"sources": ["ortalyk"]}, set()),
        ("exports OR саммит", {"sources": ["ortalyk", "steppe"]}, {1, 2, 3}),
        ("exports OR саммит -tashkent", {"languages": ["en"]}, {2}),
        ("exports", {"sources": ["steppe"], "languages": ["ru"]}, set()),
        ("exports", {"sources": ["no \"such' \\ source", "*", "", "OR"]}, set()),
        ("exports OR токаев", {"first_day": date(2025, 11, 6)}, {0, 1}),
        ("exports OR токаев", {"last_day": date(2025, 11, 6)}, {0, 3}),
        ("exports OR токаев", {"first_day": date(2025, 11, 6), "last_day": date(2025, 11, 6)}, {0}),
        ("s=steppe", {}, set()),
        ("l=ru", {}, set()),
    ]
    for query, filters, expected in cases:
        assert await found(corpus.database, query, **filters) == expected, (query, filters)


async def test_a_hit_says_where_the_words_stand(corpus: CorpusWriter) -> None:
    (hit,) = await hits(corpus.database, "вольфрам", marks=("[", "]"))
    assert (hit.number, hit.title, hit.published, hit.source_id, hit.language, hit.url) == (
        0, "Токаев встретился с Трампом", date(2025, 11, 6), "ortalyk", "ru", "https://ortalyk.example/news/0",
    )  # fmt: skip
    assert hit.snippet.startswith("В Вашингтоне говорили о [вольфраме] и кредитах. ru0x0 ")
    assert hit.snippet.endswith(" …")


async def test_the_headline_of_an_undated_file_is_not_in_the_snippet(corpus: CorpusWriter) -> None:
    (hit,) = await hits(corpus.database, "tungsten")
    assert hit.snippet.startswith("**Tungsten** exports will grow")


async def test_the_headline_counts_more_than_the_text_and_often_more_than_once(database: Database) -> None:
    once, often = "Уран и вода. " + "слово " * 50, "Уран, уран и уран. " + "слово " * 50
    async with with_texts(database, [once, often, "Другое. " + "слово " * 55]):
        async with database.write() as connection:
            row = {"number": 3, "id": "f" * 16, "file": "003", "body": once, "sha256": "", "appended_at": NOW}
            await connection.execute(articles.insert(), row | {"title": "Уран"})
            await store(connection, [ToIndex(3, "Уран", once)])
        answer = await hits(database, "уран")
    assert [hit.number for hit in answer] == [3, 1, 0]
    assert [hit.score for hit in answer] == sorted((hit.score for hit in answer), reverse=True)


async def test_the_limit_is_kept_and_equal_ones_come_newest_first(database: Database) -> None:
    async with with_texts(database, ["Одно и то же."] * 30):
        assert [hit.number for hit in await hits(database, "одно", limit=4)] == [29, 28, 27, 26]
        assert len(await hits(database, "одно", limit=100)) == 30


async def test_of_very_many_matches_the_newest_are_ranked(database: Database) -> None:
    async with with_texts(database, ["Уран, уран, уран."] + ["Уран и прочее."] * RANKED):
        assert 0 not in await found(database, "уран", limit=5)
        assert 0 in await found(database, "уран", limit=RANKED + 1)


async def test_a_filter_reaches_beyond_the_newest(database: Database) -> None:
    async with with_texts(database, ["Уран и прочее."] * RANKED):
        async with database.write() as connection:
            await connection.execute(articles.update().where(articles.c.number == 0).values(published=date(2001, 1, 1)))
        assert await found(database, "уран", last_day=date(2001, 1, 1)) == {0}


async def test_an_enormous_text_is_indexed_as_far_as_it_goes(database: Database) -> None:
    chance = random.Random(1)
    letters = "абвгдежзиклмнопрстуфхцчшщэюя" + "".join(map(chr, range(0x10330, 0x10340)))
    words = ["".join(chance.choices(letters, k=60)) for _ in range(5_000)]
    async with with_texts(database, ["начало " + " ".join(words), "а " * 200_000, "начало " * (MAX_WORDS * 2)]):
        assert await found(database, "начало") == {0, 2}


async def test_adopted_files_are_found(tmp_path: Path, storage: Storage) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "000_0123456789abcdef.txt").write_bytes(" date 2025-11-06 Вольфрам\n\nиз Казахстана".encode())
    async with open_corpus(tmp_path / "data", storage, adopting=True) as corpus:
        await adopt(corpus, tmp_path / "old", now=NOW)
        assert await found(corpus.database, "казахстан вольфрамом") == {0}
        assert await found(corpus.database, "date") == set()


async def test_indexing_anew_finds_the_same(corpus: CorpusWriter) -> None:
    before = await hits(corpus.database, "exports OR токаев")
    async with corpus.database.write() as connection:
        assert await connection.run_sync(rebuild) == len(ARTICLES)
    assert await hits(corpus.database, "exports OR токаев") == before


async def test_an_older_index_is_indexed_when_it_is_opened(tmp_path: Path) -> None:
    place = index_location(tmp_path, Storage())
    engine = create_engine(f"sqlite:///{place}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        for number in range(450):  # more than are indexed at a time
            connection.execute(
                text(
                    "INSERT INTO articles (number, id, file, body, sha256, appended_at) VALUES (:n, :n, :n, :b, '', 0)"
                ),
                {"n": number, "b": f"Вольфрам {number}"},
            )
    engine.dispose()
    database = await open_database(place)
    assert len(await found(database, "вольфрама", limit=1000)) == 450
    await database.close()


async def test_what_is_rolled_back_is_not_found(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.write() as connection:
            row = {"number": 0, "id": "0" * 16, "file": "000", "body": "Уран", "sha256": "", "appended_at": NOW}
            await connection.execute(articles.insert(), row)
            await store(connection, [ToIndex(0, None, "Уран")])
            1 / 0  # noqa: B018
    assert await found(database, "уран") == set()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", 'the search needs at least one word to look for: words, "a phrase", one OR other, -without, begin*'),
        (" +-*/ '' \"\" «» OR", 'the search needs at least one word to look for: words, "a phrase", one OR other, '
         "-without, begin*"),
        ("-слово", "the search needs at least one word to look for: -word only takes away"),
        ("слово ab*", "ab*: give at least 3 letters before the *"),
        ("а " * (MAX_TERMS + 1), f"the search takes up to {MAX_TERMS} words and phrases: leave some out"),
    ],
)  # fmt: skip
async def test_a_query_that_cannot_be_answered_is_one_sentence(query: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse(query)
    assert str(caught.value) == message


SIGNS = st.sampled_from(
    ['"', "'", "*", "(", ")", ":", "-", "+", "^", "&", "|", "!", "<->", "OR", "AND", "NOT", "NEAR(", "{", "}", "\\",
     "\0", "%", ";", "--", "слово", "word", "minera*", "$1", ":query", "«", "”", "\u2028", "s=x", "ё", "İ", "ß", "①"]
)  # fmt: skip
TYPED = st.one_of(
    st.text(max_size=40), st.lists(SIGNS, max_size=12).map(" ".join), st.lists(SIGNS, max_size=12).map("".join)
)


async def test_whatever_is_typed_gives_an_answer_or_a_sentence(corpus: CorpusWriter) -> None:
    cases: list[str] = []

    @given(TYPED)
    def collect(query: str) -> None:
        cases.append(query)

    collect()
    many = " ".join(f"minera{letter}*" for letter in "abcdefghijklmnopqrstuvwxyz")
    for query in [*cases, many, many.replace(" ", " OR "), '"' + "слово " * 500, "-" + "x" * 5000, "слово*" * 40]:
        try:
            await hits(corpus.database, query)
        except ValueError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    "forms",
    [
        "Казахстан Казахстана Казахстану Казахстаном Казахстане",
        "Узбекистан Узбекистана Узбекистаном",
        "Токаев Токаева Токаеву Токаевым",
        "Мирзиёев Мирзиеева Мирзиёеву",
        "минерал минерала минералы минералов минералами",
        "кредит кредита кредиты кредитов",
        "архив архива архивы архивов",
        "проблема проблем проблемами",
        "экономический экономического экономическая экономических",
        "mineral minerals Mineral's",
        "export exports exported exporting",
        "C5 c5",
        "Қазақстан ҚАЗАҚСТАН",
    ],
)
def test_the_forms_of_a_word_have_one_stem(forms: str) -> None:
    assert len(set(stems(forms))) == 1


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("kk", "мектеп мектептер мектептерге мектептен мектепте мектептің мектептерінде"),
        ("kk", "кәсіпорын кәсіпорындар кәсіпорындардың кәсіпорынға"),
        ("kk", "қала қалалар қаланың қалада қалаларымызда"),
        ("kk", "Қазақстан Қазақстанның Қазақстанға Қазақстанда Қазақстаннан Қазақстандағы"),
        ("kk", "Алматы Алматыда Алматының"),
        ("ky", "мектеп мектептер мектептерге мектептин мектептерибизде"),
        ("ky", "өлкө өлкөлөр өлкөнүн өлкөдө өлкөлөргө"),
        ("ky", "элчи элчиси элчинин элчилер"),
        ("uz", "maktab maktablar maktablarga maktablarning maktabda maktablarimizdagi"),
        ("uz", "Oʻzbekiston O'zbekistonda O‘zbekistonning Oʻzbekistondan Ozbekiston"),
        ("uz", "мактаб мактаблар мактабларга мактабларнинг мактабда мактабларимиздаги"),
        ("tg", "мактаб мактабҳо мактабҳои мактаби мактабро"),
        ("tk", "mekdep mekdepler mekdeplere mekdepde mekdepleriň"),
        ("tk", "ýurt ýurtlar ýurtlaryň ýurtlardan ýurtda"),
    ],
)  # fmt: skip
def test_in_a_text_of_its_language_the_forms_of_a_word_have_one_stem(language: str, forms: str) -> None:
    assert len(set(stems(forms, language))) == 1, stems(forms, language)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("kk", "Алматы алма"), ("kk", "қала қалам"), ("kk", "Қазақстан қазақ"), ("kk", "бала балық"),
        ("ky", "кыргыз Кыргызстан"), ("ky", "эл элчи"), ("uz", "kitob kitobxon"), ("uz", "ish ishchi"),
        ("tg", "мактаб мактубҳо"), ("tk", "ýurt ýurist"),
    ],
)  # fmt: skip
def test_and_different_words_stay_different(language: str, words: str) -> None:
    assert len(set(stems(words, language))) == len(words.split())


async def test_a_query_finds_the_forms_of_each_language_in_its_own_texts(database: Database) -> None:
    texts = [
        ("kk", "Елшілік қызметкерлері кәсіпорындарды аралап, мектептерге кітап сыйлады."),
        ("uz", "Elchi korxonalarning ishi bilan tanishdi va maktablarimizga kitob sovgʻa qildi."),
        ("ky", "Элчиси ишканалардын иши менен таанышты."),
        ("ru", "Посол осмотрел предприятия и подарил школам книги."),
    ]
    async with with_texts(database, [body for _, body in texts], languages=[code for code, _ in texts]):
        queries = (
            "кәсіпорын",
            "мектептер",
            "maktab",
            "korxonada",
            "элчи",
            '"korxonalar ishi"',
            "korx*",
            "книга",
            "ишкан*",
        )
        answers = {query: await found(database, query) for query in queries}
        (hit,) = await hits(database, "korxona", marks=("[", "]"))
    assert list(answers.values()) == [{0}, {0}, {1}, {1}, {2}, {1}, {1}, {3}, {2}]
    assert "Elchi [korxonalarning] ishi" in hit.snippet


@pytest.mark.parametrize(
    "words",
    ["ток Токаев", "пост постоянный поставить", "образ образование", "казах Казахстан"],
)
def test_different_words_have_different_stems(words: str) -> None:
    assert len(set(stems(words))) == len(words.split())


@given(st.text(min_size=1, max_size=60))
def test_a_stem_is_letters_and_digits_and_stays_what_it_is(typed: str) -> None:
    for one in stems(typed):
        assert one.isalnum() and one == one.casefold()


@pytest.mark.parametrize(
    ("word", "beginnings"),
    [("minerals", 4), ("organization", 4), ("international", 5), ("экономического", 5), ("переговоров", 5)],
)
def test_every_beginning_leads_to_the_word(word: str, beginnings: int) -> None:
    for length in range(beginnings, len(word) + 1):
        beginning = word[:length]
        assert stem(word).startswith(beginning) or stem(word) in completions(beginning), beginning


def test_the_words_between_two_alternatives_are_not_alternatives() -> None:
    query = parse("один OR два три -четыре")
    first, second = ({phrase.stems for phrase in term} for term in query.required)
    assert first >= {(stem("один"),), (stem("два"),)} and second == {(stem("три"),), ("три",)}
    assert {phrase.stems for phrase in query.excluded} == {(stem("четыре"),), ("четыре",)}


def snip(text: str, query: str) -> str:
    return snippet(text, parse(query), marks=("[", "]"))


def test_the_snippet_is_where_most_different_words_stand() -> None:
    filler = " ".join(["прочее"] * 50)
    shown = snip(f"Уран здесь. {filler}\n\nУран и кобальт,\nа также тантал. {filler}", "уран кобальт тантал")
    assert "[Уран] и [кобальт], а также [тантал]. прочее" in shown
    assert shown.startswith("… прочее прочее") and shown.endswith("прочее …")
    assert len(shown.strip("… ").split()) == WORDS


def test_a_text_without_the_words_is_shown_from_its_beginning() -> None:
    assert snip("Первое предложение.", "уран") == "Первое предложение."
    assert snip("", "уран") == ""


def test_a_phrase_is_marked_as_one_and_its_words_alone_are_not() -> None:
    assert snip("Дом. Белый дом, белый.", '"белый дом"') == "Дом. [Белый дом], белый."
    assert snip("a b c d", '"a b" "b c"') == "[a b c] d"
    assert snip("Minerals, Miner, mine", "minera*") == "[Minerals], [Miner], mine"


@given(st.text(max_size=300), st.sampled_from(["уран", "a", '"a b" b', "абв*"]))
def test_a_snippet_is_the_text_with_marks(text: str, query: str) -> None:
    shown = snippet(text, parse(query), marks=("", ""))
    assert shown.removesuffix(" …").removeprefix("… ") in " ".join(text.split())
