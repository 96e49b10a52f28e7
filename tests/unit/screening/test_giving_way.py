"""Words that only suggest something give way to a second reader that is surer than usual; nothing else does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pytest

from bot.screening.reader import SUGGESTION, Reader

TODAY = date(2026, 11, 23)
SURE = SUGGESTION / 2


@dataclass
class Second:
    """A second reader of one opinion."""

    score: float
    threshold: float = 0.05

    def scores(self, texts: Sequence[str]) -> Sequence[float]:
        return [self.score] * len(texts)


@dataclass
class Alarm:
    layer: str


@dataclass
class Layer:
    """An emergency layer that hears an alarm in everything."""

    layer: str

    def check(self, text: str) -> Alarm:
        return Alarm(self.layer)


def harmless(text: str, score: float, layer: Layer | None = None, alone: bool = True) -> bool:
    return Reader(detector=Second(score), alarm=layer).read(text, TODAY, alone=alone).harmless


@pytest.mark.parametrize(
    ("score", "passes"), [(SUGGESTION * 0.99, True), (SUGGESTION, False), (SUGGESTION * 1.01, False)]
)
def test_a_word_that_only_suggests_gives_way_below_the_limit_and_not_at_it(score: float, passes: bool) -> None:
    assert harmless("my lunch is a long story", score) is passes


@pytest.mark.parametrize(
    "text",
    [
        "I have varicose veins",  # a condition of the handout
        "I take sertraline",  # a medicine
        "my blood pressure was 165/105 yesterday",  # a reading
        "chest pain since this morning",  # an alarming symptom in the vocabulary
        "my lunch is a long story and take warfarin",  # one firm thing is enough
    ],
)
def test_what_is_named_never_gives_way(text: str) -> None:
    assert not harmless(text, 0.0)


def test_without_a_second_reader_nothing_gives_way() -> None:
    assert not Reader().read("my lunch is a long story", TODAY).harmless


def test_an_answer_to_a_question_keeps_what_it_suggests() -> None:
    assert not harmless("my lunch is a long story", SURE, alone=False)


def test_an_alarm_that_is_only_likely_gives_way() -> None:
    assert harmless("cannot think of a thing, love", SURE, Layer("semantic"))
    assert not harmless("cannot think of a thing, love", SUGGESTION, Layer("semantic"))


def test_an_alarm_that_terms_name_never_gives_way() -> None:
    assert not harmless("cannot think of a thing, love", 0.0, Layer("lexical"))


def test_what_gave_way_stays_on_record_as_irrelevant() -> None:
    (finding,) = Reader(detector=Second(SURE)).read("my lunch is a long story", TODAY).findings
    assert (finding.evidence, finding.listing) == ("long story", "irrelevant")
    assert finding.rule.endswith("second_reader")


def test_a_second_reader_stricter_than_the_limit_has_the_last_word() -> None:
    strict = Reader(detector=Second(SUGGESTION / 2, threshold=SUGGESTION / 4))
    assert not strict.read("my lunch is a long story", TODAY).harmless


def test_the_second_reader_reads_a_text_once() -> None:
    class Counting(Second):
        asked = 0

        def scores(self, texts: Sequence[str]) -> Sequence[float]:
            self.asked += 1
            return super().scores(texts)

    second = Counting(SURE)
    assert Reader(detector=second).read("my lunch is a long story", TODAY).harmless
    assert second.asked == 1
