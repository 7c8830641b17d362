"""The steps of extraction: what each takes out, that each can be switched off, and that the trace tells of all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import fromstring

from extractors.blocks.lines import kind_of_line
from extractors.blocks.link_lines import LinkLines, announcements, without_link_lines
from extractors.blocks.repeats import without_doubles, without_headline
from extractors.pages.article import extract, extract_with_trace
from extractors.pages.job import ArticleJob
from extractors.pages.leads import with_lead
from extractors.pages.other_texts import rescued
from extractors.pages.steps import STEPS, Removed, lines_lost
from extractors.records import Entry, Page

URL = "https://site.kz/news/dam"
NOW = datetime(2025, 11, 22, 6, 0, tzinfo=UTC)
HEADLINE = "На Чарыне достроили плотину малой гидростанции"
STORY = [
    f"В {hour} часов инженеры пустили воду через {hour} затвор, и дежурный записал в журнал, что плотина держит напор."
    for hour in range(8, 14)
]


def job(body: str) -> ArticleJob:
    return ArticleJob(Page(URL, body.encode(), "utf-8", NOW), Entry(URL, "https://site.kz/rss"), UTC, 20, NOW)


def page(*blocks: str, head: str = "") -> str:
    text = "".join(block if block.startswith("<") else f"<p>{block}</p>" for block in blocks)
    return (
        f"<!doctype html><html lang='ru'><head><title>{HEADLINE}</title>{head}</head>"
        f"<body><article><h1>{HEADLINE}</h1>{text}</article></body></html>"
    )


FULL = page(
    HEADLINE,
    STORY[0],
    "Читайте также: Как строили плотину",
    *STORY[1:4],
    STORY[1],
    "<p><a href='/7'>Ещё одну станцию заложили на Или</a></p>",
    *STORY[4:],
    "Подписывайтесь на наш Telegram-канал!",
)


def test_what_is_the_page_s_goes_and_the_trace_tells_by_which_step() -> None:
    article, trace = extract_with_trace(job(FULL))
    assert article.paragraphs == tuple(STORY)
    assert trace == [
        Removed("headline", HEADLINE),
        Removed("headline", HEADLINE),
        Removed("doubles", STORY[1]),
        Removed("lines", "Читайте также: Как строили плотину"),
        Removed("lines", "Подписывайтесь на наш Telegram-канал!"),
        Removed("links", "Ещё одну станцию заложили на Или"),
    ]


@pytest.mark.parametrize("name", [step.__name__ for step in STEPS if step.__name__ != "text"])
def test_every_step_can_be_switched_off(name: str) -> None:
    article, trace = extract_with_trace(replace(job(FULL), skip=frozenset({name})))
    assert name not in {removed.step for removed in trace}
    assert set(STORY) <= set(article.paragraphs)


@given(st.lists(st.sampled_from("абвг"), max_size=12), st.lists(st.sampled_from("абвг"), max_size=12))
def test_lost_lines_and_kept_ones_are_all_there_were(before: list[str], after: list[str]) -> None:
    lost = lines_lost(before, after)
    kept = [line for line in after if line in before]
    for line in set(before):
        assert before.count(line) <= lost.count(line) + kept.count(line)


# --- Headline, doubles, lead -------------------------------------------------------------------------------------


def test_a_headline_with_its_date_is_a_repetition_at_the_top_only() -> None:
    with_date = f"{HEADLINE} 21.11.2025 10:30"
    assert without_headline([with_date, *STORY], (HEADLINE,)) == STORY
    assert without_headline([*STORY, with_date], (HEADLINE,)) == [*STORY, with_date]
    assert without_headline([*STORY, HEADLINE], (HEADLINE,)) == STORY
    assert without_headline([*STORY, "Плотина"], ("Плотина",)) == [*STORY, "Плотина"]


def test_a_standfirst_that_the_text_begins_with_goes() -> None:
    standfirst = STORY[0].rpartition(",")[0]
    assert without_doubles([standfirst, *STORY]) == STORY
    assert without_doubles([*STORY, standfirst]) == [*STORY, standfirst]
    assert without_doubles(["Да.", "Нет.", "Да."]) == ["Да.", "Нет.", "Да."]


def test_a_standfirst_that_comes_again_word_for_word_stays_once() -> None:
    assert without_doubles([STORY[0], STORY[0], *STORY[1:]]) == STORY
    assert without_doubles([STORY[0], STORY[1], STORY[0], *STORY[2:]]) == STORY


def test_a_lead_that_stands_apart_is_put_back() -> None:
    lead = "Малую гидростанцию на реке Чарын готовят к пуску, сообщил в пятницу глава района на встрече с жителями."
    meta = f"<meta property='og:description' content='{lead[:70]}…'>"
    tree = fromstring(f"<html><head>{meta}</head><body><div class='a'>{lead}</div><p>{STORY[0]}</p></body></html>")
    assert with_lead(tree, STORY) == [lead, *STORY]
    assert with_lead(tree, [lead, *STORY]) == [lead, *STORY]
    below = fromstring(f"<html><head>{meta}</head><body><p>{STORY[0]}</p><div>{lead}</div></body></html>")
    assert with_lead(below, STORY) == STORY


@pytest.mark.parametrize(
    ("lead", "described", "is_lead"),
    [
        ("Шесть станций ждут ремонта уже двенадцать лет.", None, True),
        ("Глава района рассказал о сроках пуска, которых ждали почти полтора года", None, True),
        ("Глава района рассказал о сроках пуска станции вчера", "Глава района рассказал о сроках пуска станции", True),
        ("Глава района &quot;Чарын&quot; рассказал о сроках пуска станции", None, True),
        ("Новости района", None, False),
        ("Вода идёт.", None, False),
        ("Глава района рассказал о сроках – смотрите", "Глава района рассказал о сроках пуска на встрече", False),
    ],
)  # fmt: skip
def test_a_lead_needs_no_full_stop_where_it_is_the_description(lead: str, described: str | None, is_lead: bool) -> None:
    meta = f"<meta name='description' content='{described or lead}'>"
    tree = fromstring(f"<html><head>{meta}</head><body><div>{lead}</div><p>{STORY[0]}</p></body></html>")
    shown = lead.replace("&quot;", '"')
    assert with_lead(tree, STORY) == ([shown, *STORY] if is_lead else STORY)


def test_the_headline_is_no_lead() -> None:
    headline = "Малую гидростанцию на реке Чарын готовят к пуску в декабре"
    meta = f"<meta name='description' content='{headline}'>"
    tree = fromstring(f"<html><head>{meta}</head><body><div>{headline}</div><p>{STORY[0]}</p></body></html>")
    assert with_lead(tree, STORY, [headline]) == STORY


# --- The text for machines ---------------------------------------------------------------------------------------


def test_a_text_that_was_missed_is_taken_from_json_ld_in_the_pages_own_paragraphs() -> None:
    stated = " ".join(STORY)
    tree = fromstring("<html><body>" + "".join(f"<div>{line}</div>" for line in STORY) + "</body></html>")
    assert rescued(tree, ["Видео"], stated) == STORY
    empty = fromstring("<html><body><p>Видео</p></body></html>")
    assert rescued(empty, ["Видео"], "\n\n".join(STORY)) == STORY
    assert rescued(empty, [], "".join(f"<p>{line}</p>" for line in STORY)) == STORY
    assert rescued(empty, ["Видео"], STORY[0]) == ["Видео"]  # a summary is no text
    assert rescued(empty, ["Видео"], None) == ["Видео"]


def test_what_comes_behind_the_stated_end_goes_and_sub_headings_stay() -> None:
    tree = fromstring("<html><body></body></html>")
    blocks = [*STORY[:3], "Что дальше", *STORY[3:]]
    assert rescued(tree, [*blocks, "Другие новости района", "Паводок отступил"], " ".join(STORY)) == blocks
    assert rescued(tree, blocks, " ".join(STORY[:3])) == blocks  # a live blog states its beginning only


# --- Links -------------------------------------------------------------------------------------------------------

LINKED = fromstring(
    "<html><body><a href='/1'>Паводок отступил от села Саты</a><a href='/2'>Общество</a>"
    "<h2><a href='/3'>Что говорят жители соседних сёл</a></h2><a>Никуда не ведёт эта строка</a>"
    "<a href='https://u.kz/'>https://u.kz/a/very/long/address</a></body></html>"
)
LINK_LINES = [
    ("at the end", [*STORY, "Паводок отступил от села Саты [ВИДЕО]"], STORY),
    ("at the end with its date", [*STORY, "Паводок отступил от села Саты", "Общество"], [*STORY, "Общество"]),
    ("before a date at the end", [*STORY, "21.11.2025 Паводок отступил от села Саты", "20.11.2025"], STORY),
    ("a list at the end", [*STORY, "- Паводок отступил от села Саты\n- Паводок отступил от села Саты"], STORY),
    ("above the text", ["Общество", *STORY], STORY),
    ("between paragraphs", [STORY[0], "Паводок отступил от села Саты", *STORY[1:]], STORY),
    ("a sub-heading", [STORY[0], "Что говорят жители соседних сёл", STORY[1]], None),
    ("a sentence", [STORY[0], "Паводок отступил от села Саты.", STORY[1]], None),
    ("a list in the text", [STORY[0], "- Паводок отступил от села Саты", STORY[1]], None),
    ("an anchor", [*STORY, "Никуда не ведёт эта строка"], None),
    ("an address", [*STORY, "https://u.kz/a/very/long/address"], None),
    ("no text", [], []),
]


@pytest.mark.parametrize(("given", "left"), [row[1:] for row in LINK_LINES], ids=[row[0] for row in LINK_LINES])
def test_lines_that_are_only_links(given: list[str], left: list[str] | None) -> None:
    assert without_link_lines(given, LinkLines(LINKED)) == (given if left is None else left)


def test_announcements_are_links_over_a_text() -> None:
    links = LinkLines(LINKED)
    link = "Паводок отступил от села Саты"
    assert announcements([link, STORY[0], link, STORY[1], link, link], links) == 2


# --- Paragraphs --------------------------------------------------------------------------------------------------


def test_paragraphs_divided_by_line_breaks_only() -> None:
    assert extract(job(page("<div>" + "<br><br>".join(STORY) + "</div>"))).paragraphs == tuple(STORY)


def test_a_counter_at_each_paragraph_is_no_text() -> None:
    counted = [f"<p><a class='comments'>0</a>{line}</p>" for line in STORY]
    assert extract(job(page(*counted))).paragraphs == tuple(STORY)
    noted = STORY[0].replace("журнал", "журнал<a href='#n1'>[1]</a>")
    assert "журнал[1]" in extract(job(page(noted, *STORY[1:]))).text


def test_an_embedded_post_is_text() -> None:
    post = "Плотина стоит, вода пошла, спасибо всем, кто строил её три года, написал инженер у себя на странице."
    quoted = f"<blockquote class='twitter-tweet'><p>{post}</p></blockquote>"
    assert post in extract(job(page(*STORY[:3], quoted, *STORY[3:]))).paragraphs


def test_ordinary_sentences_are_of_no_kind() -> None:
    for line in (*STORY, HEADLINE, "Что дальше", "Справка", "— Когда пустят воду?", "2010 год"):
        assert kind_of_line(line) is None
