from __future__ import annotations

import json
import random
import re
import time
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.terms import spellings
from config.topics import TopicsFile, Veto, all_terms
from extractors.records import Article, Match, Verdict
from extractors.topic.judge import compile_topics
from extractors.topic.parts import read_parts
from extractors.topic.reading import TopicTerms
from extractors.topic.terms import Terms
from extractors.topic.text import Words, prepare

HERE = Path(__file__).parent
FILE = TopicsFile(**tomllib.loads((HERE.parent / "config" / "topics.toml").read_text(encoding="utf-8")))
TOPICS, TWIN = compile_topics(FILE), compile_topics(FILE)
NOTHING = {"aside": 0.0, "partner": 0.0, "late": 0.0}
# The same terms, but whatever names all groups is kept: nothing that it keeps may be refused by the screen.
GREEDY = compile_topics(
    TopicsFile(
        topics=tuple(
            t.model_copy(update={"threshold": 0.01, "vetoes": {}, "weights": t.weights.model_copy(update=NOTHING)})
            for t in FILE.topics
        )
    )
)


def cases(name: str) -> list[dict[str, Any]]:
    lines = (HERE / "topic_articles" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


# Each set was written before a look at how the judge fares on it, and used for tuning afterwards. What it got at first
# sight stands beside: that, and not the floor below, is what to expect of other articles.
FIRST = cases("first")
SECOND = cases("second")  # hard ones: precision 0.83, recall 0.80
THIRD = cases("third")  # hard ones: precision 0.86, recall 0.91
FOURTH = cases("fourth")  # as they come: precision 0.97, recall 0.91
FIFTH = cases("fifth")  # as they come: precision 0.95, recall 0.95
SIXTH = cases("sixth")  # a third partner comes in: precision 1.00, recall 0.53
SEVENTH = cases("seventh")  # words of the vetoes on topic, dealings with others off topic: precision 0.69, recall 0.90
EIGHTH = cases("eighth")  # hard ones: precision 0.83, recall 0.88
# Of each kind in all languages: owners in a list, another partner's event and its reverse, private persons, headlines
# over another text, credits and datelines, names that hold both sides, history, words of two senses, seven languages
# more: precision 0.61, recall 0.88.
NINTH = cases("ninth")
CASES = [*FIRST, *SECOND, *THIRD, *FOURTH, *FIFTH, *SIXTH, *SEVENTH, *EIGHTH, *NINTH]
EXCERPT = 300  # characters of text


def article(text: str, title: str | None = None, language: str | None = "ru") -> Article:
    paragraphs = tuple(text.split("\n\n"))
    return Article(paragraphs, title, authors=(), published=None, date_origin=None, language=language, method="test")


def judge(text: str, title: str | None = None, language: str | None = "ru") -> Verdict:
    return TOPICS.judge(article(text, title, language))


def judge_case(case: dict[str, Any], change: Callable[[str], str] = str) -> Verdict:
    return judge(change(case["text"]), change(case["title"]) if case["title"] else None, case["language"])


# --- quality


def kind_of(case: dict[str, Any]) -> str:
    """The language; Uzbek in Cyrillic letters counts as one of its own."""
    if case["language"] == "uz" and re.search("[а-я]", case["text"]):
        return "uz-cyrl"
    return str(case["language"])


def counted(change: Callable[[str], str] = str) -> dict[str, Counter[str]]:
    """How many were kept, let through, lost and refused: of all, and of each language."""
    counts: dict[str, Counter[str]] = {"all": Counter()}
    for case in CASES:
        kept = judge(change(case["text"]), case["title"], case["language"]).relevant
        result = ("kept" if kept else "lost") if case["relevant"] else ("let through" if kept else "refused")
        for key in ("all", kind_of(case)):
            counts.setdefault(key, Counter())[result] += 1
    return counts


def f1(right: Counter[str]) -> float:
    return 2 * right["kept"] / max(1, 2 * right["kept"] + right["let through"] + right["lost"])


def test_quality_over_the_composed_articles_stays_above_the_floor() -> None:
    counts = counted()
    total = counts["all"]
    assert total["kept"] / (total["kept"] + total["let through"]) >= 0.96, "precision"
    assert total["kept"] / (total["kept"] + total["lost"]) >= 0.96, "recall"
    assert f1(total) >= 0.97
    assert {language: f1(count) for language, count in counts.items() if f1(count) < 0.93} == {}


def test_headline_and_the_first_300_characters_are_nearly_enough() -> None:
    counts = counted(lambda text: text[:EXCERPT])
    assert f1(counts["all"]) >= 0.95


def test_the_composed_articles_cover_every_language_both_ways() -> None:
    assert len({case["id"] for case in CASES}) == len(CASES) >= 300
    languages = Counter(map(kind_of, CASES))
    wanted = {"ru": 100, "en": 60, "tr": 8, "de": 8, "zh": 8}
    wanted |= dict.fromkeys(("kk", "ky", "uz", "uz-cyrl", "tg", "tk"), 20)
    wanted |= dict.fromkeys(("bg", "pl", "uk", "be", "az", "fa"), 3)
    assert {language: languages[language] for language, n in wanted.items() if languages[language] < n} == {}
    seen = Counter((kind_of(case), case["relevant"]) for case in CASES)
    assert all(seen[language, side] >= languages[language] * 0.3 for language in wanted for side in (True, False))


# --- what a verdict says


def test_a_verdict_names_terms_places_and_counts() -> None:
    verdict = judge("Глава вылетел.\n\nСША ждут визита.\n\nВ США готовы, США рады.", "Казахстан и США")
    assert verdict.relevant and verdict.topic == "central-asia-us"
    assert verdict.matches == (
        Match("region", "казахстан*", "headline", 1),
        Match("us", "=США", "headline", 1),
        Match("us", "=США", "lead", 1),
        Match("us", "=США", "body", 2),
        Match("dealings", "визит*", "lead", 1),
    )
    assert verdict.why.startswith('on topic: region: "казахстан*" in the headline; us: "США" in the headline')


def test_the_score_is_the_sum_of_weighted_numbers() -> None:
    weights = FILE.topics[0].weights.model_dump()
    for case in CASES:
        item = article(case["text"], case["title"], case["language"])
        verdict, numbers = TOPICS.judge(item), TOPICS.features(item)
        assert set(numbers) == {*weights, *(f"veto.{name}" for name in FILE.topics[0].vetoes)}
        total = sum(weights[name] * numbers[name] for name in weights)
        assert verdict.score == pytest.approx(max(0.0, total), abs=0.006)
        assert all(-1 <= numbers[name] <= (0 if name in TAKEN else 1) for name in weights if name != "against")
        assert numbers["against"] <= 0
        assert verdict.threshold == FILE.topics[0].threshold


TAKEN = ("aside", "partner", "late")


def test_features_are_of_the_first_topic_or_of_the_named_one() -> None:
    item = article("Казахстан и США подписали договор.")
    assert TOPICS.features(item) == TOPICS.features(item, "central-asia-us")
    with pytest.raises(KeyError):
        TOPICS.features(item, "weather")


def test_a_missing_group_is_named_and_leaves_no_features() -> None:
    verdict = judge("В Казахстане выпал снег.")
    assert (verdict.relevant, verdict.topic, verdict.score, verdict.borderline) == (False, None, 0.0, False)
    assert verdict.why == 'not on topic: no term of the group "us"'
    assert not any(TOPICS.features(article("В Казахстане выпал снег.")).values())


def test_too_little_is_named() -> None:
    verdict = judge("Урожай.\n\nПшеница.\n\nВ Казахстане и США засуха.", "Новости дня")
    assert re.match(r"not on topic: [\d.]+ points \(it needs [\d.]+\) are too few; region: ", verdict.why)
    assert "in the body" in verdict.why


def test_the_veto_that_spoke_is_named() -> None:
    verdict = judge("Президент Казахстана встретил боксёра из США.", "Турнир в США")
    assert not verdict.relevant and verdict.veto == "sport" and verdict.score < verdict.threshold
    assert re.match(r'not on topic: the veto "sport" takes [\d.]+ points and leaves [\d.]+ \(it needs', verdict.why)
    assert Match("veto:sport", "турнир*", "headline", 1) in verdict.matches


def test_what_was_taken_out_is_listed() -> None:
    verdict = judge("Казахстан. За доллары США и американскую валюту дают тенге.")
    assert verdict.taken_out == ("долл* США", "американск* (доллар*|валют*)")
    assert verdict.why == 'not on topic: no term of the group "us"'


def test_the_borderline_lies_on_both_sides_of_the_threshold() -> None:
    topic = FILE.topics[0]
    verdicts = [judge_case(case) for case in CASES]
    for verdict in verdicts:
        assert verdict.borderline is (abs(verdict.score - topic.threshold) <= topic.borderline)
    sides = {verdict.relevant for verdict in verdicts if verdict.borderline}
    assert sides == {True, False}


def test_an_empty_article_is_off_topic() -> None:
    assert not TOPICS.judge(Article((), None, (), None, None, None, "test")).relevant
    assert not judge("\n\n  \n\n", "").relevant


# --- rules

ON_TOPIC = "Казахстан и США подписали договор."


@pytest.mark.parametrize(
    ("text", "title", "relevant"),
    [
        pytest.param("Подробностей нет.", ON_TOPIC, True, id="headline"),
        pytest.param(ON_TOPIC, "Новость дня", True, id="lead"),
        pytest.param("Снег.\n\nЛёд.\n\n" + ON_TOPIC, "Погода", False, id="one aside"),
        pytest.param("Снег.\n\nЛёд.\n\n" + ON_TOPIC + "\n\n" + ON_TOPIC, "Погода", False, id="two asides"),
        pytest.param("Снег.\n\nЛёд." + ("\n\n" + ON_TOPIC) * 8, "Погода", True, id="the whole body"),
        pytest.param("Снег идёт второй день. " * 60 + ON_TOPIC, "Погода", False, id="aside in a single long paragraph"),
        pytest.param(" date 2025-11-06 АСТАНА, 6 ноября – США закрыли завод.", "Завод", False, id="date and dateline"),
        pytest.param("Курс доллара США к тенге, Казахстан.", "Цены", False, id="currency"),
        pytest.param("Снег.\n\nТеги: Казахстан, США, договор, визит.", "Погода", False, id="tags"),
        pytest.param("В США снег.\n\nЧитайте также: " + ON_TOPIC, "Погода в США", False, id="a related story"),
        pytest.param("Трамп подписал указ.\n\nСША рады.", "Указ Трампа | Новости Казахстана", False, id="the outlet"),
        pytest.param("Формат C5+1 отметил десять лет.", "Юбилей", True, id="sufficient"),
        pytest.param("Снег.\n\nЛёд.\n\nПрошла встреча C5+1.", "Погода", False, id="sufficient as an aside"),
    ],
)
def test_rules(text: str, title: str, relevant: bool) -> None:
    assert judge(text, title).relevant is relevant


LINES_IN_FRONT = ("USD 87.45", "EUR 95,12 ▲", "Алматы +3", "Астана −5", "Home | News | World | US", "Главная Спорт США")


@pytest.mark.parametrize("case", NINTH, ids=lambda case: case["id"])
def test_lines_that_a_page_sets_in_front_of_a_text_change_nothing(case: dict[str, Any]) -> None:
    plain = judge_case(case)
    behind = judge("\n\n".join((*LINES_IN_FRONT, case["text"])), case["title"], case["language"])
    assert (behind.relevant, behind.score, behind.why) == (plain.relevant, plain.score, plain.why)


@pytest.mark.parametrize(
    ("lines", "headline"),
    [
        (["USD 87.45", "Казахстан и США подписали договор", "Фото: пресс-служба"], "Казахстан и США подписали договор"),
        (["Home News Kazakhstan US World", "Kazakhstan and the US sign a deal"], "Kazakhstan and the US sign a deal"),
        (["Trump Meets Tokayev"], "Trump Meets Tokayev"),
        (["USD 87.45", "Политика"], "Снег в горах над городом идёт второй день."),
    ],
)
def test_a_missing_headline_is_found_among_the_lines_in_front(lines: list[str], headline: str) -> None:
    text = "Снег в горах над городом идёт второй день. " * 9
    parts = read_parts(Article((*lines, text.strip()), None, (), None, None, "ru", "test"))
    assert parts["headline"].cased == Words(prepare(headline)).cased


LISTS = [
    ("Акционеры — Россия, Казахстан, Chevron, Лукойл, ExxonMobil, Shell.", ["Казахстан", "Chevron", "ExxonMobil"]),
    ("В консорциуме Россия (31%), КазМунайГаз (20,75%), Chevron (15%), Лукойл (12,5%).", ["Chevron"]),
    ("It is owned by Eni, Shell, TotalEnergies, ExxonMobil, CNPC and KazMunayGas.", ["ExxonMobil", "KazMunay"]),
    ("股东包括埃尼、壳牌、俄罗斯、埃克森、哈萨克斯坦国家石油公司。", ["埃克森", "哈萨克"]),
    ("Токаев встретился с главами Boeing, Amazon, Visa, Wabtec и Chevron.", []),
    ("Президенты Казахстана, Узбекистана, Кыргызстана и США подписали декларацию, сообщает МИД России.", []),
    ("Токаев прибыл в Вашингтон, провел переговоры, подписал договор и вылетел в Москву.", []),
]


@pytest.mark.parametrize(("text", "names"), LISTS)
def test_names_in_a_list_with_strangers_are_told_from_parties(text: str, names: list[str]) -> None:
    reading = TopicTerms(FILE.topics[0]).read(article("Снег.\n\n" + text))
    listed = {
        o.hit.term.rstrip("*").removeprefix("=").lower() for found in reading.found.values() for o in found if o.listed
    }
    assert {name.lower() for name in names} <= listed
    assert bool(listed) is bool(names)


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("США закрыли завод, передает агентство Kazinform из Астаны.", False),
        ("Трамп уволил министра, пишет Sputnik Кыргызстан.", False),
        ("【哈萨克国际通讯社阿斯塔纳讯】美国参议院通过预算。", False),
        ("Kazinform: Казахстан и США подписали договор.", True),
        ("Агентство Kazinform сообщает, что Казахстан принял посла США.", True),
    ],
)
def test_what_stands_beside_an_outlet_is_its_seat_or_name(text: str, counted: bool) -> None:
    verdict = judge(text, "Новость")
    assert any(match.group == "region" for match in verdict.matches) is counted


def test_a_city_where_two_others_talk_is_a_place_and_a_capital_that_acts_is_not() -> None:
    place = TOPICS.features(article("Россия и США проведут переговоры в Астане.", "Переговоры"))
    party = TOPICS.features(article("Россия недовольна: Астана и США провели переговоры.", "Переговоры"))
    assert place["lead"] < party["lead"] and place["together"] < party["together"]


def test_an_article_says_more_of_a_rival_the_less_the_groups_meet() -> None:
    ours = TOPICS.features(article("Казахстан и США подписали договор. Россия ждёт.", "Казахстан и США"))
    mixed = TOPICS.features(article("Казахстан и Россия подписали договор. Казахстан и США тоже.", "Договор"))
    theirs = TOPICS.features(article("Казахстан и Россия подписали договор. США далеко.", "Казахстан и Россия"))
    assert 0 == ours["partner"] > mixed["partner"] > theirs["partner"] == -1


def test_a_veto_with_a_weight_takes_points_and_one_without_refuses() -> None:
    item = article("Президент Казахстана принял посла США и подписал договор.", "Казахстан и США: снег")

    def judged(**veto: Any) -> Verdict:
        changed = Veto.model_validate({"terms": {"ru": ["снег"]}, "threshold": 4.0} | veto)
        topic = FILE.topics[0].model_copy(update={"vetoes": {"snow": changed}})
        return compile_topics(TopicsFile(topics=(topic,))).judge(item)

    free = judged(weight=0.0)
    taken = judged(weight=2.0)
    assert free.relevant and taken.relevant and taken.score == pytest.approx(free.score - 2.0)
    lost = judged(weight=free.score)
    assert (lost.relevant, lost.veto, lost.score) == (False, "snow", 0.0) and "and leaves 0" in lost.why
    refused = judged()
    assert (refused.relevant, refused.veto, refused.score) == (False, "snow", free.score)
    assert judged(outvoted_at=free.score).relevant


@pytest.mark.parametrize("mark", ["C5+1", "С5+1", "C5 + 1", "С5 +1", "c5+1", "B5+1", "В5+1", "«С5+1»"])
def test_every_way_to_write_the_format_counts(mark: str) -> None:
    assert judge(f"Министры формата {mark} встретились.").relevant


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("трамплин", False), ("Трампу", True), ("АҚШ-тың", True), ("ақша", False), ("АҚШҚА", True), ("ABD’nin", True),
        ("AQSh’da", True), ("contact us", False), ("the US’s", True), ("U.S.", True), ("U. S.", True), ("us", False),
        ("Соединённых\nШтатов", True), ("белый–дом", False), ("US‑led", True), ("USA!", True),
        ("AMERICA", True), ("пол-Америки", True), ("американо-китайский", True), ("CША", True), ("СШA", True),
        ("Аме\u00adрика", True), ("Амери\u0301ка", True), ("其中美国人", True), ("中美关系", False), ("Oq uyda", True),
        ("O‘q uy", False),
    ],
)  # fmt: skip
def test_words_of_the_united_states(text: str, found: bool) -> None:
    verdict = judge(f"Текст: {text}", "Казахстан")
    assert any(match.group == "us" for match in verdict.matches) is found


def test_terms_of_an_only_list_count_in_their_language_and_in_unknown_texts() -> None:
    text = "Turkman gazi AQSH bozorida."
    assert GREEDY.judge(article(text, language="uz")).relevant
    assert GREEDY.judge(article(text, language=None)).relevant
    assert not GREEDY.judge(article(text, language="en")).relevant


def test_the_first_paragraph_stands_for_a_missing_headline() -> None:
    verdict = judge("Казахстан и США\n\nСнег.\n\nЛёд.", None)
    assert {match.part for match in verdict.matches} == {"headline"}


def test_a_headline_repeated_as_first_paragraph_is_counted_once() -> None:
    for title in ("Казахстан и США", "Казахстан и «США»"):
        assert judge(f"{title}\n\nСнег.", title) == judge("Снег.", title)


def test_match_all_keeps_everything() -> None:
    file = TopicsFile.model_validate({"topics": [{"id": "all", "name": "All", "match_all": True}]})
    everything = compile_topics(file)
    verdict = everything.judge(article("Снег."))
    assert verdict == Verdict(True, "all", 0.0, (), "everything is on topic (match_all)")
    assert everything.screen("")


def test_several_topics_the_first_that_fits_speaks_else_the_nearest() -> None:
    def one(name: str, term: str) -> dict[str, Any]:
        return {"id": name, "name": name, "groups": {"words": {"ru": [term]}}}

    topics = compile_topics(TopicsFile.model_validate({"topics": [one("snow", "снег*"), one("ice", "лёд")]}))
    assert topics.judge(article("Лёд и снег.")).topic == "snow"
    assert topics.judge(article("Лед.")).topic == "ice"
    assert "снег*" in topics.judge(article("А.\n\nБ.\n\nСнег.", "В")).why


# --- properties

SPELLED = [
    spelling.replace("*", ending)
    for topic in FILE.topics
    for terms in (
        *topic.groups.values(),
        *topic.actors.values(),
        *topic.places.values(),
        topic.sufficient,
        topic.take_out,
    )
    for term, _ in all_terms(terms)
    for spelling in spellings(term)
    for ending in ("", "ами")
]
NOISE = st.text(alphabet=" \n.,-–'’aAаАсСkКtТoО5+1中亚美国\u00ad\u0301\u200bşğıİёЁ¶|()", max_size=12)
GLUE = st.sampled_from([" ", " ", " ", "\n", "-", ", ", ". ", "", "’s ", "'s", "\u00a0", "\n\n"])
PIECES = st.lists(st.tuples(st.one_of(st.sampled_from(SPELLED), NOISE), GLUE), max_size=14)
LANGUAGE = st.sampled_from([None, "ru", "en", "uz", "tr", "zh", "kk"])


def joined(pieces: list[tuple[str, str]]) -> str:
    return "".join(word + glue for word, glue in pieces)


@given(PIECES, PIECES, LANGUAGE)
@settings(max_examples=120, deadline=None)
def test_judging_twice_gives_the_same(title: list[tuple[str, str]], text: list[tuple[str, str]], language: str) -> None:
    item = article(joined(text), joined(title), language)
    assert TOPICS.judge(item) == TOPICS.judge(item) == TWIN.judge(item)


@given(PIECES, PIECES, LANGUAGE, st.sampled_from(["", " ", "\n", "Menu", "Меню", "\n\n\n"]))
@settings(max_examples=250, deadline=None)
def test_screen_never_refuses_what_judge_keeps(
    title: list[tuple[str, str]], text: list[tuple[str, str]], language: str, gap: str
) -> None:
    item = article(joined(text), joined(title), language)
    if GREEDY.judge(item).relevant:
        assert TOPICS.screen(gap.join(("Home", item.title or "", *item.paragraphs, "Footer")))


@given(st.sampled_from(SPELLED), st.sampled_from(SPELLED), NOISE, st.sampled_from(["", " ", "Menu", "Меню"]))
@settings(max_examples=250, deadline=None)
def test_screen_keeps_any_two_terms_that_judge_keeps(one: str, two: str, noise: str, gap: str) -> None:
    item = article(f"{one}, {noise} {two}", language=None)
    if GREEDY.judge(item).relevant:
        assert TOPICS.screen(gap.join((noise, *item.paragraphs, noise)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_screen_keeps_the_composed_articles_and_variants_change_nothing(case: dict[str, Any]) -> None:
    plain = judge_case(case)
    if plain.relevant:
        page = f"{case['title']}{case['text']}"
        assert TOPICS.screen(page) and TOPICS.screen("Menu" + page.replace("\n", "") + "Меню")
    for change in (
        lambda s: s.replace("ё", "е"),
        lambda s: s.replace("'", "ʼ").replace("‘", "ʻ").replace("’", "`"),
        lambda s: s.replace("-", "\u2011"),
        lambda s: s.replace("а", "а\u00ad").replace("e", "e\u200b"),
        lambda s: s.replace("\n\n", "\n\n ").replace(" ", "\u00a0"),
        lambda s: s.replace("Каз", "Kаз").replace("США", "СШA").replace("ASTANА", "ASTANA"),
    ):
        changed = judge_case(case, lambda s, change=change: "\n\n".join(p.strip() for p in change(s).split("\n\n")))  # type: ignore[misc]
        assert (changed.relevant, changed.score, changed.why) == (plain.relevant, plain.score, plain.why)


@pytest.mark.parametrize(
    ("title", "text"),
    [
        pytest.param("Казахстан'", "State Department", id="a quote before a term"),
        pytest.param("Berdymuk", "\u0301 the U.S.", id="a mark that would join the letter before it"),
        pytest.param("ТОКАЕВ", "USAID", id="words of two scripts that touch"),
        pytest.param("Тоkаев", "СШA", id="look-alikes that touch"),
        pytest.param("Казах\u00adстан", "Аме\u200bрика", id="invisible characters"),
        pytest.param("Центральная\u2800Азия", "Trump’s", id="blank that is no white space"),
    ],
)
def test_screen_keeps_what_stands_close_on_the_page(title: str, text: str) -> None:
    assert GREEDY.judge(article(text, title)).relevant
    for gap in ("", " ", "\n"):
        assert TOPICS.screen(title + gap + text)


def test_screen_refuses_pages_that_lack_a_group() -> None:
    assert not TOPICS.screen("Новости Казахстана. Снег в Алматы. YouTube Instagram")
    assert not TOPICS.screen("Трамп и Конгресс США. Выборы в Америке.")
    assert not TOPICS.screen("")


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_prepared_words_keep_their_places_in_small_letters(text: str) -> None:
    words = Words(prepare(text))
    assert [word.lower() for word in words.cased] == words.folded


# --- time


@pytest.mark.parametrize(
    "unit",
    [
        *("a", "А", "Казахстан ", "США ", "аa", "Аb ", "中亚", "соединённых ", "Astana, ("),
        *(".", "'s", "a'", "-", "¶", "а\u0301\u0316"),
    ],
)
def test_time_grows_with_the_text_and_no_faster(unit: str) -> None:
    """A text against one four times as long: quadratic work would take 16 times as long, linear work 4 times."""

    def act(size: int) -> None:
        item = article((unit * size)[:size])
        TOPICS.judge(item)
        TOPICS.screen(item.paragraphs[0])

    assert cpu(act, 60_000) < 10 * cpu(act, 15_000) + 0.02


@pytest.mark.parametrize("unit", ["a", "Казахстан ", "СШA "])
def test_a_megabyte_takes_four_times_as_long_as_a_quarter(unit: str) -> None:
    """Of the matcher and the screen alone: `judge` looks at the first 100,000 characters and no further."""
    terms = Terms(FILE.topics[0].groups | FILE.topics[0].actors)

    def act(size: int) -> None:
        text = (unit * size)[:size]
        terms.find(Words(prepare(text)), None)
        TOPICS.screen(text)

    assert cpu(act, 1_000_000, rounds=1) < 10 * cpu(act, 250_000, rounds=1) + 0.1


def cpu(act: Callable[[int], None], size: int, *, rounds: int = 2) -> float:
    """CPU seconds of `act`, the best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        act(size)
        best = min(best, time.process_time() - start)
    return best


def test_a_megabyte_of_combining_marks_is_no_trap() -> None:
    """NFC alone takes quadratic time on these: 20 s for 160,000 marks."""
    marks = "".join(random.Random(5).choices("\u0301\u0316\u0327", k=1_000_000))
    start = time.process_time()
    TOPICS.judge(article("а" + marks))
    TOPICS.screen("а" + marks)
    assert time.process_time() - start < 5
