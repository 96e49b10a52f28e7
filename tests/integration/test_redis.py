"""What several servers share through Redis, and what happens while it is away. Against a real Redis."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Iterator

import pytest
from rasa.core.lock_store import LockError, LockStore, RedisLockStore

from bot.channels.limits import Limits
from bot.channels.problems import Problem, as_problem
from bot.channels.relay import RelayedLive
from bot.server import lock_endpoint
from tests.integration.servers import RedisServer


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.stop()


def used_up(limits: Limits, who: str) -> bool:
    """Whether 30 more sessions are refused before their end."""
    try:
        for _ in range(30):
            limits.hit("sessions", who)
    except Problem as problem:
        return problem.status == 429 and int(problem.headers["Retry-After"]) >= 1
    return False


def test_two_servers_count_a_client_together(redis: RedisServer) -> None:
    one, other = Limits(True, redis.url), Limits(True, redis.url)
    assert not used_up(one, "a client")
    with pytest.raises(Problem):
        other.hit("sessions", "a client")
    other.hit("sessions", "another client")


def test_while_redis_is_away_each_server_counts_for_itself(redis: RedisServer) -> None:
    limits = Limits(True, redis.url)
    limits.hit("sessions", "a client")
    redis.stop()
    assert not used_up(limits, "a client")
    assert used_up(limits, "a client")


async def test_a_turn_is_locked_on_every_server(redis: RedisServer) -> None:
    one, other = (LockStore.create(lock_endpoint(redis.url)) for _ in range(2))
    assert isinstance(one, RedisLockStore)
    order = []

    async def second() -> None:
        async with other.lock("conversation", 30, 0.01):
            order.append("second")

    async with one.lock("conversation", 30, 0.01):
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0)
        order.append("first")
    await waiting
    assert order == ["first", "second"]


async def test_without_redis_a_turn_is_refused_and_the_client_told_to_try_again(redis: RedisServer) -> None:
    store = LockStore.create(lock_endpoint(redis.url))
    redis.stop()
    with pytest.raises(LockError) as refused:
        async with store.lock("conversation", 30, 0.01):
            pytest.fail("nobody kept the lock")
    problem = as_problem(refused.value)
    assert (problem.status, problem.headers["Retry-After"]) == (503, "5")


async def test_a_change_on_one_server_wakes_those_who_watch_on_another(redis: RedisServer) -> None:
    one, other = RelayedLive(redis.url), RelayedLive(redis.url)
    try:
        assert await asyncio.get_running_loop().run_in_executor(None, other.listening.wait, 10)
        async with aclosing(other.watch("desk", every=60)) as watch:
            await watch.__anext__()
            woken = asyncio.ensure_future(watch.__anext__())
            await asyncio.sleep(0)
            one.changed("desk")
            await asyncio.wait_for(woken, 20)
    finally:
        one.close()
        other.close()


async def test_watchers_look_again_when_redis_comes_back(redis: RedisServer) -> None:
    live = RelayedLive(redis.url)
    try:
        in_thread = asyncio.get_running_loop().run_in_executor
        assert await in_thread(None, live.listening.wait, 10)
        redis.stop()
        async with aclosing(live.watch("desk", every=60)) as watch:
            await watch.__anext__()
            woken = asyncio.ensure_future(watch.__anext__())
            await asyncio.sleep(0)
            await in_thread(None, redis.start)
            await asyncio.wait_for(woken, 30)
    finally:
        live.close()
