"""`WORKERS=2`: one port, whichever worker answers; one of them dies, and a pushed message reaches every stream."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Iterator, List

import httpx
import jwt
import pytest

from bot.dialogue.message import Message
from bot.dialogue.transcript import add_messages
from bot.store.database import Database
from tests.conftest import Running
from tests.e2e.test_two_servers import Person, assert_answered_once_and_in_order, talk_while
from tests.integration.servers import RedisServer

CLIENTS = 24
STREAMS = 8
SOON = 30


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Running]:
    redis = RedisServer(tmp_path)
    redis.start()
    server = Running(tmp_path, WORKERS="2", REDIS_URL=redis.url)
    server.start()
    yield server
    server.stop()
    redis.stop()


def connections() -> httpx.AsyncClient:
    """A new connection for each request, so that the system hands them to both workers."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx.AsyncClient(timeout=httpx.Timeout(60), limits=limits, trust_env=False)


@pytest.mark.slow
async def test_every_message_is_answered_once_and_in_order_though_a_worker_dies(workers: Running) -> None:
    async with connections() as http:
        people = [Person(http, [workers.url]) for _ in range(CLIENTS)]
        await talk_while(people, lambda: os.kill(workers.children()["serve"], signal.SIGKILL))
        for person in people:
            await assert_answered_once_and_in_order(http, workers.url, person)


@pytest.mark.slow
async def test_a_pushed_message_reaches_the_streams_of_both_workers(workers: Running) -> None:
    async with connections() as http:
        person = Person(http, [workers.url])
        await person.open()
        token = person.headers["Authorization"].removeprefix("Bearer ")
        conversation = jwt.decode(token, options={"verify_signature": False})["sub"]
        heard: List[str] = []
        open_streams = asyncio.Semaphore(0)

        async def listen() -> None:
            async with http.stream("GET", f"{workers.url}/chat/events", headers=person.headers) as response:
                open_streams.release()
                async for line in response.aiter_lines():
                    if "the towels are warm" in line:
                        heard.append(line)
                        return

        listening = [asyncio.create_task(listen()) for _ in range(STREAMS)]
        for _ in listening:
            await asyncio.wait_for(open_streams.acquire(), SOON)
        # another process than either worker, as the desk of another machine is
        database = Database(f"sqlite:///{workers.var / 'assistant.db'}")
        with database.transaction() as session:
            message = Message("the towels are warm", "notice").as_dict()
            add_messages(session, conversation, [message], sender="therapist", pushed=True)
        await asyncio.wait_for(asyncio.gather(*listening), SOON)
        assert len(heard) == STREAMS
