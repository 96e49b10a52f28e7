"""What a client may ask for: a copy of everything that is kept, and that it goes.

A conversation is the whole of what is kept about a client: everything else
hangs on it, in tables that go with it. What stays is the log of cases, which
names no one (`bot.escalation.audit`). This module must not know who asks, nor how.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Optional

import jwt
from sqlalchemy import delete, exists, func, inspect, or_, select
from sqlalchemy.orm import Session

from bot.dialogue import screens
from bot.dialogue.transcript import as_contract
from bot.escalation import audit
from bot.escalation.cases import CLOSED
from bot.escalation.notices import notify_deleted
from bot.store import topics
from bot.store.database import Database, touch
from bot.store.models import (
    Base,
    Case,
    Conversation,
    DecisionRecord,
    OutboxRow,
    StoredMessage,
    TrackerState,
    utcnow,
)

PURGED_AT_ONCE = 50
# what was sent is only kept to tell a repetition from a new thing
OUTBOX_DAYS = 30
TICKET_MINUTES = 15
_ALGORITHM = "HS256"
_AUDIENCE = "export"


class RightsError(Exception):
    """There is nothing under this name; the text says what names there are."""


class ExportTickets:
    """Short-lived tickets for one copy: a link in a message can carry no header.

    Args:
        key: the installation's key for them.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    def issue(self, conversation_id: str, now: datetime) -> str:
        """A ticket for this conversation's copy.

        Args:
            now: the moment, with a zone.
        """
        claims = {"sub": conversation_id, "aud": _AUDIENCE, "exp": now + timedelta(minutes=TICKET_MINUTES)}
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def check(self, ticket: str) -> Optional[str]:
        """The conversation that the ticket is for; None when it is expired or not ours."""
        try:
            claims = jwt.decode(
                ticket, self._key, algorithms=[_ALGORITHM], audience=_AUDIENCE, options={"require": ["exp", "sub"]}
            )
        except jwt.InvalidTokenError:
            return None
        return str(claims["sub"])


def conversation_named(session: Session, name: str) -> str:
    """The conversation of a case (`C-1042`), or with this id.

    Raises:
        RightsError: there is none.
    """
    number = name[2:] if name[:2].upper() == "C-" else ""
    if number.isascii() and number.isdigit() and len(number) < 10:
        case = session.get(Case, int(number))
        if case is not None:
            return case.conversation_id
    elif session.get(Conversation, name) is not None:
        return name
    raise RightsError(
        f"There is nothing under '{name}'. Give a case's number such as C-1042, or a conversation's id, "
        "as the desk shows them; it may have been deleted."
    )


def export(session: Session, conversation_id: str, by: str) -> Dict[str, Any]:
    """Everything that is kept about a conversation, as plain values.

    Raises:
        RightsError: there is none.
    """
    conversation = session.get(Conversation, conversation_id)
    if conversation is None:
        raise RightsError("This conversation does not exist any more.")
    cases = list(session.scalars(select(Case).where(Case.conversation_id == conversation_id).order_by(Case.number)))
    audit.note(session, "exported", by, cases[-1].number if cases else None)
    messages = session.scalars(
        select(StoredMessage).where(StoredMessage.conversation_id == conversation_id).order_by(StoredMessage.seq)
    )
    decisions = session.scalars(
        select(DecisionRecord)
        .where(DecisionRecord.conversation_id == conversation_id)
        .order_by(DecisionRecord.decided_at)
    )
    return {
        "exported_at": utcnow().isoformat(timespec="seconds") + "Z",
        "channel": conversation.channel,
        "started_at": _plain(conversation.created_at),
        "messages": [as_contract(message) for message in messages],
        "decisions": [{**screens.as_contract(record, None), "ruling": record.ruling} for record in decisions],
        "cases": [
            {**_columns(case), "reasons": [_columns(reason) for reason in case.reasons], "case": case.label}
            for case in cases
        ],
        # whatever else hangs on the conversation, so that no later table can be forgotten
        **{
            table.name: [{name: _plain(value) for name, value in row._mapping.items()} for row in rows]
            for table in _belonging()
            if table.name not in ("messages", "decisions", "cases", "offers")
            and (rows := session.execute(select(table).where(table.c.conversation_id == conversation_id)).all())
        },
    }


def summary(session: Session, conversation_id: str) -> Dict[str, int]:
    """How much is kept: numbers of messages, decisions and cases."""
    counted: Dict[str, Any] = {"messages": StoredMessage, "decisions": DecisionRecord, "cases": Case}
    return {
        name: int(
            session.scalars(
                select(func.count()).select_from(model).where(model.conversation_id == conversation_id)
            ).one()
        )
        for name, model in counted.items()
    }


def forget(session: Session, conversation_id: str, by: str, action: str = "deleted") -> bool:
    """Delete a conversation with everything that hangs on it; False if there is none.

    The therapist is told of a case that was still open: somebody may have been waiting for an answer.
    """
    conversation = session.get(Conversation, conversation_id, with_for_update=True)
    if conversation is None:
        return False
    cases = list(session.scalars(select(Case).where(Case.conversation_id == conversation_id)))
    for case in cases:
        audit.note(session, action, by, case.number)
        if case.status != CLOSED:
            notify_deleted(session, case)
    if not cases:
        audit.note(session, action, by)
    session.execute(delete(TrackerState).where(TrackerState.conversation_id == conversation_id))
    # by statement: the tables' own cascade is the one that knows them all
    session.execute(delete(Conversation).where(Conversation.id == conversation_id))
    session.expire_all()
    touch(session, topics.DESK, topics.conversation(conversation_id))
    return True


def purge(database: Database, days: int, now: Optional[datetime] = None) -> int:
    """Delete what has rested for longer than the retention period; returns the number of conversations.

    A conversation whose case is not closed stays: nobody who waits is forgotten.

    Args:
        now: UTC, without a zone.
    """
    moment = now or utcnow()
    before = moment - timedelta(days=days)
    rested = (
        select(Conversation.id)
        .where(
            Conversation.created_at < before,
            ~exists().where(StoredMessage.conversation_id == Conversation.id, StoredMessage.at >= before),
            ~exists().where(Case.conversation_id == Conversation.id, Case.status != CLOSED),
        )
        .limit(PURGED_AT_ONCE)
    )
    gone = 0
    while True:
        # few at a time: a client who writes now must not wait for it
        with database.transaction() as session:
            found = list(session.scalars(rested))
            for conversation_id in found:
                forget(session, conversation_id, audit.ASSISTANT, "purged")
        gone += len(found)
        if len(found) < PURGED_AT_ONCE:
            break
    done = moment - timedelta(days=min(days, OUTBOX_DAYS))
    with database.transaction() as session:
        session.execute(delete(OutboxRow).where(or_(OutboxRow.sent_at < done, OutboxRow.dead_at < before)))
    database.scrub()
    return gone


def _belonging() -> List[Any]:
    """The tables with a column that names the conversation."""
    return [table for table in Base.metadata.sorted_tables if "conversation_id" in table.c]


def _columns(row: Any) -> Dict[str, Any]:
    return {column.key: _plain(getattr(row, column.key)) for column in inspect(type(row)).column_attrs}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
    return value.isoformat() if hasattr(value, "isoformat") else value
