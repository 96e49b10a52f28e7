"""How messages look in Telegram: counted, divided and marked as Telegram does."""

from __future__ import annotations

from typing import Any, List
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.handout import Handout
from bot.telegram.rendering import (
    MAX_DATA_BYTES,
    MAX_TEXT,
    Shown,
    booking_link,
    reference,
    referred,
    show,
    split,
    taken,
    units,
)

LARGEST_SEQ = 2**63 - 1


@pytest.fixture(scope="module")
def handout() -> Handout:
    return Handout.load()


def shown(handout: Handout, text: str = "Some discomfort is normal.", **fields: Any) -> List[Shown]:
    return show(handout, "https://booking.example/?x=1", **{"seq": 5, "sender": "assistant", "text": text, **fields})


def marked(piece: Shown, kind: str) -> List[str]:
    """What the entities of a kind stand over, counted as Telegram counts."""
    counted = piece.text.encode("utf-16-le")
    return [
        counted[2 * one["offset"] : 2 * (one["offset"] + one["length"])].decode("utf-16-le")
        for one in piece.entities
        if one["type"] == kind
    ]


def test_a_character_outside_the_basic_plane_counts_twice() -> None:
    assert units("a🙂é") == 4


def test_a_text_at_the_limit_stays_whole_and_one_beyond_it_does_not() -> None:
    assert split("x" * MAX_TEXT) == ["x" * MAX_TEXT]
    assert [units(piece) for piece in split("x" * (MAX_TEXT + 1))] == [MAX_TEXT, 1]
    assert [units(piece) for piece in split("🙂" * (MAX_TEXT // 2 + 1))] == [MAX_TEXT, 2]


def test_a_long_text_is_divided_between_sentences() -> None:
    assert split("One two three. Four five six! Seven eight.", 31) == ["One two three. Four five six!", "Seven eight."]


def test_a_line_break_is_a_better_place_than_a_sentence() -> None:
    assert split("One two three.\nFour. Five six seven", 22) == ["One two three.", "Four. Five six seven"]


def test_without_sentences_it_is_divided_between_words() -> None:
    assert split("one two three four", 9) == ["one two", "three", "four"]


@given(st.text(max_size=400), st.integers(min_value=2, max_value=50))
def test_nothing_but_blanks_is_lost_and_no_piece_is_too_long(text: str, limit: int) -> None:
    pieces = split(text, limit)
    assert all(units(piece) <= limit for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_signs_of_markup_are_sent_as_they_are(handout: Handout) -> None:
    (piece,) = shown(handout, "*not* _bold_ <b>or</b> [a](b) `c`")
    assert piece.text == "*not* _bold_ <b>or</b> [a](b) `c`"
    assert "parse_mode" not in piece.parameters()


def test_the_passage_that_an_answer_comes_from_is_named(handout: Handout) -> None:
    (piece,) = shown(handout, "A little 🙂.", sources=["pain", "bruising"])
    titles = ", ".join(handout.passage(source).title for source in ("pain", "bruising"))
    assert marked(piece, "italic") == [f"From the handout: {titles}"]


def test_the_therapist_is_visibly_a_person(handout: Handout) -> None:
    (piece,) = shown(handout, "Come by at ten.", sender="therapist")
    assert marked(piece, "bold") == ["From the therapist:"]
    assert piece.text.endswith("\nCome by at ten.")


def test_buttons_stand_one_below_the_other_and_refer_to_their_message(handout: Handout) -> None:
    (piece,) = shown(
        handout, buttons=[{"title": "Yes", "payload": "/affirm" + "x" * 150}, {"title": "No", "payload": "/deny"}]
    )
    assert piece.keyboard == [
        [{"text": "Yes", "callback_data": "5.0"}],
        [{"text": "No", "callback_data": "5.1"}],
    ]


def test_a_reference_leads_back_and_fits_into_a_button() -> None:
    assert referred(reference(LARGEST_SEQ, 99)) == (LARGEST_SEQ, 99)
    assert len(reference(LARGEST_SEQ, 99).encode()) <= MAX_DATA_BYTES


@pytest.mark.parametrize("data", ["", "taken", "5", "5.", ".1", "0.1", "-5.1", "5.1.2", "٥.1", "5.1 ", "9" * 60 + ".0"])
def test_data_that_was_never_made_here_refers_to_nothing(data: str) -> None:
    assert referred(data) is None


def test_what_was_chosen_stays_visible_and_cannot_be_taken_again() -> None:
    ((button,),) = taken("Yes")["inline_keyboard"]
    assert button["text"] == "✓ Yes"
    assert referred(button["callback_data"]) is None


def test_a_client_who_may_book_gets_the_link_with_the_token(handout: Handout) -> None:
    (piece,) = shown(handout, decision={"token": "a.b.c"})
    (entity,) = piece.entities
    assert marked(piece, "text_link") == ["Book your session (the link works for 30 minutes)"]
    assert parse_qs(urlsplit(entity["url"]).query) == {"x": ["1"], "token": ["a.b.c"]}


@pytest.mark.parametrize("decision", [None, {}, {"token": None}])
def test_without_a_token_there_is_no_link(handout: Handout, decision: Any) -> None:
    (piece,) = shown(handout, decision=decision)
    assert piece.entities == []


def test_a_token_in_the_address_is_replaced() -> None:
    assert booking_link("https://b.example/p?token=old#top", "new") == "https://b.example/p?token=new#top"


def test_only_the_last_piece_of_a_long_message_has_buttons_and_source(handout: Handout) -> None:
    pieces = shown(
        handout,
        "A sentence of some length. " * 400,
        sender="therapist",
        sources=["pain"],
        buttons=[{"title": "t", "payload": "p"}],
    )
    assert len(pieces) > 1
    assert all(units(piece.text) <= MAX_TEXT for piece in pieces)
    assert [piece.keyboard is not None for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert marked(pieces[0], "bold")
    assert marked(pieces[-1], "italic")
