"""Keeping checks: one transaction a submission, every decision kept.

What was submitted, the decision on it, the case and the answer to the caller
are written together, before the caller reads them. This module must not know
HTTP, and it decides nothing about health: the engine does.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.booking import BookingTokens
from bot.dialogue.screening import COUNTED_EARLIER, filled
from bot.dialogue.screens import (
    UNDECIDED,
    as_contract,
    earlier_words,
    may_book,
    naive,
    record_decision,
    refer,
    told_passages,
)
from bot.eligibility.facts import Entry, Facts, add, hear
from bot.eligibility.submission import Submission
from bot.emergency import EmergencyDetector
from bot.escalation import expected_answer
from bot.handout import Handout
from bot.screening import Decision, Finding, Rulebook
from bot.screening.reader import Reader
from bot.settings import Settings
from bot.store.database import Database
from bot.store.models import Check, CheckEntry, Conversation, DecisionRecord, StoredMessage

CHANNEL = "eligibility"
# what is not said to be over yet, and so is nobody's case


class CheckError(Exception):
    """A check cannot be used as asked; the text says why and what to do."""


class UnknownCheck(CheckError):
    """There is no check with this id."""


class ForeignCheck(CheckError):
    """The check belongs to somebody else."""


class Conflict(CheckError):
    """The request contradicts what is known of the check or of the request."""


class _Raced(Conflict):
    """The same request was answered by another server meanwhile."""


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        name: stands for the caller wherever requests are told apart; no address, no key.
        partner: a booking site with an API key; it may use every check.
        conversation: the chat that the caller speaks for.
        check: the check that the caller's token speaks for.
    """

    name: str
    partner: bool = False
    conversation: str | None = None
    check: str | None = None

    @property
    def known(self) -> bool:
        """Whether the caller showed a key or a token."""
        return self.partner or self.conversation is not None or self.check is not None


@dataclass(frozen=True)
class Request:
    """A request that a caller may repeat: its idempotency key, and a digest of what it says."""

    key: str | None
    digest: str


class Checks:
    """Makes checks, adds to them, reads them back. Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        rulebook: Rulebook,
        reader: Reader,
        detector: EmergencyDetector,
        handout: Handout,
        tokens: BookingTokens,
        settings: Settings,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._database = database
        self.rulebook = rulebook
        self._reader = reader
        self._detector = detector
        self._handout = handout
        self.booking_tokens = tokens
        self._settings = settings
        self._clock = clock

    def make(self, submission: Submission, caller: Caller, request: Request) -> dict[str, Any]:
        """A new check; returns the contract's Decision.

        Raises:
            InvalidSubmission: answers that do not go together.
            Conflict: the idempotency key belongs to another request.
            UnknownCheck: the caller's conversation is gone.
        """
        return self._submit(submission, caller, request, None)

    def add(self, check_id: str, submission: Submission, caller: Caller, request: Request) -> dict[str, Any]:
        """Add to a check and decide again; returns the contract's Decision.

        Raises:
            UnknownCheck, ForeignCheck: see there.
            InvalidSubmission: answers that do not go together.
            Conflict: the check is too old, was asked by other rules, or is a chat's;
                or the idempotency key belongs to another request.
        """
        return self._submit(submission, caller, request, check_id)

    def read(self, check_id: str, caller: Caller) -> dict[str, Any]:
        """The latest decision on a check, or a decision made in chat, by its id.

        While one that allows booking is valid, it comes with a fresh booking token.

        Raises:
            UnknownCheck, ForeignCheck: see there.
        """
        with self._database.reading() as session:
            check = session.get(Check, check_id)
            record = session.get(
                DecisionRecord, check_id if check is None else _entries(session, check_id)[-1].decision_id
            )
            if record is None:
                raise UnknownCheck("There is no check with this id. Make one with POST /eligibility/checks.")
            conversation_id = record.conversation_id if check is None else check.conversation_id
            _allow(caller, check_id, conversation_id)
            return self._told(record, check_id)

    def _submit(self, submission: Submission, caller: Caller, request: Request, check_id: str | None) -> dict[str, Any]:
        now = self._clock()
        # reading takes most of the time and no lock
        heard = hear(submission, self.rulebook, self._reader, now)
        try:
            return self._write(submission, heard, caller, request, check_id, now)
        except _Raced:
            return self._write(submission, heard, caller, request, check_id, now)

    def _write(
        self,
        submission: Submission,
        heard: Entry,
        caller: Caller,
        request: Request,
        check_id: str | None,
        now: datetime,
    ) -> dict[str, Any]:
        with self._database.transaction() as session:
            if request.key is not None:
                known = _answered(session, caller, request)
                if known is not None:
                    return known
            if check_id is None:
                check, facts, told = self._open(session, submission, caller, now), Facts(), False
                heard = Entry(heard.answers, heard.follow_ups, (*self._earlier(session, caller, now), *heard.findings))
            else:
                check, facts, told = self._reopen(session, check_id, caller, now)
                check.reference = submission.reference or check.reference
            entry = add(facts, submission, heard, self.rulebook, told)
            facts.take(entry, self.rulebook)
            record = self._decide(session, check, submission, facts.decide(self.rulebook, now), now)
            answer = self._told(record, check.id)
            session.add(
                CheckEntry(
                    check_id=check.id,
                    answers=dict(entry.answers),
                    follow_ups=dict(entry.follow_ups),
                    findings=[finding.to_dict() for finding in entry.findings],
                    decision_id=record.id,
                    caller=caller.name if request.key is not None else None,
                    request_key=request.key,
                    request_digest=request.digest,
                    answer=answer if request.key is not None else None,
                )
            )
            try:
                session.flush()
            except IntegrityError as error:
                raise _Raced("This request is being answered already. Send it again in a moment.") from error
            return answer

    def _open(self, session: Session, submission: Submission, caller: Caller, now: datetime) -> Check:
        conversation_id = caller.conversation
        if conversation_id is None:
            conversation_id = secrets.token_urlsafe(24)
            session.add(Conversation(id=conversation_id, channel=CHANNEL))
            session.flush()
        elif session.get(Conversation, conversation_id) is None:
            raise UnknownCheck(
                "This conversation does not exist any more. Start a new one, or check without its token."
            )
        check = Check(
            id=secrets.token_urlsafe(24),
            conversation_id=conversation_id,
            reference=submission.reference,
            rules_version=self.rulebook.version,
            created_at=naive(now),
        )
        session.add(check)
        return check

    def _reopen(self, session: Session, check_id: str, caller: Caller, now: datetime) -> tuple[Check, Facts, bool]:
        """The check, what is known of it, and whether an outcome was told."""
        # locked: two additions at once must both count (SQLite has one writer anyway)
        check = session.get(Check, check_id, with_for_update=True)
        if check is None:
            if session.get(DecisionRecord, check_id) is not None:
                raise Conflict("This decision was made in chat. Go on there, or make a check of its own.")
            raise UnknownCheck("There is no check with this id. Make one with POST /eligibility/checks.")
        if caller.known:
            _allow(caller, check_id, check.conversation_id)
        if check.rules_version != self.rulebook.version:
            raise Conflict("The questions have changed since this check was made. Please make a new one.")
        if check.created_at + timedelta(days=self.rulebook.validity_days) < naive(now):
            raise Conflict("This check is too old to be added to. Please make a new one.")
        entries = _entries(session, check_id)
        facts = Facts.of((_entry(row) for row in entries), self.rulebook)
        return check, facts, session.get(DecisionRecord, entries[-1].decision_id).outcome != UNDECIDED

    def _earlier(self, session: Session, caller: Caller, now: datetime) -> list[Finding]:
        """What was said in the chat that makes the check counts, as it does in the chat's own screen."""
        if caller.conversation is None:
            return []
        return [
            finding
            for words in earlier_words(session, caller.conversation)
            for finding in self._reader.read(words, now.date()).findings
            if finding.counts and finding.rule != "second_reader" and finding.condition in COUNTED_EARLIER
        ]

    def _decide(
        self, session: Session, check: Check, submission: Submission, decision: Decision, now: datetime
    ) -> DecisionRecord:
        record = record_decision(session, check.conversation_id, decision, None)
        record.message = self._message(decision)
        case = refer(session, record, decision)
        if case is not None and decision.outcome != "urgent":
            # nobody is told to wait for an answer in an emergency
            when = expected_answer(self._settings.practice_hours, self._settings.timezone, now)
            record.message += " " + self._handout.say("screen.case", case=case.label, when=when)
        self._transcribe(session, check, submission, decision, record)
        return record

    def _message(self, decision: Decision) -> str:
        alarms = [finding.evidence for finding in decision.findings if finding.rule == "emergency_layer"]
        # each alarm has its own advice; the rules know only a general one
        alarm = self._detector.check(alarms[-1]) if alarms else None
        if alarm is not None:
            return alarm.render(
                emergency_number=self._settings.emergency_number,
                practice_phone=self._settings.practice_phone or self._settings.practice_name,
            )
        return filled(decision, self._settings)

    def _transcribe(
        self, session: Session, check: Check, submission: Submission, decision: Decision, record: DecisionRecord
    ) -> None:
        """Put words and decision where the therapist reads them."""
        reply_to = None
        if submission.text is not None:
            said = _line(check, "client", submission.text, "notice")
            session.add(said)
            session.flush()
            reply_to = said.seq
        line = _line(check, "assistant", record.message, "emergency" if decision.outcome == "urgent" else "decision")
        line.sources = told_passages(decision)
        # without the token: the transcript is not where somebody books
        line.decision = {**as_contract(record, None), "id": check.id}
        line.case_number = record.case_number
        line.reply_to = reply_to
        session.add(line)

    def _told(self, record: DecisionRecord, check_id: str) -> dict[str, Any]:
        now = self._clock()
        # named by the decision, not by the check: whoever sees the token cannot add to the check
        token = self.booking_tokens.issue(record.id, now) if may_book(record, self.rulebook, now) else None
        return {**as_contract(record, token), "id": check_id}


def _allow(caller: Caller, check_id: str, conversation_id: str | None) -> None:
    mine = caller.check == check_id or (conversation_id is not None and caller.conversation == conversation_id)
    if not caller.partner and not mine:
        raise ForeignCheck("This token belongs to another check or conversation. Send the one that made this check.")


def _answered(session: Session, caller: Caller, request: Request) -> dict[str, Any] | None:
    """The first answer to a repeated request, or None."""
    row = session.scalars(
        select(CheckEntry).where(CheckEntry.caller == caller.name, CheckEntry.request_key == request.key)
    ).first()
    if row is None:
        return None
    if row.request_digest != request.digest:
        raise Conflict("This Idempotency-Key was used for another request. Use a new key for a new request.")
    return dict(row.answer)


def _entries(session: Session, check_id: str) -> list[CheckEntry]:
    return list(session.scalars(select(CheckEntry).where(CheckEntry.check_id == check_id).order_by(CheckEntry.id)))


def _entry(row: CheckEntry) -> Entry:
    return Entry(row.answers, row.follow_ups, tuple(Finding.from_dict(finding) for finding in row.findings))


def _line(check: Check, sender: str, text: str, kind: str) -> StoredMessage:
    return StoredMessage(
        id=secrets.token_hex(12),
        conversation_id=check.conversation_id,
        sender=sender,
        text=text,
        kind=kind,
        sources=[],
        buttons=[],
        answered=True,
    )
