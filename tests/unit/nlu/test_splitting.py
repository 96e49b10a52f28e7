"""Pieces of a message: second questions are found, lists and names stay whole."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.nlu.splitting import MAX_PIECES, asks, split


def texts(message: str) -> list[str]:
    return [piece.text for piece in split(message)]


@pytest.mark.parametrize(
    ("message", "pieces"),
    [
        ("can I swim and does it hurt", ["can I swim", "does it hurt"]),
        ("how long do bruises last, and can i go to the gym", ["how long do bruises last", "can i go to the gym"]),
        ("what should I wear? will it hurt", ["what should I wear?", "will it hurt"]),
        ("do i eat before btw how much is it", ["do i eat before", "how much is it"]),
        ("I take warfarin, can I still come", ["I take warfarin", "can I still come"]),
        ("My back is purple.\nIs that normal?", ["My back is purple.", "Is that normal?"]),
    ],
)
def test_a_second_question_is_a_piece_of_its_own(message: str, pieces: list[str]) -> None:
    assert texts(message) == pieces


@pytest.mark.parametrize(
    "message",
    [
        "are steam room and sauna off limits",
        "let me know when I can come",
        "what is the difference between gua sha and graston",
        "I want to know how it works and what it costs",
        "Dr. Patel sent me here",
        "the bruise is 2.5 cm wide",
        "can I go to the gym tomorrow or should I wait",
        "do I come at 9 a.m. on Monday",
    ],
)
def test_names_lists_and_subordinate_clauses_stay_whole(message: str) -> None:
    assert texts(message) == [message]


def test_a_short_list_offers_its_items() -> None:
    (piece,) = split("swim or sauna?")
    assert [item.text for item in piece.items] == ["swim", "sauna?"]


def test_items_are_read_with_the_start_and_the_end_that_the_list_shares() -> None:
    (piece,) = split("What should I drink, eat and wear beforehand?")
    assert [item.meant or item.text for item in piece.items] == [
        "What should I drink beforehand?",
        "What should I eat beforehand?",
        "What should I wear beforehand?",
    ]


def test_a_no_before_a_question_is_a_piece_of_its_own() -> None:
    assert texts("no, but does it hurt?") == ["no", "does it hurt?"]


@pytest.mark.parametrize("message", ["is scraping better than massage or cupping", "gua sha vs graston, same thing?"])
def test_a_comparison_is_not_a_list(message: str) -> None:
    assert all(piece.items == () for piece in split(message))


@pytest.mark.parametrize("message", ["is it ok", "sauna?", "wondering about the bruises", "wen can i swim"])
def test_a_question_is_known_without_its_mark(message: str) -> None:
    assert asks(message)


@pytest.mark.parametrize("message", ["my bruise is purple", "thanks", "I had mine on Monday"])
def test_a_statement_does_not_ask(message: str) -> None:
    assert not asks(message)


@pytest.mark.parametrize("message", ["", "   ", "\U0001f600\U0001f600", "?!?", "\x00\x07"])
def test_a_text_without_words_has_no_pieces(message: str) -> None:
    assert split(message) == ()


@given(st.text(max_size=300))
def test_pieces_are_stretches_of_the_message_in_order(message: str) -> None:
    end = 0
    for piece in split(message):
        assert message[piece.start : piece.end] == piece.text
        assert end <= piece.start < piece.end
        end = piece.end
        for item in piece.items:
            assert message[item.start : item.end] == item.text


@pytest.mark.parametrize(
    "message",
    [
        "a. " * 700,
        "and " * 500,
        ", " * 1000,
        " " * 2000 + "a",
        "can i eat and " * 140,
        "\U0001f600" * 10_000,
        "?" * 2000,
    ],
)
def test_odd_messages_of_full_length_are_split_at_once(message: str) -> None:
    begin = time.perf_counter()
    assert len(split(message)) <= MAX_PIECES
    assert time.perf_counter() - begin < 0.1
