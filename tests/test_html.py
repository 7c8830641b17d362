"""Bytes of a page → text: whose word on the encoding counts."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.html import decode_html, meta_codec, parse_html

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
    ("windows-1251 by a short label", '<meta charset="win-1251">', "cp1251", None),
    ("windows-1251 by a label with a hyphen", '<meta charset=cp-1251>', "cp1251", None),
    ("windows-1251 by header in quotes", "", "cp1251", ' "Windows-1251" '),
    ("windows-1251 by header with more behind it", "", "cp1251", "windows-1251;charset=utf-8"),
    ("windows-1251 by the XML declaration", '<?xml version="1.0" encoding="windows-1251"?>', "cp1251", None),
    ("windows-1251, another meta in a comment", '<!-- <meta charset="koi8-r"> -->' + M1251, "cp1251", None),
    ("windows-1251, another meta in a script", "<script>w('<meta charset=koi8-r>')</script>" + M1251, "cp1251", None),
    ("windows-1251, a charset of another kind", '<meta name="x" content="charset=koi8-r">' + M1251, "cp1251", None),
    ("windows-1251 behind 20 kB of script", f"<script>{'var a = 1;' * 2000}</script>{M1251}", "cp1251", None),
    ("windows-1251 behind 60 kB of style", f"<style>{'p { color: red }' * 4000}</style>{M1251}", "cp1251", None),
    ("windows-1251 behind attributes", f"<link href='{'x' * 9000}'>{M1251}", "cp1251", None),
    ("koi8-r without a word", "", "koi8-r", None),
    ("koi8-r, all says windows-1251", M1251, "koi8-r", "windows-1251"),
    ("iso-8859-5 without a word", "", "iso8859-5", None),
    ("utf-16 by the header alone, big-endian", "", "utf-16-be", "utf-16"),
    ("utf-16 without a word", "", "utf-16-le", None),
    ("utf-16 with its mark", "", "utf-16", None),
    ("utf-16 by header", "", "utf-16-le", "utf-16le"),
]  # fmt: skip


def page(meta: str, text: str = TEXT, *, title: str = "Мост") -> str:
    return f"<!doctype html><html><head>{meta}<title>{title}</title></head><body><p>{text}</p></body></html>"


@pytest.mark.parametrize(("meta", "encoding", "charset"), [r[1:] for r in ENCODINGS], ids=[r[0] for r in ENCODINGS])
def test_a_page_is_decoded_by_what_is_true(meta: str, encoding: str, charset: str | None) -> None:
    # koi8-r has no quotation marks of the kind that the text has
    text = TEXT.replace("«", "").replace("»", "") if encoding in ("koi8-r", "iso8859-5") else TEXT
    body = page(meta, text).encode(encoding)
    assert decode_html(body, charset).removeprefix("\ufeff") == page(meta, text)
    tree = parse_html(body, charset)
    assert tree is not None
    assert tree.findtext(".//p") == text


@pytest.mark.parametrize("charset", ["iso-8859-1", "latin1", "windows-1252"])
def test_latin_1_means_windows_1252(charset: str) -> None:
    assert EUROPEAN in decode_html(page("", EUROPEAN).encode("cp1252", "replace"), charset)


MUCH_ASCII = "<script>var a = 1; function b() { return a; }</script>" * 400


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r"])
@pytest.mark.parametrize(
    "text", ["Мост открыт", "Президент принял посла США", "Ўзбекистон ва Қозоғистон элчилари учрашди"]
)
def test_a_few_cyrillic_words_among_much_ascii_are_read(text: str, encoding: str) -> None:
    body = page(MUCH_ASCII, text).encode(encoding, "xmlcharrefreplace")
    assert decode_html(body, None) == body.decode(encoding)


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r"])
@pytest.mark.parametrize("stray", [b"\x98", b"\x98\x98"])
def test_a_stray_byte_costs_itself_alone(stray: bytes, encoding: str) -> None:
    body = page(f'<meta charset="{encoding.replace("cp", "windows-")}">', "Мост через реку").encode(encoding)
    text = decode_html(body.replace(b"</p>", stray + b"</p>"), None)
    assert "Мост через реку" in text


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("iso-8859-9", "cp1254", "Büyükelçi “güven mektubunu” sundu – Orta Asya’da yeni dönem başladı…"),
        ("latin5", "cp1254", "Dışişleri Bakanı “görüştü” – €5 milyon"),
        ("tis-620", "cp874", "รัฐบาล “ไทย” – เอเชียกลาง…"),
        ("iso-8859-11", "cp874", "ข่าว “วันนี้”"),
        ("gb2312", "gb18030", "哈萨克斯坦总统托卡耶夫会见美国大使，朱镕基也在场。"),
        ("shift_jis", "cp932", "カザフスタンの大統領が米国の大使と会談した①"),
        ("ks_c_5601-1987", "cp949", "카자흐스탄 대통령이 미국 대사를 만났다 뷁"),
    ],
)
@pytest.mark.parametrize("by_header", [True, False])
def test_a_label_means_the_larger_set_that_browsers_read(charset: str, codec: str, text: str, by_header: bool) -> None:
    body = page("" if by_header else f'<meta charset="{charset}">', text, title="").encode(codec)
    assert text in decode_html(body, charset if by_header else None)


@pytest.mark.parametrize(
    ("language", "codec", "text"),
    [
        ("", "cp1254", "Büyükelçi güven mektubunu sundu, dışişleri bakanı açıklama yaptı"),
        (' lang="tr-TR"', "cp1254", "Büyükelçi mektubunu sundu"),
        ("", "cp1250", "Türkmenistanyň ABŞ-daky ilçihanasynda duşuşyk geçirildi, gepleşikler dowam edýär"),
        ("", "cp1252", "Der Botschafter überreichte das Beglaubigungsschreiben – „schön“, sagte er"),
    ],
)
def test_undeclared_latin_pages_are_told_apart_by_their_letters(language: str, codec: str, text: str) -> None:
    body = page("", text, title="").replace("<html", f"<html{language}").encode(codec, "xmlcharrefreplace")
    assert body.decode(codec) == decode_html(body, None)


@pytest.mark.parametrize("charset", ["utf-7", "cp037", "unicode_escape", "punycode", "hz", "utf-32", "base64", "rot13"])
def test_charsets_that_browsers_do_not_know_hide_nothing(charset: str) -> None:
    body = page(f'<meta charset="{charset}">', "+ADw-script+AD4- \\u041c ~{VPND~}").encode()
    assert decode_html(body, charset) == body.decode()


@pytest.mark.parametrize("opening", ["<!--", "<script>", "<style>", "<meta ", "<!-- -->", "<meta charset='"])
def test_the_declaration_is_found_in_linear_time(opening: str) -> None:
    body = (opening * (2_000_000 // len(opening))).encode() + M1251.encode() + "Мост".encode("cp1251")
    started = time.process_time()
    meta_codec(body)
    assert time.process_time() - started < 2


@pytest.mark.parametrize("charset", [None, "utf-8", "windows-1251", "iso-8859-1"])
@pytest.mark.parametrize("damage", [b"\xd0", b"\xff\xfe", b"\x80"])
def test_utf_8_with_a_letter_cut_in_two_is_still_utf_8(charset: str | None, damage: bytes) -> None:
    body = page("").encode().replace(b"</p>", damage + b"</p>")
    assert TEXT in decode_html(body, charset)


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
