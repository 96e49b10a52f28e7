"""The linear head: learns, stays honest, and survives being saved."""

from __future__ import annotations

import time
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.encoder import EncoderError, LinearHead
from bot.encoder.ngrams import hashed, ngrams

WORDS = {"heat": ("sauna", "steam room"), "water": ("swimming", "the pool"), "food": ("lunch", "breakfast")}


@pytest.fixture(scope="module")
def examples() -> tuple[NDArray[np.float32], list[str], list[str]]:
    """Vectors with a weak hint of the label, labels, and texts with a strong one."""
    random = np.random.default_rng(0)
    labels = [label for label in WORDS for _ in range(40)]
    texts = [f"can i have {WORDS[label][i // 2 % 2]} {i}" for i, label in enumerate(labels)]
    centres = {label: random.normal(size=16) for label in WORDS}
    noise = random.normal(size=(len(labels), 16))
    features = np.array([centres[label] for label in labels]) * 0.5 + noise
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return features.astype(np.float32), labels, texts


def test_probabilities_are_one_row_per_text_and_sum_to_one(
    examples: tuple[NDArray[np.float32], list[str], list[str]],
) -> None:
    features, labels, _ = examples
    head = LinearHead.fit(features, labels)
    probabilities = head.probabilities(features)
    assert head.labels == ("food", "heat", "water")
    assert probabilities.shape == (len(labels), 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("rank", [None, 20])
def test_ngrams_tell_apart_what_vectors_blur(
    examples: tuple[NDArray[np.float32], list[str], list[str]], rank: int | None
) -> None:
    features, labels, texts = examples
    head = LinearHead.fit(features[::2], labels[::2], texts=texts[::2], ngram_rank=rank)
    guesses = head.probabilities(features[1::2], texts[1::2]).argmax(axis=1)
    assert [head.labels[guess] for guess in guesses] == labels[1::2]


def test_the_same_data_give_the_same_head(
    examples: tuple[NDArray[np.float32], list[str], list[str]],
) -> None:
    features, labels, texts = examples
    first, second = (LinearHead.fit(features, labels, texts=texts, ngram_rank=20) for _ in range(2))
    np.testing.assert_array_equal(first.dense, second.dense)
    assert first.temperature == second.temperature


def test_confidence_matches_accuracy_on_noise() -> None:
    random = np.random.default_rng(1)
    features = random.normal(size=(400, 16)).astype(np.float32)
    labels = [str(label) for label in random.integers(0, 2, size=400)]
    confidence = LinearHead.fit(features, labels).probabilities(features).max(axis=1)
    assert float(confidence.mean()) < 0.65


def test_a_saved_head_gives_the_same_probabilities(
    examples: tuple[NDArray[np.float32], list[str], list[str]], tmp_path: Path
) -> None:
    features, labels, texts = examples
    head = LinearHead.fit(features, labels, texts=texts)
    head.save(tmp_path / "head.npz")
    loaded = LinearHead.load(tmp_path / "head.npz")
    assert loaded.labels == head.labels
    np.testing.assert_allclose(loaded.probabilities(features, texts), head.probabilities(features, texts), atol=2e-3)


def test_a_missing_head_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="make train"):
        LinearHead.load(tmp_path / "none.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"\x80\x04pickle"])
def test_a_file_that_is_no_head_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "head.npz").write_bytes(content)
    with pytest.raises(EncoderError, match="not a usable classifier"):
        LinearHead.load(tmp_path / "head.npz")


def test_a_head_with_ngrams_asks_for_the_texts(
    examples: tuple[NDArray[np.float32], list[str], list[str]],
) -> None:
    features, labels, texts = examples
    with pytest.raises(ValueError, match="texts"):
        LinearHead.fit(features, labels, texts=texts).probabilities(features)


def test_one_label_alone_cannot_be_learned() -> None:
    with pytest.raises(ValueError, match="two labels"):
        LinearHead.fit(np.zeros((3, 4), dtype=np.float32), ["a", "a", "a"])


def test_ngrams_are_words_pairs_and_pieces_of_words() -> None:
    expected = ["sauna", "ok", "?", "sauna ok", "#<sau", "#una>"]
    assert {crc32(gram.encode()) for gram in expected} <= set(ngrams("Sauna ok?"))


def test_texts_without_letters_have_no_ngrams() -> None:
    assert hashed(["", "\U0001f600", "..."]).nnz == 0


def test_hashing_keeps_the_order_of_the_texts() -> None:
    together = hashed(["sauna", "", "pool"])
    assert (together[0] != hashed(["sauna"])[0]).nnz == 0
    assert together[1].nnz == 0


def test_one_row_is_scored_in_well_under_a_message(
    examples: tuple[NDArray[np.float32], list[str], list[str]],
) -> None:
    features, labels, texts = examples
    head = LinearHead.fit(features, labels, texts=texts)
    times = []
    for _ in range(50):
        begin = time.perf_counter()
        head.probabilities(features[:1], texts[:1])
        times.append(time.perf_counter() - begin)
    assert sorted(times)[25] < 0.005
