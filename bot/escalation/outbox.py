"""The outbox: what must leave the house is written with what caused it, and sent later.

A row is there if and only if its cause was committed; a worker
(`bot.escalation.delivery`) sends it at least once. This module must not know
how anything is sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, List, Mapping, Optional

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bot.store import topics
from bot.store.database import touch
from bot.store.models import OutboxRow, utcnow

# to the therapist
EMAIL = "email"
TELEGRAM_NOTICE = "telegram_notice"
# to the client: a stored message in Telegram, and a check-in by e-mail
TELEGRAM = "telegram"
CLIENT_EMAIL = "client_email"
# to the client, from ourselves: a check-in that becomes a message of the conversation
CHECKIN = "checkin"
# to the booking site
WEBHOOK = "webhook"


def add(
    session: Session,
    kind: str,
    key: str,
    payload: Mapping[str, Any],
    conversation_id: Optional[str] = None,
    due: Optional[datetime] = None,
) -> None:
    """Add a row in the caller's transaction; a key that is known adds nothing.

    Args:
        kind: which sender takes it, one of this module's names.
        key: names what is sent; the same thing is never sent under two keys.
        payload: what the sender needs; no client's words for kinds that go to the therapist.
        conversation_id: rows of one conversation and kind are sent in order, and go when it is deleted.
        due: not before, UTC without a zone; None: at once.
    """
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    row = {
        "kind": kind,
        "key": key,
        "payload": dict(payload),
        "conversation_id": conversation_id,
        "created_at": utcnow(),
        "due_at": due,
        "attempts": 0,
    }
    session.execute(insert(OutboxRow).values(row).on_conflict_do_nothing(index_elements=["key"]))
    touch(session, topics.OUTBOX)


def dead_letters(session: Session) -> List[OutboxRow]:
    """What was given up, newest first."""
    return list(
        session.scalars(select(OutboxRow).where(OutboxRow.dead_at.is_not(None)).order_by(OutboxRow.dead_at.desc()))
    )


def try_again(session: Session, row_id: int) -> bool:
    """Put a row that was given up back into the queue; False if there is none."""
    row = session.get(OutboxRow, row_id, with_for_update=True)
    if row is None or row.dead_at is None:
        return False
    # its age counts anew
    row.created_at = utcnow()
    row.attempts, row.due_at, row.tried_at, row.dead_at, row.problem = 0, None, None, None, None
    touch(session, topics.OUTBOX)
    return True
