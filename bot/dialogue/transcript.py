"""Appending to the transcript: the one way in which a message becomes part of a conversation.

It must not know who asked for it, nor how a channel shows it.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, Optional, Sequence

from sqlalchemy import bindparam, insert, select
from sqlalchemy.orm import Session, make_transient_to_detached

from bot.booking import BookingTokens
from bot.escalation import outbox
from bot.store import topics
from bot.store.database import touch, upsert
from bot.store.models import Conversation, Offer, StoredMessage, case_label, utcnow

TELEGRAM = "telegram"

_CHANNEL = select(Conversation.channel).where(Conversation.id == bindparam("conversation"))
_CHANNEL_LOCKED = _CHANNEL.with_for_update()
_COLUMNS = [column.name for column in StoredMessage.__table__.columns if not column.primary_key]
_INSERT = insert(StoredMessage.__table__)


def add_messages(
    session: Session,
    conversation_id: str,
    messages: Sequence[Mapping[str, Any]],
    reply_to: Optional[int] = None,
    sender: str = "assistant",
    pushed: bool = False,
    request_key: Optional[str] = None,
) -> List[StoredMessage]:
    """Append messages and remember the buttons they offer.

    In a conversation on Telegram each message gets its row in the outbox.

    Args:
        messages: as `bot.dialogue.message.Message.as_dict` makes them.
        reply_to: the `seq` of the client's message that they answer.
        sender: `assistant` or `therapist`.
        pushed: they answer no request, and reach the client by themselves.
        request_key: names the request that brought them, for one message at most.
    """
    # messages that come from several sides are numbered in the order in which they are committed
    reading = _CHANNEL_LOCKED if pushed else _CHANNEL
    channel = session.connection().scalar(reading, {"conversation": conversation_id})
    stored = []
    offers: Dict[str, str] = {}
    for message in messages:
        row = as_row(conversation_id, message, sender)
        row.reply_to, row.request_key, row.pushed = reply_to, request_key, pushed
        stored.append(append(session, row))
        offers.update({button["payload"]: button["title"] for button in message["buttons"]})
    upsert(
        session,
        Offer,
        [{"conversation_id": conversation_id, "payload": payload, "title": title} for payload, title in offers.items()],
    )
    if channel == TELEGRAM:
        for row in stored:
            outbox.add(session, outbox.TELEGRAM, f"telegram:{row.id}", {"message": row.id}, conversation_id)
    if any(row.case_number for row in stored):
        # an action server may have opened it, in a process that wakes nobody here
        touch(session, topics.OUTBOX, topics.DESK)
    touch(session, topics.conversation(conversation_id))
    return stored


def append(session: Session, row: StoredMessage) -> StoredMessage:
    """Write a message whose every column but `seq` is set; returns it as the session's, with its `seq`.

    One statement: half the time of leaving it to the session to find out what to write.
    """
    if session.new:
        # what the message belongs to may be as new as itself
        session.flush()
    values = {name: getattr(row, name) for name in _COLUMNS}
    row.seq = session.connection().execute(_INSERT, values).inserted_primary_key[0]
    make_transient_to_detached(row)
    session.add(row)
    return row


def as_row(conversation_id: str, message: Mapping[str, Any], sender: str = "assistant") -> StoredMessage:
    """A message as it would be stored."""
    case = message.get("case")
    return StoredMessage(
        id=secrets.token_hex(12),
        conversation_id=conversation_id,
        sender=sender,
        at=utcnow(),
        text=message["text"],
        kind=message["kind"],
        sources=message["sources"],
        buttons=message["buttons"],
        decision=message["decision"],
        case_number=int(case[2:]) if case else None,
        answered=True,
        pressed=False,
        pushed=False,
    )


def as_contract(message: StoredMessage) -> Dict[str, Any]:
    """A stored message in the contract's shape (`Message`)."""
    return {
        "id": message.id,
        "from": message.sender,
        "at": message.at.isoformat(timespec="milliseconds") + "Z",
        "text": message.text,
        "kind": message.kind,
        "sources": message.sources,
        "buttons": message.buttons,
        "decision": message.decision,
        "case": case_label(message.case_number) if message.case_number else None,
    }


def with_fresh_token(told: Dict[str, Any], tokens: BookingTokens, now: Optional[datetime] = None) -> Dict[str, Any]:
    """A message in the contract's shape, its booking token made anew while the decision is valid.

    A message is read long after it was written; the token in it is short-lived.

    Args:
        now: the moment, with a zone.
    """
    decision = told["decision"]
    if decision is None or decision["token"] is None:
        return told
    moment = now or datetime.now(timezone.utc)
    until = decision["valid_until"]
    valid = until is not None and moment < datetime.fromisoformat(until.replace("Z", "+00:00"))
    token = tokens.renewed(decision["token"], moment) if valid else None
    return {**told, "decision": {**decision, "token": token}}


def history(messages: Sequence[StoredMessage], tokens: BookingTokens) -> List[Dict[str, Any]]:
    """A transcript in the contract's shape. Only the last decision opens booking; an earlier one is history."""
    told = [as_contract(message) for message in messages]
    decisions = [entry for entry in told if entry["decision"] is not None]
    for entry in decisions[:-1]:
        entry["decision"] = {**entry["decision"], "token": None}
    return [with_fresh_token(entry, tokens) for entry in told]
