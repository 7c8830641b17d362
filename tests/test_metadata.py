"""What pages state about themselves: forms of JSON-LD, meta elements, headlines."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring

from extractors.pages.metadata import DATE_META, MAX_AUTHORS, Metadata, read_metadata
from extractors.records import DateCandidate

SIXTH = date(2025, 11, 6)
ARTICLE = '{"@type": "NewsArticle", "headline": "Мост открыт", "datePublished": "2025-11-06T10:00:00+05:00"}'
DEEP = 300

JSON_LD = [
    ("object", ARTICLE),
    ("list", f"[{ARTICLE}]"),
    ("list with others", f'[{{"@type": "WebSite"}}, null, 7, "x", {ARTICLE}]'),
    ("list in a list", f"[[{ARTICLE}]]"),
    ("graph", f'{{"@context": "https://schema.org", "@graph": [{{"@type": "Organization"}}, {ARTICLE}]}}'),
    ("entity of a page", f'{{"@type": "WebPage", "mainEntity": {ARTICLE}}}'),
    ("page of an entity", f'{{"@type": "WebPage", "mainEntityOfPage": {ARTICLE}}}'),
    ("several types", ARTICLE.replace('"NewsArticle"', '["Thing", "NewsArticle"]')),
    ("article", ARTICLE.replace("NewsArticle", "Article")),
    ("analysis", ARTICLE.replace("NewsArticle", "AnalysisNewsArticle")),
    ("blog", ARTICLE.replace("NewsArticle", "BlogPosting")),
    ("report", ARTICLE.replace("NewsArticle", "Report")),
    ("raw line breaks", ARTICLE.replace("}", ', "description": "первая\nвторая\tтретья"}')),
    ("CDATA", f"<![CDATA[{ARTICLE}]]>"),
    ("CDATA on lines of its own", f"\n<![CDATA[\n{ARTICLE}\n]]>\n"),
    ("CDATA behind line comments", f"\n//<![CDATA[\n{ARTICLE}\n//]]>\n"),
    ("CDATA behind spaced line comments", f"// <![CDATA[\n{ARTICLE}\n// ]]>"),
    ("CDATA in block comments", f"/*<![CDATA[*/{ARTICLE}/*]]>*/"),
    ("HTML comment", f"<!-- {ARTICLE} -->"),
    ("line comment", f"// schema.org\n{ARTICLE}"),
    ("text after a comment's end", f"<!--{ARTICLE}-->;"),
]

NO_ARTICLE = [
    ("empty", ""),
    ("broken", ARTICLE[:-1]),
    ("no JSON at all", "var a = 1;"),
    ("another type", ARTICLE.replace("NewsArticle", "Organization")),
    ("no type", ARTICLE.replace("@type", "type")),
    ("type that is no text", ARTICLE.replace('"NewsArticle"', "7")),
    ("number", "7"),
    ("nesting beyond use", "[" * DEEP + ARTICLE + "]" * DEEP),
    ("nesting beyond the parser", "[" * 100_000),
    ("number beyond the parser", f'{{"@type": "NewsArticle", "headline": {"9" * 5000}}}'),
    ("values of other kinds", '{"@type": "Article", "headline": 7, "datePublished": {"a": 1}, "author": 3.5}'),
]

AUTHORS = [
    ("name", '"Асель Ермекова"', ("Асель Ермекова",)),
    ("person", '{"@type": "Person", "name": "Асель Ермекова"}', ("Асель Ермекова",)),
    ("persons", '[{"name": "Асель Ермекова"}, {"name": "John Smith"}]', ("Асель Ермекова", "John Smith")),
    ("names", '["Асель Ермекова", "John Smith"]', ("Асель Ермекова", "John Smith")),
    ("list of names in a person", '{"name": ["Асель Ермекова", "John Smith"]}', ("Асель Ермекова", "John Smith")),
    ("twice the same", '["Асель Ермекова", "Асель  Ермекова "]', ("Асель Ермекова",)),
    ("address", '"https://site.kz/authors/7"', ()),
    ("address beside a name", '["https://site.kz/7", "John Smith"]', ("John Smith",)),
    ("nothing", "null", ()),
    ("spaces", '"  "', ()),
    ("person without name", '{"@type": "Person", "url": "https://site.kz/7"}', ()),
    ("story for a name", f'"{"слово " * 40}"', ()),
    ("more than a page can have", str([f"Author {n}" for n in range(50)]).replace("'", '"'),
     tuple(f"Author {n}" for n in range(MAX_AUTHORS))),
    ("nesting beyond use", '{"name":' * DEEP + '"X"' + "}" * DEEP, ()),
]  # fmt: skip

TITLES = [
    ("h1", "", "<h1>Мост открыт</h1>", "Мост открыт"),
    ("h1 of parts", "", "<h1>Мост <b>открыт</b>\n<br> сегодня</h1>", "Мост открыт сегодня"),
    ("title", "<title>Мост открыт</title>", "", "Мост открыт"),
    ("title with the site behind a bar", "<title>Мост открыт | Site.kz</title>", "", "Мост открыт"),
    ("title with the site behind a dash", "<title>Мост открыт — Site.kz</title>", "", "Мост открыт"),
    ("title with the site behind a hyphen", "<title>Мост открыт - Site.kz</title>", "", "Мост открыт"),
    ("title with a compound", "<title>Премьер-министр открыл мост</title>", "", "Премьер-министр открыл мост"),
    ("og:title first", '<meta property="og:title" content="Мост открыт"><title>X</title>', "<h1>Y</h1>", "Мост открыт"),
    ("twitter", '<meta name="twitter:title" content="Мост открыт">', "<h1>Y</h1>", "Мост открыт"),
    ("h1 before title", "<title>X</title>", "<h1>Мост открыт</h1>", "Мост открыт"),
    ("JSON-LD before all", '<meta property="og:title" content="X"><script type="application/ld+json">'
     + ARTICLE + "</script>", "<h1>Y</h1>", "Мост открыт"),
    ("entities", '<meta property="og:title" content="Мост&nbsp;открыт">', "", "Мост открыт"),
    ("empty meta", '<meta property="og:title" content=" ">', "<h1>Мост открыт</h1>", "Мост открыт"),
    ("empty h1", "<title>Мост открыт</title>", "<h1> </h1>", "Мост открыт"),
]  # fmt: skip


def read(head: str = "", body: str = "<p>Текст</p>", html: str = "<html>") -> Metadata:
    tree = document_fromstring(f"{html}<head>{head}</head><body>{body}<p>Конец</p></body></html>")
    return read_metadata(tree, zone=ZoneInfo("Asia/Almaty"))


def script(text: str) -> str:
    return f'<script type="application/ld+json">{text}</script>'


@pytest.mark.parametrize("text", [row[1] for row in JSON_LD], ids=[row[0] for row in JSON_LD])
def test_json_ld_is_read_in_every_form(text: str) -> None:
    metadata = read(script(text))
    assert metadata.titles == ("Мост открыт",)
    assert metadata.dates == (DateCandidate(SIXTH, "json-ld"),)


@pytest.mark.parametrize("text", [row[1] for row in NO_ARTICLE], ids=[row[0] for row in NO_ARTICLE])
def test_json_ld_without_an_article_is_as_good_as_none(text: str) -> None:
    metadata = read(script(text))
    assert (metadata.titles, metadata.dates, metadata.authors) == ((), (), ())


def test_broken_json_ld_does_not_hide_the_next_one() -> None:
    assert read(script("{broken") + script(ARTICLE)).titles == ("Мост открыт",)


def test_json_ld_in_the_body_counts_too() -> None:
    assert read(body=script(ARTICLE)).titles == ("Мост открыт",)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=10) | st.sampled_from(["Article", "2025-11-06"]),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["@type", "@graph", "author", "name", "headline", "datePublished"]), inner
            )
        ),
        max_leaves=20,
    )
)
def test_whatever_stands_in_json_ld_is_read_without_fail(value: object) -> None:
    import json

    metadata = read(script(json.dumps(value, ensure_ascii=True).replace("<", "\\u003c")))
    assert all(isinstance(text, str) and text for text in metadata.titles + metadata.authors)


@pytest.mark.parametrize(("author", "names"), [row[1:] for row in AUTHORS], ids=[row[0] for row in AUTHORS])
def test_authors_in_json_ld(author: str, names: tuple[str, ...]) -> None:
    assert read(script(f'{{"@type": "Article", "author": {author}}}')).authors == names


def test_meta_names_authors_where_json_ld_does_not() -> None:
    meta = '<meta name="author" content="Асель Ермекова"><meta name="dc.creator" content="https://site.kz/7">'
    assert read(meta).authors == ("Асель Ермекова",)
    assert read(meta + script('{"@type": "Article", "author": "John Smith"}')).authors == ("John Smith",)


@pytest.mark.parametrize("name", DATE_META)
@pytest.mark.parametrize("attribute", ["property", "name", "itemprop"])
def test_every_name_of_a_meta_date_is_read(name: str, attribute: str) -> None:
    metadata = read(f'<meta {attribute}="{name.upper()}" content="2025-11-05T20:00:00Z">')
    assert metadata.dates == (DateCandidate(SIXTH, "meta"),)


def test_meta_elements_that_say_nothing_about_publication_are_no_date() -> None:
    names = ("article:modified_time", "og:updated_time", "last-modified", "description")
    assert read("".join(f'<meta property="{name}" content="2025-11-06">' for name in names)).dates == ()
    assert read('<meta property="article:published_time" content="скоро">').dates == ()
    assert read('<meta property="article:published_time">').dates == ()


def test_a_time_element_counts_when_it_says_that_it_is_the_publication() -> None:
    assert read(body='<time itemprop="datePublished" datetime="2025-11-06T10:00">6 ноября</time>').dates == (
        DateCandidate(SIXTH, "time"),
    )
    assert read(body='<time pubdate datetime="2025-11-06">6 ноября</time>').dates == (DateCandidate(SIXTH, "time"),)
    assert read(body='<time datetime="2025-11-06">6 ноября</time>').dates == ()
    assert read(body='<time itemprop="dateModified" datetime="2025-11-06">6 ноября</time>').dates == ()


def test_every_date_is_kept_with_its_origin() -> None:
    metadata = read(
        script(ARTICLE) + '<meta property="article:published_time" content="2025-11-07">',
        '<time itemprop="datePublished" datetime="2025-11-08"></time>',
    )
    assert [(d.origin, d.day.day) for d in metadata.dates] == [("json-ld", 6), ("meta", 7), ("time", 8)]


def test_the_canonical_link_is_taken_as_it_is() -> None:
    assert read('<link rel="canonical" href="https://site.kz/a?b=1">').canonical_link == "https://site.kz/a?b=1"
    assert read('<link rel="canonical">').canonical_link is None
    assert read('<link rel="stylesheet" href="/a.css">').canonical_link is None


@pytest.mark.parametrize(("head", "body", "title"), [row[1:] for row in TITLES], ids=[row[0] for row in TITLES])
def test_the_first_title_is_the_best(head: str, body: str, title: str) -> None:
    assert read(head, body).titles[0] == title


def test_a_title_stated_twice_is_one() -> None:
    assert read("<title>Мост открыт | Site.kz</title>", "<h1>Мост&nbsp;открыт</h1>").titles == ("Мост открыт",)


@pytest.mark.parametrize(
    ("html", "language"),
    [("<html>", None), ('<html lang="ru">', "ru"), ('<html lang="kk-KZ">', "kk"), ('<html lang="EN">', "en"),
     ('<html lang="">', None)],
)  # fmt: skip
def test_the_language_that_a_page_claims(html: str, language: str | None) -> None:
    assert read(html=html).language == language


ALTERNATES = [
    ("plain", '<link rel="alternate" hreflang="en" href="https://site.kz/en/a">', ("https://site.kz/en/a",)),
    ("region", '<link rel="alternate" hreflang="en-US" href="/en/a">', ("/en/a",)),
    ("several words", '<link rel="nofollow Alternate" hreflang="kk" href="/kk/a">', ("/kk/a",)),
    ("stated as HTML", '<link rel="alternate" type="text/html" hreflang="kk" href="/kk/a">', ("/kk/a",)),
    ("no language", '<link rel="alternate" hreflang="x-default" href="/">', ()),
    ("feed", '<link rel="alternate" type="application/rss+xml" hreflang="ru" href="/rss">', ()),
    ("mobile page", '<link rel="alternate" media="handheld" href="https://m.site.kz/a">', ()),
    ("style", '<link rel="stylesheet" hreflang="ru" href="/style.css">', ()),
]


@pytest.mark.parametrize(("link", "expected"), [row[1:] for row in ALTERNATES], ids=[row[0] for row in ALTERNATES])
def test_the_editions_in_other_languages_are_those_that_the_page_names(link: str, expected: tuple[str, ...]) -> None:
    tree = document_fromstring(f"<html><head>{link}</head><body><p>Текст</p></body></html>")
    assert read_metadata(tree, zone=ZoneInfo("UTC")).alternates == expected
