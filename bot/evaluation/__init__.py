"""The evaluation that is part of the product: the whole running assistant, measured on held-out messages.

It drives the assistant over HTTP as a client does; `inside` is the same without a server, for tests. Only `inside`
knows the dialogue and the store.
"""

from bot.evaluation.errors import EvaluationError
from bot.evaluation.floors import Floor, check_floors, load_floors
from bot.evaluation.results import Figure, Results, read_results
from bot.evaluation.running import evaluate, main
from bot.evaluation.server import running_assistant

__all__ = [
    "EvaluationError",
    "Figure",
    "Floor",
    "Results",
    "check_floors",
    "evaluate",
    "load_floors",
    "main",
    "read_results",
    "running_assistant",
]
