"""Measures both readers by grouped cross-validation: `python -m bot.emergency.measure`.

For whoever changes rules or data: prints recall by category and false alarms by the group
of the intent, with exact intervals, and the thresholds that the scores suggest. Only the
head is cross-validated: the terms were written with the examples in view, so their share
of the figures is optimistic. It must never read tests/eval except to print figures.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta
from sklearn.model_selection import StratifiedGroupKFold

from bot.emergency.detector import EmergencyDetector
from bot.emergency.lexical import LexicalReader
from bot.emergency.rules import load_rules
from bot.emergency.semantic import HARMLESS, Example, SemanticReader, features, fit, read_examples
from bot.encoder import Encoder

_FOLDS = 5
#: Messages whose vectors are closer than this are one group: never on both sides.
_NEAR_DUPLICATE = 0.88
_MOST_FALSE_ALARMS = 0.03
_GRID = (0.02, 0.03, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class Outcomes:
    """One row per example: what the terms say, and the head's held-out probability.

    `reading` is "strong", "weak", "against" or "nothing".
    """

    examples: Sequence[Example]
    reading: NDArray[np.str_]
    probability: NDArray[np.float64]

    def alarms(self, alone: float, with_weak: float, against: float) -> NDArray[np.bool_]:
        """Return which examples would raise an alarm at these thresholds."""
        needed = {"strong": 0.0, "weak": with_weak, "against": against, "nothing": alone}
        result: NDArray[np.bool_] = self.probability >= np.array([needed[reading] for reading in self.reading])
        return result


def cross_validate(examples: Sequence[Example], lexical: LexicalReader, encoder: Encoder) -> Outcomes:
    """Score every example with a head that has seen neither it nor its near-duplicates."""
    texts = [example.text for example in examples]
    vectors = features(texts, lexical, encoder)[:, :384]
    groups = _groups(vectors)
    urgent = np.array([example.label != HARMLESS for example in examples])
    probability = np.zeros(len(examples))
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=1)
    for seen, held_out in folds.split(vectors, urgent, groups):
        head = fit([examples[row] for row in seen], lexical, encoder)
        reader = SemanticReader(head, lexical, encoder)
        for row in held_out:
            probability[row] = reader.score(texts[row]).probability
    return Outcomes(examples, np.array([_reading(lexical, text) for text in texts]), probability)


def suggest(outcomes: Outcomes) -> tuple[float, float, float]:
    """Return the thresholds with the highest recall at no more than 3 % false alarms."""
    urgent = np.array([example.label != HARMLESS for example in outcomes.examples])

    def merit(thresholds: tuple[float, float, float]) -> tuple[float, float]:
        alarms = outcomes.alarms(*thresholds)
        false = float(alarms[~urgent].mean())
        return (float(alarms[urgent].mean()) if false <= _MOST_FALSE_ALARMS else -false, -false)

    ordered = [(a, w, x) for a, w, x in itertools.product(_GRID, repeat=3) if w <= a <= x]
    return max(ordered, key=merit)


def interval(hits: int, of: int) -> tuple[float, float]:
    """Return the exact (Clopper-Pearson) 95 % interval of a share."""
    low = 0.0 if hits == 0 else float(beta.ppf(0.025, hits, of - hits + 1))
    high = 1.0 if hits == of else float(beta.ppf(0.975, hits + 1, of - hits))
    return low, high


def table(rows: Iterable[tuple[str, bool]]) -> list[str]:
    """Return Markdown lines: name, n, alarms, share and its interval; a total last."""
    counts: dict[str, list[int]] = {}
    for name, alarm in rows:
        for key in (name, "all"):
            count = counts.setdefault(key, [0, 0])
            count[0] += alarm
            count[1] += 1
    lines = ["| | messages | alarms | share | 95 % interval |", "|---|---|---|---|---|"]
    for name in [*sorted(set(counts) - {"all"}), "all"]:
        hits, of = counts[name]
        low, high = interval(hits, of)
        lines.append(f"| {name} | {of} | {hits} | {hits / of:.1%} | {low:.1%} to {high:.1%} |")
    return lines


def _groups(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    groups = np.arange(len(vectors))
    for row in range(len(vectors)):
        near = np.flatnonzero(vectors[row + 1 :] @ vectors[row] > _NEAR_DUPLICATE) + row + 1
        for other in near:
            groups[groups == groups[other]] = groups[row]
    return groups


def _reading(lexical: LexicalReader, text: str) -> str:
    reading = lexical.read(text)
    if reading.alarm is not None:
        return reading.alarm.strength
    return "against" if reading.explained_away else "nothing"


def _group_name(example: Example, topics: dict[str, str]) -> str:
    return topics.get(example.text.casefold(), example.intent.partition("/")[0])


def _topics(nlu_dir: Path) -> dict[str, str]:
    """Return which examples stand in lookalikes.yml, whatever their intent."""
    lookalikes = nlu_dir / "lookalikes.yml"
    if not lookalikes.exists():
        return {}
    return {example.text.casefold(): "look-alikes" for example in read_examples(nlu_dir, only=lookalikes)}


def _evaluate(directory: Path, detector: EmergencyDetector) -> None:
    """Print figures, and no message, for the evaluation sets."""
    rows = []
    for path in sorted(directory.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            text = case.get("text") or case.get("turns", [""])[-1]
            expected = case.get("expect", {})
            name = f"{path.stem}: {expected['category']}" if path.stem == "emergency" else path.stem
            rows.append((name, detector.check(text) is not None))
    urgent = [row for row in rows if row[0].startswith("emergency:")]
    print("\nEvaluation sets, emergencies\n", *table(urgent), sep="\n")
    print("\nEvaluation sets, everything else\n", *table(row for row in rows if row not in urgent), sep="\n")


def main() -> None:
    """Print the tables of docs/emergency.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nlu", type=Path, default=Path("data/nlu"))
    parser.add_argument("--eval", type=Path, help="instead, the trained head's figures for these evaluation sets")
    parser.add_argument("--head", type=Path, help="the trained head for --eval")
    arguments = parser.parse_args()
    encoder = Encoder.load()
    rules = load_rules()
    if arguments.eval is not None:
        _evaluate(arguments.eval, EmergencyDetector.load(head=arguments.head, encoder=encoder))
        return
    lexical = LexicalReader(rules)
    outcomes = cross_validate(read_examples(arguments.nlu), lexical, encoder)
    print("Suggested thresholds (alone, with_weak, against):", suggest(outcomes))
    chosen = rules.thresholds
    alarms = outcomes.alarms(chosen.alone, chosen.with_weak, chosen.against)
    topics = _topics(arguments.nlu)
    cases = list(zip(outcomes.examples, alarms, outcomes.reading, strict=True))
    urgent = [case for case in cases if case[0].label != HARMLESS]
    print("\nEmergencies\n", *table((case.label, bool(alarm)) for case, alarm, _ in urgent), sep="\n")
    by_terms = sum(reading == "strong" for _, _, reading in urgent)
    print(f"\nof these by terms alone: {by_terms / len(urgent):.1%}")
    harmless = [case for case in cases if case[0].label == HARMLESS]
    groups = ((_group_name(case, topics), bool(alarm)) for case, alarm, _ in harmless)
    print("\nEverything else\n", *table(groups), sep="\n")


if __name__ == "__main__":
    main()
