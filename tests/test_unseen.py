"""What a page hides from its readers is no text of it, unless it is the text."""

from __future__ import annotations

import pytest
from lxml.html import fromstring

from extractors.pages.unseen import remove_unseen
from tests.support.story_pages import HEADLINE, STORY, extracted, page, paragraphs, traced

WINDOW = "Получайте новости реки первыми: оставьте адрес, и каждое утро мы будем присылать вам одно письмо с главным."
WHOLE = " ".join(STORY)
PROPERTIES = (
    f"<div itemprop='mainEntityOfPage'>https://reka.example/news/12</div><div itemprop='headline'>{HEADLINE}</div>"
    "<div itemprop='dateModified'>2025-11-06T12:00</div><div itemprop='inLanguage'>ru-RU</div>"
    "<div itemprop='keywords'>река, плотина</div>"
    "<div itemprop='copyrightHolder' itemscope><div itemprop='email'>post@reka.example</div></div>"
)
HIDDEN = {
    "style": f"<div style='display: none'><p>{WINDOW}</p></div>",
    "style in capitals": f"<div style='DISPLAY:NONE;color:red'><p>{WINDOW}</p></div>",
    "attribute": f"<section hidden><p>{WINDOW}</p></section>",
    "template": f"<div aria-hidden='true'><p>{WINDOW}</p></div>",
    "closed dialog": f"<dialog><p>{WINDOW}</p></dialog>",
    "second copy in one line": f"<div style='display:none'>{WHOLE}</div>",
    "second copy in paragraphs": f"<div hidden>{paragraphs()}</div>",
    "microdata": f"<div itemscope>{PROPERTIES}<div itemprop='articleBody'>{WHOLE}</div></div>",
    "microdata of spans": "<p itemscope>" + PROPERTIES.replace("div", "span") + "</p>",
}


@pytest.mark.parametrize("markup", HIDDEN.values(), ids=HIDDEN.keys())
@pytest.mark.parametrize("place", ["above", "within", "below"])
def test_what_is_hidden_is_no_text(markup: str, place: str) -> None:
    body = {"above": markup + paragraphs(), "within": paragraphs(after={3: markup}), "below": paragraphs() + markup}
    assert extracted(page(f"<div class='story'>{body[place]}</div>")).paragraphs == tuple(STORY)


SHOWN = {
    "a whole page that a script unveils": f"<div style='display:none'>{paragraphs()}</div>",
    "text in a block for machines alone": f"<div itemscope>{PROPERTIES}<div itemprop='articleBody'>{WHOLE}</div></div>",
    "the rest behind a button": f"<div>{paragraphs(story=STORY[:3])}<div style='display:none'>"
    f"{paragraphs(story=STORY[3:])}</div></div>",
    "found by the browser's search": f"<div hidden='until-found'>{paragraphs()}</div>",
    "an open dialog": f"<dialog open>{paragraphs()}</dialog>",
}


@pytest.mark.parametrize("markup", SHOWN.values(), ids=SHOWN.keys())
def test_a_text_stays_where_it_is_hidden_at_first(markup: str) -> None:
    tree = fromstring(page(markup))
    remove_unseen(tree)
    assert all(paragraph in tree.text_content() for paragraph in STORY)


def test_properties_beside_the_only_text_go() -> None:
    text = extracted(page(SHOWN["text in a block for machines alone"])).text
    assert STORY[4] in text and "ru-RU" not in text and "post@reka.example" not in text


def test_letters_that_are_hidden_from_screen_readers_alone_are_seen() -> None:
    tree = fromstring("<p><span aria-hidden='true'>И</span>нженеры</p>")
    assert remove_unseen(tree) == []
    assert tree.text_content() == "Инженеры"


def test_a_wall_that_a_script_shows_is_a_wall() -> None:
    from extractors.records import ItemError, Outcome

    wall = "<div style='display:none'><p>Материал доступен только для подписчиков</p></div>"
    with pytest.raises(ItemError) as caught:
        extracted(page(paragraphs(story=STORY[:2]) + wall))
    assert caught.value.outcome is Outcome.PAYWALLED


def test_the_trace_tells_of_all_prose_that_is_not_in_the_text() -> None:
    elsewhere = "В соседнем районе за неделю починили три моста, и автобусы снова ходят до самого верхнего села долины."
    body = (
        f"<article>{paragraphs()}<div hidden><p>{WINDOW}</p></div></article><div class='side'><p>{elsewhere}</p></div>"
    )
    article, trace = traced(page(body))
    assert article.paragraphs == tuple(STORY)
    assert {(one.step, one.line) for one in trace} >= {("unseen", WINDOW), ("outside", elsewhere)}
    assert not [one for one in trace if one.line in STORY]
