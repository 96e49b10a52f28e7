"""Which chat is whose: addresses of conversations, links from the website, blocked and silenced chats.

A chat's number is only an address. A conversation's id is made by the server
and never leaves it; a link holds a random token of its own, good once and for
a short while, of which only the digest is kept.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import List, Optional

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.escalation import add_reason, open_case_of
from bot.store.models import Conversation, TelegramChat, TelegramLink, utcnow

CHANNEL = "telegram"
LINK_LIFE = timedelta(minutes=15)

# what the therapist reads in the case
BLOCKED = "The client has blocked the assistant in Telegram. Messages do not arrive there."
STOPPED = "The client has asked for no more messages in Telegram. What was written since was not sent."


def conversation_of(session: Session, chat: int) -> Optional[str]:
    """The conversation that a chat writes to, or None."""
    found = chats(session, chat)
    return found[0].conversation_id if found else None


def chats(session: Session, chat: int) -> List[TelegramChat]:
    """Every conversation of a chat, the current one first."""
    return list(
        session.scalars(
            select(TelegramChat)
            .where(TelegramChat.chat_id == chat)
            .order_by(TelegramChat.linked_at.desc(), TelegramChat.conversation_id)
        )
    )


def address(session: Session, conversation_id: str) -> Optional[TelegramChat]:
    """Where the messages of a conversation go, or None."""
    found: Optional[TelegramChat] = session.get(TelegramChat, conversation_id)
    return found


def attach(session: Session, chat: int, conversation_id: str, now: Optional[datetime] = None) -> None:
    """Let a conversation go on in this chat, and only there."""
    session.merge(
        TelegramChat(
            conversation_id=conversation_id, chat_id=chat, linked_at=now or utcnow(), blocked=False, stopped_at=None
        )
    )
    conversation = session.get(Conversation, conversation_id)
    if conversation is not None:
        conversation.channel = CHANNEL
    session.flush()


def set_blocked(session: Session, chat: int, blocked: bool) -> None:
    """Take note that a client blocked the bot, or let it in again; an open case says so."""
    for row in chats(session, chat):
        if blocked and not row.blocked:
            tell_case(session, row.conversation_id, BLOCKED)
        row.blocked = blocked
    session.flush()


def stop(session: Session, chat: int) -> None:
    """Send nothing to this chat from now on but answers to what the client writes."""
    for row in chats(session, chat):
        row.stopped_at = utcnow()
    session.flush()


def welcome_back(session: Session, chat: int) -> None:
    """The client writes again, and so can be written to."""
    for row in chats(session, chat):
        row.blocked, row.stopped_at = False, None
    session.flush()


def tell_case(session: Session, conversation_id: str, words: str) -> None:
    """Tell the therapist in the open case, where there is one, that messages do not arrive."""
    if open_case_of(session, conversation_id) is not None:
        add_reason(session, conversation_id, "unreachable", words)


def new_link(session: Session, conversation_id: str, now: Optional[datetime] = None) -> str:
    """A token that continues a conversation in Telegram; an earlier one of it is not good any more."""
    moment = now or utcnow()
    session.execute(delete(TelegramLink).where(TelegramLink.conversation_id == conversation_id))
    session.execute(delete(TelegramLink).where(TelegramLink.expires_at < moment))
    token = secrets.token_urlsafe(24)
    session.add(TelegramLink(token_hash=_digest(token), conversation_id=conversation_id, expires_at=moment + LINK_LIFE))
    session.flush()
    return token


def redeem(session: Session, token: str, now: Optional[datetime] = None) -> Optional[str]:
    """The conversation that a token continues, or None; it is good no more after this."""
    link = session.get(TelegramLink, _digest(token), with_for_update=True)
    if link is None:
        return None
    session.delete(link)
    session.flush()
    conversation_id: str = link.conversation_id
    return conversation_id if link.expires_at > (now or utcnow()) else None


def _digest(token: str) -> str:
    # 192 random bits need no salt and no slow function
    return hashlib.sha256(token.encode()).hexdigest()
