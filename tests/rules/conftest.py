"""Fixtures of the rule cases."""

from __future__ import annotations

import pytest

from bot.screening.reader import Reader
from bot.screening.rulebook import Rulebook, default_rulebook


@pytest.fixture(scope="session")
def reader() -> Reader:
    return Reader()


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    return default_rulebook()
