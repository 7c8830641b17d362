"""The digest as a whole: chosen, stored, written to files and sent, at every kind of server, from hostile articles."""

from __future__ import annotations

import asyncio
import json
import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import feedparser
import pytest
from lxml import etree
from lxml import html as lxml_html
from sqlalchemy import select, update
from typer.testing import CliRunner

from config.errors import RequestError
from config.load import Config, ConfigError, load_config
from config.settings import Digest, Storage
from extractors.records import Result
from flows.cli.app import app
from flows.digest import files as digest_files
from flows.digest import sending
from flows.digest.digest import DigestRequest, DigestSummary, digest, parse_since, preview, send_late
from storage.corpus.writer import CorpusWriter, open_corpus
from storage.digests.outbox import GAPS, forget_old
from storage.errors import StorageError
from storage.index.retention import RUNS_TRUSTED
from storage.index.schema import articles, digests
from storage.relating.relating import relate_new
from tests.support.digest_corpus import SENDER, START, configured, held, new_article, opened, place, source, states
from tests.support.mail_servers import Mailbox, MailProcess, free_port, parsed, serve_mail

pytestmark = pytest.mark.slow

READER = "desk@example.org"
ATOM = "{http://www.w3.org/2005/Atom}"
ALMATY = ZoneInfo("Asia/Almaty")


async def filled(data: Path, storage: Storage, results: Iterable[Result] = (), *, now: datetime = START) -> None:
    async with opened(data, storage) as corpus:
        await place(corpus, results or map(new_article, range(3)), now=now - timedelta(minutes=5))


async def made(
    config: Config, data: Path, *, now: datetime = START, pauses_s: Sequence[float] = (0.01, 0.01), **asked: Any
) -> DigestSummary:
    return await digest(config, data, DigestRequest(**asked), now=lambda: now, pauses_s=pauses_s)


async def test_without_mail_settings_the_files_are_written_and_that_is_said(tmp_path: Path, storage: Storage) -> None:
    await filled(tmp_path, storage)
    summary = await made(configured(storage), tmp_path)
    folder = tmp_path / "digests"
    assert sorted(path.name for path in folder.iterdir()) == [
        "2025-11-22T07-00.eml", "2025-11-22T07-00.html", "feed.xml", "index.html",
    ]  # fmt: skip
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o644}
    assert summary.sentences()[-1] == "not sent: the settings have no [mail]"
    assert summary.to_json()["digests"]["digest"]["articles"] == 3
    assert not summary.sending.failed
    message = parsed((folder / "2025-11-22T07-00.eml").read_bytes())
    assert message["message-id"] == summary.issued[0].message_id
    for form in message.walk():
        if form.get_content_type() in ("text/plain", "text/html"):
            assert all(f"Заголовок {number}" in form.get_content() for number in range(3))
    page = (folder / "2025-11-22T07-00.html").read_text()
    assert "Заголовок 2" in page
    assert (await made(configured(storage), tmp_path)).issued[0].stem is None


async def test_twenty_recipients_of_whom_two_are_refused(tmp_path: Path, storage: Storage) -> None:
    await filled(tmp_path, storage)
    readers = [f"reader{number:02}@example.org" for number in range(20)]
    box = Mailbox(refused={readers[3]: "550 5.1.1 unknown", readers[11]: "553 5.1.3 bad"})
    async with serve_mail(box) as port:
        config = configured(storage, port=port, recipients=readers, unsubscribe="https://example.org/{recipient}")
        summary = await made(config, tmp_path)
        counts = summary.sending.sent, summary.sending.refused, summary.sending.waiting
        assert counts == (18, 2, 0)
        assert summary.sending.problems == {readers[3]: "550 5.1.1 unknown", readers[11]: "553 5.1.3 bad"}
        assert not summary.sending.failed
        assert (await made(config, tmp_path, now=START + timedelta(days=2))).sending.sent == 0
    assert box.recipients() == [reader for reader in readers if reader not in box.refused]
    assert box.sessions == 1
    kept = parsed((tmp_path / "digests" / "2025-11-22T07-00.eml").read_bytes())
    for recipient in box.recipients():
        [message] = box.messages(recipient)
        assert (message["to"], message["from"].addresses[0].addr_spec) == (recipient, SENDER)
        assert message["list-unsubscribe"] == f"<https://example.org/{recipient}>"
        assert message["message-id"] == kept["message-id"]
        assert [part.get_content_type() for part in message.walk()] == [part.get_content_type() for part in kept.walk()]
    async with opened(tmp_path, storage) as corpus:
        assert Counter((await states(corpus)).values()) == {"sent": 18, "refused": 2}


async def test_a_server_that_is_down_gets_the_mail_when_it_is_back(tmp_path: Path, storage: Storage) -> None:
    await filled(tmp_path, storage)
    port = free_port()
    config = configured(storage, port=port, recipients=[READER, "b@example.org"])
    down = await made(config, tmp_path)
    assert down.sending.failed
    assert f"mail server 127.0.0.1:{port} cannot be used" in (down.sending.problem or "")
    assert (down.sending.waiting, len(down.written)) == (2, 2)
    box, later = Mailbox(), START + GAPS[2]  # after three tries
    async with serve_mail(box, port=port):
        early = await made(config, tmp_path, now=later - timedelta(seconds=1))
        assert (early.sending.sent, early.sending.waiting, early.sending.next_attempt) == (0, 2, later)
        late = await send_late(config, tmp_path, now=lambda: later)
        assert late and (late.sent, late.waiting) == (2, 0)
    assert box.recipients() == ["b@example.org", READER]
    assert {str(m["message-id"]) for m in box.messages(READER)} == {down.issued[0].message_id}
    assert await send_late(configured(storage), tmp_path) is None


@pytest.mark.parametrize("by", ["the next run", "a run for what waits"])
async def test_who_was_taken_off_gets_nothing_of_what_waited_for_him(tmp_path: Path, storage: Storage, by: str) -> None:
    await filled(tmp_path, storage)
    port, other = free_port(), "b@example.org"
    await made(configured(storage, port=port, recipients=[READER, other]), tmp_path)
    box, later = Mailbox(), START + timedelta(hours=3)
    async with serve_mail(box, port=port):
        left = configured(storage, port=port, recipients=[other])
        if by == "the next run":
            await made(left, tmp_path, now=later)
        else:
            await send_late(left, tmp_path, now=lambda: later)
        await made(configured(storage, port=port, recipients=[READER, other]), tmp_path, now=later)
    assert box.recipients() == [other]
    async with opened(tmp_path, storage) as corpus:
        assert await states(corpus) == {READER: "gave_up", other: "sent"}


async def test_mails_older_than_a_year_leave_the_index_and_their_files_stay(
    tmp_path: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.digests.outbox.FORGOTTEN_AT_ONCE", 2)
    box, moments = Mailbox(), [START + timedelta(days=90 * quarter) for quarter in range(6)]
    async with serve_mail(box) as port:
        config = configured(storage, port=port)
        for number, moment in enumerate(moments):
            async with opened(tmp_path, storage) as corpus:
                await place(corpus, [new_article(number, published=moment.date())], now=moment)
            await made(config, tmp_path, now=moment)
        folder = tmp_path / "digests"
        stems = sorted(path.stem for path in folder.glob("*.eml"))
        assert len(stems) == len(moments) == len(box.taken)
        for _ in range(RUNS_TRUSTED):  # until then the clock might have jumped
            await made(config, tmp_path, now=moments[-1])
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        (folder / f"{stems[0]}.html").unlink()
        (folder / f"{stems[-1]}.html").unlink()
        assert (await made(config, tmp_path, now=moments[-1])).sending.sent == 0
    async with opened(tmp_path, storage) as corpus, corpus.database.read() as connection:
        query = select(digests.c.stem, digests.c.message, digests.c.page).order_by(digests.c.id)
        kept = {row.stem: (row.message, row.page) for row in await connection.execute(query)}
    assert [stem for stem in stems if kept[stem] == (b"", b"")] == stems[:1]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        name: content for name, content in before.items() if name != f"{stems[0]}.html"
    }
    assert all(stem in (folder / "index.html").read_text() for stem in stems)
    async with opened(tmp_path, storage) as corpus:
        old = moments[-1] + timedelta(days=300)
        assert [await forgotten(corpus, now=old) for _ in range(3)] == [2, 2, 0]


async def forgotten(corpus: CorpusWriter, *, now: datetime) -> int:
    async with corpus.database.write() as connection:
        return await forget_old(connection, now=now)


async def test_who_asks_for_it_has_all_that_waits_sent_at_once(tmp_path: Path, storage: Storage) -> None:
    await filled(tmp_path, storage)
    port = free_port()
    config = configured(storage, port=port)
    assert (await made(config, tmp_path)).sending.failed
    async with serve_mail(box := Mailbox(), port=port):
        assert (await made(config, tmp_path)).sending.sent == 0
        assert (await made(config, tmp_path, waiting_only=True)).sending.sent == 1
        assert (await made(config, tmp_path, waiting_only=True)).sending.sent == 0
    assert box.recipients() == [READER]


async def test_trying_by_hand_in_vain_puts_off_no_try_that_is_planned(tmp_path: Path, storage: Storage) -> None:
    await filled(tmp_path, storage)
    port = free_port()
    config = configured(storage, port=port, recipients=[READER, "b@example.org"])
    planned = (await made(config, tmp_path)).sending.next_attempt
    assert planned == START + GAPS[2]
    for minutes in (1, 2, 3):
        tried = await made(config, tmp_path, waiting_only=True, now=START + timedelta(minutes=minutes))
        assert (tried.sending.failed, tried.sending.waiting, tried.sending.next_attempt) == (True, 2, planned)
    async with serve_mail(box := Mailbox(replies=["451 later"] * 5), port=port):
        one_of_them = await made(config, tmp_path, waiting_only=True, now=START + timedelta(minutes=4))
        assert (one_of_them.sending.sent, one_of_them.sending.waiting) == (1, 1)
        assert one_of_them.sending.next_attempt == planned
        late = await send_late(config, tmp_path, now=lambda: planned)
        assert late and (late.sent, late.waiting) == (1, 0)
    assert sorted(box.recipients()) == ["b@example.org", READER]


async def test_trying_by_hand_what_was_never_tried_leaves_it_to_the_next_run(tmp_path: Path, storage: Storage) -> None:
    await filled(tmp_path, storage)
    port = free_port()
    config = configured(storage, port=port)
    await made(config, tmp_path, send=False)
    tried = await made(config, tmp_path, waiting_only=True)
    assert (tried.sending.failed, tried.sending.waiting, tried.sending.next_attempt) == (True, 1, None)
    async with serve_mail(Mailbox(), port=port):
        assert (await made(config, tmp_path)).sending.sent == 1


@pytest.mark.parametrize("reply", ["451 4.3.0 later", "drop", "cut", "slow"])
async def test_what_fails_for_a_moment_is_sent_within_the_same_run(tmp_path: Path, reply: str) -> None:
    storage = Storage()
    await filled(tmp_path, storage)
    box = Mailbox(replies=[None, reply, reply])
    readers = ["a@x.org", "b@x.org", "c@x.org"]
    async with serve_mail(box) as port:
        config = configured(storage, port=port, recipients=readers, timeout=1.0 if reply == "slow" else 30.0)
        summary = await made(config, tmp_path)
    assert box.recipients() == readers
    assert (summary.sending.sent, summary.sending.waiting, summary.sending.problems) == (3, 0, {})


async def test_a_connection_lost_after_the_mail_was_taken_repeats_it_under_the_same_id(tmp_path: Path) -> None:
    await filled(tmp_path, Storage())
    box = Mailbox(replies=["take and drop"])
    async with serve_mail(box) as port:
        await made(configured(Storage(), port=port), tmp_path)
    first, second = box.messages(READER)
    assert first.as_bytes() == second.as_bytes()


async def test_a_server_that_never_takes_it_is_given_up_after_days(tmp_path: Path, storage: Storage) -> None:
    await filled(tmp_path, storage)
    box = Mailbox(replies=["451 later"] * 99)
    async with serve_mail(box) as port:
        config = configured(storage, port=port)
        assert (await made(config, tmp_path)).sending.failed
        summary = await made(config, tmp_path, now=START + timedelta(days=6))
    assert (summary.sending.gave_up, summary.sending.waiting, summary.sending.failed) == (1, 0, True)
    async with opened(tmp_path, storage) as corpus:
        assert await states(corpus) == {READER: "gave_up"}


async def test_several_runs_at_once_make_one_digest_and_send_it_once(tmp_path: Path, storage: Storage) -> None:
    await filled(tmp_path, storage)
    box = Mailbox()
    readers = [f"reader{number}@example.org" for number in range(8)]
    async with serve_mail(box) as port:
        config = configured(storage, port=port, recipients=readers)
        runs = await asyncio.gather(*(made(config, tmp_path) for _ in range(4)))
    assert box.recipients() == readers
    assert sum(run.sending.sent for run in runs) == 8
    assert [one.stem for run in runs for one in run.issued if one.stem] == ["2025-11-22T07-00"]


async def test_an_interruption_waits_for_the_servers_answer_and_repeats_nothing(
    tmp_path: Path, storage: Storage
) -> None:
    await filled(tmp_path, storage)
    box = Mailbox(replies=[None, "late"])
    readers = ["a@x.org", "b@x.org", "c@x.org"]
    async with serve_mail(box) as port:
        config = configured(storage, port=port, recipients=readers)
        run = asyncio.create_task(made(config, tmp_path))
        while "late" in box.replies:
            await asyncio.sleep(0.02)
        for _ in range(2):
            run.cancel()
            await asyncio.sleep(0.05)
        box.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert box.recipients() == ["a@x.org", "b@x.org"]
        assert (await made(config, tmp_path)).sending.sent == 1
    assert box.recipients() == readers


async def test_no_send_writes_the_files_and_the_next_run_sends(tmp_path: Path, storage: Storage) -> None:
    await filled(tmp_path, storage)
    box = Mailbox()
    async with serve_mail(box) as port:
        config = configured(storage, port=port)
        held_back = await made(config, tmp_path, send=False)
        assert (len(held_back.written), held_back.sending.waiting, box.taken) == (2, 1, [])
        assert not held_back.sending.failed
        later = await made(config, tmp_path, waiting_only=True)
    assert (later.issued, later.sending.sent) == ([], 1)
    assert box.messages(READER)[0]["message-id"] == held_back.issued[0].message_id


async def test_files_that_are_missing_are_written_again_and_others_left_alone(tmp_path: Path) -> None:
    config, folder = configured(Storage()), tmp_path / "digests"
    await filled(tmp_path, Storage())
    await made(config, tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    times = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    for name in ("2025-11-22T07-00.eml", "index.html"):
        (folder / name).unlink()
    again = await made(config, tmp_path)
    assert [path.name for path in again.written] == ["2025-11-22T07-00.eml"]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    kept = {"2025-11-22T07-00.html", "feed.xml"}
    assert {name for name in kept if (folder / name).stat().st_mtime_ns == times[name]} == kept


async def test_nothing_new_is_no_mail_or_one_of_a_line_as_set(tmp_path: Path) -> None:
    storage, box = Storage(), Mailbox()
    async with open_corpus(tmp_path, storage):
        pass
    async with serve_mail(box) as port:
        silent = configured(storage, port=port)
        for day in range(2):
            summary = await made(silent, tmp_path, now=START + timedelta(days=day))
            assert (summary.issued[0].stem, summary.sentences()[-1]) == (None, "0 mails sent, 0 refused, 0 given up")
        assert not (tmp_path / "digests").exists()
        talking = configured(storage, port=port, digests=[Digest(empty="line")])
        await made(talking, tmp_path, now=START + timedelta(days=2))
    [message] = box.messages(READER)
    text, _ = message.iter_parts()
    assert text.get_content() == "Нового по теме нет.\r\n"
    assert "Нового по теме нет." in (tmp_path / "digests" / "2025-11-24T07-00.html").read_text()


async def test_what_comes_after_an_empty_first_look_is_never_lost(tmp_path: Path) -> None:
    config = configured(Storage())
    async with open_corpus(tmp_path, Storage()):
        pass
    await made(config, tmp_path)
    await filled(tmp_path, Storage(), now=START + timedelta(hours=1))
    assert (await made(config, tmp_path, now=START + timedelta(days=30))).issued[0].articles == 3


async def test_several_digests_have_their_own_articles_readers_zones_and_frames(tmp_path: Path) -> None:
    storage, box = Storage(), Mailbox()
    digests = [
        Digest(name="kz", title="Казахстан", countries=("KZ",), recipients=("kz@x.org",)),
        Digest(name="us", title="The US", countries=("US",), frame="en", timezone="America/New_York"),
        Digest(name="kazakh", languages=("kk",)),
    ]
    sources = [source("site", "KZ"), source("far", "US")]
    await filled(tmp_path, storage, [new_article(0), new_article(1, source_id="far"), new_article(2, language="kk")])
    async with serve_mail(box) as port:
        config = configured(storage, port=port, digests=digests, sources=sources)
        summary = await made(config, tmp_path)
        assert {one.name: one.articles for one in summary.issued} == {"kz": 2, "us": 1, "kazakh": 1}
        names = sorted(path.name for path in (tmp_path / "digests").glob("*.eml"))
        assert names == ["2025-11-21T21-00-us.eml", "2025-11-22T07-00-kazakh.eml", "2025-11-22T07-00-kz.eml"]
        one = await made(config, tmp_path, names=("us",), now=START + timedelta(days=1))
        assert [issued.name for issued in one.issued] == ["us"]
    [to_kz] = box.messages("kz@x.org")
    assert (str(to_kz["list-id"]), to_kz["from"].addresses[0].display_name) == ("<kz.example.org>", "Казахстан")
    us = next(message for message in box.messages(READER) if message["list-id"] == "<us.example.org>")
    assert us["date"].endswith("21:00:00 -0500")
    index = lxml_html.fromstring((tmp_path / "digests" / "index.html").read_bytes())
    shown = [[line.text for line in one.iter("li") if line is not one] for one in index.xpath("//ol/li")]
    assert shown == [["Заголовок 2"], ["Заголовок 1"], ["Заголовок 0", "Заголовок 2"]]
    assert [option.get("value") for option in index.iter("option")] == ["", "kazakh", "us", "kz"]
    assert [a.get("href") for a in index.iter("a")] == [
        "feed.xml", "2025-11-22T07-00-kazakh.html", "2025-11-21T21-00-us.html", "2025-11-22T07-00-kz.html",
    ]  # fmt: skip
    async with opened(tmp_path, storage) as corpus:
        assert [set(await held(corpus, name)) for name in ("kz", "us", "kazakh")] == [{0, 2}, {1}, {2}]


async def test_a_preview_shows_the_next_digest_and_changes_nothing(tmp_path: Path, storage: Storage) -> None:
    await filled(tmp_path, storage)
    config, file = configured(storage), tmp_path / "preview.html"
    for _ in range(2):
        issued = await preview(config, tmp_path, file, name=None, since=None, now=START)
        assert issued.articles == 3
        assert "Заголовок 1" in file.read_text()
    assert not (tmp_path / "digests").exists()
    assert (await made(config, tmp_path)).issued[0].articles == 3
    with pytest.raises(StorageError, match="check the disk"):
        await preview(config, tmp_path, tmp_path / "none" / "p.html", name=None, since=None, now=START)
    several = configured(storage, digests=[Digest(name="a"), Digest(name="b")])
    with pytest.raises(RequestError, match=r"--preview: expected one digest, name it with --name a\|b"):
        await preview(several, tmp_path, file, name=None, since=None, now=START)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("36h", START - timedelta(hours=36)),
        ("3d", START - timedelta(days=3)),
        ("2w", START - timedelta(weeks=2)),
        ("2025-11-20", datetime(2025, 11, 20, tzinfo=ALMATY)),
        ("2025-11-20T07:00", datetime(2025, 11, 20, 7, tzinfo=ALMATY)),
        ("2025-11-20T07:00Z", datetime(2025, 11, 20, 12, tzinfo=ALMATY)),
    ],
)
def test_since_takes_a_moment_or_a_while(text: str, moment: datetime) -> None:
    assert parse_since(text, zone=ALMATY, now=START) == moment


@pytest.mark.parametrize(
    "text", ["yesterday", "0d", "3", "-1d", "2025-13-01", "2025-11-23", "", "99999d", "9" * 99 + "w", "0001-01-01"]
)
def test_any_other_since_is_one_clear_sentence(text: str) -> None:
    with pytest.raises(RequestError, match=rf'^--since: found "{re.escape(text)}", .*expected '):
        parse_since(text, zone=ALMATY, now=START)


@pytest.mark.parametrize("text", ["10000h", "99999999999d"])
def test_a_while_without_measure_is_too_long(text: str) -> None:
    with pytest.raises(RequestError, match=f'found "{text}", which is too long, expected up to 9999 hours'):
        parse_since(text, zone=ALMATY, now=START)


async def test_the_feed_holds_the_newest_articles_and_keeps_their_ids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest_files, "FEED_ARTICLES", 20)
    storage, file = Storage(), tmp_path / "digests" / "feed.xml"
    config = configured(storage, port=1, archive_url="https://example.org/digests/")
    ids: list[str] = []
    for day in range(3):
        numbers = range(day * 9, (day + 1) * 9)
        await filled(tmp_path, storage, map(new_article, numbers), now=START + timedelta(days=day))
        await made(config, tmp_path, now=START + timedelta(days=day), send=False)
        feed = etree.fromstring(file.read_bytes())
        entries = feed.findall(f"{ATOM}entry")
        found = [entry.findtext(f"{ATOM}id") or "" for entry in entries]
        assert len(set(found)) == len(found) == min(20, (day + 1) * 9)
        assert found[9:] == ids[:11]
        ids = found
        for element in (feed, *entries):  # RFC 4287, sections 4.1.1 and 4.1.2
            for name in ("id", "title", "updated"):
                assert len(element.findall(ATOM + name)) == 1
            assert (element.findtext(f"{ATOM}id") or "").startswith("urn:uuid:")
            assert datetime.fromisoformat(element.findtext(f"{ATOM}updated") or "").tzinfo
        assert all(
            len(entry.findall(f"{ATOM}author")) == len(entry.findall(f"{ATOM}content")) == 1 for entry in entries
        )
    read = feedparser.parse(file.read_bytes())
    assert not read.bozo
    assert read.feed.links[0].href == "https://example.org/digests/feed.xml"
    assert (read.entries[0].title, read.entries[0].link) == ("Заголовок 26", "https://site.kz/news/26")
    content = read.entries[0].content[0]
    assert content.type == "text/html" and content.value.endswith("<p>Конец.</p>"), "the whole text"
    kinds = {tag.scheme: tag.term for tag in read.entries[0].tags}
    assert kinds == {None: "Сайт site", "urn:c5watch:language": "ru", "urn:c5watch:event": "2"}  # they are much alike


HOSTILE = {
    "markup": '<script>alert(1)</script><img src=x onerror="alert(2)">',
    "header": "Новости\r\nBcc: victim@example.org\r\n\r\nbody",
    "bidi": "safe \u202egnp.exe\u2066 end",
    "long": "Очень " * 1700,
    "emoji": "🇰🇿🤝🇺🇸 👩🏽\u200d🚀 договор",
    "encoded": "=?utf-8?q?=0D=0ABcc:_victim@example.org?=",
    "template": "{{ 7*7 }} {% raw %} ${x} ]]> --> <![CDATA[",
    "control": "\x00\x1b[2J\x07звонок\ufffe",
}


async def test_hostile_articles_arrive_as_harmless_text_everywhere(tmp_path: Path, storage: Storage) -> None:
    results = [
        new_article(
            number, title=title, authors=(title,), paragraphs=(f"{title} " + f"слово{number} " * 60,),
            url=f"https://site.kz/n?q=\"'><script>{number}",
        )
        for number, (name, title) in enumerate(HOSTILE.items())
    ]  # fmt: skip
    await filled(tmp_path, storage, results)
    async with opened(tmp_path, storage) as corpus:
        await relate_new(corpus.database, now=START)
    async with opened(tmp_path, storage) as corpus, corpus.database.write() as connection:
        bad = update(articles).where(articles.c.number == 0)  # which placing would never let in
        await connection.execute(bad.values(url="javascript:alert(1)//", canonical_url="javascript:alert(1)//"))
    box = Mailbox()
    async with serve_mail(box) as port:
        summary = await made(configured(storage, port=port), tmp_path)
    assert summary.issued[0].articles == len(HOSTILE)
    [message] = box.messages(READER)
    assert sorted(set(message.keys())) == sorted(message.keys())
    assert message["bcc"] is None
    assert [recipient for recipient, _ in box.taken] == [READER]
    forms = {
        part.get_content_type(): part.get_content() for part in message.walk() if part.get_content_maintype() == "text"
    }
    folder = tmp_path / "digests"
    page = (folder / "2025-11-22T07-00.html").read_text()
    for document in (forms["text/html"], page, (folder / "index.html").read_text()):
        tree = lxml_html.fromstring(document.encode(), parser=lxml_html.HTMLParser(encoding="utf-8"))
        assert not list(tree.iter("iframe", "object", "base"))
        assert [script.text for script in tree.iter("script")] in ([], [digest_files.SEARCH])
        attributes = [(name.lower(), value) for element in tree.iter(etree.Element) for name, value in element.items()]
        assert not [name for name, _ in attributes if name.startswith("on")]
        links = [value for name, value in attributes if name in ("href", "src")]
        allowed = ("http://", "https://", "#")
        assert not [link for link in links if not link.startswith(allowed) and not re.fullmatch(r"[\w.-]+", link)]
    feed = etree.fromstring((folder / "feed.xml").read_bytes())
    titles = [entry.findtext(f"{ATOM}title") or "" for entry in feed.findall(f"{ATOM}entry")]
    assert HOSTILE["markup"] in titles
    assert max(map(len, titles)) <= 300
    links = [link.get("href", "") for link in feed.iter(f"{ATOM}link")]
    assert all(link.startswith("https://site.kz/") for link in links)
    for text in (*forms.values(), page, *titles, *summary.sentences()):
        assert not set(text) & set("\u202e\u2066\x00\x1b\x07\ufffe")
    assert "<script>alert(1)</script>" in forms["text/plain"]


async def test_words_of_a_hostile_server_do_not_reach_the_terminal_as_controls(tmp_path: Path) -> None:
    await filled(tmp_path, Storage())
    async with serve_mail(Mailbox(refused={READER: "550 \x1b[31m\x07no"})) as port:
        summary = await made(configured(Storage(), port=port), tmp_path)
    assert all(line.isprintable() for line in summary.sentences())
    assert f"{READER}: 550 [31mno" in summary.sentences()


SETTINGS = (
    '[mail]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\nsender = "a@b.org"\nrecipients = ["c@d.org"]\n'
)


def test_the_command_says_what_it_did_and_ends_with_the_right_status(tmp_path: Path) -> None:
    config, data = tmp_path / "config", tmp_path / "data"
    config.mkdir()
    data.mkdir()
    now = datetime.now(ALMATY)
    asyncio.run(filled(data, Storage(), [new_article(n, published=now.date()) for n in range(3)], now=now))

    def run(*arguments: object, status: int = 0) -> Any:
        done = CliRunner().invoke(app, ["digest", "--config", str(config), "--data", str(data), *map(str, arguments)])
        assert done.exit_code == status, (done.stdout, done.stderr, done.exception)
        return done

    assert "expected a day or moment" in run("--since", "soon", status=2).stderr
    assert '--name: found "x", expected one of digest' in run("--name", "x", status=2).stderr
    assert run("--waiting", "--no-send", status=2).stderr.startswith("c5watch: --waiting cannot be used together with")
    shown = run("--preview", tmp_path / "p.html", "--json").stdout
    assert json.loads(shown) == {"name": "digest", "articles": 3, "page": str(tmp_path / "p.html")}
    with MailProcess(tmp_path) as server:
        (config / "settings.toml").write_text(SETTINGS.format(port=server.port))
        waiting = json.loads(run("--no-send", "--json").stdout)
        assert (waiting["digests"]["digest"]["articles"], waiting["waiting"], waiting["sent"]) == (3, 1, 0)
        assert Path(waiting["digests"]["digest"]["page"]).is_file()
        sent = run().stdout.splitlines()
        assert sent[0].startswith("digest: nothing new since 20")
        assert sent[1:] == ["1 mail sent, 0 refused, 0 given up"]
        assert [recipient for recipient, _ in server.taken()] == ["c@d.org"]


def test_the_command_fails_in_one_sentence_when_nothing_could_be_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.toml").write_text(
        SETTINGS.format(port=free_port()).replace('"none"', '"starttls"')
        + 'username = "me"\npassword_env = "MAIL_PASSWORD"\n'
    )
    monkeypatch.setattr(sending, "PAUSES_S", ())
    now = datetime.now(ALMATY)
    asyncio.run(filled(tmp_path, Storage(), [new_article(0, published=now.date())], now=now))
    arguments = ["digest", "--config", str(tmp_path / "config"), "--data", str(tmp_path), "--json"]
    lacking = CliRunner().invoke(app, arguments)
    assert lacking.exit_code == 1
    assert lacking.stderr == (
        "c5watch: [mail] password_env: the environment variable MAIL_PASSWORD is not set: set it to the password\n"
    )
    assert json.loads(lacking.stdout)["problem"] == lacking.stderr.removeprefix("c5watch: ").rstrip()
    down = CliRunner().invoke(app, arguments, env={"MAIL_PASSWORD": "s3cret-of-mine"})
    assert down.exit_code == 0, "the next try is not due yet, so nothing failed"
    assert json.loads(down.stdout)["waiting"] == 1
    asked = CliRunner().invoke(app, [*arguments[:-1], "--waiting"], env={"MAIL_PASSWORD": "s3cret-of-mine"})
    assert asked.exit_code == 1
    assert asked.stderr.startswith("c5watch: mail server 127.0.0.1:")
    assert asked.stdout.startswith("0 mails sent, 0 refused, 0 given up\n1 mail waiting, the next try is due at ")
    for path in (tmp_path / "digests").iterdir():
        assert b"s3cret-of-mine" not in path.read_bytes()
    assert "s3cret-of-mine" not in down.output


MISTAKES = [
    ('[schedule]\ndigest = "61 * * * *"', 'schedule.digest: found "61 * * * *", expected minute, hour, day, month and'),
    (
        '[mail]\nhost = "h"\nsender = "a@b"\nrecipients = ["c@b", "ж@b.kz"]',
        'mail.recipients[2]: found "ж@b.kz", expected an',
    ),
    ('[mail]\nhost = "h"\nsender = "a@b"\nrecipients = ["c@b", "a@b\\nBcc: c@d"]', "mail.recipients[2]: found "),
    (
        '[mail]\nhost = "h"\nsender = "a@b"\nrecipients = ["a@b"]\nusername = "u"',
        "mail: expected username together with",
    ),
    (
        '[mail]\nhost = "h"\nsender = "a@b"\nrecipients = ["a@b"]\nusername = "u"\npassword_env = "P"\n'
        'security = "none"',
        'mail: expected security "starttls" or "tls" where there is a username',
    ),
    (
        '[mail]\nhost = "h"\nsender = "a@b"\nrecipients = ["a@b"]\nunsubscribe = "https://x.kz/>\\r\\nBcc: a@b"',
        "mail.unsubscribe: found ",
    ),
    ("digests = []", "digests: found no digests"),
    ("[[digests]]\n[[digests]]", 'digests: found the name "digest" more than once'),
    ('[[digests]]\nname = "../x"', 'digests[1].name: found "../x", expected up to 40 of'),
    ('[[digests]]\ntitle = "a\\nb"', 'digests[1].title: found "a\\nb", expected one line'),
    ('[[digests]]\ntopic = "x"', 'digests[1].topic: found "x", expected a topic\'s id from topics.toml'),
    ('[[digests]]\nlanguages = ["kz"]', 'digests[1].languages: found "kz", expected ISO 639-1 codes'),
    ('[[digests]]\ncountries = ["KK"]', 'digests[1].countries: found "KK", expected countries of sources: '),
    ('[[digests]]\nschedule = "daily"', 'digests[1].schedule: found "daily", expected minute'),
]


@pytest.mark.parametrize(("settings", "line"), MISTAKES)
def test_a_mistake_in_the_settings_of_mail_and_digests_is_one_line(tmp_path: Path, settings: str, line: str) -> None:
    (tmp_path / "settings.toml").write_text(settings)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    [found] = caught.value.lines
    assert found.removeprefix(f"{tmp_path}/settings.toml: ").startswith(line)


def test_the_default_umask_alone_decides_who_may_read(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        asyncio.run(filled(tmp_path, Storage()))
        asyncio.run(made(configured(Storage()), tmp_path))
    finally:
        os.umask(old)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "digests").iterdir()} == {0o600}


async def test_a_folder_without_a_corpus_is_said_and_not_made_into_one(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"no corpus in .* yet: run 'c5watch monitor'"):
        await made(configured(Storage()), tmp_path / "mistyped")
    assert not (tmp_path / "mistyped").exists()
