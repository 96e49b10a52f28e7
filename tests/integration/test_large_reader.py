"""The screen's large encoder as it runs, held against the published network computed plainly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from scipy.special import erf, softmax
from tokenizers import Tokenizer

from bot.screening import mpnet
from bot.screening.large import LEARNED
from bot.training import large_encoder

TEXTS = (
    "on apixaban",
    "nothing to tell you, my shoulders are just very tight from the desk",
    "I had a stent put in last spring, the nurse says all is well, and otherwise I walk the dog and grow dahlias",
)
WIDTH, HEADS, LAYERS = 768, 12, 12


@pytest.fixture(scope="module")
def tensors(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, np.ndarray]:
    folder: Path = tmp_path_factory.mktemp("mpnet")
    mpnet.unpack(folder, ("model.safetensors",))
    return mpnet.with_additions(load_file(folder / "model.safetensors"), LEARNED)


def bucket(distance: np.ndarray) -> np.ndarray:
    """Of 32, half for each direction, exact up to 8 and logarithmic up to 128 (Raffel et al. 2020)."""
    side = np.where(distance > 0, 16, 0)
    far = np.abs(distance)
    logarithmic = 8 + (np.log(np.maximum(far, 1) / 8) / np.log(128 / 8) * 8).astype(int)
    return side + np.where(far < 8, far, np.minimum(logarithmic, 15))


def reference(tensors: Mapping[str, np.ndarray], ids: list[int]) -> np.ndarray:
    """The mean of MPNet's last states, in full precision."""

    def linear(states: np.ndarray, name: str) -> np.ndarray:
        return states @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]

    def norm(states: np.ndarray, name: str) -> np.ndarray:
        mean, variance = states.mean(-1, keepdims=True), states.var(-1, keepdims=True)
        return (states - mean) / np.sqrt(variance + 1e-5) * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]

    count = len(ids)
    places = np.arange(count)
    bias = tensors["encoder.relative_attention_bias.weight"][bucket(places[None, :] - places[:, None])]
    positions = tensors["embeddings.position_embeddings.weight"][2 : 2 + count]
    states = norm(tensors["embeddings.word_embeddings.weight"][ids] + positions, "embeddings.LayerNorm")
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"

        def split(name: str, states: np.ndarray = states, at: str = at) -> np.ndarray:
            return linear(states, f"{at}.attention.attn.{name}").reshape(count, HEADS, -1).transpose(1, 0, 2)

        scores = split("q") @ split("k").transpose(0, 2, 1) / np.sqrt(WIDTH // HEADS) + bias.transpose(2, 0, 1)
        mixed = (softmax(scores, axis=-1) @ split("v")).transpose(1, 0, 2).reshape(count, WIDTH)
        states = norm(states + linear(mixed, f"{at}.attention.attn.o"), f"{at}.attention.LayerNorm")
        inner = linear(states, f"{at}.intermediate.dense")
        inner = inner * 0.5 * (1 + erf(inner / np.sqrt(2)))
        states = norm(states + linear(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")
    return states.mean(axis=0)


def test_eight_bits_and_the_way_around_its_positions_keep_the_network_what_it_is(
    tensors: Mapping[str, np.ndarray],
) -> None:
    encoder = mpnet.LargeEncoder.load(large_encoder())
    tokenizer = Tokenizer.from_file(str(large_encoder() / "tokenizer.json"))
    tokenizer.no_padding()
    for text, vector in zip(TEXTS, encoder.encode(TEXTS), strict=True):
        exact = reference(tensors, tokenizer.encode(text).ids)
        assert vector @ exact / np.linalg.norm(vector) / np.linalg.norm(exact) > 0.98


def test_a_text_is_encoded_the_same_alone_and_among_others() -> None:
    encoder = mpnet.LargeEncoder.load(large_encoder())
    together = encoder.encode(TEXTS)
    for text, vector in zip(TEXTS, together, strict=True):
        alone = encoder.encode([text])[0]
        assert vector @ alone / np.linalg.norm(vector) / np.linalg.norm(alone) > 0.999
