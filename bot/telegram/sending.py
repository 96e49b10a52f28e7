"""Sending messages of the transcript to their chats, for the outbox.

The outbox keeps the order within a conversation and tries again; this module
keeps the Bot API's pace and notes each piece as soon as Telegram has taken it.
The Bot API has no way to send a message once for certain: where a process dies
between Telegram's answer and the note, that one piece is sent again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import Any, List, Union

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.booking import BookingTokens
from bot.dialogue.transcript import as_contract, with_fresh_token
from bot.escalation.delivery import Item, Retry, Undeliverable
from bot.handout import Handout
from bot.senders.notice import Notices
from bot.settings import Settings
from bot.store.database import Database
from bot.store.models import StoredMessage, TelegramSent
from bot.telegram import bots, chats
from bot.telegram.api import ApiError, BotApi, Forbidden, Refused, TooManyRequests, Unauthorized
from bot.telegram.pace import Pace
from bot.telegram.rendering import Shown, show
from bot.telegram.work import in_transaction

logger = logging.getLogger(__name__)

# longer pauses are spent in the outbox, which may let another server try meanwhile
LONGEST_PAUSE = 5.0
REVOKED_SECONDS = 60.0
BLOCKED = "The client has blocked the bot."


class Way:
    """The way to a chat: at the Bot API's pace, its refusals as the outbox knows them.

    Args:
        bot: the bot's number, under which problems are kept.
    """

    def __init__(self, database: Database, api: BotApi, pace: Pace, bot: int) -> None:
        self._database = database
        self._api = api
        self._pace = pace
        self._bot = bot

    async def send(self, chat: int, piece: Shown, urgent: bool) -> None:
        """Send one piece.

        Raises:
            Retry: not now.
            Undeliverable: never.
            Forbidden: the chat's owner has blocked the bot.
        """
        if self._pace.paused > LONGEST_PAUSE:
            raise Retry("The Bot API asked for a pause.", self._pace.paused)
        await self._pace.wait(chat, urgent)
        try:
            await self._api.call("sendMessage", chat_id=chat, **piece.parameters())
        except TooManyRequests as error:
            self._pace.pause(error.retry_after)
            raise Retry(str(error), error.retry_after) from None
        except Unauthorized as error:
            if await in_transaction(self._database, lambda session: bots.fails(session, self._bot, bots.REVOKED)):
                logger.error("%s", bots.REVOKED)
            raise Retry(str(error), REVOKED_SECONDS) from None
        except Forbidden:
            raise
        except Refused as error:
            raise Undeliverable(str(error)) from None
        except ApiError as error:
            raise Retry(str(error)) from None


@dataclass(frozen=True)
class _Delivery:
    """What is left to be sent of one message."""

    seq: int
    chat: int
    urgent: bool
    pieces: List[Shown]
    first: int


class TelegramSender:
    """Sends stored messages (outbox kind `telegram`)."""

    def __init__(
        self, database: Database, handout: Handout, settings: Settings, tokens: BookingTokens, way: Way
    ) -> None:
        self._database = database
        self._handout = handout
        self._settings = settings
        self._tokens = tokens
        self._way = way

    async def send(self, item: Item) -> None:
        """Send what is left of the message that `item` names.

        Raises:
            Retry: not now.
            Undeliverable: never.
        """
        delivery = await in_transaction(
            self._database, lambda session: self._load(session, str(item.payload["message"]))
        )
        if isinstance(delivery, str):
            raise Undeliverable(delivery)
        for index in range(delivery.first, len(delivery.pieces)):
            try:
                await self._way.send(delivery.chat, delivery.pieces[index], delivery.urgent)
            except Forbidden as error:
                await in_transaction(self._database, lambda session: chats.set_blocked(session, delivery.chat, True))
                raise Undeliverable(BLOCKED) from error
            await in_transaction(self._database, partial(_note, seq=delivery.seq, pieces=index + 1))

    def _load(self, session: Session, message_id: str) -> Union[_Delivery, str]:
        """What is left to be sent, or why nothing can be."""
        message = session.scalars(select(StoredMessage).where(StoredMessage.id == message_id)).first()
        if message is None:
            return "The message was deleted."
        chat = chats.address(session, message.conversation_id)
        if chat is None:
            return "The conversation has no chat in Telegram."
        if chat.blocked:
            chats.tell_case(session, message.conversation_id, chats.BLOCKED)
            return BLOCKED
        if message.pushed and chat.stopped_at is not None and message.at > chat.stopped_at:
            chats.tell_case(session, message.conversation_id, chats.STOPPED)
            return "The client has asked for no more messages."
        sent = session.get(TelegramSent, message.seq)
        return _Delivery(
            seq=message.seq,
            chat=chat.chat_id,
            urgent=message.kind == "emergency",
            pieces=show(
                self._handout,
                self._settings.booking_url,
                seq=message.seq,
                sender=message.sender,
                text=message.text,
                sources=message.sources,
                buttons=message.buttons,
                # the token is short-lived: its time begins when the message is sent
                decision=with_fresh_token(as_contract(message), self._tokens)["decision"],
            ),
            first=sent.pieces if sent is not None else 0,
        )


class NoticeSender:
    """Tells the therapist in Telegram that a case needs them (outbox kind `telegram_notice`).

    Args:
        chat: the number of the therapist's chat with the bot.
    """

    def __init__(self, notices: Notices, handout: Handout, way: Way, chat: int) -> None:
        self._notices = notices
        self._handout = handout
        self._way = way
        self._chat = chat

    async def send(self, item: Item) -> None:
        """Send one notice; it holds a case's number and a link, nothing about health.

        Raises:
            Later: it is quiet now, and this one can wait.
            Retry: not now.
            Undeliverable: never.
        """
        notice = self._notices.read(item.payload)
        text = f"{notice.headline}.\n{self._handout.say('notice.open', link=notice.link)}"
        try:
            await self._way.send(self._chat, Shown(text), notice.urgent)
        except Forbidden:
            # the practice can mend this: the notice waits for it
            raise Retry("The bot may not write to THERAPIST_TELEGRAM_CHAT; send it /start from there.") from None


def _note(session: Session, seq: int, pieces: int) -> None:
    """Note how many pieces Telegram has taken."""
    row: Any = session.get(TelegramSent, seq)
    if row is not None:
        row.pieces = pieces
    elif session.get(StoredMessage, seq) is not None:
        session.add(TelegramSent(seq=seq, pieces=pieces, taken=False))
