"""The bot in this process, on a real database and a Bot API that speaks HTTP; only the language model is a stub."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, AsyncIterator, Awaitable, Callable, List, Optional, Union

import pytest
from rasa.core.channels.channel import UserMessage
from rasa.core.lock_store import InMemoryLockStore

from bot.channels.live import Live
from bot.channels.outbox_worker import OutboxWorker
from bot.channels.turn import Turns
from bot.dialogue.alarm import AlarmReply
from bot.dialogue.greeting import greeting
from bot.dialogue.message import Button, Message
from bot.emergency import EmergencyDetector
from bot.escalation import add_reason, outbox
from bot.handout import Handout
from bot.screening import Rulebook
from bot.settings import Settings
from bot.store.database import Database
from bot.telegram.pace import Pace
from bot.telegram.running import Telegram
from tests.integration.telegram.fake import TOKEN, FakeBotApi

SOON = 20.0


class Parrot:
    """In Rasa's place: answers what it hears with the same words, and with a choice where it hears "choose"."""

    def __init__(self) -> None:
        self.lock_store = InMemoryLockStore()
        self.processor = self
        self.heard: List[str] = []
        self.broken = 0
        self.ready = True

    def is_ready(self) -> bool:
        return self.ready

    async def handle_message(self, said: UserMessage) -> None:
        self.heard.append(said.text)
        if self.broken:
            self.broken -= 1
            await said.output_channel.send_custom_json(said.sender_id, {"failed": True})
            return
        await said.output_channel.send_custom_json(said.sender_id, self.answer(said.text).as_dict())

    @staticmethod
    def answer(text: str) -> Message:
        buttons = (Button("Yes", "/affirm" + "x" * 100), Button("No", "/deny")) if "choose" in text else ()
        return Message(f"You said: {text}", "answer", sources=(), buttons=buttons)


class Bot:
    """Everything that runs in a server process for Telegram."""

    def __init__(self, database: Database, settings: Settings, parts: Any, pace: Pace) -> None:
        self.database = database
        self.settings = settings
        self.live = Live()
        database.on_commit = self.live.changed_all
        self.agent = Parrot()
        self.turns = parts(database, settings)
        self.outbox = OutboxWorker(database, self.live, poll=0.1)
        self.telegram = Telegram(settings, database, self.live, self.turns, Handout.load(), self._ready, pace)
        self.outbox.register(outbox.TELEGRAM, self.telegram.sender)
        if self.telegram.notices is not None:
            self.outbox.register(outbox.TELEGRAM_NOTICE, self.telegram.notices)

    def _ready(self) -> Any:
        return self.agent if self.agent.is_ready() else None

    def start(self) -> Bot:
        self.outbox.start()
        self.telegram.start()
        return self

    async def stop(self) -> None:
        await self.outbox.stop()
        await self.telegram.stop()

    def open_case(self, conversation_id: str) -> int:
        with self.database.transaction() as session:
            return int(add_reason(session, conversation_id, "human", "a person please").number)


@pytest.fixture(scope="session")
def parts() -> Callable[[Database, Settings], Turns]:
    """Makes the turn of real parts."""
    handout, detector, rulebook = Handout.load(), EmergencyDetector.load(lexical_only=True), Rulebook.load()

    def make(database: Database, settings: Settings) -> Turns:
        return Turns(database, detector, AlarmReply(detector, rulebook, settings), lambda: greeting(handout, settings))

    return make


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(f"sqlite:///{tmp_path / 'a.db'}")
    made.migrate()
    return made


@pytest.fixture
async def api() -> AsyncIterator[FakeBotApi]:
    made = await FakeBotApi().start()
    yield made
    await made.stop()


@pytest.fixture
async def make_bot(
    database: Database, api: FakeBotApi, parts: Callable[[Database, Settings], Turns]
) -> AsyncIterator[Callable[..., Bot]]:
    """Makes bots that are stopped in the end."""
    made: List[Bot] = []

    def make(**settings: Any) -> Bot:
        chosen = Settings(
            _env_file=None,
            **{
                "telegram_bot_token": TOKEN,
                "telegram_api_base": api.url,
                "practice_phone": "020 7946 0000",
                "emergency_number": "999",
                "booking_url": "https://booking.example/",
                **settings,
            },
        )
        bot = Bot(database, chosen, parts, Pace("1000 per second", "1000 per second"))
        made.append(bot)
        return bot

    yield make
    for bot in made:
        await bot.stop()


@pytest.fixture
def bot(make_bot: Callable[..., Bot]) -> Bot:
    """A running bot."""
    return make_bot().start()


async def eventually(met: Callable[[], Union[Any, Awaitable[Any]]], what: Optional[str] = None) -> Any:
    """Wait until `met` gives something true; returns it."""
    for _ in range(int(SOON / 0.02)):
        found = met()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"{what or 'it'} did not happen within {SOON:.0f} s")
