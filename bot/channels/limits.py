"""Rate limits, so that one client cannot slow down the others.

The counting is the `limits` library's; the figures are here. With Redis all servers count together;
while Redis is away each counts for itself.
"""

from __future__ import annotations

import logging
import math
import time
from typing import Final, Tuple

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import MovingWindowRateLimiter

from bot.channels.problems import Problem

logger = logging.getLogger(__name__)

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
#: A Redis that does not answer must not hold up every request.
REDIS_SECONDS: Final = 0.5
AWAY_SECONDS: Final = 10.0


class Limits:
    """Counts requests and refuses those over the limit.

    Args:
        active: False lets everything through (evaluation, load tests on loopback).
        redis_url: where the servers count together; empty: each for itself.
    """

    def __init__(self, active: bool, redis_url: str = "") -> None:
        self._active = active
        self._alone = MovingWindowRateLimiter(MemoryStorage())
        self._together = MovingWindowRateLimiter(_redis(redis_url)) if redis_url else None
        self._away_until = 0.0
        self._items: dict[str, RateLimitItem] = {name: parse(figure) for name, figure in FIGURES.items()}

    def hit(self, name: str, who: str) -> None:
        """Count one request of `who`.

        Raises:
            Problem: 429, with the seconds to wait.
        """
        if not self._active:
            return
        allowed, reset = self._count(self._items[name], name, who)
        if allowed:
            return
        wait = max(1, math.ceil(reset - time.time()))
        raise Problem(
            429,
            f"That was a lot at once. Please wait {wait} seconds and try again.",
            headers={"Retry-After": str(wait)},
        )

    def _count(self, item: RateLimitItem, name: str, who: str) -> Tuple[bool, float]:
        if self._together is not None and time.monotonic() >= self._away_until:
            try:
                return _count(self._together, item, name, who)
            except StorageError as error:
                self._away_until = time.monotonic() + AWAY_SECONDS
                logger.warning(
                    "Redis does not count requests (%s); this server counts alone for %.0f s.",
                    type(error.storage_error).__name__,
                    AWAY_SECONDS,
                )
        return _count(self._alone, item, name, who)


def _count(counter: MovingWindowRateLimiter, item: RateLimitItem, name: str, who: str) -> Tuple[bool, float]:
    if counter.hit(item, name, who):
        return True, 0.0
    return False, counter.get_window_stats(item, name, who).reset_time


def _redis(url: str) -> Storage:
    return RedisStorage(url, wrap_exceptions=True, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)
