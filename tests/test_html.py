"""Bytes of a page → text: whose word on the encoding counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.html import PRESCAN_BYTES, decode_html, parse_html

TEXT = "Мост через реку Сырдарья открыли сегодня в Кызылорде, сообщает «пресс-служба» акимата области."
EUROPEAN = "Un café à Bruxelles – l’été dernier, le président français a visité l’Ouzbékistan."
M1251 = '<meta charset="windows-1251">'
M_OLD = '<meta http-equiv="Content-Type" content="text/html; charset={}">'

ENCODINGS = [
    # name, meta element, encoding in truth, HTTP charset
    ("utf-8 without a word", "", "utf-8", None),
    ("utf-8 with its mark", "", "utf-8-sig", None),
    ("utf-8 declared", '<meta charset="utf-8">', "utf-8", "utf-8"),
    ("utf-8, meta is wrong", M1251, "utf-8", None),
    ("utf-8, header is wrong", "", "utf-8", "windows-1251"),
    ("utf-8, all is wrong", M1251, "utf-8", "koi8-r"),
    ("windows-1251 by meta", M1251, "cp1251", None),
    ("windows-1251 by old meta", M_OLD.format("windows-1251"), "cp1251", None),
    ("windows-1251 by meta without quotes", "<META CHARSET=Windows-1251>", "cp1251", None),
    ("windows-1251 by header", "", "cp1251", "windows-1251"),
    ("windows-1251 without a word", "", "cp1251", None),
    ("windows-1251, meta says utf-8", '<meta charset="utf-8">', "cp1251", None),
    ("windows-1251, header says utf-8", M1251, "cp1251", "utf-8"),
    ("windows-1251, header has a default", M1251, "cp1251", "ISO-8859-1"),
    ("windows-1251, meta says utf-16", '<meta charset="utf-16">', "cp1251", None),
    ("windows-1251, header is unknown", M1251, "cp1251", "x-unknown"),
    ("windows-1251, header is no text codec", M1251, "cp1251", "zlib"),
    ("windows-1251, header is rubbish", M1251, "cp1251", "\0;%"),
    ("koi8-r by meta", '<meta charset="koi8-r">', "koi8-r", None),
    ("koi8-r by old meta", M_OLD.format("KOI8-R"), "koi8-r", None),
    ("koi8-r by header", "", "koi8-r", "koi8-r"),
    ("header before meta", M1251, "koi8-r", "koi8-r"),
    ("utf-16 with its mark", "", "utf-16", None),
    ("utf-16 by header", "", "utf-16-le", "utf-16le"),
]  # fmt: skip


def page(meta: str, text: str = TEXT) -> str:
    return f"<!doctype html><html><head>{meta}<title>Мост</title></head><body><p>{text}</p></body></html>"


@pytest.mark.parametrize(("meta", "encoding", "charset"), [r[1:] for r in ENCODINGS], ids=[r[0] for r in ENCODINGS])
def test_a_page_is_decoded_by_what_is_true(meta: str, encoding: str, charset: str | None) -> None:
    # koi8-r has no quotation marks of the kind that the text has
    text = TEXT.replace("«", "").replace("»", "") if encoding == "koi8-r" else TEXT
    body = page(meta, text).encode(encoding)
    assert decode_html(body, charset).removeprefix("\ufeff") == page(meta, text)
    tree = parse_html(body, charset)
    assert tree is not None
    assert tree.findtext(".//p") == text


@pytest.mark.parametrize("charset", ["iso-8859-1", "latin1", "windows-1252"])
def test_latin_1_means_windows_1252(charset: str) -> None:
    assert EUROPEAN in decode_html(page("", EUROPEAN).encode("cp1252", "replace"), charset)


@pytest.mark.parametrize("charset", [None, "utf-8", "windows-1251", "iso-8859-1"])
@pytest.mark.parametrize("damage", [b"\xd0", b"\xff\xfe", b"\x80"])
def test_utf_8_with_a_letter_cut_in_two_is_still_utf_8(charset: str | None, damage: bytes) -> None:
    body = page("").encode().replace(b"</p>", damage + b"</p>")
    assert TEXT in decode_html(body, charset)


def test_a_declaration_far_down_the_page_is_not_looked_for() -> None:
    padding = "<!-- " + "x" * PRESCAN_BYTES + " -->"
    assert "Мост" in decode_html(page("<!-- x -->" * 50 + '<meta charset="koi8-r">', "Мост").encode("koi8-r"), None)
    assert "Мост" in decode_html(page(padding + '<meta charset="koi8-r">').encode("cp1251"), "windows-1251")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj",
        b"\x89PNG\r\n\x1a\n\0\0",
        b'{"a": 1}',
        b"\xff" * 100,
        b"words",
    ],
    ids=["nothing", "spaces", "PDF", "PNG", "JSON", "bytes", "words"],
)
def test_what_is_no_page_gives_no_tree(body: bytes) -> None:
    assert parse_html(body, None) is None


@given(st.binary(max_size=200), st.none() | st.sampled_from(["utf-8", "windows-1251", "utf-16", "\0", "ы", "idna"]))
def test_any_bytes_become_text(body: bytes, charset: str | None) -> None:
    assert isinstance(decode_html(body, charset), str)
