"""Which addresses mean one article: a table of spellings, and what holds for every address."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from extractors.urls import article_id, canonical_url, same_site

A = "https://site.kz/news/123"

CANONICAL = [
    # name, URL, its canonical form
    ("nothing to do", A, A),
    ("http", "http://site.kz/news/123", A),
    ("scheme in upper case", "HTTPS://site.kz/news/123", A),
    ("white space around", "  https://site.kz/news/123\n", A),
    ("www", "https://www.site.kz/news/123", A),
    ("numbered www", "https://www2.site.kz/news/123", A),
    ("mobile host", "https://m.site.kz/news/123", A),
    ("mobile host in full", "https://mobile.site.kz/news/123", A),
    ("AMP host", "https://amp.site.kz/news/123", A),
    ("two prefixes", "https://www.m.site.kz/news/123", A),
    ("prefix that is the site's name", "https://m.kz/news", "https://m.kz/news"),
    ("prefix before the site's name", "https://www.m.kz/news", "https://m.kz/news"),
    ("subdomain that is content", "https://rus.site.kz/news/123", "https://rus.site.kz/news/123"),
    ("host in upper case", "https://Site.KZ/news/123", A),
    ("host with a final dot", "https://site.kz./news/123", A),
    ("AMP path", "https://site.kz/news/123/amp", A),
    ("AMP path with slash", "https://site.kz/news/123/amp/", A),
    ("AMP path in upper case", "https://site.kz/news/123/AMP", A),
    ("AMP path twice", "https://site.kz/news/123/amp/amp/", A),
    ("AMP as part of a word", "https://site.kz/news/amp-lamp", "https://site.kz/news/amp-lamp"),
    ("AMP alone", "https://site.kz/amp", "https://site.kz/"),
    ("AMP in the middle", "https://site.kz/amp/news/1", "https://site.kz/amp/news/1"),
    ("AMP parameter", "https://site.kz/news/123?amp=1", A),
    ("AMP parameter without value", "https://site.kz/news/123?amp", A),
    ("AMP by output type", "https://site.kz/news/123?outputType=amp", A),
    ("mobile parameter", "https://site.kz/news/123?m=1", A),
    ("fragment", "https://site.kz/news/123#comments", A),
    ("empty query", "https://site.kz/news/123?", A),
    ("utm parameters", "https://site.kz/news/123?utm_source=rss&utm_medium=feed&utm_campaign=x", A),
    ("utm in upper case", "https://site.kz/news/123?UTM_Source=rss", A),
    ("ids of advertisers", "https://site.kz/news/123?fbclid=a&gclid=b&yclid=c&ysclid=d&msclkid=e", A),
    ("newsletter ids", "https://site.kz/news/123?mc_cid=1&mc_eid=2&xtor=RSS-1", A),
    ("openstat", "https://site.kz/news/123?_openstat=a;b;c", A),
    ("from=rss", "https://site.kz/news/123?from=rss", A),
    ("from=rss2", "https://site.kz/news/123?from=rss2", A),
    ("from=telegram", "https://site.kz/news/123?from=telegram", A),
    ("from=almaty", "https://site.kz/timetable?from=almaty", "https://site.kz/timetable?from=almaty"),
    ("source that is content", "https://site.kz/?source=tengri", "https://site.kz/?source=tengri"),
    ("rss=1", "https://site.kz/news/123?rss=1", A),
    ("rss that is content", "https://site.kz/?rss=25", "https://site.kz/?rss=25"),
    ("real parameter", "https://site.kz/news.php?id=123", "https://site.kz/news.php?id=123"),
    ("real among tracking", "https://site.kz/n?utm_source=a&id=1&fbclid=b", "https://site.kz/n?id=1"),
    ("order of parameters", "https://site.kz/n?b=2&a=1", "https://site.kz/n?a=1&b=2"),
    ("repeated parameter", "https://site.kz/n?a=2&a=1", "https://site.kz/n?a=1&a=2"),
    ("parameter without value", "https://site.kz/?123", "https://site.kz/?123="),
    ("space in a parameter", "https://site.kz/?q=a%20b", "https://site.kz/?q=a+b"),
    ("Cyrillic parameter", "https://site.kz/?q=мост", "https://site.kz/?q=%D0%BC%D0%BE%D1%81%D1%82"),
    ("parameter in no known encoding", "https://site.kz/?q=%ec%ee", "https://site.kz/?q=%EC%EE"),
    ("ids of Facebook", "https://site.kz/news/123?fb_action_ids=1&fb_source=x&mibextid=y", A),
    ("ids of Google", "https://site.kz/news/123?gclsrc=a&srsltid=b&gad_source=1", A),
    ("Matomo's parameters", "https://site.kz/news/123?mtm_campaign=a&pk_kwd=b&matomo_source=c", A),
    ("campaigns", "https://site.kz/news/123?campaign_id=1&itm_source=a&hmb_medium=b", A),
    ("newsletters", "https://site.kz/news/123?mkt_tok=a&_hsenc=b&_hsmi=c&oly_enc_id=d&vero_id=e&_bhlid=f", A),
    ("a reply", "https://site.kz/news/123?replytocom=77#respond", A),
    ("ref of the linking site", "https://site.kz/news/123?ref=news.other.kz", A),
    ("ref that is content", "https://site.kz/?ref=123", "https://site.kz/?ref=123"),
    ("campaign that is content", "https://site.kz/?campaign=election", "https://site.kz/?campaign=election"),
    ("dot segments", "https://site.kz/a/../news/./123", A),
    ("dot segments above the root", "https://site.kz/../../news/123", A),
    ("dot segments at the end", "https://site.kz/news/123/4/..", A),
    ("escaped dot segments", "https://site.kz/a/%2E%2e/news/%2e/123", A),
    ("dots within names stay", "https://site.kz/news/..a/b..", "https://site.kz/news/..a/b.."),
    ("a hidden file", "https://site.kz/.well-known/a", "https://site.kz/.well-known/a"),
    ("dot segments behind doubled slashes", "https://site.kz/news//../123", A),
    ("a joiner stays", "https://site.kz/a\u200cb", "https://site.kz/a%E2%80%8Cb"),
    ("a soft hyphen stays", "https://site.kz/a%C2%ADb", "https://site.kz/a%C2%ADb"),
    ("host in escapes", "https://s%69te.kz/news/123", A),
    ("IDN in escapes", "https://%D0%BF%D1%80%D0%B8%D0%BC%D0%B5%D1%80.рф/a", "https://xn--e1afmkfd.xn--p1ai/a"),
    ("IPv6 in full", "https://[2001:db8:0:0:0:0:0:1]/a", "https://[2001:db8::1]/a"),
    ("default port of https", "https://site.kz:443/news/123", A),
    ("default port of http", "http://site.kz:80/news/123", A),
    ("no port after the colon", "https://site.kz:/news/123", A),
    ("other port", "https://site.kz:8443/news/123", "https://site.kz:8443/news/123"),
    ("other port of http", "http://127.0.0.1:8080/n", "http://127.0.0.1:8080/n"),
    ("user and password", "https://user:secret@site.kz/news/123", A),
    ("final slash", "https://site.kz/news/123/", A),
    ("doubled slashes", "https://site.kz//news///123//", A),
    ("no path", "https://site.kz", "https://site.kz/"),
    ("root", "https://site.kz/", "https://site.kz/"),
    ("query without path", "https://site.kz?id=1", "https://site.kz/?id=1"),
    ("case of a path", "https://site.kz/News/AbC", "https://site.kz/News/AbC"),
    ("lower case escapes", "https://site.kz/%d0%bc", "https://site.kz/%D0%BC"),
    ("Cyrillic path", "https://site.kz/мост", "https://site.kz/%D0%BC%D0%BE%D1%81%D1%82"),
    ("escaped letter", "https://site.kz/n%65ws/%31%32%33", A),
    ("escaped tilde", "https://site.kz/%7euser", "https://site.kz/~user"),
    ("escaped slash stays", "https://site.kz/a%2fb", "https://site.kz/a%2Fb"),
    ("escaped question mark stays", "https://site.kz/a%3fb", "https://site.kz/a%3Fb"),
    ("percent sign alone", "https://site.kz/100%", "https://site.kz/100%25"),
    ("escaped percent sign", "https://site.kz/100%25", "https://site.kz/100%25"),
    ("escape of an escape", "https://site.kz/%2541", "https://site.kz/%2541"),
    ("path in no known encoding", "https://site.kz/%ec%ee", "https://site.kz/%EC%EE"),
    ("plus in a path", "https://site.kz/c5+1", "https://site.kz/c5+1"),
    ("IDN", "https://пример.рф/a", "https://xn--e1afmkfd.xn--p1ai/a"),
    ("punycode", "https://XN--E1AFMKFD.xn--p1ai/a", "https://xn--e1afmkfd.xn--p1ai/a"),
    ("IDN with www", "https://www.ПРИМЕР.рф/a", "https://xn--e1afmkfd.xn--p1ai/a"),
    ("IDN with an ideographic dot", "https://例。/", "https://xn--fsq/"),
    ("IPv4", "https://192.0.2.7/a", "https://192.0.2.7/a"),
    ("IPv6", "https://[2001:DB8::1]/a", "https://[2001:db8::1]/a"),
    ("IPv6 with a port", "http://[2001:db8::1]:8080/a", "http://[2001:db8::1]:8080/a"),
    ("search in Kommersant's links", "https://www.kommersant.ru/doc/1?query=сша&sids=1", "https://kommersant.ru/doc/1"),
    ("the same words elsewhere", "https://site.kz/?query=a&sids=1", "https://site.kz/?query=a&sids=1"),
]  # fmt: skip

NOT_HTTP = [
    ("empty", ""),
    ("words", "not a url"),
    ("relative", "/news/123"),
    ("without scheme", "//site.kz/news"),
    ("without slashes", "http:/site.kz/news"),
    ("ftp", "ftp://site.kz/news"),
    ("mail", "mailto:editor@site.kz"),
    ("script", "javascript:alert(1)"),
    ("no host", "https:///news"),
    ("host of dots", "https://./news"),
    ("empty label", "https://site..kz/news"),
    ("space in the host", "https://site kz/news"),
    ("letters that turn into dots", "https://a…b/"),
    ("letters that turn into a bracket", "https://a［b/"),
    ("label too long", f"https://{'é' * 80}.kz/"),
    ("port too high", "https://site.kz:99999/"),
    ("port of letters", "https://site.kz:eighty/"),
    ("half an IPv6 address", "https://[::1/"),
    ("half a surrogate", "https://site.kz/\ud800"),
]

# Names of files in corpora that exist: a change here breaks every one of them.
GOLDEN_IDS = [
    ("http://www.kazpravda.kz/n/summit/?utm_source=rss#top", "https://kazpravda.kz/n/summit", "15b7a78487299a95"),
    ("https://www.kommersant.ru/doc/8180001?from=rss", "https://kommersant.ru/doc/8180001", "deaac65b2ce549e5"),
    (
        "https://пример.рф/мост?b=7&a=1",
        "https://xn--e1afmkfd.xn--p1ai/%D0%BC%D0%BE%D1%81%D1%82?a=1&b=7",
        "d2a3393a24e0dd00",
    ),
]

SITES = [
    ("the same host", "https://site.kz/a", "https://site.kz/b", True),
    ("www", "https://www.site.kz/a", "http://site.kz/b", True),
    ("subdomains", "https://rus.site.kz/a", "https://kaz.site.kz/b", True),
    ("different port", "https://site.kz:8080/a", "https://site.kz/b", True),
    ("IDN and punycode", "https://пример.рф/", "https://xn--e1afmkfd.xn--p1ai/", True),
    ("another site", "https://site.kz/a", "https://other.kz/a", False),
    ("another country", "https://site.kz/a", "https://site.uz/a", False),
    ("the ending alone", "https://notsite.kz/", "https://site.kz/", False),
    ("below a public second level", "https://a.site.com.kz/", "https://site.com.kz/", True),
    ("neighbours below a public second level", "https://site.com.kz/", "https://other.com.kz/", False),
    ("British newspapers", "https://news.bbc.co.uk/", "https://guardian.co.uk/", False),
    ("one IPv4 address", "http://127.0.0.1:1/", "http://127.0.0.1:2/", True),
    ("IPv4 addresses with one end", "http://127.0.0.1/", "http://10.0.0.1/", False),
    ("one IPv6 address", "http://[::1]/", "http://[::1]:8080/", True),
    ("nothing and nothing", "", "", False),
    ("no address", "https://site.kz/", "site.kz", False),
    ("a broken address", "https://site.kz/", "https://[site.kz/", False),
]


@pytest.mark.parametrize(("url", "expected"), [row[1:] for row in CANONICAL], ids=[row[0] for row in CANONICAL])
def test_spellings_of_an_address_have_one_canonical_form(url: str, expected: str) -> None:
    assert canonical_url(url) == expected
    assert canonical_url(expected) == expected


@pytest.mark.parametrize("url", [row[1] for row in NOT_HTTP], ids=[row[0] for row in NOT_HTTP])
def test_what_is_no_http_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        canonical_url(url)


LABELS = st.text("abzéяmw0-.。…_%", min_size=1, max_size=12) | st.sampled_from(["www", "m", "amp", "site", "kz", "рф"])
HOSTS = st.lists(LABELS, min_size=1, max_size=4).map(".".join) | st.sampled_from(["[::1]", "127.0.0.1", "[v1.a]"])
PORTS = st.just("") | st.integers(-1, 70000).map(lambda n: f":{n}") | st.just(":")
SEGMENTS = st.text(max_size=6) | st.sampled_from(["amp", "AMP", "", "..", "%", "%41", "%d0", "%2f", "%25", "мост"])
PATHS = st.lists(SEGMENTS, max_size=5).map(lambda parts: "".join(f"/{part}" for part in parts))
NAMES = st.sampled_from(["utm_x", "from", "amp", "id", "q", "", "%ff", "rss"]) | st.text(max_size=3)
VALUES = st.sampled_from(["rss", "1", "", "%e4", "a+b", "a%20b", "%"]) | st.text(max_size=4)
QUERIES = st.just("") | st.lists(st.tuples(NAMES, VALUES).map("=".join), max_size=4).map(lambda q: "?" + "&".join(q))
URLS = st.tuples(st.sampled_from(["http://", "https://", "HTTPS://"]), HOSTS, PORTS, PATHS, QUERIES).map("".join)


@given(URLS | st.text(max_size=40) | st.text(max_size=40).map("https://".__add__))
@example("https://a.kz/amp/amp")
@example("https://www.www.m.a.kz/")
@example("http://./")
@example("http://0\x85")
def test_a_canonical_form_is_its_own_canonical_form(url: str) -> None:
    try:
        canonical = canonical_url(url)
    except ValueError:
        return
    assert canonical_url(canonical) == canonical
    assert canonical.isascii()
    assert same_site(url, canonical)


@pytest.mark.parametrize("url", ["https://site.kz/" + "я" * 900, "http://www.site.kz:8080/?q=" + "a" * 1500])
def test_of_an_endless_address_host_and_hash_remain(url: str) -> None:
    canonical = canonical_url(url)
    assert len(canonical) < 120
    assert same_site(url, canonical)
    assert canonical_url(canonical) == canonical == canonical_url(url + "&utm_source=rss" * ("?" in url))
    assert canonical_url(url + "b") != canonical


@given(st.permutations([("id", "1"), ("id", "2"), ("page", "3"), ("q", "мост"), ("utm_source", "rss")]))
def test_the_order_of_parameters_means_nothing(pairs: list[tuple[str, str]]) -> None:
    query = "&".join(f"{name}={value}" for name, value in pairs)
    assert canonical_url(f"https://site.kz/?{query}") == canonical_url(
        "https://site.kz/?q=%D0%BC%D0%BE%D1%81%D1%82&page=3&id=2&id=1"
    )


@pytest.mark.parametrize(("url", "canonical", "identifier"), GOLDEN_IDS)
def test_articles_keep_the_ids_they_have_in_existing_corpora(url: str, canonical: str, identifier: str) -> None:
    assert canonical_url(url) == canonical
    assert article_id(canonical) == identifier


@pytest.mark.parametrize(("url", "other", "expected"), [row[1:] for row in SITES], ids=[row[0] for row in SITES])
def test_hosts_of_one_site_are_told_from_others(url: str, other: str, expected: bool) -> None:
    assert same_site(url, other) is expected
    assert same_site(other, url) is expected
