"""The worker that empties the outbox: one task a kind, so that a slow mail server holds up nothing else.

It runs in every server process; claims keep the servers apart. It must not
know what is sent, nor to whom.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import aclosing
from functools import partial
from typing import Callable, Collection, Dict, List, TypeVar

from bot.channels.live import Live
from bot.dialogue.failure import describe
from bot.escalation import delivery
from bot.escalation.delivery import SEND_SECONDS, Item, Later, Sender
from bot.store import topics
from bot.store.database import Database, StoreError
from bot.threads import in_thread

logger = logging.getLogger(__name__)

# the longest that a row of another process waits before it is seen
POLL_SECONDS = 5.0
AT_ONCE = 8
STOP_SECONDS = 5.0

T = TypeVar("T")


class OutboxWorker:
    """Sends what is due, until it is stopped.

    Args:
        unwanted: kinds that this installation is not set up to send; their rows are removed.
        poll: seconds between looks when nothing wakes it.
    """

    def __init__(
        self, database: Database, live: Live, unwanted: Collection[str] = (), poll: float = POLL_SECONDS
    ) -> None:
        self._database = database
        self._live = live
        self._unwanted = tuple(unwanted)
        self._poll = poll
        self._senders: Dict[str, Sender] = {}
        self._tasks: List[asyncio.Task[None]] = []
        self._running = False
        # names this worker in the claims
        self._server = secrets.token_hex(8)

    def register(self, kind: str, sender: Sender) -> None:
        """Let `sender` take the rows of `kind`; before or after the start."""
        if kind in self._senders:
            raise ValueError(f"the kind '{kind}' has a sender already")
        self._senders[kind] = sender
        if self._running:
            self._begin(kind)

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._running = True
        for kind in self._senders:
            self._begin(kind)
        self._tasks.append(asyncio.ensure_future(self._drop_unwanted()))

    async def stop(self) -> None:
        """Stop taking rows; what is being sent gets a moment to end."""
        self._running = False
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
        self._tasks.clear()

    async def send_due(self, kind: str) -> int:
        """Send everything of `kind` that is due now; returns how many rows were tried."""
        tried = 0
        while items := await in_thread(lambda: delivery.claim(self._database, kind, self._server, AT_ONCE)):
            await asyncio.gather(*(self._send(item) for item in items))
            tried += len(items)
        return tried

    def _begin(self, kind: str) -> None:
        self._tasks.append(asyncio.ensure_future(self._keep_sending(kind)))

    async def _keep_sending(self, kind: str) -> None:
        async with aclosing(self._live.watch(topics.OUTBOX, self._poll)) as changes:
            async for _ in changes:
                try:
                    await self.send_due(kind)
                except StoreError as error:
                    # full, locked or away: the rows are safe, and the next look may find it well
                    logger.error("the outbox cannot be worked on: %s", error)

    async def _drop_unwanted(self) -> None:
        async with aclosing(self._live.watch(topics.OUTBOX, self._poll)) as changes:
            async for _ in changes:
                try:
                    for kind in self._unwanted:
                        await in_thread(partial(delivery.drop, self._database, kind))
                except StoreError as error:
                    logger.error("the outbox cannot be worked on: %s", error)

    async def _send(self, item: Item) -> None:
        try:
            await asyncio.wait_for(self._senders[item.kind].send(item), SEND_SECONDS)
        except asyncio.CancelledError:
            # whether it arrived is not known; sending twice is better than not at all
            await asyncio.shield(in_thread(lambda: self._write(delivery.release, item)))
            raise
        except Exception as error:
            # bound by its own name: Python forgets `error` when the block ends
            problem = error
            dead = await in_thread(lambda: self._write(delivery.failed, item, problem))
            if isinstance(error, Later):
                return
            logger.warning(
                "outbox row %d (%s), attempt %d: %s%s",
                item.id,
                item.kind,
                item.attempts + 1,
                error if isinstance(error, (delivery.Retry, delivery.Undeliverable)) else describe(error),
                "; given up" if dead else "",
            )
            return
        await in_thread(lambda: self._write(delivery.sent, item))

    def _write(self, work: Callable[..., T], item: Item, *arguments: object) -> T:
        with self._database.transaction() as session:
            return work(session, item, self._server, *arguments)
