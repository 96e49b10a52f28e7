"""The second reader's neighbours: training texts vote by how near they are."""

from __future__ import annotations

import numpy as np
import pytest

from bot.screening.detector import Neighbours


def unit(*angles: float) -> np.ndarray:
    return np.array([[np.cos(a), np.sin(a)] for a in angles], dtype=np.float32)


def test_the_nearest_texts_decide_and_their_distance_weighs() -> None:
    neighbours = Neighbours(unit(0.0, 0.1, 1.5, 1.6), np.array([True, True, False, False]))
    flag, harmless, between = neighbours.log_odds(unit(0.05, 1.55, 0.8))
    assert flag > 5
    assert harmless < -5
    assert abs(between) < 1


def test_neighbours_are_never_wholly_sure() -> None:
    (odds,) = Neighbours(unit(0.0), np.array([True])).log_odds(unit(0.0))
    assert odds == pytest.approx(np.log(1001), abs=0.1)
