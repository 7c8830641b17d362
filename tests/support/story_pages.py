"""A page with a story of seven paragraphs, for tests of what extraction takes from a page."""

from __future__ import annotations

from datetime import UTC, datetime

from extractors.pages.article import extract, extract_with_trace
from extractors.pages.job import ArticleJob
from extractors.pages.steps import Removed
from extractors.records import Article, Entry, Page

URL = "https://reka.example/news/zatvor-12"
NOW = datetime(2025, 11, 22, 6, 0, tzinfo=UTC)
HEADLINE = "На Нарыне опробовали новый затвор плотины"
STORY = [
    "Инженеры опробовали новый затвор плотины на Нарыне, сообщило управление водного хозяйства области.",
    "Испытания заняли двое суток: воду спускали трижды, и каждый раз измеряли, насколько дрожит бетон у основания.",
    "Начальник участка Бакыт Осмонов рассказал, что прежний затвор заклинивало каждую весну, когда в реку шёл лёд.",
    "Деньги на замену выделили из областного бюджета, а часть узлов подарил завод, который строил плотину.",
    "Жители трёх сёл ниже по течению просят, чтобы о каждом спуске воды их предупреждали за сутки по телефону.",
    "В управлении обещают завести такую рассылку к марту и поставить на берегу два громкоговорителя.",
    "Следующим летом очередь дойдёт до второго затвора, который не меняли с тех пор, как плотину построили.",
]


def paragraphs(*, after: dict[int, str] | None = None, story: list[str] = STORY) -> str:
    """The story's paragraphs as HTML, with other markup behind some of them (by number, from 0)."""
    return "\n".join(f"<p>{text}</p>{(after or {}).get(number, '')}" for number, text in enumerate(story))


def page(body: str, *, head: str = "", headline: str = HEADLINE) -> str:
    """A whole page around the body of an article."""
    return f"""<!doctype html><html lang="ru"><head><meta charset="utf-8"><title>{headline}</title>{head}</head>
<body><div class="top"><a href="/">Река</a><ul><li><a href="/a">Новости</a></li></ul></div>
<div class="middle"><h1>{headline}</h1>{body}</div>
<div class="bottom">Редакция: Нарын, улица Речная, 1</div></body></html>"""


def job(html: str, *, title: str | None = None, url: str = URL) -> ArticleJob:
    """The job of extracting a page."""
    return ArticleJob(
        Page(url, html.encode(), "utf-8", NOW), Entry(url, "https://reka.example/rss", title=title), UTC, 20, NOW
    )


def extracted(html: str, *, title: str | None = None) -> Article:
    """The article on a page."""
    return extract(job(html, title=title))


def traced(html: str) -> tuple[Article, list[Removed]]:
    """The article on a page, and what was taken out of it."""
    return extract_with_trace(job(html))
