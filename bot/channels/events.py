"""Messages that reach a client by themselves, as server-sent events (contract: `GET /chat/events`).

An event is a pushed message, read from the database every time: a stream that
breaks loses nothing, because the next one goes on after the id it was left at.
Only one message is on its way at a time, so that a reader who is slow waits at
the database and not in our memory.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import aclosing
from functools import partial
from typing import AsyncGenerator, List, Optional

from sqlalchemy import select

from bot.booking import BookingTokens
from bot.channels.live import Live
from bot.channels.problems import Problem, invalid
from bot.dialogue.transcript import as_contract, with_fresh_token
from bot.store import topics
from bot.store.database import Database, StoreError
from bot.store.models import Conversation, StoredMessage
from bot.threads import in_thread

# the longest that a message of another process waits before it is seen
POLL_SECONDS = 5.0
# proxies close what is silent for longer, and so does our own server
HEARTBEAT_SECONDS = 15.0
RECONNECT_MILLISECONDS = 2000
BATCH = 20
# tabs of one client that listen at once
STREAMS = 8

COMMENT = ":\n\n"


class Events:
    """Follows conversations. Safe to share between the streams of a process.

    Args:
        poll: seconds between looks when nothing wakes a stream.
    """

    def __init__(self, database: Database, live: Live, tokens: BookingTokens, poll: float = POLL_SECONDS) -> None:
        self._database = database
        self._live = live
        self._tokens = tokens
        self._poll = poll
        self._open: Counter[str] = Counter()

    async def position(self, conversation_id: str, last_event_id: Optional[str]) -> int:
        """Where a stream goes on: the `seq` after which messages are new to this reader.

        Args:
            last_event_id: an event's id, or a message's id from the history; None: from the beginning.

        Raises:
            Problem: 404, the conversation is gone; 422, the id is none of this conversation's.
        """

        def _position() -> int:
            with self._database.reading() as session:
                if session.get(Conversation, conversation_id) is None:
                    raise Problem(404, "This conversation does not exist any more. Start a new one.")
                if not last_event_id:
                    return 0
                # an event's id is a number; longer than any sequence is none of ours
                if last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) <= 18:
                    return int(last_event_id)
                found = session.scalars(
                    select(StoredMessage.seq).where(
                        StoredMessage.conversation_id == conversation_id, StoredMessage.id == last_event_id
                    )
                ).first()
                if found is None:
                    raise invalid("Last-Event-ID", "Send the id of an event or of a message of this conversation.")
                return found

        return await in_thread(_position)

    async def follow(self, conversation_id: str, after: int) -> AsyncGenerator[str, None]:
        """The stream's text, piece by piece, until the conversation or the server goes.

        Raises:
            Problem: 429, too many streams of this conversation are open.
        """
        if self._open[conversation_id] >= STREAMS:
            raise Problem(
                429,
                f"This chat is open in {STREAMS} places already. Close one of them.",
                headers={"Retry-After": "30"},
            )
        self._open[conversation_id] += 1
        try:
            async with aclosing(self._pieces(conversation_id, after)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self._open[conversation_id] -= 1
            if not self._open[conversation_id]:
                del self._open[conversation_id]

    async def _pieces(self, conversation_id: str, after: int) -> AsyncGenerator[str, None]:
        # sent at once, so that the reader sees that it is connected
        yield f"retry: {RECONNECT_MILLISECONDS}\n\n"
        loop = asyncio.get_running_loop()
        spoken = loop.time()
        async with aclosing(self._live.watch(topics.conversation(conversation_id), self._poll)) as changes:
            async for _ in changes:
                while True:
                    try:
                        messages = await in_thread(partial(self._after, conversation_id, after))
                    except StoreError:
                        # locked or away for a moment: nothing is lost by looking again
                        messages = []
                    if messages is None:
                        return
                    for message in messages:
                        after, spoken = message.seq, loop.time()
                        yield self._event(message)
                    if len(messages) < BATCH:
                        break
                if loop.time() - spoken >= HEARTBEAT_SECONDS:
                    spoken = loop.time()
                    yield COMMENT

    def _after(self, conversation_id: str, after: int) -> Optional[List[StoredMessage]]:
        """The next pushed messages; None when the conversation is gone."""
        with self._database.reading() as session:
            found = list(
                session.scalars(
                    select(StoredMessage)
                    .where(
                        StoredMessage.conversation_id == conversation_id,
                        StoredMessage.pushed,
                        StoredMessage.seq > after,
                    )
                    .order_by(StoredMessage.seq)
                    .limit(BATCH)
                )
            )
            if not found and session.get(Conversation, conversation_id) is None:
                return None
            return found

    def _event(self, message: StoredMessage) -> str:
        told = with_fresh_token(as_contract(message), self._tokens)
        return f"id: {message.seq}\ndata: {json.dumps(told, ensure_ascii=False)}\n\n"
