"""Telegram in one server process: the parts, started and stopped together."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import Any, Awaitable, Callable, List, Optional

from rasa.core.agent import Agent
from sqlalchemy.orm import Session
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from bot.booking import BookingTokens
from bot.channels.live import Live
from bot.channels.turn import Turns
from bot.dialogue.failure import describe
from bot.handout import Handout
from bot.senders.notice import Notices
from bot.settings import Settings
from bot.store import topics
from bot.store.database import Database, StoreError
from bot.telegram import bots, inbox
from bot.telegram.api import ApiError, BotApi, Unauthorized
from bot.telegram.handling import Handling
from bot.telegram.inbox import Waiting
from bot.telegram.pace import Pace
from bot.telegram.polling import UNREACHABLE, Polling
from bot.telegram.sending import NoticeSender, TelegramSender, Way
from bot.telegram.updates import COMMANDS, WANTED
from bot.telegram.work import in_transaction

logger = logging.getLogger(__name__)

# updates handled at a time, each of another chat
WORKERS = 4
# an update that is due later, or was claimed by a server that died, is seen after this long
LOOK_SECONDS = 2.0
ANEW_SECONDS = 5.0


class Telegram:
    """The bot in this process.

    Args:
        agent: the loaded agent of Rasa, or None while it is loading.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        live: Live,
        turns: Turns,
        handout: Handout,
        tokens: BookingTokens,
        agent: Callable[[], Optional[Agent]],
        pace: Optional[Pace] = None,
    ) -> None:
        token = settings.telegram_bot_token.get_secret_value()
        self._settings = settings
        self._database = database
        self._live = live
        self._handout = handout
        self._agent = agent
        self._bot = bots.bot_id(token)
        self._api = BotApi(token, settings.telegram_api_base)
        pace = pace or Pace()
        self._handling = Handling(database, turns, handout, settings, self._api, pace, self._loaded)
        self._polling = Polling(database, self._api, self._bot, secrets.token_hex(8))
        way = Way(database, self._api, pace, self._bot)
        #: Takes the outbox's rows of kind `telegram`.
        self.sender = TelegramSender(database, handout, settings, tokens, way)
        #: Takes those of kind `telegram_notice`, if the therapist wants notices here.
        self.notices: Optional[NoticeSender] = None
        if settings.therapist_telegram_chat:
            chat = int(settings.therapist_telegram_chat)
            self.notices = NoticeSender(Notices(handout, settings), handout, way, chat)
        self._tasks: List[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin, in the running event loop."""
        work = [self._receive, *[self._work] * WORKERS]
        self._tasks = [asyncio.ensure_future(_keep_alive(one)) for one in work]

    async def stop(self) -> None:
        """Stop; what is being handled is given back."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        try:
            await self._polling.stop()
        except StoreError as error:
            logger.error("%s", error)
        await self._api.close()

    async def keep(self, update: Any) -> None:
        """Keep an update that a webhook call brought.

        Raises:
            StoreError: it could not be kept; Telegram has to deliver it again.
        """

        def keep(session: Session) -> None:
            inbox.keep(session, [update])
            bots.heard(session, self._bot)
            inbox.forget(session)

        await in_transaction(self._database, keep)

    async def username(self) -> Optional[str]:
        """The bot's name, once the Bot API has told it."""
        return await in_transaction(self._database, lambda session: bots.known(session, self._bot).username)

    async def _receive(self) -> None:
        await AsyncRetrying(
            wait=wait_random_exponential(max=60),
            retry=retry_if_exception_type((ApiError, StoreError)),
            before_sleep=self._note_failure,
        )(self._introduce)
        if self._settings.telegram_mode == "polling":
            await self._polling.run()

    async def _introduce(self) -> None:
        """Learn the bot's name, choose polling or webhook, register the commands."""
        me = await self._api.call("getMe")
        if self._settings.telegram_mode == "webhook":
            await self._api.call(
                "setWebhook",
                url=self._settings.telegram_webhook_url,
                secret_token=self._settings.telegram_webhook_secret.get_secret_value(),
                allowed_updates=list(WANTED),
            )
        else:
            await self._api.call("deleteWebhook")
        username = me.get("username") if isinstance(me, dict) else None
        await in_transaction(self._database, lambda session: bots.works(session, self._bot, username))
        try:
            described = [{"command": name, "description": self._handout.say(f"command.{name}")} for name in COMMANDS]
            await self._api.call("setMyCommands", commands=described)
        except ApiError as error:
            # the commands work without being listed
            logger.warning("%s", error)

    async def _note_failure(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        if isinstance(error, StoreError):
            logger.error("%s", error)
            return
        problem = bots.REVOKED if isinstance(error, Unauthorized) else UNREACHABLE
        try:
            if await in_transaction(self._database, lambda session: bots.fails(session, self._bot, problem)):
                logger.error("%s", problem)
        except StoreError as failure:
            logger.error("%s", failure)

    async def _work(self) -> None:
        async for _ in self._live.watch(topics.TELEGRAM, LOOK_SECONDS):
            try:
                while self._agent() is not None and await self._work_once():
                    pass
            except StoreError as error:
                # full, locked or away: the updates are safe, and the next look may find it well
                logger.error("%s", error)

    async def _work_once(self) -> bool:
        waiting = await in_transaction(self._database, inbox.claim)
        if waiting is None:
            return False
        try:
            await self._handle(waiting)
        except asyncio.CancelledError:
            number = waiting.update_id
            await asyncio.shield(in_transaction(self._database, lambda session: inbox.later(session, number, 0)))
            raise
        return True

    async def _handle(self, waiting: Waiting) -> None:
        try:
            await self._handling.handle(waiting)
        except StoreError:
            raise
        except Exception as error:
            logger.error("Telegram update %s: %s", waiting.update_id, describe(error))
            await self._handling.failed(waiting, error)

    def _loaded(self) -> Agent:
        agent = self._agent()
        assert agent is not None, "updates are claimed only once the agent is loaded"
        return agent


async def _keep_alive(work: Callable[[], Awaitable[None]]) -> None:
    """Do `work` until it is done, beginning anew after an error that nobody foresaw."""
    while True:
        try:
            return await work()
        except Exception as error:
            logger.error("Telegram goes on after %s", describe(error))
            await asyncio.sleep(ANEW_SECONDS)
