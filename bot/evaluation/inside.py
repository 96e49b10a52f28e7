"""The assistant in this process: the same readers, rules, texts and database as behind HTTP, without a server.

For tests that must end in a minute, and for whoever changes the language model. What it leaves out is what `make eval`
measures besides: Rasa's own rules, which only name the action, the channels and the processes.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.booking import BookingTokens, new_signing_key
from bot.channels.signs import in_words
from bot.dialogue.alarm import AlarmReply
from bot.dialogue.assistant import Heard, build_assistant
from bot.dialogue.memory import Memory
from bot.dialogue.message import Message
from bot.dialogue.reading import load_detector, load_reader
from bot.eligibility.service import Caller, Checks, Request
from bot.eligibility.submission import read_submission
from bot.evaluation.chat import Reply, all_denied
from bot.handout import Handout
from bot.nlu.reader import MessageReader
from bot.screening import Rulebook
from bot.settings import read_settings
from bot.store.database import Database
from bot.store.models import Conversation
from bot.training import model_file


class InsideAssistant:
    """An assistant with a database of its own in `folder`. Used by one thread."""

    def __init__(self, folder: Path, model: Path | None = None) -> None:
        self._model = model or model_file()
        settings = read_settings().copy(update={"var_dir": folder, "database_url": ""})
        self._database = Database(settings.database.get_secret_value())
        self._database.migrate()
        self._assistant = build_assistant(settings)
        self._messages = MessageReader.from_model(self._model)
        self._detector = load_detector()
        self._rulebook = Rulebook.load()
        self._alarm = AlarmReply(self._detector, self._rulebook, settings)
        self._checks = Checks(
            self._database,
            self._rulebook,
            load_reader(self._detector),
            self._detector,
            Handout.load(),
            BookingTokens(new_signing_key()),
            settings,
        )

    def health(self) -> Mapping[str, Any]:
        """What `/health` would name."""
        return {"model": self._model.name, "rules_version": self._rulebook.version}

    def open(self) -> InsideConversation:
        """Begin a new conversation."""
        conversation_id = secrets.token_hex(12)
        with self._database.transaction() as session:
            session.add(Conversation(id=conversation_id, channel="chat"))
        return InsideConversation(self, conversation_id)

    def check(self, text: str) -> str:
        """The outcome for a client who answers no to every listed condition and writes `text`."""
        submission = read_submission(all_denied(text), self._rulebook)
        made = self._checks.make(submission, Caller("evaluation"), Request(None, ""))
        return str(made["outcome"])

    def turn(self, conversation_id: str, text: str, memory: Memory) -> tuple[list[Message], Memory]:
        """One turn as `bot.channels.turn` takes it; returns the replies and what is remembered."""
        alarm = self._detector.check(text)
        if alarm is not None:
            with self._database.transaction() as session:
                return [self._alarm.raise_in(session, conversation_id, text, alarm)], memory
        said = in_words(text).lstrip("/ ") or "?"
        heard = Heard.from_parse({"text": said, "parts": list(self._messages.read(said).parts)})
        reply = self._assistant.reply(heard, conversation_id, Memory.from_slot(memory.to_slot()))
        return reply.messages, reply.memory


class InsideConversation:
    """One conversation with an `InsideAssistant`."""

    def __init__(self, assistant: InsideAssistant, conversation_id: str) -> None:
        self._assistant = assistant
        self._id = conversation_id
        self._memory = Memory()
        self.last: tuple[Reply, ...] = ()

    def say(self, text: str) -> tuple[Reply, ...]:
        """Send words; returns the replies."""
        messages, self._memory = self._assistant.turn(self._id, text, self._memory)
        self.last = tuple(Reply.of(message.as_dict()) for message in messages)
        return self.last
