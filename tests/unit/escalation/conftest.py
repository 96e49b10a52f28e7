"""A database in tmp with two conversations, and casework on it with a clock that is set."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from bot.booking import BookingTokens, new_signing_key
from bot.dialogue.casework import Casework
from bot.handout import Handout
from bot.settings import Settings
from bot.store.database import Database
from bot.store.models import Conversation, DecisionRecord

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=timezone.utc)


class Clock:
    """A clock that only moves when it is told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)

    @property
    def naive(self) -> datetime:
        return self.now.replace(tzinfo=None)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(f"sqlite:///{tmp_path / 'a.db'}")
    made.migrate()
    with made.transaction() as session:
        session.add_all([Conversation(id=name, channel="chat") for name in ("c", "d")])
    return made


@pytest.fixture(scope="session")
def handout() -> Handout:
    return Handout.load()


@pytest.fixture
def tokens() -> BookingTokens:
    return BookingTokens(new_signing_key())


@pytest.fixture
def casework(handout: Handout, tokens: BookingTokens, clock: Clock) -> Casework:
    settings = Settings(_env_file=None, booking_url="https://booking.example/", practice_name="Harbour Therapy")
    return Casework(handout, settings, tokens, validity_days=30, clock=clock)


def decision(database: Database, outcome: str = "review", conversation: str = "c", name: str = "d1") -> str:
    """A decision of the screen in the database; returns its id."""
    with database.transaction() as session:
        session.add(
            DecisionRecord(
                id=name,
                conversation_id=conversation,
                outcome=outcome,
                unanswered=[],
                rules_fired=[],
                rules_version="1.0",
                notes=[],
                message="The therapist will look at your answers.",
                decided_at=NOW.replace(tzinfo=None),
                valid_until=NOW.replace(tzinfo=None),
            )
        )
    return name
