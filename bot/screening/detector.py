"""The second reader: does a stretch of text tell of health at all?

Sentence vectors plus hashed n-grams under a logistic head, trained on disclosures and
harmless remarks of many kinds. The head tells the kinds apart and their probabilities are
added up, which separates better than two bare labels (docs/screening.md). It has no list
of conditions, so that it can see what the vocabulary does not know ("my midwife wants me on
my side only"); it never overrules the lexical reader.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.encoder import Encoder, LinearHead
from bot.screening.errors import ScreeningFileError
from bot.screening.normalise import clean
from bot.screening.yamlfile import load_yaml

FLAG = "flag"
HARMLESS = "harmless"

THRESHOLD = 0.35
"""Chosen on texts held out from fine-tuning and training, for next to no misses; figures in
docs/decisions/0005-fine-tuning.md."""

_RARE = 12
"""Kinds with fewer samples are put together."""

_FLAG_INTENTS = ("condition/",)
_HARMLESS_INTENTS = ("health_remark/",)


@dataclass(frozen=True, slots=True)
class Sample:
    """One training text with its label (``flag`` or ``harmless``) and its kind."""

    text: str
    label: str
    kind: str = "message"


class Detector:
    """A trained DisclosureDetector."""

    def __init__(self, encoder: Encoder, head: LinearHead, threshold: float = THRESHOLD) -> None:
        self.threshold = threshold
        self._encoder = encoder
        self._head = head
        self._flags = np.array([name.startswith(FLAG + "/") for name in head.labels])

    @classmethod
    def load(cls, weights: Path, encoder: Encoder | None = None) -> Detector:
        """Read the ``.npz`` that ``train`` wrote; the encoder is loaded when none is given."""
        head = LinearHead.load(weights)
        if {name.partition("/")[0] for name in head.labels} != {FLAG, HARMLESS}:
            raise ScreeningFileError(weights, None, f"was not trained on the labels {FLAG} and {HARMLESS}.")
        return cls(encoder or Encoder.load(), head)

    def score(self, sentence: str) -> float:
        """Probability (0 to 1) that a careful therapist would want to see ``sentence``."""
        return float(self.scores([sentence])[0])

    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """``score`` for many texts at once, shape (len(texts),)."""
        if not texts:
            return np.zeros(0, dtype=np.float32)
        prepared = [prepare(text) for text in texts]
        vectors = self._encoder.encode(prepared)
        total: NDArray[np.float32] = self._head.probabilities(vectors, prepared)[:, self._flags].sum(axis=1)
        return total


@lru_cache(maxsize=4096)
def prepare(text: str) -> str:
    """The form in which texts are trained on and scored: clean, lower case, no final stop."""
    return clean(text).strip().lower().rstrip(".!")


def read_disclosures(path: Path) -> list[Sample]:
    """Samples of a ``.jsonl`` file of ``{"text", "label", "sub"}``."""
    out: list[Sample] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ScreeningFileError(path, number, f"is not a JSON object ({error.msg}).") from error
        if row.get("label") not in (FLAG, HARMLESS) or not str(row.get("text", "")).strip():
            raise ScreeningFileError(path, number, f"needs a text and a label, {FLAG} or {HARMLESS}.")
        out.append(Sample(str(row["text"]), str(row["label"]), str(row.get("sub") or "message")))
    return out


def read_messages(directory: Path) -> list[Sample]:
    """Chat messages of the NLU data whose intent says which side they are on."""
    out: list[Sample] = []
    for path in sorted(directory.glob("*.yml")):
        for entry in load_yaml(path).get("nlu") or []:
            intent = str(entry.get("intent", ""))
            if intent.startswith(_FLAG_INTENTS):
                label = FLAG
            elif intent.startswith(_HARMLESS_INTENTS):
                label = HARMLESS
            else:
                continue
            for line in str(entry.get("examples", "")).splitlines():
                text = line.strip().removeprefix("-").strip()
                if text:
                    out.append(Sample(text, label))
    return out


def kinds(samples: Sequence[Sample]) -> list[str]:
    """Training labels ``flag/<kind>`` and ``harmless/<kind>``; rare kinds are put together."""
    counts = Counter((sample.label, sample.kind) for sample in samples)
    return [f"{s.label}/{s.kind}" if counts[s.label, s.kind] >= _RARE else f"{s.label}/rare" for s in samples]


def fit(samples: Sequence[Sample], encoder: Encoder) -> LinearHead:
    """A head fitted on ``samples``."""
    texts = [prepare(sample.text) for sample in samples]
    return LinearHead.fit(
        encoder.encode(texts),
        kinds(samples),
        texts=texts,
        penalty=1e-4,
        ngram_weight=1.5,
        ngram_rank=300,
        balance=0.3,
        # Thresholds are chosen on uncalibrated scores, see docs/screening.md.
        calibration_folds=0,
    )


def train(path: Path, out: Path, messages: Path | None = None, encoder: Encoder | None = None) -> None:
    """Train on the disclosures in ``path`` (and chat ``messages``); write ``out`` (.npz)."""
    samples = read_disclosures(path)
    if messages is not None:
        samples += read_messages(messages)
    fit(samples, encoder or Encoder.load()).save(out)
