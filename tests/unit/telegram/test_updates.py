"""Reading updates: whatever comes in is one of the known things, or nothing."""

from __future__ import annotations

from typing import Any, Dict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.telegram.updates import (
    COMMANDS,
    MEDIA,
    Command,
    Edited,
    Elsewhere,
    Media,
    Membership,
    Nothing,
    Press,
    Words,
    chat_id,
    read_update,
    update_id,
)

PRIVATE = {"id": 7, "type": "private"}
GROUP = {"id": -100, "type": "supergroup"}


def message(chat: Any = None, **fields: Any) -> Dict[str, Any]:
    return {"update_id": 1, "message": {"message_id": 3, "chat": chat or PRIVATE, "date": 1, **fields}}


def test_words_in_a_private_chat_are_a_message_to_answer() -> None:
    assert read_update(message(text="does it hurt?")) == Words(7, "does it hurt?")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_known_with_and_without_the_bots_name(name: str) -> None:
    assert read_update(message(text=f"/{name}")) == Command(7, name)
    assert read_update(message(text=f" /{name.upper()}@OurBot ")) == Command(7, name)


def test_a_command_carries_what_follows_it() -> None:
    assert read_update(message(text="/start abc-DEF_123")) == Command(7, "start", "abc-DEF_123")


@pytest.mark.parametrize("text", ["/price", "/", "/start/help", "start", "//help", "/helpme"])
def test_a_slash_that_is_no_command_of_ours_is_words(text: str) -> None:
    assert read_update(message(text=text)) == Words(7, text)


@pytest.mark.parametrize("kind", MEDIA)
def test_what_is_not_words_is_named_by_its_kind(kind: str) -> None:
    assert read_update(message(**{kind: {"file_id": "x"}})) == Media(7, kind)


def test_words_below_a_photo_are_kept() -> None:
    assert read_update(message(photo=[{}], caption="is this normal?")) == Media(7, "photo", "is this normal?")


def test_an_edited_message_is_told_from_a_new_one() -> None:
    edited = {"update_id": 1, "edited_message": {"chat": PRIVATE, "text": "now different"}}
    assert read_update(edited) == Edited(7, "now different")


def test_a_live_location_that_moves_is_no_edit_to_answer() -> None:
    moved = {"update_id": 1, "edited_message": {"chat": PRIVATE, "location": {"latitude": 1}}}
    assert read_update(moved) == Nothing()


def test_a_press_names_its_chat_by_the_message_or_by_the_person() -> None:
    query = {"id": "9", "from": {"id": 7}, "data": "12.0"}
    assert read_update({"callback_query": {**query, "message": {"message_id": 5, "chat": PRIVATE}}}) == Press(
        7, "9", "12.0", 5
    )
    assert read_update({"callback_query": query}) == Press(7, "9", "12.0", None)


def test_a_press_without_data_is_still_acknowledged() -> None:
    assert read_update({"callback_query": {"id": "9", "from": {"id": 7}, "game_short_name": "g"}}) == Press(
        7, "9", "", None
    )


@pytest.mark.parametrize(("status", "blocked"), [("kicked", True), ("member", False)])
def test_blocking_and_letting_in_again_are_told_apart(status: str, blocked: bool) -> None:
    member = {"chat": PRIVATE, "new_chat_member": {"status": status}}
    assert read_update({"my_chat_member": member}) == Membership(7, blocked)


@pytest.mark.parametrize(
    "raw",
    [
        message(GROUP, text="hello bot"),
        message(GROUP, text="/start"),
        message(GROUP, photo=[{}]),
        {"callback_query": {"id": "9", "data": "1.0", "message": {"chat": GROUP}}},
        {"my_chat_member": {"chat": GROUP, "new_chat_member": {"status": "member"}}},
    ],
)
def test_a_group_is_somewhere_else_whatever_is_said_there(raw: Dict[str, Any]) -> None:
    assert read_update(raw) == Elsewhere(-100)


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"message": None},
        {"message": []},
        {"message": {"text": "no chat"}},
        {"message": {"chat": "7", "text": "x"}},
        message({"id": "7", "type": "private"}, text="an id that is text"),
        message({"id": True, "type": "private"}, text="an id that is a truth value"),
        message({"id": 2**80, "type": "private"}, text="an id out of bounds"),
        message(text=None),
        message(text=["a", "list"]),
        message(pinned_message={}),
        message(GROUP, left_chat_member={}),
        {"channel_post": {"chat": {"id": -5, "type": "channel"}, "text": "news"}},
        {"poll_answer": {"option_ids": [0]}},
        {"from_the_future": {"chat": PRIVATE, "text": "x"}},
        {"callback_query": {"id": 9, "data": "1.0", "from": {"id": 7}}},
        {"my_chat_member": {"chat": PRIVATE, "new_chat_member": {"status": "restricted"}}},
    ],
)
def test_what_is_not_known_or_broken_is_nothing(raw: Dict[str, Any]) -> None:
    assert read_update(raw) == Nothing()
    assert chat_id(raw) is None


@pytest.mark.parametrize("raw", [None, [], "update", 5, {}, {"update_id": "5"}, {"update_id": 1.5}])
def test_what_has_no_number_is_no_update(raw: Any) -> None:
    assert update_id(raw) is None


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["message", "edited_message", "callback_query", "my_chat_member", "chat", "id", "type", "text", "from"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["message", "edited_message", "callback_query", "my_chat_member"]), ANYTHING))
def test_no_update_is_too_broken_to_be_read(raw: Dict[str, Any]) -> None:
    read = read_update(raw)
    assert isinstance(read, Nothing) or isinstance(read.chat, int)
