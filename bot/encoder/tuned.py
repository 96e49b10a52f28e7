"""The artefact of fine-tuning: what changed in the published weights, and nothing else.

Matrices are kept as differences from the published ones, in eight bits a value with one
scale a row, everything small in full. A difference is a fiftieth of a weight, so eight
bits of it lose less than the eight bits in which the whole network runs. Knows nothing
of how the differences came about.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.encoder.errors import EncoderError

Tensors = Mapping[str, NDArray[np.float32]]

_FORMAT = 1
_FORMAT_NAME = "format"
_SCALE = ":scale"


def save_changes(path: Path, published: Tensors, changed: Tensors) -> str:
    """Write what differs between `changed` and `published` (.npz); return its SHA-256.

    Raises:
        ValueError: a changed tensor is unknown or of another shape.
    """
    arrays: dict[str, NDArray[np.generic]] = {_FORMAT_NAME: np.array(_FORMAT)}
    for name in sorted(changed):
        if name not in published or published[name].shape != changed[name].shape:
            raise ValueError(f"The published weights have no tensor {name} of shape {changed[name].shape}.")
        difference = changed[name].astype(np.float32) - published[name].astype(np.float32)
        if difference.ndim < 2:
            arrays[name] = difference
            continue
        largest = np.abs(difference).max(axis=1, keepdims=True)
        scale = np.where(largest > 0.0, largest / 127.0, 1.0).astype(np.float32)
        arrays[name] = np.rint(difference / scale).astype(np.int8)
        arrays[name + _SCALE] = scale
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)
    return digest_of(path)


def digest_of(path: Path) -> str:
    """SHA-256 of a file of changes, in hexadecimal.

    Raises:
        EncoderError: it cannot be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise EncoderError(
            f"The fine-tuned layers in {path} cannot be read ({error.strerror}); restore the file from the repository."
        ) from error


def with_changes(published: Tensors, path: Path, digest: str) -> dict[str, NDArray[np.float32]]:
    """Return the published tensors with the changes in `path` applied.

    Raises:
        EncoderError: the file's SHA-256 is not `digest`, or it does not fit the weights.
    """
    found = digest_of(path)
    if found != digest:
        raise EncoderError(
            f"The fine-tuned layers in {path} have SHA-256 {found} instead of {digest}; "
            "restore the file from the repository."
        )
    tensors = dict(published)
    try:
        with np.load(path, allow_pickle=False) as saved:
            if int(saved[_FORMAT_NAME]) != _FORMAT:
                raise ValueError("another format")
            for name in saved.files:
                if name == _FORMAT_NAME or name.endswith(_SCALE):
                    continue
                difference = saved[name].astype(np.float32)
                if name + _SCALE in saved.files:
                    difference *= saved[name + _SCALE]
                if difference.shape != published[name].shape:
                    raise ValueError(f"{name} has another shape")
                tensors[name] = published[name] + difference
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise EncoderError(
            f"The fine-tuned layers in {path} do not fit the published weights ({error}); "
            "restore the file from the repository."
        ) from error
    return tensors
