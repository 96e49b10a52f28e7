"""The bot in this process, on a real database and a Bot API that speaks HTTP; only the language model is a stub."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any, AsyncIterator, Awaitable, Callable, List, Optional, Union

import pytest
from rasa.core.channels.channel import UserMessage
from rasa.core.lock_store import InMemoryLockStore
from sqlalchemy import select

from bot.booking import BookingTokens, new_signing_key
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
from bot.store.models import TelegramUpdate
from bot.telegram import chats
from bot.telegram.pace import Pace
from bot.telegram.running import Telegram
from tests.integration.telegram.fake import TOKEN, FakeBotApi

SOON = 20.0
# the chat that most tests write in
CHAT = 77


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

    def __init__(self, database: Database, settings: Settings, turns: Turns, handout: Handout) -> None:
        self.database = database
        self.settings = settings
        self.live = Live()
        database.on_commit = self.live.changed_all
        self.agent = Parrot()
        self.turns = turns
        self.outbox = OutboxWorker(database, self.live, poll=0.1)
        pace = Pace("1000 per second", "1000 per second")
        self.tokens = BookingTokens(new_signing_key())
        self.telegram = Telegram(settings, database, self.live, turns, handout, self.tokens, self._ready, pace)
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
def handout() -> Handout:
    return Handout.load()


@pytest.fixture(scope="session")
def parts(handout: Handout) -> Callable[[Database, Settings], Turns]:
    """Makes the turn of real parts."""
    detector, rulebook = EmergencyDetector.load(lexical_only=True), Rulebook.load()

    def make(database: Database, settings: Settings) -> Turns:
        return Turns(database, detector, AlarmReply(detector, rulebook, settings), lambda: greeting(handout, settings))

    return make


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file as the migrations leave it."""
    path = tmp_path_factory.mktemp("migrated") / "a.db"
    made = Database(f"sqlite:///{path}")
    made.migrate()
    made.engine.dispose()
    return path


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Database:
    return Database(f"sqlite:///{shutil.copy(migrated, tmp_path / 'a.db')}")


@pytest.fixture
async def api() -> AsyncIterator[FakeBotApi]:
    made = await FakeBotApi().start()
    yield made
    await made.stop()


@pytest.fixture
async def make_bot(
    database: Database, api: FakeBotApi, handout: Handout, parts: Callable[[Database, Settings], Turns]
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
        bot = Bot(database, chosen, parts(database, chosen), handout)
        made.append(bot)
        return bot

    yield make
    for bot in made:
        await bot.stop()


@pytest.fixture
def bot(make_bot: Callable[..., Bot]) -> Bot:
    """A running bot."""
    return make_bot().start()


async def eventually(
    met: Callable[[], Union[Any, Awaitable[Any]]], what: Optional[str] = None, seconds: float = SOON
) -> Any:
    """Wait until `met` gives something true; returns it."""
    for _ in range(int(seconds / 0.02)):
        found = met()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"{what or 'it'} did not happen within {seconds:.0f} s")


async def received(api: FakeBotApi, count: int, chat: int = CHAT) -> List[str]:
    """What a chat has received, once that is so many messages."""
    await eventually(lambda: len(api.to(chat)) >= count, f"{count} messages")
    return api.to(chat)


async def greeted(api: FakeBotApi, chat: int = CHAT) -> None:
    """Begin a conversation and forget its greeting."""
    await api.say(chat, "/start")
    await received(api, 1, chat)
    api.sent.clear()


async def handled(bot: Bot, api: FakeBotApi) -> None:
    """Wait until every update has been handled."""

    def all_are_done() -> bool:
        with bot.database.reading() as session:
            done = session.scalars(select(TelegramUpdate.update_id).where(TelegramUpdate.done_at.is_not(None))).all()
        return set(api.pushed) <= set(done)

    await eventually(all_are_done, "the updates")


def conversation(bot: Bot, chat: int = CHAT) -> str:
    with bot.database.reading() as session:
        found = chats.conversation_of(session, chat)
    assert found is not None
    return found
