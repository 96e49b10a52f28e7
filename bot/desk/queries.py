"""What the pages show: the list of cases, one case with everything around it, what was not delivered, the log.

Reads only, except for how far the therapist has read a case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, List, Optional, Sequence

from sqlalchemy import and_, case, exists, func, or_, select
from sqlalchemy.orm import Session, selectinload

from bot.desk.errors import UnknownCase
from bot.desk.words import STATES, reason
from bot.escalation.cases import PRIORITIES
from bot.store.models import (
    AuditEntry,
    Case,
    CaseReason,
    CaseView,
    Conversation,
    DecisionRecord,
    OutboxRow,
    StoredMessage,
    case_label,
    utcnow,
)

CASES_A_PAGE = 50
ENTRIES_A_PAGE = 100
# of a long conversation the end is shown first
LATEST_MESSAGES = 30
LONGEST_SEARCH = 100
EXCERPT = 140

LABEL = re.compile(r"(?:c-?)?(\d{1,9})", re.I)
SHOWN = {"open": "Open", "waiting": "Waiting for you", "closed": "Closed", "all": "All"}


@dataclass(frozen=True)
class CaseLine:
    """One line of the list of cases. Times are UTC without a zone."""

    number: int
    label: str
    status: str
    priority: str
    reasons: Sequence[str]
    channel: str
    opened_at: datetime
    waiting_for: Optional[str]
    waiting_since: Optional[datetime]
    closed_at: Optional[datetime]
    unread: bool
    excerpt: str


@dataclass(frozen=True)
class CaseList:
    """A page of the list, and what the whole holds."""

    lines: Sequence[CaseLine]
    more: bool
    counts: Counts


@dataclass(frozen=True)
class Counts:
    """What the head of every page tells."""

    waiting: int
    urgent: int
    undelivered: int


@dataclass(frozen=True)
class CaseFile:
    """One case with everything around it."""

    case: Case
    channel: str
    reasons: Sequence[CaseReason]
    messages: Sequence[StoredMessage]
    earlier: int
    decisions: Sequence[DecisionRecord]
    others: Sequence[Case]
    last_reply: int

    @property
    def pending(self) -> Optional[DecisionRecord]:
        """The decision that waits for the therapist, or None."""
        return (
            next((one for one in self.decisions if may_be_ruled(one)), None) if self.case.status != "closed" else None
        )


def may_be_ruled(decision: DecisionRecord) -> bool:
    """Whether the therapist can still approve or decline it."""
    return decision.ruling is None and decision.outcome not in ("eligible", "incomplete")


def case_number(text: str) -> Optional[int]:
    """The number in "C-1042" or "1042", or None."""
    found = LABEL.fullmatch(text.strip())
    return int(found[1]) if found else None


def counts(session: Session) -> Counts:
    """How much waits for the therapist."""
    waiting, urgent = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(case((Case.priority == "urgent", 1), else_=0)), 0),
        ).where(Case.status != "closed", Case.waiting_for == "practice")
    ).one()
    dead = session.scalar(select(func.count()).select_from(OutboxRow).where(OutboxRow.dead_at.is_not(None)))
    return Counts(int(waiting), int(urgent), int(dead or 0))


def list_cases(session: Session, shown: str = "open", search: str = "", page: int = 1) -> CaseList:
    """Cases: urgent first, then those who wait for the therapist, the longest waiting first; closed ones newest first.

    Args:
        shown: a key of `SHOWN`.
        search: a number, a state, or words of the conversation, of a reason or of the note; looks at all cases.
        page: from 1.
    """
    last_word = (
        select(func.max(StoredMessage.seq))
        .where(StoredMessage.conversation_id == Case.conversation_id, StoredMessage.sender == "client")
        .correlate(Case)
        .scalar_subquery()
    )
    last_reason = (
        select(func.max(CaseReason.at)).where(CaseReason.case_number == Case.number).correlate(Case).scalar_subquery()
    )
    query = (
        select(Case, Conversation.channel, CaseView.seen_seq, CaseView.seen_at, last_word, last_reason)
        .join(Conversation, Conversation.id == Case.conversation_id)
        .join(CaseView, CaseView.case_number == Case.number, isouter=True)
        .options(selectinload(Case.reasons))
        .order_by(
            Case.status == "closed",
            case((Case.status == "closed", Case.closed_at)).desc(),
            case({name: rank for rank, name in enumerate(PRIORITIES)}, value=Case.priority),
            case((Case.waiting_for == "practice", 0), else_=1),
            Case.waiting_since,
            Case.number,
        )
        .offset((page - 1) * CASES_A_PAGE)
        .limit(CASES_A_PAGE + 1)
    )
    query = query.where(_matching(search) if search else _shown(shown))
    rows = session.execute(query).all()
    excerpts = _excerpts(session, [row[4] for row in rows if row[4] is not None])
    lines = [
        CaseLine(
            number=one.number,
            label=one.label,
            status=one.status,
            priority=one.priority,
            reasons=list(dict.fromkeys(reason(each.reason) for each in one.reasons)),
            channel=channel,
            opened_at=one.opened_at,
            waiting_for=one.waiting_for,
            waiting_since=one.waiting_since,
            closed_at=one.closed_at,
            unread=one.status != "closed" and _unread(seen_seq, seen_at, last_seq, reason_at),
            excerpt=excerpts.get(last_seq, one.reasons[-1].words[:EXCERPT] if one.reasons else ""),
        )
        for one, channel, seen_seq, seen_at, last_seq, reason_at in rows[:CASES_A_PAGE]
    ]
    return CaseList(lines, len(rows) > CASES_A_PAGE, counts(session))


def case_file(session: Session, number: int, whole: bool = False) -> CaseFile:
    """One case.

    Args:
        whole: the whole conversation, not only its end.

    Raises:
        UnknownCase: there is none of this number, or it was deleted with its conversation.
    """
    found = session.scalars(select(Case).where(Case.number == number).options(selectinload(Case.reasons))).first()
    if found is None:
        raise UnknownCase(f"There is no case {case_label(number)}. It may have been deleted at the client's wish.")
    conversation = session.get(Conversation, found.conversation_id)
    messages = select(StoredMessage).where(StoredMessage.conversation_id == found.conversation_id)
    latest = messages.order_by(StoredMessage.seq.desc())
    kept = list(session.scalars(latest if whole else latest.limit(LATEST_MESSAGES)))[::-1]
    earlier = 0
    if kept and not whole:
        earlier = session.scalar(
            select(func.count())
            .select_from(StoredMessage)
            .where(StoredMessage.conversation_id == found.conversation_id, StoredMessage.seq < kept[0].seq)
        )
    decisions = session.scalars(
        select(DecisionRecord)
        .where(DecisionRecord.conversation_id == found.conversation_id, DecisionRecord.outcome != "incomplete")
        .order_by(DecisionRecord.decided_at.desc())
        .options(selectinload(DecisionRecord.findings))
    )
    others = session.scalars(
        select(Case)
        .where(Case.conversation_id == found.conversation_id, Case.number != number)
        .order_by(Case.number.desc())
    )
    return CaseFile(
        case=found,
        channel=conversation.channel if conversation else "",
        reasons=list(found.reasons),
        messages=kept,
        earlier=int(earlier or 0),
        decisions=list(decisions),
        others=list(others),
        last_reply=last_reply(session, found.conversation_id),
    )


def last_reply(session: Session, conversation_id: str) -> int:
    """The `seq` of the therapist's last message in a conversation, 0 without one."""
    return int(
        session.scalar(
            select(func.max(StoredMessage.seq)).where(
                StoredMessage.conversation_id == conversation_id, StoredMessage.sender == "therapist"
            )
        )
        or 0
    )


def mark_read(session: Session, file: CaseFile) -> None:
    """Remember that the therapist has seen the case as `file` shows it."""
    seen = file.messages[-1].seq if file.messages else 0
    session.merge(CaseView(case_number=file.case.number, seen_seq=seen, seen_at=utcnow()))


def log_entries(session: Session, page: int = 1, number: Optional[int] = None) -> List[AuditEntry]:
    """Who did what to which case, newest first; one more than a page, if there are more."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc())
    if number is not None:
        query = query.where(AuditEntry.case_number == number)
    return list(session.scalars(query.offset((page - 1) * ENTRIES_A_PAGE).limit(ENTRIES_A_PAGE + 1)))


def version(session: Session) -> str:
    """Changes whenever a page of the desk may look different; says nothing itself."""
    newest = select(func.max(StoredMessage.seq)).join(Case, Case.conversation_id == StoredMessage.conversation_id)
    parts = (
        session.scalar(newest.where(Case.status != "closed")),
        session.scalar(select(func.max(Case.updated_at))),
        session.scalar(select(func.max(CaseReason.id))),
        session.scalar(select(func.max(OutboxRow.dead_at))),
        session.scalar(select(func.count()).select_from(OutboxRow).where(OutboxRow.dead_at.is_not(None))),
    )
    return "-".join(re.sub(r"\D", "", str(part)) or "0" for part in parts)


def _shown(shown: str) -> Any:
    if shown == "closed":
        return Case.status == "closed"
    if shown == "waiting":
        return and_(Case.status != "closed", Case.waiting_for == "practice")
    return Case.status != "closed" if shown == "open" else Case.number > 0


def _matching(search: str) -> Any:
    number = case_number(search)
    if number is not None:
        return Case.number == number
    words = search.strip()[:LONGEST_SEARCH].lower()
    states = [name for name, told in STATES.items() if words in (told.lower(), name.replace("_", " "))]
    if states:
        return Case.status.in_(states)
    pattern = "%" + re.sub(r"([\\%_])", r"\\\1", words) + "%"
    said = exists().where(
        StoredMessage.conversation_id == Case.conversation_id,
        func.lower(StoredMessage.text).like(pattern, escape="\\"),
    )
    passed_on = exists().where(
        CaseReason.case_number == Case.number, func.lower(CaseReason.words).like(pattern, escape="\\")
    )
    return or_(said, passed_on, func.lower(Case.note).like(pattern, escape="\\"))


def _unread(seen: Optional[int], seen_at: Optional[datetime], last: Optional[int], added: Optional[datetime]) -> bool:
    if seen is None or seen_at is None:
        return True
    return (last is not None and last > seen) or (added is not None and added > seen_at)


def _excerpts(session: Session, seqs: Sequence[int]) -> dict[int, str]:
    rows = session.execute(
        select(StoredMessage.seq, func.substr(StoredMessage.text, 1, EXCERPT)).where(StoredMessage.seq.in_(seqs))
    )
    return dict(rows.all())
