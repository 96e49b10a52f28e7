"""The trained language model without Rasa around it: a message in, its parts out.

What `PartsClassifier` does inside Rasa's graph, for whoever needs it elsewhere: the
evaluation, for one. Knows where Rasa keeps the head in a model file, and nothing of
intents.
"""

from __future__ import annotations

import tarfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from bot.encoder import Encoder, EncoderError, LinearHead
from bot.nlu.merging import Reading, read, texts_of
from bot.nlu.spelling import plain

#: The head's file in the classifier's folder of a Rasa model.
HEAD_FILE = "head.npz"


class MessageReader:
    """Reads messages with a fitted head. Safe to share between threads."""

    def __init__(self, head: LinearHead, encoder: Encoder) -> None:
        self._head = head
        self._encoder = encoder

    @classmethod
    def from_model(cls, model: Path) -> MessageReader:
        """The reader of a Rasa model file.

        Raises:
            EncoderError: there is no such file, or it holds no head of ours.
        """
        try:
            with tarfile.open(model) as archive, TemporaryDirectory() as folder:
                found = next(member for member in archive if Path(member.name).name == HEAD_FILE)
                # only the content is taken: where the archive wants it to be does not matter
                content = archive.extractfile(found)
                if content is None:
                    raise StopIteration
                path = Path(folder) / HEAD_FILE
                path.write_bytes(content.read())
                return cls(LinearHead.load(path), Encoder.load())
        except (OSError, tarfile.TarError, StopIteration) as error:
            raise EncoderError(f"{model} is not a model of this assistant; run `make train`.") from error

    def read(self, text: str) -> Reading:
        """The parts of a message; at least one."""
        return read(text, self._head.labels, self._score)

    @staticmethod
    def texts_of(text: str) -> list[str]:
        """What `read` will have encoded of a message, for whoever has it encoded before."""
        return [plain(one) for one in texts_of(text)]

    def _score(self, texts: Sequence[str]) -> NDArray[np.float32]:
        known = [plain(text) for text in texts]
        # a message of one piece is scored as a whole, as a piece and with its story, in the same words
        rows = {text: row for row, text in enumerate(dict.fromkeys(known))}
        scores = self._head.probabilities(self._encoder.encode(list(rows)), list(rows))
        return scores[[rows[text] for text in known]]
