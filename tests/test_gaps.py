"""Short blocks among the paragraphs that are no `<p>`: they belong to the text, and the page's own boxes do not."""

from __future__ import annotations

import pytest

from tests.support.story_pages import STORY, extracted, page, paragraphs

SAID = "Мы ждали этого затвора двадцать лет и теперь готовы к любой весне."
SPEAKER = "Айгуль Сыдыкова, инженер"
KEPT = {
    "a sentence in a box": (f"<div>{SAID}</div>", [SAID]),
    "in a section": (f"<section>{SAID}</section>", [SAID]),
    "in the middle": (f"<center>{SAID}</center>", [SAID]),
    "a post set as text": (f"<div class='tg-post'>{SAID}</div>", [SAID]),
    "a line and its list": (
        "<div class='frame'>Что сделают:<ul><li>осмотрят русло;</li><li>укрепят берег.</li></ul></div>",
        ["Что сделают:", "- осмотрят русло;\n- укрепят берег."],
    ),
    "a pull quote": (
        f"<figure class='wp-block-pullquote'><blockquote><p>{SAID}</p><cite>{SPEAKER}</cite></blockquote></figure>",
        [SAID, SPEAKER],
    ),
    "a quote with its speaker below": (
        f"<figure><blockquote>{SAID}</blockquote><figcaption>{SPEAKER}</figcaption></figure>", [SAID, SPEAKER],
    ),
    "a quote beside the text": (f"<aside class='quote'>{SAID}</aside>", [SAID]),
    "a quote with a footer": (f"<blockquote><p>{SAID}</p><footer>{SPEAKER}</footer></blockquote>", [SAID, SPEAKER]),
}  # fmt: skip


@pytest.mark.parametrize(("markup", "blocks"), KEPT.values(), ids=KEPT.keys())
def test_a_short_block_among_paragraphs_is_kept(markup: str, blocks: list[str]) -> None:
    article = extracted(page(f"<div class='story'>{paragraphs(after={2: markup})}</div>"))
    assert article.paragraphs == (*STORY[:3], *blocks, *STORY[3:])


LEFT = {
    "caption": "<figure><img src='/1.jpg'><figcaption>Затвор до замены, вид с левого берега.</figcaption></figure>",
    "caption in a box": "<div class='photo-caption'>Затвор плотины до замены, вид с левого берега.</div>",
    "newsletter": "<div class='newsletter'>Раз в неделю мы присылаем одно письмо о реке.</div>",
    "links": "<div>Ещё: <a href='/n/1'>Паводок прошёл стороной.</a></div>",
    "side bar": "<aside><p>Уровень воды сегодня ниже обычного на метр.</p></aside>",
    "form": "<form><div>Как вам новый затвор плотины? Ответьте нам.</div></form>",
    "buttons": "<div>Поделиться</div>",
    "time": "<div class='when'>12 минут назад</div>",
    "the headline": "<div>На Нарыне опробовали новый затвор плотины</div>",
}


@pytest.mark.parametrize("markup", LEFT.values(), ids=LEFT.keys())
def test_the_pages_own_boxes_are_left(markup: str) -> None:
    assert extracted(page(f"<div class='story'>{paragraphs(after={2: markup})}</div>")).paragraphs == tuple(STORY)


def test_the_headlines_of_a_live_blogs_entries_are_kept_and_their_times_left() -> None:
    heads = ["Воду спустили", "Затвор закрыт", "Лёд прошёл", "Деньги нашли"]
    entries = "".join(
        f"<div class='entry'><div class='entry-when'>{n} мин назад</div><div class='entry-head'>{head}</div>"
        f"<div class='entry-text'><p>{text}</p></div></div>"
        for n, (head, text) in enumerate(zip(heads, STORY, strict=False), 2)
    )
    article = extracted(page(f"<div class='live'>{entries}</div>"))
    assert article.paragraphs == tuple(block for pair in zip(heads, STORY, strict=False) for block in pair)
