"""The layer that runs before everything else: does this message describe an emergency?

For every channel, before the NLU, in the middle of a screen and while the therapist has
taken over. Two readers decide together: terms and their combinations (`rules.yml`), and
a linear head on sentence vectors. Knows nothing of Rasa, channels, cases or the database.
"""

from bot.emergency.detector import EmergencyDetector
from bot.emergency.errors import EmergencyError
from bot.emergency.lexical import Emergency
from bot.emergency.semantic import train

__all__ = ["Emergency", "EmergencyDetector", "EmergencyError", "train"]
