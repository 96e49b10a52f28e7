"""Sending what the outbox holds: who takes which row when, and what becomes of it.

A row is claimed for a while before it is sent and settled afterwards, so that
several servers never send the same row at once, and a row whose server died is
taken by another. A row may therefore be sent twice, never not at all; senders
name what they send so that a repetition can be recognised. The clock is not
trusted: what seems to have been tried in the future is due now.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, List, Mapping, Optional, Protocol

from sqlalchemy import and_, delete, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from bot.escalation import outbox
from bot.store import topics
from bot.store.database import Database, touch
from bot.store.models import OutboxRow, utcnow

# a row is sent by one server for this long; a sender that needs more is stopped before
LEASE = timedelta(seconds=90)
# what lies further in the future than servers' clocks differ was written before the clock was set back
CLOCKS_APART = timedelta(minutes=1)
SEND_SECONDS = 60
# waits grow up to the longest, each a random part of it, so that a server that comes back is not run over
FIRST_WAIT = 2.0
LONGEST_WAIT = 900.0
# however long a receiver asks us to wait
LONGEST_ASKED = timedelta(days=1)
# both must be exceeded before a row is given up: the age alone may be a wrong clock's
LAST_ATTEMPT = 20
LAST_AGE = timedelta(days=3)
# kinds whose rows go one after the other within a conversation; a notice must not wait for an earlier one
ORDERED = (outbox.TELEGRAM, outbox.WEBHOOK)


@dataclass(frozen=True)
class Item:
    """A row to send.

    Attributes:
        key: names what is sent, the same at every attempt.
        attempts: failed ones so far.
    """

    id: int
    kind: str
    key: str
    payload: Mapping[str, Any]
    conversation_id: Optional[str]
    attempts: int


class Sender(Protocol):
    """Sends the rows of one kind."""

    async def send(self, item: Item) -> None:
        """Send one row.

        Raises:
            Retry: it did not arrive this time. Any other exception counts as this.
            Later: now is not the time; nothing was tried.
            Undeliverable: it never will.
        """


class Retry(Exception):
    """It did not arrive; the text says why, without addresses or words of a client.

    Args:
        after: seconds that the receiver asked to wait.
    """

    def __init__(self, reason: str, after: Optional[float] = None) -> None:
        super().__init__(reason)
        self.after = after


class Later(Exception):
    """Now is not the time: not before `until` (UTC, without a zone)."""

    def __init__(self, until: datetime) -> None:
        super().__init__("not now")
        self.until = until


class Undeliverable(Exception):
    """It will never arrive; the text says why, without addresses or words of a client."""


def wait_before(attempts: int) -> timedelta:
    """How long to wait after that many failed attempts: exponential back-off with full jitter."""
    return timedelta(seconds=random.uniform(1, min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempts, 30))))


def claim(database: Database, kind: str, server: str, limit: int, now: Optional[datetime] = None) -> List[Item]:
    """Take up to `limit` rows that are due, for `LEASE`.

    Args:
        server: names whoever claims, unique among all servers.
        now: UTC, without a zone.
    """
    with database.reading() as session:
        # looking is cheap and waits for nobody; most of the time there is nothing
        if not session.scalars(_due(kind, now or utcnow()).limit(1)).first():
            return []
    with database.transaction() as session:
        # read again: another worker may have claimed while this one waited for its turn to write
        moment = now or utcnow()
        ids = list(session.scalars(_due(kind, moment).limit(limit).with_for_update(skip_locked=True)))
        rows = list(session.scalars(select(OutboxRow).where(OutboxRow.id.in_(ids)).order_by(OutboxRow.id)))
        for row in rows:
            row.claimed_by, row.claimed_until = server, moment + LEASE
        return [Item(r.id, r.kind, r.key, r.payload, r.conversation_id, r.attempts) for r in rows]


def sent(session: Session, item: Item, server: str, now: Optional[datetime] = None) -> None:
    """Note that a row has arrived."""
    _settle(session, item, server, sent_at=now or utcnow(), tried_at=now or utcnow(), problem=None)


def failed(session: Session, item: Item, server: str, error: Exception, now: Optional[datetime] = None) -> bool:
    """Note what became of a row that was not sent; True if it was given up."""
    moment = now or utcnow()
    if isinstance(error, Later):
        _settle(session, item, server, due_at=error.until)
        return False
    attempts = item.attempts + 1
    # texts of other exceptions may hold addresses
    known = isinstance(error, (Retry, Undeliverable))
    changes: dict[str, Any] = {
        "attempts": attempts,
        "tried_at": moment,
        "problem": (str(error) if known else type(error).__name__)[:200],
    }
    created = session.scalars(select(OutboxRow.created_at).where(OutboxRow.id == item.id)).first()
    old = created is not None and moment - created > LAST_AGE and attempts >= LAST_ATTEMPT
    dead = isinstance(error, Undeliverable) or old
    if dead:
        changes["dead_at"] = moment
        touch(session, topics.DESK)
    else:
        wait = wait_before(attempts)
        if isinstance(error, Retry) and error.after is not None:
            wait = min(timedelta(seconds=error.after), LONGEST_ASKED) + wait_before(0)
        changes["due_at"] = moment + wait
    _settle(session, item, server, **changes)
    return dead


def release(session: Session, item: Item, server: str) -> None:
    """Give a claimed row back untouched."""
    _settle(session, item, server)


def drop(database: Database, kind: str) -> None:
    """Remove waiting rows of a kind that nobody wants sent."""
    with database.reading() as session:
        if not session.scalars(select(OutboxRow.id).where(OutboxRow.kind == kind, *_PENDING).limit(1)).first():
            return
    with database.transaction() as session:
        session.execute(delete(OutboxRow).where(OutboxRow.kind == kind, *_PENDING))


_PENDING = (OutboxRow.sent_at.is_(None), OutboxRow.dead_at.is_(None))


def _due(kind: str, now: datetime) -> Any:
    """The ids of the rows that may be sent now, oldest first."""
    query = (
        select(OutboxRow.id)
        .where(
            OutboxRow.kind == kind,
            *_PENDING,
            or_(OutboxRow.due_at.is_(None), OutboxRow.due_at <= now, OutboxRow.tried_at > now + CLOCKS_APART),
            or_(
                OutboxRow.claimed_until.is_(None),
                OutboxRow.claimed_until <= now,
                OutboxRow.claimed_until > now + LEASE + CLOCKS_APART,
            ),
        )
        .order_by(OutboxRow.id)
    )
    if kind in ORDERED:
        earlier = aliased(OutboxRow)
        query = query.where(
            ~exists().where(
                and_(
                    earlier.kind == OutboxRow.kind,
                    earlier.conversation_id == OutboxRow.conversation_id,
                    earlier.id < OutboxRow.id,
                    earlier.sent_at.is_(None),
                    earlier.dead_at.is_(None),
                )
            )
        )
    return query


def _settle(session: Session, item: Item, server: str, **changes: Any) -> None:
    # a server whose lease ran out has no say any more
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == item.id, OutboxRow.claimed_by == server)
        .values(claimed_by=None, claimed_until=None, **changes)
        .execution_options(synchronize_session=False)
    )
