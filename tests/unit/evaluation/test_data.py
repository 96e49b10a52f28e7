"""The tables on the training data."""

from __future__ import annotations

import numpy as np

from bot.emergency.semantic import Example
from bot.evaluation.data import SHARES, coverage, learning_curve, twins


def example(text: str, intent: str) -> Example:
    return Example(text, intent)


def test_passages_are_counted_each_and_other_groups_together() -> None:
    counted = coverage([example("a", "handout/pain"), example("b", "condition/ra"), example("c", "condition/kidney")])
    assert counted == {"handout/pain": 1, "condition": 2}


def test_nearly_the_same_message_with_two_labels_comes_first() -> None:
    near = [example("a", "x"), example("b", "x"), example("c", "y"), example("d", "x")]
    vectors = np.array([[1, 0], [0, 1], [0, 1], [1, 0]], dtype=np.float32)
    found = twins(near, vectors)
    assert [(pair.first.text, pair.second.text) for pair in found] == [("b", "c"), ("a", "d")]


def test_the_curve_grows_with_the_data_and_is_judged_on_what_was_not_learned() -> None:
    rng = np.random.default_rng(1)
    sides = np.eye(2, 8, dtype=np.float32)
    vectors = np.vstack([sides[n % 2] + rng.normal(0, 0.7, 8).astype(np.float32) for n in range(60)])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    lines = [example(f"{n} {'ab'[n % 2]}", "ab"[n % 2]) for n in range(60)]
    points = list(learning_curve(lines, vectors.astype(np.float32)))
    assert len(points) == len(SHARES)
    assert [count for count, _ in points] == sorted(count for count, _ in points)
    assert all(count <= 50 for count, _ in points), "a fifth is kept apart"
