"""Too much at once, on a real socket: who is refused, what they are told, and who is answered all the same."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, AsyncIterator, Callable, Optional, Type

import httpx
from rasa.core.lock_store import InMemoryLockStore
from sanic import Sanic

from bot.channels.admission import AT_ONCE, Admission
from bot.channels.limits import Limits
from bot.channels.turn import Turns
from bot.dialogue.message import Message
from bot.store.models import Conversation
from bot.threads import in_thread, prepare_threads
from tests.integration.conftest import Server

ALARM = Message("Call for help now.", "emergency")


class Agent:
    """Replies to every message as soon as it is let."""

    def __init__(self) -> None:
        self.lock_store = InMemoryLockStore()
        self.processor = self
        self.let = asyncio.Event()
        self.busy = asyncio.Event()

    def is_ready(self) -> bool:
        return True

    async def handle_message(self, message: Any) -> None:
        self.busy.set()
        await self.let.wait()
        await message.output_channel.send_custom_json("", Message("Yes.", "answer").as_dict())


class SlowAgent(Agent):
    """Its actions hold a thread each until they are let."""

    def __init__(self) -> None:
        super().__init__()
        self.held = threading.Semaphore(0)
        self.go_on = threading.Event()

    async def handle_message(self, message: Any) -> None:
        await in_thread(self._act)
        await super().handle_message(message)

    def _act(self) -> None:
        self.held.release()
        assert self.go_on.wait(30)


class Detector:
    """Finds one alarm."""

    def check(self, text: str) -> Optional[str]:
        return "chest_pain" if "chest pain" in text else None


@asynccontextmanager
async def overloaded(
    serving: Callable[[], Any], admission: Admission, kind: Type[Agent] = Agent
) -> AsyncIterator[tuple[Server, Any]]:
    async with serving() as server:
        parts = server.service
        alarm = SimpleNamespace(raise_in=lambda *_arguments: ALARM)
        parts.turns = Turns(parts.database, Detector(), alarm, lambda: ALARM, admission)  # type: ignore[arg-type]
        agent = Sanic.get_app("test").ctx.agent = kind()
        with parts.database.transaction() as session:
            session.add_all(Conversation(id=name, channel="chat") for name in "abcdefghijklm")
        yield server, agent


async def say(server: Server, conversation_id: str, text: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
        return await http.post(
            f"{server.url}/chat/messages", json={"text": text}, headers=server.headers(conversation_id)
        )


async def test_a_client_who_sends_without_end_is_refused_and_the_others_go_on(serving: Callable[[], Any]) -> None:
    async with overloaded(serving, Admission()) as (server, agent):
        agent.let.set()
        server.service.limits = Limits(True)
        answers = [await say(server, "a", f"message {number}") for number in range(45)]
        assert [answer.status_code for answer in answers] == [200] * 40 + [429] * 5
        assert int(answers[-1].headers["Retry-After"]) >= 1
        assert answers[-1].headers["content-type"] == "application/problem+json"
        assert (await say(server, "b", "does it hurt")).status_code == 200


async def test_when_too_many_wait_the_next_is_told_to_come_back_and_an_emergency_is_answered(
    serving: Callable[[], Any],
) -> None:
    async with overloaded(serving, Admission(at_once=1, waiting=0)) as (server, agent):
        first = asyncio.create_task(say(server, "a", "does it hurt"))
        await agent.busy.wait()
        refused = await say(server, "b", "does it hurt")
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) >= 1
        urgent = await say(server, "c", "crushing chest pain")
        assert [message["kind"] for message in urgent.json()["messages"]] == ["emergency"]
        assert not first.done()
        agent.let.set()
        assert (await first).status_code == 200
        # the message has arrived: sent again it is answered
        assert (await say(server, "b", "does it hurt")).status_code == 200


async def test_while_every_action_is_slow_an_emergency_is_answered_and_other_messages_are_written_down(
    serving: Callable[[], Any],
) -> None:
    await prepare_threads()
    async with overloaded(serving, Admission(), SlowAgent) as (server, agent):
        agent.let.set()
        slow = [asyncio.create_task(say(server, name, "does it hurt")) for name in "abcdefghijkl"]
        try:
            for _ in range(AT_ONCE):
                assert await asyncio.to_thread(agent.held.acquire, timeout=20)
            urgent = await say(server, "m", "crushing chest pain")
            assert [message["kind"] for message in urgent.json()["messages"]] == ["emergency"]
            assert not any(task.done() for task in slow)
        finally:
            agent.go_on.set()
        assert {(await task).status_code for task in slow} == {200}
