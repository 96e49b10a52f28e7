"""The results of an evaluation: figures with their intervals, confusions, and files of the contract's shape.

Pure but for reading and writing one JSON file. It must not know how verdicts were reached.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bot.evaluation.confidence import Point
from bot.evaluation.errors import EvaluationError
from bot.evaluation.judging import HEADLINE, MARKS, SAFETY, Verdict
from bot.evaluation.rows import SETS
from bot.evaluation.statistics import Count, upper_bound, wilson

#: Parts of every set: every mark is also counted for them apart. Indexed by `Row.hard`.
BY_DIFFICULTY: Final = ("plain", "hard")


@dataclass(frozen=True, slots=True)
class Figure:
    """A share with its 95 % interval.

    Attributes:
        name: `<set>.<mark>`, or that and `.plain`, `.hard` or `.<group>`.
    """

    name: str
    count: Count
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share, 0 to 1."""
        return self.count.share

    @property
    def set(self) -> str:
        """The set that it was measured on."""
        return self.name.split(".")[0]

    @property
    def mark(self) -> str:
        """What was counted; a key of `MARKS`."""
        return self.name.split(".")[1]

    @property
    def part(self) -> str:
        """`plain`, `hard` or the group; empty for the figure of the whole set."""
        return self.name.partition(".")[2].partition(".")[2]

    def as_dict(self) -> dict[str, Any]:
        """The contract's shape. There is no stock assistant to compare with in this evaluation."""
        return {
            "name": self.name,
            "unit": "share",
            "ours": round(self.value, 4),
            "stock": None,
            "ratio": None,
            "low": round(self.low, 4),
            "high": round(self.high, 4),
        }


@dataclass(frozen=True, slots=True)
class Results:
    """One evaluation.

    Attributes:
        machine: what it ran on.
        assistant: the model and the rules' version that /health named.
        curve: how confidence, coverage and correctness go together; empty where the model was not at hand.
    """

    machine: str
    assistant: Mapping[str, str]
    figures: tuple[Figure, ...]
    verdicts: tuple[Verdict, ...] = ()
    curve: tuple[Point, ...] = ()

    def figure(self, name: str) -> Figure | None:
        """The figure of this name, None if it was not measured."""
        return next((figure for figure in self.figures if figure.name == name), None)


def figures_of(verdicts: Iterable[Verdict]) -> tuple[Figure, ...]:
    """Every figure of the verdicts, set by set: the headline first, whole sets before their parts."""
    counts: dict[tuple[str, str, str], Count] = defaultdict(lambda: Count(0, 0))
    for verdict in verdicts:
        for mark, count in verdict.marks.items():
            parts = ["", BY_DIFFICULTY[verdict.row.hard]]
            if verdict.group and mark in (HEADLINE[verdict.row.set], "cleared"):
                parts.append(verdict.group)
            for part in parts:
                counts[verdict.row.set, mark, part] += count
    keys = sorted(counts, key=_place)
    return tuple(_figure(".".join(filter(None, key)), key[1], counts[key]) for key in keys)


def _place(key: tuple[str, str, str]) -> tuple[int, bool, int, int, str]:
    name, mark, part = key
    parts = ("", *BY_DIFFICULTY)
    return (
        SETS.index(name),
        mark != HEADLINE[name],
        tuple(MARKS).index(mark),
        parts.index(part) if part in parts else len(parts),
        part,
    )


def _figure(name: str, mark: str, count: Count) -> Figure:
    low, high = upper_bound(count) if mark in SAFETY else wilson(count)
    return Figure(name, count, low, high)


def confusions(verdicts: Iterable[Verdict], name: str) -> list[tuple[str, str, int]]:
    """What was expected, what came instead and how often, for a set; the most frequent first."""
    counted = Counter((v.row.label, v.got) for v in verdicts if v.row.set == name and v.outcome != "correct")
    return [(expected, got, times) for (expected, got), times in counted.most_common()]


def write_results(results: Results, path: Path) -> None:
    """Write the contract's figures, the counts behind them, and every row with its replies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    body = {
        "machine": results.machine,
        "assistant": dict(results.assistant),
        "figures": [figure.as_dict() for figure in results.figures],
        "counts": {figure.name: [figure.count.hits, figure.count.of] for figure in results.figures},
        "curve": [
            {"confidence": point.confidence, "answered": point.covered.share, "right": point.right.share}
            for point in results.curve
        ],
        "rows": [_row(verdict) for verdict in results.verdicts],
    }
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_results(path: Path) -> Results:
    """The figures that `write_results` wrote; the rows stay in the file.

    Raises:
        EvaluationError: there is no such file, or it is not one of results.
    """
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        figures = tuple(
            _figure(name, name.split(".")[1], Count(int(hits), int(of))) for name, (hits, of) in body["counts"].items()
        )
        return Results(body["machine"], body["assistant"], figures)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise EvaluationError(f"{path} holds no results of an evaluation; write them with `make eval`.") from error


def _row(verdict: Verdict) -> dict[str, Any]:
    return {
        "id": verdict.row.id,
        "hard": verdict.row.hard,
        "voice": verdict.row.voice,
        "expected": verdict.row.label,
        "got": verdict.got,
        "outcome": verdict.outcome,
        "said": list(verdict.said),
    }


def by_severity(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The rows that went wrong, the gravest first; among equals the plain ones, which should have been easy."""
    return sorted((v for v in verdicts if v.outcome != "correct" or _grave(v)), key=_severity)


def _grave(verdict: Verdict) -> bool:
    return any(verdict.marks[name].hits for name in (*SAFETY, "wrong_passage") if name in verdict.marks)


def _severity(verdict: Verdict) -> tuple[bool, int, bool, str]:
    safety = any(verdict.marks[name].hits for name in SAFETY if name in verdict.marks)
    ranks = {"failed": 0, "wrong": 2, "silent": 3, "correct": 4}
    rank = 1 if _grave(verdict) else ranks[verdict.outcome]
    return not safety, rank, verdict.row.hard, verdict.row.id
