"""Pages laid out by tables: the text stands in one cell; other kinds of such pages, their headlines and dates."""

from __future__ import annotations

from datetime import date

import pytest

from tests.support.story_pages import HEADLINE, STORY, extracted, page

TEXT = "<br><br>\n".join(STORY)
MENU = "".join(f"<tr><td><a href='/r/{n}'>{name}</a></td></tr>" for n, name in enumerate(("Главная", "Вода", "Люди")))
POPULAR = "".join(
    f"<tr><td><a href='/n/{n}'>Другая новость номер {n}</a><br><font size=1>Прочее: {text}</font></td></tr>"
    for n, text in enumerate(STORY[:2])
)
COMMENTS = "".join(f"<tr><td><font size=2>Согласен: {text}</font></td></tr>" for text in STORY[3:4])
ROWS = (("Затвор плотины", "Вес в тоннах"), ("первый, новый", "12"), ("второй, старый", "14"), ("запасной", "9"))
TABLE = f"<table border=1>{''.join(f'<tr><td>{one}</td><td>{two}</td></tr>' for one, two in ROWS)}</table>"


def laid_out(
    text: str, *, title: str, headline: str = f"<font size=4><b>{HEADLINE}</b></font>", below: str = ""
) -> str:
    return f"""<html><head><title>{title}</title></head><body><table><tr><td colspan=3><font size=5><b>Река</b></font>
</td></tr><tr><td colspan=3>Сегодня 21 ноября 2025</td></tr><tr><td><table>{MENU}</table></td><td>{headline}<br>
<font size=1>06.11.2025 11:20 | Вода | Просмотров: 12</font><hr>{text}<br>{below}</td><td><table>{POPULAR}</table></td>
</tr></table><center>© 2004–2025 Река. Все права защищены.</center></body></html>"""


@pytest.mark.parametrize("title", [f"Река :: Вода :: {HEADLINE}", "Река", f"{HEADLINE} – Река"])
def test_the_cell_of_the_text_is_taken_with_its_headline_and_date(title: str) -> None:
    article = extracted(laid_out(TEXT, title=title))
    assert article.paragraphs == tuple(STORY)
    assert (article.title, article.published) == (HEADLINE, date(2025, 11, 6))


def test_comments_and_pictures_in_tables_of_the_cell_are_not_the_text() -> None:
    picture = "<table align=left><tr><td><img src='/1.jpg'></td></tr><tr><td>Затвор до замены</td></tr></table>"
    article = extracted(laid_out(picture + TEXT, title="Река", below=f"<table>{COMMENTS}</table>"))
    assert article.paragraphs == tuple(STORY)


def test_a_text_in_many_cells_is_left_as_it_is() -> None:
    rows = "".join(f"<tr><td><p>{text}</p></td></tr>" for text in STORY)
    assert extracted(page(f"<table>{rows}</table>")).paragraphs == tuple(STORY)


def test_a_table_of_data_in_a_marked_text_stays() -> None:
    body = "".join(f"<p>{text}</p>" for text in STORY[:4]) + TABLE + "".join(f"<p>{text}</p>" for text in STORY[4:])
    blocks = extracted(laid_out(body, title="Река")).paragraphs
    assert blocks == (*STORY[:4], "\n".join(map(" | ".join, ROWS)), *STORY[4:])


@pytest.mark.parametrize(
    ("marked", "title"),
    [
        (f"<div class='news-view-title'>{HEADLINE}</div>", "Река"),
        (f"<h2 class='b-h2'>{HEADLINE}</h2>", "Река"),
        (f"<span class='headline'>{HEADLINE}</span>", f"Река | {HEADLINE}"),
    ],
)
def test_a_headline_that_is_no_heading_is_known_by_its_class(marked: str, title: str) -> None:
    side = "<aside><div class='title'>Самое важное за неделю</div></aside>"
    link = "<div class='title'><a href='/2'>Другая новость дня и ночи</a></div>"
    body = "".join(f"<p>{text}</p>" for text in STORY)
    html = f"<html><head><title>{title}</title></head><body>{side}{link}{marked}<div>{body}</div></body></html>"
    assert extracted(html).title == HEADLINE


def test_the_title_alone_is_the_headline_where_nothing_else_is() -> None:
    html = f"<html><head><title>{HEADLINE}</title></head><body>{''.join(f'<p>{t}</p>' for t in STORY)}</body></html>"
    assert extracted(html).title == HEADLINE


def test_a_comma_too_many_does_not_spoil_what_is_stated_for_machines() -> None:
    stated = f'{{"@type": "NewsArticle", "headline": "{HEADLINE}",\n}}'
    script = f'<script type="application/ld+json">{stated}</script>'
    body = "".join(f"<p>{text}</p>" for text in STORY)
    html = f"<html><head><title>Река</title>{script}</head><body><div>{body}</div></body></html>"
    assert extracted(html).title == HEADLINE


LEAD = "Затвор, которого на реке ждали двадцать лет, выдержал первую проверку без единой течи и скрипа."


@pytest.mark.parametrize("box", ["div class='announce'", "p class='lead'", "h2", "section"])
def test_a_sentence_between_headline_and_text_is_its_lead(box: str) -> None:
    lead = f"<{box}>{LEAD}</{box.split()[0]}>"
    body = "".join(f"<p>{text}</p>" for text in STORY)
    head = f"<div class='top'>Меню</div><h1>{HEADLINE}</h1>{lead}<div class='text'>{body}</div>"
    html = f"<html><head><title>{HEADLINE}</title></head><body><div class='story'>{head}</div></body></html>"
    assert extracted(html).paragraphs == (LEAD, *STORY)


@pytest.mark.parametrize("box", ["figcaption", "div class='photo-caption'", "aside", "div class='related'"])
def test_a_box_for_something_else_above_the_text_is_no_lead(box: str) -> None:
    lead = f"<{box}>{LEAD}</{box.split()[0]}>"
    body = "".join(f"<p>{text}</p>" for text in STORY)
    html = f"<html><head><title>{HEADLINE}</title></head><body><div><h1>{HEADLINE}</h1>{lead}<article>{body}</article>"
    assert extracted(html).paragraphs == tuple(STORY)


def test_the_times_of_a_chronicle_are_headings_of_its_entries() -> None:
    times = ("21:48", "22:10", "22:35", "23:20", "23:40", "00:05", "00:30")
    entries = "".join(
        f"<div class='live'><div class='live__time'>{at}</div><div><p>{text}</p></div></div>"
        for at, text in zip(times, STORY, strict=True)
    )
    found = extracted(page(f"<div class='story'><p>{LEAD}</p>{entries}</div>")).paragraphs
    assert found == (LEAD, *(line for pair in zip(times, STORY, strict=True) for line in pair))


@pytest.mark.parametrize(
    "line",
    ["Источник: Речной листок", "Манбаъ: «Дарё»", "Дереккөз: «Өзен»", "Çeşme: Derýa", "Manba: daryo.example",
     "Затвор до замены | Фото: А. Осмонова", "Затвор до замены. Фото: Айгуль Сыдыкова"],
)  # fmt: skip
def test_lines_that_name_a_source_or_a_photographer_go(line: str) -> None:
    body = "".join(f"<p>{text}</p>" for text in STORY)
    assert extracted(page(f"<article>{body}<p>{line}</p></article>")).paragraphs == tuple(STORY)


def test_a_quotation_set_apart_that_stands_in_the_text_goes_and_a_sub_heading_stays() -> None:
    said = "«Прежний затвор заклинивало каждую весну»"
    story = [*STORY[:2], f"{said}, – рассказал начальник участка Бакыт Осмонов у самой плотины.", *STORY[3:]]

    def found(apart: str) -> tuple[str, ...]:
        return extracted(
            page(f"<article>{''.join(f'<p>{t}</p>' for t in story)}{apart}<p>{LEAD}</p></article>")
        ).paragraphs

    assert found(f"<blockquote class='pull'>{said}</blockquote>") == (*story, LEAD)
    assert found(f"<h3>{said}</h3>") == (*story, said, LEAD)


def test_counters_beside_a_date_are_divided_from_it() -> None:
    body = "".join(f"<p>{text}</p>" for text in STORY)
    meta = "<div><span>21:48, 11 июля 2024</span><span class='eye'>9715</span><span>3</span></div>"
    assert extracted(page(f"<section>{meta}{body}</section>")).paragraphs == tuple(STORY)
