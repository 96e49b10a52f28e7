"""What may go wrong around an escalation, with real parts: processes killed, a database locked or full, tabs racing.

Afterwards every case is there, every notice was sent at least once and can be
recognised as one, and no message of the client is missing.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List, Optional

import pytest
import sqlalchemy
from rasa.core.lock_store import InMemoryLockStore
from sqlalchemy import event, select

from bot.booking import BookingTokens, new_signing_key
from bot.channels.live import Live
from bot.channels.outbox_worker import OutboxWorker
from bot.channels.turn import Incoming, Turns
from bot.dialogue.alarm import AlarmReply
from bot.dialogue.casework import Casework
from bot.dialogue.escalating import Escalating
from bot.dialogue.message import Message
from bot.dialogue.transcript import add_messages
from bot.emergency import EmergencyDetector
from bot.escalation import CaseError, add_reason, delivery, outbox
from bot.escalation.delivery import LEASE, Item
from bot.handout import Handout
from bot.screening import Rulebook
from bot.senders.mail import Mailer, NoticeMail
from bot.senders.notice import Notices
from bot.settings import MailServer, Settings
from bot.store import database as store
from bot.store.database import Database, StoreError
from bot.store.models import Case, Conversation, OutboxRow, StoredMessage, utcnow
from tests.integration.test_senders import MailServerOnDemand

WORDS = "please let me talk to a person"
THERAPIST = "therapist@practice.example"
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def url(tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path / 'a.db'}"
    made = Database(address)
    made.migrate()
    with made.transaction() as session:
        session.add(Conversation(id="c", channel="chat"))
    made.engine.dispose()
    return address


@pytest.fixture(scope="module")
def detector() -> EmergencyDetector:
    return EmergencyDetector.load(lexical_only=True)


class Dialogue:
    """Stands for Rasa and the action server: it commits the case on its own, as the action server does."""

    def __init__(self, database: Database, escalating: Escalating) -> None:
        self._database = database
        self._escalating = escalating

    async def handle_message(self, message: Any) -> None:
        with self._database.transaction() as session:
            told = self._escalating.pass_on(session, message.sender_id, "human", message.text, _now())
        await message.output_channel.send_custom_json(message.sender_id, told.as_dict())


def _now() -> datetime:
    return datetime.now(timezone.utc)


def turns(database: Database, handout: Handout, detector: EmergencyDetector) -> Any:
    """The turn, and an agent whose dialogue always brings in the therapist."""
    settings = Settings(_env_file=None)
    alarm = AlarmReply(detector, Rulebook.load(), settings)
    agent = SimpleNamespace(lock_store=InMemoryLockStore(), processor=Dialogue(database, Escalating(handout, settings)))
    return Turns(database, detector, alarm, lambda: Message("Hello", "notice")), agent


def escalate(
    url: str, handout: Handout, detector: EmergencyDetector, port: int, kill_before: Optional[int], ahead: timedelta
) -> None:
    """A client asks for a person and the therapist is mailed; killed before the commit of that number."""
    database = Database(url)
    commits = 0

    def count(_connection: Any) -> None:
        nonlocal commits
        commits += 1
        if commits == kill_before:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(database.engine, "commit", count)
    taking, agent = turns(database, handout, detector)
    settings = Settings(_env_file=None, quiet_hours="")
    notices = Notices(handout, settings)
    worker = OutboxWorker(database, Live())
    worker.register(
        outbox.EMAIL,
        NoticeMail(Mailer(MailServer.of(f"smtp://127.0.0.1:{port}"), THERAPIST), notices, handout, THERAPIST),
    )
    delivery.utcnow = lambda: utcnow() + ahead  # type: ignore[attr-defined]

    async def whole() -> None:
        await taking.take(agent, "c", Incoming(text=WORDS), "the-same-request")
        await worker.send_due(outbox.EMAIL)

    asyncio.run(whole())
    # without the interpreter's own end: it would run what belongs to the parent
    os._exit(0)


def test_killed_between_any_two_steps_of_an_escalation_nothing_is_lost_and_nothing_doubled(
    url: str, handout: Handout, detector: EmergencyDetector
) -> None:
    mail = MailServerOnDemand()
    mail.up()
    try:
        killed = 0
        while True:
            first = FORK.Process(target=escalate, args=(url, handout, detector, mail.port, killed + 1, timedelta(0)))
            first.start()
            first.join(60)
            if first.exitcode == 0:
                break
            assert first.exitcode == -signal.SIGKILL
            killed += 1
            # the client's page repeats the request, and the lease of the dead server is over
            second = FORK.Process(target=escalate, args=(url, handout, detector, mail.port, None, LEASE))
            second.start()
            second.join(60)
            assert second.exitcode == 0
            _one_of_each(url, mail)
            _begin_anew(url, mail)
        assert killed >= 6, "the steps of a turn and of a delivery each commit"
    finally:
        mail.down()


def _one_of_each(url: str, mail: MailServerOnDemand) -> None:
    database = Database(url)
    with database.reading() as session:
        messages = list(session.scalars(select(StoredMessage).order_by(StoredMessage.seq)))
        cases = list(session.scalars(select(Case)))
        assert [len(case.reasons) for case in cases] == [1]
    assert [message.sender for message in messages] == ["client", "assistant"]
    assert messages[0].text == WORDS
    assert messages[1].case_number == cases[0].number
    ids = {line for text in mail.handler.texts for line in text.splitlines() if line.startswith("Message-ID")}
    assert len(mail.handler.texts) >= 1, "sent at least once"
    assert len(ids) == 1, "shown once"
    database.engine.dispose()


def _begin_anew(url: str, mail: MailServerOnDemand) -> None:
    database = Database(url)
    with database.transaction() as session:
        session.delete(session.get(Conversation, "c"))
    with database.transaction() as session:
        session.add(Conversation(id="c", channel="chat"))
    database.engine.dispose()
    mail.handler.arrived.clear()


@pytest.fixture
def database(url: str) -> Database:
    return Database(url)


@pytest.fixture
def impatient(url: str, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database that waits for a lock no longer than a test can."""
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.05)
    return Database(url)


@pytest.fixture
def casework(handout: Handout) -> Casework:
    return Casework(handout, Settings(_env_file=None), BookingTokens(new_signing_key()), validity_days=30)


class Recording:
    def __init__(self) -> None:
        self.keys: List[str] = []

    async def send(self, item: Item) -> None:
        self.keys.append(item.key)


async def until(met: Any) -> None:
    for _ in range(1000):
        if met():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen within ten seconds")


async def test_a_locked_database_holds_notices_back_and_loses_none(url: str, impatient: Database) -> None:
    sender = Recording()
    worker = OutboxWorker(impatient, Live(), poll=0.01)
    worker.register(outbox.EMAIL, sender)
    with impatient.transaction() as session:
        add_reason(session, "c", "human", WORDS)
    other = Database(url).engine.raw_connection()
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreError, match="locked"):
            await worker.send_due(outbox.EMAIL)
        worker.start()
        await asyncio.sleep(0.1)
        assert sender.keys == []
    finally:
        other.execute("ROLLBACK")
        other.close()
    try:
        await until(lambda: sender.keys)
    finally:
        await worker.stop()
    assert len(sender.keys) == 1


def test_a_step_on_a_locked_database_is_refused_whole_and_works_when_repeated(
    url: str, impatient: Database, casework: Casework
) -> None:
    with impatient.transaction() as session:
        number = add_reason(session, "c", "human", WORDS).number
    other = Database(url).engine.raw_connection()
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError), impatient.transaction() as session:
        casework.reply(session, number, "Come on Tuesday.", "therapist", "r1")
    other.execute("ROLLBACK")
    other.close()
    with impatient.transaction() as session:
        casework.reply(session, number, "Come on Tuesday.", "therapist", "r1")
    assert [message.text for message in replies(impatient)] == ["Come on Tuesday."]


def replies(database: Database) -> List[StoredMessage]:
    with database.reading() as session:
        return list(session.scalars(select(StoredMessage).where(StoredMessage.sender == "therapist")))


async def test_a_full_disk_refuses_whole_turns_with_a_sentence_and_goes_on_when_there_is_room(
    database: Database, handout: Handout, detector: EmergencyDetector
) -> None:
    # SQLite's own limit: the same error as a disk without space
    limit = {"pages": 1_000_000}

    @event.listens_for(database.engine, "begin")
    def _limited(connection: Any) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {limit['pages']}")

    with database.reading() as session:
        limit["pages"] = session.execute(sqlalchemy.text("PRAGMA page_count")).scalar_one()
    taking, agent = turns(database, handout, detector)
    long = "please let me talk to a person " + "x" * 1900
    with pytest.raises(StoreError, match="full"):
        for number in range(50):
            await taking.take(agent, "c", Incoming(text=long), f"request-{number}")
    with database.reading() as session:
        kept = list(session.scalars(select(StoredMessage).order_by(StoredMessage.seq)))
        assert all(message.case_number for message in kept if message.sender == "assistant")
        unanswered = [message for message in kept if message.sender == "client" and not message.answered]
    assert len(unanswered) <= 1, "only the turn that met the full disk is open, and its repetition answers it"
    limit["pages"] = 1_000_000
    (answer,) = await taking.take(agent, "c", Incoming(text=long), f"request-{number}")
    assert answer.case_number
    with database.reading() as session:
        assert len(list(session.scalars(select(Case)))) == 1


def test_two_tabs_that_send_the_same_reply_at_once_send_one(url: str, database: Database, casework: Casework) -> None:
    with database.transaction() as session:
        number = add_reason(session, "c", "human", WORDS).number

    def reply(_: int) -> str:
        own = Database(url)
        with own.transaction() as session:
            return casework.reply(session, number, "Come on Tuesday.", "therapist", "same key").id

    with ThreadPoolExecutor(4) as pool:
        sent = set(pool.map(reply, range(4)))
    assert [message.id for message in replies(database)] == list(sent)


def test_of_two_tabs_that_answer_at_once_one_is_held_back_and_told_why(
    url: str, database: Database, casework: Casework
) -> None:
    with database.transaction() as session:
        number = add_reason(session, "c", "human", WORDS).number

    def reply(tab: int) -> str:
        own = Database(url)
        try:
            with own.transaction() as session:
                return casework.reply(session, number, f"from tab {tab}", f"tab {tab}", f"key {tab}", seen=0).text
        except CaseError as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(reply, range(2)))
    (sent,) = replies(database)
    assert sent.text in outcomes
    assert sum("since you opened it" in outcome for outcome in outcomes) == 1


async def test_a_client_who_goes_while_a_message_is_on_its_way_leaves_nothing_behind(database: Database) -> None:
    with database.transaction() as session:
        session.get(Conversation, "c").channel = "telegram"
        session.flush()
        add_messages(session, "c", [Message("one", "answer").as_dict(), Message("two", "answer").as_dict()])

    class Leaving:
        async def send(self, item: Item) -> None:
            with database.transaction() as session:
                session.delete(session.get(Conversation, "c"))

    worker = OutboxWorker(database, Live())
    worker.register(outbox.TELEGRAM, Leaving())
    assert await worker.send_due(outbox.TELEGRAM) == 1
    with database.reading() as session:
        assert list(session.scalars(select(OutboxRow))) == []


async def test_an_emergency_is_answered_while_the_therapist_has_taken_over_and_wakes_the_therapist(
    database: Database, casework: Casework, handout: Handout, detector: EmergencyDetector
) -> None:
    taking, agent = turns(database, handout, detector)
    with database.transaction() as session:
        number = add_reason(session, "c", "human", WORDS).number
        casework.reply(session, number, "How can I help?", "therapist", "r1")
    assert await taking.take(agent, "c", Incoming(text="my shoulder"), "k1") == []
    (alarm,) = await taking.take(agent, "c", Incoming(text="crushing chest pain right now"), "k2")
    assert alarm.kind == "emergency"
    with database.reading() as session:
        case = session.get(Case, number)
        notices: Dict[int, Any] = {
            row.id: (row.payload["event"], row.payload["priority"])
            for row in session.scalars(select(OutboxRow).where(OutboxRow.kind == outbox.EMAIL))
        }
    assert (case.status, case.waiting_for, case.priority) == ("taken_over", "practice", "urgent")
    assert list(notices.values()) == [("opened", "question"), ("answered", "question"), ("urgent", "urgent")]
