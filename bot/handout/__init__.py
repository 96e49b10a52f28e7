"""The practice's handout: its passages, and every text that the assistant says from them.

The texts live in `content/*.yml`, where a therapist edits them; this package checks them on load and finds the text
that a client's words ask for. It knows nothing of Rasa, channels, storage or intents.
"""

from bot.handout.durations import read_days
from bot.handout.handout import Handout
from bot.handout.loading import HandoutError
from bot.handout.model import (
    FOLLOW_UPS,
    PASSAGES,
    Answer,
    Condition,
    Mention,
    NotCovered,
    NotNamed,
    Passage,
    Specific,
)

__all__ = [
    "FOLLOW_UPS",
    "PASSAGES",
    "Answer",
    "Condition",
    "Handout",
    "HandoutError",
    "Mention",
    "NotCovered",
    "NotNamed",
    "Passage",
    "Specific",
    "read_days",
]
