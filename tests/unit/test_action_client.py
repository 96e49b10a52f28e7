"""Calls to the action server: what is kept between them and what is refused."""

from __future__ import annotations

import asyncio
from typing import Any, Dict, Iterator

import fastjsonschema
import pytest
from aiohttp import web
from rasa.core.actions.action import RemoteAction

from bot import logs
from bot.action_client import ActionServer, check_responses_with_a_compiled_schema


@pytest.fixture
def compiled() -> Iterator[RemoteAction]:
    stock = RemoteAction._validate_action_result
    check_responses_with_a_compiled_schema()
    yield RemoteAction("action_answer", None)
    RemoteAction._validate_action_result = stock


@pytest.mark.parametrize(
    "response",
    [
        {"events": [], "responses": []},
        {"events": [{"event": "slot", "name": "memory", "value": {"passages": []}}], "responses": [{"custom": {}}]},
    ],
)
def test_what_stock_rasa_accepts_is_accepted(compiled: RemoteAction, response: Dict[str, Any]) -> None:
    assert compiled._validate_action_result(response) is True


@pytest.mark.parametrize(
    "response",
    [{"events": [{"event": "no such event"}]}, {"events": [{"event": "slot"}]}, {"responses": ["words"]}, []],
)
def test_what_stock_rasa_refuses_is_refused(compiled: RemoteAction, response: Any) -> None:
    with pytest.raises(fastjsonschema.JsonSchemaException):
        compiled._validate_action_result(response)


async def test_calls_share_a_connection_and_a_restarted_server_is_found_again() -> None:
    peers, ids = set(), set()

    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        ids.add(request.headers["X-Request-Id"])
        return web.json_response({"events": [], "responses": []})

    async def listen(port: int) -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/webhook", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return runner

    first = await listen(0)
    port = first.addresses[0][1]
    endpoint = ActionServer(f"http://127.0.0.1:{port}")
    begun = logs.begin_request()
    for _ in range(3):
        assert await endpoint.request(json={}) == {"events": [], "responses": []}
    assert len(peers) == 1
    assert ids == {begun}
    await first.cleanup()
    await asyncio.sleep(0)
    second = await listen(port)
    assert await endpoint.request(json={}) == {"events": [], "responses": []}
    await endpoint.close()
    await second.cleanup()


async def test_an_action_server_that_is_away_is_said_to_be_so_and_one_that_is_there_to_be_well() -> None:
    async def healthy(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    app = web.Application()
    app.router.add_get("/health", healthy)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server = ActionServer(f"http://127.0.0.1:{runner.addresses[0][1]}")
    assert await server.state() == "ok"
    await runner.cleanup()
    assert await server.state() == "not reachable"
    await server.close()
