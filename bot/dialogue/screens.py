"""Screens and decisions in the database: opening, continuing, deciding.

Between the pure interview and the tables; it must not know what is asked or said.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, Optional

from sqlalchemy import bindparam, exists, or_, select
from sqlalchemy.orm import Session, selectinload

from bot.escalation import add_reason
from bot.screening import Decision, Finding, Rulebook, decide
from bot.screening.vocabulary import PASSAGE_SOURCES
from bot.store.models import (
    Case,
    Checkin,
    DecisionRecord,
    FindingRecord,
    Screen,
    StoredMessage,
    case_label,
    utcnow,
)

# the outcome of a check that still asks something
UNDECIDED = "incomplete"
# older words of a long conversation are the therapist's to read, not the screen's
EARLIER_MESSAGES = 50

#: Whether a screen of `conversation` is open, or a check-in has asked something: one look for what most turns do not
#: have. Every turn asks it: put together once, for whoever reads more with it.
AWAITS_ANSWER = or_(
    exists().where(Screen.conversation_id == bindparam("conversation"), Screen.status == "open"),
    exists().where(Checkin.conversation_id == bindparam("conversation"), Checkin.asked.is_not(None)),
)
_AWAITS = select(AWAITS_ANSWER)


def awaits_answer(session: Session, conversation_id: str) -> bool:
    """Whether a question of the assistant waits for an answer."""
    return bool(session.scalar(_AWAITS, {"conversation": conversation_id}))


def open_screen(session: Session, conversation_id: str) -> Optional[Screen]:
    """The conversation's open screen, or None; asked of the database once a transaction."""
    known: Dict[str, Optional[Screen]] = session.info.setdefault("open_screens", {})
    if conversation_id not in known:
        known[conversation_id] = session.scalars(
            select(Screen).where(Screen.conversation_id == conversation_id, Screen.status == "open")
        ).first()
    screen = known[conversation_id]
    return screen if screen is not None and screen.status == "open" else None


def new_screen(session: Session, conversation_id: str, state: Mapping[str, Any], version: str) -> Screen:
    """Begin a screen; the conversation must have none open."""
    screen = Screen(
        # short: it is part of every button's payload
        id=secrets.token_hex(4),
        conversation_id=conversation_id,
        state=dict(state),
        rules_version=version,
    )
    session.add(screen)
    session.flush()
    session.info.setdefault("open_screens", {})[conversation_id] = screen
    return screen


def keep(screen: Screen, state: Mapping[str, Any], status: str = "open") -> None:
    """Keep where the interview is, and how it ended."""
    screen.state = dict(state)
    screen.status = status
    screen.updated_at = utcnow()


def earlier_words(session: Session, conversation_id: str) -> List[str]:
    """What the client wrote in this conversation, oldest first, buttons left out."""
    rows = session.scalars(
        select(StoredMessage)
        .where(StoredMessage.conversation_id == conversation_id, StoredMessage.sender == "client")
        .order_by(StoredMessage.seq.desc())
        .limit(EARLIER_MESSAGES)
    )
    return [row.text for row in rows if not row.pressed][::-1]


def record_decision(
    session: Session, conversation_id: Optional[str], decision: Decision, screen_id: Optional[str]
) -> DecisionRecord:
    """Keep a decision with its findings; the caller's transaction makes it durable."""
    record = DecisionRecord(
        id=secrets.token_hex(12),
        conversation_id=conversation_id,
        screen_id=screen_id,
        outcome=decision.outcome,
        unanswered=list(decision.unanswered),
        rules_fired=list(decision.rules_fired),
        rules_version=decision.rules_version,
        notes=list(decision.notes),
        message=decision.message,
        decided_at=naive(decision.decided_at),
        valid_until=naive(decision.valid_until) if decision.valid_until else None,
        findings=[_kept(number, finding) for number, finding in enumerate(decision.findings)],
    )
    session.add(record)
    session.flush()
    return record


def latest_decision(session: Session, conversation_id: str) -> Optional[DecisionRecord]:
    """The conversation's last decision with its findings, or None."""
    return session.scalars(
        select(DecisionRecord)
        .where(DecisionRecord.conversation_id == conversation_id)
        .order_by(DecisionRecord.decided_at.desc())
        .options(selectinload(DecisionRecord.findings))
        .limit(1)
    ).first()


def refer(session: Session, record: DecisionRecord, decision: Decision) -> Optional[Case]:
    """Bring in the therapist as a decision asks for it, in the caller's transaction.

    Returns:
        The case, or None: `eligible` leaves notes at most, and an unfinished check is nobody's yet (policy.md 4).
    """
    if decision.outcome == UNDECIDED:
        return None
    if decision.outcome == "eligible":
        for note in decision.notes:
            add_reason(session, record.conversation_id, "note", note, record.id)
        return None
    # the client's own words, for the case
    words = dict.fromkeys(f.evidence for f in decision.findings if f.origin != "answer" and f.counts)
    case = add_reason(session, record.conversation_id, decision.outcome, "; ".join(words), record.id)
    record.case_number = case.number
    return case


def told_passages(decision: Decision) -> List[str]:
    """The passages of the handout behind a decision."""
    return sorted({f.source for f in decision.findings if f.source in PASSAGE_SOURCES and f.counts})


def may_book(record: DecisionRecord, rulebook: Rulebook, now: datetime) -> bool:
    """Whether a decision opens booking: the practice lets its outcome book, or the therapist approved; still valid.

    Args:
        now: the moment, with a zone.
    """
    allowed = record.ruling == "approved" or (record.ruling is None and rulebook.may_book(record.outcome))
    return allowed and record.valid_until is not None and naive(now) < record.valid_until


def as_contract(record: DecisionRecord, token: Optional[str]) -> Dict[str, Any]:
    """A decision in the contract's shape (`Decision`)."""
    return {
        "id": record.id,
        "outcome": record.outcome,
        "findings": [
            {
                "condition": finding.condition,
                "status": finding.status,
                "origin": finding.origin,
                "evidence": finding.evidence,
                "source": finding.source,
            }
            for finding in record.findings
        ],
        "unanswered": record.unanswered,
        "message": record.message,
        "rules_version": record.rules_version,
        "decided_at": _rfc3339(record.decided_at),
        "valid_until": _rfc3339(record.valid_until) if record.valid_until else None,
        "token": token,
        "case": case_label(record.case_number) if record.case_number else None,
    }


def close_as_urgent(
    session: Session, conversation_id: str, words: str, rulebook: Rulebook, now: datetime
) -> Optional[str]:
    """End an open screen with the outcome `urgent`; returns the decision's id.

    A screen whose client has not consented is ended without a decision.
    """
    screen = open_screen(session, conversation_id)
    if screen is None:
        return None
    state = screen.state
    keep(screen, state, "decided")
    if state["state"] == "consent":
        return None
    alarm = Finding("alarming_symptom", "present", "text", words, "practice.alarming", "urgent", rule="emergency_layer")
    said = [Finding.from_dict(f) for found in state["findings"].values() for f in found]
    decision = decide(rulebook, state["answers"], state["follow_ups"], [*said, alarm], now)
    return str(record_decision(session, conversation_id, decision, screen.id).id)


def _kept(position: int, finding: Finding) -> FindingRecord:
    return FindingRecord(
        position=position,
        condition=finding.condition,
        status=finding.status,
        origin=finding.origin,
        evidence=finding.evidence,
        source=finding.source,
        rule=finding.rule,
    )


def naive(moment: datetime) -> datetime:
    """A moment with a zone as the tables keep it: UTC, without one."""
    return moment.astimezone(timezone.utc).replace(tzinfo=None)


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds") + "Z"
