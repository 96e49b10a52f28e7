"""The third reader: what the large encoder makes of a text, with the head that was learned with it.

It errs elsewhere than the second reader, so that the two together separate better than either
(docs/screening.md). Encoder and head were learned together by `make tune` and ship as one
file; nothing here is fitted when the data changes.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from bot.screening.detector import FLAG, HARMLESS
from bot.screening.errors import ScreeningFileError
from bot.screening.mpnet import DIMENSIONS, LargeEncoder, convert

#: The low-rank additions to the encoder and the head over it.
LEARNED = Path(__file__).with_name("large.npz")

#: How kinds begin, by their side.
_FLAG = f"{FLAG}/"
_HARMLESS = f"{HARMLESS}/"


class LargeReader:
    """Says how likely a careful therapist would want to see a text.

    Args:
        weight: of the head, shape (kinds, 768).
        bias: shape (kinds,).
        kinds: begin with ``flag/`` or ``harmless/``.
    """

    def __init__(
        self, encoder: LargeEncoder, weight: NDArray[np.float32], bias: NDArray[np.float32], kinds: Sequence[str]
    ) -> None:
        self._encoder = encoder
        self._weight = weight
        self._bias = bias
        self._flags = np.array([kind.startswith(_FLAG) for kind in kinds])

    @classmethod
    def load(cls, folder: Path, learned: Path = LEARNED) -> LargeReader:
        """Read the converted encoder in `folder` and the head that was learned with it.

        Raises:
            EncoderError: the encoder cannot be loaded.
            ScreeningFileError: `learned` holds no such head.
        """
        try:
            with np.load(learned, allow_pickle=False) as saved:
                weight, bias, kinds = saved["head:weight"], saved["head:bias"], [str(k) for k in saved["head:kinds"]]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ScreeningFileError(
                learned, None, f"holds no head ({error}); restore it from the repository."
            ) from error
        if weight.shape != (len(kinds), DIMENSIONS) or not all(kind.startswith((_FLAG, _HARMLESS)) for kind in kinds):
            raise ScreeningFileError(learned, None, "holds a head of another shape; restore it from the repository.")
        return cls(LargeEncoder.load(folder), weight, bias, kinds)

    def log_odds(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Log odds, shape (len(texts),), that a careful therapist would want to see each prepared text."""
        scores = self._encoder.encode(texts) @ self._weight.T + self._bias
        flagged = logsumexp(scores[:, self._flags], axis=1) - logsumexp(scores[:, ~self._flags], axis=1)
        return np.asarray(flagged, dtype=np.float32)


def build(folder: Path) -> Path:
    """Convert the encoder into a new folder inside `folder` and return it.

    Raises:
        EncoderError: the published weights are missing or are others.
    """
    made = folder / "large"
    convert(made, LEARNED)
    return made
