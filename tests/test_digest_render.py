"""The digest in its forms: the whole text of a small one, and what holds whatever outlets write."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html

from flows.clean import MAX_NAME, clean, link, readable
from flows.digest.bars import HEIGHT, days_bars
from flows.digest.contents import MAX_TITLE
from flows.digest.records import Also, Brought, Content, Event, HealthNote, Running, Section, Story
from flows.digest.render import LIMIT, Rendered, render, transferred
from flows.digest.words import words_of
from storage.index.database import open_database
from tests.support.digest_samples import NOW, SINCE, ZONE, fill, sample

EXPECTED = Path(__file__).parent / "data" / "digest"
LINK = "https://news.example/digests/2025-11-09T07-00.html"
STORY = Story(1, "Заголовок", "https://a.example/1", "Издание", "KZ", "KZ", "ru", NOW.date(), "Одно. Другое.", ("США",))
EMPTY = Content("Дайджест", "ru", NOW.astimezone(ZONE), SINCE.astimezone(ZONE), 0, 0)
TAGS = {
    "html", "head", "meta", "title", "style", "body", "div", "h1", "h2", "h3", "p", "a", "span", "b", "bdi", "table",
    "tbody", "tr", "td", "details", "summary",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "dir", "class", "style", "href", "role", "aria-label", "width", "height", "charset", "name", "content",
    "id", "align", "valign", "bgcolor", "colspan", "cellspacing", "cellpadding",
}  # fmt: skip


class Checked(HTMLParser):
    """Reads a page as a browser would, and finds what does not belong into a digest."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.faults.append(f"<{tag}>")
        if tag != "meta":
            self.open.append(tag)
        for name, value in attrs:
            if name not in ATTRIBUTES:
                self.faults.append(f"{tag} {name}=")
            if name == "href":
                self.links.append(value or "")
                if not re.match(r"https?://[^/]|#[\w-]+$|[\w-]+\.html$", value or ""):
                    self.faults.append(f"href={value}")
            if name == "style" and re.search(r"url|import|expression|@", value or ""):
                self.faults.append(f"style={value}")

    def handle_endtag(self, tag: str) -> None:
        if tag != "meta" and (not self.open or self.open.pop() != tag):
            self.faults.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["style"] and re.search(r"url\(|@import", data):
            self.faults.append("a style that loads")
        self.words.append(data)


def check(html: str) -> Checked:
    """The page, after having found it harmless and whole."""
    page = Checked()
    page.feed(html)
    page.close()
    assert (page.faults, page.open) == ([], [])
    return page


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Content]:
    """The sample in both frames."""
    import asyncio

    async def load() -> dict[str, Content]:
        database = await open_database(tmp_path_factory.mktemp("digest") / "index.sqlite")
        try:
            await fill(database)
            return {"ru": await sample(database, "ru"), "en": await sample(database, "en")}
        finally:
            await database.close()

    return asyncio.run(load())


@pytest.mark.parametrize("frame", ["ru", "en"])
def test_the_whole_text_of_a_small_digest(
    frame: str, contents: dict[str, Content], golden: Callable[[Path, str], None]
) -> None:
    rendered = render(contents[frame], archive_link=LINK)
    golden(EXPECTED / f"small.{frame}.txt", f"{rendered.subject}\n\n{rendered.text}")


@pytest.mark.parametrize("frame", ["ru", "en"])
def test_mail_and_page_are_whole_and_say_what_the_text_says(frame: str, contents: dict[str, Content]) -> None:
    content = contents[frame]
    rendered = render(content, archive_link=LINK)
    for html in (rendered.html, rendered.page):
        page = check(html)
        words = "".join(page.words)
        for story in (story for event in content.events() for story in event.stories):
            assert story.title in words and story.url in page.links
        assert all(event.lead.sentences in words for event in content.events())
        for note in content.health:
            assert note.outlet in words
    assert LINK in check(rendered.html).links and LINK not in rendered.page


@pytest.mark.parametrize("form", ["html", "page"])
def test_the_figures_are_bars_of_table_cells_with_their_numbers_and_the_names_of_countries(
    form: str, contents: dict[str, Content]
) -> None:
    days = [(date(2025, 10, 11) + timedelta(days=number), number % 7) for number in range(30)]
    by_country = (("KZ", 40), ("US", 20), ("XX", 10), (None, 5), ("UZ", 4), ("TJ", 3), ("TM", 2), ("KG", 1))
    content = replace(contents["ru"], days=tuple(days), by_country=by_country)
    html = getattr(render(content, archive_link=LINK), form)
    tree = lxml_html.fromstring(html)
    by_day, countries = tree.xpath("//div[@role='img']")
    columns = by_day.xpath(".//td[@valign='bottom']")
    heights = [int("".join(column.xpath(".//td/@height")) or 0) for column in columns]
    assert heights == [round(HEIGHT * count / 6) for _, count in days]
    colours = [column.xpath(".//td/@bgcolor") for column in columns if column.xpath(".//td")]
    assert colours[-1] != colours[0] and colours.count(colours[0]) == len(colours) - 1
    assert [cell.text for cell in by_day.xpath(".//td[text()]")] == ["6", "11.10", "09.11"]
    assert by_day.get("aria-label").replace("\u00a0", " ").endswith("всего 85, больше всего 6 (17 октября)")
    rows = [["".join(cell.itertext()) for cell in row] for row in countries.xpath("./table/tbody/tr")]
    assert [(row[0], row[-1]) for row in rows] == [
        ("Казахстан", "40"), ("США", "20"), ("XX", "10"), ("Узбекистан", "4"), ("Таджикистан", "3"),
        ("Другие страны", "8"),
    ]  # fmt: skip
    assert countries.xpath(".//table/@width")[1:] == ["100%", "50%", "25%", "10%", "8%", "20%"]
    assert "Казахстан 40, США 20" in countries.get("aria-label")


@pytest.mark.parametrize("most", range(30))
def test_the_number_above_the_highest_bar_stands_over_it_wherever_it_is(most: int) -> None:
    days = tuple((date(2025, 10, 11) + timedelta(days=number), int(number == most)) for number in range(30))
    bars = days_bars(replace(EMPTY, days=days), words_of("en"))
    before, label, after = bars.columns
    assert before + label + after == 30
    assert before <= most < before + label
    assert bars.heights[most] == HEIGHT and sum(bars.heights) == HEIGHT


def test_the_mail_keeps_its_dark_colours_and_needs_no_style_sheet_for_the_light_ones() -> None:
    html = render(EMPTY, archive_link=None).html
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style.lstrip().startswith("@media (prefers-color-scheme: dark)")
    assert re.search(r'<body[^>]* style="[^"]*background', html)


@pytest.mark.parametrize("frame", ["ru", "en"])
def test_nothing_new_is_said_in_all_forms(frame: str) -> None:
    rendered = render(replace(EMPTY, frame=frame), archive_link=None)
    words = {"ru": "Нового по теме нет.", "en": "Nothing new on the topic."}[frame]
    assert words in rendered.text and words in rendered.html and words in rendered.page
    assert words.rstrip(".").lower() in rendered.subject


def test_where_the_whole_issue_lies_is_said_with_and_without_an_address() -> None:
    assert LINK in render(EMPTY, archive_link=LINK).text
    named = render(EMPTY, archive_link="2025-11-09T07-00.html")
    assert "файл 2025-11-09T07-00.html в папке digests" in named.text
    assert "файл 2025-11-09T07-00.html в папке digests" in "".join(check(named.html).words)
    assert "в папке digests" in render(EMPTY, archive_link=None).text


def many(count: int, **changes: Any) -> Content:
    also = changes.pop("also", ())
    events = tuple(Event((replace(STORY, number=number, **changes),), also) for number in range(count))
    sections = (Section("KZ", events[: count // 2]), Section("US", events[count // 2 :]))
    return replace(EMPTY, articles=count, sections=sections)


@pytest.mark.parametrize("count", [60, 400, 3000])
@pytest.mark.parametrize("length", [40, MAX_TITLE])
def test_a_mail_stays_below_the_limit_and_says_what_is_left_out(count: int, length: int) -> None:
    sentences = "Очень длинное предложение. " * (length // 27)
    rendered = render(many(count, title="Я" * length, sentences=sentences), archive_link=LINK)
    shown = rendered.html.count("<h3") + rendered.html.count('class="k"')
    assert 0.9 * LIMIT < transferred(rendered.html) < LIMIT or shown == count
    assert rendered.page.count("<h3") == count
    for words in ("".join(check(rendered.html).words), rendered.text):
        assert (f"Показано {shown} из" in words) == (shown < count)
    assert rendered.text.count("https://a.example/1") == shown


@pytest.mark.parametrize(("count", "listed"), [(15, False), (16, True)])
def test_more_than_fifteen_stories_have_a_list_of_contents_before_them(count: int, listed: bool) -> None:
    rendered = render(many(count), archive_link=LINK)
    for html in (rendered.html, rendered.page):
        assert ("В выпуске: " in "".join(check(html).words)) == listed
    assert ("#KZ" in check(rendered.page).links) == listed


def test_figures_are_hidden_while_there_is_news_of_less_than_a_week() -> None:
    days = tuple((date(2025, 11, 9) - timedelta(days=back), int(back < 6)) for back in range(29, -1, -1))
    assert 'role="img"' not in render(replace(EMPTY, days=days), archive_link=None).html
    longer = (*days[:-7], (days[-7][0], 1), *days[-6:])
    assert 'role="img"' in render(replace(EMPTY, days=longer), archive_link=None).html


def test_a_story_has_one_quiet_link_into_the_reading_room_where_there_is_one() -> None:
    room = "https://news.example/article/0"
    for rendered in (render(many(1, room=room), archive_link=LINK), render(many(1), archive_link=LINK)):
        expected = int("Читать целиком и отметить" in rendered.text)
        for html in (rendered.html, rendered.page):
            assert check(html).links.count(room) == expected
    assert render(many(1, room=room), archive_link=LINK).text.count(room) == 1


def test_why_a_story_is_here_stands_below_borderline_ones_and_behind_a_fold_in_the_page_alone() -> None:
    near = Event((replace(STORY, borderline=True, threshold=4.5, score=4.9),))
    plain, close = many(1), replace(EMPTY, borderline=(near,))
    assert "Почему здесь" not in render(plain, archive_link=LINK).html
    assert "<summary>Почему здесь</summary>упомянуты США</details>" in render(plain, archive_link=LINK).page
    for text in (render(close, archive_link=LINK).html, render(close, archive_link=LINK).text):
        assert "Почему здесь: упомянуты США; порог 4,5, набрано 4,9" in text


def test_what_archives_have_brought_is_told_in_one_line() -> None:
    content = replace(EMPTY, brought=Brought(340, date(2025, 10, 1), date(2025, 10, 31)))
    line = "Из архивов добавлено: 340\u00a0материалов, с 1\u00a0октября по 31\u00a0октября."
    rendered = render(content, archive_link=LINK)
    assert line in rendered.text
    assert all(line in "".join(check(html).words) for html in (rendered.html, rendered.page))


def test_room_is_given_in_turn_so_that_no_country_is_left_out() -> None:
    words = "".join(check(render(many(3000), archive_link=LINK).html).words)
    first, second = (int(found) for found in re.findall(r"(?:Казахстан|США) (\d+) / 1\u00a0500", words))
    assert abs(first - second) <= 3


def test_where_not_all_fit_the_first_come_with_their_text_and_others_by_headline() -> None:
    html = render(many(3000), archive_link=LINK).html
    assert html.count("<h3") > 20 and html.count('class="k"') > 20


def test_the_size_is_that_of_the_part_as_it_is_sent() -> None:
    html = render(many(400), archive_link=LINK).html
    message = EmailMessage(policy=SMTP)
    message.set_content(html, subtype="html", cte="base64")
    assert 0 <= transferred(html) - len(message.as_bytes().partition(b"\r\n\r\n")[2]) <= 8


def test_even_the_worst_story_leaves_a_mail_below_the_limit() -> None:
    url = "https://a.example/" + "&" * 280
    also = tuple(Also("&" * 80, url, "&", 1000) for _ in range(50))
    health = tuple(HealthNote("&" * 80, "silent", NOW.date(), "&" * 200) for _ in range(500))
    content = many(3000, title="&" * MAX_TITLE, url=url * 3, also=also, sentences="&" * 600)
    content = replace(content, title="&" * MAX_NAME, health=health)
    rendered = render(content, archive_link="https://a.example/" + "&" * 900)
    assert transferred(rendered.html) < LIMIT
    check(rendered.html)


def test_text_from_right_to_left_stays_by_itself() -> None:
    html = render(many(1, title="עברית 1", outlet="מקור"), archive_link=LINK).html
    assert "<bdi>עברית 1</bdi></a>" in html and "<bdi>מקור</bdi> ·" in html
    assert "<bdi>" not in render(many(1, title="Қазақша №1 中亚"), archive_link=LINK).html


HOSTILE = st.one_of(
    st.text(max_size=300),
    st.sampled_from(
        [
            "<script>alert(1)</script>", "\r\nBcc: all@example.org", "\u202egnp.exe", "я" * 10_000, "👩‍👩‍👧‍👦 🇰🇿",
            '"><img src=x onerror=alert(1)>', "javascript:alert(1)", "{{ 7*7 }}", "</style><style>*{}", "\x1b[31m",
            "&lt;b&gt;", "z" + "\u0336" * 99, "<!--", "]]>",
        ]
    ),
)  # fmt: skip


ALSO = st.builds(Also, HOSTILE.map(lambda t: clean(t, 80)), HOSTILE.map(link), st.none(), st.just(2))


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A story as the loader makes it, from whatever a feed holds."""
    return Story(
        number=draw(st.integers(0, 10**9)),
        title=clean(draw(HOSTILE), MAX_TITLE) or None,
        url=link("https://a.example/" + draw(HOSTILE)),
        outlet=clean(draw(HOSTILE), MAX_NAME),
        home=draw(st.sampled_from(["KZ", "US", "XX", None])),
        country=None,
        language=draw(st.sampled_from(["ru", "kk", None])),
        day=draw(st.one_of(st.none(), st.dates())),
        sentences=clean(draw(HOSTILE), 600),
        terms=(readable(draw(HOSTILE), draw(HOSTILE)),),
        borderline=draw(st.booleans()),
        threshold=4.5,
    )


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(stories(), max_size=6, unique_by=lambda story: story.number), st.lists(ALSO), HOSTILE,
    st.sampled_from(["ru", "en"]),
)  # fmt: skip
def test_whatever_outlets_write_arrives_as_harmless_text(
    found: list[Story], also: list[Also], title: str, frame: str
) -> None:
    content = replace(
        EMPTY, title=clean(title, MAX_NAME), frame=frame, articles=len(found),
        main=(Event(tuple(found[:2]), tuple(also), running=Running(3, "2025-11-08T07-00")),) if found else (),
        sections=(Section("KZ", tuple(Event((story,)) for story in found[2:4])),),
        borderline=tuple(Event((story,)) for story in found[4:]),
    )  # fmt: skip
    rendered = render(content, archive_link=title)
    for html in (rendered.html, rendered.page):
        page = check(html)
        words = "".join(page.words).replace("\u00a0", " ")
        for story in found:
            assert (story.title or "") in words
    assert transferred(rendered.html) < LIMIT
    assert_one_clean_line(rendered)
    assert all(line == line.rstrip() or line for line in rendered.text.split("\n"))
    assert not set(rendered.text) & {chr(code) for code in (*range(10), *range(11, 32), 0x202E, 0x2066, 0x200F)}


def assert_one_clean_line(rendered: Rendered) -> None:
    subject = rendered.subject
    assert not {unicodedata.category(letter) for letter in subject} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert 0 < len(subject) <= 150
