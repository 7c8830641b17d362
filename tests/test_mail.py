"""One mail: what it is made of, and what becomes of it at every kind of server."""

from __future__ import annotations

import asyncio
import ssl
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import Mail
from flows.digest.mail import Connection, MailError, MailServerError, RefusedError, addressed, compose
from flows.digest.render import Rendered
from tests.support.mail_servers import Mailbox, certificate, free_port, parsed, serve_mail

READER = "desk@example.org"
MOMENT = datetime(2025, 11, 22, 7, 0, tzinfo=ZoneInfo("Asia/Almaty"))
HTML = "<!doctype html><html><body><p>Қазақстан – “США”</p></body></html>\n"
RENDERED = Rendered("Центральная Азия: 12 статей, 22 ноября", "Статья\n.\nконец 🙂\n", HTML, "<p>page</p>")
ID = "<2025-11-22T07-00.0123456789abcdef@example.org>"


def mail(**changes: Any) -> Mail:
    return Mail(**{"host": "127.0.0.1", "security": "none", "sender": "c5watch@example.org", "recipients": [READER],
                   "timeout": 30.0, **changes})  # fmt: skip


def composed(settings: Mail | None, rendered: Rendered = RENDERED, title: str = "Дайджест") -> bytes:
    return compose(rendered, settings, name="kz", title=title, message_id=ID, moment=MOMENT)


def test_a_mail_has_all_its_headers_and_both_forms_are_complete() -> None:
    message = parsed(addressed(composed(mail()), mail(), READER))
    assert message["subject"] == RENDERED.subject
    assert (message["from"], message["to"]) == ("Дайджест <c5watch@example.org>", READER)
    assert (message["message-id"], message["list-id"]) == (ID, "<kz.example.org>")
    assert message["auto-submitted"] == "auto-generated"
    assert parsedate_to_datetime(message["date"]) == MOMENT
    assert message["date"].endswith("+0500")
    assert message["list-unsubscribe"] is None
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert text.get_content().replace("\r\n", "\n") == RENDERED.text
    assert html.get_content_type() == "text/html"
    assert html.get_content().replace("\r\n", "\n") == HTML


@pytest.mark.parametrize("length", range(20, 120, 7))
def test_a_subject_of_any_length_keeps_its_blanks_where_the_header_is_folded(length: int) -> None:
    subject = ("Центральная Азия и США: нового по теме нет, 9 ноября; и ещё день, и ещё один день, и ещё " * 2)[:length]
    content = composed(mail(), Rendered(subject.strip(), "текст\n", HTML, ""))
    assert parsed(content)["subject"] == subject.strip()


def test_every_line_is_short_enough_and_plain_ascii() -> None:
    long = Rendered("ж" * 5000, "слово " * 5000, "<p>" + "ж" * 50_000 + "</p>", "")
    content = composed(mail(list_id="a" * 120 + ".example.org"), long)
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert len(parsed(content)["subject"]) == 200


@pytest.mark.parametrize(
    ("address", "header", "one_click"),
    [
        ("mailto:leave@example.org?subject=leave", "<mailto:leave@example.org?subject=leave>", None),
        ("https://example.org/leave", "<https://example.org/leave>", "List-Unsubscribe=One-Click"),
        (
            "https://example.org/leave?who={recipient}&list=" + "x" * 100,
            "<https://example.org/leave?who=a%2Bb%26c@example.org&list=" + "x" * 100 + ">",
            "List-Unsubscribe=One-Click",
        ),
    ],
)
def test_a_reader_is_told_how_to_leave(address: str, header: str, one_click: str | None) -> None:
    settings = mail(unsubscribe=address)
    content = addressed(composed(settings), settings, "a+b&c@example.org")
    assert f"List-Unsubscribe: {header}\r\n".encode() in content
    message = parsed(content)
    assert message.get_all("list-unsubscribe") == [header]
    assert message["list-unsubscribe-post"] == one_click


def test_without_settings_the_mail_is_as_complete() -> None:
    message = parsed(composed(None))
    assert message["from"].addresses[0].addr_spec == "c5watch@c5watch.invalid"
    assert message["list-id"] == "<kz.c5watch.invalid>"


HEADERS = ["Subject", "From", "Date", "Message-ID", "List-Id", "Auto-Submitted", "MIME-Version", "Content-Type"]
HOSTILE = [
    "a\r\nBcc: x@y.z",
    "\u202etxt.exe",
    "=?utf-8?q?=0ABcc:_x?=",
    "\x00\x1b[31m",
    "\ud800",
    "\u2028Bcc: x",
    "🙂" * 99,
]


@settings(deadline=None)
@given(st.text() | st.sampled_from(HOSTILE), st.text() | st.sampled_from(HOSTILE))
def test_no_text_whatever_adds_a_header(subject: str, title: str) -> None:
    rendered = Rendered(subject, "text\n", "<p>html</p>\n", "")
    message = parsed(composed(mail(), rendered, title or "t"))
    assert message.keys() == HEADERS
    assert message["from"].addresses[0].addr_spec == "c5watch@example.org"
    assert not set(message["subject"]) & set("\r\n\x00\u202e\u2028")
    assert [part.get_content().strip() for part in message.iter_parts()] == ["text", "<p>html</p>"]


async def test_a_plain_server_gets_the_very_bytes() -> None:
    box = Mailbox()
    content = addressed(composed(mail()), mail(), READER)
    async with serve_mail(box) as port:
        connection = Connection(mail(port=port))
        await connection.send(content, READER)
        await connection.send(content, "other@example.org")
        await connection.close()
    assert [recipient for recipient, _ in box.taken] == [READER, "other@example.org"]
    assert all(taken.rstrip(b"\r\n") == content.rstrip(b"\r\n") for _, taken in box.taken)
    assert box.sessions == 1


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_tls_and_login_in_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str) -> None:
    context, authority = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    box = Mailbox(login=("me", "s3cret"))
    async with serve_mail(box, security=security, context=context) as port:
        settings = mail(host="localhost", port=port, security=security, username="me", password_env="PASSWORD")
        connection = Connection(settings, {"PASSWORD": "s3cret"})
        await connection.send(composed(settings), READER)
        await connection.close()
        assert (box.recipients(), box.logins) == ([READER], [("me", "s3cret")])

        with pytest.raises(MailServerError) as refused:
            await Connection(settings, {"PASSWORD": "wr0ng"}).open()
        assert str(refused.value) == (
            f"mail server localhost:{port} refused the login: check [mail] username and its password"
        )
        with pytest.raises(MailServerError, match="the environment variable PASSWORD is not set"):
            await Connection(settings, {}).open()
        with pytest.raises(MailServerError, match="no Prefect API is configured"):
            secret = settings.model_copy(update={"password_env": None, "password_secret": "mail"})
            await Connection(secret, {"PREFECT_HOME": str(tmp_path)}).open()


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, security: str) -> None:
    context, _ = certificate(tmp_path)
    box = Mailbox()
    async with serve_mail(box, security=security, context=context) as port:
        with pytest.raises(MailServerError, match="its certificate is not trusted"):
            await Connection(mail(host="localhost", port=port, security=security)).send(b"", READER)
    assert box.taken == []


async def test_a_server_without_starttls_never_sees_the_mail_or_the_password() -> None:
    box = Mailbox()
    async with serve_mail(box) as port:
        settings = mail(port=port, security="starttls", username="me", password_env="PASSWORD")
        with pytest.raises(MailServerError, match="STARTTLS"):
            await Connection(settings, {"PASSWORD": "s3cret"}).send(b"", READER)
    assert (box.taken, box.logins) == ([], [])


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        ("550 5.1.1 no such user", RefusedError, "550 5.1.1 no such user"),
        ("554 spam", RefusedError, "554 spam"),
        ("450 4.2.0 greylisted\x1b[31m", MailError, "450 4.2.0 greylisted[31m"),
        ("drop", MailError, "the server closed the connection"),
        ("cut", MailError, "the server closed the connection"),
        ("take and drop", MailError, "the server closed the connection"),
        ("slow", MailError, "no answer in time"),
    ],
)
async def test_each_way_of_not_taking_a_mail(reply: str, error: type[MailError], words: str) -> None:
    box = Mailbox(replies=[reply])
    async with serve_mail(box) as port:
        connection = Connection(mail(port=port, timeout=1.0 if reply == "slow" else 30.0))
        with pytest.raises(MailError) as caught:
            await connection.send(composed(mail()), READER)
        assert type(caught.value) is error
        assert str(caught.value) == words
        await connection.send(composed(mail()), READER)  # as if nothing had been
        await connection.close()
    assert box.recipients()[-1] == READER


async def test_a_recipient_and_a_sender_that_are_refused_differ() -> None:
    box = Mailbox(refused={READER: "550 no such user", "full@b.org": "452 mailbox full"})
    async with serve_mail(box) as port:
        connection = Connection(mail(port=port))
        with pytest.raises(RefusedError, match="550 no such user"):
            await connection.send(b"Subject: x\r\n\r\n", READER)
        with pytest.raises(MailError, match="452 mailbox full") as full:
            await connection.send(b"Subject: x\r\n\r\n", "full@b.org")
        assert type(full.value) is MailError
        box.sender_reply = "553 who are you"
        with pytest.raises(MailError, match="the server refused the sender: 553 who are you") as unknown:
            await connection.send(b"Subject: x\r\n\r\n", "other@b.org")
        assert type(unknown.value) is MailError
        await connection.close()
    assert box.taken == []


async def test_a_server_that_is_down_or_speaks_no_smtp_is_one_sentence() -> None:
    port = free_port()
    with pytest.raises(
        MailServerError, match=rf"mail server 127\.0\.0\.1:{port} cannot be used \(.*\): check \[mail\]"
    ):
        await Connection(mail(port=port)).open()

    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        for security in ("none", "tls", "starttls"):
            with pytest.raises(MailServerError, match="cannot be used"):
                await Connection(mail(port=port, security=security)).open()


def test_the_default_context_checks_certificates() -> None:
    assert ssl.create_default_context().verify_mode == ssl.CERT_REQUIRED
