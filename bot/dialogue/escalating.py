"""Bringing in the therapist: what is passed on, and what the client is told.

The case is written in the turn's own transaction: it is there before the
client reads its number.
"""

from __future__ import annotations

from datetime import datetime
from typing import Optional

from sqlalchemy.orm import Session

from bot.dialogue.message import Message
from bot.escalation import add_reason, expected_answer, open_case_of, waiting_since
from bot.handout import Handout
from bot.settings import Settings

# which text tells the client what was passed on
TOLD = {
    "question": "question",
    "human": "human",
    "complaint": "complaint",
    "after_effect": "after_effect",
    "not_understood": "failed_twice",
}


class Escalating:
    """Opens cases and tells clients about them."""

    def __init__(self, handout: Handout, settings: Settings) -> None:
        self._handout = handout
        self._settings = settings

    def pass_on(self, session: Session, conversation_id: str, reason: str, words: str, now: datetime) -> Message:
        """Open the conversation's case, or add to it, and say so with its number.

        Who asks for a person again is told how the case stands.

        Args:
            reason: a key of `TOLD`.
            words: the client's words that are passed on.
            now: the moment, with a zone.
        """
        known = open_case_of(session, conversation_id)
        since = known.waiting_since if known is not None and known.waiting_for == "practice" else None
        case = add_reason(session, conversation_id, reason, words)
        if reason == "human" and since is not None:
            said = waiting_since(self._settings.timezone, since, now)
            text = self._handout.say("passed_on.waiting", case=case.label, since=said, when=self.when(now))
            return Message(text, "escalation", case=case.label)
        text = self._handout.say(
            "passed_on.added" if known is not None else f"passed_on.{TOLD[reason]}",
            case=case.label,
            when=self.when(now),
        )
        return Message(text, "escalation", case=case.label)

    def after_effect(
        self, session: Session, conversation_id: str, about: Optional[str], words: str, now: datetime
    ) -> Message:
        """Say what the handout calls normal, and pass on what goes beyond it.

        Args:
            about: the passage that says what is normal, when one does.
        """
        said = self._handout.say(f"after_effect.{about or 'other'}")
        told = self.pass_on(session, conversation_id, "after_effect", words, now)
        return Message(f"{said} {told.text}", "escalation", sources=(about,) if about else (), case=told.case)

    def when(self, now: datetime) -> str:
        """When an answer can be expected, in words that end a sentence."""
        return expected_answer(self._settings.practice_hours, self._settings.timezone, now)
