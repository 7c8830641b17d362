"""Labels, and text that was read by the wrong charset."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.charsets import codec_of, decode_as, guess, is_mojibake

LABELS = [
    ("UTF8", "utf-8"),
    ("windows-1251", "cp1251"),
    ("x-cp1251", "cp1251"),
    ("Win-1251", "cp1251"),
    ("cp-1251", "cp1251"),
    ("CP_1251", "cp1251"),
    ("1251", "cp1251"),
    ("windows 1251", None),
    ("iso-8859-1", "cp1252"),
    ("us-ascii", "cp1252"),
    ("iso-8859-9", "cp1254"),
    ("tis-620", "cp874"),
    ("koi8-ru", "koi8-u"),
    ("x-mac-cyrillic", "mac-cyrillic"),
    ("ibm866", "cp866"),
    ("utf-16", "utf-16-le"),
    ("gb2312", "gb18030"),
    ("kz-1048", "kz1048"),
    ("'utf-8'", "utf-8"),
    ("utf-8;", "utf-8"),
    ("", None),
    (None, None),
    ("klingon", None),
    ("utf-7", None),
    ("cp037", None),
    ("unicode_escape", None),
    ("zlib", None),
    ("12510", None),
    ("ы\0", None),
]

RUSSIAN = "Президент принял верительные грамоты посла; стороны обсудили сотрудничество в сфере транспорта и энергетики."
WRONG = [
    # written as, read as
    ("utf-8", "cp1251"), ("utf-8", "cp1252"), ("utf-8", "latin-1"), ("utf-8", "koi8-r"), ("utf-8", "cp866"),
    ("utf-8", "cp1254"), ("cp1251", "cp1252"), ("cp1251", "latin-1"), ("cp1251", "koi8-r"), ("cp1251", "cp1254"),
    ("koi8-r", "cp1251"), ("koi8-r", "cp1252"), ("cp1251", "utf-8"), ("koi8-r", "utf-8"),
]  # fmt: skip
SOUND = [
    RUSSIAN, RUSSIAN.upper(), "США, ООН, МВФ, ЕС", "МИД РФ",
    "Dışişleri Bakanı ışığı gördü; ağır ağır çıktı, şöyle dedi", "L’été à Bruxelles, où l’Élysée a été reçu – déjà",
    "哈萨克斯坦总统会见美国大使", "კავკასია", "იქ", "ÀÉÈ", "«Мост» – №7 ™ € ½ ÷ ×", "été", "", "plain", "Ё", "ΑΒΓ αβγ",
    "مجلس", "Ünïçödé wörds bèsidé ASCII", "🔥🔥🔥🔥🔥🔥", "© ® ™ § ¶ « »",
]  # fmt: skip


@pytest.mark.parametrize(("label", "codec"), LABELS)
def test_labels_mean_what_browsers_take_them_for(label: str | None, codec: str | None) -> None:
    assert codec_of(label) == codec


@pytest.mark.parametrize(("written", "read"), WRONG)
def test_text_read_by_the_wrong_charset_is_recognised(written: str, read: str) -> None:
    body = RUSSIAN.encode(written)
    assert is_mojibake(decode_as(body, read) or body.decode(read, errors="replace"))


@pytest.mark.parametrize("text", SOUND)
def test_sound_text_is_not_taken_for_it(text: str) -> None:
    assert not is_mojibake(text)


def test_no_article_of_ours_is_taken_for_it() -> None:
    paths = sorted((Path(__file__).parent / "topic_articles").glob("*.jsonl"))
    articles = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").split("\n") if line]
    assert len(articles) > 400
    for article in articles:
        for text in (article.get("title") or "", article.get("text") or ""):
            assert not is_mojibake(text), text[:80]


def test_a_word_of_it_among_sound_ones_is_left_alone() -> None:
    assert not is_mojibake(f"{RUSSIAN} РњРѕСЃС‚ {RUSSIAN}")


@pytest.mark.parametrize("codec", ["cp1251", "cp1252", "cp1254", "cp874", "koi8-r", "iso8859-5"])
def test_every_byte_of_a_code_page_is_some_character(codec: str) -> None:
    text = decode_as(bytes(range(0x80, 0xA0)) + "Слово".encode("cp1251"), codec)
    assert text is not None
    assert len(text) == 37
    assert "\ufffd" not in text


@given(st.binary(max_size=300), st.sampled_from(["utf-8", "cp1251", "gb18030", "utf-16-le", "iso2022_jp", "cp874"]))
def test_any_bytes_are_judged(body: bytes, codec: str) -> None:
    assert guess(body) in (None, "cp1250", "cp1251", "cp1252", "cp1254", "koi8-r", "iso8859-5", "cp866")
    text = decode_as(body, codec)
    assert text is None or is_mojibake(text) in (True, False)
