"""Mail servers on loopback: aiosmtpd with certificates by trustme, and every way in which a server can be of no use.

`serve_mail` runs one in the test's own event loop. `MailProcess` is one in a process of its own, which puts every mail
on disk before it says OK.
"""

from __future__ import annotations

import asyncio
import email
import json
import os
import socket
import ssl
import subprocess
import sys
import time
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

STRICT = policy.SMTP.clone(raise_on_defect=True)
READY_S = 30.0


def parsed(content: bytes) -> EmailMessage:
    """The mail, by the strict policy: any defect is an error."""
    message = email.message_from_bytes(content, policy=STRICT)
    assert isinstance(message, EmailMessage)
    return message


@dataclass
class Mailbox:
    """What a server does with each mail, and what it has taken. `replies` are those to the next mails' content.

    A reply None takes the mail. "drop" closes the connection after the content, "take and drop" after the mail is
    taken but before that is said; "cut" closes it within the content, "slow" says nothing until the
    client hangs up, "late" takes the mail once `go_on` is set.
    """

    refused: dict[str, str] = field(default_factory=dict)  # recipient → reply
    sender_reply: str | None = None
    replies: list[str | None] = field(default_factory=list)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    sessions: int = 0
    login: tuple[str, str] | None = None
    logins: list[tuple[str, str]] = field(default_factory=list)

    def recipients(self) -> list[str]:
        """Of the mails taken, in alphabetical order."""
        return sorted(recipient for recipient, _ in self.taken)

    def messages(self, recipient: str) -> list[EmailMessage]:
        """What this recipient got."""
        return [parsed(content) for to, content in self.taken if to == recipient]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Aiosmtpd's hook."""
        envelope.mail_from = address
        return self.sender_reply or "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Aiosmtpd's hook."""
        if reply := self.refused.get(address):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Aiosmtpd's hook."""
        reply = self.replies.pop(0) if self.replies else None
        if reply == "slow":
            await asyncio.Event().wait()
        if reply == "late":
            await self.go_on.wait()
        if reply in (None, "late", "take and drop"):
            content = envelope.content
            assert isinstance(content, bytes)
            self.take(envelope.rcpt_tos[0], content)
        if reply in ("drop", "take and drop"):
            assert server.transport is not None
            server.transport.abort()
        return "250 OK" if reply in (None, "late") else reply

    def take(self, recipient: str, content: bytes) -> None:
        """Keep a mail."""
        self.taken.append((recipient, content))

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth: Any) -> AuthResult:
        """Aiosmtpd's authenticator."""
        assert isinstance(auth, LoginPassword)
        given = auth.login.decode(), auth.password.decode()
        self.logins.append(given)
        return AuthResult(success=given == self.login, handled=False)


class _Server(SMTP):
    """Counts sessions, and may close one as soon as a mail's content comes."""

    event_handler: Mailbox

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.event_handler.sessions += 1
        super().connection_made(transport)

    async def smtp_DATA(self, arg: str) -> None:
        replies = self.event_handler.replies
        if replies and replies[0] == "cut":
            replies.pop(0)
            await self.push("354 go on")
            assert self.transport is not None
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context for "localhost", and the file of the authority that signed for it."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    return context, folder / "authority.pem"


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@asynccontextmanager
async def serve_mail(
    mailbox: Mailbox, *, security: str = "none", context: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[int]:
    """The server, up on loopback; its port."""
    loop = asyncio.get_running_loop()

    def session() -> _Server:
        with warnings.catch_warnings(action="ignore"):  # a login without STARTTLS: it may be TLS from the beginning
            return _Server(
            mailbox, loop=loop, hostname="localhost", tls_context=context if security == "starttls" else None,
            require_starttls=security == "starttls", auth_required=mailbox.login is not None,
            auth_require_tls=security == "starttls", authenticator=mailbox.authenticate,
        )  # fmt: skip

    server = await loop.create_server(session, "127.0.0.1", port, ssl=context if security == "tls" else None)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


class _OnDisk(Mailbox):
    """Puts a mail on disk, a line of JSON each, before it is said to be taken."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("a")

    def take(self, recipient: str, content: bytes) -> None:
        self._file.write(json.dumps([recipient, content.decode("ascii")]) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


class MailProcess:
    """A mail server in a process of its own; `taken` reads what it has put on disk."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "taken.jsonl"
        self.port = free_port()

    def __enter__(self) -> Self:
        self._file.touch()
        command = [sys.executable, "-m", "tests.support.mail_servers", str(self._file), str(self.port)]
        self._process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        raise TimeoutError("the mail server did not come up")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    def taken(self) -> list[tuple[str, bytes]]:
        """Recipient and content of every mail so far."""
        lines = self._file.read_text().splitlines()
        return [(recipient, content.encode("ascii")) for recipient, content in map(json.loads, lines)]


async def _serve_for_ever(path: Path, port: int) -> None:
    async with serve_mail(_OnDisk(path), port=port):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve_for_ever(Path(sys.argv[1]), int(sys.argv[2])))
