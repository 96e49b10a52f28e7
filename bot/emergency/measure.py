"""Measures both readers: `python -m bot.emergency.measure`.

For whoever changes rules or data: prints recall by category and false alarms by the group
of the intent, with exact intervals. Without options, by grouped cross-validation over the
training data: only the head is held out, the terms and the encoder have seen the lines, so
those figures are optimistic. With `--sets DIRECTORY`, the trained head on messages that
trained nothing; `--choose` adds what each threshold would miss and falsely raise, and must
never be asked of tests/eval.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta
from sklearn.model_selection import StratifiedGroupKFold

from bot.emergency.lexical import LexicalReader
from bot.emergency.rules import Says, Thresholds, load_rules
from bot.emergency.semantic import HARMLESS, Example, SemanticReader, features, fit, read_examples
from bot.encoder import DIMENSIONS, Encoder

_FOLDS = 5
#: Messages whose vectors are closer than this are one group: never on both sides.
_NEAR_DUPLICATE = 0.88
_GRID = (0.02, 0.03, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)


@dataclass(frozen=True)
class Outcome:
    """One message: whether it is urgent, the name it is counted under, and both readings."""

    urgent: bool
    name: str
    says: Says
    probability: float

    def alarm(self, thresholds: Thresholds) -> bool:
        """Whether it raises an alarm at these thresholds."""
        return self.probability >= thresholds.needed(self.says)


def outcome(example: Example, name: str, lexical: LexicalReader, semantic: SemanticReader) -> Outcome:
    """Read one message with both readers."""
    says = lexical.read(example.text).says
    return Outcome(example.label != HARMLESS, name, says, semantic.score(example.text).beside(says))


def cross_validate(
    examples: Sequence[Example], names: Sequence[str], lexical: LexicalReader, encoder: Encoder
) -> list[Outcome]:
    """Score every example with a head that has seen neither it nor its near-duplicates."""
    vectors = features([example.text for example in examples], lexical, encoder)[:, :DIMENSIONS]
    urgent = np.array([example.label != HARMLESS for example in examples])
    found: list[Outcome] = []
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=1)
    for seen, held_out in folds.split(vectors, urgent, _groups(vectors)):
        reader = SemanticReader(fit([examples[row] for row in seen], lexical, encoder), lexical, encoder)
        found += [outcome(examples[row], names[row], lexical, reader) for row in held_out]
    return found


def trade_off(outcomes: Sequence[Outcome]) -> list[str]:
    """Return Markdown lines: for each thing the terms can say, "missed/false" at each threshold."""
    lines = [
        "| the terms say | urgent | harmless | " + " | ".join(map(str, _GRID)) + " |",
        "|---" * (len(_GRID) + 3) + "|",
    ]
    for says in get_args(Says):
        urgent = [outcome.probability for outcome in outcomes if outcome.says == says and outcome.urgent]
        harmless = [outcome.probability for outcome in outcomes if outcome.says == says and not outcome.urgent]
        cells = [f"{sum(p < at for p in urgent)}/{sum(p >= at for p in harmless)}" for at in _GRID]
        lines.append(" | ".join([f"| {says}", str(len(urgent)), str(len(harmless)), *cells]) + " |")
    return lines


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


def _training_name(example: Example, lookalikes: frozenset[str]) -> str:
    if example.label != HARMLESS:
        return example.label
    return "look-alikes" if example.text in lookalikes else example.intent.partition("/")[0]


def _sets(directory: Path) -> list[tuple[Example, str]]:
    """Return the messages of the evaluation sets in which every line is urgent or none is."""
    found = []
    for path in sorted(directory.glob("*.jsonl")):
        # The screen's texts hold urgent lines among others.
        if path.stem == "screening":
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            text = case.get("text") or case["turns"][-1]
            if path.stem == "emergency":
                category = case["expect"]["category"]
                found.append((Example(text, f"emergency/{category}"), category))
            else:
                found.append((Example(text, path.stem), path.stem))
    return found


def _report(outcomes: Sequence[Outcome], thresholds: Thresholds) -> None:
    for title, urgent in (("Emergencies (an alarm is right)", True), ("Everything else (an alarm is false)", False)):
        here = [outcome for outcome in outcomes if outcome.urgent is urgent]
        print(f"\n{title}\n", *table((outcome.name, outcome.alarm(thresholds)) for outcome in here), sep="\n")
    urgents = [outcome for outcome in outcomes if outcome.urgent]
    by_terms = sum(outcome.says == "strong" for outcome in urgents)
    print(f"\nOf the emergencies, named clearly by terms: {by_terms / len(urgents):.1%}")


def main() -> None:
    """Print the tables of docs/emergency.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nlu", type=Path, default=Path("data/nlu"), help="the training data (%(default)s)")
    parser.add_argument("--sets", type=Path, help="instead, a directory of evaluation sets; needs --head")
    parser.add_argument("--head", type=Path, help="the trained head for --sets")
    parser.add_argument("--choose", action="store_true", help="print what each threshold would cost")
    arguments = parser.parse_args()
    encoder = Encoder.load()
    rules = load_rules()
    lexical = LexicalReader(rules)
    if arguments.sets is not None:
        reader = SemanticReader.load(arguments.head, lexical, encoder)
        outcomes = [outcome(example, name, lexical, reader) for example, name in _sets(arguments.sets)]
    else:
        lookalikes = frozenset(e.text for e in read_examples(arguments.nlu, only=arguments.nlu / "lookalikes.yml"))
        examples = read_examples(arguments.nlu)
        names = [_training_name(example, lookalikes) for example in examples]
        outcomes = cross_validate(examples, names, lexical, encoder)
    _report(outcomes, rules.thresholds)
    if arguments.choose:
        print("\nMissed/false at each threshold\n", *trade_off(outcomes), sep="\n")


if __name__ == "__main__":
    main()
