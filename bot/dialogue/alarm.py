"""An emergency: what the client reads at once, and the urgent case.

Used before Rasa by the channels and as a second net by the dialogue. A screen
that is open ends with the outcome `urgent`: after an alarm nobody goes on to
be told that they may be treated.
"""

from __future__ import annotations

from datetime import datetime, timezone

from sqlalchemy.orm import Session

from bot.dialogue.message import Message
from bot.dialogue.screens import close_as_urgent
from bot.emergency import Emergency, EmergencyDetector
from bot.emergency.rules import CATEGORIES
from bot.escalation import add_reason
from bot.screening import Rulebook
from bot.settings import Settings

# what is said where the category of an alarm was not read
UNNAMED = "other_urgent"


class AlarmReply:
    """Answers emergencies and keeps them.

    Args:
        detector: knows what is said in each category.
    """

    def __init__(self, detector: EmergencyDetector, rulebook: Rulebook, settings: Settings) -> None:
        self._detector = detector
        self._rulebook = rulebook
        self._settings = settings

    def raise_in(self, session: Session, conversation_id: str, words: str, emergency: Emergency) -> Message:
        """Open the urgent case and end an open screen; returns what the client reads."""
        decision_id = close_as_urgent(session, conversation_id, words, self._rulebook, datetime.now(timezone.utc))
        case = add_reason(session, conversation_id, "emergency", words, decision_id)
        text = emergency.render(
            emergency_number=self._settings.emergency_number,
            practice_phone=self._settings.practice_phone or self._settings.practice_name,
        )
        return Message(text, "emergency", case=case.label)

    def second_net(self, session: Session, conversation_id: str, words: str, category: str) -> Message:
        """The same for an alarm that only the language model read."""
        return self.raise_in(
            session, conversation_id, words, self._detector.of(category if category in CATEGORIES else UNNAMED, words)
        )
