"""Boxes for other stories in the middle of a text: they go, and links that belong to the text stay."""

from __future__ import annotations

import pytest

from tests.support.story_pages import STORY, extracted, page, paragraphs

TEASER = "Перевозчики договорились о пяти рейсах в неделю, но причал пока принимает только три, и очередь растёт."
CARDS = {
    "covered by a link": "<section><h4>Паромы пойдут по новому расписанию</h4>"
    f"<p>{TEASER}</p><a class='cover' href='/n/551' title='Паромы пойдут по новому расписанию'></a></section>",
    "covered by a picture's link": "<div><a href='/n/551'><img src='/1.jpg' alt='Паромы пойдут по расписанию'></a>"
    f"<h4>Паромы пойдут по расписанию</h4><p>{TEASER}</p></div>",
    "link and date": "<div class='block'><div><a href='/n/551'><span>Паромы пойдут по расписанию</span></a>"
    "<div class='desc'>5 ноября, 18:20</div></div></div>",
    "heading over links": "<div class='box'><h3>Что известно о паромах</h3><ul>"
    "<li><a href='/n/1'>Кто заплатит за причал</a></li><li><a href='/n/2'>Паром сел на мель у Нарына</a></li>"
    "<li><a href='/n/3'>Новый капитан порта</a></li></ul></div>",
}


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS.keys())
def test_a_card_goes_and_the_text_goes_on(card: str) -> None:
    assert extracted(page(f"<div class='story'>{paragraphs(after={2: card})}</div>")).paragraphs == tuple(STORY)


KEPT = {
    "a link in a sentence": (
        "<p>Об этом <a href='/n/7'>мы писали весной</a>, когда затвор заклинило в третий раз.</p>",
        "Об этом мы писали весной, когда затвор заклинило в третий раз.",
    ),
    "a place on the page": (
        "<div><h3>Как меняли затвор</h3><p><a href='#note'>Сноска первая</a> говорит о сроках работ.</p></div>",
        "Сноска первая говорит о сроках работ.",
    ),
}


@pytest.mark.parametrize(("markup", "block"), KEPT.values(), ids=KEPT.keys())
def test_links_of_the_text_stay(markup: str, block: str) -> None:
    assert block in extracted(page(f"<div class='story'>{paragraphs(after={2: markup})}</div>")).paragraphs
