"""What words mean as the answer to one yes/no question."""

from __future__ import annotations

import pytest

from bot.screening.answers import read_answer
from bot.screening.reader import Reader
from bot.screening.rulebook import Rulebook
from tests.unit.screening.conftest import TODAY


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("nope", "no"),
        ("Nah mate", "no"),
        ("never", "no"),
        ("no no no", "no"),
        ("none at all", "no"),
        ("of course not", "no"),
        ("yes", "yes"),
        ("yeah but it's fine", "yes"),
        ("Eliquis", "yes"),
        ("INR 2.5", "yes"),
        ("i said no but actually i take warfarin", "yes"),
        ("not that I know of", "unsure"),
        ("no, well, sort of", "unsure"),
        ("maybe", "unsure"),
        ("used to", "unsure"),
        ("i dont think so", "unsure"),
        ("no blood thinners other than warfarin", "unsure"),
        ("Нет", "unsure"),
        ("no but i take metformin", "no"),
        ("what's that?", None),
        ("why?", None),
        ("can i go to the sauna?", None),
        ("my dad does", None),
        ("sertraline", None),
        ("asdfgh", None),
        ("", None),
    ],
)
def test_words_are_read_as_an_answer_about_blood_thinners(
    reader: Reader, rulebook: Rulebook, text: str, value: str | None
) -> None:
    assert read_answer(text, rulebook.item("anticoagulants"), reader, TODAY).value == value


def test_another_condition_in_the_answer_is_kept_as_a_finding(reader: Reader, rulebook: Rulebook) -> None:
    reading = read_answer("no but i take metformin", rulebook.item("anticoagulants"), reader, TODAY)
    assert [f.condition for f in reading.findings if f.counts] == ["diabetes"]


def test_a_hint_of_denial_does_not_turn_doubt_into_no(reader: Reader, rulebook: Rulebook) -> None:
    item = rulebook.item("cancer")
    assert read_answer("not that I know of", item, reader, TODAY, hint="deny").value == "unsure"
    assert read_answer("I was told it might be something", item, reader, TODAY, hint="deny").value != "no"


@pytest.mark.parametrize(
    ("text", "value"),
    [("no", "no"), ("nothing at all", "no"), ("I like firm pressure", "no"), ("I'm pregnant", "yes"), ("yes", "yes")],
)
def test_the_open_question_is_answered_in_words(reader: Reader, rulebook: Rulebook, text: str, value: str) -> None:
    assert read_answer(text, rulebook.item("other"), reader, TODAY).value == value
