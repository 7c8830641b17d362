"""One article as one file: names, bytes, round trips, and what a writer must never produce."""

from __future__ import annotations

import unicodedata
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storage.files.article_file import ArticleFile, FileName, compose, faults

DAY = date(2025, 11, 6)

# The shapes of the five files that the format was read off.
DATED = " date 2025-11-06 Президент подписал указ.\n\nПодзаголовок\n\n- первое\n- второе\n\nСтрана | Доля".encode()
UNDATED = "Заголовок без даты\n\nПервый абзац — «цитата».\n\nВторой абзац.".encode()
SINGLE_BREAKS = "Заголовок\nпервый абзац\nвторой абзац\n\nтретий\n\n\n\n".encode()
NO_SUCH_DAY = b" date 2025-02-30 Text under a day that does not exist."


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (0, "000_0123456789abcdef.txt"),
        (5, "005_0123456789abcdef.txt"),
        (999, "999_0123456789abcdef.txt"),
        (1000, "1000_0123456789abcdef.txt"),
        (123456, "123456_0123456789abcdef.txt"),
    ],
)
def test_a_number_has_three_digits_or_as_many_as_it_needs(number: int, name: str) -> None:
    assert str(FileName(number, "0123456789abcdef")) == name
    assert FileName.parse(name) == FileName(number, "0123456789abcdef")


@pytest.mark.parametrize(
    "name",
    [
        "0001_0123456789abcdef.txt",
        "01_0123456789abcdef.txt",
        "000_0123456789ABCDEF.txt",
        "000_0123456789abcde.txt",
        "000_0123456789abcdef0.txt",
        "000_0123456789abcdeg.txt",
        "000-0123456789abcdef.txt",
        "000_0123456789abcdef.TXT",
        "000_0123456789abcdef.txt\n",
        " 000_0123456789abcdef.txt",
        ".000_0123456789abcdef.txt.tmp",
        "-01_0123456789abcdef.txt",
        "٠٠١_0123456789abcdef.txt",  # digits, but not the ones that the number would be written with
        "00²_0123456789abcdef.txt",
        "manifest.jsonl",
        "",
    ],
)
def test_another_name_is_no_article_file(name: str) -> None:
    assert FileName.parse(name) is None


@given(st.text(max_size=30) | st.from_regex(r"\d{1,6}_[0-9a-fA-F]{16}\.txt", fullmatch=True))
def test_a_name_that_is_understood_is_the_one_that_would_be_written(name: str) -> None:
    parsed = FileName.parse(name)
    assert parsed is None or str(parsed) == name


def test_the_seed_files_come_back_byte_for_byte(seeds: Path) -> None:
    files = sorted(seeds.glob("*.txt"))
    assert len(files) == 5
    assert [bool(ArticleFile.parse(f.read_bytes()).published) for f in files] == [True, True, False, True, False]
    for file in files:
        parsed = ArticleFile.parse(file.read_bytes())
        assert parsed.to_bytes() == file.read_bytes()
        assert str(FileName.parse(file.name)) == file.name
        assert len(parsed.paragraphs) >= 3
        assert all(p.strip() for p in parsed.paragraphs)


@pytest.mark.parametrize(
    ("content", "day", "paragraphs"),
    [
        (DATED, DAY, ("Президент подписал указ.", "Подзаголовок", "- первое\n- второе", "Страна | Доля")),
        (UNDATED, None, ("Заголовок без даты", "Первый абзац — «цитата».", "Второй абзац.")),
        (SINGLE_BREAKS, None, ("Заголовок\nпервый абзац\nвторой абзац", "третий")),
        (NO_SUCH_DAY, None, (" date 2025-02-30 Text under a day that does not exist.",)),
        (b"date 2025-11-06 without the leading space", None, ("date 2025-11-06 without the leading space",)),
        (b" date 2025-11-06\nno space after the day", None, (" date 2025-11-06\nno space after the day",)),
        (" date ٢٠٢٥-١١-٠٦ other digits".encode(), None, (" date ٢٠٢٥-١١-٠٦ other digits",)),
        (b" date 2025-11-06 ", DAY, ()),
        (b"\r\nWindows\r\n", None, ("\r\nWindows\r",)),
        (b"", None, ()),
    ],
)
def test_a_file_of_any_shape_comes_back_byte_for_byte(
    content: bytes, day: date | None, paragraphs: tuple[str, ...]
) -> None:
    parsed = ArticleFile.parse(content)
    assert parsed.published == day
    assert parsed.paragraphs == paragraphs
    assert parsed.to_bytes() == content


@given(st.text() | st.text().map(lambda text: f" date 2025-11-06 {text}") | st.from_regex(r" date \d{4}-\d\d-\d\d .*"))
def test_whatever_is_parsed_comes_back_byte_for_byte(text: str) -> None:
    content = text.encode("utf-8", errors="ignore")
    assert ArticleFile.parse(content).to_bytes() == content


def test_bytes_that_are_no_text_are_a_value_error() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        ArticleFile.parse(b"abc\xff")


@pytest.mark.parametrize(
    ("title", "paragraphs", "published", "content"),
    [
        ("Headline", ("One.", "Two."), DAY, " date 2025-11-06 One.\n\nTwo."),
        ("Headline", ("One.", "Two."), None, "Headline\n\nOne.\n\nTwo."),
        (None, ("One.",), None, "One."),
        (None, ("One.",), date(987, 1, 2), " date 0987-01-02 One."),
        ("Headline", ("- a\n- b", "", "  ", "Two.\n"), None, "Headline\n\n- a\n- b\n\nTwo."),
        ("  A\nB ", ("x\n\n\ny",), None, "A\nB\n\nx\ny"),
        (None, ("пере\u00adнос\u200b и\u00a0пробел\u2009\u202fтут",), DAY, " date 2025-11-06 перенос и пробел тут"),
        (None, ("e\u0301te\u0301",), None, "été"),
        (None, ("\ufeffa\x00b\x07c\td",), None, "abc d"),
        (None, (" date 2025-11-06 quoted",), None, "date 2025-11-06 quoted"),
        ("", ("One.",), None, "One."),
    ],
)
def test_an_article_is_composed_dated_or_with_its_headline(
    title: str | None, paragraphs: tuple[str, ...], published: date | None, content: str
) -> None:
    assert compose(paragraphs, title=title, published=published).to_bytes().decode() == content


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\xff", ["not UTF-8 at byte 0"]),
        (b"", ["empty"]),
        (b"One.\n", ["a newline at the end"]),
        (b"One.\n\n\nTwo.", ["more than one blank line between paragraphs"]),
        ("e\u0301".encode(), ["not in Unicode NFC", "stray spaces or invisible characters"]),
        (b" One.", ["stray spaces or invisible characters"]),
        (b"One. \n\nTwo.", ["stray spaces or invisible characters"]),
        (b"One.  Two.", ["stray spaces or invisible characters"]),
        (b"One.\r\nTwo.", ["stray spaces or invisible characters"]),
        ("One.\u00a0Two.".encode(), ["stray spaces or invisible characters"]),
        ("One.\u2028Two.".encode(), ["stray spaces or invisible characters"]),
        ("\ufeffOne.".encode(), ["stray spaces or invisible characters"]),
        ("O\u00adne.".encode(), ["stray spaces or invisible characters"]),
        (b"One.\x00", ["stray spaces or invisible characters"]),
        (b" date 2025-11-06 One.\n\nTwo.", []),
        (b" date 2025-11-06  One.", ["stray spaces or invisible characters"]),
        (DATED, []),
        (UNDATED, []),
        (SINGLE_BREAKS, ["a newline at the end", "more than one blank line between paragraphs"]),
    ],
)
def test_each_fault_of_a_file_is_named(content: bytes, found: list[str]) -> None:
    assert faults(content) == found


TEXTS = st.text() | st.text(alphabet="ae \n\t\u00a0\u00ad\u200b\u0301\u0308\u2028\u0085\r\ufeff\u1100\u1161가ﬁÅ|-")


@given(
    st.none() | TEXTS,
    st.lists(TEXTS, max_size=5),
    st.none() | st.dates(),
)
@example(None, [" date 2025-11-06 x"], None)
@example(None, ["\u0301a"], DAY)
@example("\u200b \u200b", ["a \u00ad b", "\ufeff"], None)
def test_whatever_is_composed_is_well_formed_and_reads_back(
    title: str | None, paragraphs: list[str], published: date | None
) -> None:
    composed = compose(paragraphs, title=title, published=published)
    content = composed.to_bytes()
    if composed.text:
        assert faults(content) == []
    assert ArticleFile.parse(content) == composed
    assert ArticleFile.parse(content).to_bytes() == content
    assert "\n\n".join(ArticleFile.parse(content).paragraphs) == composed.text
    assert unicodedata.is_normalized("NFC", content.decode())
    assert not content.endswith(b"\n")
