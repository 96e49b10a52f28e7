"""The log of who did what to which case. No word of a client is ever in it."""

from __future__ import annotations

from typing import List, Optional

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.store.models import AuditEntry

ACTIONS = (
    "opened",
    "viewed",
    "taken_over",
    "replied",
    "approved",
    "declined",
    "closed",
    "reopened",
    "exported",
    "deleted",
    "purged",
)
# who acts where no person does
ASSISTANT = "assistant"
CLIENT = "client"


def note(session: Session, action: str, by: str, case_number: Optional[int] = None) -> None:
    """Write one entry.

    Args:
        action: one of `ACTIONS`.
        by: the therapist's account, `CLIENT`, `ASSISTANT` or the name of a command.
    """
    if action not in ACTIONS:
        raise ValueError(f"unknown action '{action}'; known: {', '.join(ACTIONS)}")
    session.add(AuditEntry(action=action, by=by, case_number=case_number))


def entries(session: Session, case_number: Optional[int] = None, limit: int = 200) -> List[AuditEntry]:
    """The latest entries, newest first, of one case or of all."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if case_number is not None:
        query = query.where(AuditEntry.case_number == case_number)
    return list(session.scalars(query))
