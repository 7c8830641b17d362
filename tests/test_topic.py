from __future__ import annotations

import json
import random
import time
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.topics import TopicsFile, all_terms, spellings
from extractors.records import Article, Match, Verdict
from extractors.topic import compile_topics
from extractors.topic_text import Words, prepare

HERE = Path(__file__).parent
FILE = TopicsFile(**tomllib.loads((HERE.parent / "config" / "topics.toml").read_text(encoding="utf-8")))
TOPICS, TWIN = compile_topics(FILE), compile_topics(FILE)


def cases(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / "data/topic" / name).read_text(encoding="utf-8").splitlines()]


CASES = cases("dev.jsonl")


def article(text: str, title: str | None = None, language: str | None = "ru") -> Article:
    paragraphs = tuple(text.split("\n\n"))
    return Article(paragraphs, title, authors=(), published=None, date_origin=None, language=language, method="test")


def judge(text: str, title: str | None = None, language: str | None = "ru") -> Verdict:
    return TOPICS.judge(article(text, title, language))


def judge_case(case: dict[str, Any], change: Callable[[str], str] = str) -> Verdict:
    return judge(change(case["text"]), change(case["title"]) if case["title"] else None, case["language"])


# --- quality


def f1(right: Counter[str]) -> float:
    return 2 * right["kept"] / max(1, 2 * right["kept"] + right["let through"] + right["lost"])


def test_quality_over_the_composed_articles_stays_above_the_floor() -> None:
    """The articles were written along with the terms, so these numbers flatter; the floor guards against steps back."""
    counts: dict[str, Counter[str]] = {"all": Counter()}
    for case in CASES:
        kept = judge_case(case).relevant
        result = ("kept" if kept else "lost") if case["relevant"] else ("let through" if kept else "refused")
        for key in ("all", str(case["language"])):
            counts.setdefault(key, Counter())[result] += 1
    total = counts["all"]
    assert total["kept"] / (total["kept"] + total["let through"]) >= 0.95, "precision"
    assert total["kept"] / (total["kept"] + total["lost"]) >= 0.95, "recall"
    assert f1(total) >= 0.95
    assert {language: f1(count) for language, count in counts.items() if f1(count) < 0.85} == {}


def test_articles_that_no_term_was_chosen_for_keep_their_measured_quality() -> None:
    """Composed after the terms, mostly hard negatives, and never tuned on: nothing is lost, but a lead that names both
    groups in passing is let through (11 of 15 negatives), because a lead with both is kept by rule.
    """
    results = [(judge_case(case).relevant, case["relevant"]) for case in cases("held_out.jsonl")]
    assert results.count((False, True)) == 0
    assert results.count((True, False)) <= 11


def test_the_composed_articles_cover_every_language_both_ways() -> None:
    assert len(CASES) >= 110
    seen = Counter((case["language"], case["relevant"]) for case in CASES)
    for language in ("ru", "en", "kk", "ky", "uz", "tg", "tk", "tr", "de", "zh"):
        assert seen[language, True] >= 2 and seen[language, False] >= 2, language


# --- what a verdict says


def test_a_verdict_names_terms_places_and_counts() -> None:
    verdict = judge("Глава Казахстана вылетел.\n\nСША ждут.\n\nПосол США, США.", "Визит в США")
    assert verdict.relevant and verdict.topic == "central-asia-us"
    assert verdict.matches == (
        Match("region", "казахстан*", "lead", 1),
        Match("us", "=США", "headline", 1),
        Match("us", "=США", "lead", 1),
        Match("us", "=США", "body", 2),
    )
    assert verdict.score == 2.0
    assert verdict.why.startswith('on topic: region: "казахстан*" in the lead; us: "США" in the headline')


def test_a_missing_group_is_named() -> None:
    verdict = judge("В Казахстане выпал снег.")
    assert (verdict.relevant, verdict.topic, verdict.score) == (False, None, 0.0)
    assert verdict.why == 'not on topic: no term of the group "us"'


def test_too_little_is_named() -> None:
    verdict = judge("Урожай.\n\nПшеница.\n\nВ Казахстане и США засуха.", "Новости Казахстана")
    assert verdict.why == 'not on topic: 0.8 points (it needs 2), us: "США" in the body is too little'


def test_the_veto_that_spoke_is_named() -> None:
    verdict = judge("Боксёр из Казахстана победил в США.", "Турнир в США")
    assert not verdict.relevant and verdict.topic is None
    assert verdict.why.startswith('not on topic: the veto "sport" speaks with 6 points (it needs 4.4)')
    assert Match("veto:sport", "турнир*", "headline", 1) in verdict.matches


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
        pytest.param("Снег.\n\nЛёд." + ("\n\n" + ON_TOPIC) * 3, "Погода", True, id="three sentences in the body"),
        pytest.param("Снег идёт второй день. " * 60 + ON_TOPIC, "Погода", False, id="aside in a single long paragraph"),
        pytest.param(" date 2025-11-06 АСТАНА, 6 ноября – США закрыли завод.", "Завод", False, id="date and dateline"),
        pytest.param("Курс доллара США к тенге, Казахстан.", "Цены", False, id="currency"),
        pytest.param("Формат C5+1 отметил десять лет.", "Юбилей", True, id="sufficient"),
        pytest.param("Снег.\n\nЛёд.\n\nПрошла встреча C5+1.", "Погода", False, id="sufficient as an aside"),
    ],
)
def test_rules(text: str, title: str, relevant: bool) -> None:
    assert judge(text, title).relevant is relevant


@pytest.mark.parametrize("mark", ["C5+1", "С5+1", "C5 + 1", "С5 +1", "c5+1", "B5+1", "В5+1", "«С5+1»"])
def test_every_way_to_write_the_format_counts(mark: str) -> None:
    assert judge(f"Министры формата {mark} встретились.").relevant


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("трамплин", False), ("Трампу", True), ("АҚШ-тың", True), ("ақша", False), ("АҚШҚА", True), ("ABD’nin", True),
        ("AQSh’da", True), ("contact us", False), ("the US’s", True), ("U.S.", True), ("U. S.", True), ("us", False),
        ("Соединённых\nШтатов", True), ("Соединённых–Штатов", False), ("US‑led", True), ("USA!", True),
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
    assert judge(text, language="uz").relevant
    assert judge(text, language=None).relevant
    assert not judge(text, language="en").relevant


def test_the_first_paragraph_stands_for_a_missing_headline() -> None:
    verdict = judge("Казахстан и США\n\nСнег.\n\nЛёд.", None)
    assert {match.place for match in verdict.matches} == {"headline"}


def test_a_headline_repeated_as_first_paragraph_is_counted_once() -> None:
    assert judge("Казахстан и США\n\nСнег.", "Казахстан и США") == judge("Снег.", "Казахстан и США")


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
    for terms in (*topic.groups.values(), topic.sufficient, topic.take_out, *(v.terms for v in topic.vetoes.values()))
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
    if TOPICS.judge(item).relevant:
        assert TOPICS.screen(gap.join(("Home", item.title or "", *item.paragraphs, "Footer")))


@given(st.sampled_from(SPELLED), st.sampled_from(SPELLED), NOISE, st.sampled_from(["", " ", "Menu", "Меню"]))
@settings(max_examples=250, deadline=None)
def test_screen_keeps_any_two_terms_that_judge_keeps(one: str, two: str, noise: str, gap: str) -> None:
    item = article(f"{one}, {noise} {two}", language=None)
    if TOPICS.judge(item).relevant:
        assert TOPICS.screen(gap.join((noise, *item.paragraphs, noise)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['language']}: {case['title']}")
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
    assert judge(text, title).relevant
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

    def cpu(size: int) -> float:
        item = article((unit * size)[:size])
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            TOPICS.judge(item)
            TOPICS.screen(item.paragraphs[0])
            best = min(best, time.process_time() - start)
        return best

    assert cpu(100_000) < 10 * cpu(25_000) + 0.02


def test_a_megabyte_of_combining_marks_is_no_trap() -> None:
    """NFC alone takes quadratic time on these: 20 s for 160,000 marks."""
    marks = "".join(random.Random(5).choices("\u0301\u0316\u0327", k=1_000_000))
    start = time.process_time()
    TOPICS.judge(article("а" + marks))
    TOPICS.screen("а" + marks)
    assert time.process_time() - start < 5
