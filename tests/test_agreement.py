"""The second opinion on pages that do not mark their text."""

from __future__ import annotations

from lxml.html import fromstring

from extractors.agreement import agreed

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
    assert agreed(fromstring(page()), [*SIDE_BAR, *STORY]) == STORY


def test_a_page_that_marks_its_article_needs_no_second_opinion() -> None:
    blocks = [*SIDE_BAR, *STORY]
    assert agreed(fromstring(page(mark="article")), blocks) == blocks


def test_blocks_stay_when_the_two_speak_of_different_things() -> None:
    blocks = [f"Совсем другой текст под номером {n}, которого на странице вовсе нет." for n in range(5)]
    assert agreed(fromstring(page()), blocks) == blocks


def test_blocks_stay_when_readability_finds_next_to_nothing() -> None:
    blocks = ["Видео недоступно."]
    assert agreed(fromstring("<html><body><div>Видео недоступно.</div></body></html>"), blocks) == blocks
    assert agreed(fromstring("<html><body></body></html>"), blocks) == blocks
