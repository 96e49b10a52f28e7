"""The event stream on a real socket: what is pushed, in order, once, over breaks and restarts."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import Any, AsyncIterator, Callable, Dict, List, Tuple

import httpx
import pytest

from bot.channels.events import BATCH, STREAMS
from bot.dialogue.message import Message
from bot.dialogue.transcript import add_messages
from bot.escalation import add_reason
from bot.store.models import Conversation
from tests.integration.conftest import Server

Event = Tuple[str, Dict[str, Any]]


class Stream:
    """An open stream, read event by event."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines
        self.comments = 0

    async def next(self) -> Event:
        name = ""
        while True:
            line = await asyncio.wait_for(self._lines.__anext__(), 10)
            if line.startswith("id: "):
                name = line[4:]
            elif line.startswith("data: "):
                return name, json.loads(line[6:])
            elif line == ":":
                self.comments += 1

    async def take(self, count: int) -> List[str]:
        return [(await self.next())[1]["text"] for _ in range(count)]


@asynccontextmanager
async def listening(server: Server, **headers: str) -> AsyncIterator[Stream]:
    async with (
        httpx.AsyncClient(base_url=server.url, timeout=10) as client,
        client.stream("GET", "/chat/events", headers=server.headers("c", **headers)) as response,
    ):
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response.aiter_lines())


def begin(server: Server) -> None:
    with server.service.database.transaction() as session:
        session.add(Conversation(id="c", channel="chat"))
        session.flush()
        add_messages(session, "c", [Message("Hello", "notice").as_dict()])


def push(server: Server, *texts: str) -> None:
    with server.service.database.transaction() as session:
        messages = [Message(text, "answer").as_dict() for text in texts]
        add_messages(session, "c", messages, sender="therapist", pushed=True)


async def test_what_the_therapist_writes_arrives_as_an_event_and_replies_do_not(serving: Callable[[], Any]) -> None:
    async with serving() as server:
        begin(server)
        async with listening(server) as stream:
            with server.service.database.transaction() as session:
                add_messages(session, "c", [Message("a direct reply", "answer").as_dict()], reply_to=1)
                case = add_reason(session, "c", "human", "a person")
                server.service.casework.reply(session, case.number, "Come <b>Tuesday</b>.", "therapist", "r1")
            _, joined = await stream.next()
            name, reply = await stream.next()
        assert "joined" in joined["text"]
        assert (reply["from"], reply["text"]) == ("therapist", "Come <b>Tuesday</b>.")
        assert name.isdigit()


async def test_a_message_with_line_breaks_is_one_event(serving: Callable[[], Any]) -> None:
    async with serving() as server:
        begin(server)
        push(server, "one\n\ndata: two\nid: 7")
        async with listening(server) as stream:
            assert await stream.take(1) == ["one\n\ndata: two\nid: 7"]


async def test_nothing_is_lost_and_nothing_repeated_over_a_break_and_a_restart(serving: Callable[[], Any]) -> None:
    async with serving() as server:
        begin(server)
        async with listening(server) as stream:
            push(server, "one", "two")
            await stream.next()
            last, two = await stream.next()
        assert two["text"] == "two"
        push(server, "while nobody listened")
    async with serving() as server:
        push(server, "after the restart")
        async with listening(server, **{"Last-Event-ID": last}) as stream:
            assert await stream.take(2) == ["while nobody listened", "after the restart"]


async def test_a_reader_of_the_history_goes_on_after_its_last_message(serving: Callable[[], Any]) -> None:
    async with serving() as server:
        begin(server)
        push(server, "known from the history")
        async with httpx.AsyncClient(base_url=server.url) as client:
            known = (await client.get("/chat/history", headers=server.headers("c"))).json()["messages"]
        push(server, "new")
        async with listening(server, **{"Last-Event-ID": known[-1]["id"]}) as stream:
            assert await stream.take(1) == ["new"]


async def test_more_than_one_batch_arrives_whole_and_in_order(serving: Callable[[], Any]) -> None:
    texts = [f"message {n}" for n in range(2 * BATCH + 3)]
    async with serving() as server:
        begin(server)
        push(server, *texts)
        async with listening(server) as stream:
            assert await stream.take(len(texts)) == texts


async def test_a_message_that_another_process_wrote_is_seen_without_a_hint(serving: Callable[[], Any]) -> None:
    async with serving() as server:
        begin(server)
        async with listening(server) as stream:
            server.service.database.on_commit = lambda topics: None
            push(server, "from elsewhere")
            assert await stream.take(1) == ["from elsewhere"]


async def test_a_reader_who_does_not_read_holds_up_nobody_and_piles_up_nothing(serving: Callable[[], Any]) -> None:
    async with serving() as server:
        begin(server)
        push(server, *(f"{n}:" + "x" * 4000 for n in range(1500)))
        _, stuck_writer = await asyncio.open_connection(*server.url.removeprefix("http://").split(":"))
        token = server.headers("c")["Authorization"]
        stuck_writer.write(f"GET /chat/events HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n".encode())
        await stuck_writer.drain()
        read: List[int] = []
        after = server.service.events._after
        server.service.events._after = lambda *given: read.append(1) or after(*given)
        async with listening(server) as stream:
            assert len(await stream.take(1500)) == 1500
        # the reader that reads needs 76 looks; the stuck one stopped after what the sockets hold
        assert len(read) < 2 * 1500 / BATCH
        stuck_writer.close()


async def test_a_stream_that_is_left_is_forgotten(serving: Callable[[], Any]) -> None:
    async with serving() as server:
        begin(server)
        push(server, "one")
        async with listening(server) as stream:
            await stream.take(1)
            assert server.service.live._waiters
        for _ in range(200):
            if not server.service.live._waiters:
                break
            await asyncio.sleep(0.02)
        assert server.service.live._waiters == {}
        assert not server.service.events._open


async def test_a_stream_ends_when_the_conversation_is_deleted(serving: Callable[[], Any]) -> None:
    async with serving() as server:
        begin(server)
        push(server, "one")
        async with listening(server) as stream:
            await stream.take(1)
            with server.service.database.transaction() as session:
                session.delete(session.get(Conversation, "c"))
            with pytest.raises(StopAsyncIteration):
                await stream.next()


async def test_a_stream_ends_when_the_server_stops(serving: Callable[[], Any]) -> None:
    async with serving() as server:
        begin(server)
        push(server, "one")
        async with listening(server) as stream:
            await stream.take(1)
            server.service.live.close()
            with pytest.raises(StopAsyncIteration):
                await stream.next()


@pytest.mark.parametrize(
    ("conversation", "last", "status"), [("c", "nonsense", 422), ("c", "9" * 40, 422), ("gone", "", 404)]
)
async def test_a_stream_that_cannot_begin_is_a_problem(
    serving: Callable[[], Any], conversation: str, last: str, status: int
) -> None:
    async with serving() as server:
        begin(server)
        headers = server.headers(conversation, **({"Last-Event-ID": last} if last else {}))
        async with httpx.AsyncClient(base_url=server.url) as client:
            refused = await client.get("/chat/events", headers=headers)
        assert refused.status_code == status
        assert refused.headers["content-type"] == "application/problem+json"


async def test_one_conversation_has_a_limited_number_of_streams(serving: Callable[[], Any]) -> None:
    async with serving() as server:
        begin(server)
        server.service.events._open["c"] = STREAMS
        async with httpx.AsyncClient(base_url=server.url) as client:
            refused = await client.get("/chat/events", headers=server.headers("c"))
        assert refused.status_code == 429
        assert refused.headers["retry-after"]
