"""What follows from an update: a turn of the conversation, or a sentence about the channel.

Words and buttons go to the same turn as on the website, named by the update's
id: handled again after a crash, they find their first answer. Whatever is said
is written with the mark that the update is done, and leaves through the
outbox. This module holds no rule about health.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Awaitable, Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from rasa.core.agent import Agent
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.channels.chat import clean
from bot.channels.problems import Problem
from bot.channels.tokens import new_conversation_id
from bot.channels.turn import MAX_TEXT, Incoming, Turns
from bot.dialogue.buttons import delete, person
from bot.dialogue.escalating import Escalating
from bot.dialogue.failure import describe
from bot.dialogue.message import Button, Message
from bot.dialogue.transcript import add_messages
from bot.handout import Handout
from bot.settings import Settings
from bot.store.database import Database
from bot.store.models import Conversation, Offer, Screen, StoredMessage, TelegramSent
from bot.telegram import chats, inbox
from bot.telegram.api import ApiError, BotApi, TooManyRequests
from bot.telegram.inbox import Waiting
from bot.telegram.pace import Pace
from bot.telegram.rendering import TAKEN, referred, split, taken
from bot.telegram.updates import (
    Command,
    Edited,
    Elsewhere,
    Media,
    Membership,
    Nothing,
    Press,
    Update,
    Words,
    read_update,
)
from bot.telegram.work import in_transaction, reading

logger = logging.getLogger(__name__)

# as long as a text is looked through for an alarm when it is too long to be answered
LONGEST_LOOKED_AT = 5 * MAX_TEXT
TOAST = 200
# a group is told once, then left alone for a while
GROUP_QUIET_SECONDS = 3600.0
ATTEMPTS = 8
STOP_WORDS = "stop the health check"


@dataclass
class _Stale(Exception):
    """A button that cannot be taken any more; `text` tells the client why."""

    text: str


class Handling:
    """Handles updates, one at a time a chat.

    Args:
        agent: the loaded agent of Rasa.
        pace: how fast the Bot API may be used.
    """

    def __init__(
        self,
        database: Database,
        turns: Turns,
        handout: Handout,
        settings: Settings,
        api: BotApi,
        pace: Pace,
        agent: Callable[[], Agent],
    ) -> None:
        self._database = database
        self._turns = turns
        self._handout = handout
        self._settings = settings
        self._api = api
        self._pace = pace
        self._agent = agent
        self._escalating = Escalating(handout, settings)
        self._groups_told: Dict[int, float] = {}
        self._side_tasks: Set[asyncio.Task[None]] = set()

    async def handle(self, waiting: Waiting) -> None:
        """Handle one update and mark it as done, or give it back to be tried again.

        Raises:
            StoreError: the records cannot be reached; the update stays as it is.
        """
        update = read_update(waiting.raw)
        try:
            await self._handle(update, waiting.update_id)
        except Problem as problem:
            if problem.status == 503:
                await self._again(update, waiting, problem.detail)
            elif problem.status == 404:
                # deleted between two steps: the next attempt begins a new conversation
                await in_transaction(self._database, lambda session: inbox.later(session, waiting.update_id, 0))
            else:
                logger.error("Telegram update %s was not taken (%s)", waiting.update_id, problem.status)
                await in_transaction(self._database, lambda session: inbox.done(session, waiting.update_id))

    async def failed(self, waiting: Waiting, error: Exception) -> None:
        """Take note of an update that could not be handled at all."""
        await self._again(read_update(waiting.raw), waiting, describe(error))

    async def _handle(self, update: Update, number: int) -> None:
        if isinstance(update, Words):
            await self._words(update.chat, update.text, number)
        elif isinstance(update, Press):
            await self._press(update, number)
        elif isinstance(update, Command):
            await self._command(update, number)
        elif isinstance(update, Media):
            await self._media(update, number)
        elif isinstance(update, Edited):
            await self._edited(update, number)
        elif isinstance(update, Membership):
            await in_transaction(self._database, lambda session: self._membership(session, update, number))
        elif isinstance(update, Elsewhere):
            await self._elsewhere(update, number)
        elif isinstance(update, Nothing):
            await in_transaction(self._database, lambda session: inbox.done(session, number))

    async def _words(self, chat: int, words: str, number: int) -> None:
        text = clean(words)
        if len(text) > MAX_TEXT:
            # too long to be answered, but never too long to be an emergency
            alarming = self._alarming(text[:LONGEST_LOOKED_AT])
            if alarming is None:
                said = self._handout.say("telegram.too_long", limit=f"{MAX_TEXT:,}")
                await self._notice(chat, number, Message(said, "notice"))
                return
            text = alarming
        if not text:
            await in_transaction(self._database, lambda session: inbox.done(session, number))
            return
        conversation_id = await self._conversation(chat)
        await self._turn(chat, conversation_id, Incoming(text=text), number)

    async def _turn(self, chat: int, conversation_id: str, incoming: Incoming, number: int) -> None:
        await self._take(chat, conversation_id, incoming, number)
        await in_transaction(self._database, lambda session: inbox.done(session, number))

    async def _take(self, chat: int, conversation_id: str, incoming: Incoming, number: int) -> None:
        """Take the turn; its replies are in the outbox then."""
        if not await self._turns.silent(conversation_id):
            self._aside(self._api.call("sendChatAction", chat_id=chat, action="typing"))
        replies = await self._turns.take(self._agent(), conversation_id, incoming, _key(number))
        for reply in replies:
            if reply.seq is None:
                # the last words after everything was deleted: there is no outbox for them
                await self._pace.wait(chat)
                await self._quietly(self._api.call("sendMessage", chat_id=chat, text=reply.text))

    def _alarming(self, text: str) -> Optional[str]:
        return next((piece for piece in split(text, MAX_TEXT) if self._turns.alarming(piece)), None)

    async def _media(self, update: Media, number: int) -> None:
        said = self._handout.say("telegram.media", phone=self._phone(), number=self._settings.emergency_number)
        caption = clean(update.caption)[:MAX_TEXT]
        conversation_id = await self._conversation(update.chat)

        def tell(session: Session) -> None:
            # told once, also where the caption below is tried again
            if not _was_told(session, conversation_id, number):
                self._say(session, conversation_id, Message(said, "notice"), number)
            if not caption:
                inbox.done(session, number)

        await in_transaction(self._database, tell)
        if caption:
            await self._turn(update.chat, conversation_id, Incoming(text=caption), number)

    async def _edited(self, update: Edited, number: int) -> None:
        alarming = self._alarming(clean(update.text)[:LONGEST_LOOKED_AT])
        if alarming is not None:
            # an edited message is no turn, but an emergency is one wherever it is written
            conversation_id = await self._conversation(update.chat)
            await self._turn(update.chat, conversation_id, Incoming(text=alarming), number)
            return
        await self._notice(update.chat, number, Message(self._handout.say("telegram.edited"), "notice"))

    def _membership(self, session: Session, update: Membership, number: int) -> None:
        chats.set_blocked(session, update.chat, update.blocked)
        inbox.done(session, number)

    async def _elsewhere(self, update: Elsewhere, number: int) -> None:
        await in_transaction(self._database, lambda session: inbox.done(session, number))
        now = time.monotonic()
        self._groups_told = {group: at for group, at in self._groups_told.items() if now - at < GROUP_QUIET_SECONDS}
        if update.chat in self._groups_told:
            return
        self._groups_told[update.chat] = now
        # not through the outbox: of a group nothing is kept
        await self._pace.wait(update.chat)
        await self._quietly(
            self._api.call("sendMessage", chat_id=update.chat, text=self._handout.say("telegram.private_only"))
        )

    async def _command(self, command: Command, number: int) -> None:
        if command.name == "start":
            await in_transaction(self._database, lambda session: self._start(session, command, number))
            return
        if command.name == "help":
            said = self._handout.say("telegram.help", phone=self._phone(), number=self._settings.emergency_number)
            await self._notice(command.chat, number, Message(said, "notice"))
            return
        conversation_id = await self._conversation(command.chat)
        if command.name == "stop":
            await self._stop(command.chat, conversation_id, number)
            return
        pressed = self._buttons()[command.name]
        await in_transaction(
            self._database,
            lambda session: session.merge(
                Offer(conversation_id=conversation_id, payload=pressed.payload, title=pressed.title)
            ),
        )
        await self._turn(command.chat, conversation_id, Incoming(payload=pressed.payload), number)

    def _buttons(self) -> Dict[str, Button]:
        """The commands that mean the same as a button of the chat."""
        return {
            "human": person(self._handout),
            "delete": delete(self._handout),
        }

    def _start(self, session: Session, command: Command, number: int) -> None:
        if command.argument:
            linked = chats.redeem(session, command.argument)
            if linked is not None:
                self._go_on(session, command.chat, linked)
                inbox.done(session, number)
                return
        conversation_id = chats.conversation_of(session, command.chat)
        chats.welcome_back(session, command.chat)
        if command.argument:
            conversation_id = conversation_id or self._begin(session, command.chat, greet=False)
            self._say(session, conversation_id, Message(self._handout.say("telegram.link_expired"), "notice"))
        if conversation_id is None:
            self._begin(session, command.chat)
        else:
            add_messages(session, conversation_id, [self._turns.greeting().as_dict()], pushed=True)
        inbox.done(session, number)

    def _go_on(self, session: Session, chat: int, conversation_id: str) -> None:
        """Let a conversation of the website go on here, from where it stands."""
        chats.attach(session, chat, conversation_id)
        last = session.scalars(
            select(StoredMessage)
            .where(StoredMessage.conversation_id == conversation_id, StoredMessage.sender == "assistant")
            .order_by(StoredMessage.seq.desc())
            .limit(1)
        ).first()
        self._say(session, conversation_id, Message(self._handout.say("telegram.linked"), "notice"))
        if last is not None and last.buttons:
            # what was asked last can be answered here, too
            buttons = tuple(Button(button["title"], button["payload"]) for button in last.buttons)
            self._say(session, conversation_id, Message(last.text, last.kind, tuple(last.sources), buttons))

    async def _stop(self, chat: int, conversation_id: str, number: int) -> None:
        if await reading(self._database, lambda session: _screen_is_open(session, conversation_id)):
            await self._take(chat, conversation_id, Incoming(text=STOP_WORDS), number)

        def stop(session: Session) -> None:
            self._say(session, conversation_id, Message(self._handout.say("telegram.stopped"), "notice"))
            chats.stop(session, chat)
            inbox.done(session, number)

        await in_transaction(self._database, stop)

    async def _press(self, press: Press, number: int) -> None:
        try:
            conversation_id, message, button = await reading(
                self._database, lambda session: self._pressed(session, press)
            )
        except _Stale as stale:
            await self._acknowledge(press, stale.text)
            await in_transaction(self._database, lambda session: inbox.done(session, number))
            return
        await self._acknowledge(press)
        await self._take(press.chat, conversation_id, Incoming(payload=button["payload"]), number)

        def finish(session: Session) -> None:
            sent = session.get(TelegramSent, message.seq)
            if sent is not None:
                sent.taken = True
            # the conversation may just have been deleted, at the client's wish
            elif session.get(StoredMessage, message.seq) is not None:
                session.add(TelegramSent(seq=message.seq, pieces=0, taken=True))
            inbox.done(session, number)

        await in_transaction(self._database, finish)
        if press.message is not None:
            self._aside(
                self._api.call(
                    "editMessageReplyMarkup",
                    chat_id=press.chat,
                    message_id=press.message,
                    reply_markup=taken(button["title"]),
                )
            )

    def _pressed(self, session: Session, press: Press) -> Tuple[str, StoredMessage, Mapping[str, str]]:
        """The conversation, the message and the button that a press means.

        Raises:
            _Stale: it means nothing now.
        """
        stale = _Stale(self._handout.say("message.stale_button"))
        if press.data == TAKEN:
            raise _Stale(self._handout.say("telegram.used_button"))
        place = referred(press.data)
        if place is None:
            raise stale
        conversation_id = chats.conversation_of(session, press.chat)
        message = session.get(StoredMessage, place[0])
        if conversation_id is None or message is None or message.conversation_id != conversation_id:
            raise stale
        if place[1] >= len(message.buttons):
            raise stale
        sent = session.get(TelegramSent, message.seq)
        if sent is not None and sent.taken:
            raise _Stale(self._handout.say("telegram.used_button"))
        return conversation_id, message, message.buttons[place[1]]

    async def _acknowledge(self, press: Press, text: Optional[str] = None) -> None:
        await self._quietly(
            self._api.call("answerCallbackQuery", callback_query_id=press.query, text=text[:TOAST] if text else None)
        )

    async def _conversation(self, chat: int) -> str:
        """The chat's conversation; a new one begins with its greeting."""

        def find(session: Session) -> str:
            known = chats.conversation_of(session, chat)
            if known is None:
                return self._begin(session, chat)
            # whoever writes can be written to
            chats.welcome_back(session, chat)
            return known

        return await in_transaction(self._database, find)

    def _begin(self, session: Session, chat: int, greet: bool = True) -> str:
        conversation_id = new_conversation_id()
        session.add(Conversation(id=conversation_id, channel=chats.CHANNEL))
        session.flush()
        chats.attach(session, chat, conversation_id)
        if greet:
            add_messages(session, conversation_id, [self._turns.greeting().as_dict()], pushed=True)
        return conversation_id

    async def _notice(self, chat: int, number: int, message: Message) -> None:
        """Say a sentence about the channel; it is there with the mark that the update is done."""

        def say(session: Session) -> None:
            # whoever writes can be written to
            chats.welcome_back(session, chat)
            conversation_id = chats.conversation_of(session, chat) or self._begin(session, chat)
            self._say(session, conversation_id, message)
            inbox.done(session, number)

        await in_transaction(self._database, say)

    @staticmethod
    def _say(session: Session, conversation_id: str, message: Message, number: Optional[int] = None) -> None:
        add_messages(
            session,
            conversation_id,
            [message.as_dict()],
            pushed=True,
            request_key=_told_key(number) if number is not None else None,
        )

    async def _again(self, update: Update, waiting: Waiting, why: str) -> None:
        """Try an update again after a while; give up in the open, with a case for the therapist."""
        if waiting.attempts < ATTEMPTS:
            seconds = min(60.0, 2.0**waiting.attempts)
            logger.warning("Telegram update %s is tried again in %.0f s: %s", waiting.update_id, seconds, why)
            await in_transaction(self._database, lambda session: inbox.later(session, waiting.update_id, seconds))
            return
        logger.error("Telegram update %s was given up: %s", waiting.update_id, why)
        words = getattr(update, "text", "") or getattr(update, "caption", "")

        def give_up(session: Session) -> None:
            chat = getattr(update, "chat", None)
            conversation_id = chats.conversation_of(session, chat) if chat is not None else None
            if conversation_id is not None:
                passed_on = self._escalating.pass_on(
                    session, conversation_id, "not_understood", words[:MAX_TEXT], datetime.now(timezone.utc)
                )
                self._say(session, conversation_id, passed_on)
            inbox.done(session, waiting.update_id)

        await in_transaction(self._database, give_up)

    def _phone(self) -> str:
        return self._settings.practice_phone or self._settings.practice_name

    def _aside(self, call: Awaitable[Any]) -> None:
        """Make a call that nothing waits for and whose failure costs nothing."""
        task = asyncio.ensure_future(self._quietly(call))
        self._side_tasks.add(task)
        task.add_done_callback(self._side_tasks.discard)

    async def _quietly(self, call: Awaitable[Any]) -> None:
        try:
            await call
        except TooManyRequests as error:
            self._pace.pause(error.retry_after)
        except ApiError as error:
            logger.info("%s", error)


def _key(number: int) -> str:
    return f"telegram-{number}"


def _told_key(number: int) -> str:
    return f"telegram-{number}-told"


def _was_told(session: Session, conversation_id: str, number: int) -> bool:
    found: Sequence[Any] = session.scalars(
        select(StoredMessage.seq).where(
            StoredMessage.conversation_id == conversation_id, StoredMessage.request_key == _told_key(number)
        )
    ).all()
    return bool(found)


def _screen_is_open(session: Session, conversation_id: str) -> bool:
    found: List[Mapping[str, Any]] = session.scalars(
        select(Screen.id).where(Screen.conversation_id == conversation_id, Screen.status == "open")
    ).all()
    return bool(found)
