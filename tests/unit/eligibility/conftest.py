"""One reader and one rulebook for the unit tests of the eligibility API, and a check service on a fresh database."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from bot.booking import BookingTokens, new_signing_key
from bot.eligibility.service import Checks
from bot.emergency import EmergencyDetector
from bot.handout import Handout
from bot.screening.reader import Reader
from bot.screening.rulebook import LINK_IDS, Rulebook, default_rulebook
from bot.settings import read_settings
from bot.store.database import Database

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
LISTED_NO = dict.fromkeys(LINK_IDS[:-1], "no")
ALL_NO = dict.fromkeys(LINK_IDS, "no")


class Clock:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    return default_rulebook()


@pytest.fixture(scope="session")
def detector() -> EmergencyDetector:
    return EmergencyDetector.load(lexical_only=True)


@pytest.fixture(scope="session")
def reader(detector: EmergencyDetector) -> Reader:
    return Reader(alarm=detector)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def checks(database: Database, rulebook: Rulebook, reader: Reader, detector: EmergencyDetector, clock: Clock) -> Checks:
    tokens = BookingTokens(new_signing_key())
    return Checks(database, rulebook, reader, detector, Handout.load(), tokens, read_settings(None), clock)
