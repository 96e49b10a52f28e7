"""What the therapist does with a case: the step, what the client reads, what goes out, the audit.

Each method works in the caller's transaction, so that a step and all that
follows from it are there together or not at all. It must not know pages.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Callable, List, Optional

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from bot.booking import PUSHED_LIFE, BookingTokens
from bot.dialogue.message import Message
from bot.dialogue.screens import UNDECIDED, as_contract
from bot.dialogue.transcript import add_messages
from bot.escalation import audit, cases, outbox
from bot.escalation.cases import CaseError, case_of
from bot.handout import Handout
from bot.settings import Settings
from bot.store.models import Case, Check, CheckEntry, DecisionRecord, StoredMessage

LONGEST_REPLY = 4000
LONGEST_NOTE = 4000
# what a therapist can rule on; an eligible client books anyway
APPROVED = "approved"
DECLINED = "declined"


class Casework:
    """The therapist's steps. Safe to share between threads.

    Args:
        validity_days: how long an approval holds, as a decision of the screen does.
    """

    def __init__(
        self,
        handout: Handout,
        settings: Settings,
        tokens: BookingTokens,
        validity_days: int,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._handout = handout
        self._settings = settings
        self._tokens = tokens
        self._validity = timedelta(days=validity_days)
        self._clock = clock

    def view(self, session: Session, number: int, by: str) -> Case:
        """A case with its reasons, for somebody who opens it; the log keeps who did.

        Raises:
            NoSuchCase: there is none.
        """
        case = case_of(session, number)
        audit.note(session, "viewed", by, number)
        return case

    def take_over(self, session: Session, number: int, by: str) -> Case:
        """Silence the assistant and tell the client that the therapist is there.

        Raises:
            CaseError: the case is taken over or closed already.
        """
        case = case_of(session, number)
        joined = case.status == cases.OPEN
        cases.step(session, case, "take_over", self._now())
        audit.note(session, "taken_over", by, number)
        if joined:
            self._tell(session, case, "takeover.started")
        return case

    def reply(
        self,
        session: Session,
        number: int,
        text: str,
        by: str,
        request_key: str,
        seen: Optional[int] = None,
    ) -> StoredMessage:
        """Answer the client; an open case is taken over with it.

        Args:
            text: 1 to `LONGEST_REPLY` characters, as the client will read them.
            request_key: names the request; repeating it adds nothing and returns the first message.
            seen: the `seq` of the newest message that the writer had in view.

        Raises:
            CaseError: the text cannot be sent, the case is closed, or somebody else answered meanwhile.
        """
        words = _words(text, LONGEST_REPLY, "A reply")
        case = case_of(session, number)
        key = f"desk:{request_key}"
        known = session.scalars(
            select(StoredMessage).where(
                StoredMessage.conversation_id == case.conversation_id, StoredMessage.request_key == key
            )
        ).first()
        if known is not None:
            return known
        if seen is not None and self._answered_after(session, case, seen):
            raise CaseError(
                f"Somebody has answered in {case.label} since you opened it. "
                "Read the new message, then send yours if it is still needed."
            )
        if case.status == cases.OPEN:
            self.take_over(session, number, by)
        cases.step(session, case, "reply", self._now())
        audit.note(session, "replied", by, number)
        message = Message(words, "answer", case=case.label).as_dict()
        (stored,) = add_messages(
            session, case.conversation_id, [message], sender="therapist", pushed=True, request_key=key
        )
        return stored

    def close(self, session: Session, number: int, note: str, by: str) -> Case:
        """Close with a note for the practice; the client learns that the assistant is back.

        Raises:
            CaseError: it is closed already, or the note is too long.
        """
        if len(note) > LONGEST_NOTE:
            raise CaseError(f"A note may have up to {LONGEST_NOTE:,} characters; this one has {len(note):,}.")
        case = case_of(session, number)
        silent = case.status in cases.THERAPISTS
        cases.step(session, case, "close", self._now())
        case.note = note.strip()
        audit.note(session, "closed", by, number)
        if silent:
            self._tell(session, case, "takeover.ended")
        return case

    def reopen(self, session: Session, number: int, by: str) -> Case:
        """Open a closed case again.

        Raises:
            CaseError: it is not closed, or the client has a newer case that is open.
        """
        case = case_of(session, number)
        cases.step(session, case, "reopen", self._now())
        audit.note(session, "reopened", by, number)
        session.flush()
        return case

    def approve(self, session: Session, number: int, decision_id: str, by: str) -> DecisionRecord:
        """Let a client book whom the screen did not: token for the client, webhook for the booking site.

        The outcome stays what the screen found; the ruling stands beside it.

        Raises:
            CaseError: the decision is not this case's, is ruled on, or leaves nothing to rule on.
        """
        case, record = self._rule(session, number, decision_id, APPROVED, by)
        record.valid_until = self._now() + self._validity
        if self._settings.booking_url:
            text = self._handout.say("ruling.approved")
        else:
            text = self._handout.say("ruling.approved_in_person", practice_name=self._settings.practice_name)
        self._told(session, case, record, text)
        return record

    def decline(self, session: Session, number: int, decision_id: str, by: str) -> DecisionRecord:
        """Tell the client, kindly, that this is not for booking online.

        Raises:
            CaseError: the decision is not this case's, is ruled on, or leaves nothing to rule on.
        """
        case, record = self._rule(session, number, decision_id, DECLINED, by)
        self._told(session, case, record, self._handout.say("ruling.declined"))
        return record

    def decisions(self, session: Session, case: Case) -> List[DecisionRecord]:
        """The decisions of the case's conversation with their findings, newest first."""
        return list(
            session.scalars(
                select(DecisionRecord)
                .where(DecisionRecord.conversation_id == case.conversation_id)
                .order_by(DecisionRecord.decided_at.desc())
                .options(selectinload(DecisionRecord.findings))
            )
        )

    def _rule(
        self, session: Session, number: int, decision_id: str, ruling: str, by: str
    ) -> tuple[Case, DecisionRecord]:
        case = case_of(session, number)
        record = session.get(DecisionRecord, decision_id, with_for_update=True)
        if record is None or record.conversation_id != case.conversation_id:
            raise CaseError(f"This decision does not belong to {case.label}. Reload to see the case as it is now.")
        if record.ruling is not None:
            raise CaseError(f"This decision was {record.ruling} already. Reload to see the case as it is now.")
        if record.outcome == "eligible":
            raise CaseError("The client may book already: the screen found nothing against it.")
        if record.outcome == UNDECIDED:
            raise CaseError("The client has not answered every question yet, so there is nothing to decide.")
        if case.status == cases.CLOSED:
            raise CaseError(f"{case.label} is closed. Reopen it to decide.")
        record.ruling = ruling
        record.ruled_at = self._now()
        audit.note(session, ruling, by, number)
        cases.answered(session, case, self._now())
        return case, record

    def _told(self, session: Session, case: Case, record: DecisionRecord, text: str) -> None:
        record.message = text
        token = self._tokens.issue(record.id, self._clock(), PUSHED_LIFE) if record.ruling == APPROVED else None
        check = session.scalars(
            select(Check).join(CheckEntry, CheckEntry.check_id == Check.id).where(CheckEntry.decision_id == record.id)
        ).first()
        told = as_contract(record, token)
        if check is not None:
            told["id"] = check.id
        message = Message(text, "decision", decision=told, case=case.label).as_dict()
        add_messages(session, case.conversation_id, [message], pushed=True)
        outbox.add(
            session,
            outbox.WEBHOOK,
            f"webhook:{record.id}:{record.ruling}",
            {
                "ruling": record.ruling,
                "decision": record.id,
                "id": told["id"],
                "reference": check.reference if check is not None else None,
                "case": case.label,
            },
            conversation_id=case.conversation_id,
        )

    def _tell(self, session: Session, case: Case, key: str) -> None:
        message = Message(self._handout.say(key), "notice", case=case.label).as_dict()
        add_messages(session, case.conversation_id, [message], pushed=True)

    @staticmethod
    def _answered_after(session: Session, case: Case, seen: int) -> bool:
        newer = session.scalars(
            select(StoredMessage.seq)
            .where(
                StoredMessage.conversation_id == case.conversation_id,
                StoredMessage.sender == "therapist",
                StoredMessage.seq > seen,
            )
            .limit(1)
        ).first()
        return newer is not None

    def _now(self) -> datetime:
        return self._clock().astimezone(timezone.utc).replace(tzinfo=None)


def _words(text: str, longest: int, what: str) -> str:
    words = text.strip()
    if not words:
        raise CaseError(f"{what} needs some words.")
    if len(words) > longest:
        raise CaseError(f"{what} may have up to {longest:,} characters; this one has {len(words):,}. Send it in parts.")
    return words
