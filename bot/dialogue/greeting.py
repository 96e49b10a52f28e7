"""The first message of a conversation."""

from __future__ import annotations

from bot.dialogue.buttons import about_passage, person, start_screen
from bot.dialogue.message import Message
from bot.handout import Handout
from bot.settings import Settings

# asked most by first-time clients
SUGGESTED = ("what_is_iastm", "pain")


def greeting(handout: Handout, settings: Settings) -> Message:
    """Who is speaking, what it is good for, and where to begin (policy.md 2.10)."""
    return Message(
        text=handout.say("greeting.first", practice_name=settings.practice_name),
        kind="notice",
        buttons=(
            *(about_passage(handout, passage) for passage in SUGGESTED),
            start_screen(handout),
            person(handout),
        ),
    )
