"""Rate limits, so that one client cannot slow down the others.

The counting is the `limits` library's; the figures are here.
"""

from __future__ import annotations

import math
import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from bot.channels.problems import Problem

# a person who types fast stays far below these
FIGURES = {
    "sessions": "30 per minute",
    "messages": "40 per minute",
    "exports": "10 per minute",
    "checks": "30 per minute",
    "checks_read": "120 per minute",
    # a booking site speaks for all of its clients
    "checks_by_key": "600 per minute",
}


class Limits:
    """Counts requests and refuses those over the limit.

    Args:
        active: False lets everything through (evaluation, load tests on loopback).
    """

    def __init__(self, active: bool) -> None:
        self._active = active
        self._counter = MovingWindowRateLimiter(MemoryStorage())
        self._items: dict[str, RateLimitItem] = {name: parse(figure) for name, figure in FIGURES.items()}

    def hit(self, name: str, who: str) -> None:
        """Count one request of `who`.

        Raises:
            Problem: 429, with the seconds to wait.
        """
        if not self._active or self._counter.hit(self._items[name], name, who):
            return
        reset = self._counter.get_window_stats(self._items[name], name, who).reset_time
        wait = max(1, math.ceil(reset - time.time()))
        raise Problem(
            429,
            f"That was a lot at once. Please wait {wait} seconds and try again.",
            headers={"Retry-After": str(wait)},
        )
