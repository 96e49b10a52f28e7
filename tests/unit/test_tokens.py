"""Chat tokens: what they name, and for how long."""

from __future__ import annotations

import time

import pytest

from bot.channels.problems import Problem
from bot.channels.tokens import ChatTokens


@pytest.fixture
def tokens() -> ChatTokens:
    return ChatTokens("a key of this test", days=1)


def test_a_token_names_its_conversation_each_time_it_is_shown(tokens: ChatTokens) -> None:
    shown = f"Bearer {tokens.issue('c')}"
    assert [tokens.conversation(shown) for _ in range(3)] == ["c", "c", "c"]


def test_a_token_that_was_accepted_before_is_refused_once_it_has_expired(
    tokens: ChatTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = f"Bearer {tokens.issue('c')}"
    tokens.conversation(shown)
    late = time.time() + 86_401
    monkeypatch.setattr("bot.channels.tokens.time.time", lambda: late)
    with pytest.raises(Problem, match="expired") as refused:
        tokens.conversation(shown)
    assert refused.value.status == 401


@pytest.mark.parametrize("shown", ["", "Bearer", "Basic x", "Bearer x", "Bearer a.b.c"])
def test_what_is_no_token_of_this_server_is_refused(tokens: ChatTokens, shown: str) -> None:
    with pytest.raises(Problem) as refused:
        tokens.conversation(shown)
    assert refused.value.status == 401


def test_a_token_signed_with_another_key_is_refused_every_time(tokens: ChatTokens) -> None:
    shown = f"Bearer {ChatTokens('another key', days=1).issue('c')}"
    for _ in range(2):
        with pytest.raises(Problem, match="not valid"):
            tokens.conversation(shown)
