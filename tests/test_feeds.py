"""Feeds: bytes → entries. Golden pairs in data/feeds, tables for dates and links, mutated feeds for the rest."""

from __future__ import annotations

import base64
import gzip
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractors.dates.moments import parse_date
from extractors.feeds import parsing as feeds
from extractors.feeds.links import article_url
from extractors.feeds.loose_json import loose_json
from extractors.feeds.markup import as_html, plain, repaired
from extractors.feeds.parsing import parse_feed
from extractors.records import Entry, Feed, ItemError, Outcome

DATA = Path(__file__).parent / "data" / "feeds"
FEEDS = sorted(path for path in DATA.iterdir() if not path.name.endswith(".expected.json"))
URL = "https://feeds.example/rss/all.xml"
NOW = datetime(2025, 11, 22, 6, 0, tzinfo=UTC)
TASHKENT = timezone(timedelta(hours=5))


def parsed(body: bytes | str, *, charset: str | None = None, url: str = URL) -> Feed:
    return parse_feed(
        body.encode() if isinstance(body, str) else body, url=url, charset=charset, now=NOW, zone=TASHKENT
    )


def rss(items: str, *, attributes: str = "", channel: str = "<link>https://site.example/</link>") -> str:
    return f'<rss version="2.0"{attributes}><channel><title>T</title>{channel}{items}</channel></rss>'


def only(feed: Feed) -> Entry:
    (entry,) = feed.entries
    return entry


def refusal(body: bytes | str) -> ItemError:
    with pytest.raises(ItemError) as caught:
        parsed(body)
    assert caught.value.url == URL
    return caught.value


# --- Golden feeds -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FEEDS, ids=[path.name for path in FEEDS])
def test_feed_gives_the_entries_written_down_for_it(path: Path, golden: Callable[[Path, str], None]) -> None:
    feed = parsed(path.read_bytes(), url=f"https://feeds.example/rss/{path.name}")
    values = asdict(feed)
    for entry in values["entries"]:
        entry["published"] = entry["published"] and entry["published"].isoformat()
        del entry["feed_url"]
    golden(path.with_suffix(".expected.json"), json.dumps(values, ensure_ascii=False, indent=1) + "\n")


# --- Dates ------------------------------------------------------------------------------------------------------

DATES = [
    ("Fri, 21 Nov 2025 10:00:00 +0500", "2025-11-21T10:00:00+05:00"),
    ("Fri, 21 Nov 2025 10:00:00 GMT", "2025-11-21T10:00:00+00:00"),
    ("Fri, 21 Nov 2025 10:00:00 Z", "2025-11-21T10:00:00+00:00"),
    ("Fri, 21 Nov 2025 10:00:00 EST", "2025-11-21T10:00:00-05:00"),
    ("Fri, 21 Nov 2025 10:00:00 PDT", "2025-11-21T10:00:00-07:00"),
    ("Fri, 21 Nov 2025 10:00:00 MSK", "2025-11-21T10:00:00+03:00"),
    ("Fri, 21 Nov 2025 10:00:00 ALMT", "2025-11-21T10:00:00+05:00"),
    ("Thu, 01 Feb 2024 10:00:00 ALMT", "2024-02-01T10:00:00+06:00"),
    ("Fri, 21 Nov 2025 10:00:00 GMT+5", "2025-11-21T10:00:00+05:00"),
    ("Fri, 21 Nov 2025 10:00:00 UTC+05:00", "2025-11-21T10:00:00+05:00"),
    ("Fri, 21 Nov 2025 10:00:00 +05:00", "2025-11-21T10:00:00+05:00"),
    ("Fri, 21 Nov 2025 10:00:00 +0330 (IRST)", "2025-11-21T10:00:00+03:30"),
    ("Fri, 21 Nov 2025 10:00:00 -0000", "2025-11-21T10:00:00+00:00"),
    ("Fri, 21 Nov 2025 10:00:00 QQQ", "2025-11-21T10:00:00+05:00"),
    ("Fri, 21 Nov 2025 10:00:00 +9900", "2025-11-21T10:00:00+05:00"),
    ("Fri, 21 Nov 2025 10:00:00", "2025-11-21T10:00:00+05:00"),
    ("Fri, 21 Nov 2025 10:00 +0500", "2025-11-21T10:00:00+05:00"),
    ("21 Nov 25 10:00:00 +0000", "2025-11-21T10:00:00+00:00"),
    ("21-Nov-2025 10:00:00", "2025-11-21T10:00:00+05:00"),
    ("Fri, 21 November 2025", "2025-11-21T00:00:00+05:00"),
    ("Fri Nov 21 10:00:00 UTC 2025", "2025-11-21T10:00:00+00:00"),
    ("Nov 21, 2025 3:05 PM EST", "2025-11-21T15:05:00-05:00"),
    ("Nov 21st, 2025 12:05 a.m.", "2025-11-21T00:05:00+05:00"),
    ("2025-11-21T10:00:00Z", "2025-11-21T10:00:00+00:00"),
    ("2025-11-21T10:00:00+05:00", "2025-11-21T10:00:00+05:00"),
    ("2025-11-21T10:00:00.123456+0500", "2025-11-21T10:00:00+05:00"),
    ("2025-11-21T10:00+05", "2025-11-21T10:00:00+05:00"),
    ("2025-11-21T24:00:00Z", "2025-11-22T00:00:00+00:00"),
    ("2025-11-21T23:59:60Z", "2025-11-21T23:59:59+00:00"),
    ("20251121T100000Z", "2025-11-21T10:00:00+00:00"),
    ("2025-11-21 10:00:00", "2025-11-21T10:00:00+05:00"),
    ("2025-11-21 10:00:00 +0300", "2025-11-21T10:00:00+03:00"),
    ("2025/11/21 10:00", "2025-11-21T10:00:00+05:00"),
    ("2025-11-21", "2025-11-21T00:00:00+05:00"),
    ("21.11.2025 10:00", "2025-11-21T10:00:00+05:00"),
    ("10:00, 21.11.2025", "2025-11-21T10:00:00+05:00"),
    ("Пт, 21 ноя 2025 10:00:00 +0500", "2025-11-21T10:00:00+05:00"),
    ("21 ноября 2025, 10:00", "2025-11-21T10:00:00+05:00"),
    ("21 ноября 2025 г. в 10:00 (МСК)", "2025-11-21T10:00:00+03:00"),
    ("пятница, 9 мая 2025", "2025-05-09T00:00:00+05:00"),
    ("2025 жылғы 21 қараша, 09:15", "2025-11-21T09:15:00+05:00"),
    ("3 шілде 2025 ж.", "2025-07-03T00:00:00+05:00"),
    ("21 noyabr 2025, 10:00", "2025-11-21T10:00:00+05:00"),
    ("3 iyul 2025", "2025-07-03T00:00:00+05:00"),
    ("1763701200", "2025-11-21T05:00:00+00:00"),
    ("1763701200000", "2025-11-21T05:00:00+00:00"),
    ("1763701200123456", "2025-11-21T05:00:00+00:00"),
    ("1763701200.5", "2025-11-21T05:00:00+00:00"),
    ("/Date(1763701200000)/", "2025-11-21T05:00:00+00:00"),
    ("/Date(1763701200000+0500)/", "2025-11-21T05:00:00+00:00"),
    ("17637012000", None),  # eleven digits: nothing
    ("Fri, 21 Nov 2025 10:00:00 America/Los_Angeles", "2025-11-21T10:00:00-08:00"),
    ("Fri, 21 Nov 2025 10:00:00 (europe/brussels)", "2025-11-21T10:00:00+01:00"),
    ("21 Jul 2025 10:00 America/Argentina/Buenos_Aires", "2025-07-21T10:00:00-03:00"),
    ("Fri, 21 Nov 2025 10:00:00 Nowhere/At_All", "2025-11-21T10:00:00+05:00"),
    ("Fri, 21 Nov 2025 10:00:00 Etc/GMT", "2025-11-21T10:00:00+00:00"),
    ("Fri, 21 Nov 2025 10:00:00 ET", "2025-11-21T10:00:00-05:00"),
    ("Mon, 21 Jul 2025 10:00:00 ET", "2025-07-21T10:00:00-04:00"),
    ("Mon, 21 Jul 2025 10:00:00 CT", "2025-07-21T10:00:00-05:00"),
    ("July 21, 2025 10:00 am MT", "2025-07-21T10:00:00-06:00"),
    ("Mon, 21 Jul 2025 10:00:00 PT", "2025-07-21T10:00:00-07:00"),
    ("Fri, 21 Nov 2025 10:00:00 MET", "2025-11-21T10:00:00+01:00"),
    ("Mon, 21 Jul 2025 10:00:00 MEST", "2025-07-21T10:00:00+02:00"),
    ("Fri, 21 Nov 2025 10:00:00 --0700", "2025-11-21T10:00:00-07:00"),
    ("2025-11-21T10:00:00:-0700", "2025-11-21T10:00:00-07:00"),
    ("2025-11-21 10:00:00-13:00", "2025-11-21T10:00:00+05:00"),
    ("2025-11-21 10:00:00+14:00", "2025-11-21T10:00:00+14:00"),
    ("Fri, 21 Nov 2025 9:5:7 GMT", "2025-11-21T09:05:07+00:00"),
    ("Fri, 21 Nov 2025 10 +0300", "2025-11-21T10:00:00+03:00"),
    ("21 Nov 2025 GMT", "2025-11-21T00:00:00+00:00"),
    ("21.11.2025 +0300", "2025-11-21T00:00:00+03:00"),
    ("2025 November 21", "2025-11-21T00:00:00+05:00"),
    ("Fri, 21/11/2025", "2025-11-21T00:00:00+05:00"),
    ("Fri, 11/21/2025 - 19:19", "2025-11-21T19:19:00+05:00"),
    ("11/21/25 19:19:58", "2025-11-21T19:19:58+05:00"),
    ("21.11.25", "2025-11-21T00:00:00+05:00"),
    ("03/04/2025 3:04 PM", None),  # March or April
    ("Mon, 24 Nov 2025 05:00:00 GMT", "2025-11-24T05:00:00+00:00"),
    ("Mon, 24 Nov 2025 07:00:00 GMT", None),
    ("Mon, 01 Jan 2035 00:00:00 GMT", None),
    ("Thu, 01 Jan 1970 00:00:00 +0000", None),
    ("0001-01-01T00:00:00+14:00", None),
    ("9999-12-31T24:00:00-12:00", None),
    ("31 Dec 1994 23:00:00 GMT", None),
    ("Fri, 31 Feb 2025 10:00:00 GMT", None),
    ("2025-11-21T25:00:00Z", None),
    ("03/04/2025", None),
    ("сегодня, 10:00", None),
    ("21 Smarch 2025", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "moment"), DATES)
def test_date_is_read_in_its_own_zone_or_in_that_of_the_source(text: str, moment: str | None) -> None:
    date = parse_date(text, zone=TASHKENT, now=NOW)
    assert (date and date.isoformat()) == moment


@given(st.text(max_size=60) | st.from_regex(r"\d{1,4}[-. ](\d\d?|nov|мая)[-. ]\d{1,4}[T ]\d\d:\d\d ?[+-]?\d{0,4}"))
def test_any_text_is_a_date_with_zone_or_none(text: str) -> None:
    date = parse_date(text, zone=TASHKENT, now=NOW)
    assert date is None or (date.utcoffset() is not None and date.year >= 1995)


def test_updated_counts_only_where_nothing_says_published() -> None:
    item = "<entry><link href='https://a.example/1'/>{}<updated>2025-11-21T10:00:00Z</updated></entry>"
    atom = '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/">' + item + "</feed>"
    updated = datetime(2025, 11, 21, 10, tzinfo=UTC)
    assert only(parsed(atom.format(""))).published == updated
    assert only(parsed(atom.format("<published>2025-11-20T10:00:00Z</published>"))).published == updated - timedelta(1)
    assert only(parsed(atom.format("<dc:date>2025-11-20T10:00:00Z</dc:date>"))).published == updated - timedelta(1)
    assert only(parsed(atom.format("<published>soon</published>"))).published == updated


# --- Links ------------------------------------------------------------------------------------------------------

BASE = "https://site.example/news/"
LINKS = [
    ("https://site.example/1", "https://site.example/1"),
    ("HTTP://Site.example/1", "http://Site.example/1"),
    ("1", "https://site.example/news/1"),
    ("/1?a=b#c", "https://site.example/1?a=b#c"),
    ("../1", "https://site.example/1"),
    ("?id=1", "https://site.example/news/?id=1"),
    ("//m.site.example/1", "https://m.site.example/1"),
    ("www.site.example/1", "https://www.site.example/1"),
    ("  https://site.example/1\n", "https://site.example/1"),
    ("https://site.example/\n      1", "https://site.example/1"),
    ("https://site.example/a b", "https://site.example/a%20b"),
    ("https://site.example/\u200b1\u202e", "https://site.example/%E2%80%8B1"),
    ("https://site.example/?a=1&amp;b=2", "https://site.example/?a=1&b=2"),
    ("https://site.example/новости/1", "https://site.example/новости/1"),
    ("https://қазақ.example/1", "https://қазақ.example/1"),
    ("https://site.kzhttps://other.kz/x", "https://other.kz/x"),
    ("http://a.kzhttp://b.kzhttps://c.kz/x?u=https://d.kz", "https://c.kz/x?u=https://d.kz"),
    ("https://site.kz/https://other.kz/x", "https://other.kz/x"),
    ("https://web.example/20250101/https://other.kz/x", "https://web.example/20250101/https://other.kz/x"),
    ("https://www.google.com/url?sa=t&url=https://a.kz/x%3Fb%3D1&ct=ga", "https://a.kz/x?b=1"),
    ("https://google.co.uk/url?q=https://a.kz/x", "https://a.kz/x"),
    ("https://www.google.com/url?url=https://www.google.com/url?q%3Dhttps://a.kz/x", "https://a.kz/x"),
    ("https://www.google.com/url?url=javascript:x", "https://www.google.com/url?url=javascript:x"),
    ("https://google.evil.example/url?url=https://a.kz/x", "https://google.evil.example/url?url=https://a.kz/x"),
    ("http://www.bing.com/news/apiclick.aspx?tid=1&url=https%3a%2f%2fa.kz%2fx%3fp%3d1&c=2", "https://a.kz/x?p=1"),
    ("https://site.example/?utm_source=rss", "https://site.example/?utm_source=rss"),
    ("feed:https://site.example/rss", "https://site.example/rss"),
    ("FEED://site.example/rss", "http://site.example/rss"),
    ("feed://https://site.example/rss", "https://site.example/rss"),
    ("feed:rss", None),
    ("feed.xml", "https://site.example/news/feed.xml"),
    ("mailto:a@site.example", None),
    ("javascript:void(0)", None),
    ("ftp://site.example/1", None),
    ("http://", None),
    ("http://[broken/1", None),
    ("https://site.example:port/1", None),
    ("#top", None),
    ("", None),
]


@pytest.mark.parametrize(("link", "url"), LINKS)
def test_link_becomes_the_address_of_the_article(link: str, url: str | None) -> None:
    assert article_url([link], permalink=None, base=BASE) == url


@given(st.text(max_size=80), st.sampled_from([BASE, "", "mailto:x", "http://["]))
def test_any_text_is_a_web_address_or_none(link: str, base: str) -> None:
    url = article_url([link], permalink=link, base=base)
    assert url is None or (url.lower().startswith(("http://", "https://")) and not set(url) & set(" \n\t\0"))


def google_news(*fields: bytes, form: str = "https://news.google.com/rss/articles/{}?oc=5") -> str:
    """An address of Google News with these texts in its identifier, each with a length and an end."""
    inner = b"\x08\x13\x22" + b"".join(bytes([len(text)]) + text + b"\xd2\x01" for text in fields)
    return form.format(base64.urlsafe_b64encode(inner).decode().rstrip("="))


@pytest.mark.parametrize(
    ("link", "url"),
    [
        (google_news(b"https://a.kz/news/1"), "https://a.kz/news/1"),
        (google_news(b"https://a.kz/news/1", b"https://amp.a.kz/news/1"), "https://a.kz/news/1"),
        (google_news(b"https://a.kz/x?y=1", form="https://news.google.com/articles/{}"), "https://a.kz/x?y=1"),
        (google_news(b"http://a.kz/1", form="https://news.google.com/__i/rss/rd/articles/{}?oc=5"), "http://a.kz/1"),
        (google_news(b"https://www.google.com/url?q=https://a.kz/1"), "https://a.kz/1"),
        (google_news(b"AU_yqLNumber"), None),
        (google_news(b"https://"), None),
        ("https://news.google.com/rss/articles/CBMiAAAAAAAAA", None),
        ("https://news.google.com/topstories", "https://news.google.com/topstories"),
    ],
)
def test_an_article_of_google_news_leads_to_its_outlet_where_its_address_tells(link: str, url: str | None) -> None:
    assert article_url([link], permalink=None, base=BASE) == url


@given(st.from_regex(r"[A-Za-z0-9_-]{10,60}", fullmatch=True))
def test_any_identifier_of_google_news_is_an_address_or_none(article: str) -> None:
    url = article_url([f"https://news.google.com/read/{article}"], permalink=None, base=BASE)
    assert url is None or url.startswith(("http://", "https://"))


def test_articles_of_google_news_that_only_a_browser_finds_are_told_of() -> None:
    links = [google_news(b"https://a.kz/1"), google_news(b"AU_yqLNumber"), google_news(b"AU_yqLOther")]
    feed = parsed(rss("".join(f"<item><link>{link}</link></item>" for link in links)))
    assert [entry.url for entry in feed.entries] == ["https://a.kz/1"]
    assert feed.skipped == 2
    assert feed.warning == "2 links lead through Google News, which only a browser can follow"


ITEM_LINKS = [
    ("a link", "<link>https://a.kz/1</link><guid>https://a.kz/2</guid>", "https://a.kz/1"),
    ("a guid before the link", "<guid>https://a.kz/2</guid><link>https://a.kz/1</link>", "https://a.kz/1"),
    ("a guid alone", "<guid>https://a.kz/2</guid>", "https://a.kz/2"),
    ("a guid said to be a link", '<guid isPermaLink="TRUE">https://a.kz/2</guid>', "https://a.kz/2"),
    ("a guid and an empty link", "<link/><guid>https://a.kz/2</guid>", "https://a.kz/2"),
    ("a guid and a useless link", "<link>javascript:0</link><guid>https://a.kz/2</guid>", "https://a.kz/2"),
    ("a guid said to be none", '<guid isPermaLink="false">https://a.kz/2</guid>', None),
    ("a guid said loudly to be none", "<guid isPermaLink='False'>https://a.kz/2</guid>", None),
    (
        "only a guid of the site said to be none",
        '<guid isPermaLink="false">https://site.example/2</guid>',
        "https://site.example/2",
    ),
    (
        "only a guid of its other host said to be none",
        '<guid isPermaLink="false">http://ru.site.example/2</guid>',
        "http://ru.site.example/2",
    ),
    (
        "a guid of the site said to be none, and a useless link",
        '<link>javascript:0</link><guid isPermaLink="false">https://site.example/2</guid>',
        None,
    ),
    ("a guid that is a number", "<guid>12345</guid>", None),
    ("atom:link", '<a:link rel="alternate" href="/3"/><guid isPermaLink="false">x</guid>', "https://site.example/3"),
    ("atom:link to the feed", '<a:link rel="self" href="/rss"/>', None),
    ("an enclosure", '<enclosure url="https://a.kz/4.mp3" type="audio/mpeg"/>', None),
    (
        "a link of the picture",
        "<image><link>https://a.kz/5</link></image><link>https://a.kz/1</link>",
        "https://a.kz/1",
    ),
]


@pytest.mark.parametrize(("item", "url"), [row[1:] for row in ITEM_LINKS], ids=[row[0] for row in ITEM_LINKS])
def test_item_with_this_leads_there(item: str, url: str | None) -> None:
    good = "<item><link>https://a.kz/good</link></item>"
    feed = parsed(rss(f"<item>{item}</item>{good}", attributes=' xmlns:a="http://www.w3.org/2005/Atom"'))
    assert [entry.url for entry in feed.entries] == [*([url] if url else []), "https://a.kz/good"]
    assert feed.skipped == (url is None)


@pytest.mark.parametrize(
    ("feed", "entry", "languages", "first"),
    [
        ("ru", "", ("en", "ru"), "ru"),
        ("ru-KZ", "", ("kk", "RU"), "RU"),
        ("en", "ru", ("en", "ru"), "ru"),  # the entry's own goes before the feed's
        ("", "kk", ("ru", "kk-Cyrl"), "kk-Cyrl"),
        ("ru", "", ("en", "kk"), "en"),
        ("", "", ("en", "ru"), "en"),
    ],
)
def test_of_an_entrys_pages_in_several_languages_the_one_in_its_own_is_its(
    feed: str, entry: str, languages: tuple[str, str], first: str
) -> None:
    links = "".join(f'<link rel="alternate" hreflang="{one}" href="/{one}/1"/>' for one in languages)
    stated = [f' xml:lang="{language}"' if language else "" for language in (feed, entry)]
    body = (
        f'<feed xmlns="http://www.w3.org/2005/Atom"{stated[0]}><entry{stated[1]}><title>x</title>{links}</entry></feed>'
    )
    assert only(parsed(body)).url == f"https://feeds.example/{first}/1"


@pytest.mark.parametrize("moment", [1763701200, 1763701200.0, 1763701200000, "1763701200"])
def test_a_json_feed_may_state_its_dates_in_numbers(moment: float | str) -> None:
    item = {"url": "https://site.example/1", "date_published": moment, "date_modified": 1763800000}
    assert only(parsed(json.dumps({"items": [item]}))).published == datetime(2025, 11, 21, 5, tzinfo=UTC)


def test_user_and_password_in_a_link_are_not_kept() -> None:
    link = "http://alice:S3cret@site.example/1?by=me@home"
    entry = only(parsed(rss(f"<item><title>N</title><link>{link}</link><guid>{link}#id</guid></item>")))
    assert (entry.url, entry.guid) == ("http://site.example/1?by=me@home", "http://site.example/1?by=me@home#id")
    relative = only(parsed(rss("<item><title>N</title><link>//alice:S3cret@site.example/2</link></item>")))
    assert relative.url == "https://site.example/2"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://user@a.kz/1", "https://a.kz/1"),
        ("https://user:p@ss@a.kz:8080?x", "https://a.kz:8080?x"),
        (" HTTPS://user:@a.kz/@name", " HTTPS://a.kz/@name"),
        ("https:\\\\user:pw@a.kz\\1", "https:\\\\a.kz\\1"),
        ("https://a.kz/1?to=//user:pw@b.kz", "https://a.kz/1?to=//user:pw@b.kz"),
        ("https://a.kz#@b", "https://a.kz#@b"),
        ("tag:me@a.kz,2025:1", "tag:me@a.kz,2025:1"),
    ],
)
def test_an_entry_has_no_user_and_keeps_every_other_at_sign(written: str, kept: str) -> None:
    entry = Entry(written, URL, guid=written)
    assert (entry.url, entry.guid) == (kept, kept)


def test_relative_link_stands_on_channel_link_then_on_the_feed() -> None:
    item = "<item><link>1</link></item>"
    assert only(parsed(rss(item))).url == "https://site.example/1"
    assert only(parsed(rss(item, channel=""))).url == "https://feeds.example/rss/1"
    assert only(parsed(rss(item, channel="<link>/kz/</link>"))).url == "https://feeds.example/kz/1"
    assert only(parsed(rss(item, attributes=' xml:base="https://b.example/x/"'))).url == "https://b.example/x/1"


def test_guid_is_kept_as_it_is_written() -> None:
    items = '<item><link>https://a.kz/1</link><guid isPermaLink="false"><![CDATA[ tag:1 ]]></guid></item>'
    assert only(parsed(rss(items))).guid == "tag:1"
    assert only(parsed(rss("<item><link>https://a.kz/1</link></item>"))).guid is None


def test_feed_whose_items_have_no_links_says_so() -> None:
    feed = parsed(rss("<item><title>a</title></item><item><title>b</title></item>"))
    assert (feed.entries, feed.skipped, feed.warning) == ((), 2, "no item has a usable link")


SITE = "https://site.example"


def shared(items: int, link: str, guid: str, *, attributes: str = "") -> str:
    return rss(
        "".join(
            f"<item><title>{n}</title><link>{link.format(n=n)}</link><guid{attributes}>{guid.format(n=n)}</guid></item>"
            for n in range(items)
        )
    )


@pytest.mark.parametrize(
    ("feed", "paths"),
    [
        (shared(3, f"{SITE}/", SITE + "/a/{n}"), ["/a/0", "/a/1", "/a/2"]),
        (shared(2, f"{SITE}/", SITE + "/a/{n}"), ["/a/0", "/a/1"]),
        (shared(3, f"{SITE}/#feed", SITE + "/?p={n}", attributes=' isPermaLink="false"'), ["/?p=0", "/?p=1", "/?p=2"]),
        # A permanent link may lead to another site, a mere name in the shape of an address may not.
        (shared(3, f"{SITE}/", "https://other.example/{n}", attributes=' isPermaLink="false"'), ["/"]),
        (shared(3, f"{SITE}/live", "tag:{n}"), ["/live"]),
        (shared(3, f"{SITE}/#!/news/{{n}}", "{n}"), ["/#!/news/0", "/#!/news/1", "/#!/news/2"]),
        (
            json.dumps({"items": [{"id": f"{SITE}/{n}", "url": SITE + "/", "title": str(n)} for n in range(3)]}),
            ["/0", "/1", "/2"],
        ),
    ],
)
def test_items_that_share_one_link_are_led_to_by_their_guids(feed: str, paths: list[str]) -> None:
    assert [entry.url.removeprefix(SITE) for entry in parsed(feed).entries] == paths


@pytest.mark.parametrize(
    ("feed", "warning"),
    [
        (shared(4, f"{SITE}/", "{n}"), "4 items share one link"),
        (shared(2, f"{SITE}/", "{n}"), "2 items share one link"),
        (shared(5, f"{SITE}/#!/news/{{n}}", "{n}"), "5 items share one link"),
        (shared(4, f"{SITE}/", SITE + "/a/{n}"), None),
        (shared(4, f"{SITE}/", "the same"), None),  # one item, four times
    ],
)
def test_links_that_items_share_are_told_of(feed: str, warning: str | None) -> None:
    assert parsed(feed).warning == warning


def test_two_items_of_many_with_one_link_are_one_article_that_has_changed() -> None:
    twice = "<item><link>https://site.example/a</link><guid>https://site.example/v{0}</guid></item>"
    other = "<item><link>https://site.example/b</link></item>"
    feed = parsed(rss(twice.format(1) + other + twice.format(2)))
    assert [entry.url for entry in feed.entries] == ["https://site.example/a", "https://site.example/b"]
    assert feed.warning is None


def test_an_entry_of_a_blog_of_links_leads_to_the_page_that_it_is_about() -> None:
    item = {"id": "7", "external_url": "https://elsewhere.example/a"}
    assert only(parsed(json.dumps({"items": [item]}))).url == "https://elsewhere.example/a"
    own = item | {"url": "https://site.example/7"}
    assert only(parsed(json.dumps({"items": [own]}))).url == "https://site.example/7"
    atom = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>{}</id><title>T</title>'
        '<link rel="via" href="https://elsewhere.example/v"/><link rel="related" href="https://elsewhere.example/r"/>'
        "</entry></feed>"
    )
    assert only(parsed(atom.format("urn:7"))).url == "https://elsewhere.example/r"
    assert only(parsed(atom.format("https://site.example/7"))).url == "https://site.example/7"


# --- Text -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>Казах<b>стан</b></p><p>и США</p>", "Казахстан и США"),
        ("a<br>b<br/>c", "a b c"),
        ("5 < 10 &amp; 20 > 3", "5 < 10 & 20 > 3"),
        ("AT&T, Q&A;", "AT&T, Q&A;"),
        ("&laquo;Да&raquo;&nbsp;&#8211; &#x41;", "«Да» – A"),
        ("twice &amp;lt;b&amp;gt;", "twice &lt;b&gt;"),
        ("a<script>if (b < c) d()</script>e<style>f</style><!-- g <p> -->h", "aeh"),
        ("a<script>never closed", "a"),
        ("и\u0306од e\u0301", "йод é"),
        ("a\u202eb\u2066c\u200b\x00\x07d\u00ade\ufeff\ud800f", "abcdef"),
        ("&#0;&#xD800;&#1;a", "a"),
        (" \n\t\u00a0 ", None),
        ("<img src='a.jpg'/>", None),
        ("", None),
    ],
)
def test_markup_becomes_one_plain_line(markup: str, text: str | None) -> None:
    assert plain(markup) == text


@given(st.text(alphabet="<>/!-&;#x1asp'\"[]CDATA \n\ud800\0é", max_size=80))
def test_plain_text_and_repair_take_any_markup(markup: str) -> None:
    assert "\0" not in (plain(markup) or "")
    assert repaired(repaired(markup)) == repaired(markup)


def test_lines_without_tags_become_paragraphs() -> None:
    assert as_html("a &amp; b\n\n c &quot;d&quot;") == '<p>a &amp; b</p>\n<p>c "d"</p>'
    assert as_html("<p>a</p>") == "<p>a</p>"
    assert as_html("<p>a</p>", literal=True) == "<p>&lt;p&gt;a&lt;/p&gt;</p>"


def test_references_inside_cdata_are_left_alone() -> None:
    assert repaired("&nbsp;<![CDATA[&nbsp;& ]]>&") == "\u00a0<![CDATA[&nbsp;& ]]>&amp;"


def test_content_is_given_only_if_it_says_more_than_the_summary() -> None:
    item = "<item><link>https://a.kz/1</link>{}</item>"
    space = ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    lead, text = "<description>Начало.</description>", "<content:encoded>{}</content:encoded>"
    assert only(parsed(rss(item.format(lead + text.format("Начало. Далее")), attributes=space))).content is None
    long = "<p>" + "Начало. И ещё много слов. " * 10 + "</p>"
    entry = only(parsed(rss(item.format(lead + text.format(f"<![CDATA[{long}]]>")), attributes=space)))
    assert (entry.summary, entry.content) == ("Начало.", long)
    entry = only(parsed(rss(item.format(text.format("&lt;p&gt;Всё.&lt;/p&gt;")), attributes=space)))
    assert (entry.summary, entry.content) == (None, "<p>Всё.</p>")


# --- What is no feed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "empty body"),
        (" \r\n\t", "empty body"),
        (b"\xef\xbb\xbf\n", "empty body"),
        ("<!DOCTYPE html><html><body><rss></body></html>", "not a feed: html"),
        ("\n<HTML lang=ru>", "not a feed: html"),
        ('<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML"><html/>', "not a feed: html"),
        ("<script>location='/'</script>", "not a feed: html"),
        ("404 page", "not a feed"),
        ("<opml version='1.0'><head/><body/></opml>", "not a feed"),
        ("<xml><item/></xml>", "not a feed"),
        ("<sitemapindex><sitemap><loc>https://a.kz/1.xml</loc></sitemap></sitemapindex>", "not a feed"),
        ('{"error": "not found"}', "not a feed"),
        ('{"items": 5}', "not a feed"),
        ("{" * 5000, "not a feed"),
        ('{"a":' * 100_000, "not a feed"),
        ("<rss><channel><title>cut", "not a feed"),
        ("<urlset><url><loc>https://a.kz/hal", "not a feed"),
        (b"\x1f\x8bnot gzip", "not a feed"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not a feed"),
        (rss(""), "empty feed"),
        ('<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title></feed>', "empty feed"),
        ('{"version": "https://jsonfeed.org/version/1", "items": []}', "empty feed"),
        ("<urlset/>", "empty feed"),
    ],
)
def test_what_is_no_feed_is_refused_with_a_stable_reason(body: bytes | str, reason: str) -> None:
    error = refusal(body)
    assert (error.outcome, error.reason) == (Outcome.FAILED, reason)


def test_end_without_beginning_that_feedparser_stumbles_over_is_refused() -> None:
    assert "TypeError" in refusal(rss("<item><title>a</title></width></item>")).detail


# --- Whole documents --------------------------------------------------------------------------------------------


def test_gzipped_sitemap_is_unpacked_even_in_several_members() -> None:
    text = (DATA / "sitemap.xml").read_bytes()
    plain_feed = parsed(text)
    assert parsed(gzip.compress(text)) == plain_feed
    assert parsed(gzip.compress(text[:200]) + gzip.compress(text[200:])) == plain_feed


def test_cut_gzip_gives_what_it_holds() -> None:
    urls = "".join(f"<url><loc>https://a.kz/{number * 7919}</loc></url>" for number in range(2000))
    packed = gzip.compress(f"<urlset>{urls}</urlset>".encode())
    feed = parsed(packed[: len(packed) // 2])
    assert 500 < len(feed.entries) < 1500
    assert feed.entries[-1].url == f"https://a.kz/{(len(feed.entries) - 1) * 7919}"
    assert feed.warning and feed.warning.startswith("cut gzip; malformed")


def test_gzip_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MAX_DECODED_BYTES", 100_000)
    error = refusal(gzip.compress(b"<urlset>" + b" " * 1_000_000))
    assert (error.outcome, error.reason) == (Outcome.TOO_LARGE, "too large")


def test_entities_are_neither_expanded_nor_fetched() -> None:
    entry = only(parsed((DATA / "hostile-entities.xml").read_bytes()))
    assert entry.title == "One &d; two &file; three &web;"


def test_cut_json_feed_gives_its_whole_items() -> None:
    whole = (DATA / "json-feed.json").read_text(encoding="utf-8")
    feed = parsed(whole[: whole.index("An id for a link")])
    assert [entry.guid for entry in feed.entries] == ["1", "2"]
    assert feed.warning and feed.warning.startswith("malformed")


JSON_FEED = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "News",
        "language": "ru",
        "items": [{"id": "1", "url": "https://site.example/1", "title": "First [1]"}],
    }
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "\n<!-- cached -->"),
        ("<br />\n<b>Notice</b>: Undefined offset: [0] in /srv/feed.php<br />\n", ""),
        ('<div class="notice">{debug}</div>', '<script>var loaded = {"a": 1};</script>'),
        ("\0\n", "\0\0"),
    ],
)
def test_what_a_server_writes_around_a_json_feed_is_passed_over(before: str, after: str) -> None:
    feed = parsed(before + JSON_FEED + after)
    assert (only(feed).url, feed.title, only(feed).language) == ("https://site.example/1", "News", "ru")
    assert feed.warning is None


@pytest.mark.parametrize(
    "before",
    [
        "<br />\n<b>Warning</b>: include(): failed<br />\n",
        '<div class="notice">Deprecated</div>\n<?xml version="1.0"?>\n',
        "<script>window.injected = true</script>",
    ],
)
def test_what_a_server_writes_before_an_xml_feed_is_passed_over(before: str) -> None:
    feed = parsed(before + rss("<item><link>https://site.example/1</link></item>"))
    assert only(feed).url == "https://site.example/1"


def test_a_page_that_holds_a_feed_in_its_scripts_is_a_page() -> None:
    assert refusal("<!doctype html><script>x = '<rss version=2>'</script>").reason == "not a feed: html"
    assert refusal(f"<html><script>feed = {JSON_FEED}</script></html>").reason == "not a feed: html"


@pytest.mark.parametrize("body", ["[" * 100_000, "{" * 100_000, "[{" * 50_000, '{"items": ' + "[" * 100_000])
def test_brackets_without_end_cost_no_time(body: str) -> None:
    started = time.monotonic()
    with pytest.raises((ValueError, RecursionError)):
        loose_json("x" + body)
    assert time.monotonic() - started < 1


@given(
    value=st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_is_read_as_it_is_whatever_stands_around_it(value: object) -> None:
    assert loose_json(json.dumps(value)) == value
    if isinstance(value, dict | list):
        assert loose_json(f"Notice: x\n{json.dumps(value)}\n<!-- y -->") == value


def test_charset_of_the_header_is_heard_where_the_document_is_silent() -> None:
    body = rss("<item><title>Мост</title><link>https://a.kz/1</link></item>").encode("koi8-r")
    assert only(parse_feed(body, url=URL, now=NOW, charset="koi8-r")).title == "Мост"


def test_damaged_bytes_are_told_of() -> None:
    feed = parsed(rss("<item><title>Мост через реку</title><link>https://a.kz/1</link></item>").encode()[:-1] + b"\xd0")
    assert only(feed).title == "Мост через реку"
    assert feed.warning and feed.warning.startswith("bytes that are not utf-8")


def test_comment_before_the_root_decides_nothing() -> None:
    item = "<item><link>https://a.kz/1</link></item>"
    assert only(parsed(f"\n<!-- <html> --><?xml-stylesheet href='a'?>\n{rss(item)}")).url == "https://a.kz/1"
    assert only(parsed(f"<br />\n<b>Warning</b>: mysql in line 5\n{rss(item)}")).url == "https://a.kz/1"


def test_caption_of_a_picture_is_not_the_summary() -> None:
    media = '<media:content url="a"><media:description>Caption</media:description></media:content>'
    item = f"<item><link>https://a.kz/1</link>{media}<description>Lead</description></item>"
    assert only(parsed(rss(item, attributes=' xmlns:media="http://search.yahoo.com/mrss/"'))).summary == "Lead"


def test_element_that_feedparser_fails_on_does_not_cost_the_feed() -> None:
    item = "<item><link>https://a.kz/1</link><gml:pos>43.2 76.9</gml:pos><cc:license/></item>"
    spaces = ' xmlns:gml="http://www.opengis.net/gml" xmlns:cc="http://web.resource.org/cc/"'
    assert parsed(rss(item, attributes=spaces)).warning is None


def test_news_sitemap_is_read_without_its_namespaces() -> None:
    news = (
        "<news:news><news:publication_date>2025-11-21</news:publication_date><news:title>Тема</news:title></news:news>"
    )
    feed = parsed(f"<urlset><url><loc>https://a.kz/1</loc>{news}</url></urlset>")
    assert (feed.kind, only(feed).title, only(feed).published) == (
        "news-sitemap",
        "Тема",
        datetime(2025, 11, 21, tzinfo=TASHKENT),
    )


def test_language_is_the_items_own_or_that_of_the_feed() -> None:
    items = '<item xml:lang="kk-KZ"><title>a</title><link>https://a.kz/1</link></item><item><link>https://a.kz/2</link></item>'
    feed = parsed(rss(items, channel="<language>ru_RU</language>"))
    assert [entry.language for entry in feed.entries] == ["kk", "ru"]


BITS = ["<", ">", "&", "]]>", "<![CDATA[", "<!--", "<!DOCTYPE a [", "&#x110000;", "</width>", "</item>", "<link>",
        ' xml:base="http://["', "<textinput>", "</category>", "{", "[", '"', "\0", "\ud7ff"]  # fmt: skip
PLACES = st.floats(0, 1, exclude_max=True)
MUTATIONS = st.lists(
    st.tuples(st.just("flip"), PLACES, st.integers(0, 7))
    | st.tuples(st.just("cut"), PLACES, st.integers(1, 300))
    | st.tuples(st.just("insert"), PLACES, st.sampled_from(BITS) | st.binary(max_size=6)),
    min_size=1,
    max_size=12,
)


Mutations = list[tuple[str, float, int | str | bytes]]


def mutated(body: bytes, mutations: Mutations) -> bytes:
    changed = bytearray(body)
    for kind, place, value in mutations:
        at = int(place * len(changed))
        if isinstance(value, int):
            if kind == "cut":
                del changed[at : at + value]
            elif changed:
                changed[at] ^= 1 << value
        else:
            changed[at:at] = value.encode() if isinstance(value, str) else value
    return bytes(changed)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(FEEDS), MUTATIONS)
def test_damaged_feed_gives_entries_or_an_item_error(
    path: Path, mutations: list[tuple[str, float, int | str | bytes]]
) -> None:
    try:
        feed = parsed(mutated(path.read_bytes(), mutations))
    except ItemError:
        return
    for entry in feed.entries:
        assert entry.url.lower().startswith(("http://", "https://"))
        assert entry.published is None or entry.published.utcoffset() is not None
        json.dumps(asdict(entry), default=str, ensure_ascii=False).encode()  # no lone surrogates
