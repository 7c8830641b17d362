"""The headline of a page: of all that claim to be it, the one that most of them agree on, and as readers see it."""

from __future__ import annotations

import json

import pytest
from lxml.html import fromstring

from extractors.pages.metadata import read_metadata
from extractors.zones import zone_of
from tests.support.story_pages import HEADLINE, STORY, extracted, page, paragraphs

ZONE = zone_of("KG")


def titles(
    *, ld: str = "", og: str = "", h1: str = "", bar: str = "", told: str | None = None, more: str = ""
) -> tuple[str, ...]:
    head = f"<title>{bar}</title>{more}"
    head += f"<meta property='og:title' content='{og}'>" if og else ""
    if ld:
        stated = json.dumps({"@type": "NewsArticle", "headline": ld}, ensure_ascii=False)
        head += f"<script type='application/ld+json'>{stated}</script>"
    body = f"<h1>{h1}</h1>" if h1 else ""
    return read_metadata(
        fromstring(f"<html><head>{head}</head><body>{body}<p>а</p></body></html>"), zone=ZONE, told=told
    ).titles


GATE = "Затвор плотины «Верхняя» заменят летом"
LONG = "Почему затвор плотины «Верхняя» заменят только летом"
SITE = "<meta property='og:site_name' content='Река'>"
BEST = [
    ("escaped in JSON-LD", {"ld": "Завод &quot;Насос&quot; ждёт заказа"}, 'Завод "Насос" ждёт заказа'),
    ("escaped twice", {"og": "&amp;laquo;Насос&amp;raquo; ждёт заказа"}, "«Насос» ждёт заказа"),
    ("escaped by number", {"og": "Dam &amp;#8217;holds&amp;#8217; well"}, "Dam ’holds’ well"),
    ("as readers see it", {"og": "Затвор плотины &amp;quot;Верхняя&amp;quot; заменят летом", "h1": GATE}, GATE),
    ("not in capitals", {"og": GATE, "h1": GATE.upper()}, GATE),
    ("site's name behind, heading clean", {"og": f"{GATE} - Газета.Ru", "h1": GATE}, GATE),
    ("site's name behind, stated", {"og": f"{GATE} | Река", "more": SITE}, GATE),
    ("site's name behind in JSON-LD", {"ld": f"{GATE} – 24 Канал", "h1": GATE}, GATE),
    ("a dash of its own", {"og": "Затвор – начало", "h1": "Затвор – начало"}, "Затвор – начало"),
    ("a logo", {"h1": "Река", "bar": f"{GATE} сообщает управление"}, f"{GATE} сообщает управление"),
    ("a ticker", {"h1": "Курсы валют:", "bar": LONG}, LONG),
    ("most agree", {"ld": "Новости", "og": GATE, "h1": GATE}, GATE),
    ("the feed agrees", {"ld": "О воде", "h1": GATE, "told": GATE}, GATE),
    ("none agree: what is stated first", {"ld": LONG, "og": GATE}, LONG),
    ("a stamp behind", {"h1": f"{GATE} 05.11.2025 18:27 |"}, GATE),
]  # fmt: skip


@pytest.mark.parametrize(("stated", "best"), [row[1:] for row in BEST], ids=[row[0] for row in BEST])
def test_the_best_headline_is_taken(stated: dict[str, str], best: str) -> None:
    assert titles(**stated)[0] == best


def test_a_page_without_headlines_has_none() -> None:
    assert titles() == ()


def test_sub_headings_of_the_same_rank_stay_in_the_text() -> None:
    body = paragraphs(after={1: "<h1>Как это было</h1>", 3: "<h1>Что дальше</h1>"})
    article = extracted(page(f"<article>{body}</article>"))
    assert article.title == HEADLINE
    assert article.paragraphs == (*STORY[:2], "Как это было", *STORY[2:4], "Что дальше", *STORY[4:])


def test_a_text_that_only_machines_are_told_is_unescaped_and_in_paragraphs() -> None:
    said = [*STORY[:6], "Завод &quot;Насос&quot; подтвердил, что готов сделать и второй затвор к следующему лету."]
    stated = {"@type": "NewsArticle", "headline": HEADLINE, "articleBody": "\r\n\r\n".join(said)}
    head = f"<script type='application/ld+json'>{json.dumps(stated, ensure_ascii=False)}</script>"
    assert extracted(page("<div id='app'></div>", head=head)).paragraphs == (
        *STORY[:6], said[6].replace("&quot;", '"'),
    )  # fmt: skip
