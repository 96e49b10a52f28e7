"""Fine-tunes the upper layers of MiniLM on labelled texts, with TensorFlow.

For whoever changes the training data: the layers below stay as published, so what
changes is small enough to ship (`bot.encoder.tuned`). Several tasks share one encoder;
a text may have a label for some and none for others. TensorFlow is needed here only,
never where messages are read. Knows nothing of what the labels mean.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from bot.encoder.weights import find_weights, verify

Tensors = Mapping[str, NDArray[np.float32]]

#: Steps between two lines of progress.
_NEWS_STEPS = 50
#: config.json of the published model, layer_norm_eps.
_EPSILON = 1e-12
#: Scores are cosines over this: with unit vectors and unit class vectors, the softmax
#: needs it to be able to become certain.
_SHARPNESS = 0.05


@dataclass(frozen=True, slots=True)
class Task:
    """One question about the texts.

    Attributes:
        labels: one per text; None where the text says nothing about this question.
        weight: of this task's loss beside the others'.
        balance: 1 lets every label count the same however rare it is, 0 every text.
    """

    labels: Sequence[str | None]
    weight: float = 1.0
    balance: float = 0.5


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train; the defaults are those that docs/decisions/0005 measured."""

    layers: int = 3
    epochs: int = 4
    texts_per_step: int = 32
    rate: float = 1e-4
    head_rate: float = 2e-3
    dropout: float = 0.1
    smoothing: float = 0.05
    decay: float = 0.01
    longest: int = 64
    seed: int = 7
    threads: int = 2


class Network:
    """MiniLM in TensorFlow: `layers` upper layers can be trained, those below are fixed.

    Args:
        tensors: the published weights by their published names, float32.
    """

    def __init__(self, tensors: Tensors, config: Mapping[str, Any], layers: int) -> None:
        self._fixed = tensors
        self._heads = int(config["num_attention_heads"])
        self._count = int(config["num_hidden_layers"])
        self._first = self._count - layers
        self.variables = {
            name: tf.Variable(tensors[name], name=name)
            for name in sorted(tensors)
            if name.startswith("encoder.layer.") and int(name.split(".")[2]) >= self._first
        }

    def lower(self, ids: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """States after the fixed layers, shape (texts, tokens, width), of word-piece numbers."""
        states = (
            tf.gather(self._fixed["embeddings.word_embeddings.weight"], ids)
            + tf.gather(self._fixed["embeddings.position_embeddings.weight"], tf.range(tf.shape(ids)[1]))
            + self._fixed["embeddings.token_type_embeddings.weight"][0]
        )
        states = self._norm(states, "embeddings.LayerNorm")
        for layer in range(self._first):
            states = self._layer(states, mask, layer, 0.0, None)
        return states

    def upper(
        self, states: tf.Tensor, mask: tf.Tensor, dropout: float = 0.0, seed: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Unit sentence vectors, shape (texts, width), from the states of `lower`."""
        for layer in range(self._first, self._count):
            states = self._layer(states, mask, layer, dropout, seed)
        summed = tf.reduce_sum(states * mask[:, :, tf.newaxis], axis=1)
        return tf.math.l2_normalize(summed, axis=-1)

    def _tensor(self, name: str) -> tf.Tensor:
        return self.variables[name] if name in self.variables else self._fixed[name]

    def _linear(self, states: tf.Tensor, name: str) -> tf.Tensor:
        shape = tf.shape(states)
        weight = self._tensor(f"{name}.weight")
        flat = tf.matmul(tf.reshape(states, [-1, weight.shape[1]]), weight, transpose_b=True)
        flat += self._tensor(f"{name}.bias")
        return tf.reshape(flat, [shape[0], shape[1], weight.shape[0]])

    def _norm(self, states: tf.Tensor, name: str) -> tf.Tensor:
        mean, variance = tf.nn.moments(states, axes=[-1], keepdims=True)
        return (states - mean) * tf.math.rsqrt(variance + _EPSILON) * self._tensor(f"{name}.weight") + self._tensor(
            f"{name}.bias"
        )

    def _layer(
        self, states: tf.Tensor, mask: tf.Tensor, layer: int, dropout: float, seed: tf.Tensor | None
    ) -> tf.Tensor:
        at = f"encoder.layer.{layer}"
        shape = tf.shape(states)
        width = states.shape[-1]

        def split(name: str) -> tf.Tensor:
            parts = tf.reshape(
                self._linear(states, f"{at}.attention.self.{name}"),
                [shape[0], shape[1], self._heads, width // self._heads],
            )
            return tf.transpose(parts, [0, 2, 1, 3])

        scores = tf.matmul(split("query"), split("key"), transpose_b=True) / float(np.sqrt(width // self._heads))
        scores += (mask[:, tf.newaxis, tf.newaxis, :] - 1.0) * 1e9
        mixed = tf.transpose(tf.matmul(tf.nn.softmax(scores), split("value")), [0, 2, 1, 3])
        mixed = self._linear(tf.reshape(mixed, [shape[0], shape[1], width]), f"{at}.attention.output.dense")
        states = self._norm(states + _dropped(mixed, dropout, seed, 2 * layer), f"{at}.attention.output.LayerNorm")
        inner = tf.nn.gelu(self._linear(states, f"{at}.intermediate.dense"), approximate=False)
        out = self._linear(inner, f"{at}.output.dense")
        return self._norm(states + _dropped(out, dropout, seed, 2 * layer + 1), f"{at}.output.LayerNorm")


def _dropped(states: tf.Tensor, rate: float, seed: tf.Tensor | None, place: int) -> tf.Tensor:
    if not rate or seed is None:
        return states
    return tf.nn.experimental.stateless_dropout(states, rate, seed=tf.stack([seed, place]))


def published() -> tuple[dict[str, NDArray[np.float32]], Mapping[str, Any], Tokenizer]:
    """The published weights, configuration and tokenizer; `EncoderError` where they are not."""
    files = find_weights()
    verify(files.model)
    tokenizer = Tokenizer.from_file(str(files.tokenizer))
    tokenizer.no_padding()
    return load_file(files.model), json.loads(files.config.read_text(encoding="utf-8")), tokenizer


def tune(
    texts: Sequence[str],
    tasks: Mapping[str, Task],
    settings: Settings = Settings(),
    *,
    network: Network | None = None,
    tokenizer: Tokenizer | None = None,
    say: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True),
) -> dict[str, NDArray[np.float32]]:
    """Train and return the changed tensors by their published names.

    The same texts, tasks and settings give the same tensors on the same kind of machine.

    Raises:
        ValueError: a task has not one label per text, or fewer than two labels.
        EncoderError: the published weights cannot be used.
    """
    for name, task in tasks.items():
        if len(task.labels) != len(texts):
            raise ValueError(f"The task {name} has {len(task.labels)} labels for {len(texts)} texts.")
        if len(set(task.labels) - {None}) < 2:
            raise ValueError(f"The task {name} needs at least two labels.")
    _quiet(settings.threads)
    if network is None or tokenizer is None:
        tensors, config, tokenizer = published()
        network = Network(tensors, config, settings.layers)
    tokenizer.enable_truncation(settings.longest)
    ids = [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]
    begun = time.monotonic()
    states = _lower_states(network, ids)
    say(f"{len(texts)} texts through the fixed layers in {time.monotonic() - begun:.0f} s")

    heads = _Heads(tasks, _vectors(network, states))
    plan = np.random.default_rng(settings.seed)
    steps_an_epoch = -(-len(texts) // settings.texts_per_step)
    total = steps_an_epoch * settings.epochs
    layers = list(network.variables.values())
    classes = list(heads.classes.values())
    slow = tf.keras.optimizers.legacy.Adam(_falling(settings.rate, total))
    fast = tf.keras.optimizers.legacy.Adam(_falling(settings.head_rate, total))
    anchors = [tf.constant(variable.numpy()) for variable in layers]

    @tf.function(reduce_retracing=True)
    def step(inputs: tf.Tensor, mask: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            vectors = network.upper(inputs, mask, settings.dropout, seed)
            loss = heads.loss(vectors, targets, weights, settings.smoothing)
        gradients = tape.gradient(loss, layers + classes)
        gradients, _ = tf.clip_by_global_norm(gradients, 1.0)
        slow.apply_gradients(zip(gradients[: len(layers)], layers))
        fast.apply_gradients(zip(gradients[len(layers) :], classes))
        # Decay towards the published weights, not towards zero: what the texts do not
        # speak about stays as it was.
        for variable, anchor in zip(layers, anchors):
            variable.assign_sub(settings.rate * settings.decay * (variable - anchor))
        return loss

    done = 0
    for epoch in range(settings.epochs):
        losses = []
        for rows in _batches([len(row) for row in ids], settings.texts_per_step, plan):
            inputs, mask = _padded([states[row] for row in rows])
            losses.append(
                float(
                    step(
                        tf.constant(inputs),
                        tf.constant(mask),
                        tf.constant(heads.targets[rows]),
                        tf.constant(heads.weights[rows]),
                        tf.constant(settings.seed * 100_003 + done),
                    )
                )
            )
            done += 1
            if done % _NEWS_STEPS == 0:
                say(
                    f"epoch {epoch + 1} of {settings.epochs}, step {done} of {total}, "
                    f"loss {np.mean(losses[-_NEWS_STEPS:]):.3f}, {time.monotonic() - begun:.0f} s"
                )
        say(f"epoch {epoch + 1} of {settings.epochs} done, mean loss {np.mean(losses):.3f}")
    return {name: variable.numpy() for name, variable in network.variables.items()}


class _Heads:
    """One class vector per label and task, started at the mean of the label's texts.

    `targets` and `weights` have one column per task; an unlabelled text weighs nothing.
    """

    def __init__(self, tasks: Mapping[str, Task], vectors: NDArray[np.float32]) -> None:
        self.classes: dict[str, tf.Variable] = {}
        self.targets = np.zeros((len(vectors), len(tasks)), dtype=np.int32)
        self.weights = np.zeros((len(vectors), len(tasks)), dtype=np.float32)
        for column, (name, task) in enumerate(tasks.items()):
            names = sorted({label for label in task.labels if label is not None})
            index = {label: place for place, label in enumerate(names)}
            rows = np.array([row for row, label in enumerate(task.labels) if label is not None])
            targets = np.array([index[label] for label in task.labels if label is not None])
            weights = np.bincount(targets)[targets] ** -float(task.balance)
            self.targets[rows, column] = targets
            self.weights[rows, column] = task.weight * weights / weights.mean()
            start = np.zeros((len(names), vectors.shape[1]), dtype=np.float32)
            np.add.at(start, targets, vectors[rows])
            start -= start.sum(axis=0) / len(rows) * np.bincount(targets)[:, None]
            self.classes[name] = tf.Variable(start / np.linalg.norm(start, axis=1, keepdims=True), name=name)

    def loss(self, vectors: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, smoothing: float) -> tf.Tensor:
        total = tf.constant(0.0)
        for column, classes in enumerate(self.classes.values()):
            scores = tf.matmul(vectors, tf.math.l2_normalize(classes, axis=1), transpose_b=True) / _SHARPNESS
            count = classes.shape[0]
            wanted = tf.one_hot(targets[:, column], count) * (1.0 - smoothing) + smoothing / count
            losses = tf.nn.softmax_cross_entropy_with_logits(wanted, scores)
            total += tf.reduce_sum(losses * weights[:, column]) / tf.cast(tf.shape(vectors)[0], tf.float32)
        return total


def _falling(rate: float, steps: int) -> tf.keras.optimizers.schedules.LearningRateSchedule:
    """Falls to nothing along half a cosine: no jump at the end needs averaging out."""
    return tf.keras.optimizers.schedules.CosineDecay(rate, steps, alpha=0.02)


def _lower_states(network: Network, ids: Sequence[Sequence[int]]) -> list[NDArray[np.float16]]:
    """The states after the fixed layers, once per text: half precision halves the memory."""
    found: list[NDArray[np.float16]] = [np.zeros((0, 0), dtype=np.float16)] * len(ids)
    lower = tf.function(network.lower, reduce_retracing=True)
    for rows in _batches([len(row) for row in ids], 64, None):
        numbers = np.zeros((len(rows), max(len(ids[row]) for row in rows)), dtype=np.int32)
        mask = np.zeros(numbers.shape, dtype=np.float32)
        for place, row in enumerate(rows):
            numbers[place, : len(ids[row])] = ids[row]
            mask[place, : len(ids[row])] = 1.0
        states = lower(tf.constant(numbers), tf.constant(mask)).numpy()
        for place, row in enumerate(rows):
            found[row] = states[place, : len(ids[row])].astype(np.float16)
    return found


def _vectors(network: Network, states: Sequence[NDArray[np.float16]]) -> NDArray[np.float32]:
    upper = tf.function(network.upper, reduce_retracing=True)
    vectors = np.zeros((len(states), states[0].shape[1]), dtype=np.float32)
    for rows in _batches([len(state) for state in states], 64, None):
        inputs, mask = _padded([states[row] for row in rows])
        vectors[rows] = upper(tf.constant(inputs), tf.constant(mask)).numpy()
    return vectors


def _padded(states: Sequence[NDArray[np.float16]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    tokens = max(len(state) for state in states)
    inputs = np.zeros((len(states), tokens, states[0].shape[1]), dtype=np.float32)
    mask = np.zeros((len(states), tokens), dtype=np.float32)
    for place, state in enumerate(states):
        inputs[place, : len(state)] = state
        mask[place, : len(state)] = 1.0
    return inputs, mask


def _batches(lengths: Sequence[int], size: int, plan: np.random.Generator | None) -> Iterator[NDArray[np.int64]]:
    """Row numbers in batches of like length; in random order and company with a `plan`."""
    order = np.arange(len(lengths)) if plan is None else plan.permutation(len(lengths))
    pool = len(lengths) if plan is None else size * 24
    batches = []
    for start in range(0, len(order), pool):
        chunk = sorted(order[start : start + pool], key=lambda row: lengths[row])
        batches += [np.array(chunk[at : at + size]) for at in range(0, len(chunk), size)]
    if plan is not None:
        batches = [batches[place] for place in plan.permutation(len(batches))]
    yield from batches


def _quiet(threads: int) -> None:
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        # TensorFlow is already running in this process: its threads stay as they are.
        return
