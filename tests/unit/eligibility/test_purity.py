"""The pure parts stay pure: a booking site's own program could use them."""

from __future__ import annotations

import subprocess
import sys


def test_reading_and_describing_a_check_brings_neither_rasa_nor_a_server_nor_a_database() -> None:
    code = (
        "import sys, bot.eligibility.access, bot.eligibility.facts, bot.eligibility.fhir, bot.eligibility.openapi;"
        "print([m for m in ('rasa', 'sanic', 'sqlalchemy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
