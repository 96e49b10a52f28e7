"""The package stays pure: it can be used without the bot around it."""

from __future__ import annotations

import subprocess
import sys


def test_importing_the_screen_brings_neither_rasa_nor_a_server_nor_a_database() -> None:
    code = (
        "import sys, bot.screening.interview, bot.screening.explain;"
        "print([m for m in ('rasa', 'sanic', 'sqlalchemy', 'quickumls') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
