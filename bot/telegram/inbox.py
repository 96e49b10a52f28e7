"""Updates that wait: kept before Telegram is told they arrived, handled once, in order a chat.

An update is known by its id, so that one delivered again is not handled again.
A server claims the oldest update of a chat for a while; the next one of that
chat waits until it is done, whoever handles it. This module must not know what
an update means.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Iterable, Mapping, Optional

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bot.store import topics
from bot.store.database import touch
from bot.store.models import TelegramUpdate, utcnow
from bot.telegram.updates import chat_id, update_id

# a turn takes far less; a server that died holds its chat up no longer than this
CLAIM = timedelta(seconds=30)
# no wait and no claim is set further ahead
FURTHEST = timedelta(minutes=5)
# Telegram delivers again for a day at most, and begins anew with its numbers after a week of silence
KNOWN = timedelta(days=2)


@dataclass(frozen=True)
class Waiting:
    """An update that this server has claimed."""

    update_id: int
    raw: Mapping[str, Any]
    attempts: int


def keep(session: Session, updates: Iterable[Any], now: Optional[datetime] = None) -> int:
    """Keep what is not known yet; returns how many are new. What belongs to no chat needs no handling."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    kept = 0
    for raw in updates:
        number = update_id(raw)
        chat = chat_id(raw) if number is not None else None
        if number is None or chat is None:
            continue
        row = {
            "update_id": number,
            "chat_id": chat,
            "raw": json.dumps(raw),
            "received_at": now or utcnow(),
            "attempts": 0,
        }
        known = insert(TelegramUpdate).values(row).on_conflict_do_nothing(index_elements=["update_id"])
        kept += session.execute(known).rowcount
    if kept:
        touch(session, topics.TELEGRAM)
    return kept


def claim(session: Session, now: Optional[datetime] = None) -> Optional[Waiting]:
    """The oldest update that can be handled now, claimed for `CLAIM`; None where there is none."""
    moment = now or utcnow()
    oldest_of_chat = (
        select(func.min(TelegramUpdate.update_id))
        .where(TelegramUpdate.done_at.is_(None))
        .group_by(TelegramUpdate.chat_id)
    )
    row = session.scalars(
        select(TelegramUpdate)
        .where(
            TelegramUpdate.update_id.in_(oldest_of_chat),
            TelegramUpdate.done_at.is_(None),
            _past(TelegramUpdate.claimed_until, moment),
            _past(TelegramUpdate.due_at, moment),
        )
        .order_by(TelegramUpdate.received_at, TelegramUpdate.update_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None or row.raw is None:
        return None
    row.claimed_until = moment + CLAIM
    row.attempts += 1
    return Waiting(row.update_id, json.loads(row.raw), row.attempts)


def _past(time: Any, now: datetime) -> Any:
    # further ahead than anything here is ever set: the clock was wrong then, or is now
    return or_(time.is_(None), time <= now, time > now + FURTHEST)


def done(session: Session, number: int) -> None:
    """Mark an update as handled and forget what it held and whose it was."""
    session.execute(
        update(TelegramUpdate)
        .where(TelegramUpdate.update_id == number)
        .values(done_at=utcnow(), raw=None, chat_id=None, claimed_until=None)
    )


def later(session: Session, number: int, seconds: float) -> None:
    """Give an update back, to be tried again."""
    session.execute(
        update(TelegramUpdate)
        .where(TelegramUpdate.update_id == number)
        .values(due_at=utcnow() + timedelta(seconds=seconds), claimed_until=None)
    )


def forget(session: Session, now: Optional[datetime] = None) -> None:
    """Drop the ids of updates that Telegram cannot deliver again."""
    session.execute(delete(TelegramUpdate).where(TelegramUpdate.done_at < (now or utcnow()) - KNOWN))
