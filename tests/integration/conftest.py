"""A server of ours on a real socket, without models: the chat's routes, a real database, no dialogue."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, AsyncIterator, Callable, Dict

import pytest
from rasa.core.channels.channel import register
from sanic import Sanic

from bot.booking import BookingTokens, new_signing_key
from bot.channels.chat import ChatChannel
from bot.channels.events import Events
from bot.channels.limits import Limits
from bot.channels.live import Live
from bot.channels.problems import answer_with_problems
from bot.channels.tokens import ChatTokens
from bot.channels.turn import Turns
from bot.dialogue.casework import Casework
from bot.dialogue.message import Message
from bot.handout import Handout
from bot.rights import ExportTickets
from bot.settings import Settings
from bot.store.database import Database
from bot.supervisor import free_port


@dataclass
class Server:
    """A running server and what is behind it."""

    url: str
    service: Any

    def headers(self, conversation_id: str, **more: str) -> Dict[str, str]:
        """What a client of this conversation sends."""
        return {"Authorization": f"Bearer {self.service.tokens.issue(conversation_id)}", **more}


@pytest.fixture(scope="session")
def handout() -> Handout:
    return Handout.load()


@pytest.fixture
def serving(tmp_path: Path, handout: Handout) -> Callable[[], Any]:
    """Starts a server on the test's database; several may follow one another."""
    chosen = Settings(_env_file=None, booking_url="https://booking.example/")
    tokens = BookingTokens(new_signing_key())

    @asynccontextmanager
    async def serve() -> AsyncIterator[Server]:
        database = Database(f"sqlite:///{tmp_path / 'a.db'}")
        database.migrate()
        live = Live()
        database.on_commit = live.changed_all
        service = SimpleNamespace(
            settings=chosen,
            database=database,
            live=live,
            events=Events(database, live, tokens, poll=0.05),
            casework=Casework(handout, chosen, tokens, validity_days=30),
            turns=Turns(database, None, None, lambda: Message("Hello", "notice")),  # type: ignore[arg-type]
            tokens=ChatTokens("a key that is long enough to sign with", 30),
            limits=Limits(False),
            tickets=ExportTickets("a key that is long enough to sign with"),
            checks=SimpleNamespace(booking_tokens=tokens),
        )
        port = free_port()
        Sanic._app_registry.clear()
        app = Sanic("test", configure_logging=False)
        # Sanic rewrites its own methods at a start, which only a test mode can do twice in a process
        Sanic.test_mode = True
        answer_with_problems(app)
        register([ChatChannel()], app, route="/webhooks/")
        app.ctx.service = service
        server = await app.create_server("127.0.0.1", port, return_asyncio_server=True)
        assert server is not None
        await server.startup()
        await server.start_serving()
        try:
            yield Server(f"http://127.0.0.1:{port}", service)
        finally:
            live.close()
            server.close()
            await server.wait_closed()
            for connection in list(server.connections):
                connection.abort() if hasattr(connection, "abort") else connection.close()

    return serve
