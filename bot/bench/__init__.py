"""The benchmark that is part of the product: the running whole beside stock Rasa on the same messages.

docs/performance.md says what is measured and how; `python -m bot bench` does it.
"""

from bot.bench.errors import BenchError
from bot.bench.running import main

__all__ = ["BenchError", "main"]
