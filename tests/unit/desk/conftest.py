"""A fresh database, a clock that tests turn, and the account of the desk with a cheap argon2."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from argon2 import PasswordHasher

from bot.desk.account import Account
from bot.store.database import Database

NOW = datetime(2026, 11, 23, 12, 0)


class Clock:
    """A clock that tests turn; UTC without a zone."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def account(database: Database, clock: Clock, hasher: PasswordHasher) -> Account:
    return Account(database, clock, hasher)
