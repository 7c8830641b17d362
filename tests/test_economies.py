"""What spares trafilatura and justext work changes nothing of what they find."""

from __future__ import annotations

import pytest
from justext import core
from lxml.html import document_fromstring
from trafilatura import external, settings

from extractors.economies import _Paragraph, _unwanted, economise, load_stop_words

PAGES = {
    "plain": "<body><div class='text'><p>One</p></div></body>",
    "banner by class": "<body><div class='a Cookie-Notice b'><p>One</p></div><p id='x'>Two</p></body>",
    "banner by id": "<body><section id='onetrust-sdk'>One<footer>Two</footer></section></body>",
    "what goes anyway": "<body><aside>One</aside><div id='footer' class='cookiebot'>Two</div><style>3</style></body>",
    "class before id": "<body><div class='footer' id='a'>One</div><div id='a' class='footer'>Two</div></body>",
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_what_is_deleted_is_what_trafilatura_would_delete(page: str) -> None:
    tree = document_fromstring(page)
    assert _unwanted(tree) == settings.BASIC_CLEAN_XPATH(tree)


def test_stop_words_come_in_small_letters() -> None:
    load_stop_words()
    assert isinstance(external.JT_STOPLIST, frozenset)
    assert {word for word in external.JT_STOPLIST if word != word.lower()} == set()


def test_a_paragraph_of_justext_reads_as_before() -> None:
    economise()
    load_stop_words()
    tree = document_fromstring("<body><p>One\n  two <a href='/'>three</a> four<br><br>five</p><h2> Six </h2></body>")
    paragraphs = core.ParagraphMaker.make_paragraphs(tree)
    assert all(isinstance(one, _Paragraph) for one in paragraphs)
    assert [one.text for one in paragraphs] == [super(_Paragraph, one).text for one in paragraphs]
    assert [one.text for one in paragraphs] == ["One\ntwo three four", "five", "Six"]
    assert [one.chars_count_in_links for one in paragraphs] == [5, 0, 0]
