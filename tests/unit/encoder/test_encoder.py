"""Sentence vectors: the published network, quickly, and in spite of odd input."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import load_file
from scipy.special import erf, softmax
from tokenizers import Tokenizer

from bot.encoder import DIMENSIONS, Encoder, EncoderError
from bot.encoder import weights as weights_module
from bot.encoder.tuned import with_changes
from bot.encoder.weights import converted, find_weights, shipped_changes, verify

SENTENCES = (
    "Does it hurt?",
    "sauna ok",
    "I had mine on Monday and the marks are still there, is that normal after three days?",
)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load()


def reference(text: str) -> NDArray[np.float32]:
    """MiniLM's forward pass in plain float32 numpy, written from the BERT paper."""
    files = find_weights()
    changes = shipped_changes()
    tensors = with_changes(load_file(files.model), changes.path, changes.digest)
    tokenizer = Tokenizer.from_file(str(files.tokenizer))
    tokenizer.no_padding()
    ids = tokenizer.encode(text).ids

    def linear(x: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        return x @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]

    def norm(x: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        centred = x - x.mean(axis=-1, keepdims=True)
        scale = np.sqrt(centred.var(axis=-1, keepdims=True) + 1e-12)
        return centred / scale * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]

    def heads(x: NDArray[np.float32]) -> NDArray[np.float32]:
        return x.reshape(len(ids), 12, 32).transpose(1, 0, 2)

    x = norm(
        tensors["embeddings.word_embeddings.weight"][ids]
        + tensors["embeddings.position_embeddings.weight"][: len(ids)]
        + tensors["embeddings.token_type_embeddings.weight"][0],
        "embeddings.LayerNorm",
    )
    for layer in range(6):
        at = f"encoder.layer.{layer}"
        query, key, value = (heads(linear(x, f"{at}.attention.self.{kind}")) for kind in ("query", "key", "value"))
        attention = softmax(query @ key.transpose(0, 2, 1) / np.sqrt(32), axis=-1)
        mixed = (attention @ value).transpose(1, 0, 2).reshape(len(ids), DIMENSIONS)
        x = norm(x + linear(mixed, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm")
        inner = linear(x, f"{at}.intermediate.dense")
        inner = inner * 0.5 * (1 + erf(inner / np.sqrt(2)))
        x = norm(x + linear(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")
    mean = x.mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)


def test_int8_vectors_point_where_the_float32_network_points(encoder: Encoder) -> None:
    vectors = encoder.encode(SENTENCES)
    for text, vector in zip(SENTENCES, vectors):
        assert float(vector @ reference(text)) >= 0.99


def test_vectors_have_unit_length_and_the_order_of_the_texts(encoder: Encoder) -> None:
    together = encoder.encode(SENTENCES)
    assert together.shape == (len(SENTENCES), DIMENSIONS)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)
    for text, vector in zip(SENTENCES, together):
        np.testing.assert_allclose(encoder.encode([text])[0], vector, atol=1e-5)


def test_a_text_has_the_same_vector_alone_and_beside_a_long_one(encoder: Encoder) -> None:
    long = "I was told to rest and drink plenty and I did so for two days. " * 10
    alone = Encoder(encoder._network, encoder._tokenizer).encode(["is a hot tub fine"])[0]
    beside = Encoder(encoder._network, encoder._tokenizer).encode([long, "is a hot tub fine"])[1]
    assert float(alone @ beside) > 0.999


def test_an_empty_text_has_a_vector_too(encoder: Encoder) -> None:
    assert float(np.linalg.norm(encoder.encode([""])[0])) == pytest.approx(1.0, abs=1e-5)


def test_no_texts_give_no_vectors(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, DIMENSIONS)


def test_one_process_shares_one_encoder(encoder: Encoder) -> None:
    assert Encoder.load() is encoder


def test_a_caller_cannot_change_the_remembered_vectors(encoder: Encoder) -> None:
    encoder.encode(["a text to remember"])[0][:] = 0.0
    assert float(np.linalg.norm(encoder.encode(["a text to remember"])[0])) == pytest.approx(1.0, abs=1e-5)


@given(st.lists(st.text(st.characters(blacklist_categories=()), max_size=40), max_size=3))
@settings(max_examples=40, deadline=None)
def test_any_text_has_a_vector(texts: list[str]) -> None:
    vectors = Encoder.load().encode(texts)
    assert vectors.shape == (len(texts), DIMENSIONS)
    assert np.isfinite(vectors).all()


def test_ten_thousand_emoji_have_a_vector(encoder: Encoder) -> None:
    assert np.isfinite(encoder.encode(["\U0001f600" * 10_000])).all()


def test_threads_get_the_vectors_of_their_own_texts(encoder: Encoder) -> None:
    texts = [f"question number {number} about the sauna" for number in range(24)]
    expected = encoder.encode(texts)
    fresh = Encoder(encoder._network, encoder._tokenizer)
    wrong: list[str] = []

    def ask(first: int) -> None:
        for row in range(first, len(texts), 4):
            if float(fresh.encode([texts[row]])[0] @ expected[row]) < 0.999:
                wrong.append(texts[row])

    threads = [threading.Thread(target=ask, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_weights_that_are_not_the_published_ones_are_refused(tmp_path: Path) -> None:
    tampered = tmp_path / "model.safetensors"
    tampered.write_bytes(b"not the weights")
    with pytest.raises(EncoderError, match="reinstall") as refused:
        verify(tampered)
    assert str(tampered) in str(refused.value)


def test_a_missing_distribution_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_module, "DISTRIBUTION", "no-such-distribution")
    with pytest.raises(EncoderError, match="no-such-distribution"):
        find_weights()


def test_the_conversion_is_made_once_and_kept(tmp_path: Path) -> None:
    files = find_weights()
    target = converted(tmp_path, files)
    made = (target / "model.bin").stat().st_mtime_ns
    assert converted(tmp_path, files) == target
    assert (target / "model.bin").stat().st_mtime_ns == made
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_a_cache_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EncoderError, match="not writable"):
        converted(tmp_path / "file" / "encoder", find_weights())
