"""Sentences to unit vectors: all-MiniLM-L6-v2, fine-tuned, on CTranslate2, int8.

One thread a text; of several texts two halves are encoded beside each other.

One instance per process and directory is enough; it is safe to share between threads.
It must be loaded in the process that uses it, because its worker thread does not
survive a fork.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Iterator, Sequence

import ctranslate2
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from bot.encoder.weights import converted, find_weights, shipped_changes

#: Length of a sentence vector.
DIMENSIONS = 384

#: The length the model was published for (sentence_bert_config.json).
_MAX_TOKENS = 256
#: No word piece is rarer than this: longer texts would be cut by `_MAX_TOKENS` anyway,
#: and reading them whole only costs time.
_MAX_CHARACTERS = 4_000
#: Small batches stay in the processor's cache: 2,048 tokens take half as long again a text.
_BATCH_TOKENS = 256
_CACHED_TEXTS = 4_096
#: Batches at a time: training takes three quarters of the time, two halves of a message two thirds in a loop, and at
#: worst no longer than the whole in a server whose other processors have work. The work stays the same.
_BESIDE = 2
_DEFAULT_DIRECTORY = Path(__file__).resolve().parents[2] / "models" / "encoder"

#: A text as the numbers of its word pieces.
Pieces = tuple[int, ...]

_loaded: dict[Path, Encoder] = {}
_loading = threading.Lock()


class Encoder:
    """Encodes texts as mean-pooled, unit-length MiniLM vectors, remembering recent ones."""

    def __init__(self, network: ctranslate2.Encoder, tokenizer: Tokenizer) -> None:
        self._network = network
        self._tokenizer = tokenizer
        # by word pieces, so that the same words in other letters or with other blanks are known too
        self._recent: OrderedDict[Pieces, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(_BESIDE, thread_name_prefix="encoder")
        # a message is asked for by one reader after the other, in the same words
        self._pieces = lru_cache(_CACHED_TEXTS)(self._tokenized)

    @classmethod
    def load(cls, directory: Path | None = None) -> Encoder:
        """Return the process-wide encoder whose converted model lies in `directory`.

        Args:
            directory: where the converted model is kept; `models/encoder` of the project
                by default. Empty the first time: the conversion takes about a second.

        Raises:
            EncoderError: the weights are missing or not the published ones, the fine-tuned
                layers are not those of this version, or the directory cannot be written.
        """
        directory = (directory or _DEFAULT_DIRECTORY).resolve()
        with _loading:
            if directory not in _loaded:
                weights = find_weights()
                network = ctranslate2.Encoder(
                    str(converted(directory, weights, shipped_changes())),
                    device="cpu",
                    compute_type="int8",
                    inter_threads=_BESIDE,
                    intra_threads=1,
                )
                tokenizer = Tokenizer.from_file(str(weights.tokenizer))
                tokenizer.no_padding()
                tokenizer.enable_truncation(_MAX_TOKENS)
                _loaded[directory] = cls(network, tokenizer)
            return _loaded[directory]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit vector per text, shape (len(texts), 384), in their order.

        Only the first 256 word pieces of a text count. An empty text has a vector too:
        that of the empty sentence.
        """
        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        pieces = [self._pieces(text) for text in texts]
        unknown: OrderedDict[Pieces, list[int]] = OrderedDict()
        with self._lock:
            for row, one in enumerate(pieces):
                known = self._recent.get(one)
                if known is None:
                    unknown.setdefault(one, []).append(row)
                else:
                    self._recent.move_to_end(one)
                    vectors[row] = known
        if unknown:
            fresh = self._encode(list(unknown))
            for vector, rows in zip(fresh, unknown.values()):
                vectors[rows] = vector
            with self._lock:
                for one, vector in zip(unknown, fresh):
                    self._recent[one] = vector.copy()
                while len(self._recent) > _CACHED_TEXTS:
                    self._recent.popitem(last=False)
        return vectors

    def _tokenized(self, text: str) -> Pieces:
        return tuple(self._tokenizer.encode(_readable(text)).ids)

    def _encode(self, pieces: Sequence[Pieces]) -> NDArray[np.float32]:
        vectors = np.empty((len(pieces), DIMENSIONS), dtype=np.float32)

        def fill(rows: Sequence[int]) -> None:
            output = self._network.forward_batch([list(pieces[row]) for row in rows])
            states = np.asarray(output.last_hidden_state)
            for row, state in zip(rows, states):
                mean = state[: len(pieces[row])].mean(axis=0)
                vectors[row] = mean / np.linalg.norm(mean)

        batches = list(_batches([len(one) for one in pieces]))
        if len(batches) == 1:
            fill(batches[0])
        else:
            for _ in self._workers.map(fill, batches):
                pass
        return vectors


def _readable(text: str) -> str:
    """Cut what cannot count and replace lone surrogates, which no tokenizer accepts."""
    return text[:_MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield row numbers in batches of like length, so that little is spent on padding.

    There are two at least, as near to equal work as can be, unless there is only one row.
    """
    rows = sorted(range(len(lengths)), key=lambda row: lengths[row])
    # Rows come by growing length, so the last row's length is a batch's width.
    if len(rows) > 1 and lengths[rows[-1]] * len(rows) <= _BATCH_TOKENS:
        cut = min(
            range(1, len(rows)),
            key=lambda cut: max(lengths[rows[cut - 1]] * cut, lengths[rows[-1]] * (len(rows) - cut)),
        )
        yield rows[:cut]
        yield rows[cut:]
        return
    batch: list[int] = []
    for row in rows:
        if batch and lengths[row] * (len(batch) + 1) > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
