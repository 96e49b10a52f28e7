"""Cases: one open case a conversation, gathering reasons while it is open.

Source: policy.md, section 4.
"""

from __future__ import annotations

from typing import List, Optional

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from bot.store.models import Case, CaseReason, utcnow

# what brings a person in, and how soon the therapist should look
REASONS = {
    "emergency": "urgent",
    "urgent": "urgent",
    "not_eligible": "decision",
    "review": "decision",
    "modified": "decision",
    # something the therapist should know about a client who may book
    "note": "question",
    "human": "question",
    "complaint": "question",
    "after_effect": "decision",
    "question": "question",
    "not_understood": "question",
    # the client wants a copy of what is kept, or to have it deleted
    "my_data": "question",
}
PRIORITIES = ("urgent", "decision", "question")


def open_case_of(session: Session, conversation_id: str) -> Optional[Case]:
    """The conversation's open case, with its reasons, or None."""
    return session.scalars(
        select(Case)
        .where(Case.conversation_id == conversation_id, Case.status != "closed")
        .options(selectinload(Case.reasons))
    ).first()


def add_reason(
    session: Session,
    conversation_id: str,
    reason: str,
    words: str,
    decision_id: Optional[str] = None,
) -> Case:
    """Open a case, or add a reason to the one that is open.

    Args:
        reason: a key of `REASONS`.
        words: what the client said, as passed on to the therapist.

    Returns:
        The case, with a number; the caller's transaction makes it durable.
    """
    priority = REASONS[reason]
    case = open_case_of(session, conversation_id)
    if case is None:
        case = Case(conversation_id=conversation_id, priority=priority)
        session.add(case)
    elif PRIORITIES.index(priority) < PRIORITIES.index(case.priority):
        case.priority = priority
    # a client who says the same thing twice is waiting, not asking anew
    if not any(r.reason == reason and r.words == words for r in case.reasons):
        case.reasons.append(CaseReason(reason=reason, words=words, decision_id=decision_id))
    case.updated_at = utcnow()
    session.flush()
    return case


def list_cases(session: Session, include_closed: bool = False) -> List[Case]:
    """Cases, urgent first, then the longest waiting."""
    query = select(Case).options(selectinload(Case.reasons))
    if not include_closed:
        query = query.where(Case.status != "closed")
    cases = list(session.scalars(query))
    return sorted(cases, key=lambda case: (PRIORITIES.index(case.priority), case.opened_at))
