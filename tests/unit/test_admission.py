"""How many messages are answered at a time, and what those hear who are too many."""

from __future__ import annotations

import asyncio

import pytest

from bot.channels.admission import Admission
from bot.channels.problems import Problem


async def hold(admission: Admission, let_go: asyncio.Event, inside: asyncio.Semaphore) -> None:
    async with admission.place():
        inside.release()
        await let_go.wait()


async def test_only_so_many_are_inside_and_the_next_follows_when_one_leaves() -> None:
    admission, inside = Admission(at_once=2, waiting=5), asyncio.Semaphore(0)
    let_go = [asyncio.Event() for _ in range(3)]
    tasks = [asyncio.create_task(hold(admission, event, inside)) for event in let_go]
    await inside.acquire()
    await inside.acquire()
    assert inside.locked()
    let_go[0].set()
    await inside.acquire()
    for event in let_go:
        event.set()
    await asyncio.gather(*tasks)


async def test_who_finds_too_many_waiting_is_told_to_come_back() -> None:
    admission, inside, let_go = Admission(at_once=1, waiting=1), asyncio.Semaphore(0), asyncio.Event()
    tasks = [asyncio.create_task(hold(admission, let_go, inside)) for _ in range(2)]
    await inside.acquire()
    with pytest.raises(Problem) as refused:
        async with admission.place():
            pytest.fail("there was no place")
    assert refused.value.status == 503
    assert int(refused.value.headers["Retry-After"]) >= 1
    let_go.set()
    await asyncio.gather(*tasks)


async def test_a_place_is_free_again_after_a_failure() -> None:
    admission = Admission(at_once=1, waiting=0)
    with pytest.raises(RuntimeError):
        async with admission.place():
            raise RuntimeError
    async with admission.place():
        pass
