"""Bytes → text: which of the contradicting statements about a body's encoding is believed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.feeds.encoding import decode
from extractors.feeds.parsing import parse_feed

RUSSIAN = "Мост через реку открыт, «подарок» городу № 7"
XML = '<?xml version="1.0"{}?><rss>' + RUSSIAN + "</rss>"
DECLARED_1251 = XML.format(' encoding="windows-1251"')
DECLARED_UTF8 = XML.format(' encoding="utf-8"')
UNDECLARED = XML.format("")
UNDECLARED_KOI8 = "<?xml version='1.0'?><rss><title>Мост через реку</title>Мост через реку открыт, подарок городу</rss>"
KOI8_AS_1251 = UNDECLARED_KOI8.replace("?>", " encoding='windows-1251'?>")
KOI8 = "<?xml version='1.0' encoding='KOI8-R'?><rss>Мост через реку открыт</rss>"

TABLE = [
    ("utf-8 without a word", UNDECLARED, "utf-8", None, "utf-8"),
    ("utf-8 with its mark", UNDECLARED, "utf-8-sig", None, "utf-8"),
    ("utf-16 with its mark", UNDECLARED, "utf-16", None, "utf-16-le"),
    ("utf-16 without mark", UNDECLARED, "utf-16-be", None, "utf-16-be"),
    ("windows-1251 declared", DECLARED_1251, "cp1251", None, "cp1251"),
    ("windows-1251 in the header", UNDECLARED, "cp1251", "windows-1251", "cp1251"),
    ("windows-1251 without a word", UNDECLARED, "cp1251", None, "cp1251"),
    ("windows-1251 declared as utf-8", DECLARED_UTF8, "cp1251", None, "cp1251"),
    ("windows-1251, header says utf-8", UNDECLARED, "cp1251", "utf-8", "cp1251"),
    ("windows-1251, header has a default", UNDECLARED, "cp1251", "ISO-8859-1", "cp1251"),
    ("utf-8 declared as windows-1251", DECLARED_1251, "utf-8", None, "utf-8"),
    ("utf-8 declared as utf-16", XML.format(' encoding="utf-16"'), "utf-8", None, "utf-8"),
    ("utf-8, mark against header", UNDECLARED, "utf-8-sig", "windows-1251", "utf-8"),
    ("koi8-r declared, header is wrong", KOI8, "koi8-r", "windows-1251", "koi8-r"),
    ("koi8-r without a word", UNDECLARED_KOI8, "koi8-r", None, "koi8-r"),
    ("koi8-r, header says utf-8", UNDECLARED_KOI8, "koi8-r", "utf-8", "koi8-r"),
    ("iso-8859-5 without a word", UNDECLARED_KOI8, "iso8859-5", None, "iso8859-5"),
    ("cp866, declared as utf-8", UNDECLARED_KOI8.replace("?>", " encoding='utf-8'?>"), "cp866", None, "cp866"),
    ("windows-1251 by a short label", XML.format(' encoding="win-1251"'), "cp1251", None, "cp1251"),
    ("windows-1251, header has a list", UNDECLARED, "cp1251", "windows-1251, text/xml", "cp1251"),
    ("koi8-r declared as windows-1251", KOI8_AS_1251, "koi8-r", None, "koi8-r"),
    ("utf-8 declared as an EBCDIC code page", XML.format(' encoding="cp037"'), "utf-8", "cp500", "utf-8"),
    ("an unknown charset", XML.format(' encoding="x-user-defined-9"'), "utf-8", "nonsense", "utf-8"),
    ("a codec that is not for text", XML.format(' encoding="zlib"'), "cp1251", "base64", "cp1251"),
    ("a codec that is not for the web", XML.format(' encoding="unicode_escape"'), "cp1251", "punycode", "cp1251"),
    ("a header with rubbish in it", UNDECLARED, "utf-8", 'utf-8"; \0', "utf-8"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "written_as", "charset", "encoding"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_body_is_read_as_what_it_is(text: str, written_as: str, charset: str | None, encoding: str) -> None:
    decoded = decode(text.encode(written_as), charset=charset)
    assert (decoded.text, decoded.encoding, decoded.damaged) == (text, encoding, False)


def test_latin_1_means_windows_1252_as_in_browsers() -> None:
    body = '<?xml version="1.0" encoding="iso-8859-1"?><t>caf\u00e9 \u2013 \u201cna\u00efve\u201d</t>'.encode("cp1252")
    assert decode(body).text.endswith("<t>café – “naïve”</t>")


def test_utf_8_cut_inside_a_letter_stays_utf_8() -> None:
    decoded = decode("Мост через реку".encode()[:-1])
    assert (decoded.text, decoded.encoding, decoded.damaged) == ("Мост через рек\ufffd", "utf-8", True)


def test_byte_undefined_in_windows_1251_is_a_control_character_as_in_browsers() -> None:
    decoded = decode("Мост \u2122".encode("cp1251") + b"\x98")
    assert (decoded.text, decoded.encoding, decoded.damaged) == ("Мост ™\x98", "cp1251", True)


def test_utf_16_with_an_odd_byte_at_the_end_is_still_read() -> None:
    decoded = decode("<rss/>".encode("utf-16") + b"<")
    assert decoded.text.startswith("<rss/>")
    assert decoded.damaged


def test_a_feed_of_unreadable_characters_gives_addresses_alone() -> None:
    text = "<rss><item><title>Мост через реку</title><link>https://a.kz/1</link></item></rss>"
    body = text.encode().decode("cp1251", "replace").encode()
    feed = parse_feed(body, url="https://a.kz/rss", now=datetime(2026, 3, 1, tzinfo=UTC))
    assert [(entry.url, entry.title) for entry in feed.entries] == [("https://a.kz/1", None)]
    assert feed.warning == "unreadable characters"


def test_ascii_with_a_declared_charset_is_itself() -> None:
    assert decode(b'<?xml version="1.0" encoding="windows-1251"?><a/>').text.endswith("<a/>")


@given(st.binary(max_size=200), st.none() | st.text(max_size=20))
def test_no_bytes_and_no_label_make_it_raise(body: bytes, charset: str | None) -> None:
    decode(body, charset=charset).text.encode("utf-8")  # and there are no lone surrogates


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=100))
def test_every_utf_8_text_is_read_back(text: str) -> None:
    body = ("<t>" + text + "</t>").encode()
    assert decode(body).text == "<t>" + text + "</t>"
