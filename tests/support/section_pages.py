"""Section pages of six looks, composed for the tests: what surrounds the list is as telling as the list."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

SUBJECTS = ("Министры обсудили поставки зерна", "Порт принял первый паром с вагонами", "Суд отложил дело о плотине",
            "Инженеры проверят насосную станцию", "Парламент принял закон о железных дорогах",
            "Посол рассказал о новом соглашении", "Фермеры получили субсидии на полив",
            "Банк снизил ставку на полпункта",
            "Энергетики запустили второй блок", "Школы перейдут на новые учебники")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Story:
    """An article that a section lists."""

    number: int
    day: date

    @property
    def title(self) -> str:
        """Its headline."""
        return f"{SUBJECTS[self.number % len(SUBJECTS)]}: итог {self.number}"


def stories(first: int, last: int, newest: date) -> list[Story]:
    """The stories with these numbers, the newest first, three a day."""
    return [Story(n, newest - timedelta(days=(last - n) // 3)) for n in range(last, first - 1, -1)]


MENU = "".join(f'<li><a href="/{name}">{title}</a></li>' for name, title in (
    ("politics", "Политика"), ("economy", "Экономика"), 
    ("special/one-belt-one-road", "Спецпроект: один пояс, один путь"),
    ("about-us", "О нашей редакции и контакты"),
))  # fmt: skip
FOOTER = (
    '<footer><a href="/rules-of-use">Правила использования материалов сайта</a>'
    '<a href="https://t.me/x">Мы в телеграме</a></footer>'
)


def html(body: str, head: str = "") -> str:
    """A page in Russian."""
    return (
        f'<!doctype html><html lang="ru"><head><meta charset="utf-8"><title>Раздел</title>{head}</head>'
        f"<body>{body}</body></html>"
    )


def card(s: Story) -> str:
    """A card with a picture, a headline, a time for machines, a teaser and "more"."""
    link = f'<a href="/news/{s.number}-itog-dnya-v-strane">'
    return (
        f'<article class="card card-{s.number}">{link}<img src="/i.jpg"></a>'
        f"<header><h2>{link}{s.title}</a></h2></header>"
        f'<time datetime="{s.day}T10:00:00+05:00">10:00</time><p>Коротко о том, что случилось 6 мая 2019 года.</p>'
        f'{link}Подробнее</a><a href="/tag/zerno">зерно</a></article>'
    )


def cards(listed: Sequence[Story]) -> str:
    """Cards, and the most read beside them."""
    popular = "".join(
        f'<li><a href="/news/{n}-samoe-chitaemoe-za-god">Самая читаемая история номер {n} за год</a></li>'
        for n in range(5)
    )
    return html(
        f'<header><nav><ul>{MENU}</ul></nav></header><main class="has-sidebar">{"".join(map(card, listed))}</main>'
        f"<aside><h3>Популярное</h3><ul>{popular}</ul></aside>{FOOTER}"
    )


def rows(listed: Sequence[Story]) -> str:
    """Rows of a table without classes, each with a day in numbers; a menu without a `<nav>`."""
    items = "".join(
        f"<tr><td>{s.day:%d.%m.%Y}</td><td><a href='/ru/{s.day:%Y/%m/%d}/{s.number}/'>{s.title}</a></td></tr>"
        for s in listed
    )
    return html(f"<ul>{MENU}</ul><table>{items}</table><a href='?page=2'>Следующая страница раздела</a>{FOOTER}")


def numbered(listed: Sequence[Story]) -> str:
    """Numbered addresses, a lead story in a block of its own, and others' news in a block of partners."""
    lead, *rest = listed
    items = "".join(
        f'<div class="item"><span class="date">{s.day.day} {MONTHS[s.day.month - 1]}</span>'
        f'<a href="opinion?id={s.number}">{s.title}</a></div>'
        for s in rest
    )
    partners = "".join(
        f'<div class="item"><a href="opinion?id={n}">Старая колонка номер {n}</a></div>' for n in (3, 4, 5)
    )
    return html(
        f'<div class="menu">{MENU}<a href="opinion?author=12">Все колонки одного автора</a></div>'
        f'<div class="lead"><h1><a href="/opinion?id={lead.number}">{lead.title}</a></h1></div>'
        f'<div class="list">{items}</div><div><h4>Самое читаемое</h4>{partners}</div>{FOOTER}'
    )


def undated(listed: Sequence[Story]) -> str:
    """A plain list without any day, its headlines in the links' titles and beside pictures."""
    items = "".join(
        f'<li><a href="/post/{s.number}.html" title="{s.title}"><img alt=""></a>'
        f'<div><a href="/post/{s.number}.html">{s.title}</a></div></li>'
        for s in listed
    )
    return html(f"<nav>{MENU}</nav><section><ol>{items}</ol></section>{FOOTER}")


def mixed(listed: Sequence[Story]) -> str:
    """A list with advertising in blocks of the same make, on other sites and on this one."""

    def row(link: str, title: str, day: str = "", names: str = "row") -> str:
        return f'<div class="{names}"><h3><a {link}>{title}</a></h3><i>{day}</i></div>'

    items = []
    for position, s in enumerate(listed):
        items.append(row(f'href="/story/{s.number}"', s.title, str(s.day)))
        if position % 3 == 0:
            items += [
                row('href="https://shop.example/1"', "Лучшие телефоны этой осени со скидкой"),
                row(f'href="/story/90{position}"', "Кредит наличными за пять минут онлайн", names="row advert"),
                row('rel="sponsored" href="/story/777"', "Партнёрский материал о банке страны"),
            ]
    return html(f"<nav>{MENU}</nav>{''.join(items)}{FOOTER}")


def by_script(listed: Sequence[Story]) -> str:
    """A page that its scripts fill, from a JSON payload that it carries."""
    items = [
        {"id": s.number, "title": s.title, "url": f"/ru/material/{s.number}", "publishedAt": f"{s.day}T05:00:00Z"}
        for s in listed
    ]
    menu = [{"title": "Политика", "url": "/ru/politics"}]
    data = json.dumps({"props": {"menu": menu, "pageProps": {"list": {"items": items}}}}, ensure_ascii=False)
    return html(f'<div id="app"></div><script>window.__STATE__ = {data};</script><script src="/app.js"></script>')


MONTHS = (
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
)
LOOKS: dict[str, tuple[Callable[[Sequence[Story]], str], Callable[[Story], str], bool]] = {
    "cards": (cards, lambda s: f"/news/{s.number}-itog-dnya-v-strane", True),
    "rows": (rows, lambda s: f"/ru/{s.day:%Y/%m/%d}/{s.number}/", True),
    "numbered": (numbered, lambda s: f"/opinion?id={s.number}", True),
    "undated": (undated, lambda s: f"/post/{s.number}.html", False),
    "mixed with advertising": (mixed, lambda s: f"/story/{s.number}", True),
    "by script": (by_script, lambda s: f"/ru/material/{s.number}", True),
}  # fmt: skip
