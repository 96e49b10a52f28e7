"""A linear classifier over sentence vectors and, if wanted, hashed n-grams.

Multinomial logistic regression with a temperature that makes its confidences honest.
Saved as plain arrays (.npz): loading one runs no code from the file. Knows nothing of
what the labels mean. Whoever only loads one pays for no optimiser: what fits is imported where
it is used.
"""

from __future__ import annotations

import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import log_softmax, softmax

from bot.encoder.errors import EncoderError
from bot.encoder.ngrams import counted, hashed

_FORMAT = 1


@dataclass(frozen=True, eq=False)
class LinearHead:
    """Weights of a fitted classifier; make one with `fit` or `load`.

    Attributes:
        labels: the k labels, in the order of the columns of `probabilities`.
        dense: weights of the sentence vector, shape (dimensions, k).
        bias: shape (k,).
        rarity: weight of each n-gram bucket, shape (buckets,); none without n-grams.
        sparse: weights of the n-gram buckets, shape (buckets, k); none without n-grams.
        ngram_weight: length of the n-gram vector beside the unit sentence vector.
        temperature: what scores are divided by before the softmax.
    """

    labels: tuple[str, ...]
    dense: NDArray[np.float32]
    bias: NDArray[np.float32]
    rarity: NDArray[np.float32] | None
    sparse: NDArray[np.float32] | None
    ngram_weight: float
    temperature: float

    @classmethod
    def fit(
        cls,
        features: NDArray[np.float32],
        labels: Sequence[str],
        *,
        texts: Sequence[str] | None = None,
        penalty: float = 1e-4,
        ngram_weight: float = 1.0,
        ngram_rank: int | None = None,
        balance: float = 0.0,
        iterations: int = 200,
        calibration_folds: int = 5,
    ) -> LinearHead:
        """Fit on `features` (n, dimensions) and, where `texts` are given, their n-grams.

        Args:
            penalty: strength of the squared penalty on the weights, per row.
            ngram_weight: length of the n-gram vector beside the unit sentence vector.
            ngram_rank: fit the n-gram weights within this many main directions of the n-grams:
                much faster with many labels.
            balance: 1 lets every label count the same, however few rows it has; 0 every row.
            iterations: at most so many steps; fewer also regularise.
            calibration_folds: how many fifths of the rows, held out in turn, the temperature
                is measured on; 0 leaves it at 1, as do fewer than five rows of every label.

        Raises:
            ValueError: the lengths differ, or there are fewer than two labels.
        """
        names = tuple(sorted(set(labels)))
        if len(names) < 2:
            raise ValueError("A head needs examples of at least two labels.")
        if len(features) != len(labels) or (texts is not None and len(texts) != len(labels)):
            raise ValueError("A head needs as many features (and texts) as labels.")
        index = {name: column for column, name in enumerate(names)}
        targets = np.array([index[label] for label in labels])
        counts = hashed(texts) if texts is not None else None
        rarity = _rarity(counts) if counts is not None else None
        grams = None
        if counts is not None and rarity is not None:
            grams = _weighted(counts, rarity, ngram_weight)
        weights = (np.bincount(targets)[targets] ** -float(balance)).astype(np.float32)

        inputs = features
        directions = None
        if grams is not None and ngram_rank is not None:
            directions = _main_directions(grams, ngram_rank)
            inputs = np.hstack([features, grams @ directions.T])

        def solve(rows: NDArray[np.int64]) -> _Solution:
            problem = _Problem(targets[rows], weights[rows], len(names), penalty, iterations)
            if directions is not None:
                return _solve(inputs[rows], None, problem).unfolded(features.shape[1], directions)
            return _solve(inputs[rows], None if grams is None else grams[rows], problem)

        temperature = 1.0
        if calibration_folds and np.bincount(targets).max() >= 5:
            scores: list[NDArray[np.float32]] = []
            truth: list[NDArray[np.int64]] = []
            for train, test in _fifths(targets)[:calibration_folds]:
                scores.append(solve(train).scores(features[test], None if grams is None else grams[test]))
                truth.append(targets[test])
            temperature = _temperature(np.concatenate(scores), np.concatenate(truth))
        solution = solve(np.arange(len(targets)))
        return cls(names, solution.dense, solution.bias, rarity, solution.sparse, ngram_weight, temperature)

    def probabilities(self, features: NDArray[np.float32], texts: Sequence[str] | None = None) -> NDArray[np.float32]:
        """Return calibrated probabilities, shape (len(features), len(self.labels)).

        Raises:
            ValueError: the head was fitted with n-grams and no `texts` are given.
        """
        scores = features @ self.dense + self.bias
        if self.sparse is not None and self.rarity is not None:
            if texts is None:
                raise ValueError("This head was fitted with n-grams: give it the texts as well.")
            for row, text in enumerate(texts):
                scores[row] += self._gram_scores(text, self.rarity, self.sparse)
        return np.asarray(softmax(scores / self.temperature, axis=1), dtype=np.float32)

    def _gram_scores(self, text: str, rarity: NDArray[np.float32], sparse: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the n-grams of one text add, (labels,); the same sums as `_weighted` without a matrix."""
        buckets, counts = counted(text, len(rarity))
        values = counts * rarity[buckets]
        length = float(np.sqrt(values @ values))
        return np.asarray((values * (self.ngram_weight / (length or 1.0))) @ sparse[buckets], dtype=np.float32)

    def save(self, path: Path) -> None:
        """Write the head to `path` (.npz)."""
        arrays = {"dense": self.dense, "bias": self.bias}
        if self.sparse is not None and self.rarity is not None:
            # Half precision changes no probability by more than 0.001 and halves the file.
            arrays |= {"sparse": self.sparse.astype(np.float16), "rarity": self.rarity}
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                format=np.array(_FORMAT),
                labels=np.array(self.labels),
                ngram_weight=np.array(self.ngram_weight),
                temperature=np.array(self.temperature),
                **arrays,
            )

    @classmethod
    def load(cls, path: Path) -> LinearHead:
        """Read a head that `save` wrote.

        Raises:
            EncoderError: there is no such file, or it is not a head of this format.
        """
        try:
            with np.load(path, allow_pickle=False) as saved:
                if int(saved["format"]) != _FORMAT:
                    raise ValueError(f"format {saved['format']}")
                return cls(
                    tuple(str(label) for label in saved["labels"]),
                    saved["dense"],
                    saved["bias"],
                    saved.get("rarity", None),
                    saved["sparse"].astype(np.float32) if "sparse" in saved else None,
                    float(saved["ngram_weight"]),
                    float(saved["temperature"]),
                )
        except FileNotFoundError:
            raise EncoderError(f"There is no classifier at {path}; run `make train`.") from None
        except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
            raise EncoderError(f"{path} is not a usable classifier ({error}); run `make train`.") from error


@dataclass(frozen=True, eq=False)
class _Solution:
    dense: NDArray[np.float32]
    bias: NDArray[np.float32]
    sparse: NDArray[np.float32] | None

    def scores(self, features: NDArray[np.float32], grams: csr_matrix | None) -> NDArray[np.float32]:
        scores = features @ self.dense + self.bias
        if grams is not None and self.sparse is not None:
            scores = scores + grams @ self.sparse
        return scores

    def unfolded(self, dimensions: int, directions: NDArray[np.float32]) -> _Solution:
        """The same solution with weights per bucket instead of per direction."""
        return _Solution(self.dense[:dimensions], self.bias, directions.T @ self.dense[dimensions:])


def _rarity(counts: csr_matrix) -> NDArray[np.float32]:
    """Inverse document frequency per bucket, smoothed as if one text held every n-gram."""
    documents = counts.shape[0]
    seen = np.bincount(counts.indices, minlength=counts.shape[1])
    rarity: NDArray[np.float32] = (np.log((1 + documents) / (1 + seen)) + 1).astype(np.float32)
    return rarity


def _weighted(counts: csr_matrix, rarity: NDArray[np.float32], length: float) -> csr_matrix:
    """Weigh counts by rarity and scale every row that is not empty to `length`."""
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    values = counts.data * rarity[counts.indices]
    lengths = np.sqrt(np.bincount(rows, weights=values**2, minlength=counts.shape[0]))
    values = (values * length / lengths[rows]).astype(np.float32)
    return csr_matrix((values, counts.indices, counts.indptr), shape=counts.shape)


@dataclass(frozen=True, eq=False)
class _Problem:
    targets: NDArray[np.int64]
    weights: NDArray[np.float32]
    classes: int
    penalty: float
    iterations: int


def _solve(features: NDArray[np.float32], grams: csr_matrix | None, problem: _Problem) -> _Solution:
    """Minimise the mean weighted cross-entropy plus the penalty (L-BFGS)."""
    from scipy.optimize import minimize

    rows, dimensions = features.shape
    targets = problem.targets
    # Only buckets that occur get a weight: the others stay zero under the penalty.
    used = np.unique(grams.indices) if grams is not None else np.zeros(0, dtype=np.int64)
    compact = grams[:, used] if grams is not None else None
    transposed = compact.T.tocsr() if compact is not None else None
    one_hot = np.zeros((rows, problem.classes), dtype=np.float32)
    one_hot[np.arange(rows), targets] = 1.0
    share = (problem.weights / problem.weights.sum())[:, None]
    size = dimensions + len(used) + 1

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        matrix = flat.reshape(size, problem.classes).astype(np.float32)
        scores = features @ matrix[:dimensions] + matrix[-1]
        if compact is not None:
            scores += compact @ matrix[dimensions:-1]
        logs = log_softmax(scores, axis=1)
        error = (np.exp(logs) - one_hot) * share
        gradient = np.empty((size, problem.classes), dtype=np.float64)
        gradient[:dimensions] = features.T @ error
        if transposed is not None:
            gradient[dimensions:-1] = transposed @ error
        gradient[:-1] += problem.penalty * matrix[:-1]
        gradient[-1] = error.sum(axis=0)
        value = -float((logs[np.arange(rows), targets] * share[:, 0]).sum())
        value += 0.5 * problem.penalty * float((matrix[:-1] ** 2).sum())
        return value, gradient.ravel()

    best = (
        minimize(
            loss,
            np.zeros(size * problem.classes),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": problem.iterations, "ftol": 1e-7, "gtol": 1e-6},
        )
        .x.reshape(size, problem.classes)
        .astype(np.float32)
    )
    sparse = None
    if grams is not None:
        sparse = np.zeros((grams.shape[1], problem.classes), dtype=np.float32)
        sparse[used] = best[dimensions:-1]
    return _Solution(best[:dimensions], best[-1], sparse)


def _main_directions(grams: csr_matrix, rank: int) -> NDArray[np.float32]:
    """The `rank` directions along which the rows differ most, shape (rank, buckets)."""
    from sklearn.utils.extmath import randomized_svd

    rank = min(rank, min(grams.shape) - 1)
    # More power iterations cost more time than all else and change no figure.
    _, _, directions = randomized_svd(grams, rank, n_iter=1, random_state=0)
    return np.asarray(directions, dtype=np.float32)


def _fifths(targets: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Five (train, test) splits by row number, alike in labels."""
    from sklearn.model_selection import StratifiedKFold

    with warnings.catch_warnings():
        # A label of fewer than five rows is missing from some folds, which is no harm here.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        return list(StratifiedKFold(5, shuffle=True, random_state=0).split(targets, targets))


def _temperature(scores: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
    """The divisor of held-out scores with the least cross-entropy, between 0.1 and 10."""
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(targets))

    def cross_entropy(log_temperature: float) -> float:
        logs = log_softmax(scores / np.exp(log_temperature), axis=1)
        return -float(logs[rows, targets].mean())

    return float(np.exp(minimize_scalar(cross_entropy, bounds=(-2.3, 2.3), method="bounded").x))
