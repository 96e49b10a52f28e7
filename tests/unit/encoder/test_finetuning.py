"""Fine-tuning: the published network, learning on tiny data, the same every time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from bot.encoder.finetuning import Network, Settings, Task, published, tune
from bot.encoder.weights import converted, find_weights

WORDS = ("heat", "sauna", "steam", "food", "lunch", "bread", "the", "a", "please")
TEXTS = tuple(f"{filler} {word}" for word in WORDS[:6] for filler in WORDS[6:]) * 4
LABELS = tuple("heat" if text.split()[1] in WORDS[:3] else "food" for text in TEXTS)
CONFIG: dict[str, Any] = {"num_attention_heads": 2, "num_hidden_layers": 2}
# The class vectors stand still, so that the layers have to do the learning.
QUICK = Settings(layers=1, epochs=12, texts_per_step=8, rate=1e-2, head_rate=0.0, threads=1)


def silent(line: str) -> None:
    del line


def tiny_weights(width: int = 8) -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(0)
    shapes = {
        "embeddings.word_embeddings.weight": (len(WORDS), width),
        "embeddings.position_embeddings.weight": (16, width),
        "embeddings.token_type_embeddings.weight": (2, width),
    }
    for layer in range(2):
        at = f"encoder.layer.{layer}"
        for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            shapes[f"{at}.{name}.weight"] = (width, width)
        shapes[f"{at}.intermediate.dense.weight"] = (2 * width, width)
        shapes[f"{at}.output.dense.weight"] = (width, 2 * width)
    tensors = {name: random.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    for name, shape in list(shapes.items()):
        if name.startswith("encoder"):
            tensors[name.replace(".weight", ".bias")] = np.zeros(shape[0], dtype=np.float32)
    norms = ["embeddings.LayerNorm"]
    norms += [f"encoder.layer.{layer}.{part}output.LayerNorm" for layer in range(2) for part in ("attention.", "")]
    for name in norms:
        tensors[f"{name}.weight"] = np.ones(width, dtype=np.float32)
        tensors[f"{name}.bias"] = np.zeros(width, dtype=np.float32)
    return tensors


def tokenizer() -> Tokenizer:
    made = Tokenizer(WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="a"))
    made.pre_tokenizer = Whitespace()
    return made


def vectors(network: Network, texts: tuple[str, ...], reader: Tokenizer) -> NDArray[np.float32]:
    """One text at a time, so that nothing is padded."""
    rows = []
    for text in texts:
        ids = tf.constant([reader.encode(text).ids], dtype=tf.int32)
        mask = tf.ones_like(ids, dtype=tf.float32)
        rows.append(network.upper(network.lower(ids, mask), mask).numpy()[0])
    return np.array(rows)


def losses(lines: list[str]) -> list[float]:
    """The mean loss of every epoch, as told."""
    return [float(line.rsplit(" ", 1)[1]) for line in lines if "done" in line]


def test_the_network_is_the_published_one(tmp_path: Path) -> None:
    tensors, config, reader = published()
    texts = ("Does it hurt?", "I had mine on Monday and the marks are still there, is that normal after three days?")
    found = vectors(Network(tensors, config, 3), texts, reader)
    runtime = ctranslate2.Encoder(str(converted(tmp_path, find_weights())), compute_type="int8", intra_threads=1)
    for text, vector in zip(texts, found):
        state = np.asarray(runtime.forward_batch([reader.encode(text).ids]).last_hidden_state)[0].mean(axis=0)
        # as far as eight bits allow; float32 against float32 is 1.0000
        assert float(vector @ state / np.linalg.norm(state)) >= 0.99


def test_the_layers_learn_the_labels() -> None:
    lines: list[str] = []
    network = Network(tiny_weights(), CONFIG, 1)
    tune(TEXTS, {"topic": Task(LABELS)}, QUICK, network=network, tokenizer=tokenizer(), say=lines.append)
    assert losses(lines)[-1] < losses(lines)[0] / 3


def test_only_the_upper_layers_change() -> None:
    network = Network(tiny_weights(), CONFIG, 1)
    changed = tune(TEXTS, {"topic": Task(LABELS)}, QUICK, network=network, tokenizer=tokenizer(), say=silent)
    assert {name.split(".")[2] for name in changed} == {"1"}
    before = tiny_weights()
    assert all(changed[name].shape == before[name].shape for name in changed)
    assert not np.allclose(
        changed["encoder.layer.1.output.dense.weight"], before["encoder.layer.1.output.dense.weight"]
    )


def test_the_same_seed_gives_the_same_layers() -> None:
    first, second = (
        tune(
            TEXTS,
            {"topic": Task(LABELS)},
            QUICK,
            network=Network(tiny_weights(), CONFIG, 1),
            tokenizer=tokenizer(),
            say=silent,
        )
        for _ in range(2)
    )
    for name, tensor in first.items():
        np.testing.assert_array_equal(tensor, second[name])


def test_a_text_may_be_unlabelled_for_one_of_several_tasks() -> None:
    half: list[str | None] = [label if row % 2 else None for row, label in enumerate(LABELS)]
    tasks = {"topic": Task(half), "filler": Task([text.split()[0] for text in TEXTS], weight=0.1)}
    lines: list[str] = []
    network = Network(tiny_weights(), CONFIG, 1)
    tune(TEXTS, tasks, QUICK, network=network, tokenizer=tokenizer(), say=lines.append)
    assert losses(lines)[-1] < losses(lines)[0]


def test_progress_is_told_after_every_epoch() -> None:
    lines: list[str] = []
    network = Network(tiny_weights(), CONFIG, 1)
    tune(TEXTS, {"topic": Task(LABELS)}, QUICK, network=network, tokenizer=tokenizer(), say=lines.append)
    assert len(losses(lines)) == QUICK.epochs


@pytest.mark.parametrize(
    ("labels", "said"), [(("heat",), "1 labels for 72 texts"), (("heat",) * len(TEXTS), "at least two labels")]
)
def test_labels_that_cannot_be_learned_are_refused(labels: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        tune(TEXTS, {"topic": Task(labels)}, QUICK, say=silent)
