"""Two servers on one PostgreSQL and one Redis: one dies in the middle, and no client notices more than a wait."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple

import httpx
import pytest

from tests.conftest import Running
from tests.integration.servers import RedisServer, postgres_server

CLIENTS = 64
SAID = ("can I go swimming after?", "does it hurt?", "what should I wear?", "will I bruise?")
PATIENCE_SECONDS = 150.0


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Tuple[Running, Running]]:
    """Both servers, on the same database and the same Redis."""
    redis = RedisServer(tmp_path)
    redis.start()
    with postgres_server() as database:
        servers = [
            Running(tmp_path / name, DATABASE_URL=database.url, REDIS_URL=redis.url) for name in ("one", "other")
        ]
        for server in servers:
            server.log.parent.mkdir()
            server.start()
        yield servers[0], servers[1]
        for server in servers:
            assert server.process is not None
            if server.process.poll() is None:
                server.stop()
    redis.stop()


class Person:
    """A client's page: it repeats a request that brought no answer, with the same key, wherever it is answered."""

    def __init__(self, http: httpx.AsyncClient, urls: List[str]) -> None:
        self._http = http
        self._urls = urls
        self.headers: Dict[str, str] = {}

    async def open(self) -> None:
        opened = await self._ask("/chat/sessions", {}, {})
        self.headers = {"Authorization": f"Bearer {opened['token']}"}

    async def say(self, text: str) -> Any:
        return await self._ask("/chat/messages", {"text": text}, {**self.headers, "Idempotency-Key": str(uuid.uuid4())})

    async def _ask(self, path: str, body: Any, headers: Dict[str, str]) -> Any:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_SECONDS
        while loop.time() < deadline:
            try:
                response = await self._http.post(self._urls[0] + path, json=body, headers=headers)
                if response.status_code in (200, 201):
                    return response.json()
                assert response.status_code == 503, response.text
            except httpx.TransportError:
                # the server is gone: the proxy in front sends the client to another
                self._urls.reverse()
            await asyncio.sleep(0.5)
        pytest.fail("there was no answer")


@pytest.mark.slow
async def test_every_message_is_answered_once_and_in_order_though_a_server_dies(two: Tuple[Running, Running]) -> None:
    dying, staying = two
    timeout = httpx.Timeout(60)
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False) as http:
        people = [
            Person(http, [dying.url, staying.url] if number % 2 else [staying.url, dying.url])
            for number in range(CLIENTS)
        ]
        await talk_while(people, lambda: kill(dying))
        for person in people:
            await assert_answered_once_and_in_order(http, staying.url, person)


async def talk_while(people: Sequence[Person], something_happens: Callable[[], None]) -> None:
    """Let everybody say `SAID`; something happens as soon as the first answer is there."""
    first = asyncio.Event()

    async def talk(person: Person) -> None:
        await person.open()
        for text in SAID:
            assert (await person.say(text))["messages"]
            first.set()

    talking = [asyncio.create_task(talk(person)) for person in people]
    await first.wait()
    something_happens()
    await asyncio.gather(*talking)


async def assert_answered_once_and_in_order(http: httpx.AsyncClient, url: str, person: Person) -> None:
    history = (await http.get(f"{url}/chat/history", headers=person.headers)).json()["messages"]
    said = [message["text"] for message in history if message["from"] == "client"]
    assert said == list(SAID)
    senders = [message["from"] for message in history]
    answered = [senders[place + 1] for place, sender in enumerate(senders) if sender == "client"]
    assert answered == ["assistant"] * len(SAID)


def kill(server: Running) -> None:
    """End every process of a server at once, as a power cut does."""
    assert server.process is not None
    children = server.children()
    os.kill(server.process.pid, signal.SIGKILL)
    for child in children.values():
        os.kill(child, signal.SIGKILL)
    server.process.wait()
