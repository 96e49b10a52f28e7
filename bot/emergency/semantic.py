"""The second reader: a linear head that has seen how clients put it.

Its features are the sentence vector of `bot.encoder`, hashed n-grams, and which term
lists of `rules.yml` are named and live. It reads a message whole and sentence by
sentence, because an alarm is often one sentence in a long, cheerful message. Trained on
data/nlu: the emergencies against everything else that clients write.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from ruamel.yaml import YAML
from scipy.special import expit, logit

from bot.emergency.errors import EmergencyError
from bot.emergency.lexical import LexicalReader
from bot.emergency.rules import CATEGORIES, Says, load_rules
from bot.encoder import Encoder, EncoderError, LinearHead

HARMLESS = "harmless"
_INTENT_GROUP = "emergency"
#: Emergencies in more voices than data/nlu has; the same format.
EXTRA_EXAMPLES = Path(__file__).with_name("examples.yml")
#: Length of one named term list beside the unit sentence vector; on the development set
#: (0.2, 0.4 and 0.8 tried: area under the curve of the head alone .957, .956, .948).
_TERM_WEIGHT = 0.3
_PENALTY = 5e-5
_SHORTEST_WINDOW_WORDS = 3
#: Bounds what one message may cost; beyond it, neighbouring sentences share a window.
_MOST_WINDOWS = 32


@dataclass(frozen=True, slots=True)
class Example:
    """A client message and its Rasa intent (`group/sub`)."""

    text: str
    intent: str

    @property
    def label(self) -> str:
        """The category, or `HARMLESS`."""
        group, _, category = self.intent.partition("/")
        return category if group == _INTENT_GROUP else HARMLESS


@dataclass(frozen=True, slots=True)
class Score:
    """What the head makes of a message.

    Attributes:
        highest: probability of an emergency in the part that scored highest, 0 to 1.
        whole: the same of the message as a whole.
        category: the likeliest one of the part that scored highest.
        evidence: that part, in the client's words.
    """

    highest: float
    whole: float
    category: str
    evidence: str

    def beside(self, says: Says) -> float:
        """Return the probability that counts beside what the terms say.

        Where they suspect something, the part that scored highest; where they do not, the
        middle of that and the whole (in log odds): a sentence torn out of a cheerful message
        misleads more often than it gives away.
        """
        if says in ("strong", "weak"):
            return self.highest
        return float(expit((logit(self.highest) + logit(self.whole)) / 2))


class SemanticReader:
    """Scores messages with a trained head.

    Args:
        head: fitted by `fit` over the same rules as `lexical`.
    """

    def __init__(self, head: LinearHead, lexical: LexicalReader, encoder: Encoder) -> None:
        self._head = head
        self._lexical = lexical
        self._encoder = encoder
        self._harmless = head.labels.index(HARMLESS)

    @classmethod
    def load(cls, path: Path, lexical: LexicalReader, encoder: Encoder) -> SemanticReader:
        """Read a head that `train` wrote.

        Raises:
            EmergencyError: there is none, or it was trained with other term lists.
        """
        try:
            terms = json.loads(_terms_path(path).read_text(encoding="utf-8"))["terms"]
            head = LinearHead.load(path)
        except (OSError, ValueError, KeyError, EncoderError) as error:
            raise EmergencyError(
                f"{path}: there is no usable emergency head here, and without it half of the "
                "emergency layer is missing: run `make train`"
            ) from error
        if terms != list(lexical.lists):
            raise EmergencyError(f"{path}: the emergency head was trained with other term lists: run `make train`")
        return cls(head, lexical, encoder)

    def texts_of(self, text: str) -> list[str]:
        """Return the message and its sentences: what `score` encodes."""
        return [text, *windows(text, self._lexical)]

    def score(self, text: str) -> Score:
        """Return the highest score of the message and its sentences."""
        texts = self.texts_of(text)
        probabilities = self._head.probabilities(features(texts, self._lexical, self._encoder), texts)
        best = int(np.argmin(probabilities[:, self._harmless]))
        categories = probabilities[best].copy()
        categories[self._harmless] = -1.0
        # Kept off 0 and 1, where log odds end.
        urgent = np.clip(1.0 - probabilities[:, self._harmless].astype(np.float64), 1e-6, 1.0 - 1e-6)
        return Score(
            float(urgent[best]),
            float(urgent[0]),
            self._head.labels[int(np.argmax(categories))],
            texts[best].strip(),
        )


def train(nlu_dir: Path, out: Path, encoder: Encoder, rules: Path | None = None) -> None:
    """Train on every example under `nlu_dir` and write the head to `out` (.npz).

    Beside it goes a .json that names the term lists it was trained with.

    Raises:
        EmergencyError: an example file or the rules cannot be used.
    """
    lexical = LexicalReader(load_rules(rules))
    head = fit(read_examples(nlu_dir), lexical, encoder)
    out.parent.mkdir(parents=True, exist_ok=True)
    head.save(out)
    _terms_path(out).write_text(json.dumps({"terms": list(lexical.lists)}), encoding="utf-8")


def fit(examples: Sequence[Example], lexical: LexicalReader, encoder: Encoder) -> LinearHead:
    """Fit a head on messages, and on those of their sentences whose label is certain.

    A sentence of a harmless message is harmless; one of an emergency is an emergency only
    if the terms find it there.
    """
    texts: list[str] = []
    labels: list[str] = []
    for example in examples:
        texts.append(example.text)
        labels.append(example.label)
        for window in windows(example.text, lexical):
            alarm = lexical.read(window).alarm
            certain = alarm is not None and alarm.strength == "strong"
            if example.label == HARMLESS or certain:
                texts.append(window)
                labels.append(example.label)
    vectors = features(texts, lexical, encoder)
    return LinearHead.fit(vectors, labels, texts=texts, penalty=_PENALTY, calibration_folds=0)


def features(texts: Sequence[str], lexical: LexicalReader, encoder: Encoder) -> NDArray[np.float32]:
    """Return sentence vectors and named term lists, shape (len(texts), 384 + lists)."""
    column = {name: place for place, name in enumerate(lexical.lists)}
    named = np.zeros((len(texts), len(column)), dtype=np.float32)
    for row, text in enumerate(texts):
        named[row, [column[name] for name in lexical.named(text)]] = _TERM_WEIGHT
    vectors = np.vstack([encoder.encode(texts[start : start + 256]) for start in range(0, len(texts), 256)])
    return np.hstack([vectors, named])


def windows(text: str, lexical: LexicalReader) -> list[str]:
    """Return the sentences of a text that has several; neighbours joined if there are many."""
    spans = lexical.sentences(text)
    if len(spans) < 2:
        return []
    size = -(-len(spans) // _MOST_WINDOWS)
    joined = [text[spans[at][0] : spans[min(at + size, len(spans)) - 1][1]] for at in range(0, len(spans), size)]
    return [window for window in joined if len(window.split()) >= _SHORTEST_WINDOW_WORDS]


def read_examples(nlu_dir: Path, only: Path | None = None) -> list[Example]:
    """Return every example of the .yml files (or of one), without repetitions (case aside).

    Raises:
        EmergencyError: there are no emergencies, or one of an unknown category.
    """
    found: dict[str, Example] = {}
    for path in [only] if only is not None else [*sorted(nlu_dir.glob("*.yml")), EXTRA_EXAMPLES]:
        for example in _examples_of(path):
            found.setdefault(example.text.casefold(), example)
            if example.label not in (HARMLESS, *CATEGORIES):
                raise EmergencyError(
                    f"{path}: unknown emergency category {example.label!r}: allowed are {', '.join(CATEGORIES)}"
                )
    return list(found.values())


def _examples_of(path: Path) -> Iterator[Example]:
    for entry in YAML(typ="safe").load(path.read_text(encoding="utf-8"))["nlu"]:
        # Files under data/nlu may hold synonyms and lookups as well.
        if "intent" not in entry:
            continue
        for line in entry["examples"].splitlines():
            text = line.strip().removeprefix("- ").strip()
            if text:
                yield Example(text, entry["intent"])


def _terms_path(head: Path) -> Path:
    return head.with_suffix(".json")
