"""An assistant without models: parts are given, the readers are lexical, the database is a file in tmp."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Callable, Dict, List, Optional

import pytest

from bot.booking import BookingTokens, new_signing_key
from bot.dialogue.alarm import AlarmReply
from bot.dialogue.answering import Answering
from bot.dialogue.assistant import Assistant, Heard, Reply
from bot.dialogue.checkins import Checkins
from bot.dialogue.conditions import Conditions
from bot.dialogue.escalating import Escalating
from bot.dialogue.memory import Memory
from bot.dialogue.message import Part
from bot.dialogue.my_data import MyData
from bot.dialogue.screening import Screening
from bot.emergency import EmergencyDetector
from bot.handout import Handout
from bot.rights import ExportTickets
from bot.screening import Rulebook
from bot.screening.reader import Reader
from bot.settings import Settings
from bot.store.database import Database
from bot.store.models import Conversation

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=timezone.utc)


class Talk:
    """A conversation with the assistant, part by part."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self.memory = Memory()
        self.reply: Optional[Reply] = None

    def hear(self, *parts: Part, text: str = "", entities: Optional[Dict[str, str]] = None) -> List[str]:
        """Say parts; returns the kinds of the messages that come back."""
        words = text or " ".join(part.text for part in parts)
        heard = Heard(words, list(parts), entities or {})
        self.reply = self._assistant.reply(heard, "c", Memory.from_slot(self.memory.to_slot()))
        self.memory = self.reply.memory
        return [message.kind for message in self.reply.messages]

    @property
    def texts(self) -> List[str]:
        assert self.reply is not None
        return [message.text for message in self.reply.messages]

    @property
    def sources(self) -> List[str]:
        assert self.reply is not None
        return [source for message in self.reply.messages for source in message.sources]


def part(key: str, text: str = "", confidence: float = 0.9, near: Optional[List[str]] = None) -> Part:
    """A part as the NLU would give it."""
    ranking = [(name, confidence) for name in near or [key]]
    return Part(text or key, key.partition("/")[0], key, confidence, ranking)


@pytest.fixture(scope="session")
def handout() -> Handout:
    return Handout.load()


@pytest.fixture(scope="session")
def reader() -> Reader:
    return Reader()


@pytest.fixture(scope="session")
def detector() -> EmergencyDetector:
    return EmergencyDetector.load(lexical_only=True)


@pytest.fixture
def database(database: Database) -> Database:
    """One that holds the conversation `c`."""
    with database.transaction() as session:
        session.add(Conversation(id="c", channel="chat"))
    return database


@pytest.fixture
def talk(database: Database, handout: Handout, reader: Reader, detector: EmergencyDetector) -> Callable[[], Talk]:
    """Makes a conversation."""
    settings = Settings(_env_file=None, practice_name="Harbour Therapy")
    rulebook = Rulebook.load()
    escalating = Escalating(handout, settings)
    assistant = Assistant(
        database=database,
        handout=handout,
        answering=Answering(handout),
        conditions=Conditions(handout, reader, AlarmReply(detector, rulebook, settings)),
        escalating=escalating,
        screening=Screening(handout, rulebook, reader, escalating, BookingTokens(new_signing_key()), settings),
        checkins=Checkins(handout, settings, escalating, lambda: NOW),
        my_data=MyData(handout, settings, ExportTickets("a key that is long enough to sign")),
        clock=lambda: NOW,
    )
    return lambda: Talk(assistant)
