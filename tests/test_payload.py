"""A text that the page leaves to its scripts, and what scripts put in place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from extractors.records import ItemError
from tests.support.story_pages import HEADLINE, STORY, extracted, page

MARKED_UP = "".join(f"<p>{text}</p>\r\n" for text in STORY)
TEASERS = [{"title": f"Новость {n}", "slug": f"n-{n}", "preview": f"{STORY[n]} И ещё немного слов."} for n in range(5)]
BLOCKS = [
    {"type": "header", "data": {"text": "Испытания", "level": 2}},
    *({"type": "paragraph", "data": {"text": text}} for text in STORY),
    {"type": "readAlso", "data": {"items": [{"title": "Другая новость", "url": "/x"}]}},
    {"type": "list", "data": {"items": ["первый затвор", "второй затвор"]}},
]
TREE = {
    "type": "doc",
    "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": part} for part in (text[:20], text[20:])]}
        for text in STORY
    ],
}  # fmt: skip
FLATTENED = [
    ["Reactive", 1], {"data": 2}, {"article": 3, "popular": 7}, {"title": 4, "body": 5, "published_at": 6},
    HEADLINE, MARKED_UP, "2025-11-06T09:20:00Z", [8], {"title": 9, "preview": 10}, "Новость", STORY[0],
]  # fmt: skip


def escaped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003C").replace(">", "\\u003E")


def shell(script: str, body: str = "<div class='spinner'>Загрузка…</div>") -> str:
    return page(f"<main>{body}</main>{script}")


def data(value: Any) -> str:
    return f'<script type="application/json" id="__DATA__">{escaped(value)}</script>'


@pytest.mark.parametrize(
    "script",
    [
        data(FLATTENED),
        data({"props": {"article": {"title": HEADLINE, "publishedAt": "2025-11-06T09:20:00Z", "content": MARKED_UP},
                        "latest": TEASERS}}),
        data({"props": {"publishDate": "2025-11-06T09:20:00Z", "doc": TREE, "latest": TEASERS}}),
    ],
    ids=["flattened", "one string", "a tree of nodes"],
)  # fmt: skip
def test_the_text_and_its_date_are_found_in_the_pages_data(script: str) -> None:
    article = extracted(shell(script))
    assert article.paragraphs == tuple(STORY)
    assert article.published_at is not None
    assert article.published_at.isoformat() == "2025-11-06T09:20:00+00:00"


def test_blocks_of_an_editor_become_paragraphs_headings_and_lists() -> None:
    article = extracted(shell(data({"state": {"article": {"body": {"blocks": BLOCKS}}, "latest": TEASERS}})))
    assert article.paragraphs == ("Испытания", *STORY, "- первый затвор\n- второй затвор")


def test_a_text_is_found_among_the_strings_of_a_program() -> None:
    program = f'window.__NUXT__=(function(a,b){{return {{data:[{{body:a}}]}}}}({escaped(MARKED_UP)},"x"))'
    assert extracted(shell(f"<script>{program}</script>")).paragraphs == tuple(STORY)


def test_the_text_that_the_description_opens_is_the_articles_own() -> None:
    other = "".join(f"<p>Совсем другая история, глава {n}: {text}</p>" for n, text in enumerate(STORY[1:] * 2))
    html = shell(data([{"body": other}, {"body": MARKED_UP}]))
    described = html.replace("</head>", f'<meta name="description" content="{STORY[0][:60]}"></head>')
    assert extracted(described).paragraphs == tuple(STORY)


def test_a_page_that_shows_its_text_is_not_read_from_scripts() -> None:
    other = "".join(f"<p>{text} Так гласит черновик.</p>" for text in STORY)
    article = extracted(page(f"<article>{MARKED_UP}</article>{data({'body': other})}"))
    assert article.paragraphs == tuple(STORY)


@pytest.mark.parametrize(
    "script",
    [
        data({"latest": TEASERS}),
        "<script type='application/json'>{broken</script>",
        f"<script type='application/json'>{'[' * 5000}{' ' * 500}</script>",
        '<script>var a = "' + "\\u003Cp " * 200 + "\\q</script>",
    ],
)
def test_other_data_are_no_text(script: str) -> None:
    with pytest.raises(ItemError):
        extracted(shell(script, body=""))


def test_a_part_that_is_sent_late_is_put_where_it_belongs() -> None:
    late = f'<div hidden id="S:0"><article>{MARKED_UP}</article></div><script>$RC("B:0","S:0")</script>'
    teasers = "".join(f"<a href='/n/{n}'><h3>Новость {n}</h3><p>{text} И ещё.</p></a>" for n, text in enumerate(STORY))
    body = f'<template id="B:0"></template><div class="pulse"></div><aside>{teasers}</aside>{late}'
    assert extracted(page(body)).paragraphs == tuple(STORY)


@pytest.mark.parametrize("number", ["0", "1' or '1'='1", "x:y"])
def test_a_hidden_part_without_a_place_stays_hidden(number: str) -> None:
    late = f'<div hidden id="S:{number}"><p>{STORY[0]}</p></div>'
    assert extracted(
        page(f"<article>{''.join(f'<p>{text}</p>' for text in STORY[1:])}</article>{late}")
    ).paragraphs == (*STORY[1:],)


def test_lists_that_amp_fills_in_are_other_stories() -> None:
    other = "".join(f"<div><h2>Новость {n}</h2><p>Прочее: {text}</p></div>" for n, text in enumerate(STORY[:2]))
    body = f"<article>{MARKED_UP}</article><amp-list src='/next.json'><div placeholder>{other}</div></amp-list>"
    assert extracted(page(body)).paragraphs == tuple(STORY)


def test_the_article_that_a_page_goes_on_with_is_another_one() -> None:
    other = f"<article class='next-article'><h2><a href='/2'>Дальше</a></h2><p>Прочее: {STORY[0]}</p></article>"
    body = f"<section class='story'>{MARKED_UP}</section><section class='infinite'>{other}</section>"
    assert extracted(page(body)).paragraphs == tuple(STORY)
