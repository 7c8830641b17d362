"""What a robots.txt means for us."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import USER_AGENT
from extractors.fetching.robots import (
    FRESH,
    MAX_BYTES,
    MAX_CRAWL_DELAY_S,
    USABLE,
    RobotsFile,
    decode_robots,
    product_token,
)

NOW = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
SITE = "https://site.kz"

RULES = [
    # name, robots.txt, path, allowed
    ("no file", "", "/a", True),
    ("blank", " \n\n", "/a", True),
    ("all forbidden", "User-agent: *\nDisallow: /\n", "/a", False),
    ("nothing forbidden", "User-agent: *\nDisallow:\n", "/a", True),
    ("a folder forbidden", "User-agent: *\nDisallow: /a/\n", "/a/b", False),
    ("beside a folder", "User-agent: *\nDisallow: /a/\n", "/ab", True),
    ("a beginning forbidden", "User-agent: *\nDisallow: /a\n", "/ab", False),
    ("rules without an agent", "Disallow: /\n", "/a", True),
    ("another agent", "User-agent: GPTBot\nDisallow: /\n", "/a", True),
    ("an agent whose name ours begins", "User-agent: c5watchdog\nDisallow: /\n", "/a", True),
    ("our name", "User-agent: c5watch\nDisallow: /\n", "/a", False),
    ("our name in capitals", "USER-AGENT: C5Watch\nDISALLOW: /\n", "/a", False),
    ("our name with a version", "User-agent: c5watch/0.1\nDisallow: /\n", "/a", False),
    ("our name with a version, after a carriage return", "#\rUser-agent: c5watch/2\rDisallow: /\r", "/a", False),
    ("our name before all", "User-agent: c5watch\nDisallow:\n\nUser-agent: *\nDisallow: /\n", "/a", True),
    ("our name after all", "User-agent: *\nDisallow: /\n\nUser-agent: c5watch\nDisallow: /b\n", "/a", True),
    ("a group of two agents", "User-agent: GPTBot\nUser-agent: c5watch\nDisallow: /\n", "/a", False),
    ("two groups of ours", "User-agent: c5watch\nDisallow: /x\n\nUser-agent: c5watch\nDisallow: /a\n", "/a", False),
    ("the longer rule wins, allowing", "User-agent: *\nDisallow: /a\nAllow: /a/b\n", "/a/b", True),
    ("the longer rule wins, forbidding", "User-agent: *\nAllow: /a\nDisallow: /a/b\n", "/a/b", False),
    ("of equals the allowing", "User-agent: *\nDisallow: /a\nAllow: /a\n", "/a", True),
    ("a wildcard", "User-agent: *\nDisallow: /*/print\n", "/news/1/print", False),
    ("a wildcard that does not fit", "User-agent: *\nDisallow: /*/print\n", "/print", True),
    ("an end", "User-agent: *\nDisallow: /*.pdf$\n", "/a.pdf", False),
    ("beyond an end", "User-agent: *\nDisallow: /*.pdf$\n", "/a.pdf.html", True),
    ("a query", "User-agent: *\nDisallow: /*?print=\n", "/a?print=1", False),
    ("another query", "User-agent: *\nDisallow: /*?print=\n", "/a?page=1", True),
    ("an escape in the rule", "User-agent: *\nDisallow: /%61\n", "/a", False),
    ("an escape in the address", "User-agent: *\nDisallow: /a\n", "/%61", False),
    ("Cyrillic in the rule", "User-agent: *\nDisallow: /мир\n", "/%D0%BC%D0%B8%D1%80/1", False),
    ("Cyrillic, escaped", "User-agent: *\nDisallow: /%d0%bd\n", "/новости", False),
    ("a comment behind a rule", "User-agent: * # all\nDisallow: /a # this\n", "/a", False),
    ("no blanks", "user-agent:*\ndisallow:/a", "/a", False),
    ("many blanks", "\t User-agent \t:  * \n  Disallow :\t/a  \n", "/a", False),
    ("carriage returns", "User-agent: *\r\nDisallow: /a\r\n", "/a", False),
    ("carriage returns alone", "User-agent: *\rDisallow: /a\r", "/a", False),
    ("blank lines within a group", "User-agent: *\n\nDisallow: /a\n", "/a", False),
    ("unknown lines between", "User-agent: *\nHost: site.kz\nSitemap: /s\nDisallow: /a\n", "/a", False),
    ("our name among others", "User-agent: GPTBot, c5watch, Yandex\nDisallow: /\n", "/a", False),
    ("our name between blanks", "User-agent: GPTBot c5watch #mine\nDisallow: /\n", "/a", False),
    ("others with commas", "User-agent: GPTBot, Yandex\nDisallow: /\n", "/a", True),
    ("our name with words behind it", "User-agent: c5watch the bot\nDisallow: /\n", "/a", False),
    ("a whole header of ours", "User-agent: Mozilla/5.0 (compatible; c5watch/1.0)\nDisallow: /\n", "/a", False),
    ("all, with words behind", "User-agent: * bots\nDisallow: /\n", "/a", False),
    ("a name that holds ours", "User-agent: not-c5watch\nDisallow: /\n", "/a", True),
    ("useragent", "Useragent: *\nDisallow: /a\n", "/a", False),
    ("user agent", "User Agent: *\nDisallow: /a\n", "/a", False),
    ("useg-agent", "useg-agent: *\nDisallow: /a\n", "/a", False),
    ("an agent without a colon", "User-agent *\nDisallow: /a\n", "/a", False),
    ("dissalow", "User-agent: *\nDissalow: /a\n", "/a", False),
    ("desallow", "User-agent: *\nDesallow: /a\n", "/a", False),
    ("disallaw", "User-agent: *\nDISALLAW: /a\n", "/a", False),
    ("an unknown line between agents", "User-agent: *\nClean-param: ref /a\nUser-agent: X\nDisallow: /\n", "/a", False),
    ("an unknown line after rules", "User-agent: *\nDisallow: /b\nNoindex: /a\nDisallow: /a\n", "/a", False),
    ("an unknown line that ends a group", "User-agent: *\nNoindex: /x\n\nUser-agent: X\nDisallow: /\n", "/a", True),
    ("a delay that ends a group", "User-agent: *\nCrawl-delay: 3\n\nUser-agent: X\nDisallow: /\n", "/a", True),
    ("breaks of HTML", "<html><body>\nUser-agent: *<BR>\nDisallow: /a<br />\n</body>", "/a", False),
    ("line ends of all kinds", "User-agent: X\rDisallow: /\r\n\nUser-agent: *\r\nDisallow: /a\rAllow: /", "/a", False),
    ("a page for an answer", "<!DOCTYPE html><html><body>Disallow: /</body></html>", "/a", True),
    ("JSON for an answer", '{"error": "not found"}', "/a", True),
]  # fmt: skip

DELAYS = [
    # name, robots.txt, seconds
    ("no file", "", 0.0),
    ("none stated", "User-agent: *\nDisallow: /a\n", 0.0),
    ("whole", "User-agent: *\nCrawl-delay: 10\n", 10.0),
    ("with a fraction", "User-agent: *\nCrawl-delay: 0.5\n", 0.5),
    ("none", "User-agent: *\nCrawl-delay: 0\n", 0.0),
    ("ours", "User-agent: c5watch\nCrawl-delay: 3\n\nUser-agent: *\nCrawl-delay: 10\n", 3.0),
    ("another's", "User-agent: Yandex\nCrawl-delay: 10\n", 0.0),
    ("more than we keep", "User-agent: *\nCrawl-delay: 86400\n", MAX_CRAWL_DELAY_S),
    ("huge", "User-agent: *\nCrawl-delay: 1e300\n", MAX_CRAWL_DELAY_S),
    ("of many digits", f"User-agent: *\nCrawl-delay: {'9' * 5000}\n", None),
    ("below zero", "User-agent: *\nCrawl-delay: -5\n", 0.0),
    ("not a number", "User-agent: *\nCrawl-delay: soon\n", 0.0),
    ("nan", "User-agent: *\nCrawl-delay: nan\n", 0.0),
    ("infinite", "User-agent: *\nCrawl-delay: inf\n", None),
    ("empty", "User-agent: *\nCrawl-delay:\n", 0.0),
]


def robots(text: str) -> RobotsFile:
    return RobotsFile(text, NOW)


@pytest.mark.parametrize(("text", "path", "allowed"), [r[1:] for r in RULES], ids=[r[0] for r in RULES])
def test_rules(text: str, path: str, allowed: bool) -> None:
    assert robots(text).allows(SITE + path, USER_AGENT) is allowed


@pytest.mark.parametrize(("text", "seconds"), [d[1:] for d in DELAYS], ids=[d[0] for d in DELAYS])
def test_delays(text: str, seconds: float | None) -> None:
    delay = robots(text).crawl_delay_s(USER_AGENT)
    assert 0.0 <= delay <= MAX_CRAWL_DELAY_S
    assert seconds is None or delay == seconds


@pytest.mark.parametrize(
    ("user_agent", "token"),
    [(USER_AGENT, "c5watch"), ("name", "name"), ("name/2.0", "name"), ("Two words/1", "Two"), ("name (x/y)", "name")],
)
def test_the_product_token_is_the_name_alone(user_agent: str, token: str) -> None:
    assert product_token(user_agent) == token


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", ""),
        (b"\xef\xbb\xbfUser-agent: *", "User-agent: *"),
        (b"User-\0agent: *\0", "User-agent: *"),
        ("Disallow: /новости".encode("cp1251"), "Disallow: /" + "\ufffd" * 7),
        ("User-agent: *".encode("utf-16"), "User-agent: *"),
        (b"\xfe\xff" + "User-agent: *".encode("utf-16-be"), "User-agent: *"),
        ("User-agent: *".encode("utf-16-le"), "User-agent: *"),
        ("User-agent: *".encode("utf-16") + b"\n", "User-agent: *\ufffd"),
        (b"\xff\xfe", ""),
        (b"\x80\x81", "\ufffd\ufffd"),
    ],
    ids=[
        "empty",
        "byte order mark",
        "NULs",
        "windows-1251",
        "UTF-16",
        "UTF-16, big-endian",
        "UTF-16 without its mark",
        "UTF-16, cut",
        "a mark alone",
        "no text",
    ],
)
def test_decoding(body: bytes, text: str) -> None:
    assert decode_robots(body) == text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_rules_after_a_byte_order_mark_hold(encoding: str) -> None:
    text = decode_robots("User-agent: *\r\nDisallow: /\r\n".encode(encoding))
    assert not robots(text).allows(SITE, USER_AGENT)


def test_of_a_huge_file_the_beginning_counts() -> None:
    first, filling = b"User-agent: *\nDisallow: /a\n", b"Disallow: /x\n" * 200_000
    text = decode_robots(first + filling + b"Disallow: /b\n")
    assert len(text) == MAX_BYTES
    assert not robots(text).allows(f"{SITE}/a", USER_AGENT)
    assert robots(text).allows(f"{SITE}/b", USER_AGENT)


@pytest.mark.parametrize(
    "text",
    [
        "User-agent: *\n" + "Disallow: /x*y\n" * 30_000,
        "User-agent: *\nDisallow: /" + "*a" * 200_000 + "b$\n",
        "User-agent: *\nDisallow: /" + "*" * 500_000 + "b$\n",
        "User-agent: *\n" * 30_000 + "Disallow: /x\n",
        " " * MAX_BYTES,
        "\n" * MAX_BYTES,
        "user-agent" + " " * MAX_BYTES,
        "".join(f"User-agent: a{number}\nDisallow: /\n\n" for number in range(15_000)),
    ],
    ids=["rules", "wildcards", "stars", "agents", "blanks", "lines", "half a line", "groups"],
)
def test_no_file_takes_long(text: str) -> None:
    """It is read in the main process, where nobody ends it."""
    file = robots(text[:MAX_BYTES])
    started = time.process_time()
    for _ in range(3):
        assert file.allows(f"{SITE}/{'a' * 2000}", USER_AGENT)
        file.crawl_delay_s(USER_AGENT)
    assert time.process_time() - started < 3.0


@settings(max_examples=200, deadline=None)
@given(body=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)), path=st.text(max_size=30))
def test_any_bytes_are_a_file(body: bytes, path: str) -> None:
    for text in (decode_robots(body), decode_robots(b"User-agent: *\nDisallow: /" + body + b"\nCrawl-delay: " + body)):
        file = robots(text)
        assert file.allows(f"{SITE}/{path}", USER_AGENT) in (True, False)
        assert 0.0 <= file.crawl_delay_s(USER_AGENT) <= MAX_CRAWL_DELAY_S


@pytest.mark.parametrize(
    ("age", "fresh", "usable"),
    [
        (timedelta(), True, True),
        (timedelta(hours=-1), True, True),  # the clock was set back
        (FRESH - timedelta(seconds=1), True, True),
        (FRESH, False, True),
        (USABLE - timedelta(seconds=1), False, True),
        (USABLE, False, False),
        (timedelta(days=400), False, False),
    ],
)
def test_a_copy_is_fresh_for_a_day_and_usable_for_a_month(age: timedelta, fresh: bool, usable: bool) -> None:
    file = robots("")
    assert (file.is_fresh(NOW + age), file.is_usable(NOW + age)) == (fresh, usable)
