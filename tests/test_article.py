"""From a page to an article, on small pages made here: text, headline, date, and what is no article."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractors.pages.article import extract
from extractors.pages.job import ArticleJob
from extractors.pages.steps import METHOD, without_headline
from extractors.records import Article, DateCandidate, Entry, ItemError, Outcome, Page
from extractors.workers.tasks import article_from

URL = "https://site.kz/news/bridge"
NOW = datetime(2025, 11, 22, 6, 0, tzinfo=UTC)
ALMATY = ZoneInfo("Asia/Almaty")
HEADLINE = "Мост через Сырдарью открыли в Кызылорде"
FIRST = (
    "Мост через реку Сырдарья открыли сегодня в Кызылорде, сообщает пресс-служба акимата области. "
    "Строительство заняло три года и обошлось бюджету в двенадцать миллиардов тенге."
)
SECOND = (
    "По словам акима, движение по новому мосту откроют в декабре, после того как дорожники закончат подъезды "
    "с обоих берегов и установят освещение."
)
THIRD = (
    "Старый мост, построенный ещё в середине прошлого века, останется пешеходным: его собираются отремонтировать "
    "к следующему лету на средства областного бюджета."
)
TEXT = f"<p>{FIRST}</p><p>{SECOND}</p><p>{THIRD}</p>"
DATE_LD = '<script type="application/ld+json">{"@type":"NewsArticle","datePublished":"2025-11-05T20:00:00Z"}</script>'
DATE_META = '<meta property="article:published_time" content="2025-11-07T10:00:00+05:00">'


def page(text: str = TEXT, *, head: str = "", headline: str = HEADLINE) -> str:
    return f"""<!doctype html><html lang="ru">
<head><meta charset="utf-8"><title>{headline} | Site.kz</title>{head}</head>
<body><header><nav><a href="/">Главная</a> <a href="/news">Новости</a></nav></header>
<main><article><h1>{headline}</h1>{text}</article></main>
<footer><p>Все права защищены</p></footer></body></html>"""


def job(
    body: str | bytes, *, url: str = URL, charset: str | None = None, min_words: int = 20, title: str | None = None,
    published: datetime | None = None,
) -> ArticleJob:  # fmt: skip
    entry = Entry(url=url, feed_url="https://site.kz/rss", title=title, published=published)
    content = body.encode() if isinstance(body, str) else body
    return ArticleJob(Page(url, content, charset, NOW), entry, ALMATY, min_words, NOW)


def extracted(body: str | bytes, **named: object) -> Article:
    return extract(job(body, **named))  # type: ignore[arg-type]


def refusal(body: str | bytes, **named: object) -> ItemError:
    with pytest.raises(ItemError) as caught:
        extracted(body, **named)
    assert caught.value.url == URL
    return caught.value


def test_the_text_is_taken_and_the_page_around_it_left() -> None:
    article = extracted(page())
    assert article.paragraphs == (FIRST, SECOND, THIRD)
    assert article.text == f"{FIRST}\n\n{SECOND}\n\n{THIRD}"
    assert article.title == HEADLINE
    assert article.language == "ru"
    assert article.method == METHOD
    assert (article.authors, article.published, article.date_origin, article.canonical_link) == ((), None, None, None)


def test_what_a_page_states_about_itself_comes_along() -> None:
    head = '<meta name="author" content="Асель Ермекова"><link rel="canonical" href="https://site.kz/a">'
    article = extracted(page(head=head))
    assert article.authors == ("Асель Ермекова",)
    assert article.canonical_link == "https://site.kz/a"


def test_the_function_for_child_processes_does_the_same() -> None:
    assert article_from(job(page())) == extracted(page())


def test_an_encoding_is_read_on_the_way() -> None:
    body = page().replace("utf-8", "windows-1251").encode("cp1251")
    assert extracted(body).paragraphs == (FIRST, SECOND, THIRD)


# --- Headline ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "repetition",
    [f"<p>{HEADLINE}</p>", f"<h2>{HEADLINE.upper()}</h2>", f"<p><b>«{HEADLINE}»</b>.</p>"],
    ids=["paragraph", "capitals", "quoted"],
)
def test_a_headline_is_not_repeated(repetition: str) -> None:
    assert extracted(page(repetition + TEXT)).paragraphs == (FIRST, SECOND, THIRD)


def test_a_headline_below_a_section_name_is_not_repeated() -> None:
    assert extracted(page(f"<p>Общество</p><p>{HEADLINE}</p>{TEXT}")).paragraphs[-3:] == (FIRST, SECOND, THIRD)
    assert HEADLINE not in extracted(page(f"<p>Общество</p><p>{HEADLINE}</p>{TEXT}")).paragraphs


def test_only_repetitions_at_the_top_are_dropped() -> None:
    paragraphs = ["Мост!", "а", "«Мост»", "б", "Мост"]
    assert without_headline(paragraphs, ("Мост",)) == ["а", "б", "Мост"]
    assert without_headline(paragraphs, ()) == paragraphs
    assert without_headline([], ("Мост",)) == []


def test_the_feeds_headline_stands_in_for_a_missing_one() -> None:
    article = extracted(f"<html><body><div><p>{HEADLINE}</p>{TEXT}</div></body></html>", title=HEADLINE)
    assert article.title == HEADLINE
    assert article.paragraphs == (FIRST, SECOND, THIRD)


# --- Blocks -----------------------------------------------------------------------------------------------------


def test_a_list_is_one_block() -> None:
    items = "<ul><li>Первый пункт в списке работ</li><li>Второй пункт в списке работ</li></ul>"
    paragraphs = extracted(page(f"<p>{FIRST}</p>{items}<p>{SECOND}</p>")).paragraphs
    assert paragraphs == (FIRST, "- Первый пункт в списке работ\n- Второй пункт в списке работ", SECOND)


def test_a_table_is_one_block() -> None:
    table = "<table><tr><th>Год</th><th>Сумма</th></tr><tr><td>прошлый</td><td>12&nbsp;млрд</td></tr></table>"
    paragraphs = extracted(page(f"<p>{FIRST}</p>{table}<p>{SECOND}</p>")).paragraphs
    assert paragraphs == (FIRST, "Год | Сумма\nпрошлый | 12 млрд", SECOND)


def test_a_sub_heading_is_a_paragraph() -> None:
    paragraphs = extracted(page(f"<p>{FIRST}</p><h2>Что дальше</h2><p>{SECOND}</p>")).paragraphs
    assert paragraphs == (FIRST, "Что дальше", SECOND)


# --- Date -------------------------------------------------------------------------------------------------------

IN_FEED = datetime(2025, 11, 8, 20, 0, tzinfo=UTC)
IN_URL = "https://site.kz/2025/11/10/bridge"

DATES = [
    # name, head, text before the first paragraph, feed's date, URL, day, origin
    ("json-ld", DATE_LD, "", None, URL, 6, "json-ld"),
    ("json-ld before all", DATE_META + DATE_LD, "", IN_FEED, IN_URL, 6, "json-ld"),
    ("meta", DATE_META, "", None, URL, 7, "meta"),
    ("meta before feed and address", DATE_META, "", IN_FEED, IN_URL, 7, "meta"),
    ("time", "", '<time itemprop="datePublished" datetime="2025-11-08">вчера</time>', IN_FEED, IN_URL, 8, "time"),
    ("feed, carried over midnight", "", "", IN_FEED, URL, 9, "feed"),
    ("feed before address", "", "", IN_FEED, IN_URL, 9, "feed"),
    ("address", "", "", None, IN_URL, 10, "url"),
    ("text", "", '<p class="date">11 ноября 2025</p>', None, URL, 11, "visible"),
    ("text is not searched without need", "", '<p class="date">11 ноября 2025</p>', IN_FEED, URL, 9, "feed"),
    ("impossible json-ld", DATE_LD.replace("2025-11-05", "1970-01-01"), "", IN_FEED, URL, 9, "feed"),
    ("impossible json-ld and text", DATE_LD.replace("2025", "2035"), '<p class="date">11 ноября 2025</p>', None, URL,
     11, "visible"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("head", "before", "published", "url", "day", "origin"), [row[1:] for row in DATES], ids=[row[0] for row in DATES]
)
def test_the_date_and_where_it_was_found(
    head: str, before: str, published: datetime | None, url: str, day: int, origin: str
) -> None:
    article = extracted(page(before + TEXT, head=head), url=url, published=published)
    assert (article.published, article.date_origin) == (date(2025, 11, day), origin)
    assert DateCandidate(date(2025, 11, day), origin) in article.dates


def test_every_stated_date_is_kept() -> None:
    article = extracted(page(head=DATE_LD + DATE_META), url=IN_URL, published=IN_FEED)
    assert [(c.origin, c.day.day) for c in article.dates] == [("json-ld", 6), ("meta", 7), ("feed", 9), ("url", 10)]


def test_a_year_in_the_text_is_no_date() -> None:
    article = extracted(page(f"{TEXT}<p>Мост начали строить ещё в 2022 году.</p>"))
    assert (article.published, article.date_origin, article.dates) == (None, None, ())


# --- What is no article -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj",
        b"\x89PNG\r\n\x1a\n\0\0\0",
        b'{"a": 1}',
        b"\xff" * 500,
    ],
    ids=["nothing", "PDF", "PNG", "JSON", "bytes"],
)
def test_what_is_no_html_is_no_article(body: bytes) -> None:
    error = refusal(body)
    assert (error.outcome, error.reason) == (Outcome.NOT_ARTICLE, "not html")


@pytest.mark.parametrize(("written", "read"), [("utf-8", "cp1251"), ("cp1251", "latin-1"), ("cp1251", "koi8-r")])
@pytest.mark.parametrize("min_words", [20, 5000])
def test_unreadable_characters_are_never_judged_and_never_final(written: str, read: str, min_words: int) -> None:
    body = page().encode(written, "replace").decode(read, "replace").encode()
    error = refusal(body, min_words=min_words)
    assert (error.outcome, error.reason) == (Outcome.FAILED, "unreadable characters")


def test_a_page_of_links_is_no_article() -> None:
    links = "".join(f'<li><a href="/n/{n}">Новость номер {n} о событии в стране и мире</a></li>' for n in range(40))
    error = refusal(f"<html><body><div><ul>{links}</ul></div></body></html>")
    assert (error.outcome, error.reason) == (Outcome.NOT_ARTICLE, "links, no prose")


def test_a_page_without_text_is_no_article() -> None:
    assert refusal("<html><head></head><body><div></div><script>var a = 1;</script></body></html>").outcome in (
        Outcome.NOT_ARTICLE,
        Outcome.TOO_SHORT,
    )


def test_a_short_text_is_a_stub_and_the_limit_is_configured() -> None:
    stub = page("<p>Мост через реку Сырдарья открыли сегодня в Кызылорде.</p>")
    error = refusal(stub)
    assert (error.outcome, error.reason) == (Outcome.TOO_SHORT, "too short")
    assert "words" in error.detail
    assert extracted(page(), min_words=50).paragraphs == (FIRST, SECOND, THIRD)
    assert refusal(page(), min_words=100).outcome is Outcome.TOO_SHORT


def test_a_headline_does_not_make_a_stub_longer() -> None:
    assert refusal(page("<p>Видео</p>", headline="Слово " * 30)).outcome in (Outcome.TOO_SHORT, Outcome.NOT_ARTICLE)


# --- Whatever happens -------------------------------------------------------------------------------------------

BODY = page(TEXT + "<ul><li>а</li></ul><table><tr><td>б</td><td>в</td></tr></table>", head=DATE_LD + DATE_META).encode()
PIECES = st.sampled_from(
    [b"<", b">", b"</p>", b"<table>", b"<tr><td>", b"<!--", b"]]>", b"\0", b"\xff", b"&#0;", b"&#xD800;", b"<script>",
     b"<html/>", b"<svg>", b"<a href='http://['>", b"<time itemprop='datePublished' datetime='99999-99'>", b"{", b'"',
     b"<meta charset='utf-16'>", b"<div>" * 300, b"<ul><li>" * 50, "й".encode()[:1]]
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(BODY)), st.integers(0, 200), PIECES), max_size=8), st.integers(0, len(BODY))
)
def test_a_damaged_page_gives_an_article_or_one_clear_error(edits: list[tuple[int, int, bytes]], cut: int) -> None:
    body = BODY
    for position, length, piece in edits:
        body = body[:position] + piece + body[position + length :]
    for damaged in (body, body[:cut]):
        try:
            article = extracted(damaged)
        except ItemError as error:
            assert error.outcome in (Outcome.NOT_ARTICLE, Outcome.TOO_SHORT)
        else:
            assert article.paragraphs
            assert all(block and block == block.strip() for block in article.paragraphs)


def linked(anchor: str) -> str:
    """The text with a link in its second paragraph."""
    return TEXT.replace("движение по новому мосту", f"{anchor} по новому мосту")


OUTWARD = [
    (
        "another site",
        '<a href="http://www.other.kz/news/7/?utm_source=x#top">движение</a>',
        ("https://other.kz/news/7",),
    ),
    ("no scheme", '<a href="//other.kz/news/7">движение</a>', ("https://other.kz/news/7",)),
    ("twice", '<a href="https://other.kz/7">дви</a><a href="http://other.kz/7">жение</a>', ("https://other.kz/7",)),
    ("in bold", '<b>движ<a href="https://other.kz/7">ение</a></b>', ("https://other.kz/7",)),
    ("own site", '<a href="https://site.kz/news/7">движение</a>', ()),
    ("own site's other host", '<a href="https://old.site.kz/news/7">движение</a>', ()),
    ("relative", '<a href="/news/7">движение</a>', ()),
    ("social network", '<a href="https://t.me/other/7">движение</a>', ()),
    ("mobile social network", '<a href="https://m.facebook.com/other">движение</a>', ()),
    ("share button", f'<a href="https://share.example/?u={URL}">движение</a>', ()),
    ("escaped share button", '<a href="https://share.example/?u=https%3A%2F%2Fsite.kz%2Fnews">движение</a>', ()),
    ("mail", '<a href="mailto:a@other.kz">движение</a>', ()),
    ("no address", '<a href="https://">движение</a>', ()),
    ("broken address", '<a href="https://[oth er/7">движение</a>', ()),
]


@pytest.mark.parametrize(("anchor", "expected"), [row[1:] for row in OUTWARD], ids=[row[0] for row in OUTWARD])
def test_links_are_where_the_text_leads_on_other_sites(anchor: str, expected: tuple[str, ...]) -> None:
    article = extracted(page(linked(anchor)))
    assert article.links == expected
    assert "движение по новому мосту" in article.text


def test_links_of_the_page_around_the_text_do_not_count() -> None:
    around = (
        '<aside><p><a href="https://other.kz/1">Движение по мосту</a></p></aside>'
        '<ul><li><a href="https://other.kz/2">Другая новость о дороге, по которой скоро поедут</a></li></ul>'
    )
    body = page(linked('<a href="https://other.kz/3">движение</a>')).replace("<footer>", around + "<footer>")
    assert extracted(body).links == ("https://other.kz/3",)


def test_paragraphs_that_only_line_breaks_divide_have_their_links() -> None:
    body = linked('<a href="https://other.kz/3">движение</a>').replace("</p><p>", "<br><br>")
    assert extracted(page(body)).links == ("https://other.kz/3",)


def test_a_page_with_a_thousand_links_has_the_first_thirty() -> None:
    many = " ".join(f'<a href="https://other.kz/{number}">слово</a> между ними' for number in range(1000))
    article = extracted(page(f"{TEXT}<p>{many}</p>"))
    assert article.links == tuple(f"https://other.kz/{number}" for number in range(30))


def test_editions_in_other_languages_are_canonical_and_without_the_page_itself() -> None:
    head = "".join(
        f'<link rel="alternate" hreflang="{language}" href="{address}">'
        for language, address in (
            ("ru", URL),
            ("en", "/en/news/bridge/"),
            ("kk", "http://www.site.kz/kk/b"),
            ("uz", "#"),
        )
    )
    assert extracted(page(head=head)).alternates == ("https://site.kz/en/news/bridge", "https://site.kz/kk/b")
