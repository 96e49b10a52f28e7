"""The agreed floors: what a figure must not fall below, and the goal it is on its way to.

Reads `floors.json` and compares; it must not know how figures are measured.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.evaluation.errors import EvaluationError
from bot.evaluation.judging import LESS_IS_BETTER, MARKS
from bot.evaluation.results import Figure, Results
from bot.evaluation.rows import SETS

NAME = "floors.json"


@dataclass(frozen=True, slots=True)
class Floor:
    """A limit for one figure.

    Attributes:
        limit: the share that must be reached, or must not be passed for a figure of which less is better.
        goal: the share that is aimed at; not enforced.
    """

    limit: float
    goal: float
    less_is_better: bool

    def kept(self, figure: Figure) -> bool:
        """Whether the figure respects the limit."""
        return figure.value <= self.limit if self.less_is_better else figure.value >= self.limit

    def reached(self, figure: Figure) -> bool:
        """Whether the figure has come to the goal."""
        return figure.value <= self.goal if self.less_is_better else figure.value >= self.goal


def load_floors(path: Path) -> dict[str, Floor]:
    """Read the floors: figure to `{"at_least" or "at_most": share, "goal": share}`.

    Raises:
        EvaluationError: the file cannot be read, or an entry of it is not usable; all of them are listed.
    """
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{path} cannot be read as JSON: {error}.") from error
    if not isinstance(body, dict):
        raise EvaluationError(f"{path} must hold one JSON object, figure to limits.")
    problems = [
        f"{path.name}: '{name}': {problem}" for name, entry in body.items() if (problem := _problem(name, entry))
    ]
    if problems:
        raise EvaluationError("\n".join(problems))
    return {name: _floor(name, entry) for name, entry in body.items()}


def _key(name: str) -> str:
    return "at_most" if name.split(".")[1] in LESS_IS_BETTER else "at_least"


def _problem(name: str, entry: Any) -> str | None:
    parts = name.split(".")
    if len(parts) < 2 or parts[0] not in SETS or parts[1] not in MARKS:
        return f"a figure is named <set>.<mark>; sets: {', '.join(SETS)}; marks: {', '.join(MARKS)}"
    if not isinstance(entry, dict) or set(entry) != {_key(name), "goal"}:
        return f"must have exactly the fields '{_key(name)}' and 'goal'"
    if not all(isinstance(value, int | float) and 0 <= value <= 1 for value in entry.values()):
        return "its values must be shares between 0 and 1"
    return None


def _floor(name: str, entry: Mapping[str, float]) -> Floor:
    key = _key(name)
    return Floor(limit=entry[key], goal=entry["goal"], less_is_better=key == "at_most")


def check_floors(results: Results, floors: Mapping[str, Floor]) -> list[str]:
    """One sentence for each floor that does not hold, or whose figure was not measured; empty if all hold."""
    missed: list[str] = []
    for name, floor in floors.items():
        figure = results.figure(name)
        if figure is None or not figure.count.of:
            missed.append(f"{name} was not measured, and its floor is {floor.limit:.1%}.")
        elif not floor.kept(figure):
            relation = "above the agreed ceiling" if floor.less_is_better else "below the agreed floor"
            missed.append(
                f"{name} is {figure.value:.1%} ({figure.count.hits} of {figure.count.of}), "
                f"{relation} of {floor.limit:.1%}."
            )
    return missed
