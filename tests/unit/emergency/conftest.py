"""One lexical-only detector for all tests of the emergency layer: loading takes a second."""

from __future__ import annotations

import pytest

from bot.emergency import EmergencyDetector


@pytest.fixture(scope="session")
def detector() -> EmergencyDetector:
    """The shipped rules without the trained head."""
    return EmergencyDetector.load(lexical_only=True)
