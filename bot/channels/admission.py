"""How many messages are answered at a time, and how many may wait for it: back-pressure instead of collapse.

Emergencies do not come here: they are answered before. This module must not know what a message is.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import AsyncIterator, Final

from bot.channels.problems import Problem
from bot.metrics import IN_FLIGHT

#: More at a time would only make each of them slower: the reading is bound by one processor.
AT_ONCE: Final = 8
#: About five seconds of work. Who comes later is told to try again instead of waiting without an answer.
WAITING: Final = 300
RETRY_SECONDS: Final = 3


class Admission:
    """Lets so many in, lets so many wait, and refuses the rest at once."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._inside = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place, first come first served.

        Raises:
            Problem: 503 with Retry-After; too many wait already.
        """
        if self._inside >= self._most:
            raise Problem(
                503,
                "Many people are writing at this moment. Your message has arrived; please send it again shortly.",
                headers={"Retry-After": str(RETRY_SECONDS)},
            )
        self._inside += 1
        IN_FLIGHT.set(self._inside)
        try:
            async with self._places:
                yield
        finally:
            self._inside -= 1
            IN_FLIGHT.set(self._inside)
