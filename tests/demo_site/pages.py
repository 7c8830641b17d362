"""Pages of the demonstration outlets: the article text in its markup and all that stands around it.

The templates are in ``looks``; this module fills them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from html import escape

from tests.demo_site.looks import AMP, LOOKS
from tests.demo_site.model import DemoArticle, Outlet, block_kind, slug_number

LABELS: dict[str, dict[str, str]] = {
    "ru": {
        "home": "Главная", "news": "Новости", "also": "Читайте также", "share": "Поделиться", "tags": "Теги",
        "comments": "Комментарии", "send": "Отправить", "popular": "Популярное", "ad": "Реклама",
        "letter": "Подпишитесь на рассылку, чтобы получать главное за день.", "phone": "Телефон редакции",
        "rights": "Все права защищены. При перепечатке ссылка обязательна.",
        "cookie": "Сайт использует файлы cookie. Оставаясь здесь, вы соглашаетесь с этим.",
    },
    "en": {
        "home": "Home", "news": "News", "also": "Related stories", "share": "Share", "tags": "Tags",
        "comments": "Comments", "send": "Join the discussion", "popular": "Most read", "ad": "Advertisement",
        "letter": "Get the week in one letter, every Friday.", "phone": "Newsroom:",
        "rights": "All rights reserved. Quote us, but link to us.",
        "cookie": "We use cookies to keep this site running and to count its readers.",
    },
    "kk": {
        "home": "Басты бет", "news": "Жаңалықтар", "also": "Тағы оқыңыз", "share": "Бөлісу", "tags": "Тегтер",
        "comments": "Пікірлер", "send": "Жіберу", "popular": "Көп оқылған", "ad": "Жарнама",
        "letter": "Күннің басты жаңалықтарын поштаңызға алыңыз.", "phone": "Редакция телефоны",
        "rights": "Барлық құқықтар қорғалған. Көшіріп басқанда сілтеме жасау міндетті.",
        "cookie": "Сайт cookie файлдарын пайдаланады.",
    },
}  # fmt: skip

MONTHS: dict[str, str] = {
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "en": "January February March April May June July August September October November December",
    "kk": "қаңтар ақпан наурыз сәуір мамыр маусым шілде тамыз қыркүйек қазан қараша желтоқсан",
}

TAGS: dict[str, tuple[str, ...]] = {
    "ru": ("Политика", "Экономика", "Общество", "Лента"),
    "en": ("Politics", "Business", "Region", "Analysis"),
    "kk": ("Саясат", "Экономика", "Қоғам", "Таспа"),
}

# The box with other headlines stands after this many blocks of the text.
BOX_AFTER = 2
# Soft hyphens go into words of at least this length, as a typesetting plug-in does it.
LONG_WORD = re.compile(r"[а-яёА-ЯЁ]{14,}")


def typeset(text: str, look: str) -> str:
    """Escape a text for HTML and spoil it the way the typography plug-ins of real sites do."""
    markup = escape(text, quote=False)
    if look in ("wordpress", "oldpress"):
        markup = markup.replace(" — ", "&nbsp;— ")
        markup = re.sub(r"(?<=\d) (?=[^\W\d])", "&nbsp;", markup)
    if look == "oldpress":
        markup = LONG_WORD.sub(lambda word: _hyphenate(word.group()), markup)
    return markup


def _hyphenate(word: str) -> str:
    middle = len(word) // 2
    return f"{word[:middle]}&shy;{word[middle:]}"


def block_markup(block: str, look: str) -> str:
    """One block of an article as HTML; the old table-layout site knows no paragraph element."""
    lines = block.split("\n")
    match block_kind(block):
        case "subhead":
            text = typeset(block.removeprefix("## "), look)
            return f"<b>{text}</b>" if look == "bitrix" else f"<h2>{text}</h2>"
        case "list":
            items = "".join(f"<li>{typeset(line.removeprefix('- '), look)}</li>" for line in lines)
            return f"<ul>{items}</ul>"
        case "table":
            rows = [[typeset(cell, look) for cell in line.split(" | ")] for line in lines]
            head = "".join(f"<th>{cell}</th>" for cell in rows[0])
            rest = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows[1:])
            return f"<table><thead><tr>{head}</tr></thead><tbody>{rest}</tbody></table>"
        case _:
            text = typeset(block, look)
            return text if look == "bitrix" else f"<p>{text}</p>"


def visible_date(moment: datetime, language: str) -> str:
    """The date as a reader sees it, in the outlet's own zone."""
    month = MONTHS[language].split()[moment.month - 1]
    if language == "en":
        return f"{month} {moment.day}, {moment.year}, {moment:%H:%M}"
    if language == "kk":
        return f"{moment.year} жылғы {moment.day} {month}, {moment:%H:%M}"
    return f"{moment.day} {month} {moment.year}, {moment:%H:%M}"


class PageMaker:
    """Makes every page of one outlet."""

    def __init__(
        self, outlet: Outlet, home: str, feed_path: str, feed_type: str, articles: Sequence[DemoArticle]
    ) -> None:
        """``home`` is the address of the front page, with the slash at its end."""
        self.outlet = outlet
        self.home = home
        self.feed_path = feed_path
        self.feed_type = feed_type.partition(";")[0]
        self.articles = articles

    def article(self, article: DemoArticle) -> str:
        """The article page with everything around the text."""
        return LOOKS[self.outlet.look].substitute(self._fields(article), body=self._body(article, with_box=True))

    def amp(self, article: DemoArticle) -> str:
        """The slim variant for telephones, with the same text."""
        return AMP.substitute(self._fields(article), body=self._body(article, with_box=False))

    def _body(self, article: DemoArticle, with_box: bool) -> str:
        look = self.outlet.look
        blocks = [block_markup(block, look) for block in article.blocks]
        if with_box and len(blocks) > BOX_AFTER + 1:
            blocks.insert(BOX_AFTER, self._box(article))
        return ("<br><br>\n" if look == "bitrix" else "\n").join(blocks)

    def _box(self, article: DemoArticle) -> str:
        """Headlines of other articles in the middle of the text, the commonest kind of dirt in a corpus."""
        also = LABELS[article.language]["also"]
        links = self._links([other for other in self.articles if other is not article][-3:])
        if self.outlet.look == "bitrix":
            cell = f"<td><b>{also}:</b><ul>{links}</ul></td>"
            return f'<table align="right" class="also" width="200"><tr>{cell}</tr></table>'
        if self.outlet.look == "amp":
            # Class names made by a build tool tell nothing, so an extractor cannot go by them.
            return f'<div class="Card_root__v8"><span>{also}</span><ul>{links}</ul></div>'
        return f'<div class="related-inline read-also"><strong>{also}</strong><ul>{links}</ul></div>'

    def _links(self, articles: Sequence[DemoArticle]) -> str:
        return "".join(f'<li><a href="{escape(a.url)}">{escape(a.title)}</a></li>' for a in articles)

    def _frame(self, language: str) -> dict[str, str]:
        """The fields that all pages of the outlet share."""
        outlet = self.outlet
        menu = [f'<a href="/rubric/{number}/">{escape(name)}</a>' for number, name in enumerate(outlet.menu, 1)]
        tags = [f'<a href="/tag/{number}/">{escape(name)}</a>' for number, name in enumerate(TAGS[language], 1)]
        popular = "".join(
            f'<li><a href="/popular/{number}/">{escape(name)}</a></li>' for number, name in enumerate(outlet.popular, 1)
        )
        return {
            **{f"l_{name}": label for name, label in LABELS[language].items()},
            "lang": language,
            "site": escape(outlet.name),
            "tagline": escape(outlet.tagline),
            "home": self.home,
            "feed": self.home.rstrip("/") + self.feed_path,
            "feed_type": self.feed_type,
            "phone": outlet.phone,
            "menu": "".join(f"<li>{link}</li>" for link in menu),
            "menu_row": " | ".join(menu),
            "tags": ", ".join(tags),
            "tag_items": "".join(f"<li>{link}</li>" for link in tags),
            "popular": popular,
        }

    def _fields(self, article: DemoArticle) -> dict[str, str]:
        iso = article.published.isoformat().replace("+00:00", "Z")
        data = {
            "@context": "https://schema.org",
            "@type": "NewsArticle",
            "headline": article.title,
            "datePublished": iso,
            "mainEntityOfPage": article.url,
            "publisher": {"@type": "Organization", "name": self.outlet.name},
        }
        if article.author:
            data["author"] = {"@type": "Person", "name": article.author}
        return {
            **self._frame(article.language),
            "headline": escape(article.title),
            "url": escape(article.url),
            "number": str(slug_number(article.slug)),
            "iso": iso,
            "year": str(article.published.year),
            "when": visible_date(article.published, article.language),
            "author": escape(article.author),
            "ld": json.dumps(data, ensure_ascii=False).replace("<", "\\u003c"),
            "related": self._links([other for other in self.articles if other is not article][:4]),
        }

    def index(self) -> str:
        """The front page: the newest articles and the menu."""
        frame = self._frame(self.outlet.language)
        return self._plain(frame, f"<h1>{frame['site']}</h1><ul class='latest'>{self._links(self.articles)}</ul>")

    def not_found(self) -> str:
        """The page for every address that is not served."""
        return self._plain(self._frame(self.outlet.language), "<h1>404</h1><p>Not found / Не найдено / Табылмады</p>")

    def _plain(self, frame: dict[str, str], content: str) -> str:
        return (
            f'<!DOCTYPE html>\n<html lang="{frame["lang"]}"><head>'
            f'<meta http-equiv="Content-Type" content="text/html; charset={self.outlet.charset}">'
            f"<title>{frame['site']}</title>"
            f'<link rel="alternate" type="{self.feed_type}" href="{frame["feed"]}"></head>\n'
            f"<body><p>{frame['tagline']}</p><nav><ul>{frame['menu']}</ul></nav>\n{content}\n"
            f"<footer>{frame['site']}. {frame['l_rights']} {frame['phone']}</footer></body></html>\n"
        )

    def robots(self) -> str:
        """Crawlers are welcome everywhere but in the search."""
        text = "User-agent: *\nDisallow: /search\n"
        if self.outlet.feed == "sitemap":
            text += f"\nSitemap: {self.home.rstrip('/')}{self.feed_path}\n"
        return text
