"""A corpus whose article files are on S3: the same guarantees, several machines, and what a service may do wrong."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from config.settings import Storage
from extractors.records import Article, Entry, Found, Outcome, Result, Verdict
from flows.serving.server import EmbeddedServer
from storage.corpus.adopt import Adoption, adopt
from storage.corpus.repair import Repair, repair
from storage.corpus.verify import REPAIR, Fault, stats, verify
from storage.corpus.writer import CorpusWriter, open_corpus, open_for_reading
from storage.errors import StorageError
from storage.files import object_folder
from storage.files.object_folder import ObjectFolder
from storage.files.opening import folder_at
from tests.demo_site.server import DemoSite
from tests.support.running import CHECKOUT, EVERYTHING, c5watch, c5watch_process, write_config
from tests.support.s3 import CREDENTIALS, S3Server

pytestmark = pytest.mark.slow

NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)


def result(number: int) -> Result:
    url = f"https://site.kz/news/{number}"
    words = " ".join(f"слово{number}и{position}" for position in range(30))
    article = Article((words, "Конец."), f"Заголовок {number}", (), date(2025, 11, 6), "meta", "ru", "test")
    verdict = Verdict(True, "topic", 1.0, (), "why")
    return Found(url, Entry(url, "https://site.kz/rss"), "site", url=url, article=article, verdict=verdict)


async def place(corpus: CorpusWriter, numbers: Sequence[int]) -> list[tuple[Outcome, int | None]]:
    return [(p.outcome, p.number) for p in await corpus.place([result(number) for number in numbers], now=NOW)]


@pytest.fixture(autouse=True)
def _own_credentials_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def place_on_s3(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """`s3://bucket/prefix` in a new bucket, for clients of this process."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.environment["AWS_ENDPOINT_URL"])
    return f"s3://{s3.bucket()}/news/texts"


@pytest.fixture
def on_s3(storage: Storage, place_on_s3: str) -> Storage:
    """The article files on S3, the index in each database in turn."""
    return storage.model_copy(update={"corpus": place_on_s3})


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each request was made."""
    counted: Counter[str] = Counter()
    call = ObjectFolder._call

    def count(self: ObjectFolder, method: str, **arguments: Any) -> Any:
        counted[method] += 1
        return call(self, method, **arguments)

    monkeypatch.setattr(ObjectFolder, "_call", count)
    return counted


def objects(storage: Storage) -> dict[str, bytes]:
    folder = folder_at(storage.corpus)
    return {name: folder.read(name) for name in sorted(folder.names())}


async def check(data: Path, storage: Storage) -> tuple[int, list[Fault]]:
    async with open_for_reading(data, storage) as corpus:
        return await verify(corpus)


async def test_the_files_are_the_same_as_on_a_disk(tmp_path: Path, on_s3: Storage) -> None:
    for data, storage in ((tmp_path / "s3", on_s3), (tmp_path / "disk", Storage())):
        async with open_corpus(data, storage) as corpus:
            await place(corpus, range(5))
            await place(corpus, range(3, 8))
            assert await verify(corpus) == (8, [])
            assert (await stats(corpus))["articles"] == 8
    assert objects(on_s3) == {path.name: path.read_bytes() for path in sorted((tmp_path / "disk" / "corpus").iterdir())}
    assert (tmp_path / "s3" / "manifest.jsonl").read_bytes() == (tmp_path / "disk" / "manifest.jsonl").read_bytes()
    assert not (tmp_path / "s3" / "corpus").exists()


async def test_an_opening_asks_little_whatever_is_there(
    tmp_path: Path, on_s3: Storage, requests: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.files.object_folder.PAGE", 2)
    async with open_corpus(tmp_path, on_s3) as corpus:
        await place(corpus, range(30))
    requests.clear()
    async with open_corpus(tmp_path, on_s3):
        pass
    assert requests == {"list_objects_v2": 3}
    requests.clear()
    async with open_for_reading(tmp_path, on_s3) as corpus:
        await stats(corpus)
    assert requests == {}


async def test_a_fresh_machine_uploads_nothing_again(
    tmp_path: Path, on_s3: Storage, requests: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_corpus(tmp_path, on_s3) as corpus:
        await place(corpus, range(40))
    before = objects(on_s3)
    monkeypatch.setattr("storage.corpus.writer.AT_A_TIME", 5)
    manifest = (tmp_path / "manifest.jsonl").read_bytes()
    (tmp_path / "manifest.jsonl").unlink()  # as where another machine shares index and files
    requests.clear()
    async with open_corpus(tmp_path, on_s3) as corpus:
        assert (tmp_path / "manifest.jsonl").read_bytes() == manifest
        assert requests["put_object"] == 5  # of which none is accepted; then all are listed once
        assert requests["list_objects_v2"] == 4
        assert await verify(corpus) == (40, [])
    assert objects(on_s3) == before


async def test_two_machines_share_index_and_files(tmp_path: Path, on_s3: Storage) -> None:
    if on_s3.database.get_secret_value() == "sqlite":
        shared = [tmp_path / "one"] * 2  # one data folder, two programs
    else:
        shared = [tmp_path / "one", tmp_path / "two"]

    async def work(data: Path, numbers: Sequence[int]) -> None:
        for number in numbers:
            async with open_corpus(data, on_s3) as corpus:
                await place(corpus, [number, number + 100])

    await asyncio.gather(work(shared[0], range(5)), work(shared[1], range(3, 8)))
    for data in shared:
        async with open_corpus(data, on_s3) as corpus:
            assert await verify(corpus) == (16, [])
    assert [name.split("_")[0] for name in objects(on_s3)] == [f"{number:03d}" for number in range(16)]


async def test_another_corpus_below_the_same_prefix_is_noticed(tmp_path: Path, place_on_s3: str) -> None:
    storage = Storage(corpus=place_on_s3)
    async with open_corpus(tmp_path / "one", storage) as corpus:
        await place(corpus, range(3))
    before = objects(storage)
    message = f"{place_on_s3} holds .* unknown .*: adopt them with 'c5watch corpus import {place_on_s3}' and"
    with pytest.raises(StorageError, match=message):
        async with open_corpus(tmp_path / "two", storage):
            pass
    async with open_corpus(tmp_path / "two", Storage()) as corpus:
        await place(corpus, [7, 8])  # on its disk; then it is moved to S3
    with pytest.raises(StorageError, match=message):
        async with open_corpus(tmp_path / "two", storage):
            pass
    assert objects(storage) == before


async def test_a_lost_index_is_made_again_from_the_files_on_s3(
    tmp_path: Path, place_on_s3: str, empty_storage: Storage
) -> None:
    storage = empty_storage.model_copy(update={"corpus": place_on_s3})
    async with open_corpus(tmp_path / "one", Storage(corpus=place_on_s3)) as corpus:
        await place(corpus, range(3))
    async with open_corpus(tmp_path / "two", storage, adopting=True) as corpus:
        assert await adopt(corpus, corpus.folder, now=NOW) == Adoption(3, 0, 3)
        assert await place(corpus, [2]) == [(Outcome.DUPLICATE, 2)]
    async with open_corpus(tmp_path / "two", storage) as corpus:
        assert await verify(corpus) == (3, [])


async def test_a_corpus_moves_from_the_disk_to_s3_by_repairing_it(tmp_path: Path, place_on_s3: str) -> None:
    async with open_corpus(tmp_path, Storage()) as corpus:
        await place(corpus, range(5))
    storage = Storage(corpus=place_on_s3)
    async with open_corpus(tmp_path, storage, adopting=True) as corpus:
        done = await repair(corpus)
        assert [step.done for step in done.mended] == ["written again"] * 5
        assert await repair(corpus) == Repair((), ())
    assert objects(storage) == {path.name: path.read_bytes() for path in sorted((tmp_path / "corpus").iterdir())}


async def test_damage_on_s3_is_found_and_mended(tmp_path: Path, on_s3: Storage) -> None:
    async with open_corpus(tmp_path, on_s3) as corpus:
        await place(corpus, range(4))
        before, folder = objects(on_s3), corpus.folder
    gone, odd, *_ = before
    stranger, foreign = "001_0123456789abcdef.txt", "notes/deeper.txt"
    folder.remove(gone)
    folder.replace(odd, b"changed")
    folder.write({stranger: b"a stranger", foreign: b"notes"})
    _, found = await check(tmp_path, on_s3)
    other = Fault("notes/", "not the name of an article file", "move it away: downstream tools read the folder")
    assert found == [
        Fault(gone, "missing", REPAIR),
        Fault(odd, "another content than when it was written", REPAIR),
        Fault(stranger, "a file that the index does not know", REPAIR),
        other,
    ]
    async with open_corpus(tmp_path, on_s3, adopting=True) as corpus:
        done = await repair(corpus)
    assert {step.location for step in done.mended} == {odd, gone, stranger}
    assert done.left == (other,)
    folder.remove(foreign)
    assert objects(on_s3) == before
    kept = {path.name: path.read_bytes() for path in (tmp_path / "set-aside").iterdir()}
    assert kept == {odd: b"changed", stranger: b"a stranger"}


BUCKET = "s3://bucket/prefix"
ACCESS = "access denied (AccessDenied): check the credentials, and that they may list, read, write and delete there"


def s3_error(status: int, code: str, message: str = "A message\nof the service.") -> Response:
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Response(body, status, content_type="application/xml")


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (403, "AccessDenied", f"{BUCKET}: {ACCESS}"),
        (403, "SignatureDoesNotMatch", f"{BUCKET}: {ACCESS.replace('AccessDenied', 'SignatureDoesNotMatch')}"),
        (403, "InvalidAccessKeyId", f"{BUCKET}: {ACCESS.replace('AccessDenied', 'InvalidAccessKeyId')}"),
        (404, "NoSuchBucket", f"{BUCKET}: there is no bucket bucket: make it, or name another under [storage] corpus"),
        (400, "SomethingNew", f"{BUCKET}: SomethingNew: .*: try again later, or check AWS_ENDPOINT_URL, AWS_REGION"),
        (501, "NotImplemented", f"{BUCKET}: NotImplemented: A message of the service: try again later, or check"),
    ],
)
async def test_what_a_service_refuses_is_one_sentence(
    tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, status: int, code: str, sentence: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", httpserver.url_for("").rstrip("/"))
    httpserver.expect_request(re.compile("/bucket")).respond_with_handler(lambda _: s3_error(status, code))
    expected = "".join(re.escape(part) if part != ".*" else part for part in re.split(r"(\.\*)", sentence))
    with pytest.raises(StorageError, match=expected) as caught:
        async with open_corpus(tmp_path, Storage(corpus=BUCKET)):
            pass
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "check the connection, and AWS_ENDPOINT_URL (http://127.0.0.1:9)"),
        ({"AWS_ENDPOINT_URL": "127.0.0.1"}, "check the connection, and AWS_ENDPOINT_URL (127.0.0.1)"),
        ({"AWS_ACCESS_KEY_ID": None}, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"),
        ({"AWS_SECRET_ACCESS_KEY": None}, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"),
        ({"AWS_PROFILE": "none"}, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"),
    ],
)
async def test_what_is_wrong_with_the_environment_is_one_sentence(
    tmp_path: Path,
    place_on_s3: str,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str | None],
    sentence: str,
) -> None:
    monkeypatch.setitem(object_folder.CONNECTION, "retries", {"max_attempts": 0})
    for name, value in environment.items():
        monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
    with pytest.raises(StorageError, match=re.escape(sentence)) as caught:
        async with open_corpus(tmp_path, Storage(corpus=place_on_s3)):
            pass
    assert str(caught.value).startswith(place_on_s3)
    assert len(str(caught.value).splitlines()) == 1


async def test_without_s3fs_the_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(StorageError, match=r"s3fs is not installed.* run '.*pip install s3fs'"):
        async with open_corpus(tmp_path, Storage(corpus=BUCKET)):
            pass


class Simple:
    """A service that speaks just enough, and says that it knows no conditions."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}

    def answer(self, request: Request) -> Response:
        if request.method == "PUT":
            if "If-None-Match" in request.headers:
                return s3_error(501, "NotImplemented")
            self.stored[request.path] = request.get_data()
            return Response()
        if "list-type" in request.args:
            return Response("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
        if request.path in self.stored:
            return Response(self.stored[request.path])
        return s3_error(404, "NoSuchKey")


def simple_s3(server: HTTPServer, answer: Callable[[Request], Response], monkeypatch: pytest.MonkeyPatch) -> Storage:
    """The settings of a corpus on a service that answers so."""
    server.expect_request(re.compile("/bucket")).respond_with_handler(answer)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url_for("").rstrip("/"))
    return Storage(corpus=BUCKET)


async def test_a_service_without_conditional_writes_is_good_enough(
    tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Simple()
    async with open_corpus(tmp_path, simple_s3(httpserver, service.answer, monkeypatch)) as corpus:
        await place(corpus, range(3))
        assert await verify(corpus) == (3, [])
        with pytest.raises(StorageError, match="exists with another content"):
            corpus.folder.write({next(iter(service.stored)).rsplit("/")[-1]: b"another"})
    assert len(service.stored) == 3


async def test_a_service_that_fails_during_uploads_loses_nothing(
    tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, well = Simple(), threading.Event()

    def answer(request: Request) -> Response:
        refused = request.method == "PUT" and len(service.stored) >= 4 and not well.is_set()
        return s3_error(403, "AccessDenied") if refused else service.answer(request)

    on_s3 = simple_s3(httpserver, answer, monkeypatch)
    async with open_corpus(tmp_path, on_s3) as corpus:
        with pytest.raises(StorageError, match="access denied"):
            await place(corpus, range(20))
    well.set()
    assert len(service.stored) == 4
    assert not (tmp_path / "manifest.jsonl").exists()
    async with open_corpus(tmp_path, on_s3) as corpus:
        assert await verify(corpus) == (20, [])
        assert await place(corpus, range(20)) == [(Outcome.DUPLICATE, number) for number in range(20)]


@pytest.mark.parametrize("interrupt", [signal.SIGTERM, signal.SIGINT])
def test_a_pass_that_is_told_to_end_does_not_wait_for_slow_storage_and_loses_nothing(
    tmp_path: Path, site: DemoSite, interrupt: signal.Signals
) -> None:
    service, asked, go_on = Simple(), threading.Event(), threading.Event()

    def answer(request: Request) -> Response:
        if request.method == "PUT" and not go_on.is_set():
            asked.set()
            go_on.wait(300)
        return service.answer(request)

    config = write_config(tmp_path / "config", sources=site.sources_toml(), topics=EVERYTHING)
    data = tmp_path / "data"
    with HTTPServer(threaded=True) as server:
        server.expect_request(re.compile("/bucket")).respond_with_handler(answer)
        own = {**CREDENTIALS, "AWS_ENDPOINT_URL": server.url_for("").rstrip("/"), "C5WATCH_STORAGE__CORPUS": BUCKET}
        arguments = ("monitor", "--engine", "direct", "--config", config, "--data", data)
        running = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", *map(str, arguments)], cwd=CHECKOUT, env={**os.environ, **own},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert asked.wait(120)
            running.send_signal(interrupt)
            began = time.monotonic()
            _, stderr = running.communicate(timeout=120)  # while the service is still silent
            took = time.monotonic() - began
        finally:
            running.kill()
            go_on.set()
        assert running.returncode == 130, stderr
        assert took < 60, "several times what a quiet machine needs, and less than one answer is waited for"
        assert f"{BUCKET} is slow: files that are not there yet are written by the next run" in stderr
        assert "Traceback" not in stderr and "Task exception" not in stderr
        before = numbers_of(data)
        assert before
        done = c5watch(*arguments, environment=own)
        assert done.returncode == 0, done.stderr
        checked = c5watch("corpus", "stats", "--json", "--config", config, "--data", data, environment=own)
        assert before <= numbers_of(data) and len(service.stored) == json.loads(checked.stdout)["articles"]
        assert len((data / "manifest.jsonl").read_text().splitlines()) == len(service.stored)


def numbers_of(data: Path) -> set[tuple[int, str]]:
    """Number and id of every article in the index."""
    with contextlib.closing(sqlite3.connect(data / "index.sqlite")) as index:
        return set(index.execute("SELECT number, id FROM articles"))


async def test_slow_storage_is_told_while_it_is_waited_for(
    tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("storage.corpus.writer.SLOW_S", 0.05)
    service, told = Simple(), threading.Event()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "is slow" in record.getMessage():
                told.set()

    def answer(request: Request) -> Response:
        if request.method == "PUT":
            told.wait(60)
        return service.answer(request)

    on_s3 = simple_s3(httpserver, answer, monkeypatch)
    logging.getLogger().addHandler(listener := Listener())
    try:
        async with open_corpus(tmp_path, on_s3) as corpus:
            await place(corpus, range(3))
    finally:
        logging.getLogger().removeHandler(listener)
    assert f"{on_s3.corpus} is slow: 3 files not written after 0 s; still waiting" in caplog.text


def test_a_pass_that_cannot_reach_its_files_ends_with_one_line_and_status_1(
    tmp_path: Path, site: DemoSite, s3: S3Server
) -> None:
    config = write_config(tmp_path / "config", sources=site.sources_toml(), topics=EVERYTHING)
    environment = {**s3.environment, "C5WATCH_STORAGE__CORPUS": "s3://absent/prefix"}
    done = c5watch("monitor", "--config", config, "--data", tmp_path / "data", environment=environment)
    assert done.returncode == 1
    sentence = "s3://absent/prefix: there is no bucket absent: make it, or name another under [storage] corpus"
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_storage_that_refuses_files_in_the_middle_of_a_run_under_prefect_is_one_sentence_and_costs_nothing(
    tmp_path: Path, site: DemoSite
) -> None:
    service, open_again = Simple(), threading.Event()

    def answer(request: Request) -> Response:
        refused = request.method == "PUT" and len(service.stored) >= 3 and not open_again.is_set()
        return s3_error(403, "AccessDenied") if refused else service.answer(request)

    config = write_config(tmp_path / "config", sources=site.sources_toml(), topics=EVERYTHING)
    data = tmp_path / "data"
    with HTTPServer(threaded=True) as server, EmbeddedServer(tmp_path / "prefect") as prefect:
        server.expect_request(re.compile("/bucket")).respond_with_handler(answer)
        own = {**CREDENTIALS, "AWS_ENDPOINT_URL": server.url_for("").rstrip("/"), "C5WATCH_STORAGE__CORPUS": BUCKET}
        prefect.wait()
        arguments = ("monitor", "--engine", "prefect", "--config", config, "--data", data)
        failed = c5watch_process(*arguments, environment={**own, **prefect.environment})
        assert failed.returncode == 1
        assert [line for line in failed.stderr.splitlines() if "access denied" in line], failed.stderr
        assert "Traceback" not in failed.stderr, failed.stderr
        before = numbers_of(data)
        assert before and len(service.stored) < len(before)
        open_again.set()
        done = c5watch_process(*arguments, environment={**own, **prefect.environment})
        assert done.returncode == 0, done.stderr
        assert before <= numbers_of(data)
        assert len((data / "manifest.jsonl").read_text().splitlines()) == len(service.stored) == len(numbers_of(data))
