"""Talking to the bot: what it answers, and what it does not take for a message."""

from __future__ import annotations

import pytest

from bot.handout import Handout
from bot.store.models import StoredMessage, TelegramChat
from bot.telegram.updates import COMMANDS
from sqlalchemy import func, select
from tests.integration.telegram.conftest import Bot, eventually
from tests.integration.telegram.fake import FakeBotApi, message

CHAT = 77


@pytest.fixture(scope="module")
def handout() -> Handout:
    return Handout.load()


async def received(api: FakeBotApi, count: int, chat: int = CHAT) -> list[str]:
    await eventually(lambda: len(api.to(chat)) >= count, f"{count} messages")
    return api.to(chat)


async def test_the_first_message_is_greeted_and_answered(bot: Bot, api: FakeBotApi) -> None:
    await api.say(CHAT, "does it hurt?")
    greeting, answer = await received(api, 2)
    assert "automated assistant" in greeting
    assert answer == "You said: does it hurt?"
