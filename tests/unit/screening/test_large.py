"""The third reader: parts put together, additions applied, and when it is asked."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bot.encoder import EncoderError
from bot.screening import mpnet
from bot.screening.detector import Detector
from bot.screening.errors import ScreeningFileError
from bot.screening.large import LargeReader

WIDTH = mpnet.DIMENSIONS


def split(tmp_path: Path, content: bytes, sizes: Sequence[int]) -> list[Path]:
    paths = []
    start = 0
    for number, size in enumerate([*sizes, len(content)]):
        path = tmp_path / f"part-{number}"
        path.write_bytes(content[start : start + size])
        paths.append(path)
        start += size
    return paths


def test_files_are_read_as_one_wherever_they_were_cut(tmp_path: Path) -> None:
    whole = bytes(range(256)) * 4
    with mpnet.SplitFile(split(tmp_path, whole, [1, 300, 2])) as file:
        assert file.readall() == whole
        assert file.seek(-3, io.SEEK_END) == len(whole) - 3
        assert file.read(10) == whole[-3:]
        assert file.seek(299) == 299
        assert file.read(4) == whole[299:301]  # a read ends with its file


def test_a_split_archive_opens(tmp_path: Path) -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("model/words.txt", "warm hands")
    parts = split(tmp_path, written.getvalue(), [40, 50])
    with zipfile.ZipFile(io.BufferedReader(mpnet.SplitFile(parts))) as archive:
        assert archive.read("model/words.txt") == b"warm hands"


def test_a_missing_part_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mpnet, "PARTS", ("no-such-part",))
    with pytest.raises(EncoderError, match="no-such-part is not installed; run `uv sync`"):
        mpnet.find_parts()


def test_additions_are_the_product_of_their_two_sides(tmp_path: Path) -> None:
    learned = tmp_path / "learned.npz"
    down, up = np.ones((2, 3), dtype=np.float16), np.full((4, 2), 0.5, dtype=np.float16)
    np.savez(learned, **{"layer.weight:down": down, "layer.weight:up": up})
    published = {"layer.weight": np.zeros((4, 3), dtype=np.float32), "other": np.ones(2, dtype=np.float32)}
    found = mpnet.with_additions(published, learned)
    assert np.array_equal(found["layer.weight"], np.ones((4, 3)))
    assert found["other"] is published["other"]
    assert not published["layer.weight"].any()


@pytest.mark.parametrize("name", ["another.weight", "layer.weight"])
def test_additions_that_do_not_fit_are_refused_by_file(tmp_path: Path, name: str) -> None:
    learned = tmp_path / "learned.npz"
    np.savez(learned, **{f"{name}:down": np.ones((2, 5)), f"{name}:up": np.ones((4, 2))})
    with pytest.raises(EncoderError, match="learned.npz, does not fit"):
        mpnet.with_additions({"layer.weight": np.zeros((4, 3), dtype=np.float32)}, learned)


class OneVector:
    """An encoder for which every text is its first dimension's unit vector."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        vectors = np.zeros((len(texts), WIDTH), dtype=np.float32)
        vectors[:, 0] = 1.0
        return vectors


def test_the_odds_add_up_the_kinds_of_each_side() -> None:
    weight = np.zeros((3, WIDTH), dtype=np.float32)
    weight[0, 0] = np.log(4.0)
    reader = LargeReader(
        OneVector(), weight, np.zeros(3, dtype=np.float32), ["flag/heart", "flag/skin", "harmless/chat"]
    )  # type: ignore[arg-type]
    assert reader.log_odds(["a text"])[0] == pytest.approx(np.log(5.0), abs=1e-5)


def test_a_head_of_other_kinds_is_refused_by_file(tmp_path: Path) -> None:
    learned = tmp_path / "head.npz"
    np.savez(
        learned, **{"head:weight": np.ones((1, WIDTH)), "head:bias": np.ones(1), "head:kinds": np.array(["neither"])}
    )
    with pytest.raises(ScreeningFileError, match="head.npz"):
        LargeReader.load(tmp_path, learned)


class Large:
    """A large reader that remembers what it was asked."""

    def __init__(self, odds: float) -> None:
        self.odds = odds
        self.asked: list[str] = []

    def log_odds(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += texts
        return np.full(len(texts), self.odds, dtype=np.float32)


class Small(Detector):
    """A detector whose small looks say what a text says: its log odds."""

    def __init__(self, large: Large) -> None:
        self._large = large
        self.threshold = 0.05

    def small_log_odds(self, prepared: Sequence[str]) -> np.ndarray:
        return np.array([float(text) for text in prepared], dtype=np.float32)


def test_the_large_reader_is_asked_where_the_small_looks_are_not_sure_of_a_flag() -> None:
    large = Large(0.0)
    Small(large).scores(["5", "2", "-9"])
    assert large.asked == ["2", "-9"]


def test_both_have_a_say_in_the_odds() -> None:
    for_it, against = Small(Large(3.0)).scores(["-2"])[0], Small(Large(-8.0)).scores(["-2"])[0]
    alone = 1 / (1 + np.exp(2.0))
    assert against < alone < for_it


def test_no_texts_ask_nobody() -> None:
    large = Large(0.0)
    assert Small(large).scores([]).shape == (0,)
    assert large.asked == []
