"""The tables, in SQLAlchemy's declarative style.

Times are UTC, kept as naive datetimes so that SQLite and PostgreSQL compare
them alike; `utcnow` is the one place that makes them.
"""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any, List, Optional

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, declarative_base, relationship

Base: Any = declarative_base()


def utcnow() -> datetime:
    """The time now, in UTC, without a zone marker."""
    return datetime.now(timezone.utc).replace(tzinfo=None)


class Conversation(Base):
    """One client on one channel. The id is unguessable and made by the server."""

    __tablename__ = "conversations"
    id: Mapped[str] = Column(String(64), primary_key=True)
    channel: Mapped[str] = Column(String(20), nullable=False)
    created_at: Mapped[datetime] = Column(DateTime, nullable=False, default=utcnow)


class StoredMessage(Base):
    """One line of the transcript, from whichever side. Appended, never changed.

    `seq` orders a conversation and is what an event stream resumes from.
    A client's message carries the `request_key` of the request that brought it;
    the replies to it point back at it, so that a repeated request finds them.
    A `pushed` message answers no request: it reaches the client by itself.
    """

    __tablename__ = "messages"
    seq: Mapped[int] = Column(Integer, primary_key=True, autoincrement=True)
    id: Mapped[str] = Column(String(32), nullable=False, unique=True)
    conversation_id: Mapped[str] = Column(
        String(64), ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False
    )
    sender: Mapped[str] = Column(String(10), nullable=False)
    at: Mapped[datetime] = Column(DateTime, nullable=False, default=utcnow)
    text: Mapped[str] = Column(Text, nullable=False)
    kind: Mapped[Optional[str]] = Column(String(20))
    sources: Mapped[List[str]] = Column(JSON, nullable=False, default=list)
    buttons: Mapped[List[Any]] = Column(JSON, nullable=False, default=list)
    decision: Mapped[Optional[Any]] = Column(JSON)
    case_number: Mapped[Optional[int]] = Column(Integer)
    reply_to: Mapped[Optional[int]] = Column(Integer)
    request_key: Mapped[Optional[str]] = Column(String(80))
    request_digest: Mapped[Optional[str]] = Column(String(64))
    answered: Mapped[bool] = Column(Boolean, nullable=False, default=False)
    pressed: Mapped[bool] = Column(Boolean, nullable=False, default=False)
    pushed: Mapped[bool] = Column(Boolean, nullable=False, default=False)

    __table_args__ = (
        UniqueConstraint("conversation_id", "request_key", name="one_request_per_key"),
        Index("messages_of_conversation", "conversation_id", "seq"),
        Index("replies_to_message", "reply_to"),
        # all that the desk's figures count by, so that they never read the texts
        Index("messages_by_time", "at", "sender", "kind"),
        {"sqlite_autoincrement": True},
    )


class Offer(Base):
    """A button that a conversation was shown: the only payloads it may send back."""

    __tablename__ = "offers"
    conversation_id: Mapped[str] = Column(
        String(64), ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True
    )
    payload: Mapped[str] = Column(String(200), primary_key=True)
    title: Mapped[str] = Column(String(200), nullable=False)


class TrackerState(Base):
    """Rasa's tracker of a conversation, bounded: one row, rewritten each turn."""

    __tablename__ = "trackers"
    conversation_id: Mapped[str] = Column(String(64), primary_key=True)
    state: Mapped[str] = Column(Text, nullable=False)
    updated_at: Mapped[datetime] = Column(DateTime, nullable=False, default=utcnow)


class Screen(Base):
    """A contraindication screen in progress or done, as the interview's own state."""

    __tablename__ = "screens"
    id: Mapped[str] = Column(String(32), primary_key=True)
    conversation_id: Mapped[str] = Column(
        String(64), ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False
    )
    state: Mapped[Any] = Column(JSON, nullable=False)
    status: Mapped[str] = Column(String(12), nullable=False, default="open")
    rules_version: Mapped[str] = Column(String(40), nullable=False)
    started_at: Mapped[datetime] = Column(DateTime, nullable=False, default=utcnow)
    updated_at: Mapped[datetime] = Column(DateTime, nullable=False, default=utcnow)

    __table_args__ = (
        Index(
            "one_open_screen",
            "conversation_id",
            unique=True,
            sqlite_where=text("status = 'open'"),
            postgresql_where=text("status = 'open'"),
        ),
    )


class DecisionRecord(Base):
    """A decision of the screen, kept as it was told, with what led to it.

    `ruling` is what the therapist made of it: `approved`, `declined` or nothing yet.
    """

    __tablename__ = "decisions"
    id: Mapped[str] = Column(String(32), primary_key=True)
    conversation_id: Mapped[Optional[str]] = Column(
        String(64), ForeignKey("conversations.id", ondelete="CASCADE"), index=True
    )
    screen_id: Mapped[Optional[str]] = Column(String(32))
    outcome: Mapped[str] = Column(String(20), nullable=False)
    unanswered: Mapped[List[str]] = Column(JSON, nullable=False)
    rules_fired: Mapped[List[str]] = Column(JSON, nullable=False)
    rules_version: Mapped[str] = Column(String(40), nullable=False)
    notes: Mapped[List[str]] = Column(JSON, nullable=False)
    message: Mapped[str] = Column(Text, nullable=False)
    decided_at: Mapped[datetime] = Column(DateTime, nullable=False)
    valid_until: Mapped[Optional[datetime]] = Column(DateTime)
    case_number: Mapped[Optional[int]] = Column(Integer)
    ruling: Mapped[Optional[str]] = Column(String(10))
    ruled_at: Mapped[Optional[datetime]] = Column(DateTime)
    findings: Mapped[List[FindingRecord]] = relationship(
        "FindingRecord", order_by="FindingRecord.position", cascade="all, delete-orphan"
    )


class FindingRecord(Base):
    """One finding of a decision, with the client's own words and its source."""

    __tablename__ = "findings"
    decision_id: Mapped[str] = Column(String(32), ForeignKey("decisions.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = Column(Integer, primary_key=True)
    condition: Mapped[str] = Column(String(60), nullable=False)
    status: Mapped[str] = Column(String(20), nullable=False)
    origin: Mapped[str] = Column(String(20), nullable=False)
    evidence: Mapped[str] = Column(Text, nullable=False)
    source: Mapped[str] = Column(String(80), nullable=False)
    rule: Mapped[str] = Column(String(80), nullable=False)


class Case(Base):
    """Something a person must look at. One open case a conversation.

    `waiting_for` names who has the next word, `practice` or `client`, since
    `waiting_since`; nobody in a closed case.
    """

    __tablename__ = "cases"
    number: Mapped[int] = Column(Integer, primary_key=True, autoincrement=True)
    conversation_id: Mapped[str] = Column(
        String(64), ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False
    )
    status: Mapped[str] = Column(String(20), nullable=False, default="open")
    priority: Mapped[str] = Column(String(10), nullable=False)
    opened_at: Mapped[datetime] = Column(DateTime, nullable=False, default=utcnow)
    updated_at: Mapped[datetime] = Column(DateTime, nullable=False, default=utcnow)
    waiting_for: Mapped[Optional[str]] = Column(String(10), default="practice")
    waiting_since: Mapped[Optional[datetime]] = Column(DateTime, default=utcnow)
    first_reply_at: Mapped[Optional[datetime]] = Column(DateTime)
    closed_at: Mapped[Optional[datetime]] = Column(DateTime)
    note: Mapped[str] = Column(Text, nullable=False, default="")
    reasons: Mapped[List[CaseReason]] = relationship(
        "CaseReason", order_by="CaseReason.id", cascade="all, delete-orphan"
    )

    __table_args__ = (
        Index("cases_by_time", "opened_at", "priority"),
        Index(
            "one_open_case",
            "conversation_id",
            unique=True,
            sqlite_where=text("status <> 'closed'"),
            postgresql_where=text("status <> 'closed'"),
        ),
        {"sqlite_autoincrement": True},
    )

    @property
    def label(self) -> str:
        """How people name the case, for example `C-1042`."""
        return case_label(self.number)


class CaseReason(Base):
    """Why a case is open; a case gathers reasons while it stays open."""

    __tablename__ = "case_reasons"
    id: Mapped[int] = Column(Integer, primary_key=True, autoincrement=True)
    case_number: Mapped[int] = Column(
        Integer, ForeignKey("cases.number", ondelete="CASCADE"), nullable=False, index=True
    )
    reason: Mapped[str] = Column(String(20), nullable=False)
    words: Mapped[str] = Column(Text, nullable=False)
    decision_id: Mapped[Optional[str]] = Column(String(32))
    at: Mapped[datetime] = Column(DateTime, nullable=False, default=utcnow)


class AuditEntry(Base):
    """Who did what to which case, and when. Holds no word of a client and outlives the case."""

    __tablename__ = "audit"
    id: Mapped[int] = Column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = Column(DateTime, nullable=False, default=utcnow)
    action: Mapped[str] = Column(String(20), nullable=False)
    by: Mapped[str] = Column(String(80), nullable=False)
    case_number: Mapped[Optional[int]] = Column(Integer, index=True)

    __table_args__ = ({"sqlite_autoincrement": True},)


class OutboxRow(Base):
    """Something that must leave the house, written with what caused it and sent later.

    `due_at` empty means at once. A row that is being sent is claimed for a
    while by one server; one that was given up has `dead_at` and a `problem`.
    """

    __tablename__ = "outbox"
    id: Mapped[int] = Column(Integer, primary_key=True, autoincrement=True)
    kind: Mapped[str] = Column(String(20), nullable=False)
    key: Mapped[str] = Column(String(120), nullable=False, unique=True)
    payload: Mapped[Any] = Column(JSON, nullable=False)
    conversation_id: Mapped[Optional[str]] = Column(String(64), ForeignKey("conversations.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = Column(DateTime, nullable=False, default=utcnow)
    due_at: Mapped[Optional[datetime]] = Column(DateTime)
    attempts: Mapped[int] = Column(Integer, nullable=False, default=0)
    tried_at: Mapped[Optional[datetime]] = Column(DateTime)
    claimed_by: Mapped[Optional[str]] = Column(String(40))
    claimed_until: Mapped[Optional[datetime]] = Column(DateTime)
    sent_at: Mapped[Optional[datetime]] = Column(DateTime)
    dead_at: Mapped[Optional[datetime]] = Column(DateTime)
    problem: Mapped[Optional[str]] = Column(String(200))

    __table_args__ = (
        Index(
            "outbox_pending",
            "kind",
            "conversation_id",
            "id",
            sqlite_where=text("sent_at IS NULL AND dead_at IS NULL"),
            postgresql_where=text("sent_at IS NULL AND dead_at IS NULL"),
        ),
        Index("outbox_of_conversation", "conversation_id"),
        {"sqlite_autoincrement": True},
    )


class Checkin(Base):
    """Whether a client wants to be asked after a session, and where besides the chat.

    `consent` is empty until the client has answered; `asked` is what was asked last
    and waits for an answer.
    """

    __tablename__ = "checkins"
    conversation_id: Mapped[str] = Column(
        String(64), ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True
    )
    consent: Mapped[Optional[bool]] = Column(Boolean)
    email: Mapped[Optional[str]] = Column(String(254))
    held_on: Mapped[Optional[date]] = Column(Date)
    asked: Mapped[Optional[str]] = Column(String(10))
    updated_at: Mapped[datetime] = Column(DateTime, nullable=False, default=utcnow)


class Secret(Base):
    """A key the servers of one installation share, made at first start."""

    __tablename__ = "secrets"
    name: Mapped[str] = Column(String(40), primary_key=True)
    value: Mapped[str] = Column(Text, nullable=False)


class Check(Base):
    """A pre-booking check made through the eligibility API.

    It belongs to a conversation: the chat that made it, or one of its own, so
    that the therapist has one place for its words, cases and answers. The id
    is unguessable and known only to whoever made the check.
    """

    __tablename__ = "checks"
    id: Mapped[str] = Column(String(64), primary_key=True)
    conversation_id: Mapped[str] = Column(
        String(64), ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False, index=True
    )
    reference: Mapped[Optional[str]] = Column(String(200))
    rules_version: Mapped[str] = Column(String(40), nullable=False)
    created_at: Mapped[datetime] = Column(DateTime, nullable=False, default=utcnow)


class CheckEntry(Base):
    """One submission to a check with the decision that it led to. Appended, never changed.

    An entry that came with an idempotency key keeps the answer as it was given,
    for the caller who repeats the request.
    """

    __tablename__ = "check_entries"
    id: Mapped[int] = Column(Integer, primary_key=True, autoincrement=True)
    check_id: Mapped[str] = Column(String(64), ForeignKey("checks.id", ondelete="CASCADE"), nullable=False, index=True)
    at: Mapped[datetime] = Column(DateTime, nullable=False, default=utcnow)
    answers: Mapped[Any] = Column(JSON, nullable=False)
    follow_ups: Mapped[Any] = Column(JSON, nullable=False)
    findings: Mapped[List[Any]] = Column(JSON, nullable=False)
    decision_id: Mapped[str] = Column(String(32), ForeignKey("decisions.id", ondelete="CASCADE"), nullable=False)
    caller: Mapped[Optional[str]] = Column(String(80))
    request_key: Mapped[Optional[str]] = Column(String(80))
    request_digest: Mapped[Optional[str]] = Column(String(64))
    answer: Mapped[Optional[Any]] = Column(JSON)

    __table_args__ = (
        UniqueConstraint("caller", "request_key", name="one_check_entry_per_key"),
        {"sqlite_autoincrement": True},
    )


class DeskAccount(Base):
    """The therapist's password, as argon2 keeps it. One row."""

    __tablename__ = "desk_account"
    name: Mapped[str] = Column(String(20), primary_key=True)
    password_hash: Mapped[str] = Column(Text, nullable=False)
    changed_at: Mapped[datetime] = Column(DateTime, nullable=False, default=utcnow)


class DeskSession(Base):
    """A browser that is logged in. Its cookie is kept as a digest only: who reads this table cannot log in with it."""

    __tablename__ = "desk_sessions"
    digest: Mapped[str] = Column(String(64), primary_key=True)
    csrf: Mapped[str] = Column(String(64), nullable=False)
    created_at: Mapped[datetime] = Column(DateTime, nullable=False, default=utcnow)
    seen_at: Mapped[datetime] = Column(DateTime, nullable=False, default=utcnow)


class LoginCount(Base):
    """How often a log-in failed, by whom it was tried. `expires_at` is in seconds since 1970, UTC."""

    __tablename__ = "login_counts"
    key: Mapped[str] = Column(String(200), primary_key=True)
    count: Mapped[int] = Column(Integer, nullable=False)
    expires_at: Mapped[float] = Column(Float, nullable=False)


class CaseView(Base):
    """How far the therapist has read a case: the last message that was there when it was opened."""

    __tablename__ = "case_views"
    case_number: Mapped[int] = Column(Integer, ForeignKey("cases.number", ondelete="CASCADE"), primary_key=True)
    seen_seq: Mapped[int] = Column(Integer, nullable=False)
    seen_at: Mapped[datetime] = Column(DateTime, nullable=False, default=utcnow)


def case_label(number: int) -> str:
    """The public name of a case number."""
    return f"C-{number}"
