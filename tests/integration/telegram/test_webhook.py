"""The webhook and the link over HTTP: who may call, and what stops Telegram from sending the same again."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, AsyncIterator, Callable, Dict, List
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from rasa.core.channels.channel import register
from sanic import Sanic
from sanic.server import AsyncioServer
from sqlalchemy import func, select

from bot.channels.chat import ChatChannel
from bot.channels.limits import Limits
from bot.channels.problems import answer_with_problems
from bot.channels.telegram import TelegramChannel, TelegramOutput
from bot.channels.tokens import ChatTokens
from bot.handout import Handout
from bot.server import MAX_BODY
from bot.settings import Settings, SettingsError, read_settings
from bot.store.database import StoreError
from bot.store.models import TelegramUpdate
from bot.supervisor import free_port
from tests.integration.telegram.conftest import CHAT, Bot, conversation, eventually, received
from tests.integration.telegram.fake import TOKEN, FakeBotApi, message

SECRET = "a-secret-of-thirty-two-characters"
WEBHOOK = "/webhooks/telegram/webhook"


class Server:
    """The channels on a real port, with a bot behind them."""

    def __init__(self, bot: Bot) -> None:
        Sanic._app_registry.pop("telegram-test", None)
        self.bot = bot
        # Sanic rewrites its own methods at a start, which only a test mode can do twice in a process
        Sanic.test_mode = True
        self.app = Sanic("telegram-test", configure_logging=False)
        self.app.config.REQUEST_MAX_SIZE = MAX_BODY
        answer_with_problems(self.app)
        register([ChatChannel(), TelegramChannel()], self.app, route="/webhooks/")
        self.app.ctx.agent = bot.agent
        self.app.ctx.service = SimpleNamespace(
            settings=bot.settings,
            database=bot.database,
            live=bot.live,
            turns=bot.turns,
            outbox=bot.outbox,
            limits=Limits(False),
            tokens=ChatTokens("k" * 32, 1),
            checks=SimpleNamespace(booking_tokens=bot.tokens),
        )
        self._server: AsyncioServer = None

    async def start(self) -> Server:
        port = free_port()
        self._server = await self.app.create_server("127.0.0.1", port, return_asyncio_server=True)
        await self._server.startup()
        await self._server.start_serving()
        self.app.ctx.telegram = self.bot.telegram
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20)
        return self

    async def stop(self) -> None:
        await self.http.aclose()
        self._server.close()
        await self._server.wait_closed()
        for connection in list(self._server.connections):
            connection.abort()

    async def deliver(self, update: Any, secret: Any = SECRET, raw: Any = None) -> httpx.Response:
        headers = {"content-type": "application/json"}
        if secret is not None:
            headers["X-Telegram-Bot-Api-Secret-Token"] = secret
        return await self.http.post(WEBHOOK, content=raw if raw is not None else json.dumps(update), headers=headers)


@pytest.fixture
async def serve(make_bot: Callable[..., Bot]) -> AsyncIterator[Callable[..., Any]]:
    """Starts servers that are stopped in the end."""
    made: List[Server] = []

    async def start(**settings: Any) -> Server:
        bot = make_bot(
            **{
                "telegram_mode": "webhook",
                "telegram_webhook_url": f"https://assistant.example{WEBHOOK}",
                "telegram_webhook_secret": SECRET,
                **settings,
            }
        ).start()
        server = await Server(bot).start()
        made.append(server)
        return server

    yield start
    for server in made:
        await server.stop()


def kept(server: Server) -> int:
    with server.bot.database.reading() as session:
        return int(session.scalar(select(func.count()).select_from(TelegramUpdate)))


def update(number: int, text: str = "hello") -> Dict[str, Any]:
    return {"update_id": number, "message": message(CHAT, number, text)}


async def test_telegram_is_told_the_address_the_secret_and_what_to_send(serve: Any, api: FakeBotApi) -> None:
    await serve()
    (told,) = await eventually(lambda: api.calls["setWebhook"])
    assert told["url"] == f"https://assistant.example{WEBHOOK}"
    assert told["secret_token"] == SECRET
    assert "callback_query" in told["allowed_updates"]
    assert api.calls["getUpdates"] == []


async def test_an_update_with_the_secret_is_answered(serve: Any, api: FakeBotApi) -> None:
    server = await serve()
    assert (await server.deliver(update(1))).status_code == 200
    assert (await received(api, 2))[1] == "You said: hello"


async def test_one_delivered_twice_is_answered_once(serve: Any, api: FakeBotApi) -> None:
    server = await serve()
    for number in (1, 1, 2):
        assert (await server.deliver(update(number, f"message {number}"))).status_code == 200
    assert (await received(api, 3))[1:] == ["You said: message 1", "You said: message 2"]


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET + "x", SECRET[:-1], "é" * 20])
async def test_a_forged_update_is_refused_and_not_kept(serve: Any, secret: Any) -> None:
    server = await serve()
    headers = {} if secret is None else {"X-Telegram-Bot-Api-Secret-Token": secret.encode()}
    refused = await server.http.post(WEBHOOK, json=update(1), headers=headers)
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"
    assert kept(server) == 0


async def test_the_secret_comes_before_the_body(serve: Any) -> None:
    server = await serve()
    assert (await server.deliver(None, secret="wrong", raw=b"{not json")).status_code == 401


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{not json",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b"[" * 30_000,
        b'{"update_id":5,"message":' + b'{"a":' * 8_000 + b"1" + b"}" * 8_000 + b"}",
        b'{"update_id": "5"}',
        b'{"update_id": 5, "from_the_future": {"a": 1}}',
        b'{"update_id": 5, "message": null}',
        b'{"update_id": 5, "poll_answer": {"option_ids": [0]}}',
    ],
    ids=lambda raw: repr(raw[:30]),
)
async def test_what_cannot_be_read_is_not_sent_again_and_stops_nothing(serve: Any, api: FakeBotApi, raw: bytes) -> None:
    server = await serve()
    assert (await server.deliver(None, raw=raw)).status_code == 200
    assert kept(server) == 0
    assert (await server.deliver(update(6))).status_code == 200
    assert (await received(api, 2))[1] == "You said: hello"


async def test_json_nested_just_deep_enough_to_be_read_is_kept_or_dropped_but_never_a_crash(serve: Any) -> None:
    server = await serve()
    for depth in range(100, 1100, 50):
        raw = b'{"update_id":%d,"message":{"chat":{"id":7,"type":"private"},"text":"x","deep":' % depth
        raw += b"[" * depth + b"]" * depth + b"}}"
        assert (await server.deliver(None, raw=raw)).status_code == 200


async def test_a_megabyte_is_refused(serve: Any) -> None:
    server = await serve()
    refused = await server.deliver(update(1, "x" * 1_000_000))
    assert refused.status_code == 413
    assert kept(server) == 0


async def test_an_update_that_cannot_be_kept_has_to_be_sent_again(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server = await serve()

    def away() -> Any:
        raise StoreError("The database is away.")

    monkeypatch.setattr(server.bot.database, "transaction", away)
    refused = await server.deliver(update(1))
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0


async def test_in_polling_mode_there_is_no_webhook(serve: Any) -> None:
    server = await serve(telegram_mode="polling")
    assert (await server.deliver(update(1))).status_code == 404


async def test_an_earlier_webhook_is_removed_before_polling(make_bot: Callable[..., Bot], api: FakeBotApi) -> None:
    make_bot().start()
    await eventually(lambda: api.calls["getUpdates"])
    assert len(api.calls["deleteWebhook"]) == 1


async def test_only_post_is_taken(serve: Any) -> None:
    server = await serve()
    assert (await server.http.get(WEBHOOK)).status_code == 405


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("TELEGRAM_BOT_TOKEN", "no token at all", "BotFather"),
        ("TELEGRAM_MODE", "carrier pigeon", "polling"),
        ("TELEGRAM_API_BASE", "ftp://x", "https://"),
        ("TELEGRAM_WEBHOOK_SECRET", "short", "openssl"),
        ("TELEGRAM_WEBHOOK_SECRET", "has a blank in its very middle", "openssl"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        read_settings(None)
    assert name in str(refused.value)
    assert told in str(refused.value)


@pytest.mark.parametrize("missing", ["TELEGRAM_WEBHOOK_URL", "TELEGRAM_WEBHOOK_SECRET"])
def test_a_webhook_needs_its_address_and_its_secret(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for name, value in {
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "TELEGRAM_MODE": "webhook",
        "TELEGRAM_WEBHOOK_URL": "https://assistant.example" + WEBHOOK,
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
    }.items():
        monkeypatch.setenv(name, value)
    read_settings(None)
    monkeypatch.setenv(missing, "")
    with pytest.raises(SettingsError) as refused:
        read_settings(None)
    assert missing in str(refused.value)


def test_the_settings_do_not_print_token_and_secret() -> None:
    chosen = Settings(_env_file=None, telegram_bot_token=TOKEN, telegram_webhook_secret=SECRET)
    assert TOKEN not in repr(chosen)
    assert SECRET not in repr(chosen)


class TestLink:
    async def open(self, server: Server) -> Dict[str, str]:
        opened = (await server.http.post("/chat/sessions", json={})).json()
        return {"Authorization": f"Bearer {opened['token']}"}

    async def test_a_conversation_of_the_website_goes_on_in_telegram(self, serve: Any, api: FakeBotApi) -> None:
        server = await serve()
        headers = await self.open(server)

        async def linked() -> Any:
            answer = await server.http.post("/chat/link", json={}, headers=headers)
            return answer if answer.status_code == 201 else None

        url = urlsplit((await eventually(linked)).json()["url"])
        assert (url.scheme, url.netloc, url.path) == ("https", "t.me", "/harbour_bot")
        (token,) = parse_qs(url.query)["start"]
        await server.deliver(update(1, f"/start {token}"))
        assert (await received(api, 2))[0] == Handout.load().say("telegram.linked")
        history = (await server.http.get("/chat/history", headers=headers)).json()["messages"]
        assert history[-1]["text"] == history[0]["text"]
        said = await server.http.post("/chat/messages", json={"text": "hello"}, headers=headers)
        assert said.status_code == 200
        assert (await received(api, 3))[2] == "You said: hello"

    async def test_nobody_links_a_conversation_without_its_token(self, serve: Any) -> None:
        server = await serve()
        assert (await server.http.post("/chat/link", json={})).status_code == 401

    async def test_where_there_is_no_telegram_it_is_said_to_be_so(self, serve: Any) -> None:
        server = await serve()
        headers = await self.open(server)
        server.app.ctx.telegram = None
        answer = await server.http.post("/chat/link", json={}, headers=headers)
        assert answer.status_code == 404
        assert "Telegram" in answer.json()["detail"]
        assert (await server.deliver(update(1))).status_code == 404


async def test_what_rasa_says_by_itself_goes_out_like_all_else(serve: Any, api: FakeBotApi) -> None:
    server = await serve()
    await server.deliver(update(1, "/start"))
    await received(api, 1)
    output = TelegramOutput(server.app.ctx.service)
    await output.send_text_message(conversation(server.bot), "Time for a walk.")
    assert (await received(api, 2))[1] == "Time for a walk."
