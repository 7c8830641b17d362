"""The languages: one file each, read by all that needs words of a language, and checked with the other files."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring

from config.languages import CHECKOUT, SNOWBALL, Language, languages, read_languages, use_languages
from config.load import ConfigError, load_config
from config.phrases import any_of, pattern_of
from config.settings import Extraction
from extractors.blocks.lines import kind_of_line
from extractors.dates.moments import parse_date
from extractors.dates.stated import parse_day
from extractors.dates.visible import visible_date
from extractors.feeds.jobs import FeedJob
from extractors.language import identify
from extractors.records import Article
from extractors.topic.parts import read_parts
from extractors.workers.pool import Workers
from extractors.workers.tasks import feed_from
from flows.digest.sentences import split_sentences
from flows.digest.words import words_of
from flows.tools.catalogue import Draft, completed
from storage.relating.traits import read_traits
from storage.relating.translations import page_keys
from storage.search.stems import completions, stem
from tests.support.running import c5watch, source_toml, write_config

ALMATY = ZoneInfo("Asia/Almaty")
NOW = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)
SIXTH = date(2025, 11, 6)


@pytest.fixture
def restored() -> Iterator[None]:
    """The shipped languages are in use again after a test that put others in their place."""
    yield
    use_languages(read_languages(CHECKOUT))


# --- One reader of dates for feeds and pages --------------------------------------------------------------------


def in_a_feed(text: str) -> date | None:
    """The day of a feed's date."""
    moment = parse_date(text, zone=ALMATY, now=NOW)
    return moment.date() if moment else None


def on_a_page(text: str) -> date | None:
    """The day of a date that a page states or shows."""
    return parse_day(text, ALMATY)


def below_a_headline(text: str) -> date | None:
    """The day of a date in a line of its own."""
    page = document_fromstring(f"<html><body><h1>Bridge</h1><p>{text}</p></body></html>")
    shown = visible_date(page, ["Bridge"], zone=ALMATY, today=NOW.date())
    return shown.day if shown else None


READERS = [in_a_feed, on_a_page, below_a_headline]
WRITTEN = [
    # as outlets of the language write the 6th of November 2025
    ("ru", "6 ноября 2025"),
    ("ru", "6 ноя 2025 г."),
    ("ru", "Четверг, 6 нояб. 2025 года, 12:30"),
    ("ru", "чт, 06 Ноября 2025 г. в 12:30"),
    ("ru", "12:30, 6 НОЯБРЯ 2025"),
    ("en", "6 November 2025"),
    ("en", "6th of November, 2025"),
    ("en", "Thursday, Nov. 6, 2025"),
    ("en", "Nov 6th, 2025 3:05 PM"),
    ("kk", "6 қараша 2025"),
    ("kk", "2025 жылғы 6 қараша"),
    ("kk", "2025 ж. 6 қар., 12:30"),
    ("kk", "6 қараша, 2025 жыл, бейсенбі"),
    ("ky", "6-ноябрь, 2025-жыл"),
    ("ky", "2025-жылдын 6-ноябры"),
    ("ky", "бейшемби, 6-ноябрь 2025"),
    ("uz", "6-noy, 2025"),
    ("uz", "6-noyabr, 2025-yil 12:30"),
    ("uz", "2025-yil 6-noyabr"),
    ("uz", "Payshanba, 6 noyabr 2025"),
    ("uz-cyrl", "2025 йил 6 ноябрь"),
    ("uz-cyrl", "6-ноябр 2025, пайшанба"),
    ("tg", "6 ноябри соли 2025"),
    ("tg", "панҷшанбе, 6 ноябри 2025, 12:30"),
    ("tk", "6 noýabr 2025"),
    ("tk", "6-njy noýabr 2025"),
    ("tk", "2025-nji ýylyň 6-njy noýabry"),
    ("tk", "Penşenbe, 6 noý. 2025"),
    ("tr", "6 kasım 2025"),
    ("tr", "6 KASIM 2025 Perşembe"),
    ("tr", "6 Kas 2025 12:30"),
    ("az", "6 noyabr 2025-ci il"),
    ("az", "6 Noyabr 2025, cümə axşamı 12:30"),
    ("uk", "6 листопада 2025 року"),
    ("uk", "четвер, 6 листопада 2025 р., 12:30"),
    ("de", "Donnerstag, 6. November 2025"),
    ("de", "6. Nov. 2025, 12:30 Uhr"),
    ("zh", "2025年11月6日 12:30"),
    ("zh", "2025年11月6日 星期四"),
    ("all", "06.11.2025 12:30"),
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(("language", "text"), WRITTEN, ids=[f"{row[0]}: {row[1]}" for row in WRITTEN])
def test_a_date_in_words_is_read_in_feeds_and_on_pages(
    language: str, text: str, read: Callable[[str], date | None]
) -> None:
    assert read(text) == SIXTH


@pytest.mark.parametrize("read", READERS)
def test_slashes_are_read_where_only_one_number_can_be_the_month(read: Callable[[str], date | None]) -> None:
    assert read("20/11/2025 12:00") == date(2025, 11, 20)


MONTHS = [
    (code, number, name)
    for code, language in languages().by_code.items()
    for number, names in enumerate(language.dates.months, 1)
    for name in names
]


@given(
    st.sampled_from(MONTHS),
    st.integers(1, 28),
    st.integers(2001, 2025),
    st.sampled_from(
        ["{d} {m} {y}", "{d} {m}. {y}", "{d}-{m}, {y}", "{y} {d} {m}", "{d} {m} {y}, 12:30", "12:30 {d} {m} {y}"]
    ),
    st.sampled_from([str.lower, str.capitalize, str.upper]),
)
def test_every_month_of_every_language_is_read_by_both(
    month: tuple[str, int, str], day: int, year: int, form: str, case: Callable[[str], str]
) -> None:
    text = form.format(d=day, m=case(month[2]), y=year)
    assert in_a_feed(text) == on_a_page(text) == date(year, month[1], day)


def test_each_shipped_language_has_its_week_and_its_year() -> None:
    for code, language in languages().by_code.items():
        assert len(language.dates.weekdays) == 7, code
        assert len(language.dates.months) == 12 or language.dates.numbered, code
    assert {"ru", "en", "kk", "ky", "uz", "uz-cyrl", "tg", "tk", "tr", "az", "uk", "de", "zh"} <= set(
        languages().by_code
    )


@pytest.mark.parametrize(
    "line",
    ["Бейшемби, 6-ноябрь 2025, 12:30", "Penşenbe, 6 noýabr 2025", "6 Kasım 2025 Perşembe", "панҷшанбе, 6 ноябри 2025"],
)
def test_what_tells_a_date_on_a_page_tells_the_line_that_shows_it(line: str) -> None:
    assert kind_of_line(line) == "stamp"


# --- A language is its file -------------------------------------------------------------------------------------

# Made up, in letters that no other language of ours has; its code is that of Volapük.
MADE_UP = """
[letters]
enough = ["აბგდევი"]

[dates]
months = [
    ["ათა"], ["ბეტა"], ["გამა"], ["დელტა"], ["ეტა"], ["ვიტა"], ["ზეტა"], ["თეტა"], ["იოტა"], ["კაპა"],
    ["ლამბდა", "ლამ"], ["მიუ"],
]
month_endings = ["ში"]
weekdays = [["ორი"], ["სამი"], ["ოთხი"], ["ხუთი"], ["ექვსი"], ["შვიდი"], ["ერთი"]]
day_endings = ["მე"]
year_words = ["წელ*"]
published = ["დაბეჭდ*"]
updated = ["შეიცვალ*"]

[addresses]
names = ["vo", "vol"]
in_paths = ["vk"]
country = "AT"

[lines]
related = ["კიდევ[ ნახეთ]"]
join_us = ["მოგვყევით …(telegram|facebook)"]
buttons = ["გაზიარება"]
tags = ["ნიშნები"]
views = ["ნანახია"]

[pages]
not_found = ["გვერდი არ არის"]

[sentences]
abbreviations = ["ბატ"]

[names]
million = ["მილ*"]

[search]
letters = "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ"
endings = ["ები", "ებში", "ში", "ი"]
"""


def frame_in_other_words() -> str:
    """The `[digest]` of the English file as that of a language with one plural form."""
    text = (CHECKOUT / "languages" / "en.toml").read_text(encoding="utf-8")
    frame = text[text.index("[digest]") :].replace("one-other", "other").replace("Top events", "მთავარი")
    return re.sub(r"^(article|story|outlet|passes_of) = .*$", r'\1 = ["ცალი"]', frame, flags=re.MULTILINE)


def plain_config(folder: Path) -> Path:
    """A configuration folder without languages of its own."""
    return write_config(folder, sources=source_toml("one", "https://site.kz/rss"))


def with_language(folder: Path, code: str = "vo", content: str = MADE_UP, settings: str = "") -> Path:
    """A configuration folder that has one more language."""
    config = plain_config(folder / "config")
    if settings:
        (config / "settings.toml").write_text(settings, encoding="utf-8")
    (config / "languages").mkdir(exist_ok=True)
    (config / "languages" / f"{code}.toml").write_text(content, encoding="utf-8")
    return config


@pytest.mark.usefixtures("restored")
def test_a_file_makes_a_language_known_to_all_that_needs_one(tmp_path: Path) -> None:
    text = "6-მე ლამბდაში 2025 წელი"
    assert identify("ხიდი გაიხსნა დილით და ხალხი მივიდა.") != "vo"
    assert not any(read(text) for read in READERS)
    load_config(with_language(tmp_path))
    assert [read(text) for read in READERS] == [SIXTH] * 3
    assert below_a_headline("ხუთი, 6 ლამბდა 2025, 12:30 · შეიცვალა: 7 ლამბდა 2025") == SIXTH
    assert identify("ხიდი გაიხსნა დილით და ხალხი მივიდა.") == "vo"
    kinds = {"კიდევ ნახეთ: ხიდი": "related", "მოგვყევით არხზე Telegram": "join us", "გაზიარება": "button",
             "ნანახია: 1341": "label", "ხუთი, 6 ლამბდა 2025": "stamp"}  # fmt: skip
    assert {line: kind_of_line(line) for line in kinds} == kinds
    assert stem("ხიდებში") == stem("ხიდები") == stem("ხიდი") == "ხიდ"
    assert completions("ხიდე") == ["ხიდ"]
    assert len(split_sentences("ბატ. ხიდმა გახსნა ხიდი.", language="vo", most=2)) == 1
    assert "#3000000" in read_traits("ხიდი ღირს 3 მილიონი.", "vo").numbers
    assert "#20" not in read_traits("ხიდი გაიხსნა 20 ლამბდა.", "vo").numbers
    source = completed(Draft(("https://site.com/vk/rss",), "https://site.com"), taken=()).source
    assert (source.language, source.country) == ("vo", "AT")
    assert page_keys("https://vol.site.com/2025/bridge-1") == page_keys("https://site.com/vk/2025/bridge-1")
    parts = read_parts(Article(("ნიშნები: ხიდი, მდინარე", "ხიდი გაიხსნა."), "ხიდი", (), None, None, "vo", "page"))
    assert parts["lead"].cased[0] == "ხიდი"


@pytest.mark.usefixtures("restored")
async def test_child_processes_know_the_languages_of_the_folder(tmp_path: Path) -> None:
    load_config(with_language(tmp_path))
    body = "<rss><channel><item><link>https://site.kz/1</link><pubDate>6 ლამბდა 2025</pubDate></item></channel></rss>"
    job = FeedJob(url="https://site.kz/rss", body=body.encode(), charset=None, zone=ALMATY, now=NOW)
    with Workers(Extraction(workers=1)) as workers:
        feed = await workers.run(feed_from, job, url=job.url)
    assert feed.entries[0].published == datetime(2025, 11, 6, tzinfo=ALMATY)


@pytest.mark.usefixtures("restored")
def test_a_digest_can_be_written_in_a_language_that_has_its_words(tmp_path: Path) -> None:
    settings = '[[digests]]\nframe = "vo"\n'
    with pytest.raises(ConfigError, match=r'frame: found "vo", expected a language with \[digest\]: en, ru'):
        load_config(with_language(tmp_path, settings=settings))
    load_config(with_language(tmp_path, content=MADE_UP + frame_in_other_words(), settings=settings))
    words = words_of("vo")
    assert words.events == "მთავარი"
    assert [words.counted(number, words.article) for number in (1, 5)] == ["1\u00a0ცალი", "5\u00a0ცალი"]


@pytest.mark.usefixtures("restored")
def test_a_file_of_the_folder_takes_the_place_of_ours_and_the_others_stay(tmp_path: Path) -> None:
    found = load_config(with_language(tmp_path, code="tk", content='[dates]\nday_endings = ["x"]\n')).languages
    assert not found.by_code["tk"].dates.months and found.by_code["ru"] == read_languages(CHECKOUT).by_code["ru"]
    assert in_a_feed("6 noýabr 2025") is None and in_a_feed("6 ноября 2025") == SIXTH
    load_config(plain_config(tmp_path / "plain"))
    assert in_a_feed("6 noýabr 2025") == SIXTH


def test_files_that_do_not_change_are_the_same_languages(tmp_path: Path) -> None:
    assert load_config(plain_config(tmp_path / "config")).languages is read_languages(CHECKOUT)


MISTAKES = [
    # file, content, what the line says
    ("vo", "[dates]\nmonth = []\n", 'dates.month: unknown key, expected one of ago, author, .*did you mean "months"'),
    ("vo", '[dates]\nmonths = [["ათა"]]\n', "dates: months: found 1, expected 12 lists"),
    ("vo", '[dates]\nmonth_endings = ["Ab"]\n', r'dates.month_endings\[1\]: found "Ab", expected small letters'),
    ("vo", '[dates]\nnumbered = ["{year}年{month}月"]\n', "expected {year}, {month} and {day}, each of them once"),
    ("vo", '[lines]\nrelated = ["(a|b"]\n', r'lines.related\[1\]: found "\(a\|b", expected something behind the last'),
    ("vo", '[lines]\nrelated = ["[a]"]\n', r'lines.related\[1\]: found "\[a\]", expected at least one letter'),
    ("vo", '[lines]\nrelated = "a"\n', 'lines.related: found "a", expected a list'),
    ("vo", '[search]\nletters = "a1"\n', 'search.letters: found "a1", expected small letters'),
    ("vo", '[search]\nletters = "ab"\nstemmer = "klingon"\n', 'search.stemmer: found "klingon", expected'),
    ("vo", '[digest]\ntitle = "a"\n', "digest.plural: missing, expected a value"),
    (
        "vo",
        frame_in_other_words().replace("{total}", "{sum}"),
        "digest.days_alt: found .* expected a text",
    ),
    ("vo", frame_in_other_words().replace('"other"', '"one-other"'), "article: found 1 forms, expected 2"),
    ("vo", MADE_UP.replace('["ათა"]', '["noyabr"]'), r'dates.months\[1\]: found "noyabr", which is month 11 in .*toml'),
    ("vo", "[letters]\nenough = []\n", "letters.enough: found a list, expected at least 1 item"),
    ("vo", "[dates\n", "not valid TOML"),
    ("xx", MADE_UP, 'expected a language as its name, such as "kk.toml"'),
    ("vo-latin", MADE_UP, 'expected a language as its name, such as "kk.toml"'),
]


@pytest.mark.parametrize(("code", "content", "line"), MISTAKES, ids=[row[2][:30] for row in MISTAKES])
def test_a_mistake_is_told_with_its_file_its_key_and_what_is_expected(
    tmp_path: Path, code: str, content: str, line: str
) -> None:
    config = with_language(tmp_path, code, content)
    with pytest.raises(ConfigError) as caught:
        load_config(config)
    assert any(
        re.search(rf"languages/{code}\.toml: .*{line}|languages/{code}\.toml: {line}", found)
        for found in caught.value.lines
    )
    assert languages() is read_languages(CHECKOUT)


def test_mistakes_of_all_files_are_told_at_once_and_end_with_status_2(tmp_path: Path) -> None:
    config = with_language(tmp_path, content="[dates]\nmonth = []\n", settings="[network]\ntimeouts = 3\n")
    done = c5watch("sources", "list", "--config", config)
    assert done.returncode == 2 and "vo.toml: dates.month" in done.stderr and "network.timeouts" in done.stderr


def test_help_does_not_read_the_languages() -> None:
    code = "import sys, flows.cli.app; print([m for m in sys.modules if m.startswith('config.lang')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_names_of_stemmers_are_those_of_the_library() -> None:
    import snowballstemmer

    assert set(SNOWBALL) == set(snowballstemmer.algorithms())


def test_a_language_need_not_have_anything() -> None:
    assert Language(**tomllib.loads("[dates]")) == Language()


# --- Phrases ----------------------------------------------------------------------------------------------------

PHRASES = [
    # phrase, what it stands for, what it does not
    ("read (also|more)", ["read also", "read more"], ["read", "read (also|more)"]),
    ("read[ also| on]", ["read", "read also", "read on"], ["read more"]),
    ("(a|b[c|(d|e)])f", ["af", "bf", "bcf", "bdf", "bef"], ["f", "cf"]),
    ("пикир*", ["пикир", "пикирлер"], ["пикир лер"]),
    ("самые * новости", ["самые важные новости"], ["самые новости"]),
    ("[# ]comment[s]", ["comment", "12 comments"], ["x comments"]),
    ("get … daily", ["get all of site.kz daily"], ["get it. we post daily", "get " + "a" * 61 + " daily"]),
    ("o'qing", ["o'qing", "oʻqing", "o’qing"], ["oqing"]),
    ("ещё", ["ещё", "еще"], ["ощо"]),
    (r"\(c\) \#", ["(c) #"], ["c 1"]),
    ("a.b?", ["a.b?"], ["axb", "a."]),
]  # fmt: skip


@pytest.mark.parametrize(("phrase", "meant", "not_meant"), PHRASES, ids=[row[0] for row in PHRASES])
def test_a_phrase_stands_for_these_and_for_nothing_else(phrase: str, meant: list[str], not_meant: list[str]) -> None:
    pattern = re.compile(pattern_of(phrase))
    assert all(map(pattern.fullmatch, meant)) and not any(map(pattern.fullmatch, not_meant))


@given(st.text("ab ()[]|*#…\\'ё", max_size=12))
def test_any_phrase_is_a_pattern_or_a_sentence_on_what_was_expected(phrase: str) -> None:
    try:
        pattern = pattern_of(phrase)
    except ValueError as error:
        assert str(error).startswith("expected ")
    else:
        assert re.compile(pattern).fullmatch("") is None


def test_no_phrases_match_nothing() -> None:
    assert re.search(any_of([]), "") is None


@pytest.mark.parametrize("unit", ["a", "telegramканал", "читайте ", "6 ", "1.1.", "ноябр ", "- ", "(", "новости "])
def test_comparing_a_line_takes_time_linear_in_its_length(unit: str) -> None:
    def seconds(characters: int) -> float:
        line = (unit * characters)[:characters]
        began = time.process_time()
        kind_of_line(line)
        parse_day(line, ALMATY)
        in_a_feed(line)
        return time.process_time() - began

    seconds(10)
    assert min(seconds(20_000) for _ in range(3)) < 40 * max(min(seconds(2_000) for _ in range(3)), 0.01)
