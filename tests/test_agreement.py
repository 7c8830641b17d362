"""The second opinion on pages that do not mark their text."""

from __future__ import annotations

from lxml.html import fromstring
from trafilatura import bare_extraction, external

from extractors.pages.other_texts import agreed, marked_phrases, overheard, phrases_of

STORY = [
    f"Министр транспорта сообщил в {hour} часов, что новая дорога соединит {hour} сёл, и назвал сроки и подрядчика."
    for hour in range(8, 14)
]
SIDE_BAR = [f"Короткая новость номер {number}" for number in range(12)]


def page(*, mark: str = "div") -> str:
    story = "".join(f"<p>{paragraph}</p>" for paragraph in STORY)
    side = "".join(f"<tr><td><a href='/{n}'>{line}</a></td></tr>" for n, line in enumerate(SIDE_BAR))
    return (
        f"<html><body><table><tr><td><table>{side}</table></td>"
        f"<td><{mark} class='text'>{story}</{mark}></td></tr></table></body></html>"
    )


def test_what_only_trafilatura_chose_is_dropped_on_an_unmarked_page() -> None:
    assert agreed(fromstring(page()), [*SIDE_BAR, *STORY], None) == STORY


def test_a_page_that_marks_its_article_needs_no_second_opinion() -> None:
    blocks = [*SIDE_BAR[:2], *STORY]
    assert agreed(fromstring(page(mark="article")), blocks, None) == blocks


def test_a_text_in_several_containers_of_one_kind_is_left_whole() -> None:
    parts = "".join(f"<div class='part'><p>{text}</p></div><div class='banner'></div>" for text in STORY)
    answer = fromstring(f"<div><p>{STORY[0]}</p><p>{STORY[1]}</p><p>{STORY[2]}</p></div>")
    assert agreed(fromstring(f"<html><body><div>{parts}</div></body></html>"), STORY, answer) == STORY
    others = parts.replace("class='part'", "class='other'").replace("class='other'", "class='part'", 3)
    assert agreed(fromstring(f"<html><body><div>{others}</div></body></html>"), STORY, answer) == STORY[:3]


def test_blocks_stay_when_the_two_speak_of_different_things() -> None:
    blocks = [f"Совсем другой текст под номером {n}, которого на странице вовсе нет." for n in range(5)]
    assert agreed(fromstring(page()), blocks, None) == blocks


def test_blocks_stay_when_readability_finds_next_to_nothing() -> None:
    blocks = ["Видео недоступно."]
    assert agreed(fromstring("<html><body><div>Видео недоступно.</div></body></html>"), blocks, None) == blocks
    assert agreed(fromstring("<html><body></body></html>"), blocks, None) == blocks


def test_a_text_from_outside_the_marked_element_is_replaced() -> None:
    teasers = [
        f"В {n} районе области за {n} дней построили дом культуры, и туда уже пришли первые зрители." for n in range(20)
    ]
    side = "".join(f"<div><p>{teaser}</p></div>" for teaser in teasers)
    body = page(mark="article").replace("<table>", f"<div>{side}</div><table>", 1)
    assert agreed(fromstring(body), [*teasers, *STORY], None) == STORY


def test_what_is_quoted_stays() -> None:
    quote = "Мы ждали эту дорогу двадцать лет, написал житель села в письме, и наконец дождались."
    body = page().replace("</div></td>", f"</div><blockquote>{quote}</blockquote></td>")
    assert agreed(fromstring(body), [*SIDE_BAR, *STORY, quote], None) == [*STORY, quote]


def test_the_answer_that_trafilatura_was_given_is_used_again() -> None:
    with overheard() as answers:
        assert bare_extraction(fromstring(page()), with_metadata=False) is not None
    assert answers
    assert external.try_readability.__name__ == "try_readability"  # put back
    assert agreed(fromstring("<html><body><p>а</p></body></html>"), [*SIDE_BAR, *STORY], answers[0]) == STORY


def test_of_marks_within_marks_the_outermost_is_read() -> None:
    body = "<article>раз два три четыре<article>пять шесть семь восемь</article></article>"
    assert marked_phrases(fromstring(f"<html><body>{body}</body></html>")) == phrases_of(
        ["раз", "два", "три", "четыре", "пять", "шесть", "семь", "восемь"]
    )
