"""Pages that are fetched as articles and are none, each with its outcome; and articles that only look like them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from extractors.pages.article import extract
from extractors.pages.job import ArticleJob
from extractors.records import Entry, ItemError, Outcome, Page

URL = "https://site.kz/news/7"
NOW = datetime(2025, 11, 22, 6, 0, tzinfo=UTC)
PROSE = [
    f"В {hour} часов инженеры пустили воду через {hour} затвор, и дежурный записал в журнал, что плотина держит напор."
    for hour in range(8, 14)
]
STORY = "".join(f"<p>{line}</p>" for line in PROSE)
TEASERS = "".join(
    f"<div><p><a href='/n/{n}'>Новость номер {n} о жизни города и района</a></p>"
    f"<p>Коротко о том, что случилось в {n} квартале и кто об этом рассказал.</p></div>"
    for n in range(12)
)
OG_ARTICLE = "<meta property='og:type' content='article'>"
TOLD = [
    f"В {n} квартале рассказали, что случилось за неделю, и назвали тех, кто помог соседям в непогоду."
    for n in range(12)
]
IN_ONE_BOX = "".join(
    f"<div class='item'><div class='body'><a href='/n/{n}'>Новость {n} о жизни города</a><br>{told}</div></div>"
    for n, told in enumerate(TOLD)
)
CARDS = "".join(
    f"<article class='card'><time itemprop='datePublished' datetime='2025-11-{n + 1:02}'>{n + 1} ноября</time>"
    f"<h3><a href='/n/{n}'>Новость {n} о жизни города</a></h3><p>{told}</p></article>"
    for n, told in enumerate(TOLD)
)
ROWS = "".join(
    f"<tr><td><b><a href='/n/{n}'>Новость {n} о жизни города</a></b><p>{told}</p></td></tr>"
    for n, told in enumerate(TOLD)
)
WALL = '<script type="application/ld+json">{"@type":"NewsArticle","isAccessibleForFree":"False"}</script>'


def page(body: str, *, title: str = "Плотину на Чарыне достроили", head: str = "") -> str:
    return (
        f"<!doctype html><html><head><title>{title}</title>{head}</head>"
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    )


def job(body: str, *, content: str | None = None) -> ArticleJob:
    entry = Entry(URL, "https://site.kz/rss", content=content)
    return ArticleJob(Page(URL, body.encode(), "utf-8", NOW), entry, UTC, 20, NOW)


NONE = [
    ("not found, ru", page(f"<p>Страница не найдена</p><p>{PROSE[0]}</p><p>{PROSE[1]}</p>", title="Ошибка 404"),
     Outcome.NOT_ARTICLE, "says not found"),
    ("not found, en", page(f"<p>{PROSE[0]}</p><p>{PROSE[1]}</p>", title="Page not found"),
     Outcome.NOT_ARTICLE, "says not found"),
    ("not found, kk", page(f"<p>{PROSE[0]}</p><p>{PROSE[1]}</p>", title="Бет табылмады"),
     Outcome.NOT_ARTICLE, "says not found"),
    ("not found, uz", page(f"<p>{PROSE[0]}</p><p>{PROSE[1]}</p>", title="Sahifa topilmadi"),
     Outcome.NOT_ARTICLE, "says not found"),
    ("search", page(f"<p>{PROSE[0]}</p>", title="Результаты поиска по запросу «плотина»"),
     Outcome.NOT_ARTICLE, "search page"),
    ("bot check", page(f"<p>Checking your browser before you go on.</p><p>{PROSE[0]}</p>", title="Just a moment..."),
     Outcome.FAILED, "bot check"),
    ("paywall, stated", page(f"<p>{PROSE[0]}</p><p>{PROSE[1]}</p>", head=WALL), Outcome.PAYWALLED, "paywall"),
    ("paywall, ru", page(f"<p>{PROSE[0]}</p><div>Материал доступен только для подписчиков</div>"),
     Outcome.PAYWALLED, "paywall"),
    ("paywall, en", page(f"<p>{PROSE[0]}</p><div>Subscribe to continue reading</div>"), Outcome.PAYWALLED, "paywall"),
    ("paywall, nothing left", page("<p>Плотина готова.</p><div>Sign in to read the rest</div>"),
     Outcome.PAYWALLED, "paywall"),
    ("cookies", page("<p>Сайт берёт файлы cookie. Без cookie он не работает как надо, поэтому просим дать согласие "
                     "на cookie и прочитать, что такое cookie и как их отключить в настройках.</p>"),
     Outcome.NOT_ARTICLE, "cookie wall"),
    ("video", page("<p>Смотрите в записи.</p><iframe src='https://www.youtube.com/embed/7'></iframe>"),
     Outcome.NOT_ARTICLE, "video"),
    ("stub", page("<p>Плотина готова.</p>"), Outcome.TOO_SHORT, "too short"),
    ("list of stories", page(TEASERS, title="Новости"), Outcome.NOT_ARTICLE, "list of stories"),
    ("headline and teaser in one box", page(IN_ONE_BOX, title="Новости", head=OG_ARTICLE),
     Outcome.NOT_ARTICLE, "list of stories"),
    ("a front page of cards with dates", page(CARDS, title="Новости", head=OG_ARTICLE),
     Outcome.NOT_ARTICLE, "list of stories"),
    ("a table of stories", page(f"<table>{ROWS}</table>", title="Архив"), Outcome.NOT_ARTICLE, "list of stories"),
    ("filler text", page(f"<p>Lorem ipsum dolor sit amet, consectetur adipiscing elit.</p>{STORY}"),
     Outcome.NOT_ARTICLE, "filler text"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "outcome", "reason"), [row[1:] for row in NONE], ids=[row[0] for row in NONE])
def test_what_is_no_article_has_its_outcome(body: str, outcome: Outcome, reason: str) -> None:
    with pytest.raises(ItemError) as caught:
        extract(job(body))
    assert (caught.value.outcome, caught.value.reason) == (outcome, reason)
    assert caught.value.url == URL


ARTICLES = [
    ("an article about a missing page", page(STORY, title="Страница не найдена: почему падают сайты")),
    ("an article that its publisher calls paid, but shows", page(STORY, head=WALL)),
    ("an article below a plea to subscribe", page(f"{STORY}<p>Subscribe to continue reading</p>")),
    ("an article with a video", page(f"{STORY}<iframe src='https://www.youtube.com/embed/7'></iframe>")),
    ("an article on cookies", page(STORY + "<p>Сайты спрашивают про cookie, но о cookie мало кто знает: cookie хранит "
                                   "ваш браузер.</p>" + STORY.replace("воду", "волну") * 3)),
    ("an article with other stories below", page(STORY + TEASERS)),
    ("a digest that states its day", page(STORY + IN_ONE_BOX, head='<meta property="article:published_time" '
                                          'content="2025-11-05T10:00:00+05:00">')),
    ("an article on survivors", page(STORY, title="Search for survivors goes on")),
    ("an overview of many sections", page("".join(
        f"<p><a href='/n/{n}'>Глава номер {n} о жизни города и района</a></p>{STORY.replace('воду', f'воду {n}')}"
        for n in range(8)))),
]  # fmt: skip


@pytest.mark.parametrize("body", [row[1] for row in ARTICLES], ids=[row[0] for row in ARTICLES])
def test_an_article_that_looks_like_it_is_one(body: str) -> None:
    assert "дежурный записал в журнал, что плотина держит напор." in extract(job(body)).text


def test_a_wall_does_not_matter_when_the_feed_has_the_text() -> None:
    article = extract(job(page(f"<p>{PROSE[0]}</p>", head=WALL), content=STORY))
    assert article.paragraphs == tuple(PROSE)
