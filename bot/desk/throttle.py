"""Slows down guessing of the password.

The counting is the `limits` library's; the counts are in the database, so that
neither a restart nor another server gives anybody further guesses. A browser
that has logged in before is counted by itself: whoever guesses from elsewhere
cannot lock the therapist out (OWASP: slow down online guessing with device cookies).
"""

from __future__ import annotations

import math
import time
from typing import Callable, ClassVar

from limits import parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from bot.desk.errors import TooManyAttempts
from bot.store.database import Database
from bot.store.models import LoginCount

# one browser or address; a person who mistypes stays below it
EACH = parse("5 per 15 minutes")
# all browsers together that have never logged in: guessing from many addresses
STRANGERS = parse("60 per hour")


class Throttle:
    """Counts failed log-ins.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._counts = CountsInDatabase(database, clock)
        self._limiter = FixedWindowRateLimiter(self._counts)

    def attempt(self, who: str, known: bool) -> None:
        """Count an attempt before the password is looked at.

        Args:
            who: the browser, if it has logged in before, or the address.
            known: whether the browser has.

        Raises:
            TooManyAttempts: this one is not looked at.
        """
        for limit, name in [(EACH, who)] if known else [(EACH, who), (STRANGERS, "strangers")]:
            if not self._limiter.hit(limit, name):
                reset = self._limiter.get_window_stats(limit, name).reset_time
                raise TooManyAttempts(max(1, math.ceil(reset - self._clock())))

    def succeeded(self, who: str) -> None:
        """Forget the failures of somebody who knows the password."""
        self._limiter.clear(EACH, who)


class CountsInDatabase(Storage):
    """The storage that the `limits` library counts in: the table `login_counts`."""

    STORAGE_SCHEME: ClassVar[list[str]] = ["desk"]

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        super().__init__()
        self._database = database
        self._clock = clock

    @property
    def base_exceptions(self) -> type[Exception]:
        """The database's errors are told by the database."""
        return IntegrityError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount` more for `key`, whose window is `expiry` seconds long; returns the count."""
        now = self._clock()
        with self._database.transaction() as session:
            session.execute(delete(LoginCount).where(LoginCount.expires_at <= now))
            row = session.get(LoginCount, key, with_for_update=True)
            if row is None:
                row = LoginCount(key=key, count=0, expires_at=now + expiry)
                try:
                    with session.begin_nested():
                        session.add(row)
                except IntegrityError:
                    # another server made it meanwhile
                    row = session.get(LoginCount, key, with_for_update=True, populate_existing=True)
            row.count += amount
            return int(row.count)

    def get(self, key: str) -> int:
        """The count of `key` in its window."""
        with self._database.reading() as session:
            row = session.get(LoginCount, key)
            return int(row.count) if row is not None and row.expires_at > self._clock() else 0

    def get_expiry(self, key: str) -> float:
        """When the window of `key` ends."""
        with self._database.reading() as session:
            row = session.get(LoginCount, key)
            return float(row.expires_at) if row is not None else self._clock()

    def check(self) -> bool:
        """Whether the database answers; it raises where it does not."""
        self._database.check()
        return True

    def reset(self) -> int:
        """Forget every count; returns how many there were."""
        with self._database.transaction() as session:
            return int(session.execute(delete(LoginCount)).rowcount)

    def clear(self, key: str) -> None:
        """Forget the count of `key`."""
        with self._database.transaction() as session:
            session.execute(delete(LoginCount).where(LoginCount.key == key))
