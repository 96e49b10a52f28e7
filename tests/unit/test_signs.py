"""What a lone emoji stands for."""

import pytest

from bot.channels.signs import in_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("👍", "yes"),
        ("👍🏽", "yes"),
        ("✅✅", "yes"),
        ("✔️", "yes"),
        ("👎", "no"),
        ("❌", "no"),
        ("🙅‍♀️", "no"),
        ("🤷🏻‍♂️", "not sure"),
    ],
)
def test_a_sign_with_a_meaning_is_read_as_its_word(text: str, words: str) -> None:
    assert in_words(text) == words


@pytest.mark.parametrize("text", ["🍕", "👍👎", "yes 👍", "no ❌ not at all", "", "hello"])
def test_everything_else_stays_as_it_is(text: str) -> None:
    assert in_words(text) == text
