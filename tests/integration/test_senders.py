"""Mail and webhooks against a real SMTP server and a real HTTP server that misbehave on request."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import jwt
import pytest
from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from sqlalchemy import select
from standardwebhooks import Webhook

from bot.booking import ALGORITHM, AUDIENCE, BookingTokens, new_signing_key
from bot.channels.live import Live
from bot.channels.outbox_worker import OutboxWorker
from bot.escalation import add_reason, outbox
from bot.escalation.delivery import Item, Later, Retry, Undeliverable
from bot.handout import Handout
from bot.senders.mail import Mailer, NoticeMail
from bot.senders.notice import Notices
from bot.senders.webhook import WebhookSender
from bot.settings import MailServer, Settings
from bot.store.database import Database
from bot.store.models import Conversation, OutboxRow
from bot.supervisor import free_port

THERAPIST = "therapist@practice.example"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr"
DAY = datetime(2026, 11, 23, 10, 0, tzinfo=timezone.utc)
NIGHT = datetime(2026, 11, 23, 23, 30, tzinfo=timezone.utc)


class MailHandler:
    """Keeps what arrives; answers a recipient or a mail with the codes it is given first."""

    def __init__(self) -> None:
        self.arrived: List[Envelope] = []
        self.recipients: List[str] = []
        self.data: List[str] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: List[str]
    ) -> str:
        if self.recipients:
            return self.recipients.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.data:
            return self.data.pop(0)
        self.arrived.append(envelope)
        return "250 OK"

    @property
    def texts(self) -> List[str]:
        return [(envelope.content or b"").decode() for envelope in self.arrived]  # type: ignore[union-attr]


class MailServerOnDemand:
    """A real SMTP server that can be taken down and brought up on the same port."""

    def __init__(self, **options: Any) -> None:
        self.handler = MailHandler()
        self.port = free_port()
        self._options = options
        self._controller: Optional[Controller] = None

    def up(self) -> None:
        self._controller = Controller(self.handler, hostname="127.0.0.1", port=self.port, **self._options)
        self._controller.start()

    def down(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None


@pytest.fixture
def mail() -> Iterator[MailServerOnDemand]:
    server = MailServerOnDemand()
    server.up()
    yield server
    server.down()


@pytest.fixture(scope="module")
def handout() -> Handout:
    return Handout.load()


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(f"sqlite:///{tmp_path / 'a.db'}")
    made.migrate()
    with made.transaction() as session:
        session.add_all([Conversation(id=f"c{n}", channel="chat") for n in range(5)])
    return made


def notice_mail(server: MailServerOnDemand, handout: Handout, now: datetime = DAY, user: str = "") -> NoticeMail:
    settings = Settings(_env_file=None, public_url="https://practice.example/")
    address = MailServer.of(f"smtp://{user}127.0.0.1:{server.port}")
    return NoticeMail(Mailer(address, THERAPIST), Notices(handout, settings, lambda: now), handout, THERAPIST)


def notice(priority: str = "question", event: str = "opened", key: str = "email:1042:opened:1") -> Item:
    return Item(1, outbox.EMAIL, key, {"case": 1042, "priority": priority, "event": event}, "c0", 0)


def make_due(database: Database) -> None:
    with database.transaction() as session:
        for waiting in session.scalars(select(OutboxRow).where(OutboxRow.sent_at.is_(None))):
            waiting.due_at = None


async def test_a_notice_names_the_case_and_its_page_and_nothing_else(
    mail: MailServerOnDemand, handout: Handout
) -> None:
    await notice_mail(mail, handout).send(notice())
    (text,) = mail.handler.texts
    assert "Subject: A client is waiting for you: case C-1042" in text
    assert "https://practice.example/desk/cases/C-1042" in text
    assert "Auto-Submitted: auto-generated" in text


async def test_the_same_notice_has_the_same_message_id_and_another_has_another(
    mail: MailServerOnDemand, handout: Handout
) -> None:
    sender = notice_mail(mail, handout)
    for key in ("k1", "k1", "k2"):
        await sender.send(notice(key=key))
    ids = [line for text in mail.handler.texts for line in text.splitlines() if line.startswith("Message-ID")]
    assert ids[0] == ids[1] != ids[2]


async def test_in_quiet_hours_a_notice_waits_for_the_morning_and_an_urgent_one_does_not(
    mail: MailServerOnDemand, handout: Handout
) -> None:
    sender = notice_mail(mail, handout, now=NIGHT)
    with pytest.raises(Later) as held:
        await sender.send(notice())
    assert held.value.until == datetime(2026, 11, 24, 7, 0)
    await sender.send(notice("urgent"))
    assert "Subject: Urgent: case C-1042" in mail.handler.texts[0]
    assert "Importance: high" in mail.handler.texts[0]


@pytest.mark.parametrize(
    ("recipient", "data", "raised"),
    [
        ("450 mailbox busy", "", Retry),
        ("550 no such user therapist@practice.example", "", Undeliverable),
        ("", "451 try again", Retry),
        ("", "554 rejected", Undeliverable),
    ],
)
async def test_what_the_mail_server_answers_decides_whether_to_try_again(
    mail: MailServerOnDemand, handout: Handout, recipient: str, data: str, raised: type
) -> None:
    mail.handler.recipients = [recipient] if recipient else []
    mail.handler.data = [data] if data else []
    with pytest.raises(raised) as refused:
        await notice_mail(mail, handout).send(notice())
    assert THERAPIST not in str(refused.value), "an address is nobody's business in a log"


async def test_a_wrong_password_is_retried_because_the_practice_can_mend_it(handout: Handout) -> None:
    def refuse(*_: Any) -> AuthResult:
        return AuthResult(success=False, handled=False)

    server = MailServerOnDemand(authenticator=refuse, auth_required=True, auth_require_tls=False)
    server.up()
    try:
        with pytest.raises(Retry, match="SMTP_URL"):
            await notice_mail(server, handout, user="user:secret@").send(notice())
    finally:
        server.down()


async def test_a_mail_server_that_is_down_and_then_up_gets_every_notice_once(
    database: Database, mail: MailServerOnDemand, handout: Handout
) -> None:
    mail.down()
    sending = OutboxWorker(database, Live())
    sending.register(outbox.EMAIL, notice_mail(mail, handout))
    with database.transaction() as session:
        numbers = [add_reason(session, f"c{n}", "human", "a person").number for n in range(5)]
    for _ in range(4):
        await sending.send_due(outbox.EMAIL)
        make_due(database)
    assert mail.handler.arrived == []
    mail.up()
    for _ in range(2):
        await sending.send_due(outbox.EMAIL)
        make_due(database)
    subjects = sorted(line for text in mail.handler.texts for line in text.splitlines() if line.startswith("Subject"))
    assert subjects == sorted(f"Subject: A client is waiting for you: case C-{number}" for number in numbers)


class BookingSite:
    """A booking site's webhook receiver, which answers as it is told."""

    def __init__(self) -> None:
        self.answers: List[web.Response] = []
        self.received: List[Dict[str, Any]] = []
        self.refused: List[int] = []
        self.url = ""

    async def __call__(self, request: web.Request) -> web.Response:
        body = await request.text()
        event = Webhook(SECRET).verify(body, dict(request.headers))
        if self.answers:
            answer = self.answers.pop(0)
            self.refused.append(answer.status)
            return answer
        self.received.append({"event": event, "id": request.headers["webhook-id"]})
        return web.Response(status=204)


@pytest.fixture
async def site() -> Any:
    receiver = BookingSite()
    app = web.Application()
    app.router.add_post("/hook", receiver)
    runner = web.AppRunner(app)
    await runner.setup()
    listening = web.TCPSite(runner, "127.0.0.1", 0)
    await listening.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield receiver
    await runner.cleanup()


def ruling(name: str = "approved") -> Item:
    payload = {"ruling": name, "decision": "d1", "id": "check-1", "reference": "their-7", "case": "C-1042"}
    return Item(1, outbox.WEBHOOK, f"webhook:d1:{name}", payload, "c0", 0)


async def test_the_booking_sites_library_verifies_the_webhook_and_its_token(site: BookingSite) -> None:
    tokens = BookingTokens(new_signing_key())
    await WebhookSender(site.url, SECRET, tokens).send(ruling())
    (received,) = site.received
    assert received["event"]["type"] == "decision.approved"
    data = received["event"]["data"]
    assert (data["id"], data["reference"], data["case"]) == ("check-1", "their-7", "C-1042")
    key = jwt.PyJWK(tokens.jwks()["keys"][0]).key
    assert jwt.decode(data["token"], key, algorithms=[ALGORITHM], audience=AUDIENCE)["sub"] == "d1"


async def test_a_declined_decision_comes_without_a_token(site: BookingSite) -> None:
    await WebhookSender(site.url, SECRET, BookingTokens(new_signing_key())).send(ruling("declined"))
    assert site.received[0]["event"]["type"] == "decision.declined"
    assert site.received[0]["event"]["data"]["token"] is None


@pytest.mark.parametrize(
    ("answer", "raised", "after"),
    [
        ({"status": 500}, Retry, None),
        ({"status": 302, "headers": {"Location": "/elsewhere"}}, Retry, None),
        ({"status": 429, "headers": {"Retry-After": "30"}}, Retry, 30),
        ({"status": 503, "headers": {"Retry-After": "soon"}}, Retry, None),
        ({"status": 410}, Undeliverable, None),
    ],
)
async def test_what_the_booking_site_answers_decides_whether_to_try_again(
    site: BookingSite, answer: Dict[str, Any], raised: type, after: Optional[float]
) -> None:
    site.answers = [web.Response(**answer)]
    with pytest.raises(raised) as refused:
        await WebhookSender(site.url, SECRET, BookingTokens(new_signing_key())).send(ruling())
    assert getattr(refused.value, "after", None) == after


async def test_a_date_in_retry_after_is_understood(site: BookingSite) -> None:
    in_two_minutes = datetime.now(timezone.utc) + timedelta(minutes=2)
    site.answers = [web.Response(status=503, headers={"Retry-After": format_datetime(in_two_minutes, usegmt=True)})]
    with pytest.raises(Retry) as refused:
        await WebhookSender(site.url, SECRET, BookingTokens(new_signing_key())).send(ruling())
    assert refused.value.after is not None
    assert 0 < refused.value.after <= 120


async def test_a_booking_site_that_says_nothing_is_tried_again() -> None:
    held = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await held.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sender = WebhookSender(f"http://127.0.0.1:{port}/", SECRET, BookingTokens(new_signing_key()), seconds=0.05)
    try:
        with pytest.raises(Retry, match="cannot be reached"):
            await sender.send(ruling())
    finally:
        held.set()
        server.close()


async def test_a_webhook_keeps_its_id_over_attempts_and_arrives_after_errors(
    database: Database, site: BookingSite
) -> None:
    site.answers = [web.Response(status=500), web.Response(status=429, headers={"Retry-After": "1"})]
    sending = OutboxWorker(database, Live())
    sending.register(outbox.WEBHOOK, WebhookSender(site.url, SECRET, BookingTokens(new_signing_key())))
    with database.transaction() as session:
        outbox.add(session, outbox.WEBHOOK, "webhook:d1:approved", ruling().payload, "c0")
    for _ in range(4):
        await sending.send_due(outbox.WEBHOOK)
        make_due(database)
    assert site.refused == [500, 429]
    assert [received["id"] for received in site.received] == ["webhook_d1_approved"]
