"""Which articles are taken for one text in two languages, and which only look like it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.language import identify
from extractors.urls import article_id, canonical_url
from storage.files.article_file import ArticleFile
from storage.relating.nearby import Nearby, Piece
from storage.relating.traits import everybodys, read_traits
from storage.relating.translations import find_translations, page_keys
from tests.support.composed import ARTICLES, FIRST_DAY, Composed

BY_NAME = {article.name: article for article in ARTICLES}


def piece(number: int, article: Composed, **changes: Any) -> Piece:
    """A composed article as it is compared."""
    values: dict[str, Any] = {
        "number": number, "language": article.language, "day": article.published, "title": article.title,
        "traits": read_traits(changes.pop("text", article.text), article.language),
    }  # fmt: skip
    return Piece(**values | changes)


def at(*addresses: str) -> frozenset[str]:
    return frozenset(article_id(canonical_url(address)) for address in addresses)


def linked(*pieces: Piece) -> dict[tuple[int, int], float]:
    nearby = Nearby(pieces)
    found = find_translations(nearby, [p.number for p in pieces])
    return {(pair.number, pair.other): pair.score for pair in found}


def test_exactly_the_composed_translations_are_found() -> None:
    found = linked(*(piece(number, article) for number, article in enumerate(ARTICLES)))
    true = {
        (second, first)
        for first, second in combinations(range(len(ARTICLES)), 2)
        if ARTICLES[first].text_of and ARTICLES[first].text_of == ARTICLES[second].text_of
        if ARTICLES[first].language != ARTICLES[second].language
    }
    missed = {tuple(ARTICLES[n].name for n in pair) for pair in true - found.keys()}
    wrong = {tuple(ARTICLES[n].name for n in pair) for pair in found.keys() - true}
    assert (wrong, missed) == (set(), set())
    assert all(0.7 < score <= 1 for score in found.values())


@pytest.mark.parametrize("first", ["tungsten-ru", "tungsten-kk", "locomotives-uz", "locomotives-uz-cyrl", "envoy-ru"])
def test_two_articles_alone_are_enough(first: str) -> None:
    second = BY_NAME[f"{first.partition('-')[0]}-en"]
    assert linked(piece(1, BY_NAME[first]), piece(2, second)).keys() == {(2, 1)}


def test_one_language_in_two_alphabets_is_no_translation() -> None:
    assert linked(piece(1, BY_NAME["locomotives-uz"]), piece(2, BY_NAME["locomotives-uz-cyrl"])) == {}


def test_a_text_whose_language_was_taken_for_another_is_no_translation_of_its_copy() -> None:
    first = BY_NAME["tungsten-ru"]
    assert linked(piece(1, first), piece(2, first, language="bg")) == {}
    stated = at("https://site.kz/a")
    assert linked(piece(1, first, addresses=stated), piece(2, first, language="bg", leads_to=stated)) == {}


def test_an_unknown_language_is_never_a_translation() -> None:
    assert linked(piece(1, BY_NAME["tungsten-ru"], language=None), piece(2, BY_NAME["tungsten-en"])) == {}


@pytest.mark.parametrize(("days", "expected"), [(0, True), (2, True), (-2, True), (3, False), (-3, False)])
def test_facts_alone_count_within_two_days(days: int, expected: bool) -> None:
    later = piece(2, BY_NAME["tungsten-en"], day=FIRST_DAY + timedelta(days=days))
    assert bool(linked(piece(1, BY_NAME["tungsten-ru"]), later)) is expected


def test_an_undated_article_is_compared_with_those_adopted_at_the_same_time() -> None:
    then = datetime(2026, 1, 5, tzinfo=UTC)
    dated = piece(1, BY_NAME["tungsten-ru"], adopted_at=then)
    undated = {"day": None, "adopted_at": then}
    assert linked(dated, piece(2, BY_NAME["tungsten-en"], **undated))
    assert not linked(dated, piece(2, BY_NAME["tungsten-en"], day=None, adopted_at=then + timedelta(days=1)))
    assert not linked(piece(1, BY_NAME["tungsten-ru"]), piece(2, BY_NAME["tungsten-en"], **undated))


def paragraphs(name: str) -> list[str]:
    return BY_NAME[name].text.split("\n\n")


def test_a_text_that_tells_the_same_in_another_order_is_its_own() -> None:
    turned = "\n\n".join(reversed(paragraphs("tungsten-en")))
    assert not linked(piece(1, BY_NAME["tungsten-ru"]), piece(2, BY_NAME["tungsten-en"], text=turned))


def test_a_translation_may_leave_a_paragraph_out() -> None:
    shorter = "\n\n".join(paragraphs("tungsten-en")[:-1])
    assert linked(piece(1, BY_NAME["tungsten-ru"]), piece(2, BY_NAME["tungsten-en"], text=shorter))


def test_a_page_that_names_another_as_its_edition_is_believed() -> None:
    address = at("https://site.kz/en/politics/first-visit")
    english = piece(1, BY_NAME["summit-en"], addresses=address)
    assert linked(english, piece(2, BY_NAME["flood-en"], language="ru", leads_to=address)) == {(2, 1): 1.0}
    assert linked(english, piece(2, BY_NAME["flood-en"], leads_to=address)) == {}, "of the same language"


PAIRED = [
    ("number", "https://site.kz/ru/news/216543-vizit", "https://site.kz/en/news/216543-visit", True),
    ("path", "https://site.kz/ru/news/tokayev-visit", "https://www.site.kz/kk/news/tokayev-visit/", True),
    ("host", "https://site.kz/news/tokayev-visit", "https://en.site.kz/news/tokayev-visit", True),
    ("query", "https://site.kz/?id=216543&lang=ru", "https://site.kz/?id=216543&lang=en", True),
    ("other site", "https://site.kz/ru/news/216543-vizit", "https://other.kz/en/news/216543-visit", False),
    ("section", "https://site.kz/ru/news", "https://site.kz/en/news", False),
    ("day", "https://site.kz/ru/20251106/vizit", "https://site.kz/en/20251106/visit", False),
    ("day in the end", "https://site.kz/ru/2025/11/06", "https://site.kz/en/2025/11/06", False),
    ("day, turned", "https://site.kz/ru/06112025/vizit", "https://site.kz/en/06112025/visit", False),
    ("month", "https://site.kz/ru/202511/vizit", "https://site.kz/en/202511/visit", False),
    ("short number", "https://site.kz/ru/1234", "https://site.kz/en/9234", False),
]


@pytest.mark.parametrize(("first", "second", "expected"), [row[1:] for row in PAIRED], ids=[row[0] for row in PAIRED])
def test_one_number_or_path_on_a_site_makes_a_pair(first: str, second: str, expected: bool) -> None:
    keys = [page_keys(canonical_url(address)) for address in (first, second)]
    assert bool(set(keys[0]) & set(keys[1])) is expected
    # Facts that would not do alone: the English text lacks half of it.
    half = "\n\n".join(paragraphs("tungsten-en")[:1])
    pair = piece(1, BY_NAME["tungsten-ru"], pages=keys[0]), piece(2, BY_NAME["tungsten-en"], text=half, pages=keys[1])
    assert bool(linked(*pair)) is expected


def test_one_number_does_not_pair_texts_that_have_nothing_in_common() -> None:
    keys = page_keys("https://site.kz/news/216543")
    assert not linked(piece(1, BY_NAME["tungsten-ru"], pages=keys), piece(2, BY_NAME["flood-en"], pages=keys))


def test_a_number_that_several_articles_in_one_language_have_pairs_nothing() -> None:
    keys = page_keys("https://site.kz/section/216543")
    half = "\n\n".join(paragraphs("tungsten-en")[:1])
    three = [piece(1, BY_NAME["tungsten-ru"], pages=keys), piece(2, BY_NAME["envoy-ru"], pages=keys)]
    assert not linked(*three, piece(3, BY_NAME["tungsten-en"], text=half, pages=keys))


def test_a_link_counts_with_facts_and_not_without() -> None:
    source, later = at("https://agency.com/tungsten"), FIRST_DAY + timedelta(days=5)
    russian = piece(1, BY_NAME["tungsten-ru"], links_to=source)
    assert linked(russian, piece(2, BY_NAME["tungsten-en"], day=later, addresses=source))
    assert not linked(piece(1, BY_NAME["tungsten-ru"]), piece(2, BY_NAME["tungsten-en"], day=later))
    assert not linked(russian, piece(2, BY_NAME["tungsten-own-en"], addresses=source)), "a report about it"
    far = FIRST_DAY + timedelta(days=30)
    assert not linked(russian, piece(2, BY_NAME["tungsten-en"], addresses=source, day=far))


def test_a_credit_by_headline_counts_like_a_link() -> None:
    credited = BY_NAME["tungsten-ru"].text + "\n\nИсточник: Kazakhstan Signs Tungsten Deal With US Firm\n\nПеревод наш"
    later = FIRST_DAY + timedelta(days=5)
    english = piece(2, BY_NAME["tungsten-en"], day=later)
    assert linked(piece(1, BY_NAME["tungsten-ru"], text=credited), english)
    assert not linked(piece(1, BY_NAME["tungsten-ru"]), english)


NUMBERS = [
    ("1,1 млрд долларов", "ru", "$1.1 billion"),
    ("10 000 тонн", "ru", "10,000 tons"),
    ("12 тысяч человек", "ru", "12,000 people"),
    ("2,65 млн", "ru", "2.65 million"),
    ("410 мың тонна", "kk", "410,000 tonnes"),
    ("287 million dollar", "uz", "$287 mln"),
    ("17 млрд", "ru", "$17bn"),
    ("12,5%", "ru", "12.5 percent"),
    ("1,234 секунды", "ru", "1.234 seconds"),
    ("1.234.567 тонн", "ru", "1,234,567 tons"),
    ("15–20 процентов", "ru", "15-20 percent"),
]


@pytest.mark.parametrize(("text", "language", "english"), NUMBERS)
def test_numbers_are_known_by_their_value(text: str, language: str, english: str) -> None:
    theirs, ours = (
        read_traits(f"Это {text} за год", language).numbers,
        read_traits(f"It is {english} a year", "en").numbers,
    )
    assert theirs == ours != frozenset()


SAYS_NOTHING = [
    "6 ноября", "6-7 ноября", "6–7 ноября 2025 года", "06.11.2025", "2025-11-06", "15:30", "в 2024 году", "November 6",
    "Nov. 16", "16th of November", "16 November", "16 қараша", "16-noyabr", "C5+1", "С5+1", "3 страны", "G20", "F-16",
]  # fmt: skip


@pytest.mark.parametrize("text", SAYS_NOTHING)
def test_dates_years_and_small_numbers_say_nothing(text: str) -> None:
    assert read_traits(f"саммит {text} там", "ru").numbers == frozenset()


NAMES = [
    ("с Мирзиёевым", "ru", "Mirziyoyev"),
    ("у Токаева", "ru", "Tokayev"),
    ("для Казатомпрома", "ru", "Kazatomprom"),
    ("с Казатомпромом", "ru", "Kazatomprom"),
    ("бұл Тоқаевтың", "kk", "Tokayev"),
    ("мында Бишкектен", "ky", "Bishkek"),
    ("bu Narzullayevning", "uz", "Narzullayev"),
    ("бу Нарзуллаевнинг", "uz", "Narzullayev"),
    ("bu Xorgosda", "uz", "Khorgos"),
    ("аз Душанбе", "tg", "Dushanbe"),
    ("с Рубио", "ru", "Rubio"),
    ("в Иране", "ru", "Iran"),
    ("на Жезказгане", "ru", "Zhezkazgan"),
    ("в Хоргосе", "ru", "Khorgos"),
    ("для Boeing", "ru", "Boeing"),
    ("данные USGS", "ru", "USGS"),
    ("у Вабтека", "ru", "Wabtec"),
]


@pytest.mark.parametrize(("text", "language", "english"), NAMES)
def test_names_are_known_by_their_consonants(text: str, language: str, english: str) -> None:
    assert read_traits(f"и {text} тоже", language).marks == read_traits(f"and {english} too", "en").marks != ()


def test_what_everybody_is_called_tells_no_texts_apart() -> None:
    text = "и Казахстан, Токаев, Трамп, Вашингтон, Узбекистан, Мирзиёев, Астана"
    assert set(read_traits(text, "ru").marks) <= everybodys()


@settings(deadline=None)  # the first example compiles patterns
@given(st.text(max_size=300), st.sampled_from([None, "ru", "en", "kk", "uz", "ky", "tg"]))
def test_any_text_has_traits(text: str, language: str | None) -> None:
    traits = read_traits(text, language)
    assert len(set(traits.marks)) == len(traits.marks)
    assert traits.numbers <= set(traits.marks)


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(len(ARTICLES))))
def test_the_order_of_arrival_does_not_matter(order: list[int]) -> None:
    usual = linked(*(piece(number, article) for number, article in enumerate(ARTICLES)))
    other = linked(*(piece(number, ARTICLES[number]) for number in order))
    assert usual == other


def test_the_seed_files_which_are_in_one_language_hold_no_translation(seeds: Path) -> None:
    then = datetime(2026, 1, 12, tzinfo=UTC)
    pieces = []
    for number, path in enumerate(sorted(seeds.glob("*.txt"))):
        file = ArticleFile.parse(path.read_bytes())
        assert identify(file.text) == "ru"
        pieces.append(Piece(number, "ru", file.published, read_traits(file.text, "ru"), adopted_at=then))
    assert len(pieces) == 5
    assert linked(*pieces) == {}
    # Nor would they if the languages had been measured wrongly: their facts are different ones.
    assert (
        linked(*(p if p.number % 2 else Piece(p.number, "en", p.day, p.traits, adopted_at=then) for p in pieces)) == {}
    )
