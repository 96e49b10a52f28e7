"""How fast the Bot API may be used: one message a second a chat, thirty a second in all.

Source: core.telegram.org/bots/faq, "My bot is hitting limits". The counting is
the `limits` library's. Each server counts for itself; where several together
go too fast, the Bot API says so and is obeyed.
"""

from __future__ import annotations

import asyncio
import time
from typing import Awaitable, Callable

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

A_CHAT = "1 per second"
IN_ALL = "30 per second"


class Pace:
    """Lets calls through at the Bot API's pace.

    Args:
        a_chat, in_all: figures in the notation of `limits`.
        sleep: waits a number of seconds.
    """

    def __init__(
        self, a_chat: str = A_CHAT, in_all: str = IN_ALL, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._a_chat = parse(a_chat)
        self._in_all = parse(in_all)
        self._counter = MovingWindowRateLimiter(MemoryStorage())
        self._sleep = sleep
        self._paused_until = 0.0

    def pause(self, seconds: float) -> None:
        """Let nothing through for a while: the Bot API asked for it."""
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    @property
    def paused(self) -> float:
        """Seconds for which nothing goes through; 0 when there is no pause."""
        return max(0.0, self._paused_until - time.monotonic())

    async def wait(self, chat: int, urgent: bool = False) -> None:
        """Return when one more message may go to this chat.

        Args:
            urgent: an emergency message; it does not wait for the chat's second.
        """
        if not urgent:
            await self._turn(self._a_chat, str(chat))
        await self._turn(self._in_all)
        while self.paused:
            await self._sleep(self.paused)

    async def _turn(self, item: RateLimitItem, *who: str) -> None:
        while not self._counter.hit(item, *who):
            reset: float = self._counter.get_window_stats(item, *who).reset_time
            # at least a moment: the window's end still belongs to the window
            await self._sleep(max(0.02, reset - time.time()))
