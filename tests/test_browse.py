"""The reading room: lists, articles, marks and downloads over both databases, and who may look."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from collections.abc import AsyncIterator
from datetime import date
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from config.settings import Browse, Storage
from flows.browse.asked import Asked, asked_for
from flows.browse.text import marked
from flows.browse.views import bars, snippet_pieces
from flows.differences import differences
from storage.corpus.verify import verify
from storage.corpus.writer import open_corpus, open_for_reading
from storage.state.marks import load_marked
from tests.support.digest_corpus import new_article, place
from tests.support.room import NOW, fill, results, room
from tests.support.running import c5watch

pytestmark = pytest.mark.slow

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
async def reader(tmp_path: Path, storage: Storage) -> AsyncIterator[httpx.AsyncClient]:
    await fill(tmp_path, storage, results())
    async with room(tmp_path, storage) as client:
        yield client


def titles(page: httpx.Response) -> list[str]:
    """The headlines of a list, in its order."""
    assert page.status_code == 200, page.text
    return [unescape(title) for title in re.findall(r"<h3><a [^>]*>(.*?)</a>", page.text)]


async def test_a_list_shows_the_newest_day_first_and_undated_articles_last(reader: httpx.AsyncClient) -> None:
    found = titles(await reader.get("/"))
    assert found[-2:] == ["Старая новость", "Без дня"]
    assert {"Уран для американских станций", "Visas in Bishkek"} < set(found)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("source=far", ["Старая новость"]),
        ("country=KG", ["Visas in Bishkek"]),
        ("country=KG&source=far", []),
        ("about=KG", ["Visas in Bishkek"]),
        ("about=KG&about=XX", ["Visas in Bishkek"]),
        ("language=en", ["Visas in Bishkek"]),
        ("only=late", ["Старая новость"]),
        ("only=undated", ["Без дня"]),
        ("only=reprinted", ["Уран для американских станций"]),
        ("from=2025-10-01&to=2025-10-31", ["Старая новость"]),
        ("q=уранов", ["Уран для американских станций"]),
        ("q=такого+нет", []),
        ("q=уран", ["Уран для американских станций"]),
        ("q=уран&sort=rank", ["Уран для американских станций"]),
        ("q=embassy&country=KZ", []),
        ("q=-", []),
        ("from=morgen&only=what&after=1.2.3&source=" + "x" * 600, []),
    ],
)
async def test_each_filter_leaves_what_it_says(reader: httpx.AsyncClient, query: str, expected: list[str]) -> None:
    assert titles(await reader.get(f"/?{query}")) == expected


async def test_articles_of_one_event_stand_together(reader: httpx.AsyncClient) -> None:
    page = (await reader.get("/")).text
    event = page[page.index('class="event"') :]
    assert event.index("Visas in Bishkek") < event.index("</div>")
    assert event.index("Уран для") < event.index("</div>")


async def test_an_article_shows_its_text_its_reprints_and_its_event(
    reader: httpx.AsyncClient,
) -> None:
    page = (await reader.get("/article/0")).text
    assert "Стороны говорили об уране и визах." in page
    assert "https://far.example/1" in page
    assert "Visas in Bishkek" in page
    compared = (await reader.get(re.search(r"/article/0/differences/\d+", page)[0])).text  # type: ignore[index]
    assert "<del>Астане </del>" in compared
    assert "<ins>Ташкенте </ins>" in compared


async def test_pages_lead_from_article_to_article(reader: httpx.AsyncClient) -> None:
    page = (await reader.get("/article/1")).text
    assert 'rel="prev" href="/article/0"' in page
    assert 'rel="next" href="/article/2"' in page
    assert 'rel="prev"' not in (await reader.get("/article/0")).text


async def test_a_long_list_goes_on_where_the_page_before_ended(tmp_path: Path, storage: Storage) -> None:
    await fill(
        tmp_path,
        storage,
        [new_article(n, published=None if n % 4 == 0 else date(2025, 11, 1 + n % 9)) for n in range(120)],
    )
    async with room(tmp_path, storage) as reader:
        seen: list[str] = []
        address = "/"
        while address:
            page = await reader.get(address)
            seen += titles(page)
            more = re.search(r'rel="next" href="([^"]*)"', page.text)
            address = unescape(more[1]) if more else ""
    assert len(seen) == len(set(seen)) == 120


async def test_an_answer_is_kept_as_a_mark_and_shown(
    tmp_path: Path, reader: httpx.AsyncClient, storage: Storage
) -> None:
    page = (await reader.get("/article/1")).text
    token = re.search(r'name="token" value="([^"]*)"', page)[1]  # type: ignore[index]
    origin = {"Origin": str(reader.base_url).rstrip("/")}
    for answer, expected in (("yes", True), ("no", False)):
        sent = await reader.post("/article/1/mark", data={"token": token, "answer": answer}, headers=origin)
        assert sent.status_code == 303
        async with open_for_reading(tmp_path, storage) as corpus, corpus.database.read() as connection:
            assert [judged.mark async for judged in load_marked(connection)] == [expected]
    assert 'value="no" aria-pressed="true"' in (await reader.get(sent.headers["location"])).text


@pytest.mark.parametrize(
    ("origin", "token", "answer", "status"),
    [
        ("http://evil.example", None, "yes", 403),
        ("null", None, "yes", 403),
        (None, None, "yes", 403),
        ("own", "wrong", "yes", 403),
        ("own", "", "yes", 403),
        ("own", None, "maybe", 404),
    ],
)
async def test_a_form_from_elsewhere_marks_nothing(
    tmp_path: Path,
    reader: httpx.AsyncClient,
    storage: Storage,
    origin: str | None,
    token: str | None,
    answer: str,
    status: int,
) -> None:
    own = str(reader.base_url).rstrip("/")
    page = (await reader.get("/article/1")).text
    known = re.search(r'name="token" value="([^"]*)"', page)[1]  # type: ignore[index]
    headers = {} if origin is None else {"Origin": own if origin == "own" else origin}
    form = {"token": known if token is None else token, "answer": answer}
    assert (await reader.post("/article/1/mark", data=form, headers=headers)).status_code == status
    async with open_for_reading(tmp_path, storage) as corpus, corpus.database.read() as connection:
        assert [judged async for judged in load_marked(connection)] == []


async def test_an_article_is_taken_back_with_a_reason(
    tmp_path: Path, storage: Storage, reader: httpx.AsyncClient
) -> None:
    page = (await reader.get("/article/1")).text
    token = re.search(r'name="token" value="([^"]*)"', page)[1]  # type: ignore[index]
    own = {"origin": str(reader.base_url)}
    form = {"token": token, "why": "<b>asked for</b>"}
    assert (await reader.post("/article/1/remove", data={**form, "token": "x"}, headers=own)).status_code == 403
    assert (await reader.post("/article/1/remove", data=form)).status_code == 403
    assert (await reader.post("/article/1/remove", data={"token": token, "why": " "}, headers=own)).status_code == 404
    assert (await reader.post("/article/99/remove", data=form, headers=own)).status_code == 503
    assert (await reader.get("/article/1")).status_code == 200
    assert (await reader.post("/article/1/remove", data=form, headers=own)).headers["location"] == "/article/1"
    gone = await reader.get("/article/1")
    assert (gone.status_code, "&lt;b&gt;asked for&lt;/b&gt;" in gone.text) == (410, True)
    assert 'rel="next" href="/article/2"' in gone.text
    assert "Visas in Bishkek" not in titles(await reader.get("/"))
    assert "Visas in Bishkek" not in (await reader.get("/article/0")).text
    assert titles(await reader.get("/?q=embassy")) == []
    assert "Visas" not in (await reader.get("/feed.xml")).text
    async with open_for_reading(tmp_path, storage) as corpus:
        assert (await verify(corpus))[1] == []


async def test_reading_removing_and_appending_at_once_disturb_none_of_them(tmp_path: Path, storage: Storage) -> None:
    await fill(tmp_path, storage, [new_article(number) for number in range(30)])
    answers: set[tuple[str, int]] = set()
    ended = asyncio.Event()

    async def read(client: httpx.AsyncClient, address: str) -> None:
        while not ended.is_set():
            answers.add((address, (await client.get(address)).status_code))

    async def append() -> None:
        async with open_corpus(tmp_path, storage) as corpus:
            for number in range(100, 120):
                await place(corpus, [new_article(number)], now=NOW)

    async def take_back(client: httpx.AsyncClient) -> None:
        page = (await client.get("/article/5")).text
        token = re.search(r'name="token" value="([^"]*)"', page)[1]  # type: ignore[index]
        form, own = {"token": token, "why": "x"}, {"origin": str(client.base_url)}
        for number in range(0, 30, 3):
            assert (await client.post(f"/article/{number}/remove", data=form, headers=own)).status_code == 303

    async with room(tmp_path, storage) as client:
        addresses = ("/", "/?q=слово7и3", "/article/0", "/article/7", "/articles.jsonl", "/feed.xml", "/sources")
        readers = [asyncio.create_task(read(client, address)) for address in addresses]
        await asyncio.gather(append(), take_back(client))
        ended.set()
        await asyncio.gather(*readers)
    async with open_for_reading(tmp_path, storage) as corpus:
        assert await verify(corpus) == (40, [])
    assert {status for _, status in answers} <= {200, 410}
    assert {address for address, _ in answers} == set(addresses)
    assert ("/article/0", 410) in answers


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "127.0.0.1", "127.0.0.1:1"])
async def test_a_foreign_name_for_this_machine_is_not_answered(reader: httpx.AsyncClient, host: str) -> None:
    answer = await reader.get("/article/0", headers={"Host": host})
    assert answer.status_code in (400, 421)
    assert "уране" not in answer.text


async def test_every_answer_forbids_framing_and_loading_from_elsewhere(reader: httpx.AsyncClient) -> None:
    for address in ("/", "/article/0", "/article/99", "/sources", "/explain", "/articles.csv", "/style.css", "/none"):
        answer = await reader.get(address)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], address
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r'(src|href)="(?!/|https://(site\.kz|far\.example)/)', answer.text), address


async def test_behind_a_proxy_a_password_is_asked_for(tmp_path: Path, storage: Storage) -> None:
    await fill(tmp_path, storage, results())
    async with room(tmp_path, storage, url="https://news.example.org", password="geheim ü") as reader:
        for credentials in (None, ("any", "falsch"), ("geheim ü", "")):
            assert (await reader.get("/", auth=credentials)).status_code == 401
        assert (await reader.get("/", headers={"Authorization": "Basic %%"})).status_code == 401
        named = {"Host": "news.example.org"}
        assert (await reader.get("/", auth=("any", "geheim ü"), headers=named)).status_code == 200


def test_an_address_for_others_needs_a_password() -> None:
    with pytest.raises(ValueError, match="C5WATCH_BROWSE__PASSWORD"):
        Browse(url="https://news.example.org")


async def test_hostile_titles_are_text(reader: httpx.AsyncClient) -> None:
    for address in ("/", "/article/4", "/feed.xml", "/articles.jsonl"):
        page = (await reader.get(address)).text
        assert "onerror=alert" in page
        assert "<img" not in page.replace('"<img', "").replace("</script><img", "") or address == "/articles.jsonl"
        assert "<script>" not in page or address == "/articles.jsonl"


async def test_a_list_is_taken_away_in_each_form(reader: httpx.AsyncClient) -> None:
    everything = 5
    rows = list(csv.DictReader(io.StringIO((await reader.get("/articles.csv")).content.decode("utf-8-sig"))))
    assert len(rows) == everything
    lines = [json.loads(line) for line in (await reader.get("/articles.jsonl?language=en")).text.splitlines()]
    assert [line["title"] for line in lines] == ["Visas in Bishkek"]
    ris = (await reader.get("/articles.ris")).text
    assert ris.count("TY  - NEWS\r\n") == ris.count("ER  - \r\n") == everything
    assert "DA  - 2025/10/01\r\n" in ris
    feed = ElementTree.fromstring((await reader.get("/feed.xml?q=уран")).content)
    assert [entry.findtext(f"{ATOM}title") for entry in feed.iter(f"{ATOM}entry")] == ["Уран для американских станций"]


async def test_sources_and_addresses_are_explained(reader: httpx.AsyncClient) -> None:
    assert "Сайт other" in (await reader.get("/sources")).text
    assert "001_7ec742d597f4e07a.txt" in (await reader.get("/explain", params={"url": "https://site.kz/news/1"})).text
    assert (await reader.get("/explain", params={"url": "no address"})).status_code == 200
    assert (await reader.get("/explain", params={"url": "https://site.kz/unknown"})).status_code == 200


async def test_unknown_articles_are_not_found(reader: httpx.AsyncClient) -> None:
    numbers = ("99", "0/differences/99", "-1", "9" * 20, "9" * 5000, "٣", "1_0", "0/differences/" + "9" * 5000)
    for address in (*(f"/article/{number}" for number in numbers), "/x"):
        assert (await reader.get(address)).status_code == 404, address


async def test_a_day_at_the_end_of_the_calendar_breaks_no_list(tmp_path: Path, storage: Storage) -> None:
    from tests.support.digest_corpus import new_article

    days = (date(9999, 12, 31), date(1, 1, 1), date(2025, 11, 1))
    await fill(tmp_path, storage, [new_article(number, published=day) for number, day in enumerate(days)])
    async with room(tmp_path, storage) as reader:
        assert len(titles(await reader.get("/"))) == 3
        assert "DA  - 0001/01/01" in (await reader.get("/articles.ris")).text


async def test_a_download_leaves_nothing_behind_whatever_is_asked(
    reader: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    for wanted in ("bytes=9999999999-", "bytes=abc", "garbage", "bytes=0-9"):
        answer = await reader.get("/articles.csv", headers={"Range": wanted})
        assert (answer.status_code, len(answer.content) > 1000) == (200, True)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("site", "mode", "status"),
    [("cross-site", "cors", 403), ("cross-site", "no-cors", 403), ("cross-site", "navigate", 200),
     ("same-origin", "cors", 200), ("none", "navigate", 200)],
)  # fmt: skip
async def test_pages_of_other_sites_may_link_to_the_room_and_no_more(
    reader: httpx.AsyncClient, site: str, mode: str, status: int
) -> None:
    asked = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
    assert (await reader.get("/articles.csv", headers=asked)).status_code == status


async def test_a_mark_makes_no_new_index(tmp_path: Path) -> None:
    await fill(tmp_path, Storage(), results())
    async with room(tmp_path, Storage()) as reader:
        token = re.search(r'name="token" value="([^"]*)"', (await reader.get("/article/1")).text)[1]  # type: ignore[index]
        (tmp_path / "index.sqlite").rename(tmp_path / "elsewhere")
        form = {"token": token, "answer": "no"}
        own = {"Origin": str(reader.base_url).rstrip("/")}
        assert (await reader.post("/article/1/mark", data=form, headers=own)).status_code == 503
    assert not (tmp_path / "index.sqlite").exists()


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ("https://News.Example.org:443/", "https://news.example.org"),
        ("http://news.example.org:8080", "http://news.example.org:8080"),
        ("https://[::1]/", "https://[::1]"),
    ],
)
def test_the_address_for_others_is_kept_as_browsers_name_it(given: str, known: str) -> None:
    assert Browse(url=given, password=SecretStr("x")).url == known


@pytest.mark.parametrize("given", ["https://news.example.org/room/", "https://news.example.org?a=1"])
def test_an_address_with_a_path_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="without a path"):
        Browse(url=given, password=SecretStr("x"))


def test_without_a_corpus_the_command_says_what_to_do(tmp_path: Path) -> None:
    done = c5watch("browse", "--port", "0", "--data", str(tmp_path / "none"))
    assert done.returncode == 1
    assert "no corpus" in done.stderr
    assert "Traceback" not in done.stderr


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["q", "from", "to", "source", "about", "country", "language", "only", "sort", "after"]),
            st.text(max_size=20),
        )
    )
)
def test_an_address_leads_back_to_itself_whatever_was_typed(pairs: list[tuple[str, str]]) -> None:
    from urllib.parse import parse_qsl

    asked = asked_for(pairs)
    again = asked_for(parse_qsl(asked.query(after=asked.after), keep_blank_values=True))
    assert again == asked
    assert asked_for(parse_qsl(asked.toggled("source", "a"))).source in (
        (*asked.source, "a"),
        tuple(s for s in asked.source if s != "a"),
    )


@given(st.lists(st.sampled_from("абвгд"), max_size=60), st.lists(st.sampled_from("абвгд"), max_size=60))
def test_differences_keep_every_word_of_both_texts(old: list[str], new: list[str]) -> None:
    pieces = differences(" ".join(old), " ".join(new))
    assert " ".join(text for text, kind in pieces if kind != "ins").split() == old
    assert " ".join(text for text, kind in pieces if kind != "del").split() == new


@given(st.text(max_size=200))
def test_marking_terms_changes_no_letter(text: str) -> None:
    assert "".join(piece for piece, _ in marked(text, ["а*", "США", "Бел(ый|ого) дом"])) == text


def test_terms_are_marked_as_the_topic_reads_them() -> None:
    assert marked("Посол США и дом", ["США", "пос(ол|ла)"]) == [
        ("Посол", "mark"), (" ", ""), ("США", "mark"), (" и дом", ""),
    ]  # fmt: skip


def test_a_snippet_keeps_what_matched_apart() -> None:
    assert snippet_pieces("… об \x02уране\x03 и \x02визах\x03 …") == [
        ("… об ", ""), ("уране", "mark"), (" и ", ""), ("визах", "mark"), (" …", ""),
    ]  # fmt: skip


def test_a_long_time_is_drawn_by_months() -> None:
    drawn = bars({date(2025, 1, 5): 1, date(2025, 1, 31): 2, date(2025, 12, 1): 6, None: 4})
    assert [(bar["first"], bar["last"], bar["count"]) for bar in drawn] == [
        (date(2025, 1, 1), date(2025, 1, 31), 3), (date(2025, 12, 1), date(2025, 12, 31), 6),
    ]  # fmt: skip
    assert Asked().query() == ""
