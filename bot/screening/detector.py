"""The second reader: does a stretch of text tell of health at all?

Three looks, which err in different places: a logistic head over MiniLM's vector and hashed
n-grams, trained on disclosures and harmless remarks of many kinds (it tells the kinds apart
and adds their probabilities up, which separates better than two bare labels); the labels of
the nearest training texts; and the large encoder that was tuned for this question alone
(`bot.screening.large`). It has no list of conditions, so that it can see what the vocabulary
does not know ("my midwife wants me on my side only"); it never overrules the lexical reader.
Figures are in docs/screening.md.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bot.encoder import Encoder, LinearHead
from bot.screening.errors import ScreeningFileError
from bot.screening.normalise import clean
from bot.screening.yamlfile import load_yaml

FLAG = "flag"
HARMLESS = "harmless"

THRESHOLD = 0.07
"""Chosen on the lines of a writer that trained nothing and on validation texts, and lowered until no
held-out flag was missed, well knowing what it costs in harmless texts; figures in docs/screening.md."""

_NEIGHBOURS = 30
_NEARNESS = 0.05
"""How many training texts are asked, and the loss of cosine that divides a vote by e."""
_NEIGHBOURS_SHARE = 0.6
"""Weight of the neighbours' log odds beside the head's."""
_NO_VOTE = 1e-3
"""Nobody is ever wholly sure: what an absent side counts, as a share of the nearest vote."""

_LARGE_SHARE = 0.5
"""Weight of the large reader's log odds; the rest is that of the two small looks."""
_PLAIN = 0.9
"""Where the small looks find a text this probable to matter, the large one is not asked: it
costs five times as long and nothing would come of it but the same."""

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


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Training texts as unit vectors, shape (n, 384), and whether each is a flag, shape (n,)."""

    vectors: NDArray[np.float32]
    flags: NDArray[np.bool_]

    def log_odds(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log odds of a flag among the nearest training texts of each query, shape (len(queries),)."""
        near = min(_NEIGHBOURS, len(self.vectors))
        out = np.empty(len(queries), dtype=np.float32)
        for row, similarity in enumerate(queries @ self.vectors.T):
            nearest = np.argpartition(-similarity, near - 1)[:near]
            votes = np.exp((similarity[nearest] - similarity[nearest].max()) / _NEARNESS)
            flagged = float(votes[self.flags[nearest]].sum())
            out[row] = np.log(flagged + _NO_VOTE) - np.log(float(votes.sum()) - flagged + _NO_VOTE)
        return out


class LargeLook(Protocol):
    """Anything that reads prepared texts with a larger model."""

    def log_odds(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Log odds of a flag, shape (len(texts),)."""
        ...


class Detector:
    """A trained DisclosureDetector."""

    def __init__(
        self,
        encoder: Encoder,
        head: LinearHead,
        neighbours: Neighbours,
        large: LargeLook,
        threshold: float = THRESHOLD,
    ) -> None:
        self.threshold = threshold
        self._large = large
        self._encoder = encoder
        self._head = head
        self._neighbours = neighbours
        self._flags = np.array([name.startswith(FLAG + "/") for name in head.labels])

    @classmethod
    def load(cls, weights: Path, large: LargeLook, encoder: Encoder | None = None) -> Detector:
        """Read the ``.npz`` that ``train`` wrote; the encoder is loaded when none is given."""
        head = LinearHead.load(weights)
        if {name.partition("/")[0] for name in head.labels} != {FLAG, HARMLESS}:
            raise ScreeningFileError(weights, None, f"was not trained on the labels {FLAG} and {HARMLESS}.")
        try:
            with np.load(weights, allow_pickle=False) as saved:
                neighbours = Neighbours(saved["neighbours"].astype(np.float32), saved["neighbour_flags"])
        except KeyError as error:
            raise ScreeningFileError(
                weights, None, f"was trained by another version ({error}); run `make train`."
            ) from error
        return cls(encoder or Encoder.load(), head, neighbours, large)

    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Probability (0 to 1) that a careful therapist would want to see each text, shape (len(texts),)."""
        if not texts:
            return np.zeros(0, dtype=np.float32)
        prepared = [prepare(text) for text in texts]
        odds = self.small_log_odds(prepared)
        unsure = np.flatnonzero(odds < np.log(_PLAIN / (1 - _PLAIN)))
        if len(unsure):
            large = self._large.log_odds([prepared[row] for row in unsure])
            odds[unsure] = (1 - _LARGE_SHARE) * odds[unsure] + _LARGE_SHARE * large
        total: NDArray[np.float32] = 1 / (1 + np.exp(-odds))
        return total

    def small_log_odds(self, prepared: Sequence[str]) -> NDArray[np.float32]:
        """Log odds of head and neighbours alone for prepared texts, shape (len(prepared),)."""
        vectors = self._encoder.encode(prepared)
        flagged = self._head.probabilities(vectors, prepared)[:, self._flags].sum(axis=1)
        # Beyond one in a hundred thousand a probability is only noise.
        flagged = np.clip(flagged, 1e-5, 1 - 1e-5)
        odds: NDArray[np.float32] = np.log(flagged / (1 - flagged))
        return odds + _NEIGHBOURS_SHARE * self._neighbours.log_odds(vectors)


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


def fit(samples: Sequence[Sample], encoder: Encoder) -> tuple[LinearHead, Neighbours]:
    """A head fitted on ``samples``, and the samples themselves as neighbours."""
    texts = [prepare(sample.text) for sample in samples]
    vectors = encoder.encode(texts)
    head = LinearHead.fit(
        vectors,
        kinds(samples),
        texts=texts,
        penalty=1e-4,
        ngram_weight=1.5,
        ngram_rank=300,
        balance=0.3,
        # Thresholds are chosen on uncalibrated scores, see docs/screening.md.
        calibration_folds=0,
    )
    return head, Neighbours(vectors, np.array([sample.label == FLAG for sample in samples]))


def train(path: Path, out: Path, messages: Path | None = None, encoder: Encoder | None = None) -> None:
    """Train on the disclosures in ``path`` (and chat ``messages``); write ``out`` (.npz)."""
    samples = read_disclosures(path)
    if messages is not None:
        samples += read_messages(messages)
    head, neighbours = fit(samples, encoder or Encoder.load())
    head.save(out)
    with np.load(out, allow_pickle=False) as saved:
        arrays = dict(saved)
    with out.open("wb") as file:
        # Half precision changes no score by more than 0.001.
        np.savez_compressed(
            file,
            **arrays,
            neighbours=neighbours.vectors.astype(np.float16),
            neighbour_flags=neighbours.flags,
        )
