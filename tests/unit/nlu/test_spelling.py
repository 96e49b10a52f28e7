"""Texting and dialect in known words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.nlu.spelling import FORMS, plain


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("can u do it b4 tmrw", "can you do it before tomorrow"),
        ("Whit dae ye dae wi' ma shooder", "what do you do with my shoulder"),
        ("soooo sore", "soo sore"),
        ("sau\u200bna?", "sauna?"),
        ("can't, won\u2019t", "cannot, will not"),
    ],
)
def test_forms_become_the_words_they_stand_for(said: str, known: str) -> None:
    assert plain(said) == known


@pytest.mark.parametrize("name", ["Eliquis", "warfarin", "Xarelto", "naproxen", "INR", "RA", "CKD", "MS"])
def test_names_of_medicines_and_conditions_are_left_alone(name: str) -> None:
    assert plain(name) == name


def test_a_word_that_is_known_already_is_no_form_of_another() -> None:
    assert not FORMS.keys() & {word for known in FORMS.values() for word in known.split()}


@given(st.text(max_size=200))
def test_every_text_is_accepted_and_settles(text: str) -> None:
    once = plain(text)
    assert plain(plain(once)) == plain(once)
