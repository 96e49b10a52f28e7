"""The file of fine-tuned layers: small, exact enough, and refused when it is not ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.encoder import EncoderError
from bot.encoder.tuned import digest_of, save_changes, with_changes
from bot.encoder.weights import TUNED, Changes, converted, find_weights, shipped_changes

Tensors = dict[str, NDArray[np.float32]]


@pytest.fixture
def published() -> Tensors:
    random = np.random.default_rng(0)
    return {
        "below.weight": random.normal(size=(6, 4)).astype(np.float32),
        "above.weight": random.normal(size=(6, 4)).astype(np.float32),
        "above.bias": random.normal(size=6).astype(np.float32),
    }


@pytest.fixture
def changed(published: Tensors) -> Tensors:
    random = np.random.default_rng(1)
    above = [name for name in published if name.startswith("above")]
    return {name: published[name] + random.normal(0, 0.02, published[name].shape).astype(np.float32) for name in above}


def test_changes_come_back_to_within_a_hundredth_of_the_largest(
    published: Tensors, changed: Tensors, tmp_path: Path
) -> None:
    path = tmp_path / "changes.npz"
    tensors = with_changes(published, path, save_changes(path, published, changed))
    np.testing.assert_array_equal(tensors["below.weight"], published["below.weight"])
    np.testing.assert_allclose(tensors["above.bias"], changed["above.bias"], atol=1e-6)
    largest = np.abs(changed["above.weight"] - published["above.weight"]).max()
    np.testing.assert_allclose(tensors["above.weight"], changed["above.weight"], atol=largest / 100)


def test_a_row_that_did_not_change_stays_as_it_was(published: Tensors, tmp_path: Path) -> None:
    path = tmp_path / "changes.npz"
    digest = save_changes(path, published, {"above.weight": published["above.weight"]})
    np.testing.assert_array_equal(with_changes(published, path, digest)["above.weight"], published["above.weight"])


def test_a_tensor_the_published_weights_lack_is_refused(published: Tensors, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no tensor other\.weight"):
        save_changes(tmp_path / "changes.npz", published, {"other.weight": published["above.weight"]})


def test_a_file_with_another_digest_is_refused(published: Tensors, changed: Tensors, tmp_path: Path) -> None:
    path = tmp_path / "changes.npz"
    digest = save_changes(path, published, changed)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(EncoderError, match="restore the file"):
        with_changes(published, path, digest)


def test_changes_of_other_weights_are_refused(published: Tensors, changed: Tensors, tmp_path: Path) -> None:
    path = tmp_path / "changes.npz"
    digest = save_changes(path, published, changed)
    with pytest.raises(EncoderError, match="do not fit"):
        with_changes({"below.weight": published["below.weight"]}, path, digest)


def test_a_missing_file_is_named(published: Tensors, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"gone\.npz"):
        with_changes(published, tmp_path / "gone.npz", "0" * 64)


def test_the_shipped_layers_are_those_the_code_names_and_small_enough_to_ship() -> None:
    assert digest_of(TUNED) == shipped_changes().digest
    assert TUNED.stat().st_size < 12_000_000


def test_published_and_fine_tuned_conversions_are_kept_apart(tmp_path: Path) -> None:
    files = find_weights()
    tuned = converted(tmp_path, files, shipped_changes())
    assert tuned != converted(tmp_path, files)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_conversion_with_foreign_layers_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="SHA-256"):
        converted(tmp_path, find_weights(), Changes(TUNED, "0" * 64))
    assert list(tmp_path.iterdir()) == []
