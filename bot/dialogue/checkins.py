"""Asking after a session how it went: only who agreed is asked, and anyone can stop it.

A check-in is a row of the outbox with a time; when it is due it becomes a
message of the conversation. What a client answers that goes beyond normal
opens a case. This module must not know how messages travel.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Callable, Dict, Optional
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.dialogue import buttons
from bot.dialogue.escalating import Escalating
from bot.dialogue.message import Button, Message, Part
from bot.dialogue.transcript import add_messages
from bot.escalation import in_therapists_hands, outbox
from bot.escalation.delivery import Item, Later
from bot.handout import Handout
from bot.settings import Settings
from bot.store.models import Checkin, Conversation, OutboxRow, StoredMessage, utcnow

if TYPE_CHECKING:
    from bot.dialogue.assistant import Turn

# days after the session, and the practice's time of day
ON_THE_DAY = 0
LATER = 3
HOURS = {ON_THE_DAY: time(19, 0), LATER: time(10, 0)}
# a check-in that could not be made for so long is not made any more
TOO_LATE = timedelta(days=2)
# while the therapist speaks, the assistant waits
PAUSE = timedelta(hours=12)
AFTERCARE = (
    "after_rest",
    "after_fluids",
    "after_eat",
    "after_heat",
    "after_swimming",
    "after_sun",
    "after_exercise",
)
EXPECTED = ("bruising", "tenderness")
ADDRESS = re.compile(r"\b[\w.+-]{1,64}@(?:[\w-]{1,63}\.)+[a-z]{2,24}\b", re.IGNORECASE)

# what was asked last, as the database keeps it
ASKED_CONSENT = "consent"
ASKED_EMAIL = "email"
ASKED_MARKS = "marks"


class CheckinError(Exception):
    """A check-in that cannot be planned as asked; the text says what to do."""


class Checkins:
    """Schedules check-ins, makes them, and takes the answers. Safe to share between threads.

    Args:
        clock: the moment, with a zone.
    """

    def __init__(
        self,
        handout: Handout,
        settings: Settings,
        escalating: Escalating,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._handout = handout
        self._settings = settings
        self._escalating = escalating
        self._zone = ZoneInfo(settings.timezone)
        self._clock = clock
        self._answers: Dict[str, Callable[[Turn, Checkin], None]] = {
            "yes": self._agree,
            "no": self._decline,
            "stop": self._stop,
            "cleared": self._cleared,
            "not_yet": self._not_yet,
            "worse": self._worse,
        }

    def day_named(self, name: Optional[str]) -> date:
        """A day as `2026-11-23`; today in the practice's zone for None.

        Raises:
            CheckinError: it is none.
        """
        if name is None:
            return self._clock().astimezone(self._zone).date()
        try:
            return date.fromisoformat(name)
        except ValueError as error:
            raise CheckinError(f"'{name}' is no day. Write it as 2026-11-23.") from error

    def schedule(self, session: Session, conversation_id: str, held_on: date) -> bool:
        """Note that a session was held: check in with a client who agreed, ask one who was never asked.

        Returns:
            False for a client who does not want it, or who is gone.
        """
        if session.get(Conversation, conversation_id) is None:
            return False
        checkin = session.get(Checkin, conversation_id)
        if checkin is None:
            checkin = Checkin(conversation_id=conversation_id)
            session.add(checkin)
        if checkin.consent is False:
            return False
        checkin.held_on, checkin.updated_at = held_on, utcnow()
        if checkin.consent:
            self._plan(session, checkin)
            return True
        if checkin.asked != ASKED_CONSENT:
            checkin.asked = ASKED_CONSENT
            choices = (self._button("checkin_yes", "yes"), self._button("no_thanks", "no"))
            message = Message(self._handout.say("checkin.ask"), "notice", buttons=choices)
            add_messages(session, conversation_id, [message.as_dict()], pushed=True)
        return True

    def make(self, session: Session, item: Item) -> None:
        """Turn a row that is due into a message; once, however often it is tried.

        Raises:
            Later: the therapist is speaking with the client.
        """
        checkin = session.get(Checkin, item.conversation_id)
        if checkin is None or not checkin.consent or self._made(session, item):
            return
        now = self._clock()
        if now - self._due(date.fromisoformat(item.payload["held_on"]), item.payload["day"]) > TOO_LATE:
            return
        if in_therapists_hands(session, checkin.conversation_id):
            raise Later((now + PAUSE).astimezone(timezone.utc).replace(tzinfo=None))
        later = item.payload["day"] == LATER
        message = self._question() if later else self._aftercare()
        checkin.asked = ASKED_MARKS if later else None
        add_messages(
            session, checkin.conversation_id, [message.as_dict()], pushed=True, request_key=f"checkin:{item.key[-60:]}"
        )
        if checkin.email:
            payload = {"to": checkin.email}
            outbox.add(session, outbox.CLIENT_EMAIL, f"mail:{item.key}", payload, checkin.conversation_id)

    def press(self, turn: Turn, answer: str) -> None:
        """Take the button of a check-in."""
        checkin = turn.session.get(Checkin, turn.conversation_id)
        if checkin is not None and answer in self._answers:
            checkin.asked = None
            self._answers[answer](turn, checkin)

    def hear(self, turn: Turn, part: Part) -> bool:
        """Take words that answer what was asked last; False if they do not.

        Whatever they are, the question is over: a later "no" may mean anything.
        """
        checkin = turn.session.get(Checkin, turn.conversation_id)
        asked = checkin.asked if checkin is not None else None
        if checkin is None or asked is None:
            return False
        checkin.asked = None
        address = ADDRESS.search(turn.heard.text)
        if asked == ASKED_EMAIL and address is not None:
            checkin.email = address.group().lower()
            self._say(turn, "checkin.email_kept")
            return True
        meant = {
            (ASKED_CONSENT, "affirm"): "yes",
            (ASKED_CONSENT, "deny"): "no",
            (ASKED_MARKS, "affirm"): "cleared",
            (ASKED_MARKS, "deny"): "not_yet",
            (ASKED_MARKS, "unsure"): "not_yet",
        }.get((asked, part.intent))
        if meant is None:
            return False
        self._answers[meant](turn, checkin)
        return True

    def _agree(self, turn: Turn, checkin: Checkin) -> None:
        checkin.consent = True
        self._plan(turn.session, checkin)
        self._say(turn, "checkin.agreed", self._button("checkin_stop", "stop"))
        conversation = turn.session.get(Conversation, turn.conversation_id)
        by_mail = self._settings.smtp_url.get_secret_value() and self._settings.therapist_email
        if by_mail and conversation is not None and conversation.channel == "chat" and not checkin.email:
            checkin.asked = ASKED_EMAIL
            self._say(turn, "checkin.ask_email")

    def _decline(self, turn: Turn, checkin: Checkin) -> None:
        checkin.consent = False
        self._say(turn, "checkin.declined")

    def _stop(self, turn: Turn, checkin: Checkin) -> None:
        checkin.consent, checkin.email = False, None
        turn.session.execute(
            delete(OutboxRow).where(
                OutboxRow.conversation_id == checkin.conversation_id,
                OutboxRow.kind.in_((outbox.CHECKIN, outbox.CLIENT_EMAIL)),
                OutboxRow.sent_at.is_(None),
            )
        )
        self._say(turn, "checkin.stopped")

    def _cleared(self, turn: Turn, checkin: Checkin) -> None:
        self._say(turn, "checkin.cleared")

    def _not_yet(self, turn: Turn, checkin: Checkin) -> None:
        self._beyond_normal(turn, "not_yet", "bruising")

    def _worse(self, turn: Turn, checkin: Checkin) -> None:
        self._beyond_normal(turn, "worse", None)

    def _beyond_normal(self, turn: Turn, answer: str, about: Optional[str]) -> None:
        words = turn.heard.text if not turn.heard.pressed else self._handout.say(f"button.checkin_{answer}")
        turn.messages.append(self._escalating.after_effect(turn.session, turn.conversation_id, about, words, turn.now))

    def _plan(self, session: Session, checkin: Checkin) -> None:
        if checkin.held_on is None:
            return
        for day in HOURS:
            due = self._due(checkin.held_on, day)
            if self._clock() - due > TOO_LATE:
                continue
            outbox.add(
                session,
                outbox.CHECKIN,
                f"checkin:{checkin.conversation_id}:{checkin.held_on}:{day}",
                {"day": day, "held_on": checkin.held_on.isoformat()},
                checkin.conversation_id,
                due.astimezone(timezone.utc).replace(tzinfo=None),
            )

    def _due(self, held_on: date, day: int) -> datetime:
        return datetime.combine(held_on + timedelta(days=day), HOURS[day], tzinfo=self._zone)

    @staticmethod
    def _made(session: Session, item: Item) -> bool:
        known = session.scalars(
            select(StoredMessage.seq).where(
                StoredMessage.conversation_id == item.conversation_id,
                StoredMessage.request_key == f"checkin:{item.key[-60:]}",
            )
        ).first()
        return known is not None

    def _aftercare(self) -> Message:
        stop = self._button("checkin_stop", "stop")
        return Message(self._handout.say("checkin.day_0"), "answer", sources=AFTERCARE, buttons=(stop,))

    def _question(self) -> Message:
        choices = (
            self._button("checkin_cleared", "cleared"),
            self._button("checkin_not_yet", "not_yet"),
            self._button("checkin_worse", "worse"),
            self._button("checkin_stop", "stop"),
        )
        return Message(self._handout.say("checkin.day_3"), "notice", sources=EXPECTED, buttons=choices)

    def _button(self, name: str, answer: str) -> Button:
        return Button(self._handout.say(f"button.{name}"), buttons.payload("affirm", about="checkin", value=answer))

    def _say(self, turn: Turn, key: str, *choices: Button) -> None:
        turn.messages.append(Message(self._handout.say(key), "notice", buttons=choices))
