"""E-mail: notices to the therapist, and check-ins to clients who left an address.

The Message-ID follows from the row's key: a mail that had to be sent twice is
one mail to a mail program.
"""

from __future__ import annotations

import hashlib
from email.message import EmailMessage
from email.utils import formatdate
from typing import Optional

import aiosmtplib

from bot.escalation.delivery import Item, Retry, Undeliverable
from bot.handout import Handout
from bot.senders.notice import Notices
from bot.settings import MailServer, Settings

TIMEOUT_SECONDS = 20.0
# the mail server's own words may hold addresses; its code says enough
PERMANENT = range(500, 600)


class Mailer:
    """Hands mails to one server."""

    def __init__(self, server: MailServer, sender: str) -> None:
        self._server = server
        self._sender = sender

    async def send(self, key: str, to: str, subject: str, body: str, urgent: bool = False) -> None:
        """Send one mail of plain text.

        Raises:
            Retry: the server is away, busy, or does not let us in.
            Undeliverable: the server refuses this mail for good.
        """
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = to
        message["Subject"] = subject
        message["Date"] = formatdate(usegmt=True)
        message["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{self._sender.rpartition('@')[2]}>"
        # nobody's holiday reply comes back to this (RFC 3834)
        message["Auto-Submitted"] = "auto-generated"
        if urgent:
            message["Importance"] = "high"
        message.set_content(body)
        try:
            await aiosmtplib.send(
                message,
                hostname=self._server.host,
                port=self._server.port,
                username=self._server.username,
                password=self._server.password,
                use_tls=self._server.tls,
                timeout=TIMEOUT_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _explained(error) from None


class NoticeMail:
    """Sender of the outbox's kind `email`."""

    def __init__(self, mailer: Mailer, notices: Notices, handout: Handout, to: str) -> None:
        self._mailer = mailer
        self._notices = notices
        self._handout = handout
        self._to = to

    async def send(self, item: Item) -> None:
        """Mail the therapist that a case needs them."""
        notice = self._notices.read(item.payload)
        lines = (
            f"{notice.headline}.",
            self._handout.say("notice.open", link=notice.link),
            self._handout.say("notice.footer"),
        )
        await self._mailer.send(item.key, self._to, notice.headline, "\n\n".join(lines), notice.urgent)


def mailer_of(settings: Settings) -> Optional[Mailer]:
    """The mailer that the settings describe; None where no mail can be sent."""
    if not settings.smtp_url.get_secret_value() or not settings.therapist_email:
        return None
    # the practice's own address: a server that sends for it takes mail from it
    return Mailer(MailServer.of(settings.smtp_url.get_secret_value()), settings.therapist_email)


def _explained(error: Exception) -> Exception:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return _of_code(error.recipients[0].code if error.recipients else 0, "the recipient")
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        # the practice can mend this; the mail waits for it
        return Retry(f"the mail server does not accept user and password ({error.code}); check SMTP_URL")
    if isinstance(error, (aiosmtplib.SMTPDataError, aiosmtplib.SMTPSenderRefused)):
        return _of_code(error.code, "the mail")
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return Retry(f"the mail server answered {error.code}")
    return Retry(f"the mail server cannot be reached ({type(error).__name__}); check SMTP_URL")


def _of_code(code: int, what: str) -> Exception:
    said = f"the mail server refused {what} ({code})"
    return Undeliverable(said) if code in PERMANENT else Retry(said)
