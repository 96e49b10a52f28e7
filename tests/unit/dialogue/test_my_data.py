"""What a client is told about their own data, and how much it takes to have it deleted."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from bot.escalation import add_reason
from bot.store.database import Database
from tests.unit.dialogue.conftest import Talk, part


def press(talk: Talk, title: str) -> None:
    """Press a button of the last reply."""
    import json

    assert talk.reply is not None
    payload = next(b.payload for message in talk.reply.messages for b in message.buttons if b.title == title)
    intent, _, rest = payload[1:].partition("{")
    talk.hear(part(intent), text=payload, entities=json.loads("{" + rest) if rest else {})


def test_what_is_kept_is_told_in_numbers_with_a_copy_and_deletion_at_hand(talk: Callable[[], Any]) -> None:
    one = talk()
    one.hear(part("my_data/what_you_know"))
    assert "0 messages" in one.texts[0]
    assert "365 days" in one.texts[0]
    assert [b.title for b in one.reply.messages[0].buttons] == ["Get a copy", "Delete my data"]


def test_deleting_takes_a_wish_and_a_pressed_confirmation(talk: Callable[[], Any]) -> None:
    one = talk()
    one.hear(part("my_data/delete", "delete my data"))
    assert not one.reply.erase
    press(one, "Yes, delete everything")
    assert one.reply.erase
    assert len(one.texts) == 1


@pytest.mark.parametrize("words", ["yes", "yes delete it"])
def test_a_typed_yes_deletes_nothing_and_asks_again(talk: Callable[[], Any], words: str) -> None:
    one = talk()
    one.hear(part("my_data/delete", "delete my data"))
    one.hear(part("affirm", words))
    assert not one.reply.erase
    assert "Shall I delete" in one.texts[0]


@pytest.mark.parametrize("how", ["typed", "pressed"])
def test_a_no_keeps_everything(talk: Callable[[], Any], how: str) -> None:
    one = talk()
    one.hear(part("my_data/delete", "delete my data"))
    if how == "typed":
        one.hear(part("deny", "no"))
    else:
        press(one, "No, keep it")
    assert not one.reply.erase
    assert "Nothing has been deleted" in one.texts[0]
    assert one.memory.offered is None


def test_an_open_case_is_named_before_it_goes(talk: Callable[[], Any], database: Database) -> None:
    with database.transaction() as session:
        case = add_reason(session, "c", "human", "words")
    one = talk()
    one.hear(part("my_data/delete", "delete my data"))
    assert case.label in one.texts[0]


def test_a_copy_is_a_link_that_needs_no_token(talk: Callable[[], Any]) -> None:
    one = talk()
    one.hear(part("my_data/export", "send me my data"))
    assert "http://localhost:5005/chat/export?ticket=" in one.texts[0]


def test_asking_for_a_person_again_tells_how_the_case_stands(talk: Callable[[], Any]) -> None:
    one = talk()
    one.hear(part("human", "a person please"))
    first = one.reply.messages[0].case
    one.hear(part("human", "is anybody there? I want to talk to a person"))
    (message,) = one.reply.messages
    assert message.case == first
    assert "since" in message.text
    assert "before 17:00" in message.text
