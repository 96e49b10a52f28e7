"""How far the language model's confidence can be trusted: what is answered above each value, and how much of it is right.

The chat tells no confidence, so the model is asked directly. It must not know the dialogue: what the assistant makes of
a reading is measured by the sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bot.evaluation.rows import Row
from bot.evaluation.statistics import Count
from bot.nlu.merging import Part
from bot.nlu.reader import MessageReader

#: Sets whose messages are one question each, to be answered from a passage or said not to be in the handout.
QUESTIONS: Final = ("single", "not_in_handout")
_STEPS: Final = 20


@dataclass(frozen=True, slots=True)
class Point:
    """What answering from one confidence on would mean.

    Attributes:
        confidence: the least that is answered.
        covered: messages of at least that confidence, of all.
        right: those of them whose surest question is read right.
    """

    confidence: float
    covered: Count
    right: Count


def curve(rows: Iterable[Row], reader: MessageReader) -> tuple[Point, ...]:
    """Coverage and correctness at twenty-one confidences from 0 to 1; empty without a question."""
    read = [_surest(row, reader) for row in rows if row.set in QUESTIONS]
    if not read:
        return ()
    return tuple(_point(step / _STEPS, read) for step in range(_STEPS + 1))


def _surest(row: Row, reader: MessageReader) -> tuple[float, bool]:
    part = max(reader.read(row.turns[0]).parts, key=lambda one: one["confidence"])
    return part["confidence"], _right(row, part)


def _right(row: Row, part: Part) -> bool:
    (expected,) = row.expected
    if expected.kind == "answer":
        return part["response_key"] in {f"handout/{passage}" for passage in expected.passages}
    return part["intent"] == expected.kind


def _point(confidence: float, read: Sequence[tuple[float, bool]]) -> Point:
    answered = [right for sure, right in read if sure >= confidence]
    return Point(confidence, Count(len(answered), len(read)), Count(sum(answered), len(answered)))
