"""Which articles are grouped as reports of one event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.relating.events import SPAN, Groups, find_events
from storage.relating.nearby import Nearby, Piece
from storage.relating.traits import read_traits
from storage.relating.translations import find_translations
from tests.demo_site.model import load_outlets
from tests.support.composed import ARTICLES, FIRE, FIRE_AGAIN, FIRST_DAY, FORM, Composed
from tests.support.event_reports import REPORTS, Told

AFTERWARDS = (
    "Торговцы рынка «Дордой», потерявшие контейнеры при пожаре в Бишкеке, требуют возмещения. Они перекрыли улицу у "
    "мэрии; министерство экономики обещает льготные кредиты. Депутат Жанар Акаев предложил создать фонд помощи. "
)
CREDITS = (
    "Министерство экономики Кыргызстана обещает торговцам льготные кредиты. Депутат Жанар Акаев предложил создать фонд "
    "помощи малому бизнесу, банки выделят деньги под низкий процент, сказали в министерстве. "
)


def piece(number: int, text: str, *, day: int = 0, language: str = "ru") -> Piece:
    return Piece(number, language, FIRST_DAY + timedelta(days=day), read_traits(text, language))


def events(*pieces: Piece, **known: Any) -> dict[int, int]:
    return find_events(Nearby(pieces), [p.number for p in pieces], Groups(**known))


def composed(order: list[int] | None = None) -> dict[int, int]:
    """The events of the composed articles, taken up day by day and in this order within a day."""
    pieces = [piece(n, a.text, day=a.day, language=a.language) for n, a in enumerate(ARTICLES)]
    nearby = Nearby(pieces)
    pairs = [(pair.number, pair.other) for pair in find_translations(nearby, range(len(pieces)))]
    places = order or list(range(len(pieces)))
    numbers = sorted(range(len(pieces)), key=lambda n: (ARTICLES[n].day, places[n]))
    return find_events(nearby, numbers, Groups(translations=pairs))


def stories(event_of: dict[int, int]) -> list[set[str]]:
    groups: defaultdict[int, set[str]] = defaultdict(set)
    for number, event in event_of.items():
        groups[event].add(ARTICLES[number].story)
    return list(groups.values())


def same_event(first: Composed, second: Composed, event_of: dict[int, int]) -> bool:
    return event_of[ARTICLES.index(first)] == event_of[ARTICLES.index(second)]


def test_no_group_of_the_composed_articles_holds_two_events() -> None:
    assert all(len(group) == 1 for group in stories(composed()))


def test_most_composed_articles_find_their_event() -> None:
    event_of = composed()
    pairs = [(a, b) for a in ARTICLES for b in ARTICLES if a.name < b.name and a.story == b.story]
    found = sum(same_event(a, b, event_of) for a, b in pairs)
    # Missed: the agency's own report of the signing, against each of its three translations.
    assert (found, len(pairs)) == (10, 13)


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(len(ARTICLES))))
def test_whatever_the_order_within_a_day_groups_hold_one_event_each(order: list[int]) -> None:
    assert all(len(group) == 1 for group in stories(composed(order)))


def test_two_write_ups_are_one_event() -> None:
    assert events(piece(4, FIRE), piece(7, FIRE_AGAIN)) == {4: 4, 7: 4}


@pytest.mark.parametrize(("days", "together"), [(0, True), (3, True), (4, False), (-3, True), (-4, False)])
def test_an_event_spans_three_days(days: int, together: bool) -> None:
    found = events(piece(1, FIRE), piece(2, FIRE_AGAIN, day=days))
    assert (found[1] == found[2]) is together


def test_a_group_never_spans_more_than_three_days_in_all() -> None:
    found = events(*(piece(number, FIRE, day=number) for number in range(10)))
    assert found == {0: 0, 1: 0, 2: 0, 3: 0, 4: 4, 5: 4, 6: 4, 7: 4, 8: 8, 9: 8}
    assert timedelta(days=3) == SPAN


def test_a_chain_of_likenesses_does_not_make_one_event() -> None:
    found = events(piece(1, FIRE), piece(2, FIRE_AGAIN), piece(3, AFTERWARDS), piece(4, CREDITS))
    assert found[1] == found[2] != found[4]


def test_yesterdays_form_with_todays_figures_is_another_event() -> None:
    first, second = FORM.format(524, 183, 610, 603), FORM.format(527, 210, 544, 607)
    assert events(piece(1, first), piece(2, second, day=1)) == {1: 1, 2: 2}
    assert events(piece(1, first), piece(2, second)) == {1: 1, 2: 1}, "on one day"
    assert events(piece(1, first), piece(2, first, day=1)) == {1: 1, 2: 1}, "the same figures"


def test_templates_of_each_other_on_different_days_are_different_events() -> None:
    assert events(piece(1, FIRE), piece(2, FIRE, day=1), templates=[(2, 1)]) == {1: 1, 2: 2}
    assert events(piece(1, FIRE), piece(2, FIRE), templates=[(2, 1)]) == {1: 1, 2: 1}
    three = [piece(number, FIRE, day=number) for number in range(3)]
    assert events(*three, templates=[(1, 0), (2, 1)]) == {0: 0, 1: 1, 2: 2}, "by way of the second"


def test_a_relation_of_texts_makes_likeness_enough_that_would_not_be() -> None:
    pair = piece(1, FIRE), piece(2, AFTERWARDS + "Огонь вспыхнул ночью в ряду. ")
    assert events(*pair) == {1: 1, 2: 2}
    assert events(*pair, related=[(2, 1)]) == {1: 1, 2: 1}


def test_a_translation_is_in_the_event_of_its_original() -> None:
    english = piece(2, "Nothing of this is like the other text at all, says Gulnara.", language="en")
    assert events(piece(1, FIRE), english, translations=[(2, 1)]) == {1: 1, 2: 1}
    far = piece(2, "Nothing of this is like the other.", language="en", day=5)
    assert events(piece(1, FIRE), far, translations=[(2, 1)]) == {1: 1, 2: 2}


def test_an_article_without_a_day_founds_its_own_event() -> None:
    assert events(piece(1, FIRE), replace(piece(2, FIRE), day=None)) == {1: 1, 2: 2}


def test_an_article_of_the_past_joins_the_event_that_is_there() -> None:
    pieces = [piece(5, FIRE, day=1), piece(9, FIRE_AGAIN)]
    assert find_events(Nearby(pieces), [9], Groups({5: 5})) == {9: 5}


def test_what_all_articles_of_a_week_have_in_common_makes_no_event() -> None:
    talk = "Саммит в Вашингтоне: лидеры Центральной Азии встретились с Трампом в Белом доме, говорили о минералах. "
    own = ("Пожар на рынке в Оше потушили за час", "Школьники из Тараза победили в олимпиаде по химии",
           "Новый вокзал откроют в Туркестане к маю", "Хлопок в Намангане убрали на три недели раньше")  # fmt: skip
    many = [
        piece(number, talk + " ".join(f"{own[number % 4]}, сказал свидетель{number}х{place}." for place in range(4)))
        for number in range(4)
    ]
    padding = [
        piece(100 + number, talk + f"подробность{number} другая{number} третья{number}") for number in range(150)
    ]
    found = find_events(Nearby([*many, *padding]), [p.number for p in many], Groups())
    assert found == {0: 0, 1: 1, 2: 2, 3: 3}


def test_empty_and_tiny_texts_are_events_of_their_own() -> None:
    assert events(piece(1, ""), piece(2, ""), piece(3, "Да."), piece(4, "17")) == {1: 1, 2: 2, 3: 3, 4: 4}


def told(reports: Sequence[Told]) -> list[str]:
    """The pairs of these reports that are wrongly together or apart."""
    pieces = [
        Piece(n, r.language, FIRST_DAY + timedelta(days=r.day), read_traits(r.text, r.language, r.title), r.title)
        for n, r in enumerate(reports)
    ]
    event_of = events(*pieces)
    return [
        f"{reports[a].title} / {reports[b].title}"
        for a, b in combinations(range(len(reports)), 2)
        if (event_of[a] == event_of[b]) != (reports[a].event == reports[b].event)
    ]


def test_outlets_that_tell_one_event_in_five_languages_are_grouped_and_like_subjects_are_not() -> None:
    assert told(REPORTS) == []


DEMO = (
    ("minerals-working-group-astana", "delegaciya-gosdepa-redkie-metally"),
    ("kazakh-uranium-us-utilities", "uran-amerika-keleshek"),
    ("trade-amendment-central-asia-senate", "kongress-sauda-zan"),
)


def test_the_demonstration_groups_its_reports_of_one_event() -> None:
    shown = [article for outlet in load_outlets() for article in outlet.raw_articles if article["kind"] == "on_topic"]
    pieces = []
    for number, article in enumerate(shown):
        text = "\n\n".join(block.removeprefix("## ") for block in article["paragraphs"])
        traits = read_traits(text, article["language"], article["title"])
        pieces.append(Piece(number, article["language"], FIRST_DAY, traits, article["title"]))
    groups: defaultdict[int, set[str]] = defaultdict(set)
    for number, event in events(*pieces).items():
        groups[event].add(shown[number]["slug"])
    assert {frozenset(group) for group in groups.values() if len(group) > 1} == set(map(frozenset, DEMO))
