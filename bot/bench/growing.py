"""Fills an assistant's database with what years would leave there, for measuring whether that slows anybody.

It writes rows as the store would have; it must not know how messages are timed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Callable, Dict, Final, Iterator, List

from sqlalchemy import insert, select

from bot.store.database import Database
from bot.store.models import Conversation, StoredMessage, TrackerState

#: Rows of a table that are written at once.
BATCH: Final = 20_000
#: When the earliest of the conversations was held; the next ones follow a minute apart.
FIRST: Final = datetime(2024, 1, 1)
_TEXT: Final = "Can I go to the sauna the day after? I was in on Tuesday and my back still feels a bit tender."


def newest(database: Database) -> str:
    """The id of the conversation that was begun last."""
    with database.transaction() as session:
        return str(session.scalars(select(Conversation.id).order_by(Conversation.created_at.desc()).limit(1)).one())


def fill(database: Database, conversations: int, say: Callable[[str], None]) -> None:
    """Add so many conversations of two messages each, with their trackers."""
    for first in range(0, conversations, BATCH):
        batch = range(first, min(first + BATCH, conversations))
        with database.transaction() as session:
            session.execute(
                insert(Conversation),
                [{"id": _name(n), "channel": "chat", "created_at": _at(n)} for n in batch],
            )
            session.execute(
                insert(TrackerState),
                [{"conversation_id": _name(n), "state": "[]", "updated_at": _at(n)} for n in batch],
            )
            session.execute(insert(StoredMessage), [row for n in batch for row in _exchange(_name(n), f"{n}", _at(n))])
        if (first // BATCH) % 10 == 0:
            say(f"{batch[-1] + 1:,} of {conversations:,} conversations are stored")


def lengthen(database: Database, conversation_id: str, messages: int) -> None:
    """Add so many earlier messages to a conversation."""
    rows: List[Dict[str, Any]] = []
    for n in range(messages // 2):
        rows.extend(_exchange(conversation_id, f"{conversation_id[:12]}-{n}", _at(n)))
    with database.transaction() as session:
        session.execute(insert(StoredMessage), rows)


def _exchange(conversation_id: str, name: str, at: datetime) -> Iterator[Dict[str, Any]]:
    common = {"conversation_id": conversation_id, "at": at, "text": _TEXT}
    yield {**common, "id": f"q{name}", "sender": "client", "kind": None, "answered": True}
    yield {**common, "id": f"a{name}", "sender": "assistant", "kind": "answer", "answered": False}


def _name(number: int) -> str:
    return f"stored-{number:09d}"


def _at(number: int) -> datetime:
    return FIRST + timedelta(minutes=number)
