"""The routes "ccnews" and "urls": pages out of Common Crawl's files, and addresses out of a file of our own."""

from __future__ import annotations

import asyncio
import gzip
import random
import tracemalloc
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import brotli
import pytest

from config.settings import Archives
from config.sources import Backfill
from extractors.archives.search import Search, list_entries, list_shared_entries
from extractors.archives.warc import Crawled, CutPage, read_pages, stream_pages
from extractors.records import ItemError, Page
from tests.support.archive_servers import (
    NOW,
    TASHKENT,
    CommonCrawl,
    Found,
    client,
    look,
    source_of,
    warc_record,
    window,
)
from tests.support.loopback import Reply, Server, serve

NOVEMBER_6 = window("2025-11-06")
CCNEWS = Backfill(route="ccnews")
URL = "https://site.uz/story"


def page(n: int, host: str = "site.uz", **named: object) -> bytes:
    body = f"<html><body>Story {n}</body></html>".encode()
    return warc_record(f"https://{host}/story-{n}", body, **named)  # type: ignore[arg-type]


def warc(*numbers: int, host: str = "site.uz") -> bytes:
    return b"".join(page(n, host) for n in numbers)


async def found_at(server: Server, **named: object) -> Found:
    archives = Archives(ccnews=server.base, **named.pop("settings", {}))  # type: ignore[arg-type]
    days = named.pop("days", NOVEMBER_6)
    return await look("https://www.site.uz", CCNEWS, days, archives=archives, **named)  # type: ignore[arg-type]


# --- Common Crawl -----------------------------------------------------------------------------------------------


async def test_the_pages_of_the_host_come_with_their_bytes() -> None:
    records = [
        page(1),
        page(2, "www.site.uz"),
        page(3, "other.uz"),
        page(4, "en.site.uz"),
        page(5, "notsite.uz"),
        page(6, kind="request"),
        page(7, status=404),
        page(8, content_type="image/png"),
        page(9, at="2025-10-01T05:00:00Z"),
    ]
    crawl = CommonCrawl({"2025/11/CC-NEWS-20251106000000-00001.warc.gz": b"".join(records)})
    async with serve(crawl) as server:
        found = await found_at(server)
    assert found.urls == ["https://site.uz/story-1", "https://www.site.uz/story-2"]
    assert found.tally.outside == 1  # crawled before the period
    first = found.listed[0]
    expected = b"<html><body>Story 1</body></html>"
    assert first.page == Page(first.entry.url, expected, "utf-8", datetime(2025, 11, 6, 5, tzinfo=UTC))
    assert (first.entry.published, first.not_after) == (None, datetime(2025, 11, 6, 5, tzinfo=UTC))
    assert first.entry.feed_url.endswith("/2025/11/CC-NEWS-20251106000000-00001.warc.gz")
    assert found.tally.complete


async def test_only_files_that_were_filled_in_or_shortly_after_the_period_are_read() -> None:
    stamps = ["20251103120000", "20251104120000", "20251105000000", "20251109180000", "20251109200000"]
    names = {f"2025/11/CC-NEWS-{stamp}-{n:05}.warc.gz": warc(n) for n, stamp in enumerate(stamps)}
    async with serve(CommonCrawl(names)) as server:
        found = await found_at(server)
    # From 4 November 19:00 UTC (a day of slack) to two days after 7 November 19:00 UTC (a day of slack).
    assert found.paths == ["/story-1", "/story-2", "/story-3"]
    assert len(server.asked) == 4


async def test_the_next_months_list_need_not_be_there_yet() -> None:
    body = page(1, at="2025-11-30T05:00:00Z")
    async with serve(CommonCrawl({"2025/11/CC-NEWS-20251130000000-00001.warc.gz": body})) as server:
        found = await found_at(server, days=window("2025-11-30"))
        assert (found.paths, found.tally.complete) == (["/story-1"], True)
        with pytest.raises(ItemError, match="http 404"):
            await found_at(server, days=window("2025-09-30"))


@pytest.mark.parametrize("knows_ranges", [True, False])
async def test_a_download_that_breaks_off_is_taken_up_where_it_broke_off(knows_ranges: bool) -> None:
    body = warc(*range(200))
    crawl = CommonCrawl({"2025/11/CC-NEWS-20251106000000-00001.warc.gz": body}, len(body) // 2, knows_ranges)
    async with serve(crawl) as server:
        found = await found_at(server, network={"retry_delays": (0.01,)})
    assert len(found.listed) == 200
    assert found.tally.complete
    assert server.asked[-1].headers["range"] == f"bytes={len(body) // 2}-"


async def test_a_download_that_cannot_be_finished_is_a_problem_and_the_next_file_is_read() -> None:
    body = warc(*range(50))
    crawl = CommonCrawl(
        {
            "2025/11/CC-NEWS-20251106000000-00001.warc.gz": body,
            "2025/11/CC-NEWS-20251106100000-00002.warc.gz": warc(99),
        },
        broken_off=len(body) // 2,
    )
    async with serve(crawl) as server:
        found = await found_at(server)
    assert found.problems == ["connection broken"]
    assert found.paths[-1] == "/story-99"
    assert 10 < len(found.listed) < 40


@pytest.mark.parametrize(("status", "reason"), [(404, "http 404"), (503, "http 503"), (429, "http 429")])
async def test_a_file_that_cannot_be_had_is_a_problem(status: int, reason: str) -> None:
    names = [f"2025/11/CC-NEWS-2025110600000{n}-0000{n}.warc.gz" for n in (1, 2)]
    crawl = CommonCrawl({name: warc(n) for n, name in enumerate(names)})
    async with serve(lambda asked: Reply(b"", status) if asked.path.endswith(names[0]) else crawl(asked)) as server:
        found = await found_at(server)
    assert (found.paths, found.problems) == (["/story-1"], [reason])


async def test_a_host_that_wants_a_pause_is_left_alone() -> None:
    names = [f"2025/11/CC-NEWS-2025110600000{n}-0000{n}.warc.gz" for n in (1, 2, 3)]
    crawl = CommonCrawl({name: warc(n) for n, name in enumerate(names)})
    pause = Reply(b"", 503, {"Retry-After": "3600"})
    async with serve(lambda asked: pause if asked.path.endswith(names[1]) else crawl(asked)) as server:
        found = await found_at(server)
        assert len(server.asked) == 3
    assert (found.paths, found.problems) == (["/story-0"], ["http 503"])
    assert found.tally.problems[0].retry_after is not None


async def test_several_sources_share_one_reading() -> None:
    sources = [source_of(f"https://{host}") for host in ("www.site.uz", "en.site.uz")]
    sources = [source.model_copy(update={"id": f"s{n}"}) for n, source in enumerate(sources)]
    body = warc(1, 2) + warc(3, host="en.site.uz") + warc(4, host="other.uz")
    async with serve(CommonCrawl({"2025/11/CC-NEWS-20251106000000-00001.warc.gz": body})) as server:
        async with client() as session:
            archives = Archives(ccnews=server.base)
            search = Search(session, sources[0], CCNEWS, NOVEMBER_6, UTC, archives, lambda: NOW)
            pairs = [(source_id, found.entry.url) async for source_id, found in list_shared_entries(search, sources)]
        assert len(server.asked) == 2
    assert pairs == [
        ("s0", "https://site.uz/story-1"),
        ("s0", "https://site.uz/story-2"),
        ("s1", "https://en.site.uz/story-3"),
    ]
    assert search.tally.listed == 3


async def test_who_has_enough_may_leave_and_the_host_is_free_again() -> None:
    crawl = CommonCrawl({"2025/11/CC-NEWS-20251106000000-00001.warc.gz": warc(*range(2000))})
    async with serve(crawl) as server, client() as session:
        archives = Archives(ccnews=server.base)
        source = source_of("https://site.uz")
        entries = list_entries(Search(session, source, CCNEWS, NOVEMBER_6, TASHKENT, archives, lambda: NOW))
        async with aclosing(entries):
            async for _ in entries:
                break
        async with asyncio.timeout(50):
            assert await session.fetch(f"{server.base}/crawl-data/CC-NEWS/2025/11/warc.paths.gz") is not None


async def test_interrupting_the_download_ends_it() -> None:
    async def endless() -> AsyncGenerator[bytes, None]:
        yield warc(1)
        await asyncio.sleep(60)

    async def read() -> list[str]:
        pages = stream_pages(endless(), {"site.uz": "site"}, max_bytes=1000, url="x")
        return [page.url async for _, page in pages]

    task = asyncio.create_task(read())
    await asyncio.sleep(0.1)
    task.cancel()
    async with asyncio.timeout(50):
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_file_goes_through_memory_piece_by_piece() -> None:
    """50 MB of other hosts' pages, made while they are read."""
    filler = warc_record("https://other.uz/a", bytes(range(256)) * 400)
    chunk = filler * (100_000 // len(filler) + 1)

    async def download() -> AsyncGenerator[bytes, None]:
        for _ in range(50_000_000 // (102_400 * (len(chunk) // len(filler)))):
            yield chunk
        yield warc(1)

    tracemalloc.start()
    try:
        pages = stream_pages(download(), {"site.uz": "site"}, max_bytes=1_000_000, url="x")
        found = [page.url async for _, page in pages]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == ["https://site.uz/story-1"]
    assert most < 8_000_000


# --- WARC files -------------------------------------------------------------------------------------------------


def read_file(path: Path, *, max_bytes: int = 100_000) -> list[Page]:
    crawled = read_all(path, max_bytes=max_bytes)
    assert all(isinstance(page, Page) for page in crawled)
    return [page for page in crawled if isinstance(page, Page)]


def read_all(path: Path, *, max_bytes: int = 100_000) -> list[Crawled]:
    with path.open("rb") as stream:
        return [page for _, page in read_pages(stream, {"site.uz": "x"}, max_bytes=max_bytes, url=str(path))]


CHUNKED = "Transfer-Encoding: chunked\r\n"


def chunked(body: bytes, end: bytes = b"\r\n", note: bytes = b"") -> bytes:
    """The body in chunks of 50 bytes."""
    pieces = [body[at : at + 50] for at in range(0, len(body), 50)]
    return b"".join(b"%x%s%s%s%s" % (len(p), note, end, p, end) for p in pieces) + b"0" + end + end


PACKED = gzip.compress(b"<html>" + random.Random(1).randbytes(5000) + b"</html>")


@pytest.mark.parametrize(
    "record",
    [
        page(1, named="WARC-Truncated: length\r\n"),
        page(1, named="WARC-Truncated: disconnect\r\n"),
        warc_record(URL, b"<html>half", headers="Content-Length: 20\r\n"),
        warc_record(URL, b"<html>half", headers="X-Crawler-Content-Length: 20\r\n"),
        warc_record(URL, b"<html>" + b"x" * (2**16 - 6)),
        warc_record(URL, b"<!doctype html>" + b"x" * (3 * 2**16 - 15)),
        warc_record(URL, PACKED[:-2000], headers="Content-Encoding: gzip\r\n"),
        warc_record(URL, brotli.compress(b"<html>" + bytes(range(256)) * 99)[:-9], headers="Content-Encoding: br\r\n"),
        warc_record(URL, chunked(b"<p>x</p>" * 99)[:-9], headers=CHUNKED),  # the last chunk is missing
        warc_record(URL, chunked(b"<p>x</p>" * 99)[:300], headers=CHUNKED),
        warc_record(URL, chunked(b"x" * 20)[:9], headers=CHUNKED),
        warc_record(URL, chunked(PACKED[:-2000]), headers=CHUNKED + "Content-Encoding: gzip\r\n"),
    ],
    ids=[
        "length",
        "disconnect",
        "stated",
        "stated otherwise",
        "64 KiB",
        "192 KiB",
        "cut gzip",
        "cut brotli",
        "no last chunk",
        "cut in a chunk",
        "cut in the first",
        "cut gzip in chunks",
    ],
)
def test_a_page_whose_end_is_missing_is_told_from_a_whole_one(tmp_path: Path, record: bytes) -> None:
    path = tmp_path / "a.warc.gz"
    path.write_bytes(record + page(2))
    cut, whole = read_all(path, max_bytes=1_000_000)
    assert isinstance(cut, CutPage)
    assert isinstance(whole, Page)


@pytest.mark.parametrize(
    "record",
    [
        warc_record(URL, b"<html>" + b"x" * (2**16 - 13) + b"</html>"),
        warc_record(URL, b"<html>a whole page, once packed</html>", headers="Content-Length: 30\r\n"),
        warc_record(URL, b"<html>whole</html>", headers="Content-Length: about 20\r\n"),
        warc_record(URL, PACKED, headers=f"Content-Encoding: gzip\r\nContent-Length: {len(PACKED)}\r\n"),
    ],
)
def test_a_whole_page_is_not_taken_for_a_cut_one(tmp_path: Path, record: bytes) -> None:
    path = tmp_path / "a.warc.gz"
    path.write_bytes(record)
    assert len(read_file(path)) == 1


async def test_a_cut_page_is_left_to_its_site_and_to_another_archive() -> None:
    records = page(1) + page(2, named="WARC-Truncated: length\r\n")
    async with serve(CommonCrawl({"2025/11/CC-NEWS-20251106000000-00001.warc.gz": records})) as server:
        found = await found_at(server, settings={"wayback": "https://copies.example/"})
    whole, cut = found.listed
    assert whole.page is not None
    assert (cut.entry.url, cut.page, cut.not_after) == (
        "https://site.uz/story-2",
        None,
        datetime(2025, 11, 6, 5, tzinfo=UTC),
    )
    assert cut.archived_url == "https://copies.example/web/20251106050000id_/https://site.uz/story-2"


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (page(1), b"<html><body>Story 1</body></html>"),
        (warc_record("<https://site.uz/a>", b"x"), b"x"),
        (warc_record("https://site.uz/a", b"1\r\nx\r\n0\r\n\r\n", headers="Transfer-Encoding: chunked\r\n"), b"x"),
        (warc_record(URL, b"<p>put together", headers=CHUNKED), b"<p>put together"),
        (
            warc_record(URL, b"ad\r\n<p>begins like a chunk</p>\r\n" * 9, headers=CHUNKED),
            b"ad\r\n<p>begins like a chunk</p>\r\n" * 9,
        ),
        (warc_record(URL, chunked(b"<p>x</p>" * 99, b"\n"), headers=CHUNKED), b"<p>x</p>" * 99),
        (warc_record(URL, chunked(b"<p>x</p>" * 99, note=b";a=b"), headers=CHUNKED.lower()), b"<p>x</p>" * 99),
        (warc_record(URL, b"<p>both off", headers=CHUNKED + "Content-Encoding: gzip\r\n"), b"<p>both off"),
        (warc_record(URL, chunked(b"<p>gzip off"), headers=CHUNKED + "Content-Encoding: gzip\r\n"), b"<p>gzip off"),
        (warc_record(URL, gzip.compress(b"<p>one"), headers=CHUNKED + "Content-Encoding: gzip\r\n"), b"<p>one"),
        (warc_record(URL, chunked(PACKED), headers="Transfer-Encoding: gzip, chunked\r\n"), gzip.decompress(PACKED)),
        (warc_record(URL, b"<p>off", headers="Content-Encoding: br\r\n"), b"<p>off"),
        (warc_record("https://site.uz/a", gzip.compress(b"x"), headers="Content-Encoding: gzip\r\n"), b"x"),
        (warc_record("https://site.uz/a", b"taken off", headers="Content-Encoding: gzip\r\n"), b"taken off"),
        (warc_record("https://site.uz/a", b"x" * 100_000), b"x" * 100_000),
        (warc_record("https://site.uz/a", b"x" * 100_001), None),
        (warc_record("https://site.uz/a", gzip.compress(bytes(10**6)), headers="Content-Encoding: gzip\r\n"), None),
        (warc_record("https://site.uz/a", b"x", content_type="text/plain"), None),
        (warc_record("dns:site.uz", b"x"), None),
        (warc_record("https://site..uz:x/a", b"x"), None),
    ],
)
def test_pages_are_taken_as_they_were_served(tmp_path: Path, record: bytes, expected: bytes | None) -> None:
    path = tmp_path / "a.warc.gz"
    path.write_bytes(record + page(2))
    bodies = [page.body for page in read_file(path)]
    assert bodies == ([] if expected is None else [expected]) + [b"<html><body>Story 2</body></html>"]


def test_the_charset_is_that_of_the_header(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    path.write_bytes(warc_record("https://site.uz/a", b"x", content_type="text/html; charset=windows-1251"))
    assert [page.charset for page in read_file(path)] == ["windows-1251"]


@pytest.mark.parametrize("host", ["site.uz", "other.uz"])
def test_a_cut_file_is_an_error_after_its_pages(tmp_path: Path, host: str) -> None:
    path = tmp_path / "a.warc.gz"
    body = warc(1, 2, 3)
    path.write_bytes(body + page(4, host)[:-60])
    with path.open("rb") as stream:
        pages = read_pages(stream, {"site.uz": "x"}, max_bytes=1000, url="a")
        assert [next(pages)[1].url[-1] for _ in range(3)] == ["1", "2", "3"]
        with pytest.raises(ItemError, match="broken WARC"):
            next(pages)


@pytest.mark.parametrize(
    "body",
    [b"<html>Home</html>" * 100, gzip.compress(b"hello" * 1000), b"\x1f\x8b" + bytes(999)],
    ids=["a page", "another text, packed", "nothing, packed"],
)
def test_what_is_no_warc_is_an_error(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "a.warc.gz"
    path.write_bytes(body)
    with pytest.raises(ItemError, match="broken WARC"):
        read_file(path)


async def test_files_at_hand_are_read_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "warcs" / "more").mkdir(parents=True)
    (tmp_path / "warcs" / "a.warc.gz").write_bytes(warc(1))
    (tmp_path / "warcs" / "more" / "b.warc").write_bytes(gzip.decompress(warc(2)))
    (tmp_path / "warcs" / "note.txt").write_text("not a WARC file")
    for name, count in (("warcs", 2), ("warcs/a.warc.gz", 1)):
        route = Backfill(route="ccnews", file=name)
        found = await look("https://site.uz", route, NOVEMBER_6, folder=tmp_path)
        assert len(found.listed) == count
        assert found.tally.complete
    (tmp_path / "empty").mkdir()
    for name in ("empty", "absent"):
        with pytest.raises(ItemError, match="file cannot be read"):
            await look("https://site.uz", Backfill(route="ccnews", file=name), NOVEMBER_6, folder=tmp_path)


# --- Lists of addresses -----------------------------------------------------------------------------------------


async def test_a_list_of_addresses_is_read_as_people_write_it(tmp_path: Path) -> None:
    lines = [
        "# what the desk has collected",
        "",
        "https://site.uz/a",
        "  https://site.uz/b  ",
        "https://site.uz/c\t2025-11-06",
        "https://site.uz/d\t6 ноября 2025",
        "https://site.uz/e\t2024-11-06",
        "https://site.uz/2024/11/06/f",
        "https://site.uz/a",
    ]
    (tmp_path / "list.txt").write_bytes(("\ufeff" + "\r\n".join(lines)).encode())
    found = await look("https://site.uz", Backfill(route="urls", file="list.txt"), NOVEMBER_6, folder=tmp_path)
    assert found.paths == ["/a", "/b", "/c", "/d"]
    assert [str(listed.entry.published)[:10] for listed in found.listed] == ["None", "None", "2025-11-06", "2025-11-06"]
    assert (found.tally.outside, found.tally.again, found.tally.complete) == (2, 1, True)


async def test_a_wrong_line_is_named_and_the_others_are_taken(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("https://site.uz/a\nsite.uz/b\nhttps://site.uz/c\tsoon\n")
    found = await look("https://site.uz", Backfill(route="urls", file="list.txt"), NOVEMBER_6, folder=tmp_path)
    assert found.paths == ["/a", "/c"]
    assert found.tally.wrong_lines == [
        'list.txt, line 2: "site.uz/b" is no address and is left out',
        'list.txt, line 3: "soon" is no date; the page is to say its own',
    ]
    assert found.tally.complete


async def test_a_list_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ItemError, match="file cannot be read"):
        await look("https://site.uz", Backfill(route="urls", file="list.txt"), NOVEMBER_6, folder=tmp_path)
