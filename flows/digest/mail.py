"""A digest as one mail, by the standard library's email package; and the mail server, by aiosmtplib.

The mail is multipart/alternative: the plain text, then the HTML. It is composed once and stored; each recipient gets
the same bytes under a `To` of his own. Headers follow RFC 5322, the list's RFC 2369, RFC 2919 and RFC 8058,
`Auto-Submitted` RFC 3834.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import Mapping
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from config.errors import C5watchError
from config.settings import Mail
from extractors.text import clean_line
from flows.digest.render import Rendered
from flows.engine import configured_api

if TYPE_CHECKING:
    from aiosmtplib import SMTP

CRLF = "\r\n"
POLICY = SMTP_POLICY.clone(cte_type="7bit")  # not every server on the way takes 8-bit text
NOBODY = "c5watch@c5watch.invalid"  # sender of mails that are written and not sent; RFC 2606 reserves the name
SUBJECT_CHARACTERS = 200
REASON_CHARACTERS = 200
RECIPIENT = "{recipient}"  # in the unsubscribe address
TRY_S = 300.0  # for one mail, all of the server's answers together
QUIT_S = 5.0


class MailError(C5watchError):
    """A mail was not taken, or its fate is unknown; worth another try. The message says why."""


class RefusedError(MailError):
    """The server will not take this mail for this recipient, now or later."""


class MailServerError(MailError):
    """The server cannot be used at all; the message says what to do."""


def domain_of(mail: Mail | None) -> str:
    """Return the domain that digests come from."""
    return (mail.sender if mail else NOBODY).partition("@")[2]


def compose(
    rendered: Rendered, mail: Mail | None, *, name: str, title: str, message_id: str, moment: datetime
) -> bytes:
    """Return the whole mail, lines ended by CR LF, without `To`. `moment`, in the reader's zone, is its date.

    Without [mail] in the settings the mail is as complete; its sender does not exist.
    """
    sender = mail.sender if mail else NOBODY
    message = EmailMessage(policy=POLICY)
    message["From"] = Address(_words(title), addr_spec=sender)
    message["Date"] = format_datetime(moment)
    message["Message-ID"] = message_id
    message["List-Id"] = f"<{(mail.list_id if mail else None) or f'{name}.{domain_of(mail)}'}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(rendered.text)
    message.add_alternative(rendered.html, subtype="html", cte="base64")  # the renderer counts on base64 for its size
    return _unsubscribing(mail, None) + _subject(rendered.subject) + message.as_bytes()


def _subject(text: str) -> bytes:
    """Return the header of the subject.

    The email package loses blanks between the encoded words of a header that it folds by itself.
    """
    header = Header(_words(text), "utf-8" if not text.isascii() else "us-ascii", header_name="Subject")
    return f"Subject: {header.encode(linesep=CRLF)}{CRLF}".encode("ascii")


def _words(text: str) -> str:
    """Return `text` in a form that a header can hold.

    What looks like an encoded word (RFC 2047) would be decoded, here already by the email package: a line feed in one
    would begin a header of the text's own.
    """
    return clean_line(text).replace("=?", "= ?")[:SUBJECT_CHARACTERS]


def addressed(message: bytes, mail: Mail, recipient: str) -> bytes:
    """Return the stored mail addressed to this recipient."""
    return f"To: {recipient}\r\n".encode() + _unsubscribing(mail, recipient) + message


def _unsubscribing(mail: Mail | None, recipient: str | None) -> bytes:
    """Return the unsubscribe headers; the address names the recipient where it asks for him."""
    address = mail.unsubscribe if mail else None
    if address is None or (RECIPIENT in address) != (recipient is not None):
        return b""
    # On one line each, at most 998 characters: folded by the email package, a long address would become unreadable.
    lines = [f"List-Unsubscribe: <{address.replace(RECIPIENT, quote(recipient or '', safe='@'))}>\r\n"]
    if address.startswith("https:"):
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")
    return "".join(lines).encode()


async def load_password(mail: Mail, environment: Mapping[str, str]) -> str | None:
    """Return the password that the settings point to; None when they point nowhere. Raises MailServerError."""
    if name := mail.password_env:
        if not (password := environment.get(name)):
            raise MailServerError(
                f"[mail] password_env: the environment variable {name} is not set: set it to the password"
            )
        return password
    if name := mail.password_secret:
        if configured_api(environment) is None:
            raise MailServerError("[mail] password_secret: no Prefect API is configured: set PREFECT_API_URL")
        from prefect.blocks.system import Secret

        try:
            block: Any = await Secret.aload(name)
        except ValueError as exc:
            raise MailServerError(f'[mail] password_secret: Prefect has no Secret block "{name}": make one') from exc
        return str(block.get())
    return None


class Connection:
    """A session with the mail server. `send` opens it where needed, also after the server has dropped it."""

    def __init__(self, mail: Mail, environment: Mapping[str, str] = os.environ) -> None:
        self._mail = mail
        self._environment = environment
        self._smtp: SMTP | None = None

    async def open(self) -> None:
        """Connect and log in, unless that is done already. Raises MailServerError."""
        if self._smtp is not None and self._smtp.is_connected:
            return
        from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException

        mail = self._mail
        password = await load_password(mail, self._environment)
        where = f"mail server {mail.host}:{mail.port}"
        self._smtp = SMTP(
            hostname=mail.host, port=mail.port, use_tls=mail.security == "tls", start_tls=mail.security == "starttls",
            tls_context=None if mail.security == "none" else ssl.create_default_context(), timeout=mail.timeout,
        )  # fmt: skip
        try:
            async with asyncio.timeout(TRY_S):
                await self._smtp.connect()
                if mail.username is not None and password is not None:
                    await self._smtp.login(mail.username, password)
        except SMTPAuthenticationError as exc:
            self._drop()
            raise MailServerError(f"{where} refused the login: check [mail] username and its password") from exc
        except (SMTPException, OSError, ValueError) as exc:  # OSError: with ssl.SSLError and TimeoutError
            self._drop()
            raise MailServerError(
                f"{where} cannot be used ({_reason(exc)}): check [mail], or wait until it is back"
            ) from exc

    async def send(self, message: bytes, recipient: str) -> None:
        """Hand over a mail; the server has taken it when this returns. Raises RefusedError or another MailError."""
        from aiosmtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException, SMTPSenderRefused

        await self.open()
        assert self._smtp is not None
        try:
            async with asyncio.timeout(TRY_S):
                await self._smtp.sendmail(self._mail.sender, [recipient], message)
        except SMTPSenderRefused as exc:  # no fault of the recipient's, so it is never for good
            raise MailError(f"the server refused the sender: {_reason(exc)}") from exc
        except SMTPRecipientsRefused as exc:
            raise _answer(exc.recipients[0]) from exc
        except SMTPResponseException as exc:
            raise _answer(exc) from exc
        except (SMTPException, OSError) as exc:
            self._drop()
            raise MailError(_reason(exc)) from exc

    async def close(self) -> None:
        """End the session politely (QUIT), if it is open."""
        from aiosmtplib import SMTPException

        if self._smtp is not None and self._smtp.is_connected:
            with contextlib.suppress(SMTPException, OSError):  # all mails are settled by now
                await self._smtp.quit(timeout=QUIT_S)
        self._drop()

    def _drop(self) -> None:
        """Close the connection without QUIT: in the middle of a mail it would be taken for a part of the mail."""
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None


def _answer(exc: Exception) -> MailError:
    code = getattr(exc, "code", 0)
    return (RefusedError if 500 <= code < 600 else MailError)(_reason(exc))


def _reason(exc: BaseException) -> str:
    """Return the server's or the system's own words on one line; never the content we sent."""
    if isinstance(exc.__cause__, OSError):  # aiosmtplib puts its own words around the system's
        return _reason(exc.__cause__)
    code, message = getattr(exc, "code", None), getattr(exc, "message", None)
    if isinstance(exc, TimeoutError):
        return "no answer in time"
    if isinstance(exc, ConnectionResetError) or type(exc).__name__ == "SMTPServerDisconnected":
        return "the server closed the connection"
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {clean_line(exc.verify_message)}"
    words = clean_line(str(message or getattr(exc, "strerror", None) or exc or type(exc).__name__))[:REASON_CHARACTERS]
    return f"{code} {words}" if code and code > 0 else words
