"""Fetched pages kept as WARC: what other tools read, crashes, programs at once, taking back, extracting anew."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
import os
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg  # noqa: F401  # here, so that no child is killed while it is still importing
import fastwarc  # noqa: F401
import pytest
import s3fs  # noqa: F401
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from config.load import CHECKOUT, load_config
from config.settings import Storage
from extractors.records import Envelope, Page
from flows.tools.extract import Anew, extract_again
from storage.corpus.removing import remove
from storage.corpus.verify import verify
from storage.corpus.writer import CorpusWriter, open_corpus
from storage.files.object_folder import ObjectFolder
from storage.files.warc import file_begin, gravestone, page_in, page_records
from storage.index.schema import articles, kept_pages, variants
from tests.demo_site.server import DemoSite
from tests.support.digest_corpus import START, new_article
from tests.support.forks import Fork
from tests.support.running import SETTINGS, c5watch, write_config
from tests.support.s3 import CREDENTIALS, S3Server

if os.environ.get("CI"):
    import warcio  # noqa: F401
else:
    pytest.importorskip("warcio")
from warcio.archiveiterator import ArchiveIterator

pytestmark = pytest.mark.slow
HEADERS = (("content-type", "text/html; charset=utf-8"), ("content-encoding", "br"), ("set-cookie", "a=1"))
RESPONSE, REQUEST = "response", "request"


def page_of(key: str) -> Page:
    """What was fetched at an address."""
    number = int(key.rpartition("/")[2])
    body = "<html>" + " ".join(f"слово{number}и{place}" for place in range(200))
    envelope = Envelope("HTTP/1.1 200 OK", HEADERS, (("host", "site.kz"), ("user-agent", "c5watch")))
    return Page(key, body.encode(), "utf-8", START + timedelta(seconds=number), envelope)


def keeping(storage: Storage, **changes: Any) -> Storage:
    return storage.model_copy(update={"pages": "appended", **changes})


async def place(corpus: CorpusWriter, *numbers: int, now: datetime = START) -> None:
    await corpus.place([new_article(n) for n in numbers], now=now, listed=False, page_of=page_of)


def warcs(data: Path) -> list[Path]:
    return sorted((data / "pages").glob("*.warc.gz"))


def read_by_warcio(content: bytes) -> list[tuple[str, str | None, bytes]]:
    """Kind, address and payload of each record, as another tool reads them, which checks the digests as well."""
    return [
        (record.rec_type, record.rec_headers.get_header("WARC-Target-URI"), record.content_stream().read())
        for record in ArchiveIterator(io.BytesIO(content), check_digests="raise")
    ]


async def check_pages(corpus: CorpusWriter, expected: int) -> None:
    """The index finds each page, and its records hold what was fetched."""
    async with corpus.database.read() as connection:
        rows = (await connection.execute(select(articles).where(articles.c.page.is_not(None)))).all()
    assert len(rows) == expected
    for row in rows:
        kept = await corpus.pages.read(row.page)
        assert (kept.page, kept.sound) == (page_of(row.canonical_url), True)
    assert (await verify(corpus))[1] == []


async def test_another_tool_reads_what_the_manifest_points_at(tmp_path: Path, storage: Storage) -> None:
    async with open_corpus(tmp_path, keeping(storage)) as corpus:
        await place(corpus, 0, 1)
        await place(corpus, 2)
        await place(corpus, 0, 3, now=START + timedelta(days=1))
        await check_pages(corpus, 4)
    first, second = warcs(tmp_path)
    assert first.name.startswith("c5watch-2025-11-22-")
    records = read_by_warcio(first.read_bytes())
    assert [kind for kind, _, _ in records] == ["warcinfo", *[RESPONSE, REQUEST] * 3]
    assert len(read_by_warcio(second.read_bytes())) == 3
    for line in map(json.loads, (tmp_path / "manifest.jsonl").read_text("utf-8").splitlines()):
        place_, page = line["page"], page_of(line["canonical_url"])
        content = (tmp_path / "pages" / place_["file"]).read_bytes()
        own = content[place_["offset"] :][: place_["length"]]
        told = read_by_warcio(own)
        assert told == [(RESPONSE, page.url, page.body), (REQUEST, page.url, b"")]
        head = gzip.decompress(own).decode()
        assert "X-Crawler-content-encoding: br\r\n" in head
        assert "\r\ncontent-encoding: br" not in head
        assert f"WARC-Payload-Digest: sha256:{hashlib.sha256(page.body).hexdigest()}" in head


def test_a_changed_page_is_noticed_here_and_by_other_tools() -> None:
    plain = gzip.decompress(page_records(page_of("https://site.kz/news/7")))
    changed = gzip.compress(plain.replace("слово7и3 ".encode(), "слово7и4 ".encode()))
    assert not page_in(changed, "x").sound
    with pytest.raises(Exception, match="igest"):
        read_by_warcio(changed)


@given(st.integers(400, 70_000))
def test_a_gravestone_has_any_length_and_is_a_record(length: int) -> None:
    stone = gravestone(length, START)
    assert len(stone) == length
    assert [kind for kind, _, _ in read_by_warcio(stone)] == ["metadata"]
    assert len(page_records(Page("https://a.kz", b"", None, START))) >= 400  # what it may stand for


async def test_what_a_crash_leaves_is_cut_off_and_files_stay_readable(tmp_path: Path, storage: Storage) -> None:
    async with open_corpus(tmp_path, keeping(storage)) as corpus:
        await place(corpus, 0)
        (file,) = warcs(tmp_path)
        whole = file.read_bytes()
        half = page_records(page_of("https://site.kz/news/9"))
        file.write_bytes(whole + half[: len(half) // 3])
        assert len(read_by_warcio(file.read_bytes())) >= 3  # as it stands
        await place(corpus, 1)
        assert len(read_by_warcio(file.read_bytes())) == 5
        file.write_bytes(file.read_bytes() + half[: len(half) // 3])
        await place(corpus, 2, now=START + timedelta(days=1))
        assert [len(read_by_warcio(path.read_bytes())) for path in warcs(tmp_path)] == [5, 3]
        file.unlink()  # moved elsewhere: what comes does not continue it
        warcs(tmp_path)[0].write_bytes(b"")
        await place(corpus, 3, now=START + timedelta(days=1))
        assert [path.name[-11:] for path in warcs(tmp_path)] == [".02.warc.gz", warcs(tmp_path)[1].name[-11:]]


def _keep_some(data: Path, settings: Storage, first: int) -> None:
    async def work() -> None:
        async with open_corpus(data, settings) as corpus:
            for number in range(first, first + 60, 3):
                await place(corpus, number, number + 1, number + 2)

    asyncio.run(work())


async def test_killed_at_random_moments_pages_and_articles_agree(tmp_path: Path, storage: Storage, fork: Fork) -> None:
    settings, luck, killed = keeping(storage), random.Random(5), 0
    for run in range(10):
        killed += fork(_keep_some, tmp_path, settings, 60 * run, kill_after=luck.uniform(0.1, 0.6)) != 0
        for path in warcs(tmp_path):
            read_by_warcio(path.read_bytes())  # readable as the kill has left it
        async with open_corpus(tmp_path, settings) as corpus:
            count, found = await verify(corpus)
            assert found == []
            await check_pages(corpus, count)
    assert killed > 3


async def test_several_programs_keep_pages_at_once(tmp_path: Path, storage: Storage) -> None:
    async def work(first: int) -> None:
        async with open_corpus(tmp_path, keeping(storage)) as corpus:
            for number in range(first, first + 10):
                await place(corpus, number)

    await asyncio.gather(*(work(100 * n) for n in range(3)))
    async with open_corpus(tmp_path, keeping(storage)) as corpus:
        await check_pages(corpus, 30)
    (file,) = warcs(tmp_path)
    assert len(read_by_warcio(file.read_bytes())) == 61


async def test_the_page_of_a_removed_article_goes_and_the_others_stay_where_they_are(
    tmp_path: Path, storage: Storage
) -> None:
    everything = keeping(storage, pages="all")
    async with open_corpus(tmp_path, everything) as corpus:
        await place(corpus, 0, 1, 2)
        await place(corpus, 1)  # looked at again: its page is kept once more
        (file,) = warcs(tmp_path)
        size = file.stat().st_size
        word = "слово1и17 "
        assert word in gzip.decompress(file.read_bytes()).decode()
        await remove(corpus, 1, why="request", now=START)
        plain = gzip.decompress(file.read_bytes()).decode()
        assert (word in plain, "news/1" in plain, "слово2и17 " in plain) == (False, False, True)
        assert file.stat().st_size == size
        await check_pages(corpus, 2)
        await place(corpus, 3)
        await check_pages(corpus, 3)
    kinds = [kind for kind, _, _ in read_by_warcio(file.read_bytes())]
    assert kinds == ["warcinfo", RESPONSE, REQUEST, "metadata", RESPONSE, REQUEST, "metadata", RESPONSE, REQUEST]


async def test_on_s3_each_batch_is_an_object(
    tmp_path: Path, storage: Storage, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**CREDENTIALS, **s3.environment}.items():
        monkeypatch.setenv(name, value)
    where = f"s3://{s3.bucket()}/pages"
    async with open_corpus(tmp_path, keeping(storage, pages_in=where)) as corpus:
        await place(corpus, 0, 1)
        await place(corpus, 2)
        await check_pages(corpus, 3)
        await remove(corpus, 1, why="request", now=START)
        await check_pages(corpus, 2)
    folder = ObjectFolder(where)
    contents = sorted((folder.read(name) for name in folder.names()), key=len)
    assert [len(read_by_warcio(content)) for content in contents] == [3, 4]
    assert not any("слово1и17 ".encode() in gzip.decompress(content) for content in contents)


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite() as running:
        yield running


def test_a_pass_keeps_what_it_fetches_and_extracts_it_anew(site: DemoSite, tmp_path: Path) -> None:
    settings = f'{SETTINGS}\n[storage]\npages = "all"\n'
    given = ("--config", write_config(tmp_path / "config", sources=site.sources_toml(), settings=settings))
    data = tmp_path / "data"
    assert c5watch("monitor", "--engine", "direct", "--data", data, *given).returncode == 0
    (file,) = warcs(data)
    records = read_by_warcio(file.read_bytes())
    assert sum(kind == RESPONSE for kind, _, _ in records) > 28  # those that were off topic as well
    shown = json.loads(c5watch("page", "0", "--json", "--data", data, *given).stdout)
    assert (shown["sound"], shown["file"]) == (True, file.name)
    html = c5watch("page", "0", "--html", "--data", data, *given).stdout
    assert (shown["bytes"], "<html" in html) == (len(html.encode()), True)
    assert "WARC" not in c5watch("page", "0", "--data", data, *given).stdout

    same = c5watch("corpus", "reextract", "--dry-run", "--data", data, *given)
    assert (same.returncode, same.stdout) == (0, "")
    assert same.stderr.endswith("28 pages extracted anew, 0 differ, 0 versions kept\n")


async def test_a_better_text_is_kept_as_a_version_and_the_file_stays(tmp_path: Path, storage: Storage) -> None:
    body = "".join(f"<p>{' '.join(f'слово{n}и{place}' for place in range(40))}.</p>" for n in range(4))
    html = f"<html lang=ru><title>Заголовок 0</title><article><h1>Заголовок 0</h1>{body}</article></html>"
    fetched = replace(page_of("https://site.kz/news/0"), body=html.encode())
    config = load_config(CHECKOUT)
    config = replace(config, settings=config.settings.model_copy(update={"storage": keeping(storage)}))
    async with open_corpus(tmp_path, config.settings.storage) as corpus:
        first = new_article(0, paragraphs=(" ".join(f"слово0и{place}" for place in range(40)) + ".",))
        await corpus.place([first], now=START, listed=False, page_of=lambda _: fetched)
        empty = replace(page_of("https://site.kz/news/1"), body=b"<html></html>")
        await corpus.place([new_article(1)], now=START, listed=False, page_of=lambda _: empty)
    before = next((tmp_path / "corpus").glob("000_*")).read_bytes()
    told: list[Anew] = []
    for keep, kept in ((False, False), (True, True), (True, False)):
        told.clear()
        assert await extract_again(config, tmp_path, (0,), since=None, keep=keep, report=told.append) == 1
        (done,) = told
        assert (done.number, done.kept, done.is_better, done.problem) == (0, kept, True, "")
        assert all(kind == "ins" for kind, _ in done.to_json()["differences"])
    assert next((tmp_path / "corpus").glob("000_*")).read_bytes() == before
    async with open_corpus(tmp_path, config.settings.storage) as corpus:
        async with corpus.database.read() as connection:
            (version,) = (await connection.execute(select(variants))).all()
        assert (version.number, version.relation, version.text.count("\n\n")) == (0, "version", 3)
        assert (await verify(corpus))[1] == []
    told.clear()
    await extract_again(config, tmp_path, (), since=None, keep=True, report=told.append)
    assert {done.number: bool(done.problem) for done in told} == {0: False, 1: True}  # a page with no article on it
    async with open_corpus(tmp_path, config.settings.storage) as corpus, corpus.database.read() as connection:
        assert len((await connection.execute(select(kept_pages))).all()) == 2
    assert file_begin("x", datetime.now(UTC)).startswith(b"\x1f\x8b")
