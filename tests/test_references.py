"""References as browsers resolve them, and links in feeds that browsers or readers mend."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.feeds.links import resolve
from extractors.references import absolute

BASE = "https://www.site.kz/feeds/rss.xml?lang=ru"

REFERENCES = [
    # name, reference, address (https://url.spec.whatwg.org/, 4.4)
    ("absolute", "https://other.kz/a?b#c", "https://other.kz/a?b#c"),
    ("a path", "/a", "https://www.site.kz/a"),
    ("a file", "a.html", "https://www.site.kz/feeds/a.html"),
    ("one folder up", "../a", "https://www.site.kz/a"),
    ("a query", "?id=1", "https://www.site.kz/feeds/rss.xml?id=1"),
    ("a host", "//other.kz/a", "https://other.kz/a"),
    ("too many slashes", "https:////other.kz/a", "https://other.kz/a"),
    ("a host behind three slashes", "///other.kz/a", "https://other.kz/a"),
    ("backslashes", r"https:\\other.kz\a\b", "https://other.kz/a/b"),
    ("a host behind backslashes", r"\\other.kz\a", "https://other.kz/a"),
    ("a path of backslashes", r"\a\b", "https://www.site.kz/a/b"),
    ("backslashes in a query stay", r"/a?b\c", r"https://www.site.kz/a?b\c"),
    ("another scheme without slashes", "http:other.kz/a", "http://other.kz/a"),
    ("the same scheme without slashes", "https:a", "https://www.site.kz/feeds/a"),
    ("tabs and breaks", "ht\ntps://oth\ter.kz/\r\na", "https://other.kz/a"),
    ("control characters around", "\x00 https://other.kz/a \x1f", "https://other.kz/a"),
    ("a joiner in the path", "/خبر\u200cها", "https://www.site.kz/خبر%E2%80%8Cها"),
    ("a soft hyphen in the query", "/?q=a\u00adb", "https://www.site.kz/?q=a%C2%ADb"),
    ("a soft hyphen in the host", "https://oth\u00ader.kz/a", "https://other.kz/a"),
    ("a no-break space", "/a\u00a0b", "https://www.site.kz/a%C2%A0b"),
    ("letters of two characters stay so", "/и\u0306", "https://www.site.kz/и\u0306"),
    ("a NUL", "/a\0b", "https://www.site.kz/a%00b"),
    ("ftp", "ftp://other.kz/a", None),
    ("mail", "mailto:a@other.kz", None),
    ("a script", "java\nscript:alert(1)", None),
]

LINKS = [
    # name, link, address
    ("one slash", "https:/other.kz/a", "https://other.kz/a"),
    ("no slash", "https:other.kz/a", "https://other.kz/a"),
    ("no colon", "https//other.kz/a", "https://other.kz/a"),
    ("a blank before the colon", "https ://other.kz/a", "https://other.kz/a"),
    ("a blank behind the slashes", "https:// other.kz/a", "https://other.kz/a"),
    ("two colons", "https:://other.kz/a", "https://other.kz/a"),
    ("a semicolon", "https;//other.kz/a", "https://other.kz/a"),
    ("the scheme twice", "http://https://other.kz/a", "https://other.kz/a"),
    ("the scheme twice, once without its colon", "http://https//other.kz/a", "https://other.kz/a"),
    ("slashes escaped as in JSON", r"https:\/\/other.kz\/a", "https://other.kz/a"),
    ("escaped as a whole", "https%3A%2F%2Fother.kz%2Fa%3Fid%3D1", "https://other.kz/a?id=1"),
    ("an anchor", '<a href="https://other.kz/a?x=1&amp;y=2">Мост</a>', "https://other.kz/a?x=1&y=2"),
    ("an anchor without quotes", "<A target=_blank HREF=/a>Мост</A>", "https://www.site.kz/a"),
    ("brackets", "<https://other.kz/a>", "https://other.kz/a"),
    ("quotation marks", '"https://other.kz/a"', "https://other.kz/a"),
    ("the marks of CDATA", "<![CDATA[ https://other.kz/a ]]>", "https://other.kz/a"),
    ("our own host without a scheme", "site.kz/a", "https://site.kz/a"),
    ("an IPv4 address", "https:/192.0.2.1:8080/a", "https://192.0.2.1:8080/a"),
    ("marks around", "\ufeffhttps://other.kz/a\u200b", "https://other.kz/a"),
    ("no host to be seen", "https//news/a", None),
    ("a host of nothing", "https ://", None),
    ("a colon for a host", "https://:/", None),
]

AS_WRITTEN = [
    # name, link, address
    ("a path behind the scheme", "https:/news/a", "https://www.site.kz/news/a"),
    ("a file behind the scheme", "https:/index.html", "https://www.site.kz/index.html"),
    ("a folder called http", "http/2-explained", "https://www.site.kz/feeds/http/2-explained"),
    ("a file with a dot", "news.html", "https://www.site.kz/feeds/news.html"),
    ("a folder with a dot", "other.kz/a", "https://www.site.kz/feeds/other.kz/a"),
    ("brackets at the end", "https://other.kz/a_(b)", "https://other.kz/a_(b)"),
    ("an address in the query", "https://other.kz/?u=https://site.kz/", "https://other.kz/?u=https://site.kz/"),
]


@pytest.mark.parametrize(("reference", "url"), [row[1:] for row in REFERENCES], ids=[row[0] for row in REFERENCES])
def test_a_reference_leads_where_browsers_go(reference: str, url: str | None) -> None:
    assert absolute(reference, base=BASE) == url


@pytest.mark.parametrize(("link", "url"), [row[1:] for row in LINKS], ids=[row[0] for row in LINKS])
def test_a_faulty_link_leads_where_it_was_meant_to_or_nowhere(link: str, url: str | None) -> None:
    assert resolve(link, base=BASE) == url


@pytest.mark.parametrize(("link", "url"), [row[1:] for row in AS_WRITTEN], ids=[row[0] for row in AS_WRITTEN])
def test_a_link_that_is_unusual_but_sound_is_left_as_it_is(link: str, url: str) -> None:
    assert resolve(link, base=BASE) == url


SCHEMES = st.sampled_from(["http", "https", "HTTP", "ttps", "ftp", ""])
BETWEEN = st.text(":;/\\ \t", max_size=5)
REST = st.sampled_from(["other.kz/a", "news/1", "[::1]/", "a@b", "127.1", "", "http://", "%3a%2f", "."]) | st.text(
    max_size=8
)


@given(st.tuples(SCHEMES, BETWEEN, REST).map("".join) | st.text(max_size=30))
def test_any_link_becomes_a_web_address_or_none(link: str) -> None:
    url = resolve(link, base=BASE)
    if url is not None:
        assert urlsplit(url).scheme in ("http", "https")
        assert url.isprintable()
