"""CTranslate2's layers, filled from tensors by their published names.

For networks that its own converters do not know or cannot convert without PyTorch. Knows no network.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from ctranslate2.specs import common_spec
from numpy.typing import NDArray


class Layers:
    """Fills layers.

    Args:
        tensors: weights and biases by their published names.
    """

    def __init__(self, tensors: Mapping[str, NDArray[np.float32]]) -> None:
        self._tensors = tensors

    def linear(self, spec: common_spec.LinearSpec, name: str) -> None:
        """Fill a linear map."""
        spec.weight = self._tensors[f"{name}.weight"]
        spec.bias = self._tensors[f"{name}.bias"]

    def norm(self, spec: common_spec.LayerNormSpec, name: str) -> None:
        """Fill a layer norm."""
        spec.gamma = self._tensors[f"{name}.weight"]
        spec.beta = self._tensors[f"{name}.bias"]
