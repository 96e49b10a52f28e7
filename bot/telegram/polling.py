"""Asking the Bot API for updates: needs no public address, works behind any router.

An update is kept before the next question confirms it, so that one which could
not be kept is delivered again. This module must not know what an update means.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta
from typing import Any, List, Optional

from sqlalchemy.orm import Session

from bot.store.database import Database, StoreError
from bot.telegram import bots, inbox
from bot.telegram.api import ApiError, BotApi, Conflict, TooManyRequests, Unauthorized, Unreachable
from bot.telegram.updates import WANTED, update_id
from bot.telegram.work import in_transaction

logger = logging.getLogger(__name__)

# how long Telegram holds a question open while there is nothing to say
HELD_SECONDS = 20
# how long this server's turn lasts beyond a question; another one takes over after that
TURN = timedelta(seconds=HELD_SECONDS + 10)
OTHERS_TURN_SECONDS = 5.0
LONGEST_WAIT = 60.0
# a server that does not hold questions open is not asked more often than this
SHORTEST_ROUND = 1.0
# after a week of silence Telegram numbers anew: an old place in the queue is forgotten well before
PLACE_SECONDS = 24 * 3600.0
IN_USE = "Another program asks for this bot's updates. Only one may: stop the other, or give this one its own bot."
UNREACHABLE = "The Bot API cannot be reached. Check the network, and TELEGRAM_API_BASE if it is set."


class Polling:
    """Asks for updates until it is cancelled.

    Args:
        bot: the bot's number.
        server: names this process among those that share the database.
    """

    def __init__(self, database: Database, api: BotApi, bot: int, server: str) -> None:
        self._database = database
        self._api = api
        self._bot = bot
        self._server = server
        self._place: Optional[int] = None
        self._heard_at = time.monotonic()
        self._failures = 0

    async def run(self) -> None:
        """Ask, keep, ask again."""
        while True:
            await asyncio.sleep(await self._round())

    async def stop(self) -> None:
        """Let another server ask at once."""
        await in_transaction(self._database, lambda session: bots.stop_polling(session, self._bot, self._server))

    async def _round(self) -> float:
        """One question; returns the seconds to wait before the next."""
        began = time.monotonic()
        try:
            if not await in_transaction(
                self._database, lambda session: bots.may_poll(session, self._bot, self._server, TURN)
            ):
                return OTHERS_TURN_SECONDS
            updates = await self._ask()
            await self._keep(updates)
        except TooManyRequests as error:
            return error.retry_after
        except Unauthorized:
            await self._problem(bots.REVOKED)
            return LONGEST_WAIT
        except Conflict:
            await self._problem(IN_USE)
            return self._longer()
        except ApiError:
            await self._problem(UNREACHABLE)
            return self._longer()
        except StoreError as error:
            # not kept, so not confirmed: Telegram delivers it again
            self._failures += 1
            logger.error("%s", error)
            return self._longer()
        if self._failures:
            logger.info("Updates of Telegram arrive again.")
            self._failures = 0
        return 0.0 if updates else max(0.0, SHORTEST_ROUND - (time.monotonic() - began))

    async def _ask(self) -> List[Any]:
        if time.monotonic() - self._heard_at > PLACE_SECONDS:
            self._place = None
        result = await self._api.call(
            "getUpdates",
            wait=HELD_SECONDS,
            offset=self._place,
            timeout=HELD_SECONDS,
            limit=100,
            allowed_updates=list(WANTED),
        )
        if not isinstance(result, list):
            raise Unreachable("The Bot API answered getUpdates with something else than a list.")
        return result

    async def _keep(self, updates: List[Any]) -> None:
        def keep(session: Session) -> None:
            bots.works(session, self._bot)
            if updates:
                inbox.keep(session, updates)
                bots.heard(session, self._bot)
                inbox.forget(session)

        if updates or self._failures:
            await in_transaction(self._database, keep)
        numbers = [number for number in map(update_id, updates) if number is not None]
        if numbers:
            self._place = max(numbers) + 1
            self._heard_at = time.monotonic()

    async def _problem(self, problem: str) -> None:
        self._failures += 1
        try:
            fresh = await in_transaction(self._database, lambda session: bots.fails(session, self._bot, problem))
        except StoreError as error:
            logger.error("%s", error)
            return
        if fresh:
            # once, not at every attempt
            logger.error("%s", problem)

    def _longer(self) -> float:
        return min(LONGEST_WAIT, 2.0 ** min(self._failures, 10) / 2)
