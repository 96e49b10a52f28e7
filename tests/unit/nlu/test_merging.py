"""Parts of a message, with a stand-in classifier that goes by single words."""

from __future__ import annotations

from typing import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bot.nlu.merging import read

LABELS = (
    "condition/anticoagulant",
    "handout/after_heat",
    "handout/after_swimming",
    "handout/bruising",
    "handout/pain",
    "health_remark/general",
    "not_in_handout/price",
    "not_in_handout/parking",
    "smalltalk/greeting",
)
WORDS = {
    "warfarin": 0, "sauna": 1, "steam": 1, "swim": 2, "purple": 3, "bruise": 3, "hurt": 4,
    "weather": 5, "price": 6, "cost": 6, "parking": 7, "hello": 8,
}  # fmt: skip


def score(texts: Sequence[str]) -> NDArray[np.float32]:
    """Sure of the label whose words occur, evenly unsure without any."""
    scores = np.full((len(texts), len(LABELS)), 0.02)
    for row, text in enumerate(texts):
        for word, label in WORDS.items():
            if word in text.lower():
                scores[row, label] += 1.0
    return np.asarray(scores / scores.sum(axis=1, keepdims=True), dtype=np.float32)


def keys(message: str) -> list[str]:
    return [part["response_key"] for part in read(message, LABELS, score).parts]


def test_two_questions_are_two_parts_in_their_order() -> None:
    assert keys("can I swim and does it hurt") == ["handout/after_swimming", "handout/pain"]


def test_a_list_of_different_things_asks_two_things() -> None:
    assert keys("swim or sauna?") == ["handout/after_swimming", "handout/after_heat"]


def test_a_list_of_one_thing_is_one_part() -> None:
    reading = read("steam room and sauna?", LABELS, score)
    assert [part["text"] for part in reading.parts] == ["steam room and sauna?"]


def test_a_greeting_beside_a_question_is_dropped() -> None:
    assert keys("Hello there! Can I swim?") == ["handout/after_swimming"]


def test_a_greeting_alone_is_a_part() -> None:
    assert keys("hello") == ["smalltalk/greeting"]


def test_a_story_gives_way_to_the_question_at_its_end() -> None:
    story = "I drove up on Monday, lovely weather. There was a purple sunset all the way home. Can I use the sauna?"
    assert keys(story) == ["handout/after_heat"]


def test_a_condition_told_beside_a_question_is_kept() -> None:
    assert keys("I am on warfarin. Can I swim?") == ["condition/anticoagulant", "handout/after_swimming"]


def test_a_question_that_points_back_is_read_with_what_it_points_to() -> None:
    reading = read("My back is purple. Is that normal?", LABELS, score)
    assert [part["text"] for part in reading.parts] == ["My back is purple. Is that normal?"]
    assert reading.parts[0]["response_key"] == "handout/bruising"


def test_a_question_of_its_own_is_not_lost_behind_a_disclosure() -> None:
    assert keys("My dad takes warfarin. Does it hurt?") == ["condition/anticoagulant", "handout/pain"]


def test_neighbours_that_ask_the_same_are_one_part() -> None:
    reading = read("What does it cost? Is there a price list?", LABELS, score)
    assert [part["text"] for part in reading.parts] == ["What does it cost? Is there a price list?"]


def test_the_kind_is_chosen_before_the_key() -> None:
    def torn(texts: Sequence[str]) -> NDArray[np.float32]:
        row = np.zeros(len(LABELS), dtype=np.float32)
        row[[4, 6, 7]] = 0.4, 0.35, 0.25
        return np.tile(row, (len(texts), 1))

    (part,) = read("what about it", LABELS, torn).parts
    assert part["intent"] == "not_in_handout"
    assert part["response_key"] == "not_in_handout/price"
    assert part["confidence"] == pytest.approx(0.6)
    assert [ranked["name"] for ranked in part["ranking"][:3]] == [
        "not_in_handout/price",
        "handout/pain",
        "not_in_handout/parking",
    ]


def test_group_probabilities_sum_to_one_and_come_best_first() -> None:
    groups = read("sauna", LABELS, score).groups
    assert groups[0]["name"] == "handout"
    assert sum(group["confidence"] for group in groups) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("message", ["", "  ", "\U0001f44d", "\U0001f600" * 10_000, "...", "\x00\x07", "__"])
def test_a_text_without_words_is_not_understood_rather_than_guessed(message: str) -> None:
    (part,) = read(message, LABELS, score).parts
    assert (part["intent"], part["confidence"], part["ranking"]) == ("nlu_fallback", 0.0, [])


@given(st.text(max_size=300))
def test_every_text_has_a_part_and_parts_are_stretches_of_it(message: str) -> None:
    reading = read(message, LABELS, score)
    assert reading.parts
    for part in reading.parts:
        assert message[part["start"] : part["end"]] == part["text"]
        assert 0.0 <= part["confidence"] <= 1.0001
        assert [ranked["name"] for ranked in part["ranking"][:1]] in ([], [part["response_key"]])
