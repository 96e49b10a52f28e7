"""The Bot API's pace, with a clock that only moves when something waits."""

from __future__ import annotations

import time
from typing import List

import pytest

from bot.telegram.pace import Pace


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000_000.0
        self.slept: List[float] = []
        monkeypatch.setattr(time, "time", lambda: self.now)
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(sleep=clock.sleep)


async def test_the_second_message_to_a_chat_waits_for_its_second(pace: Pace, clock: Clock) -> None:
    began = clock.now
    for _ in range(3):
        await pace.wait(7)
    assert 2.0 <= clock.now - began < 2.5


async def test_chats_do_not_wait_for_each_other(pace: Pace, clock: Clock) -> None:
    for chat in range(30):
        await pace.wait(chat)
    assert clock.slept == []


async def test_more_than_thirty_in_a_second_wait_whatever_the_chat(pace: Pace, clock: Clock) -> None:
    began = clock.now
    for chat in range(31):
        await pace.wait(chat)
    assert 1.0 <= clock.now - began < 1.5


async def test_an_emergency_does_not_wait_for_the_chats_second(pace: Pace, clock: Clock) -> None:
    await pace.wait(7)
    await pace.wait(7, urgent=True)
    assert clock.slept == []


async def test_a_pause_that_the_bot_api_asked_for_holds_everything(pace: Pace, clock: Clock) -> None:
    pace.pause(12)
    began = clock.now
    await pace.wait(7, urgent=True)
    assert clock.now - began >= 12
    assert pace.paused == 0
