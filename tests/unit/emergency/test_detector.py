"""How the two readers decide together, with a head trained on a handful of lines."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.emergency import EmergencyDetector, EmergencyError, train
from bot.emergency.lexical import LexicalReader
from bot.emergency.rules import Says, load_rules
from bot.emergency.semantic import Score, SemanticReader, read_examples, windows
from bot.encoder import DIMENSIONS, Encoder

NLU = """version: "3.1"
nlu:
- intent: emergency/rhabdo
  examples: |
    - zebra zebra zebra
    - a zebra again
- intent: handout/bruising
  examples: |
    - is a purple bruise normal
    - When do the marks fade? I have a party on Saturday.
- synonym: not an intent
  examples: |
    - ignored
"""


class FakeEncoder:
    """One direction per word, so that texts that share words are close."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.full((len(texts), DIMENSIONS), 1e-3, dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, zlib.crc32(word.strip(".,!?").encode()) % DIMENSIONS] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return cast(Encoder, FakeEncoder())


@pytest.fixture(scope="module")
def nlu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("nlu")
    (directory / "all.yml").write_text(NLU, encoding="utf-8")
    return directory


@pytest.fixture(scope="module")
def head(nlu: Path, encoder: Encoder) -> Path:
    path = nlu / "models" / "emergency.npz"
    train(nlu, path, encoder)
    return path


@pytest.fixture(scope="module")
def both(head: Path, encoder: Encoder) -> EmergencyDetector:
    return EmergencyDetector.load(head=head, encoder=encoder)


def test_what_no_term_names_is_found_by_the_head(both: EmergencyDetector) -> None:
    emergency = both.check("zebra zebra zebra")
    assert emergency is not None
    assert (emergency.layer, emergency.category) == ("semantic", "rhabdo")
    assert 0.0 < emergency.score < 1.0


def test_one_sentence_in_a_long_cheerful_message_is_its_evidence(both: EmergencyDetector) -> None:
    text = "When do the marks fade? I have a party on Saturday. Also zebra zebra zebra. When do the marks fade?"
    emergency = both.check(text)
    assert emergency is not None
    assert emergency.evidence == "Also zebra zebra zebra"


def test_an_everyday_question_raises_none(both: EmergencyDetector) -> None:
    assert both.check("is a purple bruise normal") is None


def test_clear_terms_need_no_head(both: EmergencyDetector) -> None:
    emergency = both.check("I can't breathe")
    assert emergency is not None
    assert (emergency.layer, emergency.score) == ("lexical", 1.0)


@pytest.mark.parametrize("text", ["no puedo respirar", "suden hedache worst ever", "kms tbh", "RR 30, sats 86"])
def test_a_head_that_knows_no_typos_and_no_spanish_cannot_overrule_clear_terms(text: str) -> None:
    assert _deciding(1e-6).check(text) is not None


class SureReader:
    """A head that is as sure as it is told, of the best part and of the whole."""

    def __init__(self, highest: float, whole: float) -> None:
        self._score = Score(highest, whole, "rhabdo", "those words")

    def score(self, text: str) -> Score:
        return self._score


def _deciding(highest: float, whole: float | None = None) -> EmergencyDetector:
    reader = SureReader(highest, highest if whole is None else whole)
    return EmergencyDetector(RULES, LEXICAL, cast(SemanticReader, reader))


RULES = load_rules()
LEXICAL = LexicalReader(RULES)
SAID: list[tuple[Says, str]] = [
    ("weak", "I am bleeding"),
    ("against", "Chest pain years ago, fully recovered"),
    ("nothing", "sauna ok?"),
]


@pytest.mark.parametrize(("says", "text"), SAID)
def test_below_at_and_above_what_the_terms_ask_of_the_head(says: Says, text: str) -> None:
    assert LEXICAL.read(text).says == says
    needed = RULES.thresholds.needed(says)
    assert _deciding(needed - 1e-4).check(text) is None
    assert _deciding(needed + 1e-9).check(text) is not None
    assert _deciding(needed + 1e-4).check(text) is not None


def test_the_more_the_terms_say_the_less_the_head_must() -> None:
    thresholds = RULES.thresholds
    assert thresholds.needed("strong") == 0.0
    assert max(thresholds.weak, thresholds.nothing) < thresholds.against


def test_beside_a_suspicion_one_part_of_a_message_is_enough() -> None:
    assert _deciding(0.5, whole=0.001).check("Lovely day. I am bleeding.") is not None


def test_where_the_terms_find_nothing_the_whole_message_is_weighed_too() -> None:
    assert _deciding(0.5, whole=0.001).check("Lovely day. Sauna ok?") is None
    assert _deciding(0.5, whole=0.1).check("Lovely day. Sauna ok?") is not None


def test_a_certain_head_is_weighed_like_any_other(both: EmergencyDetector) -> None:
    assert both.check("zebra " * 200) is not None


def test_without_a_head_it_refuses_to_load(tmp_path: Path, encoder: Encoder) -> None:
    for head in (None, tmp_path / "none.npz"):
        with pytest.raises(EmergencyError, match="the emergency head is missing.*run `make train`"):
            EmergencyDetector.load(head=head, encoder=encoder)


def test_a_head_trained_with_other_term_lists_is_refused(head: Path, encoder: Encoder, tmp_path: Path) -> None:
    other = tmp_path / "emergency.npz"
    other.write_bytes(head.read_bytes())
    other.with_suffix(".json").write_text('{"terms": ["chest"]}', encoding="utf-8")
    with pytest.raises(EmergencyError, match="trained with other term lists"):
        EmergencyDetector.load(head=other, encoder=encoder)


def test_a_damaged_head_is_refused(tmp_path: Path, encoder: Encoder) -> None:
    path = tmp_path / "emergency.npz"
    path.write_bytes(b"not an archive")
    path.with_suffix(".json").write_text('{"terms": []}', encoding="utf-8")
    with pytest.raises(EmergencyError, match="no usable emergency head"):
        EmergencyDetector.load(head=path, encoder=encoder)


def test_an_example_of_an_unknown_category_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("nlu:\n- intent: emergency/boredom\n  examples: |\n    - yawn\n", "utf-8")
    with pytest.raises(EmergencyError, match="unknown emergency category 'boredom'"):
        read_examples(tmp_path)


def test_a_very_long_message_is_read_in_a_bounded_number_of_windows() -> None:
    text = "It still hurts here. " * 200
    found = windows(text, LexicalReader(load_rules()))
    assert 1 < len(found) <= 32
    assert all(window in text for window in found)
