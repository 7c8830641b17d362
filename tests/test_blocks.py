"""From an extracted tree to blocks: paragraphs, lists, tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from lxml.html import fromstring

from extractors.blocks.blocks import blocks, html_blocks, joined

BLOCKS = [
    ("paragraphs", "<p>Один</p><p>Два</p>", ["Один", "Два"]),
    ("white space between them", "<p>Один</p>\n  <p>Два</p>\n", ["Один", "Два"]),
    ("empty ones", "<p>Один</p><p/><p> </p><p>\u00a0</p><p>Два</p>", ["Один", "Два"]),
    ("line feed inside", "<p>Один\n  и два</p>", ["Один и два"]),
    ("line break", "<p>Один<lb/>Два</p>", ["Один", "Два"]),
    ("several line breaks", "<p>Один<lb/><lb/> <lb/>Два<lb/></p>", ["Один", "Два"]),
    ("sub-heading", "<head rend='h2'>Мост</head><p>Один</p>", ["Мост", "Один"]),
    ("quotation", "<quote><p>Один</p><p>Два</p></quote>", ["Один", "Два"]),
    ("quotation without paragraphs", "<quote>Один</quote>", ["Один"]),
    ("text without an element", "Один<p>Два</p>Три", ["Один", "Два", "Три"]),
    ("nested divisions", "<div>Один<div><p>Два</p>Три</div>Четыре</div>", ["Один", "Два", "Три", "Четыре"]),
    ("bold and link", "<p>Мост <hi rend='#b'>открыл</hi> <ref target='/a'>аким</ref>.</p>", ["Мост открыл аким."]),
    ("bold within a word", "<p>Мо<hi>ст</hi>ы</p>", ["Мосты"]),
    ("links in a row", "<p><ref>Один</ref>, <ref>два</ref></p>", ["Один, два"]),
    ("inline within inline", "<p><ref><hi>Один</hi> два</ref> три</p>", ["Один два три"]),
    ("picture", "<p>Один <graphic src='a.jpg' alt='Фото'/>два</p>", ["Один два"]),
    ("picture with a tail", "<p>Один</p><graphic src='a.jpg'>Фото</graphic>Два", ["Один", "Два"]),
    ("comment", "<p>Один<!-- два --> три</p>", ["Один три"]),
    ("instruction", "<p>Один<?php два?> три</p>", ["Один три"]),
    ("list", "<list><item>а</item><item>б</item></list>", ["- а\n- б"]),
    ("list between paragraphs", "<p>Один</p><list><item>а</item></list><p>Два</p>", ["Один", "- а", "Два"]),
    ("list inside a paragraph", "<p>Один<list><item>а</item></list>два</p>", ["Один", "- а", "два"]),
    ("list with dashes of its own", "<list><item>- а</item><item>– б</item><item>• в</item></list>", ["- а\n- б\n- в"]),
    ("list with empty items", "<list><item>а</item><item> </item><item/></list>", ["- а"]),
    ("list without items", "<list/>", []),
    ("list of paragraphs", "<list><item><p>а</p><p>б</p></item></list>", ["- а б"]),
    ("list with inline elements", "<list><item>а <hi>б</hi><ref>в</ref> г</item></list>", ["- а бв г"]),
    ("list with a line break", "<list><item>а<lb/>б</item></list>", ["- а б"]),
    ("nested list", "<list><item>а<list><item>б</item><item>в</item></list></item><item>г</item></list>",
     ["- а\n- б\n- в\n- г"]),
    ("text after a nested list", "<list><item>а<list><item>б</item></list>в</item></list>", ["- ав\n- б"]),
    ("table", "<table><row><cell>а</cell><cell>б</cell></row><row><cell>в</cell><cell>г</cell></row></table>",
     ["а | б\nв | г"]),
    ("table with an empty cell",
     "<table><row><cell>а</cell><cell>б</cell></row><row><cell/><cell>г</cell></row></table>",
     ["а | б\n| г"]),
    ("table with an empty cell at the end",
     "<table><row><cell>а</cell><cell>б</cell></row><row><cell>в</cell><cell/></row></table>",
     ["а | б\nв |"]),
    ("table with an empty column",
     "<table><row><cell>а</cell><cell/><cell>б</cell></row><row><cell/><cell/><cell>г</cell></row></table>",
     ["а | б\n| г"]),
    ("table with an empty row", "<table><row><cell>а</cell><cell>б</cell></row><row><cell/><cell/></row></table>",
     ["а | б"]),
    ("table with paragraphs in a cell", "<table><row><cell><p>а</p><p>б</p></cell><cell>в</cell></row></table>",
     ["а б | в"]),
    ("table between paragraphs", "<p>Один</p><table><row><cell>а</cell><cell>б</cell></row></table><p>Два</p>",
     ["Один", "а | б", "Два"]),
    ("layout: a cell", "<table><row><cell><p>Один</p><p>Два</p></cell></row></table>", ["Один", "Два"]),
    ("layout: an article beside a menu",
     f"<table><row><cell>Меню</cell><cell><p>{'слово ' * 40}</p><p>{'дело ' * 40}</p></cell></row></table>",
     ["Меню", "слово " * 39 + "слово", "дело " * 39 + "дело"]),
    ("layout: a column", "<table><row><cell>Один</cell></row><row><cell>Два</cell></row></table>", ["Один", "Два"]),
    ("layout: an empty column", "<table><row><cell/><cell><p>Один</p></cell></row></table>", ["Один"]),
    ("layout around data", "<table><row><cell><p>Один</p><table><row><cell>а</cell><cell>б</cell></row></table></cell>"
     "</row></table>", ["Один", "а | б"]),
    ("layout around a list", "<table><row><cell>Один<list><item>а</item></list></cell></row></table>", ["Один", "- а"]),
    ("table without rows", "<table/>", []),
    ("table of empty cells", "<table><row><cell/><cell> </cell></row></table>", []),
    ("odd characters", "<p>12\u00a0000 коопе\u00adратив</p>", ["12 000 кооператив"]),
    ("nothing", "", []),
]  # fmt: skip


def body(inner: str) -> etree._Element:
    return etree.fromstring(f"<body>{inner}</body>")


@pytest.mark.parametrize(("inner", "expected"), [row[1:] for row in BLOCKS], ids=[row[0] for row in BLOCKS])
def test_an_extracted_tree_becomes_blocks(inner: str, expected: list[str]) -> None:
    assert blocks(body(inner)) == expected


WORDS = st.text("абв", min_size=1, max_size=3)
TREES = st.recursive(
    WORDS,
    lambda inner: st.tuples(
        st.sampled_from(["p", "hi", "ref", "quote", "div", "head", "list", "item", "table", "row", "cell"]),
        st.lists(inner, max_size=4).map(" ".join),
    ).map(lambda pair: f"<{pair[0]}>{pair[1]}</{pair[0]}>"),
    max_leaves=15,
)


@given(st.lists(TREES, max_size=4).map(" ".join))
def test_every_tree_becomes_clean_blocks(inner: str) -> None:
    for block in blocks(body(inner)):
        assert block
        assert all(line and line == line.strip() and "  " not in line for line in block.split("\n"))


@given(st.lists(WORDS, min_size=1, max_size=8), st.data())
def test_no_word_of_running_text_is_lost(words: list[str], data: st.DataObject) -> None:
    wrappers = st.sampled_from(
        ["<p>{}</p>", "<hi>{}</hi> ", "<div><p>{}</p></div>", "{}<lb/>", "<quote>{}</quote>", "{} "]
    )
    inner = "".join(data.draw(wrappers).format(word) for word in words)
    assert " ".join(blocks(body(inner))).split() == words


HTML = [
    ("paragraphs and breaks", "<p>Один</p>Два<br>Три<hr><h2>Четыре</h2>", ["Один", "Два", "Три", "Четыре"]),
    ("lists", "<ul><li>а</li><li>б<b>в</b></li></ul><ol><li>г</li></ol>", ["- а\n- бв", "- г"]),
    ("tables", "<table><thead><tr><th>а<th>б</thead><tr><td>в<td>г</table>", ["а | б\nв | г"]),
    ("what nobody sees", "<p>Один<script>a</script></p><style>b</style><textarea>c</textarea><img alt='d'>", ["Один"]),
    ("sections", "<section><header>Один</header><blockquote>Два</blockquote></section>", ["Один", "Два"]),
]


@pytest.mark.parametrize(("inner", "expected"), [row[1:] for row in HTML], ids=[row[0] for row in HTML])
def test_html_becomes_blocks_and_stays_as_it_is(inner: str, expected: list[str]) -> None:
    tree = fromstring(f"<div>{inner}</div>")
    before = etree.tostring(tree)
    assert html_blocks(tree) == expected
    assert etree.tostring(tree) == before


def test_a_line_that_begins_with_a_comma_belongs_to_the_one_before() -> None:
    assert joined(["Иванов", ", министр, сказал:", "«Да»", ", и ушёл."]) == [
        "Иванов, министр, сказал:",
        "«Да», и ушёл.",
    ]
    assert joined([", а", "- б", ", в", "Да.", ") г"]) == [", а", "- б", ", в", "Да.", ") г"]
    assert joined([]) == []
