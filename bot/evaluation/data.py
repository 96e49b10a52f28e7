"""The training data seen as data: `python -m bot data`.

Prints how many examples each topic has, which examples say almost the same, and whether more data still helps: the
head is fitted on growing shares of the data and judged on a fifth that it never saw. It must not know the dialogue.
The shipped encoder was fine-tuned on all of this data, so the curve shows where it rises, not how well clients are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupShuffleSplit

from bot.emergency.semantic import Example, read_examples
from bot.encoder import Encoder, LinearHead
from bot.nlu.merging import gist
from bot.settings import ROOT

#: Examples that each passage, and each group that is not split into passages, should have at least.
ENOUGH_OF_A_PASSAGE: Final = 150
ENOUGH_OF_A_GROUP: Final = 300
#: From this cosine on two messages say the same in nearly the same words.
NEARLY_THE_SAME: Final = 0.97
SHARES: Final = (0.25, 0.5, 0.75, 1.0)
_LISTED: Final = 15


@dataclass(frozen=True, slots=True)
class Twins:
    """Two examples that say almost the same; `cosine` of their vectors."""

    first: Example
    second: Example
    cosine: float


def coverage(examples: Sequence[Example]) -> dict[str, int]:
    """Examples of each passage, and of each other group, the fewest first."""
    counted = Counter(
        example.intent if example.intent.startswith("handout/") else example.intent.partition("/")[0]
        for example in examples
    )
    return dict(sorted(counted.items(), key=lambda item: item[1]))


def twins(examples: Sequence[Example], vectors: NDArray[np.float32]) -> list[Twins]:
    """Pairs of nearly the same message, those with two labels first: one of these labels is wrong."""
    found: list[Twins] = []
    for start in range(0, len(examples), 512):
        near = vectors[start : start + 512] @ vectors.T
        for row, column in np.argwhere(near >= NEARLY_THE_SAME):
            if start + row < column:
                found.append(Twins(examples[start + row], examples[column], float(near[row, column])))
    return sorted(found, key=lambda pair: (pair.first.intent == pair.second.intent, -pair.cosine))


def learning_curve(examples: Sequence[Example], vectors: NDArray[np.float32]) -> Iterator[tuple[int, float]]:
    """Numbers of examples, and the share of an unseen fifth whose key is read right with so many.

    Messages that are nearly the same (a cosine of .9) never stand on both sides.
    """
    texts = [gist(example.text) for example in examples]
    labels = np.array([example.intent for example in examples])
    train, test = next(GroupShuffleSplit(1, test_size=0.2, random_state=0).split(texts, labels, _families(vectors)))
    order = np.random.default_rng(0).permutation(train)
    for share in SHARES:
        chosen = order[: int(len(order) * share)]
        head = LinearHead.fit(
            vectors[chosen],
            list(labels[chosen]),
            texts=[texts[row] for row in chosen],
            penalty=1e-5,
            ngram_rank=384,
            balance=0.75,
            iterations=40,
            calibration_folds=0,
        )
        probabilities = head.probabilities(vectors[test], [texts[row] for row in test])
        read = np.array(head.labels)[probabilities.argmax(axis=1)]
        yield len(chosen), float((read == labels[test]).mean())


def _families(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    """One number for all messages that are near a first one."""
    family = np.full(len(vectors), -1, dtype=np.int64)
    for row in range(len(vectors)):
        if family[row] < 0:
            near = (vectors @ vectors[row] >= 0.9) & (family < 0)
            family[near] = row
    return family


def main() -> int:
    """Print the three tables."""
    examples = read_examples(ROOT / "data" / "nlu")
    vectors = Encoder.load().encode([gist(example.text) for example in examples])
    print(f"{len(examples)} examples; the topics with the fewest:")
    for topic, count in coverage(examples).items():
        enough = ENOUGH_OF_A_PASSAGE if topic.startswith("handout/") else ENOUGH_OF_A_GROUP
        print(f"  {count:>5}  {topic}{'' if count >= enough else f'  (below {enough})'}")
    pairs = twins(examples, vectors)
    print(f"\n{len(pairs)} pairs say nearly the same; those with two labels first:")
    for pair in pairs[:_LISTED]:
        print(f"  {pair.cosine:.3f}  {pair.first.intent}: {pair.first.text}")
        print(f"         {pair.second.intent}: {pair.second.text}")
    print("\nkeys read right in an unseen fifth, by the number of examples:")
    for count, share in learning_curve(examples, vectors):
        print(f"  {count:>6}  {share:.1%}", flush=True)
    return 0
