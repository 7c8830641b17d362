"""Hosts that lie, stall, flood and lure: each costs its own page or feed, in bounded time and memory, and no more.

The cases stand in one table. All of them are run in one pass of the real command together with healthy hosts; the
cases that need room for a large page once more in a second pass. The tests then look at what each pass left behind.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import shutil
import ssl
import subprocess
import sys
import threading
import time
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import brotli
import pytest
import zstandard

from config.load import Config, load_config
from extractors.records import Again, Outcome
from tests.support import hostile_site as hostile
from tests.support.hostile_site import Answer, HostileSite, Reply, article, item, moved, packed, rss
from tests.support.running import CHECKOUT, EVERYTHING, explained, source_toml, verified, write_config

pytestmark = pytest.mark.slow

TIMEOUT_S = 5.0  # room for a machine that has other work: the healthy hosts are read under it as well
TOTAL_S = 4 * TIMEOUT_S
EXTRACTION_S = 30.0
MEMORY_MB = 700
START_UP_S = 60.0
MAX_MAIN_MB = 300
MAX_BYTES = 300_000
LARGE_BYTES = 6_000_000
HEALTHY = 5
MAX_ENTRIES = 20
PUBLISHED = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
BOMB = 200_000_000  # bytes
BIDI = "\u202e\u2066\u200f"
SECRET = Path("/etc/hostname")


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile host, with a second one for its pages where `apart`: `robots` is that of the host with the pages.

    Texts may hold @HOST@ (the page's host with its port), @PORT@ and @TLS@. `outcome` and `reason` are those of
    `link` in the index; without an outcome the URL must be unknown there. `error` is the beginning of what the
    summary says of the source, `status` its status.
    """

    name: str
    page: Reply | None = None
    outcome: str | tuple[str, ...] | None = None
    reason: str = ""
    link: str = "http://@HOST@/page"
    feed: Reply | None = None
    robots: Reply = hostile.NOT_FOUND
    more: dict[str, Reply] = field(default_factory=dict)
    status: str = "ok"
    error: str | None = None
    apart: bool = False
    asked: bool | None = None  # whether the page itself is requested; None: not looked at
    large: bool = False  # needs LARGE_BYTES
    undated: bool | None = None
    published: datetime | None = PUBLISHED


def text_page(name: str, **named: Any) -> Answer:
    return Answer(article(name, **named).encode())


def failed(name: str, page: Reply, reason: str, **named: Any) -> Case:
    return Case(name, page, "failed", reason, **named)


def lured(name: str, location: str, outcome: str | tuple[str, ...] = "unsafe_address", reason: str = "") -> Case:
    """A redirect to where nobody may go."""
    return Case(f"redirect {name}", moved(location), outcome, reason)


def led(target: str) -> Answer:
    """A page that only leads on."""
    return Answer(f'<meta http-equiv="refresh" content="0; url={target}">'.encode())


def pointed(name: str, link: str, outcome: str | tuple[str, ...] = "unsafe_address") -> Case:
    """A feed that names such an address itself."""
    return Case(f"link {name}", link=link, outcome=outcome)


def mended(name: str, link: str) -> Case:
    """A feed whose link to such an address is faulty: it leads to @PORT@/y1, y2 …, and no further."""
    path = re.search(r"y\d", link)
    assert path is not None
    url = f"http://127.0.4.1:@PORT@/{path[0]}"
    return Case(f"link {name}", link=url, feed=rss([item(link)]), outcome="unsafe_address")


def odd(name: str, link: str) -> Case:
    """A feed whose one link is no web address: it is skipped."""
    return Case(f"link {name}", link=link, error="no item has a usable link")


def bad_feed(name: str, feed: Reply, error: str, **named: Any) -> Case:
    return Case(name, feed=feed, status="failed", error=error, **named)


def chain(hops: int) -> dict[str, Reply]:
    steps: dict[str, Reply] = {f"/hop{number}": moved(f"/hop{number + 1}") for number in range(1, hops)}
    return {**steps, f"/hop{hops}": text_page(f"chain of {hops}")}


def zipped_bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    block = b" " * 1_000_000
    return b"".join(packer.compress(block) for _ in range(BOMB // len(block))) + packer.flush()


def chunks_page(name: str, ending: bytes) -> bytes:
    body = article(name).encode()
    return hostile.CHUNKED + b"%X\r\n%s\r\n" % (len(body), body) + ending


def dated(day: str) -> str:
    stated = json.dumps({"@type": "NewsArticle", "datePublished": f"{day}T10:00:00+05:00"})
    return f'<script type="application/ld+json">{stated}</script>'


def with_length(name: str, difference: int, after: bytes = b"") -> bytes:
    body = article(name).encode()
    return hostile.HEAD + b"Content-Length: %d\r\n\r\n" % (len(body) + difference) + body + after


GZIP_BOMB = zipped_bomb()
BROTLI_BOMB = brotli.compress(b" " * BOMB, quality=1)
ZSTD_BOMB = zstandard.ZstdCompressor().compress(b" " * BOMB)
PLAIN_FEED = rss([item("http://@HOST@/page")])
LAUGHS = "".join(
    f'<!ENTITY l{number} "{f"&l{number - 1};" * 10}">' if number else '<!ENTITY l0 "haha">' for number in range(12)
)

CASES = [
    # Redirects
    Case("redirect loop", moved("/page"), "failed", "too many redirects"),
    Case("redirect chain of 11", moved("/hop1"), "failed", "too many redirects", more=chain(11)),
    Case("redirect chain of 10", moved("/hop1"), "appended", more=chain(10)),
    lured("to an address outside", "http://127.0.4.1:@PORT@/x"),
    lured("to a decimal address", "http://2130707457:@PORT@/x"),
    lured("to a hexadecimal address", "http://0x7f000401:@PORT@/x"),
    lured("to an octal address", "http://0177.0.4.1:@PORT@/x", "failed", "invalid redirect"),
    lured("to a short address", "http://127.1025:@PORT@/x"),
    lured("to a mapped address", "http://[::ffff:127.0.4.1]:@PORT@/x"),
    lured("to IPv6 loopback", "http://[::1]:@PORT@/x"),
    lured("to localhost", "http://localhost:@PORT@/x"),
    lured("to localhost with a dot", "http://localhost.:@PORT@/x", ("unsafe_address", "failed")),
    lured("to fullwidth digits", "http://１２７.0.4.1:@PORT@/x", ("unsafe_address", "failed")),
    lured("to broken Punycode", "http://xn--:@PORT@/x", "failed", "invalid redirect"),
    lured("to zero", "http://0:@PORT@/x"),
    lured("to the metadata address", "http://169.254.169.254/latest/meta-data/"),
    lured("to a private address", "http://10.0.0.1/"),
    lured("to a file", "file:///etc/hostname"),
    lured("to ftp", "ftp://127.0.4.1/x"),
    lured("to javascript", "javascript:alert(1)", ("unsafe_address", "failed")),
    lured("to data", "data:text/html,<p>x</p>", ("unsafe_address", "failed")),
    lured("without a scheme", "//127.0.4.1:@PORT@/x"),
    lured("with credentials", "http://user:secret@127.0.4.1:@PORT@/x"),
    lured("to a port that is none", "http://127.0.4.1:99999/x", "failed", "invalid"),
    lured("with bidi marks", f"http://exa{BIDI}mple.com:99999999/{BIDI}", "failed", "invalid"),
    # Pages that lead on
    Case("refresh to an address outside", led("http://127.0.4.1:@PORT@/x"), "unsafe_address"),
    Case("refresh to a decimal address", led("http://2130707457:@PORT@/x"), "unsafe_address"),
    Case("refresh to a mapped address", led("http://[::ffff:127.0.4.1]:@PORT@/x"), "unsafe_address"),
    Case("refresh to the metadata address", led("http://169.254.169.254/latest/meta-data/"), "unsafe_address"),
    Case("refresh to a file", led("file:///etc/hostname"), "unsafe_address"),
    Case("refresh to data", led("data:text/html,x"), "unsafe_address"),
    Case("refresh without a scheme", led("//127.0.4.1:@PORT@/x"), "unsafe_address"),
    Case(
        "refresh to a page that redirects outside",
        led("/next"),
        "unsafe_address",
        more={"/next": moved("http://127.0.4.1:@PORT@/x")},
    ),
    Case("refresh in circles", led("/next"), ("not_article", "too_short"), more={"/next": led("/page")}),
    Case(
        "refresh by a header, outside",
        Answer(b"", headers={"Refresh": "0; url=http://127.0.4.1:@PORT@/x"}),
        "unsafe_address",
    ),
    Case(
        "script that goes outside",
        Answer(b"<script>location.href='http://127.0.4.1:@PORT@/x'</script>"),
        "unsafe_address",
    ),
    Case("script that goes to a script", Answer(b"<script>location='javascript:alert(1)'</script>"), "unsafe_address"),
    Case(
        "refresh to what robots.txt forbids",
        led("/private"),
        "robots",
        robots=Answer(b"User-agent: *\nDisallow: /private\n"),
        more={"/private": text_page("refresh private")},
    ),
    # Links in feeds
    pointed("to an address outside", "http://127.0.4.1:@PORT@/x1"),
    pointed("to a decimal address", "http://2130707457:@PORT@/x2"),
    pointed("to an octal address", "http://0177.0.4.1:@PORT@/x8", "failed"),
    pointed("to broken Punycode", "http://xn--:@PORT@/x9", "failed"),
    pointed("to a mapped address", "http://[::ffff:127.0.4.1]:@PORT@/x3"),
    pointed("to IPv6 loopback", "http://[::1]:@PORT@/x4"),
    pointed("to localhost", "http://localhost:@PORT@/x5"),
    pointed("to a private address", "http://192.168.1.1/x6"),
    pointed("to the metadata address", "http://169.254.169.254/latest/meta-data/x7"),
    odd("to a file", "file:///etc/hostname"),
    odd("to ftp", "ftp://127.0.4.1/x"),
    odd("to javascript", "javascript:alert(1)"),
    odd("to data", "data:text/html,&lt;p&gt;x&lt;/p&gt;"),
    mended("with one slash", "http:/127.0.4.1:@PORT@/y1"),
    mended("without a colon", "http//127.0.4.1:@PORT@/y2"),
    mended("with backslashes", "http:\\\\127.0.4.1:@PORT@\\y3"),
    mended("in an anchor", "&lt;a href=&quot;http://127.0.4.1:@PORT@/y4&quot;&gt;x&lt;/a&gt;"),
    mended("escaped as a whole", "http%3A%2F%2F127.0.4.1%3A@PORT@%2Fy5"),
    odd("to gopher", "gopher://127.0.4.1:@PORT@/x"),
    odd("of blanks", " &#9; "),
    # Bodies and their framing
    failed("drip of a body", hostile.drip_body, "too slow"),
    failed("drip of headers", hostile.drip_headers, "too slow"),
    failed("drip of the status line", hostile.drip_one_header, "too slow"),
    failed("silence", hostile.silence, "timeout"),
    Case("endless body", hostile.endless_body, "too_large", "too large"),
    Case("endless chunks", hostile.endless_chunks, "too_large", "too large"),
    failed("endless headers", hostile.endless_headers, "malformed http"),
    failed("endless interim answers", hostile.endless_continue, "malformed http"),
    failed("body that stalls", hostile.stalled_body, "timeout"),
    failed("chunks that stall", hostile.stalled_chunks, "timeout"),
    failed("body shorter than its length", with_length("shorter", 1000), "connection broken"),
    Case("body longer than its length", with_length("longer", 0, b"<p>beyond the end</p>" * 20), "appended"),
    failed("length below zero", hostile.HEAD + b"Content-Length: -5\r\n\r\nword", "malformed http"),
    failed(
        "two lengths",
        hostile.HEAD + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\nwords",
        "malformed http",
    ),
    failed("chunks without end", chunks_page("chunks", b""), "connection broken"),
    failed("chunk that lies", chunks_page("lie", b"10\r\nword\r\n0\r\n\r\n"), "connection broken"),
    failed("chunk of no size", chunks_page("size", b"zz\r\nword\r\n"), "malformed http"),
    failed(
        "unknown transfer encoding",
        hostile.HEAD + b"Transfer-Encoding: cat\r\n\r\nword",
        "malformed http",
    ),
    failed("reset in the middle", hostile.reset_in_body, "connection broken"),
    failed("reset at once", hostile.reset_at_once, "connection broken"),
    failed("empty reply", b"", "connection broken"),
    failed(
        "one great header",
        b"HTTP/1.1 200 OK\r\nX-Great: " + b"y" * 400_000 + b"\r\n\r\nword",
        "malformed http",
    ),
    failed(
        "many headers",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(40_000)) + b"\r\nword",
        "malformed http",
    ),
    failed("great status line", b"HTTP/1.1 200 " + b"O" * 400_000 + b"\r\n\r\nword", "malformed http"),
    failed("no HTTP at all", b"<html><body>word</body></html>", "connection broken"),
    failed("bytes of no sense", bytes(range(256)) * 8, "malformed http"),
    Case(
        "control characters in headers",
        b"HTTP/1.1 200 O\x00K\x1b[2J\r\nX: \x00\x08\x1b[2J\r\n\r\n" + article("controls in headers").encode(),
        "appended",
    ),
    # Answers that are read leniently: no way past the checks, and no second answer behind the first
    Case(
        "answer behind a malformed answer",
        hostile.HEAD
        + b"bad line\r\nContent-Length: 4\r\n\r\nword"
        + hostile.HEAD
        + b"Content-Length: %d\r\n\r\n" % len(article("smuggled").encode())
        + article("smuggled").encode(),
        ("too_short", "not_article"),
    ),
    failed(
        "two lengths, one with a blank",
        hostile.HEAD + b"Content-Length : 5\r\nContent-Length: 5000\r\n\r\nwords",
        "malformed http",
    ),
    failed(
        "length and chunks that disagree",
        hostile.HEAD + b"Transfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\nword",
        "malformed http",
    ),
    Case(
        "malformed redirect outside",
        b"HTTP/1.1 302 Found\r\nbad line\r\nLocation : http://127.0.4.1:@PORT@/x\r\n\r\n",
        "unsafe_address",
    ),
    Case(
        "malformed redirect in two lines",
        b"HTTP/1.1 302 Found\r\nLocation: /next\r\nbad line\r\nLocation: http://127.0.4.1:@PORT@/x\r\n\r\n",
        "appended",
        more={"/next": text_page("first of two locations")},
    ),
    lured("with backslashes", "\\\\127.0.4.1:@PORT@\\x"),
    lured("of another scheme without slashes", "https:127.0.4.1:@PORT@/x"),
    lured("with a soft hyphen", "http://local\u00adhost:@PORT@/x"),
    # Content encodings
    Case("gzip bomb", packed("gzip", GZIP_BOMB), "too_large", "too large"),
    Case("brotli bomb", packed("br", BROTLI_BOMB), "too_large", "too large"),
    Case("zstd bomb", packed("zstd", ZSTD_BOMB), "too_large", "too large"),
    bad_feed("feed that is a gzip bomb", packed("gzip", GZIP_BOMB), "too large"),
    bad_feed("feed that is a brotli bomb", packed("br", BROTLI_BOMB), "too large"),
    bad_feed("feed that is a zstd bomb", packed("zstd", ZSTD_BOMB), "too large"),
    bad_feed("feed that is a bomb within gzip", Answer(GZIP_BOMB), "too large"),
    failed(
        "gzip cut", packed("gzip", gzip.compress(article("cut", text="<p>" * 2000).encode())[:-200]), "broken content"
    ),
    Case("gzip that is plain", packed("gzip", article("plain gzip").encode()), "appended"),
    failed("gzip that is plain words", packed("gzip", b"plain words"), "broken content"),
    failed("brotli that is plain", packed("br", article("plain").encode()), "broken content"),
    failed("zstd that is plain", packed("zstd", article("plain").encode()), "broken content"),
    failed("unknown encoding", packed("compress", article("unknown").encode()), "broken content"),
    failed("two encodings of which one is missing", packed("gzip, br", gzip.compress(b"two")), "broken content"),
    failed("a hundred encodings", packed(", ".join(["gzip"] * 100), gzip.compress(b"hundred")), "broken content"),
    Case("gzip bomb within gzip", packed("gzip, gzip", gzip.compress(GZIP_BOMB)), "too_large", "too large"),
    Case(
        "gzip bomb within gzip that is not stated", packed("gzip", gzip.compress(GZIP_BOMB)), "too_large", "too large"
    ),
    Case("gzip bomb that is not stated", Answer(GZIP_BOMB), "too_large", "too large"),
    Case(
        "two layers with much between them",
        packed("gzip, gzip", gzip.compress(gzip.compress(b"word") + bytes(BOMB))),
        "too_large",
        "too large",
    ),
    Case("encoding that is a charset", packed("windows-1251", article("no coding").encode()), "appended"),
    Case(
        "gzip of two members",
        packed("gzip", gzip.compress(article("members").encode()) + gzip.compress(b" ")),
        "appended",
    ),
    # Markup
    Case(
        "100,000 attributes",
        text_page("attributes", text="<p " + " ".join(f"a{n}='1'" for n in range(100_000)) + ">x"),
        ("appended", "failed", "not_article"),
        large=True,
    ),
    Case(
        "200,000 nested tags",
        text_page("nested", text="<div>" * 200_000),
        ("appended", "failed", "not_article"),
        large=True,
    ),
    Case(
        "200,000 nested quotes",
        text_page("quotes", text="<blockquote><p>" * 100_000 + "end"),
        ("appended", "failed", "not_article"),
        large=True,
    ),
    Case("5 MB of one tag", text_page("one tag", text="<br>" * 1_250_000), ("appended", "failed"), large=True),
    Case(
        "5 MB in one attribute",
        text_page("one attribute", text=f"<p title='{'x' * 5_000_000}'>x"),
        ("appended", "failed", "not_article"),
        large=True,
    ),
    Case("5 MB of open brackets", text_page("brackets", text="<" * 5_000_000), ("appended", "failed"), large=True),
    Case(
        "one word of 5 MB", text_page("one word", text=f"<p>{'а' * 2_500_000}</p>"), ("appended", "failed"), large=True
    ),
    Case(
        "100,000 links",
        text_page("links", text="".join(f"<p>{n} <a href='/{n}'>к{n}</a>" for n in range(100_000))),
        ("appended", "failed", "not_article"),
        large=True,
    ),
    Case(
        "deep JSON-LD",
        text_page("json", head=f'<script type="application/ld+json">{"[" * 100_000}</script>'),
        "appended",
    ),
    Case(
        "NULs in the text", text_page("nuls", text="<p>Нулевые\0 знаки\0\0 внутри\x01\x02\x1b текста.</p>"), "appended"
    ),
    Case(
        "lone surrogates",
        text_page(
            "surrogates",
            text="<p>Половины &#xD800; пары &#56320; знака &#x110000;.</p>",
            headline="Половина &#xD800; заголовка",
        ),
        "appended",
    ),
    Case(
        "references to control characters",
        text_page("references", text="<p>&#0; &#1; &#27;[2J &#128; &#xFFFE;.</p>"),
        "appended",
    ),
    Case(
        "bidi overrides",
        text_page(
            "bidi",
            text=f"<p>Текст {BIDI} наоборот &#x202E; и дальше.</p>",
            headline=f"Заголовок {BIDI} наоборот &#x2067;",
        ),
        "appended",
        feed=rss([item("http://@HOST@/page", title=f"Лента {BIDI} &#x202E;")], title=BIDI),
    ),
    Case(
        "wrong declared charset",
        Answer(
            article("charset", charset="windows-1251").encode(), headers={"Content-Type": "text/html; charset=koi8-r"}
        ),
        "appended",
    ),
    Case(
        "charset that is none",
        Answer(
            article("no charset", charset="klingon").encode("cp1251"),
            headers={"Content-Type": 'text/html; charset="\\zlib'},
        ),
        "appended",
    ),
    Case(
        "charset that is no text",
        Answer(
            article("zlib", charset="zlib").encode("cp1251"), headers={"Content-Type": "text/html; charset=zlib_codec"}
        ),
        "appended",
    ),
    Case(
        "page in UTF-16",
        Answer(article("utf sixteen", charset=None).encode("utf-16"), headers={"Content-Type": "text/html"}),
        "appended",
    ),
    failed(
        "page encoded twice",
        Answer(article("encoded twice").encode().decode("cp1251", "replace").encode()),
        "unreadable characters",
    ),
    Case(
        "page declared in UTF-7",
        Answer(
            article("seven bits", text="+ADw-script+AD4-", charset="utf-7").encode(),
            headers={"Content-Type": "text/html; charset=utf-7"},
        ),
        "appended",
    ),
    Case(
        "page declared in EBCDIC",
        Answer(article("ebcdic", charset="cp500").encode(), headers={"Content-Type": "text/html; charset=cp037"}),
        "appended",
    ),
    Case(
        "page declared in UTF-16, which it is not",
        Answer(
            article("no utf sixteen", charset="utf-16").encode(), headers={"Content-Type": "text/html; charset=utf-16"}
        ),
        "appended",
    ),
    Case(
        "declarations without end",
        Answer(
            article("declarations", head="<meta charset='" * 5000).encode("cp1251"),
            headers={"Content-Type": "text/html"},
        ),
        ("appended", "not_article", "too_short"),
    ),
    Case(
        "PDF",
        Answer(
            b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n" + bytes(range(256)) * 40,
            headers={"Content-Type": "application/pdf"},
        ),
        "not_article",
    ),
    Case(
        "JPEG",
        Answer(
            b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01" + bytes(range(256)) * 40 + b"\xff\xd9",
            headers={"Content-Type": "image/jpeg"},
        ),
        "not_article",
    ),
    Case("zip", Answer(b"PK\x03\x04" + bytes(range(256)) * 40), "not_article"),
    Case("empty page", Answer(b""), "not_article"),
    Case("blank page", Answer(b" \n" * 1000), "not_article"),
    Case("page of NULs", Answer(b"\0" * 10_000), "not_article"),
    Case(
        "scripts only",
        Answer(b"<html><body><script>" + b"window.x='word word';" * 200 + b"</script></body></html>"),
        ("not_article", "too_short"),
    ),
    Case(
        "not found with status 200",
        Answer("<html><title>404</title><body><h1>404</h1><p>Страница не найдена.</p></body></html>".encode()),
        ("not_article", "too_short"),
    ),
    Case(
        "canonical link to another host",
        text_page("canonical", head='<link rel="canonical" href="https://other.kz/a">'),
        "appended",
    ),
    Case(
        "canonical link that is broken",
        text_page("broken link", head='<link rel="canonical" href="http://[x\0/">'),
        "appended",
    ),
    Case(
        "charset with a NUL",
        Answer(article("nul charset").encode(), headers={"Content-Type": "text/html; charset*=x%00''y"}),
        "appended",
    ),
    # Headers that come back with the next request
    Case(
        "cookies that no request can carry",
        text_page("cookies"),
        "appended",
        feed=Answer(PLAIN_FEED, headers={"Set-Cookie": "a=привет", "set-cookie": f"b={BIDI}; path=/"}),
    ),
    Case(
        "great cookie",
        text_page("great cookie"),
        "appended",
        feed=Answer(PLAIN_FEED, headers={"Set-Cookie": f"a={'x' * 60_000}"}),
    ),
    Case(
        "validators that no request can carry",
        text_page("validators"),
        "appended",
        feed=Answer(PLAIN_FEED, headers={"ETag": f'"{BIDI}"', "Last-Modified": "вчера", "Cache-Control": "max-age=٣"}),
    ),
    # Dates
    Case("dated 1970", text_page("seventies", head=dated("1970-01-01")), "appended", undated=False),
    Case("dated 2099", text_page("nineties", head=dated("2099-12-31")), "appended", undated=False),
    Case(
        "dated 1970 and the feed silent",
        text_page("old", head=dated("1970-01-01")),
        "appended",
        undated=True,
        published=None,
    ),
    Case(
        "dated 2099 in the feed too",
        text_page("late", head=dated("2099-12-31")),
        "appended",
        undated=True,
        published=datetime(2099, 12, 31, tzinfo=UTC),
    ),
    Case("date of nonsense", text_page("nonsense", head=dated("99999-99-99")), "appended", undated=False),
    # Feeds
    Case(
        "feed with an external entity for a file",
        text_page("xxe"),
        "appended",
        feed=rss(
            [item("http://@HOST@/page", title="&x;")], prolog='<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
        ),
        error="repaired",
    ),
    Case(
        "feed with an external entity for a host",
        text_page("xxe host"),
        "appended",
        feed=rss(
            [item("http://@HOST@/page", title="&x;")],
            prolog='<!DOCTYPE r SYSTEM "http://127.0.4.1:@PORT@/d" [<!ENTITY x SYSTEM "http://127.0.4.1:@PORT@/x">'
            '<!ENTITY % p SYSTEM "http://127.0.4.1:@PORT@/p"> %p;]>',
        ),
        error="repaired",
    ),
    Case(
        "feed with a billion laughs",
        text_page("laughs"),
        "appended",
        feed=rss([item("http://@HOST@/page", title="&l11;")], prolog=f"<!DOCTYPE r [{LAUGHS}]>"),
        error="repaired",
    ),
    Case(
        "feed cut in the middle",
        text_page("cut feed"),
        "appended",
        feed=rss([item("http://@HOST@/page"), item("http://@HOST@/second")])[:-60],
        error="malformed",
    ),
    Case(
        "feed of 10,000 entries",
        None,
        None,
        link="http://@HOST@/9999x",
        large=True,
        feed=rss([item(f"/{number}") for number in range(10_000)]),
    ),
    Case(
        "feed with one guid for all",
        text_page("guid"),
        "appended",
        more={"/second": text_page("guid second")},
        feed=rss([item("http://@HOST@/page", guid="1"), item("http://@HOST@/second", guid="1")]),
        error="every entry has the same guid",
    ),
    bad_feed("feed that is HTML", Answer(article("html feed").encode()), "not a feed: html"),
    bad_feed("feed without entries", rss([]), "empty feed"),
    bad_feed("feed that is empty", Answer(b""), "empty body"),
    bad_feed("feed of NULs", Answer(b"\0" * 1000), "empty body"),
    bad_feed("feed that is a JPEG", Answer(b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40), "not a feed"),
    bad_feed("feed with bidi for a root", Answer(f"<{BIDI}rss>\x1b[2J".encode()), "not a feed"),
    bad_feed("feed of nested elements", Answer(b"<rss>" + b"<a>" * 30_000), ("not a feed")),
    bad_feed("feed that drips", hostile.drip_body, "too slow"),
    bad_feed("feed that is silent", hostile.silence, "timeout"),
    bad_feed("feed that redirects outside", moved("http://127.0.4.1:@PORT@/rss"), "not a public address"),
    bad_feed("feed that redirects with bidi marks", moved(f"http://a{BIDI}\u0085b:99999999/{BIDI}"), "invalid"),
    bad_feed("feed that redirects to a scheme with bidi marks", moved(f"x:{BIDI}"), ""),
    bad_feed("feed with control characters in its status", b"HTTP/1.1 \x1b[2J\x00\x85 2\r\n\r\n", "malformed http"),
    bad_feed("feed with a great broken header", b"HTTP/1.1 200 OK\r\n" + b"y" * 90_000 + b"\r\n\r\n", "empty body"),
    bad_feed("feed packed in a way with bidi marks", packed(f"x{BIDI}", b"word"), "not a feed"),
    bad_feed("feed that is not modified, unasked", Answer(b"", 304), "http 304"),
    # robots.txt
    Case(
        "robots.txt forbids the page",
        text_page("forbidden"),
        "robots",
        "robots.txt",
        apart=True,
        asked=False,
        robots=Answer(b"User-agent: *\nDisallow: /\n"),
    ),
    bad_feed("robots.txt forbids the feed", PLAIN_FEED, "robots.txt", robots=Answer(b"User-agent: *\nDisallow: /\n")),
    Case(
        "robots.txt answers 503",
        text_page("unavailable"),
        "failed",
        "robots.txt: http 503",
        apart=True,
        asked=False,
        robots=Answer(b"", 503),
    ),
    Case(
        "robots.txt answers 429",
        text_page("too many"),
        "failed",
        "robots.txt: http 429",
        apart=True,
        asked=False,
        robots=Answer(b"", 429),
    ),
    Case("robots.txt answers 401", text_page("unauthorized"), "appended", apart=True, robots=Answer(b"", 401)),
    Case(
        "robots.txt of 2 MB, forbidding first",
        text_page("great"),
        "robots",
        apart=True,
        asked=False,
        robots=Answer(b"User-agent: *\nDisallow: /\n" + b"# word\n" * 290_000),
    ),
    Case(
        "robots.txt of 2 MB, forbidding last",
        text_page("great last"),
        "appended",
        apart=True,
        robots=Answer(b"# word\n" * 290_000 + b"User-agent: *\nDisallow: /\n"),
    ),
    Case(
        "robots.txt is a gzip bomb", text_page("robots bomb"), "appended", apart=True, robots=packed("gzip", GZIP_BOMB)
    ),
    Case("robots.txt redirects in circles", text_page("circles"), "appended", apart=True, robots=moved("/robots.txt")),
    Case(
        "robots.txt redirects to ftp",
        text_page("robots ftp"),
        "failed",
        "robots.txt: not http or https",
        apart=True,
        asked=False,
        robots=moved("ftp://127.0.4.1/robots.txt"),
    ),
    Case(
        "robots.txt redirects outside",
        text_page("robots outside"),
        "failed",
        "robots.txt: not a public address",
        apart=True,
        asked=False,
        robots=moved("http://127.0.4.1:@PORT@/robots.txt"),
    ),
    Case("robots.txt is a page", text_page("robots page"), "appended", apart=True, robots=text_page("of robots")),
    failed(
        "robots.txt drips", text_page("robots drips"), "too slow", apart=True, asked=False, robots=hostile.drip_body
    ),
    failed(
        "robots.txt is reset",
        text_page("robots reset"),
        "connection broken",
        apart=True,
        asked=False,
        robots=hostile.reset_at_once,
    ),
    # Status codes
    Case("status 401", Answer(b"", 401), "refused", "http 401"),
    Case("status 402", Answer(b"", 402), "paywalled", "http 402"),
    Case("status 403", Answer(b"", 403), "refused", "http 403"),
    Case("status 404", Answer(b"", 404), "gone", "http 404"),
    Case("status 410", Answer(b"", 410), "gone", "http 410"),
    Case("status 451", Answer(b"", 451), "refused", "http 451"),
    failed("status 500", Answer(b"", 500), "http 500"),
    failed("status 503", Answer(b"", 503), "http 503"),
    failed("status 204", b"HTTP/1.1 204 No Content\r\n\r\n", "http 204"),
    failed("status 206", Answer(article("part").encode(), 206), "http 206"),
    failed("status 304, unasked", b"HTTP/1.1 304 Not Modified\r\n\r\n", "http 304"),
    failed("status 300 with a target", Answer(b"", 300, {"Location": "/other"}), "http 300"),
    failed("status 302 without a target", Answer(b"", 302), "http 302"),
    failed("status 999", Answer(article("status").encode(), 999), "http 999"),
    failed(
        "status 101",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nword",
        "malformed http",
    ),
    failed(
        "status 429 for an hour",
        Answer(b"", 429, {"Retry-After": "3600"}),
        "http 429",
        more={f"/zlater{n}": text_page(f"later {n}") for n in range(3)},
        feed=rss([item("http://@HOST@/page"), *(item(f"http://@HOST@/zlater{n}") for n in range(3))]),
    ),
    # TLS
    failed("certificate of its own", text_page("tls"), "tls error", link="https://@NAME@:@TLS@/page", asked=False),
]
BY_NAME = {case.name: case for case in CASES}
assert len(BY_NAME) == len(CASES)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a case lives: its source, its feed, and its page as the feed names it."""

    source: str
    feed_host: str
    page_host: str
    link: str


@dataclass(slots=True)
class Pass:
    """One run of the command over many hosts, and all that it left."""

    site: HostileSite
    config: Config
    data: Path
    places: dict[str, Place]
    healthy: dict[str, str]  # source → address of its article
    status: int = -1
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0
    main_mb: float = 0.0
    child_mb: float = 0.0

    @property
    def summary(self) -> dict[str, Any]:
        summary = json.loads(self.stdout)
        assert isinstance(summary, dict)
        return summary

    def explained(self, url: str) -> dict[str, Any]:
        return asyncio.run(explained(self.config, self.data, url))

    def manifest(self) -> dict[str, dict[str, Any]]:
        lines = (self.data / "manifest.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
        return {entry["url"]: entry for entry in map(json.loads, lines)}

    def file(self, entry: dict[str, Any]) -> str:
        return (self.data / "corpus" / entry["file"]).read_bytes().decode("utf-8")


def filled(reply: Reply, texts: dict[str, str]) -> Reply:
    """The reply with its placeholders replaced."""

    def fill(body: bytes) -> bytes:
        for name, value in texts.items():
            body = body.replace(name.encode(), value.encode())
        return body

    if isinstance(reply, Answer):
        headers = {name: fill(value.encode()).decode() for name, value in reply.headers.items()}
        return Answer(fill(reply.body), reply.status, headers, reply.delay_s)
    return fill(reply) if isinstance(reply, bytes) else reply


def settings_toml(max_bytes: int) -> str:
    return (
        f'[network]\nallow_networks = ["127.0.3.0/24"]\nper_host_interval = 0.02\ntimeout = {TIMEOUT_S}\n'
        f"retry_delays = []\nmax_bytes = {max_bytes}\n[monitor]\nmax_entries = {MAX_ENTRIES}\n"
        f"[extraction]\nworkers = 2\ntimeout = {EXTRACTION_S}\nmemory_mb = {MEMORY_MB}\n"
    )


def prepared(stack: ExitStack, root: Path, cases: list[Case], *, healthy: int, max_bytes: int) -> Pass:
    """The site, up and filled, and the configuration for a pass over it."""
    free = [f"127.0.3.{number}" for number in range(1, 255)]
    site = stack.enter_context(HostileSite(free[: len(cases) + sum(c.apart for c in cases) + healthy],
                                           canaries=hostile.CANARIES))  # fmt: skip
    addresses = iter(site.addresses)
    certificate = self_signed(root)
    sources, places, well = "", {}, {}
    for number, case in enumerate(cases):
        feed_host = next(addresses)
        page_host = next(addresses) if case.apart else feed_host
        texts = {"@HOST@": f"{page_host}:{site.port}", "@NAME@": page_host, "@PORT@": str(site.port)}
        if "@TLS@" in case.link:
            texts["@TLS@"] = str(site.listen_with_tls(page_host, certificate) if certificate else site.port)
        link = str(filled(case.link.encode(), texts), "utf-8")  # type: ignore[arg-type]
        published = format_datetime(case.published) if case.published else None
        replies = {
            (feed_host, "/rss"): case.feed or rss([item(link, published=published)]),
            (page_host, "/robots.txt"): case.robots,
            **{(page_host, path): reply for path, reply in case.more.items()},
        }
        if case.page is not None:
            replies[page_host, "/page"] = case.page
        for key, reply in replies.items():
            made = filled(reply, texts)
            site.replies[key] = Answer(made) if isinstance(made, bytes) and made.startswith(b"<?xml") else made
        places[case.name] = Place(f"case-{number}", feed_host, page_host, link)
        sources += source_toml(f"case-{number}", site.url(feed_host, "/rss"))
    for number, address in enumerate(list(addresses)[:healthy]):
        url = well[f"healthy-{number}"] = site.url(address, "/news/1")
        site.replies[address, "/news/1"] = text_page(f"healthy {number}")
        site.replies[address, "/rss"] = Answer(rss([item(url, published=format_datetime(PUBLISHED))]))
        sources += source_toml(f"healthy-{number}", site.url(address, "/rss"))
    folder = write_config(root / "config", sources=sources, settings=settings_toml(max_bytes), topics=EVERYTHING)
    return Pass(site, load_config(folder), root / "data", places, well)


def self_signed(folder: Path) -> ssl.SSLContext | None:
    """A certificate that nobody vouches for; None where openssl is absent."""
    if shutil.which("openssl") is None:
        return None
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
               "-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=127.0.3.1"]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def run_command(passed: Pass) -> None:
    """Run the command to its end, measuring its processes."""
    command = [sys.executable, "-m", "flows.cli", "monitor", "--engine", "direct", "--json",
               "--config", str(passed.config.folder), "--data", str(passed.data)]  # fmt: skip
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ended = threading.Event()
    peaks: dict[int, float] = {}

    def watch() -> None:
        while not ended.wait(0.05):
            for pid in family(process.pid):
                peaks[pid] = max(peaks.get(pid, 0.0), peak_mb(pid))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        passed.stdout, passed.stderr = process.communicate(timeout=300)
    finally:
        process.kill()
        passed.seconds = time.monotonic() - started
        ended.set()
        watcher.join()
    passed.status = process.returncode
    passed.main_mb = peaks.pop(process.pid, 0.0)
    passed.child_mb = max(peaks.values(), default=0.0)


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = status.read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        parents.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(int(status.parent.name))
    found = [pid]
    for member in found:
        found += parents.get(member, [])
    return found


def peak_mb(pid: int) -> float:
    """The most memory that a process has had in RAM so far, 0 when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0.0
    peak = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(peak[1]) / 1000 if peak else 0.0


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pass]:
    """One pass over every case and five healthy hosts."""
    with ExitStack() as stack:
        passed = prepared(stack, tmp_path_factory.mktemp("all"), CASES, healthy=HEALTHY, max_bytes=MAX_BYTES)
        run_command(passed)
        yield passed


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pass]:
    """One pass over the cases that need room, with a healthy host."""
    with ExitStack() as stack:
        cases = [case for case in CASES if case.large]
        passed = prepared(stack, tmp_path_factory.mktemp("large"), cases, healthy=1, max_bytes=LARGE_BYTES)
        run_command(passed)
        yield passed


@pytest.fixture(params=["everything", "large"])
def either(request: pytest.FixtureRequest) -> Pass:
    """Each of the passes."""
    passed = request.getfixturevalue(request.param)
    assert isinstance(passed, Pass)
    return passed


# --- Case by case -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_each_host_costs_its_own_entry_and_ends_as_it_should(
    case: Case, everything: Pass, request: pytest.FixtureRequest
) -> None:
    if "@TLS@" in case.link and shutil.which("openssl") is None:
        pytest.skip("openssl is needed for the certificate")
    passed: Pass = request.getfixturevalue("large") if case.large else everything
    place = passed.places[case.name]
    report = passed.summary["sources"][place.source]
    assert report["status"] == case.status, report
    if case.error is None:
        assert report["error"] is None
    else:
        assert report["error"].startswith(case.error), report["error"]
    if case.outcome is None:
        if place.link.startswith("http"):
            assert not passed.explained(place.link)["known"]
        return
    facts = passed.explained(place.link)
    expected = (case.outcome,) if isinstance(case.outcome, str) else case.outcome
    assert facts["outcome"] in expected, facts
    assert facts["reason"].startswith(case.reason), facts
    if facts["outcome"] == "failed":
        assert facts["next_attempt"] > datetime.now(UTC)
    if case.asked is not None:
        assert bool(passed.site.hits_of(place.page_host, "/page")) == case.asked
    if case.undated is not None:
        entry = passed.manifest()[place.link]
        zone = ZoneInfo("Asia/Almaty")
        assert entry["date"] == (None if case.undated else PUBLISHED.astimezone(zone).date().isoformat())


@pytest.mark.parametrize("case", [c for c in CASES if c.large], ids=[c.name for c in CASES if c.large])
def test_what_is_too_large_for_the_usual_limit_is_not_read(case: Case, everything: Pass) -> None:
    place = everything.places[case.name]
    if case.feed is not None:
        assert everything.summary["sources"][place.source]["error"].startswith("too large")
    else:
        assert everything.explained(place.link)["outcome"] == "too_large"


# --- One by one ---------------------------------------------------------------------------------------------------


def of(passed: Pass, name: str) -> str:
    """The text of the article that a case's page became."""
    return passed.file(passed.manifest()[passed.places[name].link])


def test_a_body_ends_where_its_length_says(everything: Pass) -> None:
    assert "beyond the end" not in of(everything, "body longer than its length")


@pytest.mark.parametrize(
    "name",
    [
        "wrong declared charset",
        "charset that is none",
        "charset that is no text",
        "page in UTF-16",
        "page declared in UTF-7",
        "page declared in EBCDIC",
        "page declared in UTF-16, which it is not",
    ],
)
def test_a_page_is_read_whatever_it_declares(everything: Pass, name: str) -> None:
    assert "в котором участвуют вузы Алматы и Ташкента." in of(everything, name)


def test_a_cut_feed_gives_what_came_before_the_cut(everything: Pass) -> None:
    place = everything.places["feed cut in the middle"]
    assert everything.summary["sources"][place.source]["new"] >= 1


def test_a_guid_repeated_loses_no_entry(everything: Pass) -> None:
    place = everything.places["feed with one guid for all"]
    assert everything.summary["sources"][place.source]["appended"] == 2


def test_of_a_feed_that_is_an_archive_a_pass_takes_only_so_many(large: Pass) -> None:
    place = large.places["feed of 10,000 entries"]
    pages = [hit for hit in large.site.hits_of(place.feed_host) if hit.path not in ("/rss", "/robots.txt")]
    assert len(pages) == MAX_ENTRIES
    assert large.summary["sources"][place.source]["new"] == 10_000
    assert large.summary["outcomes"]["gone"] == MAX_ENTRIES
    assert large.summary["pending"] >= 10_000 - MAX_ENTRIES


def test_a_host_that_asks_for_an_hour_is_left_alone_for_the_rest_of_the_pass(everything: Pass) -> None:
    place = everything.places["status 429 for an hour"]
    later = [everything.site.url(place.page_host, f"/zlater{number}") for number in range(3)]
    asked = [hit.path for hit in everything.site.hits_of(place.page_host)]
    assert len([path for path in asked if path not in ("/rss", "/robots.txt")]) == 1
    outcomes = sorted(everything.explained(url)["outcome"] for url in (place.link, *later))
    assert outcomes == ["failed", *["waiting for the next pass"] * 3]
    assert everything.explained(place.link)["next_attempt"] > datetime.now(UTC) + timedelta(minutes=50)


def test_an_entity_brings_no_file_into_the_index(everything: Pass) -> None:
    place = everything.places["feed with an external entity for a file"]
    facts = everything.explained(place.link)
    if secret := SECRET.read_text(encoding="utf-8").strip():
        assert secret not in json.dumps(facts, default=str)


def test_laughter_is_not_multiplied(everything: Pass) -> None:
    place = everything.places["feed with a billion laughs"]
    assert len(everything.explained(place.link)["title"] or "") < 100


# --- The pass as a whole ------------------------------------------------------------------------------------------


def test_the_command_ends_well(either: Pass) -> None:
    assert either.status == 0, either.stderr
    assert "Traceback" not in either.stderr
    assert either.stdout.count("\n") == 1


def test_healthy_hosts_are_read_as_if_they_were_alone(either: Pass) -> None:
    for source, url in either.healthy.items():
        report = either.summary["sources"][source]
        assert [report[name] for name in ("status", "entries", "new", "appended", "error")] == ["ok", 1, 1, 1, None]
        assert either.explained(url)["outcome"] == "appended"


def test_every_entry_has_one_outcome_or_waits(either: Pass) -> None:
    counts = either.summary
    tried = sum(counts["outcomes"].get(outcome, 0) for outcome in Outcome.which(Again.LATER))  # and wait again
    assert sum(counts["outcomes"].values()) + (counts["pending"] - tried) == counts["new"]


def test_nobody_connects_to_an_address_outside(either: Pass) -> None:
    assert either.site.canary_connections == []


def test_a_pass_takes_no_longer_than_its_limits_allow(everything: Pass) -> None:
    assert everything.seconds <= 2 * max(TOTAL_S, EXTRACTION_S) + START_UP_S


def test_memory_stays_within_its_limits(either: Pass) -> None:
    assert 0 < either.main_mb < MAX_MAIN_MB
    assert 0 < either.child_mb < MEMORY_MB


def test_the_corpus_verifies(either: Pass) -> None:
    count, faults = asyncio.run(verified(either.config, either.data))
    assert faults == []
    assert count == either.summary["appended"]


def off_limits(text: str) -> set[str]:
    """The characters in `text` that nothing we write may hold: controls, invisible marks, surrogates."""
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c != "\n"}


def strings(value: object) -> Iterator[str]:
    """Every text in a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(key)
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def test_nothing_invisible_gets_into_files_manifest_or_summary(either: Pass) -> None:
    for path in (either.data / "corpus").iterdir():
        assert not off_limits(path.read_bytes().decode("utf-8")), path.name
    for entry in either.manifest().values():
        assert not any(off_limits(text) for text in strings(entry)), entry["url"]
    assert [text for text in strings(either.summary) if off_limits(text) or "\n" in text or len(text) > 400] == []
    assert not off_limits(either.stdout)
    assert not off_limits(either.stderr)


def test_nothing_invisible_is_told_of_an_entry(everything: Pass) -> None:
    for case in CASES:
        place = everything.places[case.name]
        if place.link.startswith("http"):
            facts = everything.explained(place.link)
            assert not any(off_limits(str(value)) for value in facts.values()), facts
