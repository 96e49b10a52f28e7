"""The health screen: rules, reading of free words, decision, interview.

Pure: imports neither rasa nor a web framework nor a database. Chat and API are two callers
of the same engine.
"""

from bot.screening.decision import TEXT_ANSWER, AnswerError, decide
from bot.screening.errors import ScreeningFileError
from bot.screening.model import Decision, Finding, Outcome, Status
from bot.screening.rulebook import LINK_IDS, Rulebook, default_rulebook

__all__ = [
    "LINK_IDS",
    "TEXT_ANSWER",
    "AnswerError",
    "Decision",
    "Finding",
    "Outcome",
    "Rulebook",
    "ScreeningFileError",
    "Status",
    "decide",
    "default_rulebook",
]
