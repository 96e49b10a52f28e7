"""Cases: one open case a conversation, gathering reasons while it is open; its states.

    open -> taken_over <-> waiting_for_client -> closed -> open again

From `taken_over` on the assistant is silent, until the case is closed. Source:
policy.md, section 4. What the client reads about it is not said here
(`bot.dialogue.casework`).
"""

from __future__ import annotations

from datetime import datetime
from typing import List, Optional

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from bot.escalation import audit
from bot.escalation.notices import notify
from bot.store import topics
from bot.store.database import touch
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
}
PRIORITIES = ("urgent", "decision", "question")

OPEN = "open"
TAKEN_OVER = "taken_over"
WAITING_FOR_CLIENT = "waiting_for_client"
CLOSED = "closed"
STATES = (OPEN, TAKEN_OVER, WAITING_FOR_CLIENT, CLOSED)
# the therapist speaks, the assistant does not
THERAPISTS = (TAKEN_OVER, WAITING_FOR_CLIENT)

PRACTICE = "practice"
CLIENT = "client"

# which states each step may be taken from, and where it leads
STEPS = {
    "take_over": ((OPEN, WAITING_FOR_CLIENT), TAKEN_OVER),
    "reply": ((OPEN, TAKEN_OVER, WAITING_FOR_CLIENT), WAITING_FOR_CLIENT),
    "client_wrote": ((TAKEN_OVER, WAITING_FOR_CLIENT), TAKEN_OVER),
    "close": ((OPEN, TAKEN_OVER, WAITING_FOR_CLIENT), CLOSED),
    "reopen": ((CLOSED,), OPEN),
}
IN_WORDS = {
    OPEN: "open",
    TAKEN_OVER: "taken over",
    WAITING_FOR_CLIENT: "waiting for the client",
    CLOSED: "closed",
}


class CaseError(Exception):
    """A step that a case does not allow; the text says why and what to do."""


class NoSuchCase(CaseError):
    """There is no case with this number."""


def open_case_of(session: Session, conversation_id: str) -> Optional[Case]:
    """The conversation's open case, with its reasons, or None."""
    return session.scalars(
        select(Case)
        .where(Case.conversation_id == conversation_id, Case.status != CLOSED)
        .options(selectinload(Case.reasons))
    ).first()


def case_of(session: Session, number: int) -> Case:
    """A case by its number, locked until the transaction ends.

    Raises:
        NoSuchCase: there is none.
    """
    case = session.get(Case, number, with_for_update=True)
    if case is None:
        raise NoSuchCase(f"There is no case C-{number}. It may have been deleted with its conversation.")
    return case


def add_reason(
    session: Session,
    conversation_id: str,
    reason: str,
    words: str,
    decision_id: Optional[str] = None,
) -> Case:
    """Open a case, or add a reason to the one that is open; the therapist is notified as it matters.

    Args:
        reason: a key of `REASONS`.
        words: what the client said, as passed on to the therapist.

    Returns:
        The case, with a number; the caller's transaction makes it durable.
    """
    priority = REASONS[reason]
    case = open_case_of(session, conversation_id)
    fresh = case is None
    if case is None:
        case = Case(conversation_id=conversation_id, priority=priority)
        session.add(case)
        session.flush()
        audit.note(session, "opened", audit.ASSISTANT, case.number)
    raised = PRIORITIES.index(priority) < PRIORITIES.index(case.priority)
    if raised:
        case.priority = priority
    # a client who says the same thing twice is waiting, not asking anew
    if not any(r.reason == reason and r.words == words for r in case.reasons):
        added = CaseReason(reason=reason, words=words, decision_id=decision_id)
        case.reasons.append(added)
        session.flush()
        if fresh:
            notify(session, case, "opened", added.id)
        elif priority == PRIORITIES[0] or raised:
            notify(session, case, "urgent" if priority == PRIORITIES[0] else "opened", added.id)
    if case.waiting_for != PRACTICE:
        case.status = TAKEN_OVER if case.status == WAITING_FOR_CLIENT else case.status
        _wait(case, PRACTICE, utcnow())
    case.updated_at = utcnow()
    session.flush()
    touch(session, topics.DESK)
    return case


def step(session: Session, case: Case, name: str, now: datetime) -> None:
    """Take one step of the state machine.

    Args:
        name: a key of `STEPS`.
        now: UTC, without a zone.

    Raises:
        CaseError: the case's state does not allow it.
    """
    before, after = STEPS[name]
    if case.status not in before:
        raise CaseError(f"{case.label} is {IN_WORDS[case.status]}. {_ADVICE[name]}")
    if name == "reopen":
        other = open_case_of(session, case.conversation_id)
        if other is not None:
            raise CaseError(f"The client has a newer case, {other.label}, which is open. Go on there.")
    case.status = after
    if name == "reply" and case.first_reply_at is None:
        case.first_reply_at = now
    case.closed_at = now if after == CLOSED else None
    waiting_for = {WAITING_FOR_CLIENT: CLIENT, CLOSED: None}.get(after, PRACTICE)
    if case.waiting_for != waiting_for:
        _wait(case, waiting_for, now)
    case.updated_at = now
    session.flush()
    touch(session, topics.DESK)


def answered(session: Session, case: Case, now: datetime) -> None:
    """The practice has done its part in a case that stays as it is: now the client has the next word."""
    if case.first_reply_at is None:
        case.first_reply_at = now
    if case.status == TAKEN_OVER:
        case.status = WAITING_FOR_CLIENT
    _wait(case, CLIENT, now)
    case.updated_at = now
    session.flush()
    touch(session, topics.DESK)


def in_therapists_hands(session: Session, conversation_id: str) -> bool:
    """Whether the therapist has taken over, so that the assistant is silent."""
    found = session.scalars(
        select(Case.number).where(Case.conversation_id == conversation_id, Case.status.in_(THERAPISTS))
    )
    return found.first() is not None


def client_wrote(session: Session, conversation_id: str, seq: int, now: datetime) -> bool:
    """Take a client's message to the therapist, if the therapist has taken over; False otherwise.

    Args:
        seq: the message's place in the transcript.
    """
    case = open_case_of(session, conversation_id)
    if case is None or case.status not in THERAPISTS:
        return False
    notified = case.waiting_for == CLIENT
    step(session, case, "client_wrote", now)
    if notified:
        notify(session, case, "answered", seq)
    return True


def list_cases(session: Session, include_closed: bool = False) -> List[Case]:
    """Cases, urgent first, then the longest waiting."""
    query = select(Case).options(selectinload(Case.reasons))
    if not include_closed:
        query = query.where(Case.status != CLOSED)
    cases = list(session.scalars(query))
    return sorted(cases, key=lambda case: (PRIORITIES.index(case.priority), case.opened_at))


def _wait(case: Case, waiting_for: Optional[str], now: datetime) -> None:
    case.waiting_for = waiting_for
    case.waiting_since = now if waiting_for else None


_ADVICE = {
    "take_over": "Reload to see it as it is now.",
    "reply": "Reopen it to write to the client.",
    "client_wrote": "Take it over first.",
    "close": "There is nothing left to close.",
    "reopen": "Only a closed case can be reopened.",
}
