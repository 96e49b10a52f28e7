"""The outbox on real SQLite: order, claims, waiting, giving up, and a clock that cannot be trusted."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import List, Optional

import pytest
from sqlalchemy import select

from bot.channels.live import Live
from bot.channels.outbox_worker import OutboxWorker
from bot.escalation import outbox
from bot.escalation.delivery import (
    LAST_AGE,
    LAST_ATTEMPT,
    LEASE,
    LONGEST_WAIT,
    Item,
    Later,
    Retry,
    Undeliverable,
    claim,
    failed,
    sent,
    wait_before,
)
from bot.store.database import Database
from bot.store.models import Conversation, OutboxRow, utcnow

LONG = 3600.0


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(f"sqlite:///{tmp_path / 'a.db'}")
    made.migrate()
    with made.transaction() as session:
        session.add_all([Conversation(id=name, channel="telegram") for name in ("c", "d")])
    return made


def put(database: Database, kind: str, *keys: str, conversation: Optional[str] = None) -> None:
    with database.transaction() as session:
        for key in keys:
            outbox.add(session, kind, key, {"key": key}, conversation)


def row(database: Database, key: str) -> OutboxRow:
    with database.reading() as session:
        return session.scalars(select(OutboxRow).where(OutboxRow.key == key)).one()


def keys(items: List[Item]) -> List[str]:
    return [item.key for item in items]


class Recording:
    """A sender that keeps what it was given, and fails as it is told to."""

    def __init__(self, *failures: Exception) -> None:
        self.taken: List[str] = []
        self.arrived: List[str] = []
        self._failures = list(failures)

    async def send(self, item: Item) -> None:
        self.taken.append(item.key)
        if self._failures:
            raise self._failures.pop(0)
        self.arrived.append(item.key)


def worker(database: Database, kind: str, sender: Recording) -> OutboxWorker:
    made = OutboxWorker(database, Live())
    made.register(kind, sender)
    return made


def make_due(database: Database) -> None:
    """As if every wait were over."""
    with database.transaction() as session:
        for waiting in session.scalars(select(OutboxRow).where(OutboxRow.sent_at.is_(None))):
            waiting.due_at = waiting.claimed_until = waiting.claimed_by = None


def test_one_key_is_one_row(database: Database) -> None:
    put(database, outbox.EMAIL, "k", "k")
    put(database, outbox.EMAIL, "k")
    assert keys(claim(database, outbox.EMAIL, "server", 10)) == ["k"]


def test_what_is_rolled_back_is_not_sent(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction() as session:
        outbox.add(session, outbox.EMAIL, "k", {})
        raise RuntimeError
    assert claim(database, outbox.EMAIL, "server", 10) == []


def test_a_row_is_not_due_before_its_time(database: Database) -> None:
    later = utcnow() + timedelta(days=3)
    with database.transaction() as session:
        outbox.add(session, outbox.CHECKIN, "k", {}, due=later)
    assert claim(database, outbox.CHECKIN, "server", 10) == []
    assert keys(claim(database, outbox.CHECKIN, "server", 10, now=later)) == ["k"]


def test_two_servers_never_hold_the_same_row(database: Database) -> None:
    put(database, outbox.EMAIL, *"abcdef")
    one, other = claim(database, outbox.EMAIL, "one", 3), claim(database, outbox.EMAIL, "other", 10)
    assert sorted(keys(one) + keys(other)) == list("abcdef")


def test_a_row_whose_server_died_is_taken_by_another_when_its_lease_is_over(database: Database) -> None:
    put(database, outbox.EMAIL, "k")
    now = utcnow()
    claim(database, outbox.EMAIL, "dead server", 1, now)
    assert claim(database, outbox.EMAIL, "other", 1, now + LEASE / 2) == []
    assert keys(claim(database, outbox.EMAIL, "other", 1, now + LEASE)) == ["k"]


def test_a_server_whose_lease_is_over_has_no_say_any_more(database: Database) -> None:
    put(database, outbox.EMAIL, "k")
    now = utcnow()
    (item,) = claim(database, outbox.EMAIL, "slow", 1, now)
    claim(database, outbox.EMAIL, "other", 1, now + LEASE)
    with database.transaction() as session:
        failed(session, item, "slow", Undeliverable("no"))
    assert row(database, "k").dead_at is None
    assert row(database, "k").claimed_by == "other"


def test_messages_of_one_conversation_go_one_after_the_other(database: Database) -> None:
    put(database, outbox.TELEGRAM, "c1", "c2", conversation="c")
    put(database, outbox.TELEGRAM, "d1", conversation="d")
    first = claim(database, outbox.TELEGRAM, "server", 10)
    assert keys(first) == ["c1", "d1"]
    assert claim(database, outbox.TELEGRAM, "server", 10) == []
    with database.transaction() as session:
        sent(session, first[0], "server")
    assert keys(claim(database, outbox.TELEGRAM, "server", 10)) == ["c2"]


def test_a_message_that_was_given_up_does_not_hold_up_the_next(database: Database) -> None:
    put(database, outbox.TELEGRAM, "c1", "c2", conversation="c")
    (item,) = claim(database, outbox.TELEGRAM, "server", 10)
    with database.transaction() as session:
        assert failed(session, item, "server", Undeliverable("blocked"))
    assert keys(claim(database, outbox.TELEGRAM, "server", 10)) == ["c2"]


def test_an_urgent_notice_does_not_wait_behind_one_that_rests(database: Database) -> None:
    put(database, outbox.EMAIL, "resting", "urgent", conversation="c")
    (resting, _) = claim(database, outbox.EMAIL, "server", 10)
    with database.transaction() as session:
        failed(session, resting, "server", Later(utcnow() + timedelta(hours=8)))
    make_free = utcnow() + LEASE
    assert keys(claim(database, outbox.EMAIL, "server", 10, make_free)) == ["urgent"]
    assert row(database, "resting").attempts == 0


def test_waits_grow_and_stay_below_the_longest() -> None:
    for attempts in (0, 1, 5, 20, 10_000):
        waits = [wait_before(attempts).total_seconds() for _ in range(50)]
        assert min(waits) >= 1
        assert max(waits) <= LONGEST_WAIT
    assert max(wait_before(1).total_seconds() for _ in range(50)) <= 4


def test_a_receiver_that_asks_for_a_pause_gets_it(database: Database) -> None:
    put(database, outbox.TELEGRAM, "k")
    (item,) = claim(database, outbox.TELEGRAM, "server", 1)
    now = utcnow()
    with database.transaction() as session:
        failed(session, item, "server", Retry("slow down", after=120), now)
    due = row(database, "k").due_at
    assert due is not None
    assert now + timedelta(seconds=120) <= due <= now + timedelta(seconds=125)


def test_a_row_is_given_up_after_many_attempts_over_days_and_not_for_either_alone(database: Database) -> None:
    put(database, outbox.EMAIL, "k")
    (item,) = claim(database, outbox.EMAIL, "server", 1)
    late = utcnow() + LAST_AGE + timedelta(hours=1)

    def gives_up(attempts: int, now: datetime) -> bool:
        with database.transaction() as session:
            session.get(OutboxRow, item.id).claimed_by = "server"
        tried = Item(item.id, item.kind, item.key, item.payload, None, attempts)
        with database.transaction() as session:
            return failed(session, tried, "server", Retry("down"), now)

    assert not gives_up(LAST_ATTEMPT + 5, utcnow()), "many attempts in a short time"
    assert not gives_up(1, late), "few attempts: the clock may have jumped"
    assert gives_up(LAST_ATTEMPT, late)


def test_a_dead_letter_can_be_tried_again(database: Database) -> None:
    put(database, outbox.EMAIL, "k")
    (item,) = claim(database, outbox.EMAIL, "server", 1)
    with database.transaction() as session:
        failed(session, item, "server", Undeliverable("the mail server refused the recipient (550)"))
    with database.transaction() as session:
        (dead,) = outbox.dead_letters(session)
        assert dead.problem == "the mail server refused the recipient (550)"
        assert outbox.try_again(session, dead.id)
        assert not outbox.try_again(session, dead.id)
    assert keys(claim(database, outbox.EMAIL, "server", 1)) == ["k"]


def test_a_clock_that_is_set_back_holds_nothing_up(database: Database) -> None:
    put(database, outbox.EMAIL, "waiting", "claimed")
    ahead = utcnow() + timedelta(days=400)
    waiting, _ = claim(database, outbox.EMAIL, "server", 2, ahead)
    with database.transaction() as session:
        failed(session, waiting, "server", Retry("down"), ahead)
    assert keys(claim(database, outbox.EMAIL, "other", 2)) == ["waiting", "claimed"]


def test_deleting_a_conversation_takes_its_rows_along(database: Database) -> None:
    put(database, outbox.TELEGRAM, "k", conversation="c")
    with database.transaction() as session:
        session.delete(session.get(Conversation, "c"))
    assert claim(database, outbox.TELEGRAM, "server", 1) == []


async def test_the_worker_sends_each_row_once(database: Database) -> None:
    put(database, outbox.EMAIL, *(f"k{n}" for n in range(20)))
    sender = Recording()
    one = worker(database, outbox.EMAIL, sender)
    other = worker(database, outbox.EMAIL, sender)
    await asyncio.gather(one.send_due(outbox.EMAIL), other.send_due(outbox.EMAIL))
    assert sorted(sender.arrived) == sorted(f"k{n}" for n in range(20))


def test_a_claim_by_a_server_whose_clock_is_a_little_ahead_is_respected(database: Database) -> None:
    put(database, outbox.EMAIL, "k")
    now = utcnow()
    assert keys(claim(database, outbox.EMAIL, "ahead", 1, now + timedelta(seconds=5))) == ["k"]
    assert claim(database, outbox.EMAIL, "behind", 1, now) == []


async def test_messages_to_one_client_keep_their_order_through_failures(database: Database) -> None:
    put(database, outbox.TELEGRAM, "c1", "c2", "c3", conversation="c")
    sender = Recording(Retry("500"), OSError("no network"))
    sending = worker(database, outbox.TELEGRAM, sender)
    for _ in range(3):
        await sending.send_due(outbox.TELEGRAM)
        make_due(database)
    assert sender.arrived == ["c1", "c2", "c3"]
    assert sender.taken == ["c1", "c1", "c1", "c2", "c3"]


async def test_an_unexpected_error_is_a_failed_attempt_and_its_text_is_not_kept(database: Database) -> None:
    put(database, outbox.EMAIL, "k")
    await worker(database, outbox.EMAIL, Recording(ValueError("jane@example.org said no"))).send_due(outbox.EMAIL)
    assert (row(database, "k").attempts, row(database, "k").problem) == (1, "ValueError")


async def test_a_running_worker_sends_as_soon_as_a_row_is_committed(database: Database) -> None:
    live = Live()
    database.on_commit = live.changed_all
    arrived = asyncio.Event()

    class Waking:
        async def send(self, item: Item) -> None:
            arrived.set()

    running = OutboxWorker(database, live, poll=LONG)
    running.register(outbox.EMAIL, Waking())
    running.start()
    try:
        await asyncio.sleep(0)
        put(database, outbox.EMAIL, "k")
        await asyncio.wait_for(arrived.wait(), 10)
    finally:
        await running.stop()


async def test_a_worker_that_is_stopped_gives_back_what_it_was_sending(database: Database) -> None:
    put(database, outbox.EMAIL, "k")
    begun = asyncio.Event()

    class Slow:
        async def send(self, item: Item) -> None:
            begun.set()
            await asyncio.sleep(LONG)

    running = OutboxWorker(database, Live(), poll=LONG)
    running.register(outbox.EMAIL, Slow())
    running.start()
    await asyncio.wait_for(begun.wait(), 10)
    await running.stop()
    assert row(database, "k").claimed_by is None
    assert row(database, "k").sent_at is None


async def test_rows_that_nobody_is_set_up_to_send_are_removed_and_others_stay(database: Database) -> None:
    put(database, outbox.EMAIL, "k")
    put(database, outbox.TELEGRAM, "m", conversation="c")

    def left() -> List[str]:
        with database.reading() as session:
            return list(session.scalars(select(OutboxRow.key)))

    running = OutboxWorker(database, Live(), unwanted=[outbox.EMAIL], poll=0.01)
    running.start()
    try:
        for _ in range(500):
            if left() == ["m"]:
                break
            await asyncio.sleep(0.01)
    finally:
        await running.stop()
    assert left() == ["m"]


def test_a_kind_has_one_sender(database: Database) -> None:
    made = worker(database, outbox.EMAIL, Recording())
    with pytest.raises(ValueError, match="sender already"):
        made.register(outbox.EMAIL, Recording())
