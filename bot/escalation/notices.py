"""Telling the therapist that a case needs them: rows for the outbox, without a word about health."""

from __future__ import annotations

from typing import Optional

from sqlalchemy.orm import Session

from bot.escalation import outbox
from bot.store.models import Case

# what happened to the case
EVENTS = ("opened", "urgent", "answered", "deleted")


def notify(session: Session, case: Case, event: str, cause: int) -> None:
    """Write a notice for every way of reaching the therapist.

    A way that is not set up is left out by the worker, which knows the settings.

    Args:
        event: one of `EVENTS`.
        cause: the id of the reason, message or audit entry behind it, so that one cause is told once.
    """
    _add(session, case, event, cause, case.conversation_id)


def notify_deleted(session: Session, case: Case) -> None:
    """Write that a client has deleted the conversation of an open case; it outlives the conversation."""
    _add(session, case, "deleted", 0, None)


def _add(session: Session, case: Case, event: str, cause: int, conversation_id: Optional[str]) -> None:
    payload = {"case": case.number, "priority": case.priority, "event": event}
    for kind in (outbox.EMAIL, outbox.TELEGRAM_NOTICE):
        key = f"{kind}:{case.number}:{event}:{cause}"
        outbox.add(session, kind, key, payload, conversation_id=conversation_id)
