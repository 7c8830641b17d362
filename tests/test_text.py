"""Lines as the corpus keeps them, and the key that is equal for equal words."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from extractors.text import clean_block, clean_line, counted, exact_key, tokens

LINES = [
    ("ordinary", "Мост открыт", "Мост открыт"),
    ("typographic", "«Мост» — “открыт”… № 7", "«Мост» — “открыт”… № 7"),
    ("no-break space", "12\u00a0000", "12 000"),
    ("narrow no-break space", "12\u202f000", "12 000"),
    ("thin space", "a\u2009b", "a b"),
    ("ideographic space", "a\u3000b", "a b"),
    ("Ogham, Braille and Hangul blanks", "a\u1680b\u2800c\u3164d", "a b c d"),
    ("line separator", "a\u2028b\u2029c", "a b c"),
    ("next line", "a\u0085b", "a b"),
    ("tabs and line feeds", "a\t\n\r\n b\v\fc", "a b c"),
    ("information separators", "a\x1cb\x1fc", "a b c"),
    ("runs of spaces", "a   b \u00a0 c", "a b c"),
    ("spaces at both ends", " \u00a0a ", "a"),
    ("spaces around what vanishes", "a \u200b b", "a b"),
    ("nothing but spaces", " \u00a0\u2003", ""),
    ("nothing", "", ""),
    ("zero-width space", "a\u200bb", "ab"),
    ("joiners", "a\u200cb\u200dc\u2060d", "abcd"),
    ("soft hyphen", "коопе\u00adратив", "кооператив"),
    ("byte order mark", "\ufeffa", "a"),
    ("marks of direction", "\u200ea\u200f\u202bb\u202c\u2066c\u2069", "abc"),
    ("short i in two characters", "и\u0306", "й"),
    ("e with a loose accent", "cafe\u0301", "café"),
    ("accent for stress stays", "за\u0301мок", "за\u0301мок"),
    ("ohm sign", "\u2126", "\u03a9"),
    ("lone surrogate", "a\ud83db", "ab"),
    ("private use", "\ue000a\uf8ff\U000f0000", "a"),
    ("noncharacters", "a\ufdd0b\uffffc", "abc"),
    ("noncharacters of other planes", "a\U0001fffeb\U0010ffffc", "abc"),
    ("controls", "a\x00b\x07c\x7fd\x9fe", "abcde"),
    ("language tag", "a\U000e0001b", "ab"),
    ("interlinear marks", "a\ufff9b\ufffbc", "abc"),
    ("emoji", "Победа 🏆", "Победа 🏆"),
    ("Kazakh letters", "Қазақстан Ұлттық Әңгіме", "Қазақстан Ұлттық Әңгіме"),
    ("Tajik letters", "Ҷумҳурии Тоҷикистон", "Ҷумҳурии Тоҷикистон"),
    ("Chinese", "哈萨克斯坦", "哈萨克斯坦"),
]  # fmt: skip

FERRY = """Паромная переправа через Балхаш откроется весной, сообщили в акимате: за сезон она примет до сорока тысяч
машин. 12 марта подрядчик — компания «Су жолы» — представит причал и два судна, собранных в Уральске."""
BRIDGE = """The bridge across the Syr Darya was opened on Monday, the regional government said. It took three years
to build and cost twelve billion tenge."""
KAZAKH = """Мемлекет басшысы үкімет отырысын өткізіп, жаңа теміржол құрылысы мен жанармай бағасын талқылады. Қазақстан
халқының саны өсіп келеді, деп хабарлайды Ақорданың баспасөз қызметі, сондай-ақ ұлттық статистика бюросы."""

# Stored in every index: a change needs a new EXACT_VERSION.
GOLDEN_KEYS = [
    ("ferry", FERRY, "b1f15b1596e40972f3fe73f47581cb5c"),
    ("bridge", BRIDGE, "a07ac10217636d31f0741c90d871aa30"),
    ("Kazakh", KAZAKH, "abc20a6535d2d6da4cf9d411a5ea5bcd"),
]


def forbidden(character: str) -> bool:
    """What a line of the corpus may not hold, said in another way than the code says it."""
    category = unicodedata.category(character)
    last = ord(character) & 0xFFFF
    nonbreaking = category in {"Zs", "Zl", "Zp"} and character != " "
    return (
        category in {"Cc", "Cf", "Cs", "Co"}
        or nonbreaking
        or last in (0xFFFE, 0xFFFF)
        or 0xFDD0 <= ord(character) <= 0xFDEF
    )


@pytest.mark.parametrize(("text", "expected"), [row[1:] for row in LINES], ids=[row[0] for row in LINES])
def test_a_line_holds_only_what_the_format_allows(text: str, expected: str) -> None:
    assert clean_line(text) == expected


ODD = st.sampled_from(list("\u00a0\u200b\u00ad\ufeff\u202e\u0306\u0301\ud800\ue000\ufdd0\u2028\u3164  \t\n-«иeK\u212a"))


@given(st.text(ODD | st.characters(), max_size=60))
@example("a \u200b b")
@example("\u200b \u0301")
@example("и\u200b\u0306")
def test_a_clean_line_is_clean_and_stays_as_it_is(text: str) -> None:
    line = clean_line(text)
    assert clean_line(line) == line
    assert [f"U+{ord(c):04X}" for c in line if forbidden(c)] == []
    assert "  " not in line
    assert line == line.strip()
    assert unicodedata.is_normalized("NFC", line)


@given(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"]))
def test_no_letter_is_ever_lost(character: str) -> None:
    if character not in "\u2800\u3164":  # blanks that Unicode counts as a symbol and a letter
        assert clean_line(f"a{character}b") == unicodedata.normalize("NFC", f"a{character}b")


def test_a_block_keeps_its_lines_and_loses_the_empty_ones() -> None:
    assert clean_block(" - a\u00a0b \n\n\u200b\n- c") == "- a b\n- c"
    assert clean_block(" \n ") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Мост, открыт!", ["мост", "открыт"]),
        ("«C5+1» – саммит", ["c5", "1", "саммит"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("ﬁnal", ["final"]),
        ("коопе\u00adратив", ["кооператив"]),
        ("— …", []),
    ],
)
def test_tokens_are_the_words_alone(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@pytest.mark.parametrize(("text", "key"), [row[1:] for row in GOLDEN_KEYS], ids=[row[0] for row in GOLDEN_KEYS])
def test_keys_in_existing_indexes_still_fit(text: str, key: str) -> None:
    found = exact_key(text)
    assert found is not None
    assert found.hex() == key


def test_a_text_below_twenty_words_has_no_key() -> None:
    assert exact_key("слово " * 19) is None
    assert exact_key("слово " * 20) is not None
    assert exact_key("— " * 50) is None
    assert exact_key("") is None


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (1, "article", "1 article"),
        (0, "article", "0 articles"),
        (2, "more address", "2 more addresses"),
        (1, "entry", "1 entry"),
        (12, "entry", "12 entries"),
        (3, "day", "3 days"),
    ],
)
def test_a_number_is_said_with_its_noun(number: int, noun: str, said: str) -> None:
    assert counted(number, noun) == said


WORDS = st.lists(st.text("абвгйёқңүһabcxyz019", min_size=1, max_size=8), min_size=20, max_size=30)
GAPS = st.sampled_from([" ", "  ", "\n\n", "\u00a0", " — ", " – ", ", ", ". ", "» «", " “", "” ", "… ", "\u2009"])
CASES = st.sampled_from([str, str.upper, str.title])


@given(WORDS, st.data())
def test_typography_and_case_do_not_change_the_key(words: list[str], data: st.DataObject) -> None:
    retyped = "".join(data.draw(CASES)(word) + data.draw(GAPS) for word in words)
    assert exact_key(retyped) == exact_key(" ".join(words))
    assert exact_key(clean_block(retyped)) == exact_key(" ".join(words))


@given(WORDS, st.integers(0, 19))
def test_another_word_is_another_key(words: list[str], position: int) -> None:
    other = [*words[:position], words[position] + "ж", *words[position + 1 :]]
    assert exact_key(" ".join(other)) != exact_key(" ".join(words))
