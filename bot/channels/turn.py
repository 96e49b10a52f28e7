"""One turn of a conversation, the same for every channel.

A client's message is written before anything reads it, and the replies are
written before the client sees them; a request that is repeated finds the
first answer. The emergency layer looks at every message before Rasa does and
whatever state the conversation is in.

This module must not know how a channel looks (HTTP, Telegram) and holds no
rule about health.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import secrets
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, TypeVar

from rasa.core.agent import Agent
from rasa.core.channels.channel import OutputChannel, UserMessage
from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from bot import rights
from bot.channels.admission import Admission
from bot.channels.problems import Problem, invalid
from bot.channels.signs import in_words
from bot.dialogue.alarm import AlarmReply
from bot.dialogue.assistant import AWAITED
from bot.dialogue.message import Message
from bot.dialogue.screens import AWAITS_ANSWER
from bot.dialogue.transcript import add_messages, append, as_row
from bot.emergency import EmergencyDetector
from bot.escalation import THERAPISTS, audit, client_wrote, in_therapists_hands
from bot.metrics import stage
from bot.store import topics
from bot.store.database import Database, touch
from bot.store.models import Case, Conversation, Offer, StoredMessage, TrackerState, utcnow
from bot.store.tracker_store import begin_tracker, deferred_saves, write_trackers
from bot.threads import in_thread

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAX_TEXT = 2000
# a server that died in the middle of a turn holds up its conversation for so long
LOCK_SECONDS = 30
# between looks at whether the message before is answered
LOCK_WAIT_SECONDS = 0.05
FAILED = {"failed": True}
# the client has confirmed that everything is to be deleted
ERASE = {"erase": True}


@dataclass(frozen=True)
class Incoming:
    """What a client sent: words, or the payload of a button they were offered."""

    text: Optional[str] = None
    payload: Optional[str] = None

    @property
    def digest(self) -> str:
        """Tells whether a repeated request carries the same content."""
        return hashlib.sha256(json.dumps([self.text, self.payload]).encode()).hexdigest()


class Collector(OutputChannel):
    """Gathers what Rasa says in one turn."""

    def __init__(self) -> None:
        self.messages: List[Dict[str, Any]] = []
        self.failed = False
        self.erase = False

    @classmethod
    def name(cls) -> str:
        """Rasa's name for this output."""
        return "collector"

    async def send_custom_json(self, recipient_id: str, json_message: Mapping[str, Any], **kwargs: Any) -> None:
        """Take a message of ours, or note that an action failed or that everything is to go."""
        if json_message == FAILED:
            self.failed = True
        elif json_message == ERASE:
            self.erase = True
        else:
            self.messages.append(dict(json_message))

    async def send_text_message(self, recipient_id: str, text: str, **kwargs: Any) -> None:
        """Take a plain response of the domain."""
        self.messages.append(Message(text=text, kind="smalltalk").as_dict())


class Turns:
    """Takes turns in conversations.

    Args:
        database: where conversations are kept.
        detector: the emergency layer.
        alarm: what is said and kept in an emergency.
        greeting: the first message of a conversation.
        admission: how many messages are answered at a time.
        foresee: prepares the reading of a text while the message is being written; it keeps nothing but vectors.
    """

    def __init__(
        self,
        database: Database,
        detector: EmergencyDetector,
        alarm: AlarmReply,
        greeting: Callable[[], Message],
        admission: Optional[Admission] = None,
        foresee: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._database = database
        self._detector = detector
        self._alarm = alarm
        self._greeting = greeting
        self._admission = admission or Admission()
        self._foresee = foresee

    def greeting(self) -> Message:
        """The first message of a conversation."""
        return self._greeting()

    def alarming(self, text: str) -> bool:
        """Whether a text would be answered as an emergency."""
        return self._detector.check(text) is not None

    async def silent(self, conversation_id: str) -> bool:
        """Whether the assistant leaves the next message to the therapist."""

        def _silent() -> bool:
            with self._database.reading() as session:
                return in_therapists_hands(session, conversation_id)

        return await in_thread(_silent)

    async def open(self, conversation_id: str, channel: str) -> List[StoredMessage]:
        """Begin a conversation; returns the greeting as stored."""

        def _open() -> List[StoredMessage]:
            with self._database.transaction() as session:
                session.add(Conversation(id=conversation_id, channel=channel))
                session.flush()
                # while the client reads the greeting, not when they wait for the first answer
                begin_tracker(session, conversation_id)
                return add_messages(session, conversation_id, [self._greeting().as_dict()])

        return await in_thread(_open)

    async def history(self, conversation_id: str) -> List[StoredMessage]:
        """The whole transcript, oldest first."""

        def _history() -> List[StoredMessage]:
            with self._database.reading() as session:
                _require(session, conversation_id)
                return list(
                    session.scalars(
                        select(StoredMessage)
                        .where(StoredMessage.conversation_id == conversation_id)
                        .order_by(StoredMessage.seq)
                    )
                )

        return await in_thread(_history)

    async def take(
        self, agent: Agent, conversation_id: str, incoming: Incoming, request_key: Optional[str]
    ) -> List[StoredMessage]:
        """Answer one message.

        Args:
            request_key: names the request; repeating it returns the first answer.

        Returns:
            The replies, already stored; empty while the therapist has taken over. The last words after
                everything was deleted are stored nowhere: a channel that sends from the store sends them itself.

        Raises:
            Problem: the payload was never offered, the key belongs to another
                message, the conversation is gone, or a part did not answer.
        """
        async with agent.lock_store.lock(conversation_id, LOCK_SECONDS, LOCK_WAIT_SECONDS):
            received, state = await self._received(conversation_id, incoming, request_key)
            if received.answered:
                return await _stored(lambda: self._replies(received.seq))
            if incoming.text is not None:
                with stage("emergency"):
                    alarm = self._detector.check(received.text)
                if alarm is not None:
                    return await _stored(lambda: self._raise_alarm(received, alarm))
            if state.in_therapists_hands and await _stored(lambda: self._leave_to_therapist(received)):
                return []
            # a typed slash is a client's character, not a command to Rasa
            said = incoming.payload or in_words(received.text).lstrip("/ ") or "?"
            collector = Collector()
            async with self._admission.place():
                with deferred_saves({conversation_id: state.tracker}) as trackers:
                    await agent.processor.handle_message(
                        UserMessage(
                            said,
                            output_channel=collector,
                            sender_id=conversation_id,
                            input_channel="chat",
                            message_id=received.id,
                            metadata={AWAITED: state.awaits_answer},
                        )
                    )
            if collector.failed or not collector.messages:
                raise Problem(
                    503,
                    "Your message has arrived, but the assistant could not answer it just now. "
                    "Please send it again in a moment.",
                    headers={"Retry-After": "2"},
                )
            if collector.erase:
                await _stored(lambda: self._erase(conversation_id))
                # said, and kept nowhere
                return [as_row(conversation_id, message) for message in collector.messages]
            return await _stored(lambda: self._finish(received, collector.messages, trackers))

    async def forget(self, conversation_id: str) -> None:
        """Delete a conversation with everything that is kept with it; one that is gone stays gone."""
        await in_thread(lambda: self._erase(conversation_id))

    async def export(self, conversation_id: str) -> Dict[str, Any]:
        """A copy of everything that is kept about a conversation.

        Raises:
            Problem: 404, the conversation is gone.
        """

        def _export() -> Dict[str, Any]:
            with self._database.transaction() as session:
                _require(session, conversation_id)
                return rights.export(session, conversation_id, audit.CLIENT)

        return await in_thread(_export)

    async def _received(
        self, conversation_id: str, incoming: Incoming, request_key: Optional[str]
    ) -> Tuple[StoredMessage, State]:
        """Write a message down; what will be looked at in it is encoded meanwhile, on another processor."""
        text = incoming.text
        writing = _stored(lambda: self._receive(conversation_id, incoming, request_key))
        if text is None:
            return await writing
        written, prepared = await asyncio.gather(
            writing, in_thread(lambda: self._foresee(text)), return_exceptions=True
        )
        if isinstance(written, BaseException):
            raise written
        if isinstance(prepared, BaseException):
            raise prepared
        return written

    def _receive(
        self, conversation_id: str, incoming: Incoming, request_key: Optional[str]
    ) -> Tuple[StoredMessage, State]:
        # the client hears of it with the replies, whose transaction is durable
        with self._database.transaction(durable=False) as session:
            state = _state(session, conversation_id)
            if request_key is not None:
                known = session.scalars(
                    select(StoredMessage).where(
                        StoredMessage.conversation_id == conversation_id,
                        StoredMessage.request_key == request_key,
                    )
                ).first()
                if known is not None:
                    if known.request_digest != incoming.digest:
                        raise Problem(
                            409,
                            "This Idempotency-Key was used for another message. Use a new key for a new message.",
                        )
                    return known, state
            text = incoming.text
            if text is None:
                offer = session.get(Offer, (conversation_id, incoming.payload))
                if offer is None:
                    raise invalid("payload", "Send only a payload that a button of this conversation holds.")
                text = offer.title
            message = StoredMessage(
                id=secrets.token_hex(12),
                conversation_id=conversation_id,
                sender="client",
                at=utcnow(),
                text=text,
                kind="notice",
                sources=[],
                buttons=[],
                request_key=request_key,
                request_digest=incoming.digest,
                answered=False,
                pressed=incoming.payload is not None,
                pushed=False,
            )
            return append(session, message), state

    def _erase(self, conversation_id: str) -> None:
        with self._database.transaction() as session:
            rights.forget(session, conversation_id, audit.CLIENT)
        self._database.scrub()

    def _replies(self, seq: int) -> List[StoredMessage]:
        with self._database.reading() as session:
            return list(
                session.scalars(select(StoredMessage).where(StoredMessage.reply_to == seq).order_by(StoredMessage.seq))
            )

    def _leave_to_therapist(self, received: StoredMessage) -> bool:
        """Give the message to the therapist; False if the conversation was handed back just now."""
        with self._database.transaction() as session:
            if not client_wrote(session, received.conversation_id, received.seq, utcnow()):
                return False
            self._answer(session, received, [])
            touch(session, topics.conversation(received.conversation_id))
            return True

    def _raise_alarm(self, received: StoredMessage, alarm: Any) -> List[StoredMessage]:
        with self._database.transaction() as session:
            message = self._alarm.raise_in(session, received.conversation_id, received.text, alarm)
            return self._answer(session, received, [message.as_dict()])

    def _finish(
        self,
        received: StoredMessage,
        messages: Sequence[Mapping[str, Any]],
        trackers: Mapping[str, Optional[str]],
    ) -> List[StoredMessage]:
        with self._database.transaction() as session:
            write_trackers(session, trackers)
            return self._answer(session, received, messages)

    @staticmethod
    def _answer(
        session: Session, received: StoredMessage, messages: Sequence[Mapping[str, Any]]
    ) -> List[StoredMessage]:
        marked = session.connection().execute(_ANSWERED, {"received": received.seq})
        if not marked.rowcount:
            raise Problem(404, "This conversation was deleted. Start a new one.")
        return add_messages(session, received.conversation_id, messages, reply_to=received.seq)


@dataclass(frozen=True)
class State:
    """What a turn has to know of its conversation, read together."""

    in_therapists_hands: bool
    tracker: Optional[str]
    awaits_answer: bool


# every turn runs these two: put together once
_STATE = select(
    select(Case.status)
    .where(Case.conversation_id == bindparam("conversation"), Case.status != "closed")
    .scalar_subquery(),
    select(TrackerState.state).where(TrackerState.conversation_id == bindparam("conversation")).scalar_subquery(),
    AWAITS_ANSWER,
).where(Conversation.id == bindparam("conversation"))
_ANSWERED = update(StoredMessage).where(StoredMessage.seq == bindparam("received")).values(answered=True)


def _state(session: Session, conversation_id: str) -> State:
    row = session.connection().execute(_STATE, {"conversation": conversation_id}).first()
    if row is None:
        raise _gone()
    return State(row[0] in THERAPISTS, row[1], bool(row[2]))


def _require(session: Session, conversation_id: str) -> None:
    found = session.execute(select(Conversation.id).where(Conversation.id == conversation_id)).first()
    if found is None:
        raise _gone()


def _gone() -> Problem:
    return Problem(404, "This conversation does not exist any more. Start a new one.")


async def _stored(work: Callable[[], T]) -> T:
    with stage("store"):
        return await in_thread(work)
