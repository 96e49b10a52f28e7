"""One reader and one rulebook for all unit tests of the screen: loading them is the slow part."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pytest

from bot.screening.reader import Reader
from bot.screening.rulebook import Rulebook, default_rulebook

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


@pytest.fixture(scope="session")
def reader() -> Reader:
    return Reader()


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    return default_rulebook()
